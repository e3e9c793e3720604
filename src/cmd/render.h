/*
 * render: how mq-consume writes a record: the value and a delimiter, the key before it, or by a format, or as JSON.
 */
#ifndef CMD_RENDER_H
#define CMD_RENDER_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/format.h"
#include "cmd/output.h"
#include "log/record.h"

struct render_options {
	bool quiet;
	struct buf delimiter; /* behind each record */
	bool keyed;	      /* print the key, key_delimiter, the value */
	struct buf key_delimiter;
	struct buf null;	     /* stands for null */
	const struct format *format; /* instead of all these; NULL: none */
	bool json;		     /* instead of all these */
};

/* Nothing is left of a record that cannot be written. STATUS_IO: stdout failed, or a number does not fit the format. */
int render_record(const struct render_options *, const struct format_place *, const struct record *, struct output *) MUST_USE;

#endif

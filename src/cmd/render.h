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

/* Is a record printed as its value and one byte behind it, null as nothing? Then render_line does what render_record does. */
bool render_is_line(const struct render_options *);

/* Inline, because it runs for each record. */
static ALWAYS_INLINE int
render_line(uint8_t delimiter, const struct record *r, struct output *out)
{
	size_t len = r->value_len > 0 ? (size_t)r->value_len : 0;

	if (UNLIKELY(len >= (size_t)(out->end - out->at))) {
		int rc = output_put_slowly(out, r->value, len);

		return rc == STATUS_OK ? output_put(out, &delimiter, 1) : rc;
	}
	if (LIKELY(len > 0))
		memcpy(out->at, r->value, len);
	out->at[len] = delimiter;
	out->at += len + 1;
	return STATUS_OK;
}

#endif

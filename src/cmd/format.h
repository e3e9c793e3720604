/*
 * format: how a record is printed, as mq-consume -f and mq-produce -o have it; mq-consume(1) FORMATS has the table of verbs.
 *
 *	format_parse("%p %o %k=%v\\n", &f);		once
 *	format_print(f, &place, &record, &null, &out);	for each record
 */
#ifndef CMD_FORMAT_H
#define CMD_FORMAT_H

#include <stdint.h>

#include "base/buf.h"
#include "log/record.h"

struct format;

/* What a record does not know of itself. */
struct format_place {
	const char *topic;
	int partition;
	int32_t leader_epoch;
};

/* STATUS_USAGE with what is wrong with the text, STATUS_AGAIN without memory. */
int format_parse(const char *text, struct format **) MUST_USE;
void format_free(struct format *);

/*
 * Append the record to `out`. `null` stands for a key or value that is null. STATUS_IO: a number does not fit the width that the format
 * asks for, or a date cannot be told; what was appended is to be thrown away.
 */
int format_print(const struct format *, const struct format_place *, const struct record *, const struct buf *null,
    struct buf *out) MUST_USE;

#endif

/*
 * format_print: prints records as a format says, for mq-consume -f and mq-produce -o.
 *
 *	format_print(f, &place, &record, &null, &out);	for each record
 */
#ifndef CMD_FORMAT_PRINT_H
#define CMD_FORMAT_PRINT_H

#include "base/buf.h"
#include "cmd/format.h"
#include "log/record.h"

/*
 * Append the record to `out`. `null` stands for a key or value that is null. STATUS_IO: a number does not fit the width that the format
 * asks for, or a date cannot be told; what was appended is to be thrown away.
 */
int format_print(const struct format *, const struct format_place *, const struct record *, const struct buf *null,
    struct buf *out) MUST_USE;

#endif

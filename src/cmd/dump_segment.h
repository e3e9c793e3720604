/*
 * dump_segment: a segment batch by batch, with its records if they are asked for.
 *
 * A batch that is not valid has a row that says why, and a line on stderr; the next is sought where it says it ends. Where not even its
 * header can be understood the segment ends.
 */
#ifndef CMD_DUMP_SEGMENT_H
#define CMD_DUMP_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"

/* Up to `limit` bytes of it. A failure is one that ends the dump of this file: I/O, memory, stdout. */
int dump_segment(struct sheet *, const struct dump_file *, int64_t limit, bool records) MUST_USE;

#endif

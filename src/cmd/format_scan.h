/*
 * format_scan: reads records as a format says that they were printed, for mq-produce -f.
 *
 *	format_check(f);					once: see format_check.h
 *	format_scan(f, bytes, len, ended, most, &draft, &used);	STATUS_OK: the record took `used` bytes; go on behind it
 *								STATUS_END: not all of it is there, come again with more
 *
 * A length (%K, %V) that stands before its bytes says how many they are; without one they end at the text that follows. A record's last
 * text may be missing at the end of the stream.
 */
#ifndef CMD_FORMAT_SCAN_H
#define CMD_FORMAT_SCAN_H

#include <stdbool.h>

#include "cmd/draft.h"
#include "cmd/format.h"

/*
 * Read the record at `bytes` with a format that was checked; `len` is not 0. The draft was reset, its bytes lie in the input or in its own
 * bufs. `ended`: nothing follows the `len` bytes. STATUS_DATA: they are no such record, or a length is above most_bytes.
 */
int format_scan(const struct format *, const uint8_t *bytes, size_t len, bool ended, size_t most_bytes, struct draft *,
    size_t *used) MUST_USE;

#endif

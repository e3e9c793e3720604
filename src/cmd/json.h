/*
 * json: a record as one JSON object on a line: what mq-consume -J prints and mq-produce -J reads; mq-consume(1) JSON has the fields.
 *
 * The two lose nothing: bytes that are not UTF-8 stand as base64 under another name. kcat's and rpk's spellings are read too.
 */
#ifndef CMD_JSON_H
#define CMD_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "cmd/draft.h"
#include "cmd/format.h"
#include "log/record.h"

/* The most bytes that a line may take for each byte of a record, as for \u0000; and for all that stands around them. */
#define JSON_EXPANSION 6
#define JSON_FRAME_BYTES ((size_t)64 << 10)

/* Append the object and a newline. Statuses are those of buf_append; what was appended is to be thrown away then. */
int json_print_record(const struct format_place *, const struct record *, struct buf *out) MUST_USE;

/* Append `"name":"bytes"`, or `"name_base64":"..."` if the bytes are not UTF-8, or `"name":null` if len is -1. */
int json_put_bytes(const char *name, const uint8_t *bytes, int32_t len, struct buf *out) MUST_USE;

/*
 * Read one object. STATUS_DATA if it is no JSON, has a field that is not known or is given twice, or no value: a guess would make
 * tombstones. The draft was reset; its bytes lie in its own bufs.
 */
int json_parse_record(const uint8_t *line, size_t len, struct draft *) MUST_USE;

#endif

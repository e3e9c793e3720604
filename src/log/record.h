/*
 * record: one key and value with its headers, as bytes within a batch.
 *
 *	length varint, attributes int8, timestamp delta varlong, offset delta varint, key length varint (-1 null), key,
 *	value length varint (-1 null), value, header count varint, headers (name length varint, name, value length varint, value)
 */
#ifndef LOG_RECORD_H
#define LOG_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Lengths are -1 for null. Pointers are borrowed: valid as long as the bytes that the record was decoded from. */
struct record {
	int64_t offset;	      /* absolute; ignored when encoding */
	int64_t timestamp_ms; /* since 1970; -1 none */
	const uint8_t *key;
	int32_t key_len;
	const uint8_t *value;
	int32_t value_len;
	const uint8_t *headers; /* as encoded, without their count */
	int32_t headers_len;	/* bytes */
	int32_t header_count;
};

struct record_header {
	const uint8_t *name;
	int32_t name_len; /* never -1 */
	const uint8_t *value;
	int32_t value_len; /* -1 null */
};

/* The bytes that the record takes in a batch whose base timestamp and record count so far are given; 0 if more than INT32_MAX. */
size_t record_size(const struct record *, int64_t base_timestamp_ms, int32_t offset_delta);

/* Write the record into [p, end) and return the byte behind it; NULL if it does not fit, record_size tells what it needs. */
uint8_t *record_put(uint8_t *p, const uint8_t *end, const struct record *, int64_t base_timestamp_ms, int32_t offset_delta);

/*
 * Decode the record at p and return the byte behind it; NULL if [p, end) holds no valid record. Offset and timestamp are made
 * absolute with the bases given. Headers are checked to their end.
 */
const uint8_t *record_get(const uint8_t *p, const uint8_t *end, int64_t base_offset, int64_t base_timestamp_ms, struct record *);

/*
 * Walk the headers of a record that record_get decoded, and so checked: *p begins as record->headers; call it header_count times.
 */
void record_next_header(const struct record *, const uint8_t **p, struct record_header *);

/* Append one header to a buf of encoded headers. */
int record_add_header(struct buf *headers, const struct record_header *) MUST_USE;

#endif

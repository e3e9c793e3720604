/*
 * batch: Kafka's record batch, magic 2: made by a builder, read by a cursor.
 *
 *	batch_builder_init(&b, limit);
 *	while (batch_add(&b, &record) == STATUS_OK) ...		STATUS_END: full, seal it and go on with the next
 *	batch_seal(&b);						header and CRC; the bytes are b.bytes
 *	log_append(log, &b.bytes, ...)				sets base offset and leader epoch, which the CRC does not cover
 *	batch_builder_reset(&b);
 */
#ifndef LOG_BATCH_H
#define LOG_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/status.h"
#include "log/format.h"
#include "log/record.h"

/* The fixed part of a batch, decoded. */
struct batch_header {
	int64_t base_offset;
	int32_t length; /* bytes behind the prefix */
	int32_t leader_epoch;
	int8_t magic;
	uint32_t crc;
	uint16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t record_count;
};

/* A batch as a reader gives it; the bytes are all of it, and valid as long as the reader says. */
struct batch_view {
	struct batch_header header;
	const uint8_t *bytes;
};

/* Bytes of the whole batch, and the offset behind its last record. */
int64_t batch_bytes(const struct batch_header *);
int64_t batch_end_offset(const struct batch_header *);
/* The sequence number of its last record, -1 without a producer; wraps at 2^31 as Kafka's do (DefaultRecordBatch.incrementSequence). */
int32_t batch_last_sequence(const struct batch_header *);
/* "none", "gzip", ... for the codec in the attributes; "unknown" for 5 to 7. */
const char *batch_codec_name(uint16_t attributes);

/*
 * Decode the header at `bytes`, of which BATCH_HEADER_BYTES are there. STATUS_CORRUPT with the reason if it can be no batch (rules 1 to
 * 4 of mq-format(5) BATCH: length, magic, deltas, counts); STATUS_CONFIG for magic 0 and 1, which are refused by name.
 */
int batch_decode_header(const uint8_t *bytes, struct batch_header *) MUST_USE;

/*
 * The validity of a whole batch whose header was decoded and all of whose batch_bytes() are at `bytes`: its CRC. STATUS_CORRUPT if it
 * does not match.
 */
int batch_check_crc(const uint8_t *bytes, const struct batch_header *) MUST_USE;

/* Write base offset and leader epoch into a finished batch. */
void batch_set_place(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch);

/* A finished batch becomes one of this producer, with these attributes besides its own. Makes the CRC anew. */
void batch_set_producer(uint8_t *bytes, uint16_t attributes, int64_t producer_id, int16_t producer_epoch, int32_t base_sequence);

/* LogAppendTime (KIP-32): all its records bear this time. Makes the CRC anew. */
void batch_set_append_time(uint8_t *bytes, int64_t now_ms);

struct batch_builder {
	struct buf bytes; /* header (written by batch_seal) and records; [0, bytes.len) is the batch once sealed */
	size_t limit;	  /* bytes that the batch may have at most, itself at most BATCH_MAX_BYTES */
	int32_t count;	  /* records so far */
	int64_t base_timestamp_ms, max_timestamp_ms;
};

/* No memory is taken before the first record. */
void batch_builder_init(struct batch_builder *, size_t limit_bytes);
/* Empty it again; its memory is kept. */
void batch_builder_reset(struct batch_builder *);
void batch_builder_free(struct batch_builder *);

/*
 * Append a record; its bytes are copied. STATUS_END: the batch is full (it holds at least one record), nothing changed.
 * STATUS_DATA: not even an empty batch of `limit` bytes holds it; the message says how many bytes it would need.
 */
int batch_add(struct batch_builder *, const struct record *) MUST_USE;

/*
 * The same for what a log's line is, a value and nothing else, if there is room in the memory that is there and the batch holds a record
 * already. False: nothing changed, batch_add tells more. Inline, see record_put_value.
 */
static ALWAYS_INLINE bool
batch_add_value(struct batch_builder *b, const uint8_t *value, size_t len, int64_t timestamp_ms)
{
	size_t used = b->bytes.len, most = b->bytes.cap < b->limit ? b->bytes.cap : b->limit;
	uint8_t *end;

	if (UNLIKELY(b->count == 0 || used > most || most - used < RECORD_VALUE_FRAME_BYTES ||
		most - used - RECORD_VALUE_FRAME_BYTES < len))
		return false;
	end = record_put_value(b->bytes.data + used, value, len, (int64_t)((uint64_t)timestamp_ms - (uint64_t)b->base_timestamp_ms),
	    b->count);
	b->bytes.len = (size_t)(end - b->bytes.data);
	b->max_timestamp_ms = timestamp_ms > b->max_timestamp_ms ? timestamp_ms : b->max_timestamp_ms;
	b->count++;
	return true;
}

/* Write header and CRC: no producer, no codec, base offset 0. There is at least one record. */
void batch_seal(struct batch_builder *);

/* Who wrote a batch, for idempotence (KIP-98). */
struct batch_producer {
	int64_t id; /* -1 none; so are the other two then */
	int16_t epoch;
	int32_t sequence; /* of the first record; one more for each record, and 0 behind INT32_MAX */
};

/* The same, with a producer. */
void batch_seal_as(struct batch_builder *, const struct batch_producer *);

/*
 * Append the compressed form of a sealed batch to the empty buf `packed`: header, attributes and CRC are its own. Its base offset and
 * leader epoch are set later, like any batch's.
 */
int batch_compress(const struct buf *batch, enum codec, int32_t level, struct buf *packed) MUST_USE;

/*
 * Append to the empty buf a plain batch that stands in the place of another (`stored`, of whatever codec): its offsets, leader epoch,
 * producer and attributes, but only these of its records, ascending. horizon_ms >= 0 is a delete horizon, which takes the place of the base
 * timestamp (KIP-534). Without records, the header alone, as Kafka's cleaner leaves it.
 */
int batch_rebuild(const struct batch_header *stored, const struct record *records, size_t count, int64_t horizon_ms,
    struct buf *) MUST_USE;

/*
 * If the batch is compressed, put its plain form into `plain`, whose bytes are dropped, and let *bytes and the header describe that one;
 * its CRC is that of the compressed form. Nothing is done for a plain batch. STATUS_CORRUPT if the records cannot be decompressed,
 * STATUS_CONFIG if the codec is unknown or its library is missing.
 */
int batch_decompress(struct batch_header *, const uint8_t **bytes, struct buf *plain) MUST_USE;

/* Walks the records of a batch whose CRC was checked. */
struct batch_cursor {
	const uint8_t *p, *end;
	int64_t base_offset, base_timestamp_ms;
	int64_t next_offset, end_offset; /* the next record's offset lies in [next, end) */
	int64_t append_time_ms;		 /* of all records, if has_append_time */
	bool has_append_time;		 /* else they bear their own timestamps */
	int32_t left;
};

/*
 * The batch is plain, see batch_decompress: STATUS_CONFIG if it is not. The bytes must stay as long as the cursor and its records are
 * used.
 */
int batch_cursor_init(struct batch_cursor *, const uint8_t *bytes, const struct batch_header *) MUST_USE;

/*
 * batch_cursor_next's STATUS_CORRUPT, in words: of the record that ended at p (NULL: it is none) and bears this offset. By value, so that the
 * compiler may keep the cursor in registers.
 */
int batch_cursor_fail(struct batch_cursor, const uint8_t *p, int64_t offset) MUST_USE;

/*
 * The next record; STATUS_END behind the last, STATUS_CORRUPT if the records are not what the header says: so many, in so many bytes,
 * their offsets ascending and within the batch. What is not STATUS_OK comes again. Inline, for the reason that record_get gives.
 */
static ALWAYS_INLINE int
batch_cursor_next(struct batch_cursor *c, struct record *r)
{
	const uint8_t *p;

	if (c->left == 0)
		return c->p == c->end ? STATUS_END : batch_cursor_fail(*c, NULL, 0);
	p = record_get(c->p, c->end, c->base_offset, c->base_timestamp_ms, r);
	if (UNLIKELY(p == NULL || r->offset < c->next_offset || r->offset >= c->end_offset))
		return batch_cursor_fail(*c, p, p == NULL ? 0 : r->offset);
	if (UNLIKELY(c->has_append_time))
		r->timestamp_ms = c->append_time_ms;
	c->p = p;
	c->next_offset = r->offset + 1;
	c->left--;
	return STATUS_OK;
}

/* The record of a control batch. */
struct batch_marker {
	int type; /* Kafka's ControlRecordType, as CONTROL_COMMIT; -1: its key does not say */
	int64_t timestamp_ms;
	int32_t coordinator_epoch; /* of a commit or an abort, -1 none */
};

/*
 * What a control batch says. STATUS_END: nothing any more, compaction emptied it (when all batches of its transaction were gone).
 * STATUS_CORRUPT and STATUS_CONFIG as batch_cursor_init and batch_cursor_next have them.
 */
int batch_read_marker(const struct batch_view *, struct batch_marker *) MUST_USE;

#endif

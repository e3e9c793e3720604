#include "log/batch.h"

#include <bsd/sys/endian.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/status.h"

int64_t
batch_bytes(const struct batch_header *h)
{
	return BATCH_PREFIX_BYTES + (int64_t)h->length;
}

int64_t
batch_end_offset(const struct batch_header *h)
{
	return h->base_offset + h->last_offset_delta + 1;
}

int32_t
batch_last_sequence(const struct batch_header *h)
{
	if (h->base_sequence < 0)
		return -1;
	return (int32_t)(((int64_t)h->base_sequence + h->last_offset_delta) & INT32_MAX);
}

const char *
batch_codec_name(uint16_t attributes)
{
	return codec_name(attributes & BATCH_CODEC_MASK);
}

static void
decode_fields(const uint8_t *bytes, struct batch_header *h)
{
	h->base_offset = (int64_t)be64dec(bytes + BATCH_BASE_OFFSET_AT);
	h->length = (int32_t)be32dec(bytes + BATCH_LENGTH_AT);
	h->leader_epoch = (int32_t)be32dec(bytes + BATCH_LEADER_EPOCH_AT);
	h->magic = (int8_t)bytes[BATCH_MAGIC_AT];
	h->crc = be32dec(bytes + BATCH_CRC_AT);
	h->attributes = be16dec(bytes + BATCH_ATTRIBUTES_AT);
	h->last_offset_delta = (int32_t)be32dec(bytes + BATCH_LAST_OFFSET_DELTA_AT);
	h->base_timestamp_ms = (int64_t)be64dec(bytes + BATCH_BASE_TIMESTAMP_AT);
	h->max_timestamp_ms = (int64_t)be64dec(bytes + BATCH_MAX_TIMESTAMP_AT);
	h->producer_id = (int64_t)be64dec(bytes + BATCH_PRODUCER_ID_AT);
	h->producer_epoch = (int16_t)be16dec(bytes + BATCH_PRODUCER_EPOCH_AT);
	h->base_sequence = (int32_t)be32dec(bytes + BATCH_BASE_SEQUENCE_AT);
	h->record_count = (int32_t)be32dec(bytes + BATCH_RECORD_COUNT_AT);
}

int
batch_decode_header(const uint8_t *bytes, struct batch_header *h)
{
	decode_fields(bytes, h);
	/* The magic is looked at before the length: messages of magic 0 and 1 may be shorter than our header. */
	if (h->length > 0 && (h->magic == 0 || h->magic == 1))
		return status_fail(STATUS_CONFIG, "message format of magic %d, only record batches (magic 2) are read", h->magic);
	if (h->magic != BATCH_MAGIC)
		return status_fail(STATUS_CORRUPT, "magic is %d, not 2", h->magic);
	if (h->length < BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES || h->length > BATCH_MAX_BYTES - BATCH_PREFIX_BYTES)
		return status_fail(STATUS_CORRUPT, "batch length %d", h->length);
	if (h->base_offset < 0 || h->last_offset_delta < 0 || h->base_offset > INT64_MAX - 1 - h->last_offset_delta)
		return status_fail(STATUS_CORRUPT, "offsets %lld and %d more", (long long)h->base_offset, h->last_offset_delta);
	if (h->record_count < 0 || h->record_count > (int64_t)h->last_offset_delta + 1)
		return status_fail(STATUS_CORRUPT, "%d records in %lld offsets", h->record_count,
		    (long long)h->last_offset_delta + 1);
	return STATUS_OK;
}

int
batch_check_crc(const uint8_t *bytes, const struct batch_header *h)
{
	uint32_t crc = crc32c(bytes + BATCH_ATTRIBUTES_AT, (size_t)batch_bytes(h) - BATCH_ATTRIBUTES_AT);

	if (crc != h->crc)
		return status_fail(STATUS_CORRUPT, "CRC is %08x, should be %08x", crc, h->crc);
	return STATUS_OK;
}

void
batch_set_place(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch)
{
	be64enc(bytes + BATCH_BASE_OFFSET_AT, (uint64_t)base_offset);
	be32enc(bytes + BATCH_LEADER_EPOCH_AT, (uint32_t)leader_epoch);
}

static void
set_crc(uint8_t *bytes)
{
	size_t size = BATCH_PREFIX_BYTES + (size_t)be32dec(bytes + BATCH_LENGTH_AT);

	be32enc(bytes + BATCH_CRC_AT, crc32c(bytes + BATCH_ATTRIBUTES_AT, size - BATCH_ATTRIBUTES_AT));
}

void
batch_set_producer(uint8_t *bytes, uint16_t attributes, int64_t producer_id, int16_t producer_epoch, int32_t base_sequence)
{
	be16enc(bytes + BATCH_ATTRIBUTES_AT, (uint16_t)(be16dec(bytes + BATCH_ATTRIBUTES_AT) | attributes));
	be64enc(bytes + BATCH_PRODUCER_ID_AT, (uint64_t)producer_id);
	be16enc(bytes + BATCH_PRODUCER_EPOCH_AT, (uint16_t)producer_epoch);
	be32enc(bytes + BATCH_BASE_SEQUENCE_AT, (uint32_t)base_sequence);
	set_crc(bytes);
}

void
batch_set_append_time(uint8_t *bytes, int64_t now_ms)
{
	be16enc(bytes + BATCH_ATTRIBUTES_AT, (uint16_t)(be16dec(bytes + BATCH_ATTRIBUTES_AT) | BATCH_APPEND_TIME));
	be64enc(bytes + BATCH_MAX_TIMESTAMP_AT, (uint64_t)now_ms);
	set_crc(bytes);
}

void
batch_builder_init(struct batch_builder *b, size_t limit_bytes)
{
	*b = (struct batch_builder){.bytes = BUF_EMPTY, .limit = limit_bytes < BATCH_MAX_BYTES ? limit_bytes : BATCH_MAX_BYTES};
}

void
batch_builder_reset(struct batch_builder *b)
{
	buf_clear(&b->bytes);
	b->count = 0;
}

void
batch_builder_free(struct batch_builder *b)
{
	buf_free(&b->bytes);
	b->count = 0;
}

/* It has no room in an empty batch. */
static int
too_large(const struct batch_builder *b, size_t size)
{
	if (size == 0)
		return status_fail(STATUS_DATA, "a record of more than %d bytes", INT32_MAX);
	return status_fail(STATUS_DATA, "a batch of this record alone takes %zu bytes, max.message.bytes or max.bytes allows %zu",
	    BATCH_HEADER_BYTES + size, b->limit);
}

/* Have room for the record behind what is used, if the limit allows it. */
static int
make_room(struct batch_builder *b, const struct record *r, int64_t base_ms)
{
	size_t size = record_size(r, base_ms, b->count), used = b->count > 0 ? b->bytes.len : BATCH_HEADER_BYTES;

	if (size == 0 || size > b->limit || used > b->limit - size)
		return b->count > 0 ? STATUS_END : too_large(b, size);
	return buf_reserve(&b->bytes, used + size - b->bytes.len);
}

/* The record behind what is used; NULL if there is no room. */
static uint8_t *
put_record(struct batch_builder *b, const struct record *r, int64_t base_ms)
{
	size_t used = b->count > 0 ? b->bytes.len : BATCH_HEADER_BYTES;
	size_t most = b->bytes.cap < b->limit ? b->bytes.cap : b->limit;

	if (UNLIKELY(used > most))
		return NULL;
	return record_put(b->bytes.data + used, b->bytes.data + most, r, base_ms, b->count);
}

int
batch_add(struct batch_builder *b, const struct record *r)
{
	int64_t base_ms = b->count > 0 ? b->base_timestamp_ms : r->timestamp_ms;
	uint8_t *end;
	int rc;

	while (UNLIKELY((end = put_record(b, r, base_ms)) == NULL)) {
		if ((rc = make_room(b, r, base_ms)) != STATUS_OK)
			return rc;
	}
	b->bytes.len = (size_t)(end - b->bytes.data);
	if (b->count == 0) {
		b->base_timestamp_ms = base_ms;
		b->max_timestamp_ms = base_ms;
	}
	if (r->timestamp_ms > b->max_timestamp_ms)
		b->max_timestamp_ms = r->timestamp_ms;
	b->count++;
	return STATUS_OK;
}

void
batch_seal(struct batch_builder *b)
{
	static const struct batch_producer nobody = {.id = -1, .epoch = -1, .sequence = -1};

	batch_seal_as(b, &nobody);
}

void
batch_seal_as(struct batch_builder *b, const struct batch_producer *producer)
{
	uint8_t *bytes = b->bytes.data;

	batch_set_place(bytes, 0, 0);
	be32enc(bytes + BATCH_LENGTH_AT, (uint32_t)(b->bytes.len - BATCH_PREFIX_BYTES));
	bytes[BATCH_MAGIC_AT] = BATCH_MAGIC;
	be16enc(bytes + BATCH_ATTRIBUTES_AT, 0);
	be32enc(bytes + BATCH_LAST_OFFSET_DELTA_AT, (uint32_t)(b->count - 1));
	be64enc(bytes + BATCH_BASE_TIMESTAMP_AT, (uint64_t)b->base_timestamp_ms);
	be64enc(bytes + BATCH_MAX_TIMESTAMP_AT, (uint64_t)b->max_timestamp_ms);
	be64enc(bytes + BATCH_PRODUCER_ID_AT, (uint64_t)producer->id);
	be16enc(bytes + BATCH_PRODUCER_EPOCH_AT, (uint16_t)producer->epoch);
	be32enc(bytes + BATCH_BASE_SEQUENCE_AT, (uint32_t)producer->sequence);
	be32enc(bytes + BATCH_RECORD_COUNT_AT, (uint32_t)b->count);
	set_crc(bytes);
}

int
batch_compress(const struct buf *batch, enum codec codec, int32_t level, struct buf *packed)
{
	uint8_t *bytes;
	int rc;

	if ((rc = buf_append(packed, batch->data, BATCH_HEADER_BYTES)) != STATUS_OK ||
	    (rc = codec_compress(codec, level, batch->data + BATCH_HEADER_BYTES, batch->len - BATCH_HEADER_BYTES, packed)) !=
		STATUS_OK)
		return rc;
	bytes = packed->data;
	be32enc(bytes + BATCH_LENGTH_AT, (uint32_t)(packed->len - BATCH_PREFIX_BYTES));
	be16enc(bytes + BATCH_ATTRIBUTES_AT,
	    (uint16_t)((be16dec(bytes + BATCH_ATTRIBUTES_AT) & (uint16_t)~BATCH_CODEC_MASK) | codec));
	set_crc(bytes);
	return STATUS_OK;
}

static int
put_records(const struct batch_header *stored, const struct record *records, size_t count, int64_t base_ms, struct buf *b)
{
	for (size_t i = 0; i < count; i++) {
		int32_t delta = (int32_t)(records[i].offset - stored->base_offset);
		size_t size = record_size(&records[i], base_ms, delta);
		int rc;

		if (size == 0 || size > BATCH_MAX_BYTES - b->len)
			return status_fail(STATUS_DATA, "batch at offset %lld: too large", (long long)stored->base_offset);
		if ((rc = buf_reserve(b, size)) != STATUS_OK)
			return rc;
		(void)record_put(b->data + b->len, b->data + b->len + size, &records[i], base_ms, delta);
		b->len += size;
	}
	return STATUS_OK;
}

int
batch_rebuild(const struct batch_header *stored, const struct record *records, size_t count, int64_t horizon_ms, struct buf *b)
{
	int64_t base_ms = horizon_ms >= 0 ? horizon_ms : count > 0 ? records[0].timestamp_ms : -1;
	int64_t max_ms = count > 0 && (stored->attributes & BATCH_APPEND_TIME) == 0 ? INT64_MIN : stored->max_timestamp_ms;
	uint16_t attributes = (uint16_t)(stored->attributes & ~(BATCH_CODEC_MASK | BATCH_DELETE_HORIZON));
	uint8_t *bytes;
	int rc;

	if ((rc = buf_reserve(b, BATCH_HEADER_BYTES)) != STATUS_OK)
		return rc;
	b->len = BATCH_HEADER_BYTES;
	if ((rc = put_records(stored, records, count, base_ms, b)) != STATUS_OK)
		return rc;
	if ((stored->attributes & BATCH_APPEND_TIME) == 0) {
		for (size_t i = 0; i < count; i++)
			max_ms = records[i].timestamp_ms > max_ms ? records[i].timestamp_ms : max_ms;
	}
	bytes = b->data;
	batch_set_place(bytes, stored->base_offset, stored->leader_epoch);
	be32enc(bytes + BATCH_LENGTH_AT, (uint32_t)(b->len - BATCH_PREFIX_BYTES));
	bytes[BATCH_MAGIC_AT] = BATCH_MAGIC;
	be16enc(bytes + BATCH_ATTRIBUTES_AT, horizon_ms >= 0 ? (uint16_t)(attributes | BATCH_DELETE_HORIZON) : attributes);
	be32enc(bytes + BATCH_LAST_OFFSET_DELTA_AT, (uint32_t)stored->last_offset_delta);
	be64enc(bytes + BATCH_BASE_TIMESTAMP_AT, (uint64_t)base_ms);
	be64enc(bytes + BATCH_MAX_TIMESTAMP_AT, (uint64_t)max_ms);
	be64enc(bytes + BATCH_PRODUCER_ID_AT, (uint64_t)stored->producer_id);
	be16enc(bytes + BATCH_PRODUCER_EPOCH_AT, (uint16_t)stored->producer_epoch);
	be32enc(bytes + BATCH_BASE_SEQUENCE_AT, (uint32_t)stored->base_sequence);
	be32enc(bytes + BATCH_RECORD_COUNT_AT, (uint32_t)count);
	set_crc(bytes);
	return STATUS_OK;
}

int
batch_decompress(struct batch_header *h, const uint8_t **bytes, struct buf *plain)
{
	unsigned codec = h->attributes & BATCH_CODEC_MASK;
	int rc;

	if (codec == CODEC_NONE)
		return STATUS_OK;
	if (codec >= CODEC_COUNT)
		return status_fail(STATUS_CONFIG, "offset %lld: compressed with codec %u, which is unknown",
		    (long long)h->base_offset, codec);
	buf_clear(plain);
	if ((rc = buf_append(plain, *bytes, BATCH_HEADER_BYTES)) == STATUS_OK)
		rc = codec_decompress((enum codec)codec, *bytes + BATCH_HEADER_BYTES, (size_t)batch_bytes(h) - BATCH_HEADER_BYTES,
		    BATCH_MAX_BYTES - BATCH_HEADER_BYTES, plain);
	if (rc != STATUS_OK)
		return status_context(rc, "batch at offset %lld", (long long)h->base_offset);
	h->attributes = (uint16_t)(h->attributes & ~BATCH_CODEC_MASK);
	h->length = (int32_t)(plain->len - BATCH_PREFIX_BYTES);
	*bytes = plain->data;
	return STATUS_OK;
}

int
batch_cursor_init(struct batch_cursor *c, const uint8_t *bytes, const struct batch_header *h)
{
	if ((h->attributes & BATCH_CODEC_MASK) != CODEC_NONE)
		return status_fail(STATUS_CONFIG, "offset %lld: compressed with %s", (long long)h->base_offset,
		    batch_codec_name(h->attributes));
	*c = (struct batch_cursor){
	    .p = bytes + BATCH_HEADER_BYTES,
	    .end = bytes + batch_bytes(h),
	    .base_offset = h->base_offset,
	    .base_timestamp_ms = h->base_timestamp_ms,
	    .next_offset = h->base_offset,
	    .end_offset = batch_end_offset(h),
	    .append_time_ms = h->max_timestamp_ms,
	    .has_append_time = (h->attributes & BATCH_APPEND_TIME) != 0,
	    .left = h->record_count,
	};
	/* A delete horizon stands in the place of the base timestamp, and the deltas count from it (KIP-534): nothing to do. */
	return STATUS_OK;
}

int
batch_cursor_fail(struct batch_cursor c, const uint8_t *p, int64_t offset)
{
	if (c.left == 0)
		return status_fail(STATUS_CORRUPT, "batch at offset %lld: bytes behind its last record", (long long)c.base_offset);
	if (p == NULL)
		return status_fail(STATUS_CORRUPT, "batch at offset %lld: a record is not valid, %d were left",
		    (long long)c.base_offset, c.left);
	return status_fail(STATUS_CORRUPT, "batch at offset %lld: a record of offset %lld, which is not in [%lld, %lld)",
	    (long long)c.base_offset, (long long)offset, (long long)c.next_offset, (long long)c.end_offset);
}

int
batch_read_marker(const struct batch_view *view, struct batch_marker *marker)
{
	struct batch_cursor cursor;
	struct record r;
	int rc;

	if ((rc = batch_cursor_init(&cursor, view->bytes, &view->header)) != STATUS_OK ||
	    (rc = batch_cursor_next(&cursor, &r)) != STATUS_OK)
		return rc;
	*marker = (struct batch_marker){.type = -1, .timestamp_ms = r.timestamp_ms, .coordinator_epoch = -1};
	if (r.key_len >= CONTROL_KEY_BYTES)
		marker->type = be16dec(r.key + CONTROL_TYPE_AT);
	if ((marker->type == CONTROL_ABORT || marker->type == CONTROL_COMMIT) && r.value_len >= CONTROL_VALUE_BYTES)
		marker->coordinator_epoch = (int32_t)be32dec(r.value + CONTROL_COORDINATOR_EPOCH_AT);
	return STATUS_OK;
}

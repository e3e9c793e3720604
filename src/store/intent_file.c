#include "store/intent_file.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/status.h"

#define MAGIC "mqintent"
#define MAGIC_BYTES 8
#define VERSION 1
/* The table's CRC, and then the header's own. */
#define TABLE_CRC_AT 56
#define CRC_AT 60
#define MAX_TARGETS 1000000

void
intent_file_free(struct intent_file *f)
{
	free(f->targets);
	*f = (struct intent_file){.targets = NULL};
}

void
intent_encode_header(uint8_t *p, const struct intent_file *f, const uint8_t *table)
{
	memset(p, 0, INTENT_HEADER_BYTES);
	memcpy(p, MAGIC, MAGIC_BYTES);
	be32enc(p + 8, VERSION);
	be32enc(p + 12, (uint32_t)f->count);
	be64enc(p + 16, (uint64_t)f->producer_id);
	be16enc(p + 24, (uint16_t)f->producer_epoch);
	be64enc(p + 32, (uint64_t)f->records);
	be64enc(p + 40, (uint64_t)f->size);
	be32enc(p + TABLE_CRC_AT, crc32c(table, f->count * INTENT_TARGET_BYTES));
	be32enc(p + CRC_AT, crc32c(p, CRC_AT));
}

void
intent_encode_target(uint8_t *p, const struct intent_target *t)
{
	be32enc(p, (uint32_t)t->partition);
	be32enc(p + 4, (uint32_t)t->base_sequence);
	be64enc(p + 8, (uint64_t)t->records);
	be64enc(p + 16, (uint64_t)t->bytes);
	be64enc(p + 24, (uint64_t)t->first);
	be64enc(p + 32, (uint64_t)t->synced);
}

static void
decode_target(const uint8_t *p, struct intent_target *t)
{
	t->partition = (int32_t)be32dec(p);
	t->base_sequence = (int32_t)be32dec(p + 4);
	t->records = (int64_t)be64dec(p + 8);
	t->bytes = (int64_t)be64dec(p + 16);
	t->first = (int64_t)be64dec(p + 24);
	t->synced = (int64_t)be64dec(p + 32);
}

void
intent_encode_frame(uint8_t *p, int64_t next, int32_t partition, uint32_t length)
{
	be64enc(p, (uint64_t)next);
	be32enc(p + 8, (uint32_t)partition);
	be32enc(p + 12, length);
}

static int
read_exactly(int fd, const char *name, uint8_t *bytes, size_t len, int64_t position)
{
	size_t got;
	int rc;

	if ((rc = file_read_at(fd, name, bytes, len, position, &got)) != STATUS_OK)
		return rc;
	return got == len ? STATUS_OK
			  : status_fail(STATUS_CORRUPT, "%s: ends within what should be at %lld", name, (long long)position);
}

/* What the numbers of a partition may be. */
static int
check_target(const char *name, const struct intent_file *f, size_t i)
{
	const struct intent_target *t = &f->targets[i];
	int64_t table = f->size - (int64_t)f->count * INTENT_TARGET_BYTES;

	if (t->partition < 0 || (i > 0 && t->partition <= t[-1].partition))
		return status_fail(STATUS_CORRUPT, "%s: partition %d in its table", name, t->partition);
	if (t->base_sequence < 0 || t->records < 1 || t->records > INTENT_MAX_RECORDS || t->bytes < BATCH_HEADER_BYTES ||
	    t->bytes > table || t->first < INTENT_HEADER_BYTES || t->first > table)
		return status_fail(STATUS_CORRUPT, "%s: partition %d: %lld records in %lld bytes at %lld", name, t->partition,
		    (long long)t->records, (long long)t->bytes, (long long)t->first);
	return STATUS_OK;
}

static int
read_table(int fd, const char *name, uint32_t crc, struct intent_file *f)
{
	size_t len = f->count * INTENT_TARGET_BYTES;
	int64_t sum = 0;
	uint8_t *bytes;
	int rc;

	if ((bytes = malloc(len)) == NULL || (f->targets = calloc(f->count, sizeof(*f->targets))) == NULL) {
		free(bytes);
		return status_no_memory(name);
	}
	if ((rc = read_exactly(fd, name, bytes, len, f->size - (int64_t)len)) == STATUS_OK && crc32c(bytes, len) != crc)
		rc = status_fail(STATUS_CORRUPT, "%s: the CRC of its table does not match", name);
	for (size_t i = 0; i < f->count && rc == STATUS_OK; i++) {
		decode_target(bytes + i * INTENT_TARGET_BYTES, &f->targets[i]);
		rc = check_target(name, f, i);
		sum += f->targets[i].records;
	}
	free(bytes);
	if (rc == STATUS_OK && sum != f->records)
		rc = status_fail(STATUS_CORRUPT, "%s: %lld records, but its partitions get %lld", name, (long long)f->records,
		    (long long)sum);
	return rc;
}

static int
read_header(int fd, const char *name, struct intent_file *f, uint32_t *table_crc)
{
	uint8_t p[INTENT_HEADER_BYTES];
	int64_t size;
	int rc;

	if ((rc = file_size(fd, name, &size)) != STATUS_OK || (rc = read_exactly(fd, name, p, sizeof(p), 0)) != STATUS_OK)
		return rc;
	if (memcmp(p, MAGIC, MAGIC_BYTES) != 0 || be32dec(p + 8) != VERSION)
		return status_fail(STATUS_CORRUPT, "%s: not an intent of version %d", name, VERSION);
	if (be32dec(p + CRC_AT) != crc32c(p, CRC_AT))
		return status_fail(STATUS_CORRUPT, "%s: the CRC of its header does not match", name);
	f->count = be32dec(p + 12);
	f->producer_id = (int64_t)be64dec(p + 16);
	f->producer_epoch = (int16_t)be16dec(p + 24);
	f->records = (int64_t)be64dec(p + 32);
	f->size = (int64_t)be64dec(p + 40);
	*table_crc = be32dec(p + TABLE_CRC_AT);
	if (f->size != size || f->count < 1 || f->count > MAX_TARGETS ||
	    size < INTENT_HEADER_BYTES + (int64_t)f->count * INTENT_TARGET_BYTES)
		return status_fail(STATUS_CORRUPT, "%s: %zu partitions and %lld bytes, but it has %lld", name, f->count,
		    (long long)f->size, (long long)size);
	return STATUS_OK;
}

int
intent_file_read(int fd, const char *name, struct intent_file *out)
{
	struct intent_file f = {.targets = NULL};
	uint32_t table_crc = 0;
	int rc;

	if ((rc = read_header(fd, name, &f, &table_crc)) != STATUS_OK || (rc = read_table(fd, name, table_crc, &f)) != STATUS_OK) {
		intent_file_free(&f);
		return rc;
	}
	*out = f;
	return STATUS_OK;
}

void
intent_cursor_init(struct intent_cursor *c, const struct intent_target *target)
{
	*c = (struct intent_cursor){.target = target, .position = target->first};
}

/* Read the frame's batch; c->position moves on. */
static int
read_frame(struct intent_cursor *c, int fd, const char *name, const struct intent_file *f, struct buf *batch)
{
	uint8_t frame[INTENT_FRAME_BYTES];
	int64_t at = c->position, next, left = f->size - at - INTENT_FRAME_BYTES;
	uint32_t length;
	int rc;

	if (left < 0)
		return status_fail(STATUS_CORRUPT, "%s: no frame at %lld", name, (long long)at);
	if ((rc = read_exactly(fd, name, frame, sizeof(frame), at)) != STATUS_OK)
		return rc;
	next = (int64_t)be64dec(frame);
	length = be32dec(frame + 12);
	if (length < BATCH_HEADER_BYTES || length > (uint64_t)left || (int32_t)be32dec(frame + 8) != c->target->partition ||
	    (next != 0 && next < at + INTENT_FRAME_BYTES + (int64_t)length))
		return status_fail(STATUS_CORRUPT, "%s: the frame at %lld is none of partition %d", name, (long long)at,
		    c->target->partition);
	buf_clear(batch);
	if ((rc = buf_reserve(batch, length)) != STATUS_OK ||
	    (rc = read_exactly(fd, name, batch->data, length, at + INTENT_FRAME_BYTES)) != STATUS_OK)
		return rc;
	batch->len = length;
	c->position = next;
	return STATUS_OK;
}

/* Is it a whole batch of this producer, and the one that follows? */
static int
check_batch(const struct intent_cursor *c, const struct intent_file *f, const struct buf *batch, struct batch_header *h)
{
	int32_t sequence = (int32_t)((c->target->base_sequence + c->records) & INT32_MAX);
	int rc;

	if ((rc = batch_decode_header(batch->data, h)) != STATUS_OK)
		return STATUS_CORRUPT;
	if (batch_bytes(h) != (int64_t)batch->len)
		return status_fail(STATUS_CORRUPT, "a batch of %lld bytes in %zu", (long long)batch_bytes(h), batch->len);
	if ((rc = batch_check_crc(batch->data, h)) != STATUS_OK)
		return rc;
	if (h->producer_id != f->producer_id || h->producer_epoch != f->producer_epoch || h->base_sequence != sequence)
		return status_fail(STATUS_CORRUPT, "a batch of producer %lld from sequence number %d on, %lld from %d expected",
		    (long long)h->producer_id, h->base_sequence, (long long)f->producer_id, sequence);
	return STATUS_OK;
}

int
intent_cursor_next(struct intent_cursor *c, int fd, const char *name, const struct intent_file *f, struct buf *batch,
    struct batch_header *h)
{
	int64_t at = c->position;
	int rc;

	if (at == 0)
		return c->records == c->target->records && c->bytes == c->target->bytes
		    ? STATUS_END
		    : status_fail(STATUS_CORRUPT, "%s: partition %d: %lld records of %lld", name, c->target->partition,
			  (long long)c->records, (long long)c->target->records);
	if ((rc = read_frame(c, fd, name, f, batch)) != STATUS_OK)
		return rc;
	if ((rc = check_batch(c, f, batch, h)) != STATUS_OK)
		return status_context(rc, "%s at %lld", name, (long long)at);
	c->records += (int64_t)h->last_offset_delta + 1;
	c->bytes += (int64_t)batch->len;
	return STATUS_OK;
}

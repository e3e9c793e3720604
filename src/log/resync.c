#include "log/resync.h"

#include <bsd/sys/endian.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/status.h"

#define WINDOW_BYTES ((size_t)1 << 20)

int
resync_read(int fd, int64_t position, int64_t limit, struct batch_header *h, struct buf *bytes)
{
	uint8_t header[BATCH_HEADER_BYTES];
	size_t got, len;
	int rc;

	if (limit - position < BATCH_HEADER_BYTES)
		return status_fail(STATUS_CORRUPT, "too few bytes");
	if ((rc = file_read_at(fd, SUFFIX_LOG, header, sizeof(header), position, &got)) != STATUS_OK)
		return rc;
	if (got < sizeof(header) || batch_decode_header(header, h) != STATUS_OK || batch_bytes(h) > limit - position)
		return status_fail(STATUS_CORRUPT, "no batch");
	len = (size_t)batch_bytes(h);
	buf_clear(bytes);
	if ((rc = buf_reserve(bytes, len)) != STATUS_OK ||
	    (rc = file_read_at(fd, SUFFIX_LOG, bytes->data, len, position, &got)) != STATUS_OK)
		return rc;
	bytes->len = got;
	return got < len ? status_fail(STATUS_CORRUPT, "no batch") : batch_check_crc(bytes->data, h);
}

struct search {
	int fd;
	int64_t limit, least, most;
	struct buf batch;
};

static int
is_batch_at(struct search *s, int64_t position, bool *is)
{
	struct batch_header h;
	int rc = resync_read(s->fd, position, s->limit, &h, &s->batch);

	*is = rc == STATUS_OK && h.base_offset >= s->least && batch_end_offset(&h) <= s->most;
	return rc == STATUS_CORRUPT ? STATUS_OK : rc;
}

/* A look at the bytes alone: nearly nothing that is no batch passes it. */
static bool
may_be_batch(const struct search *s, const uint8_t *bytes, int64_t position)
{
	struct batch_header h;

	return bytes[BATCH_MAGIC_AT] == BATCH_MAGIC && bytes[BATCH_BASE_OFFSET_AT] == 0 &&
	    batch_decode_header(bytes, &h) == STATUS_OK && batch_bytes(&h) <= s->limit - position && h.base_offset >= s->least &&
	    batch_end_offset(&h) <= s->most;
}

static int
scan_window(struct search *s, const uint8_t *window, size_t len, int64_t position, int64_t *found)
{
	bool is = false;
	int rc;

	for (size_t i = 0; i + BATCH_HEADER_BYTES <= len; i++) {
		if (!may_be_batch(s, window + i, position + (int64_t)i))
			continue;
		if ((rc = is_batch_at(s, position + (int64_t)i, &is)) != STATUS_OK)
			return rc;
		if (is) {
			*found = position + (int64_t)i;
			return STATUS_OK;
		}
	}
	return STATUS_END;
}

static int
scan(struct search *s, int64_t position, int64_t *found)
{
	uint8_t *window = malloc(WINDOW_BYTES);
	size_t got;
	int rc = STATUS_END;

	if (window == NULL)
		return status_no_memory("segment");
	while (rc == STATUS_END && s->limit - position >= BATCH_HEADER_BYTES) {
		size_t want = s->limit - position < (int64_t)WINDOW_BYTES ? (size_t)(s->limit - position) : WINDOW_BYTES;

		if ((rc = file_read_at(s->fd, SUFFIX_LOG, window, want, position, &got)) != STATUS_OK)
			break;
		rc = scan_window(s, window, got, position, found);
		if (got < want || got < BATCH_HEADER_BYTES)
			break;
		position += (int64_t)got - BATCH_HEADER_BYTES + 1;
	}
	free(window);
	return rc;
}

/* Where its length says that the bad batch ends. */
static int
by_length(struct search *s, int64_t position, int64_t *found)
{
	uint8_t prefix[BATCH_PREFIX_BYTES];
	int64_t length, next;
	size_t got;
	bool is = false;
	int rc;

	if ((rc = file_read_at(s->fd, SUFFIX_LOG, prefix, sizeof(prefix), position, &got)) != STATUS_OK)
		return rc;
	if (got < sizeof(prefix))
		return STATUS_END;
	length = (int32_t)be32dec(prefix + BATCH_LENGTH_AT);
	next = position + BATCH_PREFIX_BYTES + length;
	if (length < BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES || next > s->limit)
		return STATUS_END;
	if (next < s->limit && ((rc = is_batch_at(s, next, &is)) != STATUS_OK || !is))
		return rc == STATUS_OK ? STATUS_END : rc;
	*found = next;
	return STATUS_OK;
}

int
resync_find(int fd, int64_t position, int64_t limit, int64_t least, int64_t most, int64_t *found)
{
	struct search s = {.fd = fd, .limit = limit, .least = least, .most = most, .batch = BUF_EMPTY};
	int rc = by_length(&s, position, found);

	if (rc == STATUS_END && (rc = scan(&s, position + 1, found)) == STATUS_END) {
		*found = limit;
		rc = STATUS_OK;
	}
	buf_free(&s.batch);
	return rc;
}

#include "cmd/held.h"

#include <bsd/sys/endian.h>

#include "base/file.h"
#include "base/status.h"

#define MEMORY_BYTES ((size_t)16 << 20)
/* Before each record: its size and its partition. */
#define PREFIX_BYTES 8
#define FILE_WORD "records put aside"

void
held_init(struct held *h, struct named *named)
{
	*h = (struct held){.named = named, .bytes = BUF_EMPTY, .fd = -1};
}

void
held_free(struct held *h)
{
	buf_free(&h->bytes);
	(void)file_close(h->fd, FILE_WORD);
	h->fd = -1;
}

static int
spill(struct held *h)
{
	int rc;

	if (h->fd < 0 && (rc = named_make_scratch(h->named, &h->fd)) != STATUS_OK)
		return rc;
	if ((rc = file_write_at(h->fd, FILE_WORD, h->bytes.data, h->bytes.len, h->file_size)) != STATUS_OK)
		return rc;
	h->file_size += (int64_t)h->bytes.len;
	buf_clear(&h->bytes);
	return STATUS_OK;
}

int
held_add(struct held *h, int partition, const struct record *r)
{
	size_t size = record_size(r, 0, 0);
	uint8_t *p;
	int rc;

	if (size == 0)
		return status_fail(STATUS_DATA, "a record of more than %d bytes", INT32_MAX);
	if ((rc = buf_reserve(&h->bytes, PREFIX_BYTES + size)) != STATUS_OK)
		return rc;
	p = h->bytes.data + h->bytes.len;
	be32enc(p, (uint32_t)size);
	be32enc(p + 4, (uint32_t)partition);
	if (record_put(p + PREFIX_BYTES, p + PREFIX_BYTES + size, r, 0, 0) == NULL)
		return status_fail(STATUS_IO, FILE_WORD ": a record does not fit");
	h->bytes.len += PREFIX_BYTES + size;
	return h->bytes.len < MEMORY_BYTES ? STATUS_OK : spill(h);
}

static int
read_exactly(struct held *h, size_t len, int64_t position)
{
	size_t got;
	int rc;

	buf_clear(&h->bytes);
	if ((rc = buf_reserve(&h->bytes, len)) != STATUS_OK ||
	    (rc = file_read_at(h->fd, FILE_WORD, h->bytes.data, len, position, &got)) != STATUS_OK)
		return rc;
	h->bytes.len = got;
	return got == len ? STATUS_OK : status_fail(STATUS_IO, FILE_WORD ": cut off");
}

/* Have the next record's prefix and bytes at *p. */
static int
fetch(struct held *h, const uint8_t **p, size_t *size)
{
	int rc;

	if (h->fd < 0) {
		if ((size_t)h->at == h->bytes.len)
			return STATUS_END;
		*p = h->bytes.data + h->at;
		*size = be32dec(*p);
		return STATUS_OK;
	}
	if (h->at == h->file_size)
		return STATUS_END;
	if ((rc = read_exactly(h, PREFIX_BYTES, h->at)) != STATUS_OK)
		return rc;
	*size = be32dec(h->bytes.data);
	rc = read_exactly(h, PREFIX_BYTES + *size, h->at);
	*p = h->bytes.data;
	return rc;
}

int
held_next(struct held *h, int *partition, struct record *r)
{
	const uint8_t *p;
	size_t size;
	int rc;

	if (!h->reading && h->fd >= 0 && h->bytes.len > 0 && (rc = spill(h)) != STATUS_OK)
		return rc;
	h->reading = true;
	if ((rc = fetch(h, &p, &size)) != STATUS_OK)
		return rc;
	*partition = (int)be32dec(p + 4);
	if (record_get(p + PREFIX_BYTES, p + PREFIX_BYTES + size, 0, 0, r) == NULL)
		return status_fail(STATUS_IO, FILE_WORD ": a record is not valid");
	h->at += PREFIX_BYTES + (int64_t)size;
	return STATUS_OK;
}

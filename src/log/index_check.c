#include "log/index_check.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "log/index.h"
#include "log/segment.h"

/* As long as a full index, and the zeros that a broker allocates ahead. */
#define INDEX_MAX_BYTES ((size_t)64 << 20)

/* Zeros at the end are no entries: a live broker leaves them. */
static size_t
count_entries(const struct buf *b, size_t entry_bytes)
{
	size_t len = b->len - b->len % entry_bytes;

	while (len > 0) {
		size_t i = 0;

		while (i < entry_bytes && b->data[len - entry_bytes + i] == 0)
			i++;
		if (i < entry_bytes)
			break;
		len -= entry_bytes;
	}
	return len / entry_bytes;
}

int
index_check_open(struct index_check *c, int dir, int64_t base, const char *suffix, int64_t counted)
{
	int rc;

	*c = (struct index_check){.base = base, .bytes = BUF_EMPTY};
	c->entry_bytes = strcmp(suffix, SUFFIX_INDEX) == 0 ? INDEX_ENTRY_BYTES : TIMEINDEX_ENTRY_BYTES;
	segment_name(c->file, base, suffix);
	if ((rc = file_read_all(dir, c->file, INDEX_MAX_BYTES, &c->bytes)) == STATUS_MISSING) {
		c->is_short = counted > 0;
		return STATUS_OK;
	}
	if (rc != STATUS_OK)
		return rc;
	c->is_there = true;
	c->count = count_entries(&c->bytes, c->entry_bytes);
	if (counted >= 0) {
		c->is_short = (size_t)counted > c->bytes.len / c->entry_bytes;
		if ((size_t)counted < c->count)
			c->count = (size_t)counted;
	} else if (c->bytes.len % c->entry_bytes != 0) {
		(void)snprintf(c->why, sizeof(c->why), "%zu bytes are no whole entries", c->bytes.len);
	}
	return STATUS_OK;
}

void
index_check_free(struct index_check *c)
{
	buf_free(&c->bytes);
}

static void
blame(struct index_check *c, size_t entry)
{
	if (c->why[0] == '\0')
		(void)snprintf(c->why, sizeof(c->why), "entry %zu speaks of no batch that is there", entry);
}

void
index_check_batch(struct index_check *c, int64_t position, int64_t last_offset, int64_t max_timestamp_ms)
{
	struct index_entry e;

	(void)max_timestamp_ms;
	for (; c->next < c->count; c->next++) {
		index_decode(c->bytes.data + c->next * INDEX_ENTRY_BYTES, c->base, &e);
		if (e.position > position)
			return;
		if (e.position < position || e.offset != last_offset)
			blame(c, c->next);
	}
}

void
timeindex_check_batch(struct index_check *c, int64_t last_offset, int64_t max_timestamp_ms)
{
	struct timeindex_entry e;

	for (; c->next < c->count; c->next++) {
		timeindex_decode(c->bytes.data + c->next * TIMEINDEX_ENTRY_BYTES, c->base, &e);
		if (e.offset > last_offset)
			return;
		if (e.offset < last_offset || e.timestamp_ms != max_timestamp_ms)
			blame(c, c->next);
	}
}

int
index_check_close(struct index_check *c, bool closed, struct flaw_list *flaws)
{
	if (c->next < c->count)
		blame(c, c->next);
	if (c->why[0] == '\0' && c->is_short)
		(void)strlcpy(c->why, "entries are missing", sizeof(c->why));
	if (c->why[0] != '\0')
		return flaw_add_file(flaws, FLAW_INDEX, c->file, c->base, c->why);
	if (!c->is_there && closed)
		return flaw_add_file(flaws, FLAW_INDEX_MISSING, c->file, c->base, "no harm: the segment is scanned");
	return STATUS_OK;
}

int
txnindex_check(int dir, int64_t base, struct flaw_list *flaws)
{
	char name[SEGMENT_NAME_BYTES];
	struct txnindex_entry e;
	struct buf b = BUF_EMPTY;
	bool good;
	int rc;

	segment_name(name, base, SUFFIX_TXNINDEX);
	if ((rc = file_read_all(dir, name, INDEX_MAX_BYTES, &b)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	good = b.len % TXNINDEX_ENTRY_BYTES == 0;
	for (size_t at = 0; good && at < b.len; at += TXNINDEX_ENTRY_BYTES) {
		txnindex_decode(b.data + at, &e);
		good = e.version == TXNINDEX_VERSION && e.producer_id >= 0 && e.first_offset >= 0 &&
		    e.first_offset <= e.last_offset && e.last_offset >= base && e.last_stable_offset >= 0 &&
		    e.last_stable_offset <= e.last_offset + 1;
	}
	buf_free(&b);
	return good ? STATUS_OK : flaw_add_file(flaws, FLAW_INDEX, name, base, "its entries are no aborted transactions");
}

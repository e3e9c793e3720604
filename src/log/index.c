#include "log/index.h"

#include <bsd/sys/endian.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/status.h"
#include "log/format.h"
#include "log/segment.h"

/* The sum wraps: garbage must not be undefined. */
static int64_t
absolute(int64_t segment_base, uint32_t delta)
{
	return (int64_t)((uint64_t)segment_base + (uint64_t)(int64_t)(int32_t)delta);
}

void
index_decode(const uint8_t *bytes, int64_t segment_base, struct index_entry *e)
{
	e->offset = absolute(segment_base, be32dec(bytes));
	e->position = (int32_t)be32dec(bytes + 4);
}

void
timeindex_decode(const uint8_t *bytes, int64_t segment_base, struct timeindex_entry *e)
{
	e->timestamp_ms = (int64_t)be64dec(bytes);
	e->offset = absolute(segment_base, be32dec(bytes + 8));
}

void
txnindex_decode(const uint8_t *bytes, struct txnindex_entry *e)
{
	e->version = (int16_t)be16dec(bytes);
	e->producer_id = (int64_t)be64dec(bytes + 2);
	e->first_offset = (int64_t)be64dec(bytes + 10);
	e->last_offset = (int64_t)be64dec(bytes + 18);
	e->last_stable_offset = (int64_t)be64dec(bytes + 26);
}

void
txnindex_encode(uint8_t *bytes, const struct txnindex_entry *e)
{
	be16enc(bytes, (uint16_t)e->version);
	be64enc(bytes + 2, (uint64_t)e->producer_id);
	be64enc(bytes + 10, (uint64_t)e->first_offset);
	be64enc(bytes + 18, (uint64_t)e->last_offset);
	be64enc(bytes + 26, (uint64_t)e->last_stable_offset);
}

/* One search: a file of entries of equal size, and the question whether an entry lies up to what is sought. */
struct search {
	int64_t segment_base;
	size_t entry_bytes;
	int64_t limit;
	bool (*lies_before)(const struct search *, const uint8_t *entry);
};

/*
 * Binary search over the file: the bytes of the last entry that lies before, and how many do. STATUS_END: none, or no file, because a
 * missing index is no error. A live broker's index is allocated ahead and ends in zeros: an entry of zeros behind the first lies
 * behind everything.
 */
static int
find_last(int dir, const char *suffix, const struct search *search, uint8_t *entry, uint32_t *count)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t size, low = 0, high;
	uint8_t bytes[TIMEINDEX_ENTRY_BYTES];
	size_t got;
	int fd, rc = STATUS_OK;

	segment_name(name, search->segment_base, suffix);
	if (file_open_read_sized(dir, name, &fd, &size) != STATUS_OK)
		return STATUS_END;
	high = size / (int64_t)search->entry_bytes;
	/* The last entry first, because who passes over a segment or appends wants that one. */
	for (int64_t middle = high - 1; rc == STATUS_OK && low < high; middle = low + (high - low) / 2) {
		bool zero = true;

		rc = file_read_at(fd, name, bytes, search->entry_bytes, middle * (int64_t)search->entry_bytes, &got);
		if (rc != STATUS_OK || got < search->entry_bytes)
			break;
		for (size_t i = 0; i < search->entry_bytes; i++)
			zero = zero && bytes[i] == 0;
		if ((!zero || middle == 0) && search->lies_before(search, bytes)) {
			low = middle + 1;
			for (size_t i = 0; i < search->entry_bytes; i++)
				entry[i] = bytes[i];
		} else {
			high = middle;
		}
	}
	*count = (uint32_t)low;
	if (rc == STATUS_OK && low == 0)
		rc = STATUS_END;
	(void)file_close(fd, name);
	return rc;
}

static bool
offset_upto(const struct search *s, const uint8_t *bytes)
{
	struct index_entry e;

	index_decode(bytes, s->segment_base, &e);
	return e.offset <= s->limit;
}

static bool
position_before(const struct search *s, const uint8_t *bytes)
{
	struct index_entry e;

	index_decode(bytes, s->segment_base, &e);
	return e.position < s->limit;
}

static bool
time_before(const struct search *s, const uint8_t *bytes)
{
	struct timeindex_entry e;

	timeindex_decode(bytes, s->segment_base, &e);
	return e.timestamp_ms < s->limit;
}

static bool
time_offset_upto(const struct search *s, const uint8_t *bytes)
{
	struct timeindex_entry e;

	timeindex_decode(bytes, s->segment_base, &e);
	return e.offset <= s->limit;
}

int
index_lookup(int dir, int64_t segment_base, int64_t offset, struct index_entry *e)
{
	struct search s = {segment_base, INDEX_ENTRY_BYTES, offset, offset_upto};
	uint8_t bytes[INDEX_ENTRY_BYTES];
	uint32_t count;
	int rc;

	if ((rc = find_last(dir, SUFFIX_INDEX, &s, bytes, &count)) == STATUS_OK)
		index_decode(bytes, segment_base, e);
	return rc;
}

int
index_last_before(int dir, int64_t segment_base, int64_t position, struct index_entry *e, uint32_t *count)
{
	struct search s = {segment_base, INDEX_ENTRY_BYTES, position, position_before};
	uint8_t bytes[INDEX_ENTRY_BYTES];
	int rc;

	if ((rc = find_last(dir, SUFFIX_INDEX, &s, bytes, count)) == STATUS_OK)
		index_decode(bytes, segment_base, e);
	return rc;
}

int
timeindex_lookup(int dir, int64_t segment_base, int64_t timestamp_ms, struct timeindex_entry *e)
{
	struct search s = {segment_base, TIMEINDEX_ENTRY_BYTES, timestamp_ms, time_before};
	uint8_t bytes[TIMEINDEX_ENTRY_BYTES];
	uint32_t count;
	int rc;

	if ((rc = find_last(dir, SUFFIX_TIMEINDEX, &s, bytes, &count)) == STATUS_OK)
		timeindex_decode(bytes, segment_base, e);
	return rc;
}

int
timeindex_last_upto(int dir, int64_t segment_base, int64_t offset, struct timeindex_entry *e, uint32_t *count)
{
	struct search s = {segment_base, TIMEINDEX_ENTRY_BYTES, offset, time_offset_upto};
	uint8_t bytes[TIMEINDEX_ENTRY_BYTES];
	int rc;

	if ((rc = find_last(dir, SUFFIX_TIMEINDEX, &s, bytes, count)) == STATUS_OK)
		timeindex_decode(bytes, segment_base, e);
	return rc;
}

int64_t
index_position_hint(int dir, int fd, int64_t base, int64_t offset)
{
	uint8_t bytes[BATCH_HEADER_BYTES];
	struct index_entry entry;
	struct batch_header header;
	size_t got;

	if (index_lookup(dir, base, offset, &entry) != STATUS_OK || entry.position < 0)
		return 0;
	if (file_read_at(fd, SUFFIX_LOG, bytes, sizeof(bytes), entry.position, &got) != STATUS_OK || got < sizeof(bytes))
		return 0;
	if (batch_decode_header(bytes, &header) != STATUS_OK || batch_end_offset(&header) - 1 != entry.offset)
		return 0;
	return entry.position;
}

void
index_writer_init(struct index_writer *w, int dir, const struct file_access *access)
{
	*w = (struct index_writer){.dir = dir, .access = access, .segment_base = -1, .index_fd = -1, .timeindex_fd = -1};
}

void
index_writer_close(struct index_writer *w)
{
	(void)file_close(w->index_fd, SUFFIX_INDEX);
	(void)file_close(w->timeindex_fd, SUFFIX_TIMEINDEX);
	w->index_fd = w->timeindex_fd = -1;
	w->segment_base = -1;
}

/* Open one of the two files for writing; made if it is missing and `make` is set, else *fd stays -1. */
static int
open_for_writing(const struct index_writer *w, const char *suffix, bool make, int *fd)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	if (*fd >= 0)
		return STATUS_OK;
	segment_name(name, w->segment_base, suffix);
	rc = file_open_write(w->dir, name, fd);
	if (rc == STATUS_MISSING)
		return make ? file_create(w->dir, name, w->access, fd) : STATUS_OK;
	return rc;
}

static void
turn_to(struct index_writer *w, int64_t segment_base)
{
	if (w->segment_base == segment_base)
		return;
	index_writer_close(w);
	w->segment_base = segment_base;
}

/* The greatest timestamp so far, unless the last entry says the same: Kafka wants them ascending. */
static int
append_time(struct index_writer *w, struct head_end *end)
{
	struct timeindex_entry last = {.timestamp_ms = -1};
	uint8_t bytes[TIMEINDEX_ENTRY_BYTES];
	int64_t at = (int64_t)end->timeindex_count * TIMEINDEX_ENTRY_BYTES;
	char name[SEGMENT_NAME_BYTES];
	size_t got;
	int rc;

	segment_name(name, w->segment_base, SUFFIX_TIMEINDEX);
	if ((rc = open_for_writing(w, SUFFIX_TIMEINDEX, true, &w->timeindex_fd)) != STATUS_OK)
		return rc;
	if (end->timeindex_count > 0) {
		rc = file_read_at(w->timeindex_fd, name, bytes, sizeof(bytes), at - TIMEINDEX_ENTRY_BYTES, &got);
		if (rc != STATUS_OK)
			return rc;
		if (got == sizeof(bytes))
			timeindex_decode(bytes, end->segment_base, &last);
	}
	if (end->max_timestamp_ms <= last.timestamp_ms)
		return STATUS_OK;
	be64enc(bytes, (uint64_t)end->max_timestamp_ms);
	be32enc(bytes + 8, (uint32_t)(end->max_timestamp_offset - end->segment_base));
	if ((rc = file_write_at(w->timeindex_fd, name, bytes, sizeof(bytes), at)) == STATUS_OK)
		end->timeindex_count++;
	return rc;
}

static int
append_entries(struct index_writer *w, struct head_end *end, int64_t last_offset, int64_t position)
{
	uint8_t bytes[INDEX_ENTRY_BYTES];
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, w->segment_base, SUFFIX_INDEX);
	if ((rc = open_for_writing(w, SUFFIX_INDEX, true, &w->index_fd)) != STATUS_OK)
		return rc;
	be32enc(bytes, (uint32_t)(last_offset - end->segment_base));
	be32enc(bytes + 4, (uint32_t)position);
	rc = file_write_at(w->index_fd, name, bytes, sizeof(bytes), (int64_t)end->index_count * INDEX_ENTRY_BYTES);
	if (rc != STATUS_OK)
		return rc;
	end->index_count++;
	return append_time(w, end);
}

int
index_writer_note(struct index_writer *w, struct head_end *end, const struct batch_header *h, int64_t position,
    int64_t interval_bytes)
{
	int64_t last_offset = batch_end_offset(h) - 1;
	uint32_t bytes = (uint32_t)batch_bytes(h);
	int rc;

	if (position == 0)
		end->first_timestamp_ms = h->max_timestamp_ms;
	if (h->max_timestamp_ms > end->max_timestamp_ms) {
		end->max_timestamp_ms = h->max_timestamp_ms;
		end->max_timestamp_offset = last_offset;
	}
	if (end->index_pending_bytes > interval_bytes) {
		turn_to(w, end->segment_base);
		if ((rc = append_entries(w, end, last_offset, position)) != STATUS_OK)
			return rc;
		end->index_pending_bytes = 0;
	}
	if (ADD_OVERFLOWS(end->index_pending_bytes, bytes, &end->index_pending_bytes))
		end->index_pending_bytes = UINT32_MAX;
	return STATUS_OK;
}

int
index_writer_finish(struct index_writer *w, struct head_end *end)
{
	int rc;

	if (end->max_timestamp_ms < 0)
		return STATUS_OK;
	turn_to(w, end->segment_base);
	/* An empty one is no use to us, but Kafka's tools cannot read a time index without the other beside it. */
	if ((rc = open_for_writing(w, SUFFIX_INDEX, true, &w->index_fd)) != STATUS_OK)
		return rc;
	return append_time(w, end);
}

int
index_writer_cut(struct index_writer *w, const struct head_end *end)
{
	char index[SEGMENT_NAME_BYTES], timeindex[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(index, end->segment_base, SUFFIX_INDEX);
	segment_name(timeindex, end->segment_base, SUFFIX_TIMEINDEX);
	turn_to(w, end->segment_base);
	if ((rc = open_for_writing(w, SUFFIX_INDEX, false, &w->index_fd)) != STATUS_OK ||
	    (rc = open_for_writing(w, SUFFIX_TIMEINDEX, false, &w->timeindex_fd)) != STATUS_OK)
		return rc;
	if (w->index_fd >= 0)
		rc = file_truncate(w->index_fd, index, (int64_t)end->index_count * INDEX_ENTRY_BYTES);
	if (rc == STATUS_OK && w->timeindex_fd >= 0)
		rc = file_truncate(w->timeindex_fd, timeindex, (int64_t)end->timeindex_count * TIMEINDEX_ENTRY_BYTES);
	return rc;
}

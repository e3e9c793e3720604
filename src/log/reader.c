#include "log/reader.h"

#include <stdlib.h>

#include "base/status.h"
#include "log/index.h"
#include "log/transactions.h"
#include "log/walk.h"

struct reader {
	struct extent extent;
	struct walk walk;
	int32_t epoch; /* of the batch before the position, -1 unknown */
	bool uncommitted;
	bool held;			   /* the walk stands before a batch whose transaction is open */
	struct transactions *transactions; /* NULL before the first that must be decided */
	struct buf plain;		   /* the batch that was decompressed last */
};

int
reader_open(const struct partition *p, struct reader **out)
{
	struct reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return status_no_memory("reader");
	extent_init(&r->extent, p);
	walk_init(&r->walk, &r->extent);
	r->epoch = -1;
	*out = r;
	return STATUS_OK;
}

void
reader_read_uncommitted(struct reader *r, bool on)
{
	r->uncommitted = on;
}

void
reader_park(struct reader *r)
{
	buf_free(&r->plain);
	walk_park(&r->walk);
	if (r->transactions != NULL)
		transactions_park(r->transactions);
}

void
reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	reader_park(r);
	transactions_close(r->transactions);
	free(r);
}

int
reader_bounds(struct reader *r, int64_t *start, int64_t *end, bool *damaged)
{
	return extent_bounds(&r->extent, start, end, damaged);
}

void
reader_seek(struct reader *r, int64_t offset)
{
	if (offset != r->walk.position)
		r->epoch = -1;
	walk_seek(&r->walk, offset);
}

int64_t
reader_position(const struct reader *r)
{
	return r->walk.position;
}

int32_t
reader_epoch(const struct reader *r)
{
	return r->epoch;
}

bool
reader_is_held(const struct reader *r)
{
	return r->held;
}

/* The next batch that has records of a user's, whatever became of them; not decompressed. */
static int
next_data_batch(struct reader *r, int64_t end, struct batch_view *view)
{
	int rc;

	while ((rc = walk_next(&r->walk, end, view)) == STATUS_OK && (view->header.attributes & BATCH_CONTROL) != 0)
		r->epoch = view->header.leader_epoch;
	return rc;
}

/* What became of the batch at hand, for this reader. */
static int
find_outcome(struct reader *r, const struct batch_view *view, enum transaction_outcome *outcome)
{
	int rc;

	*outcome = TRANSACTION_COMMITTED;
	if (r->uncommitted || !transactions_decide(&view->header))
		return STATUS_OK;
	if (r->transactions == NULL && (rc = transactions_open(&r->extent, &r->transactions)) != STATUS_OK)
		return rc;
	return transactions_outcome(r->transactions, &view->header, &r->walk, outcome);
}

/* The batch at hand may not be given: it comes again. What stands in the way of its outcome, in the words of who waits for it. */
static int
hold(struct reader *r, const struct batch_view *view, int rc)
{
	walk_back(&r->walk, view);
	switch (rc) {
	case STATUS_OK:
		r->held = true;
		return STATUS_END;
	case STATUS_MISSING: /* the log begins behind it now */
		return status_fail(rc, "offset %lld was removed", (long long)r->walk.position);
	case STATUS_IO:
		return status_context(rc, "offset %lld waits for its transaction to end", (long long)r->walk.position);
	default:
		return rc;
	}
}

/* reader_next, without decompressing. */
static int
next_visible_batch(struct reader *r, int64_t end, struct batch_view *view)
{
	enum transaction_outcome outcome;
	int rc;

	r->held = false;
	for (;;) {
		if ((rc = next_data_batch(r, end, view)) != STATUS_OK)
			return rc;
		if ((rc = find_outcome(r, view, &outcome)) == STATUS_OK && outcome != TRANSACTION_OPEN) {
			r->epoch = view->header.leader_epoch;
			if (outcome == TRANSACTION_COMMITTED)
				return STATUS_OK;
		} else if ((rc = hold(r, view, rc)) != STATUS_GONE) {
			return rc;
		}
	}
}

static int
decompress(struct reader *r, struct batch_view *view)
{
	int rc = batch_decompress(&view->header, &view->bytes, &r->plain);

	return rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

int
reader_next(struct reader *r, int64_t end, struct batch_view *view)
{
	int rc = next_visible_batch(r, end, view);

	return rc == STATUS_OK ? decompress(r, view) : rc;
}

/* The first record of the batch at or after timestamp_ms, within [from, end). */
static int
find_time_in_batch(const struct batch_view *view, int64_t timestamp_ms, int64_t from, int64_t end, int64_t *offset)
{
	struct batch_cursor cursor;
	struct record record;
	int rc;

	if ((rc = batch_cursor_init(&cursor, view->bytes, &view->header)) != STATUS_OK)
		return rc;
	while ((rc = batch_cursor_next(&cursor, &record)) == STATUS_OK) {
		if (record.offset < from || record.offset >= end || record.timestamp_ms < timestamp_ms)
			continue;
		*offset = record.offset;
		return STATUS_OK;
	}
	return rc;
}

/* Does a batch of the segment end at the entry's offset, with its timestamp? Then the scanner is behind it. */
static bool
is_true_entry(struct segment_scanner *s, const struct timeindex_entry *entry)
{
	struct batch_header h;
	int rc;

	while ((rc = segment_scanner_peek(s, &h)) == STATUS_OK && batch_end_offset(&h) <= entry->offset)
		segment_scanner_pass(s, &h);
	if (rc != STATUS_OK || batch_end_offset(&h) - 1 != entry->offset || h.max_timestamp_ms != entry->timestamp_ms)
		return false;
	segment_scanner_pass(s, &h);
	return true;
}

/* The offset below which all batches of the segment are older, as their headers say; at most `end`. */
static int64_t
pass_older(const struct reader *r, struct segment_scanner *s, int64_t timestamp_ms, int64_t end)
{
	int dir = r->extent.p->dir;
	struct timeindex_entry entry;
	struct index_entry place;
	struct batch_header h;
	int64_t from = s->base;

	if (timeindex_lookup(dir, s->base, timestamp_ms, &entry) == STATUS_OK && entry.offset >= s->base && entry.offset < end) {
		/* Wherever that leads: from there the batches must go on to the entry's. */
		if (index_lookup(dir, s->base, entry.offset, &place) == STATUS_OK && place.position >= 0)
			segment_scanner_seek(s, place.position);
		if (is_true_entry(s, &entry))
			from = entry.offset + 1;
		else
			segment_scanner_seek(s, 0);
	}
	while (segment_scanner_peek(s, &h) == STATUS_OK && h.max_timestamp_ms < timestamp_ms && batch_end_offset(&h) <= end) {
		from = batch_end_offset(&h);
		segment_scanner_pass(s, &h);
	}
	return from;
}

/*
 * Where to begin looking in a segment for a time. A search goes through all segments, because times need not ascend, so of one that is
 * older as a whole little is read: the last entry of its time index, which says that all up to its offset is older, and the headers from
 * there on. Kafka believes them, too (FileRecords.searchForTimestamp). A failure is told by who reads on from there.
 */
static int64_t
time_hint(const struct reader *r, int64_t base, int64_t timestamp_ms, int64_t end)
{
	char name[SEGMENT_NAME_BYTES];
	struct segment_scanner scanner;
	uint64_t version = r->extent.version;
	int64_t from, size;
	int fd;

	segment_name(name, base, SUFFIX_LOG);
	if (file_open_read_sized(r->extent.p->dir, name, &fd, &size) != STATUS_OK)
		return base;
	segment_scanner_init(&scanner, fd, base, 0, size);
	scanner.read_bytes = BATCH_HEADER_BYTES;
	from = pass_older(r, &scanner, timestamp_ms, end);
	segment_scanner_free(&scanner);
	(void)file_close(fd, name);
	return extent_is_stale(&r->extent, version) ? base : from;
}

/* In the segment of that base. */
static int
find_time_from(struct reader *r, int64_t base, int64_t from, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	struct batch_view view;
	int rc;

	walk_seek_in(&r->walk, base, from);
	while ((rc = next_data_batch(r, end, &view)) == STATUS_OK) {
		if (view.header.max_timestamp_ms < timestamp_ms)
			continue;
		if ((rc = decompress(r, &view)) != STATUS_OK)
			return rc;
		if ((rc = find_time_in_batch(&view, timestamp_ms, from, end, offset)) != STATUS_END)
			break;
	}
	if (rc == STATUS_OK)
		walk_seek_in(&r->walk, base, *offset);
	return rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

/* STATUS_END: there is none. */
static int
find_time(struct reader *r, int64_t start, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	struct segment_list list;
	struct head_end published;
	int rc;

	/* Brings the extent's version up to date: hints are good for that log only. */
	if ((rc = extent_end(&r->extent, &published)) != STATUS_OK ||
	    (rc = segment_list_read(r->extent.p->dir, &list)) != STATUS_OK)
		return rc;
	if ((rc = walk_check_segments(&list, start)) == STATUS_OK)
		rc = STATUS_END;
	for (size_t i = rc == STATUS_END ? segment_list_find(&list, start) : 0; i < list.count && rc == STATUS_END; i++) {
		int64_t limit = i + 1 < list.count && list.bases[i + 1] < end ? list.bases[i + 1] : end, from;

		if (list.bases[i] >= end)
			break;
		from = time_hint(r, list.bases[i], timestamp_ms, limit);
		rc = find_time_from(r, list.bases[i], from > start ? from : start, timestamp_ms, limit, offset);
	}
	segment_list_free(&list);
	return rc;
}

int
reader_find_time(struct reader *r, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	const struct partition *p = r->extent.p;
	int64_t start;
	int rc;

	/* Retention may remove a segment that was to be looked into: then the search begins again at the new log start. */
	do {
		start = head_log_start(p->head, p->number);
		rc = start < end ? find_time(r, start, timestamp_ms, end, offset) : STATUS_END;
	} while (rc != STATUS_OK && head_log_start(p->head, p->number) > start);
	if (rc != STATUS_OK && rc != STATUS_END)
		return rc;
	if (rc == STATUS_END) {
		*offset = end;
		walk_seek(&r->walk, end);
	}
	r->epoch = -1;
	return STATUS_OK;
}

#include "log/reader.h"

#include <stdlib.h>

#include "base/status.h"
#include "log/index.h"
#include "log/recover.h"
#include "log/segment.h"

struct reader {
	const struct partition *p;
	int64_t position; /* offset */
	uint64_t generation;
	bool verified;	 /* the page was verified in this generation */
	bool is_private; /* the page cannot be trusted and we may not recover: `found` is the end */
	struct recovery found;
	int fd;		 /* of the segment that is being read, -1 none */
	bool is_active;	 /* that segment is the active one: it ends at the published end */
	int64_t log_end; /* offset; what lies below the scanner's limit lies below it */
	struct segment_scanner scanner;
	struct buf plain; /* the batch that was decompressed last */
};

int
reader_open(const struct partition *p, struct reader **out)
{
	struct reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return status_no_memory("reader");
	r->p = p;
	r->fd = -1;
	*out = r;
	return STATUS_OK;
}

void
reader_park(struct reader *r)
{
	buf_free(&r->plain);
	if (r->fd < 0)
		return;
	segment_scanner_free(&r->scanner);
	(void)file_close(r->fd, SUFFIX_LOG);
	r->fd = -1;
}

void
reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	reader_park(r);
	free(r);
}

/* The published end of a page that can be trusted; STATUS_RECOVER if it cannot. */
static int
trusted_end(struct reader *r, struct head_end *end)
{
	uint64_t generation;
	int rc;

	if (!partition_page_is_current(r->p, end, &generation))
		return STATUS_RECOVER;
	if (r->verified && generation == r->generation)
		return STATUS_OK;
	reader_park(r);
	if ((rc = partition_verify_end(r->p, end, false)) != STATUS_OK)
		return rc;
	r->generation = generation;
	r->verified = true;
	r->is_private = false;
	return STATUS_OK;
}

/* Nobody may write the page for us: find the end ourselves, once. */
static int
private_end(struct reader *r, struct head_end *end)
{
	int rc;

	if (!r->is_private) {
		reader_park(r);
		if ((rc = recover_scan(r->p, &r->found)) != STATUS_OK)
			return rc;
		r->is_private = true;
		r->verified = false;
	}
	*end = r->found.end;
	return STATUS_OK;
}

static int
current_end(struct reader *r, struct head_end *end)
{
	int rc = trusted_end(r, end);

	return rc == STATUS_RECOVER && r->p->lock == NULL ? private_end(r, end) : rc;
}

int
reader_bounds(struct reader *r, int64_t *start, int64_t *end, bool *damaged)
{
	struct head_end published;
	int64_t readable;
	int rc;

	if ((rc = current_end(r, &published)) != STATUS_OK)
		return rc;
	readable = published.end_offset;
	if (!r->is_private && head_synced_only(r->p->head)) {
		int64_t synced = head_synced_end(r->p->head, r->p->number);

		if (synced < readable)
			readable = synced;
	}
	*start = head_log_start(r->p->head, r->p->number);
	*end = readable > *start ? readable : *start;
	if (damaged != NULL)
		*damaged = r->is_private ? r->found.damaged : head_poison(r->p->head, r->p->number) == HEAD_DAMAGED;
	return STATUS_OK;
}

void
reader_seek(struct reader *r, int64_t offset)
{
	if (r->fd >= 0 && offset == r->position)
		return;
	reader_park(r);
	r->position = offset;
}

int64_t
reader_position(const struct reader *r)
{
	return r->position;
}

/* The folder holds the segment that `offset`, which is not below the log start, is in or would be in. */
static int
check_list(const struct segment_list *list, int64_t offset)
{
	if (list->count == 0)
		return status_fail(STATUS_IO, "no segment is there");
	if (list->bases[0] > offset)
		return status_fail(STATUS_IO, "offset %lld: lost, the first segment begins at %lld", (long long)offset,
		    (long long)list->bases[0]);
	return STATUS_OK;
}

/* The base of the segment that holds the position. */
static int
find_segment(const struct reader *r, int64_t *base)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(r->p->dir, &list)) != STATUS_OK)
		return rc;
	if ((rc = check_list(&list, r->position)) == STATUS_OK)
		*base = list.bases[segment_list_find(&list, r->position)];
	segment_list_free(&list);
	return rc;
}

/* The base of the first segment behind the open one; STATUS_END if that is the last. */
static int
find_next_segment(const struct reader *r, int64_t *base)
{
	struct segment_list list;
	size_t next;
	int rc;

	if ((rc = segment_list_read(r->p->dir, &list)) != STATUS_OK)
		return rc;
	next = segment_list_find(&list, r->scanner.base);
	while (next < list.count && list.bases[next] <= r->scanner.base)
		next++;
	if (next < list.count)
		*base = list.bases[next];
	else
		rc = STATUS_END;
	segment_list_free(&list);
	return rc;
}

/* The next segment usually begins where the last one ended: then the folder need not be listed. */
static int
open_segment(struct reader *r)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t base = r->position;
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(r->p->dir, name, &r->fd)) == STATUS_MISSING) {
		if ((rc = find_segment(r, &base)) != STATUS_OK)
			return rc;
		segment_name(name, base, SUFFIX_LOG);
		rc = file_open_read(r->p->dir, name, &r->fd);
	}
	if (rc == STATUS_OK)
		segment_scanner_init(&r->scanner, r->fd, base, index_position_hint(r->p->dir, r->fd, base, r->position), 0);
	return rc;
}

/* Still the log that was opened? What was read before a rebuild may be other bytes than those that are there now. */
static bool
is_stale(const struct reader *r)
{
	return !r->is_private && head_generation(r->p->head, r->p->number) != r->generation;
}

/*
 * How far the open segment may be read: the published end if it is the active one, because what lies behind it may change, else its
 * size.
 */
static int
set_limit(struct reader *r, const struct head_end *end)
{
	int64_t limit = end->end_position;
	int rc;

	r->is_active = end->segment_base == r->scanner.base;
	if (!r->is_active && (rc = file_size(r->fd, r->scanner.name, &limit)) != STATUS_OK)
		return rc;
	segment_scanner_set_limit(&r->scanner, limit);
	r->log_end = end->end_offset;
	return STATUS_OK;
}

/* Open the segment of the position if none is open, and look how far it goes. STATUS_GONE: the log was rebuilt meanwhile. */
static int
prepare(struct reader *r)
{
	struct head_end end;
	int rc;

	if ((rc = current_end(r, &end)) != STATUS_OK)
		return rc;
	if (r->position >= end.end_offset)
		return STATUS_END;
	if (r->fd < 0)
		rc = open_segment(r);
	/* Retention raises log_start and then unlinks: only a look at it after the opening tells that the right segment was found. */
	if (r->position < head_log_start(r->p->head, r->p->number)) {
		reader_park(r);
		return status_fail(STATUS_MISSING, "offset %lld was removed", (long long)r->position);
	}
	if (rc != STATUS_OK && is_stale(r))
		return STATUS_GONE;
	if (rc == STATUS_MISSING)
		return STATUS_IO; /* a segment that nobody has removed; the message names it */
	return rc == STATUS_OK ? set_limit(r, &end) : rc;
}

/* Are the offsets from the position up to `next` missing though nothing may have taken them out? */
static bool
is_damage_before(const struct reader *r, int64_t next)
{
	return next > r->position && next > head_gap_end(r->p->head, r->p->number);
}

/*
 * The open segment ends before the position: go to the next. That offsets are missing between two closed segments may be compaction's
 * doing, below gap_end; an active segment that does not reach the position is damage, and so is the last one.
 */
static int
leave_segment(struct reader *r, int64_t end)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t next = r->position;
	int rc;

	segment_name(name, r->position, SUFFIX_LOG);
	if (r->position == r->scanner.base || !file_exists(r->p->dir, name)) {
		rc = find_next_segment(r, &next);
		if (rc == STATUS_END || (rc == STATUS_OK && r->is_active))
			rc = status_fail(STATUS_IO, "%s: ends before offset %lld", r->scanner.name, (long long)r->position);
		else if (rc == STATUS_OK && (next < r->position || is_damage_before(r, next)))
			rc = status_fail(STATUS_IO, "%s: ends with offset %lld, but the next segment begins at %lld",
			    r->scanner.name, (long long)r->position - 1, (long long)next);
		if (rc != STATUS_OK)
			return is_stale(r) ? STATUS_GONE : rc;
		if (next > r->position)
			r->position = next < end ? next : end;
	}
	reader_park(r);
	return STATUS_OK;
}

/* One batch at or behind the position, or STATUS_END at the end of the open segment. */
static int
next_in_segment(struct reader *r, struct batch_view *view)
{
	int rc;

	do
		rc = segment_scanner_next(&r->scanner, &view->header, &view->bytes);
	while (rc == STATUS_OK && batch_end_offset(&view->header) <= r->position);
	if (is_stale(r))
		return STATUS_GONE;
	if (rc == STATUS_OK && batch_end_offset(&view->header) > r->log_end)
		rc = status_fail(STATUS_CORRUPT, "%s: a batch that ends with offset %lld in a log that ends at %lld",
		    r->scanner.name, (long long)batch_end_offset(&view->header) - 1, (long long)r->log_end);
	if (rc == STATUS_OK && is_damage_before(r, view->header.base_offset))
		rc = status_fail(STATUS_CORRUPT, "%s: a batch that begins with offset %lld in its place", r->scanner.name,
		    (long long)view->header.base_offset);
	if (rc == STATUS_CORRUPT) {
		reader_park(r);
		return status_context(STATUS_IO, "offset %lld", (long long)r->position);
	}
	return rc;
}

/* The same through all segments. */
static int
next_batch(struct reader *r, int64_t end, struct batch_view *view)
{
	int rc;

	/* A batch at hand needs no look at the page; the generation is compared afterwards. */
	if ((r->fd < 0 || r->scanner.position >= r->scanner.limit) && (rc = prepare(r)) != STATUS_OK)
		return rc;
	rc = next_in_segment(r, view);
	return rc == STATUS_END && (rc = leave_segment(r, end)) == STATUS_OK ? STATUS_GONE : rc;
}

/* reader_next, without decompressing. */
static int
next_data_batch(struct reader *r, int64_t end, struct batch_view *view)
{
	int rc;

	while (r->position < end) {
		if ((rc = next_batch(r, end, view)) == STATUS_GONE) {
			reader_park(r);
			continue;
		}
		if (rc != STATUS_OK)
			return rc;
		if (view->header.base_offset >= end) {
			/* A compacted log has no record up to here; this batch comes again when the end has moved. */
			reader_park(r);
			r->position = end;
			break;
		}
		r->position = batch_end_offset(&view->header);
		if ((view->header.attributes & BATCH_CONTROL) == 0)
			return STATUS_OK;
	}
	return STATUS_END;
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
	int rc = next_data_batch(r, end, view);

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

/*
 * Where to begin looking in a segment for a time: an entry says that all up to its offset is older; that is believed if a batch ends at
 * that offset and has the entry's timestamp.
 */
static int64_t
time_hint(struct reader *r, int64_t base, int64_t timestamp_ms, int64_t end)
{
	struct timeindex_entry entry;
	struct batch_view view;

	if (timeindex_lookup(r->p->dir, base, timestamp_ms, &entry) != STATUS_OK || entry.offset < base || entry.offset >= end)
		return base;
	reader_seek(r, entry.offset);
	if (next_data_batch(r, end, &view) != STATUS_OK || batch_end_offset(&view.header) - 1 != entry.offset ||
	    view.header.max_timestamp_ms != entry.timestamp_ms)
		return base;
	return entry.offset + 1;
}

static int
find_time_from(struct reader *r, int64_t from, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	struct batch_view view;
	int rc;

	reader_seek(r, from);
	while ((rc = next_data_batch(r, end, &view)) == STATUS_OK) {
		if (view.header.max_timestamp_ms < timestamp_ms)
			continue;
		if ((rc = decompress(r, &view)) != STATUS_OK)
			return rc;
		if ((rc = find_time_in_batch(&view, timestamp_ms, from, end, offset)) != STATUS_END)
			return rc == STATUS_CORRUPT ? STATUS_IO : rc;
	}
	return rc;
}

/* STATUS_END: there is none. */
static int
find_time(struct reader *r, int64_t start, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(r->p->dir, &list)) != STATUS_OK)
		return rc;
	if ((rc = check_list(&list, start)) == STATUS_OK)
		rc = STATUS_END;
	for (size_t i = rc == STATUS_END ? segment_list_find(&list, start) : 0; i < list.count && rc == STATUS_END; i++) {
		int64_t limit = i + 1 < list.count && list.bases[i + 1] < end ? list.bases[i + 1] : end, from;

		if (list.bases[i] >= end)
			break;
		from = time_hint(r, list.bases[i], timestamp_ms, limit);
		rc = find_time_from(r, from > start ? from : start, timestamp_ms, limit, offset);
	}
	segment_list_free(&list);
	return rc;
}

int
reader_find_time(struct reader *r, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	int64_t start;
	int rc;

	/* Retention may remove a segment that was to be looked into: then the search begins again at the new log start. */
	do {
		start = head_log_start(r->p->head, r->p->number);
		rc = start < end ? find_time(r, start, timestamp_ms, end, offset) : STATUS_END;
	} while (rc != STATUS_OK && head_log_start(r->p->head, r->p->number) > start);
	if (rc != STATUS_END)
		return rc;
	*offset = end;
	return STATUS_OK;
}

#include "log/walk.h"

#include <string.h>

#include "base/status.h"
#include "log/index.h"

/* A read asks for more with every batch, because who seeks may want one record: reading 256 KiB into fresh memory takes 50 us. */
#define FIRST_READ_BYTES ((size_t)32 << 10)
#define MOST_READ_BYTES ((size_t)256 << 10)

void
walk_init(struct walk *w, struct extent *e)
{
	*w = (struct walk){.extent = e, .fd = -1, .base_hint = -1};
}

void
walk_park(struct walk *w)
{
	if (w->fd < 0)
		return;
	segment_scanner_free(&w->scanner);
	(void)file_close(w->fd, SUFFIX_LOG);
	w->fd = -1;
}

void
walk_seek(struct walk *w, int64_t offset)
{
	if (offset == w->position && (w->fd >= 0 || w->base_hint >= 0))
		return;
	walk_park(w);
	w->base_hint = -1;
	w->position = offset;
}

void
walk_seek_in(struct walk *w, int64_t segment_base, int64_t offset)
{
	walk_park(w);
	w->position = offset;
	w->base_hint = segment_base;
	w->version = w->extent->version;
}

void
walk_join(struct walk *w, const struct walk *other)
{
	if (w->fd >= 0 && other->fd >= 0 && w->scanner.base == other->scanner.base && w->version == other->version)
		segment_scanner_seek(&w->scanner, other->scanner.position);
	else
		walk_park(w);
	w->base_hint = -1;
	w->position = other->position;
}

void
walk_back(struct walk *w, const struct batch_view *view)
{
	w->position = w->before;
	if (w->fd >= 0)
		segment_scanner_seek(&w->scanner, w->scanner.position - batch_bytes(&view->header));
}

int
walk_check_segments(const struct segment_list *list, int64_t offset)
{
	if (list->count == 0)
		return status_fail(STATUS_IO, "no segment is there");
	if (list->bases[0] > offset)
		return status_fail(STATUS_IO, "offset %lld: lost, the first segment begins at %lld", (long long)offset,
		    (long long)list->bases[0]);
	return STATUS_OK;
}

/* Was the log that the open segment is of rebuilt meanwhile? */
static bool
is_stale(const struct walk *w)
{
	return extent_is_stale(w->extent, w->version);
}

static int
folder_of(const struct walk *w)
{
	return w->extent->p->dir;
}

/* The base of the segment that holds the position. */
static int
find_segment(const struct walk *w, int64_t *base)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(folder_of(w), &list)) != STATUS_OK)
		return rc;
	if ((rc = walk_check_segments(&list, w->position)) == STATUS_OK)
		*base = list.bases[segment_list_find(&list, w->position)];
	segment_list_free(&list);
	return rc;
}

/* The base of the first segment behind the open one; STATUS_END if that is the last. */
static int
find_next_segment(const struct walk *w, int64_t *base)
{
	struct segment_list list;
	size_t next;
	int rc;

	if ((rc = segment_list_read(folder_of(w), &list)) != STATUS_OK)
		return rc;
	next = segment_list_find(&list, w->scanner.base);
	while (next < list.count && list.bases[next] <= w->scanner.base)
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
open_segment(struct walk *w)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t base = w->base_hint >= 0 ? w->base_hint : w->position;
	int rc;

	w->base_hint = -1;
	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(folder_of(w), name, &w->fd)) == STATUS_MISSING) {
		if ((rc = find_segment(w, &base)) != STATUS_OK)
			return rc;
		segment_name(name, base, SUFFIX_LOG);
		rc = file_open_read(folder_of(w), name, &w->fd);
	}
	if (rc != STATUS_OK)
		return rc;
	segment_scanner_init(&w->scanner, w->fd, base, index_position_hint(folder_of(w), w->fd, base, w->position), 0);
	w->scanner.read_bytes = FIRST_READ_BYTES;
	return STATUS_OK;
}

/*
 * How far the open segment may be read: the published end if it is the active one, because what lies behind it may change, else its
 * size.
 */
static int
set_limit(struct walk *w, const struct head_end *end)
{
	int64_t limit = end->end_position;
	int rc;

	w->is_active = end->segment_base == w->scanner.base;
	if (!w->is_active && (rc = file_size(w->fd, w->scanner.name, &limit)) != STATUS_OK)
		return rc;
	segment_scanner_set_limit(&w->scanner, limit);
	w->log_end = end->end_offset;
	return STATUS_OK;
}

/* Open the segment of the position if none is open, and look how far it goes. STATUS_GONE: the log was rebuilt meanwhile. */
static int
prepare(struct walk *w)
{
	const struct partition *p = w->extent->p;
	struct head_end end;
	int rc;

	if ((rc = extent_end(w->extent, &end)) != STATUS_OK)
		return rc;
	if (w->version != w->extent->version) {
		walk_park(w);
		w->base_hint = -1;
		w->version = w->extent->version;
	}
	if (w->position >= end.end_offset)
		return STATUS_END;
	if (w->fd < 0)
		rc = open_segment(w);
	/* Retention raises log_start and then unlinks: only a look at it after the opening tells that the right segment was found. */
	if (w->position < head_log_start(p->head, p->number)) {
		walk_park(w);
		return status_fail(STATUS_MISSING, "offset %lld was removed", (long long)w->position);
	}
	if (rc != STATUS_OK && is_stale(w))
		return STATUS_GONE;
	if (rc == STATUS_MISSING)
		return STATUS_IO; /* a segment that nobody has removed; the message names it */
	return rc == STATUS_OK ? set_limit(w, &end) : rc;
}

/* Are the offsets from the position up to `next` missing though nothing may have taken them out? */
static bool
is_damage_before(const struct walk *w, int64_t next)
{
	return next > w->position && next > head_gap_end(w->extent->p->head, w->extent->p->number);
}

/* Is the open file still the one of its name? Compaction puts another in its place, or unlinks it, before it unlinks the next. */
static bool
is_in_place(const struct walk *w)
{
	struct file_identity ours, named;
	bool same;
	int fd;

	if (file_open_read(folder_of(w), w->scanner.name, &fd) != STATUS_OK)
		return false;
	same = file_identity(w->fd, w->scanner.name, &ours) == STATUS_OK &&
	    file_identity(fd, w->scanner.name, &named) == STATUS_OK && memcmp(&ours, &named, sizeof(ours)) == 0;
	(void)file_close(fd, w->scanner.name);
	return same;
}

/*
 * The open segment ends before the position: go to the next. That offsets are missing between two closed segments may be compaction's
 * doing, below gap_end; an active segment that does not reach the position is damage, and so is the last one.
 */
static int
leave_segment(struct walk *w, int64_t end)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t next = w->position;
	int rc;

	segment_name(name, w->position, SUFFIX_LOG);
	if (w->position == w->scanner.base || !file_exists(folder_of(w), name)) {
		/* A compacted segment may have taken its place, and hold what follows. */
		if (!w->is_active && !is_in_place(w)) {
			walk_park(w);
			return STATUS_OK;
		}
		rc = find_next_segment(w, &next);
		if (rc == STATUS_END || (rc == STATUS_OK && w->is_active))
			rc = status_fail(STATUS_IO, "%s: ends before offset %lld", w->scanner.name, (long long)w->position);
		else if (rc == STATUS_OK && (next < w->position || is_damage_before(w, next)))
			rc = status_fail(STATUS_IO, "%s: ends with offset %lld, but the next segment begins at %lld",
			    w->scanner.name, (long long)w->position - 1, (long long)next);
		if (rc != STATUS_OK)
			return is_stale(w) ? STATUS_GONE : rc;
		if (next > w->position)
			w->position = next < end ? next : end;
	}
	walk_park(w);
	return STATUS_OK;
}

/* One batch at or behind the position, or STATUS_END at the end of the open segment. */
static int
next_in_segment(struct walk *w, struct batch_view *view)
{
	int rc;

	do
		rc = segment_scanner_next(&w->scanner, &view->header, &view->bytes);
	while (rc == STATUS_OK && batch_end_offset(&view->header) <= w->position);
	if (is_stale(w))
		return STATUS_GONE;
	if (rc == STATUS_OK && batch_end_offset(&view->header) > w->log_end)
		rc = status_fail(STATUS_CORRUPT, "%s: a batch that ends with offset %lld in a log that ends at %lld",
		    w->scanner.name, (long long)batch_end_offset(&view->header) - 1, (long long)w->log_end);
	if (rc == STATUS_OK && is_damage_before(w, view->header.base_offset))
		rc = status_fail(STATUS_CORRUPT, "%s: a batch that begins with offset %lld in its place", w->scanner.name,
		    (long long)view->header.base_offset);
	if (rc == STATUS_CORRUPT) {
		walk_park(w);
		return status_context(STATUS_IO, "offset %lld", (long long)w->position);
	}
	if (w->scanner.read_bytes < MOST_READ_BYTES)
		w->scanner.read_bytes *= 2;
	return rc;
}

/* The same through all segments. STATUS_GONE: look again, in another segment or another log. */
static int
next_in_log(struct walk *w, int64_t end, struct batch_view *view)
{
	int rc;

	/* A batch at hand needs no look at the page; the generation is compared afterwards. */
	if ((w->fd < 0 || w->scanner.position >= w->scanner.limit) && (rc = prepare(w)) != STATUS_OK)
		return rc;
	rc = next_in_segment(w, view);
	return rc == STATUS_END && (rc = leave_segment(w, end)) == STATUS_OK ? STATUS_GONE : rc;
}

int
walk_next(struct walk *w, int64_t end, struct batch_view *view)
{
	int rc;

	while (w->position < end) {
		w->before = w->position;
		if ((rc = next_in_log(w, end, view)) == STATUS_GONE) {
			walk_park(w);
			continue;
		}
		if (rc != STATUS_OK)
			return rc;
		if (view->header.base_offset >= end) {
			/* A compacted log has no record up to here; this batch comes again when the end has moved. */
			walk_park(w);
			w->position = end;
			break;
		}
		w->position = batch_end_offset(&view->header);
		return STATUS_OK;
	}
	return STATUS_END;
}

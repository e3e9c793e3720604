#include "log/compact.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/status.h"
#include "log/filter.h"
#include "log/index.h"
#include "log/retention.h"
#include "log/segment.h"

#define WORK_NAME_BYTES 32
#define WRITE_BYTES ((size_t)1 << 20)

/* One round. The segments [first, last) of the list may be cleaned; `active` and what is behind it are the appenders'. */
struct round {
	const struct partition *p;
	const struct compact_options *options;
	struct segment_list list;
	struct head_end end;
	size_t first, last;
	int64_t dirty_from; /* offset */
	struct keymap *keys;
	struct producers producers;
	struct aborted_list aborted;
	struct filter filter;
};

static bool
is_stopped(const struct round *r)
{
	return r->options->stopped != NULL && r->options->stopped();
}

static int
open_segment(const struct partition *p, int64_t base, int *fd, int64_t *size)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(p->dir, name, fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(*fd, name, size)) != STATUS_OK)
		(void)file_close(*fd, name);
	return rc;
}

/*
 * Call `visit` with each batch of a segment up to `limit` bytes (negative: all); STATUS_END from it ends the walk, and is returned. A bad
 * batch is STATUS_IO.
 */
static int
each_batch(const struct partition *p, int64_t base, int64_t limit, int (*visit)(void *arg, const struct batch_view *), void *arg)
{
	struct segment_scanner scanner;
	struct batch_view view;
	int64_t size;
	int fd, rc;

	if ((rc = open_segment(p, base, &fd, &size)) != STATUS_OK)
		return rc;
	segment_scanner_init(&scanner, fd, base, 0, limit >= 0 ? limit : size);
	while (
	    (rc = segment_scanner_next(&scanner, &view.header, &view.bytes)) == STATUS_OK && (rc = visit(arg, &view)) == STATUS_OK)
		continue;
	if (rc == STATUS_END && scanner.position == scanner.limit)
		rc = STATUS_OK;
	segment_scanner_free(&scanner);
	(void)file_close(fd, SUFFIX_LOG);
	return rc == STATUS_CORRUPT || rc == STATUS_CONFIG ? STATUS_IO : rc;
}

/*
 * Transactions: which were aborted, and which is open.
 */

struct survey {
	struct round *r;
	struct aborted *begun; /* the marker is to come */
	size_t count, cap;
};

static int
add_aborted(struct aborted **items, size_t *count, size_t *cap, const struct aborted *item)
{
	if (*count == *cap) {
		size_t more = *cap == 0 ? 16 : *cap * 2;
		struct aborted *grown = reallocarray(*items, more, sizeof(*grown));

		if (grown == NULL)
			return status_no_memory("aborted transactions");
		*items = grown;
		*cap = more;
	}
	(*items)[(*count)++] = *item;
	return STATUS_OK;
}

static struct aborted *
find_begun(const struct survey *s, int64_t producer_id)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->begun[i].producer_id == producer_id)
			return &s->begun[i];
	}
	return NULL;
}

static int
survey_marker(struct survey *s, const struct batch_view *v)
{
	struct aborted_list *list = &s->r->aborted;
	struct aborted *begun = find_begun(s, v->header.producer_id);
	struct batch_marker marker;
	int rc;

	if ((rc = batch_read_marker(v, &marker)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	if (begun == NULL || (marker.type != CONTROL_ABORT && marker.type != CONTROL_COMMIT))
		return STATUS_OK;
	begun->marker_offset = v->header.base_offset;
	if (marker.type == CONTROL_ABORT && (rc = add_aborted(&list->items, &list->count, &list->cap, begun)) != STATUS_OK)
		return rc;
	*begun = s->begun[--s->count];
	return STATUS_OK;
}

static int
survey_batch(void *arg, const struct batch_view *v)
{
	struct survey *s = arg;
	struct aborted item = {.producer_id = v->header.producer_id, .first_offset = v->header.base_offset};

	if ((v->header.attributes & BATCH_CONTROL) != 0)
		return survey_marker(s, v);
	if ((v->header.attributes & BATCH_TRANSACTIONAL) == 0 || find_begun(s, item.producer_id) != NULL)
		return STATUS_OK;
	return add_aborted(&s->begun, &s->count, &s->cap, &item);
}

/* An open transaction may yet be aborted: nothing from its segment on is cleaned. */
static void
leave_open(struct survey *s)
{
	struct round *r = s->r;

	for (size_t i = 0; i < s->count; i++) {
		size_t at = segment_list_find(&r->list, s->begun[i].first_offset);

		if (at < r->last)
			r->last = at;
	}
}

/* All of the log is read, because a batch's fate may be told by a marker far behind it. */
static int
survey(struct round *r)
{
	struct survey s = {.r = r};
	int rc = STATUS_OK;

	for (size_t i = r->first; i < r->list.count && r->list.bases[i] <= r->end.segment_base && rc == STATUS_OK && !is_stopped(r);
	     i++) {
		bool is_active = r->list.bases[i] == r->end.segment_base;

		if (i >= r->last && s.count == 0)
			break;
		rc = each_batch(r->p, r->list.bases[i], is_active ? r->end.end_position : -1, survey_batch, &s);
	}
	if (rc == STATUS_OK) {
		leave_open(&s);
		aborted_sort(&r->aborted);
	}
	free(s.begun);
	return rc;
}

/*
 * What is dirty.
 */

/* Where segment i ends: the next segment's base; all that may be cleaned have one. */
static int64_t
end_of(const struct round *r, size_t i)
{
	return r->list.bases[i + 1];
}

/* Set first, last and dirty_from from what is closed, durable and old enough. */
static int
find_cleanable(struct round *r)
{
	const struct partition *p = r->p;
	int64_t start = head_log_start(p->head, p->number), clean = head_clean_end(p->head, p->number);
	int64_t upto = head_synced_end(p->head, p->number), lag = p->settings.min_compaction_lag_ms;
	bool older;
	int rc;

	if (r->end.segment_base < upto)
		upto = r->end.segment_base;
	r->first = r->last = r->list.count > 0 ? segment_list_find(&r->list, start) : 0;
	while (r->last + 1 < r->list.count && end_of(r, r->last) <= upto)
		r->last++;
	r->dirty_from = clean < start || clean > r->end.end_offset ? start : clean;
	for (size_t i = r->first; lag > 0 && i < r->last; i++) {
		if (end_of(r, i) <= r->dirty_from)
			continue;
		if ((rc = retention_is_older(p, r->list.bases[i], r->options->now_ms - lag + 1, &older)) != STATUS_OK)
			return rc;
		if (!older)
			r->last = i;
	}
	return STATUS_OK;
}

static int
is_dirty_enough(const struct round *r, bool *enough)
{
	int64_t clean = 0, dirty = 0, size;
	int rc;

	for (size_t i = r->first; i < r->last; i++) {
		if ((rc = segment_size(r->p->dir, r->list.bases[i], &size)) != STATUS_OK)
			return rc;
		*(end_of(r, i) <= r->dirty_from ? &clean : &dirty) += size;
	}
	*enough = dirty > 0 && (double)dirty > r->p->settings.min_dirty_ratio * ((double)clean + (double)dirty);
	return STATUS_OK;
}

/*
 * The keys.
 */

static int
note_record(void *arg, const struct record *record, uint64_t hash)
{
	struct round *r = arg;

	if (record->key_len < 0 || record->offset < r->dirty_from)
		return STATUS_OK;
	/* A key for which even the empty map has no room is not noted, so its records stay. */
	if (keymap_put(r->keys, record->key, record->key_len, hash, record->offset) == STATUS_OK || keymap_count(r->keys) == 0)
		return STATUS_OK;
	r->filter.map_end = record->offset;
	return STATUS_END;
}

static int
note_batch(void *arg, const struct batch_view *v)
{
	struct round *r = arg;
	struct batch_view plain = *v;
	int rc = STATUS_OK;

	if (batch_end_offset(&v->header) <= r->dirty_from)
		return STATUS_OK;
	if ((v->header.attributes & BATCH_CONTROL) == 0 && !aborted_has(&r->aborted, &v->header) &&
	    (rc = batch_decompress(&plain.header, &plain.bytes, &r->filter.plain)) == STATUS_OK)
		rc = filter_each(&r->filter, &plain, note_record, r);
	if (rc != STATUS_OK)
		return rc;
	r->filter.map_end = batch_end_offset(&v->header);
	return is_stopped(r) ? STATUS_END : STATUS_OK;
}

/* Note the keys of the dirty part, as many as there is room for; the filter's map_end says how far. */
static int
note_keys(struct round *r)
{
	int rc = STATUS_OK;

	keymap_clear(r->keys);
	r->filter.map_end = r->dirty_from;
	for (size_t i = r->first; i < r->last && rc == STATUS_OK; i++) {
		if (end_of(r, i) <= r->dirty_from)
			continue;
		if ((rc = each_batch(r->p, r->list.bases[i], -1, note_batch, r)) == STATUS_OK)
			r->filter.map_end = end_of(r, i);
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

/*
 * Writing.
 */

/* What takes the place of the segments [from, to) of the list. */
struct output {
	struct round *r;
	size_t from, to;
	size_t last; /* that has a batch */
	int work;    /* folder */
	int fd;
	struct index_writer index;
	struct head_end end;
	struct buf pending; /* the bytes before the end's position */
	int source;	    /* of the segment at hand, for the bytes that were not copied yet */
	bool deferred;	    /* nothing was written yet: so far it is what the one segment is */
	int64_t modified_ms;
};

static void
work_name(const struct partition *p, char name[WORK_NAME_BYTES])
{
	(void)snprintf(name, WORK_NAME_BYTES, "cleaned.%d", p->number);
}

static int
remove_work(const struct partition *p)
{
	char name[WORK_NAME_BYTES];
	int rc;

	work_name(p, name);
	rc = dir_remove_tree(p->topic_dir, name);
	return rc == STATUS_MISSING ? STATUS_OK : rc;
}

static int
flush(struct output *o)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, o->end.segment_base, SUFFIX_LOG);
	if (o->pending.len == 0)
		return STATUS_OK;
	rc = file_write_at(o->fd, name, o->pending.data, o->pending.len, o->end.end_position - (int64_t)o->pending.len);
	buf_clear(&o->pending);
	return rc;
}

/* From here on it is another than the segment it began as. */
static int
diverge(struct output *o)
{
	if (!o->deferred)
		return STATUS_OK;
	o->deferred = false;
	return o->end.end_position > 0 ? file_copy(o->source, o->fd, SUFFIX_LOG, o->end.end_position) : STATUS_OK;
}

static int
put_batch(struct output *o, const uint8_t *bytes)
{
	struct batch_header h, timed;
	int rc;

	if ((rc = batch_decode_header(bytes, &h)) != STATUS_OK)
		return rc;
	/* The time of a batch without records is nobody's: Kafka's tools call an index that has it wrong. */
	timed = h;
	if (h.record_count == 0)
		timed.max_timestamp_ms = -1;
	if (o->end.end_position + batch_bytes(&h) > SEGMENT_MAX_BYTES)
		return status_fail(STATUS_IO, "compaction: the delete horizons make a segment longer than it may be");
	rc = index_writer_note(&o->index, &o->end, &timed, o->end.end_position, o->r->p->settings.index_interval_bytes);
	if (rc != STATUS_OK)
		return rc;
	if (!o->deferred && (rc = buf_append(&o->pending, bytes, (size_t)batch_bytes(&h))) != STATUS_OK)
		return rc;
	o->end.end_position += batch_bytes(&h);
	return o->pending.len >= WRITE_BYTES ? flush(o) : STATUS_OK;
}

/* The last batch stays, so that the log says how far it reaches: unlink_covered goes by it. */
static int
clean_batch(struct output *o, const struct batch_view *v, bool is_last)
{
	const struct buf *replacement = NULL;
	enum filter_verdict verdict;
	int rc;

	if ((rc = filter_batch(&o->r->filter, v, is_last, &verdict, &replacement)) != STATUS_OK)
		return rc;
	if (verdict == FILTER_KEEP)
		return put_batch(o, v->bytes);
	if ((rc = diverge(o)) != STATUS_OK)
		return rc;
	return verdict == FILTER_DROP ? STATUS_OK : put_batch(o, replacement->data);
}

/* STATUS_END: stopped. */
static int
clean_segment(struct output *o, size_t i)
{
	struct segment_scanner scanner;
	struct batch_view view;
	int64_t base = o->r->list.bases[i], size, ms;
	int rc;

	if ((rc = open_segment(o->r->p, base, &o->source, &size)) != STATUS_OK)
		return rc;
	segment_scanner_init(&scanner, o->source, base, 0, size);
	while ((rc = segment_scanner_next(&scanner, &view.header, &view.bytes)) == STATUS_OK) {
		if (batch_end_offset(&view.header) > end_of(o->r, i))
			rc = status_fail(STATUS_CORRUPT, "%s: it reaches into the next segment", scanner.name);
		else
			rc = is_stopped(o->r) ? STATUS_END
					      : clean_batch(o, &view, i == o->last && scanner.position == scanner.limit);
		if (rc != STATUS_OK)
			break;
	}
	if (rc == STATUS_END && scanner.position == scanner.limit)
		rc = STATUS_OK;
	if (rc == STATUS_OK && (rc = file_modified_ms(o->source, scanner.name, &ms)) == STATUS_OK)
		o->modified_ms = ms;
	segment_scanner_free(&scanner);
	(void)file_close(o->source, SUFFIX_LOG);
	o->source = -1;
	return rc == STATUS_CORRUPT || rc == STATUS_CONFIG || rc == STATUS_DATA ? STATUS_IO : rc;
}

/* All of it on the disk, under its own folder's name. */
static int
finish_output(struct output *o)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, o->end.segment_base, SUFFIX_LOG);
	if ((rc = flush(o)) != STATUS_OK || (rc = index_writer_finish(&o->index, &o->end)) != STATUS_OK ||
	    (rc = file_set_modified_ms(o->fd, name, o->modified_ms)) != STATUS_OK || (rc = file_sync(o->fd, name)) != STATUS_OK)
		return rc;
	fault_point("compact.written");
	return STATUS_OK;
}

/* The .txnindex files, one behind the other, for Kafka: entries of data that is gone do no harm. */
static int
join_txnindexes(const struct output *o)
{
	const struct round *r = o->r;
	char name[SEGMENT_NAME_BYTES];
	struct buf all = BUF_EMPTY;
	int rc = STATUS_OK;

	for (size_t i = o->from; i < o->to && rc == STATUS_OK; i++) {
		segment_name(name, r->list.bases[i], SUFFIX_TXNINDEX);
		if ((rc = file_read_all(r->p->dir, name, BATCH_MAX_BYTES, &all)) == STATUS_MISSING)
			rc = STATUS_OK;
	}
	segment_name(name, o->end.segment_base, SUFFIX_TXNINDEX);
	if (rc == STATUS_OK && all.len > 0 && (rc = file_replace(o->work, name, all.data, all.len, &r->p->access)) == STATUS_OK)
		rc = file_rename_to(o->work, name, r->p->dir, name);
	buf_free(&all);
	return rc;
}

/* The old indexes go before the log that they speak of: a missing one costs time only, one of another log is garbage. */
static int
remove_indexes(const struct output *o)
{
	char index[SEGMENT_NAME_BYTES], timeindex[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(index, o->end.segment_base, SUFFIX_INDEX);
	segment_name(timeindex, o->end.segment_base, SUFFIX_TIMEINDEX);
	rc = file_remove(o->r->p->dir, index);
	return rc == STATUS_OK ? file_remove(o->r->p->dir, timeindex) : rc;
}

static int
move_index(const struct output *o, const char *suffix)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, o->end.segment_base, suffix);
	return file_exists(o->work, name) ? file_rename_to(o->work, name, o->r->p->dir, name) : STATUS_OK;
}

/* Everything that may be missing now is said to be; then the new log is there, then the old ones go, the lowest first. */
static int
take_place(const struct output *o)
{
	const struct round *r = o->r;
	const struct partition *p = r->p;
	char name[SEGMENT_NAME_BYTES];
	int64_t old_bytes;
	int rc;

	segment_name(name, o->end.segment_base, SUFFIX_LOG);
	if ((rc = segment_size(p->dir, o->end.segment_base, &old_bytes)) != STATUS_OK ||
	    (rc = head_raise_gap_end(p->head, p->number, end_of(r, o->to - 1))) != STATUS_OK ||
	    (rc = join_txnindexes(o)) != STATUS_OK || (rc = remove_indexes(o)) != STATUS_OK ||
	    (rc = file_rename_to(o->work, name, p->dir, name)) != STATUS_OK)
		return rc;
	fault_point("compact.renamed");
	if ((rc = head_add_closed_bytes(p->head, p->number, o->end.end_position - old_bytes)) != STATUS_OK)
		return rc;
	if ((rc = file_sync(p->dir, p->label)) != STATUS_OK || (rc = move_index(o, SUFFIX_INDEX)) != STATUS_OK ||
	    (rc = move_index(o, SUFFIX_TIMEINDEX)) != STATUS_OK)
		return rc;
	for (size_t i = o->from + 1; i < o->to && rc == STATUS_OK; i++)
		rc = retention_unlink(p, r->list.bases[i]);
	return rc == STATUS_OK ? file_sync(p->dir, p->label) : rc;
}

/* Under the last slot, unless a trim has taken the first segment away meanwhile, or a recovery is at work. */
static int
swap(const struct output *o)
{
	const struct partition *p = o->r->p;
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, o->end.segment_base, SUFFIX_LOG);
	if ((rc = lock_take(p->lock, byte, "retention lock", clock_deadline(o->r->options->lock_ms))) != STATUS_OK)
		return rc;
	if (head_dead(p->head))
		rc = status_fail(STATUS_MISSING, "the topic was deleted");
	else if (file_exists(p->dir, name))
		rc = take_place(o);
	lock_drop(p->lock, byte);
	return rc;
}

static int
open_output(struct output *o)
{
	const struct partition *p = o->r->p;
	char folder[WORK_NAME_BYTES], name[SEGMENT_NAME_BYTES];
	int rc;

	work_name(p, folder);
	if ((rc = remove_work(p)) != STATUS_OK || (rc = dir_make(p->topic_dir, folder, &p->access)) != STATUS_OK ||
	    (rc = dir_open(p->topic_dir, folder, &o->work)) != STATUS_OK)
		return rc;
	head_empty_end(&o->end, o->r->list.bases[o->from]);
	index_writer_init(&o->index, o->work, &p->access);
	segment_name(name, o->end.segment_base, SUFFIX_LOG);
	return file_create(o->work, name, &p->access, &o->fd);
}

/* Empty segments, which Kafka leaves, say nothing of how far they reach. */
static int
find_last(struct output *o)
{
	int64_t size;
	int rc;

	for (o->last = o->to - 1; o->last > o->from; o->last--) {
		if ((rc = segment_size(o->r->p->dir, o->r->list.bases[o->last], &size)) != STATUS_OK)
			return rc;
		if (size > 0)
			break;
	}
	return STATUS_OK;
}

/* Clean the segments [from, to) into one. */
static int
clean_group(struct round *r, size_t from, size_t to)
{
	struct output o = {.r = r, .from = from, .to = to, .work = -1, .fd = -1, .source = -1, .deferred = to - from == 1};
	int rc;

	index_writer_init(&o.index, -1, &r->p->access);
	if ((rc = find_last(&o)) == STATUS_OK)
		rc = open_output(&o);
	for (size_t i = from; i < to && rc == STATUS_OK; i++)
		rc = clean_segment(&o, i);
	if (rc == STATUS_OK && !o.deferred && (rc = finish_output(&o)) == STATUS_OK)
		rc = swap(&o);
	buf_free(&o.pending);
	index_writer_close(&o.index);
	(void)file_close(o.fd, SUFFIX_LOG);
	(void)file_close(o.work, r->p->label);
	return rc;
}

/* How many segments from the from-th on go into one: by their sizes as they are, as Kafka has it. */
static int
group_end(const struct round *r, size_t from, size_t to, size_t *end)
{
	int64_t total, size;
	int rc;

	if ((rc = segment_size(r->p->dir, r->list.bases[from], &total)) != STATUS_OK)
		return rc;
	for (*end = from + 1; *end < to; (*end)++) {
		if ((rc = segment_size(r->p->dir, r->list.bases[*end], &size)) != STATUS_OK)
			return rc;
		if (total + size > r->p->settings.segment_bytes || end_of(r, *end) - r->list.bases[from] > INT32_MAX)
			break;
		total += size;
	}
	return STATUS_OK;
}

/* STATUS_END: stopped, or the segments are no more what they were. */
static int
clean_log(struct round *r)
{
	size_t to = r->last, end;
	int rc = STATUS_OK;

	while (to > r->first && r->list.bases[to - 1] >= r->filter.map_end)
		to--;
	filter_restart(&r->filter);
	for (size_t from = r->first; from < to && rc == STATUS_OK; from = end) {
		if ((rc = group_end(r, from, to, &end)) == STATUS_OK)
			rc = clean_group(r, from, end);
	}
	/* A trim has unlinked it since it was listed. */
	return rc == STATUS_MISSING && !head_dead(r->p->head) ? STATUS_END : rc;
}

/* What the producers' states are at the end. */
static int
note_producer(void *arg, const struct batch_view *v)
{
	struct producers *ps = arg;

	return producers_note(ps, &v->header, v->bytes);
}

static int
read_producers(struct round *r)
{
	int rc;

	producers_free(&r->producers);
	if ((rc = producers_at(r->p, r->end.segment_base, &r->producers)) != STATUS_OK)
		return rc;
	return each_batch(r->p, r->end.segment_base, r->end.end_position, note_producer, &r->producers);
}

static int
list_segments(struct round *r)
{
	int rc;

	segment_list_free(&r->list);
	if ((rc = segment_list_read(r->p->dir, &r->list)) != STATUS_OK)
		return rc;
	return head_end(r->p->head, r->p->number, &r->end) ? STATUS_OK : STATUS_RECOVER;
}

/* *more: there is more to do. A round of a run begun goes on whatever the ratio says. */
static int
run_round(struct round *r, bool begun, bool *more)
{
	bool enough = false;
	int rc;

	*more = false;
	r->aborted.count = 0;
	if ((rc = list_segments(r)) != STATUS_OK || (rc = find_cleanable(r)) != STATUS_OK ||
	    (rc = is_dirty_enough(r, &enough)) != STATUS_OK || (!enough && !begun) || (rc = survey(r)) != STATUS_OK ||
	    (rc = is_dirty_enough(r, &enough)) != STATUS_OK || (!enough && !begun) || r->last == r->first ||
	    end_of(r, r->last - 1) <= r->dirty_from)
		return rc;
	if ((rc = read_producers(r)) != STATUS_OK || (rc = note_keys(r)) != STATUS_OK)
		return rc;
	if (is_stopped(r) || r->filter.map_end <= r->dirty_from)
		return STATUS_OK;
	if ((rc = clean_log(r)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	*more = true;
	return head_raise_clean_end(r->p->head, r->p->number, r->filter.map_end);
}

/*
 * What one that died left: a log that reaches over the bases of segments behind it, which it stands for.
 */

struct reach {
	int64_t end; /* offset */
};

static int
note_reach(void *arg, const struct batch_view *v)
{
	struct reach *reach = arg;

	reach->end = batch_end_offset(&v->header);
	return STATUS_OK;
}

/* Where the last batch that the index leads to ends: cheap, and believed only in so far that it is worth a look. */
static bool
may_reach_over(const struct round *r, size_t i)
{
	struct segment_scanner scanner;
	struct batch_header h = {.base_offset = 0};
	const uint8_t *bytes;
	int64_t size, base = r->list.bases[i], end = base;
	int fd;

	if (open_segment(r->p, base, &fd, &size) != STATUS_OK)
		return false;
	segment_scanner_init(&scanner, fd, base, index_position_hint(r->p->dir, fd, base, INT64_MAX), size);
	while (segment_scanner_next(&scanner, &h, &bytes) == STATUS_OK)
		end = batch_end_offset(&h);
	segment_scanner_free(&scanner);
	(void)file_close(fd, SUFFIX_LOG);
	status_clear();
	return end > end_of(r, i);
}

static int
unlink_covered(const struct round *r, size_t i)
{
	struct reach reach = {.end = 0};
	int rc;

	if ((rc = each_batch(r->p, r->list.bases[i], -1, note_reach, &reach)) != STATUS_OK)
		return rc;
	for (i++; i + 1 < r->list.count && r->list.bases[i] < reach.end && end_of(r, i) <= r->end.segment_base && rc == STATUS_OK;
	     i++)
		rc = retention_unlink(r->p, r->list.bases[i]);
	return rc == STATUS_OK ? file_sync(r->p->dir, r->p->label) : rc;
}

static int
finish_swaps(struct round *r)
{
	int64_t gap_end = head_gap_end(r->p->head, r->p->number);
	int rc;

	if ((rc = list_segments(r)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i + 1 < r->list.count && r->list.bases[i] < gap_end && end_of(r, i) <= r->end.segment_base; i++) {
		if (!may_reach_over(r, i))
			continue;
		if ((rc = unlink_covered(r, i)) != STATUS_OK || (rc = list_segments(r)) != STATUS_OK)
			return rc;
	}
	return STATUS_OK;
}

static int
finish_what_died(struct round *r)
{
	const struct partition *p = r->p;
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if ((rc = remove_work(p)) != STATUS_OK)
		return rc;
	if ((rc = lock_take(p->lock, byte, "retention lock", clock_deadline(r->options->lock_ms))) != STATUS_OK)
		return rc;
	rc = finish_swaps(r);
	lock_drop(p->lock, byte);
	return rc;
}

static int
compact_locked(struct round *r)
{
	bool more = true;
	int rc;

	if ((rc = finish_what_died(r)) != STATUS_OK || !r->p->settings.compacts)
		return rc;
	if ((rc = keymap_open(r->options->memory_bytes, &r->keys)) != STATUS_OK)
		return rc;
	r->filter = (struct filter){.keys = r->keys,
	    .now_ms = r->options->now_ms,
	    .delete_retention_ms = r->p->settings.delete_retention_ms,
	    .producers = &r->producers,
	    .aborted = &r->aborted};
	for (bool begun = false; more && rc == STATUS_OK && !is_stopped(r); begun = true)
		rc = run_round(r, begun, &more);
	keymap_close(r->keys);
	filter_free(&r->filter);
	if (rc == STATUS_OK)
		rc = remove_work(r->p);
	return rc;
}

int
compact_partition(const struct partition *p, const struct compact_options *options)
{
	struct round r = {.p = p, .options = options};
	int64_t byte = LOCK_BYTE_COMPACTION(p->number);
	int rc;

	if (!lock_try(p->lock, byte))
		return STATUS_OK;
	rc = compact_locked(&r);
	lock_drop(p->lock, byte);
	segment_list_free(&r.list);
	producers_free(&r.producers);
	free(r.aborted.items);
	return rc;
}

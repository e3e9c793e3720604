#include "log/retention.h"

#include "base/fault.h"
#include "base/status.h"
#include "log/index.h"
#include "log/producers.h"
#include "log/segment.h"

int
retention_unlink(const struct partition *p, int64_t base)
{
	/* The log first: what is left of a killed trim is an index without its log, which is never opened. */
	static const char *const suffixes[] = {SUFFIX_LOG, SUFFIX_INDEX, SUFFIX_TIMEINDEX, SUFFIX_TXNINDEX, SUFFIX_SNAPSHOT};
	char name[SEGMENT_NAME_BYTES];
	int64_t size = 0;
	int rc = segment_size(p->dir, base, &size);

	if (rc == STATUS_MISSING)
		rc = STATUS_OK;
	for (size_t i = 0; i < COUNT_OF(suffixes) && rc == STATUS_OK; i++) {
		segment_name(name, base, suffixes[i]);
		rc = file_remove(p->dir, name);
		fault_point("retention.unlinked"); /* NEWEST_FIRST, NO_SNAPSHOT of tests/models/retention.pml */
	}
	return rc == STATUS_OK ? head_add_closed_bytes(p->head, p->number, -size) : rc;
}

struct orphans {
	const struct partition *p;
	int64_t first; /* base of the oldest segment */
};

/* An index or a snapshot that a killed trim left of a segment before the first. */
static int
remove_orphan(void *arg, const char *entry)
{
	static const char *const suffixes[] = {SUFFIX_INDEX, SUFFIX_TIMEINDEX, SUFFIX_TXNINDEX, SUFFIX_SNAPSHOT};
	const struct orphans *o = arg;
	int64_t base;

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		if (segment_parse_name(entry, suffixes[i], &base))
			return base < o->first ? file_remove(o->p->dir, entry) : STATUS_OK;
	}
	return STATUS_OK;
}

static int
unlink_before(const struct partition *p, const struct segment_list *list, int64_t offset, int64_t active)
{
	struct orphans orphans = {.p = p};
	size_t i;
	int rc = STATUS_OK;

	/*
	 * Oldest first, so that the log has no hole if we die in between. The active segment stays: what lies behind it is a roll that is
	 * not published and may be taken back.
	 */
	for (i = 0; i + 1 < list->count && list->bases[i + 1] <= offset && list->bases[i + 1] <= active; i++) {
		/* What the batches to be deleted say of their producers must be durable elsewhere first. */
		if ((rc = producers_ensure_snapshot(p, list->bases[i + 1])) != STATUS_OK ||
		    (rc = retention_unlink(p, list->bases[i])) != STATUS_OK)
			return rc;
	}
	if (i == list->count)
		return STATUS_OK;
	orphans.first = list->bases[i];
	return dir_list(p->dir, p->label, remove_orphan, &orphans);
}

/* The published end after the list was read: so whatever the list lacks lies behind it. STATUS_RECOVER if there is none. */
static int
list_then_end(const struct partition *p, struct segment_list *list, struct head_end *end)
{
	int rc;

	if ((rc = segment_list_read(p->dir, list)) != STATUS_OK)
		return rc;
	if (head_end(p->head, p->number, end))
		return STATUS_OK;
	segment_list_free(list);
	return STATUS_RECOVER;
}

static int
trim_locked(const struct partition *p, int64_t offset)
{
	int64_t start = head_log_start(p->head, p->number);
	struct segment_list list;
	struct head_end end;
	int rc;

	if (offset <= start)
		offset = start;
	else if ((rc = head_raise_log_start(p->head, p->number, offset)) != STATUS_OK)
		return rc;
	if ((rc = list_then_end(p, &list, &end)) != STATUS_OK)
		return rc;
	rc = unlink_before(p, &list, offset, end.segment_base);
	segment_list_free(&list);
	return rc;
}

int
retention_trim(const struct partition *p, int64_t offset, int64_t deadline_ms)
{
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if ((rc = lock_take(p->lock, byte, "retention lock", deadline_ms)) != STATUS_OK)
		return rc;
	rc = trim_locked(p, offset);
	lock_drop(p->lock, byte);
	return rc;
}

/*
 * What is old.
 */

/* A look at the segments from the oldest on. */
struct ageing {
	const struct partition *p;
	int64_t limit_ms;   /* what is older goes; INT64_MIN: nothing */
	int64_t left_bytes; /* of this segment and all behind it */
};

/* One of them: its bytes are those of the file, or what is published of the active one. */
struct aged {
	int fd;
	int64_t base, size;
};

static int
open_aged(const struct partition *p, int64_t base, const struct head_end *end, struct aged *s)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(p->dir, name, &s->fd)) != STATUS_OK)
		return rc;
	s->base = base;
	s->size = end->end_position;
	if (base != end->segment_base && (rc = file_size(s->fd, name, &s->size)) != STATUS_OK)
		(void)file_close(s->fd, name);
	return rc;
}

/* The batch that ends with the entry's offset has its timestamp. */
static bool
is_true_entry(const struct partition *p, const struct aged *s, const struct timeindex_entry *entry)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int rc;

	segment_scanner_init(&scanner, s->fd, s->base, index_position_hint(p->dir, s->fd, s->base, entry->offset), s->size);
	do
		rc = segment_scanner_next(&scanner, &h, &bytes);
	while (rc == STATUS_OK && batch_end_offset(&h) <= entry->offset);
	segment_scanner_free(&scanner);
	return rc == STATUS_OK && batch_end_offset(&h) - 1 == entry->offset && h.max_timestamp_ms == entry->timestamp_ms;
}

/* The greatest timestamp of all batches, -1 if none has one; STATUS_CORRUPT and STATUS_CONFIG at one that is none, with what came before. */
static int
scan_timestamps(const struct aged *s, int64_t *greatest_ms)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int rc;

	*greatest_ms = -1;
	segment_scanner_init(&scanner, s->fd, s->base, 0, s->size);
	while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
		if (h.max_timestamp_ms > *greatest_ms)
			*greatest_ms = h.max_timestamp_ms;
	}
	segment_scanner_free(&scanner);
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* Is all of it older than the limit? */
static int
is_older(const struct partition *p, const struct aged *s, int64_t limit_ms, bool *older)
{
	struct timeindex_entry entry;
	int64_t ms, modified_ms;
	uint32_t count;
	int rc;

	*older = false;
	if (timeindex_last_upto(p->dir, s->base, INT64_MAX, &entry, &count) == STATUS_OK && entry.timestamp_ms >= limit_ms &&
	    is_true_entry(p, s, &entry))
		return STATUS_OK;
	rc = scan_timestamps(s, &ms);
	if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG || (rc == STATUS_OK && ms < 0)) {
		if ((rc = file_modified_ms(s->fd, SUFFIX_LOG, &modified_ms)) == STATUS_OK && modified_ms > ms)
			ms = modified_ms;
	}
	if (rc == STATUS_OK)
		*older = ms < limit_ms;
	return rc;
}

static int
may_go(struct ageing *a, const struct aged *s, bool *goes)
{
	int64_t keep = a->p->settings.retention_bytes;

	*goes = keep >= 0 && a->left_bytes - s->size >= keep;
	a->left_bytes -= s->size;
	return *goes || a->limit_ms == INT64_MIN ? STATUS_OK : is_older(a->p, s, a->limit_ms, goes);
}

int
retention_is_older(const struct partition *p, int64_t base, int64_t limit_ms, bool *older)
{
	/* No end but that of the file. */
	const struct head_end none = {.segment_base = -1};
	struct aged s;
	int rc;

	if ((rc = open_aged(p, base, &none, &s)) != STATUS_OK)
		return rc;
	rc = is_older(p, &s, limit_ms, older);
	(void)file_close(s.fd, SUFFIX_LOG);
	return rc;
}

/* The bytes of the segments from the first-th on. */
static int
sum_sizes(const struct partition *p, const struct segment_list *list, size_t first, const struct head_end *end, int64_t *sum)
{
	struct aged s;
	int rc = STATUS_OK;

	*sum = 0;
	for (size_t i = first; i < list->count && list->bases[i] <= end->segment_base && rc == STATUS_OK; i++) {
		if ((rc = open_aged(p, list->bases[i], end, &s)) != STATUS_OK)
			break;
		*sum += s.size;
		(void)file_close(s.fd, SUFFIX_LOG);
	}
	return rc;
}

/* Where the i-th segment ends, an offset; -1: it is empty, or not published. */
static int64_t
end_of_segment(const struct segment_list *list, size_t i, const struct head_end *end)
{
	if (list->bases[i] < end->segment_base)
		return i + 1 < list->count ? list->bases[i + 1] : -1;
	return list->bases[i] == end->segment_base && end->end_position > 0 ? end->end_offset : -1;
}

static int
find_due(const struct partition *p, const struct segment_list *list, const struct head_end *end, int64_t now_ms, int64_t upto,
    int64_t *offset)
{
	const struct log_settings *set = &p->settings;
	struct ageing a = {.p = p, .limit_ms = INT64_MIN};
	/* What a trim that died left before the start is no part of the log. */
	size_t first = list->count > 0 ? segment_list_find(list, *offset) : 0;
	struct aged s;
	bool goes = true;
	int64_t next;
	int rc;

	if (set->retention_ms >= 0 && set->retention_ms <= now_ms)
		a.limit_ms = now_ms - set->retention_ms;
	if ((rc = sum_sizes(p, list, first, end, &a.left_bytes)) != STATUS_OK)
		return rc;
	for (size_t i = first; i < list->count && (next = end_of_segment(list, i, end)) >= 0 && next <= upto; i++) {
		if ((rc = open_aged(p, list->bases[i], end, &s)) != STATUS_OK)
			return rc;
		rc = may_go(&a, &s, &goes);
		(void)file_close(s.fd, SUFFIX_LOG);
		if (rc != STATUS_OK || !goes)
			return rc;
		*offset = next;
	}
	return STATUS_OK;
}

static int
due_locked(const struct partition *p, int64_t now_ms, int64_t upto, int64_t *offset)
{
	struct segment_list list;
	struct head_end end;
	int rc;

	*offset = head_log_start(p->head, p->number);
	if (!p->settings.deletes || (p->settings.retention_ms < 0 && p->settings.retention_bytes < 0))
		return STATUS_OK;
	if ((rc = list_then_end(p, &list, &end)) != STATUS_OK)
		return rc;
	rc = find_due(p, &list, &end, now_ms, upto, offset);
	segment_list_free(&list);
	return rc;
}

int
retention_due(const struct partition *p, int64_t now_ms, int64_t deadline_ms, int64_t *offset)
{
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if ((rc = lock_take(p->lock, byte, "retention lock", deadline_ms)) != STATUS_OK)
		return rc;
	rc = due_locked(p, now_ms, INT64_MAX, offset);
	lock_drop(p->lock, byte);
	return rc;
}

static int
apply_locked(const struct partition *p, int64_t now_ms)
{
	int64_t upto = head_synced_end(p->head, p->number), offset;
	struct head_end end;
	int rc;

	if (!head_end(p->head, p->number, &end))
		return STATUS_RECOVER;
	if (end.segment_base < upto)
		upto = end.segment_base;
	rc = due_locked(p, now_ms, upto, &offset);
	return rc == STATUS_OK ? trim_locked(p, offset) : rc;
}

int
retention_apply(const struct partition *p, int64_t now_ms)
{
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if (!lock_try(p->lock, byte))
		return STATUS_OK;
	rc = apply_locked(p, now_ms);
	lock_drop(p->lock, byte);
	return rc;
}

/*
 * Bytes.
 */

/* Append lock and last sync slot. */
static int
count_locked(const struct partition *p)
{
	struct head_end end;
	int64_t bytes;
	int rc;

	if (!head_end(p->head, p->number, &end))
		return STATUS_RECOVER;
	rc = segment_bytes_before(p->dir, end.segment_base, &bytes);
	return rc == STATUS_OK ? head_set_closed_bytes(p->head, p->number, bytes) : rc;
}

int
retention_count_closed(const struct partition *p, int64_t deadline_ms)
{
	int64_t append = LOCK_BYTE_APPEND(p->number), last = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if ((rc = lock_take(p->lock, append, "append lock", deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = lock_take(p->lock, last, "retention lock", deadline_ms)) == STATUS_OK) {
		rc = count_locked(p);
		lock_drop(p->lock, last);
	}
	lock_drop(p->lock, append);
	return rc;
}

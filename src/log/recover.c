#include "log/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/index.h"
#include "log/lost.h"
#include "log/segment.h"
#include "log/sync.h"

#define CUT_SUFFIX ".log.cut"

/* The scan's state: where it stands, and what it found behind the durable point. */
struct scan {
	const struct partition *p;
	struct recovery *r;
	struct segment_list list;
	size_t at;		    /* of the segment that holds the end */
	struct index_writer *index; /* NULL: look only */
};

static int64_t
durable_point(const struct partition *p, const struct segment_list *list)
{
	int64_t synced = head_is_original(p->head) ? head_synced_end(p->head, p->number) : -1;

	if (list->count == 0)
		return synced > 0 ? synced : 0;
	if (synced >= 0)
		return synced > list->bases[0] ? synced : list->bases[0];
	return list->bases[list->count >= 2 ? list->count - 2 : 0];
}

static int
open_segment(const struct partition *p, int64_t base, int *fd, int64_t *size)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = p->lock != NULL ? file_open_write(p->dir, name, fd) : file_open_read(p->dir, name, fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(*fd, name, size)) != STATUS_OK)
		(void)file_close(*fd, name);
	return rc;
}

/*
 * What the appender knew of the segment before `position`: its files say how many entries the indexes had, and `slot`, published at or
 * behind that position, which timestamp was the greatest. The time index alone would not do: nobody syncs it, and where its last entries
 * are lost the next one would claim too little, and searches by time would pass over records.
 */
static int
restore_segment_state(const struct partition *p, int fd, const struct head_end *slot, struct head_end *end)
{
	uint8_t bytes[BATCH_HEADER_BYTES];
	struct timeindex_entry time_entry;
	struct index_entry entry;
	struct batch_header first;
	size_t got;
	int rc;

	if ((rc = file_read_at(fd, SUFFIX_LOG, bytes, sizeof(bytes), 0, &got)) != STATUS_OK)
		return rc;
	if (got == sizeof(bytes) && batch_decode_header(bytes, &first) == STATUS_OK)
		end->first_timestamp_ms = first.max_timestamp_ms;
	/* Its own entry is written again when the batch at the position is noted: the bytes before it were pending. */
	if (index_last_before(p->dir, end->segment_base, end->end_position, &entry, &end->index_count) != STATUS_OK)
		end->index_count = 0;
	end->index_pending_bytes = UINT32_MAX;
	if (timeindex_last_upto(p->dir, end->segment_base, end->end_offset - 1, &time_entry, &end->timeindex_count) != STATUS_OK)
		end->timeindex_count = 0;
	end->max_timestamp_ms = slot->max_timestamp_ms;
	end->max_timestamp_offset = slot->max_timestamp_offset;
	return STATUS_OK;
}

/*
 * May the log go on with this offset? Compaction takes offsets out below gap_end. Elsewhere a gap is a base offset that the disk made up:
 * the CRC does not cover it.
 */
static bool
may_follow(const struct scan *s, int64_t offset)
{
	int64_t end = s->r->end.end_offset;

	return offset == end || (offset > end && offset <= head_gap_end(s->p->head, s->p->number));
}

/* Rules for what may follow the end: see mq-format(5) RECOVERY. */
static int
check_sequence(const struct scan *s, const struct batch_header *h)
{
	const struct head_end *end = &s->r->end;

	if (!may_follow(s, h->base_offset))
		return status_fail(STATUS_CORRUPT, "offset %lld after %lld", (long long)h->base_offset,
		    (long long)end->end_offset - 1);
	if (s->at + 1 < s->list.count && batch_end_offset(h) > s->list.bases[s->at + 1])
		return status_fail(STATUS_CORRUPT, "offset %lld in the segment before that of %lld",
		    (long long)batch_end_offset(h) - 1, (long long)s->list.bases[s->at + 1]);
	if (h->leader_epoch < end->leader_epoch)
		return status_fail(STATUS_CORRUPT, "offset %lld: leader epoch %d after %d", (long long)h->base_offset,
		    h->leader_epoch, end->leader_epoch);
	return STATUS_OK;
}

static int
note_batch(struct scan *s, const struct batch_header *h, int64_t position)
{
	struct head_end *end = &s->r->end;
	int rc;

	if (s->index != NULL &&
	    (rc = index_writer_note(s->index, end, h, position, s->p->settings.index_interval_bytes)) != STATUS_OK)
		return rc;
	partition_end_behind(end, h, position);
	return STATUS_OK;
}

/* Walk the segment from `position` to its end: STATUS_OK, STATUS_CORRUPT with the reason at the first bad batch. */
static int
scan_segment(struct scan *s, int fd, int64_t position, int64_t size)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int rc;

	segment_scanner_init(&scanner, fd, s->r->end.segment_base, position, size);
	while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
		if ((rc = check_sequence(s, &h)) != STATUS_OK) {
			rc = status_context(rc, "%s at %lld", scanner.name, (long long)(scanner.position - batch_bytes(&h)));
			break;
		}
		if ((rc = note_batch(s, &h, scanner.position - batch_bytes(&h))) != STATUS_OK)
			break;
	}
	segment_scanner_free(&scanner);
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* The batch by which the index says that a scan for the durable point may begin; false if there is none, or too little is known of it. */
static bool
find_hint(const struct scan *s, int fd, struct head_end *slot, int64_t *position, int64_t *offset)
{
	int64_t base = s->list.bases[s->at];
	uint8_t bytes[BATCH_HEADER_BYTES];
	struct batch_header h;
	size_t got;

	*position = index_position_hint(s->p->dir, fd, base, s->r->durable);
	if (*position == 0 || file_read_at(fd, SUFFIX_LOG, bytes, sizeof(bytes), *position, &got) != STATUS_OK ||
	    got < sizeof(bytes) || batch_decode_header(bytes, &h) != STATUS_OK)
		return false;
	*offset = h.base_offset;
	return head_end(s->p->head, s->p->number, slot) && slot->segment_base == base && slot->end_offset >= *offset;
}

/* Set the end to the beginning of segment `at`, or, if `hinted`, to the batch in it by which a scan may begin. */
static int
enter_segment(struct scan *s, int fd, bool hinted)
{
	struct head_end *end = &s->r->end, slot;
	int64_t base = s->list.bases[s->at], position, offset;
	int rc;

	end->segment_base = end->end_offset = base;
	end->last_position = -1;
	end->end_position = 0;
	end->max_timestamp_ms = end->max_timestamp_offset = end->first_timestamp_ms = -1;
	end->index_pending_bytes = end->index_count = end->timeindex_count = 0;
	if (hinted && find_hint(s, fd, &slot, &position, &offset)) {
		end->end_offset = offset;
		end->end_position = position;
		if ((rc = restore_segment_state(s->p, fd, &slot, end)) != STATUS_OK)
			return rc;
	}
	return s->index != NULL ? index_writer_cut(s->index, end) : STATUS_OK;
}

static bool
is_bad_batch(int rc)
{
	return rc == STATUS_CORRUPT || rc == STATUS_CONFIG;
}

/* The first segment: from where the index says; from its beginning if what lies there is no batch, because the index may lie. */
static int
scan_first(struct scan *s, int fd, int64_t size)
{
	int rc;

	if ((rc = enter_segment(s, fd, true)) != STATUS_OK)
		return rc;
	rc = scan_segment(s, fd, s->r->end.end_position, size);
	if (!is_bad_batch(rc) || s->r->end.end_position == 0 || s->r->end.last_position >= 0)
		return rc;
	rc = enter_segment(s, fd, false);
	return rc == STATUS_OK ? scan_segment(s, fd, 0, size) : rc;
}

static int
scan_next(struct scan *s, int fd, int64_t size)
{
	int rc = enter_segment(s, fd, false);

	return rc == STATUS_OK ? scan_segment(s, fd, 0, size) : rc;
}

static int
scan_from_durable_point(struct scan *s)
{
	size_t first = segment_list_find(&s->list, s->r->durable);
	struct head_end *end = &s->r->end;
	int64_t size;
	int fd, rc = STATUS_OK;

	for (s->at = first;; s->at++) {
		int64_t base = s->list.bases[s->at];

		if (s->at > first && !may_follow(s, base)) {
			s->at--;
			return status_fail(STATUS_CORRUPT, "the log ends at offset %lld, the next segment begins at %lld",
			    (long long)end->end_offset, (long long)base);
		}
		if ((rc = open_segment(s->p, base, &fd, &size)) != STATUS_OK)
			return rc;
		rc = s->at == first ? scan_first(s, fd, size) : scan_next(s, fd, size);
		(void)file_close(fd, SUFFIX_LOG);
		if (rc != STATUS_OK || s->at + 1 == s->list.count)
			return rc;
		if (s->index != NULL && (rc = index_writer_finish(s->index, end)) != STATUS_OK)
			return rc;
	}
}

/* Scan and judge: a bad batch before the durable point is damage, at or behind it a torn tail. */
static int
scan_and_judge(struct scan *s)
{
	struct recovery *r = s->r;
	int rc;

	if ((rc = segment_list_read(s->p->dir, &s->list)) != STATUS_OK)
		return rc;
	r->durable = durable_point(s->p, &s->list);
	head_empty_end(&r->end, r->durable);
	if (s->list.count == 0) {
		r->damaged = r->durable > 0;
		(void)snprintf(r->reason, sizeof(r->reason), "no segment is there");
		return STATUS_OK;
	}
	rc = scan_from_durable_point(s);
	if (rc != STATUS_OK && !is_bad_batch(rc))
		return rc;
	if (rc != STATUS_OK)
		(void)snprintf(r->reason, sizeof(r->reason), "%s", status_message());
	if (r->end.end_offset < head_log_start(s->p->head, s->p->number)) {
		r->damaged = true;
		(void)snprintf(r->reason, sizeof(r->reason), "the log ends at offset %lld, before its start %lld",
		    (long long)r->end.end_offset, (long long)head_log_start(s->p->head, s->p->number));
	} else if (r->end.end_offset < r->durable) {
		r->damaged = true;
		if (rc == STATUS_OK)
			(void)snprintf(r->reason, sizeof(r->reason), "the log ends at offset %lld, but was durable up to %lld",
			    (long long)r->end.end_offset, (long long)r->durable);
	} else {
		r->torn = rc != STATUS_OK;
	}
	return STATUS_OK;
}

int
recover_scan(const struct partition *p, struct recovery *r)
{
	struct scan s = {.p = p, .r = r};
	int rc;

	*r = (struct recovery){.done = true};
	rc = scan_and_judge(&s);
	segment_list_free(&s.list);
	return rc;
}

/* Remove what a failure left; returns it, and its message stays. */
static int
remove_after(int why, int dir, const char *name)
{
	char message[512];

	(void)snprintf(message, sizeof(message), "%s", status_message());
	if (file_remove(dir, name) != STATUS_OK)
		status_clear(); /* a later recovery removes it */
	return status_fail(why, "%s", message);
}

/*
 * Cut an open segment. In this boot somebody may have the file open and take bytes written later for those he published: the rest goes
 * into a new inode. After a reboot nobody can.
 */
static int
cut_segment(const struct partition *p, int segment, int64_t base, int64_t position)
{
	char name[SEGMENT_NAME_BYTES], temporary[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if (!head_of_this_boot(p->head, p->number)) {
		if ((rc = file_truncate(segment, name, position)) == STATUS_OK)
			rc = file_sync(segment, name);
		return rc;
	}
	segment_name(temporary, base, CUT_SUFFIX);
	if ((rc = file_create(p->dir, temporary, &p->access, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_copy(segment, fd, name, position)) == STATUS_OK && (rc = file_sync(fd, name)) == STATUS_OK)
		rc = file_rename(p->dir, temporary, name);
	(void)file_close(fd, name);
	if (rc != STATUS_OK)
		return remove_after(rc, p->dir, temporary);
	fault_point("recover.replaced");
	return file_sync(p->dir, p->label);
}

/* A new inode that a dead recovery did not finish. */
static int
remove_unfinished(void *arg, const char *entry)
{
	int64_t base;

	return segment_parse_name(entry, CUT_SUFFIX, &base) ? file_remove(*(int *)arg, entry) : STATUS_OK;
}

static int
cut_one(const struct scan *s, size_t i)
{
	const struct partition *p = s->p;
	bool whole = i > s->at;
	int64_t position = whole ? 0 : s->r->end.end_position, base = s->list.bases[i], size;
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	if ((rc = open_segment(p, base, &fd, &size)) != STATUS_OK)
		return rc;
	if (size > position)
		rc = lost_keep(p, fd, whole ? base : s->r->end.end_offset, position, size, NULL);
	s->r->cut_bytes += size - position;
	fault_point("recover.kept");
	if (rc == STATUS_OK && !whole && size > position)
		rc = cut_segment(p, fd, base, position);
	(void)file_close(fd, SUFFIX_LOG);
	if (rc != STATUS_OK || !whole)
		return rc;
	for (int k = 0; k < 5 && rc == STATUS_OK; k++) {
		static const char *const suffixes[] = {SUFFIX_INDEX, SUFFIX_TIMEINDEX, SUFFIX_TXNINDEX, SUFFIX_SNAPSHOT,
		    SUFFIX_LOG};

		segment_name(name, base, suffixes[k]);
		rc = file_remove(p->dir, name);
	}
	return rc;
}

/* A snapshot behind the end would be believed by a segment that begins there one day. */
static int
remove_later_snapshot(void *arg, const char *entry)
{
	const struct scan *s = arg;
	int64_t base;

	if (!segment_parse_name(entry, SUFFIX_SNAPSHOT, &base) || base <= s->r->end.end_offset)
		return STATUS_OK;
	return file_remove(s->p->dir, entry);
}

/* Last segment first: dying inside leaves a log whose end is found again. */
static int
cut_torn(struct scan *s)
{
	int rc = dir_list(s->p->dir, s->p->label, remove_later_snapshot, s);

	for (size_t i = s->list.count; rc == STATUS_OK && i-- > s->at;)
		rc = cut_one(s, i);
	fault_point("recover.cut");
	return rc == STATUS_OK ? file_sync(s->p->dir, s->p->label) : rc;
}

/*
 * Write what lies behind the durable point again and sync it: nobody knows whether the disk has what the page cache shows. It is checked
 * again, because a page that was dropped meanwhile shows what the disk has.
 */
static int
adopt_one(const struct scan *s, size_t i)
{
	int64_t base = s->list.bases[i], to = i < s->at ? s->list.bases[i + 1] : s->r->end.end_offset, size;
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = open_segment(s->p, base, &fd, &size)) != STATUS_OK)
		return rc;
	if ((rc = sync_rewrite(s->p, fd, base, s->r->durable, to)) == STATUS_OK)
		rc = file_sync(fd, name);
	(void)file_close(fd, SUFFIX_LOG);
	return rc == STATUS_CORRUPT ? status_context(STATUS_IO, "changed while it was recovered") : rc;
}

static int
adopt(const struct scan *s)
{
	int rc = STATUS_OK;

	if (s->r->durable < s->r->end.end_offset) {
		for (size_t i = segment_list_find(&s->list, s->r->durable); i <= s->at && rc == STATUS_OK; i++)
			rc = adopt_one(s, i);
	}
	fault_point("recover.adopted");
	return rc == STATUS_OK ? file_sync(s->p->dir, s->p->label) : rc;
}

/* A partition whose folder lost everything, or was killed before its first segment: begin it again at the end. */
static int
make_first_segment(const struct partition *p, int64_t base)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_create(p->dir, name, &p->access, &fd)) != STATUS_OK)
		return rc;
	(void)file_close(fd, name);
	return file_sync(p->dir, p->label);
}

/* May readers have seen what is not there any more? */
static bool
may_have_shown_more(const struct partition *p)
{
	bool same_boot = head_is_original(p->head) && head_of_this_boot(p->head, p->number);

	/* Both, because an alter that died may have written the settings and not yet shown readers less. */
	return !same_boot && (p->settings.fsync != FSYNC_ALWAYS || !head_synced_only(p->head));
}

static int
cut_and_adopt(struct scan *s)
{
	struct head *h = s->p->head;
	int p = s->p->number, rc;

	/* Whoever repeats a recovery that died in here finds fewer segments; it shall find the same durable point. */
	if ((rc = head_set_synced_end(h, p, s->r->durable)) != STATUS_OK)
		return rc;
	if (s->list.count == 0)
		return make_first_segment(s->p, s->r->end.segment_base);
	if (s->r->torn && (rc = cut_torn(s)) != STATUS_OK)
		return rc;
	return adopt(s);
}

static int
rebuild(struct partition *p, int (*new_epoch)(void *arg, int32_t above), void *arg, struct recovery *r)
{
	struct index_writer index;
	struct scan s = {.p = p, .r = r, .index = &index};
	int64_t closed;
	int rc;

	index_writer_init(&index, p->dir, &p->access);
	if ((rc = head_rebuild_begin(p->head, p->number)) != STATUS_OK ||
	    (rc = dir_list(p->dir, p->label, remove_unfinished, &p->dir)) != STATUS_OK || (rc = scan_and_judge(&s)) != STATUS_OK)
		goto out;
	if (r->damaged) {
		rc = head_rebuild_finish(p->head, p->number, &r->end, r->durable, HEAD_DAMAGED);
		goto out;
	}
	/* Before the cut, because whoever repeats a recovery that died behind it finds nothing torn any more. */
	r->opens_epoch = r->torn || may_have_shown_more(p) || r->end.leader_epoch > head_leader_epoch(p->head);
	if (r->opens_epoch && (rc = new_epoch(arg, r->end.leader_epoch)) != STATUS_OK)
		goto out;
	fault_point("recover.epoch");
	if ((rc = cut_and_adopt(&s)) == STATUS_OK &&
	    (rc = segment_bytes_before(p->dir, r->end.segment_base, &closed)) == STATUS_OK &&
	    (rc = head_set_closed_bytes(p->head, p->number, closed)) == STATUS_OK)
		rc = head_rebuild_finish(p->head, p->number, &r->end, r->end.end_offset, HEAD_SOUND);
out:
	index_writer_close(&index);
	segment_list_free(&s.list);
	return rc;
}

/* STATUS_RECOVER: it cannot be trusted. */
static int
check_trust(const struct partition *p)
{
	struct head_end end;
	uint64_t generation;

	if (!partition_page_is_current(p, &end, &generation))
		return STATUS_RECOVER;
	return partition_verify_end(p, &end, head_appender(p->head, p->number) == 0);
}

static int
recover_unless_trusted(struct partition *p, int (*new_epoch)(void *arg, int32_t above), void *arg, struct recovery *r)
{
	int rc = check_trust(p);

	if (rc != STATUS_RECOVER)
		return rc;
	rc = rebuild(p, new_epoch, arg, r);
	r->done = rc == STATUS_OK;
	return rc;
}

int
recover_partition(struct partition *p, int (*new_epoch)(void *arg, int32_t above), void *arg, int64_t deadline_ms,
    struct recovery *r)
{
	int held = 0, rc;

	*r = (struct recovery){.done = false};
	if ((rc = lock_take(p->lock, LOCK_BYTE_APPEND(p->number), "append lock", deadline_ms)) != STATUS_OK)
		return rc == STATUS_AGAIN ? partition_lock_busy(p) : rc;
	while (
	    held < SYNC_SLOTS && (rc = lock_take(p->lock, LOCK_BYTE_SYNC(p->number, held), "sync slot", deadline_ms)) == STATUS_OK)
		held++;
	if (rc == STATUS_OK)
		rc = recover_unless_trusted(p, new_epoch, arg, r);
	while (held-- > 0)
		lock_drop(p->lock, LOCK_BYTE_SYNC(p->number, held));
	lock_drop(p->lock, LOCK_BYTE_APPEND(p->number));
	return rc;
}

#include "store/fsck_partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "log/lost.h"
#include "log/mend.h"
#include "log/recover.h"
#include "log/segment.h"
#include "log/verify.h"
#include "store/handle.h"

/* How often a log that changes under our eyes is looked at again before its locks are taken. */
#define LOOK_TRIES 8

struct check {
	struct topic *t;
	struct slot *s;
	const struct fsck_report *report;
	struct verify_order order;
	struct head_end end; /* what order.published points at */
	struct verified found;
	bool trusted; /* the page */
	bool sane;    /* its words may be true */
	enum head_poison poison;
	uint64_t generation;
	struct recovery due;	       /* what recovery would do, if the page is not trusted */
	char (*kept)[LOST_NAME_BYTES]; /* by flaw */
};

static bool
is_repairing(const struct check *c)
{
	return c->report->options->repair;
}

/*
 * The page.
 */

/* Nobody writes words such as these. */
static bool
is_sane(const struct check *c)
{
	const struct head *h = c->t->head;
	int p = c->s->part.number;
	int64_t synced = head_synced_end(h, p), start = head_log_start(h, p);
	struct head_end end;

	if (head_fenced_epoch(h, p) != -1 || head_poison(h, p) > HEAD_DAMAGED || start < 0 || synced < -1 || head_gap_end(h, p) < 0)
		return false;
	if (!head_end(h, p, &end))
		return head_generation(h, p) % 2 != 0;
	return end.segment_base >= 0 && end.end_offset >= end.segment_base && end.end_position >= 0 &&
	    (head_poison(h, p) == HEAD_DAMAGED || (synced <= end.end_offset && start <= end.end_offset));
}

static int
look_at_page(struct check *c)
{
	const struct partition *p = &c->s->part;
	int rc;

	c->generation = head_generation(p->head, p->number);
	c->sane = is_sane(c);
	c->poison = head_poison(p->head, p->number);
	c->trusted = c->sane && partition_page_is_current(p, &c->end, &c->generation);
	if (c->trusted && (rc = partition_verify_end(p, &c->end, false)) != STATUS_OK) {
		if (rc != STATUS_RECOVER)
			return rc;
		c->trusted = false;
	}
	c->due = (struct recovery){.durable = INT64_MAX};
	return !c->trusted && c->sane ? recover_scan(p, &c->due) : STATUS_OK;
}

/* What the log is to be measured by. */
static void
set_order(struct check *c)
{
	const struct partition *p = &c->s->part;
	int64_t synced = head_synced_end(p->head, p->number);

	c->order = (struct verify_order){
	    .dir = p->dir,
	    .label = p->label,
	    .topic_id = c->t->config.topic_id,
	    .log_start = c->sane ? head_log_start(p->head, p->number) : 0,
	    .gap_end = c->sane ? head_gap_end(p->head, p->number) : 0,
	    .epoch_most = head_leader_epoch(p->head),
	    .end = -1,
	    .durable = c->due.durable,
	    .stopped = c->report->options->stopped,
	};
	if (c->trusted && c->poison != HEAD_DAMAGED) {
		c->order.published = &c->end;
		c->order.end = c->end.end_offset;
	} else if (c->sane && head_is_original(p->head)) {
		c->order.end = synced;
	}
	/* A page that cannot be believed says nothing of where the log begins. */
	if (!c->sane || !head_is_original(p->head))
		c->order.epoch_most = INT32_MAX;
	if (!c->sane) {
		struct segment_list list;

		if (segment_list_read(p->dir, &list) == STATUS_OK && list.count > 0)
			c->order.log_start = list.bases[0];
		segment_list_free(&list);
	}
}

static int
look(struct check *c, const struct verified *before)
{
	int rc;

	if ((rc = look_at_page(c)) != STATUS_OK)
		return rc;
	set_order(c);
	return verify_partition(&c->order, before, &c->found);
}

/* Look again, knowing what was found. */
static int
look_again(struct check *c)
{
	struct verified before = c->found;
	int rc;

	c->found = (struct verified){.epoch = -1};
	rc = look(c, &before);
	verified_free(&before);
	return rc;
}

/*
 * Locks.
 */

static int
lock_partition(struct check *c, int64_t deadline_ms)
{
	const struct partition *p = &c->s->part;
	int held = 0, rc;

	if ((rc = lock_take(p->lock, LOCK_BYTE_APPEND(p->number), "append lock", deadline_ms)) != STATUS_OK)
		return rc == STATUS_AGAIN ? partition_lock_busy(p) : rc;
	while (
	    held < SYNC_SLOTS && (rc = lock_take(p->lock, LOCK_BYTE_SYNC(p->number, held), "sync slot", deadline_ms)) == STATUS_OK)
		held++;
	if (rc == STATUS_OK)
		return rc;
	while (held-- > 0)
		lock_drop(p->lock, LOCK_BYTE_SYNC(p->number, held));
	lock_drop(p->lock, LOCK_BYTE_APPEND(p->number));
	return rc;
}

static void
unlock_partition(struct check *c)
{
	const struct partition *p = &c->s->part;

	for (int i = SYNC_SLOTS; i-- > 0;)
		lock_drop(p->lock, LOCK_BYTE_SYNC(p->number, i));
	lock_drop(p->lock, LOCK_BYTE_APPEND(p->number));
}

/*
 * Telling.
 */

static enum fsck_action
action_of(enum flaw_kind kind)
{
	switch (kind) {
	case FLAW_BAD:
		return FSCK_CUT;
	case FLAW_HEADER:
		return FSCK_RESTORE;
	case FLAW_GAP:
	case FLAW_SHORT:
		return FSCK_ACCEPT;
	case FLAW_TORN:
		return FSCK_RECOVER;
	case FLAW_NAME:
		return FSCK_BY_HAND;
	case FLAW_LEFTOVER:
		return FSCK_REMOVE;
	case FLAW_CODEC:
	case FLAW_OLD:
	case FLAW_UNKNOWN:
		return FSCK_NONE;
	default:
		return FSCK_REBUILD;
	}
}

static void
tell_flaw(const struct check *c, size_t i, bool done)
{
	const struct flaw *f = &c->found.flaws.items[i];
	struct fsck_row row = fsck_row_of(c->report, c->s->part.number, f->file, flaw_name(f->kind), f->why);

	row.position = f->position;
	if (f->position >= 0 && f->end >= f->position)
		row.bytes = f->end - f->position;
	if (f->to > f->from) {
		row.offset = f->from;
		row.lost = f->to - f->from;
	}
	if (c->kept != NULL && c->kept[i][0] != '\0')
		row.kept = c->kept[i];
	fsck_tell(c->report, row, action_of(f->kind), flaw_is_damage(f->kind), done);
}

static void
tell_flaws(const struct check *c, bool done)
{
	for (size_t i = 0; i < c->found.flaws.count; i++)
		tell_flaw(c, i, done);
}

static void
tell_page(const struct check *c, const char *state, const char *detail, enum fsck_action action, bool damage, bool done)
{
	struct fsck_row row = fsck_row_of(c->report, -1, "heads", state, detail);
	char text[600];

	(void)snprintf(text, sizeof(text), "partition %d: %s", c->s->part.number, detail);
	row.detail = text;
	fsck_tell(c->report, row, action, damage, done);
}

/* What the page says of itself. */
static void
tell_poison(const struct check *c, bool done)
{
	if (c->poison == HEAD_READ_ONLY)
		tell_page(c, "read-only", "the disk failed twice", FSCK_REOPEN, true, done);
	else if (c->poison == HEAD_DAMAGED)
		tell_page(c, "read-only", "recovery found damage", FSCK_REOPEN, true, done);
	else if (c->poison == HEAD_UNSYNCED)
		tell_page(c, "unsynced", "a sync failed; what may be lost is written again", FSCK_REOPEN, false, done);
}

static void
tell_due(const struct check *c)
{
	char text[128] = "the first to use it finds the end of the log";

	if (c->due.damaged)
		return;
	if (c->due.torn)
		(void)snprintf(text, sizeof(text), "what lies behind offset %lld will be cut off",
		    (long long)c->due.end.end_offset - 1);
	tell_page(c, "recovery-due", text, FSCK_RECOVER, false, false);
}

/*
 * Only looking.
 */

/* What recovery will cut off is no damage, but a torn tail. */
static void
spare_torn(struct check *c)
{
	struct flaw_list *l = &c->found.flaws;

	if (c->trusted || c->due.damaged)
		return;
	for (size_t i = 0; i < l->count; i++) {
		struct flaw *f = &l->items[i];

		if (f->offset >= 0 && f->offset >= c->due.durable && flaw_is_damage(f->kind)) {
			f->kind = FLAW_TORN;
			f->from = f->to = -1;
		}
	}
}

static bool
seems_wrong(const struct check *c)
{
	const struct flaw_list *l = &c->found.flaws;

	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].kind != FLAW_UNKNOWN && l->items[i].kind != FLAW_CODEC)
			return true;
	}
	return !c->sane;
}

/* Without a lock, until the log holds still for as long as it takes. */
static int
look_freely(struct check *c)
{
	int rc = STATUS_GONE;

	for (int i = 0; i < LOOK_TRIES && rc == STATUS_GONE; i++) {
		rc = look_again(c);
		if (rc == STATUS_OK && head_generation(c->t->head, c->s->part.number) != c->generation)
			rc = STATUS_GONE;
	}
	return rc;
}

/* What seems wrong is looked at under the locks, if we may take them. */
static int
look_surely(struct check *c)
{
	int rc = look_freely(c);

	if ((rc != STATUS_OK && rc != STATUS_GONE) || (rc == STATUS_OK && !seems_wrong(c)) || c->t->lock == NULL)
		return rc == STATUS_GONE ? status_fail(STATUS_AGAIN, "%s: the log changes while it is read", c->s->part.label) : rc;
	if ((rc = lock_partition(c, clock_deadline(c->report->options->lock_ms))) != STATUS_OK)
		return slot_context(c->s, rc);
	rc = look_again(c);
	unlock_partition(c);
	return rc;
}

static int
only_look(struct check *c)
{
	int rc;

	if ((rc = look_surely(c)) != STATUS_OK)
		return rc;
	spare_torn(c);
	if (!c->sane)
		tell_page(c, "garbage", "what its page says cannot be", FSCK_REBUILD, true, false);
	else if (!c->trusted)
		tell_due(c);
	tell_poison(c, false);
	tell_flaws(c, false);
	return STATUS_OK;
}

/*
 * Repairing.
 */

static void
note_kept(void *arg, const struct flaw *f, const char *name)
{
	struct check *c = arg;

	(void)snprintf(c->kept[f - c->found.flaws.items], LOST_NAME_BYTES, "%s", name);
}

static bool
needs_mending(const struct check *c)
{
	const struct flaw_list *l = &c->found.flaws;

	for (size_t i = 0; i < l->count; i++) {
		if (action_of(l->items[i].kind) != FSCK_NONE)
			return true;
	}
	return c->poison != HEAD_SOUND;
}

static bool
has_flaw(const struct check *c, enum flaw_kind kind)
{
	for (size_t i = 0; i < c->found.flaws.count; i++) {
		if (c->found.flaws.items[i].kind == kind)
			return true;
	}
	return false;
}

/* Topic state, append and all slots are held, and the page is trusted. */
static int
mend(struct check *c)
{
	struct mend_order order = {.partition = &c->s->part, .order = &c->order, .found = &c->found, .kept = note_kept, .arg = c};
	int rc;

	if (has_flaw(c, FLAW_NAME)) {
		tell_flaws(c, false);
		return STATUS_OK;
	}
	if ((c->kept = calloc(c->found.flaws.count + 1, sizeof(*c->kept))) == NULL)
		return status_no_memory(c->s->part.label);
	/* Readers may have seen more than is there, and its offsets will be given again. */
	if (c->poison == HEAD_DAMAGED && (rc = handle_open_epoch(c->t, c->found.epoch)) != STATUS_OK)
		return rc;
	if ((rc = mend_partition(&order)) != STATUS_OK)
		return slot_context(c->s, rc);
	tell_poison(c, true);
	tell_flaws(c, true);
	return STATUS_OK;
}

/*
 * Of a copied store, and of a page of garbage, nobody knows up to where the log was durable. Recovery would cut off what lies behind a bad
 * batch in the last segments. So it is told to begin behind the last valid batch; what is bad before that is cut out afterwards.
 */
static int
set_durable_point(struct check *c)
{
	const struct partition *p = &c->s->part;
	struct head *h = c->t->head;
	int64_t gap_end = head_gap_end(h, p->number);
	int rc;

	if ((rc = file_sync_system(p->dir, p->label)) != STATUS_OK)
		return rc;
	if (gap_end < 0 || gap_end > c->found.end)
		gap_end = 0;
	if (!c->sane && (rc = head_forget_page(h, p->number, c->order.log_start, gap_end)) != STATUS_OK)
		return rc;
	return head_set_synced_end(h, p->number, c->found.end);
}

static int
recover_copy(struct check *c, int64_t deadline_ms)
{
	int rc;

	if ((rc = lock_partition(c, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = look_again(c)) == STATUS_OK && (!c->sane || head_synced_end(c->t->head, c->s->part.number) < 0))
		rc = set_durable_point(c);
	unlock_partition(c);
	return rc;
}

/* Topic state is held. */
static int
recover(struct check *c, int64_t deadline_ms)
{
	bool sane = c->sane, due = !c->trusted;
	int rc = STATUS_OK;

	if (!head_is_original(c->t->head) &&
	    ((rc = file_sync_system(c->t->dir, c->t->name)) != STATUS_OK || (rc = head_adopt(c->t->head)) != STATUS_OK))
		return rc;
	if ((!sane || head_synced_end(c->t->head, c->s->part.number) < 0) && (rc = recover_copy(c, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = handle_recover(c->t, c->s, deadline_ms)) != STATUS_OK)
		return slot_context(c->s, rc);
	if (!sane)
		tell_page(c, "garbage", "what its page said could not be", FSCK_REBUILD, true, true);
	else if (due)
		tell_page(c, "recovery-due", "the end of the log was found", FSCK_RECOVER, false, true);
	return STATUS_OK;
}

static int
repair_locked(struct check *c, int64_t deadline_ms)
{
	int rc;

	if ((!c->trusted || !c->sane) && (rc = recover(c, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = lock_partition(c, deadline_ms)) != STATUS_OK)
		return slot_context(c->s, rc);
	if ((rc = look_again(c)) == STATUS_OK && !c->trusted)
		rc = slot_context(c->s, status_fail(STATUS_IO, "was recovered, and still asks for it"));
	else if (rc == STATUS_OK && needs_mending(c))
		rc = mend(c);
	else if (rc == STATUS_OK)
		tell_flaws(c, false);
	unlock_partition(c);
	return rc;
}

/* What is published and not durable, because its producer died before its sync, is nobody's to sync where readers do not wait. */
static int
sync_rest(struct check *c, int64_t deadline_ms)
{
	const struct head *h = c->t->head;
	int p = c->s->part.number, rc;

	if (!head_synced_only(h) || head_synced_end(h, p) >= c->end.end_offset || c->t->lock == NULL)
		return STATUS_OK;
	if ((rc = handle_use_log(c->t, p, &c->s)) == STATUS_OK)
		rc = handle_sync(c->t, c->s, false, deadline_ms, NULL);
	return rc;
}

static int
repair(struct check *c)
{
	int64_t deadline_ms = clock_deadline(c->report->options->lock_ms);
	int p = c->s->part.number, rc;

	if ((rc = look_freely(c)) != STATUS_OK && rc != STATUS_GONE)
		return rc;
	if (rc == STATUS_OK && c->trusted && c->sane && !needs_mending(c)) {
		tell_flaws(c, false);
		return sync_rest(c, deadline_ms);
	}
	if (c->t->lock == NULL)
		return slot_context(c->s, status_fail(STATUS_PERMISSION, "we may not write to it"));
	/* What compaction made of the segments as they were must not take the place of those that are mended. */
	if (!lock_try(c->t->lock, LOCK_BYTE_COMPACTION(p)))
		return slot_context(c->s, status_fail(STATUS_AGAIN, "mq-gc compacts it just now"));
	if ((rc = handle_lock(c->t, deadline_ms)) == STATUS_OK) {
		rc = repair_locked(c, deadline_ms);
		handle_unlock(c->t);
		head_ring(c->t->head);
	} else {
		rc = handle_context(c->t, rc);
	}
	lock_drop(c->t->lock, LOCK_BYTE_COMPACTION(p));
	return rc;
}

int
fsck_partition(struct topic *t, int p, const struct fsck_report *report)
{
	struct check c = {.t = t, .report = report, .found = {.epoch = -1}};
	int rc;

	if ((rc = handle_use(t, p, &c.s)) == STATUS_OK)
		rc = is_repairing(&c) ? repair(&c) : only_look(&c);
	verified_free(&c.found);
	free(c.kept);
	return rc;
}

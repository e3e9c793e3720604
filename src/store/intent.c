#include "store/intent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/producers.h"
#include "log/trail.h"
#include "store/intent_file.h"
#include "store/layout.h"

#define LOCK_WORDS "lock of committed sets"
/* How often a partition that asks for repairs, or a log that changes while it is searched, is looked at again. */
#define TRIES 16

/* An intent that is applied. */
struct work {
	struct topic *topic;
	const char *name;
	int fd;
	struct intent_file file;
	bool fresh; /* it was committed just now, so that no log holds anything of it */
	int64_t deadline_ms;
	const struct intent_order *order; /* NULL: another made it */
};

/*
 * What the log of one partition holds of it.
 */

struct search {
	const struct intent_target *target;
	int64_t stored; /* records, from the first on */
};

/* The records of the set up to this sequence number; one of an earlier run, or of nobody, counts nothing. */
static void
note_sequence(struct search *s, int32_t last_sequence)
{
	int64_t count = (int64_t)(((uint32_t)last_sequence + 1 - (uint32_t)s->target->base_sequence) & INT32_MAX);

	if (count <= s->target->records && count > s->stored)
		s->stored = count;
}

static int
note_batch(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	(void)bytes;
	note_sequence(arg, batch_last_sequence(h));
	return STATUS_OK;
}

/* Removed segments, and a log that was cut below what it once had durable: the snapshots know who was there. */
static int
search_snapshots(const struct slot *slot, int64_t producer_id, int64_t end, struct search *s)
{
	struct producers ps = {NULL, 0, 0};
	const struct producer_state *state;
	int rc;

	if ((rc = producers_collect(&slot->part, end, &ps)) == STATUS_OK && (state = producers_find(&ps, producer_id)) != NULL &&
	    state->last_sequence >= 0)
		note_sequence(s, state->last_sequence);
	producers_free(&ps);
	return rc;
}

/* How many of its records the partition holds; what it holds is durable, and nobody else adds to it. */
static int
find_stored(const struct work *w, struct slot *slot, const struct intent_target *target, int64_t *stored)
{
	struct head *head = w->topic->head;
	struct search s = {.target = target};
	int64_t end, start;
	int rc;

	if ((rc = handle_sync(w->topic, slot, false, w->deadline_ms, &end)) != STATUS_OK)
		return rc;
	for (int i = 0; i < TRIES; i++) {
		start = head_log_start(head, target->partition);
		s.stored = 0;
		if (start > target->synced || end < target->synced)
			rc = search_snapshots(slot, w->file.producer_id, end, &s);
		else
			rc = trail_walk(&slot->part, w->file.producer_id, target->synced > 0 ? target->synced : 0, end, note_batch,
			    &s);
		/* What was removed meanwhile may not have been seen. */
		if ((rc == STATUS_OK || rc == STATUS_MISSING) && head_log_start(head, target->partition) > start)
			continue;
		*stored = s.stored;
		return rc == STATUS_OK ? rc : slot_context(slot, rc == STATUS_AGAIN ? rc : STATUS_IO);
	}
	return slot_context(slot, status_fail(STATUS_AGAIN, "the log changes while it is read"));
}

/*
 * Applying it.
 */

/* What the log asks for when it appends a set. */
struct giver {
	const struct work *work;
	struct intent_cursor cursor;
	int64_t stored; /* records that are not given */
	int failed;	/* a status: the intent cannot be read */
};

static int
give_batch(void *arg, struct buf *batch)
{
	struct giver *g = arg;
	struct batch_header h;
	int rc;

	do
		rc = intent_cursor_next(&g->cursor, g->work->fd, g->work->name, &g->work->file, batch, &h);
	while (rc == STATUS_OK && g->cursor.records <= g->stored);
	if (rc != STATUS_OK && rc != STATUS_END)
		g->failed = rc == STATUS_CORRUPT ? STATUS_READ_ONLY : rc;
	return rc;
}

static int
append_rest(const struct work *w, struct slot *slot, const struct intent_target *target, int64_t stored, int64_t *base,
    int64_t *end)
{
	struct giver giver = {.work = w, .stored = stored};
	int rc;

	intent_cursor_init(&giver.cursor, target);
	rc = log_append_set(slot->log, give_batch, &giver, w->deadline_ms, base, end);
	if (giver.failed != STATUS_OK)
		return status_context(giver.failed, "%s/" INTENTS_FOLDER, w->topic->name);
	return rc;
}

/*
 * Have the partition hold its part, published and durable. A recovery may have found it where it was not before, so after each repair it is
 * looked for.
 */
static int
apply_target(const struct work *w, const struct intent_target *target)
{
	bool fresh = w->fresh;
	struct slot *slot;
	int64_t stored, base, end;
	int rc;

	for (int i = 0; i < TRIES; i++) {
		stored = 0;
		if ((rc = handle_use_log(w->topic, target->partition, &slot)) != STATUS_OK ||
		    (!fresh && (rc = find_stored(w, slot, target, &stored)) != STATUS_OK))
			return rc;
		if (stored == target->records)
			return STATUS_OK;
		fresh = false;
		if ((rc = append_rest(w, slot, target, stored, &base, &end)) == STATUS_OK)
			break;
		if (!handle_is_repairable(rc) || (rc = handle_repair(w->topic, slot, rc, w->deadline_ms)) != STATUS_OK)
			return slot_context(slot, rc);
		rc = status_fail(STATUS_AGAIN, "was repaired %d times and still asks for it", i + 1);
	}
	if (rc != STATUS_OK)
		return slot_context(slot, rc);
	fault_point("intent.applied");
	if ((rc = log_sync(slot->log, end, w->deadline_ms)) != STATUS_OK)
		return slot_context(slot, rc == STATUS_GONE ? STATUS_AGAIN : rc);
	fault_point("intent.synced");
	if (w->order != NULL && w->order->applied != NULL)
		w->order->applied(w->order->arg, target->partition, base, end);
	return STATUS_OK;
}

static int
apply_targets(const struct work *w)
{
	int rc = STATUS_OK;

	for (size_t i = 0; i < w->file.count && rc == STATUS_OK; i++)
		rc = apply_target(w, &w->file.targets[i]);
	head_ring(w->topic->head);
	return rc;
}

static int
apply_file(struct work *w, int dir)
{
	int rc;

	if ((rc = file_open_read(dir, w->name, &w->fd)) != STATUS_OK)
		return rc;
	if ((rc = intent_file_read(w->fd, w->name, &w->file)) == STATUS_OK)
		rc = apply_targets(w);
	else
		rc = status_context(rc == STATUS_CORRUPT ? STATUS_READ_ONLY : rc, "%s/" INTENTS_FOLDER, w->topic->name);
	(void)file_close(w->fd, w->name);
	intent_file_free(&w->file);
	return rc;
}

/* It was applied, and all of it is durable. */
static int
let_go(const struct work *w, int dir)
{
	fault_point("intent.covered");
	return file_remove(dir, w->name);
}

/*
 * All that wait.
 */

struct names {
	char (*names)[NAME_MAX_BYTES + 1];
	size_t count, cap;
};

bool
intent_is_name(const char *name)
{
	size_t len = strlen(name), end = sizeof(INTENT_SUFFIX) - 1;

	return len > end && len <= NAME_MAX_BYTES && strcmp(name + len - end, INTENT_SUFFIX) == 0;
}

static int
add_name(void *arg, const char *entry)
{
	struct names *l = arg;

	if (!intent_is_name(entry))
		return STATUS_OK;
	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 4;
		void *more = reallocarray(l->names, cap, sizeof(*l->names));

		if (more == NULL)
			return status_no_memory("committed sets");
		l->names = more;
		l->cap = cap;
	}
	memcpy(l->names[l->count++], entry, strlen(entry) + 1);
	return STATUS_OK;
}

static int
list_intents(int dir, struct names *l)
{
	int rc;

	*l = (struct names){.names = NULL};
	if ((rc = dir_list(dir, INTENTS_FOLDER, add_name, l)) != STATUS_OK)
		free(l->names);
	return rc;
}

/*
 * The folder first: its maker may have died between rename and sync, and a set whose commit the next power cut takes back must not be in
 * half of the partitions.
 */
static int
apply_listed(struct topic *t, int dir, int64_t deadline_ms)
{
	struct names l;
	int rc;

	if ((rc = list_intents(dir, &l)) != STATUS_OK)
		return rc;
	if (l.count > 0)
		rc = file_sync(dir, INTENTS_FOLDER);
	fault_point("intent.listed");
	for (size_t i = 0; i < l.count && rc == STATUS_OK; i++) {
		struct work w = {.topic = t, .name = l.names[i], .fd = -1, .deadline_ms = deadline_ms};

		if ((rc = apply_file(&w, dir)) == STATUS_OK)
			rc = let_go(&w, dir);
	}
	free(l.names);
	return rc;
}

/* Nothing waits any more; durably so before the word says it. LOCK_BYTE_INTENTS. */
static int
lower(struct topic *t, int dir)
{
	int rc;

	if (head_intents(t->head) == 0)
		return STATUS_OK;
	fault_point("intent.unlinked");
	if (dir >= 0 && (rc = file_sync(dir, INTENTS_FOLDER)) != STATUS_OK)
		return rc;
	fault_point("intent.forgotten");
	return head_set_intents(t->head, 0);
}

static int
apply_waiting_locked(struct topic *t, int64_t deadline_ms)
{
	int dir = -1, rc;

	if ((rc = dir_open(t->dir, INTENTS_FOLDER, &dir)) == STATUS_OK)
		rc = apply_listed(t, dir, deadline_ms);
	else if (rc == STATUS_MISSING && !head_dead(t->head))
		rc = STATUS_OK;
	if (rc == STATUS_OK)
		rc = lower(t, dir);
	(void)file_close(dir, INTENTS_FOLDER);
	return rc;
}

int
intent_apply_waiting(struct topic *t, int64_t deadline_ms)
{
	int rc;

	if (t->lock == NULL)
		return status_fail(STATUS_PERMISSION, "we may not write to it");
	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "the topic was deleted");
	if ((rc = lock_take(t->lock, LOCK_BYTE_INTENTS, LOCK_WORDS, deadline_ms)) != STATUS_OK)
		return rc;
	rc = apply_waiting_locked(t, deadline_ms);
	lock_drop(t->lock, LOCK_BYTE_INTENTS);
	/* Nothing of the caller's was stored. */
	return rc == STATUS_IO ? STATUS_READ_ONLY : rc;
}

void
intent_try_apply(struct topic *t)
{
	if (t->lock == NULL || head_intents(t->head) == 0 || !lock_try(t->lock, LOCK_BYTE_INTENTS))
		return;
	if (apply_waiting_locked(t, DEADLINE_NOW) != STATUS_OK)
		status_clear();
	lock_drop(t->lock, LOCK_BYTE_INTENTS);
}

int
intent_recount(struct topic *t)
{
	struct names l = {.names = NULL};
	int dir, rc;

	if ((rc = dir_open(t->dir, INTENTS_FOLDER, &dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	if ((rc = list_intents(dir, &l)) == STATUS_OK) {
		/* Too many do no harm. */
		if (l.count > head_intents(t->head))
			rc = head_set_intents(t->head, l.count);
		free(l.names);
	}
	(void)file_close(dir, INTENTS_FOLDER);
	return rc;
}

const struct handle_intents intent_of_handles = {intent_apply_waiting, intent_try_apply, intent_recount};

/*
 * Spools that nobody locks.
 */

static int
clean_spool(void *arg, const char *entry)
{
	int dir = *(int *)arg, rc = STATUS_OK;
	struct lock *lock;

	if (!intent_is_name(entry))
		return STATUS_OK;
	if ((rc = lock_open(dir, entry, &lock)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	if (lock_stay(lock, 0))
		rc = file_remove(dir, entry);
	lock_close(lock);
	return rc;
}

int
intent_clean(struct topic *t)
{
	int dir, rc;

	if (t->lock == NULL)
		return STATUS_OK;
	if ((rc = dir_open(t->dir, SPOOLS_FOLDER, &dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	rc = dir_list(dir, SPOOLS_FOLDER, clean_spool, &dir);
	(void)file_close(dir, SPOOLS_FOLDER);
	return rc;
}

/*
 * Committing.
 */

int
intent_open_folder(struct topic *t, const char *name, int *dir)
{
	int rc;

	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "the topic was deleted");
	if (!file_exists(t->dir, name) && (rc = dir_make(t->dir, name, &t->access)) != STATUS_OK && rc != STATUS_EXISTS)
		return rc;
	/* Also where it is there: who made it may have died before this. */
	if ((rc = file_sync(t->dir, t->name)) != STATUS_OK)
		return rc;
	return dir_open(t->dir, name, dir);
}

/* A set for a partition that takes nothing would keep everybody waiting. */
static int
check_targets(const struct topic *t, const struct intent_file *f)
{
	for (size_t i = 0; i < f->count; i++) {
		int p = f->targets[i].partition;

		if (p >= t->slot_count)
			return status_fail(STATUS_MISSING, "no partition %d: it has %d", p, t->slot_count);
		if (head_poison(t->head, p) == HEAD_DAMAGED || head_poison(t->head, p) == HEAD_READ_ONLY)
			return status_fail(STATUS_READ_ONLY, "partition %d is read-only", p);
	}
	return STATUS_OK;
}

/* The word first: who sees it low may append, and roll, beside what is applied. */
static int
commit(struct topic *t, struct intent_order *o, int dir)
{
	int rc;

	if ((rc = head_set_intents(t->head, 1)) != STATUS_OK)
		return rc;
	fault_point("intent.raised");
	rc = file_move(o->spools, o->name, dir, o->name);
	o->committed = rc == STATUS_OK || file_exists(dir, o->name);
	if (!o->committed) {
		if (head_set_intents(t->head, 0) != STATUS_OK)
			rc = STATUS_AGAIN;
		return rc;
	}
	fault_point("intent.renamed");
	if (rc == STATUS_OK)
		rc = file_sync(dir, INTENTS_FOLDER);
	fault_point("intent.committed");
	return rc;
}

static int
commit_locked(struct topic *t, struct intent_order *o, int dir, int64_t deadline_ms)
{
	struct work w = {.topic = t, .name = o->name, .fd = -1, .fresh = true, .deadline_ms = deadline_ms, .order = o};
	int rc, fd;

	if ((rc = apply_listed(t, dir, deadline_ms)) != STATUS_OK || (rc = file_open_read(o->spools, o->name, &fd)) != STATUS_OK)
		return rc;
	if ((rc = intent_file_read(fd, o->name, &w.file)) == STATUS_OK)
		rc = check_targets(t, &w.file);
	(void)file_close(fd, o->name);
	intent_file_free(&w.file);
	if (rc != STATUS_OK)
		return rc;
	if (o->stopped != NULL && o->stopped(o->arg))
		return STATUS_END;
	if ((rc = commit(t, o, dir)) != STATUS_OK || (rc = apply_file(&w, dir)) != STATUS_OK)
		return rc;
	/* All of it is stored: that file or word stay costs the next appender a look. */
	if (let_go(&w, dir) != STATUS_OK || lower(t, dir) != STATUS_OK)
		status_clear();
	return STATUS_OK;
}

int
intent_commit(struct topic *t, struct intent_order *o, int64_t deadline_ms)
{
	int dir, rc;

	o->committed = false;
	if (t->lock == NULL)
		return status_fail(STATUS_PERMISSION, "%s: we may not write to it", t->name);
	if ((rc = intent_open_folder(t, INTENTS_FOLDER, &dir)) != STATUS_OK)
		return handle_context(t, rc);
	if ((rc = lock_take(t->lock, LOCK_BYTE_INTENTS, LOCK_WORDS, deadline_ms)) == STATUS_OK) {
		rc = commit_locked(t, o, dir, deadline_ms);
		lock_drop(t->lock, LOCK_BYTE_INTENTS);
	}
	(void)file_close(dir, INTENTS_FOLDER);
	return rc == STATUS_OK || rc == STATUS_END ? rc : handle_context(t, rc);
}

/*
 * Telling.
 */

struct telling {
	int p;
	int (*visit)(void *arg, int p, const struct buf *batch);
	void *arg;
};

static int
tell_batch(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	const struct telling *t = arg;
	struct buf batch = {.data = (uint8_t *)(uintptr_t)bytes, .len = (size_t)batch_bytes(h), .cap = 0};

	return t->visit(t->arg, t->p, &batch);
}

int
intent_each_stored(struct topic *t, int p, int64_t producer_id, int64_t base, int64_t end,
    int (*visit)(void *arg, int p, const struct buf *batch), void *arg)
{
	struct telling telling = {.p = p, .visit = visit, .arg = arg};
	struct slot *slot;
	int rc;

	if ((rc = handle_use(t, p, &slot)) != STATUS_OK)
		return rc;
	return trail_walk(&slot->part, producer_id, base, end, tell_batch, &telling);
}

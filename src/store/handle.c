#include "store/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "log/recover.h"
#include "store/layout.h"
#include "store/state.h"

/* How often an append or a read is tried again after a repair that the log asked for; each try found something new to repair. */
#define REPAIR_TRIES 16
/* How long one without a deadline of its own, a reader, waits for a lock: as long as others do who give none. */
#define PATIENCE_MS 30000
#define TICK_MS 1000

int
handle_context(const struct topic *t, int rc)
{
	return status_context(rc, "%s", t->name);
}

int
slot_context(const struct slot *s, int rc)
{
	return status_context(rc, "%s", s->part.label);
}

int
handle_read_config(struct topic *t)
{
	uint64_t version = head_config_version(t->head);
	int rc;

	/* The version first: settings newer than it says are read again, older ones would be used. */
	if ((rc = layout_read_config(t->dir, &t->config)) != STATUS_OK || (rc = config_access(&t->config, &t->access)) != STATUS_OK)
		return rc;
	t->config_version = version;
	for (struct slot *s = t->in_use; s != NULL; s = s->next) {
		s->part.access = t->access;
		s->part.settings = config_of_log(&t->config);
		s->part.config_version = version;
	}
	return STATUS_OK;
}

/* Have slots for all partitions that are mapped. */
int
handle_grow(struct topic *t)
{
	int count = head_partition_count(t->head);
	struct slot **slots;

	if (count <= t->slot_count)
		return STATUS_OK;
	/* Not reallocarray(3): calloc(3) leaves the pages of those alone that are never used. */
	if ((slots = calloc((size_t)count, sizeof(struct slot *))) == NULL)
		return status_no_memory(t->name);
	if (t->slot_count > 0)
		memcpy(slots, t->slots, (size_t)t->slot_count * sizeof(struct slot *));
	free(t->slots);
	t->slots = slots;
	t->slot_count = count;
	return STATUS_OK;
}

/* Take the topic state lock, with the topic as it is now: others may have changed it while we waited. */
int
handle_lock(struct topic *t, int64_t deadline_ms)
{
	int rc;

	if (t->lock == NULL)
		return status_fail(STATUS_PERMISSION, "we may not write to it");
	if ((rc = lock_take(t->lock, LOCK_BYTE_TOPIC, "topic state lock", deadline_ms)) != STATUS_OK)
		return rc;
	if (head_dead(t->head))
		rc = status_fail(STATUS_MISSING, "the topic was deleted");
	else if (!head_grew(t->head) || ((rc = head_remap(t->head, t->dir)) == STATUS_OK && (rc = handle_grow(t)) == STATUS_OK))
		rc = handle_read_config(t);
	if (rc != STATUS_OK)
		lock_drop(t->lock, LOCK_BYTE_TOPIC);
	return rc;
}

void
handle_unlock(struct topic *t)
{
	lock_drop(t->lock, LOCK_BYTE_TOPIC);
}

/*
 * Partitions in use.
 */

static int flush_slot(struct slot *s, int64_t deadline_ms);

/*
 * Close the descriptors of the partition that was used longest ago. It is synced first: descriptors opened later could not vouch for it.
 * With fsync=never nothing more was promised of it.
 */
static int
close_least_used(struct topic *t)
{
	struct slot *oldest = NULL;
	int rc = STATUS_OK;

	for (struct slot *s = t->in_use; s != NULL; s = s->next) {
		if (s->part.dir >= 0 && (oldest == NULL || s->used < oldest->used))
			oldest = s;
	}
	if (oldest == NULL)
		return STATUS_OK;
	if (t->config.log.fsync == FSYNC_NEVER)
		oldest->unsynced_end = 0;
	if (oldest->unsynced_end > 0)
		rc = flush_slot(oldest, clock_deadline(PATIENCE_MS));
	slot_close(oldest);
	t->open_count--;
	return rc;
}

static int
new_slot(struct topic *t, int p)
{
	struct slot *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return status_no_memory(t->name);
	layout_partition_name(s->part.label, t->name, p);
	s->part.label[strlen(t->name)] = '/';
	s->part.number = p;
	s->part.dir = -1;
	s->part.topic_dir = t->dir;
	s->part.head = t->head;
	s->part.lock = t->lock;
	s->part.access = t->access;
	s->part.settings = config_of_log(&t->config);
	s->part.config_version = t->config_version;
	s->synced_at_ms = clock_monotonic_ms();
	t->slots[p] = s;
	s->next = t->in_use;
	t->in_use = s;
	return STATUS_OK;
}

/* The partition, with its folder open. */
int
handle_use(struct topic *t, int p, struct slot **out)
{
	char name[PARTITION_NAME_BYTES];
	struct slot *s;
	int rc;

	if (p < 0 || p >= t->slot_count)
		return status_fail(STATUS_MISSING, "%s/%d: no such partition (there are %d)", t->name, p, t->slot_count);
	if (t->slots[p] == NULL && (rc = new_slot(t, p)) != STATUS_OK)
		return rc;
	s = t->slots[p];
	s->used = ++t->uses;
	if (s->part.dir < 0) {
		if (t->open_count >= t->open_most && (rc = close_least_used(t)) != STATUS_OK)
			return rc;
		layout_partition_name(name, t->name, p);
		if ((rc = dir_open(t->dir, name, &s->part.dir)) != STATUS_OK)
			return handle_context(t, head_dead(t->head) ? STATUS_MISSING : rc);
		t->open_count++;
	}
	*out = s;
	return STATUS_OK;
}

int
handle_use_log(struct topic *t, int p, struct slot **out)
{
	int rc;

	if ((rc = handle_use(t, p, out)) != STATUS_OK)
		return rc;
	if (t->lock == NULL)
		return slot_context(*out, status_fail(STATUS_PERMISSION, "we may not write to it"));
	return (*out)->log == NULL ? log_open(&(*out)->part, &(*out)->log) : STATUS_OK;
}

int
handle_use_reader(struct topic *t, int p, struct slot **out)
{
	int rc;

	if ((rc = handle_use(t, p, out)) != STATUS_OK ||
	    ((*out)->reader == NULL && (rc = reader_open(&(*out)->part, &(*out)->reader)) != STATUS_OK))
		return rc;
	reader_read_uncommitted((*out)->reader, t->uncommitted);
	return STATUS_OK;
}

void
slot_close(struct slot *s)
{
	log_close(s->log);
	s->log = NULL;
	if (s->reader != NULL)
		reader_park(s->reader);
	(void)file_close(s->part.dir, s->part.label);
	s->part.dir = -1;
}

/*
 * Repairs.
 */

int
handle_open_epoch(void *arg, int32_t above)
{
	struct topic *t = arg;
	struct state state;
	int rc;

	if ((rc = state_read(t->dir, &state)) != STATUS_OK)
		return rc;
	if (state.leader_epoch < above)
		state.leader_epoch = above;
	if (state.leader_epoch == INT32_MAX)
		return status_fail(STATUS_CONFIG, "no leader epoch is left");
	state.leader_epoch++;
	if ((rc = state_write(t->dir, &t->access, &state)) != STATUS_OK)
		return rc;
	return head_set_leader_epoch(t->head, state.leader_epoch);
}

/* A page older than `state`, because it was copied or lost its last stores, shows the epoch that is in force. */
static int
restore_epoch(struct topic *t)
{
	struct state state;
	int rc;

	if ((rc = state_read(t->dir, &state)) != STATUS_OK || state.leader_epoch <= head_leader_epoch(t->head))
		return rc;
	return head_set_leader_epoch(t->head, state.leader_epoch);
}

static void
tell(const struct topic *t, const struct slot *s, const struct recovery *r)
{
	char text[1024];

	if (t->notice == NULL || !r->done || (!r->damaged && r->cut_bytes == 0))
		return;
	if (r->damaged)
		(void)snprintf(text, sizeof(text), "%s: damaged, and read-only from now on: it ends at offset %lld: %s",
		    s->part.label, (long long)r->end.end_offset, r->reason);
	else
		(void)snprintf(text, sizeof(text),
		    "%s: recovered: %lld bytes behind offset %lld, not known to be durable, were cut off; they are kept in %s/topics/%s/lost",
		    s->part.label, (long long)r->cut_bytes, (long long)r->end.end_offset - 1, store_dir(t->store), t->name);
	t->notice(t->notice_arg, text);
}

int
handle_recover(struct topic *t, struct slot *s, int64_t deadline_ms)
{
	struct recovery found;
	int rc;

	/* A copy is as durable as we make it: nobody knows whether who made it did. */
	if (!head_is_original(t->head) &&
	    ((rc = file_sync_system(t->dir, t->name)) != STATUS_OK || (rc = t->intents->recount(t)) != STATUS_OK))
		return rc;
	if ((rc = head_adopt(t->head)) != STATUS_OK || (rc = restore_epoch(t)) != STATUS_OK ||
	    (rc = recover_partition(&s->part, handle_open_epoch, t, deadline_ms, &found)) != STATUS_OK)
		return rc;
	tell(t, s, &found);
	return STATUS_OK;
}

static int
recover(struct topic *t, struct slot *s, int64_t deadline_ms)
{
	int rc;

	if ((rc = handle_lock(t, deadline_ms)) != STATUS_OK)
		return rc;
	rc = handle_recover(t, s, deadline_ms);
	handle_unlock(t);
	return rc;
}

/* Do what the log asked for; any other status stays what it is. */
int
handle_repair(struct topic *t, struct slot *s, int asked, int64_t deadline_ms)
{
	switch (asked) {
	case STATUS_RECOVER:
		return recover(t, s, deadline_ms);
	case STATUS_CONFIG_CHANGED:
		return handle_read_config(t);
	case STATUS_INTENT:
		return t->intents->apply_waiting(t, deadline_ms);
	default:
		return asked;
	}
}

bool
handle_is_repairable(int rc)
{
	return rc == STATUS_RECOVER || rc == STATUS_CONFIG_CHANGED || rc == STATUS_INTENT;
}

int
handle_sync(struct topic *t, struct slot *s, bool locked, int64_t deadline_ms, int64_t *end)
{
	int rc = STATUS_OK;

	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = log_sync_all(s->log, deadline_ms, end);
		if (rc != STATUS_RECOVER ||
		    (rc = locked ? handle_recover(t, s, deadline_ms) : recover(t, s, deadline_ms)) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

/*
 * Appending.
 */

int
handle_append(struct topic *t, int p, struct buf *batch, int64_t deadline_ms, int64_t *base_offset)
{
	struct batch_header header;
	struct slot *s;
	int rc;

	if ((rc = handle_use_log(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = log_append(s->log, batch, deadline_ms, base_offset);
		/* Others may commit one set after the other: only the deadline limits how often. */
		if (rc == STATUS_INTENT && i > 0 && !clock_passed(deadline_ms))
			i--;
		if (!handle_is_repairable(rc) || (rc = handle_repair(t, s, rc, deadline_ms)) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was repaired %d times and still asks for it", i + 1);
	}
	if (rc != STATUS_OK)
		return slot_context(s, rc);
	if ((rc = batch_decode_header(batch->data, &header)) == STATUS_OK)
		s->unsynced_end = batch_end_offset(&header);
	return rc;
}

int
handle_roll(struct topic *t, int p, int64_t deadline_ms)
{
	struct slot *s;
	int rc;

	if ((rc = handle_use_log(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = log_roll(s->log, deadline_ms);
		/* Others may commit one set after the other: only the deadline limits how often. */
		if (rc == STATUS_INTENT && i > 0 && !clock_passed(deadline_ms))
			i--;
		if (!handle_is_repairable(rc) || (rc = handle_repair(t, s, rc, deadline_ms)) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was repaired %d times and still asks for it", i + 1);
	}
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

/* What was published here becomes durable, or may not be stored. */
static int
flush_slot(struct slot *s, int64_t deadline_ms)
{
	int rc;

	if (s->log == NULL) /* its descriptors were closed when the sync before that failed */
		return slot_context(s, status_fail(STATUS_IO, "could not be synced, what was appended may not be stored"));
	if ((rc = log_sync(s->log, s->unsynced_end, deadline_ms)) == STATUS_OK) {
		s->unsynced_end = 0;
		s->synced_at_ms = clock_monotonic_ms();
		return STATUS_OK;
	}
	/* Published is published: whatever the reason, a retry could double it. */
	return slot_context(s, STATUS_IO);
}

int
handle_flush(struct topic *t, int p, bool final, int64_t deadline_ms)
{
	const struct log_settings *set = &t->config.log;
	struct slot *s = p < t->slot_count ? t->slots[p] : NULL;

	if (s == NULL || s->unsynced_end == 0 || set->fsync == FSYNC_NEVER)
		return STATUS_OK;
	if (set->fsync == FSYNC_INTERVAL && !final && clock_monotonic_ms() - s->synced_at_ms < set->fsync_interval_ms)
		return STATUS_OK;
	return flush_slot(s, deadline_ms);
}

/*
 * Reading.
 */

int
handle_reader(struct topic *t, int p, struct reader **out)
{
	struct slot *s;
	int rc;

	if ((rc = handle_use_reader(t, p, &s)) == STATUS_OK)
		*out = s->reader;
	return rc;
}

int
handle_bounds(struct topic *t, int p, int64_t *start, int64_t *end, bool *damaged)
{
	struct slot *s;
	int rc;

	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
	if (UNLIKELY(head_intents(t->head) != 0) && !t->looked_for_intents) {
		t->looked_for_intents = true;
		t->intents->try_apply(t);
	}
	if ((rc = handle_use_reader(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = reader_bounds(s->reader, start, end, damaged);
		if (rc != STATUS_RECOVER || (rc = recover(t, s, clock_deadline(PATIENCE_MS))) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

int
handle_read(struct topic *t, int p, int64_t end, struct batch_view *view)
{
	struct slot *s;
	int rc;

	if ((rc = handle_use_reader(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = reader_next(s->reader, end, view);
		if (rc != STATUS_RECOVER || (rc = recover(t, s, clock_deadline(PATIENCE_MS))) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	if (rc == STATUS_OK || rc == STATUS_END)
		return rc;
	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
	return slot_context(s, rc);
}

/*
 * Waiting.
 */

/* A producer that published and died before its sync is done for, and nobody rings for it. */
static int
sync_leavings_of(struct topic *t, struct slot *s)
{
	int64_t synced = head_synced_end(t->head, s->part.number), now_ms = clock_monotonic_ms();
	struct head_end end;
	int rc;

	if (!head_end(t->head, s->part.number, &end) || end.end_offset <= synced || !head_of_this_boot(t->head, s->part.number)) {
		s->leaving_end = 0;
		return STATUS_OK;
	}
	if (s->leaving_end != end.end_offset) {
		s->leaving_end = end.end_offset;
		s->leaving_since_ms = now_ms;
		return STATUS_OK;
	}
	if (now_ms - s->leaving_since_ms < TICK_MS || (rc = handle_use_log(t, s->part.number, &s)) != STATUS_OK)
		return STATUS_OK;
	if ((rc = log_sync_all(s->log, DEADLINE_NOW, NULL)) == STATUS_OK)
		head_ring(t->head);
	return rc;
}

static void
sync_leavings(struct topic *t)
{
	if (t->lock == NULL || !head_synced_only(t->head))
		return;
	for (struct slot *s = t->in_use; s != NULL; s = s->next) {
		/* Somebody is at work there, or the next look at the partition finds the same fault and tells it. */
		if (s->reader != NULL && sync_leavings_of(t, s) != STATUS_OK)
			status_clear();
	}
}

void
handle_wait(struct topic *t, uint32_t seen, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_deadline(timeout_ms);

	while (!clock_passed(deadline_ms)) {
		int64_t began_ms = clock_monotonic_ms(), step_ms = clock_remaining(deadline_ms, TICK_MS);

		/* Rung, or ended early by a signal. */
		if (bell_wait(head_bell(t->head), seen, step_ms) || clock_monotonic_ms() - began_ms < step_ms)
			return;
		sync_leavings(t);
		t->intents->try_apply(t);
		if (bell_read(head_bell(t->head)) != seen)
			return;
	}
}

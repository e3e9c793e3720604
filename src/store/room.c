#include "store/room.h"

#include "base/status.h"
#include "log/retention.h"

#define TICK_MS 1000

/* What the pages say that there is. */
static int64_t
used_bytes(const struct topic *t)
{
	struct head_end end;
	int64_t sum = 0;

	for (int p = 0; p < t->slot_count; p++) {
		sum += head_closed_bytes(t->head, p);
		if (head_end(t->head, p, &end))
			sum += end.end_position;
	}
	return sum;
}

/* Only closed segments are unlinked, so one that is trimmed is closed; an empty one follows. */
static int
let_go(struct topic *t, int p, int64_t deadline_ms)
{
	int64_t start, readable, due;
	struct head_end end;
	struct slot *s;
	bool damaged;
	int rc;

	if ((rc = handle_bounds(t, p, &start, &readable, &damaged)) != STATUS_OK || (rc = handle_use_log(t, p, &s)) != STATUS_OK ||
	    damaged)
		return rc;
	if ((rc = retention_due(&s->part, clock_wall_ms(), deadline_ms, &due)) != STATUS_OK)
		return slot_context(s, rc);
	if (head_end(t->head, p, &end) && end.last_position >= 0 && due > end.segment_base &&
	    (rc = handle_roll(t, p, deadline_ms)) != STATUS_OK)
		return rc;
	if (due > head_synced_end(t->head, p) && (rc = handle_sync(t, s, false, deadline_ms, NULL)) != STATUS_OK)
		return rc;
	if ((rc = retention_trim(&s->part, due, deadline_ms)) != STATUS_OK ||
	    (rc = retention_count_closed(&s->part, deadline_ms)) != STATUS_OK)
		return slot_context(s, rc);
	return STATUS_OK;
}

static int
make_room(struct topic *t, int64_t deadline_ms)
{
	int rc = STATUS_OK;

	for (int p = 0; p < t->slot_count && rc == STATUS_OK; p++)
		rc = handle_flush(t, p, true, deadline_ms);
	head_ring(t->head);
	for (int p = 0; p < t->slot_count && rc == STATUS_OK; p++)
		rc = let_go(t, p, deadline_ms);
	return rc;
}

static bool
has_room(const struct topic *t, int64_t bytes)
{
	return used_bytes(t) + bytes <= t->config.log.max_bytes;
}

/* Look again each second, and whenever somebody rings. */
static int
await(struct topic *t, int64_t bytes, int64_t deadline_ms)
{
	uint32_t seen;
	int rc;

	do {
		if ((rc = make_room(t, deadline_ms)) != STATUS_OK)
			return rc;
		seen = bell_read(head_bell(t->head));
		if (has_room(t, bytes))
			return STATUS_OK;
		handle_wait(t, seen, clock_remaining(deadline_ms, TICK_MS));
		if (head_dead(t->head))
			return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
		if (head_config_version(t->head) != t->config_version && (rc = handle_read_config(t)) != STATUS_OK)
			return rc;
		if (t->config.log.max_bytes < 0 || has_room(t, bytes))
			return STATUS_OK;
	} while (!clock_passed(deadline_ms));
	return handle_context(t,
	    status_fail(STATUS_AGAIN, "full: %lld bytes are stored, and max.bytes is %lld: trim it, or raise that",
		(long long)used_bytes(t), (long long)t->config.log.max_bytes));
}

int
room_await(struct topic *t, int64_t bytes, int64_t deadline_ms)
{
	int64_t most;
	int rc;

	if (head_config_version(t->head) != t->config_version && (rc = handle_read_config(t)) != STATUS_OK)
		return rc;
	most = t->config.log.max_bytes;
	if (most < 0 || has_room(t, bytes))
		return STATUS_OK;
	if (bytes > most)
		return handle_context(t,
		    status_fail(STATUS_DATA, "a batch of %lld bytes, max.bytes is %lld", (long long)bytes, (long long)most));
	return await(t, bytes, deadline_ms);
}

#include "store/gc.h"

#include "base/clock.h"
#include "base/status.h"
#include "log/compact.h"
#include "log/retention.h"
#include "store/handle.h"
#include "store/intent.h"

/*
 * Close the active segment, so that all of it may go, or, as nobody else does it where nobody writes, because it is older than segment.ms
 * and only closed ones are compacted.
 */
static int
close_active(struct topic *t, const struct slot *s, int64_t now_ms, int64_t due, int64_t deadline_ms)
{
	const struct log_settings *set = &s->part.settings;
	struct head_end end;

	if (!head_end(s->part.head, s->part.number, &end) || end.last_position < 0)
		return STATUS_OK;
	if (due > end.segment_base ||
	    (set->compacts && end.first_timestamp_ms >= 0 && now_ms - end.first_timestamp_ms > set->segment_ms))
		return handle_roll(t, s->part.number, deadline_ms);
	return STATUS_OK;
}

/* Is there anything closed or to be let go that is not durable? A log must not end before its start, not even after a power cut. */
static bool
wants_sync(const struct slot *s, int64_t due)
{
	int64_t synced = head_synced_end(s->part.head, s->part.number);
	struct head_end end;

	return due > synced ||
	    (s->part.settings.compacts && head_end(s->part.head, s->part.number, &end) && end.segment_base > synced);
}

static int
apply(struct topic *t, struct slot *s, const struct gc_options *o, int64_t due)
{
	struct compact_options compact = {.now_ms = o->now_ms,
	    .lock_ms = o->lock_ms,
	    .memory_bytes = COMPACT_MEMORY_BYTES,
	    .stopped = o->stopped};
	int rc;

	if ((rc = close_active(t, s, o->now_ms, due, clock_deadline(o->lock_ms))) != STATUS_OK ||
	    (wants_sync(s, due) && (rc = handle_sync(t, s, false, clock_deadline(o->lock_ms), NULL)) != STATUS_OK))
		return rc;
	if ((rc = retention_apply(&s->part, o->now_ms)) != STATUS_OK || (rc = compact_partition(&s->part, &compact)) != STATUS_OK)
		return slot_context(s, rc);
	head_ring(t->head);
	return STATUS_OK;
}

int
gc_partition(struct topic *t, int p, const struct gc_options *o, struct gc_result *r)
{
	struct slot *s;
	int64_t due;
	bool damaged;
	int rc;

	if ((rc = handle_bounds(t, p, &r->start, &r->end, &damaged)) != STATUS_OK || (rc = handle_use_log(t, p, &s)) != STATUS_OK)
		return rc;
	if (t->config_version != head_config_version(t->head) && (rc = handle_read_config(t)) != STATUS_OK)
		return rc;
	r->new_start = r->start;
	if (damaged)
		return slot_context(s, status_fail(STATUS_READ_ONLY, "damaged: nothing is let go"));
	if ((rc = retention_due(&s->part, o->now_ms, clock_deadline(o->lock_ms), &due)) != STATUS_OK)
		return slot_context(s, rc);
	if (!o->dry_run)
		rc = apply(t, s, o, due);
	r->new_start = o->dry_run ? due : head_log_start(t->head, p);
	return rc;
}

int
gc_topic(struct topic *t, const struct gc_options *o)
{
	int rc;

	if (o->dry_run || t->lock == NULL)
		return STATUS_OK;
	/* Also where the page counts none: a folder that was put together by hand may hold some. */
	if ((rc = intent_apply_waiting(t, clock_deadline(o->lock_ms))) == STATUS_OK)
		rc = intent_clean(t);
	return rc == STATUS_OK ? rc : handle_context(t, rc);
}

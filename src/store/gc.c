#include "store/gc.h"

#include "base/status.h"
#include "log/retention.h"
#include "store/handle.h"

/* Close the active segment, so that all of it may go. */
static int
close_active(struct topic *t, const struct slot *s, int64_t due, int64_t deadline_ms)
{
	struct head_end end;

	if (!head_end(s->part.head, s->part.number, &end) || due <= end.segment_base)
		return STATUS_OK;
	return handle_roll(t, s->part.number, deadline_ms);
}

static int
apply(struct topic *t, struct slot *s, int64_t now_ms, int64_t due, int64_t deadline_ms)
{
	int rc;

	if ((rc = close_active(t, s, due, deadline_ms)) != STATUS_OK)
		return rc;
	/* A log must not end before its start, not even after a power cut. */
	if (due > head_synced_end(t->head, s->part.number) && (rc = handle_sync(t, s, false, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = retention_apply(&s->part, now_ms)) != STATUS_OK)
		return slot_context(s, rc);
	head_ring(t->head);
	return STATUS_OK;
}

int
gc_partition(struct topic *t, int p, int64_t now_ms, bool dry_run, int64_t deadline_ms, struct gc_result *r)
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
	if ((rc = retention_due(&s->part, now_ms, deadline_ms, &due)) != STATUS_OK)
		return slot_context(s, rc);
	if (!dry_run)
		rc = apply(t, s, now_ms, due, deadline_ms);
	r->new_start = dry_run ? due : head_log_start(t->head, p);
	return rc;
}

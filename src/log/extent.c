#include "log/extent.h"

#include "base/status.h"

void
extent_init(struct extent *e, const struct partition *p)
{
	*e = (struct extent){.p = p};
}

/* The published end of a page that can be trusted; STATUS_RECOVER if it cannot. */
static int
trusted_end(struct extent *e, struct head_end *end)
{
	uint64_t generation;
	int rc;

	if (!partition_page_is_current(e->p, end, &generation))
		return STATUS_RECOVER;
	if (e->verified && generation == e->generation)
		return STATUS_OK;
	e->version++;
	if ((rc = partition_verify_end(e->p, end, false)) != STATUS_OK)
		return rc;
	e->generation = generation;
	e->verified = true;
	e->is_private = false;
	return STATUS_OK;
}

/* Nobody may write the page for us: find the end ourselves, once. */
static int
private_end(struct extent *e, struct head_end *end)
{
	int rc;

	if (!e->is_private) {
		e->version++;
		if ((rc = recover_scan(e->p, &e->found)) != STATUS_OK)
			return rc;
		e->is_private = true;
		e->verified = false;
	}
	*end = e->found.end;
	return STATUS_OK;
}

int
extent_end(struct extent *e, struct head_end *end)
{
	int rc = trusted_end(e, end);

	return rc == STATUS_RECOVER && e->p->lock == NULL ? private_end(e, end) : rc;
}

int
extent_bounds(struct extent *e, int64_t *start, int64_t *end, bool *damaged)
{
	struct head_end published;
	int64_t readable;
	int rc;

	if ((rc = extent_end(e, &published)) != STATUS_OK)
		return rc;
	readable = published.end_offset;
	if (!e->is_private && head_synced_only(e->p->head)) {
		int64_t synced = head_synced_end(e->p->head, e->p->number);

		if (synced < readable)
			readable = synced;
	}
	*start = head_log_start(e->p->head, e->p->number);
	*end = readable > *start ? readable : *start;
	if (damaged != NULL)
		*damaged = e->is_private ? e->found.damaged : head_poison(e->p->head, e->p->number) == HEAD_DAMAGED;
	return STATUS_OK;
}

bool
extent_is_stale(const struct extent *e, uint64_t version)
{
	return version != e->version || (!e->is_private && head_generation(e->p->head, e->p->number) != e->generation);
}

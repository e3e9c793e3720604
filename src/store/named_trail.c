#include "store/named_trail.h"

#include <stdlib.h>

#include "base/status.h"
#include "log/epoch.h"
#include "log/producers.h"
#include "log/segment.h"
#include "log/trail.h"
#include "store/handle.h"

/* How often a log is looked at again that retention removes segments from. */
#define SEARCH_TRIES 10

struct search {
	struct topic *topic;
	const struct slot *slot;
	int64_t id;
	const struct named_mark *mark;
	struct named_trail *trail;
	bool cut;	/* the log was, below the mark */
	int64_t behind; /* number of the record behind the last one found, -1 none */
	struct buf plain;
};

/* The number next to `near` that has this sequence number, which has 31 bits of it. */
static int64_t
unwrap(int64_t near, int64_t sequence)
{
	uint32_t less = ((uint32_t)sequence - (uint32_t)near) & INT32_MAX;

	return near + (less < UINT32_C(1) << 30 ? (int64_t)less : (int64_t)less - (INT64_C(1) << 31));
}

/*
 * How many there are.
 */

static int
note_last(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	struct search *s = arg;

	(void)bytes;
	s->behind = unwrap(s->mark->stored, (int64_t)batch_last_sequence(h) + 1);
	return STATUS_OK;
}

static int
count_by_trail(struct search *s)
{
	int rc;

	s->behind = -1;
	s->trail->start = s->mark->offset;
	if ((rc = trail_walk(&s->slot->part, s->id, s->trail->start, s->trail->end, note_last, s)) == STATUS_OK)
		s->trail->count = s->behind >= 0 ? s->behind : s->mark->stored;
	return rc;
}

/* The log knows nothing of a producer that stored something: may that be, because all of it was cut off? */
static int
check_lost(const struct search *s)
{
	struct producers ps = {NULL, 0, 0};
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(s->slot->part.dir, &list)) != STATUS_OK)
		return rc;
	if (list.count > 0 && list.bases[0] > 0)
		rc = producers_read(s->slot->part.dir, list.bases[0], &ps);
	segment_list_free(&list);
	producers_free(&ps);
	if (rc == STATUS_MISSING || rc == STATUS_CORRUPT || (rc == STATUS_OK && !s->cut))
		return status_fail(STATUS_IO, "%s: segments were removed, and no .snapshot tells what was stored in them",
		    s->slot->part.label);
	return rc;
}

/* By the last sequence number that the log knows of, also from what was removed. */
static int
count_by_snapshot(struct search *s)
{
	struct producers ps = {NULL, 0, 0};
	const struct producer_state *state;
	struct named_trail *t = s->trail;
	int rc;

	t->start = head_log_start(s->topic->head, s->slot->part.number);
	if ((rc = producers_collect(&s->slot->part, t->end, &ps)) != STATUS_OK)
		goto out;
	if ((state = producers_find(&ps, s->id)) != NULL && state->last_sequence >= 0)
		t->count = unwrap(s->mark->stored, (int64_t)state->last_sequence + 1);
	else if (s->mark->stored == 0 || (rc = check_lost(s)) == STATUS_OK)
		t->count = 0;
	if (rc == STATUS_OK && t->count < 0)
		rc = status_fail(STATUS_IO, "%s: holds %lld records less than none of it", s->slot->part.label,
		    (long long)-t->count);
out:
	producers_free(&ps);
	return rc;
}

/*
 * Which they are.
 */

static int
note_records(const struct search *s, const struct batch_header *h, struct batch_cursor *cursor)
{
	struct named_trail *t = s->trail;
	struct record r;
	int rc;

	while ((rc = batch_cursor_next(cursor, &r)) == STATUS_OK) {
		int64_t number = unwrap(s->mark->stored, h->base_sequence + (r.offset - h->base_offset));
		struct fingerprint print;

		if (number < t->stored || number >= t->count)
			continue;
		print = fingerprint_of((uint64_t)s->id, s->slot->part.number, &r);
		if (cursor->has_append_time)
			print.timed = 0;
		t->traces[number - t->stored] = print;
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

static int
note_batch(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	struct search *s = arg;
	struct batch_header plain = *h;
	struct batch_cursor cursor;
	int rc;

	if ((rc = batch_decompress(&plain, &bytes, &s->plain)) != STATUS_OK ||
	    (rc = batch_cursor_init(&cursor, bytes, &plain)) != STATUS_OK)
		return rc;
	return note_records(s, &plain, &cursor);
}

static int
note_traces(struct search *s)
{
	struct named_trail *t = s->trail;

	free(t->traces);
	t->traces = NULL;
	if (t->count <= t->stored)
		return STATUS_OK;
	if ((t->traces = calloc((size_t)(t->count - t->stored), sizeof(*t->traces))) == NULL)
		return status_no_memory("records behind a checkpoint");
	return trail_walk(&s->slot->part, s->id, t->start, t->end, note_batch, s);
}

/* STATUS_GONE: segments were removed meanwhile. */
static int
search_once(struct search *s)
{
	int64_t log_start = head_log_start(s->topic->head, s->slot->part.number);
	int rc = s->cut || log_start > s->mark->offset ? count_by_snapshot(s) : count_by_trail(s);

	if (rc == STATUS_OK)
		rc = note_traces(s);
	/* What was removed meanwhile may not have been seen. */
	if ((rc == STATUS_OK || rc == STATUS_MISSING) && head_log_start(s->topic->head, s->slot->part.number) > log_start)
		return STATUS_GONE;
	return rc == STATUS_MISSING || rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

static int
search(struct search *s)
{
	int rc = STATUS_GONE;

	for (int i = 0; rc == STATUS_GONE && i < SEARCH_TRIES; i++)
		rc = search_once(s);
	buf_free(&s->plain);
	return rc == STATUS_GONE ? status_fail(STATUS_AGAIN, "%s: the log changes while it is read", s->slot->part.label) : rc;
}

/* Was the log cut below the mark, so that others' records may stand there now? */
static int
look_for_cut(struct search *s)
{
	struct epoch_list list;
	int rc;

	s->cut = s->trail->end < s->mark->offset;
	if (s->cut)
		return STATUS_OK;
	if ((rc = epoch_list_read(s->slot->part.dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < list.count; i++)
		s->cut = s->cut || (list.entries[i].epoch > s->mark->epoch && list.entries[i].start_offset < s->mark->offset);
	epoch_list_free(&list);
	return STATUS_OK;
}

int
named_trail_find(struct topic *topic, int p, int64_t id, const struct named_mark *mark, bool live, int64_t deadline_ms,
    struct named_trail *t)
{
	struct search s = {.topic = topic, .id = id, .mark = mark, .trail = t};
	struct slot *slot;
	int64_t start;
	int rc;

	*t = (struct named_trail){.stored = mark->stored, .count = mark->stored};
	/* A checkpoint was written behind a sync; only a log that was put together anew may lack what it says. */
	rc = live ? topic_sync(topic, p, deadline_ms, &t->end) : topic_bounds(topic, p, &start, &t->end, NULL);
	if (rc != STATUS_OK || (rc = handle_use_log(topic, p, &slot)) != STATUS_OK)
		return rc;
	s.slot = slot;
	if ((rc = look_for_cut(&s)) != STATUS_OK || (!live && !s.cut))
		return rc;
	if (!live && (rc = topic_sync(topic, p, deadline_ms, &t->end)) != STATUS_OK)
		return rc;
	t->searched = true;
	return search(&s);
}

void
named_trail_free(struct named_trail *t)
{
	free(t->traces);
	t->traces = NULL;
}

const struct fingerprint *
named_trail_get(const struct named_trail *t, int64_t number)
{
	const struct fingerprint *f = &t->traces[number - t->stored];

	return f->plain == 0 && f->timed == 0 ? NULL : f;
}

struct telling {
	int p;
	int64_t stored;
	int (*visit)(void *arg, int p, const struct buf *bytes);
	void *arg;
};

static int
tell_batch(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	const struct telling *t = arg;
	struct buf batch = {.data = (uint8_t *)(uintptr_t)bytes, .len = (size_t)batch_bytes(h), .cap = 0};

	/* Checkpoints lie between batches. */
	return unwrap(t->stored, h->base_sequence) < t->stored ? STATUS_OK : t->visit(t->arg, t->p, &batch);
}

int
named_trail_each(struct topic *topic, int p, int64_t id, const struct named_trail *trail,
    int (*visit)(void *arg, int p, const struct buf *bytes), void *arg)
{
	struct telling t = {.p = p, .stored = trail->stored, .visit = visit, .arg = arg};
	struct slot *slot;
	int rc;

	if (trail->traces == NULL)
		return STATUS_OK;
	if ((rc = handle_use(topic, p, &slot)) != STATUS_OK)
		return rc;
	return trail_walk(&slot->part, id, trail->start, trail->end, tell_batch, &t);
}

#include "cmd/resume.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cmd/held.h"

struct resume {
	struct named *named;
	const struct beginning *checked; /* what is stored, at the checkpoint; while nothing else is */
	struct beginning taken;
	struct beginning before; /* of a followed input: what lies before its place */
	int64_t missing;
	int64_t behind;	  /* records stored behind the checkpoint and not met yet */
	int64_t *numbers; /* of the next record of each partition */
	int count;	  /* partitions */
	bool agreed;
	struct held held;
};

static int
widen(struct resume *r, int count)
{
	int64_t *numbers;

	if ((numbers = reallocarray(r->numbers, (size_t)count, sizeof(*numbers))) == NULL)
		return status_no_memory("partitions");
	memset(numbers + r->count, 0, (size_t)(count - r->count) * sizeof(*numbers));
	r->numbers = numbers;
	r->count = count;
	return STATUS_OK;
}

/* The hashes of the first `records` of these, as far as they are known; a followed input is not compared by them. */
static void
shorten(struct beginning *b, int64_t records)
{
	b->records = records;
	for (int i = beginning_steps(records); i < FINGERPRINT_STEPS; i++)
		b->steps[i] = 0;
	if (records == 0)
		b->hash = 0;
	else if (beginning_is_step(records))
		b->hash = b->steps[beginning_steps(records) - 1];
}

/* A followed input begins at its place, behind all that the checkpoint knows of. */
static int
begin_at_place(struct resume *r)
{
	int64_t records = 0;
	int rc;

	if (named_place(r->named) == NULL)
		return STATUS_OK;
	if (named_most_partition(r->named) > r->count && (rc = widen(r, named_most_partition(r->named))) != STATUS_OK)
		return rc;
	for (int p = 0; p < r->count; p++) {
		int64_t checked = named_checked(r->named, p), count = named_count(r->named, p);

		r->numbers[p] = checked < count ? checked : count;
		records += r->numbers[p];
	}
	r->missing = r->checked->records - records;
	r->before = *r->checked;
	if (r->missing > 0)
		shorten(&r->before, records);
	r->taken = r->before;
	r->checked = &r->before;
	r->agreed = r->behind == 0;
	return STATUS_OK;
}

void
resume_pass(struct resume *r)
{
	for (int p = 0; p < r->count; p++)
		r->numbers[p] = named_count(r->named, p);
	for (; r->behind > 0; r->behind--)
		beginning_add(&r->taken, 0);
	r->agreed = true;
}

int64_t
resume_missing(const struct resume *r)
{
	return r->missing;
}

int
resume_open(struct named *named, struct resume **out)
{
	struct resume *r;
	int rc;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return status_no_memory("producer");
	r->named = named;
	r->checked = named_input(named);
	held_init(&r->held, named);
	for (int p = 0; p < named_most_partition(named); p++) {
		int64_t behind = named_count(named, p) - named_checked(named, p);

		r->behind += behind > 0 ? behind : 0;
	}
	r->agreed = r->checked->records == 0 && r->behind == 0;
	if ((rc = widen(r, named_partitions(named))) != STATUS_OK || (rc = begin_at_place(r)) != STATUS_OK) {
		resume_close(r);
		return rc;
	}
	*out = r;
	return STATUS_OK;
}

void
resume_close(struct resume *r)
{
	if (r == NULL)
		return;
	held_free(&r->held);
	free(r->numbers);
	free(r);
}

bool
resume_agreed(const struct resume *r)
{
	return r->agreed;
}

const struct beginning *
resume_input(const struct resume *r)
{
	return &r->taken;
}

int
resume_next(struct resume *r, int *partition, struct record *record)
{
	return held_next(&r->held, partition, record);
}

static int
fail_other(const struct resume *r, const char *what)
{
	return status_fail(STATUS_DATA, "--id %s: not the input that is stored under this name: %s; nothing was stored",
	    named_name(r->named), what);
}

/* The records from `first` to the one at hand are not all what they were. */
static int
fail_between(const struct resume *r, int64_t first)
{
	char what[100] = "this record is another";

	if (first < r->taken.records)
		(void)snprintf(what, sizeof(what), "one of the input's records %lld to %lld is another", (long long)first,
		    (long long)r->taken.records);
	return fail_other(r, what);
}

/* One that is covered by the checkpoint: did it go where it went before, and are the hashes right as far as they go? */
static int
check_hash(const struct resume *r, int partition, int64_t number)
{
	int64_t records = r->taken.records;
	int steps = beginning_steps(records);

	if (number >= named_checked(r->named, partition))
		return fail_between(r, 1 + (records > 1 ? INT64_C(1) << (beginning_steps(records - 1) - 1) : 0));
	if (beginning_is_step(records) && r->taken.steps[steps - 1] != r->checked->steps[steps - 1])
		return fail_between(r, records / 2 + 1);
	if (records == r->checked->records && r->taken.hash != r->checked->hash)
		return fail_between(r, (INT64_C(1) << (steps - 1)) + 1);
	return STATUS_OK;
}

/* One behind the checkpoint that is stored. One that was removed from the log since counts as met. */
static int
check_trace(struct resume *r, int partition, int64_t number, const struct fingerprint *print, bool timed)
{
	const struct fingerprint *stored = named_trace(r->named, partition, number);

	if (stored != NULL && (stored->plain != print->plain || (timed && stored->timed != 0 && stored->timed != print->timed)))
		return fail_other(r, "this record is another");
	r->behind--;
	return STATUS_OK;
}

/* Before all that is stored was met. */
static int
compare(struct resume *r, int partition, int64_t number, const struct record *record, const struct fingerprint *print, bool timed)
{
	int64_t count = named_count(r->named, partition);
	int rc = STATUS_OK;

	if (r->taken.records <= r->checked->records)
		rc = check_hash(r, partition, number);
	else if (number < count)
		rc = check_trace(r, partition, number, print, timed);
	if (rc == STATUS_OK && number >= count)
		rc = held_add(&r->held, partition, record);
	r->agreed = rc == STATUS_OK && r->taken.records >= r->checked->records && r->behind == 0;
	return rc;
}

int
resume_take(struct resume *r, int partition, const struct record *record, bool timed, enum resume_verdict *verdict)
{
	struct fingerprint print = fingerprint_of(named_key(r->named), partition, record);
	int64_t number;
	int rc;

	if (partition >= r->count && (rc = widen(r, partition + 1)) != STATUS_OK)
		return rc;
	number = r->numbers[partition]++;
	beginning_add(&r->taken, timed ? print.timed : print.plain);
	if (LIKELY(r->agreed)) {
		*verdict = RESUME_STORE;
		return STATUS_OK;
	}
	if ((rc = compare(r, partition, number, record, &print, timed)) != STATUS_OK)
		return rc;
	*verdict = r->agreed ? RESUME_AGREED : RESUME_SKIP;
	return STATUS_OK;
}

void
resume_take_lines(struct resume *r, int partition, const uint8_t *lines, const uint8_t *end, uint8_t delimiter)
{
	assert(r->agreed && partition < r->count);
	r->numbers[partition] += beginning_add_lines(&r->taken, named_key(r->named), partition, lines, end, delimiter);
}

int
resume_end(const struct resume *r)
{
	int64_t stored = r->behind + (r->taken.records < r->checked->records ? r->checked->records - r->taken.records : 0);

	if (r->agreed)
		return STATUS_OK;
	return status_fail(STATUS_DATA,
	    "--id %s: the input ends with record %lld, but %lld more are stored under this name; nothing was stored",
	    named_name(r->named), (long long)r->taken.records, (long long)stored);
}

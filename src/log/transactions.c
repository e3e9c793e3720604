#include "log/transactions.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdlib.h>

#include "base/status.h"

/* `last` of one whose marker was not seen yet; no offset is so great. */
#define NOT_ENDED INT64_MAX
/* `start` when nothing is known. */
#define NOWHERE INT64_MAX

/* One that is open, or was aborted. */
struct transaction {
	RB_ENTRY(transaction) by_producer;
	TAILQ_ENTRY(transaction) by_end; /* the aborted ones only, in the order of their markers */
	int64_t producer_id;
	int64_t first; /* offset of its first batch, of those that were seen */
	int64_t last;  /* of its marker */
};

RB_HEAD(transaction_tree, transaction);
TAILQ_HEAD(transaction_queue, transaction);

/*
 * All is known of [start, ahead.position): a batch there that lies in no transaction of its producer below was committed.
 */
struct transactions {
	struct walk ahead;
	uint64_t version; /* of the extent that this is known of */
	int64_t start;
	struct transaction_tree tree; /* by producer, then by `last` */
	struct transaction_queue queue;
};

static int
compare(const struct transaction *a, const struct transaction *b)
{
	if (a->producer_id != b->producer_id)
		return a->producer_id < b->producer_id ? -1 : 1;
	return (a->last > b->last) - (a->last < b->last);
}

RB_GENERATE_INTERNAL(transaction_tree, transaction, by_producer, compare, UNUSED static)

bool
transactions_decide(const struct batch_header *h)
{
	return (h->attributes & (BATCH_TRANSACTIONAL | BATCH_CONTROL)) == BATCH_TRANSACTIONAL && h->producer_id >= 0 &&
	    h->record_count > 0;
}

int
transactions_open(struct extent *e, struct transactions **out)
{
	struct transactions *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return status_no_memory("transactions");
	walk_init(&t->ahead, e);
	t->start = NOWHERE;
	RB_INIT(&t->tree);
	TAILQ_INIT(&t->queue);
	*out = t;
	return STATUS_OK;
}

static void
forget_one(struct transactions *t, struct transaction *one)
{
	(void)RB_REMOVE(transaction_tree, &t->tree, one);
	if (one->last != NOT_ENDED)
		TAILQ_REMOVE(&t->queue, one, by_end);
	free(one);
}

static void
forget_all(struct transactions *t)
{
	struct transaction *one;

	while ((one = RB_ROOT(&t->tree)) != NULL)
		forget_one(t, one);
	t->start = NOWHERE;
}

/* The reader will not ask for what lies before `offset`. */
static void
forget_before(struct transactions *t, int64_t offset)
{
	struct transaction *one;

	while ((one = TAILQ_FIRST(&t->queue)) != NULL && one->last < offset)
		forget_one(t, one);
	t->start = offset;
}

void
transactions_park(struct transactions *t)
{
	walk_park(&t->ahead);
}

void
transactions_close(struct transactions *t)
{
	if (t == NULL)
		return;
	forget_all(t);
	walk_park(&t->ahead);
	free(t);
}

/* The transaction that a batch of this producer at this offset is part of; NULL if that was committed. */
static struct transaction *
find(struct transactions *t, int64_t producer_id, int64_t offset)
{
	struct transaction key = {.producer_id = producer_id, .last = offset};
	struct transaction *one = RB_NFIND(transaction_tree, &t->tree, &key);

	return one != NULL && one->producer_id == producer_id && one->first <= offset ? one : NULL;
}

static struct transaction *
find_open(struct transactions *t, int64_t producer_id)
{
	struct transaction key = {.producer_id = producer_id, .last = NOT_ENDED};

	return RB_FIND(transaction_tree, &t->tree, &key);
}

static int
note_data(struct transactions *t, const struct batch_header *h)
{
	struct transaction *one;

	if (find_open(t, h->producer_id) != NULL)
		return STATUS_OK;
	if ((one = calloc(1, sizeof(*one))) == NULL)
		return status_no_memory("transactions");
	one->producer_id = h->producer_id;
	one->first = h->base_offset;
	one->last = NOT_ENDED;
	(void)RB_INSERT(transaction_tree, &t->tree, one);
	return STATUS_OK;
}

static int
note_marker(struct transactions *t, const struct batch_view *view)
{
	struct transaction *one = find_open(t, view->header.producer_id);
	struct batch_marker marker;
	int rc;

	if (one == NULL)
		return STATUS_OK;
	if ((rc = batch_read_marker(view, &marker)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	if (marker.type == CONTROL_COMMIT) {
		forget_one(t, one);
	} else if (marker.type == CONTROL_ABORT) {
		(void)RB_REMOVE(transaction_tree, &t->tree, one);
		one->last = view->header.base_offset;
		(void)RB_INSERT(transaction_tree, &t->tree, one);
		TAILQ_INSERT_TAIL(&t->queue, one, by_end);
	}
	return STATUS_OK;
}

/* Begin anew with this batch, behind which the reader stands. */
static int
begin(struct transactions *t, const struct batch_header *h, const struct walk *reader)
{
	int rc;

	forget_all(t);
	walk_join(&t->ahead, reader);
	if ((rc = note_data(t, h)) != STATUS_OK)
		return rc;
	t->version = reader->version;
	t->start = h->base_offset;
	return STATUS_OK;
}

/* Go one batch on. What it says is noted, or nothing is known any more. */
static int
look_ahead(struct transactions *t, int64_t end)
{
	struct batch_view view;
	int rc = walk_next(&t->ahead, end, &view);

	if ((rc == STATUS_OK || rc == STATUS_END) && t->version != t->ahead.extent->version)
		return STATUS_GONE;
	if (rc != STATUS_OK)
		return rc;
	if (transactions_decide(&view.header))
		rc = note_data(t, &view.header);
	else if ((view.header.attributes & BATCH_CONTROL) != 0)
		rc = note_marker(t, &view);
	if (rc != STATUS_OK)
		forget_all(t);
	return rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

/* Look ahead until the batch is decided, or up to the readable end. */
static int
look_for_marker(struct transactions *t, const struct batch_header *h)
{
	const struct transaction *one;
	int64_t start, end;
	int rc;

	if ((rc = extent_bounds(t->ahead.extent, &start, &end, NULL)) != STATUS_OK)
		return rc;
	while (rc == STATUS_OK && (one = find(t, h->producer_id, h->base_offset)) != NULL && one->last == NOT_ENDED)
		rc = look_ahead(t, end);
	return rc == STATUS_END ? STATUS_OK : rc;
}

int
transactions_outcome(struct transactions *t, const struct batch_header *h, const struct walk *reader,
    enum transaction_outcome *outcome)
{
	bool known = t->version == t->ahead.extent->version && h->base_offset >= t->start && h->base_offset < t->ahead.position;
	const struct transaction *one;
	int rc = STATUS_OK;

	if (known)
		forget_before(t, h->base_offset);
	else
		rc = begin(t, h, reader);
	if (rc != STATUS_OK || (rc = look_for_marker(t, h)) != STATUS_OK)
		return rc;
	one = find(t, h->producer_id, h->base_offset);
	if (one == NULL)
		*outcome = TRANSACTION_COMMITTED;
	else
		*outcome = one->last == NOT_ENDED ? TRANSACTION_OPEN : TRANSACTION_ABORTED;
	return STATUS_OK;
}

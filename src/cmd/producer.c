#include "cmd/producer.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/clock.h"
#include "cmd/resume.h"
#include "log/batch.h"
#include "store/partitioner.h"

/* All batches that are being filled; beyond it all are stored. */
#define FILLING_BYTES ((size_t)16 << 20)
/* A named producer's checkpoint is due behind so much, or when so much time has passed and something was stored. */
#define CHECKPOINT_BYTES ((size_t)64 << 20)
#define CHECKPOINT_MS 10000

/* A partition as this producer sees it. */
struct lane {
	struct batch_builder builder;
	bool filling;	 /* it is in producer.filling */
	bool used;	 /* it may hold memory */
	int used_before; /* the lane that was the last to come into use before it, -1: none */
};

struct producer {
	struct appender *appender;
	struct topic *topic; /* the appender's while it is at work */
	struct producer_options options;
	struct lane *lanes;
	int count;    /* partitions */
	int *filling; /* those with records in their builders, in the order in which they came, each once */
	int filling_count;
	size_t filling_bytes;
	int last_used; /* -1: none. Of 10,000 lanes a run may use one, and to look at all of them cost more than the rest of it */
	int next;      /* round robin */
	uint64_t went_round; /* records since the appender was told */
	bool compacted;	     /* a record must have a key */
	bool failed;

	struct named *named; /* NULL: none */
	struct resume *resume;
	size_t unchecked_bytes;				/* stored since the last checkpoint */
	int64_t checked_at_ms;				/* when that was, monotonic */
	void (*where)(void *arg, struct named_place *); /* of a followed input; NULL: none */
	void *where_arg;
	struct named_place left; /* what it said last */
	bool is_doubtful;	 /* a record that was taken was not, or shall not be, stored: no more checkpoints */
};

/* Room for all partitions that the appender knows. */
static int
widen(struct producer *p)
{
	int count = appender_partition_count(p->appender), *filling;
	struct lane *lanes;

	if (count <= p->count)
		return STATUS_OK;
	lanes = calloc((size_t)count, sizeof(*lanes));
	filling = calloc((size_t)count, sizeof(*filling));
	if (lanes == NULL || filling == NULL) {
		free(lanes);
		free(filling);
		return status_no_memory("partitions");
	}
	if (p->count > 0) {
		memcpy(lanes, p->lanes, (size_t)p->count * sizeof(*lanes));
		memcpy(filling, p->filling, (size_t)p->filling_count * sizeof(*filling));
	}
	free(p->lanes);
	free(p->filling);
	p->lanes = lanes;
	p->filling = filling;
	p->count = count;
	return STATUS_OK;
}

static int
fail_partition(const struct producer *p, int partition)
{
	return status_fail(STATUS_MISSING, "%s: no partition %d: it has %d", topic_name(p->topic), partition, p->count);
}

static int64_t
deadline(const struct producer *p)
{
	return clock_deadline(p->options.appender.timeout_ms);
}

/* A name is for an input of one kind: the one that is given from its beginning, or the one that is followed. */
static int
check_kind(const struct producer *p)
{
	const struct named_place *place = named_place(p->named);

	if (place != NULL && !p->options.follows)
		return status_fail(STATUS_DATA, "--id %s: the name of a followed file: only with --follow %s; nothing was stored",
		    p->options.id, place->follows);
	if (place == NULL && named_known(p->named) && p->options.follows)
		return status_fail(STATUS_DATA,
		    "--id %s: the name of an input without --follow: a new one for a followed file; "
		    "nothing was stored",
		    p->options.id);
	return STATUS_OK;
}

/* Become the named producer. */
static int
open_named(struct producer *p)
{
	int rc;

	if ((rc = named_open(p->topic, p->options.id, deadline(p), &p->named)) != STATUS_OK)
		return rc;
	if ((rc = check_kind(p)) != STATUS_OK)
		return rc;
	p->options.appender.named = p->named;
	p->checked_at_ms = clock_monotonic_ms();
	return resume_open(p->named, &p->resume);
}

int
producer_open(struct topic *topic, const struct producer_options *options, struct producer **out)
{
	struct producer *p;
	int rc;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return status_no_memory("producer");
	p->topic = topic;
	p->last_used = -1;
	p->compacted = topic_config(topic)->log.compacts;
	p->options = *options;
	if (p->options.filling_bytes == 0)
		p->options.filling_bytes = FILLING_BYTES;
	if ((options->id != NULL && (rc = open_named(p)) != STATUS_OK) ||
	    (rc = appender_open(topic, &p->options.appender, &p->appender)) != STATUS_OK || (rc = widen(p)) != STATUS_OK)
		goto fail;
	if (options->partition >= p->count) {
		rc = fail_partition(p, options->partition);
		goto fail;
	}
	if (p->options.follows && named_place(p->named) != NULL)
		p->next = named_place(p->named)->next;
	else
		p->next = p->named != NULL ? 0 : (int)(topic_next_partition(topic) % (uint64_t)p->count);
	*out = p;
	return STATUS_OK;

fail:
	producer_close(p);
	return rc;
}

void
producer_close(struct producer *p)
{
	if (p == NULL)
		return;
	appender_close(p->appender);
	resume_close(p->resume);
	named_close(p->named);
	for (int i = p->last_used; i >= 0; i = p->lanes[i].used_before)
		batch_builder_free(&p->lanes[i].builder);
	free(p->lanes);
	free(p->filling);
	free(p);
}

/* After the appender did something. */
static int
note(struct producer *p, int rc)
{
	if (rc == STATUS_OK)
		rc = widen(p);
	if (rc != STATUS_OK)
		p->failed = true;
	return rc;
}

/* What a lane's builder may grow to if all lanes may have as much. */
static void
limit_memory(const struct producer *p, struct batch_builder *b)
{
	if (b->bytes.cap > 2 * p->options.filling_bytes / (size_t)p->count)
		batch_builder_free(b);
}

/* Before a batch of a named producer: its file says that the partition may hold records of it. All that wait for that are asked at once. */
static int
enter(struct producer *p, int number)
{
	int *partitions, count = 0, rc;

	if (p->named == NULL)
		return STATUS_OK;
	p->unchecked_bytes += p->lanes[number].builder.bytes.len;
	if (named_entered(p->named, number))
		return STATUS_OK;
	if ((rc = note(p, appender_settle(p->appender))) != STATUS_OK)
		return rc;
	if ((partitions = calloc((size_t)p->filling_count + 1, sizeof(*partitions))) == NULL)
		return note(p, status_no_memory("partitions"));
	for (int i = 0; i < p->filling_count; i++) {
		if (p->lanes[p->filling[i]].builder.count > 0)
			partitions[count++] = p->filling[i];
	}
	rc = named_enter(p->named, partitions, count);
	free(partitions);
	return note(p, rc);
}

/* Have the batch of one partition stored: by appender_append here and now, by appender_hand_over while the next one is filled. */
static int
store_lane(struct producer *p, int number, int (*store)(struct appender *, int, struct batch_builder *, uint64_t))
{
	struct batch_builder *b = &p->lanes[number].builder;
	uint64_t went_round = p->went_round;
	int rc;

	if (b->count == 0)
		return STATUS_OK;
	if ((rc = enter(p, number)) != STATUS_OK)
		return rc;
	/* `enter` may have moved the lanes. */
	b = &p->lanes[number].builder;
	p->filling_bytes -= b->bytes.len;
	p->went_round = 0;
	rc = note(p, store(p->appender, number, b, went_round));
	limit_memory(p, &p->lanes[number].builder);
	return rc;
}

/* All lanes, here and now. */
static int
store_all(struct producer *p)
{
	int rc = note(p, appender_settle(p->appender));

	for (int i = 0; i < p->filling_count; i++) {
		if (rc == STATUS_OK)
			rc = store_lane(p, p->filling[i], appender_append);
		p->lanes[p->filling[i]].filling = false;
	}
	p->filling_count = 0;
	return rc;
}

/* Too much is being filled: store it, but sync only if it is time. */
static int
spill(struct producer *p)
{
	int rc = store_all(p);

	return rc == STATUS_OK ? note(p, appender_finish_round(p->appender, false)) : rc;
}

static void
tell_place(struct producer *p)
{
	struct named_place place;

	if (p->where == NULL)
		return;
	p->where(p->where_arg, &place);
	place.next = p->next;
	named_set_place(p->named, &place);
}

/* A named producer: all that was taken is stored; have it known. Only when all that was stored before is met is it a beginning of the input. */
static int
check(struct producer *p, bool live)
{
	int64_t *counts;
	int rc;

	if ((rc = appender_sync_all(p->appender)) != STATUS_OK)
		return note(p, rc);
	if ((counts = calloc((size_t)p->count, sizeof(*counts))) == NULL)
		return note(p, status_no_memory("partitions"));
	for (int i = 0; i < p->count; i++)
		counts[i] = appender_named_count(p->appender, i);
	tell_place(p);
	rc = named_checkpoint(p->named, resume_input(p->resume), counts, p->count, live, deadline(p));
	free(counts);
	p->unchecked_bytes = 0;
	p->checked_at_ms = clock_monotonic_ms();
	return note(p, rc);
}

static bool
is_check_due(const struct producer *p)
{
	if (p->named == NULL || p->unchecked_bytes == 0 || p->is_doubtful || p->options.appender.atomic ||
	    !resume_agreed(p->resume))
		return false;
	/* At the beginning of a file there is nothing yet by which it could be known again as a copy. */
	if (p->where != NULL && named_place(p->named)->position == 0)
		return true;
	return p->unchecked_bytes >= CHECKPOINT_BYTES || clock_monotonic_ms() - p->checked_at_ms >= CHECKPOINT_MS;
}

int
producer_store(struct producer *p)
{
	int rc;

	if (p->options.appender.atomic)
		return STATUS_OK;
	rc = store_all(p);
	if (rc == STATUS_OK && is_check_due(p))
		rc = check(p, true);
	return rc == STATUS_OK ? note(p, appender_finish_round(p->appender, true)) : rc;
}

/* Store what is left, and have all durable. */
static int
finish(struct producer *p)
{
	char message[1024];
	int rc, sync_rc;

	/* After a failure that was told nothing more is stored; one that was not comes by this. */
	rc = p->failed ? STATUS_OK : store_all(p);
	(void)strlcpy(message, status_message(), sizeof(message));
	if (rc == STATUS_OK && (rc = appender_settle(p->appender)) != STATUS_OK)
		(void)strlcpy(message, status_message(), sizeof(message));
	sync_rc = appender_sync_all(p->appender);
	if (rc == STATUS_OK)
		return note(p, sync_rc);
	return status_fail(rc, "%s", message);
}

/* The same for all that was put aside, if it is all. */
static int
finish_whole(struct producer *p)
{
	int rc;

	if (p->failed || p->is_doubtful)
		return STATUS_OK;
	if ((rc = store_all(p)) == STATUS_OK && (rc = appender_settle(p->appender)) == STATUS_OK)
		rc = appender_commit(p->appender);
	return note(p, rc);
}

void
producer_give_up(struct producer *p)
{
	p->is_doubtful = p->is_doubtful || p->options.appender.atomic;
}

int
producer_finish(struct producer *p)
{
	int rc = p->options.appender.atomic ? finish_whole(p) : finish(p);

	if (rc != STATUS_OK || p->named == NULL || p->failed || p->is_doubtful || !resume_agreed(p->resume))
		return rc;
	return check(p, false);
}

int64_t
producer_patience_ms(const struct producer *p)
{
	return appender_patience_ms(p->appender);
}

/* Over how many partitions keys are spread and records go round. */
static int
round_count(const struct producer *p)
{
	return p->named == NULL ? p->count : named_partitions(p->named);
}

static int
choose_partition(struct producer *p, const struct record *record)
{
	int number = p->next, count = round_count(p);

	if (p->options.partition >= 0)
		return p->options.partition;
	if (record->key_len >= 0)
		return partition_of_key(record->key, (size_t)record->key_len, count);
	p->next = number + 1 < count ? number + 1 : 0;
	/* A named producer goes round for itself. */
	p->went_round += p->named == NULL;
	return number;
}

/* The lane's first record is about to be added. */
static struct lane *
open_lane(struct producer *p, int number)
{
	struct lane *lane = &p->lanes[number];

	lane->builder.limit = appender_usual_bytes(p->appender);
	if (!lane->filling)
		p->filling[p->filling_count++] = number;
	lane->filling = true;
	if (!lane->used) {
		lane->used = true;
		lane->used_before = p->last_used;
		p->last_used = number;
	}
	return lane;
}

/* A record that is larger than what a batch usually takes is stored as a batch of its own, if the topic allows it. */
static int
add_large(struct producer *p, int number, const struct record *record)
{
	struct lane *lane;
	int rc;

	if ((rc = note(p, appender_settle(p->appender))) != STATUS_OK)
		return rc;
	lane = &p->lanes[number];
	lane->builder.limit = appender_max_message_bytes(p->appender);
	if ((rc = batch_add(&lane->builder, record)) != STATUS_OK)
		return rc;
	p->filling_bytes += lane->builder.bytes.len;
	return store_lane(p, number, appender_append);
}

/* The builder is full, or the record larger than it. */
static int
add_slowly(struct producer *p, int number, const struct record *record)
{
	struct lane *lane;
	int rc;

	if ((rc = store_lane(p, number, appender_hand_over)) != STATUS_OK)
		return rc;
	lane = open_lane(p, number);
	if ((rc = batch_add(&lane->builder, record)) == STATUS_DATA)
		return add_large(p, number, record);
	if (rc == STATUS_OK)
		p->filling_bytes += lane->builder.bytes.len;
	return rc;
}

static int
add(struct producer *p, int number, const struct record *record)
{
	struct lane *lane = &p->lanes[number];
	size_t before;
	int rc;

	if (UNLIKELY(record->key_len < 0 && p->compacted))
		return status_fail(STATUS_DATA, "no key, and its topic's cleanup.policy is compact");
	if (UNLIKELY(lane->builder.count == 0))
		lane = open_lane(p, number);
	before = lane->builder.bytes.len;
	rc = batch_add(&lane->builder, record);
	if (LIKELY(rc == STATUS_OK)) {
		p->filling_bytes += lane->builder.bytes.len - before;
		return LIKELY(p->filling_bytes < p->options.filling_bytes) ? STATUS_OK : spill(p);
	}
	return rc == STATUS_END || rc == STATUS_DATA ? add_slowly(p, number, record) : rc;
}

static int
tell_again(void *arg, int partition, const struct buf *batch)
{
	struct producer *p = arg;

	return appender_tell(p->appender, partition, batch);
}

/*
 * All that was stored before was met: store what was put aside meanwhile. What lies behind the checkpoint is told again, because the run that
 * stored it may have died before it could.
 */
static int
store_held(struct producer *p)
{
	struct record record;
	int partition, rc = STATUS_OK;

	if (p->options.appender.report != NULL && (rc = named_each_behind(p->named, tell_again, p)) != STATUS_OK)
		return note(p, rc);
	while (rc == STATUS_OK && (rc = resume_next(p->resume, &partition, &record)) == STATUS_OK)
		rc = add(p, partition, &record);
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* A record of a named producer. */
static int
add_named(struct producer *p, int number, const struct record *record, bool timed)
{
	enum resume_verdict verdict;
	int rc;

	rc = resume_take(p->resume, number, record, timed, &verdict);
	if (rc == STATUS_OK && verdict == RESUME_AGREED)
		rc = store_held(p);
	else if (rc == STATUS_OK && verdict == RESUME_STORE)
		rc = add(p, number, record);
	p->is_doubtful = p->is_doubtful || rc != STATUS_OK;
	if (rc != STATUS_OK || LIKELY(p->unchecked_bytes < CHECKPOINT_BYTES) || !is_check_due(p))
		return rc;
	return (rc = store_all(p)) == STATUS_OK ? check(p, true) : rc;
}

int
producer_add(struct producer *p, const struct record *record, bool timed)
{
	int number = choose_partition(p, record);

	return LIKELY(p->named == NULL) ? add(p, number, record) : add_named(p, number, record, timed);
}

/* Where all records without a key go; -1 if they go round. */
static int
only_partition(const struct producer *p)
{
	return p->options.partition < 0 && round_count(p) == 1 ? 0 : p->options.partition;
}

/* memchr(3), memcpy(3) and a few bytes: 15 ns a line of 100 bytes, where the general way takes 42. */
uint64_t
producer_add_lines(struct producer *p, const uint8_t **bytes, const uint8_t *end, uint8_t delimiter, int64_t timestamp_ms)
{
	int number = only_partition(p);
	const uint8_t *line = *bytes, *stop;
	struct batch_builder *b;
	size_t before;
	uint64_t count = 0;

	if (number < 0 || p->compacted || (p->named != NULL && !resume_agreed(p->resume)))
		return 0;
	b = &p->lanes[number].builder;
	before = b->bytes.len;
	while ((stop = memchr(line, delimiter, (size_t)(end - line))) != NULL) {
		if (!batch_add_value(b, line, (size_t)(stop - line), timestamp_ms))
			break;
		line = stop + 1;
		count++;
	}
	p->filling_bytes += b->bytes.len - before;
	if (p->named != NULL && count > 0)
		resume_take_lines(p->resume, number, *bytes, line, delimiter);
	else if (p->options.partition < 0)
		p->went_round += count;
	*bytes = line;
	return count;
}

int
producer_end(struct producer *p)
{
	return p->named == NULL ? STATUS_OK : resume_end(p->resume);
}

/* The topic may have grown since it was looked at. */
static int
look_again(struct producer *p)
{
	int rc = appender_settle(p->appender);

	return note(p, rc == STATUS_OK ? appender_look(p->appender) : rc);
}

int
producer_add_to(struct producer *p, int partition, const struct record *record, bool timed)
{
	int rc;

	if (partition >= p->count && (rc = look_again(p)) != STATUS_OK)
		return rc;
	if (partition >= p->count)
		return fail_partition(p, partition);
	return p->named == NULL ? add(p, partition, record) : add_named(p, partition, record, timed);
}

const struct named_place *
producer_place(const struct producer *p)
{
	return named_place(p->named);
}

void
producer_begin(struct producer *p, void (*where)(void *arg, struct named_place *), void *arg, bool lost)
{
	p->where = where;
	p->where_arg = arg;
	if (lost)
		resume_pass(p->resume);
	/* The file of a name is written with its first batch: it says where the input begins. */
	if (named_place(p->named) == NULL)
		tell_place(p);
}

int
producer_checkpoint(struct producer *p)
{
	int rc = store_all(p);

	return rc == STATUS_OK && resume_agreed(p->resume) ? check(p, true) : rc;
}

static void
where_it_was_left(void *arg, struct named_place *place)
{
	const struct producer *p = arg;

	*place = p->left;
}

/* Not told to the name before it is checked: its file may be written once more until then, and would say more than is stored. */
void
producer_leave(struct producer *p, bool doubtful)
{
	p->where(p->where_arg, &p->left);
	p->where = where_it_was_left;
	p->where_arg = p;
	p->is_doubtful = p->is_doubtful || doubtful;
}

int64_t
producer_missing(const struct producer *p)
{
	return resume_missing(p->resume);
}

uint64_t
producer_stored(const struct producer *p)
{
	return appender_stored(p->appender);
}

uint64_t
producer_unknown(const struct producer *p)
{
	return appender_unknown(p->appender);
}

#include "cmd/consumer.h"

#include <bsd/string.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

/* How soon a reader that closed our stdout is noticed while we wait. */
#define CLOSED_TICK_MS 1000
/* How soon we look again whether the reader took what it had. */
#define UNTAKEN_MS 5
/* With more partitions than this each is read to its end before the next, because each that is open costs descriptors and memory. */
#define TURNS_MOST 4

/* A partition that is read. Offsets; `end` and `stop` are exclusive. */
struct part {
	int number;
	int64_t position; /* the next to read */
	int64_t end;	  /* readable, as known */
	int64_t stop;	  /* the run ends here; INT64_MAX: never */
	bool done;
	bool damaged;  /* the log ends at `end` because what follows is no log */
	bool held;     /* the transaction at the position is open */
	int32_t epoch; /* leader epoch before the position, -1 unknown */
};

struct consumer {
	struct store *store;
	struct topic *topic;
	const struct consumer_options *options;
	struct part *parts;
	int count;
	struct output out;
	int64_t untaken_ms; /* how long to wait before looking again whether the output was taken; 0: all is committed */
	struct format_place place;
	uint64_t left; /* records that may still be read */
	bool lost;
	bool cannot_print; /* that ends the run */
	int failure;	   /* the first partition that cannot be read on; STATUS_OK none */
	char reason[1024];
};

static int
look(struct consumer *c, struct part *p, int64_t *start)
{
	return topic_bounds(c->topic, p->number, start, &p->end, &p->damaged);
}

/* Go on at the log start, and say so if what is wanted lay before it. */
static void
skip_to_start(struct consumer *c, struct part *p, int64_t start)
{
	int64_t upto = start < p->stop ? start : p->stop, count = upto - p->position;

	if (p->position >= start)
		return;
	if (count > 0) {
		cmd_warn("%s/%d: %lld record%s, offsets %lld to %lld, had been removed before they were read", c->place.topic,
		    p->number, (long long)count, count == 1 ? "" : "s", (long long)p->position, (long long)upto - 1);
		c->lost = true;
	}
	p->position = start;
}

/*
 * Where the cursor says, if it has the partition. What it was ahead of was lost, or written anew by another leader: its owner goes on where
 * the two part.
 */
static int
resume_part(struct consumer *c, struct part *p)
{
	struct cursor_mark mark;
	int64_t epoch_end;
	int rc;

	if (c->options->cursor == NULL || !position_yields(&c->options->range.from) ||
	    !cursor_find(c->options->cursor, p->number, &mark))
		return STATUS_OK;
	p->position = mark.offset;
	p->epoch = mark.epoch;
	rc = cursor_epoch_end(c->store, c->place.topic, p->number, mark.epoch < 0 ? INT32_MAX : mark.epoch, p->end, &epoch_end);
	if (rc != STATUS_OK || mark.offset <= epoch_end)
		return rc;
	cmd_warn("%s/%d: the log was cut: the cursor is at offset %lld of leader epoch %d, which ends at %lld; going on there",
	    c->place.topic, p->number, (long long)mark.offset, mark.epoch, (long long)epoch_end);
	p->position = epoch_end;
	return STATUS_OK;
}

/* Begin with one partition where the range or the cursor says, or from its start if it was added later. */
static int
open_part(struct consumer *c, struct part *p, int number, const struct range *range)
{
	int64_t start;
	int rc;

	*p = (struct part){.number = number, .stop = INT64_MAX, .epoch = -1};
	if ((rc = look(c, p, &start)) != STATUS_OK ||
	    (rc = position_resolve(&range->from, c->topic, number, start, p->end, &p->position)) != STATUS_OK ||
	    (range->has_to && (rc = position_resolve(&range->to, c->topic, number, start, p->end, &p->stop)) != STATUS_OK) ||
	    (rc = resume_part(c, p)) != STATUS_OK)
		return rc;
	skip_to_start(c, p, start);
	return STATUS_OK;
}

static int
add_parts(struct consumer *c, int count, const struct range *range)
{
	struct part *parts;
	int rc;

	if ((parts = reallocarray(c->parts, (size_t)count, sizeof(*parts))) == NULL)
		return status_no_memory("partitions");
	c->parts = parts;
	for (int i = c->count; i < count; i++) {
		int number = c->options->partition_count > 0 ? c->options->partitions[i] : i;

		if ((rc = open_part(c, &parts[i], number, range)) != STATUS_OK)
			return rc;
		c->count = i + 1;
	}
	return STATUS_OK;
}

static int
open_parts(struct consumer *c)
{
	const struct consumer_options *o = c->options;
	int count, rc;

	if ((rc = topic_partition_count(c->topic, &count)) != STATUS_OK)
		return rc;
	for (int i = 0; i < o->partition_count; i++) {
		if (o->partitions[i] >= count)
			return status_fail(STATUS_MISSING, "%s: no partition %d: it has %d", topic_name(c->topic), o->partitions[i],
			    count);
	}
	return add_parts(c, o->partition_count > 0 ? o->partition_count : count, &o->range);
}

/* Partitions that were added since are read from their start. */
static int
adopt_new_parts(struct consumer *c)
{
	const struct range all = RANGE_ALL;
	int count, rc;

	if ((rc = topic_partition_count(c->topic, &count)) != STATUS_OK)
		return rc;
	return c->options->partition_count > 0 || count <= c->count ? STATUS_OK : add_parts(c, count, &all);
}

/*
 * Printing.
 */

/* print_batch's loop; `lines` is constant, so that of the two ways to print each loop has one. */
static ALWAYS_INLINE int
print_records(struct consumer *c, struct part *p, int64_t upto, struct batch_cursor *cursor, bool lines)
{
	const struct render_options *how = &c->options->render;
	struct record record;
	int rc = STATUS_OK;

	while (c->left > 0 && (rc = batch_cursor_next(cursor, &record)) == STATUS_OK) {
		if (UNLIKELY(record.offset < p->position))
			continue;
		if (UNLIKELY(record.offset >= upto))
			break;
		rc = lines ? render_line(how->delimiter.data[0], &record, &c->out)
			   : render_record(how, &c->place, &record, &c->out);
		if (UNLIKELY(rc != STATUS_OK)) {
			c->cannot_print = true;
			return rc;
		}
		p->position = record.offset + 1;
		p->epoch = c->place.leader_epoch;
		c->left--;
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* The records of a batch that lie before `upto` and were not read yet. A batch whose records cannot be told apart is damage. */
static int
print_batch(struct consumer *c, struct part *p, int64_t upto, const struct batch_view *view)
{
	struct batch_cursor cursor;
	int rc;

	c->place.partition = p->number;
	c->place.leader_epoch = view->header.leader_epoch;
	c->place.append_time = (view->header.attributes & BATCH_APPEND_TIME) != 0;
	if ((rc = batch_cursor_init(&cursor, view->bytes, &view->header)) != STATUS_OK)
		return status_context(rc, "%s/%d", c->place.topic, p->number);
	if (render_is_line(&c->options->render))
		rc = print_records(c, p, upto, &cursor, true);
	else
		rc = print_records(c, p, upto, &cursor, false);
	return rc == STATUS_CORRUPT ? status_context(STATUS_IO, "%s/%d", c->place.topic, p->number) : rc;
}

/*
 * Reading.
 */

/* The partition cannot be read on. The others are, and then the run ends with this. */
static void
give_up(struct consumer *c, struct part *p, int rc)
{
	p->done = true;
	if (c->failure == STATUS_OK) {
		c->failure = rc;
		(void)strlcpy(c->reason, status_message(), sizeof(c->reason));
	} else {
		cmd_error();
	}
}

/* The position was removed by a trim or by retention. */
static int
skip_removed(struct consumer *c, struct part *p)
{
	int64_t start;
	int rc;

	if ((rc = look(c, p, &start)) == STATUS_OK)
		skip_to_start(c, p, start);
	return rc;
}

/* The end of what may be read now; only who follows looks again. */
static int
find_upto(struct consumer *c, struct part *p, int64_t *upto)
{
	int64_t start;
	int rc;

	if (c->options->follow && (p->position >= p->end || p->held)) {
		if ((rc = look(c, p, &start)) != STATUS_OK)
			return rc;
		skip_to_start(c, p, start);
	}
	*upto = p->end < p->stop ? p->end : p->stop;
	return STATUS_OK;
}

/* Nothing more is at hand in this partition. */
static int
reach_end(struct consumer *c, struct part *p)
{
	struct reader *reader;
	int rc;

	p->done = p->position >= p->stop || !c->options->follow;
	if (p->damaged && (p->position >= p->end || p->held) && p->position < p->stop) {
		(void)status_fail(STATUS_IO, "%s/%d: damaged from offset %lld on", c->place.topic, p->number, (long long)p->end);
		give_up(c, p, STATUS_IO);
	}
	if (c->count <= TURNS_MOST)
		return STATUS_OK;
	if ((rc = topic_reader(c->topic, p->number, &reader)) == STATUS_OK)
		reader_park(reader);
	return rc;
}

/* One batch. STATUS_END: nothing is at hand. */
static int
read_batch(struct consumer *c, struct part *p)
{
	struct batch_view view;
	struct reader *reader;
	int64_t upto;
	int rc;

	if ((rc = find_upto(c, p, &upto)) != STATUS_OK)
		return rc;
	if (p->position >= upto)
		return STATUS_END;
	if ((rc = topic_reader(c->topic, p->number, &reader)) != STATUS_OK)
		return rc;
	if (reader_position(reader) != p->position)
		reader_seek(reader, p->position);
	rc = topic_read(c->topic, p->number, upto, &view);
	p->held = rc == STATUS_END && reader_is_held(reader);
	if (rc == STATUS_MISSING && !topic_deleted(c->topic))
		return skip_removed(c, p);
	if (rc != STATUS_OK && rc != STATUS_END)
		return rc;
	/* At the end it lies before `upto` if a transaction is open or the log was cut meanwhile. */
	if (rc == STATUS_END || ((rc = print_batch(c, p, upto, &view)) == STATUS_OK && c->left > 0)) {
		p->position = reader_position(reader) < upto ? reader_position(reader) : upto;
		if (reader_epoch(reader) >= 0)
			p->epoch = reader_epoch(reader);
	}
	return rc;
}

/* A turn of one partition: a batch, or all there is if partitions are many. *got is set if there was anything. */
static int
take_turn(struct consumer *c, struct part *p, bool *got)
{
	int rc;

	do {
		if ((rc = read_batch(c, p)) == STATUS_OK)
			*got = true;
	} while (rc == STATUS_OK && c->left > 0 && c->count > TURNS_MOST && cmd_signal() == 0);
	if (rc == STATUS_END)
		return reach_end(c, p);
	if (rc == STATUS_OK || c->cannot_print || topic_deleted(c->topic))
		return rc;
	give_up(c, p, rc);
	return STATUS_OK;
}

/* Everything that is at hand. */
static int
read_round(struct consumer *c)
{
	bool got;
	int rc;

	do {
		got = false;
		for (int i = 0; i < c->count && c->left > 0 && cmd_signal() == 0; i++) {
			if (!c->parts[i].done && (rc = take_turn(c, &c->parts[i], &got)) != STATUS_OK)
				return rc;
		}
	} while (got && c->left > 0 && cmd_signal() == 0);
	return output_flush(&c->out);
}

/*
 * The cursor.
 */

/* All that was printed is with its taker: so far has the cursor's owner read. */
static int
commit(struct consumer *c)
{
	int rc = STATUS_OK;

	for (int i = 0; rc == STATUS_OK && i < c->count; i++) {
		const struct part *p = &c->parts[i];

		rc = cursor_note(c->options->cursor, p->number, (struct cursor_mark){p->position, p->epoch});
	}
	return rc == STATUS_OK ? cursor_write(c->options->cursor) : rc;
}

/* No record is at hand. A reader that is still busy with what it has is looked at again, ever more seldom. */
static int
commit_if_taken(struct consumer *c)
{
	int rc;

	if (c->options->cursor == NULL)
		return STATUS_OK;
	if (!output_is_taken(&c->out)) {
		c->untaken_ms = c->untaken_ms == 0 ? UNTAKEN_MS : 2 * c->untaken_ms;
		return STATUS_OK;
	}
	c->untaken_ms = 0;
	return (rc = output_settle(&c->out)) == STATUS_OK ? commit(c) : rc;
}

/* At the end of a run that read all it was to read, or was told by a signal to end. */
static int
commit_at_end(struct consumer *c)
{
	int rc;

	if (c->options->cursor == NULL)
		return STATUS_OK;
	if ((rc = output_settle(&c->out)) == STATUS_NO)
		return STATUS_OK;
	return rc == STATUS_OK ? commit(c) : rc;
}

/*
 * Waiting.
 */

static void
wait_for_bell(struct consumer *c, uint32_t seen, int64_t timeout_ms)
{
	int64_t tick_ms = c->untaken_ms > 0 && c->untaken_ms < CLOSED_TICK_MS ? c->untaken_ms : CLOSED_TICK_MS;

	/* With a cursor signals are caught: one that comes just before the wait is noticed behind it. */
	if ((c->out.pipe || c->options->cursor != NULL) && (timeout_ms < 0 || timeout_ms > tick_ms))
		timeout_ms = tick_ms;
	/* Before the wait, not behind it: a record that ends the wait would be 1 us later, and its write notices by itself. */
	if (output_is_closed(&c->out))
		(void)raise(SIGPIPE);
	else
		topic_wait(c->topic, seen, timeout_ms);
}

/* Look where the partitions end now. *any: there may be a record to read. */
static int
pin(struct consumer *c, bool *any)
{
	int64_t start;
	int rc;

	*any = false;
	for (int i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];

		if ((rc = look(c, p, &start)) != STATUS_OK)
			return rc;
		p->done = false;
		*any |= p->position < p->end && p->position < p->stop;
	}
	return STATUS_OK;
}

/* Long poll: until a record was read, or the time is over. Behind the position may be none to show: markers, aborted transactions. */
static int
read_first(struct consumer *c)
{
	int64_t deadline_ms = clock_deadline(c->options->wait_ms);
	uint64_t left = c->left;

	for (;;) {
		uint32_t seen = topic_bell(c->topic);
		bool over = clock_passed(deadline_ms), any;
		int rc;

		if ((rc = adopt_new_parts(c)) != STATUS_OK || (rc = pin(c, &any)) != STATUS_OK ||
		    ((any || over) && (rc = read_round(c)) != STATUS_OK))
			return rc;
		if (over || c->left < left || c->failure != STATUS_OK)
			return STATUS_OK;
		wait_for_bell(c, seen, clock_remaining(deadline_ms, INT64_MAX));
	}
}

/* Where it ended though there is more. */
static void
tell_held(const struct consumer *c)
{
	for (int i = 0; i < c->count && c->left > 0; i++) {
		const struct part *p = &c->parts[i];

		if (p->held && !p->damaged)
			cmd_warn("%s/%d: read up to offset %lld, where a transaction is neither committed nor aborted"
				 " (--read-uncommitted reads on)",
			    c->place.topic, p->number, (long long)p->position);
	}
}

static bool
all_done(const struct consumer *c)
{
	for (int i = 0; i < c->count; i++) {
		if (!c->parts[i].done)
			return false;
	}
	/* More partitions may come. */
	return c->options->partition_count > 0 || c->options->range.has_to;
}

static int
follow(struct consumer *c)
{
	for (;;) {
		uint32_t seen = topic_bell(c->topic);
		int rc;

		if ((rc = adopt_new_parts(c)) != STATUS_OK || (rc = read_round(c)) != STATUS_OK)
			return rc;
		if (c->left == 0 || c->failure != STATUS_OK || cmd_signal() != 0 || all_done(c))
			return STATUS_OK;
		if ((rc = commit_if_taken(c)) != STATUS_OK)
			return rc;
		wait_for_bell(c, seen, -1);
	}
}

static int
consume(struct consumer *c)
{
	int rc;

	if ((rc = output_init(&c->out)) != STATUS_OK || (rc = open_parts(c)) != STATUS_OK)
		return rc;
	if (c->options->follow)
		return follow(c);
	if ((rc = c->options->wait_ms >= 0 ? read_first(c) : read_round(c)) == STATUS_OK)
		tell_held(c);
	return rc;
}

/* What was read before a failure is printed, whatever it was, unless stdout itself failed. */
static int
print_rest(struct consumer *c, int rc)
{
	char message[1024];

	(void)strlcpy(message, status_message(), sizeof(message));
	return output_flush(&c->out) == STATUS_OK ? status_fail(rc, "%s", message) : rc;
}

int
consumer_run(struct store *store, struct topic *topic, const struct consumer_options *options, uint64_t *records)
{
	uint64_t most = options->most_records < 0 ? UINT64_MAX : (uint64_t)options->most_records;
	struct consumer c = {.store = store, .topic = topic, .options = options, .left = most, .place.topic = topic_name(topic)};
	int rc;

	topic_read_uncommitted(topic, options->uncommitted);
	rc = consume(&c);
	*records = most - c.left;
	if (rc != STATUS_OK) {
		rc = print_rest(&c, rc);
	} else if (c.failure != STATUS_OK) {
		rc = status_fail(c.failure, "%s", c.reason);
	} else if ((rc = commit_at_end(&c)) == STATUS_OK && c.lost) {
		status_clear();
		rc = STATUS_NO;
	}
	output_free(&c.out);
	free(c.parts);
	return rc;
}

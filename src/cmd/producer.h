/*
 * producer: stores records in a topic: each goes into the batch of its partition, batches are appended when they are full, and made
 * durable when the caller says so or when much was appended.
 *
 *	producer_open(topic, &options, &p);
 *	producer_add(p, &record);		for each record
 *	producer_store(p);			whenever no record is at hand: readers see it, and it is as durable as the topic says
 *	producer_finish(p);			at the end
 *
 * After a failure nothing more may be added; producer_finish still makes durable what was published. The counts say what is stored.
 *
 * With appender.atomic nothing is stored before producer_finish, which stores all of it or nothing; and nothing after producer_give_up.
 *
 * With a name (store/named.h) the records are those of its input, from its first one on: what is stored already is compared and passed over.
 */
#ifndef CMD_PRODUCER_H
#define CMD_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/appender.h"
#include "log/record.h"
#include "store/named_place.h"
#include "store/topic.h"

struct producer_options {
	int partition; /* where all records go; -1: by key, else round robin */
	struct appender_options appender;
	size_t filling_bytes; /* when so much waits in batches they are stored; 0: the usual */
	const char *id;	      /* the name of a named producer; NULL: none */
	bool follows;	      /* its input is a file that is followed */
};

struct producer;

/* The topic, the format and the name are borrowed. STATUS_MISSING if the topic has no such partition. Statuses of named_open. */
int producer_open(struct topic *, const struct producer_options *, struct producer **) MUST_USE;
/* What was not stored is gone. NULL is fine. */
void producer_close(struct producer *);

/*
 * Take a record; its bytes are copied. `timed`: its time is the input's own. STATUS_DATA: it is too large, what was added before it is not
 * touched; or with a name: the input is another, and nothing of it was stored. Else a failure is one of storing what was taken before: see
 * log_append, and STATUS_IO if it is published but may not be durable.
 */
int producer_add(struct producer *, const struct record *, bool timed) MUST_USE;
/* The same, into this partition. STATUS_MISSING if there is none; that is no failure of the producer. */
int producer_add_to(struct producer *, int partition, const struct record *, bool timed) MUST_USE;
/*
 * The fast path, for lines of a log: as many of the values in [*bytes, end) as have their delimiter and can be taken at once, without key,
 * headers and time of their own; *bytes is behind the last delimiter taken. Returns how many; the next one is producer_add's, who can say
 * why not.
 */
uint64_t producer_add_lines(struct producer *, const uint8_t **bytes, const uint8_t *end, uint8_t delimiter, int64_t timestamp_ms);
/* The input has ended. STATUS_DATA with a name that has stored more than it: then nothing of it was. */
int producer_end(struct producer *) MUST_USE;

/* Store all that was taken, durable as the topic's fsync says; with an interval, when that is over. Statuses of producer_add. */
int producer_store(struct producer *) MUST_USE;
/* The same, and durable though the interval is not over, also what an earlier failure left published; with a name a checkpoint. */
int producer_finish(struct producer *) MUST_USE;

/* The input is no good: with appender.atomic none of it shall be stored. */
void producer_give_up(struct producer *);

/*
 * A named producer whose input is a followed file. producer_place: where the input goes on, NULL: it is a new one. producer_begin: it does, or
 * `lost`: there is nothing more of that file, what is stored of it counts as met; `where` is then asked for the place behind the record taken
 * last, at each checkpoint. producer_checkpoint makes one here and now; it is no failure that all that is stored was not met yet, nothing
 * happens then. producer_leave: the last place, `where` is asked no more; with `doubtful` no checkpoint is made any more.
 */
const struct named_place *producer_place(const struct producer *);
void producer_begin(struct producer *, void (*where)(void *arg, struct named_place *), void *arg, bool lost);
int producer_checkpoint(struct producer *) MUST_USE;
void producer_leave(struct producer *, bool doubtful);
/* Records before the place that the log has lost. */
int64_t producer_missing(const struct producer *);

/* After producer_store: how long the caller may wait for input before it must call it again; negative: no limit. */
int64_t producer_patience_ms(const struct producer *);

/* After producer_store or producer_finish: records that are as durable as the topic says; and records of which that is not known. */
uint64_t producer_stored(const struct producer *);
uint64_t producer_unknown(const struct producer *);

#endif

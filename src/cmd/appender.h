/*
 * appender: stores the sealed batches of a topic: appends them, makes them durable as the topic's fsync says, rings the bell, reports and
 * counts. The half of a producer that waits for disk and locks; the other half, producer.h, fills the batches.
 *
 *	appender_open(topic, &options, &a);
 *	appender_hand_over(a, p, &builder, went_round) ...	stored in order, in a thread of its own while the next ones are filled
 *	appender_settle(a);					all of that is appended; the topic is ours again
 *	appender_append(a, p, &builder, went_round);		stored here and now
 *	appender_finish_round(a, durable);			synced, if it is time or asked for
 *
 * Between appender_hand_over and appender_settle nothing else here may be called, nor anything of the topic.
 */
#ifndef CMD_APPENDER_H
#define CMD_APPENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/report.h"
#include "log/batch.h"
#include "store/named.h"
#include "store/topic.h"

struct appender_options {
	int64_t timeout_ms; /* for each wait; negative: no limit */
	enum codec codec;   /* of its batches, unless the topic has one of its own */
	int32_t level;
	const struct format *report; /* print each stored record so; NULL: none */
	bool alone;		     /* the process has no other appender, so that this one may have a thread */
	struct named *named;	     /* batches are signed by this one; NULL: by nobody. Borrowed */
	bool atomic;		     /* batches are put aside, and stored as a whole by appender_commit */
};

struct appender;

/* The topic and the format are borrowed. */
int appender_open(struct topic *, const struct appender_options *, struct appender **) MUST_USE;
/* Waits for what was handed over. NULL is fine. */
void appender_close(struct appender *);

/*
 * Append what is in the builder, which is empty afterwards whatever happens. `went_round` records went round robin since the last call.
 * Statuses of log_append, and STATUS_IO if it is published but may not be durable.
 */
int appender_append(struct appender *, int partition, struct batch_builder *, uint64_t went_round) MUST_USE;

/*
 * The same later, but in order; the builder gets other memory for the next batch. A failure, also of an earlier batch, comes by this call or
 * by appender_settle; nothing that was handed over behind the batch that failed is stored.
 */
int appender_hand_over(struct appender *, int partition, struct batch_builder *, uint64_t went_round) MUST_USE;
int appender_settle(struct appender *) MUST_USE;

/*
 * `atomic`, after appender_settle: store all that was put aside, or nothing (store/intent.h). STATUS_IO: it is committed, and will be stored,
 * but is not yet. Else a failure, or a signal to end, which is STATUS_OK, means that nothing was; as does never calling this.
 */
int appender_commit(struct appender *) MUST_USE;

/*
 * After appender_append: sync if it is time, or if all is to be `durable` that the topic's fsync wants so, and ring; then look how the topic
 * is now.
 */
int appender_finish_round(struct appender *, bool durable) MUST_USE;
/* Sync all that is published, also what an interval would leave for later; every partition is tried, the first failure is returned. */
int appender_sync_all(struct appender *) MUST_USE;
/* How long until appender_finish_round has something to do; negative: nothing. */
int64_t appender_patience_ms(const struct appender *);

/* The topic as appender_open, appender_finish_round or appender_settle saw it last; may be called any time. */
int appender_partition_count(const struct appender *);
size_t appender_max_message_bytes(const struct appender *);
/* And one of several records: not more than is stored and read well, and few of them fill a topic that has max.bytes. */
size_t appender_usual_bytes(const struct appender *);
int appender_look(struct appender *) MUST_USE;

/* After appender_settle: how many records the partition holds of the named producer. */
int64_t appender_named_count(const struct appender *, int partition);
/* Tell of a batch that was stored before, by an earlier run; nothing without a report. */
int appender_tell(struct appender *, int partition, const struct buf *batch) MUST_USE;

/* After appender_settle: records that are as durable as the topic says; and records of which that is not known. */
uint64_t appender_stored(const struct appender *);
uint64_t appender_unknown(const struct appender *);

#endif

/*
 * named: a named producer of a topic (mq-produce --id): what it has stored of its one input, known over crashes, reruns and days.
 *
 *	named_open(topic, "orders-2026-11-23", deadline, &n);	STATUS_AGAIN: another process is it, and is named
 *	named_input(n), named_count(n, p), named_trace(n, p, i)	what is stored, to compare the input with
 *	named_enter(n, partitions, count, deadline)		before the first batch of this run to a partition
 *	named_sign(n, &producer)				each batch bears its id, and a sequence number from its count
 *	named_checkpoint(n, &input, counts, ...)		now and then, and at the end
 *
 * Its batches bear a producer id of its own, and sequence numbers that count the records of each partition (KIP-98). The file ids/NAME
 * (mq-format(5) IDS) holds a checkpoint: so many records of the input, with this hash, are stored, so many of them in each partition. What the
 * log holds behind it is found in the log when the name is opened, so the file may be old but never wrong. All belongs to the thread that
 * has the topic, but for named_sign.
 */
#ifndef STORE_NAMED_H
#define STORE_NAMED_H

#include <stdint.h>

#include "log/batch.h"
#include "store/fingerprint.h"
#include "store/named_place.h"
#include "store/topic.h"

struct named;

/* STATUS_USAGE, with a message, for what cannot be the name of a producer. */
int named_check_name(const char *name) MUST_USE;

/*
 * Become this producer, which is known from now on or was before. What the log holds of it is durable on return, whatever the topic's
 * fsync says. STATUS_AGAIN: another process is it; at once. STATUS_CONFIG: the topic is compacted. STATUS_IO: its file is damaged, or contradicts the log. Statuses of
 * topic_append. The topic is borrowed.
 */
int named_open(struct topic *, const char *name, int64_t deadline_ms, struct named **) MUST_USE;
/* Another may be it then. NULL is fine. */
void named_close(struct named *);

const char *named_name(const struct named *);
/* How many partitions the topic had at its birth: keys and round robin go by it. */
int named_partitions(const struct named *);
/* Partitions below this may hold records of it. */
int named_most_partition(const struct named *);
/* The key of its fingerprints. */
uint64_t named_key(const struct named *);
/* Its id and epoch; the sequence number is the caller's. Any thread may ask. */
void named_sign(const struct named *, struct batch_producer *);

/* Was anything ever written of it? */
bool named_known(const struct named *);
/* Its input is a file that is followed: the place at the last checkpoint, or that of the birth. NULL: it is not. */
const struct named_place *named_place(const struct named *);
/* The place at the next checkpoint, which is then made even if it brings no record; before the first one, where the input begins. */
void named_set_place(struct named *, const struct named_place *);

/* At the last checkpoint: the beginning of the input that is stored, and how many records of it are in this partition. */
const struct beginning *named_input(const struct named *);
int64_t named_checked(const struct named *, int p);
/* Records that the partition holds, or held before retention removed them; counted from its birth. */
int64_t named_count(const struct named *, int p);
/*
 * The record of this number in the partition, if it lies behind the checkpoint: its fingerprint; `timed` is 0 if the topic gave the time.
 * NULL: it was removed.
 */
const struct fingerprint *named_trace(const struct named *, int p, int64_t number);
/* Call `visit` with each batch behind the checkpoint, as it lies in the log; `bytes` are valid during the call. Statuses of topic_read. */
int named_each_behind(struct named *, int (*visit)(void *arg, int p, const struct buf *bytes), void *arg) MUST_USE;

/* May the partition get batches? */
bool named_entered(const struct named *, int p);
/* Let these partitions get batches: it is durable on return that they may have some. STATUS_IO: it may not be so; else it is not. */
int named_enter(struct named *, const int *partitions, int count) MUST_USE;

/*
 * All of this beginning of the input is stored; counts[p] of it, for p below `partitions`, in partition p: these are synced, whatever the
 * topic's fsync says, and then it is made durable that this is so. `live`: more may follow in this run.
 */
int named_checkpoint(struct named *, const struct beginning *, const int64_t *counts, int partitions, bool live,
    int64_t deadline_ms) MUST_USE;

/* A new file without a name, for the caller's own use; it goes with its descriptor. */
int named_make_scratch(struct named *, int *fd) MUST_USE;

#endif

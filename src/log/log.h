/*
 * log: appends batches to one partition. The protocol, in ten lines (mq-format(5) APPEND has each with its reason):
 *
 *	1. the batch is encoded and checksummed outside any lock;
 *	2. the append lock is taken;
 *	3. the page is checked; what a dead appender left behind the end is cut and the cut synced; `appender` is set;
 *	4. a full segment is rolled;
 *	5. base offset and leader epoch are filled in, the batch and its index entries are written;
 *	6. the slot that is not in use is filled and the counter raised: this is publication;
 *	7. `appender` is cleared, the lock dropped;
 *	8. log_sync makes it durable, together with what others published;
 *	9. the bell is rung (by the caller, once for all partitions it wrote to).
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdint.h>

#include "base/buf.h"
#include "log/partition.h"

struct log;

/* The partition is borrowed and must outlive the log. Nothing is opened before the first append. */
int log_open(struct partition *, struct log **) MUST_USE;
/* Closes descriptors; what was not synced stays so. NULL is fine. */
void log_close(struct log *);

/*
 * Append one sealed batch (batch.h) and publish it; base offset, leader epoch and append time are written into it. On STATUS_OK the
 * batch's first offset is in *base_offset and readers of a topic that is not `synced_only` see it; log_sync makes it durable.
 * Nothing of it was stored:
 *	STATUS_RECOVER		the page cannot be trusted: recover the partition, call again
 *	STATUS_CONFIG_CHANGED	the topic's settings are newer than partition->settings: load them, call again
 *	STATUS_INTENT		intents wait: apply them, call again
 *	STATUS_MISSING		the topic was deleted
 *	STATUS_AGAIN		lock not had by the deadline, no room
 *	STATUS_FENCED		a newer leader fenced this one
 *	STATUS_DATA		larger than max.message.bytes
 *	STATUS_READ_ONLY	the partition is damaged, or its disk failed
 * STATUS_IO: it failed and could not be taken back (it may be stored).
 */
int log_append(struct log *, struct buf *batch, int64_t deadline_ms, int64_t *base_offset) MUST_USE;

/* Gives the next batch of a set, sealed, in the buf, whatever that holds; STATUS_END behind the last. */
typedef int log_set_next(void *arg, struct buf *batch);

/*
 * Append all batches that `next` gives, at least one, and publish them at once: no reader sees a part of them, however many segments they
 * fill, and no recovery adopts one, because the first batch is written when all that lies behind it is durable (mq-format(5) Sets). The
 * append lock is held over all of that. The set was admitted before: max.message.bytes and intents that wait do not stop it. On STATUS_OK it
 * begins at *base_offset and ends before *end_offset, published as log_append does it. Statuses of log_append, and those of `next`.
 */
int log_append_set(struct log *, log_set_next *next, void *arg, int64_t deadline_ms, int64_t *base_offset,
    int64_t *end_offset) MUST_USE;

/*
 * Close the active segment though it is not full, so that retention may let it go: an empty one follows. Nothing is done if it is empty.
 * Statuses of log_append.
 */
int log_roll(struct log *, int64_t deadline_ms) MUST_USE;

/* sync_upto of what this log appended: see sync.h. */
int log_sync(struct log *, int64_t offset, int64_t deadline_ms) MUST_USE;
/*
 * Make all that is published now durable, whoever wrote it; *end (may be NULL) is the log end offset of then. Statuses of log_append
 * and log_sync.
 */
int log_sync_all(struct log *, int64_t deadline_ms, int64_t *end) MUST_USE;

#endif

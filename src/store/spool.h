/*
 * spool: a set of batches on its way to being an intent: the one file that holds it, in the topic's folder spools/.
 *
 *	spool_open(topic, producer_id, epoch, &s);
 *	spool_add(s, p, &batch) ...	finished batches, any number for any partition, in the partition's order
 *	spool_commit(s, &order, ...)	the file is made whole and durable, then stored as a whole: intent.h
 *	spool_close(s);			what was not committed is gone
 *
 * Memory is used for partitions, not for batches. The file is locked as long as its maker lives, so that nobody takes it for a dead one's.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "store/intent.h"

struct spool;

/* The topic is borrowed. Spools of dead makers are removed on the way. */
int spool_open(struct topic *, int64_t producer_id, int16_t producer_epoch, struct spool **) MUST_USE;
void spool_close(struct spool *);

/*
 * A sealed batch of the producer for partition p: its first sequence number is one more than the last of the batch before. STATUS_DATA: more
 * than INTENT_MAX_RECORDS for a partition. After a failure nothing may be added.
 */
int spool_add(struct spool *, int p, const struct buf *batch) MUST_USE;

/* intent_commit of it; spools and name of the order are set here. */
int spool_commit(struct spool *, struct intent_order *, int64_t deadline_ms) MUST_USE;

#endif

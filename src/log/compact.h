/*
 * compact: keeps the last record of each key (cleanup.policy=compact), as Kafka's log cleaner does.
 *
 * A round notes the last offset of each key in the dirty part of the log, then goes over the log from its start and writes what stays of
 * neighbouring segments, up to segment.bytes of them, as one. If the keys of the dirty part do not fit in memory, more rounds follow. The
 * rules, those of Kafka 3.9:
 *
 *	1. Offsets and timestamps stay. The active segment, what is not durable, what belongs to an open transaction and what is younger than
 *	   min.compaction.lag.ms stay as they are.
 *	2. Of each key only the last record below that stays; a record without a key goes.
 *	3. A tombstone, a record without a value, gets a delete horizon, now + delete.retention.ms, when a round first meets it, and goes in a
 *	   round behind it. The horizon stands in its batch (KIP-534).
 *	4. Data of an aborted transaction goes. A marker gets a horizon once no data of its transaction is left, and goes behind it.
 *	5. The last batch of each producer stays, if need be without records, because its sequence number says what must follow.
 *
 * What takes the place of the segments [B1, E) is written in the topic's folder `cleaned.P`, synced, and renamed over B1's log; then the
 * other segments are unlinked, the lowest first. mq-format(5) COMPACTION says why a reader, a recovery and a death at any point find all
 * that they should, and FILE STATES what a death leaves.
 */
#ifndef LOG_COMPACT_H
#define LOG_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/partition.h"

/* For the keys; what else a round takes is a batch, and 24 bytes for each aborted transaction. */
#define COMPACT_MEMORY_BYTES ((size_t)224 << 20)

struct compact_options {
	int64_t now_ms;	       /* by the wall clock */
	int64_t lock_ms;       /* how long to wait for a lock */
	size_t memory_bytes;   /* of the map of keys */
	bool (*stopped)(void); /* asked now and then: end early, with what was done so far; NULL: never */
};

/*
 * Compact the partition, if enough of it is dirty (min.cleanable.dirty.ratio), and finish what one that died left. If another process is
 * at it already nothing is done. The page is trusted; no lock of the partition is held. STATUS_RECOVER: the page has no end. STATUS_IO: a
 * segment is damaged, it and what lies behind it was left as it is. STATUS_AGAIN: no room, or a lock was not had.
 */
int compact_partition(const struct partition *, const struct compact_options *) MUST_USE;

#endif

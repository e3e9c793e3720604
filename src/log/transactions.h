/*
 * transactions: what became of Kafka's transactions (KIP-98), for a reader that shows only what was committed.
 *
 * Whether the records of a transactional batch count is said by the next marker of the same producer behind it: COMMIT or ABORT. So from
 * the first such batch on a walk of its own goes ahead of the reader, up to that marker and not further, and notes whose transactions it
 * sees begin and end. It never goes back: each batch is read at most twice. Kept are the transactions that are open where it stands, and
 * the aborted ones that end at or behind the reader's batch.
 *
 * A marker that compaction emptied says nothing: it was emptied when the batches before it had gone. Indexes, .txnindex among them, are not
 * asked.
 */
#ifndef LOG_TRANSACTIONS_H
#define LOG_TRANSACTIONS_H

#include <stdbool.h>

#include "log/walk.h"

enum transaction_outcome {
	TRANSACTION_COMMITTED,
	TRANSACTION_ABORTED,
	TRANSACTION_OPEN, /* no marker was found up to the readable end */
};

struct transactions;

/* Does it depend on a marker what this batch shows? If it is none of a transaction, or has no records, it does not. */
bool transactions_decide(const struct batch_header *);

/* The extent is the reader's, borrowed. */
int transactions_open(struct extent *, struct transactions **) MUST_USE;
void transactions_close(struct transactions *);
/* Close the segment that is read ahead; what is known stays. */
void transactions_park(struct transactions *);

/*
 * What became of a batch that transactions_decide is true of, and behind which `reader` stands. TRANSACTION_OPEN may be another the next
 * time, when the readable end has moved; the other two are for ever.
 * STATUS_GONE: the log was rebuilt meanwhile, read the batch again. Other statuses are those of walk_next: STATUS_MISSING if the log
 * begins behind the batch now, STATUS_IO if there is damage before the marker. STATUS_AGAIN: no memory.
 */
int transactions_outcome(struct transactions *, const struct batch_header *, const struct walk *reader,
    enum transaction_outcome *) MUST_USE;

#endif

/*
 * intent: sets of batches that are stored as a whole (mq-produce --atomic): committed, applied, and what dead makers left.
 *
 * The maker writes a set into a file of spools/ (spool.h) and syncs it. The rename into intents/ is the commit: whatever lies there is
 * stored in the end, by its maker, or else by the next appender, reader who may write, or mq-gc: one partition after the other, each at once
 * (log_append_set). Twice is harmless, because the batches bear producer id and sequence numbers. A file goes when all of it is durable. The
 * word `intents` of the topic's page says that there may be some: it is raised before the rename and lowered when the folder is empty; nobody
 * appends while it is up. All this is done under LOCK_BYTE_INTENTS. mq-format(5) INTENTS.
 */
#ifndef STORE_INTENT_H
#define STORE_INTENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/handle.h"

/*
 * Apply all that waits. STATUS_AGAIN: lock not had by the deadline, or no room; STATUS_READ_ONLY: a set, or a partition that it goes to, is
 * damaged; nothing is lost then, it waits on. STATUS_PERMISSION if we may not write.
 */
int intent_apply_waiting(struct topic *, int64_t deadline_ms) MUST_USE;
/* The same for a reader, who need not succeed: at once or not at all. */
void intent_try_apply(struct topic *);
/* Is an entry of intents/, or of spools/, one of ours? */
bool intent_is_name(const char *name);
/* These, for topic_open. */
extern const struct handle_intents intent_of_handles;
/* Remove what dead makers left in spools/. */
int intent_clean(struct topic *) MUST_USE;
/* A copied store: its pages may not count what waits. Topic state lock. */
int intent_recount(struct topic *) MUST_USE;

struct intent_order {
	int spools;	  /* the folder of the spool, and */
	const char *name; /* its name there and in intents/ */
	bool (*stopped)(void *arg);
	/* Called for each partition when it holds all of its part, durable: from `base` to before `end`. */
	void (*applied)(void *arg, int p, int64_t base, int64_t end);
	void *arg;
	bool committed; /* set when it is */
};

/*
 * Commit the spool, a whole and synced file, and apply it; other sets that wait come first. On any failure before o->committed nothing of it
 * is stored, nor will it be; STATUS_END: `stopped` said so. After it: STATUS_OK: all of it is durable. Else it may be there in part of
 * the partitions, and will be in all.
 */
int intent_commit(struct topic *, struct intent_order *o, int64_t deadline_ms) MUST_USE;

/* Call `visit` with each batch of the producer that lies in [base, end) of the partition. */
int intent_each_stored(struct topic *, int p, int64_t producer_id, int64_t base, int64_t end,
    int (*visit)(void *arg, int p, const struct buf *batch), void *arg) MUST_USE;

/* Open a folder of the topic, made if need be; its entry is durable on return. */
int intent_open_folder(struct topic *, const char *name, int *dir) MUST_USE;

#endif

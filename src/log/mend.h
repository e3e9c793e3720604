/*
 * mend: sets right what verify.h found in a partition, and drops no valid batch.
 *
 * Bytes that are no batch are kept in `lost/`, then a segment without them takes the place of the old one, as a new inode, so that who has
 * the old one open reads on. The other batches keep their offsets: the page's gap end says that some may be missing, as in a compacted log. The
 * log keeps its end, so that no offset is given twice; if what lay before the end is gone, an empty segment begins there.
 * mq-format(5) REPAIR says in which order.
 *
 * Whoever dies in here leaves a log of which the same is found again, with less to do.
 */
#ifndef LOG_MEND_H
#define LOG_MEND_H

#include <stdint.h>

#include "log/partition.h"
#include "log/verify.h"

struct mend_order {
	const struct partition *partition;
	const struct verify_order *order; /* by which this was found, under the locks that are held now */
	const struct verified *found;
	/* Told for each flaw behind which bytes were kept: the name of the file in lost/. May be NULL. */
	void (*kept)(void *arg, const struct flaw *, const char *name);
	void *arg;
};

/*
 * Append lock and all sync slots are held, and the topic state. On STATUS_OK the page is trusted and sound, and all of the log durable.
 * STATUS_IO: something cannot be mended, or the disk fails. STATUS_AGAIN: no room.
 */
int mend_partition(const struct mend_order *) MUST_USE;

#endif

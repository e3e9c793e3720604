/*
 * recover: finds the end of a log whose page cannot be trusted, after a reboot, on a copied store, or because a process died while it
 * rebuilt the page.
 *
 * Durable point: what the page's synced_end says if the page is of this very file, else the base of the last segment but one. A bad
 * batch at or behind it is a torn tail, cut and kept in `lost/`; a bad batch before it, or a log that ends before it, is damage: the
 * partition turns read-only. What is kept behind the durable point is written again and synced before the page is of this boot.
 * Recovering twice, or dying inside, gives the same result.
 */
#ifndef LOG_RECOVER_H
#define LOG_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "log/partition.h"

struct recovery {
	struct head_end end; /* what is kept */
	int64_t durable;     /* the durable point, an offset */
	bool damaged;	     /* why is in `reason` */
	bool torn;	     /* something lies behind the end */
	int64_t cut_bytes;   /* of torn tails, later segments included */
	bool opens_epoch; /* recovery cut something, or what readers saw may be lost, or the log bears a newer one than the topic */
	bool done;	  /* false: another process had recovered it already */
	char reason[512]; /* of the first bad batch */
};

/*
 * What recovery would keep, found by reading only: no locks, for a reader who may not write. STATUS_OK even if damaged.
 */
int recover_scan(const struct partition *, struct recovery *) MUST_USE;

/*
 * Recover the partition: topic state lock held, takes append and all sync slots. If recovery opens a new leader epoch, `new_epoch` is
 * called before the page becomes trusted: it opens one above `above` and above all before it, makes it durable and shows it in the topic
 * page.
 */
int recover_partition(struct partition *, int (*new_epoch)(void *arg, int32_t above), void *arg, int64_t deadline_ms,
    struct recovery *) MUST_USE;

#endif

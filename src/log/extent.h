/*
 * extent: how far one partition's log may be read, and whether it is still the log that was read before.
 *
 * Who reads opens a segment under the extent's version and compares it after each read (extent_is_stale): a log that was rebuilt, cut by
 * recovery for instance, is another one, and what was read of the old one is worth nothing. The readable end is synced_end on a topic
 * with fsync=always, else the published end; it never falls but with a new version.
 */
#ifndef LOG_EXTENT_H
#define LOG_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "log/partition.h"
#include "log/recover.h"

struct extent {
	const struct partition *p; /* borrowed */
	uint64_t version;	   /* grows whenever the log may have become another one */
	uint64_t generation;	   /* of the page, when it was verified */
	bool verified;		   /* the page was verified in this generation */
	bool is_private;	   /* the page cannot be trusted and we may not recover: `found` is the end */
	struct recovery found;
};

void extent_init(struct extent *, const struct partition *);

/*
 * The published end. STATUS_RECOVER: the page cannot be trusted and we may write: recover, call again. A reader who may not write scans
 * the log itself, once, and takes the end that recovery would keep.
 */
int extent_end(struct extent *, struct head_end *) MUST_USE;

/* Log start offset and readable end (exclusive), as reader_bounds has them. *damaged may be NULL. Statuses of extent_end. */
int extent_bounds(struct extent *, int64_t *start, int64_t *end, bool *damaged) MUST_USE;

/* Is what was opened under this version, and read since, of a log that is no more? */
bool extent_is_stale(const struct extent *, uint64_t version);

#endif

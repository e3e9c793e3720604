/*
 * import_source: a partition's folder of a Kafka broker, stopped or alive, from which import copies. Nothing in it is changed.
 *
 * Of its files only the segments are taken, and of the others what tells where the log begins: `log-start-offset-checkpoint` beside the
 * folder, and the first line of `leader-epoch-checkpoint`.
 */
#ifndef STORE_IMPORT_SOURCE_H
#define STORE_IMPORT_SOURCE_H

#include <stdint.h>

#include "base/file.h"
#include "log/epoch.h"
#include "log/segment.h"

struct import_source {
	const char *path; /* as the user named it; borrowed */
	int partition;
	int dir;
	struct segment_list list;
	int64_t log_start; /* as the broker noted it, -1 if it did not */
	struct epoch_list epochs;
};

/* The partition from the path: the digits behind the last dash of "orders-3/". STATUS_USAGE if there are none. Opens nothing. */
int import_source_parse(const char *path, struct import_source *) MUST_USE;

/*
 * Open the folder and look what is in it. STATUS_MISSING: no folder, or no segment in it. STATUS_IO: a compaction was interrupted, and only
 * a broker can finish it. Close it in any case.
 */
int import_source_open(struct import_source *) MUST_USE;
void import_source_close(struct import_source *);

/*
 * Copy the segments into the folder `to`, oldest first, and sync them. `progress` (NULL: nobody asks) is told how many bytes more are
 * copied; anything but STATUS_OK ends it. STATUS_AGAIN: a segment was removed or replaced meanwhile, the broker being alive.
 */
int import_source_copy(const struct import_source *, int to, const struct file_access *, int (*progress)(void *arg, int64_t bytes),
    void *arg) MUST_USE;

#endif

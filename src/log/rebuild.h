/*
 * rebuild: walks the segments of a partition's folder, verifies every batch and every record in them, and makes anew whatever belongs
 * beside them (sidecar.h).
 *
 * For a log that is nobody's yet: no page shows it, no lock is taken, the segments are not synced. Import walks what it copied from a
 * broker, export what it made for one.
 */
#ifndef LOG_REBUILD_H
#define LOG_REBUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "log/epoch.h"
#include "log/head.h"

struct rebuild_order {
	int dir;	   /* the folder */
	const char *label; /* what messages call it */
	const struct file_access *access;
	int64_t index_interval_bytes;
	int64_t log_start; /* -1: the first segment's base */
	/*
	 * The first entry of the leader-epoch-checkpoint that the folder had, or NULL. A broker whose log is trimmed raises it to the new start:
	 * the log begins there if the batch before that offset is of this very epoch. If it is of an older one, the checkpoint was lost and
	 * begun anew.
	 */
	const struct epoch_entry *first_epoch;
	bool cut_torn;	       /* cut the traces of an append that never ended from the last segment; else they are damage */
	bool abort_open;       /* abort the transactions that are open at the end, by markers of now */
	bool forget_producers; /* the snapshots know of none: sidecar.h */
	/* Called after each batch with the bytes up to its end; anything but STATUS_OK ends the walk. NULL: nobody asks. */
	int (*progress)(void *arg, int64_t records, int64_t bytes);
	void *progress_arg;
};

struct rebuilt {
	struct head_end end; /* what is to be published */
	int64_t log_start;
	int64_t segments, batches, records, bytes; /* records without markers */
	int64_t gaps, missing;			   /* runs of offsets that no record has, and how many offsets these are */
	int64_t gap_end;			   /* head.h: no batch is missing at or behind it */
	int64_t torn_bytes;			   /* were cut; behind torn_offset - 1 */
	int64_t torn_offset;
	int64_t aborted; /* transactions that were open */
};

/*
 * STATUS_MISSING: no segment is there. STATUS_IO: damage, named by file, position and offset: a bad batch or record, offsets or leader
 * epochs that go back, a log that ends before its start. STATUS_CONFIG: magic 0 or 1, or a codec that is not known or not installed. Any
 * failure leaves the folder undefined.
 */
int rebuild_partition(const struct rebuild_order *, struct rebuilt *) MUST_USE;

#endif

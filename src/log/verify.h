/*
 * verify: looks at everything in a partition's folder and tells what is wrong with it. It reads only.
 *
 * Without a lock it may meet files that are just changing, so whatever looks like damage then is looked at again under the append lock and
 * all sync slots, with what was found before: segments that were sound and are the same files are not read twice.
 */
#ifndef LOG_VERIFY_H
#define LOG_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "log/epoch.h"
#include "log/flaw.h"
#include "log/head.h"

struct verify_order {
	int dir;	   /* the partition's folder */
	const char *label; /* for messages */
	const char *topic_id;
	int64_t log_start;  /* segments that end at or before it are passed over */
	int64_t gap_end;    /* below it offsets may be missing */
	int32_t epoch_most; /* no batch is of a later leader epoch */
	/*
	 * The published end of a page that is trusted and sound: what lies behind it does not count, and where a batch is bad before it, it is
	 * damage. NULL: all bytes of all files count.
	 */
	const struct head_end *published;
	int64_t end;	       /* how far the log must reach; -1 unknown */
	int64_t durable;       /* without `published`: what is bad in the last segment and behind this offset recovery will cut */
	bool (*stopped)(void); /* NULL: never */
};

/* What a segment was when it was read. */
struct verified_segment {
	int64_t base, size, end; /* the offset where it ends */
	struct file_identity identity;
	int32_t epoch; /* of its last batch, or that of the log before it */
	int64_t kept_bytes, batches, records;
	bool is_sound, is_covered; /* covered: the segment before holds what it held */
};

struct verified {
	struct flaw_list flaws;
	struct verified_segment *segments;
	size_t count;
	int64_t end;		  /* offset behind the last batch */
	int32_t epoch;		  /* of the last batch, -1 none */
	struct epoch_list epochs; /* that the batches are of, and with which of them each begins */
	int64_t batches, records;
};

/*
 * `before`: what was found a moment ago, or NULL. STATUS_OK, whatever was found. STATUS_GONE: a segment went away meanwhile; call again.
 * STATUS_NO: stopped. Anything else: it could not be looked at. Call verified_free, also after a failure.
 */
int verify_partition(const struct verify_order *, const struct verified *before, struct verified *) MUST_USE;
void verified_free(struct verified *);

#endif

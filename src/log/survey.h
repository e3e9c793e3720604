/*
 * survey: goes over one segment, batch by batch and record by record, and says what is wrong in it; behind bad bytes it goes on.
 */
#ifndef LOG_SURVEY_H
#define LOG_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/epoch.h"
#include "log/flaw.h"

/* Where the log stands before the segment, and between which bounds it goes on. */
struct survey {
	int dir;	     /* the partition's folder */
	int64_t base;	     /* of the segment */
	int64_t limit;	     /* bytes that count; what lies behind may change */
	bool is_last;	     /* no segment follows */
	int64_t most;	     /* no batch reaches behind this offset; INT64_MAX unknown */
	int64_t next;	     /* where the log goes on behind the segment; -1 unknown */
	int64_t gap_end;     /* below it offsets may be missing */
	int32_t epoch_most;  /* no batch is of a later leader epoch */
	int64_t index_count; /* entries that count; -1 all */
	int64_t timeindex_count;
	bool (*stopped)(void); /* asked now and then; NULL: never */

	/* The bases of the segments behind it; borrowed. */
	const int64_t *later;
	size_t later_count;

	/* Of the log up to here; kept up to date. */
	int64_t end;		  /* offset */
	int32_t epoch;		  /* of the last batch, -1 none */
	struct epoch_list epochs; /* began with these batches */
	int64_t batches, records;

	/* Of this segment, when it is done. */
	int64_t kept_bytes; /* of batches that are valid, or can be set right */
};

/*
 * Look at the segment; its flaws are added to the list. STATUS_MISSING: it is not there any more. STATUS_NO: stopped. Any other failure
 * means that it could not be read.
 */
int survey_segment(struct survey *, struct flaw_list *) MUST_USE;

#endif

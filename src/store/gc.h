/*
 * gc: what a timer does for a topic that nobody writes to: closes segments that are old enough, and lets go what its retention settings say.
 * (Where somebody writes, each roll does so.) It also stores the committed sets that wait, and removes what their dead makers left.
 */
#ifndef STORE_GC_H
#define STORE_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "store/topic.h"

struct gc_result {
	int64_t start, new_start, end; /* offsets: log start before and after, readable end */
};

struct gc_options {
	int64_t now_ms;	 /* by the wall clock */
	int64_t lock_ms; /* how long to wait for a lock */
	bool dry_run;
	bool (*stopped)(void); /* asked now and then while it compacts: end early */
};

/* The topic as such, before its partitions: statuses of intent_apply_waiting. */
int gc_topic(struct topic *, const struct gc_options *) MUST_USE;

/*
 * One partition, recovered if need be: retention, then compaction. `dry_run`: nothing is done, but for a recovery; new_start is what it would be. STATUS_READ_ONLY: the
 * partition is damaged, nothing of it is let go. Other statuses as of topic_append.
 */
int gc_partition(struct topic *, int p, const struct gc_options *, struct gc_result *) MUST_USE;

#endif

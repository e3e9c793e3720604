/*
 * fsck_report: what mq-fsck tells, and how the rooms that verify and repair tell it.
 */
#ifndef STORE_FSCK_REPORT_H
#define STORE_FSCK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* One thing that is to be told. Pointers are valid during the call. */
struct fsck_row {
	const char *topic;	 /* NULL: of the store */
	int partition;		 /* -1: of the topic */
	const char *file;	 /* its path from the store's folder */
	int64_t position, bytes; /* in the file; -1: all of it */
	int64_t offset, lost;	 /* so many offsets from this one on are lost; -1: none */
	const char *state;	 /* one word: what it is */
	const char *action;	 /* one word: what is, or was, done about it */
	const char *kept;	 /* the file in `lost/` with its bytes, or NULL */
	const char *detail;	 /* in words */
};

struct fsck_options {
	bool repair;	 /* else only look */
	int64_t lock_ms; /* how long to wait for a lock */
	bool (*stopped)(void);
	void (*row)(void *arg, const struct fsck_row *);
	void *arg;
};

struct fsck_result {
	int64_t damage;	      /* found; with `repair` what was repaired too */
	int64_t unrepairable; /* of it: by hand */
	int64_t work;	      /* what is no damage, but a repair would do or has done */
};

/* What may be done about a thing. */
enum fsck_action {
	FSCK_NONE,    /* nothing: it is told */
	FSCK_BY_HAND, /* only by hand */
	FSCK_CUT,
	FSCK_RESTORE,
	FSCK_ACCEPT,
	FSCK_REBUILD,
	FSCK_REMOVE,
	FSCK_RECOVER,
	FSCK_REOPEN,
	FSCK_CHMOD,
	FSCK_APPLY
};

struct fsck_report {
	const struct fsck_options *options;
	struct fsck_result *result;
	const char *topic;
};

/* A row of the topic's file `file` (a path in its folder); its other cells are empty. */
struct fsck_row fsck_row_of(const struct fsck_report *, int partition, const char *file, const char *state, const char *detail);

/*
 * Tell the row and count it; `path` is where the row's file lies: its topic's folder is put before it. `damage`: it is damage. `done`: the
 * action was done, else it is what a repair would do.
 */
void fsck_tell(const struct fsck_report *, struct fsck_row, enum fsck_action, bool damage, bool done);

#endif

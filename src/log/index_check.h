/*
 * index_check: compares the entries of a segment's indexes with the batches that they speak of.
 *
 * An index that says too little is a good one; one that leads where no such batch begins, or says what is not so, is garbage. Readers would
 * notice each time, and scan.
 */
#ifndef LOG_INDEX_CHECK_H
#define LOG_INDEX_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/flaw.h"

struct index_check {
	int64_t base;
	char file[FLAW_FILE_BYTES];
	bool is_there, is_short; /* fewer entries than must be there */
	struct buf bytes;
	size_t entry_bytes, count, next;
	char why[128]; /* "": nothing is wrong */
};

/* `suffix` is that of .index or .timeindex; `counted`: entries that count, -1 all. */
int index_check_open(struct index_check *, int dir, int64_t base, const char *suffix, int64_t counted) MUST_USE;
void index_check_free(struct index_check *);
/* Each batch, in order: its position, its last offset, its greatest timestamp. The first for .index, the second for .timeindex. */
void index_check_batch(struct index_check *, int64_t position, int64_t last_offset, int64_t max_timestamp_ms);
void timeindex_check_batch(struct index_check *, int64_t last_offset, int64_t max_timestamp_ms);
/* All batches were there: what is wrong is added to the list. `closed`: the file must be there. */
int index_check_close(struct index_check *, bool closed, struct flaw_list *) MUST_USE;

/* .txnindex alone: no reader of ours asks it. */
int txnindex_check(int dir, int64_t base, struct flaw_list *) MUST_USE;

#endif

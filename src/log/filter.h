/*
 * filter: what compaction leaves of a batch. The rules are those of Kafka's log cleaner (LogCleaner.scala and MemoryRecords.filterTo of
 * 3.9, KIP-534): compact.h has them.
 */
#ifndef LOG_FILTER_H
#define LOG_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "log/batch.h"
#include "log/keymap.h"
#include "log/producers.h"

/* An aborted transaction: the batches of the producer in [first_offset, marker_offset). */
struct aborted {
	int64_t producer_id;
	int64_t first_offset, marker_offset;
};

struct aborted_list {
	struct aborted *items; /* ascending by producer and offset once sorted */
	size_t count, cap;
};

void aborted_sort(struct aborted_list *);
bool aborted_has(const struct aborted_list *, const struct batch_header *);

struct filter {
	const struct keymap *keys;
	int64_t map_end; /* exclusive: only records below it may go */
	int64_t now_ms, delete_retention_ms;
	const struct producers
	    *producers; /* as they are at the log's end: the last batch of each stays, if need be without records */
	const struct aborted_list *aborted;
	/* The rest is the filter's own. */
	int64_t *begun; /* producers of whose transaction a batch was seen, and no marker yet */
	size_t begun_count, begun_cap;
	struct record *records; /* of the batch at hand */
	uint64_t *hashes;	/* of their keys */
	size_t record_cap;
	struct buf plain, built, packed;
};

enum filter_verdict { FILTER_KEEP, FILTER_DROP, FILTER_REPLACE };

/* The fields before "the rest" are set by the caller, who starts from zeros. */
void filter_free(struct filter *);
/* A pass over the log begins again at its start. */
void filter_restart(struct filter *);
/* Call `visit` with each record of a plain batch and its key's hash in the filter's map. What is not STATUS_OK ends it, and is returned. */
int filter_each(struct filter *, const struct batch_view *plain, int (*visit)(void *arg, const struct record *, uint64_t hash),
    void *arg) MUST_USE;
/*
 * The verdict on the next batch of the log, whose CRC was checked. `stays`: if need be without records. FILTER_REPLACE: *replacement takes its place, valid until the next call.
 * STATUS_CORRUPT if its records are not valid.
 */
int filter_batch(struct filter *, const struct batch_view *, bool stays, enum filter_verdict *,
    const struct buf **replacement) MUST_USE;

#endif

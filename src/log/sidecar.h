/*
 * sidecar: writes the files that belong beside the segments of a log, for one who walks it from its first batch to its last:
 *
 *	sidecar_init(&s, dir, &access, interval_bytes);
 *	for each segment:
 *		sidecar_begin(&s, base);		.snapshot of what was before it; .index and .timeindex are there, empty
 *		for each batch: sidecar_note(&s, ...);	their entries
 *		sidecar_end(&s);			the last of them, .txnindex
 *	sidecar_finish(&s, log_start);			.snapshot of the end, leader-epoch-checkpoint
 *
 * Indexes are as Kafka's LogSegment makes them. What is there already is replaced. Indexes are not synced, the other files are.
 */
#ifndef LOG_SIDECAR_H
#define LOG_SIDECAR_H

#include <stdbool.h>
#include <stdint.h>

#include "log/epoch.h"
#include "log/index.h"
#include "log/producers.h"

struct sidecar {
	int dir; /* the partition's folder; borrowed, as `access` is */
	const struct file_access *access;
	int64_t interval_bytes; /* index.interval.bytes */
	/*
	 * Snapshots of nobody, for a log that goes to another cluster: there the same ids are given to others, whose first batches would be
	 * taken for duplicates.
	 */
	bool forget_producers;
	struct head_end end;	    /* of all that was noted */
	struct producers producers; /* of all that was noted */
	struct epoch_list epochs;
	bool begins_without_epoch; /* the first batches are of an epoch that is not known */
	struct index_writer index;
	struct buf aborted;   /* the segment's .txnindex */
	int64_t snapshot_end; /* the offset of the last .snapshot, -1 none */
};

void sidecar_init(struct sidecar *, int dir, const struct file_access *, int64_t interval_bytes);
void sidecar_free(struct sidecar *);

int sidecar_begin(struct sidecar *, int64_t segment_base) MUST_USE;
/* The batch as it lies at `position`, and its plain form: `plain` and its bytes are the same for one that is not compressed. */
int sidecar_note(struct sidecar *, const struct batch_header *, int64_t position, const struct batch_header *plain,
    const uint8_t *bytes) MUST_USE;
int sidecar_end(struct sidecar *) MUST_USE;
int sidecar_finish(struct sidecar *, int64_t log_start) MUST_USE;

#endif

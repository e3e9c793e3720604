/*
 * index: a segment's sparse .index (offset to position) and .timeindex (timestamp to offset).
 *
 * They are hints: whoever uses an entry checks it against the batch header it points to, and scans the segment from its start if it
 * lies. A missing, torn or false index costs time and never changes an answer.
 */
#ifndef LOG_INDEX_H
#define LOG_INDEX_H

#include <stdint.h>

#include "base/file.h"
#include "log/batch.h"
#include "log/head.h"

struct index_entry {
	int64_t offset;	  /* absolute: the last offset of the batch */
	int64_t position; /* where that batch begins, bytes */
};

struct timeindex_entry {
	int64_t timestamp_ms; /* the greatest so far in the segment */
	int64_t offset;	      /* absolute: the last offset of the batch that has it */
};

/* An aborted transaction, of Kafka's .txnindex. */
struct txnindex_entry {
	int16_t version;
	int64_t producer_id;
	int64_t first_offset, last_offset; /* of its records and of its marker, absolute */
	int64_t last_stable_offset;	   /* when it was aborted */
};

/* One entry: INDEX_ENTRY_BYTES, TIMEINDEX_ENTRY_BYTES, TXNINDEX_ENTRY_BYTES. Whatever the bytes are, they mean something. */
void index_decode(const uint8_t *bytes, int64_t segment_base, struct index_entry *);
void timeindex_decode(const uint8_t *bytes, int64_t segment_base, struct timeindex_entry *);
void txnindex_decode(const uint8_t *bytes, struct txnindex_entry *);
void txnindex_encode(uint8_t *bytes, const struct txnindex_entry *);

/* The last entry whose offset is at or below `offset`; STATUS_END if there is none, or no index. `dir` is the partition's folder. */
int index_lookup(int dir, int64_t segment_base, int64_t offset, struct index_entry *) MUST_USE;
/* The last entry whose position is below `position`: STATUS_END if there is none. Sets *count to how many entries lie up to it. */
int index_last_before(int dir, int64_t segment_base, int64_t position, struct index_entry *, uint32_t *count) MUST_USE;
/* The last entry whose timestamp is below `timestamp_ms`; STATUS_END if there is none. */
int timeindex_lookup(int dir, int64_t segment_base, int64_t timestamp_ms, struct timeindex_entry *) MUST_USE;
/* The last entry whose offset is at or below `offset`: STATUS_END if there is none. Sets *count to how many entries lie up to it. */
int timeindex_last_upto(int dir, int64_t segment_base, int64_t offset, struct timeindex_entry *, uint32_t *count) MUST_USE;

/*
 * Where to begin scanning the open segment for the batch that holds `offset`: the position of a batch that begins at or below it, by
 * the index if that tells the truth, else 0.
 */
int64_t index_position_hint(int dir, int fd, int64_t base, int64_t offset);

/*
 * Appends to both indexes of one segment, as Kafka's LogSegment does: an entry of each for the first batch behind every
 * `interval_bytes`, and the greatest timestamp once more when the segment is closed. How many entries there are is part of the
 * published end, so that what a dead appender left behind them is cut. Files are made with the first entry, and both when the segment
 * is closed. Append lock.
 */
struct index_writer {
	int dir;
	const struct file_access *access; /* of new files; borrowed */
	int64_t segment_base;		  /* of the open files; -1: none are open */
	int index_fd, timeindex_fd;
};

void index_writer_init(struct index_writer *, int dir, const struct file_access *);
void index_writer_close(struct index_writer *);
/* Take note of a batch at `position`: timestamps, pending bytes and counts of `end` are brought up to date. */
int index_writer_note(struct index_writer *, struct head_end *end, const struct batch_header *, int64_t position,
    int64_t interval_bytes) MUST_USE;
/* The last entry of a segment's time index, when it is closed. */
int index_writer_finish(struct index_writer *, struct head_end *end) MUST_USE;
/* Cut both files to the entries that `end` counts; a missing file is fine. */
int index_writer_cut(struct index_writer *, const struct head_end *end) MUST_USE;

#endif

/*
 * reader: reads one partition, batch by batch, without a lock.
 *
 *	reader_open(partition, &r);
 *	reader_bounds(r, &start, &end);				what may be read now
 *	reader_seek(r, offset);
 *	while (reader_next(r, end, &view) == STATUS_OK) ...	until STATUS_END
 *
 * The readable end is synced_end on a topic with fsync=always, else the published end; it never falls but with a new generation. Of Kafka's
 * transactions only what was committed is read, up to the first batch of one that is still open (transactions.h), unless all is asked for.
 */
#ifndef LOG_READER_H
#define LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "log/batch.h"
#include "log/partition.h"

struct reader;

/* The partition is borrowed. */
int reader_open(const struct partition *, struct reader **) MUST_USE;
void reader_close(struct reader *);
/* From now on: records of open and of aborted transactions too? At first it is false. */
void reader_read_uncommitted(struct reader *, bool);
/* Close the segments' descriptors and free the buffers until the next reader_next; the position stays. */
void reader_park(struct reader *);

/*
 * Log start offset and readable end (exclusive). STATUS_RECOVER: the page cannot be trusted and we may write: recover, call again. A
 * reader who may not write scans the log itself and serves what recovery would keep. *damaged, if not NULL: recovery found damage at
 * the end.
 */
int reader_bounds(struct reader *, int64_t *start, int64_t *end, bool *damaged) MUST_USE;

/* Set the position: the next batch is the first that holds an offset at or behind it. Opens nothing. */
void reader_seek(struct reader *, int64_t offset);
int64_t reader_position(const struct reader *);
/* The leader epoch of the last batch that the position moved behind, whether it was given or passed over; -1 none since reader_seek. */
int32_t reader_epoch(const struct reader *);

/*
 * The next batch that holds offsets in [position, end), where `end` is at most what reader_bounds said; the position moves behind it. It is
 * decompressed and valid until the next call on this reader. The first and last of its records may lie outside. Control batches are passed
 * over, and so are aborted transactions and offsets that compaction removed.
 * STATUS_END: the position is at `end`, or before a batch whose transaction is open (reader_is_held tells), or the log was cut below it
 * meanwhile (reader_bounds tells).
 * STATUS_MISSING: retention or a trim removed the position: seek to the log start (reader_bounds) and tell how many were lost.
 * STATUS_IO: damage, named by file, position and offset. STATUS_RECOVER as above.
 */
int reader_next(struct reader *, int64_t end, struct batch_view *) MUST_USE;

/* Did the last reader_next end before a batch whose transaction is open? It may go on when reader_bounds tells another end. */
bool reader_is_held(const struct reader *);

/*
 * The first offset in [log start, end) whose record's timestamp is at or after timestamp_ms; `end` if there is none. The position is
 * then that offset. What became of a record's transaction does not matter, as in Kafka's ListOffsets. Statuses are those of reader_next, but for STATUS_END and STATUS_MISSING.
 */
int reader_find_time(struct reader *, int64_t timestamp_ms, int64_t end, int64_t *offset) MUST_USE;

#endif

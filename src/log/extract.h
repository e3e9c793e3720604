/*
 * extract: copies the batches of a log that may be read into segments of a new folder, as a leader of epoch 0 would have written them. Like
 * a reader it takes no lock, and notices when the log is cut, rebuilt or trimmed under it.
 */
#ifndef LOG_EXTRACT_H
#define LOG_EXTRACT_H

#include <stdint.h>

#include "log/partition.h"

struct extract_order {
	const struct partition *partition;
	uint64_t generation; /* of the page when the bounds were asked for */
	int64_t start, end;  /* what reader_bounds said */
	int to;		     /* an empty folder */
	const struct file_access *access;
	/* Called after each write with the bytes written since the last: anything but STATUS_OK ends the copy. NULL: nobody asks. */
	int (*progress)(void *arg, int64_t bytes);
	void *progress_arg;
};

/*
 * From the batch that holds `start` up to `end`, in segments as they are there, and behind them an empty one; the first one is named by
 * that batch if others were before it. Leader epochs become 0, which no CRC covers. The new segments are synced.
 *
 * STATUS_GONE: the log was rebuilt meanwhile; STATUS_MISSING: retention removed what was to be copied. Ask for the bounds again and begin
 * anew in an empty folder. STATUS_IO: damage, named by file, position and offset.
 */
int extract_segments(const struct extract_order *) MUST_USE;

#endif

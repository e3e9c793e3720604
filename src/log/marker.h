/*
 * marker: makes the control batch that aborts a transaction (KIP-98), where nobody else will. batch_read_marker reads it.
 */
#ifndef LOG_MARKER_H
#define LOG_MARKER_H

#include <stdint.h>

#include "base/buf.h"

struct marker {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t coordinator_epoch;
	int64_t timestamp_ms;
};

/* The batch that aborts the transaction of marker->producer_id, appended to the empty buf, in its place in the log. */
int marker_make_abort(const struct marker *, int64_t base_offset, int32_t leader_epoch, struct buf *) MUST_USE;

#endif

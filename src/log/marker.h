/*
 * marker: the control batch that ends a transaction (KIP-98): one record, whose key says whether it commits or aborts.
 */
#ifndef LOG_MARKER_H
#define LOG_MARKER_H

#include <stdint.h>

#include "log/batch.h"

enum marker_type { MARKER_ABORT = 0, MARKER_COMMIT = 1, MARKER_NONE = -1 };

struct marker {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t coordinator_epoch;
	int64_t timestamp_ms;
};

/*
 * What the plain batch ends: MARKER_NONE if it is no control batch of a producer, if compaction has emptied it, or if its record is of
 * another type, as a leader change's is.
 */
enum marker_type marker_type_of(const struct batch_header *, const uint8_t *bytes);

/* The batch that aborts the transaction of marker->producer_id, appended to the empty buf, in its place in the log. */
int marker_make_abort(const struct marker *, int64_t base_offset, int32_t leader_epoch, struct buf *) MUST_USE;

#endif

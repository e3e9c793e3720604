/*
 * trail: the batches that one producer left in a log.
 */
#ifndef LOG_TRAIL_H
#define LOG_TRAIL_H

#include <stdint.h>

#include "log/batch.h"
#include "log/partition.h"

/* One batch, as it lies in the log (compressed, if it is); its CRC was checked. `bytes` are valid during the call. */
typedef int trail_visit(void *arg, const struct batch_header *, const uint8_t *bytes);

/*
 * Call `visit` with each batch of the producer that holds offsets in [from, to), in order; it returns STATUS_OK to go on, anything else ends
 * the walk and is returned. `to` is at most the published end. No lock. STATUS_MISSING: a segment was removed meanwhile, look at the log
 * start again. STATUS_IO: damage.
 */
int trail_walk(const struct partition *, int64_t producer_id, int64_t from, int64_t to, trail_visit *visit, void *arg) MUST_USE;

#endif

/*
 * resync: finds the next valid batch behind bytes that are none.
 */
#ifndef LOG_RESYNC_H
#define LOG_RESYNC_H

#include <stdint.h>

#include "base/buf.h"
#include "log/batch.h"

/*
 * Read the batch at `position` of an open segment into the buf, whose bytes are dropped, and check it: STATUS_OK, or STATUS_CORRUPT if no
 * valid one lies there up to `limit`.
 */
int resync_read(int fd, int64_t position, int64_t limit, struct batch_header *, struct buf *) MUST_USE;

/*
 * The position of the next valid batch behind `position`, at which none begins, whose offsets lie in [least, most]; `limit` if there is
 * none. Where the length of the bad one leads to is looked at first, because a record may hold what looks like a batch.
 */
int resync_find(int fd, int64_t position, int64_t limit, int64_t least, int64_t most, int64_t *found) MUST_USE;

#endif

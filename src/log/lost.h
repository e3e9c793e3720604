/*
 * lost: the topic's folder `lost`, where bytes are kept that were cut out of a log: PARTITION-OFFSET-TIME.log.
 */
#ifndef LOG_LOST_H
#define LOG_LOST_H

#include <stdint.h>

#include "log/partition.h"

#define LOST_FOLDER "lost"
#define LOST_NAME_BYTES 80

/*
 * Keep the bytes [position, end) of an open segment, which begin with what was to be the batch at `offset`. Durable on return; `name` (may
 * be NULL) is what the file is called.
 */
int lost_keep(const struct partition *, int segment, int64_t offset, int64_t position, int64_t end,
    char name[LOST_NAME_BYTES]) MUST_USE;

#endif

/*
 * retention: takes records away from the front of a log. The log start offset is raised and made durable first, then segments that lie
 * wholly before it are unlinked; open readers go on with what they have open.
 */
#ifndef LOG_RETENTION_H
#define LOG_RETENTION_H

#include <stdint.h>

#include "log/partition.h"

/*
 * Raise the log start offset to `offset` (Kafka's delete-records; lower than it is: nothing is done) and unlink what lies before it.
 * `offset` is at most the readable end and must be durable already, because a log must never end before its start.
 */
int retention_trim(const struct partition *, int64_t offset) MUST_USE;

#endif

/*
 * retention: takes records away from the front of a log. The log start offset is raised and made durable first, then segments that lie
 * wholly before it are unlinked; open readers go on with what they have open.
 */
#ifndef LOG_RETENTION_H
#define LOG_RETENTION_H

#include <stdint.h>

#include "log/partition.h"

/*
 * Raise the log start offset to `offset` (Kafka's delete-records; it never falls) and unlink what lies before it, also what one that died
 * left there. `offset` is at most the readable end and must be durable already, because a log must never end before its start. Takes the
 * last sync slot; the append lock and the slots must not be held.
 */
int retention_trim(const struct partition *, int64_t offset, int64_t deadline_ms) MUST_USE;

#endif

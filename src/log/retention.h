/*
 * retention: takes records away from the front of a log. The log start offset is raised and made durable first, then segments that lie
 * wholly before it are unlinked; open readers go on with what they have open.
 */
#ifndef LOG_RETENTION_H
#define LOG_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "log/partition.h"

/*
 * Where retention.ms and retention.bytes let the log begin, as Kafka has it (UnifiedLog.deleteOldSegments): segment by segment, the oldest
 * first, while all of one's records are older than retention.ms, or while what is left is no less than retention.bytes. *offset is where
 * the last of these ends, or the log start if there is none. If it lies behind the base of the active segment, that one has to be closed
 * first (log_roll), and what is not durable to be synced. STATUS_RECOVER: the page has no end. Takes the last sync slot, so that nobody
 * trims meanwhile.
 *
 * A segment is as old as the greatest timestamp in it. The time index may say that it is young, checked against the batch; that it is old
 * only a look at every batch says, because no index may delete a record. Where no batch has a timestamp, or one is damaged, the file's
 * own time counts too.
 */
int retention_due(const struct partition *, int64_t now_ms, int64_t deadline_ms, int64_t *offset) MUST_USE;
/*
 * Trim the log to that, as far as it is closed and durable; also finishes what a trim that died left. If another process is at it already
 * nothing is done. The append lock and the slots must not be held.
 */
int retention_apply(const struct partition *, int64_t now_ms) MUST_USE;

/* Is all of a closed segment older than the limit? As retention_due has it. */
int retention_is_older(const struct partition *, int64_t base, int64_t limit_ms, bool *older) MUST_USE;
/* Unlink all files of a segment, the log first. Last sync slot. */
int retention_unlink(const struct partition *, int64_t base) MUST_USE;

/* Count the bytes of the closed segments (head_closed_bytes) anew. Takes the append lock and the last sync slot. */
int retention_count_closed(const struct partition *, int64_t deadline_ms) MUST_USE;

/*
 * Raise the log start offset to `offset` (Kafka's delete-records; it never falls) and unlink what lies before it, also what one that died
 * left there. `offset` is at most the readable end and must be durable already, because a log must never end before its start. Takes the
 * last sync slot; the append lock and the slots must not be held.
 */
int retention_trim(const struct partition *, int64_t offset, int64_t deadline_ms) MUST_USE;

#endif

/*
 * sync: makes published batches durable, once for everybody who waits.
 *
 * Holds the descriptors of the segments that may not be durable yet. A descriptor vouches only for what was written after it was
 * opened, because the kernel reports a failed write-back to those who had the file open then, once; what is older is read, checked and
 * written again before it is synced (mq-format(5) DURABILITY). A producer that has published up to offset X calls sync_upto(s, X); if
 * another process is syncing, that one's fdatasync usually covers X too: group commit without a daemon.
 */
#ifndef LOG_SYNC_H
#define LOG_SYNC_H

#include <stdint.h>

#include "log/partition.h"

struct sync;

int sync_open(const struct partition *, struct sync **) MUST_USE;
void sync_close(struct sync *);
/* Close all descriptors: those opened next vouch for nothing that was written before. */
void sync_reset(struct sync *);

/*
 * The descriptor of the active segment, opened if need be: append lock held, `end` the published end, `generation` that of the page.
 * *fd stays the sync's.
 */
int sync_hold(struct sync *, const struct head_end *end, uint64_t generation, int *fd) MUST_USE;

/* A segment that the caller, a roller, has just made: vouched for from its first byte. Takes the descriptor, append lock held. */
int sync_hold_new(struct sync *, int64_t base, int fd) MUST_USE;
/* Close the descriptor of a segment that the caller unlinked again. */
void sync_forget(struct sync *, int64_t base);
/*
 * fsync the active segment that sync_hold gave, after the caller cut what was never published: append lock held. What the kernel says of
 * earlier bytes it says only once, so a failure here poisons the partition as one of sync_upto does: STATUS_IO.
 */
int sync_cut(struct sync *) MUST_USE;

/*
 * Read the batches of an open segment that hold offsets in [from, to), check each and write the very bytes that were checked again, so
 * that a sync of this descriptor vouches for them. Append lock held. STATUS_CORRUPT if one is bad, or if the segment ends before `to`.
 */
int sync_rewrite(const struct partition *, int fd, int64_t base, int64_t from, int64_t to) MUST_USE;

/*
 * Make every record below `offset` (exclusive, at most the published end) durable: on STATUS_OK the head's synced_end is at least
 * `offset`, and the page is still of the generation that sync_hold was told. The append lock must not be held, and sync_hold was called.
 * STATUS_IO: it failed and the partition is poisoned, what was published may be stored; the descriptors are closed, so that trying again
 * writes all of it anew. STATUS_GONE: the log was rebuilt meanwhile. STATUS_AGAIN: past the deadline.
 */
int sync_upto(struct sync *, int64_t offset, int64_t deadline_ms) MUST_USE;
/* The same for a roller, who holds the append lock; nothing behind `offset` is synced, so that a roll does not wait for it. */
int sync_upto_locked(struct sync *, int64_t offset, int64_t deadline_ms) MUST_USE;
/*
 * The same after an fdatasync failed (HEAD_UNSYNCED), by descriptors opened since then: on STATUS_OK the partition is sound again, on
 * STATUS_IO it is read-only until it is recovered.
 */
int sync_heal(struct sync *, int64_t offset, int64_t deadline_ms) MUST_USE;

#endif

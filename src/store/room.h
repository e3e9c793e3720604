/*
 * room: may a topic take more? With max.bytes the segments of all its partitions bear at most so many bytes, and who wants to append waits
 * until retention, a trim or another setting makes room.
 *
 * What is appended at the same time to other partitions is not seen: the limit may be passed by a batch for each of them.
 */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include <stdint.h>

#include "store/handle.h"

/*
 * Wait until `bytes` more fit. Whoever waits first makes durable what it appended, so that it can be read, and then lets go each second what
 * may go: the settings' retention is applied, and what was trimmed in an active segment is closed and unlinked. STATUS_AGAIN: not by the
 * deadline. STATUS_DATA: they never would. No locks held.
 */
int room_await(struct topic *, int64_t bytes, int64_t deadline_ms) MUST_USE;

#endif

/*
 * lock: byte locks of the kernel (fcntl_locking(2), open file description locks), exclusive, dropped when their holder dies.
 *
 * A `struct lock` is one open file description of a lock file; all that one description locks is held together, so locks that must
 * exclude each other within a process need a description each. A lock file is opened for writing only, because who may read it could
 * take a read lock and hold everybody up. While a thread holds a byte, or waits for one, the terminal's stop signals are blocked in
 * it, so that Ctrl-Z cannot stop the holder; so a byte is dropped by the thread that took it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"

struct lock;

/* Open the lock file; it must exist. Statuses are those of file_open_write_only. */
int lock_open(int dir, const char *name, struct lock **) MUST_USE;
/* Drops what is still held, even if a forked child has the description too. NULL is fine. */
void lock_close(struct lock *);

/*
 * Take the byte, waiting until the deadline (clock.h; DEADLINE_NOW does not wait). STATUS_AGAIN when it was not had; `what` names it
 * in the message, as "append lock". It must not be held already. A signal does not end the wait, however its handler is installed.
 */
int lock_take(struct lock *, int64_t byte, const char *what, int64_t deadline_ms) MUST_USE;
/* False if another description holds it, or the kernel refuses. No message. */
bool lock_try(struct lock *, int64_t byte);
void lock_drop(struct lock *, int64_t byte);

/*
 * The byte as a sign of life, held for long: as lock_try, but the terminal may stop its holder. Only lock_close and its holder's death drop
 * it.
 */
bool lock_stay(struct lock *, int64_t byte);

/*
 * Has nobody the file open for writing? False also where that cannot be known (*known): we must own it, or be root. The descriptor is one for
 * reading.
 * It is asked by a lease (fcntl_locking(2)), which is given back at once; SIGIO must be ignored, because who opens the file between has the
 * kernel send it.
 */
bool lock_without_writers(int fd, bool *known);

#endif

/*
 * wait: the bell. A bell is a 32-bit word in a shared mapping; who waits sleeps on it with a futex (futex(2)), which works on a
 * mapping that is only readable. Calling sequence of who waits:
 *
 *	seen = bell_read(bell);
 *	look whether there is something to do; if not:
 *	bell_wait(bell, seen, timeout_ms);	returns at once if the bell was rung since
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

typedef _Atomic uint32_t bell_word;

uint32_t bell_read(const bell_word *);

/*
 * Sleep until the bell is rung, a signal is handled, or timeout_ms passes (negative: no limit). True when it was rung since `seen`;
 * false may also come early, so who waits looks at the clock.
 */
bool bell_wait(const bell_word *, uint32_t seen, int64_t timeout_ms);

/* Change the word and wake all who wait. The mapping must be writable. */
void bell_ring(bell_word *);

#endif

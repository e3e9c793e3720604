#include "base/wait.h"

#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint32_t
bell_read(const bell_word *bell)
{
	return atomic_load_explicit(bell, memory_order_acquire);
}

bool
bell_wait(const bell_word *bell, uint32_t seen, int64_t timeout_ms)
{
	struct timespec limit = {
	    .tv_sec = (time_t)(timeout_ms / 1000),
	    .tv_nsec = (long)(timeout_ms % 1000) * 1000000,
	};

	(void)syscall(SYS_futex, bell, FUTEX_WAIT, seen, timeout_ms < 0 ? NULL : &limit, NULL, 0);
	return bell_read(bell) != seen;
}

void
bell_ring(bell_word *bell)
{
	(void)atomic_fetch_add_explicit(bell, 1, memory_order_release);
	(void)syscall(SYS_futex, bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

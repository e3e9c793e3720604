/*
 * clock: the time, in milliseconds, and the identity of this boot.
 *
 * Wall time is for records, monotonic time for waiting. Tests fix the wall clock; nothing else may set it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A deadline that never comes, and one that has passed. Deadlines are absolute, CLOCK_MONOTONIC, in ms. */
#define DEADLINE_NEVER INT64_MAX
#define DEADLINE_NOW INT64_C(0)

#define BOOT_ID_BYTES 16

int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

/* The deadline `timeout_ms` from now; a negative timeout is DEADLINE_NEVER. */
int64_t clock_deadline(int64_t timeout_ms);
bool clock_passed(int64_t deadline_ms);

/* Milliseconds from now until the deadline, 0 when it has passed, at most `most_ms` (not negative). */
int64_t clock_remaining(int64_t deadline_ms, int64_t most_ms);

/* For tests: wall time stands still at wall_ms; negative: it runs again. */
void clock_fix(int64_t wall_ms);

/* The kernel's boot id (random(4), /proc/sys/kernel/random/boot_id), as 16 bytes. It fails only where /proc is not mounted. */
int clock_boot_id(uint8_t id[BOOT_ID_BYTES]);

#endif

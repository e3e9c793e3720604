/*
 * fault: named places between two steps where a test may kill or stop the process.
 *
 * A system call can be failed from outside (tests/crash/shim.c); two stores into a mapped page can not. Such places bear
 * fault_point("room.what"), and MQ_FAULT="room.what[:K[:stop]]" in the environment kills (or stops) the process at the K-th
 * passage (default 1). Without MQ_FAULT a point costs one predicted branch.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#include "base/compat.h"

extern bool fault_armed; /* set by fault_arm; read only by the macro below */

#define fault_point(name)                  \
	do {                               \
		if (UNLIKELY(fault_armed)) \
			fault_pass(name);  \
	} while (0)

/* Reads MQ_FAULT; called once by main. STATUS_USAGE if it makes no sense. */
int fault_arm(void) MUST_USE;
/* Counts a passage; for fault_point only. */
void fault_pass(const char *name);

#endif

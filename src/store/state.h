/*
 * state: facts of the whole topic that must outlive a reboot, in its file `state` (keyvalue.h): the leader epoch. Topic state lock.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <stdint.h>

#include "base/file.h"

struct state {
	int32_t leader_epoch;
};

/* `dir` is the topic's folder. STATUS_CONFIG naming the line if it cannot be understood. */
int state_read(int dir, struct state *) MUST_USE;
/* Durable on return. */
int state_write(int dir, const struct file_access *, const struct state *) MUST_USE;

#endif

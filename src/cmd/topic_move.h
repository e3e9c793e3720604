/*
 * topic_move: the verbs import and export of mq-topic. Both show progress on a terminal, and leave nothing half-made when a signal comes.
 */
#ifndef CMD_TOPIC_MOVE_H
#define CMD_TOPIC_MOVE_H

#include <stdint.h>

#include "base/compat.h"
#include "cmd/topic_options.h"
#include "store/config.h"

/* Make the topic o->names[0] with these settings of o->folders, and the store if there is none. */
int topic_import(const struct topic_options *o, const struct config *, int64_t lock_timeout_ms) MUST_USE;

/* Write the topic o->names[0] into the folder o->folders[0]. */
int topic_export(const struct topic_options *o) MUST_USE;

#endif

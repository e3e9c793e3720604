/*
 * topic_import: the verb import of mq-topic.
 */
#ifndef CMD_TOPIC_IMPORT_H
#define CMD_TOPIC_IMPORT_H

#include <stdint.h>

#include "base/compat.h"
#include "cmd/topic_options.h"
#include "store/config.h"

/* Make the topic o->names[0] with these settings of o->folders, and the store if there is none. Shows progress on a terminal. */
int topic_import(const struct topic_options *o, const struct config *, int64_t lock_timeout_ms) MUST_USE;

#endif

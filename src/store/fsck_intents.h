/*
 * fsck_intents: verifies what --atomic keeps beside the logs: committed sets that wait in intents/, and spools of dead makers. A repair
 * stores what waits. A damaged set keeps all producers of the topic out, so a repair moves it into lost/ and tells what is not stored.
 */
#ifndef STORE_FSCK_INTENTS_H
#define STORE_FSCK_INTENTS_H

#include "store/fsck_report.h"
#include "store/topic.h"

/* Behind the partitions, which must take what is stored. Statuses of fsck_topic. No lock is held. */
int fsck_intents(struct topic *, const struct fsck_report *) MUST_USE;

#endif

/*
 * fsck_partition: verifies one partition of an open topic, and repairs it.
 */
#ifndef STORE_FSCK_PARTITION_H
#define STORE_FSCK_PARTITION_H

#include "store/fsck_report.h"
#include "store/topic.h"

/* Statuses of fsck_topic. No lock is held. */
int fsck_partition(struct topic *, int p, const struct fsck_report *) MUST_USE;

#endif

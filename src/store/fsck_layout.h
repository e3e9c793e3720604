/*
 * fsck_layout: verifies what lies in a topic's folder besides the logs, and repairs what keeps the topic from being opened.
 */
#ifndef STORE_FSCK_LAYOUT_H
#define STORE_FSCK_LAYOUT_H

#include <stdbool.h>

#include "store/fsck_report.h"
#include "store/store.h"

/*
 * `dir` is the topic's folder. *opens: what there is, or is there after the repair, can be opened with topic_open. Statuses of fsck_topic.
 */
int fsck_layout(struct store *, int dir, const struct fsck_report *, bool *opens) MUST_USE;

#endif

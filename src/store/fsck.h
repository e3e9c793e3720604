/*
 * fsck: verifies a store's topics and, if it is asked to, repairs them; no valid batch is dropped.
 *
 * It works beside producers and consumers. What is looked at without a lock and seems wrong is looked at again under the locks that guard it,
 * before it is called damage. mq-format(5) FILE STATES says what may be there without being damage; REPAIR how a log is mended.
 */
#ifndef STORE_FSCK_H
#define STORE_FSCK_H

#include "store/fsck_report.h"
#include "store/store.h"

/* What lies beside the topics. Statuses of store_list_topics. */
int fsck_store(struct store *, const struct fsck_options *, struct fsck_result *) MUST_USE;

/*
 * One topic; its counts are added to the result. STATUS_OK whatever was found; STATUS_MISSING: there is none, or it was deleted meanwhile;
 * STATUS_NO: stopped. Any other failure: a part of it could not be looked at, or not be repaired, and is told by the message.
 */
int fsck_topic(struct store *, const char *name, const struct fsck_options *, struct fsck_result *) MUST_USE;

#endif

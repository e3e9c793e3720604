/*
 * export: writes a topic as the folders in which an Apache Kafka broker keeps its partitions. A broker that starts with them takes them as
 * they are: what belongs beside the segments is as it would have made it.
 */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include <stdint.h>

#include "base/file.h"
#include "store/topic.h"

struct export_order {
	const char *folder;	   /* is made if it is missing */
	const char *topic_id;	   /* for partition.metadata; NULL: the topic's own */
	struct file_access access; /* of what is made */
	/* Often called, with the records verified and the bytes written so far: anything but STATUS_OK ends it. NULL: nobody asks. */
	int (*progress)(void *arg, int64_t records, int64_t bytes);
	void *arg;
};

/*
 * FOLDER/TOPIC-P for each partition P: all that may be read now, while producers go on. Durable on STATUS_OK; on any other status nothing
 * of it is left, but that a process killed in the middle leaves folders whose names end in `-delete`, which a broker removes.
 * STATUS_EXISTS: one of the names is taken, which is looked at first. STATUS_IO: damage. STATUS_AGAIN: no room, or the log changes faster
 * than it can be copied.
 */
int export_topic(struct topic *, const struct export_order *) MUST_USE;

#endif

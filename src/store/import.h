/*
 * import: makes a topic of the folders that a Kafka broker keeps its partitions in. Segments are copied byte for byte and verified to the
 * last record; what belongs beside them is made anew. The topic is there whole or not at all.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include <stdint.h>

#include "store/config.h"
#include "store/store.h"

struct import_order {
	const char *name; /* of the new topic */
	char *const *folders;
	int folder_count;
	struct config config; /* its settings; import says how many partitions there are */
	int64_t lock_timeout_ms;
	/* What the user should know though nothing failed: gaps, a torn tail that was cut, transactions that were aborted. */
	void (*notice)(void *arg, const char *text);
	/* Often called, with the records verified and the bytes copied so far: anything but STATUS_OK ends the import. */
	int (*progress)(void *arg, int64_t records, int64_t bytes);
	void *arg;
};

/* STATUS_USAGE for a folder whose name ends in no number, or whose number another one has; nothing is opened. */
int import_check(const struct import_order *) MUST_USE;

/*
 * The topic is there, durable, on STATUS_OK. On any other status nothing is:
 * STATUS_EXISTS: the name is taken, which is looked at before anything else
 * STATUS_MISSING: a partition is not among the folders, or a folder is not there
 * STATUS_AGAIN: no room, or a broker removed a segment while it was copied
 * STATUS_IO: damage, or a log that only the broker can finish; STATUS_CONFIG: another message format
 */
int import_topic(struct store *, const struct import_order *) MUST_USE;

#endif

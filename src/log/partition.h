/*
 * partition: what every room of this floor needs to know of one partition: its folder, its page, its locks, its settings.
 *
 * Lock order within a topic: topic state (byte 0), append, sync slots. The bytes of the topic's file `lock` are those below.
 */
#ifndef LOG_PARTITION_H
#define LOG_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/lock.h"
#include "log/head.h"

#define SYNC_SLOTS 4
#define LOCK_BYTE_TOPIC INT64_C(0)
#define LOCK_BYTE_APPEND(p) (1 + (int64_t)(p) * (1 + SYNC_SLOTS))
#define LOCK_BYTE_SYNC(p, slot) (LOCK_BYTE_APPEND(p) + 1 + (slot))
/* Who makes snapshots and unlinks old segments holds the last slot: so no recovery, and no other of his kind, is at work there. */
#define LOCK_BYTE_RETENTION(p) LOCK_BYTE_SYNC(p, SYNC_SLOTS - 1)

/* Who compacts, which may take long: it stands outside the order, and before the last slot. */
#define LOCK_BYTE_COMPACTION(p) ((INT64_C(1) << 32) + (p))

/* Who commits a set or applies those that wait holds this one, the outermost: before topic state. */
#define LOCK_BYTE_INTENTS (INT64_C(1) << 33)

enum fsync_mode { FSYNC_ALWAYS, FSYNC_INTERVAL, FSYNC_NEVER };

/* The topic's settings as far as the log needs them; mq-topic(1) SETTINGS. */
struct log_settings {
	enum fsync_mode fsync;
	int64_t fsync_interval_ms; /* FSYNC_INTERVAL only */
	int64_t segment_bytes;
	int64_t segment_ms;
	int64_t index_interval_bytes;
	int64_t max_message_bytes; /* of a batch, as Kafka counts it: all its bytes */
	int64_t retention_ms;	   /* of the greatest timestamp of a segment; -1: for ever */
	int64_t retention_bytes;   /* of all segments, at least; -1: all */
	int64_t max_bytes;	   /* of the topic's segments in all; -1: any. The store keeps to it (room.h), not the log */
	bool deletes;		   /* cleanup.policy: what retention says goes */
	bool compacts;		   /* cleanup.policy: only the last record of each key stays */
	int64_t delete_retention_ms;
	int64_t min_compaction_lag_ms;
	double min_dirty_ratio;
	bool append_time; /* message.timestamp.type=LogAppendTime */
};

struct partition {
	char label[300]; /* "orders/3", for messages */
	int number;
	int dir;		   /* the partition's folder; owned */
	int topic_dir;		   /* borrowed */
	struct head *head;	   /* borrowed from the topic */
	struct lock *lock;	   /* borrowed; NULL if we may not write */
	struct file_access access; /* of new files */
	struct log_settings settings;
	uint64_t config_version; /* that `settings` are of */
};

/*
 * True if this boot's processes wrote the page of the file itself, its generation is even and its slots hold an end: the first half of
 * trust. The second, that the last batch verifies, is partition_verify_end's.
 */
bool partition_page_is_current(const struct partition *, struct head_end *, uint64_t *generation);

/*
 * Read the batch that ends at the published end. STATUS_OK if it is there and valid, STATUS_RECOVER if not; any other status says why it
 * could not be read. With `exact` also that the segment's size is the end and that no segment begins at the end: what an appender needs,
 * under the append lock.
 */
int partition_verify_end(const struct partition *, const struct head_end *, bool exact) MUST_USE;

struct batch_header;
/* Set the end behind a batch at `position`, as far as its header says it; index_writer_note (index.h) says the rest. */
void partition_end_behind(struct head_end *, const struct batch_header *, int64_t position);

/* The batch alone, in the open segment of the end: STATUS_OK or STATUS_RECOVER, or why it could not be read. */
int partition_verify_last_batch(int fd, const struct head_end *end) MUST_USE;

/* "append lock of orders/3" is held too long: who holds it and in which state, from the appender word and /proc. STATUS_AGAIN. */
int partition_lock_busy(const struct partition *);

#endif

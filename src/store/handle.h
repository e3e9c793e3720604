/*
 * handle: an open topic below its public face (topic.h): its settings as they are now, its partitions in use, and the repairs that the
 * log asks for. Descriptors are few (ulimit -n): of many partitions only those used last have theirs open.
 */
#ifndef STORE_HANDLE_H
#define STORE_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "log/head.h"
#include "log/log.h"
#include "log/reader.h"
#include "store/config.h"
#include "store/store.h"

struct topic;

/* One partition in use. */
struct slot {
	struct slot *next;     /* of topic.in_use */
	struct partition part; /* part.dir is -1 while its descriptors are closed */
	struct log *log;
	struct reader *reader;
	int64_t unsynced_end;		       /* what was appended here and not synced ends there; 0: nothing */
	int64_t synced_at_ms;		       /* when it was synced last, monotonic */
	int64_t leaving_end, leaving_since_ms; /* somebody's unsynced end, and since when it is seen */
	uint64_t used;
};

/* What intent.h does with sets that wait. It stands above this room, so topic_open brings it. */
struct handle_intents {
	int (*apply_waiting)(struct topic *, int64_t deadline_ms);
	void (*try_apply)(struct topic *);
	int (*recount)(struct topic *);
};

struct topic {
	const struct handle_intents *intents;
	struct store *store;
	char *name;
	int dir;
	struct head *head;
	struct lock *lock; /* NULL: we may not write */
	bool uncommitted;  /* readers give records of open and aborted transactions too */
	struct config config;
	uint64_t config_version;
	struct file_access access;
	struct slot **slots; /* NULL until the partition is used */
	int slot_count;
	struct slot *in_use; /* those that are not NULL, the last to come into use first */
	size_t open_count, open_most;
	uint64_t uses;
	bool looked_for_intents;		     /* by a reader, once: who waits looks again */
	void (*notice)(void *arg, const char *text); /* topic.h, topic_notice */
	void *notice_arg;
};

/* Put the topic's, or the partition's, name before the message. */
int handle_context(const struct topic *, int rc);
int slot_context(const struct slot *, int rc);

/* Read the settings, and let the partitions in use know them. */
int handle_read_config(struct topic *) MUST_USE;
/* Have slots for all partitions that are mapped. */
int handle_grow(struct topic *) MUST_USE;
/* Take the topic state lock, with the topic as it is now: others may have changed it while we waited. */
int handle_lock(struct topic *, int64_t deadline_ms) MUST_USE;
void handle_unlock(struct topic *);

/* The partition with its folder open; with a log; with a reader. It may close the descriptors of another one. */
int handle_use(struct topic *, int p, struct slot **) MUST_USE;
int handle_use_log(struct topic *, int p, struct slot **) MUST_USE;
int handle_use_reader(struct topic *, int p, struct slot **) MUST_USE;
/* Close its descriptors; the reader keeps its position. */
void slot_close(struct slot *);

/* Does the status of an append ask for a repair? Then do it, and call again what asked. */
bool handle_is_repairable(int rc);
int handle_repair(struct topic *, struct slot *, int asked, int64_t deadline_ms) MUST_USE;

/* Make what is published in the partition durable; *end (may be NULL): where that ends. `locked`: the topic state lock is held. */
int handle_sync(struct topic *, struct slot *, bool locked, int64_t deadline_ms, int64_t *end) MUST_USE;

/* Recover the partition, unless its page is trusted: topic state lock held. */
int handle_recover(struct topic *, struct slot *, int64_t deadline_ms) MUST_USE;
/* Open a leader epoch above `above` and all before: durable in `state`, then shown in the topic's page. `arg` is the topic, its lock held. */
int handle_open_epoch(void *arg, int32_t above) MUST_USE;

/* What topic.h says of topic_append, topic_flush, ... */
int handle_append(struct topic *, int p, struct buf *batch, int64_t deadline_ms, int64_t *base_offset) MUST_USE;
/* log_roll, with repairs. */
int handle_roll(struct topic *, int p, int64_t deadline_ms) MUST_USE;
int handle_flush(struct topic *, int p, bool final, int64_t deadline_ms) MUST_USE;
int handle_reader(struct topic *, int p, struct reader **) MUST_USE;
int handle_bounds(struct topic *, int p, int64_t *start, int64_t *end, bool *damaged) MUST_USE;
int handle_read(struct topic *, int p, int64_t end, struct batch_view *) MUST_USE;
void handle_wait(struct topic *, uint32_t seen, int64_t timeout_ms);

#endif

/*
 * topic: a topic's folder: its settings, its state, its partitions, and the repairs that the log asks for.
 *
 * The log floor returns STATUS_RECOVER or STATUS_CONFIG_CHANGED with no lock held; topic_append, topic_sync and topic_bounds do what is
 * asked and call again, so that commands never see those two.
 */
#ifndef STORE_TOPIC_H
#define STORE_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "log/head.h"
#include "log/log.h"
#include "log/reader.h"
#include "store/config.h"
#include "store/store.h"

struct topic;

/* What a program should tell its user though the call succeeded: recovery cut a torn tail, for example. */
typedef void topic_notice(void *arg, const char *text);

/* STATUS_MISSING if there is none. Settings are read; partitions are opened when they are used. The store must outlive the topic. */
int topic_open(struct store *, const char *name, struct topic **) MUST_USE;
void topic_on_notice(struct topic *, topic_notice *, void *arg);
void topic_close(struct topic *);
/* Mark it as deleted, for its remover: who has it open is woken, and every use of it is STATUS_MISSING from now on. */
int topic_kill(struct topic *, int64_t deadline_ms) MUST_USE;

const char *topic_name(const struct topic *);
const struct config *topic_config(const struct topic *);
/* May we write here (produce, recover, alter)? */
bool topic_writable(const struct topic *);

/* How many partitions there are now; growth is noticed at each call. STATUS_MISSING: the topic was deleted. */
int topic_partition_count(struct topic *, int *count) MUST_USE;

/* Change settings: `change` is called with the present settings, under the topic state lock, and edits them. Durable on return. */
int topic_alter(struct topic *, int (*change)(void *arg, struct config *), void *arg, int64_t deadline_ms) MUST_USE;

/*
 * log_append and log_sync of a partition, opened if need be. *base_offset: of the batch's first record. After STATUS_OK of topic_append the
 * batch is published; topic_flush makes durable what this topic handle appended to the partition and has not synced yet, as the topic's
 * fsync says: always: now; an interval: if it is over or `final`; never: nothing.
 */
int topic_append(struct topic *, int p, struct buf *batch, int64_t deadline_ms, int64_t *base_offset) MUST_USE;
int topic_flush(struct topic *, int p, bool final, int64_t deadline_ms) MUST_USE;
/* Make all that is published in the partition durable, whoever wrote it and whatever fsync says; *end: the log end offset of then. */
int topic_sync(struct topic *, int p, int64_t deadline_ms, int64_t *end) MUST_USE;
/* Ring the bell. */
void topic_ring(struct topic *);
/* Round robin: where the next record goes, and that `count` went. */
uint64_t topic_next_partition(const struct topic *);
void topic_advance_next_partition(struct topic *, uint64_t count);

/* From now on: do readers give records of open and of aborted transactions too? At first they do not. */
void topic_read_uncommitted(struct topic *, bool);
/*
 * A reader of the partition, owned by the topic; its descriptors may be closed when another partition is used (ulimit -n), so ask again
 * rather than keep it.
 */
int topic_reader(struct topic *, int p, struct reader **) MUST_USE;
/* reader_bounds, recovering if need be. STATUS_MISSING: the topic was deleted. */
int topic_bounds(struct topic *, int p, int64_t *start, int64_t *end, bool *damaged) MUST_USE;
/* reader_next, recovering if need be. */
int topic_read(struct topic *, int p, int64_t end, struct batch_view *) MUST_USE;
/*
 * reader_find_time, recovering if need be; a log that is trimmed or cut meanwhile is looked at again. The partition's reader is parked
 * afterwards. STATUS_MISSING: the topic was deleted. STATUS_AGAIN: the log does not hold still.
 */
int topic_find_time(struct topic *, int p, int64_t timestamp_ms, int64_t end, int64_t *offset) MUST_USE;
bool topic_deleted(const struct topic *);

/*
 * Calling sequence of who waits for records: seen = topic_bell; look; topic_wait(seen). topic_wait sleeps until the bell is rung, a signal
 * is handled or timeout_ms passes (negative: no limit). Once a second it looks whether a producer died and left published records unsynced
 * for a second in a partition that was read here, and syncs them if we may write.
 */
uint32_t topic_bell(const struct topic *);
void topic_wait(struct topic *, uint32_t seen, int64_t timeout_ms);

/* Kafka's delete-records: raise the log start to `offset`, at most the readable end (STATUS_USAGE behind it). */
int topic_trim(struct topic *, int p, int64_t offset, int64_t deadline_ms) MUST_USE;

/* What `describe` shows of a partition. */
struct topic_partition_info {
	int64_t start, end, high_watermark; /* end: readable; high_watermark: the same without replicas */
	int32_t epoch;
	int64_t segments, bytes;
};
int topic_partition_info(struct topic *, int p, struct topic_partition_info *) MUST_USE;

#endif

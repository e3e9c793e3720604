#include "cmd/appender.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/worker.h"
#include "cmd/cmd.h"
#include "store/spool.h"

#define BATCH_BYTES ((size_t)1 << 20)
/* Published and not synced: beyond one of these it is synced, so that readers see progress. */
#define UNSYNCED_BYTES ((size_t)64 << 20)
#define UNSYNCED_MS 1000
/* Batches that may have been handed over and not be stored, and one that is being handed over. */
#define HANDED_MOST 6
/* Of an empty builder; one that was larger is freed. */
#define KEPT_BYTES ((size_t)2 << 20)

/* A batch for the worker, or the memory for the next one. */
struct handed {
	struct appender *appender;
	int number;
	uint64_t went_round;
	struct batch_builder builder;
};

/* A partition. */
struct lane {
	uint64_t waiting;  /* records published, not known to be durable */
	int64_t named;	   /* records that it holds of the named producer */
	bool unsynced;	   /* it is in appender.unsynced */
	int64_t base, end; /* of what was committed, when that is stored; the same: nothing was */
};

struct appender {
	struct topic *topic;
	struct appender_options options;
	struct lane *lanes;
	int count; /* partitions */
	size_t max_message_bytes, usual_bytes;
	int *unsynced; /* partitions that were written to since the last sync */
	int unsynced_count;
	size_t unsynced_bytes;
	int64_t unsynced_since_ms; /* when the first of them was published */
	uint64_t published, stored;
	uint64_t doubtful; /* of batches whose append neither succeeded nor could be taken back */
	bool unrung;	   /* something was published since the bell was rung */
	struct report report;
	struct buf packed; /* the batch that is appended, compressed */

	struct spool *spool; /* options.atomic: what was put aside; NULL: nothing */
	int64_t spool_id;    /* its producer, unless there is a named one */
	uint64_t spooled;    /* records in it */
	uint64_t went_round; /* of them */

	struct worker *worker; /* NULL: none */
	struct handed handed[HANDED_MOST];
	unsigned handed_count; /* so far */
	atomic_bool is_news;   /* it failed, or there are more partitions: settle */
};

static const struct log_settings *
settings(const struct appender *a)
{
	return &topic_config(a->topic)->log;
}

/* As the topic wants it, or else the producer. */
static enum codec
codec_of(const struct appender *a)
{
	int wanted = topic_config(a->topic)->compression;

	return wanted == COMPRESSION_PRODUCER ? a->options.codec : (enum codec)wanted;
}

/* Room for more partitions. */
static int
widen(struct appender *a, int count)
{
	/* calloc(3) leaves pages alone that are never used: of 100,000 partitions one is written to. */
	struct lane *lanes = calloc((size_t)count, sizeof(*lanes));
	int *unsynced = calloc((size_t)count, sizeof(*unsynced));

	if (lanes == NULL || unsynced == NULL) {
		free(lanes);
		free(unsynced);
		return status_no_memory("partitions");
	}
	if (a->count > 0) {
		memcpy(lanes, a->lanes, (size_t)a->count * sizeof(*lanes));
		memcpy(unsynced, a->unsynced, (size_t)a->unsynced_count * sizeof(*unsynced));
	}
	for (int i = a->count; a->options.named != NULL && i < count; i++)
		lanes[i].named = named_count(a->options.named, i);
	free(a->lanes);
	free(a->unsynced);
	a->lanes = lanes;
	a->unsynced = unsynced;
	a->count = count;
	return STATUS_OK;
}

static size_t
least(int64_t a, int64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* max.bytes may allow less in all than max.message.bytes in one. */
static void
note_limits(struct appender *a)
{
	const struct config *c = topic_config(a->topic);

	a->max_message_bytes = least(c->log.max_message_bytes, c->log.max_bytes >= 0 ? c->log.max_bytes : INT64_MAX);
	a->usual_bytes = least((int64_t)a->max_message_bytes, (int64_t)least(config_part_bytes(c), BATCH_BYTES));
}

int
appender_look(struct appender *a)
{
	int count, rc;

	if ((rc = topic_partition_count(a->topic, &count)) != STATUS_OK)
		return rc;
	note_limits(a);
	return count > a->count ? widen(a, count) : STATUS_OK;
}

static int64_t
deadline(const struct appender *a)
{
	return clock_deadline(a->options.timeout_ms);
}

/*
 * Make what one partition got durable, as far as the topic's fsync wants it. What is published can be no reason to try again: a deadline
 * that passed is STATUS_IO here.
 */
static int
sync_lane(struct appender *a, int number)
{
	struct lane *lane = &a->lanes[number];
	int rc = topic_flush(a->topic, number, true, deadline(a));

	if (rc == STATUS_AGAIN)
		return status_fail(STATUS_IO, "%s; what was published may be stored", status_message());
	if (rc == STATUS_OK) {
		a->stored += lane->waiting;
		lane->waiting = 0;
	}
	return rc;
}

static void
ring(struct appender *a)
{
	if (a->unrung)
		topic_ring(a->topic);
	a->unrung = false;
}

int
appender_sync_all(struct appender *a)
{
	char message[1024] = "";
	int first = STATUS_OK;

	for (int i = 0; i < a->unsynced_count; i++) {
		int number = a->unsynced[i], rc = sync_lane(a, number);

		a->lanes[number].unsynced = false;
		if (rc == STATUS_OK || first != STATUS_OK)
			continue;
		first = rc;
		(void)strlcpy(message, status_message(), sizeof(message));
	}
	ring(a);
	a->unsynced_count = 0;
	a->unsynced_bytes = 0;
	return first == STATUS_OK ? STATUS_OK : status_fail(first, "%s", message);
}

/* How long what was published may stay unsynced while input keeps coming; -1: for ever. */
static int64_t
sync_interval_ms(const struct appender *a)
{
	switch (settings(a)->fsync) {
	case FSYNC_ALWAYS:
		return UNSYNCED_MS;
	case FSYNC_INTERVAL:
		return settings(a)->fsync_interval_ms;
	case FSYNC_NEVER:
		break;
	}
	return -1;
}

int64_t
appender_patience_ms(const struct appender *a)
{
	int64_t interval_ms = sync_interval_ms(a), over_ms = clock_monotonic_ms() - a->unsynced_since_ms;

	if (a->unsynced_count == 0 || interval_ms < 0)
		return -1;
	return over_ms < interval_ms ? interval_ms - over_ms : 0;
}

static bool
sync_is_due(const struct appender *a)
{
	if (settings(a)->fsync == FSYNC_ALWAYS && a->unsynced_bytes >= UNSYNCED_BYTES)
		return true;
	return appender_patience_ms(a) == 0;
}

/* Sync if it is time; readers who need not wait for that are woken anyway. */
static int
sync_if_due(struct appender *a)
{
	if (settings(a)->fsync != FSYNC_ALWAYS)
		ring(a);
	return sync_is_due(a) ? appender_sync_all(a) : STATUS_OK;
}

/* Take note of a batch that was published. Where fsync is left to the kernel it is as durable as promised already. */
static void
note_published(struct appender *a, int number, const struct batch_builder *b)
{
	struct lane *lane = &a->lanes[number];

	a->published += (uint64_t)b->count;
	lane->named += b->count;
	a->unrung = true;
	if (settings(a)->fsync == FSYNC_NEVER) {
		a->stored += (uint64_t)b->count;
		return;
	}
	lane->waiting += (uint64_t)b->count;
	a->unsynced_bytes += b->bytes.len;
	if (lane->unsynced)
		return;
	lane->unsynced = true;
	if (a->unsynced_count == 0)
		a->unsynced_since_ms = clock_monotonic_ms();
	a->unsynced[a->unsynced_count++] = number;
}

/* Who asked for a report gets it for each batch by itself, so that nothing has to be kept for it. */
static int
report_lane(struct appender *a, int number, const struct buf *batch)
{
	int rc;

	if (a->options.report == NULL)
		return STATUS_OK;
	if (settings(a)->fsync == FSYNC_ALWAYS && (rc = sync_lane(a, number)) != STATUS_OK)
		return rc;
	return report_batch(&a->report, topic_name(a->topic), number, batch);
}

/*
 * The sealed batch as it is appended: compressed, but not where that would be longer than the topic takes.
 */
static int
pack(struct appender *a, struct buf *batch, struct buf **packed)
{
	enum codec codec = codec_of(a);
	int32_t level = codec == a->options.codec ? a->options.level : CODEC_DEFAULT_LEVEL;
	int rc;

	*packed = batch;
	if (codec == CODEC_NONE)
		return STATUS_OK;
	buf_clear(&a->packed);
	if ((rc = batch_compress(batch, codec, level, &a->packed)) != STATUS_OK)
		return rc;
	if (a->packed.len <= batch->len || (int64_t)a->packed.len <= settings(a)->max_message_bytes)
		*packed = &a->packed;
	return STATUS_OK;
}

static void
seal(const struct appender *a, int number, struct batch_builder *b)
{
	struct batch_producer producer = {.id = a->spool_id, .sequence = (int32_t)(a->lanes[number].named & INT32_MAX)};

	if (a->options.named != NULL)
		named_sign(a->options.named, &producer);
	else if (!a->options.atomic) {
		batch_seal(b);
		return;
	}
	batch_seal_as(b, &producer);
}

/* Into the spool, which is made for the first batch. */
static int
put_aside(struct appender *a, int number, const struct buf *batch, const struct batch_builder *b)
{
	struct batch_producer producer = {.id = a->spool_id};
	int rc;

	if (a->options.named != NULL)
		named_sign(a->options.named, &producer);
	if ((a->spool == NULL && (rc = spool_open(a->topic, producer.id, producer.epoch, &a->spool)) != STATUS_OK) ||
	    (rc = spool_add(a->spool, number, batch)) != STATUS_OK)
		/* What could not be written is nowhere. */
		return rc == STATUS_IO ? STATUS_READ_ONLY : rc;
	a->lanes[number].named += b->count;
	a->spooled += (uint64_t)b->count;
	return STATUS_OK;
}

static int
store(struct appender *a, int number, struct buf *batch, const struct batch_builder *b)
{
	int64_t base_offset;
	int rc = topic_append(a->topic, number, batch, deadline(a), &base_offset);

	if (rc == STATUS_OK) {
		note_published(a, number, b);
		return report_lane(a, number, batch);
	}
	if (rc == STATUS_IO)
		a->doubtful += (uint64_t)b->count;
	return rc;
}

int
appender_append(struct appender *a, int number, struct batch_builder *b, uint64_t went_round)
{
	struct buf *batch;
	int rc;

	if (a->options.atomic)
		a->went_round += went_round;
	else
		topic_advance_next_partition(a->topic, went_round);
	seal(a, number, b);
	if ((rc = pack(a, &b->bytes, &batch)) == STATUS_OK)
		rc = a->options.atomic ? put_aside(a, number, batch, b) : store(a, number, batch, b);
	batch_builder_reset(b);
	if (b->bytes.cap > KEPT_BYTES)
		batch_builder_free(b);
	return rc;
}

static bool
is_stopped(void *arg)
{
	(void)arg;
	return cmd_signal() != 0;
}

static void
note_applied(void *arg, int number, int64_t base, int64_t end)
{
	struct appender *a = arg;

	a->lanes[number].base = base;
	a->lanes[number].end = end;
}

static int
report_stored(void *arg, int number, const struct buf *batch)
{
	struct appender *a = arg;

	return report_batch(&a->report, topic_name(a->topic), number, batch);
}

/* What was committed, partition by partition, as it lies there. */
static int
report_committed(struct appender *a)
{
	struct batch_producer producer = {.id = a->spool_id};
	int rc = STATUS_OK;

	if (a->options.report == NULL)
		return STATUS_OK;
	if (a->options.named != NULL)
		named_sign(a->options.named, &producer);
	for (int i = 0; i < a->count && rc == STATUS_OK; i++) {
		const struct lane *lane = &a->lanes[i];

		if (lane->base < lane->end)
			rc = intent_each_stored(a->topic, i, producer.id, lane->base, lane->end, report_stored, a);
	}
	return rc;
}

int
appender_commit(struct appender *a)
{
	struct intent_order order = {.stopped = is_stopped, .applied = note_applied, .arg = a};
	int rc;

	if (a->spool == NULL)
		return STATUS_OK;
	rc = spool_commit(a->spool, &order, deadline(a));
	spool_close(a->spool);
	a->spool = NULL;
	if (!order.committed)
		return rc == STATUS_END ? STATUS_OK : rc;
	topic_advance_next_partition(a->topic, a->went_round);
	a->published += a->spooled;
	if (rc != STATUS_OK)
		return status_fail(STATUS_IO, "%s; all of it is committed and will be stored, by whoever uses the topic next",
		    status_message());
	a->stored += a->spooled;
	return report_committed(a);
}

int
appender_finish_round(struct appender *a, bool durable)
{
	int rc = durable && settings(a)->fsync == FSYNC_ALWAYS ? appender_sync_all(a) : sync_if_due(a);

	return rc == STATUS_OK ? appender_look(a) : rc;
}

/* The worker's job. */
static int
append_handed(void *arg)
{
	struct handed *handed = arg;
	struct appender *a = handed->appender;
	int count = 0, rc = appender_append(a, handed->number, &handed->builder, handed->went_round);

	if (rc == STATUS_OK)
		rc = sync_if_due(a);
	if (rc == STATUS_OK)
		rc = topic_partition_count(a->topic, &count);
	if (rc != STATUS_OK || count != a->count)
		atomic_store(&a->is_news, true);
	return rc;
}

int
appender_settle(struct appender *a)
{
	int rc = a->worker != NULL ? worker_wait(a->worker) : STATUS_OK;

	if (rc == STATUS_OK && atomic_exchange(&a->is_news, false))
		rc = appender_look(a);
	return rc;
}

int
appender_hand_over(struct appender *a, int number, struct batch_builder *b, uint64_t went_round)
{
	struct handed *handed = &a->handed[a->handed_count % HANDED_MOST]; /* the worker is done with it: one is always free */
	struct batch_builder empty = handed->builder;
	int rc;

	if (a->worker == NULL) {
		rc = appender_append(a, number, b, went_round);
		return rc == STATUS_OK ? appender_finish_round(a, false) : rc;
	}
	if (atomic_load(&a->is_news) && (rc = appender_settle(a)) != STATUS_OK)
		return rc;
	*handed = (struct handed){.appender = a, .number = number, .went_round = went_round, .builder = *b};
	*b = empty;
	a->handed_count++;
	worker_give(a->worker, handed);
	return STATUS_OK;
}

int
appender_open(struct topic *topic, const struct appender_options *options, struct appender **out)
{
	struct appender *a;
	int rc;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return status_no_memory("producer");
	a->topic = topic;
	a->options = *options;
	/* Only who needs one draws it: the first costs 4 page faults. */
	a->spool_id = -1;
	if (options->atomic) {
		arc4random_buf(&a->spool_id, sizeof(a->spool_id));
		a->spool_id &= INT64_MAX;
	}
	/* Who wants a report waits for each batch, so that a thread would gain nothing. */
	if ((rc = codec_load(codec_of(a))) != STATUS_OK || (rc = appender_look(a)) != STATUS_OK ||
	    (rc = report_init(&a->report, options->report)) != STATUS_OK ||
	    (options->alone && options->report == NULL &&
		(rc = worker_open(append_handed, HANDED_MOST - 1, &a->worker)) != STATUS_OK)) {
		appender_close(a);
		return rc;
	}
	*out = a;
	return STATUS_OK;
}

void
appender_close(struct appender *a)
{
	if (a == NULL)
		return;
	worker_close(a->worker);
	for (int i = 0; i < HANDED_MOST; i++)
		batch_builder_free(&a->handed[i].builder);
	spool_close(a->spool);
	report_free(&a->report);
	buf_free(&a->packed);
	free(a->lanes);
	free(a->unsynced);
	free(a);
}

int
appender_partition_count(const struct appender *a)
{
	return a->count;
}

size_t
appender_max_message_bytes(const struct appender *a)
{
	return a->max_message_bytes;
}

size_t
appender_usual_bytes(const struct appender *a)
{
	return a->usual_bytes;
}

int64_t
appender_named_count(const struct appender *a, int partition)
{
	return a->lanes[partition].named;
}

int
appender_tell(struct appender *a, int partition, const struct buf *batch)
{
	return a->options.report == NULL ? STATUS_OK : report_batch(&a->report, topic_name(a->topic), partition, batch);
}

uint64_t
appender_stored(const struct appender *a)
{
	return a->stored;
}

uint64_t
appender_unknown(const struct appender *a)
{
	return a->published - a->stored + a->doubtful;
}

#include "cmd/producer.h"

#include <bsd/string.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "log/batch.h"
#include "store/partitioner.h"

#define BATCH_BYTES ((size_t)1 << 20)
/* All batches that are being filled; beyond it all are stored. */
#define FILLING_BYTES ((size_t)16 << 20)
/* Published and not synced: beyond one of these it is synced, so that readers see progress. */
#define UNSYNCED_BYTES ((size_t)32 << 20)
#define UNSYNCED_MS 1000

/* A partition as this producer sees it. */
struct lane {
	struct batch_builder builder;
	bool ready;	  /* the builder is initialized */
	bool filling;	  /* it is in producer.filling */
	bool unsynced;	  /* it is in producer.unsynced */
	uint64_t waiting; /* records published, not known to be durable */
};

/* Partitions in the order in which they were put in; each at most once. */
struct lane_set {
	int *numbers;
	int count;
};

struct producer {
	struct topic *topic;
	struct producer_options options;
	struct lane *lanes;
	int count;		  /* partitions */
	struct lane_set filling;  /* with records in their builders */
	struct lane_set unsynced; /* written to since the last sync */
	size_t filling_bytes, unsynced_bytes;
	int64_t unsynced_since_ms; /* when the first of `unsynced` was published */
	int next;		   /* round robin */
	uint64_t went_round;	   /* records since the topic was told */
	uint64_t published, stored;
	uint64_t doubtful; /* of batches whose append neither succeeded nor could be taken back */
	bool unrung;	   /* something was published since the bell was rung */
	bool failed;
	struct report report;
	struct buf packed; /* the batch that is appended, compressed */
};

/* Room for all partitions that the topic has now. */
static int
widen(struct producer *p)
{
	struct lane *lanes;
	int count, *filling, *unsynced, rc;

	if ((rc = topic_partition_count(p->topic, &count)) != STATUS_OK)
		return rc;
	if (count <= p->count)
		return STATUS_OK;
	/* calloc(3) leaves pages alone that are never used: of 100,000 partitions one is written to. */
	lanes = calloc((size_t)count, sizeof(*lanes));
	filling = calloc((size_t)count, sizeof(*filling));
	unsynced = calloc((size_t)count, sizeof(*unsynced));
	if (lanes == NULL || filling == NULL || unsynced == NULL) {
		free(lanes);
		free(filling);
		free(unsynced);
		return status_no_memory("partitions");
	}
	if (p->count > 0) {
		memcpy(lanes, p->lanes, (size_t)p->count * sizeof(*lanes));
		memcpy(filling, p->filling.numbers, (size_t)p->filling.count * sizeof(*filling));
		memcpy(unsynced, p->unsynced.numbers, (size_t)p->unsynced.count * sizeof(*unsynced));
	}
	free(p->lanes);
	free(p->filling.numbers);
	free(p->unsynced.numbers);
	p->lanes = lanes;
	p->filling.numbers = filling;
	p->unsynced.numbers = unsynced;
	p->count = count;
	return STATUS_OK;
}

/* As the topic wants it, or else the producer. */
static enum codec
codec_of(const struct producer *p)
{
	int wanted = topic_config(p->topic)->compression;

	return wanted == COMPRESSION_PRODUCER ? p->options.codec : (enum codec)wanted;
}

static int
fail_partition(const struct producer *p, int partition)
{
	return status_fail(STATUS_MISSING, "%s: no partition %d: it has %d", topic_name(p->topic), partition, p->count);
}

int
producer_open(struct topic *topic, const struct producer_options *options, struct producer **out)
{
	struct producer *p;
	int rc;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return status_no_memory("producer");
	p->topic = topic;
	p->options = *options;
	if (p->options.filling_bytes == 0)
		p->options.filling_bytes = FILLING_BYTES;
	if ((rc = codec_load(codec_of(p))) != STATUS_OK || (rc = widen(p)) != STATUS_OK ||
	    (rc = report_init(&p->report, options->report)) != STATUS_OK)
		goto fail;
	if (options->partition >= p->count) {
		rc = fail_partition(p, options->partition);
		goto fail;
	}
	p->next = (int)(topic_next_partition(topic) % (uint64_t)p->count);
	*out = p;
	return STATUS_OK;

fail:
	producer_close(p);
	return rc;
}

void
producer_close(struct producer *p)
{
	if (p == NULL)
		return;
	for (int i = 0; i < p->count; i++) {
		if (p->lanes[i].ready)
			batch_builder_free(&p->lanes[i].builder);
	}
	report_free(&p->report);
	buf_free(&p->packed);
	free(p->lanes);
	free(p->filling.numbers);
	free(p->unsynced.numbers);
	free(p);
}

static int64_t
deadline(const struct producer *p)
{
	return clock_deadline(p->options.timeout_ms);
}

static const struct log_settings *
settings(const struct producer *p)
{
	return &topic_config(p->topic)->log;
}

/* What a batch may take unless one record needs more. */
static size_t
usual_limit(const struct producer *p)
{
	size_t most = (size_t)settings(p)->max_message_bytes;

	return most < BATCH_BYTES ? most : BATCH_BYTES;
}

/*
 * Make what one partition got durable, as far as the topic's fsync wants it. What is published can be no reason to try again: a deadline
 * that passed is STATUS_IO here.
 */
static int
sync_lane(struct producer *p, int number)
{
	struct lane *lane = &p->lanes[number];
	int rc = topic_flush(p->topic, number, true, deadline(p));

	if (rc == STATUS_AGAIN)
		return status_fail(STATUS_IO, "%s; what was published may be stored", status_message());
	if (rc == STATUS_OK) {
		p->stored += lane->waiting;
		lane->waiting = 0;
	}
	return rc;
}

static void
ring(struct producer *p)
{
	if (p->unrung)
		topic_ring(p->topic);
	p->unrung = false;
}

/* Every partition is tried; the first failure is returned. */
static int
sync_all(struct producer *p)
{
	char message[1024] = "";
	int first = STATUS_OK;

	for (int i = 0; i < p->unsynced.count; i++) {
		int number = p->unsynced.numbers[i], rc = sync_lane(p, number);

		p->lanes[number].unsynced = false;
		if (rc == STATUS_OK || first != STATUS_OK)
			continue;
		first = rc;
		(void)strlcpy(message, status_message(), sizeof(message));
	}
	ring(p);
	p->unsynced.count = 0;
	p->unsynced_bytes = 0;
	return first == STATUS_OK ? STATUS_OK : status_fail(first, "%s", message);
}

/* How long what was published may stay unsynced while input keeps coming; -1: for ever. */
static int64_t
sync_interval_ms(const struct producer *p)
{
	switch (settings(p)->fsync) {
	case FSYNC_ALWAYS:
		return UNSYNCED_MS;
	case FSYNC_INTERVAL:
		return settings(p)->fsync_interval_ms;
	case FSYNC_NEVER:
		break;
	}
	return -1;
}

int64_t
producer_patience_ms(const struct producer *p)
{
	int64_t interval_ms = sync_interval_ms(p), over_ms = clock_monotonic_ms() - p->unsynced_since_ms;

	if (p->unsynced.count == 0 || interval_ms < 0)
		return -1;
	return over_ms < interval_ms ? interval_ms - over_ms : 0;
}

static bool
sync_is_due(const struct producer *p)
{
	if (settings(p)->fsync == FSYNC_ALWAYS && p->unsynced_bytes >= UNSYNCED_BYTES)
		return true;
	return producer_patience_ms(p) == 0;
}

/* Take note of a batch that was published. Where fsync is left to the kernel it is as durable as promised already. */
static void
note_published(struct producer *p, int number)
{
	struct lane *lane = &p->lanes[number];

	p->published += (uint64_t)lane->builder.count;
	p->unrung = true;
	if (settings(p)->fsync == FSYNC_NEVER) {
		p->stored += (uint64_t)lane->builder.count;
		return;
	}
	lane->waiting += (uint64_t)lane->builder.count;
	p->unsynced_bytes += lane->builder.bytes.len;
	if (lane->unsynced)
		return;
	lane->unsynced = true;
	if (p->unsynced.count == 0)
		p->unsynced_since_ms = clock_monotonic_ms();
	p->unsynced.numbers[p->unsynced.count++] = number;
}

/* Who asked for a report gets it for each batch by itself, so that nothing has to be kept for it. */
static int
report_lane(struct producer *p, int number, const struct buf *batch)
{
	int rc;

	if (p->options.report == NULL)
		return STATUS_OK;
	if (settings(p)->fsync == FSYNC_ALWAYS && (rc = sync_lane(p, number)) != STATUS_OK)
		return rc;
	return report_batch(&p->report, topic_name(p->topic), number, batch);
}

/*
 * The sealed batch as it is appended: compressed, but not where that would be longer than the topic takes.
 */
static int
pack(struct producer *p, struct buf *batch, struct buf **packed)
{
	enum codec codec = codec_of(p);
	int32_t level = codec == p->options.codec ? p->options.level : CODEC_DEFAULT_LEVEL;
	int rc;

	*packed = batch;
	if (codec == CODEC_NONE)
		return STATUS_OK;
	buf_clear(&p->packed);
	if ((rc = batch_compress(batch, codec, level, &p->packed)) != STATUS_OK)
		return rc;
	if (p->packed.len <= batch->len || (int64_t)p->packed.len <= settings(p)->max_message_bytes)
		*packed = &p->packed;
	return STATUS_OK;
}

/* Append the batch of one partition. The builder is empty afterwards, and its memory kept if all lanes may have as much. */
static int
store_lane(struct producer *p, int number)
{
	struct lane *lane = &p->lanes[number];
	struct buf *batch;
	int64_t base_offset;
	int rc;

	if (lane->builder.count == 0)
		return STATUS_OK;
	topic_advance_next_partition(p->topic, p->went_round);
	p->went_round = 0;
	batch_seal(&lane->builder);
	p->filling_bytes -= lane->builder.bytes.len;
	if ((rc = pack(p, &lane->builder.bytes, &batch)) == STATUS_OK &&
	    (rc = topic_append(p->topic, number, batch, deadline(p), &base_offset)) == STATUS_OK) {
		note_published(p, number);
		rc = report_lane(p, number, batch);
	} else if (rc == STATUS_IO) {
		p->doubtful += (uint64_t)lane->builder.count;
	}
	batch_builder_reset(&lane->builder);
	if (lane->builder.bytes.cap > 2 * p->options.filling_bytes / (size_t)p->count)
		batch_builder_free(&lane->builder);
	if (rc != STATUS_OK)
		p->failed = true;
	return rc;
}

/* Sync if it is time; readers who need not wait for that are woken anyway. */
static int
after_append(struct producer *p)
{
	int rc = STATUS_OK;

	if (settings(p)->fsync != FSYNC_ALWAYS)
		ring(p);
	if (sync_is_due(p))
		rc = sync_all(p);
	if (rc == STATUS_OK)
		rc = widen(p);
	if (rc != STATUS_OK)
		p->failed = true;
	return rc;
}

static int
append_all(struct producer *p)
{
	int rc = STATUS_OK;

	for (int i = 0; i < p->filling.count; i++) {
		if (rc == STATUS_OK)
			rc = store_lane(p, p->filling.numbers[i]);
		p->lanes[p->filling.numbers[i]].filling = false;
	}
	p->filling.count = 0;
	return rc;
}

/* Too much is being filled: store it, but sync only if it is time. */
static int
spill(struct producer *p)
{
	int rc = append_all(p);

	return rc == STATUS_OK ? after_append(p) : rc;
}

int
producer_store(struct producer *p)
{
	int rc;

	if ((rc = append_all(p)) != STATUS_OK)
		return rc;
	if (settings(p)->fsync == FSYNC_ALWAYS && (rc = sync_all(p)) != STATUS_OK) {
		p->failed = true;
		return rc;
	}
	return after_append(p);
}

int
producer_finish(struct producer *p)
{
	int rc = p->failed ? STATUS_OK : append_all(p), sync_rc;
	char message[1024];

	(void)strlcpy(message, status_message(), sizeof(message));
	sync_rc = sync_all(p);
	if (rc == STATUS_OK)
		return sync_rc;
	return status_fail(rc, "%s", message);
}

static int
choose_partition(struct producer *p, const struct record *record)
{
	int number = p->next;

	if (p->options.partition >= 0)
		return p->options.partition;
	if (record->key_len >= 0)
		return partition_of_key(record->key, (size_t)record->key_len, p->count);
	p->next = number + 1 < p->count ? number + 1 : 0;
	p->went_round++;
	return number;
}

static struct lane *
open_lane(struct producer *p, int number)
{
	struct lane *lane = &p->lanes[number];

	if (!lane->ready)
		batch_builder_init(&lane->builder, usual_limit(p));
	lane->ready = true;
	lane->builder.limit = usual_limit(p);
	if (!lane->filling)
		p->filling.numbers[p->filling.count++] = number;
	lane->filling = true;
	return lane;
}

/* A record that is larger than what a batch usually takes is stored as a batch of its own, if the topic allows it. */
static int
add_large(struct producer *p, int number, const struct record *record)
{
	struct lane *lane = &p->lanes[number];
	int rc;

	lane->builder.limit = (size_t)settings(p)->max_message_bytes;
	if ((rc = batch_add(&lane->builder, record)) != STATUS_OK)
		return rc;
	p->filling_bytes += lane->builder.bytes.len;
	return store_lane(p, number);
}

/* The builder is full, or the record larger than it. */
static int
add_slowly(struct producer *p, int number, const struct record *record)
{
	struct lane *lane;
	int rc;

	if ((rc = store_lane(p, number)) != STATUS_OK || (rc = after_append(p)) != STATUS_OK)
		return rc;
	lane = open_lane(p, number);
	if ((rc = batch_add(&lane->builder, record)) == STATUS_DATA)
		return add_large(p, number, record);
	if (rc == STATUS_OK)
		p->filling_bytes += lane->builder.bytes.len;
	return rc;
}

static int
add(struct producer *p, int number, const struct record *record)
{
	struct lane *lane = &p->lanes[number];
	size_t before;
	int rc;

	if (UNLIKELY(lane->builder.count == 0))
		lane = open_lane(p, number);
	before = lane->builder.bytes.len;
	rc = batch_add(&lane->builder, record);
	if (LIKELY(rc == STATUS_OK)) {
		p->filling_bytes += lane->builder.bytes.len - before;
		return LIKELY(p->filling_bytes < p->options.filling_bytes) ? STATUS_OK : spill(p);
	}
	return rc == STATUS_END || rc == STATUS_DATA ? add_slowly(p, number, record) : rc;
}

int
producer_add(struct producer *p, const struct record *record)
{
	return add(p, choose_partition(p, record), record);
}

int
producer_add_to(struct producer *p, int partition, const struct record *record)
{
	int rc;

	if (partition >= p->count && (rc = widen(p)) != STATUS_OK)
		return rc;
	if (partition >= p->count)
		return fail_partition(p, partition);
	return add(p, partition, record);
}

uint64_t
producer_stored(const struct producer *p)
{
	return p->stored;
}

uint64_t
producer_unknown(const struct producer *p)
{
	return p->published - p->stored + p->doubtful;
}

#include "cmd/fanout.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/status.h"
#include "cmd/cmd.h"

#define OPEN_MOST 16
/* What a topic needs, at most: for itself, for each partition; and what the program needs besides. */
#define TOPIC_DESCRIPTORS 4
#define PARTITION_DESCRIPTORS 8
#define OTHER_DESCRIPTORS 12
/* What waits in the batches of each topic if there may be many. */
#define FILLING_BYTES ((size_t)512 << 10)

/* A topic that is open. */
struct outlet {
	struct topic *topic;
	struct producer *producer;
	size_t descriptors; /* that it may come to need */
	uint64_t used;	    /* by the fanout's count of uses */
};

struct fanout {
	struct store *store;
	struct fanout_options options;
	struct outlet outlets[OPEN_MOST];
	int count;
	int last; /* the outlet that was used last */
	uint64_t uses;
	uint64_t stored, unknown; /* of those that were closed */
};

int
fanout_open(struct store *store, const struct fanout_options *options, struct fanout **out)
{
	struct fanout *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return status_no_memory("producers");
	f->store = store;
	f->options = *options;
	if (options->many)
		f->options.producer.filling_bytes = FILLING_BYTES;
	f->options.producer.appender.alone = !options->many;
	*out = f;
	return STATUS_OK;
}

/* It stays as a hole at the end of the list. */
static void
close_outlet(struct fanout *f, int i)
{
	struct outlet *o = &f->outlets[i];

	f->stored += producer_stored(o->producer);
	f->unknown += producer_unknown(o->producer);
	producer_close(o->producer);
	topic_close(o->topic);
	*o = f->outlets[--f->count];
	f->last = 0;
}

void
fanout_close(struct fanout *f)
{
	if (f == NULL)
		return;
	while (f->count > 0)
		close_outlet(f, 0);
	free(f);
}

static bool
is_topic(const struct fanout *f, int i, const char *name)
{
	return i < f->count && strcmp(topic_name(f->outlets[i].topic), name) == 0;
}

/* f->last becomes the topic's outlet. STATUS_MISSING, no message: it is not open. */
static int
find_open(struct fanout *f, const char *name)
{
	if (is_topic(f, f->last, name))
		return STATUS_OK;
	for (int i = 0; i < f->count; i++) {
		if (!is_topic(f, i, name))
			continue;
		f->last = i;
		return STATUS_OK;
	}
	return STATUS_MISSING;
}

/* Finish and close the one that was not used for the longest time. */
static int
make_room(struct fanout *f)
{
	int oldest = 0, rc;

	for (int i = 1; i < f->count; i++) {
		if (f->outlets[i].used < f->outlets[oldest].used)
			oldest = i;
	}
	if ((rc = producer_finish(f->outlets[oldest].producer)) == STATUS_OK)
		close_outlet(f, oldest);
	return rc;
}

static int
check_topic(const struct fanout *f, struct topic *topic)
{
	if (!topic_writable(topic))
		return status_fail(STATUS_PERMISSION, "%s: we may not write to it", topic_name(topic));
	if (f->options.timed && topic_config(topic)->log.append_time)
		return status_fail(STATUS_CONFIG, "%s: -t: its message.timestamp.type is LogAppendTime", topic_name(topic));
	return STATUS_OK;
}

static int
open_outlet(struct fanout *f, const char *name)
{
	struct outlet o = {.used = f->uses};
	int rc;

	if ((rc = cmd_open_topic(f->store, name, &o.topic)) != STATUS_OK)
		return rc;
	if ((rc = check_topic(f, o.topic)) == STATUS_OK)
		rc = producer_open(o.topic, &f->options.producer, &o.producer);
	if (rc != STATUS_OK) {
		topic_close(o.topic);
		return rc;
	}
	o.descriptors = TOPIC_DESCRIPTORS + PARTITION_DESCRIPTORS * (size_t)topic_config(o.topic)->partitions;
	f->last = f->count;
	f->outlets[f->count++] = o;
	return STATUS_OK;
}

/* Each topic uses descriptors as if they all were its own, so those that are open together must not come to need too many. */
static bool
too_many_descriptors(const struct fanout *f)
{
	struct rlimit limit;
	size_t needed = OTHER_DESCRIPTORS;

	for (int i = 0; i < f->count; i++)
		needed += f->outlets[i].descriptors;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && needed > limit.rlim_cur;
}

/* If it cannot be opened for want of descriptors or memory, those that the others hold may do. */
static int
add_outlet(struct fanout *f, const char *name)
{
	int rc;

	if (f->count == OPEN_MOST && (rc = make_room(f)) != STATUS_OK)
		return rc;
	while ((rc = open_outlet(f, name)) == STATUS_AGAIN && f->count > 0) {
		if ((rc = make_room(f)) != STATUS_OK)
			return rc;
	}
	while (rc == STATUS_OK && f->count > 1 && too_many_descriptors(f))
		rc = make_room(f);
	return rc == STATUS_OK ? find_open(f, name) : rc;
}

static int
find_outlet(struct fanout *f, const char *name)
{
	return find_open(f, name) == STATUS_OK ? STATUS_OK : add_outlet(f, name);
}

int
fanout_get(struct fanout *f, const char *name, struct producer **producer, struct topic **topic)
{
	int rc;

	f->uses++;
	if ((rc = find_outlet(f, name)) != STATUS_OK)
		return rc;
	f->outlets[f->last].used = f->uses;
	*producer = f->outlets[f->last].producer;
	if (topic != NULL)
		*topic = f->outlets[f->last].topic;
	return STATUS_OK;
}

int
fanout_store(struct fanout *f)
{
	int rc = STATUS_OK;

	for (int i = 0; rc == STATUS_OK && i < f->count; i++)
		rc = producer_store(f->outlets[i].producer);
	return rc;
}

int
fanout_end(struct fanout *f)
{
	int rc = STATUS_OK;

	for (int i = 0; rc == STATUS_OK && i < f->count; i++)
		rc = producer_end(f->outlets[i].producer);
	return rc;
}

void
fanout_give_up(struct fanout *f)
{
	for (int i = 0; i < f->count; i++)
		producer_give_up(f->outlets[i].producer);
}

int
fanout_finish(struct fanout *f)
{
	char message[1024] = "";
	int first = STATUS_OK;

	for (int i = 0; i < f->count; i++) {
		int rc = producer_finish(f->outlets[i].producer);

		if (rc == STATUS_OK)
			continue;
		if (first != STATUS_OK) {
			cmd_error();
			continue;
		}
		first = rc;
		(void)strlcpy(message, status_message(), sizeof(message));
	}
	return first == STATUS_OK ? STATUS_OK : status_fail(first, "%s", message);
}

int64_t
fanout_patience_ms(const struct fanout *f)
{
	int64_t shortest_ms = -1;

	for (int i = 0; i < f->count; i++) {
		int64_t ms = producer_patience_ms(f->outlets[i].producer);

		if (ms >= 0 && (shortest_ms < 0 || ms < shortest_ms))
			shortest_ms = ms;
	}
	return shortest_ms;
}

uint64_t
fanout_stored(const struct fanout *f)
{
	uint64_t count = f->stored;

	for (int i = 0; i < f->count; i++)
		count += producer_stored(f->outlets[i].producer);
	return count;
}

uint64_t
fanout_unknown(const struct fanout *f)
{
	uint64_t count = f->unknown;

	for (int i = 0; i < f->count; i++)
		count += producer_unknown(f->outlets[i].producer);
	return count;
}

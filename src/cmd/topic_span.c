#include "cmd/topic_span.h"

#include <stdlib.h>

#include "base/status.h"

#define FIND_TRIES 10

static int
find_offset(struct topic *topic, const struct place *place, struct span *span)
{
	struct reader *reader;
	int rc;

	if ((rc = topic_bounds(topic, span->partition, &span->start, &span->end, NULL)) != STATUS_OK)
		return rc;
	span->offset = place->kind == PLACE_START ? span->start : place->kind == PLACE_END ? span->end : place->value;
	if (place->kind != PLACE_TIME)
		return STATUS_OK;
	if ((rc = topic_reader(topic, span->partition, &reader)) != STATUS_OK)
		return rc;
	return reader_find_time(reader, place->value, span->end, &span->offset);
}

/* A log that is recovered or trimmed while we look is looked at again. */
static int
find_span(struct topic *topic, const struct place *place, struct span *span)
{
	int rc;

	for (int i = 0; i < FIND_TRIES; i++) {
		rc = find_offset(topic, place, span);
		if (rc != STATUS_RECOVER && rc != STATUS_GONE && (rc != STATUS_MISSING || topic_deleted(topic)))
			return rc;
	}
	return status_fail(STATUS_AGAIN, "%s/%d: the log changes while it is read", topic_name(topic), span->partition);
}

int
topic_spans(struct topic *topic, int64_t only, const struct place *place, struct span **out, int *out_count)
{
	int partitions, count, rc;
	struct span *spans;

	if ((rc = topic_partition_count(topic, &partitions)) != STATUS_OK)
		return rc;
	if (only >= partitions)
		return status_fail(STATUS_MISSING, "%s: no partition %lld: it has %d", topic_name(topic), (long long)only,
		    partitions);
	count = only >= 0 ? 1 : partitions;
	if ((spans = calloc((size_t)count, sizeof(*spans))) == NULL)
		return status_no_memory("partitions");
	for (int i = 0; rc == STATUS_OK && i < count; i++) {
		spans[i].partition = only >= 0 ? (int)only : i;
		rc = find_span(topic, place, &spans[i]);
	}
	if (rc != STATUS_OK) {
		free(spans);
		return rc;
	}
	*out = spans;
	*out_count = count;
	return STATUS_OK;
}

#include "cmd/topic_span.h"

#include <stdlib.h>

#include "base/status.h"

static int
find_span(struct topic *topic, const struct place *place, struct span *span)
{
	int rc;

	if ((rc = topic_bounds(topic, span->partition, &span->start, &span->end, NULL)) != STATUS_OK)
		return rc;
	if (place->kind == PLACE_TIME)
		return topic_find_time(topic, span->partition, place->value, span->end, &span->offset);
	span->offset = place->kind == PLACE_START ? span->start : place->kind == PLACE_END ? span->end : place->value;
	return STATUS_OK;
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

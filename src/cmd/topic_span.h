/*
 * topic_span: where a place, as the end or a time, lies in each partition of a topic.
 */
#ifndef CMD_TOPIC_SPAN_H
#define CMD_TOPIC_SPAN_H

#include <stdint.h>

#include "base/compat.h"
#include "store/topic.h"

struct place {
	enum { PLACE_START, PLACE_END, PLACE_OFFSET, PLACE_TIME } kind;
	int64_t value; /* the offset; the time in ms: its place is the first record at or after it, else the end */
};

/* A partition's bounds and the place in it. An offset is taken as it is, also outside of the bounds. */
struct span {
	int partition;
	int64_t start, end, offset; /* offsets: log start, readable end, the place */
};

/*
 * The spans of all partitions in order, or of partition `only` alone unless it is negative; the caller frees them. STATUS_MISSING if there is
 * no such partition.
 */
int topic_spans(struct topic *, int64_t only, const struct place *, struct span **, int *count) MUST_USE;

#endif

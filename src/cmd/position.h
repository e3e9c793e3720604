/*
 * position: what -o of mq-consume may say: a place in a partition, or a range between two.
 *
 *	start | end | stored | N | -N (the last N) | +N (behind the first N) | @TIME (the first record at or after it)
 *	FROM:TO (up to before TO; either may be left out), s@MS and e@MS as kcat has them; beginning is start
 */
#ifndef CMD_POSITION_H
#define CMD_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"
#include "store/topic.h"

enum position_kind {
	POSITION_START,
	POSITION_END,
	POSITION_STORED,
	POSITION_OFFSET,
	POSITION_LAST,
	POSITION_BEHIND,
	POSITION_TIME
};

struct position {
	enum position_kind kind;
	int64_t value; /* an offset, a number of records, or ms since 1970 */
};

struct range {
	struct position from, to;
	bool has_to; /* else it goes on for ever */
};

/* From the start, without an end. */
#define RANGE_ALL ((struct range){{POSITION_START, 0}, {POSITION_END, 0}, false})

/*
 * Does the position stand for "where I was", so that a stored offset goes before it? A place that is given by a number does not.
 */
bool position_yields(const struct position *);

/* Set what the text says of the range; s@ and e@ leave the other end as it is. Relative times count from now_ms. STATUS_USAGE. */
int range_parse(const char *text, int64_t now_ms, struct range *) MUST_USE;

/*
 * The offset of the position in a partition whose bounds (topic_bounds) are start and end. Only POSITION_OFFSET may lie outside of them.
 * POSITION_STORED is the start: where nothing is stored.
 */
int position_resolve(const struct position *, struct topic *, int partition, int64_t start, int64_t end, int64_t *offset) MUST_USE;

#endif

/*
 * draft: a record as an input has it, and what the input says of its place. json.h and format_scan.h fill it.
 *
 *	struct draft d = DRAFT_EMPTY;
 *	draft_reset(&d);			before each record
 *	... d.given |= DRAFT_KEY; d.record.key = ...
 *	draft_free(&d);
 */
#ifndef CMD_DRAFT_H
#define CMD_DRAFT_H

#include <stdint.h>

#include "base/buf.h"
#include "log/record.h"

/* What the input said; what it did not say is not set. Null counts as said. */
enum {
	DRAFT_TOPIC = 1,
	DRAFT_PARTITION = 2,
	DRAFT_KEY = 4,
	DRAFT_VALUE = 8,
	DRAFT_TIMESTAMP = 16,
	DRAFT_HEADERS = 32,
};

struct draft {
	unsigned given;
	struct record record; /* its bytes lie in the bufs below, or in the input that was read */
	int32_t partition;
	struct buf topic; /* a string with its NUL; any bytes may stand in it before that */
	struct buf key, value, headers;
};

#define DRAFT_EMPTY ((struct draft){.given = 0})

/* Nothing is said; the memory is kept. */
void draft_reset(struct draft *);
void draft_free(struct draft *);

int draft_set_topic(struct draft *, const uint8_t *bytes, size_t len) MUST_USE;
/* Kafka has no timestamps below -1, which is none: STATUS_DATA. */
int draft_set_timestamp(struct draft *, int64_t ms) MUST_USE;
/* STATUS_DATA unless it is a partition's number. */
int draft_set_partition(struct draft *, int64_t number) MUST_USE;
/* The header's bytes are copied. */
int draft_add_header(struct draft *, const struct record_header *) MUST_USE;

#endif

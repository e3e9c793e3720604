/*
 * fingerprint: tells a named producer's records apart: a hash of a record's partition, key, value and headers, and of its time.
 */
#ifndef STORE_FINGERPRINT_H
#define STORE_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "log/record.h"

struct fingerprint {
	uint64_t plain; /* without the time */
	uint64_t timed; /* with it */
};

/* The key is the producer's id. */
struct fingerprint fingerprint_of(uint64_t key, int partition, const struct record *);

/* The hash of a row of records, from that of the row before its last one; that of none is 0. */
uint64_t fingerprint_chain(uint64_t before, uint64_t last);

/*
 * A beginning of an input: how many records, the hash of them all, and steps[i], that of the first 2^i, so that another input is noticed soon
 * and it can be told where it is another. Steps that were not reached are 0.
 */
#define FINGERPRINT_STEPS 63

struct beginning {
	int64_t records;
	uint64_t hash;
	uint64_t steps[FINGERPRINT_STEPS];
};

/* How many steps were reached. */
int beginning_steps(int64_t records);
/* Is this many records a step? */
bool beginning_is_step(int64_t records);
/* One record more. */
void beginning_add(struct beginning *, uint64_t print);

/* Each line of [lines, end), which ends with a delimiter, as a record without key, headers and time; returns how many. 20 ns each. */
int64_t beginning_add_lines(struct beginning *, uint64_t key, int partition, const uint8_t *lines, const uint8_t *end,
    uint8_t delimiter);

#endif

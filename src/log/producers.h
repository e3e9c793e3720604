/*
 * producers: what the log knows of idempotent producers (KIP-98), and Kafka's .snapshot of it at a segment's base.
 */
#ifndef LOG_PRODUCERS_H
#define LOG_PRODUCERS_H

#include <stdbool.h>
#include <stdint.h>

#include "log/batch.h"
#include "log/partition.h"

struct producer_state {
	int64_t producer_id;
	int16_t epoch;
	int32_t last_sequence;
	int64_t last_offset;
	int32_t offset_delta; /* of the last batch */
	int64_t timestamp_ms;
	int32_t coordinator_epoch;	  /* -1 none */
	int64_t transaction_first_offset; /* of the open transaction, -1 none */
};

struct producers {
	struct producer_state *states; /* ascending by producer id */
	size_t count, cap;
};

void producers_free(struct producers *);
/* Take note of a valid batch; `bytes` are all of it (a control batch is looked into). Batches come in the log's order. */
int producers_note(struct producers *, const struct batch_header *, const uint8_t *bytes) MUST_USE;
const struct producer_state *producers_find(const struct producers *, int64_t producer_id);

/* No .snapshot that is read is longer. */
#define SNAPSHOT_MAX_BYTES ((size_t)256 << 20)

/*
 * The bytes of a .snapshot, added to the struct; STATUS_CORRUPT, naming the file and the reason, if they are not valid: some may have been
 * added then.
 */
int producers_decode(const struct buf *bytes, const char *name, struct producers *) MUST_USE;
/* The .snapshot at `base`; STATUS_MISSING if there is none, STATUS_CORRUPT if it is not valid. Replaces what is in the struct. */
int producers_read(int dir, int64_t base, struct producers *) MUST_USE;
/* Durable on return. */
int producers_write(int dir, const struct file_access *, int64_t base, const struct producers *) MUST_USE;

/* The states at the offset `base`, a segment's base: from a snapshot and the batches behind it. Replaces what is in the struct. */
int producers_at(const struct partition *, int64_t base, struct producers *) MUST_USE;

/*
 * What the log up to `offset`, its end or a segment's base, knows of producers, added to the empty struct: from the newest .snapshot and
 * the batches behind it. STATUS_MISSING: a segment was removed meanwhile, call again.
 */
int producers_collect(const struct partition *, int64_t offset, struct producers *) MUST_USE;

/*
 * Make sure that the .snapshot at the offset `base`, a segment's base or the log end, is there: from the next older one and the batches
 * between. Any failure to read but that an older one is missing or not valid is returned, because only that one may know the producers
 * of removed segments.
 */
int producers_ensure_snapshot(const struct partition *, int64_t base) MUST_USE;

#endif

/*
 * intent_file: the file of an intent: batches for any number of partitions that are stored as a whole. mq-format(5) INTENTS.
 *
 *	header	INTENT_HEADER_BYTES: who made the batches, where the table is; written last
 *	frames	a batch each, in the order in which they came; each knows where its partition's next one is
 *	table	INTENT_TARGET_BYTES for each partition, ascending: what it gets, and where its first frame is
 *
 * A file whose header and table are valid is whole; each batch has a CRC of its own, and its partition's sequence numbers run through.
 */
#ifndef STORE_INTENT_FILE_H
#define STORE_INTENT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/batch.h"

#define INTENT_HEADER_BYTES 64
#define INTENT_FRAME_BYTES 16
#define INTENT_TARGET_BYTES 40
/* More records for one partition could not be told from fewer by their sequence numbers, which have 31 bits. */
#define INTENT_MAX_RECORDS (INT64_C(1) << 30)

/* What one partition gets. */
struct intent_target {
	int32_t partition;
	int32_t base_sequence; /* of the first record */
	int64_t records;
	int64_t bytes;	/* of its batches */
	int64_t first;	/* position of its first frame */
	int64_t synced; /* the partition's synced_end before the commit: nothing of the set lies below it */
};

struct intent_file {
	int64_t producer_id;
	int16_t producer_epoch;
	int64_t records; /* of all partitions */
	int64_t size;	 /* of the file, bytes */
	struct intent_target *targets;
	size_t count;
};

void intent_file_free(struct intent_file *);

/* The bytes of a header and of a table; the table's position is the size less its bytes. */
void intent_encode_header(uint8_t *bytes, const struct intent_file *, const uint8_t *table);
void intent_encode_target(uint8_t *bytes, const struct intent_target *);
/* A frame before a batch of `length` bytes; `next`: position of the partition's next frame, 0 none. */
void intent_encode_frame(uint8_t *bytes, int64_t next, int32_t partition, uint32_t length);

/* Read header and table. STATUS_CORRUPT, with the reason, if it is no intent, or not whole. */
int intent_file_read(int fd, const char *name, struct intent_file *) MUST_USE;

/* Where a walk through the batches of one partition stands. */
struct intent_cursor {
	const struct intent_target *target;
	int64_t position; /* of the next frame; 0: there is none */
	int64_t records;  /* so far */
	int64_t bytes;
};

void intent_cursor_init(struct intent_cursor *, const struct intent_target *);
/*
 * The next batch, in the buf, whatever that holds; its CRC, its producer and its sequence number were checked. STATUS_END behind the last,
 * when they are as many as the table says. STATUS_CORRUPT, with the reason.
 */
int intent_cursor_next(struct intent_cursor *, int fd, const char *name, const struct intent_file *, struct buf *batch,
    struct batch_header *) MUST_USE;

#endif

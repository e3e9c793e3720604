/*
 * named_file: the text of a named producer's file, ids/NAME: what was stored of its input at its last checkpoint. mq-format(5) IDS.
 */
#ifndef STORE_NAMED_FILE_H
#define STORE_NAMED_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/fingerprint.h"
#include "store/named_place.h"

/* A partition that the producer may have written to. */
struct named_mark {
	int partition;
	int64_t stored; /* records, at the checkpoint */
	int64_t offset; /* none of its records that are not counted lies below it */
	int32_t epoch;	/* the topic's leader epoch then: the log was cut below `offset` if a greater one begins there */
};

struct named_file {
	int64_t producer_id;
	int partitions;		/* of the topic at the producer's birth: keys and round robin go by it ever after */
	bool live;		/* records behind the checkpoint may be stored; else none is */
	struct beginning input; /* all stored */
	bool followed;		/* the input is a file that is followed, and `place` where its next record begins */
	struct named_place place;
	struct named_mark *marks; /* ascending by partition */
	size_t count;
};

void named_file_free(struct named_file *);
/* Appended to the buf. */
int named_file_encode(const struct named_file *, struct buf *) MUST_USE;
/* STATUS_CONFIG naming the line, or what is missing, if it breaks a rule of mq-format(5) IDS. The struct is empty then. */
int named_file_decode(const struct buf *, struct named_file *) MUST_USE;

#endif

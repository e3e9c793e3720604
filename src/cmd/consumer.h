/*
 * consumer: reads a topic's partitions in turns and prints their records.
 *
 * Without `follow` the end of each partition is pinned at the start (or when the first record comes, if it waits for that), and it ends
 * there. There is no order between partitions. Output is flushed whenever no record is at hand.
 */
#ifndef CMD_CONSUMER_H
#define CMD_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cmd/format.h"
#include "cmd/position.h"

struct consumer_options {
	struct range range;
	const int *partitions; /* these only */
	int partition_count;   /* 0: all */
	bool follow;
	int64_t wait_ms;      /* for the first record, if nothing is there; -1: not at all */
	int64_t most_records; /* -1: no limit */
	bool quiet;
	struct buf delimiter; /* behind each record */
	bool keyed;	      /* print the key, key_delimiter, the value */
	struct buf key_delimiter;
	struct buf null;	     /* stands for null */
	const struct format *format; /* instead of all these; NULL: none */
};

/*
 * *records is how many were read, also after a failure. STATUS_NO, without a message: records were removed before they could be read, which
 * was told. STATUS_IO: damage, or stdout failed; what could be read was printed. STATUS_MISSING: a partition is not there, or the
 * topic was deleted.
 */
int consumer_run(struct topic *, const struct consumer_options *, uint64_t *records) MUST_USE;

#endif

/*
 * consumer: reads a topic's partitions in turns and prints their records.
 *
 * Without `follow` the end of each partition is pinned at the start (or when the first record comes, if it waits for that), and it ends
 * there, or where a transaction is open, and says that. There is no order between partitions. Output is flushed whenever no record is at hand.
 *
 * With a cursor it goes on where that says, unless the range begins at a number. The cursor is committed when all that was printed is with
 * its taker (output_settle): at the end, and with `follow` whenever no record is at hand, and when a signal ends it, which must be caught
 * then (cmd_catch_signals). A run that fails commits nothing.
 */
#ifndef CMD_CONSUMER_H
#define CMD_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/cursor.h"
#include "cmd/position.h"
#include "cmd/render.h"

struct consumer_options {
	struct range range;
	const int *partitions; /* these only */
	int partition_count;   /* 0: all */
	bool follow;
	bool uncommitted;     /* records of open and aborted transactions too */
	int64_t wait_ms;      /* for the first record, if nothing is there; -1: not at all */
	int64_t most_records; /* -1: no limit */
	struct render_options render;
	struct cursor *cursor; /* where it goes on, and where it notes how far it came; NULL: nowhere */
};

/*
 * *records is how many were read, also after a failure. STATUS_NO, without a message: records were removed before they could be read, which
 * was told. STATUS_IO: damage, or stdout failed; what could be read was printed. STATUS_MISSING: a partition is not there, or the
 * topic was deleted.
 */
int consumer_run(struct store *, struct topic *, const struct consumer_options *, uint64_t *records) MUST_USE;

#endif

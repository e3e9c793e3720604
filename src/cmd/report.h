/*
 * report: tells what became of records that were stored, for mq-produce -o: each as a format says, once its batch is stored.
 */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include "base/buf.h"
#include "cmd/format.h"
#include "cmd/output.h"

struct report {
	const struct format *format; /* borrowed; NULL: nothing is told */
	struct output out;
	struct buf plain; /* a compressed batch as it was before */
};

int report_init(struct report *, const struct format *) MUST_USE;
void report_free(struct report *);

/* The records of a batch that was appended, on stdout. STATUS_IO: stdout failed, or a number does not fit the format. */
int report_batch(struct report *, const char *topic, int partition, const struct buf *batch) MUST_USE;

#endif

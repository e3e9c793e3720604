/*
 * output: records on their way to stdout, in writes as large as a pipe takes at once.
 *
 *	output_init(&out);
 *	output_put(&out, bytes, len) ...	or append to output_shape(&out) and call output_put_shaped
 *	output_flush(&out);			whenever no record is at hand
 *
 * A closed pipe ends the program by SIGPIPE; every other failure is STATUS_IO. When a signal was noted (cmd_signal) a reader has a second
 * to take what is written, or it is STATUS_NO, without a message: we were told to end.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"

/* A buffer is written when it is full. */
#define OUTPUT_BYTES ((size_t)256 << 10)
/* Behind so much without a flush a pipe gets pages instead of copies (base/sheet.h): 1 GB to wc -l took 0.47 s, and takes 0.37. */
#define OUTPUT_GIVE_BYTES ((size_t)1 << 20)

struct output {
	uint8_t *from, *at, *end; /* [from, at) is not written yet, [at, end) is room */
	uint8_t *buffer;	  /* OUTPUT_BYTES, used again and again */
	uint8_t *sheet;		  /* in use instead of the buffer: the pipe gets its pages; NULL none */
	uint8_t *given;		  /* the sheet before it; NULL none */
	struct buf shape;	  /* of a record that is not just put */
	size_t run_bytes;	  /* written since the last flush, up to OUTPUT_GIVE_BYTES */
	bool gives;		  /* stdout is a pipe that takes pages, as far as is known */
	bool pipe;		  /* somebody may stop reading while we wait */
	bool file;		  /* what is written can be synced */
};

/* Makes a pipe on stdout as large as OUTPUT_BYTES asks for, if the kernel lets us. */
int output_init(struct output *) MUST_USE;
void output_free(struct output *);

int output_flush(struct output *) MUST_USE;
/* What output_put does when there is no room; also for more than fits at all. */
int output_put_slowly(struct output *, const void *bytes, size_t len) MUST_USE;

/* Inline, because it runs for each record. */
static inline int
output_put(struct output *out, const void *bytes, size_t len)
{
	if (UNLIKELY(len > (size_t)(out->end - out->at)))
		return output_put_slowly(out, bytes, len);
	if (len > 0)
		memcpy(out->at, bytes, len);
	out->at += len;
	return STATUS_OK;
}

/* An empty buf to append to, and the end of it. */
struct buf *output_shape(struct output *);
int output_put_shaped(struct output *) MUST_USE;

/* True if nothing that was written is still in the pipe: its reader took it. True if stdout is no pipe. Does not wait. */
bool output_is_taken(const struct output *);
/*
 * After output_flush: what was written is with its taker. A file is synced. A pipe's reader is waited for, until it took everything; if it
 * closes the pipe before, the program dies of SIGPIPE. STATUS_NO, no message: a signal came, and a second later it was still not taken.
 */
int output_settle(const struct output *) MUST_USE;

/* True if stdout's reader is gone. Does not wait. */
bool output_is_closed(const struct output *);

#endif

/*
 * input: cuts a stream of bytes into records.
 *
 *	input_init(&in, delimiter, most);
 *	input_open(&in, fd, name);				as often as there are streams
 *	for (;;)
 *		while (input_next(&in, &bytes, &len) == STATUS_OK) ...
 *		STATUS_AGAIN: wait until there is something to read, then input_read
 *		STATUS_END: input_rest is the last record if it has no delimiter
 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A stream that is read by other means than read(2): at most len bytes; `unread` bytes that were read before stand in front of them. *got is 0 if
 * nothing is at hand; STATUS_END: the stream has ended.
 */
typedef int input_source(void *arg, uint8_t *bytes, size_t len, size_t unread, size_t *got);

struct input {
	const char *name;     /* of the stream, for messages; borrowed */
	uint64_t number;      /* of the record that input_next or input_rest returned last, from 1 */
	struct buf delimiter; /* borrowed; empty: the whole stream is one record */
	size_t most;	      /* bytes of a record */
	int fd;		      /* borrowed */
	input_source *source; /* in place of the descriptor; NULL: none */
	void *source_arg;
	struct buf window; /* bytes read */
	size_t start;	   /* of the first record not returned yet */
	size_t scanned;	   /* up to here there is no delimiter behind start */
	bool ended;
	bool is_large; /* a read filled the window: it is worth a larger one */
};

/* The delimiter is borrowed. */
void input_init(struct input *, const struct buf *delimiter, size_t most_bytes);
/* Begin a stream; what was left of another one is forgotten. A pipe is made large, if the kernel lets us. */
void input_open(struct input *, int fd, const char *name);
void input_open_source(struct input *, input_source *source, void *arg, const char *name);
void input_free(struct input *);

/*
 * The next record that is complete, without its delimiter; *bytes is valid until the next input_read. STATUS_AGAIN, no message: read
 * more. STATUS_END: the stream has ended. STATUS_DATA: the record is longer than may be; its number is in->number.
 */
int input_next(struct input *, const uint8_t **bytes, size_t *len) MUST_USE;

/*
 * For records that no delimiter cuts: all that was read and not returned yet, in->ended if nothing follows; *bytes is valid until the next
 * input_read. Then either input_take, the next record has `len` bytes of it; or input_want, it is not whole: the statuses of input_next.
 */
void input_peek(struct input *, const uint8_t **bytes, size_t *len);
void input_take(struct input *, size_t len);
int input_want(struct input *) MUST_USE;

/*
 * For who cuts many records by himself: what was read and not returned yet, if it begins with a record of which nothing was scanned; else
 * *len is 0, and only input_next knows. Then input_pass: `count` records, all that stands before `bytes`, were taken.
 */
void input_peek_lines(struct input *, const uint8_t **bytes, size_t *len);
void input_pass(struct input *, const uint8_t *bytes, uint64_t count);

/* One read(2); nothing is read, and that is no failure, if nothing is there or a signal came. */
int input_read(struct input *) MUST_USE;

/* After STATUS_END: true if something is left, which is the last record; taken once. */
bool input_rest(struct input *, const uint8_t **bytes, size_t *len);

#endif

#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sheet.h"
#include "cmd/cmd.h"

#define PIPE_BYTES (1 << 20)
/* Of a sheet, given at once. */
#define PIECE_BYTES ((size_t)64 << 10)
/* How long a reader has to take the rest when we are told to end. */
#define LAST_TAKE_MS 1000
/* Between two looks at a pipe that is read: from, and at most. */
#define TAKE_LOOK_MS 1
#define TAKE_LOOK_MOST_MS 50

static void
use_buffer(struct output *out)
{
	sheet_drop(out->sheet);
	sheet_drop(out->given);
	out->sheet = out->given = NULL;
	out->from = out->at = out->buffer;
	out->end = out->buffer + OUTPUT_BYTES;
}

int
output_init(struct output *out)
{
	struct stat st;

	*out = (struct output){.buffer = NULL};
	if (fstat(STDOUT_FILENO, &st) == 0) {
		out->pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
		out->file = S_ISREG(st.st_mode);
	}
	if (out->pipe && S_ISFIFO(st.st_mode)) {
		(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
		out->gives = true;
	}
	if ((out->buffer = malloc(OUTPUT_BYTES)) == NULL)
		return status_no_memory("output");
	use_buffer(out);
	return STATUS_OK;
}

void
output_free(struct output *out)
{
	sheet_drop(out->sheet);
	sheet_drop(out->given);
	free(out->buffer);
	buf_free(&out->shape);
	*out = (struct output){.buffer = NULL};
}

/* Wait until stdout takes at least PIPE_BUF bytes at once; for ever, unless a signal was noted. */
static int
wait_for_room(int64_t *deadline_ms)
{
	struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (cmd_signal() == 0) {
		(void)poll(&room, 1, -1);
		return STATUS_OK;
	}
	if (*deadline_ms == DEADLINE_NEVER)
		*deadline_ms = clock_deadline(LAST_TAKE_MS);
	while (poll(&room, 1, (int)clock_remaining(*deadline_ms, LAST_TAKE_MS)) <= 0) {
		if (clock_passed(*deadline_ms)) {
			status_clear();
			return STATUS_NO;
		}
	}
	return STATUS_OK;
}

/* `give`: they are whole pages of a sheet. */
static int
write_out(struct output *out, const uint8_t *bytes, size_t len, bool give)
{
	int64_t deadline_ms = DEADLINE_NEVER;
	size_t put = 0;
	int rc;

	for (; len > 0; bytes += put, len -= put) {
		bool told = cmd_signal() != 0;

		put = 0;
		if (told && (rc = wait_for_room(&deadline_ms)) != STATUS_OK)
			return rc;
		rc = STATUS_NO;
		if (give && !told && out->gives && (rc = file_give_some(STDOUT_FILENO, bytes, len, &put)) == STATUS_NO)
			out->gives = false;
		if (rc == STATUS_NO)
			rc = file_write_some(STDOUT_FILENO, "stdout", bytes, told && len > PIPE_BUF ? PIPE_BUF : len, &put);
		if (rc == STATUS_AGAIN && errno == EAGAIN)
			rc = wait_for_room(&deadline_ms);
		if (rc != STATUS_OK && rc != STATUS_AGAIN)
			return rc;
	}
	return STATUS_OK;
}

int
output_flush(struct output *out)
{
	size_t len = (size_t)(out->at - out->from);
	int rc = len > 0 ? write_out(out, out->from, len, false) : STATUS_OK;

	out->run_bytes = 0;
	use_buffer(out);
	return rc;
}

/*
 * Pages instead of copies.
 */

/*
 * Room behind what was given, in another sheet if this one is used up; in the buffer again if there is none. The sheet before is kept till
 * now, when the pipe cannot hold pages of it any more: we are the last to let go of them then, and the kernel has them for the next sheet. If
 * the reader was, each sheet came from elsewhere in memory, and on a virtual machine that took up to four times as long.
 */
static void
use_next_piece(struct output *out)
{
	if (out->gives && (out->sheet == NULL || out->end == out->sheet + SHEET_BYTES)) {
		sheet_drop(out->given);
		out->given = out->sheet;
		out->end = out->sheet = sheet_take();
		out->gives = out->sheet != NULL;
	}
	if (!out->gives) {
		use_buffer(out);
		return;
	}
	out->from = out->at = out->end;
	out->end += PIECE_BYTES;
}

/* Records go over the ends of pieces: only whole pages are given. */
static int
put_in_sheets(struct output *out, const uint8_t *bytes, size_t len)
{
	int rc;

	while (len > (size_t)(out->end - out->at)) {
		size_t part = (size_t)(out->end - out->at);

		memcpy(out->at, bytes, part);
		out->at += part;
		bytes += part;
		len -= part;
		rc = write_out(out, out->from, (size_t)(out->at - out->from), true);
		use_next_piece(out);
		if (rc != STATUS_OK)
			return rc;
	}
	return output_put(out, bytes, len);
}

int
output_put_slowly(struct output *out, const void *bytes, size_t len)
{
	size_t run_bytes = out->run_bytes + (size_t)(out->at - out->from);
	int rc;

	if (out->sheet != NULL)
		return put_in_sheets(out, bytes, len);
	if ((rc = output_flush(out)) != STATUS_OK)
		return rc;
	out->run_bytes = run_bytes;
	if (out->gives && run_bytes >= OUTPUT_GIVE_BYTES)
		use_next_piece(out);
	if (out->sheet == NULL && len > OUTPUT_BYTES)
		return write_out(out, bytes, len, false);
	return output_put(out, bytes, len);
}

struct buf *
output_shape(struct output *out)
{
	buf_clear(&out->shape);
	return &out->shape;
}

int
output_put_shaped(struct output *out)
{
	return output_put(out, out->shape.data, out->shape.len);
}

bool
output_is_closed(const struct output *out)
{
	struct pollfd poller = {.fd = STDOUT_FILENO, .events = 0};

	return out->pipe && poll(&poller, 1, 0) > 0 && (poller.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

bool
output_is_taken(const struct output *out)
{
	int left = 0;

	if (!out->pipe)
		return true;
	/* A pipe says what is in it, a socket what is on its way. Who says nothing has taken it. */
	if (ioctl(STDOUT_FILENO, FIONREAD, &left) == 0 && left > 0)
		return false;
	return ioctl(STDOUT_FILENO, TIOCOUTQ, &left) != 0 || left == 0;
}

int
output_settle(const struct output *out)
{
	int64_t deadline_ms = DEADLINE_NEVER;
	int look_ms = TAKE_LOOK_MS;

	if (out->file)
		return file_sync_data(STDOUT_FILENO, "stdout");
	while (!output_is_taken(out)) {
		struct pollfd poller = {.fd = STDOUT_FILENO, .events = 0};

		if (output_is_closed(out))
			(void)raise(SIGPIPE);
		if (cmd_signal() != 0 && deadline_ms == DEADLINE_NEVER)
			deadline_ms = clock_deadline(LAST_TAKE_MS);
		if (clock_passed(deadline_ms))
			return STATUS_NO;
		(void)poll(&poller, 1, look_ms);
		look_ms = 2 * look_ms < TAKE_LOOK_MOST_MS ? 2 * look_ms : TAKE_LOOK_MOST_MS;
	}
	return STATUS_OK;
}

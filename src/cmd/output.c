#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/cmd.h"

#define PIPE_BYTES (1 << 20)
/* How long a reader has to take the rest when we are told to end. */
#define LAST_TAKE_MS 1000
/* Between two looks at a pipe that is read: from, and at most. */
#define TAKE_LOOK_MS 1
#define TAKE_LOOK_MOST_MS 50

int
output_init(struct output *out)
{
	struct stat st;

	out->bytes = BUF_EMPTY;
	out->pipe = out->file = false;
	if (fstat(STDOUT_FILENO, &st) == 0) {
		out->pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
		out->file = S_ISREG(st.st_mode);
	}
	if (out->pipe && S_ISFIFO(st.st_mode))
		(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	return buf_reserve(&out->bytes, OUTPUT_BYTES);
}

void
output_free(struct output *out)
{
	buf_free(&out->bytes);
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

static int
write_out(const uint8_t *bytes, size_t len)
{
	int64_t deadline_ms = DEADLINE_NEVER;
	size_t put = 0;
	int rc;

	for (; len > 0; bytes += put, len -= put) {
		bool told = cmd_signal() != 0;

		put = 0;
		if (told && (rc = wait_for_room(&deadline_ms)) != STATUS_OK)
			return rc;
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
	int rc;

	if (out->bytes.len == 0)
		return STATUS_OK;
	rc = write_out(out->bytes.data, out->bytes.len);
	buf_clear(&out->bytes);
	return rc;
}

int
output_put_slowly(struct output *out, const void *bytes, size_t len)
{
	int rc;

	if ((rc = output_flush(out)) != STATUS_OK)
		return rc;
	if (len > out->bytes.cap)
		return write_out(bytes, len);
	return buf_append(&out->bytes, bytes, len);
}

int
output_spill(struct output *out)
{
	return out->bytes.len < OUTPUT_BYTES ? STATUS_OK : output_flush(out);
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

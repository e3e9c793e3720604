#include "cmd/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PIPE_BYTES (1 << 20)

int
output_init(struct output *out)
{
	struct stat st;

	out->bytes = BUF_EMPTY;
	out->pipe = fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	if (out->pipe && S_ISFIFO(st.st_mode))
		(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	return buf_reserve(&out->bytes, OUTPUT_BYTES);
}

void
output_free(struct output *out)
{
	buf_free(&out->bytes);
}

int
output_flush(struct output *out)
{
	int rc;

	if (out->bytes.len == 0)
		return STATUS_OK;
	rc = file_write_all(STDOUT_FILENO, "stdout", out->bytes.data, out->bytes.len);
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
		return file_write_all(STDOUT_FILENO, "stdout", bytes, len);
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

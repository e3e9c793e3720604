#include "cmd/input.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"

#define READ_BYTES ((size_t)256 << 10)
/* Until a read fills it. malloc(3) would map and unmap memory for more, of a run for one record 8 us. */
#define FIRST_BYTES ((size_t)64 << 10)
#define PIPE_BYTES (1 << 20)

void
input_init(struct input *in, const struct buf *delimiter, size_t most_bytes)
{
	memset(in, 0, sizeof(*in));
	in->delimiter = *delimiter;
	in->most = most_bytes;
	in->fd = -1;
	in->ended = true;
}

void
input_open(struct input *in, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	input_open_source(in, NULL, NULL, name);
	in->fd = fd;
}

void
input_open_source(struct input *in, input_source *source, void *arg, const char *name)
{
	in->source = source;
	in->source_arg = arg;
	in->name = name;
	in->number = 0;
	in->start = in->scanned = 0;
	in->ended = false;
	buf_clear(&in->window);
}

void
input_free(struct input *in)
{
	buf_free(&in->window);
}

/* The first delimiter in what was not scanned yet, NULL if there is none. */
static const uint8_t *
find_delimiter(const struct input *in)
{
	const uint8_t *from = in->window.data + in->scanned;
	size_t len = in->window.len - in->scanned;

	if (in->delimiter.len == 1)
		return len == 0 ? NULL : memchr(from, in->delimiter.data[0], len);
	if (in->delimiter.len == 0 || len < in->delimiter.len)
		return NULL;
	return memmem(from, len, in->delimiter.data, in->delimiter.len);
}

int
input_want(struct input *in)
{
	if (in->window.len - in->start > in->most) {
		in->number++;
		return status_fail(STATUS_DATA, "longer than the %zu bytes that may be stored at once (max.message.bytes)",
		    in->most);
	}
	return in->ended ? STATUS_END : STATUS_AGAIN;
}

/* What is there of the record at `start` has no delimiter. */
static int
no_delimiter(struct input *in)
{
	size_t unfinished = in->window.len - in->start, kept = in->delimiter.len > 1 ? in->delimiter.len - 1 : 0;

	/* A delimiter may lie across the end of what was read. */
	in->scanned = in->window.len - (unfinished < kept ? unfinished : kept);
	return input_want(in);
}

void
input_peek(struct input *in, const uint8_t **bytes, size_t *len)
{
	*bytes = in->window.data + in->start;
	*len = in->window.len - in->start;
}

void
input_take(struct input *in, size_t len)
{
	in->start += len;
	in->scanned = in->start;
	in->number++;
}

void
input_peek_lines(struct input *in, const uint8_t **bytes, size_t *len)
{
	*bytes = in->window.data + in->start;
	*len = in->scanned == in->start ? in->window.len - in->start : 0;
}

void
input_pass(struct input *in, const uint8_t *bytes, uint64_t count)
{
	in->start = in->scanned = (size_t)(bytes - in->window.data);
	in->number += count;
}

int
input_next(struct input *in, const uint8_t **bytes, size_t *len)
{
	const uint8_t *end;

	if ((end = find_delimiter(in)) == NULL)
		return no_delimiter(in);
	*bytes = in->window.data + in->start;
	*len = (size_t)(end - *bytes);
	in->start += *len + in->delimiter.len;
	in->scanned = in->start;
	in->number++;
	return STATUS_OK;
}

static int
read_source(struct input *in)
{
	size_t got;
	int rc = in->source(in->source_arg, in->window.data + in->window.len, in->window.cap - in->window.len, in->window.len,
	    &got);

	in->ended = rc == STATUS_END;
	in->window.len += rc == STATUS_OK ? got : 0;
	return rc == STATUS_END ? STATUS_OK : rc;
}

int
input_read(struct input *in)
{
	size_t step = in->is_large ? READ_BYTES : FIRST_BYTES, got;
	int rc;

	if (in->ended)
		return STATUS_OK;
	/* What is unfinished moves to the front; of the rest nobody holds a pointer any more. */
	buf_consume(&in->window, in->start);
	in->scanned -= in->start;
	in->start = 0;
	if (in->window.cap - in->window.len < step / 2 && (rc = buf_reserve(&in->window, step)) != STATUS_OK)
		return rc;
	if (in->source != NULL)
		return read_source(in);
	rc = file_read_some(in->fd, in->name, in->window.data + in->window.len, in->window.cap - in->window.len, &got);
	if (rc != STATUS_OK)
		return rc == STATUS_AGAIN ? STATUS_OK : rc;
	in->window.len += got;
	in->is_large = in->is_large || in->window.len == in->window.cap;
	in->ended = got == 0;
	return STATUS_OK;
}

bool
input_rest(struct input *in, const uint8_t **bytes, size_t *len)
{
	bool whole = in->delimiter.len == 0 && in->number == 0;

	if (in->start == in->window.len && !whole)
		return false;
	*bytes = in->window.data + in->start;
	*len = in->window.len - in->start;
	in->start = in->scanned = in->window.len;
	in->number++;
	return true;
}

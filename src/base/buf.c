#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define LEAST_BYTES 64

int
buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;
	uint8_t *data;

	if (ADD_OVERFLOWS(b->len, more, &need))
		return status_no_memory("buffer");
	if (need <= b->cap)
		return STATUS_OK;
	cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
	if (cap < need)
		cap = need;
	if (cap < LEAST_BYTES)
		cap = LEAST_BYTES;
	if ((data = realloc(b->data, cap)) == NULL)
		return status_no_memory("buffer");
	b->data = data;
	b->cap = cap;
	return STATUS_OK;
}

int
buf_append(struct buf *b, const void *bytes, size_t len)
{
	int rc;

	if ((rc = buf_reserve(b, len)) != STATUS_OK)
		return rc;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	return STATUS_OK;
}

int
buf_append_byte(struct buf *b, uint8_t byte)
{
	return buf_append(b, &byte, 1);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int len, rc;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		rc = status_fail(STATUS_IO, "cannot format text");
	else if ((rc = buf_reserve(b, (size_t)len + 1)) == STATUS_OK) {
		(void)vsnprintf((char *)b->data + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
	return rc;
}

void
buf_consume(struct buf *b, size_t count)
{
	assert(count <= b->len);
	if (count == 0)
		return;
	memmove(b->data, b->data + count, b->len - count);
	b->len -= count;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_EMPTY;
}

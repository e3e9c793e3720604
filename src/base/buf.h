/*
 * buf: bytes that grow. A buf is a value: declare it as BUF_EMPTY, free it with buf_free.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/compat.h"

struct buf {
	uint8_t *data; /* NULL when cap is 0 */
	size_t len;    /* bytes in use */
	size_t cap;    /* bytes allocated */
};

#define BUF_EMPTY ((struct buf){NULL, 0, 0})

/* Room for `more` bytes behind len; at least doubles. STATUS_AGAIN without memory, the buf then unchanged. */
int buf_reserve(struct buf *, size_t more) MUST_USE;
/* The bytes must not lie in the buf itself: it may move. Statuses of this and the next two are those of buf_reserve. */
int buf_append(struct buf *, const void *bytes, size_t len) MUST_USE;
int buf_append_byte(struct buf *, uint8_t byte) MUST_USE;
/* Append text. A NUL stands behind len until the next append, so that data may be read as a string. */
int buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Drop the first `count` bytes, at most len; what follows moves down. */
void buf_consume(struct buf *, size_t count);
void buf_clear(struct buf *);
void buf_free(struct buf *);

#endif

/*
 * fuzz: what the fuzzers of this folder share. Each is a program of libFuzzer: LLVMFuzzerTestOneInput gets any bytes at all, and whatever
 * they are, no sanitizer may have anything to say and no EXPECT may fail. scripts/fuzz runs them.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define EXPECT(condition)      \
	((condition) ? (void)0 \
		     : (fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition, status_message()), abort()))

/* Without memory there is nothing to be learned. */
#define ENOUGH_MEMORY(call) EXPECT((call) == STATUS_OK)

/* What is left of an input. */
struct fuzz_bytes {
	const uint8_t *p;
	size_t len;
};

/* Its next byte, 0 behind the last. */
static inline uint8_t
fuzz_byte(struct fuzz_bytes *b)
{
	if (b->len == 0)
		return 0;
	b->len--;
	return *b->p++;
}

/* A copy of all that is left up to the first NUL, as a string, so that a read behind it is seen; freed by the caller. */
static inline char *
fuzz_string(struct fuzz_bytes *b)
{
	size_t len = b->len == 0 ? 0 : strnlen((const char *)b->p, b->len);
	char *text = malloc(len + 1);

	EXPECT(text != NULL);
	memcpy(text, b->len == 0 ? (const uint8_t *)"" : b->p, len);
	text[len] = '\0';
	b->p += len;
	b->len -= len;
	(void)fuzz_byte(b); /* the NUL */
	return text;
}

/* A copy in a buf of its very size. */
static inline struct buf
fuzz_rest(const struct fuzz_bytes *b)
{
	struct buf copy = {malloc(b->len + 1), b->len, b->len + 1};

	EXPECT(copy.data != NULL);
	if (b->len > 0)
		memcpy(copy.data, b->p, b->len);
	return copy;
}

#endif

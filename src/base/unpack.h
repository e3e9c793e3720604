/*
 * unpack: reads a compressed file as the stream of bytes that it stands for, a piece at a time, however large it is.
 *
 *	unpack_codec("app.log.1.gz", &codec)
 *	unpack_open(codec, fd, name, &u);
 *	while (unpack_read(u, bytes, len, &got) == STATUS_OK && got > 0) ...
 *	unpack_close(u);
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec.h"
#include "base/compat.h"

struct unpack;

/* By the end of its name: .gz, .zst and .lz4. False for any other. */
bool unpack_codec(const char *name, enum codec *);

/* CODEC_GZIP, CODEC_LZ4 or CODEC_ZSTD. The file is borrowed, its offset not used; the name is, too. STATUS_CONFIG: see codec_load. */
int unpack_open(enum codec, int fd, const char *name, struct unpack **) MUST_USE;
/* NULL is fine. */
void unpack_close(struct unpack *);

/* At least one byte, at most len; *got is 0 at the end. STATUS_CORRUPT: the file is cut off or not of this codec. */
int unpack_read(struct unpack *, uint8_t *bytes, size_t len, size_t *got) MUST_USE;

#endif

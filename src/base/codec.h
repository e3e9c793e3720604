/*
 * codec: Kafka's four compressions, each by its own library, which is loaded when it is first used: most runs need none.
 *
 *	gzip	one member (RFC 1952)
 *	snappy	the framing of xerial's snappy-java: a header of 16 bytes, then blocks, each behind its length in 4 bytes; a bare block is
 *		read too, as other clients write it
 *	lz4	one frame with independent blocks of 64 KiB and no content size, because Kafka's reader takes no other
 *	zstd	one frame (RFC 8878)
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdint.h>

#include "base/buf.h"

/* As the attributes of a record batch number them. */
enum codec { CODEC_NONE = 0, CODEC_GZIP = 1, CODEC_SNAPPY = 2, CODEC_LZ4 = 3, CODEC_ZSTD = 4, CODEC_COUNT = 5 };

#define CODEC_DEFAULT_LEVEL INT32_MIN

/* "none", "gzip", "snappy", "lz4", "zstd"; "unknown" for anything else. */
const char *codec_name(unsigned codec);

/*
 * NAME or NAME:LEVEL; *level is CODEC_DEFAULT_LEVEL without one. STATUS_USAGE for an unknown name, a level out of the codec's range (gzip
 * 1 to 9, lz4 1 to 12, zstd 1 to 22), a level where there is none.
 */
int codec_parse(const char *text, enum codec *, int32_t *level) MUST_USE;

/* Load the codec's library: STATUS_CONFIG, naming it, if it is not installed. */
int codec_load(enum codec) MUST_USE;

/* Append the compressed form of the `len` bytes to the buf. */
int codec_compress(enum codec, int32_t level, const uint8_t *bytes, size_t len, struct buf *out) MUST_USE;

/*
 * Append what the `len` compressed bytes stand for to the buf. STATUS_CORRUPT if they are no valid form, or stand for more than `most`
 * bytes; the buf is as before then.
 */
int codec_decompress(enum codec, const uint8_t *bytes, size_t len, size_t most, struct buf *out) MUST_USE;

#endif

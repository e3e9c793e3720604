#include "base/codec.h"

#include <bsd/sys/endian.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec_lib.h"
#include "base/parse.h"
#include "base/status.h"

/* Decompression grows its output by at least so much. */
#define STEP_BYTES ((size_t)64 * 1024)

/* snappy-java's stream: magic, version and oldest compatible version, both 1, then blocks of 32 KiB of input. */
#define XERIAL_HEADER_BYTES 16
#define XERIAL_LENGTH_BYTES 4
#define XERIAL_BLOCK_BYTES ((size_t)32 * 1024)
static const uint8_t xerial_header[XERIAL_HEADER_BYTES] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};

struct codec_lib codec_lib;

struct symbol {
	const char *name;
	void *place; /* in codec_lib */
};

#define SYMBOL(name, member)            \
	{                               \
		name, &codec_lib.member \
	}

static const struct symbol gzip_symbols[] = {
    SYMBOL("deflateInit2_", deflate_init),
    SYMBOL("deflate", deflate),
    SYMBOL("deflateBound", deflate_bound),
    SYMBOL("deflateEnd", deflate_end),
    SYMBOL("inflateInit2_", inflate_init),
    SYMBOL("inflate", inflate),
    SYMBOL("inflateReset", inflate_reset),
    SYMBOL("inflateEnd", inflate_end),
    SYMBOL("zlibVersion", version),
    {NULL, NULL},
};
static const struct symbol snappy_symbols[] = {
    SYMBOL("snappy_compress", snappy_compress),
    SYMBOL("snappy_uncompress", snappy_uncompress),
    SYMBOL("snappy_max_compressed_length", snappy_bound),
    SYMBOL("snappy_uncompressed_length", snappy_length),
    {NULL, NULL},
};
static const struct symbol lz4_symbols[] = {
    SYMBOL("LZ4F_compressFrame", lz4_compress),
    SYMBOL("LZ4F_compressFrameBound", lz4_bound),
    SYMBOL("LZ4F_isError", lz4_is_error),
    SYMBOL("LZ4F_createDecompressionContext", lz4_open),
    SYMBOL("LZ4F_decompress", lz4_decompress),
    SYMBOL("LZ4F_freeDecompressionContext", lz4_close),
    {NULL, NULL},
};
static const struct symbol zstd_symbols[] = {
    SYMBOL("ZSTD_compress", zstd_compress),
    SYMBOL("ZSTD_compressBound", zstd_bound),
    SYMBOL("ZSTD_isError", zstd_is_error),
    SYMBOL("ZSTD_createDStream", zstd_open),
    SYMBOL("ZSTD_decompressStream", zstd_decompress),
    SYMBOL("ZSTD_freeDStream", zstd_close),
    {NULL, NULL},
};

static int gzip_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out);
static int gzip_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out);
static int snappy_compress_framed(int32_t level, const uint8_t *bytes, size_t len, struct buf *out);
static int snappy_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out);
static int lz4_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out);
static int lz4_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out);
static int zstd_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out);
static int zstd_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out);

static struct {
	const char *name, *library;
	const struct symbol *symbols;
	int32_t least_level, most_level; /* both 0: no levels */
	int (*compress)(int32_t level, const uint8_t *bytes, size_t len, struct buf *out);
	int (*decompress)(const uint8_t *bytes, size_t len, size_t most, struct buf *out);
	bool loaded;
} codecs[CODEC_COUNT] = {
    [CODEC_NONE] = {.name = "none", .loaded = true},
    [CODEC_GZIP] = {"gzip", "libz.so.1", gzip_symbols, 1, 9, gzip_compress, gzip_decompress, false},
    [CODEC_SNAPPY] = {"snappy", "libsnappy.so.1", snappy_symbols, 0, 0, snappy_compress_framed, snappy_decompress, false},
    [CODEC_LZ4] = {"lz4", "liblz4.so.1", lz4_symbols, 1, 12, lz4_compress, lz4_decompress, false},
    [CODEC_ZSTD] = {"zstd", "libzstd.so.1", zstd_symbols, 1, 22, zstd_compress, zstd_decompress, false},
};

const char *
codec_name(unsigned codec)
{
	return codec < CODEC_COUNT ? codecs[codec].name : "unknown";
}

int
codec_parse(const char *text, enum codec *codec, int32_t *level)
{
	size_t len = strcspn(text, ":");
	int64_t number;

	for (unsigned i = 0; i < CODEC_COUNT; i++) {
		if (strlen(codecs[i].name) != len || strncmp(text, codecs[i].name, len) != 0)
			continue;
		if (text[len] == '\0')
			number = CODEC_DEFAULT_LEVEL;
		else if (codecs[i].most_level == 0)
			return status_fail(STATUS_USAGE, "%s has no levels", codecs[i].name);
		else if (parse_int64(text + len + 1, codecs[i].least_level, codecs[i].most_level, &number) != STATUS_OK)
			return status_context(STATUS_USAGE, "level of %s", codecs[i].name);
		*codec = (enum codec)i;
		*level = (int32_t)number;
		return STATUS_OK;
	}
	return status_fail(STATUS_USAGE, "%.64s: not a codec (none, gzip, snappy, lz4, zstd, or NAME:LEVEL)", text);
}

int
codec_load(enum codec codec)
{
	void *handle, *address;

	if (codecs[codec].loaded)
		return STATUS_OK;
	if ((handle = dlopen(codecs[codec].library, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return status_fail(STATUS_CONFIG, "%s: cannot load %s, which reads and writes it", codecs[codec].name,
		    codecs[codec].library);
	for (const struct symbol *s = codecs[codec].symbols; s->name != NULL; s++) {
		if ((address = dlsym(handle, s->name)) == NULL)
			return status_fail(STATUS_CONFIG, "%s: %s lacks %s", codecs[codec].name, codecs[codec].library, s->name);
		/* POSIX asks for this way of making a function's address of an object's. */
		memcpy(s->place, &address, sizeof(address));
	}
	codecs[codec].loaded = true; /* for as long as the process lives */
	return STATUS_OK;
}

int
codec_compress(enum codec codec, int32_t level, const uint8_t *bytes, size_t len, struct buf *out)
{
	int rc;

	if (codec == CODEC_NONE)
		return buf_append(out, bytes, len);
	if ((rc = codec_load(codec)) != STATUS_OK)
		return rc;
	return codecs[codec].compress(level, bytes, len, out);
}

int
codec_decompress(enum codec codec, const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	size_t old = out->len;
	int rc;

	if (codec == CODEC_NONE)
		return buf_append(out, bytes, len);
	if ((rc = codec_load(codec)) == STATUS_OK && (rc = codecs[codec].decompress(bytes, len, most, out)) != STATUS_OK)
		out->len = old;
	return rc;
}

static int
cannot_compress(const char *name, const char *why)
{
	return status_fail(STATUS_AGAIN, "%s: cannot compress: %s", name, why);
}

static int
not_valid(const char *name, const char *why)
{
	return status_fail(STATUS_CORRUPT, "%s: %s", name, why);
}

static int
too_large(const char *name, size_t most)
{
	return status_fail(STATUS_CORRUPT, "%s: stands for more than %zu bytes", name, most);
}

/* Room for the next piece of output: twice what there is, within what is allowed and one byte more, by which too much shows. */
static int
make_room(struct buf *out, size_t used, size_t most)
{
	size_t step = used > STEP_BYTES ? used : STEP_BYTES;

	if (step > most - used)
		step = most - used + 1;
	return buf_reserve(out, step);
}

/*
 * gzip.
 */

static int
gzip_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out)
{
	z_stream z = {0};
	size_t bound;
	int rc;

	if (len > UINT32_MAX)
		return cannot_compress("gzip", "too large");
	if (codec_lib.deflate_init(&z, level == CODEC_DEFAULT_LEVEL ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED, MAX_WBITS + 16, 8,
		Z_DEFAULT_STRATEGY, codec_lib.version(), (int)sizeof(z)) != Z_OK)
		return status_no_memory("gzip");
	bound = codec_lib.deflate_bound(&z, (uLong)len);
	if ((rc = buf_reserve(out, bound)) == STATUS_OK) {
		z.next_in = (Bytef *)(uintptr_t)bytes;
		z.avail_in = (uInt)len;
		z.next_out = out->data + out->len;
		z.avail_out = (uInt)bound;
		if (codec_lib.deflate(&z, Z_FINISH) == Z_STREAM_END)
			out->len += z.total_out;
		else
			rc = cannot_compress("gzip", "the library failed");
	}
	(void)codec_lib.deflate_end(&z);
	return rc;
}

static int
gzip_inflate(z_stream *z, size_t most, struct buf *out)
{
	size_t start = out->len;
	int rc, n = Z_OK;

	/* Members may follow each other (RFC 1952, 2.2). */
	while (n != Z_STREAM_END || z->avail_in > 0) {
		if (n == Z_STREAM_END && codec_lib.inflate_reset(z) != Z_OK)
			return not_valid("gzip", "the library failed");
		if ((rc = make_room(out, out->len - start, most)) != STATUS_OK)
			return rc;
		z->next_out = out->data + out->len;
		z->avail_out = (uInt)(out->cap - out->len > UINT32_MAX ? UINT32_MAX : out->cap - out->len);
		n = codec_lib.inflate(z, Z_NO_FLUSH);
		out->len = (size_t)(z->next_out - out->data);
		if (n == Z_MEM_ERROR)
			return status_no_memory("gzip");
		if (n != Z_OK && n != Z_STREAM_END)
			return not_valid("gzip", n == Z_BUF_ERROR ? "it ends too early" : "bytes are no gzip stream");
		if (out->len - start > most)
			return too_large("gzip", most);
	}
	return STATUS_OK;
}

static int
gzip_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	z_stream z = {0};
	int rc;

	if (len > UINT32_MAX)
		return not_valid("gzip", "too large");
	if (codec_lib.inflate_init(&z, MAX_WBITS + 16, codec_lib.version(), (int)sizeof(z)) != Z_OK)
		return status_no_memory("gzip");
	z.next_in = (Bytef *)(uintptr_t)bytes;
	z.avail_in = (uInt)len;
	rc = gzip_inflate(&z, most, out);
	(void)codec_lib.inflate_end(&z);
	return rc;
}

/*
 * snappy.
 */

static int
snappy_compress_framed(int32_t level, const uint8_t *bytes, size_t len, struct buf *out)
{
	int rc = buf_append(out, xerial_header, sizeof(xerial_header));

	(void)level;
	while (rc == STATUS_OK && len > 0) {
		size_t block = len < XERIAL_BLOCK_BYTES ? len : XERIAL_BLOCK_BYTES, size = codec_lib.snappy_bound(block);

		if ((rc = buf_reserve(out, XERIAL_LENGTH_BYTES + size)) != STATUS_OK)
			break;
		if (codec_lib.snappy_compress((const char *)bytes, block, (char *)out->data + out->len + XERIAL_LENGTH_BYTES,
			&size) != SNAPPY_OK)
			return cannot_compress("snappy", "the library failed");
		be32enc(out->data + out->len, (uint32_t)size);
		out->len += XERIAL_LENGTH_BYTES + size;
		bytes += block;
		len -= block;
	}
	return rc;
}

static int
snappy_block(const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	size_t size;
	int rc;

	if (codec_lib.snappy_length((const char *)bytes, len, &size) != SNAPPY_OK)
		return not_valid("snappy", "bytes are no snappy block");
	if (size > most)
		return too_large("snappy", most);
	if ((rc = buf_reserve(out, size + 1)) != STATUS_OK)
		return rc;
	if (codec_lib.snappy_uncompress((const char *)bytes, len, (char *)out->data + out->len, &size) != SNAPPY_OK)
		return not_valid("snappy", "bytes are no snappy block");
	out->len += size;
	return STATUS_OK;
}

static int
snappy_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	const uint8_t *end = bytes + len;
	size_t start = out->len, size;
	int rc;

	/* The magic alone: a later version that calls itself compatible is read as well (SnappyCodec.isValidMagicHeader). */
	if (len < XERIAL_HEADER_BYTES || memcmp(bytes, xerial_header, 8) != 0)
		return snappy_block(bytes, len, most, out);
	for (bytes += XERIAL_HEADER_BYTES; bytes < end; bytes += size) {
		if (end - bytes < XERIAL_LENGTH_BYTES)
			return not_valid("snappy", "it ends within a block's length");
		size = be32dec(bytes);
		bytes += XERIAL_LENGTH_BYTES;
		if (size > (size_t)(end - bytes))
			return not_valid("snappy", "it ends within a block");
		if ((rc = snappy_block(bytes, size, most - (out->len - start), out)) != STATUS_OK)
			return rc;
	}
	return STATUS_OK;
}

/*
 * lz4.
 */

static int
lz4_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out)
{
	LZ4F_preferences_t prefs = {
	    .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
	    .compressionLevel = level == CODEC_DEFAULT_LEVEL ? 0 : level,
	};
	size_t bound = codec_lib.lz4_bound(len, &prefs), size;
	int rc;

	if ((rc = buf_reserve(out, bound)) != STATUS_OK)
		return rc;
	size = codec_lib.lz4_compress(out->data + out->len, bound, bytes, len, &prefs);
	if (codec_lib.lz4_is_error(size))
		return cannot_compress("lz4", "the library failed");
	out->len += size;
	return STATUS_OK;
}

static int
lz4_decode(LZ4F_dctx *context, const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	size_t start = out->len, hint = 1;
	int rc;

	while (hint != 0 || len > 0) {
		size_t in = len, room;

		if ((rc = make_room(out, out->len - start, most)) != STATUS_OK)
			return rc;
		room = out->cap - out->len;
		hint = codec_lib.lz4_decompress(context, out->data + out->len, &room, bytes, &in, NULL);
		if (codec_lib.lz4_is_error(hint))
			return not_valid("lz4", "bytes are no lz4 frame");
		if (hint != 0 && in == 0 && room == 0)
			return not_valid("lz4", "it ends too early");
		out->len += room;
		bytes += in;
		len -= in;
		if (out->len - start > most)
			return too_large("lz4", most);
	}
	return STATUS_OK;
}

static int
lz4_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	LZ4F_dctx *context;
	int rc;

	if (codec_lib.lz4_is_error(codec_lib.lz4_open(&context, LZ4F_VERSION)))
		return status_no_memory("lz4");
	rc = lz4_decode(context, bytes, len, most, out);
	(void)codec_lib.lz4_close(context);
	return rc;
}

/*
 * zstd.
 */

static int
zstd_compress(int32_t level, const uint8_t *bytes, size_t len, struct buf *out)
{
	size_t bound = codec_lib.zstd_bound(len), size;
	int rc;

	if ((rc = buf_reserve(out, bound)) != STATUS_OK)
		return rc;
	size = codec_lib.zstd_compress(out->data + out->len, bound, bytes, len,
	    level == CODEC_DEFAULT_LEVEL ? ZSTD_CLEVEL_DEFAULT : level);
	if (codec_lib.zstd_is_error(size))
		return cannot_compress("zstd", "the library failed");
	out->len += size;
	return STATUS_OK;
}

static int
zstd_decode(ZSTD_DStream *stream, const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	ZSTD_inBuffer in = {bytes, len, 0};
	size_t start = out->len, hint = 1;
	int rc;

	while (hint != 0 || in.pos < in.size) {
		ZSTD_outBuffer o;
		size_t before = in.pos;

		if ((rc = make_room(out, out->len - start, most)) != STATUS_OK)
			return rc;
		o = (ZSTD_outBuffer){out->data + out->len, out->cap - out->len, 0};
		hint = codec_lib.zstd_decompress(stream, &o, &in);
		if (codec_lib.zstd_is_error(hint))
			return not_valid("zstd", "bytes are no zstd frame");
		if (hint != 0 && in.pos == before && o.pos == 0)
			return not_valid("zstd", "it ends too early");
		out->len += o.pos;
		if (out->len - start > most)
			return too_large("zstd", most);
	}
	return STATUS_OK;
}

static int
zstd_decompress(const uint8_t *bytes, size_t len, size_t most, struct buf *out)
{
	ZSTD_DStream *stream;
	int rc;

	if ((stream = codec_lib.zstd_open()) == NULL)
		return status_no_memory("zstd");
	rc = zstd_decode(stream, bytes, len, most, out);
	(void)codec_lib.zstd_close(stream);
	return rc;
}

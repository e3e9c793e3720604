#include "base/unpack.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec_lib.h"
#include "base/file.h"
#include "base/status.h"

#define PIECE_BYTES ((size_t)128 << 10)

struct unpack {
	enum codec codec;
	int fd;
	const char *name;
	int64_t at;	      /* of the next piece */
	size_t start, behind; /* in piece: what was not decompressed yet */
	bool between;	      /* frames, or members of gzip: the file may end here */
	bool ended;	      /* all of it was read */
	z_stream gzip;
	LZ4F_dctx *lz4;
	ZSTD_DStream *zstd;
	uint8_t piece[PIECE_BYTES];
};

bool
unpack_codec(const char *name, enum codec *codec)
{
	static const struct {
		const char *end;
		enum codec codec;
	} ends[] = {{".gz", CODEC_GZIP}, {".zst", CODEC_ZSTD}, {".lz4", CODEC_LZ4}};
	size_t len = strlen(name);

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		size_t end = strlen(ends[i].end);

		if (len <= end || strcmp(name + len - end, ends[i].end) != 0)
			continue;
		*codec = ends[i].codec;
		return true;
	}
	return false;
}

static bool
start_codec(struct unpack *u)
{
	switch (u->codec) {
	case CODEC_GZIP:
		return codec_lib.inflate_init(&u->gzip, MAX_WBITS + 16, codec_lib.version(), (int)sizeof(u->gzip)) == Z_OK;
	case CODEC_LZ4:
		return !codec_lib.lz4_is_error(codec_lib.lz4_open(&u->lz4, LZ4F_VERSION));
	default:
		return (u->zstd = codec_lib.zstd_open()) != NULL;
	}
}

int
unpack_open(enum codec codec, int fd, const char *name, struct unpack **out)
{
	struct unpack *u;
	int rc;

	if ((rc = codec_load(codec)) != STATUS_OK)
		return status_context(rc, "%s", name);
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return status_no_memory(name);
	u->codec = codec;
	u->fd = fd;
	u->name = name;
	u->between = true;
	if (!start_codec(u)) {
		free(u);
		return status_no_memory(name);
	}
	*out = u;
	return STATUS_OK;
}

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->codec == CODEC_GZIP)
		(void)codec_lib.inflate_end(&u->gzip);
	else if (u->codec == CODEC_LZ4)
		(void)codec_lib.lz4_close(u->lz4);
	else
		(void)codec_lib.zstd_close(u->zstd);
	free(u);
}

static int
fail_bytes(const struct unpack *u)
{
	return status_fail(STATUS_CORRUPT, "%s: its bytes are no %s", u->name, codec_name(u->codec));
}

static int
step_gzip(struct unpack *u, uint8_t *bytes, size_t len, size_t *used, size_t *got)
{
	z_stream *z = &u->gzip;
	int n;

	/* Members may follow each other (RFC 1952, 2.2). */
	if (u->between && u->at > (int64_t)u->behind - (int64_t)u->start && codec_lib.inflate_reset(z) != Z_OK)
		return fail_bytes(u);
	z->next_in = u->piece + u->start;
	z->avail_in = (uInt)(u->behind - u->start);
	z->next_out = bytes;
	z->avail_out = len > UINT32_MAX ? UINT32_MAX : (uInt)len;
	n = codec_lib.inflate(z, Z_NO_FLUSH);
	if (n == Z_MEM_ERROR)
		return status_no_memory(u->name);
	if (n != Z_OK && n != Z_STREAM_END && n != Z_BUF_ERROR)
		return fail_bytes(u);
	*used = u->behind - u->start - z->avail_in;
	*got = (size_t)(z->next_out - bytes);
	u->between = n == Z_STREAM_END;
	return STATUS_OK;
}

static int
step_lz4(struct unpack *u, uint8_t *bytes, size_t len, size_t *used, size_t *got)
{
	size_t hint;

	*used = u->behind - u->start;
	*got = len;
	hint = codec_lib.lz4_decompress(u->lz4, bytes, got, u->piece + u->start, used, NULL);
	u->between = hint == 0;
	return codec_lib.lz4_is_error(hint) ? fail_bytes(u) : STATUS_OK;
}

static int
step_zstd(struct unpack *u, uint8_t *bytes, size_t len, size_t *used, size_t *got)
{
	ZSTD_inBuffer in = {u->piece + u->start, u->behind - u->start, 0};
	ZSTD_outBuffer out = {bytes, len, 0};
	size_t hint = codec_lib.zstd_decompress(u->zstd, &out, &in);

	*used = in.pos;
	*got = out.pos;
	u->between = hint == 0;
	return codec_lib.zstd_is_error(hint) ? fail_bytes(u) : STATUS_OK;
}

static int
step(struct unpack *u, uint8_t *bytes, size_t len, size_t *got)
{
	size_t used = 0;
	int rc;

	if (u->codec == CODEC_GZIP)
		rc = step_gzip(u, bytes, len, &used, got);
	else if (u->codec == CODEC_LZ4)
		rc = step_lz4(u, bytes, len, &used, got);
	else
		rc = step_zstd(u, bytes, len, &used, got);
	u->start += used;
	return rc;
}

static int
fill(struct unpack *u)
{
	size_t got;
	int rc;

	if ((rc = file_read_at(u->fd, u->name, u->piece, sizeof(u->piece), u->at, &got)) != STATUS_OK)
		return rc;
	u->start = 0;
	u->behind = got;
	u->at += (int64_t)got;
	u->ended = got == 0;
	return STATUS_OK;
}

int
unpack_read(struct unpack *u, uint8_t *bytes, size_t len, size_t *got)
{
	int rc = STATUS_OK;

	/* A decoder may hold back output when it has taken all input, so at the end it is asked once more unless it stands between frames. */
	for (*got = 0; *got == 0;) {
		if (u->start == u->behind && !u->ended && (rc = fill(u)) != STATUS_OK)
			return rc;
		if (u->ended && u->between)
			return STATUS_OK;
		if ((rc = step(u, bytes, len, got)) != STATUS_OK)
			return rc;
		if (u->ended && *got == 0 && !u->between)
			return status_fail(STATUS_CORRUPT, "%s: it ends too early", u->name);
	}
	return STATUS_OK;
}

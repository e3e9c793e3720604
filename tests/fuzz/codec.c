/*
 * codec: any bytes as what a codec made, and what it makes of them as what it reads again. The first byte says which codec.
 */
#include "fuzz.h"

#include "base/codec.h"

#define MOST_BYTES ((size_t)4 << 20)

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_bytes input = {bytes, len};
	enum codec codec = (enum codec)(1 + fuzz_byte(&input) % (CODEC_COUNT - 1));
	struct buf in, packed = BUF_EMPTY, out = BUF_EMPTY;

	in = fuzz_rest(&input);
	if (codec_decompress(codec, in.data, in.len, MOST_BYTES, &out) == STATUS_OK)
		EXPECT(out.len <= MOST_BYTES);
	else
		EXPECT(out.len == 0);
	buf_clear(&out);
	EXPECT(codec_compress(codec, CODEC_DEFAULT_LEVEL, in.data, in.len, &packed) == STATUS_OK);
	EXPECT(codec_decompress(codec, packed.data, packed.len, in.len, &out) == STATUS_OK);
	EXPECT(out.len == in.len && (in.len == 0 || memcmp(out.data, in.data, in.len) == 0));
	buf_free(&in);
	buf_free(&packed);
	buf_free(&out);
	return 0;
}

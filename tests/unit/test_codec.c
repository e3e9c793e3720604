#include "base/codec.h"

#include "base/status.h"
#include "unit.h"

#define MOST_BYTES ((size_t)200000)

static const enum codec packing[] = {CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD};

/* Text that shrinks, of a fixed seed. */
static uint8_t *
make_text(size_t len)
{
	unsigned seed = 5;
	uint8_t *bytes = malloc(len + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)('a' + rand_r(&seed) % 7);
	return bytes;
}

static void
test_names_and_levels(void **state)
{
	enum codec codec;
	int32_t level;

	(void)state;
	assert_ok(codec_parse("none", &codec, &level));
	assert_int_equal(codec, CODEC_NONE);
	assert_ok(codec_parse("zstd:22", &codec, &level));
	assert_int_equal(codec, CODEC_ZSTD);
	assert_int_equal(level, 22);
	assert_ok(codec_parse("gzip", &codec, &level));
	assert_int_equal(level, CODEC_DEFAULT_LEVEL);
	for (unsigned i = 0; i < CODEC_COUNT; i++) {
		assert_ok(codec_parse(codec_name(i), &codec, &level));
		assert_int_equal(codec, i);
	}
	assert_string_equal(codec_name(CODEC_COUNT), "unknown");
}

static void
test_what_is_no_codec_is_refused_by_name(void **state)
{
	static const char *const texts[] = {"", "lz5", "zst", "zstdd", "ZSTD", "zstd:", "zstd:0", "zstd:23", "gzip:0", "gzip:10",
	    "lz4:0", "lz4:13", "lz4:1x", "snappy:1", "none:1", ":3"};
	enum codec codec = CODEC_LZ4;
	int32_t level = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_status(codec_parse(texts[i], &codec, &level), STATUS_USAGE);
		assert_int_equal(codec, CODEC_LZ4);
		assert_int_equal(level, 7);
	}
}

static void
check_round_trip(enum codec codec, int32_t level, const uint8_t *bytes, size_t len)
{
	struct buf packed = BUF_EMPTY, plain = BUF_EMPTY;

	/* Both append: what is there stays. */
	assert_ok(buf_append(&packed, "head", 4));
	assert_ok(buf_append(&plain, "top", 3));
	assert_ok(codec_compress(codec, level, bytes, len, &packed));
	assert_memory_equal(packed.data, "head", 4);
	assert_ok(codec_decompress(codec, packed.data + 4, packed.len - 4, len, &plain));
	assert_int_equal(plain.len, len + 3);
	assert_memory_equal(plain.data, "top", 3);
	if (len > 0)
		assert_memory_equal(plain.data + 3, bytes, len);
	buf_free(&packed);
	buf_free(&plain);
}

static void
test_every_length_comes_back(void **state)
{
	uint8_t *text = make_text(MOST_BYTES);

	(void)state;
	for (unsigned codec = 0; codec < CODEC_COUNT; codec++) {
		for (size_t len = 0; len < 70; len++)
			check_round_trip((enum codec)codec, CODEC_DEFAULT_LEVEL, text, len);
		/* Around the blocks of snappy and lz4. */
		for (size_t block = 32 * 1024; block <= 128 * 1024; block *= 2) {
			for (int d = -1; d <= 1; d++)
				check_round_trip((enum codec)codec, CODEC_DEFAULT_LEVEL, text, (size_t)((int)block + d));
		}
		check_round_trip((enum codec)codec, CODEC_DEFAULT_LEVEL, text, MOST_BYTES);
	}
	check_round_trip(CODEC_GZIP, 1, text, MOST_BYTES);
	check_round_trip(CODEC_GZIP, 9, text, MOST_BYTES);
	check_round_trip(CODEC_LZ4, 12, text, MOST_BYTES);
	check_round_trip(CODEC_ZSTD, 19, text, MOST_BYTES);
	free(text);
}

static void
test_what_does_not_shrink_comes_back(void **state)
{
	uint8_t *bytes = malloc(MOST_BYTES);
	unsigned seed = 9;

	(void)state;
	for (size_t i = 0; i < MOST_BYTES; i++)
		bytes[i] = (uint8_t)rand_r(&seed);
	for (unsigned codec = 0; codec < CODEC_COUNT; codec++)
		check_round_trip((enum codec)codec, CODEC_DEFAULT_LEVEL, bytes, MOST_BYTES);
	free(bytes);
}

static void
test_the_form_is_the_one_kafka_reads(void **state)
{
	static const uint8_t gzip[] = {0x1f, 0x8b, 8}, lz4[] = {0x04, 0x22, 0x4d, 0x18}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd},
			     snappy[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
	const struct {
		enum codec codec;
		const uint8_t *begins;
		size_t len;
	} cases[] = {{CODEC_GZIP, gzip, sizeof(gzip)}, {CODEC_LZ4, lz4, sizeof(lz4)}, {CODEC_ZSTD, zstd, sizeof(zstd)},
	    {CODEC_SNAPPY, snappy, sizeof(snappy)}};
	uint8_t *text = make_text(100000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf packed = BUF_EMPTY;

		assert_ok(codec_compress(cases[i].codec, CODEC_DEFAULT_LEVEL, text, 100000, &packed));
		assert_memory_equal(packed.data, cases[i].begins, cases[i].len);
		/* lz4's FLG: version 01, independent blocks, no block checksum, no content size. */
		if (cases[i].codec == CODEC_LZ4)
			assert_int_equal(packed.data[4] & 0xf8, 0x60);
		buf_free(&packed);
	}
	free(text);
}

static void
test_a_bare_snappy_block_is_read(void **state)
{
	static const uint8_t block[] = {5, 4 << 2, 'h', 'e', 'l', 'l', 'o'};
	struct buf plain = BUF_EMPTY;

	(void)state;
	assert_ok(codec_decompress(CODEC_SNAPPY, block, sizeof(block), 100, &plain));
	assert_int_equal(plain.len, 5);
	assert_memory_equal(plain.data, "hello", 5);
	buf_free(&plain);
}

static void
test_more_than_allowed_is_refused(void **state)
{
	uint8_t *text = make_text(MOST_BYTES);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packing); i++) {
		struct buf packed = BUF_EMPTY, plain = BUF_EMPTY;

		assert_ok(codec_compress(packing[i], CODEC_DEFAULT_LEVEL, text, MOST_BYTES, &packed));
		for (size_t most = 0; most < MOST_BYTES; most = most * 2 + 1) {
			assert_status(codec_decompress(packing[i], packed.data, packed.len, most, &plain), STATUS_CORRUPT);
			assert_int_equal(plain.len, 0);
		}
		assert_status(codec_decompress(packing[i], packed.data, packed.len, MOST_BYTES - 1, &plain), STATUS_CORRUPT);
		assert_non_null(strstr(status_message(), codec_name(packing[i])));
		buf_free(&packed);
		buf_free(&plain);
	}
	free(text);
}

static void
test_half_a_form_and_garbage_are_refused(void **state)
{
	uint8_t *text = make_text(5000), garbage[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packing); i++) {
		struct buf packed = BUF_EMPTY, plain = BUF_EMPTY;

		assert_ok(codec_compress(packing[i], CODEC_DEFAULT_LEVEL, text, 5000, &packed));
		for (size_t len = 0; len < packed.len; len++) {
			/* snappy's framing has no end of its own: its header alone stands for nothing. */
			if (packing[i] == CODEC_SNAPPY && len == 16)
				continue;
			assert_status(codec_decompress(packing[i], packed.data, len, 10000, &plain), STATUS_CORRUPT);
		}
		/* Any flipped bit: the bytes, fewer of them, or a refusal; never a crash (the batch has a CRC of its own). */
		for (size_t bit = 0; bit < 8 * packed.len; bit += 7) {
			int rc;

			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			rc = codec_decompress(packing[i], packed.data, packed.len, 10000, &plain);
			assert_true(rc == STATUS_OK || rc == STATUS_CORRUPT || rc == STATUS_AGAIN);
			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			buf_clear(&plain);
		}
		memset(garbage, 0xff, sizeof(garbage));
		assert_status(codec_decompress(packing[i], garbage, sizeof(garbage), 1000, &plain), STATUS_CORRUPT);
		buf_free(&packed);
		buf_free(&plain);
	}
	free(text);
}

static void
test_no_memory_is_told_and_changes_nothing(void **state)
{
	uint8_t *text = make_text(100000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packing); i++) {
		struct buf packed = BUF_EMPTY, plain = BUF_EMPTY;

		assert_ok(codec_load(packing[i]));
		unit_oom_after(0);
		assert_status(codec_compress(packing[i], CODEC_DEFAULT_LEVEL, text, 100000, &packed), STATUS_AGAIN);
		unit_oom_off();
		buf_clear(&packed);
		assert_ok(codec_compress(packing[i], CODEC_DEFAULT_LEVEL, text, 100000, &packed));
		unit_oom_after(0);
		assert_status(codec_decompress(packing[i], packed.data, packed.len, 100000, &plain), STATUS_AGAIN);
		unit_oom_off();
		assert_int_equal(plain.len, 0);
		buf_free(&packed);
		buf_free(&plain);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_names_and_levels),
	    unit_test(test_what_is_no_codec_is_refused_by_name),
	    unit_test(test_every_length_comes_back),
	    unit_test(test_what_does_not_shrink_comes_back),
	    unit_test(test_the_form_is_the_one_kafka_reads),
	    unit_test(test_a_bare_snappy_block_is_read),
	    unit_test(test_more_than_allowed_is_refused),
	    unit_test(test_half_a_form_and_garbage_are_refused),
	    unit_test(test_no_memory_is_told_and_changes_nothing),
	};

	return unit_run(tests);
}

#include "base/unpack.h"

#include "base/buf.h"
#include "base/file.h"
#include "unit.h"

#define NAME "packed"

static const enum codec codecs[] = {CODEC_GZIP, CODEC_LZ4, CODEC_ZSTD};

/* A file with these bytes. */
static int
put(const struct buf *b, size_t len)
{
	const struct file_access access = {.mode = 0600, .gid = (gid_t)-1};
	int fd;

	assert_ok(file_remove(AT_FDCWD, NAME));
	assert_ok(file_create(AT_FDCWD, NAME, &access, &fd));
	assert_ok(file_write_at(fd, NAME, b->data, len, 0));
	return fd;
}

/* Lines that do not compress to nothing. */
static void
fill(struct buf *b, int lines)
{
	for (int i = 0; i < lines; i++)
		assert_ok(buf_printf(b, "%d line %u\n", i, (unsigned)i * 2654435761u));
}

/* All that it stands for, in pieces of `step` bytes. */
static int
read_all(enum codec codec, int fd, size_t step, struct buf *out)
{
	struct unpack *u;
	size_t got = 1;
	int rc;

	if ((rc = unpack_open(codec, fd, NAME, &u)) != STATUS_OK)
		return rc;
	while (rc == STATUS_OK && got > 0) {
		assert_ok(buf_reserve(out, step));
		rc = unpack_read(u, out->data + out->len, step, &got);
		out->len += rc == STATUS_OK ? got : 0;
	}
	unpack_close(u);
	return rc;
}

static void
test_what_was_packed_comes_back(void **state)
{
	static const size_t steps[] = {7, 4096, 1 << 20};
	struct buf plain = BUF_EMPTY;

	(void)state;
	fill(&plain, 60000);
	for (size_t i = 0; i < COUNT_OF(codecs) * COUNT_OF(steps); i++) {
		struct buf packed = BUF_EMPTY, out = BUF_EMPTY;
		int fd;

		/* Two frames, one behind the other. */
		assert_ok(codec_compress(codecs[i / 3], CODEC_DEFAULT_LEVEL, plain.data, 1000, &packed));
		assert_ok(codec_compress(codecs[i / 3], CODEC_DEFAULT_LEVEL, plain.data + 1000, plain.len - 1000, &packed));
		fd = put(&packed, packed.len);
		assert_ok(read_all(codecs[i / 3], fd, steps[i % 3], &out));
		assert_int_equal(out.len, plain.len);
		assert_memory_equal(out.data, plain.data, plain.len);
		assert_ok(file_close(fd, NAME));
		buf_free(&packed);
		buf_free(&out);
	}
	buf_free(&plain);
}

static void
test_one_that_is_cut_off_is_noticed(void **state)
{
	struct buf plain = BUF_EMPTY;

	(void)state;
	fill(&plain, 300);
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct buf packed = BUF_EMPTY;

		assert_ok(codec_compress(codecs[i], CODEC_DEFAULT_LEVEL, plain.data, plain.len, &packed));
		for (size_t len = 1; len < packed.len; len += 1 + len / 8) {
			struct buf out = BUF_EMPTY;
			int fd = put(&packed, len);

			assert_status(read_all(codecs[i], fd, 100, &out), STATUS_CORRUPT);
			assert_true(out.len <= plain.len && memcmp(out.data, plain.data, out.len) == 0);
			assert_ok(file_close(fd, NAME));
			buf_free(&out);
		}
		buf_free(&packed);
	}
	buf_free(&plain);
}

static void
test_an_empty_file_stands_for_nothing(void **state)
{
	struct buf none = BUF_EMPTY, out = BUF_EMPTY;
	int fd = put(&none, 0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		assert_ok(read_all(codecs[i], fd, 100, &out));
		assert_int_equal(out.len, 0);
	}
	assert_ok(file_close(fd, NAME));
	buf_free(&out);
}

static void
test_other_bytes_are_refused(void **state)
{
	struct buf plain = BUF_EMPTY, out = BUF_EMPTY;
	int fd;

	(void)state;
	fill(&plain, 10);
	fd = put(&plain, plain.len);
	for (size_t i = 0; i < COUNT_OF(codecs); i++)
		assert_status(read_all(codecs[i], fd, 100, &out), STATUS_CORRUPT);
	assert_ok(file_close(fd, NAME));
	buf_free(&plain);
	buf_free(&out);
}

static void
test_names_tell_the_codec(void **state)
{
	enum codec codec;

	(void)state;
	assert_true(unpack_codec("a.gz", &codec) && codec == CODEC_GZIP);
	assert_true(unpack_codec("a.1.zst", &codec) && codec == CODEC_ZSTD);
	assert_true(unpack_codec("a-2026.lz4", &codec) && codec == CODEC_LZ4);
	assert_false(unpack_codec(".gz", &codec));
	assert_false(unpack_codec("a.xz", &codec));
	assert_false(unpack_codec("a.gz.1", &codec));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_was_packed_comes_back),
	    unit_test(test_one_that_is_cut_off_is_noticed),
	    unit_test(test_an_empty_file_stands_for_nothing),
	    unit_test(test_other_bytes_are_refused),
	    unit_test(test_names_tell_the_codec),
	};

	return unit_run(tests);
}

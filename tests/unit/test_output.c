/* output: what is put comes out once and in order, whatever its size; a reader that is gone is seen. */
#include "cmd/output.h"
#include "base/sheet.h"
#include "proc.h"
#include "unit.h"

/* Output's stdout goes to the descriptor; the test's own comes back with restore. */
static int
redirect(int fd)
{
	int kept;

	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	return kept;
}

static void
restore(int kept)
{
	dup2(kept, STDOUT_FILENO);
	close(kept);
}

static void
test_pieces_of_every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 100, OUTPUT_BYTES - 102, 1, 2, OUTPUT_BYTES, OUTPUT_BYTES + 1, 3 * OUTPUT_BYTES, 5, 0};
	size_t total = 0, len;
	struct output out;
	char *piece = malloc(3 * OUTPUT_BYTES), *got;
	int fd = open("out", O_RDWR | O_CREAT, 0600), kept = redirect(fd), rc = STATUS_OK;

	(void)state;
	if (output_init(&out) == STATUS_OK) {
		for (size_t i = 0; rc == STATUS_OK && i < COUNT_OF(sizes); i++) {
			for (size_t n = 0; n < sizes[i]; n++)
				piece[n] = (char)('a' + (total + n) % 23);
			rc = output_put(&out, piece, sizes[i]);
			total += sizes[i];
		}
		if (rc == STATUS_OK)
			rc = output_flush(&out);
		assert_false(output_is_closed(&out));
	}
	restore(kept);
	assert_ok(rc);
	got = unit_read("out", &len);
	assert_int_equal(len, total);
	for (size_t n = 0; n < total; n++)
		assert_int_equal(got[n], 'a' + (int)(n % 23));
	free(got);
	free(piece);
	output_free(&out);
	close(fd);
}

static void
test_much_is_written_little_is_kept(void **state)
{
	int fd = open("out", O_RDWR | O_CREAT, 0600), kept = redirect(fd), rc, spill_rc;
	off_t before, after;
	struct output out;

	(void)state;
	rc = output_init(&out);
	rc = rc == STATUS_OK ? output_put(&out, "abc", 3) : rc;
	rc = rc == STATUS_OK ? buf_append(output_shape(&out), "def", 3) : rc;
	rc = rc == STATUS_OK ? output_put_shaped(&out) : rc;
	before = lseek(fd, 0, SEEK_END);
	rc = rc == STATUS_OK ? buf_reserve(output_shape(&out), OUTPUT_BYTES) : rc;
	memset(out.shape.data, 'x', OUTPUT_BYTES);
	out.shape.len = OUTPUT_BYTES;
	spill_rc = output_put_shaped(&out);
	after = lseek(fd, 0, SEEK_END);
	restore(kept);
	assert_ok(rc);
	assert_ok(spill_rc);
	assert_int_equal(before, 0);
	assert_int_equal(after, 6);
	output_free(&out);
	close(fd);
}

static void
test_a_full_disk_is_an_error_and_what_failed_is_not_written_again(void **state)
{
	int fd = open("/dev/full", O_WRONLY), kept = redirect(fd), rc, again;
	struct output out;

	(void)state;
	rc = output_init(&out);
	rc = rc == STATUS_OK ? output_put(&out, "abc", 3) : rc;
	rc = rc == STATUS_OK ? output_flush(&out) : STATUS_OK;
	again = output_flush(&out);
	restore(kept);
	assert_status(rc, STATUS_IO);
	assert_ok(again);
	output_free(&out);
	close(fd);
}

static void
test_a_reader_that_is_gone_is_seen(void **state)
{
	bool open_pipe, closed_pipe;
	struct output out;
	int fds[2], kept, rc;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	kept = redirect(fds[1]);
	rc = output_init(&out);
	open_pipe = output_is_closed(&out);
	close(fds[0]);
	closed_pipe = output_is_closed(&out);
	restore(kept);
	assert_ok(rc);
	assert_false(open_pipe);
	assert_true(closed_pipe);
	output_free(&out);
	close(fds[1]);
}

/* What is in the pipe is not taken; what was read is, also by a reader that went away then. */
static void
test_what_is_taken_and_what_is_not(void **state)
{
	bool before, between, after;
	struct output out;
	int fds[2], kept, rc;
	char got[8];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	kept = redirect(fds[1]);
	close(fds[1]);
	rc = output_init(&out);
	before = output_is_taken(&out);
	if (rc == STATUS_OK && (rc = output_put(&out, "abc", 3)) == STATUS_OK)
		rc = output_flush(&out);
	between = output_is_taken(&out);
	assert_int_equal(read(fds[0], got, sizeof(got)), 3);
	close(fds[0]);
	after = output_is_taken(&out);
	if (rc == STATUS_OK)
		rc = output_settle(&out);
	restore(kept);
	assert_ok(rc);
	assert_true(before);
	assert_false(between);
	assert_true(after);
	output_free(&out);
}

#define STREAM_BYTES (3 * SHEET_BYTES + 12345)

/* What stands at each place of the stream. */
static uint8_t
stream_byte(size_t at)
{
	return (uint8_t)(at % 251 ^ at >> 16);
}

/* Records of all sizes, some of more than a sheet's piece, to the pipe; then it is flushed and goes on. */
static int
put_stream(void *arg)
{
	uint8_t *stream = malloc(STREAM_BYTES);
	const int *fds = arg;
	struct output out;
	size_t at, len;

	close(fds[0]);
	(void)redirect(fds[1]);
	close(fds[1]);
	for (at = 0; at < STREAM_BYTES; at++)
		stream[at] = stream_byte(at);
	if (output_init(&out) != STATUS_OK)
		return 1;
	for (at = 0; at < STREAM_BYTES; at += len) {
		len = at % 5 == 0 ? 100000 : at % 3 == 0 ? 1 : 977;
		len = len < STREAM_BYTES - at ? len : STREAM_BYTES - at;
		if (output_put(&out, stream + at, len) != STATUS_OK)
			return 2;
	}
	if (output_flush(&out) != STATUS_OK || out.sheet != NULL || out.given != NULL)
		return 3;
	if (output_put(&out, "end", 3) != STATUS_OK || output_flush(&out) != STATUS_OK)
		return 4;
	output_free(&out);
	free(stream);
	return 0;
}

static void
assert_stream(int fd, size_t from, size_t to)
{
	uint8_t bytes[16384];

	for (size_t at = from; at < to;) {
		size_t want = to - at < sizeof(bytes) ? to - at : sizeof(bytes);
		ssize_t got = read(fd, bytes, want);

		assert_true(got > 0);
		for (ssize_t i = 0; i < got; i++, at++)
			assert_int_equal(bytes[i], stream_byte(at));
	}
}

/* Its reader copies the bytes, and now and then takes the pages themselves, which it looks at when all is over. */
static void
test_much_goes_to_a_pipe_and_no_page_of_it_is_written_again(void **state)
{
	enum { TAKEN_BYTES = 1 << 16, FROM = 2 << 20 };
	int fds[2], taken[2];
	size_t at, count = 0;
	char rest[4];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(taken), 0);
	pid = proc_start(put_stream, fds);
	close(fds[1]);
	assert_stream(fds[0], 0, FROM);
	while (count < TAKEN_BYTES) {
		ssize_t n = splice(fds[0], NULL, taken[1], NULL, TAKEN_BYTES - count, SPLICE_F_NONBLOCK);

		if (n < 0 && count > 0 && errno == EAGAIN)
			break; /* no slot is left, because pages are taken in parts */
		assert_true(n > 0);
		count += (size_t)n;
	}
	at = FROM + count;
	assert_stream(fds[0], at, STREAM_BYTES);
	assert_int_equal(read(fds[0], rest, sizeof(rest)), 3);
	assert_int_equal(read(fds[0], rest, sizeof(rest)), 0);
	assert_int_equal(proc_end(pid), 0);
	assert_stream(taken[0], FROM, at);
	close(fds[0]);
	close(taken[0]);
	close(taken[1]);
}

/* Where pages are not taken they are written: here the pipe has become a file. */
static void
test_pages_that_are_refused_are_written(void **state)
{
	static uint8_t piece[OUTPUT_BYTES];
	int fd = open("out", O_RDWR | O_CREAT, 0600), kept = redirect(fd), rc;
	struct output out;
	bool gave;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	if ((rc = output_init(&out)) == STATUS_OK) {
		out.gives = true;
		for (int i = 0; rc == STATUS_OK && i < 32; i++)
			rc = output_put(&out, piece, sizeof(piece));
		if (rc == STATUS_OK)
			rc = output_flush(&out);
	}
	gave = out.gives;
	restore(kept);
	assert_ok(rc);
	assert_false(gave);
	assert_int_equal(lseek(fd, 0, SEEK_END), 32 * OUTPUT_BYTES);
	output_free(&out);
	close(fd);
}

/* A sheet is new, huge and aligned, or none. */
static void
test_a_sheet_is_fresh(void **state)
{
	uint8_t *sheet = sheet_take();

	(void)state;
	for (int i = 0; sheet != NULL && i < 3; i++) {
		assert_int_equal((uintptr_t)sheet % SHEET_BYTES, 0);
		for (size_t at = 0; at < SHEET_BYTES; at += 511)
			assert_int_equal(sheet[at], 0);
		memset(sheet, 'x', SHEET_BYTES);
		sheet_drop(sheet);
		sheet = sheet_take();
	}
	sheet_drop(sheet);
	sheet_drop(NULL);
}

static void
test_a_file_is_synced(void **state)
{
	int fd = open("out", O_RDWR | O_CREAT, 0600), kept = redirect(fd), rc;
	struct output out;

	(void)state;
	if ((rc = output_init(&out)) == STATUS_OK && (rc = output_put(&out, "abc", 3)) == STATUS_OK &&
	    (rc = output_flush(&out)) == STATUS_OK)
		rc = output_settle(&out);
	restore(kept);
	assert_ok(rc);
	assert_true(out.file);
	assert_true(output_is_taken(&out));
	output_free(&out);
	close(fd);
}

static void
test_no_memory(void **state)
{
	struct output out;

	(void)state;
	unit_oom_after(0);
	assert_status(output_init(&out), STATUS_AGAIN);
	unit_oom_off();
	output_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_pieces_of_every_size),
	    unit_test(test_much_is_written_little_is_kept),
	    unit_test(test_a_full_disk_is_an_error_and_what_failed_is_not_written_again),
	    unit_test(test_a_reader_that_is_gone_is_seen),
	    unit_test(test_what_is_taken_and_what_is_not),
	    unit_test(test_much_goes_to_a_pipe_and_no_page_of_it_is_written_again),
	    unit_test(test_pages_that_are_refused_are_written),
	    unit_test(test_a_sheet_is_fresh),
	    unit_test(test_a_file_is_synced),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

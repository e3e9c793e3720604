/* output: what is put comes out once and in order, whatever its size; a reader that is gone is seen. */
#include "cmd/output.h"
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
	rc = rc == STATUS_OK ? output_spill(&out) : rc;
	before = lseek(fd, 0, SEEK_END);
	rc = rc == STATUS_OK ? buf_reserve(&out.bytes, OUTPUT_BYTES) : rc;
	memset(out.bytes.data + out.bytes.len, 'x', OUTPUT_BYTES - 3);
	out.bytes.len = OUTPUT_BYTES;
	spill_rc = output_spill(&out);
	after = lseek(fd, 0, SEEK_END);
	restore(kept);
	assert_ok(rc);
	assert_ok(spill_rc);
	assert_int_equal(before, 0);
	assert_int_equal(after, OUTPUT_BYTES);
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
	    unit_test(test_a_file_is_synced),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

#include "log/epoch.h"

#include <signal.h>
#include <sys/resource.h>

#include "log/format.h"
#include "golden.h"

static const struct file_access plain = {.mode = 0640, .gid = (gid_t)-1};

static int
open_here(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static int
read_text(const char *text, size_t len, struct epoch_list *list)
{
	int dir = open_here(), rc;

	unit_write(EPOCH_CHECKPOINT, text, len);
	rc = epoch_list_read(dir, list);
	close(dir);
	return rc;
}

static void
assert_file(const char *want)
{
	size_t len;
	char *text = unit_read(EPOCH_CHECKPOINT, &len);

	assert_string_equal(text, want);
	free(text);
}

static void
test_kafkas_checkpoints_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		int dir = golden_open(golden_folders[i]);
		struct epoch_list list;

		assert_ok(epoch_list_read(dir, &list));
		assert_true(list.count >= 1);
		assert_int_equal(list.entries[0].epoch, 0);
		/* A trim moves the first epoch's start. */
		assert_int_equal(list.entries[0].start_offset, strcmp(golden_folders[i], "trimmed-0") == 0 ? 4000 : 0);
		if (strcmp(golden_folders[i], "epochs-0") == 0) {
			assert_int_equal(list.count, 3);
			assert_int_equal(list.entries[1].epoch, 2);
			assert_int_equal(list.entries[1].start_offset, 5);
			assert_int_equal(list.entries[2].epoch, 4);
			assert_int_equal(list.entries[2].start_offset, 10);
		}
		epoch_list_free(&list);
		assert_null(list.entries);
		close(dir);
	}
}

static void
test_kafkas_checkpoint_is_written_byte_for_byte(void **state)
{
	int dir = open_here();
	uint8_t *want;
	size_t len;

	(void)state;
	want = golden_read("epochs-0", EPOCH_CHECKPOINT, &len);
	assert_ok(epoch_begin(dir, &plain, 0, 0));
	assert_ok(epoch_begin(dir, &plain, 2, 5));
	assert_ok(epoch_begin(dir, &plain, 4, 10));
	assert_file((const char *)want);
	free(want);
	close(dir);
}

static void
test_no_file_is_no_epoch(void **state)
{
	struct epoch_list list;
	int dir = open_here();

	(void)state;
	assert_ok(epoch_list_read(dir, &list));
	assert_int_equal(list.count, 0);
	assert_null(list.entries);
	epoch_list_free(&list);
	assert_ok(epoch_begin(dir, &plain, 0, 0));
	assert_file("0\n1\n0 0\n");
	close(dir);
}

static void
test_a_list_of_none_is_read_and_added_to(void **state)
{
	struct epoch_list list;
	int dir = open_here();

	(void)state;
	assert_ok(read_text("0\n0\n", 4, &list));
	assert_int_equal(list.count, 0);
	epoch_list_free(&list);
	assert_ok(epoch_begin(dir, &plain, 3, 77));
	assert_file("0\n1\n3 77\n");
	close(dir);
}

static void
test_the_largest_numbers_are_read(void **state)
{
	static const char text[] = "0\n2\n0 9223372036854775806\n2147483647 9223372036854775807\n";
	struct epoch_list list;

	(void)state;
	assert_ok(read_text(text, sizeof(text) - 1, &list));
	assert_int_equal(list.entries[1].epoch, INT32_MAX);
	assert_int_equal(list.entries[1].start_offset, INT64_MAX);
	epoch_list_free(&list);
}

#define BAD(text, line)                      \
	{                                    \
		text, sizeof(text) - 1, line \
	}

static void
test_a_checkpoint_that_cannot_be_understood_is_an_error(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int line;
	} bad[] = {
	    BAD("", 1),
	    BAD("0", 1),
	    BAD("1\n0\n", 1),
	    BAD("-1\n0\n", 1),
	    BAD("x\n0\n", 1),
	    BAD("0\n", 2),
	    BAD("0\n1", 2),
	    BAD("0\n-1\n", 2),
	    BAD("0\nmany\n", 2),
	    BAD("0\n9999999999\n", 2),
	    BAD("0\n1\n", 3),
	    BAD("0\n1\n0 0", 3),
	    BAD("0\n1\n0\n", 3),
	    BAD("0\n1\n 0\n", 3),
	    BAD("0\n1\n0 \n", 3),
	    BAD("0\n1\n0 0 0\n", 3),
	    BAD("0\n1\n-1 0\n", 3),
	    BAD("0\n1\n0 -1\n", 3),
	    BAD("0\n1\n2147483648 0\n", 3),
	    BAD("0\n1\n0 9223372036854775808\n", 3),
	    BAD("0\n2\n0 0\n", 4),
	    BAD("0\n2\n1 0\n1 5\n", 4), /* epochs ascend */
	    BAD("0\n2\n1 0\n0 5\n", 4),
	    BAD("0\n2\n0 5\n1 4\n", 4), /* offsets do not fall */
	    BAD("0\n1\n0 0\n1 1\n", 4), /* more than it counts */
	    BAD("0\n1\n0 0\n\n", 4),
	    BAD("0\n1\n0 0\n\0", 4),
	    BAD("0\0\n1\n0 0\n", 1),
	    BAD("0\n0\n0 0\n", 3),
	};
	struct epoch_list list;
	char want[80];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int dir = open_here();

		if (read_text(bad[i].text, bad[i].len, &list) != STATUS_IO)
			fail_msg("case %zu", i);
		snprintf(want, sizeof(want), EPOCH_CHECKPOINT ": line %d cannot be understood", bad[i].line);
		assert_string_equal(status_message(), want);
		assert_null(list.entries);
		assert_int_equal(list.count, 0);
		/* And nothing is written over it. */
		assert_status(epoch_begin(dir, &plain, 9, 9), STATUS_IO);
		close(dir);
	}
}

static void
test_a_checkpoint_cut_at_any_byte_is_an_error(void **state)
{
	static const char text[] = "0\n3\n0 0\n12 345\n67 8910\n";
	struct epoch_list list;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_status(read_text(text, len, &list), STATUS_IO);
	assert_ok(read_text(text, sizeof(text) - 1, &list));
	epoch_list_free(&list);
}

/* Kafka's LeaderEpochFileCache.assign: what begins at or behind the new epoch, or is not older, goes. */
static void
test_an_epoch_begins_where_it_is_told(void **state)
{
	static const struct {
		const char *before;
		int32_t epoch;
		int64_t start;
		const char *after;
	} cases[] = {
	    {"0\n1\n0 0\n", 1, 5, "0\n2\n0 0\n1 5\n"},
	    {"0\n1\n0 0\n", 1, 1, "0\n2\n0 0\n1 1\n"},
	    {"0\n1\n0 0\n", 1, 0, "0\n1\n1 0\n"},	    /* epoch 0 had no record */
	    {"0\n2\n0 0\n2 5\n", 4, 5, "0\n2\n0 0\n4 5\n"}, /* nor had epoch 2 */
	    {"0\n2\n0 0\n2 5\n", 4, 4, "0\n2\n0 0\n4 4\n"}, /* the log was cut */
	    {"0\n2\n0 0\n2 5\n", 2, 3, "0\n2\n0 0\n2 3\n"},
	    {"0\n2\n0 0\n2 5\n", 2, 5, "0\n2\n0 0\n2 5\n"}, /* it has begun already */
	    {"0\n2\n0 0\n2 5\n", 2, 6, "0\n2\n0 0\n2 5\n"},
	    {"0\n3\n0 0\n2 5\n4 9\n", 2, 7, "0\n3\n0 0\n2 5\n4 9\n"},
	    {"0\n3\n0 0\n2 5\n4 9\n", 3, 7, "0\n3\n0 0\n2 5\n3 7\n"}, /* a later epoch was wrong */
	    {"0\n3\n0 0\n2 5\n4 9\n", 1, 3, "0\n2\n0 0\n1 3\n"},
	    {"0\n1\n0 4000\n", 1, 4000, "0\n1\n1 4000\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int dir = open_here();

		unit_write(EPOCH_CHECKPOINT, cases[i].before, strlen(cases[i].before));
		assert_ok(epoch_begin(dir, &plain, cases[i].epoch, cases[i].start));
		assert_file(cases[i].after);
		close(dir);
	}
}

static void
test_a_new_file_has_the_access_it_was_told(void **state)
{
	int dir = open_here();
	struct stat st;

	(void)state;
	assert_ok(epoch_begin(dir, &plain, 0, 0));
	assert_int_equal(stat(EPOCH_CHECKPOINT, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	close(dir);
}

static void
test_thousands_of_epochs_are_kept(void **state)
{
	struct epoch_list list;
	int dir = open_here();
	FILE *f = fopen(EPOCH_CHECKPOINT, "w");

	(void)state;
	fprintf(f, "0\n50000\n");
	for (int i = 0; i < 50000; i++)
		fprintf(f, "%d %d\n", i, i * 3);
	fclose(f);
	assert_ok(epoch_begin(dir, &plain, 50000, 150000));
	assert_ok(epoch_list_read(dir, &list));
	assert_int_equal(list.count, 50001);
	assert_int_equal(list.entries[49999].start_offset, 149997);
	assert_int_equal(list.entries[50000].start_offset, 150000);
	epoch_list_free(&list);
	close(dir);
}

static void
test_without_memory_the_file_stays(void **state)
{
	static const char *const befores[] = {NULL, "0\n1\n0 0\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(befores); i++) {
		int dir = open_here();

		for (long n = 0;; n++) {
			int rc;

			(void)unlink(EPOCH_CHECKPOINT);
			if (befores[i] != NULL)
				unit_write(EPOCH_CHECKPOINT, befores[i], strlen(befores[i]));
			unit_oom_after(n);
			rc = epoch_begin(dir, &plain, 1, 5);
			if (unit_oom_off() == 0) {
				assert_ok(rc);
				break;
			}
			assert_status(rc, STATUS_AGAIN);
			if (befores[i] != NULL)
				assert_file(befores[i]);
			else
				assert_int_equal(access(EPOCH_CHECKPOINT, F_OK), -1);
		}
		assert_file(befores[i] != NULL ? "0\n2\n0 0\n1 5\n" : "0\n1\n1 5\n");
		close(dir);
	}
}

static void
test_without_room_the_old_file_stays(void **state)
{
	struct rlimit old, none;
	int dir = open_here(), rc;

	(void)state;
	assert_ok(epoch_begin(dir, &plain, 0, 0));
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	rc = epoch_begin(dir, &plain, 1, 5);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_status(rc, STATUS_AGAIN);
	assert_file("0\n1\n0 0\n");
	close(dir);
}

static struct epoch_list
three_epochs(void)
{
	struct epoch_list list = {NULL, 0};

	assert_ok(epoch_list_add(&list, 0, 0));
	assert_ok(epoch_list_add(&list, 3, 10));
	assert_ok(epoch_list_add(&list, 5, 20));
	return list;
}

static void
test_a_list_is_written_and_read(void **state)
{
	struct epoch_list list = three_epochs(), empty = {NULL, 0};
	int dir = open_here();

	(void)state;
	assert_ok(epoch_list_write(dir, &plain, &list));
	assert_file("0\n3\n0 0\n3 10\n5 20\n");
	assert_ok(epoch_list_write(dir, &plain, &empty));
	assert_file("0\n0\n");
	epoch_list_free(&list);
	unit_oom_after(0);
	assert_int_equal(epoch_list_add(&list, 1, 1), STATUS_AGAIN);
	unit_oom_off();
	assert_int_equal(list.count, 0);
	close(dir);
}

static void
test_a_list_begins_where_its_log_begins(void **state)
{
	static const struct {
		int64_t start;
		const char *want;
	} trims[] = {{0, "0\n3\n0 0\n3 10\n5 20\n"}, {1, "0\n3\n0 1\n3 10\n5 20\n"}, {9, "0\n3\n0 9\n3 10\n5 20\n"},
	    {10, "0\n2\n3 10\n5 20\n"}, {11, "0\n2\n3 11\n5 20\n"}, {20, "0\n1\n5 20\n"}, {99, "0\n1\n5 99\n"}};
	struct epoch_list empty = {NULL, 0};
	int dir = open_here();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(trims); i++) {
		struct epoch_list list = three_epochs();

		epoch_list_trim(&list, trims[i].start);
		assert_ok(epoch_list_write(dir, &plain, &list));
		assert_file(trims[i].want);
		epoch_list_free(&list);
	}
	epoch_list_trim(&empty, 5);
	assert_int_equal(empty.count, 0);
	close(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_kafkas_checkpoints_are_read),
	    unit_test(test_kafkas_checkpoint_is_written_byte_for_byte),
	    unit_test(test_no_file_is_no_epoch),
	    unit_test(test_a_list_of_none_is_read_and_added_to),
	    unit_test(test_the_largest_numbers_are_read),
	    unit_test(test_a_checkpoint_that_cannot_be_understood_is_an_error),
	    unit_test(test_a_checkpoint_cut_at_any_byte_is_an_error),
	    unit_test(test_an_epoch_begins_where_it_is_told),
	    unit_test(test_a_new_file_has_the_access_it_was_told),
	    unit_test(test_thousands_of_epochs_are_kept),
	    unit_test(test_without_memory_the_file_stays),
	    unit_test(test_without_room_the_old_file_stays),
	    unit_test(test_a_list_is_written_and_read),
	    unit_test(test_a_list_begins_where_its_log_begins),
	};

	golden_find();
	return unit_run(tests);
}

/* cursor: what is noted is found by the next run; other topics' and damaged files; epochs that were cut. */
#include "cmd/cursor.h"
#include "base/clock.h"
#include "store/catalog.h"
#include "unit.h"

#define ID "abcdefghijklmnopqrstuv"

static void
assert_file(const char *expected)
{
	size_t len;
	char *text = unit_read("at", &len);

	assert_string_equal(text, expected);
	free(text);
}

static void
assert_mark(const struct cursor *c, int partition, int64_t offset, int32_t epoch)
{
	struct cursor_mark mark;

	assert_true(cursor_find(c, partition, &mark));
	assert_int_equal(mark.offset, offset);
	assert_int_equal(mark.epoch, epoch);
}

static void
test_what_is_noted_is_found_by_the_next(void **state)
{
	struct cursor_mark mark;
	struct cursor *c;

	(void)state;
	assert_ok(cursor_open("at", ID, &c));
	assert_false(cursor_find(c, 0, &mark));
	assert_ok(cursor_note(c, 3, (struct cursor_mark){30, 1}));
	assert_ok(cursor_note(c, 1, (struct cursor_mark){INT64_MAX, INT32_MAX}));
	assert_ok(cursor_note(c, 2, (struct cursor_mark){0, -1}));
	assert_ok(cursor_note(c, 3, (struct cursor_mark){31, 2}));
	assert_int_equal(access("at", F_OK), -1);
	assert_ok(cursor_write(c));
	cursor_close(c);
	assert_file(ID "\n1 9223372036854775807 2147483647\n2 0 -1\n3 31 2\n");
	assert_ok(cursor_open("at", ID, &c));
	assert_false(cursor_find(c, 0, &mark));
	assert_mark(c, 1, INT64_MAX, INT32_MAX);
	assert_mark(c, 2, 0, -1);
	assert_mark(c, 3, 31, 2);
	assert_false(cursor_find(c, 4, &mark));
	cursor_close(c);
	cursor_close(NULL);
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void
test_it_is_replaced_only_if_it_changed(void **state)
{
	struct cursor *c;
	ino_t inode;

	(void)state;
	assert_ok(cursor_open("at", ID, &c));
	assert_ok(cursor_write(c));
	assert_file(ID "\n");
	inode = inode_of("at");
	assert_ok(cursor_write(c));
	assert_int_equal(inode_of("at"), inode);
	assert_ok(cursor_note(c, 0, (struct cursor_mark){1, 0}));
	assert_ok(cursor_write(c));
	assert_int_not_equal(inode_of("at"), inode);
	inode = inode_of("at");
	cursor_close(c);
	assert_ok(cursor_open("at", ID, &c));
	assert_ok(cursor_note(c, 0, (struct cursor_mark){1, 0}));
	assert_ok(cursor_write(c));
	assert_int_equal(inode_of("at"), inode);
	cursor_close(c);
}

static void
test_modes(void **state)
{
	struct cursor *c;
	struct stat st;

	(void)state;
	umask(027);
	assert_ok(cursor_open("at", ID, &c));
	assert_ok(cursor_write(c));
	assert_int_equal(stat("at", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	cursor_close(c);
	assert_int_equal(chmod("at", 0604), 0);
	assert_ok(cursor_open("./at", ID, &c));
	assert_ok(cursor_note(c, 0, (struct cursor_mark){1, 0}));
	assert_ok(cursor_write(c));
	cursor_close(c);
	assert_int_equal(stat("at", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	umask(022);
}

static void
test_a_path_may_have_folders(void **state)
{
	char path[sizeof(unit.dir) + 16];
	struct cursor *c;

	(void)state;
	assert_int_equal(mkdir("in", 0700), 0);
	assert_ok(cursor_open("in/at", ID, &c));
	assert_ok(cursor_write(c));
	cursor_close(c);
	snprintf(path, sizeof(path), "%s/in/at", unit.dir);
	assert_ok(cursor_open(path, ID, &c));
	cursor_close(c);
	assert_status(cursor_open("out/at", ID, &c), STATUS_MISSING);
	assert_status(cursor_open("in/at/x", ID, &c), STATUS_MISSING);
	assert_int_not_equal(cursor_open("in", ID, &c), STATUS_OK);
}

static void
test_an_empty_file_is_an_empty_cursor(void **state)
{
	struct cursor_mark mark;
	struct cursor *c;

	(void)state;
	unit_write("at", "", 0);
	assert_ok(cursor_open("at", ID, &c));
	assert_false(cursor_find(c, 0, &mark));
	assert_ok(cursor_write(c));
	cursor_close(c);
	assert_file(ID "\n");
}

static void
test_another_topics_file_is_refused_and_left_alone(void **state)
{
	static const char other[] = "zyxwvutsrqponmlkjihgfe\n0 5 0\n";
	struct cursor *c;

	(void)state;
	unit_write("at", other, sizeof(other) - 1);
	assert_status(cursor_open("at", ID, &c), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "another topic"));
	assert_file(other);
}

static void
test_what_is_no_cursor(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
	    {ID, "not a cursor file"},
	    {"\n", "another topic"},
	    {ID "x\n", "another topic"},
	    {ID "\n\n", "line 2"},
	    {ID "\n0 5 0", "line 2"},
	    {ID "\n0 5\n", "line 2"},
	    {ID "\n0 5 0 1\n", "line 2"},
	    {ID "\n-1 5 0\n", "line 2"},
	    {ID "\n0 -5 0\n", "line 2"},
	    {ID "\n0 5 -2\n", "line 2"},
	    {ID "\n0 5 x\n", "line 2"},
	    {ID "\n0 9223372036854775808 0\n", "line 2"},
	    {ID "\n2147483648 5 0\n", "line 2"},
	    {ID "\n0  5 0\n", "line 2"},
	    {ID "\n0 5 0\n0 5 0\n", "line 3"},
	    {ID "\n1 5 0\n0 5 0\n", "line 3"},
	};
	struct cursor *c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		unit_write("at", bad[i].text, strlen(bad[i].text));
		if (cursor_open("at", ID, &c) != STATUS_CONFIG || strstr(status_message(), bad[i].said) == NULL)
			fail_msg("%s: said %s", bad[i].text, status_message());
	}
	unit_write("at", ID "\n0 5 0\n\0", sizeof(ID "\n0 5 0\n\0") - 1);
	assert_status(cursor_open("at", ID, &c), STATUS_CONFIG);
}

static void
test_where_an_epoch_ends(void **state)
{
	static const char checkpoint[] = "0\n3\n0 0\n2 100\n5 150\n";
	static const struct {
		int32_t epoch;
		int64_t end, expected;
	} ends[] = {
	    {0, 200, 100},
	    {1, 200, 100},
	    {2, 200, 150},
	    {4, 200, 150},
	    {5, 200, 200},
	    {9, 200, 200},
	    {INT32_MAX, 200, 200},
	    {0, 90, 90},
	    {2, 120, 120},
	};
	struct store *store;
	struct config config;
	int64_t offset;

	(void)state;
	config_init(&config, 2);
	assert_ok(store_open_or_make("store", DEADLINE_NEVER, &store));
	assert_ok(catalog_create(store, "t", &config, DEADLINE_NEVER));
	assert_ok(cursor_epoch_end(store, "t", 0, 0, 17, &offset));
	assert_int_equal(offset, 17);
	unit_write("store/topics/t/t-1/leader-epoch-checkpoint", checkpoint, sizeof(checkpoint) - 1);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		assert_ok(cursor_epoch_end(store, "t", 1, ends[i].epoch, ends[i].end, &offset));
		assert_int_equal(offset, ends[i].expected);
	}
	unit_write("store/topics/t/t-1/leader-epoch-checkpoint", "x", 1);
	assert_status(cursor_epoch_end(store, "t", 1, 0, 1, &offset), STATUS_IO);
	assert_status(cursor_epoch_end(store, "t", 2, 0, 1, &offset), STATUS_MISSING);
	store_close(store);
}

static void
test_no_memory(void **state)
{
	(void)state;
	unit_write("at", ID "\n0 5 0\n", sizeof(ID "\n0 5 0\n") - 1);
	for (long n = 0;; n++) {
		struct cursor *c = NULL;
		int rc;

		unit_oom_after(n);
		if ((rc = cursor_open("at", ID, &c)) == STATUS_OK &&
		    (rc = cursor_note(c, 1, (struct cursor_mark){7, 0})) == STATUS_OK)
			rc = cursor_write(c);
		cursor_close(c);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_file(ID "\n0 5 0\n");
	}
	assert_file(ID "\n0 5 0\n1 7 0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_is_noted_is_found_by_the_next),
	    unit_test(test_it_is_replaced_only_if_it_changed),
	    unit_test(test_modes),
	    unit_test(test_a_path_may_have_folders),
	    unit_test(test_an_empty_file_is_an_empty_cursor),
	    unit_test(test_another_topics_file_is_refused_and_left_alone),
	    unit_test(test_what_is_no_cursor),
	    unit_test(test_where_an_epoch_ends),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

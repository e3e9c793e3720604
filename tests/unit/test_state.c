#include "store/state.h"
#include "iofault.h"

static const struct file_access access_of_test = {.mode = 0640, .gid = (gid_t)-1};

static int
open_folder(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static void
test_what_is_written_is_read(void **state)
{
	static const int32_t epochs[] = {0, 1, INT32_MAX - 1, INT32_MAX};
	int dir = open_folder();
	struct state s;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(epochs); i++) {
		s.leader_epoch = epochs[i];
		assert_ok(state_write(dir, &access_of_test, &s));
		s.leader_epoch = -7;
		assert_ok(state_read(dir, &s));
		assert_int_equal(s.leader_epoch, epochs[i]);
	}
	assert_int_equal(stat("state", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	close(dir);
}

static void
test_what_cannot_be_understood_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
	    {"", "state"},
	    {"format=1\n", "leader.epoch is missing"},
	    {"format=1\nleader.epoch=\n", "leader.epoch"},
	    {"format=1\nleader.epoch=-1\n", "leader.epoch"},
	    {"format=1\nleader.epoch=2147483648\n", "leader.epoch"},
	    {"format=1\nleader.epoch=1x\n", "leader.epoch"},
	    {"format=1\nleader.epoch=1\nmoon=full\n", "moon: unknown key"},
	    {"format=99\nleader.epoch=1\n", "state"},
	    {"leader.epoch=1\n", "state"},
	    {"format=1\nleader.epoch\n", "state"},
	};
	int dir = open_folder();
	struct state s = {.leader_epoch = 5};

	(void)state;
	assert_status(state_read(dir, &s), STATUS_MISSING);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		unit_write("state", bad[i].text, strlen(bad[i].text));
		assert_status(state_read(dir, &s), STATUS_CONFIG);
		assert_non_null(strstr(status_message(), bad[i].message));
		assert_non_null(strstr(status_message(), "state"));
		assert_int_equal(s.leader_epoch, 5);
	}
	close(dir);
}

static void
test_each_byte_less(void **state)
{
	int dir = open_folder();
	struct state s = {.leader_epoch = 12};
	char *text;
	size_t len;

	(void)state;
	assert_ok(state_write(dir, &access_of_test, &s));
	text = unit_read("state", &len);
	for (size_t n = 0; n < len; n++) {
		unit_write("state", text, n);
		s.leader_epoch = 5;
		/* A file that ends early is refused, never half believed. */
		assert_status(state_read(dir, &s), STATUS_CONFIG);
		assert_int_equal(s.leader_epoch, 5);
	}
	free(text);
	close(dir);
}

static void
test_errors_and_no_memory_leave_the_old_or_the_new(void **state)
{
	int dir = open_folder(), rc;
	struct state old = {.leader_epoch = 1}, new = {.leader_epoch = 2}, s;

	(void)state;
	for (long k = 1;; k++) {
		assert_ok(state_write(dir, &access_of_test, &old));
		iofault_at(k, ENOSPC, NULL);
		rc = state_write(dir, &access_of_test, &new);
		if (iofault_off() == 0)
			break;
		assert_ok(state_read(dir, &s));
		assert_true(s.leader_epoch == 1 || (rc == STATUS_IO && s.leader_epoch == 2) || rc == STATUS_OK);
	}
	assert_ok(rc);
	for (long n = 0;; n++) {
		unit_oom_after(n);
		rc = state_write(dir, &access_of_test, &new);
		if (rc == STATUS_OK)
			rc = state_read(dir, &s);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
	}
	assert_ok(rc);
	assert_int_equal(s.leader_epoch, 2);
	close(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_is_written_is_read),
	    unit_test(test_what_cannot_be_understood_is_refused),
	    unit_test(test_each_byte_less),
	    unit_test(test_errors_and_no_memory_leave_the_old_or_the_new),
	};

	return unit_run(tests);
}

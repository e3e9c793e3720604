#include "base/status.h"

#include <pthread.h>

#include "unit.h"

static void
test_a_failure_returns_its_status_and_keeps_its_message(void **state)
{
	(void)state;
	assert_int_equal(status_fail(STATUS_DATA, "record %d: no delimiter", 7), STATUS_DATA);
	assert_string_equal(status_message(), "record 7: no delimiter");
	status_clear();
	assert_string_equal(status_message(), "");
}

static void
test_context_goes_before_the_message_as_often_as_it_is_given(void **state)
{
	(void)state;
	assert_int_equal(status_fail(STATUS_IO, "write"), STATUS_IO);
	assert_int_equal(status_context(STATUS_AGAIN, "%s/%d", "orders", 3), STATUS_AGAIN);
	assert_int_equal(status_context(STATUS_AGAIN, "store"), STATUS_AGAIN);
	assert_string_equal(status_message(), "store: orders/3: write");
}

static void
test_the_message_may_be_an_argument_of_the_next_one(void **state)
{
	(void)state;
	assert_int_equal(status_fail(STATUS_NO, "inner"), STATUS_NO);
	assert_int_equal(status_fail(STATUS_NO, "outer (%s)", status_message()), STATUS_NO);
	assert_string_equal(status_message(), "outer (inner)");
	assert_int_equal(status_context(STATUS_NO, "again %s", status_message()), STATUS_NO);
	assert_string_equal(status_message(), "again outer (inner): outer (inner)");
}

/* One below, at and one above the 2047 bytes that fit. */
static void
test_a_message_too_long_is_cut_and_stays_a_string(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 2046; len <= 2048; len++) {
		assert_int_equal(status_fail(STATUS_IO, "%.*s", (int)len, text), STATUS_IO);
		assert_int_equal(strlen(status_message()), len < 2047 ? len : 2047);
	}
	assert_int_equal(status_context(STATUS_IO, "orders/3"), STATUS_IO);
	assert_int_equal(strlen(status_message()), 2047);
	assert_memory_equal(status_message(), "orders/3: xxx", 13);
	assert_int_equal(status_context(STATUS_IO, "%.*s", 4000, text), STATUS_IO);
	assert_int_equal(strlen(status_message()), 2047);
	errno = ENOSPC;
	assert_int_equal(status_errno("%.*s", 4000, text), STATUS_AGAIN);
	assert_int_equal(strlen(status_message()), 2047);
}

static void
test_a_system_error_gets_the_status_its_errno_asks_for(void **state)
{
	static const struct {
		int error, status;
	} cases[] = {
	    {ENOSPC, STATUS_AGAIN},
	    {EDQUOT, STATUS_AGAIN},
	    {EFBIG, STATUS_AGAIN},
	    {ENOMEM, STATUS_AGAIN},
	    {EMFILE, STATUS_AGAIN},
	    {ENFILE, STATUS_AGAIN},
	    {ENOLCK, STATUS_AGAIN},
	    {EAGAIN, STATUS_AGAIN},
	    {EACCES, STATUS_PERMISSION},
	    {EPERM, STATUS_PERMISSION},
	    {EROFS, STATUS_PERMISSION},
	    {ENOENT, STATUS_MISSING},
	    {ENOTDIR, STATUS_MISSING},
	    {EEXIST, STATUS_EXISTS},
	    {ENOTEMPTY, STATUS_EXISTS},
	    {EIO, STATUS_IO},
	    {EBADF, STATUS_IO},
	    {ELOOP, STATUS_IO},
	    {EPIPE, STATUS_IO},
	    {0, STATUS_IO},
	};
	char want[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		errno = cases[i].error;
		assert_status(status_errno("%s: %d", "file", 1), cases[i].status);
		(void)snprintf(want, sizeof(want), "file: 1: %s", strerror(cases[i].error));
		assert_string_equal(status_message(), want);
	}
}

static void
test_no_memory_is_a_reason_to_try_again(void **state)
{
	(void)state;
	unit_oom_after(0);
	assert_int_equal(status_no_memory("index"), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 0);
	assert_string_equal(status_message(), "index: out of memory");
}

static void
test_a_user_sees_only_the_statuses_of_the_manual(void **state)
{
	static const struct {
		int rc, status;
	} cases[] = {{STATUS_OK, 0}, {STATUS_NO, 1}, {STATUS_USAGE, 2}, {STATUS_DATA, 65}, {STATUS_MISSING, 66},
	    {STATUS_UNAVAILABLE, 69}, {STATUS_EXISTS, 73}, {STATUS_IO, 74}, {STATUS_AGAIN, 75}, {STATUS_FENCED, 76},
	    {STATUS_PERMISSION, 77}, {STATUS_CONFIG, 78}, {-79, 70}, {1, 70}, {STATUS_RECOVER, 70}, {STATUS_INTENT, 70},
	    {STATUS_GONE, 70}, {STATUS_END, 70}, {STATUS_CORRUPT, 70}, {STATUS_CONFIG_CHANGED, 70}, {INT_MIN, 70}, {INT_MAX, 70}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(status_exit(cases[i].rc), cases[i].status);
}

static void *
fail_elsewhere(void *arg)
{
	(void)status_fail(STATUS_IO, "%s", "of the other thread");
	*(bool *)arg = strcmp(status_message(), "of the other thread") == 0;
	return NULL;
}

static void
test_each_thread_has_a_message_of_its_own(void **state)
{
	bool seen = false;
	pthread_t thread;

	(void)state;
	assert_int_equal(status_fail(STATUS_NO, "mine"), STATUS_NO);
	assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &seen), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(seen);
	assert_string_equal(status_message(), "mine");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_failure_returns_its_status_and_keeps_its_message),
	    unit_test(test_context_goes_before_the_message_as_often_as_it_is_given),
	    unit_test(test_the_message_may_be_an_argument_of_the_next_one),
	    unit_test(test_a_message_too_long_is_cut_and_stays_a_string),
	    unit_test(test_a_system_error_gets_the_status_its_errno_asks_for),
	    unit_test(test_no_memory_is_a_reason_to_try_again),
	    unit_test(test_a_user_sees_only_the_statuses_of_the_manual),
	    unit_test(test_each_thread_has_a_message_of_its_own),
	};
	return unit_run(tests);
}

#include "store/keyvalue.h"

#include "unit.h"

static char seen[4096];

static int
note(void *arg, const char *key, const char *value)
{
	size_t len = strlen(seen);

	(void)arg;
	snprintf(seen + len, sizeof(seen) - len, "[%s|%s]", key, value);
	if (strcmp(key, "stop") == 0)
		return status_fail(STATUS_NO, "stop it");
	return STATUS_OK;
}

static int
each(const char *text, size_t len)
{
	struct buf b = BUF_EMPTY;
	int rc;

	seen[0] = '\0';
	assert_ok(buf_append(&b, text, len));
	rc = keyvalue_each(&b, note, NULL);
	buf_free(&b);
	return rc;
}

#define EACH(lit) each(lit, sizeof(lit) - 1)

static void
test_lines_come_in_their_order(void **state)
{
	(void)state;
	assert_ok(EACH("format=1\nb=2\na=\nc=x=y z\n"));
	assert_string_equal(seen, "[b|2][a|][c|x=y z]");
	assert_ok(EACH("format=1\n"));
	assert_string_equal(seen, "");
}

static void
refused(const char *text, size_t len, const char *why)
{
	assert_status(each(text, len), STATUS_CONFIG);
	assert_string_equal(seen, "");
	if (strstr(status_message(), why) == NULL)
		fail_msg("%s: not in: %s", why, status_message());
}

#define REFUSED(lit, why) refused(lit, sizeof(lit) - 1, why)

static void
test_what_is_not_understood_is_refused_with_its_line(void **state)
{
	(void)state;
	REFUSED("", "line 1: must be format=1");
	REFUSED("a=1\n", "line 1: must be format=1");
	REFUSED("\nformat=1\n", "line 1: must be format=1");
	REFUSED("format=2\n[other]\n", "line 1: format 2: another version");
	REFUSED("format=10\n", "format 10");
	REFUSED("format= 1\n", "format  1");
	REFUSED("format=1\na=1\nnonsense\n", "line 3: not KEY=VALUE: nonsense");
	REFUSED("format=1\n=1\n", "line 2: not KEY=VALUE");
	REFUSED("format=1\na=1\n\nb=2\n", "line 3: not KEY=VALUE");
	REFUSED("format=1\n# a comment\n", "line 2: not KEY=VALUE");
	REFUSED("format=1\na=1\nb=2\na=3\n", "line 4: a: given twice");
	REFUSED("format=1\na=1\nb=12", "line 3: no newline at its end");
	REFUSED("format=1\na=\0\n", "NUL");
}

static void
test_a_visit_that_fails_ends_the_walk_with_its_line(void **state)
{
	(void)state;
	assert_status(EACH("format=1\na=1\nstop=\nb=2\n"), STATUS_NO);
	assert_string_equal(seen, "[a|1][stop|]");
	assert_string_equal(status_message(), "line 3: stop it");
}

static int
each_of_lines(int count)
{
	struct buf b = BUF_EMPTY;
	int rc;

	assert_ok(buf_printf(&b, KEYVALUE_FORMAT));
	for (int i = 0; i < count; i++)
		assert_ok(buf_printf(&b, "k%d=v\n", i));
	rc = keyvalue_each(&b, note, NULL);
	buf_free(&b);
	return rc;
}

static void
test_a_thousand_lines_and_no_more(void **state)
{
	(void)state;
	assert_ok(each_of_lines(999));
	assert_ok(each_of_lines(1000));
	assert_status(each_of_lines(1001), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "line 1002: more than 1000 lines"));
}

/* Whatever the bytes are: a status, and nothing outside of them is read. */
static void
test_every_cut_of_a_file_is_refused_or_is_a_file(void **state)
{
	static const char whole[] = "format=1\nalpha=1\nbeta=2\n";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct buf b = {malloc(len), len, len};
		int rc;

		assert_true(b.data != NULL || len == 0);
		if (len > 0)
			memcpy(b.data, whole, len);
		rc = keyvalue_each(&b, note, NULL);
		if (len == 8 || (len > 0 && whole[len - 1] == '\n'))
			assert_ok(rc);
		else
			assert_status(rc, STATUS_CONFIG);
		free(b.data);
	}
}

static void
test_memory_runs_out(void **state)
{
	int rc;

	(void)state;
	for (long n = 0;; n++) {
		struct buf b = {(uint8_t *)(uintptr_t) "format=1\na=1\n", 13, 13};

		unit_oom_after(n);
		rc = keyvalue_each(&b, note, NULL);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
	}
	assert_ok(rc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_lines_come_in_their_order),
	    unit_test(test_what_is_not_understood_is_refused_with_its_line),
	    unit_test(test_a_visit_that_fails_ends_the_walk_with_its_line),
	    unit_test(test_a_thousand_lines_and_no_more),
	    unit_test(test_every_cut_of_a_file_is_refused_or_is_a_file),
	    unit_test(test_memory_runs_out),
	};
	return unit_run(tests);
}

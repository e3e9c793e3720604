#include "base/clock.h"

#include <sys/resource.h>
#include <time.h>

#include "unit.h"

static void
test_wall_time_is_that_of_time(void **state)
{
	int64_t before = (int64_t)time(NULL) * 1000, now = clock_wall_ms();

	(void)state;
	assert_true(now >= before);
	assert_true(now < before + 60000);
}

static void
test_a_fixed_wall_clock_stands_still_until_it_is_let_go(void **state)
{
	(void)state;
	clock_fix(0);
	assert_int_equal(clock_wall_ms(), 0);
	clock_fix(1763806800123);
	assert_int_equal(clock_wall_ms(), 1763806800123);
	clock_fix(-1);
	assert_true(clock_wall_ms() > 1763806800123);
}

static void
test_monotonic_time_never_goes_back(void **state)
{
	int64_t last = 0;

	(void)state;
	clock_fix(5);
	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_monotonic_ms();

		assert_true(now >= last);
		last = now;
	}
	clock_fix(-1);
}

static void
test_a_deadline_is_so_far_from_now_and_never_overflows(void **state)
{
	int64_t before = clock_monotonic_ms(), deadline = clock_deadline(1000), after = clock_monotonic_ms();

	(void)state;
	assert_in_range(deadline, before + 1000, after + 1000);
	assert_true(clock_deadline(0) <= clock_monotonic_ms());
	assert_int_equal(clock_deadline(-1), DEADLINE_NEVER);
	assert_int_equal(clock_deadline(INT64_MIN), DEADLINE_NEVER);
	assert_int_equal(clock_deadline(INT64_MAX), DEADLINE_NEVER);
	assert_int_equal(clock_deadline(INT64_MAX - 1), DEADLINE_NEVER);
}

static void
test_a_deadline_has_passed_when_its_millisecond_is_there(void **state)
{
	int64_t now = clock_monotonic_ms();

	(void)state;
	assert_true(clock_passed(DEADLINE_NOW));
	assert_true(clock_passed(now - 1));
	assert_true(clock_passed(now));
	assert_false(clock_passed(now + 60000));
	assert_false(clock_passed(DEADLINE_NEVER - 1));
	assert_false(clock_passed(DEADLINE_NEVER));
}

static void
test_what_remains_is_never_negative_nor_more_than_asked_for(void **state)
{
	int64_t now = clock_monotonic_ms();

	(void)state;
	assert_int_equal(clock_remaining(DEADLINE_NOW, 100), 0);
	assert_int_equal(clock_remaining(now, 100), 0);
	assert_int_equal(clock_remaining(now - 1, 100), 0);
	assert_int_equal(clock_remaining(INT64_MIN / 2, 100), 0);
	assert_int_equal(clock_remaining(DEADLINE_NEVER, 100), 100);
	assert_int_equal(clock_remaining(DEADLINE_NEVER, INT64_MAX), INT64_MAX);
	assert_int_equal(clock_remaining(now + 60000, 100), 100);
	assert_int_equal(clock_remaining(now + 60000, 0), 0);
	assert_in_range(clock_remaining(now + 60000, 90000), 30000, 60000);
}

static void
test_the_boot_id_is_the_kernels(void **state)
{
	uint8_t id[BOOT_ID_BYTES], again[BOOT_ID_BYTES];
	char text[64], *want;
	size_t len;

	(void)state;
	assert_ok(clock_boot_id(id));
	assert_ok(clock_boot_id(again));
	assert_memory_equal(id, again, sizeof(id));
	(void)snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", id[0], id[1],
	    id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
	assert_non_null(want = malloc(sizeof(text)));
	{
		FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

		assert_non_null(f);
		len = fread(want, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	want[len] = '\0';
	assert_string_equal(text, want);
	free(want);
}

static void
test_a_boot_id_that_cannot_be_read_leaves_the_old_one(void **state)
{
	static const uint8_t zero[BOOT_ID_BYTES];
	uint8_t id[BOOT_ID_BYTES] = {0};
	struct rlimit old, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_status(clock_boot_id(id), STATUS_AGAIN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_memory_equal(id, zero, sizeof(id));
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = clock_boot_id(id);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_memory_equal(id, zero, sizeof(id));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_wall_time_is_that_of_time),
	    unit_test(test_a_fixed_wall_clock_stands_still_until_it_is_let_go),
	    unit_test(test_monotonic_time_never_goes_back),
	    unit_test(test_a_deadline_is_so_far_from_now_and_never_overflows),
	    unit_test(test_a_deadline_has_passed_when_its_millisecond_is_there),
	    unit_test(test_what_remains_is_never_negative_nor_more_than_asked_for),
	    unit_test(test_the_boot_id_is_the_kernels),
	    unit_test(test_a_boot_id_that_cannot_be_read_leaves_the_old_one),
	};
	return unit_run(tests);
}

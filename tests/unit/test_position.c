/* position: what -o may say, and where that lies. Times within a topic are in test_consumer.c. */
#include "cmd/position.h"
#include "unit.h"

#define NOW INT64_C(1795341600000) /* 2026-11-22T10:00:00Z */

static void
assert_position(const struct position *p, enum position_kind kind, int64_t value)
{
	assert_int_equal(p->kind, kind);
	assert_int_equal(p->value, value);
}

static struct range
range_of(const char *text)
{
	struct range r = RANGE_ALL;

	assert_ok(range_parse(text, NOW, &r));
	return r;
}

static void
test_places(void **state)
{
	static const struct {
		const char *text;
		enum position_kind kind;
		int64_t value;
	} places[] = {
	    {"start", POSITION_START, 0},
	    {"beginning", POSITION_START, 0},
	    {"end", POSITION_END, 0},
	    {"stored", POSITION_STORED, 0},
	    {"0", POSITION_OFFSET, 0},
	    {"9223372036854775807", POSITION_OFFSET, INT64_MAX},
	    {"-5", POSITION_LAST, 5},
	    {"+5", POSITION_BEHIND, 5},
	    {"@-1h", POSITION_TIME, NOW - 3600000},
	    {"@+1h", POSITION_TIME, NOW + 3600000},
	    {"@1795341600", POSITION_TIME, NOW},
	    {"@1795341600000", POSITION_TIME, NOW},
	    {"@2026-11-22T10:00:00Z", POSITION_TIME, NOW},
	    {"@2026-11-22T10:00", POSITION_TIME, NOW},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct range r = range_of(places[i].text);

		assert_position(&r.from, places[i].kind, places[i].value);
		assert_false(r.has_to);
	}
}

static void
test_ranges(void **state)
{
	struct range r;

	(void)state;
	r = range_of("3:7");
	assert_position(&r.from, POSITION_OFFSET, 3);
	assert_position(&r.to, POSITION_OFFSET, 7);
	assert_true(r.has_to);
	r = range_of(":end");
	assert_position(&r.from, POSITION_START, 0);
	assert_position(&r.to, POSITION_END, 0);
	assert_true(r.has_to);
	r = range_of("-10:");
	assert_position(&r.from, POSITION_LAST, 10);
	assert_false(r.has_to);
	r = range_of("@2026-11-22T10:00:00Z:@2026-11-22T11:00:00Z");
	assert_position(&r.from, POSITION_TIME, NOW);
	assert_position(&r.to, POSITION_TIME, NOW + 3600000);
	/* The longest left side that is a time wins over none: 10:00, not 10 o'clock and a record 0. */
	r = range_of("@2026-11-22T10:00:@-1m");
	assert_position(&r.from, POSITION_TIME, NOW);
	assert_position(&r.to, POSITION_TIME, NOW - 60000);
	r = range_of("start:@2026-11-22T10:00:00+00:00");
	assert_position(&r.from, POSITION_START, 0);
	assert_position(&r.to, POSITION_TIME, NOW);
}

static void
test_kcat_says_a_range_in_two(void **state)
{
	struct range r = RANGE_ALL;

	(void)state;
	assert_ok(range_parse("e@20", NOW, &r));
	assert_position(&r.from, POSITION_START, 0);
	assert_ok(range_parse("s@10", NOW, &r));
	assert_position(&r.from, POSITION_TIME, 10);
	assert_position(&r.to, POSITION_TIME, 20);
	assert_true(r.has_to);
}

static void
test_what_is_no_place(void **state)
{
	static const char *const bad[] = {"", ":", "x", "1x", "--1", "+-1", "-", "+", "@", "@x", "1:2:3", "1:x", "x:1", "::", "s@",
	    "e@x", "s@-1", " 1", "END", ":stored", "1:stored", "9223372036854775808", "@2026-13-01", "@1:2:3:4"};
	struct range r = RANGE_ALL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (range_parse(bad[i], NOW, &r) != STATUS_USAGE)
			fail_msg("%s: taken for a place", bad[i]);
		assert_position(&r.from, POSITION_START, 0);
		assert_false(r.has_to);
	}
}

static void
test_places_in_a_partition(void **state)
{
	static const struct {
		const char *text;
		int64_t offset; /* of [100, 110) */
	} places[] = {
	    {"start", 100},
	    {"end", 110},
	    {"stored", 100},
	    {"-0", 110},
	    {"-1", 109},
	    {"-10", 100},
	    {"-11", 100},
	    {"-9223372036854775807", 100},
	    {"+0", 100},
	    {"+1", 101},
	    {"+10", 110},
	    {"+11", 110},
	    {"+9223372036854775807", 110},
	    {"0", 0},
	    {"105", 105},
	    {"200", 200},
	};
	int64_t offset;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct range r = range_of(places[i].text);

		assert_ok(position_resolve(&r.from, NULL, 0, 100, 110, &offset));
		assert_int_equal(offset, places[i].offset);
	}
}

static void
test_no_memory_is_no_range(void **state)
{
	struct range r = RANGE_ALL;

	(void)state;
	unit_oom_after(0);
	assert_int_not_equal(range_parse("1:2", NOW, &r), STATUS_OK);
	assert_int_equal(unit_oom_off(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_places),
	    unit_test(test_ranges),
	    unit_test(test_kcat_says_a_range_in_two),
	    unit_test(test_what_is_no_place),
	    unit_test(test_places_in_a_partition),
	    unit_test(test_no_memory_is_no_range),
	};

	return unit_run(tests);
}

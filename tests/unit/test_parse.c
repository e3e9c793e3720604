#include "base/parse.h"

#include <time.h>

#include "unit.h"

#define BAD INT64_MIN /* the text must be refused */
#define NOW INT64_C(1700000000000)

struct number {
	const char *text;
	int64_t want;
};

typedef int parser(const char *text, int64_t *value);

static void
check(parser *parse, const struct number *cases, size_t case_count)
{
	for (size_t i = 0; i < case_count; i++) {
		int64_t value = 4242;
		int rc;

		status_clear();
		rc = parse(cases[i].text, &value);
		if (cases[i].want == BAD) {
			if (rc != STATUS_USAGE || value != 4242)
				fail_msg("'%s': not refused: status %d, value %lld", cases[i].text, rc, (long long)value);
			if (strncmp(status_message(), cases[i].text, strnlen(cases[i].text, 64)) != 0)
				fail_msg("'%s': not named by '%s'", cases[i].text, status_message());
		} else if (rc != STATUS_OK || value != cases[i].want) {
			fail_msg("'%s': status %d, value %lld, not %lld: %s", cases[i].text, rc, (long long)value,
			    (long long)cases[i].want, status_message());
		}
	}
}

static int
any_int64(const char *text, int64_t *value)
{
	return parse_int64(text, INT64_MIN + 1, INT64_MAX, value);
}

static int
one_to_ten(const char *text, int64_t *value)
{
	return parse_int64(text, 1, 10, value);
}

static void
test_a_number_is_the_whole_text(void **state)
{
	static const struct number cases[] = {{"0", 0}, {"-0", 0}, {"1", 1}, {"-1", -1}, {"007", 7},
	    {"9223372036854775806", INT64_MAX - 1}, {"9223372036854775807", INT64_MAX}, {"9223372036854775808", BAD},
	    {"-9223372036854775807", INT64_MIN + 1}, {"-9223372036854775809", BAD}, {"99999999999999999999999999999999", BAD},
	    {"99999999999999999999999999999999x", BAD}, {"", BAD}, {"-", BAD}, {"+", BAD}, {"+1", BAD}, {"--1", BAD}, {"-+1", BAD},
	    {" 1", BAD}, {"1 ", BAD}, {"1\n", BAD}, {"- 1", BAD}, {"1.0", BAD}, {"1e3", BAD}, {"0x10", BAD}, {"1_000", BAD},
	    {"one", BAD}, {"\xc2\xb2", BAD}};

	(void)state;
	check(any_int64, cases, COUNT_OF(cases));
}

static void
test_both_limits_of_a_number_are_inclusive(void **state)
{
	static const struct number cases[] = {{"0", BAD}, {"1", 1}, {"2", 2}, {"9", 9}, {"10", 10}, {"11", BAD}, {"-5", BAD}};

	(void)state;
	check(one_to_ten, cases, COUNT_OF(cases));
	assert_status(one_to_ten("11", &(int64_t){0}), STATUS_USAGE);
	assert_string_equal(status_message(), "11: not from 1 to 10");
}

static void
test_a_size_has_binary_units(void **state)
{
	static const struct number cases[] = {{"0", 0}, {"1", 1}, {"100", 100}, {"100B", 100}, {"64K", 65536}, {"64k", 65536},
	    {"64KiB", 65536}, {"1M", 1048576}, {"1m", 1048576}, {"1MiB", 1048576}, {"2G", INT64_C(2) << 30},
	    {"2g", INT64_C(2) << 30}, {"2GiB", INT64_C(2) << 30}, {"3T", INT64_C(3) << 40}, {"3t", INT64_C(3) << 40},
	    {"3TiB", INT64_C(3) << 40}, {"0T", 0}, {"00000000000000000000000000000001K", 1024}};

	(void)state;
	check(parse_size, cases, COUNT_OF(cases));
}

static void
test_the_greatest_size_is_what_fits(void **state)
{
	static const struct number cases[] = {{"9223372036854775807", INT64_MAX}, {"9223372036854775808", BAD},
	    {"9007199254740991K", INT64_C(9007199254740991) << 10}, {"9007199254740992K", BAD},
	    {"8388607T", INT64_C(8388607) << 40}, {"8388608T", BAD}, {"18446744073709551616", BAD}, {"18446744073709551617K", BAD},
	    {"999999999999999999999999999999999999T", BAD}};

	(void)state;
	check(parse_size, cases, COUNT_OF(cases));
	assert_status(parse_size("8388608T", &(int64_t){0}), STATUS_USAGE);
	assert_string_equal(status_message(), "8388608T: too large a size");
	assert_status(parse_size("2Gxyz", &(int64_t){0}), STATUS_USAGE);
	assert_string_equal(status_message(), "2Gxyz: not a size (100, 64K, 1M, 2GiB)");
}

static void
test_what_is_only_nearly_a_size_is_refused(void **state)
{
	static const struct number cases[] = {{"", BAD}, {"K", BAD}, {"-1", BAD}, {"+1", BAD}, {"-1K", BAD}, {" 1K", BAD},
	    {"1K ", BAD}, {"1 K", BAD}, {"2Gxyz", BAD}, {"1KB", BAD}, {"1Kb", BAD}, {"1kib", BAD}, {"1KiBs", BAD}, {"1P", BAD},
	    {"1.5G", BAD}, {"0x10", BAD}, {"1K1", BAD}, {"1,000", BAD}, {"99999999999999999999999999x", BAD}};

	(void)state;
	check(parse_size, cases, COUNT_OF(cases));
}

static void
test_a_duration_always_has_its_unit(void **state)
{
	static const struct number cases[] = {{"0ms", 0}, {"1ms", 1}, {"500ms", 500}, {"10s", 10000}, {"5m", 300000},
	    {"2h", 7200000}, {"7d", 604800000}, {"0d", 0}, {"9223372036854775807ms", INT64_MAX}, {"9223372036854775808ms", BAD},
	    {"9223372036854775s", INT64_C(9223372036854775000)}, {"9223372036854776s", BAD},
	    {"106751991167d", INT64_C(106751991167) * 86400000}, {"106751991168d", BAD}, {"", BAD}, {"0", BAD}, {"10", BAD},
	    {"s", BAD}, {"ms", BAD}, {"-1s", BAD}, {"+1s", BAD}, {"1 s", BAD}, {" 1s", BAD}, {"1s ", BAD}, {"5M", BAD}, {"5S", BAD},
	    {"1w", BAD}, {"1y", BAD}, {"1h30m", BAD}, {"1.5h", BAD}, {"1sec", BAD}, {"1us", BAD}};

	(void)state;
	check(parse_duration_ms, cases, COUNT_OF(cases));
}

static int
time_from_now(const char *text, int64_t *ms)
{
	return parse_time_ms(text, NOW, ms);
}

static void
test_a_date_is_its_midnight_in_utc(void **state)
{
	static const struct number cases[] = {{"1970-01-01", 0}, {"1970-01-02", 86400000}, {"2000-02-29", INT64_C(951782400000)},
	    {"2024-02-29", INT64_C(1709164800000)}, {"2023-02-28", INT64_C(1677542400000)}, {"2026-11-22", INT64_C(1795305600000)},
	    {"9999-12-31", INT64_C(253402214400000)}, {"2023-02-29", BAD}, {"1900-02-29", BAD}, {"2100-02-29", BAD},
	    {"2024-02-30", BAD}, {"2024-02-31", BAD}, {"2024-04-31", BAD}, {"2024-12-32", BAD}, {"2024-01-00", BAD},
	    {"2024-00-01", BAD}, {"2024-13-01", BAD}, {"2024-99-99", BAD}, {"1969-12-31", BAD}, {"0000-01-01", BAD},
	    {"24-01-01", BAD}, {"2024-1-1", BAD}, {"2024/01/01", BAD}, {"20240101", BAD}, {"2024-01-01Z", BAD},
	    {"2024-01-01 ", BAD}, {" 2024-01-01", BAD}, {"2024-01-0", BAD}, {"2024-01-", BAD}, {"2024-01", BAD}, {"2024-", BAD},
	    {"2024", BAD}, {"202", BAD}, {"12024-01-01", BAD}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
}

static void
test_a_time_of_day_may_leave_out_its_end(void **state)
{
	static const struct number cases[] = {{"2026-11-22T10:00:00Z", INT64_C(1795341600000)},
	    {"2026-11-22t10:00:00z", INT64_C(1795341600000)}, {"2026-11-22 10:00:00", INT64_C(1795341600000)},
	    {"2026-11-22T10:00", INT64_C(1795341600000)}, {"2026-11-22T10:00Z", INT64_C(1795341600000)},
	    {"2026-11-22T10:00:00.5Z", INT64_C(1795341600500)}, {"2026-11-22T10:00:00.123", INT64_C(1795341600123)},
	    {"2026-11-22T10:00:00.1239999Z", INT64_C(1795341600123)},
	    {"2026-11-22T10:00:00.00099999999999999999999999Z", INT64_C(1795341600000)}, {"1970-01-01T00:00:00Z", 0},
	    {"1970-01-01T00:00:00.001Z", 1}, {"2026-11-22T00:00:00Z", INT64_C(1795305600000)},
	    {"2026-11-22T23:59:59.999Z", INT64_C(1795391999999)}, {"2026-11-22T24:00:00Z", BAD}, {"2026-11-22T10:60:00Z", BAD},
	    {"2026-11-22T10:00:61Z", BAD}, {"2026-11-22T10", BAD}, {"2026-11-22T", BAD}, {"2026-11-22 ", BAD},
	    {"2026-11-22T1:00:00Z", BAD}, {"2026-11-22T10:0:00Z", BAD}, {"2026-11-22T10:00:", BAD}, {"2026-11-22T10:00:0", BAD},
	    {"2026-11-22T10:00:00.", BAD}, {"2026-11-22T10:00:00.Z", BAD}, {"2026-11-22T10:00:00,5Z", BAD},
	    {"2026-11-22T10:00:00 Z", BAD}, {"2026-11-22T10:00:00Zx", BAD}, {"2026-11-22T10:00:00x", BAD},
	    {"2026-11-22_10:00:00", BAD}, {"2026-11-22T10.00", BAD}, {"2026-11-22T-1:00:00Z", BAD}, {"2026-11-22T10:00.5Z", BAD}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
}

static void
test_a_zone_is_taken_from_the_time(void **state)
{
	static const struct number cases[] = {{"2026-11-22T10:00:00+00:00", INT64_C(1795341600000)},
	    {"2026-11-22T10:00:00-00:00", INT64_C(1795341600000)}, {"2026-11-22T11:00:00+01:00", INT64_C(1795341600000)},
	    {"2026-11-22T04:30:00-05:30", INT64_C(1795341600000)}, {"2026-11-23T09:59:00+23:59", INT64_C(1795341600000)},
	    {"2026-11-22T10:00+01:00", INT64_C(1795338000000)}, {"2026-11-22T10:00:00.25+01:00", INT64_C(1795338000250)},
	    {"1970-01-01T01:00:00+01:00", 0}, {"1969-12-31T23:00:00-01:00", 0}, {"1970-01-01T00:59:59.999+01:00", BAD},
	    {"1969-12-31T23:59:59.999Z", BAD}, {"1970-01-01T00:00:00+00:01", BAD}, {"2026-11-22T10:00:00+24:00", BAD},
	    {"2026-11-22T10:00:00+01:60", BAD}, {"2026-11-22T10:00:00+1:00", BAD}, {"2026-11-22T10:00:00+0100", BAD},
	    {"2026-11-22T10:00:00+01", BAD}, {"2026-11-22T10:00:00+", BAD}, {"2026-11-22T10:00:00+01:00Z", BAD},
	    {"2026-11-22T10:00:00 +01:00", BAD}, {"2026-11-22T10:00:00UTC", BAD}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
	assert_status(time_from_now("1969-12-31T23:59:59Z", &(int64_t){0}), STATUS_USAGE);
	assert_string_equal(status_message(), "1969-12-31T23:59:59Z: before 1970");
}

static void
test_a_leap_second_ends_a_day_in_utc(void **state)
{
	static const struct number cases[] = {{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
	    {"2016-12-31T23:59:60.5Z", INT64_C(1483228800500)}, {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000)},
	    {"2016-12-31T23:59:60+01:00", BAD}, {"2016-12-31T10:00:60Z", BAD}, {"2016-12-31T23:58:60Z", BAD},
	    {"2026-02-31T23:59:60Z", BAD}, {"1969-12-31T23:59:60Z", 0}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
}

static void
test_the_zone_of_this_machine_changes_nothing(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
	tzset();
	assert_ok(time_from_now("2026-07-01T10:00:00", &ms));
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
	assert_int_equal(ms, INT64_C(1782900000000));
}

static void
test_thirteen_digits_are_milliseconds_and_ten_are_seconds(void **state)
{
	static const struct number cases[] = {{"1700000000000", NOW}, {"0000000000000", 0},
	    {"9999999999999", INT64_C(9999999999999)}, {"1700000000", NOW}, {"0000000001", 1000},
	    {"9999999999", INT64_C(9999999999000)}, {"0", BAD}, {"170000000", BAD}, {"17000000000", BAD}, {"170000000000", BAD},
	    {"17000000000000", BAD}, {"1700000000x", BAD}, {"1700000000 ", BAD}, {"1700000000.5", BAD}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
}

static void
test_a_relative_time_counts_from_now(void **state)
{
	static const struct number cases[] = {{"-1h", NOW - 3600000}, {"+5m", NOW + 300000}, {"-0s", NOW}, {"+0ms", NOW},
	    {"-1ms", NOW - 1}, {"-1700000000000ms", 0}, {"-1700000000001ms", BAD}, {"-1700000001s", BAD},
	    {"+9223370336854775807ms", INT64_MAX}, {"+9223370336854775808ms", BAD}, {"-9223372036854775807ms", BAD},
	    {"-9223372036854775808ms", BAD}, {"-", BAD}, {"+", BAD}, {"-1", BAD}, {"+1", BAD}, {"--1h", BAD}, {"-+1h", BAD},
	    {"- 1h", BAD}, {"-1h ", BAD}, {"1h", BAD}, {"now", BAD}, {"", BAD}, {" ", BAD}, {"yesterday", BAD}};

	(void)state;
	check(time_from_now, cases, COUNT_OF(cases));
}

static void
test_a_message_shows_only_so_much_of_a_huge_text(void **state)
{
	char text[5001];

	(void)state;
	memset(text, '9', sizeof(text) - 1);
	text[5000] = '\0';
	assert_status(any_int64(text, &(int64_t){0}), STATUS_USAGE);
	assert_true(strlen(status_message()) < 200);
	assert_status(parse_size(text, &(int64_t){0}), STATUS_USAGE);
	assert_non_null(strstr(status_message(), "too large a size"));
	assert_status(parse_duration_ms(text, &(int64_t){0}), STATUS_USAGE);
	assert_status(time_from_now(text, &(int64_t){0}), STATUS_USAGE);
	assert_non_null(strstr(status_message(), "not a time"));
	assert_status(parse_name("topic", text), STATUS_USAGE);
	assert_true(strlen(status_message()) < 250);
}

static void
test_a_name_is_what_kafka_takes_and_no_option(void **state)
{
	static const char *const good[] = {"a", "Z", "0", "_", "a-", "orders", "orders.v2", "...", "..a", ".a", "_x", "a--b",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"};
	static const char *const bad[] = {"", ".", "..", "-", "-a", "--", "a/b", "/", "a b", " a", "a\n", "a:b", "a,b", "a*", "a\\",
	    "$a", "\xc3\xa4", "a\x7f", "a\x01"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(parse_is_name(good[i]));
		assert_ok(parse_name("topic", good[i]));
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(parse_is_name(bad[i]));
		assert_status(parse_name("topic", bad[i]), STATUS_USAGE);
		assert_non_null(strstr(status_message(), "not a topic name"));
	}
}

static void
test_a_name_has_at_most_249_bytes(void **state)
{
	char name[NAME_MAX_BYTES + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[NAME_MAX_BYTES + 1] = '\0';
	assert_false(parse_is_name(name));
	name[NAME_MAX_BYTES] = '\0';
	assert_true(parse_is_name(name));
	name[NAME_MAX_BYTES - 1] = '\0';
	assert_true(parse_is_name(name));
	assert_int_equal(NAME_MAX_BYTES, 249);
}

static void
test_escapes_make_any_bytes(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(parse_escapes("", &b));
	assert_int_equal(b.len, 0);
	assert_ok(parse_escapes("a\\n\\t\\r\\0\\\\b\\x00\\xfF\\x41z\\012\\x414\xc3\xa4", &b));
	assert_bytes(b.data, b.len,
	    "a\n\t\r\0\\b\0\xff"
	    "Az\0"
	    "12A4\xc3\xa4");
	assert_ok(parse_escapes("+", &b));
	assert_int_equal(b.data[b.len - 1], '+');
	buf_free(&b);
}

static void
test_a_bad_escape_adds_nothing(void **state)
{
	static const char *const bad[] = {"\\", "ab\\", "\\q", "\\x", "\\x4", "\\x4g", "\\xg4", "\\N", "\\X41", "\\ n", "\\1",
	    "good\\nthen\\bad"};
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(buf_append(&b, "old", 3));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_status(parse_escapes(bad[i], &b), STATUS_USAGE);
		assert_bytes(b.data, b.len, "old");
	}
	buf_free(&b);
}

static void
test_escapes_without_memory_add_nothing(void **state)
{
	struct buf b = BUF_EMPTY;
	char text[1001];

	(void)state;
	memset(text, 'e', sizeof(text) - 1);
	text[1000] = '\0';
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = parse_escapes(text, &b);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(b.len, 0);
	}
	assert_int_equal(b.len, 1000);
	buf_free(&b);
}

static void
test_a_hexadecimal_digit_has_either_case(void **state)
{
	(void)state;
	for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
		const char *digits = "0123456789abcdef", *found = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

		assert_int_equal(parse_hex_digit((char)c), found != NULL ? found - digits : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_number_is_the_whole_text),
	    unit_test(test_both_limits_of_a_number_are_inclusive),
	    unit_test(test_a_size_has_binary_units),
	    unit_test(test_the_greatest_size_is_what_fits),
	    unit_test(test_what_is_only_nearly_a_size_is_refused),
	    unit_test(test_a_duration_always_has_its_unit),
	    unit_test(test_a_date_is_its_midnight_in_utc),
	    unit_test(test_a_time_of_day_may_leave_out_its_end),
	    unit_test(test_a_zone_is_taken_from_the_time),
	    unit_test(test_a_leap_second_ends_a_day_in_utc),
	    unit_test(test_the_zone_of_this_machine_changes_nothing),
	    unit_test(test_thirteen_digits_are_milliseconds_and_ten_are_seconds),
	    unit_test(test_a_relative_time_counts_from_now),
	    unit_test(test_a_message_shows_only_so_much_of_a_huge_text),
	    unit_test(test_a_name_is_what_kafka_takes_and_no_option),
	    unit_test(test_a_name_has_at_most_249_bytes),
	    unit_test(test_escapes_make_any_bytes),
	    unit_test(test_a_bad_escape_adds_nothing),
	    unit_test(test_escapes_without_memory_add_nothing),
	    unit_test(test_a_hexadecimal_digit_has_either_case),
	};
	return unit_run(tests);
}

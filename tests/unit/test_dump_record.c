#include "cmd/dump_record.h"

#include "unit.h"

static void
assert_line(const struct record *r, const char *want)
{
	struct buf b = BUF_EMPTY;

	assert_ok(dump_record_line(&b, r));
	assert_int_equal(b.len, strlen(want));
	assert_memory_equal(b.data, want, b.len);
	buf_free(&b);
}

static void
test_lines(void **state)
{
	struct record_header plain = {(const uint8_t *)"a", 1, (const uint8_t *)"b\"", 2},
			     null = {(const uint8_t *)"", 0, NULL, -1};
	struct record r = {.offset = 7, .timestamp_ms = -1, .key_len = -1, .value_len = -1};
	struct buf headers = BUF_EMPTY;

	(void)state;
	assert_line(&r, "  offset 7  timestamp 1969-12-31T23:59:59.999Z  key null  value null\n");
	assert_ok(record_add_header(&headers, &plain));
	assert_ok(record_add_header(&headers, &null));
	r = (struct record){.offset = INT64_MAX,
	    .timestamp_ms = INT64_MIN,
	    .key = (const uint8_t *)"",
	    .value = (const uint8_t *)"\x1b[m\n",
	    .value_len = 4,
	    .headers = headers.data,
	    .headers_len = (int32_t)headers.len,
	    .header_count = 2};
	assert_line(&r,
	    "  offset 9223372036854775807  timestamp -9223372036854775808  key \"\"  value \"\\x1b[m\\n\"  headers \"a\"=\"b\\x22\" "
	    "\"\"=null\n");
	buf_free(&headers);
}

static void
test_no_memory(void **state)
{
	struct record r = {.key_len = -1, .value_len = -1};

	(void)state;
	for (long n = 0;; n++) {
		struct buf b = BUF_EMPTY;
		int rc;

		unit_oom_after(n);
		rc = dump_record_line(&b, &r);
		buf_free(&b);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_lines),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

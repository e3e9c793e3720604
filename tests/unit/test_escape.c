#include "cmd/escape.h"

#include "unit.h"

static void
assert_text(const char *bytes, size_t len, const char *also, const char *want)
{
	struct buf b = BUF_EMPTY;

	assert_ok(escape_text(&b, bytes, len, also));
	assert_int_equal(b.len, strlen(want));
	if (b.len > 0)
		assert_memory_equal(b.data, want, b.len);
	buf_free(&b);
}

static void
test_text_that_is_safe_stays(void **state)
{
	(void)state;
	assert_text("", 0, "", "");
	assert_text("a b~!", 5, "", "a b~!");
	assert_text("\xc2\xa0\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", 13, "",
	    "\xc2\xa0\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
}

static void
test_control_characters_are_escaped(void **state)
{
	(void)state;
	assert_text("\t\n\\", 3, "", "\\t\\n\\\\");
	assert_text("\0\x1b\x7f\r", 4, "", "\\x00\\x1b\\x7f\\x0d");
	assert_text("\xc2\x9b", 2, "", "\\xc2\\x9b"); /* CSI in one character */
	assert_text("a=b,c", 5, "=,", "a\\x3db\\x2cc");
}

static void
test_what_is_not_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_text("\xff", 1, "", "\\xff");
	assert_text("\xc0\x80", 2, "", "\\xc0\\x80");
	assert_text("\xe2\x82", 2, "", "\\xe2\\x82");
	assert_text("\xe2\x82z", 3, "", "\\xe2\\x82z");
	assert_text("\xed\xa0\x80", 3, "", "\\xed\\xa0\\x80"); /* a surrogate */
	assert_text("\xe0\x80\x80", 3, "", "\\xe0\\x80\\x80");
	assert_text("\xf4\x90\x80\x80", 4, "", "\\xf4\\x90\\x80\\x80");
}

static void
assert_member(const char *bytes, size_t len, const char *want)
{
	struct buf b = BUF_EMPTY;

	assert_ok(escape_json_member(&b, "k", (const uint8_t *)bytes, len));
	assert_int_equal(b.len, strlen(want));
	assert_memory_equal(b.data, want, b.len);
	buf_free(&b);
}

static void
test_json_members(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_member(NULL, 0, "\"k\":null");
	assert_member("", 0, "\"k\":\"\"");
	assert_member("a\"\0\n", 4, "\"k\":\"a\\\"\\u0000\\n\"");
	assert_member("\xff\xfe", 2, "\"k_base64\":\"//4=\"");
	assert_status(escape_json(&b, "\xff", 1), STATUS_DATA);
	assert_int_equal(b.len, 0);
	assert_true(escape_is_utf8("", 0));
	assert_false(escape_is_utf8("\x80", 1));
}

static void
test_no_memory(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	unit_oom_after(0);
	assert_status(escape_text(&b, "\n", 1, ""), STATUS_AGAIN);
	assert_status(escape_json_member(&b, "k", (const uint8_t *)"\xff", 1), STATUS_AGAIN);
	assert_true(unit_oom_off() > 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_text_that_is_safe_stays),
	    unit_test(test_control_characters_are_escaped),
	    unit_test(test_what_is_not_utf8_is_escaped_byte_by_byte),
	    unit_test(test_json_members),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

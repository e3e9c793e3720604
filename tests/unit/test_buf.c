#include "base/buf.h"

#include "unit.h"

static void
test_an_empty_buf_owns_nothing(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_null(b.data);
	assert_ok(buf_reserve(&b, 0));
	assert_ok(buf_append(&b, NULL, 0));
	assert_null(b.data);
	buf_consume(&b, 0);
	buf_clear(&b);
	buf_free(&b);
	buf_free(&b);
	assert_int_equal(b.cap, 0);
}

static void
test_what_is_appended_is_there_in_order(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(buf_append(&b, "ab\0c", 4));
	assert_ok(buf_append_byte(&b, 0xff));
	assert_ok(buf_append(&b, "", 0));
	assert_ok(buf_printf(&b, "%s-%d", "x", 12));
	assert_bytes(b.data, b.len, "ab\0c\xffx-12");
	assert_int_equal(b.data[b.len], '\0');
	buf_free(&b);
}

/* One below, at and one above what is allocated. */
static void
test_it_grows_only_when_it_must_and_then_at_least_doubles(void **state)
{
	struct buf b = BUF_EMPTY;
	size_t cap;
	uint8_t *data;

	(void)state;
	assert_ok(buf_reserve(&b, 1));
	cap = b.cap;
	data = b.data;
	assert_true(cap >= 1);
	assert_ok(buf_reserve(&b, cap - 1));
	assert_ok(buf_reserve(&b, cap));
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.cap, cap);
	assert_ok(buf_reserve(&b, cap + 1));
	assert_true(b.cap >= 2 * cap);
	assert_int_equal(b.len, 0);
	cap = b.cap;
	assert_ok(buf_reserve(&b, cap * 7));
	assert_int_equal(b.cap, cap * 7);
	buf_free(&b);
}

static void
test_many_bytes_keep_their_values_while_it_moves(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_ok(buf_append_byte(&b, (uint8_t)(i * 7)));
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	buf_free(&b);
}

static void
test_a_length_that_overflows_is_refused(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(buf_append(&b, "abc", 3));
	assert_status(buf_reserve(&b, SIZE_MAX), STATUS_AGAIN);
	assert_status(buf_reserve(&b, SIZE_MAX - 2), STATUS_AGAIN);
	assert_bytes(b.data, b.len, "abc");
	assert_string_equal(status_message(), "buffer: out of memory");
	buf_free(&b);
}

static void
test_without_memory_the_buf_is_as_it_was(void **state)
{
	struct buf b = BUF_EMPTY;
	size_t cap;

	(void)state;
	unit_oom_after(0);
	assert_int_equal(buf_append(&b, "abc", 3), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 1);
	assert_null(b.data);
	assert_ok(buf_append(&b, "abc", 3));
	cap = b.cap;
	unit_oom_after(0);
	assert_int_equal(buf_reserve(&b, cap), STATUS_AGAIN);
	assert_int_equal(buf_printf(&b, "%200s", "x"), STATUS_AGAIN);
	while (b.len < cap)
		assert_int_equal(buf_append_byte(&b, 'd'), STATUS_OK);
	assert_int_equal(buf_append_byte(&b, 'd'), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 3);
	assert_int_equal(b.len, cap);
	assert_int_equal(b.cap, cap);
	assert_memory_equal(b.data, "abcd", 4);
	buf_free(&b);
}

/* The formatted text and its NUL end one below, at and one above the capacity. */
static void
test_printf_writes_all_of_a_text_of_any_length(void **state)
{
	(void)state;
	for (int len = 60; len < 70; len++) {
		struct buf b = BUF_EMPTY;

		assert_ok(buf_printf(&b, "%*s", len, "x"));
		assert_int_equal(b.len, len);
		assert_int_equal(strlen((char *)b.data), len);
		assert_int_equal(b.data[len - 1], 'x');
		buf_free(&b);
	}
}

static void
test_a_text_that_cannot_be_formatted_is_an_error(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(buf_append(&b, "abc", 3));
	assert_status(buf_printf(&b, "%ls", L"\xd800"), STATUS_IO);
	assert_bytes(b.data, b.len, "abc");
	buf_free(&b);
}

static void
test_consume_drops_from_the_front(void **state)
{
	struct buf b = BUF_EMPTY;

	(void)state;
	assert_ok(buf_append(&b, "abcdef", 6));
	buf_consume(&b, 0);
	assert_bytes(b.data, b.len, "abcdef");
	buf_consume(&b, 2);
	assert_bytes(b.data, b.len, "cdef");
	buf_consume(&b, 3);
	assert_bytes(b.data, b.len, "f");
	buf_consume(&b, 1);
	assert_int_equal(b.len, 0);
	assert_ok(buf_append(&b, "gh", 2));
	assert_bytes(b.data, b.len, "gh");
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap > 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_an_empty_buf_owns_nothing),
	    unit_test(test_what_is_appended_is_there_in_order),
	    unit_test(test_it_grows_only_when_it_must_and_then_at_least_doubles),
	    unit_test(test_many_bytes_keep_their_values_while_it_moves),
	    unit_test(test_a_length_that_overflows_is_refused),
	    unit_test(test_without_memory_the_buf_is_as_it_was),
	    unit_test(test_printf_writes_all_of_a_text_of_any_length),
	    unit_test(test_a_text_that_cannot_be_formatted_is_an_error),
	    unit_test(test_consume_drops_from_the_front),
	};
	return unit_run(tests);
}

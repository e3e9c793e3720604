#include "base/varint.h"

#include "unit.h"

/* The bytes are those of Protocol Buffers' sint32 and sint64. */
static const struct {
	int32_t value;
	size_t len;
	uint8_t bytes[VARINT_MAX_BYTES];
} ints[] = {
    {0, 1, {0x00}},
    {-1, 1, {0x01}},
    {1, 1, {0x02}},
    {63, 1, {0x7e}},
    {-64, 1, {0x7f}},
    {64, 2, {0x80, 0x01}},
    {-65, 2, {0x81, 0x01}},
    {8191, 2, {0xfe, 0x7f}},
    {-8192, 2, {0xff, 0x7f}},
    {8192, 3, {0x80, 0x80, 0x01}},
    {1048575, 3, {0xfe, 0xff, 0x7f}},
    {1048576, 4, {0x80, 0x80, 0x80, 0x01}},
    {-134217728, 4, {0xff, 0xff, 0xff, 0x7f}},
    {134217728, 5, {0x80, 0x80, 0x80, 0x80, 0x01}},
    {INT32_MAX, 5, {0xfe, 0xff, 0xff, 0xff, 0x0f}},
    {INT32_MIN, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
};

static void
test_an_int_has_the_bytes_of_the_specification(void **state)
{
	uint8_t bytes[VARINT_MAX_BYTES];
	int32_t value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ints); i++) {
		assert_int_equal(varint_size(ints[i].value), ints[i].len);
		assert_ptr_equal(varint_put(bytes, ints[i].value), bytes + ints[i].len);
		assert_memory_equal(bytes, ints[i].bytes, ints[i].len);
		assert_ptr_equal(varint_get(bytes, bytes + ints[i].len, &value), bytes + ints[i].len);
		assert_int_equal(value, ints[i].value);
	}
}

/* Powers of two and their neighbours, both signs. */
static void
test_every_long_comes_back(void **state)
{
	uint8_t bytes[VARLONG_MAX_BYTES];

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int step = -1; step <= 1; step++) {
			uint64_t bits = (UINT64_C(1) << bit) + (uint64_t)(int64_t)step;
			int64_t value = (int64_t)bits, back = 0;
			uint8_t *end = varlong_put(bytes, value);

			assert_int_equal(end - bytes, varlong_size(value));
			assert_ptr_equal(varlong_get(bytes, end, &back), end);
			assert_int_equal(back, value);
		}
	}
}

static void
test_the_longest_long_takes_ten_bytes(void **state)
{
	static const uint8_t want[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	uint8_t bytes[VARLONG_MAX_BYTES];

	(void)state;
	assert_int_equal(varlong_size(INT64_MIN), 10);
	assert_int_equal(varlong_size(INT64_MAX), 10);
	assert_int_equal(varlong_size((INT64_C(1) << 62) - 1), 9);
	assert_int_equal(varlong_size(INT64_C(1) << 62), 10);
	assert_ptr_equal(varlong_put(bytes, INT64_MIN), bytes + 10);
	assert_memory_equal(bytes, want, 10);
}

static void
test_an_int_and_a_long_of_the_same_value_are_the_same_bytes(void **state)
{
	uint8_t a[VARINT_MAX_BYTES], b[VARLONG_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ints); i++) {
		assert_int_equal(varint_put(a, ints[i].value) - a, varlong_put(b, ints[i].value) - b);
		assert_memory_equal(a, b, ints[i].len);
	}
}

/* The bytes lie at the end of an allocation of their own size, where the sanitizer sees one read too many. */
static void
test_bytes_that_end_too_early_are_no_number(void **state)
{
	uint8_t longest[VARLONG_MAX_BYTES];
	int32_t i32 = 42;
	int64_t i64 = 42;

	(void)state;
	memset(longest, 0xff, sizeof(longest));
	for (size_t len = 0; len < VARLONG_MAX_BYTES; len++) {
		uint8_t *bytes = malloc(len > 0 ? len : 1);

		assert_non_null(bytes);
		memcpy(bytes, longest, len);
		assert_null(varlong_get(bytes, bytes + len, &i64));
		assert_null(varint_get(bytes, bytes + len, &i32));
		free(bytes);
	}
	assert_int_equal(i32, 42);
	assert_int_equal(i64, 42);
}

static void
test_a_number_too_long_for_its_type_is_refused(void **state)
{
	static const uint8_t int_too_wide[] = {0xff, 0xff, 0xff, 0xff, 0x1f, 0};
	static const uint8_t int_goes_on[] = {0xff, 0xff, 0xff, 0xff, 0x8f, 0};
	static const uint8_t long_too_wide[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0};
	static const uint8_t long_goes_on[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0};
	int32_t i32 = 42;
	int64_t i64 = 42;

	(void)state;
	assert_null(varint_get(int_too_wide, int_too_wide + 6, &i32));
	assert_null(varint_get(int_goes_on, int_goes_on + 6, &i32));
	assert_null(varlong_get(long_too_wide, long_too_wide + 11, &i64));
	assert_null(varlong_get(long_goes_on, long_goes_on + 11, &i64));
	assert_int_equal(i32, 42);
	assert_int_equal(i64, 42);
}

static void
test_a_number_in_more_bytes_than_it_needs_is_read(void **state)
{
	static const uint8_t zero[] = {0x80, 0x80, 0x80, 0x80, 0x00};
	static const uint8_t minus_one[] = {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
	int32_t i32 = 42;
	int64_t i64 = 42;

	(void)state;
	assert_ptr_equal(varint_get(zero, zero + sizeof(zero), &i32), zero + sizeof(zero));
	assert_int_equal(i32, 0);
	assert_ptr_equal(varlong_get(minus_one, minus_one + sizeof(minus_one), &i64), minus_one + sizeof(minus_one));
	assert_int_equal(i64, -1);
}

static void
test_what_follows_a_number_is_left_alone(void **state)
{
	uint8_t bytes[] = {0xaa, 0xaa, 0xaa, 0xaa};
	int32_t value;

	(void)state;
	assert_ptr_equal(varint_put(bytes, 64), bytes + 2);
	assert_int_equal(bytes[2], 0xaa);
	assert_ptr_equal(varint_get(bytes, bytes + sizeof(bytes), &value), bytes + 2);
	assert_int_equal(value, 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_an_int_has_the_bytes_of_the_specification),
	    unit_test(test_every_long_comes_back),
	    unit_test(test_the_longest_long_takes_ten_bytes),
	    unit_test(test_an_int_and_a_long_of_the_same_value_are_the_same_bytes),
	    unit_test(test_bytes_that_end_too_early_are_no_number),
	    unit_test(test_a_number_too_long_for_its_type_is_refused),
	    unit_test(test_a_number_in_more_bytes_than_it_needs_is_read),
	    unit_test(test_what_follows_a_number_is_left_alone),
	};
	return unit_run(tests);
}

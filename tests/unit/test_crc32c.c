#include "base/crc32c.h"

#include "unit.h"

/* RFC 3720 B.4, and the check value of the polynomial. */
static void
test_the_checksums_are_those_of_rfc_3720(void **state)
{
	uint8_t bytes[32];

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283u);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(bytes, sizeof(bytes)), 0x8a9136aau);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(bytes, sizeof(bytes)), 0x62a8ab43u);
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	assert_int_equal(crc32c(bytes, sizeof(bytes)), 0x46dd794eu);
}

static void
test_no_bytes_have_the_checksum_zero(void **state)
{
	(void)state;
	assert_int_equal(crc32c("", 0), 0);
}

/* The definition, bit by bit. */
static uint32_t
slow_crc32c(const uint8_t *bytes, size_t len)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

/* Lengths round the widths that the fast code works in, at every alignment. */
static void
test_every_length_and_alignment_agrees_with_the_definition(void **state)
{
	static uint8_t bytes[4096 + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i + 31 * i);
	for (size_t len = 0; len <= 300; len++) {
		for (size_t shift = 0; shift < 16; shift++)
			assert_int_equal(crc32c(bytes + shift, len), slow_crc32c(bytes + shift, len));
	}
	for (size_t len = 4090; len <= 4100; len++)
		assert_int_equal(crc32c(bytes + 1, len), slow_crc32c(bytes + 1, len));
}

static void
test_one_bit_changes_it(void **state)
{
	uint8_t bytes[64] = {0};
	uint32_t whole = crc32c(bytes, sizeof(bytes));

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(crc32c(bytes, sizeof(bytes)), whole);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_the_checksums_are_those_of_rfc_3720),
	    unit_test(test_no_bytes_have_the_checksum_zero),
	    unit_test(test_every_length_and_alignment_agrees_with_the_definition),
	    unit_test(test_one_bit_changes_it),
	};
	return unit_run(tests);
}

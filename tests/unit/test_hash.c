#include "base/hash.h"

#include "unit.h"

static uint64_t
hash_of(uint64_t key, const void *bytes, size_t len)
{
	struct hash h;

	hash_begin(&h, key);
	hash_bytes(&h, bytes, len);
	return hash_end(&h);
}

/* Computed by a script of a few lines, from the words of mq-format(5): files hold these. */
static void
test_it_stays_what_it_is(void **state)
{
	struct hash h;

	(void)state;
	assert_true(hash_of(0, "", 0) == UINT64_C(0x5d2ba71ecd95cb8c));
	assert_true(hash_of(7, "0123456789abcdef", 16) == UINT64_C(0xfdb818a8ece45573));
	assert_true(hash_of(7, "0123456789abcdefghijk", 21) == UINT64_C(0xcb7efc53f85f009e));
	hash_begin(&h, 7);
	hash_pair(&h, UINT64_C(0x3736353433323130), UINT64_C(0x6665646362613938));
	assert_true(hash_end(&h) == UINT64_C(0xfdb818a8ece45573));
}

/* Each bit of key and bytes changes half of the hash's bits, more or less. */
static void
test_every_bit_counts(void **state)
{
	uint8_t bytes[40];
	int changed = 0, trials = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < 8 * (sizeof(bytes) + 8); i++) {
		uint64_t before = hash_of(3, bytes, sizeof(bytes)), after, key = 3;
		int bits;

		if (i < 8 * sizeof(bytes))
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		else
			key ^= UINT64_C(1) << i % 64;
		after = hash_of(key, bytes, sizeof(bytes));
		if (i < 8 * sizeof(bytes))
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		bits = __builtin_popcountll(before ^ after);
		assert_in_range(bits, 10, 54);
		changed += bits;
		trials++;
	}
	assert_in_range(changed / trials, 30, 34);
}

static void
test_order_counts_and_zeros_behind_do_not(void **state)
{
	(void)state;
	assert_true(hash_of(1, "0123456789abcdefABCDEFGHIJKLMNOP", 32) != hash_of(1, "ABCDEFGHIJKLMNOP0123456789abcdef", 32));
	assert_true(hash_of(1, "0123456789abcdef", 16) != hash_of(1, "89abcdef01234567", 16));
	assert_true(hash_of(1, "0123456", 7) == hash_of(1, "0123456\0", 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_it_stays_what_it_is),
	    unit_test(test_every_bit_counts),
	    unit_test(test_order_counts_and_zeros_behind_do_not),
	};
	return unit_run(tests);
}

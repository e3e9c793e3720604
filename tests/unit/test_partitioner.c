#include "store/partitioner.h"

#include "unit.h"

/* Opened before a test moves to its own folder. */
static FILE *golden;

static size_t
unhex(const char *hex, uint8_t *bytes)
{
	size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	return len;
}

static void
test_every_key_goes_where_kafka_sends_it(void **state)
{
	static char line[20000], hex[20000];
	static uint8_t key[10000];
	int hash, of_1, of_3, of_7, of_64, lines = 0;

	(void)state;
	assert_non_null(golden);
	while (fgets(line, sizeof(line), golden) != NULL) {
		size_t len;

		assert_int_equal(sscanf(line, "%19999s %d %d %d %d %d", hex, &hash, &of_1, &of_3, &of_7, &of_64), 6);
		len = unhex(hex, key);
		assert_int_equal(murmur2(key, len), hash);
		assert_int_equal(partition_of_key(key, len, 1), of_1);
		assert_int_equal(partition_of_key(key, len, 3), of_3);
		assert_int_equal(partition_of_key(key, len, 7), of_7);
		assert_int_equal(partition_of_key(key, len, 64), of_64);
		lines++;
	}
	assert_int_equal(lines, 300);
}

static void
test_the_empty_key_needs_no_bytes(void **state)
{
	(void)state;
	assert_int_equal(murmur2(NULL, 0), 275646681);
	assert_int_equal(partition_of_key(NULL, 0, 7), 2);
}

/* The bytes behind the key must not matter, and a key may lie at any address. */
static void
test_only_the_bytes_of_the_key_count(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (size_t at = 0; at < 4; at++) {
		for (size_t len = 0; len <= 8; len++) {
			int32_t hash;

			memset(bytes, 0xff, sizeof(bytes));
			memset(bytes + at, 'k', len);
			hash = murmur2(bytes + at, len);
			memset(bytes, 0x00, sizeof(bytes));
			memset(bytes + at, 'k', len);
			assert_int_equal(murmur2(bytes + at, len), hash);
		}
	}
}

static void
test_a_partition_is_never_negative(void **state)
{
	uint8_t key[4];

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		int p;

		memcpy(key, &i, sizeof(key));
		p = partition_of_key(key, sizeof(key), 100000);
		assert_in_range(p, 0, 99999);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_every_key_goes_where_kafka_sends_it),
	    unit_test(test_the_empty_key_needs_no_bytes),
	    unit_test(test_only_the_bytes_of_the_key_count),
	    unit_test(test_a_partition_is_never_negative),
	};

	golden = fopen("tests/golden/murmur2.tsv", "r");
	return unit_run(tests);
}

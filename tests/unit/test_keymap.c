#include "log/keymap.h"
#include "unit.h"

static int
put(struct keymap *m, const char *key, int64_t offset)
{
	int32_t len = (int32_t)strlen(key);
	uint64_t hash = keymap_hash(m, (const uint8_t *)key, len);

	keymap_touch(m, hash);
	return keymap_put(m, (const uint8_t *)key, len, hash, offset);
}

static int64_t
get(const struct keymap *m, const char *key)
{
	int32_t len = (int32_t)strlen(key);

	return keymap_get(m, (const uint8_t *)key, len, keymap_hash(m, (const uint8_t *)key, len));
}

static struct keymap *
open_map(size_t bytes)
{
	struct keymap *m;

	assert_ok(keymap_open(bytes, &m));
	return m;
}

static void
test_the_last_offset_of_each_key(void **state)
{
	struct keymap *m = open_map(0);

	(void)state;
	assert_int_equal(get(m, "a"), -1);
	assert_ok(put(m, "a", 0));
	assert_ok(put(m, "", 1));
	assert_ok(put(m, "ab", 2));
	assert_ok(put(m, "a", 3));
	assert_int_equal(get(m, "a"), 3);
	assert_int_equal(get(m, ""), 1);
	assert_int_equal(get(m, "ab"), 2);
	assert_int_equal(get(m, "b"), -1);
	assert_int_equal(keymap_count(m), 3);
	keymap_clear(m);
	assert_int_equal(keymap_count(m), 0);
	assert_int_equal(get(m, "a"), -1);
	keymap_close(m);
	keymap_close(NULL);
}

/* Keys of one hash are told apart by their bytes. */
static void
test_keys_of_the_same_hash(void **state)
{
	struct keymap *m = open_map(0);

	(void)state;
	assert_ok(keymap_put(m, (const uint8_t *)"one", 3, 42, 1));
	assert_ok(keymap_put(m, (const uint8_t *)"two", 3, 42, 2));
	assert_ok(keymap_put(m, (const uint8_t *)"on", 2, 42, 3));
	assert_int_equal(keymap_get(m, (const uint8_t *)"one", 3, 42), 1);
	assert_int_equal(keymap_get(m, (const uint8_t *)"two", 3, 42), 2);
	assert_int_equal(keymap_get(m, (const uint8_t *)"on", 2, 42), 3);
	assert_int_equal(keymap_get(m, (const uint8_t *)"ten", 3, 42), -1);
	keymap_close(m);
}

/* Keys of every length to 100 bytes, until it is full; what was noted stays, and known keys can be noted still. */
static void
test_full(void **state)
{
	struct keymap *m = open_map(KEYMAP_MIN_BYTES);
	char key[128];
	int count = 0, rc;

	(void)state;
	for (;; count++) {
		snprintf(key, sizeof(key), "%0*d", 5 + count % 95, count);
		if ((rc = put(m, key, count)) != STATUS_OK)
			break;
	}
	assert_int_equal(rc, STATUS_END);
	assert_true(count > 500);
	assert_int_equal(keymap_count(m), count);
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%0*d", 5 + i % 95, i);
		assert_int_equal(get(m, key), i);
		assert_ok(put(m, key, count + i));
		assert_int_equal(get(m, key), count + i);
	}
	keymap_clear(m);
	memset(key, 'k', sizeof(key));
	assert_int_equal(keymap_put(m, (const uint8_t *)key, INT32_MAX, 7, 1), STATUS_END);
	assert_int_equal(keymap_count(m), 0);
	keymap_close(m);
}

/* Short keys fill the table before the memory for keys. */
static void
test_the_table_is_never_full(void **state)
{
	struct keymap *m = open_map(KEYMAP_MIN_BYTES);
	char key[16];
	int count = 0;

	(void)state;
	do
		snprintf(key, sizeof(key), "%d", count);
	while (put(m, key, count) == STATUS_OK && ++count < 100000);
	assert_true(count > 1000);
	assert_int_equal(get(m, "no such key"), -1);
	keymap_close(m);
}

static void
test_no_memory(void **state)
{
	struct keymap *m;

	(void)state;
	unit_oom_after(0);
	assert_status(keymap_open(0, &m), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_the_last_offset_of_each_key),
	    unit_test(test_keys_of_the_same_hash),
	    unit_test(test_full),
	    unit_test(test_the_table_is_never_full),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

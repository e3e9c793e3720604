/* fingerprint: what tells records apart, and beginnings of inputs. */
#include "store/fingerprint.h"

#include <string.h>

#include "unit.h"

#define KEY UINT64_C(4711)

static struct record
record_of(const char *key, const char *value, const char *headers)
{
	return (struct record){
	    .timestamp_ms = 1000,
	    .key = (const uint8_t *)key,
	    .key_len = key == NULL ? -1 : (int32_t)strlen(key),
	    .value = (const uint8_t *)value,
	    .value_len = value == NULL ? -1 : (int32_t)strlen(value),
	    .headers = (const uint8_t *)headers,
	    .headers_len = (int32_t)strlen(headers),
	    .header_count = (int32_t)strlen(headers) / 2,
	};
}

static void
test_records_that_differ_have_other_fingerprints(void **state)
{
	const struct record records[] = {
	    record_of(NULL, NULL, ""),
	    record_of(NULL, "", ""),
	    record_of("", NULL, ""),
	    record_of("", "", ""),
	    record_of(NULL, "a", ""),
	    record_of("a", NULL, ""),
	    record_of("a", "", ""),
	    record_of("", "a", ""),
	    record_of("a", "b", ""),
	    record_of("ab", "", ""),
	    record_of("", "ab", ""),
	    record_of(NULL, "ab", ""),
	    record_of(NULL, NULL, "ab"),
	    record_of(NULL, "", "ab"),
	    record_of(NULL, "ab", "ab"),
	    record_of(NULL, "", "abab"),
	    record_of("b", "a", ""),
	};
	uint64_t prints[2 * COUNT_OF(records)];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		for (int partition = 0; partition < 2; partition++)
			prints[count++] = fingerprint_of(KEY, partition, &records[i]).plain;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++)
			assert_true(prints[i] != prints[j]);
	}
	assert_true(fingerprint_of(KEY + 1, 0, &records[4]).plain != prints[8]);
}

static void
test_the_time_counts_where_it_is_given(void **state)
{
	struct record early = record_of("k", "v", ""), late = early;

	(void)state;
	late.timestamp_ms++;
	assert_true(fingerprint_of(KEY, 0, &early).plain == fingerprint_of(KEY, 0, &late).plain);
	assert_true(fingerprint_of(KEY, 0, &early).timed != fingerprint_of(KEY, 0, &late).timed);
}

/* The fast way and the other give the same hashes: a rerun may take the other one. */
static void
test_lines_are_hashed_as_records_are(void **state)
{
	static const char text[] = "a\nbc\n\nline\nx\n\n\nlast\nrest";
	const uint8_t *lines = (const uint8_t *)text, *end = lines + strlen(text), *line = lines, *stop;
	struct beginning slow = {.records = 0}, fast = {.records = 0};

	(void)state;
	for (; (stop = memchr(line, '\n', (size_t)(end - line))) != NULL; line = stop + 1) {
		struct record r = {.key_len = -1, .value = line, .value_len = (int32_t)(stop - line)};

		beginning_add(&slow, fingerprint_of(KEY, 3, &r).plain);
	}
	assert_int_equal(beginning_add_lines(&fast, KEY, 3, lines, lines, '\n'), 0);
	assert_int_equal(beginning_add_lines(&fast, KEY, 3, lines, lines + 5, '\n'), 2);
	assert_int_equal(beginning_add_lines(&fast, KEY, 3, lines + 5, end, '\n'), 6);
	assert_int_equal(slow.records, 8);
	assert_memory_equal(&fast, &slow, sizeof(fast));
	assert_int_equal(beginning_steps(8), 4);
	assert_true(fast.steps[3] == fast.hash && fast.steps[2] != 0 && fast.steps[4] == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_records_that_differ_have_other_fingerprints),
	    unit_test(test_the_time_counts_where_it_is_given),
	    unit_test(test_lines_are_hashed_as_records_are),
	};

	return unit_run(tests);
}

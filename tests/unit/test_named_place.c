#include "store/named_place.h"

#include "unit.h"

static void
test_the_tail_is_the_last_bytes(void **state)
{
	static uint8_t bytes[3 * PLACE_TAIL_BYTES];
	static const size_t steps[] = {1, 7, 1000, PLACE_TAIL_BYTES - 1, PLACE_TAIL_BYTES, PLACE_TAIL_BYTES + 1, sizeof(bytes)};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		static struct place_tail tail, whole;

		tail.len = whole.len = 0;
		for (size_t at = 0; at < sizeof(bytes);) {
			size_t len = steps[i] < sizeof(bytes) - at ? steps[i] : sizeof(bytes) - at, kept;

			place_tail_add(&tail, bytes + at, len);
			place_tail_add(&tail, bytes, 0);
			at += len;
			kept = at < PLACE_TAIL_BYTES ? at : PLACE_TAIL_BYTES;
			assert_int_equal(tail.len, kept);
			assert_memory_equal(tail.bytes, bytes + at - kept, kept);
		}
		place_tail_add(&whole, bytes, sizeof(bytes));
		assert_true(place_tail_hash(&tail) == place_tail_hash(&whole));
	}
}

static void
test_a_path_comes_back(void **state)
{
	struct named_place place = {.follows = "/var/a b%\n\x01\xff=/log"}, again = {.follows = ""};
	struct buf text = BUF_EMPTY;

	(void)state;
	assert_ok(named_place_encode_follows(&place, &text));
	assert_bytes(text.data, text.len, "/var/a%20b%25%0a%01%ff=/log");
	assert_ok(buf_append_byte(&text, '\0'));
	assert_ok(named_place_decode_follows((const char *)text.data, &again));
	assert_string_equal(again.follows, place.follows);
	buf_free(&text);
}

static void
test_a_place_comes_back(void **state)
{
	static const char text[] = "18446744073709551615 9223372036854775807 999999999 9223372036854775807 00000000000000ff 99999";
	struct named_place place = {.next = 0};
	struct buf again = BUF_EMPTY;

	(void)state;
	assert_ok(named_place_decode(text, &place));
	assert_true(place.file.inode == UINT64_MAX && place.hash == 0xff && place.position == INT64_MAX && place.next == 99999);
	assert_ok(named_place_encode(&place, &again));
	assert_int_equal(again.len, sizeof(text) - 1);
	assert_memory_equal(again.data, text, again.len);
	buf_free(&again);
}

static void
test_what_breaks_a_rule_is_refused(void **state)
{
	static const char *const places[] = {"", "1", "1 2 3 4 00000000000000ff", "1 2 3 4 ff 0", "1 2 3 4 00000000000000ff -1",
	    "1 2 1000000000 4 00000000000000ff 0", "1 2 3 -4 00000000000000ff 0", "1 2 3 4 00000000000000ff 0 ",
	    "18446744073709551616 2 3 4 00000000000000ff 0", "1  2 3 4 00000000000000ff 0", "1 2 3 4 00000000000000fg 0",
	    "1 2 3 9223372036854775808 00000000000000ff 0"};
	static const char *const paths[] = {"", "log", "/a%", "/a%0", "/a%00", "/a%g0"};
	struct named_place place;
	char longest[PATH_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++)
		assert_status(named_place_decode(places[i], &place), STATUS_CONFIG);
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		assert_status(named_place_decode_follows(paths[i], &place), STATUS_CONFIG);
	memset(longest, '/', sizeof(longest));
	longest[PATH_MAX] = '\0';
	assert_status(named_place_decode_follows(longest, &place), STATUS_CONFIG);
	longest[PATH_MAX - 1] = '\0';
	assert_ok(named_place_decode_follows(longest, &place));
}

static void
test_an_inode_alone_is_no_file(void **state)
{
	const struct file_identity a = {.device = 1, .inode = 2, .birth_sec = 3, .birth_nsec = 4};
	struct file_identity b = a;

	(void)state;
	b.device = 9;
	assert_true(place_is_file(&a, &b));
	b.birth_nsec = 5;
	assert_false(place_is_file(&a, &b));
	b = a;
	b.birth_sec = 2;
	assert_false(place_is_file(&a, &b));
	b = a;
	b.inode = 1;
	assert_false(place_is_file(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_the_tail_is_the_last_bytes),
	    unit_test(test_a_path_comes_back),
	    unit_test(test_a_place_comes_back),
	    unit_test(test_what_breaks_a_rule_is_refused),
	    unit_test(test_an_inode_alone_is_no_file),
	};

	return unit_run(tests);
}

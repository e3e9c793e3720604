/* encoding: every number and byte string as text and back; what is no such text. */
#include "cmd/encoding.h"
#include "unit.h"

static void
test_decimal(void **state)
{
	static const int64_t numbers[] = {0, 1, -1, 9, 10, 99, 100, 1795341600250, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct buf out = BUF_EMPTY;
		char expected[32];

		snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
		assert_ok(encoding_put_decimal(numbers[i], &out));
		assert_int_equal(out.len, strlen(expected));
		assert_memory_equal(out.data, expected, out.len);
		buf_free(&out);
	}
}

/* RFC 4648, section 10. */
static void
test_known_texts(void **state)
{
	static const struct {
		const char *bytes, *hex, *base64;
	} known[] = {
	    {"", "", ""},
	    {"f", "66", "Zg=="},
	    {"fo", "666f", "Zm8="},
	    {"foo", "666f6f", "Zm9v"},
	    {"foob", "666f6f62", "Zm9vYg=="},
	    {"fooba", "666f6f6261", "Zm9vYmE="},
	    {"foobar", "666f6f626172", "Zm9vYmFy"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		struct buf hex = BUF_EMPTY, base64 = BUF_EMPTY;
		size_t len = strlen(known[i].bytes);

		assert_ok(encoding_put_hex((const uint8_t *)known[i].bytes, len, &hex));
		assert_int_equal(hex.len, strlen(known[i].hex));
		assert_int_equal(hex.len, ENCODING_HEX_LEN(len));
		assert_ok(encoding_put_base64((const uint8_t *)known[i].bytes, len, &base64));
		assert_int_equal(base64.len, strlen(known[i].base64));
		assert_int_equal(base64.len, ENCODING_BASE64_LEN(len));
		if (len > 0) {
			assert_memory_equal(hex.data, known[i].hex, hex.len);
			assert_memory_equal(base64.data, known[i].base64, base64.len);
		}
		buf_free(&hex);
		buf_free(&base64);
	}
}

static void
test_all_bytes_of_all_lengths_come_back(void **state)
{
	uint8_t bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct buf text = BUF_EMPTY, back = BUF_EMPTY;

		assert_ok(encoding_put_hex(bytes, len, &text));
		assert_ok(encoding_get_hex(text.data, text.len, &back));
		buf_clear(&text);
		assert_ok(encoding_put_base64(bytes, len, &text));
		assert_ok(encoding_get_base64(text.data, text.len, &back));
		assert_int_equal(back.len, 2 * len);
		if (len > 0) {
			assert_memory_equal(back.data, bytes, len);
			assert_memory_equal(back.data + len, bytes, len);
		}
		buf_free(&text);
		buf_free(&back);
	}
}

static void
test_what_is_no_text(void **state)
{
	static const char *const no_hex[] = {"0", "0g", "g0", "000", " 00"};
	static const char *const no_base64[] = {"Z", "Zg",
	    "Zg=", "Zg===", "Zh==", "Zm9=", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm9v\n", "Zm-_", "Zm9 ", "Zm9vZ=="};
	struct buf out = BUF_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(no_hex); i++)
		assert_status(encoding_get_hex((const uint8_t *)no_hex[i], strlen(no_hex[i]), &out), STATUS_DATA);
	for (size_t i = 0; i < COUNT_OF(no_base64); i++) {
		if (encoding_get_base64((const uint8_t *)no_base64[i], strlen(no_base64[i]), &out) != STATUS_DATA)
			fail_msg("%s: taken for base64", no_base64[i]);
	}
	assert_int_equal(out.len, 0);
	assert_ok(encoding_get_hex((const uint8_t *)"fFAa", 4, &out));
	assert_bytes(out.data, out.len, "\xff\xaa");
	buf_free(&out);
}

static void
test_no_memory(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	unit_oom_after(0);
	assert_status(encoding_put_decimal(1, &out), STATUS_AGAIN);
	assert_status(encoding_put_hex((const uint8_t *)"a", 1, &out), STATUS_AGAIN);
	assert_status(encoding_put_base64((const uint8_t *)"a", 1, &out), STATUS_AGAIN);
	assert_status(encoding_get_hex((const uint8_t *)"61", 2, &out), STATUS_AGAIN);
	assert_status(encoding_get_base64((const uint8_t *)"YQ==", 4, &out), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_decimal),
	    unit_test(test_known_texts),
	    unit_test(test_all_bytes_of_all_lengths_come_back),
	    unit_test(test_what_is_no_text),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

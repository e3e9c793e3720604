#include "log/record.h"

#include "base/varint.h"
#include "unit.h"

#define LIT(s) (const uint8_t *)(s), (int32_t)(sizeof(s) - 1)

/* The bytes that Kafka's producer writes for: timestamp 1 ms and offset 2 behind the bases, key "k", value "vv", a header x=1 and y=null. */
static const uint8_t kafkas[] = {
    0x20,		  /* length 16 */
    0x00,		  /* attributes */
    0x02,		  /* timestamp delta 1 */
    0x04,		  /* offset delta 2 */
    0x02, 'k',		  /* key */
    0x04, 'v', 'v',	  /* value */
    0x04,		  /* 2 headers */
    0x02, 'x', 0x02, '1', /* x=1 */
    0x02, 'y',		  /* y= */
    0x01,		  /* null */
};

static struct record
sample(struct buf *headers)
{
	struct record_header x = {.name = (const uint8_t *)"x", .name_len = 1, .value = (const uint8_t *)"1", .value_len = 1};
	struct record_header y = {.name = (const uint8_t *)"y", .name_len = 1, .value = NULL, .value_len = -1};
	struct record r = {.offset = 102, .timestamp_ms = 1001};

	assert_ok(record_add_header(headers, &x));
	assert_ok(record_add_header(headers, &y));
	r.key = (const uint8_t *)"k";
	r.key_len = 1;
	r.value = (const uint8_t *)"vv";
	r.value_len = 2;
	r.headers = headers->data;
	r.headers_len = (int32_t)headers->len;
	r.header_count = 2;
	return r;
}

/* Encode into an allocation of exactly its size, where the sanitizer sees one byte too many. */
static uint8_t *
encode(const struct record *r, int64_t base_ms, int32_t delta, size_t *size)
{
	uint8_t *bytes;

	*size = record_size(r, base_ms, delta);
	assert_true(*size > 0);
	assert_non_null(bytes = malloc(*size));
	assert_null(record_put(bytes, bytes + *size - 1, r, base_ms, delta));
	assert_ptr_equal(record_put(bytes, bytes + *size, r, base_ms, delta), bytes + *size);
	return bytes;
}

static void
assert_same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->timestamp_ms, b->timestamp_ms);
	assert_int_equal(a->key_len, b->key_len);
	assert_int_equal(a->value_len, b->value_len);
	assert_int_equal(a->header_count, b->header_count);
	assert_int_equal(a->headers_len, b->headers_len);
	if (a->key_len > 0)
		assert_memory_equal(a->key, b->key, (size_t)a->key_len);
	if (a->value_len > 0)
		assert_memory_equal(a->value, b->value, (size_t)a->value_len);
	if (a->headers_len > 0)
		assert_memory_equal(a->headers, b->headers, (size_t)a->headers_len);
}

static void
test_a_record_has_kafkas_bytes(void **state)
{
	struct buf headers = BUF_EMPTY;
	struct record r = sample(&headers);
	uint8_t *bytes;
	size_t size;

	(void)state;
	bytes = encode(&r, 1000, 2, &size);
	assert_int_equal(size, sizeof(kafkas));
	assert_memory_equal(bytes, kafkas, sizeof(kafkas));
	free(bytes);
	buf_free(&headers);
}

static void
test_kafkas_bytes_are_read(void **state)
{
	struct record r;

	(void)state;
	assert_ptr_equal(record_get(kafkas, kafkas + sizeof(kafkas), 100, 1000, &r), kafkas + sizeof(kafkas));
	assert_int_equal(r.offset, 102);
	assert_int_equal(r.timestamp_ms, 1001);
	assert_bytes(r.key, r.key_len, "k");
	assert_bytes(r.value, r.value_len, "vv");
	assert_int_equal(r.header_count, 2);
	assert_bytes(r.headers, r.headers_len,
	    "\x02x\x02"
	    "1\x02y\x01");
}

static void
test_null_and_empty_are_two_things(void **state)
{
	static const struct {
		int32_t key_len, value_len;
	} shapes[] = {{-1, -1}, {-1, 0}, {0, -1}, {0, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		struct record r = {.key_len = shapes[i].key_len, .value_len = shapes[i].value_len}, back;
		size_t size;
		uint8_t *bytes;

		if (r.key_len == 0)
			r.key = (const uint8_t *)"";
		if (r.value_len == 0)
			r.value = (const uint8_t *)"";
		bytes = encode(&r, 0, 0, &size);
		assert_int_equal(size, 7);
		assert_ptr_equal(record_get(bytes, bytes + size, 0, 0, &back), bytes + size);
		assert_int_equal(back.key_len, shapes[i].key_len);
		assert_int_equal(back.value_len, shapes[i].value_len);
		assert_int_equal(back.key == NULL, shapes[i].key_len < 0);
		assert_int_equal(back.value == NULL, shapes[i].value_len < 0);
		free(bytes);
	}
}

/* Where a length grows by a byte: 6, 13, 20 bits, for the key, the value and the record itself. */
static void
test_a_record_of_every_size_comes_back(void **state)
{
	static const int32_t sizes[] = {0, 1, 50, 55, 56, 57, 62, 63, 64, 65, 8180, 8185, 8190, 8191, 8192, 8193, 1048570, 1048575,
	    1048576, 1048577};
	uint8_t *text = malloc(1048577);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 1048577; i++)
		text[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (int which = 0; which < 2; which++) {
			struct record r = {.timestamp_ms = 5, .key = text, .value = text + 1, .value_len = -1}, back;
			size_t size;
			uint8_t *bytes;

			if (which == 0)
				r.key_len = sizes[i];
			else
				r.value_len = sizes[i] - (sizes[i] > 0);
			bytes = encode(&r, 0, 1, &size);
			assert_ptr_equal(record_get(bytes, bytes + size, 0, 0, &back), bytes + size);
			assert_same(&back, &r);
			free(bytes);
		}
	}
	free(text);
}

static void
test_deltas_of_every_size_come_back(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, 63, 64, INT64_C(1) << 40, INT64_MAX - 1, INT64_MAX};
	static const int32_t deltas[] = {0, 1, 63, 64, 8191, 8192, INT32_MAX - 1, INT32_MAX};

	(void)state;
	for (size_t base = 0; base < COUNT_OF(times); base++) {
		for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(deltas); i++) {
			int32_t delta = deltas[i % COUNT_OF(deltas)];
			struct record r = {.timestamp_ms = times[i / COUNT_OF(deltas)], .key_len = -1, .value_len = -1}, back;
			size_t size;
			uint8_t *bytes = encode(&r, times[base], delta, &size);

			assert_ptr_equal(record_get(bytes, bytes + size, 7, times[base], &back), bytes + size);
			assert_int_equal(back.timestamp_ms, r.timestamp_ms);
			assert_int_equal(back.offset, 7 + (int64_t)delta);
			free(bytes);
		}
	}
}

static void
test_random_records_come_back(void **state)
{
	unsigned seed = 20261122;
	uint8_t text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)rand_r(&seed);
	for (int i = 0; i < 20000; i++) {
		struct buf headers = BUF_EMPTY;
		struct record r = {.timestamp_ms = rand_r(&seed), .key = text, .value = text}, back;
		size_t size;
		uint8_t *bytes;

		r.key_len = rand_r(&seed) % 201 - 1;
		r.value_len = rand_r(&seed) % 401 - 1;
		r.header_count = rand_r(&seed) % 4;
		for (int32_t k = 0; k < r.header_count; k++) {
			struct record_header h = {text + k, rand_r(&seed) % 70, text + 100, rand_r(&seed) % 130 - 1};

			assert_ok(record_add_header(&headers, &h));
		}
		r.headers = headers.data;
		r.headers_len = (int32_t)headers.len;
		bytes = encode(&r, rand_r(&seed), i, &size);
		if (record_get(bytes, bytes + size, 0, 0, &back) != bytes + size)
			fail_msg("record %d", i);
		back.timestamp_ms = r.timestamp_ms;
		assert_same(&back, &r);
		free(bytes);
		buf_free(&headers);
	}
}

/* record_size looks at no byte of key and value, so that lengths alone will do. */
static void
test_a_record_too_large_for_its_length_has_no_size(void **state)
{
	/* Attributes, two deltas, a key that is null, the value's length and the count of headers. */
	const int32_t overhead = 1 + 1 + 1 + 1 + 5 + 1, most = INT32_MAX - VARINT_MAX_BYTES;
	struct record r = {.key_len = -1, .value_len = most - overhead};

	(void)state;
	assert_int_equal(record_size(&r, 0, 0), (size_t)most + 5);
	r.value_len++;
	assert_int_equal(record_size(&r, 0, 0), 0);
	r.value_len = r.key_len = r.headers_len = INT32_MAX;
	assert_int_equal(record_size(&r, 0, 0), 0);
}

static void
test_a_record_cut_at_any_byte_is_refused(void **state)
{
	struct buf headers = BUF_EMPTY;
	struct record r = sample(&headers), back;
	size_t size;
	uint8_t *bytes = encode(&r, 0, 0, &size);

	(void)state;
	for (size_t len = 0; len < size; len++) {
		uint8_t *cut = malloc(len > 0 ? len : 1);

		assert_non_null(cut);
		memcpy(cut, bytes, len);
		assert_null(record_get(cut, cut + len, 0, 0, &back));
		/* The same, and its length says that this is all: then its last field is what ends too early. */
		if (len > 0) {
			cut[0] = (uint8_t)(2 * (len - 1));
			assert_null(record_get(cut, cut + len, 0, 0, &back));
		}
		free(cut);
	}
	free(bytes);
	buf_free(&headers);
}

static void
test_a_length_that_is_not_the_records_is_refused(void **state)
{
	struct buf headers = BUF_EMPTY;
	struct record r = sample(&headers), back;
	size_t size;
	uint8_t *bytes = encode(&r, 0, 0, &size), more[64] = {0};

	(void)state;
	memcpy(more, bytes, size);
	for (int length = -64; length < 64; length++) {
		more[0] = (uint8_t)(length >= 0 ? 2 * length : -2 * length - 1);
		if (length == (int)size - 1)
			assert_ptr_equal(record_get(more, more + sizeof(more), 0, 0, &back), more + size);
		else
			assert_null(record_get(more, more + sizeof(more), 0, 0, &back));
	}
	free(bytes);
	buf_free(&headers);
}

/* A record by hand: what is behind its length. */
static const uint8_t *
get_body(const void *body, size_t len, struct record *r)
{
	uint8_t *bytes = malloc(len + 1);
	const uint8_t *end;

	assert_non_null(bytes);
	assert_true(len < 64);
	bytes[0] = (uint8_t)(2 * len);
	memcpy(bytes + 1, body, len);
	end = record_get(bytes, bytes + len + 1, INT64_MAX - 3, 0, r);
	assert_true(end == NULL || end == bytes + len + 1);
	/* Only whether there is a record is asked. */
	free(bytes);
	return end != NULL ? body : NULL;
}
#define GET(body) get_body(body, sizeof(body) - 1, &r)

static void
test_hostile_fields_are_refused(void **state)
{
	struct record r;

	(void)state;
	/*            attr  ts    off   key   value headers */
	assert_non_null(GET("\x00\x00\x00\x01\x01\x00"));
	assert_non_null(GET("\xff\x00\x00\x01\x01\x00"));	      /* attributes mean nothing yet */
	assert_null(GET("\x00\x00\x01\x01\x01\x00"));		      /* offset delta -1 */
	assert_non_null(GET("\x00\x00\x06\x01\x01\x00"));	      /* the last offset there is */
	assert_null(GET("\x00\x00\x08\x01\x01\x00"));		      /* one more */
	assert_null(GET("\x00\x00\x00\x02\x01\x00"));		      /* the key takes the value's length */
	assert_null(GET("\x00\x00\x00\x01\x02\x00"));		      /* the value takes the count of headers */
	assert_null(GET("\x00\x00\x00\x01\x01\x00\x00"));	      /* a byte behind the headers */
	assert_null(GET("\x00\x00\x00\x01\x01\x01"));		      /* -1 headers */
	assert_null(GET("\x00\x00\x00\x01\x01\x02"));		      /* 1 header that is not there */
	assert_null(GET("\x00\x00\x00\x01\x01\xfe\xff\xff\xff\x0f")); /* 2^31-1 headers */
	assert_null(GET("\x00\x00\x00\xfe\xff\xff\xff\x0f\x01\x00")); /* a key of 2^31-1 bytes */
	assert_null(GET("\x00\x00\x00\x01\xfe\xff\xff\xff\x0f\x00")); /* a value of 2^31-1 bytes */
	assert_null(GET("\x00\x00\x00\x01\x01\x02\x01\x01"));	      /* a header without a name */
	assert_non_null(GET("\x00\x00\x00\x01\x01\x02\x00\x01"));     /* its name is empty */
	assert_null(GET("\x00\x00\x00\x01\x01\x02\x00\xfe\xff\xff\xff\x0f"));
	assert_null(GET("\x00\x00\x00\x01\x01\x02\xfe\xff\xff\xff\x0f\x01"));
	assert_null(GET(""));
	assert_null(GET("\x00"));
}

static void
test_numbers_that_do_not_end_are_refused(void **state)
{
	static const char longest[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	static const char front[] = "\x00\x00\x00\x01\x01\x00";
	struct record r;
	char body[40];

	(void)state;
	/* In the place of each field behind the attributes. */
	for (size_t at = 1; at < sizeof(front) - 1; at++) {
		memcpy(body, front, at);
		memcpy(body + at, longest, sizeof(longest) - 1);
		memcpy(body + at + sizeof(longest) - 1, front + at, sizeof(front) - 1 - at);
		assert_null(get_body(body, sizeof(front) + sizeof(longest) - 2, &r));
	}
	/* And of the length. */
	assert_null(record_get((const uint8_t *)longest, (const uint8_t *)longest + sizeof(longest) - 1, 0, 0, &r));
}

/* Kafka writes -1 only, and reads any negative length as null: Utils.readBytes. */
static void
test_every_negative_length_is_null(void **state)
{
	static const uint8_t bytes[] = {2 * 12, 0, 0, 0, 0x03, 0x05, 0x02, 0x02, 'n', 0xff, 0xff, 0xff, 0x07};
	const uint8_t *p;
	struct record_header h;
	struct record r;

	(void)state;
	assert_ptr_equal(record_get(bytes, bytes + sizeof(bytes), 0, 0, &r), bytes + sizeof(bytes));
	assert_int_equal(r.key_len, -1);
	assert_null(r.key);
	assert_int_equal(r.value_len, -1);
	assert_null(r.value);
	p = r.headers;
	record_next_header(&r, &p, &h);
	assert_int_equal(h.value_len, -1);
	assert_null(h.value);
	assert_ptr_equal(p, bytes + sizeof(bytes));
}

/* Each byte in turn becomes each other byte: whatever comes out lies within the bytes. */
static void
test_no_changed_byte_leads_out_of_the_record(void **state)
{
	struct buf headers = BUF_EMPTY;
	struct record r = sample(&headers), back;
	size_t size;
	uint8_t *bytes = encode(&r, 0, 0, &size);

	(void)state;
	for (size_t at = 0; at < size; at++) {
		uint8_t right = bytes[at];

		for (int value = 0; value < 256; value++) {
			const uint8_t *end, *p;
			struct record_header h;

			bytes[at] = (uint8_t)value;
			if ((end = record_get(bytes, bytes + size, 0, 0, &back)) == NULL)
				continue;
			assert_true(end <= bytes + size);
			assert_true(back.key == NULL || (back.key >= bytes && back.key + back.key_len <= end));
			assert_true(back.value == NULL || (back.value >= bytes && back.value + back.value_len <= end));
			p = back.headers;
			for (int32_t i = 0; i < back.header_count; i++)
				record_next_header(&back, &p, &h);
			assert_ptr_equal(p, end);
		}
		bytes[at] = right;
	}
	free(bytes);
	buf_free(&headers);
}

static void
test_headers_keep_their_order_and_may_repeat(void **state)
{
	static const char *const names[] = {"a", "b", "a", ""};
	struct buf headers = BUF_EMPTY;
	struct record r = {.key_len = -1, .value_len = -1, .header_count = COUNT_OF(names)}, back;
	struct record_header h;
	const uint8_t *p;
	uint8_t *bytes;
	size_t size;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char value[] = {(char)('0' + i), '\0'};

		h = (struct record_header){(const uint8_t *)names[i], (int32_t)strlen(names[i]), (const uint8_t *)value, 1};
		assert_ok(record_add_header(&headers, &h));
	}
	r.headers = headers.data;
	r.headers_len = (int32_t)headers.len;
	bytes = encode(&r, 0, 0, &size);
	assert_non_null(record_get(bytes, bytes + size, 0, 0, &back));
	p = back.headers;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		record_next_header(&back, &p, &h);
		assert_int_equal(h.name_len, strlen(names[i]));
		assert_memory_equal(h.name, names[i], strlen(names[i]));
		assert_int_equal(h.value_len, 1);
		assert_int_equal(h.value[0], '0' + i);
	}
	assert_ptr_equal(p, bytes + size);
	free(bytes);
	buf_free(&headers);
}

static void
test_a_header_without_memory_changes_nothing(void **state)
{
	struct record_header h = {LIT("name"), LIT("value")};
	struct buf headers = BUF_EMPTY;
	int rc;

	(void)state;
	unit_oom_after(0);
	rc = record_add_header(&headers, &h);
	assert_int_equal(unit_oom_off(), 1);
	assert_status(rc, STATUS_AGAIN);
	assert_int_equal(headers.len, 0);
	assert_ok(record_add_header(&headers, &h));
	assert_bytes(headers.data, headers.len, "\x08name\x0avalue");
	buf_free(&headers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_record_has_kafkas_bytes),
	    unit_test(test_kafkas_bytes_are_read),
	    unit_test(test_null_and_empty_are_two_things),
	    unit_test(test_a_record_of_every_size_comes_back),
	    unit_test(test_deltas_of_every_size_come_back),
	    unit_test(test_random_records_come_back),
	    unit_test(test_a_record_too_large_for_its_length_has_no_size),
	    unit_test(test_a_record_cut_at_any_byte_is_refused),
	    unit_test(test_a_length_that_is_not_the_records_is_refused),
	    unit_test(test_hostile_fields_are_refused),
	    unit_test(test_numbers_that_do_not_end_are_refused),
	    unit_test(test_every_negative_length_is_null),
	    unit_test(test_no_changed_byte_leads_out_of_the_record),
	    unit_test(test_headers_keep_their_order_and_may_repeat),
	    unit_test(test_a_header_without_memory_changes_nothing),
	};

	return unit_run(tests);
}

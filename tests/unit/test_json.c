/* json: what is printed is JSON and comes back as it was; kcat's and rpk's spellings; hostile lines. */
#include "cmd/json.h"
#include "unit.h"

#include <jansson.h>

static const struct format_place place = {.topic = "orders", .partition = 3, .leader_epoch = 7};

static struct record
plain(void)
{
	return (struct record){.offset = 42,
	    .timestamp_ms = 1795341600250,
	    .key = (const uint8_t *)"k",
	    .key_len = 1,
	    .value = (const uint8_t *)"val",
	    .value_len = 3};
}

static int
parse(const char *text, struct draft *d)
{
	draft_reset(d);
	return json_parse_record((const uint8_t *)text, strlen(text), d);
}

static void
assert_line(const struct record *r, const struct format_place *where, const char *expected)
{
	struct buf out = BUF_EMPTY;

	assert_ok(json_print_record(where, r, &out));
	assert_ok(buf_append_byte(&out, '\0'));
	assert_string_equal((const char *)out.data, expected);
	buf_free(&out);
}

static void
test_an_object_a_line(void **state)
{
	static const struct record_header one = {(const uint8_t *)"a", 1, (const uint8_t *)"1", 1},
					  two = {(const uint8_t *)"\xff", 1, NULL, -1};
	struct format_place appended = place;
	struct buf headers = BUF_EMPTY;
	struct record r = plain();

	(void)state;
	assert_line(&r, &place,
	    "{\"topic\":\"orders\",\"partition\":3,\"offset\":42,\"timestamp\":1795341600250,\"timestamp_type\":\"CreateTime\","
	    "\"key\":\"k\",\"value\":\"val\",\"headers\":[],\"leader_epoch\":7}\n");
	assert_ok(record_add_header(&headers, &one));
	assert_ok(record_add_header(&headers, &two));
	r.headers = headers.data;
	r.headers_len = (int32_t)headers.len;
	r.header_count = 2;
	r.key_len = -1;
	r.value = (const uint8_t *)"\xfe\xff";
	r.value_len = 2;
	r.timestamp_ms = -1;
	appended.append_time = true;
	assert_line(&r, &appended,
	    "{\"topic\":\"orders\",\"partition\":3,\"offset\":42,\"timestamp\":-1,\"timestamp_type\":\"LogAppendTime\","
	    "\"key\":null,\"value_base64\":\"/v8=\",\"headers\":[{\"name\":\"a\",\"value\":\"1\"},"
	    "{\"name_base64\":\"/w==\",\"value\":null}],\"leader_epoch\":7}\n");
	buf_free(&headers);
}

static void
test_what_needs_an_escape_has_one(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_ok(json_put_bytes("x", (const uint8_t *)"\"\\/\b\f\n\r\t\0\x1f\x7f\xc3\xa4", 13, &out));
	assert_bytes((const char *)out.data, out.len, "\"x\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa4\"");
	buf_free(&out);
}

/* Each sequence of up to four bytes from these is UTF-8 for us if and only if it is for jansson. */
static void
test_utf8_is_what_jansson_takes_for_it(void **state)
{
	static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
	    0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	const size_t n = COUNT_OF(edges);
	struct buf out = BUF_EMPTY;

	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t bytes[12] = "12345678";
		json_t *json;

		bytes[8] = edges[i % n];
		bytes[9] = edges[i / n % n];
		bytes[10] = edges[i / n / n % n];
		bytes[11] = edges[i / n / n / n];
		for (int32_t len = 9; len <= 12; len++) {
			buf_clear(&out);
			assert_ok(json_put_bytes("x", bytes, len, &out));
			json = json_stringn((const char *)bytes, (size_t)len);
			if ((out.data[2] == '_') != (json == NULL))
				fail_msg("%02x %02x %02x %02x, %d of them: not as jansson has it", bytes[8], bytes[9], bytes[10],
				    bytes[11], len - 8);
			json_decref(json);
		}
	}
	buf_free(&out);
}

static void
test_a_line_is_read(void **state)
{
	struct draft d = DRAFT_EMPTY;

	(void)state;
	assert_ok(parse(
	    "{\"topic\":\"t\",\"partition\":5,\"offset\":\"any\",\"timestamp\":17,\"timestamp_type\":null,\"key\":\"k\\u0000\","
	    "\"value\":\"\\ud83d\\ude00\",\"headers\":[],\"leader_epoch\":[1]}",
	    &d));
	assert_int_equal(d.given, DRAFT_TOPIC | DRAFT_PARTITION | DRAFT_TIMESTAMP | DRAFT_KEY | DRAFT_VALUE | DRAFT_HEADERS);
	assert_string_equal((char *)d.topic.data, "t");
	assert_int_equal(d.partition, 5);
	assert_int_equal(d.record.timestamp_ms, 17);
	assert_bytes(d.record.key, d.record.key_len, "k\0");
	assert_bytes(d.record.value, d.record.value_len, "\xf0\x9f\x98\x80");
	assert_int_equal(d.record.header_count, 0);

	assert_ok(parse("{\"value\":null}", &d));
	assert_int_equal(d.given, DRAFT_VALUE);
	assert_int_equal(d.record.value_len, -1);
	assert_int_equal(d.record.key_len, -1);

	assert_ok(parse(
	    " { \"value_base64\" : \"AP8=\" , \"key_base64\": \"\", \"timestamp\":null,\"headers\":null,\"partition\":null } ",
	    &d));
	assert_int_equal(d.given, DRAFT_VALUE | DRAFT_KEY);
	assert_bytes(d.record.value, d.record.value_len, "\0\xff");
	assert_int_equal(d.record.key_len, 0);
	draft_free(&d);
}

static void
assert_header(const struct draft *d, const uint8_t **p, const char *name, const char *value)
{
	struct record_header h;

	record_next_header(&d->record, p, &h);
	assert_int_equal(h.name_len, strlen(name));
	assert_memory_equal(h.name, name, strlen(name));
	assert_int_equal(h.value_len, value == NULL ? -1 : (int)strlen(value));
	if (value != NULL)
		assert_memory_equal(h.value, value, strlen(value));
}

static void
test_headers_in_three_spellings(void **state)
{
	static const char *const spellings[] = {
	    "{\"value\":\"\",\"headers\":[{\"name\":\"a\",\"value\":\"1\"},{\"value\":null,\"name_base64\":\"Yg==\"},{\"name\":\"a\",\"value\":\"\"}]}",
	    "{\"value\":\"\",\"headers\":[{\"key\":\"a\",\"value_base64\":\"MQ==\"},{\"key\":\"b\",\"value\":null},{\"key\":\"a\",\"value\":\"\"}]}",
	    "{\"payload\":\"\",\"headers\":[\"a\",\"1\",\"b\",null,\"a\",\"\"]}",
	};
	struct draft d = DRAFT_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		const uint8_t *p;

		assert_ok(parse(spellings[i], &d));
		assert_int_equal(d.record.header_count, 3);
		p = d.record.headers;
		assert_header(&d, &p, "a", "1");
		assert_header(&d, &p, "b", NULL);
		assert_header(&d, &p, "a", "");
		assert_int_equal(p - d.record.headers, d.record.headers_len);
	}
	draft_free(&d);
}

static void
test_kcat_and_rpk_lines(void **state)
{
	struct draft d = DRAFT_EMPTY;

	(void)state;
	assert_ok(parse("{\"topic\":\"t\",\"partition\":0,\"offset\":3,\"tstype\":\"create\",\"ts\":1795341600250,\"broker\":1,"
			"\"headers\":[\"h\",\"1\"],\"key\":null,\"payload\":\"v\"}",
	    &d));
	assert_int_equal(d.record.timestamp_ms, 1795341600250);
	assert_int_equal(d.record.key_len, -1);
	assert_bytes(d.record.value, d.record.value_len, "v");
	assert_ok(parse("{\"payload\":null,\"key\":\"\"}", &d));
	assert_int_equal(d.record.value_len, -1);
	assert_int_equal(d.record.key_len, 0);
	assert_ok(parse("{\"topic\":\"t\",\"value\":\"v\",\"timestamp\":1795341600250,\"partition\":0,\"offset\":0}", &d));
	assert_int_equal(d.given & DRAFT_KEY, 0);
	draft_free(&d);
}

static void
test_hostile_lines(void **state)
{
	static const struct {
		const char *line, *said;
	} hostile[] = {
	    {"", "not JSON"},
	    {" ", "not JSON"},
	    {"nonsense", "not JSON"},
	    {"null", "not JSON"},
	    {"\"value\"", "not JSON"},
	    {"[]", "not a JSON object"},
	    {"[{\"value\":\"a\"}]", "not a JSON object"},
	    {"{}", "no \"value\" in it"},
	    {"{\"key\":\"k\"}", "no \"value\" in it"},
	    {"{\"value\":\"a\"", "not JSON"},
	    {"{\"value\":\"a", "not JSON"},
	    {"{\"value\":\"a\"}}", "not JSON"},
	    {"{\"value\":\"a\"}{\"value\":\"b\"}", "not JSON"},
	    {"{\"value\":\"a\",}", "not JSON"},
	    {"{'value':'a'}", "not JSON"},
	    {"{\"value\":\"a\",\"value\":\"b\"}", "not JSON: duplicate object key"},
	    {"{\"value\":\"a\",\"value_base64\":\"YQ==\"}", "\"value_base64\": said twice"},
	    {"{\"payload\":\"a\",\"value\":\"a\"}", "\"value\": said twice"},
	    {"{\"value\":\"a\",\"ts\":1,\"timestamp\":1}", "\"timestamp\": said twice"},
	    {"{\"value\":\"a\",\"Key\":\"b\"}", "\"Key\": no such field"},
	    {"{\"value\":\"a\",\"\":\"b\"}", "\"\": no such field"},
	    {"{\"value\":\"a\",\"x\\u0000\":\"b\"}", "not JSON"},
	    {"{\"value\":1}", "\"value\": a string or null expected"},
	    {"{\"value\":true}", "\"value\": a string or null expected"},
	    {"{\"value\":{\"a\":1}}", "\"value\": a string or null expected"},
	    {"{\"value\":\"a\",\"key\":[]}", "\"key\": a string or null expected"},
	    {"{\"value_base64\":\"a\"}", "\"value_base64\": not base64"},
	    {"{\"value_base64\":\"YQ=\\u0000\"}", "\"value_base64\": not base64"},
	    {"{\"value\":\"\xff\"}", "not JSON"},
	    {"{\"value\":\"\xc0\x80\"}", "not JSON"},
	    {"{\"value\":\"\xed\xa0\x80\"}", "not JSON"},
	    {"{\"value\":\"\\ud800\"}", "not JSON"},
	    {"{\"value\":\"\\udc00\\ud800\"}", "not JSON"},
	    {"{\"value\":\"\n\"}", "not JSON"},
	    {"{\"value\":\"a\",\"topic\":7}", "\"topic\": a string expected"},
	    {"{\"value\":\"a\",\"partition\":-1}", "\"partition\": partition -1"},
	    {"{\"value\":\"a\",\"partition\":2147483648}", "\"partition\": partition 2147483648"},
	    {"{\"value\":\"a\",\"partition\":1.0}", "\"partition\": an integer expected"},
	    {"{\"value\":\"a\",\"timestamp\":\"now\"}", "\"timestamp\": an integer expected"},
	    {"{\"value\":\"a\",\"timestamp\":1e3}", "\"timestamp\": an integer expected"},
	    {"{\"value\":\"a\",\"timestamp\":-2}", "\"timestamp\": timestamp -2"},
	    {"{\"value\":\"a\",\"timestamp\":9223372036854775808}", "not JSON"},
	    {"{\"value\":\"a\",\"timestamp\":1e999}", "not JSON"},
	    {"{\"value\":\"a\",\"headers\":{}}", "\"headers\": an array expected"},
	    {"{\"value\":\"a\",\"headers\":[\"x\"]}", "\"headers\": the last name has no value"},
	    {"{\"value\":\"a\",\"headers\":[null,\"x\"]}", "\"headers\": a header without a name"},
	    {"{\"value\":\"a\",\"headers\":[[]]}", "\"headers\": "},
	    {"{\"value\":\"a\",\"headers\":[1,2]}", "\"headers\": a string or null expected"},
	    {"{\"value\":\"a\",\"headers\":[{}]}", "\"headers\": a header without a name"},
	    {"{\"value\":\"a\",\"headers\":[{\"name\":null,\"value\":\"x\"}]}", "\"headers\": a header without a name"},
	    {"{\"value\":\"a\",\"headers\":[{\"name\":\"x\"}]}", "\"headers\": a header without a value"},
	    {"{\"value\":\"a\",\"headers\":[{\"name\":\"x\",\"value\":1}]}", "\"headers\": \"value\" of a header: a string"},
	    {"{\"value\":\"a\",\"headers\":[{\"name\":\"x\",\"key\":\"x\",\"value\":\"\"}]}",
		"\"headers\": \"key\" of a header: said twice"},
	    {"{\"value\":\"a\",\"headers\":[{\"name\":\"x\",\"value\":\"\",\"y\":1}]}",
		"\"headers\": \"y\": no such field of a header"},
	};
	struct draft d = DRAFT_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		if (parse(hostile[i].line, &d) != STATUS_DATA)
			fail_msg("%s: taken", hostile[i].line);
		if (strncmp(status_message(), hostile[i].said, strlen(hostile[i].said)) != 0)
			fail_msg("%s: said %s", hostile[i].line, status_message());
	}
	draft_free(&d);
}

static void
test_depth_has_a_limit(void **state)
{
	const size_t depth = 1000000;
	char *text = malloc(2 * depth + 32);
	struct draft d = DRAFT_EMPTY;

	(void)state;
	strcpy(text, "{\"value\":\"a\",\"offset\":");
	memset(text + strlen(text), 0, depth);
	memset(text + 22, '[', depth);
	memset(text + 22 + depth, ']', depth);
	strcpy(text + 22 + 2 * depth, "}");
	assert_status(parse(text, &d), STATUS_DATA);
	assert_non_null(strstr(status_message(), "depth"));
	free(text);
	draft_free(&d);
}

/* Every cut of a good line is bad, and no byte behind it is looked at. */
static void
test_every_cut_of_a_line_is_refused(void **state)
{
	static const char line[] = "{\"topic\":\"t\",\"timestamp\":17,\"key_base64\":\"AP8=\",\"value\":\"\\u00e4\xc3\xa4\","
				   "\"headers\":[{\"name\":\"a\",\"value\":null},\"b\",\"\"]}";
	struct draft d = DRAFT_EMPTY;

	(void)state;
	assert_ok(parse(line, &d));
	for (size_t len = 0; len < sizeof(line) - 1; len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, line, len);
		draft_reset(&d);
		assert_status(json_parse_record(cut, len, &d), STATUS_DATA);
		free(cut);
	}
	draft_free(&d);
}

static void
test_a_megabyte_of_anything_comes_back(void **state)
{
	const int32_t len = 1 << 20;
	uint8_t *bytes = malloc((size_t)len);
	struct draft d = DRAFT_EMPTY;
	struct buf out = BUF_EMPTY;
	struct record r = plain();

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		for (int32_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(kind == 0 ? 0 : kind == 1 ? ' ' + i % 90 : i * 31);
		r.value = bytes;
		r.value_len = len;
		buf_clear(&out);
		assert_ok(json_print_record(&place, &r, &out));
		assert_true(out.len <= JSON_EXPANSION * (size_t)len + JSON_FRAME_BYTES);
		draft_reset(&d);
		assert_ok(json_parse_record(out.data, out.len - 1, &d));
		assert_int_equal(d.record.value_len, len);
		assert_memory_equal(d.record.value, bytes, (size_t)len);
	}
	free(bytes);
	buf_free(&out);
	draft_free(&d);
}

static void
test_no_memory(void **state)
{
	static const struct record_header header = {(const uint8_t *)"a", 1, (const uint8_t *)"1", 1};
	struct buf headers = BUF_EMPTY;
	struct record r = plain();

	(void)state;
	assert_ok(record_add_header(&headers, &header));
	r.headers = headers.data;
	r.headers_len = (int32_t)headers.len;
	r.header_count = 1;
	for (long n = 0;; n++) {
		struct buf out = BUF_EMPTY;
		struct draft d = DRAFT_EMPTY;
		int rc;

		unit_oom_after(n);
		if ((rc = json_print_record(&place, &r, &out)) == STATUS_OK)
			rc = json_parse_record(out.data, out.len - 1, &d);
		buf_free(&out);
		draft_free(&d);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	buf_free(&headers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_an_object_a_line),
	    unit_test(test_what_needs_an_escape_has_one),
	    unit_test(test_utf8_is_what_jansson_takes_for_it),
	    unit_test(test_a_line_is_read),
	    unit_test(test_headers_in_three_spellings),
	    unit_test(test_kcat_and_rpk_lines),
	    unit_test(test_hostile_lines),
	    unit_test(test_depth_has_a_limit),
	    unit_test(test_every_cut_of_a_line_is_refused),
	    unit_test(test_a_megabyte_of_anything_comes_back),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

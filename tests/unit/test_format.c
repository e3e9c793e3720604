/* format: every verb and modifier, what does not fit, and what is no format. */
#include "cmd/format.h"
#include "cmd/format_print.h"
#include "unit.h"

static const struct format_place place = {.topic = "orders", .partition = 3, .leader_epoch = 7};
static const struct buf null_text = {(uint8_t *)(uintptr_t) "NULL", 4, 4};

/* key k, value "val", headers a=1, b=null, time 2026-11-22T10:00:00.250Z */
static struct record
sample(void)
{
	static struct buf headers;
	static const struct record_header one = {(const uint8_t *)"a", 1, (const uint8_t *)"1", 1},
					  two = {(const uint8_t *)"b", 1, NULL, -1};

	buf_clear(&headers);
	assert_ok(record_add_header(&headers, &one));
	assert_ok(record_add_header(&headers, &two));
	return (struct record){.offset = 42,
	    .timestamp_ms = 1795341600250,
	    .key = (const uint8_t *)"k",
	    .key_len = 1,
	    .value = (const uint8_t *)"val",
	    .value_len = 3,
	    .headers = headers.data,
	    .headers_len = (int32_t)headers.len,
	    .header_count = 2};
}

static int
print(const char *text, const struct record *r, struct buf *out)
{
	struct format *f;
	int rc;

	assert_ok(format_parse(text, &f));
	buf_clear(out);
	rc = format_print(f, &place, r, &null_text, out);
	format_free(f);
	return rc;
}

#define assert_prints(text, r, expected)                                   \
	do {                                                               \
		struct buf out_ = BUF_EMPTY;                               \
		assert_ok(print(text, r, &out_));                          \
		assert_bytes((const char *)out_.data, out_.len, expected); \
		buf_free(&out_);                                           \
	} while (0)

static void
test_verbs(void **state)
{
	struct record r = sample();

	(void)state;
	assert_prints("%t %p %o %k %K %v %V %T %H %e %%", &r, "orders 3 42 k 1 val 3 1795341600250 2 7 %");
	assert_prints("%s %S", &r, "val 3");
	assert_prints("%R", &r, "\0\0\0\3");
	assert_prints("%d", &r, "2026-11-22T10:00:00.250Z");
	assert_prints("%d{strftime[%F %T]}", &r, "2026-11-22 10:00:00");
	assert_prints("%d{strftime[]}|", &r, "|");
	assert_prints("%d{strftime[[%H]]}", &r, "[10]");
	assert_prints("%h", &r, "a=1,b=NULL");
	assert_prints("%h{%k=%v(%V);}", &r, "a=1(1);b=NULL(-1);");
	assert_prints("%h{%k{hex}%%\\x7d}", &r, "61%}62%}");
	assert_prints("%h{}|", &r, "|");
}

static void
test_literals(void **state)
{
	struct record r = sample();

	(void)state;
	assert_prints("a\\n\\t\\\\\\x00\\0{}[]", &r, "a\n\t\\\0\0{}[]");
	assert_prints("%%v", &r, "%v");
}

static void
test_null_and_empty(void **state)
{
	struct record r = sample();

	(void)state;
	r.key = r.value = NULL;
	r.key_len = r.value_len = -1;
	assert_prints("%k %K %v %V %v{hex} %v{base64}", &r, "NULL -1 NULL -1 NULL NULL");
	r.key = r.value = (const uint8_t *)"";
	r.key_len = r.value_len = 0;
	assert_prints("%k%K%v%V%v{hex}%v{base64}", &r, "00");
	r.header_count = 0;
	assert_prints("%H%h%h{x}", &r, "0");
	r.timestamp_ms = -1;
	assert_prints("%T[%d][%d{strftime[%F]}]", &r, "-1[][]");
}

static void
test_byte_modifiers(void **state)
{
	struct record r = sample();

	(void)state;
	assert_prints("%v{hex} %t{hex}", &r, "76616c 6f7264657273");
	/* RFC 4648, section 10. */
	r.value = (const uint8_t *)"foobar";
	r.value_len = 6;
	assert_prints("%v{base64}", &r, "Zm9vYmFy");
	r.value_len = 5;
	assert_prints("%v{base64}", &r, "Zm9vYmE=");
	r.value_len = 4;
	assert_prints("%v{base64}", &r, "Zm9vYg==");
	r.value = (const uint8_t *)"\xff\xfe\xfd";
	r.value_len = 3;
	assert_prints("%v{base64}%v{hex}", &r, "//79fffefd");
}

static void
test_number_modifiers(void **state)
{
	struct record r = sample();

	(void)state;
	r.offset = 0x0102;
	assert_prints("%o{ascii} %o{hex64} %o{hex32} %o{hex16}", &r, "258 0000000000000102 00000102 0102");
	assert_prints("%o{big64}%o{big32}%o{big16}", &r, "\0\0\0\0\0\0\1\2\0\0\1\2\1\2");
	assert_prints("%o{little64}%o{little32}%o{little16}", &r, "\2\1\0\0\0\0\0\0\2\1\0\0\2\1");
	assert_prints("%p{big8}%p{little8}%p{byte}%p{hex8}%e{big16}%H{hex8}", &r,
	    "\3\3\3"
	    "03"
	    "\0\7"
	    "02");
	r.value_len = -1;
	assert_prints("%V{big32}%V{hex8}%V{little16}", &r,
	    "\xff\xff\xff\xff"
	    "ff"
	    "\xff\xff");
	r.offset = INT64_MIN;
	assert_prints("%o{hex64}", &r, "8000000000000000");
}

static void
test_a_number_fits_its_width_or_is_refused(void **state)
{
	static const struct {
		const char *format;
		int64_t least, most;
	} widths[] = {
	    {"%o{byte}", -128, 127},
	    {"%o{hex8}", -128, 127},
	    {"%o{big16}", -32768, 32767},
	    {"%o{little32}", INT32_MIN, INT32_MAX},
	    {"%o{hex64}", INT64_MIN, INT64_MAX},
	};
	struct record r = sample();
	struct buf out = BUF_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(widths); i++) {
		r.offset = widths[i].least;
		assert_ok(print(widths[i].format, &r, &out));
		r.offset = widths[i].most;
		assert_ok(print(widths[i].format, &r, &out));
		if (widths[i].most == INT64_MAX)
			continue;
		r.offset = widths[i].least - 1;
		assert_status(print(widths[i].format, &r, &out), STATUS_IO);
		r.offset = widths[i].most + 1;
		assert_status(print(widths[i].format, &r, &out), STATUS_IO);
		assert_non_null(strstr(status_message(), "does not fit"));
	}
	r.timestamp_ms = INT64_MAX;
	assert_ok(print("%d{strftime[%F]}", &r, &out));
	buf_free(&out);
}

static void
test_what_is_no_format(void **state)
{
	static const char *const bad[] = {
	    "%",
	    "a%",
	    "%q",
	    "%-5v",
	    "%v{",
	    "%v{hex",
	    "%v{hex32}",
	    "%v{}",
	    "%V{}",
	    "%V{hex}",
	    "%V{hex4}",
	    "%V{HEX8}",
	    "%V{big}",
	    "%V{big65}",
	    "%d{",
	    "%d{}",
	    "%d{%F}",
	    "%d{strftime}",
	    "%d{strftime[%F}",
	    "%d{strftime[%F]",
	    "%h{",
	    "%h{%k",
	    "%h{%o}",
	    "%h{%h{%k}}",
	    "%h{%d}",
	    "\\",
	    "\\q",
	    "\\x4",
	    "\\xzz",
	    "a\\",
	};
	struct format *f = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (format_parse(bad[i], &f) != STATUS_USAGE)
			fail_msg("%s: taken for a format", bad[i]);
		assert_true(*status_message() != '\0');
		assert_null(f);
	}
}

static void
test_an_empty_format_prints_nothing(void **state)
{
	struct record r = sample();

	(void)state;
	assert_prints("", &r, "");
	format_free(NULL);
}

static void
test_no_memory(void **state)
{
	struct record r = sample();
	struct format *f;

	(void)state;
	for (long n = 0;; n++) {
		struct buf out = BUF_EMPTY;
		int rc;

		unit_oom_after(n);
		if ((rc = format_parse("%t-%d{strftime[%F]}%h{%k=%v{hex};}\\n%v{base64}", &f)) == STATUS_OK) {
			rc = format_print(f, &place, &r, &null_text, &out);
			format_free(f);
		}
		buf_free(&out);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_verbs),
	    unit_test(test_literals),
	    unit_test(test_null_and_empty),
	    unit_test(test_byte_modifiers),
	    unit_test(test_number_modifiers),
	    unit_test(test_a_number_fits_its_width_or_is_refused),
	    unit_test(test_what_is_no_format),
	    unit_test(test_an_empty_format_prints_nothing),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

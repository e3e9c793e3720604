/* format_check, format_scan: what is printed by a format is read by it; what is ambiguous is refused; hostile input. */
#include "cmd/format_scan.h"
#include "cmd/format_check.h"
#include "cmd/format_print.h"
#include "unit.h"

#define MOST 1000

static struct format *
format_of(const char *text)
{
	struct format *f;

	assert_ok(format_parse(text, &f));
	return f;
}

/* The record's fields on a line, null as ~. */
static const char *
show(const struct draft *d)
{
	static char text[512];
	const uint8_t *p = d->record.headers;
	size_t at = 0;

#define SHOW(...) at += (size_t)snprintf(text + at, sizeof(text) - at, __VA_ARGS__)
	text[0] = '\0';
	if (d->given & DRAFT_TOPIC)
		SHOW("t=%s ", (const char *)d->topic.data);
	if (d->given & DRAFT_PARTITION)
		SHOW("p=%d ", d->partition);
	if (d->given & DRAFT_TIMESTAMP)
		SHOW("T=%lld ", (long long)d->record.timestamp_ms);
	if (d->given & DRAFT_KEY)
		SHOW("k=%.*s ", d->record.key_len < 0 ? 1 : d->record.key_len,
		    d->record.key_len < 0 ? "~" : (const char *)d->record.key);
	SHOW("v=%.*s", d->record.value_len < 0 ? 1 : d->record.value_len,
	    d->record.value_len < 0 ? "~" : (const char *)d->record.value);
	for (int32_t i = 0; i < d->record.header_count; i++) {
		struct record_header h;

		record_next_header(&d->record, &p, &h);
		SHOW(" %.*s:%.*s", h.name_len, (const char *)h.name, h.value_len < 0 ? 1 : h.value_len,
		    h.value_len < 0 ? "~" : (const char *)h.value);
	}
#undef SHOW
	return text;
}

/* All records of the input, each in <>; what ends it as its status, and then what is left. */
static const char *
scan_bytes(const char *format, const char *input, size_t len)
{
	static char text[2048];
	struct format *f = format_of(format);
	struct draft d = DRAFT_EMPTY;
	size_t at = 0, used = 0;
	int rc = STATUS_OK;

	assert_ok(format_check(f));
	text[0] = '\0';
	while (len > 0) {
		/* A copy of exactly these bytes, so that a look behind them is seen. */
		uint8_t *copy = malloc(len);

		memcpy(copy, input, len);
		draft_reset(&d);
		if ((rc = format_scan(f, copy, len, true, MOST, &d, &used)) == STATUS_OK)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "<%s>", show(&d));
		free(copy);
		if (rc != STATUS_OK)
			break;
		input += used;
		len -= used;
	}
	if (rc != STATUS_OK) {
		assert_int_equal(rc, STATUS_DATA);
		snprintf(text + at, sizeof(text) - at, "! %s", status_message());
	}
	draft_free(&d);
	format_free(f);
	return text;
}

#define assert_scan(format, input, expected) assert_string_equal(scan_bytes(format, input, sizeof(input) - 1), expected)

static void
test_texts_separate_what_has_no_length(void **state)
{
	(void)state;
	assert_scan("%v\\n", "a\nb\n", "<v=a><v=b>");
	assert_scan("%k=%v\\n", "a=1\nb=\n=\n", "<k=a v=1><k=b v=><k= v=>");
	assert_scan("%k => %v;;", "a => b;c;;d=> => ;;", "<k=a v=b;c><k=d=> v=>");
	assert_scan("<%v>", "<a><>", "<v=a><v=>");
	assert_scan("%t/%p %o %T %k=%v %e %H\\n", "t/3 17 99 k=v 5 0\n", "<t=t p=3 T=99 k=k v=v>");
	assert_scan("%v", "all\nof it", "<v=all\nof it>");
	assert_scan("%k %v", "k v\nw", "<k=k v=v\nw>");
	assert_scan("%v %d\\n", "a 2026-11-22T10:00:00.250Z\nb \n", "<T=1795341600250 v=a><T=-1 v=b>");
	assert_scan("%% %v%%\\n", "% a%\n", "<v=a>");
}

static void
test_a_last_text_may_be_missing_at_the_end(void **state)
{
	(void)state;
	assert_scan("%v\\n", "a\nb", "<v=a><v=b>");
	assert_scan("%V %v\\n", "1 a\n1 b", "<v=a><v=b>");
	assert_scan("%k=%v;;", "a=b;;c=d;", "<k=a v=b><k=c v=d;>");
	assert_scan("%V %v;;", "1 a;;1 b;", "<v=a>! the input ends in the middle of it");
	assert_scan("%k=%v;", "a=b;c", "<k=a v=b>! the input ends in the middle of it");
}

static void
test_lengths_make_it_safe_for_any_bytes(void **state)
{
	(void)state;
	assert_scan("%K %V %k%v", "1 2 abc0 0 1 -1 x-1 3 \n 1", "<k=a v=bc><k= v=><k=x v=~><k=~ v=\n 1>");
	assert_scan("%K{big32}%k%V{big32}%v", "\0\0\0\1k\0\0\0\2\n\1\xff\xff\xff\xff\xff\xff\xff\xff", "<k=k v=\n\1><k=~ v=~>");
	assert_scan("%V{little16}%v", "\1\0a\2\0bc", "<v=a><v=bc>");
	assert_scan("%R%s", "\0\0\0\1a", "<v=a>");
}

static void
test_every_width(void **state)
{
	static const char *const shapes[] = {"ascii", "hex64", "hex32", "hex16", "hex8", "big64", "big32", "big16", "big8",
	    "little64", "little32", "little16", "little8", "byte"};
	static const int32_t lens[] = {-1, 0, 1, 127};
	static const struct format_place place = {.topic = "t"};
	const struct buf null = BUF_EMPTY;
	uint8_t bytes[128];

	(void)state;
	memset(bytes, '7', sizeof(bytes));
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		for (size_t j = 0; j < COUNT_OF(lens); j++) {
			struct record r = {.key = bytes, .key_len = lens[j], .value = bytes, .value_len = lens[j]};
			struct draft d = DRAFT_EMPTY;
			struct buf out = BUF_EMPTY;
			struct format *f;
			char text[64];
			size_t used;

			snprintf(text, sizeof(text), "%%K{%s}:%%k%%V{%s}:%%v{hex}", shapes[i], shapes[i]);
			f = format_of(text);
			assert_ok(format_check(f));
			assert_ok(format_print(f, &place, &r, &null, &out));
			assert_ok(format_scan(f, out.data, out.len, false, MOST, &d, &used));
			assert_int_equal(used, out.len);
			assert_int_equal(d.record.key_len, lens[j]);
			assert_int_equal(d.record.value_len, lens[j]);
			if (lens[j] > 0)
				assert_memory_equal(d.record.value, bytes, (size_t)lens[j]);
			format_free(f);
			buf_free(&out);
			draft_free(&d);
		}
	}
}

static void
test_hexadecimal_and_base64(void **state)
{
	(void)state;
	assert_scan("%k{hex} %v{base64}\\n", "6b00 dg==\n", "<k=k v=v>");
	assert_scan("%K %V %k{hex}%v{base64}%t{hex}|", "1 2 6bdnc=74|", "<t=t k=k v=vw>");
	assert_scan("%v{hex}\\n", "6\n", "! its value: hexadecimal digits come in pairs");
	assert_scan("%v{hex}\\n", "6x\n", "! its value: not hexadecimal");
	assert_scan("%v{base64}\\n", "Zg\n", "! its value: not base64: its length is no multiple of 4");
	/* Four characters that stand for one byte, where two are promised. */
	assert_scan("%V %v{base64}\\n", "2 Zg==\n", "! its value has 1 bytes, not 2");
}

static void
test_a_length_behind_its_bytes_must_agree(void **state)
{
	(void)state;
	assert_scan("%v %V\\n", "abc 3\n 0\n -1\n", "<v=abc><v=><v=~>");
	assert_scan("%v %V\\n", "abc 2\n", "! its value has 3 bytes, not 2");
	assert_scan("%v %V\\n", "abc -1\n", "! its value has 3 bytes, not -1");
}

static void
test_headers(void **state)
{
	(void)state;
	assert_scan("%v %H %h{%k=%v;}\\n", "a 2 x=1;y=;\nb 0 \n", "<v=a x:1 y:><v=b>");
	assert_scan("%V %v %H %h{%K %k%V %v}\\n", "1 \n 2 1 n-1 2 mm1 \n\n", "<v=\n n:~ mm:\n>");
	assert_scan("%H %h{%k{hex}:%v{base64},}%v\\n", "1 6e:dg==,a\n", "<v=a n:v>");
	assert_scan("%v %h\\n", "a x=1,y=2=2\nb \n", "<v=a x:1 y:2=2><v=b>");
	assert_scan("%v %h\\n", "a x\n", "! headers are name=value,name=value");
	assert_scan("%H %h{%k;}%v\\n", "1 n;a\n", "<v=a n:~>");
	assert_scan("%H %h{%K %k;}%v\\n", "1 -1 ;a\n", "! a header without a name at byte 6 of it");
	assert_scan("%H %h{%k;}%v\\n", "-1 a\n", "! a negative number of headers at byte 3 of it");
	assert_scan("%H %h{%k;}%v\\n", "2 n;a\n", "! the input ends in the middle of it");
	assert_scan("%H{big64}%h{%k;}%v\\n", "\177\377\377\377\377\377\377\377n;a\n", "! the input ends in the middle of it");
}

static void
test_hostile_input(void **state)
{
	(void)state;
	assert_scan("%V %v", "x", "! no number at byte 0 of it");
	assert_scan("%V %v", "", "");
	assert_scan("%V %v", " ", "! no number at byte 0 of it");
	assert_scan("%V %v", "-", "! no number at byte 0 of it");
	assert_scan("%V %v", "--1 ", "! no number at byte 0 of it");
	assert_scan("%V %v", "+1 a", "! no number at byte 0 of it");
	assert_scan("%V %v", "9223372036854775808 a", "! no number at byte 0 of it");
	assert_scan("%V %v", "99999999999999999999999999999 a", "! no number at byte 0 of it");
	assert_scan("%V %v", "-2 a", "! its value would have -2 bytes: it may have up to 1000, or -1 for null");
	assert_scan("%V %v", "1001 a", "! its value would have 1001 bytes: it may have up to 1000, or -1 for null");
	assert_scan("%V %v", "9223372036854775807 a",
	    "! its value would have 9223372036854775807 bytes: it may have up to 1000, or -1 for null");
	assert_scan("%V{hex64} %v", "8000000000000000 a",
	    "! its value would have -9223372036854775808 bytes: it may have up to 1000, or -1 for null");
	assert_scan("%V %v", "3 ab", "! the input ends in the middle of it");
	assert_scan("%V %v", "3", "! the input ends in the middle of it");
	assert_scan("%V %v\\n", "1 ab\n", "! not the text that the format has at byte 3 of it");
	assert_scan("%V{hex8} %v", "0g a", "! no hexadecimal number at byte 0 of it");
	assert_scan("%V{big32}%v", "\0\0\0", "! the input ends in the middle of it");
	assert_scan("%T %v\\n", "-2 a\n", "! timestamp -2: milliseconds since 1970 expected, or -1 for none");
	assert_scan("%p %v\\n", "-1 a\n", "! partition -1: partitions are numbers from 0 on");
	assert_scan("%p %v\\n", "2147483648 a\n", "! partition 2147483648: partitions are numbers from 0 on");
	assert_scan("%d %v\\n", "yesterday a\n", "! no date at byte 9 of it");
	assert_scan("<%v>", "a<b>", "! not the text that the format has at byte 0 of it");
}

/* However the bytes come, the record is the same, and is never taken before it is whole. */
static void
test_any_cut_asks_for_more(void **state)
{
	static const char input[] = "t 5 -17 2 3 kkvvv 2 1 n-1 1 m1 x.17 2026-11-22T10:00:00.250Z\n";
	struct format *f = format_of("%t %p -%o %K %V %k%v %H %h{%K %k%V %v}.%e %d\\n");
	struct draft d = DRAFT_EMPTY;
	size_t used;

	(void)state;
	assert_ok(format_check(f));
	for (size_t len = 1; len < sizeof(input) - 1; len++) {
		uint8_t *copy = malloc(len);

		memcpy(copy, input, len);
		draft_reset(&d);
		assert_status(format_scan(f, copy, len, false, MOST, &d, &used), STATUS_END);
		free(copy);
	}
	draft_reset(&d);
	assert_ok(format_scan(f, (const uint8_t *)input, sizeof(input) - 1, false, MOST, &d, &used));
	assert_int_equal(used, sizeof(input) - 1);
	assert_string_equal(show(&d), "t=t p=5 T=1795341600250 k=kk v=vvv n:~ m:x");
	draft_free(&d);
	format_free(f);
}

static void
test_what_could_be_read_in_two_ways_is_refused(void **state)
{
	static const struct {
		const char *format, *said;
	} bad[] = {
	    {"", "no %v"},
	    {"x", "no %v"},
	    {"%k\\n", "no %v"},
	    {"%V\\n", "no %v"},
	    {"%k%v\\n", "nothing tells where the key ends"},
	    {"%v%k\\n", "nothing tells where the value ends"},
	    {"%v%V\\n", "nothing tells where the value ends"},
	    {"%K %v%k\\n", "nothing tells where the value ends"},
	    {"%t%v\\n", "nothing tells where the topic ends"},
	    {"%d%v\\n", "nothing tells where the date ends"},
	    {"%h%v\\n", "nothing tells where the list of headers ends"},
	    {"%V%v\\n", "a decimal number"},
	    {"%V1%v\\n", "a decimal number"},
	    {"%K%V %k%v\\n", "a decimal number"},
	    {"%K %k%V{big8}%v%T", "a decimal number"},
	    {"%v\\n%T", "a decimal number"},
	    {"%v %v\\n", "twice"},
	    {"%v %s\\n", "twice"},
	    {"%V %V{big8}%v", "twice"},
	    {"%h{%k=%v;}%v\\n", "their number"},
	    {"%v %h{%k=%v;}%H\\n", "their number"},
	    {"%H %h{}%v\\n", "headers have names"},
	    {"%H %h{%v;}%v\\n", "headers have names"},
	    {"%H %h{%k}%v\\n", "nothing tells where the name ends"},
	    {"%H %h{%k=%v}%v\\n", "nothing tells where the value ends"},
	    {"%H %h{%K %V %k%v%K}%v\\n", "twice"},
	    {"%H %h{%k;%V}%v\\n", "a decimal number"},
	    {"%H%h{%k;}%v\\n", "a decimal number"},
	    {"%d{strftime[%F]} %v\\n", "strftime"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct format *f = format_of(bad[i].format);

		if (format_check(f) != STATUS_USAGE)
			fail_msg("%s: taken", bad[i].format);
		if (strstr(status_message(), bad[i].said) == NULL)
			fail_msg("%s: said %s", bad[i].format, status_message());
		format_free(f);
	}
}

static void
test_what_can_be_read_in_one_way_is_taken(void **state)
{
	static const char *const good[] = {"%v", "%v\\n", "%k %v", "%V{byte}%v", "%K{big32}%k%V{big32}%v", "%V %v", "<%V>%v",
	    "%p:%o:%v\\n", "%H%h{ %k=%v }.%v\\n", "%H{byte}%h{%K{byte}%k%V{byte}%v}%V{byte}%v", "\\n%v\\0%T", "%h %v\\n",
	    "%H %v\\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct format *f = format_of(good[i]);

		assert_ok(format_check(f));
		format_free(f);
	}
}

static void
test_no_memory(void **state)
{
	static const char input[] = "74 6b 1 6e:76;dg==\n";

	(void)state;
	for (long n = 0;; n++) {
		struct draft d = DRAFT_EMPTY;
		struct format *f = format_of("%t{hex} %k{hex} %H %h{%k{hex}:%v{hex};}%v{base64}\\n");
		size_t used;
		int rc;

		unit_oom_after(n);
		rc = format_scan(f, (const uint8_t *)input, sizeof(input) - 1, true, MOST, &d, &used);
		draft_free(&d);
		format_free(f);
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
	    unit_test(test_texts_separate_what_has_no_length),
	    unit_test(test_a_last_text_may_be_missing_at_the_end),
	    unit_test(test_lengths_make_it_safe_for_any_bytes),
	    unit_test(test_every_width),
	    unit_test(test_hexadecimal_and_base64),
	    unit_test(test_a_length_behind_its_bytes_must_agree),
	    unit_test(test_headers),
	    unit_test(test_hostile_input),
	    unit_test(test_any_cut_asks_for_more),
	    unit_test(test_what_could_be_read_in_two_ways_is_refused),
	    unit_test(test_what_can_be_read_in_one_way_is_taken),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

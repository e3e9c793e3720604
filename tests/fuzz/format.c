/*
 * format: any string as the format of -f, what follows its NUL as an input that is printed so. Each record that is read can be printed, and
 * a format that loses nothing reads back what it printed.
 */
#include "fuzz.h"

#include "cmd/format.h"
#include "cmd/format_check.h"
#include "cmd/format_print.h"
#include "cmd/format_scan.h"

#define MOST_BYTES 65536

static struct format *lossless;
static const struct format_place place = {.topic = "t", .partition = 7, .leader_epoch = 3};

static bool
same_bytes(const uint8_t *a, int32_t a_len, const uint8_t *b, int32_t b_len)
{
	return a_len == b_len && (a_len <= 0 || memcmp(a, b, (size_t)a_len) == 0);
}

/* Through the format that knows all lengths. */
static void
check_round_trip(const struct record *r)
{
	struct draft d = DRAFT_EMPTY;
	struct buf out = BUF_EMPTY;
	size_t used = 0;

	ENOUGH_MEMORY(format_print(lossless, &place, r, &BUF_EMPTY, &out));
	draft_reset(&d);
	EXPECT(format_scan(lossless, out.data, out.len, true, out.len, &d, &used) == STATUS_OK);
	EXPECT(used == out.len);
	EXPECT(same_bytes(d.record.key, d.record.key_len, r->key, r->key_len));
	EXPECT(same_bytes(d.record.value, d.record.value_len, r->value, r->value_len));
	EXPECT(d.record.timestamp_ms == r->timestamp_ms);
	draft_free(&d);
	buf_free(&out);
}

/* Read records as mq-produce does, whether or not all of the input is there already. */
static void
scan_all(const struct format *f, const struct buf *in, bool ended)
{
	struct draft d = DRAFT_EMPTY;
	struct buf out = BUF_EMPTY, null = BUF_EMPTY;
	size_t at = 0, used;

	while (at < in->len) {
		draft_reset(&d);
		if (format_scan(f, in->data + at, in->len - at, ended, MOST_BYTES, &d, &used) != STATUS_OK)
			break;
		EXPECT(used > 0 && used <= in->len - at);
		at += used;
		buf_clear(&out);
		(void)format_print(f, &place, &d.record, &null, &out);
		check_round_trip(&d.record);
	}
	draft_free(&d);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_bytes input = {bytes, len};
	struct format *f = NULL;
	struct buf rest;
	char *text;

	if (lossless == NULL)
		EXPECT(
		    format_parse("%T{big64}%K{big32}%k%V{big32}%v", &lossless) == STATUS_OK && format_check(lossless) == STATUS_OK);
	text = fuzz_string(&input);
	rest = fuzz_rest(&input);
	if (format_parse(text, &f) == STATUS_OK && format_check(f) == STATUS_OK) {
		scan_all(f, &rest, true);
		scan_all(f, &rest, false);
	}
	format_free(f);
	free(text);
	buf_free(&rest);
	return 0;
}

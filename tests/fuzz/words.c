/*
 * words: any string as what a user may say in an option: numbers, sizes, durations, times, names, escapes, positions. Any bytes escaped are
 * read as they were.
 */
#include "fuzz.h"

#include "base/parse.h"
#include "cmd/escape.h"
#include "cmd/position.h"

#define NOW_MS INT64_C(1700000000000)

static void
check_escapes(const struct buf *bytes)
{
	struct buf text = BUF_EMPTY, again = BUF_EMPTY;

	ENOUGH_MEMORY(escape_text(&text, bytes->data, bytes->len, "=,"));
	ENOUGH_MEMORY(buf_append_byte(&text, '\0'));
	EXPECT(strlen((char *)text.data) == text.len - 1);
	EXPECT(parse_escapes((char *)text.data, &again) == STATUS_OK);
	EXPECT(again.len == bytes->len && (again.len == 0 || memcmp(again.data, bytes->data, again.len) == 0));
	buf_free(&text);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_bytes input = {bytes, len};
	struct buf all = fuzz_rest(&input), unescaped = BUF_EMPTY;
	struct range range = RANGE_ALL;
	char *text = fuzz_string(&input);
	int64_t value;

	check_escapes(&all);
	if (parse_int64(text, -5, 1000, &value) == STATUS_OK)
		EXPECT(value >= -5 && value <= 1000);
	if (parse_size(text, &value) == STATUS_OK)
		EXPECT(value >= 0);
	if (parse_duration_ms(text, &value) == STATUS_OK)
		EXPECT(value >= 0);
	if (parse_time_ms(text, NOW_MS, &value) == STATUS_OK)
		EXPECT(value >= 0);
	if (parse_is_name(text))
		EXPECT(strlen(text) <= NAME_MAX_BYTES && strchr(text, '/') == NULL && text[0] != '-');
	(void)parse_escapes(text, &unescaped);
	(void)range_parse(text, NOW_MS, &range);
	free(text);
	buf_free(&unescaped);
	buf_free(&all);
	return 0;
}

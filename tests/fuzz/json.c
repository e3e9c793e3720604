/*
 * json: any bytes as a line of mq-produce -J. A record that is read is printed so that it reads the same.
 */
#include "fuzz.h"

#include "cmd/json.h"

static const struct format_place place = {.topic = "t", .partition = 7, .leader_epoch = 3};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf line = fuzz_rest(&(struct fuzz_bytes){bytes, len}), printed = BUF_EMPTY, reprinted = BUF_EMPTY;
	struct draft d = DRAFT_EMPTY, again = DRAFT_EMPTY;

	draft_reset(&d);
	if (json_parse_record(line.data, line.len, &d) == STATUS_OK) {
		ENOUGH_MEMORY(json_print_record(&place, &d.record, &printed));
		EXPECT(printed.data[printed.len - 1] == '\n');
		draft_reset(&again);
		EXPECT(json_parse_record(printed.data, printed.len - 1, &again) == STATUS_OK);
		ENOUGH_MEMORY(json_print_record(&place, &again.record, &reprinted));
		EXPECT(printed.len == reprinted.len && memcmp(printed.data, reprinted.data, printed.len) == 0);
	}
	draft_free(&d);
	draft_free(&again);
	buf_free(&line);
	buf_free(&printed);
	buf_free(&reprinted);
	return 0;
}

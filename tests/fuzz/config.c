/*
 * config: any bytes as a topic's `config`, and as the file of a named producer. What is understood is written so that it says the same.
 */
#include "fuzz.h"

#include "store/config.h"
#include "store/named_file.h"

static void
check_config(const struct buf *text)
{
	struct config c, again;
	struct file_access access;
	struct buf written = BUF_EMPTY, rewritten = BUF_EMPTY;

	if (config_decode(text, &c) == STATUS_OK) {
		(void)config_access(&c, &access);
		ENOUGH_MEMORY(config_encode(&c, &written));
		EXPECT(config_decode(&written, &again) == STATUS_OK);
		ENOUGH_MEMORY(config_encode(&again, &rewritten));
		EXPECT(written.len == rewritten.len && memcmp(written.data, rewritten.data, written.len) == 0);
	}
	buf_free(&written);
	buf_free(&rewritten);
}

static void
check_named_file(const struct buf *text)
{
	struct named_file f = {0}, again = {0};
	struct buf written = BUF_EMPTY, rewritten = BUF_EMPTY;

	if (named_file_decode(text, &f) == STATUS_OK) {
		ENOUGH_MEMORY(named_file_encode(&f, &written));
		EXPECT(named_file_decode(&written, &again) == STATUS_OK);
		ENOUGH_MEMORY(named_file_encode(&again, &rewritten));
		EXPECT(written.len == rewritten.len && memcmp(written.data, rewritten.data, written.len) == 0);
		named_file_free(&again);
		named_file_free(&f);
	}
	buf_free(&written);
	buf_free(&rewritten);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = fuzz_rest(&(struct fuzz_bytes){bytes, len});

	check_config(&text);
	check_named_file(&text);
	buf_free(&text);
	return 0;
}

#include "cmd/dump_segment.h"

#include "dump.h"
#include "golden.h"
#include "log/batch.h"

static bool with_records;

static int
room(struct sheet *s, const struct dump_file *f)
{
	return dump_segment(s, f, f->size, with_records);
}

static int
room_limited(struct sheet *s, const struct dump_file *f)
{
	return dump_segment(s, f, f->size - 1, false);
}

/* `count` batches of two records each, at `path`; the bytes of one. */
static size_t
write_segment(const char *path, int count)
{
	struct record r = {.timestamp_ms = 1000, .key_len = -1, .value = (const uint8_t *)"v\x01", .value_len = 2};
	struct batch_builder b;
	struct buf all = BUF_EMPTY;
	size_t len;

	batch_builder_init(&b, 1000);
	assert_ok(batch_add(&b, &r));
	assert_ok(batch_add(&b, &r));
	batch_seal(&b);
	len = b.bytes.len;
	for (int i = 0; i < count; i++) {
		batch_set_place(b.bytes.data, 2 * i, 7);
		assert_ok(buf_append(&all, b.bytes.data, len));
	}
	unit_write(path, all.data, all.len);
	buf_free(&all);
	batch_builder_free(&b);
	return len;
}

static void
test_a_row_for_each_batch(void **state)
{
	char want[256];
	size_t len = write_segment("00000000000000000000.log", 2);

	(void)state;
	with_records = false;
	assert_ok(dump_run(room, PRINT_JSON, "00000000000000000000.log", DUMP_UNKNOWN));
	snprintf(want, sizeof(want),
	    "{\"file\":\"00000000000000000000.log\",\"position\":%zu,\"bytes\":%zu,\"base_offset\":2,\"last_offset\":3,\"records\":2,"
	    "\"leader_epoch\":7,\"producer_id\":null,",
	    len, len);
	dump_assert_has("out", want);
	dump_assert("err", "");
	assert_false(dump_damaged);
}

static void
test_records_follow_as_text_and_stand_beside_otherwise(void **state)
{
	(void)state;
	write_segment("00000000000000000000.log", 1);
	with_records = true;
	assert_ok(dump_run(room, PRINT_TEXT, "00000000000000000000.log", DUMP_UNKNOWN));
	dump_assert_has("out",
	    "\n  offset 0  timestamp 1970-01-01T00:00:01.000Z  key null  value \"v\\x01\"\n"
	    "  offset 1  timestamp 1970-01-01T00:00:01.000Z  key null  value \"v\\x01\"\n");
	assert_ok(dump_run(room, PRINT_TSV, "00000000000000000000.log", DUMP_UNKNOWN));
	dump_assert_has("out", "\tyes\t1\t1970-01-01T00:00:01.000Z\t-\tv\\x01\t-\t-\n");
}

static void
test_an_empty_segment_is_a_header_line(void **state)
{
	(void)state;
	unit_write("00000000000000000000.log", "", 0);
	assert_ok(dump_run(room, PRINT_TSV, "00000000000000000000.log", DUMP_UNKNOWN));
	dump_assert_has("out", "FILE\tPOSITION\tBYTES");
	assert_ok(dump_run(room, PRINT_JSON, "00000000000000000000.log", DUMP_UNKNOWN));
	dump_assert("out", "");
	assert_false(dump_damaged);
}

static void
test_long_listings_come_in_pieces(void **state)
{
	size_t len, headers = 0, lines = 0;
	char *out;

	(void)state;
	write_segment("00000000000000000000.log", 2500);
	with_records = false;
	assert_ok(dump_run(room, PRINT_TEXT, "00000000000000000000.log", DUMP_UNKNOWN));
	out = unit_read("out", &len);
	for (char *p = out; *p != '\0'; p++) {
		headers += strncmp(p, "POSITION", 8) == 0;
		lines += *p == '\n';
	}
	assert_int_equal(headers, 3);
	assert_int_equal(lines, 2503);
	free(out);
}

static void
test_the_limit_is_where_it_ends(void **state)
{
	(void)state;
	write_segment("00000000000000000000.log", 2);
	assert_ok(dump_run(room_limited, PRINT_TSV, "00000000000000000000.log", DUMP_UNKNOWN));
	assert_true(dump_damaged);
	dump_assert_has("err", "it ends in the middle of a batch");
}

static void
test_every_truncation_and_every_flipped_byte(void **state)
{
	size_t len, one = write_segment("whole", 2);
	char *bytes = unit_read("whole", &len);

	(void)state;
	with_records = true;
	for (size_t k = 0; k <= len; k++) {
		unit_write("00000000000000000000.log", bytes, k);
		assert_ok(dump_run(room, PRINT_JSON, "00000000000000000000.log", DUMP_UNKNOWN));
		assert_int_equal(dump_damaged, k % one != 0);
	}
	for (size_t k = 0; k < len; k++) {
		bytes[k] = (char)(bytes[k] ^ 0x80);
		unit_write("00000000000000000000.log", bytes, len);
		assert_ok(dump_run(room, PRINT_TEXT, "00000000000000000000.log", DUMP_UNKNOWN));
		/* No CRC covers base offset and leader epoch; a greater base offset may be a gap that compaction left. */
		if (k % one >= BATCH_LENGTH_AT)
			assert_int_equal(dump_damaged, k % one < BATCH_LEADER_EPOCH_AT || k % one >= BATCH_MAGIC_AT);
		bytes[k] = (char)(bytes[k] ^ 0x80);
	}
	free(bytes);
}

/* A batch whose CRC is right and whose records are not. */
static void
test_records_that_are_not_what_the_header_says(void **state)
{
	size_t len;
	char *bytes;

	(void)state;
	write_segment("00000000000000000000.log", 1);
	bytes = unit_read("00000000000000000000.log", &len);
	bytes[BATCH_HEADER_BYTES] = 3; /* a negative length */
	batch_set_append_time((uint8_t *)bytes, 5);
	unit_write("00000000000000000000.log", bytes, len);
	with_records = true;
	assert_ok(dump_run(room, PRINT_TEXT, "00000000000000000000.log", DUMP_UNKNOWN));
	assert_true(dump_damaged);
	dump_assert_has("out", "  records not shown: batch at offset 0: a record is not valid");
	assert_ok(dump_run(room, PRINT_TSV, "00000000000000000000.log", DUMP_UNKNOWN));
	dump_assert_has("out", "\tyes\t-\t-\t-\t-\t-\tbatch at offset 0: a record is not valid");
	free(bytes);
}

static void
test_a_codec_that_is_unknown_is_said_in_the_line(void **state)
{
	size_t len;
	char *bytes;

	(void)state;
	write_segment("00000000000000000000.log", 1);
	bytes = unit_read("00000000000000000000.log", &len);
	bytes[BATCH_ATTRIBUTES_AT + 1] = 7;
	batch_set_append_time((uint8_t *)bytes, 5);
	unit_write("00000000000000000000.log", bytes, len);
	assert_ok(dump_run(room, PRINT_TSV, "00000000000000000000.log", DUMP_UNKNOWN));
	assert_false(dump_damaged);
	dump_assert_has("out", "unknown");
	free(bytes);
}

static void
test_control_batches(void **state)
{
	char path[GOLDEN_PATH_BYTES];

	(void)state;
	golden_path(path, "txn-0", "00000000000000000004.log");
	with_records = false;
	assert_ok(dump_run(room, PRINT_TSV, path, DUMP_UNKNOWN));
	dump_assert_has("out", "\t4\t4\t1\t0\t2\t1\t-\tyes\tCOMMIT\t");
	dump_assert_has("out", "\t5\t5\t1\t0\t3\t1\t-\tyes\tABORT\t");
	dump_assert_has("out", "\tcoordinator epoch 0\n");
}

static void
test_no_memory(void **state)
{
	(void)state;
	write_segment("00000000000000000000.log", 2);
	with_records = true;
	dump_without_memory(room, PRINT_TEXT, "00000000000000000000.log", DUMP_SEGMENT);
	dump_without_memory(room, PRINT_TSV, "00000000000000000000.log", DUMP_SEGMENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_row_for_each_batch),
	    unit_test(test_records_follow_as_text_and_stand_beside_otherwise),
	    unit_test(test_an_empty_segment_is_a_header_line),
	    unit_test(test_long_listings_come_in_pieces),
	    unit_test(test_the_limit_is_where_it_ends),
	    unit_test(test_every_truncation_and_every_flipped_byte),
	    unit_test(test_records_that_are_not_what_the_header_says),
	    unit_test(test_a_codec_that_is_unknown_is_said_in_the_line),
	    unit_test(test_control_batches),
	    unit_test(test_no_memory),
	};

	golden_find();
	return unit_run(tests);
}

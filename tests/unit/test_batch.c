#include "log/batch.h"

#include "golden.h"
#include "logfolder.h"

/* "k" = "v" at 1000 ms and "" = null at 998 ms, as Kafka's producer sends them: base offset and leader epoch are filled in later. */
static const uint8_t kafkas[] = {
    0, 0, 0, 0, 0, 0, 0, 0,		    /* base offset */
    0, 0, 0, 65,			    /* length: 77 - 12 */
    0, 0, 0, 0,				    /* leader epoch */
    2,					    /* magic */
    0, 0, 0, 0,				    /* CRC: not compared here */
    0, 0,				    /* attributes */
    0, 0, 0, 1,				    /* last offset delta */
    0, 0, 0, 0, 0, 0, 0x03, 0xe8,	    /* base timestamp */
    0, 0, 0, 0, 0, 0, 0x03, 0xe8,	    /* max timestamp */
    255, 255, 255, 255, 255, 255, 255, 255, /* producer id */
    255, 255,				    /* producer epoch */
    255, 255, 255, 255,			    /* base sequence */
    0, 0, 0, 2,				    /* records */
    0x10, 0, 0, 0, 2, 'k', 2, 'v', 0,	    /* 8 bytes: delta 0, offset 0 */
    0x0c, 0, 3, 2, 0, 1, 0,		    /* 6 bytes: delta -2, offset 1 */
};

static void
build_two(struct batch_builder *b)
{
	struct record one = text_record(1000, "k", "v"), two = text_record(998, "", NULL);

	batch_builder_init(b, 1 << 20);
	assert_ok(batch_add(b, &one));
	assert_ok(batch_add(b, &two));
	batch_seal(b);
}

static void
test_a_batch_has_kafkas_bytes(void **state)
{
	struct batch_builder b;

	(void)state;
	build_two(&b);
	assert_int_equal(b.bytes.len, sizeof(kafkas));
	assert_memory_equal(b.bytes.data, kafkas, BATCH_CRC_AT);
	assert_memory_equal(b.bytes.data + BATCH_ATTRIBUTES_AT, kafkas + BATCH_ATTRIBUTES_AT, sizeof(kafkas) - BATCH_ATTRIBUTES_AT);
	batch_builder_free(&b);
}

static void
test_a_sealed_batch_reads_back(void **state)
{
	struct batch_builder b;
	struct batch_cursor c;
	struct batch_header h;
	struct record r;

	(void)state;
	build_two(&b);
	batch_set_place(b.bytes.data, 42, 7);
	h = header_of(b.bytes.data);
	assert_ok(batch_check_crc(b.bytes.data, &h));
	assert_int_equal(h.base_offset, 42);
	assert_int_equal(h.leader_epoch, 7);
	assert_int_equal(h.last_offset_delta, 1);
	assert_int_equal(h.record_count, 2);
	assert_int_equal(h.base_timestamp_ms, 1000);
	assert_int_equal(h.max_timestamp_ms, 1000);
	assert_int_equal(h.producer_id, -1);
	assert_int_equal(h.producer_epoch, -1);
	assert_int_equal(h.base_sequence, -1);
	assert_int_equal(batch_bytes(&h), b.bytes.len);
	assert_int_equal(batch_end_offset(&h), 44);
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	assert_ok(batch_cursor_next(&c, &r));
	assert_int_equal(r.offset, 42);
	assert_int_equal(r.timestamp_ms, 1000);
	assert_bytes(r.value, r.value_len, "v");
	assert_ok(batch_cursor_next(&c, &r));
	assert_int_equal(r.offset, 43);
	assert_int_equal(r.timestamp_ms, 998);
	assert_int_equal(r.value_len, -1);
	assert_status(batch_cursor_next(&c, &r), STATUS_END);
	assert_status(batch_cursor_next(&c, &r), STATUS_END);
	batch_builder_free(&b);
}

static void
test_the_crc_covers_all_from_the_attributes_on(void **state)
{
	struct batch_builder b;
	struct batch_header h;

	(void)state;
	build_two(&b);
	h = header_of(b.bytes.data);
	for (size_t at = 0; at < b.bytes.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			b.bytes.data[at] ^= (uint8_t)(1 << bit);
			if (at < BATCH_ATTRIBUTES_AT)
				assert_ok(batch_check_crc(b.bytes.data, &h));
			else
				assert_status(batch_check_crc(b.bytes.data, &h), STATUS_CORRUPT);
			b.bytes.data[at] ^= (uint8_t)(1 << bit);
		}
	}
	h.crc ^= 1;
	assert_status(batch_check_crc(b.bytes.data, &h), STATUS_CORRUPT);
	assert_non_null(strstr(status_message(), "CRC is "));
	batch_builder_free(&b);
}

/* What the header with one field changed is. */
static int
decode_with(size_t at, size_t bytes, int64_t value)
{
	struct batch_header h;
	struct batch_builder b;
	int rc;

	build_two(&b);
	for (size_t i = 0; i < bytes; i++)
		b.bytes.data[at + i] = (uint8_t)((uint64_t)value >> (8 * (bytes - 1 - i)));
	rc = batch_decode_header(b.bytes.data, &h);
	batch_builder_free(&b);
	return rc;
}

static void
test_the_length_has_room_for_the_header_and_no_more_than_kafkas_most(void **state)
{
	(void)state;
	assert_status(decode_with(BATCH_LENGTH_AT, 4, -1), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_LENGTH_AT, 4, INT32_MIN), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_LENGTH_AT, 4, 0), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_LENGTH_AT, 4, 48), STATUS_CORRUPT);
	assert_string_equal(status_message(), "batch length 48");
	assert_ok(decode_with(BATCH_LENGTH_AT, 4, 49));
	assert_ok(decode_with(BATCH_LENGTH_AT, 4, INT32_MAX - 12));
	assert_status(decode_with(BATCH_LENGTH_AT, 4, INT32_MAX - 11), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_LENGTH_AT, 4, INT32_MAX), STATUS_CORRUPT);
}

static void
test_old_message_formats_are_refused_by_name(void **state)
{
	(void)state;
	assert_status(decode_with(BATCH_MAGIC_AT, 1, 0), STATUS_CONFIG);
	assert_string_equal(status_message(), "message format of magic 0, only record batches (magic 2) are read");
	assert_status(decode_with(BATCH_MAGIC_AT, 1, 1), STATUS_CONFIG);
	assert_string_equal(status_message(), "message format of magic 1, only record batches (magic 2) are read");
	assert_ok(decode_with(BATCH_MAGIC_AT, 1, 2));
	assert_status(decode_with(BATCH_MAGIC_AT, 1, 3), STATUS_CORRUPT);
	assert_string_equal(status_message(), "magic is 3, not 2");
	assert_status(decode_with(BATCH_MAGIC_AT, 1, -1), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_MAGIC_AT, 1, 127), STATUS_CORRUPT);
}

static void
test_zeros_are_no_batch_of_an_old_format(void **state)
{
	static const uint8_t zeros[BATCH_HEADER_BYTES];
	struct batch_header h;

	(void)state;
	assert_status(batch_decode_header(zeros, &h), STATUS_CORRUPT);
}

static void
test_offsets_do_not_overflow(void **state)
{
	(void)state;
	assert_ok(decode_with(BATCH_BASE_OFFSET_AT, 8, 0));
	assert_status(decode_with(BATCH_BASE_OFFSET_AT, 8, -1), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_BASE_OFFSET_AT, 8, INT64_MIN), STATUS_CORRUPT);
	/* Two offsets and the end behind them. */
	assert_ok(decode_with(BATCH_BASE_OFFSET_AT, 8, INT64_MAX - 2));
	assert_status(decode_with(BATCH_BASE_OFFSET_AT, 8, INT64_MAX - 1), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_BASE_OFFSET_AT, 8, INT64_MAX), STATUS_CORRUPT);
	assert_status(decode_with(BATCH_LAST_OFFSET_DELTA_AT, 4, -1), STATUS_CORRUPT);
	assert_ok(decode_with(BATCH_LAST_OFFSET_DELTA_AT, 4, INT32_MAX));
}

static void
test_there_are_no_more_records_than_offsets(void **state)
{
	(void)state;
	assert_status(decode_with(BATCH_RECORD_COUNT_AT, 4, -1), STATUS_CORRUPT);
	assert_ok(decode_with(BATCH_RECORD_COUNT_AT, 4, 0));
	assert_ok(decode_with(BATCH_RECORD_COUNT_AT, 4, 1));
	assert_ok(decode_with(BATCH_RECORD_COUNT_AT, 4, 2));
	assert_status(decode_with(BATCH_RECORD_COUNT_AT, 4, 3), STATUS_CORRUPT);
	assert_string_equal(status_message(), "3 records in 2 offsets");
	assert_status(decode_with(BATCH_RECORD_COUNT_AT, 4, INT32_MAX), STATUS_CORRUPT);
	/* One offset, two records. */
	assert_status(decode_with(BATCH_LAST_OFFSET_DELTA_AT, 4, 0), STATUS_CORRUPT);
}

/* Kafka's DefaultRecordBatch.incrementSequence. */
static void
test_sequence_numbers_wrap_to_zero(void **state)
{
	static const struct {
		int32_t base, delta, last;
	} cases[] = {{-1, 0, -1}, {-1, 9, -1}, {0, 0, 0}, {0, 9, 9}, {INT32_MAX - 9, 9, INT32_MAX}, {INT32_MAX - 8, 9, 0},
	    {INT32_MAX, 0, INT32_MAX}, {INT32_MAX, 1, 0}, {INT32_MAX, INT32_MAX, INT32_MAX - 1}, {5, INT32_MAX, 4}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct batch_header h = {.base_sequence = cases[i].base, .last_offset_delta = cases[i].delta};

		assert_int_equal(batch_last_sequence(&h), cases[i].last);
	}
}

static void
test_a_cursor_takes_only_plain_batches(void **state)
{
	static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd", "unknown", "unknown", "unknown"};
	struct batch_builder b;
	struct batch_cursor c;

	(void)state;
	build_two(&b);
	for (unsigned codec = 0; codec < 8; codec++) {
		struct batch_header h = header_of(b.bytes.data);

		h.attributes = (uint16_t)(0xfff8 & ~BATCH_APPEND_TIME) | (uint16_t)codec;
		assert_string_equal(batch_codec_name(h.attributes), names[codec]);
		if (codec == CODEC_NONE) {
			assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
			continue;
		}
		assert_status(batch_cursor_init(&c, b.bytes.data, &h), STATUS_CONFIG);
		assert_non_null(strstr(status_message(), names[codec]));
	}
	batch_builder_free(&b);
}

static void
test_a_batch_is_filled_to_its_limit_and_not_beyond(void **state)
{
	struct record r = text_record(0, NULL, "0123456789");
	const size_t size = record_size(&r, 0, 0);

	(void)state;
	for (int step = -1; step <= 1; step++) {
		struct batch_builder b;

		batch_builder_init(&b, BATCH_HEADER_BYTES + 2 * size + (size_t)step);
		assert_ok(batch_add(&b, &r));
		assert_status(batch_add(&b, &r), step < 0 ? STATUS_END : STATUS_OK);
		assert_int_equal(b.count, step < 0 ? 1 : 2);
		assert_int_equal(b.bytes.len, BATCH_HEADER_BYTES + (size_t)b.count * size);
		assert_status(batch_add(&b, &r), STATUS_END);
		batch_seal(&b);
		assert_int_equal(header_of(b.bytes.data).record_count, step < 0 ? 1 : 2);
		batch_builder_free(&b);
	}
}

static void
test_a_record_too_large_for_any_batch_is_bad_data(void **state)
{
	struct record r = text_record(0, NULL, "0123456789");
	const size_t size = record_size(&r, 0, 0);
	struct batch_builder b;

	(void)state;
	batch_builder_init(&b, BATCH_HEADER_BYTES + size - 1);
	assert_status(batch_add(&b, &r), STATUS_DATA);
	assert_string_equal(status_message(),
	    "a batch of this record alone takes 78 bytes, max.message.bytes or max.bytes allows 77");
	assert_int_equal(b.count, 0);
	r.value_len = 9;
	assert_ok(batch_add(&b, &r));
	batch_builder_free(&b);
	/* Limits that have no room for a header, or for anything. */
	for (size_t limit = 0; limit <= BATCH_HEADER_BYTES; limit += BATCH_HEADER_BYTES) {
		batch_builder_init(&b, limit);
		assert_status(batch_add(&b, &r), STATUS_DATA);
		batch_builder_free(&b);
	}
}

/* Lengths that no memory stands behind: they are refused before a byte is looked at. */
static void
test_no_limit_is_beyond_kafkas(void **state)
{
	struct record r = {.key_len = -1, .value_len = INT32_MAX};
	struct batch_builder b;

	(void)state;
	batch_builder_init(&b, SIZE_MAX);
	assert_int_equal(b.limit, INT32_MAX);
	assert_status(batch_add(&b, &r), STATUS_DATA);
	assert_string_equal(status_message(), "a record of more than 2147483647 bytes");
	r.value_len = INT32_MAX - BATCH_HEADER_BYTES - 14;
	assert_int_equal(record_size(&r, 0, 0), INT32_MAX - BATCH_HEADER_BYTES + 1);
	assert_status(batch_add(&b, &r), STATUS_DATA);
	assert_int_equal(b.bytes.cap, 0);
	batch_builder_free(&b);
}

static void
test_timestamps_may_come_in_any_order(void **state)
{
	static const int64_t times[] = {5000, 4000, 9000, -1, 0, 8999, INT64_C(1) << 50, 1};
	struct batch_builder b;
	struct batch_header h;
	struct batch_cursor c;
	struct record r;

	(void)state;
	batch_builder_init(&b, 4096);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		r = text_record(times[i], NULL, "x");
		assert_ok(batch_add(&b, &r));
	}
	batch_seal(&b);
	h = header_of(b.bytes.data);
	assert_int_equal(h.base_timestamp_ms, 5000);
	assert_int_equal(h.max_timestamp_ms, INT64_C(1) << 50);
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		assert_ok(batch_cursor_next(&c, &r));
		assert_int_equal(r.timestamp_ms, times[i]);
	}
	batch_builder_free(&b);
}

/* The fast way gives the same bytes as the other, and takes nothing where the other would have to decide. */
static void
test_a_value_alone_is_added_as_any_record(void **state)
{
	static const int64_t times[] = {1000, 999, 1063, 1064, -1, INT64_MAX, INT64_MIN};
	static const int32_t lengths[] = {0, 1, 57, 58, 63, 64, 8000, 8191, 8192};
	static char value[8192];
	struct record r = text_record(1000, NULL, "first");
	struct batch_builder slow, fast;

	(void)state;
	memset(value, 'v', sizeof(value));
	batch_builder_init(&slow, 1 << 20);
	batch_builder_init(&fast, 1 << 20);
	assert_false(batch_add_value(&fast, (const uint8_t *)value, 1, 1000));
	assert_ok(batch_add(&slow, &r));
	assert_ok(batch_add(&fast, &r));
	assert_false(batch_add_value(&fast, (const uint8_t *)value, 64, 1000)); /* no memory yet */
	assert_ok(buf_reserve(&fast.bytes, 1 << 20));
	for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(lengths); i++) {
		r.timestamp_ms = times[i % COUNT_OF(times)];
		r.value = (const uint8_t *)value;
		r.value_len = lengths[i / COUNT_OF(times)];
		assert_ok(batch_add(&slow, &r));
		assert_true(batch_add_value(&fast, r.value, (size_t)r.value_len, r.timestamp_ms));
	}
	batch_seal(&slow);
	batch_seal(&fast);
	assert_int_equal(fast.bytes.len, slow.bytes.len);
	assert_memory_equal(fast.bytes.data, slow.bytes.data, slow.bytes.len);
	fast.limit = fast.bytes.len + RECORD_VALUE_FRAME_BYTES + 9;
	assert_false(batch_add_value(&fast, (const uint8_t *)value, 10, 0));
	assert_int_equal(fast.bytes.len, slow.bytes.len);
	assert_true(batch_add_value(&fast, (const uint8_t *)value, 9, 0));
	assert_true(fast.bytes.len <= fast.limit);
	fast.limit = 1;
	assert_false(batch_add_value(&fast, (const uint8_t *)value, 0, 0));
	batch_builder_free(&slow);
	batch_builder_free(&fast);
}

static void
test_a_builder_is_used_again(void **state)
{
	struct batch_builder b;
	struct record r = text_record(7, "a", "b");
	uint8_t *memory;

	(void)state;
	build_two(&b);
	memory = b.bytes.data;
	batch_builder_reset(&b);
	assert_int_equal(b.count, 0);
	assert_ok(batch_add(&b, &r));
	batch_seal(&b);
	assert_ptr_equal(b.bytes.data, memory);
	assert_int_equal(header_of(b.bytes.data).record_count, 1);
	assert_int_equal(header_of(b.bytes.data).base_timestamp_ms, 7);
	assert_int_equal(header_of(b.bytes.data).max_timestamp_ms, 7);
	batch_builder_free(&b);
	batch_builder_free(&b);
}

static void
test_a_record_without_memory_changes_nothing(void **state)
{
	static const char text[600] = "x";
	struct record small = text_record(1, NULL, "small"),
		      large = {.key_len = -1, .value = (const uint8_t *)text, .value_len = 600};
	struct batch_builder b;
	size_t len;
	int rc;

	(void)state;
	batch_builder_init(&b, 4096);
	unit_oom_after(0);
	rc = batch_add(&b, &small);
	assert_int_equal(unit_oom_off(), 1);
	assert_status(rc, STATUS_AGAIN);
	assert_int_equal(b.count, 0);
	assert_ok(batch_add(&b, &small));
	len = b.bytes.len;
	unit_oom_after(0);
	rc = batch_add(&b, &large);
	assert_int_equal(unit_oom_off(), 1);
	assert_status(rc, STATUS_AGAIN);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.bytes.len, len);
	assert_ok(batch_add(&b, &large));
	batch_seal(&b);
	assert_int_equal(header_of(b.bytes.data).record_count, 2);
	batch_builder_free(&b);
}

static void
test_the_place_is_outside_of_the_crc(void **state)
{
	struct batch_builder b;
	struct batch_header h;

	(void)state;
	build_two(&b);
	batch_set_place(b.bytes.data, INT64_MAX - 2, INT32_MAX);
	h = header_of(b.bytes.data);
	assert_ok(batch_check_crc(b.bytes.data, &h));
	assert_int_equal(h.base_offset, INT64_MAX - 2);
	assert_int_equal(batch_end_offset(&h), INT64_MAX);
	assert_int_equal(h.leader_epoch, INT32_MAX);
	batch_builder_free(&b);
}

static void
test_the_append_time_is_every_records(void **state)
{
	struct batch_builder b;
	struct batch_header h;
	struct batch_cursor c;
	struct record r;

	(void)state;
	build_two(&b);
	batch_set_append_time(b.bytes.data, 123456);
	h = header_of(b.bytes.data);
	assert_ok(batch_check_crc(b.bytes.data, &h));
	assert_int_equal(h.attributes, BATCH_APPEND_TIME);
	assert_int_equal(h.base_timestamp_ms, 1000);
	assert_int_equal(h.max_timestamp_ms, 123456);
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	while (c.left > 0) {
		assert_ok(batch_cursor_next(&c, &r));
		assert_int_equal(r.timestamp_ms, 123456);
	}
	/* Also when the broker had no time. */
	h.max_timestamp_ms = -1;
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	assert_ok(batch_cursor_next(&c, &r));
	assert_int_equal(r.timestamp_ms, -1);
	batch_builder_free(&b);
}

/* KIP-534: the horizon stands where the base timestamp stood, and the deltas count from it. */
static void
test_a_delete_horizon_does_not_move_the_timestamps(void **state)
{
	struct batch_builder b;
	struct batch_header h;
	struct batch_cursor c;
	struct record r, first = text_record(1795479108145, NULL, "the delta is 0"),
			 second = text_record(1767225600000, NULL, "and this is not");

	(void)state;
	batch_builder_init(&b, 4096);
	assert_ok(batch_add(&b, &first));
	assert_ok(batch_add(&b, &second));
	batch_seal(&b);
	be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, BATCH_DELETE_HORIZON);
	batch_fix_crc(b.bytes.data);
	h = header_of(b.bytes.data);
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	assert_ok(batch_cursor_next(&c, &r));
	assert_int_equal(r.timestamp_ms, 1795479108145);
	assert_ok(batch_cursor_next(&c, &r));
	assert_int_equal(r.timestamp_ms, 1767225600000);
	batch_builder_free(&b);
}

static struct batch_view
view_of(const struct batch_builder *b)
{
	return (struct batch_view){header_of(b->bytes.data), b->bytes.data};
}

static void
test_a_marker_says_what_it_marks(void **state)
{
	const struct batch_spec spec = {.base_offset = 7, .timestamp_ms = 1000, .producer_id = 4};
	struct batch_marker m;
	struct batch_builder b;
	struct batch_view view;

	(void)state;
	for (int type = 0; type < 9; type++) {
		make_marker(&b, &spec, type, 17);
		view = view_of(&b);
		assert_ok(batch_read_marker(&view, &m));
		assert_int_equal(m.type, type);
		assert_int_equal(m.timestamp_ms, 1000);
		assert_int_equal(m.coordinator_epoch, type <= CONTROL_COMMIT ? 17 : -1);
		/* Compaction took its record. */
		empty_the_batch(&b);
		view = view_of(&b);
		assert_status(batch_read_marker(&view, &m), STATUS_END);
		assert_int_equal(m.type, type);
		batch_builder_free(&b);
	}
	make_marker(&b, &spec, CONTROL_ABORT, 17);
	view = view_of(&b);
	view.header.attributes |= CODEC_LZ4;
	assert_status(batch_read_marker(&view, &m), STATUS_CONFIG);
	b.bytes.data[BATCH_HEADER_BYTES] = 0; /* its record has no bytes */
	view = view_of(&b);
	assert_status(batch_read_marker(&view, &m), STATUS_CORRUPT);
	batch_builder_free(&b);
}

/* Key and value as short as can be: what is not there is not read. */
static void
test_a_marker_that_is_too_short_says_less(void **state)
{
	(void)state;
	for (int32_t key_len = -1; key_len <= 5; key_len++) {
		for (int32_t value_len = -1; value_len <= 7; value_len++) {
			struct record r = {.timestamp_ms = 5,
			    .key = (const uint8_t *)"\0\0\0\1\0",
			    .key_len = key_len,
			    .value = (const uint8_t *)"\0\0\0\0\0\11\0",
			    .value_len = value_len};
			struct batch_builder b;
			struct batch_marker m;
			struct batch_view view;

			batch_builder_init(&b, 4096);
			assert_ok(batch_add(&b, &r));
			batch_seal(&b);
			view = view_of(&b);
			assert_ok(batch_read_marker(&view, &m));
			assert_int_equal(m.type, key_len >= 4 ? 1 : -1);
			assert_int_equal(m.coordinator_epoch, key_len >= 4 && value_len >= 6 ? 9 : -1);
			batch_builder_free(&b);
		}
	}
}

static void
test_an_empty_batch_is_legal(void **state)
{
	struct batch_builder b;
	struct batch_header h;
	struct batch_cursor c;
	struct record r;

	(void)state;
	build_two(&b);
	empty_the_batch(&b);
	h = header_of(b.bytes.data);
	assert_int_equal(batch_bytes(&h), BATCH_HEADER_BYTES);
	assert_int_equal(batch_end_offset(&h), 2);
	assert_ok(batch_cursor_init(&c, b.bytes.data, &h));
	assert_status(batch_cursor_next(&c, &r), STATUS_END);
	batch_builder_free(&b);
}

/* The status by which the walk over a batch ends, its CRC made right before. */
static int
walk(struct batch_builder *b, int *records)
{
	struct batch_header h;
	struct batch_cursor c;
	struct record r;
	int rc;

	batch_fix_crc(b->bytes.data);
	h = header_of(b->bytes.data);
	assert_ok(batch_check_crc(b->bytes.data, &h));
	assert_ok(batch_cursor_init(&c, b->bytes.data, &h));
	for (*records = 0; (rc = batch_cursor_next(&c, &r)) == STATUS_OK; (*records)++)
		continue;
	/* It does not change by asking again. */
	assert_status(batch_cursor_next(&c, &r), rc);
	return rc;
}

static void
test_a_count_that_lies_is_found(void **state)
{
	struct batch_builder b;
	int records;

	(void)state;
	build_two(&b);
	be32enc(b.bytes.data + BATCH_RECORD_COUNT_AT, 1);
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	assert_int_equal(records, 1);
	assert_string_equal(status_message(), "batch at offset 0: bytes behind its last record");
	be32enc(b.bytes.data + BATCH_RECORD_COUNT_AT, 0);
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	assert_int_equal(records, 0);
	be32enc(b.bytes.data + BATCH_LAST_OFFSET_DELTA_AT, 2);
	be32enc(b.bytes.data + BATCH_RECORD_COUNT_AT, 3);
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	assert_int_equal(records, 2);
	assert_string_equal(status_message(), "batch at offset 0: a record is not valid, 1 were left");
	batch_builder_free(&b);
}

static void
test_offsets_ascend_and_stay_in_the_batch(void **state)
{
	const size_t first = BATCH_HEADER_BYTES + 3, second = BATCH_HEADER_BYTES + 9 + 3;
	struct batch_builder b;
	int records;

	(void)state;
	build_two(&b);
	b.bytes.data[second] = 0; /* twice offset 0 */
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	assert_int_equal(records, 1);
	b.bytes.data[second] = 4; /* offset 2, behind the last */
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	assert_int_equal(records, 1);
	assert_string_equal(status_message(), "batch at offset 0: a record of offset 2, which is not in [1, 2)");
	b.bytes.data[first] = 2; /* 1 and 1 */
	b.bytes.data[second] = 2;
	assert_status(walk(&b, &records), STATUS_CORRUPT);
	/* A gap is compaction's. */
	be32enc(b.bytes.data + BATCH_LAST_OFFSET_DELTA_AT, 40);
	b.bytes.data[second] = 80;
	assert_status(walk(&b, &records), STATUS_END);
	assert_int_equal(records, 2);
	batch_builder_free(&b);
}

/* Every byte of the records becomes every other: the walk ends, and within the batch. */
static void
test_no_changed_byte_leads_out_of_the_batch(void **state)
{
	struct batch_builder b;
	uint8_t *exact;

	(void)state;
	build_two(&b);
	assert_non_null(exact = malloc(b.bytes.len));
	for (size_t at = BATCH_HEADER_BYTES; at < b.bytes.len; at++) {
		for (int value = 0; value < 256; value++) {
			struct batch_header h;
			struct batch_cursor c;
			struct record r;
			int rc, turns = 0;

			memcpy(exact, b.bytes.data, b.bytes.len);
			exact[at] = (uint8_t)value;
			h = header_of(exact);
			assert_ok(batch_cursor_init(&c, exact, &h));
			while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK)
				turns++;
			assert_true(turns <= 2);
			assert_true(rc == STATUS_END || rc == STATUS_CORRUPT);
		}
	}
	free(exact);
	batch_builder_free(&b);
}

/*
 * Kafka's own.
 */

/* Call `visit` with each segment of each folder. */
static void
each_segment(void (*visit)(const char *folder, const char *name, const uint8_t *bytes, size_t len))
{
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		struct segment_list list;
		int dir = golden_open(golden_folders[i]);

		assert_ok(segment_list_read(dir, &list));
		assert_true(list.count > 0);
		for (size_t k = 0; k < list.count; k++) {
			char name[SEGMENT_NAME_BYTES];
			uint8_t *bytes;
			size_t len;

			segment_name(name, list.bases[k], SUFFIX_LOG);
			bytes = golden_read(golden_folders[i], name, &len);
			visit(golden_folders[i], name, bytes, len);
			free(bytes);
		}
		segment_list_free(&list);
		close(dir);
	}
}

/* The batch at `at`, valid; returns where the next begins. */
static size_t
next_of(const uint8_t *bytes, size_t len, size_t at, struct batch_header *h)
{
	assert_true(len - at >= BATCH_HEADER_BYTES);
	*h = header_of(bytes + at);
	assert_true(batch_bytes(h) <= (int64_t)(len - at));
	assert_ok(batch_check_crc(bytes + at, h));
	return at + (size_t)batch_bytes(h);
}

static json_t *expected; /* of the folder at hand */
static const char *expected_of;
static size_t expected_at;

static void
compare_segment(const char *folder, const char *name, const uint8_t *bytes, size_t len)
{
	struct batch_header h;
	int64_t first;

	(void)name;
	if (expected_of != folder) {
		if (expected != NULL)
			assert_int_equal(expected_at, json_array_size(expected));
		json_decref(expected);
		expected = golden_expected(folder, true);
		expected_of = folder;
		expected_at = 0;
	}
	/* What lies before the log start, Kafka's consumer does not read. */
	first = json_integer_value(json_object_get(json_array_get(expected, 0), "offset"));
	for (size_t at = 0; at < len;) {
		const uint8_t *batch = bytes + at;
		struct batch_cursor c;
		struct record r;
		int rc;

		at = next_of(bytes, len, at, &h);
		assert_ok(batch_cursor_init(&c, batch, &h));
		while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK) {
			const json_t *want = json_array_get(expected, expected_at);

			if ((h.attributes & BATCH_CONTROL) != 0 || r.offset < first)
				continue;
			golden_assert_record(want, &r);
			assert_int_equal(h.leader_epoch, json_integer_value(json_object_get(want, "leader_epoch")));
			assert_string_equal((h.attributes & BATCH_APPEND_TIME) != 0 ? "LogAppendTime" : "CreateTime",
			    json_string_value(json_object_get(want, "timestamp_type")));
			expected_at++;
		}
		assert_status(rc, STATUS_END);
	}
}

static void
test_every_record_of_kafka_is_read_as_kafkas_consumer_reads_it(void **state)
{
	(void)state;
	expected_of = NULL;
	each_segment(compare_segment);
	assert_int_equal(expected_at, json_array_size(expected));
	json_decref(expected);
	expected = NULL;
}

static int encoded_again;

/* Read a batch's records and build it anew. */
static void
encode_again(const uint8_t *batch, const struct batch_header *h)
{
	struct batch_builder b;
	struct batch_cursor c;
	struct record r;
	int rc;

	batch_builder_init(&b, INT32_MAX);
	assert_ok(batch_cursor_init(&c, batch, h));
	c.has_append_time = false; /* the records' own times are still there */
	while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK)
		assert_ok(batch_add(&b, &r));
	assert_status(rc, STATUS_END);
	batch_seal(&b);
	batch_set_place(b.bytes.data, h->base_offset, h->leader_epoch);
	if ((h->attributes & BATCH_APPEND_TIME) != 0)
		batch_set_append_time(b.bytes.data, h->max_timestamp_ms);
	if (h->producer_id >= 0) {
		/* What no builder of ours writes. */
		memcpy(b.bytes.data + BATCH_ATTRIBUTES_AT, batch + BATCH_ATTRIBUTES_AT, 2);
		memcpy(b.bytes.data + BATCH_PRODUCER_ID_AT, batch + BATCH_PRODUCER_ID_AT, 8 + 2 + 4);
		batch_fix_crc(b.bytes.data);
	}
	assert_int_equal(b.bytes.len, batch_bytes(h));
	assert_memory_equal(b.bytes.data, batch, b.bytes.len);
	batch_builder_free(&b);
	encoded_again++;
}

static void
encode_segment(const char *folder, const char *name, const uint8_t *bytes, size_t len)
{
	struct batch_header h;

	(void)folder;
	(void)name;
	for (size_t at = 0; at < len;) {
		const uint8_t *batch = bytes + at;

		at = next_of(bytes, len, at, &h);
		/* A builder makes no gaps. */
		if (h.record_count == h.last_offset_delta + 1)
			encode_again(batch, &h);
	}
}

static void
test_every_batch_of_kafka_is_encoded_to_the_same_bytes(void **state)
{
	(void)state;
	each_segment(encode_segment);
	assert_true(encoded_again > 500);
}

static void
test_a_batch_bears_its_producer(void **state)
{
	struct batch_producer producer = {.id = INT64_MAX, .epoch = INT16_MAX, .sequence = INT32_MAX};
	struct record r = text_record(1000, NULL, "v");
	struct buf packed = BUF_EMPTY;
	struct batch_builder b;
	struct batch_header h;

	(void)state;
	batch_builder_init(&b, INT32_MAX);
	assert_ok(batch_add(&b, &r));
	assert_ok(batch_add(&b, &r));
	batch_seal_as(&b, &producer);
	assert_ok(batch_compress(&b.bytes, CODEC_GZIP, CODEC_DEFAULT_LEVEL, &packed));
	for (int i = 0; i < 2; i++) {
		const uint8_t *bytes = i == 0 ? b.bytes.data : packed.data;

		assert_ok(batch_decode_header(bytes, &h));
		assert_ok(batch_check_crc(bytes, &h));
		assert_true(h.producer_id == INT64_MAX && h.producer_epoch == INT16_MAX && h.base_sequence == INT32_MAX);
		assert_int_equal(batch_last_sequence(&h), 0);
	}
	batch_seal(&b);
	assert_ok(batch_decode_header(b.bytes.data, &h));
	assert_ok(batch_check_crc(b.bytes.data, &h));
	assert_true(h.producer_id == -1 && h.producer_epoch == -1 && h.base_sequence == -1);
	buf_free(&packed);
	batch_builder_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_batch_has_kafkas_bytes),
	    unit_test(test_a_sealed_batch_reads_back),
	    unit_test(test_the_crc_covers_all_from_the_attributes_on),
	    unit_test(test_the_length_has_room_for_the_header_and_no_more_than_kafkas_most),
	    unit_test(test_old_message_formats_are_refused_by_name),
	    unit_test(test_zeros_are_no_batch_of_an_old_format),
	    unit_test(test_offsets_do_not_overflow),
	    unit_test(test_there_are_no_more_records_than_offsets),
	    unit_test(test_sequence_numbers_wrap_to_zero),
	    unit_test(test_a_cursor_takes_only_plain_batches),
	    unit_test(test_a_batch_is_filled_to_its_limit_and_not_beyond),
	    unit_test(test_a_record_too_large_for_any_batch_is_bad_data),
	    unit_test(test_no_limit_is_beyond_kafkas),
	    unit_test(test_timestamps_may_come_in_any_order),
	    unit_test(test_a_value_alone_is_added_as_any_record),
	    unit_test(test_a_builder_is_used_again),
	    unit_test(test_a_record_without_memory_changes_nothing),
	    unit_test(test_the_place_is_outside_of_the_crc),
	    unit_test(test_the_append_time_is_every_records),
	    unit_test(test_a_delete_horizon_does_not_move_the_timestamps),
	    unit_test(test_a_marker_says_what_it_marks),
	    unit_test(test_a_marker_that_is_too_short_says_less),
	    unit_test(test_an_empty_batch_is_legal),
	    unit_test(test_a_count_that_lies_is_found),
	    unit_test(test_offsets_ascend_and_stay_in_the_batch),
	    unit_test(test_no_changed_byte_leads_out_of_the_batch),
	    unit_test(test_every_record_of_kafka_is_read_as_kafkas_consumer_reads_it),
	    unit_test(test_a_batch_bears_its_producer),
	    unit_test(test_every_batch_of_kafka_is_encoded_to_the_same_bytes),
	};

	golden_find();
	return unit_run(tests);
}

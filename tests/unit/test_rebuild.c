#include "base/clock.h"
#include "base/codec.h"
#include "golden.h"
#include "iofault.h"
#include "log/producers.h"
#include "log/rebuild.h"
#include "logfolder.h"
#include "readfault.h"

/*
 * The folder orders/orders-0, and one call.
 */

static int
folder_setup(void **state)
{
	if (iofault_setup(state) != 0)
		return -1;
	(void)readfault_off();
	return mkdir("orders", 0700) != 0 || mkdir("orders/orders-0", 0700) != 0 ? -1 : 0;
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, folder_setup, iofault_teardown)

static struct rebuild_order
new_order(void)
{
	return (struct rebuild_order){
	    .label = "orders-0",
	    .access = &logfolder_access,
	    .index_interval_bytes = 4096,
	    .log_start = -1,
	    .cut_torn = true,
	    .abort_open = true,
	};
}

static int
run(struct rebuild_order o, struct rebuilt *found)
{
	int rc;

	o.dir = open("orders/orders-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(o.dir >= 0);
	rc = rebuild_partition(&o, found);
	close(o.dir);
	return rc;
}

static struct rebuilt
rebuild_ok(void)
{
	struct rebuilt found;

	assert_ok(run(new_order(), &found));
	return found;
}

/* It fails so, and the message has these words. */
static void
assert_fails(int want, const char *words)
{
	struct rebuilt found = {.log_start = 77};

	assert_status(run(new_order(), &found), want);
	assert_int_equal(found.log_start, 77);
	if (strstr(status_message(), words) == NULL)
		fail_msg("no \"%s\" in: %s", words, status_message());
	assert_int_equal(strncmp(status_message(), "orders-0: ", 10), 0);
}

static bool
is_there(int64_t base, const char *suffix)
{
	return access(segment_path(base, suffix), F_OK) == 0;
}

static void
truncate_segment(int64_t base, int64_t size)
{
	assert_int_equal(truncate(segment_path(base, SUFFIX_LOG), (off_t)size), 0);
}

static void
put(int64_t base, int64_t offset, int count)
{
	put_batch(base, &(struct batch_spec){.base_offset = offset, .count = count, .timestamp_ms = 1000 + offset});
}

static void
clear_folder(void)
{
	DIR *dir = opendir("orders/orders-0");
	const struct dirent *entry;
	char path[PATH_MAX];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "orders/orders-0/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			assert_int_equal(unlink(path), 0);
	}
	closedir(dir);
}

static void
flip(int64_t base, int64_t at, uint8_t bits)
{
	int fd = open(segment_path(base, SUFFIX_LOG), O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/*
 * What Kafka writes.
 */

static void
assert_same_file(const char *folder, const char *name)
{
	char path[GOLDEN_PATH_BYTES];
	size_t want_len, len;
	uint8_t *want = golden_read(folder, name, &want_len);
	char *bytes;

	snprintf(path, sizeof(path), "orders/orders-0/%s", name);
	bytes = unit_read(path, &len);
	if (len != want_len || memcmp(bytes, want, len) != 0)
		fail_msg("%s/%s: other bytes than Kafka's", folder, name);
	free(bytes);
	free(want);
}

static bool
is_ours_to_make(const char *name, const struct rebuilt *found)
{
	int64_t base;

	/* A broker also leaves a snapshot where it was once stopped. */
	if (segment_parse_name(name, SUFFIX_SNAPSHOT, &base))
		return base == found->end.end_offset || is_there(base, SUFFIX_LOG);
	return segment_parse_name(name, SUFFIX_INDEX, &base) || segment_parse_name(name, SUFFIX_TIMEINDEX, &base) ||
	    segment_parse_name(name, SUFFIX_TXNINDEX, &base);
}

static void
check_golden(const char *folder)
{
	char path[GOLDEN_PATH_BYTES];
	const struct dirent *entry;
	struct rebuilt found;
	DIR *dir;

	clear_folder();
	golden_copy(folder, "orders/orders-0");
	assert_int_equal(system("find orders/orders-0 -name '*.log' -o -type f -exec rm {} +"), 0);
	found = rebuild_ok();
	assert_int_equal(found.torn_bytes, 0);
	assert_int_equal(found.aborted, 0);
	golden_path(path, folder, "");
	assert_non_null(dir = opendir(path));
	while ((entry = readdir(dir)) != NULL) {
		if (is_ours_to_make(entry->d_name, &found))
			assert_same_file(folder, entry->d_name);
	}
	closedir(dir);
}

static void
test_indexes_and_snapshots_are_those_that_kafka_wrote(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		if (strncmp(golden_folders[i], "live/", 5) != 0)
			check_golden(golden_folders[i]);
	}
	for (size_t i = 0; i < COUNT_OF(golden_compressed); i++)
		check_golden(golden_compressed[i]);
}

static void
test_what_is_there_is_replaced(void **state)
{
	(void)state;
	golden_copy("txn-0", "orders/orders-0");
	assert_int_equal(system("cd orders/orders-0 && for f in *index *.snapshot; do yes garbage | head -c 5000 >$f; done"), 0);
	rebuild_ok();
	assert_same_file("txn-0", "00000000000000000004.txnindex");
	assert_same_file("txn-0", "00000000000000000004.timeindex");
	assert_same_file("txn-0", "00000000000000000000.index");
	assert_same_file("txn-0", "00000000000000000011.snapshot");
	rebuild_ok();
	assert_same_file("txn-0", "00000000000000000004.txnindex");
}

/*
 * What is counted.
 */

static void
test_a_log_is_counted(void **state)
{
	struct rebuilt found;

	(void)state;
	put(5, 5, 3);
	put(5, 8, 1);
	put(9, 9, 2);
	found = rebuild_ok();
	assert_int_equal(found.log_start, 5);
	assert_int_equal(found.segments, 2);
	assert_int_equal(found.batches, 3);
	assert_int_equal(found.records, 6);
	assert_int_equal(found.gaps, 0);
	assert_int_equal(found.missing, 0);
	assert_int_equal(found.gap_end, 0);
	assert_int_equal(found.end.segment_base, 9);
	assert_int_equal(found.end.last_position, 0);
	assert_int_equal(found.end.end_position, size_of_file(segment_path(9, SUFFIX_LOG)));
	assert_int_equal(found.end.end_offset, 11);
	assert_int_equal(found.end.max_timestamp_ms, 1009);
	assert_int_equal(found.bytes, found.end.end_position + size_of_file(segment_path(5, SUFFIX_LOG)));
}

static void
test_an_empty_log_has_empty_indexes_and_no_checkpoint(void **state)
{
	struct rebuilt found;

	(void)state;
	unit_write(segment_path(7, SUFFIX_LOG), "", 0);
	found = rebuild_ok();
	assert_int_equal(found.log_start, 7);
	assert_int_equal(found.end.end_offset, 7);
	assert_int_equal(found.end.last_position, -1);
	assert_int_equal(found.records, 0);
	assert_int_equal(size_of_file(segment_path(7, SUFFIX_INDEX)), 0);
	assert_int_equal(size_of_file(segment_path(7, SUFFIX_TIMEINDEX)), 0);
	assert_true(is_there(7, SUFFIX_SNAPSHOT));
	assert_int_equal(access("orders/orders-0/" EPOCH_CHECKPOINT, F_OK), -1);
}

static void
test_a_folder_without_segments_is_missing(void **state)
{
	(void)state;
	unit_write("orders/orders-0/1.log", "", 0);
	unit_write("orders/orders-0/00000000000000000000.log.deleted", "garbage", 7);
	unit_write("orders/orders-0/99999999999999999999.log", "garbage", 7);
	assert_fails(STATUS_MISSING, "no segment");
}

static void
test_gaps_are_counted_between_segments_batches_and_records(void **state)
{
	struct batch_builder b;
	struct rebuilt found;

	(void)state;
	put(0, 4, 1); /* 0 to 3 are missing */
	put(0, 5, 1);
	/* 6 and 8 are there, 7 and 9 are not: the batch ends with 9. */
	make_batch(&b, &(struct batch_spec){.base_offset = 6, .count = 2});
	be32enc(b.bytes.data + BATCH_LAST_OFFSET_DELTA_AT, 3);
	b.bytes.data[BATCH_HEADER_BYTES + (size_t)(b.bytes.len - BATCH_HEADER_BYTES) / 2 + 3] = 2 << 1; /* the offset delta */
	batch_fix_crc(b.bytes.data);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	put(20, 30, 1); /* and so are 10 to 29 */
	found = rebuild_ok();
	assert_int_equal(found.records, 5);
	assert_int_equal(found.gaps, 3);
	assert_int_equal(found.missing, 4 + 1 + 21);
	assert_int_equal(found.gap_end, 30);
	assert_int_equal(found.end.end_offset, 31);
}

static void
test_a_missing_segment_is_a_gap(void **state)
{
	struct rebuilt found;

	(void)state;
	golden_copy("segs-0", "orders/orders-0");
	assert_int_equal(unlink(segment_path(3303, SUFFIX_LOG)), 0);
	found = rebuild_ok();
	assert_int_equal(found.gaps, 1);
	assert_int_equal(found.missing, 3300);
	assert_int_equal(found.gap_end, 6603);
	assert_int_equal(found.records, 5700);
	clear_folder();
	put(0, 0, 1);
	unit_write(segment_path(9, SUFFIX_LOG), "", 0);
	found = rebuild_ok();
	assert_int_equal(found.gap_end, 9);
	assert_int_equal(found.missing, 8);
}

static void
test_what_compaction_leaves(void **state)
{
	struct rebuilt found;

	(void)state;
	golden_copy("compacted-0", "orders/orders-0");
	found = rebuild_ok();
	assert_int_equal(found.gaps, 1);
	assert_int_equal(found.missing, 107);
	assert_int_equal(found.records + found.missing, found.end.end_offset);
}

/*
 * The torn tail.
 */

static void
test_a_last_batch_that_was_cut_anywhere_is_torn(void **state)
{
	int64_t whole, size;

	(void)state;
	put(0, 0, 1);
	put(3, 3, 2);
	whole = size_of_file(segment_path(3, SUFFIX_LOG));
	put(3, 5, 2);
	size = size_of_file(segment_path(3, SUFFIX_LOG));
	for (int64_t cut = size - 1; cut > whole; cut--) {
		struct rebuilt found;

		truncate_segment(3, cut);
		found = rebuild_ok();
		assert_int_equal(found.torn_bytes, cut - whole);
		assert_int_equal(found.torn_offset, 5);
		assert_int_equal(found.end.end_offset, 5);
		assert_int_equal(size_of_file(segment_path(3, SUFFIX_LOG)), whole);
		put(3, 5, 2);
		/* The same with zeros behind it, as far as the file was allocated ahead. */
		truncate_segment(3, cut);
		truncate_segment(3, cut + 100000);
		if (cut > whole + BATCH_MAGIC_AT && cut < size - 1) { /* the last byte is a zero */
			found = rebuild_ok();
			assert_int_equal(found.torn_bytes, cut + 100000 - whole);
			assert_int_equal(size_of_file(segment_path(3, SUFFIX_LOG)), whole);
		}
		truncate_segment(3, whole);
		put(3, 5, 2);
	}
}

static void
test_zeros_up_to_the_end_are_torn(void **state)
{
	static const int64_t zeros[] = {1, 11, 12, 17, 60, 61, 62, 4096, 200000};
	int64_t whole;

	(void)state;
	put(0, 0, 2);
	whole = size_of_file(segment_path(0, SUFFIX_LOG));
	for (size_t i = 0; i < COUNT_OF(zeros); i++) {
		struct rebuilt found;

		truncate_segment(0, whole + zeros[i]);
		found = rebuild_ok();
		assert_int_equal(found.torn_bytes, zeros[i]);
		assert_int_equal(size_of_file(segment_path(0, SUFFIX_LOG)), whole);
	}
	truncate_segment(0, 0);
	truncate_segment(0, 500);
	assert_int_equal(rebuild_ok().torn_bytes, 500);
}

static void
test_a_last_batch_with_a_bad_crc_is_torn(void **state)
{
	int64_t whole, size;

	(void)state;
	put(0, 0, 2);
	whole = size_of_file(segment_path(0, SUFFIX_LOG));
	put(0, 2, 2);
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	for (int64_t at = whole + BATCH_CRC_AT; at < size; at++) {
		struct rebuilt found;

		flip(0, at, 0x10);
		if (at >= whole + BATCH_LAST_OFFSET_DELTA_AT && at < whole + BATCH_BASE_TIMESTAMP_AT) {
			flip(0, at, 0x10); /* a header that makes no sense tells nothing of where the batch ends */
			continue;
		}
		if (at >= whole + BATCH_RECORD_COUNT_AT && at < whole + BATCH_HEADER_BYTES) {
			flip(0, at, 0x10);
			continue;
		}
		found = rebuild_ok();
		assert_int_equal(found.torn_bytes, size - whole);
		put(0, 2, 2);
	}
}

static void
test_unless_it_may_be_cut_a_torn_tail_is_damage(void **state)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;
	int64_t size;

	(void)state;
	o.cut_torn = false;
	put(0, 0, 2);
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	append_bytes(segment_path(0, SUFFIX_LOG), "\0\0\0", 3);
	assert_status(run(o, &found), STATUS_IO);
	assert_int_equal(size_of_file(segment_path(0, SUFFIX_LOG)), size + 3);
}

/*
 * Damage.
 */

static void
test_any_bit_in_the_middle_is_found(void **state)
{
	int64_t size;

	(void)state;
	put(0, 0, 2);
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	put(0, 2, 2);
	put(0, 4, 2);
	for (int64_t at = 0; at < size; at++) {
		for (int bit = 0; bit < 8; bit += at < BATCH_CRC_AT ? 1 : 5) {
			struct rebuilt found;
			int rc;

			flip(0, at, (uint8_t)(1 << bit));
			rc = run(new_order(), &found);
			if (rc != STATUS_IO && rc != STATUS_CONFIG)
				fail_msg("byte %lld, bit %d: status %d", (long long)at, bit, rc);
			flip(0, at, (uint8_t)(1 << bit));
		}
	}
	rebuild_ok();
}

static void
test_a_length_that_reaches_over_whole_batches_is_damage(void **state)
{
	(void)state;
	put(0, 0, 2);
	put(0, 2, 2);
	put(0, 4, 2);
	flip(0, BATCH_LENGTH_AT + 1, 0x40);
	assert_fails(STATUS_IO, "offset 0: 00000000000000000000.log at 0: it ends in the middle");
}

static void
test_the_place_of_damage_is_told(void **state)
{
	int64_t at;

	(void)state;
	put(0, 0, 2);
	at = size_of_file(segment_path(0, SUFFIX_LOG));
	put(0, 2, 2);
	put(4, 4, 2);
	flip(0, at + BATCH_HEADER_BYTES, 1);
	{
		char words[128];

		snprintf(words, sizeof(words), "orders-0: offset 2: 00000000000000000000.log at %lld: CRC is ", (long long)at);
		assert_fails(STATUS_IO, words);
	}
}

static void
test_garbage_at_the_end_is_damage(void **state)
{
	char garbage[200];

	(void)state;
	put(0, 0, 2);
	memset(garbage, 'x', sizeof(garbage));
	append_bytes(segment_path(0, SUFFIX_LOG), garbage, sizeof(garbage));
	assert_fails(STATUS_IO, "magic is 120");
}

static void
test_a_torn_batch_before_the_last_segment_is_damage(void **state)
{
	(void)state;
	put(0, 0, 2);
	append_bytes(segment_path(0, SUFFIX_LOG), "\0\0\0", 3);
	put(2, 2, 2);
	assert_fails(STATUS_IO, "offset 2: 00000000000000000000.log at ");
}

static void
test_offsets_that_go_back_are_damage(void **state)
{
	(void)state;
	put(0, 0, 2);
	put(0, 1, 2);
	put(0, 3, 2);
	assert_fails(STATUS_IO, "offset 1 after 1");
	clear_folder();
	/* At the very end too: nothing of it looks torn. */
	put(0, 0, 2);
	put(0, 1, 2);
	assert_fails(STATUS_IO, "offset 1 after 1");
	clear_folder();
	put(5, 4, 2);
	assert_fails(STATUS_IO, "offset 4 after 4");
	clear_folder();
	put(0, 0, 8);
	put(7, 8, 1);
	assert_fails(STATUS_IO, "offset 7 in the segment before that of 7");
	clear_folder();
	put(0, INT64_C(1) << 31, 1);
	assert_fails(STATUS_IO, "too far");
}

static void
test_epochs_that_go_back_are_damage(void **state)
{
	(void)state;
	put_batch(0, &(struct batch_spec){.base_offset = 0, .count = 1, .leader_epoch = 3});
	put_batch(1, &(struct batch_spec){.base_offset = 1, .count = 1, .leader_epoch = 2});
	assert_fails(STATUS_IO, "offset 1: 00000000000000000001.log at 0: leader epoch 2 after 3");
}

static void
test_records_that_are_not_what_the_header_says_are_damage(void **state)
{
	struct batch_builder b;

	(void)state;
	make_batch(&b, &(struct batch_spec){.base_offset = 0, .count = 3});
	be32enc(b.bytes.data + BATCH_RECORD_COUNT_AT, 2);
	batch_fix_crc(b.bytes.data);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	assert_fails(STATUS_IO, "bytes behind its last record");
}

static void
test_codecs_that_fail(void **state)
{
	struct batch_builder b;

	(void)state;
	make_batch(&b, &(struct batch_spec){.base_offset = 0, .count = 3, .attributes = CODEC_ZSTD});
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	assert_fails(STATUS_IO, "offset 0: 00000000000000000000.log at 0: ");
	clear_folder();
	be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, 6);
	batch_fix_crc(b.bytes.data);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	assert_fails(STATUS_CONFIG, "codec 6");
}

/* A message of magic 1: offset, size, CRC, magic, attributes, timestamp, key and value. */
static void
put_old_message(int64_t base, uint8_t magic, size_t value_bytes)
{
	uint8_t bytes[256] = {0};
	size_t len = 34 + value_bytes;

	be32enc(bytes + 8, (uint32_t)(len - 12));
	bytes[16] = magic;
	be32enc(bytes + 26, UINT32_MAX);
	be32enc(bytes + 30, (uint32_t)value_bytes);
	memset(bytes + 34, 'v', value_bytes);
	append_bytes(segment_path(base, SUFFIX_LOG), bytes, len);
}

static void
test_older_formats_are_refused_by_name(void **state)
{
	static const size_t sizes[] = {0, 1, 26, 27, 100};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (uint8_t magic = 0; magic < 2; magic++) {
			clear_folder();
			put_old_message(0, magic, sizes[i]);
			assert_fails(STATUS_CONFIG, "offset 0: 00000000000000000000.log at 0: ");
			put_old_message(0, magic, sizes[i]);
			assert_fails(STATUS_CONFIG, "magic");
		}
	}
}

static void
test_what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(segment_path(0, SUFFIX_LOG), 0700), 0);
	assert_fails(STATUS_IO, "00000000000000000000.log");
	assert_int_equal(rmdir(segment_path(0, SUFFIX_LOG)), 0);
	unit_write("elsewhere", "", 0);
	assert_int_equal(symlink("../../elsewhere", segment_path(0, SUFFIX_LOG)), 0);
	assert_fails(STATUS_IO, "00000000000000000000.log");
}

static void
test_a_segment_is_at_most_what_positions_can_say(void **state)
{
	(void)state;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	truncate_segment(0, INT64_C(1) << 31);
	assert_fails(STATUS_IO, "2147483648 bytes");
}

/*
 * Where the log starts.
 */

static int64_t
start_of(int64_t log_start, const struct epoch_entry *first)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;

	o.log_start = log_start;
	o.first_epoch = first;
	assert_ok(run(o, &found));
	return found.log_start;
}

static void
test_the_log_start(void **state)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;

	(void)state;
	put_batch(10, &(struct batch_spec){.base_offset = 10, .count = 5, .leader_epoch = 1});
	put_batch(10, &(struct batch_spec){.base_offset = 15, .count = 5, .leader_epoch = 2});
	assert_int_equal(start_of(-1, NULL), 10);
	assert_int_equal(start_of(3, NULL), 10);
	assert_int_equal(start_of(12, NULL), 12);
	assert_int_equal(start_of(20, NULL), 20);
	o.log_start = 21;
	assert_status(run(o, &found), STATUS_IO);
	assert_non_null(strstr(status_message(), "a broker would empty it"));
	/* The first epoch tells of a trim only if the batch before it is of that epoch. */
	assert_int_equal(start_of(-1, &(struct epoch_entry){1, 13}), 13);
	assert_int_equal(start_of(-1, &(struct epoch_entry){1, 15}), 15);
	assert_int_equal(start_of(-1, &(struct epoch_entry){1, 10}), 10);
	assert_int_equal(start_of(-1, &(struct epoch_entry){2, 17}), 17);
	assert_int_equal(start_of(-1, &(struct epoch_entry){2, 20}), 20);
	assert_int_equal(start_of(-1, &(struct epoch_entry){1, 17}), 10);
	assert_int_equal(start_of(-1, &(struct epoch_entry){0, 12}), 10);
	assert_int_equal(start_of(-1, &(struct epoch_entry){2, 21}), 10);
	/* A checkpoint that was lost is begun anew with the epoch in which it is missed, where that begins. */
	assert_int_equal(start_of(-1, &(struct epoch_entry){2, 15}), 10);
	assert_int_equal(start_of(-1, &(struct epoch_entry){7, 20}), 10);
	/* The greater of the two, because the broker writes down the one at once and the other once a minute. */
	assert_int_equal(start_of(11, &(struct epoch_entry){1, 13}), 13);
	assert_int_equal(start_of(14, &(struct epoch_entry){1, 13}), 14);
}

static void
test_batches_without_an_epoch_are_no_sign_of_a_trim(void **state)
{
	(void)state;
	put_batch(0, &(struct batch_spec){.base_offset = 0, .count = 5, .leader_epoch = -1});
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 5, .leader_epoch = 0});
	assert_int_equal(start_of(-1, &(struct epoch_entry){0, 5}), 0);
}

static void
assert_checkpoint(const char *want)
{
	size_t len;
	char *text = unit_read("orders/orders-0/" EPOCH_CHECKPOINT, &len);

	assert_string_equal(text, want);
	free(text);
}

static void
test_the_epochs_begin_with_the_log(void **state)
{
	(void)state;
	put_batch(0, &(struct batch_spec){.base_offset = 0, .count = 5, .leader_epoch = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 5, .leader_epoch = 1});
	put_batch(10, &(struct batch_spec){.base_offset = 10, .count = 5, .leader_epoch = 4});
	put_batch(10, &(struct batch_spec){.base_offset = 15, .count = 5, .leader_epoch = 6});
	start_of(-1, NULL);
	assert_checkpoint("0\n3\n1 0\n4 10\n6 15\n");
	start_of(7, NULL);
	assert_checkpoint("0\n3\n1 7\n4 10\n6 15\n");
	start_of(10, NULL);
	assert_checkpoint("0\n2\n4 10\n6 15\n");
	start_of(20, NULL);
	assert_checkpoint("0\n1\n6 20\n");
	/* Compaction took out what was before the first batch. */
	clear_folder();
	put_batch(0, &(struct batch_spec){.base_offset = 9, .count = 1, .leader_epoch = 1});
	start_of(-1, NULL);
	assert_checkpoint("0\n1\n1 0\n");
	clear_folder();
	put_batch(0, &(struct batch_spec){.base_offset = 8, .count = 1, .leader_epoch = -1});
	put_batch(0, &(struct batch_spec){.base_offset = 9, .count = 1, .leader_epoch = 1});
	start_of(-1, NULL);
	assert_checkpoint("0\n1\n1 9\n");
}

/*
 * Transactions.
 */

static void
put_transactional(int64_t base, int64_t offset, int count, int64_t producer_id)
{
	put_batch(base,
	    &(struct batch_spec){.base_offset = offset,
		.count = count,
		.timestamp_ms = 1000,
		.leader_epoch = 2,
		.has_producer = true,
		.producer_id = producer_id,
		.producer_epoch = 7,
		.attributes = BATCH_TRANSACTIONAL});
}

static void
put_marker(int64_t base, int64_t offset, int64_t producer_id, int type)
{
	struct batch_builder b;

	make_marker(&b,
	    &(struct batch_spec){.base_offset = offset,
		.timestamp_ms = 2000,
		.leader_epoch = 2,
		.producer_id = producer_id,
		.producer_epoch = 7},
	    type, 3);
	append_bytes(segment_path(base, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
}

static struct txnindex_entry
aborted_entry(int64_t base, size_t i, size_t count)
{
	struct txnindex_entry e;
	size_t len;
	char *bytes = unit_read(segment_path(base, SUFFIX_TXNINDEX), &len);

	assert_int_equal(len, count * TXNINDEX_ENTRY_BYTES);
	txnindex_decode((const uint8_t *)bytes + i * TXNINDEX_ENTRY_BYTES, &e);
	free(bytes);
	return e;
}

static void
assert_aborted(int64_t base, size_t i, size_t count, int64_t id, int64_t first, int64_t last, int64_t stable)
{
	struct txnindex_entry e = aborted_entry(base, i, count);

	assert_int_equal(e.version, 0);
	assert_int_equal(e.producer_id, id);
	assert_int_equal(e.first_offset, first);
	assert_int_equal(e.last_offset, last);
	assert_int_equal(e.last_stable_offset, stable);
}

static void
read_snapshot(int64_t base, struct producers *ps)
{
	int dir = open("orders/orders-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ps = (struct producers){NULL, 0, 0};
	assert_ok(producers_read(dir, base, ps));
	close(dir);
}

static void
test_aborted_transactions_are_indexed(void **state)
{
	(void)state;
	put_transactional(0, 0, 2, 11); /* 0 1, aborted by 6 while 12 is open */
	put_transactional(0, 2, 1, 12); /* 2, aborted by 7 */
	put_transactional(0, 3, 1, 13); /* 3, committed by 4 */
	put_marker(0, 4, 13, CONTROL_COMMIT);
	put_marker(5, 5, 14, CONTROL_ABORT); /* of nothing */
	put_marker(5, 6, 11, CONTROL_ABORT);
	put_marker(5, 7, 12, CONTROL_ABORT);
	assert_int_equal(rebuild_ok().aborted, 0);
	assert_false(is_there(0, SUFFIX_TXNINDEX));
	assert_aborted(5, 0, 2, 11, 0, 6, 2);
	assert_aborted(5, 1, 2, 12, 2, 7, 8);
}

static void
test_open_transactions_are_aborted(void **state)
{
	struct batch_marker marker;
	struct batch_header h;
	struct rebuilt found;
	struct producers ps;
	size_t len;
	int64_t size;
	char *bytes;

	(void)state;
	clock_fix(123456);
	put_transactional(0, 0, 2, 11);
	put_transactional(0, 2, 1, 12);
	put_marker(0, 3, 13, CONTROL_COMMIT);
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	found = rebuild_ok();
	clock_fix(-1);
	assert_int_equal(found.aborted, 2);
	assert_int_equal(found.records, 3);
	assert_int_equal(found.end.end_offset, 6);
	assert_int_equal(found.end.end_position, size_of_file(segment_path(0, SUFFIX_LOG)));
	assert_aborted(0, 0, 2, 11, 0, 4, 2);
	assert_aborted(0, 1, 2, 12, 2, 5, 6);
	bytes = unit_read(segment_path(0, SUFFIX_LOG), &len);
	h = header_of((const uint8_t *)bytes + size);
	assert_int_equal(h.base_offset, 4);
	assert_int_equal(h.attributes, BATCH_TRANSACTIONAL | BATCH_CONTROL);
	assert_int_equal(h.leader_epoch, 2);
	assert_int_equal(h.producer_id, 11);
	assert_int_equal(h.producer_epoch, 7);
	assert_int_equal(h.base_sequence, -1);
	assert_int_equal(h.base_timestamp_ms, 123456);
	assert_ok(batch_check_crc((const uint8_t *)bytes + size, &h));
	assert_ok(batch_read_marker(&(struct batch_view){h, (const uint8_t *)bytes + size}, &marker));
	assert_int_equal(marker.type, CONTROL_ABORT);
	free(bytes);
	read_snapshot(6, &ps);
	assert_int_equal(ps.count, 3);
	for (size_t i = 0; i < ps.count; i++)
		assert_int_equal(ps.states[i].transaction_first_offset, -1);
	producers_free(&ps);
	/* Once more there is nothing to abort. */
	assert_int_equal(rebuild_ok().aborted, 0);
}

static void
test_unless_it_is_asked_for_they_stay_open(void **state)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;
	struct producers ps;

	(void)state;
	o.abort_open = false;
	put_transactional(0, 0, 2, 11);
	assert_ok(run(o, &found));
	assert_int_equal(found.aborted, 0);
	assert_int_equal(found.end.end_offset, 2);
	read_snapshot(2, &ps);
	assert_int_equal(ps.states[0].transaction_first_offset, 0);
	producers_free(&ps);
}

static void
test_producers_may_be_forgotten(void **state)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;
	struct producers ps;

	(void)state;
	o.forget_producers = true;
	put_transactional(0, 0, 2, 11);
	put_batch(4, &(struct batch_spec){.base_offset = 4, .count = 1, .leader_epoch = 2, .has_producer = true, .producer_id = 9});
	assert_ok(run(o, &found));
	assert_int_equal(found.aborted, 1);
	for (int64_t base = 4; base <= 6; base += 2) {
		read_snapshot(base, &ps);
		assert_int_equal(ps.count, 0);
		producers_free(&ps);
	}
	assert_aborted(4, 0, 1, 11, 0, 5, 6);
}

/*
 * Failures.
 */

static int
stop_at(void *arg, int64_t records, int64_t bytes)
{
	int64_t *most = arg;

	assert_true(bytes > 0);
	return records > *most ? status_fail(STATUS_AGAIN, "stopped") : STATUS_OK;
}

static void
test_who_asks_may_stop_it(void **state)
{
	struct rebuild_order o = new_order();
	struct rebuilt found;
	int64_t most = 3;

	(void)state;
	put(0, 0, 2);
	put(0, 2, 2);
	o.progress = stop_at;
	o.progress_arg = &most;
	assert_status(run(o, &found), STATUS_AGAIN);
	most = 4;
	assert_ok(run(o, &found));
}

static void
make_rich_folder(void)
{
	clear_folder();
	put_transactional(3, 3, 2, 11);
	put_marker(3, 5, 11, CONTROL_ABORT);
	put_batch(6, &(struct batch_spec){.base_offset = 6, .count = 3, .value_bytes = 5000, .leader_epoch = 2});
	put_transactional(6, 9, 1, 12);
	append_bytes(segment_path(6, SUFFIX_LOG), "\0\0\0\0", 4);
}

/* After a failure the folder may be anything; made again it is as if nothing had been. */
static void
test_every_failing_call_is_told(void **state)
{
	static const int errors[] = {EIO, ENOSPC};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		for (long k = 1;; k++) {
			struct rebuilt found;
			int rc;

			make_rich_folder();
			iofault_at(k, errors[i], NULL);
			rc = run(new_order(), &found);
			if (iofault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 20);
				break;
			}
			assert_true(rc == STATUS_IO || (rc == STATUS_AGAIN && errors[i] == ENOSPC));
		}
	}
}

static void
test_every_failing_read_is_told(void **state)
{
	(void)state;
	for (long k = 1;; k++) {
		struct rebuilt found;
		int rc;

		make_rich_folder();
		readfault_at(k);
		rc = run(new_order(), &found);
		if (readfault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 3);
			break;
		}
		assert_status(rc, STATUS_IO);
	}
}

static void
test_out_of_memory(void **state)
{
	(void)state;
	for (long n = 0;; n++) {
		struct rebuilt found;
		int rc;

		make_rich_folder();
		unit_oom_after(n);
		rc = run(new_order(), &found);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			assert_true(n > 5);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    folder_test(test_indexes_and_snapshots_are_those_that_kafka_wrote),
	    folder_test(test_what_is_there_is_replaced),
	    folder_test(test_a_log_is_counted),
	    folder_test(test_an_empty_log_has_empty_indexes_and_no_checkpoint),
	    folder_test(test_a_folder_without_segments_is_missing),
	    folder_test(test_gaps_are_counted_between_segments_batches_and_records),
	    folder_test(test_a_missing_segment_is_a_gap),
	    folder_test(test_what_compaction_leaves),
	    folder_test(test_a_last_batch_that_was_cut_anywhere_is_torn),
	    folder_test(test_zeros_up_to_the_end_are_torn),
	    folder_test(test_a_last_batch_with_a_bad_crc_is_torn),
	    folder_test(test_unless_it_may_be_cut_a_torn_tail_is_damage),
	    folder_test(test_any_bit_in_the_middle_is_found),
	    folder_test(test_a_length_that_reaches_over_whole_batches_is_damage),
	    folder_test(test_the_place_of_damage_is_told),
	    folder_test(test_garbage_at_the_end_is_damage),
	    folder_test(test_a_torn_batch_before_the_last_segment_is_damage),
	    folder_test(test_offsets_that_go_back_are_damage),
	    folder_test(test_epochs_that_go_back_are_damage),
	    folder_test(test_records_that_are_not_what_the_header_says_are_damage),
	    folder_test(test_codecs_that_fail),
	    folder_test(test_older_formats_are_refused_by_name),
	    folder_test(test_what_is_no_file_is_refused),
	    folder_test(test_a_segment_is_at_most_what_positions_can_say),
	    folder_test(test_the_log_start),
	    folder_test(test_batches_without_an_epoch_are_no_sign_of_a_trim),
	    folder_test(test_the_epochs_begin_with_the_log),
	    folder_test(test_aborted_transactions_are_indexed),
	    folder_test(test_open_transactions_are_aborted),
	    folder_test(test_unless_it_is_asked_for_they_stay_open),
	    folder_test(test_producers_may_be_forgotten),
	    folder_test(test_who_asks_may_stop_it),
	    folder_test(test_every_failing_call_is_told),
	    folder_test(test_every_failing_read_is_told),
	    folder_test(test_out_of_memory),
	};

	golden_find();
	return unit_run(tests);
}

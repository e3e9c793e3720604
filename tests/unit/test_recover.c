#include "log/recover.h"
#include "iofault.h"
#include "log/epoch.h"
#include "logwork.h"

/* The words of `read_all` after a recovery that must succeed. */
static const char *
recovered(struct logfolder *f, struct recovery *r)
{
	*r = recover_it(f);
	assert_true(r->done);
	assert_true(head_of_this_boot(f->p.head, 0));
	assert_int_equal(head_generation(f->p.head, 0) % 2, 0);
	return read_all(f);
}

static void
make(struct logfolder *f, enum fsync_mode fsync)
{
	logfolder_make(f, fsync == FSYNC_ALWAYS);
	f->p.settings.fsync = fsync;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
}

/* Each word has a segment of its own. */
static void
roll_at_each(struct logfolder *f)
{
	f->p.settings.segment_bytes = 14;
}

static int64_t
published_bytes(struct logfolder *f)
{
	struct head_end end;

	assert_true(head_end(f->p.head, 0, &end));
	return end.end_position;
}

static void
test_after_a_reboot_all_is_there(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a b c", true);
	reboot();
	assert_string_equal(read_all(&f), "status -200");
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c");
	assert_int_equal(r.durable, 3);
	assert_false(r.torn || r.damaged || r.opens_epoch);
	assert_int_equal(r.cut_bytes, 0);
	assert_int_equal(head_synced_end(f.p.head, 0), 3);
	/* Again: it is trusted now, nothing is done. */
	r = recover_it(&f);
	assert_false(r.done);
	append_words(&f, "d", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=d");
	logfolder_close(&f);
}

static void
test_an_empty_partition(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	reboot();
	assert_string_equal(recovered(&f, &r), "");
	assert_int_equal(r.end.end_offset, 0);
	/* Not even a first segment. */
	reboot();
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_string_equal(recovered(&f, &r), "");
	append_words(&f, "a", true);
	assert_string_equal(read_all(&f), "0=a");
	logfolder_close(&f);
}

/* What was published and not synced: whatever of it the disk has is kept, if it is whole. */
static void
test_a_torn_tail_is_cut_wherever_it_is_torn(void **state)
{
	struct logfolder f;
	struct recovery r;
	int64_t two, three;
	struct log *log;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	assert_ok(log_open(&f.p, &log));
	append(log, "a");
	append(log, "b");
	sync_log(log, 2);
	two = published_bytes(&f);
	append(log, "c");
	three = published_bytes(&f);
	log_close(log);
	for (int64_t size = two; size <= three; size++) {
		char *segment;
		size_t len;

		segment = unit_read(segment_path(0, SUFFIX_LOG), &len);
		cut_file(segment_path(0, SUFFIX_LOG), size);
		reboot();
		assert_string_equal(recovered(&f, &r), size == three ? "0=a 1=b 2=c" : "0=a 1=b");
		assert_int_equal(r.torn, size != two && size != three);
		assert_int_equal(r.opens_epoch, r.torn);
		assert_int_equal(r.cut_bytes, r.torn ? size - two : 0);
		assert_int_equal(size_of_file(segment_path(0, SUFFIX_LOG)), size == three ? three : two);
		/* And to where it was. */
		unit_write(segment_path(0, SUFFIX_LOG), segment, (size_t)three);
		poke(1, AT_SYNCED_END, 2);
		free(segment);
		if (size < three) {
			struct batch_builder b;
			struct record record = text_record(1000, NULL, "c");

			batch_builder_init(&b, INT32_MAX);
			assert_ok(batch_add(&b, &record));
			batch_seal(&b);
			batch_set_place(b.bytes.data, 2, 0);
			cut_file(segment_path(0, SUFFIX_LOG), two);
			append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
			batch_builder_free(&b);
		}
		assert_int_equal(size_of_file(segment_path(0, SUFFIX_LOG)), three);
	}
	logfolder_close(&f);
}

/* A flipped bit in any byte of an unsynced batch, those outside of the CRC too. */
static void
test_a_flipped_bit_behind_the_durable_point_is_cut(void **state)
{
	struct logfolder f;
	struct recovery r;
	char *segment;
	size_t len;
	int64_t one;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	one = published_bytes(&f);
	append_words(&f, "b c", false);
	segment = unit_read(segment_path(0, SUFFIX_LOG), &len);
	for (int64_t at = one; at < one + BATCH_HEADER_BYTES; at++) {
		/* A higher epoch could be true: a newer leader. */
		if (at >= one + BATCH_LEADER_EPOCH_AT && at < one + BATCH_MAGIC_AT)
			continue;
		flip_byte(segment_path(0, SUFFIX_LOG), at);
		reboot();
		assert_string_equal(recovered(&f, &r), "0=a");
		assert_true(r.torn);
		assert_int_equal(r.cut_bytes, (int64_t)len - one);
		unit_write(segment_path(0, SUFFIX_LOG), segment, len);
		poke(1, AT_SYNCED_END, 1);
	}
	free(segment);
	logfolder_close(&f);
}

static void
test_the_cut_bytes_are_kept(void **state)
{
	struct logfolder f;
	struct recovery r;
	char *segment, *lost;
	size_t len, lost_len;
	int64_t one;

	(void)state;
	clock_fix(1234567);
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	one = published_bytes(&f);
	append_words(&f, "b c", false);
	flip_byte(segment_path(0, SUFFIX_LOG), one + 65);
	segment = unit_read(segment_path(0, SUFFIX_LOG), &len);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_int_equal(count_entries("orders/lost"), 1);
	lost = unit_read("orders/lost/0-1-1234567.log", &lost_len);
	assert_int_equal(lost_len, len - (size_t)one);
	assert_memory_equal(lost, segment + one, lost_len);
	free(lost);
	/* The same time again: another name. */
	unit_write(segment_path(0, SUFFIX_LOG), segment, len);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_int_equal(count_entries("orders/lost"), 2);
	assert_int_equal(access("orders/lost/0-1-1234568.log", F_OK), 0);
	free(segment);
	clock_fix(-1);
	logfolder_close(&f);
}

/* A page that never reached the disk, whole batches behind it: the kernel writes pages in any order. */
static void
test_zeros_in_the_middle_end_the_log(void **state)
{
	struct logfolder f;
	struct recovery r;
	static const char zeros[20];
	int64_t one;
	int fd;

	(void)state;
	make(&f, FSYNC_NEVER);
	append_words(&f, "a", false);
	one = published_bytes(&f);
	append_words(&f, "b c d", false);
	fd = open(segment_path(0, SUFFIX_LOG), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), one), sizeof(zeros));
	close(fd);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_true(r.torn && r.opens_epoch);
	assert_non_null(strstr(r.reason, "00000000000000000000.log at "));
	logfolder_close(&f);
}

static void
test_damage_before_the_durable_point_is_not_cut(void **state)
{
	struct logfolder f;
	struct recovery r;
	int64_t size, start, end;
	struct log *log;
	struct reader *reader;
	bool damaged = false;
	char *before, *after;
	size_t len, len_after;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	size = published_bytes(&f);
	append_words(&f, "b c", true);
	flip_byte(segment_path(0, SUFFIX_LOG), size + 65);
	poke(1, AT_SYNCED_END, 2);
	before = unit_read(segment_path(0, SUFFIX_LOG), &len);
	reboot();
	r = recover_it(&f);
	assert_true(r.done && r.damaged);
	assert_false(r.torn);
	assert_int_equal(r.end.end_offset, 1);
	assert_int_equal(head_poison(f.p.head, 0), HEAD_DAMAGED);
	after = unit_read(segment_path(0, SUFFIX_LOG), &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	/* What is before it can be read, nothing can be appended, and it is said. */
	assert_string_equal(read_all(&f), "0=a");
	assert_ok(reader_open(&f.p, &reader));
	assert_ok(reader_bounds(reader, &start, &end, &damaged));
	assert_true(damaged);
	reader_close(reader);
	assert_ok(log_open(&f.p, &log));
	assert_status(try_append(log, "x", clock_deadline(1000), &start), STATUS_READ_ONLY);
	assert_non_null(strstr(status_message(), "damaged"));
	log_close(log);
	/* On the next boot the same. */
	reboot();
	r = recover_it(&f);
	assert_true(r.damaged);
	assert_string_equal(read_all(&f), "0=a");
	assert_int_equal(count_entries("orders/lost"), 0);
	free(before);
	free(after);
	logfolder_close(&f);
}

/* One batch less than was durable, to the byte. */
static void
test_a_log_that_ends_before_the_durable_point(void **state)
{
	struct logfolder f;
	struct recovery r;
	int64_t two;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a b", true);
	two = published_bytes(&f);
	append_words(&f, "c", true);
	cut_file(segment_path(0, SUFFIX_LOG), two);
	poke(1, AT_SYNCED_END, 2);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b");
	assert_false(r.damaged || r.torn);
	poke(1, AT_SYNCED_END, 3);
	reboot();
	r = recover_it(&f);
	assert_true(r.damaged);
	assert_non_null(strstr(r.reason, "ends at offset 2, but was durable up to 3"));
	logfolder_close(&f);
}

static void
test_a_log_that_ends_before_its_start(void **state)
{
	struct logfolder f;
	struct recovery r;
	int64_t one;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	one = published_bytes(&f);
	append_words(&f, "b c", true);
	assert_ok(head_raise_log_start(f.p.head, 0, 2));
	cut_file(segment_path(0, SUFFIX_LOG), one);
	poke(1, AT_SYNCED_END, 0);
	reboot();
	r = recover_it(&f);
	assert_true(r.damaged);
	assert_non_null(strstr(r.reason, "before its start 2"));
	logfolder_close(&f);
}

/* No segment at all, though something was durable. */
static void
test_an_emptied_folder_is_damage(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	reboot();
	r = recover_it(&f);
	assert_true(r.damaged);
	assert_string_equal(r.reason, "no segment is there");
	assert_int_equal(access(segment_path(0, SUFFIX_LOG), F_OK), -1);
	logfolder_close(&f);
}

static void
test_segments_are_followed(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	roll_at_each(&f);
	append_words(&f, "a b c d", true);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c 3=d");
	assert_int_equal(r.end.segment_base, 3);
	append_words(&f, "e", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=d 4=e");
	logfolder_close(&f);
}

/* A segment whose predecessor lost its tail: what it holds cannot be reached. */
static void
test_a_later_segment_without_what_comes_before_it(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_NEVER);
	roll_at_each(&f);
	append_words(&f, "a b c", false);
	assert_int_equal(head_synced_end(f.p.head, 0), 1); /* the roll did */
	cut_file(segment_path(1, SUFFIX_LOG), 0);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_true(r.torn);
	assert_non_null(strstr(r.reason, "the log ends at offset 1, the next segment begins at 2"));
	assert_int_equal(access(segment_path(2, SUFFIX_LOG), F_OK), -1);
	assert_int_equal(count_entries("orders/lost"), 1);
	append_words(&f, "x y", false);
	assert_string_equal(read_all(&f), "0=a 1=x 2=y");
	logfolder_close(&f);
}

static void
test_a_torn_segment_takes_the_later_ones_with_it(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_NEVER);
	roll_at_each(&f);
	append_words(&f, "a b c", false);
	flip_byte(segment_path(1, SUFFIX_LOG), 65);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_int_equal(count_entries("orders/lost"), 2);
	assert_int_equal(access(segment_path(2, SUFFIX_LOG), F_OK), -1);
	assert_int_equal(size_of_file(segment_path(1, SUFFIX_LOG)), 0);
	logfolder_close(&f);
}

static void
test_a_missing_segment(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	roll_at_each(&f);
	append_words(&f, "a b c", true);
	poke(1, AT_SYNCED_END, 0);
	assert_int_equal(unlink(segment_path(1, SUFFIX_LOG)), 0);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a"); /* behind the durable point: torn */
	assert_true(r.torn);

	/* Before it nobody looks. */
	logfolder_close(&f);
	assert_int_equal(system("rm -rf orders"), 0);
	make(&f, FSYNC_ALWAYS);
	roll_at_each(&f);
	append_words(&f, "a b c", true);
	assert_int_equal(unlink(segment_path(1, SUFFIX_LOG)), 0);
	reboot();
	r = recover_it(&f);
	assert_false(r.torn || r.damaged);
	logfolder_close(&f);
}

/* What is kept is written again, and synced with all its segments, before the page is of this boot. */
static void
test_what_is_kept_is_made_durable(void **state)
{
	struct logfolder f;
	struct recovery r;
	long writes;

	(void)state;
	make(&f, FSYNC_NEVER);
	roll_at_each(&f);
	append_words(&f, "a b c", false);
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	reboot();
	iofault_count("fsync");
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c");
	/* Two segments (the third from the durable point's own, which holds nothing behind it) and the folder. */
	assert_true(iofault.calls >= 3);
	assert_int_equal(head_synced_end(f.p.head, 0), 3);
	reboot();
	iofault_count("pwrite");
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c");
	writes = iofault.calls;
	iofault_off();
	assert_true(writes <= 2); /* index entries; nothing lies behind the durable point */
	logfolder_close(&f);
}

static void
test_a_copy_counts_from_its_last_segment_but_one(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	roll_at_each(&f);
	append_words(&f, "a b c d", true);
	logfolder_close(&f);
	replace_by_copy();
	logfolder_open(&f);
	flip_byte(segment_path(2, SUFFIX_LOG), 65); /* the last but one; the page says it was synced, of another file */
	assert_string_equal(recovered(&f, &r), "0=a 1=b");
	assert_int_equal(r.durable, 2);
	assert_true(r.torn);
	assert_false(r.damaged);
	logfolder_close(&f);
}

/* `heads` was copied before the segments grew: its ends are old, and nothing that is there is cut. */
static void
test_a_copy_whose_page_is_older_than_its_segments(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	assert_int_equal(system("cp orders/heads old"), 0);
	append_words(&f, "b c", true);
	logfolder_close(&f);
	assert_int_equal(system("rm orders/heads && mv old orders/heads"), 0);
	logfolder_open(&f);
	assert_string_equal(read_all(&f), "status -200");
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c");
	logfolder_close(&f);
}

/* The same file with older words, as after a power cut: a lower bound is still one. */
static void
test_a_page_with_older_words(void **state)
{
	struct logfolder f;
	struct recovery r;
	char *page;
	size_t len;
	int fd;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	page = unit_read("orders/heads", &len);
	append_words(&f, "b c", true);
	fd = open("orders/heads", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, page, len, 0), len);
	close(fd);
	free(page);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c");
	assert_int_equal(r.durable, 1);
	logfolder_close(&f);
}

static void
test_a_page_of_garbage(void **state)
{
	struct logfolder f;
	struct recovery r;
	unsigned seed = 1;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a b", true);
	for (int round = 0; round < 50; round++) {
		char *before, *after;
		size_t len, len_after;

		for (int at = 0; at < 512; at += 8)
			poke(1, at, (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 11 ^ (uint64_t)rand_r(&seed));
		poke(1, AT_LOG_START, 0);
		before = unit_read(segment_path(0, SUFFIX_LOG), &len);
		r = recover_it(&f);
		/* A durable point beyond the log is damage, one below it means nothing: in no case is anything cut. */
		assert_string_equal(read_all(&f), "0=a 1=b");
		after = unit_read(segment_path(0, SUFFIX_LOG), &len_after);
		assert_int_equal(len, len_after);
		assert_memory_equal(before, after, len);
		free(before);
		free(after);
	}
	/* A page of zeros, which a file system may leave in place of one. */
	for (int at = 0; at < 512; at += 8)
		poke(1, at, 0);
	assert_string_equal(recovered(&f, &r), "0=a 1=b");
	append_words(&f, "c", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

static void
fill_with_garbage(const char *path, size_t len, unsigned seed)
{
	char *bytes = malloc(len);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)rand_r(&seed);
	unit_write(path, bytes, len);
	free(bytes);
}

static void
test_indexes_of_garbage_change_no_answer(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	f.p.settings.index_interval_bytes = 0;
	append_words(&f, "a b c d e f", true);
	for (unsigned seed = 1; seed < 30; seed++) {
		fill_with_garbage(segment_path(0, SUFFIX_INDEX), seed * 5, seed);
		fill_with_garbage(segment_path(0, SUFFIX_TIMEINDEX), seed * 7, seed);
		poke(1, AT_SYNCED_END, seed % 7);
		reboot();
		assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c 3=d 4=e 5=f");
		assert_false(r.torn || r.damaged);
	}
	assert_int_equal(unlink(segment_path(0, SUFFIX_INDEX)), 0);
	assert_int_equal(unlink(segment_path(0, SUFFIX_TIMEINDEX)), 0);
	poke(1, AT_SYNCED_END, 0);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c 3=d 4=e 5=f");
	/* They are made again from the durable point on. */
	assert_int_equal(size_of_file(segment_path(0, SUFFIX_INDEX)) / INDEX_ENTRY_BYTES, r.end.index_count);
	assert_int_equal(r.end.index_count, 5);
	logfolder_close(&f);
}

/* An entry that points into a value made to look like the header of a batch. */
static void
test_an_index_entry_that_points_at_a_forgery(void **state)
{
	struct logfolder f;
	struct recovery r;
	struct batch_builder forged, carrier;
	struct record record = {.timestamp_ms = 1, .key_len = -1};
	uint8_t entry[INDEX_ENTRY_BYTES];
	const uint8_t *at;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	make_batch(&forged, &(struct batch_spec){.base_offset = 0, .count = 1});
	forged.bytes.data[BATCH_CRC_AT] ^= 1;
	record.value = forged.bytes.data;
	record.value_len = (int32_t)forged.bytes.len;
	batch_builder_init(&carrier, INT32_MAX);
	assert_ok(batch_add(&carrier, &record));
	batch_seal(&carrier);
	append_bytes(segment_path(0, SUFFIX_LOG), carrier.bytes.data, carrier.bytes.len);
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 1});
	publish_all(&f);
	at = memmem(carrier.bytes.data, carrier.bytes.len, forged.bytes.data, forged.bytes.len);
	assert_non_null(at);
	be32enc(entry, 0);
	be32enc(entry + 4, (uint32_t)(at - carrier.bytes.data));
	unit_write(segment_path(0, SUFFIX_INDEX), entry, sizeof(entry));
	reboot();
	r = recover_it(&f);
	assert_false(r.damaged || r.torn);
	assert_int_equal(r.end.end_offset, 2);
	batch_builder_free(&forged);
	batch_builder_free(&carrier);
	logfolder_close(&f);
}

static void
test_a_falling_epoch_or_offset_is_no_log_of_ours(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_NEVER);
	put_batch(0, &(struct batch_spec){.count = 2, .leader_epoch = 3});
	put_batch(0, &(struct batch_spec){.base_offset = 2, .count = 1, .leader_epoch = 2});
	reboot();
	r = recover_it(&f);
	assert_true(r.torn);
	assert_int_equal(r.end.end_offset, 2);
	assert_non_null(strstr(r.reason, "leader epoch 2 after 3"));
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 1, .leader_epoch = 3});
	reboot();
	r = recover_it(&f);
	assert_true(r.torn);
	assert_int_equal(r.end.end_offset, 2);
	assert_non_null(strstr(r.reason, "offset 1 after 1"));
	logfolder_close(&f);
}

/* The greatest timestamp comes first, then the time index is lost: nobody syncs it. */
static void
lose_time_index(bool published)
{
	struct logfolder f;
	struct head_end end;
	struct reader *reader;
	int64_t offset;

	logfolder_make(&f, true);
	for (int i = 0; i < 5; i++)
		put_batch(0, &(struct batch_spec){.base_offset = 10 * i, .count = 10, .timestamp_ms = i == 0 ? 9000 : 100 + i});
	f.p.settings.index_interval_bytes = 0;
	walk_segment(&f, 0, 0, &end);
	if (published)
		assert_ok(head_publish(f.p.head, 0, &end));
	assert_ok(head_raise_synced_end(f.p.head, 0, 50));
	assert_int_equal(unlink(segment_path(0, SUFFIX_TIMEINDEX)), 0);
	logfolder_close(&f);
	reboot();
	logfolder_open(&f);
	(void)recover_it(&f);
	assert_ok(reader_open(&f.p, &reader));
	assert_ok(reader_find_time(reader, 5000, 50, &offset));
	assert_int_equal(offset, 0);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_lost_time_index_is_not_believed(void **state)
{
	(void)state;
	lose_time_index(true);
}

static void
test_a_lost_time_index_beside_an_old_page_is_not_believed(void **state)
{
	(void)state;
	lose_time_index(false);
}

/* Compaction leaves gaps, below gap_end; the disk makes them up elsewhere, because the CRC does not cover the base offset. */
static void
test_a_gap_is_believed_where_it_can_be_true(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 6, .count = 1});
	assert_ok(head_raise_gap_end(f.p.head, 0, 5));
	reboot();
	r = recover_it(&f);
	assert_false(r.torn);
	assert_int_equal(r.end.end_offset, 7);
	put_batch(0, &(struct batch_spec){.base_offset = 8, .count = 1});
	reboot();
	r = recover_it(&f);
	assert_true(r.torn);
	assert_int_equal(r.end.end_offset, 7);
	assert_non_null(strstr(r.reason, "offset 8 after 6"));
	logfolder_close(&f);

	/* A copy knows as much, and segments may have gaps between them. */
	put_batch(9, &(struct batch_spec){.base_offset = 9, .count = 1});
	assert_int_equal(rename(segment_path(9, SUFFIX_LOG), "orders/later"), 0);
	replace_by_copy();
	logfolder_open(&f);
	r = recover_it(&f);
	assert_int_equal(r.end.end_offset, 7);
	assert_false(r.torn);
	assert_int_equal(rename("orders/later", segment_path(9, SUFFIX_LOG)), 0);
	assert_ok(head_raise_gap_end(f.p.head, 0, 9));
	reboot();
	r = recover_it(&f);
	assert_int_equal(r.end.end_offset, 10);
	assert_false(r.torn);
	put_batch(11, &(struct batch_spec){.base_offset = 11, .count = 1});
	reboot();
	r = recover_it(&f);
	assert_int_equal(r.end.end_offset, 10);
	assert_true(r.torn);
	assert_non_null(strstr(r.reason, "ends at offset 10, the next segment begins at 11"));
	logfolder_close(&f);
}

static void
test_a_batch_that_reaches_into_the_next_segment(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	put_batch(0, &(struct batch_spec){.count = 2});
	put_batch(0, &(struct batch_spec){.base_offset = 2, .count = 2});
	put_batch(3, &(struct batch_spec){.base_offset = 3, .count = 1});
	reboot();
	r = recover_it(&f);
	assert_true(r.torn);
	assert_int_equal(r.end.end_offset, 2);
	assert_non_null(strstr(r.reason, "offset 3 in the segment before that of 3"));
	logfolder_close(&f);
}

static void
test_an_old_message_format_is_named(void **state)
{
	struct logfolder f;
	struct recovery r;
	static const uint8_t old[40] = {[BATCH_LENGTH_AT + 3] = 20, [BATCH_MAGIC_AT] = 1};

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	append_bytes(segment_path(0, SUFFIX_LOG), old, sizeof(old));
	append_bytes(segment_path(0, SUFFIX_LOG), old, sizeof(old));
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_non_null(strstr(r.reason, "magic 1"));
	logfolder_close(&f);
}

/*
 * Leader epochs.
 */

static void
test_a_new_epoch_is_opened_when_readers_may_have_seen_more(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_NEVER);
	append_words(&f, "a b", false);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b");
	assert_true(r.opens_epoch);
	assert_false(r.torn);
	assert_int_equal(head_leader_epoch(f.p.head), 1);

	f.p.settings.fsync = FSYNC_INTERVAL;
	reboot();
	r = recover_it(&f);
	assert_true(r.opens_epoch);
	assert_int_equal(head_leader_epoch(f.p.head), 2);

	/* The settings say always already, but readers were shown all: an alter died there. */
	f.p.settings.fsync = FSYNC_ALWAYS;
	reboot();
	r = recover_it(&f);
	assert_true(r.opens_epoch);

	assert_ok(head_set_synced_only(f.p.head, true));
	reboot();
	r = recover_it(&f);
	assert_false(r.opens_epoch);

	/* And the other way: the flag is still there, the settings are not. */
	f.p.settings.fsync = FSYNC_NEVER;
	reboot();
	r = recover_it(&f);
	assert_true(r.opens_epoch);

	/* In the same boot nothing is lost but what is cut. */
	poke(1, AT_GENERATION, head_generation(f.p.head, 0) + 1);
	r = recover_it(&f);
	assert_true(r.done);
	assert_false(r.opens_epoch);
	logfolder_close(&f);
}

static void
test_the_epoch_is_never_below_that_of_the_log(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	put_batch(0, &(struct batch_spec){.count = 1, .leader_epoch = 7});
	reboot();
	r = recover_it(&f);
	assert_true(r.opens_epoch);
	assert_int_equal(head_leader_epoch(f.p.head), 8);
	append_words(&f, "a", true);
	reboot();
	r = recover_it(&f);
	assert_false(r.opens_epoch || r.torn);
	assert_int_equal(r.end.end_offset, 2);
	assert_int_equal(r.end.leader_epoch, 8);
	logfolder_close(&f);
}

static int
refuse_epoch(void *arg, int32_t above)
{
	(void)arg;
	(void)above;
	return status_fail(STATUS_AGAIN, "no room for an epoch");
}

static void
test_nothing_is_cut_before_the_epoch_is_open(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	reboot();
	assert_status(recover_partition(&f.p, refuse_epoch, NULL, clock_deadline(1000), &r), STATUS_AGAIN);
	assert_false(r.done);
	assert_int_equal(count_entries("orders/lost"), 0);
	assert_string_equal(read_all(&f), "status -200");
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_true(r.opens_epoch);
	assert_int_equal(head_leader_epoch(f.p.head), 1);
	logfolder_close(&f);
}

static void
test_the_checkpoint_tells_where_the_new_epoch_begins(void **state)
{
	struct logfolder f;
	struct recovery r;
	char *text;
	size_t len;

	(void)state;
	make(&f, FSYNC_NEVER);
	append_words(&f, "a b c", false);
	flip_byte(segment_path(0, SUFFIX_LOG), published_bytes(&f) - 1);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b");
	append_words(&f, "x", false);
	text = unit_read("orders/orders-0/" EPOCH_CHECKPOINT, &len);
	assert_string_equal(text, "0\n2\n0 0\n1 2\n");
	free(text);
	logfolder_close(&f);
}

/*
 * Kept in mind.
 */

static void
test_what_the_appender_must_know_is_found_again(void **state)
{
	struct logfolder f;
	struct recovery r;
	struct head_end before, after;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	f.p.settings.index_interval_bytes = 100;
	append_words(&f, "a b c d e f g h", true);
	assert_true(head_end(f.p.head, 0, &before));
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=b 2=c 3=d 4=e 5=f 6=g 7=h");
	assert_true(head_end(f.p.head, 0, &after));
	assert_int_equal(after.segment_base, before.segment_base);
	assert_int_equal(after.last_position, before.last_position);
	assert_int_equal(after.end_position, before.end_position);
	assert_int_equal(after.end_offset, before.end_offset);
	assert_int_equal(after.max_timestamp_ms, before.max_timestamp_ms);
	assert_int_equal(after.max_timestamp_offset, before.max_timestamp_offset);
	assert_int_equal(after.first_timestamp_ms, before.first_timestamp_ms);
	assert_int_equal(after.leader_epoch, before.leader_epoch);
	assert_int_equal(after.index_count, size_of_file(segment_path(0, SUFFIX_INDEX)) / INDEX_ENTRY_BYTES);
	assert_int_equal(after.timeindex_count, size_of_file(segment_path(0, SUFFIX_TIMEINDEX)) / TIMEINDEX_ENTRY_BYTES);
	logfolder_close(&f);
}

/*
 * The same boot: others may have the file open.
 */

static void
test_a_cut_in_the_same_boot_makes_a_new_inode(void **state)
{
	struct logfolder f;
	struct recovery r;
	char *old, bytes[400];
	size_t len;
	ino_t inode;
	int fd;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	append_words(&f, "b", false);
	fd = open(segment_path(0, SUFFIX_LOG), O_RDONLY | O_CLOEXEC);
	flip_byte(segment_path(0, SUFFIX_LOG), published_bytes(&f) - 1);
	old = unit_read(segment_path(0, SUFFIX_LOG), &len);
	inode = inode_of(segment_path(0, SUFFIX_LOG));
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_int_not_equal(inode_of(segment_path(0, SUFFIX_LOG)), inode);
	append_words(&f, "other", true);
	/* Who has it open sees what he saw. */
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), len);
	assert_memory_equal(bytes, old, len);
	assert_string_equal(read_all(&f), "0=a 1=other");
	assert_int_equal(head_generation(f.p.head, 0), 4);
	close(fd);
	free(old);

	/* After a reboot nobody has. */
	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	inode = inode_of(segment_path(0, SUFFIX_LOG));
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a 1=other");
	assert_int_equal(inode_of(segment_path(0, SUFFIX_LOG)), inode);
	logfolder_close(&f);
}

static void
test_an_unfinished_inode_is_removed(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	unit_write("orders/orders-0/00000000000000000000.log.cut", "half", 4);
	unit_write("orders/orders-0/00000000000000000099.log.cut", "half", 4);
	unit_write("orders/orders-0/notes.txt", "mine", 4);
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_int_equal(access("orders/orders-0/00000000000000000000.log.cut", F_OK), -1);
	assert_int_equal(access("orders/orders-0/00000000000000000099.log.cut", F_OK), -1);
	assert_int_equal(access("orders/orders-0/notes.txt", F_OK), 0);
	logfolder_close(&f);
}

/*
 * Dying inside, and errors.
 */

static int
recover_in_child(void)
{
	struct logfolder f;
	struct recovery r;

	logfolder_open(&f);
	f.p.settings.segment_bytes = 14;
	f.p.settings.fsync = FSYNC_NEVER;
	return try_recover(&f, &r) == STATUS_OK ? 0 : 1;
}

static void
make_torn_segments(struct logfolder *f)
{
	make(f, FSYNC_NEVER);
	roll_at_each(f);
	append_words(f, "a b c d e", false);
	poke(1, AT_SYNCED_END, 1);
	flip_byte(segment_path(3, SUFFIX_LOG), 65);
}

static const char *const death_points[] = {"head.rebuild.begun", "recover.epoch", "recover.kept", "recover.kept:2", "recover.cut",
    "sync.rewritten", "sync.rewritten:2", "recover.adopted", "head.rebuild.synced", "head.publish.word:3", "head.publish.filled",
    "head.publish.counted", "head.rebuild.filled", "head.rebuild.even", "head.rebuild.half_boot", "head.rebuild.boot"};

static void
test_dying_in_a_recovery_changes_nothing(void **state)
{
	struct logfolder f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(death_points); i++) {
		for (size_t j = 0; j < COUNT_OF(death_points); j += 3) {
			make_torn_segments(&f);
			reboot();
			assert_true(dies_at(death_points[i], recover_in_child));
			(void)dies_at(death_points[j], recover_in_child);
			(void)recover_it(&f);
			assert_string_equal(read_all(&f), "0=a 1=b 2=c");
			assert_true(head_leader_epoch(f.p.head) > 0);
			assert_int_equal(head_synced_end(f.p.head, 0), 3);
			assert_true(count_entries("orders/lost") >= 2);
			append_words(&f, "x", true);
			assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=x");
			logfolder_close(&f);
			assert_int_equal(system("rm -rf orders"), 0);
		}
	}
}

/* In the same boot, by which the torn segment gets a new inode. */
static void
test_dying_in_a_recovery_of_the_same_boot(void **state)
{
	static const char *const points[] = {"head.rebuild.begun", "recover.epoch", "recover.kept", "recover.replaced",
	    "recover.cut", "sync.rewritten", "recover.adopted", "head.rebuild.synced", "head.rebuild.filled", "head.rebuild.even"};
	struct logfolder f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		make_torn_segments(&f);
		poke(1, AT_GENERATION, 3);
		if (strcmp(points[i], "recover.replaced") == 0)
			append_bytes(segment_path(2, SUFFIX_LOG), "torn", 4);
		assert_true(dies_at(points[i], recover_in_child));
		(void)recover_it(&f);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c");
		append_words(&f, "x", true);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=x");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* A copy loses segments to a recovery that dies: the next one must not look further back for its durable point. */
static void
test_a_copy_keeps_its_durable_point(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	roll_at_each(&f);
	append_words(&f, "a b c d", true);
	logfolder_close(&f);
	replace_by_copy();
	logfolder_open(&f);
	flip_byte(segment_path(0, SUFFIX_LOG), 65); /* rotten long ago, before the durable point: not ours to cut */
	flip_byte(segment_path(2, SUFFIX_LOG), 65);
	assert_true(dies_at("recover.cut", recover_in_child));
	assert_int_equal(access(segment_path(3, SUFFIX_LOG), F_OK), -1);
	r = recover_it(&f);
	assert_int_equal(r.durable, 2);
	assert_int_equal(r.end.end_offset, 2);
	assert_int_equal(access(segment_path(1, SUFFIX_LOG), F_OK), 0);
	logfolder_close(&f);
}

static void
test_errors_of_the_disk_in_a_recovery(void **state)
{
	static const int errors[] = {EIO, ENOSPC};
	struct logfolder f;
	struct recovery r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		for (long k = 1;; k++) {
			int rc;

			make_torn_segments(&f);
			reboot();
			iofault_at(k, errors[i], NULL);
			rc = try_recover(&f, &r);
			if (iofault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 20);
				logfolder_close(&f);
				assert_int_equal(system("rm -rf orders"), 0);
				break;
			}
			if (rc != STATUS_OK) {
				assert_true(rc == STATUS_IO || rc == STATUS_AGAIN);
				assert_false(r.done);
				/* All was done if only the last sync failed, of the boot id. */
				if (strcmp(read_all(&f), "0=a 1=b 2=c") != 0)
					assert_string_equal(read_all(&f), "status -200");
				r = recover_it(&f);
			}
			assert_string_equal(read_all(&f), "0=a 1=b 2=c");
			append_words(&f, "x", true);
			assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=x");
			logfolder_close(&f);
			assert_int_equal(system("rm -rf orders"), 0);
		}
	}
}

/* On a full disk each try would leave a part of the tail. */
static void
test_a_failed_copy_leaves_nothing_in_lost(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	reboot();
	for (int i = 0; i < 3; i++) {
		iofault_all(ENOSPC, "pwrite");
		assert_status(try_recover(&f, &r), STATUS_AGAIN);
		assert_true(iofault_off() > 0);
		assert_non_null(strstr(status_message(), "No space left"));
	}
	assert_int_equal(count_entries("orders/lost"), 0);
	assert_string_equal(recovered(&f, &r), "0=a");
	logfolder_close(&f);
}

static void
test_no_memory(void **state)
{
	struct logfolder f;
	struct recovery r;
	int next;

	(void)state;
	make_torn_segments(&f);
	next = proc_next_descriptor();
	for (long n = 0;; n++) {
		int rc;

		reboot();
		unit_oom_after(n);
		rc = try_recover(&f, &r);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	assert_int_equal(proc_next_descriptor(), next);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

/*
 * Locks.
 */

static void
test_it_waits_for_appenders_and_syncers(void **state)
{
	struct logfolder f, other;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	logfolder_open(&other);
	reboot();
	assert_ok(lock_take(other.p.lock, LOCK_BYTE_APPEND(0), "append", DEADLINE_NOW));
	assert_status(recover_partition(&f.p, next_epoch, f.p.head, clock_deadline(10), &r), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "append lock"));
	lock_drop(other.p.lock, LOCK_BYTE_APPEND(0));
	for (int slot = 0; slot < SYNC_SLOTS; slot++) {
		assert_ok(lock_take(other.p.lock, LOCK_BYTE_SYNC(0, slot), "sync", DEADLINE_NOW));
		assert_status(recover_partition(&f.p, next_epoch, f.p.head, clock_deadline(10), &r), STATUS_AGAIN);
		assert_non_null(strstr(status_message(), "sync slot"));
		/* It holds none of them any more. */
		assert_true(lock_try(other.p.lock, LOCK_BYTE_APPEND(0)));
		lock_drop(other.p.lock, LOCK_BYTE_APPEND(0));
		for (int k = 0; k < SYNC_SLOTS; k++) {
			if (k == slot)
				continue;
			assert_true(lock_try(other.p.lock, LOCK_BYTE_SYNC(0, k)));
			lock_drop(other.p.lock, LOCK_BYTE_SYNC(0, k));
		}
		lock_drop(other.p.lock, LOCK_BYTE_SYNC(0, slot));
	}
	assert_string_equal(recovered(&f, &r), "0=a");
	logfolder_close(&other);
	logfolder_close(&f);
}

/* A dead appender is the next appender's to clean up after: a page of this boot is not rebuilt for him. */
static void
test_a_dead_appender_is_no_reason_to_rebuild(void **state)
{
	struct logfolder f;
	struct recovery r;

	(void)state;
	make(&f, FSYNC_ALWAYS);
	append_words(&f, "a", true);
	append_bytes(segment_path(0, SUFFIX_LOG), "unpublished", 11);
	poke(1, AT_APPENDER, 99);
	r = recover_it(&f);
	assert_false(r.done);
	assert_int_equal(head_generation(f.p.head, 0), 2);
	/* On another boot the word means nothing. */
	reboot();
	assert_string_equal(recovered(&f, &r), "0=a");
	assert_true(r.torn);
	assert_int_equal(head_appender(f.p.head, 0), 0);
	logfolder_close(&f);
}

/*
 * Looking only.
 */

static void
test_who_may_not_write_reads_what_recovery_would_keep(void **state)
{
	struct logfolder f;
	struct lock *lock;
	struct recovery r;
	char *before, *after;
	size_t len, len_after;

	(void)state;
	make_torn_segments(&f);
	reboot();
	before = unit_read("orders/heads", &len);
	lock = f.p.lock;
	f.p.lock = NULL;
	assert_ok(recover_scan(&f.p, &r));
	assert_true(r.torn);
	assert_false(r.damaged);
	assert_int_equal(r.end.end_offset, 3);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	f.p.lock = lock;
	after = unit_read("orders/heads", &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_int_equal(access(segment_path(4, SUFFIX_LOG), F_OK), 0);
	assert_int_equal(count_entries("orders/lost"), 0);
	free(before);
	free(after);
	poke(1, AT_LOG_START, 4);
	assert_ok(recover_scan(&f.p, &r));
	assert_true(r.damaged);
	assert_false(r.torn);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_after_a_reboot_all_is_there),
	    unit_test(test_an_empty_partition),
	    unit_test(test_a_torn_tail_is_cut_wherever_it_is_torn),
	    unit_test(test_a_flipped_bit_behind_the_durable_point_is_cut),
	    unit_test(test_the_cut_bytes_are_kept),
	    unit_test(test_zeros_in_the_middle_end_the_log),
	    unit_test(test_damage_before_the_durable_point_is_not_cut),
	    unit_test(test_a_log_that_ends_before_the_durable_point),
	    unit_test(test_a_log_that_ends_before_its_start),
	    unit_test(test_an_emptied_folder_is_damage),
	    unit_test(test_segments_are_followed),
	    unit_test(test_a_later_segment_without_what_comes_before_it),
	    unit_test(test_a_torn_segment_takes_the_later_ones_with_it),
	    unit_test(test_a_missing_segment),
	    unit_test(test_what_is_kept_is_made_durable),
	    unit_test(test_a_copy_counts_from_its_last_segment_but_one),
	    unit_test(test_a_copy_whose_page_is_older_than_its_segments),
	    unit_test(test_a_page_with_older_words),
	    unit_test(test_a_page_of_garbage),
	    unit_test(test_indexes_of_garbage_change_no_answer),
	    unit_test(test_an_index_entry_that_points_at_a_forgery),
	    unit_test(test_a_falling_epoch_or_offset_is_no_log_of_ours),
	    unit_test(test_a_lost_time_index_is_not_believed),
	    unit_test(test_a_lost_time_index_beside_an_old_page_is_not_believed),
	    unit_test(test_a_gap_is_believed_where_it_can_be_true),
	    unit_test(test_a_batch_that_reaches_into_the_next_segment),
	    unit_test(test_an_old_message_format_is_named),
	    unit_test(test_a_new_epoch_is_opened_when_readers_may_have_seen_more),
	    unit_test(test_the_epoch_is_never_below_that_of_the_log),
	    unit_test(test_nothing_is_cut_before_the_epoch_is_open),
	    unit_test(test_the_checkpoint_tells_where_the_new_epoch_begins),
	    unit_test(test_what_the_appender_must_know_is_found_again),
	    unit_test(test_a_cut_in_the_same_boot_makes_a_new_inode),
	    unit_test(test_an_unfinished_inode_is_removed),
	    unit_test(test_dying_in_a_recovery_changes_nothing),
	    unit_test(test_dying_in_a_recovery_of_the_same_boot),
	    unit_test(test_a_copy_keeps_its_durable_point),
	    unit_test(test_errors_of_the_disk_in_a_recovery),
	    unit_test(test_a_failed_copy_leaves_nothing_in_lost),
	    unit_test(test_no_memory),
	    unit_test(test_it_waits_for_appenders_and_syncers),
	    unit_test(test_a_dead_appender_is_no_reason_to_rebuild),
	    unit_test(test_who_may_not_write_reads_what_recovery_would_keep),
	};

	return unit_run(tests);
}

#include "log/reader.h"

#include <sys/resource.h>

#include "golden.h"
#include "logfolder.h"
#include "readfault.h"

/*
 * What a test knows of the log: its records as they lie in the files, control batches left out, in order.
 */
struct known {
	int64_t *offsets, *times;
	size_t count, cap;
};

static void
known_free(struct known *k)
{
	free(k->offsets);
	free(k->times);
	*k = (struct known){NULL, NULL, 0, 0};
}

static void
known_add(struct known *k, int64_t offset, int64_t time)
{
	if (k->count == k->cap) {
		k->cap = k->cap * 2 + 64;
		k->offsets = realloc(k->offsets, k->cap * sizeof(*k->offsets));
		k->times = realloc(k->times, k->cap * sizeof(*k->times));
		assert_non_null(k->offsets);
		assert_non_null(k->times);
	}
	k->offsets[k->count] = offset;
	k->times[k->count++] = time;
}

/* All records of the folder's segments. */
static void
known_read(struct known *k, const struct logfolder *f)
{
	struct segment_list list;

	*k = (struct known){NULL, NULL, 0, 0};
	assert_ok(segment_list_read(f->p.dir, &list));
	for (size_t i = 0; i < list.count; i++) {
		size_t len;
		uint8_t *bytes = (uint8_t *)unit_read(segment_path(list.bases[i], SUFFIX_LOG), &len);

		for (size_t at = 0; at < len;) {
			struct batch_header h = header_of(bytes + at);
			struct batch_cursor c;
			struct record r;

			assert_ok(batch_cursor_init(&c, bytes + at, &h));
			while ((h.attributes & BATCH_CONTROL) == 0 && batch_cursor_next(&c, &r) == STATUS_OK)
				known_add(k, r.offset, r.timestamp_ms);
			at += (size_t)batch_bytes(&h);
		}
		free(bytes);
	}
	segment_list_free(&list);
}

/* From `offset` on the reader gives exactly the known records in [offset, end). */
static void
assert_reads(struct reader *reader, const struct known *k, int64_t offset, int64_t end)
{
	struct batch_view view;
	size_t i = 0;
	int rc;

	while (i < k->count && k->offsets[i] < offset)
		i++;
	reader_seek(reader, offset);
	assert_int_equal(reader_position(reader), offset);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK) {
		struct batch_cursor c;
		struct record r;

		assert_int_equal(reader_position(reader), batch_end_offset(&view.header));
		assert_true(view.header.base_offset < end && batch_end_offset(&view.header) > offset);
		assert_ok(batch_cursor_init(&c, view.bytes, &view.header));
		while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK) {
			if (r.offset < offset || r.offset >= end)
				continue;
			assert_true(i < k->count);
			assert_int_equal(r.offset, k->offsets[i]);
			assert_int_equal(r.timestamp_ms, k->times[i]);
			i++;
		}
		assert_status(rc, STATUS_END);
	}
	assert_status(rc, STATUS_END);
	assert_true(reader_position(reader) >= end || offset >= end);
	assert_true(i == k->count || k->offsets[i] >= end);
}

/* What the search for a time must find. */
static int64_t
known_time(const struct known *k, int64_t timestamp_ms, int64_t start, int64_t end)
{
	for (size_t i = 0; i < k->count; i++) {
		if (k->offsets[i] >= start && k->offsets[i] < end && k->times[i] >= timestamp_ms)
			return k->offsets[i];
	}
	return end;
}

static void
assert_finds(struct reader *reader, const struct known *k, int64_t timestamp_ms, int64_t start, int64_t end)
{
	int64_t offset;

	assert_ok(reader_find_time(reader, timestamp_ms, end, &offset));
	assert_int_equal(offset, known_time(k, timestamp_ms, start, end));
}

static void
bounds_of(struct reader *reader, int64_t *start, int64_t *end)
{
	bool damaged = true;

	assert_ok(reader_bounds(reader, start, end, &damaged));
	assert_false(damaged);
}

static void
assert_bounds(struct reader *reader, int64_t want_start, int64_t want_end)
{
	int64_t start, end;

	bounds_of(reader, &start, &end);
	assert_int_equal(start, want_start);
	assert_int_equal(end, want_end);
}

/* Three segments of three batches of ten records: [0, 30), [30, 60), [60, 90), a second from record to record. */
static void
make_log(struct logfolder *f)
{
	logfolder_make(f, true);
	for (int64_t offset = 0; offset < 90; offset += 10)
		put_batch(offset / 30 * 30,
		    &(struct batch_spec){.base_offset = offset, .count = 10, .timestamp_ms = 1000 * offset, .step_ms = 1000});
}

static void
make_published_log(struct logfolder *f)
{
	make_log(f);
	publish_all(f);
}

static struct reader *
reader_of(const struct logfolder *f)
{
	struct reader *reader;

	assert_ok(reader_open(&f->p, &reader));
	return reader;
}

static void
remove_folder(struct logfolder *f)
{
	logfolder_close(f);
	assert_int_equal(nftw("orders", unit_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/*
 * Reading.
 */

static void
test_an_empty_partition_has_nothing(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t offset;

	(void)state;
	logfolder_make(&f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	reader = reader_of(&f);
	assert_bounds(reader, 0, 0);
	reader_seek(reader, 0);
	assert_status(reader_next(reader, 0, &view), STATUS_END);
	for (int segments = 1; segments >= 0; segments--) {
		offset = 42;
		assert_ok(reader_find_time(reader, 0, 0, &offset));
		assert_int_equal(offset, 0);
		(void)unlink(segment_path(0, SUFFIX_LOG));
	}
	reader_park(reader);
	reader_close(reader);
	reader_close(NULL);
	logfolder_close(&f);
}

static void
test_every_range_is_read_from_every_offset(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	assert_bounds(reader, 0, 90);
	for (int64_t from = 0; from <= 90; from++) {
		for (int64_t end = from; end <= 90; end++)
			assert_reads(reader, &k, from, end);
	}
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_position_stays_where_it_was_left(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	reader_seek(reader, 25);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 20);
	assert_int_equal(reader_position(reader), 30);
	reader_seek(reader, 30); /* no seek at all */
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 30);
	reader_park(reader);
	assert_int_equal(reader_position(reader), 40);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 40);
	/* An end in the middle of a batch: it comes whole, and the next call has nothing. */
	assert_ok(reader_next(reader, 51, &view));
	assert_int_equal(reader_position(reader), 60);
	assert_status(reader_next(reader, 51, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 60);
	reader_close(reader);
	logfolder_close(&f);
}

static int
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void
test_a_parked_reader_holds_no_descriptor(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int before;

	(void)state;
	make_published_log(&f);
	before = count_descriptors();
	reader = reader_of(&f);
	for (int64_t offset = 0; offset < 90; offset += 10) {
		reader_seek(reader, offset);
		assert_ok(reader_next(reader, 90, &view));
		assert_int_equal(count_descriptors(), before + 1);
		reader_park(reader);
		assert_int_equal(count_descriptors(), before);
	}
	assert_ok(reader_next(reader, 90, &view) == STATUS_END ? STATUS_OK : STATUS_IO);
	reader_close(reader);
	assert_int_equal(count_descriptors(), before);
	logfolder_close(&f);
}

/*
 * Which end.
 */

static void
test_with_fsync_always_only_what_is_synced_is_seen(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct head_end end;

	(void)state;
	make_log(&f);
	walk_segment(&f, 60, -1, &end);
	assert_ok(head_publish(f.p.head, 0, &end));
	reader = reader_of(&f);
	assert_bounds(reader, 0, 0);
	assert_ok(head_raise_synced_end(f.p.head, 0, 40));
	assert_bounds(reader, 0, 40);
	assert_ok(head_set_synced_only(f.p.head, false));
	assert_bounds(reader, 0, 90);
	assert_ok(head_set_synced_only(f.p.head, true));
	assert_ok(head_raise_synced_end(f.p.head, 0, 90));
	assert_bounds(reader, 0, 90);
	reader_close(reader);
	logfolder_close(&f);
}

/* A valid batch behind the published end is what an appender writes at this moment, or a dead one left. */
static void
test_nothing_behind_the_published_end_is_read(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	put_batch(60, &(struct batch_spec){.base_offset = 90, .count = 10});
	append_bytes(segment_path(60, SUFFIX_LOG), "half a batch", 12);
	assert_bounds(reader, 0, 90);
	assert_reads(reader, &k, 0, 90);
	/* Whatever end is asked for. */
	reader_seek(reader, 85);
	assert_ok(reader_next(reader, 1000, &view));
	assert_status(reader_next(reader, 1000, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 90);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_reader_follows_the_end_through_appends_and_rolls(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	logfolder_make(&f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	reader = reader_of(&f);
	for (int64_t offset = 0; offset < 200; offset += 10) {
		put_batch(offset / 40 * 40, &(struct batch_spec){.base_offset = offset, .count = 10});
		publish_all(&f);
		assert_bounds(reader, 0, offset + 10);
		assert_ok(reader_next(reader, offset + 10, &view));
		assert_int_equal(view.header.base_offset, offset);
		assert_status(reader_next(reader, offset + 10, &view), STATUS_END);
	}
	reader_close(reader);
	logfolder_close(&f);
}

/* It stood at the end of a segment that was the active one; meanwhile several were rolled. */
static void
test_a_reader_that_fell_behind_several_rolls_misses_nothing(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct known k;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 10});
	publish_all(&f);
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 10, &view));
	put_batch(0, &(struct batch_spec){.base_offset = 10, .count = 10});
	put_batch(20, &(struct batch_spec){.base_offset = 20, .count = 10});
	put_batch(30, &(struct batch_spec){.base_offset = 30, .count = 10});
	publish_all(&f);
	known_read(&k, &f);
	for (int64_t offset = 10; offset < 40; offset += 10) {
		assert_ok(reader_next(reader, 40, &view));
		assert_int_equal(view.header.base_offset, offset);
	}
	assert_reads(reader, &k, 0, 40);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * The log start.
 */

static void
test_a_log_may_begin_in_the_middle_of_a_batch(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	for (int64_t start = 0; start < 90; start++) {
		assert_ok(head_raise_log_start(f.p.head, 0, start));
		assert_bounds(reader, start, 90);
		assert_reads(reader, &k, start, 90);
		assert_finds(reader, &k, 0, start, 90);
		assert_finds(reader, &k, 1000 * start + 1, start, 90);
		assert_finds(reader, &k, 89000, start, 90);
		if (start > 0) {
			reader_seek(reader, start - 1);
			assert_status(reader_next(reader, 90, &view), STATUS_MISSING);
			assert_int_equal(reader_position(reader), start - 1);
		}
	}
	/* All of it is trimmed. */
	assert_ok(head_raise_log_start(f.p.head, 0, 90));
	assert_bounds(reader, 90, 90);
	reader_seek(reader, 90);
	assert_status(reader_next(reader, 90, &view), STATUS_END);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_trim_beyond_what_is_synced_shows_an_empty_log(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct head_end end;

	(void)state;
	make_log(&f);
	walk_segment(&f, 60, -1, &end);
	assert_ok(head_publish(f.p.head, 0, &end));
	assert_ok(head_raise_synced_end(f.p.head, 0, 30));
	assert_ok(head_raise_log_start(f.p.head, 0, 50));
	reader = reader_of(&f);
	assert_bounds(reader, 50, 50);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_an_open_reader_goes_on_through_an_unlinked_segment(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 90, &view));
	assert_ok(head_raise_log_start(f.p.head, 0, 30));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	for (int64_t offset = 10; offset < 90; offset += 10) {
		assert_ok(reader_next(reader, 90, &view));
		assert_int_equal(view.header.base_offset, offset);
	}
	assert_status(reader_next(reader, 90, &view), STATUS_END);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_reader_learns_that_its_place_was_removed(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	reader_seek(reader, 15);
	assert_ok(reader_next(reader, 90, &view));
	reader_park(reader);
	assert_ok(head_raise_log_start(f.p.head, 0, 60));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_int_equal(unlink(segment_path(30, SUFFIX_LOG)), 0);
	assert_status(reader_next(reader, 90, &view), STATUS_MISSING);
	assert_string_equal(status_message(), "offset 20 was removed");
	assert_bounds(reader, 60, 90);
	reader_seek(reader, 60);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 60);
	reader_close(reader);
	logfolder_close(&f);
}

/* No trim, and yet no file: the reader must not begin somewhere else and say nothing. */
static void
test_a_lost_first_segment_is_damage_and_no_retention(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t offset;

	(void)state;
	make_published_log(&f);
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	reader = reader_of(&f);
	assert_status(reader_next(reader, 90, &view), STATUS_IO);
	assert_string_equal(status_message(), "offset 0: lost, the first segment begins at 30");
	assert_status(reader_find_time(reader, 0, 90, &offset), STATUS_IO);
	reader_seek(reader, 30);
	assert_ok(reader_next(reader, 90, &view));
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_folder_that_lost_all_segments_is_damage(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t offset, start, end;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	bounds_of(reader, &start, &end);
	for (int64_t base = 0; base < 90; base += 30)
		assert_int_equal(unlink(segment_path(base, SUFFIX_LOG)), 0);
	assert_status(reader_next(reader, end, &view), STATUS_IO);
	assert_string_equal(status_message(), "no segment is there");
	assert_status(reader_find_time(reader, 0, end, &offset), STATUS_IO);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Gaps, control batches, files of others.
 */

static void
test_gaps_of_compaction_are_passed_over(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct known k;

	(void)state;
	logfolder_make(&f, true);
	logfolder_allow_gaps(&f);
	/* Gaps at the beginning, in the middle and at the end of a segment; an empty segment; one that has no record below its middle. */
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 5, .timestamp_ms = 10});
	put_batch(0, &(struct batch_spec){.base_offset = 20, .count = 5, .timestamp_ms = 20});
	unit_write(segment_path(50, SUFFIX_LOG), "", 0);
	put_batch(70, &(struct batch_spec){.base_offset = 90, .count = 2, .timestamp_ms = 30});
	put_batch(100, &(struct batch_spec){.base_offset = 100, .count = 10, .timestamp_ms = 40});
	publish_all(&f);
	known_read(&k, &f);
	assert_int_equal(k.count, 22);
	reader = reader_of(&f);
	for (int64_t from = 0; from <= 110; from++) {
		for (int64_t end = from; end <= 110; end++)
			assert_reads(reader, &k, from, end);
	}
	for (int64_t time = 0; time < 45; time++)
		assert_finds(reader, &k, time, 0, 110);
	/* An end within a gap: the position is the end, and the batch behind the gap comes when the end moves. */
	reader_seek(reader, 26);
	assert_status(reader_next(reader, 60, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 60);
	assert_status(reader_next(reader, 90, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 90);
	assert_ok(reader_next(reader, 91, &view));
	assert_int_equal(view.header.base_offset, 90);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/* Read from `from` to the end: the records that come before the fault, which names the offset. */
static void
assert_gap_at(struct logfolder *f, int64_t from, int64_t records, int64_t gap)
{
	struct reader *reader = reader_of(f);
	struct batch_view view;
	char want[64];
	int64_t start, end, got = 0;
	int rc;

	bounds_of(reader, &start, &end);
	reader_seek(reader, from);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK)
		got += view.header.record_count;
	assert_status(rc, STATUS_IO);
	assert_int_equal(got, records);
	snprintf(want, sizeof(want), "%lld", (long long)gap);
	if (strstr(status_message(), want) == NULL)
		fail_msg("no %s in: %s", want, status_message());
	reader_close(reader);
}

static void
test_a_gap_is_damage_where_nothing_was_compacted(void **state)
{
	struct logfolder f;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.base_offset = 0, .count = 5, .timestamp_ms = 10});
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 5, .timestamp_ms = 20});
	put_batch(10, &(struct batch_spec){.base_offset = 10, .count = 10, .timestamp_ms = 30});
	put_batch(20, &(struct batch_spec){.base_offset = 20, .count = 10, .timestamp_ms = 40});
	put_batch(20, &(struct batch_spec){.base_offset = 31, .count = 9, .timestamp_ms = 40});
	publish_all(&f);
	/* Within a segment. */
	assert_gap_at(&f, 0, 30, 30);
	assert_gap_at(&f, 25, 10, 30);
	/* A segment that is gone. */
	assert_int_equal(unlink(segment_path(10, SUFFIX_LOG)), 0);
	assert_gap_at(&f, 0, 10, 20);
	assert_gap_at(&f, 7, 5, 20);
	logfolder_close(&f);
}

static void
test_empty_batches_are_given_and_take_their_offsets(void **state)
{
	struct batch_builder b;
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	logfolder_make(&f, true);
	make_batch(&b, &(struct batch_spec){.count = 10, .has_producer = true, .producer_id = 4});
	empty_the_batch(&b);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	put_batch(0, &(struct batch_spec){.base_offset = 10, .count = 1});
	publish_all(&f);
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 11, &view));
	assert_int_equal(view.header.record_count, 0);
	assert_int_equal(reader_position(reader), 10);
	assert_ok(reader_next(reader, 11, &view));
	assert_int_equal(view.header.record_count, 1);
	reader_close(reader);
	logfolder_close(&f);
}

static void
put_marker(int64_t segment_base, int64_t offset, int64_t timestamp_ms)
{
	struct batch_builder b;

	make_marker(&b, &(struct batch_spec){.base_offset = offset, .timestamp_ms = timestamp_ms, .producer_id = 9}, 1, 0);
	append_bytes(segment_path(segment_base, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
}

static void
test_control_batches_are_skipped_and_positions_pass_them(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct known k;

	(void)state;
	logfolder_make(&f, true);
	put_marker(0, 0, 99999);
	put_batch(0,
	    &(struct batch_spec){.base_offset = 1,
		.count = 2,
		.timestamp_ms = 5,
		.attributes = BATCH_TRANSACTIONAL,
		.has_producer = true});
	put_marker(0, 3, 99999);
	put_marker(4, 4, 99999);
	put_marker(4, 5, 99999);
	put_batch(4, &(struct batch_spec){.base_offset = 6, .count = 1, .timestamp_ms = 7});
	put_marker(4, 7, 99999);
	publish_all(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	reader_read_uncommitted(reader, true);
	for (int64_t from = 0; from <= 8; from++) {
		for (int64_t end = from; end <= 8; end++)
			assert_reads(reader, &k, from, end);
	}
	reader_seek(reader, 7);
	assert_status(reader_next(reader, 8, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 8);
	/* A marker's time is nobody's. */
	assert_finds(reader, &k, 6, 0, 8);
	assert_finds(reader, &k, 8, 0, 8);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_what_a_broker_leaves_beside_the_segments_is_ignored(void **state)
{
	static const char *const suffixes[] = {".log.deleted", ".log.cleaned", ".log.swap", ".index.swap", ".log.cut",
	    ".snapshot.deleted", ".txnindex"};
	struct logfolder f;
	struct reader *reader;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		for (int64_t base = 0; base < 90; base += 15)
			unit_write(segment_path(base, suffixes[i]), "garbage", 7);
	}
	reader = reader_of(&f);
	assert_reads(reader, &k, 0, 90);
	for (int64_t time = 0; time < 91000; time += 500)
		assert_finds(reader, &k, time, 0, 90);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Damage.
 */

static void
overwrite(const char *path, int64_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void
test_damage_is_named_and_what_lies_before_it_is_read(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;
	char want[128];

	(void)state;
	make_published_log(&f);
	walk_segment(&f, 30, -1, &end);
	overwrite(segment_path(30, SUFFIX_LOG), end.last_position + 70, "X", 1);
	reader = reader_of(&f);
	reader_seek(reader, 35);
	assert_ok(reader_next(reader, 90, &view));
	assert_ok(reader_next(reader, 90, &view));
	for (int i = 0; i < 2; i++) {
		assert_status(reader_next(reader, 90, &view), STATUS_IO);
		snprintf(want, sizeof(want), "offset 50: 00000000000000000030.log at %lld: CRC is ", (long long)end.last_position);
		assert_memory_equal(status_message(), want, strlen(want));
		assert_int_equal(reader_position(reader), 50);
	}
	/* Behind it all is well. */
	reader_seek(reader, 60);
	assert_ok(reader_next(reader, 90, &view));
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_messages_of_an_old_format_are_refused_by_name(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_published_log(&f);
	overwrite(segment_path(0, SUFFIX_LOG), BATCH_MAGIC_AT, "\x01", 1);
	reader = reader_of(&f);
	assert_status(reader_next(reader, 90, &view), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "magic 1"));
	reader_close(reader);
	logfolder_close(&f);
}

/* The page says that the active segment goes further than its batches do. */
static void
test_an_active_segment_that_ends_too_early_is_damage(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;

	(void)state;
	make_log(&f);
	walk_segment(&f, 60, -1, &end);
	assert_ok(head_publish(f.p.head, 0, &end));
	assert_ok(head_raise_synced_end(f.p.head, 0, 90));
	reader = reader_of(&f);
	assert_bounds(reader, 0, 90);
	/* The last batch is changed into one that ends earlier, after the page was verified. */
	assert_int_equal(truncate(segment_path(60, SUFFIX_LOG), end.last_position), 0);
	reader_seek(reader, 75);
	assert_ok(reader_next(reader, 90, &view));
	assert_status(reader_next(reader, 90, &view), STATUS_IO);
	assert_int_equal(reader_position(reader), 80);
	reader_close(reader);
	logfolder_close(&f);
}

/* Write another base offset over that of the segment's last batch: no CRC covers it. */
static void
move_last_batch(const struct logfolder *f, int64_t base, int64_t offset)
{
	struct head_end end;
	uint8_t bytes[8];

	walk_segment(f, base, -1, &end);
	be64enc(bytes, (uint64_t)offset);
	overwrite(segment_path(base, SUFFIX_LOG), end.last_position, bytes, sizeof(bytes));
}

/* The page's last batch was verified, and then an offset changed on the disk. */
static void
test_a_batch_that_claims_other_offsets_is_damage(void **state)
{
	static const struct {
		int64_t base, offset, from;
		const char *message;
	} cases[] = {
	    {60, 0, 75, "offset 80: 00000000000000000060.log at "},
	    {60, 79, 75, "offset 80: 00000000000000000060.log at "},
	    {60, 81, 75, "offset 80: 00000000000000000060.log: a batch that ends with offset 90 in a log that ends at 90"},
	    {60, INT64_C(1) << 40, 75, "offset 80: 00000000000000000060.log: a batch that ends with offset 1099511627785"},
	    {30, 51, 45, "00000000000000000030.log: ends with offset 60, but the next segment begins at 60"},
	    {30, 75, 45, "00000000000000000030.log: ends with offset 84, but the next segment begins at 60"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct logfolder f;
		struct reader *reader;
		struct batch_view view;
		int rc;

		make_published_log(&f);
		logfolder_allow_gaps(&f);
		reader = reader_of(&f);
		assert_bounds(reader, 0, 90);
		move_last_batch(&f, cases[i].base, cases[i].offset);
		reader_seek(reader, cases[i].from);
		while ((rc = reader_next(reader, 90, &view)) == STATUS_OK)
			continue;
		assert_status(rc, STATUS_IO);
		if (strncmp(status_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("case %zu: %s", i, status_message());
		assert_status(reader_next(reader, 90, &view), STATUS_IO);
		reader_close(reader);
		remove_folder(&f);
	}
}

/* The last batch of the active segment came to lie before the position, and the index leads right to it: that is no gap. */
static void
test_an_active_segment_that_does_not_reach_the_position_is_damage(void **state)
{
	uint8_t entry[INDEX_ENTRY_BYTES];
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;

	(void)state;
	make_published_log(&f);
	walk_segment(&f, 60, -1, &end);
	be32enc(entry, 74 - 60);
	be32enc(entry + 4, (uint32_t)end.last_position);
	unit_write(segment_path(60, SUFFIX_INDEX), entry, sizeof(entry));
	reader = reader_of(&f);
	assert_bounds(reader, 0, 90);
	move_last_batch(&f, 60, 65);
	for (int later = 0; later < 2; later++) {
		reader_seek(reader, 85);
		assert_status(reader_next(reader, 90, &view), STATUS_IO);
		assert_string_equal(status_message(), "00000000000000000060.log: ends before offset 85");
		assert_int_equal(reader_position(reader), 85);
		/* Nor if somebody has left a segment behind it. */
		put_batch(95, &(struct batch_spec){.base_offset = 95, .count = 1});
	}
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_batch_whose_records_lie_stops_the_search_for_a_time(void **state)
{
	struct batch_builder b;
	struct logfolder f;
	struct reader *reader;
	int64_t offset;

	(void)state;
	logfolder_make(&f, true);
	make_batch(&b, &(struct batch_spec){.count = 3, .timestamp_ms = 1, .step_ms = 1});
	b.bytes.data[BATCH_HEADER_BYTES] = 0; /* the first record has no bytes */
	batch_fix_crc(b.bytes.data);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	publish_all(&f);
	reader = reader_of(&f);
	assert_status(reader_find_time(reader, 0, 3, &offset), STATUS_IO);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_codec_that_lies_is_damage(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t offset;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3, .timestamp_ms = 10, .attributes = CODEC_LZ4});
	publish_all(&f);
	reader = reader_of(&f);
	assert_status(reader_next(reader, 3, &view), STATUS_IO);
	assert_non_null(strstr(status_message(), "lz4"));
	assert_status(reader_find_time(reader, 5, 3, &offset), STATUS_IO);
	/* Its header is enough to say that it is older. */
	assert_ok(reader_find_time(reader, 11, 3, &offset));
	assert_int_equal(offset, 3);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * The log is rebuilt while it is read.
 */

static void
test_a_page_in_rebuild_asks_for_recovery(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;
	int64_t start, stop, offset;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 90, &view));
	assert_ok(head_rebuild_begin(f.p.head, 0));
	/* Even the batches that it has read already are not given. */
	assert_status(reader_next(reader, 90, &view), STATUS_RECOVER);
	assert_status(reader_bounds(reader, &start, &stop, NULL), STATUS_RECOVER);
	assert_status(reader_find_time(reader, 0, 90, &offset), STATUS_RECOVER);
	walk_segment(&f, 60, -1, &end);
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 90, HEAD_SOUND));
	reader_seek(reader, 10);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 10);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_after_a_rebuild_the_new_bytes_are_read(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 10, .timestamp_ms = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 10, .count = 10, .timestamp_ms = 1});
	publish_all(&f);
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 20, &view)); /* has both in its window */
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0); /* a new inode */
	put_batch(0, &(struct batch_spec){.count = 10, .timestamp_ms = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 10, .count = 10, .timestamp_ms = 2, .leader_epoch = 1});
	walk_segment(&f, 0, -1, &end);
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 20, HEAD_SOUND));
	assert_ok(reader_next(reader, 20, &view));
	assert_int_equal(view.header.base_offset, 10);
	assert_int_equal(view.header.base_timestamp_ms, 2);
	assert_int_equal(view.header.leader_epoch, 1);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_log_cut_below_the_reader_has_nothing_for_it(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	reader_seek(reader, 85);
	assert_ok(reader_next(reader, 90, &view));
	reader_seek(reader, 80);
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_int_equal(truncate(segment_path(60, SUFFIX_LOG), 0), 0);
	walk_segment(&f, 60, -1, &end);
	assert_ok(head_set_synced_end(f.p.head, 0, 60));
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 60, HEAD_SOUND));
	/* The end is still that of before. */
	assert_status(reader_next(reader, 90, &view), STATUS_END);
	assert_int_equal(reader_position(reader), 80);
	assert_bounds(reader, 0, 60);
	reader_seek(reader, 55);
	assert_ok(reader_next(reader, 60, &view));
	assert_status(reader_next(reader, 60, &view), STATUS_END);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_page_whose_last_batch_is_not_there_asks_for_recovery(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;
	int64_t start, stop;

	(void)state;
	make_published_log(&f);
	walk_segment(&f, 60, -1, &end);
	overwrite(segment_path(60, SUFFIX_LOG), end.last_position + 65, "XX", 2);
	reader = reader_of(&f);
	assert_status(reader_bounds(reader, &start, &stop, NULL), STATUS_RECOVER);
	assert_status(reader_next(reader, 90, &view), STATUS_RECOVER);
	assert_int_equal(unlink(segment_path(60, SUFFIX_LOG)), 0);
	assert_status(reader_bounds(reader, &start, &stop, NULL), STATUS_RECOVER);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_damage_that_recovery_found_is_told_with_the_bounds(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct head_end end;
	int64_t start, stop;
	bool damaged = false;

	(void)state;
	make_log(&f);
	overwrite(segment_path(60, SUFFIX_LOG), 70, "XX", 2);
	walk_segment(&f, 30, -1, &end);
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 90, HEAD_DAMAGED));
	reader = reader_of(&f);
	assert_ok(reader_bounds(reader, &start, &stop, &damaged));
	assert_true(damaged);
	assert_int_equal(stop, 60);
	reader_seek(reader, 50);
	assert_ok(reader_next(reader, stop, &view));
	assert_status(reader_next(reader, stop, &view), STATUS_END);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Who may not write.
 */

/* The topic's page becomes that of a copy: another inode. */
static void
copy_heads(struct logfolder *f)
{
	size_t len;
	char *bytes = unit_read("orders/heads", &len);

	logfolder_close(f);
	assert_int_equal(rename("orders/heads", "orders/heads.old"), 0);
	unit_write("orders/heads", bytes, len);
	free(bytes);
	logfolder_open(f);
}

static void
become_a_stranger(struct logfolder *f)
{
	lock_close(f->p.lock);
	f->p.lock = NULL;
}

static void
test_a_reader_who_may_not_recover_reads_what_recovery_would_keep(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	put_batch(60, &(struct batch_spec){.base_offset = 90, .count = 5, .timestamp_ms = 90000, .step_ms = 1000});
	append_bytes(segment_path(60, SUFFIX_LOG), "a torn tail", 11);
	copy_heads(&f);
	become_a_stranger(&f);
	for (int64_t offset = 90; offset < 95; offset++)
		known_add(&k, offset, 1000 * offset);
	reader = reader_of(&f);
	assert_bounds(reader, 0, 95);
	assert_reads(reader, &k, 0, 95);
	assert_reads(reader, &k, 47, 95);
	assert_finds(reader, &k, 91500, 0, 95);
	/* Nothing was cut. */
	assert_int_equal(access("orders/lost", F_OK), -1);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_private_reader_sees_damage_too(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t start, end;
	bool damaged = false;

	(void)state;
	make_published_log(&f);
	copy_heads(&f);
	become_a_stranger(&f);
	/* In the last segment but one everything was synced. */
	overwrite(segment_path(30, SUFFIX_LOG), 70, "XX", 2);
	assert_int_equal(truncate(segment_path(60, SUFFIX_LOG), 0), 0);
	assert_int_equal(unlink(segment_path(60, SUFFIX_LOG)), 0);
	put_batch(60, &(struct batch_spec){.base_offset = 60, .count = 1});
	reader = reader_of(&f);
	assert_ok(reader_bounds(reader, &start, &end, &damaged));
	assert_int_equal(end, 30);
	reader_seek(reader, 29);
	assert_ok(reader_next(reader, end, &view));
	assert_status(reader_next(reader, end, &view), STATUS_END);
	reader_close(reader);
	logfolder_close(&f);
}

static int
no_epoch(void *arg, int32_t above)
{
	(void)arg;
	(void)above;
	return STATUS_OK;
}

static void
test_a_private_reader_turns_to_the_page_when_somebody_has_recovered(void **state)
{
	struct logfolder f, other;
	struct reader *reader;
	struct batch_view view;
	struct recovery found;

	(void)state;
	make_published_log(&f);
	append_bytes(segment_path(60, SUFFIX_LOG), "a torn tail", 11);
	copy_heads(&f);
	become_a_stranger(&f);
	reader = reader_of(&f);
	assert_bounds(reader, 0, 90);
	reader_seek(reader, 65);
	assert_ok(reader_next(reader, 90, &view));
	logfolder_open(&other);
	assert_ok(head_adopt(other.p.head));
	assert_ok(recover_partition(&other.p, no_epoch, NULL, DEADLINE_NEVER, &found));
	assert_true(found.done);
	put_batch(60, &(struct batch_spec){.base_offset = 90, .count = 10});
	publish_all(&other);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 70);
	assert_bounds(reader, 0, 100);
	reader_seek(reader, 90);
	assert_ok(reader_next(reader, 100, &view));
	assert_int_equal(view.header.base_offset, 90);
	reader_close(reader);
	logfolder_close(&other);
	logfolder_close(&f);
}

/*
 * Indexes are hints.
 */

/* Each way an index may be bad. `kind` from 0 on; false: there are no more. */
static bool
spoil_index(int64_t base, const char *suffix, int kind, unsigned *seed)
{
	static const uint8_t zeros[4096];
	char path[128];
	uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof(path), "%s", segment_path(base, suffix));
	if (access(path, F_OK) != 0)
		unit_write(path, zeros, 24);
	bytes = (uint8_t *)unit_read(path, &len);
	switch (kind) {
	case 0: /* none */
		assert_int_equal(unlink(path), 0);
		break;
	case 1: /* empty */
		unit_write(path, "", 0);
		break;
	case 2: /* torn */
		unit_write(path, bytes, len - (len > 5 ? 5 : len));
		break;
	case 3: /* allocated ahead */
		append_bytes(path, zeros, sizeof(zeros));
		break;
	case 4: /* nothing but zeros */
		unit_write(path, zeros, sizeof(zeros));
		break;
	case 5: /* noise */
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rand_r(seed);
		unit_write(path, bytes, len);
		break;
	case 6: /* a few bits */
		for (int i = 0; i < 8 && len > 0; i++)
			bytes[(size_t)rand_r(seed) % len] ^= (uint8_t)(1 << rand_r(seed) % 8);
		unit_write(path, bytes, len);
		break;
	case 7: /* each entry is the one before it in the file: false pairs in a good order */
		if (len > 24)
			memmove(bytes + len - len / 24 * 24 / 2, bytes, len / 24 * 24 / 2);
		unit_write(path, bytes, len);
		break;
	default:
		free(bytes);
		return false;
	}
	free(bytes);
	return true;
}

static void
copy_golden(struct logfolder *f, const char *folder)
{
	logfolder_make(f, true);
	golden_copy(folder, "orders/orders-0");
	if (strcmp(folder, "trimmed-0") == 0)
		assert_ok(head_raise_log_start(f->p.head, 0, 4000));
	publish_all(f);
}

static void
test_no_bad_index_changes_an_answer(void **state)
{
	static const char *const folders[] = {"segs-0", "edge-0", "trimmed-0", "codec-none-0", "live/plain-0"};
	unsigned seed = 99;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		for (int kind = 0;; kind++) {
			struct segment_list list;
			struct logfolder f;
			struct reader *reader;
			struct known k;
			int64_t start, end;
			bool spoiled = true;

			copy_golden(&f, folders[i]);
			known_read(&k, &f);
			assert_ok(segment_list_read(f.p.dir, &list));
			for (size_t s = 0; s < list.count && spoiled; s++)
				spoiled = spoil_index(list.bases[s], SUFFIX_INDEX, kind, &seed) &&
				    spoil_index(list.bases[s], SUFFIX_TIMEINDEX, kind, &seed);
			segment_list_free(&list);
			reader = reader_of(&f);
			bounds_of(reader, &start, &end);
			for (int turn = 0; turn < 12 && spoiled; turn++) {
				int64_t from = start + rand_r(&seed) % (end - start), to = from + rand_r(&seed) % 200;

				assert_reads(reader, &k, from, to < end ? to : end);
				assert_finds(reader, &k, k.times[(size_t)rand_r(&seed) % k.count] + rand_r(&seed) % 3 - 1, start,
				    end);
			}
			reader_close(reader);
			known_free(&k);
			remove_folder(&f);
			if (!spoiled)
				break;
		}
	}
}

/* A time entry that is right about a batch, if only the batch were the one it names. */
static void
test_a_time_entry_must_agree_with_its_batch(void **state)
{
	static const struct {
		int64_t timestamp_ms;
		int32_t offset;
	} lies[] = {{4000, 19}, {9000, 18}, {19000, 29}, {29000, 20}, {19001, 19}, {18999, 19}, {0, 29}, {-5, 29},
	    {5000, INT32_MAX}, {5000, INT32_MIN}, {5000, -1}};
	struct logfolder f;
	struct reader *reader;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		uint8_t entry[TIMEINDEX_ENTRY_BYTES];

		be64enc(entry, (uint64_t)lies[i].timestamp_ms);
		be32enc(entry + 8, (uint32_t)lies[i].offset);
		unit_write(segment_path(0, SUFFIX_TIMEINDEX), entry, sizeof(entry));
		for (int64_t time = -1; time < 31000; time += 500)
			assert_finds(reader, &k, time, 0, 90);
	}
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/* A true time entry, and an index that leads anywhere from there; times go up and down, so that who believed it would pass a later one. */
static void
test_a_search_for_a_time_is_not_led_astray_by_the_index(void **state)
{
	static const int64_t times[] = {1000, 2000, 9000, 1500, 1600};
	uint8_t entry[TIMEINDEX_ENTRY_BYTES];
	struct logfolder f;
	struct reader *reader;
	struct known k;
	int64_t size;

	(void)state;
	logfolder_make(&f, true);
	for (int i = 0; i < (int)COUNT_OF(times); i++)
		put_batch(0, &(struct batch_spec){.base_offset = 4 * i, .count = 4, .timestamp_ms = times[i]});
	publish_all(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	be64enc(entry, 1000);
	be32enc(entry + 8, 3);
	unit_write(segment_path(0, SUFFIX_TIMEINDEX), entry, sizeof(entry));
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	for (int64_t position = -2; position <= size + 2; position++) {
		be32enc(entry, 3);
		be32enc(entry + 4, (uint32_t)position);
		unit_write(segment_path(0, SUFFIX_INDEX), entry, INDEX_ENTRY_BYTES);
		for (int64_t time = 900; time <= 2100; time += 100)
			assert_finds(reader, &k, time, 0, 20);
	}
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Times.
 */

/* Segments that are older as a whole are passed by their headers, with indexes and without: damage in them is no matter. */
static void
test_a_search_for_a_time_reads_no_older_batch(void **state)
{
	struct logfolder f;
	struct head_end end;
	int64_t offset;

	(void)state;
	make_published_log(&f);
	for (int64_t base = 0; base < 60; base += 30) {
		int fd = open(segment_path(base, SUFFIX_LOG), O_WRONLY | O_CLOEXEC);

		walk_segment(&f, base, base == 0 ? 0 : -1, &end);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, "garbage", 7, size_of_file(segment_path(base, SUFFIX_LOG)) - 7), 7);
		close(fd);
	}
	for (int64_t time = 60000; time < 90000; time += 500) {
		struct reader *reader = reader_of(&f);

		assert_ok(reader_find_time(reader, time, 90, &offset));
		assert_int_equal(offset, (time + 999) / 1000);
		reader_close(reader);
	}
	/* What is read is checked. */
	for (int64_t time = 50000; time < 59000; time += 500) {
		struct reader *reader = reader_of(&f);

		assert_status(reader_find_time(reader, time, 90, &offset), STATUS_IO);
		reader_close(reader);
	}
	logfolder_close(&f);
}

static void
test_a_time_between_two_records_finds_the_later(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct head_end end;
	struct known k;

	(void)state;
	make_published_log(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	for (int indexed = 0; indexed < 2; indexed++) {
		for (int64_t time = -1000; time <= 91000; time += 250)
			assert_finds(reader, &k, time, 0, 90);
		assert_finds(reader, &k, INT64_MIN, 0, 90);
		assert_finds(reader, &k, INT64_MAX, 0, 90);
		/* Only up to an end. */
		for (int64_t stop = 0; stop <= 90; stop++)
			assert_finds(reader, &k, 45000, 0, stop);
		for (int64_t base = 0; base < 90 && indexed == 0; base += 30)
			walk_segment(&f, base, 0, &end);
	}
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_times_out_of_order_find_the_first_record_that_is_not_older(void **state)
{
	/* The greatest time of the first segment is above all of the second's; within each they go up and down. */
	static const int64_t times[] = {500, 100, 900, 300, 200, 800, 50, 60, 850, 700, 10, 1000};
	struct logfolder f;
	struct reader *reader;
	struct head_end end;
	struct known k;

	(void)state;
	logfolder_make(&f, true);
	for (int i = 0; i < (int)COUNT_OF(times); i++)
		put_batch(i / 6 * 24,
		    &(struct batch_spec){.base_offset = 4 * i,
			.count = 4,
			.timestamp_ms = times[i],
			.step_ms = i % 2 == 0 ? -7 : 3});
	publish_all(&f);
	known_read(&k, &f);
	reader = reader_of(&f);
	for (int indexed = 0; indexed < 2; indexed++) {
		for (int64_t time = -30; time < 1020; time++)
			assert_finds(reader, &k, time, 0, 48);
		walk_segment(&f, 0, 0, &end);
		walk_segment(&f, 24, 0, &end);
	}
	assert_ok(head_raise_log_start(f.p.head, 0, 30));
	for (int64_t time = -30; time < 1020; time++)
		assert_finds(reader, &k, time, 30, 48);
	known_free(&k);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Kafka's own folders.
 */

/* The reader gives what Kafka's consumer reads with this isolation level. */
static void
compare_level(const struct logfolder *f, const char *folder, bool uncommitted)
{
	json_t *expected = golden_expected(folder, uncommitted);
	struct reader *reader = reader_of(f);
	struct batch_view view;
	int64_t start, end;
	size_t i = 0;
	int rc;

	reader_read_uncommitted(reader, uncommitted);
	bounds_of(reader, &start, &end);
	reader_seek(reader, start);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK) {
		struct batch_cursor c;
		struct record r;

		assert_ok(batch_cursor_init(&c, view.bytes, &view.header));
		while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK) {
			if (r.offset >= start)
				golden_assert_record(json_array_get(expected, i++), &r);
		}
		assert_status(rc, STATUS_END);
	}
	assert_status(rc, STATUS_END);
	assert_int_equal(i, json_array_size(expected));
	json_decref(expected);
	reader_close(reader);
}

static void
compare_folder(const struct logfolder *f, const char *folder)
{
	compare_level(f, folder, false);
	compare_level(f, folder, true);
}

static void
test_every_folder_of_kafka_is_read_as_kafkas_consumer_reads_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		struct logfolder f;

		copy_golden(&f, golden_folders[i]);
		logfolder_allow_gaps(&f);
		compare_folder(&f, golden_folders[i]);
		remove_folder(&f);
	}
}

/* Compressed by Kafka's own producers, records over 64 KiB among them. */
static void
test_every_codec_of_kafka_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_compressed); i++) {
		struct logfolder f;

		copy_golden(&f, golden_compressed[i]);
		compare_folder(&f, golden_compressed[i]);
		remove_folder(&f);
	}
}

static void
test_every_folder_of_kafka_is_read_after_recovery(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		struct logfolder f;
		struct recovery found;

		logfolder_make(&f, true);
		logfolder_allow_gaps(&f);
		golden_copy(golden_folders[i], "orders/orders-0");
		if (strcmp(golden_folders[i], "trimmed-0") == 0)
			assert_ok(head_raise_log_start(f.p.head, 0, 4000));
		assert_ok(recover_partition(&f.p, no_epoch, NULL, DEADLINE_NEVER, &found));
		assert_true(found.done);
		assert_false(found.damaged);
		assert_false(found.torn);
		compare_folder(&f, golden_folders[i]);
		remove_folder(&f);
	}
}

static void
test_kafkas_records_are_found_by_offset_and_time(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		struct logfolder f;
		struct reader *reader;
		struct known k;
		int64_t start, end;
		size_t step;

		copy_golden(&f, golden_folders[i]);
		logfolder_allow_gaps(&f);
		known_read(&k, &f);
		reader = reader_of(&f);
		reader_read_uncommitted(reader, true);
		bounds_of(reader, &start, &end);
		step = k.count > 200 ? k.count / 100 : 1;
		for (size_t n = (size_t)rand_r(&seed) % step; n < k.count; n += step) {
			for (int64_t d = -1; d <= 1; d++) {
				int64_t from = k.offsets[n] + d;

				if (from >= start && from <= end)
					assert_reads(reader, &k, from, from + 3 < end ? from + 3 : end);
				assert_finds(reader, &k, k.times[n] + d, start, end);
			}
		}
		assert_finds(reader, &k, -1, start, end);
		assert_finds(reader, &k, INT64_MAX, start, end);
		reader_close(reader);
		known_free(&k);
		remove_folder(&f);
	}
}

/*
 * Any log.
 */

/* Segments, gaps, control batches and times by chance, indexes at a random interval, one in three of them spoiled. */
static void
make_random_log(struct logfolder *f, unsigned *seed)
{
	int64_t offset = 0, base = 0;
	int batches = 3 + rand_r(seed) % 40;
	struct head_end end;

	logfolder_make(f, true);
	logfolder_allow_gaps(f);
	for (int i = 0; i < batches; i++) {
		int count = 1 + rand_r(seed) % 20;

		if (rand_r(seed) % 5 == 0)
			offset += rand_r(seed) % 15;
		if (i > 0 && rand_r(seed) % 6 == 0) {
			walk_segment(f, base, rand_r(seed) % 3000, &end);
			if (rand_r(seed) % 3 == 0) {
				(void)spoil_index(base, SUFFIX_INDEX, rand_r(seed) % 8, seed);
				(void)spoil_index(base, SUFFIX_TIMEINDEX, rand_r(seed) % 8, seed);
			}
			base = offset;
			offset += rand_r(seed) % 3 == 0 ? rand_r(seed) % 10 : 0;
		}
		if (rand_r(seed) % 8 == 0) {
			put_marker(base, offset++, rand_r(seed) % 5000);
			continue;
		}
		put_batch(base,
		    &(struct batch_spec){.base_offset = offset,
			.count = count,
			.timestamp_ms = rand_r(seed) % 3000,
			.step_ms = rand_r(seed) % 41 - 20,
			.value_bytes = (size_t)rand_r(seed) % 400});
		offset += count;
	}
	publish_all(f);
}

static void
test_any_log_is_read_and_searched_rightly(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 150; round++) {
		unsigned seed = 1000 + round;
		struct logfolder f;
		struct reader *reader;
		struct known k;
		int64_t start, end;

		make_random_log(&f, &seed);
		known_read(&k, &f);
		reader = reader_of(&f);
		bounds_of(reader, &start, &end);
		for (int turn = 0; turn < 60; turn++) {
			int64_t from = start + rand_r(&seed) % (end - start + 1), to = from + rand_r(&seed) % (end - from + 1);

			if (turn == 30) {
				assert_ok(head_raise_log_start(f.p.head, 0, end / 3));
				bounds_of(reader, &start, &end);
				continue;
			}
			assert_reads(reader, &k, from, to);
			assert_finds(reader, &k, rand_r(&seed) % 4000 - 500, start, end);
		}
		reader_close(reader);
		known_free(&k);
		remove_folder(&f);
	}
}

/*
 * Without memory, without descriptors.
 */

/* Open a reader and read the log from 25 on, then find a time. */
static int
read_some(const struct logfolder *f, int *batches, int64_t *offset)
{
	struct reader *reader = NULL;
	struct batch_view view;
	int64_t start, end;
	int rc;

	*batches = 0;
	if ((rc = reader_open(&f->p, &reader)) != STATUS_OK)
		return rc;
	if ((rc = reader_bounds(reader, &start, &end, NULL)) != STATUS_OK)
		goto out;
	reader_seek(reader, 25);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK)
		++*batches;
	if (rc == STATUS_END)
		rc = reader_find_time(reader, 54500, end, offset);
out:
	reader_close(reader);
	return rc;
}

/* The sweeps are made over a dense log, one with gaps, and one that is read privately. */
enum log_kind { LOG_DENSE, LOG_WITH_GAPS, LOG_PRIVATE, LOG_KINDS };

static void
make_kind(struct logfolder *f, enum log_kind kind)
{
	struct head_end end;

	make_published_log(f);
	walk_segment(f, 30, 0, &end);
	if (kind == LOG_WITH_GAPS) {
		/* The batch of [50, 60) is compacted away. */
		assert_ok(head_raise_gap_end(f->p.head, 0, 60));
		assert_int_equal(truncate(segment_path(30, SUFFIX_LOG), end.last_position), 0);
	} else if (kind == LOG_PRIVATE) {
		copy_heads(f);
		become_a_stranger(f);
	}
}

static void
test_without_memory_a_retry_is_safe(void **state)
{
	(void)state;
	for (enum log_kind kind = LOG_DENSE; kind < LOG_KINDS; kind++) {
		int64_t want = kind == LOG_WITH_GAPS ? 60 : 55, offset = -1;
		int batches, before;
		struct logfolder f;

		make_kind(&f, kind);
		before = count_descriptors();
		for (long n = 0;; n++) {
			int rc;

			unit_oom_after(n);
			rc = read_some(&f, &batches, &offset);
			if (unit_oom_off() == 0) {
				assert_ok(rc);
				break;
			}
			/* A page that cannot be verified for want of memory may ask for recovery, which finds all well. */
			assert_true(rc == STATUS_AGAIN || rc == STATUS_RECOVER || (rc == STATUS_OK && offset == want));
			assert_int_equal(count_descriptors(), before);
		}
		assert_int_equal(batches, kind == LOG_WITH_GAPS ? 6 : 7);
		assert_int_equal(offset, want);
		remove_folder(&f);
	}
}

/* Of the disk: told as such, or, where only an index could not be read, nobody's business. Never a wrong answer. */
static void
test_an_error_of_any_read_is_told_or_changes_nothing(void **state)
{
	(void)state;
	for (enum log_kind kind = LOG_DENSE; kind < LOG_KINDS; kind++) {
		int64_t want = kind == LOG_WITH_GAPS ? 60 : 55;
		struct logfolder f;
		int told = 0;

		make_kind(&f, kind);
		for (long k = 1;; k++) {
			int64_t offset = -1;
			int batches, rc;

			readfault_at(k);
			rc = read_some(&f, &batches, &offset);
			if (readfault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 5);
				break;
			}
			assert_true(rc == STATUS_IO || rc == STATUS_RECOVER || rc == STATUS_OK);
			if (rc == STATUS_IO)
				assert_non_null(strstr(status_message(), "Input/output error"));
			if (rc == STATUS_OK) {
				assert_int_equal(batches, kind == LOG_WITH_GAPS ? 6 : 7);
				assert_int_equal(offset, want);
			}
			told += rc == STATUS_IO;
		}
		assert_true(told >= 3);
		remove_folder(&f);
	}
}

static void
test_without_descriptors_a_retry_is_safe(void **state)
{
	struct rlimit old, limit;
	struct logfolder f;
	int64_t offset = -1;
	int batches, rc;

	(void)state;
	make_published_log(&f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0;; more++) {
		int next = dup(f.p.dir);

		assert_true(next >= 0);
		close(next);
		limit = old;
		limit.rlim_cur = (rlim_t)next + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		rc = read_some(&f, &batches, &offset);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (rc == STATUS_OK)
			break;
		assert_status(rc, STATUS_AGAIN);
	}
	assert_int_equal(batches, 7);
	assert_int_equal(offset, 55);
	logfolder_close(&f);
}

static void
test_a_failed_read_leaves_the_reader_where_it_was(void **state)
{
	struct rlimit old, limit;
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int rc;

	(void)state;
	make_published_log(&f);
	reader = reader_of(&f);
	assert_bounds(reader, 0, 90);
	reader_seek(reader, 42);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	rc = reader_next(reader, 90, &view);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_status(rc, STATUS_AGAIN);
	assert_int_equal(reader_position(reader), 42);
	assert_ok(reader_next(reader, 90, &view));
	assert_int_equal(view.header.base_offset, 40);
	reader_close(reader);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_an_empty_partition_has_nothing),
	    unit_test(test_every_range_is_read_from_every_offset),
	    unit_test(test_a_position_stays_where_it_was_left),
	    unit_test(test_a_parked_reader_holds_no_descriptor),
	    unit_test(test_with_fsync_always_only_what_is_synced_is_seen),
	    unit_test(test_nothing_behind_the_published_end_is_read),
	    unit_test(test_a_reader_follows_the_end_through_appends_and_rolls),
	    unit_test(test_a_reader_that_fell_behind_several_rolls_misses_nothing),
	    unit_test(test_a_log_may_begin_in_the_middle_of_a_batch),
	    unit_test(test_a_trim_beyond_what_is_synced_shows_an_empty_log),
	    unit_test(test_an_open_reader_goes_on_through_an_unlinked_segment),
	    unit_test(test_a_reader_learns_that_its_place_was_removed),
	    unit_test(test_a_lost_first_segment_is_damage_and_no_retention),
	    unit_test(test_a_folder_that_lost_all_segments_is_damage),
	    unit_test(test_gaps_of_compaction_are_passed_over),
	    unit_test(test_a_gap_is_damage_where_nothing_was_compacted),
	    unit_test(test_empty_batches_are_given_and_take_their_offsets),
	    unit_test(test_control_batches_are_skipped_and_positions_pass_them),
	    unit_test(test_what_a_broker_leaves_beside_the_segments_is_ignored),
	    unit_test(test_damage_is_named_and_what_lies_before_it_is_read),
	    unit_test(test_messages_of_an_old_format_are_refused_by_name),
	    unit_test(test_an_active_segment_that_ends_too_early_is_damage),
	    unit_test(test_a_batch_that_claims_other_offsets_is_damage),
	    unit_test(test_an_active_segment_that_does_not_reach_the_position_is_damage),
	    unit_test(test_a_batch_whose_records_lie_stops_the_search_for_a_time),
	    unit_test(test_every_codec_of_kafka_is_read),
	    unit_test(test_a_codec_that_lies_is_damage),
	    unit_test(test_a_page_in_rebuild_asks_for_recovery),
	    unit_test(test_after_a_rebuild_the_new_bytes_are_read),
	    unit_test(test_a_log_cut_below_the_reader_has_nothing_for_it),
	    unit_test(test_a_page_whose_last_batch_is_not_there_asks_for_recovery),
	    unit_test(test_damage_that_recovery_found_is_told_with_the_bounds),
	    unit_test(test_a_reader_who_may_not_recover_reads_what_recovery_would_keep),
	    unit_test(test_a_private_reader_sees_damage_too),
	    unit_test(test_a_private_reader_turns_to_the_page_when_somebody_has_recovered),
	    unit_test(test_no_bad_index_changes_an_answer),
	    unit_test(test_a_time_entry_must_agree_with_its_batch),
	    unit_test(test_a_search_for_a_time_is_not_led_astray_by_the_index),
	    unit_test(test_a_search_for_a_time_reads_no_older_batch),
	    unit_test(test_a_time_between_two_records_finds_the_later),
	    unit_test(test_times_out_of_order_find_the_first_record_that_is_not_older),
	    unit_test(test_every_folder_of_kafka_is_read_as_kafkas_consumer_reads_it),
	    unit_test(test_every_folder_of_kafka_is_read_after_recovery),
	    unit_test(test_kafkas_records_are_found_by_offset_and_time),
	    unit_test(test_any_log_is_read_and_searched_rightly),
	    unit_test(test_without_memory_a_retry_is_safe),
	    unit_test(test_an_error_of_any_read_is_told_or_changes_nothing),
	    unit_test(test_without_descriptors_a_retry_is_safe),
	    unit_test(test_a_failed_read_leaves_the_reader_where_it_was),
	};

	golden_find();
	return unit_run(tests);
}

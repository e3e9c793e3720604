#include "log/index.h"

#include <signal.h>
#include <sys/resource.h>

#include "golden.h"
#include "logfolder.h"
#include "readfault.h"

#define INTERVAL 4096

static int
open_here(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static const char *
name_of(int64_t base, const char *suffix)
{
	static char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, suffix);
	return name;
}

static int64_t
size_or_none(int64_t base, const char *suffix)
{
	struct stat st;

	return stat(name_of(base, suffix), &st) == 0 ? (int64_t)st.st_size : -1;
}

/*
 * Looking up.
 */

/* An .index of these pairs (relative offset, position). */
static void
write_index(int64_t base, const int32_t (*entries)[2], size_t count)
{
	uint8_t bytes[64 * INDEX_ENTRY_BYTES];

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		be32enc(bytes + i * INDEX_ENTRY_BYTES, (uint32_t)entries[i][0]);
		be32enc(bytes + i * INDEX_ENTRY_BYTES + 4, (uint32_t)entries[i][1]);
	}
	unit_write(name_of(base, SUFFIX_INDEX), bytes, count * INDEX_ENTRY_BYTES);
}

/* A .timeindex of these pairs (timestamp, relative offset). */
static void
write_timeindex(int64_t base, const int64_t (*entries)[2], size_t count)
{
	uint8_t bytes[64 * TIMEINDEX_ENTRY_BYTES];

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		be64enc(bytes + i * TIMEINDEX_ENTRY_BYTES, (uint64_t)entries[i][0]);
		be32enc(bytes + i * TIMEINDEX_ENTRY_BYTES + 8, (uint32_t)entries[i][1]);
	}
	unit_write(name_of(base, SUFFIX_TIMEINDEX), bytes, count * TIMEINDEX_ENTRY_BYTES);
}

static const int32_t some[][2] = {{9, 100}, {19, 200}, {20, 300}, {500, 4000}};
static const int64_t some_times[][2] = {{1000, 9}, {1001, 19}, {5000, 20}, {5001, 500}};

static void
test_an_offset_finds_the_last_entry_at_or_below_it(void **state)
{
	static const struct {
		int64_t offset, entry, position;
	} cases[] = {{9, 9, 100}, {10, 9, 100}, {18, 9, 100}, {19, 19, 200}, {20, 20, 300}, {21, 20, 300}, {499, 20, 300},
	    {500, 500, 4000}, {501, 500, 4000}, {1 << 30, 500, 4000}};
	const int64_t base = 7000;
	struct index_entry e;
	int dir = open_here();

	(void)state;
	write_index(base, some, COUNT_OF(some));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_ok(index_lookup(dir, base, base + cases[i].offset, &e));
		assert_int_equal(e.offset, base + cases[i].entry);
		assert_int_equal(e.position, cases[i].position);
	}
	assert_status(index_lookup(dir, base, base + 8, &e), STATUS_END);
	assert_status(index_lookup(dir, base, 0, &e), STATUS_END);
	assert_status(index_lookup(dir, base, INT64_MIN, &e), STATUS_END);
	close(dir);
}

static void
test_a_position_finds_the_last_entry_below_it(void **state)
{
	static const struct {
		int64_t position;
		uint32_t count;
	} cases[] = {{101, 1}, {200, 1}, {201, 2}, {300, 2}, {301, 3}, {4000, 3}, {4001, 4}, {INT64_MAX, 4}};
	struct index_entry e;
	uint32_t count;
	int dir = open_here();

	(void)state;
	write_index(0, some, COUNT_OF(some));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_ok(index_last_before(dir, 0, cases[i].position, &e, &count));
		assert_int_equal(count, cases[i].count);
		assert_int_equal(e.position, some[count - 1][1]);
	}
	assert_status(index_last_before(dir, 0, 100, &e, &count), STATUS_END);
	close(dir);
}

static void
test_a_time_finds_the_last_entry_that_is_older(void **state)
{
	static const struct {
		int64_t timestamp_ms, offset;
	} cases[] = {{1001, 9}, {1002, 19}, {5000, 19}, {5001, 20}, {5002, 500}, {INT64_MAX, 500}};
	const int64_t base = 40;
	struct timeindex_entry e;
	int dir = open_here();

	(void)state;
	write_timeindex(base, some_times, COUNT_OF(some_times));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_ok(timeindex_lookup(dir, base, cases[i].timestamp_ms, &e));
		assert_int_equal(e.offset, base + cases[i].offset);
		assert_true(e.timestamp_ms < cases[i].timestamp_ms);
	}
	assert_status(timeindex_lookup(dir, base, 1000, &e), STATUS_END);
	assert_status(timeindex_lookup(dir, base, -1, &e), STATUS_END);
	close(dir);
}

static void
test_an_offset_finds_the_last_time_entry_up_to_it(void **state)
{
	struct timeindex_entry e;
	uint32_t count;
	int dir = open_here();

	(void)state;
	write_timeindex(0, some_times, COUNT_OF(some_times));
	assert_ok(timeindex_last_upto(dir, 0, 9, &e, &count));
	assert_int_equal(count, 1);
	assert_ok(timeindex_last_upto(dir, 0, 19, &e, &count));
	assert_int_equal(count, 2);
	assert_ok(timeindex_last_upto(dir, 0, 499, &e, &count));
	assert_int_equal(count, 3);
	assert_int_equal(e.timestamp_ms, 5000);
	assert_ok(timeindex_last_upto(dir, 0, INT64_MAX, &e, &count));
	assert_int_equal(count, 4);
	assert_status(timeindex_last_upto(dir, 0, 8, &e, &count), STATUS_END);
	close(dir);
}

static void
test_a_missing_or_empty_index_finds_nothing(void **state)
{
	struct timeindex_entry te;
	struct index_entry e;
	uint32_t count;
	int dir = open_here();

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_status(index_lookup(dir, 0, 5, &e), STATUS_END);
		assert_status(index_last_before(dir, 0, 5, &e, &count), STATUS_END);
		assert_status(timeindex_lookup(dir, 0, 5, &te), STATUS_END);
		assert_status(timeindex_last_upto(dir, 0, 5, &te, &count), STATUS_END);
		unit_write(name_of(0, SUFFIX_INDEX), "", 0);
		unit_write(name_of(0, SUFFIX_TIMEINDEX), "", 0);
	}
	close(dir);
}

/* What a power cut leaves: part of an entry, or anything in the place of a file. */
static void
test_a_torn_entry_is_none(void **state)
{
	struct index_entry e;
	int dir = open_here();

	(void)state;
	for (size_t extra = 1; extra < INDEX_ENTRY_BYTES; extra++) {
		write_index(0, some, COUNT_OF(some));
		append_bytes(name_of(0, SUFFIX_INDEX), "\x7f\xff\xff\xff\x7f\xff\xff", extra);
		assert_ok(index_lookup(dir, 0, INT32_MAX, &e));
		assert_int_equal(e.offset, 500);
	}
	assert_int_equal(unlink(name_of(0, SUFFIX_INDEX)), 0);
	assert_int_equal(mkdir(name_of(0, SUFFIX_INDEX), 0700), 0);
	assert_status(index_lookup(dir, 0, INT32_MAX, &e), STATUS_END);
	close(dir);
}

static void
test_zeros_allocated_ahead_are_no_entries(void **state)
{
	static const uint8_t zeros[4096];
	struct timeindex_entry te;
	struct index_entry e;
	uint32_t count;
	int dir = open_here();

	(void)state;
	write_index(0, some, COUNT_OF(some));
	write_timeindex(0, some_times, COUNT_OF(some_times));
	append_bytes(name_of(0, SUFFIX_INDEX), zeros, sizeof(zeros));
	append_bytes(name_of(0, SUFFIX_TIMEINDEX), zeros, sizeof(zeros) / 12 * 12);
	assert_ok(index_lookup(dir, 0, INT64_MAX, &e));
	assert_int_equal(e.offset, 500);
	assert_ok(index_last_before(dir, 0, INT64_MAX, &e, &count));
	assert_int_equal(count, 4);
	assert_ok(timeindex_lookup(dir, 0, INT64_MAX, &te));
	assert_int_equal(te.offset, 500);
	assert_ok(timeindex_last_upto(dir, 0, INT64_MAX, &te, &count));
	assert_int_equal(count, 4);
	close(dir);
}

/* The first time entry of a segment may be time 0 of its first record: twelve zeros that mean something. */
static void
test_an_entry_of_zeros_counts_at_the_beginning(void **state)
{
	static const int64_t times[][2] = {{0, 0}, {7, 5}};
	struct timeindex_entry te;
	int dir = open_here();

	(void)state;
	write_timeindex(0, times, COUNT_OF(times));
	assert_ok(timeindex_lookup(dir, 0, 1, &te));
	assert_int_equal(te.timestamp_ms, 0);
	assert_int_equal(te.offset, 0);
	assert_ok(timeindex_lookup(dir, 0, 8, &te));
	assert_int_equal(te.offset, 5);
	close(dir);
}

static void
test_the_indexes_of_a_live_broker_are_read(void **state)
{
	struct timeindex_entry te;
	struct index_entry e;
	uint32_t count;
	int dir = golden_open("live/plain-0");

	(void)state;
	/* Nothing but zeros: one entry of zeros at most, which is true of any segment. */
	if (index_lookup(dir, 0, 9, &e) == STATUS_OK) {
		assert_int_equal(e.offset, 0);
		assert_int_equal(e.position, 0);
	}
	if (timeindex_last_upto(dir, 0, 9, &te, &count) == STATUS_OK)
		assert_int_equal(count, 1);
	close(dir);
}

static void
test_garbage_gives_an_answer_and_no_crash(void **state)
{
	static const int64_t bases[] = {0, 5, INT64_MAX - 5, INT64_MAX};
	unsigned seed = 4711;
	int dir = open_here();

	(void)state;
	for (int round = 0; round < 300; round++) {
		uint8_t bytes[240];
		int64_t base = bases[round % 4];
		struct timeindex_entry te;
		struct index_entry e;
		uint32_t count;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rand_r(&seed);
		unit_write(name_of(base, SUFFIX_INDEX), bytes, sizeof(bytes));
		unit_write(name_of(base, SUFFIX_TIMEINDEX), bytes, sizeof(bytes));
		for (int i = 0; i < 4; i++) {
			int64_t sought = (int64_t)((uint64_t)rand_r(&seed) << 32 | (unsigned)rand_r(&seed));

			if (index_lookup(dir, base, sought, &e) == STATUS_OK)
				assert_true(e.offset <= sought);
			if (index_last_before(dir, base, sought, &e, &count) == STATUS_OK)
				assert_in_range(count, 1, 30);
			if (timeindex_lookup(dir, base, sought, &te) == STATUS_OK)
				assert_true(te.timestamp_ms < sought);
			if (timeindex_last_upto(dir, base, sought, &te, &count) == STATUS_OK)
				assert_in_range(count, 1, 20);
		}
	}
	close(dir);
}

static void
test_every_entry_of_kafka_is_found(void **state)
{
	int dir = golden_open("segs-0");
	uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = golden_read("segs-0", "00000000000000003303.index", &len);
	for (size_t i = 0; i < len / INDEX_ENTRY_BYTES; i++) {
		int64_t offset = 3303 + (int64_t)be32dec(bytes + i * INDEX_ENTRY_BYTES);
		struct index_entry e;

		for (int64_t step = -1; step <= 1; step++) {
			int rc = index_lookup(dir, 3303, offset + step, &e);

			assert_status(rc, i == 0 && step < 0 ? STATUS_END : STATUS_OK);
			if (rc != STATUS_OK)
				continue;
			assert_true(step < 0 ? e.offset < offset : e.offset == offset);
		}
		assert_int_equal(e.position, be32dec(bytes + i * INDEX_ENTRY_BYTES + 4));
	}
	free(bytes);
	close(dir);
}

/*
 * The hint.
 */

/* Three batches of ten records in segment 0, and where they begin. */
static int
make_segment(int64_t positions[4])
{
	positions[0] = 0;
	for (int i = 0; i < 3; i++) {
		struct batch_builder b;

		make_batch(&b, &(struct batch_spec){.base_offset = 10 * i, .count = 10, .timestamp_ms = 1000 * i});
		append_bytes(name_of(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
		positions[i + 1] = positions[i] + (int64_t)b.bytes.len;
		batch_builder_free(&b);
	}
	return open(name_of(0, SUFFIX_LOG), O_RDONLY | O_CLOEXEC);
}

static void
test_a_true_entry_is_a_hint(void **state)
{
	int64_t positions[4];
	int fd = make_segment(positions), dir = open_here();
	int32_t entries[2][2] = {{19, 0}, {29, 0}};

	(void)state;
	entries[0][1] = (int32_t)positions[1];
	entries[1][1] = (int32_t)positions[2];
	write_index(0, entries, 2);
	assert_int_equal(index_position_hint(dir, fd, 0, 0), 0);
	assert_int_equal(index_position_hint(dir, fd, 0, 18), 0);
	assert_int_equal(index_position_hint(dir, fd, 0, 19), positions[1]);
	assert_int_equal(index_position_hint(dir, fd, 0, 28), positions[1]);
	assert_int_equal(index_position_hint(dir, fd, 0, 29), positions[2]);
	assert_int_equal(index_position_hint(dir, fd, 0, INT64_MAX), positions[2]);
	close(dir);
	close(fd);
}

static void
test_an_entry_that_lies_is_no_hint(void **state)
{
	int64_t positions[4];
	int fd = make_segment(positions), dir = open_here();

	(void)state;
	for (int64_t position = -3; position <= positions[3] + 3; position++) {
		for (int32_t offset = 17; offset <= 21; offset++) {
			int32_t entry[1][2] = {{offset, (int32_t)position}};
			bool truth = offset == 19 && position == positions[1];

			write_index(0, entry, 1);
			assert_int_equal(index_position_hint(dir, fd, 0, 25), truth ? positions[1] : 0);
		}
	}
	write_index(0, (const int32_t[][2]){{INT32_MIN, INT32_MIN}}, 1);
	assert_int_equal(index_position_hint(dir, fd, 0, 25), 0);
	write_index(0, (const int32_t[][2]){{19, INT32_MAX}}, 1);
	assert_int_equal(index_position_hint(dir, fd, 0, 25), 0);
	close(dir);
	close(fd);
}

static void
test_without_an_index_the_hint_is_the_beginning(void **state)
{
	int64_t positions[4];
	int fd = make_segment(positions), dir = open_here(), blind;

	(void)state;
	assert_int_equal(index_position_hint(dir, fd, 0, 25), 0);
	/* A true entry, but a segment that cannot be read. */
	write_index(0, (const int32_t[][2]){{9, 0}}, 1);
	blind = open(name_of(0, SUFFIX_LOG), O_WRONLY | O_CLOEXEC);
	assert_int_equal(index_position_hint(dir, blind, 0, 25), 0);
	close(blind);
	close(dir);
	close(fd);
}

/*
 * Writing.
 */

/* One batch as the writer sees it. */
static struct batch_header
batch_of(int64_t last_offset, int32_t bytes, int64_t timestamp_ms)
{
	return (struct batch_header){.base_offset = last_offset,
	    .length = bytes - BATCH_PREFIX_BYTES,
	    .max_timestamp_ms = timestamp_ms};
}

/* Note it at the end, as an appender does. */
static void
note(struct index_writer *w, struct head_end *end, int64_t last_offset, int32_t bytes, int64_t timestamp_ms)
{
	struct batch_header h = batch_of(last_offset, bytes, timestamp_ms);

	assert_ok(index_writer_note(w, end, &h, end->end_position, INTERVAL));
	end->end_position += bytes;
	end->end_offset = last_offset + 1;
}

static void
open_writer(struct index_writer *w, struct head_end *end, int64_t base)
{
	index_writer_init(w, open_here(), &logfolder_access);
	head_empty_end(end, base);
}

static void
close_writer(struct index_writer *w)
{
	index_writer_close(w);
	index_writer_close(w);
	close(w->dir);
}

/* Entry i of a file is these numbers. */
static void
assert_index(int64_t base, uint32_t i, int64_t offset, int64_t position)
{
	size_t len;
	uint8_t *bytes = (uint8_t *)unit_read(name_of(base, SUFFIX_INDEX), &len);

	assert_true(len >= (i + 1) * (size_t)INDEX_ENTRY_BYTES);
	assert_int_equal(base + be32dec(bytes + i * INDEX_ENTRY_BYTES), offset);
	assert_int_equal(be32dec(bytes + i * INDEX_ENTRY_BYTES + 4), position);
	free(bytes);
}

static void
assert_timeindex(int64_t base, uint32_t i, int64_t timestamp_ms, int64_t offset)
{
	size_t len;
	uint8_t *bytes = (uint8_t *)unit_read(name_of(base, SUFFIX_TIMEINDEX), &len);

	assert_true(len >= (i + 1) * (size_t)TIMEINDEX_ENTRY_BYTES);
	assert_int_equal(be64dec(bytes + i * TIMEINDEX_ENTRY_BYTES), timestamp_ms);
	assert_int_equal(base + be32dec(bytes + i * TIMEINDEX_ENTRY_BYTES + 8), offset);
	free(bytes);
}

/* Kafka's LogSegment.append: an entry for the batch at hand, if more than the interval lies between it and the last entry's batch, that one included. */
static void
test_an_entry_is_due_when_more_than_the_interval_is_pending(void **state)
{
	(void)state;
	for (int step = -1; step <= 1; step++) {
		struct index_writer w;
		struct head_end end;

		open_writer(&w, &end, 1000);
		note(&w, &end, 1009, INTERVAL + step, 50);
		assert_int_equal(end.index_count, 0);
		assert_int_equal(size_or_none(1000, SUFFIX_INDEX), -1);
		note(&w, &end, 1019, 100, 51);
		assert_int_equal(end.index_count, step > 0 ? 1 : 0);
		assert_int_equal(end.timeindex_count, step > 0 ? 1 : 0);
		assert_int_equal(end.index_pending_bytes, step > 0 ? 100 : INTERVAL + step + 100);
		close_writer(&w);
	}
	assert_index(1000, 0, 1019, INTERVAL + 1);
	assert_timeindex(1000, 0, 51, 1019);
}

static void
test_with_an_interval_of_zero_every_batch_but_the_first_has_an_entry(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < 20; i++) {
		struct batch_header h = batch_of(i, 70, i);

		assert_ok(index_writer_note(&w, &end, &h, end.end_position, 0));
		end.end_position += 70;
	}
	assert_int_equal(end.index_count, 19);
	assert_int_equal(end.timeindex_count, 19);
	for (uint32_t i = 0; i < 19; i++) {
		assert_index(0, i, i + 1, 70 * (i + 1));
		assert_timeindex(0, i, i + 1, i + 1);
	}
	close_writer(&w);
}

static void
test_time_entries_ascend_whatever_the_records_say(void **state)
{
	static const int64_t times[] = {5000, 4000, 4500, 5000, 6000, 1, 5999, 6001};
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < (int)COUNT_OF(times); i++)
		note(&w, &end, i, INTERVAL + 1, times[i]);
	assert_int_equal(end.index_count, 7);
	assert_int_equal(end.timeindex_count, 3);
	assert_timeindex(0, 0, 5000, 0); /* written with the second batch: the greatest so far is the first one's */
	assert_timeindex(0, 1, 6000, 4);
	assert_timeindex(0, 2, 6001, 7);
	assert_int_equal(end.max_timestamp_ms, 6001);
	assert_int_equal(end.max_timestamp_offset, 7);
	assert_int_equal(end.first_timestamp_ms, 5000);
	close_writer(&w);
}

static void
test_of_equal_timestamps_the_first_counts(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < 5; i++)
		note(&w, &end, i, INTERVAL + 1, 77);
	assert_int_equal(end.index_count, 4);
	assert_int_equal(end.timeindex_count, 1);
	assert_timeindex(0, 0, 77, 0);
	close_writer(&w);
}

static void
test_records_without_time_leave_the_time_index_empty(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < 5; i++)
		note(&w, &end, i, INTERVAL + 1, -1);
	assert_int_equal(end.index_count, 4);
	assert_ok(index_writer_finish(&w, &end));
	assert_int_equal(end.timeindex_count, 0);
	assert_int_equal(end.max_timestamp_ms, -1);
	close_writer(&w);
}

static void
test_the_last_time_entry_is_written_once(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 500);
	assert_ok(index_writer_finish(&w, &end)); /* an empty segment has none */
	assert_int_equal(size_or_none(500, SUFFIX_TIMEINDEX), -1);
	note(&w, &end, 509, 200, 0);
	assert_ok(index_writer_finish(&w, &end));
	assert_ok(index_writer_finish(&w, &end));
	assert_int_equal(end.timeindex_count, 1);
	assert_timeindex(500, 0, 0, 509);
	note(&w, &end, 519, 200, 8);
	assert_ok(index_writer_finish(&w, &end));
	assert_int_equal(end.timeindex_count, 2);
	assert_timeindex(500, 1, 8, 519);
	assert_int_equal(size_or_none(500, SUFFIX_TIMEINDEX), 2 * TIMEINDEX_ENTRY_BYTES);
	/* Kafka's tools want both files. */
	assert_int_equal(end.index_count, 0);
	assert_int_equal(size_or_none(500, SUFFIX_INDEX), 0);
	close_writer(&w);
}

static void
test_pending_bytes_stop_at_their_most(void **state)
{
	struct index_writer w;
	struct head_end end;
	struct batch_header h = batch_of(0, INT32_MAX, 5);

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < 4; i++)
		assert_ok(index_writer_note(&w, &end, &h, 0, INT64_MAX));
	assert_int_equal(end.index_pending_bytes, UINT32_MAX);
	assert_int_equal(end.index_count, 0);
	close_writer(&w);
}

static void
test_an_appender_that_comes_later_goes_on_where_the_last_one_was(void **state)
{
	struct index_writer a, b;
	struct head_end end;

	(void)state;
	open_writer(&a, &end, 0);
	open_writer(&b, &end, 0);
	for (int i = 0; i < 40; i++)
		note(i % 3 == 0 ? &a : &b, &end, i, 1500, i);
	assert_int_equal(end.index_count, 13);
	for (uint32_t i = 0; i < end.index_count; i++) {
		/* Three batches are 4500 bytes: every third, from the fourth on. */
		assert_index(0, i, 3 + 3 * i, 1500 * (3 + 3 * (int64_t)i));
		assert_timeindex(0, i, 3 + 3 * i, 3 + 3 * i);
	}
	close_writer(&a);
	close_writer(&b);
}

static void
test_a_writer_turns_to_the_segment_that_the_end_names(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 10);
	note(&w, &end, 1, INTERVAL + 1, 11);
	head_empty_end(&end, 2);
	note(&w, &end, 2, INTERVAL + 1, 5);
	note(&w, &end, 3, INTERVAL + 1, 6);
	assert_index(0, 0, 1, INTERVAL + 1);
	assert_index(2, 0, 3, INTERVAL + 1);
	assert_timeindex(2, 0, 6, 3);
	close_writer(&w);
}

static void
test_what_a_dead_appender_left_is_cut_and_written_over(void **state)
{
	struct index_writer w;
	struct head_end end, published;

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 10);
	note(&w, &end, 1, INTERVAL + 1, 11);
	published = end;
	note(&w, &end, 2, INTERVAL + 1, 99); /* it died before it published this */
	assert_int_equal(size_or_none(0, SUFFIX_INDEX), 2 * INDEX_ENTRY_BYTES);
	assert_ok(index_writer_cut(&w, &published));
	assert_int_equal(size_or_none(0, SUFFIX_INDEX), INDEX_ENTRY_BYTES);
	assert_int_equal(size_or_none(0, SUFFIX_TIMEINDEX), TIMEINDEX_ENTRY_BYTES);
	note(&w, &published, 5, INTERVAL + 1, 12);
	assert_index(0, 1, 5, 2 * (INTERVAL + 1));
	assert_timeindex(0, 1, 12, 5);
	close_writer(&w);
}

static void
test_cutting_what_is_not_there_is_fine(void **state)
{
	struct index_writer w;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	assert_ok(index_writer_cut(&w, &end));
	assert_int_equal(size_or_none(0, SUFFIX_INDEX), -1);
	assert_int_equal(size_or_none(0, SUFFIX_TIMEINDEX), -1);
	/* One of the two. */
	unit_write(name_of(0, SUFFIX_TIMEINDEX), "123456789012abc", 15);
	assert_ok(index_writer_cut(&w, &end));
	assert_int_equal(size_or_none(0, SUFFIX_INDEX), -1);
	assert_int_equal(size_or_none(0, SUFFIX_TIMEINDEX), 0);
	close_writer(&w);
}

/* Somebody has removed the files: what is written next is a hint as good as ever, and what is missing before it finds nothing. */
static void
test_a_lost_index_makes_no_false_entries(void **state)
{
	struct timeindex_entry te;
	struct index_writer w;
	struct index_entry e;
	struct head_end end;

	(void)state;
	open_writer(&w, &end, 0);
	for (int i = 0; i < 10; i++)
		note(&w, &end, i, INTERVAL + 1, 100 + i);
	index_writer_close(&w);
	assert_int_equal(unlink(name_of(0, SUFFIX_INDEX)), 0);
	assert_int_equal(unlink(name_of(0, SUFFIX_TIMEINDEX)), 0);
	note(&w, &end, 10, INTERVAL + 1, 110);
	assert_index(0, 9, 10, 10 * (INTERVAL + 1));
	if (index_lookup(w.dir, 0, 5, &e) == STATUS_OK)
		assert_int_equal(e.position, 0);
	if (timeindex_lookup(w.dir, 0, 105, &te) == STATUS_OK)
		assert_int_equal(te.timestamp_ms, 0);
	close_writer(&w);
}

static void
test_the_files_have_the_access_they_were_told(void **state)
{
	struct file_access access = {.mode = 0660, .gid = (gid_t)-1};
	struct index_writer w;
	struct head_end end;
	struct stat st;

	(void)state;
	head_empty_end(&end, 0);
	index_writer_init(&w, open_here(), &access);
	note(&w, &end, 0, INTERVAL + 1, 1);
	note(&w, &end, 1, INTERVAL + 1, 2);
	assert_int_equal(stat(name_of(0, SUFFIX_INDEX), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(stat(name_of(0, SUFFIX_TIMEINDEX), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	close_writer(&w);
}

/* Nothing can be written: the caller, who has the old end still, is told that a retry is safe. */
static void
test_without_room_nothing_is_counted(void **state)
{
	struct rlimit old, limit;
	struct index_writer w;
	struct head_end end, before;
	struct batch_header h = batch_of(2, INTERVAL + 1, 3);

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 1);
	note(&w, &end, 1, INTERVAL + 1, 2);
	before = end;
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	/* No room for the second entry of .index; for that, but not for the second one of .timeindex. */
	for (rlim_t room = 8; room <= 16; room++) {
		int rc;

		limit = old;
		limit.rlim_cur = room;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		end = before;
		rc = index_writer_note(&w, &end, &h, end.end_position, INTERVAL);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(end.timeindex_count, 1);
		assert_int_equal(end.index_count, room < 16 ? 1 : 2);
		assert_ok(index_writer_cut(&w, &before));
		assert_int_equal(size_or_none(0, SUFFIX_INDEX), INDEX_ENTRY_BYTES);
		assert_int_equal(size_or_none(0, SUFFIX_TIMEINDEX), TIMEINDEX_ENTRY_BYTES);
	}
	end = before;
	note(&w, &end, 2, INTERVAL + 1, 3);
	assert_index(0, 1, 2, 2 * (INTERVAL + 1));
	assert_timeindex(0, 1, 3, 2);
	close_writer(&w);
}

/* The last time entry is read back, because the next one must be later. */
static void
test_an_entry_that_cannot_be_read_back_is_told(void **state)
{
	struct index_writer w;
	struct head_end end;
	struct batch_header h = batch_of(2, INTERVAL + 1, 3);
	int rc;

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 1);
	note(&w, &end, 1, INTERVAL + 1, 2);
	readfault_at(1);
	rc = index_writer_note(&w, &end, &h, end.end_position, INTERVAL);
	assert_int_equal(readfault_off(), 1);
	assert_status(rc, STATUS_IO);
	assert_int_equal(end.timeindex_count, 1);
	readfault_at(1);
	rc = index_writer_finish(&w, &end);
	assert_int_equal(readfault_off(), 1);
	assert_status(rc, STATUS_IO);
	close_writer(&w);
}

static void
test_a_lookup_that_cannot_read_finds_nothing(void **state)
{
	int64_t positions[4];
	int fd = make_segment(positions), dir = open_here();
	int32_t entries[2][2] = {{19, 0}, {29, 0}};

	(void)state;
	entries[0][1] = (int32_t)positions[1];
	entries[1][1] = (int32_t)positions[2];
	write_index(0, entries, 2);
	for (long k = 1;; k++) {
		int64_t hint;

		readfault_at(k);
		hint = index_position_hint(dir, fd, 0, 29);
		if (readfault_off() == 0) {
			assert_int_equal(hint, positions[2]);
			assert_true(k > 2);
			break;
		}
		assert_int_equal(hint, 0);
	}
	close(dir);
	close(fd);
}

static void
test_without_descriptors_nothing_is_counted(void **state)
{
	struct rlimit old, none;
	struct index_writer w;
	struct head_end end;
	struct batch_header h = batch_of(1, INTERVAL + 1, 3);
	int rc, rc_finish, rc_cut;

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = index_writer_note(&w, &end, &h, end.end_position, INTERVAL);
	rc_finish = index_writer_finish(&w, &end);
	rc_cut = index_writer_cut(&w, &end);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_status(rc, STATUS_AGAIN);
	assert_status(rc_finish, STATUS_AGAIN);
	assert_status(rc_cut, STATUS_AGAIN);
	assert_int_equal(end.index_count, 0);
	assert_int_equal(end.timeindex_count, 0);
	close_writer(&w);
}

static void
test_something_else_under_an_indexs_name_is_an_error(void **state)
{
	struct index_writer w;
	struct head_end end;
	struct batch_header h = batch_of(1, INTERVAL + 1, 3);

	(void)state;
	open_writer(&w, &end, 0);
	note(&w, &end, 0, INTERVAL + 1, 1);
	assert_int_equal(mkdir(name_of(0, SUFFIX_INDEX), 0700), 0);
	assert_int_not_equal(index_writer_note(&w, &end, &h, end.end_position, INTERVAL), STATUS_OK);
	assert_int_not_equal(index_writer_cut(&w, &end), STATUS_OK);
	close_writer(&w);
}

/*
 * Kafka's own: the indexes of its segments, made anew from the batches. Kafka finishes the time index when it closes a segment, and it
 * closed them all when it stopped.
 */

static void
assert_same_file(const char *folder, int64_t base, const char *suffix)
{
	size_t want_len, len;
	uint8_t *want = golden_read(folder, name_of(base, suffix), &want_len);
	uint8_t *have = (uint8_t *)unit_read(segment_path(base, suffix), &len);

	assert_int_equal(len, want_len);
	assert_memory_equal(have, want, len);
	free(have);
	free(want);
}

static void
test_kafkas_indexes_are_written_byte_for_byte(void **state)
{
	struct logfolder f;
	struct head_end end;
	size_t segments = 0;

	(void)state;
	logfolder_make(&f, true);
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		struct segment_list list;
		int dir;

		/* A live broker's are not finished, and the cleaner has an interval of its own. */
		if (strncmp(golden_folders[i], "live/", 5) == 0 || strcmp(golden_folders[i], "compacted-0") == 0)
			continue;
		dir = golden_open(golden_folders[i]);
		assert_ok(segment_list_read(dir, &list));
		for (size_t k = 0; k < list.count; k++, segments++) {
			size_t len;
			uint8_t *log = golden_read(golden_folders[i], name_of(list.bases[k], SUFFIX_LOG), &len);

			unit_write(segment_path(list.bases[k], SUFFIX_LOG), log, len);
			walk_segment(&f, list.bases[k], INTERVAL, &end);
			assert_same_file(golden_folders[i], list.bases[k], SUFFIX_INDEX);
			assert_same_file(golden_folders[i], list.bases[k], SUFFIX_TIMEINDEX);
			(void)unlink(segment_path(list.bases[k], SUFFIX_LOG));
			(void)unlink(segment_path(list.bases[k], SUFFIX_INDEX));
			(void)unlink(segment_path(list.bases[k], SUFFIX_TIMEINDEX));
			free(log);
		}
		segment_list_free(&list);
		close(dir);
	}
	assert_int_equal(segments, 18);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_an_offset_finds_the_last_entry_at_or_below_it),
	    unit_test(test_a_position_finds_the_last_entry_below_it),
	    unit_test(test_a_time_finds_the_last_entry_that_is_older),
	    unit_test(test_an_offset_finds_the_last_time_entry_up_to_it),
	    unit_test(test_a_missing_or_empty_index_finds_nothing),
	    unit_test(test_a_torn_entry_is_none),
	    unit_test(test_zeros_allocated_ahead_are_no_entries),
	    unit_test(test_an_entry_of_zeros_counts_at_the_beginning),
	    unit_test(test_the_indexes_of_a_live_broker_are_read),
	    unit_test(test_garbage_gives_an_answer_and_no_crash),
	    unit_test(test_every_entry_of_kafka_is_found),
	    unit_test(test_a_true_entry_is_a_hint),
	    unit_test(test_an_entry_that_lies_is_no_hint),
	    unit_test(test_without_an_index_the_hint_is_the_beginning),
	    unit_test(test_an_entry_is_due_when_more_than_the_interval_is_pending),
	    unit_test(test_with_an_interval_of_zero_every_batch_but_the_first_has_an_entry),
	    unit_test(test_time_entries_ascend_whatever_the_records_say),
	    unit_test(test_of_equal_timestamps_the_first_counts),
	    unit_test(test_records_without_time_leave_the_time_index_empty),
	    unit_test(test_the_last_time_entry_is_written_once),
	    unit_test(test_pending_bytes_stop_at_their_most),
	    unit_test(test_an_appender_that_comes_later_goes_on_where_the_last_one_was),
	    unit_test(test_a_writer_turns_to_the_segment_that_the_end_names),
	    unit_test(test_what_a_dead_appender_left_is_cut_and_written_over),
	    unit_test(test_cutting_what_is_not_there_is_fine),
	    unit_test(test_a_lost_index_makes_no_false_entries),
	    unit_test(test_the_files_have_the_access_they_were_told),
	    unit_test(test_without_room_nothing_is_counted),
	    unit_test(test_an_entry_that_cannot_be_read_back_is_told),
	    unit_test(test_a_lookup_that_cannot_read_finds_nothing),
	    unit_test(test_without_descriptors_nothing_is_counted),
	    unit_test(test_something_else_under_an_indexs_name_is_an_error),
	    unit_test(test_kafkas_indexes_are_written_byte_for_byte),
	};

	golden_find();
	return unit_run(tests);
}

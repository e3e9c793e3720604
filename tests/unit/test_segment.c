#include "log/segment.h"

#include "base/file.h"
#include "golden.h"
#include "logfolder.h"
#include "readfault.h"

/*
 * Names.
 */

static void
test_a_name_is_twenty_digits_and_a_suffix(void **state)
{
	static const struct {
		int64_t base;
		const char *suffix, *name;
	} names[] = {
	    {0, SUFFIX_LOG, "00000000000000000000.log"},
	    {42, SUFFIX_INDEX, "00000000000000000042.index"},
	    {1234567890123, SUFFIX_TIMEINDEX, "00000001234567890123.timeindex"},
	    {INT64_MAX, SUFFIX_SNAPSHOT, "09223372036854775807.snapshot"},
	};
	char name[SEGMENT_NAME_BYTES];
	int64_t base;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		segment_name(name, names[i].base, names[i].suffix);
		assert_string_equal(name, names[i].name);
		assert_true(segment_parse_name(name, names[i].suffix, &base));
		assert_int_equal(base, names[i].base);
	}
}

static void
test_other_names_are_no_segments(void **state)
{
	static const char *const others[] = {"", ".log", "0.log", "0000000000000000000.log", "000000000000000000000.log",
	    "00000000000000000000", "00000000000000000000.lo", "00000000000000000000.logs", "00000000000000000000.log.deleted",
	    "00000000000000000000.log.cleaned", "00000000000000000000.log.swap", "00000000000000000000.log.cut",
	    "00000000000000000000.log.tmp", "00000000000000000000.index", "0000000000000000000a.log", "-0000000000000000001.log",
	    "+0000000000000000001.log", " 0000000000000000001.log", "09223372036854775808.log", "99999999999999999999.log",
	    "leader-epoch-checkpoint", "partition.metadata"};
	int64_t base = 42;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (segment_parse_name(others[i], SUFFIX_LOG, &base))
			fail_msg("%s", others[i]);
	}
	assert_int_equal(base, 42);
}

/*
 * Lists.
 */

static int
open_here(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static void
touch(int64_t base, const char *suffix)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, suffix);
	unit_write(name, "", 0);
}

static void
test_a_list_has_the_segments_ascending_and_nothing_else(void **state)
{
	static const char *const strangers[] = {".log.deleted", ".log.cleaned", ".log.swap", ".log.cut", ".index", ".timeindex",
	    ".snapshot", ".txnindex", ".index.deleted"};
	struct segment_list list;
	int dir = open_here();

	(void)state;
	touch(300, SUFFIX_LOG);
	touch(0, SUFFIX_LOG);
	touch(INT64_MAX, SUFFIX_LOG);
	touch(5, SUFFIX_LOG);
	for (size_t i = 0; i < COUNT_OF(strangers); i++)
		touch(100 + (int64_t)i, strangers[i]);
	unit_write("partition.metadata", "", 0);
	assert_ok(segment_list_read(dir, &list));
	assert_int_equal(list.count, 4);
	assert_int_equal(list.bases[0], 0);
	assert_int_equal(list.bases[1], 5);
	assert_int_equal(list.bases[2], 300);
	assert_int_equal(list.bases[3], INT64_MAX);
	segment_list_free(&list);
	assert_int_equal(list.count, 0);
	segment_list_free(&list);
	close(dir);
}

static void
test_an_empty_folder_has_an_empty_list(void **state)
{
	struct segment_list list;
	int dir = open_here();

	(void)state;
	assert_ok(segment_list_read(dir, &list));
	assert_int_equal(list.count, 0);
	assert_null(list.bases);
	segment_list_free(&list);
	close(dir);
}

static void
test_a_list_of_many_segments_is_whole(void **state)
{
	struct segment_list list;
	int dir = open_here();

	(void)state;
	for (int64_t i = 0; i < 100; i++)
		touch((i * 37) % 100 * 1000, SUFFIX_LOG);
	assert_ok(segment_list_read(dir, &list));
	assert_int_equal(list.count, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(list.bases[i], (int64_t)i * 1000);
	segment_list_free(&list);
	close(dir);
}

static void
test_a_list_without_memory_is_none(void **state)
{
	struct segment_list list;
	int dir = open_here();

	(void)state;
	for (int64_t i = 0; i < 40; i++)
		touch(i, SUFFIX_LOG);
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = segment_list_read(dir, &list);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_null(list.bases);
		assert_int_equal(list.count, 0);
	}
	segment_list_free(&list);
	close(dir);
}

static void
test_a_folder_that_cannot_be_listed_is_an_error(void **state)
{
	struct segment_list list;
	int file;

	(void)state;
	unit_write("file", "", 0);
	file = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(segment_list_read(file, &list), STATUS_OK);
	assert_null(list.bases);
	close(file);
}

static void
test_an_offset_is_in_the_last_segment_that_begins_at_or_below_it(void **state)
{
	int64_t bases[] = {10, 20, 21, 500};
	struct segment_list list = {bases, COUNT_OF(bases)};
	static const struct {
		int64_t offset;
		size_t at;
	} cases[] = {{INT64_MIN, 0}, {0, 0}, {9, 0}, {10, 0}, {11, 0}, {19, 0}, {20, 1}, {21, 2}, {22, 2}, {499, 2}, {500, 3},
	    {501, 3}, {INT64_MAX, 3}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(segment_list_find(&list, cases[i].offset), cases[i].at);
	list.count = 1;
	assert_int_equal(segment_list_find(&list, 9), 0);
	assert_int_equal(segment_list_find(&list, 11), 0);
}

/*
 * The scanner.
 */

#define BATCHES 5

struct sample {
	struct buf bytes;
	int64_t positions[BATCHES + 1]; /* of each batch, and of the end */
	int fd;
};

/* A segment of five batches of growing size. */
static void
make_sample(struct sample *s)
{
	*s = (struct sample){.bytes = BUF_EMPTY};
	for (int i = 0; i < BATCHES; i++) {
		struct batch_builder b;

		make_batch(&b,
		    &(struct batch_spec){.base_offset = 10 * i,
			.count = 10,
			.timestamp_ms = 1000 + i,
			.value_bytes = 1 + 40 * (size_t)i});
		s->positions[i] = (int64_t)s->bytes.len;
		assert_ok(buf_append(&s->bytes, b.bytes.data, b.bytes.len));
		batch_builder_free(&b);
	}
	s->positions[BATCHES] = (int64_t)s->bytes.len;
	unit_write("segment", s->bytes.data, s->bytes.len);
	s->fd = open("segment", O_RDWR | O_CLOEXEC);
	assert_true(s->fd >= 0);
}

static void
free_sample(struct sample *s)
{
	close(s->fd);
	buf_free(&s->bytes);
}

/* The scanner gives the sample's batches [from, to) and then has this status. */
static void
assert_scan(struct segment_scanner *scanner, const struct sample *s, int from, int to, int end)
{
	struct batch_header h;
	const uint8_t *bytes;

	for (int i = from; i < to; i++) {
		assert_ok(segment_scanner_next(scanner, &h, &bytes));
		assert_int_equal(h.base_offset, 10 * i);
		assert_int_equal(batch_bytes(&h), s->positions[i + 1] - s->positions[i]);
		assert_memory_equal(bytes, s->bytes.data + s->positions[i], (size_t)batch_bytes(&h));
		assert_int_equal(scanner->position, s->positions[i + 1]);
	}
	assert_status(segment_scanner_next(scanner, &h, &bytes), end);
	assert_int_equal(scanner->position, s->positions[to]);
	/* And so it stays. */
	assert_status(segment_scanner_next(scanner, &h, &bytes), end);
}

static void
test_a_scan_gives_every_batch_whatever_one_read_asks_for(void **state)
{
	static const size_t steps[] = {1, 2, BATCH_HEADER_BYTES - 1, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + 1, 100, 300, 1000,
	    1 << 20};
	struct segment_scanner scanner;
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
		scanner.read_bytes = steps[i];
		assert_scan(&scanner, &s, 0, BATCHES, STATUS_END);
		segment_scanner_free(&scanner);
	}
	free_sample(&s);
}

/* The first header, and then each batch with the header of the next. */
static void
test_a_large_batch_costs_one_read(void **state)
{
	struct segment_scanner scanner;
	struct sample s;

	(void)state;
	make_sample(&s);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	scanner.read_bytes = BATCH_HEADER_BYTES;
	readfault_count();
	assert_scan(&scanner, &s, 0, BATCHES, STATUS_END);
	assert_int_equal(readfault.calls, 1 + BATCHES);
	assert_int_equal(readfault.bytes, s.positions[BATCHES]);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_a_scan_begins_anywhere_and_goes_anywhere(void **state)
{
	struct segment_scanner scanner;
	struct sample s;

	(void)state;
	make_sample(&s);
	for (int from = 0; from <= BATCHES; from++) {
		segment_scanner_init(&scanner, s.fd, 0, s.positions[from], s.positions[BATCHES]);
		assert_scan(&scanner, &s, from, BATCHES, STATUS_END);
		for (int to = 0; to <= BATCHES; to++) {
			segment_scanner_seek(&scanner, s.positions[to]);
			assert_scan(&scanner, &s, to, BATCHES, STATUS_END);
		}
		segment_scanner_free(&scanner);
	}
	free_sample(&s);
}

/* Each second batch is passed by its header; of what is passed no more is read, and nobody minds what it is. */
static void
test_batches_are_passed_unread(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;

	(void)state;
	make_sample(&s);
	assert_int_equal(pwrite(s.fd, "garbage", 7, s.positions[3] - 7), 7);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	scanner.read_bytes = BATCH_HEADER_BYTES;
	for (int i = 0; i < BATCHES; i++) {
		assert_ok(segment_scanner_peek(&scanner, &h));
		assert_int_equal(h.base_offset, 10 * i);
		assert_int_equal(scanner.position, s.positions[i]);
		if (i % 2 == 0) {
			segment_scanner_pass(&scanner, &h);
			/* Of small ones many are read at once. */
			if (i == 0)
				assert_int_equal(scanner.window.len, BATCH_HEADER_BYTES);
			assert_int_equal(scanner.read_bytes == BATCH_HEADER_BYTES, batch_bytes(&h) >= 16384);
			continue;
		}
		assert_ok(segment_scanner_next(&scanner, &h, &bytes));
		assert_memory_equal(bytes, s.bytes.data + s.positions[i], (size_t)batch_bytes(&h));
	}
	assert_status(segment_scanner_peek(&scanner, &h), STATUS_END);
	segment_scanner_seek(&scanner, s.positions[2]);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CORRUPT);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

/* What a peek can see of damage it tells as a scan does, and stays. */
static void
test_a_peek_tells_damage(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	struct sample s;

	(void)state;
	make_sample(&s);
	segment_scanner_init(&scanner, s.fd, 0, s.positions[1], s.positions[2] - 1);
	assert_status(segment_scanner_peek(&scanner, &h), STATUS_CORRUPT);
	assert_non_null(strstr(status_message(), "middle of a batch"));
	segment_scanner_set_limit(&scanner, s.positions[BATCHES]);
	assert_ok(segment_scanner_peek(&scanner, &h));
	segment_scanner_pass(&scanner, &h);
	assert_int_equal(pwrite(s.fd, "\0\0\0\0\0\0\0\1", 8, s.positions[2]), 8);
	assert_status(segment_scanner_peek(&scanner, &h), STATUS_CORRUPT);
	assert_non_null(strstr(status_message(), "offset 1 after 19"));
	assert_int_equal(scanner.position, s.positions[2]);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_a_scan_ends_at_its_limit_and_goes_on_when_that_moves(void **state)
{
	struct segment_scanner scanner;
	struct sample s;

	(void)state;
	make_sample(&s);
	segment_scanner_init(&scanner, s.fd, 0, 0, 0);
	for (int i = 0; i < BATCHES; i++) {
		assert_scan(&scanner, &s, i, i, STATUS_END);
		segment_scanner_set_limit(&scanner, s.positions[i + 1]);
		assert_scan(&scanner, &s, i, i + 1, STATUS_END);
	}
	segment_scanner_free(&scanner);
	free_sample(&s);
}

/* What lies behind the limit may be written at this moment: not a byte of it is looked at, then or later. */
static void
test_bytes_behind_the_limit_are_not_read_ahead(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;

	(void)state;
	make_sample(&s);
	assert_int_equal(pwrite(s.fd, "garbage", 7, s.positions[2]), 7);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[2]);
	assert_ok(segment_scanner_next(&scanner, &h, &bytes));
	assert_int_equal(scanner.window.len, s.positions[2]);
	assert_int_equal(pwrite(s.fd, s.bytes.data + s.positions[2], 7, s.positions[2]), 7);
	segment_scanner_set_limit(&scanner, s.positions[BATCHES]);
	assert_scan(&scanner, &s, 1, BATCHES, STATUS_END);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_what_was_read_is_forgotten_on_demand(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;

	(void)state;
	make_sample(&s);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	assert_scan(&scanner, &s, 0, BATCHES, STATUS_END);
	assert_int_equal(pwrite(s.fd, "x", 1, s.positions[1] - 1), 1);
	segment_scanner_seek(&scanner, 0);
	segment_scanner_drop(&scanner);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CORRUPT);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

/* Every length that the file may have, and every limit: batches before the cut come, then damage is told, or the end if it lies between two. */
static void
test_a_segment_cut_at_any_byte_gives_its_whole_batches(void **state)
{
	struct sample s;
	int whole = BATCHES;

	(void)state;
	make_sample(&s);
	for (int64_t len = s.positions[BATCHES]; len >= 0; len--) {
		struct segment_scanner scanner;
		int end;

		while (s.positions[whole] > len)
			whole--;
		end = s.positions[whole] == len ? STATUS_END : STATUS_CORRUPT;
		segment_scanner_init(&scanner, s.fd, 0, 0, len);
		assert_scan(&scanner, &s, 0, whole, end);
		segment_scanner_free(&scanner);
		assert_int_equal(ftruncate(s.fd, len), 0);
		segment_scanner_init(&scanner, s.fd, 0, 0, len);
		assert_scan(&scanner, &s, 0, whole, end);
		segment_scanner_free(&scanner);
		/* The file is shorter than the limit says. */
		segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES] + 1000);
		assert_scan(&scanner, &s, 0, whole, STATUS_CORRUPT);
		segment_scanner_free(&scanner);
	}
	free_sample(&s);
}

/* Each bit of the middle batch: it is found, but in base offset and leader epoch, which no CRC covers. */
static void
test_no_bit_of_a_batch_changes_unseen(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (int64_t at = s.positions[2]; at < s.positions[3]; at++) {
		int64_t field = at - s.positions[2];
		bool open = field < BATCH_LENGTH_AT || (field >= BATCH_LEADER_EPOCH_AT && field < BATCH_MAGIC_AT);

		for (int bit = 0; bit < 8 && !open; bit++) {
			struct segment_scanner scanner;
			struct batch_header h;
			const uint8_t *bytes;
			uint8_t changed = (uint8_t)(s.bytes.data[at] ^ (1 << bit));
			int rc;

			assert_int_equal(pwrite(s.fd, &changed, 1, at), 1);
			segment_scanner_init(&scanner, s.fd, 0, s.positions[2], s.positions[BATCHES]);
			rc = segment_scanner_next(&scanner, &h, &bytes);
			assert_true(rc == STATUS_CORRUPT || (rc == STATUS_CONFIG && field == BATCH_MAGIC_AT));
			assert_int_equal(scanner.position, s.positions[2]);
			segment_scanner_free(&scanner);
		}
		assert_int_equal(pwrite(s.fd, s.bytes.data + at, 1, at), 1);
	}
	free_sample(&s);
}

/* No CRC covers a base offset. */
static void
test_offsets_ascend_from_the_segments_base(void **state)
{
	static const struct {
		uint8_t low; /* byte of the third batch's base offset, 20 */
		bool fine;
	} cases[] = {{0, false}, {10, false}, {19, false}, {20, true}, {21, true}};
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(pwrite(s.fd, &cases[i].low, 1, s.positions[2] + 7), 1);
		segment_scanner_init(&scanner, s.fd, 0, s.positions[1], s.positions[BATCHES]);
		assert_ok(segment_scanner_next(&scanner, &h, &bytes));
		assert_status(segment_scanner_next(&scanner, &h, &bytes), cases[i].fine ? STATUS_OK : STATUS_CORRUPT);
		if (!cases[i].fine)
			assert_non_null(strstr(status_message(), " after 19"));
		/* What came before it is not known where a scan begins. */
		segment_scanner_seek(&scanner, s.positions[2]);
		assert_ok(segment_scanner_next(&scanner, &h, &bytes));
		/* 21 to 30 run into the next one's 30. */
		assert_status(segment_scanner_next(&scanner, &h, &bytes), cases[i].low <= 20 ? STATUS_OK : STATUS_CORRUPT);
		segment_scanner_free(&scanner);
	}
	segment_scanner_init(&scanner, s.fd, 11, s.positions[1], s.positions[BATCHES]);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CORRUPT);
	assert_non_null(strstr(status_message(), "offset 10 after 10"));
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_damage_is_told_with_file_position_and_reason(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;
	char want[128];

	(void)state;
	make_sample(&s);
	assert_int_equal(pwrite(s.fd, "\x07", 1, s.positions[1] + BATCH_MAGIC_AT), 1);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	assert_ok(segment_scanner_next(&scanner, &h, &bytes));
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CORRUPT);
	snprintf(want, sizeof(want), "00000000000000000000.log at %lld: magic is 7, not 2", (long long)s.positions[1]);
	assert_string_equal(status_message(), want);
	assert_int_equal(pwrite(s.fd, "\x01", 1, s.positions[1] + BATCH_MAGIC_AT), 1);
	segment_scanner_drop(&scanner);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CONFIG);
	snprintf(want, sizeof(want),
	    "00000000000000000000.log at %lld: message format of magic 1, only record batches (magic 2) are read",
	    (long long)s.positions[1]);
	assert_string_equal(status_message(), want);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

/* A length of almost 2 GiB must not make us ask for the memory. */
static void
test_a_length_beyond_the_limit_costs_no_memory(void **state)
{
	static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xf0};
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;

	(void)state;
	make_sample(&s);
	assert_int_equal(pwrite(s.fd, huge, 4, BATCH_LENGTH_AT), 4);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_CORRUPT);
	assert_true(scanner.window.cap < 1 << 20);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_a_large_batch_does_not_keep_its_memory(void **state)
{
	struct segment_scanner scanner;
	struct batch_builder large, small;
	struct batch_header h;
	const uint8_t *bytes;
	int fd;

	(void)state;
	make_batch(&large, &(struct batch_spec){.count = 3, .value_bytes = 1 << 20});
	make_batch(&small, &(struct batch_spec){.base_offset = 3, .count = 1, .value_bytes = 300000});
	append_bytes("segment", large.bytes.data, large.bytes.len);
	append_bytes("segment", small.bytes.data, small.bytes.len);
	batch_set_place(small.bytes.data, 4, 0);
	append_bytes("segment", small.bytes.data, small.bytes.len);
	batch_set_place(small.bytes.data, 3, 0);
	fd = open("segment", O_RDONLY | O_CLOEXEC);
	segment_scanner_init(&scanner, fd, 0, 0, size_of_file("segment"));
	assert_ok(segment_scanner_next(&scanner, &h, &bytes));
	assert_memory_equal(bytes, large.bytes.data, large.bytes.len);
	assert_true(scanner.window.cap >= large.bytes.len);
	assert_ok(segment_scanner_next(&scanner, &h, &bytes));
	assert_memory_equal(bytes, small.bytes.data, small.bytes.len);
	assert_true(scanner.window.cap < large.bytes.len);
	assert_ok(segment_scanner_next(&scanner, &h, &bytes));
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_END);
	segment_scanner_free(&scanner);
	batch_builder_free(&large);
	batch_builder_free(&small);
	close(fd);
}

static void
test_a_scan_without_memory_goes_on_when_there_is_some(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;
	int rc;

	(void)state;
	make_sample(&s);
	segment_scanner_init(&scanner, s.fd, 0, 0, s.positions[BATCHES]);
	scanner.read_bytes = 1;
	for (int i = 0; i < BATCHES; i++) {
		unit_oom_after(0);
		rc = segment_scanner_next(&scanner, &h, &bytes);
		if (unit_oom_off() > 0) {
			assert_status(rc, STATUS_AGAIN);
			assert_int_equal(scanner.position, s.positions[i]);
			rc = segment_scanner_next(&scanner, &h, &bytes);
		}
		assert_ok(rc);
		assert_memory_equal(bytes, s.bytes.data + s.positions[i], (size_t)batch_bytes(&h));
	}
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_END);
	segment_scanner_free(&scanner);
	free_sample(&s);
}

static void
test_an_error_of_the_disk_is_no_damage(void **state)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	struct sample s;
	int fd;

	(void)state;
	make_sample(&s);
	/* A descriptor that cannot read: the kernel says EBADF, which is as good as EIO. */
	fd = open("segment", O_WRONLY | O_CLOEXEC);
	segment_scanner_init(&scanner, fd, 0, 0, s.positions[BATCHES]);
	assert_status(segment_scanner_next(&scanner, &h, &bytes), STATUS_IO);
	assert_non_null(strstr(status_message(), "00000000000000000000.log"));
	assert_int_equal(scanner.position, 0);
	/* And when the disk answers again, so does the scanner. */
	scanner.fd = s.fd;
	assert_scan(&scanner, &s, 0, BATCHES, STATUS_END);
	segment_scanner_free(&scanner);
	close(fd);
	free_sample(&s);
}

static void
test_kafkas_segments_are_scanned_to_their_ends(void **state)
{
	static const size_t steps[] = {700, 256 * 1024};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders) * COUNT_OF(steps); i++) {
		int dir = golden_open(golden_folders[i / COUNT_OF(steps)]);
		struct segment_list list;

		assert_ok(segment_list_read(dir, &list));
		for (size_t k = 0; k < list.count; k++) {
			struct segment_scanner scanner;
			struct batch_header h;
			const uint8_t *bytes;
			char name[SEGMENT_NAME_BYTES];
			int64_t size, offset = list.bases[k];
			int fd, rc;

			segment_name(name, list.bases[k], SUFFIX_LOG);
			assert_ok(file_open_read(dir, name, &fd));
			assert_ok(file_size(fd, name, &size));
			segment_scanner_init(&scanner, fd, list.bases[k], 0, size);
			scanner.read_bytes = steps[i % COUNT_OF(steps)];
			while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
				assert_true(h.base_offset >= offset);
				offset = batch_end_offset(&h);
			}
			assert_status(rc, STATUS_END);
			assert_true(k + 1 == list.count || offset <= list.bases[k + 1]);
			segment_scanner_free(&scanner);
			assert_ok(file_close(fd, name));
		}
		segment_list_free(&list);
		close(dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_name_is_twenty_digits_and_a_suffix),
	    unit_test(test_other_names_are_no_segments),
	    unit_test(test_a_list_has_the_segments_ascending_and_nothing_else),
	    unit_test(test_an_empty_folder_has_an_empty_list),
	    unit_test(test_a_list_of_many_segments_is_whole),
	    unit_test(test_a_list_without_memory_is_none),
	    unit_test(test_a_folder_that_cannot_be_listed_is_an_error),
	    unit_test(test_an_offset_is_in_the_last_segment_that_begins_at_or_below_it),
	    unit_test(test_a_scan_gives_every_batch_whatever_one_read_asks_for),
	    unit_test(test_a_large_batch_costs_one_read),
	    unit_test(test_a_scan_begins_anywhere_and_goes_anywhere),
	    unit_test(test_batches_are_passed_unread),
	    unit_test(test_a_peek_tells_damage),
	    unit_test(test_a_scan_ends_at_its_limit_and_goes_on_when_that_moves),
	    unit_test(test_bytes_behind_the_limit_are_not_read_ahead),
	    unit_test(test_what_was_read_is_forgotten_on_demand),
	    unit_test(test_a_segment_cut_at_any_byte_gives_its_whole_batches),
	    unit_test(test_no_bit_of_a_batch_changes_unseen),
	    unit_test(test_offsets_ascend_from_the_segments_base),
	    unit_test(test_damage_is_told_with_file_position_and_reason),
	    unit_test(test_a_length_beyond_the_limit_costs_no_memory),
	    unit_test(test_a_large_batch_does_not_keep_its_memory),
	    unit_test(test_a_scan_without_memory_goes_on_when_there_is_some),
	    unit_test(test_an_error_of_the_disk_is_no_damage),
	    unit_test(test_kafkas_segments_are_scanned_to_their_ends),
	};

	golden_find();
	return unit_run(tests);
}

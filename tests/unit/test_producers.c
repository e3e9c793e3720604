#include "log/producers.h"

#include <sys/resource.h>

#include "golden.h"
#include "logfolder.h"
#include "readfault.h"

static int
open_here(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

/* Note the batch and free it. */
static void
note(struct producers *ps, struct batch_builder *b)
{
	struct batch_header h = header_of(b->bytes.data);

	assert_ok(producers_note(ps, &h, b->bytes.data));
	batch_builder_free(b);
}

static void
note_batch(struct producers *ps, int64_t id, int16_t epoch, int32_t sequence, int64_t offset, int count, uint16_t attributes)
{
	struct batch_builder b;

	make_batch(&b,
	    &(struct batch_spec){.base_offset = offset,
		.count = count,
		.timestamp_ms = 1000 + offset,
		.step_ms = 1,
		.has_producer = true,
		.producer_id = id,
		.producer_epoch = epoch,
		.sequence = sequence,
		.attributes = attributes});
	note(ps, &b);
}

static void
note_marker(struct producers *ps, int64_t id, int16_t epoch, int64_t offset, int type, int32_t coordinator_epoch)
{
	struct batch_builder b;

	make_marker(&b,
	    &(struct batch_spec){.base_offset = offset, .timestamp_ms = 5000 + offset, .producer_id = id, .producer_epoch = epoch},
	    type, coordinator_epoch);
	note(ps, &b);
}

static void
assert_state(const struct producers *ps, struct producer_state want)
{
	const struct producer_state *s = producers_find(ps, want.producer_id);

	assert_non_null(s);
	assert_int_equal(s->epoch, want.epoch);
	assert_int_equal(s->last_sequence, want.last_sequence);
	assert_int_equal(s->last_offset, want.last_offset);
	assert_int_equal(s->offset_delta, want.offset_delta);
	assert_int_equal(s->timestamp_ms, want.timestamp_ms);
	assert_int_equal(s->coordinator_epoch, want.coordinator_epoch);
	assert_int_equal(s->transaction_first_offset, want.transaction_first_offset);
}

/*
 * What a batch says.
 */

static void
test_batches_without_a_producer_are_nobodys(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct batch_builder b;

	(void)state;
	make_batch(&b, &(struct batch_spec){.count = 3});
	note(&ps, &b);
	/* A leader change is a control batch without a producer. */
	make_marker(&b, &(struct batch_spec){.producer_id = -1, .producer_epoch = -1}, 2, 0);
	note(&ps, &b);
	assert_int_equal(ps.count, 0);
	assert_null(producers_find(&ps, -1));
	producers_free(&ps);
}

static void
test_a_producers_last_batch_is_known(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	note_batch(&ps, 7, 0, 0, 100, 10, 0);
	assert_state(&ps, (struct producer_state){7, 0, 9, 109, 9, 1109, -1, -1});
	note_batch(&ps, 7, 0, 10, 110, 1, 0);
	assert_state(&ps, (struct producer_state){7, 0, 10, 110, 0, 1110, -1, -1});
	/* A new epoch counts from 0. */
	note_batch(&ps, 7, 1, 0, 111, 5, 0);
	assert_state(&ps, (struct producer_state){7, 1, 4, 115, 4, 1115, -1, -1});
	assert_int_equal(ps.count, 1);
	producers_free(&ps);
}

static void
test_sequence_numbers_wrap(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	note_batch(&ps, 1, 0, INT32_MAX - 1, 0, 2, 0);
	assert_int_equal(producers_find(&ps, 1)->last_sequence, INT32_MAX);
	note_batch(&ps, 1, 0, INT32_MAX - 1, 2, 3, 0);
	assert_int_equal(producers_find(&ps, 1)->last_sequence, 0);
	producers_free(&ps);
}

static void
test_many_producers_are_found(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	for (int64_t i = 0; i < 1000; i++)
		note_batch(&ps, (i * 617) % 1000 * 10, 0, (int32_t)i, i, 1, 0);
	assert_int_equal(ps.count, 1000);
	for (size_t i = 0; i < ps.count; i++)
		assert_int_equal(ps.states[i].producer_id, (int64_t)i * 10);
	for (int64_t id = -15; id < 10015; id++)
		assert_int_equal(producers_find(&ps, id) != NULL, id >= 0 && id < 10000 && id % 10 == 0);
	producers_free(&ps);
	assert_int_equal(ps.count, 0);
	producers_free(&ps);
}

static void
test_a_transaction_lasts_from_its_first_batch_to_its_marker(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	note_batch(&ps, 3, 0, 0, 10, 5, BATCH_TRANSACTIONAL);
	assert_state(&ps, (struct producer_state){3, 0, 4, 14, 4, 1014, -1, 10});
	note_batch(&ps, 3, 0, 5, 20, 2, BATCH_TRANSACTIONAL);
	assert_state(&ps, (struct producer_state){3, 0, 6, 21, 1, 1021, -1, 10});
	/* A marker of the same epoch: the sequence goes on. */
	note_marker(&ps, 3, 0, 22, 1, 12);
	assert_state(&ps, (struct producer_state){3, 0, 6, 21, 1, 5022, 12, -1});
	/* The next one, aborted by a marker of a new epoch (KIP-890): the sequence begins again. */
	note_batch(&ps, 3, 0, 7, 23, 1, BATCH_TRANSACTIONAL);
	assert_int_equal(producers_find(&ps, 3)->transaction_first_offset, 23);
	note_marker(&ps, 3, 1, 24, 0, 13);
	assert_state(&ps, (struct producer_state){3, 1, -1, -1, 0, 5024, 13, -1});
	producers_free(&ps);
}

static void
test_a_marker_alone_makes_a_producer_known(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	note_marker(&ps, 9, 4, 50, 0, 2);
	assert_state(&ps, (struct producer_state){9, 4, -1, -1, 0, 5050, 2, -1});
	producers_free(&ps);
}

/* Compaction empties a marker when its whole transaction is gone; what follows in the log must still be noted. */
static void
test_an_emptied_marker_changes_nothing(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct batch_builder b;

	(void)state;
	note_batch(&ps, 3, 0, 0, 10, 5, BATCH_TRANSACTIONAL);
	make_marker(&b, &(struct batch_spec){.base_offset = 15, .producer_id = 3, .producer_epoch = 1}, 1, 7);
	empty_the_batch(&b);
	note(&ps, &b);
	assert_state(&ps, (struct producer_state){3, 0, 4, 14, 4, 1014, -1, 10});
	producers_free(&ps);
}

static void
test_a_marker_that_is_no_marker_is_refused(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct batch_builder b;
	struct batch_header h;

	(void)state;
	make_marker(&b, &(struct batch_spec){.producer_id = 3}, 1, 7);
	/* Its only record's length is wrong. */
	b.bytes.data[BATCH_HEADER_BYTES] += 2;
	batch_fix_crc(b.bytes.data);
	h = header_of(b.bytes.data);
	assert_status(producers_note(&ps, &h, b.bytes.data), STATUS_CORRUPT);
	b.bytes.data[BATCH_HEADER_BYTES] -= 2;
	be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, BATCH_CONTROL | CODEC_ZSTD);
	batch_fix_crc(b.bytes.data);
	h = header_of(b.bytes.data);
	assert_status(producers_note(&ps, &h, b.bytes.data), STATUS_CONFIG);
	batch_builder_free(&b);
	producers_free(&ps);
}

/* A value too short for a coordinator epoch (no broker writes one) is not read beyond its end. */
static void
test_a_short_marker_is_not_read_beyond_its_end(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct batch_builder b;
	struct batch_header h;
	uint8_t *exact;

	(void)state;
	make_batch(&b,
	    &(struct batch_spec){.count = 1,
		.value_bytes = 5,
		.has_producer = true,
		.producer_id = 3,
		.attributes = BATCH_CONTROL | BATCH_TRANSACTIONAL});
	assert_non_null(exact = malloc(b.bytes.len));
	memcpy(exact, b.bytes.data, b.bytes.len);
	h = header_of(exact);
	assert_ok(producers_note(&ps, &h, exact));
	assert_int_equal(producers_find(&ps, 3)->coordinator_epoch, -1);
	free(exact);
	batch_builder_free(&b);
	producers_free(&ps);
}

static void
test_compressed_batches_are_noted_by_their_headers(void **state)
{
	struct producers ps = {NULL, 0, 0};

	(void)state;
	note_batch(&ps, 5, 2, 100, 40, 10, CODEC_ZSTD);
	assert_state(&ps, (struct producer_state){5, 2, 109, 49, 9, 1049, -1, -1});
	producers_free(&ps);
}

static void
test_a_producer_without_memory_is_not_half_known(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct batch_builder b;
	struct batch_header h;
	int rc;

	(void)state;
	for (int64_t i = 0; i < 8; i++)
		note_batch(&ps, i, 0, 0, i, 1, 0);
	make_batch(&b, &(struct batch_spec){.base_offset = 8, .count = 1, .has_producer = true, .producer_id = 8});
	h = header_of(b.bytes.data);
	unit_oom_after(0);
	rc = producers_note(&ps, &h, b.bytes.data);
	assert_int_equal(unit_oom_off(), 1);
	assert_status(rc, STATUS_AGAIN);
	assert_int_equal(ps.count, 8);
	assert_null(producers_find(&ps, 8));
	note(&ps, &b);
	assert_int_equal(ps.count, 9);
	producers_free(&ps);
}

/*
 * Snapshots.
 */

static void
make_some(struct producers *ps)
{
	*ps = (struct producers){NULL, 0, 0};
	note_batch(ps, INT64_MAX, INT16_MAX, INT32_MAX - 1, 0, 2, 0);
	note_batch(ps, 0, 0, 5, 2, 5, BATCH_TRANSACTIONAL);
	note_marker(ps, 12, 3, 7, 0, 1);
}

static void
assert_same(const struct producers *a, const struct producers *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_state(a, b->states[i]);
}

static void
test_a_snapshot_reads_back(void **state)
{
	struct producers ps, back = {NULL, 0, 0};
	int dir = open_here();

	(void)state;
	make_some(&ps);
	assert_ok(producers_write(dir, &logfolder_access, 8, &ps));
	assert_int_equal(size_of_file("00000000000000000008.snapshot"), SNAPSHOT_HEADER_BYTES + 3 * SNAPSHOT_ENTRY_BYTES);
	note_batch(&back, 99, 0, 0, 0, 1, 0); /* is replaced */
	assert_ok(producers_read(dir, 8, &back));
	assert_same(&ps, &back);
	assert_null(producers_find(&back, 99));
	producers_free(&ps);
	producers_free(&back);
	close(dir);
}

static void
test_a_snapshot_of_nobody_is_kafkas_ten_bytes(void **state)
{
	static const struct producers none = {NULL, 0, 0};
	struct producers back = {NULL, 0, 0};
	int dir = open_here();
	uint8_t *want, *have;
	size_t want_len, len;

	(void)state;
	assert_ok(producers_write(dir, &logfolder_access, 9000, &none));
	want = golden_read("segs-0", "00000000000000009000.snapshot", &want_len);
	have = (uint8_t *)unit_read("00000000000000009000.snapshot", &len);
	assert_int_equal(len, want_len);
	assert_memory_equal(have, want, len);
	assert_ok(producers_read(dir, 9000, &back));
	assert_int_equal(back.count, 0);
	free(want);
	free(have);
	close(dir);
}

static void
test_a_missing_snapshot_is_missing(void **state)
{
	struct producers ps = {NULL, 0, 0};
	int dir = open_here();

	(void)state;
	note_batch(&ps, 1, 0, 0, 0, 1, 0);
	assert_status(producers_read(dir, 0, &ps), STATUS_MISSING);
	assert_non_null(producers_find(&ps, 1)); /* unchanged */
	producers_free(&ps);
	close(dir);
}

static void
test_no_bit_of_a_snapshot_changes_unseen(void **state)
{
	struct producers ps, back = {NULL, 0, 0};
	int dir = open_here();
	uint8_t *bytes;
	size_t len;

	(void)state;
	make_some(&ps);
	assert_ok(producers_write(dir, &logfolder_access, 8, &ps));
	bytes = (uint8_t *)unit_read("00000000000000000008.snapshot", &len);
	for (size_t at = 0; at < len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			bytes[at] ^= (uint8_t)(1 << bit);
			unit_write("00000000000000000008.snapshot", bytes, len);
			bytes[at] ^= (uint8_t)(1 << bit);
			assert_status(producers_read(dir, 8, &back), STATUS_CORRUPT);
			assert_int_equal(back.count, 0);
		}
	}
	free(bytes);
	producers_free(&ps);
	close(dir);
}

static void
test_a_snapshot_of_another_length_is_refused(void **state)
{
	struct producers ps, back = {NULL, 0, 0};
	int dir = open_here();
	uint8_t *bytes;
	size_t len;

	(void)state;
	make_some(&ps);
	assert_ok(producers_write(dir, &logfolder_access, 8, &ps));
	bytes = (uint8_t *)unit_read("00000000000000000008.snapshot", &len);
	for (size_t cut = 0; cut <= len + 1; cut++) {
		unit_write("cut", bytes, cut);
		/* Also with a CRC that is right for what is there. */
		for (int right = 0; right < 2; right++) {
			uint8_t *part = (uint8_t *)unit_read("cut", &(size_t){0});

			if (right != 0 && cut > SNAPSHOT_COUNT_AT)
				be32enc(part + SNAPSHOT_CRC_AT, crc32c(part + SNAPSHOT_COUNT_AT, cut - SNAPSHOT_COUNT_AT));
			unit_write("00000000000000000008.snapshot", part, cut);
			free(part);
			assert_status(producers_read(dir, 8, &back), cut == len ? STATUS_OK : STATUS_CORRUPT);
		}
	}
	free(bytes);
	producers_free(&ps);
	producers_free(&back);
	close(dir);
}

static void
test_a_count_that_lies_is_refused(void **state)
{
	static const uint32_t lies[] = {0, 1, 2, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0x0590b217 /* times 46 is nearly 2^32 */};
	struct producers ps, back = {NULL, 0, 0};
	int dir = open_here();
	uint8_t *bytes;
	size_t len;

	(void)state;
	make_some(&ps);
	assert_ok(producers_write(dir, &logfolder_access, 8, &ps));
	bytes = (uint8_t *)unit_read("00000000000000000008.snapshot", &len);
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		be32enc(bytes + SNAPSHOT_COUNT_AT, lies[i]);
		be32enc(bytes + SNAPSHOT_CRC_AT, crc32c(bytes + SNAPSHOT_COUNT_AT, len - SNAPSHOT_COUNT_AT));
		unit_write("00000000000000000008.snapshot", bytes, len);
		assert_status(producers_read(dir, 8, &back), STATUS_CORRUPT);
	}
	free(bytes);
	producers_free(&ps);
	close(dir);
}

static void
test_another_version_is_refused(void **state)
{
	struct producers back = {NULL, 0, 0};
	uint8_t bytes[SNAPSHOT_HEADER_BYTES] = {0};
	int dir = open_here();

	(void)state;
	be32enc(bytes + SNAPSHOT_CRC_AT, crc32c(bytes + SNAPSHOT_COUNT_AT, 4));
	for (int version = 0; version < 3; version++) {
		be16enc(bytes, (uint16_t)version);
		unit_write("00000000000000000000.snapshot", bytes, sizeof(bytes));
		assert_status(producers_read(dir, 0, &back), version == SNAPSHOT_VERSION ? STATUS_OK : STATUS_CORRUPT);
	}
	assert_string_equal(status_message(), "00000000000000000000.snapshot: not a snapshot of version 1");
	close(dir);
}

static void
test_without_memory_no_snapshot_changes(void **state)
{
	struct producers ps, back = {NULL, 0, 0};
	int dir = open_here(), rc;

	(void)state;
	make_some(&ps);
	for (long n = 0;; n++) {
		unit_oom_after(n);
		rc = producers_write(dir, &logfolder_access, 8, &ps);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(access("00000000000000000008.snapshot", F_OK), -1);
	}
	assert_ok(rc);
	for (long n = 0;; n++) {
		unit_oom_after(n);
		rc = producers_read(dir, 8, &back);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(back.count, 0);
	}
	assert_ok(rc);
	assert_same(&ps, &back);
	producers_free(&ps);
	producers_free(&back);
	close(dir);
}

/*
 * Kafka's own snapshots, made anew from its batches.
 */

/* Note all batches of the folder below `to`. */
static void
note_folder(const char *folder, int64_t to, struct producers *ps)
{
	int dir = golden_open(folder);
	struct segment_list list;

	assert_ok(segment_list_read(dir, &list));
	for (size_t k = 0; k < list.count; k++) {
		char name[SEGMENT_NAME_BYTES];
		uint8_t *bytes;
		size_t len;

		segment_name(name, list.bases[k], SUFFIX_LOG);
		bytes = golden_read(folder, name, &len);
		for (size_t at = 0; at < len;) {
			struct batch_header h = header_of(bytes + at);

			if (h.base_offset < to)
				assert_ok(producers_note(ps, &h, bytes + at));
			at += (size_t)batch_bytes(&h);
		}
		free(bytes);
	}
	segment_list_free(&list);
	close(dir);
}

static int snapshots;

static void
compare_snapshot(const char *folder, const char *name, int64_t base)
{
	struct producers ps = {NULL, 0, 0}, kafkas = {NULL, 0, 0};
	int dir = golden_open(folder), here = open_here();
	uint8_t *want, *have;
	size_t want_len, len;

	note_folder(folder, base, &ps);
	assert_ok(producers_read(dir, base, &kafkas));
	assert_same(&kafkas, &ps);
	assert_ok(producers_write(here, &logfolder_access, base, &ps));
	want = golden_read(folder, name, &want_len);
	have = (uint8_t *)unit_read(name, &len);
	assert_int_equal(len, want_len);
	assert_memory_equal(have, want, len);
	free(want);
	free(have);
	producers_free(&ps);
	producers_free(&kafkas);
	close(dir);
	close(here);
	snapshots++;
}

static void
test_kafkas_snapshots_are_written_byte_for_byte(void **state)
{
	(void)state;
	snapshots = 0;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++) {
		char path[GOLDEN_PATH_BYTES];
		const struct dirent *entry;
		DIR *dir;

		golden_path(path, golden_folders[i], "");
		assert_non_null(dir = opendir(path));
		while ((entry = readdir(dir)) != NULL) {
			int64_t base;

			if (segment_parse_name(entry->d_name, SUFFIX_SNAPSHOT, &base))
				compare_snapshot(golden_folders[i], entry->d_name, base);
		}
		closedir(dir);
	}
	assert_true(snapshots >= 20);
}

/*
 * Making sure that a snapshot is there.
 */

/* Three segments at 0, 10 and 20; producer 1 writes in each, producer 2 in the first only. */
static void
make_log(struct logfolder *f)
{
	logfolder_make(f, true);
	put_batch(0, &(struct batch_spec){.count = 5, .has_producer = true, .producer_id = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 5, .count = 5, .has_producer = true, .producer_id = 2});
	put_batch(10, &(struct batch_spec){.base_offset = 10, .count = 10, .has_producer = true, .producer_id = 1, .sequence = 5});
	put_batch(20, &(struct batch_spec){.base_offset = 20, .count = 10, .has_producer = true, .producer_id = 1, .sequence = 15});
}

static void
assert_snapshot(const struct logfolder *f, int64_t base, int32_t sequence_of_1, bool knows_2)
{
	struct producers ps = {NULL, 0, 0};

	assert_ok(producers_read(f->p.dir, base, &ps));
	assert_int_equal(producers_find(&ps, 1)->last_sequence, sequence_of_1);
	assert_int_equal(producers_find(&ps, 2) != NULL, knows_2);
	producers_free(&ps);
}

static void
test_a_snapshot_is_made_from_the_log_before_it(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 20));
	assert_snapshot(&f, 20, 14, true);
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_snapshot(&f, 10, 4, true);
	logfolder_close(&f);
}

static void
test_a_snapshot_knows_what_an_older_one_knew_of_removed_segments(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_ok(producers_ensure_snapshot(&f.p, 20));
	assert_snapshot(&f, 20, 14, true);
	logfolder_close(&f);
}

/* Retention left nothing but the empty active segment. */
static void
test_what_was_removed_is_known_at_the_end(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct logfolder f;

	(void)state;
	make_log(&f);
	unit_write(segment_path(30, SUFFIX_LOG), "", 0);
	assert_ok(producers_ensure_snapshot(&f.p, 30));
	for (int64_t base = 0; base < 30; base += 10)
		assert_int_equal(unlink(segment_path(base, SUFFIX_LOG)), 0);
	assert_ok(producers_collect(&f.p, 30, &ps));
	assert_non_null(producers_find(&ps, 1));
	assert_int_equal(producers_find(&ps, 1)->last_sequence, 24);
	assert_non_null(producers_find(&ps, 2));
	producers_free(&ps);
	logfolder_close(&f);
}

static void
test_a_snapshot_that_is_there_stays(void **state)
{
	struct logfolder f;
	struct stat before, after;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 20));
	assert_int_equal(stat(segment_path(20, SUFFIX_SNAPSHOT), &before), 0);
	assert_ok(producers_ensure_snapshot(&f.p, 20));
	assert_int_equal(stat(segment_path(20, SUFFIX_SNAPSHOT), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	logfolder_close(&f);
}

static void
test_damaged_snapshots_are_passed_over_and_made_anew(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	unit_write(segment_path(10, SUFFIX_SNAPSHOT), "garbage, or what a power cut left", 33);
	unit_write(segment_path(20, SUFFIX_SNAPSHOT), "", 0);
	assert_ok(producers_ensure_snapshot(&f.p, 20));
	assert_snapshot(&f, 20, 14, true);
	logfolder_close(&f);
}

/* If an older snapshot could not be read for want of a descriptor, a new one without it would forget producer 2 for ever. */
static void
test_an_older_snapshot_that_cannot_be_opened_now_is_not_passed_over(void **state)
{
	struct rlimit old, limit;
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0;; more++) {
		int next = dup(f.p.dir), rc;

		assert_true(next >= 0);
		close(next);
		limit = old;
		limit.rlim_cur = (rlim_t)next + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		rc = producers_ensure_snapshot(&f.p, 20);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (rc == STATUS_OK)
			break;
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(access(segment_path(20, SUFFIX_SNAPSHOT), F_OK), -1);
	}
	assert_snapshot(&f, 20, 14, true);
	logfolder_close(&f);
}

static void
test_without_memory_no_false_snapshot_is_left(void **state)
{
	struct logfolder f;
	int rc;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	for (long n = 0;; n++) {
		unit_oom_after(n);
		rc = producers_ensure_snapshot(&f.p, 20);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(access(segment_path(20, SUFFIX_SNAPSHOT), F_OK), -1);
	}
	assert_ok(rc);
	assert_snapshot(&f, 20, 14, true);
	logfolder_close(&f);
}

/* The same for one failed read: whatever snapshot is left is a true one. */
static void
test_after_a_failed_read_no_false_snapshot_is_left(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	for (long k = 1;; k++) {
		int rc;

		(void)unlink(segment_path(20, SUFFIX_SNAPSHOT));
		readfault_at(k);
		rc = producers_ensure_snapshot(&f.p, 20);
		if (readfault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 2);
			break;
		}
		assert_status(rc, STATUS_IO);
		assert_int_equal(access(segment_path(20, SUFFIX_SNAPSHOT), F_OK), -1);
	}
	assert_snapshot(&f, 20, 14, true);
	logfolder_close(&f);
}

static void
test_a_snapshot_may_be_of_any_offset(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_ok(producers_ensure_snapshot(&f.p, 30)); /* the log end, where Kafka makes one when it stops */
	assert_snapshot(&f, 30, 24, true);
	assert_ok(producers_ensure_snapshot(&f.p, 5)); /* in the middle of a segment */
	assert_snapshot(&f, 5, 4, false);
	logfolder_close(&f);
}

/* Kafka's own, made anew one from the other. */
static void
test_kafkas_snapshots_follow_from_its_folders(void **state)
{
	static const struct {
		const char *folder;
		int64_t base;
	} cases[] = {{"idem-0", 37}, {"txn-0", 4}, {"txn-0", 11}, {"txn-1", 4}, {"txn-1", 6}, {"segs-0", 6603}, {"epochs-0", 10}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char name[SEGMENT_NAME_BYTES];
		struct logfolder f;
		uint8_t *want, *have;
		size_t want_len, len;

		logfolder_make(&f, true);
		golden_copy(cases[i].folder, "orders/orders-0");
		assert_int_equal(unlink(segment_path(cases[i].base, SUFFIX_SNAPSHOT)), 0);
		assert_ok(producers_ensure_snapshot(&f.p, cases[i].base));
		segment_name(name, cases[i].base, SUFFIX_SNAPSHOT);
		want = golden_read(cases[i].folder, name, &want_len);
		have = (uint8_t *)unit_read(segment_path(cases[i].base, SUFFIX_SNAPSHOT), &len);
		assert_int_equal(len, want_len);
		assert_memory_equal(have, want, len);
		free(want);
		free(have);
		logfolder_close(&f);
		assert_int_equal(nftw("orders", unit_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	}
}

static void
test_a_damaged_segment_gives_no_snapshot(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	assert_status(producers_ensure_snapshot(&f.p, 20), STATUS_CORRUPT);
	assert_int_equal(access(segment_path(20, SUFFIX_SNAPSHOT), F_OK), -1);
	logfolder_close(&f);
}

static void
test_a_folder_without_segments_needs_no_snapshot(void **state)
{
	struct logfolder f;

	(void)state;
	logfolder_make(&f, true);
	assert_ok(producers_ensure_snapshot(&f.p, 0));
	assert_int_equal(access(segment_path(0, SUFFIX_SNAPSHOT), F_OK), -1);
	logfolder_close(&f);
}

/* After an emptied marker in the same segment, what follows is still seen. */
static void
test_a_snapshot_sees_past_an_emptied_marker(void **state)
{
	struct batch_builder b;
	struct logfolder f;

	(void)state;
	logfolder_make(&f, true);
	make_marker(&b, &(struct batch_spec){.producer_id = 77}, 1, 7);
	empty_the_batch(&b);
	append_bytes(segment_path(0, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 9, .has_producer = true, .producer_id = 1});
	put_batch(10, &(struct batch_spec){.base_offset = 10, .count = 1});
	assert_ok(producers_ensure_snapshot(&f.p, 10));
	assert_snapshot(&f, 10, 8, false);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_batches_without_a_producer_are_nobodys),
	    unit_test(test_a_producers_last_batch_is_known),
	    unit_test(test_sequence_numbers_wrap),
	    unit_test(test_many_producers_are_found),
	    unit_test(test_a_transaction_lasts_from_its_first_batch_to_its_marker),
	    unit_test(test_a_marker_alone_makes_a_producer_known),
	    unit_test(test_an_emptied_marker_changes_nothing),
	    unit_test(test_a_marker_that_is_no_marker_is_refused),
	    unit_test(test_a_short_marker_is_not_read_beyond_its_end),
	    unit_test(test_compressed_batches_are_noted_by_their_headers),
	    unit_test(test_a_producer_without_memory_is_not_half_known),
	    unit_test(test_a_snapshot_reads_back),
	    unit_test(test_a_snapshot_of_nobody_is_kafkas_ten_bytes),
	    unit_test(test_a_missing_snapshot_is_missing),
	    unit_test(test_no_bit_of_a_snapshot_changes_unseen),
	    unit_test(test_a_snapshot_of_another_length_is_refused),
	    unit_test(test_a_count_that_lies_is_refused),
	    unit_test(test_another_version_is_refused),
	    unit_test(test_without_memory_no_snapshot_changes),
	    unit_test(test_kafkas_snapshots_are_written_byte_for_byte),
	    unit_test(test_a_snapshot_is_made_from_the_log_before_it),
	    unit_test(test_a_snapshot_knows_what_an_older_one_knew_of_removed_segments),
	    unit_test(test_what_was_removed_is_known_at_the_end),
	    unit_test(test_a_snapshot_that_is_there_stays),
	    unit_test(test_damaged_snapshots_are_passed_over_and_made_anew),
	    unit_test(test_an_older_snapshot_that_cannot_be_opened_now_is_not_passed_over),
	    unit_test(test_without_memory_no_false_snapshot_is_left),
	    unit_test(test_after_a_failed_read_no_false_snapshot_is_left),
	    unit_test(test_a_snapshot_may_be_of_any_offset),
	    unit_test(test_kafkas_snapshots_follow_from_its_folders),
	    unit_test(test_a_damaged_segment_gives_no_snapshot),
	    unit_test(test_a_folder_without_segments_needs_no_snapshot),
	    unit_test(test_a_snapshot_sees_past_an_emptied_marker),
	};

	golden_find();
	return unit_run(tests);
}

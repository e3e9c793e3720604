#include "log/compact.h"
#include "iofault.h"
#include "log/keymap.h"
#include "log/producers.h"
#include "logwork.h"

#define NOW_MS INT64_C(1000000)

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

/* A topic whose segments hold a few records, and whose every closed byte is dirty enough. */
static void
open_compacted(struct logfolder *f)
{
	logfolder_open(f);
	f->p.settings.segment_bytes = 250;
	f->p.settings.index_interval_bytes = 0;
	f->p.settings.deletes = false;
	f->p.settings.compacts = true;
	f->p.settings.delete_retention_ms = 1000;
}

static void
make(struct logfolder *f)
{
	logfolder_make(f, true);
	logfolder_close(f);
	open_compacted(f);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
}

static void
append_builder(struct logfolder *f, struct batch_builder *b)
{
	struct log *log;
	int64_t offset;

	assert_ok(log_open(&f->p, &log));
	assert_ok(log_append(log, &b->bytes, soon(), &offset));
	sync_log(log, header_of(b->bytes.data).last_offset_delta + offset + 1);
	log_close(log);
	batch_builder_free(b);
}

/* "a=1 b=2,c=" is a batch of one record and one of two, the last a tombstone; "=x" has no key. */
static void
add_words(struct batch_builder *b, char *words)
{
	char *word;

	batch_builder_init(b, INT32_MAX);
	while ((word = strsep(&words, ",")) != NULL) {
		char *value = strchr(word, '=');
		struct record r;

		assert_non_null(value);
		*value++ = '\0';
		r = text_record(500, word[0] != '\0' ? word : NULL, value[0] != '\0' ? value : NULL);
		assert_ok(batch_add(b, &r));
	}
	batch_seal(b);
}

static void
store(struct logfolder *f, const char *words)
{
	char copy[4096], *rest = copy, *batch;
	struct batch_builder b;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((batch = strsep(&rest, " ")) != NULL) {
		add_words(&b, batch);
		append_builder(f, &b);
	}
}

/* All records as "0:a=1 1:b=2", a tombstone as "2:c=". Valid until the next call. */
static const char *
show(struct logfolder *f)
{
	static char text[1 << 20];
	struct reader *reader;
	struct batch_view view;
	struct batch_cursor cursor;
	struct record r;
	int64_t start, end;
	size_t at = 0;
	int rc;

	text[0] = '\0';
	assert_ok(reader_open(&f->p, &reader));
	assert_ok(reader_bounds(reader, &start, &end, NULL));
	reader_seek(reader, start);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK) {
		assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
		while (batch_cursor_next(&cursor, &r) == STATUS_OK) {
			assert_int_equal(r.timestamp_ms, 500);
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld:%.*s=%.*s", at > 0 ? " " : "",
			    (long long)r.offset, r.key_len < 0 ? 0 : r.key_len, (const char *)r.key,
			    r.value_len < 0 ? 0 : r.value_len, (const char *)r.value);
		}
	}
	reader_close(reader);
	if (rc != STATUS_END)
		snprintf(text, sizeof(text), "status %d: %s", rc, status_message());
	return text;
}

static int
try_compact(struct logfolder *f, int64_t now_ms, size_t memory)
{
	struct compact_options o = {.now_ms = now_ms, .lock_ms = PROC_PATIENCE_MS, .memory_bytes = memory};

	return compact_partition(&f->p, &o);
}

static void
compact(struct logfolder *f, int64_t now_ms)
{
	assert_ok(try_compact(f, now_ms, KEYMAP_MIN_BYTES));
	assert_int_equal(count_entries("orders/cleaned.0"), 0);
	assert_int_equal(access("orders/cleaned.0", F_OK), -1);
}

static size_t
count_segments(struct logfolder *f)
{
	struct segment_list list;
	size_t count;

	assert_ok(segment_list_read(f->p.dir, &list));
	count = list.count;
	segment_list_free(&list);
	return count;
}

/* The active segment holds what came last. */
static void
roll(struct logfolder *f)
{
	struct log *log;

	assert_ok(log_open(&f->p, &log));
	assert_ok(log_roll(log, soon()));
	assert_ok(log_sync_all(log, soon(), NULL));
	log_close(log);
}

static void
test_the_last_record_of_each_key_stays(void **state)
{
	struct logfolder f;
	size_t before;

	(void)state;
	make(&f);
	store(&f, "a=1 b=1 a=2,b=2,c=1 a=3 d=1 b=3 e=1 a=4");
	before = count_segments(&f);
	assert_true(before >= 3);
	f.p.settings.segment_bytes = 900;
	compact(&f, NOW_MS);
	/* What is in the active segment stays, and does not count yet. */
	assert_string_equal(show(&f), "4:c=1 5:a=3 6:d=1 7:b=3 8:e=1 9:a=4");
	assert_true(count_segments(&f) < before);
	assert_true(head_clean_end(f.p.head, 0) > 0);
	assert_int_equal(head_gap_end(f.p.head, 0), head_clean_end(f.p.head, 0));
	roll(&f);
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "4:c=1 6:d=1 7:b=3 8:e=1 9:a=4");
	store(&f, "f=1 c=2");
	assert_string_equal(show(&f), "4:c=1 6:d=1 7:b=3 8:e=1 9:a=4 10:f=1 11:c=2");
	reboot();
	assert_false(recover_it(&f).damaged);
	assert_string_equal(show(&f), "4:c=1 6:d=1 7:b=3 8:e=1 9:a=4 10:f=1 11:c=2");
	/* A copy knows less of what is durable. */
	logfolder_close(&f);
	replace_by_copy();
	open_compacted(&f);
	assert_false(recover_it(&f).damaged);
	assert_string_equal(show(&f), "4:c=1 6:d=1 7:b=3 8:e=1 9:a=4 10:f=1 11:c=2");
	logfolder_close(&f);
}

static void
test_a_record_without_key_goes(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, "a=1 =x b=1 =y,c=1");
	roll(&f);
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "0:a=1 2:b=1 4:c=1");
	logfolder_close(&f);
}

/* KIP-534: the first round says when it may go, a later one takes it. */
static void
test_a_tombstone_waits_for_its_horizon(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, "a=1 b=1 a= c=1");
	roll(&f);
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "1:b=1 2:a= 3:c=1");
	store(&f, "d=1");
	roll(&f);
	compact(&f, NOW_MS + 999);
	assert_string_equal(show(&f), "1:b=1 2:a= 3:c=1 4:d=1");
	store(&f, "e=1");
	roll(&f);
	compact(&f, NOW_MS + 1000);
	assert_string_equal(show(&f), "1:b=1 3:c=1 4:d=1 5:e=1");
	logfolder_close(&f);
}

static void
test_nothing_is_done_before_enough_is_dirty(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	f.p.settings.min_dirty_ratio = 0.5;
	store(&f, "a=1 b=1 c=1 d=1 e=1 f=1 g=1");
	roll(&f);
	compact(&f, NOW_MS);
	assert_int_equal(head_clean_end(f.p.head, 0), 7);
	store(&f, "a=2 b=2 c=2");
	roll(&f);
	compact(&f, NOW_MS);
	assert_int_equal(head_clean_end(f.p.head, 0), 7);
	assert_string_equal(show(&f), "0:a=1 1:b=1 2:c=1 3:d=1 4:e=1 5:f=1 6:g=1 7:a=2 8:b=2 9:c=2");
	f.p.settings.min_dirty_ratio = 0.2;
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "3:d=1 4:e=1 5:f=1 6:g=1 7:a=2 8:b=2 9:c=2");
	logfolder_close(&f);
}

static void
test_what_is_young_stays(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	f.p.settings.min_compaction_lag_ms = 100;
	store(&f, "a=1 a=2 a=3");
	roll(&f);
	compact(&f, 599); /* all are of 500 */
	assert_string_equal(show(&f), "0:a=1 1:a=2 2:a=3");
	compact(&f, 600);
	assert_string_equal(show(&f), "2:a=3");
	logfolder_close(&f);
}

/* More keys than there is room for at once: several rounds, the same result. */
static void
test_many_keys_take_several_rounds(void **state)
{
	struct logfolder f;
	struct log *log;
	char words[128];

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 20000;
	assert_ok(log_open(&f.p, &log));
	for (int i = 0; i < 3000; i++) {
		struct batch_builder b;
		int64_t offset;

		snprintf(words, sizeof(words), "a-key-that-is-somewhat-long-%d=%d", i % 2500, i);
		add_words(&b, words);
		assert_ok(log_append(log, &b.bytes, soon(), &offset));
		batch_builder_free(&b);
	}
	assert_ok(log_sync_all(log, soon(), NULL));
	log_close(log);
	roll(&f);
	compact(&f, NOW_MS);
	assert_non_null(strstr(show(&f), "500:a-key-that-is-somewhat-long-500=500 501:"));
	assert_ptr_equal(strstr(show(&f), "500:a-key"), show(&f));
	assert_non_null(strstr(show(&f), " 2999:a-key-that-is-somewhat-long-499=2999"));
	assert_int_equal(head_clean_end(f.p.head, 0), 3000);
	logfolder_close(&f);
}

static void
store_of_producer(struct logfolder *f, int64_t id, int32_t sequence, int count)
{
	struct batch_builder b;

	make_batch(&b,
	    &(struct batch_spec){.count = count,
		.timestamp_ms = 500,
		.has_producer = true,
		.producer_id = id,
		.producer_epoch = 3,
		.sequence = sequence});
	append_builder(f, &b);
}

static void
test_the_last_batch_of_a_producer_stays_emptied(void **state)
{
	struct logfolder f;
	struct producers ps = {NULL, 0, 0};

	(void)state;
	make(&f);
	store_of_producer(&f, 7, 0, 2);
	store_of_producer(&f, 7, 2, 2);
	store_of_producer(&f, 8, 0, 2);
	roll(&f);
	compact(&f, NOW_MS);
	assert_int_equal(unlink(segment_path(6, SUFFIX_SNAPSHOT)), 0);
	assert_ok(producers_at(&f.p, 6, &ps));
	assert_int_equal(ps.count, 2);
	assert_int_equal(producers_find(&ps, 7)->last_sequence, 3);
	assert_int_equal(producers_find(&ps, 7)->last_offset, 3);
	assert_int_equal(producers_find(&ps, 7)->epoch, 3);
	assert_int_equal(producers_find(&ps, 8)->last_sequence, 1);
	producers_free(&ps);
	assert_string_equal(show(&f), "4:k0=record 0 5:k1=record 1");
	logfolder_close(&f);
}

static void
append_transactional(struct logfolder *f, int64_t id, const char *words)
{
	char copy[256];
	struct batch_builder b;

	snprintf(copy, sizeof(copy), "%s", words);
	add_words(&b, copy);
	be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, BATCH_TRANSACTIONAL);
	be64enc(b.bytes.data + BATCH_PRODUCER_ID_AT, (uint64_t)id);
	be16enc(b.bytes.data + BATCH_PRODUCER_EPOCH_AT, 0);
	be32enc(b.bytes.data + BATCH_BASE_SEQUENCE_AT, 0);
	batch_fix_crc(b.bytes.data);
	append_builder(f, &b);
}

static void
append_marker(struct logfolder *f, int64_t id, int type)
{
	struct batch_builder b;

	make_marker(&b, &(struct batch_spec){.producer_id = id, .timestamp_ms = 500}, type, 0);
	append_builder(f, &b);
}

/* How many batches are in all closed segments: controls, and all. */
static int
count_batches(struct logfolder *f, bool control)
{
	struct segment_list list;
	int count = 0;

	assert_ok(segment_list_read(f->p.dir, &list));
	for (size_t i = 0; i < list.count; i++) {
		int fd = open(segment_path(list.bases[i], SUFFIX_LOG), O_RDONLY | O_CLOEXEC);
		struct segment_scanner scanner;
		struct batch_header h;
		const uint8_t *bytes;

		segment_scanner_init(&scanner, fd, list.bases[i], 0, size_of_file(segment_path(list.bases[i], SUFFIX_LOG)));
		while (segment_scanner_next(&scanner, &h, &bytes) == STATUS_OK)
			count += ((h.attributes & BATCH_CONTROL) != 0) == control && h.record_count > 0;
		segment_scanner_free(&scanner);
		close(fd);
	}
	segment_list_free(&list);
	return count;
}

static void
test_aborted_data_goes_and_its_marker_later(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, "a=1 b=1");
	append_transactional(&f, 5, "a=lost,x=lost");
	append_transactional(&f, 6, "b=2");
	append_marker(&f, 5, CONTROL_ABORT);
	append_marker(&f, 6, CONTROL_COMMIT);
	append_transactional(&f, 5, "y=1"); /* or the aborted batch would stay, emptied, as its producer's last */
	append_marker(&f, 5, CONTROL_COMMIT);
	store(&f, "z=1");
	roll(&f);
	compact(&f, NOW_MS);
	/* The aborted record hides nothing. */
	assert_string_equal(show(&f), "0:a=1 4:b=2 7:y=1 9:z=1");
	assert_int_equal(count_batches(&f, true), 3);
	store(&f, "z=2");
	roll(&f);
	compact(&f, NOW_MS); /* no data is left before the abort: it gets its horizon */
	assert_int_equal(count_batches(&f, true), 3);
	store(&f, "z=3");
	roll(&f);
	compact(&f, NOW_MS + 1000);
	assert_int_equal(count_batches(&f, true), 2);
	assert_string_equal(show(&f), "0:a=1 4:b=2 7:y=1 11:z=3");
	logfolder_close(&f);
}

static void
test_an_open_transaction_stays(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, "a=1 a=2");
	roll(&f);
	append_transactional(&f, 5, "a=3");
	store(&f, "a=4 a=5");
	roll(&f);
	compact(&f, NOW_MS);
	append_marker(&f, 5, CONTROL_ABORT);
	roll(&f);
	assert_string_equal(show(&f), "1:a=2 3:a=4 4:a=5");
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "4:a=5");
	logfolder_close(&f);
}

static void
test_compressed_batches_stay_compressed(void **state)
{
	struct logfolder f;

	(void)state;
	for (int codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct batch_builder b;
		struct buf packed = BUF_EMPTY;
		struct log *log;
		int64_t offset;
		int fd;
		uint8_t bytes[BATCH_HEADER_BYTES];

		make(&f);
		assert_ok(log_open(&f.p, &log));
		for (int i = 0; i < 3; i++) {
			char words[64];

			snprintf(words, sizeof(words), "a=%d,k%d=v,b=%d", i, i, i);
			add_words(&b, words);
			buf_clear(&packed);
			assert_ok(batch_compress(&b.bytes, (enum codec)codec, CODEC_DEFAULT_LEVEL, &packed));
			assert_ok(log_append(log, &packed, soon(), &offset));
			batch_builder_free(&b);
		}
		buf_free(&packed);
		log_close(log);
		roll(&f);
		compact(&f, NOW_MS);
		assert_string_equal(show(&f), "1:k0=v 4:k1=v 6:a=2 7:k2=v 8:b=2");
		fd = open(segment_path(0, SUFFIX_LOG), O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
		close(fd);
		assert_int_equal(header_of(bytes).attributes, codec);
		assert_int_equal(header_of(bytes).base_offset, 0);
		assert_int_equal(header_of(bytes).last_offset_delta, 2);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

#define MANY "a=1 b=1 c=1 a=2 b=2 c=2 a=3 b=3 d=1 a=4 e=1 b=4 f=1 a=5 g=1 h=1 a=6 i=1 b=5"
#define LEFT "5:c=2 8:d=1 10:e=1 12:f=1 14:g=1 15:h=1 16:a=6 17:i=1 18:b=5"

static int
compact_once(void)
{
	struct logfolder f;
	int rc;

	open_compacted(&f);
	f.p.settings.segment_bytes = 900;
	rc = try_compact(&f, NOW_MS, KEYMAP_MIN_BYTES);
	logfolder_close(&f);
	return rc == STATUS_OK ? 0 : 1;
}

/* Every record that must be there is, whatever else: the last value of each key. */
static void
assert_all_latest(struct logfolder *f)
{
	static const char *const latest[] = {"5:c=2", "8:d=1", "10:e=1", "12:f=1", "14:g=1", "15:h=1", "16:a=6", "17:i=1",
	    "18:b=5"};
	const char *text = show(f);
	long last = -1;

	for (size_t i = 0; i < COUNT_OF(latest); i++)
		assert_non_null(strstr(text, latest[i]));
	/* And offsets ascend. */
	for (const char *p = text; p != NULL; p = strchr(p, ' ')) {
		long offset = strtol(p, NULL, 10);

		assert_true(offset > last);
		last = offset;
		p += *p == ' ';
	}
}

static void
test_killed_at_any_point(void **state)
{
	static const char *const points[] = {"compact.written", "compact.renamed", "head.gap_end.raised", "head.clean_end.raised",
	    "retention.unlinked"};
	struct logfolder f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		bool died = true;

		for (int k = 1; died; k++) {
			char point[64];

			make(&f);
			store(&f, MANY);
			roll(&f);
			snprintf(point, sizeof(point), "%s:%d", points[i], k);
			died = dies_at(point, compact_once);
			assert_all_latest(&f);
			if (k % 2 == 0) {
				reboot();
				assert_false(recover_it(&f).damaged);
				assert_all_latest(&f);
			}
			if (k % 3 == 0) {
				logfolder_close(&f);
				replace_by_copy();
				open_compacted(&f);
				assert_false(recover_it(&f).damaged);
				assert_all_latest(&f);
				assert_int_equal(system("rm -rf original"), 0);
			}
			assert_int_equal(compact_once(), 0);
			assert_string_equal(show(&f), LEFT);
			assert_int_equal(access("orders/cleaned.0", F_OK), -1);
			assert_true(count_segments(&f) <= 3);
			store(&f, "j=1");
			assert_string_equal(show(&f), LEFT " 19:j=1");
			logfolder_close(&f);
			assert_int_equal(system("rm -rf orders"), 0);
		}
	}
}

static void
test_every_call_of_the_disk_fails(void **state)
{
	struct logfolder f;

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		make(&f);
		store(&f, MANY);
		roll(&f);
		f.p.settings.segment_bytes = 900;
		iofault_at(k, k % 2 == 0 ? EIO : ENOSPC, NULL);
		rc = try_compact(&f, NOW_MS, KEYMAP_MIN_BYTES);
		if (iofault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 10);
			logfolder_close(&f);
			break;
		}
		assert_true(rc == STATUS_IO || rc == STATUS_AGAIN || rc == STATUS_OK);
		assert_all_latest(&f);
		assert_ok(try_compact(&f, NOW_MS, KEYMAP_MIN_BYTES));
		assert_string_equal(show(&f), LEFT);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_no_memory(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, MANY);
	roll(&f);
	f.p.settings.segment_bytes = 900;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = try_compact(&f, NOW_MS, KEYMAP_MIN_BYTES);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_true(rc == STATUS_AGAIN || rc == STATUS_OK);
		assert_all_latest(&f);
	}
	assert_string_equal(show(&f), LEFT);
	logfolder_close(&f);
}

/* Readers that stand anywhere when the files change under them see every last record behind them. */
static void
test_open_readers_miss_nothing(void **state)
{
	struct logfolder f;

	(void)state;
	for (int at = 0; at < 19; at++) {
		struct reader *reader;
		struct batch_view view;
		int64_t start, end, last = -1;
		static const int64_t latest[] = {5, 8, 10, 12, 14, 15, 16, 17, 18};
		size_t next = 0;

		make(&f);
		store(&f, MANY);
		roll(&f);
		assert_ok(reader_open(&f.p, &reader));
		assert_ok(reader_bounds(reader, &start, &end, NULL));
		reader_seek(reader, 0);
		for (int i = 0; i <= at; i++) {
			assert_ok(reader_next(reader, end, &view));
			last = view.header.base_offset;
		}
		assert_int_equal(compact_once(), 0);
		while (next < COUNT_OF(latest) && latest[next] <= last)
			next++;
		while (reader_next(reader, end, &view) == STATUS_OK) {
			assert_true(view.header.base_offset > last);
			last = view.header.base_offset;
			if (next < COUNT_OF(latest) && last == latest[next])
				next++;
			assert_true(next == COUNT_OF(latest) || last < latest[next]);
		}
		assert_int_equal(next, COUNT_OF(latest));
		reader_close(reader);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_damage_stops_it(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	store(&f, MANY);
	roll(&f);
	flip_byte(segment_path(0, SUFFIX_LOG), size_of_file(segment_path(0, SUFFIX_LOG)) - 3);
	assert_status(try_compact(&f, NOW_MS, KEYMAP_MIN_BYTES), STATUS_IO);
	assert_int_equal(head_clean_end(f.p.head, 0), 0);
	assert_int_equal(head_gap_end(f.p.head, 0), 0);
	logfolder_close(&f);
}

static void
test_another_at_it_is_left_alone(void **state)
{
	struct logfolder f, other;

	(void)state;
	make(&f);
	store(&f, "a=1 a=2");
	roll(&f);
	open_compacted(&other);
	assert_true(lock_try(other.p.lock, LOCK_BYTE_COMPACTION(0)));
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "0:a=1 1:a=2");
	lock_drop(other.p.lock, LOCK_BYTE_COMPACTION(0));
	compact(&f, NOW_MS);
	assert_string_equal(show(&f), "1:a=2");
	logfolder_close(&other);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_the_last_record_of_each_key_stays),
	    unit_test(test_a_record_without_key_goes),
	    unit_test(test_a_tombstone_waits_for_its_horizon),
	    unit_test(test_nothing_is_done_before_enough_is_dirty),
	    unit_test(test_what_is_young_stays),
	    unit_test(test_many_keys_take_several_rounds),
	    unit_test(test_the_last_batch_of_a_producer_stays_emptied),
	    unit_test(test_aborted_data_goes_and_its_marker_later),
	    unit_test(test_an_open_transaction_stays),
	    unit_test(test_compressed_batches_stay_compressed),
	    unit_test(test_killed_at_any_point),
	    unit_test(test_every_call_of_the_disk_fails),
	    unit_test(test_no_memory),
	    unit_test(test_open_readers_miss_nothing),
	    unit_test(test_damage_stops_it),
	    unit_test(test_another_at_it_is_left_alone),
	};

	return unit_run(tests);
}

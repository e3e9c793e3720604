#include "log/retention.h"
#include "iofault.h"
#include "log/producers.h"
#include "logwork.h"

/* Six words, each in a segment of its own. */
static void
make(struct logfolder *f)
{
	logfolder_make(f, true);
	f->p.settings.segment_bytes = 14;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	append_words(f, "a b c d e f", true);
}

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

static bool
is_there(int64_t base)
{
	return access(segment_path(base, SUFFIX_LOG), F_OK) == 0;
}

static void
test_segments_before_the_start_are_unlinked(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	assert_ok(retention_trim(&f.p, 0, soon()));
	assert_true(is_there(0));
	assert_ok(retention_trim(&f.p, 1, soon()));
	assert_false(is_there(0));
	assert_true(is_there(1));
	assert_string_equal(read_all(&f), "1=b 2=c 3=d 4=e 5=f");
	assert_ok(retention_trim(&f.p, 4, soon()));
	assert_string_equal(read_all(&f), "4=e 5=f");
	assert_int_equal(head_log_start(f.p.head, 0), 4);
	assert_ok(retention_trim(&f.p, 2, soon())); /* it never falls */
	assert_int_equal(head_log_start(f.p.head, 0), 4);
	/* All of it: the active segment stays. */
	assert_ok(retention_trim(&f.p, 6, soon()));
	assert_string_equal(read_all(&f), "");
	assert_true(is_there(5));
	append_words(&f, "g", true);
	assert_string_equal(read_all(&f), "6=g");
	logfolder_close(&f);
}

static void
test_a_start_within_a_segment_unlinks_nothing_of_it(void **state)
{
	struct logfolder f;

	(void)state;
	logfolder_make(&f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	append_words(&f, "a b c", true);
	assert_ok(retention_trim(&f.p, 2, soon()));
	assert_true(is_there(0));
	assert_string_equal(read_all(&f), "2=c");
	logfolder_close(&f);
}

static void
test_nothing_is_left_of_an_unlinked_segment(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	f.p.settings.index_interval_bytes = 0;
	unit_write(segment_path(0, SUFFIX_INDEX), "01234567", 8);
	unit_write(segment_path(0, SUFFIX_TXNINDEX), "of an imported log", 18);
	assert_ok(retention_trim(&f.p, 3, soon()));
	for (int64_t base = 0; base < 3; base++) {
		assert_int_equal(access(segment_path(base, SUFFIX_LOG), F_OK), -1);
		assert_int_equal(access(segment_path(base, SUFFIX_INDEX), F_OK), -1);
		assert_int_equal(access(segment_path(base, SUFFIX_TIMEINDEX), F_OK), -1);
		assert_int_equal(access(segment_path(base, SUFFIX_TXNINDEX), F_OK), -1);
		assert_int_equal(access(segment_path(base, SUFFIX_SNAPSHOT), F_OK), -1);
	}
	logfolder_close(&f);
}

/* What the batches said of their producers is kept before they go. */
static void
test_the_snapshot_is_made_first(void **state)
{
	struct logfolder f;
	struct producers producers = {NULL, 0, 0};

	(void)state;
	make(&f);
	for (int64_t base = 1; base < 6; base++)
		assert_int_equal(unlink(segment_path(base, SUFFIX_SNAPSHOT)), 0);
	iofault_at(1, ENOSPC, "pwrite");
	assert_status(retention_trim(&f.p, 3, soon()), STATUS_AGAIN);
	assert_int_equal(iofault_off(), 1);
	assert_true(is_there(0));
	assert_int_equal(head_log_start(f.p.head, 0), 3);
	assert_ok(retention_trim(&f.p, 3, soon()));
	assert_false(is_there(2));
	assert_ok(producers_read(f.p.dir, 3, &producers));
	producers_free(&producers);
	logfolder_close(&f);
}

static int
trim_to_four(void)
{
	struct logfolder f;

	logfolder_open(&f);
	return retention_trim(&f.p, 4, soon()) == STATUS_OK ? 0 : 1;
}

static void
test_a_trim_that_died_is_finished_by_the_same_again(void **state)
{
	static const char *const points[] = {"head.log_start.raised", "retention.unlinked", "retention.unlinked:2",
	    "retention.unlinked:5", "retention.unlinked:9"};
	struct logfolder f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		make(&f);
		assert_true(dies_at(points[i], trim_to_four));
		assert_int_equal(head_log_start(f.p.head, 0), 4);
		assert_string_equal(read_all(&f), "4=e 5=f");
		if (i % 2 == 1) {
			reboot();
			assert_false(recover_it(&f).torn);
			assert_string_equal(read_all(&f), "4=e 5=f");
		}
		assert_ok(retention_trim(&f.p, 4, soon()));
		for (int64_t base = 0; base < 4; base++)
			assert_false(is_there(base));
		append_words(&f, "g", true);
		assert_string_equal(read_all(&f), "4=e 5=f 6=g");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_errors_of_the_disk(void **state)
{
	struct logfolder f;

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		make(&f);
		iofault_at(k, EIO, NULL);
		rc = retention_trim(&f.p, 4, soon());
		if (iofault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 10);
			logfolder_close(&f);
			break;
		}
		assert_status(rc, STATUS_IO);
		assert_string_equal(read_all(&f), "4=e 5=f");
		assert_ok(retention_trim(&f.p, 4, soon()));
		assert_false(is_there(3));
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_one_at_a_time_and_not_beside_a_recovery(void **state)
{
	struct logfolder f, other;
	struct recovery r;

	(void)state;
	make(&f);
	logfolder_open(&other);
	assert_ok(lock_take(other.p.lock, LOCK_BYTE_RETENTION(0), "retention", DEADLINE_NOW));
	assert_status(retention_trim(&f.p, 4, clock_deadline(10)), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "retention lock"));
	assert_int_equal(head_log_start(f.p.head, 0), 0);
	reboot();
	assert_status(recover_partition(&f.p, next_epoch, f.p.head, clock_deadline(10), &r), STATUS_AGAIN);
	lock_drop(other.p.lock, LOCK_BYTE_RETENTION(0));
	(void)recover_it(&f);
	/* Appends and syncs go on beside it. */
	assert_ok(lock_take(other.p.lock, LOCK_BYTE_RETENTION(0), "retention", DEADLINE_NOW));
	append_words(&f, "g", true);
	lock_drop(other.p.lock, LOCK_BYTE_RETENTION(0));
	assert_ok(retention_trim(&f.p, 4, soon()));
	assert_true(lock_try(other.p.lock, LOCK_BYTE_RETENTION(0)));
	logfolder_close(&other);
	logfolder_close(&f);
}

/* A reader has the segment open: it goes on to its end. */
static void
test_an_open_reader_goes_on(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t start, end;

	(void)state;
	logfolder_make(&f, true);
	f.p.settings.segment_bytes = 150;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	append_words(&f, "a b c d", true);
	assert_ok(reader_open(&f.p, &reader));
	assert_ok(reader_bounds(reader, &start, &end, NULL));
	reader_seek(reader, 0);
	assert_ok(reader_next(reader, end, &view));
	assert_ok(retention_trim(&f.p, 2, soon()));
	assert_false(is_there(0));
	assert_ok(reader_next(reader, end, &view));
	assert_int_equal(view.header.base_offset, 1);
	assert_ok(reader_next(reader, end, &view));
	assert_int_equal(view.header.base_offset, 2);
	/* Who comes later is told. */
	reader_seek(reader, 0);
	assert_status(reader_next(reader, end, &view), STATUS_MISSING);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_no_memory(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	for (int64_t base = 1; base < 6; base++)
		assert_int_equal(unlink(segment_path(base, SUFFIX_SNAPSHOT)), 0);
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = retention_trim(&f.p, 4, soon());
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_string_equal(read_all(&f), "4=e 5=f");
	}
	assert_false(is_there(3));
	logfolder_close(&f);
}

/*
 * What the settings let go.
 */

/* A batch of one record with this time. */
static void
append_at(struct logfolder *f, int64_t timestamp_ms)
{
	struct batch_builder b;
	struct log *log;
	int64_t offset;

	make_batch(&b, &(struct batch_spec){.count = 1, .timestamp_ms = timestamp_ms, .value_bytes = 100});
	assert_ok(log_open(&f->p, &log));
	assert_ok(log_append(log, &b.bytes, soon(), &offset));
	sync_log(log, offset + 1);
	log_close(log);
	batch_builder_free(&b);
}

/* Records of these times, two in a segment, which has SEGMENT bytes. */
#define SEGMENT 350
static void
make_aged(struct logfolder *f, const int64_t *times, size_t count)
{
	logfolder_make(f, true);
	f->p.settings.segment_bytes = SEGMENT;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	for (size_t i = 0; i < count; i++)
		append_at(f, times[i]);
}

static int64_t
due(const struct logfolder *f, int64_t now_ms)
{
	int64_t offset;

	assert_ok(retention_due(&f->p, now_ms, soon(), &offset));
	return offset;
}

static int64_t
start_after_apply(const struct logfolder *f, int64_t now_ms)
{
	assert_ok(retention_apply(&f->p, now_ms));
	return head_log_start(f->p.head, 0);
}

static void
test_nothing_goes_that_no_setting_lets_go(void **state)
{
	static const int64_t times[] = {1000, 1000, 2000, 2000, 3000, 3000};
	struct logfolder f;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	assert_int_equal(due(&f, INT64_MAX), 0);
	assert_int_equal(start_after_apply(&f, INT64_MAX), 0);
	assert_true(is_there(0));
	logfolder_close(&f);
}

/* Kafka's: a segment goes when now - its greatest timestamp is greater than retention.ms. */
static void
test_a_segment_goes_when_all_of_it_is_old(void **state)
{
	static const int64_t times[] = {1000, 2000, 1500, 3000, 4000, 100};
	struct logfolder f;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	f.p.settings.retention_ms = 500;
	assert_int_equal(due(&f, 2500), 0);
	assert_int_equal(due(&f, 2501), 2);
	assert_int_equal(due(&f, 3500), 2);
	assert_int_equal(due(&f, 3501), 4);
	assert_int_equal(due(&f, 4500), 4);
	assert_int_equal(due(&f, 4501), 6);
	assert_int_equal(start_after_apply(&f, 2500), 0);
	assert_true(is_there(0));
	assert_int_equal(start_after_apply(&f, 2501), 2);
	assert_false(is_there(0));
	assert_true(is_there(2));
	/* The active one stays, though all of it is old. */
	assert_int_equal(start_after_apply(&f, 1000000), 4);
	assert_true(is_there(4));
	/* A clock that is set back lets nothing come again. */
	assert_int_equal(start_after_apply(&f, 0), 4);
	logfolder_close(&f);
}

/* A young segment keeps what is behind it, however old that is. */
static void
test_only_the_oldest_segments_go(void **state)
{
	static const int64_t times[] = {1000, 1000, 9000, 1000, 1000, 1000, 1000};
	struct logfolder f;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	f.p.settings.retention_ms = 500;
	assert_int_equal(due(&f, 5000), 2);
	logfolder_close(&f);
}

static void
test_so_many_bytes_are_kept(void **state)
{
	static const int64_t times[] = {1000, 1000, 2000, 2000, 3000, 3000, 4000};
	struct logfolder f;
	int64_t whole, active;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	whole = size_of_file(segment_path(0, SUFFIX_LOG));
	active = size_of_file(segment_path(6, SUFFIX_LOG));
	f.p.settings.retention_bytes = 3 * whole + active;
	assert_int_equal(due(&f, 0), 0);
	f.p.settings.retention_bytes = 2 * whole + active + 1;
	assert_int_equal(due(&f, 0), 0);
	f.p.settings.retention_bytes = 2 * whole + active;
	assert_int_equal(due(&f, 0), 2);
	f.p.settings.retention_bytes = 1;
	assert_int_equal(due(&f, 0), 6);
	assert_int_equal(start_after_apply(&f, 0), 6);
	assert_int_equal(due(&f, 0), 6);
	/* As Kafka has it, the last one goes with 0 only. */
	f.p.settings.retention_bytes = 0;
	assert_int_equal(due(&f, 0), 7);
	assert_int_equal(start_after_apply(&f, 0), 6);
	logfolder_close(&f);
}

/* What a trim has taken away does not count, though its segment is still there. */
static void
test_bytes_before_the_start_do_not_count(void **state)
{
	static const int64_t times[] = {1000, 1000, 2000, 2000, 3000};
	struct logfolder f;
	int64_t whole;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	whole = size_of_file(segment_path(0, SUFFIX_LOG));
	f.p.settings.retention_bytes = whole + 1;
	assert_int_equal(due(&f, 0), 2);
	assert_ok(head_raise_log_start(f.p.head, 0, 2));
	assert_int_equal(due(&f, 0), 2);
	assert_true(is_there(0));
	assert_int_equal(start_after_apply(&f, 0), 2);
	assert_false(is_there(0));
	logfolder_close(&f);
}

static void
test_first_by_size_then_by_time(void **state)
{
	static const int64_t times[] = {9000, 9000, 2000, 2000, 3000, 3000, 4000};
	struct logfolder f;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	f.p.settings.retention_ms = 500;
	assert_int_equal(due(&f, 3000), 0);
	f.p.settings.retention_bytes = 2 * size_of_file(segment_path(0, SUFFIX_LOG)) + 1;
	assert_int_equal(due(&f, 3000), 4);
	logfolder_close(&f);
}

/* No index decides: whatever it says, no young record goes, and no old one stays for it. */
static void
test_a_false_time_index_changes_nothing(void **state)
{
	static const int64_t times[] = {1000, 2000, 3000};
	uint8_t entry[TIMEINDEX_ENTRY_BYTES];
	struct logfolder f;

	(void)state;
	make_aged(&f, times, COUNT_OF(times));
	f.p.settings.retention_ms = 500;
	for (int64_t lie = 0; lie <= 100000; lie += 500) {
		be64enc(entry, (uint64_t)lie);
		be32enc(entry + 8, (uint32_t)(lie / 500 % 3));
		unit_write(segment_path(0, SUFFIX_TIMEINDEX), entry, sizeof(entry));
		assert_int_equal(due(&f, 2500), 0);
		assert_int_equal(due(&f, 2501), 2);
	}
	assert_int_equal(unlink(segment_path(0, SUFFIX_TIMEINDEX)), 0);
	assert_int_equal(due(&f, 2500), 0);
	assert_int_equal(due(&f, 2501), 2);
	logfolder_close(&f);
}

static void
set_file_time(const char *path, int64_t ms)
{
	struct timespec times[2] = {{.tv_sec = ms / 1000}, {.tv_sec = ms / 1000}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Without timestamps the file's own time counts; beside a damaged batch both do. */
static void
test_the_time_of_the_file(void **state)
{
	static const int64_t none[] = {-1, -1, -1}, some[] = {4000, 4000, 9000};
	struct logfolder f;

	(void)state;
	make_aged(&f, none, COUNT_OF(none));
	f.p.settings.retention_ms = 500;
	set_file_time(segment_path(0, SUFFIX_LOG), 2000);
	assert_int_equal(due(&f, 2500), 0);
	assert_int_equal(due(&f, 2501), 2);
	logfolder_close(&f);
	assert_int_equal(system("rm -rf orders"), 0);
	make_aged(&f, some, COUNT_OF(some));
	f.p.settings.retention_ms = 500;
	flip_byte(segment_path(0, SUFFIX_LOG), size_of_file(segment_path(0, SUFFIX_LOG)) - 5);
	assert_int_equal(unlink(segment_path(0, SUFFIX_TIMEINDEX)), 0);
	set_file_time(segment_path(0, SUFFIX_LOG), 2000);
	assert_int_equal(due(&f, 4500), 0);
	assert_int_equal(due(&f, 4501), 2);
	set_file_time(segment_path(0, SUFFIX_LOG), 6000);
	assert_int_equal(due(&f, 4501), 0);
	assert_int_equal(due(&f, 6501), 2);
	logfolder_close(&f);
}

/* A log must not end before its start after a power cut. */
static void
test_what_is_not_durable_stays(void **state)
{
	struct logfolder f;

	(void)state;
	logfolder_make(&f, false);
	f.p.settings.segment_bytes = 14;
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	append_words(&f, "a b", true);
	append_words(&f, "c d e", false);
	f.p.settings.retention_ms = 0;
	assert_int_equal(due(&f, INT64_MAX), 5);
	/* Each roll made durable all but the last two segments. */
	assert_int_equal(head_synced_end(f.p.head, 0), 3);
	assert_int_equal(start_after_apply(&f, INT64_MAX), 3);
	assert_string_equal(read_all(&f), "3=d 4=e");
	logfolder_close(&f);
}

/* One who died, or fails, in the middle of a roll has made a segment that is taken back: the one before it is the active one still. */
static void
test_the_active_segment_stays_though_a_later_one_is_there(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	unit_write(segment_path(6, SUFFIX_LOG), "", 0);
	f.p.settings.retention_ms = 0;
	assert_int_equal(start_after_apply(&f, INT64_MAX), 5);
	assert_true(is_there(5));
	assert_ok(retention_trim(&f.p, 6, soon()));
	assert_true(is_there(5));
	assert_ok(head_set_appender(f.p.head, 0, true));
	append_words(&f, "g", true);
	assert_string_equal(read_all(&f), "6=g");
	logfolder_close(&f);
}

static void
test_what_a_killed_trim_left_is_removed(void **state)
{
	struct logfolder f;

	(void)state;
	for (int k = 1;; k++) {
		char point[64];
		bool died;

		make(&f);
		snprintf(point, sizeof(point), "retention.unlinked:%d", k);
		died = dies_at(point, trim_to_four);
		assert_ok(retention_apply(&f.p, 0));
		assert_string_equal(read_all(&f), "4=e 5=f");
		for (int64_t base = 0; base < 4; base++) {
			assert_int_equal(access(segment_path(base, SUFFIX_LOG), F_OK), -1);
			assert_int_equal(access(segment_path(base, SUFFIX_INDEX), F_OK), -1);
			assert_int_equal(access(segment_path(base, SUFFIX_TIMEINDEX), F_OK), -1);
			assert_int_equal(access(segment_path(base, SUFFIX_SNAPSHOT), F_OK), -1);
		}
		assert_int_equal(access(segment_path(4, SUFFIX_SNAPSHOT), F_OK), 0);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
		if (!died) {
			assert_true(k > 4 * 4);
			break;
		}
	}
}

static void
test_another_that_is_at_it_is_left_alone(void **state)
{
	struct logfolder f, other;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.retention_bytes = 1;
	logfolder_open(&other);
	assert_ok(lock_take(other.p.lock, LOCK_BYTE_RETENTION(0), "retention", DEADLINE_NOW));
	assert_int_equal(start_after_apply(&f, 0), 0);
	assert_status(retention_due(&f.p, 0, clock_deadline(10), &offset), STATUS_AGAIN);
	append_words(&f, "g", true); /* a roll, which does not wait for it */
	assert_int_equal(head_log_start(f.p.head, 0), 0);
	lock_drop(other.p.lock, LOCK_BYTE_RETENTION(0));
	assert_int_equal(start_after_apply(&f, 0), 6);
	assert_true(lock_try(other.p.lock, LOCK_BYTE_RETENTION(0)));
	logfolder_close(&other);
	logfolder_close(&f);
}

static void
test_a_roll_lets_go_what_is_due(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=d 4=e 5=f");
	f.p.settings.retention_bytes = 2 * size_of_file(segment_path(5, SUFFIX_LOG));
	append_words(&f, "g", true);
	assert_string_equal(read_all(&f), "5=f 6=g");
	assert_false(is_there(4));
	logfolder_close(&f);
}

static int
roll_and_apply(void)
{
	struct logfolder f;
	struct log *log;

	logfolder_open(&f);
	f.p.settings.retention_ms = 0;
	return log_open(&f.p, &log) == STATUS_OK && log_roll(log, soon()) == STATUS_OK &&
		log_sync_all(log, soon(), NULL) == STATUS_OK && retention_apply(&f.p, INT64_MAX) == STATUS_OK
	    ? 0
	    : 1;
}

/* All of a log goes, and its offsets never come again, not even after a death anywhere and a power cut. */
static void
test_an_emptied_log_goes_on_with_its_offsets(void **state)
{
	static const char *const points[] = {"none", "log.roll.made", "head.publish.filled", "head.publish.counted",
	    "head.log_start.raised", "retention.unlinked", "retention.unlinked:5", "retention.unlinked:30"};
	struct logfolder f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		make(&f);
		assert_int_equal(dies_at(points[i], roll_and_apply), i > 0);
		reboot();
		assert_false(recover_it(&f).torn);
		assert_int_equal(dies_at("none", roll_and_apply), false);
		assert_string_equal(read_all(&f), "");
		assert_int_equal(head_log_start(f.p.head, 0), 6);
		reboot();
		assert_false(recover_it(&f).damaged);
		append_words(&f, "g h", true);
		assert_string_equal(read_all(&f), "6=g 7=h");
		reboot();
		assert_false(recover_it(&f).damaged);
		assert_string_equal(read_all(&f), "6=g 7=h");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_due_errors_of_the_disk_and_no_memory(void **state)
{
	struct logfolder f;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.retention_ms = 0;
	for (long n = 0;; n++) {
		unit_oom_after(n);
		offset = retention_due(&f.p, INT64_MAX, soon(), &offset);
		if (unit_oom_off() == 0) {
			assert_ok((int)offset);
			assert_true(n > 3);
			break;
		}
		assert_status((int)offset, STATUS_AGAIN);
	}
	assert_int_equal(unlink(segment_path(2, SUFFIX_LOG)), 0);
	assert_int_equal(mkdir(segment_path(2, SUFFIX_LOG), 0700), 0);
	assert_status(retention_due(&f.p, INT64_MAX, soon(), &offset), STATUS_IO);
	assert_status(retention_apply(&f.p, INT64_MAX), STATUS_IO);
	assert_int_equal(head_log_start(f.p.head, 0), 0);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_segments_before_the_start_are_unlinked),
	    unit_test(test_a_start_within_a_segment_unlinks_nothing_of_it),
	    unit_test(test_nothing_is_left_of_an_unlinked_segment),
	    unit_test(test_the_snapshot_is_made_first),
	    unit_test(test_a_trim_that_died_is_finished_by_the_same_again),
	    unit_test(test_errors_of_the_disk),
	    unit_test(test_one_at_a_time_and_not_beside_a_recovery),
	    unit_test(test_an_open_reader_goes_on),
	    unit_test(test_no_memory),
	    unit_test(test_nothing_goes_that_no_setting_lets_go),
	    unit_test(test_a_segment_goes_when_all_of_it_is_old),
	    unit_test(test_only_the_oldest_segments_go),
	    unit_test(test_so_many_bytes_are_kept),
	    unit_test(test_bytes_before_the_start_do_not_count),
	    unit_test(test_first_by_size_then_by_time),
	    unit_test(test_a_false_time_index_changes_nothing),
	    unit_test(test_the_time_of_the_file),
	    unit_test(test_what_is_not_durable_stays),
	    unit_test(test_the_active_segment_stays_though_a_later_one_is_there),
	    unit_test(test_what_a_killed_trim_left_is_removed),
	    unit_test(test_another_that_is_at_it_is_left_alone),
	    unit_test(test_a_roll_lets_go_what_is_due),
	    unit_test(test_an_emptied_log_goes_on_with_its_offsets),
	    unit_test(test_due_errors_of_the_disk_and_no_memory),
	};

	return unit_run(tests);
}

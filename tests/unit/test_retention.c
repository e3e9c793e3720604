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
	};

	return unit_run(tests);
}

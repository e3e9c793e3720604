#include "log/partition.h"
#include <sys/resource.h>

#include "logwork.h"

static struct head_end
end_of(struct logfolder *f)
{
	struct head_end end;
	uint64_t generation;

	assert_true(partition_page_is_current(&f->p, &end, &generation));
	return end;
}

static void
test_a_new_page_is_current_and_verifies(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	end = end_of(&f);
	assert_ok(partition_verify_end(&f.p, &end, false));
	assert_ok(partition_verify_end(&f.p, &end, true));
	logfolder_close(&f);
}

static void
test_a_page_is_current_only_with_all_signs(void **state)
{
	struct logfolder f;
	struct head_end end;
	uint64_t generation, word;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3});
	publish_all(&f);
	assert_true(partition_page_is_current(&f.p, &end, &generation));
	assert_int_equal(generation, 2);
	assert_int_equal(end.end_offset, 3);

	poke(1, AT_GENERATION, 3);
	assert_false(partition_page_is_current(&f.p, &end, &generation));
	assert_int_equal(generation, 3);
	poke(1, AT_GENERATION, 2);

	word = peek(1, AT_BOOT_ID);
	poke(1, AT_BOOT_ID, word + 1);
	assert_false(partition_page_is_current(&f.p, &end, &generation));
	poke(1, AT_BOOT_ID, word);

	word = peek(1, AT_SLOTS + SLOT_BYTES);
	poke(1, AT_SLOTS + SLOT_BYTES, word + 1);
	assert_false(partition_page_is_current(&f.p, &end, &generation));
	poke(1, AT_SLOTS + SLOT_BYTES, word);
	assert_true(partition_page_is_current(&f.p, &end, &generation));
	logfolder_close(&f);

	replace_by_copy();
	logfolder_open(&f);
	assert_false(partition_page_is_current(&f.p, &end, &generation));
	logfolder_close(&f);
}

/* What lies behind the end matters to an appender only; a byte less than the end to everybody. */
static void
test_the_size_is_the_end_to_the_byte(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3});
	publish_all(&f);
	end = end_of(&f);
	assert_ok(partition_verify_end(&f.p, &end, true));
	cut_file(segment_path(0, SUFFIX_LOG), end.end_position + 1);
	assert_status(partition_verify_end(&f.p, &end, true), STATUS_RECOVER);
	assert_ok(partition_verify_end(&f.p, &end, false));
	cut_file(segment_path(0, SUFFIX_LOG), end.end_position - 1);
	assert_status(partition_verify_end(&f.p, &end, true), STATUS_RECOVER);
	assert_status(partition_verify_end(&f.p, &end, false), STATUS_RECOVER);
	logfolder_close(&f);
}

static void
test_the_same_for_an_empty_segment(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "x", 1);
	end = end_of(&f);
	assert_ok(partition_verify_end(&f.p, &end, false));
	assert_status(partition_verify_end(&f.p, &end, true), STATUS_RECOVER);
	end.end_offset = 1;
	assert_status(partition_verify_end(&f.p, &end, false), STATUS_RECOVER);
	end.end_offset = 0;
	end.end_position = 1;
	assert_status(partition_verify_end(&f.p, &end, false), STATUS_RECOVER);
	logfolder_close(&f);
}

static void
test_each_byte_of_the_last_batch_counts(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 2});
	publish_all(&f);
	end = end_of(&f);
	assert_true(end.last_position > 0);
	for (int64_t at = end.last_position; at < end.end_position; at++) {
		/* The leader epoch is outside of Kafka's CRC, and says nothing of the end. */
		if (at >= end.last_position + BATCH_LEADER_EPOCH_AT && at < end.last_position + BATCH_MAGIC_AT)
			continue;
		flip_byte(segment_path(0, SUFFIX_LOG), at);
		assert_status(partition_verify_end(&f.p, &end, false), STATUS_RECOVER);
		flip_byte(segment_path(0, SUFFIX_LOG), at);
	}
	/* The batch before it is none of its business. */
	flip_byte(segment_path(0, SUFFIX_LOG), end.last_position - 1);
	assert_ok(partition_verify_end(&f.p, &end, true));
	logfolder_close(&f);
}

static void
test_an_end_that_is_not_that_of_the_batch(void **state)
{
	struct logfolder f;
	struct head_end end, bad;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 1});
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 2});
	publish_all(&f);
	end = bad = end_of(&f);
	bad.end_offset--;
	assert_status(partition_verify_end(&f.p, &bad, false), STATUS_RECOVER);
	bad = end;
	bad.last_position = 0; /* two batches, not one */
	assert_status(partition_verify_end(&f.p, &bad, false), STATUS_RECOVER);
	bad = end;
	bad.last_position = bad.end_position;
	assert_status(partition_verify_end(&f.p, &bad, false), STATUS_RECOVER);
	bad.last_position = bad.end_position + 1;
	assert_status(partition_verify_end(&f.p, &bad, false), STATUS_RECOVER);
	bad = end;
	bad.segment_base = 3; /* no such segment */
	assert_status(partition_verify_end(&f.p, &bad, false), STATUS_RECOVER);
	logfolder_close(&f);
}

static void
test_a_segment_that_begins_at_the_end(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3});
	publish_all(&f);
	end = end_of(&f);
	unit_write(segment_path(3, SUFFIX_LOG), "", 0);
	assert_status(partition_verify_end(&f.p, &end, true), STATUS_RECOVER);
	assert_ok(partition_verify_end(&f.p, &end, false));
	logfolder_close(&f);
}

static void
test_damage_is_found_once(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3});
	publish_all(&f);
	end = end_of(&f);
	cut_file(segment_path(0, SUFFIX_LOG), 10);
	assert_status(partition_verify_end(&f.p, &end, false), STATUS_RECOVER);
	assert_ok(head_raise_poison(f.p.head, 0, HEAD_DAMAGED));
	assert_ok(partition_verify_end(&f.p, &end, false));
	assert_ok(partition_verify_end(&f.p, &end, true));
	logfolder_close(&f);
}

/* Else a healthy partition would be rebuilt under those who wait for their sync. */
static void
test_what_cannot_be_read_is_no_reason_to_recover(void **state)
{
	struct logfolder f;
	struct head_end end;
	struct rlimit few, before;

	(void)state;
	logfolder_make(&f, true);
	put_batch(0, &(struct batch_spec){.count = 3});
	publish_all(&f);
	end = end_of(&f);
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = partition_verify_end(&f.p, &end, true);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			assert_true(n > 0);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)proc_next_descriptor();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_status(partition_verify_end(&f.p, &end, true), STATUS_AGAIN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_ok(partition_verify_end(&f.p, &end, true));
	logfolder_close(&f);
}

static int
sleep_for_ever(void *arg)
{
	(void)arg;
	while (pause() != 0)
		continue;
	return 0;
}

static void
name_the_holder(struct logfolder *f, pid_t pid)
{
	poke(1, AT_APPENDER, (uint64_t)1234 << 32 | (uint32_t)pid);
	assert_status(partition_lock_busy(&f->p), STATUS_AGAIN);
}

static void
test_who_holds_the_append_lock_is_told(void **state)
{
	struct logfolder f;
	char want[128];
	pid_t pid = proc_start(sleep_for_ever, NULL);
	int how;

	(void)state;
	logfolder_make(&f, true);
	assert_status(partition_lock_busy(&f.p), STATUS_AGAIN);
	assert_string_equal(status_message(), "append lock: held by another process");

	name_the_holder(&f, pid);
	snprintf(want, sizeof(want), "append lock: held by process %d of user 1234 (running)", (int)pid);
	assert_string_equal(status_message(), want);

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	name_the_holder(&f, pid);
	snprintf(want, sizeof(want), "append lock: held by process %d of user 1234 (stopped)", (int)pid);
	assert_string_equal(status_message(), want);

	assert_int_equal(proc_kill(pid), 128 + SIGKILL);
	name_the_holder(&f, pid);
	assert_non_null(strstr(status_message(), "(gone)"));
	logfolder_close(&f);
}

static int
tell_its_name(void *arg)
{
	int *pipe_ends = arg;

	/* A process may give itself any name. */
	if (prctl(PR_SET_NAME, ") Z 1 (x") != 0)
		return 1;
	proc_tell(pipe_ends[1]);
	return sleep_for_ever(NULL);
}

static void
test_a_name_made_to_deceive(void **state)
{
	struct logfolder f;
	int pipe_ends[2];
	pid_t pid;

	(void)state;
	logfolder_make(&f, true);
	assert_int_equal(pipe(pipe_ends), 0);
	pid = proc_start(tell_its_name, pipe_ends);
	assert_true(proc_hear(pipe_ends[0]));
	name_the_holder(&f, pid);
	assert_non_null(strstr(status_message(), "(running)"));
	(void)proc_kill(pid);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	logfolder_close(&f);
}

static void
test_lock_bytes_do_not_overlap(void **state)
{
	int64_t last = LOCK_BYTE_TOPIC;

	(void)state;
	for (int p = 0; p < 3; p++) {
		assert_int_equal(LOCK_BYTE_APPEND(p), ++last);
		for (int slot = 0; slot < SYNC_SLOTS; slot++)
			assert_int_equal(LOCK_BYTE_SYNC(p, slot), ++last);
		assert_int_equal(LOCK_BYTE_RETENTION(p), last);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_new_page_is_current_and_verifies),
	    unit_test(test_a_page_is_current_only_with_all_signs),
	    unit_test(test_the_size_is_the_end_to_the_byte),
	    unit_test(test_the_same_for_an_empty_segment),
	    unit_test(test_each_byte_of_the_last_batch_counts),
	    unit_test(test_an_end_that_is_not_that_of_the_batch),
	    unit_test(test_a_segment_that_begins_at_the_end),
	    unit_test(test_damage_is_found_once),
	    unit_test(test_what_cannot_be_read_is_no_reason_to_recover),
	    unit_test(test_who_holds_the_append_lock_is_told),
	    unit_test(test_a_name_made_to_deceive),
	    unit_test(test_lock_bytes_do_not_overlap),
	};

	return unit_run(tests);
}

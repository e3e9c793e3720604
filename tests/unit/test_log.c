#include "log/log.h"
#include "iofault.h"
#include "log/epoch.h"
#include "log/producers.h"
#include "logwork.h"

static void
make(struct logfolder *f)
{
	logfolder_make(f, false);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
}

static struct head_end
end_of(struct logfolder *f)
{
	struct head_end end;

	assert_true(head_end(f->p.head, 0, &end));
	return end;
}

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

static int
try_batch(struct log *log, const struct batch_spec *spec, int64_t *offset)
{
	struct batch_builder b;
	int rc;

	make_batch(&b, spec);
	rc = log_append(log, &b.bytes, soon(), offset);
	batch_builder_free(&b);
	return rc;
}

static int64_t
append_batch(struct log *log, const struct batch_spec *spec)
{
	int64_t offset = -1;

	assert_ok(try_batch(log, spec, &offset));
	return offset;
}

static struct log *
open_log(struct logfolder *f)
{
	struct log *log;

	assert_ok(log_open(&f->p, &log));
	return log;
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

static void
test_batches_get_the_next_offsets(void **state)
{
	struct logfolder f;
	struct log *log;

	(void)state;
	make(&f);
	log = open_log(&f);
	assert_int_equal(append_batch(log, &(struct batch_spec){.base_offset = 77, .count = 1}), 0);
	assert_int_equal(append_batch(log, &(struct batch_spec){.count = 10}), 1);
	assert_int_equal(append_batch(log, &(struct batch_spec){.count = 1}), 11);
	assert_int_equal(end_of(&f).end_offset, 12);
	assert_int_equal(end_of(&f).end_position, size_of_file(segment_path(0, SUFFIX_LOG)));
	assert_int_equal(head_appender(f.p.head, 0), 0);
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	assert_ok(log_sync(log, 12, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 12);
	log_close(log);
	log_close(NULL);
	logfolder_close(&f);
}

static void
test_readers_see_what_the_topic_shows(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	append_words(&f, "a b", false);
	assert_string_equal(read_all(&f), "0=a 1=b");
	assert_ok(head_set_synced_only(f.p.head, true));
	assert_string_equal(read_all(&f), "");
	append_words(&f, "c", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

static void
test_the_last_producer_is_published(void **state)
{
	struct logfolder f;
	struct log *log;

	(void)state;
	make(&f);
	log = open_log(&f);
	append_batch(log,
	    &(struct batch_spec){.count = 3,
		.has_producer = true,
		.producer_id = 42,
		.producer_epoch = 5,
		.sequence = INT32_MAX - 1});
	assert_int_equal(end_of(&f).producer_id, 42);
	assert_int_equal(end_of(&f).producer_epoch, 5);
	assert_int_equal(end_of(&f).last_sequence, 0); /* it wraps */
	append_batch(log, &(struct batch_spec){.count = 1});
	assert_int_equal(end_of(&f).producer_id, -1);
	assert_int_equal(end_of(&f).last_sequence, -1);
	log_close(log);
	logfolder_close(&f);
}

static void
test_log_append_time(void **state)
{
	struct logfolder f;
	struct log *log;
	char *bytes;
	size_t len;
	struct batch_header h;

	(void)state;
	make(&f);
	f.p.settings.append_time = true;
	clock_fix(777000);
	log = open_log(&f);
	append_batch(log, &(struct batch_spec){.count = 2, .timestamp_ms = 5});
	clock_fix(-1);
	bytes = unit_read(segment_path(0, SUFFIX_LOG), &len);
	h = header_of((const uint8_t *)bytes);
	assert_ok(batch_check_crc((const uint8_t *)bytes, &h));
	assert_int_equal(h.max_timestamp_ms, 777000);
	assert_true(h.attributes & BATCH_APPEND_TIME);
	assert_int_equal(end_of(&f).max_timestamp_ms, 777000);
	free(bytes);
	log_close(log);
	logfolder_close(&f);
}

/*
 * Rolling.
 */

static void
test_a_segment_is_full_to_the_byte(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t one;

	(void)state;
	for (int less = 0; less < 2; less++) {
		make(&f);
		log = open_log(&f);
		append_batch(log, &(struct batch_spec){.count = 1, .value_bytes = 100});
		one = end_of(&f).end_position;
		f.p.settings.segment_bytes = 2 * one - less;
		append_batch(log, &(struct batch_spec){.count = 1, .value_bytes = 100});
		assert_int_equal(count_segments(&f), less == 0 ? 1 : 2);
		assert_int_equal(end_of(&f).segment_base, less);
		assert_int_equal(end_of(&f).end_position, less == 0 ? 2 * one : one);
		assert_int_equal(end_of(&f).end_offset, 2);
		log_close(log);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_a_batch_larger_than_a_segment_has_one_of_its_own(void **state)
{
	struct logfolder f;
	struct log *log;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 14;
	log = open_log(&f);
	append_batch(log, &(struct batch_spec){.count = 1, .value_bytes = 5000});
	assert_int_equal(count_segments(&f), 1); /* no empty one before it */
	append_batch(log, &(struct batch_spec){.count = 1, .value_bytes = 5000});
	assert_int_equal(count_segments(&f), 2);
	log_close(log);
	logfolder_close(&f);
}

static void
test_a_segment_is_too_old_to_the_millisecond(void **state)
{
	struct logfolder f;
	struct log *log;

	(void)state;
	make(&f);
	f.p.settings.segment_ms = 1000;
	log = open_log(&f);
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 5000});
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 6000});
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 100}); /* older is no reason */
	assert_int_equal(count_segments(&f), 1);
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 6001});
	assert_int_equal(count_segments(&f), 2);
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 7001});
	assert_int_equal(count_segments(&f), 2);
	log_close(log);
	logfolder_close(&f);
}

static void
test_what_a_roll_leaves(void **state)
{
	struct logfolder f;
	struct timeindex_entry entry;
	struct producers producers = {NULL, 0, 0};
	struct log *log;
	uint32_t count;

	(void)state;
	make(&f);
	log = open_log(&f);
	append_batch(log,
	    &(struct batch_spec){.count = 2, .timestamp_ms = 9000, .has_producer = true, .producer_id = 8, .sequence = 3});
	f.p.settings.segment_bytes = 14;
	append_batch(log, &(struct batch_spec){.count = 1, .timestamp_ms = 10});
	/* The greatest timestamp of the closed segment, and where its producers are. */
	assert_ok(timeindex_last_upto(f.p.dir, 0, 1, &entry, &count));
	assert_int_equal(entry.timestamp_ms, 9000);
	assert_int_equal(entry.offset, 1);
	assert_ok(producers_read(f.p.dir, 2, &producers));
	assert_int_equal(producers_find(&producers, 8)->last_sequence, 4);
	producers_free(&producers);
	assert_int_equal(end_of(&f).max_timestamp_ms, 10);
	assert_int_equal(end_of(&f).first_timestamp_ms, 10);
	assert_int_equal(end_of(&f).index_count, 0);
	log_close(log);
	logfolder_close(&f);
}

/* Of the last two segments something may be unsynced, of none before: and not more is synced than that. */
static void
test_a_roll_syncs_the_segment_before_the_one_it_closes(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 14;
	f.p.settings.fsync = FSYNC_NEVER;
	append_words(&f, "a b", false);
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	append_words(&f, "c", false);
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	for (int i = 0; i < 5; i++) {
		append_words(&f, "d", false);
		assert_int_equal(head_synced_end(f.p.head, 0), 2 + i);
	}
	assert_string_equal(read_all(&f), "0=a 1=b 2=c 3=d 4=d 5=d 6=d 7=d");
	logfolder_close(&f);
}

/* Nothing is published in a segment whose entry a power cut may take. */
static void
test_a_new_segments_folder_is_synced_before_publication(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 14;
	append_words(&f, "a", true);
	log = open_log(&f);
	iofault_at(1, EIO, "fsync");
	assert_status(try_append(log, "x", soon(), &offset), STATUS_AGAIN);
	assert_int_equal(iofault_off(), 1);
	assert_int_equal(count_segments(&f), 1);
	append(log, "b");
	assert_string_equal(read_all(&f), "0=a 1=b");
	log_close(log);
	logfolder_close(&f);
}

static void
test_two_producers_take_turns_at_rolling(void **state)
{
	struct logfolder f;
	struct log *one, *two;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 150;
	one = open_log(&f);
	two = open_log(&f);
	for (int i = 0; i < 20; i++) {
		append(i % 3 == 0 ? one : two, "x");
		if (i % 5 == 4)
			assert_ok(log_sync(i % 3 == 0 ? one : two, i + 1, soon()));
	}
	assert_true(count_segments(&f) >= 9);
	assert_int_equal(head_synced_end(f.p.head, 0), 20);
	log_close(one);
	log_close(two);
	logfolder_close(&f);
}

/*
 * Who may append.
 */

static void
test_a_batch_is_too_large_by_one_byte(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset = 99;

	(void)state;
	make(&f);
	log = open_log(&f);
	append_batch(log, &(struct batch_spec){.count = 1});
	f.p.settings.max_message_bytes = end_of(&f).end_position;
	append_batch(log, &(struct batch_spec){.count = 1});
	f.p.settings.max_message_bytes--;
	assert_status(try_batch(log, &(struct batch_spec){.count = 1}, &offset), STATUS_DATA);
	assert_non_null(strstr(status_message(), "max.message.bytes is"));
	assert_int_equal(offset, 99);
	assert_int_equal(end_of(&f).end_offset, 2);
	log_close(log);
	logfolder_close(&f);
}

static void
test_what_must_be_done_first_is_told(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	log = open_log(&f);
	append(log, "a");
	assert_ok(head_bump_config_version(f.p.head));
	assert_status(try_append(log, "x", soon(), &offset), STATUS_CONFIG_CHANGED);
	f.p.config_version = head_config_version(f.p.head);
	poke(0, AT_INTENTS, 1);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_INTENT);
	poke(0, AT_INTENTS, 0);
	poke(1, 48, 5); /* fenced_epoch */
	assert_status(try_append(log, "x", soon(), &offset), STATUS_FENCED);
	assert_ok(head_set_leader_epoch(f.p.head, 5));
	append(log, "b");
	reboot();
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	(void)recover_it(&f);
	append(log, "c");
	assert_ok(head_set_dead(f.p.head));
	assert_status(try_append(log, "x", soon(), &offset), STATUS_MISSING);
	assert_status(log_sync_all(log, soon(), NULL), STATUS_MISSING);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	log_close(log);
	logfolder_close(&f);
}

/* A page of an older time, bytes behind its end: never cut by it. */
static void
test_what_lies_behind_the_end_is_not_cut_by_a_page_alone(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset, size;

	(void)state;
	make(&f);
	append_words(&f, "a", true);
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 1});
	size = size_of_file(segment_path(0, SUFFIX_LOG));
	log = open_log(&f);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	assert_int_equal(size_of_file(segment_path(0, SUFFIX_LOG)), size);
	(void)recover_it(&f);
	assert_int_equal(append(log, "b"), 2);
	/* Also when it has looked before. */
	put_batch(0, &(struct batch_spec){.base_offset = 3, .count = 1});
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	(void)recover_it(&f);
	assert_int_equal(append(log, "c"), 4);
	assert_string_equal(read_all(&f), "0=a 1=record 1 2=b 3=record 3 4=c");
	log_close(log);
	logfolder_close(&f);
}

/* After a power cut the page's words may be older than the log: the appender word in it gives nobody leave to cut by its end. */
static void
test_an_appender_word_of_another_boot_is_not_obeyed(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	append_words(&f, "a", true);
	put_batch(0, &(struct batch_spec){.base_offset = 1, .count = 1}); /* published and synced, but the page lost it */
	poke(1, AT_APPENDER, 99);
	reboot();
	log = open_log(&f);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	assert_status(log_sync_all(log, soon(), NULL), STATUS_RECOVER);
	(void)recover_it(&f);
	assert_int_equal(append(log, "b"), 2);
	assert_string_equal(read_all(&f), "0=a 1=record 1 2=b");
	log_close(log);
	logfolder_close(&f);
}

static void
test_leader_epochs_are_noted_where_they_begin(void **state)
{
	struct logfolder f;
	struct log *log;
	char *text;
	size_t len;

	(void)state;
	make(&f);
	log = open_log(&f);
	append(log, "a");
	append(log, "b");
	assert_ok(head_set_leader_epoch(f.p.head, 4));
	append(log, "c");
	append(log, "d");
	text = unit_read("orders/orders-0/" EPOCH_CHECKPOINT, &len);
	assert_string_equal(text, "0\n2\n0 0\n4 2\n");
	free(text);
	text = unit_read(segment_path(0, SUFFIX_LOG), &len);
	assert_int_equal(be32dec(text + end_of(&f).last_position + BATCH_LEADER_EPOCH_AT), 4);
	free(text);
	log_close(log);
	logfolder_close(&f);
}

/*
 * Failing and dying.
 */

/* Whatever fails: told to try again means it is nowhere; the next append works; after a power cut all that was acknowledged is there. */
static void
test_an_error_at_any_call_stores_all_or_nothing(void **state)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT};
	struct logfolder f;
	struct log *log;
	bool took_back = false, unknown = false;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors) * 2; i++) {
		for (long k = 1;; k++) {
			int64_t offset = -1, next;
			char want[64];
			int rc;
			bool stored;

			make(&f);
			f.p.settings.segment_bytes = i % 2 == 0 ? 14 : INT32_MAX;
			f.p.settings.index_interval_bytes = 0;
			log = open_log(&f);
			append(log, "a");
			append(log, "b");
			assert_ok(head_set_leader_epoch(f.p.head, 1));
			iofault_at(k, errors[i / 2], NULL);
			rc = try_append(log, "x", soon(), &offset);
			if (iofault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 5);
				log_close(log);
				logfolder_close(&f);
				assert_int_equal(system("rm -rf orders"), 0);
				break;
			}
			assert_true(rc == STATUS_OK || rc == STATUS_AGAIN || rc == STATUS_IO);
			assert_true(rc != STATUS_OK || offset == 2);
			took_back |= rc == STATUS_AGAIN;
			unknown |= rc == STATUS_IO;
			stored = rc == STATUS_OK;
			assert_string_equal(read_all(&f), stored ? "0=a 1=b 2=x" : "0=a 1=b");
			next = append(log, "y");
			assert_int_equal(next, stored ? 3 : 2);
			sync_log(log, next + 1);
			log_close(log);
			snprintf(want, sizeof(want), stored ? "0=a 1=b 2=x 3=y" : "0=a 1=b 2=y");
			assert_string_equal(read_all(&f), want);
			reboot();
			poke(1, AT_SYNCED_END, 0);
			(void)recover_it(&f);
			assert_string_equal(read_all(&f), want);
			assert_int_equal(count_entries("orders/lost"), 0);
			logfolder_close(&f);
			assert_int_equal(system("rm -rf orders"), 0);
		}
	}
	assert_true(took_back);
	assert_false(unknown); /* one error: the cut that follows works */
}

/* The disk stays full: nothing of it is behind the end, whatever was tried, in a segment or at a roll. */
static void
test_a_disk_that_stays_full(void **state)
{
	static const char *const calls[] = {"pwrite", "openat"};
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 150;
	log = open_log(&f);
	for (int i = 0; i < 8; i++) {
		append(log, "a");
		for (int tries = 0; tries < 3; tries++) {
			int rc;

			iofault_all(ENOSPC, calls[i % 2]);
			rc = try_append(log, "x", soon(), &offset);
			if (iofault_off() == 0) {
				assert_ok(rc); /* it made no file */
				break;
			}
			assert_status(rc, STATUS_AGAIN);
			assert_non_null(strstr(status_message(), "No space left"));
			assert_int_equal(head_appender(f.p.head, 0), 0);
			assert_int_equal(end_of(&f).end_position, size_of_file(segment_path(end_of(&f).segment_base, SUFFIX_LOG)));
			assert_int_equal(access(segment_path(end_of(&f).end_offset, SUFFIX_LOG), F_OK) == 0,
			    end_of(&f).segment_base == end_of(&f).end_offset);
		}
	}
	log_close(log);
	logfolder_close(&f);
}

/* The cut fails too: it may be stored, and the next appender cuts it. */
static void
test_what_cannot_be_taken_back(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;
	int64_t size;

	(void)state;
	make(&f);
	f.p.settings.index_interval_bytes = 0;
	log = open_log(&f);
	append(log, "a");
	append(log, "b");
	size = end_of(&f).end_position;
	iofault_all(EIO, NULL);
	iofault.left = 1; /* the write passes, the index and all behind it fail */
	assert_status(try_append(log, "x", soon(), &offset), STATUS_IO);
	assert_true(iofault_off() > 0);
	assert_non_null(strstr(status_message(), "could not take a failed append back"));
	assert_true(size_of_file(segment_path(0, SUFFIX_LOG)) > size);
	assert_int_equal((uint32_t)head_appender(f.p.head, 0), getpid());
	assert_string_equal(read_all(&f), "0=a 1=b");
	log_close(log);
	append_words(&f, "c", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

/* The kernel tells of a lost page once; here the cut hears it, of bytes that were published before. */
static void
test_an_error_that_a_cut_hears_is_not_lost(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	log = open_log(&f);
	append(log, "a");
	iofault_at(1, EIO, "fsync");
	poke(1, AT_APPENDER, 99);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	assert_int_equal(head_poison(f.p.head, 0), HEAD_UNSYNCED);
	/* What was published before is only called synced once it is written again. */
	iofault_count("pwrite");
	assert_ok(log_sync(log, 1, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	append(log, "b");
	assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
	assert_string_equal(read_all(&f), "0=a 1=b");
	log_close(log);
	logfolder_close(&f);
}

static void
test_a_failed_sync_heals_once_and_then_is_read_only(void **state)
{
	struct logfolder f;
	struct log *log, *other;
	int64_t offset;

	(void)state;
	make(&f);
	log = open_log(&f);
	append(log, "a");
	iofault_at(1, EIO, "fdatasync");
	assert_status(log_sync(log, 1, soon()), STATUS_IO);
	iofault_off();
	other = open_log(&f);
	append(other, "b"); /* heals */
	assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	iofault_at(1, EIO, "fdatasync");
	assert_status(log_sync(other, 2, soon()), STATUS_IO);
	iofault_at(1, EIO, "fdatasync");
	assert_status(try_append(log, "x", soon(), &offset), STATUS_IO);
	iofault_off();
	assert_non_null(strstr(status_message(), "read-only"));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_READ_ONLY);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_READ_ONLY);
	assert_non_null(strstr(status_message(), "failed twice"));
	assert_string_equal(read_all(&f), "0=a 1=b");
	/* A boot later recovery writes again what it keeps: sound. */
	reboot();
	(void)recover_it(&f);
	append(log, "c");
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	log_close(log);
	log_close(other);
	logfolder_close(&f);
}

/* The heal closed the descriptors and then could not go on: what was published before can still be synced. */
static void
test_a_heal_that_cannot_begin(void **state)
{
	struct logfolder f, other;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	logfolder_open(&other);
	log = open_log(&f);
	append(log, "a");
	assert_ok(head_raise_poison(f.p.head, 0, HEAD_UNSYNCED));
	assert_ok(lock_take(other.p.lock, LOCK_BYTE_APPEND(0), "append", DEADLINE_NOW));
	assert_status(try_append(log, "x", clock_deadline(10), &offset), STATUS_AGAIN);
	lock_drop(other.p.lock, LOCK_BYTE_APPEND(0));
	assert_ok(log_sync(log, 1, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	log_close(log);
	logfolder_close(&other);
	logfolder_close(&f);
}

static int
append_x(void)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	logfolder_open(&f);
	f.p.settings.segment_bytes = 14;
	f.p.settings.index_interval_bytes = 0;
	if (log_open(&f.p, &log) != STATUS_OK)
		return 1;
	return try_append(log, "x", soon(), &offset) == STATUS_OK ? 0 : 1;
}

static void
test_a_dead_appender_leaves_all_or_nothing(void **state)
{
	static const struct {
		const char *point;
		bool stored;
	} deaths[] = {
	    {"log.append.begun", false},
	    {"log.roll.made", false},
	    {"log.append.write", false},
	    {"log.append.written", false},
	    {"head.publish.word", false},
	    {"head.publish.word:12", false},
	    {"head.publish.filled", false},
	    {"head.publish.counted", true},
	    {"log.append.published", true},
	    {"log.append.unlocked", true},
	};
	struct logfolder f;

	(void)state;
	/* Dead once, or another behind it, or a power cut. */
	for (size_t i = 0; i < COUNT_OF(deaths) * 3; i++) {
		size_t d = i / 3;
		bool stored = deaths[d].stored;

		make(&f);
		f.p.settings.segment_bytes = 14;
		append_words(&f, "a b", true);
		assert_true(dies_at(deaths[d].point, append_x));
		assert_string_equal(read_all(&f), stored ? "0=a 1=b 2=x" : "0=a 1=b");
		if (i % 3 == 1) {
			assert_true(
			    !stored || head_appender(f.p.head, 0) != 0 || strcmp(deaths[d].point, "log.append.unlocked") == 0);
			/* Who cleans up dies of it: only if there is something to clean up. */
			(void)dies_at("log.cut", append_x);
			stored = strcmp(read_all(&f), "0=a 1=b") != 0;
		} else if (i % 3 == 2) {
			reboot();
			(void)recover_it(&f);
			stored = strcmp(read_all(&f), "0=a 1=b") != 0;
			assert_true(stored || !deaths[d].stored);
		}
		append_words(&f, "y", true);
		if (i % 3 == 0)
			assert_string_equal(read_all(&f), stored ? "0=a 1=b 2=x 3=y" : "0=a 1=b 2=y");
		else
			assert_non_null(strstr(read_all(&f), "=y"));
		reboot();
		poke(1, AT_SYNCED_END, 0);
		assert_false(recover_it(&f).torn);
		assert_non_null(strstr(read_all(&f), "=y"));
		assert_int_equal(head_appender(f.p.head, 0), 0);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* The entries of a dead appender's batch go with it. */
static void
test_a_dead_appenders_index_entries_are_cut(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	make(&f);
	f.p.settings.index_interval_bytes = 0;
	append_words(&f, "a b", true);
	end = end_of(&f);
	append_bytes(segment_path(0, SUFFIX_INDEX), "01234567", 8);
	append_bytes(segment_path(0, SUFFIX_TIMEINDEX), "0123456789ab", 12);
	append_bytes(segment_path(0, SUFFIX_LOG), "half a batch", 12);
	unit_write(segment_path(2, SUFFIX_LOG), "half a roll", 11);
	unit_write(segment_path(2, SUFFIX_INDEX), "01234567", 8);
	poke(1, AT_APPENDER, 99);
	append_words(&f, "c", true);
	assert_int_equal(size_of_file(segment_path(0, SUFFIX_INDEX)), (end.index_count + 1) * INDEX_ENTRY_BYTES);
	assert_int_equal(access(segment_path(2, SUFFIX_LOG), F_OK), -1);
	assert_int_equal(access(segment_path(2, SUFFIX_INDEX), F_OK), -1);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

/* It is done before anything is written there, and synced: file and folder. */
static void
test_a_dead_appenders_cut_is_synced_first(void **state)
{
	struct logfolder f;
	struct log *log;

	(void)state;
	make(&f);
	append_words(&f, "a", true);
	append_bytes(segment_path(0, SUFFIX_LOG), "half a batch", 12);
	poke(1, AT_APPENDER, 99);
	log = open_log(&f);
	iofault_count("fsync");
	append(log, "b");
	assert_int_equal(iofault.calls, 2);
	iofault_count("fsync");
	append(log, "c");
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	log_close(log);
	logfolder_close(&f);
}

/* The counter was raised and the word not cleared: nothing to cut, nothing is cut. */
static void
test_a_word_left_by_a_published_append(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t end;

	(void)state;
	make(&f);
	append_words(&f, "a b", true);
	poke(1, AT_APPENDER, 99);
	log = open_log(&f);
	assert_ok(log_sync_all(log, soon(), &end));
	assert_int_equal(end, 2);
	assert_int_equal(head_appender(f.p.head, 0), 0);
	append(log, "c");
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	log_close(log);
	logfolder_close(&f);
}

static int
stop_in_append(void *arg)
{
	(void)arg;
	return arm("log.append.written:1:stop") != 0 ? 97 : append_x();
}

static void
test_a_stopped_lock_holder_is_named(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset = 99;
	char want[128];
	pid_t pid;
	int how;

	(void)state;
	make(&f);
	append_words(&f, "a", true);
	pid = proc_start(stop_in_append, NULL);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	assert_true(WIFSTOPPED(how));
	log = open_log(&f);
	assert_status(try_append(log, "b", clock_deadline(30), &offset), STATUS_AGAIN);
	snprintf(want, sizeof(want), "append lock: held by process %d of user %u (stopped)", (int)pid, (unsigned)getuid());
	assert_string_equal(status_message(), want);
	assert_int_equal(offset, 99);
	assert_string_equal(read_all(&f), "0=a");
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(proc_end(pid), 0);
	append(log, "b");
	assert_string_equal(read_all(&f), "0=a 1=x 2=b");
	log_close(log);
	logfolder_close(&f);
}

/*
 * A rebuild beneath an open log.
 */

static void
test_a_log_that_was_rebuilt_is_opened_again(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.index_interval_bytes = 0;
	f.p.settings.segment_bytes = 150;
	log = open_log(&f);
	append(log, "a");
	append(log, "b");
	sync_log(log, 2);
	append(log, "c"); /* in a segment of its own, with index entries, and lost */
	append(log, "d");
	assert_int_equal(end_of(&f).segment_base, 2);
	flip_byte(segment_path(2, SUFFIX_LOG), 65);
	poke(1, AT_GENERATION, 3);
	assert_status(log_sync(log, 4, soon()), STATUS_GONE);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	(void)recover_it(&f);
	assert_status(log_sync(log, 4, soon()), STATUS_GONE); /* whatever lies there now, it is not what was published */
	assert_int_equal(append(log, "e"), 2);
	append(log, "f");
	sync_log(log, 4);
	assert_string_equal(read_all(&f), "0=a 1=b 2=e 3=f");
	/* Its index entries are in the file that the folder holds. */
	assert_int_equal(size_of_file(segment_path(end_of(&f).segment_base, SUFFIX_INDEX)) / INDEX_ENTRY_BYTES,
	    end_of(&f).index_count);
	log_close(log);
	logfolder_close(&f);
}

/* Lost bytes that the roll finds: nothing of the batch is stored, and it asks for recovery. */
static void
test_a_roll_that_finds_lost_bytes(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f);
	f.p.settings.fsync = FSYNC_NEVER;
	f.p.settings.segment_bytes = 14;
	append_words(&f, "a b", false);
	log = open_log(&f);
	flip_byte(segment_path(0, SUFFIX_LOG), 65);
	assert_status(try_append(log, "x", soon(), &offset), STATUS_RECOVER);
	assert_int_equal(head_generation(f.p.head, 0) % 2, 1);
	assert_true(recover_it(&f).torn);
	append(log, "y");
	assert_string_equal(read_all(&f), "0=y");
	log_close(log);
	logfolder_close(&f);
}

/*
 * Many at once.
 */

#define EACH 300

static int
produce_many(void *arg)
{
	struct logfolder f;
	struct log *log;
	char text[32];

	logfolder_open(&f);
	f.p.settings.segment_bytes = 4000;
	if (log_open(&f.p, &log) != STATUS_OK)
		return 1;
	for (int i = 0; i < EACH; i++) {
		int64_t offset;

		snprintf(text, sizeof(text), "%s%d", (const char *)arg, i);
		if (try_append(log, text, soon(), &offset) != STATUS_OK)
			return 2;
		if (i % 10 == 9 && log_sync(log, offset + 1, soon()) != STATUS_OK)
			return 3;
	}
	log_close(log);
	return 0;
}

static void
test_two_appenders_and_a_reader_of_prefixes(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t expected = 0, start, end, last_end = 0;
	int next[2] = {0, 0};
	pid_t a, b;

	(void)state;
	make(&f);
	assert_ok(head_set_synced_only(f.p.head, true));
	assert_ok(reader_open(&f.p, &reader));
	a = proc_start(produce_many, (void *)(uintptr_t) "a");
	b = proc_start(produce_many, (void *)(uintptr_t) "b");
	while (expected < 2 * EACH) {
		assert_ok(reader_bounds(reader, &start, &end, NULL));
		assert_true(end >= last_end);
		last_end = end;
		reader_seek(reader, expected);
		while (reader_next(reader, end, &view) == STATUS_OK) {
			struct batch_cursor cursor;
			struct record r;
			int who;

			assert_int_equal(view.header.base_offset, expected);
			assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
			assert_ok(batch_cursor_next(&cursor, &r));
			/* Each producer's records come in its order, none is missing, none comes twice. */
			who = r.value[0] - 'a';
			assert_true(who == 0 || who == 1);
			assert_int_equal(atoi((const char *)r.value + 1), next[who]);
			next[who]++;
			expected++;
		}
	}
	reader_close(reader);
	assert_int_equal(proc_end(a), 0);
	assert_int_equal(proc_end(b), 0);
	logfolder_close(&f);
}

/* One of them is killed again and again, wherever it stands. */
static void
test_a_reader_beside_producers_that_are_killed(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int64_t expected = 0, start, end;

	(void)state;
	make(&f);
	assert_ok(reader_open(&f.p, &reader));
	for (int round = 0; round < 30; round++) {
		int64_t target = expected + 7 * round % 50;
		pid_t a = proc_start(produce_many, (void *)(uintptr_t) "a"), b = proc_start(produce_many, (void *)(uintptr_t) "b");

		do {
			assert_ok(reader_bounds(reader, &start, &end, NULL));
			reader_seek(reader, expected);
			while (reader_next(reader, end, &view) == STATUS_OK)
				assert_int_equal(view.header.base_offset, expected++);
		} while (expected < target);
		(void)proc_kill(a);
		(void)proc_kill(b);
	}
	reader_close(reader);
	append_words(&f, "end", true);
	reboot();
	poke(1, AT_SYNCED_END, 0);
	assert_false(recover_it(&f).torn);
	logfolder_close(&f);
}

static void
test_no_memory(void **state)
{
	struct logfolder f;
	struct batch_builder b;
	int64_t offset;
	int next;

	(void)state;
	make(&f);
	f.p.settings.segment_bytes = 14;
	append_words(&f, "a", false);
	make_batch(&b, &(struct batch_spec){.count = 1});
	next = proc_next_descriptor();
	for (long n = 0;; n++) {
		struct log *log = NULL;
		int rc;

		unit_oom_after(n);
		if ((rc = log_open(&f.p, &log)) == STATUS_OK)
			rc = log_append(log, &b.bytes, soon(), &offset);
		log_close(log);
		(void)unit_oom_off();
		assert_int_equal(proc_next_descriptor(), next);
		if (rc == STATUS_OK)
			break; /* what fails behind it, the snapshot, is nobody's loss */
		/* What could not even be taken back is told as such, and the next one does. */
		assert_true(rc == STATUS_AGAIN || rc == STATUS_IO);
		assert_string_equal(read_all(&f), "0=a");
	}
	assert_string_equal(read_all(&f), "0=a 1=record 0");
	batch_builder_free(&b);
	logfolder_close(&f);
}

/*
 * A roll that is asked for.
 */

static int
roll(struct logfolder *f)
{
	struct log *log = open_log(f);
	int rc = log_roll(log, soon());

	log_close(log);
	return rc;
}

static void
test_a_roll_closes_a_segment_that_is_not_full(void **state)
{
	struct logfolder f;
	struct head_end end;

	(void)state;
	make(&f);
	append_words(&f, "a b", false);
	assert_ok(roll(&f));
	assert_int_equal(count_segments(&f), 2);
	end = end_of(&f);
	assert_int_equal(end.segment_base, 2);
	assert_int_equal(end.end_offset, 2);
	assert_int_equal(end.end_position, 0);
	assert_int_equal(end.last_position, -1);
	assert_int_equal(end.max_timestamp_ms, -1);
	assert_int_equal(head_appender(f.p.head, 0), 0);
	/* What Kafka wants beside a closed segment. */
	assert_int_equal(access(segment_path(0, SUFFIX_INDEX), F_OK), 0);
	assert_int_equal(access(segment_path(0, SUFFIX_TIMEINDEX), F_OK), 0);
	assert_int_equal(access(segment_path(2, SUFFIX_SNAPSHOT), F_OK), 0);
	/* An empty one is never closed. */
	assert_ok(roll(&f));
	assert_int_equal(count_segments(&f), 2);
	assert_string_equal(read_all(&f), "0=a 1=b");
	append_words(&f, "c", true);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	reboot();
	assert_false(recover_it(&f).torn);
	assert_string_equal(read_all(&f), "0=a 1=b 2=c");
	logfolder_close(&f);
}

/* One who has the log open goes on in the new segment, and a reader follows. */
static void
test_others_follow_a_roll(void **state)
{
	struct logfolder f, other;
	struct log *log;
	struct reader *reader;
	struct batch_view view;
	int64_t start, end;

	(void)state;
	make(&f);
	logfolder_open(&other);
	log = open_log(&other);
	append(log, "a");
	assert_ok(reader_open(&other.p, &reader));
	assert_ok(reader_bounds(reader, &start, &end, NULL));
	assert_ok(reader_next(reader, end, &view));
	assert_status(reader_next(reader, end, &view), STATUS_END);
	assert_ok(roll(&f));
	assert_int_equal(append(log, "b"), 1);
	assert_ok(log_sync(log, 2, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 2);
	assert_ok(reader_bounds(reader, &start, &end, NULL));
	assert_ok(reader_next(reader, end, &view));
	assert_int_equal(view.header.base_offset, 1);
	reader_close(reader);
	log_close(log);
	assert_true(size_of_file(segment_path(1, SUFFIX_LOG)) > 0);
	logfolder_close(&other);
	logfolder_close(&f);
}

static void
test_a_roll_asks_for_what_an_append_asks_for(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f);
	append_words(&f, "a", true);
	poke(0, AT_INTENTS, 1);
	assert_status(roll(&f), STATUS_INTENT);
	poke(0, AT_INTENTS, 0);
	f.p.config_version--;
	assert_status(roll(&f), STATUS_CONFIG_CHANGED);
	f.p.config_version++;
	assert_ok(head_raise_poison(f.p.head, 0, HEAD_READ_ONLY));
	assert_status(roll(&f), STATUS_READ_ONLY);
	poke(1, AT_POISON, HEAD_UNSYNCED); /* healed first, as before an append */
	assert_ok(roll(&f));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
	append_words(&f, "b", true);
	reboot();
	assert_status(roll(&f), STATUS_RECOVER);
	(void)recover_it(&f);
	assert_ok(head_set_dead(f.p.head));
	assert_status(roll(&f), STATUS_MISSING);
	logfolder_close(&f);
}

static void
test_a_roll_that_fails_is_taken_back(void **state)
{
	struct logfolder f;

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		make(&f);
		append_words(&f, "a b", true);
		iofault_at(k, ENOSPC, NULL);
		rc = roll(&f);
		if (iofault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 3);
			logfolder_close(&f);
			break;
		}
		/* Nothing that was to be stored could be lost or doubled by it. */
		assert_true(rc == STATUS_OK || rc == STATUS_AGAIN || rc == STATUS_IO);
		append_words(&f, "c", true);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c");
		reboot();
		assert_false(recover_it(&f).damaged);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static int
roll_once(void)
{
	struct logfolder f;
	struct log *log;

	logfolder_open(&f);
	return log_open(&f.p, &log) == STATUS_OK && log_roll(log, soon()) == STATUS_OK ? 0 : 1;
}

static void
test_a_roll_that_was_killed(void **state)
{
	struct logfolder f;
	bool died = true;

	(void)state;
	for (int k = 1; died; k++) {
		static const char *const points[] = {"log.roll.made", "head.publish.word:3", "head.publish.filled",
		    "head.publish.counted"};
		char never[] = "log.roll.made:2";

		make(&f);
		append_words(&f, "a b", true);
		died = dies_at(k <= (int)COUNT_OF(points) ? points[k - 1] : never, roll_once);
		if (k % 2 == 0)
			reboot();
		if (k % 2 == 0)
			assert_false(recover_it(&f).damaged);
		append_words(&f, "c", true);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_batches_get_the_next_offsets),
	    unit_test(test_readers_see_what_the_topic_shows),
	    unit_test(test_the_last_producer_is_published),
	    unit_test(test_log_append_time),
	    unit_test(test_a_segment_is_full_to_the_byte),
	    unit_test(test_a_batch_larger_than_a_segment_has_one_of_its_own),
	    unit_test(test_a_segment_is_too_old_to_the_millisecond),
	    unit_test(test_what_a_roll_leaves),
	    unit_test(test_a_roll_syncs_the_segment_before_the_one_it_closes),
	    unit_test(test_a_new_segments_folder_is_synced_before_publication),
	    unit_test(test_two_producers_take_turns_at_rolling),
	    unit_test(test_a_batch_is_too_large_by_one_byte),
	    unit_test(test_what_must_be_done_first_is_told),
	    unit_test(test_what_lies_behind_the_end_is_not_cut_by_a_page_alone),
	    unit_test(test_an_appender_word_of_another_boot_is_not_obeyed),
	    unit_test(test_leader_epochs_are_noted_where_they_begin),
	    unit_test(test_an_error_at_any_call_stores_all_or_nothing),
	    unit_test(test_a_disk_that_stays_full),
	    unit_test(test_what_cannot_be_taken_back),
	    unit_test(test_an_error_that_a_cut_hears_is_not_lost),
	    unit_test(test_a_failed_sync_heals_once_and_then_is_read_only),
	    unit_test(test_a_heal_that_cannot_begin),
	    unit_test(test_a_dead_appender_leaves_all_or_nothing),
	    unit_test(test_a_dead_appenders_index_entries_are_cut),
	    unit_test(test_a_dead_appenders_cut_is_synced_first),
	    unit_test(test_a_word_left_by_a_published_append),
	    unit_test(test_a_stopped_lock_holder_is_named),
	    unit_test(test_a_log_that_was_rebuilt_is_opened_again),
	    unit_test(test_a_roll_that_finds_lost_bytes),
	    unit_test(test_two_appenders_and_a_reader_of_prefixes),
	    unit_test(test_a_reader_beside_producers_that_are_killed),
	    unit_test(test_no_memory),
	    unit_test(test_a_roll_closes_a_segment_that_is_not_full),
	    unit_test(test_others_follow_a_roll),
	    unit_test(test_a_roll_asks_for_what_an_append_asks_for),
	    unit_test(test_a_roll_that_fails_is_taken_back),
	    unit_test(test_a_roll_that_was_killed),
	};

	return unit_run(tests);
}

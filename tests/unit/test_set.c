/* A set of batches: seen as a whole or not at all, by readers, after a kill and after a power cut, over any number of segments. */
#include <string.h>

#include "iofault.h"
#include "logwork.h"

#include "log/producers.h"

/* Each batch is about 70 bytes: two in a segment. */
#define SMALL_SEGMENT 160

static struct logfolder *folder; /* of the test, for the bodies of other processes */

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

static void
make(struct logfolder *f, int64_t segment_bytes)
{
	logfolder_make(f, false);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	f->p.settings.segment_bytes = segment_bytes;
	folder = f;
}

/* Gives so many batches of one record, "s0", "s1", ...; then fails, or ends. */
struct giver {
	int count, given;
	int failure;
};

static int
give(void *arg, struct buf *batch)
{
	struct giver *g = arg;
	struct batch_builder b;
	struct record r;
	char text[32];

	if (g->given == g->count)
		return g->failure != 0 ? g->failure : STATUS_END;
	snprintf(text, sizeof(text), "s%d", g->given++);
	r = text_record(1000 + g->given, NULL, text);
	batch_builder_init(&b, INT32_MAX);
	if (batch_add(&b, &r) != STATUS_OK)
		return STATUS_AGAIN;
	batch_seal_as(&b, &(struct batch_producer){.id = 7, .sequence = g->given - 1});
	buf_clear(batch);
	if (buf_append(batch, b.bytes.data, b.bytes.len) != STATUS_OK)
		return STATUS_AGAIN;
	batch_builder_free(&b);
	return STATUS_OK;
}

static int
try_set(struct log *log, int count, int failure, int64_t *end)
{
	struct giver g = {.count = count, .failure = failure};
	int64_t base;

	return log_append_set(log, give, &g, soon(), &base, end);
}

/* Append a set through a log of its own, and sync it. */
static int
append_set(int count)
{
	struct log *log;
	int64_t end;
	int rc;

	if ((rc = log_open(&folder->p, &log)) != STATUS_OK)
		return rc;
	if ((rc = try_set(log, count, 0, &end)) == STATUS_OK)
		rc = log_sync(log, end, soon());
	log_close(log);
	return rc;
}

static int
append_nine(void)
{
	return append_set(9) == STATUS_OK ? 0 : 1;
}

static const char *const nine = "0=a 1=b 2=s0 3=s1 4=s2 5=s3 6=s4 7=s5 8=s6 9=s7 10=s8";

static void
test_a_set_lies_in_a_row(void **state)
{
	static const int64_t sizes[] = {SMALL_SEGMENT, 80, 400, 1 << 20};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct logfolder f;

		make(&f, sizes[i]);
		append_words(&f, "a b", false);
		assert_ok(append_set(9));
		assert_string_equal(read_all(&f), nine);
		assert_int_equal(peek(1, AT_SYNCED_END), 11);
		assert_int_equal(peek(1, AT_APPENDER), 0);
		append_words(&f, "c", true);
		/* And a recovery sees nothing amiss. */
		reboot();
		assert_false(recover_it(&f).torn);
		assert_int_equal(strncmp(read_all(&f), nine, strlen(nine)), 0);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static void
test_a_set_of_one_batch_is_an_append(void **state)
{
	struct logfolder f;

	(void)state;
	make(&f, SMALL_SEGMENT);
	assert_ok(append_set(1));
	assert_string_equal(read_all(&f), "0=s0");
	logfolder_close(&f);
}

static void
test_waiting_intents_and_max_message_bytes_do_not_stop_it(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t offset;

	(void)state;
	make(&f, SMALL_SEGMENT);
	poke(0, AT_INTENTS, 1);
	f.p.settings.max_message_bytes = 1;
	assert_ok(append_set(3));
	assert_ok(log_open(&f.p, &log));
	assert_int_equal(try_append(log, "a", soon(), &offset), STATUS_INTENT);
	log_close(log);
	logfolder_close(&f);
}

/* What `next` says comes back, and nothing of the set stays. */
static void
test_a_set_that_cannot_be_read_is_taken_back(void **state)
{
	(void)state;
	for (int count = 0; count < 9; count++) {
		struct logfolder f;
		struct log *log;
		int64_t end;

		make(&f, SMALL_SEGMENT);
		append_words(&f, "a b", true);
		assert_ok(log_open(&f.p, &log));
		assert_int_equal(try_set(log, count, STATUS_CORRUPT, &end), STATUS_CORRUPT);
		assert_string_equal(read_all(&f), "0=a 1=b");
		assert_int_equal(append(log, "c"), 2);
		log_close(log);
		reboot();
		assert_false(recover_it(&f).torn);
		assert_string_equal(read_all(&f), "0=a 1=b 2=c");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

static const char *const before_publication[] = {"log.set.rolled", "log.set.rolled:3", "log.set.written", "log.set.written:7",
    "log.set.behind", "log.set.synced", "log.set.whole", "head.publish.word:5", "head.publish.filled"};

static void
kill_at(struct logfolder *f, const char *fault, int64_t segment_bytes)
{
	make(f, segment_bytes);
	append_words(f, "a b", true);
	assert_true(dies_at(fault, append_nine));
}

static void
test_killed_before_publication_nothing_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(before_publication); i++) {
		struct logfolder f;

		kill_at(&f, before_publication[i], SMALL_SEGMENT);
		assert_string_equal(read_all(&f), "0=a 1=b");
		assert_ok(append_set(9));
		assert_string_equal(read_all(&f), nine);
		reboot();
		assert_false(recover_it(&f).torn);
		assert_string_equal(read_all(&f), nine);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* The disk may have got all that was written, synced or not: recovery adopts it all, or nothing. */
static void
test_a_power_cut_that_loses_nothing_leaves_no_part(void **state)
{
	static const int64_t sizes[] = {SMALL_SEGMENT, 1 << 20};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(before_publication) * COUNT_OF(sizes); i++) {
		const char *fault = before_publication[i / COUNT_OF(sizes)];
		struct logfolder f;

		if (sizes[i % COUNT_OF(sizes)] > SMALL_SEGMENT && strncmp(fault, "log.set.rolled", 14) == 0)
			continue;
		kill_at(&f, fault, sizes[i % COUNT_OF(sizes)]);
		reboot();
		recover_it(&f);
		if (strcmp(fault, "log.set.whole") == 0 || strncmp(fault, "head.", 5) == 0)
			assert_string_equal(read_all(&f), nine);
		else
			assert_string_equal(read_all(&f), "0=a 1=b");
		append_words(&f, "c", true);
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* What was not synced is lost: the first batch, which is the last that is written. */
static void
test_a_power_cut_that_loses_the_first_batch_loses_the_set(void **state)
{
	(void)state;
	for (int64_t size = SMALL_SEGMENT; size <= 1 << 20; size = size * 1000) {
		struct logfolder f;
		struct head_end end;
		char zeros[60] = {0};

		make(&f, size);
		append_words(&f, "a", true);
		assert_true(head_end(f.p.head, 0, &end));
		assert_true(dies_at("log.set.whole", append_nine));
		for (size_t lost = 1; lost < sizeof(zeros); lost += 29) {
			int fd = open(segment_path(end.segment_base, SUFFIX_LOG), O_WRONLY | O_CLOEXEC);

			assert_true(fd >= 0);
			assert_int_equal(pwrite(fd, zeros, sizeof(zeros), end.end_position), sizeof(zeros));
			close(fd);
		}
		reboot();
		assert_true(recover_it(&f).torn);
		assert_string_equal(read_all(&f), "0=a");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* Killed behind the publication, before anything says that it is durable: whoever syncs next has more segments than he can hold open. */
static void
test_a_published_set_is_synced_by_the_next(void **state)
{
	struct logfolder f;
	struct log *log;
	int64_t end;

	(void)state;
	kill_at(&f, "log.set.published", 80);
	assert_string_equal(read_all(&f), nine);
	assert_ok(log_open(&f.p, &log));
	assert_ok(log_sync_all(log, soon(), &end));
	assert_int_equal(end, 11);
	assert_int_equal(peek(1, AT_SYNCED_END), 11);
	assert_int_equal(append(log, "c"), 11);
	sync_log(log, 12);
	log_close(log);
	logfolder_close(&f);
}

/* A reader of a topic that shows what is durable sees no part either. */
static void
test_readers_of_durable_records_see_no_part(void **state)
{
	static const char *const points[] = {"log.set.rolled:2", "log.set.synced", "log.set.published", "sync.flush",
	    "sync.flushed"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		struct logfolder f;

		logfolder_make(&f, true);
		unit_write(segment_path(0, SUFFIX_LOG), "", 0);
		f.p.settings.segment_bytes = SMALL_SEGMENT;
		folder = &f;
		append_words(&f, "a b", true);
		assert_true(dies_at(points[i], append_nine));
		assert_string_equal(read_all(&f), "0=a 1=b");
		logfolder_close(&f);
		assert_int_equal(system("rm -rf orders"), 0);
	}
}

/* Whichever call fails: all of it or nothing, and who was told that nothing was may try again. */
static void
test_any_call_fails(void **state)
{
	static const int errors[] = {EIO, ENOSPC};

	(void)state;
	for (size_t e = 0; e < COUNT_OF(errors); e++) {
		for (long k = 1;; k += e == 0 ? 1 : 4) {
			struct logfolder f;
			bool hit;
			int rc;

			make(&f, SMALL_SEGMENT);
			append_words(&f, "a b", true);
			iofault_at(k, errors[e], NULL);
			rc = append_set(9);
			hit = iofault_off() > 0;
			if (rc == STATUS_OK || rc == STATUS_IO)
				assert_true(strcmp(read_all(&f), nine) == 0 || rc == STATUS_IO);
			else
				assert_string_equal(read_all(&f), "0=a 1=b");
			if (strcmp(read_all(&f), nine) != 0) {
				assert_string_equal(read_all(&f), "0=a 1=b");
				/* After two failures the disk is not trusted any more. */
				if ((rc = append_set(9)) != STATUS_OK)
					assert_true(hit && peek(1, AT_POISON) != 0);
			}
			logfolder_close(&f);
			assert_int_equal(system("rm -rf orders"), 0);
			if (!hit)
				break;
		}
	}
}

/* In this log there is nothing but the set: what producers left in it is known. */
static void
test_its_producer_is_known(void **state)
{
	struct producers ps = {NULL, 0, 0};
	struct logfolder f;

	(void)state;
	make(&f, SMALL_SEGMENT);
	assert_ok(append_set(9));
	assert_ok(producers_collect(&f.p, 9, &ps));
	assert_non_null(producers_find(&ps, 7));
	assert_int_equal(producers_find(&ps, 7)->last_sequence, 8);
	assert_int_equal(producers_find(&ps, 7)->last_offset, 8);
	producers_free(&ps);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_set_lies_in_a_row),
	    unit_test(test_a_set_of_one_batch_is_an_append),
	    unit_test(test_waiting_intents_and_max_message_bytes_do_not_stop_it),
	    unit_test(test_a_set_that_cannot_be_read_is_taken_back),
	    unit_test(test_killed_before_publication_nothing_is_seen),
	    unit_test(test_a_power_cut_that_loses_nothing_leaves_no_part),
	    unit_test(test_a_power_cut_that_loses_the_first_batch_loses_the_set),
	    unit_test(test_a_published_set_is_synced_by_the_next),
	    unit_test(test_readers_of_durable_records_see_no_part),
	    unit_test(test_any_call_fails),
	    unit_test(test_its_producer_is_known),
	};

	return unit_run(tests);
}

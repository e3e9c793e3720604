/* named: what is known of a named producer from its file and from the log; over the wrap of sequence numbers, too. */
#include "store/named.h"
#include "store/catalog.h"
#include "unit.h"

#include <bsd/sys/endian.h>

#include "base/clock.h"
#include "cmd/appender.h"

static struct store *store;
static struct topic *topic;

static int64_t
soon(void)
{
	return clock_deadline(20000);
}

static void
make_topic(int partitions, const char *key, const char *value)
{
	struct config config;

	config_init(&config, partitions);
	if (key != NULL)
		assert_ok(config_set(&config, key, value));
	assert_ok(store_open_or_make("store", DEADLINE_NEVER, &store));
	assert_ok(catalog_create(store, "t", &config, DEADLINE_NEVER));
	assert_ok(topic_open(store, "t", &topic));
}

static void
close_topic(void)
{
	topic_close(topic);
	store_close(store);
}

/* Records "r0", "r1", ... from number `from` on, in one batch, as the producer's. */
static void
put(const struct named *n, int p, int64_t from, int count)
{
	struct appender_options options = {.timeout_ms = 10000, .named = (struct named *)(uintptr_t)n};
	struct batch_builder b;
	struct appender *a;

	assert_ok(appender_open(topic, &options, &a));
	assert_int_equal(appender_named_count(a, p), from);
	batch_builder_init(&b, INT32_MAX);
	for (int i = 0; i < count; i++) {
		char text[32];
		struct record r = {.key_len = -1, .value = (const uint8_t *)text};

		r.value_len = snprintf(text, sizeof(text), "r%lld", (long long)from + i);
		assert_ok(batch_add(&b, &r));
	}
	assert_ok(appender_append(a, p, &b, 0));
	assert_ok(appender_sync_all(a));
	assert_int_equal(appender_named_count(a, p), from + count);
	appender_close(a);
	batch_builder_free(&b);
}

static void
assert_trace(const struct named *n, int p, int64_t number)
{
	char text[32];
	struct record r = {.key_len = -1, .value = (const uint8_t *)text};
	const struct fingerprint *trace = named_trace(n, p, number);
	struct fingerprint print;

	r.value_len = snprintf(text, sizeof(text), "r%lld", (long long)number);
	print = fingerprint_of(named_key(n), p, &r);
	assert_non_null(trace);
	assert_true(trace->plain == print.plain && trace->timed == print.timed);
}

static void
test_a_name_is_born_and_known_again(void **state)
{
	static const int both[] = {0, 1};
	struct batch_producer one, again;
	struct named *n;

	(void)state;
	make_topic(2, NULL, NULL);
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_int_equal(named_partitions(n), 2);
	assert_int_equal(named_input(n)->records, 0);
	assert_false(named_entered(n, 0));
	assert_int_equal(access("store/topics/t/ids/a", F_OK), -1);
	assert_ok(named_enter(n, both, 2));
	assert_true(named_entered(n, 1));
	assert_int_equal(access("store/topics/t/ids/a", F_OK), 0);
	named_sign(n, &one);
	put(n, 1, 0, 3);
	named_close(n);
	assert_ok(named_open(topic, "a", soon(), &n));
	named_sign(n, &again);
	assert_true(one.id == again.id && one.epoch == 0 && one.id >= 0);
	assert_int_equal(named_count(n, 0), 0);
	assert_int_equal(named_count(n, 1), 3);
	assert_int_equal(named_checked(n, 1), 0);
	assert_trace(n, 1, 0);
	assert_trace(n, 1, 2);
	named_close(n);
	close_topic();
}

static void
test_a_second_live_one_is_refused_at_once(void **state)
{
	char pid[32];
	struct named *n, *other;

	(void)state;
	make_topic(1, NULL, NULL);
	snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_status(named_open(topic, "a", DEADLINE_NEVER, &other), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), pid));
	assert_ok(named_open(topic, "b", soon(), &other));
	named_close(n);
	assert_ok(named_open(topic, "a", soon(), &n));
	named_close(n);
	named_close(other);
	close_topic();
}

/* The file of a producer whose partition 0 holds so many records; the log holds none of them. */
static void
write_file(int64_t records, bool live)
{
	struct buf text = BUF_EMPTY;

	assert_ok(buf_printf(&text, "format=1\nproducer.id=77\npartitions=1\nlive=%d\nrecords=%lld\nhashes=00000000000000aa", live,
	    (long long)records));
	for (int i = 0; i < beginning_steps(records); i++)
		assert_ok(buf_printf(&text, " 00000000000000aa"));
	assert_ok(buf_printf(&text, "\nmarks=1\n0 %lld 0 0\n", (long long)records));
	(void)mkdir("store/topics/t/ids", 0700);
	unit_write("store/topics/t/ids/a", text.data, text.len);
	buf_free(&text);
}

static int32_t
last_sequence_in(const char *path)
{
	size_t len, at = 0;
	char *bytes = unit_read(path, &len);
	struct batch_header h = {.base_sequence = -1};

	while (at < len) {
		assert_ok(batch_decode_header((const uint8_t *)bytes + at, &h));
		at += (size_t)batch_bytes(&h);
	}
	free(bytes);
	return batch_last_sequence(&h);
}

static void
test_sequence_numbers_wrap(void **state)
{
	static const int64_t rounds[] = {0, 1, 5};
	static const int zero[] = {0};
	struct named *n;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rounds); i++) {
		int64_t from = ((rounds[i] + 1) << 31) - 3, counts[1];
		struct beginning input = {.records = from + 7, .hash = 1};

		make_topic(1, NULL, NULL);
		write_file(from, false);
		assert_ok(named_open(topic, "a", soon(), &n));
		assert_int_equal(named_count(n, 0), from);
		assert_ok(named_enter(n, zero, 1));
		put(n, 0, from, 2); /* ends before the wrap */
		named_close(n);
		assert_ok(named_open(topic, "a", soon(), &n));
		assert_int_equal(named_count(n, 0), from + 2);
		put(n, 0, from + 2, 4); /* one before it, three behind */
		assert_int_equal(last_sequence_in("store/topics/t/t-0/00000000000000000000.log"), 2);
		named_close(n);
		assert_ok(named_open(topic, "a", soon(), &n));
		assert_int_equal(named_count(n, 0), from + 6);
		for (int k = 0; k < 6; k++)
			assert_trace(n, 0, from + k);
		put(n, 0, from + 6, 1);
		counts[0] = from + 7;
		for (int k = 0; k < beginning_steps(input.records); k++)
			input.steps[k] = 1;
		assert_ok(named_checkpoint(n, &input, counts, 1, false, soon()));
		named_close(n);
		assert_ok(named_open(topic, "a", soon(), &n));
		assert_int_equal(named_count(n, 0), from + 7);
		assert_int_equal(named_checked(n, 0), from + 7);
		assert_int_equal(named_input(n)->records, from + 7);
		named_close(n);
		close_topic();
		assert_int_equal(system("rm -r store"), 0);
	}
}

static void
test_segments_that_are_gone_are_known_by_their_snapshot(void **state)
{
	static const int zero[] = {0};
	struct named *n;

	(void)state;
	make_topic(1, "segment.bytes", "100");
	for (int i = 0; i < 5; i++) {
		assert_ok(named_open(topic, "a", soon(), &n));
		assert_ok(named_enter(n, zero, 1));
		put(n, 0, 2 * i, 2);
		named_close(n);
	}
	assert_ok(topic_trim(topic, 0, 7, soon()));
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_int_equal(named_count(n, 0), 10);
	assert_null(named_trace(n, 0, 0));
	assert_null(named_trace(n, 0, 5));
	assert_trace(n, 0, 7);
	assert_trace(n, 0, 9);
	named_close(n);
	assert_ok(topic_trim(topic, 0, 10, soon()));
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_int_equal(named_count(n, 0), 10);
	named_close(n);
	close_topic();
}

static void
test_what_a_checkpoint_knows_may_not_vanish_unseen(void **state)
{
	static const int zero[] = {0};
	struct beginning input = {.records = 0};
	int64_t counts[1] = {4};
	struct named *n;

	(void)state;
	make_topic(1, "segment.bytes", "100");
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_ok(named_enter(n, zero, 1));
	put(n, 0, 0, 4);
	for (int i = 0; i < 4; i++)
		beginning_add(&input, (uint64_t)i);
	assert_ok(named_checkpoint(n, &input, counts, 1, true, soon()));
	named_close(n);
	for (int i = 0; i < 4; i++) {
		assert_ok(named_open(topic, "other", soon(), &n));
		assert_ok(named_enter(n, zero, 1));
		put(n, 0, 2 * i, 2);
		named_close(n);
	}
	assert_ok(topic_trim(topic, 0, 10, soon()));
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_int_equal(named_count(n, 0), 4);
	named_close(n);
	assert_int_equal(system("rm store/topics/t/t-0/*.snapshot"), 0);
	assert_status(named_open(topic, "a", soon(), &n), STATUS_IO);
	close_topic();
}

static void
test_partitions_that_are_not_there(void **state)
{
	static const struct {
		const char *text, *why;
	} files[] = {
	    {"format=1\nproducer.id=1\npartitions=2\nlive=0\nrecords=0\nhashes=0000000000000000\nmarks=0\n",
		"born with 2 partitions, the topic has 1"},
	    {"format=1\nproducer.id=1\npartitions=1\nlive=0\nrecords=0\nhashes=0000000000000000\nmarks=1\n1 0 0 0\n",
		"tells of partition 1, the topic has 1"},
	};
	struct named *n;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_int_equal(mkdir("store/topics/t/ids", 0700), 0);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		unit_write("store/topics/t/ids/a", files[i].text, strlen(files[i].text));
		assert_status(named_open(topic, "a", soon(), &n), STATUS_IO);
		assert_non_null(strstr(status_message(), "t/ids/a"));
		assert_non_null(strstr(status_message(), files[i].why));
	}
	close_topic();
}

static void
test_no_memory(void **state)
{
	static const int zero[] = {0};
	struct named *n;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(named_open(topic, "a", soon(), &n));
	assert_ok(named_enter(n, zero, 1));
	put(n, 0, 0, 3);
	named_close(n);
	for (long k = 0;; k++) {
		int rc;

		unit_oom_after(k);
		rc = named_open(topic, "a", soon(), &n);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	assert_int_equal(named_count(n, 0), 3);
	named_close(n);
	close_topic();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_name_is_born_and_known_again),
	    unit_test(test_a_second_live_one_is_refused_at_once),
	    unit_test(test_sequence_numbers_wrap),
	    unit_test(test_segments_that_are_gone_are_known_by_their_snapshot),
	    unit_test(test_what_a_checkpoint_knows_may_not_vanish_unseen),
	    unit_test(test_partitions_that_are_not_there),
	    unit_test(test_no_memory),
	};
	return unit_run(tests);
}

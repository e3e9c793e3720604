/* consumer: which records it prints, counted and cut at every edge. Following and waiting are in tests/cli. */
#include "cmd/consumer.h"
#include "base/clock.h"
#include "cmd/producer.h"
#include "store/catalog.h"
#include "unit.h"

static struct store *store;
static struct topic *topic;

static void
make_topic(int partitions)
{
	struct config config;

	config_init(&config, partitions);
	assert_ok(config_set(&config, "fsync", "never"));
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

/* Records 0 to count - 1 go round, in batches of `batch`; each a second after the other, from time 0. */
static void
fill(int count, int batch)
{
	const struct producer_options options = {.partition = -1, .appender = {.timeout_ms = 1000}};
	struct producer *p;
	char value[16];

	assert_ok(producer_open(topic, &options, &p));
	for (int i = 0; i < count; i++) {
		struct record r = {.timestamp_ms = 1000 * i, .key_len = -1, .value = (uint8_t *)value};

		r.value_len = snprintf(value, sizeof(value), "%d", i);
		assert_ok(producer_add(p, &r, false));
		if (i % batch == batch - 1)
			assert_ok(producer_store(p));
	}
	assert_ok(producer_finish(p));
	producer_close(p);
}

static struct consumer_options
usual(void)
{
	return (struct consumer_options){.range = RANGE_ALL,
	    .wait_ms = -1,
	    .most_records = -1,
	    .render.delimiter = {(uint8_t *)(uintptr_t) " ", 1, 1}};
}

/* consumer_run with its stdout into *text, which the caller frees. */
static int
run(const struct consumer_options *o, uint64_t *records, char **text)
{
	int fd = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600), kept, rc;
	size_t len;

	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	rc = consumer_run(store, topic, o, records);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(fd);
	*text = unit_read("out", &len);
	return rc;
}

/* "3 " behind the text. */
static void
expect(char *text, int number)
{
	char one[16];

	snprintf(one, sizeof(one), "%d ", number);
	strcat(text, one);
}

static void
assert_reads(const struct consumer_options *o, const char *expected, uint64_t count)
{
	uint64_t records;
	char *text;

	assert_ok(run(o, &records, &text));
	assert_string_equal(text, expected);
	assert_int_equal(records, count);
	free(text);
}

static void
assert_range(const char *where, const char *expected, uint64_t count)
{
	struct consumer_options o = usual();

	assert_ok(range_parse(where, 20000, &o.range));
	assert_reads(&o, expected, count);
}

static void
test_everything(void **state)
{
	struct consumer_options o = usual();

	(void)state;
	make_topic(1);
	assert_reads(&o, "", 0);
	fill(10, 3);
	assert_reads(&o, "0 1 2 3 4 5 6 7 8 9 ", 10);
	o.render.quiet = true;
	assert_reads(&o, "", 10);
	close_topic();
}

/* Batches are [0,3) [3,6) [6,9) [9,10): each range end is tried at and beside their borders. */
static void
test_ranges_cut_batches(void **state)
{
	(void)state;
	make_topic(1);
	fill(10, 3);
	for (int from = 0; from <= 11; from++) {
		for (int to = 0; to <= 12; to++) {
			char where[32], expected[64] = "";
			uint64_t count = 0;

			snprintf(where, sizeof(where), "%d:%d", from, to);
			for (int i = from; i < to && i < 10; i++, count++)
				expect(expected, i);
			assert_range(where, expected, count);
		}
	}
	close_topic();
}

static void
test_times_cut_batches(void **state)
{
	(void)state;
	make_topic(1);
	fill(10, 3);
	for (int ms = 0; ms <= 10000; ms += 500) {
		char where[32], expected[64] = "";
		uint64_t count = 0;

		snprintf(where, sizeof(where), "s@%d", ms);
		for (int i = (ms + 999) / 1000; i < 10; i++, count++)
			expect(expected, i);
		assert_range(where, expected, count);
	}
	/* 20 s after 1970, less 15 s. */
	assert_range("@-15s", "5 6 7 8 9 ", 5);
	assert_range("@-15s:@-13s", "5 6 ", 2);
	close_topic();
}

static void
test_counts_cut_batches(void **state)
{
	struct consumer_options o = usual();

	(void)state;
	make_topic(1);
	fill(10, 3);
	for (int most = 1; most <= 11; most++) {
		char expected[64] = "";

		for (int i = 0; i < most && i < 10; i++)
			expect(expected, i);
		o.most_records = most;
		assert_reads(&o, expected, most < 10 ? (uint64_t)most : 10);
	}
	close_topic();
}

static void
test_partitions_come_in_turns(void **state)
{
	static const int second[] = {1};
	struct consumer_options o = usual();

	(void)state;
	make_topic(2);
	fill(12, 4);
	/* Two records of each, a batch. */
	assert_reads(&o, "0 2 1 3 4 6 5 7 8 10 9 11 ", 12);
	o.most_records = 5;
	assert_reads(&o, "0 2 1 3 4 ", 5);
	o.most_records = -1;
	o.partitions = second;
	o.partition_count = 1;
	assert_reads(&o, "1 3 5 7 9 11 ", 6);
	close_topic();
}

/* More than are read in turns: each to its end, its descriptors closed. */
static void
test_many_partitions(void **state)
{
	struct consumer_options o = usual();
	uint64_t records;
	char *text;

	(void)state;
	make_topic(70);
	fill(210, 70);
	assert_ok(run(&o, &records, &text));
	assert_int_equal(records, 210);
	assert_int_equal(strncmp(text, "0 70 140 1 71 141 2 ", 20), 0);
	free(text);
	o.most_records = 4;
	assert_reads(&o, "0 70 140 1 ", 4);
	close_topic();
}

static void
test_a_partition_that_is_not_there(void **state)
{
	static const int two[] = {0, 2};
	struct consumer_options o = usual();
	uint64_t records;
	char *text;

	(void)state;
	make_topic(2);
	o.partitions = two;
	o.partition_count = 2;
	assert_status(run(&o, &records, &text), STATUS_MISSING);
	free(text);
	close_topic();
}

static void
test_removed_records_are_told_only_if_they_were_wanted(void **state)
{
	static const struct {
		const char *where, *expected;
		int rc;
	} runs[] = {
	    {"start", "5 6 7 8 9 ", STATUS_OK},
	    {"5", "5 6 7 8 9 ", STATUS_OK},
	    {"4", "5 6 7 8 9 ", STATUS_NO},
	    {"0:7", "5 6 ", STATUS_NO},
	    {"0:5", "", STATUS_NO},
	    {"0:3", "", STATUS_NO},
	    {"3:3", "", STATUS_OK},
	    {"-9", "5 6 7 8 9 ", STATUS_OK},
	    {"s@0", "5 6 7 8 9 ", STATUS_OK},
	};
	struct consumer_options o = usual();
	uint64_t records;
	char *text;

	(void)state;
	make_topic(1);
	fill(10, 3);
	assert_ok(topic_trim(topic, 0, 5, DEADLINE_NEVER));
	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		assert_ok(range_parse(runs[i].where, 20000, &o.range));
		assert_status(run(&o, &records, &text), runs[i].rc);
		assert_string_equal(text, runs[i].expected);
		free(text);
	}
	close_topic();
}

static void
test_a_deleted_topic(void **state)
{
	struct consumer_options o = usual();
	uint64_t records;
	char *text;

	(void)state;
	make_topic(1);
	assert_ok(catalog_delete(store, "t", DEADLINE_NEVER));
	assert_status(run(&o, &records, &text), STATUS_MISSING);
	free(text);
	close_topic();
}

static void
test_no_memory(void **state)
{
	struct consumer_options o = usual();

	(void)state;
	make_topic(2);
	fill(10, 3);
	for (long n = 0;; n++) {
		uint64_t records;
		char *text;
		int rc;

		topic_close(topic);
		assert_ok(topic_open(store, "t", &topic));
		fflush(stdout);
		unit_oom_after(n);
		rc = consumer_run(store, topic,
		    &(struct consumer_options){.range = RANGE_ALL, .wait_ms = -1, .most_records = -1, .render.quiet = true},
		    &records);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			assert_int_equal(records, 10);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_ok(run(&o, &records, &text));
		assert_int_equal(records, 10);
		free(text);
	}
	close_topic();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_everything),
	    unit_test(test_ranges_cut_batches),
	    unit_test(test_times_cut_batches),
	    unit_test(test_counts_cut_batches),
	    unit_test(test_partitions_come_in_turns),
	    unit_test(test_many_partitions),
	    unit_test(test_a_partition_that_is_not_there),
	    unit_test(test_removed_records_are_told_only_if_they_were_wanted),
	    unit_test(test_a_deleted_topic),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

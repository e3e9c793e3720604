/* producer: which partition, which batch, and what is stored when something fails. */
#include "cmd/producer.h"
#include "base/clock.h"
#include "store/catalog.h"
#include "store/partitioner.h"
#include "unit.h"

#include <poll.h>

#define MIB ((size_t)1 << 20)

static struct store *store;
static struct topic *topic;

static const struct producer_options usual = {.partition = -1, .appender = {.timeout_ms = 10000, .alone = true}};

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
	topic = NULL;
	store = NULL;
}

static struct record
record_of(const void *value, size_t len)
{
	return (struct record){.timestamp_ms = 1000, .key_len = -1, .value = value, .value_len = (int32_t)len};
}

static int
add(struct producer *p, const char *key, const char *value)
{
	struct record r = record_of(value, strlen(value));

	r.key = (const uint8_t *)key;
	r.key_len = key == NULL ? -1 : (int32_t)strlen(key);
	return producer_add(p, &r, false);
}

/* What lies in a partition. */
struct found {
	int64_t batches, records, largest_batch;
	char values[4096]; /* the first bytes of each value, as long as there is room */
};

static struct found
look(int partition)
{
	struct found found = {0};
	struct batch_cursor cursor;
	struct batch_view view;
	struct reader *reader;
	struct record r;
	int64_t start, end;
	int rc;

	assert_ok(topic_bounds(topic, partition, &start, &end, NULL));
	assert_ok(topic_reader(topic, partition, &reader));
	reader_seek(reader, start);
	while ((rc = topic_read(topic, partition, end, &view)) == STATUS_OK) {
		found.batches++;
		if (batch_bytes(&view.header) > found.largest_batch)
			found.largest_batch = batch_bytes(&view.header);
		assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
		while ((rc = batch_cursor_next(&cursor, &r)) == STATUS_OK) {
			size_t used = strlen(found.values);

			found.records++;
			if (used + 16 < sizeof(found.values))
				snprintf(found.values + used, 16, "%.*s ", r.value_len < 8 ? (int)r.value_len : 8,
				    (const char *)r.value);
		}
		assert_status(rc, STATUS_END);
	}
	assert_status(rc, STATUS_END);
	return found;
}

static void
test_what_was_taken_is_stored_when_it_is_asked_for(void **state)
{
	struct producer *p;
	struct found found;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(producer_store(p));
	assert_int_equal(look(0).records, 0);
	assert_ok(add(p, NULL, "a"));
	assert_ok(add(p, NULL, "b"));
	assert_int_equal(producer_stored(p), 0);
	assert_int_equal(look(0).records, 0);
	assert_ok(producer_store(p));
	assert_int_equal(producer_stored(p), 2);
	assert_int_equal(producer_patience_ms(p), -1);
	assert_ok(add(p, NULL, "c"));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 3);
	assert_int_equal(producer_unknown(p), 0);
	producer_close(p);
	found = look(0);
	assert_string_equal(found.values, "a b c ");
	assert_int_equal(found.batches, 2);
	close_topic();
}

static void
test_what_was_not_stored_is_gone(void **state)
{
	struct producer *p;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "a"));
	producer_close(p);
	producer_close(NULL);
	assert_int_equal(look(0).records, 0);
	close_topic();
}

static void
test_records_go_round_or_by_key_or_where_they_are_sent(void **state)
{
	struct producer_options to_two = usual;
	struct producer *p;
	char expected[3][64] = {"0 3 ", "1 ", "2 "};

	(void)state;
	make_topic(3, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "0"));
	assert_ok(add(p, NULL, "1"));
	assert_ok(add(p, "key", "k"));
	assert_ok(add(p, NULL, "2"));
	assert_ok(add(p, NULL, "3"));
	assert_ok(producer_finish(p));
	producer_close(p);
	/* The key stands between 1 and 2, and takes no turn. */
	switch (partition_of_key((const uint8_t *)"key", 3, 3)) {
	case 0:
		strcpy(expected[0], "0 k 3 ");
		break;
	case 1:
		strcpy(expected[1], "1 k ");
		break;
	default:
		strcpy(expected[2], "k 2 ");
	}
	for (int i = 0; i < 3; i++)
		assert_string_equal(look(i).values, expected[i]);
	assert_int_equal(topic_next_partition(topic), 4);
	/* The next producer goes on. */
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "4"));
	assert_ok(producer_finish(p));
	producer_close(p);
	strcat(expected[1], "4 ");
	assert_string_equal(look(1).values, expected[1]);
	to_two.partition = 2;
	assert_ok(producer_open(topic, &to_two, &p));
	assert_ok(add(p, "key", "x"));
	assert_ok(add(p, NULL, "y"));
	assert_ok(producer_finish(p));
	producer_close(p);
	strcat(expected[2], "x y ");
	assert_string_equal(look(2).values, expected[2]);
	assert_int_equal(topic_next_partition(topic), 5);
	to_two.partition = 3;
	assert_status(producer_open(topic, &to_two, &p), STATUS_MISSING);
	close_topic();
}

/* Take lines as feed.c does: the fast way as far as it goes, then one the other way. */
static uint64_t
add_lines(struct producer *p, const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text, *end = bytes + strlen(text), *stop;
	uint64_t fast = 0;

	for (;;) {
		struct record r;

		fast += producer_add_lines(p, &bytes, end, '\n', 1000);
		if ((stop = memchr(bytes, '\n', (size_t)(end - bytes))) == NULL)
			break;
		r = record_of(bytes, (size_t)(stop - bytes));
		assert_ok(producer_add(p, &r, false));
		bytes = stop + 1;
	}
	assert_string_equal((const char *)bytes, "rest");
	return fast;
}

static void
test_lines_are_taken_fast_where_all_go_to_one_partition(void **state)
{
	struct producer *p;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	/* The first is never fast, nor are those for which the batch's memory must grow. */
	assert_true(add_lines(p, "a\nb\n\nc\nd\ne\nf\nrest") >= 3);
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 7);
	producer_close(p);
	assert_string_equal(look(0).values, "a b  c d e f ");
	assert_int_equal(topic_next_partition(topic), 7);
	close_topic();
}

static void
test_lines_that_go_round_are_not_taken_fast(void **state)
{
	struct producer_options second = usual;
	struct producer *p;

	(void)state;
	make_topic(2, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_int_equal(add_lines(p, "a\nb\nc\nd\nrest"), 0);
	assert_ok(producer_finish(p));
	producer_close(p);
	second.partition = 1;
	assert_ok(producer_open(topic, &second, &p));
	assert_true(add_lines(p, "e\nf\ng\nh\nrest") > 0);
	assert_ok(producer_finish(p));
	producer_close(p);
	assert_int_equal(topic_next_partition(topic), 4);
	assert_string_equal(look(1).values, "b d e f g h ");
	close_topic();
}

static void
test_batches_are_large_and_not_too_large(void **state)
{
	static char value[1000];
	struct record r = record_of(value, sizeof(value));
	struct producer *p;
	struct found found;

	(void)state;
	make_topic(1, "fsync", "never");
	assert_ok(producer_open(topic, &usual, &p));
	for (int i = 0; i < 5000; i++)
		assert_ok(producer_add(p, &r, false));
	assert_ok(producer_finish(p));
	producer_close(p);
	found = look(0);
	assert_int_equal(found.records, 5000);
	assert_in_range(found.batches, 5, 6);
	assert_in_range(found.largest_batch, MIB - 2000, MIB);
	close_topic();
}

static void
test_batches_keep_below_max_message_bytes(void **state)
{
	static char value[1000];
	struct record r = record_of(value, 100);
	struct producer *p;
	struct found found;

	(void)state;
	make_topic(1, "max.message.bytes", "1000");
	assert_ok(producer_open(topic, &usual, &p));
	for (int i = 0; i < 50; i++)
		assert_ok(producer_add(p, &r, false));
	assert_ok(producer_finish(p));
	found = look(0);
	assert_int_equal(found.records, 50);
	assert_in_range(found.largest_batch, 800, 1000);
	/* 61 bytes of header, 9 of the record beside its value of 128 bytes and more: 930 fit. */
	for (size_t len = 929; len <= 931; len++) {
		r.value_len = (int32_t)len;
		if (len <= 930)
			assert_ok(producer_add(p, &r, false));
		else
			assert_status(producer_add(p, &r, false), STATUS_DATA);
	}
	assert_ok(producer_finish(p));
	producer_close(p);
	found = look(0);
	assert_int_equal(found.largest_batch, 1000);
	assert_int_equal(found.records, 52);
	close_topic();
}

/* One that is larger than a batch usually is, between small ones: all in their order. */
static void
test_a_large_record_keeps_its_place(void **state)
{
	size_t len = 3 * MIB;
	char *value = calloc(1, len);
	struct record large = record_of(value, len);
	struct producer *p;
	struct found found;

	(void)state;
	make_topic(1, "max.message.bytes", "4M");
	memcpy(value, "large", 5);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "a"));
	assert_ok(producer_add(p, &large, false));
	assert_ok(producer_add(p, &large, false));
	assert_ok(add(p, NULL, "b"));
	assert_ok(add(p, NULL, "c"));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 5);
	producer_close(p);
	found = look(0);
	assert_string_equal(found.values, "a large large b c ");
	assert_int_equal(found.batches, 4);
	free(value);
	close_topic();
}

/* A record that is too large is refused; those before and behind it are not touched. */
static void
test_a_record_that_is_too_large_spoils_nothing(void **state)
{
	size_t len = 2 * MIB;
	char *value = calloc(1, len);
	struct record large = record_of(value, len);
	struct producer *p;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "a"));
	assert_status(producer_add(p, &large, false), STATUS_DATA);
	assert_ok(add(p, NULL, "b"));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 2);
	producer_close(p);
	assert_string_equal(look(0).values, "a b ");
	free(value);
	close_topic();
}

/* With more partitions than memory for full batches they are stored before they are full. */
static void
test_many_partitions(void **state)
{
	static char value[100 * 1000];
	struct record r = record_of(value, sizeof(value));
	struct producer *p;

	(void)state;
	make_topic(500, "fsync", "never");
	assert_ok(producer_open(topic, &usual, &p));
	for (int i = 0; i < 1000; i++)
		assert_ok(producer_add(p, &r, false));
	/* 100 MB were taken; what is not stored of it is less than 16 MiB. */
	assert_true(producer_stored(p) >= 1000 - 16 * MIB / sizeof(value));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 1000);
	producer_close(p);
	for (int i = 0; i < 500; i += 99)
		assert_int_equal(look(i).records, 2);
	close_topic();
}

static void
test_without_pauses_readers_see_progress(void **state)
{
	static char value[64 * 1024];
	struct record r = record_of(value, sizeof(value));
	int64_t deadline = clock_deadline(20000), start, end = 0;
	struct topic *readers;
	struct producer *p;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(topic_open(store, "t", &readers));
	assert_ok(producer_open(topic, &usual, &p));
	for (size_t i = 0; i < 66 * MIB / sizeof(value) + 32; i++)
		assert_ok(producer_add(p, &r, false));
	/* Nobody asks for more, and they see it all the same: it was synced because it is much. */
	while (end * (int64_t)sizeof(value) < 63 * (int64_t)MIB && !clock_passed(deadline))
		assert_ok(topic_bounds(readers, 0, &start, &end, NULL));
	assert_true(end * (int64_t)sizeof(value) >= 63 * (int64_t)MIB);
	assert_ok(producer_finish(p));
	producer_close(p);
	topic_close(readers);
	close_topic();
}

static void
test_an_interval_is_waited_for_and_not_longer(void **state)
{
	struct producer *p;
	int64_t patience_ms;

	(void)state;
	make_topic(1, "fsync", "50ms");
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "a"));
	assert_ok(producer_store(p));
	assert_int_equal(look(0).records, 1);
	patience_ms = producer_patience_ms(p);
	assert_in_range(patience_ms, 0, 50);
	while (producer_patience_ms(p) > 0)
		poll(NULL, 0, (int)producer_patience_ms(p));
	assert_ok(producer_store(p));
	assert_int_equal(producer_patience_ms(p), -1);
	assert_int_equal(producer_stored(p), 1);
	assert_ok(add(p, NULL, "b"));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 2);
	producer_close(p);
	close_topic();
}

static int
grow(void *arg, struct config *config)
{
	config->partitions = *(int *)arg;
	return STATUS_OK;
}

static void
test_partitions_that_are_added_are_used(void **state)
{
	struct topic *other;
	struct producer *p;
	int five = 5;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "0"));
	assert_ok(producer_store(p));
	assert_ok(topic_open(store, "t", &other));
	assert_ok(topic_alter(other, grow, &five, DEADLINE_NEVER));
	topic_close(other);
	assert_ok(add(p, NULL, "1"));
	assert_ok(producer_store(p));
	for (int i = 0; i < 5; i++)
		assert_ok(add(p, NULL, "x"));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 7);
	producer_close(p);
	for (int i = 1; i < 5; i++)
		assert_string_equal(look(i).values, "x ");
	close_topic();
}

/* The worker notices that the topic grew, and a named producer hears of it just before a partition's first batch. */
static void
test_partitions_are_added_under_a_named_producer(void **state)
{
	static char value[300 * 1024];
	struct producer_options named = usual;
	struct record r = record_of(value, sizeof(value));
	struct topic *other;
	struct producer *p;
	int many = 500;

	(void)state;
	named.id = "a";
	make_topic(2, NULL, NULL);
	assert_ok(topic_open(store, "t", &other));
	assert_ok(producer_open(topic, &named, &p));
	for (int i = 0; i < 8; i++)
		assert_ok(producer_add_to(p, 0, &r, false));
	assert_ok(topic_alter(other, grow, &many, DEADLINE_NEVER));
	/* One batch is handed over behind the change, and none after the worker has told of it. */
	for (int i = 0; i < 2; i++)
		assert_ok(producer_add_to(p, 0, &r, false));
	for (int i = 0; i < 8; i++)
		assert_ok(producer_add_to(p, 1, &r, false));
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 18);
	producer_close(p);
	topic_close(other);
	assert_int_equal(look(0).records, 10);
	assert_int_equal(look(1).records, 8);
	close_topic();
}

static void
test_a_topic_that_is_deleted(void **state)
{
	struct producer *p;

	(void)state;
	make_topic(1, NULL, NULL);
	assert_ok(producer_open(topic, &usual, &p));
	assert_ok(add(p, NULL, "a"));
	assert_ok(producer_store(p));
	assert_ok(catalog_delete(store, "t", DEADLINE_NEVER));
	assert_ok(add(p, NULL, "b"));
	assert_status(producer_store(p), STATUS_MISSING);
	assert_ok(producer_finish(p));
	assert_int_equal(producer_stored(p), 1);
	assert_int_equal(producer_unknown(p), 0);
	producer_close(p);
	close_topic();
}

static void
test_reports_tell_what_is_stored(void **state)
{
	struct producer_options o = usual;
	struct format *format;
	struct producer *p;
	size_t len;
	char *told;
	int fd = open("told", O_WRONLY | O_CREAT, 0600), kept;

	(void)state;
	make_topic(2, NULL, NULL);
	assert_ok(format_parse("%t/%p %o %v\\n", &format));
	o.appender.report = format;
	assert_ok(producer_open(topic, &o, &p));
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	(void)!add(p, NULL, "a");
	(void)!add(p, NULL, "b");
	(void)!add(p, NULL, "c");
	(void)!producer_store(p);
	dup2(kept, STDOUT_FILENO);
	assert_int_equal(producer_stored(p), 3);
	told = unit_read("told", &len);
	assert_string_equal(told, "t/0 0 a\nt/0 1 c\nt/1 0 b\n");
	free(told);
	producer_close(p);
	format_free(format);
	close(fd);
	close(kept);
	close_topic();
}

/* Whatever memory is refused: the counts are what the log says. */
static void
test_no_memory(void **state)
{
	static char value[300 * 1024];
	struct record r = record_of(value, sizeof(value));
	uint64_t before = 0;

	(void)state;
	make_topic(2, NULL, NULL);
	for (long n = 0;; n++) {
		struct producer *p = NULL;
		uint64_t stored = 0;
		long hits;
		int rc;

		unit_oom_after(n);
		if ((rc = producer_open(topic, &usual, &p)) == STATUS_OK) {
			for (int i = 0; rc == STATUS_OK && i < 8; i++)
				rc = producer_add(p, &r, false);
			if (rc == STATUS_OK)
				rc = producer_store(p);
		}
		hits = unit_oom_off();
		if (p != NULL) {
			int finish_rc = producer_finish(p);

			if (rc == STATUS_OK)
				rc = finish_rc;
			stored = producer_stored(p);
			assert_int_equal(producer_unknown(p), 0);
		}
		producer_close(p);
		assert_int_equal(look(0).records + look(1).records, before + stored);
		before += stored;
		if (hits == 0) {
			assert_ok(rc);
			assert_int_equal(stored, 8);
			break;
		}
		if (rc != STATUS_OK)
			assert_status(rc, STATUS_AGAIN);
	}
	close_topic();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_was_taken_is_stored_when_it_is_asked_for),
	    unit_test(test_what_was_not_stored_is_gone),
	    unit_test(test_records_go_round_or_by_key_or_where_they_are_sent),
	    unit_test(test_lines_are_taken_fast_where_all_go_to_one_partition),
	    unit_test(test_lines_that_go_round_are_not_taken_fast),
	    unit_test(test_batches_are_large_and_not_too_large),
	    unit_test(test_batches_keep_below_max_message_bytes),
	    unit_test(test_a_large_record_keeps_its_place),
	    unit_test(test_a_record_that_is_too_large_spoils_nothing),
	    unit_test(test_many_partitions),
	    unit_test(test_without_pauses_readers_see_progress),
	    unit_test(test_an_interval_is_waited_for_and_not_longer),
	    unit_test(test_partitions_that_are_added_are_used),
	    unit_test(test_partitions_are_added_under_a_named_producer),
	    unit_test(test_a_topic_that_is_deleted),
	    unit_test(test_reports_tell_what_is_stored),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

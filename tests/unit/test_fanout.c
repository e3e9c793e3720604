/* fanout: a producer for each topic, however many; counts stay true when topics are closed and when one of them fails. */
#include "cmd/fanout.h"
#include "base/clock.h"
#include "store/catalog.h"
#include "unit.h"

static struct store *store;

static const struct fanout_options many = {.producer = {.partition = -1, .appender = {.timeout_ms = 10000}}, .many = true};

static void
make_topics(int count)
{
	struct config config;

	assert_ok(store_open_or_make("store", DEADLINE_NEVER, &store));
	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t%d", i);
		config_init(&config, 2);
		assert_ok(config_set(&config, "fsync", "never"));
		assert_ok(catalog_create(store, name, &config, DEADLINE_NEVER));
	}
}

static int
add(struct fanout *f, const char *topic)
{
	struct record r = {.timestamp_ms = 1, .key_len = -1, .value = (const uint8_t *)"v", .value_len = 1};
	struct producer *p;
	int rc;

	return (rc = fanout_get(f, topic, &p, NULL)) == STATUS_OK ? producer_add_to(p, 0, &r, false) : rc;
}

static int64_t
records_of(const char *topic)
{
	struct topic *t;
	int64_t start, end;

	assert_ok(topic_open(store, topic, &t));
	assert_ok(topic_bounds(t, 0, &start, &end, NULL));
	topic_close(t);
	return end - start;
}

static void
test_each_topic_gets_its_own(void **state)
{
	struct producer *p, *q;
	struct topic *topic;
	struct fanout *f;

	(void)state;
	make_topics(2);
	assert_ok(fanout_open(store, &many, &f));
	assert_ok(fanout_get(f, "t0", &p, &topic));
	assert_string_equal(topic_name(topic), "t0");
	assert_ok(fanout_get(f, "t1", &q, NULL));
	assert_ptr_not_equal(p, q);
	assert_ok(fanout_get(f, "t0", &q, NULL));
	assert_ptr_equal(p, q);
	assert_ok(add(f, "t0"));
	assert_ok(add(f, "t1"));
	assert_ok(add(f, "t0"));
	assert_int_equal(fanout_stored(f), 0);
	assert_ok(fanout_store(f));
	assert_int_equal(fanout_stored(f), 3);
	assert_int_equal(fanout_unknown(f), 0);
	assert_int_equal(fanout_patience_ms(f), -1);
	assert_ok(fanout_finish(f));
	fanout_close(f);
	fanout_close(NULL);
	assert_int_equal(records_of("t0"), 2);
	assert_int_equal(records_of("t1"), 1);
	store_close(store);
}

static void
test_more_topics_than_are_kept_open(void **state)
{
	const int count = 40;
	struct fanout *f;
	char name[16];

	(void)state;
	make_topics(count);
	assert_ok(fanout_open(store, &many, &f));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "t%d", i);
			assert_ok(add(f, name));
		}
	}
	assert_ok(fanout_finish(f));
	assert_int_equal(fanout_stored(f), 3 * count);
	fanout_close(f);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(records_of(name), 3);
	}
	store_close(store);
}

static void
test_topics_that_are_not_there_or_no_names(void **state)
{
	struct fanout *f;

	(void)state;
	make_topics(1);
	assert_ok(fanout_open(store, &many, &f));
	assert_ok(add(f, "t0"));
	assert_status(add(f, "nosuch"), STATUS_MISSING);
	assert_status(add(f, "../t0"), STATUS_USAGE);
	assert_status(add(f, ""), STATUS_USAGE);
	/* What was taken before is stored all the same. */
	assert_ok(fanout_finish(f));
	assert_int_equal(fanout_stored(f), 1);
	fanout_close(f);
	store_close(store);
}

static void
test_a_partition_that_is_not_there_is_no_failure_of_the_producer(void **state)
{
	struct record r = {.timestamp_ms = 1, .key_len = -1, .value_len = -1};
	struct producer *p;
	struct fanout *f;

	(void)state;
	make_topics(1);
	assert_ok(fanout_open(store, &many, &f));
	assert_ok(fanout_get(f, "t0", &p, NULL));
	assert_ok(producer_add_to(p, 1, &r, false));
	assert_status(producer_add_to(p, 2, &r, false), STATUS_MISSING);
	assert_status(producer_add_to(p, INT32_MAX, &r, false), STATUS_MISSING);
	assert_ok(producer_add_to(p, 0, &r, false));
	assert_ok(fanout_finish(f));
	assert_int_equal(fanout_stored(f), 2);
	fanout_close(f);
	store_close(store);
}

static void
test_a_topic_that_fails_does_not_keep_the_others_from_being_stored(void **state)
{
	struct fanout *f;

	(void)state;
	make_topics(3);
	assert_ok(fanout_open(store, &many, &f));
	assert_ok(add(f, "t0"));
	assert_ok(add(f, "t1"));
	assert_ok(add(f, "t2"));
	assert_ok(catalog_delete(store, "t0", DEADLINE_NEVER));
	assert_status(fanout_finish(f), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "t0"));
	assert_int_equal(fanout_stored(f), 2);
	fanout_close(f);
	assert_int_equal(records_of("t1"), 1);
	assert_int_equal(records_of("t2"), 1);
	store_close(store);
}

static void
test_timestamps_may_be_the_topics_own(void **state)
{
	struct fanout_options timed = many;
	struct producer *p;
	struct config config;
	struct fanout *f;

	(void)state;
	make_topics(1);
	config_init(&config, 1);
	assert_ok(config_set(&config, "message.timestamp.type", "LogAppendTime"));
	assert_ok(catalog_create(store, "own", &config, DEADLINE_NEVER));
	timed.timed = true;
	assert_ok(fanout_open(store, &timed, &f));
	assert_status(fanout_get(f, "own", &p, NULL), STATUS_CONFIG);
	assert_ok(fanout_get(f, "t0", &p, NULL));
	fanout_close(f);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_each_topic_gets_its_own),
	    unit_test(test_more_topics_than_are_kept_open),
	    unit_test(test_topics_that_are_not_there_or_no_names),
	    unit_test(test_a_partition_that_is_not_there_is_no_failure_of_the_producer),
	    unit_test(test_a_topic_that_fails_does_not_keep_the_others_from_being_stored),
	    unit_test(test_timestamps_may_be_the_topics_own),
	};

	return unit_run(tests);
}

#include "store/config.h"

#include "unit.h"

/* What config_entry shows of a key. */
static const char *
shown(const struct config *c, const char *wanted, bool *given)
{
	static char value[CONFIG_VALUE_BYTES];
	const char *key;

	for (size_t i = 0; config_entry(c, i, &key, value, given); i++) {
		if (strcmp(key, wanted) == 0)
			return value;
	}
	fail_msg("%s: not shown", wanted);
	return NULL;
}

static void
assert_shown(const struct config *c, const char *key, const char *value, bool given)
{
	bool was_given;

	assert_string_equal(shown(c, key, &was_given), value);
	assert_int_equal(was_given, given);
}

static void
test_defaults_are_kafkas(void **state)
{
	struct config c;

	(void)state;
	config_init(&c, 7);
	assert_int_equal(c.partitions, 7);
	assert_int_equal(c.replication_factor, 1);
	assert_int_equal(c.log.fsync, FSYNC_ALWAYS);
	assert_int_equal(c.log.segment_bytes, 1073741824);
	assert_int_equal(c.log.segment_ms, 604800000);
	assert_int_equal(c.log.index_interval_bytes, 4096);
	assert_int_equal(c.log.max_message_bytes, 1048588);
	assert_int_equal(c.log.retention_ms, -1);
	assert_true(c.log.deletes);
	assert_false(c.log.compacts);
	assert_int_equal(c.log.delete_retention_ms, 86400000);
	assert_int_equal(c.log.min_compaction_lag_ms, 0);
	assert_true(c.log.min_dirty_ratio == 0.5);
	assert_int_equal(c.log.retention_bytes, -1);
	assert_false(c.log.append_time);
	assert_int_equal(c.given, 0);
}

static void
test_entries_are_alphabetical_and_end(void **state)
{
	char value[CONFIG_VALUE_BYTES], last[64] = "";
	struct config c;
	const char *key;
	bool given;
	size_t i;

	(void)state;
	config_init(&c, 1);
	for (i = 0; config_entry(&c, i, &key, value, &given); i++) {
		assert_true(strcmp(last, key) < 0);
		assert_false(given);
		snprintf(last, sizeof(last), "%s", key);
	}
	assert_int_equal(i, 16);
	assert_false(config_entry(&c, SIZE_MAX, &key, value, &given));
}

/* Kafka's Uuid.randomUuid: version 4, variant 1, 22 letters of URL-safe base64, no dash first. */
static void
test_topic_ids_are_kafka_uuids(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char last[TOPIC_ID_BYTES] = "";

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct config c;
		int digits[22];

		config_init(&c, 1);
		assert_int_equal(strlen(c.topic_id), 22);
		for (int j = 0; j < 22; j++)
			digits[j] = (int)(strchr(alphabet, c.topic_id[j]) - alphabet);
		/* Bits 48 to 51 are the version, 64 and 65 the variant, the last 4 of 132 are no bits of the id. */
		assert_int_equal(digits[8] >> 2, 4);
		assert_int_equal(digits[10] & 3, 2);
		assert_int_equal(digits[21] & 15, 0);
		assert_int_not_equal(c.topic_id[0], '-');
		assert_string_not_equal(c.topic_id, last);
		memcpy(last, c.topic_id, sizeof(last));
	}
}

static const struct {
	const char *key, *value;
	const char *shown; /* NULL: refused */
} values[] = {
    {"segment.bytes", "14", "14"},
    {"segment.bytes", "13", NULL},
    {"segment.bytes", "2147483647", "2147483647"},
    {"segment.bytes", "2147483648", NULL},
    {"segment.bytes", "1M", "1048576"},
    {"segment.bytes", "1MiB", "1048576"},
    {"segment.bytes", "2G", NULL},
    {"segment.bytes", "-1", NULL},
    {"segment.bytes", "", NULL},
    {"segment.bytes", "10s", NULL},
    {"segment.bytes", "1e6", NULL},
    {"segment.bytes", " 14", NULL},
    {"segment.bytes", "99999999999999999999", NULL},
    {"segment.ms", "1", "1"},
    {"segment.ms", "0", NULL},
    {"segment.ms", "9223372036854775807", "9223372036854775807"},
    {"segment.ms", "9223372036854775808", NULL},
    {"segment.ms", "7d", "604800000"},
    {"segment.ms", "500ms", "500"},
    {"segment.ms", "64K", NULL},
    {"segment.ms", "106751991168d", NULL},
    {"cleanup.policy", "delete", "delete"},
    {"cleanup.policy", "compact", "compact"},
    {"cleanup.policy", "compact,delete", "compact,delete"},
    {"cleanup.policy", "delete,compact", "compact,delete"},
    {"cleanup.policy", "", NULL},
    {"cleanup.policy", "compact,", NULL},
    {"cleanup.policy", "Compact", NULL},
    {"delete.retention.ms", "0", "0"},
    {"delete.retention.ms", "1d", "86400000"},
    {"delete.retention.ms", "-1", NULL},
    {"min.compaction.lag.ms", "1h", "3600000"},
    {"min.compaction.lag.ms", "-1", NULL},
    {"min.cleanable.dirty.ratio", "0", "0"},
    {"min.cleanable.dirty.ratio", "1", "1"},
    {"min.cleanable.dirty.ratio", "0.25", "0.25"},
    {"min.cleanable.dirty.ratio", ".1", "0.1"},
    {"min.cleanable.dirty.ratio", "1.1", NULL},
    {"min.cleanable.dirty.ratio", "-0.1", NULL},
    {"min.cleanable.dirty.ratio", "", NULL},
    {"min.cleanable.dirty.ratio", ".", NULL},
    {"min.cleanable.dirty.ratio", "1e-1", NULL},
    {"min.cleanable.dirty.ratio", "0.5.5", NULL},
    {"min.cleanable.dirty.ratio", "nan", NULL},
    {"retention.ms", "-1", "-1"},
    {"retention.ms", "-2", NULL},
    {"retention.ms", "0", "0"},
    {"retention.ms", "7d", "604800000"},
    {"retention.ms", "7", "7"},
    {"retention.ms", "1G", NULL},
    {"retention.ms", "9223372036854775807", "9223372036854775807"},
    {"retention.bytes", "-1", "-1"},
    {"retention.bytes", "-2", NULL},
    {"retention.bytes", "0", "0"},
    {"retention.bytes", "10G", "10737418240"},
    {"retention.bytes", "7d", NULL},
    {"index.interval.bytes", "0", "0"},
    {"index.interval.bytes", "-1", NULL},
    {"index.interval.bytes", "2147483647", "2147483647"},
    {"max.message.bytes", "0", "0"},
    {"max.message.bytes", "10M", "10485760"},
    {"max.message.bytes", "2147483648", NULL},
    {"message.timestamp.type", "CreateTime", "CreateTime"},
    {"message.timestamp.type", "LogAppendTime", "LogAppendTime"},
    {"message.timestamp.type", "createtime", NULL},
    {"message.timestamp.type", "", NULL},
    {"fsync", "always", "always"},
    {"fsync", "never", "never"},
    {"fsync", "Always", NULL},
    {"fsync", "1ms", "1ms"},
    {"fsync", "0ms", NULL},
    {"fsync", "1000ms", "1s"},
    {"fsync", "1500ms", "1500ms"},
    {"fsync", "90s", "90s"},
    {"fsync", "120s", "2m"},
    {"fsync", "24h", "1d"},
    {"fsync", "1000", NULL},
    {"fsync", "2147483647ms", "2147483647ms"},
    {"fsync", "2147483648ms", NULL},
    {"fsync", "-1s", NULL},
};

static void
test_values_and_their_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct config c, before;
		int rc;

		config_init(&c, 1);
		before = c;
		rc = config_set(&c, values[i].key, values[i].value);
		if (values[i].shown != NULL) {
			assert_ok(rc);
			assert_shown(&c, values[i].key, values[i].shown, true);
			continue;
		}
		if (rc != STATUS_CONFIG)
			fail_msg("%s=%s: %d", values[i].key, values[i].value, rc);
		assert_memory_equal(&c, &before, sizeof(c));
		assert_memory_equal(status_message(), values[i].key, strlen(values[i].key));
	}
}

static void
assert_refused(const char *key, const char *why)
{
	struct config c;

	config_init(&c, 1);
	assert_status(config_set(&c, key, "1"), STATUS_CONFIG);
	assert_string_equal(status_message(), why);
	assert_status(config_unset(&c, key), STATUS_CONFIG);
	assert_string_equal(status_message(), why);
}

static void
test_a_message_names_the_key_and_the_range(void **state)
{
	struct config c;

	(void)state;
	config_init(&c, 1);
	assert_status(config_set(&c, "segment.bytes", "13"), STATUS_CONFIG);
	assert_string_equal(status_message(), "segment.bytes: 13: not from 14 to 2147483647");
	assert_status(config_set(&c, "segment.ms", "soon"), STATUS_CONFIG);
	assert_string_equal(status_message(),
	    "segment.ms: soon: not a number or duration (500ms, 10s, 5m, 2h, 7d), from 1 to 9223372036854775807");
	assert_status(config_set(&c, "fsync", "0s"), STATUS_CONFIG);
	assert_string_equal(status_message(), "fsync: 0s: not always, never or a duration from 1ms to 2147483647ms (500ms, 10s)");
}

static void
test_words(void **state)
{
	static const struct {
		const char *key, *value;
		bool good;
	} cases[] = {{"compression.type", "producer", true}, {"compression.type", "uncompressed", true},
	    {"compression.type", "gzip", true}, {"compression.type", "zstd", true}, {"compression.type", "none", false},
	    {"compression.type", "zstd:3", false}, {"compression.type", "", false}, {"mode", "0600", true}, {"mode", "600", true},
	    {"mode", "0640", true}, {"mode", "0660", true}, {"mode", "0666", true}, {"mode", "0400", false},
	    {"mode", "0700", false}, {"mode", "0620", false}, {"mode", "0602", false}, {"mode", "0", false},
	    {"mode", "00600", false}, {"mode", "0608", false}, {"mode", "rw", false}, {"mode", "", false}, {"group", "users", true},
	    {"group", "", true}, {"group", "a b", false}, {"group", "12345678901234567890123456789012", true},
	    {"group", "123456789012345678901234567890123", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct config c;
		int rc;

		config_init(&c, 1);
		rc = config_set(&c, cases[i].key, cases[i].value);
		if (rc != (cases[i].good ? STATUS_OK : STATUS_CONFIG))
			fail_msg("%s=%s: %d", cases[i].key, cases[i].value, rc);
	}
}

static void
test_access_is_by_mode_and_group(void **state)
{
	struct file_access access;
	struct config c;

	(void)state;
	config_init(&c, 1);
	assert_ok(config_access(&c, &access));
	assert_int_equal(access.mode, 0600);
	assert_int_equal(access.gid, (gid_t)-1);
	assert_ok(config_set(&c, "mode", "0640"));
	assert_ok(config_set(&c, "group", "root"));
	assert_ok(config_access(&c, &access));
	assert_int_equal(access.mode, 0640);
	assert_int_equal(access.gid, 0);
	assert_ok(config_set(&c, "group", "no-such-group-here"));
	assert_status(config_access(&c, &access), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "no-such-group-here"));
}

static void
test_max_bytes_makes_segments_small(void **state)
{
	struct config c;

	(void)state;
	config_init(&c, 3);
	assert_int_equal(config_part_bytes(&c), INT64_MAX);
	assert_int_equal(config_of_log(&c).segment_bytes, 1073741824);
	assert_ok(config_set(&c, "max.bytes", "2400K"));
	assert_int_equal(config_part_bytes(&c), 102400);
	assert_int_equal(config_of_log(&c).segment_bytes, 102400);
	assert_ok(config_set(&c, "segment.bytes", "1000"));
	assert_int_equal(config_of_log(&c).segment_bytes, 1000);
	/* A batch has a header at least. */
	assert_ok(config_set(&c, "max.bytes", "0"));
	assert_int_equal(config_of_log(&c).segment_bytes, 61);
	assert_int_equal(c.log.segment_bytes, 1000);
}

static void
test_settings_that_do_nothing_yet_are_refused(void **state)
{
	static const char *const keys[] = {"min.insync.replicas", "retain.groups", "max.compaction.lag.ms", "flush.ms",
	    "preallocate", "unclean.leader.election.enable", "segment.index.bytes"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char why[100];

		snprintf(why, sizeof(why), "%s: not supported yet", keys[i]);
		assert_refused(keys[i], why);
	}
}

static void
test_an_unknown_key_is_told_the_nearest(void **state)
{
	char longest[400];
	struct config c;

	(void)state;
	assert_refused("segment.byte", "segment.byte: no such setting; the nearest is segment.bytes");
	assert_refused("SEGMENT.BYTES", "SEGMENT.BYTES: no such setting; the nearest is segment.bytes");
	assert_refused("retention", "retention: no such setting; the nearest is retention.ms");
	assert_refused("sync", "sync: no such setting; the nearest is fsync");
	assert_refused("partitions", "partitions: not a setting: say -p");
	assert_refused("replication.factor", "replication.factor: not a setting: say -r");
	config_init(&c, 1);
	memset(longest, 'k', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_status(config_set(&c, longest, "1"), STATUS_CONFIG);
	assert_status(config_set(&c, "", "1"), STATUS_CONFIG);
	assert_status(config_set(&c, "topic.id", "AAAAAAAAQACAAAAAAAAAAA"), STATUS_CONFIG);
	assert_status(config_set(&c, "format", "1"), STATUS_CONFIG);
}

static void
test_unset_goes_back_to_the_default(void **state)
{
	struct config c;

	(void)state;
	config_init(&c, 1);
	assert_ok(config_set(&c, "fsync", "5s"));
	assert_int_equal(c.log.fsync, FSYNC_INTERVAL);
	assert_int_equal(c.log.fsync_interval_ms, 5000);
	assert_ok(config_set(&c, "segment.bytes", "1073741824"));
	assert_shown(&c, "segment.bytes", "1073741824", true);
	assert_ok(config_unset(&c, "fsync"));
	assert_ok(config_unset(&c, "segment.bytes"));
	assert_ok(config_unset(&c, "segment.ms"));
	assert_shown(&c, "fsync", "always", false);
	assert_shown(&c, "segment.bytes", "1073741824", false);
	assert_int_equal(c.given, 0);
}

static void
test_partitions_and_replication_have_limits(void **state)
{
	struct config c;

	(void)state;
	config_init(&c, 1);
	assert_status(config_set_partitions(&c, 0), STATUS_CONFIG);
	assert_status(config_set_partitions(&c, -1), STATUS_CONFIG);
	assert_status(config_set_partitions(&c, TOPIC_MAX_PARTITIONS + 1), STATUS_CONFIG);
	assert_int_equal(c.partitions, 1);
	assert_ok(config_set_partitions(&c, TOPIC_MAX_PARTITIONS));
	assert_int_equal(c.partitions, TOPIC_MAX_PARTITIONS);
	assert_status(config_set_replication_factor(&c, 0), STATUS_CONFIG);
	assert_status(config_set_replication_factor(&c, 2), STATUS_CONFIG);
	assert_string_equal(status_message(), "replication.factor: 2: not supported yet, only 1");
	assert_ok(config_set_replication_factor(&c, 1));
}

static int
decode(const char *text, struct config *c)
{
	struct buf b = BUF_EMPTY;
	int rc;

	assert_ok(buf_append(&b, text, strlen(text)));
	rc = config_decode(&b, c);
	buf_free(&b);
	return rc;
}

static void
test_a_file_holds_what_was_given_and_no_more(void **state)
{
	struct buf b = BUF_EMPTY;
	struct config c, back;
	char text[300];

	(void)state;
	config_init(&c, 3);
	assert_ok(config_set(&c, "segment.ms", "1d"));
	assert_ok(config_set(&c, "fsync", "100ms"));
	assert_ok(config_set(&c, "message.timestamp.type", "LogAppendTime"));
	assert_ok(config_encode(&c, &b));
	snprintf(text, sizeof(text),
	    "format=1\ntopic.id=%s\npartitions=3\nreplication.factor=1\nfsync=100ms\nmessage.timestamp.type=LogAppendTime\nsegment.ms=86400000\n",
	    c.topic_id);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(b.data, text, b.len);
	assert_ok(config_decode(&b, &back));
	assert_memory_equal(&back, &c, sizeof(c));
	buf_free(&b);
}

static void
test_every_value_survives_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf b = BUF_EMPTY;
		struct config c, back;

		if (values[i].shown == NULL)
			continue;
		config_init(&c, 1);
		assert_ok(config_set(&c, values[i].key, values[i].value));
		assert_ok(config_encode(&c, &b));
		assert_ok(config_decode(&b, &back));
		assert_memory_equal(&back, &c, sizeof(c));
		assert_shown(&back, values[i].key, values[i].shown, true);
		buf_free(&b);
	}
}

#define ID "topic.id=CbHH7Yb5Qze-W1nXW2P7fA\n"

static void
assert_bad_file(const char *text, const char *why)
{
	struct config c, before;

	memset(&c, 0xa5, sizeof(c));
	before = c;
	assert_status(decode(text, &c), STATUS_CONFIG);
	assert_memory_equal(&c, &before, sizeof(c));
	if (strstr(status_message(), why) == NULL)
		fail_msg("%s: not in: %s", why, status_message());
}

static void
test_a_typo_in_the_file_is_told_with_its_line(void **state)
{
	struct config c;

	(void)state;
	assert_ok(decode("format=1\n" ID "partitions=2\nreplication.factor=1\n", &c));
	assert_string_equal(c.topic_id, "CbHH7Yb5Qze-W1nXW2P7fA");
	assert_int_equal(c.partitions, 2);
	assert_ok(decode("format=1\npartitions=2\nsegment.bytes=1M\nreplication.factor=1\n" ID, &c));
	assert_int_equal(c.log.segment_bytes, 1048576);

	assert_bad_file("", "line 1: must be format=1");
	assert_bad_file("format=2\n", "line 1: format 2");
	assert_bad_file("format=1\npartitions=2\nreplication.factor=1\n", "no topic.id");
	assert_bad_file("format=1\n" ID "replication.factor=1\n", "no partitions");
	assert_bad_file("format=1\n" ID "partitions=2\n", "no replication.factor");
	assert_bad_file("format=1\n" ID "partitions=two\nreplication.factor=1\n", "line 3: partitions: not a number: two");
	assert_bad_file("format=1\n" ID "partitions=0\nreplication.factor=1\n", "line 3: partitions: 0: not from 1 to 100000");
	assert_bad_file("format=1\n" ID "partitions=1\nreplication.factor=3\n", "line 4: replication.factor: 3: not supported yet");
	assert_bad_file("format=1\n" ID "partitions=1\nreplication.factor=1\nsegmnt.ms=5\n", "line 5: segmnt.ms: no such setting");
	assert_bad_file("format=1\n" ID "partitions=1\nreplication.factor=1\nsegment.ms=\n", "line 5: segment.ms");
	assert_bad_file("format=1\n" ID "partitions=1\nreplication.factor=1\nflush.ms=5\n", "line 5: flush.ms: not supported yet");
	assert_bad_file("format=1\n" ID "partitions =1\nreplication.factor=1\n", "line 3: partitions : no such setting");
	assert_bad_file("format=1\ntopic.id=CbHH7Yb5Qze-W1nXW2P7f\n", "line 2: topic.id: not a Kafka Uuid");
	assert_bad_file("format=1\ntopic.id=CbHH7Yb5Qze-W1nXW2P7fAA\n", "line 2: topic.id: not a Kafka Uuid");
	assert_bad_file("format=1\ntopic.id=CbHH7Yb5Qze-W1nXW2P7fB\n", "line 2: topic.id: not a Kafka Uuid");
	assert_bad_file("format=1\ntopic.id=CbHH7Yb5Qze+W1nXW2P7fA\n", "line 2: topic.id: not a Kafka Uuid");
}

static void
test_memory_runs_out(void **state)
{
	struct config c, back;
	int rc;

	(void)state;
	config_init(&c, 3);
	assert_ok(config_set(&c, "fsync", "never"));
	for (long n = 0;; n++) {
		struct buf b = BUF_EMPTY;

		unit_oom_after(n);
		if ((rc = config_encode(&c, &b)) == STATUS_OK)
			rc = config_decode(&b, &back);
		buf_free(&b);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
	}
	assert_ok(rc);
	assert_memory_equal(&back, &c, sizeof(c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_defaults_are_kafkas),
	    unit_test(test_entries_are_alphabetical_and_end),
	    unit_test(test_topic_ids_are_kafka_uuids),
	    unit_test(test_values_and_their_ranges),
	    unit_test(test_a_message_names_the_key_and_the_range),
	    unit_test(test_words),
	    unit_test(test_access_is_by_mode_and_group),
	    unit_test(test_max_bytes_makes_segments_small),
	    cmocka_unit_test(test_settings_that_do_nothing_yet_are_refused),
	    unit_test(test_an_unknown_key_is_told_the_nearest),
	    unit_test(test_unset_goes_back_to_the_default),
	    unit_test(test_partitions_and_replication_have_limits),
	    unit_test(test_a_file_holds_what_was_given_and_no_more),
	    unit_test(test_every_value_survives_the_file),
	    unit_test(test_a_typo_in_the_file_is_told_with_its_line),
	    unit_test(test_memory_runs_out),
	};
	return unit_run(tests);
}

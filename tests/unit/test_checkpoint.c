#include "log/checkpoint.h"

#include "golden.h"

static int
find_in(const char *text, size_t len, const char *topic, int partition, int64_t *offset)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	assert_true(dir >= 0);
	unit_write(LOG_START_CHECKPOINT, text, len);
	rc = checkpoint_find(dir, LOG_START_CHECKPOINT, topic, partition, offset);
	close(dir);
	return rc;
}

static int64_t
offset_in(const char *text, const char *topic, int partition)
{
	int64_t offset = 77;

	assert_ok(find_in(text, strlen(text), topic, partition, &offset));
	return offset;
}

static void
test_kafkas_checkpoint(void **state)
{
	int dir = golden_open(".");
	int64_t offset;

	(void)state;
	assert_ok(checkpoint_find(dir, LOG_START_CHECKPOINT, "trimmed", 0, &offset));
	assert_int_equal(offset, 4000);
	assert_ok(checkpoint_find(dir, LOG_START_CHECKPOINT, "plain", 0, &offset));
	assert_int_equal(offset, -1);
	close(dir);
}

static void
test_topic_and_partition_are_both_looked_at(void **state)
{
	static const char text[] = "0\n4\na 0 5\na 1 6\nb-c 0 7\nb.c 1 9223372036854775807\n";

	(void)state;
	assert_int_equal(offset_in(text, "a", 0), 5);
	assert_int_equal(offset_in(text, "a", 1), 6);
	assert_int_equal(offset_in(text, "a", 2), -1);
	assert_int_equal(offset_in(text, "b-c", 0), 7);
	assert_int_equal(offset_in(text, "b", 0), -1);
	assert_int_equal(offset_in(text, "b.c", 1), INT64_MAX);
	assert_int_equal(offset_in("0\n0\n", "a", 0), -1);
	/* As a broker that has just started leaves it. */
	assert_int_equal(offset_in("", "a", 0), -1);
}

static void
test_no_checkpoint_names_nothing(void **state)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t offset = 77;

	(void)state;
	assert_ok(checkpoint_find(dir, LOG_START_CHECKPOINT, "a", 0, &offset));
	assert_int_equal(offset, -1);
	close(dir);
}

static void
test_what_cannot_be_understood_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = {{"0", 1}, {"\n", 1}, {"1\n0\n", 1}, {"x\n0\n", 1}, {"0\n", 2}, {"0\nx\n", 2}, {"0\n-1\n", 2}, {"0\n1\n", 3},
	    {"0\n1\na 0\n", 3}, {"0\n1\na 0 5", 3}, {"0\n2\na 0 5\na 1 x\n", 4}, {"0\n1\na -1 5\n", 3}, {"0\n1\na 0 -5\n", 3},
	    {"0\n1\na 0 5 6\n", 3}, {"0\n99999999999\n", 2}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char words[64];
		int64_t offset = 77;

		assert_status(find_in(bad[i].text, strlen(bad[i].text), "a", 0, &offset), STATUS_IO);
		snprintf(words, sizeof(words), LOG_START_CHECKPOINT ": line %d cannot", bad[i].line);
		assert_int_equal(strncmp(status_message(), words, strlen(words)), 0);
		assert_int_equal(offset, 77);
	}
	{
		int64_t offset;

		assert_status(find_in("0\n1\na\0 0 5\n", 12, "a", 0, &offset), STATUS_IO);
	}
}

static void
test_no_memory(void **state)
{
	int64_t offset = 77;

	(void)state;
	unit_write(LOG_START_CHECKPOINT, "0\n0\n", 4);
	unit_oom_after(0);
	assert_int_equal(find_in("0\n0\n", 4, "a", 0, &offset), STATUS_AGAIN);
	unit_oom_off();
	assert_int_equal(offset, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_kafkas_checkpoint),
	    unit_test(test_topic_and_partition_are_both_looked_at),
	    unit_test(test_no_checkpoint_names_nothing),
	    unit_test(test_what_cannot_be_understood_is_refused_with_its_line),
	    unit_test(test_no_memory),
	};

	golden_find();
	return unit_run(tests);
}

#include "store/named_file.h"

#include "unit.h"

static int
decode(const char *text, size_t len, struct named_file *f)
{
	struct buf b = BUF_EMPTY;
	int rc;

	assert_ok(buf_append(&b, text, len));
	rc = named_file_decode(&b, f);
	buf_free(&b);
	return rc;
}

#define STEP "00000000000000aa"
#define TEXT                                                                                                                      \
	"format=1\nproducer.id=7\npartitions=3\nlive=1\nrecords=5\nhashes=00000000000000ff " STEP " " STEP " " STEP "\nmarks=2\n" \
	"0 2 10 -1\n4 3 0 2147483647\n"

static void
test_a_file_is_read_and_written(void **state)
{
	struct named_file f;
	struct buf text = BUF_EMPTY;

	(void)state;
	assert_ok(decode(TEXT, sizeof(TEXT) - 1, &f));
	assert_int_equal(f.producer_id, 7);
	assert_int_equal(f.partitions, 3);
	assert_true(f.live);
	assert_int_equal(f.input.records, 5);
	assert_int_equal(f.input.hash, 0xff);
	assert_int_equal(f.input.steps[2], 0xaa);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.marks[0].epoch, -1);
	assert_int_equal(f.marks[1].partition, 4);
	assert_int_equal(f.marks[1].stored, 3);
	assert_int_equal(f.marks[1].epoch, INT32_MAX);
	assert_ok(named_file_encode(&f, &text));
	assert_bytes(text.data, text.len, TEXT);
	buf_free(&text);
	named_file_free(&f);
	named_file_free(&f);
}

static void
test_one_without_records(void **state)
{
	static const char text[] = "format=1\nproducer.id=0\npartitions=1\nlive=0\nrecords=0\nhashes=0000000000000000\nmarks=0\n";
	struct named_file f;

	(void)state;
	assert_ok(decode(text, sizeof(text) - 1, &f));
	assert_int_equal(f.count, 0);
	named_file_free(&f);
}

/* TEXT with the first `from` made `to`, which is refused with this reason. */
static void
refused(const char *from, const char *to, const char *why)
{
	const char *at = strstr(TEXT, from);
	char text[1024];
	struct named_file f;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - TEXT), TEXT, to, at + strlen(from));
	assert_status(decode(text, strlen(text), &f), STATUS_CONFIG);
	assert_null(f.marks);
	if (strstr(status_message(), why) == NULL)
		fail_msg("%s: not in: %s", why, status_message());
}

#define FOLLOWS "follows=/var/log\nplace=1 2 3 4 00000000000000ff 2\n"

static void
test_a_followed_file_has_a_place(void **state)
{
	char text[1024];
	const char *marks = strstr(TEXT, "marks=");
	struct named_file f;
	struct buf again = BUF_EMPTY;

	(void)state;
	assert_ok(decode(TEXT, sizeof(TEXT) - 1, &f));
	assert_false(f.followed);
	named_file_free(&f);
	snprintf(text, sizeof(text), "%.*s" FOLLOWS "%s", (int)(marks - TEXT), TEXT, marks);
	assert_ok(decode(text, strlen(text), &f));
	assert_true(f.followed && f.place.position == 4 && f.place.next == 2);
	assert_string_equal(f.place.follows, "/var/log");
	assert_ok(named_file_encode(&f, &again));
	assert_int_equal(again.len, strlen(text));
	assert_memory_equal(again.data, text, again.len);
	buf_free(&again);
	named_file_free(&f);
	/* Only one of the two lines; a partition that is not there. */
	snprintf(text, sizeof(text), "%.*sfollows=/var/log\n%s", (int)(marks - TEXT), TEXT, marks);
	assert_status(decode(text, strlen(text), &f), STATUS_CONFIG);
	snprintf(text, sizeof(text), "%.*splace=1 2 3 4 00000000000000ff 3\nfollows=/\n%s", (int)(marks - TEXT), TEXT, marks);
	assert_status(decode(text, strlen(text), &f), STATUS_CONFIG);
}

static void
test_what_breaks_a_rule_is_refused(void **state)
{
	struct named_file f;

	(void)state;
	refused("format=1", "format=2", "another version");
	refused("live=1\n", "", "a line is missing");
	refused("live=1", "live=2", "live");
	refused("live=1", "alive=1", "alive: unknown key");
	refused("producer.id=7", "producer.id=-1", "producer.id");
	refused("partitions=3", "partitions=0", "partitions");
	refused("records=5", "records=6", "the partitions hold 5");
	refused("records=5", "records=3", "not those of 3 records");
	refused("records=5", "records=9", "not those of 9 records");
	refused("00ff ", "0ff ", "hexadecimal digits");
	refused("00ff ", "00fg ", "hexadecimal digits");
	refused("marks=2", "marks=1", "more lines than marks=1");
	refused("marks=2", "marks=3", "PARTITION STORED OFFSET EPOCH expected");
	refused("0 2 10 -1", "4 2 10 -1", "partition 4 after 4");
	refused("0 2 10 -1", "0 2 10 -2", "a partition's line");
	refused("0 2 10 -1", "0 2 10", "a partition's line");
	refused("0 2 10 -1", "0 9223372036854775807 10 0", "more records than can be");
	assert_status(decode(TEXT, sizeof(TEXT) - 2, &f), STATUS_CONFIG);
	assert_status(decode(TEXT, sizeof(TEXT), &f), STATUS_CONFIG);
	assert_status(decode("", 0, &f), STATUS_CONFIG);
}

/* Of four records the hash is that of the third step. */
static void
test_the_hash_of_a_step_is_the_steps(void **state)
{
	static const char text[] = "format=1\nproducer.id=7\npartitions=3\nlive=1\nrecords=4\nhashes=00000000000000%s " STEP
				   " " STEP " " STEP "\nmarks=1\n0 4 10 0\n";
	char copy[512];
	struct named_file f;

	(void)state;
	snprintf(copy, sizeof(copy), text, "aa");
	assert_ok(decode(copy, strlen(copy), &f));
	named_file_free(&f);
	snprintf(copy, sizeof(copy), text, "ab");
	assert_status(decode(copy, strlen(copy), &f), STATUS_CONFIG);
}

static void
test_any_cut_or_changed_byte_is_refused_or_means_something(void **state)
{
	char text[] = TEXT;
	struct named_file f;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_status(decode(text, len, &f), STATUS_CONFIG);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char was = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (decode(text, sizeof(text) - 1, &f) == STATUS_OK)
				named_file_free(&f);
		}
		text[i] = was;
	}
}

static void
test_no_memory(void **state)
{
	struct named_file f;

	(void)state;
	for (long n = 0;; n++) {
		struct buf b = BUF_EMPTY;
		int rc;

		assert_ok(buf_append(&b, TEXT, sizeof(TEXT) - 1));
		unit_oom_after(n);
		rc = named_file_decode(&b, &f);
		buf_free(&b);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			named_file_free(&f);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_file_is_read_and_written),
	    unit_test(test_one_without_records),
	    unit_test(test_a_followed_file_has_a_place),
	    unit_test(test_what_breaks_a_rule_is_refused),
	    unit_test(test_the_hash_of_a_step_is_the_steps),
	    unit_test(test_any_cut_or_changed_byte_is_refused_or_means_something),
	    unit_test(test_no_memory),
	};
	return unit_run(tests);
}

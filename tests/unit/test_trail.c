#include "log/trail.h"

#include "logwork.h"

#define OURS 7
#define OTHERS 8

struct seen {
	char text[256];
	int stop_after;
};

static int
note(void *arg, const struct batch_header *h, const uint8_t *bytes)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	assert_int_equal(h->producer_id, OURS);
	assert_ok(batch_check_crc(bytes, h));
	snprintf(s->text + used, sizeof(s->text) - used, "%lld ", (long long)h->base_offset);
	return --s->stop_after == 0 ? status_fail(STATUS_NO, "enough") : STATUS_OK;
}

/* Batches of two records at 0, 2, ... 18, every other one of ours; a segment for each six offsets. */
static void
make_log(struct logfolder *f)
{
	logfolder_make(f, true);
	for (int64_t offset = 0; offset < 20; offset += 2) {
		struct batch_spec spec = {.base_offset = offset,
		    .count = 2,
		    .has_producer = true,
		    .producer_id = offset % 4 == 0 ? OURS : OTHERS,
		    .sequence = (int32_t)offset};

		put_batch(offset / 6 * 6, &spec);
	}
	publish_all(f);
}

static const char *
walk(struct logfolder *f, int64_t from, int64_t to)
{
	static struct seen s;

	s = (struct seen){.stop_after = -1};
	assert_ok(trail_walk(&f->p, OURS, from, to, note, &s));
	return s.text;
}

static void
test_only_ours_come_in_order(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_string_equal(walk(&f, 0, 20), "0 4 8 12 16 ");
	assert_string_equal(walk(&f, 4, 20), "4 8 12 16 ");
	assert_string_equal(walk(&f, 5, 20), "4 8 12 16 ");
	assert_string_equal(walk(&f, 6, 12), "8 ");
	assert_string_equal(walk(&f, 6, 13), "8 12 ");
	assert_string_equal(walk(&f, 6, 8), "");
	assert_string_equal(walk(&f, 20, 20), "");
	assert_string_equal(walk(&f, 8, 4), "");
	logfolder_close(&f);
}

static void
test_a_control_batch_is_none_of_its_records(void **state)
{
	struct batch_spec spec = {.base_offset = 20, .producer_id = OURS};
	struct batch_builder b;
	struct logfolder f;

	(void)state;
	make_log(&f);
	make_marker(&b, &spec, 1, 0);
	append_bytes(segment_path(18, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	publish_all(&f);
	assert_string_equal(walk(&f, 0, 21), "0 4 8 12 16 ");
	logfolder_close(&f);
}

static void
test_what_lies_behind_is_not_looked_at(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	append_bytes(segment_path(18, SUFFIX_LOG), "half a batch", 12);
	assert_string_equal(walk(&f, 0, 20), "0 4 8 12 16 ");
	logfolder_close(&f);
}

static void
test_damage_is_told(void **state)
{
	struct seen s = {.stop_after = -1};
	struct logfolder f;

	(void)state;
	make_log(&f);
	flip_byte(segment_path(12, SUFFIX_LOG), 70);
	assert_status(trail_walk(&f.p, OURS, 0, 20, note, &s), STATUS_IO);
	assert_string_equal(s.text, "0 4 8 ");
	assert_non_null(strstr(status_message(), "00000000000000000012.log at 0"));
	logfolder_close(&f);
}

static void
test_a_visitor_may_end_it(void **state)
{
	struct seen s = {.stop_after = 2};
	struct logfolder f;

	(void)state;
	make_log(&f);
	assert_status(trail_walk(&f.p, OURS, 0, 20, note, &s), STATUS_NO);
	assert_string_equal(s.text, "0 4 ");
	logfolder_close(&f);
}

static void
test_no_memory(void **state)
{
	struct logfolder f;

	(void)state;
	make_log(&f);
	for (long n = 0;; n++) {
		struct seen s = {.stop_after = -1};
		int rc;

		unit_oom_after(n);
		rc = trail_walk(&f.p, OURS, 0, 20, note, &s);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_only_ours_come_in_order),
	    unit_test(test_a_control_batch_is_none_of_its_records),
	    unit_test(test_what_lies_behind_is_not_looked_at),
	    unit_test(test_damage_is_told),
	    unit_test(test_a_visitor_may_end_it),
	    unit_test(test_no_memory),
	};
	return unit_run(tests);
}

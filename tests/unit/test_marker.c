#include "log/marker.h"

#include "golden.h"
#include "logfolder.h"

static enum marker_type
type_of(const struct batch_builder *b)
{
	struct batch_header h = header_of(b->bytes.data);

	return marker_type_of(&h, b->bytes.data);
}

static enum marker_type
type_of_marker(int type)
{
	struct batch_builder b;
	enum marker_type found;

	make_marker(&b, &(struct batch_spec){.producer_id = 3}, type, 0);
	found = type_of(&b);
	batch_builder_free(&b);
	return found;
}

static void
test_markers_commit_or_abort(void **state)
{
	(void)state;
	assert_int_equal(type_of_marker(0), MARKER_ABORT);
	assert_int_equal(type_of_marker(1), MARKER_COMMIT);
	assert_int_equal(type_of_marker(2), MARKER_NONE); /* a leader change */
	assert_int_equal(type_of_marker(-1), MARKER_NONE);
}

static void
test_other_batches_are_no_markers(void **state)
{
	struct batch_builder b;

	(void)state;
	make_batch(&b, &(struct batch_spec){.count = 1, .has_producer = true, .producer_id = 3});
	assert_int_equal(type_of(&b), MARKER_NONE);
	batch_builder_free(&b);
	make_marker(&b, &(struct batch_spec){.producer_id = -1}, 0, 0);
	assert_int_equal(type_of(&b), MARKER_NONE);
	batch_builder_free(&b);
	make_marker(&b, &(struct batch_spec){.producer_id = 3}, 0, 0);
	empty_the_batch(&b);
	assert_int_equal(type_of(&b), MARKER_NONE);
	batch_builder_free(&b);
	/* A control batch whose record has a key of three bytes. */
	make_batch(&b,
	    &(struct batch_spec){.count = 1,
		.has_producer = true,
		.producer_id = 3,
		.attributes = BATCH_CONTROL | BATCH_TRANSACTIONAL});
	assert_int_equal(type_of(&b), MARKER_NONE);
	batch_builder_free(&b);
}

/* The last marker of a folder that Kafka wrote, made by us from what it says, is the same bytes. */
static void
test_kafkas_abort_is_made_byte_for_byte(void **state)
{
	struct batch_header h;
	struct batch_cursor cursor;
	struct record r;
	struct buf ours = BUF_EMPTY;
	struct marker m;
	size_t len, at, found = 0;
	uint8_t *bytes;

	(void)state;
	bytes = golden_read("txn-0", "00000000000000000004.log", &len);
	for (at = 0; at < len; at += (size_t)batch_bytes(&h)) {
		h = header_of(bytes + at);
		if (marker_type_of(&h, bytes + at) != MARKER_ABORT)
			continue;
		assert_ok(batch_cursor_init(&cursor, bytes + at, &h));
		assert_ok(batch_cursor_next(&cursor, &r));
		m = (struct marker){h.producer_id, h.producer_epoch, (int32_t)be32dec(r.value + 2), h.base_timestamp_ms};
		assert_ok(marker_make_abort(&m, h.base_offset, h.leader_epoch, &ours));
		assert_int_equal(ours.len, batch_bytes(&h));
		assert_memory_equal(ours.data, bytes + at, ours.len);
		buf_free(&ours);
		found++;
	}
	assert_int_equal(found, 1);
	free(bytes);
}

static void
test_no_memory(void **state)
{
	struct marker m = {.producer_id = 1};
	struct buf bytes = BUF_EMPTY;

	(void)state;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = marker_make_abort(&m, 0, 0, &bytes);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(bytes.len, 0);
	}
	buf_free(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_markers_commit_or_abort),
	    unit_test(test_other_batches_are_no_markers),
	    unit_test(test_kafkas_abort_is_made_byte_for_byte),
	    unit_test(test_no_memory),
	};

	golden_find();
	return unit_run(tests);
}

#include "log/marker.h"

#include "golden.h"
#include "logfolder.h"

/* The last marker of a folder that Kafka wrote, made by us from what it says, is the same bytes. */
static void
test_kafkas_abort_is_made_byte_for_byte(void **state)
{
	struct batch_header h;
	struct batch_marker said;
	struct buf ours = BUF_EMPTY;
	struct marker m;
	size_t len, at, found = 0;
	uint8_t *bytes;

	(void)state;
	bytes = golden_read("txn-0", "00000000000000000004.log", &len);
	for (at = 0; at < len; at += (size_t)batch_bytes(&h)) {
		h = header_of(bytes + at);
		if ((h.attributes & BATCH_CONTROL) == 0)
			continue;
		assert_ok(batch_read_marker(&(struct batch_view){h, bytes + at}, &said));
		if (said.type != CONTROL_ABORT)
			continue;
		m = (struct marker){h.producer_id, h.producer_epoch, said.coordinator_epoch, said.timestamp_ms};
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
	    unit_test(test_kafkas_abort_is_made_byte_for_byte),
	    unit_test(test_no_memory),
	};

	golden_find();
	return unit_run(tests);
}

#include "log/marker.h"

#include <bsd/sys/endian.h>

#include "base/status.h"
#include "log/batch.h"

int
marker_make_abort(const struct marker *m, int64_t base_offset, int32_t leader_epoch, struct buf *bytes)
{
	uint8_t key[CONTROL_KEY_BYTES] = {0}, value[CONTROL_VALUE_BYTES] = {0};
	struct record r = {
	    .timestamp_ms = m->timestamp_ms,
	    .key = key,
	    .key_len = sizeof(key),
	    .value = value,
	    .value_len = sizeof(value),
	};
	struct batch_builder b;
	int rc;

	be16enc(key + CONTROL_TYPE_AT, CONTROL_ABORT);
	be32enc(value + CONTROL_COORDINATOR_EPOCH_AT, (uint32_t)m->coordinator_epoch);
	batch_builder_init(&b, BATCH_MAX_BYTES);
	if ((rc = batch_add(&b, &r)) == STATUS_OK) {
		batch_seal(&b);
		batch_set_producer(b.bytes.data, BATCH_TRANSACTIONAL | BATCH_CONTROL, m->producer_id, m->producer_epoch, -1);
		batch_set_place(b.bytes.data, base_offset, leader_epoch);
		rc = buf_append(bytes, b.bytes.data, b.bytes.len);
	}
	batch_builder_free(&b);
	return rc;
}

#include "log/sidecar.h"

#include <stdlib.h>

#include "base/status.h"
#include "log/partition.h"
#include "log/segment.h"

void
sidecar_init(struct sidecar *s, int dir, const struct file_access *access, int64_t interval_bytes)
{
	*s = (struct sidecar){.dir = dir, .access = access, .interval_bytes = interval_bytes, .snapshot_end = -1};
	head_empty_end(&s->end, 0);
	index_writer_init(&s->index, dir, access);
}

void
sidecar_free(struct sidecar *s)
{
	index_writer_close(&s->index);
	buf_free(&s->aborted);
	epoch_list_free(&s->epochs);
	producers_free(&s->producers);
}

/* What the producers had written up to the end; Kafka has none at 0. */
static int
write_snapshot(struct sidecar *s)
{
	const struct producers nobody = {NULL, 0, 0}, *known = s->forget_producers ? &nobody : &s->producers;
	int rc;

	if (s->end.end_offset == 0 || s->end.end_offset == s->snapshot_end)
		return STATUS_OK;
	if ((rc = producers_write(s->dir, s->access, s->end.end_offset, known)) == STATUS_OK)
		s->snapshot_end = s->end.end_offset;
	return rc;
}

/* A broker believes an index that is there, and recovers the segment if there is none: also one without entries is a file. */
static int
make_file(const struct sidecar *s, const char *suffix)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, s->end.segment_base, suffix);
	if ((rc = file_create(s->dir, name, s->access, &fd)) != STATUS_OK)
		return rc == STATUS_EXISTS ? STATUS_OK : rc;
	return file_close(fd, name);
}

int
sidecar_begin(struct sidecar *s, int64_t segment_base)
{
	struct head_end *end = &s->end;
	char name[SEGMENT_NAME_BYTES];
	int rc;

	end->segment_base = end->end_offset = segment_base;
	end->last_position = -1;
	end->end_position = 0;
	end->max_timestamp_ms = end->max_timestamp_offset = end->first_timestamp_ms = -1;
	end->index_pending_bytes = end->index_count = end->timeindex_count = 0;
	segment_name(name, segment_base, SUFFIX_TXNINDEX);
	if ((rc = write_snapshot(s)) != STATUS_OK || (rc = make_file(s, SUFFIX_INDEX)) != STATUS_OK ||
	    (rc = make_file(s, SUFFIX_TIMEINDEX)) != STATUS_OK || (rc = file_remove(s->dir, name)) != STATUS_OK)
		return rc;
	return index_writer_cut(&s->index, end);
}

/* Where the first transaction begins that is still open but for this producer's (Kafka's ProducerStateManager.lastStableOffset). */
static int64_t
last_stable_offset(const struct sidecar *s, int64_t but_for, int64_t end_offset)
{
	int64_t stable = end_offset;

	for (size_t i = 0; i < s->producers.count; i++) {
		const struct producer_state *state = &s->producers.states[i];

		if (state->producer_id != but_for && state->transaction_first_offset >= 0 &&
		    state->transaction_first_offset < stable)
			stable = state->transaction_first_offset;
	}
	return stable;
}

/* A marker that aborts what its producer has open becomes an entry of .txnindex. */
static int
note_abort(struct sidecar *s, const struct batch_header *plain, const uint8_t *bytes)
{
	const struct batch_view view = {*plain, bytes};
	const struct producer_state *state = producers_find(&s->producers, plain->producer_id);
	uint8_t entry[TXNINDEX_ENTRY_BYTES];
	struct batch_marker marker;
	int rc;

	if ((plain->attributes & BATCH_CONTROL) == 0 || state == NULL || state->transaction_first_offset < 0)
		return STATUS_OK;
	if ((rc = batch_read_marker(&view, &marker)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	if (marker.type != CONTROL_ABORT)
		return STATUS_OK;
	txnindex_encode(entry,
	    &(struct txnindex_entry){
		.version = TXNINDEX_VERSION,
		.producer_id = plain->producer_id,
		.first_offset = state->transaction_first_offset,
		.last_offset = plain->base_offset,
		.last_stable_offset = last_stable_offset(s, plain->producer_id, plain->base_offset + 1),
	    });
	return buf_append(&s->aborted, entry, sizeof(entry));
}

int
sidecar_note(struct sidecar *s, const struct batch_header *h, int64_t position, const struct batch_header *plain,
    const uint8_t *bytes)
{
	struct head_end *end = &s->end;
	int rc;

	if ((rc = index_writer_note(&s->index, end, h, position, s->interval_bytes)) != STATUS_OK ||
	    (rc = note_abort(s, plain, bytes)) != STATUS_OK || (rc = producers_note(&s->producers, plain, bytes)) != STATUS_OK)
		return rc;
	s->begins_without_epoch |= h->leader_epoch < 0;
	if (h->leader_epoch > end->leader_epoch && (rc = epoch_list_add(&s->epochs, h->leader_epoch, h->base_offset)) != STATUS_OK)
		return rc;
	partition_end_behind(end, h, position);
	return STATUS_OK;
}

static int
write_txnindex(struct sidecar *s)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	if (s->aborted.len == 0)
		return STATUS_OK;
	segment_name(name, s->end.segment_base, SUFFIX_TXNINDEX);
	if ((rc = file_create(s->dir, name, s->access, &fd)) != STATUS_OK)
		return rc;
	rc = file_write_at(fd, name, s->aborted.data, s->aborted.len, 0);
	if (file_close(fd, name) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	buf_clear(&s->aborted);
	return rc;
}

int
sidecar_end(struct sidecar *s)
{
	int rc = index_writer_finish(&s->index, &s->end);

	return rc == STATUS_OK ? write_txnindex(s) : rc;
}

int
sidecar_finish(struct sidecar *s, int64_t log_start)
{
	int rc;

	if ((rc = write_snapshot(s)) != STATUS_OK)
		return rc;
	if (s->epochs.count == 0)
		return file_remove(s->dir, EPOCH_CHECKPOINT);
	epoch_list_trim(&s->epochs, log_start);
	/* What compaction took out before the first batch was of its epoch too, or of one that is forgotten. */
	if (!s->begins_without_epoch)
		s->epochs.entries[0].start_offset = log_start;
	return epoch_list_write(s->dir, s->access, &s->epochs);
}

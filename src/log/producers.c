#include "log/producers.h"

#include <bsd/sys/endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/status.h"
#include "log/segment.h"

void
producers_free(struct producers *ps)
{
	free(ps->states);
	*ps = (struct producers){NULL, 0, 0};
}

/* The first state whose id is at or above. */
static size_t
position_of(const struct producers *ps, int64_t producer_id)
{
	size_t low = 0, high = ps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ps->states[middle].producer_id < producer_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct producer_state *
producers_find(const struct producers *ps, int64_t producer_id)
{
	size_t i = position_of(ps, producer_id);

	return i < ps->count && ps->states[i].producer_id == producer_id ? &ps->states[i] : NULL;
}

/* The state of a producer, a blank one if it is new. */
static int
state_of(struct producers *ps, int64_t producer_id, struct producer_state **state)
{
	size_t i = position_of(ps, producer_id);

	if (i == ps->count || ps->states[i].producer_id != producer_id) {
		if (ps->count == ps->cap) {
			size_t cap = ps->cap == 0 ? 8 : ps->cap * 2;
			struct producer_state *states = reallocarray(ps->states, cap, sizeof(*states));

			if (states == NULL)
				return status_no_memory("producers");
			ps->states = states;
			ps->cap = cap;
		}
		memmove(&ps->states[i + 1], &ps->states[i], (ps->count - i) * sizeof(ps->states[0]));
		ps->states[i] = (struct producer_state){
		    .producer_id = producer_id,
		    .epoch = -1,
		    .last_sequence = -1,
		    .last_offset = -1,
		    .timestamp_ms = -1,
		    .coordinator_epoch = -1,
		    .transaction_first_offset = -1,
		};
		ps->count++;
	}
	*state = &ps->states[i];
	return STATUS_OK;
}

/* A commit or abort marker ends the transaction; a new epoch forgets the sequence (ProducerAppendInfo.appendEndTxnMarker). */
static int
note_marker(struct producer_state *state, const struct batch_header *h, const uint8_t *bytes)
{
	struct batch_marker marker;
	int rc;

	if ((rc = batch_read_marker(&(struct batch_view){*h, bytes}, &marker)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc; /* emptied by compaction: its whole transaction is gone */
	if (state->epoch != h->producer_epoch) {
		state->last_sequence = -1;
		state->last_offset = -1;
		state->offset_delta = 0;
	}
	state->epoch = h->producer_epoch;
	state->timestamp_ms = marker.timestamp_ms;
	state->transaction_first_offset = -1;
	if (marker.coordinator_epoch >= 0)
		state->coordinator_epoch = marker.coordinator_epoch;
	return STATUS_OK;
}

int
producers_note(struct producers *ps, const struct batch_header *h, const uint8_t *bytes)
{
	struct producer_state *state;
	int rc;

	if (h->producer_id < 0)
		return STATUS_OK;
	if ((rc = state_of(ps, h->producer_id, &state)) != STATUS_OK)
		return rc;
	if ((h->attributes & BATCH_CONTROL) != 0)
		return note_marker(state, h, bytes);
	state->epoch = h->producer_epoch;
	state->last_sequence = batch_last_sequence(h);
	state->last_offset = batch_end_offset(h) - 1;
	state->offset_delta = h->last_offset_delta;
	state->timestamp_ms = h->max_timestamp_ms;
	if ((h->attributes & BATCH_TRANSACTIONAL) != 0 && state->transaction_first_offset < 0)
		state->transaction_first_offset = h->base_offset;
	return STATUS_OK;
}

static void
decode_state(const uint8_t *p, struct producer_state *s)
{
	s->producer_id = (int64_t)be64dec(p);
	s->epoch = (int16_t)be16dec(p + 8);
	s->last_sequence = (int32_t)be32dec(p + 10);
	s->last_offset = (int64_t)be64dec(p + 14);
	s->offset_delta = (int32_t)be32dec(p + 22);
	s->timestamp_ms = (int64_t)be64dec(p + 26);
	s->coordinator_epoch = (int32_t)be32dec(p + 34);
	s->transaction_first_offset = (int64_t)be64dec(p + 38);
}

static void
encode_state(uint8_t *p, const struct producer_state *s)
{
	be64enc(p, (uint64_t)s->producer_id);
	be16enc(p + 8, (uint16_t)s->epoch);
	be32enc(p + 10, (uint32_t)s->last_sequence);
	be64enc(p + 14, (uint64_t)s->last_offset);
	be32enc(p + 22, (uint32_t)s->offset_delta);
	be64enc(p + 26, (uint64_t)s->timestamp_ms);
	be32enc(p + 34, (uint32_t)s->coordinator_epoch);
	be64enc(p + 38, (uint64_t)s->transaction_first_offset);
}

int
producers_decode(const struct buf *bytes, const char *name, struct producers *ps)
{
	uint32_t count;
	int rc;

	if (bytes->len < SNAPSHOT_HEADER_BYTES || be16dec(bytes->data) != SNAPSHOT_VERSION)
		return status_fail(STATUS_CORRUPT, "%s: not a snapshot of version %d", name, SNAPSHOT_VERSION);
	if (be32dec(bytes->data + SNAPSHOT_CRC_AT) != crc32c(bytes->data + SNAPSHOT_COUNT_AT, bytes->len - SNAPSHOT_COUNT_AT))
		return status_fail(STATUS_CORRUPT, "%s: CRC does not match", name);
	count = be32dec(bytes->data + SNAPSHOT_COUNT_AT);
	if (bytes->len != SNAPSHOT_HEADER_BYTES + (size_t)count * SNAPSHOT_ENTRY_BYTES)
		return status_fail(STATUS_CORRUPT, "%s: %u producers in %zu bytes", name, count, bytes->len);
	for (uint32_t i = 0; i < count; i++) {
		struct producer_state read, *state;

		decode_state(bytes->data + SNAPSHOT_HEADER_BYTES + (size_t)i * SNAPSHOT_ENTRY_BYTES, &read);
		if ((rc = state_of(ps, read.producer_id, &state)) != STATUS_OK)
			return rc;
		*state = read;
	}
	return STATUS_OK;
}

int
producers_read(int dir, int64_t base, struct producers *ps)
{
	char name[SEGMENT_NAME_BYTES];
	struct buf bytes = BUF_EMPTY;
	struct producers read = {NULL, 0, 0};
	int rc;

	segment_name(name, base, SUFFIX_SNAPSHOT);
	if ((rc = file_read_all(dir, name, SNAPSHOT_MAX_BYTES, &bytes)) == STATUS_OK)
		rc = producers_decode(&bytes, name, &read);
	buf_free(&bytes);
	if (rc != STATUS_OK) {
		producers_free(&read);
		return rc;
	}
	producers_free(ps);
	*ps = read;
	return STATUS_OK;
}

int
producers_write(int dir, const struct file_access *access, int64_t base, const struct producers *ps)
{
	char name[SEGMENT_NAME_BYTES];
	struct buf bytes = BUF_EMPTY;
	size_t size = SNAPSHOT_HEADER_BYTES + ps->count * SNAPSHOT_ENTRY_BYTES;
	int rc;

	if ((rc = buf_reserve(&bytes, size)) != STATUS_OK)
		return rc;
	be16enc(bytes.data, SNAPSHOT_VERSION);
	be32enc(bytes.data + SNAPSHOT_COUNT_AT, (uint32_t)ps->count);
	for (size_t i = 0; i < ps->count; i++)
		encode_state(bytes.data + SNAPSHOT_HEADER_BYTES + i * SNAPSHOT_ENTRY_BYTES, &ps->states[i]);
	be32enc(bytes.data + SNAPSHOT_CRC_AT, crc32c(bytes.data + SNAPSHOT_COUNT_AT, size - SNAPSHOT_COUNT_AT));
	segment_name(name, base, SUFFIX_SNAPSHOT);
	rc = file_replace(dir, name, bytes.data, size, access);
	buf_free(&bytes);
	return rc;
}

/*
 * Note every batch of the segment below the offset `to`; what lies behind that is not looked at, it may be half a batch. But for control
 * batches the header says all: only that is read, so that who rolls does not read the whole segment that was just written once more.
 */
static int
note_segment(const struct partition *p, int64_t base, int64_t to, struct producers *ps)
{
	char name[SEGMENT_NAME_BYTES];
	struct segment_scanner scanner;
	struct batch_header header;
	const uint8_t *bytes = NULL;
	int64_t size, next = base;
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(p->dir, name, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(fd, name, &size)) == STATUS_OK) {
		segment_scanner_init(&scanner, fd, base, 0, size);
		scanner.read_bytes = BATCH_HEADER_BYTES;
		while (next < to && (rc = segment_scanner_peek(&scanner, &header)) == STATUS_OK && header.base_offset < to) {
			next = batch_end_offset(&header);
			if ((header.attributes & BATCH_CONTROL) != 0)
				rc = segment_scanner_next(&scanner, &header, &bytes);
			else
				segment_scanner_pass(&scanner, &header);
			if (rc != STATUS_OK || (rc = producers_note(ps, &header, bytes)) != STATUS_OK)
				break;
		}
		segment_scanner_free(&scanner);
	}
	(void)file_close(fd, name);
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* No snapshot, or none that is any good; any other failure might hide what only a snapshot knows of removed segments. */
static bool
is_useless(int rc)
{
	return rc == STATUS_MISSING || rc == STATUS_CORRUPT;
}

/* From the newest valid snapshot at a segment up to `base` (or nothing) through all that lies between. */
static int
collect(const struct partition *p, int64_t base, const struct segment_list *list, struct producers *ps)
{
	size_t last = 0, first;
	int rc = STATUS_MISSING;

	while (last < list->count && list->bases[last] <= base)
		last++;
	first = last;
	while (first > 0 && is_useless(rc = producers_read(p->dir, list->bases[first - 1], ps)))
		first--;
	if (is_useless(rc))
		rc = STATUS_OK;
	for (size_t i = first > 0 ? first - 1 : 0; i < last && rc == STATUS_OK; i++)
		rc = note_segment(p, list->bases[i], base, ps);
	return rc;
}

int
producers_collect(const struct partition *p, int64_t offset, struct producers *ps)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(p->dir, &list)) != STATUS_OK)
		return rc;
	if (list.count > 0)
		rc = collect(p, offset, &list, ps);
	segment_list_free(&list);
	return rc;
}

int
producers_at(const struct partition *p, int64_t base, struct producers *ps)
{
	int rc;

	if (!is_useless(rc = producers_read(p->dir, base, ps)))
		return rc;
	producers_free(ps);
	return producers_collect(p, base, ps);
}

int
producers_ensure_snapshot(const struct partition *p, int64_t base)
{
	struct producers ps = {NULL, 0, 0};
	struct segment_list list;
	int rc;

	if (!is_useless(rc = producers_read(p->dir, base, &ps))) {
		producers_free(&ps);
		return rc;
	}
	if ((rc = segment_list_read(p->dir, &list)) != STATUS_OK)
		return rc;
	if (list.count > 0 && (rc = collect(p, base, &list, &ps)) == STATUS_OK)
		rc = producers_write(p->dir, &p->access, base, &ps);
	segment_list_free(&list);
	producers_free(&ps);
	return rc;
}

#include "log/rebuild.h"

#include <bsd/sys/endian.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/status.h"
#include "log/marker.h"
#include "log/segment.h"
#include "log/sidecar.h"

struct walk {
	const struct rebuild_order *order;
	struct rebuilt *found;
	struct segment_list list;
	size_t at; /* of the segment that is open */
	int fd;
	struct sidecar sidecar;
	struct buf plain;     /* the batch that was decompressed last */
	int64_t next_offset;  /* that a record without a gap before it has */
	int32_t epoch_before; /* that of the last batch before order->first_epoch, -1 none */
};

static bool
is_bad_batch(int rc)
{
	return rc == STATUS_CORRUPT || rc == STATUS_CONFIG;
}

static int
fail_at(const struct walk *w, int rc)
{
	return status_context(rc == STATUS_CORRUPT ? STATUS_IO : rc, "offset %lld", (long long)w->sidecar.end.end_offset);
}

static bool
is_last(const struct walk *w)
{
	return w->at + 1 == w->list.count;
}

/*
 * Offsets.
 */

/* No record has the offsets from next_offset up to this one. */
static void
note_gap(struct walk *w, int64_t offset)
{
	if (offset <= w->next_offset)
		return;
	w->found->gaps++;
	w->found->missing += offset - w->next_offset;
	w->next_offset = offset;
}

/* What segment_scanner_next does not look at: the place between its neighbours, in this segment and the others. */
static int
check_place(struct walk *w, const struct batch_header *h)
{
	const struct head_end *end = &w->sidecar.end;
	const struct epoch_entry *first = w->order->first_epoch;

	if (h->leader_epoch < end->leader_epoch)
		return status_fail(STATUS_CORRUPT, "leader epoch %d after %d", h->leader_epoch, end->leader_epoch);
	if (!is_last(w) && batch_end_offset(h) > w->list.bases[w->at + 1])
		return status_fail(STATUS_CORRUPT, "offset %lld in the segment before that of %lld",
		    (long long)batch_end_offset(h) - 1, (long long)w->list.bases[w->at + 1]);
	if (batch_end_offset(h) - 1 - end->segment_base > INT32_MAX)
		return status_fail(STATUS_CORRUPT, "offset %lld is too far from the segment's base",
		    (long long)batch_end_offset(h) - 1);
	if (h->base_offset > end->end_offset)
		w->found->gap_end = h->base_offset;
	if (first != NULL && h->base_offset < first->start_offset)
		w->epoch_before = h->leader_epoch;
	return STATUS_OK;
}

/*
 * Batches.
 */

static int
check_records(struct walk *w, const struct batch_header *plain, const uint8_t *bytes)
{
	struct batch_cursor cursor;
	struct record record;
	int rc;

	if ((rc = batch_cursor_init(&cursor, bytes, plain)) != STATUS_OK)
		return rc;
	while ((rc = batch_cursor_next(&cursor, &record)) == STATUS_OK) {
		note_gap(w, record.offset);
		w->next_offset = record.offset + 1;
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

static int
take_batch(struct walk *w, const struct batch_header *h, int64_t position, const uint8_t *bytes)
{
	const struct rebuild_order *o = w->order;
	struct rebuilt *found = w->found;
	struct batch_header plain = *h;
	int rc;

	if ((rc = check_place(w, h)) != STATUS_OK || (rc = batch_decompress(&plain, &bytes, &w->plain)) != STATUS_OK ||
	    (rc = check_records(w, &plain, bytes)) != STATUS_OK ||
	    (rc = sidecar_note(&w->sidecar, h, position, &plain, bytes)) != STATUS_OK)
		return rc;
	found->batches++;
	found->bytes += batch_bytes(h);
	if ((h->attributes & BATCH_CONTROL) == 0)
		found->records += h->record_count;
	return o->progress == NULL ? STATUS_OK : o->progress(o->progress_arg, found->records, found->bytes);
}

/*
 * The tail of the last segment.
 */

/* A message of magic 0 or 1 may be shorter than a batch's header, so the scanner takes it for a batch that is cut short. */
static bool
is_old_message(const uint8_t *bytes, int64_t len)
{
	int32_t length;

	if (len <= BATCH_MAGIC_AT || (bytes[BATCH_MAGIC_AT] != 0 && bytes[BATCH_MAGIC_AT] != 1))
		return false;
	length = (int32_t)be32dec(bytes + BATCH_LENGTH_AT);
	return length > 0 && length <= len - BATCH_PREFIX_BYTES;
}

static bool
is_valid_batch(const uint8_t *bytes, int64_t len, int64_t least_offset)
{
	struct batch_header h;

	return len >= BATCH_HEADER_BYTES && batch_decode_header(bytes, &h) == STATUS_OK && batch_bytes(&h) <= len &&
	    h.base_offset >= least_offset && batch_check_crc(bytes, &h) == STATUS_OK;
}

/* Could the bytes begin a batch? A look at the few that nearly never do. */
static bool
may_begin_batch(const uint8_t *bytes)
{
	return bytes[BATCH_MAGIC_AT] == BATCH_MAGIC && bytes[BATCH_BASE_OFFSET_AT] == 0;
}

/*
 * A batch that begins the tail claims to run over the end of the file. Either its end was never written, or its length is damaged: then
 * the batches behind it are whole.
 */
static bool
is_followed(const struct walk *w, const uint8_t *tail, int64_t len)
{
	for (int64_t at = 1; at + BATCH_HEADER_BYTES <= len; at++) {
		if (may_begin_batch(tail + at) && is_valid_batch(tail + at, len - at, w->sidecar.end.end_offset))
			return true;
	}
	return false;
}

/*
 * What an append leaves that never ended: one batch cut short, or whose last pages were not written, and zeros where the file was allocated
 * ahead. `data` is how many bytes lie before these zeros.
 */
static bool
is_torn(const struct walk *w, const uint8_t *tail, int64_t len, int64_t data)
{
	struct batch_header h;

	if (data == 0)
		return true;
	if (len < BATCH_HEADER_BYTES)
		return !is_old_message(tail, len);
	if (batch_decode_header(tail, &h) != STATUS_OK || batch_bytes(&h) < data)
		return false;
	return batch_bytes(&h) > len ? !is_followed(w, tail, len) : batch_check_crc(tail, &h) != STATUS_OK;
}

/* Where the zeros begin that the file ends with. */
static int
find_zeros(const struct walk *w, int64_t position, int64_t size, int64_t *begin)
{
	uint8_t bytes[65536];
	size_t got;
	int rc;

	while (size > position) {
		size_t step = size - position < (int64_t)sizeof(bytes) ? (size_t)(size - position) : sizeof(bytes);

		if ((rc = file_read_at(w->fd, SUFFIX_LOG, bytes, step, size - (int64_t)step, &got)) != STATUS_OK)
			return rc;
		while (step > 0 && bytes[step - 1] == 0) {
			step--;
			size--;
		}
		if (step > 0)
			break;
	}
	*begin = size;
	return STATUS_OK;
}

static int
read_tail(const struct walk *w, int64_t position, int64_t size, struct buf *tail)
{
	size_t got;
	int rc;

	if ((rc = buf_reserve(tail, (size_t)(size - position))) != STATUS_OK ||
	    (rc = file_read_at(w->fd, SUFFIX_LOG, tail->data, (size_t)(size - position), position, &got)) != STATUS_OK)
		return rc;
	tail->len = got;
	return STATUS_OK;
}

/* STATUS_CORRUPT, or STATUS_CONFIG for an old message, with the scanner's reason, if the bytes from the position on are no torn tail. */
static int
judge_tail(const struct walk *w, int64_t position, int64_t size)
{
	struct buf tail = BUF_EMPTY;
	char why[512];
	int64_t data;
	int rc;

	(void)snprintf(why, sizeof(why), "%s", status_message());
	if ((rc = find_zeros(w, position, size, &data)) != STATUS_OK || data == position)
		return rc;
	if ((rc = read_tail(w, position, size, &tail)) == STATUS_OK && !is_torn(w, tail.data, (int64_t)tail.len, data - position)) {
		if ((int64_t)tail.len < BATCH_HEADER_BYTES)
			rc = status_fail(STATUS_CONFIG, "%s: a message of magic 0 or 1, only record batches (magic 2) are read",
			    why);
		else
			rc = status_fail(STATUS_CORRUPT, "%s", why);
	}
	buf_free(&tail);
	return rc;
}

static int
cut_tail(struct walk *w, int64_t position, int64_t size)
{
	int rc;

	if ((rc = judge_tail(w, position, size)) != STATUS_OK || (rc = file_truncate(w->fd, SUFFIX_LOG, position)) != STATUS_OK)
		return rc;
	w->found->torn_bytes = size - position;
	w->found->torn_offset = w->sidecar.end.end_offset;
	return STATUS_OK;
}

/*
 * Segments.
 */

static int
scan_segment(struct walk *w, int64_t size)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int rc;

	segment_scanner_init(&scanner, w->fd, w->sidecar.end.segment_base, 0, size);
	while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
		int64_t position = scanner.position - batch_bytes(&h);

		if ((rc = take_batch(w, &h, position, bytes)) != STATUS_OK) {
			rc = is_bad_batch(rc) ? fail_at(w, status_context(rc, "%s at %lld", scanner.name, (long long)position))
					      : rc;
			goto out;
		}
	}
	if (rc == STATUS_CORRUPT && is_last(w) && w->order->cut_torn)
		rc = cut_tail(w, scanner.position, size);
	rc = rc == STATUS_END ? STATUS_OK : is_bad_batch(rc) ? fail_at(w, rc) : rc;
out:
	segment_scanner_free(&scanner);
	return rc;
}

static int
enter_segment(struct walk *w, int64_t base)
{
	int64_t end = w->sidecar.end.end_offset;

	if (w->at > 0 && base > end)
		w->found->gap_end = base;
	w->found->segments++;
	return sidecar_begin(&w->sidecar, base);
}

static int
walk_segment(struct walk *w)
{
	int64_t base = w->list.bases[w->at], size;
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = enter_segment(w, base)) != STATUS_OK || (rc = file_open_write(w->order->dir, name, &w->fd)) != STATUS_OK ||
	    (rc = file_size(w->fd, name, &size)) != STATUS_OK)
		return rc;
	if (size > SEGMENT_MAX_BYTES)
		return status_fail(STATUS_IO, "%s: %lld bytes, a segment has at most %d", name, (long long)size, SEGMENT_MAX_BYTES);
	return scan_segment(w, size);
}

static int
leave_segment(struct walk *w)
{
	int rc = sidecar_end(&w->sidecar);

	if (file_close(w->fd, SUFFIX_LOG) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	w->fd = -1;
	return rc;
}

static int
walk_segments(struct walk *w)
{
	int rc;

	if ((rc = segment_list_read(w->order->dir, &w->list)) != STATUS_OK)
		return rc;
	if (w->list.count == 0)
		return status_fail(STATUS_MISSING, "no segment is there");
	w->next_offset = w->list.bases[0];
	while ((rc = walk_segment(w)) == STATUS_OK && !is_last(w)) {
		if ((rc = leave_segment(w)) != STATUS_OK)
			return rc;
		w->at++;
	}
	return rc;
}

/*
 * Transactions that nobody will ever end.
 */

/* The last segment is as large as one may be: the marker begins another. */
static int
roll(struct walk *w, int64_t base)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = leave_segment(w)) != STATUS_OK || (rc = file_create(w->order->dir, name, w->order->access, &w->fd)) != STATUS_OK)
		return rc;
	return enter_segment(w, base);
}

static int
append_marker(struct walk *w, const struct producer_state *state)
{
	struct marker marker = {
	    .producer_id = state->producer_id,
	    .producer_epoch = state->epoch,
	    .coordinator_epoch = state->coordinator_epoch > 0 ? state->coordinator_epoch : 0,
	    .timestamp_ms = clock_wall_ms(),
	};
	struct head_end *end = &w->sidecar.end;
	struct buf bytes = BUF_EMPTY;
	struct batch_header h;
	int rc;

	if ((rc = marker_make_abort(&marker, end->end_offset, end->leader_epoch > 0 ? end->leader_epoch : 0, &bytes)) ==
		STATUS_OK &&
	    (rc = batch_decode_header(bytes.data, &h)) == STATUS_OK &&
	    (end->end_position <= SEGMENT_MAX_BYTES - (int64_t)bytes.len || (rc = roll(w, end->end_offset)) == STATUS_OK) &&
	    (rc = file_write_at(w->fd, SUFFIX_LOG, bytes.data, bytes.len, end->end_position)) == STATUS_OK)
		rc = take_batch(w, &h, end->end_position, bytes.data);
	buf_free(&bytes);
	return rc;
}

static int
abort_open(struct walk *w)
{
	const struct producers *ps = &w->sidecar.producers;
	int rc = STATUS_OK;

	for (size_t i = 0; i < ps->count && rc == STATUS_OK; i++) {
		if (ps->states[i].transaction_first_offset < 0)
			continue;
		w->found->aborted++;
		rc = append_marker(w, &ps->states[i]);
	}
	return rc;
}

/*
 * All of it.
 */

static int
find_log_start(struct walk *w)
{
	const struct rebuild_order *o = w->order;
	int64_t start = w->list.bases[0], end = w->sidecar.end.end_offset;

	if (o->log_start > end)
		return status_fail(STATUS_IO, "its log start offset is %lld, but the log ends at %lld: a broker would empty it",
		    (long long)o->log_start, (long long)end);
	if (o->log_start > start)
		start = o->log_start;
	if (o->first_epoch != NULL && o->first_epoch->epoch == w->epoch_before && o->first_epoch->start_offset > start &&
	    o->first_epoch->start_offset <= end)
		start = o->first_epoch->start_offset;
	w->found->log_start = start;
	return STATUS_OK;
}

static int
walk_all(struct walk *w)
{
	int rc;

	if ((rc = walk_segments(w)) != STATUS_OK || (rc = find_log_start(w)) != STATUS_OK ||
	    (w->order->abort_open && (rc = abort_open(w)) != STATUS_OK) || (rc = leave_segment(w)) != STATUS_OK)
		return rc;
	note_gap(w, w->sidecar.end.end_offset);
	return sidecar_finish(&w->sidecar, w->found->log_start);
}

int
rebuild_partition(const struct rebuild_order *order, struct rebuilt *out)
{
	struct rebuilt found = {.log_start = -1};
	struct walk w = {.order = order, .found = &found, .fd = -1, .plain = BUF_EMPTY, .epoch_before = -1};
	int rc;

	sidecar_init(&w.sidecar, order->dir, order->access, order->index_interval_bytes);
	w.sidecar.forget_producers = order->forget_producers;
	if ((rc = walk_all(&w)) == STATUS_OK) {
		found.end = w.sidecar.end;
		*out = found;
	}
	(void)file_close(w.fd, SUFFIX_LOG);
	buf_free(&w.plain);
	sidecar_free(&w.sidecar);
	segment_list_free(&w.list);
	return rc == STATUS_OK ? rc : status_context(rc, "%s", order->label);
}

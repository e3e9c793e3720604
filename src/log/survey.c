#include "log/survey.h"

#include <bsd/string.h>
#include <bsd/sys/endian.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "log/index_check.h"
#include "log/resync.h"
#include "log/segment.h"

/* Of a bad batch; between them there are no others. */
#define STOP_BATCHES 256

struct pass {
	struct survey *s;
	struct flaw_list *flaws;
	size_t first_flaw; /* of this segment */
	int fd;
	struct segment_scanner scanner;
	struct buf plain, again;
	struct index_check index, timeindex;
};

/* What a batch's header says, and what it must say. */
struct place {
	int64_t base_offset;
	int32_t leader_epoch;
	bool fits; /* there is a place for it */
};

static struct flaw
flaw_at(const struct pass *p, enum flaw_kind kind, int64_t position, int64_t end)
{
	struct flaw f =
	    {.kind = kind, .base = p->s->base, .position = position, .end = end, .offset = p->s->end, .from = -1, .to = -1};

	segment_name(f.file, p->s->base, SUFFIX_LOG);
	return f;
}

/* The header of the batch at a position, if one is there that is valid; CRCs of neighbours are looked at when their turn comes. */
static bool
peek(const struct pass *p, int64_t position, struct batch_header *h)
{
	uint8_t bytes[BATCH_HEADER_BYTES];
	size_t got;

	return position < p->s->limit && file_read_at(p->fd, SUFFIX_LOG, bytes, sizeof(bytes), position, &got) == STATUS_OK &&
	    got == sizeof(bytes) && batch_decode_header(bytes, h) == STATUS_OK && batch_bytes(h) <= p->s->limit - position;
}

static int64_t
span_of(const struct batch_header *h)
{
	return batch_end_offset(h) - h->base_offset;
}

/* Does the segment end with this batch as one that a killed compaction put in the place of several, the others still there? */
static bool
reaches_over(const struct survey *s, const struct batch_header *h)
{
	int64_t end = batch_end_offset(h);

	for (size_t i = 1; end <= s->most && i < s->later_count; i++) {
		if (s->later[i] == end)
			return true;
	}
	return false;
}

/*
 * Where does the batch belong? The base offset is not covered by the CRC, so its neighbours are asked: the end of the log before it, and the
 * batch behind it.
 */
static void
find_offset(const struct pass *p, const struct batch_header *h, int64_t position, bool after_bad, struct place *place)
{
	const struct survey *s = p->s;
	int64_t upper = s->most;
	struct batch_header next;
	bool has_next;

	place->base_offset = h->base_offset;
	place->fits = batch_end_offset(h) <= s->most;
	if (h->base_offset == s->end && place->fits)
		return;
	has_next = peek(p, position + batch_bytes(h), &next);
	if (has_next && next.base_offset > s->end && next.base_offset < upper)
		upper = next.base_offset;
	else if (!has_next && s->next >= 0 && !reaches_over(s, h))
		upper = s->next;
	place->fits = h->base_offset >= s->end && batch_end_offset(h) <= upper;
	if (place->fits && (after_bad || h->base_offset <= s->gap_end))
		return;
	/* Batches that agree with each other were not changed one by one: some are missing before them, or they belong elsewhere. */
	if (has_next && next.base_offset == batch_end_offset(h))
		return;
	if (upper < INT64_MAX && upper - s->end == span_of(h)) {
		place->base_offset = s->end;
		place->fits = true;
	} else if (!place->fits && span_of(h) <= upper - s->end) {
		place->base_offset = s->end;
		place->fits = true;
	}
}

/* The leader epoch is not covered either; it never falls, and never passes the topic's. */
static void
find_epoch(const struct pass *p, const struct batch_header *h, int64_t position, struct place *place)
{
	const struct survey *s = p->s;
	struct batch_header next;
	bool has_next;

	place->leader_epoch = h->leader_epoch;
	if (h->leader_epoch == s->epoch)
		return;
	has_next = peek(p, position + batch_bytes(h), &next) && next.leader_epoch >= s->epoch && next.leader_epoch <= s->epoch_most;
	if (h->leader_epoch > s->epoch && h->leader_epoch <= s->epoch_most && (!has_next || next.leader_epoch >= h->leader_epoch))
		return;
	if (s->batches > 0)
		place->leader_epoch = s->epoch;
	else
		place->leader_epoch = has_next ? next.leader_epoch : s->epoch_most < INT32_MAX ? s->epoch_most : 0;
}

static int
check_records(struct pass *p, const struct batch_header *h, const uint8_t *bytes)
{
	struct batch_header plain = *h;
	struct batch_cursor cursor;
	struct record record;
	int rc;

	if ((rc = batch_decompress(&plain, &bytes, &p->plain)) != STATUS_OK ||
	    (rc = batch_cursor_init(&cursor, bytes, &plain)) != STATUS_OK)
		return rc;
	while ((rc = batch_cursor_next(&cursor, &record)) == STATUS_OK)
		continue;
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* Offsets that nobody has between the end of the log and the batch, whose place is settled. */
static int
note_gap(struct pass *p, const struct place *place, int64_t position, bool after_bad)
{
	struct survey *s = p->s;
	struct flaw f = flaw_at(p, FLAW_GAP, position, position);

	if (place->base_offset <= s->end || place->base_offset <= s->gap_end || after_bad)
		return STATUS_OK;
	f.from = s->end;
	f.to = place->base_offset;
	(void)snprintf(f.why, sizeof(f.why), "the batch behind begins with offset %lld", (long long)f.to);
	return flaw_add(p->flaws, &f);
}

static int
note_epoch(struct survey *s, const struct place *place)
{
	int32_t before = s->epoch;

	s->epoch = place->leader_epoch;
	return place->leader_epoch > before ? epoch_list_add(&s->epochs, place->leader_epoch, place->base_offset) : STATUS_OK;
}

/* The batch counts, at its place. */
static int
take(struct pass *p, const struct batch_header *h, const struct place *place, int64_t position, bool after_bad)
{
	struct survey *s = p->s;
	int rc;

	if ((rc = note_gap(p, place, position, after_bad)) != STATUS_OK || (rc = note_epoch(s, place)) != STATUS_OK)
		return rc;
	s->end = place->base_offset + span_of(h);
	s->batches++;
	s->records += h->record_count;
	s->kept_bytes += batch_bytes(h);
	index_check_batch(&p->index, position, s->end - 1, h->max_timestamp_ms);
	timeindex_check_batch(&p->timeindex, s->end - 1, h->max_timestamp_ms);
	return s->stopped != NULL && s->batches % STOP_BATCHES == 0 && s->stopped() ? STATUS_NO : STATUS_OK;
}

/* Bytes that have to go, up to `end`. */
static int
reject(struct pass *p, int64_t position, int64_t end, int64_t to, const char *why)
{
	struct flaw f = flaw_at(p, FLAW_BAD, position, end);

	if (to > p->s->end) {
		f.from = p->s->end;
		f.to = to;
	}
	(void)strlcpy(f.why, why, sizeof(f.why));
	return flaw_add(p->flaws, &f);
}

static int
restore(struct pass *p, const struct batch_header *h, const struct place *place, int64_t position, int64_t end, bool length)
{
	struct flaw f = flaw_at(p, FLAW_HEADER, position, end);

	f.base_offset = place->base_offset;
	f.leader_epoch = place->leader_epoch;
	if (h->base_offset != place->base_offset)
		(void)snprintf(f.why, sizeof(f.why), "base offset %lld must be %lld", (long long)h->base_offset,
		    (long long)place->base_offset);
	else if (h->leader_epoch != place->leader_epoch)
		(void)snprintf(f.why, sizeof(f.why), "leader epoch %d must be %d", h->leader_epoch, place->leader_epoch);
	else if (length)
		(void)snprintf(f.why, sizeof(f.why), "length or magic is not that of the batch of %lld bytes",
		    (long long)(end - position));
	return flaw_add(p->flaws, &f);
}

/*
 * A batch whose CRC is right, at [position, end): `mended` if that took another length or magic. *bad: it was rejected.
 */
static int
judge(struct pass *p, const struct batch_header *h, const uint8_t *bytes, int64_t position, bool mended, bool *bad)
{
	int64_t end = position + batch_bytes(h);
	struct place place;
	bool after_bad = *bad;
	int rc;

	*bad = false;
	find_offset(p, h, position, after_bad, &place);
	find_epoch(p, h, position, &place);
	if (!place.fits) {
		char why[128];

		*bad = true;
		(void)snprintf(why, sizeof(why), "offset %lld behind offset %lld", (long long)h->base_offset,
		    (long long)p->s->end - 1);
		return reject(p, position, end, -1, why);
	}
	if ((rc = check_records(p, h, bytes)) == STATUS_CONFIG) {
		struct flaw f = flaw_at(p, FLAW_CODEC, position, end);

		(void)strlcpy(f.why, status_message(), sizeof(f.why));
		status_clear();
		rc = flaw_add(p->flaws, &f);
	} else if (rc == STATUS_CORRUPT) {
		*bad = true;
		if ((rc = reject(p, position, end, place.base_offset + span_of(h), status_message())) == STATUS_OK)
			p->s->end = place.base_offset + span_of(h);
		return rc;
	}
	if (rc == STATUS_OK && (mended || place.base_offset != h->base_offset || place.leader_epoch != h->leader_epoch))
		rc = restore(p, h, &place, position, end, mended);
	return rc == STATUS_OK ? take(p, h, &place, position, after_bad) : rc;
}

/*
 * The bytes [position, end) as the batch that they are if its length and magic, or also its base offset, were changed: none of these are
 * under the CRC.
 */
static bool
mend_header(struct pass *p, int64_t position, int64_t end, struct batch_header *h)
{
	struct buf *b = &p->again;
	size_t len = (size_t)(end - position), got;

	buf_clear(b);
	if (end - position < BATCH_HEADER_BYTES || end - position > BATCH_MAX_BYTES || buf_reserve(b, len) != STATUS_OK ||
	    file_read_at(p->fd, SUFFIX_LOG, b->data, len, position, &got) != STATUS_OK || got < len)
		return false;
	b->len = len;
	be32enc(b->data + BATCH_LENGTH_AT, (uint32_t)(len - BATCH_PREFIX_BYTES));
	b->data[BATCH_MAGIC_AT] = BATCH_MAGIC;
	if (batch_decode_header(b->data, h) != STATUS_OK) {
		be64enc(b->data + BATCH_BASE_OFFSET_AT, (uint64_t)p->s->end);
		if (batch_decode_header(b->data, h) != STATUS_OK)
			return false;
	}
	return batch_check_crc(b->data, h) == STATUS_OK;
}

/* No valid batch begins at the scanner's position: find where the next one does. */
static int
pass_bad(struct pass *p, bool *bad)
{
	struct survey *s = p->s;
	int64_t position = p->scanner.position, end;
	struct batch_header h, next;
	char why[256];
	int rc;

	(void)strlcpy(why, status_message(), sizeof(why));
	status_clear();
	if ((rc = resync_find(p->fd, position, s->limit, s->end, s->most, &end)) != STATUS_OK)
		return rc;
	if (mend_header(p, position, end, &h)) {
		rc = judge(p, &h, p->again.data, position, true, bad);
	} else {
		rc = reject(p, position, end, end < s->limit && peek(p, end, &next) ? next.base_offset : s->next, why);
		*bad = true;
	}
	segment_scanner_seek(&p->scanner, end);
	return rc;
}

/* A segment that was given another name: its batches agree with each other, but begin before it. */
static bool
is_misnamed(const struct pass *p, const struct batch_header *h)
{
	struct batch_header next;

	return h->base_offset < p->s->base && h->base_offset >= p->s->end && peek(p, batch_bytes(h), &next) &&
	    next.base_offset == batch_end_offset(h);
}

static int
pass_batches(struct pass *p)
{
	struct batch_header h;
	const uint8_t *bytes;
	bool bad = false;
	int rc = STATUS_OK;

	if (peek(p, 0, &h) && is_misnamed(p, &h)) {
		struct flaw f = flaw_at(p, FLAW_NAME, 0, p->s->limit);

		(void)snprintf(f.why, sizeof(f.why), "its first batch begins with offset %lld", (long long)h.base_offset);
		return flaw_add(p->flaws, &f);
	}
	if (p->s->base > p->s->end)
		p->s->end = p->s->base;
	while (rc == STATUS_OK) {
		int64_t position = p->scanner.position;

		p->scanner.least_offset = 0; /* place and CRC are two questions */
		if ((rc = segment_scanner_next(&p->scanner, &h, &bytes)) == STATUS_OK)
			rc = judge(p, &h, bytes, position, false, &bad);
		else if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG)
			rc = pass_bad(p, &bad);
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* A segment that is made anew gets its indexes, too. */
static bool
is_bad(const struct pass *p)
{
	for (size_t i = p->first_flaw; i < p->flaws->count; i++) {
		if (flaw_is_damage(p->flaws->items[i].kind))
			return true;
	}
	return false;
}

static int
check_indexes(struct pass *p)
{
	struct survey *s = p->s;
	bool closed = !s->is_last && s->kept_bytes > 0;
	int rc;

	if (is_bad(p))
		return STATUS_OK;
	if ((rc = index_check_close(&p->index, closed, p->flaws)) != STATUS_OK ||
	    (rc = index_check_close(&p->timeindex, closed, p->flaws)) != STATUS_OK)
		return rc;
	return txnindex_check(s->dir, s->base, p->flaws);
}

static int
open_log(struct pass *p)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t size;
	int rc;

	segment_name(name, p->s->base, SUFFIX_LOG);
	if ((rc = file_open_read(p->s->dir, name, &p->fd)) != STATUS_OK || (rc = file_size(p->fd, name, &size)) != STATUS_OK)
		return rc;
	if (p->s->limit < 0 || p->s->limit > size)
		p->s->limit = size;
	segment_scanner_init(&p->scanner, p->fd, p->s->base, 0, p->s->limit);
	return STATUS_OK;
}

int
survey_segment(struct survey *s, struct flaw_list *flaws)
{
	struct pass p = {.s = s, .flaws = flaws, .first_flaw = flaws->count, .fd = -1, .plain = BUF_EMPTY, .again = BUF_EMPTY};
	int rc;

	s->kept_bytes = 0;
	if ((rc = open_log(&p)) == STATUS_OK &&
	    (rc = index_check_open(&p.index, s->dir, s->base, SUFFIX_INDEX, s->index_count)) == STATUS_OK &&
	    (rc = index_check_open(&p.timeindex, s->dir, s->base, SUFFIX_TIMEINDEX, s->timeindex_count)) == STATUS_OK &&
	    (rc = pass_batches(&p)) == STATUS_OK)
		rc = check_indexes(&p);
	segment_scanner_free(&p.scanner);
	(void)file_close(p.fd, SUFFIX_LOG);
	buf_free(&p.plain);
	buf_free(&p.again);
	index_check_free(&p.index);
	index_check_free(&p.timeindex);
	return rc;
}

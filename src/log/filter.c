#include "log/filter.h"

#include <stdlib.h>

#include "base/status.h"

static int
compare_aborted(const void *a, const void *b)
{
	const struct aborted *x = a, *y = b;

	if (x->producer_id != y->producer_id)
		return x->producer_id < y->producer_id ? -1 : 1;
	return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

void
aborted_sort(struct aborted_list *list)
{
	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), compare_aborted);
}

bool
aborted_has(const struct aborted_list *list, const struct batch_header *h)
{
	struct aborted wanted = {.producer_id = h->producer_id, .first_offset = h->base_offset};
	size_t low = 0, high = list->count;

	if ((h->attributes & BATCH_TRANSACTIONAL) == 0)
		return false;
	/* The last that begins at or before the batch. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_aborted(&list->items[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && list->items[low - 1].producer_id == h->producer_id && h->base_offset < list->items[low - 1].marker_offset;
}

void
filter_restart(struct filter *f)
{
	f->begun_count = 0;
}

void
filter_free(struct filter *f)
{
	free(f->begun);
	free(f->records);
	free(f->hashes);
	buf_free(&f->plain);
	buf_free(&f->built);
	buf_free(&f->packed);
}

static bool
is_control(const struct batch_header *h)
{
	return (h->attributes & BATCH_CONTROL) != 0;
}

/* When its tombstones or its marker may go; -1: not said yet. */
static int64_t
horizon_of(const struct batch_header *h)
{
	return (h->attributes & BATCH_DELETE_HORIZON) != 0 ? h->base_timestamp_ms : -1;
}

/*
 * Transactions.
 */

static int
note_begun(struct filter *f, int64_t producer_id)
{
	for (size_t i = 0; i < f->begun_count; i++) {
		if (f->begun[i] == producer_id)
			return STATUS_OK;
	}
	if (f->begun_count == f->begun_cap) {
		size_t cap = f->begun_cap == 0 ? 8 : f->begun_cap * 2;
		int64_t *begun = reallocarray(f->begun, cap, sizeof(*begun));

		if (begun == NULL)
			return status_no_memory("open transactions");
		f->begun = begun;
		f->begun_cap = cap;
	}
	f->begun[f->begun_count++] = producer_id;
	return STATUS_OK;
}

/* Forget it; false if it had none. */
static bool
take_begun(struct filter *f, int64_t producer_id)
{
	for (size_t i = 0; i < f->begun_count; i++) {
		if (f->begun[i] != producer_id)
			continue;
		f->begun[i] = f->begun[--f->begun_count];
		return true;
	}
	return false;
}

/*
 * Is it no use to any reader? Data of an aborted transaction; a marker of which no data is left before it. A marker that was emptied
 * already is none of use.
 */
static int
is_useless(struct filter *f, const struct batch_view *v, bool *useless)
{
	const struct batch_header *h = &v->header;
	struct batch_marker marker;
	int rc;

	*useless = false;
	if (is_control(h)) {
		if ((rc = batch_read_marker(v, &marker)) == STATUS_END)
			*useless = true;
		else if (rc != STATUS_OK)
			return rc;
		else if (marker.type == CONTROL_ABORT || marker.type == CONTROL_COMMIT)
			*useless = !take_begun(f, h->producer_id);
		return STATUS_OK;
	}
	if ((h->attributes & BATCH_TRANSACTIONAL) == 0)
		return STATUS_OK;
	*useless = aborted_has(f->aborted, h);
	return note_begun(f, h->producer_id);
}

/* It says what a new batch of its producer must follow. */
static bool
is_last_of_producer(const struct filter *f, const struct batch_header *h)
{
	const struct producer_state *s;

	if (h->producer_id < 0 || (s = producers_find(f->producers, h->producer_id)) == NULL)
		return false;
	if (s->last_offset >= 0)
		return batch_end_offset(h) - 1 == s->last_offset;
	return is_control(h) && h->producer_epoch == s->epoch;
}

/*
 * Records.
 */

static int
make_room(struct filter *f, size_t count)
{
	struct record *records;
	uint64_t *hashes;

	if (count <= f->record_cap)
		return STATUS_OK;
	if ((records = reallocarray(f->records, count, sizeof(*records))) != NULL)
		f->records = records;
	if ((hashes = reallocarray(f->hashes, count, sizeof(*hashes))) != NULL)
		f->hashes = hashes;
	if (records == NULL || hashes == NULL)
		return status_no_memory("records of a batch");
	f->record_cap = count;
	return STATUS_OK;
}

/* How many records ahead of the one at hand the map's memory is asked for. */
#define HASH_AHEAD 16
#define TOUCH_AHEAD 8

static void
look_ahead(struct filter *f, size_t i, size_t count)
{
	if (i < count && f->records[i].key_len >= 0)
		f->hashes[i] = keymap_hash(f->keys, f->records[i].key, f->records[i].key_len);
	if (i >= HASH_AHEAD - TOUCH_AHEAD && (i -= HASH_AHEAD - TOUCH_AHEAD) < count && f->records[i].key_len >= 0)
		keymap_touch(f->keys, f->hashes[i]);
}

int
filter_each(struct filter *f, const struct batch_view *plain, int (*visit)(void *arg, const struct record *, uint64_t hash),
    void *arg)
{
	struct batch_cursor cursor;
	size_t count = 0;
	int rc;

	if ((rc = make_room(f, (size_t)plain->header.record_count)) != STATUS_OK ||
	    (rc = batch_cursor_init(&cursor, plain->bytes, &plain->header)) != STATUS_OK)
		return rc;
	while (count < (size_t)plain->header.record_count && (rc = batch_cursor_next(&cursor, &f->records[count])) == STATUS_OK)
		count++;
	if (rc == STATUS_OK && (rc = batch_cursor_next(&cursor, &(struct record){.key_len = -1})) == STATUS_OK)
		rc = STATUS_CORRUPT;
	if (rc != STATUS_END)
		return rc;
	rc = STATUS_OK;
	for (size_t i = 0; i < count + HASH_AHEAD && rc == STATUS_OK; i++) {
		look_ahead(f, i, count);
		if (i >= HASH_AHEAD)
			rc = visit(arg, &f->records[i - HASH_AHEAD], f->hashes[i - HASH_AHEAD]);
	}
	return rc;
}

/* Those that stay, of one batch. */
struct selection {
	struct filter *f;
	const struct batch_header *header;
	size_t count; /* the first so many of the filter's records */
	bool tombstones;
};

static bool
is_kept(const struct selection *s, const struct record *r, uint64_t hash)
{
	const struct filter *f = s->f;
	int64_t horizon = horizon_of(s->header);

	if (is_control(s->header) || r->offset >= f->map_end)
		return true;
	/* As Kafka has it: what has no key is nothing to a compacted topic. */
	if (r->key_len < 0 || r->offset < keymap_get(f->keys, r->key, r->key_len, hash))
		return false;
	return r->value_len >= 0 || horizon < 0 || f->now_ms < horizon;
}

static int
select_record(void *arg, const struct record *r, uint64_t hash)
{
	struct selection *s = arg;

	if (!is_kept(s, r, hash))
		return STATUS_OK;
	if (r->value_len < 0)
		s->tombstones = true;
	s->f->records[s->count++] = *r; /* at or before its own place */
	return STATUS_OK;
}

/* The batch anew, of the records that stay, in the codec it had. */
static int
rebuild(struct filter *f, const struct batch_header *stored, size_t count, int64_t horizon_ms, const struct buf **replacement)
{
	unsigned codec = stored->attributes & BATCH_CODEC_MASK;
	int rc;

	buf_clear(&f->built);
	if ((rc = batch_rebuild(stored, f->records, count, horizon_ms, &f->built)) != STATUS_OK)
		return rc;
	*replacement = &f->built;
	if (codec == CODEC_NONE || count == 0)
		return STATUS_OK;
	buf_clear(&f->packed);
	*replacement = &f->packed;
	return batch_compress(&f->built, (enum codec)codec, CODEC_DEFAULT_LEVEL, &f->packed);
}

/* What stays when its records are looked at one by one; `useless`: it is a marker whose transaction is gone. */
static int
filter_records(struct filter *f, const struct batch_view *stored, bool useless, size_t *count, enum filter_verdict *verdict,
    const struct buf **replacement)
{
	struct batch_view plain = *stored;
	int64_t horizon = horizon_of(&stored->header);
	struct selection s = {.f = f, .header = &plain.header};
	bool sets_horizon;
	int rc;

	if ((rc = batch_decompress(&plain.header, &plain.bytes, &f->plain)) != STATUS_OK ||
	    (rc = filter_each(f, &plain, select_record, &s)) != STATUS_OK)
		return rc;
	*count = s.count;
	sets_horizon = horizon < 0 && *count > 0 && (s.tombstones || (useless && is_control(&stored->header)));
	if (*count == (size_t)stored->header.record_count && !sets_horizon) {
		*verdict = FILTER_KEEP;
		return STATUS_OK;
	}
	if (sets_horizon && ADD_OVERFLOWS(f->now_ms, f->delete_retention_ms, &horizon))
		horizon = INT64_MAX;
	*verdict = FILTER_REPLACE;
	return rebuild(f, &stored->header, *count, horizon, replacement);
}

/*
 * Nothing of it is left but its place: an empty batch of no producer, because one that seemed part of a transaction would want a marker.
 */
static int
leave_place(struct filter *f, const struct batch_header *h, enum filter_verdict *verdict, const struct buf **replacement)
{
	struct batch_header bare = *h;

	*verdict = FILTER_KEEP;
	if (h->record_count == 0 && h->producer_id < 0)
		return STATUS_OK;
	bare.attributes &= BATCH_APPEND_TIME;
	bare.max_timestamp_ms = -1;
	bare.producer_id = -1;
	bare.producer_epoch = -1;
	bare.base_sequence = -1;
	*verdict = FILTER_REPLACE;
	return rebuild(f, &bare, 0, -1, replacement);
}

/* No record of it stays. */
static int
leave_nothing(struct filter *f, const struct batch_header *h, bool stays, enum filter_verdict *verdict,
    const struct buf **replacement)
{
	if (!is_last_of_producer(f, h)) {
		*verdict = FILTER_DROP;
		return stays ? leave_place(f, h, verdict, replacement) : STATUS_OK;
	}
	*verdict = FILTER_KEEP;
	if (h->record_count == 0)
		return STATUS_OK;
	*verdict = FILTER_REPLACE;
	return rebuild(f, h, 0, -1, replacement);
}

int
filter_batch(struct filter *f, const struct batch_view *v, bool stays, enum filter_verdict *verdict, const struct buf **replacement)
{
	const struct batch_header *h = &v->header;
	int64_t horizon = horizon_of(h);
	bool useless, drops;
	size_t count = 0;
	int rc;

	if ((rc = is_useless(f, v, &useless)) != STATUS_OK)
		return rc;
	/* A marker waits as tombstones do, so that a slow reader of its data meets it. */
	drops = useless && (!is_control(h) || h->record_count == 0 || (horizon >= 0 && horizon <= f->now_ms));
	if (!drops && (rc = filter_records(f, v, useless, &count, verdict, replacement)) != STATUS_OK)
		return rc;
	return count > 0 ? STATUS_OK : leave_nothing(f, h, stays, verdict, replacement);
}

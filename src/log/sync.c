#include "log/sync.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/status.h"
#include "log/index.h"
#include "log/segment.h"

/* A roll leaves two segments that may not be durable; a third is being held while it closes the first. */
#define MAX_FILES 4
#define SLOT_PATIENCE_MS 100
#define SLOT_STEP_MS 5
#define REWRITE_STEP_BYTES ((size_t)1 << 20)

struct sync_file {
	int64_t base;
	int fd;
};

struct sync {
	const struct partition *p;
	struct sync_file files[MAX_FILES]; /* ascending; the last is the active segment as far as we know */
	size_t count;
	uint64_t generation;
	/* All that is published at or behind this offset was written after the descriptor of its segment was opened; INT64_MAX: none is. */
	int64_t vouched_from;
	int64_t flushed_to; /* what lies below was made durable by us, though synced_end does not say so yet */
	bool healing;	    /* a failure now is the second one */
};

int
sync_open(const struct partition *p, struct sync **out)
{
	struct sync *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return status_no_memory("sync");
	s->p = p;
	s->vouched_from = INT64_MAX;
	*out = s;
	return STATUS_OK;
}

void
sync_reset(struct sync *s)
{
	while (s->count > 0)
		(void)file_close(s->files[--s->count].fd, SUFFIX_LOG);
	s->vouched_from = INT64_MAX;
}

void
sync_close(struct sync *s)
{
	if (s == NULL)
		return;
	sync_reset(s);
	free(s);
}

static int
open_segment(const struct sync *s, int64_t base, int *fd)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, SUFFIX_LOG);
	return file_open_write(s->p->dir, name, fd);
}

static bool
holds(const struct sync *s, int64_t base)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->files[i].base == base)
			return true;
	}
	return false;
}

/* Put an open segment at its place. */
static int
insert(struct sync *s, int64_t base, int fd)
{
	size_t i = s->count;

	if (s->count == MAX_FILES)
		return status_fail(STATUS_IO, "more than %d segments are not synced", MAX_FILES);
	while (i > 0 && s->files[i - 1].base > base) {
		s->files[i] = s->files[i - 1];
		i--;
	}
	s->files[i] = (struct sync_file){base, fd};
	s->count++;
	return STATUS_OK;
}

int
sync_hold(struct sync *s, const struct head_end *end, uint64_t generation, int *fd)
{
	int rc;

	if (s->count == 0 || s->generation != generation || s->files[s->count - 1].base != end->segment_base) {
		sync_reset(s);
		if ((rc = open_segment(s, end->segment_base, &s->files[0].fd)) != STATUS_OK)
			return rc;
		s->files[0].base = end->segment_base;
		s->count = 1;
		s->generation = generation;
		/* Nobody else writes while we hold the append lock: what is there was written before, what comes will be after. */
		s->vouched_from = end->end_offset;
	}
	*fd = s->files[s->count - 1].fd;
	return STATUS_OK;
}

int
sync_hold_new(struct sync *s, int64_t base, int fd)
{
	int64_t synced = head_synced_end(s->p->head, s->p->number);

	while (s->count > 1 && s->files[1].base <= synced) {
		(void)file_close(s->files[0].fd, SUFFIX_LOG);
		s->count--;
		memmove(&s->files[0], &s->files[1], s->count * sizeof(s->files[0]));
	}
	return insert(s, base, fd);
}

void
sync_forget(struct sync *s, int64_t base)
{
	if (s->count == 0 || s->files[s->count - 1].base != base)
		return;
	(void)file_close(s->files[--s->count].fd, SUFFIX_LOG);
}

/* STATUS_OK: durable; STATUS_GONE: the log was rebuilt; STATUS_AGAIN: neither. The order of the two loads matters: a rebuild lowers
 * synced_end only after the generation turned odd. */
static int
look(const struct sync *s, int64_t offset)
{
	bool covered = head_synced_end(s->p->head, s->p->number) >= offset;

	if (head_generation(s->p->head, s->p->number) != s->generation)
		return status_fail(STATUS_GONE, "the log was rebuilt before the sync");
	return covered ? STATUS_OK : STATUS_AGAIN;
}

/* Read and check each batch of a segment that has offsets in [from, to); with `again` write it again, too. */
static int
check_batches(const struct partition *p, int fd, int64_t base, int64_t from, int64_t to, bool again)
{
	struct segment_scanner scanner;
	struct batch_header header;
	const uint8_t *bytes;
	int64_t size, reached = base;
	int rc;

	if (from >= to || base >= to)
		return STATUS_OK;
	if ((rc = file_size(fd, SUFFIX_LOG, &size)) != STATUS_OK)
		return rc;
	segment_scanner_init(&scanner, fd, base, index_position_hint(p->dir, fd, base, from), size);
	while ((rc = segment_scanner_next(&scanner, &header, &bytes)) == STATUS_OK) {
		reached = batch_end_offset(&header);
		if (reached <= from)
			continue;
		if (again) {
			rc = file_write_at(fd, scanner.name, bytes, (size_t)batch_bytes(&header),
			    scanner.position - batch_bytes(&header));
			fault_point("sync.rewritten");
		}
		if (rc != STATUS_OK || reached >= to)
			break;
	}
	segment_scanner_free(&scanner);
	if (rc == STATUS_CONFIG)
		return STATUS_CORRUPT; /* zeros where the magic was */
	/* Compaction may have taken the last offsets out of a segment. */
	if (rc == STATUS_END && to <= head_gap_end(p->head, p->number))
		return STATUS_OK;
	if (rc == STATUS_END)
		return status_fail(STATUS_CORRUPT, "%s: ends at offset %lld", scanner.name, (long long)reached);
	return rc;
}

int
sync_rewrite(const struct partition *p, int fd, int64_t base, int64_t from, int64_t to)
{
	return check_batches(p, fd, base, from, to, true);
}

/*
 * What was written again over a write that failed is read back, because ext4 leaves it in an extent that it calls unwritten: fsync says 0,
 * the page cache shows it, and the disk has zeros.
 */
static int
read_back(const struct sync *s, int fd, int64_t base, int64_t from, int64_t to)
{
	int rc;

	if (head_poison(s->p->head, s->p->number) == HEAD_SOUND)
		return STATUS_OK;
	if ((rc = file_forget_cached(fd, SUFFIX_LOG)) == STATUS_OK)
		rc = check_batches(s->p, fd, base, from, to, false);
	return rc == STATUS_CORRUPT ? status_context(STATUS_IO, "synced, and not on the disk") : rc;
}

static int poison(struct sync *s);

/* Write a segment that is not held again from `from` on, and make it durable at once. */
static int
flush_segment(struct sync *s, int64_t base, int64_t from, int64_t to)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	if ((rc = open_segment(s, base, &fd)) != STATUS_OK)
		return rc;
	segment_name(name, base, SUFFIX_LOG);
	if ((rc = sync_rewrite(s->p, fd, base, from, to)) == STATUS_OK &&
	    (file_sync_data(fd, name) != STATUS_OK || read_back(s, fd, base, from, to) != STATUS_OK))
		rc = poison(s);
	(void)file_close(fd, name);
	if (rc == STATUS_OK)
		s->flushed_to = to;
	return rc;
}

/*
 * Hold every segment that has offsets in [from, to), but if a set (log.h) was published that fills more than two, only the last two: those
 * before them are made durable here.
 */
static int
hold_range(struct sync *s, const struct segment_list *list, int64_t from, int64_t to)
{
	size_t i = list->count > 0 ? segment_list_find(list, from) : 0, end = i;
	int fd, rc = STATUS_OK;

	while (end < list->count && list->bases[end] < to)
		end++;
	for (; i < end && rc == STATUS_OK; i++) {
		if (holds(s, list->bases[i]))
			continue;
		if (i + 2 < end)
			rc = flush_segment(s, list->bases[i], from, list->bases[i + 1]);
		else if ((rc = open_segment(s, list->bases[i], &fd)) == STATUS_OK &&
		    (rc = insert(s, list->bases[i], fd)) != STATUS_OK)
			(void)file_close(fd, SUFFIX_LOG);
	}
	return rc;
}

/* Write again what lies in [from, to), of which no byte may be missing. Append lock held. */
static int
rewrite_range(struct sync *s, int64_t from, int64_t to)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(s->p->dir, &list)) != STATUS_OK)
		return rc;
	s->flushed_to = from;
	if ((rc = hold_range(s, &list, from, to)) == STATUS_OK && (s->count == 0 || s->files[0].base > s->flushed_to))
		rc = status_fail(STATUS_CORRUPT, "no segment holds offset %lld", (long long)from);
	for (size_t i = 0; i < s->count && rc == STATUS_OK; i++) {
		size_t next = segment_list_find(&list, s->files[i].base) + 1;
		int64_t limit = next < list.count && list.bases[next] < to ? list.bases[next] : to;

		rc = sync_rewrite(s->p, s->files[i].fd, s->files[i].base, from, limit);
	}
	segment_list_free(&list);
	return rc;
}

/* The bytes of published batches are gone from the page cache and the disk: only a rebuild helps. Append lock held. */
static int
give_up_page(const struct sync *s, int64_t deadline_ms)
{
	int slot, rc = STATUS_OK;

	for (slot = 0; slot < SYNC_SLOTS; slot++) {
		if ((rc = lock_take(s->p->lock, LOCK_BYTE_SYNC(s->p->number, slot), "sync slot", deadline_ms)) != STATUS_OK)
			break;
	}
	if (rc == STATUS_OK)
		rc = head_rebuild_begin(s->p->head, s->p->number);
	while (slot-- > 0)
		lock_drop(s->p->lock, LOCK_BYTE_SYNC(s->p->number, slot));
	return rc == STATUS_OK ? STATUS_GONE : rc;
}

/* Append lock held; nothing behind `limit` is written. */
static int
rewrite_locked(struct sync *s, int64_t limit, int64_t deadline_ms)
{
	struct head_end end;
	int64_t from = head_synced_end(s->p->head, s->p->number), to = s->vouched_from;
	int rc = STATUS_OK;

	if (head_generation(s->p->head, s->p->number) != s->generation || !head_end(s->p->head, s->p->number, &end))
		return status_fail(STATUS_GONE, "the log was rebuilt before the sync");
	if (to > end.end_offset)
		to = end.end_offset;
	if (from < to)
		rc = rewrite_range(s, from, to < limit ? to : limit);
	if (rc == STATUS_CORRUPT)
		return give_up_page(s, deadline_ms);
	if (rc == STATUS_OK && to <= limit)
		s->vouched_from = from;
	return rc;
}

static int
rewrite_unvouched(struct sync *s, int64_t offset, bool locked, int64_t deadline_ms)
{
	int64_t byte = LOCK_BYTE_APPEND(s->p->number);
	int rc;

	if (head_synced_end(s->p->head, s->p->number) >= s->vouched_from)
		return STATUS_OK;
	if (locked)
		return rewrite_locked(s, offset, deadline_ms);
	if ((rc = lock_take(s->p->lock, byte, "append lock", deadline_ms)) != STATUS_OK)
		return rc == STATUS_AGAIN ? partition_lock_busy(s->p) : rc;
	rc = rewrite_locked(s, INT64_MAX, deadline_ms);
	lock_drop(s->p->lock, byte);
	return rc;
}

/*
 * A slot only saves work: whoever waits for the first usually finds his sync done by its holder, and its bell tells all who wait at once. Who
 * waits for the lock itself is woken by the one before him: eight producers had half as many records acknowledged. A dead holder's slot is
 * free without a word, so they look again now and then. STATUS_END: it was done meanwhile.
 */
static int
take_slot(const struct sync *s, int64_t offset, int64_t deadline_ms, int64_t *byte)
{
	const bell_word *bell = head_slot_bell(s->p->head, s->p->number);
	int64_t patience = clock_deadline(SLOT_PATIENCE_MS);
	int rc, slot = 0;

	for (;;) {
		uint32_t seen = bell_read(bell);

		*byte = LOCK_BYTE_SYNC(s->p->number, slot);
		if ((rc = lock_take(s->p->lock, *byte, "sync slot", DEADLINE_NOW)) != STATUS_AGAIN || clock_passed(deadline_ms))
			return rc;
		if ((rc = look(s, offset)) != STATUS_AGAIN)
			return rc == STATUS_OK ? STATUS_END : rc;
		if (clock_passed(patience)) {
			slot = (slot + 1) % SYNC_SLOTS;
			patience = clock_deadline(SLOT_PATIENCE_MS);
		} else {
			(void)bell_wait(bell, seen, SLOT_STEP_MS);
		}
	}
}

/* Up to where our descriptors reach: all that is published, unless others have rolled on. */
static int64_t
reach(const struct sync *s, int64_t offset)
{
	struct head_end end;

	if (head_end(s->p->head, s->p->number, &end) && end.segment_base == s->files[s->count - 1].base)
		return end.end_offset;
	return offset;
}

/*
 * A sync failed, and the message says how. The kernel has now told these descriptors: another sync of them would find nothing amiss, so
 * they are closed. In sync_upto the slot is still held, so that no other syncer takes the error for his own.
 */
static int
poison(struct sync *s)
{
	int rc = status_context(STATUS_IO, s->healing ? "read-only from now on" : "what was appended may not be stored");

	if (head_raise_poison(s->p->head, s->p->number, s->healing ? HEAD_READ_ONLY : HEAD_UNSYNCED) != STATUS_OK)
		rc = STATUS_IO;
	sync_reset(s);
	return rc;
}

int
sync_cut(struct sync *s)
{
	char name[SEGMENT_NAME_BYTES];

	assert(s->count > 0);
	segment_name(name, s->files[s->count - 1].base, SUFFIX_LOG);
	if (file_sync(s->files[s->count - 1].fd, name) == STATUS_OK)
		return STATUS_OK;
	return poison(s);
}

/* A slot is held until synced_end is raised: a cut waits for it. */
static int
flush_and_raise(struct sync *s, int64_t offset, bool locked)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t target, synced, to;
	int rc;

	if ((rc = look(s, offset)) != STATUS_AGAIN)
		return rc;
	synced = head_synced_end(s->p->head, s->p->number);
	assert(s->count > 0 && (s->files[0].base <= synced || s->files[0].base <= s->flushed_to));
	target = locked ? offset : reach(s, offset);
	for (size_t i = 0; i < s->count; i++) {
		if (i + 1 < s->count && s->files[i + 1].base <= synced)
			continue;
		if (s->files[i].base >= target && i > 0)
			break;
		fault_point("sync.flush");
		segment_name(name, s->files[i].base, SUFFIX_LOG);
		if (file_sync_data(s->files[i].fd, name) != STATUS_OK)
			return poison(s);
		to = i + 1 < s->count && s->files[i + 1].base < target ? s->files[i + 1].base : target;
		if (read_back(s, s->files[i].fd, s->files[i].base, synced, to) != STATUS_OK)
			return poison(s);
	}
	fault_point("sync.flushed");
	if (head_raise_synced_end(s->p->head, s->p->number, target) != STATUS_OK)
		return STATUS_IO;
	return STATUS_OK;
}

static int
upto(struct sync *s, int64_t offset, bool locked, int64_t deadline_ms)
{
	int64_t byte;
	int rc;

	if ((rc = look(s, offset)) != STATUS_AGAIN)
		return rc;
	if ((rc = rewrite_unvouched(s, offset, locked, deadline_ms)) != STATUS_OK) {
		/* Others may have made it durable meanwhile, and retention have removed what we looked for. */
		int now = look(s, offset);

		return now == STATUS_AGAIN ? rc : now;
	}
	if ((rc = take_slot(s, offset, deadline_ms, &byte)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	rc = flush_and_raise(s, offset, locked);
	lock_drop(s->p->lock, byte);
	head_ring_slot(s->p->head, s->p->number);
	return rc;
}

int
sync_upto(struct sync *s, int64_t offset, int64_t deadline_ms)
{
	return upto(s, offset, false, deadline_ms);
}

int
sync_upto_locked(struct sync *s, int64_t offset, int64_t deadline_ms)
{
	return upto(s, offset, true, deadline_ms);
}

int
sync_heal(struct sync *s, int64_t offset, int64_t deadline_ms)
{
	int rc;

	s->healing = true;
	rc = upto(s, offset, false, deadline_ms);
	s->healing = false;
	if (rc == STATUS_OK)
		rc = head_heal(s->p->head, s->p->number);
	return rc;
}

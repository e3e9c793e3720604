#include "log/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/status.h"
#include "log/batch.h"
#include "log/epoch.h"
#include "log/index.h"
#include "log/producers.h"
#include "log/retention.h"
#include "log/segment.h"
#include "log/sync.h"

#define SYNC_STEP_BYTES ((int64_t)8 << 20)

struct log {
	struct partition *p;
	struct sync *sync;
	struct index_writer index;
	bool verified; /* the end was verified in this generation */
	uint64_t generation;
};

/* An append on its way from the published end to the next. */
struct append {
	struct head_end published;
	struct head_end next;
	int fd;		      /* of the active segment; the sync's */
	int32_t leader_epoch; /* of all that is appended, though the topic's may rise meanwhile */
	bool rolled;
	int64_t closed_bytes; /* of the segments that were closed by it */
};

int
log_open(struct partition *p, struct log **out)
{
	struct log *l;
	int rc;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return status_no_memory("log");
	if ((rc = sync_open(p, &l->sync)) != STATUS_OK) {
		free(l);
		return rc;
	}
	l->p = p;
	index_writer_init(&l->index, p->dir, &p->access);
	*out = l;
	return STATUS_OK;
}

void
log_close(struct log *l)
{
	if (l == NULL)
		return;
	index_writer_close(&l->index);
	sync_close(l->sync);
	free(l);
}

static int
unlink_segment(const struct partition *p, int64_t base)
{
	static const char *const suffixes[] = {SUFFIX_INDEX, SUFFIX_TIMEINDEX, SUFFIX_TXNINDEX, SUFFIX_SNAPSHOT, SUFFIX_LOG};
	char name[SEGMENT_NAME_BYTES];
	int rc = STATUS_OK;

	for (size_t i = 0; i < COUNT_OF(suffixes) && rc == STATUS_OK; i++) {
		segment_name(name, base, suffixes[i]);
		rc = file_remove(p->dir, name);
	}
	return rc;
}

/*
 * Take back everything behind the published end: the segment's bytes, its index entries, a segment begun by a roll; synced, because
 * recovery adopts whole batches that it finds behind the end.
 */
static int
cut_to_end(struct log *l, const struct head_end *end, int fd)
{
	char name[SEGMENT_NAME_BYTES];
	struct segment_list list;
	int rc;

	segment_name(name, end->segment_base, SUFFIX_LOG);
	if ((rc = file_truncate(fd, name, end->end_position)) != STATUS_OK ||
	    (rc = index_writer_cut(&l->index, end)) != STATUS_OK || (rc = segment_list_read(l->p->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < list.count && rc == STATUS_OK; i++) {
		if (list.bases[i] <= end->segment_base)
			continue;
		sync_forget(l->sync, list.bases[i]);
		rc = unlink_segment(l->p, list.bases[i]);
	}
	segment_list_free(&list);
	fault_point("log.cut");
	if (rc == STATUS_OK && (rc = sync_cut(l->sync)) == STATUS_OK)
		rc = file_sync(l->p->dir, l->p->label);
	return rc;
}

static int
check_poison(const struct log *l)
{
	switch (head_poison(l->p->head, l->p->number)) {
	case HEAD_SOUND:
		return STATUS_OK;
	case HEAD_UNSYNCED:
		return status_fail(STATUS_AGAIN, "a sync has just failed");
	case HEAD_READ_ONLY:
		return status_fail(STATUS_READ_ONLY,
		    "read-only, because the disk failed twice to sync it; look at the kernel's messages");
	case HEAD_DAMAGED:
	default:
		return status_fail(STATUS_READ_ONLY, "read-only, because it is damaged");
	}
}

/* Trust the page or ask for recovery; on STATUS_OK the active segment is open and ends at the published end. */
static int
check_page(struct log *l, struct append *a)
{
	uint64_t generation;
	bool left_over;
	int64_t size;
	int rc;

	if (head_dead(l->p->head))
		return status_fail(STATUS_MISSING, "the topic was deleted");
	if (!partition_page_is_current(l->p, &a->published, &generation))
		return STATUS_RECOVER;
	if (head_poison(l->p->head, l->p->number) == HEAD_DAMAGED)
		return check_poison(l);
	if (generation != l->generation) {
		/* A rebuild may have removed the indexes that are open, with their segment. */
		index_writer_close(&l->index);
		l->verified = false;
	}
	l->generation = generation;
	left_over = head_appender(l->p->head, l->p->number) != 0;
	if (!l->verified && (rc = partition_verify_end(l->p, &a->published, !left_over)) != STATUS_OK)
		return rc;
	l->verified = true;
	if ((rc = sync_hold(l->sync, &a->published, generation, &a->fd)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_RECOVER : rc;
	if (left_over)
		return cut_to_end(l, &a->published, a->fd);
	if ((rc = file_size(a->fd, SUFFIX_LOG, &size)) != STATUS_OK)
		return rc;
	return size == a->published.end_position ? STATUS_OK : STATUS_RECOVER;
}

/* May anything be appended here, with these settings? */
static int
check_open(const struct log *l)
{
	const struct head *h = l->p->head;
	int rc;

	if ((rc = check_poison(l)) != STATUS_OK)
		return rc;
	if (head_leader_epoch(h) < head_fenced_epoch(h, l->p->number))
		return status_fail(STATUS_FENCED, "fenced by leader epoch %d", head_fenced_epoch(h, l->p->number));
	return head_config_version(h) == l->p->config_version ? STATUS_OK : STATUS_CONFIG_CHANGED;
}

/* And this batch? While a set waits nothing may, also because a roll would make durable, and show, what may be a part of it. */
static int
check_admission(const struct log *l, size_t batch_len)
{
	int rc;

	if ((rc = check_open(l)) != STATUS_OK)
		return rc;
	if (head_intents(l->p->head) != 0)
		return STATUS_INTENT;
	if ((int64_t)batch_len > l->p->settings.max_message_bytes)
		return status_fail(STATUS_DATA, "a batch of %zu bytes, max.message.bytes is %lld", batch_len,
		    (long long)l->p->settings.max_message_bytes);
	return STATUS_OK;
}

static bool
is_full(const struct log *l, const struct head_end *end, const struct batch_header *h)
{
	const struct log_settings *set = &l->p->settings;

	if (end->end_position == 0)
		return false;
	return end->end_position + batch_bytes(h) > set->segment_bytes || end->index_count >= INDEX_MAX_ENTRIES ||
	    end->timeindex_count >= TIMEINDEX_MAX_ENTRIES ||
	    end->end_offset + h->last_offset_delta - end->segment_base > INT32_MAX ||
	    (end->first_timestamp_ms >= 0 && h->max_timestamp_ms - end->first_timestamp_ms > set->segment_ms);
}

static void
begin_segment(struct append *a)
{
	struct head_end *next = &a->next;

	a->closed_bytes += next->end_position;
	next->segment_base = next->end_offset;
	next->end_position = 0;
	next->max_timestamp_ms = next->max_timestamp_offset = next->first_timestamp_ms = -1;
	next->index_pending_bytes = next->index_count = next->timeindex_count = 0;
}

/*
 * Close the active segment and make the next. Whatever `fsync` says, the segment before the one that is closed is synced, so that only
 * the last two may ever lack anything (recover.h counts on it).
 */
static int
roll(struct log *l, struct append *a, int64_t deadline_ms)
{
	struct head_end *next = &a->next;
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	if ((rc = index_writer_finish(&l->index, next)) != STATUS_OK ||
	    (rc = sync_upto_locked(l->sync, next->segment_base, deadline_ms)) != STATUS_OK)
		return rc;
	segment_name(name, next->end_offset, SUFFIX_LOG);
	if ((rc = file_create(l->p->dir, name, &l->p->access, &fd)) != STATUS_OK)
		return rc;
	fault_point("log.roll.made");
	a->rolled = true;
	if ((rc = sync_hold_new(l->sync, next->end_offset, fd)) != STATUS_OK) {
		(void)file_close(fd, name);
		return rc;
	}
	if ((rc = file_sync(l->p->dir, l->p->label)) != STATUS_OK)
		return rc;
	a->fd = fd;
	begin_segment(a);
	return STATUS_OK;
}

static void
begin_append(const struct log *l, struct append *a)
{
	a->next = a->published;
	a->leader_epoch = head_leader_epoch(l->p->head);
	a->rolled = false;
	a->closed_bytes = 0;
}

/* Give the batch its offset behind the end. */
static int
place_batch(const struct log *l, const struct append *a, const struct buf *batch, struct batch_header *h)
{
	int rc;

	if (l->p->settings.append_time)
		batch_set_append_time(batch->data, clock_wall_ms());
	batch_set_place(batch->data, a->next.end_offset, a->leader_epoch);
	if ((rc = batch_decode_header(batch->data, h)) == STATUS_OK)
		assert(batch_bytes(h) == (int64_t)batch->len);
	return rc;
}

static int
enter_epoch(const struct log *l, const struct append *a)
{
	if (a->leader_epoch <= a->next.leader_epoch)
		return STATUS_OK;
	return epoch_begin(l->p->dir, &l->p->access, a->leader_epoch, a->next.end_offset);
}

/* The end moves behind a batch that lies, or will lie, at the end. */
static int
note_batch(struct log *l, struct append *a, const struct batch_header *h)
{
	struct head_end *next = &a->next;
	int rc = index_writer_note(&l->index, next, h, next->end_position, l->p->settings.index_interval_bytes);

	if (rc == STATUS_OK)
		partition_end_behind(next, h, next->end_position);
	return rc;
}

/* Write the batch behind the end, with its index entries; a->next becomes the end to publish. */
static int
write_batch(struct log *l, struct append *a, const struct buf *batch, int64_t deadline_ms)
{
	char name[SEGMENT_NAME_BYTES];
	struct batch_header h;
	int rc;

	if ((rc = place_batch(l, a, batch, &h)) != STATUS_OK ||
	    (is_full(l, &a->next, &h) && (rc = roll(l, a, deadline_ms)) != STATUS_OK) || (rc = enter_epoch(l, a)) != STATUS_OK)
		return rc;
	fault_point("log.append.write");
	segment_name(name, a->next.segment_base, SUFFIX_LOG);
	if ((rc = file_write_at(a->fd, name, batch->data, batch->len, a->next.end_position)) != STATUS_OK)
		return rc;
	fault_point("log.append.written");
	return note_batch(l, a, &h);
}

/* Before the roll is published: the word may be too high if we die, but never too low. */
static int
count_closed(const struct log *l, const struct append *a)
{
	return a->rolled ? head_add_closed_bytes(l->p->head, l->p->number, a->closed_bytes) : STATUS_OK;
}

/*
 * Nothing of the batch stays: whoever is told so may try again. If it cannot be taken back, `appender` stays set, so that the next
 * appender tries to cut it, and the answer is that it may be stored.
 */
static int
take_back(struct log *l, const struct append *a, int why)
{
	const struct head_end *end = &a->published;
	char message[1024];
	int fd, rc;

	(void)snprintf(message, sizeof(message), "%s", status_message());
	/* After a roll the descriptor held is the new segment's: this opens the published one again. */
	if ((rc = sync_hold(l->sync, end, l->generation, &fd)) == STATUS_OK)
		rc = cut_to_end(l, end, fd);
	if (rc != STATUS_OK)
		return status_context(STATUS_IO, "could not take a failed append back");
	if (head_set_appender(l->p->head, l->p->number, false) != STATUS_OK)
		return STATUS_IO;
	if (why == STATUS_IO || why == STATUS_PERMISSION || why == STATUS_EXISTS)
		why = STATUS_AGAIN;
	return status_fail(why, "%s", message);
}

static int
append_locked(struct log *l, struct append *a, const struct buf *batch, int64_t deadline_ms)
{
	int rc;

	if ((rc = check_page(l, a)) != STATUS_OK || (rc = check_admission(l, batch->len)) != STATUS_OK)
		return rc;
	if ((rc = head_set_appender(l->p->head, l->p->number, true)) != STATUS_OK)
		return rc;
	fault_point("log.append.begun");
	begin_append(l, a);
	if ((rc = write_batch(l, a, batch, deadline_ms)) != STATUS_OK || (rc = count_closed(l, a)) != STATUS_OK ||
	    (rc = head_publish(l->p->head, l->p->number, &a->next)) != STATUS_OK)
		return take_back(l, a, rc);
	fault_point("log.append.published");
	/* From here on the batch is stored: nothing may fail. A word that cannot be cleared is cleared by the next appender. */
	if (head_set_appender(l->p->head, l->p->number, false) != STATUS_OK)
		status_clear();
	return STATUS_OK;
}

static int
take_append_lock(const struct log *l, int64_t deadline_ms)
{
	int rc = lock_take(l->p->lock, LOCK_BYTE_APPEND(l->p->number), "append lock", deadline_ms);

	return rc == STATUS_AGAIN ? partition_lock_busy(l->p) : rc;
}

/* Hold what is published now; *end is its log end offset. */
static int
hold_published(struct log *l, int64_t deadline_ms, int64_t *end)
{
	struct append a;
	int rc;

	if ((rc = take_append_lock(l, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = check_page(l, &a)) == STATUS_OK && head_appender(l->p->head, l->p->number) != 0)
		rc = head_set_appender(l->p->head, l->p->number, false);
	lock_drop(l->p->lock, LOCK_BYTE_APPEND(l->p->number));
	if (rc == STATUS_OK)
		*end = a.published.end_offset;
	return rc;
}

/* Somebody's fdatasync failed: write what may be lost again, through new descriptors, once. */
static int
heal(struct log *l, int64_t deadline_ms)
{
	int64_t end;
	int rc;

	sync_reset(l->sync);
	if ((rc = hold_published(l, deadline_ms, &end)) != STATUS_OK)
		return rc;
	return sync_heal(l->sync, end, deadline_ms);
}

/*
 * The producers' snapshot is needed when the segments before it are deleted, and is made then at the latest. Retention comes with the roll,
 * so that no disk fills for want of a timer. A failure here, or a lock that another holds, is nobody's loss: the next roll tries again.
 */
static void
after_roll(const struct partition *p, int64_t base)
{
	if (!lock_try(p->lock, LOCK_BYTE_RETENTION(p->number)))
		return;
	if (producers_ensure_snapshot(p, base) != STATUS_OK)
		status_clear();
	lock_drop(p->lock, LOCK_BYTE_RETENTION(p->number));
	if (retention_apply(p, clock_wall_ms()) != STATUS_OK)
		status_clear();
}

/*
 * Of much that is to be synced the disk writes one step while the next is appended: a gigabyte and its sync take 0.62 s instead of 0.84, that
 * of a producer who does nothing else meanwhile; with steps of 1 MiB 0.65.
 */
static void
begin_sync(const struct append *a)
{
	int64_t from = a->published.end_position / SYNC_STEP_BYTES * SYNC_STEP_BYTES;
	int64_t to = a->next.end_position / SYNC_STEP_BYTES * SYNC_STEP_BYTES;

	if (from < to && !a->rolled)
		file_begin_sync(a->fd, from, to - from);
}

int
log_append(struct log *l, struct buf *batch, int64_t deadline_ms, int64_t *base_offset)
{
	struct append a;
	int rc;

	if (head_poison(l->p->head, l->p->number) == HEAD_UNSYNCED && (rc = heal(l, deadline_ms)) != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	if ((rc = take_append_lock(l, deadline_ms)) != STATUS_OK)
		return rc;
	rc = append_locked(l, &a, batch, deadline_ms);
	lock_drop(l->p->lock, LOCK_BYTE_APPEND(l->p->number));
	fault_point("log.append.unlocked");
	if (rc != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	*base_offset = a.published.end_offset;
	if (l->p->settings.fsync != FSYNC_NEVER)
		begin_sync(&a);
	if (a.rolled)
		after_roll(l->p, a.next.segment_base);
	return STATUS_OK;
}

/* Publish an empty segment behind the end. */
static int
roll_locked(struct log *l, struct append *a, int64_t deadline_ms)
{
	int rc;

	if ((rc = check_page(l, a)) != STATUS_OK || (rc = check_admission(l, 0)) != STATUS_OK)
		return rc;
	begin_append(l, a);
	if (a->published.last_position < 0)
		return STATUS_OK;
	if ((rc = head_set_appender(l->p->head, l->p->number, true)) != STATUS_OK)
		return rc;
	a->next.last_position = -1;
	if ((rc = roll(l, a, deadline_ms)) != STATUS_OK || (rc = count_closed(l, a)) != STATUS_OK ||
	    (rc = head_publish(l->p->head, l->p->number, &a->next)) != STATUS_OK)
		return take_back(l, a, rc);
	if (head_set_appender(l->p->head, l->p->number, false) != STATUS_OK)
		status_clear();
	return STATUS_OK;
}

int
log_roll(struct log *l, int64_t deadline_ms)
{
	struct append a;
	int rc;

	if (head_poison(l->p->head, l->p->number) == HEAD_UNSYNCED && (rc = heal(l, deadline_ms)) != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	if ((rc = take_append_lock(l, deadline_ms)) != STATUS_OK)
		return rc;
	rc = roll_locked(l, &a, deadline_ms);
	lock_drop(l->p->lock, LOCK_BYTE_APPEND(l->p->number));
	if (rc != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	if (a.rolled)
		after_roll(l->p, a.next.segment_base);
	return STATUS_OK;
}

/*
 * Sets. What lies behind the end when the power fails is adopted by recovery as far as it is whole batches in a row, so a set is written
 * but for its first batch, and that is made durable; where the first batch is missing nothing behind it is adopted.
 */
#define SET_BEGIN_BYTES ((int64_t)8 << 20)
struct set {
	log_set_next *give;
	void *arg;
	struct buf first, batch;
	int first_fd; /* of the segment that the first belongs to, the last that the sync holds */
	int64_t first_base, first_position;
	int fd;	       /* of the segment that was made for the set last; -1: all of it lies in the first's */
	int64_t begun; /* up to here the disk was told to write that segment */
};

/* Keep the first batch, but go on behind it. */
static int
keep_first(struct log *l, struct append *a, struct set *s, int64_t deadline_ms)
{
	struct batch_header h;
	int rc;

	if ((rc = s->give(s->arg, &s->first)) != STATUS_OK || (rc = place_batch(l, a, &s->first, &h)) != STATUS_OK ||
	    (is_full(l, &a->next, &h) && (rc = roll(l, a, deadline_ms)) != STATUS_OK) || (rc = enter_epoch(l, a)) != STATUS_OK)
		return rc;
	s->first_fd = a->fd;
	s->first_base = a->next.segment_base;
	s->first_position = s->begun = a->next.end_position;
	return note_batch(l, a, &h);
}

/*
 * The next segment of a set. Only the last two may ever lack anything (recover.h): what was published before the set is made durable, and
 * each segment of the set when it is closed.
 */
static int
roll_in_set(struct log *l, struct append *a, struct set *s, int64_t deadline_ms)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	if ((rc = index_writer_finish(&l->index, &a->next)) != STATUS_OK)
		return rc;
	segment_name(name, a->next.segment_base, SUFFIX_LOG);
	rc = s->fd < 0 ? sync_upto_locked(l->sync, a->published.end_offset, deadline_ms) : file_sync_data(s->fd, name);
	if (rc != STATUS_OK)
		return rc;
	(void)file_close(s->fd, name);
	s->fd = -1;
	segment_name(name, a->next.end_offset, SUFFIX_LOG);
	if ((rc = file_create(l->p->dir, name, &l->p->access, &s->fd)) != STATUS_OK)
		return rc;
	fault_point("log.set.rolled");
	a->rolled = true;
	s->begun = 0;
	begin_segment(a);
	return STATUS_OK;
}

static int
write_next(struct log *l, struct append *a, struct set *s, int64_t deadline_ms)
{
	char name[SEGMENT_NAME_BYTES];
	struct batch_header h;
	int fd, rc;

	if ((rc = place_batch(l, a, &s->batch, &h)) != STATUS_OK ||
	    (is_full(l, &a->next, &h) && (rc = roll_in_set(l, a, s, deadline_ms)) != STATUS_OK))
		return rc;
	fd = s->fd < 0 ? s->first_fd : s->fd;
	segment_name(name, a->next.segment_base, SUFFIX_LOG);
	rc = file_write_at(fd, name, s->batch.data, s->batch.len, a->next.end_position);
	fault_point("log.set.written");
	if (rc != STATUS_OK || (rc = note_batch(l, a, &h)) != STATUS_OK)
		return rc;
	if (a->next.end_position - s->begun >= SET_BEGIN_BYTES) {
		file_begin_sync(fd, s->begun, a->next.end_position - s->begun);
		s->begun = a->next.end_position;
	}
	return STATUS_OK;
}

/* Make what lies behind the place of the first batch durable, in the first's segment and in the last; those between are. */
static int
sync_rest(struct log *l, const struct append *a, const struct set *s)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	fault_point("log.set.behind");
	segment_name(name, a->next.segment_base, SUFFIX_LOG);
	if (s->fd >= 0 &&
	    ((rc = file_sync_data(s->fd, name)) != STATUS_OK || (rc = file_sync(l->p->dir, l->p->label)) != STATUS_OK))
		return rc;
	return sync_cut(l->sync);
}

/* Put the first batch in its place: with it the set is whole. One that fills more segments is durable before it is published. */
static int
write_first(struct log *l, const struct append *a, struct set *s)
{
	char name[SEGMENT_NAME_BYTES];
	int rc;

	fault_point("log.set.synced");
	segment_name(name, s->first_base, SUFFIX_LOG);
	if ((rc = file_write_at(s->first_fd, name, s->first.data, s->first.len, s->first_position)) != STATUS_OK)
		return rc;
	fault_point("log.set.whole");
	if (s->fd < 0)
		return STATUS_OK;
	if ((rc = sync_cut(l->sync)) != STATUS_OK || (rc = sync_hold_new(l->sync, a->next.segment_base, s->fd)) != STATUS_OK)
		return rc;
	s->fd = -1;
	return STATUS_OK;
}

static int
write_set(struct log *l, struct append *a, struct set *s, int64_t deadline_ms)
{
	int64_t first_end;
	int rc;

	if ((rc = keep_first(l, a, s, deadline_ms)) != STATUS_OK)
		return rc;
	first_end = a->next.end_offset;
	while ((rc = s->give(s->arg, &s->batch)) == STATUS_OK && (rc = write_next(l, a, s, deadline_ms)) == STATUS_OK)
		continue;
	if (rc == STATUS_END)
		rc = a->next.end_offset > first_end ? sync_rest(l, a, s) : STATUS_OK;
	return rc == STATUS_OK ? write_first(l, a, s) : rc;
}

static int
append_set_locked(struct log *l, struct append *a, struct set *s, int64_t deadline_ms)
{
	int rc;

	if ((rc = check_page(l, a)) != STATUS_OK || (rc = check_open(l)) != STATUS_OK ||
	    (rc = head_set_appender(l->p->head, l->p->number, true)) != STATUS_OK)
		return rc;
	begin_append(l, a);
	if ((rc = write_set(l, a, s, deadline_ms)) != STATUS_OK || (rc = count_closed(l, a)) != STATUS_OK ||
	    (rc = head_publish(l->p->head, l->p->number, &a->next)) != STATUS_OK) {
		(void)file_close(s->fd, SUFFIX_LOG);
		return take_back(l, a, rc);
	}
	fault_point("log.set.published");
	if (head_set_appender(l->p->head, l->p->number, false) != STATUS_OK)
		status_clear();
	return STATUS_OK;
}

int
log_append_set(struct log *l, log_set_next *next, void *arg, int64_t deadline_ms, int64_t *base_offset, int64_t *end_offset)
{
	struct set s = {.give = next, .arg = arg, .first = BUF_EMPTY, .batch = BUF_EMPTY, .fd = -1};
	struct append a;
	int rc;

	if (head_poison(l->p->head, l->p->number) == HEAD_UNSYNCED && (rc = heal(l, deadline_ms)) != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	if ((rc = take_append_lock(l, deadline_ms)) != STATUS_OK)
		return rc;
	rc = append_set_locked(l, &a, &s, deadline_ms);
	lock_drop(l->p->lock, LOCK_BYTE_APPEND(l->p->number));
	buf_free(&s.first);
	buf_free(&s.batch);
	if (rc != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	*base_offset = a.published.end_offset;
	*end_offset = a.next.end_offset;
	if (a.rolled)
		after_roll(l->p, a.next.segment_base);
	return STATUS_OK;
}

int
log_sync(struct log *l, int64_t offset, int64_t deadline_ms)
{
	return sync_upto(l->sync, offset, deadline_ms);
}

int
log_sync_all(struct log *l, int64_t deadline_ms, int64_t *end)
{
	int64_t published;
	int rc;

	if ((rc = hold_published(l, deadline_ms, &published)) != STATUS_OK ||
	    (rc = sync_upto(l->sync, published, deadline_ms)) != STATUS_OK)
		return rc == STATUS_GONE ? STATUS_RECOVER : rc;
	if (end != NULL)
		*end = published;
	return STATUS_OK;
}

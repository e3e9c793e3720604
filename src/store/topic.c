#include "store/topic.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/retention.h"
#include "log/segment.h"
#include "store/handle.h"
#include "store/intent.h"
#include "store/layout.h"
#include "store/room.h"

/* How often a log that changes is looked at again. */
#define FIND_TRIES 10

/* How long one who only opens the topic waits to finish what another left. */
#define REPAIR_MS 1000
/* Descriptors: what a program needs besides, and what one partition takes at most (folder, two segments, two indexes, two of a reader). */
#define DESCRIPTORS_ELSEWHERE 24
#define DESCRIPTORS_EACH 7

/*
 * Opening and closing.
 */

/* Raise the count of partitions to what `config` says, if an alter died before it could. Topic state lock. */
static int
finish_growth(struct topic *t)
{
	int count = head_partition_count(t->head), rc;

	if (t->config.partitions <= count)
		return STATUS_OK;
	if ((rc = layout_make_partitions(t->dir, t->name, &t->access, t->config.topic_id, count, t->config.partitions)) !=
		STATUS_OK ||
	    (rc = head_add_pages(t->head, t->dir, t->config.partitions)) != STATUS_OK)
		return rc;
	fault_point("topic.grow.pages");
	if ((rc = head_set_partition_count(t->head, t->config.partitions)) != STATUS_OK ||
	    (rc = head_remap(t->head, t->dir)) != STATUS_OK)
		return rc;
	return handle_grow(t);
}

static int
open_parts(struct topic *t)
{
	int rc;

	if ((rc = dir_open(store_topics_fd(t->store), t->name, &t->dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? status_fail(rc, "no such topic (make it with: mq-topic create %s)", t->name) : rc;
	if ((rc = head_open(t->dir, &t->head)) != STATUS_OK)
		return rc;
	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "the topic was deleted");
	if (head_writable(t->head) && (rc = lock_open(t->dir, TOPIC_LOCK_FILE, &t->lock)) != STATUS_OK && rc != STATUS_PERMISSION)
		return rc;
	if ((rc = handle_grow(t)) != STATUS_OK || (rc = handle_read_config(t)) != STATUS_OK)
		return rc;
	return STATUS_OK;
}

/* Is the folder that was opened still the topic's? One that is being removed was moved first. */
static bool
is_in_place(const struct topic *t)
{
	struct file_identity ours, named;
	int dir;
	bool same;

	if (dir_open(store_topics_fd(t->store), t->name, &dir) != STATUS_OK)
		return false;
	same = file_identity(t->dir, t->name, &ours) == STATUS_OK && file_identity(dir, t->name, &named) == STATUS_OK &&
	    memcmp(&ours, &named, sizeof(ours)) == 0;
	(void)file_close(dir, t->name);
	return same;
}

static int apply_config(struct topic *t, int64_t deadline_ms);

/*
 * Finish what an alter that died left: `config` says more than the topic's page. Who holds the lock may be that alter, alive; and whatever
 * else stands in the way, what there is of the topic can be used.
 */
static void
repair_alter(struct topic *t)
{
	bool always = t->config.log.fsync == FSYNC_ALWAYS;

	if (t->lock == NULL || (t->config.partitions <= head_partition_count(t->head) && always == head_synced_only(t->head)))
		return;
	if (handle_lock(t, DEADLINE_NOW) == STATUS_OK) {
		if (apply_config(t, clock_deadline(REPAIR_MS)) != STATUS_OK)
			status_clear();
		handle_unlock(t);
	} else {
		status_clear();
	}
}

static size_t
most_open_partitions(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < DESCRIPTORS_ELSEWHERE + DESCRIPTORS_EACH)
		return 1;
	return (size_t)(limit.rlim_cur - DESCRIPTORS_ELSEWHERE) / DESCRIPTORS_EACH;
}

int
topic_open(struct store *s, const char *name, struct topic **out)
{
	struct topic *t;
	int rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK)
		return rc;
	if ((t = calloc(1, sizeof(*t))) == NULL || (t->name = strdup(name)) == NULL) {
		free(t);
		return status_no_memory(name);
	}
	t->store = s;
	t->intents = &intent_of_handles;
	t->dir = -1;
	t->open_most = most_open_partitions();
	if ((rc = open_parts(t)) != STATUS_OK) {
		/* A file that is missing from a topic's folder is damage, unless the topic is going. */
		if (rc == STATUS_MISSING && t->dir >= 0 && (t->head == NULL || !head_dead(t->head)) && is_in_place(t))
			rc = STATUS_IO;
		rc = handle_context(t, rc);
		topic_close(t);
		return rc;
	}
	repair_alter(t);
	*out = t;
	return STATUS_OK;
}

void
topic_on_notice(struct topic *t, topic_notice *notice, void *arg)
{
	t->notice = notice;
	t->notice_arg = arg;
}

void
topic_close(struct topic *t)
{
	struct slot *s;

	if (t == NULL)
		return;
	while ((s = t->in_use) != NULL) {
		t->in_use = s->next;
		slot_close(s);
		reader_close(s->reader);
		free(s);
	}
	free(t->slots);
	lock_close(t->lock);
	head_close(t->head);
	(void)file_close(t->dir, t->name);
	free(t->name);
	free(t);
}

int
topic_kill(struct topic *t, int64_t deadline_ms)
{
	int rc;

	if (t->lock == NULL)
		return status_fail(STATUS_PERMISSION, "%s: we may not write to it", t->name);
	if ((rc = lock_take(t->lock, LOCK_BYTE_TOPIC, "topic state lock", deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = head_set_dead(t->head)) == STATUS_OK)
		head_ring(t->head);
	lock_drop(t->lock, LOCK_BYTE_TOPIC);
	return rc;
}

const char *
topic_name(const struct topic *t)
{
	return t->name;
}

const struct config *
topic_config(const struct topic *t)
{
	return &t->config;
}

bool
topic_writable(const struct topic *t)
{
	return t->lock != NULL;
}

int
topic_find_time(struct topic *t, int p, int64_t timestamp_ms, int64_t end, int64_t *offset)
{
	struct reader *reader;
	int64_t start, now_end;
	int rc;

	for (int i = 0; i < FIND_TRIES; i++) {
		if ((rc = handle_bounds(t, p, &start, &now_end, NULL)) != STATUS_OK ||
		    (rc = handle_reader(t, p, &reader)) != STATUS_OK)
			return rc;
		rc = reader_find_time(reader, timestamp_ms, end, offset);
		reader_park(reader);
		if (rc != STATUS_RECOVER && rc != STATUS_MISSING && rc != STATUS_GONE)
			return rc == STATUS_OK ? rc : status_context(rc, "%s/%d", t->name, p);
	}
	return status_fail(STATUS_AGAIN, "%s/%d: the log changes while it is read", t->name, p);
}

bool
topic_deleted(const struct topic *t)
{
	return head_dead(t->head);
}

int
topic_partition_count(struct topic *t, int *count)
{
	int rc;

	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
	if (head_grew(t->head) && ((rc = head_remap(t->head, t->dir)) != STATUS_OK || (rc = handle_grow(t)) != STATUS_OK))
		return handle_context(t, rc);
	*count = t->slot_count;
	return STATUS_OK;
}

void
topic_ring(struct topic *t)
{
	head_ring(t->head);
}

uint64_t
topic_next_partition(const struct topic *t)
{
	return head_next_partition(t->head);
}

void
topic_advance_next_partition(struct topic *t, uint64_t count)
{
	head_advance_next_partition(t->head, count);
}

uint32_t
topic_bell(const struct topic *t)
{
	return bell_read(head_bell(t->head));
}

int
topic_append(struct topic *t, int p, struct buf *batch, int64_t deadline_ms, int64_t *base_offset)
{
	int rc;

	if ((rc = room_await(t, (int64_t)batch->len, deadline_ms)) != STATUS_OK)
		return rc;
	return handle_append(t, p, batch, deadline_ms, base_offset);
}

int
topic_flush(struct topic *t, int p, bool final, int64_t deadline_ms)
{
	return handle_flush(t, p, final, deadline_ms);
}

void
topic_read_uncommitted(struct topic *t, bool on)
{
	t->uncommitted = on;
}

int
topic_sync(struct topic *t, int p, int64_t deadline_ms, int64_t *end)
{
	struct slot *s;
	int rc;

	if ((rc = handle_use_log(t, p, &s)) != STATUS_OK)
		return rc;
	return handle_sync(t, s, false, deadline_ms, end);
}

int
topic_reader(struct topic *t, int p, struct reader **out)
{
	return handle_reader(t, p, out);
}

int
topic_bounds(struct topic *t, int p, int64_t *start, int64_t *end, bool *damaged)
{
	return handle_bounds(t, p, start, end, damaged);
}

int
topic_read(struct topic *t, int p, int64_t end, struct batch_view *view)
{
	return handle_read(t, p, end, view);
}

void
topic_wait(struct topic *t, uint32_t seen, int64_t timeout_ms)
{
	handle_wait(t, seen, timeout_ms);
}

/*
 * Settings and limits.
 */

/*
 * Before readers are shown only what is durable, everything that is published is made so: they must not see less than before. A damaged
 * partition shows no more than that already.
 */
static int
sync_all_partitions(struct topic *t, int64_t deadline_ms)
{
	struct slot *s;
	int rc = STATUS_OK;

	for (int p = 0; p < t->slot_count && rc == STATUS_OK; p++) {
		if ((rc = handle_use_log(t, p, &s)) != STATUS_OK)
			break;
		rc = handle_sync(t, s, true, deadline_ms, NULL);
		if (rc == STATUS_READ_ONLY && head_poison(t->head, p) == HEAD_DAMAGED)
			rc = STATUS_OK;
	}
	return rc;
}

/* Make the topic's page say what `config` says. Topic state lock; doing it again changes nothing. */
static int
apply_config(struct topic *t, int64_t deadline_ms)
{
	bool always = t->config.log.fsync == FSYNC_ALWAYS;
	int rc;

	if (!always && (rc = head_set_synced_only(t->head, false)) != STATUS_OK)
		return rc;
	if ((rc = finish_growth(t)) != STATUS_OK || (rc = head_bump_config_version(t->head)) != STATUS_OK ||
	    (rc = handle_read_config(t)) != STATUS_OK)
		return rc;
	if (always && !head_synced_only(t->head) && (rc = sync_all_partitions(t, deadline_ms)) == STATUS_OK)
		rc = head_set_synced_only(t->head, true);
	return rc;
}

static int
alter_locked(struct topic *t, int (*change)(void *arg, struct config *), void *arg, int64_t deadline_ms)
{
	struct config changed = t->config;
	struct file_access access;
	int rc;

	if ((rc = change(arg, &changed)) != STATUS_OK || (rc = config_access(&changed, &access)) != STATUS_OK)
		return rc;
	if (changed.partitions < t->config.partitions)
		return status_fail(STATUS_CONFIG, "partitions can only be added: there are %d", t->config.partitions);
	if ((rc = layout_write_config(t->dir, &access, &changed)) != STATUS_OK)
		return rc;
	fault_point("topic.alter.written");
	/* Also where it seems the same: the alter before may have died in here. */
	if ((access.mode != t->access.mode || access.mode != 0600 || access.gid != (gid_t)-1) &&
	    (rc = layout_give_access(store_topics_fd(t->store), t->name, &access)) != STATUS_OK)
		return rc;
	t->config = changed;
	return apply_config(t, deadline_ms);
}

int
topic_alter(struct topic *t, int (*change)(void *arg, struct config *), void *arg, int64_t deadline_ms)
{
	int rc;

	if ((rc = handle_lock(t, deadline_ms)) == STATUS_OK) {
		rc = alter_locked(t, change, arg, deadline_ms);
		handle_unlock(t);
		head_ring(t->head);
	}
	return rc == STATUS_OK ? rc : handle_context(t, rc);
}

int
topic_trim(struct topic *t, int p, int64_t offset, int64_t deadline_ms)
{
	int64_t start, end;
	struct slot *s;
	int rc;

	if ((rc = handle_bounds(t, p, &start, &end, NULL)) != STATUS_OK || (rc = handle_use_log(t, p, &s)) != STATUS_OK)
		return rc;
	if (offset > end)
		return status_fail(STATUS_USAGE, "%s: offset %lld is behind the end, %lld", s->part.label, (long long)offset,
		    (long long)end);
	/* A log must not end before its start, not even after a power cut. */
	if (head_synced_end(t->head, p) < offset && (rc = handle_sync(t, s, false, deadline_ms, NULL)) != STATUS_OK)
		return rc;
	if ((rc = retention_trim(&s->part, offset, deadline_ms)) != STATUS_OK)
		return slot_context(s, rc);
	head_ring(t->head);
	return STATUS_OK;
}

struct sizes {
	int dir;
	struct topic_partition_info *info;
};

static int
add_size(void *arg, const char *entry)
{
	struct sizes *sizes = arg;
	int64_t base, size;
	int fd;

	if (!segment_parse_name(entry, SUFFIX_LOG, &base))
		return STATUS_OK;
	/* One that retention removed meanwhile does not count. */
	if (file_open_read(sizes->dir, entry, &fd) != STATUS_OK)
		return STATUS_OK;
	if (file_size(fd, entry, &size) == STATUS_OK) {
		sizes->info->segments++;
		sizes->info->bytes += size;
	}
	return file_close(fd, entry);
}

int
topic_partition_info(struct topic *t, int p, struct topic_partition_info *info)
{
	struct sizes sizes = {.info = info};
	struct slot *s;
	int rc;

	*info = (struct topic_partition_info){.epoch = head_leader_epoch(t->head)};
	if ((rc = handle_bounds(t, p, &info->start, &info->end, NULL)) != STATUS_OK || (rc = handle_use(t, p, &s)) != STATUS_OK)
		return rc;
	info->high_watermark = info->end;
	sizes.dir = s->part.dir;
	rc = dir_list(s->part.dir, s->part.label, add_size, &sizes);
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

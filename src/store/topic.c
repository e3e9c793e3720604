#include "store/topic.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/recover.h"
#include "log/retention.h"
#include "log/segment.h"
#include "store/layout.h"
#include "store/state.h"

/* A folder under topics/ that is being made or removed; no topic's name begins so. */
#define HIDDEN_PREFIX "%"
#define HIDDEN_NAME_BYTES 32
/* How often an append or a read is tried again after a repair that the log asked for; each try found something new to repair. */
#define REPAIR_TRIES 16
/* How long one without a deadline of its own, a reader, waits for a lock: as long as others do who give none. */
#define PATIENCE_MS 30000
/* How long one who only opens the topic waits to finish what another left. */
#define REPAIR_MS 1000
/* A process that had passed its look at `dead` may make a file yet, once, in a folder that is being removed. */
#define REMOVE_TRIES 16
#define TICK_MS 1000
/* Descriptors: what a program needs besides, and what one partition takes at most (folder, two segments, two indexes, a reader's). */
#define DESCRIPTORS_ELSEWHERE 24
#define DESCRIPTORS_EACH 6

/* One partition in use. */
struct slot {
	struct partition part; /* part.dir is -1 while its descriptors are closed */
	struct log *log;
	struct reader *reader;
	int64_t unsynced_end;		       /* what was appended here and not synced ends there; 0: nothing */
	int64_t synced_at_ms;		       /* when it was synced last, monotonic */
	int64_t leaving_end, leaving_since_ms; /* somebody's unsynced end, and since when it is seen */
	uint64_t used;
};

struct topic {
	struct store *store;
	char *name;
	int dir;
	struct head *head;
	struct lock *lock; /* NULL: we may not write */
	struct config config;
	uint64_t config_version;
	struct file_access access;
	struct slot **slots; /* NULL until the partition is used */
	int slot_count;
	size_t open_count, open_most;
	uint64_t uses;
	topic_notice *notice;
	void *notice_arg;
};

static int
topic_context(const struct topic *t, int rc)
{
	return status_context(rc, "%s", t->name);
}

static int
slot_context(const struct slot *s, int rc)
{
	return status_context(rc, "%s", s->part.label);
}

/*
 * Making and removing.
 */

/* A new one each time: what another user's process left may be in the way and not ours to remove. */
static void
hidden_name(char *name)
{
	uint64_t number;

	arc4random_buf(&number, sizeof(number));
	(void)snprintf(name, HIDDEN_NAME_BYTES, "%s%016llx", HIDDEN_PREFIX, (unsigned long long)number);
}

static int
remove_folder(int topics, const char *name)
{
	int rc = STATUS_EXISTS;

	for (int i = 0; i < REMOVE_TRIES && rc == STATUS_EXISTS; i++)
		rc = dir_remove_tree(topics, name);
	return rc;
}

static int
remove_hidden(void *arg, const char *entry)
{
	int topics = *(int *)arg, rc = STATUS_OK;

	if (strncmp(entry, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) == 0)
		rc = remove_folder(topics, entry);
	return rc == STATUS_PERMISSION ? STATUS_OK : rc;
}

/* What killed makers and removers left, as far as we may; nobody is at work, because the store lock is held. */
static int
clean_up(struct store *s)
{
	int topics = store_topics_fd(s);

	return dir_list(topics, "topics", remove_hidden, &topics);
}

/* Hide the folder and remove it. The store lock is held and clean_up was called. */
static int
remove_topic(struct store *s, const char *name)
{
	char hidden[HIDDEN_NAME_BYTES];
	int topics = store_topics_fd(s), rc;

	hidden_name(hidden);
	if ((rc = file_move(topics, name, topics, hidden)) != STATUS_OK || (rc = file_sync(topics, "topics")) != STATUS_OK)
		return rc;
	fault_point("topic.delete.hidden");
	return remove_folder(topics, hidden);
}

/* Was it marked as deleted? False also if that cannot be found out. */
static bool
is_dead(struct store *s, const char *name)
{
	struct head *head;
	int dir, rc;
	bool dead;

	if (dir_open(store_topics_fd(s), name, &dir) != STATUS_OK)
		return false;
	rc = head_open(dir, &head);
	(void)file_close(dir, name);
	if (rc != STATUS_OK)
		return false;
	dead = head_dead(head);
	head_close(head);
	return dead;
}

static int
create_locked(struct store *s, const char *name, const struct config *config)
{
	struct file_access access;
	char hidden[HIDDEN_NAME_BYTES];
	int topics = store_topics_fd(s), dir, rc;

	if ((rc = config_access(config, &access)) != STATUS_OK || (rc = clean_up(s)) != STATUS_OK)
		return rc;
	/* One whose deletion died half-way does not count. */
	if (topic_exists(s, name) && (!is_dead(s, name) || (rc = remove_topic(s, name)) != STATUS_OK))
		return rc != STATUS_OK ? rc : status_fail(STATUS_EXISTS, "%s: the topic exists already", name);
	hidden_name(hidden);
	if ((rc = dir_make(topics, hidden, &access)) != STATUS_OK || (rc = dir_open(topics, hidden, &dir)) != STATUS_OK)
		return rc;
	rc = layout_make_topic(dir, name, &access, config);
	(void)file_close(dir, hidden);
	fault_point("topic.create.made");
	if (rc == STATUS_OK)
		rc = file_move(topics, hidden, topics, name);
	if (rc != STATUS_OK) {
		char why[512];

		(void)snprintf(why, sizeof(why), "%s", status_message());
		if (dir_remove_tree(topics, hidden) != STATUS_OK)
			status_clear(); /* the next create or delete tries again */
		return status_fail(rc, "%s: %s", name, why);
	}
	fault_point("topic.create.named");
	return file_sync(topics, "topics");
}

int
topic_create(struct store *s, const char *name, const struct config *config, int64_t deadline_ms)
{
	int rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK || (rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	rc = create_locked(s, name, config);
	store_unlock(s);
	return rc;
}

/* Processes that have the topic open find it dead; one whose heads cannot be opened is removed all the same. */
static int
mark_dead(struct store *s, const char *name, int64_t deadline_ms)
{
	struct topic *t;
	int rc;

	/* Marked already, by a deletion that died, or nothing that can be marked. A folder that is not ours could be moved all the same. */
	if ((rc = topic_open(s, name, &t)) != STATUS_OK)
		return rc == STATUS_PERMISSION ? rc : STATUS_OK;
	if (t->lock == NULL)
		rc = status_fail(STATUS_PERMISSION, "%s: we may not write to it", name);
	else if ((rc = lock_take(t->lock, LOCK_BYTE_TOPIC, "topic state lock", deadline_ms)) == STATUS_OK) {
		if ((rc = head_set_dead(t->head)) == STATUS_OK)
			head_ring(t->head);
		lock_drop(t->lock, LOCK_BYTE_TOPIC);
	}
	topic_close(t);
	return rc;
}

static int
delete_locked(struct store *s, const char *name, int64_t deadline_ms)
{
	int rc;

	if (!topic_exists(s, name))
		return status_fail(STATUS_MISSING, "%s: no such topic", name);
	if ((rc = clean_up(s)) != STATUS_OK || (rc = mark_dead(s, name, deadline_ms)) != STATUS_OK)
		return rc;
	fault_point("topic.delete.dead");
	return remove_topic(s, name);
}

int
topic_delete(struct store *s, const char *name, int64_t deadline_ms)
{
	int rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK || (rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	rc = delete_locked(s, name, deadline_ms);
	store_unlock(s);
	return rc;
}

bool
topic_exists(struct store *s, const char *name)
{
	return parse_is_name(name) && file_exists(store_topics_fd(s), name);
}

/*
 * Opening and closing.
 */

static int
read_config(struct topic *t)
{
	uint64_t version = head_config_version(t->head);
	int rc;

	/* The version first: settings newer than it says are read again, older ones would be used. */
	if ((rc = layout_read_config(t->dir, &t->config)) != STATUS_OK || (rc = config_access(&t->config, &t->access)) != STATUS_OK)
		return rc;
	t->config_version = version;
	for (int p = 0; p < t->slot_count; p++) {
		if (t->slots[p] == NULL)
			continue;
		t->slots[p]->part.access = t->access;
		t->slots[p]->part.settings = t->config.log;
		t->slots[p]->part.config_version = version;
	}
	return STATUS_OK;
}

/* Have slots for all partitions that are mapped. */
static int
grow_slots(struct topic *t)
{
	int count = head_partition_count(t->head);
	struct slot **slots;

	if (count <= t->slot_count)
		return STATUS_OK;
	if ((slots = reallocarray(t->slots, (size_t)count, sizeof(struct slot *))) == NULL)
		return status_no_memory(t->name);
	for (int p = t->slot_count; p < count; p++)
		slots[p] = NULL;
	t->slots = slots;
	t->slot_count = count;
	return STATUS_OK;
}

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
	return grow_slots(t);
}

/* Take the topic state lock, with the topic as it is now: others may have changed it while we waited. */
static int
lock_topic(struct topic *t, int64_t deadline_ms)
{
	int rc;

	if (t->lock == NULL)
		return status_fail(STATUS_PERMISSION, "we may not write to it");
	if ((rc = lock_take(t->lock, LOCK_BYTE_TOPIC, "topic state lock", deadline_ms)) != STATUS_OK)
		return rc;
	if (head_dead(t->head))
		rc = status_fail(STATUS_MISSING, "the topic was deleted");
	else if (!head_grew(t->head) || ((rc = head_remap(t->head, t->dir)) == STATUS_OK && (rc = grow_slots(t)) == STATUS_OK))
		rc = read_config(t);
	if (rc != STATUS_OK)
		lock_drop(t->lock, LOCK_BYTE_TOPIC);
	return rc;
}

static void
unlock_topic(struct topic *t)
{
	lock_drop(t->lock, LOCK_BYTE_TOPIC);
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
	if ((rc = grow_slots(t)) != STATUS_OK || (rc = read_config(t)) != STATUS_OK)
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
	if (lock_topic(t, DEADLINE_NOW) == STATUS_OK) {
		if (apply_config(t, clock_deadline(REPAIR_MS)) != STATUS_OK)
			status_clear();
		unlock_topic(t);
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
	t->dir = -1;
	t->open_most = most_open_partitions();
	if ((rc = open_parts(t)) != STATUS_OK) {
		/* A file that is missing from a topic's folder is damage, unless the topic is going. */
		if (rc == STATUS_MISSING && t->dir >= 0 && (t->head == NULL || !head_dead(t->head)) && is_in_place(t))
			rc = STATUS_IO;
		rc = topic_context(t, rc);
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

static void
close_slot(struct slot *s)
{
	log_close(s->log);
	s->log = NULL;
	if (s->reader != NULL)
		reader_park(s->reader);
	(void)file_close(s->part.dir, s->part.label);
	s->part.dir = -1;
}

void
topic_close(struct topic *t)
{
	if (t == NULL)
		return;
	for (int p = 0; p < t->slot_count; p++) {
		if (t->slots[p] == NULL)
			continue;
		close_slot(t->slots[p]);
		reader_close(t->slots[p]->reader);
		free(t->slots[p]);
	}
	free(t->slots);
	lock_close(t->lock);
	head_close(t->head);
	(void)file_close(t->dir, t->name);
	free(t->name);
	free(t);
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
	if (head_grew(t->head) && ((rc = head_remap(t->head, t->dir)) != STATUS_OK || (rc = grow_slots(t)) != STATUS_OK))
		return topic_context(t, rc);
	*count = t->slot_count;
	return STATUS_OK;
}

/*
 * Partitions in use.
 */

static int flush_slot(struct slot *s, int64_t deadline_ms);

/*
 * Close the descriptors of the partition that was used longest ago. It is synced first: descriptors opened later could not vouch for it.
 * With fsync=never nothing more was promised of it.
 */
static int
close_least_used(struct topic *t)
{
	struct slot *oldest = NULL;
	int rc = STATUS_OK;

	for (int p = 0; p < t->slot_count; p++) {
		struct slot *s = t->slots[p];

		if (s != NULL && s->part.dir >= 0 && (oldest == NULL || s->used < oldest->used))
			oldest = s;
	}
	if (oldest == NULL)
		return STATUS_OK;
	if (t->config.log.fsync == FSYNC_NEVER)
		oldest->unsynced_end = 0;
	if (oldest->unsynced_end > 0)
		rc = flush_slot(oldest, clock_deadline(PATIENCE_MS));
	close_slot(oldest);
	t->open_count--;
	return rc;
}

static int
new_slot(struct topic *t, int p)
{
	struct slot *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return status_no_memory(t->name);
	(void)snprintf(s->part.label, sizeof(s->part.label), "%s/%d", t->name, p);
	s->part.number = p;
	s->part.dir = -1;
	s->part.topic_dir = t->dir;
	s->part.head = t->head;
	s->part.lock = t->lock;
	s->part.access = t->access;
	s->part.settings = t->config.log;
	s->part.config_version = t->config_version;
	s->synced_at_ms = clock_monotonic_ms();
	t->slots[p] = s;
	return STATUS_OK;
}

/* The partition, with its folder open. */
static int
use(struct topic *t, int p, struct slot **out)
{
	char name[PARTITION_NAME_BYTES];
	struct slot *s;
	int rc;

	if (p < 0 || p >= t->slot_count)
		return status_fail(STATUS_MISSING, "%s/%d: no such partition (there are %d)", t->name, p, t->slot_count);
	if (t->slots[p] == NULL && (rc = new_slot(t, p)) != STATUS_OK)
		return rc;
	s = t->slots[p];
	s->used = ++t->uses;
	if (s->part.dir < 0) {
		if (t->open_count >= t->open_most && (rc = close_least_used(t)) != STATUS_OK)
			return rc;
		layout_partition_name(name, t->name, p);
		if ((rc = dir_open(t->dir, name, &s->part.dir)) != STATUS_OK)
			return topic_context(t, head_dead(t->head) ? STATUS_MISSING : rc);
		t->open_count++;
	}
	*out = s;
	return STATUS_OK;
}

static int
use_log(struct topic *t, int p, struct slot **out)
{
	int rc;

	if ((rc = use(t, p, out)) != STATUS_OK)
		return rc;
	if (t->lock == NULL)
		return slot_context(*out, status_fail(STATUS_PERMISSION, "we may not write to it"));
	return (*out)->log == NULL ? log_open(&(*out)->part, &(*out)->log) : STATUS_OK;
}

static int
use_reader(struct topic *t, int p, struct slot **out)
{
	int rc;

	if ((rc = use(t, p, out)) != STATUS_OK)
		return rc;
	return (*out)->reader == NULL ? reader_open(&(*out)->part, &(*out)->reader) : STATUS_OK;
}

/*
 * Repairs.
 */

/* Recovery's new leader epoch: durable in `state`, then shown in the topic's page. Topic state lock. */
static int
open_new_epoch(void *arg, int32_t above)
{
	struct topic *t = arg;
	struct state state;
	int rc;

	if ((rc = state_read(t->dir, &state)) != STATUS_OK)
		return rc;
	if (state.leader_epoch < above)
		state.leader_epoch = above;
	if (state.leader_epoch == INT32_MAX)
		return status_fail(STATUS_CONFIG, "no leader epoch is left");
	state.leader_epoch++;
	if ((rc = state_write(t->dir, &t->access, &state)) != STATUS_OK)
		return rc;
	return head_set_leader_epoch(t->head, state.leader_epoch);
}

/* A page older than `state`, because it was copied or lost its last stores, shows the epoch that is in force. */
static int
restore_epoch(struct topic *t)
{
	struct state state;
	int rc;

	if ((rc = state_read(t->dir, &state)) != STATUS_OK || state.leader_epoch <= head_leader_epoch(t->head))
		return rc;
	return head_set_leader_epoch(t->head, state.leader_epoch);
}

static void
tell(const struct topic *t, const struct slot *s, const struct recovery *r)
{
	char text[1024];

	if (t->notice == NULL || !r->done || (!r->damaged && r->cut_bytes == 0))
		return;
	if (r->damaged)
		(void)snprintf(text, sizeof(text), "%s: damaged, and read-only from now on: it ends at offset %lld: %s",
		    s->part.label, (long long)r->end.end_offset, r->reason);
	else
		(void)snprintf(text, sizeof(text),
		    "%s: recovered: %lld bytes behind offset %lld were never durable, they are kept in %s/topics/%s/lost",
		    s->part.label, (long long)r->cut_bytes, (long long)r->end.end_offset - 1, store_dir(t->store), t->name);
	t->notice(t->notice_arg, text);
}

static int
recover_locked(struct topic *t, struct slot *s, int64_t deadline_ms)
{
	struct recovery found;
	int rc;

	/* A copy is as durable as we make it: nobody knows whether who made it did. */
	if (!head_is_original(t->head) && (rc = file_sync_system(t->dir, t->name)) != STATUS_OK)
		return rc;
	if ((rc = head_adopt(t->head)) != STATUS_OK || (rc = restore_epoch(t)) != STATUS_OK ||
	    (rc = recover_partition(&s->part, open_new_epoch, t, deadline_ms, &found)) != STATUS_OK)
		return rc;
	tell(t, s, &found);
	return STATUS_OK;
}

static int
recover(struct topic *t, struct slot *s, int64_t deadline_ms)
{
	int rc;

	if ((rc = lock_topic(t, deadline_ms)) != STATUS_OK)
		return rc;
	rc = recover_locked(t, s, deadline_ms);
	unlock_topic(t);
	return rc;
}

/* Do what the log asked for; any other status stays what it is. */
static int
repair(struct topic *t, struct slot *s, int asked, int64_t deadline_ms)
{
	switch (asked) {
	case STATUS_RECOVER:
		return recover(t, s, deadline_ms);
	case STATUS_CONFIG_CHANGED:
		return read_config(t);
	case STATUS_INTENT:
		return status_fail(STATUS_CONFIG, "a newer version of mq left committed sets here, which this one cannot apply");
	default:
		return asked;
	}
}

static bool
is_repairable(int rc)
{
	return rc == STATUS_RECOVER || rc == STATUS_CONFIG_CHANGED || rc == STATUS_INTENT;
}

/*
 * Appending.
 */

int
topic_append(struct topic *t, int p, struct buf *batch, int64_t deadline_ms, int64_t *base_offset)
{
	struct batch_header header;
	struct slot *s;
	int rc;

	if ((rc = use_log(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = log_append(s->log, batch, deadline_ms, base_offset);
		if (!is_repairable(rc) || (rc = repair(t, s, rc, deadline_ms)) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was repaired %d times and still asks for it", i + 1);
	}
	if (rc != STATUS_OK)
		return slot_context(s, rc);
	if ((rc = batch_decode_header(batch->data, &header)) == STATUS_OK)
		s->unsynced_end = batch_end_offset(&header);
	return rc;
}

/* What was published here becomes durable, or may not be stored. */
static int
flush_slot(struct slot *s, int64_t deadline_ms)
{
	int rc;

	if (s->log == NULL) /* its descriptors were closed when the sync before that failed */
		return slot_context(s, status_fail(STATUS_IO, "could not be synced, what was appended may not be stored"));
	if ((rc = log_sync(s->log, s->unsynced_end, deadline_ms)) == STATUS_OK) {
		s->unsynced_end = 0;
		s->synced_at_ms = clock_monotonic_ms();
		return STATUS_OK;
	}
	/* Published is published: whatever the reason, a retry could double it. */
	return slot_context(s, STATUS_IO);
}

int
topic_flush(struct topic *t, int p, bool final, int64_t deadline_ms)
{
	const struct log_settings *set = &t->config.log;
	struct slot *s = p < t->slot_count ? t->slots[p] : NULL;

	if (s == NULL || s->unsynced_end == 0 || set->fsync == FSYNC_NEVER)
		return STATUS_OK;
	if (set->fsync == FSYNC_INTERVAL && !final && clock_monotonic_ms() - s->synced_at_ms < set->fsync_interval_ms)
		return STATUS_OK;
	return flush_slot(s, deadline_ms);
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

/*
 * Reading.
 */

int
topic_reader(struct topic *t, int p, struct reader **out)
{
	struct slot *s;
	int rc;

	if ((rc = use_reader(t, p, &s)) == STATUS_OK)
		*out = s->reader;
	return rc;
}

int
topic_bounds(struct topic *t, int p, int64_t *start, int64_t *end, bool *damaged)
{
	struct slot *s;
	int rc;

	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
	if ((rc = use_reader(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = reader_bounds(s->reader, start, end, damaged);
		if (rc != STATUS_RECOVER || (rc = recover(t, s, clock_deadline(PATIENCE_MS))) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

int
topic_read(struct topic *t, int p, int64_t end, struct batch_view *view)
{
	struct slot *s;
	int rc;

	if ((rc = use_reader(t, p, &s)) != STATUS_OK)
		return rc;
	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = reader_next(s->reader, end, view);
		if (rc != STATUS_RECOVER || (rc = recover(t, s, clock_deadline(PATIENCE_MS))) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	if (rc == STATUS_OK || rc == STATUS_END)
		return rc;
	if (head_dead(t->head))
		return status_fail(STATUS_MISSING, "%s: the topic was deleted", t->name);
	return slot_context(s, rc);
}

/*
 * Waiting.
 */

uint32_t
topic_bell(const struct topic *t)
{
	return bell_read(head_bell(t->head));
}

/* A producer that published and died before its sync is done for, and nobody rings for it. */
static int
sync_leavings_of(struct topic *t, struct slot *s)
{
	int64_t synced = head_synced_end(t->head, s->part.number), now_ms = clock_monotonic_ms();
	struct head_end end;
	int rc;

	if (!head_end(t->head, s->part.number, &end) || end.end_offset <= synced || !head_of_this_boot(t->head, s->part.number)) {
		s->leaving_end = 0;
		return STATUS_OK;
	}
	if (s->leaving_end != end.end_offset) {
		s->leaving_end = end.end_offset;
		s->leaving_since_ms = now_ms;
		return STATUS_OK;
	}
	if (now_ms - s->leaving_since_ms < TICK_MS || (rc = use_log(t, s->part.number, &s)) != STATUS_OK)
		return STATUS_OK;
	if ((rc = log_sync_all(s->log, DEADLINE_NOW, NULL)) == STATUS_OK)
		head_ring(t->head);
	return rc;
}

static void
sync_leavings(struct topic *t)
{
	if (t->lock == NULL || !head_synced_only(t->head))
		return;
	for (int p = 0; p < t->slot_count; p++) {
		if (t->slots[p] == NULL || t->slots[p]->reader == NULL)
			continue;
		/* Somebody is at work there, or the next look at the partition finds the same fault and tells it. */
		if (sync_leavings_of(t, t->slots[p]) != STATUS_OK)
			status_clear();
	}
}

void
topic_wait(struct topic *t, uint32_t seen, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_deadline(timeout_ms);

	while (!clock_passed(deadline_ms)) {
		int64_t began_ms = clock_monotonic_ms(), step_ms = clock_remaining(deadline_ms, TICK_MS);

		/* Rung, or ended early by a signal. */
		if (bell_wait(head_bell(t->head), seen, step_ms) || clock_monotonic_ms() - began_ms < step_ms)
			return;
		sync_leavings(t);
		if (topic_bell(t) != seen)
			return;
	}
}

/*
 * Settings and limits.
 */

/* Make what is published in the partition durable. Topic state lock if `recover_it` is recover_locked. */
static int
sync_published(struct topic *t, struct slot *s, int (*recover_it)(struct topic *, struct slot *, int64_t), int64_t deadline_ms)
{
	int rc = STATUS_OK;

	for (int i = 0; i < REPAIR_TRIES; i++) {
		rc = log_sync_all(s->log, deadline_ms, NULL);
		if (rc != STATUS_RECOVER || (rc = recover_it(t, s, deadline_ms)) != STATUS_OK)
			break;
		rc = status_fail(STATUS_IO, "was recovered %d times and still asks for it", i + 1);
	}
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

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
		if ((rc = use_log(t, p, &s)) != STATUS_OK)
			break;
		rc = sync_published(t, s, recover_locked, deadline_ms);
		if (rc == STATUS_IO && head_poison(t->head, p) == HEAD_DAMAGED)
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
	    (rc = read_config(t)) != STATUS_OK)
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

	if ((rc = lock_topic(t, deadline_ms)) == STATUS_OK) {
		rc = alter_locked(t, change, arg, deadline_ms);
		unlock_topic(t);
		head_ring(t->head);
	}
	return rc == STATUS_OK ? rc : topic_context(t, rc);
}

int
topic_trim(struct topic *t, int p, int64_t offset, int64_t deadline_ms)
{
	int64_t start, end;
	struct slot *s;
	int rc;

	if ((rc = topic_bounds(t, p, &start, &end, NULL)) != STATUS_OK || (rc = use_log(t, p, &s)) != STATUS_OK)
		return rc;
	if (offset > end)
		return status_fail(STATUS_USAGE, "%s: offset %lld is behind the end, %lld", s->part.label, (long long)offset,
		    (long long)end);
	/* A log must not end before its start, not even after a power cut. */
	if (head_synced_end(t->head, p) < offset && (rc = sync_published(t, s, recover, deadline_ms)) != STATUS_OK)
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
	if ((rc = topic_bounds(t, p, &info->start, &info->end, NULL)) != STATUS_OK || (rc = use(t, p, &s)) != STATUS_OK)
		return rc;
	info->high_watermark = info->end;
	sizes.dir = s->part.dir;
	rc = dir_list(s->part.dir, s->part.label, add_size, &sizes);
	return rc == STATUS_OK ? rc : slot_context(s, rc);
}

#include "store/catalog.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/head.h"
#include "log/partition.h"
#include "store/layout.h"
#include "store/topic.h"

/* A folder under topics/ that is being made or removed; no topic's name begins so. */
#define HIDDEN_PREFIX "%"
/* A process that had passed its look at `dead` may make a file yet, once, in a folder that is being removed. */
#define REMOVE_TRIES 16

/* A new one each time: what another user's process left may be in the way and not ours to remove. */
static void
hidden_name(char *name)
{
	uint64_t number;

	arc4random_buf(&number, sizeof(number));
	(void)snprintf(name, CATALOG_HIDDEN_BYTES, "%s%016llx", HIDDEN_PREFIX, (unsigned long long)number);
}

static int
remove_folder(int topics, const char *name)
{
	int rc = STATUS_EXISTS;

	for (int i = 0; i < REMOVE_TRIES && rc == STATUS_EXISTS; i++)
		rc = dir_remove_tree(topics, name);
	return rc;
}

/*
 * Does whoever fills the hidden folder live? A maker holds a byte of its `lock`, which is made while the store lock is held: without that
 * file nobody does. Where it cannot be found out, somebody may.
 */
static bool
is_at_work(int topics, const char *name)
{
	struct lock *life;
	bool lives;
	int dir, rc;

	if ((rc = dir_open(topics, name, &dir)) == STATUS_OK) {
		rc = lock_open(dir, TOPIC_LOCK_FILE, &life);
		(void)file_close(dir, name);
	}
	if (rc != STATUS_OK) {
		status_clear();
		return rc != STATUS_MISSING;
	}
	lives = !lock_stay(life, LOCK_BYTE_TOPIC);
	lock_close(life);
	return lives;
}

static int
remove_hidden(void *arg, const char *entry)
{
	int topics = *(int *)arg, rc = STATUS_OK;

	if (strncmp(entry, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) == 0 && !is_at_work(topics, entry))
		rc = remove_folder(topics, entry);
	return rc == STATUS_PERMISSION ? STATUS_OK : rc;
}

/* What killed makers and removers left, as far as we may. The store lock is held: who is at work yet shows it by the byte he holds. */
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
	char hidden[CATALOG_HIDDEN_BYTES];
	int topics = store_topics_fd(s), rc;

	hidden_name(hidden);
	if ((rc = file_move(topics, name, topics, hidden)) != STATUS_OK || (rc = file_sync(topics, "topics")) != STATUS_OK)
		return rc;
	fault_point("topic.delete.hidden");
	return remove_folder(topics, hidden);
}

bool
catalog_is_dying(struct store *s, const char *name)
{
	struct head *head;
	int dir, rc;
	bool dead = false;

	if ((rc = dir_open(store_topics_fd(s), name, &dir)) == STATUS_OK) {
		if ((rc = head_open(dir, &head)) == STATUS_OK) {
			dead = head_is_marked_dead(head);
			head_close(head);
		}
		(void)file_close(dir, name);
	}
	if (rc != STATUS_OK)
		status_clear();
	return dead;
}

/* Make sure that the name is free: a topic whose deletion died half-way does not count. Store lock. */
static int
claim_name(struct store *s, const char *name)
{
	int rc;

	if ((rc = clean_up(s)) != STATUS_OK || !catalog_has(s, name))
		return rc;
	return catalog_is_dying(s, name) ? remove_topic(s, name) : status_fail(STATUS_EXISTS, "%s: the topic exists already", name);
}

/* Remove the hidden folder that could not be finished; the message stays. */
static void
remove_unfinished(int topics, const char *hidden)
{
	char why[1024];

	(void)snprintf(why, sizeof(why), "%s", status_message());
	(void)remove_folder(topics, hidden); /* else the next create or delete tries again */
	(void)status_fail(STATUS_OK, "%s", why);
}

static int
create_locked(struct store *s, const char *name, const struct config *config)
{
	struct file_access access;
	char hidden[CATALOG_HIDDEN_BYTES];
	int topics = store_topics_fd(s), dir, rc;

	if ((rc = config_access(config, &access)) != STATUS_OK || (rc = claim_name(s, name)) != STATUS_OK)
		return rc;
	hidden_name(hidden);
	if ((rc = dir_make(topics, hidden, &access)) != STATUS_OK || (rc = dir_open(topics, hidden, &dir)) != STATUS_OK)
		return rc;
	rc = layout_make_topic(dir, name, &access, config);
	(void)file_close(dir, hidden);
	fault_point("topic.create.made");
	if (rc == STATUS_OK)
		rc = file_move(topics, hidden, topics, name);
	if (rc != STATUS_OK) {
		remove_unfinished(topics, hidden);
		return status_context(rc, "%s", name);
	}
	fault_point("topic.create.named");
	return file_sync(topics, "topics");
}

int
catalog_create(struct store *s, const char *name, const struct config *config, int64_t deadline_ms)
{
	int rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK || (rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	rc = create_locked(s, name, config);
	store_unlock(s);
	return rc;
}

static int
begin_locked(struct store *s, const struct file_access *access, struct catalog_draft *d)
{
	int topics = store_topics_fd(s), rc;

	if ((rc = claim_name(s, d->name)) != STATUS_OK)
		return rc;
	hidden_name(d->hidden);
	if ((rc = dir_make(topics, d->hidden, access)) != STATUS_OK)
		return rc;
	if ((rc = dir_open(topics, d->hidden, &d->dir)) == STATUS_OK && (rc = layout_make_lock(d->dir, access)) == STATUS_OK &&
	    (rc = lock_open(d->dir, TOPIC_LOCK_FILE, &d->life)) == STATUS_OK && !lock_stay(d->life, LOCK_BYTE_TOPIC))
		rc = status_errno("%s", TOPIC_LOCK_FILE);
	fault_point("topic.draft.made");
	if (rc == STATUS_OK)
		return rc;
	catalog_abandon(s, d);
	return status_context(rc, "%s", d->name);
}

int
catalog_begin(struct store *s, const char *name, const struct file_access *access, int64_t deadline_ms, struct catalog_draft *d)
{
	int rc;

	*d = (struct catalog_draft){.name = name, .dir = -1};
	if ((rc = parse_name("topic", name)) != STATUS_OK || (rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	rc = begin_locked(s, access, d);
	store_unlock(s);
	return rc;
}

static void
end_draft(struct catalog_draft *d)
{
	lock_close(d->life);
	(void)file_close(d->dir, d->hidden);
	*d = (struct catalog_draft){.dir = -1};
}

int
catalog_commit(struct store *s, struct catalog_draft *d, int64_t deadline_ms)
{
	int topics = store_topics_fd(s), rc;

	if ((rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = claim_name(s, d->name)) == STATUS_OK && (rc = file_move(topics, d->hidden, topics, d->name)) == STATUS_OK) {
		fault_point("topic.draft.named");
		rc = file_sync(topics, "topics");
		end_draft(d);
	}
	store_unlock(s);
	return rc;
}

void
catalog_abandon(struct store *s, struct catalog_draft *d)
{
	/* While the byte is held, nobody else removes it. */
	if (d->hidden[0] != '\0')
		remove_unfinished(store_topics_fd(s), d->hidden);
	end_draft(d);
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
	rc = topic_kill(t, deadline_ms);
	topic_close(t);
	return rc;
}

static int
delete_locked(struct store *s, const char *name, int64_t deadline_ms)
{
	int rc;

	if (!catalog_has(s, name))
		return status_fail(STATUS_MISSING, "%s: no such topic", name);
	if ((rc = clean_up(s)) != STATUS_OK || (rc = mark_dead(s, name, deadline_ms)) != STATUS_OK)
		return rc;
	fault_point("topic.delete.dead");
	return remove_topic(s, name);
}

int
catalog_delete(struct store *s, const char *name, int64_t deadline_ms)
{
	int rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK || (rc = store_lock(s, deadline_ms)) != STATUS_OK)
		return rc;
	rc = delete_locked(s, name, deadline_ms);
	store_unlock(s);
	return rc;
}

bool
catalog_has(struct store *s, const char *name)
{
	return parse_is_name(name) && file_exists(store_topics_fd(s), name);
}

struct hidden_visit {
	int topics;
	bool remove;
	int (*visit)(void *arg, const char *name);
	void *arg;
};

static int
visit_hidden(void *arg, const char *entry)
{
	const struct hidden_visit *v = arg;
	int rc = STATUS_OK;

	if (strncmp(entry, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) != 0 || is_at_work(v->topics, entry))
		return STATUS_OK;
	if (v->remove)
		rc = remove_folder(v->topics, entry);
	return rc == STATUS_OK ? v->visit(v->arg, entry) : rc;
}

int
catalog_visit_hidden(struct store *s, bool remove, int64_t lock_ms, int (*visit)(void *arg, const char *name), void *arg)
{
	struct hidden_visit v = {.topics = store_topics_fd(s), .remove = remove, .visit = visit, .arg = arg};
	int rc;

	if ((rc = store_lock(s, clock_deadline(lock_ms))) != STATUS_OK) {
		if (rc != STATUS_PERMISSION)
			return rc;
		status_clear();
		return STATUS_OK;
	}
	rc = dir_list(v.topics, "topics", visit_hidden, &v);
	store_unlock(s);
	return rc;
}

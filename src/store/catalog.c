#include "store/catalog.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/head.h"
#include "store/layout.h"
#include "store/topic.h"

/* A folder under topics/ that is being made or removed; no topic's name begins so. */
#define HIDDEN_PREFIX "%"
#define HIDDEN_NAME_BYTES 32
/* A process that had passed its look at `dead` may make a file yet, once, in a folder that is being removed. */
#define REMOVE_TRIES 16

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
	if (catalog_has(s, name) && (!is_dead(s, name) || (rc = remove_topic(s, name)) != STATUS_OK))
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
catalog_create(struct store *s, const char *name, const struct config *config, int64_t deadline_ms)
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

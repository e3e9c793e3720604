#include "store/fsck_layout.h"

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/epoch.h"
#include "log/format.h"
#include "log/head.h"
#include "log/lost.h"
#include "log/partition.h"
#include "log/segment.h"
#include "store/layout.h"
#include "store/named_file.h"
#include "store/state.h"

#define WORK_PREFIX "cleaned."
#define TEMPORARY_SUFFIX ".tmp"
#define METADATA_MAX_BYTES 4096
#define NAMED_MAX_BYTES ((size_t)256 << 20)
#define WHY_BYTES 512
#define TOPIC_ID_CHARS 22

struct layout {
	struct store *store;
	int dir;
	const struct fsck_report *report;
	struct config config;
	struct file_access access;
	struct lock *lock; /* NULL: not had; else topic state is held */
	int32_t leader_epoch;
	int64_t kept_files;
	bool wrong_access;
	char wrong_file[512];
};

static bool
is_repairing(const struct layout *l)
{
	return l->report->options->repair;
}

static void
tell(const struct layout *l, const char *file, const char *state, const char *detail, enum fsck_action action, bool damage)
{
	bool done = is_repairing(l) && action != FSCK_NONE && action != FSCK_BY_HAND;

	fsck_tell(l->report, fsck_row_of(l->report, -1, file, state, detail), action, damage, done);
}

/* The message, taken off. */
static const char *
take_message(char why[WHY_BYTES])
{
	(void)strlcpy(why, status_message(), WHY_BYTES);
	status_clear();
	return why;
}

static bool
is_fault(int rc)
{
	return rc == STATUS_CONFIG || rc == STATUS_MISSING || rc == STATUS_IO;
}

/*
 * config.
 */

/* The topic's id, as one of its partitions knows it. */
static bool
find_topic_id(const struct layout *l, char id[TOPIC_ID_BYTES])
{
	static const char head[] = "version: 0\ntopic_id: ";
	char folder[PARTITION_NAME_BYTES];
	struct buf text = BUF_EMPTY;
	bool found = false;
	int fd;

	layout_partition_name(folder, l->report->topic, 0);
	if (dir_open(l->dir, folder, &fd) != STATUS_OK)
		return false;
	if (file_read_all(fd, PARTITION_METADATA, METADATA_MAX_BYTES, &text) == STATUS_OK &&
	    text.len == sizeof(head) - 1 + TOPIC_ID_CHARS && memcmp(text.data, head, sizeof(head) - 1) == 0) {
		memcpy(id, text.data + sizeof(head) - 1, TOPIC_ID_CHARS);
		id[TOPIC_ID_CHARS] = '\0';
		found = config_check_topic_id(id) == STATUS_OK;
	}
	buf_free(&text);
	(void)file_close(fd, folder);
	status_clear();
	return found;
}

struct folder_count {
	const char *topic;
	int count;
};

static int
count_folder(void *arg, const char *entry)
{
	struct folder_count *c = arg;
	size_t len = strlen(c->topic);
	int64_t p;

	if (strncmp(entry, c->topic, len) == 0 && entry[len] == '-' &&
	    parse_int64(entry + len + 1, 0, TOPIC_MAX_PARTITIONS, &p) == STATUS_OK && p >= c->count)
		c->count = (int)p + 1;
	return STATUS_OK;
}

/* The text with its topic.id line replaced, if that makes sense of it. */
static bool
replace_topic_id(const struct layout *l, const char *id, struct config *config)
{
	struct buf old = BUF_EMPTY, text = BUF_EMPTY;
	const char *line, *end;
	bool found = false, good = false;

	if (file_read_all(l->dir, TOPIC_CONFIG_FILE, CONFIG_MAX_BYTES, &old) != STATUS_OK ||
	    memchr(old.data, '\0', old.len) != NULL || buf_append_byte(&old, '\0') != STATUS_OK)
		goto out;
	for (line = (const char *)old.data; *line != '\0'; line = end) {
		bool is_id = strncmp(line, "topic.id", 8) == 0 ||
		    (line == (const char *)old.data + strlen("format=1\n") && strstr(line, "topic.id=") == NULL);

		end = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : line + strlen(line);
		if (is_id && !found) {
			found = true;
			if (buf_printf(&text, "topic.id=%s\n", id) != STATUS_OK)
				goto out;
			if (strncmp(line, "topic.id", 8) == 0)
				continue;
		}
		if (buf_append(&text, line, (size_t)(end - line)) != STATUS_OK)
			goto out;
	}
	good = found && config_decode(&text, config) == STATUS_OK;
out:
	buf_free(&old);
	buf_free(&text);
	status_clear();
	return good;
}

/* Settings are not guessed; what can be known of them is said. */
static void
tell_config(const struct layout *l, const char *why)
{
	struct folder_count folders = {l->report->topic, 0};
	char id[TOPIC_ID_BYTES] = "", text[2 * WHY_BYTES];

	(void)find_topic_id(l, id);
	if (dir_list(l->dir, l->report->topic, count_folder, &folders) != STATUS_OK)
		status_clear();
	(void)snprintf(text, sizeof(text),
	    "%s: write it by hand: lines format=1, topic.id=%s, partitions=%d, replication.factor=1 and the settings that were given",
	    why, id[0] != '\0' ? id : "(22 characters)", folders.count);
	tell(l, TOPIC_CONFIG_FILE, "garbage", text, FSCK_BY_HAND, true);
}

/* STATUS_NO: it cannot be understood. */
static int
check_config(struct layout *l)
{
	char why[WHY_BYTES], id[TOPIC_ID_BYTES];
	int rc;

	if ((rc = layout_read_config(l->dir, &l->config)) == STATUS_OK)
		return config_access(&l->config, &l->access);
	if (!is_fault(rc))
		return rc;
	take_message(why);
	if (!find_topic_id(l, id) || !replace_topic_id(l, id, &l->config)) {
		tell_config(l, why);
		return STATUS_NO;
	}
	if ((rc = config_access(&l->config, &l->access)) != STATUS_OK ||
	    (is_repairing(l) && (rc = layout_write_config(l->dir, &l->access, &l->config)) != STATUS_OK))
		return rc;
	tell(l, TOPIC_CONFIG_FILE, "garbage", why, FSCK_RESTORE, true);
	return is_repairing(l) ? STATUS_OK : STATUS_NO;
}

/*
 * lock, state, heads.
 */

static int
check_lock(struct layout *l)
{
	int rc;

	if (file_exists(l->dir, TOPIC_LOCK_FILE))
		return STATUS_OK;
	if (is_repairing(l) && (rc = layout_make_lock(l->dir, &l->access)) != STATUS_OK)
		return rc;
	tell(l, TOPIC_LOCK_FILE, "missing", "no program can write to the topic", FSCK_RESTORE, true);
	return is_repairing(l) ? STATUS_OK : STATUS_NO;
}

/* The greatest leader epoch that the checkpoints of the partitions and the topic's page know. */
static int32_t
greatest_epoch(const struct layout *l)
{
	char folder[PARTITION_NAME_BYTES];
	struct epoch_list list;
	struct head *head;
	int32_t greatest = 0;
	int fd;

	for (int p = 0; p < l->config.partitions; p++) {
		layout_partition_name(folder, l->report->topic, p);
		if (dir_open(l->dir, folder, &fd) != STATUS_OK)
			continue;
		if (epoch_list_read(fd, &list) == STATUS_OK && list.count > 0 && list.entries[list.count - 1].epoch > greatest)
			greatest = list.entries[list.count - 1].epoch;
		epoch_list_free(&list);
		(void)file_close(fd, folder);
	}
	if (head_open(l->dir, &head) == STATUS_OK) {
		if (head_leader_epoch(head) > greatest && head_leader_epoch(head) < INT32_MAX)
			greatest = head_leader_epoch(head);
		head_close(head);
	}
	status_clear();
	return greatest;
}

static int
check_state(struct layout *l)
{
	struct state state;
	char why[WHY_BYTES];
	int rc;

	if ((rc = state_read(l->dir, &state)) == STATUS_OK) {
		l->leader_epoch = state.leader_epoch;
		return STATUS_OK;
	}
	if (!is_fault(rc))
		return rc;
	take_message(why);
	/* One more than any that is known: it may have been greater than what the log has seen. */
	state.leader_epoch = l->leader_epoch = greatest_epoch(l) + 1;
	if (is_repairing(l) && (rc = state_write(l->dir, &l->access, &state)) != STATUS_OK)
		return rc;
	tell(l, "state", "garbage", why, FSCK_REBUILD, true);
	return STATUS_OK;
}

/* Words of the topic's page that nobody writes so; STATUS_NO: a deletion has begun. */
static int
check_topic_words(struct layout *l, struct head *head)
{
	const char *why = NULL;
	int rc = STATUS_OK;

	if (head_dead(head) && head_is_marked_dead(head)) {
		tell(l, HEAD_NAME, "deleted", "a deletion began; mq-topic delete, or create, of this name finishes it", FSCK_NONE,
		    false);
		return STATUS_NO;
	}
	if (head_dead(head))
		why = "its mark of a deletion is none";
	else if (head_intents(head) != 0 && !file_exists(l->dir, INTENTS_FOLDER))
		why = "it counts committed sets that wait, and there are none";
	else if (head_leader_epoch(head) > l->leader_epoch)
		why = "its leader epoch is above that of state";
	if (why == NULL)
		return STATUS_OK;
	if (is_repairing(l))
		rc = head_reset_topic(head, l->leader_epoch, file_exists(l->dir, INTENTS_FOLDER));
	if (rc == STATUS_OK)
		tell(l, HEAD_NAME, "garbage", why, FSCK_REBUILD, true);
	return rc == STATUS_OK && !is_repairing(l) && head_dead(head) ? STATUS_NO : rc;
}

static int
restore_heads(struct layout *l)
{
	char why[WHY_BYTES];
	int rc;

	take_message(why);
	if (is_repairing(l) &&
	    ((rc = head_restore(l->dir, &l->access, l->config.partitions, l->config.log.fsync == FSYNC_ALWAYS, l->leader_epoch)) !=
		    STATUS_OK ||
		(rc = file_sync(l->dir, l->report->topic)) != STATUS_OK))
		return rc;
	tell(l, HEAD_NAME, "garbage", why, FSCK_REBUILD, true);
	return is_repairing(l) ? STATUS_OK : STATUS_NO;
}

/* STATUS_NO: the topic cannot be opened. */
static int
check_heads(struct layout *l)
{
	struct head *head;
	int count, rc;

	if ((rc = head_open(l->dir, &head)) != STATUS_OK)
		return is_fault(rc) ? restore_heads(l) : rc;
	rc = check_topic_words(l, head);
	count = head_partition_count(head);
	head_close(head);
	/* An alter that died leaves another count, but never more than `config` says. */
	if (rc != STATUS_OK || count <= l->config.partitions)
		return rc;
	(void)status_fail(STATUS_IO, "it counts %d partitions, config %d", count, l->config.partitions);
	return restore_heads(l);
}

/* How many partitions count: what an alter did not come to is finished by whoever opens the topic. */
static int
count_partitions(const struct layout *l)
{
	struct head *head;
	int count = l->config.partitions;

	if (head_open(l->dir, &head) == STATUS_OK) {
		if (head_partition_count(head) < count)
			count = head_partition_count(head);
		head_close(head);
	}
	status_clear();
	return count;
}

static int
check_folders(struct layout *l)
{
	char name[PARTITION_NAME_BYTES];
	int count = count_partitions(l), rc;

	for (int p = 0; p < count; p++) {
		layout_partition_name(name, l->report->topic, p);
		if (file_exists(l->dir, name))
			continue;
		if (is_repairing(l)) {
			int fd;

			if ((rc = layout_make_folder(l->dir, name, &l->access, l->config.topic_id, &fd)) != STATUS_OK)
				return rc;
			(void)file_close(fd, name);
			if ((rc = file_sync(l->dir, l->report->topic)) != STATUS_OK)
				return rc;
		}
		tell(l, name, "missing", "the partition's folder, and all that was in it", FSCK_RESTORE, true);
		if (!is_repairing(l))
			return STATUS_NO;
	}
	return STATUS_OK;
}

/*
 * What else lies there.
 */

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && strcmp(name + len - end, suffix) == 0;
}

static void
path_of(char *path, size_t size, const char *folder, const char *name)
{
	(void)snprintf(path, size, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
}

static void
check_access(struct layout *l, int dir, const char *folder, const char *name, mode_t mode)
{
	char path[512];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	if (S_ISDIR(st.st_mode)) {
		mode |= (mode & 0444) >> 2 | (mode & 0222) >> 1;
		st.st_mode &= (mode_t)~S_ISGID;
	}
	if ((st.st_mode & 07777) == mode && (l->access.gid == (gid_t)-1 || st.st_gid == l->access.gid))
		return;
	l->wrong_access = true;
	path_of(path, sizeof(path), folder, name);
	(void)strlcpy(l->wrong_file, path, sizeof(l->wrong_file));
}

struct visit {
	struct layout *l;
	int dir;
	const char *folder;
};

static int
check_partition_file(void *arg, const char *name)
{
	const struct visit *v = arg;

	check_access(v->l, v->dir, v->folder, name, v->l->access.mode);
	return STATUS_OK;
}

static int
count_kept(void *arg, const char *name)
{
	const struct visit *v = arg;

	(void)name;
	v->l->kept_files++;
	return STATUS_OK;
}

/* Is the named producer of this file, or of this temporary one, alive? */
static bool
is_named_alive(int dir, const char *name)
{
	char lock_name[NAME_MAX_BYTES + 16];
	size_t len = strlen(name) - (has_suffix(name, TEMPORARY_SUFFIX) ? strlen(TEMPORARY_SUFFIX) : 0);
	struct lock *lock;
	bool alive;

	(void)snprintf(lock_name, sizeof(lock_name), "%.*s%s", (int)len, name, NAMED_LOCK_SUFFIX);
	if (lock_open(dir, lock_name, &lock) != STATUS_OK) {
		status_clear();
		return false;
	}
	alive = !lock_try(lock, 0);
	lock_close(lock);
	return alive;
}

static int
check_named(void *arg, const char *name)
{
	const struct visit *v = arg;
	struct layout *l = v->l;
	struct file_access lock_access = layout_named_lock_access(&l->access);
	struct named_file file = {.marks = NULL};
	struct buf text = BUF_EMPTY;
	char path[512], why[WHY_BYTES];
	int rc;

	path_of(path, sizeof(path), v->folder, name);
	if (has_suffix(name, NAMED_LOCK_SUFFIX)) {
		check_access(l, v->dir, v->folder, name, lock_access.mode);
		return STATUS_OK;
	}
	if (has_suffix(name, TEMPORARY_SUFFIX)) {
		if (is_named_alive(v->dir, name) || !file_exists(v->dir, name))
			return STATUS_OK;
		if (is_repairing(l) && (rc = file_remove(v->dir, name)) != STATUS_OK)
			return rc;
		tell(l, path, "leftover", "its writer was killed", FSCK_REMOVE, false);
		return STATUS_OK;
	}
	check_access(l, v->dir, v->folder, name, l->access.mode);
	if ((rc = file_read_all(v->dir, name, NAMED_MAX_BYTES, &text)) == STATUS_OK)
		rc = named_file_decode(&text, &file);
	buf_free(&text);
	named_file_free(&file);
	if (rc == STATUS_OK || rc == STATUS_MISSING || !is_fault(rc))
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	(void)snprintf(why, sizeof(why), "%.400s: if it is removed, its input is a new one", status_message());
	status_clear();
	tell(l, path, "garbage", why, FSCK_BY_HAND, true);
	return STATUS_OK;
}

static int
visit_folder(struct layout *l, const char *folder, int (*visit)(void *arg, const char *name))
{
	struct visit v = {.l = l, .folder = folder};
	int rc;

	if ((rc = dir_open(l->dir, folder, &v.dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	rc = dir_list(v.dir, folder, visit, &v);
	(void)file_close(v.dir, folder);
	return rc;
}

static bool
is_partition_folder(const struct layout *l, const char *name)
{
	size_t len = strlen(l->report->topic);
	int64_t p;
	bool is;

	is = strncmp(name, l->report->topic, len) == 0 && name[len] == '-' &&
	    parse_int64(name + len + 1, 0, TOPIC_MAX_PARTITIONS, &p) == STATUS_OK;
	status_clear();
	return is;
}

/* Topic state guards what is replaced in the topic's own folder: whoever holds it finds no temporary file of a living writer. */
static int
check_temporary(struct layout *l, const char *name)
{
	int rc;

	if (l->lock == NULL || !file_exists(l->dir, name))
		return STATUS_OK;
	if (is_repairing(l) && (rc = file_remove(l->dir, name)) != STATUS_OK)
		return rc;
	tell(l, name, "leftover", "its writer was killed", FSCK_REMOVE, false);
	return STATUS_OK;
}

static int
check_entry(void *arg, const char *name)
{
	static const char *const files[] = {TOPIC_CONFIG_FILE, "state", HEAD_NAME};
	const struct visit *v = arg;
	struct layout *l = v->l;

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		if (strcmp(name, files[i]) == 0) {
			check_access(l, v->dir, "", name, l->access.mode);
			return STATUS_OK;
		}
	}
	if (strcmp(name, TOPIC_LOCK_FILE) == 0) {
		check_access(l, v->dir, "", name, (l->access.mode & 0222) | 0600);
		return STATUS_OK;
	}
	if (strcmp(name, LOST_FOLDER) == 0)
		return visit_folder(l, name, count_kept);
	if (strcmp(name, INTENTS_FOLDER) == 0 || strcmp(name, SPOOLS_FOLDER) == 0) {
		check_access(l, v->dir, "", name, l->access.mode);
		return visit_folder(l, name, check_partition_file);
	}
	if (strcmp(name, NAMED_FOLDER) == 0)
		return visit_folder(l, name, check_named);
	if (is_partition_folder(l, name)) {
		check_access(l, v->dir, "", name, l->access.mode);
		return visit_folder(l, name, check_partition_file);
	}
	if (strncmp(name, WORK_PREFIX, strlen(WORK_PREFIX)) == 0) {
		tell(l, name, "leftover", "of a compaction that is at work or was killed; mq-gc removes it", FSCK_NONE, false);
		return STATUS_OK;
	}
	if (has_suffix(name, TEMPORARY_SUFFIX))
		return check_temporary(l, name);
	tell(l, name, "unknown", "not a file of mq", FSCK_NONE, false);
	return STATUS_OK;
}

static int
check_entries(struct layout *l)
{
	struct visit v = {.l = l, .dir = l->dir, .folder = ""};
	char text[600];
	int rc;

	if ((rc = dir_list(l->dir, l->report->topic, check_entry, &v)) != STATUS_OK)
		return rc;
	if (l->kept_files > 0) {
		(void)snprintf(text, sizeof(text), "%lld files with bytes that were cut out of logs: yours to look at and remove",
		    (long long)l->kept_files);
		tell(l, LOST_FOLDER, "kept", text, FSCK_NONE, false);
	}
	if (!l->wrong_access)
		return STATUS_OK;
	if (is_repairing(l) && (rc = layout_give_access(store_topics_fd(l->store), l->report->topic, &l->access)) != STATUS_OK)
		return rc;
	(void)snprintf(text, sizeof(text), "mode or group is not that of the topic's settings: %s", l->wrong_file);
	tell(l, "", "mode", text, FSCK_CHMOD, true);
	return STATUS_OK;
}

static int
check_all(struct layout *l, bool *opens)
{
	int rc;

	if ((rc = check_state(l)) != STATUS_OK || (rc = check_heads(l)) != STATUS_OK || (rc = check_folders(l)) != STATUS_OK)
		return rc;
	*opens = true;
	return check_entries(l);
}

/* What an alter is changing is another the next moment: it is looked at under its lock, if we may take it. */
static int
check_locked(struct layout *l, bool *opens)
{
	int rc;

	if ((rc = check_lock(l)) != STATUS_OK)
		return rc;
	rc = lock_open(l->dir, TOPIC_LOCK_FILE, &l->lock);
	if (rc != STATUS_OK && (is_repairing(l) || (rc != STATUS_PERMISSION && rc != STATUS_MISSING)))
		return rc;
	if (rc == STATUS_OK &&
	    (rc = lock_take(l->lock, LOCK_BYTE_TOPIC, "topic state lock", clock_deadline(l->report->options->lock_ms))) !=
		STATUS_OK)
		return rc;
	status_clear();
	/* It may have been altered before the lock was had. */
	if ((rc = layout_read_config(l->dir, &l->config)) != STATUS_OK && is_repairing(l))
		return rc;
	status_clear();
	return check_all(l, opens);
}

int
fsck_layout(struct store *s, int dir, const struct fsck_report *report, bool *opens)
{
	struct layout l = {.store = s, .dir = dir, .report = report};
	int rc;

	*opens = false;
	if ((rc = check_config(&l)) == STATUS_OK)
		rc = check_locked(&l, opens);
	lock_close(l.lock);
	return rc == STATUS_NO ? STATUS_OK : rc;
}

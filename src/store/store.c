#include "store/store.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"
#include "store/keyvalue.h"

#define ROOT_PATH "/var/lib/mq"
#define STORE_FILE "store"
#define LOCK_FILE "lock"
#define TOPICS_DIR "topics"
#define TOPICS_TEMPORARY "topics.tmp"
#define LOCK_BYTE_STORE INT64_C(0)
#define STORE_FILE_MAX_BYTES 4096

struct store {
	char *path;
	int dir;
	int topics;
	struct lock *lock; /* NULL before it is first taken: who only reads may not open it */
};

/*
 * Where it is.
 */

static int
check_local(const char *path)
{
	size_t colon = strcspn(path, ":/");

	if (strlen(path) >= PATH_MAX)
		return status_fail(STATUS_CONFIG, "%.64s...: a path of %zu bytes is too long", path, strlen(path));
	if (path[colon] != ':')
		return STATUS_OK;
	if (strncmp(path + colon, "://", 3) == 0)
		return status_fail(STATUS_CONFIG, "%s: no store can be reached by %.*s", path, (int)colon + 3, path);
	return status_fail(STATUS_CONFIG,
	    "%s: a store on another host is not supported yet (for a directory with this name say ./%s)", path, path);
}

static const char *
get_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The default of those who are not root, without the NUL. */
static int
home_path(struct buf *path)
{
	const char *state = get_variable("XDG_STATE_HOME"), *home = get_variable("HOME");

	if (state != NULL && state[0] == '/')
		return buf_printf(path, "%s/mq", state);
	if (home != NULL)
		return buf_printf(path, "%s/.local/state/mq", home);
	return status_fail(STATUS_CONFIG, "no store: neither -d nor MQ_DIR nor HOME says where it is");
}

int
store_path(const char *option, struct buf *path)
{
	const char *given = option != NULL ? option : get_variable("MQ_DIR");
	size_t begin = path->len;
	int rc;

	if (option != NULL && option[0] == '\0')
		return status_fail(STATUS_USAGE, "-d: the directory's name is empty");
	if (given != NULL)
		rc = buf_append(path, given, strlen(given));
	else if (geteuid() == 0)
		rc = buf_append(path, ROOT_PATH, strlen(ROOT_PATH));
	else
		rc = home_path(path);
	if (rc == STATUS_OK)
		rc = buf_append_byte(path, '\0');
	return rc != STATUS_OK ? rc : check_local((const char *)path->data + begin);
}

/*
 * Opening.
 */

struct store_facts {
	bool has_id, has_node;
};

static int
decode_line(void *arg, const char *key, const char *value)
{
	struct store_facts *facts = arg;

	if (strcmp(key, "id") == 0) {
		facts->has_id = true;
		if (strlen(value) != 36 || strspn(value, "0123456789abcdef-") != 36)
			return status_fail(STATUS_CONFIG, "id: not a UUID: %.64s", value);
	} else if (strcmp(key, "node") == 0) {
		facts->has_node = true;
		if (!parse_is_name(value))
			return status_fail(STATUS_CONFIG, "node: not a name: %.64s", value);
	} else {
		return status_fail(STATUS_CONFIG, "%.64s: no such key", key);
	}
	return STATUS_OK;
}

static int
check_store_file(int dir)
{
	struct store_facts facts = {false, false};
	struct buf b = BUF_EMPTY;
	int rc;

	if ((rc = file_read_all(dir, STORE_FILE, STORE_FILE_MAX_BYTES, &b)) == STATUS_OK) {
		if ((rc = keyvalue_each(&b, decode_line, &facts)) == STATUS_OK && (!facts.has_id || !facts.has_node))
			rc = status_fail(STATUS_CONFIG, "no %s in it", facts.has_id ? "node" : "id");
		if (rc != STATUS_OK)
			rc = status_context(rc, STORE_FILE);
	}
	buf_free(&b);
	return rc;
}

static int
open_parts(struct store *s, const char *path)
{
	int rc;

	if ((s->path = strdup(path)) == NULL)
		return status_no_memory("store");
	if ((rc = dir_open_path(path, &s->dir)) == STATUS_OK && (rc = check_store_file(s->dir)) == STATUS_OK)
		rc = dir_check_file_system(s->dir, path);
	else if (rc == STATUS_MISSING)
		return status_fail(rc, "%s: no store here; `mq-topic create TOPIC` makes one", path);
	else if (s->dir >= 0)
		return status_context(rc, "%s", path);
	if (rc == STATUS_OK && (rc = dir_open(s->dir, TOPICS_DIR, &s->topics)) != STATUS_OK)
		rc = status_context(rc == STATUS_MISSING ? STATUS_IO : rc, "%s", path);
	return rc;
}

int
store_open(const char *path, struct store **out)
{
	struct store *s;
	int rc;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return status_no_memory("store");
	s->dir = s->topics = -1;
	if ((rc = open_parts(s, path)) != STATUS_OK) {
		store_close(s);
		return rc;
	}
	*out = s;
	return STATUS_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	lock_close(s->lock);
	(void)file_close(s->topics, TOPICS_DIR);
	(void)file_close(s->dir, s->path);
	free(s->path);
	free(s);
}

const char *
store_dir(const struct store *s)
{
	return s->path;
}

int
store_topics_fd(const struct store *s)
{
	return s->topics;
}

/*
 * Making.
 */

/* What another maker, or one that was killed, may have put there; a new disk has lost+found. */
static int
refuse_stranger(void *arg, const char *entry)
{
	static const char *const ours[] = {STORE_FILE, STORE_FILE ".tmp", LOCK_FILE, TOPICS_DIR, TOPICS_TEMPORARY, "lost+found"};

	(void)arg;
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (strcmp(entry, ours[i]) == 0)
			return STATUS_OK;
	}
	return status_fail(STATUS_EXISTS, "not empty, and no store: there is %s in it", entry);
}

/* Files like the store's own folder: who may write there may make topics. */
static int
access_like(int dir, struct file_access *files)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return status_errno("stat");
	files->mode = (st.st_mode & 0666) | 0600;
	files->gid = (st.st_mode & S_ISGID) != 0 ? st.st_gid : (gid_t)-1;
	return STATUS_OK;
}

/* Owners could lock others out in many ways, so they may read it, and copy the store; others may only write to it. */
static int
make_lock(int dir, const struct file_access *files, struct lock **lock)
{
	struct file_access access = {.mode = 0600 | (files->mode & 0222), .gid = files->gid};
	int fd = -1, rc;

	if ((rc = file_create(dir, LOCK_FILE, &access, &fd)) != STATUS_OK && rc != STATUS_EXISTS)
		return rc;
	(void)file_close(fd, LOCK_FILE);
	return lock_open(dir, LOCK_FILE, lock);
}

/* Under another name first, because a killed maker may leave one with another mode; rename(2) puts it in the place of an empty one only. */
static int
make_topics(int dir, const struct file_access *files)
{
	int fd, rc;

	if (file_exists(dir, TOPICS_TEMPORARY) && (rc = dir_remove_tree(dir, TOPICS_TEMPORARY)) != STATUS_OK)
		return rc;
	if ((rc = dir_make(dir, TOPICS_TEMPORARY, files)) != STATUS_OK ||
	    (rc = file_rename(dir, TOPICS_TEMPORARY, TOPICS_DIR)) != STATUS_OK)
		return rc;
	if ((rc = dir_open(dir, TOPICS_DIR, &fd)) != STATUS_OK)
		return rc;
	rc = file_sync(fd, TOPICS_DIR);
	(void)file_close(fd, TOPICS_DIR);
	return rc;
}

static int
print_uuid(struct buf *b)
{
	uint8_t u[16];

	arc4random_buf(u, sizeof(u));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	return buf_printf(b, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4],
	    u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

/* With this file the directory is a store. */
static int
make_store_file(int dir, const struct file_access *files)
{
	struct file_access access = {.mode = 0600 | (files->mode & 0444), .gid = files->gid};
	char node[HOST_NAME_MAX + 1] = "";
	struct buf b = BUF_EMPTY;
	int rc;

	if (gethostname(node, sizeof(node) - 1) != 0 || !parse_is_name(node))
		memcpy(node, "localhost", sizeof("localhost"));
	if ((rc = buf_printf(&b, KEYVALUE_FORMAT "id=")) == STATUS_OK && (rc = print_uuid(&b)) == STATUS_OK &&
	    (rc = buf_printf(&b, "\nnode=%s\n", node)) == STATUS_OK)
		rc = file_replace(dir, STORE_FILE, b.data, b.len, &access);
	buf_free(&b);
	return rc;
}

static int
make_in(int dir, const char *path, int64_t deadline_ms)
{
	struct lock *lock = NULL;
	struct file_access files;
	int rc;

	if ((rc = dir_check_file_system(dir, path)) != STATUS_OK)
		return rc;
	if ((rc = dir_list(dir, path, refuse_stranger, NULL)) != STATUS_OK)
		return status_context(rc, "%s", path);
	if ((rc = access_like(dir, &files)) == STATUS_OK && (rc = make_lock(dir, &files, &lock)) == STATUS_OK)
		rc = lock_take(lock, LOCK_BYTE_STORE, "store lock", deadline_ms);
	/* Who waited for the lock finds it done. */
	if (rc == STATUS_OK && !file_exists(dir, STORE_FILE) && (rc = make_topics(dir, &files)) == STATUS_OK)
		rc = make_store_file(dir, &files);
	lock_close(lock);
	return rc == STATUS_OK ? STATUS_OK : status_context(rc, "%s", path);
}

int
store_open_or_make(const char *path, int64_t deadline_ms, struct store **out)
{
	int dir, rc;

	if ((rc = store_open(path, out)) != STATUS_MISSING)
		return rc;
	if ((rc = dir_make_path(path)) != STATUS_OK || (rc = dir_open_path(path, &dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_EXISTS : rc;
	rc = make_in(dir, path, deadline_ms);
	(void)file_close(dir, path);
	return rc != STATUS_OK ? rc : store_open(path, out);
}

/*
 * The lock, and what is in it.
 */

int
store_lock(struct store *s, int64_t deadline_ms)
{
	int rc;

	if (s->lock == NULL && (rc = lock_open(s->dir, LOCK_FILE, &s->lock)) != STATUS_OK)
		return status_context(rc, "%s", s->path);
	if ((rc = lock_take(s->lock, LOCK_BYTE_STORE, "store lock", deadline_ms)) != STATUS_OK)
		return status_context(rc, "%s", s->path);
	return STATUS_OK;
}

void
store_unlock(struct store *s)
{
	lock_drop(s->lock, LOCK_BYTE_STORE);
}

struct names {
	int topics;
	char **names;
	size_t count, cap;
};

static int
add_name(void *arg, const char *entry)
{
	struct names *l = arg;
	struct stat st;

	/* A folder whose name is no topic's is being made or removed. */
	if (!parse_is_name(entry) || fstatat(l->topics, entry, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
		return STATUS_OK;
	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 64;
		char **more = reallocarray(l->names, cap, sizeof(*more));

		if (more == NULL)
			return status_no_memory("list of topics");
		l->names = more;
		l->cap = cap;
	}
	if ((l->names[l->count] = strdup(entry)) == NULL)
		return status_no_memory("list of topics");
	l->count++;
	return STATUS_OK;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
store_list_topics(struct store *s, int (*visit)(void *arg, const char *name), void *arg)
{
	struct names l = {.topics = s->topics};
	int rc;

	if ((rc = dir_list(s->topics, TOPICS_DIR, add_name, &l)) != STATUS_OK)
		rc = status_context(rc, "%s", s->path);
	if (rc == STATUS_OK && l.count > 0)
		qsort(l.names, l.count, sizeof(*l.names), compare_names);
	for (size_t i = 0; rc == STATUS_OK && i < l.count; i++)
		rc = visit(arg, l.names[i]);
	for (size_t i = 0; i < l.count; i++)
		free(l.names[i]);
	free(l.names);
	return rc;
}

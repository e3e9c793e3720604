#include "store/layout.h"

#include <bsd/string.h>
#include <string.h>

#include "base/fault.h"
#include "base/status.h"
#include "log/format.h"
#include "log/head.h"
#include "log/segment.h"
#include "store/state.h"

/* From so many partitions on, one syncfs costs less than an fsync for each file. */
#define SYNC_EACH_MAX 16

void
layout_partition_name(char name[PARTITION_NAME_BYTES], const char *topic, int p)
{
	char digits[16];
	size_t at = sizeof(digits) - 1;

	/* By hand, because printf(3) costs a start 5 pages that nothing else in it touches, 10 us. */
	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + p % 10);
	while ((p /= 10) > 0);
	digits[--at] = '-';
	(void)strlcpy(name, topic, PARTITION_NAME_BYTES);
	(void)strlcat(name, digits + at, PARTITION_NAME_BYTES);
}

int
layout_read_config(int dir, struct config *config)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = file_read_all(dir, TOPIC_CONFIG_FILE, CONFIG_MAX_BYTES, &text)) == STATUS_OK &&
	    (rc = config_decode(&text, config)) != STATUS_OK)
		rc = status_context(rc, "%s", TOPIC_CONFIG_FILE);
	buf_free(&text);
	return rc;
}

int
layout_write_config(int dir, const struct file_access *access, const struct config *config)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = config_encode(config, &text)) == STATUS_OK)
		rc = file_replace(dir, TOPIC_CONFIG_FILE, text.data, text.len, access);
	buf_free(&text);
	return rc;
}

/* A file that is there may be a dead maker's, without its text. */
static int
make_file(int dir, const char *name, const struct file_access *access, const struct buf *text, bool sync)
{
	int fd, rc;

	if ((rc = file_create(dir, name, access, &fd)) == STATUS_EXISTS)
		rc = file_open_write(dir, name, &fd);
	if (rc != STATUS_OK)
		return rc;
	if (text != NULL)
		rc = file_write_at(fd, name, text->data, text->len, 0);
	if (rc == STATUS_OK && sync)
		rc = file_sync(fd, name);
	if (file_close(fd, name) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	return rc;
}

static int
make_folder(int dir, const char *name, const struct file_access *access, const char *topic_id, bool sync, int *out)
{
	struct buf metadata = BUF_EMPTY;
	int fd, rc;

	if ((rc = dir_make(dir, name, access)) != STATUS_OK && rc != STATUS_EXISTS)
		return rc;
	if ((rc = dir_open(dir, name, &fd)) != STATUS_OK)
		return rc;
	if ((rc = buf_printf(&metadata, "version: 0\ntopic_id: %s", topic_id)) == STATUS_OK)
		rc = make_file(fd, PARTITION_METADATA, access, &metadata, sync);
	buf_free(&metadata);
	if (rc == STATUS_OK)
		*out = fd;
	else
		(void)file_close(fd, name);
	return rc;
}

int
layout_make_folder(int dir, const char *name, const struct file_access *access, const char *topic_id, int *fd)
{
	return make_folder(dir, name, access, topic_id, false, fd);
}

static int
make_partition(int dir, const char *name, const struct file_access *access, const char *topic_id, bool sync)
{
	char first[SEGMENT_NAME_BYTES];
	int fd, rc;

	if ((rc = make_folder(dir, name, access, topic_id, sync, &fd)) != STATUS_OK)
		return rc;
	segment_name(first, 0, SUFFIX_LOG);
	if ((rc = make_file(fd, first, access, NULL, sync)) == STATUS_OK && sync)
		rc = file_sync(fd, name);
	(void)file_close(fd, name);
	fault_point("layout.partition");
	return rc;
}

int
layout_make_partitions(int dir, const char *topic, const struct file_access *access, const char *topic_id, int from, int to)
{
	char name[PARTITION_NAME_BYTES];
	bool sync_each = to - from <= SYNC_EACH_MAX;
	int rc = STATUS_OK;

	for (int p = from; p < to && rc == STATUS_OK; p++) {
		layout_partition_name(name, topic, p);
		rc = make_partition(dir, name, access, topic_id, sync_each);
	}
	if (rc != STATUS_OK)
		return rc;
	return sync_each ? file_sync(dir, topic) : file_sync_system(dir, topic);
}

/* Who may only read gets no lock, not even a read lock, which would hold producers up. The owner may copy it with the rest. */
static struct file_access
access_of_lock(const struct file_access *access)
{
	return (struct file_access){.mode = (access->mode & 0222) | 0600, .gid = access->gid};
}

struct file_access
layout_named_lock_access(const struct file_access *access)
{
	mode_t writers = access->mode & 0222;

	return (struct file_access){.mode = writers | writers << 1 | 0600, .gid = access->gid};
}

struct named_locks {
	int dir;
	struct file_access access;
};

static int
give_named_lock(void *arg, const char *name)
{
	const struct named_locks *locks = arg;
	size_t len = strlen(name), end = sizeof(NAMED_LOCK_SUFFIX) - 1;

	if (len <= end || strcmp(name + len - end, NAMED_LOCK_SUFFIX) != 0)
		return STATUS_OK;
	return file_give_access(locks->dir, name, &locks->access);
}

/* The locks of named producers, if there are any. */
static int
give_named_locks(int dir, const struct file_access *access)
{
	struct named_locks locks = {.access = layout_named_lock_access(access)};
	int rc;

	if ((rc = dir_open(dir, NAMED_FOLDER, &locks.dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	rc = dir_list(locks.dir, NAMED_FOLDER, give_named_lock, &locks);
	(void)file_close(locks.dir, NAMED_FOLDER);
	return rc;
}

int
layout_give_access(int topics, const char *topic, const struct file_access *access)
{
	struct file_access lock_access = access_of_lock(access);
	int dir, rc;

	if ((rc = dir_give_access(topics, topic, access)) != STATUS_OK || (rc = dir_open(topics, topic, &dir)) != STATUS_OK)
		return rc;
	if ((rc = file_give_access(dir, TOPIC_LOCK_FILE, &lock_access)) == STATUS_OK &&
	    (rc = give_named_locks(dir, access)) == STATUS_OK)
		rc = file_sync_system(dir, topic);
	(void)file_close(dir, topic);
	return rc;
}

int
layout_make_lock(int dir, const struct file_access *access)
{
	struct file_access lock_access = access_of_lock(access);

	return make_file(dir, TOPIC_LOCK_FILE, &lock_access, NULL, true);
}

int
layout_make_topic(int dir, const char *topic, const struct file_access *access, const struct config *config)
{
	struct state state = {.leader_epoch = 0};
	int rc;

	if ((rc = layout_make_lock(dir, access)) != STATUS_OK ||
	    (rc = head_create(dir, access, config->partitions, config->log.fsync == FSYNC_ALWAYS)) != STATUS_OK ||
	    (rc = layout_make_partitions(dir, topic, access, config->topic_id, 0, config->partitions)) != STATUS_OK ||
	    (rc = state_write(dir, access, &state)) != STATUS_OK)
		return rc;
	return layout_write_config(dir, access, config);
}

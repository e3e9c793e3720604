#include "store/import_source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "log/checkpoint.h"
#include "store/config.h"

#define SUFFIX_SWAP ".log.swap"
/* So often a copy asks whether it shall go on. */
#define STEP_BYTES (INT64_C(64) << 20)

/* The last name in the path, without the slashes behind it. */
static void
last_name(const char *path, const char **name, size_t *len)
{
	size_t end = strlen(path), begin;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
		continue;
	*name = path + begin;
	*len = end - begin;
}

/* "orders-3": what is before the last dash, and the number behind it. */
static bool
parse_folder_name(const char *path, char topic[NAME_MAX + 1], int *partition)
{
	const char *name;
	char *dash;
	int64_t number;
	size_t len;

	last_name(path, &name, &len);
	if (len > NAME_MAX)
		return false;
	memcpy(topic, name, len);
	topic[len] = '\0';
	if ((dash = strrchr(topic, '-')) == NULL || dash == topic || dash[1] < '0' || dash[1] > '9' ||
	    parse_int64(dash + 1, 0, TOPIC_MAX_PARTITIONS - 1, &number) != STATUS_OK)
		return false;
	*dash = '\0';
	*partition = (int)number;
	return true;
}

int
import_source_parse(const char *path, struct import_source *s)
{
	char topic[NAME_MAX + 1];

	*s = (struct import_source){.path = path, .dir = -1, .log_start = -1};
	if (!parse_folder_name(path, topic, &s->partition))
		return status_fail(STATUS_USAGE, "%s: not the folder of a partition, as TOPIC-0 is", path);
	return STATUS_OK;
}

/* The broker's note of all log starts lies beside the folder; an older broker, or who copied the folder alone, has none. */
static int
read_log_start(struct import_source *s)
{
	char topic[NAME_MAX + 1];
	int parent, partition, rc;

	if (!parse_folder_name(s->path, topic, &partition))
		return STATUS_OK;
	if ((rc = dir_open(s->dir, "..", &parent)) != STATUS_OK)
		return rc;
	rc = checkpoint_find(parent, LOG_START_CHECKPOINT, topic, partition, &s->log_start);
	(void)file_close(parent, "..");
	return rc;
}

/*
 * A compaction renames the segments that it replaces away before it gives their names to the new ones, whose suffix is .swap until then
 * (Log.replaceSegments): a .swap without its .log holds records that nothing else holds.
 */
static int
refuse_swap(void *arg, const char *entry)
{
	const struct import_source *s = arg;
	char name[SEGMENT_NAME_BYTES];
	int64_t base;

	if (!segment_parse_name(entry, SUFFIX_SWAP, &base))
		return STATUS_OK;
	segment_name(name, base, SUFFIX_LOG);
	if (file_exists(s->dir, name))
		return STATUS_OK;
	return status_fail(STATUS_IO,
	    "%s: a compaction was interrupted; start the broker and stop it, which finishes it (if it runs, try again)", entry);
}

static int
open_parts(struct import_source *s)
{
	int rc;

	if ((rc = segment_list_read(s->dir, &s->list)) != STATUS_OK ||
	    (rc = dir_list(s->dir, s->path, refuse_swap, s)) != STATUS_OK)
		return rc;
	if (s->list.count == 0)
		return status_fail(STATUS_MISSING, "no segment (*.log) is there");
	if ((rc = read_log_start(s)) != STATUS_OK)
		return rc;
	return epoch_list_read(s->dir, &s->epochs);
}

int
import_source_open(struct import_source *s)
{
	int rc;

	if ((rc = dir_open_path(s->path, &s->dir)) != STATUS_OK)
		return rc;
	rc = open_parts(s);
	return rc == STATUS_OK ? rc : status_context(rc, "%s", s->path);
}

void
import_source_close(struct import_source *s)
{
	epoch_list_free(&s->epochs);
	segment_list_free(&s->list);
	(void)file_close(s->dir, s->path);
	s->dir = -1;
}

static int
copy_steps(int from, int to, const char *name, int (*progress)(void *arg, int64_t bytes), void *arg)
{
	int64_t size, at = 0;
	int rc;

	if ((rc = file_size(from, name, &size)) != STATUS_OK)
		return rc;
	while (rc == STATUS_OK && at < size) {
		int64_t end = size - at < STEP_BYTES ? size : at + STEP_BYTES;

		if ((rc = file_copy_part(from, to, name, at, end)) == STATUS_OK && progress != NULL)
			rc = progress(arg, end - at);
		at = end;
	}
	return rc == STATUS_OK ? file_sync(to, name) : rc;
}

static int
copy_segment(const struct import_source *s, int64_t base, int to, const struct file_access *access,
    int (*progress)(void *arg, int64_t bytes), void *arg)
{
	char name[SEGMENT_NAME_BYTES];
	int from, copy, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(s->dir, name, &from)) == STATUS_MISSING)
		return status_fail(STATUS_AGAIN, "%s: was removed meanwhile, by a broker that runs; try again", name);
	if (rc != STATUS_OK)
		return rc;
	if ((rc = file_create(to, name, access, &copy)) == STATUS_OK) {
		rc = copy_steps(from, copy, name, progress, arg);
		if (file_close(copy, name) != STATUS_OK && rc == STATUS_OK)
			rc = STATUS_IO;
	}
	(void)file_close(from, name);
	return rc;
}

/*
 * Was a segment overlooked? A name that is renamed while the folder is listed may not come at all. One that the broker began behind the
 * last is none of ours.
 */
static int
check_list(const struct import_source *s)
{
	struct segment_list now;
	size_t old = 0;
	int rc;

	if ((rc = segment_list_read(s->dir, &now)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < now.count && now.bases[i] <= s->list.bases[s->list.count - 1] && rc == STATUS_OK; i++) {
		while (s->list.bases[old] < now.bases[i])
			old++;
		if (s->list.bases[old] != now.bases[i])
			rc = status_fail(STATUS_AGAIN, "changed while it was copied, by a broker that runs; try again");
	}
	segment_list_free(&now);
	return rc;
}

int
import_source_copy(const struct import_source *s, int to, const struct file_access *access,
    int (*progress)(void *arg, int64_t bytes), void *arg)
{
	int rc = STATUS_OK;

	for (size_t i = 0; i < s->list.count && rc == STATUS_OK; i++)
		rc = copy_segment(s, s->list.bases[i], to, access, progress, arg);
	if (rc == STATUS_OK)
		rc = check_list(s);
	return rc == STATUS_OK ? rc : status_context(rc, "%s", s->path);
}

#include "cmd/dump_file.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/format.h"
#include "log/head.h"
#include "log/segment.h"
#include "store/layout.h"

/* A name, or if it begins with a dot or a dash what a name ends with. */
static const struct {
	const char *name;
	enum dump_kind kind;
} names[] = {
    {SUFFIX_LOG, DUMP_SEGMENT},
    {SUFFIX_INDEX, DUMP_INDEX},
    {SUFFIX_TIMEINDEX, DUMP_TIMEINDEX},
    {SUFFIX_TXNINDEX, DUMP_TXNINDEX},
    {SUFFIX_SNAPSHOT, DUMP_SNAPSHOT},
    {EPOCH_CHECKPOINT, DUMP_EPOCHS},
    {"-checkpoint", DUMP_OFFSETS}, /* recovery-point-offset-checkpoint and its like */
    {PARTITION_METADATA, DUMP_METADATA},
    {HEAD_NAME, DUMP_HEADS},
    {TOPIC_CONFIG_FILE, DUMP_CONFIG},
    {"state", DUMP_STATE},
    {"store", DUMP_STORE},
    {INTENT_SUFFIX, DUMP_INTENT},
};

static const char *const words[] = {
    [DUMP_UNKNOWN] = "",
    [DUMP_SEGMENT] = "segment",
    [DUMP_INDEX] = "index",
    [DUMP_TIMEINDEX] = "timeindex",
    [DUMP_TXNINDEX] = "txnindex",
    [DUMP_SNAPSHOT] = "snapshot",
    [DUMP_EPOCHS] = "epochs",
    [DUMP_OFFSETS] = "offsets",
    [DUMP_METADATA] = "metadata",
    [DUMP_HEADS] = "heads",
    [DUMP_CONFIG] = "config",
    [DUMP_STATE] = "state",
    [DUMP_STORE] = "store",
    [DUMP_INTENT] = "intent",
};

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
cut_end(char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	if (len <= end_len || strcmp(name + len - end_len, end) != 0)
		return false;
	name[len - end_len] = '\0';
	return true;
}

/* The last part of the path without what a broker puts behind a file that it is about to delete or to swap in. */
static void
bare_name(const char *path, char name[NAME_MAX + 1])
{
	(void)strlcpy(name, last_part(path), NAME_MAX + 1);
	if (!cut_end(name, ".deleted") && !cut_end(name, ".cleaned"))
		(void)cut_end(name, ".swap");
}

static bool
has_name(const char *name, const char *wanted)
{
	size_t len = strlen(name), wanted_len = strlen(wanted);

	if (wanted[0] != '.' && wanted[0] != '-')
		return strcmp(name, wanted) == 0;
	return len > wanted_len && strcmp(name + len - wanted_len, wanted) == 0;
}

enum dump_kind
dump_kind_of(const char *path)
{
	char name[NAME_MAX + 1];

	bare_name(path, name);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (has_name(name, names[i].name))
			return names[i].kind;
	}
	return DUMP_UNKNOWN;
}

enum dump_kind
dump_kind_named(const char *word)
{
	for (size_t i = 1; i < COUNT_OF(words); i++) {
		if (strcmp(words[i], word) == 0)
			return (enum dump_kind)i;
	}
	return DUMP_UNKNOWN;
}

/* The 20 digits at the beginning of the name; 0 if it has none. */
static int64_t
base_of(const char *path)
{
	char name[NAME_MAX + 1];
	int64_t base;
	size_t digits;

	bare_name(path, name);
	digits = strspn(name, "0123456789");
	return segment_parse_name(name, name + digits, &base) ? base : 0;
}

static int
open_real(struct dump_file *f)
{
	struct stat st;

	if ((f->real = realpath(f->path, NULL)) == NULL && errno == ENOENT && parse_is_name(f->path))
		return status_fail(STATUS_MISSING, "%s: no such file; the log of a partition is TOPIC/PARTITION, as %s/0", f->path,
		    f->path);
	if (f->real == NULL)
		return status_errno("%s", f->path);
	if (stat(f->real, &st) == 0 && S_ISDIR(st.st_mode))
		return status_fail(STATUS_MISSING, "%s: a directory; name a file in it, or TOPIC/PARTITION", f->path);
	return file_open_read(AT_FDCWD, f->real, &f->fd);
}

int
dump_file_open(const char *path, enum dump_kind kind, struct dump_file *f)
{
	int rc;

	*f = (struct dump_file){.path = path, .kind = kind != DUMP_UNKNOWN ? kind : dump_kind_of(path), .fd = -1};
	f->base = base_of(path);
	if ((rc = open_real(f)) == STATUS_OK && f->kind == DUMP_UNKNOWN)
		rc = status_fail(STATUS_USAGE, "%s: no file of a store is named so; --kind says what it is: " DUMP_KIND_WORDS,
		    path);
	if (rc == STATUS_OK)
		rc = file_size(f->fd, path, &f->size);
	if (rc != STATUS_OK)
		dump_file_close(f);
	return rc;
}

int
dump_file_open_at(int dir, const char *name, const char *path, struct dump_file *f)
{
	int rc;

	*f = (struct dump_file){.path = path, .kind = dump_kind_of(name), .fd = -1, .base = base_of(name)};
	if ((rc = file_open_read(dir, name, &f->fd)) == STATUS_OK)
		rc = file_size(f->fd, path, &f->size);
	if (rc != STATUS_OK)
		dump_file_close(f);
	return rc;
}

void
dump_file_close(struct dump_file *f)
{
	(void)file_close(f->fd, f->path);
	free(f->real);
	f->real = NULL;
	f->fd = -1;
}

int
dump_file_bytes(const struct dump_file *f, size_t most, struct buf *b)
{
	size_t got;
	int rc;

	if (f->size > (int64_t)most)
		return status_fail(STATUS_CORRUPT, "%lld bytes, more than such a file ever has", (long long)f->size);
	if ((rc = buf_reserve(b, (size_t)f->size + 1)) != STATUS_OK)
		return rc;
	if ((rc = file_read_at(f->fd, f->path, b->data + b->len, (size_t)f->size, 0, &got)) == STATUS_OK)
		b->len += got;
	return rc;
}

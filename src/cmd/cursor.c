#include "cmd/cursor.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/epoch.h"
#include "store/layout.h"

#define CURSOR_MAX_BYTES ((size_t)16 << 20)

struct line {
	int partition;
	struct cursor_mark mark;
};

struct cursor {
	const char *path, *name; /* the name within its folder */
	int dir;
	char topic_id[TOPIC_ID_BYTES];
	struct file_access access;
	struct line *lines; /* ascending */
	size_t count;
	struct buf written; /* the text that the file has */
};

/* The place of the partition's line, or where it would stand. */
static size_t
find_line(const struct cursor *c, int partition)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->lines[middle].partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
cursor_find(const struct cursor *c, int partition, struct cursor_mark *mark)
{
	size_t i = find_line(c, partition);

	if (i == c->count || c->lines[i].partition != partition)
		return false;
	*mark = c->lines[i].mark;
	return true;
}

int
cursor_note(struct cursor *c, int partition, struct cursor_mark mark)
{
	size_t i = find_line(c, partition);
	struct line *lines;

	if (i < c->count && c->lines[i].partition == partition) {
		c->lines[i].mark = mark;
		return STATUS_OK;
	}
	if ((lines = reallocarray(c->lines, c->count + 1, sizeof(*lines))) == NULL)
		return status_no_memory(c->path);
	c->lines = lines;
	memmove(&lines[i + 1], &lines[i], (c->count - i) * sizeof(*lines));
	lines[i] = (struct line){partition, mark};
	c->count++;
	return STATUS_OK;
}

/* The next word of the line as a number; *p moves behind the character that ends it. */
static bool
take_number(char **p, char end, int64_t min, int64_t max, int64_t *number)
{
	char *stop = strchr(*p, end);

	if (stop == NULL)
		return false;
	*stop = '\0';
	if (parse_int64(*p, min, max, number) != STATUS_OK)
		return false;
	*p = stop + 1;
	return true;
}

static int
fail_line(const struct cursor *c, size_t number)
{
	return status_fail(STATUS_CONFIG, "%s: line %zu: PARTITION OFFSET EPOCH expected, partitions ascending", c->path, number);
}

/* *text is the file's, with a NUL behind it. */
static int
decode_lines(struct cursor *c, char *text)
{
	for (size_t number = 2; *text != '\0'; number++) {
		int64_t partition, offset, epoch;
		int rc;

		if (!take_number(&text, ' ', 0, INT_MAX, &partition) || !take_number(&text, ' ', 0, INT64_MAX, &offset) ||
		    !take_number(&text, '\n', -1, INT32_MAX, &epoch) ||
		    (c->count > 0 && partition <= c->lines[c->count - 1].partition))
			return fail_line(c, number);
		if ((rc = cursor_note(c, (int)partition, (struct cursor_mark){offset, (int32_t)epoch})) != STATUS_OK)
			return rc;
	}
	return STATUS_OK;
}

static int
decode(struct cursor *c, struct buf *bytes)
{
	char *text = (char *)bytes->data, *end = memchr(text, '\n', bytes->len);
	int rc;

	if (end == NULL || memchr(text, '\0', bytes->len) != NULL)
		return status_fail(STATUS_CONFIG, "%s: not a cursor file: its first line is a topic's id", c->path);
	*end = '\0';
	if (strcmp(text, c->topic_id) != 0)
		return status_fail(STATUS_CONFIG, "%s: of another topic: its id is %.*s, this one's %s", c->path, TOPIC_ID_BYTES,
		    text, c->topic_id);
	if ((rc = buf_append_byte(bytes, '\0')) != STATUS_OK)
		return rc;
	return decode_lines(c, (char *)bytes->data + strlen(c->topic_id) + 1);
}

/* The file as it is, if it is there. An empty one, as mktemp(1) makes it, says as little as none. */
static int
load(struct cursor *c)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = file_read_all(c->dir, c->name, CURSOR_MAX_BYTES, &text)) == STATUS_MISSING) {
		status_clear();
		rc = STATUS_OK;
	}
	if (rc == STATUS_OK && text.len > 0 && (rc = buf_append(&c->written, text.data, text.len)) == STATUS_OK)
		rc = decode(c, &text);
	buf_free(&text);
	return rc;
}

/* As shell redirection would make it, or as it was. */
static struct file_access
access_of(int dir, const char *name)
{
	mode_t mask = umask(0);
	struct file_access access = {.mode = 0666 & ~mask, .gid = (gid_t)-1};
	struct stat st;

	(void)umask(mask);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		access.mode = st.st_mode & 0777;
	return access;
}

/* The folder that the file is in. */
static int
open_folder(struct cursor *c)
{
	const char *slash = strrchr(c->path, '/');
	char folder[PATH_MAX] = ".";
	int rc;

	c->name = slash != NULL ? slash + 1 : c->path;
	if (slash != NULL && (size_t)(slash - c->path) >= sizeof(folder))
		return status_fail(STATUS_MISSING, "%s: the path is too long", c->path);
	if (slash != NULL)
		(void)strlcpy(folder, slash == c->path ? "/" : c->path, slash == c->path ? 2 : (size_t)(slash - c->path) + 1);
	if ((rc = dir_open_path(folder, &c->dir)) != STATUS_OK)
		return rc;
	if (faccessat(c->dir, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return status_errno("%s: the cursor file is replaced in its folder", c->path);
	c->access = access_of(c->dir, c->name);
	return STATUS_OK;
}

int
cursor_open(const char *path, const char *topic_id, struct cursor **out)
{
	struct cursor *c;
	int rc;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return status_no_memory(path);
	c->path = path;
	c->dir = -1;
	(void)strlcpy(c->topic_id, topic_id, sizeof(c->topic_id));
	if ((rc = open_folder(c)) != STATUS_OK || (rc = load(c)) != STATUS_OK) {
		cursor_close(c);
		return rc;
	}
	*out = c;
	return STATUS_OK;
}

void
cursor_close(struct cursor *c)
{
	if (c == NULL)
		return;
	(void)file_close(c->dir, c->path);
	buf_free(&c->written);
	free(c->lines);
	free(c);
}

static int
encode(const struct cursor *c, struct buf *text)
{
	int rc = buf_printf(text, "%s\n", c->topic_id);

	for (size_t i = 0; rc == STATUS_OK && i < c->count; i++) {
		const struct line *line = &c->lines[i];

		rc = buf_printf(text, "%d %lld %d\n", line->partition, (long long)line->mark.offset, line->mark.epoch);
	}
	return rc;
}

int
cursor_write(struct cursor *c)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = encode(c, &text)) == STATUS_OK &&
	    (text.len != c->written.len || memcmp(text.data, c->written.data, text.len) != 0) &&
	    (rc = file_replace(c->dir, c->name, text.data, text.len, &c->access)) == STATUS_OK) {
		buf_free(&c->written);
		c->written = text;
		return STATUS_OK;
	}
	buf_free(&text);
	return rc;
}

int
cursor_epoch_end(struct store *store, const char *topic, int partition, int32_t epoch, int64_t end, int64_t *offset)
{
	struct epoch_list epochs = {NULL, 0};
	char name[PARTITION_NAME_BYTES];
	int topic_dir = -1, dir = -1, rc;

	layout_partition_name(name, topic, partition);
	if ((rc = dir_open(store_topics_fd(store), topic, &topic_dir)) != STATUS_OK ||
	    (rc = dir_open(topic_dir, name, &dir)) != STATUS_OK || (rc = epoch_list_read(dir, &epochs)) != STATUS_OK) {
		rc = status_context(rc, "%s/%d", topic, partition);
		goto out;
	}
	*offset = end;
	for (size_t i = epochs.count; i > 0 && epochs.entries[i - 1].epoch > epoch; i--)
		*offset = epochs.entries[i - 1].start_offset < end ? epochs.entries[i - 1].start_offset : end;
out:
	epoch_list_free(&epochs);
	(void)file_close(dir, name);
	(void)file_close(topic_dir, topic);
	return rc;
}

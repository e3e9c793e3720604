#include "log/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "log/format.h"

#define CHECKPOINT_MAX_BYTES ((size_t)4 << 20)
#define CHECKPOINT_VERSION 0

static int
bad_line(size_t number)
{
	return status_fail(STATUS_IO, "%s: line %zu cannot be understood", EPOCH_CHECKPOINT, number);
}

/* Cut the next line off *text; NULL behind the last. */
static char *
next_line(char **text)
{
	char *line = *text, *end;

	if (*line == '\0' || (end = strchr(line, '\n')) == NULL)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static int
parse_entry(char *line, size_t number, struct epoch_entry *e)
{
	char *space = line != NULL ? strchr(line, ' ') : NULL;
	int64_t epoch, start;

	if (space == NULL)
		return bad_line(number);
	*space = '\0';
	if (parse_int64(line, 0, INT32_MAX, &epoch) != STATUS_OK || parse_int64(space + 1, 0, INT64_MAX, &start) != STATUS_OK)
		return bad_line(number);
	e->epoch = (int32_t)epoch;
	e->start_offset = start;
	return STATUS_OK;
}

/* `bytes` end in a NUL that is not the file's. */
static int
decode(struct buf *bytes, struct epoch_list *list)
{
	char *text = (char *)bytes->data, *end = text + bytes->len - 1, *line;
	int64_t version, count;
	int rc = STATUS_OK;

	if ((line = next_line(&text)) == NULL || parse_int64(line, 0, CHECKPOINT_VERSION, &version) != STATUS_OK)
		return bad_line(1);
	if ((line = next_line(&text)) == NULL || parse_int64(line, 0, CHECKPOINT_MAX_BYTES / 4, &count) != STATUS_OK)
		return bad_line(2);
	if ((list->entries = calloc((size_t)count + 1, sizeof(*list->entries))) == NULL)
		return status_no_memory(EPOCH_CHECKPOINT);
	for (; rc == STATUS_OK && list->count < (size_t)count; list->count++) {
		struct epoch_entry *e = &list->entries[list->count];

		rc = parse_entry(next_line(&text), list->count + 3, e);
		if (rc == STATUS_OK && list->count > 0 && (e->epoch <= e[-1].epoch || e->start_offset < e[-1].start_offset))
			rc = bad_line(list->count + 3);
	}
	if (rc == STATUS_OK && text != end)
		rc = bad_line(list->count + 3);
	return rc;
}

int
epoch_list_read(int dir, struct epoch_list *list)
{
	struct buf text = BUF_EMPTY;
	int rc;

	*list = (struct epoch_list){NULL, 0};
	if ((rc = file_read_all(dir, EPOCH_CHECKPOINT, CHECKPOINT_MAX_BYTES, &text)) == STATUS_OK &&
	    (rc = buf_append_byte(&text, '\0')) == STATUS_OK)
		rc = decode(&text, list);
	buf_free(&text);
	if (rc == STATUS_MISSING)
		return STATUS_OK;
	if (rc != STATUS_OK)
		epoch_list_free(list);
	return rc;
}

void
epoch_list_free(struct epoch_list *list)
{
	free(list->entries);
	*list = (struct epoch_list){NULL, 0};
}

int
epoch_list_add(struct epoch_list *list, int32_t epoch, int64_t start_offset)
{
	struct epoch_entry *entries = reallocarray(list->entries, list->count + 1, sizeof(*entries));

	if (entries == NULL)
		return status_no_memory(EPOCH_CHECKPOINT);
	list->entries = entries;
	list->entries[list->count++] = (struct epoch_entry){epoch, start_offset};
	return STATUS_OK;
}

void
epoch_list_trim(struct epoch_list *list, int64_t offset)
{
	size_t gone = 0;

	while (gone + 1 < list->count && list->entries[gone + 1].start_offset <= offset)
		gone++;
	list->count -= gone;
	if (gone > 0)
		memmove(list->entries, list->entries + gone, list->count * sizeof(*list->entries));
	if (list->count > 0 && list->entries[0].start_offset < offset)
		list->entries[0].start_offset = offset;
}

static int
encode(const struct epoch_list *list, struct buf *text)
{
	int rc = buf_printf(text, "%d\n%zu\n", CHECKPOINT_VERSION, list->count);

	for (size_t i = 0; rc == STATUS_OK && i < list->count; i++)
		rc = buf_printf(text, "%d %lld\n", list->entries[i].epoch, (long long)list->entries[i].start_offset);
	return rc;
}

int
epoch_list_write(int dir, const struct file_access *access, const struct epoch_list *list)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = encode(list, &text)) == STATUS_OK)
		rc = file_replace(dir, EPOCH_CHECKPOINT, text.data, text.len, access);
	buf_free(&text);
	return rc;
}

int
epoch_begin(int dir, const struct file_access *access, int32_t epoch, int64_t start_offset)
{
	struct epoch_list list;
	size_t kept = 0;
	int rc;

	if ((rc = epoch_list_read(dir, &list)) != STATUS_OK)
		return rc;
	if (list.entries == NULL && (list.entries = calloc(1, sizeof(*list.entries))) == NULL)
		return status_no_memory(EPOCH_CHECKPOINT);
	while (kept < list.count && list.entries[kept].epoch < epoch && list.entries[kept].start_offset < start_offset)
		kept++;
	/* It has begun before: a recovery that saw no batch of it does not know. */
	if (kept < list.count && list.entries[kept].epoch == epoch && list.entries[kept].start_offset <= start_offset)
		goto out;
	/* decode() left room for one entry more. */
	list.entries[kept] = (struct epoch_entry){epoch, start_offset};
	list.count = kept + 1;
	rc = epoch_list_write(dir, access, &list);
out:
	epoch_list_free(&list);
	return rc;
}

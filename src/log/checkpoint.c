#include "log/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"

#define CHECKPOINT_MAX_BYTES ((size_t)64 << 20)

/* Is the line "TOPIC PARTITION OFFSET" of this partition? Its offset, or -1 if it is another's; false if it is no such line. */
static bool
parse_line(char *line, const char *topic, int partition, int64_t *offset)
{
	char *number = strchr(line, ' '), *value;
	int64_t p, found;

	if (number == NULL || (value = strchr(number + 1, ' ')) == NULL)
		return false;
	*number++ = '\0';
	*value++ = '\0';
	if (parse_int64(number, 0, INT32_MAX, &p) != STATUS_OK || parse_int64(value, 0, INT64_MAX, &found) != STATUS_OK)
		return false;
	*offset = strcmp(line, topic) == 0 && p == partition ? found : -1;
	return true;
}

/* The text is NUL-terminated. */
static int
find_line(char *text, const char *name, const char *topic, int partition, int64_t *offset)
{
	char *line, *rest = text;
	int64_t count = 0, found;

	/* A broker makes the file when it starts, and fills it a minute later. */
	if (*text == '\0')
		return STATUS_OK;
	for (int64_t i = -2; i < count; i++) {
		bool good = true;

		found = -1;
		if ((line = strsep(&rest, "\n")) == NULL || rest == NULL)
			good = false;
		else if (i == -2)
			good = strcmp(line, "0") == 0;
		else if (i == -1)
			good = parse_int64(line, 0, INT32_MAX, &count) == STATUS_OK;
		else
			good = parse_line(line, topic, partition, &found);
		if (!good)
			return status_fail(STATUS_IO, "%s: line %lld cannot be understood", name, (long long)i + 3);
		if (found >= 0)
			*offset = found;
	}
	return STATUS_OK;
}

int
checkpoint_find(int dir, const char *name, const char *topic, int partition, int64_t *offset)
{
	struct buf text = BUF_EMPTY;
	int64_t found = -1;
	int rc;

	if ((rc = file_read_all(dir, name, CHECKPOINT_MAX_BYTES, &text)) == STATUS_OK &&
	    (rc = buf_append_byte(&text, '\0')) == STATUS_OK)
		rc = find_line((char *)text.data, name, topic, partition, &found);
	buf_free(&text);
	if (rc == STATUS_MISSING) {
		status_clear();
		rc = STATUS_OK;
	}
	if (rc == STATUS_OK)
		*offset = found;
	return rc;
}

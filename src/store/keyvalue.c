#include "store/keyvalue.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define MAX_LINES 1000

/* A copy of the text, its newlines and the first '=' of each line turned into NULs. */
struct lines {
	char *text;
	char *keys[MAX_LINES];
	char *values[MAX_LINES];
	size_t count;
};

static int
split_line(struct lines *l, char *line)
{
	char *equals = strchr(line, '=');

	if (equals == NULL || equals == line)
		return status_fail(STATUS_CONFIG, "not KEY=VALUE: %.100s", line);
	*equals = '\0';
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->keys[i], line) == 0)
			return status_fail(STATUS_CONFIG, "%.100s: given twice", line);
	}
	l->keys[l->count] = line;
	l->values[l->count++] = equals + 1;
	return STATUS_OK;
}

static int
check_format(const char *line)
{
	if (strncmp(line, "format=", 7) != 0)
		return status_fail(STATUS_CONFIG, "must be format=1");
	if (strcmp(line + 7, "1") != 0)
		return status_fail(STATUS_CONFIG, "format %.32s: another version of mq made this; this one knows format 1",
		    line + 7);
	return STATUS_OK;
}

/* The format first, because another one may have other lines. */
static int
split(struct lines *l, char *p, char *end)
{
	char *newline;
	int rc = STATUS_OK;

	for (size_t number = 1; rc == STATUS_OK && (p < end || number == 1); number++) {
		newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		if (newline == NULL)
			newline = end;
		*newline = '\0';
		if (number == 1)
			rc = check_format(p);
		else if (newline == end)
			rc = status_fail(STATUS_CONFIG, "no newline at its end: cut off?");
		else if (l->count == MAX_LINES)
			rc = status_fail(STATUS_CONFIG, "more than %d lines", MAX_LINES);
		else
			rc = split_line(l, p);
		if (rc != STATUS_OK)
			rc = status_context(rc, "line %zu", number);
		p = newline + 1;
	}
	return rc;
}

static int
read_lines(struct lines *l, const struct buf *b)
{
	if (b->len > 0 && memchr(b->data, '\0', b->len) != NULL)
		return status_fail(STATUS_CONFIG, "not a text file: it has a NUL byte");
	if ((l->text = malloc(b->len + 1)) == NULL)
		return status_no_memory("text file");
	if (b->len > 0)
		memcpy(l->text, b->data, b->len);
	return split(l, l->text, l->text + b->len);
}

int
keyvalue_each(const struct buf *b, int (*visit)(void *arg, const char *key, const char *value), void *arg)
{
	struct lines *l;
	int rc;

	/* Not calloc(3), which would touch 16 KB for three lines. */
	if ((l = malloc(sizeof(*l))) == NULL)
		return status_no_memory("text file");
	l->text = NULL;
	l->count = 0;
	rc = read_lines(l, b);
	for (size_t i = 0; rc == STATUS_OK && i < l->count; i++) {
		if ((rc = visit(arg, l->keys[i], l->values[i])) != STATUS_OK)
			rc = status_context(rc, "line %zu", i + 2);
	}
	free(l->text);
	free(l);
	return rc;
}

#include "cmd/dump_text.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "store/config.h"
#include "store/keyvalue.h"

#define TEXT_MAX_BYTES ((size_t)64 << 20)
#define CHECKPOINT_VERSION 0
#define FIELDS_MAX 3
#define REASON_BYTES 512

static const char *const epoch_columns[] = {"FILE", "EPOCH", "START-OFFSET"};
static const char *const offset_columns[] = {"FILE", "TOPIC", "PARTITION", "OFFSET"};
static const char *const pair_columns[] = {"FILE", "KEY", "VALUE"};

/* The lines of a text, one after the other; it is changed. */
struct lines {
	char *next, *end;
	size_t number; /* of the line just read, from 1 */
	bool cut;      /* it had no newline */
};

static char *
next_line(struct lines *l)
{
	char *line = l->next, *newline;

	if (line == l->end)
		return NULL;
	l->number++;
	newline = memchr(line, '\n', (size_t)(l->end - line));
	l->cut = newline == NULL;
	l->next = l->cut ? l->end : newline + 1;
	/* One byte behind the end is ours. */
	*(l->cut ? l->end : newline) = '\0';
	return line;
}

static void
bad_line(struct sheet *s, const struct lines *l, const char *why)
{
	char reason[REASON_BYTES];

	(void)snprintf(reason, sizeof(reason), "line %zu: %.400s", l->number, why);
	sheet_damage(s, -1, reason);
}

/*
 * Kafka's checkpoints: version, number of entries, entries.
 */

/* Cut the line at its spaces; how many fields, FIELDS_MAX + 1 for more. */
static size_t
split(char *line, char *fields[FIELDS_MAX])
{
	size_t count = 0;

	for (char *field = strtok(line, " "); field != NULL; field = strtok(NULL, " ")) {
		if (count < FIELDS_MAX)
			fields[count] = field;
		else
			return FIELDS_MAX + 1;
		count++;
	}
	return count;
}

static int
show_entry(struct sheet *s, const struct lines *l, char *line)
{
	size_t wanted = s->columns == epoch_columns ? 2 : 3;
	char *fields[FIELDS_MAX];
	int64_t number, offset;
	struct print *print;
	int rc;

	if (split(line, fields) != wanted || parse_int64(fields[wanted - 2], 0, INT32_MAX, &number) != STATUS_OK ||
	    parse_int64(fields[wanted - 1], INT64_MIN, INT64_MAX, &offset) != STATUS_OK) {
		status_clear();
		bad_line(s, l, wanted == 2 ? "not EPOCH START-OFFSET" : "not TOPIC PARTITION OFFSET");
		return STATUS_OK;
	}
	if ((rc = sheet_row(s, &print)) != STATUS_OK)
		return rc;
	if (wanted == 3)
		print_bytes(print, fields[0], strlen(fields[0]));
	print_number(print, number);
	print_number(print, offset);
	return sheet_end_row(s);
}

/* The number that line says; -1, and told, if it is none from 0 to `most`. */
static int64_t
header_number(struct sheet *s, struct lines *l, const char *what, int64_t most)
{
	char *line = next_line(l), reason[REASON_BYTES];
	int64_t number;

	if (line != NULL && parse_int64(line, 0, most, &number) == STATUS_OK)
		return number;
	l->number += line == NULL;
	(void)snprintf(reason, sizeof(reason), "%s: %.400s", what, line == NULL ? "missing" : status_message());
	status_clear();
	bad_line(s, l, reason);
	return -1;
}

static int
dump_checkpoint(struct sheet *s, struct lines *l)
{
	int64_t count, entries = 0;
	char *line, reason[REASON_BYTES];
	int rc = STATUS_OK;

	(void)header_number(s, l, "version", CHECKPOINT_VERSION);
	count = header_number(s, l, "number of entries", INT32_MAX);
	for (; rc == STATUS_OK && (line = next_line(l)) != NULL; entries++)
		rc = show_entry(s, l, line);
	if (count >= 0 && entries != count) {
		(void)snprintf(reason, sizeof(reason), "counts %lld entries and has %lld", (long long)count, (long long)entries);
		sheet_damage(s, -1, reason);
	}
	if (l->cut)
		sheet_damage(s, -1, "no newline at its end: cut off?");
	return rc;
}

/*
 * KEY and VALUE.
 */

static int
show_pair(void *arg, const char *key, const char *value)
{
	struct sheet *s = arg;
	struct print *print;
	int rc;

	if ((rc = sheet_row(s, &print)) != STATUS_OK)
		return rc;
	print_bytes(print, key, strlen(key));
	print_bytes(print, value, strlen(value));
	return sheet_end_row(s);
}

static int
dump_metadata(struct sheet *s, struct lines *l)
{
	char *line, *colon;
	int rc = STATUS_OK;

	while (rc == STATUS_OK && (line = next_line(l)) != NULL) {
		if ((colon = strstr(line, ": ")) == NULL) {
			bad_line(s, l, "not KEY: VALUE");
			continue;
		}
		*colon = '\0';
		rc = show_pair(s, line, colon + 2);
	}
	if (l->number == 0)
		sheet_damage(s, -1, "empty");
	return rc;
}

/* What cannot be understood as `config` is shown all the same if it is KEY=VALUE. */
static int
dump_keyvalue(struct sheet *s, enum dump_kind kind, const struct buf *bytes)
{
	struct config config;
	int rc = keyvalue_each(bytes, show_pair, s);

	if (rc == STATUS_OK && kind == DUMP_CONFIG)
		rc = config_decode(bytes, &config);
	if (rc != STATUS_CONFIG)
		return rc;
	sheet_damage(s, -1, status_message());
	status_clear();
	return STATUS_OK;
}

static int
dump_bytes(struct sheet *s, enum dump_kind kind, const struct buf *bytes)
{
	struct lines l = {.next = (char *)bytes->data, .end = (char *)bytes->data + bytes->len};

	if (kind == DUMP_CONFIG || kind == DUMP_STATE || kind == DUMP_STORE)
		return dump_keyvalue(s, kind, bytes);
	if (memchr(bytes->data, '\0', bytes->len) != NULL) {
		sheet_damage(s, -1, "not a text file: it has a NUL byte");
		return STATUS_OK;
	}
	return kind == DUMP_METADATA ? dump_metadata(s, &l) : dump_checkpoint(s, &l);
}

int
dump_text(struct sheet *s, const struct dump_file *f)
{
	struct buf bytes = BUF_EMPTY;
	int rc;

	if ((rc = dump_file_bytes(f, TEXT_MAX_BYTES, &bytes)) != STATUS_OK)
		goto out;
	if (f->kind == DUMP_EPOCHS)
		rc = sheet_begin(s, epoch_columns, COUNT_OF(epoch_columns));
	else if (f->kind == DUMP_OFFSETS)
		rc = sheet_begin(s, offset_columns, COUNT_OF(offset_columns));
	else
		rc = sheet_begin(s, pair_columns, COUNT_OF(pair_columns));
	if (rc == STATUS_OK && (rc = dump_bytes(s, f->kind, &bytes)) == STATUS_OK)
		rc = sheet_end(s);
out:
	buf_free(&bytes);
	return rc;
}

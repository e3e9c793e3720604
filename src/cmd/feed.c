#include "cmd/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/input.h"
#include "cmd/progress.h"

struct feed {
	const struct feed_options *options;
	struct producer *producer;
	struct input input;
	struct record record; /* what all records have in common, and the one at hand */
	struct progress progress;
	uint64_t records, bytes;
};

static bool
is_stdin(const char *file)
{
	return strcmp(file, "-") == 0;
}

int
feed_check(const struct feed_options *o)
{
	struct stat st;

	/* Not opened: a FIFO's writer must not see a reader come and go. */
	for (int i = 0; i < o->file_count; i++) {
		if (is_stdin(o->files[i]))
			continue;
		if (stat(o->files[i], &st) != 0 || faccessat(AT_FDCWD, o->files[i], R_OK, AT_EACCESS) != 0)
			return status_errno("%s", o->files[i]);
		if (S_ISDIR(st.st_mode))
			return status_fail(STATUS_MISSING, "%s: a directory, not a file", o->files[i]);
	}
	return STATUS_OK;
}

/* Where the key ends in the record; NULL if it has no delimiter. */
static const uint8_t *
find_key_end(const struct buf *delimiter, const uint8_t *bytes, size_t len)
{
	if (delimiter->len == 1)
		return len == 0 ? NULL : memchr(bytes, delimiter->data[0], len);
	return memmem(bytes, len, delimiter->data, delimiter->len);
}

static int
split_key(struct record *r, const struct buf *delimiter, const uint8_t *bytes, size_t len)
{
	const uint8_t *end;

	if ((end = find_key_end(delimiter, bytes, len)) == NULL)
		return status_fail(STATUS_DATA, "no key in it: the delimiter of -K is missing");
	r->key = bytes;
	r->key_len = (int32_t)(end - bytes);
	r->value = end + delimiter->len;
	r->value_len = (int32_t)(len - (size_t)(r->value - bytes));
	return STATUS_OK;
}

/* One record of the input; its bytes are the input's. */
static int
take_record(struct feed *f, const uint8_t *bytes, size_t len)
{
	const struct feed_options *o = f->options;
	struct record *r = &f->record;
	int rc = STATUS_OK;

	r->value = bytes;
	r->value_len = (int32_t)len;
	if (o->key_delimiter.len > 0)
		rc = split_key(r, &o->key_delimiter, bytes, len);
	if (r->value_len == 0 && o->empty_is_null)
		r->value_len = -1;
	if (LIKELY(rc == STATUS_OK))
		rc = producer_add(f->producer, r);
	f->records++;
	return rc;
}

static int
name_record(const struct feed *f, int rc)
{
	if (rc != STATUS_DATA)
		return rc;
	return status_context(rc, "%s: record %llu", f->input.name, (unsigned long long)f->input.number);
}

/* All records that are whole. *ended: the stream is, too. */
static int
take_records(struct feed *f, bool *ended)
{
	const uint8_t *bytes;
	size_t len;
	int rc;

	while ((rc = input_next(&f->input, &bytes, &len)) == STATUS_OK) {
		if ((rc = take_record(f, bytes, len)) != STATUS_OK)
			return name_record(f, rc);
	}
	*ended = rc == STATUS_END;
	return rc == STATUS_END || rc == STATUS_AGAIN ? STATUS_OK : name_record(f, rc);
}

/* Nothing is at hand: store what there is, and wait. A topic that is synced at intervals is synced meanwhile. */
static int
wait_for_input(struct feed *f)
{
	int rc;

	do {
		if ((rc = producer_store(f->producer)) != STATUS_OK)
			return rc;
	} while (!cmd_wait_input(f->input.fd, producer_patience_ms(f->producer)) && cmd_signal() == 0);
	return STATUS_OK;
}

static int
read_more(struct feed *f)
{
	size_t before;
	int rc;

	if (!cmd_wait_input(f->input.fd, 0) && (rc = wait_for_input(f)) != STATUS_OK)
		return rc;
	if (cmd_signal() != 0)
		return STATUS_OK;
	before = f->input.window.len - f->input.start;
	if ((rc = input_read(&f->input)) != STATUS_OK)
		return rc;
	f->bytes += f->input.window.len - before;
	if (!f->options->timed)
		f->record.timestamp_ms = clock_wall_ms();
	progress_show(&f->progress, f->records, f->bytes);
	return STATUS_OK;
}

/* Up to the stream's end, but for a last record without a delimiter. */
static int
take_stream(struct feed *f, int fd, const char *name)
{
	bool ended = false;
	int rc = STATUS_OK;

	input_open(&f->input, fd, name);
	while (rc == STATUS_OK && !ended && cmd_signal() == 0) {
		if ((rc = read_more(f)) == STATUS_OK)
			rc = take_records(f, &ended);
	}
	return rc;
}

static int
take_rest(struct feed *f)
{
	const uint8_t *bytes;
	size_t len;

	if (cmd_signal() != 0 || !input_rest(&f->input, &bytes, &len))
		return STATUS_OK;
	return name_record(f, take_record(f, bytes, len));
}

static int
take_file(struct feed *f, const char *file)
{
	int fd = STDIN_FILENO, rc;

	if (!is_stdin(file) && (rc = file_open_input(file, &fd)) != STATUS_OK)
		return rc;
	if ((rc = take_stream(f, fd, is_stdin(file) ? "stdin" : file)) == STATUS_OK)
		rc = take_rest(f);
	if (fd != STDIN_FILENO)
		(void)file_close(fd, file);
	return rc;
}

/* The command is waited for only if all of its output was read: else it learns from the closed pipe. */
static int
take_command(struct feed *f, char *const argv[])
{
	struct child child;
	int fd, rc;

	if ((rc = child_start_output(argv, &child, &fd)) != STATUS_OK)
		return rc;
	rc = take_stream(f, fd, argv[0]);
	(void)file_close(fd, argv[0]);
	if (rc != STATUS_OK || cmd_signal() != 0)
		return rc;
	if ((rc = child_wait(&child)) == STATUS_OK)
		rc = take_rest(f);
	return rc;
}

int
feed_run(const struct feed_options *o, struct producer *producer)
{
	struct feed f = {.options = o, .producer = producer};
	int rc = STATUS_OK;

	f.record.key = (const uint8_t *)o->key;
	f.record.key_len = o->key != NULL ? (int32_t)strlen(o->key) : -1;
	f.record.headers = o->headers.data;
	f.record.headers_len = (int32_t)o->headers.len;
	f.record.header_count = o->header_count;
	f.record.timestamp_ms = o->timestamp_ms;
	input_init(&f.input, &o->delimiter, o->most_bytes);
	progress_init(&f.progress, o->progress);
	if (o->command != NULL)
		rc = take_command(&f, o->command);
	else if (o->file_count == 0)
		rc = take_file(&f, "-");
	for (int i = 0; rc == STATUS_OK && cmd_signal() == 0 && i < o->file_count; i++)
		rc = take_file(&f, o->files[i]);
	progress_end(&f.progress);
	input_free(&f.input);
	return rc;
}

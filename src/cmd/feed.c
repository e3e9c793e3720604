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
#include "cmd/follow.h"
#include "cmd/format_scan.h"
#include "cmd/input.h"
#include "cmd/json.h"
#include "cmd/progress.h"

/* Records that name their topics may be so long before it is known how long they may be there. */
#define UNKNOWN_MOST_BYTES ((size_t)128 << 20)
/* What may stand around the bytes of a record that is read by a format. */
#define FORMAT_FRAME_BYTES ((size_t)64 << 10)

struct feed {
	const struct feed_options *options;
	struct fanout *fanout;
	struct producer *producer; /* NULL if the records name their topics */
	size_t most;		   /* bytes of a record */
	bool has_plain_lines;
	struct input input;
	struct record record; /* what all records have in common, and the one at hand if it is cut by a delimiter */
	struct draft draft;   /* the one at hand if not */
	struct progress progress;
	bool lone; /* what was read last had been waited for, and was all there was */
	uint64_t records, bytes;
	struct follow *follow;
	size_t placed; /* so much of the window lies before the place of `follow` */
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

	if (o->follow != NULL)
		return follow_check(o->follow);
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

/* Which record it was, if the record is to blame. */
static int
name_record(const struct feed *f, int rc)
{
	return status_context(rc, "%s: record %llu", f->input.name, (unsigned long long)f->input.number);
}

/* One record as it stands; its bytes are the input's. */
static int
take_plain(struct feed *f, const uint8_t *bytes, size_t len)
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
		rc = producer_add(f->producer, r, false);
	f->records++;
	return rc == STATUS_DATA ? name_record(f, rc) : rc;
}

/*
 * Records that say more of themselves.
 */

/* What the record does not say is as the options have it. */
static void
complete_draft(const struct feed *f, struct draft *d)
{
	struct record *r = &d->record;

	if ((d->given & DRAFT_KEY) == 0) {
		r->key = f->record.key;
		r->key_len = f->record.key_len;
	}
	if ((d->given & DRAFT_TIMESTAMP) == 0)
		r->timestamp_ms = f->record.timestamp_ms;
	if ((d->given & DRAFT_HEADERS) == 0) {
		r->headers = f->record.headers;
		r->headers_len = f->record.headers_len;
		r->header_count = f->record.header_count;
	}
	if (r->value_len == 0 && f->options->empty_is_null)
		r->value_len = -1;
}

/* The producer of the topic that it names. */
static int
find_producer(struct feed *f, const struct draft *d, struct producer **producer)
{
	const char *name = (const char *)d->topic.data;
	int rc;

	*producer = f->producer;
	if (f->producer != NULL)
		return STATUS_OK;
	if ((d->given & DRAFT_TOPIC) == 0)
		return status_fail(STATUS_DATA, "it names no topic");
	if (strlen(name) + 1 != d->topic.len)
		return status_fail(STATUS_DATA, "its topic has a NUL in it");
	rc = fanout_get(f->fanout, name, producer, NULL);
	return rc == STATUS_USAGE ? status_fail(STATUS_DATA, "%s", status_message()) : rc;
}

static int
take_draft(struct feed *f, struct draft *d)
{
	bool timed = (d->given & DRAFT_TIMESTAMP) != 0;
	struct producer *producer;
	int rc;

	complete_draft(f, d);
	f->records++;
	if (f->options->own_partition && (d->given & DRAFT_PARTITION) == 0)
		return status_fail(STATUS_DATA, "it names no partition");
	if ((rc = find_producer(f, d, &producer)) != STATUS_OK)
		return rc;
	if (f->options->own_partition)
		return producer_add_to(producer, d->partition, &d->record, timed);
	return producer_add(producer, &d->record, timed);
}

/* A failure of the next record is told with its number, if it was not the disk's. */
static int
blame_draft(const struct feed *f, int rc)
{
	bool its_own = rc == STATUS_DATA || rc == STATUS_MISSING || rc == STATUS_PERMISSION || rc == STATUS_CONFIG;

	return its_own ? name_record(f, rc) : rc;
}

static int
take_json(struct feed *f, const uint8_t *line, size_t len)
{
	int rc;

	draft_reset(&f->draft);
	if ((rc = json_parse_record(line, len, &f->draft)) == STATUS_OK)
		rc = take_draft(f, &f->draft);
	return rc == STATUS_OK ? rc : blame_draft(f, rc);
}

static int
take_cut(struct feed *f, const uint8_t *bytes, size_t len)
{
	return f->options->json ? take_json(f, bytes, len) : take_plain(f, bytes, len);
}

/* Are records lines, and nothing is said of them? */
static bool
has_plain_lines(const struct feed *f)
{
	const struct feed_options *o = f->options;

	return f->producer != NULL && !o->json && o->format == NULL && o->delimiter.len == 1 && o->key_delimiter.len == 0 &&
	    !o->empty_is_null && o->key == NULL && o->header_count == 0;
}

/* As many as can be taken the fast way; what comes next is taken the slow way, whatever it is. */
static void
take_lines(struct feed *f)
{
	const uint8_t *bytes;
	uint64_t count;
	size_t len;

	input_peek_lines(&f->input, &bytes, &len);
	if (len == 0)
		return;
	count = producer_add_lines(f->producer, &bytes, bytes + len, f->options->delimiter.data[0], f->record.timestamp_ms);
	input_pass(&f->input, bytes, count);
	f->records += count;
}

/* All records that have their delimiter. */
static int
take_all_cut(struct feed *f, bool *ended)
{
	const uint8_t *bytes;
	size_t len;
	int rc;

	for (;;) {
		if (f->has_plain_lines)
			take_lines(f);
		if ((rc = input_next(&f->input, &bytes, &len)) != STATUS_OK)
			break;
		if ((rc = take_cut(f, bytes, len)) != STATUS_OK)
			return rc;
	}
	*ended = rc == STATUS_END;
	if (rc == STATUS_DATA)
		return name_record(f, rc);
	return rc == STATUS_END || rc == STATUS_AGAIN ? STATUS_OK : rc;
}

/* One record by the format. STATUS_END: it is not whole. */
static int
take_formatted(struct feed *f, const uint8_t *bytes, size_t len, bool ended)
{
	size_t used;
	int rc;

	draft_reset(&f->draft);
	if ((rc = format_scan(f->options->format, bytes, len, ended, f->most, &f->draft, &used)) == STATUS_END)
		return rc;
	input_take(&f->input, rc == STATUS_OK ? used : 0);
	if (rc == STATUS_OK)
		rc = take_draft(f, &f->draft);
	return rc == STATUS_OK ? rc : blame_draft(f, rc);
}

/* All records that are whole; if the stream has ended, none may be unfinished. */
static int
take_all_formatted(struct feed *f, bool ended)
{
	const uint8_t *bytes;
	size_t len;
	int rc = STATUS_OK;

	while (rc == STATUS_OK) {
		input_peek(&f->input, &bytes, &len);
		if (len == 0)
			return STATUS_OK;
		rc = take_formatted(f, bytes, len, ended);
	}
	if (rc != STATUS_END)
		return rc;
	rc = input_want(&f->input);
	return rc == STATUS_DATA ? name_record(f, rc) : STATUS_OK;
}

/* All records that are whole. *ended: the stream is, too. */
static int
take_records(struct feed *f, bool *ended)
{
	if (f->options->format == NULL)
		return take_all_cut(f, ended);
	*ended = f->input.ended;
	return take_all_formatted(f, false);
}

/* Nothing is at hand: store what there is, and wait. A topic that is synced at intervals is synced meanwhile. */
static int
wait_for_input(struct feed *f)
{
	int told = f->options->told ? STDOUT_FILENO : -1, rc;

	do {
		if ((rc = fanout_store(f->fanout)) != STATUS_OK)
			return rc;
	} while (!cmd_wait_input(f->input.fd, told, fanout_patience_ms(f->fanout)) && cmd_signal() == 0);
	return STATUS_OK;
}

static int
read_more(struct feed *f)
{
	/* Behind a record that came alone nothing is expected at once: it is stored without another poll(2), of the time of a wake 2 us. */
	bool waits = f->lone || !cmd_wait_input(f->input.fd, -1, 0);
	size_t before;
	int rc;

	if (waits && (rc = wait_for_input(f)) != STATUS_OK)
		return rc;
	if (cmd_signal() != 0)
		return STATUS_OK;
	before = f->input.window.len - f->input.start;
	if ((rc = input_read(&f->input)) != STATUS_OK)
		return rc;
	f->bytes += f->input.window.len - before;
	f->lone = waits && f->input.window.len < f->input.window.cap;
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

/* What stands behind the last delimiter is a record, too. */
static int
take_rest(struct feed *f)
{
	const uint8_t *bytes;
	size_t len;

	if (cmd_signal() != 0)
		return STATUS_OK;
	if (f->options->format != NULL)
		return take_all_formatted(f, true);
	return input_rest(&f->input, &bytes, &len) ? take_cut(f, bytes, len) : STATUS_OK;
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

/*
 * A followed file.
 */

/* Its place is behind the last record. */
static void
move_place(struct feed *f)
{
	follow_take(f->follow, f->input.window.data + f->placed, f->input.start - f->placed);
	f->placed = f->input.start;
}

static void
tell_place(void *arg, struct named_place *place)
{
	struct feed *f = arg;

	if (f->input.start > f->placed)
		move_place(f);
	follow_place(f->follow, place);
}

static int
read_follow(void *arg, uint8_t *bytes, size_t len, size_t unread, size_t *got)
{
	return follow_read(arg, bytes, len, unread, got);
}

static void
open_follow(struct feed *f)
{
	input_open_source(&f->input, read_follow, f->follow, follow_name(f->follow));
	f->placed = 0;
}

/* All that was read is stored and will be found in the file that is left now. */
static int
next_file(struct feed *f)
{
	bool began;
	int rc;

	if (follow_rest_counts(f->follow) && ((rc = take_rest(f)) != STATUS_OK || (rc = producer_end(f->producer)) != STATUS_OK))
		return rc;
	/* The rest is not taken then. */
	if (cmd_signal() != 0)
		return STATUS_OK;
	if (f->input.start > f->placed)
		move_place(f);
	if ((rc = follow_next(f->follow, &began)) != STATUS_OK)
		return rc;
	open_follow(f);
	return began ? producer_checkpoint(f->producer) : STATUS_OK;
}

/* Nothing is at hand. */
static int
wait_for_change(struct feed *f)
{
	int told = f->options->told ? STDOUT_FILENO : -1, rc;
	int64_t patience_ms, storing_ms;

	if ((rc = fanout_store(f->fanout)) != STATUS_OK)
		return rc;
	patience_ms = follow_patience_ms(f->follow);
	storing_ms = fanout_patience_ms(f->fanout);
	if (patience_ms < 0 || (storing_ms >= 0 && storing_ms < patience_ms))
		patience_ms = storing_ms;
	(void)cmd_wait_input(follow_descriptor(f->follow), told, patience_ms);
	follow_look(f->follow);
	return follow_is_open(f->follow) ? STATUS_OK : next_file(f);
}

static int
take_more(struct feed *f)
{
	size_t before;
	bool ended;
	int rc;

	if (f->input.start > f->placed)
		move_place(f);
	f->placed = 0;
	before = f->input.window.len - f->input.start;
	if (!f->options->timed)
		f->record.timestamp_ms = clock_wall_ms();
	if ((rc = input_read(&f->input)) != STATUS_OK)
		return rc;
	if (f->input.ended)
		return next_file(f);
	if (f->input.window.len == before)
		return wait_for_change(f);
	f->bytes += f->input.window.len - before;
	progress_show(&f->progress, f->records, f->bytes);
	return take_records(f, &ended);
}

static int
begin_follow(struct feed *f)
{
	const struct feed_options *o = f->options;
	int64_t missing = producer_missing(f->producer);
	bool known = producer_place(f->producer) != NULL;
	int rc;

	if ((rc = follow_open(o->follow, o->id, producer_place(f->producer), &f->follow)) != STATUS_OK)
		return rc;
	if (missing > 0)
		cmd_warn("--id %s: %lld records that were stored are not in the log any more; they are not read again", o->id,
		    (long long)missing);
	open_follow(f);
	producer_begin(f->producer, tell_place, f, follow_lost(f->follow));
	/* From now on it is known where it began, whatever is rotated before the first record is stored. */
	return follow_lost(f->follow) || !known ? producer_checkpoint(f->producer) : STATUS_OK;
}

/* Until a signal comes, or a failure. */
static int
take_follow(struct feed *f)
{
	int rc;
	bool lost;

	if ((rc = begin_follow(f)) == STATUS_OK) {
		while (rc == STATUS_OK && cmd_signal() == 0)
			rc = take_more(f);
		producer_leave(f->producer, rc != STATUS_OK);
		follow_look(f->follow);
		lost = follow_lost(f->follow) || producer_missing(f->producer) > 0;
		if (rc == STATUS_OK && lost && cmd_signal() != SIGPIPE) {
			cmd_forget_signal();
			rc = status_fail(STATUS_NO, "%s: something may be missing, as was told", f->options->follow);
		}
	}
	follow_close(f->follow);
	return rc;
}

static size_t
input_most(const struct feed *f)
{
	if (f->options->json)
		return JSON_EXPANSION * f->most + JSON_FRAME_BYTES;
	/* Two characters a byte are the most, of hexadecimal. */
	return f->options->format != NULL ? 2 * f->most + FORMAT_FRAME_BYTES : f->most + f->options->key_delimiter.len;
}

/* Where all records go, if they do not say it; and how long they may be. */
static int
find_topic(struct feed *f)
{
	struct topic *topic;
	int rc;

	f->most = UNKNOWN_MOST_BYTES;
	if (f->options->topic == NULL)
		return STATUS_OK;
	if ((rc = fanout_get(f->fanout, f->options->topic, &f->producer, &topic)) == STATUS_OK)
		f->most = (size_t)topic_config(topic)->log.max_message_bytes;
	return rc;
}

static void
set_common(struct feed *f)
{
	const struct feed_options *o = f->options;

	f->record.key = (const uint8_t *)o->key;
	f->record.key_len = o->key != NULL ? (int32_t)strlen(o->key) : -1;
	f->record.headers = o->headers.data;
	f->record.headers_len = (int32_t)o->headers.len;
	f->record.header_count = o->header_count;
	f->record.timestamp_ms = o->timestamp_ms;
}

int
feed_run(const struct feed_options *o, struct fanout *fanout)
{
	struct feed f = {.options = o, .fanout = fanout, .draft = DRAFT_EMPTY};
	int rc;

	set_common(&f);
	if ((rc = find_topic(&f)) != STATUS_OK)
		return rc;
	f.has_plain_lines = has_plain_lines(&f);
	input_init(&f.input, &o->delimiter, input_most(&f));
	progress_init(&f.progress, o->progress);
	if (o->follow != NULL)
		rc = take_follow(&f);
	else if (o->command != NULL)
		rc = take_command(&f, o->command);
	else if (o->file_count == 0)
		rc = take_file(&f, "-");
	for (int i = 0; rc == STATUS_OK && cmd_signal() == 0 && i < o->file_count; i++)
		rc = take_file(&f, o->files[i]);
	if (rc == STATUS_OK && cmd_signal() == 0 && o->follow == NULL)
		rc = fanout_end(fanout);
	progress_end(&f.progress);
	input_free(&f.input);
	draft_free(&f.draft);
	return rc;
}

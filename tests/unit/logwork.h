/*
 * logwork: what a test does to the partition of logfolder.h: append, read back, recover, reboot, copy, be killed.
 */
#ifndef LOGWORK_H
#define LOGWORK_H

#include "base/fault.h"
#include "log/log.h"
#include "log/reader.h"
#include "logfolder.h"
#include "proc.h"

/* A batch of one record with this text. */
UNIT_UNUSED static int
try_append(struct log *log, const char *text, int64_t deadline_ms, int64_t *offset)
{
	struct batch_builder b;
	struct record r = text_record(1000, NULL, text);
	int rc;

	batch_builder_init(&b, INT32_MAX);
	if ((rc = batch_add(&b, &r)) == STATUS_OK) {
		batch_seal(&b);
		rc = log_append(log, &b.bytes, deadline_ms, offset);
	}
	batch_builder_free(&b);
	return rc;
}

UNIT_UNUSED static int64_t
append(struct log *log, const char *text)
{
	int64_t offset;

	assert_ok(try_append(log, text, clock_deadline(PROC_PATIENCE_MS), &offset));
	return offset;
}

UNIT_UNUSED static void
sync_log(struct log *log, int64_t offset)
{
	assert_ok(log_sync(log, offset, clock_deadline(PROC_PATIENCE_MS)));
}

/* Append through a log of its own, which is closed again: "a b c" are three batches. */
UNIT_UNUSED static void
append_words(struct logfolder *f, const char *words, bool sync)
{
	char copy[1024], *rest = copy, *word;
	struct log *log;
	int64_t end = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	assert_ok(log_open(&f->p, &log));
	while ((word = strsep(&rest, " ")) != NULL)
		end = append(log, word) + 1;
	if (sync)
		sync_log(log, end);
	log_close(log);
}

/* What a reader sees, as "0=a 1=b"; or "status N". Valid until the next call. */
UNIT_UNUSED static const char *
read_all(struct logfolder *f)
{
	static char text[65536];
	struct reader *reader;
	struct batch_view view;
	struct batch_cursor cursor;
	struct record record;
	int64_t start, end;
	size_t at = 0;
	int rc;

	text[0] = '\0';
	assert_ok(reader_open(&f->p, &reader));
	if ((rc = reader_bounds(reader, &start, &end, NULL)) == STATUS_OK) {
		reader_seek(reader, start);
		while ((rc = reader_next(reader, end, &view)) == STATUS_OK) {
			assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
			while (batch_cursor_next(&cursor, &record) == STATUS_OK && at < sizeof(text) - 100) {
				if (record.offset >= start && record.offset < end)
					at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld=%.*s", at > 0 ? " " : "",
					    (long long)record.offset, record.value_len, (const char *)record.value);
			}
		}
	}
	reader_close(reader);
	if (rc != STATUS_END)
		snprintf(text, sizeof(text), "status %d", rc);
	return text;
}

UNIT_UNUSED static int
next_epoch(void *arg, int32_t above)
{
	struct head *head = arg;
	int32_t epoch = head_leader_epoch(head);

	return head_set_leader_epoch(head, (epoch > above ? epoch : above) + 1);
}

UNIT_UNUSED static int
try_recover(struct logfolder *f, struct recovery *r)
{
	int rc = head_adopt(f->p.head);

	return rc != STATUS_OK ? rc : recover_partition(&f->p, next_epoch, f->p.head, clock_deadline(PROC_PATIENCE_MS), r);
}

UNIT_UNUSED static struct recovery
recover_it(struct logfolder *f)
{
	struct recovery r;

	assert_ok(try_recover(f, &r));
	return r;
}

/* Bytes of the page's words, where head.c has them. */
enum {
	AT_BOOT_ID = 0,
	AT_GENERATION = 16,
	AT_SYNCED_END = 24,
	AT_LOG_START = 40,
	AT_POISON = 56,
	AT_COUNTER = 64,
	AT_APPENDER = 72,
	AT_SLOTS = 128,
	SLOT_BYTES = 96,
	AT_TOPIC_INODE = 16,
	AT_PARTITIONS = 40,
	AT_LEADER_EPOCH = 56,
	AT_SYNCED_ONLY = 64,
	AT_INTENTS = 72,
};

/* Store a word into the file `heads`; page 0 is the topic's. Mappings see it. */
UNIT_UNUSED static void
poke(int page, int at, uint64_t value)
{
	int fd = open("orders/heads", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), page * HEAD_PAGE_BYTES + at), sizeof(value));
	close(fd);
}

UNIT_UNUSED static uint64_t
peek(int page, int at)
{
	int fd = open("orders/heads", O_RDONLY | O_CLOEXEC);
	uint64_t value;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &value, sizeof(value), page * HEAD_PAGE_BYTES + at), sizeof(value));
	close(fd);
	return value;
}

/* The page is of another boot. */
UNIT_UNUSED static void
reboot(void)
{
	poke(1, AT_BOOT_ID, 1);
	poke(1, AT_BOOT_ID + 8, 2);
}

/* `cp -r` of the topic to where it was: every file has another inode. */
UNIT_UNUSED static void
replace_by_copy(void)
{
	assert_int_equal(system("cp -r orders copy && mv orders original && mv copy orders"), 0);
}

UNIT_UNUSED static void
cut_file(const char *path, int64_t size)
{
	assert_int_equal(truncate(path, (off_t)size), 0);
}

UNIT_UNUSED static void
flip_byte(const char *path, int64_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

UNIT_UNUSED static ino_t
inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* How many entries a folder has; 0 if there is none. */
UNIT_UNUSED static int
count_entries(const char *path)
{
	char command[256];
	FILE *f;
	int n = -1;

	snprintf(command, sizeof(command), "ls -A %s 2>/dev/null | wc -l", path);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

/* Arm a fault point in this process (a child of the test). */
UNIT_UNUSED static int
arm(const char *spec)
{
	return setenv("MQ_FAULT", spec, 1) != 0 || fault_arm() != STATUS_OK ? -1 : 0;
}

struct doomed {
	const char *fault;
	int (*body)(void);
};

UNIT_UNUSED static int
run_doomed(void *arg)
{
	const struct doomed *d = arg;

	return arm(d->fault) != 0 ? 97 : d->body();
}

/* Run body in a process that is killed at the fault; true if it was, false if it never came there and returned 0. */
UNIT_UNUSED static bool
dies_at(const char *fault, int (*body)(void))
{
	struct doomed d = {fault, body};
	int how = proc_run(run_doomed, &d);

	if (how != 0)
		assert_int_equal(how, 128 + SIGKILL);
	return how != 0;
}

#endif

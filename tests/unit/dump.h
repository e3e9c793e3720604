/*
 * dump: runs a room of mq-dump on a file, and keeps what it prints.
 */
#ifndef DUMP_H
#define DUMP_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"
#include "unit.h"

static bool dump_damaged; /* what the last dump_run found */

UNIT_UNUSED static int
dump_redirect(int to, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), saved = dup(to);

	assert_true(fd >= 0 && saved >= 0);
	assert_true(dup2(fd, to) >= 0);
	close(fd);
	return saved;
}

UNIT_UNUSED static void
dump_restore(int to, int saved)
{
	dup2(saved, to);
	close(saved);
}

typedef int dump_room(struct sheet *, const struct dump_file *);

/* Shows the file; its stdout goes to `out`, its stderr to `err`. */
UNIT_UNUSED static int
dump_run(dump_room *room, enum print_form form, const char *path, enum dump_kind kind)
{
	int out, err, rc, close_rc;
	struct dump_file f;
	struct sheet s;

	assert_ok(dump_file_open(path, kind, &f));
	fflush(stdout);
	fflush(stderr);
	out = dump_redirect(STDOUT_FILENO, "out");
	err = dump_redirect(STDERR_FILENO, "err");
	sheet_init(&s, form, false);
	if ((rc = sheet_file(&s, path)) == STATUS_OK)
		rc = room(&s, &f);
	close_rc = sheet_close(&s);
	fflush(stderr);
	dump_restore(STDOUT_FILENO, out);
	dump_restore(STDERR_FILENO, err);
	dump_damaged = s.damaged;
	dump_file_close(&f);
	return rc != STATUS_OK ? rc : close_rc;
}

UNIT_UNUSED static void
dump_assert(const char *path, const char *want)
{
	size_t len;
	char *got = unit_read(path, &len);

	if (strcmp(got, want) != 0)
		fail_msg("%s:\n%s--- wanted:\n%s---", path, got, want);
	free(got);
}

UNIT_UNUSED static void
dump_assert_has(const char *path, const char *part)
{
	size_t len;
	char *got = unit_read(path, &len);

	if (strstr(got, part) == NULL)
		fail_msg("%s:\n%s--- lacks:\n%s", path, got, part);
	free(got);
}

/* Every allocation fails once: STATUS_AGAIN, and nothing leaks (under ASan). */
UNIT_UNUSED static void
dump_without_memory(dump_room *room, enum print_form form, const char *path, enum dump_kind kind)
{
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = dump_run(room, form, path, kind);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			return;
		}
		if (rc != STATUS_OK)
			assert_status(rc, STATUS_AGAIN);
	}
}

#endif

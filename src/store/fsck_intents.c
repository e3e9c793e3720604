#include "store/fsck_intents.h"

#include <bsd/string.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/status.h"
#include "log/lost.h"
#include "store/handle.h"
#include "store/intent.h"
#include "store/intent_file.h"
#include "store/layout.h"

#define WHY_BYTES 512
#define DETAIL_BYTES 1200
/* So many partitions of a damaged set are told one by one. */
#define TOLD_TARGETS 8

struct check {
	struct topic *topic;
	const struct fsck_report *report;
	int dir;	       /* the folder that is looked at */
	bool repair;	       /* LOCK_BYTE_INTENTS is held, and what is damaged goes */
	int64_t sets, records; /* that wait, sound */
};

static void
path_of(char path[NAME_MAX_BYTES + 16], const char *folder, const char *name)
{
	(void)snprintf(path, NAME_MAX_BYTES + 16, "%s/%s", folder, name);
}

static int
read_target(const struct check *c, int fd, const char *name, const struct intent_file *f, const struct intent_target *target)
{
	struct intent_cursor cursor;
	struct batch_header h;
	struct buf batch = BUF_EMPTY;
	int count, rc;

	if ((rc = topic_partition_count(c->topic, &count)) != STATUS_OK)
		return rc;
	if (target->partition >= count)
		return status_fail(STATUS_CORRUPT, "%s: it is for partition %d, and the topic has %d", name, target->partition,
		    count);
	intent_cursor_init(&cursor, target);
	do
		rc = intent_cursor_next(&cursor, fd, name, f, &batch, &h);
	while (rc == STATUS_OK);
	buf_free(&batch);
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* All of it; f is the caller's to free, and holds the table if that is valid. */
static int
read_set(const struct check *c, const char *name, struct intent_file *f)
{
	int fd, rc;

	if ((rc = file_open_read(c->dir, name, &fd)) != STATUS_OK)
		return rc;
	rc = intent_file_read(fd, name, f);
	for (size_t i = 0; i < f->count && rc == STATUS_OK; i++)
		rc = read_target(c, fd, name, f, &f->targets[i]);
	(void)file_close(fd, name);
	return rc;
}

/* What it means that the set is damaged, behind the reason. */
static void
describe(char text[DETAIL_BYTES], const char *why, const struct intent_file *f)
{
	char part[64];

	(void)snprintf(text, DETAIL_BYTES, "%s: nobody can write to the topic while it is there; without it ", why);
	if (f->count == 0) {
		(void)strlcat(text, "what the logs do not hold yet of a committed set is lost, how many records cannot be told",
		    DETAIL_BYTES);
		return;
	}
	(void)strlcat(text, "what the logs do not hold yet of these records is lost:", DETAIL_BYTES);
	for (size_t i = 0; i < f->count && i < TOLD_TARGETS; i++) {
		(void)snprintf(part, sizeof(part), "%s %lld of partition %d", i > 0 ? "," : "", (long long)f->targets[i].records,
		    f->targets[i].partition);
		(void)strlcat(text, part, DETAIL_BYTES);
	}
	(void)snprintf(part, sizeof(part), "%s (%lld in all)", f->count > TOLD_TARGETS ? ", ..." : "", (long long)f->records);
	(void)strlcat(text, part, DETAIL_BYTES);
}

static int
put_aside(const struct check *c, const char *name)
{
	struct topic *t = c->topic;
	int lost, rc;

	if ((rc = intent_open_folder(t, LOST_FOLDER, &lost)) != STATUS_OK)
		return rc;
	if ((rc = file_move(c->dir, name, lost, name)) == STATUS_OK && (rc = file_sync(lost, LOST_FOLDER)) == STATUS_OK)
		rc = file_sync(c->dir, INTENTS_FOLDER);
	(void)file_close(lost, LOST_FOLDER);
	return rc;
}

static int
tell_damaged(const struct check *c, const char *name, const struct intent_file *f)
{
	char path[NAME_MAX_BYTES + 16], why[WHY_BYTES], text[DETAIL_BYTES];
	struct fsck_row row;
	int rc;

	(void)strlcpy(why, status_message(), sizeof(why));
	status_clear();
	describe(text, why, f);
	if (c->repair && (rc = put_aside(c, name)) != STATUS_OK)
		return rc;
	path_of(path, INTENTS_FOLDER, name);
	row = fsck_row_of(c->report, -1, path, "bad-set", text);
	if (c->repair)
		row.kept = name;
	fsck_tell(c->report, row, FSCK_CUT, true, c->repair);
	return STATUS_OK;
}

static int
check_set(void *arg, const char *name)
{
	struct check *c = arg;
	struct intent_file f = {.targets = NULL};
	int rc;

	if (!intent_is_name(name))
		return STATUS_OK;
	if ((rc = read_set(c, name, &f)) == STATUS_OK) {
		c->sets++;
		c->records += f.records;
	} else if (rc == STATUS_MISSING) {
		/* It was applied meanwhile. */
		status_clear();
		rc = STATUS_OK;
	} else if (rc == STATUS_CORRUPT) {
		rc = tell_damaged(c, name, &f);
	}
	intent_file_free(&f);
	return rc;
}

/* A spool whose maker lives is locked. */
static int
check_spool(void *arg, const char *name)
{
	struct check *c = arg;
	char path[NAME_MAX_BYTES + 16];
	struct lock *lock;
	struct fsck_row row;
	int rc = STATUS_OK;

	if (!intent_is_name(name))
		return STATUS_OK;
	if (lock_open(c->dir, name, &lock) != STATUS_OK) {
		status_clear();
		return STATUS_OK;
	}
	if (lock_stay(lock, 0) && file_exists(c->dir, name)) {
		if (c->repair)
			rc = file_remove(c->dir, name);
		path_of(path, SPOOLS_FOLDER, name);
		row = fsck_row_of(c->report, -1, path, "leftover", "its maker died before the commit; nothing of it is stored");
		if (rc == STATUS_OK)
			fsck_tell(c->report, row, FSCK_REMOVE, false, c->repair);
	}
	lock_close(lock);
	return rc;
}

static int
visit(struct check *c, const char *folder, int (*check)(void *arg, const char *name))
{
	int rc;

	if ((rc = dir_open(c->topic->dir, folder, &c->dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	rc = dir_list(c->dir, folder, check, c);
	(void)file_close(c->dir, folder);
	return rc;
}

static void
tell_waiting(const struct check *c)
{
	char text[256];

	if (c->sets == 0)
		return;
	(void)snprintf(text, sizeof(text), "%lld records in %lld committed sets that the next producer%s stores",
	    (long long)c->records, (long long)c->sets, c->repair ? ", or this repair," : "");
	fsck_tell(c->report, fsck_row_of(c->report, -1, INTENTS_FOLDER, "waiting", text), FSCK_APPLY, false, c->repair);
}

/* Nobody commits or applies beside it. */
static int
visit_sets(struct check *c)
{
	struct lock *lock = c->repair ? c->topic->lock : NULL;
	int rc;

	if (lock != NULL &&
	    (rc = lock_take(lock, LOCK_BYTE_INTENTS, "lock of committed sets", clock_deadline(c->report->options->lock_ms))) !=
		STATUS_OK)
		return rc;
	rc = visit(c, INTENTS_FOLDER, check_set);
	if (lock != NULL)
		lock_drop(lock, LOCK_BYTE_INTENTS);
	return rc;
}

int
fsck_intents(struct topic *t, const struct fsck_report *report)
{
	struct check c = {.topic = t, .report = report, .repair = report->options->repair};
	int rc;

	if (c.repair && t->lock == NULL)
		return STATUS_OK;
	if ((rc = visit(&c, SPOOLS_FOLDER, check_spool)) != STATUS_OK || (rc = visit_sets(&c)) != STATUS_OK)
		return handle_context(t, rc);
	/* Also where none is left: the page's word may still be up. */
	if (c.repair && head_intents(t->head) + (uint64_t)c.sets > 0 &&
	    (rc = intent_apply_waiting(t, clock_deadline(report->options->lock_ms))) != STATUS_OK)
		return handle_context(t, rc);
	tell_waiting(&c);
	return STATUS_OK;
}

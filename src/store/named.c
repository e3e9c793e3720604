#include "store/named.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/status.h"
#include "store/handle.h"
#include "store/intent.h"
#include "store/layout.h"
#include "store/named_file.h"
#include "store/named_trail.h"

/* Of the name's file; a line takes at most 60 bytes. */
#define FILE_MAX_BYTES ((size_t)8 << 20)
/* Pid and user of who holds the lock, in the lock file: of one length, so that a reader never sees two halves of different length. */
#define HOLDER_FORMAT "%10d %10u\n"
#define HOLDER_BYTES 22

/* A partition that the producer may have written to. */
struct lane {
	bool entered; /* the file says so */
	struct named_mark mark;
	struct named_trail trail; /* when the name was opened, or at the last checkpoint */
};

struct named {
	struct topic *topic;
	char name[NAME_MAX_BYTES + 1];
	int dir;
	struct lock *lock;
	int64_t id;
	int partitions; /* at its birth */
	bool known;	/* the file is there */
	bool live;	/* it says that there may be more than it knows */
	struct beginning input;
	bool followed; /* the input is a file that is followed */
	bool moved;    /* the place is another than the file says */
	struct named_place place;
	struct lane *lanes;
	int lane_count;
};

int
named_check_name(const char *name)
{
	static const char *const kept[] = {NAMED_LOCK_SUFFIX, ".tmp"};
	size_t len = strlen(name);
	int rc;

	if ((rc = parse_name("id", name)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < COUNT_OF(kept); i++) {
		size_t end = strlen(kept[i]);

		if (len > end && strcmp(name + len - end, kept[i]) == 0)
			return status_fail(STATUS_USAGE, "%s: no name ends with %s, files beside those of the names do", name,
			    kept[i]);
	}
	return STATUS_OK;
}

static int
name_context(const struct named *n, int rc)
{
	return status_context(rc, "%s/" NAMED_FOLDER "/%s", n->topic->name, n->name);
}

/*
 * Being alive.
 */

static int
open_folder(struct named *n)
{
	const struct topic *t = n->topic;
	int rc;

	if ((rc = dir_open(t->dir, NAMED_FOLDER, &n->dir)) != STATUS_MISSING)
		return rc;
	if ((rc = dir_make(t->dir, NAMED_FOLDER, &t->access)) != STATUS_OK && rc != STATUS_EXISTS)
		return rc;
	if ((rc = file_sync(t->dir, t->name)) != STATUS_OK)
		return rc;
	return dir_open(t->dir, NAMED_FOLDER, &n->dir);
}

static int
make_lock_file(const struct named *n, const char *name)
{
	struct file_access access = layout_named_lock_access(&n->topic->access);
	int fd, rc;

	if (file_exists(n->dir, name))
		return STATUS_OK;
	if ((rc = file_create(n->dir, name, &access, &fd)) != STATUS_OK)
		return rc == STATUS_EXISTS ? STATUS_OK : rc;
	return file_close(fd, name);
}

/* Say who we are, for the messages of others: nothing depends on it. */
static void
sign_lock(const struct named *n, const char *name)
{
	char text[HOLDER_BYTES + 1];
	int fd;

	(void)snprintf(text, sizeof(text), HOLDER_FORMAT, (int)getpid(), (unsigned)geteuid());
	if (file_open_write_only(n->dir, name, &fd) == STATUS_OK && file_write_at(fd, name, text, HOLDER_BYTES, 0) == STATUS_OK)
		(void)file_close(fd, name);
	else
		status_clear();
}

static int
fail_held(const struct named *n, const char *name)
{
	struct buf text = BUF_EMPTY;
	unsigned user;
	int pid, rc;

	if (file_read_all(n->dir, name, HOLDER_BYTES, &text) == STATUS_OK && buf_append_byte(&text, '\0') == STATUS_OK &&
	    sscanf((const char *)text.data, "%d %u", &pid, &user) == 2)
		rc = status_fail(STATUS_AGAIN, "is at work: process %d of user %u (%s)", pid, user, process_state(pid));
	else
		rc = status_fail(STATUS_AGAIN, "is at work in another process");
	buf_free(&text);
	return rc;
}

static int
take_lock(struct named *n)
{
	char name[NAME_MAX_BYTES + sizeof(NAMED_LOCK_SUFFIX)];
	int rc;

	(void)snprintf(name, sizeof(name), "%s" NAMED_LOCK_SUFFIX, n->name);
	if ((rc = make_lock_file(n, name)) != STATUS_OK || (rc = lock_open(n->dir, name, &n->lock)) != STATUS_OK)
		return rc;
	if (!lock_stay(n->lock, 0))
		return fail_held(n, name);
	sign_lock(n, name);
	return STATUS_OK;
}

/*
 * What is stored.
 */

static int
widen(struct named *n, int count)
{
	struct lane *lanes;

	if (count <= n->lane_count)
		return STATUS_OK;
	if ((lanes = reallocarray(n->lanes, (size_t)count, sizeof(*lanes))) == NULL)
		return status_no_memory("partitions");
	memset(lanes + n->lane_count, 0, (size_t)(count - n->lane_count) * sizeof(*lanes));
	n->lanes = lanes;
	n->lane_count = count;
	return STATUS_OK;
}

static int
be_born(struct named *n)
{
	arc4random_buf(&n->id, sizeof(n->id));
	n->id &= INT64_MAX;
	return topic_partition_count(n->topic, &n->partitions);
}

static int
take_file(struct named *n, const struct named_file *f)
{
	int count, rc;

	if ((rc = topic_partition_count(n->topic, &count)) != STATUS_OK)
		return rc;
	if (f->count > 0 && f->marks[f->count - 1].partition >= count)
		return status_fail(STATUS_CONFIG, "tells of partition %d, the topic has %d", f->marks[f->count - 1].partition,
		    count);
	if (f->partitions > count)
		return status_fail(STATUS_CONFIG, "born with %d partitions, the topic has %d", f->partitions, count);
	n->known = true;
	n->id = f->producer_id;
	n->partitions = f->partitions;
	n->live = f->live;
	n->input = f->input;
	n->followed = f->followed;
	n->place = f->place;
	if ((rc = widen(n, f->count > 0 ? f->marks[f->count - 1].partition + 1 : 0)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < f->count; i++) {
		const struct named_mark *m = &f->marks[i];

		n->lanes[m->partition] = (struct lane){.entered = true, .mark = *m};
	}
	return STATUS_OK;
}

static int
read_file(struct named *n)
{
	struct named_file f = {.marks = NULL};
	struct buf text = BUF_EMPTY;
	int rc;

	/* Who made the folder, or renamed the file, may have died before that was durable; what we store must not outlive it. */
	if ((rc = file_read_all(n->dir, n->name, FILE_MAX_BYTES, &text)) == STATUS_MISSING)
		return (rc = file_sync(n->topic->dir, topic_name(n->topic))) == STATUS_OK ? be_born(n) : rc;
	if (rc == STATUS_OK && (rc = file_sync(n->dir, NAMED_FOLDER)) == STATUS_OK &&
	    (rc = named_file_decode(&text, &f)) == STATUS_OK)
		rc = take_file(n, &f);
	named_file_free(&f);
	buf_free(&text);
	/* No setting of a user's, but what we wrote. */
	return rc == STATUS_CONFIG ? STATUS_IO : rc;
}

static int
open_parts(struct named *n, int64_t deadline_ms)
{
	int rc;

	if ((rc = open_folder(n)) != STATUS_OK || (rc = take_lock(n)) != STATUS_OK || (rc = read_file(n)) != STATUS_OK)
		return name_context(n, rc);
	/* What a run with --atomic committed is stored, though it may not lie in the log yet. */
	if (n->live && head_intents(n->topic->head) != 0 && (rc = intent_apply_waiting(n->topic, deadline_ms)) != STATUS_OK)
		return handle_context(n->topic, rc);
	for (int p = 0; p < n->lane_count && rc == STATUS_OK; p++) {
		struct lane *lane = &n->lanes[p];

		if (lane->entered)
			rc = named_trail_find(n->topic, p, n->id, &lane->mark, n->live, deadline_ms, &lane->trail);
	}
	return rc;
}

int
named_open(struct topic *topic, const char *name, int64_t deadline_ms, struct named **out)
{
	struct named *n;
	int rc;

	if ((rc = named_check_name(name)) != STATUS_OK)
		return rc;
	if (topic_config(topic)->log.compacts)
		return status_fail(STATUS_CONFIG, "%s: compacted (cleanup.policy): what a rerun would be compared with may be gone",
		    topic_name(topic));
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return status_no_memory(name);
	n->topic = topic;
	n->dir = -1;
	(void)strlcpy(n->name, name, sizeof(n->name));
	if ((rc = open_parts(n, deadline_ms)) != STATUS_OK) {
		named_close(n);
		return rc;
	}
	*out = n;
	return STATUS_OK;
}

void
named_close(struct named *n)
{
	if (n == NULL)
		return;
	for (int p = 0; p < n->lane_count; p++)
		named_trail_free(&n->lanes[p].trail);
	free(n->lanes);
	lock_close(n->lock);
	(void)file_close(n->dir, NAMED_FOLDER);
	free(n);
}

const char *
named_name(const struct named *n)
{
	return n->name;
}

int
named_partitions(const struct named *n)
{
	return n->partitions;
}

int
named_most_partition(const struct named *n)
{
	return n->lane_count;
}

uint64_t
named_key(const struct named *n)
{
	return (uint64_t)n->id;
}

void
named_sign(const struct named *n, struct batch_producer *producer)
{
	producer->id = n->id;
	producer->epoch = 0;
}

bool
named_known(const struct named *n)
{
	return n->known;
}

const struct named_place *
named_place(const struct named *n)
{
	return n->followed ? &n->place : NULL;
}

void
named_set_place(struct named *n, const struct named_place *place)
{
	n->moved = n->moved || !n->followed || !named_place_equal(&n->place, place);
	n->followed = true;
	n->place = *place;
}

const struct beginning *
named_input(const struct named *n)
{
	return &n->input;
}

int64_t
named_checked(const struct named *n, int p)
{
	return p < n->lane_count ? n->lanes[p].mark.stored : 0;
}

int64_t
named_count(const struct named *n, int p)
{
	return p < n->lane_count ? n->lanes[p].trail.count : 0;
}

const struct fingerprint *
named_trace(const struct named *n, int p, int64_t number)
{
	return named_trail_get(&n->lanes[p].trail, number);
}

int
named_each_behind(struct named *n, int (*visit)(void *arg, int p, const struct buf *bytes), void *arg)
{
	int rc = STATUS_OK;

	for (int p = 0; p < n->lane_count && rc == STATUS_OK; p++)
		rc = named_trail_each(n->topic, p, n->id, &n->lanes[p].trail, visit, arg);
	return rc;
}

/*
 * What is written.
 */

static int
put_marks(const struct named *n, struct named_file *f)
{
	if ((f->marks = calloc((size_t)n->lane_count + 1, sizeof(*f->marks))) == NULL)
		return status_no_memory("partitions");
	for (int p = 0; p < n->lane_count; p++) {
		if (n->lanes[p].entered)
			f->marks[f->count++] = n->lanes[p].mark;
	}
	return STATUS_OK;
}

/* Durable on return. */
static int
write_file(struct named *n, bool live)
{
	struct named_file f = {
	    .producer_id = n->id,
	    .partitions = n->partitions,
	    .live = live,
	    .input = n->input,
	    .followed = n->followed,
	    .place = n->place,
	};
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = put_marks(n, &f)) == STATUS_OK && (rc = named_file_encode(&f, &text)) == STATUS_OK)
		rc = file_replace(n->dir, n->name, text.data, text.len, &n->topic->access);
	named_file_free(&f);
	buf_free(&text);
	if (rc != STATUS_OK)
		return name_context(n, rc);
	n->known = true;
	n->live = live;
	n->moved = false;
	fault_point(
	    "named.written"); /* before a batch is published: BORN_LATE, NOT_LIVE and ENTER_LATE of tests/models/named.pml */
	return STATUS_OK;
}

bool
named_entered(const struct named *n, int p)
{
	return n->live && p < n->lane_count && n->lanes[p].entered;
}

/* None of its records lies in the partition: it has not been there. */
static int
enter(struct named *n, int p)
{
	struct lane *lane;
	int64_t start;
	int rc;

	if ((rc = widen(n, p + 1)) != STATUS_OK || n->lanes[p].entered)
		return rc;
	lane = &n->lanes[p];
	lane->mark = (struct named_mark){.partition = p, .epoch = head_leader_epoch(n->topic->head)};
	if ((rc = topic_bounds(n->topic, p, &start, &lane->mark.offset, NULL)) == STATUS_OK)
		lane->entered = true;
	return rc;
}

int
named_enter(struct named *n, const int *partitions, int count)
{
	int rc = STATUS_OK;

	for (int i = 0; i < count && rc == STATUS_OK; i++)
		rc = enter(n, partitions[i]);
	return rc == STATUS_OK ? write_file(n, true) : rc;
}

/* Sync what the partition got since the last checkpoint. The epoch first: a cut behind it opens a greater one. */
static int
check_lane(struct named *n, int p, int64_t count, int64_t deadline_ms)
{
	struct lane *lane = &n->lanes[p];
	int32_t epoch = head_leader_epoch(n->topic->head);
	int rc;

	if (!lane->entered || (count == lane->mark.stored && !lane->trail.searched))
		return STATUS_OK;
	if ((rc = topic_sync(n->topic, p, deadline_ms, &lane->mark.offset)) != STATUS_OK)
		return rc;
	lane->mark.epoch = epoch;
	lane->mark.stored = count;
	named_trail_free(&lane->trail);
	lane->trail = (struct named_trail){.stored = count, .count = count};
	return STATUS_OK;
}

int
named_checkpoint(struct named *n, const struct beginning *input, const int64_t *counts, int partitions, bool live,
    int64_t deadline_ms)
{
	int rc = STATUS_OK;

	if (n->live == live && !n->moved && n->input.records == input->records)
		return STATUS_OK;
	for (int p = 0; p < partitions && p < n->lane_count && rc == STATUS_OK; p++)
		rc = check_lane(n, p, counts[p], deadline_ms);
	if (rc != STATUS_OK)
		return rc;
	fault_point("named.synced"); /* LOG_UNSYNCED of tests/models/named.pml */
	n->input = *input;
	return write_file(n, live);
}

int
named_make_scratch(struct named *n, int *fd)
{
	char name[NAME_MAX_BYTES + sizeof(".tmp")];
	int rc;

	(void)snprintf(name, sizeof(name), "%s.tmp", n->name);
	if ((rc = file_remove(n->dir, name)) != STATUS_OK || (rc = file_create(n->dir, name, &n->topic->access, fd)) != STATUS_OK)
		return rc;
	if ((rc = file_remove(n->dir, name)) != STATUS_OK)
		(void)file_close(*fd, name);
	return rc;
}

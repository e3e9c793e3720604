#include "store/export.h"

#include <assert.h>
#include <bsd/stdlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/status.h"
#include "log/extract.h"
#include "log/rebuild.h"
#include "store/handle.h"
#include "store/intent.h"
#include "store/layout.h"

/* So often a partition is begun again that was trimmed or rebuilt while it was copied. */
#define TRIES 10
/* How long to wait for who stores committed sets. */
#define PATIENCE_MS 30000
/* What is left of a topic's name of 249 characters in the name of a folder in the making. */
#define DRAFT_TOPIC_MAX 200
#define DRAFT_NAME_BYTES 300

struct bounds {
	uint64_t generation; /* of the page, before it said these */
	int64_t start, end;
};

struct export
{
	struct topic *topic;
	const struct export_order *order;
	int dir; /* order->folder */
	int count;
	struct bounds *bounds;	/* of each partition, when the export began */
	uint64_t number;	/* in the names of this export's drafts */
	int made, named;	/* how many partitions have a draft; how many of these have their name */
	int64_t records, bytes; /* of the partitions before this one verified, of all written */
};

/* While it is made, a folder bears the name that a broker gives to one it is about to remove, because that is what it does at its start. */
static void
draft_name(const struct export *x, int p, char name[DRAFT_NAME_BYTES])
{
	(void)snprintf(name, DRAFT_NAME_BYTES, "%.*s-%d.%032llx-delete", DRAFT_TOPIC_MAX, x->topic->name, p,
	    (unsigned long long)x->number);
}

static int
on_bytes(void *arg, int64_t bytes)
{
	struct export *x = arg;

	x->bytes += bytes;
	return x->order->progress == NULL ? STATUS_OK : x->order->progress(x->order->arg, x->records, x->bytes);
}

static int
on_verified(void *arg, int64_t records, int64_t bytes)
{
	const struct export *x = arg;

	(void)bytes;
	return x->order->progress == NULL ? STATUS_OK : x->order->progress(x->order->arg, x->records + records, x->bytes);
}

/*
 * One partition.
 */

static int
ask_bounds(const struct export *x, int p, struct bounds *b)
{
	bool damaged;
	int rc;

	b->generation = head_generation(x->topic->head, p);
	if ((rc = handle_bounds(x->topic, p, &b->start, &b->end, &damaged)) == STATUS_OK && damaged)
		rc = status_fail(STATUS_IO, "%s/%d: damaged: it can be read up to offset %lld only", x->topic->name, p,
		    (long long)b->end);
	return rc;
}

static int
fill_folder(struct export *x, struct slot *s, const struct bounds *b, int dir)
{
	struct extract_order extract = {
	    .partition = &s->part,
	    .generation = b->generation,
	    .start = b->start,
	    .end = b->end,
	    .to = dir,
	    .access = &x->order->access,
	    .progress = on_bytes,
	    .progress_arg = x,
	};
	struct rebuild_order rebuild = {
	    .dir = dir,
	    .label = s->part.label,
	    .access = &x->order->access,
	    .index_interval_bytes = x->topic->config.log.index_interval_bytes,
	    .log_start = b->start,
	    .abort_open = true,
	    .forget_producers = true,
	    .progress = on_verified,
	    .progress_arg = x,
	};
	struct rebuilt found;
	int rc;

	if ((rc = extract_segments(&extract)) != STATUS_OK)
		return slot_context(s, rc);
	if ((rc = rebuild_partition(&rebuild, &found)) != STATUS_OK)
		return rc;
	assert(found.end.end_offset == b->end + found.aborted);
	x->records += found.records;
	return STATUS_OK;
}

static int
sync_entry(void *arg, const char *entry)
{
	const int *dir = arg;
	int fd, rc;

	if ((rc = file_open_read(*dir, entry, &fd)) != STATUS_OK)
		return rc;
	rc = file_sync(fd, entry);
	(void)file_close(fd, entry);
	return rc;
}

/* As one that this failed attempt has left is not there. */
static int
remove_draft(const struct export *x, int p)
{
	char name[DRAFT_NAME_BYTES];
	int rc;

	draft_name(x, p, name);
	rc = dir_remove_tree(x->dir, name);
	return rc == STATUS_MISSING ? STATUS_OK : rc;
}

static int
make_draft(struct export *x, int p, const struct bounds *b)
{
	const struct export_order *o = x->order;
	char name[DRAFT_NAME_BYTES];
	struct slot *s;
	int dir, rc;

	draft_name(x, p, name);
	if ((rc = handle_use(x->topic, p, &s)) != STATUS_OK ||
	    (rc = layout_make_folder(x->dir, name, &o->access, o->topic_id != NULL ? o->topic_id : x->topic->config.topic_id,
		 &dir)) != STATUS_OK)
		return rc;
	if ((rc = fill_folder(x, s, b, dir)) == STATUS_OK && (rc = dir_list(dir, name, sync_entry, &dir)) == STATUS_OK)
		rc = file_sync(dir, name);
	(void)file_close(dir, name);
	fault_point("export.partition");
	return rc;
}

/* Until nobody changed the log meanwhile. What was pinned stays so, unless it is no longer there. */
static int
export_partition(struct export *x, int p)
{
	struct bounds *pinned = &x->bounds[p], now;
	int rc = STATUS_OK;

	x->made = p + 1;
	for (int i = 0; i < TRIES; i++) {
		if ((rc = make_draft(x, p, pinned)) != STATUS_GONE && rc != STATUS_MISSING)
			return rc;
		if ((rc = remove_draft(x, p)) != STATUS_OK || (rc = ask_bounds(x, p, &now)) != STATUS_OK)
			return rc;
		if (pinned->end > now.start && pinned->end < now.end)
			now.end = pinned->end;
		*pinned = now;
	}
	return status_fail(STATUS_AGAIN, "%s/%d: trimmed or rebuilt faster than it can be copied", x->topic->name, p);
}

/*
 * All of them.
 */

static int
check_names(const struct export *x)
{
	char name[PARTITION_NAME_BYTES];

	for (int p = 0; p < x->count; p++) {
		layout_partition_name(name, x->topic->name, p);
		if (file_exists(x->dir, name))
			return status_fail(STATUS_EXISTS, "%s/%s: exists already", x->order->folder, name);
	}
	return STATUS_OK;
}

/* The partitions end where they end now, however long the copy takes. */
static int
pin(struct export *x)
{
	int rc = STATUS_OK;

	assert(x->count > 0);
	if ((x->bounds = calloc((size_t)x->count, sizeof(*x->bounds))) == NULL)
		return status_no_memory(x->topic->name);
	for (int p = 0; p < x->count && rc == STATUS_OK; p++)
		rc = ask_bounds(x, p, &x->bounds[p]);
	return rc;
}

static int
give_names(struct export *x)
{
	char draft[DRAFT_NAME_BYTES], name[PARTITION_NAME_BYTES];
	int rc = STATUS_OK;

	for (int p = 0; p < x->count; p++) {
		draft_name(x, p, draft);
		layout_partition_name(name, x->topic->name, p);
		if ((rc = file_move(x->dir, draft, x->dir, name)) != STATUS_OK)
			return rc;
		fault_point("export.named");
		x->named = p + 1;
	}
	return file_sync(x->dir, x->order->folder);
}

static int
remove_named(const struct export *x, int p)
{
	char name[PARTITION_NAME_BYTES];

	layout_partition_name(name, x->topic->name, p);
	return dir_remove_tree(x->dir, name);
}

/* Remove what was made, as far as that can be done; the message stays. */
static void
undo(const struct export *x)
{
	char why[1024];

	(void)snprintf(why, sizeof(why), "%s", status_message());
	for (int p = 0; p < x->made; p++) {
		if ((p < x->named ? remove_named(x, p) : remove_draft(x, p)) != STATUS_OK)
			continue;
	}
	(void)status_fail(STATUS_OK, "%s", why);
}

static int
export_all(struct export *x)
{
	int rc;

	if ((rc = check_names(x)) != STATUS_OK || (rc = pin(x)) != STATUS_OK)
		return rc;
	for (int p = 0; p < x->count && rc == STATUS_OK; p++)
		rc = export_partition(x, p);
	if (rc == STATUS_OK)
		rc = give_names(x);
	if (rc != STATUS_OK)
		undo(x);
	return rc;
}

int
export_topic(struct topic *t, const struct export_order *o)
{
	struct export x = {.topic = t, .order = o, .dir = -1, .count = 0};
	int rc;

	arc4random_buf(&x.number, sizeof(x.number));
	/* What is committed is part of the topic; who may not store it copies what readers see. */
	if (head_intents(t->head) != 0 && t->lock != NULL &&
	    (rc = intent_apply_waiting(t, clock_deadline(PATIENCE_MS))) != STATUS_OK)
		return handle_context(t, rc);
	if ((rc = topic_partition_count(t, &x.count)) != STATUS_OK || (rc = dir_make_path(o->folder)) != STATUS_OK ||
	    (rc = dir_open_path(o->folder, &x.dir)) != STATUS_OK)
		return rc;
	rc = export_all(&x);
	free(x.bounds);
	(void)file_close(x.dir, o->folder);
	return rc;
}

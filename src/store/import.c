#include "store/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/status.h"
#include "log/head.h"
#include "log/rebuild.h"
#include "store/catalog.h"
#include "store/import_source.h"
#include "store/layout.h"
#include "store/state.h"

struct import {
	const struct import_order *order;
	struct config config;
	struct file_access access;
	struct catalog_draft draft;
	struct import_source *sources; /* by partition */
	struct rebuilt *found;	       /* for each of them */
	int64_t records, bytes;	       /* of the partitions before this one verified, of all copied */
};

/*
 * The folders.
 */

static int
compare_sources(const void *a, const void *b)
{
	int x = ((const struct import_source *)a)->partition, y = ((const struct import_source *)b)->partition;

	return (x > y) - (x < y);
}

/* The sources in the order of their partitions; the caller frees them. */
static int
list_sources(const struct import_order *o, struct import_source **out)
{
	struct import_source *sources = calloc((size_t)o->folder_count, sizeof(*sources));
	int rc = STATUS_OK;

	if (sources == NULL)
		return status_no_memory("folders");
	for (int i = 0; i < o->folder_count && rc == STATUS_OK; i++)
		rc = import_source_parse(o->folders[i], &sources[i]);
	if (rc == STATUS_OK)
		qsort(sources, (size_t)o->folder_count, sizeof(*sources), compare_sources);
	for (int i = 1; i < o->folder_count && rc == STATUS_OK; i++) {
		if (sources[i].partition == sources[i - 1].partition)
			rc = status_fail(STATUS_USAGE, "partition %d is given twice: %s, %s", sources[i].partition,
			    sources[i - 1].path, sources[i].path);
	}
	if (rc == STATUS_OK)
		*out = sources;
	else
		free(sources);
	return rc;
}

int
import_check(const struct import_order *o)
{
	struct import_source *sources;
	int rc;

	if ((rc = list_sources(o, &sources)) == STATUS_OK)
		free(sources);
	return rc;
}

/* 0 to N-1 are all there: they ascend and none comes twice. */
static int
check_complete(const struct import *m)
{
	const struct import_order *o = m->order;

	for (int i = 0; i < o->folder_count; i++) {
		if (m->sources[i].partition != i)
			return status_fail(STATUS_MISSING, "partition %d is missing: the folders go up to %d", i,
			    m->sources[o->folder_count - 1].partition);
	}
	return STATUS_OK;
}

/*
 * One partition.
 */

static int
on_copied(void *arg, int64_t bytes)
{
	struct import *m = arg;
	const struct import_order *o = m->order;

	m->bytes += bytes;
	return o->progress == NULL ? STATUS_OK : o->progress(o->arg, m->records, m->bytes);
}

static int
on_verified(void *arg, int64_t records, int64_t bytes)
{
	const struct import *m = arg;
	const struct import_order *o = m->order;

	(void)bytes;
	return o->progress == NULL ? STATUS_OK : o->progress(o->arg, m->records + records, m->bytes);
}

static const char *
plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

static void
tell(const struct import_order *o, int p, const struct rebuilt *found)
{
	char text[512];

	if (o->notice == NULL)
		return;
	if (found->gaps > 0) {
		(void)snprintf(text, sizeof(text), "%s/%d: %lld gap%s, %lld offset%s missing: compacted", o->name, p,
		    (long long)found->gaps, plural(found->gaps), (long long)found->missing, plural(found->missing));
		o->notice(o->arg, text);
	}
	if (found->torn_bytes > 0) {
		(void)snprintf(text, sizeof(text), "%s/%d: the last %lld byte%s, at offset %lld, are no whole batch: left out",
		    o->name, p, (long long)found->torn_bytes, plural(found->torn_bytes), (long long)found->torn_offset);
		o->notice(o->arg, text);
	}
	if (found->aborted > 0) {
		(void)snprintf(text, sizeof(text), "%s/%d: %lld transaction%s open at the end: aborted", o->name, p,
		    (long long)found->aborted, plural(found->aborted));
		o->notice(o->arg, text);
	}
}

/* Verify the copy in the folder `dir`, and make what belongs beside it. */
static int
verify(struct import *m, const struct import_source *s, int dir)
{
	struct rebuild_order order = {
	    .dir = dir,
	    .label = s->path,
	    .access = &m->access,
	    .index_interval_bytes = m->config.log.index_interval_bytes,
	    .log_start = s->log_start,
	    .first_epoch = s->epochs.count > 0 ? &s->epochs.entries[0] : NULL,
	    .cut_torn = true,
	    .abort_open = true,
	    .progress = on_verified,
	    .progress_arg = m,
	};
	struct rebuilt *found = &m->found[s->partition];
	int rc;

	if ((rc = rebuild_partition(&order, found)) != STATUS_OK)
		return rc;
	m->records += found->records;
	tell(m->order, s->partition, found);
	return STATUS_OK;
}

static int
import_partition(struct import *m, struct import_source *s)
{
	char name[PARTITION_NAME_BYTES];
	int dir, rc;

	layout_partition_name(name, m->order->name, s->partition);
	if ((rc = import_source_open(s)) == STATUS_OK &&
	    (rc = layout_make_folder(m->draft.dir, name, &m->access, m->config.topic_id, &dir)) == STATUS_OK) {
		if ((rc = import_source_copy(s, dir, &m->access, on_copied, m)) == STATUS_OK)
			rc = verify(m, s, dir);
		(void)file_close(dir, name);
		fault_point("import.partition");
	}
	import_source_close(s);
	return rc;
}

/*
 * The topic.
 */

/* Nothing is open that was not imported, so the epoch of the last batch anywhere is in force. */
static int32_t
leader_epoch(const struct import *m)
{
	int32_t epoch = 0;

	for (int p = 0; p < m->config.partitions; p++) {
		if (m->found[p].end.leader_epoch > epoch)
			epoch = m->found[p].end.leader_epoch;
	}
	return epoch;
}

static int
fill_page(struct head *head, int p, const struct rebuilt *found)
{
	int rc;

	if ((rc = head_rebuild_begin(head, p)) != STATUS_OK ||
	    (found->log_start > 0 && (rc = head_raise_log_start(head, p, found->log_start)) != STATUS_OK) ||
	    (rc = head_set_closed_bytes(head, p, found->bytes - found->end.end_position)) != STATUS_OK ||
	    (found->gap_end > 0 && (rc = head_raise_gap_end(head, p, found->gap_end)) != STATUS_OK))
		return rc;
	return head_rebuild_finish(head, p, &found->end, found->end.end_offset, HEAD_SOUND);
}

/* The pages say what is durable, so they are written last. */
static int
fill_heads(const struct import *m)
{
	struct head *head;
	int rc;

	if ((rc = head_open(m->draft.dir, &head)) != STATUS_OK)
		return rc;
	rc = head_set_leader_epoch(head, leader_epoch(m));
	for (int p = 0; p < m->config.partitions && rc == STATUS_OK; p++)
		rc = fill_page(head, p, &m->found[p]);
	head_close(head);
	return rc;
}

static int
finish_topic(const struct import *m)
{
	struct state state = {.leader_epoch = leader_epoch(m)};
	int dir = m->draft.dir, rc;

	if ((rc = head_create(dir, &m->access, m->config.partitions, m->config.log.fsync == FSYNC_ALWAYS)) != STATUS_OK ||
	    (rc = state_write(dir, &m->access, &state)) != STATUS_OK ||
	    (rc = layout_write_config(dir, &m->access, &m->config)) != STATUS_OK ||
	    (rc = file_sync_system(dir, m->order->name)) != STATUS_OK)
		return rc;
	fault_point("import.synced");
	return fill_heads(m);
}

static int
fill_draft(struct import *m)
{
	int rc;

	if ((rc = check_complete(m)) != STATUS_OK)
		return rc;
	for (int p = 0; p < m->config.partitions; p++) {
		if ((rc = import_partition(m, &m->sources[p])) != STATUS_OK)
			return rc;
	}
	return finish_topic(m);
}

static int
import_all(struct store *s, struct import *m)
{
	const struct import_order *o = m->order;
	int rc;

	if ((rc = catalog_begin(s, o->name, &m->access, clock_deadline(o->lock_timeout_ms), &m->draft)) != STATUS_OK)
		return rc;
	if ((rc = fill_draft(m)) == STATUS_OK)
		rc = catalog_commit(s, &m->draft, clock_deadline(o->lock_timeout_ms));
	catalog_abandon(s, &m->draft);
	return rc;
}

int
import_topic(struct store *s, const struct import_order *o)
{
	struct import m = {.order = o, .config = o->config};
	int rc;

	if ((rc = config_set_partitions(&m.config, o->folder_count)) != STATUS_OK ||
	    (rc = config_access(&m.config, &m.access)) != STATUS_OK || (rc = list_sources(o, &m.sources)) != STATUS_OK)
		return rc;
	if ((m.found = calloc((size_t)o->folder_count, sizeof(*m.found))) == NULL)
		rc = status_no_memory(o->name);
	else
		rc = import_all(s, &m);
	free(m.found);
	free(m.sources);
	return rc;
}

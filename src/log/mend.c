#include "log/mend.h"

#include <bsd/sys/endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/status.h"
#include "log/index.h"
#include "log/lost.h"
#include "log/producers.h"
#include "log/retention.h"
#include "log/segment.h"
#include "log/sync.h"

#define CUT_SUFFIX ".log.cut"
#define COPY_BYTES ((size_t)1 << 20)

struct mend {
	const struct mend_order *o;
	const struct partition *p;
	const struct verified *found;
	struct index_writer index;
	int64_t end;	      /* where the log will end */
	struct head_end last; /* of the segment that was scanned last */
};

static bool
has_flaw(const struct mend *m, int64_t base, enum flaw_kind kind)
{
	const struct flaw_list *l = &m->found->flaws;

	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].kind == kind && l->items[i].base == base)
			return true;
	}
	return false;
}

static bool
is_rewritten(const struct mend *m, const struct verified_segment *v)
{
	return has_flaw(m, v->base, FLAW_BAD) || has_flaw(m, v->base, FLAW_HEADER);
}

/* The bytes of the segment that count. */
static int64_t
limit_of(const struct mend *m, const struct verified_segment *v)
{
	const struct head_end *published = m->o->order->published;

	return published != NULL && published->segment_base == v->base && published->end_position < v->size
	    ? published->end_position
	    : v->size;
}

static int
open_segment(const struct mend *m, int64_t base, int *fd)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, SUFFIX_LOG);
	return file_open_write(m->p->dir, name, fd);
}

/*
 * What has to be known before anything goes.
 */

static int
keep_one(const struct mend *m, const struct flaw *f)
{
	char name[LOST_NAME_BYTES];
	int fd, rc;

	if ((rc = open_segment(m, f->base, &fd)) != STATUS_OK)
		return rc;
	rc = lost_keep(m->p, fd, f->from >= 0 ? f->from : f->base, f->position, f->end, name);
	(void)file_close(fd, f->file);
	fault_point("mend.kept");
	if (rc == STATUS_OK && m->o->kept != NULL)
		m->o->kept(m->o->arg, f, name);
	return rc;
}

static int
keep_all(const struct mend *m)
{
	const struct flaw_list *l = &m->found->flaws;
	int rc = STATUS_OK;

	for (size_t i = 0; i < l->count && rc == STATUS_OK; i++) {
		if (l->items[i].kind == FLAW_BAD && l->items[i].end > l->items[i].position)
			rc = keep_one(m, &l->items[i]);
	}
	return rc;
}

/* The page says that offsets may be missing before they are. */
static int
admit_gaps(const struct mend *m)
{
	const struct flaw_list *l = &m->found->flaws;
	struct head *head = m->p->head;
	int64_t gap_end = head_gap_end(head, m->p->number), start = head_log_start(head, m->p->number), first = m->end;
	int rc = STATUS_OK;

	for (size_t i = 0; i < l->count; i++) {
		if (flaw_is_damage(l->items[i].kind) && l->items[i].to > gap_end)
			gap_end = l->items[i].to;
	}
	if (m->found->end < m->end && m->end > gap_end)
		gap_end = m->end;
	if (m->found->count > 0)
		first = m->found->segments[0].base;
	if (gap_end > head_gap_end(head, m->p->number))
		rc = head_raise_gap_end(head, m->p->number, gap_end);
	return rc == STATUS_OK && first > start ? head_raise_log_start(head, m->p->number, first) : rc;
}

/*
 * Segments.
 */

static int
copy_range(const struct mend *m, int from, int to, int64_t position, int64_t end, int64_t *at)
{
	uint8_t *bytes = malloc(COPY_BYTES);
	size_t got;
	int rc = STATUS_OK;

	if (bytes == NULL)
		return status_no_memory(m->p->label);
	while (rc == STATUS_OK && position < end) {
		size_t want = end - position < (int64_t)COPY_BYTES ? (size_t)(end - position) : COPY_BYTES;

		if ((rc = file_read_at(from, SUFFIX_LOG, bytes, want, position, &got)) != STATUS_OK)
			break;
		if (got == 0)
			rc = status_fail(STATUS_IO, "the segment became shorter");
		else
			rc = file_write_at(to, SUFFIX_LOG, bytes, got, *at);
		position += (int64_t)got;
		*at += (int64_t)got;
	}
	free(bytes);
	return rc;
}

/* The batch whose header is set right: it has been copied to [at, ...) of the new file. */
static int
set_header(const struct flaw *f, int to, int64_t at)
{
	uint8_t prefix[BATCH_MAGIC_AT + 1];

	be64enc(prefix + BATCH_BASE_OFFSET_AT, (uint64_t)f->base_offset);
	be32enc(prefix + BATCH_LENGTH_AT, (uint32_t)(f->end - f->position - BATCH_PREFIX_BYTES));
	be32enc(prefix + BATCH_LEADER_EPOCH_AT, (uint32_t)f->leader_epoch);
	prefix[BATCH_MAGIC_AT] = BATCH_MAGIC;
	return file_write_at(to, SUFFIX_LOG, prefix, sizeof(prefix), at);
}

static int
copy_good(const struct mend *m, const struct verified_segment *v, int from, int to)
{
	const struct flaw_list *l = &m->found->flaws;
	int64_t position = 0, at = 0, limit = limit_of(m, v), begin;
	int rc = STATUS_OK;

	for (size_t i = 0; i < l->count && rc == STATUS_OK; i++) {
		const struct flaw *f = &l->items[i];

		if (f->base != v->base || (f->kind != FLAW_BAD && f->kind != FLAW_HEADER))
			continue;
		rc = copy_range(m, from, to, position, f->position, &at);
		begin = at;
		if (rc == STATUS_OK && f->kind == FLAW_HEADER &&
		    (rc = copy_range(m, from, to, f->position, f->end, &at)) == STATUS_OK)
			rc = set_header(f, to, begin);
		position = f->end;
	}
	return rc == STATUS_OK ? copy_range(m, from, to, position, limit, &at) : rc;
}

static int
rewrite(const struct mend *m, const struct verified_segment *v)
{
	char name[SEGMENT_NAME_BYTES], temporary[SEGMENT_NAME_BYTES];
	int from, to = -1, rc;

	segment_name(name, v->base, SUFFIX_LOG);
	segment_name(temporary, v->base, CUT_SUFFIX);
	if ((rc = open_segment(m, v->base, &from)) != STATUS_OK)
		return rc;
	if ((rc = file_remove(m->p->dir, temporary)) == STATUS_OK &&
	    (rc = file_create(m->p->dir, temporary, &m->p->access, &to)) == STATUS_OK &&
	    (rc = copy_good(m, v, from, to)) == STATUS_OK && (rc = file_sync(to, temporary)) == STATUS_OK)
		rc = file_rename(m->p->dir, temporary, name);
	(void)file_close(to, temporary);
	(void)file_close(from, name);
	fault_point("mend.replaced");
	return rc == STATUS_OK ? file_sync(m->p->dir, m->p->label) : rc;
}

/* What was never published, and what is not durable yet: written again, because nobody knows whether the disk has what it shows. */
static int
adopt(const struct mend *m, const struct verified_segment *v)
{
	int64_t synced = head_synced_end(m->p->head, m->p->number), limit = limit_of(m, v);
	int fd, rc;

	if ((rc = open_segment(m, v->base, &fd)) != STATUS_OK)
		return rc;
	if (limit < v->size)
		rc = file_truncate(fd, SUFFIX_LOG, limit);
	if (rc == STATUS_OK && v->end > synced && v->end > v->base)
		rc = sync_rewrite(m->p, fd, v->base, synced > v->base ? synced : v->base, v->end);
	if (rc == STATUS_OK && (v->end > synced || limit < v->size))
		rc = file_sync(fd, SUFFIX_LOG);
	(void)file_close(fd, SUFFIX_LOG);
	return rc == STATUS_CORRUPT ? status_context(STATUS_IO, "changed while it was mended") : rc;
}

static int
mend_segment(const struct mend *m, const struct verified_segment *v)
{
	if (v->is_covered)
		return STATUS_OK;
	return is_rewritten(m, v) ? rewrite(m, v) : adopt(m, v);
}

/* A roll that its appender did not come to publish. */
static int
remove_unpublished(const struct mend *m)
{
	const struct head_end *published = m->o->order->published;
	struct segment_list list;
	int rc;

	if (published == NULL)
		return STATUS_OK;
	if ((rc = segment_list_read(m->p->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = list.count; i > 0 && list.bases[i - 1] > published->segment_base && rc == STATUS_OK; i--)
		rc = retention_unlink(m->p, list.bases[i - 1]);
	segment_list_free(&list);
	return rc;
}

/* The log goes on where it ended, also if what lay before is gone. */
static int
make_end(const struct mend *m)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	if (m->found->count > 0 && m->found->segments[m->found->count - 1].end == m->end)
		return STATUS_OK;
	segment_name(name, m->end, SUFFIX_LOG);
	if ((rc = file_create(m->p->dir, name, &m->p->access, &fd)) == STATUS_EXISTS)
		return STATUS_OK;
	if (rc == STATUS_OK)
		rc = file_close(fd, name);
	fault_point("mend.end");
	return rc;
}

static int
mend_segments(const struct mend *m)
{
	int rc = remove_unpublished(m);

	for (size_t i = 0; i < m->found->count && rc == STATUS_OK; i++)
		rc = mend_segment(m, &m->found->segments[i]);
	if (rc == STATUS_OK && (rc = make_end(m)) == STATUS_OK)
		rc = file_sync(m->p->dir, m->p->label);
	return rc;
}

/*
 * What lies beside them.
 */

/* Make both indexes of a segment anew, from its first batch on. */
static int
index_segment(struct mend *m, int64_t base, bool closed)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int64_t size;
	int fd, rc;

	head_empty_end(&m->last, base);
	if ((rc = index_writer_cut(&m->index, &m->last)) != STATUS_OK || (rc = open_segment(m, base, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(fd, SUFFIX_LOG, &size)) == STATUS_OK) {
		segment_scanner_init(&scanner, fd, base, 0, size);
		while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
			int64_t position = scanner.position - batch_bytes(&h);

			if ((rc = index_writer_note(&m->index, &m->last, &h, position, m->p->settings.index_interval_bytes)) !=
			    STATUS_OK)
				break;
			partition_end_behind(&m->last, &h, position);
		}
		segment_scanner_free(&scanner);
	}
	(void)file_close(fd, SUFFIX_LOG);
	if (rc == STATUS_END)
		rc = closed ? index_writer_finish(&m->index, &m->last) : STATUS_OK;
	return rc == STATUS_CORRUPT || rc == STATUS_CONFIG ? STATUS_IO : rc;
}

static int
remove_flawed(const struct mend *m)
{
	const struct flaw_list *l = &m->found->flaws;
	int64_t base;
	int rc = STATUS_OK;

	for (size_t i = 0; i < l->count && rc == STATUS_OK; i++) {
		const struct flaw *f = &l->items[i];

		if (f->kind == FLAW_SNAPSHOT || f->kind == FLAW_LEFTOVER ||
		    (f->kind == FLAW_INDEX && segment_parse_name(f->file, SUFFIX_TXNINDEX, &base)))
			rc = file_remove(m->p->dir, f->file);
	}
	return rc;
}

static int
mend_indexes(struct mend *m)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(m->p->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < m->found->count && rc == STATUS_OK; i++) {
		const struct verified_segment *v = &m->found->segments[i];
		bool closed = v->base < list.bases[list.count - 1];

		if (closed && !v->is_covered &&
		    (is_rewritten(m, v) || has_flaw(m, v->base, FLAW_INDEX) || has_flaw(m, v->base, FLAW_INDEX_MISSING) ||
			i + 1 == m->found->count))
			rc = index_segment(m, v->base, true);
	}
	/* Last, because its end is to be published. */
	if (rc == STATUS_OK && (rc = index_segment(m, list.bases[list.count - 1], false)) == STATUS_OK &&
	    m->last.end_offset != m->end)
		rc = status_fail(STATUS_IO, "ends at offset %lld, and not at %lld, after it was mended",
		    (long long)m->last.end_offset, (long long)m->end);
	segment_list_free(&list);
	return rc;
}

/* How many bytes the closed segments have now. */
static int
count_closed(const struct mend *m)
{
	struct segment_list list;
	int64_t closed = 0, size;
	int rc;

	if ((rc = segment_list_read(m->p->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i + 1 < list.count && rc == STATUS_OK; i++) {
		if ((rc = segment_size(m->p->dir, list.bases[i], &size)) == STATUS_OK)
			closed += size;
	}
	segment_list_free(&list);
	return rc == STATUS_OK ? head_set_closed_bytes(m->p->head, m->p->number, closed) : rc;
}

static int
mend_epochs(const struct mend *m)
{
	const struct epoch_list *seen = &m->found->epochs;
	struct epoch_list list = {NULL, 0};
	int64_t start = head_log_start(m->p->head, m->p->number);
	int rc = STATUS_OK;

	if (!has_flaw(m, -1, FLAW_EPOCHS) && !has_flaw(m, -1, FLAW_EPOCHS_MISSING))
		return STATUS_OK;
	for (size_t i = 0; i < seen->count && rc == STATUS_OK; i++) {
		if (seen->entries[i].epoch >= 0)
			rc = epoch_list_add(&list, seen->entries[i].epoch, seen->entries[i].start_offset);
	}
	if (rc == STATUS_OK && list.count == 0)
		return file_remove(m->p->dir, EPOCH_CHECKPOINT);
	if (rc == STATUS_OK) {
		epoch_list_trim(&list, start);
		/* What compaction took out before the first batch was of its epoch too. */
		if (seen->entries[0].epoch >= 0 && list.entries[0].start_offset > start)
			list.entries[0].start_offset = start;
		rc = epoch_list_write(m->p->dir, &m->p->access, &list);
	}
	epoch_list_free(&list);
	return rc;
}

static int
mend_metadata(const struct mend *m)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if (!has_flaw(m, -1, FLAW_METADATA) && !has_flaw(m, -1, FLAW_METADATA_MISSING))
		return STATUS_OK;
	if ((rc = buf_printf(&text, "version: 0\ntopic_id: %s", m->o->order->topic_id)) == STATUS_OK)
		rc = file_replace(m->p->dir, PARTITION_METADATA, text.data, text.len, &m->p->access);
	buf_free(&text);
	return rc;
}

/* The snapshots that were garbage, from the next older ones and the batches behind them. */
static int
mend_snapshots(const struct mend *m)
{
	const struct flaw_list *l = &m->found->flaws;
	int rc = STATUS_OK;

	for (size_t i = 0; i < l->count && rc == STATUS_OK; i++) {
		const struct flaw *f = &l->items[i];

		if (f->kind == FLAW_SNAPSHOT && f->base > 0 && f->base <= m->end)
			rc = producers_ensure_snapshot(m->p, f->base);
	}
	return rc;
}

/* Is there anything that this room cannot set right? */
static int
refuse(const struct mend *m)
{
	const struct flaw_list *l = &m->found->flaws;

	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].kind == FLAW_NAME)
			return status_fail(STATUS_IO, "%s: %s: give it the name that says so", l->items[i].file, l->items[i].why);
	}
	return STATUS_OK;
}

static int
mend(struct mend *m)
{
	struct head *head = m->p->head;
	int number = m->p->number, rc;

	if ((rc = refuse(m)) != STATUS_OK || (rc = head_rebuild_begin(head, number)) != STATUS_OK ||
	    (rc = keep_all(m)) != STATUS_OK || (rc = admit_gaps(m)) != STATUS_OK)
		return rc;
	fault_point("mend.admitted");
	if ((rc = mend_segments(m)) != STATUS_OK || (rc = remove_flawed(m)) != STATUS_OK || (rc = mend_indexes(m)) != STATUS_OK ||
	    (rc = mend_epochs(m)) != STATUS_OK || (rc = mend_metadata(m)) != STATUS_OK || (rc = mend_snapshots(m)) != STATUS_OK ||
	    (rc = count_closed(m)) != STATUS_OK || (rc = file_sync(m->p->dir, m->p->label)) != STATUS_OK)
		return rc;
	fault_point("mend.mended");
	return head_rebuild_finish(head, number, &m->last, m->end, HEAD_SOUND);
}

int
mend_partition(const struct mend_order *o)
{
	struct mend m = {.o = o, .p = o->partition, .found = o->found, .end = o->order->end};
	int rc;

	if (m.end < m.found->end)
		m.end = m.found->end;
	index_writer_init(&m.index, m.p->dir, &m.p->access);
	rc = mend(&m);
	index_writer_close(&m.index);
	return rc;
}

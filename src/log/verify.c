#include "log/verify.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "log/producers.h"
#include "log/segment.h"
#include "log/survey.h"

#define METADATA_MAX_BYTES 4096
#define TEMPORARY_SUFFIX ".tmp"
#define CUT_SUFFIX ".log.cut"

struct work {
	const struct verify_order *order;
	const struct verified *before;
	struct verified *out;
	struct segment_list list;
	size_t first; /* segment that counts */
	struct survey survey;
};

/*
 * Segments.
 */

static int
look_at(const struct work *w, struct verified_segment *v)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, v->base, SUFFIX_LOG);
	if ((rc = file_open_read(w->order->dir, name, &fd)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_GONE : rc;
	if ((rc = file_size(fd, name, &v->size)) == STATUS_OK)
		rc = file_identity(fd, name, &v->identity);
	(void)file_close(fd, name);
	return rc;
}

static const struct verified_segment *
known(const struct work *w, const struct verified_segment *v)
{
	for (size_t i = 0; w->before != NULL && i < w->before->count; i++) {
		const struct verified_segment *b = &w->before->segments[i];

		if (b->base == v->base)
			return b->is_sound && b->size == v->size && memcmp(&b->identity, &v->identity, sizeof(v->identity)) == 0
			    ? b
			    : NULL;
	}
	return NULL;
}

/* What was found in a sound segment the first time. */
static int
take_known(struct work *w, struct verified_segment *v, const struct verified_segment *b)
{
	const struct epoch_list *epochs = &w->before->epochs;
	struct survey *s = &w->survey;
	int rc = STATUS_OK;

	*v = *b;
	for (size_t i = 0; i < epochs->count && rc == STATUS_OK; i++) {
		const struct epoch_entry *e = &epochs->entries[i];

		if (e->start_offset >= b->base && e->start_offset < b->end && e->epoch > s->epoch)
			rc = epoch_list_add(&s->epochs, e->epoch, e->start_offset);
	}
	s->end = b->end;
	s->epoch = b->epoch;
	s->batches += b->batches;
	s->records += b->records;
	return rc;
}

static void
set_bounds(struct work *w, size_t i)
{
	const struct verify_order *o = w->order;
	const struct head_end *p = o->published;
	struct survey *s = &w->survey;
	int64_t next = i + 1 < w->list.count ? w->list.bases[i + 1] : -1;

	s->base = w->list.bases[i];
	s->limit = s->index_count = s->timeindex_count = -1;
	s->is_last = next < 0;
	s->next = next >= 0 ? next : o->end;
	s->later = &w->list.bases[i + 1 < w->list.count ? i + 1 : i];
	s->later_count = w->list.count - i - 1;
	/* A compaction that was killed leaves a segment that reaches over those behind it. */
	s->most = next < 0 ? (o->published != NULL ? o->end : INT64_MAX) : next < o->gap_end ? o->gap_end : next;
	if (p != NULL && p->segment_base == s->base) {
		s->limit = p->end_position;
		s->index_count = p->index_count;
		s->timeindex_count = p->timeindex_count;
		s->is_last = true;
		s->next = s->most = o->end;
	}
}

/* Between the segments, or before the first one, where nothing may be missing. */
static int
check_entry(struct work *w, bool is_first)
{
	struct survey *s = &w->survey;
	struct flaw *last = w->out->flaws.count > 0 ? &w->out->flaws.items[w->out->flaws.count - 1] : NULL;
	struct flaw f = {.kind = FLAW_GAP, .base = s->base, .position = 0, .offset = s->end, .from = s->end, .to = s->base};

	if (s->base <= s->end || (!is_first && s->base <= s->gap_end) ||
	    (last != NULL && last->kind == FLAW_BAD && last->to == s->base))
		return STATUS_OK;
	segment_name(f.file, s->base, SUFFIX_LOG);
	if (is_first)
		(void)snprintf(f.why, sizeof(f.why), "no segment begins where the log does");
	else
		(void)snprintf(f.why, sizeof(f.why), "the log before it ends with offset %lld", (long long)s->end - 1);
	return flaw_add(&w->out->flaws, &f);
}

static int
survey_one(struct work *w, struct verified_segment *v)
{
	struct survey *s = &w->survey;
	int64_t batches = s->batches, records = s->records;
	size_t flaws = w->out->flaws.count;
	int rc;

	if ((rc = survey_segment(s, &w->out->flaws)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_GONE : rc;
	v->end = s->end;
	v->epoch = s->epoch;
	v->kept_bytes = s->kept_bytes;
	v->batches = s->batches - batches;
	v->records = s->records - records;
	v->is_sound = w->out->flaws.count == flaws;
	return STATUS_OK;
}

static int
verify_segment(struct work *w, size_t i)
{
	struct verified_segment *v = &w->out->segments[w->out->count];
	const struct verified_segment *b;
	struct survey *s = &w->survey;
	bool is_active;
	int rc;

	v->base = w->list.bases[i];
	if ((rc = look_at(w, v)) != STATUS_OK)
		return rc;
	set_bounds(w, i);
	w->out->count++;
	is_active = w->order->published != NULL && w->order->published->segment_base == v->base;
	if (i > w->first && s->base < s->end && s->base < s->gap_end) {
		v->is_covered = v->is_sound = true;
		v->end = s->end;
		v->epoch = s->epoch;
		return STATUS_OK;
	}
	if (i > w->first && (rc = check_entry(w, false)) != STATUS_OK)
		return rc;
	/* The one that grows is another each time. */
	if (!is_active && (b = known(w, v)) != NULL && b->end >= s->end)
		return take_known(w, v, b);
	return survey_one(w, v);
}

/* The bad bytes that the log ends with, if it does. */
static struct flaw *
find_bad_end(struct work *w)
{
	for (size_t i = w->out->flaws.count; i > 0; i--) {
		struct flaw *f = &w->out->flaws.items[i - 1];

		if (f->kind == FLAW_BAD && f->base == w->survey.base && f->end == w->survey.limit)
			return f;
	}
	return NULL;
}

/* Behind the last batch: does the log reach as far as it must? */
static int
check_end(struct work *w)
{
	const struct verify_order *o = w->order;
	struct flaw f = {.kind = FLAW_SHORT, .base = -1, .position = -1, .end = -1, .to = o->end}, *bad;

	f.from = f.offset = w->survey.end;
	if (w->out->count > 0 && (bad = find_bad_end(w)) != NULL) {
		if (o->published == NULL && w->survey.end >= o->durable && bad->to <= o->durable) {
			bad->kind = FLAW_TORN;
			bad->from = bad->to = -1;
		}
		return STATUS_OK;
	}
	if (o->end <= w->survey.end)
		return STATUS_OK;
	if (w->out->count > 0)
		segment_name(f.file, w->survey.base, SUFFIX_LOG);
	(void)snprintf(f.why, sizeof(f.why), "the log ends at offset %lld, but reached up to %lld", (long long)f.from,
	    (long long)f.to);
	return flaw_add(&w->out->flaws, &f);
}

static int
verify_segments(struct work *w)
{
	const struct verify_order *o = w->order;
	struct survey *s = &w->survey;
	int rc = STATUS_OK;

	if ((w->out->segments = calloc(w->list.count + 1, sizeof(*w->out->segments))) == NULL)
		return status_no_memory(o->label);
	w->first = w->list.count > 0 ? segment_list_find(&w->list, o->log_start) : 0;
	s->end = o->log_start;
	if (w->list.count > 0) {
		s->base = w->list.bases[w->first];
		rc = check_entry(w, true);
		s->end = s->base;
	}
	for (size_t i = w->first; i < w->list.count && rc == STATUS_OK; i++) {
		/* A roll that is not published may be taken back. */
		if (o->published != NULL && w->list.bases[i] > o->published->segment_base)
			break;
		rc = verify_segment(w, i);
	}
	return rc == STATUS_OK ? check_end(w) : rc;
}

/*
 * The other files.
 */

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && strcmp(name + len - end, suffix) == 0;
}

static int
check_snapshot(struct work *w, const char *name, int64_t base)
{
	struct producers producers = {NULL, 0, 0};
	int rc = producers_read(w->order->dir, base, &producers);

	producers_free(&producers);
	if (rc == STATUS_CORRUPT) {
		rc = flaw_add_file(&w->out->flaws, FLAW_SNAPSHOT, name, base, status_message());
		status_clear();
	}
	return rc == STATUS_MISSING ? STATUS_OK : rc;
}

/* An index of a segment that is not there is nobody's; so is a segment before the log start, but that one mq-gc unlinks. */
static int
check_segment_file(struct work *w, const char *name, int64_t base, bool is_log)
{
	const struct segment_list *l = &w->list;
	size_t i = l->count > 0 ? segment_list_find(l, base) : 0;
	bool has_log = l->count > 0 && l->bases[i] == base;

	if (is_log && i < w->first)
		return flaw_add_file(&w->out->flaws, FLAW_OLD, name, base, "it lies before the log start, mq-gc removes it");
	for (size_t k = 0; is_log && k < w->out->count; k++) {
		if (w->out->segments[k].base == base && w->out->segments[k].is_covered)
			return flaw_add_file(&w->out->flaws, FLAW_OLD, name, base,
			    "compacted into the one before, mq-gc removes it");
	}
	if (!is_log && !has_log)
		return flaw_add_file(&w->out->flaws, FLAW_LEFTOVER, name, base, "its segment is not there");
	return STATUS_OK;
}

static int
check_file(void *arg, const char *name)
{
	struct work *w = arg;
	int64_t base;

	if (segment_parse_name(name, SUFFIX_SNAPSHOT, &base))
		return check_snapshot(w, name, base);
	if (segment_parse_name(name, SUFFIX_LOG, &base))
		return check_segment_file(w, name, base, true);
	if (segment_parse_name(name, SUFFIX_INDEX, &base) || segment_parse_name(name, SUFFIX_TIMEINDEX, &base) ||
	    segment_parse_name(name, SUFFIX_TXNINDEX, &base))
		return check_segment_file(w, name, base, false);
	if (strcmp(name, EPOCH_CHECKPOINT) == 0 || strcmp(name, PARTITION_METADATA) == 0)
		return STATUS_OK;
	if (has_suffix(name, TEMPORARY_SUFFIX) || has_suffix(name, CUT_SUFFIX))
		return flaw_add_file(&w->out->flaws, FLAW_LEFTOVER, name, -1, "its writer was killed");
	return flaw_add_file(&w->out->flaws, FLAW_UNKNOWN, name, -1, "not a file of mq");
}

static int
check_metadata(struct work *w)
{
	struct buf text = BUF_EMPTY;
	char want[128];
	size_t len;
	int rc;

	if ((rc = file_read_all(w->order->dir, PARTITION_METADATA, METADATA_MAX_BYTES, &text)) == STATUS_MISSING)
		return flaw_add_file(&w->out->flaws, FLAW_METADATA_MISSING, PARTITION_METADATA, -1,
		    "no harm, but a broker wants it");
	if (rc != STATUS_OK)
		return rc;
	(void)snprintf(want, sizeof(want), "version: 0\ntopic_id: %s", w->order->topic_id);
	len = text.len > 0 && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
	if (len != strlen(want) || memcmp(text.data, want, len) != 0)
		rc = flaw_add_file(&w->out->flaws, FLAW_METADATA, PARTITION_METADATA, -1, "it does not name the topic's id");
	buf_free(&text);
	return rc;
}

/* Does the checkpoint have the epoch that begins with this entry? */
static bool
has_epoch(const struct epoch_list *list, const struct epoch_entry *e)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].epoch == e->epoch)
			return list->entries[i].start_offset <= e->start_offset;
	}
	return false;
}

static int
check_epochs(struct work *w)
{
	const struct epoch_list *seen = &w->out->epochs;
	struct epoch_list list;
	char why[128] = "";
	int rc = epoch_list_read(w->order->dir, &list);

	if (rc == STATUS_IO) {
		(void)strlcpy(why, status_message(), sizeof(why));
		status_clear();
	} else if (rc != STATUS_OK) {
		return rc;
	}
	for (size_t i = 0; rc == STATUS_OK && i < seen->count && why[0] == '\0'; i++) {
		if (seen->entries[i].epoch >= 0 && !has_epoch(&list, &seen->entries[i]))
			(void)snprintf(why, sizeof(why), "epoch %d begins with offset %lld", seen->entries[i].epoch,
			    (long long)seen->entries[i].start_offset);
	}
	epoch_list_free(&list);
	if (why[0] == '\0')
		return STATUS_OK;
	if (!file_exists(w->order->dir, EPOCH_CHECKPOINT))
		return flaw_add_file(&w->out->flaws, FLAW_EPOCHS_MISSING, EPOCH_CHECKPOINT, -1, why);
	return flaw_add_file(&w->out->flaws, FLAW_EPOCHS, EPOCH_CHECKPOINT, -1, why);
}

static int
verify(struct work *w)
{
	struct survey *s = &w->survey;
	int rc;

	if ((rc = segment_list_read(w->order->dir, &w->list)) != STATUS_OK)
		return rc;
	s->dir = w->order->dir;
	s->gap_end = w->order->gap_end;
	s->epoch_most = w->order->epoch_most;
	s->stopped = w->order->stopped;
	s->epoch = -1;
	rc = verify_segments(w);
	w->out->end = s->end;
	w->out->epoch = s->epoch;
	w->out->epochs = s->epochs;
	w->out->batches = s->batches;
	w->out->records = s->records;
	if (rc != STATUS_OK || (rc = dir_list(w->order->dir, w->order->label, check_file, w)) != STATUS_OK ||
	    (rc = check_metadata(w)) != STATUS_OK)
		return rc;
	return check_epochs(w);
}

int
verify_partition(const struct verify_order *order, const struct verified *before, struct verified *out)
{
	struct work w = {.order = order, .before = before, .out = out};
	int rc;

	*out = (struct verified){.epoch = -1};
	rc = verify(&w);
	segment_list_free(&w.list);
	return rc == STATUS_OK || rc == STATUS_GONE || rc == STATUS_NO ? rc : status_context(rc, "%s", order->label);
}

void
verified_free(struct verified *v)
{
	flaw_list_free(&v->flaws);
	epoch_list_free(&v->epochs);
	free(v->segments);
	*v = (struct verified){.epoch = -1};
}

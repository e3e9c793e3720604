#include "log/extract.h"

#include "base/status.h"
#include "log/batch.h"
#include "log/index.h"
#include "log/segment.h"

#define WRITE_BYTES ((size_t)1 << 20)

struct extract {
	const struct extract_order *order;
	struct segment_list list;
	size_t at; /* of the segment that is read */
	int from;  /* its descriptor */
	char source[SEGMENT_NAME_BYTES];
	int to; /* the descriptor of the segment that is written, -1 none */
	char target[SEGMENT_NAME_BYTES];
	int64_t offset;	  /* all up to here is copied */
	int64_t position; /* bytes written of the segment */
	struct buf out;	  /* bytes to be written behind them */
};

/*
 * Is it still the log of the bounds? Only what was read before a look that says so counts.
 */
static int
check_log(const struct extract *x, int rc)
{
	const struct partition *p = x->order->partition;

	if (head_generation(p->head, p->number) != x->order->generation)
		return status_fail(STATUS_GONE, "the log was rebuilt");
	if (rc == STATUS_MISSING && head_log_start(p->head, p->number) > x->order->start)
		return status_fail(STATUS_MISSING, "offset %lld was removed", (long long)x->order->start);
	if (rc == STATUS_MISSING)
		return STATUS_IO;
	return rc == STATUS_CORRUPT ? status_context(STATUS_IO, "offset %lld", (long long)x->offset) : rc;
}

/*
 * Writing.
 */

static int
flush(struct extract *x)
{
	const struct extract_order *o = x->order;
	int64_t bytes = (int64_t)x->out.len;
	int rc;

	if (bytes == 0)
		return STATUS_OK;
	if ((rc = file_write_at(x->to, x->target, x->out.data, x->out.len, x->position)) != STATUS_OK)
		return rc;
	x->position += bytes;
	buf_clear(&x->out);
	return o->progress == NULL ? STATUS_OK : o->progress(o->progress_arg, bytes);
}

static int
end_target(struct extract *x)
{
	int rc;

	if (x->to < 0)
		return STATUS_OK;
	if ((rc = flush(x)) == STATUS_OK)
		rc = file_sync(x->to, x->target);
	if (file_close(x->to, x->target) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	x->to = -1;
	return rc;
}

static int
begin_target(struct extract *x, int64_t base)
{
	x->position = 0;
	segment_name(x->target, base, SUFFIX_LOG);
	return file_create(x->order->to, x->target, x->order->access, &x->to);
}

/* A segment that holds batches before the start begins with the first that is wanted, all others where they begin here. */
static int
write_batch(struct extract *x, const struct batch_header *h, const uint8_t *bytes)
{
	size_t len = (size_t)batch_bytes(h);
	int rc;

	if (x->to < 0 && (rc = begin_target(x, h->base_offset)) != STATUS_OK)
		return rc;
	if ((rc = buf_append(&x->out, bytes, len)) != STATUS_OK)
		return rc;
	batch_set_place(x->out.data + x->out.len - len, h->base_offset, 0);
	return x->out.len < WRITE_BYTES ? STATUS_OK : flush(x);
}

/*
 * Reading.
 */

/* Nothing may have taken the offsets out that are missing before this batch. */
static bool
is_damage_before(const struct extract *x, int64_t next)
{
	const struct partition *p = x->order->partition;

	return next > x->offset && next > head_gap_end(p->head, p->number);
}

static int
take_batch(struct extract *x, const struct batch_header *h, const uint8_t *bytes)
{
	int rc;

	if (batch_end_offset(h) <= x->order->start)
		return STATUS_OK;
	if (is_damage_before(x, h->base_offset))
		return status_fail(STATUS_CORRUPT, "%s: a batch that begins with offset %lld in its place", x->source,
		    (long long)h->base_offset);
	if ((rc = write_batch(x, h, bytes)) == STATUS_OK)
		x->offset = batch_end_offset(h);
	return rc;
}

static int
copy_batches(struct extract *x, int64_t base, int64_t size)
{
	struct segment_scanner scanner;
	struct batch_header h;
	const uint8_t *bytes;
	int rc = STATUS_OK;

	segment_scanner_init(&scanner, x->from, base,
	    base < x->order->start ? index_position_hint(x->order->partition->dir, x->from, base, x->order->start) : 0, size);
	/* What lies behind the end may be half a batch. */
	while (x->offset < x->order->end) {
		if ((rc = check_log(x, segment_scanner_next(&scanner, &h, &bytes))) != STATUS_OK ||
		    h.base_offset >= x->order->end || (rc = check_log(x, take_batch(x, &h, bytes))) != STATUS_OK)
			break;
	}
	segment_scanner_free(&scanner);
	return rc == STATUS_END ? STATUS_OK : rc;
}

static int
copy_segment(struct extract *x)
{
	int64_t base = x->list.bases[x->at], size;
	int rc;

	segment_name(x->source, base, SUFFIX_LOG);
	if ((rc = end_target(x)) != STATUS_OK || (base >= x->order->start && (rc = begin_target(x, base)) != STATUS_OK))
		return rc;
	if ((rc = file_open_read(x->order->partition->dir, x->source, &x->from)) != STATUS_OK)
		return check_log(x, rc);
	if ((rc = file_size(x->from, x->source, &size)) == STATUS_OK)
		rc = copy_batches(x, base, size);
	(void)file_close(x->from, x->source);
	return rc;
}

static int
copy_segments(struct extract *x)
{
	const struct extract_order *o = x->order;
	int rc;

	if ((rc = segment_list_read(o->partition->dir, &x->list)) != STATUS_OK)
		return rc;
	if (x->list.count == 0 || x->list.bases[0] > o->start)
		return check_log(x, status_fail(STATUS_MISSING, "offset %lld: no segment holds it", (long long)o->start));
	x->at = segment_list_find(&x->list, o->start);
	for (; x->at < x->list.count && x->list.bases[x->at] < o->end && x->offset < o->end; x->at++) {
		if ((rc = copy_segment(x)) != STATUS_OK)
			return rc;
	}
	/* Nothing was to be copied, or the log ends with offsets that compaction took out. */
	if (x->offset < o->end && is_damage_before(x, o->end))
		return check_log(x, status_fail(STATUS_CORRUPT, "%s: ends before offset %lld", x->source, (long long)o->end));
	if ((rc = end_target(x)) != STATUS_OK || (rc = begin_target(x, o->end)) != STATUS_OK)
		return rc;
	return end_target(x);
}

int
extract_segments(const struct extract_order *order)
{
	struct extract x = {.order = order, .to = -1, .offset = order->start, .out = BUF_EMPTY};
	int rc = copy_segments(&x);

	(void)file_close(x.to, x.target);
	buf_free(&x.out);
	segment_list_free(&x.list);
	return rc;
}

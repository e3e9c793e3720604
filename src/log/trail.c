#include "log/trail.h"

#include "base/status.h"
#include "log/index.h"
#include "log/segment.h"

struct walk {
	const struct partition *p;
	int64_t producer_id, from, to;
	trail_visit *visit;
	void *arg;
};

static bool
is_wanted(const struct walk *w, const struct batch_header *h)
{
	return h->producer_id == w->producer_id && (h->attributes & BATCH_CONTROL) == 0 && batch_end_offset(h) > w->from &&
	    h->base_offset < w->to;
}

/* What lies behind the offset `to` is not looked at: it may be half a batch. */
static int
walk_open(const struct walk *w, int fd, int64_t base, int64_t size)
{
	struct segment_scanner scanner;
	struct batch_header header;
	const uint8_t *bytes;
	int64_t next = base;
	int rc = STATUS_OK;

	segment_scanner_init(&scanner, fd, base, index_position_hint(w->p->dir, fd, base, w->from), size);
	scanner.read_bytes = BATCH_HEADER_BYTES;
	while (next < w->to && (rc = segment_scanner_peek(&scanner, &header)) == STATUS_OK) {
		next = batch_end_offset(&header);
		if (!is_wanted(w, &header))
			segment_scanner_pass(&scanner, &header);
		else if ((rc = segment_scanner_next(&scanner, &header, &bytes)) != STATUS_OK ||
		    (rc = w->visit(w->arg, &header, bytes)) != STATUS_OK)
			break;
	}
	segment_scanner_free(&scanner);
	return rc == STATUS_END ? STATUS_OK : rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

static int
walk_segment(const struct walk *w, int64_t base)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t size;
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(w->p->dir, name, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(fd, name, &size)) == STATUS_OK)
		rc = walk_open(w, fd, base, size);
	(void)file_close(fd, name);
	return rc;
}

int
trail_walk(const struct partition *p, int64_t producer_id, int64_t from, int64_t to, trail_visit *visit, void *arg)
{
	struct walk w = {.p = p, .producer_id = producer_id, .from = from, .to = to, .visit = visit, .arg = arg};
	struct segment_list list;
	int rc;

	if (from >= to)
		return STATUS_OK;
	if ((rc = segment_list_read(p->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = list.count > 0 ? segment_list_find(&list, from) : 0; rc == STATUS_OK && i < list.count; i++) {
		if (list.bases[i] >= to)
			break;
		rc = walk_segment(&w, list.bases[i]);
	}
	segment_list_free(&list);
	return rc;
}

#include "log/segment.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

#define NAME_DIGITS 20
#define READ_BYTES ((size_t)256 * 1024)
/* Of smaller ones it is cheaper to read them than to pass each by a read of its own. */
#define SMALL_BATCH_BYTES 16384
/* A window that grew for a large batch is given back when it is no longer needed. */
#define WINDOW_KEEP_BYTES (8 * READ_BYTES)

void
segment_name(char *name, int64_t base, const char *suffix)
{
	/* By hand: a run for one record then touches no page of printf(3). */
	for (int i = NAME_DIGITS - 1; i >= 0; i--, base /= 10)
		name[i] = (char)('0' + base % 10);
	(void)strlcpy(name + NAME_DIGITS, suffix, SEGMENT_NAME_BYTES - NAME_DIGITS);
}

bool
segment_parse_name(const char *name, const char *suffix, int64_t *base)
{
	int64_t value = 0;

	/* Most names of a folder end otherwise: who lists it looks at the end first. */
	if (strlen(name) < NAME_DIGITS || strcmp(name + NAME_DIGITS, suffix) != 0 || strspn(name, "0123456789") < NAME_DIGITS)
		return false;
	for (int i = 0; i < NAME_DIGITS; i++) {
		if (MUL_OVERFLOWS(value, 10, &value) || ADD_OVERFLOWS(value, name[i] - '0', &value))
			return false;
	}
	*base = value;
	return true;
}

struct collector {
	struct segment_list *list;
	size_t cap;
};

static int
collect(void *arg, const char *entry)
{
	struct collector *c = arg;
	int64_t base, *bases;

	if (!segment_parse_name(entry, SUFFIX_LOG, &base))
		return STATUS_OK;
	if (c->list->count == c->cap) {
		size_t cap = c->cap == 0 ? 16 : c->cap * 2;

		if ((bases = reallocarray(c->list->bases, cap, sizeof(*bases))) == NULL)
			return status_no_memory("list of segments");
		c->list->bases = bases;
		c->cap = cap;
	}
	c->list->bases[c->list->count++] = base;
	return STATUS_OK;
}

static int
compare_bases(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
segment_list_read(int dir, struct segment_list *list)
{
	struct collector c = {.list = list};
	int rc;

	*list = (struct segment_list){NULL, 0};
	if ((rc = dir_list(dir, "partition", collect, &c)) != STATUS_OK) {
		segment_list_free(list);
		return rc;
	}
	if (list->count > 0)
		qsort(list->bases, list->count, sizeof(*list->bases), compare_bases);
	return STATUS_OK;
}

void
segment_list_free(struct segment_list *list)
{
	free(list->bases);
	*list = (struct segment_list){NULL, 0};
}

size_t
segment_list_find(const struct segment_list *list, int64_t offset)
{
	size_t low = 0, high = list->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (list->bases[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int
segment_size(int dir, int64_t base, int64_t *size)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	segment_name(name, base, SUFFIX_LOG);
	if ((rc = file_open_read(dir, name, &fd)) != STATUS_OK)
		return rc;
	rc = file_size(fd, name, size);
	(void)file_close(fd, name);
	return rc;
}

struct sizes {
	int dir;
	int64_t before;
	int64_t bytes;
};

static int
add_size(void *arg, const char *entry)
{
	struct sizes *s = arg;
	int64_t base, size;
	int rc;

	if (!segment_parse_name(entry, SUFFIX_LOG, &base) || base >= s->before)
		return STATUS_OK;
	if ((rc = segment_size(s->dir, base, &size)) == STATUS_OK)
		s->bytes += size;
	return rc == STATUS_MISSING ? STATUS_OK : rc;
}

int
segment_bytes_before(int dir, int64_t base, int64_t *bytes)
{
	struct sizes sizes = {.dir = dir, .before = base};
	int rc = dir_list(dir, "segments", add_size, &sizes);

	*bytes = sizes.bytes;
	return rc;
}

void
segment_scanner_init(struct segment_scanner *s, int fd, int64_t base, int64_t position, int64_t limit)
{
	*s = (struct segment_scanner){.fd = fd,
	    .base = base,
	    .position = position,
	    .limit = limit,
	    .least_offset = base,
	    .window = BUF_EMPTY,
	    .read_bytes = READ_BYTES};
	segment_name(s->name, base, SUFFIX_LOG);
}

void
segment_scanner_free(struct segment_scanner *s)
{
	buf_free(&s->window);
}

void
segment_scanner_seek(struct segment_scanner *s, int64_t position)
{
	s->position = position;
	s->least_offset = s->base;
}

void
segment_scanner_set_limit(struct segment_scanner *s, int64_t limit)
{
	s->limit = limit;
}

void
segment_scanner_drop(struct segment_scanner *s)
{
	buf_clear(&s->window);
}

/*
 * Have `need` bytes from the position on in the window. STATUS_CORRUPT if they run over the limit, or the file is shorter. A whole batch
 * comes with the header of the next, which says how much the next read must ask for: one read for a large batch, not two.
 */
static int
fill_window(struct segment_scanner *s, size_t need)
{
	int64_t skip = s->position - s->window_position;
	size_t ahead = need > BATCH_HEADER_BYTES ? need + BATCH_HEADER_BYTES : need;
	size_t want = ahead > s->read_bytes ? ahead : s->read_bytes, got;
	int rc;

	if ((int64_t)need > s->limit - s->position)
		return status_fail(STATUS_CORRUPT, "it ends in the middle of a batch");
	if (skip >= 0 && skip <= (int64_t)s->window.len && s->window.len - (size_t)skip >= need)
		return STATUS_OK;
	if (skip < 0 || skip > (int64_t)s->window.len)
		buf_clear(&s->window);
	else
		buf_consume(&s->window, (size_t)skip);
	s->window_position = s->position;
	if (s->window.cap > WINDOW_KEEP_BYTES && s->window.len <= BATCH_HEADER_BYTES && want < s->window.cap)
		buf_free(&s->window);
	if ((int64_t)want > s->limit - s->position)
		want = (size_t)(s->limit - s->position);
	want -= s->window.len;
	if ((rc = buf_reserve(&s->window, want)) != STATUS_OK)
		return rc;
	rc = file_read_at(s->fd, s->name, s->window.data + s->window.len, want, s->position + (int64_t)s->window.len, &got);
	if (rc != STATUS_OK)
		return rc;
	s->window.len += got;
	if (s->window.len < need)
		return status_fail(STATUS_CORRUPT, "the file ends in the middle of a batch");
	return STATUS_OK;
}

static const uint8_t *
window_bytes(const struct segment_scanner *s)
{
	return s->window.data + (s->position - s->window_position);
}

/* The header at the position; the batch must end before the limit, and begin behind the one before it. */
static int
read_header(struct segment_scanner *s, struct batch_header *h)
{
	int rc;

	if ((rc = fill_window(s, BATCH_HEADER_BYTES)) != STATUS_OK || (rc = batch_decode_header(window_bytes(s), h)) != STATUS_OK)
		return rc;
	if (batch_bytes(h) > s->limit - s->position)
		return status_fail(STATUS_CORRUPT, "it ends in the middle of a batch");
	if (h->base_offset < s->least_offset)
		return status_fail(STATUS_CORRUPT, "offset %lld after %lld", (long long)h->base_offset,
		    (long long)s->least_offset - 1);
	return STATUS_OK;
}

/* Which batch it was, if the batch is to blame. */
static int
name_place(const struct segment_scanner *s, int rc)
{
	if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG)
		return status_context(rc, "%s at %lld", s->name, (long long)s->position);
	return rc;
}

int
segment_scanner_peek(struct segment_scanner *s, struct batch_header *h)
{
	return s->position == s->limit ? STATUS_END : name_place(s, read_header(s, h));
}

static void
go_behind(struct segment_scanner *s, const struct batch_header *h)
{
	s->position += batch_bytes(h);
	s->least_offset = batch_end_offset(h);
}

void
segment_scanner_pass(struct segment_scanner *s, const struct batch_header *h)
{
	go_behind(s, h);
	/* One read for each header, unless one read has the headers of many. */
	s->read_bytes = batch_bytes(h) < SMALL_BATCH_BYTES ? READ_BYTES : BATCH_HEADER_BYTES;
}

int
segment_scanner_next(struct segment_scanner *s, struct batch_header *h, const uint8_t **bytes)
{
	int rc;

	if (s->position == s->limit)
		return STATUS_END;
	if ((rc = read_header(s, h)) != STATUS_OK || (rc = fill_window(s, (size_t)batch_bytes(h))) != STATUS_OK ||
	    (rc = batch_check_crc(window_bytes(s), h)) != STATUS_OK)
		return name_place(s, rc);
	*bytes = window_bytes(s);
	go_behind(s, h);
	return STATUS_OK;
}

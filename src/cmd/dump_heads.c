#include "cmd/dump_heads.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cmd/dump_record.h"
#include "log/partition.h"
#include "log/segment.h"
#include "store/layout.h"

#define VALUE_BYTES 48
#define SAME_TRIES 1000

static const char *const columns[] = {"FILE", "PARTITION", "SLOT", "WORD", "VALUE", "NOTE"};

/* The file, with its first page. */
struct heads {
	int fd;
	uint8_t topic[HEAD_PAGE_BYTES];
	struct file_identity own;
	uint8_t boot_id[BOOT_ID_BYTES];
};

/* The same twice, because others may be changing it; a page that never stays is taken as it is. */
static int
read_page(int fd, int64_t number, uint8_t page[HEAD_PAGE_BYTES])
{
	uint8_t again[HEAD_PAGE_BYTES];
	size_t got;
	int rc;

	if ((rc = file_read_at(fd, HEAD_NAME, page, HEAD_PAGE_BYTES, number * HEAD_PAGE_BYTES, &got)) != STATUS_OK)
		return rc;
	for (int i = 0; got == HEAD_PAGE_BYTES && i < SAME_TRIES; i++) {
		if ((rc = file_read_at(fd, HEAD_NAME, again, HEAD_PAGE_BYTES, number * HEAD_PAGE_BYTES, &got)) != STATUS_OK)
			return rc;
		if (memcmp(page, again, HEAD_PAGE_BYTES) == 0)
			return STATUS_OK;
		memcpy(page, again, HEAD_PAGE_BYTES);
	}
	return got == HEAD_PAGE_BYTES ? STATUS_OK : status_fail(STATUS_CORRUPT, "ends within page %lld", (long long)number);
}

static int
open_heads(int fd, struct heads *h)
{
	int rc;

	h->fd = fd;
	if ((rc = file_identity(fd, HEAD_NAME, &h->own)) != STATUS_OK || (rc = clock_boot_id(h->boot_id)) != STATUS_OK)
		return rc;
	return read_page(fd, 0, h->topic);
}

/* The fifth rule of mq-format(5) Trust: does the log hold what the page says? NULL if it does. */
static const char *
doubt_of_log(int dir, const struct head_claim *claim)
{
	char name[SEGMENT_NAME_BYTES];
	int fd, rc;

	/* Recovery has seen it already. */
	if (claim->poison == HEAD_DAMAGED)
		return NULL;
	segment_name(name, claim->end.segment_base, SUFFIX_LOG);
	if (dir < 0 || file_open_read(dir, name, &fd) != STATUS_OK)
		return "the segment that it names cannot be opened";
	rc = partition_verify_last_batch(fd, &claim->end);
	(void)file_close(fd, name);
	return rc == STATUS_OK ? NULL : "the log does not hold the last batch that it tells of";
}

static const char *
doubt_of_page(const struct heads *h, const uint8_t *page, int dir, struct head_claim *claim)
{
	const char *why = head_words_trust(h->topic, page, &h->own, h->boot_id, claim);

	if (why == NULL)
		why = doubt_of_log(dir, claim);
	status_clear();
	return why;
}

int
dump_heads_claim(int fd, int p, int dir, struct head_claim *claim, const char **why)
{
	uint8_t page[HEAD_PAGE_BYTES];
	struct heads h;
	uint64_t count;
	int rc;

	if ((rc = open_heads(fd, &h)) != STATUS_OK)
		return rc;
	if (!head_words_count(h.topic, &count))
		return status_fail(STATUS_CORRUPT, "not a heads file of this version and byte order");
	if ((uint64_t)p >= count)
		return status_fail(STATUS_MISSING, "no such partition, there are %llu", (unsigned long long)count);
	if ((rc = read_page(fd, 1 + (int64_t)p, page)) == STATUS_OK)
		*why = doubt_of_page(&h, page, dir, claim);
	return rc;
}

/*
 * Rows.
 */

struct rows {
	struct sheet *sheet;
	int64_t partition; /* -1: the topic's page */
	int rc;
};

static void
print_uuid(struct print *print, const uint8_t *id)
{
	char text[VALUE_BYTES];
	size_t len = 0;

	for (int i = 0; i < BOOT_ID_BYTES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
		    id[i]);
	print_text(print, text);
}

static void
print_value(struct print *print, const struct head_word *word)
{
	char text[VALUE_BYTES];

	switch (word->kind) {
	case HEAD_WORD_NUMBER:
		print_number(print, word->value);
		break;
	case HEAD_WORD_HEX:
		(void)snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)word->value);
		print_text(print, text);
		break;
	case HEAD_WORD_TIME:
		dump_time(print, word->value);
		break;
	case HEAD_WORD_UUID:
		print_uuid(print, word->uuid);
		break;
	case HEAD_WORD_BOOL:
		print_bool(print, word->value != 0);
		break;
	}
}

static void
show_word(void *arg, const struct head_word *word)
{
	struct rows *r = arg;
	struct print *print;

	if (r->rc != STATUS_OK || (r->rc = sheet_row(r->sheet, &print)) != STATUS_OK)
		return;
	if (r->partition < 0)
		print_empty(print);
	else
		print_number(print, r->partition);
	if (word->slot < 0)
		print_empty(print);
	else
		print_number(print, word->slot);
	print_text(print, word->name);
	print_value(print, word);
	print_text(print, word->note);
	r->rc = sheet_end_row(r->sheet);
}

/* The partition's folder beside the heads file; -1 if there is none. */
static int
open_folder(const struct dump_file *f, int64_t p)
{
	char path[PATH_MAX], *slash, *topic;
	int dir, len;

	if (f->real == NULL || strlen(f->real) >= sizeof(path))
		return -1;
	(void)strcpy(path, f->real);
	if ((slash = strrchr(path, '/')) == NULL || slash == path)
		return -1;
	*slash = '\0';
	topic = strrchr(path, '/') + 1;
	len = snprintf(slash, sizeof(path) - (size_t)(slash - path), "/%.*s-%lld", (int)(slash - topic), topic, (long long)p);
	if (len < 0 || (size_t)len >= sizeof(path) - (size_t)(slash - path) || dir_open(AT_FDCWD, path, &dir) != STATUS_OK)
		return -1;
	return dir;
}

static int
show_partition(struct rows *r, const struct heads *h, const struct dump_file *f)
{
	uint8_t page[HEAD_PAGE_BYTES];
	struct head_word trust = {.name = "trusted", .kind = HEAD_WORD_BOOL, .slot = -1};
	struct head_claim claim;
	int dir, rc;

	if ((rc = read_page(h->fd, 1 + r->partition, page)) != STATUS_OK)
		return rc;
	head_words_of_partition(page, show_word, r);
	dir = open_folder(f, r->partition);
	trust.note = doubt_of_page(h, page, dir, &claim);
	trust.value = trust.note == NULL;
	(void)file_close(dir, HEAD_NAME);
	show_word(r, &trust);
	return r->rc;
}

/* How many partitions are shown: as many as count and are there; without a count that can be believed, those that are there. */
static int64_t
check_size(struct sheet *s, const struct heads *h, const struct dump_file *f)
{
	int64_t there = f->size / HEAD_PAGE_BYTES - 1;
	char reason[128];
	uint64_t count;

	if (!head_words_count(h->topic, &count)) {
		sheet_damage(s, 0, "not a heads file of this version and byte order");
		return there;
	}
	if (count <= (uint64_t)there)
		return (int64_t)count;
	(void)snprintf(reason, sizeof(reason), "counts %llu partitions, and there are pages of %lld", (unsigned long long)count,
	    (long long)there);
	sheet_damage(s, -1, reason);
	return there;
}

int
dump_heads(struct sheet *s, const struct dump_file *f)
{
	struct rows r = {.sheet = s, .partition = -1, .rc = STATUS_OK};
	struct heads h;
	int64_t count;
	int rc;

	if ((rc = open_heads(f->fd, &h)) != STATUS_OK || (rc = sheet_begin(s, columns, COUNT_OF(columns))) != STATUS_OK)
		return rc;
	count = check_size(s, &h, f);
	head_words_of_topic(h.topic, show_word, &r);
	rc = r.rc;
	while (rc == STATUS_OK && ++r.partition < count)
		rc = show_partition(&r, &h, f);
	return rc == STATUS_OK ? sheet_end(s) : rc;
}

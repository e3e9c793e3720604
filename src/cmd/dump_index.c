#include "cmd/dump_index.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "cmd/dump_record.h"
#include "log/index.h"

#define ENTRY_MAX_BYTES TXNINDEX_ENTRY_BYTES
#define ENTRIES_A_READ 1024
#define NOTE_BYTES 64

static const char *const index_columns[] = {"FILE", "AT", "OFFSET", "POSITION", "NOTE"};
static const char *const timeindex_columns[] = {"FILE", "AT", "TIMESTAMP", "OFFSET", "NOTE"};
static const char *const txnindex_columns[] = {"FILE", "AT", "VERSION", "PRODUCER-ID", "FIRST-OFFSET", "LAST-OFFSET",
    "LAST-STABLE-OFFSET", "NOTE"};

struct layout {
	size_t entry_bytes;
	const char *const *columns;
	size_t column_count;
	/* The cells between AT and NOTE. */
	void (*cells)(struct print *, const uint8_t *entry, int64_t base);
	/* Why this entry cannot follow the one before, which may be NULL; NULL if it can. */
	const char *(*fault)(const uint8_t *before, const uint8_t *entry);
};

struct dump {
	struct sheet *sheet;
	const struct dump_file *file;
	const struct layout *layout;
	int64_t at;    /* of the next entry */
	int64_t zeros; /* bytes of zeros that were not shown yet */
	bool has_before, told;
	uint8_t before[ENTRY_MAX_BYTES];
};

static void
index_cells(struct print *p, const uint8_t *entry, int64_t base)
{
	struct index_entry e;

	index_decode(entry, base, &e);
	print_number(p, e.offset);
	print_number(p, e.position);
}

static const char *
index_fault(const uint8_t *before, const uint8_t *entry)
{
	struct index_entry b, e;

	index_decode(entry, 0, &e);
	if (e.offset < 0 || e.position < 0)
		return "negative";
	if (before == NULL)
		return NULL;
	index_decode(before, 0, &b);
	return e.offset <= b.offset || e.position <= b.position ? "does not ascend" : NULL;
}

static void
timeindex_cells(struct print *p, const uint8_t *entry, int64_t base)
{
	struct timeindex_entry e;

	timeindex_decode(entry, base, &e);
	dump_time(p, e.timestamp_ms);
	print_number(p, e.offset);
}

static const char *
timeindex_fault(const uint8_t *before, const uint8_t *entry)
{
	struct timeindex_entry b, e;

	timeindex_decode(entry, 0, &e);
	if (e.offset < 0)
		return "negative";
	if (before == NULL)
		return NULL;
	timeindex_decode(before, 0, &b);
	return e.timestamp_ms < b.timestamp_ms || e.offset < b.offset ? "does not ascend" : NULL;
}

static void
txnindex_cells(struct print *p, const uint8_t *entry, int64_t base)
{
	struct txnindex_entry e;

	(void)base;
	txnindex_decode(entry, &e);
	print_number(p, e.version);
	print_number(p, e.producer_id);
	print_number(p, e.first_offset);
	print_number(p, e.last_offset);
	print_number(p, e.last_stable_offset);
}

static const char *
txnindex_fault(const uint8_t *before, const uint8_t *entry)
{
	struct txnindex_entry b, e;

	txnindex_decode(entry, &e);
	if (e.version != TXNINDEX_VERSION)
		return "version unknown";
	if (e.first_offset < 0 || e.last_offset < e.first_offset)
		return "offsets that cannot be";
	if (before == NULL)
		return NULL;
	txnindex_decode(before, &b);
	return e.last_offset <= b.last_offset ? "does not ascend" : NULL;
}

static const struct layout *
layout_of(enum dump_kind kind)
{
	static const struct layout index = {INDEX_ENTRY_BYTES, index_columns, COUNT_OF(index_columns), index_cells, index_fault};
	static const struct layout timeindex = {TIMEINDEX_ENTRY_BYTES, timeindex_columns, COUNT_OF(timeindex_columns),
	    timeindex_cells, timeindex_fault};
	static const struct layout txnindex = {TXNINDEX_ENTRY_BYTES, txnindex_columns, COUNT_OF(txnindex_columns), txnindex_cells,
	    txnindex_fault};

	return kind == DUMP_INDEX ? &index : kind == DUMP_TIMEINDEX ? &timeindex : &txnindex;
}

static int
show(struct dump *d, int64_t at, const uint8_t *entry)
{
	const char *fault = d->layout->fault(d->has_before ? d->before : NULL, entry);
	struct print *print;
	int rc;

	if (fault != NULL && !d->told) {
		sheet_damage(d->sheet, at, fault);
		d->told = true;
	}
	memcpy(d->before, entry, d->layout->entry_bytes);
	d->has_before = true;
	if ((rc = sheet_row(d->sheet, &print)) != STATUS_OK)
		return rc;
	print_number(print, at);
	d->layout->cells(print, entry, d->file->base);
	print_text(print, fault);
	return sheet_end_row(d->sheet);
}

/* Zeros are entries only if something follows them. */
static int
show_zeros(struct dump *d)
{
	static const uint8_t zero[ENTRY_MAX_BYTES];
	int64_t step = (int64_t)d->layout->entry_bytes;
	int rc = STATUS_OK;

	for (; rc == STATUS_OK && d->zeros > 0; d->zeros -= step)
		rc = show(d, d->at - d->zeros, zero);
	return rc;
}

static int
take(struct dump *d, const uint8_t *entry)
{
	size_t len = d->layout->entry_bytes;
	bool zero = entry[0] == 0 && memcmp(entry, entry + 1, len - 1) == 0;
	int rc = STATUS_OK;

	/* One entry alone may say: offset 0 at time 0. */
	if (zero && d->file->size > (int64_t)len) {
		d->zeros += (int64_t)len;
	} else if ((rc = show_zeros(d)) == STATUS_OK) {
		rc = show(d, d->at, entry);
	}
	d->at += (int64_t)len;
	return rc;
}

static int
take_all(struct dump *d)
{
	uint8_t bytes[ENTRIES_A_READ * ENTRY_MAX_BYTES];
	size_t len = d->layout->entry_bytes, got = 0;
	int rc;

	do {
		rc = file_read_at(d->file->fd, d->file->path, bytes, ENTRIES_A_READ * len, d->at, &got);
		for (size_t i = 0; rc == STATUS_OK && i + len <= got; i += len)
			rc = take(d, bytes + i);
	} while (rc == STATUS_OK && got == ENTRIES_A_READ * len);
	if (rc == STATUS_OK && got % len != 0)
		sheet_damage(d->sheet, d->at, "it ends in the middle of an entry");
	return rc;
}

static int
tell_zeros(struct dump *d)
{
	char note[NOTE_BYTES];
	struct print *print;
	int rc;

	if (d->zeros == 0)
		return STATUS_OK;
	(void)snprintf(note, sizeof(note), "%lld bytes of zeros follow", (long long)d->zeros);
	if ((rc = sheet_row(d->sheet, &print)) != STATUS_OK)
		return rc;
	print_number(print, d->at - d->zeros);
	for (size_t i = 3; i < d->layout->column_count; i++)
		print_empty(print);
	print_text(print, note);
	return sheet_end_row(d->sheet);
}

int
dump_index(struct sheet *s, const struct dump_file *f)
{
	struct dump d = {.sheet = s, .file = f, .layout = layout_of(f->kind)};
	int rc;

	if ((rc = sheet_begin(s, d.layout->columns, d.layout->column_count)) == STATUS_OK && (rc = take_all(&d)) == STATUS_OK &&
	    (rc = tell_zeros(&d)) == STATUS_OK)
		rc = sheet_end(s);
	return rc;
}

#include "cmd/dump_segment.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "cmd/dump_record.h"
#include "log/segment.h"

#define REASON_BYTES 256
#define ZERO_STEP_BYTES 65536

#define BATCH_COLUMNS                                                                                                          \
	"FILE", "POSITION", "BYTES", "BASE-OFFSET", "LAST-OFFSET", "RECORDS", "LEADER-EPOCH", "PRODUCER-ID", "PRODUCER-EPOCH", \
	    "SEQUENCE", "TRANSACTIONAL", "CONTROL", "TIMESTAMP-TYPE", "BASE-TIMESTAMP", "MAX-TIMESTAMP", "DELETE-HORIZON",     \
	    "CODEC", "CRC", "VALID"

static const char *const batch_columns[] = {BATCH_COLUMNS, "NOTE"};
static const char *const record_columns[] = {BATCH_COLUMNS, DUMP_RECORD_COLUMNS, "NOTE"};

struct dump {
	struct sheet *sheet;
	const struct dump_file *file;
	bool records;
	struct segment_scanner scanner;
	struct buf plain; /* of a compressed batch */
	struct buf lines;
};

/* One batch, as it is shown. */
struct shown {
	int64_t position;
	struct batch_header header;
	const uint8_t *bytes; /* NULL: not valid */
	const char *control;  /* what a control batch says; NULL: it is none */
	char note[REASON_BYTES];
};

/*
 * Cells.
 */

static void
number_or_none(struct print *p, int64_t number)
{
	if (number == -1)
		print_empty(p);
	else
		print_number(p, number);
}

static void
batch_cells(struct print *p, const struct shown *b)
{
	const struct batch_header *h = &b->header;
	bool horizon = (h->attributes & BATCH_DELETE_HORIZON) != 0;
	char crc[16];

	(void)snprintf(crc, sizeof(crc), "%08x", h->crc);
	print_number(p, b->position);
	print_number(p, batch_bytes(h));
	print_number(p, h->base_offset);
	print_number(p, batch_end_offset(h) - 1);
	print_number(p, h->record_count);
	print_number(p, h->leader_epoch);
	number_or_none(p, h->producer_id);
	number_or_none(p, h->producer_epoch);
	number_or_none(p, h->base_sequence);
	print_bool(p, (h->attributes & BATCH_TRANSACTIONAL) != 0);
	print_text(p, b->control);
	print_text(p, (h->attributes & BATCH_APPEND_TIME) != 0 ? "LogAppendTime" : "CreateTime");
	dump_time(p, horizon ? -1 : h->base_timestamp_ms);
	dump_time(p, h->max_timestamp_ms);
	dump_time(p, horizon ? h->base_timestamp_ms : -1);
	print_text(p, batch_codec_name(h->attributes));
	print_text(p, crc);
	print_bool(p, b->bytes != NULL);
}

/* A row: the batch, and if records are shown one of them or, with NULL, none. */
static int
row(struct dump *d, const struct shown *b, const struct record *r)
{
	struct print *print;
	int rc;

	if ((rc = sheet_row(d->sheet, &print)) != STATUS_OK)
		return rc;
	batch_cells(print, b);
	if (r != NULL)
		dump_record_cells(print, r);
	else if (d->records && d->sheet->form != PRINT_TEXT)
		dump_record_no_cells(print);
	print_text(print, b->note);
	return sheet_end_row(d->sheet);
}

/*
 * Control batches.
 */

/* Kafka's ControlRecordType. */
static const char *
control_name(int type)
{
	static const char *const names[] = {"ABORT", "COMMIT", "LEADER-CHANGE", "SNAPSHOT-HEADER", "SNAPSHOT-FOOTER",
	    "KRAFT-VERSION", "KRAFT-VOTERS"};

	return type >= 0 && type < (int)COUNT_OF(names) ? names[type] : "UNKNOWN";
}

/* An emptied one says nothing any more. */
static void
decode_control(struct shown *b)
{
	struct batch_marker marker;

	if ((b->header.attributes & BATCH_CONTROL) == 0)
		return;
	b->control = "UNKNOWN";
	if (b->bytes == NULL || batch_read_marker(&(struct batch_view){b->header, b->bytes}, &marker) != STATUS_OK)
		return;
	b->control = control_name(marker.type);
	if (marker.coordinator_epoch != -1)
		(void)snprintf(b->note, sizeof(b->note), "coordinator epoch %d", marker.coordinator_epoch);
}

/*
 * Records.
 */

/* Why the records, or the rest of them, are not shown; that they cannot be decompressed here is no damage. */
static int
records_missing(struct dump *d, struct shown *b, int why)
{
	char reason[REASON_BYTES];

	(void)strlcpy(reason, status_message(), sizeof(reason));
	status_clear();
	if (why == STATUS_CORRUPT)
		sheet_damage(d->sheet, b->position, reason);
	if (d->sheet->form == PRINT_TEXT) {
		int rc = buf_printf(&d->lines, "  records not shown: %s\n", reason);

		return rc == STATUS_OK ? sheet_lines(d->sheet, &d->lines) : rc;
	}
	(void)strlcpy(b->note, reason, sizeof(b->note));
	return row(d, b, NULL);
}

static int
show_record(struct dump *d, const struct shown *b, const struct record *r)
{
	int rc;

	if (d->sheet->form != PRINT_TEXT)
		return row(d, b, r);
	if ((rc = dump_record_line(&d->lines, r)) != STATUS_OK)
		return rc;
	return sheet_lines(d->sheet, &d->lines);
}

static int
show_records(struct dump *d, struct shown *b)
{
	struct batch_header header = b->header;
	const uint8_t *bytes = b->bytes;
	struct batch_cursor cursor = {.left = 0};
	struct record r;
	int rc, next = STATUS_OK;

	if ((rc = batch_decompress(&header, &bytes, &d->plain)) == STATUS_OK)
		rc = batch_cursor_init(&cursor, bytes, &header);
	while (rc == STATUS_OK && (next = batch_cursor_next(&cursor, &r)) == STATUS_OK)
		rc = show_record(d, b, &r);
	if (rc == STATUS_OK)
		rc = next;
	if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG)
		return records_missing(d, b, rc);
	if (rc == STATUS_END && d->sheet->form != PRINT_TEXT && header.record_count == 0)
		return row(d, b, NULL);
	return rc == STATUS_END ? STATUS_OK : rc;
}

static int
show_batch(struct dump *d, struct shown *b)
{
	int rc;

	decode_control(b);
	if (!d->records || b->bytes == NULL)
		return row(d, b, NULL);
	/* As text a row for the batch, then lines; else the batch's cells stand before those of each record. */
	if (d->sheet->form == PRINT_TEXT && (rc = row(d, b, NULL)) != STATUS_OK)
		return rc;
	return show_records(d, b);
}

/*
 * What is not valid.
 */

/* How a segment that was allocated ahead ends, or one whose last bytes a power cut took. */
static int
all_zeros(const struct dump_file *f, int64_t from, int64_t to, bool *zeros)
{
	uint8_t bytes[ZERO_STEP_BYTES];
	size_t got;
	int rc;

	/* Fewer may be the beginning of a batch at offset 0. */
	*zeros = to - from >= BATCH_HEADER_BYTES;
	for (; *zeros && from < to; from += (int64_t)got) {
		int64_t left = to - from;

		rc = file_read_at(f->fd, f->path, bytes, left < ZERO_STEP_BYTES ? (size_t)left : ZERO_STEP_BYTES, from, &got);
		if (rc != STATUS_OK)
			return rc;
		if (got == 0)
			break;
		*zeros = bytes[0] == 0 && memcmp(bytes, bytes + 1, got - 1) == 0;
	}
	return STATUS_OK;
}

/* The header alone: STATUS_CORRUPT if it can be none, or its batch is not all there. */
static int
read_header(const struct dump *d, int64_t limit, struct shown *b)
{
	uint8_t bytes[BATCH_HEADER_BYTES];
	size_t got;
	int rc;

	if ((rc = file_read_at(d->file->fd, d->file->path, bytes, sizeof(bytes), b->position, &got)) != STATUS_OK)
		return rc;
	if (got < sizeof(bytes) || batch_decode_header(bytes, &b->header) != STATUS_OK ||
	    batch_bytes(&b->header) > limit - b->position)
		return STATUS_CORRUPT;
	return STATUS_OK;
}

/* At the scanner's position stands no valid batch; its message says why. STATUS_END: there is no going on. */
static int
show_invalid(struct dump *d, int64_t limit)
{
	struct shown b = {.position = d->scanner.position};
	const char *reason = strstr(status_message(), ": ");
	bool zeros;
	int rc;

	(void)strlcpy(b.note, reason != NULL ? reason + 2 : status_message(), sizeof(b.note));
	status_clear();
	if ((rc = all_zeros(d->file, b.position, limit, &zeros)) != STATUS_OK)
		return rc;
	if (zeros)
		(void)snprintf(b.note, sizeof(b.note), "%lld bytes of zeros follow", (long long)(limit - b.position));
	sheet_damage(d->sheet, b.position, b.note);
	if ((rc = read_header(d, limit, &b)) != STATUS_OK) {
		status_clear();
		return rc == STATUS_CORRUPT ? STATUS_END : rc;
	}
	if ((rc = show_batch(d, &b)) == STATUS_OK)
		segment_scanner_seek(&d->scanner, b.position + batch_bytes(&b.header));
	return rc;
}

static int
show_all(struct dump *d, int64_t limit)
{
	int rc = STATUS_OK;

	while (rc == STATUS_OK) {
		struct shown b = {.position = d->scanner.position};

		rc = segment_scanner_next(&d->scanner, &b.header, &b.bytes);
		if (rc == STATUS_OK)
			rc = show_batch(d, &b);
		else if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG)
			rc = show_invalid(d, limit);
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

int
dump_segment(struct sheet *s, const struct dump_file *f, int64_t limit, bool records)
{
	struct dump d = {.sheet = s, .file = f, .records = records, .plain = BUF_EMPTY, .lines = BUF_EMPTY};
	bool wide = records && s->form != PRINT_TEXT;
	int rc;

	segment_scanner_init(&d.scanner, f->fd, f->base, 0, limit);
	(void)strlcpy(d.scanner.name, "batch", sizeof(d.scanner.name));
	rc = sheet_begin(s, wide ? record_columns : batch_columns, wide ? COUNT_OF(record_columns) : COUNT_OF(batch_columns));
	if (rc == STATUS_OK && (rc = show_all(&d, limit)) == STATUS_OK)
		rc = sheet_end(s);
	segment_scanner_free(&d.scanner);
	buf_free(&d.plain);
	buf_free(&d.lines);
	return rc;
}

#include "cmd/print.h"

#include <assert.h>
#include <bsd/string.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/status.h"
#include "cmd/encoding.h"
#include "cmd/escape.h"

#define FLUSH_BYTES 65536
#define COLUMN_NAME_BYTES 64
#define TIME_SECONDS_BYTES 19 /* of "2026-11-22T10:00:00" */

/* Text and TSV have all but numbers as text; CELL_BASE64 and CELL_RAW (JSON as it is) are JSON's only. */
enum cell_kind { CELL_EMPTY, CELL_NUMBER, CELL_TEXT, CELL_BASE64, CELL_RAW };

/* A cell of text in the buf `cells`, where a NUL ends it. */
struct cell {
	size_t at, len; /* bytes */
	enum cell_kind kind;
};

struct print {
	enum print_form form;
	const char *const *columns;
	size_t column_count;
	struct buf out;	  /* to be written */
	struct buf cells; /* text: of all rows; else of this row */
	struct buf list;  /* of struct cell, row by row */
	size_t in_row;	  /* cells of this row so far */
	size_t cell_at;	  /* where the cell of pairs begins */
	int64_t rows;
	int status;    /* the first failure */
	char why[256]; /* its message */
};

static void
note(struct print *p, int rc)
{
	if (p->status != STATUS_OK || rc == STATUS_OK)
		return;
	p->status = rc;
	(void)strlcpy(p->why, status_message(), sizeof(p->why));
}

int64_t
print_row_count(const struct print *p)
{
	return p->rows;
}

/* Its rows wait for print_close. */
static bool
is_text(const struct print *p)
{
	return p->form == PRINT_TEXT || p->form == PRINT_BARE;
}

int
print_open(enum print_form form, const char *const *columns, size_t count, struct print **out)
{
	struct print *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return status_no_memory("listing");
	p->form = form;
	p->columns = columns;
	p->column_count = count;
	for (size_t i = 0; form == PRINT_TSV && p->status == STATUS_OK && i < count; i++)
		note(p, buf_printf(&p->out, "%s%c", columns[i], i + 1 < count ? '\t' : '\n'));
	*out = p;
	return STATUS_OK;
}

/*
 * Cells.
 */

/* How text and TSV show what is text already. */
static int
escape(struct buf *b, const char *text)
{
	int rc = STATUS_OK;

	for (const char *s = text; rc == STATUS_OK && *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\t' || c == '\n' || c == '\\')
			rc = buf_printf(b, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : '\\');
		else if (c < ' ' || c == 0x7f)
			rc = buf_printf(b, "\\x%02x", c);
		else
			rc = buf_append_byte(b, c);
	}
	return rc;
}

/* The cell whose text was appended at `at`. */
static void
end_cell(struct print *p, enum cell_kind kind, size_t at)
{
	struct cell cell = {.at = at, .len = p->cells.len - at, .kind = kind};

	assert(p->in_row < p->column_count);
	p->in_row++;
	if (p->status == STATUS_OK)
		note(p, buf_append_byte(&p->cells, '\0'));
	if (p->status == STATUS_OK)
		note(p, buf_append(&p->list, &cell, sizeof(cell)));
}

static void
add_cell(struct print *p, enum cell_kind kind, const char *text)
{
	size_t at = p->cells.len;

	if (p->status == STATUS_OK)
		note(p, p->form == PRINT_JSON ? buf_append(&p->cells, text, strlen(text)) : escape(&p->cells, text));
	end_cell(p, kind, at);
}

void
print_text(struct print *p, const char *text)
{
	if (text == NULL || text[0] == '\0')
		print_empty(p);
	else
		add_cell(p, CELL_TEXT, text);
}

void
print_number(struct print *p, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	add_cell(p, CELL_NUMBER, text);
}

void
print_empty(struct print *p)
{
	add_cell(p, CELL_EMPTY, p->form == PRINT_JSON ? "" : "-");
}

void
print_bool(struct print *p, bool value)
{
	if (p->form == PRINT_JSON)
		add_cell(p, CELL_RAW, value ? "true" : "false");
	else
		add_cell(p, CELL_TEXT, value ? "yes" : "no");
}

void
print_bytes(struct print *p, const void *bytes, size_t len)
{
	size_t at = p->cells.len;
	enum cell_kind kind = CELL_TEXT;

	if (bytes == NULL) {
		print_empty(p);
		return;
	}
	if (p->form == PRINT_JSON && !escape_is_utf8(bytes, len))
		kind = CELL_BASE64;
	if (p->status == STATUS_OK && kind == CELL_BASE64)
		note(p, encoding_put_base64(bytes, len, &p->cells));
	else if (p->status == STATUS_OK && p->form == PRINT_JSON)
		note(p, buf_append(&p->cells, bytes, len));
	else if (p->status == STATUS_OK)
		note(p, escape_text(&p->cells, bytes, len, len == 1 ? "-" : ""));
	end_cell(p, kind, at);
}

void
print_pairs_begin(struct print *p)
{
	p->cell_at = p->cells.len;
	if (p->form == PRINT_JSON && p->status == STATUS_OK)
		note(p, buf_append_byte(&p->cells, '['));
}

static int
put_json_pair(struct buf *b, const void *name, size_t name_len, const void *value, size_t value_len)
{
	int rc;

	if ((rc = buf_append_byte(b, '{')) != STATUS_OK || (rc = escape_json_member(b, "name", name, name_len)) != STATUS_OK ||
	    (rc = buf_append_byte(b, ',')) != STATUS_OK || (rc = escape_json_member(b, "value", value, value_len)) != STATUS_OK)
		return rc;
	return buf_append_byte(b, '}');
}

static int
put_text_pair(struct buf *b, const void *name, size_t name_len, const void *value, size_t value_len)
{
	int rc = escape_text(b, name, name_len, "=,");

	if (rc != STATUS_OK || value == NULL)
		return rc;
	rc = buf_append_byte(b, '=');
	return rc == STATUS_OK ? escape_text(b, value, value_len, "=,") : rc;
}

void
print_pair(struct print *p, const void *name, size_t name_len, const void *value, size_t value_len)
{
	struct buf *b = &p->cells;
	bool json = p->form == PRINT_JSON;

	if (p->status == STATUS_OK && b->len > p->cell_at + json)
		note(p, buf_append_byte(b, ','));
	if (p->status == STATUS_OK)
		note(p,
		    json ? put_json_pair(b, name, name_len, value, value_len) : put_text_pair(b, name, name_len, value, value_len));
}

void
print_pairs_end(struct print *p)
{
	if (p->form == PRINT_JSON && p->status == STATUS_OK)
		note(p, buf_append_byte(&p->cells, ']'));
	if (p->form != PRINT_JSON && p->cells.len == p->cell_at)
		print_empty(p);
	else
		end_cell(p, p->form == PRINT_JSON ? CELL_RAW : CELL_TEXT, p->cell_at);
}

/* The i-th cell of the list. */
static struct cell
get_cell(const struct print *p, size_t i)
{
	struct cell cell;

	memcpy(&cell, p->list.data + i * sizeof(cell), sizeof(cell));
	return cell;
}

/*
 * Rows.
 */

/* "column_name": */
static int
put_json_name(struct buf *b, const char *column, enum cell_kind kind)
{
	char name[COLUMN_NAME_BYTES];
	size_t n;

	for (n = 0; column[n] != '\0' && n + 1 < sizeof(name); n++)
		name[n] = column[n] == '-' ? '_' : (char)tolower((unsigned char)column[n]);
	name[n] = '\0';
	return buf_printf(b, "\"%s%s\":", name, kind == CELL_BASE64 ? "_base64" : "");
}

static int
put_json_cell(struct print *p, size_t i)
{
	struct cell cell = get_cell(p, i);
	const char *text = (const char *)p->cells.data + cell.at;
	int rc;

	if ((rc = put_json_name(&p->out, p->columns[i], cell.kind)) != STATUS_OK)
		return rc;
	if (cell.kind == CELL_EMPTY)
		return buf_append(&p->out, "null", 4);
	if (cell.kind == CELL_NUMBER || cell.kind == CELL_RAW)
		return buf_append(&p->out, text, cell.len);
	if ((rc = escape_json(&p->out, text, cell.len)) == STATUS_DATA)
		rc = status_context(rc, "%s", p->columns[i]);
	return rc;
}

static int
json_row(struct print *p)
{
	size_t begin = p->out.len;
	int rc = buf_append_byte(&p->out, '{');

	for (size_t i = 0; rc == STATUS_OK && i < p->column_count; i++) {
		if ((rc = put_json_cell(p, i)) == STATUS_OK)
			rc = buf_append_byte(&p->out, i + 1 < p->column_count ? ',' : '}');
	}
	if (rc == STATUS_OK)
		return buf_append_byte(&p->out, '\n');
	p->out.len = begin;
	return rc;
}

static int
tsv_row(struct print *p)
{
	int rc = STATUS_OK;

	for (size_t i = 0; rc == STATUS_OK && i < p->column_count; i++) {
		struct cell cell = get_cell(p, i);

		if ((rc = buf_append(&p->out, p->cells.data + cell.at, cell.len)) == STATUS_OK)
			rc = buf_append_byte(&p->out, i + 1 < p->column_count ? '\t' : '\n');
	}
	return rc;
}

static int
flush(struct print *p)
{
	int rc = file_write_all(STDOUT_FILENO, "stdout", p->out.data, p->out.len);

	buf_clear(&p->out);
	return rc;
}

void
print_row(struct print *p)
{
	assert(p->in_row == p->column_count);
	p->in_row = 0;
	p->rows++;
	if (is_text(p) || p->status != STATUS_OK)
		return;
	note(p, p->form == PRINT_JSON ? json_row(p) : tsv_row(p));
	buf_clear(&p->cells);
	buf_clear(&p->list);
	if (p->status == STATUS_OK && p->out.len >= FLUSH_BYTES)
		note(p, flush(p));
}

/*
 * Text.
 */

/* Characters, not bytes, as far as UTF-8 tells: bytes that begin one. */
static size_t
width_of(const uint8_t *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}

struct column {
	size_t width;
	bool has_text, has_number; /* numbers alone are aligned to the right */
};

static void
measure(const struct print *p, struct column *columns, size_t cell_count)
{
	for (size_t i = 0; p->form == PRINT_TEXT && i < p->column_count; i++)
		columns[i].width = strlen(p->columns[i]);
	for (size_t i = 0; i < cell_count; i++) {
		struct column *column = &columns[i % p->column_count];
		struct cell cell = get_cell(p, i);
		size_t width = width_of(p->cells.data + cell.at, cell.len);

		if (width > column->width)
			column->width = width;
		column->has_text |= cell.kind == CELL_TEXT;
		column->has_number |= cell.kind == CELL_NUMBER;
	}
}

/* One cell and what separates it from the next; nothing is padded at the end of a line. */
static int
put_aligned(struct print *p, const struct column *column, const void *text, size_t len, bool last)
{
	int padding = (int)(column->width - width_of(text, len)), rc;
	bool right = column->has_number && !column->has_text;

	if ((rc = buf_printf(&p->out, "%*s", right ? padding : 0, "")) != STATUS_OK ||
	    (rc = buf_append(&p->out, text, len)) != STATUS_OK)
		return rc;
	if (last)
		return buf_append_byte(&p->out, '\n');
	return buf_printf(&p->out, "%*s", right ? 2 : padding + 2, "");
}

static int
write_text(struct print *p)
{
	size_t cell_count = p->list.len / sizeof(struct cell), n = p->column_count;
	struct column *columns = calloc(n, sizeof(*columns));
	int rc = STATUS_OK;

	if (columns == NULL)
		return status_no_memory("listing");
	measure(p, columns, cell_count);
	for (size_t i = 0; p->form == PRINT_TEXT && rc == STATUS_OK && i < n; i++)
		rc = put_aligned(p, &columns[i], p->columns[i], strlen(p->columns[i]), i + 1 == n);
	for (size_t i = 0; rc == STATUS_OK && i < cell_count; i++) {
		struct cell cell = get_cell(p, i);

		rc = put_aligned(p, &columns[i % n], p->cells.data + cell.at, cell.len, i % n + 1 == n);
	}
	free(columns);
	return rc;
}

int
print_close(struct print *p)
{
	int rc;

	if (p == NULL)
		return STATUS_OK;
	if (p->status == STATUS_OK && is_text(p))
		note(p, write_text(p));
	if (p->status == STATUS_OK)
		note(p, flush(p));
	if ((rc = p->status) != STATUS_OK)
		rc = status_fail(rc, "%s", p->why);
	print_abandon(p);
	return rc;
}

void
print_abandon(struct print *p)
{
	if (p == NULL)
		return;
	buf_free(&p->out);
	buf_free(&p->cells);
	buf_free(&p->list);
	free(p);
}

void
print_time(char text[PRINT_TIME_BYTES], int64_t ms)
{
	int64_t seconds = ms / 1000, rest = ms % 1000;
	struct tm tm;
	time_t t;

	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	t = (time_t)seconds;
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 1000 - 1900 || tm.tm_year > 9999 - 1900) {
		(void)snprintf(text, PRINT_TIME_BYTES, "%lld", (long long)ms);
		return;
	}
	(void)strftime(text, PRINT_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + TIME_SECONDS_BYTES, PRINT_TIME_BYTES - TIME_SECONDS_BYTES, ".%03dZ", (int)rest);
}

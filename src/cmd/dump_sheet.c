#include "cmd/dump_sheet.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/escape.h"

/* As text: a listing is printed in pieces of so many rows, lines in pieces of so many bytes. */
#define PIECE_ROWS 1000
#define PIECE_BYTES 65536

void
sheet_init(struct sheet *s, enum print_form form, bool several)
{
	*s = (struct sheet){.form = form, .several = several, .lines = BUF_EMPTY};
}

static int
flush_lines(struct sheet *s)
{
	int rc = s->lines.len > 0 ? file_write_all(STDOUT_FILENO, "stdout", s->lines.data, s->lines.len) : STATUS_OK;

	buf_clear(&s->lines);
	s->broken |= rc != STATUS_OK;
	return rc;
}

static int
close_print(struct sheet *s)
{
	struct print *print = s->print;
	int rc;

	s->print = NULL;
	rc = print_close(print);
	s->broken |= rc != STATUS_OK;
	return rc;
}

static int
open_print(struct sheet *s)
{
	size_t skip = s->form == PRINT_TEXT ? 1 : 0;
	int rc;

	if ((rc = flush_lines(s)) != STATUS_OK)
		return rc;
	s->shown = true;
	return print_open(s->form, s->columns + skip, s->column_count - skip, &s->print);
}

int
sheet_file(struct sheet *s, const char *name)
{
	int rc = STATUS_OK;

	s->file = name;
	if (s->form == PRINT_TEXT && (rc = close_print(s)) == STATUS_OK && s->several) {
		if (s->files > 0)
			rc = buf_append_byte(&s->lines, '\n');
		if (rc == STATUS_OK && (rc = escape_text(&s->lines, name, strlen(name), "")) == STATUS_OK)
			rc = buf_append(&s->lines, ":\n", 2);
	}
	s->files++;
	return rc;
}

int
sheet_begin(struct sheet *s, const char *const *columns, size_t count)
{
	int rc = STATUS_OK;

	if (s->form == PRINT_TEXT || columns != s->columns)
		rc = close_print(s);
	s->columns = columns;
	s->column_count = count;
	s->shown = s->print != NULL;
	return rc;
}

int
sheet_row(struct sheet *s, struct print **print)
{
	int rc;

	if (s->print == NULL && (rc = open_print(s)) != STATUS_OK)
		return rc;
	if (s->form != PRINT_TEXT)
		print_bytes(s->print, s->file, strlen(s->file));
	*print = s->print;
	return STATUS_OK;
}

int
sheet_end_row(struct sheet *s)
{
	print_row(s->print);
	return s->form == PRINT_TEXT && print_row_count(s->print) >= PIECE_ROWS ? close_print(s) : STATUS_OK;
}

int
sheet_end(struct sheet *s)
{
	int rc = STATUS_OK;

	if (s->print == NULL && !s->shown)
		rc = open_print(s);
	return rc == STATUS_OK && s->form == PRINT_TEXT ? close_print(s) : rc;
}

int
sheet_lines(struct sheet *s, struct buf *lines)
{
	int rc = close_print(s);

	if (rc == STATUS_OK)
		rc = buf_append(&s->lines, lines->data, lines->len);
	buf_clear(lines);
	return rc == STATUS_OK && s->lines.len >= PIECE_BYTES ? flush_lines(s) : rc;
}

void
sheet_damage(struct sheet *s, int64_t position, const char *reason)
{
	s->damaged = true;
	if (position < 0)
		cmd_warn("%s: %s", s->file, reason);
	else
		cmd_warn("%s at %lld: %s", s->file, (long long)position, reason);
}

int
sheet_close(struct sheet *s)
{
	int rc = close_print(s), lines_rc = flush_lines(s);

	buf_free(&s->lines);
	return rc != STATUS_OK ? rc : lines_rc;
}

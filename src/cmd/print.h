/*
 * print: a listing on stdout: a header line and aligned columns, or --tsv, or --json with one object a line.
 *
 *	print_open(form, columns, COUNT_OF(columns), &p);
 *	print_text(p, "orders"); print_number(p, 3); print_empty(p);	a row: its cells in the columns' order
 *	print_row(p);
 *	rc = print_close(p);						here failures are told
 *
 * Text is kept until print_close, because its columns are as wide as their widest cell; the other two are written as they come. Column
 * names have no spaces and are never changed once released. An empty cell is '-', in JSON null, so that the columns can always be counted.
 * In text and TSV a tab, newline, other control character or backslash in a cell is written as \t, \n, \xNN, \\, as parse_escapes reads it.
 */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"

/* PRINT_BARE is text without its header line. */
enum print_form { PRINT_TEXT, PRINT_BARE, PRINT_TSV, PRINT_JSON };

struct print;

/* The columns' names, in upper case; borrowed until print_close. In JSON they are in lower case, with '_' for '-'. */
int print_open(enum print_form, const char *const *columns, size_t count, struct print **) MUST_USE;

/* The next cell of the row; NULL is empty. The text is copied. A column of numbers is aligned to the right; in JSON they are
 * numbers. */
void print_text(struct print *, const char *text);
void print_number(struct print *, int64_t number);
void print_empty(struct print *);
/* `yes` or `no`; in JSON true or false. */
void print_bool(struct print *, bool value);
/*
 * Any bytes; NULL is empty, and no bytes are a cell of no width. Text and TSV have them as escape_text (escape.h) writes them, and a lone
 * '-' as \x2d. In JSON they are a string, or, if they are not UTF-8, their base64 under the column's name and `_base64`.
 */
void print_bytes(struct print *, const void *bytes, size_t len);
/*
 * A cell of name and value pairs (a record's headers), told one by one between begin and end: NAME=VALUE, separated by commas, with '=' and
 * ',' in them as \xNN; a NULL value is NAME alone. In JSON [{"name":...,"value":...}], bytes as above. No pairs are empty, in JSON [].
 */
void print_pairs_begin(struct print *);
void print_pair(struct print *, const void *name, size_t name_len, const void *value, size_t value_len);
void print_pairs_end(struct print *);

/* End the row; it has a cell for each column. A failure is told by print_close; until then nothing more is written. */
void print_row(struct print *);
/* How many rows there were so far. */
int64_t print_row_count(const struct print *);

/*
 * Write what is still to be written and free everything. NULL is fine. The status of the whole listing: STATUS_IO if stdout failed,
 * STATUS_DATA if a cell is not UTF-8, which JSON cannot say, STATUS_AGAIN without memory.
 */
int print_close(struct print *) MUST_USE;
/* Free everything, write nothing more. */
void print_abandon(struct print *);

#define PRINT_TIME_BYTES 32

/* RFC 3339 in UTC: 2026-11-22T10:00:00.123Z; what lies outside the years 1000 to 9999 is shown as the number it is. */
void print_time(char text[PRINT_TIME_BYTES], int64_t ms);

#endif

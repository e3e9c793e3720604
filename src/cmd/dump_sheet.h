/*
 * dump_sheet: what mq-dump prints: a listing for each file, one after the other.
 *
 *	sheet_init(&s, form, several);
 *	sheet_file(&s, "orders-0/00000000000000000000.log");		its heading
 *	sheet_begin(&s, columns, COUNT_OF(columns));			a listing; the first column is FILE
 *	while (... (rc = sheet_row(&s, &print)) == STATUS_OK) {		FILE is filled in, the other cells are the caller's
 *		print_number(print, ...);
 *		sheet_end_row(&s);
 *	}
 *	sheet_end(&s);
 *	sheet_close(&s);
 *
 * As text the column FILE is a heading above the listing if there are several files, and long listings are printed in pieces, each with its
 * header line, so that memory does not grow. As TSV the files of one kind are one listing.
 */
#ifndef CMD_DUMP_SHEET_H
#define CMD_DUMP_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cmd/print.h"

struct sheet {
	enum print_form form;
	bool several; /* files: as text each has a heading */
	bool damaged; /* something could not be understood */
	bool broken;  /* stdout failed, or a row could not be made: nothing more is shown */
	const char *file;
	const char *const *columns; /* of the listing at hand */
	size_t column_count;
	struct print *print; /* open; NULL: not yet */
	bool shown;	     /* the listing at hand has its header line */
	int64_t files;
	struct buf lines; /* text to be written */
};

void sheet_init(struct sheet *, enum print_form, bool several);
/* The next file, as the user knows it; borrowed until the next. */
int sheet_file(struct sheet *, const char *name) MUST_USE;

int sheet_begin(struct sheet *, const char *const *columns, size_t count) MUST_USE;
/* A row of the listing: its first cell is made, the others go to *print. */
int sheet_row(struct sheet *, struct print **print) MUST_USE;
int sheet_end_row(struct sheet *) MUST_USE;
/* A listing without rows has its header line now. */
int sheet_end(struct sheet *) MUST_USE;

/* As text only: lines between the rows; the next row begins with the header again. The buf is emptied. */
int sheet_lines(struct sheet *, struct buf *lines) MUST_USE;

/* One line on stderr, "FILE at POSITION: reason" or without the position if it is negative. It is noted in `damaged`. */
void sheet_damage(struct sheet *, int64_t position, const char *reason);

/* Writes what is left. Statuses of print_close. Call it also after a failure. */
int sheet_close(struct sheet *) MUST_USE;

#endif

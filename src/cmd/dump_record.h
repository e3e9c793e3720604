/*
 * dump_record: one record, as cells of a row or as a line for people.
 */
#ifndef CMD_DUMP_RECORD_H
#define CMD_DUMP_RECORD_H

#include "cmd/print.h"
#include "log/record.h"

/* The columns of its cells. */
#define DUMP_RECORD_COLUMNS "OFFSET", "TIMESTAMP", "KEY", "VALUE", "HEADERS"

/* Its cells; those of no record are empty. */
void dump_record_cells(struct print *, const struct record *);
void dump_record_no_cells(struct print *);

/* Append `  offset 7  timestamp T  key "k"  value null  headers "a"="b" "c"=null` and a newline. */
int dump_record_line(struct buf *, const struct record *) MUST_USE;

/* A time, empty if it is -1. */
void dump_time(struct print *, int64_t ms);

#endif

/*
 * dump_index: the entries of an .index, a .timeindex or a .txnindex.
 *
 * Zeros at the end, as a live broker leaves them, are told in a last row; entries that do not ascend are marked, and told once.
 */
#ifndef CMD_DUMP_INDEX_H
#define CMD_DUMP_INDEX_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"

/* The file's kind says which. A failure is one that ends the dump of this file. */
int dump_index(struct sheet *, const struct dump_file *) MUST_USE;

#endif

/*
 * dump_intent: a set of batches that is to be stored as a whole, by its partitions; all of its batches are checked.
 */
#ifndef CMD_DUMP_INTENT_H
#define CMD_DUMP_INTENT_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"

/* A failure is one that ends the dump of this file. */
int dump_intent(struct sheet *, const struct dump_file *) MUST_USE;

#endif

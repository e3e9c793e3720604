/*
 * dump_snapshot: what a .snapshot knows of producers, by their ids.
 */
#ifndef CMD_DUMP_SNAPSHOT_H
#define CMD_DUMP_SNAPSHOT_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"

/* A failure is one that ends the dump of this file. */
int dump_snapshot(struct sheet *, const struct dump_file *) MUST_USE;

#endif

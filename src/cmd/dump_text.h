/*
 * dump_text: the text files of a store: Kafka's checkpoints and partition.metadata, our config, state and store.
 *
 * A line of Kafka's files that cannot be understood is told with its number, the others are shown. Ours are refused whole, as those who use
 * them do.
 */
#ifndef CMD_DUMP_TEXT_H
#define CMD_DUMP_TEXT_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"

/* The file's kind says which. A failure is one that ends the dump of this file. */
int dump_text(struct sheet *, const struct dump_file *) MUST_USE;

#endif

/*
 * dump_heads: the file `heads` word by word, read without being mapped, and whether each partition's page may be trusted.
 */
#ifndef CMD_DUMP_HEADS_H
#define CMD_DUMP_HEADS_H

#include "cmd/dump_file.h"
#include "cmd/dump_sheet.h"
#include "log/head_words.h"

/* A failure is one that ends the dump of this file. */
int dump_heads(struct sheet *, const struct dump_file *) MUST_USE;

/*
 * What the open file says of partition p, whose folder is open as `dir` (-1: none); *why is NULL if it may be trusted, else the reason, valid
 * until the next failure. STATUS_MISSING: it counts no such partition. STATUS_CORRUPT: it is no heads file, or too short.
 */
int dump_heads_claim(int fd, int p, int dir, struct head_claim *, const char **why) MUST_USE;

#endif

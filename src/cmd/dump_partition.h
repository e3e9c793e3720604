/*
 * dump_partition: the log of a partition of a store, all its segments up to what is published, while producers may append.
 *
 * Nothing is locked, recovered or mapped. If the page of the partition cannot be trusted, that is told, and all that lies there is shown.
 */
#ifndef CMD_DUMP_PARTITION_H
#define CMD_DUMP_PARTITION_H

#include <stdbool.h>

#include "cmd/dump_sheet.h"

#define DUMP_TOPIC_BYTES 250

/* True if the operand is TOPIC/PARTITION by its form. */
bool dump_partition_parse(const char *operand, char topic[DUMP_TOPIC_BYTES], int *p);

/* `dir`: the store, as for store_path. STATUS_MISSING: no such store, topic or partition. */
int dump_partition(struct sheet *, const char *dir, const char *topic, int p, bool records) MUST_USE;

#endif

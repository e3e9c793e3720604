/*
 * epoch: Kafka's leader-epoch-checkpoint: which leader epoch begins at which offset (KIP-101).
 *
 * Text: "0", the number of entries, then "EPOCH START-OFFSET" lines, ascending.
 */
#ifndef LOG_EPOCH_H
#define LOG_EPOCH_H

#include <stdint.h>

#include "base/file.h"

struct epoch_entry {
	int32_t epoch;
	int64_t start_offset;
};

struct epoch_list {
	struct epoch_entry *entries;
	size_t count;
};

/* A missing file is an empty list; one that cannot be understood, or has more lines than it counts, is STATUS_IO. */
int epoch_list_read(int dir, struct epoch_list *) MUST_USE;
void epoch_list_free(struct epoch_list *);
/* Put an entry behind the last one, which is of a smaller epoch and begins before it. */
int epoch_list_add(struct epoch_list *, int32_t epoch, int64_t start_offset) MUST_USE;
/* Forget the epochs that end before the offset; the one that it lies in begins with it (Kafka's truncateFromStart). */
void epoch_list_trim(struct epoch_list *, int64_t offset);
/* Durable on return. */
int epoch_list_write(int dir, const struct file_access *, const struct epoch_list *) MUST_USE;

/*
 * Note that `epoch` begins at start_offset, unless it began before; entries that begin at or behind it, or bear no smaller epoch, are
 * dropped. Durable on return. Append lock.
 */
int epoch_begin(int dir, const struct file_access *, int32_t epoch, int64_t start_offset) MUST_USE;

#endif

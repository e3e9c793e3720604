/*
 * cursor: the file of mq-consume --offset-file: how far its owner has read a topic.
 *
 *	cursor_open("cursor", topic, &c);
 *	if (cursor_find(c, 3, &mark)) ...			where to go on in partition 3
 *	cursor_note(c, 3, mark); ... cursor_write(c);		replaced atomically, if it changed
 *
 * Text: the topic's id, then a line PARTITION OFFSET EPOCH for each partition, ascending. OFFSET is the next to read; EPOCH the leader epoch
 * of what was read before it, -1 if that was nothing. Partitions that are not read keep their lines.
 */
#ifndef CMD_CURSOR_H
#define CMD_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "store/topic.h"

struct cursor;

struct cursor_mark {
	int64_t offset;
	int32_t epoch; /* -1: unknown */
};

/*
 * A missing file is an empty cursor. STATUS_CONFIG if it is another topic's, or cannot be understood, which names the line; STATUS_MISSING
 * if its folder is not there, STATUS_PERMISSION if we may not write to that. The path is borrowed.
 */
int cursor_open(const char *path, const char *topic_id, struct cursor **) MUST_USE;
void cursor_close(struct cursor *);

bool cursor_find(const struct cursor *, int partition, struct cursor_mark *);
int cursor_note(struct cursor *, int partition, struct cursor_mark) MUST_USE;
/* Put the cursor in place of the file, synced, unless it is what was read or written last. */
int cursor_write(struct cursor *) MUST_USE;

/*
 * Where records of the mark's epoch end in a partition whose readable end is `end`: what lies behind that is not what the cursor's owner has
 * read (KIP-320). The mark's epoch is the last: `end`.
 */
int cursor_epoch_end(struct store *, const char *topic, int partition, int32_t epoch, int64_t end, int64_t *offset) MUST_USE;

#endif

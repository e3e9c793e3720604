/*
 * dump_file: a file of a store, opened for reading only, and what it is by its name.
 */
#ifndef CMD_DUMP_FILE_H
#define CMD_DUMP_FILE_H

#include <stdint.h>

#include "base/buf.h"

enum dump_kind {
	DUMP_UNKNOWN,
	DUMP_SEGMENT,
	DUMP_INDEX,
	DUMP_TIMEINDEX,
	DUMP_TXNINDEX,
	DUMP_SNAPSHOT,
	DUMP_EPOCHS,
	DUMP_OFFSETS, /* Kafka's checkpoints of offsets */
	DUMP_METADATA,
	DUMP_HEADS,
	DUMP_CONFIG,
	DUMP_STATE,
	DUMP_STORE,
	DUMP_INTENT,
};

struct dump_file {
	const char *path; /* as it is shown; borrowed */
	char *real;	  /* absolute, through links; NULL for one within an open directory */
	enum dump_kind kind;
	int fd;
	int64_t base; /* base offset by its name, 0 if that has none */
	int64_t size; /* bytes, when it was opened */
};

/*
 * The kind of a file with this name (a path is fine), DUMP_UNKNOWN if no file of a store is named so. Kafka's .deleted, .cleaned and .swap
 * behind the name do not count.
 */
enum dump_kind dump_kind_of(const char *name);
/* The kind by the word of --kind, as "segment"; DUMP_UNKNOWN. */
enum dump_kind dump_kind_named(const char *word);
/* All these words, for a message. */
#define DUMP_KIND_WORDS \
	"segment, index, timeindex, txnindex, snapshot, epochs, offsets, metadata, heads, config, state, store or intent"

/*
 * Open the file that a user names. `kind` may be DUMP_UNKNOWN: then it is found by the name, and STATUS_USAGE if it cannot be.
 * STATUS_MISSING: none, or a directory. STATUS_IO: no plain file.
 */
int dump_file_open(const char *path, enum dump_kind kind, struct dump_file *) MUST_USE;
/* A file within an open directory; `path` is for messages. */
int dump_file_open_at(int dir, const char *name, const char *path, struct dump_file *) MUST_USE;
void dump_file_close(struct dump_file *);

/* All of its bytes, appended; STATUS_CORRUPT if they are more than `most`. */
int dump_file_bytes(const struct dump_file *, size_t most, struct buf *) MUST_USE;

#endif

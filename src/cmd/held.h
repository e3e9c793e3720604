/*
 * held: records that are put aside, each with its partition, and come back in the same order: in memory, and if they are many in a file
 * without a name.
 *
 *	held_init(&h, named);
 *	held_add(&h, partition, &record) ...
 *	while (held_next(&h, &partition, &record) == STATUS_OK) ...	nothing may be added any more
 *	held_free(&h);
 */
#ifndef CMD_HELD_H
#define CMD_HELD_H

#include "base/buf.h"
#include "log/record.h"
#include "store/named.h"

struct held {
	struct named *named;
	struct buf bytes;  /* the last records, or the one that is read from the file */
	int fd;		   /* of the file, -1 none */
	int64_t file_size; /* bytes */
	int64_t at;	   /* of the next record, in file or buf */
	bool reading;
};

/* The named producer is borrowed: it makes the file. */
void held_init(struct held *, struct named *);
void held_free(struct held *);
/* The record's bytes are copied. */
int held_add(struct held *, int partition, const struct record *) MUST_USE;
/* STATUS_END behind the last. The record is valid until the next call. */
int held_next(struct held *, int *partition, struct record *) MUST_USE;

#endif

/*
 * named_place: the place that a named producer has reached in a file that it follows (mq-produce --follow), and how the file is known again
 * though it was renamed, copied or compressed since: mq-format(5) IDS.
 *
 * A file is known by inode and birth time, because an inode alone is soon that of another file; and by the bytes before the place, because
 * a file may be truncated and written anew. A copy has the bytes alone.
 */
#ifndef STORE_NAMED_PLACE_H
#define STORE_NAMED_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/file.h"

/* So many bytes before a place are hashed; fewer if the file has fewer there. */
#define PLACE_TAIL_BYTES ((size_t)4096)

struct named_place {
	char follows[PATH_MAX]; /* the path of the file by which it is followed */
	struct file_identity
	    file;	  /* the one that the place is in; the device is not kept: it may have another number after a boot */
	int64_t position; /* bytes, behind the last record that is stored */
	uint64_t hash;	  /* place_hash of the bytes before it */
	int next;	  /* the partition that the next record without a key goes to */
};

/* The last bytes before a place. */
struct place_tail {
	size_t len;
	uint8_t bytes[PLACE_TAIL_BYTES];
};

/* What follows the tail: keep the last of all. */
void place_tail_add(struct place_tail *, const uint8_t *bytes, size_t len);
uint64_t place_tail_hash(const struct place_tail *);
/* Inode and birth time are equal. */
bool place_is_file(const struct file_identity *, const struct file_identity *);

bool named_place_equal(const struct named_place *, const struct named_place *);

/* The values of the lines `follows` and `place`, each without its key. Appended to the buf. */
int named_place_encode_follows(const struct named_place *, struct buf *) MUST_USE;
int named_place_encode(const struct named_place *, struct buf *) MUST_USE;
/* STATUS_CONFIG for what breaks a rule of mq-format(5) IDS. */
int named_place_decode_follows(const char *value, struct named_place *) MUST_USE;
int named_place_decode(const char *value, struct named_place *) MUST_USE;

#endif

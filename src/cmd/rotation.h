/*
 * rotation: finds a place again among a log file and what it was rotated to (siblings.h), and the file that comes next.
 *
 *	rotation_find(folder, "app.log", &place, &r)	the file that the place is in, however it is called now
 *	rotation_next(folder, "app.log", &r, &place, &next)	all of r was read: what was written after it
 *
 * First the file itself is looked for, by inode, birth time and the bytes before the place; then a copy, which has these bytes at that
 * position, compressed or not. If two have them it cannot be told which it is, and none is taken.
 */
#ifndef CMD_ROTATION_H
#define CMD_ROTATION_H

#include <limits.h>
#include <stdbool.h>

#include "base/unpack.h"
#include "store/named_place.h"

struct rotated {
	char name[NAME_MAX + 1];
	int fd; /* -1: none */
	struct file_identity file;
	struct unpack *unpack;	/* of a compressed file, at the place; else NULL */
	struct place_tail tail; /* of the place, if it was found by one */
	bool still;		/* a copy or compressed: nobody writes to it any more */
};

#define ROTATED_NONE ((struct rotated){.fd = -1})

void rotated_close(struct rotated *);
/* The file at `path`, links followed: statuses of file_open_plain_input. */
int rotated_open(const char *path, struct rotated *) MUST_USE;

/* STATUS_MISSING, with a message that says what was looked at in vain: it is in none of them, or cannot be told. */
int rotation_find(const char *folder, const char *base, const struct named_place *, struct rotated *) MUST_USE;

/*
 * `place`: its end, by which it is known if it was compressed since. STATUS_MISSING, no message: none yet, or it is not rotated. *skipped: names
 * of files between that cannot be read, appended, each behind a space.
 */
int rotation_next(const char *folder, const char *base, const struct rotated *, const struct named_place *, struct rotated *next,
    struct buf *skipped) MUST_USE;

#endif

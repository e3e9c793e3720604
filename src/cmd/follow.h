/*
 * follow: a log file as one stream of bytes, that goes on as the file grows and is rotated: mq-produce --follow.
 *
 *	follow_open(path, place, &f);			place NULL: from the file's beginning
 *	for (;;)
 *		follow_read(f, ...)			STATUS_END: all of one file was read
 *		follow_take(f, bytes, len)		what has become records; follow_place is behind it
 *		follow_next(f)				behind STATUS_END: the next file
 *		nothing read: wait for follow_descriptor, not longer than follow_patience_ms, then follow_look
 *
 * inotify(7) tells of each change, so it costs nothing to wait; only where it tells nothing (a network file system, a link) the file is looked
 * at each second. A rotated file has ended when nobody has it open for writing any more (a lease can tell), or was quiet for 5 seconds while
 * the next one has something. What was read is compared with what stands before it each time, because a file may be truncated and
 * written anew ("copytruncate"); then a copy is looked for that has the bytes before the place.
 */
#ifndef CMD_FOLLOW_H
#define CMD_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compat.h"
#include "store/named_place.h"

struct follow;

/* STATUS_MISSING, STATUS_PERMISSION: there cannot be such a file. One that is not there yet can; it is waited for. */
int follow_check(const char *path) MUST_USE;

/*
 * A place that is not found again is told on stderr, and so is later what else may be missing: follow_lost. STATUS_DATA: it is not found, and
 * is that of another path. `id` is for messages; both strings are borrowed.
 */
int follow_open(const char *path, const char *id, const struct named_place *, struct follow **) MUST_USE;
/* NULL is fine. */
void follow_close(struct follow *);

/*
 * At most len bytes behind the `unread` that were read before, are not taken yet, and stand in front of `bytes`; *got is 0 if none are at hand.
 * STATUS_END: there will be none; follow_next.
 */
int follow_read(struct follow *, uint8_t *bytes, size_t len, size_t unread, size_t *got) MUST_USE;
/* False: there is no file now. After each follow_look, follow_next looks again. */
bool follow_is_open(const struct follow *);
/* Behind STATUS_END, before follow_next: does what is unread still count? Not if the file was truncated. */
bool follow_rest_counts(const struct follow *);
/* The bytes that follow the place; it is behind them then. */
void follow_take(struct follow *, const uint8_t *bytes, size_t len);
/*
 * The next file, at its beginning, or the same at its new one; what was read and not taken is to be forgotten. *began: the next record is the
 * first behind a place that is worth a checkpoint; else it is the same stream that goes on in a copy.
 */
int follow_next(struct follow *, bool *began) MUST_USE;

/* For messages; valid until follow_next. */
const char *follow_name(const struct follow *);
/* Something may be missing; it was told. */
bool follow_lost(const struct follow *);
void follow_place(const struct follow *, struct named_place *);

int follow_descriptor(const struct follow *);
int64_t follow_patience_ms(const struct follow *);
void follow_look(struct follow *);

#endif

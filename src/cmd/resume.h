/*
 * resume: compares the input of a named producer with what is stored under its name, and says of each record whether it is to be stored.
 *
 *	resume_open(named, &r);
 *	for each record of the input:
 *		resume_take(r, partition, &record, timed, &verdict)
 *		RESUME_STORE: store it;  RESUME_SKIP: it is stored, or put aside
 *		if RESUME_AGREED: the last that is stored was met; resume_next what was put aside, all of it is to be stored
 *	resume_end(r)				the input has ended: STATUS_DATA if more than it is stored
 *
 * An input that is followed (named_place) begins at the place of the checkpoint, so only what is stored behind that is met.
 *
 * Nothing may be stored before all that is stored was met, because until then it may be another input. What is new and comes before that,
 * because another partition was further when a run died, is put aside.
 */
#ifndef CMD_RESUME_H
#define CMD_RESUME_H

#include <stdbool.h>

#include "log/record.h"
#include "store/named.h"

struct resume;

enum resume_verdict { RESUME_STORE, RESUME_SKIP, RESUME_AGREED };

/* The named producer is borrowed. */
int resume_open(struct named *, struct resume **) MUST_USE;
void resume_close(struct resume *);

/*
 * `timed`: the input itself gives the record's time, so that it is compared, too. STATUS_DATA: the input begins otherwise than what is
 * stored; nothing of it was stored then.
 */
int resume_take(struct resume *, int partition, const struct record *, bool timed, enum resume_verdict *) MUST_USE;
/* The same of lines, all of which are to be stored: resume_agreed, and a record of this partition was taken before. */
void resume_take_lines(struct resume *, int partition, const uint8_t *lines, const uint8_t *end, uint8_t delimiter);
/* The next record that was put aside; STATUS_END behind the last. Valid until the next call. */
int resume_next(struct resume *, int *partition, struct record *) MUST_USE;
int resume_end(const struct resume *) MUST_USE;
/* The followed file that what is stored behind the checkpoint came from is gone: it counts as met. */
void resume_pass(struct resume *);
/* Records before the checkpoint that the log does not hold any more, and that a followed input does not give again; 0: none. */
int64_t resume_missing(const struct resume *);

/* Was all met that is stored? */
bool resume_agreed(const struct resume *);
/* All that was taken, for a checkpoint. */
const struct beginning *resume_input(const struct resume *);

#endif

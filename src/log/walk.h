/*
 * walk: goes through the batches of one partition by offset, from segment to segment, without a lock.
 *
 *	walk_init(&w, &extent);
 *	walk_seek(&w, offset);
 *	while (walk_next(&w, end, &view) == STATUS_OK) ...	every batch, control batches too, until STATUS_END
 *	walk_park(&w);
 *
 * Nothing is opened before the first walk_next, and the position outlives parking, a roll and a rebuilt log.
 */
#ifndef LOG_WALK_H
#define LOG_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "log/batch.h"
#include "log/extent.h"
#include "log/segment.h"

struct walk {
	struct extent *extent; /* borrowed; several walks may share it */
	int64_t position;      /* offset */
	uint64_t version;      /* of the extent, when the segment was opened or told */
	int64_t base_hint;     /* of the segment to open for the position; -1: not known */
	int fd;		       /* of that segment, -1 none */
	bool is_active;	       /* it is the active one: it ends at the published end */
	int64_t log_end;       /* offset; what lies below the scanner's limit lies below it */
	int64_t before;	       /* where the position was before the last walk_next */
	struct segment_scanner scanner;
};

void walk_init(struct walk *, struct extent *);
/* Close the segment and free its window; the position stays. */
void walk_park(struct walk *);

/* Set the position: the next batch is the first that holds an offset at or behind it. Opens nothing. */
void walk_seek(struct walk *, int64_t offset);
/* The same for who has just looked: in this version of the extent the offset is in the segment of that base, so the folder is not listed again. */
void walk_seek_in(struct walk *, int64_t segment_base, int64_t offset);
/* Stand where another walk on the same extent stands; in the same segment nothing is opened again. */
void walk_join(struct walk *, const struct walk *other);

/*
 * The next batch that holds offsets in [position, end), as it is stored; the position moves behind it. Offsets that compaction removed
 * are passed over. Statuses as reader_next has them; then the position stays, but for STATUS_END.
 */
int walk_next(struct walk *, int64_t end, struct batch_view *) MUST_USE;
/* After STATUS_OK of walk_next: that batch comes again. */
void walk_back(struct walk *, const struct batch_view *);

/* The folder holds the segment that `offset`, which is not below the log start, is in or would be in; else STATUS_IO. */
int walk_check_segments(const struct segment_list *, int64_t offset) MUST_USE;

#endif

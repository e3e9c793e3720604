/*
 * named_trail: what a partition's log holds of a named producer, compared with what its file says.
 *
 *	named_trail_find(topic, p, id, &mark, live, deadline, &found);
 *	found.count, named_trail_get(&found, number), named_trail_each(...)
 *	named_trail_free(&found);
 */
#ifndef STORE_NAMED_TRAIL_H
#define STORE_NAMED_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/fingerprint.h"
#include "store/named_file.h"
#include "store/topic.h"

struct named_trail {
	bool searched;		    /* the log was, because it may hold more than the mark says, or less */
	int64_t start;		    /* where what may lie behind the mark begins */
	int64_t end;		    /* where the log ended */
	int64_t stored;		    /* as the mark says */
	int64_t count;		    /* records that are stored, or were and have been removed */
	struct fingerprint *traces; /* of the records from `stored` to `count`; both numbers 0: removed */
};

/*
 * What is found is durable on return, whatever the topic's fsync says. `live`: the log may hold more than the mark says. STATUS_IO if it
 * contradicts the mark. STATUS_AGAIN also if it does not hold still. Statuses of topic_append.
 */
int named_trail_find(struct topic *, int p, int64_t id, const struct named_mark *, bool live, int64_t deadline_ms,
    struct named_trail *) MUST_USE;
void named_trail_free(struct named_trail *);

/* The fingerprint of a record in [stored, count); NULL: it was removed. */
const struct fingerprint *named_trail_get(const struct named_trail *, int64_t number);
/* Call `visit` with each batch behind the mark, as it lies in the log. */
int named_trail_each(struct topic *, int p, int64_t id, const struct named_trail *,
    int (*visit)(void *arg, int p, const struct buf *bytes), void *arg) MUST_USE;

#endif

/*
 * fanout: the producers of one run: one for each topic that its records go to, opened when the first of them comes.
 *
 *	fanout_open(store, &options, &f);
 *	fanout_get(f, "orders", &producer);	for each record, or once; producer.h says what then
 *	fanout_store(f);			whenever no record is at hand
 *	fanout_finish(f);			at the end
 *
 * Of many topics the one that was not used for the longest time is finished and closed, so that descriptors and memory have a bound. The
 * counts are those of all.
 */
#ifndef CMD_FANOUT_H
#define CMD_FANOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/producer.h"
#include "store/store.h"

struct fanout;

struct fanout_options {
	struct producer_options producer;
	bool timed; /* the user gives the timestamps: STATUS_CONFIG where the topic gives its own */
	bool many;  /* the records name their topics: each gets less memory */
};

/* The store and what the options point to are borrowed. */
int fanout_open(struct store *, const struct fanout_options *, struct fanout **) MUST_USE;
/* What was not stored is gone. NULL is fine. */
void fanout_close(struct fanout *);

/*
 * The producer of the topic, and the topic itself if `topic` is not NULL; valid until the next fanout_get. STATUS_MISSING if there is no
 * such topic or partition, STATUS_PERMISSION if we may not write to it, STATUS_CONFIG, STATUS_USAGE for what is no name. A failure may
 * also be one of storing what another topic got.
 */
int fanout_get(struct fanout *, const char *name, struct producer **, struct topic **topic) MUST_USE;

/* producer_store of all; the first failure ends it. */
int fanout_store(struct fanout *) MUST_USE;
/* producer_end of all. */
int fanout_end(struct fanout *) MUST_USE;
/* producer_give_up of all. */
void fanout_give_up(struct fanout *);
/* producer_finish of all, also behind a failure; the first failure is returned, others are told on stderr. */
int fanout_finish(struct fanout *) MUST_USE;
/* The shortest producer_patience_ms. */
int64_t fanout_patience_ms(const struct fanout *);

uint64_t fanout_stored(const struct fanout *);
uint64_t fanout_unknown(const struct fanout *);

#endif

/*
 * progress: one line on stderr that says how far a long run is, not more than once a second.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool terminal; /* the line is written over itself */
	bool shown;
	int64_t next_ms;
};

/* On if it was asked for, or if a terminal shows it and nobody types into it. */
void progress_init(struct progress *, bool asked);
void progress_show(struct progress *, uint64_t records, uint64_t bytes);
/* Before anything else is said. */
void progress_end(struct progress *);

#endif

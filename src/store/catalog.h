/*
 * catalog: makes, finds and removes a store's topics. One is there whole or not at all: it is made, and taken apart, under a hidden name.
 */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "store/config.h"
#include "store/store.h"

/*
 * Make a topic: all of it synced in a hidden folder, then renamed, the folder synced. STATUS_EXISTS if the name is taken. What killed
 * makers and removers left is removed on the way. Takes the store lock.
 */
int catalog_create(struct store *, const char *name, const struct config *, int64_t deadline_ms) MUST_USE;
/*
 * A topic that takes long to make, an import: its hidden folder, which nobody removes while we live, made without the store lock.
 *
 *	catalog_begin(store, name, &access, deadline, &draft);
 *	fill draft.dir, sync all in it
 *	catalog_commit(store, &draft, deadline);	it has its name, durable; or
 *	catalog_abandon(store, &draft);			nothing of it is left
 */
#define CATALOG_HIDDEN_BYTES 32

struct catalog_draft {
	const char *name; /* of the topic, borrowed */
	char hidden[CATALOG_HIDDEN_BYTES];
	int dir;
	struct lock *life; /* a byte of its `lock` says that we live */
};

/* STATUS_EXISTS if the name is taken already. Makes `lock` in the folder. Takes the store lock for a moment, as commit does. */
int catalog_begin(struct store *, const char *name, const struct file_access *, int64_t deadline_ms,
    struct catalog_draft *) MUST_USE;
/* STATUS_EXISTS if the name was taken meanwhile. The draft is over on STATUS_OK; else abandon it. */
int catalog_commit(struct store *, struct catalog_draft *, int64_t deadline_ms) MUST_USE;
/* Remove it, if it is not over; the status message stays. */
void catalog_abandon(struct store *, struct catalog_draft *);

/* STATUS_MISSING if there is none. Waiting processes are woken and find it deleted. Takes the store lock. */
int catalog_delete(struct store *, const char *name, int64_t deadline_ms) MUST_USE;
/*
 * Call `visit` with the hidden folder of each topic that a killed maker or remover left, and then, if `remove`, remove it. One at which
 * somebody is at work does not count. Takes the store lock; who may not, finds nothing.
 */
int catalog_visit_hidden(struct store *, bool remove, int64_t lock_ms, int (*visit)(void *arg, const char *name),
    void *arg) MUST_USE;
bool catalog_has(struct store *, const char *name);
/* Has its deletion begun? The next delete or create of the name ends it. False also if that cannot be found out. */
bool catalog_is_dying(struct store *, const char *name);

#endif

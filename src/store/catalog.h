/*
 * catalog: makes, finds and removes a store's topics. One is there whole or not at all: it is made, and taken apart, under a hidden name.
 */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "store/config.h"
#include "store/store.h"

/*
 * Make a topic: all of it synced in a hidden folder, then renamed, the folder synced. STATUS_EXISTS if the name is taken. What killed
 * makers and removers left is removed on the way. Takes the store lock.
 */
int catalog_create(struct store *, const char *name, const struct config *, int64_t deadline_ms) MUST_USE;
/* STATUS_MISSING if there is none. Waiting processes are woken and find it deleted. Takes the store lock. */
int catalog_delete(struct store *, const char *name, int64_t deadline_ms) MUST_USE;
bool catalog_has(struct store *, const char *name);

#endif

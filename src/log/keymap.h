/*
 * keymap: the last offset of each key, in bounded memory, for compaction.
 *
 * Keys are kept whole: a hash that two keys share must not make one of them look outdated. The hash, XXH3 (xxHash), has a random
 * seed, so that nobody can choose keys that make the search long.
 */
#ifndef LOG_KEYMAP_H
#define LOG_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compat.h"

struct keymap;

/* Takes `bytes` of memory at most, at least KEYMAP_MIN_BYTES; untouched pages of it cost nothing. */
#define KEYMAP_MIN_BYTES ((size_t)64 * 1024)
int keymap_open(size_t bytes, struct keymap **) MUST_USE;
/* NULL is fine. */
void keymap_close(struct keymap *);
/* Forget all keys; the memory is kept. */
void keymap_clear(struct keymap *);

/*
 * The key's hash, which the calls below want beside it. The map is larger than any cache: who has many keys to look up asks for the hashes
 * of some of them ahead, which begins to fetch their slots, then keymap_touch, which begins to fetch the keys found there.
 */
uint64_t keymap_hash(const struct keymap *, const uint8_t *key, int32_t len);
void keymap_touch(const struct keymap *, uint64_t hash);

/* Note the key at the offset, which is greater than any before. STATUS_END: there is no room for another key, nothing was noted. */
int keymap_put(struct keymap *, const uint8_t *key, int32_t len, uint64_t hash, int64_t offset) MUST_USE;
/* Its last offset; -1 if it was not noted. */
int64_t keymap_get(const struct keymap *, const uint8_t *key, int32_t len, uint64_t hash);
size_t keymap_count(const struct keymap *);

#endif

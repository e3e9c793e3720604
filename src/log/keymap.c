#include "log/keymap.h"

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* All of it inline: there is nothing to link or to load. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/status.h"

/* An entry of the arena: the offset, the key's length, the key; the next begins at a multiple of UNIT. */
#define UNIT 8
#define ENTRY_HEADER 16
/* A quarter of the memory is the table: a slot for each 32 bytes, which an entry with a key of 16 takes. */
#define TABLE_SHARE 4

struct slot {
	uint32_t hash;
	uint32_t at; /* of the entry in the arena, in units, plus one; 0: free */
};

struct keymap {
	uint8_t *memory;
	size_t bytes;
	struct slot *slots; /* a power of two */
	size_t mask;
	size_t most; /* keys: three quarters of the slots */
	uint8_t *arena;
	size_t arena_bytes, used;
	size_t count;
	uint64_t seed; /* of the hash */
};

int
keymap_open(size_t bytes, struct keymap **out)
{
	struct keymap *m;
	size_t slots = 1;

	if (bytes < KEYMAP_MIN_BYTES)
		bytes = KEYMAP_MIN_BYTES;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return status_no_memory("map of keys");
	m->bytes = bytes;
	m->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->memory == MAP_FAILED) {
		free(m);
		return status_no_memory("map of keys");
	}
	/* A help only: fewer misses of the translation buffer. */
	(void)madvise(m->memory, bytes, MADV_HUGEPAGE);
	while (slots * 2 * sizeof(struct slot) <= bytes / TABLE_SHARE)
		slots *= 2;
	m->slots = (struct slot *)(void *)m->memory;
	m->mask = slots - 1;
	m->most = slots / 4 * 3;
	m->arena = m->memory + slots * sizeof(struct slot);
	m->arena_bytes = bytes - slots * sizeof(struct slot);
	if (m->arena_bytes / UNIT >= UINT32_MAX)
		m->arena_bytes = (size_t)(UINT32_MAX - 1) * UNIT;
	arc4random_buf(&m->seed, sizeof(m->seed));
	*out = m;
	return STATUS_OK;
}

void
keymap_close(struct keymap *m)
{
	if (m == NULL)
		return;
	(void)munmap(m->memory, m->bytes);
	free(m);
}

void
keymap_clear(struct keymap *m)
{
	if (m->count == 0)
		return;
	memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
	m->used = m->count = 0;
}

size_t
keymap_count(const struct keymap *m)
{
	return m->count;
}

uint64_t
keymap_hash(const struct keymap *m, const uint8_t *key, int32_t key_len)
{
	uint64_t hash = XXH3_64bits_withSeed(key, (size_t)key_len, m->seed);

	__builtin_prefetch(&m->slots[(size_t)hash & m->mask]);
	return hash;
}

static uint8_t *
entry_at(const struct keymap *m, const struct slot *s)
{
	return m->arena + (size_t)(s->at - 1) * UNIT;
}

static bool
is_entry_of(const uint8_t *entry, const uint8_t *key, int32_t len)
{
	int32_t own;

	memcpy(&own, entry + sizeof(int64_t), sizeof(own));
	return own == len && (len == 0 || memcmp(entry + ENTRY_HEADER, key, (size_t)len) == 0);
}

/* The slot of the key, or the free one where it would be. */
static struct slot *
find(const struct keymap *m, const uint8_t *key, int32_t len, uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32);
	size_t i = (size_t)hash & m->mask;

	while (m->slots[i].at != 0 && (m->slots[i].hash != tag || !is_entry_of(entry_at(m, &m->slots[i]), key, len)))
		i = (i + 1) & m->mask;
	return &m->slots[i];
}

void
keymap_touch(const struct keymap *m, uint64_t hash)
{
	const struct slot *s = &m->slots[(size_t)hash & m->mask];

	if (s->at != 0)
		__builtin_prefetch(entry_at(m, s));
}

int
keymap_put(struct keymap *m, const uint8_t *key, int32_t len, uint64_t hash, int64_t offset)
{
	size_t need = (ENTRY_HEADER + (size_t)len + UNIT - 1) / UNIT * UNIT;
	struct slot *s = find(m, key, len, hash);
	uint8_t *entry;

	if (s->at == 0) {
		if (m->count == m->most || need > m->arena_bytes - m->used)
			return STATUS_END;
		*s = (struct slot){(uint32_t)(hash >> 32), (uint32_t)(m->used / UNIT) + 1};
		m->used += need;
		m->count++;
		entry = entry_at(m, s);
		memcpy(entry + sizeof(offset), &len, sizeof(len));
		if (len > 0)
			memcpy(entry + ENTRY_HEADER, key, (size_t)len);
	}
	memcpy(entry_at(m, s), &offset, sizeof(offset));
	return STATUS_OK;
}

int64_t
keymap_get(const struct keymap *m, const uint8_t *key, int32_t len, uint64_t hash)
{
	const struct slot *s = find(m, key, len, hash);
	int64_t offset = -1;

	if (s->at != 0)
		memcpy(&offset, entry_at(m, s), sizeof(offset));
	return offset;
}

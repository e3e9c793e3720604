#include "store/partitioner.h"

#include <assert.h>

#define MURMUR2_SEED UINT32_C(0x9747b28c)
#define MURMUR2_M UINT32_C(0x5bd1e995)
#define MURMUR2_R 24

/* Bytes are taken little-endian whatever the machine is. */
static uint32_t
get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int32_t
murmur2(const uint8_t *key, size_t len)
{
	uint32_t h = MURMUR2_SEED ^ (uint32_t)len, k;
	size_t i, left = len & 3;

	for (i = 0; i + 4 <= len; i += 4) {
		k = get_le32(key + i) * MURMUR2_M;
		k ^= k >> MURMUR2_R;
		h = h * MURMUR2_M ^ k * MURMUR2_M;
	}
	if (left == 3)
		h ^= (uint32_t)key[i + 2] << 16;
	if (left >= 2)
		h ^= (uint32_t)key[i + 1] << 8;
	if (left >= 1)
		h = (h ^ key[i]) * MURMUR2_M;
	h ^= h >> 13;
	h *= MURMUR2_M;
	h ^= h >> 15;
	return (int32_t)h;
}

int
partition_of_key(const uint8_t *key, size_t len, int partitions)
{
	assert(partitions > 0);
	return (int)((uint32_t)murmur2(key, len) & INT32_MAX) % partitions;
}

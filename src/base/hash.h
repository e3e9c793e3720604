/*
 * hash: a fast hash of 64 bits with a secret key, by folded multiplication, the step that wyhash (Wang Yi) is made of.
 *
 *	hash_begin(&h, key);
 *	hash_pair(&h, a, b); hash_bytes(&h, bytes, len); ...
 *	value = hash_end(&h);
 *
 * What is hashed is a row of pairs of 64-bit words, so who hashes bytes hashes their length first, or else bytes and zeros behind them are
 * the same. It tells apart what differs by accident; who knows the key can make collisions. Inline, because a record has several short
 * pieces; it takes a third of the time of SipHash-1-3.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/compat.h"

/* Bits without a pattern: the fractions of the square roots of 2 and 3, and of the golden ratio; odd. */
#define HASH_BITS_A UINT64_C(0x6a09e667f3bcc909)
#define HASH_BITS_B UINT64_C(0xbb67ae8584caa73b)
#define HASH_BITS_C UINT64_C(0x9e3779b97f4a7c15)

struct hash {
	uint64_t state;
};

static inline uint64_t
hash_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* Both halves of the product, added without carry. */
static inline uint64_t
hash_fold(uint64_t a, uint64_t b)
{
	uint128 product = (uint128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline void
hash_begin(struct hash *h, uint64_t key)
{
	h->state = hash_fold(key ^ HASH_BITS_A, HASH_BITS_C);
}

static inline void
hash_pair(struct hash *h, uint64_t a, uint64_t b)
{
	h->state = hash_fold(h->state ^ a, HASH_BITS_B ^ b);
}

static inline uint64_t
hash_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

/* In pairs of little-endian words; the last pair is filled up with zeros. */
static inline void
hash_bytes(struct hash *h, const uint8_t *bytes, size_t len)
{
	uint8_t last[16] = {0};

	for (; len >= 16; bytes += 16, len -= 16)
		hash_pair(h, hash_word(bytes), hash_word(bytes + 8));
	if (len == 0)
		return;
	memcpy(last, bytes, len);
	hash_pair(h, hash_word(last), hash_word(last + 8));
}

static inline uint64_t
hash_end(const struct hash *h)
{
	return hash_fold(h->state ^ HASH_BITS_C, HASH_BITS_A);
}

#endif

#include "store/fingerprint.h"

#include <bsd/sys/endian.h>

/* All of it inline: there is nothing to link or to load. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Eight bytes for each number, little-endian, so that a store reads the same on every machine. */
#define NUMBER_BYTES 8

uint64_t
fingerprint_chain(uint64_t before, uint64_t last)
{
	uint8_t number[NUMBER_BYTES];

	le64enc(number, last);
	return XXH3_64bits_withSeed(number, sizeof(number), before);
}

/* Each piece is hashed with the hash of those before it as its seed. Their lengths come first, so that no two rows of pieces are alike. */
struct fingerprint
fingerprint_of(uint64_t key, int partition, const struct record *r)
{
	const uint64_t numbers[] = {(uint64_t)partition, (uint64_t)r->key_len, (uint64_t)r->value_len, (uint64_t)r->header_count,
	    (uint64_t)r->headers_len};
	uint8_t bytes[COUNT_OF(numbers) * NUMBER_BYTES];
	struct fingerprint f;
	uint64_t hash;

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		le64enc(bytes + i * NUMBER_BYTES, numbers[i]);
	hash = XXH3_64bits_withSeed(bytes, sizeof(bytes), key);
	if (r->key_len > 0)
		hash = XXH3_64bits_withSeed(r->key, (size_t)r->key_len, hash);
	if (r->value_len > 0)
		hash = XXH3_64bits_withSeed(r->value, (size_t)r->value_len, hash);
	if (r->headers_len > 0)
		hash = XXH3_64bits_withSeed(r->headers, (size_t)r->headers_len, hash);
	f.plain = hash;
	f.timed = fingerprint_chain(f.plain, (uint64_t)r->timestamp_ms);
	return f;
}

int
beginning_steps(int64_t records)
{
	return records > 0 ? BIT_WIDTH((uint64_t)records) : 0;
}

bool
beginning_is_step(int64_t records)
{
	return (records & (records - 1)) == 0;
}

void
beginning_add(struct beginning *b, uint64_t print)
{
	b->records++;
	b->hash = fingerprint_chain(b->hash, print);
	if (beginning_is_step(b->records))
		b->steps[beginning_steps(b->records) - 1] = b->hash;
}

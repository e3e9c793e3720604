#include "store/fingerprint.h"

#include "base/hash.h"

static uint64_t
pair(int32_t a, int32_t b)
{
	return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

uint64_t
fingerprint_chain(uint64_t before, uint64_t last)
{
	uint64_t x = (hash_rotate(before, 29) ^ last) * HASH_BITS_C + 1;

	/* Each step is one to one in either number. */
	return x ^ x >> 32;
}

struct fingerprint
fingerprint_of(uint64_t key, int partition, const struct record *r)
{
	struct fingerprint f;
	struct hash h;

	hash_begin(&h, key);
	hash_pair(&h, pair(partition, r->header_count), pair(r->key_len, r->value_len));
	if (r->key_len > 0)
		hash_bytes(&h, r->key, (size_t)r->key_len);
	if (r->value_len > 0)
		hash_bytes(&h, r->value, (size_t)r->value_len);
	if (r->headers_len > 0) {
		hash_pair(&h, (uint64_t)r->headers_len, 0);
		hash_bytes(&h, r->headers, (size_t)r->headers_len);
	}
	f.plain = hash_end(&h);
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

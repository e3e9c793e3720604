#include "store/fingerprint.h"

#include <bsd/sys/endian.h>
#include <string.h>

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

/* What comes before key, value and headers. The value's length is not in it: so it is the same for all lines of an input. */
static uint64_t
hash_frame(uint64_t key, int partition, const struct record *r)
{
	const uint64_t numbers[] = {(uint64_t)partition, (uint64_t)r->key_len, r->value_len < 0, (uint64_t)r->header_count,
	    (uint64_t)r->headers_len};
	uint8_t bytes[COUNT_OF(numbers) * NUMBER_BYTES];

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		le64enc(bytes + i * NUMBER_BYTES, numbers[i]);
	return XXH3_64bits_withSeed(bytes, sizeof(bytes), key);
}

/* Each piece is hashed with the hash of those before it as its seed. XXH3 mixes a piece's length in, so that no two rows of pieces are alike. */
struct fingerprint
fingerprint_of(uint64_t key, int partition, const struct record *r)
{
	uint64_t hash = hash_frame(key, partition, r);
	struct fingerprint f;

	if (r->key_len > 0)
		hash = XXH3_64bits_withSeed(r->key, (size_t)r->key_len, hash);
	if (r->value_len >= 0)
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

static ALWAYS_INLINE void
add_one(struct beginning *b, uint64_t print)
{
	b->records++;
	b->hash = fingerprint_chain(b->hash, print);
	if (UNLIKELY(beginning_is_step(b->records)))
		b->steps[beginning_steps(b->records) - 1] = b->hash;
}

void
beginning_add(struct beginning *b, uint64_t print)
{
	add_one(b, print);
}

int64_t
beginning_add_lines(struct beginning *b, uint64_t key, int partition, const uint8_t *lines, const uint8_t *end, uint8_t delimiter)
{
	const struct record common = {.key_len = -1};
	const uint64_t frame = hash_frame(key, partition, &common);
	const int64_t before = b->records;
	const uint8_t *stop;

	for (const uint8_t *line = lines; line < end; line = stop + 1) {
		if ((stop = memchr(line, delimiter, (size_t)(end - line))) == NULL)
			break;
		add_one(b, XXH3_64bits_withSeed(line, (size_t)(stop - line), frame));
	}
	return b->records - before;
}

/*
 * varint: the zig-zag variable-length integers of Kafka's records (7 bits a byte, least significant group first, the high bit
 * set on all bytes but the last; as in Protocol Buffers' sint32 and sint64).
 *
 * They are inline, because each record has seven: out of line they took a third of the time that a record costs.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stdint.h>

#include "base/compat.h"

#define VARINT_MAX_BYTES 5
#define VARLONG_MAX_BYTES 10

static inline uint64_t
varint_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

/* Bytes that the value takes: 1 to 10; of an int32_t 1 to 5. */
static inline size_t
varlong_size(int64_t value)
{
	uint64_t bits = varint_zigzag(value);

	/* Seven bits a byte: (width + 6) / 7, without a division. */
	return LIKELY(bits < 0x80) ? 1 : ((size_t)BIT_WIDTH(bits) * 37 + 222) >> 8;
}

static inline size_t
varint_size(int32_t value)
{
	return varlong_size(value);
}

/* Write the value at p, where there is room, and return the byte behind it. */
static inline uint8_t *
varlong_put(uint8_t *p, int64_t value)
{
	uint64_t bits = varint_zigzag(value);

	while (UNLIKELY(bits >= 0x80)) {
		*p++ = (uint8_t)(bits | 0x80);
		bits >>= 7;
	}
	*p++ = (uint8_t)bits;
	return p;
}

static inline uint8_t *
varint_put(uint8_t *p, int32_t value)
{
	return varlong_put(p, value);
}

/* varint_get and varlong_get of any length. */
const uint8_t *varint_get_long(const uint8_t *p, const uint8_t *end, int32_t *value);
const uint8_t *varlong_get_long(const uint8_t *p, const uint8_t *end, int64_t *value);

/* The number of one or two bytes at p; NULL if it is longer or the bytes end. The last number of a record has one byte before the end. */
static inline const uint8_t *
varint_get_short(const uint8_t *p, const uint8_t *end, int32_t *value)
{
	uint32_t bits;

	if (UNLIKELY(p >= end))
		return NULL;
	bits = *p++;
	if (bits >= 0x80) {
		if (UNLIKELY(p >= end || *p >= 0x80))
			return NULL;
		bits = (bits & 0x7f) | (uint32_t)*p++ << 7;
	}
	*value = (int32_t)((bits >> 1) ^ (0u - (bits & 1)));
	return p;
}

/*
 * Read a value from [p, end) and return the byte behind it; NULL if the bytes end too early or the number is too long for its
 * type. A number that takes more bytes than it needs is read, as Kafka reads it.
 */
static inline const uint8_t *
varint_get(const uint8_t *p, const uint8_t *end, int32_t *value)
{
	const uint8_t *behind = varint_get_short(p, end, value);

	return LIKELY(behind != NULL) ? behind : varint_get_long(p, end, value);
}

static inline const uint8_t *
varlong_get(const uint8_t *p, const uint8_t *end, int64_t *value)
{
	int32_t small;
	const uint8_t *behind = varint_get_short(p, end, &small);

	if (UNLIKELY(behind == NULL))
		return varlong_get_long(p, end, value);
	*value = small;
	return behind;
}

#endif

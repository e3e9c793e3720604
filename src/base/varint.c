#include "base/varint.h"

static uint32_t
zigzag32(int32_t value)
{
	return ((uint32_t)value << 1) ^ (value < 0 ? UINT32_MAX : 0);
}

static uint64_t
zigzag64(int64_t value)
{
	return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static size_t
size_of(uint64_t bits)
{
	size_t size = 1;

	while ((bits >>= 7) != 0)
		size++;
	return size;
}

size_t
varint_size(int32_t value)
{
	return size_of(zigzag32(value));
}

size_t
varlong_size(int64_t value)
{
	return size_of(zigzag64(value));
}

static uint8_t *
put(uint8_t *p, uint64_t bits)
{
	while (bits >= 0x80) {
		*p++ = (uint8_t)(bits | 0x80);
		bits >>= 7;
	}
	*p++ = (uint8_t)bits;
	return p;
}

uint8_t *
varint_put(uint8_t *p, int32_t value)
{
	return put(p, zigzag32(value));
}

uint8_t *
varlong_put(uint8_t *p, int64_t value)
{
	return put(p, zigzag64(value));
}

const uint8_t *
varint_get(const uint8_t *p, const uint8_t *end, int32_t *value)
{
	uint32_t bits = 0;

	for (unsigned shift = 0; shift < 7 * VARINT_MAX_BYTES; shift += 7) {
		uint8_t byte;

		if (p == end)
			return NULL;
		byte = *p++;
		if (shift == 28 && byte > 0x0f)
			return NULL;
		bits |= (uint32_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*value = (int32_t)((bits >> 1) ^ (0u - (bits & 1)));
			return p;
		}
	}
	return NULL;
}

const uint8_t *
varlong_get(const uint8_t *p, const uint8_t *end, int64_t *value)
{
	uint64_t bits = 0;

	for (unsigned shift = 0; shift < 7 * VARLONG_MAX_BYTES; shift += 7) {
		uint8_t byte;

		if (p == end)
			return NULL;
		byte = *p++;
		if (shift == 63 && byte > 0x01)
			return NULL;
		bits |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*value = (int64_t)((bits >> 1) ^ (UINT64_C(0) - (bits & 1)));
			return p;
		}
	}
	return NULL;
}

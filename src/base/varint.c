#include "base/varint.h"

const uint8_t *
varint_get_long(const uint8_t *p, const uint8_t *end, int32_t *value)
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
varlong_get_long(const uint8_t *p, const uint8_t *end, int64_t *value)
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

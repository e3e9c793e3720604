/*
 * varint: the zig-zag variable-length integers of Kafka's records (7 bits a byte, least significant group first, the high bit
 * set on all bytes but the last; as in Protocol Buffers' sint32 and sint64).
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stdint.h>

#include "base/compat.h"

#define VARINT_MAX_BYTES 5
#define VARLONG_MAX_BYTES 10

/* Bytes that the value takes: 1 to 5, 1 to 10. */
size_t varint_size(int32_t value);
size_t varlong_size(int64_t value);

/* Write the value at p, where there is room, and return the byte behind it. */
uint8_t *varint_put(uint8_t *p, int32_t value);
uint8_t *varlong_put(uint8_t *p, int64_t value);

/*
 * Read a value from [p, end) and return the byte behind it; NULL if the bytes end too early or the number is too long for its
 * type. A number that takes more bytes than it needs is read, as Kafka reads it.
 */
const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, int32_t *value);
const uint8_t *varlong_get(const uint8_t *p, const uint8_t *end, int64_t *value);

#endif

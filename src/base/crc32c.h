/*
 * crc32c: the checksum of record batches and of the head's slots (Castagnoli polynomial, RFC 3720), by ISA-L.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stdint.h>

#include "base/compat.h"

/* The CRC32C of `len` bytes (at most INT_MAX); crc32c("123456789", 9) is 0xe3069283. */
uint32_t crc32c(const void *bytes, size_t len);

#endif

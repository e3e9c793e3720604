/*
 * encoding: bytes and numbers as text, and back: decimal, hexadecimal, base64 (RFC 4648).
 *
 * What is put is appended to a buf; the statuses of putting are those of buf_append.
 */
#ifndef CMD_ENCODING_H
#define CMD_ENCODING_H

#include <stdint.h>

#include "base/buf.h"

int encoding_put_decimal(int64_t number, struct buf *out) MUST_USE;
/* Two lower-case digits a byte. */
int encoding_put_hex(const uint8_t *bytes, size_t len, struct buf *out) MUST_USE;
/* With padding. */
int encoding_put_base64(const uint8_t *bytes, size_t len, struct buf *out) MUST_USE;

/* The text's bytes, appended to `out`. STATUS_DATA if it is none: an odd digit, another character. Upper and lower case. */
int encoding_get_hex(const uint8_t *text, size_t len, struct buf *out) MUST_USE;
/* The same. Padding must be there, bits that stand for nothing must be 0: each byte string has one text only. */
int encoding_get_base64(const uint8_t *text, size_t len, struct buf *out) MUST_USE;

/* Characters that so many bytes take. */
#define ENCODING_HEX_LEN(bytes) (2 * (bytes))
#define ENCODING_BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

#endif

#include "cmd/encoding.h"

#include <string.h>

#include "base/parse.h"
#include "base/status.h"

#define DECIMAL_MAX_BYTES 20 /* of INT64_MIN */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* By hand, because it runs several times for each record that is printed. */
int
encoding_put_decimal(int64_t number, struct buf *out)
{
	uint8_t text[DECIMAL_MAX_BYTES], *p = text + sizeof(text);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do
		*--p = (uint8_t)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--p = '-';
	return buf_append(out, p, (size_t)(text + sizeof(text) - p));
}

int
encoding_put_hex(const uint8_t *bytes, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	int rc;

	if ((rc = buf_reserve(out, ENCODING_HEX_LEN(len))) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i++) {
		out->data[out->len++] = (uint8_t)digits[bytes[i] >> 4];
		out->data[out->len++] = (uint8_t)digits[bytes[i] & 15];
	}
	return STATUS_OK;
}

int
encoding_put_base64(const uint8_t *bytes, size_t len, struct buf *out)
{
	int rc;

	if ((rc = buf_reserve(out, ENCODING_BASE64_LEN(len))) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		out->data[out->len++] = (uint8_t)base64_digits[group >> 18];
		out->data[out->len++] = (uint8_t)base64_digits[group >> 12 & 63];
		out->data[out->len++] = (uint8_t)(left > 1 ? base64_digits[group >> 6 & 63] : '=');
		out->data[out->len++] = (uint8_t)(left > 2 ? base64_digits[group & 63] : '=');
	}
	return STATUS_OK;
}

int
encoding_get_hex(const uint8_t *text, size_t len, struct buf *out)
{
	int rc;

	if (len % 2 != 0)
		return status_fail(STATUS_DATA, "hexadecimal digits come in pairs");
	if ((rc = buf_reserve(out, len / 2)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i += 2) {
		int high = parse_hex_digit((char)text[i]), low = parse_hex_digit((char)text[i + 1]);

		if (high < 0 || low < 0)
			return status_fail(STATUS_DATA, "not hexadecimal");
		out->data[out->len + i / 2] = (uint8_t)(high << 4 | low);
	}
	out->len += len / 2;
	return STATUS_OK;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `padding` are '=': their 24 bits, negative if they are none. */
static int32_t
base64_group(const uint8_t *text, size_t padding)
{
	int32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - padding ? base64_value(text[i]) : text[i] == '=' ? 0 : -1;

		if (value < 0)
			return -1;
		bits = bits << 6 | value;
	}
	return (bits & ((1 << 8 * padding) - 1)) == 0 ? bits : -1;
}

int
encoding_get_base64(const uint8_t *text, size_t len, struct buf *out)
{
	size_t at = out->len, padding = 0;
	int rc;

	if (len % 4 != 0)
		return status_fail(STATUS_DATA, "not base64: its length is no multiple of 4");
	if ((rc = buf_reserve(out, len / 4 * 3)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i += 4) {
		int32_t bits;

		if (i + 4 == len)
			padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		if ((bits = base64_group(text + i, padding)) < 0)
			return status_fail(STATUS_DATA, "not base64");
		out->data[at++] = (uint8_t)(bits >> 16);
		out->data[at++] = (uint8_t)(bits >> 8);
		out->data[at++] = (uint8_t)bits;
	}
	out->len = at - padding;
	return STATUS_OK;
}

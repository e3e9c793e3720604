#include "log/record.h"

#include <string.h>

#include "base/status.h"
#include "base/varint.h"

/* The bytes behind the length, as a size that cannot overflow: each part is at most INT32_MAX. */
static size_t
body_size(const struct record *r, int64_t timestamp_delta, int32_t offset_delta)
{
	size_t size = 1 + varlong_size(timestamp_delta) + varint_size(offset_delta);

	size += varint_size(r->key_len) + (r->key_len > 0 ? (size_t)r->key_len : 0);
	size += varint_size(r->value_len) + (r->value_len > 0 ? (size_t)r->value_len : 0);
	return size + varint_size(r->header_count) + (size_t)r->headers_len;
}

/* Timestamps far apart wrap, as in Kafka's Java: what is written as the difference is read as the sum. */
static int64_t
timestamp_delta_of(const struct record *r, int64_t base_timestamp_ms)
{
	return (int64_t)((uint64_t)r->timestamp_ms - (uint64_t)base_timestamp_ms);
}

size_t
record_size(const struct record *r, int64_t base_timestamp_ms, int32_t offset_delta)
{
	size_t body = body_size(r, timestamp_delta_of(r, base_timestamp_ms), offset_delta);

	if (body > INT32_MAX - VARINT_MAX_BYTES)
		return 0;
	return body + varint_size((int32_t)body);
}

static uint8_t *
put_bytes(uint8_t *p, const uint8_t *bytes, int32_t len)
{
	p = varint_put(p, len);
	if (len <= 0)
		return p;
	memcpy(p, bytes, (size_t)len);
	return p + len;
}

uint8_t *
record_put(uint8_t *p, const uint8_t *end, const struct record *r, int64_t base_timestamp_ms, int32_t offset_delta)
{
	int64_t timestamp_delta = timestamp_delta_of(r, base_timestamp_ms);
	size_t body = body_size(r, timestamp_delta, offset_delta), room = (size_t)(end - p);

	if (UNLIKELY(body > INT32_MAX - VARINT_MAX_BYTES || room < body || room - body < varint_size((int32_t)body)))
		return NULL;
	p = varint_put(p, (int32_t)body);
	*p++ = 0; /* attributes: none are defined */
	p = varlong_put(p, timestamp_delta);
	p = varint_put(p, offset_delta);
	p = put_bytes(p, r->key, r->key_len);
	p = put_bytes(p, r->value, r->value_len);
	p = varint_put(p, r->header_count);
	if (r->headers_len == 0)
		return p;
	memcpy(p, r->headers, (size_t)r->headers_len);
	return p + r->headers_len;
}

static const uint8_t *
get_header(const uint8_t *p, const uint8_t *end, struct record_header *h)
{
	if ((p = record_get_bytes(p, end, false, &h->name, &h->name_len)) == NULL)
		return NULL;
	return record_get_bytes(p, end, true, &h->value, &h->value_len);
}

const uint8_t *
record_pass_headers(const uint8_t *p, const uint8_t *end, int32_t count)
{
	struct record_header h;

	for (int32_t i = 0; i < count; i++) {
		if ((p = get_header(p, end, &h)) == NULL)
			return NULL;
	}
	return p;
}

void
record_next_header(const struct record *r, const uint8_t **p, struct record_header *h)
{
	*p = get_header(*p, r->headers + r->headers_len, h);
}

int
record_add_header(struct buf *headers, const struct record_header *h)
{
	size_t most = 2 * VARINT_MAX_BYTES + (size_t)h->name_len + (h->value_len > 0 ? (size_t)h->value_len : 0);
	uint8_t *p;
	int rc;

	if ((rc = buf_reserve(headers, most)) != STATUS_OK)
		return rc;
	p = put_bytes(headers->data + headers->len, h->name, h->name_len);
	p = put_bytes(p, h->value, h->value_len);
	headers->len = (size_t)(p - headers->data);
	return STATUS_OK;
}

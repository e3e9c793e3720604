#include "cmd/format_print.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "cmd/encoding.h"
#include "cmd/print.h"

#define DATE_MAX_BYTES 256

/* len is -1 for null. */
static int
put_bytes(const struct format_item *item, const uint8_t *bytes, int32_t len, const struct buf *null, struct buf *out)
{
	if (len < 0)
		return buf_append(out, null->data, null->len);
	if (item->shape == SHAPE_HEX)
		return encoding_put_hex(bytes, (size_t)len, out);
	if (item->shape == SHAPE_BASE64)
		return encoding_put_base64(bytes, (size_t)len, out);
	return buf_append(out, bytes, (size_t)len);
}

static int
put_number(const struct format_item *item, int64_t number, struct buf *out)
{
	uint8_t bytes[8];
	int count = item->bits / 8;

	if (item->shape == SHAPE_PLAIN)
		return encoding_put_decimal(number, out);
	if (item->bits < 64 && (number < -(INT64_C(1) << (item->bits - 1)) || number >= INT64_C(1) << (item->bits - 1)))
		return status_fail(STATUS_IO, "%" PRId64 " does not fit %d bits", number, item->bits);
	for (int i = 0; i < count; i++) {
		int shift = item->shape == SHAPE_LITTLE ? 8 * i : 8 * (count - 1 - i);

		bytes[i] = (uint8_t)((uint64_t)number >> shift);
	}
	return item->shape == SHAPE_HEX ? encoding_put_hex(bytes, (size_t)count, out) : buf_append(out, bytes, (size_t)count);
}

/* A record without a timestamp has no date: nothing is printed. */
static int
put_date(const struct format_item *item, int64_t ms, struct buf *out)
{
	char text[DATE_MAX_BYTES];
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (ms < 0)
		return STATUS_OK;
	if (item->text.len == 0) {
		print_time(text, ms);
		return buf_append(out, text, strlen(text));
	}
	if (item->text.len == 1)
		return STATUS_OK;
	if (gmtime_r(&seconds, &tm) == NULL)
		return status_fail(STATUS_IO, "timestamp %" PRId64 ": no such date", ms);
	/* A pattern may print nothing, so 0 is no error by itself. */
	return buf_append(out, text, strftime(text, sizeof(text), (const char *)item->text.data, &tm));
}

static int put_items(const struct format *, const struct format_place *, const struct record *, const struct buf *, struct buf *);

/* %h alone, as kcat prints it: name=value,name=value; null is NULL there even without -Z, if nothing else was asked for. */
static int
put_header_pair(const struct record *header, bool first, const struct buf *null, struct buf *out)
{
	static const struct format_item plain = {.verb = VERB_VALUE};
	int rc;

	if ((!first && (rc = buf_append_byte(out, ',')) != STATUS_OK) ||
	    (rc = buf_append(out, header->key, (size_t)header->key_len)) != STATUS_OK ||
	    (rc = buf_append_byte(out, '=')) != STATUS_OK)
		return rc;
	if (header->value_len < 0 && null->len == 0)
		return buf_append(out, "NULL", 4);
	return put_bytes(&plain, header->value, header->value_len, null, out);
}

/* A header is printed as a record that has its name for a key. */
static int
put_headers(const struct format_item *item, const struct format_place *place, const struct record *record, const struct buf *null,
    struct buf *out)
{
	const uint8_t *p = record->headers;
	int rc = STATUS_OK;

	for (int32_t i = 0; rc == STATUS_OK && i < record->header_count; i++) {
		struct record_header header;
		struct record pair = {0};

		record_next_header(record, &p, &header);
		pair.key = header.name;
		pair.key_len = header.name_len;
		pair.value = header.value;
		pair.value_len = header.value_len;
		rc = item->inner == NULL ? put_header_pair(&pair, i == 0, null, out)
					 : put_items(item->inner, place, &pair, null, out);
	}
	return rc;
}

static int
put_item(const struct format_item *item, const struct format_place *place, const struct record *r, const struct buf *null,
    struct buf *out)
{
	switch (item->verb) {
	case VERB_LITERAL:
		return buf_append(out, item->text.data, item->text.len);
	case VERB_TOPIC:
		return put_bytes(item, (const uint8_t *)place->topic, (int32_t)strlen(place->topic), null, out);
	case VERB_PARTITION:
		return put_number(item, place->partition, out);
	case VERB_OFFSET:
		return put_number(item, r->offset, out);
	case VERB_KEY:
		return put_bytes(item, r->key, r->key_len, null, out);
	case VERB_KEY_LENGTH:
		return put_number(item, r->key_len, out);
	case VERB_VALUE:
		return put_bytes(item, r->value, r->value_len, null, out);
	case VERB_VALUE_LENGTH:
		return put_number(item, r->value_len, out);
	case VERB_TIMESTAMP:
		return put_number(item, r->timestamp_ms, out);
	case VERB_DATE:
		return put_date(item, r->timestamp_ms, out);
	case VERB_HEADERS:
		return put_headers(item, place, r, null, out);
	case VERB_HEADER_COUNT:
		return put_number(item, r->header_count, out);
	case VERB_EPOCH:
		return put_number(item, place->leader_epoch, out);
	}
	return STATUS_OK;
}

static int
put_items(const struct format *f, const struct format_place *place, const struct record *record, const struct buf *null,
    struct buf *out)
{
	int rc = STATUS_OK;

	for (size_t i = 0; rc == STATUS_OK && i < f->count; i++)
		rc = put_item(&f->items[i], place, record, null, out);
	return rc;
}

int
format_print(const struct format *f, const struct format_place *place, const struct record *record, const struct buf *null,
    struct buf *out)
{
	return put_items(f, place, record, null, out);
}

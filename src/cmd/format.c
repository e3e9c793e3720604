#include "cmd/format.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "base/status.h"
#include "cmd/print.h"

#define DATE_MAX_BYTES 256

enum verb {
	VERB_LITERAL,
	VERB_TOPIC,
	VERB_PARTITION,
	VERB_OFFSET,
	VERB_KEY,
	VERB_KEY_LENGTH,
	VERB_VALUE,
	VERB_VALUE_LENGTH,
	VERB_TIMESTAMP,
	VERB_DATE,
	VERB_HEADERS,
	VERB_HEADER_COUNT,
	VERB_EPOCH,
};

enum shape { SHAPE_PLAIN, SHAPE_HEX, SHAPE_BASE64, SHAPE_BIG, SHAPE_LITTLE };

/* One piece of a format: a literal, or a verb and how it is shown. */
struct item {
	enum verb verb;
	enum shape shape;
	int bits;	      /* of a number that is not shown in decimal */
	struct buf text;      /* the literal; or the strftime(3) pattern with its NUL, empty for RFC 3339 */
	struct format *inner; /* of %h{...}; NULL for %h alone */
};

struct format {
	struct item *items;
	size_t count;
};

/* What the verbs may be, and which bytes or number they stand for. */
static const struct {
	char letter;
	enum verb verb;
	enum shape shape;
	int bits;
	bool in_header;
} verbs[] = {
    {'t', VERB_TOPIC, SHAPE_PLAIN, 0, false},
    {'p', VERB_PARTITION, SHAPE_PLAIN, 0, false},
    {'o', VERB_OFFSET, SHAPE_PLAIN, 0, false},
    {'k', VERB_KEY, SHAPE_PLAIN, 0, true},
    {'K', VERB_KEY_LENGTH, SHAPE_PLAIN, 0, true},
    {'v', VERB_VALUE, SHAPE_PLAIN, 0, true},
    {'V', VERB_VALUE_LENGTH, SHAPE_PLAIN, 0, true},
    {'T', VERB_TIMESTAMP, SHAPE_PLAIN, 0, false},
    {'d', VERB_DATE, SHAPE_PLAIN, 0, false},
    {'h', VERB_HEADERS, SHAPE_PLAIN, 0, false},
    {'H', VERB_HEADER_COUNT, SHAPE_PLAIN, 0, false},
    {'e', VERB_EPOCH, SHAPE_PLAIN, 0, false},
    {'s', VERB_VALUE, SHAPE_PLAIN, 0, true},
    {'S', VERB_VALUE_LENGTH, SHAPE_PLAIN, 0, true},
    {'R', VERB_VALUE_LENGTH, SHAPE_BIG, 32, true},
};

static const struct {
	const char *name;
	enum shape shape;
	int bits;
} number_shapes[] = {
    {"ascii", SHAPE_PLAIN, 0},
    {"hex64", SHAPE_HEX, 64},
    {"hex32", SHAPE_HEX, 32},
    {"hex16", SHAPE_HEX, 16},
    {"hex8", SHAPE_HEX, 8},
    {"big64", SHAPE_BIG, 64},
    {"big32", SHAPE_BIG, 32},
    {"big16", SHAPE_BIG, 16},
    {"big8", SHAPE_BIG, 8},
    {"little64", SHAPE_LITTLE, 64},
    {"little32", SHAPE_LITTLE, 32},
    {"little16", SHAPE_LITTLE, 16},
    {"little8", SHAPE_LITTLE, 8},
    {"byte", SHAPE_BIG, 8},
};

static bool
is_bytes(enum verb verb)
{
	return verb == VERB_TOPIC || verb == VERB_KEY || verb == VERB_VALUE;
}

/* A new item at the end; NULL without memory. */
static struct item *
add_item(struct format *f, enum verb verb)
{
	struct item *items;

	if ((items = reallocarray(f->items, f->count + 1, sizeof(*items))) == NULL) {
		(void)status_no_memory("format");
		return NULL;
	}
	f->items = items;
	memset(&items[f->count], 0, sizeof(*items));
	items[f->count].verb = verb;
	return &items[f->count++];
}

void
format_free(struct format *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		buf_free(&f->items[i].text);
		format_free(f->items[i].inner);
	}
	free(f->items);
	free(f);
}

/* One character of the text, escapes undone, behind the literal that is being gathered. */
static int
parse_literal(struct format *f, const char **p)
{
	struct item *last = f->count > 0 ? &f->items[f->count - 1] : NULL;
	char one[5] = "";
	size_t len = 1;

	if (**p == '\\' && (*p)[1] != '\0')
		len = (*p)[1] == 'x' ? strnlen(*p, 4) : 2;
	memcpy(one, *p, len);
	*p += len;
	if ((last == NULL || last->verb != VERB_LITERAL) && (last = add_item(f, VERB_LITERAL)) == NULL)
		return STATUS_AGAIN;
	return parse_escapes(one, &last->text);
}

/* {strftime[PATTERN]}; *p is behind the brace. */
static int
parse_date_modifier(struct item *item, const char **p)
{
	static const char opening[] = "strftime[";
	const char *end;
	int rc;

	if (strncmp(*p, opening, sizeof(opening) - 1) != 0 || (end = strstr(*p, "]}")) == NULL)
		return status_fail(STATUS_USAGE, "%%d takes {strftime[PATTERN]}, as {strftime[%%F %%T]}");
	*p += sizeof(opening) - 1;
	if ((rc = buf_append(&item->text, *p, (size_t)(end - *p))) == STATUS_OK)
		rc = buf_append_byte(&item->text, '\0');
	*p = end + 2;
	return rc;
}

/* {hex}, {big32} and so on; *p is behind the brace. */
static int
parse_modifier(struct item *item, const char **p)
{
	size_t len = strcspn(*p, "}");
	const char *name = *p;

	if (name[len] == '\0')
		return status_fail(STATUS_USAGE, "{%s: no closing brace", name);
	*p += len + 1;
	if (is_bytes(item->verb)) {
		item->shape = len == 3 && strncmp(name, "hex", len) == 0 ? SHAPE_HEX : SHAPE_BASE64;
		if (item->shape == SHAPE_HEX || (len == 6 && strncmp(name, "base64", len) == 0))
			return STATUS_OK;
		return status_fail(STATUS_USAGE, "{%.*s}: bytes are shown as {hex} or {base64}", (int)len, name);
	}
	for (size_t i = 0; i < COUNT_OF(number_shapes); i++) {
		if (strlen(number_shapes[i].name) != len || strncmp(number_shapes[i].name, name, len) != 0)
			continue;
		item->shape = number_shapes[i].shape;
		item->bits = number_shapes[i].bits;
		return STATUS_OK;
	}
	return status_fail(STATUS_USAGE,
	    "{%.*s}: numbers are shown as {ascii}, {hex64} to {hex8}, {big64} to {big8}, {little64} to {little8}", (int)len, name);
}

static int parse_items(struct format *, const char **p, bool in_header);

/* The inside of %h{...}, up to its brace. */
static int
parse_header_format(struct item *item, const char **p)
{
	if ((item->inner = calloc(1, sizeof(*item->inner))) == NULL)
		return status_no_memory("format");
	return parse_items(item->inner, p, true);
}

/* *p is behind the %. */
static int
parse_verb(struct format *f, const char **p, bool in_header)
{
	char letter = **p;
	struct item *item;

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (verbs[i].letter != letter || (in_header && !verbs[i].in_header))
			continue;
		++*p;
		if ((item = add_item(f, verbs[i].verb)) == NULL)
			return STATUS_AGAIN;
		item->shape = verbs[i].shape;
		item->bits = verbs[i].bits;
		if (**p != '{')
			return STATUS_OK;
		++*p;
		if (item->verb == VERB_HEADERS)
			return parse_header_format(item, p);
		return item->verb == VERB_DATE ? parse_date_modifier(item, p) : parse_modifier(item, p);
	}
	if (letter == '\0')
		return status_fail(STATUS_USAGE, "ends with a lone %%; %%%% is a per cent sign");
	return status_fail(STATUS_USAGE, "%%%c: no such verb%s", letter,
	    in_header ? " within %h{...}, where %k and %v are the header's" : "");
}

/* Up to the end of the text, or in a header's format behind its closing brace. */
static int
parse_items(struct format *f, const char **p, bool in_header)
{
	int rc = STATUS_OK;

	while (rc == STATUS_OK && **p != '\0') {
		if (in_header && **p == '}') {
			++*p;
			return STATUS_OK;
		}
		if (**p != '%') {
			rc = parse_literal(f, p);
			continue;
		}
		++*p;
		rc = **p == '%' ? parse_literal(f, p) : parse_verb(f, p, in_header);
	}
	if (rc == STATUS_OK && in_header)
		return status_fail(STATUS_USAGE, "%%h{...: no closing brace");
	return rc;
}

int
format_parse(const char *text, struct format **out)
{
	struct format *f;
	int rc;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return status_no_memory("format");
	if ((rc = parse_items(f, &text, false)) != STATUS_OK) {
		format_free(f);
		return rc;
	}
	*out = f;
	return STATUS_OK;
}

static int
put_hex(const uint8_t *bytes, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	int rc;

	if ((rc = buf_reserve(out, 2 * len)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i++) {
		out->data[out->len++] = (uint8_t)digits[bytes[i] >> 4];
		out->data[out->len++] = (uint8_t)digits[bytes[i] & 15];
	}
	return STATUS_OK;
}

/* RFC 4648, with padding. */
static int
put_base64(const uint8_t *bytes, size_t len, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	int rc;

	if ((rc = buf_reserve(out, (len + 2) / 3 * 4)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		out->data[out->len++] = (uint8_t)digits[group >> 18];
		out->data[out->len++] = (uint8_t)digits[group >> 12 & 63];
		out->data[out->len++] = (uint8_t)(left > 1 ? digits[group >> 6 & 63] : '=');
		out->data[out->len++] = (uint8_t)(left > 2 ? digits[group & 63] : '=');
	}
	return STATUS_OK;
}

/* len is -1 for null. */
static int
put_bytes(const struct item *item, const uint8_t *bytes, int32_t len, const struct buf *null, struct buf *out)
{
	if (len < 0)
		return buf_append(out, null->data, null->len);
	if (item->shape == SHAPE_HEX)
		return put_hex(bytes, (size_t)len, out);
	if (item->shape == SHAPE_BASE64)
		return put_base64(bytes, (size_t)len, out);
	return buf_append(out, bytes, (size_t)len);
}

static int
put_decimal(int64_t number, struct buf *out)
{
	char text[24];

	return buf_append(out, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, number));
}

static int
put_number(const struct item *item, int64_t number, struct buf *out)
{
	uint8_t bytes[8];
	int count = item->bits / 8;

	if (item->shape == SHAPE_PLAIN)
		return put_decimal(number, out);
	if (item->bits < 64 && (number < -(INT64_C(1) << (item->bits - 1)) || number >= INT64_C(1) << (item->bits - 1)))
		return status_fail(STATUS_IO, "%" PRId64 " does not fit %d bits", number, item->bits);
	for (int i = 0; i < count; i++) {
		int shift = item->shape == SHAPE_LITTLE ? 8 * i : 8 * (count - 1 - i);

		bytes[i] = (uint8_t)((uint64_t)number >> shift);
	}
	return item->shape == SHAPE_HEX ? put_hex(bytes, (size_t)count, out) : buf_append(out, bytes, (size_t)count);
}

/* A record without a timestamp has no date: nothing is printed. */
static int
put_date(const struct item *item, int64_t ms, struct buf *out)
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

/* %h alone, as kcat prints it: name=value,name=value. */
static int
put_header_pair(const struct record *header, bool first, const struct buf *null, struct buf *out)
{
	static const struct item plain = {.verb = VERB_VALUE};
	int rc;

	if ((!first && (rc = buf_append_byte(out, ',')) != STATUS_OK) ||
	    (rc = buf_append(out, header->key, (size_t)header->key_len)) != STATUS_OK ||
	    (rc = buf_append_byte(out, '=')) != STATUS_OK)
		return rc;
	return put_bytes(&plain, header->value, header->value_len, null, out);
}

/* A header is printed as a record that has its name for a key. */
static int
put_headers(const struct item *item, const struct format_place *place, const struct record *record, const struct buf *null,
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
put_item(const struct item *item, const struct format_place *place, const struct record *r, const struct buf *null, struct buf *out)
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

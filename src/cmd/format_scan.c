#include "cmd/format_scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "cmd/encoding.h"

#define DATE_MAX_BYTES 64
#define DECIMAL_MAX_BYTES 20 /* of INT64_MIN */

/* Key or value, of a record or of a header. */
struct field {
	const char *name; /* for messages */
	bool measured;	  /* its length was read */
	bool there;	  /* it was read itself */
	int64_t length;	  /* -1 null */
	const uint8_t *bytes;
	int32_t len;	     /* -1 null */
	struct buf *decoded; /* where its bytes lie if they stand as hexadecimal or base64 */
};

/* One format over one stretch of bytes: a record's, or within it a header's. */
struct level {
	const struct format *format;
	bool is_header;
	struct field key, value;
	int64_t header_count;
};

struct scan {
	const uint8_t *start, *p, *end;
	bool ended;
	size_t most;
	struct draft *draft;
};

static size_t
left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

static int
fail_at(const struct scan *s, const char *what)
{
	return status_fail(STATUS_DATA, "%s at byte %lld of it", what, (long long)(s->p - s->start));
}

/* More bytes are needed than are there. */
static int
need_more(const struct scan *s)
{
	return s->ended ? status_fail(STATUS_DATA, "the input ends in the middle of it") : STATUS_END;
}

static int
scan_literal(struct scan *s, const struct level *level, size_t i)
{
	const struct buf *text = &level->format->items[i].text;
	size_t len = left(s) < text->len ? left(s) : text->len;

	if (memcmp(s->p, text->data, len) != 0)
		return fail_at(s, "not the text that the format has");
	if (len < text->len) {
		/* As a last line without its newline. */
		if (s->ended && len == 0 && !level->is_header && i + 1 == level->format->count)
			return STATUS_OK;
		return need_more(s);
	}
	s->p += len;
	return STATUS_OK;
}

static int
scan_decimal(struct scan *s, int64_t *number)
{
	char text[DECIMAL_MAX_BYTES + 1];
	size_t len = left(s) > 0 && *s->p == '-' ? 1 : 0;

	while (len < left(s) && isdigit(s->p[len]) && len < DECIMAL_MAX_BYTES)
		len++;
	/* More digits may follow. */
	if (len == left(s) && len < DECIMAL_MAX_BYTES && !s->ended)
		return STATUS_END;
	memcpy(text, s->p, len);
	text[len] = '\0';
	if (parse_int64(text, INT64_MIN, INT64_MAX, number) != STATUS_OK)
		return fail_at(s, "no number");
	s->p += len;
	return STATUS_OK;
}

static int
scan_hex_number(struct scan *s, size_t digits, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < digits; i++) {
		int digit = parse_hex_digit((char)s->p[i]);

		if (digit < 0)
			return fail_at(s, "no hexadecimal number");
		*number = *number << 4 | (uint64_t)digit;
	}
	return STATUS_OK;
}

/* Of a fixed width, signed. */
static int
scan_fixed(struct scan *s, const struct format_item *item, int64_t *number)
{
	size_t bytes = (size_t)item->bits / 8, width = item->shape == SHAPE_HEX ? ENCODING_HEX_LEN(bytes) : bytes;
	uint64_t bits = 0;
	int rc;

	if (left(s) < width)
		return need_more(s);
	if (item->shape == SHAPE_HEX && (rc = scan_hex_number(s, width, &bits)) != STATUS_OK)
		return rc;
	for (size_t i = 0; item->shape != SHAPE_HEX && i < bytes; i++)
		bits = bits << 8 | s->p[item->shape == SHAPE_LITTLE ? bytes - 1 - i : i];
	if (item->bits < 64 && (bits >> (item->bits - 1) & 1) != 0)
		bits |= UINT64_MAX << item->bits;
	*number = (int64_t)bits;
	s->p += width;
	return STATUS_OK;
}

/* Up to the text that follows, or to the end of the stream. */
static int
scan_unsized(struct scan *s, const struct level *level, size_t i, const uint8_t **text, size_t *len)
{
	const struct format_item *next = format_next(level->format, i);
	const uint8_t *at = next != NULL ? memmem(s->p, left(s), next->text.data, next->text.len) : NULL;

	if (at == NULL && !s->ended)
		return STATUS_END;
	if (at == NULL && (level->is_header || (next != NULL && i + 2 < level->format->count)))
		return need_more(s);
	*text = s->p;
	*len = at != NULL ? (size_t)(at - s->p) : left(s);
	s->p += *len;
	return STATUS_OK;
}

/* How many characters a field takes whose length was read; STATUS_DATA if it cannot have it. */
static int
sized_width(const struct scan *s, const struct format_item *item, const struct field *field, size_t *width)
{
	if (field->length < -1 || (field->length > 0 && (uint64_t)field->length > s->most))
		return status_fail(STATUS_DATA, "its %s would have %lld bytes: it may have up to %zu, or -1 for null", field->name,
		    (long long)field->length, s->most);
	*width = field->length < 0 ? 0 : (size_t)field->length;
	if (item->shape == SHAPE_HEX)
		*width = ENCODING_HEX_LEN(*width);
	else if (item->shape == SHAPE_BASE64)
		*width = ENCODING_BASE64_LEN(*width);
	return STATUS_OK;
}

/* The text of a field as its bytes. */
static int
decode(const struct format_item *item, struct field *field, const uint8_t *text, size_t len)
{
	int rc;

	if (item->shape == SHAPE_PLAIN) {
		field->bytes = text;
		field->len = (int32_t)len;
		return STATUS_OK;
	}
	buf_clear(field->decoded);
	rc = item->shape == SHAPE_HEX ? encoding_get_hex(text, len, field->decoded)
				      : encoding_get_base64(text, len, field->decoded);
	if (rc != STATUS_OK)
		return status_context(rc, "its %s", field->name);
	field->bytes = field->decoded->data;
	field->len = (int32_t)field->decoded->len;
	return STATUS_OK;
}

static int
scan_field(struct scan *s, const struct level *level, size_t i, struct field *field)
{
	const struct format_item *item = &level->format->items[i];
	const uint8_t *text = s->p;
	size_t len = 0;
	int rc;

	field->there = true;
	if (!field->measured) {
		rc = scan_unsized(s, level, i, &text, &len);
	} else if ((rc = sized_width(s, item, field, &len)) == STATUS_OK) {
		if (left(s) < len)
			return need_more(s);
		s->p += len;
	}
	if (rc == STATUS_OK && len > INT32_MAX)
		rc = fail_at(s, "longer than a record may be");
	if (rc == STATUS_OK)
		rc = decode(item, field, text, len);
	return rc;
}

/* A field is there, and its length may have come before or behind it: both must say the same. */
static int
settle(struct field *field)
{
	if (!field->measured || !field->there || field->length == field->len)
		return STATUS_OK;
	if (field->length == -1 && field->len == 0) {
		field->len = -1;
		return STATUS_OK;
	}
	return status_fail(STATUS_DATA, "its %s has %d bytes, not %lld", field->name, field->len, (long long)field->length);
}

/* %h alone: name=value,name=value. */
static int
scan_header_list(struct scan *s, const struct level *level, size_t i)
{
	const uint8_t *text, *equals, *comma;
	size_t len;
	int rc;

	if ((rc = scan_unsized(s, level, i, &text, &len)) != STATUS_OK)
		return rc;
	for (const uint8_t *end = text + len; rc == STATUS_OK && text < end; text = comma + 1) {
		struct record_header header = {.name = text};

		if ((comma = memchr(text, ',', (size_t)(end - text))) == NULL)
			comma = end;
		if ((equals = memchr(text, '=', (size_t)(comma - text))) == NULL)
			return status_fail(STATUS_DATA, "headers are name=value,name=value");
		header.name_len = (int32_t)(equals - text);
		header.value = equals + 1;
		header.value_len = (int32_t)(comma - header.value);
		rc = draft_add_header(s->draft, &header);
	}
	return rc;
}

static int scan_level(struct scan *, struct level *);

static int
scan_header(struct scan *s, struct level *header)
{
	struct record_header h;
	int rc;

	if ((rc = scan_level(s, header)) != STATUS_OK)
		return rc;
	if (header->key.len < 0)
		return fail_at(s, "a header without a name");
	h.name = header->key.bytes;
	h.name_len = header->key.len;
	h.value = header->value.bytes;
	h.value_len = header->value.there ? header->value.len : -1;
	return draft_add_header(s->draft, &h);
}

static int
scan_headers(struct scan *s, const struct level *level, size_t i)
{
	const struct format *inner = level->format->items[i].inner;
	struct buf name = BUF_EMPTY, value = BUF_EMPTY;
	int rc = STATUS_OK;

	s->draft->given |= DRAFT_HEADERS;
	if (inner == NULL)
		return scan_header_list(s, level, i);
	if (level->header_count < 0)
		return fail_at(s, "a negative number of headers");
	for (int64_t n = 0; rc == STATUS_OK && n < level->header_count; n++) {
		struct level header = {.format = inner,
		    .is_header = true,
		    .key = {.name = "header's name", .decoded = &name},
		    .value = {.name = "header's value", .decoded = &value}};

		rc = scan_header(s, &header);
	}
	buf_free(&name);
	buf_free(&value);
	return rc;
}

static int
scan_topic(struct scan *s, const struct level *level, size_t i)
{
	struct buf decoded = BUF_EMPTY;
	struct field topic = {.name = "topic", .decoded = &decoded};
	int rc;

	if ((rc = scan_field(s, level, i, &topic)) == STATUS_OK)
		rc = draft_set_topic(s->draft, topic.bytes, (size_t)topic.len);
	buf_free(&decoded);
	return rc;
}

/* %d alone, as it is printed: nothing for a record without a timestamp. */
static int
scan_date(struct scan *s, const struct level *level, size_t i)
{
	char date[DATE_MAX_BYTES];
	const uint8_t *text;
	int64_t ms = -1;
	size_t len;
	int rc;

	if ((rc = scan_unsized(s, level, i, &text, &len)) != STATUS_OK)
		return rc;
	if (len >= sizeof(date))
		return fail_at(s, "no date");
	memcpy(date, text, len);
	date[len] = '\0';
	if (len > 0 && (strlen(date) != len || parse_time_ms(date, 0, &ms) != STATUS_OK))
		return fail_at(s, "no date");
	return draft_set_timestamp(s->draft, ms);
}

static int
scan_number(struct scan *s, struct level *level, const struct format_item *item)
{
	int64_t number;
	int rc;

	if ((rc = item->shape == SHAPE_PLAIN ? scan_decimal(s, &number) : scan_fixed(s, item, &number)) != STATUS_OK)
		return rc;
	switch (item->verb) {
	case VERB_KEY_LENGTH:
		level->key.measured = true;
		level->key.length = number;
		return STATUS_OK;
	case VERB_VALUE_LENGTH:
		level->value.measured = true;
		level->value.length = number;
		return STATUS_OK;
	case VERB_HEADER_COUNT:
		level->header_count = number;
		return STATUS_OK;
	case VERB_PARTITION:
		return draft_set_partition(s->draft, number);
	case VERB_TIMESTAMP:
		return draft_set_timestamp(s->draft, number);
	default:
		/* Offset and leader epoch are given when it is stored. */
		return STATUS_OK;
	}
}

static int
scan_item(struct scan *s, struct level *level, size_t i)
{
	switch (level->format->items[i].verb) {
	case VERB_LITERAL:
		return scan_literal(s, level, i);
	case VERB_TOPIC:
		return scan_topic(s, level, i);
	case VERB_KEY:
		return scan_field(s, level, i, &level->key);
	case VERB_VALUE:
		return scan_field(s, level, i, &level->value);
	case VERB_DATE:
		return scan_date(s, level, i);
	case VERB_HEADERS:
		return scan_headers(s, level, i);
	default:
		return scan_number(s, level, &level->format->items[i]);
	}
}

static int
scan_level(struct scan *s, struct level *level)
{
	int rc = STATUS_OK;

	for (size_t i = 0; rc == STATUS_OK && i < level->format->count; i++)
		rc = scan_item(s, level, i);
	if (rc == STATUS_OK && (rc = settle(&level->key)) == STATUS_OK)
		rc = settle(&level->value);
	return rc;
}

int
format_scan(const struct format *f, const uint8_t *bytes, size_t len, bool ended, size_t most_bytes, struct draft *d, size_t *used)
{
	struct scan s = {.start = bytes, .p = bytes, .end = bytes + len, .ended = ended, .most = most_bytes, .draft = d};
	struct level level = {.format = f,
	    .key = {.name = "key", .decoded = &d->key},
	    .value = {.name = "value", .decoded = &d->value}};
	int rc;

	if ((rc = scan_level(&s, &level)) != STATUS_OK)
		return rc;
	d->record.key = level.key.bytes;
	d->record.key_len = level.key.len;
	d->record.value = level.value.bytes;
	d->record.value_len = level.value.len;
	d->given |= DRAFT_VALUE | (level.key.there ? DRAFT_KEY : 0);
	*used = (size_t)(s.p - s.start);
	return STATUS_OK;
}

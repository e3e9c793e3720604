#include "cmd/format.h"

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"

/* What the verbs may be, and which bytes or number they stand for. */
static const struct {
	char letter;
	enum format_verb verb;
	enum format_shape shape;
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
	enum format_shape shape;
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

bool
format_is_bytes(enum format_verb verb)
{
	return verb == VERB_TOPIC || verb == VERB_KEY || verb == VERB_VALUE;
}

bool
format_is_number(enum format_verb verb)
{
	return !format_is_bytes(verb) && verb != VERB_LITERAL && verb != VERB_DATE && verb != VERB_HEADERS;
}

const struct format_item *
format_next(const struct format *f, size_t i)
{
	return i + 1 < f->count ? &f->items[i + 1] : NULL;
}

/* A new item at the end; NULL without memory. */
static struct format_item *
add_item(struct format *f, enum format_verb verb)
{
	struct format_item *items;

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
	struct format_item *last = f->count > 0 ? &f->items[f->count - 1] : NULL;
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
parse_date_modifier(struct format_item *item, const char **p)
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
parse_modifier(struct format_item *item, const char **p)
{
	size_t len = strcspn(*p, "}");
	const char *name = *p;

	if (name[len] == '\0')
		return status_fail(STATUS_USAGE, "{%s: no closing brace", name);
	*p += len + 1;
	if (format_is_bytes(item->verb)) {
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
parse_header_format(struct format_item *item, const char **p)
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
	struct format_item *item;

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

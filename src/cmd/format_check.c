#include "cmd/format_check.h"

#include <ctype.h>

#include "base/status.h"

static bool
begins_without_digit(const struct format_item *item)
{
	return item != NULL && item->verb == VERB_LITERAL && !isdigit(item->text.data[0]);
}

/* A decimal number ends where no digit follows, so a text must follow it: maybe the first one of the next record. */
static int
check_decimal(const struct format *f, size_t i, bool in_header)
{
	const struct format_item *next = format_next(f, i);

	if (next == NULL && !in_header)
		next = &f->items[0];
	if (begins_without_digit(next))
		return STATUS_OK;
	if (next != NULL && next->verb == VERB_HEADERS && next->inner != NULL && next->inner->count > 0 &&
	    begins_without_digit(&next->inner->items[0]) && begins_without_digit(format_next(f, i + 1)))
		return STATUS_OK;
	return status_fail(STATUS_USAGE,
	    "a decimal number ends where a text without a digit follows; else give it a width, as {big32}");
}

/* Whatever has no length ends where a text follows; only the end of the stream does as well. */
static int
check_unsized(const struct format *f, size_t i, bool in_header, const char *what)
{
	const struct format_item *next = format_next(f, i);

	if (next == NULL ? !in_header : next->verb == VERB_LITERAL)
		return STATUS_OK;
	return status_fail(STATUS_USAGE, "nothing tells where the %s ends: put its length before it, or a text behind it", what);
}

static int check_items(const struct format *, bool in_header);

static int
check_headers(const struct format *f, size_t i, unsigned seen)
{
	const struct format *inner = f->items[i].inner;

	if (inner == NULL)
		return check_unsized(f, i, false, "list of headers");
	if ((seen & 1U << VERB_HEADER_COUNT) == 0)
		return status_fail(STATUS_USAGE, "%%h{...} is read only if their number, %%H, stands before it");
	return check_items(inner, true);
}

static int
check_item(const struct format *f, size_t i, bool in_header, unsigned seen)
{
	const struct format_item *item = &f->items[i];

	if (format_is_number(item->verb))
		return item->shape == SHAPE_PLAIN ? check_decimal(f, i, in_header) : STATUS_OK;
	switch (item->verb) {
	case VERB_KEY:
		return (seen & 1U << VERB_KEY_LENGTH) != 0 ? STATUS_OK : check_unsized(f, i, in_header, in_header ? "name" : "key");
	case VERB_VALUE:
		return (seen & 1U << VERB_VALUE_LENGTH) != 0 ? STATUS_OK : check_unsized(f, i, in_header, "value");
	case VERB_TOPIC:
		return check_unsized(f, i, in_header, "topic");
	case VERB_DATE:
		if (item->text.len > 0)
			return status_fail(STATUS_USAGE, "%%d{strftime[...]} cannot be read; %%d and %%T can");
		return check_unsized(f, i, in_header, "date");
	case VERB_HEADERS:
		return check_headers(f, i, seen);
	default:
		return STATUS_OK;
	}
}

static int
check_items(const struct format *f, bool in_header)
{
	enum format_verb needed = in_header ? VERB_KEY : VERB_VALUE;
	unsigned seen = 0;
	int rc;

	for (size_t i = 0; i < f->count; i++) {
		unsigned bit = 1U << f->items[i].verb;

		if (f->items[i].verb != VERB_LITERAL && (seen & bit) != 0)
			return status_fail(STATUS_USAGE, "a verb stands there twice: one of them could not be what the other is");
		if ((rc = check_item(f, i, in_header, seen)) != STATUS_OK)
			return rc;
		seen |= bit;
	}
	if ((seen & 1U << needed) == 0)
		return status_fail(STATUS_USAGE, in_header ? "no %%k within %%h{...}: headers have names" : "no %%v in it");
	return STATUS_OK;
}

int
format_check(const struct format *f)
{
	return check_items(f, false);
}

#include "cmd/siblings.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"
#include "base/unpack.h"

/* More digits are a time. */
#define NUMBER_MOST_DIGITS 5
#define DIGITS "0123456789"

void
sibling_free(struct sibling *s)
{
	free(s->name);
	free(s->stamp);
	*s = (struct sibling){.name = NULL};
}

void
siblings_free(struct siblings *s)
{
	for (size_t i = 0; i < s->count; i++)
		sibling_free(&s->list[i]);
	free(s->list);
	*s = (struct siblings){NULL, 0};
}

static bool
ends_in(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && memcmp(name + len - n, end, n) == 0;
}

/* Is it compressed? *len becomes that of the name without the end that says so. */
static void
strip_packing(struct sibling *s, size_t *len)
{
	static const char *const ends[] = {".gz", ".zst", ".lz4", ".xz", ".bz2", ".Z", ".lzma"};

	s->readable = true;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (!ends_in(s->name, *len, ends[i]))
			continue;
		s->packed = true;
		s->readable = unpack_codec(s->name, &s->codec);
		*len -= strlen(ends[i]);
		return;
	}
}

/* What stands between the parts of the base: .1 or -20261123. */
static int
parse_middle(struct sibling *s, const char *middle, size_t len)
{
	size_t digits;

	s->kind = SIBLING_OTHER;
	if (len < 2 || strchr(".-_", middle[0]) == NULL)
		return STATUS_OK;
	s->separator = *middle++;
	len--;
	digits = strspn(middle, DIGITS);
	if (digits >= len && len <= NUMBER_MOST_DIGITS) {
		s->kind = SIBLING_NUMBER;
		s->number = strtol(middle, NULL, 10);
		return STATUS_OK;
	}
	if (digits == 0 || strspn(middle, DIGITS "-_.:T") < len)
		return STATUS_OK;
	s->kind = SIBLING_STAMP;
	return (s->stamp = strndup(middle, len)) != NULL ? STATUS_OK : status_no_memory(s->name);
}

static int
parse(const char *base, struct sibling *s, bool *is_one)
{
	const char *extension = strrchr(base, '.');
	size_t base_len = strlen(base), len = strlen(s->name), stem;

	*is_one = true;
	s->kind = SIBLING_ITSELF;
	s->readable = true;
	if (strcmp(s->name, base) == 0)
		return STATUS_OK;
	strip_packing(s, &len);
	if (len >= base_len && memcmp(s->name, base, base_len) == 0)
		return parse_middle(s, s->name + base_len, len - base_len);
	stem = extension != NULL && extension != base ? (size_t)(extension - base) : base_len;
	*is_one = stem < base_len && len > base_len && memcmp(s->name, base, stem) == 0 && ends_in(s->name, len, extension);
	s->inside = true;
	return *is_one ? parse_middle(s, s->name + stem, len - base_len) : STATUS_OK;
}

int
sibling_parse(const char *base, const char *name, struct sibling *s, bool *is_one)
{
	int rc;

	*s = (struct sibling){.name = strdup(name)};
	rc = s->name == NULL ? status_no_memory(name) : parse(base, s, is_one);
	if (rc != STATUS_OK || !*is_one)
		sibling_free(s);
	return rc;
}

struct reading {
	const char *base;
	struct siblings *siblings;
};

static int
add(void *arg, const char *entry)
{
	struct reading *r = arg;
	struct siblings *s = r->siblings;
	struct sibling one, *list;
	bool is_one;
	int rc;

	if ((rc = sibling_parse(r->base, entry, &one, &is_one)) != STATUS_OK || !is_one)
		return rc;
	if ((list = reallocarray(s->list, s->count + 1, sizeof(*list))) == NULL) {
		sibling_free(&one);
		return status_no_memory(entry);
	}
	s->list = list;
	s->list[s->count++] = one;
	return STATUS_OK;
}

int
siblings_read(int dir, const char *base, struct siblings *s)
{
	struct reading r = {base, s};
	int rc;

	*s = (struct siblings){NULL, 0};
	if ((rc = dir_list(dir, ".", add, &r)) != STATUS_OK)
		siblings_free(s);
	return rc;
}

/* Made in the same way: app-2.log may be another program's, where app.log.1 is ours. */
static bool
is_alike(const struct sibling *a, const struct sibling *b)
{
	return a->kind == b->kind && a->separator == b->separator && a->inside == b->inside;
}

/* Negative if a was rotated before b; both are of one kind. */
static int
compare(const struct sibling *a, const struct sibling *b)
{
	if (a->kind == SIBLING_STAMP)
		return strverscmp(a->stamp, b->stamp);
	return a->number > b->number ? -1 : a->number < b->number;
}

bool
sibling_is_twin(const struct sibling *a, const struct sibling *b)
{
	return is_alike(a, b) && (a->kind == SIBLING_NUMBER || a->kind == SIBLING_STAMP) && compare(a, b) == 0;
}

const struct sibling *
siblings_after(const struct siblings *s, const struct sibling *one)
{
	const struct sibling *best = NULL;

	if (one->kind != SIBLING_NUMBER && one->kind != SIBLING_STAMP)
		return NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct sibling *each = &s->list[i];
		int order;

		if (!is_alike(each, one) || compare(one, each) >= 0)
			continue;
		order = best == NULL ? -1 : compare(each, best);
		if (order < 0 || (order == 0 && best->packed && !each->packed))
			best = each;
	}
	return best;
}

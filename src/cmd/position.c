#include "cmd/position.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"

#define WORDS "start, end, stored, N, -N, +N, @TIME or FROM:TO expected"

static int
set_number(struct position *p, enum position_kind kind, const char *digits)
{
	p->kind = kind;
	return parse_int64(digits, 0, INT64_MAX, &p->value);
}

/* Without a colon. */
static int
parse_position(const char *text, int64_t now_ms, struct position *p)
{
	*p = (struct position){.kind = POSITION_START};
	if (strcmp(text, "start") == 0 || strcmp(text, "beginning") == 0)
		return STATUS_OK;
	if (strcmp(text, "end") == 0 || strcmp(text, "stored") == 0) {
		p->kind = text[0] == 'e' ? POSITION_END : POSITION_STORED;
		return STATUS_OK;
	}
	p->kind = POSITION_TIME;
	if (text[0] == '@')
		return parse_time_ms(text + 1, now_ms, &p->value);
	if (text[0] == '-' || text[0] == '+')
		return set_number(p, text[0] == '-' ? POSITION_LAST : POSITION_BEHIND, text + 1);
	return set_number(p, POSITION_OFFSET, text);
}

/* FROM:TO with the colon at `colon`; false if one of them is no position. Times have colons, too. */
static bool
split_at(const char *text, const char *colon, int64_t now_ms, struct range *range)
{
	char *from;
	bool good;

	if ((from = strndup(text, (size_t)(colon - text))) == NULL)
		return false;
	*range = RANGE_ALL;
	range->has_to = true;
	good = (*from == '\0' || parse_position(from, now_ms, &range->from) == STATUS_OK) &&
	    (colon[1] == '\0' || parse_position(colon + 1, now_ms, &range->to) == STATUS_OK);
	range->has_to = colon[1] != '\0';
	free(from);
	/* What lies before what was read is nobody's wish. */
	return good && range->to.kind != POSITION_STORED && strcmp(text, ":") != 0;
}

/* kcat: s@MS is where to begin, e@MS where to end, and -o is given twice. */
static int
parse_kcat_time(const char *text, struct range *range)
{
	struct position *p = text[0] == 's' ? &range->from : &range->to;

	if (parse_int64(text + 2, 0, INT64_MAX, &p->value) != STATUS_OK)
		return status_fail(STATUS_USAGE, "%s: milliseconds expected behind the @", text);
	p->kind = POSITION_TIME;
	range->has_to |= text[0] == 'e';
	return STATUS_OK;
}

int
range_parse(const char *text, int64_t now_ms, struct range *range)
{
	struct range parsed = RANGE_ALL;

	if (strncmp(text, "s@", 2) == 0 || strncmp(text, "e@", 2) == 0)
		return parse_kcat_time(text, range);
	if (parse_position(text, now_ms, &parsed.from) == STATUS_OK) {
		*range = parsed;
		return STATUS_OK;
	}
	for (const char *colon = strchr(text, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
		if (split_at(text, colon, now_ms, &parsed)) {
			*range = parsed;
			return STATUS_OK;
		}
	}
	return status_fail(STATUS_USAGE, "%s: " WORDS, text);
}

bool
position_yields(const struct position *p)
{
	return p->kind == POSITION_STORED || p->kind == POSITION_START || p->kind == POSITION_END || p->kind == POSITION_TIME;
}

int
position_resolve(const struct position *p, struct topic *topic, int partition, int64_t start, int64_t end, int64_t *offset)
{
	int64_t held = end - start;

	switch (p->kind) {
	case POSITION_START:
	case POSITION_STORED:
		*offset = start;
		return STATUS_OK;
	case POSITION_END:
		*offset = end;
		return STATUS_OK;
	case POSITION_OFFSET:
		*offset = p->value;
		return STATUS_OK;
	case POSITION_LAST:
		*offset = p->value < held ? end - p->value : start;
		return STATUS_OK;
	case POSITION_BEHIND:
		*offset = p->value < held ? start + p->value : end;
		return STATUS_OK;
	case POSITION_TIME:
		return topic_find_time(topic, partition, p->value, end, offset);
	}
	return STATUS_OK;
}

#include "base/parse.h"

#include <bsd/stdlib.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

#define SECONDS_PER_DAY 86400

/* As much of the text as a message shows. */
#define SHOWN "%.64s"

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", INT64_C(1) << 10},
    {"K", INT64_C(1) << 10},
    {"KiB", INT64_C(1) << 10},
    {"m", INT64_C(1) << 20},
    {"M", INT64_C(1) << 20},
    {"MiB", INT64_C(1) << 20},
    {"g", INT64_C(1) << 30},
    {"G", INT64_C(1) << 30},
    {"GiB", INT64_C(1) << 30},
    {"t", INT64_C(1) << 40},
    {"T", INT64_C(1) << 40},
    {"TiB", INT64_C(1) << 40},
};

static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 60 * 60 * 1000},
    {"d", 24 * 60 * 60 * 1000},
};

int
parse_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
	const char *error, *digits = text[0] == '-' ? text + 1 : text;
	int64_t number;

	/* strtonum(3) skips space and takes a plus sign; a setting that means something else is worse than an error. */
	if (!isdigit((unsigned char)digits[0]))
		return status_fail(STATUS_USAGE, SHOWN ": not a number", text);
	number = strtonum(text, min, max, &error);
	/* libbsd does not set errno here; the three words are in strtonum(3). */
	if (error != NULL && strcmp(error, "invalid") != 0)
		return status_fail(STATUS_USAGE, SHOWN ": not from %lld to %lld", text, (long long)min, (long long)max);
	if (error != NULL)
		return status_fail(STATUS_USAGE, SHOWN ": not a number", text);
	*value = number;
	return STATUS_OK;
}

/* Digits and a suffix of the table; `what` and `examples` are for the message. */
static int
parse_with_unit(const char *text, const struct unit *units, size_t unit_count, const char *what, const char *examples,
    int64_t *value)
{
	const char *suffix = text;
	int64_t number = 0;
	bool fits = true;
	size_t i;

	for (; isdigit((unsigned char)*suffix); suffix++)
		fits = fits && !MUL_OVERFLOWS(number, 10, &number) && !ADD_OVERFLOWS(number, *suffix - '0', &number);
	for (i = 0; i < unit_count && strcmp(suffix, units[i].suffix) != 0; i++)
		continue;
	if (suffix == text || i == unit_count)
		return status_fail(STATUS_USAGE, SHOWN ": not a %s (%s)", text, what, examples);
	if (!fits || MUL_OVERFLOWS(number, units[i].factor, &number))
		return status_fail(STATUS_USAGE, SHOWN ": too large a %s", text, what);
	*value = number;
	return STATUS_OK;
}

int
parse_size(const char *text, int64_t *bytes)
{
	return parse_with_unit(text, size_units, COUNT_OF(size_units), "size", "100, 64K, 1M, 2GiB", bytes);
}

int
parse_duration_ms(const char *text, int64_t *ms)
{
	return parse_with_unit(text, duration_units, COUNT_OF(duration_units), "duration", "500ms, 10s, 5m, 2h, 7d", ms);
}

static int
bad_time(const char *text)
{
	return status_fail(STATUS_USAGE,
	    SHOWN ": not a time (2026-11-22T10:00:00Z, 2026-11-22, 13 digits ms, 10 digits s, -1h, +5m)", text);
}

static int
two_digits(const char **p)
{
	int value;

	if (!isdigit((unsigned char)(*p)[0]) || !isdigit((unsigned char)(*p)[1]))
		return -1;
	value = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	*p += 2;
	return value;
}

/* [.fraction] to milliseconds; what is finer than a millisecond is dropped. */
static bool
parse_fraction(const char **p, int64_t *ms)
{
	int64_t factor = 100;

	*ms = 0;
	if (**p != '.')
		return true;
	if (!isdigit((unsigned char)*++*p))
		return false;
	for (; isdigit((unsigned char)**p); ++*p) {
		*ms += (**p - '0') * factor;
		factor /= 10;
	}
	return true;
}

/* "", Z, +HH:MM or -HH:MM at the end, to what must be taken from the local time, in seconds. */
static bool
parse_zone(const char *p, int64_t *offset_s)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	*offset_s = 0;
	if (*p == '\0')
		return true;
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if ((hours = two_digits(&p)) < 0 || hours > 23 || *p++ != ':' || (minutes = two_digits(&p)) < 0 || minutes > 59)
		return false;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return *p == '\0';
}

/* YYYY-MM-DD to the seconds of its midnight, UTC. */
static bool
parse_date(const char **p, int64_t *midnight_s)
{
	struct tm tm = {0}, given;
	int century, year;

	if ((century = two_digits(p)) < 0 || (year = two_digits(p)) < 0 || *(*p)++ != '-' || (tm.tm_mon = two_digits(p)) < 0 ||
	    *(*p)++ != '-' || (tm.tm_mday = two_digits(p)) < 0)
		return false;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	given = tm;
	*midnight_s = (int64_t)timegm(&tm);
	/* timegm(3) turns the 31st of February into a day of March. */
	return tm.tm_mday == given.tm_mday && tm.tm_mon == given.tm_mon;
}

/* HH:MM[:SS[.fraction]] to the time since midnight. */
static bool
parse_time_of_day(const char **p, int *seconds, int64_t *day_s, int64_t *fraction_ms)
{
	int hours, minutes;

	*seconds = 0;
	*fraction_ms = 0;
	if ((hours = two_digits(p)) < 0 || hours > 23 || *(*p)++ != ':' || (minutes = two_digits(p)) < 0 || minutes > 59)
		return false;
	if (**p == ':') {
		++*p;
		if ((*seconds = two_digits(p)) < 0 || *seconds > 60 || !parse_fraction(p, fraction_ms))
			return false;
	}
	*day_s = hours * 3600 + minutes * 60 + *seconds;
	return true;
}

static int
parse_rfc3339(const char *text, int64_t *ms)
{
	int64_t time_s, day_s = 0, offset_s = 0, fraction_ms = 0;
	const char *p = text;
	int seconds = 0;

	if (!parse_date(&p, &time_s))
		return bad_time(text);
	if (*p != '\0') {
		if (*p != 'T' && *p != 't' && *p != ' ')
			return bad_time(text);
		p++;
		if (!parse_time_of_day(&p, &seconds, &day_s, &fraction_ms) || !parse_zone(p, &offset_s))
			return bad_time(text);
	}
	time_s += day_s - offset_s;
	/* A leap second is the last of a day in UTC, and counts as the first of the next. */
	if (seconds == 60 && time_s % SECONDS_PER_DAY != 0)
		return bad_time(text);
	if (time_s < 0)
		return status_fail(STATUS_USAGE, SHOWN ": before 1970", text);
	*ms = time_s * 1000 + fraction_ms;
	return STATUS_OK;
}

static int
parse_relative(const char *text, int64_t now_ms, int64_t *ms)
{
	int64_t delta, sum;

	if (parse_duration_ms(text + 1, &delta) != STATUS_OK)
		return bad_time(text);
	if (ADD_OVERFLOWS(now_ms, text[0] == '-' ? -delta : delta, &sum) || sum < 0)
		return status_fail(STATUS_USAGE, SHOWN ": out of range", text);
	*ms = sum;
	return STATUS_OK;
}

int
parse_time_ms(const char *text, int64_t now_ms, int64_t *ms)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number;

	if (text[0] == '-' || text[0] == '+')
		return parse_relative(text, now_ms, ms);
	if (text[digits] != '\0' || (digits != 13 && digits != 10))
		return parse_rfc3339(text, ms);
	if (parse_int64(text, 0, INT64_MAX, &number) != STATUS_OK)
		return bad_time(text);
	*ms = digits == 13 ? number : number * 1000;
	return STATUS_OK;
}

bool
parse_is_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > NAME_MAX_BYTES || text[0] == '-' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

int
parse_name(const char *what, const char *text)
{
	if (parse_is_name(text))
		return STATUS_OK;
	return status_fail(STATUS_USAGE,
	    SHOWN ": not a %s name (letters, digits, '.', '_' and '-', 1 to %d of them, not '-' first)", text, what,
	    NAME_MAX_BYTES);
}

int
parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte behind a backslash at *p, which then points behind the escape; -1 if it is none. */
static int
unescape(const char **p)
{
	int high, low;

	switch (*(*p)++) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case '0':
		return '\0';
	case '\\':
		return '\\';
	case 'x':
		if ((high = parse_hex_digit((*p)[0])) < 0 || (low = parse_hex_digit((*p)[1])) < 0)
			return -1;
		*p += 2;
		return high << 4 | low;
	default:
		return -1;
	}
}

int
parse_escapes(const char *text, struct buf *bytes)
{
	size_t old = bytes->len;
	const char *p = text;
	int byte, rc = STATUS_OK;

	while (rc == STATUS_OK && *p != '\0') {
		byte = (unsigned char)*p++;
		if (byte == '\\' && (byte = unescape(&p)) < 0)
			rc = status_fail(STATUS_USAGE, SHOWN ": an escape is one of \\n \\t \\r \\0 \\\\ \\xNN", text);
		else
			rc = buf_append_byte(bytes, (uint8_t)byte);
	}
	if (rc != STATUS_OK)
		bytes->len = old;
	return rc;
}

/*
 * parse: text from people and from our own small files into values. Each parser takes the whole text or fails with STATUS_USAGE
 * and a message that names the text and what would be right; the caller puts the option or key before it.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define NAME_MAX_BYTES 249 /* Kafka's limit for topic names, Topic.MAX_NAME_LENGTH */

/* A decimal number from min to max, both inclusive; no space, no plus sign, no number that is only nearly one. */
int parse_int64(const char *text, int64_t min, int64_t max, int64_t *value) MUST_USE;

/* `64K`, `1M`, `2GiB`, `100`: bytes, K = 1024 (B, K, KiB, M, MiB, G, GiB, T, TiB; a lone letter may be small), at most INT64_MAX. */
int parse_size(const char *text, int64_t *bytes) MUST_USE;

/* `500ms`, `10s`, `5m`, `2h`, `7d`: milliseconds, not negative. The unit is never left out and has this case: 5M is no time. */
int parse_duration_ms(const char *text, int64_t *ms) MUST_USE;

/*
 * A time as milliseconds since 1970: RFC 3339 (a space may stand for the T, seconds and fraction may be left out, no zone is
 * UTC), YYYY-MM-DD, 13 digits (ms), 10 digits (s), or relative to now_ms: `-1h`, `+5m`. Not before 1970.
 */
int parse_time_ms(const char *text, int64_t now_ms, int64_t *ms) MUST_USE;

/* A name of a topic, group or node, see mq(7): [A-Za-z0-9._-]{1,249}, not "." or "..", not beginning with '-'. */
bool parse_is_name(const char *text);
/* The same, with the message; `what` is the word for it, as "topic". */
int parse_name(const char *what, const char *text) MUST_USE;

/* Text with \n \t \r \0 \\ \xNN into bytes, appended to the buf, which is unchanged on an error. STATUS_AGAIN: no memory. */
int parse_escapes(const char *text, struct buf *bytes) MUST_USE;

/* The value of a hexadecimal digit, -1 for any other character. */
int parse_hex_digit(char c);

#endif

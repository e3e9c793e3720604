/*
 * format: the text of -f and -o, taken apart; mq-consume(1) FORMATS has the table of verbs. format_print.h prints records by it,
 * format_scan.h reads them.
 *
 *	format_parse("%p %o %k=%v\\n", &f);		once
 */
#ifndef CMD_FORMAT_H
#define CMD_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum format_verb {
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

enum format_shape { SHAPE_PLAIN, SHAPE_HEX, SHAPE_BASE64, SHAPE_BIG, SHAPE_LITTLE };

/* One piece of a format: a literal, or a verb and how it is shown. */
struct format_item {
	enum format_verb verb;
	enum format_shape shape;
	int bits;	      /* of a number that is not shown in decimal */
	struct buf text;      /* the literal, never empty; or the strftime(3) pattern with its NUL, empty for RFC 3339 */
	struct format *inner; /* of %h{...}; NULL for %h alone */
};

struct format {
	struct format_item *items;
	size_t count;
};

/* What a record does not know of itself. */
struct format_place {
	const char *topic;
	int partition;
	int32_t leader_epoch;
	bool append_time; /* its timestamp is that of storing it */
};

/* STATUS_USAGE with what is wrong with the text, STATUS_AGAIN without memory. */
int format_parse(const char *text, struct format **) MUST_USE;
void format_free(struct format *);

/* The verb stands for bytes (topic, key, value) or for a number. */
bool format_is_bytes(enum format_verb);
bool format_is_number(enum format_verb);
/* The item behind the i-th; NULL behind the last. */
const struct format_item *format_next(const struct format *, size_t i);

#endif

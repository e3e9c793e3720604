/*
 * siblings: the files beside a log file that were it before, by the names that rotation gives them.
 *
 *	app.log.1 app.log.2 app.1.log		numbered, the greater the older: logrotate, savelog
 *	app.log-20261123 app.log.2026-11-23-10	by time, the greater the newer: logrotate's dateext
 *	app.log.2.gz .zst .lz4			compressed since; .xz, .bz2, .Z are known as such, but cannot be read
 *
 *	siblings_read(dir, "app.log", &s)	all of them, app.log too
 *	siblings_after(&s, i)			what came next after the i-th
 *	siblings_free(&s)
 */
#ifndef CMD_SIBLINGS_H
#define CMD_SIBLINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec.h"
#include "base/compat.h"

enum sibling_kind { SIBLING_ITSELF, SIBLING_NUMBER, SIBLING_STAMP, SIBLING_OTHER };

struct sibling {
	char *name;
	enum sibling_kind kind;
	char separator; /* before number or stamp */
	bool inside;	/* they stand before the extension: app.1.log */
	int64_t number; /* SIBLING_NUMBER */
	char *stamp;	/* SIBLING_STAMP */
	bool packed, readable;
	enum codec codec; /* if packed and readable */
};

struct siblings {
	struct sibling *list; /* in no order */
	size_t count;
};

/* Those in the directory whose name is `base` or made of it. Statuses of dir_list. */
int siblings_read(int dir, const char *base, struct siblings *) MUST_USE;
void siblings_free(struct siblings *);

/*
 * The one that was rotated next after this one, by its name, which is made in the same way; of a file that is there twice, the one that is not compressed. NULL: the next is
 * the file itself, if this is not it. Nothing can be said of SIBLING_OTHER: NULL.
 */
const struct sibling *siblings_after(const struct siblings *, const struct sibling *);
/* Do both names stand for the same rotation? */
bool sibling_is_twin(const struct sibling *, const struct sibling *);

/* By its name alone; false: it is none. The sibling is freed by the caller with sibling_free. */
int sibling_parse(const char *base, const char *name, struct sibling *, bool *is_one) MUST_USE;
void sibling_free(struct sibling *);

#endif

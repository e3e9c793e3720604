/*
 * args: the command line. Options may stand anywhere, whatever the libc does; all behind `--` is a command, not ours.
 *
 *	static const struct args_option options[] = {
 *		{'p', "partition", ARGS_VALUE, 'p', NULL},
 *		{'q', "quiet", ARGS_FLAG, 'q', NULL},
 *		{'g', "group", ARGS_VALUE, 0, "not supported yet"},
 *	};
 *	args_init(&args, options, COUNT_OF(options), argc, argv);
 *	while ((id = args_next(&args)) > 0)
 *		switch (id) { case 'p': rc = args_number(&args, 0, 99, &p); ... }
 *	if (id < 0) return id;					STATUS_USAGE, the message says which
 *	args.operands, args.operand_count, args.command
 *
 * Letters may be joined (-qp3), a value may follow its letter or be the next word (also one that begins with '-'), a long option takes it
 * behind '=' or as the next word. -h, --help, -V and --version are answered here and end the program.
 */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include <stdint.h>

#include "base/buf.h"

enum args_kind { ARGS_FLAG, ARGS_VALUE };

struct args_option {
	char letter;	  /* 0: none */
	const char *name; /* without dashes; NULL: none */
	enum args_kind kind;
	int id; /* what args_next returns, above 0 */
	const char
	    *refusal; /* not NULL: refused with these words: what is not supported yet, or what another tool's option is here */
};

struct args {
	const char *value; /* of the option just returned; NULL for a flag */
	char **operands;   /* complete when args_next returned 0; NULL-terminated unless there is a command */
	int operand_count;
	char **command; /* NULL-terminated, what stands behind `--`; NULL if there is no `--` */

	/* args.c's own. */
	const struct args_option *options;
	size_t option_count;
	char **rest;	     /* the next word to look at */
	const char *cluster; /* letters of a word that are still to be looked at */
	char label[64];	     /* the option as typed, for messages */
};

void args_init(struct args *, const struct args_option *, size_t count, int argc, char **argv);

/* The id of the next option, 0 behind the last word, STATUS_USAGE. */
int args_next(struct args *) MUST_USE;

/* The value of the option just returned, as what it must be. STATUS_USAGE with the option's name before the message. */
int args_number(const struct args *, int64_t min, int64_t max, int64_t *) MUST_USE;
int args_size(const struct args *, int64_t *bytes) MUST_USE;
int args_duration(const struct args *, int64_t *ms) MUST_USE;
/* A duration, or `forever`: -1. */
int args_timeout(const struct args *, int64_t *ms) MUST_USE;
/* A time; relative ones count from now. */
int args_time(const struct args *, int64_t *ms) MUST_USE;
/* Any byte string with escapes; the buf is emptied first. */
int args_bytes(const struct args *, struct buf *) MUST_USE;
/* A usage error of the option just returned: "-p: ...". STATUS_USAGE. */
int args_fail(const struct args *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * STATUS_USAGE unless the operands from number `from` on are as many as the names in `names`, as "TOPIC"; "TOPIC [FILE...]" takes more,
 * "[TOPIC]" may be left out. `from` is how many were looked at already (a verb).
 */
int args_operands(const struct args *, int from, const char *names) MUST_USE;
/* STATUS_USAGE if there is a command, for programs that run none. */
int args_no_command(const struct args *) MUST_USE;

#endif

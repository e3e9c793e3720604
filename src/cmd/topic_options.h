/*
 * topic_options: the command line of mq-topic: a verb, the options that go with it, and names.
 */
#ifndef CMD_TOPIC_OPTIONS_H
#define CMD_TOPIC_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"
#include "cmd/print.h"

enum topic_verb {
	VERB_CREATE,
	VERB_LIST,
	VERB_DESCRIBE,
	VERB_OFFSETS,
	VERB_ALTER,
	VERB_TRIM,
	VERB_DELETE,
	VERB_IMPORT,
	VERB_EXPORT
};

/* -c KEY=VALUE, or --unset KEY: then value is NULL. */
struct change {
	const char *key, *value;
};

struct topic_options {
	enum topic_verb verb;
	char **names; /* valid topic names, as many as the verb takes */
	int name_count;
	char **folders; /* DIR..., as many as the verb takes */
	int folder_count;
	const char *dir;	/* -d; NULL not given */
	int64_t number;		/* -p: how many, or which; -1 not given */
	int64_t replication;	/* -r; 1 not given */
	struct change *changes; /* in the order given */
	size_t change_count;
	bool settings; /* describe -c */
	bool details, dry_run, yes, if_exists, if_not_exists;
	const char *time, *before, *topic_id; /* NULL: not given */
	enum print_form form;
};

/* Everything in it points into argv, which is changed. STATUS_USAGE. Call topic_options_free, also after a failure. */
int topic_options_parse(struct topic_options *, int argc, char **argv) MUST_USE;
void topic_options_free(struct topic_options *);

#endif

#include "cmd/topic_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"

#define VERB_NAMES "create, list, describe, offsets, alter, trim, delete, import or export"

enum option_id {
	OPTION_CONFIG = 'c',
	OPTION_DIR = 'd',
	OPTION_DETAILS = 'l',
	OPTION_DRY_RUN = 'n',
	OPTION_PARTITIONS = 'p',
	OPTION_REPLICATION = 'r',
	OPTION_YES = 'y',
	OPTION_BEFORE = 'B',
	OPTION_IF_EXISTS = 'E',
	OPTION_IF_NOT_EXISTS = 'I',
	OPTION_JSON = 'J',
	OPTION_TIME = 'T',
	OPTION_TOPIC_ID = 'O',
	OPTION_TSV = 'S',
	OPTION_UNSET = 'U',
};

static const struct args_option option_table[] = {
    {'c', "config", ARGS_VALUE, OPTION_CONFIG, NULL}, /* the first, see is_describe */
    {'d', "dir", ARGS_VALUE, OPTION_DIR, NULL},
    {'l', "long", ARGS_FLAG, OPTION_DETAILS, NULL},
    {'n', "dry-run", ARGS_FLAG, OPTION_DRY_RUN, NULL},
    {'p', "partitions", ARGS_VALUE, OPTION_PARTITIONS, NULL},
    {0, "partition", ARGS_VALUE, OPTION_PARTITIONS, NULL},
    {'r', "replication-factor", ARGS_VALUE, OPTION_REPLICATION, NULL},
    {'y', "yes", ARGS_FLAG, OPTION_YES, NULL},
    {0, "before", ARGS_VALUE, OPTION_BEFORE, NULL},
    {0, "if-exists", ARGS_FLAG, OPTION_IF_EXISTS, NULL},
    {0, "if-not-exists", ARGS_FLAG, OPTION_IF_NOT_EXISTS, NULL},
    {0, "json", ARGS_FLAG, OPTION_JSON, NULL},
    {0, "time", ARGS_VALUE, OPTION_TIME, NULL},
    {0, "topic-id", ARGS_VALUE, OPTION_TOPIC_ID, NULL},
    {0, "tsv", ARGS_FLAG, OPTION_TSV, NULL},
    {0, "unset", ARGS_VALUE, OPTION_UNSET, NULL},
    /* kafka-topics.sh and kafka-configs.sh. */
    {0, "create", ARGS_FLAG, 0, "a verb: mq-topic create NAME"},
    {0, "list", ARGS_FLAG, 0, "a verb: mq-topic list"},
    {0, "describe", ARGS_FLAG, 0, "a verb: mq-topic describe NAME"},
    {0, "alter", ARGS_FLAG, 0, "a verb: mq-topic alter NAME"},
    {0, "delete", ARGS_FLAG, 0, "a verb: mq-topic delete NAME"},
    {0, "add-config", ARGS_VALUE, 0, "it is mq-topic alter NAME -c KEY=VALUE"},
    {0, "delete-config", ARGS_VALUE, 0, "it is mq-topic alter NAME --unset KEY"},
};

static const struct {
	const char *name;
	const char *operands;
	const char *options; /* their ids */
	bool has_folders;    /* only the first operand is a name */
} verbs[] = {
    [VERB_CREATE] = {"create", "NAME", "dprcI", false},
    [VERB_LIST] = {"list", "", "dlJS", false},
    [VERB_DESCRIBE] = {"describe", "[NAME...]", "dcJS", false},
    [VERB_OFFSETS] = {"offsets", "NAME", "dpTJS", false},
    [VERB_ALTER] = {"alter", "NAME", "dpcU", false},
    [VERB_TRIM] = {"trim", "NAME", "dpBnyJS", false},
    [VERB_DELETE] = {"delete", "NAME", "dEnyJS", false},
    [VERB_IMPORT] = {"import", "NAME DIR [DIR...]", "dc", true},
    [VERB_EXPORT] = {"export", "NAME DIR", "dO", true},
};

static int
add_change(const struct args *args, struct topic_options *o, bool unset)
{
	struct change *c = &o->changes[o->change_count++];
	char *equals = strchr(args->value, '=');

	c->key = args->value;
	c->value = NULL;
	if (unset)
		return equals == NULL ? STATUS_OK : args_fail(args, "%s: only the KEY", args->value);
	if (equals == NULL || equals == args->value)
		return args_fail(args, "%s: not KEY=VALUE", args->value);
	*equals = '\0';
	c->value = equals + 1;
	return STATUS_OK;
}

static int
set_form(const struct args *args, struct topic_options *o, enum print_form form)
{
	if (o->form != PRINT_TEXT && o->form != form)
		return args_fail(args, "either --json or --tsv");
	o->form = form;
	return STATUS_OK;
}

static int
take_option(const struct args *args, struct topic_options *o, enum option_id id)
{
	switch (id) {
	case OPTION_CONFIG:
		o->settings = args->value == NULL;
		return o->settings ? STATUS_OK : add_change(args, o, false);
	case OPTION_UNSET:
		return add_change(args, o, true);
	case OPTION_DIR:
		o->dir = args->value;
		return STATUS_OK;
	case OPTION_PARTITIONS:
		return args_number(args, 0, INT32_MAX, &o->number);
	case OPTION_REPLICATION:
		return args_number(args, 0, INT32_MAX, &o->replication);
	case OPTION_BEFORE:
		o->before = args->value;
		return STATUS_OK;
	case OPTION_TIME:
		o->time = args->value;
		return STATUS_OK;
	case OPTION_TOPIC_ID:
		o->topic_id = args->value;
		return STATUS_OK;
	case OPTION_JSON:
		return set_form(args, o, PRINT_JSON);
	case OPTION_TSV:
		return set_form(args, o, PRINT_TSV);
	case OPTION_DETAILS:
		o->details = true;
		return STATUS_OK;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		return STATUS_OK;
	case OPTION_YES:
		o->yes = true;
		return STATUS_OK;
	case OPTION_IF_EXISTS:
		o->if_exists = true;
		return STATUS_OK;
	case OPTION_IF_NOT_EXISTS:
		o->if_not_exists = true;
		return STATUS_OK;
	}
	return STATUS_OK;
}

static int
find_verb(const struct args *args, enum topic_verb *verb)
{
	const char *word = args->operand_count > 0 ? args->operands[0] : NULL;

	if (word == NULL)
		return status_fail(STATUS_USAGE, "a verb is missing: %s (%s -h shows how)", VERB_NAMES, cmd_program());
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (strcmp(word, verbs[i].name) == 0) {
			*verb = (enum topic_verb)i;
			return STATUS_OK;
		}
	}
	return status_fail(STATUS_USAGE, "%s: no such verb: %s (%s -h shows how)", word, VERB_NAMES, cmd_program());
}

/* The verb may stand behind its options, so only now it is known whether they are its own. */
static int
check_options(enum topic_verb verb, const char *given)
{
	for (; *given != '\0'; given++) {
		const struct args_option *option = option_table;

		if (strchr(verbs[verb].options, *given) != NULL)
			continue;
		while (option->id != *given)
			option++;
		return status_fail(STATUS_USAGE, "--%s: not an option of %s (%s -h shows how)", option->name, verbs[verb].name,
		    cmd_program());
	}
	return STATUS_OK;
}

/* -c alone shows settings with `describe` and takes one with all other verbs, and the verb may stand behind it. */
static bool
is_describe(const struct args_option *flags, int argc, char *const *argv)
{
	char **words = calloc((size_t)argc + 1, sizeof(*words)); /* args_next moves operands */
	struct args args;
	bool is;

	if (words == NULL)
		return false;
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	args_init(&args, flags, COUNT_OF(option_table), argc, words);
	while (args_next(&args) > 0)
		continue;
	is = args.operand_count > 0 && strcmp(args.operands[0], "describe") == 0;
	free(words);
	return is;
}

static int
parse_options(struct topic_options *o, struct args *args)
{
	char given[COUNT_OF(option_table) + 1] = "";
	int id, rc;

	while ((id = args_next(args)) > 0) {
		if (strchr(given, id) == NULL)
			given[strlen(given)] = (char)id;
		if ((rc = take_option(args, o, (enum option_id)id)) != STATUS_OK)
			return rc;
	}
	if (id < 0)
		return id;
	if ((rc = args_no_command(args)) != STATUS_OK || (rc = find_verb(args, &o->verb)) != STATUS_OK)
		return rc;
	if ((rc = check_options(o->verb, given)) != STATUS_OK)
		return rc;
	if ((o->verb == VERB_TRIM || o->verb == VERB_DELETE) && o->form != PRINT_TEXT && !o->dry_run)
		return status_fail(STATUS_USAGE, "%s: --json and --tsv go with -n", verbs[o->verb].name);
	return STATUS_OK;
}

int
topic_options_parse(struct topic_options *o, int argc, char **argv)
{
	struct args_option table[COUNT_OF(option_table)];
	struct args args;
	int rc;

	*o = (struct topic_options){.number = -1, .replication = 1};
	if ((o->changes = calloc((size_t)argc + 1, sizeof(*o->changes))) == NULL)
		return status_no_memory("command line");
	memcpy(table, option_table, sizeof(table));
	table[0].kind = ARGS_FLAG;
	if (!is_describe(table, argc, argv))
		table[0].kind = ARGS_VALUE;
	args_init(&args, table, COUNT_OF(table), argc, argv);
	if ((rc = parse_options(o, &args)) != STATUS_OK || (rc = args_operands(&args, 1, verbs[o->verb].operands)) != STATUS_OK)
		return rc;
	o->names = args.operands + 1;
	o->name_count = verbs[o->verb].has_folders ? 1 : args.operand_count - 1;
	o->folders = o->names + o->name_count;
	o->folder_count = args.operand_count - 1 - o->name_count;
	for (int i = 0; rc == STATUS_OK && i < o->name_count; i++)
		rc = parse_name("topic", o->names[i]);
	return rc;
}

void
topic_options_free(struct topic_options *o)
{
	free(o->changes);
}

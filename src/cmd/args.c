#include "cmd/args.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/status.h"
#include "cmd/cmd.h"

#define NO_BROKER "there is no broker; the store is $MQ_DIR or -d DIR"
#define NO_PROPERTIES "there are no client properties; settings are the topic's: mq-topic alter NAME -c KEY=VALUE"
#define NO_SECURITY "who may do what is said by the topic's folder: mq-topic alter NAME -c mode=..., group=..."
#define NO_SCHEMAS "keys and values are bytes here; -J and -f show them as text"
#define OPERAND "the topic is an operand, without a letter"
#define VERB "what to do is a word: mq-topic create, list, describe, alter or delete"

/* What fingers know from kcat, rpk and kafka-console-*, kafka-topics; a program's own table comes first. */
static const struct {
	char letter;
	const char *name;
	const char *hint;
} near_misses[] = {
    {'b', "brokers", NO_BROKER},
    {'b', "bootstrap-server", NO_BROKER},
    {0, "broker-list", NO_BROKER},
    {0, "zookeeper", NO_BROKER},
    {'t', "topic", OPERAND},
    {'G', NULL, "a group is -g GROUP, and its topic an operand"},
    {'C', NULL, "to read is mq-consume TOPIC"},
    {'P', NULL, "to write is mq-produce TOPIC"},
    {'L', NULL, "to list is mq-topic list"},
    {'Q', NULL, "to ask for offsets is mq-topic offsets TOPIC"},
    {'n', "num", "to stop after N records is mq-consume -c N"},
    {'u', NULL, "output is always flushed when no record is at hand"},
    {'v', "verbose", "there is nothing more to say; -q of mq-consume says less"},
    {'T', NULL, "to see what is stored: mq-produce -o '%v\\n'"},
    {'E', NULL, "a partition that fails does not end mq-consume before the others are read"},
    {'X', "command-config", NO_PROPERTIES},
    {0, "property", "a key is -K DELIM, or anything by -f FORMAT"},
    {0, "reader-property", "a key is -K DELIM, or anything by -f FORMAT"},
    {0, "formatter-property", "a key is -K DELIM, or anything by -f FORMAT"},
    {0, "formatter", "how records are printed is -f FORMAT or -J"},
    {0, "line-reader", "how records are read is -D DELIM, -f FORMAT or -J"},
    {0, "consumer-property", NO_PROPERTIES},
    {0, "consumer.config", NO_PROPERTIES},
    {0, "producer-property", NO_PROPERTIES},
    {0, "producer.config", NO_PROPERTIES},
    {0, "config", NO_PROPERTIES},
    {'r', "schema-registry", NO_SCHEMAS},
    {'s', "use-schema-registry", NO_SCHEMAS},
    {0, "schema-id", NO_SCHEMAS},
    {0, "key-deserializer", NO_SCHEMAS},
    {0, "value-deserializer", NO_SCHEMAS},
    {0, "user", NO_SECURITY},
    {0, "password", NO_SECURITY},
    {0, "tls-enabled", NO_SECURITY},
    {0, "compression-codec", "compression is mq-produce -z CODEC"},
    {0, "batch-size", "a batch is what is at hand, up to 1 MiB; max.message.bytes of the topic limits it"},
    {0, "linger", "a batch is stored as soon as the input has nothing at hand"},
    {0, "sync", "with status 0 all is stored and durable anyway"},
    {0, "request-required-acks", "how many must have it is mq-produce -a 1 or -a all"},
    {0, "request-timeout-ms", "how long to wait for locks and room is mq-produce --timeout D"},
    {0, "delivery-timeout", "how long to wait for locks and room is mq-produce --timeout D"},
    {0, "from-beginning", "that is the default of mq-consume"},
    {0, "max-messages", "to stop after N records is mq-consume -c N"},
    {0, "timeout-ms", "to wait for the first record at most so long is mq-consume -w D; without it the end is the end"},
    {0, "isolation-level", "what no transaction has committed is not shown, but with mq-consume --read-uncommitted"},
    {0, "skip-message-on-error", "damage is told by status 74, and the other partitions are read all the same"},
    {0, "meta-only", "only places and times: mq-consume -f '%t %p %o %T\\n'"},
    {0, "regex", "topics are named one by one; mq-topic list lists them"},
    {0, "include", "topics are named one by one; mq-topic list lists them"},
    {0, "whitelist", "topics are named one by one; mq-topic list lists them"},
    {0, "allow-auto-topic-creation", "topics are made by mq-topic create NAME"},
    {0, "create", VERB},
    {0, "list", VERB},
    {0, "describe", VERB},
    {0, "alter", VERB},
    {0, "delete", VERB},
    {0, "delete-config", "to give a setting back its default is mq-topic alter NAME --unset KEY"},
};

void
args_init(struct args *args, const struct args_option *options, size_t count, int argc, char **argv)
{
	memset(args, 0, sizeof(*args));
	args->options = options;
	args->option_count = count;
	args->rest = argc > 0 ? argv + 1 : argv;
	/* Operands move to the front of argv, which is read faster than it is filled. */
	args->operands = argv;
}

int
args_fail(const struct args *args, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return status_fail(STATUS_USAGE, "%s: %s", args->label, text);
}

/* Letters that two long names have in common at the beginning and at the end; 0 if they begin otherwise. */
static size_t
likeness(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), least = a_len < b_len ? a_len : b_len, front = 0, back = 0;

	while (front < least && a[front] == b[front])
		front++;
	while (front > 0 && front + back < least && a[a_len - 1 - back] == b[b_len - 1 - back])
		back++;
	return front + back;
}

static int
fail_unknown_letter(const struct args *args, char letter)
{
	for (size_t i = 0; i < COUNT_OF(near_misses); i++) {
		if (near_misses[i].letter == letter)
			return args_fail(args, "%s (%s -h shows how)", near_misses[i].hint, cmd_program());
	}
	return args_fail(args, "no such option (%s -h shows all)", cmd_program());
}

/* What another tool calls so; NULL if none does. */
static const char *
find_near_miss(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(near_misses); i++) {
		if (near_misses[i].name != NULL && strcmp(near_misses[i].name, name) == 0)
			return near_misses[i].hint;
	}
	return NULL;
}

/* Else the name that is most like it, by at least three letters, is what was meant. */
static int
fail_unknown_name(const struct args *args, const char *name)
{
	const char *nearest = NULL, *hint = find_near_miss(name);
	size_t best = 2;

	if (hint != NULL)
		return args_fail(args, "%s (%s -h shows how)", hint, cmd_program());
	for (size_t i = 0; i < args->option_count; i++) {
		if (args->options[i].name != NULL && likeness(args->options[i].name, name) > best) {
			best = likeness(args->options[i].name, name);
			nearest = args->options[i].name;
		}
	}
	if (nearest != NULL)
		return args_fail(args, "no such option; --%s is one (%s -h shows all)", nearest, cmd_program());
	return args_fail(args, "no such option (%s -h shows all)", cmd_program());
}

/* The option at hand was found or not; `attached` is a value in the same word, NULL if there is none. */
static int
take_option(struct args *args, const struct args_option *option, const char *attached)
{
	if (option->refusal != NULL)
		return args_fail(args, "%s", option->refusal);
	args->value = NULL;
	if (option->kind == ARGS_FLAG)
		return option->id;
	if (attached != NULL)
		args->value = attached;
	else if (*args->rest != NULL)
		args->value = *args->rest++;
	else
		return args_fail(args, "needs a value");
	return option->id;
}

static int
next_letter(struct args *args)
{
	char letter = *args->cluster++;
	const char *attached = *args->cluster != '\0' ? args->cluster : NULL;

	(void)snprintf(args->label, sizeof(args->label), "-%c", letter);
	if (attached == NULL)
		args->cluster = NULL;
	for (size_t i = 0; i < args->option_count; i++) {
		if (args->options[i].letter != letter)
			continue;
		if (args->options[i].kind == ARGS_VALUE)
			args->cluster = NULL;
		return take_option(args, &args->options[i], attached);
	}
	if (letter == 'h')
		cmd_help();
	if (letter == 'V')
		cmd_version();
	return fail_unknown_letter(args, letter);
}

static int
next_long(struct args *args, const char *word)
{
	char name[48];
	const char *equals = strchr(word, '=');
	size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);

	(void)snprintf(args->label, sizeof(args->label), "--%.*s", (int)(len < 60 ? len : 60), word);
	if (len >= sizeof(name))
		return args_fail(args, "no such option (%s -h shows all)", cmd_program());
	memcpy(name, word, len);
	name[len] = '\0';
	for (size_t i = 0; i < args->option_count; i++) {
		if (args->options[i].name == NULL || strcmp(args->options[i].name, name) != 0)
			continue;
		if (args->options[i].kind == ARGS_FLAG && args->options[i].refusal == NULL && equals != NULL)
			return args_fail(args, "takes no value");
		return take_option(args, &args->options[i], equals != NULL ? equals + 1 : NULL);
	}
	if (equals != NULL && (strcmp(name, "help") == 0 || strcmp(name, "version") == 0))
		return args_fail(args, "takes no value");
	if (strcmp(name, "help") == 0)
		cmd_help();
	if (strcmp(name, "version") == 0)
		cmd_version();
	return fail_unknown_name(args, name);
}

int
args_next(struct args *args)
{
	if (args->cluster != NULL)
		return next_letter(args);
	while (*args->rest != NULL) {
		char *word = *args->rest++;

		if (strcmp(word, "--") == 0) {
			args->command = args->rest;
			break;
		}
		if (word[0] == '-' && word[1] == '-')
			return next_long(args, word + 2);
		if (word[0] == '-' && word[1] != '\0') {
			args->cluster = word + 1;
			return next_letter(args);
		}
		args->operands[args->operand_count++] = word;
	}
	args->operands[args->operand_count] = NULL;
	return 0;
}

int
args_number(const struct args *args, int64_t min, int64_t max, int64_t *number)
{
	int rc = parse_int64(args->value, min, max, number);

	return rc == STATUS_OK ? rc : status_context(rc, "%s", args->label);
}

int
args_size(const struct args *args, int64_t *bytes)
{
	int rc = parse_size(args->value, bytes);

	return rc == STATUS_OK ? rc : status_context(rc, "%s", args->label);
}

int
args_duration(const struct args *args, int64_t *ms)
{
	int rc = parse_duration_ms(args->value, ms);

	return rc == STATUS_OK ? rc : status_context(rc, "%s", args->label);
}

int
args_timeout(const struct args *args, int64_t *ms)
{
	if (strcmp(args->value, "forever") != 0)
		return args_duration(args, ms);
	*ms = -1;
	return STATUS_OK;
}

int
args_time(const struct args *args, int64_t *ms)
{
	int rc = parse_time_ms(args->value, clock_wall_ms(), ms);

	return rc == STATUS_OK ? rc : status_context(rc, "%s", args->label);
}

int
args_bytes(const struct args *args, struct buf *bytes)
{
	int rc;

	buf_clear(bytes);
	rc = parse_escapes(args->value, bytes);
	return rc == STATUS_OK ? rc : status_context(rc, "%s", args->label);
}

/* How many operands `names` asks for: *most is -1 without a limit. */
static void
count_names(const char *names, int *least, int *most)
{
	*least = *most = 0;
	for (const char *p = names; *p != '\0'; p++) {
		if (*p == ' ' || (p != names && p[-1] != ' '))
			continue;
		*least += *p != '[';
		*most += *most >= 0;
		if (strncmp(p + strcspn(p, " ."), "...", 3) == 0)
			*most = -1;
	}
}

int
args_operands(const struct args *args, int from, const char *names)
{
	int given = args->operand_count - from, least, most;

	count_names(names, &least, &most);
	if (given < least)
		return status_fail(STATUS_USAGE, "%s expected (%s -h shows how)", names, cmd_program());
	if (most >= 0 && given > most)
		return status_fail(STATUS_USAGE, "%s: one operand too many; %s expected (%s -h shows how)",
		    args->operands[from + most], *names != '\0' ? names : "none", cmd_program());
	return STATUS_OK;
}

int
args_no_command(const struct args *args)
{
	if (args->command == NULL)
		return STATUS_OK;
	return status_fail(STATUS_USAGE, "--: %s runs no command (%s -h shows how)", cmd_program(), cmd_program());
}

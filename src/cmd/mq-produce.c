/*
 * mq-produce: stores what it reads as records of a topic. This file is its command line; feed.c reads, producer.c stores.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/fanout.h"
#include "cmd/feed.h"
#include "cmd/format.h"
#include "cmd/format_check.h"

#define TIMEOUT_MS 30000
#define PARTITION_MAX 1000000
#define NO_PROPERTIES \
	"there are no client properties; settings are the topic's: mq-topic alter NAME -c KEY=VALUE; enable.idempotence over reruns is --id NAME"

static const char help[] =
    "mq-produce app-log < /var/log/app.log       each line is a record\n"
    "mq-produce --follow app.log --id app app-log    as tail -F, and nothing twice over restarts and rotations\n"
    "mq-produce -K : users < users.txt           NAME:VALUE, equal names go to one partition\n"
    "mq-produce --whole photos *.jpg             each file is a record\n"
    "mq-produce orders -- psql -Atc 'TABLE new'  a command's output; if it fails, so does this\n"
    "mq-produce -o '%p %o\\n' orders < f          tell where each record was stored\n"
    "mq-produce --id day-23 orders < f            a rerun, also after a crash, stores nothing twice\n"
    "mq-produce --atomic orders < f               all of it, or nothing\n"
    "mq-consume -J orders | mq-produce -J copy   with keys, headers and times\n"
    "\n"
    "usage: mq-produce [options] TOPIC [FILE...]\n"
    "       mq-produce [options] TOPIC -- CMD [ARG...]\n"
    "  -D DELIM | -0     record delimiter (newline); escapes \\n \\t \\0 \\\\ \\xNN; -0 is NUL\n"
    "  --whole           each FILE, or all of stdin, is one record\n"
    "  -k KEY            the key of all records\n"
    "  -K DELIM          key and value are split at the first DELIM\n"
    "  -H NAME=VALUE     a header; may be repeated\n"
    "  -Z                an empty value becomes null (a tombstone)\n"
    "  -t TIME           record timestamp: RFC 3339, ms, s, or relative as -1h, +5m\n"
    "  -p N|input        partition, or that which each record names; else by key, else round robin\n"
    "  -J                each line is a JSON object, as mq-consume -J prints it\n"
    "  -f FORMAT         records are as mq-consume -f FORMAT prints them; %K and %V before %k and %v: any bytes\n"
    "                    TOPIC `-`: each record names its topic (-J, or -f with %t)\n"
    "  -a 1|all          how many replicas must have it (all)\n"
    "  --id NAME         the input has this name: a rerun stores only what is not stored yet\n"
    "  --atomic          all of the input is stored at once, at its end, or none of it\n"
    "  --follow FILE     with --id: goes on as FILE grows and is rotated, and where it was after a restart\n"
    "  -o FORMAT         print this for each record once it is stored\n"
    "  -z CODEC          none, gzip, snappy, lz4, zstd; gzip, lz4 and zstd with a level as zstd:9\n"
    "  --timeout D       how long to wait for locks and room (30s), or forever\n"
    "  --progress        say on stderr how far it is\n"
    "  -d DIR            the store, else $MQ_DIR\n"
    "Status 0: every record read is stored and durable. See mq-produce(1), mq(7).\n";

enum { OPT_WHOLE = 256, OPT_TIMEOUT, OPT_PROGRESS, OPT_ID, OPT_ATOMIC, OPT_FOLLOW };

static const struct args_option options[] = {
    {'d', NULL, ARGS_VALUE, 'd', NULL},
    {'D', "delimiter", ARGS_VALUE, 'D', NULL},
    {'0', "null", ARGS_FLAG, '0', NULL},
    {0, "whole", ARGS_FLAG, OPT_WHOLE, NULL},
    {'k', "key", ARGS_VALUE, 'k', NULL},
    {'K', "key-delimiter", ARGS_VALUE, 'K', NULL},
    {'H', "header", ARGS_VALUE, 'H', NULL},
    {'Z', "tombstone", ARGS_FLAG, 'Z', NULL},
    {'t', "timestamp", ARGS_VALUE, 't', NULL},
    {'p', "partition", ARGS_VALUE, 'p', NULL},
    {'a', "acks", ARGS_VALUE, 'a', NULL},
    {'o', "output-format", ARGS_VALUE, 'o', NULL},
    {'z', "compression", ARGS_VALUE, 'z', NULL},
    {0, "timeout", ARGS_VALUE, OPT_TIMEOUT, NULL},
    {0, "progress", ARGS_FLAG, OPT_PROGRESS, NULL},
    {'f', "format", ARGS_VALUE, 'f', NULL},
    {'J', "json", ARGS_FLAG, 'J', NULL},
    {0, "id", ARGS_VALUE, OPT_ID, NULL},
    {0, "atomic", ARGS_FLAG, OPT_ATOMIC, NULL},
    {0, "follow", ARGS_VALUE, OPT_FOLLOW, NULL},
    {'X', "producer-property", ARGS_VALUE, 0, NO_PROPERTIES},
    {'l', NULL, ARGS_FLAG, 0, "files are read line by line anyway; -D sets another delimiter"},
};

struct produce_options {
	const char *store, *topic;
	struct feed_options feed;
	struct fanout_options fanout;
	struct format *report, *format;
	bool delimited; /* -D or -0 was given */
	bool whole;
};

/* For the line that says what became of the records, whatever happened. */
struct tally {
	uint64_t stored, unknown;
};

static int
set_header(const struct args *args, struct feed_options *feed)
{
	const char *equals = strchr(args->value, '=');
	struct record_header header;
	int rc;

	if (equals == NULL || equals == args->value)
		return args_fail(args, "%s: a header is NAME=VALUE", args->value);
	header.name = (const uint8_t *)args->value;
	header.name_len = (int32_t)(equals - args->value);
	header.value = (const uint8_t *)equals + 1;
	header.value_len = (int32_t)strlen(equals + 1);
	if ((rc = record_add_header(&feed->headers, &header)) == STATUS_OK)
		feed->header_count++;
	return rc;
}

static int
set_delimiter(const struct args *args, struct buf *delimiter)
{
	int rc;

	if ((rc = args_bytes(args, delimiter)) == STATUS_OK && delimiter->len == 0)
		rc = args_fail(args, "a delimiter has at least one byte");
	return rc;
}

static int
set_time(const struct args *args, struct feed_options *feed)
{
	feed->timed = true;
	if (parse_time_ms(args->value, clock_wall_ms(), &feed->timestamp_ms) == STATUS_OK)
		return STATUS_OK;
	if (parse_is_name(args->value))
		return args_fail(args, "%s: not a time; the topic is an operand, without a letter", args->value);
	return args_fail(args, "%s", status_message());
}

static int
set_partition(const struct args *args, struct produce_options *o)
{
	int64_t number;
	int rc;

	o->feed.own_partition = strcmp(args->value, "input") == 0;
	if (o->feed.own_partition)
		return STATUS_OK;
	if ((rc = args_number(args, 0, PARTITION_MAX, &number)) == STATUS_OK)
		o->fanout.producer.partition = (int)number;
	return rc;
}

/* In place of what an earlier -f or -o said. */
static int
set_format(const struct args *args, struct format **format)
{
	format_free(*format);
	*format = NULL;
	if (format_parse(args->value, format) != STATUS_OK)
		return args_fail(args, "%s", status_message());
	return STATUS_OK;
}

static int
check_word(const struct args *args, const char *allowed, const char *allowed_too, const char *refusal)
{
	if (strcmp(args->value, allowed) == 0 || strcmp(args->value, allowed_too) == 0)
		return STATUS_OK;
	return args_fail(args, "%s: %s", args->value, refusal);
}

static int
set_option(struct produce_options *o, const struct args *args, int id)
{
	switch (id) {
	case 'd':
		o->store = args->value;
		return STATUS_OK;
	case 'D':
		o->delimited = true;
		return set_delimiter(args, &o->feed.delimiter);
	case '0':
		o->delimited = true;
		buf_clear(&o->feed.delimiter);
		return buf_append_byte(&o->feed.delimiter, '\0');
	case OPT_WHOLE:
		o->whole = true;
		return STATUS_OK;
	case 'k':
		o->feed.key = args->value;
		return STATUS_OK;
	case 'K':
		return set_delimiter(args, &o->feed.key_delimiter);
	case 'H':
		return set_header(args, &o->feed);
	case 'Z':
		o->feed.empty_is_null = true;
		return STATUS_OK;
	case 't':
		return set_time(args, &o->feed);
	case 'p':
		return set_partition(args, o);
	case 'a':
		return check_word(args, "1", "all", "1 or all expected");
	case 'o':
		return set_format(args, &o->report);
	case 'f':
		return set_format(args, &o->format);
	case 'J':
		o->feed.json = true;
		return STATUS_OK;
	case 'z':
		if (codec_parse(args->value, &o->fanout.producer.appender.codec, &o->fanout.producer.appender.level) != STATUS_OK)
			return args_fail(args, "%s", status_message());
		return STATUS_OK;
	case OPT_ID:
		o->feed.id = o->fanout.producer.id = args->value;
		return named_check_name(args->value) == STATUS_OK ? STATUS_OK : args_fail(args, "%s", status_message());
	case OPT_ATOMIC:
		o->fanout.producer.appender.atomic = true;
		return STATUS_OK;
	case OPT_FOLLOW:
		o->feed.follow = args->value;
		o->fanout.producer.follows = true;
		return STATUS_OK;
	case OPT_TIMEOUT:
		return args_timeout(args, &o->fanout.producer.appender.timeout_ms);
	default:
		o->feed.progress = true;
		return STATUS_OK;
	}
}

/* -J and -f say where a record ends and what of it is the key. */
static int
check_shape(const struct produce_options *o)
{
	const char *shape = o->feed.json ? "-J" : "-f";

	if (o->feed.json && o->format != NULL)
		return status_fail(STATUS_USAGE, "-J and -f: one of them");
	if (!o->feed.json && o->format == NULL)
		return o->feed.own_partition ? status_fail(STATUS_USAGE, "-p input: only with -J, or -f with %%p") : STATUS_OK;
	if (o->delimited || o->whole || o->feed.key_delimiter.len > 0)
		return status_fail(STATUS_USAGE, "%s says all of where a record ends: not with -D, -0, -K or --whole", shape);
	return STATUS_OK;
}

static bool
has_verb(const struct format *f, enum format_verb verb)
{
	for (size_t i = 0; f != NULL && i < f->count; i++) {
		if (f->items[i].verb == verb)
			return true;
	}
	return false;
}

static int
check_format(const struct produce_options *o)
{
	if (o->format == NULL)
		return STATUS_OK;
	if (format_check(o->format) != STATUS_OK)
		return status_context(STATUS_USAGE, "-f");
	if (o->feed.own_partition && !has_verb(o->format, VERB_PARTITION))
		return status_fail(STATUS_USAGE, "-p input: there is no %%p in -f");
	return STATUS_OK;
}

/* The topic `-`: each record names its own. */
static int
check_topic(struct produce_options *o)
{
	if (strcmp(o->topic, "-") != 0) {
		o->feed.topic = o->topic;
		return parse_name("topic", o->topic);
	}
	o->fanout.many = true;
	if (o->fanout.producer.id != NULL)
		return status_fail(STATUS_USAGE, "--id: its input goes to one topic, not to those that records name");
	if (o->fanout.producer.appender.atomic)
		return status_fail(STATUS_USAGE, "--atomic: into one topic, not into those that records name");
	if (o->feed.json || has_verb(o->format, VERB_TOPIC))
		return STATUS_OK;
	return status_fail(STATUS_USAGE, "-: a topic in each record needs -J, or -f with %%t");
}

static int
check_follow(const struct produce_options *o)
{
	if (o->feed.follow == NULL)
		return STATUS_OK;
	if (o->feed.id == NULL)
		return status_fail(STATUS_USAGE, "--follow: only with --id NAME, by which its place is kept");
	if (o->feed.command != NULL || o->feed.file_count > 0)
		return status_fail(STATUS_USAGE, "--follow: one file is the whole input; neither FILEs nor -- CMD");
	if (o->fanout.producer.appender.atomic)
		return status_fail(STATUS_USAGE,
		    "--follow: its input has no end at which all of it could be stored; not with --atomic");
	if (o->whole)
		return status_fail(STATUS_USAGE, "--follow: a file that grows is not one record; not with --whole");
	return STATUS_OK;
}

/* What goes with what. */
static int
check_options(struct produce_options *o)
{
	int rc;

	if (o->feed.key != NULL && o->feed.key_delimiter.len > 0)
		return status_fail(STATUS_USAGE, "-k and -K: one of them");
	if (o->whole && o->delimited)
		return status_fail(STATUS_USAGE, "--whole: there are no delimiters then; not with -D or -0");
	if (o->feed.command != NULL && o->feed.file_count > 0)
		return status_fail(STATUS_USAGE, "-- %s: not together with FILEs", o->feed.command[0]);
	if ((rc = check_follow(o)) != STATUS_OK || (rc = check_shape(o)) != STATUS_OK || (rc = check_format(o)) != STATUS_OK ||
	    (rc = check_topic(o)) != STATUS_OK)
		return rc;
	if (!o->whole && !o->delimited && buf_append_byte(&o->feed.delimiter, '\n') != STATUS_OK)
		return STATUS_AGAIN;
	o->feed.format = o->format;
	o->fanout.timed = o->feed.timed;
	o->fanout.producer.appender.report = o->report;
	o->feed.told = o->report != NULL;
	return STATUS_OK;
}

static int
parse(struct produce_options *o, int argc, char **argv)
{
	struct args args;
	int id, rc;

	o->fanout.producer = (struct producer_options){.partition = -1, .appender = {.timeout_ms = TIMEOUT_MS}};
	args_init(&args, options, COUNT_OF(options), argc, argv);
	while ((id = args_next(&args)) > 0) {
		if ((rc = set_option(o, &args, id)) != STATUS_OK)
			return rc;
	}
	if (id < 0 || (id = args_operands(&args, 0, "TOPIC [FILE...]")) != STATUS_OK)
		return id;
	o->topic = args.operands[0];
	o->feed.files = args.operands + 1;
	o->feed.file_count = args.operand_count - 1;
	o->feed.command = args.command;
	if (args.command != NULL && args.command[0] == NULL)
		return status_fail(STATUS_USAGE, "--: a command expected behind it");
	return check_options(o);
}

static void
free_options(struct produce_options *o)
{
	buf_free(&o->feed.delimiter);
	buf_free(&o->feed.key_delimiter);
	buf_free(&o->feed.headers);
	format_free(o->report);
	format_free(o->format);
}

/* Two things may fail, the input and storing what was read of it: both are told, the latter decides. */
static int
feed_and_finish(const struct produce_options *o, struct fanout *fanout, struct tally *tally)
{
	int rc = feed_run(&o->feed, fanout), finish_rc;
	char message[1024];

	(void)strlcpy(message, rc != STATUS_OK ? status_message() : "", sizeof(message));
	if (rc != STATUS_OK || cmd_signal() != 0)
		fanout_give_up(fanout);
	finish_rc = fanout_finish(fanout);
	tally->stored = fanout_stored(fanout);
	tally->unknown = fanout_unknown(fanout);
	if (finish_rc == STATUS_OK)
		return rc == STATUS_OK ? STATUS_OK : status_fail(rc, "%s", message);
	if (rc != STATUS_OK && strcmp(message, status_message()) != 0)
		cmd_warn("%s", message);
	return finish_rc;
}

static int
produce(const struct produce_options *o, struct tally *tally)
{
	struct store *store = NULL;
	struct fanout *fanout = NULL;
	int rc;

	if ((rc = feed_check(&o->feed)) == STATUS_OK && (rc = cmd_open_store(o->store, &store)) == STATUS_OK &&
	    (rc = fanout_open(store, &o->fanout, &fanout)) == STATUS_OK) {
		cmd_catch_signals();
		cmd_catch_pipe();
		rc = feed_and_finish(o, fanout, tally);
	}
	fanout_close(fanout);
	store_close(store);
	return rc;
}

int
main(int argc, char **argv)
{
	struct produce_options o = {0};
	struct tally tally = {0, 0};
	int rc;

	cmd_start("mq-produce", help);
	if ((rc = parse(&o, argc, argv)) == STATUS_OK)
		rc = produce(&o, &tally);
	free_options(&o);
	if (cmd_signal() == SIGPIPE)
		status_clear();
	if ((rc != STATUS_OK && rc != STATUS_USAGE) || cmd_signal() != 0) {
		if (rc != STATUS_OK)
			cmd_error();
		cmd_warn("%llu records stored, %llu unknown", (unsigned long long)tally.stored, (unsigned long long)tally.unknown);
	}
	return cmd_finish(rc);
}

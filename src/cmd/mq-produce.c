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
#include "cmd/feed.h"
#include "cmd/format.h"
#include "cmd/producer.h"

#define TIMEOUT_MS 30000
#define PARTITION_MAX 1000000
#define NOT_YET "not supported yet"

static const char help[] = "mq-produce app-log < /var/log/app.log       each line is a record\n"
			   "tail -F app.log | mq-produce app-log        stored as they come, readable at once\n"
			   "mq-produce -K : users < users.txt           NAME:VALUE, equal names go to one partition\n"
			   "mq-produce --whole photos *.jpg             each file is a record\n"
			   "mq-produce orders -- psql -Atc 'TABLE new'  a command's output; if it fails, so does this\n"
			   "mq-produce -o '%p %o\\n' orders < f          tell where each record was stored\n"
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
			   "  -p N              partition; else by key, else round robin\n"
			   "  -a 1|all          how many replicas must have it (all)\n"
			   "  -o FORMAT         print this for each record once it is stored\n"
			   "  -z none           compression\n"
			   "  --timeout D       how long to wait for locks and room (30s), or forever\n"
			   "  --progress        say on stderr how far it is\n"
			   "  -d DIR            the store, else $MQ_DIR\n"
			   "Status 0: every record read is stored and durable. See mq-produce(1), mq(7).\n";

enum { OPT_WHOLE = 256, OPT_TIMEOUT, OPT_PROGRESS };

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
    {'f', "format", ARGS_VALUE, 0, NOT_YET},
    {'J', "json", ARGS_FLAG, 0, NOT_YET},
    {0, "id", ARGS_VALUE, 0, NOT_YET},
    {0, "atomic", ARGS_FLAG, 0, NOT_YET},
    {0, "follow", ARGS_VALUE, 0, NOT_YET},
    {'l', NULL, ARGS_FLAG, 0, "files are read line by line anyway; -D sets another delimiter"},
};

struct produce_options {
	const char *store, *topic;
	struct feed_options feed;
	struct producer_options producer;
	struct format *report;
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
set_partition(const struct args *args, struct producer_options *producer)
{
	int64_t number;
	int rc;

	if (strcmp(args->value, "input") == 0)
		return args_fail(args, "input: " NOT_YET);
	if ((rc = args_number(args, 0, PARTITION_MAX, &number)) == STATUS_OK)
		producer->partition = (int)number;
	return rc;
}

static int
set_report(const struct args *args, struct produce_options *o)
{
	format_free(o->report);
	o->report = NULL;
	if (format_parse(args->value, &o->report) != STATUS_OK)
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
		return set_partition(args, &o->producer);
	case 'a':
		return check_word(args, "1", "all", "1 or all expected");
	case 'o':
		return set_report(args, o);
	case 'z':
		return check_word(args, "none", "none", "compression is " NOT_YET);
	case OPT_TIMEOUT:
		return args_timeout(args, &o->producer.timeout_ms);
	default:
		o->feed.progress = true;
		return STATUS_OK;
	}
}

/* What goes with what. */
static int
check_options(struct produce_options *o)
{
	if (o->feed.key != NULL && o->feed.key_delimiter.len > 0)
		return status_fail(STATUS_USAGE, "-k and -K: one of them");
	if (o->whole && o->delimited)
		return status_fail(STATUS_USAGE, "--whole: there are no delimiters then; not with -D or -0");
	if (o->feed.command != NULL && o->feed.file_count > 0)
		return status_fail(STATUS_USAGE, "-- %s: not together with FILEs", o->feed.command[0]);
	if (strcmp(o->topic, "-") == 0)
		return status_fail(STATUS_USAGE, "-: a topic in each record is " NOT_YET);
	if (!o->whole && !o->delimited && buf_append_byte(&o->feed.delimiter, '\n') != STATUS_OK)
		return STATUS_AGAIN;
	return parse_name("topic", o->topic);
}

static int
parse(struct produce_options *o, int argc, char **argv)
{
	struct args args;
	int id, rc;

	o->producer = (struct producer_options){.partition = -1, .timeout_ms = TIMEOUT_MS};
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
}

/* Two things may fail, the input and storing what was read of it: both are told, the latter decides. */
static int
feed_and_finish(const struct produce_options *o, struct producer *producer, struct tally *tally)
{
	int rc = feed_run(&o->feed, producer), finish_rc;
	char message[1024];

	(void)strlcpy(message, rc != STATUS_OK ? status_message() : "", sizeof(message));
	finish_rc = producer_finish(producer);
	tally->stored = producer_stored(producer);
	tally->unknown = producer_unknown(producer);
	if (finish_rc == STATUS_OK)
		return rc == STATUS_OK ? STATUS_OK : status_fail(rc, "%s", message);
	if (rc != STATUS_OK && strcmp(message, status_message()) != 0)
		cmd_warn("%s", message);
	return finish_rc;
}

static int
produce_into(struct produce_options *o, struct topic *topic, struct tally *tally)
{
	struct producer *producer;
	int rc;

	if (!topic_writable(topic))
		return status_fail(STATUS_PERMISSION, "%s: we may not write to it", o->topic);
	if (o->feed.timed && topic_config(topic)->log.append_time)
		return status_fail(STATUS_CONFIG, "%s: -t: its message.timestamp.type is LogAppendTime", o->topic);
	o->feed.most_bytes = (size_t)topic_config(topic)->log.max_message_bytes + o->feed.key_delimiter.len;
	o->producer.report = o->report;
	if ((rc = producer_open(topic, &o->producer, &producer)) != STATUS_OK)
		return rc;
	cmd_catch_signals();
	rc = feed_and_finish(o, producer, tally);
	producer_close(producer);
	return rc;
}

static int
produce(struct produce_options *o, struct tally *tally)
{
	struct store *store = NULL;
	struct topic *topic = NULL;
	int rc;

	if ((rc = feed_check(&o->feed)) == STATUS_OK && (rc = cmd_open_store(o->store, &store)) == STATUS_OK &&
	    (rc = cmd_open_topic(store, o->topic, &topic)) == STATUS_OK)
		rc = produce_into(o, topic, tally);
	topic_close(topic);
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
	if ((rc != STATUS_OK && rc != STATUS_USAGE) || cmd_signal() != 0) {
		if (rc != STATUS_OK)
			cmd_error();
		cmd_warn("%llu records stored, %llu unknown", (unsigned long long)tally.stored, (unsigned long long)tally.unknown);
	}
	return cmd_finish(rc);
}

/*
 * mq-consume: prints the records of a topic. This file is its command line; consumer.c reads and prints.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/consumer.h"
#include "cmd/cursor.h"
#include "cmd/format.h"
#include "cmd/position.h"

#define NOT_YET "not supported yet"

static const char help[] = "mq-consume app-log                     everything up to now, then it ends\n"
			   "mq-consume -F app-log                  and goes on waiting for more; -F -o end: only what is new\n"
			   "mq-consume -o -10 app-log              the last 10 of each partition\n"
			   "mq-consume -o @-1h app-log             from an hour ago on; -o @2026-11-22:@2026-11-23 a day\n"
			   "mq-consume -w 30s -c 1 jobs            the next record, waiting up to 30 s for it\n"
			   "mq-consume -f '%p %o %k=%v\\n' users    with partition, offset and key\n"
			   "mq-consume -J users | jq .value        with all that is known of it\n"
			   "mq-consume --offset-file at app-log    what came since the last run\n"
			   "\n"
			   "usage: mq-consume [options] TOPIC\n"
			   "  -F, --follow      go on waiting for more\n"
			   "  -w, --wait D      if nothing is there yet, wait up to D for the first record\n"
			   "  -o WHERE          start, end, stored, N, -N (last N), +N, @TIME, FROM:TO (up to before TO)\n"
			   "  -p P[,P]          these partitions only\n"
			   "  -c, --count N     stop after N records\n"
			   "  -D DELIM | -0     behind each record (newline); escapes \\n \\t \\0 \\\\ \\xNN; -0 is NUL\n"
			   "  -K DELIM          print key, DELIM, value\n"
			   "  -Z                print null as NULL; --null TEXT as TEXT\n"
			   "  -f FORMAT         %t topic %p partition %o offset %k key %v value %T ms %d date %h{%k=%v } headers\n"
			   "                    %K %V lengths %H number of headers %e leader epoch; {hex} {base64} {big32} ...\n"
			   "  -J                print each record as a JSON object on a line\n"
			   "  --offset-file F   go on where F says, and note there how far this run came\n"
			   "  --read-uncommitted  records of open and aborted transactions too\n"
			   "  -q                print no records\n"
			   "  --fail-empty      status 1 if no record was read\n"
			   "  -d DIR            the store, else $MQ_DIR\n"
			   "See mq-consume(1), mq(7).\n";

enum { OPT_NULL = 256, OPT_FAIL_EMPTY, OPT_OFFSET_FILE, OPT_READ_UNCOMMITTED };

static const struct args_option options[] = {
    {'d', NULL, ARGS_VALUE, 'd', NULL},
    {'F', "follow", ARGS_FLAG, 'F', NULL},
    {'w', "wait", ARGS_VALUE, 'w', NULL},
    {'o', "offset", ARGS_VALUE, 'o', NULL},
    {'p', "partitions", ARGS_VALUE, 'p', NULL},
    {'c', "count", ARGS_VALUE, 'c', NULL},
    {'e', NULL, ARGS_FLAG, 'e', NULL},
    {'D', "delimiter", ARGS_VALUE, 'D', NULL},
    {'0', NULL, ARGS_FLAG, '0', NULL},
    {'K', "key-delimiter", ARGS_VALUE, 'K', NULL},
    {'Z', NULL, ARGS_FLAG, 'Z', NULL},
    {0, "null", ARGS_VALUE, OPT_NULL, NULL},
    {'f', "format", ARGS_VALUE, 'f', NULL},
    {'q', "quiet", ARGS_FLAG, 'q', NULL},
    {0, "fail-empty", ARGS_FLAG, OPT_FAIL_EMPTY, NULL},
    {'J', "json", ARGS_FLAG, 'J', NULL},
    {0, "offset-file", ARGS_VALUE, OPT_OFFSET_FILE, NULL},
    {0, "read-uncommitted", ARGS_FLAG, OPT_READ_UNCOMMITTED, NULL},
    {'g', "group", ARGS_VALUE, 0, NOT_YET},
    {0, "commit", ARGS_VALUE, 0, NOT_YET},
    {0, "commit-sync", ARGS_FLAG, 0, NOT_YET},
    {0, "instance", ARGS_VALUE, 0, NOT_YET},
    {0, "session-timeout", ARGS_VALUE, 0, NOT_YET},
    {0, "due", ARGS_FLAG, 0, NOT_YET},
    {0, "max-age", ARGS_VALUE, 0, NOT_YET},
    {0, "latest", ARGS_FLAG, 0, NOT_YET},
    {'n', "batch", ARGS_VALUE, 0,
	"sets how many records a command after -- gets, which is " NOT_YET "; to stop after N records: -c N"},
    {0, "max-wait", ARGS_VALUE, 0, NOT_YET},
    {'x', "each", ARGS_FLAG, 0, NOT_YET},
    {'j', NULL, ARGS_VALUE, 0, NOT_YET},
    {0, "ordered", ARGS_FLAG, 0, NOT_YET},
    {0, "retries", ARGS_VALUE, 0, NOT_YET},
    {0, "backoff", ARGS_VALUE, 0, NOT_YET},
    {0, "dead-letter", ARGS_VALUE, 0, NOT_YET},
    {0, "max-time", ARGS_VALUE, 0, NOT_YET},
    {0, "into", ARGS_VALUE, 0, NOT_YET},
    {0, "into-format", ARGS_VALUE, 0, NOT_YET},
};

struct consume_options {
	const char *store, *topic, *offset_file;
	struct consumer_options consumer;
	struct format *format;
	int *partitions;
	bool to_end, delimited, fail_empty;
};

static int
set_range(const struct args *args, struct range *range)
{
	int rc = range_parse(args->value, clock_wall_ms(), range);

	return rc == STATUS_OK ? rc : args_fail(args, "%s", status_message());
}

/* One number of a list; those given twice count once. */
static int
add_partition(const struct args *args, struct consume_options *o, const char *number)
{
	struct consumer_options *c = &o->consumer;
	int64_t partition;
	int *grown;

	if (parse_int64(number, 0, INT_MAX, &partition) != STATUS_OK)
		return args_fail(args, "%s: partitions are numbers, as 0,3", args->value);
	for (int i = 0; i < c->partition_count; i++) {
		if (c->partitions[i] == partition)
			return STATUS_OK;
	}
	if ((grown = reallocarray(o->partitions, (size_t)c->partition_count + 1, sizeof(*grown))) == NULL)
		return status_no_memory("partitions");
	grown[c->partition_count++] = (int)partition;
	c->partitions = o->partitions = grown;
	return STATUS_OK;
}

static int
set_partitions(const struct args *args, struct consume_options *o)
{
	const char *p = args->value;
	char number[24];
	int rc = STATUS_OK;

	for (bool more = true; rc == STATUS_OK && more; p++) {
		size_t len = strcspn(p, ",");

		if (len >= sizeof(number))
			return args_fail(args, "%s: partitions are numbers, as 0,3", args->value);
		memcpy(number, p, len);
		number[len] = '\0';
		rc = add_partition(args, o, number);
		p += len;
		more = *p == ',';
	}
	return rc;
}

static int
set_format(const struct args *args, struct consume_options *o)
{
	format_free(o->format);
	o->format = NULL;
	if (format_parse(args->value, &o->format) != STATUS_OK)
		return args_fail(args, "%s", status_message());
	return STATUS_OK;
}

static int
set_text(struct buf *bytes, const void *text, size_t len)
{
	buf_clear(bytes);
	return buf_append(bytes, text, len);
}

static int
set_option(struct consume_options *o, const struct args *args, int id)
{
	struct consumer_options *c = &o->consumer;
	struct render_options *r = &c->render;

	switch (id) {
	case 'd':
		o->store = args->value;
		return STATUS_OK;
	case 'F':
		c->follow = true;
		return STATUS_OK;
	case 'w':
		return args_duration(args, &c->wait_ms);
	case 'o':
		return set_range(args, &c->range);
	case 'p':
		return set_partitions(args, o);
	case 'c':
		return args_number(args, 1, INT64_MAX, &c->most_records);
	case 'e':
		o->to_end = true;
		return STATUS_OK;
	case 'D':
		o->delimited = true;
		return args_bytes(args, &r->delimiter);
	case '0':
		o->delimited = true;
		return set_text(&r->delimiter, "", 1);
	case 'K':
		r->keyed = true;
		return args_bytes(args, &r->key_delimiter);
	case 'Z':
		return set_text(&r->null, "NULL", 4);
	case OPT_NULL:
		return set_text(&r->null, args->value, strlen(args->value));
	case 'f':
		return set_format(args, o);
	case 'J':
		r->json = true;
		return STATUS_OK;
	case OPT_OFFSET_FILE:
		o->offset_file = args->value;
		return STATUS_OK;
	case OPT_READ_UNCOMMITTED:
		c->uncommitted = true;
		return STATUS_OK;
	case 'q':
		r->quiet = true;
		return STATUS_OK;
	default:
		o->fail_empty = true;
		return STATUS_OK;
	}
}

/* How records are printed: -f and -J say it all. */
static int
check_shape(struct consume_options *o)
{
	struct render_options *r = &o->consumer.render;

	if (r->json && o->format != NULL)
		return status_fail(STATUS_USAGE, "-f and -J: one of them");
	if ((r->json || o->format != NULL) && (o->delimited || r->keyed))
		return status_fail(STATUS_USAGE, "%s says all of what is printed: not with -D, -0 or -K", r->json ? "-J" : "-f");
	if (r->json && r->null.len > 0)
		return status_fail(STATUS_USAGE, "-J prints null as null: not with -Z or --null");
	if (!o->delimited && set_text(&r->delimiter, "\n", 1) != STATUS_OK)
		return STATUS_AGAIN;
	r->format = o->format;
	return STATUS_OK;
}

/* What goes with what. */
static int
check_options(struct consume_options *o)
{
	struct consumer_options *c = &o->consumer;
	int rc;

	if (c->follow && o->to_end)
		return status_fail(STATUS_USAGE, "-F goes on, -e ends: one of them");
	if (c->follow && c->wait_ms >= 0)
		return status_fail(STATUS_USAGE, "-F waits without an end, -w does not: one of them");
	if (c->follow && c->range.has_to && c->range.to.kind == POSITION_TIME)
		return status_fail(STATUS_USAGE, "-F: the range of -o must not end at a time");
	if (c->range.from.kind == POSITION_STORED && o->offset_file == NULL)
		return status_fail(STATUS_USAGE, "-o stored: needs --offset-file FILE, where the offsets are stored");
	if ((rc = check_shape(o)) != STATUS_OK)
		return rc;
	return parse_name("topic", o->topic);
}

static int
parse(struct consume_options *o, int argc, char **argv)
{
	struct args args;
	int id, rc;

	o->consumer = (struct consumer_options){.range = RANGE_ALL, .wait_ms = -1, .most_records = -1};
	args_init(&args, options, COUNT_OF(options), argc, argv);
	while ((id = args_next(&args)) > 0) {
		if ((rc = set_option(o, &args, id)) != STATUS_OK)
			return rc;
	}
	if (id < 0)
		return id;
	if (args.command != NULL)
		return status_fail(STATUS_USAGE, "--: a command is " NOT_YET);
	if ((rc = args_operands(&args, 0, "TOPIC")) != STATUS_OK)
		return rc;
	o->topic = args.operands[0];
	return check_options(o);
}

static void
free_options(struct consume_options *o)
{
	buf_free(&o->consumer.render.delimiter);
	buf_free(&o->consumer.render.key_delimiter);
	buf_free(&o->consumer.render.null);
	format_free(o->format);
	free(o->partitions);
}

static int
consume_topic(struct consume_options *o, struct store *store, struct topic *topic, uint64_t *records)
{
	int rc;

	if (o->offset_file == NULL)
		return consumer_run(store, topic, &o->consumer, records);
	if ((rc = cursor_open(o->offset_file, topic_config(topic)->topic_id, &o->consumer.cursor)) != STATUS_OK)
		return rc;
	if (o->consumer.follow)
		cmd_catch_signals();
	rc = consumer_run(store, topic, &o->consumer, records);
	cursor_close(o->consumer.cursor);
	return rc;
}

static int
consume(struct consume_options *o)
{
	struct store *store = NULL;
	struct topic *topic = NULL;
	uint64_t records = 0;
	int rc;

	if ((rc = cmd_open_store(o->store, &store)) == STATUS_OK && (rc = cmd_open_topic(store, o->topic, &topic)) == STATUS_OK)
		rc = consume_topic(o, store, topic, &records);
	topic_close(topic);
	store_close(store);
	if (rc != STATUS_OK || records > 0 || !o->fail_empty)
		return rc;
	status_clear();
	return STATUS_NO;
}

int
main(int argc, char **argv)
{
	struct consume_options o = {0};
	int rc;

	cmd_start("mq-consume", help);
	if ((rc = parse(&o, argc, argv)) == STATUS_OK)
		rc = consume(&o);
	free_options(&o);
	return cmd_finish(rc);
}

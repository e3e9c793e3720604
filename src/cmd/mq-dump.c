/*
 * mq-dump: prints any file of a store, Kafka's included, and the log of a partition.
 */
#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/dump_file.h"
#include "cmd/dump_heads.h"
#include "cmd/dump_index.h"
#include "cmd/dump_intent.h"
#include "cmd/dump_partition.h"
#include "cmd/dump_segment.h"
#include "cmd/dump_snapshot.h"
#include "cmd/dump_text.h"

static const char help[] =
    "mq-dump orders/0                              the log of a partition, a line for each batch\n"
    "mq-dump -r orders/0                           with the records of each batch\n"
    "mq-dump 00000000000000000000.log              a segment, ours or Kafka's; so are all other files of both:\n"
    "mq-dump *.index *.timeindex *.txnindex *.snapshot *-checkpoint partition.metadata\n"
    "mq-dump topics/orders/intents/*               sets that are stored as a whole, by partition\n"
    "mq-dump topics/orders/heads topics/orders/config topics/orders/state store\n"
    "mq-dump -r --json orders/0 | jq -r .value     one object a line\n"
    "\n"
    "mq-dump [-d DIR] [-r] [--kind KIND] [--json | --tsv] FILE|TOPIC/PARTITION...\n"
    "\n"
    "-d DIR               the store of TOPIC/PARTITION ($MQ_DIR; /var/lib/mq for root, else ~/.local/state/mq)\n"
    "-r, --records        of segments: also their records\n"
    "--kind KIND          what the FILEs are, whatever their names:\n"
    "                     " DUMP_KIND_WORDS "\n"
    "--json, --tsv        one object a line; columns between tabs\n"
    "-h, --help           this;  -V, --version\n";

struct options {
	const char *dir; /* -d; NULL not given */
	enum dump_kind kind;
	bool records;
	enum print_form form;
	char **operands;
	int count;
};

static const struct args_option option_table[] = {
    {'d', "dir", ARGS_VALUE, 'd', NULL},
    {'r', "records", ARGS_FLAG, 'r', NULL},
    {0, "kind", ARGS_VALUE, 'k', NULL},
    {0, "json", ARGS_FLAG, 'J', NULL},
    {0, "tsv", ARGS_FLAG, 'S', NULL},
    /* kafka-dump-log.sh. */
    {0, "files", ARGS_VALUE, 0, "files are operands, without an option"},
    {0, "print-data-log", ARGS_FLAG, 0, "records are shown with -r"},
    {0, "deep-iteration", ARGS_FLAG, 0, "records are shown with -r"},
    {0, "index-sanity-check", ARGS_FLAG, 0, "what is wrong with an index is always told"},
    {0, "verify-index-only", ARGS_FLAG, 0, "what is wrong with an index is always told"},
};

static int
take_option(const struct args *args, struct options *o, int id)
{
	enum print_form form = id == 'J' ? PRINT_JSON : PRINT_TSV;

	switch (id) {
	case 'd':
		o->dir = args->value;
		return STATUS_OK;
	case 'r':
		o->records = true;
		return STATUS_OK;
	case 'k':
		o->kind = dump_kind_named(args->value);
		return o->kind != DUMP_UNKNOWN ? STATUS_OK : args_fail(args, "%s: must be " DUMP_KIND_WORDS, args->value);
	default:
		if (o->form != PRINT_TEXT && o->form != form)
			return args_fail(args, "either --json or --tsv");
		o->form = form;
		return STATUS_OK;
	}
}

static int
parse(struct options *o, int argc, char **argv)
{
	struct args args;
	int id, rc;

	*o = (struct options){.kind = DUMP_UNKNOWN, .form = PRINT_TEXT};
	args_init(&args, option_table, COUNT_OF(option_table), argc, argv);
	while ((id = args_next(&args)) > 0) {
		if ((rc = take_option(&args, o, id)) != STATUS_OK)
			return rc;
	}
	if (id < 0)
		return id;
	if ((rc = args_no_command(&args)) != STATUS_OK || (rc = args_operands(&args, 0, "FILE|TOPIC/PARTITION...")) != STATUS_OK)
		return rc;
	o->operands = args.operands;
	o->count = args.operand_count;
	return STATUS_OK;
}

/* Whatever cannot be understood is damage, whichever room found it. */
static int
dump_open_file(struct sheet *s, const struct options *o, const struct dump_file *f)
{
	switch (f->kind) {
	case DUMP_SEGMENT:
		return dump_segment(s, f, f->size, o->records);
	case DUMP_INDEX:
	case DUMP_TIMEINDEX:
	case DUMP_TXNINDEX:
		return dump_index(s, f);
	case DUMP_SNAPSHOT:
		return dump_snapshot(s, f);
	case DUMP_HEADS:
		return dump_heads(s, f);
	case DUMP_INTENT:
		return dump_intent(s, f);
	default:
		return dump_text(s, f);
	}
}

static int
dump_named_file(struct sheet *s, const struct options *o, const char *path)
{
	struct dump_file f;
	int rc;

	if ((rc = dump_file_open(path, o->kind, &f)) != STATUS_OK)
		return rc;
	if ((rc = sheet_file(s, path)) == STATUS_OK && (rc = dump_open_file(s, o, &f)) != STATUS_OK && !s->broken)
		rc = status_context(rc, "%s", path);
	dump_file_close(&f);
	return rc == STATUS_CORRUPT ? STATUS_IO : rc;
}

static int
dump_operand(struct sheet *s, const struct options *o, const char *operand)
{
	char topic[DUMP_TOPIC_BYTES];
	int p;

	if (o->kind == DUMP_UNKNOWN && dump_partition_parse(operand, topic, &p))
		return dump_partition(s, o->dir, topic, p, o->records);
	return dump_named_file(s, o, operand);
}

static bool
has_partition(const struct options *o)
{
	char topic[DUMP_TOPIC_BYTES];
	int p;

	for (int i = 0; i < o->count; i++) {
		if (dump_partition_parse(o->operands[i], topic, &p))
			return true;
	}
	return false;
}

/* All operands, whatever is wrong with some. Damage is the status before any other, then the first failure is. */
static int
dump_all(const struct options *o)
{
	struct sheet s;
	int rc, first = STATUS_OK;

	sheet_init(&s, o->form, o->count > 1 || has_partition(o));
	for (int i = 0; !s.broken && i < o->count; i++) {
		if ((rc = dump_operand(&s, o, o->operands[i])) == STATUS_OK)
			continue;
		cmd_error();
		if (first == STATUS_OK || rc == STATUS_IO)
			first = rc;
	}
	if ((rc = sheet_close(&s)) != STATUS_OK)
		return rc;
	return s.damaged ? STATUS_IO : first;
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc;

	cmd_start("mq-dump", help);
	if ((rc = parse(&o, argc, argv)) == STATUS_OK)
		rc = dump_all(&o);
	return cmd_finish(rc);
}

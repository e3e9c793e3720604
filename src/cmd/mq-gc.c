/*
 * mq-gc: lets go what the topics' retention settings say, for a timer.
 */
#include "base/clock.h"
#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "store/gc.h"

/* How long another process may hold a lock that is needed. */
#define LOCK_MS 30000

static const char help[] = "mq-gc                 all topics: delete what retention.ms and retention.bytes let go, and compact\n"
			   "mq-gc -n              what it would delete\n"
			   "mq-gc orders          of one topic\n"
			   "\n"
			   "mq-gc [-d DIR] [-n [--json | --tsv]] [TOPIC...]\n"
			   "\n"
			   "-d DIR               the store ($MQ_DIR; /var/lib/mq for root, else ~/.local/state/mq)\n"
			   "-n, --dry-run        only print the partitions that would begin later, with their old and new start\n"
			   "--json, --tsv        one object a line; columns between tabs\n"
			   "-h, --help           this;  -V, --version\n";

struct options {
	const char *dir; /* -d; NULL not given */
	bool dry_run;
	enum print_form form;
	char **topics;
	int count;
};

static const struct args_option option_table[] = {
    {'d', "dir", ARGS_VALUE, 'd', NULL},
    {'n', "dry-run", ARGS_FLAG, 'n', NULL},
    {0, "json", ARGS_FLAG, 'J', NULL},
    {0, "tsv", ARGS_FLAG, 'S', NULL},
};

static int
take_option(const struct args *args, struct options *o, int id)
{
	enum print_form form = id == 'J' ? PRINT_JSON : PRINT_TSV;

	switch (id) {
	case 'd':
		o->dir = args->value;
		return STATUS_OK;
	case 'n':
		o->dry_run = true;
		return STATUS_OK;
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

	*o = (struct options){.form = PRINT_TEXT};
	args_init(&args, option_table, COUNT_OF(option_table), argc, argv);
	while ((id = args_next(&args)) > 0) {
		if ((rc = take_option(&args, o, id)) != STATUS_OK)
			return rc;
	}
	if (id < 0)
		return id;
	if ((rc = args_no_command(&args)) != STATUS_OK || (rc = args_operands(&args, 0, "[TOPIC...]")) != STATUS_OK)
		return rc;
	if (o->form != PRINT_TEXT && !o->dry_run)
		return status_fail(STATUS_USAGE, "--json and --tsv are for the listing of -n");
	o->topics = args.operands;
	o->count = args.operand_count;
	return STATUS_OK;
}

/* A run over topics; what goes wrong with one keeps nothing from the others. */
struct run {
	const struct options *options;
	struct store *store;
	struct print *print; /* NULL: nothing is listed */
	struct gc_options gc;
	int worst; /* the first failure */
};

static void
list_row(const struct run *run, const char *topic, int p, const struct gc_result *r)
{
	if (run->print == NULL || r->new_start == r->start)
		return;
	print_text(run->print, topic);
	print_number(run->print, p);
	print_number(run->print, r->start);
	print_number(run->print, r->new_start);
	print_number(run->print, r->end);
	print_row(run->print);
}

static void
note_failure(struct run *run, int rc)
{
	cmd_error();
	if (run->worst == STATUS_OK)
		run->worst = rc;
}

static bool
is_told_to_end(void)
{
	return cmd_signal() != 0;
}

/* STATUS_MISSING: the topic was deleted meanwhile. */
static int
clean_partitions(struct run *run, struct topic *topic)
{
	struct gc_result result;
	int partitions, rc;

	if ((rc = topic_partition_count(topic, &partitions)) != STATUS_OK)
		return rc;
	/* What cannot be stored now keeps nothing else from its partitions. */
	if ((rc = gc_topic(topic, &run->gc)) != STATUS_OK && !topic_deleted(topic))
		note_failure(run, rc);
	for (int p = 0; p < partitions && cmd_signal() == 0; p++) {
		rc = gc_partition(topic, p, &run->gc, &result);
		if (topic_deleted(topic))
			return status_fail(STATUS_MISSING, "%s: the topic was deleted", topic_name(topic));
		if (rc == STATUS_OK)
			list_row(run, topic_name(topic), p, &result);
		else
			note_failure(run, rc);
	}
	return STATUS_OK;
}

static int
clean_topic(void *arg, const char *name)
{
	struct run *run = arg;
	struct topic *topic = NULL;
	int rc;

	if (cmd_signal() != 0)
		return STATUS_OK;
	if ((rc = cmd_open_topic(run->store, name, &topic)) == STATUS_OK)
		rc = clean_partitions(run, topic);
	topic_close(topic);
	/* One that was deleted meanwhile is no failure, unless it was asked for. */
	if (rc == STATUS_MISSING && run->options->count == 0)
		status_clear();
	else if (rc != STATUS_OK)
		note_failure(run, rc);
	return STATUS_OK;
}

static int
clean(const struct options *o)
{
	static const char *const columns[] = {"TOPIC", "PARTITION", "START", "NEW-START", "END"};
	struct run run = {.options = o, .worst = STATUS_OK};
	int rc, close_rc;

	if ((rc = cmd_open_store(o->dir, &run.store)) != STATUS_OK)
		return rc;
	cmd_catch_signals();
	run.gc =
	    (struct gc_options){.now_ms = clock_wall_ms(), .lock_ms = LOCK_MS, .dry_run = o->dry_run, .stopped = is_told_to_end};
	if (o->dry_run)
		rc = print_open(o->form, columns, COUNT_OF(columns), &run.print);
	if (rc == STATUS_OK && o->count == 0)
		rc = store_list_topics(run.store, clean_topic, &run);
	for (int i = 0; rc == STATUS_OK && i < o->count; i++)
		rc = clean_topic(&run, o->topics[i]);
	close_rc = print_close(run.print);
	store_close(run.store);
	if (rc == STATUS_OK)
		rc = close_rc;
	return rc != STATUS_OK ? rc : run.worst;
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc;

	cmd_start("mq-gc", help);
	if ((rc = parse(&o, argc, argv)) == STATUS_OK)
		rc = clean(&o);
	return cmd_finish(rc);
}

/*
 * mq-fsck: verifies a store, or some of its topics, and repairs what is damaged.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "store/fsck.h"

/* How long another process may hold a lock that is needed. */
#define LOCK_MS 30000

static const char help[] = "mq-fsck               verify all of the store: silent and 0 if it is sound\n"
			   "mq-fsck orders        of one topic\n"
			   "mq-fsck -r            verify, ask, and repair; no valid batch is dropped\n"
			   "mq-fsck -r -y         without asking, for scripts;  -r -n  what it would do\n"
			   "\n"
			   "mq-fsck [-d DIR] [-r [-n | -y]] [--json | --tsv] [TOPIC...]\n"
			   "\n"
			   "-d DIR               the store ($MQ_DIR; /var/lib/mq for root, else ~/.local/state/mq)\n"
			   "-r, --repair         set right what is wrong; bytes that are no records are kept in the topic's lost/\n"
			   "-n, --dry-run        with -r: only tell what would be done\n"
			   "-y, --yes            with -r: do not ask\n"
			   "--json, --tsv        one object a line; columns between tabs\n"
			   "-h, --help           this;  -V, --version\n"
			   "\n"
			   "status: 0 sound; 1 damage was found, or repaired; 74 some of it cannot be repaired\n";

struct options {
	const char *dir; /* -d; NULL not given */
	bool repair, dry_run, yes;
	enum print_form form;
	char **topics;
	int count;
};

static const struct args_option option_table[] = {
    {'d', "dir", ARGS_VALUE, 'd', NULL},
    {'r', "repair", ARGS_FLAG, 'r', NULL},
    {'n', "dry-run", ARGS_FLAG, 'n', NULL},
    {'y', "yes", ARGS_FLAG, 'y', NULL},
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
	case 'r':
		o->repair = true;
		return STATUS_OK;
	case 'n':
		o->dry_run = true;
		return STATUS_OK;
	case 'y':
		o->yes = true;
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
	if (!o->repair && (o->dry_run || o->yes))
		return status_fail(STATUS_USAGE, "-%c goes with -r", o->dry_run ? 'n' : 'y');
	if (o->dry_run && o->yes)
		return status_fail(STATUS_USAGE, "either -n or -y");
	o->topics = args.operands;
	o->count = args.operand_count;
	return STATUS_OK;
}

/* One going over the store; what goes wrong with one topic keeps nothing from the others. */
struct run {
	const struct options *options;
	struct store *store;
	struct print *print;
	struct fsck_options fsck;
	struct fsck_result result;
	int worst; /* the first failure */
};

static void
put_number(struct print *print, int64_t number)
{
	if (number < 0)
		print_empty(print);
	else
		print_number(print, number);
}

static void
put_row(void *arg, const struct fsck_row *row)
{
	const struct run *run = arg;
	struct print *print = run->print;

	print_text(print, row->topic);
	put_number(print, row->partition);
	print_text(print, row->file);
	put_number(print, row->position);
	put_number(print, row->bytes);
	put_number(print, row->offset);
	put_number(print, row->lost);
	print_text(print, row->state);
	print_text(print, row->action);
	print_text(print, row->kept);
	print_text(print, row->detail);
	print_row(print);
}

static bool
is_told_to_end(void)
{
	return cmd_signal() != 0;
}

static void
note_failure(struct run *run, int rc)
{
	cmd_error();
	if (run->worst == STATUS_OK)
		run->worst = rc;
}

static int
check_topic(void *arg, const char *name)
{
	struct run *run = arg;
	int rc;

	if (cmd_signal() != 0)
		return STATUS_OK;
	rc = fsck_topic(run->store, name, &run->fsck, &run->result);
	/* One that was deleted meanwhile is no failure, unless it was asked for. */
	if (rc == STATUS_NO || (rc == STATUS_MISSING && run->options->count == 0))
		status_clear();
	else if (rc != STATUS_OK)
		note_failure(run, rc);
	return STATUS_OK;
}

static int
check_all(struct run *run)
{
	const struct options *o = run->options;
	int rc = STATUS_OK;

	if (o->count == 0 && (rc = fsck_store(run->store, &run->fsck, &run->result)) == STATUS_OK)
		rc = store_list_topics(run->store, check_topic, run);
	for (int i = 0; rc == STATUS_OK && i < o->count; i++)
		rc = check_topic(run, o->topics[i]);
	return rc;
}

/* Once over all of it. In text nothing is printed where there is nothing to tell. */
static int
go_over(struct run *run, bool repair)
{
	static const char *const columns[] = {"TOPIC", "PARTITION", "FILE", "POSITION", "BYTES", "OFFSET", "LOST", "STATE",
	    "ACTION", "KEPT", "DETAIL"};
	enum print_form form = run->options->form;
	int rc, close_rc;

	run->fsck.repair = repair;
	run->result = (struct fsck_result){0, 0, 0};
	if ((rc = print_open(form, columns, COUNT_OF(columns), &run->print)) != STATUS_OK)
		return rc;
	rc = check_all(run);
	if (form == PRINT_TEXT && print_row_count(run->print) == 0) {
		print_abandon(run->print);
		return rc;
	}
	close_rc = print_close(run->print);
	return rc != STATUS_OK ? rc : close_rc;
}

/* First what would be done is told, then the user asked. */
static int
ask(struct run *run)
{
	const struct fsck_result *r = &run->result;
	int rc;

	if ((rc = go_over(run, false)) != STATUS_OK || (r->damage == r->unrepairable && r->work == 0) || cmd_signal() != 0)
		return rc == STATUS_OK ? STATUS_END : rc;
	(void)fflush(stdout);
	return cmd_confirm(false, "do what is told under ACTION?");
}

static int
run_fsck(struct run *run)
{
	const struct options *o = run->options;
	int rc;

	if (!o->repair || o->dry_run)
		return go_over(run, false);
	if (!o->yes && (rc = ask(run)) != STATUS_OK)
		return rc == STATUS_END ? STATUS_OK : rc;
	run->worst = STATUS_OK;
	return go_over(run, true);
}

static int
verdict(const struct run *run)
{
	const struct fsck_result *r = &run->result;

	if (run->worst != STATUS_OK)
		return run->worst;
	if (r->unrepairable > 0)
		return status_fail(STATUS_IO, "%lld of what is damaged cannot be repaired", (long long)r->unrepairable);
	status_clear();
	return r->damage > 0 ? STATUS_NO : STATUS_OK; /* it is told */
}

static int
fsck(const struct options *o)
{
	struct run run = {.options = o, .worst = STATUS_OK};
	int rc;

	if (o->repair && !o->dry_run && !o->yes && (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)))
		return cmd_confirm(false, " ");
	if ((rc = cmd_open_store(o->dir, &run.store)) != STATUS_OK)
		return rc;
	cmd_catch_signals();
	run.fsck = (struct fsck_options){.lock_ms = LOCK_MS, .stopped = is_told_to_end, .row = put_row, .arg = &run};
	rc = run_fsck(&run);
	store_close(run.store);
	return rc == STATUS_OK ? verdict(&run) : rc;
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc;

	cmd_start("mq-fsck", help);
	if ((rc = parse(&o, argc, argv)) == STATUS_OK)
		rc = fsck(&o);
	return cmd_finish(rc);
}

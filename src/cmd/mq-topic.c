/*
 * mq-topic: makes, lists, describes, changes, trims, deletes, imports and exports topics.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/topic_list.h"
#include "cmd/topic_move.h"
#include "cmd/topic_options.h"
#include "cmd/topic_span.h"
#include "store/catalog.h"
#include "store/topic.h"

/* A lock is held for a moment; who cannot have it in this time is told so (75). */
#define LOCK_TIMEOUT_MS 30000

static const char help[] =
    "mq-topic create orders                        a topic with one partition, and the store if there is none\n"
    "mq-topic create logs -p 8 -c fsync=1s         8 partitions, synced each second\n"
    "mq-topic list                                 names;  -l  with partitions and bytes\n"
    "mq-topic describe orders                      a line for each partition;  -c  settings instead\n"
    "mq-topic offsets orders --time -1h            the first offset of the last hour\n"
    "mq-topic alter orders -p 4 -c segment.bytes=64M --unset fsync\n"
    "mq-topic trim orders --before @2026-11-01     records before that day go (it asks)\n"
    "mq-topic delete orders                        the whole topic goes (it asks)\n"
    "mq-topic import orders /kafka/data/orders-*   a topic of Kafka's folders, which stay as they are\n"
    "mq-topic export orders out                    the folders for a Kafka broker: out/orders-0, ...\n"
    "\n"
    "create NAME [-p N] [-r N] [-c KEY=VALUE]... [--if-not-exists]\n"
    "list [-l]\n"
    "describe [NAME...] [-c]\n"
    "offsets NAME [-p P] [--time earliest|latest|TIME]\n"
    "alter NAME [-p N] [-c KEY=VALUE]... [--unset KEY]...\n"
    "trim NAME [-p P] --before OFFSET|@TIME\n"
    "delete NAME [--if-exists]\n"
    "import NAME DIR... [-c KEY=VALUE]...\n"
    "export NAME DIR [--topic-id ID]\n"
    "\n"
    "-d DIR               the store ($MQ_DIR; /var/lib/mq for root, else ~/.local/state/mq)\n"
    "-p, --partitions N   create, alter: how many in all;  offsets, trim: this partition only\n"
    "-c, --config K=V     a setting, see mq-topic(1) SETTINGS;  --unset K  back to its default\n"
    "-n, --dry-run        trim, delete: show what would go;  -y  do not ask\n"
    "--json, --tsv        list, describe, offsets, -n: one object a line; columns between tabs\n"
    "-h, --help           this;  -V, --version\n";

static int64_t
lock_deadline(void)
{
	return clock_deadline(LOCK_TIMEOUT_MS);
}

/*
 * create and alter.
 */

static int
apply_changes(const struct topic_options *o, struct config *config)
{
	int rc = STATUS_OK;

	for (size_t i = 0; rc == STATUS_OK && i < o->change_count; i++) {
		const struct change *c = &o->changes[i];

		rc = c->value != NULL ? config_set(config, c->key, c->value) : config_unset(config, c->key);
	}
	return rc;
}

static int
run_create(struct topic_options *o)
{
	struct store *store = NULL;
	struct config config;
	int rc;

	config_init(&config, 1);
	if ((rc = config_set_replication_factor(&config, o->replication)) != STATUS_OK ||
	    (o->number >= 0 && (rc = config_set_partitions(&config, o->number)) != STATUS_OK) ||
	    (rc = apply_changes(o, &config)) != STATUS_OK)
		return rc;
	if ((rc = cmd_make_store(o->dir, lock_deadline(), &store)) != STATUS_OK)
		return rc;
	rc = catalog_create(store, o->names[0], &config, lock_deadline());
	if (rc == STATUS_EXISTS && o->if_not_exists && catalog_has(store, o->names[0]))
		rc = STATUS_OK;
	store_close(store);
	return rc;
}

static int
change_config(void *arg, struct config *config)
{
	const struct topic_options *o = arg;
	int rc;

	if (o->number >= 0 && o->number < config->partitions)
		return status_fail(STATUS_CONFIG, "%s: has %d partitions, and they only grow", o->names[0], config->partitions);
	if (o->number >= 0 && (rc = config_set_partitions(config, o->number)) != STATUS_OK)
		return rc;
	return apply_changes(o, config);
}

static int
open_topic(const struct topic_options *o, struct store **store, struct topic **topic)
{
	int rc;

	if ((rc = cmd_open_store(o->dir, store)) != STATUS_OK)
		return rc;
	return cmd_open_topic(*store, o->names[0], topic);
}

static void
close_topic(struct store *store, struct topic *topic)
{
	topic_close(topic);
	store_close(store);
}

static int
run_alter(struct topic_options *o)
{
	struct store *store = NULL;
	struct topic *topic = NULL;
	int rc;

	if (o->number < 0 && o->change_count == 0)
		return status_fail(STATUS_USAGE, "alter: say what: -p N, -c KEY=VALUE or --unset KEY");
	if ((rc = open_topic(o, &store, &topic)) == STATUS_OK)
		rc = topic_alter(topic, change_config, o, lock_deadline());
	close_topic(store, topic);
	return rc;
}

/*
 * Listings.
 */

static int
show(const struct topic_options *o, int (*what)(const struct topic_list *))
{
	struct topic_list list = {.names = o->names, .name_count = o->name_count, .form = o->form};
	int rc;

	if ((rc = cmd_open_store(o->dir, &list.store)) != STATUS_OK)
		return rc;
	rc = what(&list);
	store_close(list.store);
	return rc;
}

static int
run_list(struct topic_options *o)
{
	return show(o, o->details ? topic_list_details : topic_list_names);
}

static int
run_describe(struct topic_options *o)
{
	return show(o, o->settings ? topic_list_settings : topic_list_partitions);
}

/*
 * offsets and trim.
 */

static int
parse_time_place(const char *text, struct place *place)
{
	place->kind = PLACE_TIME;
	return parse_time_ms(text, clock_wall_ms(), &place->value);
}

static int
parse_offsets_time(const char *text, struct place *place)
{
	place->kind = text == NULL || strcmp(text, "latest") == 0 ? PLACE_END : PLACE_START;
	if (text == NULL || strcmp(text, "latest") == 0 || strcmp(text, "earliest") == 0)
		return STATUS_OK;
	if (parse_time_place(text, place) != STATUS_OK)
		return status_context(STATUS_USAGE, "--time (earliest, latest or a time)");
	return STATUS_OK;
}

static int
print_offsets(const struct topic_options *o, const struct span *spans, int count)
{
	static const char *const columns[] = {"TOPIC", "PARTITION", "OFFSET"};
	struct print *print;
	int rc;

	if ((rc = print_open(o->form, columns, COUNT_OF(columns), &print)) != STATUS_OK)
		return rc;
	for (int i = 0; i < count; i++) {
		print_text(print, o->names[0]);
		print_number(print, spans[i].partition);
		print_number(print, spans[i].offset);
		print_row(print);
	}
	return print_close(print);
}

static int
run_offsets(struct topic_options *o)
{
	struct store *store = NULL;
	struct topic *topic = NULL;
	struct span *spans = NULL;
	struct place place;
	int count = 0, rc;

	if ((rc = parse_offsets_time(o->time, &place)) != STATUS_OK)
		return rc;
	if ((rc = open_topic(o, &store, &topic)) == STATUS_OK &&
	    (rc = topic_spans(topic, o->number, &place, &spans, &count)) == STATUS_OK)
		rc = print_offsets(o, spans, count);
	free(spans);
	close_topic(store, topic);
	return rc;
}

static int
parse_before(const char *text, struct place *place)
{
	int rc;

	if (text == NULL)
		return status_fail(STATUS_USAGE, "trim: --before OFFSET or --before @TIME says what goes");
	place->kind = PLACE_OFFSET;
	rc = text[0] == '@' ? parse_time_place(text + 1, place) : parse_int64(text, 0, INT64_MAX, &place->value);
	return rc == STATUS_OK ? STATUS_OK : status_context(rc, "--before (OFFSET or @TIME)");
}

/* What goes, counted in offsets; a place before the start moves up to it. */
static int
check_trim(const struct topic_options *o, struct span *spans, int count, int64_t *offsets)
{
	*offsets = 0;
	for (int i = 0; i < count; i++) {
		if (spans[i].offset > spans[i].end)
			return status_fail(STATUS_USAGE, "%s/%d: ends at offset %lld", o->names[0], spans[i].partition,
			    (long long)spans[i].end);
		if (spans[i].offset < spans[i].start)
			spans[i].offset = spans[i].start;
		*offsets += spans[i].offset - spans[i].start;
	}
	return STATUS_OK;
}

static int
print_trim(const struct topic_options *o, const struct span *spans, int count)
{
	static const char *const columns[] = {"TOPIC", "PARTITION", "START", "NEW-START", "END"};
	struct print *print;
	int rc;

	if ((rc = print_open(o->form, columns, COUNT_OF(columns), &print)) != STATUS_OK)
		return rc;
	for (int i = 0; i < count; i++) {
		print_text(print, o->names[0]);
		print_number(print, spans[i].partition);
		print_number(print, spans[i].start);
		print_number(print, spans[i].offset);
		print_number(print, spans[i].end);
		print_row(print);
	}
	return print_close(print);
}

static int
trim(const struct topic_options *o, struct topic *topic, struct span *spans, int count)
{
	int64_t offsets;
	int rc;

	if ((rc = check_trim(o, spans, count, &offsets)) != STATUS_OK)
		return rc;
	if (o->dry_run)
		return print_trim(o, spans, count);
	rc = cmd_confirm(o->yes, "Delete the first %lld offsets of %s (%d partitions) for ever?", (long long)offsets, o->names[0],
	    count);
	/* Also where the start is there already: a trim that was killed may have left files before it. */
	for (int i = 0; rc == STATUS_OK && i < count; i++)
		rc = topic_trim(topic, spans[i].partition, spans[i].offset, lock_deadline());
	return rc;
}

static int
run_trim(struct topic_options *o)
{
	struct store *store = NULL;
	struct topic *topic = NULL;
	struct span *spans = NULL;
	struct place place;
	int count = 0, rc;

	if ((rc = parse_before(o->before, &place)) != STATUS_OK)
		return rc;
	if ((rc = open_topic(o, &store, &topic)) == STATUS_OK &&
	    (rc = topic_spans(topic, o->number, &place, &spans, &count)) == STATUS_OK)
		rc = trim(o, topic, spans, count);
	free(spans);
	close_topic(store, topic);
	return rc;
}

/*
 * delete.
 */

static int
run_delete(struct topic_options *o)
{
	struct store *store;
	int rc;

	if (o->dry_run)
		return show(o, topic_list_details);
	if ((rc = cmd_open_store(o->dir, &store)) != STATUS_OK)
		return rc;
	if (!catalog_has(store, o->names[0]))
		rc = status_fail(STATUS_MISSING, "%s: no such topic in %s", o->names[0], store_dir(store));
	else if ((rc = cmd_confirm(o->yes, "Delete topic %s with all its records for ever?", o->names[0])) == STATUS_OK)
		rc = catalog_delete(store, o->names[0], lock_deadline());
	store_close(store);
	return rc == STATUS_MISSING && o->if_exists ? STATUS_OK : rc;
}

/*
 * import and export.
 */

static int
run_import(struct topic_options *o)
{
	struct config config;
	int rc;

	config_init(&config, 1);
	if ((rc = apply_changes(o, &config)) != STATUS_OK)
		return rc;
	return topic_import(o, &config, LOCK_TIMEOUT_MS);
}

static int
run_export(struct topic_options *o)
{
	return topic_export(o);
}

int
main(int argc, char **argv)
{
	static int (*const run[])(struct topic_options *) = {
	    [VERB_CREATE] = run_create,
	    [VERB_LIST] = run_list,
	    [VERB_DESCRIBE] = run_describe,
	    [VERB_OFFSETS] = run_offsets,
	    [VERB_ALTER] = run_alter,
	    [VERB_TRIM] = run_trim,
	    [VERB_DELETE] = run_delete,
	    [VERB_IMPORT] = run_import,
	    [VERB_EXPORT] = run_export,
	};
	struct topic_options o;
	int rc;

	cmd_start("mq-topic", help);
	if ((rc = topic_options_parse(&o, argc, argv)) == STATUS_OK)
		rc = run[o.verb](&o);
	topic_options_free(&o);
	return cmd_finish(rc);
}

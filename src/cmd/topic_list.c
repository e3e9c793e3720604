#include "cmd/topic_list.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/parse.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "store/catalog.h"
#include "store/topic.h"

typedef int rows_of_topic(struct print *, struct topic *);

struct walk {
	const struct topic_list *list;
	struct print *print;
	rows_of_topic *rows;
	int worst; /* the status of the first topic that could not be shown */
};

static int
name_row(void *arg, const char *name)
{
	const struct walk *w = arg;

	if (catalog_is_dying(w->list->store, name))
		return STATUS_OK;
	print_text(w->print, name);
	print_row(w->print);
	return STATUS_OK;
}

int
topic_list_names(const struct topic_list *list)
{
	static const char *const columns[] = {"TOPIC"};
	struct walk w = {.list = list};
	int rc, close_rc;

	if ((rc = print_open(list->form == PRINT_TEXT ? PRINT_BARE : list->form, columns, COUNT_OF(columns), &w.print)) !=
	    STATUS_OK)
		return rc;
	rc = store_list_topics(list->store, name_row, &w);
	close_rc = print_close(w.print);
	return rc != STATUS_OK ? rc : close_rc;
}

static int
show_topic(void *arg, const char *name)
{
	struct walk *w = arg;
	struct topic *topic = NULL;
	int rc;

	if ((rc = cmd_open_topic(w->list->store, name, &topic)) == STATUS_OK)
		rc = w->rows(w->print, topic);
	topic_close(topic);
	if (rc == STATUS_OK || (rc == STATUS_MISSING && w->list->name_count == 0))
		return STATUS_OK;
	cmd_error();
	if (w->worst == STATUS_OK)
		w->worst = rc;
	return STATUS_OK;
}

static int
show_topics(const struct topic_list *list, const char *const *columns, size_t count, rows_of_topic *rows)
{
	struct walk w = {.list = list, .rows = rows, .worst = STATUS_OK};
	int rc, close_rc;

	if ((rc = print_open(list->form, columns, count, &w.print)) == STATUS_OK && list->name_count == 0)
		rc = store_list_topics(list->store, show_topic, &w);
	for (int i = 0; rc == STATUS_OK && i < list->name_count; i++)
		rc = show_topic(&w, list->names[i]);
	if (w.print != NULL && w.worst != STATUS_OK && print_row_count(w.print) == 0) {
		print_abandon(w.print); /* no header for nothing */
		w.print = NULL;
	}
	close_rc = print_close(w.print);
	if (rc == STATUS_OK)
		rc = close_rc;
	return rc != STATUS_OK ? rc : w.worst;
}

static int
detail_row(struct print *print, struct topic *topic)
{
	struct topic_partition_info info;
	int64_t bytes = 0;
	int partitions, rc;

	if ((rc = topic_partition_count(topic, &partitions)) != STATUS_OK)
		return rc;
	for (int p = 0; p < partitions; p++) {
		if ((rc = topic_partition_info(topic, p, &info)) != STATUS_OK)
			return rc;
		bytes += info.bytes;
	}
	print_text(print, topic_name(topic));
	print_number(print, partitions);
	print_number(print, topic_config(topic)->replication_factor);
	print_number(print, bytes);
	print_row(print);
	return STATUS_OK;
}

int
topic_list_details(const struct topic_list *list)
{
	static const char *const columns[] = {"TOPIC", "PARTITIONS", "REPLICAS", "BYTES"};

	return show_topics(list, columns, COUNT_OF(columns), detail_row);
}

static int
partition_rows(struct print *print, struct topic *topic)
{
	struct topic_partition_info info;
	int partitions, rc;

	if ((rc = topic_partition_count(topic, &partitions)) != STATUS_OK)
		return rc;
	for (int p = 0; p < partitions; p++) {
		if ((rc = topic_partition_info(topic, p, &info)) != STATUS_OK)
			return rc;
		print_text(print, topic_name(topic));
		print_number(print, p);
		print_empty(print);
		print_number(print, info.epoch);
		print_empty(print);
		print_empty(print);
		print_number(print, info.start);
		print_number(print, info.end);
		print_number(print, info.high_watermark);
		print_number(print, info.segments);
		print_number(print, info.bytes);
		print_row(print);
	}
	return STATUS_OK;
}

int
topic_list_partitions(const struct topic_list *list)
{
	static const char *const columns[] = {"TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END", "HW",
	    "SEGMENTS", "BYTES"};

	return show_topics(list, columns, COUNT_OF(columns), partition_rows);
}

static int
setting_rows(struct print *print, struct topic *topic)
{
	char value[CONFIG_VALUE_BYTES];
	const char *key;
	int64_t number;
	bool given;

	for (size_t i = 0; config_entry(topic_config(topic), i, &key, value, &given); i++) {
		print_text(print, topic_name(topic));
		print_text(print, key);
		/* An octal mode begins with a 0 and is a word. */
		if ((value[0] != '0' || value[1] == '\0') && parse_int64(value, INT64_MIN, INT64_MAX, &number) == STATUS_OK)
			print_number(print, number);
		else
			print_text(print, value);
		print_text(print, given ? "DYNAMIC_TOPIC_CONFIG" : "DEFAULT_CONFIG");
		print_row(print);
	}
	return STATUS_OK;
}

int
topic_list_settings(const struct topic_list *list)
{
	static const char *const columns[] = {"TOPIC", "KEY", "VALUE", "SOURCE"};

	return show_topics(list, columns, COUNT_OF(columns), setting_rows);
}

/*
 * topic_list: what mq-topic shows of topics: listings with a row for each topic, partition or setting.
 *
 * One topic that cannot be shown does not hide the others: its failure is printed, the walk goes on, and the first such status is returned;
 * if nothing could be shown there is no header either.
 */
#ifndef CMD_TOPIC_LIST_H
#define CMD_TOPIC_LIST_H

#include "cmd/print.h"
#include "store/store.h"

/* Which topics, and how. */
struct topic_list {
	struct store *store;
	char **names;	/* borrowed */
	int name_count; /* 0: all there are; one that is deleted meanwhile is no failure then */
	enum print_form form;
};

/* All names: bare as text, else a column TOPIC. Of each topic only the page is opened, that says whether its deletion began. */
int topic_list_names(const struct topic_list *) MUST_USE;
/* TOPIC PARTITIONS REPLICAS BYTES */
int topic_list_details(const struct topic_list *) MUST_USE;
/* TOPIC PARTITION LEADER EPOCH REPLICAS ISR START END HW SEGMENTS BYTES */
int topic_list_partitions(const struct topic_list *) MUST_USE;
/* TOPIC KEY VALUE SOURCE, SOURCE being rpk's DEFAULT_CONFIG or DYNAMIC_TOPIC_CONFIG */
int topic_list_settings(const struct topic_list *) MUST_USE;

#endif

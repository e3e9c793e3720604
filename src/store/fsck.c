#include "store/fsck.h"

#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "store/catalog.h"
#include "store/fsck_intents.h"
#include "store/fsck_layout.h"
#include "store/fsck_partition.h"
#include "store/topic.h"

/*
 * The store.
 */

struct hidden {
	struct store *store;
	const struct fsck_report *report;
};

static int
tell_hidden(void *arg, const char *name)
{
	const struct hidden *h = arg;
	struct fsck_row row;
	char path[CATALOG_HIDDEN_BYTES + 16] = "topics/";

	(void)strncat(path, name, sizeof(path) - strlen(path) - 1);
	row = fsck_row_of(h->report, -1, path, "leftover", "a topic that its maker, or its remover, did not finish");
	fsck_tell(h->report, row, FSCK_REMOVE, false, h->report->options->repair);
	return STATUS_OK;
}

int
fsck_store(struct store *s, const struct fsck_options *o, struct fsck_result *result)
{
	struct fsck_report report = {.options = o, .result = result, .topic = NULL};
	struct hidden hidden = {.store = s, .report = &report};

	return catalog_visit_hidden(s, o->repair, o->lock_ms, tell_hidden, &hidden);
}

/*
 * A topic.
 */

static int
check_partitions(struct store *s, const char *name, const struct fsck_report *report)
{
	struct topic *t;
	int count, worst = STATUS_OK, rc;

	if ((rc = topic_open(s, name, &t)) != STATUS_OK)
		return rc;
	if ((rc = topic_partition_count(t, &count)) != STATUS_OK)
		count = 0;
	for (int p = 0; p < count && rc != STATUS_NO && rc != STATUS_MISSING; p++) {
		if ((rc = fsck_partition(t, p, report)) != STATUS_OK && topic_deleted(t))
			rc = status_fail(STATUS_MISSING, "%s: the topic was deleted", name);
		if (rc != STATUS_OK && worst == STATUS_OK)
			worst = rc;
	}
	if (worst == STATUS_OK && rc == STATUS_OK)
		rc = fsck_intents(t, report);
	topic_close(t);
	return worst != STATUS_OK ? worst : rc;
}

int
fsck_topic(struct store *s, const char *name, const struct fsck_options *o, struct fsck_result *result)
{
	struct fsck_report report = {.options = o, .result = result, .topic = name};
	bool opens = false;
	int dir, rc;

	if ((rc = parse_name("topic", name)) != STATUS_OK)
		return rc;
	if ((rc = dir_open(store_topics_fd(s), name, &dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? status_fail(rc, "%s: no such topic", name) : status_context(rc, "%s", name);
	if ((rc = fsck_layout(s, dir, &report, &opens)) != STATUS_OK)
		rc = status_context(rc, "%s", name);
	(void)file_close(dir, name);
	return rc == STATUS_OK && opens ? check_partitions(s, name, &report) : rc;
}

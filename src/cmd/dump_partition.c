#include "cmd/dump_partition.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/dump_file.h"
#include "cmd/dump_heads.h"
#include "cmd/dump_segment.h"
#include "log/segment.h"
#include "store/layout.h"

struct walk {
	struct sheet *sheet;
	const char *topic;
	int p;
	bool records;
	int topic_dir, dir;
	struct head_claim claim;
	bool trusted;
};

bool
dump_partition_parse(const char *operand, char topic[DUMP_TOPIC_BYTES], int *p)
{
	const char *slash = strchr(operand, '/');
	int64_t number;
	bool is;

	if (slash == NULL || (size_t)(slash - operand) >= DUMP_TOPIC_BYTES)
		return false;
	(void)snprintf(topic, DUMP_TOPIC_BYTES, "%.*s", (int)(slash - operand), operand);
	is = parse_is_name(topic) && slash[1] != '-' && parse_int64(slash + 1, 0, TOPIC_MAX_PARTITIONS - 1, &number) == STATUS_OK;
	status_clear();
	if (is)
		*p = (int)number;
	return is;
}

/* The claim is read before the segments are listed: what is rolled meanwhile lies behind it. */
static int
read_claim(struct walk *w)
{
	const char *why = NULL;
	int fd, rc;

	if ((rc = file_open_read(w->topic_dir, HEAD_NAME, &fd)) == STATUS_OK) {
		rc = dump_heads_claim(fd, w->p, w->dir, &w->claim, &why);
		(void)file_close(fd, HEAD_NAME);
	}
	if (rc == STATUS_MISSING || rc == STATUS_PERMISSION)
		return status_context(rc, "%s/%d", w->topic, w->p);
	w->trusted = rc == STATUS_OK && why == NULL;
	if (!w->trusted)
		cmd_warn("%s/%d: all that is there is shown: what heads says of its end cannot be trusted: %s", w->topic, w->p,
		    why != NULL ? why : status_message());
	status_clear();
	return STATUS_OK;
}

static int
show_segment(struct walk *w, int64_t base)
{
	char name[SEGMENT_NAME_BYTES], path[PARTITION_NAME_BYTES + SEGMENT_NAME_BYTES + 1];
	struct dump_file f;
	bool active = w->trusted && base == w->claim.end.segment_base;
	int rc;

	segment_name(name, base, SUFFIX_LOG);
	(void)snprintf(path, sizeof(path), "%s-%d/%s", w->topic, w->p, name);
	if ((rc = dump_file_open_at(w->dir, name, path, &f)) == STATUS_MISSING)
		return STATUS_OK; /* a trim removed it since we looked */
	if (rc == STATUS_OK && (rc = sheet_file(w->sheet, path)) == STATUS_OK)
		rc = dump_segment(w->sheet, &f, active ? w->claim.end.end_position : f.size, w->records);
	if (rc != STATUS_OK && !w->sheet->broken)
		rc = status_context(rc, "%s-%d", w->topic, w->p);
	dump_file_close(&f);
	return rc;
}

static int
show_segments(struct walk *w)
{
	struct segment_list list;
	int rc;

	if ((rc = segment_list_read(w->dir, &list)) != STATUS_OK)
		return rc;
	for (size_t i = 0; rc == STATUS_OK && i < list.count; i++) {
		if (!w->trusted || list.bases[i] <= w->claim.end.segment_base)
			rc = show_segment(w, list.bases[i]);
	}
	segment_list_free(&list);
	return rc;
}

static int
open_folders(struct walk *w, struct store *store)
{
	char name[PARTITION_NAME_BYTES];
	int rc;

	if ((rc = dir_open(store_topics_fd(store), w->topic, &w->topic_dir)) != STATUS_OK)
		return rc == STATUS_MISSING ? status_fail(rc, "%s: no such topic in %s", w->topic, store_dir(store)) : rc;
	layout_partition_name(name, w->topic, w->p);
	if ((rc = dir_open(w->topic_dir, name, &w->dir)) == STATUS_MISSING)
		return status_fail(rc, "%s/%d: no such partition", w->topic, w->p);
	return rc;
}

int
dump_partition(struct sheet *s, const char *dir, const char *topic, int p, bool records)
{
	struct walk w = {.sheet = s, .topic = topic, .p = p, .records = records, .topic_dir = -1, .dir = -1};
	struct store *store;
	int rc;

	if ((rc = cmd_open_store(dir, &store)) != STATUS_OK)
		return rc;
	if ((rc = open_folders(&w, store)) == STATUS_OK && (rc = read_claim(&w)) == STATUS_OK)
		rc = show_segments(&w);
	(void)file_close(w.dir, topic);
	(void)file_close(w.topic_dir, topic);
	store_close(store);
	return rc;
}

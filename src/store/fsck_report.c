#include "store/fsck_report.h"

#include <stdio.h>

#define PATH_BYTES 1024

static const char *const actions[][2] = {
    [FSCK_NONE] = {"none", "none"},
    [FSCK_BY_HAND] = {"by-hand", "by-hand"},
    [FSCK_CUT] = {"cut", "cut-out"},
    [FSCK_RESTORE] = {"restore", "restored"},
    [FSCK_ACCEPT] = {"accept", "accepted"},
    [FSCK_REBUILD] = {"rebuild", "rebuilt"},
    [FSCK_REMOVE] = {"remove", "removed"},
    [FSCK_RECOVER] = {"recover", "recovered"},
    [FSCK_REOPEN] = {"reopen", "reopened"},
    [FSCK_CHMOD] = {"chmod", "changed"},
    [FSCK_APPLY] = {"apply", "applied"},
};

struct fsck_row
fsck_row_of(const struct fsck_report *r, int partition, const char *file, const char *state, const char *detail)
{
	return (struct fsck_row){
	    .topic = r->topic,
	    .partition = partition,
	    .file = file,
	    .position = -1,
	    .bytes = -1,
	    .offset = -1,
	    .lost = -1,
	    .state = state,
	    .detail = detail,
	};
}

void
fsck_tell(const struct fsck_report *r, struct fsck_row row, enum fsck_action action, bool damage, bool done)
{
	char path[PATH_BYTES];

	if (r->topic == NULL)
		(void)snprintf(path, sizeof(path), "%s", row.file);
	else if (row.partition < 0)
		(void)snprintf(path, sizeof(path), "topics/%s%s%s", r->topic, row.file[0] != '\0' ? "/" : "", row.file);
	else
		(void)snprintf(path, sizeof(path), "topics/%s/%s-%d%s%s", r->topic, r->topic, row.partition,
		    row.file[0] != '\0' ? "/" : "", row.file);
	row.file = path;
	row.action = actions[action][done];
	r->result->damage += damage;
	r->result->unrepairable += action == FSCK_BY_HAND;
	r->result->work += !damage && action != FSCK_NONE && action != FSCK_BY_HAND;
	r->options->row(r->options->arg, &row);
}

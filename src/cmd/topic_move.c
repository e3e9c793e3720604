#include "cmd/topic_move.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "store/export.h"
#include "store/import.h"

static void
begin(struct progress *progress)
{
	cmd_catch_signals();
	progress_init(progress, isatty(STDERR_FILENO) != 0);
}

static int
end(struct progress *progress, const char *what, int rc)
{
	progress_end(progress);
	if (rc != STATUS_OK && cmd_signal() != 0)
		rc = status_fail(rc, "stopped by a signal, nothing was %s", what);
	return rc;
}

/*
 * import.
 */

static void
on_notice(void *arg, const char *text)
{
	progress_end(arg);
	cmd_warn("%s", text);
}

static int
on_progress(void *arg, int64_t records, int64_t bytes)
{
	progress_show(arg, (uint64_t)records, (uint64_t)bytes);
	return cmd_signal() == 0 ? STATUS_OK : STATUS_AGAIN;
}

int
topic_import(const struct topic_options *o, const struct config *config, int64_t lock_timeout_ms)
{
	struct progress progress;
	struct import_order order = {
	    .name = o->names[0],
	    .folders = o->folders,
	    .folder_count = o->folder_count,
	    .config = *config,
	    .lock_timeout_ms = lock_timeout_ms,
	    .notice = on_notice,
	    .progress = on_progress,
	    .arg = &progress,
	};
	struct store *store;
	int rc;

	if ((rc = import_check(&order)) != STATUS_OK ||
	    (rc = cmd_make_store(o->dir, clock_deadline(lock_timeout_ms), &store)) != STATUS_OK)
		return rc;
	begin(&progress);
	rc = end(&progress, "imported", import_topic(store, &order));
	store_close(store);
	return rc;
}

/*
 * export.
 */

/* As `cp` would make it. */
static struct file_access
access_by_umask(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return (struct file_access){.mode = 0666 & ~mask, .gid = (gid_t)-1};
}

static int
check_topic_id(const char *id)
{
	if (id == NULL || config_check_topic_id(id) == STATUS_OK)
		return STATUS_OK;
	return status_context(STATUS_USAGE, "--topic-id");
}

int
topic_export(const struct topic_options *o)
{
	struct progress progress;
	struct export_order order = {
	    .folder = o->folders[0],
	    .topic_id = o->topic_id,
	    .access = access_by_umask(),
	    .progress = on_progress,
	    .arg = &progress,
	};
	struct store *store = NULL;
	struct topic *topic = NULL;
	int rc;

	if ((rc = check_topic_id(o->topic_id)) != STATUS_OK || (rc = cmd_open_store(o->dir, &store)) != STATUS_OK)
		return rc;
	if ((rc = cmd_open_topic(store, o->names[0], &topic)) == STATUS_OK) {
		begin(&progress);
		rc = end(&progress, "exported", export_topic(topic, &order));
	}
	topic_close(topic);
	store_close(store);
	return rc;
}

#include "cmd/topic_import.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "store/import.h"

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
	cmd_catch_signals();
	progress_init(&progress, isatty(STDERR_FILENO) != 0);
	if ((rc = import_topic(store, &order)) != STATUS_OK && cmd_signal() != 0)
		rc = status_fail(rc, "stopped by a signal, nothing was imported");
	progress_end(&progress);
	store_close(store);
	return rc;
}

#include "log/retention.h"

#include "base/fault.h"
#include "base/status.h"
#include "log/producers.h"
#include "log/segment.h"

static int
unlink_files(const struct partition *p, int64_t base)
{
	/* The log first: what is left of a killed trim is an index without its log, which is never opened. */
	static const char *const suffixes[] = {SUFFIX_LOG, SUFFIX_INDEX, SUFFIX_TIMEINDEX, SUFFIX_TXNINDEX, SUFFIX_SNAPSHOT};
	char name[SEGMENT_NAME_BYTES];
	int rc = STATUS_OK;

	for (size_t i = 0; i < COUNT_OF(suffixes) && rc == STATUS_OK; i++) {
		segment_name(name, base, suffixes[i]);
		rc = file_remove(p->dir, name);
		fault_point("retention.unlinked");
	}
	return rc;
}

static int
trim_locked(const struct partition *p, int64_t offset)
{
	int64_t start = head_log_start(p->head, p->number);
	struct segment_list list;
	int rc;

	if (offset <= start)
		offset = start;
	else if ((rc = head_raise_log_start(p->head, p->number, offset)) != STATUS_OK)
		return rc;
	if ((rc = segment_list_read(p->dir, &list)) != STATUS_OK)
		return rc;
	/* Oldest first, so that the log has no hole if we die in between. The last segment stays, it is the active one. */
	for (size_t i = 0; i + 1 < list.count && list.bases[i + 1] <= offset && rc == STATUS_OK; i++) {
		/* What the batches to be deleted say of their producers must be durable elsewhere first. */
		if ((rc = producers_ensure_snapshot(p, list.bases[i + 1])) == STATUS_OK)
			rc = unlink_files(p, list.bases[i]);
	}
	segment_list_free(&list);
	return rc;
}

int
retention_trim(const struct partition *p, int64_t offset, int64_t deadline_ms)
{
	int64_t byte = LOCK_BYTE_RETENTION(p->number);
	int rc;

	if ((rc = lock_take(p->lock, byte, "retention lock", deadline_ms)) != STATUS_OK)
		return rc;
	rc = trim_locked(p, offset);
	lock_drop(p->lock, byte);
	return rc;
}

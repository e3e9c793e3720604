#include "log/partition.h"

#include "base/process.h"
#include "base/status.h"
#include "log/segment.h"

bool
partition_page_is_current(const struct partition *p, struct head_end *end, uint64_t *generation)
{
	*generation = head_generation(p->head, p->number);
	return head_is_original(p->head) && head_of_this_boot(p->head, p->number) && *generation % 2 == 0 &&
	    head_end(p->head, p->number, end);
}

void
partition_end_behind(struct head_end *end, const struct batch_header *h, int64_t position)
{
	end->last_position = position;
	end->end_position = position + batch_bytes(h);
	end->end_offset = batch_end_offset(h);
	end->leader_epoch = h->leader_epoch;
	end->producer_id = h->producer_id;
	end->producer_epoch = h->producer_epoch;
	end->last_sequence = batch_last_sequence(h);
}

int
partition_verify_last_batch(int fd, const struct head_end *end)
{
	struct segment_scanner scanner;
	struct batch_header header;
	const uint8_t *bytes;
	int rc;

	if (end->last_position < 0)
		return end->end_position == 0 && end->end_offset == end->segment_base ? STATUS_OK : STATUS_RECOVER;
	segment_scanner_init(&scanner, fd, end->segment_base, end->last_position, end->end_position);
	rc = segment_scanner_next(&scanner, &header, &bytes);
	if (rc == STATUS_CORRUPT || rc == STATUS_CONFIG || rc == STATUS_END ||
	    (rc == STATUS_OK && (scanner.position != end->end_position || batch_end_offset(&header) != end->end_offset)))
		rc = STATUS_RECOVER;
	segment_scanner_free(&scanner);
	return rc;
}

static bool
segment_exists(const struct partition *p, int64_t base)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, SUFFIX_LOG);
	return file_exists(p->dir, name);
}

int
partition_verify_end(const struct partition *p, const struct head_end *end, bool exact)
{
	char name[SEGMENT_NAME_BYTES];
	int64_t size;
	int fd, rc;

	/* Recovery has seen the damage and said where the log ends for readers; looking again would find it again. */
	if (head_poison(p->head, p->number) == HEAD_DAMAGED)
		return STATUS_OK;
	segment_name(name, end->segment_base, SUFFIX_LOG);
	if ((rc = file_open_read(p->dir, name, &fd)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_RECOVER : rc;
	if ((rc = file_size(fd, name, &size)) != STATUS_OK)
		goto out;
	if ((exact ? size != end->end_position : size < end->end_position) ||
	    (exact && end->end_offset != end->segment_base && segment_exists(p, end->end_offset)))
		rc = STATUS_RECOVER;
	else
		rc = partition_verify_last_batch(fd, end);
out:
	(void)file_close(fd, name);
	return rc;
}

int
partition_lock_busy(const struct partition *p)
{
	uint64_t appender = (uint64_t)head_appender(p->head, p->number);
	int pid = (int)(uint32_t)appender;

	if (appender == 0)
		return status_fail(STATUS_AGAIN, "append lock: held by another process");
	return status_fail(STATUS_AGAIN, "append lock: held by process %d of user %u (%s)", pid, (unsigned)(appender >> 32),
	    process_state(pid));
}

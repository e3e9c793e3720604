#include "log/lost.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"

#define STEP_BYTES ((size_t)1 << 20)

static int
open_lost(const struct partition *p, int *fd)
{
	int rc = dir_make(p->topic_dir, LOST_FOLDER, &p->access);

	if (rc != STATUS_OK && rc != STATUS_EXISTS)
		return rc;
	return dir_open(p->topic_dir, LOST_FOLDER, fd);
}

/* lost/PARTITION-OFFSET-TIME.log, a name that is free. */
static int
create_lost(const struct partition *p, int dir, int64_t offset, char name[LOST_NAME_BYTES], int *fd)
{
	int64_t now_ms = clock_wall_ms();
	int rc;

	do
		(void)snprintf(name, LOST_NAME_BYTES, "%d-%lld-%lld.log", p->number, (long long)offset, (long long)now_ms++);
	while ((rc = file_create(dir, name, &p->access, fd)) == STATUS_EXISTS);
	return rc;
}

static int
copy_range(int from, int to, const char *name, int64_t position, int64_t len)
{
	uint8_t *bytes;
	size_t got;
	int64_t done = 0;
	int rc = STATUS_OK;

	if ((bytes = malloc(STEP_BYTES)) == NULL)
		return status_no_memory(name);
	while (rc == STATUS_OK && done < len) {
		size_t want = len - done < (int64_t)STEP_BYTES ? (size_t)(len - done) : STEP_BYTES;

		if ((rc = file_read_at(from, name, bytes, want, position + done, &got)) != STATUS_OK || got == 0)
			break;
		rc = file_write_at(to, name, bytes, got, done);
		done += (int64_t)got;
	}
	free(bytes);
	return rc;
}

/* Remove what a failure left; returns it, and its message stays. */
static int
remove_after(int why, int dir, const char *name)
{
	char message[512];

	(void)snprintf(message, sizeof(message), "%s", status_message());
	if (file_remove(dir, name) != STATUS_OK)
		status_clear(); /* a later recovery removes it */
	return status_fail(why, "%s", message);
}

int
lost_keep(const struct partition *p, int segment, int64_t offset, int64_t position, int64_t end, char kept[LOST_NAME_BYTES])
{
	char name[LOST_NAME_BYTES];
	int dir, fd, rc;

	if ((rc = open_lost(p, &dir)) != STATUS_OK)
		return rc;
	if ((rc = create_lost(p, dir, offset, name, &fd)) == STATUS_OK) {
		if ((rc = copy_range(segment, fd, name, position, end - position)) == STATUS_OK &&
		    (rc = file_sync(fd, name)) == STATUS_OK)
			rc = file_sync(dir, LOST_FOLDER);
		(void)file_close(fd, name);
		/* Half a copy helps nobody, and each try would leave another on a full disk. */
		if (rc != STATUS_OK)
			rc = remove_after(rc, dir, name);
	}
	(void)file_close(dir, LOST_FOLDER);
	if (rc == STATUS_OK && (rc = file_sync(p->topic_dir, p->label)) == STATUS_OK && kept != NULL)
		(void)strlcpy(kept, name, LOST_NAME_BYTES);
	return rc;
}

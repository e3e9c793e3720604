#include "store/spool.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/status.h"
#include "store/handle.h"
#include "store/intent_file.h"
#include "store/layout.h"
#include "store/room.h"

#define SPOOL_NAME_BYTES 32
/* Each try takes a name that nobody has, and loses it only to a cleaner who was faster than our lock. */
#define TRIES 16
/* So much is written before the disk is told to begin with it. */
#define BEGIN_BYTES ((int64_t)8 << 20)

/* A partition. */
struct lane {
	struct intent_target target; /* records 0: it gets nothing */
	int64_t last;		     /* position of its last frame */
	uint32_t last_length;
};

struct spool {
	struct topic *topic;
	int dir, fd;
	struct lock *lock;
	char name[SPOOL_NAME_BYTES];
	struct intent_file file;
	int64_t position; /* of the next frame */
	int64_t begun;	  /* up to here the disk was told to write */
	struct lane *lanes;
	int lane_count;
};

static int
spool_context(const struct spool *s, int rc)
{
	return status_context(rc, "%s/" SPOOLS_FOLDER, s->topic->name);
}

/* A new file that we have locked. */
static int
make_file(struct spool *s)
{
	uint64_t number;
	int rc;

	for (int i = 0; i < TRIES; i++) {
		arc4random_buf(&number, sizeof(number));
		(void)snprintf(s->name, sizeof(s->name), "%016" PRIx64 INTENT_SUFFIX, number);
		if ((rc = file_create(s->dir, s->name, &s->topic->access, &s->fd)) != STATUS_OK)
			return rc;
		fault_point("spool.made");
		if ((rc = lock_open(s->dir, s->name, &s->lock)) != STATUS_OK && rc != STATUS_MISSING)
			return rc;
		if (rc == STATUS_OK && lock_stay(s->lock, 0) && file_exists(s->dir, s->name))
			return STATUS_OK;
		lock_close(s->lock);
		s->lock = NULL;
		(void)file_close(s->fd, s->name);
		s->fd = -1;
	}
	return status_fail(STATUS_AGAIN, "others remove what is made here");
}

int
spool_open(struct topic *t, int64_t producer_id, int16_t producer_epoch, struct spool **out)
{
	struct spool *s;
	int rc;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return status_no_memory("spool");
	s->topic = t;
	s->dir = s->fd = -1;
	s->file.producer_id = producer_id;
	s->file.producer_epoch = producer_epoch;
	s->position = INTENT_HEADER_BYTES;
	/* Whose spools they are, and that they stay, is no concern of ours. */
	if (intent_clean(t) != STATUS_OK)
		status_clear();
	if ((rc = intent_open_folder(t, SPOOLS_FOLDER, &s->dir)) != STATUS_OK || (rc = make_file(s)) != STATUS_OK) {
		rc = spool_context(s, rc);
		spool_close(s);
		return rc;
	}
	*out = s;
	return STATUS_OK;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	/* One that was committed has left the folder. What cannot be removed the next maker removes. */
	if (s->fd >= 0 && file_remove(s->dir, s->name) != STATUS_OK)
		status_clear();
	lock_close(s->lock);
	(void)file_close(s->fd, s->name);
	(void)file_close(s->dir, SPOOLS_FOLDER);
	intent_file_free(&s->file);
	free(s->lanes);
	free(s);
}

/* calloc(3) leaves pages alone that are never used. */
static int
widen(struct spool *s, int p)
{
	int count = s->lane_count * 2 > p ? s->lane_count * 2 : p + 1;
	struct lane *lanes;

	if (p < s->lane_count)
		return STATUS_OK;
	if ((lanes = calloc((size_t)count, sizeof(*lanes))) == NULL)
		return status_no_memory("partitions");
	if (s->lane_count > 0)
		memcpy(lanes, s->lanes, (size_t)s->lane_count * sizeof(*lanes));
	free(s->lanes);
	s->lanes = lanes;
	s->lane_count = count;
	return STATUS_OK;
}

static int
write_frame(const struct spool *s, int p, int64_t position, int64_t next, uint32_t length)
{
	uint8_t frame[INTENT_FRAME_BYTES];

	intent_encode_frame(frame, next, p, length);
	return file_write_at(s->fd, s->name, frame, sizeof(frame), position);
}

static int
write_batch(struct spool *s, int p, const struct buf *batch)
{
	struct lane *lane = &s->lanes[p];
	int rc;

	/* The frame before it learns where it is. */
	if (lane->last != 0 && (rc = write_frame(s, p, lane->last, s->position, lane->last_length)) != STATUS_OK)
		return rc;
	if ((rc = write_frame(s, p, s->position, 0, (uint32_t)batch->len)) != STATUS_OK)
		return rc;
	return file_write_at(s->fd, s->name, batch->data, batch->len, s->position + INTENT_FRAME_BYTES);
}

int
spool_add(struct spool *s, int p, const struct buf *batch)
{
	struct batch_header h;
	struct lane *lane;
	int64_t count;
	int rc;

	if ((rc = widen(s, p)) != STATUS_OK || (rc = batch_decode_header(batch->data, &h)) != STATUS_OK)
		return rc;
	lane = &s->lanes[p];
	count = (int64_t)h.last_offset_delta + 1;
	if (lane->target.records + count > INTENT_MAX_RECORDS)
		return status_fail(STATUS_DATA, "%s/%d: more than %lld records at once", s->topic->name, p,
		    (long long)INTENT_MAX_RECORDS);
	if ((rc = write_batch(s, p, batch)) != STATUS_OK)
		return spool_context(s, rc);
	if (lane->target.records == 0) {
		lane->target = (struct intent_target){.partition = p, .base_sequence = h.base_sequence, .first = s->position};
		s->file.count++;
	}
	lane->target.records += count;
	lane->target.bytes += (int64_t)batch->len;
	lane->last = s->position;
	lane->last_length = (uint32_t)batch->len;
	s->file.records += count;
	s->position += INTENT_FRAME_BYTES + (int64_t)batch->len;
	if (s->position - s->begun >= BEGIN_BYTES) {
		file_begin_sync(s->fd, s->begun, s->position - s->begun);
		s->begun = s->position;
	}
	return STATUS_OK;
}

/* The table behind the frames, and the header that makes it an intent. */
static int
write_table(struct spool *s, uint8_t *table)
{
	uint8_t header[INTENT_HEADER_BYTES];
	size_t at = 0;
	int rc;

	for (int p = 0; p < s->lane_count; p++) {
		struct intent_target *target = &s->lanes[p].target;

		if (target->records == 0)
			continue;
		target->synced = head_synced_end(s->topic->head, p);
		intent_encode_target(table + at, target);
		at += INTENT_TARGET_BYTES;
	}
	s->file.size = s->position + (int64_t)at;
	intent_encode_header(header, &s->file, table);
	if ((rc = file_write_at(s->fd, s->name, table, at, s->position)) != STATUS_OK)
		return rc;
	return file_write_at(s->fd, s->name, header, sizeof(header), 0);
}

/* Whole and durable, but for its name. */
static int
finish(struct spool *s)
{
	uint8_t *table;
	int rc;

	if ((table = malloc(s->file.count * INTENT_TARGET_BYTES)) == NULL)
		return status_no_memory("spool");
	rc = write_table(s, table);
	free(table);
	fault_point("spool.whole");
	if (rc == STATUS_OK)
		rc = file_sync(s->fd, s->name);
	fault_point("spool.synced");
	return rc;
}

int
spool_commit(struct spool *s, struct intent_order *o, int64_t deadline_ms)
{
	int rc;

	o->committed = false;
	/* Before the commit a full topic says no; behind it nothing does. */
	if ((rc = room_await(s->topic, s->position, deadline_ms)) != STATUS_OK)
		return rc;
	if ((rc = finish(s)) != STATUS_OK)
		return spool_context(s, rc);
	o->spools = s->dir;
	o->name = s->name;
	return intent_commit(s->topic, o, deadline_ms);
}

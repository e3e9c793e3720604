/*
 * logfolder: batches made for a test, and a partition to put them in.
 */
#ifndef LOGFOLDER_H
#define LOGFOLDER_H

#include <bsd/sys/endian.h>

#include "base/crc32c.h"
#include "log/batch.h"
#include "log/index.h"
#include "log/partition.h"
#include "log/recover.h"
#include "log/segment.h"
#include "unit.h"

UNIT_UNUSED static const struct file_access logfolder_access = {.mode = 0600, .gid = (gid_t)-1};

/* A record of text; NULL is null. */
UNIT_UNUSED static struct record
text_record(int64_t timestamp_ms, const char *key, const char *value)
{
	return (struct record){
	    .timestamp_ms = timestamp_ms,
	    .key = (const uint8_t *)key,
	    .key_len = key != NULL ? (int32_t)strlen(key) : -1,
	    .value = (const uint8_t *)value,
	    .value_len = value != NULL ? (int32_t)strlen(value) : -1,
	};
}

/* What a test says of a batch; the rest is 0 or made of these. */
struct batch_spec {
	int64_t base_offset;
	int count;	      /* of records */
	int64_t timestamp_ms; /* of the first record */
	int64_t step_ms;      /* from each to the next */
	size_t value_bytes;   /* of each value; 0: a short text that tells the offset */
	int32_t leader_epoch;
	bool has_producer;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t sequence;
	uint16_t attributes;
};

/* Make the CRC of a changed batch right again. */
UNIT_UNUSED static void
batch_fix_crc(uint8_t *bytes)
{
	size_t size = BATCH_PREFIX_BYTES + (size_t)be32dec(bytes + BATCH_LENGTH_AT);

	be32enc(bytes + BATCH_CRC_AT, crc32c(bytes + BATCH_ATTRIBUTES_AT, size - BATCH_ATTRIBUTES_AT));
}

/* Build it; the caller frees the builder. */
UNIT_UNUSED static void
make_batch(struct batch_builder *b, const struct batch_spec *s)
{
	char *value = malloc(s->value_bytes + 64), key[32];

	assert_non_null(value);
	memset(value, 'v', s->value_bytes);
	value[s->value_bytes] = '\0';
	batch_builder_init(b, INT32_MAX);
	for (int i = 0; i < s->count; i++) {
		struct record r;

		snprintf(key, sizeof(key), "k%d", i % 7);
		if (s->value_bytes == 0)
			snprintf(value, 64, "record %lld", (long long)s->base_offset + i);
		r = text_record(s->timestamp_ms + i * s->step_ms, key, value);
		assert_ok(batch_add(b, &r));
	}
	batch_seal(b);
	batch_set_place(b->bytes.data, s->base_offset, s->leader_epoch);
	be16enc(b->bytes.data + BATCH_ATTRIBUTES_AT, s->attributes);
	if (s->has_producer) {
		be64enc(b->bytes.data + BATCH_PRODUCER_ID_AT, (uint64_t)s->producer_id);
		be16enc(b->bytes.data + BATCH_PRODUCER_EPOCH_AT, (uint16_t)s->producer_epoch);
		be32enc(b->bytes.data + BATCH_BASE_SEQUENCE_AT, (uint32_t)s->sequence);
	}
	batch_fix_crc(b->bytes.data);
	free(value);
}

UNIT_UNUSED static struct batch_header
header_of(const uint8_t *bytes)
{
	struct batch_header h;

	assert_ok(batch_decode_header(bytes, &h));
	return h;
}

/* A batch without records, as compaction leaves it: its offsets stay taken. */
UNIT_UNUSED static void
empty_the_batch(struct batch_builder *b)
{
	be32enc(b->bytes.data + BATCH_LENGTH_AT, BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES);
	be32enc(b->bytes.data + BATCH_RECORD_COUNT_AT, 0);
	b->bytes.len = BATCH_HEADER_BYTES;
	batch_fix_crc(b->bytes.data);
}

/* A transaction marker: type 0 aborts, 1 commits (KIP-98). */
UNIT_UNUSED static void
make_marker(struct batch_builder *b, const struct batch_spec *s, int type, int32_t coordinator_epoch)
{
	uint8_t key[4], value[6];
	struct record r = {.timestamp_ms = s->timestamp_ms,
	    .key = key,
	    .key_len = sizeof(key),
	    .value = value,
	    .value_len = sizeof(value)};

	be16enc(key, 0);
	be16enc(key + 2, (uint16_t)type);
	be16enc(value, 0);
	be32enc(value + 2, (uint32_t)coordinator_epoch);
	batch_builder_init(b, INT32_MAX);
	assert_ok(batch_add(b, &r));
	batch_seal(b);
	batch_set_place(b->bytes.data, s->base_offset, s->leader_epoch);
	be16enc(b->bytes.data + BATCH_ATTRIBUTES_AT, BATCH_TRANSACTIONAL | BATCH_CONTROL);
	be64enc(b->bytes.data + BATCH_PRODUCER_ID_AT, (uint64_t)s->producer_id);
	be16enc(b->bytes.data + BATCH_PRODUCER_EPOCH_AT, (uint16_t)s->producer_epoch);
	batch_fix_crc(b->bytes.data);
}

/* Append bytes to a file, which is made if need be. */
UNIT_UNUSED static void
append_bytes(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "ab");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

UNIT_UNUSED static int64_t
size_of_file(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_size;
}

/* "orders/orders-0/00000000000000000042.log"; the text is valid until the next call. */
UNIT_UNUSED static const char *
segment_path(int64_t base, const char *suffix)
{
	static char path[128];
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, base, suffix);
	snprintf(path, sizeof(path), "orders/orders-0/%s", name);
	return path;
}

/* A topic of one partition in the test's folder. */
struct logfolder {
	int topic_dir;
	struct partition p;
};

/* The files were made before; open what stands for a topic. */
UNIT_UNUSED static void
logfolder_open(struct logfolder *f)
{
	*f = (struct logfolder){.topic_dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	assert_true(f->topic_dir >= 0);
	snprintf(f->p.label, sizeof(f->p.label), "orders/0");
	f->p.topic_dir = f->topic_dir;
	f->p.dir = openat(f->topic_dir, "orders-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->p.dir >= 0);
	f->p.access = logfolder_access;
	f->p.settings = (struct log_settings){
	    .fsync = FSYNC_ALWAYS,
	    .segment_bytes = INT32_MAX,
	    .segment_ms = INT64_MAX,
	    .index_interval_bytes = 4096,
	    .max_message_bytes = INT32_MAX,
	    .deletes = true,
	    .retention_ms = -1,
	    .retention_bytes = -1,
	};
	assert_ok(head_open(f->topic_dir, &f->p.head));
	assert_ok(lock_open(f->topic_dir, "lock", &f->p.lock));
	f->p.config_version = head_config_version(f->p.head);
}

/* Offsets may be missing anywhere, as if all of the log were compacted. */
UNIT_UNUSED static void
logfolder_allow_gaps(struct logfolder *f)
{
	assert_ok(head_raise_gap_end(f->p.head, 0, INT64_MAX));
}

UNIT_UNUSED static void
logfolder_make(struct logfolder *f, bool synced_only)
{
	int dir;

	assert_int_equal(mkdir("orders", 0700), 0);
	assert_int_equal(mkdir("orders/orders-0", 0700), 0);
	unit_write("orders/lock", "", 0);
	dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_ok(head_create(dir, &logfolder_access, 1, synced_only));
	close(dir);
	logfolder_open(f);
}

UNIT_UNUSED static void
logfolder_close(struct logfolder *f)
{
	lock_close(f->p.lock);
	head_close(f->p.head);
	close(f->p.dir);
	close(f->topic_dir);
}

/* Append a batch to a segment's file; nothing is published. */
UNIT_UNUSED static void
put_batch(int64_t segment_base, const struct batch_spec *s)
{
	struct batch_builder b;

	make_batch(&b, s);
	append_bytes(segment_path(segment_base, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
}

/* Walk a segment and note each batch: what an appender knows of it at its end; and, with an interval >= 0, write its indexes. */
UNIT_UNUSED static void
walk_segment(const struct logfolder *f, int64_t base, int64_t interval_bytes, struct head_end *end)
{
	int fd = open(segment_path(base, SUFFIX_LOG), O_RDONLY | O_CLOEXEC);
	struct segment_scanner scanner;
	struct index_writer index;
	struct batch_header h;
	const uint8_t *bytes;
	int rc;

	assert_true(fd >= 0);
	head_empty_end(end, base);
	index_writer_init(&index, f->p.dir, &f->p.access);
	segment_scanner_init(&scanner, fd, base, 0, size_of_file(segment_path(base, SUFFIX_LOG)));
	while ((rc = segment_scanner_next(&scanner, &h, &bytes)) == STATUS_OK) {
		int64_t position = scanner.position - batch_bytes(&h);

		if (interval_bytes >= 0)
			assert_ok(index_writer_note(&index, end, &h, position, interval_bytes));
		end->last_position = position;
		end->end_position = scanner.position;
		end->end_offset = batch_end_offset(&h);
		end->leader_epoch = h.leader_epoch;
	}
	assert_status(rc, STATUS_END);
	if (interval_bytes >= 0)
		assert_ok(index_writer_finish(&index, end));
	index_writer_close(&index);
	segment_scanner_free(&scanner);
	close(fd);
}

/* Publish all that the last segment holds, and call it synced. */
UNIT_UNUSED static void
publish_all(struct logfolder *f)
{
	struct segment_list list;
	struct head_end end;

	assert_ok(segment_list_read(f->p.dir, &list));
	assert_true(list.count > 0);
	walk_segment(f, list.bases[list.count - 1], -1, &end);
	segment_list_free(&list);
	assert_ok(head_publish(f->p.head, 0, &end));
	assert_ok(head_raise_synced_end(f->p.head, 0, end.end_offset));
}

#endif

/* intent_file: a file made by hand is read; one that is cut or changed anywhere is refused. */
#include "store/intent_file.h"
#include "logfolder.h"

#include "base/file.h"
#include "cmd/dump_intent.h"
#include "dump.h"

#define NAME "a.intent"
#define BATCHES 3
#define PARTITIONS 2
#define TABLE_BYTES (PARTITIONS * INTENT_TARGET_BYTES)

static uint8_t bytes[4096];
static size_t size;
static size_t places[PARTITIONS][BATCHES]; /* of frames */

static void
put_frame(int p, int i, int32_t sequence)
{
	struct batch_builder b;

	make_batch(&b,
	    &(struct batch_spec){.count = 2, .has_producer = true, .producer_id = 77, .producer_epoch = 0, .sequence = sequence});
	places[p][i] = size;
	if (i > 0)
		be64enc(bytes + places[p][i - 1], size);
	intent_encode_frame(bytes + size, 0, p == 0 ? 1 : 4, (uint32_t)b.bytes.len);
	memcpy(bytes + size + INTENT_FRAME_BYTES, b.bytes.data, b.bytes.len);
	size += INTENT_FRAME_BYTES + b.bytes.len;
	batch_builder_free(&b);
}

/* Partition 1 from sequence number 0 on, partition 4 over the wrap. */
static void
make(struct intent_file *f, struct intent_target targets[PARTITIONS])
{
	static const int32_t sequences[] = {0, INT32_MAX - 2};

	size = INTENT_HEADER_BYTES;
	memset(bytes, 0, sizeof(bytes));
	for (int i = 0; i < BATCHES; i++) {
		for (int p = 0; p < PARTITIONS; p++)
			put_frame(p, i, (int32_t)(((int64_t)sequences[p] + 2 * i) & INT32_MAX));
	}
	*f = (struct intent_file){.producer_id = 77, .records = 12, .targets = targets, .count = PARTITIONS};
	for (int p = 0; p < PARTITIONS; p++) {
		targets[p] = (struct intent_target){.partition = p == 0 ? 1 : 4,
		    .base_sequence = sequences[p],
		    .records = 6,
		    .bytes = (int64_t)(size - INTENT_HEADER_BYTES) / PARTITIONS - BATCHES * INTENT_FRAME_BYTES,
		    .first = (int64_t)places[p][0],
		    .synced = 5};
		intent_encode_target(bytes + size + (size_t)p * INTENT_TARGET_BYTES, &targets[p]);
	}
	f->size = (int64_t)size + TABLE_BYTES;
	intent_encode_header(bytes, f, bytes + size);
	size += TABLE_BYTES;
}

/* Header and table again, with what the test changed in them. */
static void
seal(const struct intent_file *f)
{
	for (size_t p = 0; p < f->count; p++)
		intent_encode_target(bytes + f->size - (int64_t)((f->count - p) * INTENT_TARGET_BYTES), &f->targets[p]);
	intent_encode_header(bytes, f, bytes + f->size - (int64_t)(f->count * INTENT_TARGET_BYTES));
}

/* Read all of it; STATUS_END if that is well. */
static int
read_file(size_t len)
{
	struct buf batch = BUF_EMPTY;
	struct intent_cursor c;
	struct intent_file f;
	struct batch_header h;
	int fd, rc;

	unit_write(NAME, bytes, len);
	assert_ok(file_open_read(AT_FDCWD, NAME, &fd));
	if ((rc = intent_file_read(fd, NAME, &f)) == STATUS_OK) {
		rc = STATUS_END;
		for (size_t i = 0; i < f.count && rc == STATUS_END; i++) {
			intent_cursor_init(&c, &f.targets[i]);
			while ((rc = intent_cursor_next(&c, fd, NAME, &f, &batch, &h)) == STATUS_OK)
				assert_int_equal(batch_bytes(&h), batch.len);
		}
		intent_file_free(&f);
	}
	buf_free(&batch);
	assert_ok(file_close(fd, NAME));
	return rc;
}

static void
test_a_whole_one_is_read(void **state)
{
	struct intent_target targets[PARTITIONS];
	struct intent_file f;

	(void)state;
	make(&f, targets);
	assert_int_equal(read_file(size), STATUS_END);
}

static void
test_every_truncation_is_refused(void **state)
{
	struct intent_target targets[PARTITIONS];
	struct intent_file f;

	(void)state;
	make(&f, targets);
	for (size_t len = 0; len < size; len++)
		assert_int_equal(read_file(len), STATUS_CORRUPT);
	assert_int_equal(read_file(size + 1), STATUS_CORRUPT);
}

/* Base offset and leader epoch of a batch mean nothing here: no CRC covers them, and they are set when it is applied. */
static bool
means_nothing(size_t at)
{
	for (int i = 0; i < BATCHES; i++) {
		for (int p = 0; p < PARTITIONS; p++) {
			size_t batch = places[p][i] + INTENT_FRAME_BYTES;

			if ((at >= batch && at < batch + 8) || (at >= batch + 12 && at < batch + 16))
				return true;
		}
	}
	return false;
}

static void
test_every_flipped_bit_is_refused(void **state)
{
	struct intent_target targets[PARTITIONS];
	struct intent_file f;

	(void)state;
	make(&f, targets);
	for (size_t at = 0; at < size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			int rc;

			bytes[at] ^= (uint8_t)(1 << bit);
			rc = read_file(size);
			if (rc != STATUS_CORRUPT && !(rc == STATUS_END && means_nothing(at)))
				fail_msg("bit %d at %zu: status %d", bit, at, rc);
			bytes[at] ^= (uint8_t)(1 << bit);
		}
	}
}

/* What has right CRCs and is none of ours. */
static void
test_hostile_tables(void **state)
{
	struct intent_target targets[PARTITIONS], good[PARTITIONS];
	struct intent_file f;

	(void)state;
	for (int i = 0; i < 11; i++) {
		make(&f, targets);
		memcpy(good, targets, sizeof(good));
		switch (i) {
		case 0:
			targets[1].partition = 1;
			break;
		case 1:
			targets[0].partition = -1;
			break;
		case 2:
			targets[0].records = 7;
			f.records = 13;
			break;
		case 3:
			targets[0].records = INTENT_MAX_RECORDS + 1;
			f.records = INTENT_MAX_RECORDS + 7;
			break;
		case 4:
			targets[0].first = INT64_MAX;
			break;
		case 5:
			targets[0].first = (int64_t)places[0][1];
			break;
		case 6:
			targets[0].bytes--;
			break;
		case 7:
			targets[1].base_sequence = -1;
			break;
		case 8:
			f.records++;
			break;
		case 9:
			f.producer_id++;
			break;
		case 10: /* its frames are the other's */
			targets[0].first = targets[1].first;
			break;
		}
		seal(&f);
		assert_int_equal(read_file(size), STATUS_CORRUPT);
	}
	/* A chain that runs backwards would never end. */
	make(&f, targets);
	be64enc(bytes + places[0][1], places[0][0]);
	assert_int_equal(read_file(size), STATUS_CORRUPT);
	be64enc(bytes + places[0][1], INT64_MAX);
	assert_int_equal(read_file(size), STATUS_CORRUPT);
}

static void
test_it_is_shown(void **state)
{
	struct intent_target targets[PARTITIONS];
	struct intent_file f;

	(void)state;
	make(&f, targets);
	unit_write(NAME, bytes, size);
	assert_ok(dump_run(dump_intent, PRINT_TSV, NAME, DUMP_UNKNOWN));
	dump_assert_has("out", "\t1\t6\t3\t");
	dump_assert_has("out", "\t4\t6\t3\t");
	dump_assert_has("out", "\t77\t0\t2147483645\t");
	dump_without_memory(dump_intent, PRINT_TEXT, NAME, DUMP_UNKNOWN);
	bytes[places[1][2] + 60] ^= 1;
	unit_write(NAME, bytes, size);
	assert_status(dump_run(dump_intent, PRINT_TSV, NAME, DUMP_UNKNOWN), STATUS_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_whole_one_is_read),
	    unit_test(test_every_truncation_is_refused),
	    unit_test(test_every_flipped_bit_is_refused),
	    unit_test(test_hostile_tables),
	    unit_test(test_it_is_shown),
	};

	return unit_run(tests);
}

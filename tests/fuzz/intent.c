/*
 * intent: any bytes as the file of a committed set; and once more with a size and checksums that are right, so that table and frames are read.
 */
#include "fuzz.h"

#include <bsd/sys/endian.h>
#include <err.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "store/intent_file.h"

#define MOST_TARGETS 4
#define COUNT_AT 12
#define SIZE_AT 40
#define TABLE_CRC_AT 56
#define CRC_AT 60
/* Of a batch: its length, and what its CRC covers. */
#define LENGTH_AT 8
#define BATCH_CRC_AT 17
#define COVERED_AT 21

static int fd = -1;

static void
put(const struct buf *b)
{
	if (fd < 0 && (fd = memfd_create("intent", MFD_CLOEXEC)) < 0)
		err(1, "memfd_create");
	EXPECT(ftruncate(fd, 0) == 0 && pwrite(fd, b->data, b->len, 0) == (ssize_t)b->len);
}

static void
walk(const struct intent_file *f, const struct intent_target *target)
{
	struct intent_cursor c;
	struct batch_header h;
	struct buf batch = BUF_EMPTY;
	int64_t before, steps = 0;

	intent_cursor_init(&c, target);
	for (;;) {
		before = c.position;
		if (intent_cursor_next(&c, fd, "input", f, &batch, &h) != STATUS_OK)
			break;
		/* It goes forward, and so it ends. */
		EXPECT(c.position == 0 || c.position > before);
		EXPECT(h.producer_id == f->producer_id && (int64_t)batch.len == batch_bytes(&h));
		EXPECT(++steps <= f->size / INTENT_FRAME_BYTES);
	}
	buf_free(&batch);
}

static bool
read_it(void)
{
	struct intent_file f = {.targets = NULL};
	int rc = intent_file_read(fd, "input", &f);

	EXPECT(rc == STATUS_OK || rc == STATUS_CORRUPT);
	if (rc == STATUS_OK) {
		EXPECT(f.count > 0);
		for (size_t i = 0; i < f.count; i++)
			walk(&f, &f.targets[i]);
	}
	intent_file_free(&f);
	return rc == STATUS_OK;
}

/* The checksums of the batches that the first frames of the table lead to. */
static void
seal_batches(struct buf *b, size_t table, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = be64dec(b->data + table + i * INTENT_TARGET_BYTES + 24);

		for (int frames = 0;
		     frames < 64 && at >= INTENT_HEADER_BYTES && at < table && table - at > INTENT_FRAME_BYTES + BATCH_HEADER_BYTES;
		     frames++) {
			uint8_t *batch = b->data + at + INTENT_FRAME_BYTES;
			uint64_t left = table - at - INTENT_FRAME_BYTES, len = (uint64_t)be32dec(batch + LENGTH_AT) + 12;

			if (len > COVERED_AT && len <= left)
				be32enc(batch + BATCH_CRC_AT, crc32c(batch + COVERED_AT, (size_t)len - COVERED_AT));
			at = be64dec(b->data + at);
		}
	}
}

/* What a disk would hardly come upon: all that is checked by a sum agrees. */
static bool
seal(struct buf *b)
{
	uint32_t count;
	size_t table;

	if (b->len < INTENT_HEADER_BYTES + INTENT_TARGET_BYTES)
		return false;
	count = 1 + b->data[COUNT_AT + 3] % MOST_TARGETS;
	if (b->len < INTENT_HEADER_BYTES + (size_t)count * INTENT_TARGET_BYTES)
		count = 1;
	table = b->len - count * INTENT_TARGET_BYTES;
	memcpy(b->data, "mqintent", 8);
	be32enc(b->data + 8, 1);
	be32enc(b->data + COUNT_AT, count);
	be64enc(b->data + SIZE_AT, b->len);
	seal_batches(b, table, count);
	be32enc(b->data + TABLE_CRC_AT, crc32c(b->data + table, count * INTENT_TARGET_BYTES));
	be32enc(b->data + CRC_AT, crc32c(b->data, CRC_AT));
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf b = fuzz_rest(&(struct fuzz_bytes){bytes, len});

	put(&b);
	(void)read_it();
	if (seal(&b)) {
		put(&b);
		(void)read_it();
	}
	status_clear();
	buf_free(&b);
	return 0;
}

/*
 * fill: makes a large partition in no time, with Kafka's files as mq writes them.
 *
 *	fill DIR SEGMENTS HOLES BATCHES LINES >places
 *
 * DIR is the folder of an empty partition. Each segment gets HOLES batches of 1 MiB, one record of zeros each, which are holes of the
 * file and take no room but for their headers, and in their middle BATCHES batches of LINES lines of 100 bytes. All of them are valid,
 * with ascending offsets and times, and both indexes have their entries. For each batch of lines its offset and its time are printed. The
 * topic's file `heads` knows nothing of it: replaced by a copy of itself it is not believed, and the next to open the partition recovers.
 * Recovery reads the last two segments and writes them again, so these get no holes.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "log/batch.h"
#include "log/head.h"
#include "log/index.h"
#include "log/segment.h"

#define HOLE_BYTES ((size_t)1 << 20)
#define HOLE_FRAME_BYTES 100 /* more than header and framing of a record; behind them are zeros only */
#define LINE_BYTES 100
#define INDEX_INTERVAL_BYTES 4096 /* the default of index.interval.bytes */

static const struct file_access access_ours = {.mode = 0600, .gid = (gid_t)-1};

struct fill {
	int dir, fd; /* the partition's folder, the segment's file */
	struct index_writer index;
	struct head_end end; /* of the segment, as an appender counts it */
	struct batch_builder hole, lines;
	int64_t time_ms;
};

static void
must(int rc)
{
	if (rc != STATUS_OK)
		errx(1, "%s", status_message());
}

static int64_t
number(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n > 1000000)
		errx(2, "%s: not a number from 0 to 1000000", text);
	return n;
}

/* `count` records of `len` bytes each, all of this time. */
static void
build(struct batch_builder *b, const uint8_t *bytes, size_t len, int64_t count, int64_t time_ms)
{
	struct record r = {.timestamp_ms = time_ms, .key_len = -1, .value = bytes, .value_len = (int32_t)len};

	batch_builder_reset(b);
	while (count-- > 0)
		must(batch_add(b, &r));
	batch_seal(b);
}

/* Append the batch, of which the bytes behind the first `some` are zeros. */
static void
append(struct fill *f, struct batch_builder *b, size_t some)
{
	struct batch_header h;

	batch_set_place(b->bytes.data, f->end.end_offset, 0);
	must(batch_decode_header(b->bytes.data, &h));
	must(file_write_at(f->fd, "segment", b->bytes.data, some, f->end.end_position));
	must(index_writer_note(&f->index, &f->end, &h, f->end.end_position, INDEX_INTERVAL_BYTES));
	f->end.end_position += (int64_t)b->bytes.len;
	f->end.end_offset = batch_end_offset(&h);
}

static void
append_holes(struct fill *f, int64_t count)
{
	static const uint8_t zeros[HOLE_BYTES - HOLE_FRAME_BYTES];

	while (count-- > 0) {
		build(&f->hole, zeros, sizeof(zeros), 1, f->time_ms++);
		append(f, &f->hole, HOLE_FRAME_BYTES);
	}
}

/* Says where they are. */
static void
append_lines(struct fill *f, int64_t batches, int64_t lines)
{
	uint8_t line[LINE_BYTES];

	memset(line, 'x', sizeof(line));
	while (batches-- > 0) {
		(void)printf("%lld %lld\n", (long long)f->end.end_offset, (long long)f->time_ms);
		build(&f->lines, line, sizeof(line), lines, f->time_ms++);
		append(f, &f->lines, f->lines.bytes.len);
	}
}

static void
fill_segment(struct fill *f, int64_t holes, int64_t batches, int64_t lines)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(name, f->end.end_offset, SUFFIX_LOG);
	must(file_remove(f->dir, name));
	must(file_create(f->dir, name, &access_ours, &f->fd));
	head_empty_end(&f->end, f->end.end_offset);
	append_holes(f, holes / 2);
	append_lines(f, batches, lines);
	append_holes(f, holes - holes / 2);
	must(index_writer_finish(&f->index, &f->end));
	must(file_truncate(f->fd, name, f->end.end_position));
	must(file_close(f->fd, name));
}

int
main(int argc, char **argv)
{
	struct fill f = {0};
	int64_t segments;

	if (argc != 6)
		errx(2, "usage: fill DIR SEGMENTS HOLES BATCHES LINES");
	segments = number(argv[2]);
	must(dir_open_path(argv[1], &f.dir));
	index_writer_init(&f.index, f.dir, &access_ours);
	batch_builder_init(&f.hole, 2 * HOLE_BYTES);
	batch_builder_init(&f.lines, 2 * HOLE_BYTES);
	head_empty_end(&f.end, 0);
	/* An hour ago, and a millisecond for each batch: no segment is so old that it must be closed. */
	f.time_ms = clock_wall_ms() - 3600000;
	while (segments-- > 0)
		fill_segment(&f, segments < 2 ? 0 : number(argv[3]), number(argv[4]), number(argv[5]));
	index_writer_close(&f.index);
	batch_builder_free(&f.hole);
	batch_builder_free(&f.lines);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}

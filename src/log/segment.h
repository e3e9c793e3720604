/*
 * segment: the files of a partition's folder by name, and a scanner that walks the batches of one.
 */
#ifndef LOG_SEGMENT_H
#define LOG_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/batch.h"

/* "%020lld" and a suffix of format.h; name has SEGMENT_NAME_BYTES. */
void segment_name(char *name, int64_t base, const char *suffix);
/* The base of a name with this suffix; false if it is no such name. */
bool segment_parse_name(const char *name, const char *suffix, int64_t *base);

/* The bases of all segments of a folder, ascending. */
struct segment_list {
	int64_t *bases;
	size_t count;
};

int segment_list_read(int dir, struct segment_list *) MUST_USE;
void segment_list_free(struct segment_list *);
/* The index of the segment that holds `offset`: the last whose base is at or below it; 0 if there is none. The list is not empty. */
size_t segment_list_find(const struct segment_list *, int64_t offset);

/* Bytes of a segment's log; STATUS_MISSING if there is none. */
int segment_size(int dir, int64_t base, int64_t *size) MUST_USE;
/* The bytes of the logs of all segments before the one with this base. */
int segment_bytes_before(int dir, int64_t base, int64_t *bytes) MUST_USE;

/* Walks the batches of an open segment file by large reads. */
struct segment_scanner {
	int fd;
	char name[SEGMENT_NAME_BYTES];
	int64_t base;
	int64_t position;     /* of the next batch */
	int64_t limit;	      /* bytes; the scanner ends here */
	int64_t least_offset; /* that the next batch may begin with */
	struct buf window;    /* bytes from window_position on */
	int64_t window_position;
	size_t read_bytes; /* how much one read asks for */
};

/* The descriptor stays the caller's. limit: usually the file's size. */
void segment_scanner_init(struct segment_scanner *, int fd, int64_t base, int64_t position, int64_t limit);
void segment_scanner_free(struct segment_scanner *);
/* Go on at another position or up to another limit; what was read stays in use if it still fits. */
void segment_scanner_seek(struct segment_scanner *, int64_t position);
void segment_scanner_set_limit(struct segment_scanner *, int64_t limit);
/* Forget what was read: the file may have changed. */
void segment_scanner_drop(struct segment_scanner *);

/*
 * The next whole batch, its header decoded and its CRC checked; *bytes is valid until the next call. The position moves behind it.
 * STATUS_END exactly at the limit. STATUS_CORRUPT if no valid batch begins here, it runs over the limit, or its base offset, which no
 * CRC covers, is below the segment's or where the batch before it ended; the message names file, position and reason, the position
 * stays. STATUS_CONFIG: magic 0 or 1.
 */
int segment_scanner_next(struct segment_scanner *, struct batch_header *, const uint8_t **bytes) MUST_USE;

/*
 * For who wants few of the batches: the header of the next one, whose CRC is not checked, and the position stays; then either _next, or
 * _pass, which goes behind it, unread if it is large: set read_bytes to BATCH_HEADER_BYTES, so that the first is not read either. Statuses of
 * segment_scanner_next.
 */
int segment_scanner_peek(struct segment_scanner *, struct batch_header *) MUST_USE;
void segment_scanner_pass(struct segment_scanner *, const struct batch_header *);

#endif

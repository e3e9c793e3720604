/*
 * flaw: what is wrong with a file of a partition, as verify.h finds it and mend.h sets it right.
 */
#ifndef LOG_FLAW_H
#define LOG_FLAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

#define FLAW_FILE_BYTES 256

enum flaw_kind {
	/* Of the log. */
	FLAW_BAD,    /* bytes that are no valid batch */
	FLAW_HEADER, /* a valid batch whose base offset, length, magic or leader epoch, outside of its CRC, is not what it must be */
	FLAW_GAP,    /* no batch holds these offsets, and nothing lies in their place */
	FLAW_SHORT,  /* the log ends before its end */
	FLAW_TORN,   /* bytes at the end that recovery will cut off */
	FLAW_NAME,   /* a segment whose batches begin before its name says */
	FLAW_CODEC,  /* records that could not be looked at: their codec is not installed */
	/* Beside it. */
	FLAW_INDEX,	       /* .index, .timeindex or .txnindex says what is not so */
	FLAW_SNAPSHOT,	       /* not valid */
	FLAW_EPOCHS,	       /* leader-epoch-checkpoint is not valid, or says what is not so */
	FLAW_METADATA,	       /* partition.metadata names another topic, or is not valid */
	FLAW_INDEX_MISSING,    /* no harm */
	FLAW_EPOCHS_MISSING,   /* no harm */
	FLAW_METADATA_MISSING, /* no harm */
	FLAW_LEFTOVER,	       /* what a killed process left and nobody will use */
	FLAW_OLD,	       /* segments that a trim, or a compaction, did not come to unlink: mq-gc does */
	FLAW_UNKNOWN	       /* not ours */
};

struct flaw {
	enum flaw_kind kind;
	char file[FLAW_FILE_BYTES]; /* its name in the partition's folder */
	int64_t base;		    /* of the segment, -1 none */
	int64_t position, end;	    /* bytes [position, end); -1 all of the file */
	int64_t offset;		    /* where the log stood; -1 none */
	int64_t from, to;	    /* the offsets [from, to) are lost; -1 none */
	int64_t base_offset;	    /* FLAW_HEADER: what they must be; the length is that of the bytes */
	int32_t leader_epoch;
	char why[256];
};

struct flaw_list {
	struct flaw *items;
	size_t count, cap;
};

/* Is it damage? The others are told, and some set right, but harm nobody. */
bool flaw_is_damage(enum flaw_kind);
/* Its name, one word, as mq-fsck shows it. */
const char *flaw_name(enum flaw_kind);

/* A copy is added; the file's name is that of the segment `base` with a suffix of format.h. */
int flaw_add(struct flaw_list *, const struct flaw *) MUST_USE;
/* A flaw of a whole file. */
int flaw_add_file(struct flaw_list *, enum flaw_kind, const char *file, int64_t base, const char *why) MUST_USE;
void flaw_list_free(struct flaw_list *);
size_t flaw_damage_count(const struct flaw_list *);

#endif

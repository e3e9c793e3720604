/*
 * head: the topic's mapped file `heads`: page 0 is the topic's, page 1+p partition p's.
 *
 * It is how processes see each other's work without a message: a producer publishes an end by filling the slot that is not in use
 * and raising a counter, a reader loads counter, slot and counter again. mq-format(5) HEADS has the layout and says which lock guards
 * which word; its byte order is the host's, because a mapping is of one host and one boot. The file never shrinks.
 *
 * A store into the mapping may raise SIGBUS when a copy-on-write disk is full: functions that store return STATUS_AGAIN then, and
 * have changed nothing that others can see. Those that return nothing do nothing then.
 */
#ifndef LOG_HEAD_H
#define LOG_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/wait.h"

#define HEAD_NAME "heads"
#define HEAD_PAGE_BYTES 4096

/* What publication says of a partition's end. Positions and sizes are bytes, offsets are absolute. */
struct head_end {
	int64_t segment_base;	      /* the active segment */
	int64_t last_position;	      /* where the last batch begins; -1: the segment is empty */
	int64_t end_position;	      /* the segment's size as far as it is published */
	int64_t end_offset;	      /* the log end offset */
	int64_t producer_id;	      /* of the last batch, -1 none */
	int64_t max_timestamp_ms;     /* greatest in the active segment, -1 none */
	int64_t max_timestamp_offset; /* the last offset of the batch that has it */
	int64_t first_timestamp_ms;   /* of the active segment's first batch, -1 none: segment.ms counts from it */
	int32_t leader_epoch;	      /* of the last batch, -1 none */
	int32_t last_sequence;
	int32_t producer_epoch;
	uint32_t index_pending_bytes; /* since the last index entry */
	uint32_t index_count;	      /* entries of the active segment's .index */
	uint32_t timeindex_count;
};

/* Values of the poison word. */
enum head_poison {
	HEAD_SOUND = 0,
	HEAD_UNSYNCED = 1,  /* an fdatasync failed; the next opener writes again what may be lost */
	HEAD_READ_ONLY = 2, /* and failed again */
	HEAD_DAMAGED = 3,   /* recovery found a bad batch before the durable point */
};

struct head;

/* Make `heads` with `partitions` empty partitions of this boot, synced; the folder is not synced. */
int head_create(int dir, const struct file_access *, int partitions, bool synced_only) MUST_USE;
/*
 * Make a file that head_open refuses, or that is not there, one that counts so many partitions: in place, because others may have it mapped.
 * Pages that are whole stay; of the others nothing is known afterwards: they have no end. A file that was another's copy stays one. Synced;
 * the folder is not. Topic state lock.
 */
int head_restore(int dir, const struct file_access *, int partitions, bool synced_only, int32_t leader_epoch) MUST_USE;
/* Map it; read-only if writing is not permitted. STATUS_IO if it is no heads file. Reads this boot's id. */
int head_open(int dir, struct head **) MUST_USE;
void head_close(struct head *);
bool head_writable(const struct head *);

/* True if the file is the one that its topic page was written for, not a copy. */
bool head_is_original(const struct head *);
/* Make a copy an original: forget every page's boot and durable point, synced, then write the new identity, synced. Topic state lock. */
int head_adopt(struct head *) MUST_USE;

/* The topic's words. */
int head_partition_count(const struct head *);
/*
 * Write empty pages for partitions up to `count`, synced, not yet counted; pages that are there already stay what they are, because the
 * count that showed them may have been lost in a power cut and their partitions have been used. Topic state lock. `dir` is the topic's
 * folder.
 */
int head_add_pages(const struct head *, int dir, int count) MUST_USE;
/* Count them: durable on return. */
int head_set_partition_count(struct head *, int count) MUST_USE;
/* Map what was added. Pointers into the old mapping, bell words too, are dead. */
int head_remap(struct head *, int dir) MUST_USE;
/* True if more partitions are counted than are mapped. */
bool head_grew(const struct head *);
/* Waiting works on a read-only mapping, ringing is nothing there. */
const bell_word *head_bell(const struct head *);
void head_ring(struct head *);
/* The same for those who wait for a partition's sync slot: rung when one was dropped. */
const bell_word *head_slot_bell(const struct head *, int p);
void head_ring_slot(struct head *, int p);
/* The round robin's next partition (any number, take it modulo the count), and how far it moved on. */
uint64_t head_next_partition(const struct head *);
void head_advance_next_partition(struct head *, uint64_t by);
uint64_t head_config_version(const struct head *);
int head_bump_config_version(struct head *) MUST_USE;
int32_t head_leader_epoch(const struct head *);
int head_set_leader_epoch(struct head *, int32_t epoch) MUST_USE;
bool head_synced_only(const struct head *);
int head_set_synced_only(struct head *, bool on) MUST_USE;
/* How many committed sets may wait, at most; set and lowered under LOCK_BYTE_INTENTS. Durable on return of the latter. */
uint64_t head_intents(const struct head *);
int head_set_intents(struct head *, uint64_t count) MUST_USE;
bool head_dead(const struct head *);
int head_set_dead(struct head *) MUST_USE;
/* Is it dead because head_set_dead was called? */
bool head_is_marked_dead(const struct head *);
/* The topic lives, so many intents may wait, and the leader epoch is this one: durable on return. Topic state lock. */
int head_reset_topic(struct head *, int32_t leader_epoch, uint64_t intents) MUST_USE;

/* A partition's words. p is below head_partition_count of the mapping. */
bool head_of_this_boot(const struct head *, int p);
uint64_t head_generation(const struct head *, int p);
/* The published end; false if both slots are torn or garbage. */
bool head_end(const struct head *, int p, struct head_end *);
/* Publish: append lock held. */
int head_publish(struct head *, int p, const struct head_end *) MUST_USE;
/* -1: unknown (a copied store). */
int64_t head_synced_end(const struct head *, int p);
/* Raise synced_end to `offset` unless it is higher; a sync slot is held. */
int head_raise_synced_end(struct head *, int p, int64_t offset) MUST_USE;
int64_t head_log_start(const struct head *, int p);
/* Raise log_start and sync the page: durable on return. */
int head_raise_log_start(struct head *, int p, int64_t offset) MUST_USE;
/* Below this offset some may be missing, because compaction took them out; at or above it a gap is damage. 0: nowhere. */
int64_t head_gap_end(const struct head *, int p);
/* Raise it and sync the page, before a log with such gaps takes the place of one without: durable on return. */
int head_raise_gap_end(struct head *, int p, int64_t offset) MUST_USE;
/* Compaction has been over what lies below. It never falls; 0 or too low only makes compaction look at more. */
int64_t head_clean_end(const struct head *, int p);
int head_raise_clean_end(struct head *, int p, int64_t offset) MUST_USE;
/*
 * The bytes of all segments before the active one, for max.bytes. Whoever dies between a change of the files and of this word leaves it too
 * high, never too low; retention_count_closed (retention.h) makes it right. Not synced.
 */
int64_t head_closed_bytes(const struct head *, int p);
int head_add_closed_bytes(struct head *, int p, int64_t bytes) MUST_USE;
int head_set_closed_bytes(struct head *, int p, int64_t bytes) MUST_USE;
enum head_poison head_poison(const struct head *, int p);
/* Poison it unless it is worse already. */
int head_raise_poison(struct head *, int p, enum head_poison) MUST_USE;
/* HEAD_UNSYNCED becomes HEAD_SOUND; anything worse stays. */
int head_heal(struct head *, int p) MUST_USE;
int32_t head_fenced_epoch(const struct head *, int p);
/* The process that holds the append lock, or died holding it: 0 none. */
int64_t head_appender(const struct head *, int p);
int head_set_appender(struct head *, int p, bool on) MUST_USE;

/*
 * Rebuild a page; append and all sync slots held. begin: the generation turns odd; set_synced_end: durable on return; finish: the end,
 * synced_end and poison are written, the generation turns even, the page is synced, then the boot id, synced.
 */
int head_rebuild_begin(struct head *, int p) MUST_USE;
int head_set_synced_end(struct head *, int p, int64_t offset) MUST_USE;
int head_rebuild_finish(struct head *, int p, const struct head_end *, int64_t synced_end, enum head_poison) MUST_USE;

/*
 * Forget what a page of garbage says, but for these two: it is of no boot and has no durable point, so that recovery finds its end. Durable on
 * return; append and all sync slots held.
 */
int head_forget_page(struct head *, int p, int64_t log_start, int64_t gap_end) MUST_USE;

/* The words of a slot (head_page.h). Whatever they are, the end says something; it means something if their CRC is right. */
bool head_end_is_valid(const uint64_t *words);
void head_decode_end(const uint64_t *words, struct head_end *);

/* The end of an empty partition whose log begins at `offset`. */
void head_empty_end(struct head_end *, int64_t offset);

#endif

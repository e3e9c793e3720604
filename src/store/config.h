/*
 * config: a topic's settings: Kafka's names, ranges and meanings (KIP-4 topic configs, Kafka 3.9), and our own. The table of what may be
 * set stands in config.c; a setting that does nothing yet is refused by name.
 *
 * The text of the topic's file `config` (keyvalue.h): topic.id, partitions, replication.factor, and each setting that was given, as
 * numbers and words, so that a default which changes in a later version changes for topics that never asked.
 */
#ifndef STORE_CONFIG_H
#define STORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/file.h"
#include "log/partition.h"

#define TOPIC_MAX_PARTITIONS 100000
#define TOPIC_ID_BYTES 24 /* 22 characters of Kafka's base64 Uuid and a NUL */
#define CONFIG_VALUE_BYTES 64
#define CONFIG_MAX_BYTES 65536 /* no `config` file of ours is longer */

#define GROUP_NAME_BYTES 33 /* Linux has group names of up to 32 characters */
#define COMPRESSION_PRODUCER (-1)

struct config {
	char topic_id[TOPIC_ID_BYTES];
	int partitions;
	int replication_factor;
	struct log_settings log;
	int compression;	      /* enum codec of every batch, or COMPRESSION_PRODUCER: as its producer wishes */
	mode_t mode;		      /* of the topic's files; a folder has x where it has r or w */
	char group[GROUP_NAME_BYTES]; /* of the topic's files, "" as the maker's */
	uint64_t given;		      /* bit i: setting i of the table was given, not defaulted */
};

/* All defaults, a new random topic id, replication factor 1. */
void config_init(struct config *, int partitions);

/* Is it a Kafka Uuid, 22 characters of URL-safe base64? STATUS_CONFIG if not, and for the one of zeros, which Kafka reserves. */
int config_check_topic_id(const char *id) MUST_USE;

/* How many in all. STATUS_CONFIG if it is not from 1 to TOPIC_MAX_PARTITIONS. */
int config_set_partitions(struct config *, int64_t count) MUST_USE;
/* STATUS_CONFIG unless it is 1: copies on other nodes are not supported yet. */
int config_set_replication_factor(struct config *, int64_t factor) MUST_USE;

/*
 * Set one `key` to the text `value`, as a user gives it (sizes, durations). STATUS_CONFIG for an unknown key (with the nearest known), a
 * value out of range (with the range), a setting that does nothing yet; the config is unchanged then.
 */
int config_set(struct config *, const char *key, const char *value) MUST_USE;
/* Back to its default; no error if it has it. STATUS_CONFIG as above for a key that config_set would not take. */
int config_unset(struct config *, const char *key) MUST_USE;

/* What new files of the topic get, by mode and group. STATUS_CONFIG if there is no such group. */
int config_access(const struct config *, struct file_access *) MUST_USE;

/*
 * A part of max.bytes, for one partition: no segment is larger, nor is a batch of several records, so that room comes back part by part;
 * INT64_MAX without max.bytes. config_of_log: the settings that a partition's log goes by.
 */
int64_t config_part_bytes(const struct config *) MUST_USE;
struct log_settings config_of_log(const struct config *);

/* The file's text, appended to the buf: all that was given. */
int config_encode(const struct config *, struct buf *) MUST_USE;
/* STATUS_CONFIG naming the line, or what is missing, if it cannot be understood; the caller puts the file's path before it. */
int config_decode(const struct buf *, struct config *) MUST_USE;

/*
 * The i-th setting, in alphabetical order, as numbers and words: false behind the last. `value` has CONFIG_VALUE_BYTES. *given: not the
 * default because somebody set it (it may be the same as the default).
 */
bool config_entry(const struct config *, size_t i, const char **key, char *value, bool *given);

#endif

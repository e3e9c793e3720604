/*
 * layout: makes what a topic's folder holds: `config`, `state`, `lock`, `heads`, and a folder for each partition. mq-format(5) TOPIC.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "base/file.h"
#include "store/config.h"

#define TOPIC_CONFIG_FILE "config"
#define TOPIC_LOCK_FILE "lock"
#define NAMED_FOLDER "ids"
#define NAMED_LOCK_SUFFIX ".lock"
#define INTENTS_FOLDER "intents"
#define SPOOLS_FOLDER "spools"
#define INTENT_SUFFIX ".intent"
#define PARTITION_NAME_BYTES 260

/* "orders-3". */
void layout_partition_name(char name[PARTITION_NAME_BYTES], const char *topic, int p);

/*
 * What the lock of a named producer gets: who may write to the topic may take it and read in it who holds it; who may only read gets
 * nothing, because a read lock of his would keep the producer out.
 */
struct file_access layout_named_lock_access(const struct file_access *);

/* Read the topic's settings from its folder. */
int layout_read_config(int dir, struct config *) MUST_USE;
/* Durable on return. Topic state lock. */
int layout_write_config(int dir, const struct file_access *, const struct config *) MUST_USE;

/* Give the topic's folder and all in it this access: what a new topic with it would have. Durable on return. Topic state lock. */
int layout_give_access(int topics, const char *topic, const struct file_access *) MUST_USE;

/* Fill the empty folder `dir` of a new topic. Durable on return, but for the folder's own entry. */
int layout_make_topic(int dir, const char *topic, const struct file_access *, const struct config *) MUST_USE;

/* Its first file, `lock`, alone. */
int layout_make_lock(int dir, const struct file_access *) MUST_USE;

/* The folder of a partition with its partition.metadata and no segment; not synced. The caller closes *fd. */
int layout_make_folder(int dir, const char *name, const struct file_access *, const char *topic_id, int *fd) MUST_USE;

/* The folders of the partitions [from, to), each with an empty first segment; what is there of them stays. Durable on return. */
int layout_make_partitions(int dir, const char *topic, const struct file_access *, const char *topic_id, int from, int to) MUST_USE;

#endif

/*
 * checkpoint: Kafka's offset checkpoints, one file for all partitions in a folder of logs (OffsetCheckpointFile): "0", the number of
 * entries, then "TOPIC PARTITION OFFSET" lines.
 */
#ifndef LOG_CHECKPOINT_H
#define LOG_CHECKPOINT_H

#include <stdint.h>

#include "base/compat.h"

#define LOG_START_CHECKPOINT "log-start-offset-checkpoint"

/*
 * The offset of a partition in the checkpoint `name` of the folder `dir`; -1 if it is not named, or there is no such file. STATUS_IO if it
 * cannot be understood.
 */
int checkpoint_find(int dir, const char *name, const char *topic, int partition, int64_t *offset) MUST_USE;

#endif

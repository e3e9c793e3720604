/*
 * partitioner: which partition a key goes to: as Kafka's Java client decides, murmur2 with its seed (org.apache.kafka.common.utils.Utils),
 * the sign bit dropped, modulo the partitions.
 */
#ifndef STORE_PARTITIONER_H
#define STORE_PARTITIONER_H

#include <stddef.h>
#include <stdint.h>

/* `key` may be NULL when len is 0. */
int32_t murmur2(const uint8_t *key, size_t len);
/* 0 to partitions - 1; there is at least one partition. A null key has no place here: it goes round robin. */
int partition_of_key(const uint8_t *key, size_t len, int partitions);

#endif

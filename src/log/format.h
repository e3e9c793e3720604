/*
 * format: where the bytes of Kafka's files lie. mq-format(5) describes them; the numbers stand here only.
 *
 * All integers are big-endian unless they are varints (base/varint.h). Sources: Apache Kafka, "Message Format" of its
 * documentation (record batch, magic 2; KIP-98), OffsetIndex, TimeIndex, ProducerStateManager, OffsetCheckpointFile and
 * LeaderEpochCheckpointFile of its source for the files beside the log.
 */
#ifndef LOG_FORMAT_H
#define LOG_FORMAT_H

#include <stdint.h>

/* Record batch. The CRC32C covers all bytes from the attributes to the end: base offset and leader epoch are outside. */
#define BATCH_BASE_OFFSET_AT 0	      /* int64 */
#define BATCH_LENGTH_AT 8	      /* int32: bytes behind this field */
#define BATCH_LEADER_EPOCH_AT 12      /* int32 */
#define BATCH_MAGIC_AT 16	      /* int8 */
#define BATCH_CRC_AT 17		      /* uint32 */
#define BATCH_ATTRIBUTES_AT 21	      /* int16 */
#define BATCH_LAST_OFFSET_DELTA_AT 23 /* int32 */
#define BATCH_BASE_TIMESTAMP_AT 27    /* int64, ms */
#define BATCH_MAX_TIMESTAMP_AT 35     /* int64, ms */
#define BATCH_PRODUCER_ID_AT 43	      /* int64, -1 none */
#define BATCH_PRODUCER_EPOCH_AT 51    /* int16, -1 none */
#define BATCH_BASE_SEQUENCE_AT 53     /* int32, -1 none */
#define BATCH_RECORD_COUNT_AT 57      /* int32 */
#define BATCH_HEADER_BYTES 61	      /* the records follow */
#define BATCH_PREFIX_BYTES 12	      /* base offset and length: a batch takes 12 + length bytes */
#define BATCH_MAGIC 2

#define BATCH_CODEC_MASK 0x0007
#define BATCH_APPEND_TIME 0x0008
#define BATCH_TRANSACTIONAL 0x0010
#define BATCH_CONTROL 0x0020
#define BATCH_DELETE_HORIZON 0x0040

/* The record of a control batch. Key: int16 version, int16 type. A commit's or abort's value: int16 version, int32 coordinator epoch. */
#define CONTROL_TYPE_AT 2
#define CONTROL_KEY_BYTES 4
#define CONTROL_COORDINATOR_EPOCH_AT 2
#define CONTROL_VALUE_BYTES 6
#define CONTROL_ABORT 0
#define CONTROL_COMMIT 1

/* Kafka's own limit: sizes and positions in a segment are int32. */
#define BATCH_MAX_BYTES INT32_MAX
#define SEGMENT_MAX_BYTES INT32_MAX

/* .index: int32 last offset of a batch less the segment's base, int32 position of that batch. */
#define INDEX_ENTRY_BYTES 8
/* .timeindex: int64 greatest timestamp so far, int32 last offset of its batch less the segment's base. */
#define TIMEINDEX_ENTRY_BYTES 12
/* .txnindex: Kafka's AbortedTxn: int16 version, then int64 producer id, first offset, last offset, last stable offset. */
#define TXNINDEX_ENTRY_BYTES 34
#define TXNINDEX_VERSION 0
/* A segment is closed when one of its indexes reaches Kafka's segment.index.bytes; the time index keeps a place for its last entry. */
#define INDEX_MAX_ENTRIES (10 * 1024 * 1024 / INDEX_ENTRY_BYTES)
#define TIMEINDEX_MAX_ENTRIES (10 * 1024 * 1024 / TIMEINDEX_ENTRY_BYTES - 1)

/* .snapshot: int16 version, uint32 CRC32C of what follows, int32 count, then the producers. */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_CRC_AT 2
#define SNAPSHOT_COUNT_AT 6
#define SNAPSHOT_HEADER_BYTES 10
#define SNAPSHOT_ENTRY_BYTES 46

/* File names: 20 digits and a suffix. */
#define SEGMENT_NAME_BYTES 40
#define SUFFIX_LOG ".log"
#define SUFFIX_INDEX ".index"
#define SUFFIX_TIMEINDEX ".timeindex"
#define SUFFIX_TXNINDEX ".txnindex"
#define SUFFIX_SNAPSHOT ".snapshot"
#define EPOCH_CHECKPOINT "leader-epoch-checkpoint"
#define PARTITION_METADATA "partition.metadata"

#endif

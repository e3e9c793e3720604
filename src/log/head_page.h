/*
 * head_page: the layout of a page of `heads`, for head.c, which changes it, and head_words.c, which shows it. mq-format(5) HEADS.
 */
#ifndef LOG_HEAD_PAGE_H
#define LOG_HEAD_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/wait.h"

/* "mqheads" and the layout's version; a host of another byte order reads another number. */
#define HEAD_MAGIC UINT64_C(0x017364616568716d)
#define SLOT_WORDS 12
#define SLOT_CRC_WORD 11

typedef _Atomic uint64_t word;

struct topic_page {
	uint64_t magic;
	uint64_t device, inode, birth_sec;
	word birth_nsec; /* written last when a copy is adopted */
	word partitions;
	word config_version;
	word leader_epoch;
	word synced_only;
	word intents;
	word dead;
	_Alignas(64) bell_word bell;
	_Alignas(64) word next_partition;
};

struct partition_page {
	word boot_id[2];
	word generation;
	word synced_end;
	word high_watermark;
	word log_start;
	word fenced_epoch;
	word poison;
	_Alignas(64) word counter;
	word appender;
	word gap_end;
	word clean_end;
	word closed_bytes;
	bell_word slot_bell;
	_Alignas(64) word slots[2][SLOT_WORDS];
};

#endif

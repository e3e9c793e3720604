/*
 * head_words: a page of `heads` word by word, for who shows it: from a copy of its bytes, whatever they are, without mapping the file.
 *
 * A copy of a page that is in use may be torn: read it until it is the same twice.
 */
#ifndef LOG_HEAD_WORDS_H
#define LOG_HEAD_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "log/head.h"

enum head_word_kind { HEAD_WORD_NUMBER, HEAD_WORD_HEX, HEAD_WORD_TIME, HEAD_WORD_UUID, HEAD_WORD_BOOL };

struct head_word {
	const char *name; /* "synced-end" */
	enum head_word_kind kind;
	int64_t value;	     /* HEAD_WORD_HEX: its bits; HEAD_WORD_TIME: ms, -1 none */
	const uint8_t *uuid; /* HEAD_WORD_UUID: 16 bytes, valid during the visit */
	int slot;	     /* 0 or 1 for the words of a published end, else -1 */
	const char *note;    /* what it says; NULL: nothing more */
};

typedef void head_word_visit(void *arg, const struct head_word *);

/* All words of the page, in its order. `page` has HEAD_PAGE_BYTES. */
void head_words_of_topic(const uint8_t *page, head_word_visit *, void *arg);
void head_words_of_partition(const uint8_t *page, head_word_visit *, void *arg);

/* How many partitions the topic's page counts, whether or not the file has so many; false if it is the page of no heads file. */
bool head_words_count(const uint8_t *topic_page, uint64_t *count);

/* What a page says of its partition. The end is set if the slot in use is valid. */
struct head_claim {
	bool has_end;
	struct head_end end;
	uint64_t generation;
	enum head_poison poison;
};

/*
 * The first four rules of mq-format(5) Trust: NULL if the page meets them, else why not. `own` is the file's identity, `boot_id` this
 * boot's (BOOT_ID_BYTES).
 */
const char *head_words_trust(const uint8_t *topic_page, const uint8_t *page, const struct file_identity *own,
    const uint8_t *boot_id, struct head_claim *);

#endif

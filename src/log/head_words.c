#include "log/head_words.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "log/head_page.h"

#define NOTE_BYTES 64

struct walk {
	head_word_visit *visit;
	void *arg;
	int slot;
};

static void
tell(const struct walk *w, const char *name, enum head_word_kind kind, uint64_t value, const char *note)
{
	struct head_word said = {.name = name, .kind = kind, .value = (int64_t)value, .slot = w->slot, .note = note};

	w->visit(w->arg, &said);
}

static void
tell_uuid(const struct walk *w, const char *name, const void *uuid)
{
	struct head_word said = {.name = name, .kind = HEAD_WORD_UUID, .uuid = uuid, .slot = w->slot};

	w->visit(w->arg, &said);
}

/* The structs tell where the words lie; a copy of a page need not be aligned as they are. */
#define TOPIC_WORD(page, name) word_at(page, offsetof(struct topic_page, name))
#define PARTITION_WORD(page, name) word_at(page, offsetof(struct partition_page, name))

static uint64_t
word_at(const uint8_t *page, size_t at)
{
	uint64_t value;

	memcpy(&value, page + at, sizeof(value));
	return value;
}

static uint32_t
bell_of(const uint8_t *page)
{
	uint32_t bell;

	memcpy(&bell, page + offsetof(struct topic_page, bell), sizeof(bell));
	return bell;
}

void
head_words_of_topic(const uint8_t *page, head_word_visit *visit, void *arg)
{
	struct walk w = {visit, arg, -1};
	uint64_t synced_only = TOPIC_WORD(page, synced_only), dead = TOPIC_WORD(page, dead);

	tell(&w, "magic", HEAD_WORD_HEX, TOPIC_WORD(page, magic),
	    TOPIC_WORD(page, magic) == HEAD_MAGIC ? NULL : "not of a heads file of this version and byte order");
	tell(&w, "device", HEAD_WORD_NUMBER, TOPIC_WORD(page, device), NULL);
	tell(&w, "inode", HEAD_WORD_NUMBER, TOPIC_WORD(page, inode), NULL);
	tell(&w, "birth-sec", HEAD_WORD_NUMBER, TOPIC_WORD(page, birth_sec), NULL);
	tell(&w, "birth-nsec", HEAD_WORD_NUMBER, TOPIC_WORD(page, birth_nsec), NULL);
	tell(&w, "partitions", HEAD_WORD_NUMBER, TOPIC_WORD(page, partitions), NULL);
	tell(&w, "config-version", HEAD_WORD_NUMBER, TOPIC_WORD(page, config_version), NULL);
	tell(&w, "leader-epoch", HEAD_WORD_NUMBER, TOPIC_WORD(page, leader_epoch), NULL);
	tell(&w, "synced-only", HEAD_WORD_NUMBER, synced_only, synced_only != 0 ? "fsync=always" : NULL);
	tell(&w, "intents", HEAD_WORD_NUMBER, TOPIC_WORD(page, intents), NULL);
	tell(&w, "dead", HEAD_WORD_NUMBER, dead, dead != 0 ? "the topic was deleted" : NULL);
	tell(&w, "bell", HEAD_WORD_NUMBER, bell_of(page), NULL);
	tell(&w, "next-partition", HEAD_WORD_NUMBER, TOPIC_WORD(page, next_partition), NULL);
}

/* The words of a slot, as it was loaded. */
static void
copy_slot(const uint8_t *page, size_t slot, uint64_t words[SLOT_WORDS])
{
	memcpy(words, page + offsetof(struct partition_page, slots) + slot * SLOT_WORDS * sizeof(*words),
	    SLOT_WORDS * sizeof(*words));
}

static void
tell_slot(const struct walk *w, const uint8_t *page)
{
	uint64_t words[SLOT_WORDS];
	struct head_end e;
	bool valid;

	copy_slot(page, (size_t)w->slot, words);
	head_decode_end(words, &e);
	valid = head_end_is_valid(words);
	tell(w, "segment-base", HEAD_WORD_NUMBER, (uint64_t)e.segment_base, NULL);
	tell(w, "last-position", HEAD_WORD_NUMBER, (uint64_t)e.last_position,
	    e.last_position == -1 ? "the segment is empty" : NULL);
	tell(w, "end-position", HEAD_WORD_NUMBER, (uint64_t)e.end_position, NULL);
	tell(w, "end-offset", HEAD_WORD_NUMBER, (uint64_t)e.end_offset, NULL);
	tell(w, "producer-id", HEAD_WORD_NUMBER, (uint64_t)e.producer_id, NULL);
	tell(w, "max-timestamp", HEAD_WORD_TIME, (uint64_t)e.max_timestamp_ms, NULL);
	tell(w, "max-timestamp-offset", HEAD_WORD_NUMBER, (uint64_t)e.max_timestamp_offset, NULL);
	tell(w, "first-timestamp", HEAD_WORD_TIME, (uint64_t)e.first_timestamp_ms, NULL);
	tell(w, "leader-epoch", HEAD_WORD_NUMBER, (uint64_t)(int64_t)e.leader_epoch, NULL);
	tell(w, "last-sequence", HEAD_WORD_NUMBER, (uint64_t)(int64_t)e.last_sequence, NULL);
	tell(w, "producer-epoch", HEAD_WORD_NUMBER, (uint64_t)(int64_t)e.producer_epoch, NULL);
	tell(w, "index-pending-bytes", HEAD_WORD_NUMBER, e.index_pending_bytes, NULL);
	tell(w, "index-count", HEAD_WORD_NUMBER, e.index_count, NULL);
	tell(w, "timeindex-count", HEAD_WORD_NUMBER, e.timeindex_count, NULL);
	tell(w, "crc", HEAD_WORD_HEX, words[SLOT_CRC_WORD], valid ? NULL : "does not match: the slot is torn, or was never filled");
	tell(w, "valid", HEAD_WORD_BOOL, valid, (PARTITION_WORD(page, counter) & 1) == (uint64_t)w->slot ? "in use" : NULL);
}

static const char *
poison_note(uint64_t poison)
{
	static const char *const notes[] = {
	    [HEAD_SOUND] = "sound",
	    [HEAD_UNSYNCED] = "a sync failed",
	    [HEAD_READ_ONLY] = "a sync failed again: read-only",
	    [HEAD_DAMAGED] = "recovery found damage: read-only",
	};

	return poison < COUNT_OF(notes) ? notes[poison] : "no such value";
}

void
head_words_of_partition(const uint8_t *page, head_word_visit *visit, void *arg)
{
	struct walk w = {visit, arg, -1};
	uint64_t generation = PARTITION_WORD(page, generation), poison = PARTITION_WORD(page, poison);
	uint64_t process = PARTITION_WORD(page, appender);
	char appender[NOTE_BYTES];

	(void)snprintf(appender, sizeof(appender), "process %u of user %u", (unsigned)(uint32_t)process, (unsigned)(process >> 32));
	tell_uuid(&w, "boot-id", page);
	tell(&w, "generation", HEAD_WORD_NUMBER, generation, generation % 2 != 0 ? "being rebuilt" : NULL);
	tell(&w, "synced-end", HEAD_WORD_NUMBER, PARTITION_WORD(page, synced_end), NULL);
	tell(&w, "high-watermark", HEAD_WORD_NUMBER, PARTITION_WORD(page, high_watermark), NULL);
	tell(&w, "log-start", HEAD_WORD_NUMBER, PARTITION_WORD(page, log_start), NULL);
	tell(&w, "fenced-epoch", HEAD_WORD_NUMBER, PARTITION_WORD(page, fenced_epoch), NULL);
	tell(&w, "poison", HEAD_WORD_NUMBER, poison, poison_note(poison));
	tell(&w, "counter", HEAD_WORD_NUMBER, PARTITION_WORD(page, counter), NULL);
	tell(&w, "appender", HEAD_WORD_NUMBER, process, process != 0 ? appender : NULL);
	tell(&w, "gap-end", HEAD_WORD_NUMBER, PARTITION_WORD(page, gap_end), NULL);
	tell(&w, "clean-end", HEAD_WORD_NUMBER, PARTITION_WORD(page, clean_end), NULL);
	tell(&w, "closed-bytes", HEAD_WORD_NUMBER, PARTITION_WORD(page, closed_bytes), NULL);
	for (w.slot = 0; w.slot < 2; w.slot++)
		tell_slot(&w, page);
}

bool
head_words_count(const uint8_t *topic_page, uint64_t *count)
{
	*count = TOPIC_WORD(topic_page, partitions);
	return TOPIC_WORD(topic_page, magic) == HEAD_MAGIC;
}

const char *
head_words_trust(const uint8_t *topic_page, const uint8_t *page, const struct file_identity *own, const uint8_t *boot_id,
    struct head_claim *claim)
{
	uint64_t words[SLOT_WORDS];

	copy_slot(page, (size_t)(PARTITION_WORD(page, counter) & 1), words);
	claim->has_end = head_end_is_valid(words);
	head_decode_end(words, &claim->end);
	claim->generation = PARTITION_WORD(page, generation);
	claim->poison = (enum head_poison)PARTITION_WORD(page, poison);
	if (TOPIC_WORD(topic_page, device) != own->device || TOPIC_WORD(topic_page, inode) != own->inode ||
	    TOPIC_WORD(topic_page, birth_sec) != own->birth_sec || TOPIC_WORD(topic_page, birth_nsec) != own->birth_nsec)
		return "the file is a copy: it has another device, inode or birth time";
	if (memcmp(page, boot_id, BOOT_ID_BYTES) != 0)
		return "it is of another boot";
	if (PARTITION_WORD(page, generation) % 2 != 0)
		return "it is being rebuilt: its generation is odd";
	return claim->has_end ? NULL : "the slot in use is not valid";
}

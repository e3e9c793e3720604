#include "log/head_words.h"

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

static void
load_topic(const uint8_t *page, struct topic_page *tp)
{
	memcpy((void *)tp, page, sizeof(*tp));
}

static void
load_partition(const uint8_t *page, struct partition_page *pp)
{
	memcpy((void *)pp, page, sizeof(*pp));
}

void
head_words_of_topic(const uint8_t *page, head_word_visit *visit, void *arg)
{
	struct walk w = {visit, arg, -1};
	struct topic_page tp;

	load_topic(page, &tp);
	tell(&w, "magic", HEAD_WORD_HEX, tp.magic,
	    tp.magic == HEAD_MAGIC ? NULL : "not of a heads file of this version and byte order");
	tell(&w, "device", HEAD_WORD_NUMBER, tp.device, NULL);
	tell(&w, "inode", HEAD_WORD_NUMBER, tp.inode, NULL);
	tell(&w, "birth-sec", HEAD_WORD_NUMBER, tp.birth_sec, NULL);
	tell(&w, "birth-nsec", HEAD_WORD_NUMBER, tp.birth_nsec, NULL);
	tell(&w, "partitions", HEAD_WORD_NUMBER, tp.partitions, NULL);
	tell(&w, "config-version", HEAD_WORD_NUMBER, tp.config_version, NULL);
	tell(&w, "leader-epoch", HEAD_WORD_NUMBER, tp.leader_epoch, NULL);
	tell(&w, "synced-only", HEAD_WORD_NUMBER, tp.synced_only, tp.synced_only != 0 ? "fsync=always" : NULL);
	tell(&w, "intents", HEAD_WORD_NUMBER, tp.intents, NULL);
	tell(&w, "dead", HEAD_WORD_NUMBER, tp.dead, tp.dead != 0 ? "the topic was deleted" : NULL);
	tell(&w, "bell", HEAD_WORD_NUMBER, tp.bell, NULL);
	tell(&w, "next-partition", HEAD_WORD_NUMBER, tp.next_partition, NULL);
}

/* The words of a slot, as it was loaded. */
static void
copy_slot(const struct partition_page *pp, int slot, uint64_t words[SLOT_WORDS])
{
	for (size_t i = 0; i < SLOT_WORDS; i++)
		words[i] = pp->slots[slot][i];
}

static void
tell_slot(const struct walk *w, const struct partition_page *pp)
{
	uint64_t words[SLOT_WORDS];
	struct head_end e;
	bool valid;

	copy_slot(pp, w->slot, words);
	head_page_decode_end(words, &e);
	valid = head_page_end_is_valid(words);
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
	tell(w, "valid", HEAD_WORD_BOOL, valid, (pp->counter & 1) == (uint64_t)w->slot ? "in use" : NULL);
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
	struct partition_page pp;
	char appender[NOTE_BYTES];

	load_partition(page, &pp);
	(void)snprintf(appender, sizeof(appender), "process %u of user %u", (unsigned)(uint32_t)pp.appender,
	    (unsigned)(pp.appender >> 32));
	tell_uuid(&w, "boot-id", page);
	tell(&w, "generation", HEAD_WORD_NUMBER, pp.generation, pp.generation % 2 != 0 ? "being rebuilt" : NULL);
	tell(&w, "synced-end", HEAD_WORD_NUMBER, pp.synced_end, NULL);
	tell(&w, "high-watermark", HEAD_WORD_NUMBER, pp.high_watermark, NULL);
	tell(&w, "log-start", HEAD_WORD_NUMBER, pp.log_start, NULL);
	tell(&w, "fenced-epoch", HEAD_WORD_NUMBER, pp.fenced_epoch, NULL);
	tell(&w, "poison", HEAD_WORD_NUMBER, pp.poison, poison_note(pp.poison));
	tell(&w, "counter", HEAD_WORD_NUMBER, pp.counter, NULL);
	tell(&w, "appender", HEAD_WORD_NUMBER, pp.appender, pp.appender != 0 ? appender : NULL);
	for (w.slot = 0; w.slot < 2; w.slot++)
		tell_slot(&w, &pp);
}

bool
head_words_count(const uint8_t *topic_page, uint64_t *count)
{
	struct topic_page tp;

	load_topic(topic_page, &tp);
	*count = tp.partitions;
	return tp.magic == HEAD_MAGIC;
}

const char *
head_words_trust(const uint8_t *topic_page, const uint8_t *page, const struct file_identity *own, const uint8_t *boot_id,
    struct head_claim *claim)
{
	uint64_t words[SLOT_WORDS];
	struct partition_page pp;
	struct topic_page tp;

	load_topic(topic_page, &tp);
	load_partition(page, &pp);
	copy_slot(&pp, (int)(pp.counter & 1), words);
	claim->has_end = head_page_end_is_valid(words);
	head_page_decode_end(words, &claim->end);
	claim->generation = pp.generation;
	claim->poison = (enum head_poison)pp.poison;
	if (tp.device != own->device || tp.inode != own->inode || tp.birth_sec != own->birth_sec ||
	    tp.birth_nsec != own->birth_nsec)
		return "the file is a copy: it has another device, inode or birth time";
	if (memcmp(page, boot_id, BOOT_ID_BYTES) != 0)
		return "it is of another boot";
	if (pp.generation % 2 != 0)
		return "it is being rebuilt: its generation is odd";
	return claim->has_end ? NULL : "the slot in use is not valid";
}

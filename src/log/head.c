#include "log/head.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fault.h"
#include "base/status.h"
#include "log/head_page.h"

#define SLOT_READ_TRIES 1000000
#define PAGES_A_WRITE 64
#define MAX_PARTITIONS 1000000

struct head {
	uint8_t *map;
	size_t map_bytes;
	int mapped_partitions;
	bool writable;
	bool original;
	uint64_t boot_id[2];
	uint64_t me; /* process and user, as `appender` has them */
	struct file_identity own;
};

_Static_assert(sizeof(struct topic_page) <= HEAD_PAGE_BYTES, "topic page");
_Static_assert(sizeof(struct partition_page) <= HEAD_PAGE_BYTES, "partition page");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");

/*
 * A store that the disk has no room for raises SIGBUS in the storing thread (mmap(2)). GUARD begins a function that stores, UNGUARD
 * ends its stores; GUARD_OR says what to do then.
 */
static sigjmp_buf bus_return;
static volatile sig_atomic_t bus_guarded;

static void
on_bus(int signal_number)
{
	if (bus_guarded)
		siglongjmp(bus_return, 1);
	(void)signal(signal_number, SIG_DFL); /* not ours: the access is tried again and ends the process */
}

#define GUARD_OR(no_room)                                  \
	do {                                               \
		if (sigsetjmp(bus_return, 0) != 0) {       \
			bus_guarded = 0;                   \
			no_room;                           \
		}                                          \
		bus_guarded = 1;                           \
		atomic_signal_fence(memory_order_seq_cst); \
	} while (0)
#define GUARD() GUARD_OR(return status_fail(STATUS_AGAIN, "%s: no room to write its page", HEAD_NAME))
#define UNGUARD()                                          \
	do {                                               \
		atomic_signal_fence(memory_order_seq_cst); \
		bus_guarded = 0;                           \
	} while (0)

static uint64_t
get(const word *w)
{
	return atomic_load_explicit(w, memory_order_acquire);
}

static void
put(word *w, uint64_t value)
{
	atomic_store_explicit(w, value, memory_order_release);
}

static struct topic_page *
topic_page(const struct head *h)
{
	return (struct topic_page *)(void *)h->map;
}

static struct partition_page *
page(const struct head *h, int p)
{
	return (struct partition_page *)(void *)(h->map + (size_t)(p + 1) * HEAD_PAGE_BYTES);
}

/* The two words that lie side by side in one. */
static uint64_t
pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static void
encode_end(const struct head_end *e, uint64_t words[SLOT_WORDS])
{
	words[0] = (uint64_t)e->segment_base;
	words[1] = (uint64_t)e->last_position;
	words[2] = (uint64_t)e->end_position;
	words[3] = (uint64_t)e->end_offset;
	words[4] = (uint64_t)e->producer_id;
	words[5] = (uint64_t)e->max_timestamp_ms;
	words[6] = (uint64_t)e->max_timestamp_offset;
	words[7] = (uint64_t)e->first_timestamp_ms;
	words[8] = pair((uint32_t)e->leader_epoch, (uint32_t)e->last_sequence);
	words[9] = pair((uint32_t)e->producer_epoch, e->index_pending_bytes);
	words[10] = pair(e->index_count, e->timeindex_count);
	words[SLOT_CRC_WORD] = crc32c(words, SLOT_CRC_WORD * sizeof(*words));
}

bool
head_end_is_valid(const uint64_t *words)
{
	return words[SLOT_CRC_WORD] == crc32c(words, SLOT_CRC_WORD * sizeof(*words));
}

void
head_decode_end(const uint64_t *words, struct head_end *e)
{
	e->segment_base = (int64_t)words[0];
	e->last_position = (int64_t)words[1];
	e->end_position = (int64_t)words[2];
	e->end_offset = (int64_t)words[3];
	e->producer_id = (int64_t)words[4];
	e->max_timestamp_ms = (int64_t)words[5];
	e->max_timestamp_offset = (int64_t)words[6];
	e->first_timestamp_ms = (int64_t)words[7];
	e->leader_epoch = (int32_t)(uint32_t)words[8];
	e->last_sequence = (int32_t)(uint32_t)(words[8] >> 32);
	e->producer_epoch = (int32_t)(uint32_t)words[9];
	e->index_pending_bytes = (uint32_t)(words[9] >> 32);
	e->index_count = (uint32_t)words[10];
	e->timeindex_count = (uint32_t)(words[10] >> 32);
}

void
head_empty_end(struct head_end *e, int64_t offset)
{
	*e = (struct head_end){
	    .segment_base = offset,
	    .last_position = -1,
	    .end_offset = offset,
	    .producer_id = -1,
	    .max_timestamp_ms = -1,
	    .max_timestamp_offset = -1,
	    .first_timestamp_ms = -1,
	    .leader_epoch = -1,
	    .last_sequence = -1,
	    .producer_epoch = -1,
	};
}

static int
read_boot_id(uint64_t id[2])
{
	uint8_t bytes[BOOT_ID_BYTES];
	int rc;

	if ((rc = clock_boot_id(bytes)) == STATUS_OK)
		memcpy(id, bytes, sizeof(bytes));
	return rc;
}

/* A page of an empty partition of this boot, at `bytes`. */
static void
fill_empty_page(uint8_t *bytes, const uint64_t boot_id[2])
{
	struct partition_page *pp = (struct partition_page *)(void *)bytes;
	struct head_end end;
	uint64_t words[SLOT_WORDS];

	memset(bytes, 0, HEAD_PAGE_BYTES);
	head_empty_end(&end, 0);
	encode_end(&end, words);
	for (size_t i = 0; i < SLOT_WORDS; i++)
		put(&pp->slots[0][i], words[i]);
	put(&pp->generation, 2);
	put(&pp->fenced_epoch, UINT64_MAX);
	put(&pp->boot_id[0], boot_id[0]);
	put(&pp->boot_id[1], boot_id[1]);
}

/* Write empty pages for the partitions [from, to): each byte of them, because a hole might find no room later. */
static int
write_empty_pages(int fd, int from, int to, const uint64_t boot_id[2])
{
	uint8_t *pages;
	int rc = STATUS_OK;

	if ((pages = aligned_alloc(HEAD_PAGE_BYTES, (size_t)PAGES_A_WRITE * HEAD_PAGE_BYTES)) == NULL)
		return status_no_memory(HEAD_NAME);
	for (int i = 0; i < PAGES_A_WRITE; i++)
		fill_empty_page(pages + (size_t)i * HEAD_PAGE_BYTES, boot_id);
	while (rc == STATUS_OK && from < to) {
		int count = to - from < PAGES_A_WRITE ? to - from : PAGES_A_WRITE;

		rc = file_write_at(fd, HEAD_NAME, pages, (size_t)count * HEAD_PAGE_BYTES, (int64_t)(from + 1) * HEAD_PAGE_BYTES);
		from += count;
	}
	free(pages);
	return rc;
}

static int
write_topic_page(int fd, int partitions, bool synced_only)
{
	struct file_identity id;
	struct topic_page *tp;
	uint8_t *bytes;
	int rc;

	if ((rc = file_identity(fd, HEAD_NAME, &id)) != STATUS_OK)
		return rc;
	if ((bytes = aligned_alloc(HEAD_PAGE_BYTES, HEAD_PAGE_BYTES)) == NULL)
		return status_no_memory(HEAD_NAME);
	memset(bytes, 0, HEAD_PAGE_BYTES);
	tp = (struct topic_page *)(void *)bytes;
	tp->magic = HEAD_MAGIC;
	tp->device = id.device;
	tp->inode = id.inode;
	tp->birth_sec = id.birth_sec;
	put(&tp->birth_nsec, id.birth_nsec);
	put(&tp->partitions, (uint64_t)partitions);
	put(&tp->config_version, 1);
	put(&tp->synced_only, synced_only);
	rc = file_write_at(fd, HEAD_NAME, bytes, HEAD_PAGE_BYTES, 0);
	free(bytes);
	return rc;
}

int
head_create(int dir, const struct file_access *access, int partitions, bool synced_only)
{
	uint64_t boot_id[2];
	int fd, rc;

	if ((rc = read_boot_id(boot_id)) != STATUS_OK || (rc = file_create(dir, HEAD_NAME, access, &fd)) != STATUS_OK)
		return rc;
	if ((rc = write_topic_page(fd, partitions, synced_only)) == STATUS_OK &&
	    (rc = write_empty_pages(fd, 0, partitions, boot_id)) == STATUS_OK)
		rc = file_sync(fd, HEAD_NAME);
	if (file_close(fd, HEAD_NAME) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	return rc;
}

/* Behind the pages that are there: each is whole, or has no end. */
static int
restore_pages(int fd, int partitions, int64_t size)
{
	uint8_t *bytes = aligned_alloc(HEAD_PAGE_BYTES, HEAD_PAGE_BYTES);
	struct partition_page *pp = (struct partition_page *)(void *)bytes;
	int rc = STATUS_OK;

	if (bytes == NULL)
		return status_no_memory(HEAD_NAME);
	memset(bytes, 0, HEAD_PAGE_BYTES);
	put(&pp->fenced_epoch, UINT64_MAX);
	put(&pp->synced_end, UINT64_MAX);
	for (int p = (int)(size / HEAD_PAGE_BYTES - (size >= HEAD_PAGE_BYTES)); p < partitions && rc == STATUS_OK; p++)
		rc = file_write_at(fd, HEAD_NAME, bytes, HEAD_PAGE_BYTES, (int64_t)(p + 1) * HEAD_PAGE_BYTES);
	free(bytes);
	return rc;
}

static bool same_identity(const struct topic_page *tp, const struct file_identity *id);

/* Of a topic page of garbage nothing is believed but its identity, because it cannot be right by chance. */
static int
restore_topic_page(int fd, int partitions, bool synced_only, int32_t leader_epoch)
{
	uint8_t *bytes = aligned_alloc(HEAD_PAGE_BYTES, HEAD_PAGE_BYTES);
	struct topic_page *tp = (struct topic_page *)(void *)bytes;
	struct file_identity id;
	bool known;
	size_t got;
	int rc;

	if (bytes == NULL)
		return status_no_memory(HEAD_NAME);
	memset(bytes, 0, HEAD_PAGE_BYTES);
	if ((rc = file_identity(fd, HEAD_NAME, &id)) == STATUS_OK)
		rc = file_read_at(fd, HEAD_NAME, bytes, HEAD_PAGE_BYTES, 0, &got);
	known = same_identity(tp, &id) || tp->magic == HEAD_MAGIC;
	if (!known)
		memset(bytes, 0, HEAD_PAGE_BYTES);
	tp->magic = HEAD_MAGIC;
	put(&tp->partitions, (uint64_t)partitions);
	put(&tp->leader_epoch, (uint64_t)leader_epoch);
	put(&tp->synced_only, synced_only);
	if (!known)
		put(&tp->config_version, 1);
	if (rc == STATUS_OK)
		rc = file_write_at(fd, HEAD_NAME, bytes, HEAD_PAGE_BYTES, 0);
	free(bytes);
	return rc;
}

int
head_restore(int dir, const struct file_access *access, int partitions, bool synced_only, int32_t leader_epoch)
{
	int64_t size;
	int fd, rc;

	if ((rc = file_open_write(dir, HEAD_NAME, &fd)) == STATUS_MISSING)
		rc = file_create(dir, HEAD_NAME, access, &fd);
	if (rc != STATUS_OK)
		return rc;
	/* The topic's page last: with it the file is one. */
	if ((rc = file_size(fd, HEAD_NAME, &size)) == STATUS_OK && (rc = restore_pages(fd, partitions, size)) == STATUS_OK &&
	    (rc = file_sync(fd, HEAD_NAME)) == STATUS_OK &&
	    (rc = restore_topic_page(fd, partitions, synced_only, leader_epoch)) == STATUS_OK)
		rc = file_sync(fd, HEAD_NAME);
	if (file_close(fd, HEAD_NAME) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	return rc;
}

static int
open_file(int dir, bool *writable, int *fd)
{
	int rc = file_open_write(dir, HEAD_NAME, fd);

	*writable = rc == STATUS_OK;
	return rc == STATUS_PERMISSION ? file_open_read(dir, HEAD_NAME, fd) : rc;
}

/* Map the topic page and the pages of all partitions it counts. */
static int
map_file(struct head *h, int fd)
{
	int64_t size;
	struct topic_page tp;
	uint64_t count;
	size_t got, bytes;
	void *map;
	int rc;

	if ((rc = file_size(fd, HEAD_NAME, &size)) != STATUS_OK ||
	    (rc = file_read_at(fd, HEAD_NAME, &tp, sizeof(tp), 0, &got)) != STATUS_OK)
		return rc;
	if (got < sizeof(tp) || tp.magic != HEAD_MAGIC)
		return status_fail(STATUS_IO, "%s: not a heads file of this version and byte order", HEAD_NAME);
	count = get(&tp.partitions);
	if (count < 1 || count > MAX_PARTITIONS || size < (int64_t)(count + 1) * HEAD_PAGE_BYTES)
		return status_fail(STATUS_IO, "%s: counts %llu partitions in %lld bytes", HEAD_NAME, (unsigned long long)count,
		    (long long)size);
	bytes = (size_t)(count + 1) * HEAD_PAGE_BYTES;
	map = mmap(NULL, bytes, h->writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return status_errno("%s: map", HEAD_NAME);
	h->map = map;
	h->map_bytes = bytes;
	h->mapped_partitions = (int)count;
	return STATUS_OK;
}

static bool
same_identity(const struct topic_page *tp, const struct file_identity *id)
{
	return get(&tp->birth_nsec) == id->birth_nsec && tp->birth_sec == id->birth_sec && tp->inode == id->inode &&
	    tp->device == id->device;
}

int
head_open(int dir, struct head **out)
{
	struct sigaction sa = {.sa_handler = on_bus, .sa_flags = SA_NODEFER};
	struct head *h;
	int fd = -1, rc;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return status_no_memory(HEAD_NAME);
	if ((rc = open_file(dir, &h->writable, &fd)) != STATUS_OK || (rc = read_boot_id(h->boot_id)) != STATUS_OK ||
	    (rc = file_identity(fd, HEAD_NAME, &h->own)) != STATUS_OK || (rc = map_file(h, fd)) != STATUS_OK)
		goto out;
	h->original = same_identity(topic_page(h), &h->own);
	h->me = pair((uint32_t)getpid(), (uint32_t)getuid());
	(void)sigaction(SIGBUS, &sa, NULL);
	*out = h;
	h = NULL;
out:
	(void)file_close(fd, HEAD_NAME);
	free(h);
	return rc;
}

void
head_close(struct head *h)
{
	if (h == NULL)
		return;
	(void)munmap(h->map, h->map_bytes);
	free(h);
}

bool
head_writable(const struct head *h)
{
	return h->writable;
}

bool
head_is_original(const struct head *h)
{
	/* The identity is written once, by whoever adopts the copy; another process may have done it since we opened. */
	return h->original || same_identity(topic_page(h), &h->own);
}

static int
sync_page(const void *p)
{
	if (msync((void *)(uintptr_t)p, HEAD_PAGE_BYTES, MS_SYNC) != 0)
		return status_errno("%s: sync", HEAD_NAME);
	return STATUS_OK;
}

int
head_adopt(struct head *h)
{
	struct topic_page *tp = topic_page(h);

	if (head_is_original(h))
		return STATUS_OK;
	GUARD();
	for (int p = 0; p < h->mapped_partitions; p++) {
		put(&page(h, p)->boot_id[0], 0);
		put(&page(h, p)->boot_id[1], 0);
		put(&page(h, p)->synced_end, (uint64_t)INT64_C(-1));
		put(&page(h, p)->appender, 0);
	}
	UNGUARD();
	fault_point("head.adopt.forgotten");
	if (msync(h->map, h->map_bytes, MS_SYNC) != 0)
		return status_errno("%s: sync", HEAD_NAME);
	GUARD();
	tp->device = h->own.device;
	tp->inode = h->own.inode;
	tp->birth_sec = h->own.birth_sec;
	put(&tp->birth_nsec, h->own.birth_nsec);
	UNGUARD();
	fault_point("head.adopt.named");
	h->original = true;
	return sync_page(tp);
}

int
head_partition_count(const struct head *h)
{
	return h->mapped_partitions;
}

bool
head_grew(const struct head *h)
{
	return get(&topic_page(h)->partitions) > (uint64_t)h->mapped_partitions;
}

int
head_add_pages(const struct head *h, int dir, int count)
{
	int64_t size;
	int fd, from, rc;

	if ((rc = file_open_write(dir, HEAD_NAME, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_size(fd, HEAD_NAME, &size)) == STATUS_OK) {
		from = size / HEAD_PAGE_BYTES - 1 < count ? (int)(size / HEAD_PAGE_BYTES - 1) : count;
		if (from < h->mapped_partitions)
			from = h->mapped_partitions;
		if ((rc = write_empty_pages(fd, from, count, h->boot_id)) == STATUS_OK)
			rc = file_sync(fd, HEAD_NAME);
	}
	if (file_close(fd, HEAD_NAME) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	return rc;
}

static int
put_topic_word(struct head *h, word *w, uint64_t value)
{
	GUARD();
	put(w, value);
	UNGUARD();
	return sync_page(h->map);
}

int
head_set_partition_count(struct head *h, int count)
{
	return put_topic_word(h, &topic_page(h)->partitions, (uint64_t)count);
}

int
head_remap(struct head *h, int dir)
{
	uint8_t *old = h->map;
	size_t old_bytes = h->map_bytes;
	bool writable;
	int fd, rc;

	if ((rc = open_file(dir, &writable, &fd)) != STATUS_OK)
		return rc;
	if ((rc = map_file(h, fd)) == STATUS_OK)
		(void)munmap(old, old_bytes);
	(void)file_close(fd, HEAD_NAME);
	return rc;
}

const bell_word *
head_bell(const struct head *h)
{
	return &topic_page(h)->bell;
}

void
head_ring(struct head *h)
{
	if (!h->writable)
		return;
	/* Who waits looks for himself after a while. */
	GUARD_OR(return );
	bell_ring(&topic_page(h)->bell);
	UNGUARD();
}

const bell_word *
head_slot_bell(const struct head *h, int p)
{
	return &page(h, p)->slot_bell;
}

void
head_ring_slot(struct head *h, int p)
{
	GUARD_OR(return );
	bell_ring(&page(h, p)->slot_bell);
	UNGUARD();
}

uint64_t
head_next_partition(const struct head *h)
{
	return get(&topic_page(h)->next_partition);
}

void
head_advance_next_partition(struct head *h, uint64_t by)
{
	if (!h->writable || by == 0)
		return;
	GUARD_OR(return );
	(void)atomic_fetch_add_explicit(&topic_page(h)->next_partition, by, memory_order_relaxed);
	UNGUARD();
}

uint64_t
head_config_version(const struct head *h)
{
	return get(&topic_page(h)->config_version);
}

int
head_bump_config_version(struct head *h)
{
	return put_topic_word(h, &topic_page(h)->config_version, head_config_version(h) + 1);
}

int32_t
head_leader_epoch(const struct head *h)
{
	return (int32_t)get(&topic_page(h)->leader_epoch);
}

int
head_set_leader_epoch(struct head *h, int32_t epoch)
{
	return put_topic_word(h, &topic_page(h)->leader_epoch, (uint64_t)epoch);
}

bool
head_synced_only(const struct head *h)
{
	return get(&topic_page(h)->synced_only) != 0;
}

int
head_set_synced_only(struct head *h, bool on)
{
	return put_topic_word(h, &topic_page(h)->synced_only, on);
}

uint64_t
head_intents(const struct head *h)
{
	return get(&topic_page(h)->intents);
}

int
head_set_intents(struct head *h, uint64_t count)
{
	return put_topic_word(h, &topic_page(h)->intents, count);
}

bool
head_dead(const struct head *h)
{
	return get(&topic_page(h)->dead) != 0;
}

int
head_set_dead(struct head *h)
{
	return put_topic_word(h, &topic_page(h)->dead, 1);
}

bool
head_is_marked_dead(const struct head *h)
{
	return get(&topic_page(h)->dead) == 1;
}

int
head_reset_topic(struct head *h, int32_t leader_epoch, uint64_t intents)
{
	struct topic_page *tp = topic_page(h);

	GUARD();
	put(&tp->leader_epoch, (uint64_t)leader_epoch);
	put(&tp->intents, intents);
	put(&tp->dead, 0);
	UNGUARD();
	return sync_page(tp);
}

bool
head_of_this_boot(const struct head *h, int p)
{
	return get(&page(h, p)->boot_id[0]) == h->boot_id[0] && get(&page(h, p)->boot_id[1]) == h->boot_id[1];
}

uint64_t
head_generation(const struct head *h, int p)
{
	return get(&page(h, p)->generation);
}

bool
head_end(const struct head *h, int p, struct head_end *end)
{
	const struct partition_page *pp = page(h, p);
	uint64_t words[SLOT_WORDS];

	for (int i = 0; i < SLOT_READ_TRIES; i++) {
		uint64_t counter = get(&pp->counter);
		const word *slot = pp->slots[counter & 1];

		for (size_t w = 0; w < SLOT_WORDS; w++)
			words[w] = atomic_load_explicit(&slot[w], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&pp->counter, memory_order_relaxed) != counter)
			continue;
		if (!head_end_is_valid(words))
			return false;
		head_decode_end(words, end);
		return true;
	}
	return false;
}

/* Fill the slot that is not in use, then say so: a process killed between any two of these stores leaves the other slot valid. */
static void
fill_slot(struct partition_page *pp, const struct head_end *end)
{
	uint64_t words[SLOT_WORDS], counter = get(&pp->counter);
	word *slot = pp->slots[(counter + 1) & 1];

	encode_end(end, words);
	/* Nobody may see a word of this fill before the counter that took the slot out of use. */
	atomic_thread_fence(memory_order_seq_cst);
	for (size_t w = 0; w < SLOT_WORDS; w++) {
		atomic_store_explicit(&slot[w], words[w], memory_order_relaxed);
		fault_point("head.publish.word");
	}
	fault_point("head.publish.filled");
	put(&pp->counter, counter + 1);
	fault_point("head.publish.counted");
}

int
head_publish(struct head *h, int p, const struct head_end *end)
{
	struct partition_page *pp = page(h, p);

	GUARD();
	fill_slot(pp, end);
	UNGUARD();
	return STATUS_OK;
}

int64_t
head_synced_end(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->synced_end);
}

/* Compare and swap to the maximum. */
static void
raise_word(word *w, int64_t value)
{
	uint64_t old = get(w);

	while ((int64_t)old < value &&
	    !atomic_compare_exchange_weak_explicit(w, &old, (uint64_t)value, memory_order_acq_rel, memory_order_acquire))
		continue;
}

int
head_raise_synced_end(struct head *h, int p, int64_t offset)
{
	GUARD();
	raise_word(&page(h, p)->synced_end, offset);
	UNGUARD();
	fault_point("head.synced.raised");
	return STATUS_OK;
}

int64_t
head_log_start(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->log_start);
}

int
head_raise_log_start(struct head *h, int p, int64_t offset)
{
	GUARD();
	raise_word(&page(h, p)->log_start, offset);
	UNGUARD();
	fault_point("head.log_start.raised"); /* WORD_LATE of tests/models/retention.pml */
	return sync_page(page(h, p));
}

int64_t
head_gap_end(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->gap_end);
}

int
head_raise_gap_end(struct head *h, int p, int64_t offset)
{
	GUARD();
	raise_word(&page(h, p)->gap_end, offset);
	UNGUARD();
	fault_point("head.gap_end.raised");
	return sync_page(page(h, p));
}

int64_t
head_clean_end(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->clean_end);
}

int
head_raise_clean_end(struct head *h, int p, int64_t offset)
{
	GUARD();
	raise_word(&page(h, p)->clean_end, offset);
	UNGUARD();
	fault_point("head.clean_end.raised");
	return sync_page(page(h, p));
}

int64_t
head_closed_bytes(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->closed_bytes);
}

int
head_add_closed_bytes(struct head *h, int p, int64_t bytes)
{
	GUARD();
	(void)atomic_fetch_add(&page(h, p)->closed_bytes, (uint64_t)bytes);
	UNGUARD();
	return STATUS_OK;
}

int
head_set_closed_bytes(struct head *h, int p, int64_t bytes)
{
	GUARD();
	put(&page(h, p)->closed_bytes, (uint64_t)bytes);
	UNGUARD();
	return STATUS_OK;
}

enum head_poison
head_poison(const struct head *h, int p)
{
	return (enum head_poison)get(&page(h, p)->poison);
}

int
head_raise_poison(struct head *h, int p, enum head_poison poison)
{
	GUARD();
	raise_word(&page(h, p)->poison, (int64_t)poison);
	UNGUARD();
	return STATUS_OK;
}

int
head_heal(struct head *h, int p)
{
	uint64_t unsynced = HEAD_UNSYNCED;

	GUARD();
	(void)atomic_compare_exchange_strong_explicit(&page(h, p)->poison, &unsynced, HEAD_SOUND, memory_order_acq_rel,
	    memory_order_acquire);
	UNGUARD();
	return STATUS_OK;
}

int32_t
head_fenced_epoch(const struct head *h, int p)
{
	return (int32_t)get(&page(h, p)->fenced_epoch);
}

int64_t
head_appender(const struct head *h, int p)
{
	return (int64_t)get(&page(h, p)->appender);
}

int
head_set_appender(struct head *h, int p, bool on)
{
	GUARD();
	put(&page(h, p)->appender, on ? h->me : 0);
	UNGUARD();
	return STATUS_OK;
}

int
head_rebuild_begin(struct head *h, int p)
{
	word *w = &page(h, p)->generation;

	GUARD();
	put(w, get(w) | 1);
	UNGUARD();
	fault_point("head.rebuild.begun");
	return STATUS_OK;
}

int
head_set_synced_end(struct head *h, int p, int64_t offset)
{
	word *w = &page(h, p)->synced_end;

	if ((int64_t)get(w) == offset)
		return STATUS_OK;
	GUARD();
	put(w, (uint64_t)offset);
	UNGUARD();
	return sync_page(page(h, p));
}

int
head_rebuild_finish(struct head *h, int p, const struct head_end *end, int64_t synced_end, enum head_poison poison)
{
	struct partition_page *pp = page(h, p);
	int rc;

	GUARD();
	put(&pp->synced_end, (uint64_t)synced_end);
	fault_point("head.rebuild.synced");
	fill_slot(pp, end);
	put(&pp->poison, poison);
	put(&pp->appender, 0);
	fault_point("head.rebuild.filled");
	UNGUARD();
	if ((rc = sync_page(pp)) != STATUS_OK)
		return rc;
	GUARD();
	/* The generation turns even before the page is of this boot; of this boot and even is what makes it trusted. */
	put(&pp->generation, get(&pp->generation) + 1);
	fault_point("head.rebuild.even");
	put(&pp->boot_id[0], h->boot_id[0]);
	fault_point("head.rebuild.half_boot");
	put(&pp->boot_id[1], h->boot_id[1]);
	UNGUARD();
	fault_point("head.rebuild.boot");
	return sync_page(pp);
}

int
head_forget_page(struct head *h, int p, int64_t log_start, int64_t gap_end)
{
	struct partition_page *pp = page(h, p);
	struct head_end end;

	head_empty_end(&end, log_start);
	GUARD();
	put(&pp->boot_id[0], 0);
	put(&pp->boot_id[1], 0);
	put(&pp->generation, get(&pp->generation) | 1);
	put(&pp->synced_end, UINT64_MAX);
	put(&pp->high_watermark, 0);
	put(&pp->log_start, (uint64_t)log_start);
	put(&pp->fenced_epoch, UINT64_MAX);
	put(&pp->poison, HEAD_SOUND);
	put(&pp->appender, 0);
	put(&pp->gap_end, (uint64_t)gap_end);
	put(&pp->clean_end, 0);
	fill_slot(pp, &end);
	UNGUARD();
	return sync_page(pp);
}

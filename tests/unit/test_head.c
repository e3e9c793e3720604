#include "iofault.h"
#include "log/head.h"
#include "logwork.h"

#define SLOT_WORDS (SLOT_BYTES / 8)

static int
open_folder(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static struct head *
make_head(int partitions)
{
	struct head *head;
	int dir;

	assert_int_equal(mkdir("orders", 0700), 0);
	dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(head_create(dir, &logfolder_access, partitions, false));
	assert_ok(head_open(dir, &head));
	close(dir);
	return head;
}

static struct head *
open_head(void)
{
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct head *head;

	assert_true(dir >= 0);
	assert_ok(head_open(dir, &head));
	close(dir);
	return head;
}

/* An end all of whose words tell n. */
static struct head_end
end_of(int64_t n)
{
	return (struct head_end){
	    .segment_base = n,
	    .last_position = n + 1,
	    .end_position = n + 2,
	    .end_offset = n + 3,
	    .producer_id = n + 4,
	    .max_timestamp_ms = n + 5,
	    .max_timestamp_offset = n + 6,
	    .first_timestamp_ms = n + 7,
	    .leader_epoch = (int32_t)n,
	    .last_sequence = -2,
	    .producer_epoch = -1,
	    .index_pending_bytes = UINT32_MAX,
	    .index_count = (uint32_t)n,
	    .timeindex_count = (uint32_t)n + 1,
	};
}

static bool
same_end(const struct head_end *a, const struct head_end *b)
{
	return a->segment_base == b->segment_base && a->last_position == b->last_position && a->end_position == b->end_position &&
	    a->end_offset == b->end_offset && a->producer_id == b->producer_id && a->max_timestamp_ms == b->max_timestamp_ms &&
	    a->max_timestamp_offset == b->max_timestamp_offset && a->first_timestamp_ms == b->first_timestamp_ms &&
	    a->leader_epoch == b->leader_epoch && a->last_sequence == b->last_sequence && a->producer_epoch == b->producer_epoch &&
	    a->index_pending_bytes == b->index_pending_bytes && a->index_count == b->index_count &&
	    a->timeindex_count == b->timeindex_count;
}

static void
test_new_pages_are_empty_and_of_this_boot(void **state)
{
	struct head *head = make_head(65); /* more than are written at a time */
	struct head_end end, empty;

	(void)state;
	assert_int_equal(size_of_file("orders/heads"), 66 * HEAD_PAGE_BYTES);
	assert_int_equal(head_partition_count(head), 65);
	assert_true(head_writable(head));
	assert_true(head_is_original(head));
	assert_int_equal(head_config_version(head), 1);
	assert_int_equal(head_leader_epoch(head), 0);
	assert_false(head_synced_only(head));
	assert_false(head_dead(head));
	assert_int_equal(head_intents(head), 0);
	head_empty_end(&empty, 0);
	for (int p = 0; p < 65; p++) {
		assert_true(head_of_this_boot(head, p));
		assert_int_equal(head_generation(head, p), 2);
		assert_true(head_end(head, p, &end));
		assert_true(same_end(&end, &empty));
		assert_int_equal(head_synced_end(head, p), 0);
		assert_int_equal(head_log_start(head, p), 0);
		assert_int_equal(head_poison(head, p), HEAD_SOUND);
		assert_int_equal(head_fenced_epoch(head, p), -1);
		assert_int_equal(head_appender(head, p), 0);
	}
	head_close(head);
	head_close(NULL);
}

static void
test_what_is_no_heads_file_is_refused(void **state)
{
	int dir = open_folder();
	struct head *head = NULL;
	char page[HEAD_PAGE_BYTES] = {0};

	(void)state;
	assert_status(head_open(dir, &head), STATUS_MISSING);
	unit_write("heads", "", 0);
	assert_status(head_open(dir, &head), STATUS_IO);
	unit_write("heads", page, sizeof(page));
	assert_status(head_open(dir, &head), STATUS_IO);
	assert_non_null(strstr(status_message(), "not a heads file"));
	assert_int_equal(unlink("heads"), 0);
	assert_ok(head_create(dir, &logfolder_access, 2, true));
	assert_status(head_create(dir, &logfolder_access, 2, true), STATUS_EXISTS);
	/* A page less than it counts, to the byte. */
	cut_file("heads", 3 * HEAD_PAGE_BYTES - 1);
	assert_status(head_open(dir, &head), STATUS_IO);
	assert_non_null(strstr(status_message(), "counts 2 partitions in 12287 bytes"));
	cut_file("heads", 3 * HEAD_PAGE_BYTES);
	assert_ok(head_open(dir, &head));
	head_close(head);
	close(dir);
}

static void
test_counts_that_cannot_be_are_refused(void **state)
{
	struct head *head = make_head(1);
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const uint64_t bad[] = {0, 2, 1000001, UINT64_MAX};

	(void)state;
	head_close(head);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		poke(0, AT_PARTITIONS, bad[i]);
		assert_status(head_open(dir, &head), STATUS_IO);
	}
	poke(0, AT_PARTITIONS, 1);
	poke(0, 0, UINT64_C(0x6771686561647301)); /* the other byte order */
	assert_status(head_open(dir, &head), STATUS_IO);
	close(dir);
}

static void
test_a_published_end_is_seen_by_another_mapping(void **state)
{
	struct head *writer = make_head(2), *reader = open_head();
	struct head_end end, want;

	(void)state;
	for (int64_t n = 0; n < 5; n++) {
		want = end_of(n * 1000);
		assert_ok(head_publish(writer, 1, &want));
		assert_true(head_end(reader, 1, &end));
		assert_true(same_end(&end, &want));
		assert_int_equal(peek(2, AT_COUNTER), n + 1);
	}
	assert_true(head_end(reader, 0, &end));
	assert_int_equal(end.end_offset, 0);
	head_close(writer);
	head_close(reader);
}

static void
test_a_flipped_bit_in_any_word_of_the_slot_is_seen(void **state)
{
	struct head *head = make_head(1);
	struct head_end end, first = end_of(10), second = end_of(20);

	(void)state;
	assert_ok(head_publish(head, 0, &first));  /* slot 1 */
	assert_ok(head_publish(head, 0, &second)); /* slot 0 */
	for (int slot = 0; slot < 2; slot++) {
		for (int w = 0; w < SLOT_WORDS; w++) {
			for (int bit = 0; bit < 64; bit += 21) {
				int at = AT_SLOTS + slot * SLOT_BYTES + w * 8;
				uint64_t value = peek(1, at);

				poke(1, at, value ^ UINT64_C(1) << bit);
				if (slot == 0) {
					assert_false(head_end(head, 0, &end));
				} else {
					assert_true(head_end(head, 0, &end));
					assert_true(same_end(&end, &second));
				}
				poke(1, at, value);
			}
		}
	}
	assert_true(head_end(head, 0, &end));
	head_close(head);
}

static int
publish_twenty(void)
{
	struct head *head = open_head();
	struct head_end end = end_of(20);

	return head_publish(head, 0, &end) == STATUS_OK ? 0 : 1;
}

static void
test_a_publisher_killed_between_two_stores_leaves_a_whole_end(void **state)
{
	struct head *head = make_head(1);
	struct head_end end, old = end_of(10), new = end_of(20);
	char fault[64];

	(void)state;
	for (int k = 1; k <= SLOT_WORDS; k++) {
		assert_ok(head_publish(head, 0, &old));
		snprintf(fault, sizeof(fault), "head.publish.word:%d", k);
		assert_true(dies_at(fault, publish_twenty));
		assert_true(head_end(head, 0, &end));
		assert_true(same_end(&end, &old));
	}
	assert_true(dies_at("head.publish.filled", publish_twenty));
	assert_true(head_end(head, 0, &end));
	assert_true(same_end(&end, &old));
	assert_true(dies_at("head.publish.counted", publish_twenty));
	assert_true(head_end(head, 0, &end));
	assert_true(same_end(&end, &new));
	head_close(head);
}

#define MANY_PUBLICATIONS 300000

static int
publish_many(void *arg)
{
	struct head *head = open_head();

	(void)arg;
	for (int64_t n = 1; n <= MANY_PUBLICATIONS; n++) {
		struct head_end end = end_of(n);

		if (head_publish(head, 0, &end) != STATUS_OK)
			return 1;
	}
	return 0;
}

static void
test_a_reader_never_sees_half_an_end(void **state)
{
	struct head *head = make_head(1);
	struct head_end end = end_of(0), want;
	int64_t last = 0;
	pid_t pid;

	(void)state;
	assert_ok(head_publish(head, 0, &end));
	pid = proc_start(publish_many, NULL);
	while (last < MANY_PUBLICATIONS) {
		assert_true(head_end(head, 0, &end));
		want = end_of(end.segment_base);
		assert_true(same_end(&end, &want));
		assert_true(end.segment_base >= last);
		last = end.segment_base;
	}
	assert_int_equal(proc_end(pid), 0);
	head_close(head);
}

static void
test_a_page_of_another_boot_is_told(void **state)
{
	struct head *head = make_head(2);
	uint64_t half = peek(1, AT_BOOT_ID), other = peek(1, AT_BOOT_ID + 8);

	(void)state;
	poke(1, AT_BOOT_ID, half ^ 1);
	assert_false(head_of_this_boot(head, 0));
	assert_true(head_of_this_boot(head, 1));
	poke(1, AT_BOOT_ID, half);
	poke(1, AT_BOOT_ID + 8, other ^ 1);
	assert_false(head_of_this_boot(head, 0));
	poke(1, AT_BOOT_ID + 8, other);
	assert_true(head_of_this_boot(head, 0));
	head_close(head);
}

static void
test_a_copy_is_told_and_adopted(void **state)
{
	struct head *head = make_head(2), *other;

	(void)state;
	assert_ok(head_raise_synced_end(head, 0, 7));
	assert_ok(head_raise_log_start(head, 0, 3));
	assert_ok(head_set_appender(head, 1, true));
	head_close(head);
	replace_by_copy();
	head = open_head();
	other = open_head();
	assert_false(head_is_original(head));
	assert_true(head_of_this_boot(head, 0)); /* the page alone cannot know */
	assert_ok(head_adopt(head));
	for (int p = 0; p < 2; p++) {
		assert_false(head_of_this_boot(head, p));
		assert_int_equal(head_synced_end(head, p), -1);
		assert_int_equal(head_appender(head, p), 0);
	}
	assert_int_equal(head_log_start(head, 0), 3);
	assert_true(head_is_original(head));
	assert_true(head_is_original(other)); /* who had it open sees it too */
	assert_ok(head_raise_synced_end(head, 0, 9));
	assert_ok(head_adopt(head)); /* once */
	assert_int_equal(head_synced_end(head, 0), 9);
	head_close(head);
	head_close(other);
}

/* A copy is one if any of the four differs. */
static void
test_each_word_of_the_identity_counts(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	head_close(head);
	for (int at = 8; at < 40; at += 8) {
		uint64_t value = peek(0, at);

		poke(0, at, value + 1);
		head = open_head();
		assert_false(head_is_original(head));
		head_close(head);
		poke(0, at, value);
	}
	head = open_head();
	assert_true(head_is_original(head));
	head_close(head);
}

static int
adopt_it(void)
{
	return head_adopt(open_head()) == STATUS_OK ? 0 : 1;
}

static void
test_an_adoption_that_dies_is_done_again(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	head_close(head);
	replace_by_copy();
	assert_true(dies_at("head.adopt.forgotten", adopt_it));
	head = open_head();
	assert_false(head_is_original(head));
	head_close(head);
	assert_true(dies_at("head.adopt.named", adopt_it));
	head = open_head();
	assert_true(head_is_original(head));
	assert_false(head_of_this_boot(head, 0));
	assert_int_equal(head_synced_end(head, 0), -1);
	head_close(head);
}

static void
test_pages_are_added_before_they_are_counted(void **state)
{
	struct head *head = make_head(1), *other = open_head();
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct head_end end;

	(void)state;
	assert_ok(head_add_pages(head, dir, 3));
	assert_int_equal(size_of_file("orders/heads"), 4 * HEAD_PAGE_BYTES);
	assert_false(head_grew(other));
	assert_ok(head_set_partition_count(head, 3));
	assert_true(head_grew(other));
	assert_int_equal(head_partition_count(other), 1);
	assert_ok(head_remap(other, dir));
	assert_int_equal(head_partition_count(other), 3);
	assert_false(head_grew(other));
	assert_true(head_end(other, 2, &end));
	assert_true(head_of_this_boot(other, 2));
	head_close(head);
	head_close(other);
	close(dir);
}

/* The count was raised, the partition used, and a power cut took the count away. */
static void
test_pages_that_are_there_stay_what_they_are(void **state)
{
	struct head *head = make_head(1);
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct head_end end = end_of(5);

	(void)state;
	assert_ok(head_add_pages(head, dir, 2));
	assert_ok(head_set_partition_count(head, 2));
	assert_ok(head_remap(head, dir));
	assert_ok(head_publish(head, 1, &end));
	head_close(head);
	poke(0, AT_PARTITIONS, 1);
	head = open_head();
	assert_ok(head_add_pages(head, dir, 4));
	assert_ok(head_set_partition_count(head, 4));
	assert_ok(head_remap(head, dir));
	assert_true(head_end(head, 1, &end));
	assert_int_equal(end.end_offset, 8);
	assert_true(head_end(head, 3, &end));
	assert_int_equal(end.end_offset, 0);
	/* Half a page, which a power cut leaves, is written whole. */
	cut_file("orders/heads", 6 * HEAD_PAGE_BYTES - 100);
	assert_ok(head_add_pages(head, dir, 5));
	assert_int_equal(size_of_file("orders/heads"), 6 * HEAD_PAGE_BYTES);
	/* Fewer than there are: nothing. */
	assert_ok(head_add_pages(head, dir, 2));
	assert_int_equal(size_of_file("orders/heads"), 6 * HEAD_PAGE_BYTES);
	head_close(head);
	close(dir);
}

static void
test_words_rise_and_are_kept(void **state)
{
	struct head *head = make_head(1), *other = open_head();

	(void)state;
	assert_ok(head_raise_synced_end(head, 0, 5));
	assert_ok(head_raise_synced_end(head, 0, 4));
	assert_int_equal(head_synced_end(other, 0), 5);
	assert_ok(head_set_synced_end(head, 0, 2));
	assert_ok(head_set_synced_end(head, 0, 2));
	assert_int_equal(head_synced_end(other, 0), 2);
	assert_ok(head_set_synced_end(head, 0, -1));
	assert_ok(head_raise_synced_end(head, 0, 0));
	assert_int_equal(head_synced_end(other, 0), 0);
	assert_ok(head_raise_log_start(head, 0, 9));
	assert_ok(head_raise_log_start(head, 0, 8));
	assert_int_equal(head_log_start(other, 0), 9);
	assert_int_equal(head_gap_end(other, 0), 0);
	assert_ok(head_raise_gap_end(head, 0, 7));
	assert_ok(head_raise_gap_end(head, 0, 6));
	assert_int_equal(head_gap_end(other, 0), 7);
	assert_ok(head_bump_config_version(head));
	assert_int_equal(head_config_version(other), 2);
	assert_ok(head_set_leader_epoch(head, INT32_MAX));
	assert_int_equal(head_leader_epoch(other), INT32_MAX);
	assert_ok(head_set_synced_only(head, true));
	assert_true(head_synced_only(other));
	assert_ok(head_set_synced_only(head, false));
	assert_false(head_synced_only(other));
	assert_ok(head_set_dead(head));
	assert_true(head_dead(other));
	head_advance_next_partition(head, 3);
	head_advance_next_partition(head, 0);
	assert_int_equal(head_next_partition(other), 3);
	head_close(head);
	head_close(other);
}

static void
test_poison_gets_no_better_but_by_healing(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	assert_ok(head_heal(head, 0));
	assert_int_equal(head_poison(head, 0), HEAD_SOUND);
	assert_ok(head_raise_poison(head, 0, HEAD_UNSYNCED));
	assert_ok(head_heal(head, 0));
	assert_int_equal(head_poison(head, 0), HEAD_SOUND);
	assert_ok(head_raise_poison(head, 0, HEAD_READ_ONLY));
	assert_ok(head_raise_poison(head, 0, HEAD_UNSYNCED));
	assert_int_equal(head_poison(head, 0), HEAD_READ_ONLY);
	assert_ok(head_heal(head, 0));
	assert_int_equal(head_poison(head, 0), HEAD_READ_ONLY);
	assert_ok(head_raise_poison(head, 0, HEAD_DAMAGED));
	assert_ok(head_heal(head, 0));
	assert_int_equal(head_poison(head, 0), HEAD_DAMAGED);
	head_close(head);
}

static void
test_the_appender_is_this_process(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	assert_ok(head_set_appender(head, 0, true));
	assert_int_equal((uint32_t)head_appender(head, 0), getpid());
	assert_int_equal((uint64_t)head_appender(head, 0) >> 32, getuid());
	assert_ok(head_set_appender(head, 0, false));
	assert_int_equal(head_appender(head, 0), 0);
	head_close(head);
}

static void
test_the_bell_wakes_through_another_mapping(void **state)
{
	struct head *head = make_head(1), *other = open_head();
	uint32_t seen = bell_read(head_bell(other));

	(void)state;
	head_ring(head);
	assert_int_not_equal(bell_read(head_bell(other)), seen);
	assert_true(bell_wait(head_bell(other), seen, 0));
	head_close(head);
	head_close(other);
}

static void
test_a_rebuilt_page_is_trusted_at_the_end_only(void **state)
{
	struct head *head = make_head(1);
	struct head_end end = end_of(40), got;

	(void)state;
	reboot();
	poke(1, AT_APPENDER, 77);
	assert_ok(head_raise_poison(head, 0, HEAD_READ_ONLY));
	assert_ok(head_rebuild_begin(head, 0));
	assert_int_equal(head_generation(head, 0), 3);
	assert_ok(head_rebuild_begin(head, 0)); /* again, after one that died */
	assert_int_equal(head_generation(head, 0), 3);
	assert_false(head_of_this_boot(head, 0));
	assert_ok(head_rebuild_finish(head, 0, &end, 43, HEAD_SOUND));
	assert_int_equal(head_generation(head, 0), 4);
	assert_true(head_of_this_boot(head, 0));
	assert_int_equal(head_synced_end(head, 0), 43);
	assert_int_equal(head_poison(head, 0), HEAD_SOUND);
	assert_int_equal(head_appender(head, 0), 0);
	assert_true(head_end(head, 0, &got));
	assert_true(same_end(&got, &end));
	head_close(head);
}

static int
rebuild_it(void)
{
	struct head *head = open_head();
	struct head_end end = end_of(40);

	int rc;

	if ((rc = head_rebuild_begin(head, 0)) == STATUS_OK)
		rc = head_rebuild_finish(head, 0, &end, 43, HEAD_SOUND);
	head_close(head);
	return rc == STATUS_OK ? 0 : 1;
}

static void
test_a_rebuild_that_dies_is_not_trusted(void **state)
{
	static const char *const points[] = {"head.rebuild.begun", "head.rebuild.synced", "head.publish.word:5",
	    "head.publish.filled", "head.rebuild.filled", "head.rebuild.even", "head.rebuild.half_boot"};
	struct head *head = make_head(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		reboot();
		assert_true(dies_at(points[i], rebuild_it));
		assert_false(head_of_this_boot(head, 0) && head_generation(head, 0) % 2 == 0);
		assert_int_equal(rebuild_it(), 0);
		assert_true(head_of_this_boot(head, 0) && head_generation(head, 0) % 2 == 0);
	}
	/* In the same boot it is the generation alone that says so. */
	for (size_t i = 0; i + 2 < COUNT_OF(points); i++) {
		assert_true(dies_at(points[i], rebuild_it));
		assert_int_equal(head_generation(head, 0) % 2, 1);
		assert_int_equal(rebuild_it(), 0);
		assert_int_equal(head_generation(head, 0) % 2, 0);
	}
	reboot();
	assert_true(dies_at("head.rebuild.boot", rebuild_it));
	assert_true(head_of_this_boot(head, 0) && head_generation(head, 0) % 2 == 0);
	head_close(head);
}

/* What a full copy-on-write disk does, done by cutting the file under the mapping. */
static void
test_a_store_without_room_changes_nothing(void **state)
{
	struct head *head = make_head(1);
	struct head_end end = end_of(5);

	(void)state;
	cut_file("orders/heads", HEAD_PAGE_BYTES);
	assert_status(head_publish(head, 0, &end), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "no room"));
	assert_status(head_set_appender(head, 0, true), STATUS_AGAIN);
	assert_status(head_raise_synced_end(head, 0, 5), STATUS_AGAIN);
	assert_status(head_raise_log_start(head, 0, 5), STATUS_AGAIN);
	assert_status(head_raise_gap_end(head, 0, 5), STATUS_AGAIN);
	assert_status(head_raise_poison(head, 0, HEAD_UNSYNCED), STATUS_AGAIN);
	assert_status(head_heal(head, 0), STATUS_AGAIN);
	assert_status(head_rebuild_begin(head, 0), STATUS_AGAIN);
	assert_status(head_rebuild_finish(head, 0, &end, 5, HEAD_SOUND), STATUS_AGAIN);
	cut_file("orders/heads", 0);
	head_ring(head);
	head_advance_next_partition(head, 1);
	assert_status(head_set_dead(head), STATUS_AGAIN);
	assert_status(head_set_leader_epoch(head, 1), STATUS_AGAIN);
	cut_file("orders/heads", 2 * HEAD_PAGE_BYTES);
	assert_ok(head_set_appender(head, 0, true)); /* room again */
	head_close(head);
}

static int
read_cut_page(void *arg)
{
	struct head *head = open_head();

	(void)arg;
	cut_file("orders/heads", 0);
	return (int)head_generation(head, 0);
}

static void
test_a_fault_elsewhere_still_kills(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	/* SIGBUS; a sanitizer makes an exit status of it. */
	assert_int_not_equal(proc_run(read_cut_page, NULL), 0);
	head_close(head);
}

static void
test_errors_of_the_disk_are_told(void **state)
{
	int dir = open_folder();
	struct head *head;

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		iofault_at(k, EIO, NULL);
		rc = head_create(dir, &logfolder_access, 100, true);
		if (iofault_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_IO);
		(void)unlink("heads");
	}
	assert_ok(head_open(dir, &head));
	iofault_all(EIO, "msync");
	assert_status(head_set_dead(head), STATUS_IO);
	assert_status(head_raise_log_start(head, 0, 1), STATUS_IO);
	assert_status(head_raise_gap_end(head, 0, 1), STATUS_IO);
	assert_status(head_set_synced_end(head, 0, 1), STATUS_IO);
	assert_int_equal(iofault_off(), 4);
	/* No room for more pages: the count stays. */
	iofault_at(1, ENOSPC, "pwrite");
	assert_status(head_add_pages(head, dir, 200), STATUS_AGAIN);
	assert_int_equal(iofault_off(), 1);
	assert_false(head_grew(head));
	iofault_at(1, EIO, "fsync");
	assert_status(head_add_pages(head, dir, 200), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	assert_false(head_grew(head));
	head_close(head);
	close(dir);
}

static void
test_no_memory(void **state)
{
	int dir = open_folder(), next = proc_next_descriptor();
	struct head *head;

	(void)state;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = head_create(dir, &logfolder_access, 3, true);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		(void)unlink("heads");
	}
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = head_open(dir, &head);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
	assert_int_equal(proc_next_descriptor(), next);
	head_close(head);
	close(dir);
}

static int
look_as_nobody(void *arg)
{
	struct head *head;
	uint32_t seen;
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)arg;
	if (!proc_drop_root())
		return 2;
	if (head_open(dir, &head) != STATUS_OK || head_writable(head))
		return 3;
	seen = bell_read(head_bell(head));
	head_ring(head);
	head_advance_next_partition(head, 1);
	if (bell_read(head_bell(head)) != seen || head_next_partition(head) != 0)
		return 4;
	return head_end(head, 0, &(struct head_end){0}) ? 0 : 5;
}

static void
test_who_may_only_read_maps_it_so(void **state)
{
	struct head *head = make_head(1);

	(void)state;
	unit_need(getuid() == 0, "root", "to become somebody else");
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(chmod("orders", 0755), 0);
	assert_int_equal(chmod("orders/heads", 0644), 0);
	assert_int_equal(proc_run(look_as_nobody, NULL), 0);
	head_close(head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_new_pages_are_empty_and_of_this_boot),
	    unit_test(test_what_is_no_heads_file_is_refused),
	    unit_test(test_counts_that_cannot_be_are_refused),
	    unit_test(test_a_published_end_is_seen_by_another_mapping),
	    unit_test(test_a_flipped_bit_in_any_word_of_the_slot_is_seen),
	    unit_test(test_a_publisher_killed_between_two_stores_leaves_a_whole_end),
	    unit_test(test_a_reader_never_sees_half_an_end),
	    unit_test(test_a_page_of_another_boot_is_told),
	    unit_test(test_a_copy_is_told_and_adopted),
	    unit_test(test_each_word_of_the_identity_counts),
	    unit_test(test_an_adoption_that_dies_is_done_again),
	    unit_test(test_pages_are_added_before_they_are_counted),
	    unit_test(test_pages_that_are_there_stay_what_they_are),
	    unit_test(test_words_rise_and_are_kept),
	    unit_test(test_poison_gets_no_better_but_by_healing),
	    unit_test(test_the_appender_is_this_process),
	    unit_test(test_the_bell_wakes_through_another_mapping),
	    unit_test(test_a_rebuilt_page_is_trusted_at_the_end_only),
	    unit_test(test_a_rebuild_that_dies_is_not_trusted),
	    unit_test(test_a_store_without_room_changes_nothing),
	    unit_test(test_a_fault_elsewhere_still_kills),
	    unit_test(test_errors_of_the_disk_are_told),
	    unit_test(test_no_memory),
	    unit_test(test_who_may_only_read_maps_it_so),
	};

	return unit_run(tests);
}

#include "log/sync.h"
#include "iofault.h"
#include "logwork.h"

static struct head_end
end_of(struct logfolder *f)
{
	struct head_end end;

	assert_true(head_end(f->p.head, 0, &end));
	return end;
}

/* A sync that holds what is published now, as an appender does under its lock. */
static struct sync *
hold(struct logfolder *f)
{
	struct head_end end = end_of(f);
	struct sync *s;
	int fd;

	assert_ok(sync_open(&f->p, &s));
	assert_ok(sync_hold(s, &end, head_generation(f->p.head, 0), &fd));
	assert_true(fd >= 0);
	return s;
}

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

/* A batch behind the end, written through the sync's descriptor and published. */
static void
publish_one(struct logfolder *f, struct sync *s)
{
	struct head_end end = end_of(f);
	struct batch_builder b;
	int fd;

	make_batch(&b, &(struct batch_spec){.base_offset = end.end_offset, .count = 1});
	assert_ok(sync_hold(s, &end, head_generation(f->p.head, 0), &fd));
	assert_int_equal(pwrite(fd, b.bytes.data, b.bytes.len, end.end_position), b.bytes.len);
	end.last_position = end.end_position;
	end.end_position += (int64_t)b.bytes.len;
	end.end_offset++;
	assert_ok(head_publish(f->p.head, 0, &end));
	batch_builder_free(&b);
}

static void
make(struct logfolder *f)
{
	logfolder_make(f, true);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
}

static void
test_what_was_written_through_it_is_synced(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	publish_one(&f, s);
	iofault_count("fdatasync");
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 2); /* all that is published */
	assert_int_equal(iofault.calls, 1);
	assert_ok(sync_upto(s, 1, soon())); /* done already */
	assert_ok(sync_upto(s, 2, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	sync_close(s);
	sync_close(NULL);
	logfolder_close(&f);
}

static void
test_who_finds_it_done_does_not_sync(void **state)
{
	struct logfolder f;
	struct sync *s, *other;

	(void)state;
	make(&f);
	s = hold(&f);
	other = hold(&f);
	publish_one(&f, s);
	publish_one(&f, other);
	assert_ok(sync_upto(other, 2, soon()));
	iofault_count("fdatasync");
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	sync_close(s);
	sync_close(other);
	logfolder_close(&f);
}

/* Three batches are published by one that is gone, a fourth by us: those three are read, checked and written again. */
static void
test_a_fresh_descriptor_writes_again_what_it_cannot_vouch_for(void **state)
{
	struct logfolder f;
	struct sync *s;
	char *before, *after;
	size_t len, len_after;

	(void)state;
	make(&f);
	s = hold(&f);
	for (int i = 0; i < 3; i++)
		publish_one(&f, s);
	sync_close(s);

	s = hold(&f);
	publish_one(&f, s);
	before = unit_read(segment_path(0, SUFFIX_LOG), &len);
	iofault_count("pwrite");
	assert_ok(sync_upto(s, 4, soon()));
	assert_int_equal(iofault.calls, 3);
	after = unit_read(segment_path(0, SUFFIX_LOG), &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_int_equal(head_synced_end(f.p.head, 0), 4);
	publish_one(&f, s);
	iofault_count("pwrite");
	assert_ok(sync_upto(s, 5, soon())); /* once */
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	free(before);
	free(after);
	sync_close(s);
	logfolder_close(&f);
}

/* Between two of them: only from synced_end on, and only to where the descriptor was opened. */
static void
test_no_more_is_written_again_than_need_be(void **state)
{
	struct logfolder f;
	struct sync *first, *second;

	(void)state;
	make(&f);
	first = hold(&f);
	publish_one(&f, first);
	publish_one(&f, first);
	assert_ok(sync_upto(first, 2, soon()));
	publish_one(&f, first);
	second = hold(&f);
	publish_one(&f, second);
	iofault_count("pwrite");
	assert_ok(sync_upto(second, 4, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	sync_close(first);
	sync_close(second);
	logfolder_close(&f);
}

/* The page cache lost them (a clean page after a failed write-back): published bytes that are not there can only be recovered from. */
static void
test_what_does_not_verify_is_not_written_again(void **state)
{
	static const int64_t at[] = {BATCH_CRC_AT, BATCH_MAGIC_AT, BATCH_LENGTH_AT + 3, BATCH_HEADER_BYTES + 2};
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	publish_one(&f, s);
	sync_close(s);
	for (size_t i = 0; i < COUNT_OF(at); i++) {
		s = hold(&f);
		flip_byte(segment_path(0, SUFFIX_LOG), at[i]);
		assert_status(sync_upto(s, 2, soon()), STATUS_GONE);
		assert_int_equal(head_generation(f.p.head, 0) % 2, 1);
		assert_int_equal(head_synced_end(f.p.head, 0), 0);
		flip_byte(segment_path(0, SUFFIX_LOG), at[i]);
		poke(1, AT_GENERATION, 4);
		sync_close(s);
	}
	/* Zeros, as a hole reads. */
	s = hold(&f);
	cut_file(segment_path(0, SUFFIX_LOG), 0);
	cut_file(segment_path(0, SUFFIX_LOG), end_of(&f).end_position);
	assert_status(sync_upto(s, 2, soon()), STATUS_GONE);
	assert_int_equal(head_generation(f.p.head, 0), 5);
	sync_close(s);
	logfolder_close(&f);
}

/* A magic of 0 is an old format to a reader; here it is a torn page. */
static void
test_an_old_magic_is_torn_too(void **state)
{
	struct logfolder f;
	struct sync *s;
	int fd;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	sync_close(s);
	fd = open(segment_path(0, SUFFIX_LOG), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "", 1, BATCH_MAGIC_AT), 1);
	close(fd);
	s = hold(&f);
	assert_status(sync_upto(s, 1, soon()), STATUS_GONE);
	assert_int_equal(head_generation(f.p.head, 0), 3);
	sync_close(s);
	logfolder_close(&f);
}

static void
test_an_index_that_lies_costs_time_only(void **state)
{
	static const uint8_t lie[8] = {0, 0, 0, 0, 0, 0, 0, 7};
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	for (int i = 0; i < 4; i++)
		publish_one(&f, s);
	assert_ok(sync_upto(s, 4, soon()));
	publish_one(&f, s);
	sync_close(s);
	unit_write(segment_path(0, SUFFIX_INDEX), lie, sizeof(lie));
	s = hold(&f);
	assert_ok(sync_upto(s, 5, soon()));
	sync_close(s);
	logfolder_close(&f);
}

static void
test_a_failed_sync_poisons_and_is_not_forgotten(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	iofault_at(1, EIO, "fdatasync");
	assert_status(sync_upto(s, 1, soon()), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	assert_non_null(strstr(status_message(), "may not be stored"));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_UNSYNCED);
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	/* The kernel tells each descriptor once: a second sync of the same one would prove nothing, so all is written again. */
	iofault_count("pwrite");
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	assert_int_equal(head_poison(f.p.head, 0), HEAD_UNSYNCED); /* the next appender heals */
	sync_close(s);
	logfolder_close(&f);
}

static void
test_healing_once_and_not_twice(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	iofault_at(1, ENOSPC, "fdatasync"); /* as delayed allocation says it */
	assert_status(sync_upto(s, 1, soon()), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	sync_close(s);

	s = hold(&f);
	assert_ok(sync_heal(s, 1, soon()));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
	publish_one(&f, s);
	iofault_at(1, EIO, "fdatasync");
	assert_status(sync_upto(s, 2, soon()), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	sync_close(s);

	s = hold(&f);
	iofault_at(1, EIO, "fdatasync");
	assert_status(sync_heal(s, 2, soon()), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	assert_non_null(strstr(status_message(), "read-only"));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_READ_ONLY);
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	/* Healing does not make it better any more. */
	assert_ok(sync_heal(s, 2, soon()));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_READ_ONLY);
	sync_close(s);
	logfolder_close(&f);
}

/* fsync after a cut may be told of published bytes; who is told must not keep it. */
static void
test_a_failed_cut_poisons_too(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	assert_ok(sync_cut(s));
	assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
	iofault_at(1, EIO, "fsync");
	assert_status(sync_cut(s), STATUS_IO);
	assert_int_equal(iofault_off(), 1);
	assert_int_equal(head_poison(f.p.head, 0), HEAD_UNSYNCED);
	iofault_count("pwrite");
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	sync_close(s);
	logfolder_close(&f);
}

static void
test_a_rebuilt_log_is_gone(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_status(sync_upto(s, 1, soon()), STATUS_GONE);
	poke(1, AT_GENERATION, 4);
	assert_status(sync_upto(s, 1, soon()), STATUS_GONE);
	/* Also if synced_end covers it: it may be another record. */
	assert_ok(head_raise_synced_end(f.p.head, 0, 1));
	assert_status(sync_upto(s, 1, soon()), STATUS_GONE);
	sync_close(s);
	s = hold(&f);
	assert_ok(sync_upto(s, 1, soon()));
	sync_close(s);
	logfolder_close(&f);
}

static void
test_without_a_descriptor_it_opens_what_it_needs(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	sync_reset(s);
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	sync_close(s);
	logfolder_close(&f);
}

/* Roll as log.c does, without its syncs. */
static void
roll(struct logfolder *f, struct sync *s)
{
	struct head_end end = end_of(f);
	char name[SEGMENT_NAME_BYTES];
	int fd;

	segment_name(name, end.end_offset, SUFFIX_LOG);
	assert_ok(file_create(f->p.dir, name, &f->p.access, &fd));
	if (s != NULL)
		assert_ok(sync_hold_new(s, end.end_offset, fd));
	else
		close(fd);
	end.segment_base = end.end_offset;
	end.end_position = 0;
	end.last_position = -1;
	assert_ok(head_publish(f->p.head, 0, &end));
}

static void
test_every_segment_from_synced_end_is_synced(void **state)
{
	struct logfolder f;
	struct sync *roller, *other;

	(void)state;
	make(&f);
	roller = hold(&f);
	publish_one(&f, roller);
	roll(&f, roller);
	publish_one(&f, roller);
	other = hold(&f); /* has the second segment only */
	iofault_count("fdatasync");
	assert_ok(sync_upto(roller, 2, soon()));
	assert_int_equal(iofault.calls, 2);
	publish_one(&f, roller);
	iofault_count("fdatasync");
	assert_ok(sync_upto(roller, 3, soon()));
	assert_int_equal(iofault.calls, 1); /* the first is done */

	poke(1, AT_SYNCED_END, 0);
	iofault_count("fdatasync");
	assert_ok(sync_upto(other, 3, soon()));
	assert_int_equal(iofault.calls, 2);
	iofault_off();
	sync_close(roller);
	sync_close(other);
	logfolder_close(&f);
}

/* Others rolled on since: only our own is vouched for. */
static void
test_no_further_than_the_segments_held(void **state)
{
	struct logfolder f;
	struct sync *s, *other;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	roll(&f, NULL);
	other = hold(&f);
	publish_one(&f, other);
	assert_ok(sync_upto(s, 1, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	assert_ok(sync_upto(other, 2, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 2);
	sync_close(s);
	sync_close(other);
	logfolder_close(&f);
}

static void
test_a_segment_that_was_taken_back_is_forgotten(void **state)
{
	struct logfolder f;
	struct sync *s;
	int fd, next = -1;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	next = proc_next_descriptor();
	assert_int_equal(fd = open(segment_path(1, SUFFIX_LOG), O_RDWR | O_CREAT | O_CLOEXEC, 0600), next);
	assert_ok(sync_hold_new(s, 1, fd));
	sync_forget(s, 7); /* not held */
	assert_int_not_equal(proc_next_descriptor(), next);
	sync_forget(s, 1);
	assert_int_equal(proc_next_descriptor(), next);
	assert_int_equal(unlink(segment_path(1, SUFFIX_LOG)), 0);
	assert_ok(sync_upto(s, 1, soon()));
	sync_close(s);
	logfolder_close(&f);
}

static struct lock *
take_slots(int from, int to)
{
	int dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct lock *lock;

	assert_ok(lock_open(dir, "lock", &lock));
	close(dir);
	for (int slot = from; slot < to; slot++)
		assert_ok(lock_take(lock, LOCK_BYTE_SYNC(0, slot), "slot", DEADLINE_NOW));
	return lock;
}

static void
test_a_stopped_syncer_does_not_stop_others(void **state)
{
	struct logfolder f;
	struct sync *s;
	struct lock *stopped;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	stopped = take_slots(0, SYNC_SLOTS - 1);
	assert_ok(sync_upto(s, 1, soon()));
	publish_one(&f, s);
	lock_close(stopped);
	stopped = take_slots(0, SYNC_SLOTS);
	assert_status(sync_upto(s, 2, clock_deadline(20)), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "sync slot"));
	assert_status(sync_upto(s, 2, DEADLINE_NOW), STATUS_AGAIN);
	lock_close(stopped);
	assert_ok(sync_upto(s, 2, DEADLINE_NOW));
	sync_close(s);
	logfolder_close(&f);
}

static void
test_writing_again_needs_the_append_lock(void **state)
{
	struct logfolder f;
	struct sync *s;
	struct lock *stopped;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	sync_close(s);
	s = hold(&f);
	stopped = take_slots(0, 0);
	assert_ok(lock_take(stopped, LOCK_BYTE_APPEND(0), "append", DEADLINE_NOW));
	assert_status(sync_upto(s, 1, clock_deadline(20)), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "append lock"));
	/* A roller has it. */
	assert_ok(sync_upto_locked(s, 1, soon()));
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	lock_close(stopped);
	sync_close(s);
	logfolder_close(&f);
}

static int
sync_once(void)
{
	struct logfolder f;
	struct sync *s;
	int rc;

	logfolder_open(&f);
	s = hold(&f);
	publish_one(&f, s);
	rc = sync_upto(s, end_of(&f).end_offset, soon());
	sync_close(s);
	logfolder_close(&f);
	return rc == STATUS_OK ? 0 : 1;
}

static void
test_a_killed_syncer_leaves_its_slot_and_no_lie(void **state)
{
	struct logfolder f;
	struct lock *lock;

	(void)state;
	make(&f);
	assert_true(dies_at("sync.flush", sync_once));
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	assert_true(dies_at("sync.rewritten", sync_once));
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	assert_true(dies_at("sync.flushed", sync_once));
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	assert_true(dies_at("head.synced.raised", sync_once));
	assert_int_equal(head_synced_end(f.p.head, 0), 4);
	lock = take_slots(0, SYNC_SLOTS);
	lock_close(lock);
	assert_int_equal(sync_once(), 0);
	assert_int_equal(head_synced_end(f.p.head, 0), 5);
	logfolder_close(&f);
}

/* Eight producers, each publishes, all wait until each has, then all sync: one fdatasync is enough for most. */
#define PRODUCERS 8

struct group {
	int ready[2], go[2], counts[2];
};

static int
produce_in_group(void *arg)
{
	struct group *g = arg;
	struct logfolder f;
	struct log *log;
	int64_t offset;
	char c;

	logfolder_open(&f);
	if (log_open(&f.p, &log) != STATUS_OK || try_append(log, "word", soon(), &offset) != STATUS_OK)
		return 1;
	proc_tell(g->ready[1]);
	if (!proc_hear(g->go[0]))
		return 2;
	iofault_count("fdatasync");
	if (log_sync(log, offset + 1, soon()) != STATUS_OK || head_synced_end(f.p.head, 0) <= offset)
		return 3;
	c = (char)iofault.calls;
	return write(g->counts[1], &c, 1) == 1 ? 0 : 4;
}

static void
test_one_sync_serves_all_who_wait(void **state)
{
	struct logfolder f;
	struct group g;
	struct lock *slots;
	pid_t pids[PRODUCERS];
	int syncs = 0;
	char c;

	(void)state;
	make(&f);
	assert_int_equal(pipe(g.ready), 0);
	assert_int_equal(pipe(g.go), 0);
	assert_int_equal(pipe(g.counts), 0);
	slots = take_slots(0, SYNC_SLOTS);
	for (int i = 0; i < PRODUCERS; i++)
		pids[i] = proc_start(produce_in_group, &g);
	for (int i = 0; i < PRODUCERS; i++)
		assert_true(proc_hear(g.ready[0]));
	for (int i = 0; i < PRODUCERS; i++)
		proc_tell(g.go[1]);
	/* All have published; whoever comes first syncs for all. */
	for (int i = 0; i < PRODUCERS; i++)
		proc_until_in_call(pids[i], SYS_futex);
	lock_close(slots);
	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(proc_end(pids[i]), 0);
	for (int i = 0; i < PRODUCERS; i++) {
		assert_int_equal(read(g.counts[0], &c, 1), 1);
		syncs += c;
	}
	assert_true(syncs >= 1 && syncs <= SYNC_SLOTS);
	assert_int_equal(head_synced_end(f.p.head, 0), PRODUCERS);
	logfolder_close(&f);
}

static int
sync_what_is_published(void *arg)
{
	struct logfolder f;
	struct sync *s;

	(void)arg;
	logfolder_open(&f);
	s = hold(&f);
	return sync_upto(s, end_of(&f).end_offset, soon()) == STATUS_OK ? 0 : 1;
}

/* No slot is needed for what another has synced; each process ends while all slots are still held. */
static void
test_who_waits_for_a_slot_learns_that_it_is_done(void **state)
{
	struct logfolder f;
	struct lock *slots;
	struct sync *s;
	pid_t pids[2];

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	slots = take_slots(0, SYNC_SLOTS);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		pids[i] = proc_start(sync_what_is_published, NULL);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		proc_until_in_call(pids[i], SYS_futex);
	assert_ok(head_raise_synced_end(f.p.head, 0, 1));
	head_ring_slot(f.p.head, 0);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		assert_int_equal(proc_end(pids[i]), 0);
	/* Nor is what was done when the log was rebuilt meanwhile. */
	publish_one(&f, s);
	pids[0] = proc_start(sync_what_is_published, NULL);
	proc_until_in_call(pids[0], SYS_futex);
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_int_equal(proc_end(pids[0]), 1);
	lock_close(slots);
	sync_close(s);
	logfolder_close(&f);
}

static void
test_too_many_segments_are_refused(void **state)
{
	struct logfolder f;
	struct sync *s;
	int rc = STATUS_OK;

	(void)state;
	make(&f);
	s = hold(&f);
	for (int64_t base = 1; base < 10 && rc == STATUS_OK; base++) {
		int fd = open(segment_path(base, SUFFIX_LOG), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		if ((rc = sync_hold_new(s, base, fd)) != STATUS_OK)
			close(fd);
	}
	assert_status(rc, STATUS_IO);
	assert_non_null(strstr(status_message(), "segments are not synced"));
	sync_close(s);
	logfolder_close(&f);
}

static void
test_a_segment_that_is_missing(void **state)
{
	struct logfolder f;
	struct head_end end;
	struct sync *s;
	int fd;

	(void)state;
	make(&f);
	end = end_of(&f);
	end.segment_base = 9;
	assert_ok(sync_open(&f.p, &s));
	assert_status(sync_hold(s, &end, 2, &fd), STATUS_MISSING);
	sync_close(s);

	/* Gone while we wanted to write it again: an error, unless others had made it durable. */
	s = hold(&f);
	publish_one(&f, s);
	sync_reset(s);
	assert_int_equal(rename(segment_path(0, SUFFIX_LOG), "away"), 0);
	assert_ok(sync_upto(s, 0, soon()));
	assert_status(sync_upto(s, 1, soon()), STATUS_GONE);
	assert_int_equal(head_generation(f.p.head, 0) % 2, 1);
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	sync_close(s);
	logfolder_close(&f);
}

/* Whole batches are missing at the end: shorter than what was published is not what was published. */
static void
test_a_segment_that_is_too_short(void **state)
{
	struct logfolder f;
	struct sync *s;
	int64_t first;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	first = end_of(&f).end_position;
	publish_one(&f, s);
	sync_close(s);
	s = hold(&f);
	cut_file(segment_path(0, SUFFIX_LOG), first);
	assert_status(sync_upto(s, 2, soon()), STATUS_GONE);
	assert_int_equal(head_synced_end(f.p.head, 0), 0);
	sync_close(s);
	logfolder_close(&f);
}

static void
test_no_memory(void **state)
{
	struct logfolder f;
	struct sync *s;

	(void)state;
	make(&f);
	s = hold(&f);
	publish_one(&f, s);
	sync_close(s);
	for (long n = 0;; n++) {
		struct head_end end = end_of(&f);
		int fd, rc;

		s = NULL;
		unit_oom_after(n);
		if ((rc = sync_open(&f.p, &s)) == STATUS_OK && (rc = sync_hold(s, &end, 2, &fd)) == STATUS_OK)
			rc = sync_upto(s, 1, soon());
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			sync_close(s);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(head_synced_end(f.p.head, 0), 0);
		assert_int_equal(head_poison(f.p.head, 0), HEAD_SOUND);
		sync_close(s);
	}
	assert_int_equal(head_synced_end(f.p.head, 0), 1);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_was_written_through_it_is_synced),
	    unit_test(test_who_finds_it_done_does_not_sync),
	    unit_test(test_a_fresh_descriptor_writes_again_what_it_cannot_vouch_for),
	    unit_test(test_no_more_is_written_again_than_need_be),
	    unit_test(test_what_does_not_verify_is_not_written_again),
	    unit_test(test_an_old_magic_is_torn_too),
	    unit_test(test_an_index_that_lies_costs_time_only),
	    unit_test(test_a_failed_sync_poisons_and_is_not_forgotten),
	    unit_test(test_healing_once_and_not_twice),
	    unit_test(test_a_failed_cut_poisons_too),
	    unit_test(test_a_rebuilt_log_is_gone),
	    unit_test(test_without_a_descriptor_it_opens_what_it_needs),
	    unit_test(test_every_segment_from_synced_end_is_synced),
	    unit_test(test_no_further_than_the_segments_held),
	    unit_test(test_a_segment_that_was_taken_back_is_forgotten),
	    unit_test(test_a_stopped_syncer_does_not_stop_others),
	    unit_test(test_writing_again_needs_the_append_lock),
	    unit_test(test_a_killed_syncer_leaves_its_slot_and_no_lie),
	    unit_test(test_one_sync_serves_all_who_wait),
	    unit_test(test_who_waits_for_a_slot_learns_that_it_is_done),
	    unit_test(test_too_many_segments_are_refused),
	    unit_test(test_a_segment_that_is_missing),
	    unit_test(test_a_segment_that_is_too_short),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

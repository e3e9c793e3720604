#include "base/wait.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "proc.h"

#define PAGE_BYTES 4096

/* A file with a bell in it, mapped twice: as who rings has it, and as who may only read has it. */
struct tower {
	bell_word *bell;
	const bell_word *seen_from_below;
	uint32_t seen;
	int64_t timeout_ms;
};

static void
build(struct tower *t)
{
	static const char page[PAGE_BYTES];
	int write_fd, read_fd;

	unit_write("heads", page, sizeof(page));
	write_fd = open("heads", O_RDWR);
	read_fd = open("heads", O_RDONLY);
	assert_true(write_fd >= 0 && read_fd >= 0);
	t->bell = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, write_fd, 0);
	t->seen_from_below = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, read_fd, 0);
	assert_true(t->bell != MAP_FAILED && t->seen_from_below != MAP_FAILED);
	assert_int_equal(close(write_fd), 0);
	assert_int_equal(close(read_fd), 0);
	t->seen = bell_read(t->bell);
	t->timeout_ms = PROC_PATIENCE_MS;
}

static void
tear_down(struct tower *t)
{
	assert_int_equal(munmap(t->bell, PAGE_BYTES), 0);
	assert_int_equal(munmap((void *)(uintptr_t)t->seen_from_below, PAGE_BYTES), 0);
}

static int
sleep_below(void *arg)
{
	const struct tower *t = arg;

	return bell_wait(t->seen_from_below, t->seen, t->timeout_ms) ? 0 : 1;
}

static void
test_a_ring_is_read_by_everybody(void **state)
{
	struct tower t;

	(void)state;
	build(&t);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(bell_read(t.seen_from_below), t.seen + i);
		bell_ring(t.bell);
	}
	assert_int_equal(bell_read(t.bell), t.seen + 3);
	tear_down(&t);
}

static void
test_a_ring_before_the_wait_is_not_missed(void **state)
{
	struct tower t;

	(void)state;
	build(&t);
	bell_ring(t.bell);
	assert_true(bell_wait(t.seen_from_below, t.seen, -1));
	assert_true(bell_wait(t.seen_from_below, t.seen, 0));
	tear_down(&t);
}

static void
test_who_may_only_read_is_woken_from_another_process(void **state)
{
	struct tower t;
	int64_t start;
	pid_t pid;

	(void)state;
	build(&t);
	pid = proc_start(sleep_below, &t);
	proc_until_in_call(pid, SYS_futex);
	start = clock_monotonic_ms();
	bell_ring(t.bell);
	assert_int_equal(proc_end(pid), 0);
	assert_true(clock_monotonic_ms() - start < PROC_PATIENCE_MS / 2);
	tear_down(&t);
}

static void
test_one_ring_wakes_all(void **state)
{
	pid_t pids[8];
	struct tower t;

	(void)state;
	build(&t);
	t.timeout_ms = -1;
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		pids[i] = proc_start(sleep_below, &t);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		proc_until_in_call(pids[i], SYS_futex);
	bell_ring(t.bell);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		assert_int_equal(proc_end(pids[i]), 0);
	tear_down(&t);
}

static void
test_a_wait_ends_at_its_timeout_and_not_before(void **state)
{
	static const int64_t timeouts_ms[] = {0, 1, 30, 1000};
	struct tower t;

	(void)state;
	build(&t);
	for (size_t i = 0; i < COUNT_OF(timeouts_ms); i++) {
		int64_t start = clock_monotonic_ms(), took;

		assert_false(bell_wait(t.seen_from_below, t.seen, timeouts_ms[i]));
		took = clock_monotonic_ms() - start;
		assert_true(took >= timeouts_ms[i] - 1);
		assert_true(took < timeouts_ms[i] + PROC_PATIENCE_MS / 2);
	}
	tear_down(&t);
}

static void
test_the_longest_timeout_is_no_error(void **state)
{
	struct tower t;
	pid_t pid;

	(void)state;
	build(&t);
	t.timeout_ms = INT64_MAX;
	pid = proc_start(sleep_below, &t);
	proc_until_in_call(pid, SYS_futex);
	bell_ring(t.bell);
	assert_int_equal(proc_end(pid), 0);
	tear_down(&t);
}

static void
on_signal(int signal_number)
{
	(void)signal_number;
}

static int
sleep_with_handler(void *arg)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	(void)sigaction(SIGTERM, &sa, NULL);
	return sleep_below(arg);
}

static void
test_a_handled_signal_ends_the_wait(void **state)
{
	struct tower t;
	pid_t pid;

	(void)state;
	build(&t);
	t.timeout_ms = PROC_PATIENCE_MS * 10;
	pid = proc_start(sleep_with_handler, &t);
	proc_until_in_call(pid, SYS_futex);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(proc_end(pid), 1);
	tear_down(&t);
}

static void
test_the_word_may_wrap(void **state)
{
	struct tower t;
	pid_t pid;

	(void)state;
	build(&t);
	*t.bell = UINT32_MAX;
	t.seen = UINT32_MAX;
	pid = proc_start(sleep_below, &t);
	proc_until_in_call(pid, SYS_futex);
	bell_ring(t.bell);
	assert_int_equal(bell_read(t.bell), 0);
	assert_int_equal(proc_end(pid), 0);
	tear_down(&t);
}

/* Each of the two waits for the other's ring; one that got lost would stop both. */
static int
answer(void *arg)
{
	struct tower *pair = arg;

	for (uint32_t i = 0; i < 2000; i++) {
		while (bell_read(pair[0].seen_from_below) == i) {
			if (!bell_wait(pair[0].seen_from_below, i, PROC_PATIENCE_MS))
				return 1;
		}
		bell_ring(pair[1].bell);
	}
	return 0;
}

static void
test_no_ring_is_lost_in_a_thousand(void **state)
{
	struct tower pair[2];
	pid_t pid;

	(void)state;
	build(&pair[0]);
	pair[1] = pair[0];
	pair[1].bell = pair[0].bell + 1;
	pair[1].seen_from_below = pair[0].seen_from_below + 1;
	pid = proc_start(answer, pair);
	for (uint32_t i = 0; i < 2000; i++) {
		bell_ring(pair[0].bell);
		while (bell_read(pair[1].seen_from_below) == i)
			assert_true(bell_wait(pair[1].seen_from_below, i, PROC_PATIENCE_MS));
	}
	assert_int_equal(proc_end(pid), 0);
	tear_down(&pair[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_ring_is_read_by_everybody),
	    unit_test(test_a_ring_before_the_wait_is_not_missed),
	    unit_test(test_who_may_only_read_is_woken_from_another_process),
	    unit_test(test_one_ring_wakes_all),
	    unit_test(test_a_wait_ends_at_its_timeout_and_not_before),
	    unit_test(test_the_longest_timeout_is_no_error),
	    unit_test(test_a_handled_signal_ends_the_wait),
	    unit_test(test_the_word_may_wrap),
	    unit_test(test_no_ring_is_lost_in_a_thousand),
	};
	return unit_run(tests);
}

#include "base/lock.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include <pthread.h>

#include "proc.h"

static struct lock *
open_lock(void)
{
	struct lock *l;

	if (access("lock", F_OK) != 0)
		unit_write("lock", "", 0);
	assert_ok(lock_open(AT_FDCWD, "lock", &l));
	return l;
}

struct holder {
	int64_t byte;
	int64_t deadline_ms;
	int told[2]; /* a byte comes when it has the lock */
	pid_t pid;
};

/* Takes the byte, tells, and holds it until it is killed. */
static int
hold(void *arg)
{
	struct holder *h = arg;
	struct lock *l;

	if (lock_open(AT_FDCWD, "lock", &l) != STATUS_OK || lock_take(l, h->byte, "lock", h->deadline_ms) != STATUS_OK)
		return 1;
	proc_tell(h->told[1]);
	for (;;)
		(void)pause();
}

/* Takes the byte and ends with the status of that. */
static int
take(void *arg)
{
	struct holder *h = arg;
	struct lock *l;
	int rc;

	if (lock_open(AT_FDCWD, "lock", &l) != STATUS_OK)
		return 1;
	rc = lock_take(l, h->byte, "lock", h->deadline_ms);
	lock_close(l);
	return status_exit(rc);
}

static void
start_holder(struct holder *h, int64_t byte)
{
	lock_close(open_lock());
	*h = (struct holder){.byte = byte, .deadline_ms = DEADLINE_NOW};
	assert_int_equal(pipe2(h->told, O_CLOEXEC), 0);
	h->pid = proc_start(hold, h);
	assert_true(proc_hear(h->told[0]));
}

static void
end_holder(struct holder *h)
{
	assert_int_equal(proc_kill(h->pid), 128 + SIGKILL);
	assert_int_equal(close(h->told[0]), 0);
	assert_int_equal(close(h->told[1]), 0);
}

static void
test_a_lock_file_must_exist(void **state)
{
	struct lock *l = NULL;

	(void)state;
	assert_status(lock_open(AT_FDCWD, "lock", &l), STATUS_MISSING);
	assert_null(l);
	assert_int_equal(symlink("/dev/null", "lock"), 0);
	assert_status(lock_open(AT_FDCWD, "lock", &l), STATUS_IO);
	assert_null(l);
	lock_close(NULL);
}

static void
test_a_lock_without_memory_is_a_reason_to_try_again(void **state)
{
	struct lock *l = NULL;
	long n;

	(void)state;
	unit_write("lock", "", 0);
	for (n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = lock_open(AT_FDCWD, "lock", &l);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_null(l);
	}
	assert_int_equal(n, 2);
	lock_close(l);
}

static void
test_a_lock_file_that_may_only_be_written_can_be_locked(void **state)
{
	struct lock *l;

	(void)state;
	unit_write("lock", "", 0);
	assert_int_equal(chmod("lock", 0200), 0);
	l = open_lock();
	assert_ok(lock_take(l, 0, "lock", DEADLINE_NOW));
	lock_close(l);
}

static void
test_another_description_is_kept_out_until_the_byte_is_dropped(void **state)
{
	struct lock *a = open_lock(), *b = open_lock();

	(void)state;
	assert_ok(lock_take(a, 7, "append lock", DEADLINE_NOW));
	assert_false(lock_try(b, 7));
	assert_status(lock_take(b, 7, "append lock", DEADLINE_NOW), STATUS_AGAIN);
	assert_string_equal(status_message(), "append lock: held by another process");
	lock_drop(a, 7);
	assert_true(lock_try(b, 7));
	assert_false(lock_try(a, 7));
	lock_drop(b, 7);
	lock_close(a);
	lock_close(b);
}

static void
test_each_byte_is_a_lock_of_its_own(void **state)
{
	static const int64_t bytes[] = {0, 1, 2, 5, INT32_MAX, INT64_C(1) << 40, INT64_MAX - 1, INT64_MAX};
	struct lock *a = open_lock(), *b = open_lock();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		assert_ok(lock_take(a, bytes[i], "lock", DEADLINE_NOW));
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		assert_false(lock_try(b, bytes[i]));
	assert_true(lock_try(b, 3));
	assert_true(lock_try(b, INT32_MAX - 1));
	/* From the middle, out of neighbours. */
	lock_drop(a, 1);
	assert_true(lock_try(b, 1));
	assert_false(lock_try(b, 0));
	assert_false(lock_try(b, 2));
	lock_close(a);
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		assert_true(lock_try(b, bytes[i]));
	lock_close(b);
}

static void
test_a_byte_that_cannot_be_is_an_error(void **state)
{
	struct lock *l = open_lock();

	(void)state;
	assert_false(lock_try(l, -1));
	assert_status(lock_take(l, -1, "lock", DEADLINE_NOW), STATUS_IO);
	assert_status(lock_take(l, -1, "lock", DEADLINE_NEVER), STATUS_IO);
	lock_close(l);
}

static void
test_closing_drops_all_even_if_a_forked_child_has_the_description(void **state)
{
	struct lock *a = open_lock(), *b = open_lock();
	int blocker[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(blocker), 0);
	assert_ok(lock_take(a, 0, "lock", DEADLINE_NOW));
	assert_ok(lock_take(a, 9, "lock", DEADLINE_NOW));
	if ((pid = fork()) == 0) {
		(void)close(blocker[1]);
		_exit(read(blocker[0], &c, 1) == 0 ? 0 : 1);
	}
	lock_close(a);
	assert_true(lock_try(b, 0));
	assert_true(lock_try(b, 9));
	assert_int_equal(close(blocker[0]), 0);
	assert_int_equal(close(blocker[1]), 0);
	assert_int_equal(proc_end(pid), 0);
	lock_close(b);
}

static void
test_a_wait_ends_at_its_deadline(void **state)
{
	static const int64_t waits_ms[] = {1, 5, 50, 1001};
	struct lock *l = open_lock();
	struct holder h;

	(void)state;
	start_holder(&h, 3);
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++) {
		int64_t deadline = clock_deadline(waits_ms[i]);

		assert_status(lock_take(l, 3, "lock", deadline), STATUS_AGAIN);
		assert_true(clock_passed(deadline));
		assert_true(clock_monotonic_ms() < deadline + PROC_PATIENCE_MS / 2);
		assert_string_equal(status_message(), "lock: held by another process");
	}
	assert_status(lock_take(l, 3, "lock", clock_monotonic_ms()), STATUS_AGAIN);
	assert_ok(lock_take(l, 4, "lock", clock_monotonic_ms()));
	end_holder(&h);
	assert_ok(lock_take(l, 3, "lock", DEADLINE_NOW));
	lock_close(l);
}

static void
test_who_waits_has_the_lock_as_soon_as_its_holder_is_killed(void **state)
{
	int64_t deadlines_ms[] = {clock_deadline(PROC_PATIENCE_MS * 3), DEADLINE_NEVER, DEADLINE_NEVER - 1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deadlines_ms); i++) {
		struct holder h, waiter = {.byte = 0, .deadline_ms = deadlines_ms[i]};
		int64_t start;
		pid_t pid;

		start_holder(&h, 0);
		pid = proc_start(take, &waiter);
		proc_until_in_call(pid, SYS_fcntl);
		start = clock_monotonic_ms();
		end_holder(&h);
		assert_int_equal(proc_end(pid), 0);
		assert_true(clock_monotonic_ms() - start < 1000);
	}
}

static void
test_a_stopped_holder_keeps_the_lock(void **state)
{
	struct lock *l = open_lock();
	struct holder h;
	int how;

	(void)state;
	start_holder(&h, 0);
	assert_int_equal(kill(h.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(h.pid, &how, WUNTRACED), h.pid);
	assert_status(lock_take(l, 0, "lock", clock_deadline(20)), STATUS_AGAIN);
	end_holder(&h);
	assert_ok(lock_take(l, 0, "lock", DEADLINE_NOW));
	lock_close(l);
}

/* Eight processes count up a number in a file, each under the lock. */
static int
count_up(void *arg)
{
	struct lock *l;

	(void)arg;
	if (lock_open(AT_FDCWD, "lock", &l) != STATUS_OK)
		return 1;
	for (int i = 0; i < 200; i++) {
		int fd, number = 0;

		if (lock_take(l, 0, "lock", clock_deadline(PROC_PATIENCE_MS * 3)) != STATUS_OK ||
		    (fd = open("number", O_RDWR)) < 0 || pread(fd, &number, sizeof(number), 0) < 0 || ++number < 0 ||
		    pwrite(fd, &number, sizeof(number), 0) < 0 || close(fd) != 0)
			return 2;
		lock_drop(l, 0);
	}
	lock_close(l);
	return 0;
}

static void
test_the_lock_excludes_whoever_contends_for_it(void **state)
{
	int number = 0, *found;
	pid_t pids[8];
	size_t len;

	(void)state;
	lock_close(open_lock());
	unit_write("number", &number, sizeof(number));
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		pids[i] = proc_start(count_up, NULL);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		assert_int_equal(proc_end(pids[i]), 0);
	found = (int *)(void *)unit_read("number", &len);
	assert_int_equal(*found, 1600);
	free(found);
}

static bool
stop_is_blocked(int signal_number)
{
	sigset_t mask;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	return sigismember(&mask, signal_number) == 1;
}

static bool
all_stops_are(bool blocked)
{
	return stop_is_blocked(SIGTSTP) == blocked && stop_is_blocked(SIGTTIN) == blocked && stop_is_blocked(SIGTTOU) == blocked;
}

static void
test_stops_are_blocked_while_any_byte_is_held_in_whatever_order_they_go(void **state)
{
	struct lock *a = open_lock(), *b;

	(void)state;
	unit_write("other", "", 0);
	assert_ok(lock_open(AT_FDCWD, "other", &b));
	assert_true(all_stops_are(false));
	assert_ok(lock_take(a, 0, "lock", DEADLINE_NOW));
	assert_true(all_stops_are(true));
	assert_true(lock_try(b, 1));
	assert_true(lock_try(b, 2));
	lock_drop(a, 0);
	assert_true(all_stops_are(true));
	lock_drop(b, 1);
	assert_true(all_stops_are(true));
	lock_drop(b, 2);
	assert_true(all_stops_are(false));
	assert_true(lock_try(a, 0));
	assert_true(lock_try(a, 1));
	assert_true(lock_try(b, 0));
	lock_close(a);
	assert_true(all_stops_are(true));
	lock_close(b);
	assert_true(all_stops_are(false));
}

static void
test_a_lock_that_was_not_had_blocks_nothing(void **state)
{
	struct lock *a = open_lock(), *b = open_lock();
	struct holder h;

	(void)state;
	start_holder(&h, 0);
	assert_false(lock_try(a, 0));
	assert_true(all_stops_are(false));
	assert_status(lock_take(a, 0, "lock", DEADLINE_NOW), STATUS_AGAIN);
	assert_true(all_stops_are(false));
	assert_status(lock_take(a, 0, "lock", clock_deadline(5)), STATUS_AGAIN);
	assert_true(all_stops_are(false));
	assert_ok(lock_take(b, 1, "lock", DEADLINE_NOW));
	assert_status(lock_take(a, 0, "lock", clock_deadline(5)), STATUS_AGAIN);
	assert_true(all_stops_are(true));
	lock_close(b);
	end_holder(&h);
	lock_close(a);
}

static void
test_a_stop_signal_that_the_program_blocks_stays_blocked(void **state)
{
	struct lock *l = open_lock();
	sigset_t tstp;

	(void)state;
	(void)sigemptyset(&tstp);
	(void)sigaddset(&tstp, SIGTSTP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &tstp, NULL), 0);
	assert_true(lock_try(l, 0));
	lock_drop(l, 0);
	assert_true(stop_is_blocked(SIGTSTP));
	assert_false(stop_is_blocked(SIGTTIN));
	assert_false(stop_is_blocked(SIGTTOU));
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &tstp, NULL), 0);
	lock_close(l);
}

static void
test_what_the_program_blocks_meanwhile_stays_blocked(void **state)
{
	struct lock *l = open_lock();
	sigset_t usr1;

	(void)state;
	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	assert_true(lock_try(l, 0));
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	lock_drop(l, 0);
	assert_true(stop_is_blocked(SIGUSR1));
	assert_true(all_stops_are(false));
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
	lock_close(l);
}

/* It stops itself while it holds the lock: that must take effect only when it lets go. */
static int
stop_oneself(void *arg)
{
	struct holder *h = arg;
	struct lock *l;

	if (lock_open(AT_FDCWD, "lock", &l) != STATUS_OK || lock_take(l, 0, "lock", DEADLINE_NOW) != STATUS_OK)
		return 1;
	(void)kill(getpid(), SIGTSTP);
	proc_tell(h->told[1]);
	lock_close(l);
	return 0;
}

static void
test_ctrl_z_stops_the_holder_only_when_it_let_go(void **state)
{
	struct lock *l = open_lock();
	struct holder h = {0};
	pid_t pid;
	int how;

	(void)state;
	assert_int_equal(pipe(h.told), 0);
	/* A group of its own in this session: of an orphaned one the kernel ignores the stop. */
	pid = proc_start(stop_oneself, &h);
	(void)setpgid(pid, pid);
	assert_true(proc_hear(h.told[0]));
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	if (WIFSTOPPED(how)) {
		assert_ok(lock_take(l, 0, "lock", DEADLINE_NOW));
		(void)proc_kill(pid);
	} else {
		assert_int_equal(how, 0);
	}
	lock_close(l);
	assert_int_equal(close(h.told[0]), 0);
	assert_int_equal(close(h.told[1]), 0);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int signal_number)
{
	(void)signal_number;
	alarms++;
}

static void
test_a_wait_leaves_the_users_alarm_and_its_handler_alone(void **state)
{
	struct sigaction mine = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, old, found;
	struct lock *l = open_lock();
	struct itimerval limit = {.it_value = {.tv_sec = 1000}}, off = {0}, left;
	struct holder h;

	(void)state;
	start_holder(&h, 0);
	assert_int_equal(sigaction(SIGALRM, &mine, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &limit, NULL), 0);
	assert_status(lock_take(l, 0, "lock", clock_deadline(30)), STATUS_AGAIN);
	assert_int_equal(setitimer(ITIMER_REAL, &off, &left), 0);
	assert_in_range(left.it_value.tv_sec, 500, 1000);
	assert_int_equal(sigaction(SIGALRM, &old, &found), 0);
	assert_ptr_equal(found.sa_handler, on_alarm);
	assert_int_equal(alarms, 0);
	end_holder(&h);
	lock_close(l);
}

static void
test_a_wait_ends_in_time_even_if_all_signals_are_blocked(void **state)
{
	struct lock *l = open_lock();
	sigset_t all, old, after;
	struct holder h;

	(void)state;
	start_holder(&h, 0);
	(void)sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &old), 0);
	assert_int_equal(lock_take(l, 0, "lock", clock_deadline(20)), STATUS_AGAIN);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, &after), 0);
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
		assert_int_equal(sigismember(&after, s), 1);
	assert_int_equal(sigismember(&after, SIGTERM), 1);
	end_holder(&h);
	lock_close(l);
}

static int
take_with_handler(void *arg)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	(void)sigaction(SIGUSR1, &sa, NULL);
	return take(arg);
}

static void
test_a_handled_signal_does_not_end_the_wait(void **state)
{
	struct holder h, waiter = {.byte = 0, .deadline_ms = clock_deadline(PROC_PATIENCE_MS * 3)};
	pid_t pid;

	(void)state;
	start_holder(&h, 0);
	pid = proc_start(take_with_handler, &waiter);
	for (int i = 0; i < 20; i++) {
		proc_until_in_call(pid, SYS_fcntl);
		assert_int_equal(kill(pid, SIGUSR1), 0);
	}
	proc_until_in_call(pid, SYS_fcntl);
	end_holder(&h);
	assert_int_equal(proc_end(pid), 0);
}

struct patience {
	int64_t deadline_ms;
	int rc;
};

static void *
take_in_thread(void *arg)
{
	struct patience *p = arg;
	struct lock *l;

	if ((p->rc = lock_open(AT_FDCWD, "lock", &l)) != STATUS_OK)
		return NULL;
	p->rc = lock_take(l, 0, "lock", p->deadline_ms);
	lock_close(l);
	return NULL;
}

static void
test_threads_wait_each_to_its_own_deadline(void **state)
{
	struct patience p[4];
	pthread_t threads[4];
	struct holder h;

	(void)state;
	start_holder(&h, 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		p[i] = (struct patience){.deadline_ms = i < 3 ? clock_deadline(20 * (int64_t)i + 1) : DEADLINE_NEVER};
		assert_int_equal(pthread_create(&threads[i], NULL, take_in_thread, &p[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(p[i].rc, STATUS_AGAIN);
		assert_true(clock_passed(p[i].deadline_ms));
	}
	end_holder(&h);
	assert_int_equal(pthread_join(threads[3], NULL), 0);
	assert_int_equal(p[3].rc, STATUS_OK);
}

static void
test_a_wait_leaves_no_timer_and_no_descriptor_behind(void **state)
{
	struct lock *l = open_lock();
	struct holder h;
	int before;
	char text[16];
	FILE *f;

	(void)state;
	start_holder(&h, 0);
	before = proc_next_descriptor();
	for (int i = 0; i < 20; i++)
		assert_status(lock_take(l, 0, "lock", clock_deadline(1)), STATUS_AGAIN);
	assert_int_equal(proc_next_descriptor(), before);
	if ((f = fopen("/proc/self/timers", "r")) != NULL) {
		assert_null(fgets(text, sizeof(text), f));
		assert_int_equal(fclose(f), 0);
	}
	end_holder(&h);
	lock_close(l);
}

/* Holds the byte for life and stops itself, as Ctrl-Z would. */
static int
stay_and_stop(void *arg)
{
	struct lock *l;

	(void)arg;
	if (lock_open(AT_FDCWD, "lock", &l) != STATUS_OK || !lock_stay(l, 5))
		return 1;
	(void)raise(SIGTSTP);
	lock_close(l);
	return 0;
}

static void
test_who_stays_keeps_others_out_and_can_be_stopped(void **state)
{
	struct lock *l = open_lock();
	pid_t pid;
	int how;

	(void)state;
	pid = proc_start(stay_and_stop, NULL);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	assert_true(WIFSTOPPED(how));
	assert_false(lock_stay(l, 5));
	assert_false(lock_try(l, 5));
	assert_true(lock_stay(l, 6));
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(proc_end(pid), 0);
	assert_true(lock_stay(l, 5));
	lock_close(l);
	l = open_lock();
	assert_true(lock_try(l, 5));
	lock_close(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_lock_file_must_exist),
	    unit_test(test_a_lock_without_memory_is_a_reason_to_try_again),
	    unit_test(test_a_lock_file_that_may_only_be_written_can_be_locked),
	    unit_test(test_another_description_is_kept_out_until_the_byte_is_dropped),
	    unit_test(test_each_byte_is_a_lock_of_its_own),
	    unit_test(test_a_byte_that_cannot_be_is_an_error),
	    unit_test(test_closing_drops_all_even_if_a_forked_child_has_the_description),
	    unit_test(test_a_wait_ends_at_its_deadline),
	    unit_test(test_who_waits_has_the_lock_as_soon_as_its_holder_is_killed),
	    unit_test(test_a_stopped_holder_keeps_the_lock),
	    unit_test(test_the_lock_excludes_whoever_contends_for_it),
	    unit_test(test_stops_are_blocked_while_any_byte_is_held_in_whatever_order_they_go),
	    unit_test(test_a_lock_that_was_not_had_blocks_nothing),
	    unit_test(test_a_stop_signal_that_the_program_blocks_stays_blocked),
	    unit_test(test_what_the_program_blocks_meanwhile_stays_blocked),
	    unit_test(test_ctrl_z_stops_the_holder_only_when_it_let_go),
	    unit_test(test_a_wait_leaves_the_users_alarm_and_its_handler_alone),
	    unit_test(test_a_wait_ends_in_time_even_if_all_signals_are_blocked),
	    unit_test(test_a_handled_signal_does_not_end_the_wait),
	    unit_test(test_threads_wait_each_to_its_own_deadline),
	    unit_test(test_a_wait_leaves_no_timer_and_no_descriptor_behind),
	    unit_test(test_who_stays_keeps_others_out_and_can_be_stopped),
	};
	return unit_run(tests);
}

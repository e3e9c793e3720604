/* worker: jobs beside their owner. */
#include "base/worker.h"

#include <sys/resource.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/compat.h"
#include "proc.h"

/* What the jobs of a test see and leave behind. */
static struct {
	atomic_int gate; /* a job goes on when it is not 0 */
	atomic_int begun;
	int done[64], count;
	int fails_at; /* the number of the job that fails; 0: none */
	bool beside;  /* the last job ran in another thread */
	pthread_t owner;
} seen;

static void
begin(int fails_at)
{
	memset(&seen, 0, sizeof(seen));
	atomic_store(&seen.gate, 1);
	seen.fails_at = fails_at;
	seen.owner = pthread_self();
}

static int
job(void *arg)
{
	int number = *(int *)arg;

	atomic_fetch_add(&seen.begun, 1);
	while (atomic_load(&seen.gate) == 0)
		(void)poll(NULL, 0, 1);
	seen.beside = !pthread_equal(pthread_self(), seen.owner);
	if (number == seen.fails_at)
		return status_fail(STATUS_IO, "job %d failed", number);
	seen.done[seen.count++] = number;
	return STATUS_OK;
}

static int numbers[64];

static void
give(struct worker *w, int from, int to)
{
	for (int i = from; i <= to; i++) {
		numbers[i] = i;
		worker_give(w, &numbers[i]);
	}
}

static void
wait_until_begun(int count)
{
	int64_t deadline = clock_deadline(PROC_PATIENCE_MS);

	while (atomic_load(&seen.begun) < count && !clock_passed(deadline))
		(void)poll(NULL, 0, 1);
	assert_int_equal(atomic_load(&seen.begun), count);
}

static void
test_jobs_are_done_in_order_beside_their_owner(void **state)
{
	struct worker *w;

	(void)state;
	for (int depth = 1; depth <= 3; depth++) {
		begin(0);
		assert_ok(worker_open(job, depth, &w));
		assert_ok(worker_wait(w));
		give(w, 1, 40);
		assert_ok(worker_wait(w));
		assert_ok(worker_wait(w));
		assert_int_equal(seen.count, 40);
		for (int i = 0; i < 40; i++)
			assert_int_equal(seen.done[i], i + 1);
		assert_true(seen.beside);
		worker_close(w);
	}
	worker_close(NULL);
}

static void
test_the_owner_goes_on_while_a_job_runs(void **state)
{
	struct worker *w;

	(void)state;
	begin(0);
	atomic_store(&seen.gate, 0);
	assert_ok(worker_open(job, 3, &w));
	give(w, 1, 3);
	wait_until_begun(1);
	assert_int_equal(seen.count, 0);
	atomic_store(&seen.gate, 1);
	assert_ok(worker_wait(w));
	assert_int_equal(seen.count, 3);
	worker_close(w);
}

static void
test_after_a_failure_nothing_is_done_until_it_is_told(void **state)
{
	struct worker *w;

	(void)state;
	begin(3);
	assert_ok(worker_open(job, 2, &w));
	give(w, 1, 6);
	assert_status(worker_wait(w), STATUS_IO);
	assert_string_equal(status_message(), "job 3 failed");
	assert_int_equal(seen.count, 2);
	assert_ok(worker_wait(w));
	give(w, 7, 8);
	assert_ok(worker_wait(w));
	assert_int_equal(seen.count, 4);
	worker_close(w);
}

static void
test_closing_waits_and_keeps_the_message(void **state)
{
	struct worker *w;

	(void)state;
	begin(2);
	assert_ok(worker_open(job, 4, &w));
	give(w, 1, 3);
	assert_status(status_fail(STATUS_DATA, "ours"), STATUS_DATA);
	worker_close(w);
	assert_string_equal(status_message(), "ours");
	assert_int_equal(seen.count, 1);
}

/* In a process of its own: as nobody it may have no thread more. */
static int
work_without_thread(void *arg)
{
	static const struct rlimit none = {1, 1};
	struct worker *w;
	int rc;

	(void)arg;
	seen.owner = pthread_self();
	if (setrlimit(RLIMIT_NPROC, &none) != 0 || !proc_drop_root() || worker_open(job, 2, &w) != STATUS_OK)
		return 1;
	give(w, 1, 5);
	rc = worker_wait(w);
	worker_close(w);
	if (rc != STATUS_IO || seen.count != 3 || seen.beside)
		return 2;
	return 0;
}

static void
test_without_a_thread_the_jobs_are_done_all_the_same(void **state)
{
	(void)state;
	if (getuid() != 0) {
		print_message("root: a limit of processes is set for another user\n");
		skip();
	}
	begin(4);
	assert_int_equal(proc_end(proc_start(work_without_thread, NULL)), 0);
}

/* The process whose job runs is not stopped by the terminal; when all is done it is. */
static int
be_stopped(void *arg)
{
	struct worker *w;

	(void)arg;
	atomic_store(&seen.gate, 0);
	if (worker_open(job, 2, &w) != STATUS_OK)
		return 1;
	give(w, 1, 1);
	while (atomic_load(&seen.begun) < 1)
		(void)poll(NULL, 0, 1);
	if (kill(getpid(), SIGTSTP) != 0)
		return 2;
	/* Still here. Giving more lets the stop in, when the job is done. */
	atomic_store(&seen.gate, 1);
	give(w, 2, 2);
	if (worker_wait(w) != STATUS_OK)
		return 3;
	worker_close(w);
	return seen.count;
}

static void
test_a_stop_waits_until_no_job_runs(void **state)
{
	pid_t pid;
	int how;

	(void)state;
	begin(0);
	/* A process group of its own with a parent outside of it: else it is an orphan, which TSTP does not stop. */
	pid = proc_start(be_stopped, NULL);
	(void)setpgid(pid, pid);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	assert_true(WIFSTOPPED(how));
	assert_int_equal(WSTOPSIG(how), SIGTSTP);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(proc_end(pid), 2);
}

static volatile sig_atomic_t in_owner;

static void
on_usr1(int signal_number)
{
	(void)signal_number;
	in_owner = pthread_equal(pthread_self(), seen.owner) ? 1 : -1;
}

static void
test_signals_are_the_owners(void **state)
{
	struct sigaction action = {.sa_handler = on_usr1};
	sigset_t usr1, before;
	struct worker *w;

	(void)state;
	begin(0);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	atomic_store(&seen.gate, 0);
	assert_ok(worker_open(job, 2, &w));
	give(w, 1, 1);
	wait_until_begun(1);
	/* While the owner does not take it, nobody does. */
	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	atomic_store(&seen.gate, 1);
	give(w, 2, 3);
	while (atomic_load(&seen.begun) < 3)
		(void)poll(NULL, 0, 1);
	assert_int_equal(in_owner, 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(in_owner, 1);
	assert_ok(worker_wait(w));
	worker_close(w);
}

static void
test_without_memory(void **state)
{
	struct worker *w;

	(void)state;
	for (long n = 0; n < 2; n++) {
		unit_oom_after(n);
		assert_status(worker_open(job, 4, &w), STATUS_AGAIN);
		(void)unit_oom_off();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_jobs_are_done_in_order_beside_their_owner),
	    unit_test(test_the_owner_goes_on_while_a_job_runs),
	    unit_test(test_after_a_failure_nothing_is_done_until_it_is_told),
	    unit_test(test_closing_waits_and_keeps_the_message),
	    unit_test(test_without_a_thread_the_jobs_are_done_all_the_same),
	    unit_test(test_a_stop_waits_until_no_job_runs),
	    unit_test(test_signals_are_the_owners),
	    unit_test(test_without_memory),
	};

	return unit_run(tests);
}

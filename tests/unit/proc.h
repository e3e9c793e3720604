/*
 * proc: other processes for a unit test. Their bodies do not assert: they return a number, which proc_end gives to the test.
 */
#ifndef PROC_H
#define PROC_H

#include <sys/prctl.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "unit.h"

#define PROC_PATIENCE_MS 20000

/* Run body(arg) in a process of its own; it dies with the test. */
UNIT_UNUSED static pid_t
proc_start(int (*body)(void *), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(99);
	_exit(body(arg));
}

/* What the body returned, or 128 + the signal that ended the process. */
UNIT_UNUSED static int
proc_end(pid_t pid)
{
	int how;

	while (waitpid(pid, &how, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
}

UNIT_UNUSED static int
proc_kill(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	return proc_end(pid);
}

UNIT_UNUSED static int
proc_run(int (*body)(void *), void *arg)
{
	return proc_end(proc_start(body, arg));
}

/* Wait until the process sleeps in this system call. */
UNIT_UNUSED static void
proc_until_in_call(pid_t pid, long number)
{
	int64_t deadline = clock_deadline(PROC_PATIENCE_MS);
	char path[64];
	long found;
	FILE *f;
	int got;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	while (!clock_passed(deadline)) {
		if ((f = fopen(path, "r")) == NULL)
			fail_msg("%s: %s", path, strerror(errno));
		got = fscanf(f, "%ld", &found);
		(void)fclose(f);
		if (got == 1 && found == number)
			return;
		(void)poll(NULL, 0, 1);
	}
	fail_msg("process %d never came to system call %ld", (int)pid, number);
}

/* Read one byte that another process writes to say that it got somewhere; false if it ended without. */
UNIT_UNUSED static bool
proc_hear(int fd)
{
	char c;
	ssize_t n;

	while ((n = read(fd, &c, 1)) < 0 && errno == EINTR)
		continue;
	return n == 1;
}

UNIT_UNUSED static void
proc_tell(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(98);
}

/* The lowest free descriptor: what leaks raises it. */
UNIT_UNUSED static int
proc_next_descriptor(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	return fd;
}

/* Become nobody; false if that cannot be done. The test's folder must be open to all. */
UNIT_UNUSED static bool
proc_drop_root(void)
{
	return setgid(65534) == 0 && setuid(65534) == 0;
}

#endif

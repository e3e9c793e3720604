#include "base/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"

/* Not SIGALRM, because alarm(2) outlives exec and may be the user's limit for us. */
#define WAKE_SIGNAL (SIGRTMIN + 1)
#define REARM_MS 10

/* The C library has the field, but not always its name. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct lock {
	int fd;
	int held_count; /* bytes */
	char *name;
};

/* A signal mask belongs to a thread and its locks need not be dropped in reverse order, so they are counted together. */
static _Thread_local int stops_held_count;
static _Thread_local sigset_t stops_blocked_by_us;

int
lock_open(int dir, const char *name, struct lock **out)
{
	struct lock *l;
	int rc;

	if ((l = calloc(1, sizeof(*l))) == NULL || (l->name = strdup(name)) == NULL) {
		free(l);
		return status_no_memory(name);
	}
	if ((rc = file_open_write_only(dir, name, &l->fd)) != STATUS_OK) {
		free(l->name);
		free(l);
		return rc;
	}
	*out = l;
	return STATUS_OK;
}

static void
block_stops(void)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t wanted, before;

	if (stops_held_count++ > 0)
		return;
	(void)sigemptyset(&wanted);
	for (size_t i = 0; i < COUNT_OF(stops); i++)
		(void)sigaddset(&wanted, stops[i]);
	(void)pthread_sigmask(SIG_BLOCK, &wanted, &before);
	stops_blocked_by_us = wanted;
	for (size_t i = 0; i < COUNT_OF(stops); i++) {
		if (sigismember(&before, stops[i]) == 1)
			(void)sigdelset(&stops_blocked_by_us, stops[i]);
	}
}

static void
unblock_stops(void)
{
	assert(stops_held_count > 0);
	if (--stops_held_count == 0)
		(void)pthread_sigmask(SIG_UNBLOCK, &stops_blocked_by_us, NULL);
}

/* len 0 means up to the end of all bytes. */
static int
lock_call(const struct lock *l, int command, short type, int64_t byte, int64_t len)
{
	struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = (off_t)len};

	return fcntl(l->fd, command, &fl);
}

void
lock_close(struct lock *l)
{
	if (l == NULL)
		return;
	/* Closing alone would not drop them while a forked child has the description. */
	(void)lock_call(l, F_OFD_SETLK, F_UNLCK, 0, 0);
	for (; l->held_count > 0; l->held_count--)
		unblock_stops();
	(void)file_close(l->fd, l->name);
	free(l->name);
	free(l);
}

static void
on_wake(int signal_number)
{
	(void)signal_number; /* it only ends F_OFD_SETLKW */
}

/*
 * Have this thread signalled at the deadline and every REARM_MS after it, because the first signal may come just before the call
 * that it should end. The handler stays: another thread may be waiting too.
 */
static int
start_timer(int64_t deadline_ms, timer_t *timer, sigset_t *outer_mask)
{
	struct sigaction sa = {.sa_handler = on_wake};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = WAKE_SIGNAL};
	struct itimerspec at = {
	    .it_value = {.tv_sec = (time_t)(deadline_ms / 1000), .tv_nsec = (long)(deadline_ms % 1000) * 1000000},
	    .it_interval = {.tv_sec = 0, .tv_nsec = REARM_MS * 1000000L},
	};
	sigset_t wake;

	event.sigev_notify_thread_id = gettid();
	if (sigaction(WAKE_SIGNAL, &sa, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, timer) != 0)
		return -1;
	(void)sigemptyset(&wake);
	(void)sigaddset(&wake, WAKE_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &wake, outer_mask);
	(void)timer_settime(*timer, TIMER_ABSTIME, &at, NULL);
	return 0;
}

static void
stop_timer(timer_t timer, const sigset_t *outer_mask)
{
	(void)timer_delete(timer);
	(void)pthread_sigmask(SIG_SETMASK, outer_mask, NULL);
}

/* As fcntl(2): 0, or -1 and errno. */
static int
wait_for(const struct lock *l, int64_t byte, int64_t deadline_ms)
{
	bool limited = deadline_ms != DEADLINE_NEVER;
	sigset_t outer_mask;
	timer_t timer;
	int n, error;

	if (limited && start_timer(deadline_ms, &timer, &outer_mask) != 0)
		return -1;
	do
		n = lock_call(l, F_OFD_SETLKW, F_WRLCK, byte, 1);
	while (n != 0 && errno == EINTR && !clock_passed(deadline_ms));
	error = errno;
	if (limited)
		stop_timer(timer, &outer_mask);
	errno = error;
	return n;
}

int
lock_take(struct lock *l, int64_t byte, const char *what, int64_t deadline_ms)
{
	int n, error;

	/* Stops are blocked before the lock is had: between the two Ctrl-Z would keep it. */
	block_stops();
	n = lock_call(l, F_OFD_SETLK, F_WRLCK, byte, 1);
	if (n != 0 && (errno == EAGAIN || errno == EACCES) && !clock_passed(deadline_ms))
		n = wait_for(l, byte, deadline_ms);
	if (n == 0) {
		l->held_count++;
		return STATUS_OK;
	}
	error = errno;
	unblock_stops();
	if (error == EAGAIN || error == EACCES || error == EINTR)
		return status_fail(STATUS_AGAIN, "%s: held by another process", what);
	errno = error;
	return status_errno("%s", what);
}

bool
lock_try(struct lock *l, int64_t byte)
{
	block_stops();
	if (lock_call(l, F_OFD_SETLK, F_WRLCK, byte, 1) == 0) {
		l->held_count++;
		return true;
	}
	unblock_stops();
	return false;
}

void
lock_drop(struct lock *l, int64_t byte)
{
	assert(l->held_count > 0);
	(void)lock_call(l, F_OFD_SETLK, F_UNLCK, byte, 1);
	l->held_count--;
	unblock_stops();
}

bool
lock_stay(struct lock *l, int64_t byte)
{
	return lock_call(l, F_OFD_SETLK, F_WRLCK, byte, 1) == 0;
}

bool
lock_without_writers(int fd, bool *known)
{
	*known = true;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
		*known = errno == EAGAIN;
		return false;
	}
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

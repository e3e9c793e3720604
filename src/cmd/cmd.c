#include "cmd/cmd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/status.h"

static const char *program_name = "mq", *program_help = "";
static volatile sig_atomic_t caught_signal;

/*
 * A directory stands for a descriptor that we were not given: whoever reads or writes it is told. fcntl(2) does not open, so this is no
 * business of base/file's.
 */
static void
hold_standard_descriptors(void)
{
	int fd;

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		if (fcntl(i, F_GETFD) < 0 && errno == EBADF && dir_open(AT_FDCWD, "/", &fd) != STATUS_OK)
			return;
	}
}

void
cmd_start(const char *program, const char *help)
{
	sigset_t pipe_only;

	program_name = program;
	program_help = help;
	(void)signal(SIGPIPE, SIG_DFL);
	/* A file that grows past its limit is an error of write(2), told with its name, no death. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)sigprocmask(SIG_UNBLOCK, &pipe_only, NULL);
	hold_standard_descriptors();
	if (fault_arm() != STATUS_OK)
		exit(cmd_finish(STATUS_USAGE));
}

const char *
cmd_program(void)
{
	return program_name;
}

void
cmd_error(void)
{
	if (*status_message() != '\0')
		cmd_warn("%s", status_message());
	status_clear();
}

void
cmd_warn(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line is one write, because several of us may share a terminal or a log; names in it come from outside. */
	for (char *p = text; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	(void)fprintf(stderr, "%s: %s\n", program_name, text);
}

/* All of stdout is with its taker, or the message says why not. A full disk may be told as late as by close(2). */
static int
close_stdout(void)
{
	int copy;

	if (fflush(stdout) != 0)
		return status_errno("stdout");
	if ((copy = dup(STDOUT_FILENO)) >= 0 && close(copy) != 0)
		return status_errno("stdout");
	return STATUS_OK;
}

static void
die_of(int signal_number)
{
	sigset_t set;

	(void)signal(signal_number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal_number);
	(void)raise(signal_number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int
cmd_finish(int rc)
{
	if (rc != STATUS_OK)
		cmd_error();
	if (close_stdout() != STATUS_OK && rc == STATUS_OK) {
		cmd_error();
		rc = STATUS_IO;
	}
	if (caught_signal != 0)
		die_of(caught_signal);
	return status_exit(rc);
}

void
cmd_help(void)
{
	(void)fputs(program_help, stdout);
	exit(cmd_finish(STATUS_OK));
}

void
cmd_version(void)
{
	(void)printf("%s %s\n", program_name, MQ_VERSION);
	exit(cmd_finish(STATUS_OK));
}

int
cmd_open_store(const char *option, struct store **store)
{
	struct buf path = BUF_EMPTY;
	int rc;

	if ((rc = store_path(option, &path)) == STATUS_OK)
		rc = store_open((const char *)path.data, store);
	buf_free(&path);
	return rc;
}

int
cmd_make_store(const char *option, int64_t deadline_ms, struct store **store)
{
	struct buf path = BUF_EMPTY;
	int rc;

	if ((rc = store_path(option, &path)) == STATUS_OK)
		rc = store_open_or_make((const char *)path.data, deadline_ms, store);
	buf_free(&path);
	return rc;
}

static void
on_notice(void *arg, const char *text)
{
	(void)arg;
	cmd_warn("%s", text);
}

int
cmd_open_topic(struct store *store, const char *name, struct topic **topic)
{
	int rc;

	if ((rc = topic_open(store, name, topic)) == STATUS_OK)
		topic_on_notice(*topic, on_notice, NULL);
	return rc;
}

int
cmd_confirm(bool yes, const char *fmt, ...)
{
	char answer[64];
	va_list ap;

	if (yes)
		return STATUS_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return status_fail(STATUS_USAGE, "-y says yes where no terminal is there to ask at; -n shows what would be done");
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputs(" [y/N] ", stderr);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return STATUS_OK;
	return status_fail(STATUS_NO, "nothing was done");
}

static void
note_signal(int signal_number)
{
	if (caught_signal != 0)
		die_of(signal_number);
	caught_signal = signal_number;
}

void
cmd_catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = note_signal}, old;

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

/* It waits for nothing, so it is no second signal. */
static void
note_pipe(int signal_number)
{
	if (caught_signal == 0)
		caught_signal = signal_number;
}

void
cmd_catch_pipe(void)
{
	struct sigaction action = {.sa_handler = note_pipe};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGPIPE, &action, NULL);
}

int
cmd_signal(void)
{
	return caught_signal;
}

void
cmd_forget_signal(void)
{
	caught_signal = 0;
}

bool
cmd_wait_input(int fd, int out, int64_t timeout_ms)
{
	struct timespec limit = {.tv_sec = (time_t)(timeout_ms / 1000), .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
	struct pollfd ends[] = {{.fd = fd, .events = POLLIN}, {.fd = out}};
	sigset_t ours, before;

	if (timeout_ms == 0)
		return poll(ends, 1, 0) > 0;
	/* Signals come in only while ppoll(2) sleeps, so that none can slip between the look at the flag and the sleep. */
	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ours, &before);
	if (caught_signal == 0)
		(void)ppoll(ends, COUNT_OF(ends), timeout_ms < 0 ? NULL : &limit, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if ((ends[1].revents & (POLLERR | POLLHUP)) != 0)
		(void)raise(SIGPIPE);
	return ends[0].revents != 0;
}

#include "base/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

/* A handler of ours would take a signal that comes before exec away from the command. */
static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;

	for (int s = 1; s < NSIG; s++) {
		if (sigaction(s, NULL, &sa) == 0 && sa.sa_handler != SIG_IGN && sa.sa_handler != SIG_DFL)
			(void)signal(s, SIG_DFL);
	}
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static NORETURN void
become(char *const argv[], int output, int report)
{
	int error;

	reset_signals();
	if (dup2(output, STDOUT_FILENO) >= 0)
		(void)execvp(argv[0], argv);
	error = errno;
	_exit(file_write_all(report, "pipe", &error, sizeof(error)) == STATUS_OK ? 126 : 125);
}

/* Fork with all signals blocked: the child lets them in when our handlers are gone. */
static pid_t
fork_blocked(void)
{
	sigset_t all, outer;
	int error;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &outer);
	if ((pid = fork()) == 0)
		return 0;
	error = errno;
	(void)pthread_sigmask(SIG_SETMASK, &outer, NULL);
	errno = error;
	return pid;
}

/* Where SIGCHLD is ignored, as some parents leave it, the kernel forgets how a child ended. */
static void
keep_exit_statuses(void)
{
	struct sigaction sa;

	if (sigaction(SIGCHLD, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
		(void)signal(SIGCHLD, SIG_DFL);
}

/* The child's errno comes through the pipe if it could not become the command; nothing comes if it could. */
static int
hear_of_failure(int report, const char *name, pid_t pid)
{
	int error, rc;
	size_t got;

	while ((rc = file_read_some(report, "pipe", &error, sizeof(error), &got)) == STATUS_AGAIN)
		continue;
	if (rc != STATUS_OK || got == 0)
		return rc;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return status_fail(STATUS_CONFIG, "%s: cannot be run: %s", name, strerror(error));
}

int
child_start_output(char *const argv[], struct child *child, int *fd)
{
	int output[2], report[2], rc;
	pid_t pid;

	assert(argv[0] != NULL);
	if (pipe2(output, O_CLOEXEC) != 0)
		return status_errno("pipe");
	if (pipe2(report, O_CLOEXEC) != 0) {
		rc = status_errno("pipe");
		goto close_output;
	}
	keep_exit_statuses();
	if ((pid = fork_blocked()) < 0) {
		rc = status_errno("%s: fork", argv[0]);
		goto close_report;
	}
	if (pid == 0)
		become(argv, output[1], report[1]);
	(void)close(report[1]);
	report[1] = -1;
	if ((rc = hear_of_failure(report[0], argv[0], pid)) != STATUS_OK)
		goto close_report;
	(void)close(report[0]);
	(void)close(output[1]);
	child->pid = pid;
	child->name = argv[0];
	*fd = output[0];
	return STATUS_OK;

close_report:
	(void)close(report[0]);
	(void)file_close(report[1], "pipe");
close_output:
	(void)close(output[0]);
	(void)close(output[1]);
	return rc;
}

int
child_wait(struct child *child)
{
	int how;

	while (waitpid(child->pid, &how, 0) < 0) {
		if (errno != EINTR)
			return status_errno("%s: wait", child->name);
	}
	if (WIFSIGNALED(how))
		return status_fail(STATUS_NO, "%s: killed by signal %d", child->name, WTERMSIG(how));
	if (WEXITSTATUS(how) != 0)
		return status_fail(STATUS_NO, "%s: ended with status %d", child->name, WEXITSTATUS(how));
	return STATUS_OK;
}

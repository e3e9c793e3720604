/*
 * wake: how long a record is on its way through a pipeline that has nothing else to do.
 *
 *	wake COUNT CMD
 *
 * The shell runs CMD. Into its stdin goes one line at a time, which says when it was written; the next one half a millisecond after the
 * last came out of its stdout, so that everybody sleeps when it is written. Prints the median and the 99th percentile, microseconds.
 */
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDLE_NS 500000
/* Until everybody has opened what it needs. */
#define WARM_UP 100
#define LINE_BYTES 21 /* digits and the newline */

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The pipeline, its stdin and stdout. */
static pid_t
start(const char *command, int *to, int *from)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, 0) != 0 || pipe2(out, 0) != 0 || (pid = fork()) < 0)
		err(1, "pipe or fork");
	if (pid == 0) {
		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			err(127, "dup2");
		(void)close(in[0]);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(out[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		err(127, "/bin/sh");
	}
	(void)close(in[0]);
	(void)close(out[1]);
	*to = in[1];
	*from = out[0];
	return pid;
}

/* Send a line, wait until it is back. */
static int64_t
send_one(int to, int from)
{
	char line[LINE_BYTES + 1], back[LINE_BYTES];
	int64_t sent_ns = now_ns();
	size_t got = 0;

	(void)snprintf(line, sizeof(line), "%0*lld\n", LINE_BYTES - 1, (long long)sent_ns);
	if (write(to, line, LINE_BYTES) != LINE_BYTES)
		err(1, "into the pipeline");
	while (got < LINE_BYTES) {
		ssize_t n = read(from, back + got, LINE_BYTES - got);

		if (n <= 0)
			err(1, "the pipeline ended");
		got += (size_t)n;
	}
	if (memcmp(line, back, LINE_BYTES) != 0)
		errx(1, "another line came back than was sent: %.*s", LINE_BYTES, back);
	return now_ns() - sent_ns;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	const struct timespec idle = {.tv_nsec = IDLE_NS};
	int count = argc == 3 ? atoi(argv[1]) : 0, to, from, status;
	int64_t *took_ns;
	pid_t pid;

	if (count < 1)
		errx(2, "usage: wake COUNT CMD");
	if ((took_ns = calloc((size_t)count, sizeof(*took_ns))) == NULL)
		err(1, "calloc");
	(void)signal(SIGPIPE, SIG_IGN);
	pid = start(argv[2], &to, &from);
	for (int i = -WARM_UP; i < count; i++) {
		int64_t took;

		(void)nanosleep(&idle, NULL);
		took = send_one(to, from);
		if (i >= 0)
			took_ns[i] = took;
	}
	(void)close(to);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "the pipeline ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	qsort(took_ns, (size_t)count, sizeof(*took_ns), compare);
	(void)printf("%.3f %.3f\n", (double)took_ns[count / 2] / 1e3, (double)took_ns[count * 99 / 100] / 1e3);
	free(took_ns);
	return 0;
}

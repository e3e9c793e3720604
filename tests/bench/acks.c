/*
 * acks: how long it takes that a record is acknowledged, if each is waited for.
 *
 *	acks COUNT PRODUCERS CMD
 *
 * PRODUCERS shells run CMD at the same time. Into the stdin of each goes one line at a time, the next one when its stdout has answered with
 * a line; COUNT times in all. Prints how long it took by the count, microseconds: with more producers more are on their way at the same
 * time.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRODUCERS_MOST 64
/* Of each, until it has opened what it needs. */
#define WARM_UP 10
#define ANSWER_BYTES 256

struct producer {
	pid_t pid;
	int to, from;
	int waiting; /* lines that were not answered */
};

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
start(struct producer *p, const char *command)
{
	int in[2], out[2];

	/* What others have open must not keep this one's stdin open. */
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || (p->pid = fork()) < 0)
		err(1, "pipe or fork");
	if (p->pid == 0) {
		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			err(127, "dup2");
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		err(127, "/bin/sh");
	}
	(void)close(in[0]);
	(void)close(out[1]);
	p->to = in[1];
	p->from = out[0];
}

static void
send_line(struct producer *p)
{
	static const char line[] =
	    "one record of a hundred bytes, as the other rows have it; what it says is of no matter to anybody here\n";

	if (write(p->to, line, sizeof(line) - 1) != (ssize_t)sizeof(line) - 1)
		err(1, "into a producer");
	p->waiting++;
}

static void
take_answers(struct producer *p)
{
	char bytes[ANSWER_BYTES];
	ssize_t n = read(p->from, bytes, sizeof(bytes));

	if (n <= 0)
		errx(1, "a producer ended");
	for (ssize_t i = 0; i < n; i++)
		p->waiting -= bytes[i] == '\n';
	if (p->waiting < 0)
		errx(1, "a producer acknowledged what it was not given");
}

/* Until so many more were sent and all were answered. */
static void
run(struct producer *ps, int producers, int count)
{
	struct pollfd fds[PRODUCERS_MOST];
	int sent = 0, waiting = 0;

	for (int i = 0; i < producers; i++) {
		fds[i] = (struct pollfd){.fd = ps[i].from, .events = POLLIN};
		for (; ps[i].waiting == 0 && sent < count; sent++, waiting++)
			send_line(&ps[i]);
	}
	while (waiting > 0) {
		if (poll(fds, (nfds_t)producers, -1) < 0)
			err(1, "poll");
		for (int i = 0; i < producers; i++) {
			if (fds[i].revents == 0)
				continue;
			take_answers(&ps[i]);
			if (ps[i].waiting > 0)
				continue;
			waiting--;
			if (sent == count)
				continue;
			send_line(&ps[i]);
			sent++;
			waiting++;
		}
	}
}

static void
finish(struct producer *p)
{
	int status;

	(void)close(p->to);
	if (waitpid(p->pid, &status, 0) != p->pid || status != 0)
		errx(1, "a producer ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	(void)close(p->from);
}

int
main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[1]) : 0, producers = argc == 4 ? atoi(argv[2]) : 0;
	struct producer ps[PRODUCERS_MOST] = {{0}};
	double began;

	if (count < 1 || producers < 1 || producers > PRODUCERS_MOST)
		errx(2, "usage: acks COUNT PRODUCERS CMD");
	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < producers; i++)
		start(&ps[i], argv[3]);
	run(ps, producers, WARM_UP * producers);
	began = now();
	run(ps, producers, count);
	(void)printf("%.3f\n", (now() - began) / count * 1e6);
	for (int i = 0; i < producers; i++)
		finish(&ps[i]);
	return 0;
}

/*
 * cpu: runs a command and writes the CPU time that it took, user and system, with its children, to a file: microseconds.
 *
 *	cpu FILE CMD [ARG...]
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long
micros(const struct timeval *t)
{
	return (long long)t->tv_sec * 1000000 + t->tv_usec;
}

int
main(int argc, char **argv)
{
	struct rusage used;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3)
		errx(2, "usage: cpu FILE CMD [ARG...]");
	if ((pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (wait4(pid, &status, 0, &used) < 0)
		err(1, "wait4");
	if ((f = fopen(argv[1], "w")) == NULL || fprintf(f, "%lld\n", micros(&used.ru_utime) + micros(&used.ru_stime)) < 0 ||
	    fclose(f) != 0)
		err(1, "%s", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

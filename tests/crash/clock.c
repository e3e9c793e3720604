/*
 * clock: another wall clock, which may be set back and forth while a program runs.  LD_PRELOAD it.
 *
 *   MQ_CLOCK=FILE   its text is how many milliseconds to add to the wall clock; it is read at each call
 *
 * All other clocks go on as they do.  Not for programs with sanitizers: these ask for the time before anything is set up.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long
skew_ms(void)
{
	const char *path = getenv("MQ_CLOCK");
	char text[32] = "";
	int fd;

	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)close(fd);
	return strtoll(text, NULL, 10);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	long long ms;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (real(id, ts) != 0)
		return -1;
	if (id != CLOCK_REALTIME)
		return 0;
	ms = (long long)ts->tv_sec * 1000 + ts->tv_nsec / 1000000 + skew_ms();
	ts->tv_sec = (time_t)(ms / 1000);
	ts->tv_nsec = ms % 1000 * 1000000 + ts->tv_nsec % 1000000;
	return 0;
}

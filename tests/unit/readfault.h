/*
 * readfault: makes the k-th read at a position fail, within one test program (iofault.h does it with calls that change a file), or lets
 * something happen just before it; and counts what is read.
 *
 *	for (long k = 1;; k++) {
 *		readfault_at(k);
 *		rc = thing_do(...);
 *		if (readfault_off() == 0)
 *			break;			(it made fewer reads)
 *		...
 *	}
 */
#ifndef READFAULT_H
#define READFAULT_H

#include <sys/syscall.h>

#include "unit.h"

struct {
	long left; /* so many pass, the next is refused with EIO; negative: all pass */
	long hits;
	void (*instead)(void *); /* of the failure this is called, and the read goes on */
	void *arg;
	long calls, bytes;  /* all reads, and what they gave, since readfault_count */
} readfault = {.left = -1}; /* not static: where pread is inline in libc, clang wants it so */

UNIT_UNUSED static void
readfault_at(long k)
{
	readfault.left = k - 1;
	readfault.hits = 0;
}

/* Before the k-th read this happens. */
UNIT_UNUSED static void
readfault_call(long k, void (*instead)(void *), void *arg)
{
	readfault_at(k);
	readfault.instead = instead;
	readfault.arg = arg;
}

UNIT_UNUSED static void
readfault_count(void)
{
	readfault.calls = readfault.bytes = 0;
}

/* Reads pass again. How many were refused? */
UNIT_UNUSED static long
readfault_off(void)
{
	readfault.left = -1;
	readfault.instead = NULL;
	return readfault.hits;
}

/* Stands before libc's. */
ssize_t
pread(int fd, void *bytes, size_t len, off_t position)
{
	ssize_t got;

	if (readfault.left >= 0 && readfault.left-- == 0) {
		readfault.hits++;
		if (readfault.instead == NULL) {
			errno = EIO;
			return -1;
		}
		readfault.instead(readfault.arg);
	}
	got = (ssize_t)syscall(SYS_pread64, fd, bytes, len, position);
	readfault.calls++;
	readfault.bytes += got > 0 ? got : 0;
	return got;
}

#endif

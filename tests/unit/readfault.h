/*
 * readfault: makes the k-th read at a position fail, within one test program (iofault.h does it with calls that change a file).
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
} readfault = {.left = -1}; /* not static: where pread is inline in libc, clang wants it so */

UNIT_UNUSED static void
readfault_at(long k)
{
	readfault.left = k - 1;
	readfault.hits = 0;
}

/* Reads pass again. How many were refused? */
UNIT_UNUSED static long
readfault_off(void)
{
	readfault.left = -1;
	return readfault.hits;
}

/* Stands before libc's. */
ssize_t
pread(int fd, void *bytes, size_t len, off_t position)
{
	if (readfault.left >= 0 && readfault.left-- == 0) {
		readfault.hits++;
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pread64, fd, bytes, len, position);
}

#endif

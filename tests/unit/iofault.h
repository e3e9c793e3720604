/*
 * iofault: makes the k-th call that changes a file fail, within one test program. The definitions here stand before libc's, so all calls
 * of libmq.a come here; what they do not refuse they pass to the kernel.
 *
 *	for (long k = 1;; k++) {
 *		iofault_at(k, EIO, NULL);		NULL: any of the calls below; else one name, as "fdatasync"
 *		rc = thing_do(...);
 *		if (!iofault_off())
 *			break;			(nothing was refused: it made fewer calls)
 *		...
 *	}
 */
#ifndef IOFAULT_H
#define IOFAULT_H

#include <sys/mman.h>
#include <sys/syscall.h>

#include "unit.h"

static struct {
	long left; /* so many pass, the next is refused; negative: all pass */
	int error;
	const char *only;
	bool onward; /* later ones are refused too */
	long hits;
	long calls; /* all that were made since iofault_count_from_here, of `only` */
} iofault = {.left = -1};

UNIT_UNUSED static void
iofault_at(long k, int error, const char *only)
{
	iofault.left = k - 1;
	iofault.error = error;
	iofault.only = only;
	iofault.onward = false;
	iofault.hits = iofault.calls = 0;
}

/* All calls from here on fail. */
UNIT_UNUSED static void
iofault_all(int error, const char *only)
{
	iofault_at(1, error, only);
	iofault.onward = true;
}

/* Only count the calls of this name. */
UNIT_UNUSED static void
iofault_count(const char *only)
{
	iofault_at(LONG_MAX, 0, only);
}

/* Calls pass again. How many were refused? */
UNIT_UNUSED static long
iofault_off(void)
{
	iofault.left = -1;
	iofault.only = NULL;
	return iofault.hits;
}

/* A test that failed in between must not take the next ones with it. */
UNIT_UNUSED static int
iofault_setup(void **state)
{
	(void)iofault_off();
	return unit_setup(state);
}

UNIT_UNUSED static int
iofault_teardown(void **state)
{
	(void)iofault_off();
	return unit_teardown(state);
}

#undef unit_test
#define unit_test(f) cmocka_unit_test_setup_teardown(f, iofault_setup, iofault_teardown)

static bool
iofault_refuses(const char *name)
{
	if (iofault.left < 0 || (iofault.only != NULL && strcmp(iofault.only, name) != 0))
		return false;
	iofault.calls++;
	if (iofault.left > 0) {
		iofault.left--;
		return false;
	}
	if (!iofault.onward && iofault.hits > 0)
		return false;
	iofault.hits++;
	errno = iofault.error;
	return true;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return iofault_refuses("pwrite") ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, len, at);
}

int
fsync(int fd)
{
	return iofault_refuses("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return iofault_refuses("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
syncfs(int fd)
{
	return iofault_refuses("syncfs") ? -1 : (int)syscall(SYS_syncfs, fd);
}

int
msync(void *at, size_t len, int flags)
{
	return iofault_refuses("msync") ? -1 : (int)syscall(SYS_msync, at, len, flags);
}

int
ftruncate(int fd, off_t len)
{
	return iofault_refuses("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int
unlinkat(int dir, const char *path, int flags)
{
	return iofault_refuses("unlinkat") ? -1 : (int)syscall(SYS_unlinkat, dir, path, flags);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return iofault_refuses("renameat") ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return iofault_refuses("renameat2") ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	return iofault_refuses("mkdirat") ? -1 : (int)syscall(SYS_mkdirat, dir, path, mode);
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags)
{
	return iofault_refuses("copy_file_range") ? -1 : (ssize_t)syscall(SYS_copy_file_range, in, in_at, out, out_at, len, flags);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	/* Only making a file counts; reading it has nothing to lose. */
	if ((flags & O_CREAT) && iofault_refuses("openat"))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#endif

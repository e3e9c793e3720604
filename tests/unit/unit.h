/*
 * unit: what every unit test is made of.  A thin layer over cmocka.
 *
 *	#include "base/buf.h"
 *	#include "unit.h"
 *
 *	static void
 *	test_a_new_buffer_is_empty(void **state)
 *	{
 *		...
 *	}
 *
 *	int
 *	main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			unit_test(test_a_new_buffer_is_empty),
 *		};
 *		return unit_run(tests);
 *	}
 *
 * Each test starts in an empty folder of its own, which is removed afterwards, also when the test fails.  A test is one .c file: the
 * functions here are static, but for the wrapped allocators, to which the linker leads every call from the test and from libmq.a.
 */
#ifndef UNIT_H
#define UNIT_H

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"

#define UNIT_UNUSED __attribute__((unused))

#undef unit_test /* an old name of cmocka */
#define unit_test(f) cmocka_unit_test_setup_teardown(f, unit_setup, unit_teardown)
#define unit_run(tests) cmocka_run_group_tests(tests, NULL, NULL)

/* The value of `rc` is an enum status.  On failure it is printed, with the message that explains it. */
#define assert_ok(rc) unit_assert_status((rc), STATUS_OK, #rc, __FILE__, __LINE__)
#define assert_status(rc, want) unit_assert_status((rc), (want), #rc, __FILE__, __LINE__)

/* `n` bytes at `a` are those of the string literal `lit`, which may hold NULs. */
#define assert_bytes(a, n, lit)                                   \
	do {                                                      \
		assert_int_equal((n), sizeof(lit) - 1);           \
		assert_memory_equal((a), (lit), sizeof(lit) - 1); \
	} while (0)

/*
 * Skips this test unless `have`; the facility (one word, as MQ_REQUIRE names it) and the reason are told.
 * Where MQ_REQUIRE names the facility the test fails instead: tests/run sees to that.
 */
#define unit_need(have, facility, why)                                       \
	do {                                                                 \
		if (!(have)) {                                               \
			print_message("# skip %s: %s\n", (facility), (why)); \
			skip();                                              \
		}                                                            \
	} while (0)

static struct {
	char dir[PATH_MAX]; /* this test's folder */
	long oom_after;	    /* so many allocations succeed yet; -1: all */
	long oom_hits;	    /* so many were refused */
} unit = {.oom_after = -1};

/*
 * From now on `n` allocations succeed and all later ones fail, until unit_oom_off().  Only calls made by the test and by libmq.a count,
 * not those inside of other libraries.  The sweep that finds every unhandled failure:
 *
 *	for (long n = 0;; n++) {
 *		unit_oom_after(n);
 *		rc = thing_do(...);
 *		if (unit_oom_off() == 0)
 *			break;		(nothing was refused: rc must be STATUS_OK)
 *		assert_status(rc, STATUS_AGAIN);
 *	}
 */
UNIT_UNUSED static void
unit_oom_after(long n)
{
	unit.oom_after = n;
	unit.oom_hits = 0;
}

/* Allocations succeed again.  Returns how many were refused since unit_oom_after(). */
UNIT_UNUSED static long
unit_oom_off(void)
{
	unit.oom_after = -1;
	return unit.oom_hits;
}

/* Writes a file of these bytes; whatever was there is gone. */
UNIT_UNUSED static void
unit_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Reads a whole file; the caller frees it.  A NUL follows the `*len` bytes. */
UNIT_UNUSED static char *
unit_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *buf;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*len = (size_t)st.st_size;
	buf = malloc(*len + 1);
	assert_non_null(buf);
	assert_int_equal(fread(buf, 1, *len, f), *len);
	buf[*len] = '\0';
	fclose(f);
	return buf;
}

UNIT_UNUSED static void
unit_assert_status(int rc, int want, const char *expr, const char *file, int line)
{
	if (rc == want)
		return;
	unit_oom_off();
	print_error("%s: status %d, expected %d: %s\n", expr, rc, want, status_message());
	_fail(file, line);
}

UNIT_UNUSED static int
unit_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(unit.dir, sizeof(unit.dir), "%s/mq-unit.XXXXXX", tmp != NULL && *tmp == '/' ? tmp : "/tmp");
	return mkdtemp(unit.dir) == NULL || chdir(unit.dir) != 0 ? -1 : 0;
}

static int
unit_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

UNIT_UNUSED static int
unit_teardown(void **state)
{
	(void)state;
	unit_oom_off();
	if (chdir("/") != 0)
		return -1;
	return nftw(unit.dir, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool
unit_refuses(void)
{
	if (unit.oom_after < 0)
		return false;
	if (unit.oom_after > 0) {
		unit.oom_after--;
		return false;
	}
	unit.oom_hits++;
	errno = ENOMEM;
	return true;
}

/* The linker's --wrap sends malloc here and __real_malloc to libc. */
#define UNIT_WRAP(type, name, params, args)                        \
	type __real_##name params;                                 \
	type __wrap_##name params;                                 \
	type __wrap_##name params                                  \
	{                                                          \
		return unit_refuses() ? NULL : __real_##name args; \
	}

UNIT_WRAP(void *, malloc, (size_t n), (n))
UNIT_WRAP(void *, calloc, (size_t n, size_t size), (n, size))
UNIT_WRAP(void *, realloc, (void *p, size_t n), (p, n))
UNIT_WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
UNIT_WRAP(char *, strdup, (const char *s), (s))
UNIT_WRAP(char *, strndup, (const char *s, size_t n), (s, n))

#endif

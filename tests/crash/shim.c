/*
 * shim: makes the k-th call that changes a file fail, tear, or be the last one.  LD_PRELOAD it.
 *
 *   MQ_SHIM=ACTION:K[:CALL[,CALL]...]   at the K-th counted call (from 1), or with K+ at that and every later one, do ACTION;
 *                                       K = 0 only counts.  With CALLs only these are counted.
 *   MQ_SHIM_COUNT=FILE                  the counter, 8 bytes in the machine's order, mapped and shared by every process that
 *                                       names the same file: K counts over a whole pipeline.  Without it each process counts.
 *   MQ_SHIM_PATH=GLOB                   count only calls on paths that match (`*.log`; the slashes are not special).
 *   MQ_SHIM_PROG=PREFIX                 act only in programs whose name begins so (`mq-`); others run untouched.
 *   MQ_SHIM_LOG=FILE                    a line for each counted call: number, program, pid, call, path, action.
 *
 * ACTION: kill     SIGKILL before the call
 *         torn     half of the write, then SIGKILL (a call that writes nothing: kill)
 *         short    half of the write, and say so (a call that writes nothing: nothing happens)
 *         eio enospc eintr    fail so, with nothing done (eintr only where the call may say it)
 *         stop     SIGSTOP before the call; the call goes on after SIGCONT
 *
 * Counted are the calls below: those that change a file, a folder or the durability of either.  open counts only with O_CREAT, write only
 * on a regular file.  A 64-bit or fortified alias counts under the plain name.  Stores into a mapping, calls made inside of libc
 * (stdio) and raw syscall() are not seen.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_FD 900 /* out of the way of programs that count their descriptors */

enum action { NOTHING, KILL, TORN, SHORT, FAIL, INTERRUPT, STOP };

static struct {
	bool on;
	enum action action;
	int error;
	uint64_t k;
	bool onward;
	const char *calls;
	const char *path;
	_Atomic uint64_t *counter;
	_Atomic uint64_t own_counter;
	int log;
} shim;

static void *
next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (f == NULL) {
		dprintf(2, "shim: libc has no %s\n", name);
		_exit(127);
	}
	return f;
}

/* REAL(pwrite)(...) is libc's own function of that name. */
#define REAL(name)                                              \
	({                                                      \
		static __typeof__(&name) real_;                 \
		if (real_ == NULL)                              \
			real_ = (__typeof__(&name))next(#name); \
		real_;                                          \
	})

static void
usage(const char *spec)
{
	dprintf(2, "shim: MQ_SHIM=%s: want ACTION:K[+][:CALL,...]\n", spec);
	_exit(127);
}

static void
parse(const char *spec)
{
	static const struct {
		const char *name;
		enum action action;
		int error;
	} actions[] = {{"kill", KILL, 0}, {"torn", TORN, 0}, {"short", SHORT, 0}, {"eio", FAIL, EIO}, {"enospc", FAIL, ENOSPC},
	    {"eintr", INTERRUPT, EINTR}, {"stop", STOP, 0}, {"count", NOTHING, 0}};
	const char *colon = strchr(spec, ':');
	char *end;
	size_t i;

	if (colon == NULL)
		usage(spec);
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strlen(actions[i].name) == (size_t)(colon - spec) &&
		    strncmp(actions[i].name, spec, (size_t)(colon - spec)) == 0)
			break;
	if (i == sizeof(actions) / sizeof(actions[0]))
		usage(spec);
	shim.action = actions[i].action;
	shim.error = actions[i].error;
	shim.k = strtoull(colon + 1, &end, 10);
	if (end == colon + 1)
		usage(spec);
	shim.onward = *end == '+';
	end += shim.onward;
	if (*end == ':')
		shim.calls = end + 1;
	else if (*end != '\0')
		usage(spec);
}

static _Atomic uint64_t *
map_counter(const char *path)
{
	int fd = REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *map;

	if (fd < 0 || REAL(ftruncate)(fd, sizeof(uint64_t)) != 0 ||
	    (map = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		dprintf(2, "shim: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(fd);
	return map;
}

static int
open_log(const char *path)
{
	int fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	int high = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD);

	if (high >= 0) {
		close(fd);
		fd = high;
	}
	return fd;
}

__attribute__((constructor)) static void
start(void)
{
	const char *spec = getenv("MQ_SHIM"), *prefix = getenv("MQ_SHIM_PROG"), *file;

	shim.log = -1;
	if (prefix == NULL)
		prefix = "mq-";
	if (spec == NULL || strncmp(program_invocation_short_name, prefix, strlen(prefix)) != 0)
		return;
	parse(spec);
	shim.path = getenv("MQ_SHIM_PATH");
	shim.counter = (file = getenv("MQ_SHIM_COUNT")) != NULL ? map_counter(file) : &shim.own_counter;
	if ((file = getenv("MQ_SHIM_LOG")) != NULL)
		shim.log = open_log(file);
	shim.on = true;
}

static bool
listed(const char *name)
{
	const char *p = shim.calls;
	size_t len = strlen(name), n;

	if (p == NULL)
		return true;
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		if (n == len && strncmp(p, name, n) == 0)
			return true;
		if (p[n] == '\0')
			return false;
	}
}

/* The path as it was given, or the one behind the descriptor. */
static const char *
path_of(int fd, const char *path, char *buf)
{
	char proc[32];
	ssize_t n;

	if (path != NULL)
		return path;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, buf, PATH_MAX - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void
log_call(uint64_t n, const char *name, const char *path, bool hit)
{
	if (shim.log >= 0)
		dprintf(shim.log, "%llu %s %ld %s %s%s\n", (unsigned long long)n, program_invocation_short_name, (long)getpid(),
		    name, path, hit ? " HIT" : "");
}

/*
 * Counts one call on `fd`, or on `path` if that is not NULL, and does what can be done before it.
 * Returns what is left to do: NOTHING (make the call), TORN or SHORT (only if `writes`), FAIL (errno is set).
 */
static enum action
count(const char *name, int fd, const char *path, bool writes, bool may_eintr)
{
	char buf[PATH_MAX];
	int saved = errno;
	enum action left = NOTHING;
	uint64_t n;
	bool hit;

	if (!shim.on || !listed(name))
		return NOTHING;
	if (shim.path != NULL || shim.log >= 0)
		path = path_of(fd, path, buf);
	if (shim.path != NULL && fnmatch(shim.path, path, 0) != 0)
		goto out;
	n = atomic_fetch_add(shim.counter, 1) + 1;
	hit = shim.k > 0 && (n == shim.k || (shim.onward && n > shim.k));
	log_call(n, name, path, hit);
	if (!hit)
		goto out;
	if (shim.action == KILL || (shim.action == TORN && !writes))
		kill(getpid(), SIGKILL);
	if (shim.action == STOP)
		kill(getpid(), SIGSTOP);
	if (shim.action == FAIL || (shim.action == INTERRUPT && may_eintr)) {
		errno = shim.error;
		return FAIL;
	}
	if ((shim.action == TORN || shim.action == SHORT) && writes)
		left = shim.action;
out:
	errno = saved;
	return left;
}

/* Half a write was made: a torn one is the last thing this process does. */
static ssize_t
after_half(enum action a, ssize_t n)
{
	if (a == TORN)
		kill(getpid(), SIGKILL);
	return n;
}

static size_t
half(size_t n)
{
	return n > 1 ? n / 2 : n;
}

static bool
is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Gathers what half of the vector holds; the caller frees it. */
static char *
half_of_vector(const struct iovec *iov, int iovcnt, size_t *len)
{
	size_t total = 0, at = 0;
	char *buf;

	for (int i = 0; i < iovcnt; i++)
		total += iov[i].iov_len;
	if ((buf = malloc(total + 1)) == NULL)
		abort();
	for (int i = 0; i < iovcnt; i++) {
		memcpy(buf + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	*len = half(total);
	return buf;
}

/* Calls that write bytes. */
ssize_t
write(int fd, const void *buf, size_t len)
{
	enum action a = shim.on && is_regular(fd) ? count("write", fd, NULL, true, true) : NOTHING;

	if (a == FAIL)
		return -1;
	return a == NOTHING ? REAL(write)(fd, buf, len) : after_half(a, REAL(write)(fd, buf, half(len)));
}

ssize_t
pwrite(int fd, const void *buf, size_t len, off_t at)
{
	enum action a = count("pwrite", fd, NULL, true, true);

	if (a == FAIL)
		return -1;
	return a == NOTHING ? REAL(pwrite)(fd, buf, len, at) : after_half(a, REAL(pwrite)(fd, buf, half(len), at));
}

ssize_t
pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	return pwrite(fd, buf, len, at);
}

ssize_t
writev(int fd, const struct iovec *iov, int iovcnt)
{
	enum action a = shim.on && is_regular(fd) ? count("writev", fd, NULL, true, true) : NOTHING;
	size_t len;
	ssize_t n;
	char *buf;

	if (a == FAIL)
		return -1;
	if (a == NOTHING)
		return REAL(writev)(fd, iov, iovcnt);
	buf = half_of_vector(iov, iovcnt, &len);
	n = REAL(write)(fd, buf, len);
	free(buf);
	return after_half(a, n);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int iovcnt, off_t at)
{
	enum action a = count("pwritev", fd, NULL, true, true);
	size_t len;
	ssize_t n;
	char *buf;

	if (a == FAIL)
		return -1;
	if (a == NOTHING)
		return REAL(pwritev)(fd, iov, iovcnt, at);
	buf = half_of_vector(iov, iovcnt, &len);
	n = REAL(pwrite)(fd, buf, len, at);
	free(buf);
	return after_half(a, n);
}

ssize_t
pwritev64(int fd, const struct iovec *iov, int iovcnt, off64_t at)
{
	return pwritev(fd, iov, iovcnt, at);
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags)
{
	enum action a = count("copy_file_range", out, NULL, true, true);

	if (a == FAIL)
		return -1;
	return a == NOTHING ? REAL(copy_file_range)(in, in_at, out, out_at, len, flags)
			    : after_half(a, REAL(copy_file_range)(in, in_at, out, out_at, half(len), flags));
}

/* Calls that write no bytes: count, then make the call or fail. */
#define PLAIN(name, params, args, fd, path, may_eintr)                                          \
	int name params                                                                         \
	{                                                                                       \
		return count(#name, fd, path, false, may_eintr) == FAIL ? -1 : REAL(name) args; \
	}

PLAIN(fsync, (int fd), (fd), fd, NULL, true)
PLAIN(fdatasync, (int fd), (fd), fd, NULL, true)
PLAIN(syncfs, (int fd), (fd), fd, NULL, false)
PLAIN(ftruncate, (int fd, off_t len), (fd, len), fd, NULL, true)
PLAIN(fallocate, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len), fd, NULL, true)
PLAIN(fchmod, (int fd, mode_t mode), (fd, mode), fd, NULL, false)
PLAIN(fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), fd, NULL, false)
PLAIN(rename, (const char *a, const char *b), (a, b), -1, b, false)
PLAIN(renameat, (int da, const char *a, int db, const char *b), (da, a, db, b), -1, b, false)
PLAIN(renameat2, (int da, const char *a, int db, const char *b, unsigned flags), (da, a, db, b, flags), -1, b, false)
PLAIN(link, (const char *a, const char *b), (a, b), -1, b, false)
PLAIN(linkat, (int da, const char *a, int db, const char *b, int flags), (da, a, db, b, flags), -1, b, false)
PLAIN(symlinkat, (const char *a, int db, const char *b), (a, db, b), -1, b, false)
PLAIN(unlink, (const char *path), (path), -1, path, false)
PLAIN(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), -1, path, false)
PLAIN(rmdir, (const char *path), (path), -1, path, false)
PLAIN(mkdir, (const char *path, mode_t mode), (path, mode), -1, path, false)
PLAIN(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), -1, path, false)

int
ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

int
fallocate64(int fd, int mode, off64_t at, off64_t len)
{
	return fallocate(fd, mode, at, len);
}

/* It returns the error instead of setting errno. */
int
posix_fallocate(int fd, off_t at, off_t len)
{
	return count("posix_fallocate", fd, NULL, false, true) == FAIL ? errno : REAL(posix_fallocate)(fd, at, len);
}

int
posix_fallocate64(int fd, off64_t at, off64_t len)
{
	return posix_fallocate(fd, at, len);
}

/* A mapping has no descriptor, so MQ_SHIM_PATH does not know its path. */
int
msync(void *at, size_t len, int flags)
{
	return count("msync", -1, "(mapping)", false, false) == FAIL ? -1 : REAL(msync)(at, len, flags);
}

static int
open_common(const char *name, int dir, const char *path, int flags, mode_t mode)
{
	if ((flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) && count(name, -1, path, false, true) == FAIL)
		return -1;
	return REAL(openat)(dir, path, flags, mode);
}

static mode_t
mode_argument(int flags, va_list ap)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

#define OPEN(alias)                                                      \
	int alias(const char *path, int flags, ...)                      \
	{                                                                \
		va_list ap;                                              \
		mode_t mode;                                             \
                                                                         \
		va_start(ap, flags);                                     \
		mode = mode_argument(flags, ap);                         \
		va_end(ap);                                              \
		return open_common("open", AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(alias)                                                 \
	int alias(int dir, const char *path, int flags, ...)          \
	{                                                             \
		va_list ap;                                           \
		mode_t mode;                                          \
                                                                      \
		va_start(ap, flags);                                  \
		mode = mode_argument(flags, ap);                      \
		va_end(ap);                                           \
		return open_common("openat", dir, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int
creat(const char *path, mode_t mode)
{
	return open_common("open", AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* What a fortified program calls when no mode is given: never creates. */
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);

int
__open_2(const char *path, int flags)
{
	return open_common("open", AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return open_common("open", AT_FDCWD, path, flags, 0);
}

int
__openat_2(int dir, const char *path, int flags)
{
	return open_common("openat", dir, path, flags, 0);
}

int
__openat64_2(int dir, const char *path, int flags)
{
	return open_common("openat", dir, path, flags, 0);
}

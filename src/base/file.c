#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/status.h"

#define TREE_MAX_DEPTH 16
#define READ_STEP_BYTES 4096
#define COPY_STEP_BYTES (INT64_C(64) << 20)

/* Not in every <linux/magic.h>. */
#define ZFS_MAGIC 0x2fc12fc1
#define F2FS_MAGIC 0xf2f52010
#define BTRFS_MAGIC 0x9123683e
#define XFS_MAGIC 0x58465342

static int
open_retry(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir, name, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* O_NONBLOCK, because a pipe that somebody put there in place of the file would keep us for ever. *size may be NULL. */
static int
open_plain(int dir, const char *name, int flags, int *out, int64_t *size)
{
	struct stat st;
	int fd, rc;

	if ((fd = open_retry(dir, name, flags | O_NONBLOCK | O_NOCTTY, 0)) < 0)
		return status_errno("%s", name);
	if (fstat(fd, &st) != 0)
		rc = status_errno("%s: stat", name);
	else if (!S_ISREG(st.st_mode))
		rc = status_fail(STATUS_IO, "%s: not a plain file", name);
	else {
		*out = fd;
		if (size != NULL)
			*size = (int64_t)st.st_size;
		return STATUS_OK;
	}
	(void)close(fd);
	return rc;
}

static int
open_as(int dir, const char *name, int flags, int *out)
{
	return open_plain(dir, name, flags | O_NOFOLLOW, out, NULL);
}

int
file_open_read(int dir, const char *name, int *fd)
{
	return open_as(dir, name, O_RDONLY, fd);
}

int
file_open_read_sized(int dir, const char *name, int *fd, int64_t *size)
{
	return open_plain(dir, name, O_RDONLY | O_NOFOLLOW, fd, size);
}

int
file_open_write(int dir, const char *name, int *fd)
{
	return open_as(dir, name, O_RDWR, fd);
}

int
file_open_write_only(int dir, const char *name, int *fd)
{
	return open_as(dir, name, O_WRONLY, fd);
}

static int
give_access(int fd, const char *name, mode_t mode, gid_t gid)
{
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) != 0)
		return status_errno("%s: give it to group %u", name, (unsigned)gid);
	if (fchmod(fd, mode) != 0)
		return status_errno("%s: set its mode", name);
	return STATUS_OK;
}

int
file_create(int dir, const char *name, const struct file_access *access, int *out)
{
	int fd, rc;

	if ((fd = open_retry(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)) < 0)
		return status_errno("%s: make it", name);
	if ((rc = give_access(fd, name, access->mode, access->gid)) != STATUS_OK) {
		(void)close(fd);
		(void)unlinkat(dir, name, 0);
		return rc;
	}
	*out = fd;
	return STATUS_OK;
}

int
file_give_access(int dir, const char *name, const struct file_access *access)
{
	int fd, rc;

	if ((rc = file_open_read(dir, name, &fd)) != STATUS_OK)
		return rc;
	rc = give_access(fd, name, access->mode, access->gid);
	(void)file_close(fd, name);
	return rc;
}

int
file_open_input(const char *path, int *out)
{
	int fd;

	if ((fd = open_retry(AT_FDCWD, path, O_RDONLY, 0)) < 0)
		return status_errno("%s", path);
	*out = fd;
	return STATUS_OK;
}

int
file_open_plain_input(const char *path, int *fd)
{
	return open_plain(AT_FDCWD, path, O_RDONLY, fd, NULL);
}

int
file_close(int fd, const char *name)
{
	/* Linux has closed it even when it says EINTR. */
	if (fd < 0 || close(fd) == 0 || errno == EINTR)
		return STATUS_OK;
	(void)status_errno("%s: close", name);
	return STATUS_IO;
}

int
file_guard_standard(void)
{
	/* Without O_CLOEXEC, because commands that we run need the three as well. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return status_errno("/dev/null");
	}
	return STATUS_OK;
}

int
file_read_at(int fd, const char *name, void *bytes, size_t len, int64_t position, size_t *got)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)bytes + done, len - done, (off_t)(position + (int64_t)done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_errno("%s: read at %lld", name, (long long)position);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return STATUS_OK;
}

int
file_write_at(int fd, const char *name, const void *bytes, size_t len, int64_t position)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const uint8_t *)bytes + done, len - done, (off_t)(position + (int64_t)done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* never seen; a loop for ever would be worse */
		if (n <= 0)
			return status_errno("%s: write at %lld", name, (long long)position);
		done += (size_t)n;
	}
	return STATUS_OK;
}

int
file_read_some(int fd, const char *name, void *bytes, size_t len, size_t *got)
{
	ssize_t n = read(fd, bytes, len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return STATUS_AGAIN;
	if (n < 0)
		return status_errno("%s: read", name);
	*got = (size_t)n;
	return STATUS_OK;
}

int
file_write_some(int fd, const char *name, const void *bytes, size_t len, size_t *put)
{
	ssize_t n = write(fd, bytes, len);
	int error = errno;

	if (n >= 0) {
		*put = (size_t)n;
		return STATUS_OK;
	}
	if (error == EAGAIN || error == EINTR)
		return STATUS_AGAIN;
	(void)status_errno("%s: write", name);
	errno = error;
	return STATUS_IO;
}

int
file_give_some(int fd, const void *pages, size_t len, size_t *put)
{
	struct iovec whole = {.iov_base = (void *)(uintptr_t)pages, .iov_len = len};
	ssize_t n = vmsplice(fd, &whole, 1, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? STATUS_AGAIN : STATUS_NO;
	*put = (size_t)n;
	return STATUS_OK;
}

int
file_write_all(int fd, const char *name, const void *bytes, size_t len)
{
	size_t done = 0, put = 0;
	int rc;

	while (done < len) {
		if ((rc = file_write_some(fd, name, (const uint8_t *)bytes + done, len - done, &put)) == STATUS_OK) {
			done += put;
		} else if (rc == STATUS_AGAIN && errno == EAGAIN) {
			/* Who shares the stream with us made it so; it is no reason to lose bytes. */
			struct pollfd room = {.fd = fd, .events = POLLOUT};

			(void)poll(&room, 1, -1);
		} else if (rc != STATUS_AGAIN) {
			return rc;
		}
	}
	return STATUS_OK;
}

int
file_read_all(int dir, const char *name, size_t most, struct buf *b)
{
	size_t old = b->len, got = 0, step;
	int fd, rc;

	if ((rc = file_open_read(dir, name, &fd)) != STATUS_OK)
		return rc;
	/* One byte more than it may have shows that it is too long. */
	do {
		size_t left = most - (b->len - old);

		step = left < READ_STEP_BYTES ? left + 1 : READ_STEP_BYTES;
		if ((rc = buf_reserve(b, step)) == STATUS_OK &&
		    (rc = file_read_at(fd, name, b->data + b->len, step, (int64_t)(b->len - old), &got)) == STATUS_OK)
			b->len += got;
	} while (rc == STATUS_OK && got == step && b->len - old <= most);
	(void)file_close(fd, name);
	if (rc == STATUS_OK && b->len - old > most)
		rc = status_fail(STATUS_IO, "%s: longer than %zu bytes", name, most);
	if (rc != STATUS_OK)
		b->len = old;
	return rc;
}

/* Never STATUS_AGAIN: the kernel reports a lost page once, and a second sync would find nothing amiss. */
static int
sync_with(int (*call)(int), int fd, const char *name)
{
	int n;

	do
		n = call(fd);
	while (n != 0 && errno == EINTR);
	if (n == 0)
		return STATUS_OK;
	(void)status_errno("%s: sync", name);
	return STATUS_IO;
}

int
file_sync(int fd, const char *name)
{
	return sync_with(fsync, fd, name);
}

int
file_sync_data(int fd, const char *name)
{
	return sync_with(fdatasync, fd, name);
}

void
file_begin_sync(int fd, int64_t position, int64_t len)
{
	/* With a flag that waits it would take errors away that the sync must see. */
	(void)sync_file_range(fd, position, len, SYNC_FILE_RANGE_WRITE);
}

int
file_sync_system(int fd, const char *name)
{
	if (syncfs(fd) != 0)
		return status_errno("%s: sync", name);
	return STATUS_OK;
}

int
file_forget_cached(int fd, const char *name)
{
	int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (error == 0)
		return STATUS_OK;
	errno = error;
	return status_errno("%s: forget what is cached", name);
}

int
file_truncate(int fd, const char *name, int64_t size)
{
	int n;

	do
		n = ftruncate(fd, (off_t)size);
	while (n != 0 && errno == EINTR);
	if (n != 0)
		return status_errno("%s: cut to %lld bytes", name, (long long)size);
	return STATUS_OK;
}

int
file_size(int fd, const char *name, int64_t *size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return status_errno("%s: stat", name);
	*size = (int64_t)st.st_size;
	return STATUS_OK;
}

static int
stat_with_birth(int fd, const char *name, struct statx *sx)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS | STATX_BTIME, sx) != 0)
		return status_errno("%s: stat", name);
	return STATUS_OK;
}

int
file_modified_ms(int fd, const char *name, int64_t *ms)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return status_errno("%s: fstat", name);
	*ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return STATUS_OK;
}

int
file_set_modified_ms(int fd, const char *name, int64_t ms)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};

	if (futimens(fd, times) != 0)
		return status_errno("%s: set its time", name);
	return STATUS_OK;
}

int
file_identity(int fd, const char *name, struct file_identity *id)
{
	struct statx sx;
	int rc;

	if ((rc = stat_with_birth(fd, name, &sx)) != STATUS_OK)
		return rc;
	id->device = (uint64_t)makedev(sx.stx_dev_major, sx.stx_dev_minor);
	id->inode = sx.stx_ino;
	id->birth_sec = (uint64_t)sx.stx_btime.tv_sec;
	id->birth_nsec = sx.stx_btime.tv_nsec;
	return STATUS_OK;
}

bool
file_exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Where the kernel cannot copy for us: through memory. */
static int
copy_by_hand(int from, int to, const char *name, int64_t position, int64_t len)
{
	uint8_t *bytes;
	size_t got, step = 1 << 20;
	int rc = STATUS_OK;

	if ((bytes = malloc(step)) == NULL)
		return status_no_memory(name);
	while (rc == STATUS_OK && position < len) {
		size_t want = len - position < (int64_t)step ? (size_t)(len - position) : step;

		if ((rc = file_read_at(from, name, bytes, want, position, &got)) != STATUS_OK)
			break;
		if (got == 0)
			rc = status_fail(STATUS_IO, "%s: ends at %lld", name, (long long)position);
		else if ((rc = file_write_at(to, name, bytes, got, position)) == STATUS_OK)
			position += (int64_t)got;
	}
	free(bytes);
	return rc;
}

int
file_copy_part(int from, int to, const char *name, int64_t position, int64_t end)
{
	off_t in = (off_t)position, out = (off_t)position;

	while (in < (off_t)end) {
		int64_t left = end - (int64_t)in;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(left < COPY_STEP_BYTES ? left : COPY_STEP_BYTES), 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* Some kernels say 0 where they cannot; if it is the end, the other way finds it too. */
		if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)))
			return copy_by_hand(from, to, name, (int64_t)in, end);
		if (n < 0)
			return status_errno("%s: copy", name);
	}
	return STATUS_OK;
}

int
file_copy(int from, int to, const char *name, int64_t len)
{
	return file_copy_part(from, to, name, 0, len);
}

/* Sync the folder that holds `name`. */
static int
sync_parent(int dir, const char *name)
{
	const char *slash = strrchr(name, '/');
	char folder[PATH_MAX] = ".";
	int fd, rc;

	if (slash == NULL && dir != AT_FDCWD)
		return file_sync(dir, name);
	if (slash != NULL && snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name) + 1, name) >= (int)sizeof(folder))
		return status_fail(STATUS_IO, "%s: name too long", name);
	fd = open_retry(dir, folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == EACCES && (fd = open_retry(dir, name, O_RDONLY, 0)) >= 0) {
		/* A folder that may be written and not read: all of its file system, then. */
		rc = sync_with(syncfs, fd, name);
		(void)close(fd);
		return rc;
	}
	if (fd < 0)
		return status_errno("%s", folder);
	rc = file_sync(fd, folder);
	(void)close(fd);
	return rc;
}

int
file_replace(int dir, const char *name, const void *bytes, size_t len, const struct file_access *access)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", name) >= (int)sizeof(temporary))
		return status_fail(STATUS_IO, "%s: name too long", name);
	/* A leftover is a dead writer's: the lock that guards `name` guards this too. */
	if ((rc = file_remove(dir, temporary)) != STATUS_OK || (rc = file_create(dir, temporary, access, &fd)) != STATUS_OK)
		return rc;
	if ((rc = file_write_at(fd, name, bytes, len, 0)) == STATUS_OK)
		rc = file_sync(fd, name);
	if (file_close(fd, name) != STATUS_OK && rc == STATUS_OK)
		rc = STATUS_IO;
	if (rc == STATUS_OK)
		rc = file_rename(dir, temporary, name);
	if (rc != STATUS_OK) {
		(void)unlinkat(dir, temporary, 0);
		return rc;
	}
	return sync_parent(dir, name);
}

int
file_rename(int dir, const char *from, const char *to)
{
	if (renameat(dir, from, dir, to) != 0)
		return status_errno("%s: rename to %s", from, to);
	return STATUS_OK;
}

int
file_rename_to(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat(from_dir, from, to_dir, to) != 0)
		return status_errno("%s: rename to %s", from, to);
	return STATUS_OK;
}

int
file_move(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) != 0)
		return status_errno("%s: move to %s", from, to);
	return STATUS_OK;
}

int
file_remove(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return status_errno("%s: remove", name);
	return STATUS_OK;
}

int
dir_open(int dir, const char *name, int *out)
{
	int fd;

	if ((fd = open_retry(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)) < 0)
		return status_errno("%s", name);
	*out = fd;
	return STATUS_OK;
}

int
dir_open_path(const char *path, int *out)
{
	int fd;

	if ((fd = open_retry(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0)) < 0)
		return status_errno("%s", path);
	*out = fd;
	return STATUS_OK;
}

/* A folder can be entered by whoever may read or write in it; what is made in one with a group of its own gets that group. */
static mode_t
mode_of_dir(const struct file_access *access)
{
	mode_t mode = access->mode | ((access->mode & 0444) >> 2) | ((access->mode & 0222) >> 1);

	return access->gid != (gid_t)-1 ? mode | S_ISGID : mode;
}

int
dir_make(int dir, const char *name, const struct file_access *access)
{
	mode_t umask_of_user;
	int fd, rc, n, error;

	/* A umask that takes the owner's bits would keep us out of it. */
	umask_of_user = umask(077);
	n = mkdirat(dir, name, 0700);
	error = errno;
	(void)umask(umask_of_user);
	if (n != 0) {
		errno = error;
		return status_errno("%s: make it", name);
	}
	if ((rc = dir_open(dir, name, &fd)) == STATUS_OK) {
		rc = give_access(fd, name, mode_of_dir(access), access->gid);
		(void)file_close(fd, name);
	}
	if (rc != STATUS_OK)
		(void)unlinkat(dir, name, AT_REMOVEDIR);
	return rc;
}

struct giving {
	int dir;
	const struct file_access *access;
	int depth;
};

static int give_below(int dir, const char *name, const struct file_access *access, int depth);

static int
give_entry(void *arg, const char *entry)
{
	const struct giving *g = arg;
	struct stat st;
	int rc;

	/* What was removed meanwhile needs nothing. */
	if (fstatat(g->dir, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STATUS_OK : status_errno("%s: stat", entry);
	if (S_ISDIR(st.st_mode))
		return give_below(g->dir, entry, g->access, g->depth + 1);
	if (!S_ISREG(st.st_mode))
		return STATUS_OK;
	rc = file_give_access(g->dir, entry, g->access);
	return rc == STATUS_MISSING ? STATUS_OK : rc;
}

static int
give_below(int dir, const char *name, const struct file_access *access, int depth)
{
	struct giving g = {.access = access, .depth = depth};
	int rc;

	if (depth > TREE_MAX_DEPTH)
		return status_fail(STATUS_IO, "%s: too deep", name);
	if ((rc = dir_open(dir, name, &g.dir)) != STATUS_OK)
		return rc;
	if ((rc = give_access(g.dir, name, mode_of_dir(access), access->gid)) == STATUS_OK)
		rc = dir_list(g.dir, name, give_entry, &g);
	(void)file_close(g.dir, name);
	return rc;
}

int
dir_give_access(int dir, const char *name, const struct file_access *access)
{
	return give_below(dir, name, access, 0);
}

/* One folder of a path; that it exists already is fine. */
static int
make_part(const char *path)
{
	struct stat st;
	int error;

	if (mkdir(path, 0777) == 0)
		return sync_parent(AT_FDCWD, path);
	error = errno;
	/* What exists may be told as EEXIST, EROFS or EACCES, as the kernel likes. */
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return STATUS_OK;
	errno = error;
	return status_errno("%s: make it", path);
}

int
dir_make_path(const char *path)
{
	char *copy, *end;
	int rc;

	if ((copy = strdup(path)) == NULL)
		return status_no_memory(path);
	end = copy;
	do {
		char kept;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		kept = *end;
		*end = '\0';
		rc = make_part(copy);
		*end = kept;
	} while (rc == STATUS_OK && end[strspn(end, "/")] != '\0');
	free(copy);
	return rc;
}

int
dir_list(int dir, const char *name, int (*visit)(void *arg, const char *entry), void *arg)
{
	struct dirent *entry;
	DIR *stream;
	int fd, rc = STATUS_OK;

	/* A description of its own, because the position in the directory belongs to it. */
	if ((fd = open_retry(dir, ".", O_RDONLY | O_DIRECTORY, 0)) < 0)
		return status_errno("%s", name);
	if ((stream = fdopendir(fd)) == NULL) {
		rc = status_errno("%s", name);
		(void)close(fd);
		return rc;
	}
	while (rc == STATUS_OK) {
		errno = 0;
		if ((entry = readdir(stream)) == NULL) {
			if (errno != 0)
				rc = status_errno("%s: list", name);
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = visit(arg, entry->d_name);
	}
	(void)closedir(stream);
	return rc;
}

struct removal {
	int dir;
	int depth;
};

static int remove_below(int dir, const char *name, int depth);

static int
remove_entry(void *arg, const char *entry)
{
	struct removal *r = arg;

	if (unlinkat(r->dir, entry, 0) == 0 || errno == ENOENT)
		return STATUS_OK;
	if (errno != EISDIR)
		return status_errno("%s: remove", entry);
	return remove_below(r->dir, entry, r->depth + 1);
}

static int
remove_below(int dir, const char *name, int depth)
{
	struct removal r = {.depth = depth};
	int rc;

	if (depth > TREE_MAX_DEPTH)
		return status_fail(STATUS_IO, "%s: too deep to remove", name);
	if ((rc = dir_open(dir, name, &r.dir)) != STATUS_OK)
		return rc;
	rc = dir_list(r.dir, name, remove_entry, &r);
	(void)file_close(r.dir, name);
	if (rc == STATUS_OK && unlinkat(dir, name, AT_REMOVEDIR) != 0)
		rc = status_errno("%s: remove", name);
	return rc;
}

int
dir_remove_tree(int dir, const char *name)
{
	return remove_below(dir, name, 0);
}

int
dir_check_file_system(int fd, const char *name)
{
	static const uint32_t allowed[] = {EXT4_SUPER_MAGIC, XFS_MAGIC, BTRFS_MAGIC, F2FS_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
	    ZFS_MAGIC};
	struct statfs fs;
	struct statx sx;
	int rc;

	if (fstatfs(fd, &fs) != 0)
		return status_errno("%s: statfs", name);
	if ((rc = stat_with_birth(fd, name, &sx)) != STATUS_OK)
		return rc;
	for (size_t i = 0; i < COUNT_OF(allowed); i++) {
		if ((uint32_t)fs.f_type != allowed[i])
			continue;
		if ((sx.stx_mask & STATX_BTIME) == 0)
			return status_fail(STATUS_CONFIG, "%s: the file system keeps no birth times", name);
		return STATUS_OK;
	}
	return status_fail(STATUS_CONFIG,
	    "%s: a store must be on a local file system (ext, xfs, btrfs, f2fs, tmpfs, overlay, zfs), not on one of type 0x%x",
	    name, (unsigned)fs.f_type);
}

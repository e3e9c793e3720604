/*
 * file: every call that opens, writes, syncs or renames, in one room.
 *
 * Paths are names in an open directory (openat, O_NOFOLLOW, O_CLOEXEC); AT_FDCWD stands for the working directory. A `name` given
 * beside a descriptor is for the message only. Interrupted calls are repeated. Messages are "NAME: what was tried: why". Where
 * nothing else is said a failure has the status that status_errno (status.h) gives its errno.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* Who may use a new file: its mode and, unless it is (gid_t)-1, its group, whatever the umask is. */
struct file_access {
	mode_t mode;
	gid_t gid;
};

/* What tells a file from every other, copies of it included. */
struct file_identity {
	uint64_t device, inode;
	uint64_t birth_sec, birth_nsec;
};

/* These four open a plain file; anything else under that name (a pipe, a device, a link) is STATUS_IO. */
int file_open_read(int dir, const char *name, int *fd) MUST_USE;
/* The same, and its size, which was asked for anyway. */
int file_open_read_sized(int dir, const char *name, int *fd, int64_t *size) MUST_USE;
/* For reading and writing; it must exist. */
int file_open_write(int dir, const char *name, int *fd) MUST_USE;
/* For writing only (a lock file that we may not read). */
int file_open_write_only(int dir, const char *name, int *fd) MUST_USE;
/*
 * A new file for reading and writing; STATUS_EXISTS if the name is taken. Not synced, nor its directory. Nothing is left of it on an
 * error.
 */
int file_create(int dir, const char *name, const struct file_access *, int *fd) MUST_USE;
/* Give an existing file this access. */
int file_give_access(int dir, const char *name, const struct file_access *) MUST_USE;
/* As a user names it, through links, "-" not special: for reading. */
int file_open_input(const char *path, int *fd) MUST_USE;
/* The same, for a plain file only; STATUS_IO for anything else, also a pipe, for which nobody waits then. */
int file_open_plain_input(const char *path, int *fd) MUST_USE;
/* close(2); an error that close reports is STATUS_IO. fd < 0 is fine. */
int file_close(int fd, const char *name);
/*
 * Called once by main before anything is opened: descriptors 0, 1 and 2, if closed, become /dev/null the wrong way round, so that no
 * file of a store gets their number and using them still fails (EBADF).
 */
int file_guard_standard(void) MUST_USE;

/* Read up to len bytes at the position; *got is less than len only at the end of the file. */
int file_read_at(int fd, const char *name, void *bytes, size_t len, int64_t position, size_t *got) MUST_USE;
/* All of it or an error; on an error some of it may be there. */
int file_write_at(int fd, const char *name, const void *bytes, size_t len, int64_t position) MUST_USE;
/* One read(2) from a stream: *got is 0 at its end. A stream that has nothing at hand (EAGAIN) or a signal: STATUS_AGAIN, no message. */
int file_read_some(int fd, const char *name, void *bytes, size_t len, size_t *got) MUST_USE;
/*
 * All of it into a stream (stdout), waiting for whoever reads it, also where the stream does not block; STATUS_IO, with errno left as
 * write(2) set it.
 */
int file_write_all(int fd, const char *name, const void *bytes, size_t len) MUST_USE;
/* One write(2) to it: *put says how much was taken. A stream that has no room (EAGAIN) or a signal: STATUS_AGAIN, no message. */
int file_write_some(int fd, const char *name, const void *bytes, size_t len, size_t *put) MUST_USE;
/*
 * The same, but to a pipe, and whole pages are not copied: they are the pipe's from then on, and never written again. STATUS_NO, no message: the
 * stream or the kernel does not take them so.
 */
int file_give_some(int fd, const void *pages, size_t len, size_t *put) MUST_USE;
/* The whole of a file of at most `most` bytes, appended to the buf; a larger one is STATUS_IO. The buf is unchanged on an error. */
int file_read_all(int dir, const char *name, size_t most, struct buf *) MUST_USE;

/* Any failure of these two is STATUS_IO, no room included: what was written may be lost, and syncing again proves nothing. */
int file_sync(int fd, const char *name) MUST_USE;      /* fsync(2) */
int file_sync_data(int fd, const char *name) MUST_USE; /* fdatasync(2) */
/*
 * Have the kernel begin to write these bytes to the disk, sync_file_range(2): a hint, nothing is waited for or promised. An error stays where
 * the next sync of the file finds it.
 */
void file_begin_sync(int fd, int64_t position, int64_t len);
/* Everything of the file system that the descriptor lies on, syncfs(2): cheaper than hundreds of file_sync. */
int file_sync_system(int fd, const char *name) MUST_USE;
/*
 * Let go of what the page cache holds of a file that was just synced: what is read next is what the disk has. Nobody who reads it just now
 * is waited for, so it is a help and no proof.
 */
int file_forget_cached(int fd, const char *name) MUST_USE;
int file_truncate(int fd, const char *name, int64_t size) MUST_USE;
int file_size(int fd, const char *name, int64_t *size) MUST_USE;
/* When its bytes were changed last, by the wall clock. */
int file_modified_ms(int fd, const char *name, int64_t *ms) MUST_USE;
int file_set_modified_ms(int fd, const char *name, int64_t ms) MUST_USE;
int file_identity(int fd, const char *name, struct file_identity *) MUST_USE;
/* Something has this name, be it a link to nothing. False also where we may not look. */
bool file_exists(int dir, const char *name);
/*
 * Copy len bytes at position 0 of one file to the other, sharing extents where the file system can. STATUS_IO if there are not so
 * many. Not synced; on an error some of it may be there.
 */
int file_copy(int from, int to, const char *name, int64_t len) MUST_USE;

/* The same for the bytes from `position` up to `end`, which keep their place. */
int file_copy_part(int from, int to, const char *name, int64_t position, int64_t end) MUST_USE;

/*
 * Put these bytes in place of the file, or make it: NAME.tmp is written, synced and renamed over it, the directory synced. Needs a lock
 * that keeps out other writers of the same name. On STATUS_IO the old or the new bytes are there, on any other error the old ones.
 */
int file_replace(int dir, const char *name, const void *bytes, size_t len, const struct file_access *) MUST_USE;
/* rename(2) within a directory, over what is there; not synced. */
int file_rename(int dir, const char *from, const char *to) MUST_USE;
/* The same from one directory to another of the same file system. */
int file_rename_to(int from_dir, const char *from, int to_dir, const char *to) MUST_USE;
/* Move to a name that must be free (RENAME_NOREPLACE); STATUS_EXISTS if it is not. Not synced. */
int file_move(int from_dir, const char *from, int to_dir, const char *to) MUST_USE;
/* unlink(2); it is no error if it is gone already. */
int file_remove(int dir, const char *name) MUST_USE;

/* For reading; STATUS_MISSING if it is no directory. */
int dir_open(int dir, const char *name, int *fd) MUST_USE;
/* As a user names it, through links. */
int dir_open_path(const char *path, int *fd) MUST_USE;
/*
 * A new directory with this access, each read or write bit taken as search too; with a group, what is made in it gets the group as well
 * (set-group-ID). STATUS_EXISTS if the name is taken. Not synced. Nothing is left of it on an error.
 */
int dir_make(int dir, const char *name, const struct file_access *) MUST_USE;
/* Give a directory and all files and directories in it this access, as new ones get it. Links stay as they are. Not synced. */
int dir_give_access(int dir, const char *name, const struct file_access *) MUST_USE;
/*
 * Make `path` and what is missing of its parents, mode 0777 less the umask, and sync what was made; links are followed. STATUS_OK if it is
 * there already, STATUS_EXISTS if something else has its name.
 */
int dir_make_path(const char *path) MUST_USE;
/*
 * Call `visit` with each name but "." and ".." in no order; it returns STATUS_OK to go on, anything else ends the listing and is
 * returned. Names made or removed meanwhile may or may not come.
 */
int dir_list(int dir, const char *name, int (*visit)(void *arg, const char *entry), void *arg) MUST_USE;
/*
 * Remove a directory and all in it, not following links, at most 16 levels deep. Not synced. STATUS_MISSING if there is none. On an error
 * some of it may be gone.
 */
int dir_remove_tree(int dir, const char *name) MUST_USE;

/*
 * STATUS_OK on the file systems whose locks and mappings are those of one kernel (ext, xfs, btrfs, f2fs, tmpfs, overlay, zfs; by
 * statfs(2)) and which keep birth times; else STATUS_CONFIG with the reason.
 */
int dir_check_file_system(int fd, const char *name) MUST_USE;

#endif

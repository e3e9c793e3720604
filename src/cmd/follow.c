#include "cmd/follow.h"

#include <bsd/string.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "cmd/cmd.h"
#include "cmd/rotation.h"

/* A rotated file that somebody still has open has ended when it was quiet for so long, if the next one has something. */
#define QUIET_MS 5000
/* Where the kernel tells nothing of changes. */
#define POLL_MS 1000
#define FILE_EVENTS (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define FOLDER_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)

enum end { NOT_ENDED, ENDED, CUT };

struct follow {
	const char *path;	  /* as given */
	const char *id;		  /* for messages */
	char follows[PATH_MAX];	  /* absolute */
	char folder[PATH_MAX];	  /* of its siblings: where a link leads to, else its own */
	char base[NAME_MAX + 1];  /* its name there */
	char label[2 * PATH_MAX]; /* of the file at hand */
	struct rotated current;	  /* without a descriptor while there is no file */
	int64_t position;	  /* bytes, behind what was taken */
	struct place_tail tail;	  /* what stands before it */
	struct rotated next;	  /* what comes after the current one, which was rotated */
	struct buf skipped;	  /* names of files between them that cannot be read */
	struct rotated late;	  /* one that was left though a process had it open */
	int64_t late_end;	  /* bytes of it that were read */
	enum end end;
	bool lost;
	bool polls;
	bool told_unusable; /* what is in its place now */
	int64_t quiet_since_ms;
	int64_t patience_ms;
	int notify, folder_watch, file_watch, next_watch;
};

int
follow_check(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode) ? STATUS_OK : status_fail(STATUS_MISSING, "%s: not a plain file", path);
	if (errno != ENOENT)
		return status_errno("%s", path);
	return STATUS_OK;
}

static void
lose(struct follow *f, const char *what)
{
	f->lost = true;
	cmd_warn("%s: %s", f->path, what);
}

/*
 * Being told of changes.
 */

static int
watch(struct follow *f, int fd)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(f->notify, path, FILE_EVENTS);
}

static void
watch_folder(struct follow *f)
{
	if (f->folder_watch < 0)
		f->folder_watch = inotify_add_watch(f->notify, f->folder, FOLDER_EVENTS);
}

static void
unwatch(struct follow *f, int *watch)
{
	if (*watch >= 0)
		(void)inotify_rm_watch(f->notify, *watch);
	*watch = -1;
}

static void
start_watching(struct follow *f)
{
	f->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	f->folder_watch = f->file_watch = f->next_watch = -1;
	watch_folder(f);
	if (f->folder_watch < 0)
		cmd_warn("%s: inotify: %s; looked at each second instead", f->path, strerror(errno));
}

int
follow_descriptor(const struct follow *f)
{
	return f->notify;
}

int64_t
follow_patience_ms(const struct follow *f)
{
	bool blind = f->polls || f->folder_watch < 0 || (f->current.fd >= 0 && f->file_watch < 0);

	return blind && (f->patience_ms < 0 || f->patience_ms > POLL_MS) ? POLL_MS : f->patience_ms;
}

/* A folder that was moved or removed is looked for under its name again. */
static void
take_event(struct follow *f, const struct inotify_event *e)
{
	if (e->wd != f->folder_watch || (e->mask & (IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT)) == 0)
		return;
	unwatch(f, &f->folder_watch);
}

/* More may have been written to one that was left. */
static void
look_at_late(struct follow *f)
{
	char what[NAME_MAX + 200];
	int64_t size;

	if (f->late.fd < 0 || file_size(f->late.fd, f->late.name, &size) != STATUS_OK || size <= f->late_end)
		return;
	(void)snprintf(what, sizeof(what), "%s got more lines after it was rotated and left; these are not stored", f->late.name);
	lose(f, what);
	rotated_close(&f->late);
}

void
follow_look(struct follow *f)
{
	_Alignas(struct inotify_event) uint8_t bytes[4096];
	size_t got;

	while (f->notify >= 0 && file_read_some(f->notify, "inotify", bytes, sizeof(bytes), &got) == STATUS_OK && got > 0) {
		const uint8_t *at = bytes;

		while (at < bytes + got) {
			const struct inotify_event *e = (const void *)at;

			take_event(f, e);
			at += sizeof(*e) + e->len;
		}
	}
	watch_folder(f);
	look_at_late(f);
}

/*
 * Which file it is.
 */

/* Where its siblings are: a link is followed. */
static void
aim(struct follow *f)
{
	char target[PATH_MAX], path[PATH_MAX];
	struct stat st;
	bool is_link = lstat(f->follows, &st) == 0 && S_ISLNK(st.st_mode);

	if (!is_link || realpath(f->follows, target) == NULL)
		(void)strlcpy(target, f->follows, sizeof(target));
	(void)strlcpy(path, target, sizeof(path));
	(void)strlcpy(f->base, basename(path), sizeof(f->base));
	(void)strlcpy(f->folder, dirname(target), sizeof(f->folder));
	f->polls = is_link || (f->current.fd >= 0 && dir_check_file_system(f->current.fd, f->path) != STATUS_OK);
}

static void
enter(struct follow *f, struct rotated *r, int64_t position)
{
	int old = f->file_watch;

	rotated_close(&f->current);
	f->current = *r;
	*r = ROTATED_NONE;
	f->position = position;
	if (position == 0)
		f->tail.len = 0;
	else
		f->tail = f->current.tail;
	f->end = NOT_ENDED;
	f->quiet_since_ms = clock_monotonic_ms();
	f->file_watch = watch(f, f->current.fd);
	if (old != f->file_watch)
		unwatch(f, &old);
	f->next_watch = -1;
	if (strcmp(f->current.name, f->base) == 0)
		(void)strlcpy(f->label, f->path, sizeof(f->label));
	else
		(void)snprintf(f->label, sizeof(f->label), "%s/%s", f->folder, f->current.name);
}

/* What has its name, if that is a file that we may read; else it is told once, and waited for. */
static int
open_it(struct follow *f)
{
	struct rotated r;
	int rc = rotated_open(f->follows, &r);

	if (rc == STATUS_OK) {
		f->told_unusable = false;
		enter(f, &r, 0);
		aim(f);
		return STATUS_OK;
	}
	if (rc == STATUS_AGAIN)
		return rc;
	if (rc != STATUS_MISSING && !f->told_unusable) {
		cmd_warn("%s; waiting for a file that can be read", status_message());
		f->told_unusable = true;
	}
	status_clear();
	return STATUS_OK;
}

static int
find_place(struct follow *f, const struct named_place *place)
{
	struct rotated r;
	char what[1200];
	int rc;

	if ((rc = rotation_find(f->folder, f->base, place, &r)) == STATUS_OK) {
		enter(f, &r, place->position);
		return STATUS_OK;
	}
	if (rc != STATUS_MISSING)
		return rc;
	if (strcmp(place->follows, f->follows) != 0)
		return status_fail(STATUS_DATA, "--id %s: the name of %s, which it follows; another file gets a new one", f->id,
		    place->follows);
	(void)snprintf(what, sizeof(what),
	    "the place where %s was (byte %lld) is not found: %s; what was written behind it may be missing; going on at the beginning",
	    f->id, (long long)place->position, status_message());
	lose(f, what);
	return open_it(f);
}

/* The folder must be there; the file need not. */
static int
name_it(struct follow *f)
{
	char path[PATH_MAX], copy[PATH_MAX], folder[PATH_MAX];

	if (strlcpy(path, f->path, sizeof(path)) >= sizeof(path))
		return status_fail(STATUS_MISSING, "%s: too long", f->path);
	(void)strlcpy(copy, path, sizeof(copy));
	if (realpath(dirname(copy), folder) == NULL)
		return status_errno("%s", f->path);
	if ((size_t)snprintf(f->follows, sizeof(f->follows), "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, basename(path)) >=
	    sizeof(f->follows))
		return status_fail(STATUS_MISSING, "%s: too long", f->path);
	aim(f);
	return STATUS_OK;
}

int
follow_open(const char *path, const char *id, const struct named_place *place, struct follow **out)
{
	struct follow *f;
	int rc;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return status_no_memory(path);
	f->path = path;
	f->id = id;
	f->current = f->next = f->late = ROTATED_NONE;
	f->patience_ms = f->notify = -1;
	(void)signal(SIGIO, SIG_IGN); /* of leases, see lock_without_writers */
	if ((rc = name_it(f)) == STATUS_OK) {
		start_watching(f);
		rc = place != NULL && place->file.inode != 0 ? find_place(f, place) : open_it(f);
	}
	if (rc != STATUS_OK) {
		follow_close(f);
		return rc;
	}
	*out = f;
	return STATUS_OK;
}

void
follow_close(struct follow *f)
{
	if (f == NULL)
		return;
	rotated_close(&f->current);
	rotated_close(&f->next);
	rotated_close(&f->late);
	(void)file_close(f->notify, "inotify");
	buf_free(&f->skipped);
	free(f);
}

const char *
follow_name(const struct follow *f)
{
	return f->current.fd >= 0 ? f->label : f->path;
}

bool
follow_lost(const struct follow *f)
{
	return f->lost;
}

void
follow_place(const struct follow *f, struct named_place *place)
{
	*place = (struct named_place){.file = f->current.file, .position = f->position, .hash = place_tail_hash(&f->tail)};
	(void)strlcpy(place->follows, f->follows, sizeof(place->follows));
}

/*
 * Reading.
 */

void
follow_take(struct follow *f, const uint8_t *bytes, size_t len)
{
	place_tail_add(&f->tail, bytes, len);
	f->position += (int64_t)len;
}

/* Does the file still hold what was read of it, right before `behind`, the unread bytes included? */
static bool
is_unchanged(const struct follow *f, const uint8_t *behind, size_t unread)
{
	uint8_t bytes[PLACE_TAIL_BYTES];
	size_t of_unread = unread < PLACE_TAIL_BYTES ? unread : PLACE_TAIL_BYTES, room = PLACE_TAIL_BYTES - of_unread;
	size_t of_tail = f->tail.len < room ? f->tail.len : room, len = of_tail + of_unread, got;

	if (file_read_at(f->current.fd, f->label, bytes, len, f->position + (int64_t)(unread - len), &got) != STATUS_OK)
		return false;
	return got == len && memcmp(bytes, f->tail.bytes + f->tail.len - of_tail, of_tail) == 0 &&
	    memcmp(bytes + of_tail, behind - of_unread, of_unread) == 0;
}

static bool
is_named(const struct follow *f)
{
	struct stat by_name, by_file;

	return stat(f->follows, &by_name) == 0 && fstat(f->current.fd, &by_file) == 0 && by_name.st_dev == by_file.st_dev &&
	    by_name.st_ino == by_file.st_ino;
}

/* STATUS_MISSING, no message: there is none yet. */
static int
find_next(struct follow *f)
{
	struct named_place place;
	int rc;

	if (f->next.fd >= 0)
		return STATUS_OK;
	follow_place(f, &place);
	rc = rotation_next(f->folder, f->base, &f->current, &place, &f->next, &f->skipped);
	/* The link leads elsewhere now. */
	if (rc == STATUS_MISSING && f->polls)
		rc = rotated_open(f->follows, &f->next);
	if (rc == STATUS_OK) {
		f->next_watch = watch(f, f->next.fd);
		f->quiet_since_ms = clock_monotonic_ms();
	}
	if (rc == STATUS_PERMISSION || rc == STATUS_IO) {
		if (!f->told_unusable)
			cmd_warn("%s; waiting for a file that can be read", status_message());
		f->told_unusable = true;
		rc = STATUS_MISSING;
	}
	return rc;
}

/* Nothing more of it can be read now; will there be more? The next one is there. */
static bool
may_grow(struct follow *f)
{
	bool known;
	int64_t size, quiet_ms = clock_monotonic_ms() - f->quiet_since_ms;

	if (f->current.still || lock_without_writers(f->current.fd, &known))
		return false;
	if (file_size(f->next.fd, f->next.name, &size) == STATUS_OK && size == 0)
		return true;
	if (quiet_ms >= QUIET_MS)
		return false;
	f->patience_ms = QUIET_MS - quiet_ms;
	return true;
}

/* *more: some bytes came meanwhile. */
static int
look_for_end(struct follow *f, size_t unread, bool *more)
{
	int64_t size;
	int rc;

	f->patience_ms = -1;
	*more = false;
	if (!f->current.still && is_named(f))
		return STATUS_OK;
	if ((rc = find_next(f)) != STATUS_OK)
		return rc == STATUS_MISSING ? STATUS_OK : rc;
	if (may_grow(f))
		return STATUS_OK;
	if (f->current.still) {
		f->end = ENDED;
		return STATUS_OK;
	}
	/* Only now is it known that the last one has written. */
	if ((rc = file_size(f->current.fd, f->label, &size)) != STATUS_OK)
		return rc;
	*more = size > f->position + (int64_t)unread;
	f->end = *more ? NOT_ENDED : ENDED;
	return STATUS_OK;
}

static int
read_current(struct follow *f, uint8_t *bytes, size_t len, size_t unread, size_t *got)
{
	int rc;

	if (f->current.unpack != NULL) {
		rc = unpack_read(f->current.unpack, bytes, len, got);
		return rc == STATUS_CORRUPT ? STATUS_IO : rc;
	}
	if ((rc = file_read_at(f->current.fd, f->label, bytes, len, f->position + (int64_t)unread, got)) != STATUS_OK)
		return rc;
	/* Behind the read, so that what was read cannot be that of a file which was written anew. */
	if (!is_unchanged(f, bytes, unread))
		f->end = CUT;
	return STATUS_OK;
}

int
follow_read(struct follow *f, uint8_t *bytes, size_t len, size_t unread, size_t *got)
{
	bool more = true;
	int rc;

	*got = 0;
	while (more && f->end == NOT_ENDED) {
		if (f->current.fd < 0)
			return STATUS_OK;
		if ((rc = read_current(f, bytes, len, unread, got)) != STATUS_OK)
			return rc;
		if (f->end == CUT)
			*got = 0;
		if (f->end == CUT || *got > 0)
			break;
		if ((rc = look_for_end(f, unread, &more)) != STATUS_OK)
			return rc;
	}
	if (*got > 0)
		f->quiet_since_ms = clock_monotonic_ms();
	return f->end == NOT_ENDED ? STATUS_OK : STATUS_END;
}

bool
follow_is_open(const struct follow *f)
{
	return f->current.fd >= 0;
}

bool
follow_rest_counts(const struct follow *f)
{
	return f->end == ENDED;
}

/* A copy was made before, or what is gone is gone. */
static int
next_of_cut(struct follow *f, bool *began)
{
	struct named_place place;
	struct rotated r;
	char what[1200];
	int rc;

	follow_place(f, &place);
	*began = false;
	if (place.position > 0 && (rc = rotation_find(f->folder, f->base, &place, &r)) != STATUS_MISSING) {
		if (rc == STATUS_OK)
			enter(f, &r, place.position);
		return rc;
	}
	*began = true;
	(void)snprintf(what, sizeof(what),
	    "truncated or written anew; what was written behind byte %lld before that may be missing; going on at its beginning",
	    (long long)place.position);
	lose(f, what);
	f->position = 0;
	f->tail.len = 0;
	f->end = NOT_ENDED;
	return STATUS_OK;
}

/* Its last writer may yet write. */
static void
leave_late(struct follow *f)
{
	bool known;

	if (f->current.still || lock_without_writers(f->current.fd, &known))
		return;
	if (known)
		cmd_warn("%s: %s is still open in a process that wrote nothing for %d s; going on with the next", f->path,
		    f->current.name, QUIET_MS / 1000);
	look_at_late(f);
	rotated_close(&f->late);
	f->late = f->current;
	f->late_end = f->position;
	f->current = ROTATED_NONE;
}

int
follow_next(struct follow *f, bool *began)
{
	char what[1200];

	if (f->end == CUT)
		return next_of_cut(f, began);
	*began = true;
	if (f->current.fd < 0) {
		int rc = open_it(f);

		*began = f->current.fd >= 0;
		return rc;
	}
	if (f->skipped.len > 0) {
		(void)snprintf(what, sizeof(what), "cannot be read, so their lines are missing:%.*s", (int)f->skipped.len,
		    (const char *)f->skipped.data);
		lose(f, what);
	}
	buf_clear(&f->skipped);
	leave_late(f);
	enter(f, &f->next, 0);
	if (strcmp(f->current.name, f->base) == 0)
		aim(f);
	return STATUS_OK;
}

/*
 * logdisk: a disk that remembers each write and each flush, so that afterwards the power can be cut at any of them, as often as wanted.
 *
 *   logdisk serve IMAGE LOG MOUNTPOINT      serves IMAGE as MOUNTPOINT/disk (FUSE, in the foreground, until it is unmounted) for a loop
 *                                           device; what is written there, and each flush, goes to LOG as well
 *   logdisk marks LOG                       for each write to a stream: ENTRY NAME; last: ENTRIES -
 *   logdisk crash [-g MS] [-t BYTES] IMAGE LOG ENTRY none|half|all SEED OUT TOLD
 *                                           IMAGE (as it was before it was served) becomes OUT: the disk as the power was cut before this
 *                                           entry.  What a flush covers is on it; of what is later none, a random half or all.
 *
 * Any other name in MOUNTPOINT is a stream: what clients write there, for instance of the records they were told are stored, takes its place
 * in the LOG between the writes and the flushes.  crash puts into TOLD/NAME what a stream had got before ENTRY, and with -g into TOLD.old/NAME
 * what it had got MS milliseconds before.  Whoever wrote a line to a stream before ENTRY may hold the disk to it.
 *
 * A write is dropped or kept in pieces of 4096 bytes, or of -t.  Two streams give orders: what is written to `sick` is how many of the next
 * writes to the disk fail with EIO; a write to `dead` ends the recording, as if the power had been cut there.
 */
#define FUSE_USE_VERSION 31
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 8192, NAME_BYTES = 64, COPY_BYTES = 1 << 20 };
enum kind { WRITE, FLUSH, STREAM };

/* What precedes each entry of the log; `len` bytes follow it. */
struct entry {
	int64_t at, len, ms;
	enum kind kind;
	char name[NAME_BYTES]; /* of a stream */
};

static struct {
	int image;
	FILE *log;
	char names[STREAMS_MAX][NAME_BYTES];
	int64_t sizes[STREAMS_MAX];
	int streams;
	int sick;
	bool dead;
} disk;

static void
die(const char *what)
{
	fprintf(stderr, "logdisk: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Serving: one thread, so the order in the log is the order in which the kernel asked and was answered. */

static void
note(enum kind kind, const char *name, int64_t at, const void *bytes, size_t len)
{
	struct entry e;

	if (disk.dead)
		return;
	memset(&e, 0, sizeof(e));
	e.at = at;
	e.len = (int64_t)len;
	e.ms = now_ms();
	e.kind = kind;
	snprintf(e.name, sizeof(e.name), "%s", name);
	if (fwrite(&e, sizeof(e), 1, disk.log) != 1 || (len > 0 && fwrite(bytes, len, 1, disk.log) != 1))
		die("the log");
}

static bool
is_disk(const char *path)
{
	return strcmp(path, "/disk") == 0;
}

static int
stream_of(const char *path)
{
	for (int i = 0; i < disk.streams; i++)
		if (strcmp(disk.names[i], path + 1) == 0)
			return i;
	return -1;
}

static int
disk_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	int i = stream_of(path);

	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	st->st_mode = S_IFREG | 0600;
	if (strcmp(path, "/") == 0)
		st->st_mode = S_IFDIR | 0700;
	else if (is_disk(path))
		return fstat(disk.image, st) == 0 ? 0 : -errno;
	else if (i < 0)
		return -ENOENT;
	else
		st->st_size = disk.sizes[i];
	return 0;
}

static int
disk_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = !is_disk(path);
	fi->keep_cache = is_disk(path);
	return 0;
}

static int
disk_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	(void)mode;
	if (stream_of(path) < 0) {
		if (disk.streams == STREAMS_MAX || strlen(path + 1) >= NAME_BYTES)
			return -ENOSPC;
		snprintf(disk.names[disk.streams++], NAME_BYTES, "%s", path + 1);
	}
	return disk_open(path, fi);
}

static int
disk_read(const char *path, char *bytes, size_t len, off_t at, struct fuse_file_info *fi)
{
	ssize_t n;

	(void)fi;
	if (!is_disk(path))
		return 0;
	n = pread(disk.image, bytes, len, at);
	return n < 0 ? -errno : (int)n;
}

static int
number(const char *bytes, size_t len)
{
	char text[16] = "";

	memcpy(text, bytes, len < sizeof(text) ? len : sizeof(text) - 1);
	return atoi(text);
}

static int
write_disk(const char *bytes, size_t len, off_t at)
{
	if (disk.sick > 0) {
		disk.sick--;
		return -EIO;
	}
	if (pwrite(disk.image, bytes, len, at) != (ssize_t)len)
		die("the image");
	note(WRITE, "", at, bytes, len);
	return (int)len;
}

static int
disk_write(const char *path, const char *bytes, size_t len, off_t at, struct fuse_file_info *fi)
{
	int i = stream_of(path);

	(void)fi;
	if (is_disk(path))
		return write_disk(bytes, len, at);
	if (i < 0)
		return -ENOENT;
	if (strcmp(path, "/sick") == 0)
		disk.sick = number(bytes, len);
	note(STREAM, disk.names[i], 0, bytes, len);
	disk.sizes[i] += (int64_t)len;
	disk.dead = disk.dead || strcmp(path, "/dead") == 0;
	return (int)len;
}

static int
disk_fsync(const char *path, int data, struct fuse_file_info *fi)
{
	(void)data;
	(void)fi;
	if (is_disk(path))
		note(FLUSH, "", 0, NULL, 0);
	return 0;
}

static int
disk_truncate(const char *path, off_t len, struct fuse_file_info *fi)
{
	(void)len;
	(void)fi;
	return is_disk(path) ? -EPERM : 0; /* a stream is never made shorter */
}

static int
disk_readdir(const char *path, void *to, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)path;
	(void)at;
	(void)fi;
	(void)flags;
	fill(to, "disk", NULL, 0, 0);
	for (int i = 0; i < disk.streams; i++)
		fill(to, disk.names[i], NULL, 0, 0);
	return 0;
}

static const struct fuse_operations operations = {
    .getattr = disk_getattr,
    .open = disk_open,
    .create = disk_create,
    .read = disk_read,
    .write = disk_write,
    .fsync = disk_fsync,
    .truncate = disk_truncate,
    .readdir = disk_readdir,
};

static int
serve(char **argv)
{
	char self[] = "logdisk", one_thread[] = "-s", foreground[] = "-f";
	char *fuse_argv[] = {self, one_thread, foreground, argv[2], NULL};
	int rc;

	if ((disk.image = open(argv[0], O_RDWR | O_CLOEXEC)) < 0)
		die(argv[0]);
	if ((disk.log = fopen(argv[1], "we")) == NULL || setvbuf(disk.log, NULL, _IOFBF, COPY_BYTES) != 0)
		die(argv[1]);
	rc = fuse_main(4, fuse_argv, &operations, NULL);
	if (fclose(disk.log) != 0)
		die(argv[1]);
	return rc;
}

/* Afterwards. */

struct log {
	const uint8_t *bytes;
	int64_t size, at; /* `at`: where the next entry begins */
};

static void
log_open(struct log *l, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		die(path);
	l->size = st.st_size;
	l->at = 0;
	if ((l->bytes = mmap(NULL, (size_t)l->size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		die(path);
	close(fd);
}

/* The next entry and its bytes; false at the end. */
static bool
log_next(struct log *l, struct entry *e, const uint8_t **bytes)
{
	if (l->at + (int64_t)sizeof(*e) > l->size)
		return false;
	memcpy(e, l->bytes + l->at, sizeof(*e));
	*bytes = l->bytes + l->at + sizeof(*e);
	if (l->at + (int64_t)sizeof(*e) + e->len > l->size)
		return false;
	l->at += (int64_t)sizeof(*e) + e->len;
	return true;
}

static int
marks(const char *path)
{
	struct log l;
	struct entry e;
	const uint8_t *bytes;
	long n = 0;

	for (log_open(&l, path); log_next(&l, &e, &bytes); n++)
		if (e.kind == STREAM)
			printf("%ld %s\n", n, e.name);
	printf("%ld -\n", n);
	return 0;
}

/* Every file begins as holes: what was never written stays so. */
static int
copy_image(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static char buf[COPY_BYTES];
	off_t at = 0, end;
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0 || ftruncate(out, st.st_size) != 0)
		die(to);
	while ((at = lseek(in, at, SEEK_DATA)) >= 0) {
		for (end = lseek(in, at, SEEK_HOLE); at < end;) {
			ssize_t n = pread(in, buf, (size_t)(end - at < COPY_BYTES ? end - at : COPY_BYTES), at);

			if (n <= 0 || pwrite(out, buf, (size_t)n, at) != n)
				die(to);
			at += n;
		}
	}
	close(in);
	return out;
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct cut {
	int out;
	int64_t piece;
	uint64_t seed;
	enum { DROP_ALL, DROP_HALF, DROP_NONE } fate;
};

/* A write that no flush covers: each of its pieces may be on the disk. */
static void
write_pieces(struct cut *c, const struct entry *e, const uint8_t *bytes)
{
	int64_t len;

	for (int64_t i = 0; i < e->len; i += len) {
		len = c->piece - (e->at + i) % c->piece;
		if (len > e->len - i)
			len = e->len - i;
		if (c->fate == DROP_HALF && (next_random(&c->seed) >> 32) % 2 == 0)
			continue;
		if (pwrite(c->out, bytes + i, (size_t)len, e->at + i) != len)
			die("the image");
	}
}

static void
append_stream(const char *dir, const char *name, const uint8_t *bytes, int64_t len)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, (size_t)len) != len || close(fd) != 0)
		die(path);
}

/* What is found before the cut: entries up to `end`, writes before `flushed` covered by a flush, and when the last entry was made. */
struct found {
	long end, flushed;
	int64_t ms;
};

static struct found
find(const char *path, long end)
{
	struct found f = {0, 0, 0};
	struct log l;
	struct entry e;
	const uint8_t *bytes;

	for (log_open(&l, path); f.end < end && log_next(&l, &e, &bytes); f.end++) {
		if (e.kind == FLUSH)
			f.flushed = f.end;
		f.ms = e.ms;
	}
	munmap((void *)(uintptr_t)l.bytes, (size_t)l.size);
	return f;
}

static int
crash(struct cut *c, int64_t grace_ms, char **argv)
{
	const char *told = argv[6];
	struct found f = find(argv[1], atol(argv[2]));
	char old[PATH_MAX];
	struct log l;
	struct entry e;
	const uint8_t *bytes;

	c->fate = strcmp(argv[3], "none") == 0 ? DROP_ALL : strcmp(argv[3], "half") == 0 ? DROP_HALF : DROP_NONE;
	c->seed = (strtoull(argv[4], NULL, 10) + 1) * 0x9e3779b97f4a7c15ULL;
	c->out = copy_image(argv[0], argv[5]);
	snprintf(old, sizeof(old), "%s.old", told);
	if ((mkdir(told, 0700) != 0 && errno != EEXIST) || (mkdir(old, 0700) != 0 && errno != EEXIST))
		die(told);
	log_open(&l, argv[1]);
	for (long n = 0; n < f.end && log_next(&l, &e, &bytes); n++) {
		if (e.kind == WRITE && n < f.flushed) {
			if (pwrite(c->out, bytes, (size_t)e.len, e.at) != e.len)
				die(argv[5]);
		} else if (e.kind == WRITE && c->fate != DROP_ALL) {
			write_pieces(c, &e, bytes);
		} else if (e.kind == STREAM) {
			append_stream(told, e.name, bytes, e.len);
			if (grace_ms >= 0 && e.ms <= f.ms - grace_ms)
				append_stream(old, e.name, bytes, e.len);
		}
	}
	return close(c->out);
}

int
main(int argc, char **argv)
{
	struct cut c = {.piece = 4096};
	const char *verb = argc > 1 ? argv[1] : "";
	int64_t grace_ms = -1;
	int option;

	argc--;
	argv++;
	while ((option = getopt(argc, argv, "g:t:")) != -1) {
		if (option == 'g')
			grace_ms = atoll(optarg);
		else if (option == 't')
			c.piece = atoll(optarg);
	}
	argc -= optind;
	argv += optind;
	if (strcmp(verb, "serve") == 0 && argc == 3)
		return serve(argv);
	if (strcmp(verb, "marks") == 0 && argc == 1)
		return marks(argv[0]);
	if (strcmp(verb, "crash") == 0 && argc == 7 && c.piece > 0)
		return crash(&c, grace_ms, argv);
	fprintf(stderr, "usage: logdisk serve|marks|crash ..., see the head of logdisk.c\n");
	return 2;
}

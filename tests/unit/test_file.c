#include "base/file.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <sched.h>

#include "proc.h"

#define NO_GROUP ((gid_t)-1)
#define MISSING_TOOL 77 /* a body could not set up what it needs */

static const struct file_access plain = {.mode = 0640, .gid = NO_GROUP};

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static gid_t
group_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_gid;
}

static void
assert_content(const char *path, const char *want)
{
	size_t len;
	char *found = unit_read(path, &len);

	assert_int_equal(len, strlen(want));
	assert_memory_equal(found, want, len);
	free(found);
}

static int
make_plain(const char *name)
{
	int fd;

	assert_ok(file_create(AT_FDCWD, name, &plain, &fd));
	return fd;
}

/* ---- opening ---- */

static void
test_a_file_opens_for_what_it_was_asked_for(void **state)
{
	int64_t size;
	int fd;
	char c;

	(void)state;
	unit_write("f", "abc", 3);
	assert_ok(file_open_read(AT_FDCWD, "f", &fd));
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_ok(file_close(fd, "f"));
	assert_ok(file_open_read_sized(AT_FDCWD, "f", &fd, &size));
	assert_int_equal(size, 3);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_ok(file_close(fd, "f"));
	assert_ok(file_open_write(AT_FDCWD, "f", &fd));
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_ok(file_close(fd, "f"));
	assert_ok(file_open_write_only(AT_FDCWD, "f", &fd));
	assert_int_equal(read(fd, &c, 1), -1);
	assert_int_equal(write(fd, "y", 1), 1);
	assert_ok(file_close(fd, "f"));
	assert_content("f", "yxc");
}

static void
test_only_a_plain_file_is_opened_and_nobody_waits_for_a_pipe(void **state)
{
	static const char *const names[] = {"pipe", "dir", "socket", "link", "loop"};
	struct sockaddr_un {
		sa_family_t family;
		char path[108];
	} address = {AF_UNIX, "socket"};
	int64_t size = 4242;
	int before, fd = 4242, s;

	(void)state;
	unit_write("f", "abc", 3);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_true((s = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	assert_int_equal(bind(s, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
	assert_int_equal(symlink("f", "link"), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	before = proc_next_descriptor();
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_status(file_open_read(AT_FDCWD, names[i], &fd), STATUS_IO);
		assert_memory_equal(status_message(), names[i], strlen(names[i]));
		assert_status(file_open_read_sized(AT_FDCWD, names[i], &fd, &size), STATUS_IO);
		assert_status(file_open_write(AT_FDCWD, names[i], &fd), STATUS_IO);
		assert_status(file_open_write_only(AT_FDCWD, names[i], &fd), STATUS_IO);
	}
	assert_status(file_open_read(AT_FDCWD, "none", &fd), STATUS_MISSING);
	assert_string_equal(status_message(), "none: No such file or directory");
	assert_status(file_open_read(AT_FDCWD, "f/x", &fd), STATUS_MISSING);
	assert_int_equal(fd, 4242);
	assert_int_equal(size, 4242);
	assert_int_equal(proc_next_descriptor(), before);
	assert_int_equal(close(s), 0);
}

static void
test_what_a_user_names_may_be_a_link_or_a_device(void **state)
{
	int fd = 4242;
	size_t got;
	char bytes[8];

	(void)state;
	unit_write("f", "abc", 3);
	assert_int_equal(symlink("f", "link"), 0);
	assert_ok(file_open_input("link", &fd));
	assert_ok(file_read_some(fd, "link", bytes, sizeof(bytes), &got));
	assert_bytes(bytes, got, "abc");
	assert_ok(file_close(fd, "link"));
	assert_ok(file_open_input("/dev/null", &fd));
	assert_ok(file_read_some(fd, "null", bytes, sizeof(bytes), &got));
	assert_int_equal(got, 0);
	assert_ok(file_close(fd, "null"));
	assert_status(file_open_input("none", &fd), STATUS_MISSING);
	assert_status(file_open_input("-", &fd), STATUS_MISSING);
	assert_status(file_open_input("", &fd), STATUS_MISSING);
}

static void
test_a_new_file_has_its_mode_whatever_the_umask(void **state)
{
	static const mode_t umasks[] = {0, 022, 077, 0777}, modes[] = {0600, 0640, 0664, 0666, 0400, 0200, 0000};
	char name[32];
	int fd;

	(void)state;
	for (size_t u = 0; u < COUNT_OF(umasks); u++) {
		for (size_t m = 0; m < COUNT_OF(modes); m++) {
			struct file_access access = {modes[m], NO_GROUP};
			mode_t old = umask(umasks[u]);
			int rc;

			(void)snprintf(name, sizeof(name), "f-%o-%o", umasks[u], modes[m]);
			rc = file_create(AT_FDCWD, name, &access, &fd);
			(void)umask(old);
			assert_ok(rc);
			assert_ok(file_write_at(fd, name, "x", 1, 0));
			assert_ok(file_close(fd, name));
			assert_int_equal(mode_of(name), modes[m]);
		}
	}
}

static void
test_a_taken_name_is_never_taken_over(void **state)
{
	int fd = 4242;

	(void)state;
	unit_write("f", "abc", 3);
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_status(file_create(AT_FDCWD, "f", &plain, &fd), STATUS_EXISTS);
	assert_status(file_create(AT_FDCWD, "link", &plain, &fd), STATUS_EXISTS);
	assert_int_equal(fd, 4242);
	assert_content("f", "abc");
	assert_int_not_equal(access("nowhere", F_OK), 0);
}

/* As nobody, in a folder that is open to all. */
static int
give_to_foreign_group(void *arg)
{
	struct file_access foreign = {0640, 0};
	int fd;

	(void)arg;
	if (!proc_drop_root())
		return MISSING_TOOL;
	if (file_create(AT_FDCWD, "f", &foreign, &fd) != STATUS_PERMISSION || access("f", F_OK) == 0)
		return 1;
	if (dir_make(AT_FDCWD, "d", &foreign) != STATUS_PERMISSION || access("d", F_OK) == 0)
		return 2;
	if (file_replace(AT_FDCWD, "r", "x", 1, &foreign) != STATUS_PERMISSION || access("r", F_OK) == 0 ||
	    access("r.tmp", F_OK) == 0)
		return 3;
	return 0;
}

static void
test_a_group_that_cannot_be_given_leaves_nothing(void **state)
{
	(void)state;
	unit_need(geteuid() == 0, "root", "a group of others is needed");
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(proc_run(give_to_foreign_group, NULL), 0);
}

static void
test_a_new_file_and_folder_get_their_group(void **state)
{
	struct file_access shared = {0660, 12345};
	int fd;

	(void)state;
	unit_need(geteuid() == 0, "root", "a group of others is needed");
	assert_ok(file_create(AT_FDCWD, "f", &shared, &fd));
	assert_ok(file_close(fd, "f"));
	assert_int_equal(mode_of("f"), 0660);
	assert_int_equal(group_of("f"), 12345);
	assert_ok(dir_make(AT_FDCWD, "d", &shared));
	assert_int_equal(mode_of("d"), 02770);
	assert_int_equal(group_of("d"), 12345);
	unit_write("d/inside", "", 0);
	assert_int_equal(group_of("d/inside"), 12345);
}

static void
test_closing_nothing_is_fine_and_closing_twice_is_told(void **state)
{
	int fd = make_plain("f");

	(void)state;
	assert_ok(file_close(-1, "nothing"));
	assert_ok(file_close(fd, "f"));
	assert_status(file_close(fd, "f"), STATUS_IO);
	assert_string_equal(status_message(), "f: close: Bad file descriptor");
}

static int
guard(void *arg)
{
	unsigned closed = *(unsigned *)arg;
	char c;
	int fd;

	for (int i = 0; i < 3; i++) {
		if ((closed & 1u << i) != 0)
			(void)close(i);
	}
	if (file_guard_standard() != STATUS_OK)
		return 1;
	/* Nothing new may get one of the three, and a closed one still fails. */
	if ((fd = open("/dev/null", O_RDONLY)) < 3)
		return 2;
	if ((closed & 1) != 0 && (read(0, &c, 1) != -1 || errno != EBADF))
		return 3;
	if ((closed & 2) != 0 && (write(1, "x", 1) != -1 || errno != EBADF))
		return 4;
	if ((closed & 4) != 0 && (write(2, "x", 1) != -1 || errno != EBADF))
		return 5;
	return 0;
}

static void
test_a_closed_stdout_is_never_a_file_of_the_store(void **state)
{
	(void)state;
	for (unsigned closed = 0; closed < 8; closed++)
		assert_int_equal(proc_run(guard, &closed), 0);
}

/* ---- reading and writing ---- */

static void
test_what_is_written_at_a_position_is_read_there(void **state)
{
	char bytes[16];
	size_t got;
	int fd = make_plain("f");

	(void)state;
	assert_ok(file_write_at(fd, "f", "hello", 5, 0));
	assert_ok(file_write_at(fd, "f", "J", 1, 0));
	assert_ok(file_write_at(fd, "f", "!", 1, 7));
	assert_ok(file_write_at(fd, "f", NULL, 0, 100));
	assert_ok(file_read_at(fd, "f", bytes, sizeof(bytes), 0, &got));
	assert_bytes(bytes, got, "Jello\0\0!");
	assert_ok(file_read_at(fd, "f", bytes, 2, 3, &got));
	assert_bytes(bytes, got, "lo");
	assert_ok(file_read_at(fd, "f", bytes, 2, 7, &got));
	assert_bytes(bytes, got, "!");
	assert_ok(file_read_at(fd, "f", bytes, 2, 8, &got));
	assert_int_equal(got, 0);
	assert_ok(file_read_at(fd, "f", bytes, 2, INT64_MAX - 2, &got));
	assert_int_equal(got, 0);
	assert_ok(file_read_at(fd, "f", NULL, 0, 0, &got));
	assert_int_equal(got, 0);
	assert_ok(file_close(fd, "f"));
}

static void
test_a_position_or_descriptor_that_cannot_be_is_an_error(void **state)
{
	size_t got = 4242;
	char c = 'x';
	int fd = make_plain("f");

	(void)state;
	assert_status(file_read_at(fd, "f", &c, 1, -1, &got), STATUS_IO);
	assert_string_equal(status_message(), "f: read at -1: Invalid argument");
	assert_status(file_write_at(fd, "f", &c, 1, -1), STATUS_IO);
	assert_status(file_read_at(-1, "f", &c, 1, 0, &got), STATUS_IO);
	assert_status(file_write_at(-1, "f", &c, 1, 0), STATUS_IO);
	assert_status(file_read_some(-1, "f", &c, 1, &got), STATUS_IO);
	assert_status(file_write_all(-1, "f", &c, 1), STATUS_IO);
	assert_status(file_truncate(-1, "f", 0), STATUS_IO);
	assert_status(file_sync(-1, "f"), STATUS_IO);
	assert_status(file_sync_data(-1, "f"), STATUS_IO);
	assert_status(file_size(-1, "f", &(int64_t){0}), STATUS_IO);
	assert_status(file_identity(-1, "f", &(struct file_identity){0}), STATUS_IO);
	assert_status(dir_list(-1, "d", NULL, NULL), STATUS_IO);
	assert_status(dir_check_file_system(-1, "d"), STATUS_IO);
	assert_int_equal(got, 4242);
	assert_ok(file_close(fd, "f"));
}

static void
test_a_full_device_is_told(void **state)
{
	int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_status(file_write_at(fd, "log", "x", 1, 0), STATUS_AGAIN);
	assert_string_equal(status_message(), "log: write at 0: No space left on device");
	errno = 0;
	assert_status(file_write_all(fd, "stdout", "x", 1), STATUS_IO);
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(status_message(), "stdout: write: No space left on device");
	assert_ok(file_close(fd, "full"));
}

static void
test_a_size_limit_is_no_room(void **state)
{
	struct rlimit old, small;
	char bytes[4096] = {0};
	int64_t size;
	int fd = make_plain("f"), rc;

	(void)state;
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 5000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = file_write_at(fd, "f", bytes, sizeof(bytes), 2000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_DFL), SIG_ERR);
	assert_status(rc, STATUS_AGAIN);
	/* The first part went in: the caller cuts it off. */
	assert_ok(file_size(fd, "f", &size));
	assert_int_equal(size, 5000);
	assert_ok(file_close(fd, "f"));
}

static volatile sig_atomic_t ticks;

static void
on_tick(int signal_number)
{
	(void)signal_number;
	ticks++;
}

static void
test_one_read_of_a_stream_says_what_is_there(void **state)
{
	char bytes[8];
	size_t got = 4242;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	status_clear();
	assert_int_equal(file_read_some(p[0], "pipe", bytes, sizeof(bytes), &got), STATUS_AGAIN);
	assert_string_equal(status_message(), "");
	assert_int_equal(got, 4242);
	assert_int_equal(write(p[1], "abcdefghij", 10), 10);
	assert_ok(file_read_some(p[0], "pipe", bytes, sizeof(bytes), &got));
	assert_bytes(bytes, got, "abcdefgh");
	assert_ok(file_read_some(p[0], "pipe", bytes, sizeof(bytes), &got));
	assert_bytes(bytes, got, "ij");
	assert_int_equal(close(p[1]), 0);
	assert_ok(file_read_some(p[0], "pipe", bytes, sizeof(bytes), &got));
	assert_int_equal(got, 0);
	assert_ok(file_close(p[0], "pipe"));
}

static int
read_until_signal(void *arg)
{
	struct sigaction sa = {.sa_handler = on_tick};
	size_t got;
	char c;

	(void)sigaction(SIGUSR1, &sa, NULL);
	return file_read_some(*(int *)arg, "pipe", &c, 1, &got) == STATUS_AGAIN && ticks == 1 ? 0 : 1;
}

static void
test_a_signal_ends_the_read_of_a_stream(void **state)
{
	pid_t pid;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = proc_start(read_until_signal, &p[0]);
	proc_until_in_call(pid, 0 /* read */);
	assert_int_equal(kill(pid, SIGUSR1), 0);
	assert_int_equal(proc_end(pid), 0);
	assert_int_equal(close(p[0]), 0);
	assert_int_equal(close(p[1]), 0);
}

static int
read_slowly(void *arg)
{
	const int *p = arg;
	size_t sum = 0;
	char bytes[977];
	ssize_t n;

	(void)close(p[1]);
	while ((n = read(p[0], bytes, sizeof(bytes))) > 0)
		sum += (size_t)n;
	return n == 0 && sum == 1000000 ? 0 : 1;
}

static void
test_a_stream_gets_all_bytes_even_if_it_does_not_block(void **state)
{
	static char bytes[1000000];
	int flags[] = {0, O_NONBLOCK};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		pid_t pid;
		int p[2];

		assert_int_equal(pipe2(p, O_CLOEXEC), 0);
		assert_int_equal(fcntl(p[1], F_SETFL, flags[i]), 0);
		pid = proc_start(read_slowly, p);
		assert_int_equal(close(p[0]), 0);
		assert_ok(file_write_all(p[1], "stdout", bytes, sizeof(bytes)));
		assert_ok(file_close(p[1], "stdout"));
		assert_int_equal(proc_end(pid), 0);
	}
}

static void
test_a_closed_pipe_is_an_error_whose_errno_tells_it(void **state)
{
	int p[2];

	(void)state;
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	assert_int_equal(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(close(p[0]), 0);
	errno = 0;
	assert_status(file_write_all(p[1], "stdout", "x", 1), STATUS_IO);
	assert_int_equal(errno, EPIPE);
	assert_ok(file_close(p[1], "stdout"));
	assert_ptr_not_equal(signal(SIGPIPE, SIG_DFL), SIG_ERR);
}

/* One below, at and one above the limit, and round the steps it is read in. */
static void
test_a_whole_file_is_read_up_to_the_limit(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 20000};
	static char bytes[20001];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct buf b = BUF_EMPTY;

		assert_ok(buf_append(&b, "old", 3));
		unit_write("f", bytes, sizes[i]);
		assert_ok(file_read_all(AT_FDCWD, "f", sizes[i], &b));
		assert_int_equal(b.len, sizes[i] + 3);
		assert_memory_equal(b.data, "old", 3);
		assert_memory_equal(b.data + 3, bytes, sizes[i]);
		b.len = 3;
		assert_ok(file_read_all(AT_FDCWD, "f", sizes[i] + 1, &b));
		assert_int_equal(b.len, sizes[i] + 3);
		b.len = 3;
		assert_ok(file_read_all(AT_FDCWD, "f", SIZE_MAX, &b));
		assert_int_equal(b.len, sizes[i] + 3);
		b.len = 3;
		if (sizes[i] > 0) {
			assert_status(file_read_all(AT_FDCWD, "f", sizes[i] - 1, &b), STATUS_IO);
			assert_non_null(strstr(status_message(), "f: longer than"));
			assert_bytes(b.data, b.len, "old");
		}
		buf_free(&b);
	}
}

static void
test_a_file_that_cannot_be_read_leaves_the_buf_and_no_descriptor(void **state)
{
	static char bytes[20000];
	struct buf b = BUF_EMPTY;
	int before = proc_next_descriptor();

	(void)state;
	assert_status(file_read_all(AT_FDCWD, "none", 100, &b), STATUS_MISSING);
	assert_status(file_read_all(AT_FDCWD, ".", 100, &b), STATUS_IO);
	unit_write("f", bytes, sizeof(bytes));
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = file_read_all(AT_FDCWD, "f", sizeof(bytes), &b);
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		assert_int_equal(b.len, 0);
	}
	assert_int_equal(b.len, sizeof(bytes));
	assert_int_equal(proc_next_descriptor(), before);
	buf_free(&b);
}

static void
test_a_file_is_cut_and_made_longer_and_its_size_is_told(void **state)
{
	int fd = make_plain("f");
	int64_t size = 0;

	(void)state;
	assert_ok(file_write_at(fd, "f", "hello", 5, 0));
	assert_ok(file_truncate(fd, "f", 2));
	assert_content("f", "he");
	assert_ok(file_truncate(fd, "f", INT64_C(1) << 33));
	assert_ok(file_size(fd, "f", &size));
	assert_int_equal(size, INT64_C(1) << 33);
	assert_ok(file_truncate(fd, "f", 0));
	assert_ok(file_size(fd, "f", &size));
	assert_int_equal(size, 0);
	assert_status(file_truncate(fd, "f", -1), STATUS_IO);
	assert_string_equal(status_message(), "f: cut to -1 bytes: Invalid argument");
	assert_ok(file_sync(fd, "f"));
	assert_ok(file_sync_data(fd, "f"));
	assert_ok(file_close(fd, "f"));
}

static void
test_a_failed_sync_is_never_a_reason_to_try_again(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_status(file_sync(p[1], "pipe"), STATUS_IO);
	assert_status(file_sync_data(p[1], "pipe"), STATUS_IO);
	assert_string_equal(status_message(), "pipe: sync: Invalid argument");
	assert_int_equal(close(p[0]), 0);
	assert_int_equal(close(p[1]), 0);
}

static void
test_a_copy_has_another_identity_and_a_renamed_file_the_same(void **state)
{
	struct file_identity a = {0}, b = {0}, c = {0};
	int fd = make_plain("a"), other = make_plain("b"), again;

	(void)state;
	assert_ok(file_identity(fd, "a", &a));
	assert_ok(file_identity(other, "b", &b));
	assert_ok(file_rename(AT_FDCWD, "a", "c"));
	assert_ok(file_open_read(AT_FDCWD, "c", &again));
	assert_ok(file_identity(again, "c", &c));
	assert_memory_equal(&a, &c, sizeof(a));
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_true(a.birth_sec > 0);
	assert_ok(file_close(fd, "a"));
	assert_ok(file_close(other, "b"));
	assert_ok(file_close(again, "c"));
}

static void
test_a_name_exists_even_if_it_leads_nowhere(void **state)
{
	(void)state;
	unit_write("f", "", 0);
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_true(file_exists(AT_FDCWD, "f"));
	assert_true(file_exists(AT_FDCWD, "."));
	assert_true(file_exists(AT_FDCWD, "link"));
	assert_false(file_exists(AT_FDCWD, "nowhere"));
	assert_false(file_exists(AT_FDCWD, "f/x"));
	assert_false(file_exists(AT_FDCWD, ""));
}

/* ---- copying ---- */

#define COPY_BYTES 3000001

static char *
noise(void)
{
	char *bytes = malloc(COPY_BYTES);

	assert_non_null(bytes);
	for (size_t i = 0; i < COPY_BYTES; i++)
		bytes[i] = (char)(i * i >> 5);
	return bytes;
}

static void
check_copy(int from, const char *bytes, int64_t len)
{
	char *found;
	size_t found_len;
	int to = make_plain("copy");

	assert_ok(file_copy(from, to, "copy", len));
	assert_ok(file_close(to, "copy"));
	found = unit_read("copy", &found_len);
	assert_int_equal(found_len, len);
	assert_memory_equal(found, bytes, found_len);
	free(found);
	assert_ok(file_remove(AT_FDCWD, "copy"));
}

static void
test_a_copy_has_the_first_bytes_within_and_across_file_systems(void **state)
{
	static const int64_t lengths[] = {0, 1, 4095, 4096, 4097, 1048575, 1048576, 1048577, COPY_BYTES - 1, COPY_BYTES};
	int here = make_plain("f"), in_memory = memfd_create("f", MFD_CLOEXEC);
	char *bytes = noise();

	(void)state;
	assert_true(in_memory >= 0);
	assert_ok(file_write_at(here, "f", bytes, COPY_BYTES, 0));
	assert_ok(file_write_at(in_memory, "f", bytes, COPY_BYTES, 0));
	assert_int_equal(lseek(here, 77, SEEK_SET), 77);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		check_copy(here, bytes, lengths[i]);
		check_copy(in_memory, bytes, lengths[i]);
	}
	assert_int_equal(lseek(here, 0, SEEK_CUR), 77);
	assert_ok(file_close(here, "f"));
	assert_ok(file_close(in_memory, "f"));
	free(bytes);
}

static void
test_a_copy_of_more_than_there_is_is_an_error(void **state)
{
	int here = make_plain("f"), in_memory = memfd_create("f", MFD_CLOEXEC), to = make_plain("copy");

	(void)state;
	assert_ok(file_write_at(here, "f", "hello", 5, 0));
	assert_ok(file_write_at(in_memory, "f", "hello", 5, 0));
	assert_status(file_copy(here, to, "copy", 6), STATUS_IO);
	assert_string_equal(status_message(), "copy: ends at 5");
	assert_status(file_copy(in_memory, to, "copy", 6), STATUS_IO);
	assert_string_equal(status_message(), "copy: ends at 5");
	assert_status(file_copy(here, -1, "copy", 5), STATUS_IO);
	assert_status(file_copy(-1, to, "copy", 5), STATUS_IO);
	assert_ok(file_close(here, "f"));
	assert_ok(file_close(in_memory, "f"));
	assert_ok(file_close(to, "copy"));
}

static void
test_a_copy_without_memory_is_a_reason_to_try_again(void **state)
{
	int in_memory = memfd_create("f", MFD_CLOEXEC), to = make_plain("copy");
	struct stat a, b;

	(void)state;
	assert_int_equal(fstat(in_memory, &a), 0);
	assert_int_equal(fstat(to, &b), 0);
	assert_int_not_equal(a.st_dev, b.st_dev);
	assert_ok(file_write_at(in_memory, "f", "hello", 5, 0));
	unit_oom_after(0);
	assert_int_equal(file_copy(in_memory, to, "copy", 5), STATUS_AGAIN);
	(void)unit_oom_off();
	assert_ok(file_copy(in_memory, to, "copy", 5));
	assert_ok(file_close(in_memory, "f"));
	assert_ok(file_close(to, "copy"));
	assert_content("copy", "hello");
}

/* ---- replacing, moving, removing ---- */

static void
test_a_file_is_replaced_whole(void **state)
{
	struct stat before, after;
	int dir, old;
	size_t got;
	char bytes[8];

	(void)state;
	assert_ok(dir_open(AT_FDCWD, ".", &dir));
	assert_ok(file_replace(dir, "config", "one", 3, &plain));
	assert_content("config", "one");
	assert_int_equal(mode_of("config"), 0640);
	assert_int_equal(stat("config", &before), 0);
	assert_ok(file_open_read(dir, "config", &old));
	assert_ok(file_replace(dir, "config", "second", 6, &(struct file_access){0600, NO_GROUP}));
	assert_content("config", "second");
	assert_int_equal(mode_of("config"), 0600);
	assert_int_equal(stat("config", &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	/* Who has the old one open goes on reading it. */
	assert_ok(file_read_at(old, "config", bytes, sizeof(bytes), 0, &got));
	assert_bytes(bytes, got, "one");
	assert_ok(file_replace(dir, "config", NULL, 0, &plain));
	assert_content("config", "");
	assert_false(file_exists(dir, "config.tmp"));
	assert_ok(file_close(old, "config"));
	assert_ok(file_close(dir, "."));
}

static void
test_a_dead_writers_leftover_does_not_matter(void **state)
{
	(void)state;
	unit_write("config", "old", 3);
	unit_write("config.tmp", "half of something longer", 24);
	assert_int_equal(chmod("config.tmp", 0), 0);
	assert_ok(file_replace(AT_FDCWD, "config", "new", 3, &plain));
	assert_content("config", "new");
	assert_int_equal(symlink("precious", "config.tmp"), 0);
	unit_write("precious", "gold", 4);
	assert_ok(file_replace(AT_FDCWD, "config", "newer", 5, &plain));
	assert_content("config", "newer");
	assert_content("precious", "gold");
}

static void
test_a_file_is_replaced_by_its_path_too(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_ok(file_replace(AT_FDCWD, "sub/config", "x", 1, &plain));
	assert_content("sub/config", "x");
	(void)snprintf(path, sizeof(path), "%.200s/sub/absolute", unit.dir);
	assert_ok(file_replace(AT_FDCWD, path, "y", 1, &plain));
	assert_content("sub/absolute", "y");
}

static void
test_what_cannot_be_replaced_stays(void **state)
{
	char name[NAME_MAX + 1];
	int before = proc_next_descriptor();

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	unit_write("dir/f", "", 0);
	assert_status(file_replace(AT_FDCWD, "dir", "x", 1, &plain), STATUS_IO);
	assert_false(file_exists(AT_FDCWD, "dir.tmp"));
	assert_true(file_exists(AT_FDCWD, "dir/f"));
	assert_status(file_replace(AT_FDCWD, "none/f", "x", 1, &plain), STATUS_MISSING);
	/* The longest name that mq(7) allows has room for the ending; the longest of the file system has not. */
	memset(name, 'n', sizeof(name));
	name[249] = '\0';
	assert_ok(file_replace(AT_FDCWD, name, "x", 1, &plain));
	name[249] = 'n';
	name[NAME_MAX] = '\0';
	assert_status(file_replace(AT_FDCWD, name, "x", 1, &plain), STATUS_IO);
	assert_int_equal(proc_next_descriptor(), before);
}

static void
test_renaming_replaces_and_moving_does_not(void **state)
{
	int a, b;

	(void)state;
	assert_int_equal(mkdir("a", 0700), 0);
	assert_int_equal(mkdir("b", 0700), 0);
	unit_write("a/x", "1", 1);
	unit_write("a/y", "2", 1);
	unit_write("b/x", "3", 1);
	assert_ok(dir_open(AT_FDCWD, "a", &a));
	assert_ok(dir_open(AT_FDCWD, "b", &b));
	assert_ok(file_rename(a, "x", "y"));
	assert_content("a/y", "1");
	assert_status(file_rename(a, "x", "z"), STATUS_MISSING);
	assert_string_equal(status_message(), "x: rename to z: No such file or directory");
	assert_status(file_move(a, "y", b, "x"), STATUS_EXISTS);
	assert_content("b/x", "3");
	assert_content("a/y", "1");
	assert_ok(file_move(a, "y", b, "z"));
	assert_content("b/z", "1");
	assert_status(file_move(a, "y", b, "q"), STATUS_MISSING);
	assert_ok(file_move(AT_FDCWD, "a", b, "folder"));
	assert_true(file_exists(b, "folder"));
	assert_ok(file_close(a, "a"));
	assert_ok(file_close(b, "b"));
}

static void
test_removing_what_is_gone_is_no_error(void **state)
{
	(void)state;
	unit_write("f", "", 0);
	assert_ok(file_remove(AT_FDCWD, "f"));
	assert_ok(file_remove(AT_FDCWD, "f"));
	assert_int_equal(mkdir("d", 0700), 0);
	assert_status(file_remove(AT_FDCWD, "d"), STATUS_IO);
	assert_true(file_exists(AT_FDCWD, "d"));
}

/* ---- folders ---- */

static void
test_a_folder_opens_but_no_link_to_one(void **state)
{
	int fd = 4242;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(symlink("d", "link"), 0);
	unit_write("f", "", 0);
	assert_status(dir_open(AT_FDCWD, "link", &fd), STATUS_MISSING);
	assert_status(dir_open(AT_FDCWD, "f", &fd), STATUS_MISSING);
	assert_status(dir_open(AT_FDCWD, "none", &fd), STATUS_MISSING);
	assert_int_equal(fd, 4242);
	assert_ok(dir_open(AT_FDCWD, "d", &fd));
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_ok(file_close(fd, "d"));
}

static int
make_folders(void *arg)
{
	static const struct {
		mode_t asked, made;
	} modes[] = {{0600, 0700}, {0640, 0750}, {0644, 0755}, {0660, 0770}, {0664, 0775}, {0666, 0777}, {0400, 0500}, {0200, 0300},
	    {0, 0}, {0700, 0700}};
	static const mode_t umasks[] = {0, 022, 027, 077, 0777};
	char name[32];
	struct stat st;

	if (*(bool *)arg && !proc_drop_root())
		return MISSING_TOOL;
	for (size_t u = 0; u < COUNT_OF(umasks); u++) {
		for (size_t m = 0; m < COUNT_OF(modes); m++) {
			struct file_access access = {modes[m].asked, NO_GROUP};

			(void)snprintf(name, sizeof(name), "d%zu-%zu", u, m);
			(void)umask(umasks[u]);
			if (dir_make(AT_FDCWD, name, &access) != STATUS_OK)
				return 1;
			if (umask(022) != umasks[u])
				return 2;
			if (stat(name, &st) != 0 || (st.st_mode & 07777) != modes[m].made)
				return 3;
		}
	}
	return 0;
}

static void
test_a_new_folder_has_its_mode_whatever_the_umask(void **state)
{
	bool as_nobody = false;

	(void)state;
	assert_int_equal(proc_run(make_folders, &as_nobody), 0);
}

static void
test_a_new_folder_has_its_mode_for_who_is_not_root_too(void **state)
{
	bool as_nobody = true;

	(void)state;
	unit_need(geteuid() == 0, "root", "only root can become another user");
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(proc_run(make_folders, &as_nobody), 0);
}

static void
test_a_taken_name_is_no_new_folder(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0711), 0);
	unit_write("f", "", 0);
	assert_status(dir_make(AT_FDCWD, "d", &plain), STATUS_EXISTS);
	assert_status(dir_make(AT_FDCWD, "f", &plain), STATUS_EXISTS);
	assert_status(dir_make(AT_FDCWD, "none/d", &plain), STATUS_MISSING);
	assert_int_equal(mode_of("d"), 0711);
}

static void
test_a_path_is_made_with_all_its_parents(void **state)
{
	static const char *const paths[] = {"a", "a/b/c", "a//b///d", "e/", "f/g//", "./h/./i", "j/../k", "..//", ".", "/",
	    "/tmp/"};
	char absolute[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		assert_ok(dir_make_path(paths[i]));
		assert_ok(dir_make_path(paths[i]));
		assert_int_equal(access(paths[i], X_OK), 0);
	}
	(void)snprintf(absolute, sizeof(absolute), "%.200s/x/y/z", unit.dir);
	assert_ok(dir_make_path(absolute));
	assert_int_equal(access("x/y/z", X_OK), 0);
}

static void
test_the_parts_of_a_path_follow_the_umask(void **state)
{
	mode_t old = umask(027);
	int rc = dir_make_path("a/b");

	(void)state;
	(void)umask(old);
	assert_ok(rc);
	assert_int_equal(mode_of("a"), 0750);
	assert_int_equal(mode_of("a/b"), 0750);
}

static void
test_a_path_that_cannot_be_made_says_why(void **state)
{
	char huge[PATH_MAX + 10];

	(void)state;
	unit_write("f", "", 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(symlink("d", "link"), 0);
	assert_status(dir_make_path(""), STATUS_MISSING);
	assert_status(dir_make_path("f"), STATUS_EXISTS);
	assert_string_equal(status_message(), "f: make it: File exists");
	assert_status(dir_make_path("f/"), STATUS_EXISTS);
	assert_status(dir_make_path("f/x"), STATUS_EXISTS);
	assert_status(dir_make_path("dangling"), STATUS_EXISTS);
	assert_status(dir_make_path("dangling/x"), STATUS_EXISTS);
	assert_ok(dir_make_path("link/x"));
	assert_int_equal(access("d/x", X_OK), 0);
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_status(dir_make_path(huge), STATUS_IO);
	unit_oom_after(0);
	assert_int_equal(dir_make_path("y"), STATUS_AGAIN);
	(void)unit_oom_off();
	assert_false(file_exists(AT_FDCWD, "y"));
}

static int
make_path_as_nobody(void *arg)
{
	const char *path = arg;

	return proc_drop_root() ? status_exit(dir_make_path(path)) : MISSING_TOOL;
}

static void
test_a_parent_that_may_not_be_read_is_no_obstacle(void **state)
{
	(void)state;
	unit_need(geteuid() == 0, "root", "only root can become another user");
	assert_int_equal(chmod(".", 0711), 0);
	assert_int_equal(mkdir("box", 0700), 0);
	assert_int_equal(chmod("box", 0333), 0);
	assert_int_equal(mkdir("closed", 0700), 0);
	assert_int_equal(mkdir("closed/inner", 0777), 0);
	assert_int_equal(mkdir("still", 0755), 0);
	assert_int_equal(proc_run(make_path_as_nobody, (void *)(uintptr_t) "box/a/b"), 0);
	assert_int_equal(access("box/a/b", F_OK), 0);
	assert_int_equal(proc_run(make_path_as_nobody, (void *)(uintptr_t) "closed/inner/x"), status_exit(STATUS_PERMISSION));
	assert_int_equal(proc_run(make_path_as_nobody, (void *)(uintptr_t) "still/x"), status_exit(STATUS_PERMISSION));
	assert_int_equal(proc_run(make_path_as_nobody, (void *)(uintptr_t) "still"), 0);
}

struct census {
	int count;
	unsigned seen;
	int stop_at;
};

static int
count_entry(void *arg, const char *entry)
{
	struct census *c = arg;

	errno = EBADF; /* what a visitor leaves there is no failure of the listing */
	assert_int_not_equal(entry[0], '.');
	c->seen |= 1u << (entry[0] - 'a');
	return ++c->count == c->stop_at ? STATUS_END : STATUS_OK;
}

static void
test_a_listing_visits_each_name_once(void **state)
{
	struct census c = {0};
	int dir, before;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	unit_write("d/a", "", 0);
	assert_int_equal(mkdir("d/b", 0700), 0);
	assert_int_equal(symlink("nowhere", "d/c"), 0);
	assert_ok(dir_open(AT_FDCWD, "d", &dir));
	before = proc_next_descriptor();
	/* Twice: the position of one listing is not that of the next. */
	for (int i = 0; i < 2; i++) {
		c = (struct census){0};
		assert_ok(dir_list(dir, "d", count_entry, &c));
		assert_int_equal(c.count, 3);
		assert_int_equal(c.seen, 7);
	}
	c = (struct census){.stop_at = 2};
	assert_int_equal(dir_list(dir, "d", count_entry, &c), STATUS_END);
	assert_int_equal(c.count, 2);
	assert_ok(dir_remove_tree(AT_FDCWD, "d"));
	/* Whether a removed folder can still be opened is the file system's affair. */
	c = (struct census){0};
	(void)!dir_list(dir, "d", count_entry, &c);
	assert_int_equal(c.count, 0);
	assert_int_equal(proc_next_descriptor(), before);
	assert_ok(file_close(dir, "d"));
}

static void
test_a_file_cannot_be_listed(void **state)
{
	int fd = make_plain("f");

	(void)state;
	assert_status(dir_list(fd, "f", count_entry, NULL), STATUS_MISSING);
	assert_ok(file_close(fd, "f"));
}

static void
test_a_tree_is_removed_and_what_its_links_lead_to_is_not(void **state)
{
	char name[32];
	int before = proc_next_descriptor();

	(void)state;
	assert_ok(dir_make_path("tree/a/b/c"));
	assert_ok(dir_make_path("outside"));
	unit_write("outside/precious", "gold", 4);
	assert_int_equal(symlink("../outside", "tree/link"), 0);
	assert_int_equal(symlink("../../outside/precious", "tree/a/link"), 0);
	assert_int_equal(link("outside/precious", "tree/a/b/hard"), 0);
	assert_int_equal(mkfifo("tree/pipe", 0600), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "tree/a/b/%d", i);
		unit_write(name, "", 0);
	}
	assert_ok(dir_remove_tree(AT_FDCWD, "tree"));
	assert_false(file_exists(AT_FDCWD, "tree"));
	assert_content("outside/precious", "gold");
	assert_int_equal(proc_next_descriptor(), before);
}

static void
test_what_is_no_tree_is_not_removed(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(symlink("d", "link"), 0);
	unit_write("f", "", 0);
	assert_status(dir_remove_tree(AT_FDCWD, "none"), STATUS_MISSING);
	assert_status(dir_remove_tree(AT_FDCWD, "link"), STATUS_MISSING);
	assert_status(dir_remove_tree(AT_FDCWD, "f"), STATUS_MISSING);
	assert_true(file_exists(AT_FDCWD, "d"));
	assert_true(file_exists(AT_FDCWD, "link"));
	assert_true(file_exists(AT_FDCWD, "f"));
}

/* The top is level 0; level 16 goes, level 17 does not. */
static void
test_a_tree_may_be_sixteen_levels_deep(void **state)
{
	char path[64] = "0";
	int before = proc_next_descriptor();

	(void)state;
	for (int i = 1; i <= 16; i++)
		(void)strcat(path, "/d");
	assert_ok(dir_make_path(path));
	assert_ok(dir_remove_tree(AT_FDCWD, "0"));
	(void)strcat(path, "/d");
	assert_ok(dir_make_path(path));
	assert_status(dir_remove_tree(AT_FDCWD, "0"), STATUS_IO);
	assert_string_equal(status_message(), "d: too deep to remove");
	assert_true(file_exists(AT_FDCWD, path));
	assert_int_equal(proc_next_descriptor(), before);
}

static int
remove_as_nobody(void *arg)
{
	return proc_drop_root() ? status_exit(dir_remove_tree(AT_FDCWD, arg)) : MISSING_TOOL;
}

static void
test_a_tree_of_others_is_not_ours_to_remove(void **state)
{
	(void)state;
	unit_need(geteuid() == 0, "root", "only root can become another user");
	assert_int_equal(chmod(".", 0711), 0);
	assert_int_equal(mkdir("sticky", 0700), 0);
	assert_int_equal(chmod("sticky", 01777), 0);
	unit_write("sticky/f", "", 0);
	assert_int_equal(mkdir("ours", 0755), 0);
	unit_write("ours/f", "", 0);
	assert_int_equal(proc_run(remove_as_nobody, (void *)(uintptr_t) "sticky"), status_exit(STATUS_PERMISSION));
	assert_int_equal(proc_run(remove_as_nobody, (void *)(uintptr_t) "ours"), status_exit(STATUS_PERMISSION));
	assert_true(file_exists(AT_FDCWD, "sticky/f"));
	assert_true(file_exists(AT_FDCWD, "ours/f"));
}

static void
test_a_store_may_lie_on_a_local_disk_but_not_on_proc(void **state)
{
	static const char *const others[] = {"/proc", "/sys"};
	int fd;

	(void)state;
	assert_ok(dir_open(AT_FDCWD, ".", &fd));
	assert_ok(dir_check_file_system(fd, "."));
	assert_ok(file_close(fd, "."));
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_ok(dir_open(AT_FDCWD, others[i], &fd));
		assert_status(dir_check_file_system(fd, others[i]), STATUS_CONFIG);
		assert_memory_equal(status_message(), others[i], strlen(others[i]));
		assert_ok(file_close(fd, others[i]));
	}
}

/* ---- a disk of 64 KiB that fills up ---- */

static int
fill_disk(void *arg)
{
	static char bytes[256 * 1024];
	int dir, fd, from = memfd_create("from", MFD_CLOEXEC);
	size_t len;
	char *found;

	(void)arg;
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mkdir("small", 0700) != 0 ||
	    mount("tmpfs", "small", "tmpfs", 0, "size=64k") != 0)
		return MISSING_TOOL;
	if (dir_open(AT_FDCWD, "small", &dir) != STATUS_OK || dir_check_file_system(dir, "small") != STATUS_OK)
		return 1;
	if (file_replace(dir, "config", "old", 3, &plain) != STATUS_OK)
		return 2;
	/* A replacement that has no room leaves the old bytes and no rubbish. */
	if (file_replace(dir, "config", bytes, sizeof(bytes), &plain) != STATUS_AGAIN || file_exists(dir, "config.tmp"))
		return 3;
	found = unit_read("small/config", &len);
	if (len != 3 || memcmp(found, "old", 3) != 0)
		return 4;
	free(found);
	if (file_create(dir, "log", &plain, &fd) != STATUS_OK || file_write_at(fd, "log", bytes, sizeof(bytes), 0) != STATUS_AGAIN)
		return 5;
	/* What went in can be cut off, and then there is room again. */
	if (file_truncate(fd, "log", 0) != STATUS_OK || file_write_at(fd, "log", bytes, 4096, 0) != STATUS_OK)
		return 6;
	if (file_write_at(from, "from", bytes, sizeof(bytes), 0) != STATUS_OK ||
	    file_copy(from, fd, "log", (int64_t)sizeof(bytes)) != STATUS_AGAIN)
		return 7;
	if (mount(NULL, "small", NULL, MS_REMOUNT | MS_RDONLY | MS_BIND, NULL) == 0) {
		if (file_replace(dir, "config", "new", 3, &plain) != STATUS_PERMISSION)
			return 8;
		if (dir_make_path("small") != STATUS_OK || dir_make_path("small/x") != STATUS_PERMISSION)
			return 9;
	}
	return 0;
}

static void
test_a_full_disk_is_a_reason_to_try_again_and_loses_nothing(void **state)
{
	int rc = proc_run(fill_disk, NULL);

	(void)state;
	unit_need(rc != MISSING_TOOL, "mount", "no tmpfs can be mounted here");
	assert_int_equal(rc, 0);
}

static void
test_a_part_keeps_its_place(void **state)
{
	int here = make_plain("f"), in_memory = memfd_create("f", MFD_CLOEXEC), to;
	char *bytes = noise();

	(void)state;
	assert_ok(file_write_at(here, "f", bytes, COPY_BYTES, 0));
	assert_ok(file_write_at(in_memory, "f", bytes, COPY_BYTES, 0));
	for (int i = 0; i < 2; i++) {
		size_t len;
		char *found;

		to = make_plain("copy");
		assert_ok(file_copy_part(i == 0 ? here : in_memory, to, "copy", 0, 5000));
		assert_ok(file_copy_part(i == 0 ? here : in_memory, to, "copy", 5000, 5000));
		assert_ok(file_copy_part(i == 0 ? here : in_memory, to, "copy", 5000, COPY_BYTES));
		assert_ok(file_close(to, "copy"));
		found = unit_read("copy", &len);
		assert_int_equal(len, COPY_BYTES);
		assert_memory_equal(found, bytes, len);
		free(found);
		assert_ok(file_remove(AT_FDCWD, "copy"));
	}
	free(bytes);
	assert_ok(file_close(here, "f"));
	assert_ok(file_close(in_memory, "f"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_a_file_opens_for_what_it_was_asked_for),
	    unit_test(test_only_a_plain_file_is_opened_and_nobody_waits_for_a_pipe),
	    unit_test(test_what_a_user_names_may_be_a_link_or_a_device),
	    unit_test(test_a_new_file_has_its_mode_whatever_the_umask),
	    unit_test(test_a_taken_name_is_never_taken_over),
	    unit_test(test_a_group_that_cannot_be_given_leaves_nothing),
	    unit_test(test_a_new_file_and_folder_get_their_group),
	    unit_test(test_closing_nothing_is_fine_and_closing_twice_is_told),
	    unit_test(test_a_closed_stdout_is_never_a_file_of_the_store),
	    unit_test(test_what_is_written_at_a_position_is_read_there),
	    unit_test(test_a_position_or_descriptor_that_cannot_be_is_an_error),
	    unit_test(test_a_full_device_is_told),
	    unit_test(test_a_size_limit_is_no_room),
	    unit_test(test_one_read_of_a_stream_says_what_is_there),
	    unit_test(test_a_signal_ends_the_read_of_a_stream),
	    unit_test(test_a_stream_gets_all_bytes_even_if_it_does_not_block),
	    unit_test(test_a_closed_pipe_is_an_error_whose_errno_tells_it),
	    unit_test(test_a_whole_file_is_read_up_to_the_limit),
	    unit_test(test_a_file_that_cannot_be_read_leaves_the_buf_and_no_descriptor),
	    unit_test(test_a_file_is_cut_and_made_longer_and_its_size_is_told),
	    unit_test(test_a_failed_sync_is_never_a_reason_to_try_again),
	    unit_test(test_a_copy_has_another_identity_and_a_renamed_file_the_same),
	    unit_test(test_a_name_exists_even_if_it_leads_nowhere),
	    unit_test(test_a_copy_has_the_first_bytes_within_and_across_file_systems),
	    unit_test(test_a_copy_of_more_than_there_is_is_an_error),
	    unit_test(test_a_copy_without_memory_is_a_reason_to_try_again),
	    unit_test(test_a_file_is_replaced_whole),
	    unit_test(test_a_dead_writers_leftover_does_not_matter),
	    unit_test(test_a_file_is_replaced_by_its_path_too),
	    unit_test(test_what_cannot_be_replaced_stays),
	    unit_test(test_renaming_replaces_and_moving_does_not),
	    unit_test(test_removing_what_is_gone_is_no_error),
	    unit_test(test_a_folder_opens_but_no_link_to_one),
	    unit_test(test_a_new_folder_has_its_mode_whatever_the_umask),
	    unit_test(test_a_new_folder_has_its_mode_for_who_is_not_root_too),
	    unit_test(test_a_taken_name_is_no_new_folder),
	    unit_test(test_a_path_is_made_with_all_its_parents),
	    unit_test(test_the_parts_of_a_path_follow_the_umask),
	    unit_test(test_a_path_that_cannot_be_made_says_why),
	    unit_test(test_a_parent_that_may_not_be_read_is_no_obstacle),
	    unit_test(test_a_listing_visits_each_name_once),
	    unit_test(test_a_file_cannot_be_listed),
	    unit_test(test_a_tree_is_removed_and_what_its_links_lead_to_is_not),
	    unit_test(test_what_is_no_tree_is_not_removed),
	    unit_test(test_a_tree_may_be_sixteen_levels_deep),
	    unit_test(test_a_tree_of_others_is_not_ours_to_remove),
	    unit_test(test_a_store_may_lie_on_a_local_disk_but_not_on_proc),
	    unit_test(test_a_full_disk_is_a_reason_to_try_again_and_loses_nothing),
	    unit_test(test_a_part_keeps_its_place),
	};
	return unit_run(tests);
}

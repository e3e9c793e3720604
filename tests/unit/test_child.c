#include "base/child.h"

#include <sys/resource.h>

#include "base/buf.h"
#include "base/file.h"
#include "proc.h"

/* Runs the command; its output is appended. The status is that of child_wait. */
static int
run(char *const argv[], struct buf *output)
{
	struct child child;
	uint8_t bytes[4096];
	size_t got = 1;
	int fd, rc;

	assert_ok(child_start_output(argv, &child, &fd));
	assert_ptr_equal(child.name, argv[0]);
	assert_true(child.pid > 0);
	while (got > 0) {
		while ((rc = file_read_some(fd, "pipe", bytes, sizeof(bytes), &got)) == STATUS_AGAIN)
			continue;
		assert_ok(rc);
		assert_ok(buf_append(output, bytes, got));
	}
	assert_ok(file_close(fd, "pipe"));
	return child_wait(&child);
}

static int
run_shell(const char *script, struct buf *output)
{
	char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script, NULL};

	return run(argv, output);
}

static void
test_what_a_command_writes_comes_through_the_pipe(void **state)
{
	struct buf out = BUF_EMPTY;
	int before = proc_next_descriptor();

	(void)state;
	assert_ok(run_shell("printf 'a\\0b\\n'; echo more", &out));
	assert_bytes(out.data, out.len, "a\0b\nmore\n");
	assert_int_equal(proc_next_descriptor(), before);
	buf_free(&out);
}

static void
test_arguments_are_passed_as_they_are(void **state)
{
	char *const argv[] = {(char *)(uintptr_t) "printf", (char *)(uintptr_t) "<%s>", (char *)(uintptr_t) "",
	    (char *)(uintptr_t) "$HOME `id` * ; #\n'\"", NULL};
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_ok(run(argv, &out));
	assert_bytes(out.data, out.len, "<><$HOME `id` * ; #\n'\">");
	buf_free(&out);
}

static void
test_more_than_a_pipe_holds_comes_through(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_ok(run_shell("head -c 1000000 /dev/zero", &out));
	assert_int_equal(out.len, 1000000);
	buf_free(&out);
}

static void
test_any_status_but_0_is_a_no(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_ok(run_shell("exit 0", &out));
	assert_status(run_shell("exit 1", &out), STATUS_NO);
	assert_string_equal(status_message(), "sh: ended with status 1");
	assert_status(run_shell("exit 126", &out), STATUS_NO);
	assert_status(run_shell("exit 255", &out), STATUS_NO);
	assert_string_equal(status_message(), "sh: ended with status 255");
	buf_free(&out);
}

static void
test_a_signal_that_killed_it_is_named(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_status(run_shell("echo before; kill -KILL $$", &out), STATUS_NO);
	assert_string_equal(status_message(), "sh: killed by signal 9");
	assert_bytes(out.data, out.len, "before\n");
	buf_free(&out);
}

static void
refuse(const char *name, const char *why)
{
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	struct child child = {.pid = 4242};
	int fd = 4242, before = proc_next_descriptor();
	char want[256];

	assert_status(child_start_output(argv, &child, &fd), STATUS_CONFIG);
	(void)snprintf(want, sizeof(want), "%s: cannot be run: %s", name, why);
	assert_string_equal(status_message(), want);
	assert_int_equal(child.pid, 4242);
	assert_int_equal(fd, 4242);
	assert_int_equal(proc_next_descriptor(), before);
	/* Nobody is left to be waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
test_a_command_that_cannot_be_run_is_bad_configuration(void **state)
{
	(void)state;
	/* A folder of PATH that may not be searched would be the reason told. */
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
	unit_write("plain", "#!/bin/sh\n", 10);
	unit_write("lost", "#!/nonexistent/interpreter\n", 27);
	assert_int_equal(chmod("plain", 0600), 0);
	assert_int_equal(chmod("lost", 0700), 0);
	refuse("no-such-command-of-mq", "No such file or directory");
	refuse("./no-such-file", "No such file or directory");
	refuse("", "No such file or directory");
	refuse("./plain", "Permission denied");
	refuse("/", "Permission denied");
	refuse("./plain/x", "Not a directory");
	refuse("./lost", "No such file or directory");
}

static void
test_without_descriptors_one_may_try_again(void **state)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};
	int before = proc_next_descriptor(), fd;
	struct rlimit old, few;
	struct child child;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (int room = 0; room < 4; room++) {
		few = old;
		few.rlim_cur = (rlim_t)(before + room);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_status(child_start_output(argv, &child, &fd), STATUS_AGAIN);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(proc_next_descriptor(), before);
	}
}

static int
start_without_processes(void *arg)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};
	struct rlimit none = {0, 0};
	struct child child;
	int fd;

	(void)arg;
	if (!proc_drop_root() || setrlimit(RLIMIT_NPROC, &none) != 0)
		return 1;
	return status_exit(child_start_output(argv, &child, &fd));
}

static void
test_without_processes_one_may_try_again(void **state)
{
	(void)state;
	unit_need(geteuid() == 0, "root", "only another user's number of processes can be limited");
	assert_int_equal(proc_run(start_without_processes, NULL), status_exit(STATUS_AGAIN));
}

static void
on_signal(int signal_number)
{
	(void)signal_number;
}

/* The masks of /proc/self/status in hexadecimal, bit n-1 for signal n. */
static unsigned long
mask_in(const struct buf *status, const char *key)
{
	const char *line = strstr((const char *)status->data, key);

	assert_non_null(line);
	return strtoul(line + strlen(key), NULL, 16);
}

#define BIT(signal_number) (1ul << ((signal_number)-1))

static void
test_a_command_starts_with_clean_signals_but_keeps_what_is_ignored(void **state)
{
	static const int handled[] = {SIGINT, SIGTERM, SIGUSR1, SIGWINCH, SIGCHLD}, ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGQUIT};
	char *const argv[] = {(char *)(uintptr_t) "cat", (char *)(uintptr_t) "/proc/self/status", NULL};
	struct sigaction old[64], handler = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN}, found;
	struct buf out = BUF_EMPTY;
	sigset_t some, before, after;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(handled); i++)
		assert_int_equal(sigaction(handled[i], &handler, &old[handled[i]]), 0);
	for (size_t i = 0; i < COUNT_OF(ignored); i++)
		assert_int_equal(sigaction(ignored[i], &ignore, &old[ignored[i]]), 0);
	(void)sigemptyset(&some);
	(void)sigaddset(&some, SIGTERM);
	(void)sigaddset(&some, SIGTSTP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &some, &before), 0);
	assert_ok(run(argv, &out));
	assert_ok(buf_append_byte(&out, '\0'));
	/* Ours are as they were. */
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, &after), 0);
	assert_int_equal(sigismember(&after, SIGTERM), 1);
	assert_int_equal(sigismember(&after, SIGUSR2), 0);
	for (size_t i = 0; i < COUNT_OF(handled); i++) {
		assert_int_equal(sigaction(handled[i], &old[handled[i]], &found), 0);
		assert_ptr_equal(found.sa_handler, on_signal);
	}
	for (size_t i = 0; i < COUNT_OF(ignored); i++) {
		assert_int_equal(sigaction(ignored[i], &old[ignored[i]], &found), 0);
		assert_ptr_equal(found.sa_handler, SIG_IGN);
	}
	assert_int_equal(mask_in(&out, "SigBlk:"), 0);
	assert_int_equal(mask_in(&out, "SigCgt:"), 0);
	assert_int_equal(mask_in(&out, "SigIgn:") & (BIT(SIGHUP) | BIT(SIGQUIT)), BIT(SIGHUP) | BIT(SIGQUIT));
	assert_int_equal(mask_in(&out, "SigIgn:") & (BIT(SIGPIPE) | BIT(SIGXFSZ)), 0);
	buf_free(&out);
}

static void
test_how_it_ended_is_known_even_if_our_parent_ignored_sigchld(void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct buf out = BUF_EMPTY;
	int rc;

	(void)state;
	assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
	rc = run_shell("exit 3", &out);
	assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
	assert_status(rc, STATUS_NO);
	assert_string_equal(status_message(), "sh: ended with status 3");
	buf_free(&out);
}

/* STATUS_OK if a command has this descriptor. */
static int
is_inherited(int fd)
{
	char path[64];
	char *const argv[] = {(char *)(uintptr_t) "readlink", path, NULL};
	struct buf out = BUF_EMPTY;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = run(argv, &out);
	buf_free(&out);
	return rc;
}

static void
test_a_command_has_no_descriptor_of_ours_but_the_three(void **state)
{
	char *const argv[] = {(char *)(uintptr_t) "tail", (char *)(uintptr_t) "-f", (char *)(uintptr_t) "/dev/null", NULL};
	struct child other;
	int fd, file;

	(void)state;
	unit_write("log", "x", 1);
	assert_ok(file_open_write(AT_FDCWD, "log", &file));
	/* The pipe of an earlier command must not be kept open by a later one either. */
	assert_ok(child_start_output(argv, &other, &fd));
	assert_ok(is_inherited(STDOUT_FILENO));
	assert_status(is_inherited(file), STATUS_NO);
	assert_status(is_inherited(fd), STATUS_NO);
	assert_int_equal(kill(other.pid, SIGTERM), 0);
	assert_status(child_wait(&other), STATUS_NO);
	assert_string_equal(status_message(), "tail: killed by signal 15");
	assert_ok(file_close(fd, "pipe"));
	assert_ok(file_close(file, "log"));
}

static void
test_a_command_whose_output_nobody_reads_ends_by_sigpipe(void **state)
{
	char *const argv[] = {(char *)(uintptr_t) "yes", NULL};
	struct child child;
	int fd;

	(void)state;
	assert_ok(child_start_output(argv, &child, &fd));
	assert_ok(file_close(fd, "pipe"));
	assert_status(child_wait(&child), STATUS_NO);
	assert_string_equal(status_message(), "yes: killed by signal 13");
}

static void
test_waiting_for_a_stranger_is_an_error(void **state)
{
	struct child stranger = {.pid = getpid(), .name = "stranger"};

	(void)state;
	assert_status(child_wait(&stranger), STATUS_IO);
	assert_string_equal(status_message(), "stranger: wait: No child processes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_a_command_writes_comes_through_the_pipe),
	    unit_test(test_arguments_are_passed_as_they_are),
	    unit_test(test_more_than_a_pipe_holds_comes_through),
	    unit_test(test_any_status_but_0_is_a_no),
	    unit_test(test_a_signal_that_killed_it_is_named),
	    unit_test(test_a_command_that_cannot_be_run_is_bad_configuration),
	    unit_test(test_without_descriptors_one_may_try_again),
	    unit_test(test_without_processes_one_may_try_again),
	    unit_test(test_a_command_starts_with_clean_signals_but_keeps_what_is_ignored),
	    unit_test(test_how_it_ended_is_known_even_if_our_parent_ignored_sigchld),
	    unit_test(test_a_command_has_no_descriptor_of_ours_but_the_three),
	    unit_test(test_a_command_whose_output_nobody_reads_ends_by_sigpipe),
	    unit_test(test_waiting_for_a_stranger_is_an_error),
	};
	return unit_run(tests);
}

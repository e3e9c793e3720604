#include "store/store.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

/* Root may write anywhere: permission tests need another user. */
#define NOBODY 65534

static void
test_the_option_comes_before_the_variable(void **state)
{
	struct buf path = BUF_EMPTY;

	(void)state;
	setenv("MQ_DIR", "/from/variable", 1);
	assert_ok(store_path("some dir\n", &path));
	assert_string_equal((char *)path.data, "some dir\n");
	buf_clear(&path);
	assert_ok(store_path(NULL, &path));
	assert_string_equal((char *)path.data, "/from/variable");
	buf_free(&path);
	assert_status(store_path("", &path), STATUS_USAGE);
	buf_free(&path);
}

/* In a child, because a test must stay root. */
static void
assert_default_path(uid_t uid, const char *home, const char *state_home, int want, const char *want_path)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct buf path = BUF_EMPTY;
		int rc;

		unsetenv("MQ_DIR");
		unsetenv("HOME");
		unsetenv("XDG_STATE_HOME");
		if ((home != NULL && setenv("HOME", home, 1) != 0) ||
		    (state_home != NULL && setenv("XDG_STATE_HOME", state_home, 1) != 0) || (uid != getuid() && setuid(uid) != 0))
			_exit(3);
		rc = store_path(NULL, &path);
		_exit(rc != want ? 1 : rc == STATUS_OK && strcmp((char *)path.data, want_path) != 0 ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_default_paths(void **state)
{
	uid_t user = getuid() != 0 ? getuid() : NOBODY;

	(void)state;
	assert_default_path(user, "/home/x", NULL, STATUS_OK, "/home/x/.local/state/mq");
	assert_default_path(user, "/home/x", "/xdg", STATUS_OK, "/xdg/mq");
	assert_default_path(user, "/home/x", "relative", STATUS_OK, "/home/x/.local/state/mq");
	assert_default_path(user, "/home/x", "", STATUS_OK, "/home/x/.local/state/mq");
	assert_default_path(user, NULL, NULL, STATUS_CONFIG, NULL);
	assert_default_path(user, "", NULL, STATUS_CONFIG, NULL);
	unit_need(getuid() == 0, "root", "not root");
	assert_default_path(0, "/root", "/xdg", STATUS_OK, "/var/lib/mq");
}

static void
test_an_empty_variable_is_none(void **state)
{
	struct buf path = BUF_EMPTY;

	(void)state;
	setenv("MQ_DIR", "", 1);
	setenv("XDG_STATE_HOME", "/xdg", 1);
	assert_ok(store_path(NULL, &path));
	assert_string_equal((char *)path.data, getuid() == 0 ? "/var/lib/mq" : "/xdg/mq");
	buf_free(&path);
}

static void
assert_path(const char *text, int want)
{
	struct buf path = BUF_EMPTY;
	int rc = store_path(text, &path);

	if (rc != want)
		fail_msg("%s: %d: %s", text, rc, status_message());
	buf_free(&path);
}

static void
test_other_hosts_are_refused(void **state)
{
	char *longest = malloc(PATH_MAX + 1);

	(void)state;
	assert_path("host:dir", STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "another host"));
	assert_path("user@host:", STATUS_CONFIG);
	assert_path(":dir", STATUS_CONFIG);
	assert_path("kafka://localhost:9092", STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "kafka://"));
	assert_path("./host:dir", STATUS_OK);
	assert_path("/host:dir", STATUS_OK);
	assert_path("dir/a:b", STATUS_OK);
	assert_non_null(longest);
	memset(longest, 'd', PATH_MAX);
	longest[PATH_MAX] = '\0';
	assert_path(longest, STATUS_CONFIG);
	longest[PATH_MAX - 1] = '\0';
	assert_path(longest, STATUS_OK);
	free(longest);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
make_store(const char *path)
{
	struct store *s;

	assert_ok(store_open_or_make(path, DEADLINE_NEVER, &s));
	store_close(s);
}

static void
test_what_a_new_store_is(void **state)
{
	char node[256] = "", host[256] = "", id[64] = "";
	struct store *s;
	size_t len;
	char *text;

	(void)state;
	umask(022);
	assert_ok(store_open_or_make("a/b c/d\ne", DEADLINE_NEVER, &s));
	assert_string_equal(store_dir(s), "a/b c/d\ne");
	assert_true(store_topics_fd(s) >= 0);
	store_close(s);
	text = unit_read("a/b c/d\ne/store", &len);
	assert_int_equal(sscanf(text, "format=1\nid=%40s\nnode=%250s\n", id, node), 2);
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_string_equal(node, host);
	assert_int_equal(strlen(id), 36);
	assert_int_equal(id[14], '4');
	free(text);
	assert_int_equal(mode_of("a/b c/d\ne"), 0755);
	assert_int_equal(mode_of("a/b c/d\ne/topics"), 0755);
	assert_int_equal(mode_of("a/b c/d\ne/store"), 0644);
	assert_int_equal(mode_of("a/b c/d\ne/lock"), 0600);
	assert_int_not_equal(access("a/b c/d\ne/topics.tmp", F_OK), 0);
	assert_int_not_equal(access("a/b c/d\ne/store.tmp", F_OK), 0);
}

static void
assert_modes(mode_t folder, mode_t topics, mode_t file, mode_t lock)
{
	assert_int_equal(mkdir("s", 0700), 0);
	assert_int_equal(chmod("s", folder), 0);
	make_store("s");
	assert_int_equal(mode_of("s") & 0777, folder & 0777);
	assert_int_equal(mode_of("s/topics"), topics);
	assert_int_equal(mode_of("s/store"), file);
	assert_int_equal(mode_of("s/lock"), lock);
	assert_int_equal(system("rm -r s"), 0);
}

static void
test_its_folder_decides_who_may_do_what(void **state)
{
	static const mode_t umasks[] = {0, 022, 077, 0777};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		mode_t before = umask(umasks[i]);

		assert_modes(0700, 0700, 0600, 0600);
		assert_modes(0755, 0755, 0644, 0600);
		assert_modes(0775, 0775, 0644, 0620);
		assert_modes(02770, 02770, 0640, 0620);
		umask(before);
	}
}

static void
test_opening_says_how_to_make_one(void **state)
{
	struct store *s;

	(void)state;
	assert_status(store_open("nowhere", &s), STATUS_MISSING);
	assert_string_equal(status_message(), "nowhere: no store here; `mq-topic create TOPIC` makes one");
	assert_int_equal(mkdir("empty", 0777), 0);
	assert_status(store_open("empty", &s), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "mq-topic create"));
	unit_write("file", "", 0);
	assert_status(store_open("file", &s), STATUS_MISSING);
}

static void
test_a_second_maker_changes_nothing(void **state)
{
	char *before, *after;
	size_t len;

	(void)state;
	make_store("s");
	before = unit_read("s/store", &len);
	make_store("s");
	after = unit_read("s/store", &len);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void
test_a_link_to_a_store_is_followed(void **state)
{
	struct store *s;

	(void)state;
	make_store("real");
	assert_int_equal(symlink("real", "link"), 0);
	assert_ok(store_open("link", &s));
	store_close(s);
	assert_ok(store_open("link/", &s));
	store_close(s);
}

static void
test_a_folder_with_something_else_is_not_filled(void **state)
{
	struct store *s;

	(void)state;
	assert_int_equal(mkdir("home", 0755), 0);
	unit_write("home/letter", "dear", 4);
	assert_status(store_open_or_make("home", DEADLINE_NEVER, &s), STATUS_EXISTS);
	assert_string_equal(status_message(), "home: not empty, and no store: there is letter in it");
	assert_int_not_equal(access("home/lock", F_OK), 0);
	unit_write("file", "", 0);
	assert_status(store_open_or_make("file", DEADLINE_NEVER, &s), STATUS_EXISTS);
	assert_status(store_open_or_make("file/below", DEADLINE_NEVER, &s), STATUS_EXISTS);
	/* A store that lost its file is no new store. */
	make_store("old");
	assert_int_equal(mkdir("old/topics/orders", 0700), 0);
	assert_int_equal(unlink("old/store"), 0);
	assert_status(store_open_or_make("old", DEADLINE_NEVER, &s), STATUS_EXISTS);
	assert_int_equal(access("old/topics/orders", F_OK), 0);
}

/* What a maker leaves that is killed at any step, and what a disk has by itself. */
static void
test_what_a_killed_maker_left_is_finished(void **state)
{
	(void)state;
	assert_int_equal(mkdir("s", 0755), 0);
	assert_int_equal(mkdir("s/lost+found", 0700), 0);
	make_store("s");
	for (int step = 0; step < 5; step++) {
		assert_int_equal(system("rm -r s"), 0);
		assert_int_equal(mkdir("s", 0755), 0);
		unit_write("s/lock", "", 0);
		if (step >= 1)
			assert_int_equal(mkdir(step == 1 ? "s/topics.tmp" : "s/topics", 0700), 0);
		if (step >= 3)
			unit_write("s/store.tmp", "form", 4);
		if (step >= 4)
			assert_int_equal(mkdir("s/topics.tmp", 0700), 0);
		make_store("s");
		assert_int_equal(mode_of("s/topics"), 0755);
		assert_int_not_equal(access("s/topics.tmp", F_OK), 0);
		assert_int_not_equal(access("s/store.tmp", F_OK), 0);
	}
}

static void
assert_bad_store(const char *text, const char *why)
{
	struct store *s;

	unit_write("s/store", text, strlen(text));
	assert_status(store_open("s", &s), STATUS_CONFIG);
	if (strstr(status_message(), why) == NULL)
		fail_msg("%s: not in: %s", why, status_message());
	assert_status(store_open_or_make("s", DEADLINE_NEVER, &s), STATUS_CONFIG);
}

#define ID "id=01234567-89ab-4cde-8f01-23456789abcd\n"

static void
test_a_store_file_that_is_not_understood_is_refused(void **state)
{
	struct store *s;

	(void)state;
	make_store("s");
	assert_bad_store("format=2\n" ID "node=a\n", "s: store: line 1: format 2");
	assert_bad_store("", "s: store: line 1");
	assert_bad_store("format=1\nnode=a\n", "s: store: no id in it");
	assert_bad_store("format=1\n" ID, "s: store: no node in it");
	assert_bad_store("format=1\n" ID "node=a b\n", "line 3: node: not a name");
	assert_bad_store("format=1\nid=1\nnode=a\n", "line 2: id: not a UUID");
	assert_bad_store("format=1\n" ID "node=a\ncolor=red\n", "line 4: color: no such key");
	unit_write("s/store", "format=1\n" ID "node=a\n", 9 + sizeof(ID) - 1 + 7);
	assert_ok(store_open("s", &s));
	store_close(s);
	assert_int_equal(rmdir("s/topics"), 0);
	assert_status(store_open("s", &s), STATUS_IO);
}

static void
test_one_holds_the_lock_at_a_time(void **state)
{
	struct store *a, *b;

	(void)state;
	assert_ok(store_open_or_make("s", DEADLINE_NEVER, &a));
	assert_ok(store_open("s", &b));
	assert_ok(store_lock(a, DEADLINE_NOW));
	assert_status(store_lock(b, DEADLINE_NOW), STATUS_AGAIN);
	assert_status(store_lock(b, clock_deadline(30)), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "s: store lock"));
	store_unlock(a);
	assert_ok(store_lock(b, DEADLINE_NOW));
	store_close(b);
	assert_ok(store_lock(a, DEADLINE_NOW));
	store_unlock(a);
	store_close(a);
	store_close(NULL);
}

static char listed[8192];

static int
note_name(void *arg, const char *name)
{
	size_t len = strlen(listed);

	snprintf(listed + len, sizeof(listed) - len, "%s ", name);
	return arg != NULL && strcmp(name, arg) == 0 ? status_fail(STATUS_NO, "enough") : STATUS_OK;
}

static void
test_topics_are_listed_in_order_and_nothing_else(void **state)
{
	static const char *const folders[] = {"b", "B", "a.b", "a-b", "a", "_x", "10", "9", "%making.b", "%removed.a", "-x", "a b",
	    ".hidden"};
	char path[300];
	struct store *s;

	(void)state;
	assert_ok(store_open_or_make("s", DEADLINE_NEVER, &s));
	listed[0] = '\0';
	assert_ok(store_list_topics(s, note_name, NULL));
	assert_string_equal(listed, "");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "s/topics/%s", folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	unit_write("s/topics/file", "", 0);
	assert_int_equal(symlink("a", "s/topics/link"), 0);
	assert_ok(store_list_topics(s, note_name, NULL));
	assert_string_equal(listed, ".hidden 10 9 B _x a a-b a.b b ");
	listed[0] = '\0';
	assert_status(store_list_topics(s, note_name, (void *)(uintptr_t) "B"), STATUS_NO);
	assert_string_equal(listed, ".hidden 10 9 B ");
	store_close(s);
}

static void
test_many_topics_are_listed(void **state)
{
	struct store *s;
	char path[64];

	(void)state;
	assert_ok(store_open_or_make("s", DEADLINE_NEVER, &s));
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "s/topics/t%03d", i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	listed[0] = '\0';
	assert_ok(store_list_topics(s, note_name, NULL));
	assert_int_equal(strlen(listed), 5000);
	assert_memory_equal(listed + 4995, "t999 ", 5);
	store_close(s);
}

/* Many make the same store at once: each succeeds, and there is one id. */
static void
test_racing_makers_all_succeed(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		int go[2], failed = 0;
		char byte = 0;

		assert_int_equal(pipe(go), 0);
		for (int i = 0; i < 8; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid == 0) {
				struct store *s;
				int rc;

				close(go[1]);
				if (read(go[0], &byte, 1) < 0)
					_exit(9);
				rc = store_open_or_make("p/s", clock_deadline(10000), &s);
				if (rc == STATUS_OK)
					store_close(s);
				_exit(status_exit(rc));
			}
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < 8; i++) {
			int status;

			assert_true(wait(&status) > 0);
			failed += status != 0;
		}
		assert_int_equal(failed, 0);
		assert_int_equal(system("test $(ls p/s | wc -l) = 3 && rm -r p"), 0);
	}
}

/* Run as nobody in a child: its status. */
static int
as_nobody(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setgid(NOBODY) != 0 || setuid(NOBODY) != 0 ? 99 : status_exit(what()));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
open_and_close(void)
{
	struct store *s;
	int rc = store_open("s", &s);

	if (rc == STATUS_OK)
		store_close(s);
	return rc;
}

static int
open_and_lock(void)
{
	struct store *s;
	int rc;

	if ((rc = store_open("s", &s)) != STATUS_OK)
		return rc;
	rc = store_lock(s, DEADLINE_NOW);
	store_close(s);
	return rc;
}

static int
make_elsewhere(void)
{
	struct store *s;

	return store_open_or_make("t", DEADLINE_NOW, &s);
}

static void
test_who_may_not_write_may_read(void **state)
{
	(void)state;
	unit_need(getuid() == 0, "root", "not root");
	umask(022);
	assert_int_equal(chmod(".", 0755), 0);
	make_store("s");
	assert_int_equal(as_nobody(open_and_close), 0);
	assert_int_equal(as_nobody(open_and_lock), 77);
	assert_int_equal(as_nobody(make_elsewhere), 77);
	assert_int_equal(chmod("s", 0700), 0);
	assert_int_equal(as_nobody(open_and_close), 77);
}

/* The folder of a group: its members may make topics, whatever the first maker's umask was. */
static void
test_a_group_shares_a_store(void **state)
{
	(void)state;
	unit_need(getuid() == 0, "root", "not root");
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(mkdir("s", 0700), 0);
	assert_int_equal(chown("s", 0, NOBODY), 0);
	assert_int_equal(chmod("s", 02770), 0);
	umask(077);
	make_store("s");
	assert_int_equal(as_nobody(open_and_lock), 0);
}

static void
test_memory_runs_out(void **state)
{
	int rc;

	(void)state;
	for (long n = 0;; n++) {
		struct buf path = BUF_EMPTY;
		struct store *s;

		assert_int_equal(system("rm -rf s && mkdir -p s"), 0);
		unit_oom_after(n);
		if ((rc = store_path("s", &path)) == STATUS_OK && (rc = store_open_or_make("s", DEADLINE_NEVER, &s)) == STATUS_OK) {
			if ((rc = store_lock(s, DEADLINE_NEVER)) == STATUS_OK)
				store_unlock(s);
			if (rc == STATUS_OK && mkdirat(store_topics_fd(s), "orders", 0700) == 0)
				rc = store_list_topics(s, note_name, NULL);
			store_close(s);
		}
		buf_free(&path);
		if (unit_oom_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
	}
	assert_ok(rc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_the_option_comes_before_the_variable),
	    unit_test(test_default_paths),
	    unit_test(test_an_empty_variable_is_none),
	    unit_test(test_other_hosts_are_refused),
	    unit_test(test_what_a_new_store_is),
	    unit_test(test_its_folder_decides_who_may_do_what),
	    unit_test(test_opening_says_how_to_make_one),
	    unit_test(test_a_second_maker_changes_nothing),
	    unit_test(test_a_link_to_a_store_is_followed),
	    unit_test(test_a_folder_with_something_else_is_not_filled),
	    unit_test(test_what_a_killed_maker_left_is_finished),
	    unit_test(test_a_store_file_that_is_not_understood_is_refused),
	    unit_test(test_one_holds_the_lock_at_a_time),
	    unit_test(test_topics_are_listed_in_order_and_nothing_else),
	    unit_test(test_many_topics_are_listed),
	    unit_test(test_racing_makers_all_succeed),
	    unit_test(test_who_may_not_write_may_read),
	    unit_test(test_a_group_shares_a_store),
	    unit_test(test_memory_runs_out),
	};
	return unit_run(tests);
}

#include "cmd/siblings.h"

#include "unit.h"

static void
is(const char *base, const char *name, enum sibling_kind kind, bool packed)
{
	struct sibling s;
	bool is_one;

	assert_ok(sibling_parse(base, name, &s, &is_one));
	if (!is_one)
		fail_msg("%s: no sibling", name);
	if (s.kind != kind || s.packed != packed)
		fail_msg("%s: kind %d, packed %d", name, (int)s.kind, s.packed);
	sibling_free(&s);
}

static void
is_none(const char *base, const char *name)
{
	struct sibling s;
	bool is_one;

	assert_ok(sibling_parse(base, name, &s, &is_one));
	if (is_one)
		fail_msg("%s: a sibling", name);
}

static void
test_names_tell_what_a_file_was(void **state)
{
	(void)state;
	is("app.log", "app.log", SIBLING_ITSELF, false);
	is("app.log", "app.log.1", SIBLING_NUMBER, false);
	is("app.log", "app.log.99999.gz", SIBLING_NUMBER, true);
	is("app.log", "app.2.log", SIBLING_NUMBER, false);
	is("app.log", "app.log-20261123", SIBLING_STAMP, false);
	is("app.log", "app.log-20261123.zst", SIBLING_STAMP, true);
	is("app.log", "app-2026-11-23T10:00.log.lz4", SIBLING_STAMP, true);
	is("app.log", "app.log.1.xz", SIBLING_NUMBER, true);
	is("app.log", "app.log~", SIBLING_OTHER, false);
	is("app.log", "app.log.old", SIBLING_OTHER, false);
	is("app.log", "app.log.1x", SIBLING_OTHER, false);
	is("app.log", "app.log.", SIBLING_OTHER, false);
	is("messages", "messages.1", SIBLING_NUMBER, false);
	is(".hidden", ".hidden.1", SIBLING_NUMBER, false);
	is_none("app.log", "apple.lo");
	is_none("app.log", "app");
	is_none("app.log", ".log");
	is_none("app.log", "other.log");
	is_none("messages", "message");
}

/* Which of the names comes after `one`; "" if none. */
static void
after(const char *one, const char *const names[], const char *want)
{
	struct sibling list[8], first;
	struct siblings all = {list, 0};
	const struct sibling *next;
	bool is_one;

	assert_ok(sibling_parse("log", one, &first, &is_one));
	for (; names[all.count] != NULL; all.count++)
		assert_ok(sibling_parse("log", names[all.count], &list[all.count], &is_one));
	next = siblings_after(&all, &first);
	assert_string_equal(next != NULL ? next->name : "", want);
	for (size_t i = 0; i < all.count; i++)
		sibling_free(&list[i]);
	sibling_free(&first);
}

static void
test_what_comes_next(void **state)
{
	static const char *const numbers[] = {"log", "log.1", "log.10.gz", "log.2.gz", "log.2", "log-1", "log.20261123", NULL};
	static const char *const stamps[] = {"log-20261101", "log-20261031.gz", "log-2026110112", "log.1", "log", NULL};

	(void)state;
	after("log.11", numbers, "log.10.gz");
	after("log.10.gz", numbers, "log.2");
	after("log.2.gz", numbers, "log.1");
	after("log.1", numbers, "");
	after("log", numbers, "");
	after("log.old", numbers, "");
	after("log-20261031.gz", stamps, "log-20261101");
	after("log-20261101", stamps, "log-2026110112");
	after("log-2026110112", stamps, "");
	after("log-20250101", stamps, "log-20261031.gz");
}

static void
test_a_folder_is_read(void **state)
{
	static const char *const names[] = {"log", "log.1", "log.2.gz", "other", "logs"};
	struct siblings s;
	size_t others = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(close(open(names[i], O_CREAT | O_WRONLY, 0600)), 0);
	assert_ok(siblings_read(AT_FDCWD, "log", &s));
	assert_int_equal(s.count, 4);
	for (size_t i = 0; i < s.count; i++)
		others += s.list[i].kind == SIBLING_OTHER;
	assert_int_equal(others, 1);
	siblings_free(&s);
	siblings_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_names_tell_what_a_file_was),
	    unit_test(test_what_comes_next),
	    unit_test(test_a_folder_is_read),
	};

	return unit_run(tests);
}

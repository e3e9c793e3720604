#include "cmd/dump_file.h"

#include "unit.h"

static void
test_kinds_by_name(void **state)
{
	static const struct {
		const char *name;
		enum dump_kind kind;
	} cases[] = {
	    {"00000000000000000000.log", DUMP_SEGMENT},
	    {"a/b/00000000000000000007.log.deleted", DUMP_SEGMENT},
	    {"00000000000000000000.log.cleaned", DUMP_SEGMENT},
	    {"00000000000000000000.index.swap", DUMP_INDEX},
	    {"x.index", DUMP_INDEX},
	    {"x.timeindex", DUMP_TIMEINDEX},
	    {"x.txnindex", DUMP_TXNINDEX},
	    {"x.snapshot", DUMP_SNAPSHOT},
	    {"leader-epoch-checkpoint", DUMP_EPOCHS},
	    {"recovery-point-offset-checkpoint", DUMP_OFFSETS},
	    {"/k/log-start-offset-checkpoint", DUMP_OFFSETS},
	    {"partition.metadata", DUMP_METADATA},
	    {"t/heads", DUMP_HEADS},
	    {"config", DUMP_CONFIG},
	    {"state", DUMP_STATE},
	    {"store", DUMP_STORE},
	    {".log", DUMP_UNKNOWN},
	    {"-checkpoint", DUMP_UNKNOWN},
	    {"log", DUMP_UNKNOWN},
	    {"x.log.bak", DUMP_UNKNOWN},
	    {"myconfig", DUMP_UNKNOWN},
	    {"lock", DUMP_UNKNOWN},
	    {"", DUMP_UNKNOWN},
	    {"heads/", DUMP_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (dump_kind_of(cases[i].name) != cases[i].kind)
			fail_msg("%s: kind %d", cases[i].name, dump_kind_of(cases[i].name));
	}
}

static void
test_kinds_by_word(void **state)
{
	(void)state;
	assert_int_equal(dump_kind_named("segment"), DUMP_SEGMENT);
	assert_int_equal(dump_kind_named("store"), DUMP_STORE);
	assert_int_equal(dump_kind_named(""), DUMP_UNKNOWN);
	assert_int_equal(dump_kind_named("log"), DUMP_UNKNOWN);
}

static void
test_open_finds_kind_base_and_size(void **state)
{
	struct dump_file f;

	(void)state;
	unit_write("00000000000000000042.index", "12345678", 8);
	assert_ok(dump_file_open("00000000000000000042.index", DUMP_UNKNOWN, &f));
	assert_int_equal(f.kind, DUMP_INDEX);
	assert_int_equal(f.base, 42);
	assert_int_equal(f.size, 8);
	assert_non_null(f.real);
	dump_file_close(&f);
	assert_ok(dump_file_open("00000000000000000042.index", DUMP_TIMEINDEX, &f));
	assert_int_equal(f.kind, DUMP_TIMEINDEX);
	dump_file_close(&f);
}

static void
test_open_through_a_link(void **state)
{
	struct dump_file f;

	(void)state;
	unit_write("real", "x", 1);
	assert_int_equal(symlink("real", "a.log"), 0);
	assert_ok(dump_file_open("a.log", DUMP_UNKNOWN, &f));
	assert_int_equal(f.base, 0);
	dump_file_close(&f);
}

static void
test_what_cannot_be_opened(void **state)
{
	struct dump_file f;

	(void)state;
	assert_status(dump_file_open("none.log", DUMP_UNKNOWN, &f), STATUS_MISSING);
	assert_status(dump_file_open(".", DUMP_SEGMENT, &f), STATUS_MISSING);
	assert_status(dump_file_open("", DUMP_SEGMENT, &f), STATUS_MISSING);
	assert_int_equal(mkfifo("pipe.log", 0600), 0);
	assert_status(dump_file_open("pipe.log", DUMP_UNKNOWN, &f), STATUS_IO);
	unit_write("unknown", "", 0);
	assert_status(dump_file_open("unknown", DUMP_UNKNOWN, &f), STATUS_USAGE);
	assert_int_equal(symlink("loop.log", "loop.log"), 0);
	assert_status(dump_file_open("loop.log", DUMP_UNKNOWN, &f), STATUS_IO);
}

static void
test_bytes_up_to_a_limit(void **state)
{
	struct buf b = BUF_EMPTY;
	struct dump_file f;

	(void)state;
	unit_write("a.snapshot", "12345", 5);
	assert_ok(dump_file_open("a.snapshot", DUMP_UNKNOWN, &f));
	assert_status(dump_file_bytes(&f, 4, &b), STATUS_CORRUPT);
	assert_ok(dump_file_bytes(&f, 5, &b));
	assert_bytes(b.data, b.len, "12345");
	buf_free(&b);
	unit_oom_after(0);
	assert_status(dump_file_bytes(&f, 5, &b), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 1);
	dump_file_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_kinds_by_name),
	    unit_test(test_kinds_by_word),
	    unit_test(test_open_finds_kind_base_and_size),
	    unit_test(test_open_through_a_link),
	    unit_test(test_what_cannot_be_opened),
	    unit_test(test_bytes_up_to_a_limit),
	};

	return unit_run(tests);
}

#include "cmd/dump_index.h"

#include "dump.h"

static void
show(enum print_form form, const char *path, const char *bytes, size_t len)
{
	unit_write(path, bytes, len);
	assert_ok(dump_run(dump_index, form, path, DUMP_UNKNOWN));
}

static void
test_entries_of_an_index(void **state)
{
	(void)state;
	show(PRINT_TEXT, "00000000000000000100.index", "\0\0\0\5\0\0\1\0\0\0\0\x09\0\0\2\0", 16);
	dump_assert("out",
	    "AT  OFFSET  POSITION  NOTE\n"
	    " 0     105       256  -\n"
	    " 8     109       512  -\n");
	dump_assert("err", "");
}

static void
test_entries_of_a_timeindex(void **state)
{
	(void)state;
	show(PRINT_TSV, "00000000000000000100.timeindex", "\0\0\0\0\0\0\3\xe8\0\0\0\2", 12);
	dump_assert("out",
	    "FILE\tAT\tTIMESTAMP\tOFFSET\tNOTE\n00000000000000000100.timeindex\t0\t1970-01-01T00:00:01.000Z\t102\t-\n");
	/* Twice the same time is no fault. */
	show(PRINT_TSV, "a.timeindex", "\0\0\0\0\0\0\3\xe8\0\0\0\2\0\0\0\0\0\0\3\xe8\0\0\0\2", 24);
	assert_false(dump_damaged);
}

static void
test_entries_of_a_txnindex(void **state)
{
	static const char entry[] = "\0\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6";

	(void)state;
	show(PRINT_JSON, "a.txnindex", entry, 34);
	dump_assert("out",
	    "{\"file\":\"a.txnindex\",\"at\":0,\"version\":0,\"producer_id\":3,\"first_offset\":2,\"last_offset\":5,"
	    "\"last_stable_offset\":6,\"note\":null}\n");
	assert_false(dump_damaged);
	show(PRINT_TSV, "a.txnindex", "\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6", 34);
	dump_assert_has("err", ": a.txnindex at 0: version unknown\n");
}

static void
test_zeros_at_the_end_are_counted(void **state)
{
	static char bytes[4096] = "\0\0\0\5\0\0\1\0";

	(void)state;
	show(PRINT_TSV, "a.index", bytes, sizeof(bytes));
	dump_assert("out",
	    "FILE\tAT\tOFFSET\tPOSITION\tNOTE\na.index\t0\t5\t256\t-\na.index\t8\t-\t-\t4088 bytes of zeros follow\n");
	assert_false(dump_damaged);
	show(PRINT_TSV, "a.index", bytes + 8, 16);
	dump_assert("out", "FILE\tAT\tOFFSET\tPOSITION\tNOTE\na.index\t0\t-\t-\t16 bytes of zeros follow\n");
	/* One entry alone is one, and zeros with something behind them are entries. */
	show(PRINT_TSV, "a.timeindex", bytes + 8, 12);
	dump_assert("out", "FILE\tAT\tTIMESTAMP\tOFFSET\tNOTE\na.timeindex\t0\t1970-01-01T00:00:00.000Z\t0\t-\n");
	show(PRINT_TSV, "a.index", "\0\0\0\0\0\0\0\0\0\0\0\5\0\0\1\0", 16);
	dump_assert("out", "FILE\tAT\tOFFSET\tPOSITION\tNOTE\na.index\t0\t0\t0\t-\na.index\t8\t5\t256\t-\n");
	assert_false(dump_damaged);
}

static void
test_faults_are_told_once(void **state)
{
	(void)state;
	show(PRINT_TSV, "a.index", "\0\0\0\5\0\0\1\0\0\0\0\5\0\0\2\0\0\0\0\4\0\0\3\0", 24);
	assert_true(dump_damaged);
	dump_assert_has("out", "a.index\t8\t5\t512\tdoes not ascend\na.index\t16\t4\t768\tdoes not ascend\n");
	dump_assert_has("err", ": a.index at 8: does not ascend\n");
	show(PRINT_TSV, "a.index", "\xff\0\0\5\0\0\1\0", 8);
	dump_assert_has("err", ": a.index at 0: negative\n");
}

static void
test_an_entry_that_is_cut_off(void **state)
{
	(void)state;
	for (size_t k = 1; k < 8; k++) {
		show(PRINT_TSV, "a.index", "\0\0\0\5\0\0\1\0\0\0\0\x09\0\0\2\0", 8 + k);
		assert_true(dump_damaged);
		dump_assert_has("err", ": a.index at 8: it ends in the middle of an entry\n");
	}
}

static void
test_many_entries(void **state)
{
	size_t count = 5000, len;
	uint8_t *bytes = malloc(count * 8);
	char *out;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < count; i++) {
		for (int b = 0; b < 8; b++)
			bytes[i * 8 + (size_t)b] = (uint8_t)((i + 1) >> (24 - 8 * (b % 4)));
	}
	show(PRINT_JSON, "a.index", (const char *)bytes, count * 8);
	assert_false(dump_damaged);
	out = unit_read("out", &len);
	assert_non_null(strstr(out, "\"at\":39992,\"offset\":5000,\"position\":5000,"));
	free(out);
	free(bytes);
}

static void
test_no_memory(void **state)
{
	(void)state;
	unit_write("a.index", "\0\0\0\5\0\0\1\0", 8);
	dump_without_memory(dump_index, PRINT_TEXT, "a.index", DUMP_UNKNOWN);
	dump_without_memory(dump_index, PRINT_JSON, "a.index", DUMP_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_entries_of_an_index),
	    unit_test(test_entries_of_a_timeindex),
	    unit_test(test_entries_of_a_txnindex),
	    unit_test(test_zeros_at_the_end_are_counted),
	    unit_test(test_faults_are_told_once),
	    unit_test(test_an_entry_that_is_cut_off),
	    unit_test(test_many_entries),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

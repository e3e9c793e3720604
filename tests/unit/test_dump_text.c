#include "cmd/dump_text.h"

#include "dump.h"

static void
show(const char *path, const char *text)
{
	unit_write(path, text, strlen(text));
	assert_ok(dump_run(dump_text, PRINT_TSV, path, DUMP_UNKNOWN));
}

static void
test_checkpoints(void **state)
{
	(void)state;
	show("leader-epoch-checkpoint", "0\n2\n0 0\n4 10\n");
	dump_assert("out", "FILE\tEPOCH\tSTART-OFFSET\nleader-epoch-checkpoint\t0\t0\nleader-epoch-checkpoint\t4\t10\n");
	show("x-checkpoint", "0\n1\norders 3 -1\n");
	dump_assert("out", "FILE\tTOPIC\tPARTITION\tOFFSET\nx-checkpoint\torders\t3\t-1\n");
	show("x-checkpoint", "0\n0\n");
	assert_false(dump_damaged);
}

static void
test_checkpoints_that_are_damaged(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "x-checkpoint: line 1: version: missing\n"},
	    {"0\n", "x-checkpoint: line 2: number of entries: missing\n"},
	    {"1\n0\n", "x-checkpoint: line 1: version: "},
	    {"0\nmany\n", "x-checkpoint: line 2: number of entries: "},
	    {"0\n1\n", "x-checkpoint: counts 1 entries and has 0\n"},
	    {"0\n1\na 0\n", "x-checkpoint: line 3: not TOPIC PARTITION OFFSET\n"},
	    {"0\n1\na 0 1 2\n", "x-checkpoint: line 3: not TOPIC PARTITION OFFSET\n"},
	    {"0\n1\na -1 1\n", "x-checkpoint: line 3: not TOPIC PARTITION OFFSET\n"},
	    {"0\n1\na 0 1", "x-checkpoint: no newline at its end: cut off?\n"},
	    {"0\n1\na 0 99999999999999999999\n", "x-checkpoint: line 3: not TOPIC PARTITION OFFSET\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		show("x-checkpoint", cases[i].text);
		assert_true(dump_damaged);
		dump_assert_has("err", cases[i].says);
	}
	unit_write("x-checkpoint", "0\n\0\n", 4);
	assert_ok(dump_run(dump_text, PRINT_TSV, "x-checkpoint", DUMP_UNKNOWN));
	dump_assert_has("err", "not a text file: it has a NUL byte\n");
}

static void
test_metadata(void **state)
{
	(void)state;
	show("partition.metadata", "version: 0\ntopic_id: abc");
	dump_assert("out", "FILE\tKEY\tVALUE\npartition.metadata\tversion\t0\npartition.metadata\ttopic_id\tabc\n");
	assert_false(dump_damaged);
	show("partition.metadata", "version: 0\ntopic_id=abc\n");
	dump_assert_has("err", "line 2: not KEY: VALUE\n");
	show("partition.metadata", "");
	dump_assert_has("err", "partition.metadata: empty\n");
}

static void
test_our_files(void **state)
{
	(void)state;
	show("state", "format=1\nleader.epoch=3\nany\xff=\n");
	dump_assert("out", "FILE\tKEY\tVALUE\nstate\tleader.epoch\t3\nstate\tany\\xff\t\n");
	assert_false(dump_damaged);
	show("store", "format=2\n");
	dump_assert_has("err", "store: line 1: format 2");
	show("config", "format=1\nretention=1\n");
	dump_assert_has("out", "config\tretention\t1\n");
	dump_assert_has("err", "config: ");
	assert_true(dump_damaged);
}

static void
test_json_takes_any_bytes(void **state)
{
	(void)state;
	unit_write("state", "format=1\na=\xff\n", 13);
	assert_ok(dump_run(dump_text, PRINT_JSON, "state", DUMP_UNKNOWN));
	dump_assert("out", "{\"file\":\"state\",\"key\":\"a\",\"value_base64\":\"/w==\"}\n");
}

static void
test_no_memory(void **state)
{
	(void)state;
	unit_write("config", "format=1\na=b\n", 13);
	dump_without_memory(dump_text, PRINT_TEXT, "config", DUMP_UNKNOWN);
	unit_write("x-checkpoint", "0\n1\na 0 1\n", 10);
	dump_without_memory(dump_text, PRINT_JSON, "x-checkpoint", DUMP_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_checkpoints),
	    unit_test(test_checkpoints_that_are_damaged),
	    unit_test(test_metadata),
	    unit_test(test_our_files),
	    unit_test(test_json_takes_any_bytes),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

#include "cmd/dump_heads.h"

#include "base/file.h"
#include "dump.h"

static const struct file_access access_600 = {0600, (gid_t)-1};

/* A topic's folder `t` with two empty partitions, as they are made. */
static void
make_topic(void)
{
	int dir;

	assert_int_equal(mkdir("t", 0700), 0);
	assert_int_equal(mkdir("t/t-0", 0700), 0);
	unit_write("t/t-0/00000000000000000000.log", "", 0);
	assert_ok(dir_open(AT_FDCWD, "t", &dir));
	assert_ok(head_create(dir, &access_600, 2, true));
	close(dir);
}

static void
test_every_word_is_shown(void **state)
{
	static const char *const words[] = {"\t-\t-\tpartitions\t2\t-\n", "\t-\t-\tmagic\t0x017364616568716d\t-\n",
	    "\t0\t-\tgeneration\t2\t-\n", "\t0\t-\tpoison\t0\tsound\n", "\t0\t-\tfenced-epoch\t-1\t-\n", "\t0\t-\tgap-end\t0\t-\n",
	    "\t1\t0\tlast-position\t-1\tthe segment is empty\n", "\t1\t0\tvalid\tyes\tin use\n",
	    "\t1\t1\tcrc\t0x0000000000000000\tdoes not match", "\t1\t1\tvalid\tno\t-\n", "\t0\t-\ttrusted\tyes\t-\n",
	    "\t1\t-\ttrusted\tno\tthe segment that it names cannot be opened\n"};

	(void)state;
	make_topic();
	assert_ok(dump_run(dump_heads, PRINT_TSV, "t/heads", DUMP_UNKNOWN));
	for (size_t i = 0; i < COUNT_OF(words); i++)
		dump_assert_has("out", words[i]);
	assert_false(dump_damaged);
}

static void
test_a_copy_is_not_trusted(void **state)
{
	size_t len;
	char *bytes;

	(void)state;
	make_topic();
	bytes = unit_read("t/heads", &len);
	unit_write("heads", bytes, len);
	assert_ok(dump_run(dump_heads, PRINT_TEXT, "heads", DUMP_UNKNOWN));
	dump_assert_has("out", "the file is a copy");
	free(bytes);
}

static void
test_claims(void **state)
{
	struct head_claim claim;
	const char *why = NULL;
	int fd, dir;

	(void)state;
	make_topic();
	assert_ok(file_open_read(AT_FDCWD, "t/heads", &fd));
	assert_ok(dir_open(AT_FDCWD, "t/t-0", &dir));
	assert_ok(dump_heads_claim(fd, 0, dir, &claim, &why));
	assert_null(why);
	assert_true(claim.has_end);
	assert_int_equal(claim.end.end_position, 0);
	assert_ok(dump_heads_claim(fd, 1, -1, &claim, &why));
	assert_non_null(why);
	assert_status(dump_heads_claim(fd, 2, dir, &claim, &why), STATUS_MISSING);
	assert_int_equal(truncate("t/heads", 8192), 0);
	assert_status(dump_heads_claim(fd, 1, dir, &claim, &why), STATUS_CORRUPT);
	close(fd);
	close(dir);
}

static void
test_what_cannot_be_trusted_says_why(void **state)
{
	static const struct {
		size_t at;
		const char *why;
	} cases[] = {
	    {4096, "another boot"},
	    {4096 + 16, "its generation is odd"},
	    {4096 + 128, "the slot in use is not valid"},
	};
	size_t len;

	(void)state;
	make_topic();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *bytes = unit_read("t/heads", &len);
		int fd = open("t/heads", O_WRONLY);
		uint8_t byte = (uint8_t)(bytes[cases[i].at] ^ 1);

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)cases[i].at), 1);
		assert_ok(dump_run(dump_heads, PRINT_TSV, "t/heads", DUMP_UNKNOWN));
		dump_assert_has("out", cases[i].why);
		assert_int_equal(pwrite(fd, &bytes[cases[i].at], 1, (off_t)cases[i].at), 1);
		close(fd);
		free(bytes);
	}
}

static void
test_sizes_that_cannot_be(void **state)
{
	static char zeros[8192];

	(void)state;
	make_topic();
	assert_int_equal(truncate("t/heads", 8192 + 100), 0);
	assert_ok(dump_run(dump_heads, PRINT_TSV, "t/heads", DUMP_UNKNOWN));
	dump_assert_has("err", "counts 2 partitions, and there are pages of 1\n");
	assert_int_equal(truncate("t/heads", 4095), 0);
	assert_status(dump_run(dump_heads, PRINT_TSV, "t/heads", DUMP_UNKNOWN), STATUS_CORRUPT);
	unit_write("heads", zeros, sizeof(zeros));
	assert_ok(dump_run(dump_heads, PRINT_TSV, "heads", DUMP_UNKNOWN));
	dump_assert_has("err", "heads at 0: not a heads file");
	dump_assert_has("out", "\t0\t-\ttrusted\tno\t");
}

static void
test_no_memory(void **state)
{
	(void)state;
	make_topic();
	dump_without_memory(dump_heads, PRINT_TSV, "t/heads", DUMP_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_every_word_is_shown),
	    unit_test(test_a_copy_is_not_trusted),
	    unit_test(test_claims),
	    unit_test(test_what_cannot_be_trusted_says_why),
	    unit_test(test_sizes_that_cannot_be),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

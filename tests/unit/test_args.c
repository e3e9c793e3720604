/* args: options anywhere, joined or apart; what is a mistake, and what it says. */
#include "cmd/args.h"
#include "unit.h"

enum { OPT_WHOLE = 256 };

static const struct args_option options[] = {
    {'q', "quiet", ARGS_FLAG, 'q', NULL},
    {'p', "partition", ARGS_VALUE, 'p', NULL},
    {0, "whole", ARGS_FLAG, OPT_WHOLE, NULL},
    {'g', "group", ARGS_VALUE, 0, "not supported yet"},
    {'J', "json", ARGS_FLAG, 0, "not supported yet"},
};

/* What a command line of words is: options as q or p=VALUE, operands in (), the command in {}. "!" is a mistake. */
static const char *
parse(const char *line)
{
	static char words[256], text[512];
	static char *argv[32];
	struct args args;
	int argc = 0, id;

	snprintf(words, sizeof(words), "%s", line);
	argv[argc++] = (char *)(uintptr_t) "mq-test";
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "''") == 0 ? (char *)(uintptr_t) "" : word;
	argv[argc] = NULL;
	args_init(&args, options, COUNT_OF(options), argc, argv);
	text[0] = '\0';
	while ((id = args_next(&args)) > 0) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), id == OPT_WHOLE ? "whole " : "%c", id);
		if (args.value != NULL)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "=%s ", args.value);
	}
	if (id < 0) {
		assert_int_equal(id, STATUS_USAGE);
		return "!";
	}
	for (int i = 0; i < args.operand_count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "(%s)", args.operands[i]);
	if (args.command == NULL)
		return text;
	strcat(text, "{");
	for (int i = 0; args.command[i] != NULL; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", args.command[i]);
	strcat(text, "}");
	return text;
}

static void
test_options_and_operands_may_be_mixed(void **state)
{
	(void)state;
	assert_string_equal(parse(""), "");
	assert_string_equal(parse("t"), "(t)");
	assert_string_equal(parse("-q t -p 3 u"), "qp=3 (t)(u)");
	assert_string_equal(parse("t u -q"), "q(t)(u)");
	assert_string_equal(parse("- -q -"), "q(-)(-)");
	assert_string_equal(parse("''"), "()");
}

static void
test_values_follow_joined_or_apart(void **state)
{
	(void)state;
	assert_string_equal(parse("-p3 -p=3 -qp3 -p -1"), "p=3 p==3 qp=3 p=-1 ");
	assert_string_equal(parse("--partition=3 --partition 4 --partition="), "p=3 p=4 p= ");
	assert_string_equal(parse("-p --whole"), "p=--whole ");
	assert_string_equal(parse("-p --"), "p=-- ");
	assert_string_equal(parse("-qq --whole"), "qqwhole ");
}

static void
test_all_behind_two_dashes_is_the_command(void **state)
{
	(void)state;
	assert_string_equal(parse("t -- -q -p"), "(t){ -q -p}");
	assert_string_equal(parse("-q --"), "q{}");
	assert_string_equal(parse("a b c -- d -- e"), "(a)(b)(c){ d -- e}");
}

static void
test_mistakes_name_the_option_and_the_near_miss(void **state)
{
	static const struct {
		const char *line, *said;
	} mistakes[] = {
	    {"-p", "-p: needs a value"},
	    {"--partition", "--partition: needs a value"},
	    {"--quiet=yes", "--quiet: takes no value"},
	    {"--help=yes", "--help: takes no value"},
	    {"-qx", "-x: no such option"},
	    {"--nothing", "--nothing: no such option ("},
	    {"--partitions", "--partitions: no such option; --partition is one"},
	    {"--quite", "--quite: no such option; --quiet is one"},
	    {"-g x", "-g: not supported yet"},
	    {"--group=x", "--group: not supported yet"},
	    {"--json", "--json: not supported yet"},
	    {"--json=x", "--json: not supported yet"},
	    {"-t topic", "-t: the topic is an operand"},
	    {"--topic=x", "--topic: the topic is an operand"},
	    {"-b host", "-b: there is no broker"},
	    {"--bootstrap-server host", "--bootstrap-server: there is no broker"},
	    {"-G g t", "-G: a group is -g GROUP"},
	    {"-C", "-C: to read is mq-consume"},
	    {"-P", "-P: to write is mq-produce"},
	    {"-n 5", "-n: to stop after N records"},
	    {"--num=5", "--num: to stop after N records"},
	    {"--broker-list host", "--broker-list: there is no broker"},
	    {"--property key=value", "--property: a key is -K DELIM"},
	    {"-X a=b", "-X: there are no client properties"},
	    {"--producer.config file", "--producer.config: there are no client properties"},
	    {"--timeout-ms 5", "--timeout-ms: to wait for the first record"},
	    {"--create", "--create: what to do is a word"},
	    {"--delete-config x", "--delete-config: to give a setting back"},
	    {"--formatting", "--formatting: no such option ("},
	    {"---", "---: no such option"},
	};
	char longest[300] = "--";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
		assert_string_equal(parse(mistakes[i].line), "!");
		if (strncmp(status_message(), mistakes[i].said, strlen(mistakes[i].said)) != 0)
			fail_msg("%s: said %s", mistakes[i].line, status_message());
	}
	memset(longest + 2, 'x', 200);
	assert_string_equal(parse(longest), "!");
}

static struct args
with_value(const char *value)
{
	struct args args = {.value = value, .label = "--what"};

	return args;
}

static void
test_values_are_read_as_what_they_must_be(void **state)
{
	struct buf bytes = BUF_EMPTY;
	struct args args;
	int64_t n;

	(void)state;
	args = with_value("7");
	assert_ok(args_number(&args, 0, 7, &n));
	assert_int_equal(n, 7);
	assert_status(args_number(&args, 0, 6, &n), STATUS_USAGE);
	assert_string_equal(status_message(), "--what: 7: not from 0 to 6");
	args = with_value("64K");
	assert_ok(args_size(&args, &n));
	assert_int_equal(n, 65536);
	assert_status(args_duration(&args, &n), STATUS_USAGE);
	args = with_value("2m");
	assert_ok(args_duration(&args, &n));
	assert_int_equal(n, 120000);
	assert_ok(args_timeout(&args, &n));
	assert_int_equal(n, 120000);
	assert_status(args_size(&args, &n), STATUS_OK); /* 2 MiB: m is M for sizes */
	args = with_value("forever");
	assert_ok(args_timeout(&args, &n));
	assert_int_equal(n, -1);
	assert_status(args_duration(&args, &n), STATUS_USAGE);
	args = with_value("2026-11-22");
	assert_ok(args_time(&args, &n));
	assert_int_equal(n, INT64_C(1795305600000));
	args = with_value("a\\0b");
	assert_ok(args_bytes(&args, &bytes));
	assert_ok(args_bytes(&args, &bytes));
	assert_bytes(bytes.data, bytes.len, "a\0b");
	args = with_value("\\q");
	assert_status(args_bytes(&args, &bytes), STATUS_USAGE);
	assert_status(args_fail(&args, "%d is wrong", 3), STATUS_USAGE);
	assert_string_equal(status_message(), "--what: 3 is wrong");
	buf_free(&bytes);
}

static void
test_operands_are_as_many_as_named(void **state)
{
	char one[] = "one", two[] = "two", three[] = "three";
	char *words[] = {one, two, three, NULL};
	struct args args = {.operands = words};

	(void)state;
	for (int count = 0; count <= 3; count++) {
		args.operand_count = count;
		assert_int_equal(args_operands(&args, 0, "TOPIC") == STATUS_OK, count == 1);
		assert_int_equal(args_operands(&args, 0, "TOPIC DIR") == STATUS_OK, count == 2);
		assert_int_equal(args_operands(&args, 0, "TOPIC [FILE...]") == STATUS_OK, count >= 1);
		assert_int_equal(args_operands(&args, 0, "TOPIC DIR...") == STATUS_OK, count >= 2);
		assert_int_equal(args_operands(&args, 0, "[TOPIC]") == STATUS_OK, count <= 1);
		assert_int_equal(args_operands(&args, 0, "") == STATUS_OK, count == 0);
		if (count > 0)
			assert_int_equal(args_operands(&args, 1, "NAME") == STATUS_OK, count == 2);
	}
	args.operand_count = 3;
	assert_status(args_operands(&args, 1, "NAME"), STATUS_USAGE);
	assert_int_equal(strncmp(status_message(), "three: one operand too many", 27), 0);
	assert_ok(args_no_command(&args));
	args.command = words;
	assert_status(args_no_command(&args), STATUS_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_options_and_operands_may_be_mixed),
	    unit_test(test_values_follow_joined_or_apart),
	    unit_test(test_all_behind_two_dashes_is_the_command),
	    unit_test(test_mistakes_name_the_option_and_the_near_miss),
	    unit_test(test_values_are_read_as_what_they_must_be),
	    unit_test(test_operands_are_as_many_as_named),
	};

	return unit_run(tests);
}

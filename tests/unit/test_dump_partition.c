#include "cmd/dump_partition.h"

#include "unit.h"

static void
test_operands_by_their_form(void **state)
{
	static const char *const others[] = {"orders", "orders/", "/3", "orders/x", "orders/3x", "orders/-1", "orders/100000",
	    "a/b/3", "./3", "-x/3", "orders/3.log", "o rders/3", "orders/ 3", ""};
	char topic[DUMP_TOPIC_BYTES], longest[300];
	int p = -1;

	(void)state;
	assert_true(dump_partition_parse("orders/3", topic, &p));
	assert_string_equal(topic, "orders");
	assert_int_equal(p, 3);
	assert_true(dump_partition_parse("a/99999", topic, &p));
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (dump_partition_parse(others[i], topic, &p))
			fail_msg("%s is one", others[i]);
	}
	memset(longest, 'n', sizeof(longest));
	memcpy(longest + 249, "/0", 3);
	assert_true(dump_partition_parse(longest, topic, &p));
	longest[249] = 'n';
	memcpy(longest + 250, "/0", 3);
	assert_false(dump_partition_parse(longest, topic, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_operands_by_their_form),
	};

	return unit_run(tests);
}

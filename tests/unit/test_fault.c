#include "base/fault.h"

#include "proc.h"

#define DIES (128 + SIGKILL)

struct plan {
	const char *text; /* MQ_FAULT, NULL if it is not set */
	int passages;	  /* of the point "head.publish" */
};

/* Returns 0 if it outlived all passages, 1 if the text was refused. */
static int
pass(void *arg)
{
	const struct plan *plan = arg;

	if (plan->text == NULL)
		(void)unsetenv("MQ_FAULT");
	else
		(void)setenv("MQ_FAULT", plan->text, 1);
	if (fault_arm() != STATUS_OK)
		return fault_armed ? 2 : 1;
	for (int i = 0; i < plan->passages; i++) {
		fault_point("head.publish");
		fault_point("head.other");
	}
	return 0;
}

static void
check(const char *text, int passages, int want)
{
	struct plan plan = {text, passages};
	int got = proc_run(pass, &plan);

	if (got != want)
		fail_msg("MQ_FAULT=%s: %d passages end with %d, not %d", text, passages, got, want);
}

static void
test_without_the_variable_no_point_does_anything(void **state)
{
	(void)state;
	check(NULL, 1000, 0);
}

static void
test_the_process_is_killed_at_the_passage_that_was_named(void **state)
{
	(void)state;
	check("head.publish", 0, 0);
	check("head.publish", 1, DIES);
	check("head.publish:1", 1, DIES);
	check("head.publish:3", 2, 0);
	check("head.publish:3", 3, DIES);
	check("head.publish:3", 4, DIES);
	check("head.publish:9223372036854775807", 100, 0);
}

static void
test_other_points_are_passed(void **state)
{
	(void)state;
	check("head.publis", 10, 0);
	check("head.publish2", 10, 0);
	check("head", 10, 0);
	check("head.other:10", 9, 0);
	check("head.other:10", 10, DIES);
}

static void
test_a_stopped_process_goes_on_when_it_is_continued(void **state)
{
	struct plan plan = {"head.publish:2:stop", 5};
	pid_t pid = proc_start(pass, &plan);
	int how;

	(void)state;
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	assert_true(WIFSTOPPED(how));
	assert_int_equal(WSTOPSIG(how), SIGSTOP);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(proc_end(pid), 0);
}

static void
test_what_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = {"", ":", ":1", "p:", "p:0", "p:-1", "p:x", "p:1x", "p: 1", "p:+1",
	    "p:9223372036854775808", "p:1:", "p:1:die", "p:1:STOP", "p:1:stop:", "p::stop", "p:stop",
	    "p:00000000000000000000000000000000000x"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		check(bad[i], 10, 1);
	check("head.publish:00000000000000000000000000000000002", 1, 0);
	check("head.publish:00000000000000000000000000000000002", 2, DIES);
}

/* At 127 bytes, which fit, and one more. */
static void
test_a_text_too_long_is_refused(void **state)
{
	char text[129];

	(void)state;
	memset(text, 'p', sizeof(text));
	text[128] = '\0';
	check(text, 10, 1);
	text[127] = '\0';
	check(text, 10, 0);
}

static void
test_the_message_names_the_variable(void **state)
{
	(void)state;
	assert_int_equal(setenv("MQ_FAULT", "p:0", 1), 0);
	assert_status(fault_arm(), STATUS_USAGE);
	assert_int_equal(unsetenv("MQ_FAULT"), 0);
	assert_non_null(strstr(status_message(), "MQ_FAULT: 0: not from 1"));
	assert_false(fault_armed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_without_the_variable_no_point_does_anything),
	    unit_test(test_the_process_is_killed_at_the_passage_that_was_named),
	    unit_test(test_other_points_are_passed),
	    unit_test(test_a_stopped_process_goes_on_when_it_is_continued),
	    unit_test(test_what_makes_no_sense_is_refused),
	    unit_test(test_a_text_too_long_is_refused),
	    unit_test(test_the_message_names_the_variable),
	};
	return unit_run(tests);
}

#include "cmd/dump_sheet.h"

#include "dump.h"

static const char *const columns[] = {"FILE", "N"}, *const others[] = {"FILE", "M"};

static int
put_row(struct sheet *s, int64_t number)
{
	struct print *print;
	int rc;

	if ((rc = sheet_row(s, &print)) != STATUS_OK)
		return rc;
	print_number(print, number);
	return sheet_end_row(s);
}

/* Two files of one kind, lines between their rows as text, then an empty one of another kind. */
static int
put_all(struct sheet *s)
{
	struct buf lines = BUF_EMPTY;
	int rc = STATUS_OK;

	for (int i = 0; rc == STATUS_OK && i < 2; i++) {
		if ((rc = sheet_file(s, i == 0 ? "a" : "b\n")) == STATUS_OK && (rc = sheet_begin(s, columns, 2)) == STATUS_OK &&
		    (rc = put_row(s, i)) == STATUS_OK)
			rc = sheet_end(s);
	}
	if (rc == STATUS_OK && s->form == PRINT_TEXT && (rc = buf_printf(&lines, "line\n")) == STATUS_OK &&
	    (rc = sheet_lines(s, &lines)) == STATUS_OK)
		rc = put_row(s, 7);
	if (rc == STATUS_OK && (rc = sheet_file(s, "c")) == STATUS_OK && (rc = sheet_begin(s, others, 2)) == STATUS_OK)
		rc = sheet_end(s);
	buf_free(&lines);
	return rc;
}

static int
run(enum print_form form, const char *to)
{
	int out = dump_redirect(STDOUT_FILENO, to), rc, close_rc;
	struct sheet s;

	sheet_init(&s, form, true);
	rc = put_all(&s);
	close_rc = sheet_close(&s);
	dump_restore(STDOUT_FILENO, out);
	assert_false(s.damaged);
	return rc != STATUS_OK ? rc : close_rc;
}

static void
test_forms(void **state)
{
	(void)state;
	assert_ok(run(PRINT_TEXT, "out"));
	dump_assert("out", "a:\nN\n0\n\nb\\n:\nN\n1\nline\nN\n7\n\nc:\nM\n");
	assert_ok(run(PRINT_TSV, "out"));
	dump_assert("out", "FILE\tN\na\t0\nb\\n\t1\nFILE\tM\n");
	assert_ok(run(PRINT_JSON, "out"));
	dump_assert("out", "{\"file\":\"a\",\"n\":0}\n{\"file\":\"b\\n\",\"n\":1}\n");
}

static void
test_a_full_stdout(void **state)
{
	(void)state;
	assert_status(run(PRINT_TEXT, "/dev/full"), STATUS_IO);
	assert_status(run(PRINT_JSON, "/dev/full"), STATUS_IO);
}

static void
test_no_memory(void **state)
{
	(void)state;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = run(n % 2 == 0 ? PRINT_TEXT : PRINT_JSON, "out");
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

static void
test_damage_is_noted_and_told(void **state)
{
	struct sheet s;
	int err;

	(void)state;
	err = dump_redirect(STDERR_FILENO, "err");
	sheet_init(&s, PRINT_TEXT, false);
	assert_ok(sheet_file(&s, "a"));
	sheet_damage(&s, 7, "why");
	sheet_damage(&s, -1, "why not");
	fflush(stderr);
	dump_restore(STDERR_FILENO, err);
	assert_true(s.damaged);
	assert_ok(sheet_close(&s));
	dump_assert("err", "mq: a at 7: why\nmq: a: why not\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_forms),
	    unit_test(test_a_full_stdout),
	    unit_test(test_no_memory),
	    unit_test(test_damage_is_noted_and_told),
	};

	return unit_run(tests);
}

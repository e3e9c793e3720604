#include "cmd/print.h"

#include "unit.h"

static const char *const columns[] = {"TOPIC", "END", "HIGH-MARK"};

/* stdout goes to a file while a listing is printed. */
static int saved_stdout = -1;

static void
redirect(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	assert_true(saved_stdout >= 0);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	close(fd);
}

static void
restore(void)
{
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
}

static void
assert_written(const char *want)
{
	size_t len;
	char *got = unit_read("out", &len);

	if (strcmp(got, want) != 0)
		fail_msg("printed:\n%s--- wanted:\n%s---", got, want);
	free(got);
}

static int
print_rows(enum print_form form)
{
	struct print *p;
	int rc;

	if ((rc = print_open(form, columns, 3, &p)) != STATUS_OK)
		return rc;
	print_text(p, "a");
	print_number(p, 7);
	print_text(p, "x");
	print_row(p);
	print_text(p, "orders");
	print_number(p, -12345);
	print_text(p, NULL);
	print_row(p);
	print_empty(p);
	print_empty(p);
	print_number(p, INT64_MAX);
	print_row(p);
	return print_close(p);
}

static void
test_text_is_aligned_and_numbers_to_the_right(void **state)
{
	int rc;

	(void)state;
	redirect("out");
	rc = print_rows(PRINT_TEXT);
	restore();
	assert_ok(rc);
	assert_written("TOPIC      END  HIGH-MARK\n"
		       "a            7  x\n"
		       "orders  -12345  -\n"
		       "-            -  9223372036854775807\n");
}

static void
test_bare_is_text_without_a_header(void **state)
{
	int rc;

	(void)state;
	redirect("out");
	rc = print_rows(PRINT_BARE);
	restore();
	assert_ok(rc);
	assert_written("a            7  x\n"
		       "orders  -12345  -\n"
		       "-            -  9223372036854775807\n");
}

static void
test_tsv_has_a_header_tabs_and_dashes(void **state)
{
	int rc;

	(void)state;
	redirect("out");
	rc = print_rows(PRINT_TSV);
	restore();
	assert_ok(rc);
	assert_written("TOPIC\tEND\tHIGH-MARK\na\t7\tx\norders\t-12345\t-\n-\t-\t9223372036854775807\n");
}

static void
test_json_has_an_object_a_line(void **state)
{
	int rc;

	(void)state;
	redirect("out");
	rc = print_rows(PRINT_JSON);
	restore();
	assert_ok(rc);
	assert_written("{\"topic\":\"a\",\"end\":7,\"high_mark\":\"x\"}\n"
		       "{\"topic\":\"orders\",\"end\":-12345,\"high_mark\":null}\n"
		       "{\"topic\":null,\"end\":null,\"high_mark\":9223372036854775807}\n");
}

static void
print_nothing(enum print_form form, const char *want)
{
	struct print *p;
	int rc;

	redirect("out");
	if ((rc = print_open(form, columns, 3, &p)) == STATUS_OK)
		rc = print_close(p);
	restore();
	assert_ok(rc);
	assert_written(want);
}

static void
test_no_rows_are_a_header_alone(void **state)
{
	(void)state;
	print_nothing(PRINT_TEXT, "TOPIC  END  HIGH-MARK\n");
	print_nothing(PRINT_BARE, "");
	print_nothing(PRINT_TSV, "TOPIC\tEND\tHIGH-MARK\n");
	print_nothing(PRINT_JSON, "");
}

static int
print_cell(enum print_form form, const char *text)
{
	static const char *const column[] = {"K", "V"};
	struct print *p;
	int rc;

	redirect("out");
	if ((rc = print_open(form, column, 2, &p)) == STATUS_OK) {
		print_text(p, text);
		print_text(p, "|");
		print_row(p);
		rc = print_close(p);
	}
	restore();
	return rc;
}

static void
test_a_cell_never_breaks_its_line(void **state)
{
	(void)state;
	assert_ok(print_cell(PRINT_TSV, "a\tb\nc\\d\x01\x7f"));
	assert_written("K\tV\na\\tb\\nc\\\\d\\x01\\x7f\t|\n");
	assert_ok(print_cell(PRINT_BARE, "a\tb\n"));
	assert_written("a\\tb\\n  |\n");
	assert_ok(print_cell(PRINT_JSON, "a\tb\n\"\\"));
	assert_written("{\"k\":\"a\\tb\\n\\\"\\\\\",\"v\":\"|\"}\n");
}

static void
test_width_is_counted_in_characters(void **state)
{
	struct print *p;
	int rc;

	(void)state;
	redirect("out");
	if ((rc = print_open(PRINT_BARE, columns, 2, &p)) == STATUS_OK) {
		print_text(p, "\xc3\xa4\xe2\x82\xac");
		print_text(p, "|");
		print_row(p);
		print_text(p, "abc");
		print_text(p, "|");
		print_row(p);
		rc = print_close(p);
	}
	restore();
	assert_ok(rc);
	assert_written("\xc3\xa4\xe2\x82\xac   |\nabc  |\n");
}

static void
test_numbers_side_by_side_stay_apart(void **state)
{
	struct print *p;
	int rc;

	(void)state;
	redirect("out");
	if ((rc = print_open(PRINT_JSON, columns, 3, &p)) == STATUS_OK) {
		print_text(p, "1");
		print_number(p, 23);
		print_number(p, 456);
		print_row(p);
		rc = print_row_count(p) == 1 ? print_close(p) : STATUS_NO;
	}
	restore();
	assert_ok(rc);
	assert_written("{\"topic\":\"1\",\"end\":23,\"high_mark\":456}\n");
}

static void
test_json_refuses_what_is_not_utf8(void **state)
{
	(void)state;
	assert_status(print_cell(PRINT_JSON, "\xff"), STATUS_DATA);
	assert_string_equal(status_message(), "K: not UTF-8: use --tsv");
	assert_ok(print_cell(PRINT_TSV, "\xff"));
}

static int
print_many(enum print_form form, int count)
{
	struct print *p;
	int rc;

	if ((rc = print_open(form, columns, 3, &p)) != STATUS_OK)
		return rc;
	for (int i = 0; i < count; i++) {
		print_text(p, "a topic of some length");
		print_number(p, i);
		print_number(p, i);
		print_row(p);
	}
	return print_close(p);
}

static void
test_a_full_disk_is_told_whatever_the_form(void **state)
{
	static const enum print_form forms[] = {PRINT_TEXT, PRINT_BARE, PRINT_TSV, PRINT_JSON};

	(void)state;
	unit_need(access("/dev/full", W_OK) == 0, "devfull", "/dev/full cannot be written");
	for (size_t i = 0; i < 4; i++) {
		int rc;

		redirect("/dev/full");
		rc = print_many(forms[i], 10000);
		restore();
		assert_status(rc, STATUS_IO);
		assert_non_null(strstr(status_message(), "No space left"));
	}
}

static void
test_many_rows_are_all_there(void **state)
{
	size_t len, lines = 0;
	char *text;
	int rc;

	(void)state;
	redirect("out");
	rc = print_many(PRINT_TSV, 100000);
	restore();
	assert_ok(rc);
	text = unit_read("out", &len);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, 100001);
	free(text);
}

static void
test_an_abandoned_listing_writes_nothing(void **state)
{
	struct print *p;
	int rc;

	(void)state;
	redirect("out");
	if ((rc = print_open(PRINT_TEXT, columns, 3, &p)) == STATUS_OK) {
		print_text(p, "half a row");
		print_abandon(p);
	}
	restore();
	assert_ok(rc);
	assert_written("");
	print_abandon(NULL);
	assert_ok(print_close(NULL));
}

static void
test_memory_runs_out(void **state)
{
	static const enum print_form forms[] = {PRINT_TEXT, PRINT_BARE, PRINT_TSV, PRINT_JSON};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		long refused = 1;
		int rc;

		for (long n = 0; refused > 0; n++) {
			redirect("out");
			unit_oom_after(n);
			rc = print_rows(forms[i]);
			refused = unit_oom_off();
			restore();
			assert_status(rc, refused > 0 ? STATUS_AGAIN : STATUS_OK);
		}
	}
}

static void
assert_time(int64_t ms, const char *want)
{
	char text[PRINT_TIME_BYTES];

	print_time(text, ms);
	assert_string_equal(text, want);
}

static void
test_times_are_rfc3339_in_utc(void **state)
{
	(void)state;
	setenv("TZ", "America/New_York", 1);
	assert_time(1795341600123, "2026-11-22T10:00:00.123Z");
	assert_time(0, "1970-01-01T00:00:00.000Z");
	assert_time(-1, "1969-12-31T23:59:59.999Z");
	assert_time(-1000, "1969-12-31T23:59:59.000Z");
	assert_time(951782400000, "2000-02-29T00:00:00.000Z");
	assert_time(253402300799999, "9999-12-31T23:59:59.999Z");
	assert_time(253402300800000, "253402300800000");
	assert_time(-30610224000000, "1000-01-01T00:00:00.000Z");
	assert_time(-30610224000001, "-30610224000001");
	assert_time(INT64_MAX, "9223372036854775807");
	assert_time(INT64_MIN, "-9223372036854775808");
}

static int
print_any_bytes(enum print_form form)
{
	static const char *const names[] = {"KEY", "PAIRS", "IS"};
	struct print *p;
	int rc;

	if ((rc = print_open(form, names, 3, &p)) != STATUS_OK)
		return rc;
	print_bytes(p, "a\xff\n", 3);
	print_pairs_begin(p);
	print_pair(p, "n", 1, "a=b", 3);
	print_pair(p, "", 0, NULL, 0);
	print_pair(p, "\xfe", 1, "", 0);
	print_pairs_end(p);
	print_bool(p, true);
	print_row(p);
	print_bytes(p, "-", 1);
	print_pairs_begin(p);
	print_pairs_end(p);
	print_bool(p, false);
	print_row(p);
	print_bytes(p, NULL, 0);
	print_bytes(p, "", 0);
	print_empty(p);
	print_row(p);
	return print_close(p);
}

static void
test_bytes_and_pairs(void **state)
{
	(void)state;
	redirect("out");
	assert_ok(print_any_bytes(PRINT_TSV));
	restore();
	assert_written("KEY\tPAIRS\tIS\n"
		       "a\\xff\\n\tn=a\\x3db,,\\xfe=\tyes\n"
		       "\\x2d\t-\tno\n"
		       "-\t\t-\n");
	redirect("out");
	assert_ok(print_any_bytes(PRINT_JSON));
	restore();
	assert_written("{\"key_base64\":\"Yf8K\",\"pairs\":[{\"name\":\"n\",\"value\":\"a=b\"},{\"name\":\"\",\"value\":null},"
		       "{\"name_base64\":\"/g==\",\"value\":\"\"}],\"is\":true}\n"
		       "{\"key\":\"-\",\"pairs\":[],\"is\":false}\n"
		       "{\"key\":null,\"pairs\":\"\",\"is\":null}\n");
}

static void
test_bytes_and_pairs_without_memory(void **state)
{
	(void)state;
	for (long n = 0;; n++) {
		int rc;

		redirect("out");
		unit_oom_after(n);
		rc = print_any_bytes(n % 2 == 0 ? PRINT_JSON : PRINT_TEXT);
		restore();
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_text_is_aligned_and_numbers_to_the_right),
	    unit_test(test_bare_is_text_without_a_header),
	    unit_test(test_tsv_has_a_header_tabs_and_dashes),
	    unit_test(test_json_has_an_object_a_line),
	    unit_test(test_no_rows_are_a_header_alone),
	    unit_test(test_a_cell_never_breaks_its_line),
	    unit_test(test_width_is_counted_in_characters),
	    unit_test(test_numbers_side_by_side_stay_apart),
	    unit_test(test_json_refuses_what_is_not_utf8),
	    unit_test(test_a_full_disk_is_told_whatever_the_form),
	    unit_test(test_many_rows_are_all_there),
	    unit_test(test_an_abandoned_listing_writes_nothing),
	    unit_test(test_memory_runs_out),
	    unit_test(test_times_are_rfc3339_in_utc),
	    unit_test(test_bytes_and_pairs),
	    unit_test(test_bytes_and_pairs_without_memory),
	};
	return unit_run(tests);
}

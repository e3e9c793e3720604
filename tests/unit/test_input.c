/* input: records cut from streams, however the bytes come. */
#include "cmd/input.h"
#include "unit.h"

#define MOST 1000

static struct buf
delimiter_of(const char *text)
{
	return (struct buf){(uint8_t *)(uintptr_t)text, strlen(text), strlen(text)};
}

/* What the input makes of the stream: records in <>, the rest in (), an error as its status. */
static char *
cut(struct input *in)
{
	static char text[4096];
	const uint8_t *bytes;
	size_t len, at = 0;
	int rc;

	do {
		while ((rc = input_next(in, &bytes, &len)) == STATUS_OK)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "<%.*s>", (int)len, (const char *)bytes);
	} while (rc == STATUS_AGAIN && (rc = input_read(in)) == STATUS_OK);
	if (rc == STATUS_END && input_rest(in, &bytes, &len))
		at += (size_t)snprintf(text + at, sizeof(text) - at, "(%.*s)", (int)len, (const char *)bytes);
	else if (rc != STATUS_END)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%d", rc);
	text[at] = '\0';
	return text;
}

static char *
cut_text(const char *delimiter, const char *text)
{
	struct buf d = delimiter_of(delimiter);
	struct input in;
	char *result;
	int fd;

	unit_write("in", text, strlen(text));
	fd = open("in", O_RDONLY);
	input_init(&in, &d, MOST);
	input_open(&in, fd, "in");
	result = cut(&in);
	close(fd);
	input_free(&in);
	return result;
}

static void
test_records_end_at_the_delimiter(void **state)
{
	(void)state;
	assert_string_equal(cut_text("\n", ""), "");
	assert_string_equal(cut_text("\n", "\n"), "<>");
	assert_string_equal(cut_text("\n", "a"), "(a)");
	assert_string_equal(cut_text("\n", "a\n"), "<a>");
	assert_string_equal(cut_text("\n", "a\n\nb"), "<a><>(b)");
	assert_string_equal(cut_text("::", "a:b::c:"), "<a:b>(c:)");
	assert_string_equal(cut_text("::", ":::"), "<>(:)");
	assert_string_equal(cut_text("aab", "aaab-aaaab"), "<a><-aa>");
}

static void
test_without_a_delimiter_the_stream_is_one_record(void **state)
{
	(void)state;
	assert_string_equal(cut_text("", ""), "()");
	assert_string_equal(cut_text("", "a\nb\n"), "(a\nb\n)");
}

/* What was scanned in vain is not offered to be scanned again: a long record would be scanned once for each read. */
static void
test_lines_are_cut_by_others_too(void **state)
{
	struct buf newline = delimiter_of("\n");
	const uint8_t *bytes;
	struct input in;
	size_t len;
	int fd;

	(void)state;
	unit_write("in", "a\nb\nc\nd", 7);
	fd = open("in", O_RDONLY);
	input_init(&in, &newline, MOST);
	input_open(&in, fd, "in");
	input_peek_lines(&in, &bytes, &len);
	assert_int_equal(len, 0);
	assert_ok(input_read(&in));
	input_peek_lines(&in, &bytes, &len);
	assert_bytes(bytes, len, "a\nb\nc\nd");
	input_pass(&in, bytes + 4, 2);
	assert_ok(input_next(&in, &bytes, &len));
	assert_bytes(bytes, len, "c");
	assert_int_equal(in.number, 3);
	input_peek_lines(&in, &bytes, &len);
	assert_bytes(bytes, len, "d");
	input_pass(&in, bytes, 0);
	assert_status(input_next(&in, &bytes, &len), STATUS_AGAIN);
	input_peek_lines(&in, &bytes, &len);
	assert_int_equal(len, 0);
	close(fd);
	input_free(&in);
}

static void
test_records_are_numbered_for_each_stream(void **state)
{
	struct buf newline = delimiter_of("\n");
	const uint8_t *bytes;
	struct input in;
	size_t len;

	(void)state;
	unit_write("in", "a\nb\nc", 5);
	input_init(&in, &newline, MOST);
	for (int i = 0; i < 2; i++) {
		int fd = open("in", O_RDONLY);

		input_open(&in, fd, "in");
		assert_int_equal(in.number, 0);
		assert_status(input_next(&in, &bytes, &len), STATUS_AGAIN);
		assert_ok(input_read(&in));
		assert_ok(input_next(&in, &bytes, &len));
		assert_int_equal(in.number, 1);
		assert_ok(input_next(&in, &bytes, &len));
		assert_status(input_next(&in, &bytes, &len), STATUS_AGAIN);
		assert_ok(input_read(&in));
		assert_status(input_next(&in, &bytes, &len), STATUS_END);
		assert_ok(input_read(&in));
		assert_true(input_rest(&in, &bytes, &len));
		assert_bytes(bytes, len, "c");
		assert_int_equal(in.number, 3);
		assert_false(input_rest(&in, &bytes, &len));
		close(fd);
	}
	input_free(&in);
}

/* A pipe that gives one byte at a time: every place where a read may end is tried. */
static void
test_any_cut_of_the_stream_gives_the_same_records(void **state)
{
	static const char text[] = "one<->two<-><->three<->>four<-";
	struct buf arrow = delimiter_of("<->");
	const uint8_t *bytes;
	char got[256] = "";
	struct input in;
	size_t len;
	int fds[2], rc;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	input_init(&in, &arrow, MOST);
	input_open(&in, fds[0], "pipe");
	for (const char *p = text; *p != '\0'; p++) {
		/* Nothing there is no failure. */
		assert_ok(input_read(&in));
		assert_int_equal(write(fds[1], p, 1), 1);
		assert_ok(input_read(&in));
		while ((rc = input_next(&in, &bytes, &len)) == STATUS_OK)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s]", (int)len, (const char *)bytes);
		assert_status(rc, STATUS_AGAIN);
	}
	close(fds[1]);
	assert_ok(input_read(&in));
	assert_status(input_next(&in, &bytes, &len), STATUS_END);
	assert_string_equal(got, "[one][two][][three]");
	assert_true(input_rest(&in, &bytes, &len));
	assert_bytes(bytes, len, ">four<-");
	close(fds[0]);
	input_free(&in);
}

/* Records larger than a read, next to empty ones: nothing is lost when the window moves and grows. */
static void
test_long_records(void **state)
{
	static const size_t lens[] = {0, 1, 262143, 262144, 262145, 131071, 3000000, 0, 524288};
	struct buf newline = delimiter_of("\n");
	const uint8_t *bytes;
	struct input in;
	FILE *f = fopen("in", "wb");
	size_t len;
	int fd, rc;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		for (size_t n = 0; n < lens[i]; n++)
			putc('a' + (int)(n % 23), f);
		putc('\n', f);
	}
	fclose(f);
	fd = open("in", O_RDONLY);
	input_init(&in, &newline, 4000000);
	input_open(&in, fd, "in");
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		while ((rc = input_next(&in, &bytes, &len)) == STATUS_AGAIN)
			assert_ok(input_read(&in));
		assert_ok(rc);
		assert_int_equal(len, lens[i]);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(bytes[n], 'a' + (int)(n % 23));
	}
	close(fd);
	input_free(&in);
}

static void
test_a_record_may_be_as_long_as_allowed_and_no_longer(void **state)
{
	struct buf newline = delimiter_of("\n");
	struct input in;
	int fd;

	(void)state;
	for (int over = -1; over <= 1; over++) {
		char text[MOST + 2] = "";

		memset(text, 'x', (size_t)(MOST + over));
		unit_write("in", text, strlen(text));
		fd = open("in", O_RDONLY);
		input_init(&in, &newline, MOST);
		input_open(&in, fd, "in");
		assert_int_equal(cut(&in)[0] == '(', over <= 0);
		assert_int_equal(in.number, 1);
		if (over > 0)
			assert_non_null(strstr(status_message(), "1000 bytes"));
		close(fd);
		input_free(&in);
	}
}

static void
test_a_stream_that_cannot_be_read(void **state)
{
	struct buf newline = delimiter_of("\n");
	struct input in;
	int fd = open(".", O_RDONLY);

	(void)state;
	input_init(&in, &newline, MOST);
	input_open(&in, fd, "folder");
	assert_status(input_read(&in), STATUS_IO);
	assert_non_null(strstr(status_message(), "folder"));
	close(fd);
	input_free(&in);
}

/* What no delimiter cuts: looked at, taken in any pieces, counted; too much of it without a record is refused. */
static void
test_peek_and_take(void **state)
{
	struct buf newline = delimiter_of("\n");
	const uint8_t *bytes;
	char text[MOST + 1];
	struct input in;
	size_t len;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	unit_write("in", text, sizeof(text));
	fd = open("in", O_RDONLY);
	input_init(&in, &newline, MOST);
	input_open(&in, fd, "in");
	input_peek(&in, &bytes, &len);
	assert_int_equal(len, 0);
	assert_status(input_want(&in), STATUS_AGAIN);
	assert_ok(input_read(&in));
	input_peek(&in, &bytes, &len);
	assert_int_equal(len, MOST + 1);
	assert_status(input_want(&in), STATUS_DATA);
	assert_int_equal(in.number, 1);
	input_take(&in, 1);
	assert_int_equal(in.number, 2);
	assert_status(input_want(&in), STATUS_AGAIN);
	assert_ok(input_read(&in));
	assert_status(input_want(&in), STATUS_END);
	input_peek(&in, &bytes, &len);
	assert_int_equal(len, MOST);
	input_take(&in, len);
	input_peek(&in, &bytes, &len);
	assert_int_equal(len, 0);
	close(fd);
	input_free(&in);
}

static void
test_no_memory(void **state)
{
	struct buf newline = delimiter_of("\n");
	struct input in;
	int fd;

	(void)state;
	unit_write("in", "a\n", 2);
	fd = open("in", O_RDONLY);
	input_init(&in, &newline, MOST);
	input_open(&in, fd, "in");
	unit_oom_after(0);
	assert_status(input_read(&in), STATUS_AGAIN);
	assert_int_equal(unit_oom_off(), 1);
	assert_string_equal(cut(&in), "<a>");
	close(fd);
	input_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_records_end_at_the_delimiter),
	    unit_test(test_without_a_delimiter_the_stream_is_one_record),
	    unit_test(test_lines_are_cut_by_others_too),
	    unit_test(test_records_are_numbered_for_each_stream),
	    unit_test(test_any_cut_of_the_stream_gives_the_same_records),
	    unit_test(test_long_records),
	    unit_test(test_a_record_may_be_as_long_as_allowed_and_no_longer),
	    unit_test(test_a_stream_that_cannot_be_read),
	    unit_test(test_peek_and_take),
	    unit_test(test_no_memory),
	};

	return unit_run(tests);
}

#include "log/transactions.h"

#include <sys/resource.h>

#include "golden.h"
#include "log/reader.h"
#include "logfolder.h"
#include "readfault.h"

/*
 * A log is written as words. A producer is a small letter:
 *
 *	a3	a transactional batch of producer a with three records
 *	a+ a-	its commit or abort marker
 *	a~	a marker of its that compaction emptied
 *	a0	a batch of its that compaction emptied, of one offset
 *	a!	a control batch of a type that is neither of these
 *	A3	three records of producer a in no transaction
 *	.3	three records of no producer
 *	_3	a gap of three offsets
 *	|	the next segment
 *
 * What is read is written as the offsets of the records, and how it ended: "0 1 2 5" at the end, "0 1 2 held" before an open transaction.
 */
struct writer {
	int64_t base, offset;
};

static unsigned chance; /* that a log was made by, if any */

static void
put_bytes(const struct writer *w, struct batch_builder *b)
{
	append_bytes(segment_path(w->base, SUFFIX_LOG), b->bytes.data, b->bytes.len);
	batch_builder_free(b);
}

static void
put_word(struct writer *w, const char *word)
{
	int64_t producer = word[0] >= 'a' && word[0] <= 'z' ? word[0] - 'a' : word[0] - 'A';
	int count = atoi(word + 1);
	struct batch_spec spec = {.base_offset = w->offset,
	    .count = count > 0 ? count : 1,
	    .timestamp_ms = w->offset,
	    .step_ms = 1,
	    .has_producer = word[0] != '.',
	    .producer_id = producer,
	    .attributes = word[0] >= 'a' && word[0] <= 'z' ? BATCH_TRANSACTIONAL : 0};
	struct batch_builder b;

	switch (word[0] == '|' || word[0] == '_' ? word[0] : word[1]) {
	case '|':
		w->base = w->offset;
		unit_write(segment_path(w->base, SUFFIX_LOG), "", 0);
		return;
	case '_':
		w->offset += count;
		return;
	case '+':
	case '-':
	case '~':
	case '!':
		make_marker(&b, &spec, word[1] == '!' ? 7 : word[1] == '+', 0);
		break;
	default:
		make_batch(&b, &spec);
	}
	if (word[1] == '~' || word[1] == '0')
		empty_the_batch(&b);
	put_bytes(w, &b);
	w->offset += spec.count;
}

/* Behind what is there already. */
static void
put_words(struct writer *w, const char *words)
{
	char copy[8192], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) != NULL)
		put_word(w, word);
}

static struct writer
make_log(struct logfolder *f, const char *words)
{
	struct writer w = {0, 0};

	logfolder_make(f, true);
	put_words(&w, words);
	publish_all(f);
	return w;
}

static void
remove_folder(struct logfolder *f)
{
	logfolder_close(f);
	assert_int_equal(nftw("orders", unit_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static struct reader *
reader_of(const struct logfolder *f)
{
	struct reader *reader;

	assert_ok(reader_open(&f->p, &reader));
	return reader;
}

struct text {
	char *bytes;
	size_t len, cap;
};

static void
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->cap - t->len < 64) {
		t->cap = t->cap * 2 + 1024;
		t->bytes = realloc(t->bytes, t->cap);
		assert_non_null(t->bytes);
	}
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->bytes + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
}

/* What the reader gives of [from, end), and the position where it ends is told by the caller's asserts. The caller frees it. */
static char *
read_range(struct reader *reader, int64_t from, int64_t end, int *status)
{
	struct text t = {NULL, 0, 0};
	struct batch_view view;
	int rc;

	text_add(&t, "%s", "");
	reader_seek(reader, from);
	while ((rc = reader_next(reader, end, &view)) == STATUS_OK) {
		struct batch_cursor c;
		struct record r;

		assert_int_equal(reader_position(reader), batch_end_offset(&view.header));
		assert_false(reader_is_held(reader));
		assert_ok(batch_cursor_init(&c, view.bytes, &view.header));
		while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK) {
			if (r.offset >= from && r.offset < end)
				text_add(&t, "%lld ", (long long)r.offset);
		}
		assert_status(rc, STATUS_END);
	}
	if (reader_is_held(reader)) {
		assert_status(rc, STATUS_END);
		assert_true(reader_position(reader) < end);
		text_add(&t, "held ");
	} else if (rc == STATUS_END) {
		assert_true(reader_position(reader) >= end || from >= end);
	}
	*status = rc;
	if (t.len > 0)
		t.bytes[t.len - 1] = '\0';
	return t.bytes;
}

static void
assert_range(struct reader *reader, int64_t from, int64_t end, const char *want)
{
	int status;
	char *got = read_range(reader, from, end, &status);

	assert_status(status, STATUS_END);
	if (strcmp(got, want) != 0)
		fail_msg("seed %u, [%lld, %lld): %s, and not %s", chance, (long long)from, (long long)end, got, want);
	free(got);
}

static int64_t
end_of(struct reader *reader)
{
	int64_t start, end;

	assert_ok(reader_bounds(reader, &start, &end, NULL));
	return end;
}

static void
assert_reads_on(struct reader *reader, const char *want)
{
	assert_range(reader, reader_position(reader), end_of(reader), want);
}

/* A log of these words reads so from its start. */
static void
assert_log(const char *words, const char *want)
{
	struct logfolder f;
	struct reader *reader;

	make_log(&f, words);
	logfolder_allow_gaps(&f);
	reader = reader_of(&f);
	assert_range(reader, 0, end_of(reader), want);
	reader_close(reader);
	remove_folder(&f);
}

/*
 * What decides.
 */

static void
test_what_was_committed_is_read_and_what_was_aborted_is_not(void **state)
{
	(void)state;
	assert_log("a2 a+", "0 1");
	assert_log("a2 a-", "");
	assert_log(".1 a2 a- .1", "0 4");
	assert_log(".1 a2 a+ .1", "0 1 2 4");
	assert_log("a1 .2 a1 .1 a- .1", "1 2 4 6");
	assert_log("a1 | .2 | a1 | .1 | a- | .1", "1 2 4 6");
}

static void
test_a_batch_is_decided_by_the_next_marker_of_its_own_producer(void **state)
{
	(void)state;
	assert_log("a1 b1 a- b+", "1");
	assert_log("a1 b1 b- a+", "0");
	assert_log("a1 b1 a+ b-", "0");
	assert_log("a1 a- a1 a+ a1 a- a1 a+", "2 6");
	assert_log("a1 a+ a1 a- a1 a+ a1 a-", "0 4");
	assert_log("a1 b1 c1 b- a1 b1 c+ b1 b+ a- a1 d1 d- a+", "2 5 7 10");
	/* Markers without a transaction here: other partitions had its records, or they were removed. */
	assert_log("a+ b- a1 a- b- b1 b+ a+ a-", "5");
	assert_log("b1 a+ a1 b- a+", "2");
}

static void
test_only_batches_of_a_transaction_are_asked_about(void **state)
{
	(void)state;
	/* An idempotent producer's, between its transactions and within one; nobody's. */
	assert_log("a1 A2 .1 a- A1", "1 2 3 5");
	/* A transactional batch without a producer cannot be decided by anything: Kafka shows it. */
	{
		struct batch_spec spec = {.count = 2,
		    .attributes = BATCH_TRANSACTIONAL,
		    .has_producer = true,
		    .producer_id = -1,
		    .producer_epoch = -1};
		struct logfolder f;
		struct reader *reader;

		logfolder_make(&f, true);
		put_batch(0, &spec);
		publish_all(&f);
		reader = reader_of(&f);
		assert_range(reader, 0, 2, "0 1");
		reader_close(reader);
		logfolder_close(&f);
	}
}

static void
test_what_compaction_emptied_says_nothing(void **state)
{
	(void)state;
	assert_log("a1 a~ a+", "0");
	assert_log("a1 a~ a-", "");
	assert_log("a1 a~", "held");
	/* An emptied batch has no records that could be shown, and waits for nobody. */
	assert_log("a0 .1", "1");
	assert_log(".1 a0 .1 a0", "0 2");
	assert_log("a0 a~ .1 a1 a-", "2");
	assert_log("a1 a0 b1 a- b+", "2");
	assert_log("b1 a0 b+ a1 a+", "0 3");
	assert_log("a1 _5 a- .1 _3 | _2 b1 | _4 b+ .1", "7 13 19");
}

static void
test_other_control_batches_end_no_transaction(void **state)
{
	(void)state;
	assert_log("a1 a! a-", "");
	assert_log("a1 a! a+ a!", "0");
	assert_log("a! .1 a1 a!", "1 held");
}

/*
 * Open transactions.
 */

static void
test_nothing_is_read_behind_an_open_transaction(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct writer w;

	(void)state;
	w = make_log(&f, ".2 b1 b+ a2 .1 b1 b-");
	reader = reader_of(&f);
	for (int i = 0; i < 3; i++) {
		assert_range(reader, i == 2 ? reader_position(reader) : 0, w.offset, i == 2 ? "held" : "0 1 2 held");
		assert_int_equal(reader_position(reader), 4);
		assert_int_equal(end_of(reader), w.offset);
		if (i == 1)
			reader_park(reader);
	}
	/* Another's marker, then its own. */
	put_words(&w, "b1 b+ .1");
	publish_all(&f);
	assert_reads_on(reader, "held");
	put_words(&w, "| .1 | a+ b1");
	publish_all(&f);
	assert_reads_on(reader, "4 5 6 9 11 12 held");
	put_words(&w, "b-");
	publish_all(&f);
	assert_reads_on(reader, "");
	reader_close(reader);
	logfolder_close(&f);
}

/* Whoever begins behind its records is not held by a transaction. */
static void
test_an_open_transaction_holds_only_who_would_read_it(void **state)
{
	struct logfolder f;
	struct reader *reader;

	(void)state;
	make_log(&f, ".1 a3 .2 a1 .2");
	reader = reader_of(&f);
	assert_range(reader, 0, 9, "0 held");
	assert_range(reader, 2, 9, "held");
	assert_int_equal(reader_position(reader), 2); /* in the middle of a batch, and stays there */
	assert_range(reader, 4, 9, "4 5 held");
	assert_range(reader, 7, 9, "7 8");
	assert_range(reader, 0, 1, "0");
	assert_range(reader, 4, 6, "4 5");
	reader_read_uncommitted(reader, true);
	assert_range(reader, 0, 9, "0 1 2 3 4 5 6 7 8");
	reader_read_uncommitted(reader, false);
	assert_range(reader, 0, 9, "0 held");
	reader_close(reader);
	logfolder_close(&f);
}

/* What a power cut may take back does not decide. */
static void
test_a_marker_that_is_not_synced_decides_nothing(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct head_end end;
	struct writer w;

	(void)state;
	w = make_log(&f, "a2 .1");
	reader = reader_of(&f);
	put_words(&w, "a+ .1");
	/* Not even published. */
	assert_range(reader, 0, 3, "held");
	walk_segment(&f, 0, -1, &end);
	assert_ok(head_publish(f.p.head, 0, &end));
	assert_int_equal(end_of(reader), 3);
	assert_range(reader, 0, 3, "held");
	assert_ok(head_raise_synced_end(f.p.head, 0, 4));
	assert_range(reader, 0, 3, "0 1 2");
	assert_reads_on(reader, "");
	assert_ok(head_set_synced_only(f.p.head, false));
	assert_reads_on(reader, "4");
	reader_close(reader);
	logfolder_close(&f);
}

/* The end that is asked for is no end for the look ahead. */
static void
test_a_marker_behind_the_range_decides_what_is_in_it(void **state)
{
	struct logfolder f;
	struct reader *reader;

	(void)state;
	make_log(&f, "a2 b2 .1 a+ b-");
	reader = reader_of(&f);
	assert_range(reader, 0, 2, "0 1");
	assert_range(reader, 1, 3, "1");
	assert_range(reader, 0, 1, "0");
	assert_range(reader, 0, 5, "0 1 4");
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_search_for_a_time_does_not_ask_what_became_of_a_record(void **state)
{
	struct logfolder f;
	struct reader *reader;
	int64_t offset;

	(void)state;
	make_log(&f, ".2 a2 a- b2 .2");
	reader = reader_of(&f);
	for (int64_t time = 0; time < 10; time++) {
		assert_ok(reader_find_time(reader, time, 9, &offset));
		assert_int_equal(offset, time == 4 ? 5 : time < 9 ? time : 9);
	}
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Any log: what the files say, found in another way.
 */

struct known {
	struct {
		int64_t base, end, producer;
		bool is_data, is_transactional, is_empty;
		int type; /* of a marker, -1 none */
	} * batches;
	size_t count;
};

static void
known_read(struct known *k, const struct logfolder *f)
{
	struct segment_list list;

	*k = (struct known){NULL, 0};
	assert_ok(segment_list_read(f->p.dir, &list));
	for (size_t i = 0; i < list.count; i++) {
		size_t len;
		uint8_t *bytes = (uint8_t *)unit_read(segment_path(list.bases[i], SUFFIX_LOG), &len);

		for (size_t at = 0; at < len;) {
			struct batch_header h = header_of(bytes + at);

			k->batches = realloc(k->batches, (k->count + 1) * sizeof(*k->batches));
			assert_non_null(k->batches);
			k->batches[k->count].base = h.base_offset;
			k->batches[k->count].end = batch_end_offset(&h);
			k->batches[k->count].producer = h.producer_id;
			k->batches[k->count].is_data = (h.attributes & 0x20) == 0;
			k->batches[k->count].is_transactional = (h.attributes & 0x10) != 0;
			k->batches[k->count].is_empty = h.record_count == 0;
			/* length, attributes, timestamp and offset delta, key length: a byte each in a marker. */
			k->batches[k->count].type = (h.attributes & 0x20) != 0 && h.record_count > 0 ? bytes[at + 61 + 8] : -1;
			k->count++;
			at += (size_t)batch_bytes(&h);
		}
		free(bytes);
	}
	segment_list_free(&list);
}

/* What a reader must give of [from, end); the caller frees it. */
static char *
known_range(const struct known *k, int64_t from, int64_t end)
{
	struct text t = {NULL, 0, 0};

	text_add(&t, "%s", "");
	for (size_t i = 0; i < k->count && from < end; i++) {
		int verdict = 1;

		if (k->batches[i].end <= from || k->batches[i].base >= end || !k->batches[i].is_data || k->batches[i].is_empty)
			continue;
		if (k->batches[i].is_transactional) {
			verdict = -1;
			for (size_t j = i + 1; j < k->count && verdict < 0; j++) {
				if (k->batches[j].producer == k->batches[i].producer && !k->batches[j].is_data &&
				    (k->batches[j].type == 0 || k->batches[j].type == 1))
					verdict = k->batches[j].type;
			}
		}
		if (verdict < 0) {
			text_add(&t, "held ");
			break;
		}
		for (int64_t offset = k->batches[i].base; verdict == 1 && offset < k->batches[i].end; offset++) {
			if (offset >= from && offset < end)
				text_add(&t, "%lld ", (long long)offset);
		}
	}
	if (t.len > 0)
		t.bytes[t.len - 1] = '\0';
	return t.bytes;
}

static void
assert_known(struct reader *reader, const struct known *k, int64_t from, int64_t end)
{
	char *want = known_range(k, from, end);

	assert_range(reader, from, end, want);
	free(want);
}

/* Transactions of several producers by chance, most of which end. */
static struct writer
make_random_log(struct logfolder *f, unsigned *seed)
{
	static const char *const kinds[] = {"%c%d", "%c%d", "%c%d", ".%d", "%C%d", "%c+", "%c-", "%c~", "%c0", "%c!", "_%d", "|"};
	int words = 5 + rand_r(seed) % 120, producers = 1 + rand_r(seed) % 6;
	struct writer w = {0, 0};
	struct head_end end;

	logfolder_make(f, true);
	logfolder_allow_gaps(f);
	unit_write(segment_path(0, SUFFIX_LOG), "", 0);
	for (int i = 0; i < words; i++) {
		int kind = rand_r(seed) % (int)COUNT_OF(kinds), letter = rand_r(seed) % producers, count = 1 + rand_r(seed) % 9;
		char word[16] = "|";

		/* Gaps, emptied batches and unknown types are seldom. */
		if (strchr("~0!_|", kinds[kind][strlen(kinds[kind]) - 1]) != NULL && rand_r(seed) % 3 != 0)
			kind = 5;
		if (kinds[kind][1] == 'c')
			snprintf(word, sizeof(word), kind < 3 ? "%c%d" : "%c%c", 'a' + letter, kind < 3 ? count : kinds[kind][2]);
		else if (kinds[kind][1] == 'C')
			snprintf(word, sizeof(word), "%c%d", 'A' + letter, count);
		else if (kinds[kind][0] != '|')
			snprintf(word, sizeof(word), "%c%d", kinds[kind][0], count);
		if (word[0] == '|' && w.base == w.offset)
			continue;
		if (word[0] == '|')
			walk_segment(f, w.base, rand_r(seed) % 1000, &end);
		put_word(&w, word);
	}
	put_word(&w, ".1");
	publish_all(f);
	return w;
}

static void
test_any_log_shows_what_its_markers_say(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 250; round++) {
		unsigned seed = chance = 5000 + round;
		struct logfolder f;
		struct reader *reader;
		struct known k;
		struct writer w = make_random_log(&f, &seed);

		known_read(&k, &f);
		reader = reader_of(&f);
		assert_known(reader, &k, 0, w.offset);
		for (int turn = 0; turn < 40; turn++) {
			int64_t from = rand_r(&seed) % (w.offset + 1), to = from + rand_r(&seed) % (w.offset - from + 1);

			if (turn % 8 == 0)
				reader_park(reader);
			assert_known(reader, &k, from, turn % 3 == 0 ? w.offset : to);
		}
		reader_close(reader);
		free(k.batches);
		remove_folder(&f);
	}
	chance = 0;
}

/* It grows while it is read: what was read up to any end, and then on, is what is read at once. */
static void
test_a_log_that_grows_is_read_to_the_same_end(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned seed = chance = 9000 + round;
		struct text got = {NULL, 0, 0};
		struct writer w = {0, 0};
		struct logfolder f;
		struct reader *reader;
		struct known k;
		char *want;
		int64_t reached = 0;

		logfolder_make(&f, true);
		unit_write(segment_path(0, SUFFIX_LOG), "", 0);
		publish_all(&f);
		reader = reader_of(&f);
		text_add(&got, "%s", "");
		for (int i = 0; i < 60; i++) {
			char word[8], *part;
			int status;

			snprintf(word, sizeof(word), "%c%c", 'a' + rand_r(&seed) % 3, "123+-+-"[rand_r(&seed) % 7]);
			put_word(&w, rand_r(&seed) % 7 == 0 ? ".2" : rand_r(&seed) % 9 == 0 && w.base < w.offset ? "|" : word);
			publish_all(&f);
			if (rand_r(&seed) % 3 == 0)
				reader_park(reader);
			part = read_range(reader, reached, end_of(reader), &status);
			assert_status(status, STATUS_END);
			reached = reader_position(reader);
			if (strstr(part, "held") != NULL)
				*strstr(part, "held") = '\0';
			text_add(&got, "%s", "");
			while (got.cap - got.len < strlen(part) + 80) {
				got.cap *= 2;
				got.bytes = realloc(got.bytes, got.cap);
				assert_non_null(got.bytes);
			}
			text_add(&got, "%s%s", part, part[0] != '\0' && part[strlen(part) - 1] != ' ' ? " " : "");
			free(part);
		}
		known_read(&k, &f);
		want = known_range(&k, 0, w.offset);
		if (strstr(want, "held") != NULL)
			*strstr(want, "held") = '\0';
		if (got.len > 0 && (want[0] == '\0' || want[strlen(want) - 1] != ' '))
			got.bytes[got.len - 1] = '\0';
		assert_string_equal(got.bytes, want);
		free(want);
		free(got.bytes);
		free(k.batches);
		reader_close(reader);
		remove_folder(&f);
	}
	chance = 0;
}

/* From every offset to every end, with one reader: each seek goes on from what it knows, or begins anew. */
static void
test_every_range_of_kafkas_transactions_is_read_from_every_offset(void **state)
{
	static const char *const folders[] = {"txn-0", "txn-1", "live/txn-0"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		json_t *expected = golden_expected(folders[i], false);
		struct logfolder f;
		struct reader *reader;
		int64_t end;

		logfolder_make(&f, true);
		golden_copy(folders[i], "orders/orders-0");
		publish_all(&f);
		reader = reader_of(&f);
		end = end_of(reader);
		for (int64_t n = 0; n < (end + 1) * (end + 1); n++) {
			/* Forward and backward. */
			int64_t from = n % 2 == 0 ? n / (end + 1) : end - n / (end + 1), to = from + n % (end + 1);
			struct text want = {NULL, 0, 0};

			to = to < end ? to : end;
			text_add(&want, "%s", "");
			for (size_t r = 0; r < json_array_size(expected); r++) {
				json_int_t offset = json_integer_value(json_object_get(json_array_get(expected, r), "offset"));

				if (offset >= from && offset < to)
					text_add(&want, "%lld ", (long long)offset);
			}
			if (want.len > 0)
				want.bytes[want.len - 1] = '\0';
			assert_range(reader, from, to, want.bytes);
			free(want.bytes);
		}
		json_decref(expected);
		reader_close(reader);
		remove_folder(&f);
	}
}

/*
 * The log moves on below.
 */

static void
test_a_log_may_begin_in_the_middle_of_a_transaction(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct known k;
	struct writer w;

	(void)state;
	w = make_log(&f, "a2 b2 | a2 .1 b- | a1 a+ b1 c1 c- b+ | .1");
	known_read(&k, &f);
	reader = reader_of(&f);
	for (int64_t start = 0; start <= w.offset; start++) {
		assert_ok(head_raise_log_start(f.p.head, 0, start));
		assert_known(reader, &k, start, w.offset);
	}
	free(k.batches);
	reader_close(reader);
	logfolder_close(&f);
}

/* The reader stands in a segment that was unlinked; so was the one in which it wanted to look ahead. */
static void
test_retention_may_remove_what_lies_ahead(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_log(&f, ".1 a1 | .2 | .2 a+ | .1");
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 8, &view));
	assert_ok(head_raise_log_start(f.p.head, 0, 4));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_int_equal(unlink(segment_path(2, SUFFIX_LOG)), 0);
	for (int i = 0; i < 2; i++) {
		assert_status(reader_next(reader, 8, &view), STATUS_MISSING);
		assert_string_equal(status_message(), "offset 1 was removed");
		assert_int_equal(reader_position(reader), 1);
	}
	assert_range(reader, 4, 8, "4 5 7");
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_the_look_ahead_goes_on_through_an_unlinked_segment(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_log(&f, "a1 b1 .1 a+ b- | .1");
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 6, &view));
	assert_ok(head_raise_log_start(f.p.head, 0, 5));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	assert_reads_on(reader, "2 5");
	reader_close(reader);
	logfolder_close(&f);
}

/* The active segment is replaced by one that says the contrary. */
struct rebuild {
	struct logfolder *f;
	const char *words;
};

static void
rebuild(void *arg)
{
	const struct rebuild *r = arg;
	struct writer w = {0, 0};
	struct segment_list list;
	struct head_end end;

	assert_ok(head_rebuild_begin(r->f->p.head, 0));
	assert_ok(segment_list_read(r->f->p.dir, &list));
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(unlink(segment_path(list.bases[i], SUFFIX_LOG)), 0);
	segment_list_free(&list);
	put_words(&w, r->words);
	walk_segment(r->f, w.base, -1, &end);
	assert_ok(head_set_synced_end(r->f->p.head, 0, end.end_offset));
	assert_ok(head_rebuild_finish(r->f->p.head, 0, &end, end.end_offset, HEAD_SOUND));
}

static void
test_after_a_rebuild_nothing_that_was_known_counts(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;

	(void)state;
	make_log(&f, "a1 b1 a1 b1 .1 a+ b-");
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 7, &view)); /* the outcome of both is known now */
	rebuild(&(struct rebuild){&f, "a1 b1 a1 b1 .1 a- b+"});
	assert_reads_on(reader, "1 3 4");
	rebuild(&(struct rebuild){&f, "a1 b1 a1 b1 .1 b+"});
	assert_range(reader, 0, 6, "held");
	rebuild(&(struct rebuild){&f, "a1 b1 a1 b1 .1 a+"});
	assert_reads_on(reader, "0 held");
	/* It is cut below the reader. */
	rebuild(&(struct rebuild){&f, "b1"});
	assert_status(reader_next(reader, 6, &view), STATUS_END);
	assert_false(reader_is_held(reader));
	reader_close(reader);
	logfolder_close(&f);
}

/* Whenever it happens: what is given was true of the log before or of the one behind, and of that one once it is there. */
static void
rebuild_at_any_read(const char *after)
{
	for (long k = 1;; k++) {
		struct rebuild r;
		struct logfolder f;
		struct reader *reader;
		struct batch_view view;
		int rc;

		make_log(&f, "a1 b1 | a1 | b1 .1 | a+ b- .1");
		r = (struct rebuild){&f, after};
		reader = reader_of(&f);
		readfault_call(k, rebuild, &r);
		while ((rc = reader_next(reader, 8, &view)) == STATUS_OK) {
			int64_t offset = view.header.base_offset;

			if (readfault.hits > 0)
				assert_true(offset == 1 || offset == 3 || offset == 4 || offset == 7);
			else
				assert_true(offset == 0 || offset == 2 || offset == 4 || offset == 7);
		}
		assert_status(rc, STATUS_END);
		assert_int_equal(reader_position(reader), 8);
		reader_close(reader);
		remove_folder(&f);
		if (readfault_off() == 0) {
			assert_true(k > 8);
			break;
		}
	}
}

static void
test_a_rebuild_at_any_read_never_mixes_two_logs(void **state)
{
	(void)state;
	rebuild_at_any_read("a1 b1 | a1 | b1 .1 | a- b+ .1");
	/* The batch at hand is another producer's now, whose marker says the contrary. */
	rebuild_at_any_read("b1 a1 | b1 | a1 .1 | a+ b- .1");
}

/*
 * Damage.
 */

static void
flip_byte_of(int64_t base, int64_t at)
{
	int fd = open(segment_path(base, SUFFIX_LOG), O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
test_damage_before_the_marker_is_told_by_who_waits_for_it(void **state)
{
	struct logfolder f;
	struct reader *reader;
	int status;
	char *got;

	(void)state;
	make_log(&f, ".1 b1 b+ a1 | .2 | a+ .1");
	flip_byte_of(4, 70);
	reader = reader_of(&f);
	for (int i = 0; i < 2; i++) {
		got = read_range(reader, 0, 8, &status);
		assert_status(status, STATUS_IO);
		assert_string_equal(got, "0 1");
		free(got);
		assert_non_null(strstr(status_message(),
		    "offset 3 waits for its transaction to end: offset 4: "
		    "00000000000000000004.log at 0: CRC is "));
		assert_int_equal(reader_position(reader), 3);
	}
	/* Without a need to look ahead it is met where it lies; behind it all is well. */
	reader_read_uncommitted(reader, true);
	got = read_range(reader, 0, 8, &status);
	assert_status(status, STATUS_IO);
	assert_string_equal(got, "0 1 3");
	free(got);
	reader_read_uncommitted(reader, false);
	assert_range(reader, 6, 8, "7");
	reader_close(reader);
	logfolder_close(&f);
}

/* Nobody looks further than he must. */
static void
test_damage_behind_the_marker_is_met_where_it_lies(void **state)
{
	struct logfolder f;
	struct reader *reader;
	int status;
	char *got;

	(void)state;
	make_log(&f, "a1 .1 a+ .1 | .2 | .1");
	flip_byte_of(4, 70);
	reader = reader_of(&f);
	got = read_range(reader, 0, 7, &status);
	assert_status(status, STATUS_IO);
	assert_string_equal(got, "0 1 3");
	free(got);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_marker_whose_record_lies_is_damage(void **state)
{
	struct batch_builder b;
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct writer w;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		logfolder_make(&f, true);
		w = (struct writer){0, 0};
		put_words(&w, "a1");
		make_marker(&b, &(struct batch_spec){.base_offset = 1}, 1, 0);
		if (kind == 0)
			b.bytes.data[BATCH_HEADER_BYTES] = 0; /* its record has no bytes */
		else
			be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, BATCH_TRANSACTIONAL | BATCH_CONTROL | CODEC_ZSTD);
		batch_fix_crc(b.bytes.data);
		put_bytes(&w, &b);
		publish_all(&f);
		reader = reader_of(&f);
		for (int i = 0; i < 2; i++) {
			assert_status(reader_next(reader, 2, &view), kind == 0 ? STATUS_IO : STATUS_CONFIG);
			assert_non_null(strstr(status_message(), "offset 1"));
			assert_int_equal(reader_position(reader), 0);
		}
		reader_close(reader);
		remove_folder(&f);
	}
}

/* A marker whose key is too short to name a type says nothing. */
static void
test_a_marker_without_a_type_says_nothing(void **state)
{
	struct record r = text_record(0, "\0\0", "");
	struct batch_builder b;
	struct logfolder f;
	struct reader *reader;
	struct writer w = {0, 0};

	(void)state;
	r.key_len = 2;
	logfolder_make(&f, true);
	put_words(&w, "a1");
	batch_builder_init(&b, 1000);
	assert_ok(batch_add(&b, &r));
	batch_seal(&b);
	batch_set_place(b.bytes.data, w.offset++, 0);
	be16enc(b.bytes.data + BATCH_ATTRIBUTES_AT, BATCH_TRANSACTIONAL | BATCH_CONTROL);
	be64enc(b.bytes.data + BATCH_PRODUCER_ID_AT, 0);
	batch_fix_crc(b.bytes.data);
	put_bytes(&w, &b);
	put_words(&w, "a+");
	publish_all(&f);
	reader = reader_of(&f);
	assert_range(reader, 0, 3, "0");
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * What it costs.
 */

static int
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* How many allocations reading the log takes. */
static long
count_allocations(const struct logfolder *f, bool uncommitted)
{
	struct batch_view view;
	struct reader *reader;
	long left;
	int rc;

	unit_oom_after(LONG_MAX);
	assert_ok(reader_open(&f->p, &reader));
	reader_read_uncommitted(reader, uncommitted);
	while ((rc = reader_next(reader, end_of(reader), &view)) == STATUS_OK)
		assert_int_equal(view.header.producer_id, -1);
	assert_status(rc, STATUS_END);
	reader_close(reader);
	left = unit.oom_after;
	assert_int_equal(unit_oom_off(), 0);
	return LONG_MAX - left;
}

static void
test_a_log_without_transactions_pays_nothing(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	long allocations[2], calls[2], bytes[2];
	int before;

	(void)state;
	make_log(&f, ".3 .1 | .4 .1 | .1 | .2");
	for (int uncommitted = 0; uncommitted < 2; uncommitted++) {
		readfault_count();
		allocations[uncommitted] = count_allocations(&f, uncommitted == 1);
		calls[uncommitted] = readfault.calls;
		bytes[uncommitted] = readfault.bytes;
	}
	assert_int_equal(allocations[0], allocations[1]);
	assert_int_equal(calls[0], calls[1]);
	assert_int_equal(bytes[0], bytes[1]);
	before = count_descriptors();
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 12, &view));
	assert_int_equal(count_descriptors(), before + 1);
	reader_close(reader);
	logfolder_close(&f);
}

static void
test_a_parked_reader_holds_no_descriptor_and_forgets_nothing(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	int before;

	(void)state;
	make_log(&f, "a1 b1 .1 | .1 | a+ b- .1");
	before = count_descriptors();
	reader = reader_of(&f);
	assert_ok(reader_next(reader, 7, &view));
	assert_int_equal(count_descriptors(), before + 2);
	reader_park(reader);
	assert_int_equal(count_descriptors(), before);
	/* The marker of b was not reached before. */
	assert_reads_on(reader, "2 3 6");
	assert_int_equal(count_descriptors(), before + 2);
	reader_close(reader);
	assert_int_equal(count_descriptors(), before);
	logfolder_close(&f);
}

/* Transactions over all of a long log, which overlap: no byte is read more than twice, but for the end that is verified. */
static void
test_each_batch_is_read_twice_at_most(void **state)
{
	struct logfolder f;
	struct reader *reader;
	struct batch_view view;
	struct writer w = {0, 0};
	int64_t size = 0;
	unsigned seed = 3;
	int rc;

	(void)state;
	logfolder_make(&f, true);
	put_words(&w, "z1"); /* open through all of it */
	for (int segment = 0; segment < 8; segment++) {
		for (int i = 0; i < 60; i++) {
			char word[8];

			put_batch(w.base,
			    &(struct batch_spec){.base_offset = w.offset,
				.count = 4,
				.value_bytes = 5000,
				.has_producer = true,
				.producer_id = rand_r(&seed) % 20,
				.attributes = BATCH_TRANSACTIONAL});
			w.offset += 4;
			snprintf(word, sizeof(word), "%c%c", 'a' + rand_r(&seed) % 20, "+-"[rand_r(&seed) % 2]);
			put_word(&w, word);
		}
		size += size_of_file(segment_path(w.base, SUFFIX_LOG));
		put_word(&w, "|");
	}
	put_words(&w, "z+ a+ b+ c+ d+ e+ f+ g+ h+ i+ j+ k+ l+ m+ n+ o+ p+ q+ r+ s+ t+");
	publish_all(&f);
	reader = reader_of(&f);
	readfault_count();
	while ((rc = reader_next(reader, w.offset, &view)) == STATUS_OK)
		continue;
	assert_status(rc, STATUS_END);
	assert_int_equal(reader_position(reader), w.offset);
	assert_true(readfault.bytes > size);
	assert_true(readfault.bytes < 2 * size + size / 10);
	reader_close(reader);
	logfolder_close(&f);
}

/*
 * Without memory, without descriptors, with a disk that fails.
 */

static int
read_some(const struct logfolder *f, char *got, size_t len)
{
	struct reader *reader = NULL;
	struct batch_view view;
	int64_t start, end;
	size_t at = 0;
	int rc;

	got[0] = '\0';
	if ((rc = reader_open(&f->p, &reader)) != STATUS_OK)
		return rc;
	if ((rc = reader_bounds(reader, &start, &end, NULL)) == STATUS_OK) {
		/* A failure is tried again once, at the same place. */
		for (int failures = 0; failures < 2 && rc != STATUS_END;) {
			if ((rc = reader_next(reader, end, &view)) == STATUS_OK)
				at += (size_t)snprintf(got + at, len - at, "%lld ", (long long)view.header.base_offset);
			else
				failures++;
		}
	}
	reader_close(reader);
	return rc;
}

#define SOME_WORDS "e1 e- a1 b1 | a1 .1 c1 | b1 b- c1 | a+ .1 | c- d1 d+"
#define SOME_RECORDS "2 4 5 11 13 "
#define SOME_END 15

static void
make_some(struct logfolder *f, bool is_private)
{
	struct head_end end;

	make_log(f, SOME_WORDS);
	walk_segment(f, 4, 0, &end);
	if (is_private) {
		size_t len;
		char *bytes = unit_read("orders/heads", &len);

		logfolder_close(f);
		assert_int_equal(rename("orders/heads", "orders/heads.old"), 0);
		unit_write("orders/heads", bytes, len);
		free(bytes);
		logfolder_open(f);
		lock_close(f->p.lock);
		f->p.lock = NULL;
	}
}

static void
test_without_memory_a_retry_reads_the_same(void **state)
{
	char got[128];

	(void)state;
	for (int is_private = 0; is_private < 2; is_private++) {
		struct logfolder f;
		int before, again = 0;

		make_some(&f, is_private == 1);
		before = count_descriptors();
		for (long n = 0;; n++) {
			int rc;

			unit_oom_after(n);
			rc = read_some(&f, got, sizeof(got));
			if (unit_oom_off() == 0) {
				assert_status(rc, STATUS_END);
				assert_string_equal(got, SOME_RECORDS);
				break;
			}
			assert_true(rc == STATUS_AGAIN || rc == STATUS_RECOVER || rc == STATUS_END);
			assert_memory_equal(got, SOME_RECORDS, strlen(got));
			assert_int_equal(count_descriptors(), before);
			again += rc == STATUS_AGAIN;
		}
		assert_true(again > 8);
		remove_folder(&f);
	}
}

/* One allocation fails, the next ones do not: nothing that was noted by half may count. */
static void
test_one_failed_allocation_changes_no_outcome(void **state)
{
	struct logfolder f;
	int failed = 0;

	(void)state;
	make_some(&f, false);
	for (long n = 0; n < 60; n++) {
		struct reader *reader = NULL;
		struct batch_view view;
		char got[128] = "";
		size_t at = 0;
		int rc;

		assert_ok(reader_open(&f.p, &reader));
		unit_oom_after(n);
		for (int tries = 0; tries < 200; tries++) {
			rc = reader_next(reader, SOME_END, &view);
			if (rc == STATUS_OK)
				at += (size_t)snprintf(got + at, sizeof(got) - at, "%lld ", (long long)view.header.base_offset);
			else if (rc == STATUS_END)
				break;
			else
				failed += unit_oom_off() > 0;
		}
		(void)unit_oom_off();
		assert_string_equal(got, SOME_RECORDS);
		reader_close(reader);
	}
	assert_true(failed > 8);
	logfolder_close(&f);
}

static void
test_an_error_of_any_read_is_told_or_changes_nothing(void **state)
{
	char got[128];

	(void)state;
	for (int is_private = 0; is_private < 2; is_private++) {
		struct logfolder f;
		int told = 0;

		make_some(&f, is_private == 1);
		for (long k = 1;; k++) {
			struct reader *reader;
			struct batch_view view;
			size_t at = 0;
			int rc;

			got[0] = '\0';
			assert_ok(reader_open(&f.p, &reader));
			readfault_at(k);
			for (int tries = 0; tries < 40; tries++) {
				rc = reader_next(reader, SOME_END, &view);
				if (rc == STATUS_END)
					break;
				if (rc == STATUS_OK)
					at += (size_t)snprintf(got + at, sizeof(got) - at, "%lld ",
					    (long long)view.header.base_offset);
				if (rc == STATUS_IO) {
					assert_non_null(strstr(status_message(), "Input/output error"));
					told++;
				}
			}
			reader_close(reader);
			assert_string_equal(got, SOME_RECORDS);
			if (readfault_off() == 0) {
				assert_true(k > 10);
				break;
			}
		}
		assert_true(told > 8);
		remove_folder(&f);
	}
}

static void
test_without_descriptors_a_retry_is_safe(void **state)
{
	struct rlimit old, limit;
	struct logfolder f;
	char got[128];
	int rc, again = 0;

	(void)state;
	make_some(&f, false);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0;; more++) {
		int next = dup(f.p.dir);

		assert_true(next >= 0);
		close(next);
		limit = old;
		limit.rlim_cur = (rlim_t)next + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		rc = read_some(&f, got, sizeof(got));
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (rc == STATUS_END)
			break;
		assert_status(rc, STATUS_AGAIN);
		again++;
	}
	assert_true(again >= 2);
	assert_string_equal(got, SOME_RECORDS);
	logfolder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_what_was_committed_is_read_and_what_was_aborted_is_not),
	    unit_test(test_a_batch_is_decided_by_the_next_marker_of_its_own_producer),
	    unit_test(test_only_batches_of_a_transaction_are_asked_about),
	    unit_test(test_what_compaction_emptied_says_nothing),
	    unit_test(test_other_control_batches_end_no_transaction),
	    unit_test(test_nothing_is_read_behind_an_open_transaction),
	    unit_test(test_an_open_transaction_holds_only_who_would_read_it),
	    unit_test(test_a_marker_that_is_not_synced_decides_nothing),
	    unit_test(test_a_marker_behind_the_range_decides_what_is_in_it),
	    unit_test(test_a_search_for_a_time_does_not_ask_what_became_of_a_record),
	    unit_test(test_any_log_shows_what_its_markers_say),
	    unit_test(test_a_log_that_grows_is_read_to_the_same_end),
	    unit_test(test_every_range_of_kafkas_transactions_is_read_from_every_offset),
	    unit_test(test_a_log_may_begin_in_the_middle_of_a_transaction),
	    unit_test(test_retention_may_remove_what_lies_ahead),
	    unit_test(test_the_look_ahead_goes_on_through_an_unlinked_segment),
	    unit_test(test_after_a_rebuild_nothing_that_was_known_counts),
	    unit_test(test_a_rebuild_at_any_read_never_mixes_two_logs),
	    unit_test(test_damage_before_the_marker_is_told_by_who_waits_for_it),
	    unit_test(test_damage_behind_the_marker_is_met_where_it_lies),
	    unit_test(test_a_marker_whose_record_lies_is_damage),
	    unit_test(test_a_marker_without_a_type_says_nothing),
	    unit_test(test_a_log_without_transactions_pays_nothing),
	    unit_test(test_a_parked_reader_holds_no_descriptor_and_forgets_nothing),
	    unit_test(test_each_batch_is_read_twice_at_most),
	    unit_test(test_without_memory_a_retry_reads_the_same),
	    unit_test(test_one_failed_allocation_changes_no_outcome),
	    unit_test(test_an_error_of_any_read_is_told_or_changes_nothing),
	    unit_test(test_without_descriptors_a_retry_is_safe),
	};

	golden_find();
	return unit_run(tests);
}

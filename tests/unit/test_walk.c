#include "log/walk.h"

#include <dirent.h>

#include "logfolder.h"
#include "readfault.h"

/* What the reader adds to it, and most of what it does, test_reader.c and test_transactions.c show. */

static void
put_marker(int64_t segment_base, int64_t offset)
{
	struct batch_builder b;

	make_marker(&b, &(struct batch_spec){.base_offset = offset, .producer_id = 9}, 1, 0);
	append_bytes(segment_path(segment_base, SUFFIX_LOG), b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
}

/* Offsets [0, 10), [10, 20), a marker at 20; the next segment: [21, 31), a compressed batch's garbage of [31, 35). */
static void
make_log(struct logfolder *f)
{
	logfolder_make(f, true);
	put_batch(0, &(struct batch_spec){.count = 10});
	put_batch(0, &(struct batch_spec){.base_offset = 10, .count = 10});
	put_marker(0, 20);
	put_batch(21, &(struct batch_spec){.base_offset = 21, .count = 10});
	put_batch(21, &(struct batch_spec){.base_offset = 31, .count = 4, .attributes = CODEC_ZSTD});
	publish_all(f);
}

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

static void
assert_next(struct walk *w, int64_t base, int64_t end)
{
	struct batch_view view;

	assert_ok(walk_next(w, 35, &view));
	assert_int_equal(view.header.base_offset, base);
	assert_int_equal(w->position, end);
	assert_int_equal(batch_end_offset(&view.header), end);
	assert_ok(batch_check_crc(view.bytes, &view.header));
}

static void
test_every_batch_is_given_as_it_is_stored(void **state)
{
	struct logfolder f;
	struct extent extent;
	struct batch_view view;
	struct walk w;

	(void)state;
	make_log(&f);
	extent_init(&extent, &f.p);
	walk_init(&w, &extent);
	walk_park(&w); /* nothing is open */
	for (int turn = 0; turn < 3; turn++) {
		walk_seek(&w, turn == 1 ? 5 : 0);
		assert_next(&w, 0, 10);
		assert_next(&w, 10, 20);
		if (turn == 2)
			walk_park(&w);
		assert_next(&w, 20, 21);
		assert_next(&w, 21, 31);
		assert_next(&w, 31, 35);
		assert_status(walk_next(&w, 35, &view), STATUS_END);
		assert_int_equal(w.position, 35);
	}
	walk_park(&w);
	logfolder_close(&f);
}

static void
test_back_the_same_batch_comes_again(void **state)
{
	struct logfolder f;
	struct extent extent;
	struct batch_view view;
	struct walk w;

	(void)state;
	make_log(&f);
	extent_init(&extent, &f.p);
	walk_init(&w, &extent);
	walk_seek(&w, 13);
	for (int turn = 0; turn < 3; turn++) {
		assert_ok(walk_next(&w, 35, &view));
		assert_int_equal(view.header.base_offset, 10);
		readfault_count();
		walk_back(&w, &view);
		/* In the middle of the batch, where it was. */
		assert_int_equal(w.position, 13);
		if (turn == 1)
			walk_park(&w);
	}
	assert_int_equal(readfault.calls, 0);
	assert_next(&w, 10, 20);
	assert_next(&w, 20, 21);
	/* Across segments. */
	assert_ok(walk_next(&w, 35, &view));
	walk_back(&w, &view);
	assert_next(&w, 21, 31);
	walk_park(&w);
	logfolder_close(&f);
}

static void
test_one_walk_joins_another(void **state)
{
	struct logfolder f;
	struct extent extent;
	struct walk first, second;
	int before;

	(void)state;
	make_log(&f);
	extent_init(&extent, &f.p);
	walk_init(&first, &extent);
	walk_init(&second, &extent);
	before = count_descriptors();
	assert_next(&first, 0, 10);
	walk_join(&second, &first);
	assert_next(&second, 10, 20);
	assert_int_equal(count_descriptors(), before + 2);
	assert_next(&first, 10, 20);
	assert_next(&first, 20, 21);
	/* In the same segment all is in the window already; back as well as forth. */
	readfault_count();
	walk_join(&second, &first);
	walk_seek(&first, 0);
	assert_int_equal(second.position, 21);
	assert_next(&first, 0, 10);
	walk_join(&second, &first);
	assert_next(&second, 10, 20);
	assert_true(readfault.calls <= 3); /* the first one's, and its index */
	/* In another segment. */
	walk_seek(&first, 25);
	assert_next(&first, 21, 31);
	walk_join(&second, &first);
	assert_next(&second, 31, 35);
	/* One that has nothing open is joined by its offset. */
	walk_park(&first);
	walk_seek(&first, 10);
	walk_join(&second, &first);
	assert_next(&second, 10, 20);
	walk_park(&first);
	walk_park(&second);
	assert_int_equal(count_descriptors(), before);
	logfolder_close(&f);
}

/* The log is rebuilt; whoever notices it first, the other reads nothing of the old one. */
static void
test_walks_agree_on_which_log_it_is(void **state)
{
	struct logfolder f;
	struct extent extent;
	struct walk first, second;
	struct head_end end;
	uint64_t version;

	(void)state;
	make_log(&f);
	extent_init(&extent, &f.p);
	walk_init(&first, &extent);
	walk_init(&second, &extent);
	assert_next(&first, 0, 10);
	assert_next(&second, 0, 10);
	version = extent.version;
	assert_false(extent_is_stale(&extent, version));
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_true(extent_is_stale(&extent, version));
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	put_batch(0, &(struct batch_spec){.count = 15});
	put_batch(0, &(struct batch_spec){.base_offset = 15, .count = 6});
	walk_segment(&f, 21, -1, &end);
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 35, HEAD_SOUND));
	assert_true(extent_is_stale(&extent, version));
	assert_next(&first, 0, 15);
	assert_true(extent.version > version);
	assert_true(extent_is_stale(&extent, version));
	assert_false(extent_is_stale(&extent, extent.version));
	walk_join(&second, &first);
	assert_next(&second, 15, 21);
	walk_seek(&second, 14);
	assert_next(&second, 0, 15);
	walk_park(&first);
	walk_park(&second);
	logfolder_close(&f);
}

/* Who knows the segment has it opened, and no other is looked for; but a log that was rebuilt since has other segments. */
static void
test_a_known_segment_is_not_looked_for(void **state)
{
	struct logfolder f;
	struct extent extent;
	struct head_end end;
	struct walk w;

	(void)state;
	make_log(&f);
	extent_init(&extent, &f.p);
	assert_ok(extent_end(&extent, &end));
	walk_init(&w, &extent);
	/* Who lists the folder takes this for the segment of offset 12. */
	unit_write(segment_path(11, SUFFIX_LOG), "", 0);
	for (int turn = 0; turn < 2; turn++) {
		walk_seek_in(&w, 0, 12);
		if (turn == 1)
			walk_park(&w);
		walk_seek(&w, 12);
		assert_next(&w, 10, 20);
		assert_next(&w, 20, 21);
		assert_next(&w, 21, 31);
	}
	walk_seek_in(&w, 0, 12);
	walk_seek(&w, 13);
	assert_int_equal(w.base_hint, -1);

	walk_seek_in(&w, 0, 12);
	assert_ok(head_rebuild_begin(f.p.head, 0));
	assert_int_equal(unlink(segment_path(11, SUFFIX_LOG)), 0);
	assert_int_equal(unlink(segment_path(0, SUFFIX_LOG)), 0);
	put_batch(0, &(struct batch_spec){.count = 5});
	put_batch(5, &(struct batch_spec){.base_offset = 5, .count = 16});
	walk_segment(&f, 21, -1, &end);
	assert_ok(head_rebuild_finish(f.p.head, 0, &end, 35, HEAD_SOUND));
	assert_next(&w, 5, 21);
	walk_park(&w);
	logfolder_close(&f);
}

static void
test_a_folder_must_hold_the_segment_of_an_offset(void **state)
{
	int64_t bases[] = {30, 60};
	struct segment_list list = {bases, 2};

	(void)state;
	assert_ok(walk_check_segments(&list, 30));
	assert_ok(walk_check_segments(&list, 100));
	assert_status(walk_check_segments(&list, 29), STATUS_IO);
	assert_string_equal(status_message(), "offset 29: lost, the first segment begins at 30");
	list.count = 0;
	assert_status(walk_check_segments(&list, 30), STATUS_IO);
	assert_string_equal(status_message(), "no segment is there");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_every_batch_is_given_as_it_is_stored),
	    unit_test(test_back_the_same_batch_comes_again),
	    unit_test(test_one_walk_joins_another),
	    unit_test(test_walks_agree_on_which_log_it_is),
	    unit_test(test_a_known_segment_is_not_looked_for),
	    unit_test(test_a_folder_must_hold_the_segment_of_an_offset),
	};

	return unit_run(tests);
}

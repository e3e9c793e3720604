#include "store/import.h"

#include "golden.h"
#include "iofault.h"
#include "log/epoch.h"
#include "log/recover.h"
#include "logwork.h"
#include "readfault.h"
#include "store/catalog.h"
#include "store/topic.h"

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

static struct store *
open_store(void)
{
	struct store *s;

	assert_ok(store_open_or_make("store", soon(), &s));
	return s;
}

/* What was told, each line ended by "|". */
static char told[4096];

static void
on_notice(void *arg, const char *text)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s|", text);
}

static int
try_import(struct store *s, const char *name, char *const *folders, int count)
{
	struct import_order o = {.name = name,
	    .folders = folders,
	    .folder_count = count,
	    .lock_timeout_ms = PROC_PATIENCE_MS,
	    .notice = on_notice};

	told[0] = '\0';
	config_init(&o.config, 1);
	return import_topic(s, &o);
}

static int
try_one(struct store *s, const char *name, const char *folder)
{
	char path[GOLDEN_PATH_BYTES];
	char *folders[] = {path};

	if (folder[0] == '/')
		golden_path(path, folder + 1, "");
	else
		snprintf(path, sizeof(path), "%s", folder);
	return try_import(s, name, folders, 1);
}

/* What lies under topics/, as "a b ". */
static const char *
topics(void)
{
	static char names[1024];
	DIR *dir = opendir("store/topics");
	const struct dirent *entry;

	names[0] = '\0';
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ", entry->d_name);
	}
	closedir(dir);
	return names;
}

static struct topic *
open_topic(struct store *s, const char *name)
{
	struct topic *t;

	assert_ok(topic_open(s, name, &t));
	return t;
}

/* The records are those that Kafka's consumer reads. */
static void
assert_records_as(struct store *s, const char *name, int p, const char *folder, bool uncommitted)
{
	json_t *want = golden_expected(folder, uncommitted);
	struct topic *t = open_topic(s, name);
	struct batch_view view;
	struct batch_cursor cursor;
	struct record record;
	struct reader *reader;
	int64_t start, end;
	size_t at = 0;
	int rc;

	topic_read_uncommitted(t, uncommitted);
	assert_ok(topic_bounds(t, p, &start, &end, NULL));
	assert_ok(topic_reader(t, p, &reader));
	reader_seek(reader, start);
	while ((rc = topic_read(t, p, end, &view)) == STATUS_OK) {
		assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
		while (batch_cursor_next(&cursor, &record) == STATUS_OK) {
			if (record.offset >= start)
				golden_assert_record(json_array_get(want, at++), &record);
		}
	}
	assert_status(rc, STATUS_END);
	assert_int_equal(at, json_array_size(want));
	topic_close(t);
	json_decref(want);
}

static void
assert_records(struct store *s, const char *name, int p, const char *folder)
{
	assert_records_as(s, name, p, folder, false);
	assert_records_as(s, name, p, folder, true);
}

/*
 * What becomes of Kafka's folders.
 */

static void
check_folder(struct store *s, const char *folder)
{
	char path[GOLDEN_PATH_BYTES];

	/* The three folders of one topic, and a partition 1 that has no 0 beside it. */
	if (strcmp(folder, "three-1") == 0 || strcmp(folder, "three-2") == 0 || strcmp(folder, "txn-1") == 0) {
		golden_path(path, folder, "");
		assert_int_equal(symlink(path, "moved-0"), 0);
		assert_ok(try_one(s, "orders", "moved-0/"));
		assert_int_equal(unlink("moved-0"), 0);
	} else {
		snprintf(path, sizeof(path), "/%s", folder);
		assert_ok(try_one(s, "orders", path));
	}
	assert_string_equal(topics(), "orders ");
	assert_records(s, "orders", 0, folder);
	assert_ok(catalog_delete(s, "orders", soon()));
}

static void
test_each_folder_that_kafka_wrote(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_folders); i++)
		check_folder(s, golden_folders[i]);
	for (size_t i = 0; i < COUNT_OF(golden_compressed); i++)
		check_folder(s, golden_compressed[i]);
	store_close(s);
}

static void
test_partitions_in_any_order(void **state)
{
	char zero[GOLDEN_PATH_BYTES], one[GOLDEN_PATH_BYTES], two[GOLDEN_PATH_BYTES];
	char *folders[] = {two, zero, one};
	struct store *s = open_store();
	struct topic *t;
	int count;

	(void)state;
	golden_path(zero, "three-0", "");
	golden_path(one, "three-1", "");
	golden_path(two, "three-2", "");
	assert_ok(try_import(s, "three", folders, 3));
	t = open_topic(s, "three");
	assert_ok(topic_partition_count(t, &count));
	assert_int_equal(count, 3);
	topic_close(t);
	assert_records(s, "three", 0, "three-0");
	assert_records(s, "three", 1, "three-1");
	assert_records(s, "three", 2, "three-2");
	store_close(s);
}

static void
test_the_folders_must_be_complete_and_once(void **state)
{
	char *gap[] = {(char *)"a-0", (char *)"a-3", (char *)"a-1"}, *twice[] = {(char *)"a-0", (char *)"b-0/"};
	static const char *const bad[] = {"a", "a-", "-0", "a-x", "a-1x", "a-0.1f-delete", "", ".", "a-+1", "a- 1", "a-100000"};
	struct store *s = open_store();

	(void)state;
	assert_status(try_import(s, "a", gap, 3), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "partition 2 is missing"));
	assert_status(try_import(s, "a", twice, 2), STATUS_USAGE);
	assert_non_null(strstr(status_message(), "partition 0 is given twice: "));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_status(try_one(s, "a", bad[i]), STATUS_USAGE);
	assert_status(try_one(s, "a", "nothing-0"), STATUS_MISSING);
	assert_int_equal(mkdir("empty-0", 0700), 0);
	assert_status(try_one(s, "a", "empty-0"), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "empty-0: no segment"));
	assert_string_equal(topics(), "");
	store_close(s);
}

static void
test_a_taken_name_is_found_before_anything_else(void **state)
{
	struct store *s = open_store();

	(void)state;
	assert_ok(try_one(s, "plain", "/plain-0"));
	assert_status(try_one(s, "plain", "nothing-0"), STATUS_EXISTS);
	assert_string_equal(status_message(), "plain: the topic exists already");
	assert_status(try_one(s, "-bad", "/plain-0"), STATUS_USAGE);
	store_close(s);
}

/* logwork.h's folder is "orders". */
static void
import_as_orders(struct store *s, const char *folder)
{
	assert_ok(try_one(s, "orders", folder));
	(void)unlink("orders");
	assert_int_equal(symlink("store/topics/orders", "orders"), 0);
}

/* Trusted at once, and recovered to the same after a boot and as a copy. */
static void
test_the_page_is_trusted(void **state)
{
	static const char *const folders[] = {"segs-0", "trimmed-0", "compacted-0", "txn-0", "epochs-0"};
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/%s", folders[i]);
		import_as_orders(s, path);
		assert_int_equal(peek(1, AT_GENERATION) % 2, 0);
		assert_records(s, "orders", 0, folders[i]);
		assert_int_equal(peek(1, AT_POISON), 0);
		for (int k = 0; k < 2; k++) {
			uint64_t end = peek(1, AT_SYNCED_END), epoch = peek(0, AT_LEADER_EPOCH),
				 generation = peek(1, AT_GENERATION);

			if (k == 0) {
				reboot();
			} else {
				assert_int_equal(
				    system("cp -r store/topics/orders c && rm -rf store/topics/orders && mv c store/topics/orders"),
				    0);
				generation = 0;
			}
			assert_records(s, "orders", 0, folders[i]);
			assert_int_equal(peek(1, AT_SYNCED_END), end);
			assert_int_equal(peek(0, AT_LEADER_EPOCH), epoch);
			assert_true(peek(1, AT_GENERATION) > generation);
			assert_int_equal(peek(1, AT_POISON), 0);
		}
		assert_ok(catalog_delete(s, "orders", soon()));
	}
	store_close(s);
}

static int
append_text(struct topic *t, const char *text, int64_t *offset)
{
	struct batch_builder b;
	struct record r = text_record(1000, NULL, text);
	int rc;

	batch_builder_init(&b, INT32_MAX);
	if ((rc = batch_add(&b, &r)) == STATUS_OK) {
		batch_seal(&b);
		rc = topic_append(t, 0, &b.bytes, soon(), offset);
	}
	batch_builder_free(&b);
	return rc;
}

static void
test_producers_go_on_in_the_greatest_epoch(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	struct epoch_list list;
	int64_t offset;
	int dir;

	(void)state;
	import_as_orders(s, "/epochs-0");
	assert_int_equal(peek(0, AT_LEADER_EPOCH), 4);
	t = open_topic(s, "orders");
	assert_ok(append_text(t, "more", &offset));
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_int_equal(offset, 15);
	topic_close(t);
	dir = open("orders/orders-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(epoch_list_read(dir, &list));
	close(dir);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.entries[2].epoch, 4);
	assert_int_equal(list.entries[2].start_offset, 10);
	epoch_list_free(&list);
	store_close(s);
}

static void
test_settings_are_those_that_were_given(void **state)
{
	char path[GOLDEN_PATH_BYTES], *folders[] = {path};
	struct import_order o = {.name = "plain", .folders = folders, .folder_count = 1, .lock_timeout_ms = PROC_PATIENCE_MS};
	struct store *s = open_store();
	struct topic *t;
	struct stat st;

	(void)state;
	golden_path(path, "plain-0", "");
	config_init(&o.config, 1);
	assert_ok(config_set(&o.config, "fsync", "never"));
	assert_ok(config_set(&o.config, "mode", "0640"));
	assert_ok(import_topic(s, &o));
	t = open_topic(s, "plain");
	assert_int_equal(topic_config(t)->log.fsync, FSYNC_NEVER);
	topic_close(t);
	assert_int_equal(stat("store/topics/plain/plain-0/00000000000000000000.log", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(stat("store/topics/plain/plain-0", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(stat("store/topics/plain/lock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(s);
}

/*
 * Folders as they may be.
 */

static void
copy_golden(const char *folder, const char *to)
{
	assert_int_equal(mkdir(to, 0700), 0);
	golden_copy(folder, to);
}

static void
test_the_originals_stay_as_they_are(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("live/plain-0", "plain-0");
	append_bytes("plain-0/00000000000000000000.log", "\0\0\0\0\1", 5);
	assert_int_equal(system("cp -a plain-0 before && chmod -R a-w plain-0"), 0);
	assert_ok(try_one(s, "plain", "plain-0"));
	assert_string_equal(told, "plain/0: the last 5 bytes, at offset 10, are no whole batch: left out|");
	assert_int_equal(system("chmod -R u+w plain-0 && diff -r plain-0 before && [ $(stat -c %h plain-0/*.log) = 1 ]"), 0);
	store_close(s);
}

static void
test_gaps_are_told(void **state)
{
	struct store *s = open_store();

	(void)state;
	assert_ok(try_one(s, "compacted", "/compacted-0"));
	assert_string_equal(told, "compacted/0: 1 gap, 107 offsets missing: compacted|");
	store_close(s);
}

static void
test_an_open_transaction_is_aborted(void **state)
{
	struct store *s = open_store();
	struct batch_builder b;
	struct topic *t;
	int64_t start, end;

	(void)state;
	copy_golden("plain-0", "plain-0");
	make_batch(&b,
	    &(struct batch_spec){.base_offset = 10,
		.count = 2,
		.has_producer = true,
		.producer_id = 5,
		.attributes = BATCH_TRANSACTIONAL});
	append_bytes("plain-0/00000000000000000000.log", b.bytes.data, b.bytes.len);
	batch_builder_free(&b);
	assert_ok(try_one(s, "plain", "plain-0"));
	assert_string_equal(told, "plain/0: 1 transaction open at the end: aborted|");
	t = open_topic(s, "plain");
	assert_ok(topic_bounds(t, 0, &start, &end, NULL));
	assert_int_equal(end, 13);
	topic_close(t);
	assert_int_equal(access("store/topics/plain/plain-0/00000000000000000000.txnindex", F_OK), 0);
	store_close(s);
}

static void
test_what_compaction_is_at_work_on_is_ignored(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("plain-0", "plain-0");
	unit_write("plain-0/00000000000000000000.log.cleaned", "half", 4);
	unit_write("plain-0/00000000000000000000.log.swap", "its log is there yet", 20);
	unit_write("plain-0/00000000000000000077.log.deleted", "gone", 4);
	unit_write("plain-0/77.log", "odd", 3);
	unit_write("plain-0/00000000000000000077.index", "odd", 3);
	assert_ok(try_one(s, "plain", "plain-0"));
	assert_records(s, "plain", 0, "plain-0");
	assert_int_equal(system("ls store/topics/plain/plain-0 | grep -c . | grep -qx 6"), 0);
	store_close(s);
}

static void
test_an_interrupted_compaction_is_the_brokers_to_finish(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("segs-0", "segs-0");
	assert_int_equal(rename("segs-0/00000000000000003303.log", "segs-0/00000000000000003303.log.swap"), 0);
	assert_status(try_one(s, "segs", "segs-0"), STATUS_IO);
	assert_non_null(strstr(status_message(), "segs-0: 00000000000000003303.log.swap: a compaction was interrupted"));
	assert_string_equal(topics(), "");
	store_close(s);
}

static void
test_links_and_folders_are_no_segments(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("plain-0", "plain-0");
	assert_int_equal(mkdir("plain-0/00000000000000000010.log", 0700), 0);
	assert_status(try_one(s, "plain", "plain-0"), STATUS_IO);
	assert_int_equal(rmdir("plain-0/00000000000000000010.log"), 0);
	assert_int_equal(symlink("00000000000000000000.log", "plain-0/00000000000000000010.log"), 0);
	assert_status(try_one(s, "plain", "plain-0"), STATUS_IO);
	assert_int_equal(unlink("plain-0/00000000000000000010.log"), 0);
	assert_ok(try_one(s, "plain", "plain-0"));
	store_close(s);
}

static void
test_damage_names_the_original(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("segs-0", "segs-0");
	flip_byte("segs-0/00000000000000003303.log", 5000);
	assert_status(try_one(s, "segs", "segs-0/"), STATUS_IO);
	assert_int_equal(strncmp(status_message(), "segs-0/: offset 3", 17), 0);
	assert_non_null(strstr(status_message(), ": 00000000000000003303.log at "));
	assert_non_null(strstr(status_message(), ": CRC is "));
	assert_string_equal(topics(), "");
	store_close(s);
}

static int64_t
start_of(struct store *s, const char *name)
{
	struct topic *t = open_topic(s, name);
	int64_t start, end;

	assert_ok(topic_bounds(t, 0, &start, &end, NULL));
	topic_close(t);
	assert_ok(catalog_delete(s, name, soon()));
	return start;
}

static void
test_the_log_starts_where_the_broker_says(void **state)
{
	struct store *s = open_store();

	(void)state;
	copy_golden("trimmed-0", "trimmed-0");
	/* The first line of leader-epoch-checkpoint alone. */
	assert_ok(try_one(s, "a", "trimmed-0"));
	assert_int_equal(start_of(s, "a"), 4000);
	assert_int_equal(unlink("trimmed-0/leader-epoch-checkpoint"), 0);
	assert_ok(try_one(s, "a", "trimmed-0"));
	assert_int_equal(start_of(s, "a"), 2508);
	/* The checkpoint beside it alone, if it names this partition. */
	unit_write("log-start-offset-checkpoint", "0\n2\ntrimmed 1 5000\ntrimmed 0 4000\n", 34);
	assert_ok(try_one(s, "a", "trimmed-0"));
	assert_int_equal(start_of(s, "a"), 4000);
	unit_write("log-start-offset-checkpoint", "0\n1\nother 0 4000\n", 17);
	assert_ok(try_one(s, "a", "trimmed-0"));
	assert_int_equal(start_of(s, "a"), 2508);
	unit_write("log-start-offset-checkpoint", "0\n1\ntrimmed 0 6001\n", 19);
	assert_status(try_one(s, "a", "trimmed-0"), STATUS_IO);
	assert_non_null(strstr(status_message(), "trimmed-0: its log start offset is 6001"));
	unit_write("log-start-offset-checkpoint", "garbage", 7);
	assert_status(try_one(s, "a", "trimmed-0"), STATUS_IO);
	store_close(s);
}

/* A broker that runs: whatever happens to the folder happens while the first segment is verified or copied. */
static struct {
	const char *remove, *make;
} busy;

static int
on_progress(void *arg, int64_t records, int64_t bytes)
{
	(void)arg;
	(void)records;
	(void)bytes;
	if (busy.remove != NULL)
		(void)unlink(busy.remove);
	if (busy.make != NULL)
		unit_write(busy.make, "", 0);
	return STATUS_OK;
}

static int
import_beside_a_broker(struct store *s, const char *remove, const char *make)
{
	char *folders[] = {(char *)"segs-0"};
	struct import_order o = {.name = "segs", .folders = folders, .folder_count = 1, .progress = on_progress};
	int rc;

	config_init(&o.config, 1);
	o.lock_timeout_ms = PROC_PATIENCE_MS;
	assert_int_equal(system("rm -rf segs-0"), 0);
	copy_golden("segs-0", "segs-0");
	busy.remove = remove;
	busy.make = make;
	rc = import_topic(s, &o);
	if (rc == STATUS_OK)
		assert_ok(catalog_delete(s, "segs", soon()));
	assert_string_equal(topics(), "");
	return rc;
}

static void
test_a_folder_that_changes_under_us(void **state)
{
	struct store *s = open_store();

	(void)state;
	assert_status(import_beside_a_broker(s, "segs-0/00000000000000006603.log", NULL), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "00000000000000006603.log: was removed meanwhile"));
	/* The first is copied already. */
	assert_ok(import_beside_a_broker(s, "segs-0/00000000000000000000.log", NULL));
	/* A new segment behind the last is none of ours; one between is one that we did not see. */
	assert_ok(import_beside_a_broker(s, NULL, "segs-0/00000000000000009000.log"));
	assert_status(import_beside_a_broker(s, NULL, "segs-0/00000000000000004000.log"), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "segs-0: changed while it was copied"));
	store_close(s);
}

static int
stop(void *arg, int64_t records, int64_t bytes)
{
	const int64_t *most = arg;

	(void)bytes;
	return records > *most ? status_fail(STATUS_AGAIN, "stopped") : STATUS_OK;
}

static void
test_who_asks_may_stop_it(void **state)
{
	char path[GOLDEN_PATH_BYTES], *folders[] = {path};
	struct import_order o = {.name = "segs", .folders = folders, .folder_count = 1, .lock_timeout_ms = PROC_PATIENCE_MS};
	struct store *s = open_store();
	int64_t most;

	(void)state;
	golden_path(path, "segs-0", "");
	config_init(&o.config, 1);
	o.progress = stop;
	o.arg = &most;
	for (most = -1; most < 5000; most += 2000) {
		assert_status(import_topic(s, &o), STATUS_AGAIN);
		assert_non_null(strstr(status_message(), "stopped"));
		assert_string_equal(topics(), "");
	}
	store_close(s);
}

/*
 * The hidden folder.
 */

static const struct file_access plain_access = {.mode = 0600, .gid = (gid_t)-1};

static void
create(struct store *s, const char *name)
{
	struct config config;

	config_init(&config, 1);
	assert_ok(catalog_create(s, name, &config, soon()));
}

static void
test_a_draft_lives_as_long_as_its_maker(void **state)
{
	struct store *s = open_store();
	struct catalog_draft d;

	(void)state;
	assert_ok(catalog_begin(s, "orders", &plain_access, soon(), &d));
	assert_false(catalog_has(s, "orders"));
	create(s, "other"); /* the store is not locked, and the draft is not removed */
	assert_ok(catalog_delete(s, "other", soon()));
	assert_int_equal(topics()[0], '%');
	catalog_abandon(s, &d);
	assert_string_equal(topics(), "");
	catalog_abandon(s, &d); /* once more is nothing */
	store_close(s);
}

static int
begin_and_die(void *arg)
{
	struct catalog_draft d;
	struct store *s;

	(void)arg;
	if (store_open("store", &s) != STATUS_OK || catalog_begin(s, "orders", &plain_access, soon(), &d) != STATUS_OK)
		return 1;
	_exit(0);
}

static void
test_the_draft_of_a_dead_maker_is_removed(void **state)
{
	struct store *s = open_store();

	(void)state;
	assert_int_equal(proc_run(begin_and_die, NULL), 0);
	assert_int_equal(topics()[0], '%');
	create(s, "other");
	assert_string_equal(topics(), "other ");
	assert_int_equal(proc_run(begin_and_die, NULL), 0);
	assert_ok(catalog_delete(s, "other", soon()));
	assert_string_equal(topics(), "");
	/* Killed before it had its lock. */
	assert_int_equal(mkdir("store/topics/%0123456789abcdef", 0700), 0);
	assert_ok(try_one(s, "plain", "/plain-0"));
	assert_string_equal(topics(), "plain ");
	store_close(s);
}

static void
test_of_two_with_one_name_the_first_has_it(void **state)
{
	struct store *s = open_store();
	struct catalog_draft d;

	(void)state;
	assert_ok(catalog_begin(s, "orders", &plain_access, soon(), &d));
	create(s, "orders");
	assert_status(catalog_commit(s, &d, soon()), STATUS_EXISTS);
	catalog_abandon(s, &d);
	assert_string_equal(topics(), "orders ");
	store_close(s);
}

/*
 * Failures: nothing is left, and the next import works.
 */

static void
check_after_failure(struct store *s)
{
	const char *left = topics();

	/* What could not be removed either is hidden; the next one removes it. */
	if (strcmp(left, "orders ") == 0)
		assert_ok(catalog_delete(s, "orders", soon()));
	else
		assert_true(left[0] == '\0' || left[0] == '%');
	assert_ok(try_one(s, "orders", "/txn-0"));
	assert_string_equal(topics(), "orders ");
	assert_ok(catalog_delete(s, "orders", soon()));
}

static void
test_every_failing_call_is_told(void **state)
{
	static const int errors[] = {EIO, ENOSPC};
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		for (long k = 1;; k += i == 0 ? 1 : 4) {
			int rc;

			iofault_at(k, errors[i], NULL);
			rc = try_one(s, "orders", "/txn-0");
			if (iofault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 40);
				assert_ok(catalog_delete(s, "orders", soon()));
				break;
			}
			assert_true(rc == STATUS_IO || (rc == STATUS_AGAIN && errors[i] == ENOSPC));
			check_after_failure(s);
		}
	}
	store_close(s);
}

static void
test_no_room_is_a_reason_to_try_again(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		iofault_at(k, ENOSPC, "pwrite");
		rc = try_one(s, "orders", "/txn-0");
		if (iofault_off() == 0)
			break;
		assert_status(rc, STATUS_AGAIN);
		assert_string_equal(topics(), "");
	}
	iofault_at(1, ENOSPC, "copy_file_range");
	assert_status(try_one(s, "other", "/txn-0"), STATUS_AGAIN);
	assert_int_equal(iofault_off(), 1);
	store_close(s);
}

static void
test_every_failing_read_is_told(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		readfault_at(k);
		rc = try_one(s, "orders", "/txn-0");
		if (readfault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 5);
			break;
		}
		assert_status(rc, STATUS_IO);
		assert_string_equal(topics(), "");
	}
	store_close(s);
}

static void
test_out_of_memory(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = try_one(s, "orders", "/txn-0");
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			assert_true(n > 10);
			break;
		}
		/* What is only looked at, whether a maker lives, may stay unknown. */
		assert_true(rc == STATUS_AGAIN || rc == STATUS_OK);
		check_after_failure(s);
	}
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_each_folder_that_kafka_wrote),
	    unit_test(test_partitions_in_any_order),
	    unit_test(test_the_folders_must_be_complete_and_once),
	    unit_test(test_a_taken_name_is_found_before_anything_else),
	    unit_test(test_the_page_is_trusted),
	    unit_test(test_producers_go_on_in_the_greatest_epoch),
	    unit_test(test_settings_are_those_that_were_given),
	    unit_test(test_the_originals_stay_as_they_are),
	    unit_test(test_gaps_are_told),
	    unit_test(test_an_open_transaction_is_aborted),
	    unit_test(test_what_compaction_is_at_work_on_is_ignored),
	    unit_test(test_an_interrupted_compaction_is_the_brokers_to_finish),
	    unit_test(test_links_and_folders_are_no_segments),
	    unit_test(test_damage_names_the_original),
	    unit_test(test_the_log_starts_where_the_broker_says),
	    unit_test(test_a_folder_that_changes_under_us),
	    unit_test(test_who_asks_may_stop_it),
	    unit_test(test_a_draft_lives_as_long_as_its_maker),
	    unit_test(test_the_draft_of_a_dead_maker_is_removed),
	    unit_test(test_of_two_with_one_name_the_first_has_it),
	    unit_test(test_every_failing_call_is_told),
	    unit_test(test_no_room_is_a_reason_to_try_again),
	    unit_test(test_every_failing_read_is_told),
	    unit_test(test_out_of_memory),
	};

	golden_find();
	return unit_run(tests);
}

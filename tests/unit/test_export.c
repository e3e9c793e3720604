#include "store/export.h"

#include "golden.h"
#include "iofault.h"
#include "log/epoch.h"
#include "logwork.h"
#include "readfault.h"
#include "store/catalog.h"
#include "store/import.h"
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

static struct topic *
open_topic(struct store *s, const char *name)
{
	struct topic *t;

	assert_ok(topic_open(s, name, &t));
	return t;
}

static int
import_path(struct store *s, const char *name, const char *path)
{
	char *folders[] = {(char *)(uintptr_t)path};
	struct import_order o = {.name = name, .folders = folders, .folder_count = 1, .lock_timeout_ms = PROC_PATIENCE_MS};

	config_init(&o.config, 1);
	return import_topic(s, &o);
}

/* Folder "segs-0" of Kafka's becomes topic "segs". */
static struct topic *
import_golden(struct store *s, const char *folder, const char *name)
{
	char path[GOLDEN_PATH_BYTES], moved[64];

	golden_path(path, folder, "");
	snprintf(moved, sizeof(moved), "moved-%s-0", name);
	assert_int_equal(symlink(path, moved), 0);
	assert_ok(import_path(s, name, moved));
	assert_int_equal(unlink(moved), 0);
	return open_topic(s, name);
}

static int
try_export(struct topic *t, const char *folder)
{
	struct export_order o = {.folder = folder, .access = {.mode = 0644, .gid = (gid_t)-1}};

	return export_topic(t, &o);
}

/* What lies in a folder, sorted, each name followed by a space. */
static const char *
listed(const char *folder)
{
	static char text[8192];
	char command[256];
	size_t got;
	FILE *f;

	snprintf(command, sizeof(command), "ls -A %s 2>/dev/null | tr '\\n' ' '", folder);
	assert_non_null(f = popen(command, "r"));
	got = fread(text, 1, sizeof(text) - 1, f);
	text[got] = '\0';
	pclose(f);
	return text;
}

static void
assert_text(const char *path, const char *want)
{
	size_t len;
	char *text = unit_read(path, &len);

	assert_string_equal(text, want);
	free(text);
}

/* Append one record. */
static void
put_text(struct topic *t, const char *text)
{
	struct batch_builder b;
	struct record r = text_record(1000, NULL, text);
	int64_t offset;

	batch_builder_init(&b, INT32_MAX);
	assert_ok(batch_add(&b, &r));
	batch_seal(&b);
	assert_ok(topic_append(t, 0, &b.bytes, soon(), &offset));
	batch_builder_free(&b);
}

static struct topic *
make_topic(struct store *s, const char *words, const char *segment_bytes)
{
	char copy[1024], *rest = copy, *word;
	struct config config;
	struct topic *t;

	config_init(&config, 1);
	assert_ok(config_set(&config, "segment.bytes", segment_bytes));
	assert_ok(catalog_create(s, "orders", &config, soon()));
	t = open_topic(s, "orders");
	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) != NULL) {
		if (*word != '\0')
			put_text(t, word);
	}
	assert_ok(topic_flush(t, 0, true, soon()));
	if (symlink("store/topics/orders", "orders") != 0)
		assert_int_equal(errno, EEXIST);
	return t;
}

/* The values in an exported folder, "0=a 1=b", as an import of it reads them. */
static const char *
values_in(const char *path)
{
	static char text[4096];
	struct store *s;
	struct topic *t;
	struct batch_view view;
	struct batch_cursor cursor;
	struct record record;
	struct reader *reader;
	int64_t start, end;
	size_t at = 0;

	assert_ok(store_open_or_make("other", soon(), &s));
	assert_ok(import_path(s, "values", path));
	t = open_topic(s, "values");
	assert_ok(topic_bounds(t, 0, &start, &end, NULL));
	assert_ok(topic_reader(t, 0, &reader));
	reader_seek(reader, start);
	text[0] = '\0';
	while (topic_read(t, 0, end, &view) == STATUS_OK) {
		assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
		while (batch_cursor_next(&cursor, &record) == STATUS_OK)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld=%.*s", at > 0 ? " " : "",
			    (long long)record.offset, record.value_len, (const char *)record.value);
	}
	topic_close(t);
	assert_ok(catalog_delete(s, "values", soon()));
	store_close(s);
	return text;
}

/*
 * What Kafka wrote comes back.
 */

/* Batch by batch the same but for the leader epoch. */
static void
assert_same_segment(const char *ours, const char *kafkas)
{
	size_t len, want_len;
	uint8_t *a = (uint8_t *)unit_read(ours, &len), *b = (uint8_t *)unit_read(kafkas, &want_len);
	struct batch_header h;

	assert_int_equal(len, want_len);
	for (size_t at = 0; at < len; at += (size_t)batch_bytes(&h)) {
		h = header_of(b + at);
		batch_set_place(b + at, h.base_offset, 0);
	}
	assert_memory_equal(a, b, len);
	free(a);
	free(b);
}

static void
check_segment(const char *folder, const char *name)
{
	char ours[512], kafkas[GOLDEN_PATH_BYTES];
	int64_t base;

	golden_path(kafkas, folder, name);
	snprintf(ours, sizeof(ours), "out/t-0/%s", name);
	if (segment_parse_name(name, SUFFIX_LOG, &base)) {
		assert_same_segment(ours, kafkas);
	} else if (segment_parse_name(name, SUFFIX_INDEX, &base) || segment_parse_name(name, SUFFIX_TIMEINDEX, &base) ||
	    segment_parse_name(name, SUFFIX_TXNINDEX, &base)) {
		char command[GOLDEN_PATH_BYTES + 600];

		snprintf(command, sizeof(command), "cmp %s %s", ours, kafkas);
		assert_int_equal(system(command), 0);
	}
}

static void
check_folder(struct store *s, const char *folder)
{
	struct topic *t = import_golden(s, folder, "t");
	char path[GOLDEN_PATH_BYTES], want[128];
	const struct dirent *entry;
	DIR *dir;

	assert_ok(try_export(t, "out"));
	golden_path(path, folder, "");
	assert_non_null(dir = opendir(path));
	while (strcmp(folder, "trimmed-0") != 0 && strncmp(folder, "live/", 5) != 0 && (entry = readdir(dir)) != NULL)
		check_segment(folder, entry->d_name);
	closedir(dir);
	snprintf(want, sizeof(want), "0\n1\n0 %d\n", strcmp(folder, "trimmed-0") == 0 ? 4000 : 0);
	assert_text("out/t-0/" EPOCH_CHECKPOINT, want);
	snprintf(want, sizeof(want), "version: 0\ntopic_id: %s", topic_config(t)->topic_id);
	assert_text("out/t-0/" PARTITION_METADATA, want);
	topic_close(t);
	assert_ok(catalog_delete(s, "t", soon()));
	assert_int_equal(system("rm -r out"), 0);
}

static void
test_each_folder_that_kafka_wrote_comes_back(void **state)
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
test_the_first_segment_begins_with_the_batch_of_the_log_start(void **state)
{
	struct store *s = open_store();
	struct topic *t = import_golden(s, "trimmed-0", "t");
	struct batch_header h;
	size_t len;
	char *bytes;

	(void)state;
	assert_ok(try_export(t, "out"));
	assert_int_equal(strncmp(listed("out/t-0"), "00000000000000003990.index 00000000000000003990.log ", 52), 0);
	bytes = unit_read("out/t-0/00000000000000003990.log", &len);
	h = header_of((const uint8_t *)bytes);
	free(bytes);
	assert_int_equal(h.base_offset, 3990);
	assert_true(batch_end_offset(&h) > 4000);
	topic_close(t);
	/* And where the log begins comes back with it. */
	assert_ok(import_path(s, "again", "out/t-0"));
	t = open_topic(s, "again");
	{
		int64_t start, end;

		assert_ok(topic_bounds(t, 0, &start, &end, NULL));
		assert_int_equal(start, 4000);
		assert_int_equal(end, 6000);
	}
	topic_close(t);
	store_close(s);
}

/*
 * Our own.
 */

static void
test_a_log_is_exported_as_it_is(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c", "14");

	(void)state;
	assert_ok(try_export(t, "some/where/out"));
	assert_string_equal(listed("some/where/out"), "orders-0 ");
	assert_string_equal(listed("some/where/out/orders-0"),
	    "00000000000000000000.index 00000000000000000000.log 00000000000000000000.timeindex "
	    "00000000000000000001.index 00000000000000000001.log 00000000000000000001.snapshot 00000000000000000001.timeindex "
	    "00000000000000000002.index 00000000000000000002.log 00000000000000000002.snapshot 00000000000000000002.timeindex "
	    "00000000000000000003.index 00000000000000000003.log 00000000000000000003.snapshot 00000000000000000003.timeindex "
	    "leader-epoch-checkpoint partition.metadata ");
	assert_int_equal(size_of_file("some/where/out/orders-0/00000000000000000003.log"), 0);
	assert_string_equal(values_in("some/where/out/orders-0"), "0=a 1=b 2=c");
	topic_close(t);
	store_close(s);
}

static void
test_an_empty_topic_is_an_empty_segment(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "", "1000");

	(void)state;
	assert_ok(try_export(t, "out"));
	assert_string_equal(listed("out/orders-0"),
	    "00000000000000000000.index 00000000000000000000.log 00000000000000000000.timeindex partition.metadata ");
	put_text(t, "a");
	put_text(t, "b");
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_ok(topic_trim(t, 0, 2, soon()));
	assert_ok(try_export(t, "trimmed"));
	assert_string_equal(listed("trimmed/orders-0"),
	    "00000000000000000002.index 00000000000000000002.log 00000000000000000002.snapshot 00000000000000000002.timeindex "
	    "partition.metadata ");
	topic_close(t);
	store_close(s);
}

static void
test_epochs_become_zero(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "1000");
	struct batch_header h;
	size_t len;
	char *bytes;

	(void)state;
	poke(0, AT_LEADER_EPOCH, 5);
	put_text(t, "c");
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_ok(try_export(t, "out"));
	bytes = unit_read("out/orders-0/00000000000000000000.log", &len);
	for (size_t at = 0; at < len; at += (size_t)batch_bytes(&h)) {
		h = header_of((const uint8_t *)bytes + at);
		assert_int_equal(h.leader_epoch, 0);
		assert_ok(batch_check_crc((const uint8_t *)bytes + at, &h));
	}
	assert_text("out/orders-0/" EPOCH_CHECKPOINT, "0\n1\n0 0\n");
	free(bytes);
	topic_close(t);
	store_close(s);
}

static void
test_the_id_that_is_asked_for(void **state)
{
	struct export_order o = {.folder = "out", .topic_id = "AAAAAAAAQAGAAAAAAAAAAQ", .access = {.mode = 0640, .gid = (gid_t)-1}};
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a", "1000");
	struct stat st;

	(void)state;
	assert_ok(export_topic(t, &o));
	assert_text("out/orders-0/" PARTITION_METADATA, "version: 0\ntopic_id: AAAAAAAAQAGAAAAAAAAAAQ");
	assert_int_equal(stat("out/orders-0", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(stat("out/orders-0/00000000000000000000.log", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	topic_close(t);
	store_close(s);
}

/* In another cluster their ids are others'. */
static void
test_producers_are_forgotten(void **state)
{
	static const char *const names[] = {"00000000000000000004.snapshot", "00000000000000000011.snapshot"};
	struct store *s = open_store();
	struct topic *t = import_golden(s, "txn-0", "t");

	(void)state;
	assert_ok(try_export(t, "out"));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "out/t-0/%s", names[i]);
		assert_int_equal(size_of_file(path), SNAPSHOT_HEADER_BYTES);
	}
	topic_close(t);
	store_close(s);
}

static void
test_what_is_taken_stays(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	struct config config;

	(void)state;
	config_init(&config, 3);
	assert_ok(catalog_create(s, "three", &config, soon()));
	t = open_topic(s, "three");
	assert_int_equal(mkdir("out", 0700), 0);
	unit_write("out/three-2", "", 0);
	assert_status(try_export(t, "out"), STATUS_EXISTS);
	assert_string_equal(status_message(), "out/three-2: exists already");
	assert_string_equal(listed("out"), "three-2 ");
	unit_write("file", "", 0);
	assert_status(try_export(t, "file"), STATUS_EXISTS);
	assert_int_equal(unlink("out/three-2"), 0);
	assert_ok(try_export(t, "out"));
	assert_string_equal(listed("out"), "three-0 three-1 three-2 ");
	topic_close(t);
	store_close(s);
}

/*
 * A log that changes.
 */

static struct {
	struct topic *topic;
	const char *append;
	int64_t trim; /* up to this, 0: not */
	bool rebuild;
	int times; /* how often it is left to happen */
} other;

static int
on_progress(void *arg, int64_t records, int64_t bytes)
{
	(void)arg;
	(void)records;
	if (bytes == 0 || other.times-- <= 0)
		return STATUS_OK;
	if (other.append != NULL) {
		put_text(other.topic, other.append);
		assert_ok(topic_flush(other.topic, 0, true, soon()));
	}
	if (other.trim > 0)
		assert_ok(topic_trim(other.topic, 0, other.trim, soon()));
	if (other.rebuild) {
		int64_t start, end;

		reboot();
		assert_ok(topic_bounds(other.topic, 0, &start, &end, NULL));
	}
	return STATUS_OK;
}

static int
export_beside(struct topic *t)
{
	struct export_order o = {.folder = "out", .access = {.mode = 0644, .gid = (gid_t)-1}, .progress = on_progress};

	other.topic = t;
	return export_topic(t, &o);
}

static void
test_what_is_appended_meanwhile_is_left_out(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c", "14");

	(void)state;
	other.append = "later";
	other.times = 3;
	assert_ok(export_beside(t));
	other.append = NULL;
	assert_string_equal(values_in("out/orders-0"), "0=a 1=b 2=c");
	topic_close(t);
	store_close(s);
}

static void
test_what_is_trimmed_meanwhile_is_begun_again(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c d", "14");

	(void)state;
	other.trim = 3;
	other.times = 1;
	assert_ok(export_beside(t));
	assert_string_equal(values_in("out/orders-0"), "3=d");
	topic_close(t);
	assert_int_equal(system("rm -r out"), 0);
	/* Beyond the end that was pinned. */
	assert_ok(catalog_delete(s, "orders", soon()));
	t = make_topic(s, "a b c d", "14");
	other.append = "e";
	other.trim = 5;
	other.times = 1;
	assert_ok(export_beside(t));
	other.append = NULL;
	other.trim = 0;
	assert_string_equal(values_in("out/orders-0"), "");
	topic_close(t);
	store_close(s);
}

static void
test_what_is_rebuilt_meanwhile_is_begun_again(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c d", "14");

	(void)state;
	other.rebuild = true;
	other.times = 2;
	assert_ok(export_beside(t));
	assert_string_equal(values_in("out/orders-0"), "0=a 1=b 2=c 3=d");
	assert_int_equal(system("rm -r out"), 0);
	other.times = 1000;
	assert_status(export_beside(t), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "faster than it can be copied"));
	assert_string_equal(listed("out"), "");
	other.rebuild = false;
	topic_close(t);
	store_close(s);
}

static void
test_what_is_not_readable_yet_is_left_out(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "1000");

	(void)state;
	put_text(t, "unsynced");
	append_bytes("orders/orders-0/00000000000000000000.log", "half a batch", 12);
	poke(1, AT_APPENDER, 1);
	assert_ok(try_export(t, "out"));
	assert_string_equal(values_in("out/orders-0"), "0=a 1=b");
	topic_close(t);
	store_close(s);
}

/*
 * Damage.
 */

static void
test_damage_is_named_and_nothing_is_left(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c d", "14");

	(void)state;
	flip_byte("orders/orders-0/00000000000000000002.log", 63);
	assert_status(try_export(t, "out"), STATUS_IO);
	assert_int_equal(strncmp(status_message(), "orders/0: offset 2: 00000000000000000002.log at 0: CRC is ", 58), 0);
	assert_string_equal(listed("out"), "");
	flip_byte("orders/orders-0/00000000000000000002.log", 63);
	assert_int_equal(rename("orders/orders-0/00000000000000000002.log", "kept"), 0);
	assert_status(try_export(t, "out"), STATUS_IO);
	assert_string_equal(listed("out"), "");
	assert_int_equal(rename("kept", "orders/orders-0/00000000000000000002.log"), 0);
	assert_int_equal(unlink("orders/orders-0/00000000000000000000.log"), 0);
	assert_status(try_export(t, "out"), STATUS_IO);
	topic_close(t);
	store_close(s);
}

/* Its CRC is right, so only a look at the records finds it. */
static void
test_records_are_verified(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a", "1000");
	size_t len;
	uint8_t *bytes = (uint8_t *)unit_read("orders/orders-0/00000000000000000000.log", &len);

	(void)state;
	bytes[BATCH_HEADER_BYTES] ^= 2; /* the record's length */
	batch_fix_crc(bytes);
	unit_write("orders/orders-0/00000000000000000000.log", bytes, len);
	free(bytes);
	assert_status(try_export(t, "out"), STATUS_IO);
	assert_int_equal(strncmp(status_message(), "orders/0: offset 0: 00000000000000000000.log at 0: ", 51), 0);
	assert_string_equal(listed("out"), "");
	topic_close(t);
	store_close(s);
}

static void
test_a_damaged_partition_is_not_exported(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "1000");

	(void)state;
	flip_byte("orders/orders-0/00000000000000000000.log", size_of_file("orders/orders-0/00000000000000000000.log") - 2);
	reboot();
	assert_status(try_export(t, "out"), STATUS_IO);
	assert_non_null(strstr(status_message(), "orders/0: damaged: it can be read up to offset 1 only"));
	topic_close(t);
	store_close(s);
}

/*
 * Failures: nothing is left, and the next one works.
 */

static void
check_after_failure(struct topic *t)
{
	char drafts[256];

	/* What could not be removed either looks like what a broker is about to remove. */
	snprintf(drafts, sizeof(drafts), "%s", listed("out"));
	assert_null(strstr(drafts, "orders-0 "));
	assert_int_equal(system("rm -rf out"), 0);
	assert_ok(try_export(t, "out"));
	assert_string_equal(listed("out"), "orders-0 ");
	assert_int_equal(system("rm -r out"), 0);
}

static void
test_every_failing_call_is_told(void **state)
{
	static const int errors[] = {EIO, ENOSPC};
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "14");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		for (long k = 1;; k++) {
			int rc;

			iofault_at(k, errors[i], NULL);
			rc = try_export(t, "out");
			if (iofault_off() == 0) {
				assert_ok(rc);
				assert_true(k > 20);
				assert_int_equal(system("rm -r out"), 0);
				break;
			}
			assert_true(rc == STATUS_IO || (rc == STATUS_AGAIN && errors[i] == ENOSPC));
			if (listed("out")[0] == '\0' || strstr(listed("out"), "orders-0 ") == NULL)
				check_after_failure(t);
			else
				assert_int_equal(system("rm -r out"), 0); /* its name could not be taken from it again */
		}
	}
	topic_close(t);
	store_close(s);
}

static void
test_every_failing_read_is_told(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "14");

	(void)state;
	for (long k = 1;; k++) {
		int rc;

		readfault_at(k);
		rc = try_export(t, "out");
		if (readfault_off() == 0) {
			assert_ok(rc);
			assert_true(k > 3);
			break;
		}
		assert_status(rc, STATUS_IO);
		check_after_failure(t);
	}
	topic_close(t);
	store_close(s);
}

static void
test_out_of_memory(void **state)
{
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b", "14");

	(void)state;
	for (long n = 0;; n++) {
		int rc;

		unit_oom_after(n);
		rc = try_export(t, "out");
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			assert_true(n > 5);
			break;
		}
		assert_status(rc, STATUS_AGAIN);
		check_after_failure(t);
	}
	topic_close(t);
	store_close(s);
}

static int
stop(void *arg, int64_t records, int64_t bytes)
{
	(void)arg;
	(void)bytes;
	return records > 1 ? status_fail(STATUS_AGAIN, "stopped") : STATUS_OK;
}

static void
test_who_asks_may_stop_it(void **state)
{
	struct export_order o = {.folder = "out", .access = {.mode = 0644, .gid = (gid_t)-1}, .progress = stop};
	struct store *s = open_store();
	struct topic *t = make_topic(s, "a b c", "14");

	(void)state;
	assert_status(export_topic(t, &o), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "stopped"));
	assert_string_equal(listed("out"), "");
	topic_close(t);
	store_close(s);
}

static void
test_long_names_have_drafts_too(void **state)
{
	char name[250];
	struct store *s = open_store();
	struct config config;
	struct topic *t;

	(void)state;
	memset(name, 'n', 249);
	name[249] = '\0';
	config_init(&config, 2);
	assert_ok(catalog_create(s, name, &config, soon()));
	t = open_topic(s, name);
	assert_ok(try_export(t, "out"));
	assert_int_equal(strlen(listed("out")), 2 * (249 + 3));
	topic_close(t);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_each_folder_that_kafka_wrote_comes_back),
	    unit_test(test_the_first_segment_begins_with_the_batch_of_the_log_start),
	    unit_test(test_a_log_is_exported_as_it_is),
	    unit_test(test_an_empty_topic_is_an_empty_segment),
	    unit_test(test_epochs_become_zero),
	    unit_test(test_the_id_that_is_asked_for),
	    unit_test(test_producers_are_forgotten),
	    unit_test(test_what_is_taken_stays),
	    unit_test(test_what_is_appended_meanwhile_is_left_out),
	    unit_test(test_what_is_trimmed_meanwhile_is_begun_again),
	    unit_test(test_what_is_rebuilt_meanwhile_is_begun_again),
	    unit_test(test_what_is_not_readable_yet_is_left_out),
	    unit_test(test_damage_is_named_and_nothing_is_left),
	    unit_test(test_records_are_verified),
	    unit_test(test_a_damaged_partition_is_not_exported),
	    unit_test(test_every_failing_call_is_told),
	    unit_test(test_every_failing_read_is_told),
	    unit_test(test_out_of_memory),
	    unit_test(test_who_asks_may_stop_it),
	    unit_test(test_long_names_have_drafts_too),
	};

	golden_find();
	return unit_run(tests);
}

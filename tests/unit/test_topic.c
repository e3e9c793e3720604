#include "store/catalog.h"
#include "store/topic.h"

#include <sys/resource.h>

#include "iofault.h"
#include "log/recover.h"
#include "logwork.h"
#include "store/state.h"

/* The topic is always store/topics/orders, where logwork.h looks for it as "orders". */
static struct store *
open_store(void)
{
	struct store *s;

	assert_ok(store_open_or_make("store", clock_deadline(PROC_PATIENCE_MS), &s));
	if (symlink("store/topics/orders", "orders") != 0)
		assert_int_equal(errno, EEXIST);
	return s;
}

static int64_t
soon(void)
{
	return clock_deadline(PROC_PATIENCE_MS);
}

static void
create(struct store *s, int partitions, const char *fsync)
{
	struct config config;

	config_init(&config, partitions);
	assert_ok(config_set(&config, "fsync", fsync));
	assert_ok(catalog_create(s, "orders", &config, soon()));
}

static struct topic *
open_topic(struct store *s)
{
	struct topic *t;

	assert_ok(topic_open(s, "orders", &t));
	return t;
}

static int
put(struct topic *t, int p, const char *text)
{
	struct batch_builder b;
	struct record r = text_record(1000, NULL, text);
	int64_t offset;
	int rc;

	batch_builder_init(&b, INT32_MAX);
	if ((rc = batch_add(&b, &r)) == STATUS_OK) {
		batch_seal(&b);
		rc = topic_append(t, p, &b.bytes, soon(), &offset);
	}
	batch_builder_free(&b);
	return rc;
}

/* As read_all of logwork.h, of any partition; valid until the next call. */
static const char *
see(struct topic *t, int p)
{
	static char text[4096];
	struct batch_view view;
	struct batch_cursor cursor;
	struct record record;
	struct reader *reader;
	int64_t start, end;
	size_t at = 0;
	int rc;

	text[0] = '\0';
	if ((rc = topic_bounds(t, p, &start, &end, NULL)) == STATUS_OK && (rc = topic_reader(t, p, &reader)) == STATUS_OK) {
		reader_seek(reader, start);
		while ((rc = topic_read(t, p, end, &view)) == STATUS_OK) {
			assert_ok(batch_cursor_init(&cursor, view.bytes, &view.header));
			while (batch_cursor_next(&cursor, &record) == STATUS_OK && at < sizeof(text) - 100)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld=%.*s", at > 0 ? " " : "",
				    (long long)record.offset, record.value_len, (const char *)record.value);
		}
	}
	if (rc != STATUS_END)
		snprintf(text, sizeof(text), "status %d", rc);
	return text;
}

/*
 * Making and removing.
 */

static void
test_made_and_removed(void **state)
{
	struct store *s = open_store();
	struct config config;
	struct topic *t;

	(void)state;
	assert_false(catalog_has(s, "orders"));
	assert_status(topic_open(s, "orders", &t), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "mq-topic create orders"));
	create(s, 2, "always");
	assert_true(catalog_has(s, "orders"));
	config_init(&config, 1);
	assert_status(catalog_create(s, "orders", &config, soon()), STATUS_EXISTS);
	t = open_topic(s);
	assert_string_equal(topic_name(t), "orders");
	assert_true(topic_writable(t));
	assert_int_equal(topic_config(t)->partitions, 2);
	topic_close(t);
	assert_ok(catalog_delete(s, "orders", soon()));
	assert_false(catalog_has(s, "orders"));
	assert_status(catalog_delete(s, "orders", soon()), STATUS_MISSING);
	assert_int_equal(count_entries("store/topics"), 0);
	create(s, 1, "always");
	topic_close(NULL);
	store_close(s);
}

static void
test_names_that_cannot_be(void **state)
{
	static const char *const bad[] = {"", ".", "..", "-x", "a/b", "%orders", "a b", "\xc3\xa4"};
	struct store *s = open_store();
	struct config config;
	struct topic *t;

	(void)state;
	config_init(&config, 1);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_status(catalog_create(s, bad[i], &config, soon()), STATUS_USAGE);
		assert_status(topic_open(s, bad[i], &t), STATUS_USAGE);
		assert_status(catalog_delete(s, bad[i], soon()), STATUS_USAGE);
		assert_false(catalog_has(s, bad[i]));
	}
	assert_int_equal(count_entries("store/topics"), 0);
	store_close(s);
}

static int
create_it(void)
{
	struct store *s = open_store();
	struct config config;

	config_init(&config, 2);
	return catalog_create(s, "orders", &config, soon()) == STATUS_OK ? 0 : 1;
}

static int
delete_it(void)
{
	return catalog_delete(open_store(), "orders", soon()) == STATUS_OK ? 0 : 1;
}

static void
test_a_create_that_dies_leaves_a_whole_topic_or_none(void **state)
{
	static const struct {
		const char *point;
		bool made;
	} deaths[] = {{"layout.partition", false}, {"layout.partition:2", false}, {"topic.create.made", false},
	    {"topic.create.named", true}};
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deaths); i++) {
		struct topic *t;

		assert_true(dies_at(deaths[i].point, create_it));
		assert_int_equal(catalog_has(s, "orders"), deaths[i].made);
		if (!deaths[i].made)
			create(s, 2, "always");
		assert_int_equal(count_entries("store/topics"), 1);
		t = open_topic(s);
		assert_ok(put(t, 1, "a"));
		topic_close(t);
		assert_ok(catalog_delete(s, "orders", soon()));
	}
	store_close(s);
}

static void
test_a_delete_that_dies_is_finished_by_the_next_or_by_a_create(void **state)
{
	static const char *const points[] = {"topic.delete.dead", "topic.delete.hidden"};
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		for (int by_create = 0; by_create < 2; by_create++) {
			create(s, 1, "always");
			assert_true(dies_at(points[i], delete_it));
			assert_status(topic_open(s, "orders", &t), STATUS_MISSING);
			if (by_create)
				create(s, 3, "always");
			if (by_create || i == 0)
				assert_ok(catalog_delete(s, "orders", soon()));
			else
				assert_status(catalog_delete(s, "orders", soon()), STATUS_MISSING);
			create(s, 1, "always");
			assert_int_equal(count_entries("store/topics"), 1);
			assert_ok(catalog_delete(s, "orders", soon()));
		}
	}
	store_close(s);
}

static void
test_errors_while_making_and_removing(void **state)
{
	struct store *s = open_store();
	struct config config;

	(void)state;
	config_init(&config, 2);
	for (int removing = 0; removing < 2; removing++) {
		for (long k = 1;; k++) {
			int rc;

			if (removing)
				create(s, 2, "always");
			iofault_at(k, EIO, NULL);
			rc = removing ? catalog_delete(s, "orders", soon()) : catalog_create(s, "orders", &config, soon());
			if (iofault_off() == 0) {
				assert_ok(rc);
				break;
			}
			if (removing) {
				if (catalog_has(s, "orders"))
					assert_ok(catalog_delete(s, "orders", soon()));
			} else {
				if (catalog_has(s, "orders")) {
					struct topic *t = open_topic(s);

					assert_ok(put(t, 1, "a"));
					topic_close(t);
					assert_ok(catalog_delete(s, "orders", soon()));
				}
				create(s, 1, "always");
				assert_int_equal(count_entries("store/topics"), 1);
				assert_ok(catalog_delete(s, "orders", soon()));
			}
		}
		if (!removing)
			assert_ok(catalog_delete(s, "orders", soon()));
	}
	store_close(s);
}

static void
test_who_has_it_open_finds_it_deleted(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int64_t start, end;
	uint32_t seen;
	int count;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_ok(topic_flush(t, 0, true, soon()));
	seen = topic_bell(t);
	assert_ok(catalog_delete(s, "orders", soon()));
	assert_true(topic_deleted(t));
	topic_wait(t, seen, PROC_PATIENCE_MS); /* it was rung */
	assert_status(put(t, 0, "x"), STATUS_MISSING);
	assert_status(topic_bounds(t, 0, &start, &end, NULL), STATUS_MISSING);
	assert_status(topic_partition_count(t, &count), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "was deleted"));
	assert_status(topic_trim(t, 0, 1, soon()), STATUS_MISSING);
	/* A new one of the same name is another. */
	create(s, 1, "always");
	assert_true(topic_deleted(t));
	topic_close(t);
	t = open_topic(s);
	assert_string_equal(see(t, 0), "");
	topic_close(t);
	store_close(s);
}

/* What was published and not synced when the topic went: nobody can say that it is stored. */
static void
test_a_flush_after_the_delete(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int rc;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_ok(catalog_delete(s, "orders", soon()));
	rc = topic_flush(t, 0, true, soon());
	assert_true(rc == STATUS_OK || rc == STATUS_IO);
	topic_close(t);
	store_close(s);
}

/*
 * Appending and reading.
 */

static void
test_always_shows_what_is_synced(void **state)
{
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	create(s, 2, "always");
	t = open_topic(s);
	assert_ok(put(t, 1, "a"));
	assert_string_equal(see(t, 1), "");
	assert_ok(topic_flush(t, 1, false, soon()));
	assert_string_equal(see(t, 1), "0=a");
	assert_string_equal(see(t, 0), "");
	iofault_count("fdatasync");
	assert_ok(topic_flush(t, 1, true, soon())); /* nothing to do */
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	assert_status(put(t, 2, "x"), STATUS_MISSING);
	assert_status(put(t, -1, "x"), STATUS_MISSING);
	assert_non_null(strstr(status_message(), "there are 2"));
	topic_close(t);
	store_close(s);
}

static void
test_an_interval_and_never(void **state)
{
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	create(s, 1, "1h");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_string_equal(see(t, 0), "0=a");
	iofault_count("fdatasync");
	assert_ok(topic_flush(t, 0, false, soon())); /* not yet over */
	assert_int_equal(iofault.calls, 0);
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	topic_close(t);
	assert_ok(catalog_delete(s, "orders", soon()));
	create(s, 1, "never");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	iofault_count("fdatasync");
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	topic_close(t);
	store_close(s);
}

static void
test_round_robin_goes_on_where_others_stopped(void **state)
{
	struct store *s = open_store();
	struct topic *t, *other;

	(void)state;
	create(s, 3, "always");
	t = open_topic(s);
	other = open_topic(s);
	topic_advance_next_partition(t, 5);
	assert_int_equal(topic_next_partition(other), 5);
	topic_close(t);
	topic_close(other);
	store_close(s);
}

static char noticed[1024];

static void
notice(void *arg, const char *text)
{
	(*(int *)arg)++;
	snprintf(noticed, sizeof(noticed), "%s", text);
}

static void
test_recovery_happens_when_it_is_needed_and_is_told(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int notices = 0;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_ok(topic_flush(t, 0, true, soon()));
	topic_close(t);

	/* A clean boot says nothing, by reading or by appending. */
	for (int i = 0; i < 2; i++) {
		reboot();
		t = open_topic(s);
		topic_on_notice(t, notice, &notices);
		if (i == 0) {
			assert_string_equal(see(t, 0), "0=a");
		} else {
			assert_ok(put(t, 0, "b"));
			assert_ok(topic_flush(t, 0, true, soon()));
		}
		topic_close(t);
	}
	assert_int_equal(notices, 0);

	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	reboot();
	t = open_topic(s);
	topic_on_notice(t, notice, &notices);
	assert_string_equal(see(t, 0), "0=a 1=b");
	assert_int_equal(notices, 1);
	assert_non_null(strstr(noticed, "orders/0: recovered: 4 bytes behind offset 1, not known to be durable, were cut off; "));
	assert_non_null(strstr(noticed, "/topics/orders/lost"));
	assert_ok(put(t, 0, "c"));
	topic_close(t);

	flip_byte(segment_path(0, SUFFIX_LOG), 65);
	poke(1, AT_SYNCED_END, 2);
	reboot();
	t = open_topic(s);
	topic_on_notice(t, notice, &notices);
	assert_string_equal(see(t, 0), "");
	assert_int_equal(notices, 2);
	assert_non_null(strstr(noticed, "orders/0: damaged, and read-only from now on: it ends at offset 0: "));
	assert_status(put(t, 0, "x"), STATUS_READ_ONLY);
	assert_non_null(strstr(status_message(), "orders/0: "));
	topic_close(t);
	store_close(s);
}

static void
test_find_time(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int64_t offset;

	(void)state;
	create(s, 2, "always");
	t = open_topic(s);
	for (int i = 0; i < 3; i++)
		assert_ok(put(t, 0, "a"));
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_ok(topic_find_time(t, 0, 0, 3, &offset));
	assert_int_equal(offset, 0);
	assert_ok(topic_find_time(t, 0, INT64_MAX, 3, &offset));
	assert_int_equal(offset, 3);
	assert_ok(topic_find_time(t, 1, 0, 0, &offset));
	assert_int_equal(offset, 0);

	assert_ok(topic_trim(t, 0, 2, soon()));
	assert_ok(topic_find_time(t, 0, 0, 3, &offset));
	assert_int_equal(offset, 2);

	/* It recovers what must be. */
	topic_close(t);
	append_bytes(segment_path(0, SUFFIX_LOG), "torn", 4);
	reboot();
	t = open_topic(s);
	assert_ok(topic_find_time(t, 0, 0, 3, &offset));
	assert_int_equal(offset, 2);

	assert_ok(catalog_delete(s, "orders", soon()));
	assert_status(topic_find_time(t, 0, 0, 3, &offset), STATUS_MISSING);
	assert_string_equal(status_message(), "orders: the topic was deleted");
	topic_close(t);
	store_close(s);
}

static void
test_the_epoch_of_a_recovery_is_durable(void **state)
{
	struct store *s = open_store();
	struct topic_partition_info info;
	struct topic *t;
	struct state st;
	int dir;

	(void)state;
	create(s, 1, "never");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	topic_close(t);
	reboot();
	t = open_topic(s);
	assert_string_equal(see(t, 0), "0=a");
	assert_ok(topic_partition_info(t, 0, &info));
	assert_int_equal(info.epoch, 1);
	topic_close(t);
	dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(state_read(dir, &st));
	assert_int_equal(st.leader_epoch, 1);
	/* The page lost it, or is a copy of an older time: what `state` says is in force. */
	st.leader_epoch = 7;
	assert_ok(state_write(dir, &logfolder_access, &st));
	close(dir);
	reboot();
	t = open_topic(s);
	assert_string_equal(see(t, 0), "0=a");
	assert_ok(topic_partition_info(t, 0, &info));
	assert_int_equal(info.epoch, 8);
	topic_close(t);
	store_close(s);
}

static void
test_a_copied_store_recovers(void **state)
{
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	create(s, 2, "always");
	t = open_topic(s);
	for (int p = 0; p < 2; p++) {
		assert_ok(put(t, p, "a"));
		assert_ok(topic_flush(t, p, true, soon()));
		assert_ok(put(t, p, "b")); /* published, not yet synced, when the copy is made */
	}
	topic_close(t);
	store_close(s);
	assert_int_equal(system("cp -r store copy && rm -rf store && mv copy store"), 0);
	s = open_store();
	t = open_topic(s);
	iofault_count("syncfs"); /* nobody knows whether `cp` did */
	assert_string_equal(see(t, 1), "0=a 1=b");
	assert_int_equal(iofault.calls, 1);
	assert_string_equal(see(t, 0), "0=a 1=b");
	assert_int_equal(iofault.calls, 1);
	iofault_off();
	assert_ok(put(t, 1, "c"));
	assert_ok(topic_flush(t, 1, true, soon()));
	assert_string_equal(see(t, 1), "0=a 1=b 2=c");
	topic_close(t);
	store_close(s);
}

/*
 * Changing settings.
 */

static int
set_text(void *arg, struct config *config)
{
	char copy[128], *value = copy, *key;

	snprintf(copy, sizeof(copy), "%s", (const char *)arg);
	key = strsep(&value, "=");
	if (strcmp(key, "partitions") == 0)
		return config_set_partitions(config, atoi(value));
	return config_set(config, key, value);
}

static int
try_alter(struct topic *t, const char *setting)
{
	return topic_alter(t, set_text, (void *)(uintptr_t)setting, soon());
}

static void
test_settings_change_under_an_appender(void **state)
{
	struct store *s = open_store();
	struct topic *t, *other;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	other = open_topic(s);
	assert_ok(put(other, 0, "a"));
	assert_ok(try_alter(t, "max.message.bytes=100"));
	assert_status(put(other, 0, "this is too long for so few bytes"), STATUS_DATA);
	assert_int_equal(topic_config(other)->log.max_message_bytes, 100);
	assert_ok(put(other, 0, "b"));
	assert_status(try_alter(t, "no.such.key=1"), STATUS_CONFIG);
	assert_status(try_alter(t, "segment.bytes=13"), STATUS_CONFIG);
	topic_close(t);
	topic_close(other);
	store_close(s);
}

static void
test_partitions_are_added_under_an_appender(void **state)
{
	struct store *s = open_store();
	struct topic *t, *other;
	int count;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	other = open_topic(s);
	assert_ok(put(other, 0, "a"));
	assert_ok(try_alter(t, "partitions=40"));
	assert_status(put(other, 39, "x"), STATUS_MISSING); /* it has not looked */
	assert_ok(topic_partition_count(other, &count));
	assert_int_equal(count, 40);
	assert_ok(put(other, 39, "b"));
	assert_ok(topic_flush(other, 39, true, soon()));
	assert_string_equal(see(t, 39), "0=b");
	assert_string_equal(see(t, 38), "");
	assert_status(try_alter(t, "partitions=39"), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "partitions can only be added: there are 40"));
	topic_close(t);
	topic_close(other);
	store_close(s);
}

/* Readers were shown all; they must not see less. */
static void
test_from_never_to_always_nothing_is_hidden(void **state)
{
	struct store *s = open_store();
	struct topic *t, *writer;

	(void)state;
	create(s, 2, "never");
	t = open_topic(s);
	writer = open_topic(s);
	assert_ok(put(writer, 0, "a"));
	assert_ok(put(writer, 1, "b"));
	assert_string_equal(see(t, 0), "0=a");
	assert_ok(try_alter(t, "fsync=always"));
	assert_string_equal(see(t, 0), "0=a");
	assert_string_equal(see(t, 1), "0=b");
	assert_int_equal(peek(1, AT_SYNCED_END), 1);
	assert_int_equal(peek(2, AT_SYNCED_END), 1);
	assert_ok(put(writer, 0, "c"));
	assert_string_equal(see(t, 0), "0=a");
	assert_ok(topic_flush(writer, 0, true, soon()));
	assert_string_equal(see(t, 0), "0=a 1=c");
	assert_ok(try_alter(t, "fsync=never"));
	assert_ok(put(writer, 0, "d"));
	assert_string_equal(see(t, 0), "0=a 1=c 2=d");
	topic_close(t);
	topic_close(writer);
	store_close(s);
}

/* Its sync fails: settings and readers are as they were, or further, but nothing is hidden that was seen. */
static void
test_an_alter_whose_sync_fails(void **state)
{
	struct store *s = open_store();
	struct topic *t, *writer;

	(void)state;
	create(s, 2, "never");
	t = open_topic(s);
	writer = open_topic(s);
	assert_ok(put(writer, 0, "a"));
	assert_ok(put(writer, 1, "b"));
	iofault_at(2, EIO, "fdatasync");
	assert_status(try_alter(t, "fsync=always"), STATUS_IO);
	iofault_off();
	assert_string_equal(see(t, 0), "0=a");
	assert_string_equal(see(t, 1), "0=b");
	topic_close(t);
	t = open_topic(s); /* finishes it */
	assert_int_equal(peek(0, AT_SYNCED_ONLY), 1);
	assert_string_equal(see(t, 1), "0=b");
	topic_close(t);
	topic_close(writer);
	store_close(s);
}

static void
test_damage_does_not_stop_an_alter(void **state)
{
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	create(s, 2, "never");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_ok(put(t, 0, "b"));
	topic_close(t);
	flip_byte(segment_path(0, SUFFIX_LOG), 65);
	poke(1, AT_SYNCED_END, 2);
	reboot();
	t = open_topic(s);
	assert_status(put(t, 0, "x"), STATUS_READ_ONLY);
	assert_ok(put(t, 1, "c"));
	assert_ok(try_alter(t, "fsync=always"));
	assert_string_equal(see(t, 1), "0=c");
	topic_close(t);
	store_close(s);
}

static const char *altering;

static int
alter_it(void)
{
	struct topic *t = open_topic(open_store());

	return try_alter(t, altering) == STATUS_OK ? 0 : 1;
}

static void
test_an_alter_that_dies_is_finished_by_who_opens_next(void **state)
{
	static const char *const points[] = {"topic.alter.written", "layout.partition", "layout.partition:2", "topic.grow.pages"};
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points) * 2; i++) {
		struct topic *t;
		int count;

		create(s, 1, "always");
		altering = "partitions=3";
		assert_true(dies_at(points[i / 2], alter_it));
		if (i % 2 == 1)
			reboot();
		t = open_topic(s);
		assert_ok(topic_partition_count(t, &count));
		assert_int_equal(count, 3);
		for (int p = 0; p < 3; p++) {
			assert_ok(put(t, p, "a"));
			assert_ok(topic_flush(t, p, true, soon()));
			assert_string_equal(see(t, p), "0=a");
		}
		topic_close(t);
		assert_ok(catalog_delete(s, "orders", soon()));
	}
	create(s, 1, "never");
	altering = "fsync=always";
	assert_true(dies_at("topic.alter.written", alter_it));
	topic_close(open_topic(s));
	assert_int_equal(peek(0, AT_SYNCED_ONLY), 1);
	store_close(s);
}

/* The count reached no disk, but the partition was used: its records are there after a power cut. */
static void
test_a_count_that_was_lost(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int count;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	assert_ok(try_alter(t, "partitions=2"));
	assert_ok(put(t, 1, "a"));
	assert_ok(topic_flush(t, 1, true, soon()));
	topic_close(t);
	poke(0, AT_PARTITIONS, 1);
	poke(2, AT_BOOT_ID, 1);
	reboot();
	t = open_topic(s);
	assert_ok(topic_partition_count(t, &count));
	assert_int_equal(count, 2);
	assert_string_equal(see(t, 1), "0=a");
	topic_close(t);
	store_close(s);
}

static int
stop_in_alter(void *arg)
{
	(void)arg;
	return arm("topic.alter.written:1:stop") != 0 ? 97 : alter_it();
}

static void
test_a_stopped_alter_does_not_stop_those_who_open(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int how, count;
	pid_t pid;

	(void)state;
	create(s, 1, "always");
	altering = "partitions=3";
	pid = proc_start(stop_in_alter, NULL);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
	assert_true(WIFSTOPPED(how));
	t = open_topic(s);
	assert_ok(topic_partition_count(t, &count));
	assert_int_equal(count, 1);
	assert_ok(put(t, 0, "a"));
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_string_equal(see(t, 0), "0=a");
	assert_status(topic_alter(t, set_text, (void *)(uintptr_t) "partitions=4", clock_deadline(10)), STATUS_AGAIN);
	assert_non_null(strstr(status_message(), "topic state lock"));
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(proc_end(pid), 0);
	assert_ok(topic_partition_count(t, &count));
	assert_int_equal(count, 3);
	topic_close(t);
	store_close(s);
}

/*
 * Limits.
 */

static void
test_trim(void **state)
{
	struct store *s = open_store();
	struct topic_partition_info info;
	struct topic *t;

	(void)state;
	create(s, 1, "never");
	t = open_topic(s);
	assert_ok(try_alter(t, "segment.bytes=14"));
	assert_ok(put(t, 0, "a"));
	assert_ok(put(t, 0, "b"));
	assert_ok(put(t, 0, "c"));
	assert_ok(put(t, 0, "d"));
	assert_status(topic_trim(t, 0, 5, soon()), STATUS_USAGE);
	assert_non_null(strstr(status_message(), "orders/0: offset 5 is behind the end, 4"));
	assert_ok(topic_trim(t, 0, 2, soon()));
	assert_string_equal(see(t, 0), "2=c 3=d");
	assert_true(peek(1, AT_SYNCED_END) >= 2); /* a log must not end before its start */
	assert_ok(topic_partition_info(t, 0, &info));
	assert_int_equal(info.start, 2);
	assert_int_equal(info.end, 4);
	assert_int_equal(info.high_watermark, 4);
	assert_int_equal(info.segments, 2);
	assert_int_equal(info.bytes, size_of_file(segment_path(2, SUFFIX_LOG)) + size_of_file(segment_path(3, SUFFIX_LOG)));
	assert_ok(topic_trim(t, 0, 4, soon()));
	assert_string_equal(see(t, 0), "");
	assert_status(topic_trim(t, 1, 0, soon()), STATUS_MISSING);
	topic_close(t);
	store_close(s);
}

/*
 * Few descriptors.
 */

#define MANY 100

/* The test's own descriptors are none of the child's. */
static int
leave_twenty_descriptors(void)
{
	struct rlimit few = {20, 20};

	return close_range(3, ~0U, 0) != 0 || setrlimit(RLIMIT_NOFILE, &few) != 0 ? -1 : 0;
}

static int
use_many_partitions(void *arg)
{
	struct topic *t;
	char want[64];

	(void)arg;
	if (leave_twenty_descriptors() != 0)
		return 1;
	t = open_topic(open_store());
	for (int round = 0; round < 2; round++) {
		for (int p = 0; p < MANY; p++) {
			if (put(t, p, round == 0 ? "a" : "b") != STATUS_OK)
				return 2;
		}
	}
	for (int p = 0; p < MANY; p++) {
		if (topic_flush(t, p, true, soon()) != STATUS_OK)
			return 3;
	}
	snprintf(want, sizeof(want), "0=a 1=b");
	for (int p = 0; p < MANY; p++) {
		if (strcmp(see(t, p), want) != 0)
			return 4;
	}
	if (try_alter(t, "segment.bytes=14") != STATUS_OK)
		return 5;
	for (int p = 0; p < MANY; p += 10) {
		if (put(t, p, "c") != STATUS_OK || topic_flush(t, p, true, soon()) != STATUS_OK ||
		    strcmp(see(t, p), "0=a 1=b 2=c") != 0)
			return 6;
	}
	topic_close(t);
	return 0;
}

static void
test_a_hundred_partitions_with_twenty_descriptors(void **state)
{
	static const char *const modes[] = {"always", "1h", "never"};
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		create(s, MANY, modes[i]);
		assert_int_equal(proc_run(use_many_partitions, NULL), 0);
		/* Recovery of all, with as few. */
		assert_ok(catalog_delete(s, "orders", soon()));
	}
	store_close(s);
}

static int
fail_when_evicted(void *arg)
{
	struct topic *t;

	(void)arg;
	if (leave_twenty_descriptors() != 0)
		return 1;
	t = open_topic(open_store());
	if (put(t, 0, "a") != STATUS_OK)
		return 2;
	/* Its descriptors must go, and it cannot be synced: it may be stored, and that is not forgotten. */
	iofault_all(EIO, "fdatasync");
	if (put(t, 1, "b") != STATUS_IO)
		return 3;
	(void)iofault_off();
	if (topic_flush(t, 0, true, soon()) != STATUS_IO || strstr(status_message(), "orders/0") == NULL)
		return 4;
	if (put(t, 1, "c") != STATUS_OK || topic_flush(t, 1, true, soon()) != STATUS_OK)
		return 5;
	topic_close(t);
	return 0;
}

static void
test_a_partition_that_fails_when_its_descriptors_go(void **state)
{
	struct store *s = open_store();

	(void)state;
	create(s, 2, "always");
	assert_int_equal(proc_run(fail_when_evicted, NULL), 0);
	store_close(s);
}

/* fsync=never when it was appended and evicted, always when it is flushed: nothing more is promised of it. */
static int
alter_when_evicted(void *arg)
{
	struct topic *t;

	(void)arg;
	if (leave_twenty_descriptors() != 0)
		return 1;
	t = open_topic(open_store());
	if (put(t, 0, "a") != STATUS_OK || put(t, 1, "b") != STATUS_OK || try_alter(t, "fsync=always") != STATUS_OK)
		return 2;
	if (topic_flush(t, 0, true, soon()) != STATUS_OK || topic_flush(t, 1, true, soon()) != STATUS_OK)
		return 3;
	return strcmp(see(t, 0), "0=a") == 0 ? 0 : 4;
}

static void
test_an_alter_between_append_and_flush(void **state)
{
	struct store *s = open_store();

	(void)state;
	create(s, 2, "never");
	assert_int_equal(proc_run(alter_when_evicted, NULL), 0);
	store_close(s);
}

/*
 * Waiting.
 */

static int
publish_and_die(void)
{
	return put(open_topic(open_store()), 0, "a") == STATUS_OK ? 0 : 1;
}

/* A producer died between publication and sync: who waits for records syncs them after a second. */
static void
test_what_a_dead_producer_left_is_synced_by_who_waits(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int64_t deadline;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	assert_string_equal(see(t, 0), "");
	assert_true(dies_at("log.append.unlocked", publish_and_die));
	assert_string_equal(see(t, 0), "");
	deadline = clock_deadline(PROC_PATIENCE_MS);
	while (*see(t, 0) == '\0' && !clock_passed(deadline))
		topic_wait(t, topic_bell(t), 500);
	assert_string_equal(see(t, 0), "0=a");
	topic_close(t);
	store_close(s);
}

static void
test_waiting_ends_in_time(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	uint32_t seen;
	int64_t began;

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	seen = topic_bell(t);
	began = clock_monotonic_ms();
	topic_wait(t, seen, 20);
	assert_true(clock_monotonic_ms() - began >= 20);
	topic_wait(t, seen, 0);
	topic_ring(t);
	topic_wait(t, seen, PROC_PATIENCE_MS);
	assert_true(clock_monotonic_ms() - began < PROC_PATIENCE_MS);
	topic_close(t);
	store_close(s);
}

/*
 * Other users, no memory, many at once.
 */

static int
look_as_nobody(void *arg)
{
	struct store *s;
	struct topic *t;
	int64_t start, end;

	if (!proc_drop_root())
		return 1;
	if (store_open("store", &s) != STATUS_OK || topic_open(s, "orders", &t) != STATUS_OK || topic_writable(t))
		return 2;
	if (topic_bounds(t, 0, &start, &end, NULL) != STATUS_OK || strcmp(see(t, 0), arg) != 0)
		return 3;
	if (put(t, 0, "x") != STATUS_PERMISSION || try_alter(t, "segment.bytes=14") != STATUS_PERMISSION)
		return 4;
	topic_wait(t, topic_bell(t), 5);
	topic_ring(t);
	return 0;
}

static void
test_who_may_only_read(void **state)
{
	struct store *s = open_store();
	struct topic *t;

	(void)state;
	unit_need(getuid() == 0, "root", "to become somebody else");
	create(s, 1, "always");
	t = open_topic(s);
	assert_ok(put(t, 0, "a"));
	assert_ok(topic_flush(t, 0, true, soon()));
	assert_ok(put(t, 0, "b")); /* not synced, so not shown */
	topic_close(t);
	assert_int_equal(system("chmod -R a+rX . && chmod 0200 store/topics/orders/lock"), 0);
	assert_int_equal(proc_run(look_as_nobody, (void *)(uintptr_t) "0=a"), 0);
	/* After a boot nobody has recovered it: what recovery would keep is shown. */
	reboot();
	assert_int_equal(proc_run(look_as_nobody, (void *)(uintptr_t) "0=a 1=b"), 0);
	store_close(s);
}

static void
test_no_memory(void **state)
{
	struct store *s = open_store();
	struct topic *t;
	int next;

	(void)state;
	create(s, 2, "always");
	next = proc_next_descriptor();
	for (long n = 0;; n++) {
		int rc;

		t = NULL;
		unit_oom_after(n);
		if ((rc = topic_open(s, "orders", &t)) == STATUS_OK && (rc = put(t, 1, "a")) == STATUS_OK)
			rc = topic_flush(t, 1, true, soon());
		if (rc == STATUS_OK && strcmp(see(t, 1), "0=a") != 0)
			rc = STATUS_AGAIN;
		if (unit_oom_off() == 0) {
			assert_ok(rc);
			topic_close(t);
			break;
		}
		topic_close(t);
		assert_int_equal(proc_next_descriptor(), next);
		assert_true(rc == STATUS_AGAIN || rc == STATUS_IO);
		/* Published, and then it ran out: begin anew. */
		assert_ok(catalog_delete(s, "orders", soon()));
		create(s, 2, "always");
	}
	store_close(s);
}

static int
append_for_ever(void *arg)
{
	struct topic *t = open_topic(open_store());
	int rc, p = *(int *)arg;

	while ((rc = put(t, p, "a")) == STATUS_OK && (rc = topic_flush(t, p, true, soon())) == STATUS_OK)
		continue;
	return rc == STATUS_MISSING || rc == STATUS_IO ? 0 : 1;
}

static void
test_a_delete_under_appenders(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (int round = 0; round < 10; round++) {
		int numbers[3] = {0, 0, 1};
		pid_t pids[3];
		struct topic *t;
		int64_t deadline = clock_deadline(PROC_PATIENCE_MS);

		create(s, 2, "always");
		t = open_topic(s);
		assert_ok(try_alter(t, "segment.bytes=200"));
		for (int i = 0; i < 3; i++)
			pids[i] = proc_start(append_for_ever, &numbers[i]);
		while ((strlen(see(t, 0)) < 20 || strlen(see(t, 1)) < 20) && !clock_passed(deadline))
			topic_wait(t, topic_bell(t), 10);
		assert_ok(catalog_delete(s, "orders", soon()));
		for (int i = 0; i < 3; i++)
			assert_int_equal(proc_end(pids[i]), 0);
		topic_close(t);
		assert_int_equal(count_entries("store/topics"), 0);
	}
	store_close(s);
}

static void
test_alters_under_appenders(void **state)
{
	struct store *s = open_store();
	int numbers[2] = {0, 0};
	struct topic *t;
	pid_t pids[2];

	(void)state;
	create(s, 1, "always");
	t = open_topic(s);
	for (int i = 0; i < 2; i++)
		pids[i] = proc_start(append_for_ever, &numbers[i]);
	for (int i = 1; i <= 20; i++) {
		int64_t start, before, after;
		char setting[64];

		assert_ok(topic_bounds(t, 0, &start, &before, NULL));

		snprintf(setting, sizeof(setting), i % 4 == 0 ? "fsync=always" : i % 4 == 2 ? "fsync=never" : "partitions=%d", i);
		assert_ok(try_alter(t, setting));
		/* Readers never see less. */
		assert_ok(topic_bounds(t, 0, &start, &after, NULL));
		assert_true(after >= before);
	}
	assert_ok(catalog_delete(s, "orders", soon()));
	for (int i = 0; i < 2; i++)
		assert_int_equal(proc_end(pids[i]), 0);
	topic_close(t);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_made_and_removed),
	    unit_test(test_names_that_cannot_be),
	    unit_test(test_a_create_that_dies_leaves_a_whole_topic_or_none),
	    unit_test(test_a_delete_that_dies_is_finished_by_the_next_or_by_a_create),
	    unit_test(test_errors_while_making_and_removing),
	    unit_test(test_who_has_it_open_finds_it_deleted),
	    unit_test(test_a_flush_after_the_delete),
	    unit_test(test_always_shows_what_is_synced),
	    unit_test(test_an_interval_and_never),
	    unit_test(test_round_robin_goes_on_where_others_stopped),
	    unit_test(test_recovery_happens_when_it_is_needed_and_is_told),
	    unit_test(test_the_epoch_of_a_recovery_is_durable),
	    unit_test(test_a_copied_store_recovers),
	    unit_test(test_settings_change_under_an_appender),
	    unit_test(test_partitions_are_added_under_an_appender),
	    unit_test(test_from_never_to_always_nothing_is_hidden),
	    unit_test(test_an_alter_whose_sync_fails),
	    unit_test(test_damage_does_not_stop_an_alter),
	    unit_test(test_an_alter_that_dies_is_finished_by_who_opens_next),
	    unit_test(test_a_count_that_was_lost),
	    unit_test(test_a_stopped_alter_does_not_stop_those_who_open),
	    unit_test(test_trim),
	    unit_test(test_a_hundred_partitions_with_twenty_descriptors),
	    unit_test(test_a_partition_that_fails_when_its_descriptors_go),
	    unit_test(test_an_alter_between_append_and_flush),
	    unit_test(test_what_a_dead_producer_left_is_synced_by_who_waits),
	    unit_test(test_waiting_ends_in_time),
	    unit_test(test_find_time),
	    unit_test(test_who_may_only_read),
	    unit_test(test_no_memory),
	    unit_test(test_a_delete_under_appenders),
	    unit_test(test_alters_under_appenders),
	};

	return unit_run(tests);
}

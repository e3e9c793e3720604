#include "store/layout.h"
#include "iofault.h"
#include "log/format.h"
#include "log/head.h"
#include "proc.h"
#include "store/state.h"

static const struct file_access access_of_test = {.mode = 0660, .gid = (gid_t)-1};

/* An empty folder "orders", open. */
static int
make_folder(void)
{
	int dir;

	assert_int_equal(mkdir("orders", 0700), 0);
	dir = open("orders", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return dir;
}

static struct stat
stat_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static void
test_names_of_partitions(void **state)
{
	char name[PARTITION_NAME_BYTES], longest[250];

	(void)state;
	layout_partition_name(name, "orders", 0);
	assert_string_equal(name, "orders-0");
	memset(longest, 'x', 249);
	longest[249] = '\0';
	layout_partition_name(name, longest, TOPIC_MAX_PARTITIONS - 1);
	assert_int_equal(strlen(name), 249 + 6);
	assert_string_equal(name + 249, "-99999");
}

static void
test_a_new_topic_has_all_its_files(void **state)
{
	int dir = make_folder();
	struct config config, read;
	struct state s;
	struct head *head;
	char *text, want[200];
	size_t len;

	(void)state;
	config_init(&config, 3);
	assert_ok(layout_make_topic(dir, "orders", &access_of_test, &config));
	assert_ok(layout_read_config(dir, &read));
	assert_int_equal(read.partitions, 3);
	assert_string_equal(read.topic_id, config.topic_id);
	assert_ok(state_read(dir, &s));
	assert_int_equal(s.leader_epoch, 0);
	assert_ok(head_open(dir, &head));
	assert_int_equal(head_partition_count(head), 3);
	assert_true(head_synced_only(head));
	head_close(head);
	for (int p = 0; p < 3; p++) {
		char path[128];

		snprintf(path, sizeof(path), "orders/orders-%d", p);
		assert_int_equal(stat_of(path).st_mode & 07777, 0770);
		snprintf(path, sizeof(path), "orders/orders-%d/00000000000000000000.log", p);
		assert_int_equal(stat_of(path).st_size, 0);
		assert_int_equal(stat_of(path).st_mode & 07777, 0660);
		snprintf(path, sizeof(path), "orders/orders-%d/partition.metadata", p);
		text = unit_read(path, &len);
		snprintf(want, sizeof(want), "version: 0\ntopic_id: %s", config.topic_id);
		assert_string_equal(text, want);
		free(text);
	}
	/* Who may read it could hold others up; its owner copies it with the rest. */
	assert_int_equal(stat_of("orders/lock").st_mode & 07777, 0620);
	assert_int_equal(access("orders/orders-3", F_OK), -1);
	close(dir);
}

static void
test_fsync_decides_what_readers_see(void **state)
{
	int dir = make_folder();
	struct config config;
	struct head *head;

	(void)state;
	config_init(&config, 1);
	assert_ok(config_set(&config, "fsync", "never"));
	assert_ok(layout_make_topic(dir, "orders", &access_of_test, &config));
	assert_ok(head_open(dir, &head));
	assert_false(head_synced_only(head));
	head_close(head);
	close(dir);
}

static void
test_partitions_are_added_behind_those_there_are(void **state)
{
	int dir = make_folder();

	(void)state;
	/* From 17 on, one syncfs for all. */
	for (int to = 1; to <= 20; to += 19) {
		assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "AAAAAAAAAAAAAAAAAAAAAA", to - 1, to + 17));
		assert_int_equal(access("orders/orders-17/00000000000000000000.log", F_OK), 0);
	}
	assert_int_equal(access("orders/orders-36/partition.metadata", F_OK), 0);
	assert_int_equal(access("orders/orders-18", F_OK), -1);
	assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "x", 5, 5)); /* none */
	close(dir);
}

static void
test_sixteen_are_synced_each_and_seventeen_together(void **state)
{
	int dir = make_folder();

	(void)state;
	iofault_count("syncfs");
	assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "x", 0, 16));
	assert_int_equal(iofault.calls, 0);
	iofault_count("fsync");
	assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "x", 16, 33));
	assert_int_equal(iofault.calls, 0);
	iofault_off();
	close(dir);
}

/* A maker died: what it made is finished, what others put there since stays. */
static void
test_a_half_made_partition_is_finished(void **state)
{
	int dir = make_folder();
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(mkdir("orders/orders-0", 0700), 0);
	unit_write("orders/orders-0/partition.metadata", "", 0);
	assert_int_equal(mkdir("orders/orders-1", 0700), 0);
	assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "AbC", 0, 2));
	text = unit_read("orders/orders-0/partition.metadata", &len);
	assert_string_equal(text, "version: 0\ntopic_id: AbC");
	free(text);
	unit_write("orders/orders-1/00000000000000000000.log", "records", 7);
	assert_ok(layout_make_partitions(dir, "orders", &access_of_test, "AbC", 0, 2));
	text = unit_read("orders/orders-1/00000000000000000000.log", &len);
	assert_string_equal(text, "records");
	free(text);
	close(dir);
}

static void
test_what_is_in_the_way(void **state)
{
	int dir = make_folder();

	(void)state;
	unit_write("orders/orders-0", "a file", 6);
	assert_status(layout_make_partitions(dir, "orders", &access_of_test, "x", 0, 1), STATUS_MISSING);
	assert_int_equal(unlink("orders/orders-0"), 0);
	assert_int_equal(symlink("/tmp", "orders/orders-0"), 0);
	assert_true(layout_make_partitions(dir, "orders", &access_of_test, "x", 0, 1) < 0);
	assert_int_equal(access("/tmp/partition.metadata", F_OK), -1);
	close(dir);
}

static void
test_a_bad_config_is_named(void **state)
{
	int dir = make_folder();
	struct config config;

	(void)state;
	assert_status(layout_read_config(dir, &config), STATUS_MISSING);
	unit_write("orders/config", "format=1\nnonsense\n", 18);
	assert_status(layout_read_config(dir, &config), STATUS_CONFIG);
	assert_non_null(strstr(status_message(), "config: "));
	close(dir);
}

static void
test_errors_of_the_disk_and_no_memory(void **state)
{
	struct config config;
	int next = proc_next_descriptor();

	(void)state;
	config_init(&config, 2);
	for (int by_memory = 0; by_memory < 2; by_memory++) {
		for (long k = 1;; k++) {
			int dir = make_folder(), rc;
			long hits;

			if (by_memory)
				unit_oom_after(k - 1);
			else
				iofault_at(k, ENOSPC, NULL);
			rc = layout_make_topic(dir, "orders", &access_of_test, &config);
			hits = by_memory ? unit_oom_off() : iofault_off();
			close(dir);
			assert_int_equal(proc_next_descriptor(), next);
			assert_int_equal(system("rm -rf orders"), 0);
			if (hits == 0) {
				assert_ok(rc);
				break;
			}
			assert_true(rc == STATUS_AGAIN || (!by_memory && rc == STATUS_IO)); /* a sync that fails is always I/O */
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_names_of_partitions),
	    unit_test(test_a_new_topic_has_all_its_files),
	    unit_test(test_fsync_decides_what_readers_see),
	    unit_test(test_partitions_are_added_behind_those_there_are),
	    unit_test(test_sixteen_are_synced_each_and_seventeen_together),
	    unit_test(test_a_half_made_partition_is_finished),
	    unit_test(test_what_is_in_the_way),
	    unit_test(test_a_bad_config_is_named),
	    unit_test(test_errors_of_the_disk_and_no_memory),
	};

	return unit_run(tests);
}

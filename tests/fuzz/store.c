/*
 * store: a topic of which one file bears any bytes at all, as after a restore from a bad disk: it is recovered, read, searched by time and
 * written to. An index, whatever it holds, never changes an answer.
 *
 * The first byte says which file, the second how: it is replaced by what follows, cut to the length that follows, or changed at the places
 * that follow, three bytes each: position (2) and value.
 */
#include "fuzz.h"

#include <sys/stat.h>
#include <sys/statfs.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/reader.h"
#include "store/catalog.h"
#include "store/topic.h"

#define MOST_FILES 64
#define MOST_RECORDS 256
#define BATCHES 24

/* A file of the topic as it should be. */
struct file {
	char path[256]; /* in the topic's folder */
	struct buf bytes;
};

/* What a reader got, record by record. */
struct answer {
	int64_t offsets[MOST_RECORDS];
	uint64_t sums[MOST_RECORDS]; /* of key and value */
	int count;
	int64_t end_time; /* the first offset at or after a time in the middle */
	int rc;
};

static char folder[] = "/dev/shm/mq-fuzz.XXXXXX";
static struct store *store;
static struct file files[MOST_FILES];
static size_t file_count;
static struct answer truth;

static void
remove_folder(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
}

static void
append(struct topic *t, int i)
{
	struct batch_builder b;
	char key[16], value[32];
	struct record r = {.timestamp_ms = 1000 * i, .key = (uint8_t *)key, .value = (uint8_t *)value};
	int64_t offset;

	r.key_len = snprintf(key, sizeof(key), "k%d", i % 5);
	r.value_len = snprintf(value, sizeof(value), "value %d", i);
	batch_builder_init(&b, 4096);
	for (int n = 0; n < 2; n++)
		EXPECT(batch_add(&b, &r) == STATUS_OK);
	batch_seal_as(&b, &(struct batch_producer){77, 0, 2 * i});
	EXPECT(topic_append(t, 0, &b.bytes, clock_deadline(1000), &offset) == STATUS_OK);
	EXPECT(topic_flush(t, 0, true, clock_deadline(1000)) == STATUS_OK);
	batch_builder_free(&b);
}

/* Remember all files of the topic. */
static void
keep_files(const char *path, const char *below)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char full[512], within[256];
	struct stat st;
	FILE *f;

	EXPECT(dir != NULL);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(full, sizeof(full), "%s/%s", path, e->d_name);
		(void)snprintf(within, sizeof(within), "%s%s", below, e->d_name);
		EXPECT(stat(full, &st) == 0);
		if (S_ISDIR(st.st_mode)) {
			(void)strcat(within, "/");
			keep_files(full, within);
			continue;
		}
		EXPECT(file_count < MOST_FILES);
		(void)snprintf(files[file_count].path, sizeof(files[file_count].path), "%s", within);
		ENOUGH_MEMORY(buf_reserve(&files[file_count].bytes, (size_t)st.st_size + 1));
		EXPECT((f = fopen(full, "r")) != NULL);
		files[file_count].bytes.len = fread(files[file_count].bytes.data, 1, (size_t)st.st_size, f);
		(void)fclose(f);
		file_count++;
	}
	(void)closedir(dir);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

/* The topic's folder as it should be, but for one file. */
static void
put_files(size_t changed, const struct buf *bytes)
{
	char path[512];
	int fd;

	if (dir_remove_tree(store_topics_fd(store), "t") != STATUS_OK)
		status_clear();
	EXPECT(mkdirat(store_topics_fd(store), "t", 0700) == 0 && mkdirat(store_topics_fd(store), "t/t-0", 0700) == 0);
	for (size_t i = 0; i < file_count; i++) {
		const struct buf *b = i == changed ? bytes : &files[i].bytes;

		(void)snprintf(path, sizeof(path), "t/%s", files[i].path);
		EXPECT((fd = openat(store_topics_fd(store), path, O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
		EXPECT(write(fd, b->data, b->len) == (ssize_t)b->len);
		(void)close(fd);
	}
}

static uint64_t
sum(uint64_t hash, const uint8_t *bytes, int32_t len)
{
	for (int32_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
	return hash * 31 + (uint64_t)len;
}

static int
take_batch(const struct batch_view *view, int64_t from, int64_t end, struct answer *a)
{
	struct batch_cursor c;
	struct record r;
	int rc;

	if ((rc = batch_cursor_init(&c, view->bytes, &view->header)) != STATUS_OK)
		return rc;
	while ((rc = batch_cursor_next(&c, &r)) == STATUS_OK) {
		if (r.offset < from || r.offset >= end || a->count == MOST_RECORDS)
			continue;
		EXPECT(a->count == 0 || a->offsets[a->count - 1] < r.offset);
		a->offsets[a->count] = r.offset;
		a->sums[a->count++] = sum(sum(0, r.key, r.key_len), r.value, r.value_len);
	}
	return rc == STATUS_END ? STATUS_OK : rc;
}

/* Read from an offset, search by a time, append, read again. */
static void
ask(int64_t from, struct answer *a)
{
	struct topic *t;
	struct reader *reader;
	struct batch_view view;
	int64_t start, end;
	bool damaged;
	int partitions;

	*a = (struct answer){.end_time = -1};
	if ((a->rc = topic_open(store, "t", &t)) != STATUS_OK)
		return;
	if ((a->rc = topic_partition_count(t, &partitions)) == STATUS_OK && partitions > 0 &&
	    (a->rc = topic_bounds(t, 0, &start, &end, &damaged)) == STATUS_OK &&
	    (a->rc = topic_reader(t, 0, &reader)) == STATUS_OK) {
		reader_seek(reader, from < start ? start : from);
		while (
		    (a->rc = topic_read(t, 0, end, &view)) == STATUS_OK && (a->rc = take_batch(&view, from, end, a)) == STATUS_OK)
			;
		if (a->rc == STATUS_END)
			a->rc = topic_find_time(t, 0, 1000 * BATCHES / 2, end, &a->end_time);
	}
	topic_close(t);
}

/* Another record goes behind what is there, or is refused. */
static void
append_one(void)
{
	struct topic *t;
	struct batch_builder b;
	struct record r = {.key_len = -1, .value_len = -1};
	int64_t offset, start, end;
	bool damaged;
	int partitions;

	if (topic_open(store, "t", &t) != STATUS_OK)
		return;
	batch_builder_init(&b, 4096);
	EXPECT(batch_add(&b, &r) == STATUS_OK);
	batch_seal(&b);
	if (topic_partition_count(t, &partitions) == STATUS_OK && partitions > 0 &&
	    topic_append(t, 0, &b.bytes, clock_deadline(1000), &offset) == STATUS_OK &&
	    topic_flush(t, 0, true, clock_deadline(1000)) == STATUS_OK) {
		EXPECT(topic_bounds(t, 0, &start, &end, &damaged) == STATUS_OK);
		EXPECT(end == offset + 1);
	}
	batch_builder_free(&b);
	topic_close(t);
}

static void
prepare(void)
{
	struct config config;
	struct topic *t;
	char path[128];

	if (mkdtemp(folder) == NULL)
		err(1, "%s", folder);
	(void)atexit(remove_folder);
	(void)snprintf(path, sizeof(path), "%s/store", folder);
	EXPECT(store_open_or_make(path, clock_deadline(1000), &store) == STATUS_OK);
	config_init(&config, 1);
	EXPECT(config_set(&config, "segment.bytes", "1000") == STATUS_OK);
	EXPECT(config_set(&config, "index.interval.bytes", "1") == STATUS_OK);
	EXPECT(catalog_create(store, "t", &config, clock_deadline(1000)) == STATUS_OK);
	EXPECT(topic_open(store, "t", &t) == STATUS_OK);
	for (int i = 0; i < BATCHES; i++)
		append(t, i);
	topic_close(t);
	(void)snprintf(path, sizeof(path), "%s/store/topics/t", folder);
	keep_files(path, "");
	qsort(files, file_count, sizeof(*files), by_path);
	put_files(file_count, NULL);
	ask(0, &truth);
	EXPECT(truth.rc == STATUS_OK && truth.count == 2 * BATCHES && truth.end_time == BATCHES);
}

/* What the input says that the file holds. */
static struct buf
changed_bytes(const struct file *f, struct fuzz_bytes *input)
{
	struct buf b = BUF_EMPTY;
	uint8_t how = fuzz_byte(input);
	size_t at;

	if (how % 4 == 0)
		return fuzz_rest(input);
	ENOUGH_MEMORY(buf_reserve(&b, f->bytes.len + 1));
	ENOUGH_MEMORY(buf_append(&b, f->bytes.data, f->bytes.len));
	if (how % 4 == 1 && b.len > 0) {
		at = (size_t)fuzz_byte(input) << 8;
		b.len = (at | fuzz_byte(input)) % b.len;
	} else {
		while (input->len > 0 && b.len > 0) {
			at = (size_t)fuzz_byte(input) << 8;
			at |= fuzz_byte(input);
			b.data[at % b.len] = fuzz_byte(input);
		}
	}
	return b;
}

static bool
is_hint(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL && (strcmp(dot, ".index") == 0 || strcmp(dot, ".timeindex") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_bytes input = {bytes, len};
	struct answer a;
	struct buf changed;
	int64_t from;
	size_t which;

	if (store == NULL)
		prepare();
	which = fuzz_byte(&input) % file_count;
	from = fuzz_byte(&input) % (2 * BATCHES);
	changed = changed_bytes(&files[which], &input);
	put_files(which, &changed);
	ask(from, &a);
	if (is_hint(files[which].path)) {
		EXPECT(a.rc == STATUS_OK && a.count == truth.count - from && a.end_time == truth.end_time);
		EXPECT(memcmp(a.offsets, truth.offsets + from, (size_t)a.count * sizeof(*a.offsets)) == 0);
		EXPECT(memcmp(a.sums, truth.sums + from, (size_t)a.count * sizeof(*a.sums)) == 0);
	}
	append_one();
	status_clear();
	buf_free(&changed);
	return 0;
}

/*
 * What mq-consume prints is what mq-produce reads: 100,000 random records of any bytes, nulls and headers, through -J and through formats
 * with lengths, from one topic into the next, each compressed by another codec.
 */
#include "base/clock.h"
#include "cmd/consumer.h"
#include "cmd/fanout.h"
#include "cmd/feed.h"
#include "cmd/format_check.h"
#include "store/catalog.h"
#include "unit.h"

#define RECORDS 100000
#define PARTITIONS 3
#define SEED 20261123

static struct store *store;
static uint64_t random_state;

/* xorshift64* (Vigna 2014). */
static uint64_t
next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static int32_t
random_below(int32_t n)
{
	return (int32_t)(next_random() % (uint64_t)n);
}

/* Null, empty, text, UTF-8 or any bytes; mostly short. Returns the length. */
static int32_t
random_bytes(uint8_t *bytes, int32_t most, bool nullable)
{
	static const char *const pieces[] = {"a", "\"", "\\", "\n", "\r\n", "\t", " ", "{", "}", "%", "\x7f", "\xc3\xa4",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "1", "-", ",", "="};
	int32_t kind = random_below(6), len = 0, wanted = random_below(random_below(50) == 0 ? most : 30);

	if (kind == 0 && nullable)
		return -1;
	if (kind == 1)
		return 0;
	while (kind > 3 && len + 4 < wanted) {
		const char *piece = pieces[random_below((int32_t)COUNT_OF(pieces))];

		memcpy(bytes + len, piece, strlen(piece));
		len += (int32_t)strlen(piece);
	}
	while (kind <= 3 && len < wanted)
		bytes[len++] = (uint8_t)next_random();
	return len;
}

static void
add_headers(struct buf *headers, struct record *r)
{
	uint8_t name[64], value[64];

	buf_clear(headers);
	r->header_count = random_below(3) == 0 ? random_below(5) : 0;
	for (int32_t i = 0; i < r->header_count; i++) {
		struct record_header h = {.name = name, .value = value};

		h.name_len = random_bytes(name, sizeof(name), false);
		h.value_len = random_bytes(value, sizeof(value), true);
		assert_ok(record_add_header(headers, &h));
	}
	r->headers = headers->data;
	r->headers_len = (int32_t)headers->len;
}

static void
make_topic(const char *name)
{
	struct config config;

	config_init(&config, PARTITIONS);
	assert_ok(config_set(&config, "fsync", "never"));
	assert_ok(catalog_create(store, name, &config, DEADLINE_NEVER));
}

static void
fill(const char *name)
{
	const struct fanout_options options = {.producer = {.partition = -1, .appender = {.timeout_ms = 1000}}};
	static uint8_t key[300], value[3000];
	struct buf headers = BUF_EMPTY;
	struct producer *p;
	struct fanout *f;

	make_topic(name);
	assert_ok(fanout_open(store, &options, &f));
	assert_ok(fanout_get(f, name, &p, NULL));
	for (int i = 0; i < RECORDS; i++) {
		struct record r = {.key = key, .value = value};

		r.timestamp_ms = random_below(100) == 0 ? -1 : (int64_t)(next_random() >> (1 + random_below(40)));
		r.key_len = random_bytes(key, sizeof(key), true);
		r.value_len = random_bytes(value, sizeof(value), true);
		add_headers(&headers, &r);
		assert_ok(producer_add_to(p, random_below(PARTITIONS), &r, true));
	}
	assert_ok(fanout_finish(f));
	fanout_close(f);
	buf_free(&headers);
}

/* mq-consume FROM >text */
static void
print_topic(const char *name, const struct format *format)
{
	struct consumer_options options = {.range = RANGE_ALL, .wait_ms = -1, .most_records = -1};
	int fd = open("text", O_RDWR | O_CREAT | O_TRUNC, 0600), kept, rc;
	struct topic *topic;
	uint64_t records;

	options.render.json = format == NULL;
	options.render.format = format;
	assert_ok(topic_open(store, name, &topic));
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	rc = consumer_run(store, topic, &options, &records);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(fd);
	assert_ok(rc);
	assert_int_equal(records, RECORDS);
	topic_close(topic);
}

/* mq-produce -p input TO text */
static void
read_topic(const char *name, const struct format *format, enum codec codec)
{
	const struct fanout_options options = {
	    .producer = {.partition = -1, .appender = {.timeout_ms = 1000, .codec = codec, .level = CODEC_DEFAULT_LEVEL}}};
	char path[] = "text", *files[] = {path, NULL};
	struct feed_options feed = {.files = files, .file_count = 1, .topic = name, .own_partition = true, .format = format};
	struct fanout *f;

	make_topic(name);
	feed.json = format == NULL;
	assert_ok(buf_append_byte(&feed.delimiter, '\n'));
	assert_ok(fanout_open(store, &options, &f));
	assert_ok(feed_run(&feed, f));
	assert_ok(fanout_finish(f));
	assert_int_equal(fanout_stored(f), RECORDS);
	assert_int_equal(fanout_unknown(f), 0);
	fanout_close(f);
	buf_free(&feed.delimiter);
}

/* One partition, record by record. */
struct walk {
	struct topic *topic;
	int partition;
	int64_t end;
	struct batch_view view;
	struct batch_cursor cursor;
	bool in_batch;
};

static void
walk_open(struct walk *w, const char *name, int partition)
{
	struct reader *reader;
	int64_t start;

	*w = (struct walk){.partition = partition};
	assert_ok(topic_open(store, name, &w->topic));
	assert_ok(topic_bounds(w->topic, partition, &start, &w->end, NULL));
	assert_ok(topic_reader(w->topic, partition, &reader));
	reader_seek(reader, start);
}

static bool
walk_next(struct walk *w, struct record *r)
{
	for (;;) {
		int rc;

		if (w->in_batch && (rc = batch_cursor_next(&w->cursor, r)) == STATUS_OK)
			return true;
		if ((rc = topic_read(w->topic, w->partition, w->end, &w->view)) == STATUS_END)
			return false;
		assert_ok(rc);
		assert_ok(batch_cursor_init(&w->cursor, w->view.bytes, &w->view.header));
		w->in_batch = true;
	}
}

static void
assert_same_bytes(const uint8_t *a, int32_t a_len, const uint8_t *b, int32_t b_len)
{
	assert_int_equal(a_len, b_len);
	if (a_len > 0)
		assert_memory_equal(a, b, (size_t)a_len);
}

static void
assert_same_topics(const char *from, const char *to)
{
	for (int p = 0; p < PARTITIONS; p++) {
		struct record a, b;
		struct walk from_walk, to_walk;

		walk_open(&from_walk, from, p);
		walk_open(&to_walk, to, p);
		while (walk_next(&from_walk, &a)) {
			assert_true(walk_next(&to_walk, &b));
			assert_int_equal(a.timestamp_ms, b.timestamp_ms);
			assert_same_bytes(a.key, a.key_len, b.key, b.key_len);
			assert_same_bytes(a.value, a.value_len, b.value, b.value_len);
			assert_int_equal(a.header_count, b.header_count);
			assert_same_bytes(a.headers, a.headers_len, b.headers, b.headers_len);
		}
		assert_false(walk_next(&to_walk, &b));
		topic_close(from_walk.topic);
		topic_close(to_walk.topic);
	}
}

static void
test_random_records_come_back(void **state)
{
	/* -J first. Each is read from the copy that the one before it made. */
	static const char *const formats[] = {
	    NULL,
	    "%p{big32}%K{big32}%k%V{big32}%v%T{big64}%H{little16}%h{%K{big16}%k%V{hex32}%v}",
	    "%p %K %V %T %H %k%v%h{%K %V %k%v}\\n",
	    "%V{hex64} %v{base64} %K{little64}%k{hex}|%T{hex64}%p{byte}%o{big64}%e{hex8}%H{byte}%h{%V{big64}%K{byte}%v{hex}%k{base64}}",
	};

	static const enum codec codecs[] = {CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD};
	char from[16] = "from";

	(void)state;
	print_message("# seed %d\n", SEED);
	random_state = SEED;
	assert_ok(store_open_or_make("store", DEADLINE_NEVER, &store));
	fill("from");
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		struct format *f = NULL;
		char name[16];

		snprintf(name, sizeof(name), "to%zu", i);
		if (formats[i] != NULL) {
			assert_ok(format_parse(formats[i], &f));
			assert_ok(format_check(f));
		}
		print_topic(from, f);
		read_topic(name, f, codecs[i]);
		assert_same_topics("from", name);
		format_free(f);
		memcpy(from, name, sizeof(from));
	}
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_random_records_come_back),
	};

	return unit_run(tests);
}

/*
 * mutate: makes hundreds of broken segments, always the same ones, from a few that are whole.
 *
 *	mutate OUT [+]SEED=FILE...
 *
 * FILE is a segment that begins with offset 0. + wants each field of its records changed, too. Each mutant is OUT/NAME/00000000000000000000.log, and its NAME is printed:
 *
 *	CLASS:WHAT@BATCH.SEED
 *
 * Classes: flip-FIELD and set-FIELD change the batch's header, set- makes the CRC right again; record-FIELD, overlong-FIELD (a varint of
 * more bytes than it needs) and overflow-FIELD (of more bits than its type has) change one record, and whatever counts bytes or checks
 * them is made right, but for the length of the record in unfixed-FIELD; records- changes several; payload- what a codec made, its CRC
 * right; noise flips bits anywhere behind the header, CRC right; file- and batch- cut and mix. whole is the seed itself.
 */
#include <sys/stat.h>

#include <bsd/sys/endian.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "base/varint.h"
#include "log/batch.h"

#define SEED_BATCHES 64
#define RECORD_FIELDS 64
#define LOG_NAME "00000000000000000000.log"

struct seed {
	const char *name;
	struct buf bytes;
	size_t at[SEED_BATCHES + 1]; /* where each batch begins; at[count] is the end */
	size_t count;
};

/* A part of a record. */
struct field {
	const char *name;
	size_t at, size; /* from the record's first byte */
	int64_t value;
};

static const char *out;
static const struct seed *seed; /* the one at work */

/* Out of memory, or a seed that is not whole. */
static void
must(int rc)
{
	if (rc != STATUS_OK)
		errx(1, "%s: %s", seed->name, status_message());
}

/*
 * Mutants.
 */

static void
emit(const char *class, const char *what, size_t batch, const void *bytes, size_t len)
{
	char name[128], path[4096];
	FILE *f;

	(void)snprintf(name, sizeof(name), "%s:%s@%zu.%s", class, what, batch, seed->name);
	(void)snprintf(path, sizeof(path), "%s/%s", out, name);
	if (mkdir(path, 0777) != 0)
		err(1, "%s", path);
	(void)snprintf(path, sizeof(path), "%s/%s/" LOG_NAME, out, name);
	if ((f = fopen(path, "wb")) == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		err(1, "%s", path);
	(void)puts(name);
}

/* The seed with another batch t. */
static void
emit_batch(const char *class, const char *what, size_t t, const struct buf *batch)
{
	struct buf b = BUF_EMPTY;

	must(buf_append(&b, seed->bytes.data, seed->at[t]));
	must(buf_append(&b, batch->data, batch->len));
	must(buf_append(&b, seed->bytes.data + seed->at[t + 1], seed->bytes.len - seed->at[t + 1]));
	emit(class, what, t, b.data, b.len);
	buf_free(&b);
}

static void
copy_batch(size_t t, struct buf *batch)
{
	buf_clear(batch);
	must(buf_append(batch, seed->bytes.data + seed->at[t], seed->at[t + 1] - seed->at[t]));
}

static void
fix_crc(struct buf *batch)
{
	be32enc(batch->data + BATCH_CRC_AT, crc32c(batch->data + BATCH_ATTRIBUTES_AT, batch->len - BATCH_ATTRIBUTES_AT));
}

static void
fix_length(struct buf *batch)
{
	be32enc(batch->data + BATCH_LENGTH_AT, (uint32_t)(batch->len - BATCH_PREFIX_BYTES));
	fix_crc(batch);
}

static enum codec
codec_of(const struct buf *batch)
{
	return (enum codec)(be16dec(batch->data + BATCH_ATTRIBUTES_AT) & BATCH_CODEC_MASK);
}

/*
 * The header.
 */

static const struct {
	const char *name;
	size_t at, size;
	int64_t values[10]; /* up to a 7, which is none */
} header_fields[] = {
    {"base-offset", BATCH_BASE_OFFSET_AT, 8, {-1, INT64_MIN, INT64_MAX, 0, 1000000, INT64_C(1) << 40, 7}},
    {"length", BATCH_LENGTH_AT, 4, {-1, 0, 13, 14, 48, 49, INT32_MAX, INT32_MIN, INT32_MAX - 12, 7}},
    {"leader-epoch", BATCH_LEADER_EPOCH_AT, 4, {-1, INT32_MIN, INT32_MAX, 5, 7}},
    {"magic", BATCH_MAGIC_AT, 1, {-128, -1, 0, 1, 3, 127, 7}},
    {"crc", BATCH_CRC_AT, 4, {7}},
    {"attributes", BATCH_ATTRIBUTES_AT, 2, {7}},
    {"last-offset-delta", BATCH_LAST_OFFSET_DELTA_AT, 4, {-1, INT32_MIN, INT32_MAX, 0, 1, 3, 5, 7}},
    {"base-timestamp", BATCH_BASE_TIMESTAMP_AT, 8, {-1, 0, INT64_MIN, INT64_MAX, 7}},
    {"max-timestamp", BATCH_MAX_TIMESTAMP_AT, 8, {-1, 0, INT64_MIN, INT64_MAX, 7}},
    {"producer-id", BATCH_PRODUCER_ID_AT, 8, {-1, -2, 0, 4711, INT64_MIN, INT64_MAX, 7}},
    {"producer-epoch", BATCH_PRODUCER_EPOCH_AT, 2, {-1, 0, INT16_MIN, INT16_MAX, 7}},
    {"base-sequence", BATCH_BASE_SEQUENCE_AT, 4, {-1, -2, 0, INT32_MIN, INT32_MAX, 7}},
    {"record-count", BATCH_RECORD_COUNT_AT, 4, {-1, 0, 1, 3, 4, 6, INT32_MIN, INT32_MAX, 7}},
};

static void
put_big(uint8_t *p, size_t size, int64_t value)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)((uint64_t)value >> 8 * (size - 1 - i));
}

static void
mutate_field(size_t t, size_t field)
{
	size_t at = header_fields[field].at, size = header_fields[field].size;
	struct buf b = BUF_EMPTY;
	char class[64], what[32];

	(void)snprintf(class, sizeof(class), "flip-%s", header_fields[field].name);
	for (int low = 0; low < 2; low++) {
		copy_batch(t, &b);
		b.data[low ? at + size - 1 : at] ^= low ? 1 : 0x80;
		emit_batch(class, low ? "low" : "high", t, &b);
	}
	(void)snprintf(class, sizeof(class), "set-%s", header_fields[field].name);
	for (const int64_t *value = header_fields[field].values; *value != 7; value++) {
		copy_batch(t, &b);
		put_big(b.data + at, size, *value);
		if (memcmp(b.data + at, seed->bytes.data + seed->at[t] + at, size) == 0)
			continue;
		fix_crc(&b);
		(void)snprintf(what, sizeof(what), "%lld", (long long)*value);
		emit_batch(class, what, t, &b);
	}
	buf_free(&b);
}

static void
mutate_attributes(size_t t)
{
	struct buf b = BUF_EMPTY;
	char what[32];

	for (unsigned codec = 0; codec < 8; codec++) {
		copy_batch(t, &b);
		if (codec == codec_of(&b))
			continue;
		b.data[BATCH_ATTRIBUTES_AT + 1] = (uint8_t)((b.data[BATCH_ATTRIBUTES_AT + 1] & 0xf8U) | codec);
		fix_crc(&b);
		(void)snprintf(what, sizeof(what), "%u", codec);
		emit_batch("set-codec", what, t, &b);
	}
	for (unsigned bit = 3; bit < 16; bit++) {
		copy_batch(t, &b);
		b.data[BATCH_ATTRIBUTES_AT + (bit < 8)] ^= (uint8_t)(1 << bit % 8);
		fix_crc(&b);
		(void)snprintf(what, sizeof(what), "%u", bit);
		emit_batch("set-attribute", what, t, &b);
	}
	buf_free(&b);
}

/*
 * Records.
 */

/* The records of a batch, as no codec has them. */
static void
unpack(size_t t, struct buf *records)
{
	struct buf b = BUF_EMPTY;

	copy_batch(t, &b);
	buf_clear(records);
	must(codec_decompress(codec_of(&b), b.data + BATCH_HEADER_BYTES, b.len - BATCH_HEADER_BYTES, BATCH_MAX_BYTES, records));
	buf_free(&b);
}

/* The batch with these records. */
static void
emit_records(const char *class, const char *what, size_t t, const struct buf *records, int32_t more_records)
{
	struct buf b = BUF_EMPTY;

	copy_batch(t, &b);
	b.len = BATCH_HEADER_BYTES;
	must(codec_compress(codec_of(&b), CODEC_DEFAULT_LEVEL, records->data, records->len, &b));
	be32enc(b.data + BATCH_RECORD_COUNT_AT, be32dec(b.data + BATCH_RECORD_COUNT_AT) + (uint32_t)more_records);
	fix_length(&b);
	emit_batch(class, what, t, &b);
	buf_free(&b);
}

static size_t
add_field(struct field *f, const char *name, const uint8_t *record, const uint8_t **p, const uint8_t *end, bool is_long)
{
	const uint8_t *start = *p;
	int32_t value = 0;

	*p = is_long ? varlong_get(start, end, &f->value) : varint_get(start, end, &value);
	if (*p == NULL)
		errx(1, "%s: a seed with a bad record", seed->name);
	if (!is_long)
		f->value = value;
	f->name = name;
	f->at = (size_t)(start - record);
	f->size = (size_t)(*p - start);
	return f->value > 0 && !is_long ? (size_t)f->value : 0;
}

/* Its fields that are varints; the first is the length. Returns how many, and the byte behind the record. */
static size_t
fields_of(const uint8_t *record, const uint8_t *end, struct field *f, const uint8_t **behind)
{
	const uint8_t *p = record;
	size_t n = 0;

	end = p + add_field(&f[n++], "length", record, &p, end, false);
	end = p + f[0].value;
	p++; /* attributes */
	(void)add_field(&f[n++], "timestamp", record, &p, end, true);
	(void)add_field(&f[n++], "offset", record, &p, end, false);
	p += add_field(&f[n++], "key", record, &p, end, false);
	p += add_field(&f[n++], "value", record, &p, end, false);
	(void)add_field(&f[n++], "headers", record, &p, end, false);
	for (int64_t left = f[n - 1].value; left > 0 && n + 2 <= RECORD_FIELDS; left--) {
		p += add_field(&f[n++], "name", record, &p, end, false);
		p += add_field(&f[n++], "header-value", record, &p, end, false);
	}
	*behind = end;
	return n;
}

/*
 * Records from `record` (a position) on with other bytes for one field. If `fix` is set, the length of the record, which is the first
 * field, is as many more as the field grew.
 */
static void
emit_field(const char *kind, const char *what, size_t t, const struct buf *records, size_t record, const struct field *fields,
    const struct field *f, const uint8_t *bytes, size_t len, bool fix)
{
	uint8_t length[VARINT_MAX_BYTES];
	size_t behind_length = record + fields[0].size, at = record + f->at;
	struct buf b = BUF_EMPTY;
	char class[64];

	(void)snprintf(class, sizeof(class), "%s-%s", kind, f->name);
	must(buf_append(&b, records->data, record));
	if (f != fields) {
		int32_t grown = (int32_t)(fields[0].value + (fix ? (int64_t)len - (int64_t)f->size : 0));

		must(buf_append(&b, length, (size_t)(varint_put(length, grown) - length)));
		must(buf_append(&b, records->data + behind_length, at - behind_length));
	}
	must(buf_append(&b, bytes, len));
	must(buf_append(&b, records->data + at + f->size, records->len - at - f->size));
	emit_records(class, what, t, &b, 0);
	buf_free(&b);
}

static size_t
put_number(uint8_t *p, int64_t value, bool is_long)
{
	return (size_t)((is_long ? varlong_put(p, value) : varint_put(p, (int32_t)value)) - p);
}

/* Other values. */
static void
mutate_value(size_t t, const struct buf *records, size_t record, size_t r, const struct field *fields, const struct field *f)
{
	bool is_long = strcmp(f->name, "timestamp") == 0;
	const int64_t values[] = {-2, -1, 0, f->value - 1, f->value + 1, f->value + 200, is_long ? INT64_MAX : INT32_MAX,
	    is_long ? INT64_MIN : INT32_MIN};
	uint8_t bytes[VARLONG_MAX_BYTES];
	char what[64];

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		size_t len = put_number(bytes, values[i], is_long);
		bool seen = values[i] == f->value;

		for (size_t k = 0; k < i; k++)
			seen = seen || values[k] == values[i];
		if (seen)
			continue;
		(void)snprintf(what, sizeof(what), "%lld,%zu,%zu", (long long)values[i], r, f->at);
		emit_field("record", what, t, records, record, fields, f, bytes, len, true);
		if (len != f->size && f != fields)
			emit_field("unfixed", what, t, records, record, fields, f, bytes, len, false);
	}
}

/* The same value in more bytes, and bits that its type has no place for. */
static void
mutate_form(size_t t, const struct buf *records, size_t record, size_t r, const struct field *fields, const struct field *f)
{
	bool is_long = strcmp(f->name, "timestamp") == 0;
	size_t most = is_long ? VARLONG_MAX_BYTES : VARINT_MAX_BYTES;
	uint8_t bytes[VARLONG_MAX_BYTES + 1];
	char what[64];

	(void)put_number(bytes, f->value, is_long);
	for (size_t len = f->size + 1; len <= most + 1; len++) {
		bytes[len - 2] |= 0x80;
		bytes[len - 1] = 0;
		(void)snprintf(what, sizeof(what), "%zu,%zu,%zu", len, r, f->at);
		if (len > f->size + 1 && len < most)
			continue;
		emit_field(len <= most ? "overlong" : "overflow", what, t, records, record, fields, f, bytes, len, true);
		if (len == most) {
			bytes[len - 1] = is_long ? 0x02 : 0x10;
			(void)snprintf(what, sizeof(what), "bit,%zu,%zu", r, f->at);
			emit_field("overflow", what, t, records, record, fields, f, bytes, len, true);
			bytes[len - 1] = 0;
		}
	}
}

/* Each field of the first, the second and the last record of the batch. */
static void
mutate_each(size_t t, const struct buf *records)
{
	const uint8_t *p = records->data, *end = p + records->len, *behind;
	struct field fields[RECORD_FIELDS];
	size_t r = 0;

	for (; p < end; p = behind, r++) {
		size_t n = fields_of(p, end, fields, &behind);

		if (r > 1 && behind != end)
			continue;
		for (size_t i = 0; i < n; i++) {
			mutate_value(t, records, (size_t)(p - records->data), r, fields, &fields[i]);
			mutate_form(t, records, (size_t)(p - records->data), r, fields, &fields[i]);
		}
	}
}

static void
mutate_records(size_t t, bool each)
{
	static const struct {
		const char *what;
		size_t from, upto; /* records that are written once more, behind the last */
		int32_t more;
	} again[] = {{"first-again", 0, 1, 1}, {"all-again-uncounted", 0, SIZE_MAX, 0}};
	struct buf records = BUF_EMPTY, b = BUF_EMPTY;
	const uint8_t *second;
	struct field fields[RECORD_FIELDS];

	unpack(t, &records);
	if (records.len == 0)
		return;
	if (each)
		mutate_each(t, &records);
	(void)fields_of(records.data, records.data + records.len, fields, &second);
	for (size_t i = 0; i < COUNT_OF(again); i++) {
		size_t first_len = (size_t)(second - records.data);

		buf_clear(&b);
		must(buf_append(&b, records.data, records.len));
		must(buf_append(&b, records.data, again[i].upto == 1 ? first_len : records.len));
		emit_records("records", again[i].what, t, &b, again[i].more);
	}
	for (size_t cut = 1; cut < records.len; cut = cut * 3) {
		char what[32];

		buf_clear(&b);
		must(buf_append(&b, records.data, records.len - cut));
		(void)snprintf(what, sizeof(what), "cut-%zu", cut);
		emit_records("records", what, t, &b, 0);
	}
	buf_clear(&b);
	must(buf_append(&b, records.data, records.len));
	must(buf_append_byte(&b, 0));
	emit_records("records", "zero-behind", t, &b, 0);
	emit_records("records", "zero-behind-counted", t, &b, 1);
	if (second < records.data + records.len) {
		/* The first goes behind the others. */
		buf_clear(&b);
		must(buf_append(&b, second, records.len - (size_t)(second - records.data)));
		must(buf_append(&b, records.data, (size_t)(second - records.data)));
		emit_records("records", "rotated", t, &b, 0);
		/* Compaction takes records away. */
		buf_clear(&b);
		must(buf_append(&b, second, records.len - (size_t)(second - records.data)));
		emit_records("records", "without-first", t, &b, -1);
		emit_records("records", "without-first-uncounted", t, &b, 0);
	}
	buf_clear(&b);
	emit_records("records", "none", t, &b, -(int32_t)be32dec(seed->bytes.data + seed->at[t] + BATCH_RECORD_COUNT_AT));
	emit_records("records", "none-uncounted", t, &b, 0);
	buf_free(&records);
	buf_free(&b);
}

/* Any bits of the records: a generator of our own, so that the mutants are the same everywhere. */
static void
mutate_noise(size_t t, unsigned rounds)
{
	struct buf records = BUF_EMPTY, b = BUF_EMPTY;
	uint32_t x = 2463534242;
	char what[32];

	unpack(t, &records);
	for (unsigned i = 0; records.len > 0 && i < rounds; i++) {
		buf_clear(&b);
		must(buf_append(&b, records.data, records.len));
		for (unsigned k = 0; k <= i % 3; k++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			b.data[x / 8 % b.len] ^= (uint8_t)(1 << x % 8);
		}
		(void)snprintf(what, sizeof(what), "%u", i);
		emit_records("noise", what, t, &b, 0);
	}
	buf_free(&records);
	buf_free(&b);
}

/*
 * What a codec made.
 */

static void
emit_payload(const char *what, size_t t, struct buf *b)
{
	fix_length(b);
	emit_batch("payload", what, t, b);
	copy_batch(t, b);
}

static void
mutate_payload(size_t t)
{
	struct buf b = BUF_EMPTY, empty = BUF_EMPTY;
	size_t payload;
	char what[32];

	copy_batch(t, &b);
	payload = b.len - BATCH_HEADER_BYTES;
	if (codec_of(&b) == CODEC_NONE)
		return;
	for (size_t i = 0; i < payload; i += i < 32 || i + 13 > payload ? 1 : 17) {
		b.data[BATCH_HEADER_BYTES + i] ^= (uint8_t)(1 << i % 8);
		(void)snprintf(what, sizeof(what), "bit-%zu", i);
		emit_payload(what, t, &b);
	}
	for (size_t cut = 1; cut <= payload; cut = cut < payload && cut * 2 > payload ? payload : cut * 2) {
		b.len -= cut;
		(void)snprintf(what, sizeof(what), "cut-%zu", cut);
		emit_payload(what, t, &b);
	}
	must(buf_append_byte(&b, 0));
	emit_payload("zero-behind", t, &b);
	must(buf_append(&b, "garbage", 7));
	emit_payload("garbage-behind", t, &b);
	must(buf_append(&b, seed->bytes.data + seed->at[t] + BATCH_HEADER_BYTES, payload));
	emit_payload("twice", t, &b);
	must(codec_compress(codec_of(&b), CODEC_DEFAULT_LEVEL, NULL, 0, &empty));
	must(buf_append(&b, empty.data, empty.len));
	emit_payload("empty-frame-behind", t, &b);
	buf_free(&b);
	buf_free(&empty);
}

/*
 * Files.
 */

static void
mutate_file(void)
{
	static const size_t tails[] = {1, 8, 11, 12, 13, 16, 17, 18, 60, 61, 62, 4096};
	const uint8_t *bytes = seed->bytes.data;
	size_t last = seed->at[seed->count - 1], len = seed->bytes.len;
	struct buf b = BUF_EMPTY;
	char what[32];

	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		(void)snprintf(what, sizeof(what), "%zu", tails[i]);
		if (tails[i] < len - last)
			emit("file-cut-to", what, seed->count - 1, bytes, last + tails[i]);
		if (tails[i] < len - last)
			emit("file-cut-by", what, seed->count - 1, bytes, len - tails[i]);
		for (int fill = 0; fill < 2; fill++) {
			buf_clear(&b);
			must(buf_append(&b, bytes, len));
			must(buf_reserve(&b, tails[i]));
			memset(b.data + len, fill ? 0xff : 0, tails[i]);
			emit(fill ? "file-ones-behind" : "file-zeros-behind", what, seed->count, b.data, len + tails[i]);
		}
	}
	buf_clear(&b);
	must(buf_append(&b, bytes, len));
	must(buf_append(&b, bytes, len));
	emit("file", "twice", seed->count, b.data, b.len);
	emit("file", "empty", 0, bytes, 0);
	buf_free(&b);
}

/* A batch that is missing, is there twice, or stands behind the next one. */
static void
mutate_order(size_t t)
{
	struct buf b = BUF_EMPTY, twice = BUF_EMPTY;

	copy_batch(t, &twice);
	must(buf_append(&twice, seed->bytes.data + seed->at[t], seed->at[t + 1] - seed->at[t]));
	emit_batch("batch", "twice", t, &twice);
	emit_batch("batch", "missing", t, &b);
	if (t + 1 < seed->count) {
		must(buf_append(&b, seed->bytes.data, seed->at[t]));
		must(buf_append(&b, seed->bytes.data + seed->at[t + 1], seed->at[t + 2] - seed->at[t + 1]));
		must(buf_append(&b, seed->bytes.data + seed->at[t], seed->at[t + 1] - seed->at[t]));
		must(buf_append(&b, seed->bytes.data + seed->at[t + 2], seed->bytes.len - seed->at[t + 2]));
		emit("batch", "behind-next", t, b.data, b.len);
	}
	buf_free(&b);
	buf_free(&twice);
}

static void
read_seed(struct seed *s, const char *path)
{
	uint8_t block[4096];
	size_t got;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	while ((got = fread(block, 1, sizeof(block), f)) > 0)
		must(buf_append(&s->bytes, block, got));
	(void)fclose(f);
	while (s->at[s->count] < s->bytes.len && s->count < SEED_BATCHES) {
		struct batch_header h;

		must(batch_decode_header(s->bytes.data + s->at[s->count], &h));
		s->at[s->count + 1] = s->at[s->count] + (size_t)batch_bytes(&h);
		s->count++;
	}
	if (s->count == 0 || s->at[s->count] != s->bytes.len)
		errx(1, "%s: no seed", path);
}

/* Headers are in the clear, so seeds without a codec are enough for those. */
static void
mutate_seed(size_t t, bool each)
{
	struct buf b = BUF_EMPTY;
	enum codec codec;

	copy_batch(t, &b);
	codec = codec_of(&b);
	buf_free(&b);
	for (size_t f = 0; codec == CODEC_NONE && f < COUNT_OF(header_fields); f++)
		mutate_field(t, f);
	mutate_attributes(t);
	mutate_records(t, each);
	mutate_noise(t, 20);
	mutate_payload(t);
	if (codec != CODEC_NONE)
		return;
	mutate_order(t);
	mutate_file();
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: mutate OUT [+]SEED=FILE...");
	out = argv[1];
	for (int i = 2; i < argc; i++) {
		bool each = argv[i][0] == '+';
		struct seed s = {.name = argv[i] + each, .bytes = BUF_EMPTY};
		char *path = strchr(argv[i], '=');

		if (path == NULL)
			errx(2, "%s: SEED=FILE expected", argv[i]);
		*path = '\0';
		seed = &s;
		read_seed(&s, path + 1);
		emit("whole", "seed", 0, s.bytes.data, s.bytes.len);
		mutate_seed(s.count / 2, each);
		buf_free(&s.bytes);
	}
	return 0;
}

#include "store/named_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "store/config.h"
#include "store/keyvalue.h"

/* The lines before those of the partitions. */
enum {
	HAS_ID = 1,
	HAS_PARTITIONS = 2,
	HAS_LIVE = 4,
	HAS_RECORDS = 8,
	HAS_HASHES = 16,
	HAS_MARKS = 32,
	HAS_ALL = 63,
	HAS_FOLLOWS = 64,
	HAS_PLACE = 128
};
#define HASH_DIGITS 16

struct head {
	struct named_file *file;
	int64_t marks; /* lines that follow */
	int steps;     /* hashes behind the first */
	unsigned has;
};

void
named_file_free(struct named_file *f)
{
	free(f->marks);
	*f = (struct named_file){.marks = NULL};
}

static int
encode_place(const struct named_place *place, struct buf *text)
{
	int rc;

	if ((rc = buf_printf(text, "\nfollows=")) != STATUS_OK || (rc = named_place_encode_follows(place, text)) != STATUS_OK ||
	    (rc = buf_printf(text, "\nplace=")) != STATUS_OK)
		return rc;
	return named_place_encode(place, text);
}

int
named_file_encode(const struct named_file *f, struct buf *text)
{
	int rc = buf_printf(text,
	    KEYVALUE_FORMAT "producer.id=%" PRId64 "\npartitions=%d\nlive=%d\nrecords=%" PRId64 "\nhashes=%0*" PRIx64,
	    f->producer_id, f->partitions, f->live, f->input.records, HASH_DIGITS, f->input.hash);

	for (int i = 0; rc == STATUS_OK && i < beginning_steps(f->input.records); i++)
		rc = buf_printf(text, " %0*" PRIx64, HASH_DIGITS, f->input.steps[i]);
	if (rc == STATUS_OK && f->followed)
		rc = encode_place(&f->place, text);
	if (rc == STATUS_OK)
		rc = buf_printf(text, "\nmarks=%zu\n", f->count);
	for (size_t i = 0; rc == STATUS_OK && i < f->count; i++) {
		const struct named_mark *m = &f->marks[i];

		rc = buf_printf(text, "%d %" PRId64 " %" PRId64 " %d\n", m->partition, m->stored, m->offset, m->epoch);
	}
	return rc;
}

/* 16 digits, and a space or the end behind them. */
static int
decode_hash(const char **text, uint64_t *hash)
{
	uint64_t n = 0;
	int i;

	for (i = 0; parse_hex_digit((*text)[i]) >= 0; i++)
		n = n << 4 | (uint64_t)parse_hex_digit((*text)[i]);
	if (i != HASH_DIGITS || ((*text)[i] != '\0' && (*text)[i] != ' '))
		return status_fail(STATUS_CONFIG, "hashes: %d hexadecimal digits expected", HASH_DIGITS);
	*text += (*text)[i] == ' ' ? i + 1 : i;
	*hash = n;
	return STATUS_OK;
}

static int
decode_hashes(const char *value, struct beginning *input, int *steps)
{
	int rc = decode_hash(&value, &input->hash);

	for (*steps = 0; rc == STATUS_OK && *steps < FINGERPRINT_STEPS && *value != '\0'; ++*steps)
		rc = decode_hash(&value, &input->steps[*steps]);
	return rc == STATUS_OK && *value != '\0' ? status_fail(STATUS_CONFIG, "hashes: too many") : rc;
}

static int
decode_number(const char *key, const char *value, int64_t min, int64_t max, int64_t *number)
{
	return parse_int64(value, min, max, number) == STATUS_OK ? STATUS_OK : status_context(STATUS_CONFIG, "%s", key);
}

static int
decode_line(void *arg, const char *key, const char *value)
{
	static const char *const keys[] = {"producer.id", "partitions", "live", "records", "hashes", "marks", "follows", "place"};
	struct head *h = arg;
	struct named_file *f = h->file;
	size_t i = 0;
	int64_t n = 0;
	int rc;

	while (i < COUNT_OF(keys) && strcmp(key, keys[i]) != 0)
		i++;
	switch (1u << i) {
	case HAS_ID:
		rc = decode_number(key, value, 0, INT64_MAX, &f->producer_id);
		break;
	case HAS_PARTITIONS:
		if ((rc = decode_number(key, value, 1, TOPIC_MAX_PARTITIONS, &n)) == STATUS_OK)
			f->partitions = (int)n;
		break;
	case HAS_LIVE:
		if ((rc = decode_number(key, value, 0, 1, &n)) == STATUS_OK)
			f->live = n == 1;
		break;
	case HAS_RECORDS:
		rc = decode_number(key, value, 0, INT64_MAX, &f->input.records);
		break;
	case HAS_HASHES:
		rc = decode_hashes(value, &f->input, &h->steps);
		break;
	case HAS_MARKS:
		rc = decode_number(key, value, 0, TOPIC_MAX_PARTITIONS, &h->marks);
		break;
	case HAS_FOLLOWS:
		rc = named_place_decode_follows(value, &f->place);
		break;
	case HAS_PLACE:
		rc = named_place_decode(value, &f->place);
		break;
	default:
		return status_fail(STATUS_CONFIG, "%s: unknown key", key);
	}
	h->has |= 1u << i;
	return rc;
}

/* Cut the next number off the line; `end` is what stands behind it. */
static int
cut_number(char **line, char end, int64_t min, int64_t max, int64_t *number)
{
	char *behind = strchr(*line, end), *text = *line;

	if (behind == NULL)
		return status_fail(STATUS_CONFIG, "PARTITION STORED OFFSET EPOCH expected");
	*behind = '\0';
	*line = behind + 1;
	return parse_int64(text, min, max, number) == STATUS_OK ? STATUS_OK : status_context(STATUS_CONFIG, "a partition's line");
}

static int
decode_mark(char **text, struct named_mark *m)
{
	int64_t partition, epoch;
	int rc;

	if ((rc = cut_number(text, ' ', 0, TOPIC_MAX_PARTITIONS - 1, &partition)) != STATUS_OK ||
	    (rc = cut_number(text, ' ', 0, INT64_MAX, &m->stored)) != STATUS_OK ||
	    (rc = cut_number(text, ' ', 0, INT64_MAX, &m->offset)) != STATUS_OK ||
	    (rc = cut_number(text, '\n', -1, INT32_MAX, &epoch)) != STATUS_OK)
		return rc;
	m->partition = (int)partition;
	m->epoch = (int32_t)epoch;
	return STATUS_OK;
}

/* `text` holds the lines of the partitions and ends in a NUL. */
static int
decode_marks(char *text, int64_t count, struct named_file *f)
{
	int64_t sum = 0;
	int rc = STATUS_OK;

	if ((f->marks = calloc((size_t)count + 1, sizeof(*f->marks))) == NULL)
		return status_no_memory("partitions of a producer");
	for (; rc == STATUS_OK && f->count < (size_t)count; f->count++) {
		struct named_mark *m = &f->marks[f->count];

		if ((rc = decode_mark(&text, m)) != STATUS_OK)
			continue;
		if (f->count > 0 && m->partition <= m[-1].partition)
			rc = status_fail(STATUS_CONFIG, "partition %d after %d", m->partition, m[-1].partition);
		else if (ADD_OVERFLOWS(sum, m->stored, &sum))
			rc = status_fail(STATUS_CONFIG, "more records than can be");
	}
	if (rc == STATUS_OK && *text != '\0')
		rc = status_fail(STATUS_CONFIG, "more lines than marks=%lld", (long long)count);
	if (rc == STATUS_OK && sum != f->input.records)
		rc = status_fail(STATUS_CONFIG, "records=%lld, but the partitions hold %lld", (long long)f->input.records,
		    (long long)sum);
	return rc;
}

/* Where the lines of the partitions begin: behind that of `marks`. */
static size_t
find_marks(const struct buf *text)
{
	static const char key[] = "\nmarks=";
	const uint8_t *line = memmem(text->data, text->len, key, sizeof(key) - 1), *end;

	if (line == NULL || (end = memchr(line + 1, '\n', text->len - (size_t)(line + 1 - text->data))) == NULL)
		return text->len;
	return (size_t)(end + 1 - text->data);
}

/* As many steps as its records have; of as many records as a step has, its hash is that of the step. */
static bool
has_steps(const struct beginning *input, int steps)
{
	int count = beginning_steps(input->records);

	if (steps != count)
		return false;
	if (count > 0 && beginning_is_step(input->records))
		return input->steps[count - 1] == input->hash;
	return count > 0 || input->hash == 0;
}

static int
decode(const struct buf *text, struct named_file *f)
{
	struct head head = {.file = f};
	size_t at = text->len > 0 ? find_marks(text) : 0;
	struct buf lines = {.data = text->data, .len = at, .cap = 0}, marks = BUF_EMPTY;
	int rc;

	if ((rc = keyvalue_each(&lines, decode_line, &head)) != STATUS_OK)
		return rc;
	f->followed = (head.has & HAS_PLACE) != 0;
	if ((head.has & HAS_ALL) != HAS_ALL || f->followed != ((head.has & HAS_FOLLOWS) != 0))
		return status_fail(STATUS_CONFIG, "a line is missing");
	if (f->followed && f->place.next >= f->partitions)
		return status_fail(STATUS_CONFIG, "place: no partition %d", f->place.next);
	if (!has_steps(&f->input, head.steps))
		return status_fail(STATUS_CONFIG, "hashes: not those of %lld records", (long long)f->input.records);
	if (text->len > at && memchr(text->data + at, '\0', text->len - at) != NULL)
		return status_fail(STATUS_CONFIG, "not a text file: it has a NUL byte");
	if ((text->len == at || (rc = buf_append(&marks, text->data + at, text->len - at)) == STATUS_OK) &&
	    (rc = buf_append_byte(&marks, '\0')) == STATUS_OK)
		rc = decode_marks((char *)marks.data, head.marks, f);
	buf_free(&marks);
	return rc;
}

int
named_file_decode(const struct buf *text, struct named_file *f)
{
	int rc;

	*f = (struct named_file){.marks = NULL};
	if ((rc = decode(text, f)) != STATUS_OK)
		named_file_free(f);
	return rc;
}

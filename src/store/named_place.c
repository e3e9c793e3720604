#include "store/named_place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/parse.h"
#include "base/status.h"
#include "store/config.h"

#define HASH_DIGITS 16

void
place_tail_add(struct place_tail *t, const uint8_t *bytes, size_t len)
{
	size_t kept;

	if (len >= PLACE_TAIL_BYTES) {
		memcpy(t->bytes, bytes + len - PLACE_TAIL_BYTES, PLACE_TAIL_BYTES);
		t->len = PLACE_TAIL_BYTES;
		return;
	}
	kept = t->len < PLACE_TAIL_BYTES - len ? t->len : PLACE_TAIL_BYTES - len;
	memmove(t->bytes, t->bytes + t->len - kept, kept);
	if (len > 0)
		memcpy(t->bytes + kept, bytes, len);
	t->len = kept + len;
}

uint64_t
place_tail_hash(const struct place_tail *t)
{
	return XXH3_64bits(t->bytes, t->len);
}

bool
place_is_file(const struct file_identity *a, const struct file_identity *b)
{
	return a->inode == b->inode && a->birth_sec == b->birth_sec && a->birth_nsec == b->birth_nsec;
}

bool
named_place_equal(const struct named_place *a, const struct named_place *b)
{
	return place_is_file(&a->file, &b->file) && a->position == b->position && a->hash == b->hash && a->next == b->next &&
	    strcmp(a->follows, b->follows) == 0;
}

/* What would break the line, or not be seen in it, is written as %XX. */
int
named_place_encode_follows(const struct named_place *place, struct buf *text)
{
	int rc = STATUS_OK;

	for (const char *c = place->follows; rc == STATUS_OK && *c != '\0'; c++) {
		uint8_t byte = (uint8_t)*c;

		rc = byte <= ' ' || byte == '%' || byte >= 0x7f ? buf_printf(text, "%%%02x", byte) : buf_append_byte(text, byte);
	}
	return rc;
}

int
named_place_encode(const struct named_place *place, struct buf *text)
{
	return buf_printf(text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %0*" PRIx64 " %d", place->file.inode,
	    place->file.birth_sec, place->file.birth_nsec, place->position, HASH_DIGITS, place->hash, place->next);
}

static int
fail_follows(void)
{
	return status_fail(STATUS_CONFIG, "follows: an absolute path expected");
}

int
named_place_decode_follows(const char *value, struct named_place *place)
{
	size_t len = 0;

	if (*value != '/')
		return fail_follows();
	for (; *value != '\0'; value++) {
		int byte = (uint8_t)*value, high, low;

		if (byte == '%') {
			if ((high = parse_hex_digit(value[1])) < 0 || (low = parse_hex_digit(value[2])) < 0 || high + low == 0)
				return fail_follows();
			byte = high << 4 | low;
			value += 2;
		}
		if (len + 1 >= sizeof(place->follows))
			return fail_follows();
		place->follows[len++] = (char)byte;
	}
	place->follows[len] = '\0';
	return STATUS_OK;
}

static int
fail_place(void)
{
	return status_fail(STATUS_CONFIG, "place: INODE SECONDS NANOSECONDS POSITION HASH NEXT expected");
}

/* A number of this base from 0 to most, and the character behind it. */
static bool
cut(const char **text, int base, uint64_t most, char behind, uint64_t *number)
{
	uint64_t n = 0;
	const char *start = *text;
	int digit;

	for (; (digit = parse_hex_digit(**text)) >= 0 && digit < base; ++*text) {
		if (n > (most - (uint64_t)digit) / (uint64_t)base)
			return false;
		n = n * (uint64_t)base + (uint64_t)digit;
	}
	if (*text == start || **text != behind || (base == 16 && *text - start != HASH_DIGITS))
		return false;
	*text += behind != '\0';
	*number = n;
	return true;
}

int
named_place_decode(const char *value, struct named_place *place)
{
	uint64_t position, next;

	if (!cut(&value, 10, UINT64_MAX, ' ', &place->file.inode) || !cut(&value, 10, INT64_MAX, ' ', &place->file.birth_sec) ||
	    !cut(&value, 10, 999999999, ' ', &place->file.birth_nsec) || !cut(&value, 10, INT64_MAX, ' ', &position) ||
	    !cut(&value, 16, UINT64_MAX, ' ', &place->hash) || !cut(&value, 10, TOPIC_MAX_PARTITIONS - 1, '\0', &next))
		return fail_place();
	place->position = (int64_t)position;
	place->next = (int)next;
	return STATUS_OK;
}

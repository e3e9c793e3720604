#include "cmd/json.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "cmd/encoding.h"

/*
 * Printing, by hand for speed.
 */

/* How long the UTF-8 sequence at p is; 0 if there is none (RFC 3629: nothing overlong, no surrogates, at most U+10FFFF). */
static size_t
sequence_len(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (len > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static bool
is_utf8(const uint8_t *bytes, size_t len)
{
	size_t i = 0, step;

	while (i < len) {
		uint64_t eight;

		/* Eight ASCII characters at a time. */
		if (len - i >= sizeof(eight)) {
			memcpy(&eight, bytes + i, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof(eight);
				continue;
			}
		}
		if ((step = sequence_len(bytes + i, len - i)) == 0)
			return false;
		i += step;
	}
	return true;
}

/* RFC 8259, section 7: quotation mark, reverse solidus, and the control characters. */
static bool
needs_escape(uint8_t c)
{
	return c < ' ' || c == '"' || c == '\\';
}

static int
put_escape(uint8_t c, struct buf *out)
{
	static const char short_ones[] = "\"\"\\\\\bb\ff\nn\rr\tt", digits[] = "0123456789abcdef";
	uint8_t text[6] = {'\\', 'u', '0', '0', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};

	for (size_t i = 0; i < sizeof(short_ones) - 1; i += 2) {
		if ((uint8_t)short_ones[i] != c)
			continue;
		text[1] = (uint8_t)short_ones[i + 1];
		return buf_append(out, text, 2);
	}
	return buf_append(out, text, sizeof(text));
}

static int
put_utf8(const uint8_t *bytes, size_t len, struct buf *out)
{
	size_t i = 0;
	int rc = STATUS_OK;

	while (rc == STATUS_OK && i < len) {
		size_t run = i;

		while (run < len && !needs_escape(bytes[run]))
			run++;
		rc = buf_append(out, bytes + i, run - i);
		if (rc == STATUS_OK && run < len)
			rc = put_escape(bytes[run++], out);
		i = run;
	}
	return rc;
}

static int
put_text(const char *text, struct buf *out)
{
	return buf_append(out, text, strlen(text));
}

/* `"name":` and the opening quotation mark of a string. */
static int
put_name(const char *name, const char *suffix, struct buf *out)
{
	int rc;

	if ((rc = buf_append_byte(out, '"')) == STATUS_OK && (rc = put_text(name, out)) == STATUS_OK)
		rc = put_text(suffix, out);
	return rc;
}

int
json_put_bytes(const char *name, const uint8_t *bytes, int32_t len, struct buf *out)
{
	int rc;

	if (len < 0)
		return put_name(name, "\":null", out);
	if (is_utf8(bytes, (size_t)len)) {
		if ((rc = put_name(name, "\":\"", out)) == STATUS_OK)
			rc = put_utf8(bytes, (size_t)len, out);
	} else if ((rc = put_name(name, "_base64\":\"", out)) == STATUS_OK) {
		rc = encoding_put_base64(bytes, (size_t)len, out);
	}
	return rc == STATUS_OK ? buf_append_byte(out, '"') : rc;
}

static int
put_number(const char *before, int64_t number, struct buf *out)
{
	int rc = put_text(before, out);

	return rc == STATUS_OK ? encoding_put_decimal(number, out) : rc;
}

static int
put_header(const struct record_header *header, bool first, struct buf *out)
{
	int rc;

	if ((rc = put_text(first ? "{" : ",{", out)) == STATUS_OK &&
	    (rc = json_put_bytes("name", header->name, header->name_len, out)) == STATUS_OK &&
	    (rc = buf_append_byte(out, ',')) == STATUS_OK &&
	    (rc = json_put_bytes("value", header->value, header->value_len, out)) == STATUS_OK)
		rc = buf_append_byte(out, '}');
	return rc;
}

static int
put_headers(const struct record *r, struct buf *out)
{
	const uint8_t *p = r->headers;
	struct record_header header;
	int rc = put_text(",\"headers\":[", out);

	for (int32_t i = 0; rc == STATUS_OK && i < r->header_count; i++) {
		record_next_header(r, &p, &header);
		rc = put_header(&header, i == 0, out);
	}
	return rc == STATUS_OK ? buf_append_byte(out, ']') : rc;
}

int
json_print_record(const struct format_place *place, const struct record *r, struct buf *out)
{
	const char *type = place->append_time ? ",\"timestamp_type\":\"LogAppendTime\"," : ",\"timestamp_type\":\"CreateTime\",";
	int rc;

	if ((rc = put_text("{\"topic\":\"", out)) == STATUS_OK && (rc = put_text(place->topic, out)) == STATUS_OK &&
	    (rc = put_number("\",\"partition\":", place->partition, out)) == STATUS_OK &&
	    (rc = put_number(",\"offset\":", r->offset, out)) == STATUS_OK &&
	    (rc = put_number(",\"timestamp\":", r->timestamp_ms, out)) == STATUS_OK && (rc = put_text(type, out)) == STATUS_OK &&
	    (rc = json_put_bytes("key", r->key, r->key_len, out)) == STATUS_OK && (rc = buf_append_byte(out, ',')) == STATUS_OK &&
	    (rc = json_put_bytes("value", r->value, r->value_len, out)) == STATUS_OK && (rc = put_headers(r, out)) == STATUS_OK &&
	    (rc = put_number(",\"leader_epoch\":", place->leader_epoch, out)) == STATUS_OK)
		rc = put_text("}\n", out);
	return rc;
}

/*
 * Reading.
 */

/* A string or null, as it stands or as base64, into `bytes`; *len is -1 for null. */
static int
take_bytes(const json_t *json, bool base64, struct buf *bytes, int32_t *len)
{
	const uint8_t *text = (const uint8_t *)json_string_value(json);
	size_t text_len = json_string_length(json);
	int rc;

	*len = -1;
	if (json_is_null(json))
		return STATUS_OK;
	if (text == NULL)
		return status_fail(STATUS_DATA, "a string or null expected");
	if (text_len > INT32_MAX)
		return status_fail(STATUS_DATA, "longer than a record may be");
	buf_clear(bytes);
	if ((rc = base64 ? encoding_get_base64(text, text_len, bytes) : buf_append(bytes, text, text_len)) == STATUS_OK)
		*len = (int32_t)bytes->len;
	return rc;
}

static int
take_key(struct draft *d, const json_t *json, bool base64)
{
	int rc = take_bytes(json, base64, &d->key, &d->record.key_len);

	d->record.key = d->key.data;
	return rc;
}

static int
take_value(struct draft *d, const json_t *json, bool base64)
{
	int rc = take_bytes(json, base64, &d->value, &d->record.value_len);

	d->record.value = d->value.data;
	return rc;
}

static int
take_topic(struct draft *d, const json_t *json, bool base64)
{
	(void)base64;
	if (!json_is_string(json))
		return status_fail(STATUS_DATA, "a string expected");
	return draft_set_topic(d, (const uint8_t *)json_string_value(json), json_string_length(json));
}

static int
take_partition(struct draft *d, const json_t *json, bool base64)
{
	(void)base64;
	if (!json_is_integer(json))
		return status_fail(STATUS_DATA, "an integer expected");
	return draft_set_partition(d, json_integer_value(json));
}

static int
take_timestamp(struct draft *d, const json_t *json, bool base64)
{
	(void)base64;
	if (!json_is_integer(json))
		return status_fail(STATUS_DATA, "an integer expected, milliseconds since 1970");
	return draft_set_timestamp(d, json_integer_value(json));
}

static int take_headers(struct draft *, const json_t *, bool base64);

/*
 * The fields, ours first, then kcat's. rpk has a subset of ours. What has no `take` is what a record is given when it is stored; it is
 * passed over. Two spellings of one field bear the same bit.
 */
static const struct {
	const char *name;
	int (*take)(struct draft *, const json_t *, bool base64);
	bool base64, nullable; /* nullable: null is as if it were not there */
	unsigned bit;
} fields[] = {
    {"topic", take_topic, false, true, DRAFT_TOPIC},
    {"partition", take_partition, false, true, DRAFT_PARTITION},
    {"offset", NULL, false, false, 0},
    {"timestamp", take_timestamp, false, true, DRAFT_TIMESTAMP},
    {"timestamp_type", NULL, false, false, 0},
    {"key", take_key, false, false, DRAFT_KEY},
    {"key_base64", take_key, true, false, DRAFT_KEY},
    {"value", take_value, false, false, DRAFT_VALUE},
    {"value_base64", take_value, true, false, DRAFT_VALUE},
    {"headers", take_headers, false, true, DRAFT_HEADERS},
    {"leader_epoch", NULL, false, false, 0},
    {"payload", take_value, false, false, DRAFT_VALUE},
    {"ts", take_timestamp, false, true, DRAFT_TIMESTAMP},
    {"tstype", NULL, false, false, 0},
    {"broker", NULL, false, false, 0},
};

static int
take_field(struct draft *d, const char *name, const json_t *json)
{
	int rc;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (fields[i].take == NULL || (fields[i].nullable && json_is_null(json)))
			return STATUS_OK;
		if ((d->given & fields[i].bit) != 0)
			return status_fail(STATUS_DATA, "\"%s\": said twice, in two ways", name);
		d->given |= fields[i].bit;
		rc = fields[i].take(d, json, fields[i].base64);
		return rc == STATUS_OK ? rc : status_context(rc, "\"%s\"", name);
	}
	return status_fail(STATUS_DATA, "\"%.64s\": no such field", name);
}

/*
 * Headers.
 */

/* A header that is being read; the bytes lie in the bufs. */
struct header_draft {
	struct record_header header;
	bool named, valued;
	struct buf name, value;
};

static int
take_header_field(struct header_draft *h, const char *name, const json_t *json)
{
	bool base64 = strcmp(name, "name_base64") == 0 || strcmp(name, "value_base64") == 0;
	bool *seen;
	int rc;

	if (strcmp(name, "name") == 0 || strcmp(name, "name_base64") == 0 || strcmp(name, "key") == 0)
		seen = &h->named;
	else if (strcmp(name, "value") == 0 || strcmp(name, "value_base64") == 0)
		seen = &h->valued;
	else
		return status_fail(STATUS_DATA, "\"%.64s\": no such field of a header", name);
	if (*seen)
		return status_fail(STATUS_DATA, "\"%s\" of a header: said twice, in two ways", name);
	*seen = true;
	if (seen == &h->named)
		rc = take_bytes(json, base64, &h->name, &h->header.name_len);
	else
		rc = take_bytes(json, base64, &h->value, &h->header.value_len);
	return rc == STATUS_OK ? rc : status_context(rc, "\"%s\" of a header", name);
}

static int
finish_header(struct draft *d, struct header_draft *h)
{
	if (!h->named || h->header.name_len < 0)
		return status_fail(STATUS_DATA, "a header without a name");
	if (!h->valued)
		return status_fail(STATUS_DATA, "a header without a value; if it is null that must be said");
	h->header.name = h->name.data;
	h->header.value = h->value.data;
	return draft_add_header(d, &h->header);
}

/* {"name":...,"value":...} */
static int
take_header_object(struct draft *d, struct header_draft *h, json_t *json)
{
	int rc = STATUS_OK;

	h->named = h->valued = false;
	for (void *i = json_object_iter(json); rc == STATUS_OK && i != NULL; i = json_object_iter_next(json, i))
		rc = take_header_field(h, json_object_iter_key(i), json_object_iter_value(i));
	return rc == STATUS_OK ? finish_header(d, h) : rc;
}

/* kcat: ["name","value","name","value",...]; the pair at `i`. */
static int
take_flat_header(struct draft *d, struct header_draft *h, const json_t *list, size_t i)
{
	int rc;

	if (i + 1 == json_array_size(list))
		return status_fail(STATUS_DATA, "the last name has no value");
	h->named = h->valued = true;
	if ((rc = take_bytes(json_array_get(list, i), false, &h->name, &h->header.name_len)) == STATUS_OK &&
	    (rc = take_bytes(json_array_get(list, i + 1), false, &h->value, &h->header.value_len)) == STATUS_OK)
		rc = finish_header(d, h);
	return rc;
}

static int
take_headers(struct draft *d, const json_t *json, bool base64)
{
	struct header_draft h = {.named = false};
	int rc = STATUS_OK;

	(void)base64;
	if (!json_is_array(json))
		return status_fail(STATUS_DATA, "an array expected");
	for (size_t i = 0; rc == STATUS_OK && i < json_array_size(json); i++) {
		json_t *entry = json_array_get(json, i);

		rc = json_is_object(entry) ? take_header_object(d, &h, entry) : take_flat_header(d, &h, json, i++);
	}
	buf_free(&h.name);
	buf_free(&h.value);
	return rc;
}

static int
take_object(struct draft *d, json_t *json)
{
	int rc = STATUS_OK;

	if (!json_is_object(json))
		return status_fail(STATUS_DATA, "not a JSON object");
	for (void *i = json_object_iter(json); rc == STATUS_OK && i != NULL; i = json_object_iter_next(json, i))
		rc = take_field(d, json_object_iter_key(i), json_object_iter_value(i));
	if (rc == STATUS_OK && (d->given & DRAFT_VALUE) == 0)
		return status_fail(STATUS_DATA, "no \"value\" in it; if it is null that must be said");
	return rc;
}

int
json_parse_record(const uint8_t *line, size_t len, struct draft *d)
{
	json_error_t error;
	json_t *json;
	int rc;

	if ((json = json_loadb((const char *)line, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error)) == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return status_no_memory("JSON");
		return status_fail(STATUS_DATA, "not JSON: %s (byte %d)", error.text, error.position);
	}
	rc = take_object(d, json);
	json_decref(json);
	return rc;
}

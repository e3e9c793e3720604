#include "cmd/dump_record.h"

#include "base/status.h"
#include "cmd/escape.h"

void
dump_time(struct print *print, int64_t ms)
{
	char text[PRINT_TIME_BYTES];

	if (ms == -1) {
		print_empty(print);
		return;
	}
	print_time(text, ms);
	print_text(print, text);
}

/* NULL for null: a length of -1. */
static const uint8_t *
bytes_of(const uint8_t *bytes, int32_t len)
{
	return len < 0 ? NULL : bytes;
}

void
dump_record_cells(struct print *print, const struct record *r)
{
	struct record_header header;
	const uint8_t *p = r->headers;

	print_number(print, r->offset);
	dump_time(print, r->timestamp_ms);
	print_bytes(print, bytes_of(r->key, r->key_len), (size_t)r->key_len);
	print_bytes(print, bytes_of(r->value, r->value_len), (size_t)r->value_len);
	print_pairs_begin(print);
	for (int32_t i = 0; i < r->header_count; i++) {
		record_next_header(r, &p, &header);
		print_pair(print, header.name, (size_t)header.name_len, bytes_of(header.value, header.value_len),
		    (size_t)header.value_len);
	}
	print_pairs_end(print);
}

void
dump_record_no_cells(struct print *print)
{
	static const char *const columns[] = {DUMP_RECORD_COLUMNS};

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		print_empty(print);
}

static int
put_quoted(struct buf *b, const uint8_t *bytes, int32_t len)
{
	int rc;

	if (len < 0)
		return buf_append(b, "null", 4);
	if ((rc = buf_append_byte(b, '"')) != STATUS_OK || (rc = escape_text(b, bytes, (size_t)len, "\"")) != STATUS_OK)
		return rc;
	return buf_append_byte(b, '"');
}

static int
put_headers(struct buf *b, const struct record *r)
{
	struct record_header header;
	const uint8_t *p = r->headers;
	int rc = r->header_count > 0 ? buf_append(b, "  headers", 9) : STATUS_OK;

	for (int32_t i = 0; rc == STATUS_OK && i < r->header_count; i++) {
		record_next_header(r, &p, &header);
		if ((rc = buf_append_byte(b, ' ')) == STATUS_OK &&
		    (rc = put_quoted(b, header.name, header.name_len)) == STATUS_OK && (rc = buf_append_byte(b, '=')) == STATUS_OK)
			rc = put_quoted(b, header.value, header.value_len);
	}
	return rc;
}

int
dump_record_line(struct buf *b, const struct record *r)
{
	char time[PRINT_TIME_BYTES];
	int rc;

	print_time(time, r->timestamp_ms);
	if ((rc = buf_printf(b, "  offset %lld  timestamp %s  key ", (long long)r->offset, time)) != STATUS_OK ||
	    (rc = put_quoted(b, r->key, r->key_len)) != STATUS_OK || (rc = buf_append(b, "  value ", 8)) != STATUS_OK ||
	    (rc = put_quoted(b, r->value, r->value_len)) != STATUS_OK || (rc = put_headers(b, r)) != STATUS_OK)
		return rc;
	return buf_append_byte(b, '\n');
}

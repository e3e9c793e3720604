/*
 * batch: any bytes as a record batch. What can be decoded can be made again, and says the same then.
 */
#include "fuzz.h"

#include <bsd/sys/endian.h>

#include "base/crc32c.h"
#include "log/batch.h"

#define MOST_RECORDS 1000

static bool
same_bytes(const uint8_t *a, int32_t a_len, const uint8_t *b, int32_t b_len)
{
	return a_len == b_len && (a_len <= 0 || memcmp(a, b, (size_t)a_len) == 0);
}

/* Decode all records of a plain batch; how many there are, -1 if they are not valid. */
static int
decode_records(const uint8_t *bytes, const struct batch_header *h, struct record *records)
{
	struct batch_cursor c;
	struct record_header header;
	const uint8_t *p;
	int count = 0, rc;

	if (batch_cursor_init(&c, bytes, h) != STATUS_OK)
		return -1;
	while (count < MOST_RECORDS && (rc = batch_cursor_next(&c, &records[count])) == STATUS_OK) {
		p = records[count].headers;
		for (int32_t i = 0; i < records[count].header_count; i++)
			record_next_header(&records[count], &p, &header);
		EXPECT(p == records[count].headers + records[count].headers_len || records[count].header_count == 0);
		count++;
	}
	return count < MOST_RECORDS && rc != STATUS_END ? -1 : count;
}

static void
check_rebuilt(const struct batch_header *h, const struct record *records, int count)
{
	static struct record again[MOST_RECORDS];
	struct batch_header decoded;
	struct buf rebuilt = BUF_EMPTY;
	int rc = batch_rebuild(h, records, (size_t)count, -1, &rebuilt);

	if (rc == STATUS_OK) {
		EXPECT(batch_decode_header(rebuilt.data, &decoded) == STATUS_OK);
		EXPECT((size_t)batch_bytes(&decoded) == rebuilt.len);
		EXPECT(batch_check_crc(rebuilt.data, &decoded) == STATUS_OK);
		EXPECT(batch_end_offset(&decoded) == batch_end_offset(h));
		EXPECT(decode_records(rebuilt.data, &decoded, again) == count);
		for (int i = 0; i < count; i++) {
			EXPECT(again[i].offset == records[i].offset);
			EXPECT(again[i].timestamp_ms == records[i].timestamp_ms);
			EXPECT(again[i].header_count == records[i].header_count);
			EXPECT(same_bytes(again[i].key, again[i].key_len, records[i].key, records[i].key_len));
			EXPECT(same_bytes(again[i].value, again[i].value_len, records[i].value, records[i].value_len));
			EXPECT(same_bytes(again[i].headers, again[i].headers_len, records[i].headers, records[i].headers_len));
		}
	}
	buf_free(&rebuilt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct record records[MOST_RECORDS];
	struct batch_header h, plain_header;
	struct batch_view view;
	struct batch_marker marker;
	struct buf copy, plain = BUF_EMPTY;
	const uint8_t *plain_bytes;
	int count;

	if (len < BATCH_HEADER_BYTES)
		return 0;
	copy = fuzz_rest(&(struct fuzz_bytes){bytes, len});
	/* The length is made to fit, or hardly any input would be a batch. */
	be32enc(copy.data + BATCH_LENGTH_AT, (uint32_t)(len - BATCH_PREFIX_BYTES));
	if (batch_decode_header(copy.data, &h) == STATUS_OK) {
		EXPECT((size_t)batch_bytes(&h) == len);
		(void)batch_check_crc(copy.data, &h);
		be32enc(copy.data + BATCH_CRC_AT, crc32c(copy.data + BATCH_ATTRIBUTES_AT, len - BATCH_ATTRIBUTES_AT));
		EXPECT(batch_decode_header(copy.data, &h) == STATUS_OK);
		EXPECT(batch_check_crc(copy.data, &h) == STATUS_OK);
		view = (struct batch_view){h, copy.data};
		(void)batch_read_marker(&view, &marker);
		plain_header = h;
		plain_bytes = copy.data;
		if (batch_decompress(&plain_header, &plain_bytes, &plain) == STATUS_OK &&
		    (count = decode_records(plain_bytes, &plain_header, records)) >= 0)
			check_rebuilt(&plain_header, records, count);
	}
	buf_free(&plain);
	buf_free(&copy);
	return 0;
}

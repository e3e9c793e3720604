#include "cmd/draft.h"

#include "base/status.h"

#define HEADERS_MAX_BYTES (1 << 30)

void
draft_reset(struct draft *d)
{
	d->given = 0;
	d->record = (struct record){.timestamp_ms = -1, .key_len = -1, .value_len = -1};
	buf_clear(&d->topic);
	buf_clear(&d->key);
	buf_clear(&d->value);
	buf_clear(&d->headers);
}

void
draft_free(struct draft *d)
{
	buf_free(&d->topic);
	buf_free(&d->key);
	buf_free(&d->value);
	buf_free(&d->headers);
}

int
draft_set_topic(struct draft *d, const uint8_t *bytes, size_t len)
{
	int rc;

	if ((rc = buf_append(&d->topic, bytes, len)) == STATUS_OK)
		rc = buf_append_byte(&d->topic, '\0');
	d->given |= DRAFT_TOPIC;
	return rc;
}

int
draft_set_timestamp(struct draft *d, int64_t ms)
{
	if (ms < -1)
		return status_fail(STATUS_DATA, "timestamp %lld: milliseconds since 1970 expected, or -1 for none", (long long)ms);
	d->record.timestamp_ms = ms;
	d->given |= DRAFT_TIMESTAMP;
	return STATUS_OK;
}

int
draft_set_partition(struct draft *d, int64_t number)
{
	if (number < 0 || number > INT32_MAX)
		return status_fail(STATUS_DATA, "partition %lld: partitions are numbers from 0 on", (long long)number);
	d->partition = (int32_t)number;
	d->given |= DRAFT_PARTITION;
	return STATUS_OK;
}

int
draft_add_header(struct draft *d, const struct record_header *header)
{
	size_t value_len = header->value_len > 0 ? (size_t)header->value_len : 0;
	int rc;

	if (d->headers.len + (size_t)header->name_len + value_len > HEADERS_MAX_BYTES)
		return status_fail(STATUS_DATA, "its headers are longer than %d bytes", HEADERS_MAX_BYTES);
	if ((rc = record_add_header(&d->headers, header)) != STATUS_OK)
		return rc;
	d->record.header_count++;
	d->record.headers = d->headers.data;
	d->record.headers_len = (int32_t)d->headers.len;
	return STATUS_OK;
}

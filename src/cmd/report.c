#include "cmd/report.h"

#include "base/status.h"
#include "cmd/format_print.h"
#include "log/batch.h"

int
report_init(struct report *r, const struct format *format)
{
	*r = (struct report){.format = format};
	return format != NULL ? output_init(&r->out) : STATUS_OK;
}

void
report_free(struct report *r)
{
	output_free(&r->out);
	buf_free(&r->plain);
}

int
report_batch(struct report *r, const char *topic, int partition, const struct buf *batch)
{
	struct format_place place = {.topic = topic, .partition = partition};
	const struct buf nothing = BUF_EMPTY;
	const uint8_t *bytes = batch->data;
	struct batch_header header;
	struct batch_cursor cursor;
	struct record record;
	int rc;

	if ((rc = batch_decode_header(bytes, &header)) != STATUS_OK ||
	    (rc = batch_decompress(&header, &bytes, &r->plain)) != STATUS_OK ||
	    (rc = batch_cursor_init(&cursor, bytes, &header)) != STATUS_OK)
		return rc;
	place.leader_epoch = header.leader_epoch;
	while ((rc = batch_cursor_next(&cursor, &record)) == STATUS_OK) {
		if ((rc = format_print(r->format, &place, &record, &nothing, output_shape(&r->out))) != STATUS_OK ||
		    (rc = output_put_shaped(&r->out)) != STATUS_OK)
			return rc;
	}
	return rc == STATUS_END ? output_flush(&r->out) : rc;
}

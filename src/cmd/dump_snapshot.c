#include "cmd/dump_snapshot.h"

#include "base/status.h"
#include "cmd/dump_record.h"
#include "log/producers.h"

static const char *const columns[] = {"FILE", "PRODUCER-ID", "PRODUCER-EPOCH", "LAST-SEQUENCE", "LAST-OFFSET", "OFFSET-DELTA",
    "TIMESTAMP", "COORDINATOR-EPOCH", "TRANSACTION-FIRST-OFFSET"};

static int
show(struct sheet *s, const struct producer_state *state)
{
	struct print *print;
	int rc;

	if ((rc = sheet_row(s, &print)) != STATUS_OK)
		return rc;
	print_number(print, state->producer_id);
	print_number(print, state->epoch);
	print_number(print, state->last_sequence);
	print_number(print, state->last_offset);
	print_number(print, state->offset_delta);
	dump_time(print, state->timestamp_ms);
	print_number(print, state->coordinator_epoch);
	print_number(print, state->transaction_first_offset);
	return sheet_end_row(s);
}

int
dump_snapshot(struct sheet *s, const struct dump_file *f)
{
	struct producers producers = {NULL, 0, 0};
	struct buf bytes = BUF_EMPTY;
	int rc;

	if ((rc = dump_file_bytes(f, SNAPSHOT_MAX_BYTES, &bytes)) == STATUS_OK &&
	    (rc = producers_decode(&bytes, "snapshot", &producers)) == STATUS_OK &&
	    (rc = sheet_begin(s, columns, COUNT_OF(columns))) == STATUS_OK) {
		for (size_t i = 0; rc == STATUS_OK && i < producers.count; i++)
			rc = show(s, &producers.states[i]);
		if (rc == STATUS_OK)
			rc = sheet_end(s);
	}
	producers_free(&producers);
	buf_free(&bytes);
	return rc;
}

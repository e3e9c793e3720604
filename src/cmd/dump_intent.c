#include "cmd/dump_intent.h"

#include "base/status.h"
#include "store/intent_file.h"

static const char *const columns[] = {"FILE", "PARTITION", "RECORDS", "BATCHES", "BYTES", "PRODUCER-ID", "PRODUCER-EPOCH",
    "BASE-SEQUENCE", "POSITION", "SYNCED-END"};

/* How many batches the partition gets: all are there, and valid. */
static int
count_batches(const struct dump_file *f, const struct intent_file *intent, const struct intent_target *target, int64_t *batches)
{
	struct buf batch = BUF_EMPTY;
	struct intent_cursor cursor;
	struct batch_header h;
	int rc;

	*batches = 0;
	intent_cursor_init(&cursor, target);
	while ((rc = intent_cursor_next(&cursor, f->fd, "intent", intent, &batch, &h)) == STATUS_OK)
		++*batches;
	buf_free(&batch);
	return rc == STATUS_END ? STATUS_OK : rc;
}

static int
show(struct sheet *s, const struct dump_file *f, const struct intent_file *intent, const struct intent_target *target)
{
	struct print *print;
	int64_t batches;
	int rc;

	if ((rc = count_batches(f, intent, target, &batches)) != STATUS_OK || (rc = sheet_row(s, &print)) != STATUS_OK)
		return rc;
	print_number(print, target->partition);
	print_number(print, target->records);
	print_number(print, batches);
	print_number(print, target->bytes);
	print_number(print, intent->producer_id);
	print_number(print, intent->producer_epoch);
	print_number(print, target->base_sequence);
	print_number(print, target->first);
	print_number(print, target->synced);
	return sheet_end_row(s);
}

int
dump_intent(struct sheet *s, const struct dump_file *f)
{
	struct intent_file intent;
	int rc;

	if ((rc = intent_file_read(f->fd, "intent", &intent)) != STATUS_OK)
		return rc;
	rc = sheet_begin(s, columns, COUNT_OF(columns));
	for (size_t i = 0; rc == STATUS_OK && i < intent.count; i++)
		rc = show(s, f, &intent, &intent.targets[i]);
	intent_file_free(&intent);
	return rc == STATUS_OK ? sheet_end(s) : rc;
}

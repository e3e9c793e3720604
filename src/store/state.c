#include "store/state.h"

#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "store/keyvalue.h"

#define STATE_FILE "state"
#define STATE_MAX_BYTES 65536

static int
decode_line(void *arg, const char *key, const char *value)
{
	struct state *state = arg;
	int64_t epoch;

	if (strcmp(key, "leader.epoch") != 0)
		return status_fail(STATUS_CONFIG, "%s: unknown key", key);
	if (parse_int64(value, 0, INT32_MAX, &epoch) != STATUS_OK)
		return status_context(STATUS_CONFIG, "%s", key);
	state->leader_epoch = (int32_t)epoch;
	return STATUS_OK;
}

int
state_read(int dir, struct state *state)
{
	struct state read = {.leader_epoch = -1};
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = file_read_all(dir, STATE_FILE, STATE_MAX_BYTES, &text)) == STATUS_OK) {
		rc = keyvalue_each(&text, decode_line, &read);
		if (rc == STATUS_OK && read.leader_epoch < 0)
			rc = status_fail(STATUS_CONFIG, "leader.epoch is missing");
		if (rc != STATUS_OK)
			rc = status_context(rc, "%s", STATE_FILE);
	}
	buf_free(&text);
	if (rc == STATUS_OK)
		*state = read;
	return rc;
}

int
state_write(int dir, const struct file_access *access, const struct state *state)
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = buf_printf(&text, KEYVALUE_FORMAT "leader.epoch=%d\n", state->leader_epoch)) == STATUS_OK)
		rc = file_replace(dir, STATE_FILE, text.data, text.len, access);
	buf_free(&text);
	return rc;
}

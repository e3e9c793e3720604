#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/status.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static int64_t fixed_wall_ms = -1;

static int64_t
now_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	return fixed_wall_ms >= 0 ? fixed_wall_ms : now_ms(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

int64_t
clock_deadline(int64_t timeout_ms)
{
	int64_t deadline;

	if (timeout_ms < 0 || ADD_OVERFLOWS(clock_monotonic_ms(), timeout_ms, &deadline))
		return DEADLINE_NEVER;
	return deadline;
}

bool
clock_passed(int64_t deadline_ms)
{
	if (deadline_ms == DEADLINE_NEVER)
		return false;
	return deadline_ms == DEADLINE_NOW || clock_monotonic_ms() >= deadline_ms;
}

int64_t
clock_remaining(int64_t deadline_ms, int64_t most_ms)
{
	int64_t left;

	if (deadline_ms == DEADLINE_NEVER)
		return most_ms;
	left = deadline_ms - clock_monotonic_ms();
	if (left < 0)
		return 0;
	return left < most_ms ? left : most_ms;
}

void
clock_fix(int64_t wall_ms)
{
	fixed_wall_ms = wall_ms;
}

/* "xxxxxxxx-xxxx-..." to bytes; the dashes carry nothing. */
static int
decode_uuid(const struct buf *text, uint8_t id[BOOT_ID_BYTES])
{
	uint8_t bytes[BOOT_ID_BYTES] = {0};
	size_t digits = 0;

	for (size_t i = 0; i < text->len && digits < 2 * BOOT_ID_BYTES; i++) {
		int value = parse_hex_digit((char)text->data[i]);

		if (value < 0)
			continue;
		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | value);
		digits++;
	}
	if (digits != 2 * BOOT_ID_BYTES)
		return status_fail(STATUS_IO, "%s: not a boot id", BOOT_ID_PATH);
	memcpy(id, bytes, sizeof(bytes));
	return STATUS_OK;
}

int
clock_boot_id(uint8_t id[BOOT_ID_BYTES])
{
	struct buf text = BUF_EMPTY;
	int rc;

	if ((rc = file_read_all(AT_FDCWD, BOOT_ID_PATH, 64, &text)) == STATUS_OK)
		rc = decode_uuid(&text, id);
	buf_free(&text);
	return rc;
}

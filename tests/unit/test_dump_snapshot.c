#include "cmd/dump_snapshot.h"

#include "dump.h"
#include "golden.h"

static void
test_producers_of_a_snapshot(void **state)
{
	char path[GOLDEN_PATH_BYTES];

	(void)state;
	golden_path(path, "idem-0", "00000000000000000037.snapshot");
	assert_ok(dump_run(dump_snapshot, PRINT_TEXT, path, DUMP_UNKNOWN));
	dump_assert_has("out",
	    "\n          0               0             29           29             9  2026-01-01T00:00:00.029Z                 -1");
	dump_assert_has("out", "\n          1               0              6           36             6  ");
}

static void
test_every_truncation_and_every_flipped_byte(void **state)
{
	size_t len;
	uint8_t *bytes = golden_read("idem-0", "00000000000000000037.snapshot", &len);

	(void)state;
	for (size_t k = 0; k < len; k++) {
		unit_write("a.snapshot", bytes, k);
		assert_status(dump_run(dump_snapshot, PRINT_JSON, "a.snapshot", DUMP_UNKNOWN), STATUS_CORRUPT);
		bytes[k] ^= 1;
		unit_write("a.snapshot", bytes, len);
		assert_status(dump_run(dump_snapshot, PRINT_JSON, "a.snapshot", DUMP_UNKNOWN), STATUS_CORRUPT);
		bytes[k] ^= 1;
	}
	free(bytes);
}

static void
test_no_memory(void **state)
{
	char path[GOLDEN_PATH_BYTES];

	(void)state;
	golden_path(path, "idem-0", "00000000000000000037.snapshot");
	dump_without_memory(dump_snapshot, PRINT_TEXT, path, DUMP_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_producers_of_a_snapshot),
	    unit_test(test_every_truncation_and_every_flipped_byte),
	    unit_test(test_no_memory),
	};

	golden_find();
	return unit_run(tests);
}

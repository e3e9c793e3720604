/*
 * lines: prints COUNT lines of 100 bytes with the newline, as a log has them; the first word is a key out of 10,000. The same lines each
 * time.
 *
 *	lines COUNT >in100
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 100
#define KEYS 10000

/* A linear congruence, so that nothing but this file says what the lines are; its high bits are random enough. */
static uint64_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Numbers go in by hand: printf(3) would take longer than what is to be measured. */
static void
put_number(char *at, int digits, uint64_t number)
{
	while (digits-- > 0) {
		at[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

int
main(int argc, char **argv)
{
	static const char *const levels[] = {"INFO ", "INFO ", "INFO ", "WARN "};
	char line[] =
	    "u0000 2026-11-22T00:00:00.000Z INFO  request 0000000000 from 10.00.00.00 served in 00000 us, 0000000 bytes\n";
	uint64_t state = 1, count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;

	if (count == 0)
		errx(2, "usage: lines COUNT");
	line[LINE_BYTES - 1] = '\n';
	for (uint64_t i = 0; i < count; i++) {
		put_number(line + 1, 4, next_random(&state) % KEYS);
		put_number(line + 17, 2, i / 3600000 % 24);
		put_number(line + 20, 2, i / 60000 % 60);
		put_number(line + 23, 2, i / 1000 % 60);
		put_number(line + 26, 3, i % 1000);
		memcpy(line + 31, levels[next_random(&state) % 4], 5);
		put_number(line + 45, 10, i);
		put_number(line + 64, 2, next_random(&state) % 100);
		put_number(line + 67, 2, next_random(&state) % 100);
		put_number(line + 82, 5, next_random(&state) % 100000);
		if (fwrite(line, LINE_BYTES, 1, stdout) != 1)
			err(1, "stdout");
	}
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}

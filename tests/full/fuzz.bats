#!/usr/bin/env bats
# Every decoder and parser takes any bytes at all: libFuzzer, half a minute each, beginning with what it found before.
load ../lib/mq

export BATS_TEST_TIMEOUT=900

setup() {
	mq_setup
	need clang command -v clang
	cd "$MQ_ROOT" || return
	make -s -j2 WERROR=1 fuzzers
}

@test "the fuzzers find nothing" {
	run env -u ASAN_OPTIONS -u UBSAN_OPTIONS scripts/fuzz -s "${MQ_FUZZ_SECONDS:-30}"
	printf '# %s\n' "${lines[@]}" >&3
	assert_success
	programs=(tests/fuzz/*.c)
	assert_equal "${#lines[@]}" "${#programs[@]}"
}

@test "a fuzzer that finds something fails, and the input is kept" {
	cat >"$BATS_TEST_TMPDIR/planted.c" <<-'END'
		#include "fuzz.h"

		int
		LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
		{
			EXPECT(len < 3 || memcmp(bytes, "bad", 3) != 0);
			return 0;
		}
	END
	clang -std=c11 -D_GNU_SOURCE -Isrc -Itests/fuzz -fsanitize=fuzzer,address,undefined -o build/fuzzers/fuzz/planted \
		"$BATS_TEST_TMPDIR/planted.c" build/fuzzers/libmq.a -lisal -lbsd
	run env -u ASAN_OPTIONS -u UBSAN_OPTIONS scripts/fuzz -s 60 planted
	rm -rf build/fuzzers/fuzz/planted tests/fuzz/corpus/planted
	assert_failure 1
	assert_line --partial "planted: FOUND"
	assert_line --partial 'not so: len < 3'
	run cat build/fuzzers/found/planted-crash-*
	assert_output --partial bad
	rm -f build/fuzzers/found/planted-*
}

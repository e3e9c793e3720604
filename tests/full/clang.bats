#!/usr/bin/env bats
# The second compiler sees what the first does not.
load ../lib/mq

export BATS_TEST_TIMEOUT=600

@test "clang builds all without a warning, and the unit tests pass" {
	need clang command -v clang
	cd "$MQ_ROOT"
	run make -s -j2 CC=clang WERROR=1 BUILD=build/clang BIN=build/clang/bin all test-programs
	assert_success
	assert_output ""
	shopt -s nullglob
	units=(tests/unit/test_*.c)
	run tests/run "${units[@]/#/clang:}"
	assert_success
}

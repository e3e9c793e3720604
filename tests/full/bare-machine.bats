#!/usr/bin/env bats
# What the README promises: two commands on a fresh Debian, and nothing else installed.
load ../lib/mq

export BATS_TEST_TIMEOUT=1200

@test "make demo works on a bare machine" {
	need_root
	need bare command -v debootstrap
	run "$MQ_ROOT/scripts/bare-machine" demo
	assert_success
}

@test "make check works on a bare machine" {
	need_root
	need bare command -v debootstrap
	run "$MQ_ROOT/scripts/bare-machine" check
	assert_success
	assert_line --regexp '^[0-9]+ passed, 0 failed, [0-9]+ skipped$'
}

#!/usr/bin/env bats
# The sweeps of tests/crash/atomic.bats at every call, not at a part of them.
load ../lib/mq

export BATS_TEST_TIMEOUT=900

@test "mq-produce --atomic, a fault at every call" {
	MQ_SWEEP=1 MQ_ATOMIC_STEP=1 bats --formatter tap "$MQ_ROOT/tests/crash/atomic.bats" >said 2>&1 3>&- || fail "$(grep -v '^ok' said)"
	# Every call of each sweep, and none of them left out.
	[[ $(grep -c 'each 1th' said) == 8 ]] || fail "$(<said)"
}

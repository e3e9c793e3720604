#!/usr/bin/env bats
# The sweeps of tests/crash/atomic.bats at every call, not at a part of them.
load ../lib/mq

export BATS_TEST_TIMEOUT=900

@test "mq-produce --atomic, a fault at every call" {
	MQ_ATOMIC_STEP=1 run tests_of_atomic
	assert_success
}
tests_of_atomic() { bats --formatter tap "$MQ_ROOT/tests/crash/atomic.bats" 3>&-; }

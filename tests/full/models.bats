#!/usr/bin/env bats
# The models of tests/models hold in every state, and without any one of their rules they do not.
load ../lib/mq

export BATS_TEST_TIMEOUT=900

@test "every model holds, and each of its mutants is caught" {
	need spin command -v spin
	run "$MQ_ROOT/tests/models/run"
	assert_success
	refute_output --partial 'not ok'
}

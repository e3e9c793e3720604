#!/usr/bin/env bats
# tests/run counts what happened, not what was hoped for.
load ../lib/mq

# tap NAME: a script that prints its stdin and exits with the status of its last line.
tap() {
	{
		echo '#!/bin/sh'
		echo "cat <<'END'"
		cat
		echo END
		echo "exit ${2-0}"
	} >"$1"
	chmod +x "$1"
}
run_items() { run env -u MQ_REQUIRE "$MQ_ROOT/tests/run" "${@/#/$PWD/}"; }
closing() { assert_equal "${lines[-1]}" "$1"; }

@test "passed, failed and skipped are added over all files" {
	printf '%s\n' 1..3 'ok 1 - a' 'not ok 2 - b' '# b is broken' 'ok 3 c # skip root: not root' | tap one 1
	printf '%s\n' 1..2 'ok 1 a' 'ok 2 b' | tap two
	run_items one two
	assert_failure 1
	closing "3 passed, 1 failed, 1 skipped"
	assert_line "not ok 2 - b"
	assert_line "  # b is broken"
	assert_line --partial "skipped: c # skip root: not root"
}

@test "all passed is 0, nothing run is not" {
	printf '%s\n' 1..1 'ok 1 a' | tap one
	run_items one
	assert_success
	closing "1 passed, 0 failed, 0 skipped"
	run "$MQ_ROOT/tests/run"
	assert_failure 1
	assert_output "0 passed, 0 failed, 0 skipped"
}

@test "tests that did not report have failed, with or without a plan" {
	printf '%s\n' 1..4 'ok 1 a' 'ok 2 b' | tap short
	run_items short
	assert_failure 1
	closing "2 passed, 2 failed, 0 skipped"
	echo "what is this" | tap none
	run_items none
	assert_failure 1
	assert_line "  what is this"
	closing "0 passed, 1 failed, 0 skipped"
}

@test "a crash after the last test is a failure" {
	printf '%s\n' 1..1 'ok 1 a' 'heap-use-after-free' | tap crash 99
	run_items crash
	assert_failure 1
	assert_line --partial "ended badly, exit status 99"
	assert_line "  heap-use-after-free"
	closing "1 passed, 1 failed, 0 skipped"
}

@test "a file that takes too long has failed" {
	printf '#!/bin/sh\necho 1..1\nexec sleep 30\n' >slow
	chmod +x slow
	MQ_FILE_TIMEOUT=0.2 run_items slow
	assert_failure 1
	assert_line --partial "(too slow)"
	closing "0 passed, 1 failed, 0 skipped"
}

@test "MQ_REQUIRE turns a skip for want of that facility into a failure" {
	printf '%s\n' 1..3 'ok 1 a # skip root: not root' 'ok 2 b # skip rooted: no' 'ok 3 c # skip not done yet' | tap one
	run env MQ_REQUIRE="loop root" "$MQ_ROOT/tests/run" "$PWD/one"
	assert_failure 1
	closing "0 passed, 1 failed, 2 skipped"
	assert_line --partial "MQ_REQUIRE names root"
}

@test "cmocka's way of skipping is understood" {
	printf '%s\n' 1..2 '# skip loop: no loop device' 'not ok 1 # SKIP test_a' 'ok 2 - test_b' '# ok - tests' | tap one
	run_items one
	assert_success
	closing "1 passed, 0 failed, 1 skipped"
	assert_line --partial "test_a (loop: no loop device)"
}

@test "a leak check whose process was killed under it is no finding, any other report of a sanitizer is" {
	sed 's/^TEST/@test/' >reports.bats <<-END
		load $MQ_ROOT/tests/lib/mq
		TEST "killed" { echo '==7==Unable to get registers from thread 8.' >"\$BATS_TEST_TMPDIR/san.7"; }
		TEST "found" { printf '%s\n' '==7==Unable to get registers from thread 8.' 'LeakSanitizer: leaks' >"\$BATS_TEST_TMPDIR/san.7"; }
	END
	run_items reports.bats
	assert_failure 1
	assert_line --partial "LeakSanitizer: leaks"
	closing "1 passed, 1 failed, 0 skipped"
}

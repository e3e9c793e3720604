#!/usr/bin/env bats
# The checker of the crash tests: a checker that has not caught a planted fault proves nothing.
load ../lib/mq

setup() {
	mq_setup
	printf '%s\n' a-1 a-2 a-3 b-1 b-2 c-1 >sent
	printf '%s\n' '0 0 a-1' '0 1 a-2' '1 0 b-1' '0 3 b-2' >told
	printf '%s\n' c-1 >refused
	printf '%s\n' '0 0 a-1' '0 1 a-2' '0 2 a-3' '0 3 b-2' '1 0 b-1' >log
	printf '%s\n' '0 0 a-1' '0 1 a-2' '0 2 a-3' >before
}

history() {
	run awk -f "$MQ_ROOT/tests/crash/history.awk" "$@" kind=sent sent kind=told told kind=refused refused kind=before before kind=log log
}

# plant SED-SCRIPT FAULT: with this change of the log the checker says FAULT.
plant() {
	sed -i "$1" log
	history
	assert_failure 1
	assert_output --partial "$2"
}

@test "a true history passes" {
	history
	assert_success
	assert_output ''
}

@test "nothing at all passes" {
	: >sent
	: >told
	: >refused
	: >before
	: >log
	history
	assert_success
}

@test "a lost record" { plant '/0 3 b-2/d' 'history: lost: b-2, told at 0 3'; }
@test "a lost record in the middle" { plant '/0 1 a-2/d' 'history: lost: a-2, told at 0 1'; }
@test "a lost partition" { plant '/^1/d' 'history: lost: b-1, told at 1 0'; }
@test "a doubled record" { plant '$a 1 1 a-2' 'history: twice: a-2 at 0 1 and 1 1'; }
@test "a doubled record that nobody was told of" { plant '$a 1 1 a-3' 'history: twice: a-3'; }
@test "two records swapped" {
	sed -i 's/a-1/x/; s/a-2/a-1/; s/x/a-2/' log
	history
	assert_failure 1
	assert_output --partial 'history: not what was told: 0 0 is a-2, was a-1'
	assert_output --partial 'history: out of order: a-1 after a-2 in partition 0'
}
@test "an offset told of another record" { plant 's/^0 3 b-2/0 3 c-1/' 'history: not what was told: 0 3 is c-1, was b-2'; }
@test "a skipped offset" { plant 's/^0 3 b-2/0 4 b-2/' 'history: offset 4 follows 2 in partition 0'; }
@test "an offset twice" { plant 's/^0 2 a-3/0 1 a-3/' 'history: offset 1 follows 1 in partition 0'; }
@test "a refused record" { plant '$a 1 1 c-1' 'history: refused and stored: c-1 at 1 1'; }
@test "a record that a reader saw is not there any more" {
	plant '/a-3/d; s/0 3 b-2/0 2 b-2/' 'history: seen before: 0 2 was a-3, is b-2'
}
@test "a record that nobody sent" { plant '$a 1 1 d-1' 'history: never sent: d-1 at 1 1'; }
@test "half a record" { plant 's/a-3/a-/' 'history: never sent: a- at 0 2'; }

@test "one offset told of two records" {
	echo '0 0 a-3' >>told
	history
	assert_failure 1
	assert_output --partial 'history: told twice: 0 0 is a-1 and a-3'
}

@test "a line that a killed process did not finish does not count" {
	printf '0 9' >>told
	history
	assert_success
}

@test "what was trimmed need not be there, what follows must" {
	: >before
	sed -i '/^0 [01]/d' log
	history
	assert_failure 1
	history -v trimmed=2
	assert_success
	plant '/0 3/d' 'history: lost: b-2'
}

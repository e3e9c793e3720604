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
	plant '/a-3/d; s/0 3 b-2/0 2 b-2/' 'history: not what was seen: 0 2 is b-2, was a-3'
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

@test "producers named with how much they sent" {
	printf '%s\n' 'a 3' 'b 10' c-1 >sent
	history
	assert_success
	plant 's/a-3/a-4/' 'history: never sent: a-4 at 0 2'
}
@test "an offset that is a power of ten" {
	# Numbers are compared as numbers.
	seq 0 10 | awk '{ print 0, $1, "p-" $1 + 1 }' >log
	echo 'p 11' >sent
	: >told
	: >before
	: >refused
	history
	assert_success
}
@test "a number with a zero before it is no number" { plant 's/a-3/a-03/' 'history: never sent: a-03'; }

# more KIND LINE...: the same with these lines besides.
more() {
	local kind=$1

	shift
	printf '%s\n' "$@" >others
	run awk -f "$MQ_ROOT/tests/crash/history.awk" "${options[@]}" kind=sent sent kind=told told kind="$kind" others kind=log log
}

@test "a torn batch" {
	more batch 'a 1 3' 'c 1 1'
	assert_success
	sed -i '/a-3/d; s/0 3 b-2/0 2 b-2/' log
	more batch 'a 1 3'
	assert_failure 1
	assert_output --partial 'history: a torn batch: 2 of a-1 to 3'
}

@test "a reader that saw what is gone, went back, or missed some" {
	more seen '0 0 a-1' '0 1 a-2' '0 2 a-3' '1 0 b-1'
	assert_success
	more seen '0 3 b-2' '0 4 a-4'
	assert_output 'history: lost: a-4, seen at 0 4'
	more seen '0 1 a-2' '0 1 a-2'
	assert_output 'history: a reader went back: others: 0 1 after 1'
	more seen '0 0 a-1' '0 2 a-3'
	assert_output 'history: a reader missed some: others: 0 2 after 0'
}

@test "a trim that was not asked for, or not done" {
	sed -i '/^0 0/d' log told
	more asked '0 1'
	assert_success
	more asked '1 0'
	assert_failure 1
	assert_output 'history: partition 0 begins at 1, nobody wanted that'
	more trimmed '0 2'
	assert_line 'history: trimmed and there: partition 0 begins at 1, was trimmed to 2'
}

@test "more was trimmed than was asked for" {
	sed -i '/^0 [01]/d' log
	more asked '0 1'
	assert_failure 1
	assert_line 'history: lost: a-2, told at 0 1'
	assert_line 'history: partition 0 begins at 2, nobody wanted that'
}

@test "compacted: the last value of each key must be there, at its place" {
	options=(-v compacted=1)
	printf '%s\n' '0 0 a-1 k' '0 1 a-2 l' '0 2 a-3 k' '0 3 b-2 l' '1 0 b-1 m' >log
	cp log told
	sed -i '/^0 [01]/d' log
	more seen '0 1 a-2 l'
	assert_success
	sed -i '/^0 2/d' log
	more seen
	assert_output --partial 'history: lost: a-3 of key k, told at 0 2, and no later one has its key'
	sed -i 's/^0 3 b-2 l/0 1 a-2 l/' log
	more seen
	assert_output --partial 'history: lost: b-2 of key l, told at 0 3'
}

@test "compacted: an older value of a key is no later one, and none is there twice" {
	options=(-v compacted=1)
	printf '%s\n' '0 0 a-1 k' '0 1 a-2 k' >told
	printf '%s\n' '0 0 a-1 k' >log
	more seen
	assert_output 'history: lost: a-2 of key k, told at 0 1, and no later one has its key'
	printf '%s\n' '0 1 a-2 k' '0 2 a-2 k' >log
	more seen
	assert_output --partial 'history: twice: a-2'
}

@test "no sync was promised: a producer's records are a beginning of what it sent, and what was told is not taken by another" {
	options=(-v whole=1)
	: >told
	printf '%s\n' '0 0 a-1' '0 1 b-1' '0 2 a-2' >log
	more recent '0 0 a-1' '0 7 a-3'
	assert_success
	sed -i 's/a-2/a-3/' log
	more recent
	assert_output 'history: a gap: a-3 after a-1'
	run awk -f "$MQ_ROOT/tests/crash/history.awk" kind=sent sent kind=recent <(echo 0 2 a-2) kind=before log kind=log log
	assert_output 'history: not what was told: 0 2 was a-2, then a-3'
}

@test "a line without its dot is no line" {
	sed -i 's/$/ ./' told log
	echo '0 9 a-1' >>told
	: >before
	: >refused
	history -v dot=1
	assert_success
	echo '0 9 a-1 .' >>told
	history -v dot=1
	assert_failure 1
}

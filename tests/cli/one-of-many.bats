#!/usr/bin/env bats
# What a run for one partition costs does not depend on how many the topic has.  Counted, not timed: system calls, page faults.
load ../lib/mq

one_and_many() {
	mq-topic create one -c fsync=never
	mq-topic create many -p 2000 -c fsync=never
	echo x | mq-produce -p 0 one
	echo x | mq-produce -p 0 many
}

ends_with() { [[ $(mq-consume one | tail -n 1) == "$1" ]]; }

# calls FILE CMD...: into FILE how many of each system call; malloc(3)'s are left out: a table of all partitions may be untouched memory.
calls() {
	local out=$1

	shift
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -c -U name,calls -o counts "$@"
	awk '$2 ~ /^[0-9]+$/ && $1 !~ /^(brk|mmap|munmap|madvise|total)$/' counts | sort >"$out"
	[[ -s $out ]]
}

# faults CMD...: minor page faults, the fork's included (proc(5), cminflt).  Tables below malloc(3)'s threshold are cleared, up to 32 pages each.
faults() {
	# shellcheck disable=SC2016
	bash -c '"$@" >/dev/null; read -ra stat </proc/$$/stat; echo "${stat[10]}"' faults "$@"
}

@test "one of 2,000 partitions takes the system calls that one alone takes, to produce and to consume" {
	need strace strace -o /dev/null true
	one_and_many
	calls one.calls mq-produce -p 0 one <<<x
	calls many.calls mq-produce -p 0 many <<<x
	diff one.calls many.calls
	calls one.calls mq-consume -p 0 one
	calls many.calls mq-consume -p 0 many
	diff one.calls many.calls
}

@test "one of 2,000 partitions touches few pages more than one alone, to produce and to consume" {
	local one many

	[[ $MQ_BIN != *asan* ]] || skip "plain: the sanitizers touch pages of their own"
	one_and_many
	one=$(faults mq-produce -p 0 one <<<x)
	many=$(faults mq-produce -p 0 many <<<x)
	echo "produce: $one, $many"
	((many <= one + 64))
	one=$(faults mq-consume -p 0 one)
	many=$(faults mq-consume -p 0 many)
	echo "consume: $one, $many"
	((many <= one + 64))
}

@test "a record that came alone is stored with no further look at stdin" {
	need strace strace -o /dev/null true
	mq-topic create one -c fsync=never
	mkfifo in
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -e trace=poll,read,pwrite64 -e signal=none -o trace mq-produce one <in 3>&- &
	exec 9>in
	wait_for 20 grep -q '^poll(.*fd=0' trace
	for value in a b c; do
		echo "$value" >&9
		wait_for 20 ends_with "$value"
	done
	exec 9>&-
	wait "$!"
	# Between the read of a record and its append nothing is polled.
	awk '/^read\(0, "[abc]/ { read = 1; next } read && /^poll/ { print "polled behind " NR; bad = 1 } read { read = 0; n++ }
		END { exit bad || n != 3 }' trace
}

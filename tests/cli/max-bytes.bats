#!/usr/bin/env bats
# max.bytes: a topic that is full makes its producers wait.
# shellcheck disable=SC2154,SC2030,SC2031 # bats sets stderr; each test has a store of its own
load ../lib/mq
load ../lib/background
load ../lib/crash

bytes_of() { mq-topic describe --tsv "$1" | awk 'NR > 1 { sum += $11 } END { print sum }'; }
end_of() { mq-topic offsets --tsv "$1" | awk 'NR > 1 { sum += $3 } END { print sum }'; }
closed_of() { mq-dump --json "$MQ_DIR/topics/$1/heads" | jq -s 'map(select(.word == "closed-bytes") | .value | tonumber) | add'; }
# How many bytes closed segments have, by their files.
closed_files_of() {
	local dir

	for dir in "$MQ_DIR/topics/$1/$1"-*; do
		find "$dir" -name '*.log' -printf '%f %s\n' | sort | sed '$d'
	done | awk '{ sum += $2 } END { print sum + 0 }'
}
is_over() { (($(bytes_of "$1") >= $2)); }

@test "a full topic ends a producer with 75 behind its deadline, and what was stored counts" {
	mq-topic create t -p 2 -c max.bytes=100K
	run --separate-stderr -75 bash -c 'seq 1 100000 | mq-produce --timeout 100ms t'
	[[ $stderr == *"t: full: "*"max.bytes is 102400"* ]] || fail "$stderr"
	stored=$(sed -n 's/^mq-produce: \([0-9]*\) records stored, 0 unknown$/\1/p' <<<"$stderr")
	assert_equal "$stored" "$(end_of t)"
	(($(bytes_of t) > 70000 && $(bytes_of t) <= 102400)) || fail "$(bytes_of t) bytes"
	assert_equal "$(mq-consume t | sort -n)" "$(seq "$stored")"
}

@test "a waiting producer goes on as soon as somebody trims, and its records can be read while it waits" {
	mq-topic create t -c max.bytes=100K
	seq 1 20000 >in
	mq-produce --timeout 60s t <in 2>said 3>&- &
	pid=$!
	wait_for 20 is_over t 80000
	# All of it is read before room is made: nothing that is not synced is waited for.
	read=0
	: >out
	until is_dead "$pid"; do
		mq-consume -o $read t >fresh
		read=$((read + $(wc -l <fresh)))
		cat fresh >>out
		mq-topic trim -y t --before $read
	done
	wait "$pid"
	run cat said
	assert_output ""
	mq-consume -o $read t >>out
	cmp in out
}

@test "it goes on when the limit is raised, and with the settings' own retention" {
	mq-topic create t -c max.bytes=50K
	seq 1 20000 | mq-produce --timeout 60s t 3>&- &
	pid=$!
	wait_for 20 is_over t 40000
	mq-topic alter t -c max.bytes=-1
	wait "$pid"
	assert_equal "$(end_of t)" 20000
	mq-topic create u -c max.bytes=50K -c retention.bytes=25K
	seq 1 20000 | mq-produce --timeout 60s u
	assert_equal "$(end_of u)" 20000
	(($(bytes_of u) <= 51200)) || fail "$(bytes_of u) bytes"
}

@test "a record that never fits is 65, and those before it are stored" {
	mq-topic create t -c max.bytes=4K
	head -c 5000 /dev/zero | tr '\0' x >large
	run --separate-stderr -65 bash -c '(seq 3; cat large; echo) | mq-produce t'
	[[ $stderr == *"stdin: record 4: "*"max.bytes allows 4096"* ]] || fail "$stderr"
	assert_equal "$(mq-consume t)" "$(seq 3)"
}

@test "the count of bytes is right after rolls, trims, compaction and recovery, and too high at most when one of them is killed" {
	mq-topic create t -p 2 -c segment.bytes=300 -c cleanup.policy=compact,delete -c min.cleanable.dirty.ratio=0 -c segment.ms=1d
	for i in {1..30}; do echo "k$((i % 5)) value $i" | mq-produce -K ' ' t; done
	assert_equal "$(closed_of t)" "$(closed_files_of t)"
	mq-topic trim -y t --before 3 -p 0
	assert_equal "$(closed_of t)" "$(closed_files_of t)"
	mq-gc t
	assert_equal "$(closed_of t)" "$(closed_files_of t)"
	cp -r "$MQ_DIR" copy
	(
		export MQ_DIR=$PWD/copy
		echo k1 x | mq-produce -K ' ' -p 0 t
		echo k1 x | mq-produce -K ' ' -p 1 t
		assert_equal "$(closed_of t)" "$(closed_files_of t)"
	)
	for i in {1..30}; do echo "k$((i % 5)) value $i" | mq-produce -K ' ' t; done
	run -137 env MQ_FAULT=retention.unlinked:1 mq-topic trim -y t --before 6 -p 0
	(($(closed_of t) > $(closed_files_of t))) || fail "$(closed_of t) for $(closed_files_of t)"
	run -137 env MQ_FAULT=compact.renamed:1 mq-gc t
	(($(closed_of t) > $(closed_files_of t))) || fail "$(closed_of t) for $(closed_files_of t)"
}

@test "a count that is too high is made right before anybody waits for it" {
	mq-topic create t -c max.bytes=100K -c fsync=never
	seq 1 5000 | mq-produce t
	# As a trim does that dies between unlinking and counting.
	printf '\377\377\377\0\0\0\0\0' | dd of="$MQ_DIR/topics/t/heads" bs=1 seek=$((4096 + 96)) conv=notrunc status=none
	echo one more | mq-produce --timeout 0s t
	assert_equal "$(closed_of t)" "$(closed_files_of t)"
}

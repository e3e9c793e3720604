#!/usr/bin/env bats
# A disk that fails to sync; and several producers and consumers at once, killed at random.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

@test "a sync that fails once is told, healed and forgotten" {
	prepare t -p 2
	produce t old 5 mq-produce
	fault='fdatasync failed once'
	produce t new 4 shimmed eio:1:fdatasync mq-produce
	assert_equal "$status" 74
	grep -q 'Input/output error' t/said
	grep -q 'may not be stored' t/said
	survives t
	# As full a disk may say it, later than the write that it is about.
	produce t newer 4 shimmed enospc:2:fdatasync mq-produce
	assert_equal "$status" 74
	survives t
}

@test "a sync that fails again when it is healed makes the partition read-only until it is recovered" {
	prepare t
	produce t old 5 mq-produce
	fault='fdatasync failed twice'
	produce t new 3 shimmed eio:1+:fdatasync mq-produce
	assert_equal "$status" 74
	produce t healer 3 shimmed eio:1+:fdatasync mq-produce
	assert_equal "$status" 74
	grep -q 'read-only' t/said
	produce t late 3 mq-produce
	assert_equal "$status" 74
	grep -q 'read-only, because the disk failed twice to sync it' t/said
	run ! grep -q late- t/told
	check t
	new_boot t
	survives t
}

@test "with fsync=never a failed sync is met by the roll, which stores nothing" {
	prepare t -c fsync=never
	produce t old 5 mq-produce
	fault='fdatasync failed at a roll'
	produce t new 5 shimmed eio:1:fdatasync mq-produce
	assert_equal "$status" 75
	survives t
}

@test "one of several partitions cannot be synced: the others' records are told and stored" {
	prepare t -p 3
	produce t old 6 mq-produce
	fault='fdatasync failed in one partition'
	for k in 1 2 3; do
		produce t "new$k" 6 shimmed "eio:$k:fdatasync" mq-produce
		assert_equal "$status" 74
		survives t
	done
}

count_lines() { [[ ! -e $1 ]] || wc -l <"$1"; }
has_lines_or_is_dead() { (($(count_lines "$1") >= $2)) || is_dead "$3"; }

# start_producer I: the next incarnation of producer I, its own name before each number.
start_producer() {
	local name="p$1x$((++incarnation))"

	producer_told[$1]=t/told.$name
	seq -f "$name-%.0f" 200 >"t/input.$name"
	mq-produce -o '%p %o %v\n' t <"t/input.$name" >"t/told.$name" 2>>t/said 3>&- &
	producer[$1]=$!
}
start_consumer() {
	consumed[$1]=t/consumed.$((++incarnation))
	mq-consume -F -f '%p %o %v\n' t >"${consumed[$1]}" 2>>t/said 3>&- &
	consumer[$1]=$!
}

@test "two producers and three consumers, one of them killed again and again" {
	local -a producer=() producer_told=() consumer=() consumed=()
	local incarnation=0 seed=${MQ_SEED:-$((SRANDOM % 32768))} total i

	echo "# MQ_SEED=$seed" >&3
	RANDOM=$seed
	fault="kills at random, MQ_SEED=$seed"
	prepare t -p 2
	mq-topic alter t -c segment.bytes=2000
	for i in 0 1; do start_producer "$i"; done
	for i in 0 1 2; do start_consumer "$i"; done
	for _ in {1..12}; do
		i=$((RANDOM % 2))
		wait_for 20 has_lines_or_is_dead "${producer_told[i]}" $((RANDOM % 150 + 1)) "${producer[i]}"
		kill -KILL "${producer[i]}" 2>/dev/null || true
		wait "${producer[i]}" 2>/dev/null || true
		start_producer "$i"
		total=$(cat t/told.* | wc -l)
		i=$((RANDOM % 3))
		wait_for 20 has_lines_or_is_dead "${consumed[i]}" $((RANDOM % total)) "${consumer[i]}"
		kill -KILL "${consumer[i]}"
		wait "${consumer[i]}" 2>/dev/null || true
		start_consumer "$i"
	done
	for i in 0 1; do wait "${producer[i]}"; done
	cat t/input.* >t/sent
	cat t/told.* >t/told
	check t
	for i in 0 1 2; do wait_for 20 has_lines_or_is_dead "${consumed[i]}" "$(count_lines t/log)" "${consumer[i]}"; done
	kill "${consumer[@]}"
	# What each consumer read is a beginning of the log, whenever it was killed.
	for file in t/consumed.*; do
		sed -n '$!p' "$file" >whole # the last line may be half a line
		awk -f "$MQ_ROOT/tests/crash/history.awk" kind=sent t/sent kind=log whole || fail "$file, $fault"
		awk 'NR == FNR { log_[$0] = 1; next } !($0 in log_) { print FILENAME ": " $0; bad = 1 } END { exit bad }' t/log whole ||
			fail "$file, $fault"
	done
	for i in 0 1 2; do assert_equal "$(sort "${consumed[i]}")" "$(sort t/log)"; done
	survives t
}

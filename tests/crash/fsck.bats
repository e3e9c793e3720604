#!/usr/bin/env bats
# mq-fsck -r is killed, and its calls torn and failed, one after the other: run again it comes to the same, and drops no valid batch.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash
load ../lib/damage

segment() { printf '%s/topics/t/t-0/%020d%s' "$MQ_DIR" "$1" "${2:-.log}"; }

# A log of nine records with a bad batch (1), a wrong header (2), a missing segment (3), a bad end (8), and garbage beside it.
ruin() {
	flip "$(segment 1)" 70
	flip "$(segment 2)" 7
	rm "$(segment 3)"
	flip "$(segment 8)" 70
	head -c 30 /dev/urandom >"$(segment 2 .snapshot)"
	echo x >"$MQ_DIR/topics/t/t-0/partition.metadata"
	"$@"
}

prepare_topic() {
	mq-topic create t -c segment.bytes=100
	for i in 0 1 2 3 4 5 6 7 8; do echo "record $i" | mq-produce t; done
	damage_prepare t
}

# repaired: the records with these offsets are gone, the others are where they were.
repaired() {
	mq-fsck -r -y >said 2>&1 || [[ $? == 1 ]] || fail "$fault: the next mq-fsck ended with $?: $(<said)"
	mq-fsck >said 2>&1 || fail "$fault: not sound after the repair: $(<said)"
	read_all t | diff - <(grep -vE '^0 (1|3|8) ' whole) >said || fail "$fault: $(<said)"
	next=$(echo next | mq-produce -o '%o' t)
	[[ $next == "$end" ]] || fail "$fault: the next record is at offset $next"
	kept=("$MQ_DIR"/topics/t/lost/*)
	((${#kept[@]} >= 2)) || fail "$fault: what was cut out is not kept"
}

# sweep ACTION[:CALL] STEP CMD...: the damage that CMD adds is repaired by a run that is hit at each STEP-th call.
sweep() {
	local action=${1%%:*} calls='' step=$2 k=1

	[[ $1 != *:* ]] || calls=:${1#*:}
	shift 2
	while :; do
		fault="$action at call $k$calls, $*"
		undo t
		ruin "$@"
		status=0
		shimmed "$action:$k$calls" mq-fsck -r -y >out 2>said || status=$?
		[[ $status =~ ^(1|74|75|137)$ ]] || fail "$fault: ended with $status: $(<said)"
		(($(shim_count) >= k)) || break
		repaired
		k=$((k + step))
	done
	echo "# $action$calls, $*: $k calls, step $step" >&3
	((k > 4))
}

end=9
step=${MQ_FSCK_STEP:-31} # tests/full asks for each call

@test "killed" { prepare_topic && sweep kill "$step" true; }
@test "torn writes" { prepare_topic && sweep torn:pwrite "$step" true; }
@test "failed calls" { prepare_topic && sweep eio $((2 * step)) true && sweep enospc $((2 * step + 1)) true; }
@test "killed, after a boot" { prepare_topic && sweep kill "$step" new_boot t; }
@test "killed, without heads" {
	gone() { : >"$MQ_DIR/topics/t/heads"; }
	end=8 # nobody knows that the last bytes were once a record
	prepare_topic
	sweep kill "$step" gone
}

# Of the first segments nothing is left but a last batch, emptied, whose offsets are those of a segment that is still behind it.
@test "what a killed compaction left is sound" {
	mq-topic create c -c segment.bytes=150 -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0
	for i in 1 2 3 4 5 6; do
		echo "key:$i" | mq-produce -K : c
		echo "key:$i again" | mq-produce -K : c
		status=0
		MQ_FAULT=compact.renamed mq-gc c || status=$?
		((i < 3)) || [[ $status == 137 ]] || fail "ended with $status"
		mq-fsck >said 2>&1 || fail "$i: $(<said)"
		assert_equal "$(mq-consume -f '%v\n' c | tail -n 1)" "$i again"
	done
}

@test "killed at each point between two stores" {
	prepare_topic
	for point in mend.kept mend.admitted mend.replaced mend.end mend.mended head.rebuild.begun head.gap_end.raised \
		head.rebuild.synced head.rebuild.filled head.rebuild.even head.rebuild.half_boot head.rebuild.boot head.publish.word; do
		fault=$point
		undo t
		ruin true
		status=0
		MQ_FAULT=$point mq-fsck -r -y >out 2>said || status=$?
		[[ $status == 137 ]] || fail "$point: ended with $status: $(<said)"
		repaired
	done
}

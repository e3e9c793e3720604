#!/usr/bin/env bats
# mq-topic, mq-gc and mq-consume are killed, and their calls torn and failed, one after the other; a topic is whole afterwards, or not there.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

# each FUNCTION STEP ACTION[:CALL]: calls FUNCTION with ACTION at each STEP-th call (with CALL: of these only), until it does no more.
each() {
	local step action=${3%%:*} calls='' k=1

	step=$(strides "$2")
	[[ $3 != *:* ]] || calls=:${3#*:}
	while :; do
		fault="$action at call $k$calls of $1"
		"$1" "$action:$k$calls"
		(($(shim_count) >= k)) || break
		k=$((k + step))
	done
	echo "# $1, $3: $k calls, step $step" >&3
	[[ $action == torn ]] || ((k > 4)) # some write no bytes
}

# everything FUNCTION STEP: killed at each STEP-th call; torn and failed at some of them.
everything() {
	each "$1" "$2" kill
	each "$1" "$2" torn:pwrite
	each "$1" $((3 * $2)) eio
	each "$1" $((3 * $2 + 1)) enospc
}

# may STATUS...: $status is one of these, 0, or that of a killed process.
may() { [[ " 0 137 $* " == *" $status "* ]] || fail "$fault: ended with $status: $(<said)"; }

# What mq-topic and mq-consume are told of a fault is no record, so only the status counts.
attempt() {
	status=0
	shimmed "$@" >out 2>said || status=$?
}

create() {
	attempt "$1" mq-topic create t -p 2
	may 74 75
	if mq-topic describe t >/dev/null 2>&1; then
		[[ $(mq-topic describe --tsv t | wc -l) == 3 ]] || fail "$fault: half a topic"
	else
		[[ $status != 0 ]] || fail "$fault: said 0 and made nothing"
		mq-topic create t -p 2
	fi
	[[ $(ls "$MQ_DIR/topics") == t ]] || fail "$fault: left $(ls "$MQ_DIR/topics")"
	prepare_files t
	survives t
	mq-topic delete -y t
}
prepare_files() {
	mkdir -p "$1"
	: | tee "$1"/{sent,told,refused} >"$1/before"
}
@test "create" {
	mq-topic create other # the store
	mq-topic delete -y other
	everything create 2
}

import() {
	local golden=$MQ_ROOT/tests/golden/kafka

	attempt "$1" mq-topic import t "$golden/txn-0"
	may 74 75
	if mq-topic describe t >/dev/null 2>&1; then
		[[ $(mq-topic offsets --tsv t | tail -1) == $'t\t0\t11' ]] || fail "$fault: half a topic"
	else
		[[ $status != 0 ]] || fail "$fault: said 0 and made nothing"
		mq-topic import t "$golden/txn-0" || fail "$fault: the next import ended with $?"
	fi
	mq-topic delete -y t
	[[ -z $(ls "$MQ_DIR/topics") ]] || fail "$fault: left $(ls "$MQ_DIR/topics")"
}
@test "import" {
	mq-topic create other # the store
	mq-topic delete -y other
	everything import 1
}

export_it() {
	attempt "$1" mq-topic export t exported
	may 74 75
	if [[ -e exported/t-0 && -e exported/t-1 ]]; then
		mq-topic import copy exported/t-0 exported/t-1 || fail "$fault: what was exported cannot be imported"
		cmp <(mq-consume copy | sort) old || fail "$fault: other records were exported"
		mq-topic delete -y copy
	else
		[[ $status != 0 ]] || fail "$fault: said 0 and exported nothing"
	fi
	for each in exported/*; do
		[[ ! -e $each || $each =~ ^exported/t-[01](\.[0-9a-f]{32}-delete)?$ ]] || fail "$fault: left $each"
	done
	rm -rf exported
	mq-topic export t exported || fail "$fault: the next export ended with $?"
	rm -rf exported
}
@test "export" {
	prepare t -p 2
	produce t old 5 mq-produce
	mq-consume t | sort >old
	everything export_it 1
}

store() {
	local dir=$MQ_DIR

	export MQ_DIR=$PWD/store-$1
	attempt "$1" mq-topic create t
	may 74 75
	mq-topic create t --if-not-exists || fail "$fault: the next create ended with $?"
	prepare_files t
	survives t
	rm -rf "$MQ_DIR" t
	MQ_DIR=$dir
}
@test "the store itself" { everything store 3; }

grow() {
	prepare t
	produce t old 4 mq-produce
	attempt "$1" mq-topic alter t -p 3 -c fsync=never
	may 74 75
	survives t
	mq-topic alter t -p 3 -c fsync=never || fail "$fault: the next alter ended with $?"
	[[ $(mq-topic describe --tsv t | wc -l) == 4 ]] || fail "$fault: not three partitions"
	survives t
	attempt "$1" mq-topic alter t -c fsync=always
	may 74 75
	check t
	mq-topic alter t -c fsync=always || fail "$fault: the next alter to always ended with $?"
	check t
	forget t
}
@test "alter" { everything grow 1; }

trim() {
	prepare t
	produce t old 9 mq-produce
	attempt "$1" mq-topic trim -y t --before 6
	may 74 75
	start=$(mq-topic offsets --tsv --time earliest t | awk 'NR == 2 { print $3 }')
	[[ $start == [06] ]] || fail "$fault: begins at $start"
	[[ $status != 0 || $start == 6 ]] || fail "$fault: said 0 and did not trim"
	: >t/before
	survives t -v trimmed="$start"
	mq-topic trim -y t --before 6 || fail "$fault: the next trim ended with $?"
	: >t/before
	survives t -v trimmed=6
	[[ ! -e $MQ_DIR/topics/t/t-0/00000000000000000000.log ]] || fail "$fault: the segments before the start are still there"
	forget t
}
@test "trim" { everything trim 1; }

# mq-gc, of a topic all of which is old. While nothing is said of it, all or some of it may be gone; the offsets go on behind it.
collect() {
	prepare t -c retention.ms=1h
	mq-topic alter t -c retention.ms=-1
	produce t old 5 mq-produce -t -2h
	mq-topic alter t -c retention.ms=1h
	attempt "$1" mq-gc
	may 74 75
	start=$(mq-topic offsets --tsv --time earliest t | awk 'NR == 2 { print $3 }')
	[[ $start == [0245] ]] || fail "$fault: begins at $start"
	[[ $status != 0 || $start == 5 ]] || fail "$fault: said 0 and let nothing go"
	: >t/before
	check t -v trimmed="$start"
	mq-gc || fail "$fault: the next mq-gc ended with $?"
	: >t/before
	survives t -v trimmed=5
	left=("$MQ_DIR"/topics/t/t-0/0*)
	[[ ${left[0]} == */00000000000000000005.index ]] || fail "$fault: left ${left[*]}"
	forget t
}
@test "gc" { everything collect 1; }

# The same of a topic with cleanup.policy=compact, whose records have keys: the last of each is there whatever happens.
compact() {
	prepare t -c cleanup.policy=compact
	for line in a:1 b:1 a:2 c:1 b:2 a:3 d:1; do echo "$line"; done | while read -r line; do echo "$line" | mq-produce -K : t; done
	mq-topic alter t -c segment.bytes=10000
	attempt "$1" mq-gc
	may 74 75
	for again in 0 1 2; do
		mq-consume -f '%o %k:%v\n' t >seen || fail "$fault: mq-consume ended with $?"
		[[ $(grep -cxE '3 c:1|4 b:2|5 a:3|6 d:1' seen) == 4 ]] || fail "$fault: lost: $(<seen)"
		sound t
		sort -nuc seen || fail "$fault: order: $(<seen)"
		case $again in
		0) new_boot t ;;
		1) mq-gc || fail "$fault: the next mq-gc ended with $?" ;;
		2) [[ $(wc -l <seen) == 4 ]] || fail "$fault: not compacted: $(<seen)" ;;
		esac
	done
	[[ ! -e $MQ_DIR/topics/t/cleaned.0 ]] || fail "$fault: left cleaned.0"
	echo e:1 | mq-produce -K : t
	[[ $(mq-consume -f '%o %v\n' -o -1 t) == "7 1" ]] || fail "$fault: the next record is not there"
	forget t
}
@test "gc, compacting" { everything compact 2; }

remove() {
	prepare t -p 2
	produce t old 4 mq-produce
	attempt "$1" mq-topic delete -y t
	may 74 75
	if mq-consume t >/dev/null 2>&1; then
		[[ $status != 0 ]] || fail "$fault: said 0 and removed nothing"
		survives t
	else
		[[ -z $(mq-topic list) ]] || fail "$fault: lists what nobody can use"
	fi
	status=0
	mq-topic delete -y t 2>said || status=$?
	may 66
	mq-topic create t || fail "$fault: the next create ended with $?"
	[[ $(mq-consume t) == '' && $(ls "$MQ_DIR/topics") == t ]] || fail "$fault: something is left"
	mq-topic delete -y t
}
@test "delete" { everything remove 1; }

@test "a roll syncs the folder, and whatever fsync says the segment before the one it closes" {
	mq-topic create t -c fsync=never -c segment.bytes=100
	for i in 1 2; do echo "$i" | mq-produce t; done
	echo 3 | shimmed eio:1:fdatasync mq-produce t 2>said && fail "no segment was synced: $(<said)"
	mq-topic create f -c segment.bytes=100
	echo 1 | mq-produce f
	echo 2 | shimmed eio:1:fsync mq-produce f 2>said && fail "the folder was not synced: $(<said)"
	mq-consume -q t
}

# No cut of the power shows these: the next commit of the journal brings them along.
@test "a deletion syncs the folder it moves the topic out of, an alter to always every partition" {
	mq-topic create t -p 3 -c fsync=never
	for p in 0 1 2; do echo "$p" | mq-produce -p "$p" t; done
	shimmed eio:3:fdatasync mq-topic alter t -c fsync=always 2>said && fail "said 0: $(<said)"
	mq-topic alter t -c fsync=always
	assert_equal "$(mq-topic describe --tsv -c t | awk '$2 == "fsync" { print $3 }')" always
	shimmed eio:1:fsync mq-topic delete -y t 2>said && fail "said 0: $(<said)"
	mq-topic delete -y t || [[ $? == 66 ]]
}

# A consumer that finds a torn tail after a boot recovers the partition.
recover() {
	prepare t -c fsync="$fsync"
	produce t old 5 mq-produce
	segments=("$MQ_DIR"/topics/t/t-0/*.log)
	printf 'half a batch' >>"${segments[-1]}"
	new_boot t
	attempt "$1" mq-consume -f '%p %o %v\n' t
	may 74 75
	[[ $status != 0 ]] || cmp out <(mq-consume -f '%p %o %v\n' t) || fail "$fault: said 0 and printed less"
	survives t
	[[ -n $(ls "$MQ_DIR/topics/t/lost") ]] || fail "$fault: what was cut is not kept"
	forget t
}
@test "consume, which recovers, fsync=always" { fsync=always everything recover 1; }
@test "consume, which recovers, fsync=never" { fsync=never everything recover 2; }

# The same of a copy of the store, and of records that were never synced.
adopt() {
	prepare t -c fsync=never
	produce t old 5 mq-produce
	cp -r "$MQ_DIR/topics/t" copy
	rm -rf "$MQ_DIR/topics/t"
	mv copy "$MQ_DIR/topics/t"
	attempt "$1" mq-consume -f '%p %o %v\n' t
	may 74 75
	survives t
	forget t
}
@test "consume of a copied store" { everything adopt 2; }

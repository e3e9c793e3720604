#!/usr/bin/env bats
# mq-fsck tells what is wrong, and -r sets it right without dropping a valid batch.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; bats sets output and stderr

load ../lib/mq
load ../lib/damage

setup() {
	mq_setup
	mq-topic create orders -c segment.bytes=200
	for i in 1 2 3 4 5 6; do
		printf 'record %s %0100d\n' "$i" 0 | mq-produce orders
	done
	topic=$MQ_DIR/topics/orders
	partition=$topic/orders-0
	mq-consume -f '%o %v\n' orders >whole
}

segment() { printf '%s/%020d%s' "$partition" "$1" "${2:-.log}"; }

# cells NAME...: of the rows that were printed with --json, whose states are damage or done.
cells() { jq -r "[$(printf '.%s,' "$@" | sed 's/,$//')] | join(\" \")" <<<"$output"; }

# sound_but OFFSET...: repaired now, sound afterwards, and of the records only those with these offsets are gone.
sound_but() {
	local offset

	run --separate-stderr -1 mq-fsck -r -y --json
	repaired=$output
	run --separate-stderr -0 mq-fsck --json
	[[ -z $output || $(cells state | sort -u) == kept ]] || fail "$output"
	cp whole left
	for offset; do sed -i "/^$offset /d" left; done
	mq-consume -f '%o %v\n' orders | diff left -
	echo next | mq-produce -o '%o\n' orders >told
	assert_equal "$(<told)" 6
	new_boot orders
	assert_equal "$(mq-consume orders | tail -n 1)" next
	output=$repaired
}

@test "a sound store: silent, 0; --tsv has its header" {
	run --separate-stderr -0 mq-fsck
	assert_equal "$output$stderr" ""
	run -0 mq-fsck -r -y
	assert_output ""
	run -0 mq-fsck --tsv orders
	assert_output $'TOPIC\tPARTITION\tFILE\tPOSITION\tBYTES\tOFFSET\tLOST\tSTATE\tACTION\tKEPT\tDETAIL'
	run -0 mq-fsck --json
	assert_output ""
}

@test "usage: who is asked, and what goes together" {
	run --separate-stderr -2 mq-fsck -r </dev/null
	[[ $stderr == *"-y says yes"* ]] || fail "$stderr"
	run -2 mq-fsck -n
	run -2 mq-fsck -y
	run -2 mq-fsck -r -n -y
	run -2 mq-fsck --json --tsv
	run -66 mq-fsck nothere
	run -66 mq-fsck -d nothere
	run -0 mq-fsck -r -n
}

@test "asked at a terminal: no does nothing, yes repairs" {
	need script command -v script
	flip "$(segment 2)" 100
	cksum "$partition"/* >before
	echo n | script -qec 'mq-fsck -r' /dev/null >out || [[ $? == 1 ]]
	grep -q 'do what is told' out
	cksum "$partition"/* | cmp - before
	echo y | script -qec 'mq-fsck -r' /dev/null >out || [[ $? == 1 ]]
	grep -q 'cut-out' out
	run -0 mq-fsck
}

@test "a bad batch is cut out and kept, the ones behind stay" {
	flip "$(segment 2)" 100
	cp "$(segment 2)" bad
	run --separate-stderr -1 mq-fsck --json
	assert_equal "$(cells state action offset lost position bytes)" "bad-batch cut 2 1 0 $(stat -c %s bad)"
	sound_but 2
	cmp bad "$topic/lost/$(cells kept)"
}

@test "bad bytes within a segment, one batch after the other" {
	mq-topic create one
	for i in 1 2 3 4 5; do echo "$i" | mq-produce one; done
	log=$MQ_DIR/topics/one/one-0/00000000000000000000.log
	size=$(($(stat -c %s "$log") / 5))
	flip "$log" $((size + 65))
	flip "$log" $((3 * size + 65))
	run --separate-stderr -1 mq-fsck -r -y --json one
	assert_equal "$(cells position bytes offset lost)" "$size $size 1 1"$'\n'"$((3 * size)) $size 3 1"
	assert_equal "$(mq-consume -f '%o=%v ' one)" "0=1 2=3 4=5 "
	run -0 mq-fsck one
}

@test "base offset, length, magic and epoch are set right: the CRC does not cover them" {
	for at in 0 7 8 11 12 15 16; do
		flip "$(segment 2)" "$at"
	done
	flip "$(segment 4)" 7
	sound_but
	assert_equal "$(cells state action lost)" "bad-header restored "$'\n'"bad-header restored "
}

@test "a segment that is gone is a gap; the first one, the beginning; the last one, the end" {
	rm "$(segment 3)"
	sound_but 3
	assert_equal "$(jq -r 'select(.state == "gap") | "\(.offset) \(.lost)"' <<<"$output")" "3 1"
	rm "$(segment 0)"
	run -1 mq-fsck -r -y orders
	assert_equal "$(mq-topic offsets --tsv --time earliest orders | tail -n 1)" $'orders\t0\t1'
	rm "$(segment 6)"
	run -1 mq-fsck -r -y orders
	assert_equal "$(echo another | mq-produce -o '%o' orders)" 7
	run -0 mq-fsck
}

@test "all of it is gone: the next record gets the next offset" {
	rm "$partition"/*
	run -1 mq-fsck -r -y
	run -0 mq-fsck
	assert_equal "$(mq-consume orders)" ""
	assert_equal "$(echo next | mq-produce -o '%o' orders)" 6
	rm -r "$partition"
	run -1 mq-fsck -r -y
	run -0 mq-fsck
	assert_equal "$(echo next | mq-produce -o '%o' orders)" 7
}

@test "damage that recovery found: the partition is opened again" {
	flip "$(segment 2)" 100
	flip "$(segment 5)" 100
	new_boot orders
	run -74 mq-produce orders <<<x
	run --separate-stderr -1 mq-fsck --json
	[[ $output == *read-only* && $output == *bad-batch* ]] || fail "$output"
	sound_but 2 5
}

@test "a recovery that is due is no damage; what it cuts neither" {
	new_boot orders
	run --separate-stderr -0 mq-fsck --json
	assert_equal "$(cells state action)" "recovery-due recover"
	head -c 80 "$(segment 5)" >torn
	cat torn >>"$(segment 5)"
	run --separate-stderr -0 mq-fsck --json
	assert_equal "$(cells state action)" "recovery-due recover"$'\n'"torn recover"
	run -0 mq-fsck -r -y
	run -0 mq-fsck
	cmp torn "$topic"/lost/0-6-*.log
}

@test "a copy: what recovery would cut off behind a bad batch stays" {
	cp -a store copy
	MQ_DIR=copy topic=copy/topics/orders partition=$topic/orders-0
	flip "$(segment 4)" 100
	run -1 mq-fsck -r -y
	mq-consume -f '%o %v\n' orders | diff <(sed '/^4 /d' whole) -
	run -0 mq-fsck
}

@test "heads of garbage, cut short, or gone, is made anew" {
	mq-topic trim -y orders --before 2
	sed -i '1,2d' whole
	for garbage in 'head -c 8192 /dev/urandom >heads' ': >heads' 'truncate -s 5000 heads' 'rm heads' \
		'dd if=/dev/urandom of=heads bs=4096 seek=1 count=1 conv=notrunc status=none'; do
		(cd "$topic" && eval "$garbage")
		run -1 mq-fsck
		run -1 mq-fsck -r -y
		run -0 mq-fsck
		mq-consume -f '%o %v\n' -o 2 orders | diff whole -
	done
	assert_equal "$(echo next | mq-produce -o '%o' orders)" 6
}

@test "state is made anew, above every epoch; config is not, but for the id; what to write is told" {
	rm "$topic/state"
	run -1 mq-fsck -r -y
	run -0 mq-fsck
	cp "$topic/config" config
	sed -i 's/^topic.id=.*/topic.id=nonsense/' "$topic/config"
	run -1 mq-fsck -r -y
	cmp config "$topic/config"
	rm "$topic/config"
	run --separate-stderr -74 mq-fsck -r -y --json
	[[ $(cells action detail) == by-hand*"$(grep topic.id config)"*"partitions=1"* ]] || fail "$output"
	cp config "$topic/config"
	run -0 mq-fsck
}

@test "indexes, snapshots, checkpoint, metadata: garbage is damage, missing is none; all are made again" {
	for suffix in .index .timeindex .snapshot; do
		head -c 30 /dev/urandom >"$(segment 2 "$suffix")"
	done
	echo x >"$partition/leader-epoch-checkpoint"
	echo x >"$partition/partition.metadata"
	cp "$partition/partition.metadata" metadata
	run -1 mq-fsck --json
	assert_equal "$(cells state | sort | uniq -c | tr -s ' ')" " 5 garbage"
	sound_but
	rm "$partition"/{*index,leader-epoch-checkpoint,partition.metadata}
	run -0 mq-fsck --json
	assert_equal "$(cells state | sort -u)" missing
	run -0 mq-fsck -r -y
	run -0 mq-fsck --json
	assert_equal "$output" ""
}

@test "what killed processes left is removed; what is not ours is told" {
	umask 077
	echo x >"$topic/config.tmp"
	echo x >"$partition/leader-epoch-checkpoint.tmp"
	echo x >"$(segment 3 .log.cut)"
	mkdir "$MQ_DIR/topics/%0123456789abcdef"
	echo x >"$topic/notes.txt"
	run --separate-stderr -0 mq-fsck --json
	assert_equal "$(cells state | sort | uniq -c | tr -s ' ')" " 4 leftover"$'\n'" 1 unknown"
	run -0 mq-fsck -r -y
	run --separate-stderr -0 mq-fsck --json
	assert_equal "$(cells state file)" "unknown topics/orders/notes.txt"
}

@test "another mode is told and mended" {
	chmod 644 "$(segment 2)"
	run -1 mq-fsck -r -y --json
	assert_equal "$(cells state action)" "mode changed"
	assert_equal "$(stat -c %a "$(segment 2)")" 600
	run -0 mq-fsck
}

@test "beside a producer and a consumer nothing seems wrong, and a repair goes on under them" {
	mq-topic create busy -c segment.bytes=2000
	mq-consume -F busy >seen 3>&- &
	(while :; do seq 20; done) | mq-produce busy 2>said 3>&- &
	producer=$!
	for i in 1 2 3 4 5 6 7 8; do run -0 mq-fsck busy; done
	wait_for 10 test -e "$MQ_DIR/topics/busy/busy-0/$(printf '%020d' 0).index"
	flip "$MQ_DIR/topics/busy/busy-0/$(printf '%020d' 0).log" 100
	run -1 mq-fsck -r -y busy
	run -0 mq-fsck busy
	# A producer that waited for its sync just then does not know whether its last batch is stored, and says so.
	if is_dead "$producer"; then grep -q 'rebuilt before the sync' said; fi
	echo more | mq-produce busy
	wait_for 10 grep -q more seen
}

@test "who may only read verifies, and repairs nothing" {
	need_root
	mq-topic alter orders -c mode=0644
	chmod 755 "$BATS_TEST_TMPDIR" "$MQ_DIR"
	dir=$BATS_TEST_TMPDIR
	while [[ $dir != / ]]; do
		chmod a+x "$dir"
		dir=${dir%/*}
		dir=${dir:-/}
	done
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	run -0 as_nobody mq-fsck orders
	flip "$(segment 2)" 100
	run -1 as_nobody mq-fsck orders
	run -77 as_nobody mq-fsck -r -y orders
}

@test "any byte, any length, any file: what is told is true" {
	mq-topic delete -y orders
	damage_topic
	damage_prepare t
	damage_each t 2999 .
}

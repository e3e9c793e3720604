#!/usr/bin/env bats
# mq-topic export: topics become folders for a Kafka broker.
# shellcheck disable=SC2030,SC2031,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/background

golden=$MQ_ROOT/tests/golden/kafka

# records TOPIC [OPTION]: all of it, but for what a move changes.
records() { mq-consume -J "${@:2}" "$1" | jq -S -c 'del(.topic, .leader_epoch)'; }

@test "import, export, import: the same records, offsets, timestamps and headers" {
	local topic folders

	for topic in plain edge codec-{none,gzip,snappy,lz4,zstd} idem epochs segs appendtime compacted trimmed txn three; do
		mq-topic import "$topic" "$golden/$topic"-[0-9] 2>said
		mq-topic export "$topic" out
		mq-topic import "$topic.again" out/"$topic"-[0-9] 2>again
		diff <(sed "s/ $topic/ X/" said) <(sed "s/ $topic.again/ X/" again)
		cmp <(records "$topic") <(records "$topic.again") || fail "$topic reads otherwise"
		cmp <(records "$topic" --read-uncommitted) <(records "$topic.again" --read-uncommitted)
	done
	folders=$(cd out && echo *)
	assert_equal "$(wc -w <<<"$folders")" 18
}

@test "a prefix is exported while producers go on" {
	mq-topic create orders -p 2 -c segment.bytes=2000
	seq 1 500 | mq-produce orders
	shim stop:3:fsync
	background "${SHIM[@]}" mq-topic export orders out
	wait_for 10 has_state "$pid" T
	seq 501 1000 | mq-produce orders
	kill -CONT "$pid"
	ends "$pid" 0
	mq-topic import copy out/orders-*
	cmp <(mq-consume copy | sort -n) <(seq 1 500)
	assert_equal "$(mq-consume orders | wc -l)" 1000
}

@test "what a broker expects beside the segments" {
	mq-topic create orders
	echo a | mq-produce orders
	mq-topic export orders out --topic-id 5B-05RW4QyWROSwOagLPjg
	assert_equal "$(cd out/orders-0 && echo *)" "00000000000000000000.index 00000000000000000000.log \
00000000000000000000.timeindex 00000000000000000001.index 00000000000000000001.log 00000000000000000001.snapshot \
00000000000000000001.timeindex leader-epoch-checkpoint partition.metadata"
	assert_equal "$(<out/orders-0/partition.metadata)" $'version: 0\ntopic_id: 5B-05RW4QyWROSwOagLPjg'
	assert_equal "$(<out/orders-0/leader-epoch-checkpoint)" $'0\n1\n0 0'
	mq-topic export orders own
	assert_equal "$(sed -n 's/topic_id: //p' own/orders-0/partition.metadata)" \
		"$(sed -n 's/topic.id=//p' "$MQ_DIR/topics/orders/config")"
	# As `cp` would make them.
	(umask 027 && mq-topic export orders umasked)
	assert_equal "$(stat -c %a umasked/orders-0 umasked/orders-0/*.metadata | tr '\n' ' ')" "750 640 "
}

@test "a log start within a batch: what is before it in the batch can be read again" {
	mq-topic create orders -c segment.bytes=100
	seq 3 | mq-produce orders
	seq 4 6 | mq-produce orders
	seq 7 9 | mq-produce orders
	mq-topic trim -y orders --before 4
	mq-topic export orders out
	assert_equal "$(cd out/orders-0 && echo *.log)" \
		"00000000000000000003.log 00000000000000000006.log 00000000000000000009.log"
	# A broker reads from 3 on; we know where it began.
	mq-topic import again out/orders-0
	assert_equal "$(mq-consume again | tr '\n' ' ')" "5 6 7 8 9 "
	rm out/orders-0/leader-epoch-checkpoint
	mq-topic import more out/orders-0
	assert_equal "$(mq-consume more | tr '\n' ' ')" "4 5 6 7 8 9 "
}

@test "what is given wrongly" {
	run -66 mq-topic export orders out
	mq-topic create orders -p 2
	run -66 mq-topic export nothing out
	run -2 mq-topic export orders
	run -2 mq-topic export orders out more
	run -2 mq-topic export orders out -c fsync=never
	for id in '' x AAAAAAAAAAAAAAAAAAAAAA 5B-05RW4QyWROSwOagLPjh '5B-05RW4QyWROSwOag/Pjg' 5B-05RW4QyWROSwOagLPjgA; do
		run -2 mq-topic export orders out --topic-id "$id"
		assert_output --partial -- "--topic-id: not a Kafka Uuid"
	done
	[[ ! -e out ]]
	mkdir -p out/orders-1
	run -73 mq-topic export orders out
	assert_output "mq-topic: out/orders-1: exists already"
	assert_equal "$(ls -A out)" orders-1
	rmdir out/orders-1
	mq-topic export orders out
	run -73 mq-topic export orders out
	touch file
	run -73 mq-topic export orders file
}

@test "damage: 74, and nothing is left" {
	mq-topic create orders -c segment.bytes=100
	for i in 1 2 3; do echo "$i" | mq-produce orders; done
	printf x | dd of="$MQ_DIR/topics/orders/orders-0/00000000000000000001.log" bs=1 seek=66 conv=notrunc status=none
	run -74 mq-topic export orders out
	assert_output --regexp '^mq-topic: orders/0: offset 1: 00000000000000000001.log at 0: CRC is '
	assert_equal "$(ls -A out)" ""
}

@test "INT and TERM end it, with nothing left; killed, it leaves what a broker removes" {
	local signal

	mq-topic create orders -p 2
	seq 100 | mq-produce orders
	for signal in INT TERM; do
		shim stop:6:fsync
		background env --default-signal=INT "${SHIM[@]}" mq-topic export orders out 2>said
		wait_for 10 has_state "$pid" T
		kill -"$signal" "$pid"
		kill -CONT "$pid"
		ends "$pid" $((128 + $(kill -l "$signal")))
		assert_equal "$(<said)" "mq-topic: stopped by a signal, nothing was exported"
		assert_equal "$(ls -A out)" ""
	done
	shim stop:6:fsync
	background "${SHIM[@]}" mq-topic export orders out
	wait_for 10 has_state "$pid" T
	kill -KILL "$pid"
	ends "$pid" 137
	# LogManager's pattern: (\S+)-(\S+)\.(\S+)-delete
	[[ $(ls -A out) =~ ^orders-0\.[0-9a-f]{32}-delete$ ]]
	mq-topic export orders out
}

@test "no room: 75, and nothing is left" {
	need_root
	mq-topic import s "$golden/segs-0"
	mkdir small
	need tmpfs mount -t tmpfs -o size=1m tmpfs small
	status=0
	mq-topic export s small/out 2>said || status=$?
	left=$(ls -A small/out)
	mount -o remount,size=16m small
	again=0
	mq-topic export s small/out || again=$?
	umount small
	assert_equal "$status $left $again" "75  0"
	[[ $(<said) == *": No space left on device" ]]
}

# as_nobody CMD...: as a user without rights; the programs are copied to where that user may run them.
as_nobody() {
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	[[ -d bin ]] || cp -r "$MQ_BIN" bin
	PATH=$PWD/bin:$PATH setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "who may only consume may export" {
	need_root
	umask 022
	mq-topic create orders -c mode=0644
	mq-topic create secret
	seq 10 | mq-produce orders
	install -d -o 65534 out
	as_nobody mq-topic export orders out
	assert_equal "$(stat -c %u out/orders-0)" 65534
	run -77 as_nobody mq-topic export secret out
	run -77 as_nobody mq-topic export orders "$MQ_DIR/out"
	# After a boot nobody else may have written the page yet.
	new_boot orders
	as_nobody mq-topic export orders out/2
	diff -r out/orders-0 out/2/orders-0
	mq-topic import copy out/orders-0
	cmp <(mq-consume copy) <(seq 10)
}

@test "from a store that is mounted read-only" {
	need_root
	mq-topic create orders
	seq 10 | mq-produce orders
	new_boot orders
	mkdir ro
	need mount mount --bind "$MQ_DIR" ro
	mount -o remount,bind,ro ro
	status=0
	mq-topic -d ro export orders out || status=$?
	umount ro
	assert_equal "$status" 0
	mq-topic import copy out/orders-0
	cmp <(mq-consume copy) <(seq 10)
}

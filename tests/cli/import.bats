#!/usr/bin/env bats
# mq-topic import: folders that a Kafka broker wrote become topics.
# shellcheck disable=SC2030,SC2031,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/background

golden=$MQ_ROOT/tests/golden/kafka

# expected TOPIC PARTITION [LEVEL]: what Kafka's own consumer reads.  same_records TOPIC...: mq-consume reads the same.
expected() { gzip -dc "$golden/expected/$1-$2${3:+.$3}.jsonl.gz" | jq -S -c .; }
consumed() { mq-consume -J -p "$2" "${@:3}" "$1" | jq -S -c .; }

same_records() {
	cmp <(expected "$1" "$2") <(consumed "$1" "$2") || fail "$1/$2 reads otherwise"
	[[ $(consumed "$1" "$2" | wc -l) -gt 0 ]]
}

@test "every folder that Kafka wrote reads as Kafka's consumer reads it" {
	local topic

	for topic in plain edge codec-{none,gzip,snappy,lz4,zstd} idem epochs segs appendtime compacted trimmed; do
		mq-topic import "$topic" "$golden/$topic-0" 2>said
		same_records "$topic" 0
	done
	mq-topic import three "$golden"/three-*
	for p in 0 1 2; do same_records three "$p"; done
}

@test "transactions: what was committed, and with --read-uncommitted all of them" {
	mq-topic import txn "$golden"/txn-*
	for p in 0 1; do
		cmp <(expected txn "$p" read_committed) <(consumed txn "$p")
		cmp <(expected txn "$p" read_uncommitted) <(consumed txn "$p" --read-uncommitted)
	done
}

@test "folders copied from under a running broker" {
	mq-topic import plain "$golden/live/plain-0"
	same_records plain 0
	mkdir copied
	cp -r "$golden/live/txn-0" copied/
	mq-topic import txn copied/txn-0
	cmp <(expected txn 0 read_uncommitted) <(consumed txn 0 --read-uncommitted)
}

@test "the copy is not the original, and goes on where that ended" {
	cp -r "$golden/epochs-0" .
	chmod -R a-w epochs-0
	mq-topic import e epochs-0 -c fsync=never -c mode=0640
	chmod -R u+w epochs-0
	diff -r "$golden/epochs-0" epochs-0
	run -0 mq-topic describe e --tsv
	assert_line --regexp $'^e\t0\t-\t4\t-\t-\t0\t15\t15\t1\t'
	echo more | mq-produce e -o '%p %o\n' >out
	assert_equal "$(<out)" "0 15"
	assert_equal "$(mq-consume -f '%o %e\n' -o 14 e)" $'14 4\n15 4'
	run -0 mq-topic describe -c e --tsv
	assert_line $'e\tfsync\tnever\tDYNAMIC_TOPIC_CONFIG'
	assert_line $'e\tmode\t0640\tDYNAMIC_TOPIC_CONFIG'
	# Another topic, with an id of its own.
	run ! cmp "$MQ_DIR/topics/e/e-0/partition.metadata" epochs-0/partition.metadata
}

@test "beside the segments lies what Kafka has there, byte for byte" {
	local f

	mq-topic import txn "$golden"/txn-*
	for p in 0 1; do
		for f in "$golden/txn-$p"/000*; do cmp "$f" "$MQ_DIR/topics/txn/txn-$p/${f##*/}"; done
	done
}

@test "after a boot, and as a copy of the store, it is the same" {
	mq-topic import trimmed "$golden/trimmed-0"
	mq-topic import compacted "$golden/compacted-0" 2>said
	new_boot trimmed
	new_boot compacted
	same_records trimmed 0
	same_records compacted 0
	cp -r "$MQ_DIR" other
	MQ_DIR=$PWD/other
	same_records trimmed 0
	same_records compacted 0
}

@test "gaps, a torn tail and open transactions are told" {
	run -0 mq-topic import c "$golden/compacted-0"
	assert_output "mq-topic: c/0: 1 gap, 107 offsets missing: compacted"
	cp -r "$golden/plain-0" .
	head -c 4096 /dev/zero >>plain-0/00000000000000000000.log
	run -0 mq-topic import p plain-0
	assert_output "mq-topic: p/0: the last 4096 bytes, at offset 10, are no whole batch: left out"
	# Without the second segment its two transactions have no marker.
	cp -r "$golden/txn-0" .
	rm txn-0/00000000000000000004.log
	run -0 mq-topic import t txn-0
	assert_output "mq-topic: t/0: 2 transactions open at the end: aborted"
	assert_equal "$(mq-topic offsets t --tsv | tail -1)" $'t\t0\t6'
	# Nobody waits for them: what comes behind is read.
	mq-produce t <<<behind
	run -0 --separate-stderr mq-consume t
	assert_output behind
	assert_equal "$stderr" ''
	assert_equal "$(mq-consume --read-uncommitted t | wc -l)" 5
}

@test "what cannot be taken is named, and nothing is left of it" {
	cp -r "$golden/segs-0" .
	printf x | dd of=segs-0/00000000000000003303.log bs=1 seek=70000 conv=notrunc status=none
	run -74 mq-topic import s segs-0
	assert_output --regexp '^mq-topic: segs-0: offset [0-9]+: 00000000000000003303.log at [0-9]+: CRC is '
	rm -rf segs-0
	mkdir old-0
	printf '\0\0\0\0\0\0\0\0\0\0\0\26\1\2\3\4\1\0\0\0\0\0\0\0\0\0\377\377\377\377\0\0\0\0' >old-0/00000000000000000000.log
	run -78 mq-topic import old old-0
	assert_output --regexp '^mq-topic: old-0: offset 0: 00000000000000000000.log at 0: .*magic 0 or 1'
	cp -r "$golden/segs-0" .
	mv segs-0/00000000000000003303.log segs-0/00000000000000003303.log.swap
	run -74 mq-topic import s segs-0
	assert_output --partial "a compaction was interrupted; start the broker and stop it"
	cp "$golden/segs-0/00000000000000003303.log" segs-0
	printf '0\n1\nsegs 0 9001\n' >log-start-offset-checkpoint
	run -74 mq-topic import s segs-0
	assert_output --partial "segs-0: its log start offset is 9001, but the log ends at 9000: a broker would empty it"
	assert_equal "$(ls -A "$MQ_DIR/topics")" ""
	rm log-start-offset-checkpoint
	mq-topic import s segs-0
}

@test "what is given wrongly" {
	mkdir orders-0 orders-2
	run -66 mq-topic import o orders-0 orders-2
	assert_output --partial "partition 1 is missing: the folders go up to 2"
	run -2 mq-topic import o orders-0 ./orders-0/
	assert_output --partial "partition 0 is given twice: "
	run -2 mq-topic import o orders
	assert_output --partial "orders: not the folder of a partition, as TOPIC-0 is"
	run -2 mq-topic import o
	run -2 mq-topic import o orders-0 -p 3
	assert_output --partial "not an option of import"
	run -78 mq-topic import o orders-0 -c segment.bytes=1
	run -78 mq-topic import o orders-0 -c nonsense=1
	run -66 mq-topic import o orders-1
	run -66 mq-topic import o nothing-0
	run -66 mq-topic import o orders-0
	assert_output --partial "orders-0: no segment"
	touch orders-0/00000000000000000000.log
	mq-topic import o orders-0
	run -73 mq-topic import o nothing-0
	assert_output "mq-topic: o: the topic exists already"
	run -0 mq-topic list
	assert_output o
}

@test "INT and TERM end it, with nothing left" {
	local signal

	mq-topic create other
	for signal in INT TERM; do
		shim stop:3:copy_file_range
		background env --default-signal=INT "${SHIM[@]}" mq-topic import s "$golden/segs-0" 2>said
		wait_for 10 has_state "$pid" T
		kill -"$signal" "$pid"
		kill -CONT "$pid"
		ends "$pid" $((128 + $(kill -l "$signal")))
		assert_equal "$(ls "$MQ_DIR/topics")" other
		assert_equal "$(<said)" "mq-topic: stopped by a signal, nothing was imported"
	done
}

@test "others make and remove topics while it works; killed, it leaves nothing" {
	shim stop:3:copy_file_range
	background "${SHIM[@]}" mq-topic import s "$golden/segs-0" 2>said
	wait_for 10 has_state "$pid" T
	mq-topic create other
	mq-topic delete -y other
	run -0 mq-topic list
	assert_output ""
	assert_equal "$(ls "$MQ_DIR/topics")" "$(cd "$MQ_DIR/topics" && echo %????????????????)"
	kill -CONT "$pid"
	ends "$pid" 0
	same_name=$(mq-topic list)
	assert_equal "$same_name" s
	shim stop:3:copy_file_range
	background "${SHIM[@]}" mq-topic import s2 "$golden/segs-0" 2>said
	wait_for 10 has_state "$pid" T
	kill -KILL "$pid"
	ends "$pid" 137
	mq-topic create other
	assert_equal "$(ls "$MQ_DIR/topics")" $'other\ns'
}

@test "of two imports of one name the second to end has lost" {
	shim stop:3:copy_file_range
	background "${SHIM[@]}" mq-topic import s "$golden/segs-0" 2>said
	wait_for 10 has_state "$pid" T
	mq-topic import s "$golden/plain-0"
	kill -CONT "$pid"
	ends "$pid" 73
	assert_equal "$(<said)" "mq-topic: s: the topic exists already"
	assert_equal "$(mq-consume s | wc -l)" 10
	assert_equal "$(ls "$MQ_DIR/topics")" s
}

@test "no room: 75, and nothing is left" {
	need_root
	mkdir small
	need tmpfs mount -t tmpfs -o size=1m tmpfs small
	MQ_DIR=$PWD/small/store
	status=0
	mq-topic import s "$golden/segs-0" 2>said || status=$?
	left=$(ls "$MQ_DIR/topics" 2>&1)
	mount -o remount,size=16m small
	again=0
	mq-topic import s "$golden/segs-0" || again=$?
	count=$(mq-consume s | wc -l)
	umount small
	assert_equal "$status $left" "75 "
	assert_equal "$again $count" "0 9000"
}

# as_nobody CMD...: as a user without rights; the programs are copied to where that user may run them.
as_nobody() {
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	[[ -d bin ]] || cp -r "$MQ_BIN" bin
	PATH=$PWD/bin:$PATH setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "another user's folder may be imported by whom it lets read" {
	need_root
	cp -r "$golden/plain-0" .
	chmod 700 plain-0
	install -d -o 65534 theirs
	MQ_DIR=$PWD/theirs/store
	run -77 as_nobody mq-topic import p plain-0
	assert_output "mq-topic: plain-0: Permission denied"
	chmod 755 plain-0
	chmod 600 plain-0/*.log
	run -77 as_nobody mq-topic import p plain-0
	assert_output "mq-topic: plain-0: 00000000000000000000.log: Permission denied"
	chmod 644 plain-0/*
	as_nobody mq-topic import p plain-0
	assert_equal "$(stat -c %u theirs/store/topics/p/p-0/*.log)" 65534
	assert_equal "$(as_nobody mq-consume p | wc -l)" 10
}

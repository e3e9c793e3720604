#!/usr/bin/env bats
# mq-dump, as a user types it: over a store made by the programs, over what Kafka wrote, and over garbage.
load ../lib/mq
load ../lib/background

GOLDEN=$MQ_ROOT/tests/golden/kafka
FIRST=00000000000000000000

# refuses STATUS MESSAGE CMD...: CMD ends with STATUS and says one line on stderr that contains MESSAGE.
refuses() {
	local status_wanted=$1 message=$2

	shift 2
	run --separate-stderr "-$status_wanted" "$@"
	[[ $stderr == "mq-dump: "*"$message"* ]] || fail "$* said: $stderr"
	[[ $stderr != *$'\n'* ]] || fail "$* said more than one line: $stderr"
}

# quietly CMD...: CMD ends with 0 and says nothing on stderr.
quietly() {
	run --separate-stderr -0 "$@"
	[[ -z $stderr ]] || fail "$* said: $stderr"
}

# columns NAME,...: these columns of a TSV listing on stdin, without the header.
columns() {
	awk -F '\t' -v names="$1" 'NR == 1 { n = split(names, want, ","); for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ for (i = 1; i <= n; i++) printf "%s%s", $at[want[i]], i < n ? " " : "\n" }'
}

# orders: a topic of two partitions and several segments.
orders() {
	local i

	mq-topic create orders -p 2 -c segment.bytes=300
	for i in 1 2 3 4; do
		seq "$i" 10 | mq-produce orders
	done
}

#
# The command line.
#

@test "an operand is needed; options may stand anywhere" {
	refuses 2 "FILE|TOPIC/PARTITION... expected" mq-dump
	refuses 2 "either --json or --tsv" mq-dump --json --tsv x
	refuses 2 "must be segment, index" mq-dump --kind journal x
	refuses 2 "runs no command" mq-dump x -- y
	orders
	quietly mq-dump orders/0 --tsv -d "$MQ_DIR"
}

@test "who types Kafka's options is told ours" {
	refuses 2 "files are operands" mq-dump --files 0.log
	refuses 2 "records are shown with -r" mq-dump --print-data-log
	refuses 2 "there is no broker" mq-dump -b localhost
}

@test "what is not there is 66" {
	refuses 66 "no store here" mq-dump orders/0
	orders
	refuses 66 "no such topic" mq-dump nothing/0
	refuses 66 "orders/2: no such partition" mq-dump orders/2
	refuses 66 "No such file" mq-dump "no/such/$FIRST.log"
	refuses 66 "the log of a partition is TOPIC/PARTITION, as orders/0" mq-dump orders
	refuses 66 "a directory" mq-dump "$MQ_DIR"
}

@test "a file with another name needs --kind" {
	cp "$GOLDEN/plain-0/$FIRST.log" segment
	refuses 2 "--kind says what it is" mq-dump segment
	quietly mq-dump --kind segment segment
	refuses 74 "not a plain file" mq-dump --kind segment /dev/zero
	mkfifo pipe.log
	refuses 74 "not a plain file" mq-dump pipe.log
}

@test "the other files are shown whatever is wrong with one; damage is the status before all" {
	head -c 100 "$GOLDEN/plain-0/$FIRST.log" >cut.log
	run --separate-stderr -74 mq-dump missing.log cut.log "$GOLDEN/plain-0/partition.metadata"
	assert_line "version   0"
	assert_equal "$(wc -l <<<"$stderr")" 2
}

#
# A store of ours.
#

@test "TOPIC/PARTITION is all its segments in order, and says nothing else" {
	orders
	quietly mq-dump --tsv orders/0
	mapfile -t bases < <(mq-dump --tsv orders/0 | columns BASE-OFFSET)
	((${#bases[@]} >= 4))
	assert_equal "${bases[*]}" "$(printf '%s\n' "${bases[@]}" | sort -n | paste -sd' ')"
	assert_equal "$(mq-dump --tsv orders/0 | columns FILE | sort -u | wc -l)" "$(find "$MQ_DIR/topics/orders/orders-0" -name '*.log' | wc -l)"
	end=$(mq-topic offsets orders -p 0 --tsv | columns OFFSET)
	assert_equal "$(mq-dump --tsv orders/0 | columns LAST-OFFSET | tail -n 1)" $((end - 1))
}

@test "-r shows what mq-consume reads, in all three forms" {
	mq-topic create bytes
	mq-produce bytes -K : -H 'a=b c' <<<$'k:v\nother:\x01\xff-'
	mq-produce bytes -Z <<<''
	quietly mq-dump -r bytes/0
	assert_line --partial '  key "k"  value "v"  headers "a"="b c"'
	assert_line --partial '  key "other"  value "\x01\xff-"  headers "a"="b c"'
	assert_line --partial '  key null  value null'
	run -0 bash -o pipefail -c 'mq-dump -r --json bytes/0 | jq -c "[.offset, .key, .value, .value_base64, .headers]"'
	assert_line --index 0 '[0,"k","v",null,[{"name":"a","value":"b c"}]]'
	assert_line --index 1 '[1,"other",null,"Af8t",[{"name":"a","value":"b c"}]]'
	assert_line --index 2 '[2,null,null,null,[]]'
	run -0 bash -o pipefail -c 'mq-dump -r --tsv bytes/0 | cut -f 20,22-24'
	assert_line --index 0 $'OFFSET\tKEY\tVALUE\tHEADERS'
	assert_line --index 2 $'1\tother\t\\x01\\xff-\ta=b c'
	assert_line --index 3 $'2\t-\t-\t-'
}

@test "the files of a topic and of the store are shown" {
	orders
	topic=$MQ_DIR/topics/orders
	quietly mq-dump "$topic/config" "$topic/state" "$MQ_DIR/store" "$topic/orders-0/partition.metadata"
	assert_line "segment.bytes       300"
	assert_line "leader.epoch  0"
	assert_line --regexp '^id +[0-9a-f-]{36}$'
	assert_line --regexp '^topic_id +[A-Za-z0-9_-]{22}$'
	quietly mq-dump "$topic"/orders-0/leader-epoch-checkpoint "$topic"/orders-0/*.snapshot
	assert_line "    0             0"
}

@test "heads: every word, both slots, and that the pages are trusted" {
	orders
	quietly mq-dump --tsv "$MQ_DIR/topics/orders/heads"
	refute_line --regexp $'\ttrusted\tno'
	assert_equal "$(grep -c $'\ttrusted\tyes' <<<"$output")" 2
	assert_equal "$(grep -c $'\tend-offset\t' <<<"$output")" 4
	assert_line --regexp $'\tpartitions\t2\t'
	end=$(mq-topic offsets orders -p 1 --tsv | columns OFFSET)
	slot=$(grep $'\t1\t.\tvalid\tyes\tin use' <<<"$output" | cut -f 3)
	assert_line --regexp $'\t1\t'"$slot"$'\tend-offset\t'"$end"$'\t'
	assert_line --regexp $'\tsynced-end\t'"$end"$'\t'
}

@test "heads: a copy is not trusted, and a log that lost its end neither" {
	orders
	cp -r "$MQ_DIR" copy
	quietly mq-dump --tsv copy/topics/orders/heads
	assert_equal "$(grep -c $'\ttrusted\tno\tthe file is a copy' <<<"$output")" 2
	run --separate-stderr -0 mq-dump -d copy --tsv orders/0
	[[ $stderr == *"orders/0: all that is there is shown"*"the file is a copy"* ]]
	assert_equal "$output" "$(mq-dump --tsv orders/0)"
	last=$(find "$MQ_DIR/topics/orders/orders-0" -name '*.log' | sort | tail -n 1)
	truncate -s -1 "$last"
	quietly mq-dump --tsv "$MQ_DIR/topics/orders/heads"
	assert_equal "$(grep -c $'\ttrusted\tno\tthe log does not hold' <<<"$output")" 1
	run --separate-stderr -74 mq-dump orders/0
	[[ $stderr == *"in the middle of a batch"* ]]
}

@test "nothing in the store is changed, nothing locked, and reading rights suffice" {
	orders
	before=$(cd "$MQ_DIR" && find . -type f -exec stat -c '%n %s %Y %Z' {} + | sort)
	find "$MQ_DIR" -type f -exec mq-dump -r {} + >/dev/null 2>&1 || true
	mq-dump -r orders/0 orders/1 >/dev/null
	assert_equal "$(cd "$MQ_DIR" && find . -type f -exec stat -c '%n %s %Y %Z' {} + | sort)" "$before"
	find "$MQ_DIR" -type f -exec chmod a-w {} +
	quietly mq-dump -r orders/0
}

@test "while a producer appends, what is published is shown whole" {
	mq-topic create busy -c segment.bytes=4000
	background mq-produce busy -- bash -c 'for ((i = 0; i < 3000; i++)); do echo $i; done'
	for _ in {1..30}; do
		quietly mq-dump -r --tsv busy/0
		columns OFFSET <<<"$output" | awk '$1 != NR - 1 { exit 1 }'
	done
	# shellcheck disable=SC2154
	ends "$pid" 0
	assert_equal "$(mq-dump -r --tsv busy/0 | columns VALUE | tail -n 1)" 2999
}

@test "a topic that is trimmed meanwhile is no failure" {
	orders
	mq-topic trim orders -p 0 --before 10 -y
	quietly mq-dump --tsv orders/0
}

#
# What Kafka wrote.
#

# as_expected FILE...: the records of the segments as Kafka's consumer shows them.
as_expected() {
	mq-dump -r --json "$@" | jq -S -c 'select(.control == null and .offset != null) | {offset, leader_epoch, timestamp_type, headers,
		timestamp: ((.timestamp[0:19] + "Z" | fromdateiso8601) * 1000 + (.timestamp[20:23] | tonumber))}
		+ with_entries(select(.key | startswith("key") or startswith("value")))'
}

@test "records of every golden folder are those that Kafka's consumer reads" {
	for folder in plain-0 three-0 three-1 three-2 edge-0 codec-none-0 idem-0 epochs-0 segs-0 appendtime-0 compacted-0; do
		as_expected "$GOLDEN/$folder"/*.log >got
		zcat "$GOLDEN/expected/$folder.jsonl.gz" | jq -S -c 'del(.topic, .partition)' | jq -S -c . >want
		jq -S -c 'del(.valid)' got | diff want - >difference || fail "$folder: $(head -n 4 difference | cut -c 1-300)"
	done
	for folder in txn-0 txn-1; do
		as_expected "$GOLDEN/$folder"/*.log | jq .offset >got
		zcat "$GOLDEN/expected/$folder.read_uncommitted.jsonl.gz" | jq .offset | diff - got
	done
}

@test "every file of every golden folder can be understood, every batch is valid" {
	for folder in "$GOLDEN"/*-? "$GOLDEN"/live/*; do
		quietly mq-dump -r "$folder"/*
		quietly mq-dump --tsv "$folder"/*.log*
		assert_equal "$(columns VALID <<<"$output" | sort -u)" yes
	done
	quietly mq-dump "$GOLDEN/log-start-offset-checkpoint"
	assert_line "trimmed          0    4000"
}

@test "control batches, aborted transactions and producers are decoded" {
	cd "$GOLDEN/txn-0"
	assert_equal "$(mq-dump --tsv 00000000000000000004.log | columns BASE-OFFSET,CONTROL | paste -sd,)" \
		"4 COMMIT,5 ABORT,6 -,9 COMMIT,10 -"
	assert_equal "$(mq-dump --tsv 00000000000000000004.txnindex | columns VERSION,PRODUCER-ID,FIRST-OFFSET,LAST-OFFSET,LAST-STABLE-OFFSET)" \
		"0 3 2 5 6"
	assert_equal "$(mq-dump --tsv 00000000000000000004.snapshot | columns PRODUCER-ID,TRANSACTION-FIRST-OFFSET | paste -sd,)" "2 0,3 2"
	assert_equal "$(mq-dump --tsv ../compacted-0/$FIRST.log | columns BASE-OFFSET,LAST-OFFSET,RECORDS,BASE-TIMESTAMP,DELETE-HORIZON)" \
		"100 119 13 - 2026-11-24T00:11:48.145Z"
}

@test "indexes lead to the batches that they tell of" {
	for base in 00000000000000000000 00000000000000003303; do
		cd "$GOLDEN/segs-0"
		mq-dump --tsv "$base.index" | columns OFFSET,POSITION >"$BATS_TEST_TMPDIR/index"
		mq-dump --tsv "$base.log" | columns LAST-OFFSET,POSITION >"$BATS_TEST_TMPDIR/batches"
		[[ -s $BATS_TEST_TMPDIR/index ]]
		run -1 grep -vxFf "$BATS_TEST_TMPDIR/batches" "$BATS_TEST_TMPDIR/index"
	done
}

@test "a live broker's indexes: the zeros at their end are counted" {
	cd "$GOLDEN/live/plain-0"
	quietly mq-dump --tsv "$FIRST.index"
	assert_line --index 1 $"$FIRST.index"$'\t0\t-\t-\t4096 bytes of zeros follow'
	quietly mq-dump --json "$FIRST.timeindex"
	assert_line --index 0 --partial '"at":0,"timestamp":"2026-01-01T00:00:00.009Z","offset":9,"note":null'
	assert_line --index 1 --partial '"at":12,"timestamp":null,"offset":null,"note":"4080 bytes of zeros follow"'
}

#
# Damage.
#

# fares CMD...: CMD ends with 0 or 74, whatever it is given; sanitizers are asked by teardown.
fares() {
	local status=0

	"$@" >out 2>err || status=$?
	[[ $status == 0 || $status == 74 ]] || fail "$*: $status: $(cat err)"
	[[ $status == 0 || -s err ]] || fail "$*: 74 without a word"
}

# flip FILE POSITION: the lowest bit of one byte.
flip() {
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "every truncation of a segment is told, with file and position" {
	size=$(stat -c %s "$GOLDEN/idem-0/$FIRST.log")
	mapfile -t ends < <(mq-dump --tsv "$GOLDEN/idem-0/$FIRST.log" | columns POSITION,BYTES | awk '{ print $1 + $2 }')
	for ((k = 0; k < size; k += 1 + size / 150)); do
		head -c "$k" "$GOLDEN/idem-0/$FIRST.log" >"$FIRST.log"
		fares mq-dump -r "$FIRST.log"
		[[ " 0 ${ends[*]} " == *" $k "* ]] || grep -q "^mq-dump: $FIRST.log at [0-9]*: it ends in the middle of a batch\$" err
	done
}

@test "a flipped bit is one invalid batch; the others are shown" {
	cp "$GOLDEN/txn-0/00000000000000000004.log" .
	flip 00000000000000000004.log 240
	run --separate-stderr -74 mq-dump --tsv 00000000000000000004.log
	assert_equal "$(columns POSITION,VALID <<<"$output" | paste -sd,)" "0 yes,78 yes,156 no,289 yes,367 yes"
	[[ $stderr =~ ^"mq-dump: 00000000000000000004.log at 156: CRC is "[0-9a-f]{8}", should be "[0-9a-f]{8}$ ]]
}

@test "a flipped bit anywhere is survived" {
	cp "$GOLDEN/txn-0/00000000000000000004.log" "$GOLDEN/txn-0/00000000000000000004.txnindex" .
	cp "$GOLDEN/idem-0/00000000000000000037.snapshot" "$GOLDEN/three-0/leader-epoch-checkpoint" "$GOLDEN/plain-0/partition.metadata" .
	for f in *; do
		for ((k = 0; k < $(stat -c %s "$f"); k += 7)); do
			flip "$f" "$k"
			fares mq-dump -r --json "$f"
			flip "$f" "$k"
		done
	done
}

@test "garbage, zeros and nothing, of every kind" {
	for kind in segment index timeindex txnindex snapshot epochs offsets metadata heads config state store; do
		for size in 0 1 7 61 4096 4097 12288; do
			openssl enc -aes-128-ctr -K 00 -iv 00 </dev/zero 2>/dev/null | head -c "$size" >garbage || true
			head -c "$size" /dev/zero >zeros
			fares mq-dump -r --kind $kind garbage zeros
			fares mq-dump -r --json --kind $kind garbage zeros
			fares mq-dump -r --tsv --kind $kind garbage zeros
		done
	done
}

@test "lengths that cannot be are refused without taking memory for them" {
	cp "$GOLDEN/plain-0/$FIRST.log" .
	printf '\x7f\xff\xff\xff' | dd of=$FIRST.log bs=1 seek=8 conv=notrunc status=none
	refuses 74 "$FIRST.log at 0: batch length 2147483647" mq-dump $FIRST.log
	printf '\x7f\xff\xff\x00' | dd of=$FIRST.log bs=1 seek=8 conv=notrunc status=none
	refuses 74 "$FIRST.log at 0: it ends in the middle of a batch" mq-dump $FIRST.log
	truncate -s 4G 00000000000000000000.snapshot
	refuses 74 "more than such a file ever has" mq-dump 00000000000000000000.snapshot
}

@test "older message formats are refused by name" {
	{ head -c 11 /dev/zero && printf '\x20\0\0\0\0\1' && head -c 100 /dev/zero; } >$FIRST.log
	refuses 74 "message format of magic 1" mq-dump $FIRST.log
}

@test "zeros behind a segment are counted" {
	cp "$GOLDEN/plain-0/$FIRST.log" .
	truncate -s +1000 $FIRST.log
	refuses 74 "at 313: 1000 bytes of zeros follow" mq-dump $FIRST.log
}

@test "an index that does not ascend is told once, and shown" {
	printf '\0\0\0\5\0\0\1\0\0\0\0\4\0\0\2\0\0\0\0\3\0\0\3\0\0' >$FIRST.index
	run --separate-stderr -74 mq-dump --tsv $FIRST.index
	assert_equal "$(columns OFFSET,NOTE <<<"$output" | paste -sd,)" "5 -,4 does not ascend,3 does not ascend"
	assert_equal "$stderr" "mq-dump: $FIRST.index at 8: does not ascend
mq-dump: $FIRST.index at 24: it ends in the middle of an entry"
}

@test "checkpoints: a bad line is told by its number, the others are shown" {
	printf '0\n4\na 0 7\nb x 8\nc 1 9\n' >recovery-point-offset-checkpoint
	run --separate-stderr -74 mq-dump --tsv recovery-point-offset-checkpoint
	assert_equal "$(columns TOPIC,PARTITION,OFFSET <<<"$output" | paste -sd,)" "a 0 7,c 1 9"
	[[ $stderr == *"line 4: not TOPIC PARTITION OFFSET"*"counts 4 entries and has 3"* ]]
}

@test "config: a typo is told with its line" {
	orders
	sed 's/segment.bytes/segment.byte/' "$MQ_DIR/topics/orders/config" >config
	refuses 74 "config: line 5" mq-dump config
	assert_line "segment.byte        300"
	printf 'format=1\nno newline=1' >state
	refuses 74 "state: line 2: no newline at its end" mq-dump state
}

@test "heads: a size, a count and a magic that cannot be" {
	orders
	cp "$MQ_DIR/topics/orders/heads" .
	truncate -s 8192 heads
	refuses 74 "heads: counts 2 partitions, and there are pages of 1" mq-dump heads
	truncate -s 100 heads
	refuses 74 "heads: ends within page 0" mq-dump heads
	head -c 8192 /dev/zero >heads
	refuses 74 "heads at 0: not a heads file" mq-dump heads
}

@test "any name of a file is shown safely, and a JSON line all the same" {
	name=$'a\e[1m\xff.log'
	cp "$GOLDEN/plain-0/$FIRST.log" "$name"
	quietly mq-dump "$name" "$name"
	assert_line 'a\x1b[1m\xff.log:'
	quietly mq-dump --json "$name"
	assert_output --partial '{"file_base64":"YRtbMW3/LmxvZw==","position":0'
}

@test "a full stdout is 74; a closed one ends it" {
	run --separate-stderr -74 bash -c "mq-dump '$GOLDEN/plain-0/$FIRST.log' >/dev/full"
	[[ $stderr == "mq-dump: stdout: "* ]]
	run -141 bash -c "trap '' PIPE; (mq-dump --json '$GOLDEN'/segs-0/*.log; exit \$?) | true; exit \${PIPESTATUS[0]}"
}

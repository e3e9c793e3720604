#!/usr/bin/env bats
# mq-gc, and the retention that comes with a roll, as a user meets them.
# shellcheck disable=SC2154 # $pid is set by `background`
load ../lib/mq
load ../lib/background
load ../lib/crash

# The shape of the library: a topic of which two records fill a segment.
small=(-c segment.bytes=160 -c index.interval.bytes=0)

# refuses STATUS MESSAGE CMD...: CMD ends with STATUS and says one line on stderr that contains MESSAGE, nothing on stdout.
refuses() {
	local status_wanted=$1 message=$2

	shift 2
	run --separate-stderr "-$status_wanted" "$@"
	assert_output ""
	[[ $stderr == *"$message"* ]] || fail "$* said: $stderr"
	[[ $stderr != *$'\n'* ]] || fail "$* said more than one line: $stderr"
}

# says OUTPUT CMD...: CMD ends with 0, prints OUTPUT and nothing on stderr.
says() {
	local wanted=$1

	shift
	run --separate-stderr -0 "$@"
	assert_output "$wanted"
	[[ -z $stderr ]] || fail "$* said: $stderr"
}

# store TOPIC TIME WORD...: a batch, and so a record, for each word.
store() {
	local topic=$1 time=$2 word

	shift 2
	for word in "$@"; do echo "$word" | mq-produce -t "$time" "$topic"; done
}
start_of() { mq-topic offsets --tsv --time earliest "$1" | awk 'NR > 1 { print $3 }' | paste -sd' '; }
segments_of() { mq-topic describe --tsv "$1" | awk 'NR > 1 { print $10 }' | paste -sd' '; }

@test "help, version, and what is wrong on the command line" {
	run -0 mq-gc --help
	assert_output --partial "mq-gc -n"
	run -0 mq-gc --version
	refuses 66 "mq-topic create" mq-gc
	mq-topic create orders
	refuses 2 "-x" mq-gc -x
	refuses 2 "--json and --tsv are for the listing of -n" mq-gc --json
	refuses 2 "either --json or --tsv" mq-gc -n --json --tsv
	refuses 2 "runs no command" mq-gc orders -- true
	refuses 66 "other: no such topic" mq-gc other
	refuses 2 "" mq-gc ../orders
	says "" mq-gc
	says "" mq-gc orders
}

@test "without a setting nothing goes" {
	mq-topic create orders "${small[@]}"
	store orders 1000000000 a b c d e
	says "" mq-gc
	assert_equal "$(mq-consume orders | paste -sd' ')" "a b c d e"
}

@test "by time: the segments all of which is old" {
	mq-topic create orders "${small[@]}" -c retention.ms=1h
	store orders -3h a b c
	store orders -1m d
	store orders -3h e f
	store orders -1m g
	assert_equal "$(mq-consume orders | paste -sd' ')" "c d e f g"
	says "" mq-gc
	assert_equal "$(mq-consume orders | paste -sd' ')" "c d e f g"
	mq-topic alter orders -c retention.ms=10s
	says "" mq-gc orders
	assert_equal "$(mq-consume orders | paste -sd' ')" ""
	assert_equal "$(start_of orders)" 7
	assert_equal "$(segments_of orders)" 1
	store orders -1s h
	assert_equal "$(mq-consume -f '%o %v' orders)" "7 h"
}

@test "by size: so many bytes stay" {
	mq-topic create orders "${small[@]}"
	store orders -1m a b c d e f g
	bytes=$(stat -c %s "$MQ_DIR/topics/orders/orders-0/00000000000000000002.log")
	mq-topic alter orders -c retention.bytes=$((2 * bytes))
	says "" mq-gc
	assert_equal "$(mq-consume orders | paste -sd' ')" "c d e f g"
	mq-topic alter orders -c retention.bytes=1
	says "" mq-gc
	assert_equal "$(mq-consume orders | paste -sd' ')" "g"
	mq-topic alter orders -c retention.bytes=0
	says "" mq-gc
	assert_equal "$(mq-consume orders | paste -sd' ')" ""
}

@test "a producer's roll lets go without any timer" {
	mq-topic create orders "${small[@]}" -c retention.bytes=300
	seq 200 | mq-produce orders
	for i in {1..20}; do echo "again $i" | mq-produce orders; done
	(($(segments_of orders) <= 5)) || fail "$(segments_of orders) segments"
	assert_equal "$(mq-consume orders | tail -n 1)" "again 20"
	(($(start_of orders) > 200)) || fail "begins at $(start_of orders)"
}

@test "a topic that nobody writes to is emptied, and its offsets go on, whatever fsync says" {
	for fsync in always 1s never; do
		mq-topic create "t-$fsync" -p 2 "${small[@]}" -c fsync="$fsync" -c retention.ms=1m
		for p in 0 1; do printf 'a\nb\nc\n' | mq-produce -p "$p" -t -1h "t-$fsync"; done
	done
	says "" mq-gc
	for fsync in always 1s never; do
		assert_equal "$(mq-consume "t-$fsync")" ""
		assert_equal "$(start_of "t-$fsync")" "3 3"
		new_boot "t-$fsync"
		echo d | mq-produce -p 0 "t-$fsync"
		assert_equal "$(mq-consume -f '%p %o %v' "t-$fsync")" "0 3 d"
	done
	# Nothing is left to do: an empty segment is not closed again.
	before=$(find "$MQ_DIR" -name '*.log' | sort)
	says "" mq-gc
	assert_equal "$(find "$MQ_DIR" -name '*.log' | sort)" "$before"
}

@test "-n shows what would go, in three forms, and does nothing" {
	mq-topic create orders -p 2 "${small[@]}" -c retention.ms=1h
	mq-topic create other "${small[@]}"
	for i in 1 2 3; do echo "$i" | mq-produce -p 0 -t -2h orders; done
	for i in 1 2 3; do echo "$i" | mq-produce -p 1 -t -1m orders; done
	mq-topic alter orders -c retention.ms=1d
	for i in 1 2 3; do echo "$i" | mq-produce -p 0 -t -2h orders; done
	mq-topic alter orders -c retention.ms=90m
	start=$(start_of orders)
	files=$(find "$MQ_DIR" -type f | sort)
	says "TOPIC   PARTITION  START  NEW-START  END
orders          0      ${start%% *}          6    6" mq-gc -n
	says "TOPIC	PARTITION	START	NEW-START	END
orders	0	${start%% *}	6	6" mq-gc -n --tsv orders
	says "{\"topic\":\"orders\",\"partition\":0,\"start\":${start%% *},\"new_start\":6,\"end\":6}" mq-gc --dry-run --json
	assert_equal "$(start_of orders)" "$start"
	assert_equal "$(find "$MQ_DIR" -type f | sort)" "$files"
	says "" mq-gc
	assert_equal "$(start_of orders)" "6 0"
	says "TOPIC  PARTITION  START  NEW-START  END" mq-gc -n
}

@test "a damaged partition loses nothing, is told, and holds up no other" {
	mq-topic create damaged "${small[@]}"
	mq-topic create sound "${small[@]}" -c retention.ms=1m
	store damaged -1h a b c d e
	store sound -1h a b c
	printf 'X' | dd of="$MQ_DIR/topics/damaged/damaged-0/00000000000000000004.log" bs=1 seek=30 conv=notrunc status=none
	mq-topic alter damaged -c retention.ms=1m
	new_boot damaged
	run --separate-stderr -74 mq-gc
	[[ $stderr == *"damaged/0: "* ]] || fail "$stderr"
	assert_equal "$(start_of sound)" 3
	assert_equal "$(find "$MQ_DIR/topics/damaged/damaged-0" -name '*.log' | wc -l)" 3
	run --separate-stderr -74 mq-gc -n damaged
}

@test "who may not write to a topic may not, and the others' topics are done" {
	need_root
	local bin=$BATS_TEST_TMPDIR/bin-of-nobody

	mq-topic create mine "${small[@]}"
	mq-topic create shared "${small[@]}" -c mode=0666
	store mine -1h a b c
	store shared -1h a b c
	mq-topic alter mine -c retention.ms=1m
	mq-topic alter shared -c retention.ms=1m
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	cp -r "$MQ_BIN" "$bin"
	run --separate-stderr -77 setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/mq-gc"
	[[ $stderr == *"mine: "* ]] || fail "$stderr"
	assert_equal "$(start_of mine)" 0
	assert_equal "$(start_of shared)" 3
}

@test "under a running consumer and a running producer" {
	mq-topic create orders "${small[@]}" -c retention.ms=1h
	open_input in
	background mq-produce -t -2h orders <in
	producer=$pid
	background mq-consume -F orders >seen 2>told
	consumer=$pid
	for i in {1..30}; do
		echo "line $i" >&4
		wait_for 10 grep -q "^line $i$" seen
		mq-gc orders
	done
	close_input
	ends "$producer" 0
	mq-gc
	assert_equal "$(mq-consume orders)" ""
	assert_equal "$(start_of orders)" 30
	kill "$consumer"
	diff seen <(seq -f 'line %.0f' 30)
}

@test "a topic that is deleted meanwhile is no failure" {
	mq-topic create orders "${small[@]}"
	mq-topic create other "${small[@]}"
	store orders -1h a b c d e
	store other -1h a b c
	mq-topic alter orders -c retention.ms=1m
	mq-topic alter other -c retention.ms=1m
	shim stop:3
	background "${SHIM[@]}" mq-gc
	wait_for 10 has_state "$pid" T
	mq-topic delete -y orders
	kill -CONT "$pid"
	ends "$pid" 0
	assert_equal "$(start_of other)" 3
}

@test "an interrupted run dies of its signal" {
	mq-topic create orders -p 3 "${small[@]}" -c retention.ms=1m
	for p in 0 1 2; do echo a | mq-produce -p "$p" -t -1h orders; done
	shim stop:3
	background "${SHIM[@]}" mq-gc
	wait_for 10 has_state "$pid" T
	kill -TERM "$pid"
	kill -CONT "$pid"
	ends "$pid" 143
	assert_equal "$(start_of orders)" "1 0 0"
}

#
# Compaction
#

# pairs TOPIC: offset, key and value of each record, in a line.
pairs() { mq-consume -f '%o:%k=%v ' "$1"; }
# keyed TOPIC KEY:VALUE...: a batch for each.
keyed() {
	local topic=$1 pair

	shift
	for pair in "$@"; do echo "$pair" | mq-produce -K : -Z "$topic"; done
}

@test "compaction keeps the last record of each key, and its offset" {
	mq-topic create orders "${small[@]}" -c cleanup.policy=compact
	keyed orders a:1 b:1 a:2 c:1 b:2 a:3 d:1
	says "" mq-gc
	assert_equal "$(pairs orders)" "3:c=1 4:b=2 5:a=3 6:d=1 "
	# From anywhere, and by time.
	assert_equal "$(mq-consume -o 1 -c 1 -f %o orders)" 3
	assert_equal "$(mq-consume -o @-1h -c 1 -f %o orders)" 3
	new_boot orders
	assert_equal "$(pairs orders)" "3:c=1 4:b=2 5:a=3 6:d=1 "
	keyed orders c:2
	assert_equal "$(pairs orders)" "3:c=1 4:b=2 5:a=3 6:d=1 7:c=2 "
}

@test "a tombstone takes its key away, and goes later itself" {
	mq-topic create orders "${small[@]}" -c cleanup.policy=compact -c delete.retention.ms=0
	keyed orders a:1 b:1 a: b:2 c:1 d:1
	says "" mq-gc
	assert_equal "$(mq-consume --null NULL -f '%o:%k=%v ' orders)" "2:a=NULL 3:b=2 4:c=1 5:d=1 "
	keyed orders e:1 f:1 g:1 h:1 i:1 j:1 k:1
	says "" mq-gc
	assert_equal "$(mq-consume --null NULL -f '%o:%k=%v ' -o :5 orders)" "3:b=2 4:c=1 "
}

@test "a compacted topic wants keys" {
	mq-topic create orders -c cleanup.policy=compact
	run --separate-stderr -65 mq-produce orders <<<"no key"
	[[ $stderr == *"stdin: record 1: no key, and its topic's cleanup.policy is compact"* ]] || fail "$stderr"
	assert_equal "$(mq-consume orders)" ""
	echo a | mq-produce -k key orders
	assert_equal "$(mq-consume orders)" a
}

@test "the last segment of a compacted topic that nobody writes to is compacted when it is older than segment.ms" {
	mq-topic create orders -c cleanup.policy=compact
	printf 'a:1\na:2\n' | mq-produce -t -8d -K : orders
	mq-topic create young -c cleanup.policy=compact
	printf 'a:1\na:2\n' | mq-produce -t -6d -K : young
	says "" mq-gc
	assert_equal "$(pairs orders)" "1:a=2 "
	assert_equal "$(pairs young)" "0:a=1 1:a=2 "
}

@test "with compact,delete old segments go too; with compact none does" {
	mq-topic create both "${small[@]}" -c cleanup.policy=compact,delete
	mq-topic create one "${small[@]}" -c cleanup.policy=compact
	for topic in both one; do
		printf 'a:1\n' | mq-produce -t -3h -K : "$topic"
		printf 'b:1\n' | mq-produce -t -3h -K : "$topic"
		printf 'c:1\n' | mq-produce -t -1m -K : "$topic"
		mq-topic alter "$topic" -c retention.ms=1h
	done
	says "" mq-gc
	assert_equal "$(pairs both)" "2:c=1 "
	assert_equal "$(pairs one)" "0:a=1 1:b=1 2:c=1 "
}

@test "compaction under a running producer and a running consumer" {
	mq-topic create orders "${small[@]}" -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0
	open_input in
	background mq-produce -K : orders <in
	producer=$pid
	background mq-consume -F -f '%k:%v\n' orders >seen 2>told
	consumer=$pid
	for i in {1..40}; do
		echo "key$((i % 5)):$i" >&4
		wait_for 10 grep -q ":$i$" seen
		mq-gc orders
	done
	close_input
	ends "$producer" 0
	kill "$consumer"
	# It read each at once, before it went.
	assert_equal "$(wc -l <seen)" 40
	assert_equal "$(pairs orders | tr ' ' '\n' | tail -n 5 | paste -sd' ')" "35:key1=36 36:key2=37 37:key3=38 38:key4=39 39:key0=40"
	(($(mq-consume -f '%o\n' orders | wc -l) <= 8)) || fail "$(pairs orders)"
}

#!/usr/bin/env bats
# mq-topic, as a user types it.
load ../lib/mq
load ../lib/background

# refuses STATUS MESSAGE CMD...: CMD ends with STATUS and says one line on stderr that contains MESSAGE, nothing on stdout.
refuses() {
	local status_wanted=$1 message=$2

	shift 2
	run --separate-stderr "-$status_wanted" "$@"
	assert_output ""
	[[ $stderr == "${1##*/}: "*"$message"* ]] || fail "$* said: $stderr"
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

# as_nobody CMD...: as a user without rights; the programs are copied to where that user may run them.
as_nobody() {
	local bin=$BATS_TEST_TMPDIR/bin-of-nobody

	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	[[ -d $bin ]] || cp -r "$MQ_BIN" "$bin"
	PATH=$bin:$PATH setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# segment_count PARTITION: of the topic orders.
segment_count() { find "$MQ_DIR/topics/orders/$1" -name '*.log' | wc -l; }

# tree DIR: names and modes of all that is in it.
tree() { (cd "$1" && find . -printf '%p %m\n' | LC_ALL=C sort); }

#
# create
#

@test "create makes the store and the topic, and says nothing" {
	says "" mq-topic create orders
	assert_equal "$(cd "$MQ_DIR" && find . -maxdepth 2 | LC_ALL=C sort | paste -sd' ')" ". ./lock ./store ./topics ./topics/orders"
	says orders mq-topic list
}

@test "create makes a folder of Kafka's files for each partition" {
	mq-topic create orders -p 3
	run -0 ls "$MQ_DIR/topics/orders"
	assert_line orders-0
	assert_line orders-2
	refute_line orders-3
	[[ -f $MQ_DIR/topics/orders/orders-2/00000000000000000000.log ]]
	id=$(sed -n 's/^topic.id=//p' "$MQ_DIR/topics/orders/config")
	[[ $id =~ ^[A-Za-z0-9_][A-Za-z0-9_-]{20}[AQgw]$ ]]
	grep -qx "topic_id: $id" "$MQ_DIR/topics/orders/orders-2/partition.metadata"
}

@test "create of a topic that exists is 73 and changes nothing" {
	mq-topic create orders -p 2 -c segment.bytes=1M
	before=$(cat "$MQ_DIR/topics/orders/config")
	refuses 73 "orders: the topic exists already" mq-topic create orders -p 5
	assert_equal "$(cat "$MQ_DIR/topics/orders/config")" "$before"
}

@test "create --if-not-exists takes the topic that is there, as it is" {
	says "" mq-topic create --if-not-exists orders -p 2
	before=$(cat "$MQ_DIR/topics/orders/config")
	says "" mq-topic create orders -p 5 --if-not-exists
	assert_equal "$(cat "$MQ_DIR/topics/orders/config")" "$before"
}

@test "a topic's name is letters, digits, dot, underscore and dash, 249 at most" {
	long=$(printf 'n%.0s' {1..249})
	for name in a A.b_c-9 .hidden "$long"; do
		says "" mq-topic create "$name"
		says "" mq-topic alter "$name" -p 2
		says "" mq-topic delete -y "$name"
	done
	for name in "" . .. a/b "a b" ä %a "${long}n" $'a\nb' a:b; do
		refuses 2 "not a topic name" mq-topic create "$name"
		refuses 2 "not a topic name" mq-topic delete -y "$name"
	done
	refuses 2 "" mq-topic create -- -a
}

@test "partitions are 1 to 100000" {
	refuses 78 "partitions: 0: not from 1 to 100000" mq-topic create orders -p 0
	refuses 78 "partitions: 100001: not from 1 to 100000" mq-topic create orders -p 100001
	refuses 2 "-p: x" mq-topic create orders -p x
	refuses 2 "-p: -1" mq-topic create orders -p -1
	refuses 2 "-p: needs a value" mq-topic create orders -p
	[[ ! -e $MQ_DIR ]] || fail "a refused create made a store"
}

@test "replicas are not supported yet" {
	refuses 78 "replication.factor: 2: not supported yet" mq-topic create orders -r 2
	refuses 78 "replication.factor: 0" mq-topic create orders -r 0
	says "" mq-topic create orders -r 1
}

@test "what does nothing yet is refused, and nothing is made" {
	for setting in min.insync.replicas=1 \
		'retain.groups=*' max.compaction.lag.ms=1; do
		refuses 78 "${setting%%=*}: not supported yet" mq-topic create orders -c "$setting"
	done
	[[ ! -e $MQ_DIR ]] || fail "a refused create made a store"
}

@test "a setting that nobody knows is told the nearest one" {
	refuses 78 "segment.byte: no such setting; the nearest is segment.bytes" mq-topic create orders -c segment.byte=1M
	refuses 78 "partitions: not a setting: say -p" mq-topic create orders -c partitions=3
	refuses 2 "-c: fsync: not KEY=VALUE" mq-topic create orders -c fsync
	refuses 2 "-c: =1: not KEY=VALUE" mq-topic create orders -c =1
}

@test "a value out of its range names the key and the range" {
	refuses 78 "segment.bytes: 13: not from 14 to 2147483647" mq-topic create orders -c segment.bytes=13
	refuses 78 "segment.bytes: 2G: not from 14 to 2147483647" mq-topic create orders -c segment.bytes=2G
	refuses 78 "segment.ms: 0: not from 1 to" mq-topic create orders -c segment.ms=0
	refuses 78 "max.message.bytes: -1: not from 0 to" mq-topic create orders -c max.message.bytes=-1
	refuses 78 "message.timestamp.type: now: not CreateTime or LogAppendTime" mq-topic create orders -c message.timestamp.type=now
	refuses 78 "fsync: sometimes: not always, never or a duration" mq-topic create orders -c fsync=sometimes
}

@test "twenty that create one topic at once: one succeeds, nineteen are told 73" {
	local pids=()
	for _ in {1..20}; do
		(
			rc=0
			mq-topic create orders -p 4 2>/dev/null || rc=$?
			echo $rc >>"$BATS_TEST_TMPDIR/statuses"
		) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	assert_equal "$(sort "$BATS_TEST_TMPDIR/statuses" | uniq -c | xargs)" "1 0 19 73"
	run -0 mq-topic describe --tsv
	assert_equal "${#lines[@]}" 5
	assert_equal "$(ls "$MQ_DIR/topics")" orders
}

@test "twenty that create twenty topics in a new store all succeed" {
	local pids=()
	for i in {01..20}; do
		(
			rc=0
			mq-topic create "t$i" || rc=$?
			echo $rc >>"$BATS_TEST_TMPDIR/statuses"
		) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	assert_equal "$(sort "$BATS_TEST_TMPDIR/statuses" | uniq -c | xargs)" "20 0"
	assert_equal "$(mq-topic list | paste -sd' ')" "$(echo t{01..20})"
}

@test "create and delete that race leave the topic whole or not at all" {
	local pids=()
	mq-topic create other
	for i in 1 2; do
		for verb in "create orders -p 3" "delete -y orders"; do
			(
				for _ in {1..25}; do
					rc=0
					# shellcheck disable=SC2086
					mq-topic $verb 2>>"$BATS_TEST_TMPDIR/said" || rc=$?
					echo "${verb%% *} $rc" >>"$BATS_TEST_TMPDIR/statuses.$i.${verb%% *}"
				done
			) 3>&- &
			pids+=($!)
		done
	done
	wait "${pids[@]}" || true
	run -0 sort -u "$BATS_TEST_TMPDIR"/statuses.*
	assert_output "create 0
create 73
delete 0
delete 66"
	created=$(cat "$BATS_TEST_TMPDIR"/statuses.* | grep -c "create 0")
	deleted=$(cat "$BATS_TEST_TMPDIR"/statuses.* | grep -c "delete 0")
	if ((created > deleted)); then
		run -0 mq-topic describe --tsv orders
		assert_equal "${#lines[@]}" 4
	else
		refuses 66 orders mq-topic describe orders
	fi
	((created - deleted <= 1)) || fail "$created created, $deleted deleted"
}

@test "listings while topics come and go never fail" {
	mq-topic create stays
	(
		for _ in {1..40}; do
			mq-topic create comes -p 2
			mq-topic delete -y comes
		done
		touch "$BATS_TEST_TMPDIR/ready"
	) 3>&- &
	while [[ ! -e $BATS_TEST_TMPDIR/ready ]]; do
		run -0 --separate-stderr mq-topic describe --tsv
		assert_line --partial stays
		[[ -z $stderr ]] || fail "$stderr"
		run -0 mq-topic list -l
	done
	wait $!
}

#
# list
#

@test "list prints bare names in order, for a shell's loop" {
	mq-topic create zebra
	mq-topic create Ant
	mq-topic create ape
	says "Ant
ape
zebra" mq-topic list
}

@test "list of an empty store prints nothing, and a header where there is one" {
	mq-topic create orders
	mq-topic delete -y orders
	says "" mq-topic list
	says "" mq-topic list --json
	says "TOPIC" mq-topic list --tsv
	says "TOPIC  PARTITIONS  REPLICAS  BYTES" mq-topic list -l
	says "" mq-topic list -l --json
	says "" mq-topic describe --json
}

@test "list as JSON and TSV" {
	mq-topic create b
	mq-topic create a -p 2
	says '{"topic":"a"}
{"topic":"b"}' mq-topic list --json
	says "TOPIC
a
b" mq-topic list --tsv
}

@test "list -l has partitions, replicas and bytes in all three forms" {
	mq-topic create orders -p 12
	mq-topic create a
	says "TOPIC   PARTITIONS  REPLICAS  BYTES
a                1         1      0
orders          12         1      0" mq-topic list -l
	says $'TOPIC\tPARTITIONS\tREPLICAS\tBYTES\na\t1\t1\t0\norders\t12\t1\t0' mq-topic list -l --tsv
	mq-topic list -l --json >out
	assert_equal "$(jq -c . out)" '{"topic":"a","partitions":1,"replicas":1,"bytes":0}
{"topic":"orders","partitions":12,"replicas":1,"bytes":0}'
}

@test "what is being made or removed is not listed" {
	mq-topic create orders
	mkdir "$MQ_DIR/topics/%half"
	touch "$MQ_DIR/topics/stray"
	says orders mq-topic list
	run -0 mq-topic describe --tsv
	assert_equal "${#lines[@]}" 2
}

#
# describe
#

@test "describe has a line for each partition, empty columns without a cluster" {
	mq-topic create orders -p 2
	says "TOPIC   PARTITION  LEADER  EPOCH  REPLICAS  ISR  START  END  HW  SEGMENTS  BYTES
orders          0  -           0  -         -        0    0   0         1      0
orders          1  -           0  -         -        0    0   0         1      0" mq-topic describe orders
	says $'TOPIC\tPARTITION\tLEADER\tEPOCH\tREPLICAS\tISR\tSTART\tEND\tHW\tSEGMENTS\tBYTES
orders\t0\t-\t0\t-\t-\t0\t0\t0\t1\t0
orders\t1\t-\t0\t-\t-\t0\t0\t0\t1\t0' mq-topic describe --tsv orders
	mq-topic describe --json orders >out
	assert_equal "$(jq -c 'select(.partition == 1)' out)" \
		'{"topic":"orders","partition":1,"leader":null,"epoch":0,"replicas":null,"isr":null,"start":0,"end":0,"hw":0,"segments":1,"bytes":0}'
}

@test "describe shows all topics, or those that are named, in that order" {
	mq-topic create a
	mq-topic create b -p 2
	mq-topic create c
	assert_equal "$(mq-topic describe --json | jq -r .topic | paste -sd' ')" "a b b c"
	assert_equal "$(mq-topic describe c a --json | jq -r .topic | paste -sd' ')" "c a"
}

@test "describe of a missing topic is 66, and shows the others all the same" {
	mq-topic create orders
	run --separate-stderr -66 mq-topic describe --tsv nowhere orders
	assert_line --partial $'orders\t0'
	[[ $stderr == "mq-topic: "*nowhere* ]]
	refuses 66 nowhere mq-topic describe nowhere --json
}

@test "describe counts records, segments and bytes" {
	mq-topic create orders -p 2 -c segment.bytes=100
	for i in 1 2 3; do echo "record $i" | mq-produce -p 1 orders; done
	mq-topic describe --json orders >out
	assert_equal "$(jq -c 'select(.partition == 0) | [.start, .end, .hw, .segments, .bytes]' out)" "[0,0,0,1,0]"
	bytes=$(cat "$MQ_DIR"/topics/orders/orders-1/*.log | wc -c)
	segments=$(segment_count orders-1)
	((segments == 3))
	assert_equal "$(jq -c 'select(.partition == 1) | [.start, .end, .hw, .segments, .bytes]' out)" "[0,3,3,$segments,$bytes]"
	assert_equal "$(mq-topic list -l --json | jq .bytes)" "$bytes"
}

@test "describe -c shows every setting as a number or a word, and where it comes from" {
	mq-topic create orders -c segment.bytes=1M -c segment.ms=2h -c fsync=1500ms -c message.timestamp.type=LogAppendTime
	says "TOPIC   KEY                        VALUE          SOURCE
orders  cleanup.policy             delete         DEFAULT_CONFIG
orders  compression.type           producer       DEFAULT_CONFIG
orders  delete.retention.ms        86400000       DEFAULT_CONFIG
orders  fsync                      1500ms         DYNAMIC_TOPIC_CONFIG
orders  group                      -              DEFAULT_CONFIG
orders  index.interval.bytes       4096           DEFAULT_CONFIG
orders  max.bytes                  -1             DEFAULT_CONFIG
orders  max.message.bytes          1048588        DEFAULT_CONFIG
orders  message.timestamp.type     LogAppendTime  DYNAMIC_TOPIC_CONFIG
orders  min.cleanable.dirty.ratio  0.5            DEFAULT_CONFIG
orders  min.compaction.lag.ms      0              DEFAULT_CONFIG
orders  mode                       0600           DEFAULT_CONFIG
orders  retention.bytes            -1             DEFAULT_CONFIG
orders  retention.ms               -1             DEFAULT_CONFIG
orders  segment.bytes              1048576        DYNAMIC_TOPIC_CONFIG
orders  segment.ms                 7200000        DYNAMIC_TOPIC_CONFIG" mq-topic describe -c orders
	mq-topic describe orders -c --json >out
	assert_equal "$(jq -c 'select(.key | test("segment|fsync")) | [.topic, .key, .value]' out)" '["orders","fsync","1500ms"]
["orders","segment.bytes",1048576]
["orders","segment.ms",7200000]'
	run -0 mq-topic describe -c --tsv
	assert_line $'orders\tindex.interval.bytes\t4096\tDEFAULT_CONFIG'
}

@test "mode and group say who may produce and who may consume" {
	need_root
	as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
	chmod 755 "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "${BATS_TEST_TMPDIR%/*/*}"
	umask 077
	mkdir -m 755 "$MQ_DIR"
	mq-topic create orders -c segment.bytes=100
	chmod 755 "$MQ_DIR" "$MQ_DIR/topics"
	seq 3 | mq-produce orders
	run -77 as_nobody mq-consume -d "$MQ_DIR" orders
	mq-topic alter orders -c mode=0640 -c group=nogroup
	seq 4 6 | mq-produce orders
	seq 7 9 | mq-produce orders
	assert_equal "$(as_nobody mq-consume -d "$MQ_DIR" orders | tr '\n' ' ')" "1 2 3 4 5 6 7 8 9 "
	run -77 as_nobody mq-produce -d "$MQ_DIR" orders <<<x
	mq-topic alter orders -c mode=0660
	seq 10 12 | as_nobody mq-produce -d "$MQ_DIR" orders
	seq 13 15 | as_nobody mq-produce -d "$MQ_DIR" orders
	seq 16 18 | mq-produce orders
	assert_equal "$(mq-consume orders | tr '\n' ' ')" "$(seq 18 | tr '\n' ' ')"
	# Not even a read lock is to be had by who may only consume.
	mq-topic alter orders -c mode=0640
	assert_equal "$(stat -c %a "$MQ_DIR/topics/orders/lock")" 600
	mq-topic alter orders --unset mode --unset group
	run -77 as_nobody mq-consume -d "$MQ_DIR" orders
}

@test "a group that is not there is refused, and nothing is made" {
	refuses 78 "group: there is no group nobody-has-this" mq-topic create orders -c group=nobody-has-this
	refuses 78 "mode: 0700: not an octal mode" mq-topic create orders -c mode=0700
	[[ ! -e $MQ_DIR/topics/orders ]] || fail "a refused create made a topic"
}

@test "ten thousand partitions are listed with few descriptors, and soon" {
	mq-topic create wide -p 10000
	ulimit -n 64
	run -0 timeout 20 mq-topic describe --tsv wide
	assert_equal "${#lines[@]}" 10001
	run -0 timeout 20 mq-topic offsets wide --time earliest --tsv
	assert_equal "${#lines[@]}" 10001
}

#
# offsets
#

@test "offsets are the ends, the starts, or those of a time" {
	mq-topic create orders -p 2
	printf '%s\n' a b | mq-produce -p 0 -t 2026-01-01 orders
	printf '%s\n' c | mq-produce -p 0 -t 2026-01-03 orders
	printf '%s\n' d | mq-produce -p 1 -t 2026-01-02 orders
	says "TOPIC   PARTITION  OFFSET
orders          0       3
orders          1       1" mq-topic offsets orders
	says $'TOPIC\tPARTITION\tOFFSET\norders\t0\t0\norders\t1\t0' mq-topic offsets orders --time earliest --tsv
	offsets() { mq-topic offsets orders --json "$@" | jq .offset | paste -sd' '; }
	assert_equal "$(offsets --time latest)" "3 1"
	assert_equal "$(offsets --time 2025-12-31)" "0 0"
	assert_equal "$(offsets --time 2026-01-01T00:00:00Z)" "0 0"
	assert_equal "$(offsets --time 2026-01-01T00:00:00.001Z)" "2 0"
	assert_equal "$(offsets --time 1767398400000)" "2 1"
	assert_equal "$(offsets --time 2026-01-04)" "3 1"
	assert_equal "$(offsets -p 1 --time 2026-01-02)" "0"
}

@test "offsets of what is not there are 66, of what is no time 2" {
	mq-topic create orders -p 2
	refuses 66 "orders: no partition 2: it has 2" mq-topic offsets orders -p 2
	refuses 66 nowhere mq-topic offsets nowhere
	refuses 2 "--time" mq-topic offsets orders --time soon
	refuses 2 "NAME expected" mq-topic offsets
}

#
# alter
#

@test "partitions only grow" {
	mq-topic create orders -p 2
	says "" mq-topic alter orders -p 5
	assert_equal "$(mq-topic describe --json orders | wc -l)" 5
	says "" mq-topic alter orders -p 5
	refuses 78 "orders: has 5 partitions, and they only grow" mq-topic alter orders -p 4
	refuses 78 "partitions: 100001: not from 1 to 100000" mq-topic alter orders -p 100001
	assert_equal "$(mq-topic describe --json orders | wc -l)" 5
	refuses 66 nowhere mq-topic alter nowhere -p 2
}

@test "a reader that waits sees a partition that was added" {
	mq-topic create orders
	local pid
	background mq-consume -F -c 2 orders >out
	echo old | mq-produce orders
	wait_for 5 grep -q old out
	mq-topic alter orders -p 2
	echo new | mq-produce -p 1 orders
	ends "$pid" 0
	assert_equal "$(paste -sd' ' out)" "old new"
}

@test "settings are changed and set back, all of them or none" {
	mq-topic create orders -c fsync=1s -c segment.bytes=1M
	says "" mq-topic alter orders -c segment.bytes=2M -c segment.ms=1d --unset fsync
	given() { mq-topic describe -c --tsv orders | awk '$4 == "DYNAMIC_TOPIC_CONFIG" { print $2 "=" $3 }' | paste -sd' '; }
	assert_equal "$(given)" "segment.bytes=2097152 segment.ms=86400000"
	before=$(cat "$MQ_DIR/topics/orders/config")
	refuses 78 "segment.ms: 0" mq-topic alter orders -p 3 -c fsync=never -c segment.ms=0
	refuses 78 "flush.ms: not supported yet" mq-topic alter orders -c fsync=never --unset flush.ms
	refuses 78 "no such setting" mq-topic alter orders --unset segment.mb
	refuses 2 "-c" mq-topic alter orders -c
	refuses 2 "--unset: fsync=1s: only the KEY" mq-topic alter orders --unset fsync=1s
	refuses 2 "alter: say what" mq-topic alter orders
	assert_equal "$(cat "$MQ_DIR/topics/orders/config")" "$before"
	assert_equal "$(mq-topic describe --json orders | wc -l)" 1
	says "" mq-topic alter orders --unset segment.bytes --unset segment.ms --unset fsync
	assert_equal "$(given)" ""
}

@test "alterations at the same time are all there afterwards" {
	local pids=()
	mq-topic create orders
	for change in "-c segment.bytes=1M" "-c segment.ms=1h" "-c fsync=5s" "-c index.interval.bytes=1K" "-p 3"; do
		# shellcheck disable=SC2086
		mq-topic alter orders $change 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	assert_equal "$(mq-topic describe -c --tsv orders | grep -c DYNAMIC)" 4
	assert_equal "$(mq-topic describe --json orders | wc -l)" 3
}

@test "a config file with a typo is refused with its line, never guessed" {
	mq-topic create orders
	echo "segmnt.bytes=5" >>"$MQ_DIR/topics/orders/config"
	refuses 78 "line 5: segmnt.bytes: no such setting; the nearest is segment.bytes" mq-topic describe orders
	refuses 78 "config: line 5" mq-topic alter orders -p 2
	says orders mq-topic list
	says "" mq-topic delete -y orders
}

#
# trim
#

@test "trim asks, and without a terminal or -y it refuses" {
	mq-topic create orders
	printf '%s\n' a b c | mq-produce orders
	refuses 2 "-y" mq-topic trim orders --before 2
	says "TOPIC   PARTITION  START  NEW-START  END
orders          0      0          2    3" mq-topic trim orders --before 2 -n
	says '{"topic":"orders","partition":0,"start":0,"new_start":2,"end":3}' mq-topic trim orders --before 2 -n --json
	says "a
b
c" mq-consume orders
	says "" mq-topic trim orders --before 2 -y
	says "c" mq-consume orders
	assert_equal "$(mq-topic offsets orders --time earliest --json | jq .offset)" 2
	says "" mq-topic trim orders --before 1 -y
	assert_equal "$(mq-topic offsets orders --time earliest --json | jq .offset)" 2
}

@test "trim up to the end leaves an empty log that goes on at its offset" {
	mq-topic create orders
	printf '%s\n' a b c | mq-produce orders
	says "" mq-topic trim orders --before 3 -y
	says "" mq-consume orders
	echo d | mq-produce orders
	says d mq-consume orders
	assert_equal "$(mq-topic describe orders --json | jq -c '[.start, .end]')" "[3,4]"
}

@test "trim by time, in all partitions or in one" {
	mq-topic create orders -p 2
	for p in 0 1; do
		echo old | mq-produce -p $p -t 2026-01-01 orders
		echo new | mq-produce -p $p -t 2026-01-03 orders
	done
	starts() { mq-topic offsets orders --time earliest --json | jq .offset | paste -sd' '; }
	says "" mq-topic trim orders -p 1 --before @2026-01-02 -y
	assert_equal "$(starts)" "0 1"
	says "" mq-topic trim orders --before @2026-01-02 -y
	assert_equal "$(starts)" "1 1"
	assert_equal "$(mq-consume orders | sort -u)" new
}

@test "trim removes segments that lie before it" {
	mq-topic create orders -c segment.bytes=100
	for i in 1 2 3 4; do echo "record $i" | mq-produce orders; done
	assert_equal "$(segment_count orders-0)" 4
	says "" mq-topic trim orders --before 3 -y
	assert_equal "$(segment_count orders-0)" 1
	says "record 4" mq-consume orders
}

@test "trim behind the end of any partition trims none" {
	mq-topic create orders -p 2
	printf '%s\n' a b | mq-produce -p 0 orders
	refuses 2 "orders/1: ends at offset 0" mq-topic trim orders --before 1 -y
	assert_equal "$(mq-topic offsets orders --time earliest --json | jq .offset | paste -sd' ')" "0 0"
	refuses 66 "no partition 7" mq-topic trim orders -p 7 --before 0 -y
	refuses 66 nowhere mq-topic trim nowhere --before 0 -y
	refuses 2 "trim: --before" mq-topic trim orders -y
	refuses 2 "--before" mq-topic trim orders --before -1 -y
	refuses 2 "--before" mq-topic trim orders --before @soon -y
	refuses 2 "trim: --json and --tsv go with -n" mq-topic trim orders --before 0 -y --json
}

#
# delete
#

@test "delete asks, and without a terminal or -y it refuses" {
	mq-topic create orders -p 2
	refuses 2 "-y" mq-topic delete orders
	says "TOPIC   PARTITIONS  REPLICAS  BYTES
orders           2         1      0" mq-topic delete -n orders
	says $'TOPIC\tPARTITIONS\tREPLICAS\tBYTES\norders\t2\t1\t0' mq-topic delete -n orders --tsv
	says orders mq-topic list
	says "" mq-topic delete orders -y
	says "" mq-topic list
	assert_equal "$(ls -A "$MQ_DIR/topics")" ""
}

@test "at a terminal delete and trim take y for an answer and nothing else" {
	need script command -v script
	mq-topic create orders
	echo a | mq-produce orders
	answer() { script -qec "mq-topic $2" /dev/null <<<"$1"; }
	run -1 answer n "delete orders"
	assert_output --partial "Delete topic orders with all its records for ever? [y/N]"
	assert_output --partial "nothing was done"
	run -1 answer "" "trim orders --before 1"
	assert_output --partial "Delete the first 1 offsets of orders (1 partitions) for ever? [y/N]"
	says a mq-consume orders
	run -0 answer y "trim orders --before 1"
	says "" mq-consume orders
	run -0 answer y "delete orders"
	says "" mq-topic list
}

@test "delete of a missing topic is 66, unless --if-exists" {
	mq-topic create orders
	refuses 66 nowhere mq-topic delete -y nowhere
	refuses 66 nowhere mq-topic delete -n nowhere
	says "" mq-topic delete -y nowhere --if-exists
	says "" mq-topic delete -y orders --if-exists
	says "" mq-topic list
}

@test "a topic made anew under an old name is another topic" {
	mq-topic create orders -p 3
	echo a | mq-produce orders
	old=$(grep topic.id "$MQ_DIR/topics/orders/config")
	mq-topic delete -y orders
	mq-topic create orders
	[[ $(grep topic.id "$MQ_DIR/topics/orders/config") != "$old" ]]
	says "" mq-consume orders
	assert_equal "$(mq-topic describe --json | wc -l)" 1
}

@test "a topic that lost a file is damaged, not missing, and does not hide" {
	mq-topic create a
	for file in heads config; do
		mq-topic create "no-$file"
		rm "$MQ_DIR/topics/no-$file/$file"
		refuses 74 "no-$file" mq-topic describe "no-$file"
	done
	run --separate-stderr -74 mq-topic describe --tsv
	assert_equal "${#lines[@]}" 2
	assert_equal "$(wc -l <<<"$stderr")" 2
}

@test "a topic that is damaged beyond opening can be deleted" {
	mq-topic create orders
	: >"$MQ_DIR/topics/orders/heads"
	: >"$MQ_DIR/topics/orders/config"
	run mq-topic describe orders
	[[ $status == 7[48] ]]
	says "" mq-topic delete -y orders
	says "" mq-topic create orders
}

#
# The command line.
#

@test "options and verb in any order" {
	says "" mq-topic -p 2 create -c fsync=never orders
	says "" mq-topic -c segment.ms=1h alter orders
	run -0 mq-topic --tsv -c describe orders
	assert_line $'orders\tsegment.ms\t3600000\tDYNAMIC_TOPIC_CONFIG'
	run -0 mq-topic --json describe orders
	says "" mq-topic -y delete orders
}

@test "a mistake is told in one line and is 2" {
	mq-topic create orders
	refuses 2 "a verb is missing" mq-topic
	refuses 2 "make: no such verb: create, list" mq-topic make orders
	refuses 2 "NAME expected" mq-topic create
	refuses 2 "NAME expected" mq-topic delete
	refuses 2 "one operand too many" mq-topic create a b
	refuses 2 "one operand too many" mq-topic list orders
	refuses 2 "--before: not an option of list" mq-topic list --before 5
	refuses 2 "--partitions: not an option of delete" mq-topic delete -p 1 orders
	refuses 2 "--long: not an option of describe" mq-topic describe -l
	refuses 2 "either --json or --tsv" mq-topic list --json --tsv
	refuses 2 "--frobnicate" mq-topic list --frobnicate
	refuses 2 "no command" mq-topic list -- ls
}

@test "fingers that know Kafka's tools are told the way" {
	refuses 2 "the topic is an operand" mq-topic create --topic orders
	refuses 2 "there is no broker" mq-topic --bootstrap-server localhost:9092 list
	refuses 2 "a verb: mq-topic create NAME" mq-topic --create orders
	refuses 2 "mq-topic alter NAME -c KEY=VALUE" mq-topic alter orders --add-config fsync=never
	refuses 2 "mq-topic alter NAME --unset KEY" mq-topic alter orders --delete-config fsync
}

@test "help shows examples first, version one line" {
	run -0 --separate-stderr mq-topic -h
	assert_line --index 0 --partial "mq-topic create orders"
	run -0 mq-topic create --help
	assert_line --index 0 --partial "mq-topic create orders"
	run -0 mq-topic --version
	assert_output --regexp '^mq-topic [0-9.]+$'
}

@test "a full stdout is 74, a closed pipe 141, in every form" {
	mq-topic create wide -p 3000
	for form in "" --json --tsv; do
		# shellcheck disable=SC2086
		run -74 bash -c "mq-topic describe $form >/dev/full"
		assert_output --partial "No space left"
		# shellcheck disable=SC2016
		run -0 bash -c "mq-topic describe $form | true; test \${PIPESTATUS[0]} = 141 -o \${PIPESTATUS[0]} = 0"
	done
	run -74 bash -c "mq-topic list >/dev/full"
	run -74 bash -c "mq-topic list >&-"
	run bash -c 'mq-topic describe --tsv | head -n 1; exit ${PIPESTATUS[0]}'
	assert_output --partial PARTITION
	assert_equal "$status" 141
}

#
# The store.
#

@test "every other verb says how to make a store that is missing" {
	for verb in list "list -l" describe "describe orders" "offsets orders" "alter orders -p 2" "trim orders --before 1 -y" "delete -y orders" \
		"delete -y --if-exists orders"; do
		# shellcheck disable=SC2086
		refuses 66 "no store here; \`mq-topic create TOPIC\` makes one" mq-topic $verb
	done
	[[ ! -e $MQ_DIR ]]
}

@test "-d comes before MQ_DIR" {
	mq-topic create in-variable
	says "" mq-topic -d other create in-option
	says in-option mq-topic list -d other
	says in-option mq-topic list --dir=other
	says in-variable mq-topic list
	refuses 2 "-d" mq-topic list -d ""
}

@test "a store's path may hold anything" {
	for dir in "with space" $'new\nline' "deep/er/and/deeper" "./a:b" "ünïcödé" "-dash" $'tab\tand\\backslash' "trailing/"; do
		says "" env MQ_DIR="$dir" mq-topic create orders -p 2
		says orders mq-topic list -d "$dir"
		says "" mq-topic alter orders -p 3 -d "$dir"
		refuses 73 "orders" mq-topic create orders -d "$dir"
		says "" mq-topic delete -y orders -d "$dir"
	done
}

@test "a message about a path with newlines is one line" {
	refuses 66 "no store" mq-topic -d $'new\nline' list
}

@test "a store may be reached through a link" {
	mq-topic -d real create orders
	ln -s real link
	says orders mq-topic -d link list
	says "" mq-topic -d link create more
	says "more
orders" mq-topic -d real list
}

@test "stores on other hosts are not supported yet" {
	refuses 78 "a store on another host is not supported yet" mq-topic -d host:dir create orders
	refuses 78 "kafka://" mq-topic -d kafka://localhost:9092 list
	MQ_DIR=host:/var/lib/mq refuses 78 "another host" mq-topic list
}

@test "without -d and MQ_DIR it is the user's state folder" {
	need_root
	mkdir home
	chmod 777 home
	unset MQ_DIR XDG_STATE_HOME
	HOME=$PWD/home as_nobody mq-topic create orders
	[[ -f home/.local/state/mq/store ]]
	HOME=$PWD/home XDG_STATE_HOME=$PWD/home/xdg as_nobody mq-topic create orders
	[[ -f home/xdg/mq/store ]]
}

@test "a folder that holds something else is refused, not filled" {
	mkdir full
	echo letter >full/letter
	refuses 73 "full: not empty, and no store: there is letter in it" mq-topic -d full create orders
	assert_equal "$(ls full)" letter
	refuses 73 "full/letter" mq-topic -d full/letter create orders
	refuses 73 "" mq-topic -d full/letter/below create orders
	refuses 73 "not empty" mq-topic -d full create orders --if-not-exists
	mkdir empty
	says "" mq-topic -d empty create orders
}

@test "a store of another format is refused" {
	mq-topic create orders
	sed -i 's/^format=1$/format=2/' "$MQ_DIR/store"
	refuses 78 "format 2: another version of mq made this" mq-topic list
	refuses 78 "format 2" mq-topic create more
}

@test "a file system whose locks lie is refused" {
	need_root
	need mounts unshare -m true
	mkdir m
	run -78 unshare -m bash -c 'mount -t ramfs none m && mq-topic -d m/s create orders'
	assert_output --partial "a store must be on a local file system"
}

@test "a copied store is a store" {
	mq-topic create orders -p 2
	echo a | mq-produce -p 1 orders
	cp -a "$MQ_DIR" copy
	says orders mq-topic -d copy list
	assert_equal "$(mq-topic -d copy offsets orders --json | jq .offset | paste -sd' ')" "0 1"
	says a mq-consume -d copy orders
}

#
# Who may what.
#

@test "modes do not depend on the umask, but for the store's own folder" {
	for mask in 000 022 077 027; do
		(
			umask $mask
			mq-topic -d "store.$mask" create orders -p 2
			mq-topic -d "store.$mask" alter orders -p 3 -c fsync=1s
			echo a | mq-produce -d "store.$mask" -p 2 orders
		)
		tree "store.$mask/topics/orders" >"tree.$mask"
		diff tree.000 "tree.$mask"
	done
	assert_equal "$(stat -c %a store.000 store.022 store.077 store.027 | paste -sd' ')" "777 755 700 750"
	assert_equal "$(stat -c %a store.000/topics store.022/topics store.077/topics | paste -sd' ')" "777 755 700"
	assert_equal "$(stat -c %a store.000/lock store.022/lock | paste -sd' ')" "622 600"
	grep -qx "./orders-2/00000000000000000000.log 600" tree.000
	grep -qx "./heads 600" tree.000
	run -1 grep -v ' [267]00$' tree.000
}

@test "another user sees names, and nothing in a topic that is not his" {
	need_root
	umask 022
	mq-topic create orders
	run -0 as_nobody mq-topic list
	assert_output orders
	for verb in "describe orders" "list -l" "offsets orders" "alter orders -p 2" "trim orders --before 0 -y" "delete -y orders" "create more"; do
		# shellcheck disable=SC2086
		run -77 as_nobody mq-topic $verb
		assert_output --regexp '^mq-topic: .*ermission'
		refute_output --regexp $'\n.*\n'
	done
	says orders mq-topic list
	assert_equal "$(mq-topic describe --json | wc -l)" 1
}

@test "describe of all shows what one may see, and ends with 77" {
	need_root
	umask 022
	mq-topic create a
	mq-topic create b
	mq-topic create c
	chown -R 65534 "$MQ_DIR/topics/b"
	run --separate-stderr -77 as_nobody mq-topic describe --tsv
	assert_equal "${#lines[@]}" 2
	assert_line --index 1 --partial b
	assert_equal "$(wc -l <<<"$stderr")" 2
}

@test "a group that shares a store: each makes topics, none removes another's" {
	need_root
	install -d -g 65534 -m 2775 "$MQ_DIR"
	umask 077
	says "" mq-topic create of-root
	run -0 as_nobody mq-topic create of-nobody
	assert_equal "$(mq-topic list | paste -sd' ')" "of-nobody of-root"
	run -77 as_nobody mq-topic delete -y of-root
	assert_equal "$(mq-topic list | paste -sd' ')" "of-nobody of-root"
	assert_equal "$(mq-topic describe --json of-root | wc -l)" 1
	run -0 as_nobody mq-topic delete -y of-nobody
	says of-root mq-topic list
}

@test "what one user's killed create left does not stop another" {
	need_root
	install -d -g 65534 -m 2775 "$MQ_DIR"
	mq-topic create first
	MQ_FAULT=topic.create.made run -137 mq-topic create orders
	says first mq-topic list
	run -0 as_nobody mq-topic create orders
	assert_equal "$(mq-topic list | paste -sd' ')" "first orders"
}

#
# Death.
#

@test "create that is killed between any two steps leaves nothing half, and works the next time" {
	for point in topic.create.made layout.partition:2; do
		MQ_FAULT=$point run -137 mq-topic create orders -p 3
		says "" mq-topic list
		refuses 66 orders mq-topic describe orders
		says "" mq-topic create orders -p 2
		assert_equal "$(mq-topic describe --json orders | wc -l)" 2
		assert_equal "$(ls -A "$MQ_DIR/topics")" orders
		mq-topic delete -y orders
	done
}

@test "create that is killed at any system call leaves the topic whole or not at all" {
	for ((k = 1; k < 500; k++)); do
		rm -rf "$MQ_DIR"
		shimmed "kill:$k" mq-topic create orders -p 2 2>/dev/null && break
		run mq-topic list
		if [[ $status != 66 && $output == orders ]]; then
			assert_equal "$(mq-topic describe --json orders | wc -l)" 2
			continue
		fi
		[[ -z $output || $status == 66 ]] || fail "call $k: list ended with $status: $output"
		mq-topic create orders -p 2 || fail "call $k: a later create failed"
		assert_equal "$(mq-topic describe --json orders | wc -l)" 2
		assert_equal "$(ls -A "$MQ_DIR/topics")" orders
	done
	((k > 10)) || fail "only $k calls"
}

@test "delete that is killed at any system call has deleted or not, and works the next time" {
	mq-topic create other
	for ((k = 1; k < 500; k++)); do
		mq-topic create orders -p 2 --if-not-exists
		shimmed "kill:$k" mq-topic delete -y orders 2>/dev/null && break
		run -0 --separate-stderr mq-topic describe --json
		[[ ${#lines[@]} == [13] && -z $stderr ]] || fail "call $k: $output $stderr"
		run mq-topic delete -y --if-exists orders
		[[ $status == 0 ]] || fail "call $k: $output"
		says other mq-topic list
	done
	((k > 3)) || fail "only $k calls"
	mq-topic create last
	assert_equal "$(find "$MQ_DIR/topics" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd' ')" "last other"
}

@test "alter that is killed at any system call has grown the topic or not" {
	for ((k = 1; k < 500; k++)); do
		mq-topic create orders
		before=1
		shimmed "kill:$k" mq-topic alter orders -p 3 -c fsync=never 2>/dev/null && break
		count=$(mq-topic describe --json orders | wc -l)
		[[ $count == "$before" || $count == 3 ]] || fail "call $k: $count partitions"
		mq-topic alter orders -p 3 -c fsync=never || fail "call $k: a later alter failed"
		assert_equal "$(mq-topic describe --json orders | wc -l)" 3
		for p in 0 1 2; do grep -q topic_id "$MQ_DIR/topics/orders/orders-$p/partition.metadata" || fail "call $k: partition $p"; done
		mq-topic delete -y orders
	done
	((k > 5)) || fail "only $k calls"
}

@test "a disk that is full, or fails, at any call: told, and nothing half" {
	mq-topic create other
	for error in enospc eio; do
		for ((k = 1; k < 500; k++)); do
			run shimmed "$error:$k" mq-topic create orders -p 2
			(($(shim_count) >= k)) || break
			case $status in
			0) ;;
			74) assert_output --regexp "^mq-topic: .*(Input/output error|sync: No space left on device)" ;;
			75) assert_output --regexp "^mq-topic: .*No space left on device" ;;
			*) fail "$error at call $k: status $status: $output" ;;
			esac
			[[ $(mq-topic list | paste -sd' ') == other || $(mq-topic describe --json orders | wc -l) == 2 ]] || fail "$error at call $k"
			mq-topic delete -y --if-exists orders
		done
		((k > 5)) || fail "only $k calls"
		mq-topic delete -y --if-exists orders
	done
}

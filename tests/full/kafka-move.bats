#!/usr/bin/env bats
# Folders between a store of ours and a real broker: mq-topic import takes what its producers wrote, it serves what mq-topic export wrote.
# shellcheck disable=SC2154 # bats sets output

load ../lib/mq
load ../lib/kafka

setup() {
	mq_setup
	need_broker
	start_broker
	data=$BROKER_DIR/data
}
teardown_file() { kill_broker; }

# What both read, in one shape: see Reader.java.  kafka_reads ISOLATION TOPIC; ours_reads TOPIC [OPTION...].
kafka_reads() { k Reader "$BROKER" "$@" | awk 'NF > 4' | sort -k 2,2n -k 3,3n; }
we_read() {
	mq-consume -f '%t %p %o %T %K %k{hex} %V %v{hex} %H%h{ %K %k{hex} %V %v{hex}}\n' "$@" | sort -k 2,2n -k 3,3n
}

# same KAFKA-TOPIC OUR-TOPIC ISOLATION [OPTION...]: both read the same records, whatever the names are.
same() {
	local theirs=$1 ours=$2 isolation=$3

	shift 3
	diff <(kafka_reads "$isolation" "$theirs" | cut -d ' ' -f 2-) <(we_read "$@" "$ours" | cut -d ' ' -f 2-)
}

# topics TOPIC...: makes them at the broker, see Topics.java; id_of TOPIC: the id that it gave.
topics() { k Topics "$BROKER" "$@" >>"$BATS_FILE_TMPDIR/ids"; }
id_of() { awk -v topic="$1" '$1 == topic { print $2 }' "$BATS_FILE_TMPDIR/ids"; }

# fill TOPIC: three partitions, several segments, every codec.
fill() {
	local codec time=1700000000000

	mq-topic create "$1" -p 3 -c segment.bytes=100K -c index.interval.bytes=1K
	for codec in none gzip snappy lz4 zstd; do
		((time += 1000))
		seq 3000 | sed "s/.*/key &:$codec value & that is long enough for several segments/" |
			mq-produce -K : -t $time -z $codec -H a=1 -H b= "$1"
	done
	head -c 70000 /dev/urandom | mq-produce --whole -t $((time + 1000)) -k bytes "$1"
	mq-produce -Z -t $((time + 2000)) -k tombstone "$1" <<<''
	mq-produce -J "$1" <<<'{"key":null,"value":"x","timestamp":0,"headers":[{"name":"n","value":null},{"name":"","value":""}]}'
	# The last batch has no entry in an index.
	for p in 0 1 2; do for i in 3 4; do mq-produce -p $p -t $((time + i * 1000)) "$1" <<<last; done; done
}
RECORDS=15009

@test "import: what a live broker's producers wrote a minute ago, in each codec" {
	# A broker that has just started: its checkpoints are still empty.
	topics kinds:6 late:1:message.timestamp.type=LogAppendTime
	# Partition 5 stays empty.
	k Writer "$BROKER" kinds:kinds:{0:none,1:gzip,2:snappy,3:lz4,4:zstd} kinds:kinds:0:zstd kinds:late:0:lz4
	cksum "$data"/{kinds,late}-*/* >before
	mq-topic import kinds "$data"/kinds-*
	mq-topic import late "$data"/late-0
	cksum "$data"/{kinds,late}-*/* | diff before -
	same kinds kinds read_committed
	same late late read_committed
	assert_equal "$(we_read kinds | wc -l)" $((6 * 57))
	# It goes on as a topic of ours.
	seq 3 | mq-produce -p 0 kinds
	assert_equal "$(mq-consume -p 0 -o -3 kinds)" "$(seq 3)"
}

# served TOPIC: the broker serves what we read, from the start, from the middle and by time; its console consumer prints the same bytes.
served() {
	local topic=$1 count time offset

	diff <(kafka_reads read_committed "$topic") <(we_read "$topic")
	count=$(mq-consume -p 0 -f . "$topic" | wc -c)
	cmp <(mq-consume -p 0 --null null -f 'CreateTime:%T\tPartition:%p\tOffset:%o\t%k\t%v\n' "$topic") \
		<(k org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$BROKER" --topic "$topic" --partition 0 --offset earliest \
			--max-messages "$count" --property print.timestamp=true --property print.partition=true --property print.offset=true \
			--property print.key=true)
	# A wrong entry of an index would be believed.
	for offset in $(seq 1 $((count / 12)) $((count - 2))) $((count - 1)); do
		assert_equal "$(kcat -C -e -q -b "$BROKER" -t "$topic" -p 0 -o "$offset" -c 1 -f '%o %s')" "$(mq-consume -p 0 -o "$offset" -c 1 -f '%o %s' "$topic")"
		time=$(mq-consume -p 0 -o "$offset" -c 1 -f %T "$topic")
		assert_equal "$(kcat -Q -b "$BROKER" -t "$topic:0:$time")" "$topic [0] offset $(mq-consume -p 0 -o "@$time" -c 1 -f %o "$topic")"
	done
}

@test "a broker serves our folders as they lie, and writes into them" {
	topics raw:3
	fill raw
	stop_broker
	for p in 0 1 2; do
		find "$data/raw-$p" -type f ! -name partition.metadata -delete
		find "$MQ_DIR/topics/raw/raw-$p" -type f ! -name partition.metadata -exec cp -t "$data/raw-$p" {} +
		# A broker that was stopped in order believes the indexes; those of the segment that was being written lack what Kafka adds when it
		# closes one. Without them they are made anew.
		active=$(find "$data/raw-$p" -name '*.log' | sort | tail -n 1)
		rm -f "${active%.log}".{index,timeindex}
	done
	start_broker
	served raw
	k Writer "$BROKER" keys:raw:0:10
	start=$(mq-consume -p 0 -f . raw | wc -c)
	run kcat -C -e -q -b "$BROKER" -t raw -p 0 -o "$start" -f '%o %k\n'
	assert_output "$(for i in {0..9}; do echo "$((start + i)) key $i"; done)"
	# Also after its own recovery.
	end_broker KILL
	start_broker
	assert_equal "$(kafka_reads read_committed raw | wc -l)" $((RECORDS + 10))
	dump_log_segments --deep-iteration "$data"/raw-*/*.log >dumped
	run ! grep 'isvalid: false' dumped
	run -0 grep -c 'isvalid: true' dumped
}

@test "import: transactions that were committed, aborted and left open" {
	topics tx:2
	k Writer "$BROKER" keys:tx:1:3 begin:one keys:tx:0:5 keys:tx:1:5 commit begin:two keys:tx:0:7 abort begin:three keys:tx:0:2 leave \
		keys:tx:0:4 begin:two keys:tx:0:1 keys:tx:1:1 commit
	run --separate-stderr -0 mq-topic import tx "$data"/tx-{0,1}
	[[ $stderr == *"1 transaction"* ]] || fail "$stderr"
	# The broker aborts it, too, when the same producer begins anew: at the same offset.
	k Writer "$BROKER" begin:three commit
	same tx tx read_committed
	same tx tx read_uncommitted --read-uncommitted
	assert_equal "$(we_read tx | wc -l)" $((3 + 10 + 4 + 2))
}

@test "import from a stopped broker, what its cleaner left included; and back again" {
	topics again:5 again2:5 again-tx:1 again-tx2:1 again-late:1:message.timestamp.type=LogAppendTime again-late2:1 \
		compacted:1:cleanup.policy=compact,min.cleanable.dirty.ratio=0.01,segment.ms=100 compacted2
	k Writer "$BROKER" kinds:again:{0:none,1:gzip,2:snappy,3:lz4,4:zstd} kinds:again-late:0:lz4 begin:one keys:again-tx:0:5 commit \
		begin:one keys:again-tx:0:5 abort keys:again-tx:0:3 keys:compacted:0:1000
	sleep 0.1 # segment.ms
	k Writer "$BROKER" keys:compacted:0:5
	wait_for 30 grep -q '^compacted 0 [1-9]' "$data/cleaner-offset-checkpoint"
	stop_broker
	for topic in again again-tx again-late compacted; do
		mq-topic import ${topic}2 "$data/$topic"-[0-9]
		rm -r "$data/${topic}2"-[0-9]
		mq-topic export ${topic}2 "$data" --topic-id "$(id_of ${topic}2)"
	done
	start_broker
	for topic in again again-tx again-late compacted; do
		same $topic ${topic}2 read_committed
		same ${topic}2 ${topic}2 read_committed
	done
	same again-tx again-tx2 read_uncommitted --read-uncommitted
	same again-tx2 again-tx2 read_uncommitted --read-uncommitted
	assert_equal "$(we_read again2 | wc -l)" $((5 * 57))
	assert_equal "$(we_read again-tx2 | wc -l)" 8
	(($(we_read compacted2 | wc -l) < 100))
}

@test "export: a broker serves it, goes on with it, and it comes back" {
	topics orders:3 trimmed:3
	fill orders
	fill trimmed
	mq-topic trim -y trimmed -p 1 --before 2500
	stop_broker
	rm -r "$data"/{orders,trimmed}-[0-2]
	mq-topic export orders "$data" --topic-id "$(id_of orders)"
	mq-topic export trimmed "$data" --topic-id "$(id_of trimmed)"
	dump_log_segments "$data"/{orders,trimmed}-?/*.{log,index,timeindex} >dumped 2>&1
	run ! grep -E 'isvalid: false|Exception|mismatch|out of order' dumped
	: >"$BROKER_DIR/log"
	start_broker
	# It took the files as they are.
	run ! grep -E 'ERROR|LogLoader' "$BROKER_DIR/log"
	served orders
	# Its log begins with the batch that holds our first record.
	diff <(kafka_reads read_committed trimmed | awk '$2 != 1 || $3 >= 2500') <(we_read trimmed)
	start=$(k Reader "$BROKER" read_committed trimmed | awk 'NF == 4 && $2 == 1 { print $3 }')
	((start > 0 && start <= 2500))

	k Writer "$BROKER" kinds:orders:0:lz4 kinds:orders:1:none begin:one keys:orders:2:5 abort
	stop_broker
	mq-topic import back "$data"/orders-[0-2]
	start_broker
	same orders back read_committed
	assert_equal "$(we_read back | wc -l)" $((RECORDS + 2 * 57))
	# What was ours has not changed: records, offsets, timestamps, headers.
	we_read orders | cut -d ' ' -f 2- >ours
	we_read back | cut -d ' ' -f 2- >theirs
	run -1 diff ours theirs
	run ! grep '^<' <<<"$output"
}

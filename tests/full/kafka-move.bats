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

# orders: a topic of ours, three partitions and several segments in every codec; and the same name at the broker, which is stopped.
orders() {
	local codec time=1700000000000

	k Topics "$BROKER" orders:3 >"$BATS_FILE_TMPDIR/orders.id"
	stop_broker
	mq-topic create orders -p 3 -c segment.bytes=100K -c index.interval.bytes=1K
	for codec in none gzip snappy lz4 zstd; do
		((time += 1000))
		seq 3000 | sed "s/.*/key &:$codec value & that is long enough for several segments/" |
			mq-produce -K : -t $time -z $codec -H a=1 -H b= orders
	done
	head -c 70000 /dev/urandom | mq-produce --whole -t $((time + 1000)) -k bytes orders
	mq-produce -Z -t $((time + 2000)) -k tombstone orders <<<''
	# The last batch has no entry in an index.
	for p in 0 1 2; do for i in 3 4; do mq-produce -p $p -t $((time + i * 1000)) orders <<<last; done; done
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
	orders
	for p in 0 1 2; do
		find "$data/orders-$p" -type f ! -name partition.metadata -delete
		find "$MQ_DIR/topics/orders/orders-$p" -type f ! -name partition.metadata -exec cp -t "$data/orders-$p" {} +
		# A broker that was stopped in order believes the indexes; those of the segment that was being written lack what Kafka adds when it
		# closes one. Without them they are made anew.
		active=$(find "$data/orders-$p" -name '*.log' | sort | tail -n 1)
		rm -f "${active%.log}".{index,timeindex}
	done
	start_broker
	served orders
	k Writer "$BROKER" keys:orders:0:10
	start=$(mq-consume -p 0 -f . orders | wc -c)
	run kcat -C -e -q -b "$BROKER" -t orders -p 0 -o "$start" -f '%o %k\n'
	assert_output "$(for i in {0..9}; do echo "$((start + i)) key $i"; done)"
	# Also after its own recovery.
	end_broker KILL
	start_broker
	assert_equal "$(kafka_reads read_committed orders | wc -l)" $((15008 + 10))
	dump_log_segments --deep-iteration "$data"/orders-*/*.log >dumped
	run ! grep 'isvalid: false' dumped
	run -0 grep -c 'isvalid: true' dumped
}

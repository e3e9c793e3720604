#!/usr/bin/env bats
# Records between a store of ours and a real broker: by pipes, with kcat and Kafka's console clients.
# shellcheck disable=SC2154 # bats sets output

load ../lib/mq
load ../lib/kafka

setup() {
	mq_setup
	need_broker
	start_broker
}
teardown_file() { kill_broker; }

consume() { kcat -C -e -q -b "$BROKER" -t "$@"; }
produce() { kcat -P -b "$BROKER" -X partitioner=murmur2_random -t "$@"; }

# fill TOPIC: records of every kind that kcat can send, over the topic's three partitions.
fill() {
	local p

	for p in 0 1 2; do
		printf '%s\n' "k$p:v$p" "k$p:a:b:c" :nokey tombstone: nodelimiter | produce "$1" -p $p -K : -Z
		produce "$1" -p $p -k 'ключ' -H a=1 -H a=2 -H empty= -H nothing <<<'значение'
		printf 'two\nlines' >file
		produce "$1" -p $p -z lz4 file
	done
}

# What the JSON of both says, in one shape.
kcat_json() {
	jq -cS '{topic, partition, offset, timestamp: .ts, key, value: .payload, headers: [(.headers // []) | range(0; length; 2) as $i | {name: .[$i], value: .[$i + 1]}]}'
}
our_json() { jq -cS 'del(.leader_epoch, .timestamp_type)'; }

@test "kcat -J | mq-produce -J: nothing is lost" {
	k Topics "$BROKER" json:3
	fill json
	mq-topic create json -p 3
	consume json -J >theirs
	mq-produce -J -p input json <theirs
	diff <(kcat_json <theirs | sort) <(mq-consume -J json | our_json | sort)
	assert_equal "$(wc -l <theirs)" 21
	# Each record names its topic, too.
	mq-topic delete -y json
	mq-topic create json -p 3
	mq-produce -J -p input - <theirs
	diff <(kcat_json <theirs | sort) <(mq-consume -J json | our_json | sort)
	# By the key, as kcat does it itself.
	mq-topic create keys -p 3
	jq -c 'select(.key)' theirs | mq-produce -J keys
	k Topics "$BROKER" keys:3
	mq-consume -K : -c 12 keys | produce keys -K :
	diff <(mq-consume -f '%p %k\n' -c 12 keys | sort) <(consume keys -f '%p %k\n' | sort)
}

@test "kcat's JSON of bytes that are no UTF-8 is refused, because it lost them already" {
	k Topics "$BROKER" bytes
	mq-topic create bytes
	printf 'good\n\xff\n' | produce bytes
	run --separate-stderr -65 mq-produce -J bytes < <(consume bytes -J)
	[[ $stderr == *"record 2"* ]]
	# Its binary framing keeps them.
	consume bytes -f '%R%s' | mq-produce -f '%R%s' bytes
	cmp <(mq-consume -o 1 bytes | xxd) <(printf 'good\n\xff\n' | xxd)
}

@test "formats with kcat's letters print the same bytes" {
	k Topics "$BROKER" formats:3
	fill formats
	mq-topic create formats -p 3
	consume formats -J | mq-produce -J -p input formats
	for format in '%t [%p] %o: %k(%K)=%s(%S) at %T, %h\n' '%R%s' '%o\t%k\r\n' '\x41%s\x0a' '%% %k' '%K %S %k%s'; do
		for p in 0 1 2; do
			diff <(consume formats -p $p -f "$format" | xxd) <(mq-consume -p $p -f "$format" formats | xxd) ||
				fail "$format"
		done
	done
	# The same with delimiters, and NULL for null.
	for options in '-Z -K :' '-D | -K ,' '-D \x1e'; do
		# shellcheck disable=SC2086 # several words
		diff <(consume formats -p 0 $options | xxd) <(mq-consume -p 0 $options formats | xxd) || fail "$options"
	done
}

@test "what kcat prints in a format is read in the same one" {
	k Topics "$BROKER" parse:3
	fill parse
	mq-topic create parse -p 3
	consume parse -f '%t %p %K %S %T %k%s' | mq-produce -p input -f '%t %p %K %S %T %k%s' -
	format='%p %o %T %K %k %S %s\n'
	diff <(consume parse -f "$format" | sort) <(mq-consume -f "$format" parse | sort)
}

@test "mq-consume | kcat -P: the same records in the same partitions" {
	k Topics "$BROKER" out:3 framed
	mq-topic create out -p 3
	seq -f 'key %.0f' 100 | sed 's/$/:a value of it/' | mq-produce -K : out
	mq-consume -K : out | produce out -K :
	diff <(mq-consume -f '%p %k %s\n' out | sort) <(consume out -f '%p %k %s\n' | sort)
	# A delimiter that the values do not hold; kcat sends no empty record.
	mq-topic create framed
	printf 'two\nlines\0one line\0' | mq-produce -0 framed
	mq-consume -D '\x1e' framed | produce framed -D '\x1e'
	diff <(mq-consume -f '%R%s' framed | xxd) <(consume framed -f '%R%s' | xxd)
}

@test "Kafka's console clients, by a pipe in both directions" {
	k Topics "$BROKER" console
	mq-topic create console
	printf 'k%d:v%d\n' 1 1 2 2 3 3 | mq-produce -K : console
	mq-consume -K : console | k org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$BROKER" --topic console \
		--property parse.key=true --property key.separator=:
	k org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$BROKER" --topic console --from-beginning --max-messages 3 \
		--property print.key=true --property key.separator=: | mq-produce -K : console
	run mq-consume -o 3 -K : console
	assert_output "$(printf 'k%d:v%d\n' 1 1 2 2 3 3)"
}

#!/usr/bin/env bats
# Kafka's DumpLogSegments reads what compaction leaves, and finds the records there that mq-consume prints.
# shellcheck disable=SC2154 # bats sets output

load ../lib/mq
load ../lib/kafka

# fill TOPIC CODEC: keys that come again and again, tombstones among them, in many segments.
fill() {
	local i

	mq-topic create "$1" -c cleanup.policy=compact -c segment.bytes=3000 -c index.interval.bytes=200 -c delete.retention.ms=1h
	for i in {1..30}; do
		seq "$i" 3 $((i + 90)) | awk -v i="$i" '{ print $1 % 40 ":" ($1 % 7 == 0 ? "" : "value " $1 " of batch " i) }' |
			mq-produce -K : -Z -z "$2" "$1"
	done
}

@test "compacted segments, in each codec" {
	need_kafka
	for codec in none gzip snappy lz4 zstd; do
		fill "$codec" "$codec"
		mq-topic alter "$codec" -c segment.bytes=20000
		mq-gc "$codec"
	done
	for codec in none gzip snappy lz4 zstd; do
		files=("$MQ_DIR/topics/$codec/$codec-0"/*.log)
		dump_log_segments --deep-iteration "${files[@]}" >dumped
		run ! grep -q 'isvalid: false' dumped
		grep -q 'deleteHorizonMs: OptionalLong\[[0-9]' dumped || fail "$codec: no delete horizon"
		grep -oE '^\| offset: [0-9]+ ' dumped | tr -dc '0-9\n' >theirs
		mq-consume -f '%o\n' "$codec" >ours
		cmp ours theirs || fail "$codec: Kafka reads $(wc -l <theirs) records, mq-consume $(wc -l <ours)"
		(($(wc -l <ours) < 500)) || fail "$codec: nothing was compacted"
		# Every index that is there tells the truth.
		dump_log_segments --index-sanity-check "$MQ_DIR/topics/$codec/$codec-0"/*.index >sanity 2>&1
		run ! grep -iE 'mismatch|exception|error' sanity
		dump_log_segments "$MQ_DIR/topics/$codec/$codec-0"/*.timeindex >sanity 2>&1
		! grep -iE "found timestamp|mismatch|exception" sanity || fail "$codec: $(head -n 20 sanity)"
	done
}

#!/usr/bin/env bats
# Kafka's DumpLogSegments reads our files, and tells of them what mq-dump and mq-consume tell.
# shellcheck disable=SC2154 # bats sets output

load ../lib/mq
load ../lib/kafka

CODECS=(none gzip snappy lz4 zstd)

# records SEED COUNT: JSON records with every kind of key, value and header, none of them large.
records() {
	awk -v seed="$1" -v count="$2" 'BEGIN {
		split("null \"\" \"k\" \"klíč\"", key, " ")
		split("null \"\" \"v\" \"two\\nlines\"", value, " ")
		split("[] [{\"name\":\"a\",\"value\":\"1\"}] [{\"name\":\"\",\"value\":\"\"},{\"name\":\"n\",\"value\":null},{\"name\":\"n\",\"value\":\"3\"}]", headers, " ")
		for (i = 0; i < count; i++) {
			n = seed * 7919 + i
			v = n % 5 == 4 ? "\"" n substr("the same words again and again, which any codec packs", 1, n % 53) "\"" : value[n % 5 + 1]
			if (n % 11 == 10)
				printf "{\"key_base64\":\"AP8K\",\"value_base64\":\"wyg=\",\"timestamp\":%d,\"headers\":[]}\n", n
			else
				printf "{\"key\":%s,\"value\":%s,\"timestamp\":%.0f,\"headers\":%s}\n", key[n % 4 + 1], v, 1700000000000 + n * 31 % 5000, headers[n % 3 + 1]
		}
	}'
}

# large BYTES: one record of that many.
large() {
	jq -cn --argjson n "$1" '{key: "large", value: ([range($n / 10)] | map("\(1000000000 + .)") | add), timestamp: 1700000009999, headers: []}'
}

# fill TOPIC CODEC [OPTION...]: some 1000 records in about 20 batches and several segments.
fill() {
	local topic=$1 codec=$2 i

	shift 2
	mq-topic create "$topic" -c segment.bytes=4000 -c index.interval.bytes=200 -c max.message.bytes=2M "$@"
	for i in {1..12}; do records "$i" $((i * 13)) | mq-produce -J -z "$codec" "$topic"; done
	large 70000 | mq-produce -J -z "$codec" "$topic"
	large 1100000 | mq-produce -J -z "$codec" "$topic"
	for i in {13..18}; do records "$i" 3 | mq-produce -J -z "$codec" "$topic"; done
}

# files_of SUFFIX TOPIC...: into the array `files`, each topic's in order.
files_of() {
	local suffix=$1 topic

	shift
	files=()
	for topic; do
		mapfile -t -O ${#files[@]} files < <(printf '%s\n' "$MQ_DIR/topics/$topic/$topic-0"/*"$suffix")
	done
}

# What both tell of batches: FILE POSITION BYTES BASE LAST COUNT EPOCH TYPE MAX-TIMESTAMP CODEC CRC VALID.
kafka_batches() {
	awk '/^Dumping / { file = $2; next }
		/^baseOffset: / {
			for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
			type = /LogAppendTime: / ? "LogAppendTime" : "CreateTime"
			printf "%s %d %d %d %d %d %d %s %s %s %08x %s\n", file, v["position:"], v["size:"], v["baseOffset:"], v["lastOffset:"], v["count:"],
				v["partitionLeaderEpoch:"], type, v[type ":"], v["compresscodec:"], v["crc:"], v["isvalid:"] == "true" ? "yes" : "no"
		}'
}
our_batches() {
	mq-dump --json "$@" | jq -r '[.file, .position, .bytes, .base_offset, .last_offset, .records, .leader_epoch, .timestamp_type,
		(.max_timestamp | (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)), .codec, .crc, if .valid then "yes" else "no" end] | join(" ")'
}

# What both tell of records: OFFSET TIMESTAMP KEY-SIZE VALUE-SIZE HEADER-NAMES.
kafka_records() {
	sed -n 's/^| offset: \([0-9]*\) [A-Za-z]*Time: \([0-9]*\) keySize: \([-0-9]*\) valueSize: \([-0-9]*\) .*headerKeys: \(\[[^]]*\]\).*/\1 \2 \3 \4 \5/p'
}
our_records() {
	mq-consume -f '%o %T %K %V [%h{%k,}]\n' "$1" | sed 's/,]$/]/'
}

@test "every batch of ours is valid in each codec, and what is told of it is the same" {
	need_kafka
	for codec in "${CODECS[@]}"; do fill "$codec" "$codec"; done
	files_of .log "${CODECS[@]}"
	((${#files[@]} > 20))
	dump_log_segments --deep-iteration "${files[@]}" >dumped 2>said
	assert_equal "$(<said)" ""
	kafka_batches <dumped >theirs
	our_batches "${files[@]}" >ours
	diff -u theirs ours
	(($(wc -l <ours) >= 100))
	run ! grep -v ' yes$' theirs
	# Not one codec more than was asked for: a batch that would grow beyond max.message.bytes is written plain.
	assert_equal "$(cut -d ' ' -f 10 ours | sort -u | paste -sd ' ')" "gzip lz4 none snappy zstd"
	for codec in "${CODECS[@]}"; do our_records "$codec"; done >ours
	kafka_records <dumped >theirs
	diff -u theirs ours
	assert_equal "$(wc -l <ours)" $((5 * (13 * 78 + 2 + 18)))
}

@test "Kafka's sanity checks of the indexes pass, and each entry is the same" {
	need_kafka
	fill plain none
	fill packed zstd
	for suffix in .index .timeindex; do
		files_of $suffix plain packed
		((${#files[@]} > 6))
		run dump_log_segments --index-sanity-check "${files[@]}"
		assert_success
		for f in "${files[@]}"; do assert_line --regexp "^$f (passed sanity check|is empty)\.$"; done
		# Without entries it compares the index with the segment beside it; with them it prints them.
		dump_log_segments --verify-index-only "${files[@]}" >dumped 2>&1
		run ! grep -Ev '^Dumping | is empty\.$' dumped
		dump_log_segments "${files[@]}" | sed -nE 's/^(offset|timestamp): (-?[0-9]+) (position|offset): ([0-9]+)$/\2 \4/p' >theirs
		mq-dump --json "${files[@]}" | jq -r 'if has("position") then [.offset, .position]
			else [(.timestamp | (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)), .offset] end | join(" ")' >ours
		diff -u theirs ours
		(($(wc -l <ours) >= 8))
	done
}

@test "LogAppendTime: each record bears its batch's time, as Kafka sees it" {
	need_kafka
	fill late gzip -c message.timestamp.type=LogAppendTime
	files_of .log late
	dump_log_segments --deep-iteration "${files[@]}" >dumped
	kafka_batches <dumped >theirs
	our_batches "${files[@]}" >ours
	diff -u theirs ours
	run ! grep -v ' LogAppendTime .* yes$' theirs
	our_records late >ours
	kafka_records <dumped >theirs
	diff -u theirs ours
	run ! grep 'CreateTime: ' dumped
}

@test "snapshots of producers are read: none of ours are there" {
	need_kafka
	fill plain none
	files_of .snapshot plain
	((${#files[@]} > 3))
	run dump_log_segments "${files[@]}"
	assert_success
	assert_output "$(printf 'Dumping %s\n' "${files[@]}")"
	# Were its checksum not looked at, this would prove nothing.
	printf '\xff' | dd of="${files[0]}" bs=1 seek=3 conv=notrunc status=none
	run dump_log_segments "${files[0]}"
	assert_output --partial "Snapshot is corrupt"
}

@test "a flipped bit is seen by both, in the same batch" {
	need_kafka
	fill plain none
	files_of .log plain
	printf '\x7f' | dd of="${files[2]}" bs=1 seek=80 conv=notrunc status=none
	dump_log_segments "${files[2]}" | kafka_batches >theirs
	our_batches "${files[2]}" 2>/dev/null >ours || true
	diff -u theirs ours
	assert_equal "$(grep -c ' no$' theirs)" 1
}

@test "an index that lies is seen by Kafka: the comparison above is not idle" {
	need_kafka
	fill plain none
	files_of .timeindex plain
	printf '\x01' | dd of="${files[0]}" bs=1 seek=6 conv=notrunc status=none
	run dump_log_segments --verify-index-only "${files[0]}"
	assert_output --partial "mismatch"
}

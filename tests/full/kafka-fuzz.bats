#!/usr/bin/env bats
# Kafka's verdict and ours on hundreds of broken segments: which batch is the first that cannot be taken, and what is read before it.
# tests/full/mutate.c makes the segments, tests/full/kafka/Verdict.java asks Kafka.
# shellcheck disable=SC2154,SC2034 # bats sets output; tables are used by name

load ../lib/mq
load ../lib/kafka

export BATS_TEST_TIMEOUT=300

GOLDEN=$MQ_ROOT/tests/golden/kafka
LOG=00000000000000000000.log

# Where the two differ: NAME is a pattern, REASON a regular expression for what the stricter one says, then the cause.  What is not
# here must be equal, and what is here must occur.
STRICTER=(
	# The broker looks at base offsets when it appends; neither its recovery nor its consumer does so again.
	'flip-base-offset:low@*|offset [0-9]+ after [0-9]+|a log does not go back'
	'set-base-offset:*|offset [0-9]+ after [0-9]+|a log does not go back'
	'set-base-offset:-1@*|offsets -1 and |offsets are not negative'
	'set-last-offset-delta:*|offset [0-9]+ after [0-9]+|a log does not go back'
	'batch:*|offset [0-9]+ after [0-9]+|a log does not go back'
	'file:twice@*|offset [0-9]+ after [0-9]+|a log does not go back'
	# The same for the offsets within a batch, and for their number.
	'set-last-offset-delta:-1@*|offsets [0-9]+ and -1 more|a last offset below the first'
	'set-last-offset-delta:*|records in [0-9]+ offsets|more records than offsets'
	'record-offset:*|a record is not valid|an offset below the base offset'
	'record-offset:*|a record of offset .* not in|offsets that do not ascend within the batch'
	'records:first-again@*|records in [0-9]+ offsets|more records than offsets'
	'records:first-again@*|a record of offset .* not in|offsets that do not ascend within the batch'
	'records:rotated@*|a record of offset .* not in|offsets that do not ascend within the batch'
	'noise:*|a record of offset .* not in|offsets that do not ascend within the batch'
	'payload:bit-*|a record of offset .* not in|offsets that do not ascend within the batch'
	'payload:bit-*@*.lz4|a record is not valid|an offset below the base offset'
	# With a count of 0 it does not look whether there are records.
	'set-record-count:0@*|bytes behind its last record|records that are not counted'
	# It drops the bits of a varint that have no place in 32 or 64.
	'overflow-*:bit,*|a record is not valid|a number too large for its type'
	# What follows the compressed stream it leaves unread.
	'payload:*-behind@*.gzip|gzip: |bytes behind the stream'
	'payload:*-behind@*.lz4|lz4: |bytes behind the stream'
	'payload:twice@*.lz4|bytes behind its last record|we read the second frame'
	'payload:zero-behind@*.snappy|snappy: |bytes behind the stream'
	'payload:empty-frame-behind@*.snappy|snappy: |snappy-java reads one stream behind the other, no producer writes so'
)
# Where mq-consume reads less, though no batch is bad: it knows what belongs to a log that nobody compacted.
READER=(
	'batch:missing@*||offsets that are missing'
	'set-base-offset:*||offsets that are missing'
	'set-leader-epoch:*||a leader epoch that goes back, or is the last there can be'
	'flip-leader-epoch:*||a leader epoch that goes back'
	'flip-base-offset:low@*||offsets that are missing'
)
# What mq-topic import refuses besides.
IMPORT=(
	'flip-leader-epoch:*|leader epoch .* after|a leader epoch that goes back'
	'set-leader-epoch:*|leader epoch|a leader epoch that goes back, or is the last there can be'
)
LAXER=(
	# Its recovery splits such a segment.
	'set-base-offset:1099511627776@*|LogSegmentOffsetOverflowException|offsets too far from the base for an index'
	'set-last-offset-delta:2147483647@*|LogSegmentOffsetOverflowException|offsets too far from the base for an index'
	# Its recovery keeps the batch and cuts what follows.
	'set-attribute:5@*.idem|broker cuts|a control batch of a producer that is no marker'
)

# allowed TABLE NAME REASON: a line of the table allows it; it is noted in $BATS_TEST_TMPDIR/used.
allowed() {
	local -n table=$1
	local line glob regex rest

	for line in "${table[@]}"; do
		IFS='|' read -r glob regex rest <<<"$line"
		# shellcheck disable=SC2053 # a pattern
		if [[ $2 == $glob && $3 =~ $regex ]]; then
			echo "$line" >>"$BATS_TEST_TMPDIR/used"
			return
		fi
	done
	return 1
}

# seed CODEC: a segment of three batches, with every kind of key, value and header.
seed() {
	local i

	mq-topic create "$1" -c segment.bytes=1M
	for i in 1 2 3; do
		jq -cn --argjson i "$i" '["one", null, ("three " * 30), ""] as $values
			| [[{name: "a", value: "1"}, {name: "nothing", value: null}], [], [], [{name: "", value: ""}]] as $headers
			| range(4) | {key: "k\(.)", value: $values[.], timestamp: (1700000000000 + $i * 100 + .), headers: $headers[.]}' >in
		mq-produce -J -z "$1" "$1" <in
	done
	cp "$MQ_DIR/topics/$1/$1-0/$LOG" "$1.log"
}

# mutants [+]SEED=FILE...: makes them in the folder m, their names in the file `names`, Kafka's verdicts in the file `verdicts`.
mutants() {
	mkdir m
	"$MQ_BUILD/mutate" m "$@" >names
	(cd m && xargs -n 1000000 -s 1000000 -a ../names java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=off \
		-cp "$KAFKA/classes:$KAFKA/lib/*" org.apache.kafka.clients.consumer.internals.Verdict ../scratch) >verdicts
	assert_equal "$(wc -l <verdicts)" "$(wc -l <names)"
}

# our_verdicts: NAME TAB POSITION TAB REASON for each mutant that mq-dump finds something bad in.  A codec that nobody knows is no damage
# to mq-dump, but it cannot show the records.
our_verdicts() {
	local dump=mq-dump status=0

	# Under sanitizers, if that tree is built.
	[[ ! -x $MQ_ROOT/build/asan/bin/mq-dump ]] || dump=$MQ_ROOT/build/asan/bin/mq-dump
	sed "s,\$,/$LOG," names | (cd m && xargs -n 1000000 -s 1000000 "$dump" -r --json) >dumped 2>said || status=$?
	assert_equal "$status" 123 # of xargs: damage was found
	{
		sed -nE "s,^mq-dump: ([^/]+)/$LOG at ([0-9]+): (.*),\1\t\2\t\3,p" said
		jq -r 'select(.valid and .control == null and .offset == null and .note != null) | [(.file / "/")[0], .position, .note] | @tsv' dumped
	} | sort -t $'\t' -k 1,1 -k 2,2n | awk -F '\t' '!seen[$1]++'
}

# All verdicts, once for the file: NAME, where Kafka finds it (the earlier of broker and consumer), where we do, our reason, Kafka's.
setup() {
	mq_setup
	need_kafka
	both=$BATS_FILE_TMPDIR/both
	if [[ ! -e $both ]]; then
		for codec in none gzip snappy lz4 zstd; do seed $codec; done
		mutants +none=none.log gzip=gzip.log snappy=snappy.log lz4=lz4.log +zstd=zstd.log "idem=$GOLDEN/idem-0/$LOG" "txn=$GOLDEN/txn-0/$LOG" \
			"compacted=$GOLDEN/compacted-0/$LOG"
		our_verdicts >ours
		awk -F '\t' -v OFS='\t' 'NR == FNR { at[$1] = $2; why[$1] = $3; next }
			{
				kafka = $2 == "-" || ($3 != "-" && $3 + 0 < $2 + 0) ? $3 : $2
				ours = $1 in at ? at[$1] : "-"
				print $1, kafka, ours, ours == "-" ? "-" : why[$1], $5 == "" ? "-" : $5
			}' ours verdicts >"$both"
		mv m "$BATS_FILE_TMPDIR/"
	fi
	mutants=$BATS_FILE_TMPDIR/m
	: >used
	: >different
}

teardown() {
	[[ $MQ_DIR != /dev/shm/* ]] || rm -rf "$MQ_DIR"
	mq_teardown
}

# judged TABLE...: nothing was found different, and each line of the tables occurred.
judged() {
	local table

	run cat different
	assert_output ""
	for table; do
		local -n lines=$table
		for line in "${lines[@]}"; do
			grep -qxF "$line" used || fail "does not occur: $line"
		done
	done
}

@test "Kafka and we agree which batch is the first bad one" {
	# The mutants are not all of one kind.
	(($(awk -F '\t' '$2 == "-"' "$both" | wc -l) > 300))
	(($(awk -F '\t' '$2 != "-"' "$both" | wc -l) > 300))
	while IFS=$'\t' read -r name at_kafka at_ours our_reason kafka_reason; do
		if [[ $at_kafka == "$at_ours" ]]; then
			continue
		elif [[ $at_ours != - && ($at_kafka == - || $at_ours -lt $at_kafka) ]]; then
			allowed STRICTER "$name" "$our_reason" && continue
		else
			allowed LAXER "$name" "$kafka_reason" && continue
		fi
		printf '%s: Kafka %s (%s), we %s (%s)\n' "$name" "$at_kafka" "$kafka_reason" "$at_ours" "$our_reason" >>different
	done <"$both"
	judged STRICTER LAXER
}

@test "what mq-consume reads before it is what Kafka's consumer reads" {
	local n=0 status theirs ours

	# Where recovery, which syncs each of them, costs nothing.
	[[ ! -w /dev/shm ]] || MQ_DIR=$(mktemp -d /dev/shm/mq-fuzz.XXXXXX)
	mq-topic create fuzz -p "$(wc -l <"$both")"
	while IFS=$'\t' read -r name _; do
		cat "$mutants/$name/$LOG" >"$MQ_DIR/topics/fuzz/fuzz-$n/$LOG"
		n=$((n + 1))
	done <"$both"
	new_boot fuzz
	n=-1
	while IFS=$'\t' read -r name at_kafka at_ours _; do
		n=$((n + 1))
		[[ $name != *.compacted ]] || continue # our topic is not
		status=0
		mq-consume -p $n --read-uncommitted -f '%o %T %K %k{hex} %V %v{hex} %H%h{ %K %k{hex} %V %v{hex}}\n' fuzz >got 2>said </dev/null || status=$?
		IFS= read -r -d '' theirs <"$mutants/$name/kafka.records" || true
		IFS= read -r -d '' ours <got || true
		if [[ $at_kafka == - && $at_ours == - ]]; then
			[[ $ours != "$theirs" || $status != 0 ]] || continue
		elif [[ $at_kafka == "$at_ours" ]]; then
			# The records of the bad batch that lie before the bad one may be there.
			[[ $ours != "$theirs"* || ($ours != "$theirs" && $status != 74) ]] || continue
		elif [[ $at_kafka != - && ($at_ours == - || $at_kafka -lt $at_ours) ]]; then
			[[ $ours != "$theirs"* ]] || continue
		else
			[[ $theirs != "$ours"* ]] || continue
		fi
		if [[ $theirs == "$ours"* ]]; then
			allowed READER "$name" "" && continue
		fi
		# A header's name is a string to Java, which has no place for other bytes.
		[[ $theirs != *efbfbd* ]] || continue
		printf '%s: status %s: %s\n' "$name" "$status" "$(<said)" >>different
		diff "$mutants/$name/kafka.records" got >>different || true
	done <"$both"
	judged READER
}

@test "mq-topic import takes what Kafka's recovery keeps, and names the batch that it cannot take" {
	local status theirs ours folder=$BATS_TEST_TMPDIR/fuzz-0

	[[ ! -w /dev/shm ]] || MQ_DIR=$(mktemp -d /dev/shm/mq-fuzz.XXXXXX)
	while IFS=$'\t' read -r name at_kafka at_ours _; do
		rm -rf "$folder"
		mkdir "$folder"
		cat "$mutants/$name/$LOG" >"$folder/$LOG"
		status=0
		mq-topic import fuzz "$folder" 2>said </dev/null || status=$?
		said=$(<said)
		IFS= read -r -d '' theirs <"$mutants/$name/kafka.records" || true
		if [[ $status == 0 ]]; then
			mq-consume --read-uncommitted -f '%o %T %K %k{hex} %V %v{hex} %H%h{ %K %k{hex} %V %v{hex}}\n' fuzz >got </dev/null
			IFS= read -r -d '' ours <got || true
			mq-topic delete -y fuzz
			# What was cut short is left out, as the broker's recovery does, and told.
			if [[ $at_kafka == "$at_ours" && $ours == "$theirs" && ($at_kafka == - || $said == *'no whole batch: left out'*) ]]; then
				continue
			elif [[ $at_ours == - && $ours == "$theirs"* ]] && allowed LAXER "$name" "LogSegmentOffsetOverflowException broker cuts"; then
				continue
			fi
		else
			[[ $said != *"$LOG at $at_kafka: "* && $said != *"$LOG at $at_ours: "* ]] || continue
			allowed IMPORT "$name" "$said" && continue
		fi
		[[ $theirs != *efbfbd* ]] || continue
		printf '%s: status %s: Kafka %s, we %s: %s\n' "$name" "$status" "$at_kafka" "$at_ours" "$said" >>different
	done <"$both"
	judged IMPORT
}

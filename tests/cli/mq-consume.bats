#!/usr/bin/env bats
# mq-consume: which records come out, in which shape, and how it ends.
# shellcheck disable=SC2154 # bats sets stderr
load ../lib/mq
load ../lib/background
pid= # of the last background
KAFKA=$MQ_ROOT/tests/golden/kafka

setup() {
	mq_setup
	mq-topic create t
}

# Ten records, numbered as their offsets.
ten() { seq 0 9 | mq-produce t; }

# Records 0 to 9, a minute apart, the first at 2026-11-22T10:00.
ten_minutes() {
	local i

	for i in {0..9}; do
		mq-produce -t "2026-11-22T10:0$i:00Z" t <<<"$i"
	done
}

# values [ARG...]: what is read of t, on one line.
values() { mq-consume -D ' ' "$@" t; }

has_lines() { (($(wc -l <"$1") >= $2)); }

# It has nothing to do and sleeps until the bell rings.
sleeps() { [[ $(cat "/proc/$1/wchan" 2>/dev/null) == *futex* ]]; }

@test "by default everything up to now, then it ends" {
	ten
	run mq-consume t
	assert_success
	assert_output "$(seq 0 9)"
	run mq-consume -e t
	assert_output "$(seq 0 9)"
}

@test "an empty topic is no failure, but with --fail-empty it is 1; neither says anything" {
	run mq-consume t
	assert_success
	assert_output ""
	run mq-consume --fail-empty t
	assert_failure 1
	assert_output ""
	ten
	run mq-consume --fail-empty -q t
	assert_success
	assert_output ""
	run mq-consume --fail-empty -o end t
	assert_failure 1
}

@test "-o: start, end, an offset, the last N, behind the first N" {
	ten
	run values -o start
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values -o beginning -c 1
	assert_output '0 '
	run values -o end
	assert_output ''
	run values -o 7
	assert_output '7 8 9 '
	run values -o -3
	assert_output '7 8 9 '
	run values -o -30
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values -o -0
	assert_output ''
	run values -o +8
	assert_output '8 9 '
	run values -o +10
	assert_output ''
	run values -o 10
	assert_output ''
	run values -o 11
	assert_success
	assert_output ''
}

@test "-o FROM:TO ends before TO; either may be left out" {
	ten
	run values -o 3:6
	assert_output '3 4 5 '
	run values -o 3:4
	assert_output '3 '
	run values -o 3:3
	assert_output ''
	run values -o 6:3
	assert_output ''
	run values -o :2
	assert_output '0 1 '
	run values -o 8:
	assert_output '8 9 '
	run values -o 8:100
	assert_output '8 9 '
	run values -o :end
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values -o -3:-1
	assert_output '7 8 '
	run values -o +1:+3
	assert_output '1 2 '
}

@test "-o @TIME is the first record at or after it; times have colons and ranges, too" {
	ten_minutes
	run values -o @2026-11-22T10:07:00Z
	assert_output '7 8 9 '
	run values -o @2026-11-22T10:06:00.001Z
	assert_output '7 8 9 '
	run values -o @2026-11-22T10:02:@2026-11-22T10:04
	assert_output '2 3 '
	run values -o @2026-11-22T10:02:00+00:00:@2026-11-22T10:04:00+00:00
	assert_output '2 3 '
	run values -o "@2026-11-22 10:08"
	assert_output '8 9 '
	run values -o :@2026-11-22T10:02
	assert_output '0 1 '
	run values -o @2026-11-22:@2026-11-23
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values -o @2026-11-23
	assert_output ''
	run values -o @1795341720000:@1795341780
	assert_output '2 '
	run values -o 5:@2026-11-22T10:07
	assert_output '5 6 '
	mq-produce t <<<now
	run values -o @-1m
	assert_output 'now '
	run values -o @-1m:@+1m
	assert_output 'now '
	run values -o @+1m
	assert_output ''
}

@test "-o s@MS and e@MS are kcat's" {
	ten_minutes
	run values -o s@1795341720000
	assert_output '2 3 4 5 6 7 8 9 '
	run values -o s@1795341720000 -o e@1795341840000
	assert_output '2 3 '
	run values -o e@1795341660000
	assert_output '0 '
}

@test "times are found where they do not ascend, too" {
	local minute

	for minute in 03 01 05 02 04; do
		mq-produce -t "2026-11-22T10:$minute:00Z" t <<<"$minute"
	done
	run values -o @2026-11-22T10:04
	assert_output '05 02 04 '
	run values -o @2026-11-22T10:02
	assert_output '03 01 05 02 04 '
}

@test "-p reads these partitions only; one that is not there is 66" {
	mq-topic create four -p 4
	seq 0 7 | mq-produce four
	run mq-consume -p 2 four
	assert_output $'2\n6'
	run bash -c 'mq-consume -p 1,3,1 four | sort'
	assert_output $'1\n3\n5\n7'
	run mq-consume -p 1,4 four
	assert_failure 66
	assert_output --partial 'no partition 4'
}

@test "several partitions: all of each comes, each in its order" {
	mq-topic create four -p 4
	seq 1 100000 | mq-produce four
	mq-consume -f '%p %v\n' four >got
	assert_equal "$(wc -l <got)" 100000
	for p in 0 1 2 3; do
		awk -v p=$p '$1 == p { print $2 }' got | cmp - <(seq $((p + 1)) 4 100000)
	done
	run mq-consume -c 100 -f '' four
	assert_success
}

@test "-c stops after exactly N records" {
	ten
	run values -c 1
	assert_output '0 '
	run values -c 3 -o 5
	assert_output '5 6 7 '
	run values --count=10
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values -c 11
	assert_success
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run timeout 10 mq-consume -F -c 4 -D ' ' t
	assert_success
	assert_output '0 1 2 3 '
}

@test "the end is pinned at the start: what is written meanwhile does not make it run on" {
	ten
	# Each record read makes another.
	mq-consume t | while read -r v; do
		echo "$v" | tee -a got | mq-produce t
	done
	assert_equal "$(cat got)" "$(seq 0 9)"
	run mq-consume -f '' t
	assert_equal "$(mq-consume t | wc -l)" 20
}

@test "-F prints what is there and goes on; each record comes at once" {
	ten
	background mq-consume -F t >got
	wait_for 5 has_lines got 10
	for i in 10 11 12; do
		mq-produce t <<<$i
		wait_for 5 has_lines got $((i + 1))
	done
	assert_equal "$(cat got)" "$(seq 0 12)"
	kill -TERM "$pid"
	ends "$pid" 143
}

@test "-F -o end prints only what is new" {
	ten
	background mq-consume -F -o end t >got
	wait_for 5 sleeps "$pid"
	mq-produce t <<<new
	wait_for 5 has_lines got 1
	assert_equal "$(cat got)" new
}

@test "-F with a range ends at the end of the range" {
	ten
	background mq-consume -F -o 8:12 t >got
	wait_for 5 has_lines got 2
	printf '10\n11\n12\n' | mq-produce t
	ends "$pid" 0
	assert_equal "$(cat got)" $'8\n9\n10\n11'
}

@test "-F picks up partitions that are added, from their start" {
	background mq-consume -F -o end -f '%p:%v\n' t >got
	wait_for 5 sleeps "$pid"
	mq-topic alter t -p 2
	mq-produce -p 1 t <<<new
	wait_for 5 has_lines got 1
	mq-produce -p 0 t <<<old
	wait_for 5 has_lines got 2
	assert_equal "$(cat got)" $'1:new\n0:old'
}

@test "-w waits for the first record, prints what is there then, and ends" {
	background mq-consume -w 60s t >got
	wait_for 5 sleeps "$pid"
	assert_equal "$(cat got)" ""
	mq-produce -p 0 t <<<a
	ends "$pid" 0
	assert_equal "$(cat got)" a
	run mq-consume -w 60s t
	assert_output a
}

@test "-w: after its time it ends with 0, or with 1 with --fail-empty" {
	run mq-consume -w 50ms t
	assert_success
	run mq-consume -w 50ms --fail-empty t
	assert_failure 1
	run mq-consume -w 0s --fail-empty t
	assert_failure 1
	ten
	run mq-consume -w 50ms --fail-empty -o end t
	assert_failure 1
}

@test "-w -o end waits for what is new" {
	ten
	background mq-consume -w 60s -o end t >got
	wait_for 5 sleeps "$pid"
	mq-produce t <<<new
	ends "$pid" 0
	assert_equal "$(cat got)" new
}

# kafka FILE...: a topic txn whose partition has these segments, which a broker wrote.
kafka() {
	mq-topic create txn
	rm -f "$MQ_DIR"/topics/txn/txn-0/*.log
	cp "$@" "$MQ_DIR/topics/txn/txn-0/"
	new_boot txn
}

# In $KAFKA/txn-0: two records of producer 2, two of producer 3, and in the next segment the commit of 2 and the abort of 3.
open_transactions() { kafka "$KAFKA/txn-0/00000000000000000000.log"; }
commit_of_2() { head -c 78 "$KAFKA/txn-0/00000000000000000004.log"; }
abort_of_3() { tail -c +79 "$KAFKA/txn-0/00000000000000000004.log" | head -c 78; }

# append_as OFFSET: what is on stdin, a batch, is published in txn, with this offset (0 to 7).  A record behind it rings the bell.
append_as() {
	local segments=("$MQ_DIR"/topics/txn/txn-0/*.log)

	{ printf %b "\\0\\0\\0\\0\\0\\0\\0\\$1" && tail -c +9; } >>"${segments[-1]}"
	new_boot txn
	mq-produce txn <<<"behind $1"
}

@test "of transactions what was committed is read, and with --read-uncommitted all, as by Kafka's consumer" {
	local folder level option

	for folder in txn-0 txn-1; do
		kafka "$KAFKA/$folder"/*.log
		for level in committed uncommitted; do
			option=-e
			[[ $level == committed ]] || option=--read-uncommitted
			mq-consume $option -J txn | jq -S 'del(.partition)' >got
			gzip -dc "$KAFKA/expected/$folder.read_$level.jsonl.gz" | jq -S 'del(.partition)' | cmp got -
		done
		mq-topic delete -y txn
	done
}

@test "an open transaction ends the run: that is told, its status is 0, and the cursor stays before it" {
	open_transactions
	run --separate-stderr mq-consume --offset-file cursor txn
	assert_success
	assert_output ''
	assert_equal "$stderr" 'mq-consume: txn/0: read up to offset 0, where a transaction is neither committed nor aborted (--read-uncommitted reads on)'
	run mq-consume --read-uncommitted -D ' ' txn
	assert_output 'committed 0 committed 2 aborted 0 aborted 2 '
	run --separate-stderr mq-consume -c 2 --read-uncommitted txn
	assert_equal "$stderr" ''
	commit_of_2 | append_as 4
	run --separate-stderr mq-consume --offset-file cursor -D ' ' txn
	assert_success
	assert_output 'committed 0 committed 2 '
	[[ $stderr == *'up to offset 2,'* ]]
	abort_of_3 | append_as 6
	run --separate-stderr mq-consume --offset-file cursor -D ' ' txn
	assert_output 'behind 4 behind 6 '
	assert_equal "$stderr" ''
	run tail -n 1 cursor
	assert_output '0 8 0'
}

@test "-F goes on when a transaction has ended" {
	open_transactions
	background mq-consume -F txn >got 2>said
	wait_for 5 sleeps "$pid"
	assert_equal "$(cat got)" ''
	commit_of_2 | append_as 4
	wait_for 5 has_lines got 2
	wait_for 5 sleeps "$pid"
	assert_equal "$(cat got)" $'committed 0\ncommitted 2'
	mq-produce txn <<<more
	wait_for 5 sleeps "$pid"
	abort_of_3 | append_as 7
	wait_for 5 has_lines got 5
	assert_equal "$(tail -n +3 got)" $'behind 4\nmore\nbehind 7'
	assert_equal "$(cat said)" ''
}

@test "-F with a range goes on up to its end when a transaction has ended" {
	open_transactions
	background mq-consume -F -o :4 txn >got
	wait_for 5 sleeps "$pid"
	commit_of_2 | append_as 4
	wait_for 5 has_lines got 2
	abort_of_3 | append_as 6
	ends "$pid" 0
	assert_equal "$(cat got)" $'committed 0\ncommitted 2'
}

@test "-w waits for a record that is shown: markers, aborted and open transactions are none" {
	kafka "$KAFKA/txn-1"/*.log
	run mq-consume -w 50ms --fail-empty -o 2 txn
	assert_failure 1
	background mq-consume -w 60s -o 2 txn >got
	wait_for 5 sleeps "$pid"
	mq-produce txn <<<new
	ends "$pid" 0
	assert_equal "$(cat got)" new
	mq-topic delete -y txn
	open_transactions
	background mq-consume -w 60s txn >got
	wait_for 5 sleeps "$pid"
	commit_of_2 | append_as 4
	ends "$pid" 0
	assert_equal "$(cat got)" $'committed 0\ncommitted 2'
}

@test "a transaction whose end is damaged is 74" {
	kafka "$KAFKA/txn-0"/*.log
	mq-produce txn <<<synced
	printf X | dd of="$MQ_DIR/topics/txn/txn-0/00000000000000000004.log" bs=1 seek=70 conv=notrunc status=none
	run mq-consume txn
	assert_failure 74
	assert_output --partial 'offset 0 waits for its transaction to end: offset 4: 00000000000000000004.log at 0: CRC is'
	# And when recovery has found it.
	new_boot txn
	run mq-consume txn
	assert_failure 74
	assert_line 'mq-consume: txn/0: damaged from offset 4 on'
	refute_output --partial 'neither committed'
}

@test "--offset-file: the leader epoch of what was passed over counts, too" {
	local segment=$MQ_DIR/topics/txn/txn-0/00000000000000000004.log

	kafka "$KAFKA/txn-0"/*.log
	# The last commit becomes one of epoch 1.
	truncate -s 367 "$segment"
	printf '\0\0\0\1' | dd of="$segment" bs=1 seek=301 conv=notrunc status=none
	printf '0\n2\n0 0\n1 9\n' >"${segment%/*}/leader-epoch-checkpoint"
	run --separate-stderr mq-consume --offset-file cursor txn
	assert_equal "$(wc -l <<<"$output")" 5
	run tail -n 1 cursor
	assert_output '0 10 1'
	mq-produce txn <<<new
	run --separate-stderr mq-consume --offset-file cursor txn
	assert_output new
	assert_equal "$stderr" ''
}

@test "-D and -0 set what stands behind each record" {
	printf 'a\nb\n' | mq-produce t
	run mq-consume -D '<\t>' t
	assert_output $'a<\t>b<\t>'
	mq-consume -0 t | cmp - <(printf 'a\0b\0')
	run mq-consume -D '' t
	assert_output ab
}

@test "-K prints the key; -Z and --null say what null is, else it is empty" {
	printf 'k:v\n:w\nx:\n' | mq-produce -Z -K : t
	echo lone | mq-produce t
	run mq-consume -K '=>' t
	assert_output $'k=>v\n=>w\nx=>\n=>lone'
	run mq-consume -Z -K : t
	assert_output $'k:v\n:w\nx:NULL\nNULL:lone'
	run mq-consume --null '' -K : t
	assert_output $'k:v\n:w\nx:\n:lone'
	run mq-consume --null '\N' -o 2 -c 1 t
	assert_output '\N'
	run mq-consume -Z -f '%k %v;' t
	assert_output 'k v; w;x NULL;NULL lone;'
}

@test "-f: every verb" {
	mq-produce -k key -t 2026-11-22T10:00:00.250Z -H a=1 -H b= t <<<value
	run mq-consume -f '%t|%p|%o|%k|%K|%v|%V|%T|%d|%H|%e|%%|%s|%S' t
	assert_output 't|0|0|key|3|value|5|1795341600250|2026-11-22T10:00:00.250Z|2|0|%|value|5'
	run mq-consume -f '%d{strftime[%F %T]} %d{strftime[%Y%%]}' t
	assert_output '2026-11-22 10:00:00 2026%'
	run mq-consume -f '%h{<%k=%v %K %V>}|%h' t
	assert_output '<a=1 1 1><b= 1 0>|a=1,b='
	# kcat tells a null header from an empty one without being asked.
	mq-produce -J t <<<'{"value":"v","headers":[{"name":"n","value":null},{"name":"e","value":""}]}'
	run mq-consume -o 1 -f '%h %h{%k:%v;}' t
	assert_output 'n=NULL,e= n:;e:;'
	run mq-consume -o 1 --null - -f '%h %h{%k:%v;}' t
	assert_output 'n=-,e= n:-;e:;'
}

@test "-f: modifiers of numbers and of bytes" {
	mq-produce -k 'k?' t <<<val
	run mq-consume -f '%V{ascii} %V{hex64} %V{hex8} %k{hex} %v{base64} %t{hex}' t
	assert_output '3 0000000000000003 03 6b3f dmFs 74'
	mq-consume -f '%V{big64}%V{big32}%V{big16}%V{big8}%V{byte}%R' t |
		cmp - <(printf '\0\0\0\0\0\0\0\3\0\0\0\3\0\3\3\3\0\0\0\3')
	mq-consume -f '%V{little64}%V{little32}%V{little16}%V{little8}' t | cmp - <(printf '\3\0\0\0\0\0\0\0\3\0\0\0\3\0\3')
	printf 'x:\n' | mq-produce -Z -K : t
	run mq-consume -o 1 -f '%V %V{hex16} %v{base64}.' t
	assert_output '-1 ffff .'
}

@test "-f: a length that does not fit is 74; what came before it is printed" {
	mq-produce t <<<short
	head -c 200 /dev/zero | tr '\0' x | mq-produce t
	run mq-consume -f '%V{big16}%V\n' t
	assert_success
	run mq-consume -f '%V{byte}%V\n' t
	assert_failure 74
	assert_output --partial 'offset 1'
	run bash -c "mq-consume -f '%V{byte}%v\n' t 2>/dev/null | tr '\005' '#'"
	assert_output '#short'
}

@test "-f: escapes, and no newline of its own" {
	printf 'a\nb\n' | mq-produce t
	run mq-consume -f '<%v\t\x41\\>' t
	assert_output $'<a\tA\\><b\tA\\>'
}

@test "-J: an object a line with all that is known of a record" {
	mq-produce -k key -t 2026-11-22T10:00:00.250Z -H a=1 -H b= t <<<'say "hi"'
	printf '\xff\0:\xfe' | mq-produce -Z -t 1700000000000 -K : -H $'\xfd=x' t
	printf 'n:' | mq-produce -Z -t 1700000000000 -K : t
	run mq-consume -J t
	assert_line --index 0 '{"topic":"t","partition":0,"offset":0,"timestamp":1795341600250,"timestamp_type":"CreateTime","key":"key","value":"say \"hi\"","headers":[{"name":"a","value":"1"},{"name":"b","value":""}],"leader_epoch":0}'
	assert_line --index 1 '{"topic":"t","partition":0,"offset":1,"timestamp":1700000000000,"timestamp_type":"CreateTime","key_base64":"/wA=","value_base64":"/g==","headers":[{"name_base64":"/Q==","value":"x"}],"leader_epoch":0}'
	assert_line --index 2 '{"topic":"t","partition":0,"offset":2,"timestamp":1700000000000,"timestamp_type":"CreateTime","key":"n","value":null,"headers":[],"leader_epoch":0}'
	mq-topic create own -c message.timestamp.type=LogAppendTime
	mq-produce own <<<a
	run bash -c 'mq-consume -J own | jq -r .timestamp_type'
	assert_output LogAppendTime
}

@test "-J is JSON as jq has it" {
	head -c 300000 /dev/urandom | mq-produce t
	head -c 300000 /dev/urandom | iconv -c -f UTF-8 -t UTF-8 | tr -d '\n' | fold -b -w 1000 | mq-produce -K e t || true
	printf '%b' "$(printf '\\x%02x' {0..127})" | mq-produce --whole t
	mq-consume -J t >printed
	jq -c . printed | jq -S . | cmp - <(jq -S . printed)
	jq -rj 'select(.value != null) | .value' printed >texts
	mq-consume -J t | jq -rj '.value // (.value_base64 | @base64d) | length | "\(.)\n"' >/dev/null
	jq -r 'select(.value_base64) | .value_base64' printed | base64 -d | cmp - <(mq-consume -J t | jq -r '.value_base64 // empty' | base64 -d)
	jq -se 'all(.[]; (.offset | type) == "number" and (.headers | type) == "array")' printed
}

@test "--offset-file: each run goes on where the last one ended" {
	ten
	run values --offset-file cursor
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	run values --offset-file cursor
	assert_success
	assert_output ''
	seq 10 12 | mq-produce t
	run values --offset-file cursor -c 2
	assert_output '10 11 '
	run values --offset-file cursor
	assert_output '12 '
	run cat cursor
	assert_line --index 0 --regexp '^[A-Za-z0-9_-]{22}$'
	assert_line --index 1 '0 13 0'
}

@test "--offset-file: -o stored is the default; start, end and @TIME count where nothing is stored yet, a number always" {
	ten
	run values --offset-file a -o stored -c 3
	assert_output '0 1 2 '
	run values --offset-file a -o start -c 1
	assert_output '3 '
	run values --offset-file a -o end -c 1
	assert_output '4 '
	run values --offset-file a -o @2000-01-01 -c 1
	assert_output '5 '
	run values --offset-file a -o 2 -c 1
	assert_output '2 '
	run values --offset-file a -o stored:6
	assert_output '3 4 5 '
	run values --offset-file b -o end
	assert_output ''
	seq 10 11 | mq-produce t
	run values --offset-file b
	assert_output '10 11 '
}

@test "--offset-file: partitions that are not read keep their place, new ones begin at their start" {
	mq-topic create two -p 2
	printf 'a\nb\nc\nd\n' | mq-produce two
	run mq-consume --offset-file cursor -p 1 -c 1 two
	assert_output b
	run mq-consume --offset-file cursor -p 0 two
	assert_output $'a\nc'
	mq-topic alter two -p 3
	mq-produce -p 2 two <<<e
	run mq-consume --offset-file cursor two
	assert_output $'d\ne'
	run tail -n +2 cursor
	assert_output $'0 2 0\n1 2 0\n2 1 0'
}

@test "--offset-file: a topic that was deleted and made again is 78, and the file is left as it is" {
	ten
	mq-consume -q --offset-file cursor t
	cp cursor before
	mq-topic delete t -y
	mq-topic create t
	ten
	run mq-consume --offset-file cursor t
	assert_failure 78
	assert_output --partial 'cursor: of another topic'
	cmp cursor before
	echo nonsense >cursor
	run mq-consume --offset-file cursor t
	assert_failure 78
	rm cursor
	mq-consume -q --offset-file cursor t
	sed -i 's/^0 10 /0 x /' cursor
	run mq-consume --offset-file cursor t
	assert_failure 78
}

@test "--offset-file: what a trim removed is told once" {
	ten
	mq-consume -q -c 2 --offset-file cursor t
	mq-topic trim t --before 5 -y
	run values --offset-file cursor
	assert_failure 1
	assert_output --partial '3 records, offsets 2 to 4'
	assert_output --partial '5 6 7 8 9 '
	run values --offset-file cursor
	assert_success
	assert_output ''
}

@test "--offset-file: a log that is shorter than the cursor is gone on with at its end, and it is told" {
	ten
	mq-consume -q --offset-file cursor t
	sed -i 's/^0 10 0$/0 15 0/' cursor
	run --separate-stderr values --offset-file cursor
	assert_success
	assert_output ''
	# shellcheck disable=SC2154
	assert_regex "$stderr" 't/0: the log was cut: the cursor is at offset 15 of leader epoch 0, which ends at 10'
	mq-produce t <<<10
	run values --offset-file cursor
	assert_output '10 '
}

@test "--offset-file: records of another leader epoch than the cursor read are read from where the two part" {
	ten
	mq-consume -q --offset-file cursor t
	printf '0\n2\n0 0\n1 7\n' >"$MQ_DIR/topics/t/t-0/leader-epoch-checkpoint"
	run --separate-stderr values --offset-file cursor
	assert_success
	assert_output '7 8 9 '
	assert_regex "$stderr" 'which ends at 7; going on there'
}

@test "--offset-file: a reader that closes early moves nothing" {
	seq 1000000 | mq-produce t
	run bash -c 'mq-consume --offset-file cursor t | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_output $'1\n141'
	[[ ! -e cursor ]]
	run bash -c 'mq-consume -c 5 --offset-file cursor t | true; echo "${PIPESTATUS[0]}"'
	assert_output 141
	[[ ! -e cursor ]]
	run bash -c 'mq-consume -c 5 --offset-file cursor t | cat; echo "${PIPESTATUS[0]}"'
	assert_output $'1\n2\n3\n4\n5\n0'
	run mq-consume -c 1 --offset-file cursor t
	assert_output 6
}

@test "--offset-file: a stdout that fails moves nothing" {
	ten
	run bash -c 'mq-consume --offset-file cursor t >/dev/full'
	assert_failure 74
	[[ ! -e cursor ]]
	run bash -c 'mq-consume -f "%v %V{big8}\n" --offset-file cursor t >out'
	assert_success
	[[ -s cursor ]]
	mq-produce t < <(head -c 200 /dev/zero | tr '\0' x)
	cp cursor before
	run mq-consume -f '%V{byte}' --offset-file cursor t
	assert_failure 74
	cmp cursor before
}

@test "--offset-file: a file as stdout is synced before" {
	ten
	MQ_SHIM=kill:0:fdatasync,rename,renameat,renameat2 MQ_SHIM_PATH='*' MQ_SHIM_LOG=$PWD/calls LD_PRELOAD=$MQ_BUILD/shim.so mq-consume --offset-file cursor t >out
	run cat calls
	assert_line --index 0 --partial 'fdatasync'
	assert_line --index 1 --partial 'rename'
}

@test "--offset-file: a damaged partition moves nothing" {
	mq-topic create two -p 2
	mq-produce -p 0 two <<<a
	mq-produce -p 1 two <<<b
	printf X | dd of="$MQ_DIR/topics/two/two-0/00000000000000000000.log" bs=1 seek=64 conv=notrunc status=none
	run mq-consume --offset-file cursor two
	assert_failure 74
	[[ ! -e cursor ]]
}

@test "--offset-file -F: committed whenever no record is at hand, and by INT and TERM" {
	local signal

	ten
	for signal in INT TERM; do
		# In the background of a script INT is ignored.
		background env --default-signal=INT mq-consume -F --offset-file cursor t >got
		wait_for 5 grep -q '^0 10 0$' cursor
		mq-produce t <<<10
		wait_for 5 grep -q '^0 11 0$' cursor
		kill -STOP "$pid"
		mq-produce t <<<11
		kill "-$signal" "$pid"
		kill -CONT "$pid"
		ends "$pid" $((128 + $(kill -l "$signal")))
		run tail -n +2 cursor
		assert_output "0 $(($(tail -n 1 got) + 1)) 0"
		rm cursor
		mq-topic delete t -y
		mq-topic create t
		ten
	done
}

@test "--offset-file -F: a killed one has committed what was taken; nothing is lost" {
	seq 100 | mq-produce t
	background mq-consume -F --offset-file cursor t > >(exec cat >got 3>&- 4>&-)
	wait_for 5 grep -q '^0 100 0$' cursor
	kill -KILL "$pid"
	ends "$pid" 137
	seq 101 200 | mq-produce t
	mq-consume --offset-file cursor t >>got
	cmp got <(seq 200)
}

@test "--offset-file -F: a reader that is slow to take it delays the commit, and it comes" {
	ten
	mkfifo pipe
	exec 5<>pipe
	background mq-consume -F --offset-file cursor t >pipe 5>&-
	wait_for 5 sleeps "$pid"
	[[ ! -e cursor ]]
	assert_equal "$(head -c 20 <&5)" "$(seq 0 9)"
	wait_for 5 grep -q '^0 10 0$' cursor
	exec 5>&-
}

@test "--offset-file: a folder that is not there is 66, one that may not be written to 77, before anything is printed" {
	ten
	run mq-consume --offset-file no/cursor t
	assert_failure 66
	refute_line 0
	run mq-consume --offset-file t/ t
	assert_failure
	need_root
	local d

	d=$(mktemp -d)
	chmod 755 "$d"
	cp "$(command -v mq-consume)" "$d/"
	cp -a "$MQ_DIR" "$d/store"
	chmod -R a+rX "$d"
	run setpriv --reuid nobody --clear-groups "$d/mq-consume" -d "$d/store" --offset-file "$d/cursor" t
	rm -r "$d"
	assert_failure 77
	refute_line 0
}

@test "records with every byte come out as they went in, from a store whose path has spaces and a newline" {
	local dir=$'a store\nof mine'

	head -c 1000000 /dev/urandom >random
	mq-topic -d "./$dir" create b
	mq-produce -d "./$dir" --whole b random
	mq-consume -d "./$dir" -D '' b | cmp - random
}

@test "a reader that closes early ends it by SIGPIPE, without a word" {
	seq 1000000 | mq-produce t
	run bash -c 'mq-consume t | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_output $'1\n141'
	run bash -c 'trap "" PIPE; mq-consume t | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_output $'1\n141'
}

@test "a closed pipe is noticed while waiting" {
	ten
	# shellcheck disable=SC2016
	background bash -c 'mq-consume -F t | head -n 1; echo "${PIPESTATUS[0]}"' >got
	ends "$pid" 0
	assert_equal "$(cat got)" $'0\n141'
}

@test "a slow reader gets everything" {
	seq 300000 | mq-produce t
	mq-consume t | {
		read -r first
		mq-produce t <<<late
		assert_equal "$first" 1
		cmp - <(seq 2 300000)
	}
}

@test "a full stdout is 74" {
	ten
	run bash -c 'mq-consume t >/dev/full'
	assert_failure 74
	assert_output --partial 'stdout'
	assert_equal "${#lines[@]}" 1
	run bash -c 'mq-consume t >&-'
	assert_failure 74
}

@test "a topic that is deleted while it waits is 66" {
	ten
	background mq-consume -F t >got 2>said
	wait_for 5 sleeps "$pid"
	mq-topic delete t -y
	ends "$pid" 66
	assert_equal "$(cat got)" "$(seq 0 9)"
	assert_equal "$(cat said)" 'mq-consume: t: the topic was deleted'
}

@test "records that a trim removed are told with their number; the run goes on and ends with 1" {
	ten
	mq-topic trim t --before 4 -y
	run values
	assert_success
	assert_output '4 5 6 7 8 9 '
	run values -o +1
	assert_output '5 6 7 8 9 '
	run --separate-stderr values -o 1
	assert_failure 1
	assert_output '4 5 6 7 8 9 '
	# shellcheck disable=SC2154
	assert_regex "$stderr" '^mq-consume: t/0: 3 records, offsets 1 to 3, '
	run --separate-stderr values -o 1:3
	assert_failure 1
	assert_output ''
	assert_regex "$stderr" 't/0: 2 records, offsets 1 to 2, '
	run values -o 4
	assert_success
}

@test "a trim under a consumer that waits is no loss" {
	ten
	background mq-consume -F t >got 2>said
	wait_for 5 has_lines got 10
	mq-topic trim t --before 8 -y
	mq-produce t <<<10
	wait_for 5 has_lines got 11
	kill -TERM "$pid"
	ends "$pid" 143
	assert_equal "$(cat said)" ""
}

@test "damage: everything before it is printed, then 74 names the place" {
	seq 0 9 | mq-produce t
	seq 10 19 | mq-produce t
	seq 20 29 | mq-produce t
	local log=$MQ_DIR/topics/t/t-0/00000000000000000000.log

	printf X | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") / 2)) conv=notrunc status=none
	run --separate-stderr mq-consume t
	assert_failure 74
	assert_output "$(seq 0 9)"
	assert_regex "$stderr" '^mq-consume: t/0: .*00000000000000000000\.log'
}

@test "damage in one partition does not hide the others" {
	mq-topic create two -p 2
	mq-produce -p 0 two <<<a
	mq-produce -p 1 two <<<b
	printf X | dd of="$MQ_DIR/topics/two/two-0/00000000000000000000.log" bs=1 seek=64 conv=notrunc status=none
	run --separate-stderr mq-consume two
	assert_failure 74
	assert_output b
}

@test "who may not write reads all the same, and leaves nothing behind" {
	need_root
	local d

	ten
	d=$(mktemp -d)
	chmod 755 "$d"
	cp "$(command -v mq-consume)" "$d/"
	cp -a "$MQ_DIR" "$d/store"
	# A copied store: its pages cannot be trusted, and this reader cannot make them so.
	chmod -R a+rX "$d"
	find "$d/store" -type f -exec md5sum {} + | sort >before
	run setpriv --reuid nobody --clear-groups "$d/mq-consume" -d "$d/store" t
	find "$d/store" -type f -exec md5sum {} + | sort >after
	rm -r "$d"
	assert_success
	assert_output "$(seq 0 9)"
	cmp before after
}

@test "a store that was copied is read and written to as if it were the first" {
	ten
	cp -a "$MQ_DIR" copy
	mq-produce -d ./copy t <<<10
	run mq-consume -d ./copy t
	assert_output "$(seq 0 10)"
	run mq-consume t
	assert_output "$(seq 0 9)"
}

@test "no store, no topic: 66, at once, also with -F and -w" {
	run mq-consume nosuch
	assert_failure 66
	assert_output --partial 'mq-topic create nosuch'
	run timeout 10 mq-consume -F nosuch
	assert_failure 66
	run timeout 10 mq-consume -w 60s nosuch
	assert_failure 66
	run mq-consume -d ./nostore t
	assert_failure 66
}

@test "a mistake in the command line is one line and 2" {
	check() {
		local expected=$1

		shift
		run mq-consume "$@"
		assert_failure 2
		assert_output --partial "$expected"
		assert_equal "${#lines[@]}" 1
	}
	check 'TOPIC'
	check 'one operand too many' t u
	check 'the topic is an operand' -t t
	check 'the topic is an operand' --topic t
	check 'no broker' -b localhost t
	check 'mq-consume TOPIC' -C -t t
	check 'mq-produce TOPIC' -P t
	check '-g GROUP' -G g t
	check '-c N' -n 5 t
	check 'default' --from-beginning t
	check '-c N' --max-messages 5 t
	check '-w D' --timeout-ms 1000 t
	check '-f FORMAT or -J' --formatter x t
	check 'no client properties' -X a=b t
	check 'no client properties' --consumer.config f t
	check '-K DELIM' --property print.key=true t
	check 'places and times' --meta-only t
	check '--follow is one' --folow t
	check 'no such option' -Y t
	check 'FROM:TO' -o nowhere t
	check 'FROM:TO' -o : t
	check 'FROM:TO' -o 1:2:3 t
	check 'FROM:TO' -o @yesterday t
	check 'milliseconds' -o s@now t
	check '-e ends' -F -e t
	check 'one of them' -F -w 1s t
	check 'end at a time' -F -o :@2026-11-22 t
	check 'not from 1' -c 0 t
	check 'not a number' -c many t
	check 'partitions are numbers' -p 1, t
	check 'partitions are numbers' -p a t
	check 'partitions are numbers' -p -1 t
	check 'duration' -w 5 t
	check 'no such verb' -f '%q' t
	check 'lone %' -f '%' t
	check 'closing brace' -f '%v{hex' t
	check 'closing brace' -f '%h{%k' t
	check 'hex' -f '%v{big32}' t
	check 'ascii' -f '%V{base64}' t
	check 'no such verb' -f '%h{%o}' t
	check 'strftime' -f '%d{go[x]}' t
	check 'escape' -f 'a\q' t
	check '-f says all' -f %v -D x t
	check '-f says all' -f %v -K x t
	check '-J says all' -J -0 t
	check 'one of them' -J -f %v t
	check 'not with -Z' -J -Z t
	check '--offset-file' -o stored t
	check 'FROM:TO' --offset-file cursor -o :stored t
	check 'topic name' ../t
}

@test "what is not supported yet is refused" {
	for option in '-g x' '--commit end' --commit-sync '--instance x' --due '--max-age 1s' \
		--latest '-n 1' -x '-j 2' '--retries 1' '--dead-letter x' '--into x'; do
		# shellcheck disable=SC2086
		run mq-consume $option t
		assert_failure 2
		assert_output --partial 'not supported yet'
	done
	run mq-consume t -- cat
	assert_failure 2
	assert_output --partial 'not supported yet'
}

@test "-h shows examples first, -V one line" {
	run mq-consume --help
	assert_success
	assert_line --index 0 --partial 'mq-consume app-log'
	run mq-consume -V
	assert_success
	assert_output --regexp '^mq-consume [0-9.]+$'
}

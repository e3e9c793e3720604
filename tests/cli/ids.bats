#!/usr/bin/env bats
# mq-produce --id: one input, stored once, whatever happens between its runs.
# shellcheck disable=SC2030,SC2031 # each test is a subshell
load ../lib/mq
load ../lib/background
load ../lib/crash

setup() {
	mq_setup
	mq-topic create t -p 3
}

stored() { mq-consume "${@:2}" "$1"; }
ids() { echo "$MQ_DIR/topics/t/ids"; }
value_of() { sed -n "s/^$2=//p" "$(ids)/$1"; }

# is_refused STATUS TEXT CMD...: it ends so, says this, and stores nothing.
is_refused() {
	local before

	before=$(stored t -f '%p %o %v\n')
	run -"$1" "${@:3}"
	assert_output --partial "$2"
	assert_output --partial '0 records stored, 0 unknown'
	assert_equal "$(stored t -f '%p %o %v\n')" "$before"
}

@test "a rerun stores nothing twice" {
	seq 1000 | mq-produce --id a t
	seq 1000 | mq-produce --id a t
	seq 1000 | mq-produce --id a t
	[[ $(stored t | sort -n) == "$(seq 1000)" ]]
}

@test "a longer input is continued, through days and boots" {
	seq 10 | mq-produce --id a t
	new_boot t
	seq 20 | mq-produce --id a t
	seq 2000 | mq-produce --id a t
	[[ $(stored t | sort -n) == "$(seq 2000)" ]]
	# Round robin went on where it was.
	[[ $(stored t -p 0) == "$(seq 1 3 2000)" && $(stored t -p 1) == "$(seq 2 3 2000)" ]]
}

@test "lines of one partition are known again, however they come" {
	mq-topic create one
	seq 30000 | mq-produce --id a one
	awk 'BEGIN { for (i = 1; i <= 30001; i++) printf "{\"value\":\"%d\"}\n", i }' | mq-produce -J --id a one
	seq 30002 | tr '\n' '\0' | mq-produce -0 --id a one
	seq 40000 | mq-produce --id a one
	cmp <(stored one) <(seq 40000)
	run -65 mq-produce --id a one < <(seq 40000 | sed s/^39999$/x/)
	assert_output --partial "one of the input's records 32769 to 40000 is another"
	cmp <(stored one) <(seq 40000)
}

@test "round robin begins at partition 0, and moves nobody else's" {
	seq 2 | mq-produce t
	seq 4 | mq-produce --id a -o '%p %v\n' t | sort >told
	[[ $(<told) == $'0 1\n0 4\n1 2\n2 3' ]]
	[[ $(echo x | mq-produce -o %p t) == 2 ]]
}

@test "an input that begins otherwise is told from the first step on" {
	seq 100 | mq-produce --id a t
	is_refused 65 "stdin: record 1: --id a: not the input that is stored under this name: this record is another" \
		mq-produce --id a t < <(seq 2 100)
	is_refused 65 "stdin: record 2: --id a: not the input" mq-produce --id a t < <(sed s/^2$/x/ <(seq 100))
	is_refused 65 "one of the input's records 17 to 32 is another" mq-produce --id a t < <(sed s/^30$/x/ <(seq 200))
	is_refused 65 "one of the input's records 65 to 100 is another" mq-produce --id a t < <(sed s/^99$/x/ <(seq 200))
	is_refused 65 "record 1" mq-produce --id a t </dev/zero
	seq 101 | mq-produce --id a t
}

@test "a file is named with the number of the record in it" {
	seq 10 >one
	seq 11 20 >two
	mq-produce --id a t one two
	mq-produce --id a t one two
	is_refused 65 "two: record 1:" mq-produce --id a t one <(echo 11) <(seq 12 15) two
	seq 21 30 >three
	mq-produce --id a t one two three
	[[ $(stored t | sort -n) == "$(seq 30)" ]]
}

@test "a shorter input is refused, because it may be another that begins the same" {
	seq 10 | mq-produce --id a t
	is_refused 65 "--id a: the input ends with record 9, but 1 more are stored under this name" mq-produce --id a t < <(seq 9)
	is_refused 65 "the input ends with record 0" mq-produce --id a t </dev/null
	# A last line that was not finished was a record.
	printf '11\n1' | mq-produce --id b t
	is_refused 65 "record 2: --id b" mq-produce --id b t < <(printf '11\n12\n')
}

@test "an empty input is one, too" {
	mq-produce --id a t </dev/null
	[[ ! -e $(ids)/a ]]
	echo x | mq-produce --id a t
	[[ $(stored t) == x ]]
}

@test "key, value, headers, partition and the input's own times are compared; -t and -z are not" {
	printf 'k:v\n' | mq-produce --id a -K : -H h=1 -t 2026-01-01 t
	printf 'k:v\n' | mq-produce --id a -K : -H h=1 -t -5m -z gzip t
	is_refused 65 "this record is another" mq-produce --id a -K : -H h=2 t < <(printf 'k:v\n')
	is_refused 65 "this record is another" mq-produce --id a -K : -H h=1 -H h=1 t < <(printf 'k:v\n')
	is_refused 65 "this record is another" mq-produce --id a -K : t < <(printf 'k:v\n')
	is_refused 65 "this record is another" mq-produce --id a -K k: -H h=1 t < <(printf 'k:v\n')
	is_refused 65 "this record is another" mq-produce --id a -k kv -H h=1 t < <(printf '\n')
	for p in 0 1 2; do mq-produce --id a -p $p -k k -H h=1 t < <(echo v) 2>/dev/null && echo $p; done >places
	[[ $(wc -l <places) == 1 ]]
	printf '{"partition":%d,"value":"x"}\n' 0 1 | mq-produce --id places -J -p input t
	is_refused 65 "record 1:" mq-produce --id places -J -p input t < <(printf '{"partition":%d,"value":"x"}\n' 1 0)
	printf '\n' | mq-produce --id null -Z t
	is_refused 65 "this record is another" mq-produce --id null t < <(printf '\n')
	j='{"value":"v","timestamp":5}'
	echo "$j" | mq-produce -J --id j t
	echo "$j" | mq-produce -J --id j t
	is_refused 65 "this record is another" mq-produce -J --id j t < <(echo "${j/5/6}")
	[[ $(stored t | wc -l) == 5 ]]
}

@test "--whole: a longer file is another record" {
	seq 10 >f
	mq-produce --id a --whole t f
	mq-produce --id a --whole t f
	seq 11 >f
	is_refused 65 "this record is another" mq-produce --id a --whole t f
	is_refused 65 "the input ends with record 0" mq-produce --id a --whole t /dev/null </dev/null || true
}

@test "any way to give records" {
	printf 'a\0b\0' | mq-produce --id 0 -0 t
	printf 'a\0b\0' | mq-produce --id 0 -0 t
	printf '1:a\n2:b\n' | mq-produce --id f -f '%k:%v\n' -z zstd t
	printf '1:a\n2:b\n3:c' | mq-produce --id f -f '%k:%v\n' -z zstd t
	mq-produce --id c t -- seq 3
	mq-produce --id c t -- seq 4
	printf '{"partition":%d,"value":"x"}\n' 2 0 | mq-produce --id p -J -p input t
	printf '{"partition":%d,"value":"x"}\n' 2 0 1 | mq-produce --id p -J -p input t
	[[ $(stored t | wc -l) == $((2 + 3 + 4 + 3)) ]]
	run -1 mq-produce --id c t -- sh -c 'seq 6; exit 3'
	assert_output --partial '2 records stored, 0 unknown'
	mq-produce --id c t -- seq 6
	[[ $(stored t | wc -l) == $((2 + 3 + 6 + 3)) ]]
}

@test "a command that fails before it has repeated what is stored changes nothing" {
	mq-produce --id c t -- seq 5
	run -1 mq-produce --id c t -- sh -c 'seq 3; exit 3'
	assert_output --partial '0 records stored, 0 unknown'
	mq-produce --id c t -- seq 7
	[[ $(stored t | sort -n) == "$(seq 7)" ]]
}

@test "a bad record: what was before it is stored, also for the next run" {
	run -65 mq-produce --id a -K : t < <(printf '1:a\n2:b\nbad\n4:d\n')
	assert_output --partial 'record 3: no key'
	assert_output --partial '2 records stored, 0 unknown'
	printf '1:a\n2:b\n3:c\n4:d\n' | mq-produce --id a -K : t
	[[ $(stored t | sort) == $'a\nb\nc\nd' ]]
	# One that is too large had its turn in the round robin.
	mq-topic create small -p 2 -c max.message.bytes=100
	run -65 mq-produce --id b small < <(printf 'a\nb\n%0200d\nd\n' 0)
	printf 'a\nb\nc\nd\n' | mq-produce --id b small
	[[ $(stored small -p 0) == $'a\nc' && $(stored small -p 1) == $'b\nd' ]]
}

@test "a second live one is told who is the first" {
	open_input in
	background mq-produce --id a t <in
	echo 1 >&4
	wait_for 5 test -e "$(ids)/a"
	is_refused 75 "t/ids/a: is at work: process $pid of user $(id -u) (" mq-produce --id a t < <(seq 2)
	kill -STOP "$pid"
	is_refused 75 "t/ids/a: is at work: process $pid of user $(id -u) (stopped)" mq-produce --id a t < <(seq 2)
	kill -CONT "$pid"
	echo x | mq-produce --id b t
	kill -KILL "$pid"
	wait_for 5 is_dead "$pid"
	close_input
	seq 2 | mq-produce --id a t
	[[ $(stored t | sort) == $'1\n2\nx' ]]
}

@test "two at once: one stores, the other is told, nothing is stored twice" {
	seq 20000 >in
	for i in 1 2 3 4 5 6; do
		background mq-produce --id a t in 2>"said$i"
	done
	wait_for 20 eval 'mq-produce --id a t in'
	while read -r pid; do wait_for 20 is_dead "$pid"; done <background.pids
	[[ $(stored t | sort -n) == "$(<in)" ]]
}

@test "partitions that are added later change nothing for it" {
	seq 100 | sed 's/.*/&:&/' | mq-produce --id k -K : t
	seq 100 | mq-produce --id r t
	mq-topic alter t -p 7
	seq 200 | sed 's/.*/&:&/' | mq-produce --id k -K : t
	seq 200 | mq-produce --id r t
	for p in 3 4 5 6; do [[ -z $(stored t -p $p) ]]; done
	[[ $(stored t | sort -n | uniq -c | awk '{ print $1 }' | sort -u) == 2 && $(value_of k partitions) == 3 ]]
	# A new name takes them all, and a record that names its partition may go to any.
	seq 7 | mq-produce --id new -o '%p\n' t | sort | tail -n 1 >last
	[[ $(<last) == 6 ]]
	printf '{"partition":%d,"value":"x"}\n' 0 | mq-produce --id p -J -p input t
	mq-topic alter t -p 9
	printf '{"partition":%d,"value":"x"}\n' 0 8 | mq-produce --id p -J -p input t
	printf '{"partition":%d,"value":"x"}\n' 0 8 | mq-produce --id p -J -p input t
	[[ $(stored t -p 8) == x ]]
}

@test "what retention removed is known, also when the run before was killed" {
	mq-topic create trimmed -c segment.bytes=500
	seq 100 >in
	MQ_FAULT=log.append.unlocked:2 run -137 mq-produce --id a -o '%v\n' trimmed < <(sed 10q in && sleep 0.3 && sed 1,10d in)
	mq-topic trim -y trimmed --before 10 # the first batch, behind the checkpoint
	mq-produce --id a trimmed in
	[[ $(stored trimmed) == "$(sed 1,10d in)" && $(stored trimmed -f '%o\n' | tail -n 1) == 99 ]]
	# All of it, and then some.
	for i in {1..20}; do echo "other $i" | mq-produce trimmed; done
	mq-topic trim -y trimmed --before 120
	mq-produce --id a trimmed in
	is_refused_there 'one of' <(sed s/50/x/ in)
	MQ_FAULT=named.synced run -137 mq-produce --id a trimmed <(seq 103)
	for i in {1..20}; do echo "other $i" | mq-produce trimmed; done
	mq-topic trim -y trimmed --before 140
	mq-produce --id a trimmed <(seq 105)
	[[ $(stored trimmed | grep -v other) == $'104\n105' ]]
}

is_refused_there() {
	run -65 mq-produce --id a trimmed "$2"
	assert_output --partial "$1"
}

@test "a log that is older than the checkpoint gets what it lacks" {
	seq 10 | mq-produce --id a t
	cp -r "$MQ_DIR/topics/t" old
	seq 40 | mq-produce --id a t
	cp "$(ids)"/a kept
	# Somebody has put an older backup of the logs back.
	rm -r "$MQ_DIR/topics/t"
	mv old "$MQ_DIR/topics/t"
	cp kept "$(ids)/a"
	is_refused 65 "is another" mq-produce --id a t < <(sed s/^35$/x/ <(seq 40))
	seq 41 | mq-produce --id a t
	[[ $(stored t | sort -n) == "$(seq 41)" && $(stored t -p 0) == "$(seq 1 3 41)" ]]
	seq 41 | mq-produce --id a t
	[[ $(stored t | wc -l) == 41 ]]
}

@test "killed between its partitions: what is new waits until all that is stored was met" {
	# The third partition's record is stored, those before it in the input are not.
	printf '{"partition":%d,"value":"%s"}\n' 2 a 1 b 0 c 2 d >in
	MQ_FAULT=log.append.unlocked run -137 mq-produce --id a -J -p input t in
	new_boot t
	[[ $(stored t) == $'a\nd' ]]
	sed '4s/d/x/' in >other
	is_refused 65 "other: record 4: --id a" mq-produce --id a -J -p input t other
	is_refused 65 "ends with record 3, but 1 more" mq-produce --id a -J -p input t < <(sed 3q in)
	mq-produce --id a -J -p input t in
	[[ $(stored t -p 0) == c && $(stored t -p 1) == b && $(stored t -p 2) == $'a\nd' ]]
}

@test "many records wait in a file until all that is stored was met" {
	{
		echo '{"partition":2,"value":"first"}'
		yes '{"partition":0,"value":"0123456789012345678901234567890123456789"}' | head -n 500000
		echo '{"partition":2,"value":"last"}'
	} >in
	# Both of partition 2 are there, nothing of partition 0.
	sed -n '1p;$p' in >ends
	mq-produce --id a -J -p input t ends
	sed -i 's/^live=.*/live=1/; s/^records=.*/records=0/; s/^hashes=.*/hashes=0000000000000000/; s/^marks=.*/marks=2/; s/^2 2 2/2 0 0/' "$(ids)/a"
	sed -i 's/^2 0 0/0 0 0 0\n&/' "$(ids)/a"
	is_refused 65 "record 500003" mq-produce --id a -J -p input t < <(sed '$d' in && sed -n '2p' in && sed -n '$s/last/x/p' in)
	mq-produce --id a -J -p input t in
	[[ $(stored t -p 2) == $'first\nlast' && $(stored t -p 0 | wc -l) == 500000 ]]
	[[ ! -e $(ids)/a.tmp ]]
}

@test "-o tells of each record in at least one of the runs" {
	printf '{"partition":%d,"value":"%s"}\n' 0 a 1 b 2 c >in
	MQ_FAULT=log.append.unlocked:2 run -137 mq-produce --id a -o '%p %o %v\n' -J -p input t in
	assert_output '0 0 a'
	# b was stored and not told.
	mq-produce --id a -o '%p %o %v\n' -J -p input t in >told
	[[ $(<told) == $'0 0 a\n1 0 b\n2 0 c' ]]
	# Behind a checkpoint everything was told.
	[[ -z $(mq-produce --id a -o '%p %o %v\n' -J -p input t in) ]]
}

@test "what it says is stored is durable, also what an earlier run stored" {
	mq-topic create never -c fsync=never
	shim count:0:fdatasync
	MQ_FAULT=named.synced run -137 mq-produce --id a never < <(seq 3)
	new_boot never
	seq 3 | mq-produce --id a never
	[[ $(mq-consume never) == $'1\n2\n3' ]]
	# synced end of partition 0 is its end: od of the page's word.
	echo 4 | cat <(seq 3) - | mq-produce --id a never
	[[ $(od -A n -t d8 -j $((4096 + 24)) -N 8 "$MQ_DIR/topics/never/heads" | tr -d ' ') == 4 ]]
}

@test "its batches bear its producer id and sequence numbers, as Kafka has them" {
	for n in 2 5 9; do seq $n | mq-produce --id a -p 0 t; done
	echo x | mq-produce -p 0 t
	id=$(value_of a producer.id)
	mq-dump --tsv t/0 | awk -F '\t' -v id="$id" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ print ($at["PRODUCER-ID"] == id ? "id" : $at["PRODUCER-ID"]), $at["PRODUCER-EPOCH"], $at["SEQUENCE"] }' >seen
	[[ $(<seen) == $'id 0 0\nid 0 2\nid 0 5\n'* ]]
}

@test "names, and what they do not go with" {
	for name in a.lock a.tmp -x ../a . .. a/b '' "$(printf '%0250d' 1)"; do
		run -2 mq-produce "--id=$name" t </dev/null
	done
	run -2 mq-produce --id a -J - </dev/null
	assert_output --partial '--id: its input goes to one topic'
	long=$(printf 'n%0248d' 1)
	echo x | mq-produce --id "$long" t
	echo x | mq-produce --id "$long" t
	[[ $(stored t) == x ]]
}

@test "a file that is damaged stores nothing" {
	seq 3 | mq-produce --id a t
	cp "$(ids)/a" good
	for change in '1s/1/2/' '/^live/d' 's/^records=3/records=4/' '$d' '$p' 's/^hashes=./hashes=g/' 's/^2 1/9 1/' 's/^partitions=3/partitions=4/'; do
		sed "$change" good >"$(ids)/a"
		is_refused 74 "t/ids/a:" mq-produce --id a t < <(seq 3)
	done
	cp good "$(ids)/a"
	seq 3 | mq-produce --id a t
}

@test "who may not write to the topic cannot be a name, nor keep one from working" {
	need_root
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$MQ_DIR" "$MQ_DIR/topics"
	echo 1 | mq-produce --id a t
	mq-topic alter t -c mode=0644
	run setpriv --reuid 65534 --clear-groups mq-produce --id a t </dev/null
	assert_equal "$status" 77
	[[ $(stat -c %a "$(ids)/a") == 644 && $(stat -c %a "$(ids)/a.lock") == 600 ]]
	echo 1 | mq-produce --id b t
	[[ $(stat -c %a "$(ids)/b.lock") == 600 ]]
	mq-topic alter t -c mode=0666
	[[ $(stat -c %a "$(ids)/a.lock") == 666 ]]
	seq 2 | setpriv --reuid 65534 --clear-groups "$MQ_BIN/mq-produce" --id a t
	seq 3 | mq-produce --id a t
	[[ $(stored t | sort -n) == $'1\n1\n2\n3' ]]
}

@test "it can be stopped and continued by the terminal" {
	open_input in
	background mq-produce --id a t <in
	echo 1 >&4
	wait_for 5 test -e "$(ids)/a"
	kill -TSTP "$pid"
	wait_for 5 has_state "$pid" T
	kill -CONT "$pid"
	echo 2 >&4
	close_input
	ends "$pid" 0
	[[ $(stored t) == $'1\n2' ]]
}

@test "a signal while it compares stores nothing, and loses nothing" {
	seq 5 | mq-produce --id a t
	open_input in
	background mq-produce --id a t <in 2>said
	seq 3 >&4
	wait_for 5 grep -q '[0-9]' "$(ids)/a.lock"
	kill -TERM "$pid"
	wait_for 5 is_dead "$pid"
	close_input
	seq 6 | mq-produce --id a t
	[[ $(stored t | sort -n) == "$(seq 6)" ]]
}

@test "a log that is older than the checkpoint, and has grown since, with fsync=never" {
	mq-topic create never -c fsync=never
	seq 10 | mq-produce --id a never
	cp -r "$MQ_DIR/topics/never" old
	seq 40 | mq-produce --id a never
	cp "$MQ_DIR/topics/never/ids/a" kept
	rm -r "$MQ_DIR/topics/never"
	mv old "$MQ_DIR/topics/never"
	cp kept "$MQ_DIR/topics/never/ids/a"
	yes other | head -n 100 | mq-produce never
	seq 41 | mq-produce --id a never
	[[ $(mq-consume never | grep -v other) == "$(seq 41)" ]]
}

@test "a large input has checkpoints on the way" {
	yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -n 1100000 >in
	MQ_FAULT=named.written:2 run -137 mq-produce --id a t in
	[[ $(value_of a live) == 1 && $(value_of a records) -gt 800000 ]]
	seq 3 >>in
	mq-produce --id a t in
	[[ $(stored t | wc -l) == 1100003 && $(value_of a records) == 1100003 && $(value_of a live) == 0 ]]
}

@test "times that the topic gives are not compared, those of the input are" {
	mq-topic create append -c message.timestamp.type=LogAppendTime
	printf '{"value":"%s","timestamp":%d}\n' a 5 b 6 >in
	for topic in t append; do
		MQ_FAULT=log.append.unlocked run -137 mq-produce --id a -J -p 0 $topic in
		sed s/6/7/ in >other
		new_boot $topic
		if [[ $topic == t ]]; then
			is_refused 65 "other: record 2: --id a" mq-produce --id a -J -p 0 t other
		fi
		mq-produce --id a -J -p 0 $topic in
		[[ $(stored $topic) == $'a\nb' ]]
	done
}

@test "a compacted topic takes no named input" {
	mq-topic create c -c cleanup.policy=compact
	run -78 mq-produce -K : --id a c <<<k:v
	assert_line --index 0 'mq-produce: c: compacted (cleanup.policy): what a rerun would be compared with may be gone'
	assert_equal "$(mq-consume c)" ''
}

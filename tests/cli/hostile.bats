# Users, machines and inputs at their worst, which are no bug of ours: it must work all the same, or say what is wrong.

load ../lib/mq
load ../lib/background
pid= # of the last background

as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }

# The store can be reached by everybody; what is in it has its own modes.
open_house() {
	need_root
	chmod 755 "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "${BATS_TEST_TMPDIR%/*/*}"
	mkdir -m 755 "$MQ_DIR"
	mq-topic create first
}

@test "two users with different umasks share a topic by a default ACL" {
	need acl command -v setfacl
	open_house
	setfacl -m u:nobody:rwx -d -m u:nobody:rwx "$MQ_DIR/topics"
	mq-topic create shared -c mode=0660 -c segment.bytes=100 -p 2
	for i in 1 2 3 4; do
		(umask 077 && echo "root $i" | mq-produce shared)
		(umask 000 && echo "nobody $i" | as_nobody mq-produce -d "$MQ_DIR" shared)
	done
	assert_equal "$(mq-consume shared | sort | tr '\n' ,)" "nobody 1,nobody 2,nobody 3,nobody 4,root 1,root 2,root 3,root 4,"
	cmp <(mq-consume shared) <(as_nobody mq-consume -d "$MQ_DIR" shared)
	run -77 setpriv --reuid daemon --regid daemon --clear-groups mq-consume -d "$MQ_DIR" shared
}

@test "a consumer that may only read follows live, and nothing of his is left" {
	open_house
	mq-topic create news -c mode=0644
	find "$MQ_DIR" | sort >before
	as_nobody mq-consume -d "$MQ_DIR" -F -c 3 news >out &
	reader=$!
	for i in 1 2 3; do
		echo "$i" | mq-produce news
		wait_for 10 grep -qx "$i" out
	done
	wait "$reader"
	# The producers made the checkpoint of leader epochs, the reader nothing.
	find "$MQ_DIR" | sort | grep -v checkpoint | cmp - before
}

@test "twenty descriptors are enough, for a hundred partitions too" {
	mq-topic create wide -p 100
	seq 1000 >input
	(ulimit -n 20 && mq-produce wide <input)
	(ulimit -n 20 && mq-consume wide) | sort -n | cmp - input
	(ulimit -n 20 && sed 's/.*/&:&/' input | mq-produce -K : wide)
	assert_equal "$( (ulimit -n 20 && mq-consume wide) | wc -l)" 2000
}

@test "memory does not grow with the input, whatever the codec, partitions and segments" {
	[[ $MQ_BIN != *asan* ]] || skip "plain: the sanitizers' own memory is beyond any limit"
	yes 'a line of some fifty bytes, which comes again and again' | head -n 4000000 >big
	for options in '-p 1' '-p 50' '-c segment.bytes=2M' '-c compression.type=zstd' '-c compression.type=gzip'; do
		mq-topic delete -y --if-exists t 2>/dev/null || [[ $options == '-p 1' ]]
		# shellcheck disable=SC2086 # words
		mq-topic create t -c fsync=never $options
		(ulimit -d 32768 && mq-produce t <big)
		assert_equal "$( (ulimit -d 16384 && mq-consume t) | wc -lc | xargs)" "$(wc -lc <big | xargs)"
	done
}

@test "a clock that is set back between runs changes nothing but timestamps" {
	[[ $MQ_BIN != *asan* ]] || skip "plain: the sanitizers' own clock comes too early for another"
	for type in CreateTime LogAppendTime; do
		mq-topic create $type -c message.timestamp.type=$type -c segment.ms=1h -c index.interval.bytes=0
		for hours in 0 -2 0 -24 -1 24 -1 0; do
			set_clock $((hours * 3600000))
			echo "$hours" | skewed mq-produce $type
		done
		assert_equal "$(mq-consume -f '%o:%v ' $type)" "0:0 1:-2 2:0 3:-24 4:-1 5:24 6:-1 7:0 "
		# What is a day ahead begins a segment, what lies before does not.
		assert_equal "$(mq-topic describe --json $type | jq .segments)" 2
		# The first record at or after a time, whatever comes behind it.
		for case in -25h:0 -30m:0 +1h:5 +25h:8; do
			assert_equal "$(mq-topic offsets --json --time "${case%:*}" $type | jq .offset)" "${case#*:}"
		done
	done
}

is_synced() { [[ $(mq-dump --json "$MQ_DIR/topics/$1/heads" | jq 'select(.partition == 0 and .word == "synced-end").value') == "$2" ]]; }

@test "a clock that is set back and forth under producer and consumer delays nothing" {
	[[ $MQ_BIN != *asan* ]] || skip "plain: the sanitizers' own clock comes too early for another"
	mq-topic create t -c fsync=50ms
	set_clock 0
	open_input in
	background "${SKEWED[@]}" mq-produce t <in
	producer=$pid
	background "${SKEWED[@]}" mq-consume -F -f '%v\n' t >out
	reader=$pid
	for hours in 0 -1 -1000 1000 -1; do
		set_clock $((hours * 3600000))
		echo "$hours" >&4
		wait_for 2 grep -qx -- "$hours" out
		# An idle producer syncs what it stored when it is time.
		wait_for 2 is_synced t "$(wc -l <out)"
	done
	close_input
	ends "$producer" 0
	# A wait is as long as it says.
	background "${SKEWED[@]}" mq-consume -w 300ms -o end t
	set_clock -99999999
	ends "$pid" 0
	kill "$reader"
}

@test "a flipped bit anywhere in a segment is never taken for a record" {
	mq-topic create t
	for i in 1 2 3; do echo "record $i" | mq-produce -k "key $i" t; done
	mq-consume -K = t >whole
	log=$MQ_DIR/topics/t/t-0/00000000000000000000.log
	cp "$log" good
	for ((bit = 0; bit < 8 * $(stat -c %s good); bit += 5)); do
		# Leader epochs (bytes 12 to 15) are not covered by anything, and no record depends on them.
		at=$((bit / 8))
		byte=$(od -An -tu1 -j $at -N 1 good)
		cp good "$log"
		printf '%b' "\\x$(printf %02x $((byte ^ (1 << bit % 8))))" | dd of="$log" bs=1 seek=$at conv=notrunc status=none
		status=0
		mq-consume -K = t >out 2>err || status=$?
		case $status in
		0) cmp out whole ;;
		74) cmp out <(head -n "$(wc -l <out)" whole) && [[ -s err ]] ;;
		78) grep -q magic err ;;
		*) fail "bit $bit: status $status: $(<err)" ;;
		esac
	done
}

@test "ten million records go in and come out" {
	[[ $MQ_BIN != *asan* ]] || skip "plain: it is the same code, only slower"
	mq-topic create t -c fsync=never
	seq 10000000 | mq-produce t
	assert_equal "$(mq-consume t | cksum)" "$(seq 10000000 | cksum)"
}

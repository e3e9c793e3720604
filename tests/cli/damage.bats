# What users and disks do to the files of a store: a clear line, the right status, and nothing that was whole is lost.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; bats sets stderr

load ../lib/mq

setup() {
	mq_setup
	mq-topic create orders -c segment.bytes=200
	for i in 1 2 3 4 5 6; do
		printf 'record %s %0100d\n' "$i" 0 | mq-produce orders
	done
	partition=$MQ_DIR/topics/orders/orders-0
	mq-consume orders >whole
}

# Change one byte of a file at an offset.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

segment() { printf '%s/%020d%s' "$partition" "$1" "${2:-.log}"; }

@test "a flipped bit in a record is told with file, position and offset, what is before it is printed" {
	flip "$(segment 2)" 100
	run --separate-stderr -74 mq-consume orders
	assert_output "$(head -n 2 whole)"
	[[ $stderr == *"orders/0: "*"00000000000000000002.log at 0"* ]] || fail "$stderr"
	run --separate-stderr -0 mq-consume -o 3 orders
	assert_output "$(tail -n 3 whole)"
}

@test "a base offset that is not the next one is damage: the CRC does not cover it" {
	flip "$(segment 2)" 7
	run --separate-stderr -74 mq-consume orders
	assert_output "$(head -n 2 whole)"
}

@test "a segment that was taken away is damage, not a gap" {
	rm "$(segment 3)"
	run --separate-stderr -74 mq-consume orders
	assert_output "$(head -n 3 whole)"
	[[ $stderr == *"the next segment begins at 4"* ]] || fail "$stderr"
	run --separate-stderr -0 mq-consume -o 4 orders
	assert_output "$(tail -n 2 whole)"
}

@test "a segment that was cut short is damage" {
	truncate -s 100 "$(segment 1)"
	run --separate-stderr -74 mq-consume orders
	assert_output "$(head -n 1 whole)"
}

@test "garbage in an index, or no index, changes no answer" {
	mq-topic create wide -c index.interval.bytes=0
	for i in $(seq 50); do echo "$i"; done | while read -r i; do echo "$i" | mq-produce -t $((1700000000000 + i)) wide; done
	partition=$MQ_DIR/topics/wide/wide-0
	for index in .index .timeindex; do
		for garbage in 'cat /dev/urandom' 'cat /dev/zero' 'printf x' true yes; do
			bash -c "$garbage" 2>/dev/null | head -c 4000 >"$(segment 0 $index)" || true
			assert_equal "$(mq-consume -o 40 wide | head -n 1)" 41
			assert_equal "$(mq-consume -o @1700000000030 wide | head -n 1)" 30
		done
		rm "$(segment 0 $index)"
		assert_equal "$(mq-consume -o 40 wide | head -n 1)" 41
		assert_equal "$(mq-consume -o @1700000000030 wide | head -n 1)" 30
	done
	echo 51 | mq-produce wide
	assert_equal "$(mq-consume wide | tail -n 1)" 51
}

@test "heads of garbage is refused, and the log stays as it is" {
	cksum "$partition"/*.log >before
	head -c 8192 /dev/urandom >"$MQ_DIR/topics/orders/heads"
	for command in "mq-consume orders" "mq-topic describe orders" "mq-topic trim -y orders --before 1"; do
		run --separate-stderr -74 bash -c "$command"
		[[ $stderr == *heads* ]] || fail "$stderr"
	done
	run --separate-stderr -74 mq-produce orders <<<x
	[[ $stderr == *heads* ]] || fail "$stderr"
	cksum "$partition"/*.log | cmp - before
}

@test "a page of garbage is rebuilt from the log" {
	dd if=/dev/urandom of="$MQ_DIR/topics/orders/heads" bs=4096 seek=1 count=1 conv=notrunc status=none
	# The durable point is in the page: what garbage says of it may make the log look damaged, but never cut what is there.
	cksum "$partition"/*.log >before
	mq-consume orders >out 2>err || true
	cksum "$partition"/*.log | cmp - before
}

@test "what mq(7) says to do: another heads, no indexes, what lies behind a damaged batch" {
	mq-topic trim -y orders --before 2
	head -c 8192 /dev/urandom >"$MQ_DIR/topics/orders/heads"
	mq-topic create fresh
	cp "$MQ_DIR"/topics/{fresh,orders}/heads
	rm "$partition"/{*index,leader-epoch-checkpoint,partition.metadata}
	mq-topic trim -y orders --before 2
	mq-consume orders | cmp - <(tail -n +3 whole)
	echo more | mq-produce orders
	assert_equal "$(mq-consume -o 6 orders)" more

	flip "$(segment 3)" 100
	run -74 mq-consume orders
	run --separate-stderr -74 mq-dump --json orders/0
	next=$(jq -s 'map(select(.valid and .base_offset > 3))[0].base_offset' <<<"$output")
	mq-consume -o "$next" orders | cmp - <(tail -n +5 whole && echo more)
}

@test "a missing checkpoint of leader epochs is no loss" {
	rm "$partition/leader-epoch-checkpoint"
	mq-consume orders | cmp - whole
	echo more | mq-produce orders
	assert_equal "$(mq-consume orders | tail -n 1)" more
}

@test "a config with a typo is named by line, and nothing is guessed" {
	echo "segment.byte=1" >>"$MQ_DIR/topics/orders/config"
	for command in "mq-consume orders" "mq-topic describe orders" "mq-topic alter orders -p 2"; do
		run --separate-stderr -78 bash -c "$command"
		[[ $stderr == *"orders: config: line "*"segment.byte"* ]] || fail "$stderr"
	done
	run --separate-stderr -78 mq-produce orders <<<x
	sed -i '$d' "$MQ_DIR/topics/orders/config"
	mq-consume orders | cmp - whole
}

@test "a torn tail after a power cut is cut, kept in lost, and told" {
	last=$(segment 5)
	size=$(stat -c %s "$last")
	new_boot orders
	# A batch that was on its way: its beginning only.
	head -c 80 "$last" >torn
	cat torn >>"$last"
	run --separate-stderr -0 mq-consume orders
	assert_output "$(cat whole)"
	[[ $stderr == *"80 bytes"*"lost"* ]] || fail "$stderr"
	assert_equal "$(stat -c %s "$last")" "$size"
	cmp "$MQ_DIR"/topics/orders/lost/0-6-*.log torn
	run --separate-stderr -0 mq-consume orders
	assert_equal "$stderr" ""
	echo more | mq-produce orders
	assert_equal "$(mq-consume orders | tail -n 1)" more
}

@test "damage before the durable point makes the partition read-only after a boot, and stays for repair" {
	flip "$(segment 5)" 100
	new_boot orders
	cksum "$partition"/*.log >before
	run --separate-stderr -74 mq-consume orders
	assert_output "$(head -n 5 whole)"
	run --separate-stderr -74 mq-produce orders <<<x
	[[ $stderr == *"damaged"* ]] || fail "$stderr"
	[[ $stderr == *"0 records stored, 0 unknown"* ]] || fail "$stderr"
	cksum "$partition"/*.log | cmp - before
}

@test "a copied store recovers by itself, also one that is copied while it is written" {
	mq-topic create busy -c segment.bytes=4K
	seq 100000 | mq-produce busy &
	writer=$!
	for i in 1 2 3; do
		# What is renamed or removed meanwhile, cp names and passes over.
		cp -a "$MQ_DIR" "copy$i" 2>/dev/null || true
		mq-consume -d "copy$i" busy >"out$i" 2>/dev/null
		seq 100000 | head -n "$(wc -l <"out$i")" | cmp - "out$i"
		echo more | mq-produce -d "copy$i" busy 2>/dev/null
		assert_equal "$(mq-consume -d "copy$i" busy | tail -n 1)" more
	done
	wait "$writer"
	assert_equal "$(mq-consume busy | cksum)" "$(seq 100000 | cksum)"
}

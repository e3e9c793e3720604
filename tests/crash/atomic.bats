#!/usr/bin/env bats
# mq-produce --atomic is killed, and its calls torn and failed, one after the other; then anything else runs, or a boot comes first. The log
# holds all of its input or nothing, each record once, and a partition's readers never see a part.
#
# A sweep begins at another call on each day; make check-full goes to all of them once more (tests/full/atomic.bats).
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

COUNT=20
STEP=${MQ_ATOMIC_STEP:-$(strides 2)}
BEGIN=$((STEP > 1 ? 1 + $(date +%j | sed 's/^0*//') % STEP : 1))

# input_of ID: its records; every third has a key.
input_of() {
	local i

	for ((i = 1; i <= COUNT; i++)); do printf '%s:%s-%d\n' "$((i % 3 == 0 ? i % 5 : i))" "$1" "$i"; done
}

# holds ID: how many of its records are in the log, which must be none or all, each once, each partition's part in order.
holds() {
	mq-consume -f '%p %o %v\n' t >log 2>said.consume || fail "after $fault mq-consume ended with $?: $(<said.consume)"
	awk -f "$MQ_ROOT/tests/crash/history.awk" kind=sent sent kind=log log || fail "after $fault"
	stored=$(grep -c " $1-" log) || true
	[[ $stored == 0 || $stored == "$COUNT" ]] || fail "after $fault: $stored records of $1 instead of none or $COUNT: $(<log)"
}

# sees ID: a reader, while it may not all be stored yet: of each partition all or none of what it gets in the end.
sees() {
	mq-consume -f '%p %v\n' t 2>said.consume >"seen.$1" || fail "after $fault mq-consume ended with $?: $(<said.consume)"
}
parts_are_whole() {
	local p now end

	for p in 0 1 2; do
		now=$(grep -c "^$p $1-" "seen.$1") || true
		end=$(grep -c "^$p [0-9]* $1-" log) || true
		[[ $now == 0 || $now == "$end" ]] || fail "after $fault a reader saw $now of $end records in partition $p"
	done
}

# What may come next. Each of them finishes what waits.
next_is() {
	case $(($1 % 5)) in
	0) echo "other-$1" | tee -a sent | mq-produce t ;;
	1) mq-gc ;;
	2) echo "other-$1" | tee -a sent | mq-produce --atomic t ;;
	3)
		mq-consume t >/dev/null
		mq-gc t
		;;
	4)
		new_boot t
		mq-consume -q t
		echo "other-$1" | tee -a sent | mq-produce -p 1 t
		;;
	esac
}

# judge ID STATUS: what it was told fits what is there.
judge() {
	case $2 in
	0) [[ $stored == "$COUNT" ]] || fail "after $fault it ended with 0, and $stored are stored" ;;
	137) ;;
	74 | 75)
		[[ $(<said) != *' 0 records stored, 0 unknown' || $stored == 0 ]] || fail "after $fault it said $(<said), and $stored are stored"
		[[ $2 == 74 || $stored == 0 ]] || fail "after $fault it ended with 75, and $stored are stored"
		;;
	*) fail "after $fault mq-produce ended with $2: $(<said)" ;;
	esac
}

# sweep ACTION[:CALL] [OPTION...]: each STEP-th call of a run meets the ACTION.
sweep() {
	local action=$1 calls='' k=$BEGIN rounds=0 id

	[[ $action != *:* ]] || calls=:${action#*:}
	action=${action%%:*}
	shift
	while :; do
		if ((rounds++ % 6 == 0)); then
			rm -rf "$MQ_DIR" sent
			mq-topic create t -p 3 -c segment.bytes=400 -c max.message.bytes=150 -c index.interval.bytes=0 -c "fsync=${fsync:-always}"
			echo old-1 | tee sent | mq-produce t
		fi
		id=n$k
		input_of "$id" >"input.$id"
		cut -d : -f 2 "input.$id" >>sent
		fault="$action at call $k$calls"
		status=0
		shimmed "$action:$k$calls" mq-produce -K : --atomic "$@" t <"input.$id" >told 2>said || status=$?
		(($(shim_count) >= k)) || break
		sees "$id"
		next_is "$k" >next 2>&1 || fail "after $fault what came next ended with $?: $(<next)"
		holds "$id"
		parts_are_whole "$id"
		judge "$id" "$status"
		[[ -z $(ls "$MQ_DIR/topics/t/intents" 2>/dev/null) ]] || fail "after $fault a set waits still"
		k=$((k + STEP))
	done
	[[ $status == 0 ]] || fail "$status, though nothing was done to it"
	echo "# $action${fsync:+, fsync=$fsync}: $((k - STEP)) calls, each ${STEP}th" >&3
	((k > 15))
}

@test "killed before any call" { sweep kill; }
@test "killed before any call, fsync=never" { fsync=never sweep kill; }
@test "killed before any call, told of each record" { sweep kill -o '%v\n'; }
@test "killed in the middle of any write" { sweep torn:pwrite; }
@test "any call says EIO" { sweep eio; }
@test "any call says EIO, fsync=never" { fsync=never sweep eio; }
@test "any call says ENOSPC" { sweep enospc; }
@test "any write is short" { sweep short:pwrite; }

# With a name a rerun stores what is missing: after any two faults all of it is there, once.
@test "with --id, killed before any call twice, and run again" {
	mq-topic create t -p 3 -c segment.bytes=400 -c max.message.bytes=150 -c index.interval.bytes=0
	: >sent
	for ((k = BEGIN; ; k += STEP)); do
		id=n$k
		input_of "$id" >"input.$id"
		cut -d : -f 2 "input.$id" >>sent
		fault="a kill at call $k"
		status=0
		shimmed "kill:$k" mq-produce -K : --atomic --id "$id" t <"input.$id" 2>said || status=$?
		(($(shim_count) >= k)) || break
		shimmed "kill:$((1 + k * 7 % 60))" mq-produce -K : --atomic --id "$id" t <"input.$id" 2>said || true
		((k % 3 != 0)) || new_boot t
		mq-produce -K : --atomic --id "$id" t <"input.$id" 2>said || fail "after $fault a rerun ended with $?: $(<said)"
		holds "$id"
		[[ $stored == "$COUNT" ]] || fail "after $fault and a rerun $stored are stored"
		# A longer input: its rest, as a whole.
		echo "7:$id-$((COUNT + 1))" | tee -a "input.$id" | cut -d : -f 2 >>sent
		mq-produce -K : --atomic --id "$id" t <"input.$id"
		[[ $(mq-consume t | grep -c "^$id-") == $((COUNT + 1)) ]] || fail "after $fault a longer input was not continued"
	done
	[[ $status == 0 ]]
}

# calls_of FILE: the shim's log of a run, as "CALL NAME" with segments named by partition and base.
calls_of() { awk '{ n = split($5, part, "/"); print $4, (part[n] ~ /^[0-9]+\.log$/ ? part[n - 1] "/" part[n] : part[n]) }' "$1"; }

# The first batch of a set is what recovery needs to adopt anything of it.
@test "all of a set is durable before its first batch is written" {
	mq-topic create t -c segment.bytes=400 -c max.message.bytes=150 -c index.interval.bytes=0
	echo old | mq-produce t
	seq 200 | MQ_SHIM_LOG=calls shimmed count:0 mq-produce --atomic t
	calls_of calls >order
	awk '
		{ call[NR] = $1; file[NR] = $2 }
		END {
			# The set begins in the segment that is written to once more when all others are.
			for (i = 1; i <= NR; i++)
				if (call[i] == "pwrite" && file[i] ~ /\.log$/) last = i
			for (i = 1; i < last; i++) {
				if (file[i] !~ /\.log$/) continue
				if (call[i] == "pwrite") { dirty[file[i]] = 1; writes++ }
				if (call[i] ~ /sync/) delete dirty[file[i]]
			}
			for (f in dirty) { print "not durable: " f; bad = 1 }
			if (writes < 10) { print "only " writes " writes"; bad = 1 }
			exit bad
		}' order || fail "$(<order)"
}

# A rename that the next power cut takes back must not have reached half of the partitions.
@test "who finds a set makes its commit durable before applying it" {
	mq-topic create t -p 2
	seq 4 | MQ_FAULT=intent.renamed mq-produce --atomic t || [[ $? == 137 ]]
	MQ_SHIM_LOG=calls shimmed count:0 mq-gc
	calls_of calls >order
	awk '$1 ~ /sync/ && $2 == "intents" { synced = 1 }
		$1 == "pwrite" && $2 ~ /\.log$/ { if (!synced) exit 1; wrote = 1 }
		END { exit !wrote }' order || fail "$(<order)"
	[[ $(mq-consume t | sort) == "$(seq 4)" ]]
}

# What the maker wrote is durable, and so is its name, before anybody may apply it.
@test "a set is durable before its rename, and its rename before it is applied" {
	mq-topic create t -p 2
	seq 4 | MQ_SHIM_LOG=calls shimmed count:0 mq-produce --atomic t
	calls_of calls >order
	awk '$1 == "pwrite" && $2 ~ /\.intent$/ { dirty = 1 }
		$1 ~ /sync/ && $2 ~ /\.intent$/ { dirty = 0 }
		$1 ~ /rename/ && $2 ~ /\.intent$/ { if (dirty) exit 1; renamed = 1 }
		$1 ~ /sync/ && $2 == "intents" { synced = renamed }
		$1 == "pwrite" && $2 ~ /\.log$/ { if (!synced) exit 1; wrote = 1 }
		$1 ~ /unlink/ && $2 ~ /\.intent$/ { gone = renamed }
		END { exit !(wrote && gone) }' order || fail "$(<order)"
}

# A set that waits, and a command that is killed before any of its calls: whoever comes next stores the set, once.
waiting_under() {
	local victim=$1 least=$2 k status=0 step

	shift 2
	step=$(strides 6)
	for ((k = 1 + BEGIN % step; ; k += step)); do
		rm -rf "$MQ_DIR" out
		mq-topic create t -p 2 -c segment.bytes=200 -c max.message.bytes=150 -c index.interval.bytes=0 "$@"
		seq -f 'a:old-%g' 8 | mq-produce -K : -p 0 t
		seq 10 | sed 's/.*/&:new-&/' | MQ_FAULT=intent.committed mq-produce -K : --atomic t || [[ $? == 137 ]]
		fault="$victim killed at call $k"
		status=0
		# shellcheck disable=SC2086 # words
		shimmed "kill:$k" $victim >/dev/null 2>said || status=$?
		(($(shim_count) >= k)) || break
		[[ $status == 137 ]] || fail "after $fault it ended with $status: $(<said)"
		if [[ $victim == *delete* ]] && ! mq-topic describe t >/dev/null 2>&1; then
			mq-topic create t -p 2
			[[ -z $(mq-consume t) ]] || fail "after $fault the next topic has $(mq-consume t)"
			continue
		fi
		((k % 2 == 0)) || new_boot t
		echo other | mq-produce -k other -p 1 t || fail "after $fault the next mq-produce ended with $?"
		mq-consume t >log
		[[ $(grep new log | sort -V) == "$(seq -f 'new-%g' 10)" ]] || fail "after $fault: $(<log)"
		[[ -z $(ls "$MQ_DIR/topics/t/intents") ]] || fail "after $fault a set waits still"
		mq-fsck t >said 2>&1 || fail "after $fault mq-fsck ended with $?: $(<said)"
	done
	[[ $status == 0 ]] || fail "$victim ended with $status, though nothing was done to it: $(<said)"
	((k > least)) || fail "only $k calls"
}

@test "a set waits, mq-topic trim is killed" { waiting_under 'mq-topic trim -y t -p 0 --before 4' 20; }
@test "a set waits, mq-topic export is killed" { waiting_under 'mq-topic export t out' 20; }
@test "a set waits, mq-topic alter -p is killed" { waiting_under 'mq-topic alter t -p 4' 20; }
@test "a set waits, mq-topic delete is killed" { waiting_under 'mq-topic delete -y t' 10; }
@test "a set waits, mq-gc with compaction is killed" {
	waiting_under mq-gc 20 -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0
}

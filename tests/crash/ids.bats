#!/usr/bin/env bats
# A named producer is killed, and its calls torn and failed, one after the other, and run again until it says 0: then the log holds its input
# once, each partition's part in order, whatever came between: another fault, a boot, a power cut that takes what was not synced.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

COUNT=20

# power_cut TOPIC: a boot, after which each partition ends somewhere between what is known to be durable and what was written; another
# process has taken the offsets behind it.
power_cut() {
	perl -e '
		use strict;
		my ($topic, $dir) = @ARGV;
		open my $heads, "<", "$dir/heads" or die;
		for my $p (0 .. (-s $heads) / 4096 - 2) {
			seek $heads, 4096 * ($p + 1) + 24, 0;
			read $heads, my $word, 8;
			my $synced = unpack "q<", $word;
			my $cut = 0;
			for my $file (sort glob "$dir/$topic-$p/*.log") {
				open my $log, "+<", $file or die;
				my ($at, $size) = (0, -s $log);
				while (!$cut && $at + 12 <= $size) {
					seek $log, $at, 0;
					read $log, my $prefix, 12;
					my ($base, $length) = unpack "q>l>", $prefix;
					last if $base >= $synced;
					$at += 12 + $length;
				}
				next if $at == $size;
				truncate $log, $at + int rand($size - $at + 1);
				$cut = 1;
			}
		}
	' "$1" "$MQ_DIR/topics/$1"
	new_boot "$1"
}

# input_of ID: its records; every third has a key.
input_of() {
	local i

	for ((i = 1; i <= COUNT; i++)); do printf '%s:%s-%d\n' "$((i % 3 == 0 ? i % 5 : i))" "$1" "$i"; done
}

# holds_once TOPIC ID: the log has all of its input, once, in order.
holds_once() {
	mq-consume -f '%p %o %v\n' "$1" >log 2>said || fail "after $fault mq-consume ended with $?: $(<said)"
	awk -f "$MQ_ROOT/tests/crash/history.awk" kind=sent <(cat sent) kind=log log || fail "$1, after $fault"
	[[ $(grep -c " $2-" log) == "$COUNT" ]] || fail "$1, after $fault: $(grep -c " $2-" log) records of $2 instead of $COUNT"
}

# run_once ID CMD...: one run; $status.
run_once() {
	local id=$1

	shift
	status=0
	"$@" -K : --id "$id" "${more[@]}" t <"input.$id" >told 2>said || status=$?
	[[ $status =~ ^(0|74|75|137)$ ]] || fail "after $fault mq-produce ended with $status: $(<said)"
}

# sweep ACTION[:CALL] STEP: each STEP-th call of a run meets the ACTION, that of the next run another one; then a run that is left alone.
sweep() {
	local action=$1 step calls='' k=1 rounds=0 id

	step=$(strides "$2")
	[[ $action != *:* ]] || calls=:${action#*:}
	action=${action%%:*}
	more=("${@:3}")
	while :; do
		if ((rounds++ % 6 == 0)); then
			rm -rf "$MQ_DIR" input.* sent
			mq-topic create t -p 3 -c segment.bytes=400 -c max.message.bytes=150 -c index.interval.bytes=0 -c "fsync=$fsync"
		fi
		id=n$k
		input_of "$id" >"input.$id"
		cut -d : -f 2 "input.$id" >>sent
		fault="$action at call $k$calls"
		run_once "$id" shimmed "$action:$k$calls" mq-produce
		(($(shim_count) >= k)) || break
		((k % 3 != 1)) || "$meanwhile" t
		fault+=", then at $((1 + k * 7 % 40))"
		run_once "$id" shimmed "$action:$((1 + k * 7 % 40))$calls" mq-produce
		((k % 3 != 2)) || "$meanwhile" t
		run_once "$id" mq-produce
		[[ $status == 0 ]] || fail "after $fault a run that was left alone ended with $status: $(<said)"
		holds_once t "$id"
		# And it knows that it is.
		run_once "$id" mq-produce
		[[ $status == 0 && ! -s told ]] || fail "after $fault it was stored again: $(<told)"
		k=$((k + step))
	done
	[[ $status == 0 ]] || fail "$status, though nothing was done to it"
	echo "# $action, fsync=$fsync: $k calls, each ${step}th" >&3
	((k > 15))
}

@test "killed before any call" { fsync=always meanwhile=new_boot sweep kill 1; }
@test "killed before any call, told of each record" { fsync=always meanwhile=new_boot sweep kill 5 -o '%v\n'; }
@test "killed before any call, fsync=never, and the power fails" { fsync=never meanwhile=power_cut sweep kill 1; }
@test "killed in the middle of any write" { fsync=always meanwhile=new_boot sweep torn:pwrite 2; }
@test "killed in the middle of any write, fsync=never, and the power fails" { fsync=never meanwhile=power_cut sweep torn:pwrite 2; }
@test "any call says EIO" { fsync=always meanwhile=new_boot sweep eio 3; }
@test "any call says EIO, fsync=never, and the power fails" { fsync=never meanwhile=power_cut sweep eio 3; }
@test "any call says ENOSPC" { fsync=always meanwhile=new_boot sweep enospc 3; }

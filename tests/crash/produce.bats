#!/usr/bin/env bats
# mq-produce is killed, and its calls torn and failed, one after the other; afterwards the log holds exactly what was told.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

# sweep ACTION[:CALL] STEP: does ACTION at every STEP-th call (with CALL: of these only) of a producer that fills several partitions and
# rolls on the way.  A topic serves for some rounds, so that what one leaves meets the next.
sweep() {
	local action=$1 step=$2 calls='' k=1 rounds=0

	[[ $action != *:* ]] || calls=:${action#*:}
	action=${action%%:*}
	while :; do
		if ((rounds++ % 8 == 0)); then
			topic=$action$k
			prepare "$topic" -p 3 -c "fsync=$fsync"
			produce "$topic" old 7 mq-produce
		fi
		fault="$action at call $k$calls"
		produce "$topic" "new$k" 8 shimmed "$action:$k$calls" mq-produce
		if (($(shim_count) < k)); then
			[[ $status == 0 ]] || fail "$status, though nothing was done to it"
			break
		fi
		survives "$topic"
		k=$((k + step))
	done
	echo "# $action, fsync=$fsync: $k calls, each ${step}th" >&3
	((k > 10))
}

@test "killed before any call, fsync=always" { fsync=always sweep kill 1; }
@test "killed before any call, fsync=never" { fsync=never sweep kill 2; }
@test "killed in the middle of any write, fsync=always" { fsync=always sweep torn:pwrite 1; }
@test "killed in the middle of any write, fsync=never" { fsync=never sweep torn:pwrite 2; }
@test "any call says EIO, fsync=always" { fsync=always sweep eio 1; }
@test "any call says EIO, fsync=never" { fsync=never sweep eio 3; }
@test "any call says ENOSPC, fsync=always" { fsync=always sweep enospc 2; }
@test "any call says ENOSPC, fsync=never" { fsync=never sweep enospc 2; }
@test "any write is short: the rest follows" { fsync=always sweep short:pwrite 1; }
@test "any call is interrupted" { fsync=always sweep eintr 2; }

#!/usr/bin/env bats
# mq-produce is killed, and its calls torn and failed, one after the other; afterwards the log holds exactly what was told.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

# sweep ACTION[:CALL] STEP: does ACTION at every STEP-th call (with CALL: of these only) of a producer that fills several partitions and
# rolls on the way.  A topic serves for some rounds, so that what one leaves meets the next.
sweep() {
	local action=$1 step calls='' k=1 rounds=0

	step=$(strides "$2")
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

# bulk ACTION[:CALL] STEP: the same for a producer that nobody asks for a report: its batches are stored by a thread while it fills others.
# What is there afterwards is a prefix of what it sent, as long as it said.
bulk() {
	local action=$1 step=$2 calls='' k=1 sent stored unknown read

	[[ $action != *:* ]] || calls=:${action#*:}
	action=${action%%:*}
	sent=$(seq 30)
	while :; do
		prepare "bulk$k" -c "fsync=$fsync"
		status=0
		shimmed "$action:$k$calls" mq-produce "bulk$k" <<<"$sent" 2>said || status=$?
		(($(shim_count) >= k)) || break
		read=$(mq-consume "bulk$k") || fail "$action at call $k$calls: mq-consume ended with $?"
		[[ $sent$'\n' == "$read${read:+$'\n'}"* ]] || fail "$action at call $k$calls: no prefix: $read"
		case $status in
		0) [[ $read == "$sent" ]] || fail "$action at call $k$calls: 0, but not all is there" ;;
		137) ;;
		74 | 75)
			[[ $(tail -n 1 said) =~ ^mq-produce:\ ([0-9]+)\ records\ stored,\ ([0-9]+)\ unknown$ ]] || fail "$(<said)"
			stored=${BASH_REMATCH[1]} unknown=${BASH_REMATCH[2]}
			read=$(wc -w <<<"$read")
			((stored <= read && read <= stored + unknown)) || fail "$action at call $k$calls: $read are there: $(<said)"
			;;
		*) fail "$action at call $k$calls: $status: $(<said)" ;;
		esac
		[[ $(seq 31 32 | mq-produce -o %v "bulk$k") == 3132 ]] || fail "$action at call $k$calls: nothing can be stored"
		forget "bulk$k"
		k=$((k + step))
	done
	[[ $status == 0 ]] || fail "$status, though nothing was done to it"
	echo "# $action in bulk, fsync=$fsync: $k calls, each ${step}th" >&3
	((k > 10))
}

@test "in bulk, killed before any call" { fsync=always bulk kill 5; }
@test "in bulk, killed in the middle of any write" { fsync=never bulk torn:pwrite 3; }
@test "in bulk, any call says EIO" { fsync=always bulk eio 4; }
@test "in bulk, any call says ENOSPC" { fsync=never bulk enospc 4; }

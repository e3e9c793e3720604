#!/usr/bin/env bats
# What programs write besides a log: their stdout, where it is a file, and mq-consume's cursor.  Each of these calls is torn, cut short and
# failed in turn.
# shellcheck disable=SC2030,SC2031,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

setup() {
	mq_setup
	mq-topic create t -c segment.bytes=300
	for i in 1 2 3; do seq "$i"0 "$i"9 | mq-produce t; done
}

# faults FUNCTION CALLS ACTION...: calls FUNCTION with ACTION at each of these calls, until it makes no more of them.
faults() {
	local function=$1 calls=$2 action k

	shift 2
	for action; do
		for ((k = 1; ; k++)); do
			fault="$action at $calls $k"
			"$function" "$action:$k:$calls"
			(($(shim_count) >= k)) || break
		done
		((k > 1)) || fail "$function makes no call of $calls"
	done
}

# attempt SHIM CMD...: stdout in `out`, its words in `said`.  A call that says EINTR or writes half is no failure.
attempt() {
	status=0
	shimmed "$@" >out 2>said || status=$?
	case $1 in
	short* | eintr*) [[ $status == 0 ]] ;;
	kill* | torn*) [[ $status == 0 || $status == 137 ]] ;;
	*) [[ $status == 0 || $status == 74 || $status == 75 ]] ;;
	esac || fail "$fault: ended with $status: $(<said)"
	[[ $status != 7? || -s said ]] || fail "$fault: said nothing"
}

# printed FILE: `out` is the beginning of FILE, and all of it if the status is 0.
printed() {
	cmp -n "$(stat -c %s out)" out "$1" || fail "$fault: printed something else"
	[[ $status != 0 ]] || cmp out "$1" || fail "$fault: said 0 and printed less"
}

cursor() {
	rm -f cursor*
	mq-consume -c 10 --offset-file cursor t >first
	attempt "$1" mq-consume --offset-file cursor t
	printed rest
	mq-consume --offset-file cursor t >next 2>said || fail "$fault: the next run ended with $?: $(<said)"
	# The cursor moves when all is printed, or it does not.
	[[ -s next ]] && cmp next rest || { [[ ! -s next ]] && cmp out rest; } || fail "$fault: the next run printed $(wc -l <next)"
	[[ $(echo cursor*) == cursor ]] || fail "$fault: left $(echo cursor*)"
}
@test "mq-consume with a cursor: nothing is passed over, whatever fails" {
	mq-consume -o 10 t >rest
	faults cursor write,pwrite torn short
	faults cursor write,pwrite,openat,unlinkat,fchmod,fsync,fdatasync,renameat kill eio
	faults cursor write,pwrite,openat,fsync,renameat enospc
}

consumed() {
	attempt "$1" mq-consume -J t
	printed all
}
@test "mq-consume: what is printed is the log's beginning" {
	mq-consume -J t >all
	faults consumed write torn short eio enospc
}

dumped() {
	attempt "$1" mq-dump -r --tsv t/0 "$MQ_DIR"/topics/t/{heads,config} "$MQ_DIR"/topics/t/t-0/*.timeindex
	printed all
}
@test "mq-dump: what is printed is the beginning of all" {
	mq-dump -r --tsv t/0 "$MQ_DIR"/topics/t/{heads,config} "$MQ_DIR"/topics/t/t-0/*.timeindex >all
	faults dumped write torn short enospc
}

listed() {
	attempt "$1" mq-topic describe --json
	printed all
}
@test "mq-topic: what is printed is the beginning of all" {
	mq-topic describe --json >all
	faults listed write torn short enospc
}

told() {
	local before

	before=$(mq-consume t | wc -l)
	attempt "$1" mq-produce -o '%o %v\n' t <input
	mq-consume -o "$before" -f '%o %v\n' t >stored
	printed stored
	[[ $status != 0 ]] || [[ $(wc -l <stored) == 30 ]] || fail "$fault: said 0 and stored $(wc -l <stored)"
	[[ $status == 0 || $status == 137 || $(<said) == *" $(wc -l <stored) records stored, 0 unknown" ]] || fail "$fault: $(<said)"
}
@test "mq-produce -o: what is told is stored, and counted" {
	seq 30 >input
	faults told write torn short eio enospc eintr
}

# follow.bash: what the sweeps of mq-produce --follow share: a log file that grows and is rotated while the one who follows it is killed.
# Loaded behind mq.bash and background.bash.
# shellcheck disable=SC2154 # pid is background's

# write COUNT: the next so many lines; each counts on from the last one.
write() {
	local i

	for ((i = 0; i < $1; i++)); do echo "line $((++written))"; done >>dir/log
}

# rotate HOW: as logrotate does. rename: log -> log.1 -> log.2 ...; half: a line of which half is in the file yet; gzip: the oldest is compressed
# too; truncate: a copy and a truncated file. Not before anything is known of the follower: what was rotated before is not its business.
rotate() {
	local i

	[[ -e $MQ_DIR/topics/t/ids/$id ]] || return 0
	for ((i = 9; i > 0; i--)); do
		[[ ! -e dir/log.$i ]] || mv "dir/log.$i" "dir/log.$((i + 1))"
		[[ ! -e dir/log.$i.gz ]] || mv "dir/log.$i.gz" "dir/log.$((i + 1)).gz"
	done
	if [[ $1 == truncate ]] && has_bytes; then
		cp dir/log dir/log.1
		: >dir/log
		return
	fi
	[[ $1 != half ]] || printf 'line %s' "$((++written))" >>dir/log
	mv dir/log dir/log.1
	[[ $1 != half ]] || echo >>dir/log.1
	[[ $1 != gzip || ! -e dir/log.2 ]] || ! has_bytes || gzip dir/log.2
	: >dir/log
}

# has_bytes: something stands before the place; by nothing a compressed or copied file cannot be known again, see mq-produce(1) CAVEATS.
has_bytes() { grep -qE '^place=([0-9]+ ){3}[1-9]' "$MQ_DIR/topics/t/ids/$id"; }

follow() { background "$@" mq-produce --follow dir/log --id "$id" -o '%v\n' t >told 2>>said; }

# has_all_or_died COUNT: the log has so many lines, or the one who follows is gone.
has_all_or_died() { is_dead "$pid" || (($(wc -l <told) >= $1)); }

stored() { mq-consume t | sed -n "s/^$id //p"; }

# live HOW FAULT: a life of a follower, which meets the FAULT (see shim): it finds what was written before, then lines, a rotation, lines.
live() {
	local how=$1 before=$written

	shim "$2"
	write 2
	follow "${SHIM[@]}"
	write 3
	wait_for 10 has_all_or_died $((written - before))
	rotate "$how"
	write 2
	wait_for 10 has_all_or_died $((written - before))
	kill -TERM "$pid" 2>/dev/null || true
	wait_for 10 is_dead "$pid"
	wait "$pid" 2>/dev/null || true
}

# holds_all: the log has each line ever written, once, in order.
holds_all() {
	mq-consume t >log || fail "after $fault mq-consume ended with $?"
	awk -v n="$written" '$0 != "line " NR { print "record " NR " is: " $0; bad = 1; exit } END { if (!bad && NR != n) print NR " instead of " n }' \
		log >verdict
	[[ ! -s verdict ]] || fail "after $fault: $(<verdict); $(<said)"
}

# sweep ACTION[:CALL] STEP AWAY: each STEP-th call of a follower meets the ACTION, that of the next one another; what is rotated in between
# is rotated in the way AWAY.
sweep() {
	local action=${1%%:*} calls='' k=1 n=0 how

	[[ $1 != *:* ]] || calls=:${1#*:}
	while :; do
		rm -rf "$MQ_DIR" dir told said
		mkdir dir
		: >said
		written=0
		id=n$k
		fault="$action at call $k$calls"
		mq-topic create t -c segment.bytes=400 -c max.message.bytes=150 -c "fsync=$fsync"
		how=rename
		((++n % 2)) || how=half
		live "$how" "$action:$k$calls"
		(($(shim_count) >= k)) || break
		rotate "$3"
		write 2
		((n % 3)) || { rotate "$3" && write 1; }
		fault+=", then at $((1 + k * 7 % 40))"
		live "$how" "$action:$((1 + k * 7 % 40))$calls"
		rotate "$3"
		write 1
		follow env
		wait_for 10 is_complete || true
		kill -TERM "$pid"
		wait_for 10 is_dead "$pid"
		holds_all
		! grep -q missing said || fail "after $fault: $(<said)"
		k=$((k + $2))
	done
	holds_all
	echo "# $1, fsync=$fsync, $3: $k calls, each ${2}th" >&3
	((k > 8))
}

is_complete() { (($(mq-consume t | wc -l) >= written)) || is_dead "$pid"; }

# crash.bash: what the tests in tests/crash share.  Loaded behind mq.bash.  A topic under test has its files in the folder of its name:
# sent, told, refused, before and log are what tests/crash/history.awk wants.
#
# One round forks as little as it can, because there are hundreds of them.

# A sweep goes to each step-th call; make check takes one in MQ_SWEEP of these, because there are thousands, make check-full all of them.
strides() { echo $(($1 * ${MQ_SWEEP:-1})); }

fault=nothing # what was done, for the message when a test fails
generation=0

# prepare TOPIC [OPTION...]: a new topic that rolls every other record, and its folder.
prepare() {
	local topic=$1

	shift
	mq-topic create "$topic" -c segment.bytes=160 -c max.message.bytes=90 -c index.interval.bytes=0 "$@"
	mkdir -p "$topic"
	: >"$topic/sent"
	: >"$topic/told"
	: >"$topic/refused"
	: >"$topic/before"
}

# produce TOPIC PRODUCER COUNT CMD...: sends PRODUCER-1 to PRODUCER-COUNT through CMD (which ends with mq-produce) and keeps what it is
# told.  $status is that of the producer.  Status 75 with nothing unknown: whatever was not told is nowhere.
produce() {
	local topic=$1 producer=$2 count=$3 input='' now i

	shift 3
	for ((i = 1; i <= count; i++)); do input+=$producer-$i$'\n'; done
	printf %s "$input" >>"$topic/sent"
	status=0
	now=$("$@" -o '%p %o %v\n' "$topic" <<<"${input%$'\n'}" 2>"$topic/said") || status=$?
	[[ -z $now ]] || printf '%s\n' "$now" >>"$topic/told"
	if [[ $status == 75 && $(<"$topic/said") == *' 0 unknown' ]]; then
		for ((i = 1; i <= count; i++)); do
			[[ $now$'\n' == *" $producer-$i"$'\n'* ]] || echo "$producer-$i"
		done >>"$topic/refused"
	fi
	# Nothing but these may come of a fault; a crash of its own or a sanitizer's report would be another status.
	[[ $status =~ ^(0|74|75|137)$ ]] || fail "mq-produce ended with $status: $(<"$topic/said")"
	[[ $status != 0 || $(wc -l <<<"$now") == "$count" ]] || fail "mq-produce said 0 and told of $(wc -l <<<"$now") of $count"
}

read_log() { mq-consume -f '%p %o %v\n' "$1"; }

# check TOPIC [AWK-OPTION...]: reads the log and compares it with all that was told, and with what was read by the check before.
check() {
	local topic=$1

	shift
	read_log "$topic" >"$topic/log" 2>"$topic/said" || fail "after $fault mq-consume ended with $?: $(<"$topic/said")"
	awk -f "$MQ_ROOT/tests/crash/history.awk" "$@" kind=sent "$topic/sent" kind=told "$topic/told" kind=refused "$topic/refused" \
		kind=before "$topic/before" kind=log "$topic/log" || fail "$topic, after $fault"
	cp "$topic/log" "$topic/before"
}

# sound TOPIC: mq-fsck calls it so.
sound() { mq-fsck "$1" >"$1/said" 2>&1 || fail "$1, after $fault: mq-fsck ended with $?: $(<"$1/said")"; }

# survives TOPIC [AWK-OPTION...]: whatever happened to it before, all that was told is there, the next producer works, nothing is damaged,
# no reader sees less than before, also after a boot.
survives() {
	local topic=$1

	check "$@"
	produce "$topic" "next$((++generation))" 3 mq-produce
	[[ $status == 0 ]] || fail "after $fault the next mq-produce ended with $status: $(<"$topic/said")"
	check "$@"
	sound "$topic"
	new_boot "$topic"
	[[ $(read_log "$topic") == "$(<"$topic/log")" ]] || fail "$topic, after $fault: another log after a boot"
}

# forget TOPIC: removes it and its folder, without what mq-topic delete does; nobody has it open.
forget() { rm -rf "$MQ_DIR/topics/$1" "$1"; }

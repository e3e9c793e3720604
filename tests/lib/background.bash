# background.bash: programs that run beside a test.  Loaded behind mq.bash; a file with a teardown() of its own calls kill_background in it.

# background CMD [ARG...]: starts it, its pid in $pid.  Redirections behind it are CMD's; to type into it while it runs:
#
#	open_input in
#	background mq-produce t <in 2>said
#	echo line >&4
#	close_input
background() {
	"$@" <&0 3>&- 4>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/background.pids"
}

# open_input NAME: a FIFO, and descriptor 4 to write into it, which does not wait for its reader.  close_input: its reader finds the end.
open_input() {
	mkfifo "$1"
	exec 4<>"$1"
}
close_input() { exec 4>&-; }

# ends PID STATUS: it ends within 10 s, with that status.
ends() {
	local status=0

	wait_for 10 is_dead "$1"
	wait "$1" || status=$?
	assert_equal "$status" "$2"
}

kill_background() {
	local each

	[[ -e $BATS_TEST_TMPDIR/background.pids ]] || return 0
	while read -r each; do
		kill -CONT "$each" 2>/dev/null && kill -KILL "$each" 2>/dev/null
		wait "$each" 2>/dev/null
	done <"$BATS_TEST_TMPDIR/background.pids"
	return 0
}

teardown() {
	kill_background
	mq_teardown
}

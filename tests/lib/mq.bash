# mq.bash: what every bats file loads, with
#
#	load ../lib/mq
#
# as its first line.  A test then has the programs in PATH, a store of its own in MQ_DIR (not made yet), bats-assert, and the functions
# below.  A file that needs a setup() or teardown() of its own calls mq_setup or mq_teardown first in it.
#
# From outside: MQ_BIN (folder of the programs; bin/), MQ_BUILD (folder of shim.so; build/), MQ_REQUIRE (facilities that must be there).

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

MQ_ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
MQ_BIN=$(cd "$MQ_ROOT" && realpath "${MQ_BIN:-bin}")
MQ_BUILD=$(cd "$MQ_ROOT" && realpath "${MQ_BUILD:-build}")

mq_setup() {
	export PATH=$MQ_BIN:$PATH LC_ALL=C.UTF-8 TZ=UTC
	export MQ_DIR=$BATS_TEST_TMPDIR/store
	export ASAN_OPTIONS=exitcode=99:log_path=$BATS_TEST_TMPDIR/san:detect_stack_use_after_return=1
	export UBSAN_OPTIONS=exitcode=98:log_path=$BATS_TEST_TMPDIR/san:print_stacktrace=1
	unset MQ_SSH MQ_REMOTE_PATH MQ_FAULT "${!MQ_SHIM@}"
	SKEWED=(env "MQ_CLOCK=$BATS_TEST_TMPDIR/clock" "LD_PRELOAD=$MQ_BUILD/clock.so")
	cd "$BATS_TEST_TMPDIR" || return
	MQ_JOBS=$(jobs -p | tr '\n' ' ') # bats's own, which must live: the countdown of BATS_TEST_TIMEOUT
}

# What the test left in the background is killed.  A sanitizer's report fails the test, whatever the test thought of the exit status; but
# that of a leak check whose process was killed under it ("Unable to get registers", and no summary) says nothing about us.
mq_teardown() {
	local job report failed=false

	for job in $(jobs -p); do
		[[ " $MQ_JOBS " == *" $job "* ]] || kill -KILL "$job" 2>/dev/null || true
	done
	for report in "$BATS_TEST_TMPDIR"/san.*; do
		[[ -e $report ]] || continue
		grep -qvE '^==[0-9]+==Unable to get registers from thread [0-9]+\.$' "$report" || continue
		failed=true
		echo "# sanitizer report ${report##*/}:"
		cat "$report"
	done
	! $failed
}

setup() { mq_setup; }
teardown() { mq_teardown; }

# wait_for SECONDS CMD [ARG...]: runs CMD until it succeeds; fails after SECONDS (which may have a fraction).
wait_for() {
	local limit=$1 deadline

	shift
	deadline=$((${EPOCHREALTIME/[^0-9]/} + $(awk -v s="$limit" 'BEGIN { printf "%d", s * 1000000 }')))
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[^0-9]/} < deadline)) || fail "after $limit s still not: $*"
		sleep 0.01
	done
}

# is_dead PID: it has ended; a zombie that nobody has reaped yet counts.  has_state PID LETTER: as in /proc/PID/status (T is stopped).
is_dead() { [[ ! -e /proc/$1/status ]] || has_state "$1" Z; }
has_state() { grep -q "^State:[[:space:]]$2" "/proc/$1/status" 2>/dev/null; }

# need FACILITY CMD [ARG...]: skips this test where CMD fails, and fails it where MQ_REQUIRE names FACILITY.
need() {
	local facility=$1

	shift
	"$@" >/dev/null 2>&1 && return
	if [[ " ${MQ_REQUIRE-} " == *" $facility "* ]]; then
		fail "$facility is required here, but this failed: $*"
	fi
	skip "$facility: this failed: $*"
}
need_root() { need root test "$(id -u)" = 0; }

# shimmed ACTION:K[+][:CALL,...] CMD [ARG...]: runs CMD under tests/crash/shim.c, which says what an ACTION is.  Only programs named mq-*
# are touched (MQ_SHIM_PROG changes that), those that CMD starts included; K counts over all of them.
shimmed() {
	shim "$1"
	shift
	"${SHIM[@]}" "$@"
}

# shim ACTION:...: the same in two steps, for a program in the background: `shim stop:3; "${SHIM[@]}" mq-produce orders & pid=$!`.
shim() {
	rm -f "$BATS_TEST_TMPDIR/shim.count"
	SHIM=(env "MQ_SHIM=$1" "MQ_SHIM_COUNT=$BATS_TEST_TMPDIR/shim.count" "LD_PRELOAD=$MQ_BUILD/shim.so")
}

# shim_count: how many calls were counted by the last shimmed.
shim_count() {
	local n=0

	[[ ! -s $BATS_TEST_TMPDIR/shim.count ]] || n=$(od -An -td8 -N8 "$BATS_TEST_TMPDIR/shim.count")
	echo $((n))
}

# new_boot TOPIC: makes the topic look as after a power cut and a boot: the pages in its file `heads` bear another boot id, so that whoever
# opens a partition next recovers it.  Nobody may have the topic open.
new_boot() {
	perl -e 'open F, "+<", shift or die; for (1 .. (-s F) / 4096 - 1) { seek F, 4096 * $_, 0; print F "another boot id." }' \
		"$MQ_DIR/topics/$1/heads"
}

# skewed CMD [ARG...]: runs CMD with a wall clock that set_clock sets.  set_clock MS: it is so far ahead of the right time, or behind.
# Not with sanitizers.
# In the background "${SKEWED[@]}" CMD [ARG...], because a function would leave CMD behind when it is killed.
skewed() { "${SKEWED[@]}" "$@"; }
set_clock() { echo "$1" >"$BATS_TEST_TMPDIR/clock.new" && mv "$BATS_TEST_TMPDIR/clock.new" "$BATS_TEST_TMPDIR/clock"; }

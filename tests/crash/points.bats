#!/usr/bin/env bats
# A process is killed, or stopped for a while, at each named point of the sources: between two stores into a mapped page no call is made that
# could be failed from outside.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test's variables are set and used across functions
load ../lib/mq
load ../lib/crash

# Those of a repair are met in fsck.bats, which has the damage for them.
points() { grep -rhoE 'fault_point\("[^"]+"\)' "$MQ_ROOT"/src --include='*.c' | cut -d '"' -f 2 | grep -v '^mend\.' | sort -u; }

# scenario_of POINT: what leads there.
scenario_of() {
	case $1 in
	log.append.* | log.roll.* | head.publish.* | head.synced.* | sync.flush*) echo appending ;;
	sync.rewritten) echo rewriting ;;
	log.cut) echo cutting ;;
	recover.replaced) echo replacing ;;
	recover.* | head.rebuild.*) echo recovering ;;
	head.adopt.*) echo adopting ;;
	head.log_start.* | retention.*) echo trimming ;;
	head.clean_end.* | compact.*) echo compacting ;;
	topic.create.*) echo creating ;;
	import.* | topic.draft.* | head.gap_end.*) echo importing ;;
	export.*) echo exporting ;;
	named.*) echo naming ;;
	spool.* | intent.* | log.set.*) echo committing ;;
	topic.alter.* | topic.grow.* | layout.*) echo growing ;;
	topic.delete.*) echo deleting ;;
	esac
}

# The scenarios: what comes before, and the command that dies, in $victim.  Those that append are told of their records by `produce`.
appending() {
	produce t old 5 mq-produce
	victim=mq-produce
}
rewriting() { # published and never synced, by one that is gone
	produce t old 5 mq-produce
	MQ_FAULT=log.append.unlocked produce t dead 2 mq-produce
	[[ $status == 137 ]]
	MQ_FAULT=log.append.unlocked produce t dying 2 mq-produce
	victim=mq-produce
}
cutting() {
	produce t old 5 mq-produce
	MQ_FAULT=log.append.written produce t dead 2 mq-produce
	[[ $status == 137 ]]
	victim=mq-produce
}
torn_tail() {
	produce t old 5 mq-produce
	MQ_FAULT=log.append.unlocked produce t dead 1 mq-produce
	local segments=("$MQ_DIR"/topics/t/t-0/*.log)

	printf 'half a batch' >>"${segments[-1]}"
}
recovering() {
	torn_tail
	new_boot t
	victim=mq-produce
}
replacing() { # in the same boot
	torn_tail
	victim=mq-produce
}
adopting() {
	produce t old 5 mq-produce
	cp -r "$MQ_DIR/topics/t" copy
	rm -rf "$MQ_DIR/topics/t"
	mv copy "$MQ_DIR/topics/t"
	victim=mq-produce
}
trimming() {
	produce t old 7 mq-produce
	victim='mq-topic trim -y t --before 4'
}
naming() {
	produce t old 3 mq-produce
	printf 'named-%d\n' 1 2 3 4 >named
	cat named >>t/sent
	victim='mq-produce --id a t named'
}
committing() { # several segments' worth
	produce t old 3 mq-produce
	printf 'whole-%d\n' 1 2 3 4 5 6 7 >whole
	cat whole >>t/sent
	victim='mq-produce --atomic t whole'
}
compacting() { # records without keys: compaction takes them all
	produce t old 7 mq-produce
	mq-topic alter t -c cleanup.policy=compact
	victim=mq-gc
}
creating() {
	forget t
	mkdir t
	: | tee t/{sent,told,refused} >t/before
	victim='mq-topic create t -p 2'
}
importing() { # with gaps
	forget t
	mkdir t
	: | tee t/{sent,told,refused} >t/before
	victim="mq-topic import t $MQ_ROOT/tests/golden/kafka/compacted-0"
}
exporting() {
	produce t old 7 mq-produce
	victim='mq-topic export t exported'
}
growing() {
	produce t old 3 mq-produce
	victim='mq-topic alter t -p 3'
}
deleting() {
	produce t old 3 mq-produce
	victim='mq-topic delete -y t'
}

# What the point may have left of the topic is finished by the same command again; trimmed records need not be there.
finish() {
	trimmed=()
	case $scenario in
	creating) mq-topic create t -p 2 --if-not-exists ;;
	growing)
		mq-topic alter t -p 3
		[[ $(mq-topic describe --tsv t | wc -l) == 4 ]] || fail "$fault: not three partitions"
		;;
	importing)
		[[ -e $MQ_DIR/topics/t ]] || $victim 2>said
		cmp <(mq-consume -J t | jq -S -c 'del(.topic)') <(gzip -dc "$MQ_ROOT/tests/golden/kafka/expected/compacted-0.jsonl.gz" | jq -S -c 'del(.topic)') ||
			fail "$fault: not what was imported"
		mq-topic delete -y t
		creating
		mq-topic create t
		;;
	exporting)
		[[ -e exported/t-0 ]] || $victim
		mq-topic import u exported/t-0
		cmp <(mq-consume u) <(mq-consume t) || fail "$fault: not what was to be exported"
		mq-topic delete -y u
		rm -r exported
		;;
	trimming)
		mq-topic trim -y t --before 4
		trimmed=(-v trimmed=4)
		;;
	naming)
		mq-produce --id a t named
		[[ $(read_log t | grep -c named) == 4 ]] || fail "$fault: not its four records, once: $(read_log t)"
		;;
	committing)
		mq-gc
		[[ $(read_log t | grep -c whole) =~ ^[07]$ ]] || fail "$fault: neither all of it nor nothing: $(read_log t)"
		[[ $(read_log t | grep -c whole) == 7 ]] || $victim
		[[ $(read_log t | grep -c whole) == 7 ]] || fail "$fault: not its seven records, once: $(read_log t)"
		[[ -z $(ls -A "$MQ_DIR/topics/t/spools" && ls -A "$MQ_DIR/topics/t/intents") ]] || fail "$fault: something is left"
		;;
	compacting)
		mq-gc
		[[ $(mq-consume t) == old-7 ]] || fail "$fault: not compacted"
		mq-topic alter t -c cleanup.policy=delete
		trimmed=(-v trimmed=6)
		;;
	deleting)
		if mq-consume t >now 2>said && [[ ! -s now ]]; then fail "$fault: still there, and empty"; fi
		mq-topic delete -y t --if-exists
		creating
		mq-topic create t
		;;
	esac || fail "$fault: $victim again ended with $?"
}

start_scenario() {
	scenario=$(scenario_of "$1")
	[[ -n $scenario ]] || fail "no scenario leads to the point $1: write one"
	prepare t
	"$scenario"
}

@test "killed at each point" {
	for point in $(points); do
		times='1 2'
		[[ $point != head.publish.word ]] || times='1 7 12'
		for k in $times; do
			fault="a kill at $point:$k"
			start_scenario "$point"
			export MQ_FAULT=$point:$k
			if [[ $victim == mq-produce ]]; then
				produce t new 4 mq-produce
			else
				status=0
				$victim >out 2>said || status=$?
			fi
			unset MQ_FAULT
			[[ $status == 137 || $k != 1 ]] || fail "$victim did not come to $point, it ended with $status"
			finish
			survives t "${trimmed[@]}"
			forget t
		done
	done
}

@test "stopped at each point, others meanwhile, and going on" {
	for point in $(points); do
		fault="a stop at $point"
		start_scenario "$point"
		printf 'new-%d\n' 1 2 3 4 >input
		[[ $victim != mq-produce ]] || cat input >>t/sent
		tell=()
		[[ $victim != mq-produce ]] || tell=(-o '%p %o %v\n' t)
		MQ_FAULT=$point:1:stop $victim "${tell[@]}" <input >out 2>said.victim 3>&- &
		pid=$!
		wait_for 5 has_state $pid T
		# Others go on, or are told to try again, and who is in the way.
		if [[ $victim == mq-produce ]]; then
			produce t other 2 mq-produce --timeout 200ms
			[[ $status == 0 || $status == 75 || $status == 74 ]] || fail "$fault: the other one ended with $status: $(<t/said)"
			case $point in
			sync.flush* | head.synced.*) [[ $status == 0 ]] || fail "$fault: a stopped syncer stopped another: $(<t/said)" ;;
			log.append.unlocked) ;;
			log.append.* | head.publish.*) [[ $status == 75 && $(<t/said) == *"process $pid of user"*"(stopped)"* ]] || fail "$fault: $(<t/said)" ;;
			esac
		fi
		kill -CONT $pid
		status=0
		wait $pid || status=$?
		[[ $status == 0 ]] || fail "$fault: going on, it ended with $status: $(<said.victim)"
		[[ $victim != mq-produce ]] || cat out >>t/told
		finish
		survives t "${trimmed[@]}"
		forget t
	done
}

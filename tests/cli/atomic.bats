#!/usr/bin/env bats
# mq-produce --atomic: all of the input or nothing.
# shellcheck disable=SC2154 # status and output come from run
load ../lib/mq

setup() {
	mq_setup
	mq-topic create t -p 3 -c segment.bytes=2000 -c max.message.bytes=400 -c index.interval.bytes=0
}

stored() { mq-consume "${1:-t}" | sort -n; }
folder() { echo "$MQ_DIR/topics/${1:-t}"; }
# dies_at POINT CMD...: killed there.
dies_at() {
	local status=0 point=$1

	shift
	MQ_FAULT=$point "$@" || status=$?
	[[ $status == 137 ]] || fail "it ended with $status, not killed at $point"
}
# waits: a committed set waits.  keep it: copied aside.  again: it waits again.
waits() { [[ -n $(ls "$(folder)/intents") ]]; }
has_spool() { [[ -n $(ls "$(folder)/spools") ]]; }
keep() { cp -r "$(folder)/intents" kept; }
again() { cp kept/* "$(folder)/intents/"; }

@test "all of stdin, of FILEs, of a command's output, over all partitions" {
	seq 1 100 | mq-produce --atomic t
	seq 101 150 >a
	seq 151 200 >b
	mq-produce --atomic t a b
	mq-produce --atomic t -- seq 201 300
	[[ $(stored) == "$(seq 300)" ]]
	mq-topic offsets --tsv t | awk 'NR > 1 && $3 != 100 { exit 1 }'
	[[ -z $(ls "$(folder)/intents") && -z $(ls "$(folder)/spools") ]]
	# Nothing is a set, too.
	mq-produce --atomic t </dev/null
	[[ $(stored) == "$(seq 300)" ]]
}

@test "with keys, -K, -p, -J, -f, -z, -H, --whole" {
	mq-produce --atomic -k k t <<<a
	mq-produce --atomic -K : t <<<k:b
	mq-produce --atomic -p 2 t <<<c
	mq-consume -J t | sort >before
	mq-topic create u -p 3
	mq-produce --atomic -J -p input u <before
	cmp before <(mq-consume -J u | sed 's/"topic":"u"/"topic":"t"/' | sort)
	for codec in gzip snappy lz4 zstd:9; do seq 50 | mq-produce --atomic -z $codec u; done
	mq-dump u/0 | grep -q zstd
	printf 'x y' | mq-produce --atomic --whole -H h=1 u
	mq-produce --atomic -f '%k %v\n' u <<<'key value'
	mq-consume -f '%k %v %h{%k=%v}\n' u >out
	grep -qx 'key value ' out
	grep -qx ' x y h=1' out
}

@test "a topic in each record goes not with it" {
	run -2 mq-produce --atomic -J - <<<'{"topic":"t","value":"a"}'
	assert_output --partial '--atomic: into one topic'
}

@test "a bad record: nothing is stored" {
	run mq-produce --atomic -K : t <<<$'a:b\nc:d\ne'
	assert_failure 65
	assert_line --partial 'record 3'
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	seq 1000 | sed '$a'"$(printf '%0500d' 1)" >large
	run mq-produce --atomic t large
	assert_failure 65
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	[[ -z $(stored) && -z $(ls "$(folder)/spools") ]]
}

@test "a command that fails: nothing is stored" {
	run mq-produce --atomic t -- sh -c 'seq 1000; exit 3'
	assert_failure 1
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	[[ -z $(stored) && -z $(ls "$(folder)/spools") ]]
}

@test "TERM and INT: nothing is stored" {
	for signal in TERM INT; do
		mkfifo in
		env --default-signal=INT mq-produce --atomic t <in 2>said 3>&- &
		pid=$!
		exec 5>in
		seq 100000 >&5
		wait_for 5 has_spool
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		exec 5>&-
		[[ $status == $((128 + $(kill -l $signal))) ]] || fail "$signal: $status"
		[[ $(<said) == 'mq-produce: 0 records stored, 0 unknown' ]]
		[[ -z $(stored) ]]
		rm in
	done
}

@test "what a partition gets lies in a row, whoever else writes" {
	for i in 1 2 3 4; do
		seq -f "a$i-%g" 200 | mq-produce --atomic t 3>&- &
		pids[i]=$!
		seq -f "b$i-%g" 200 | mq-produce t 3>&- &
		pids[i + 4]=$!
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	mq-consume -f '%p %v\n' t >log
	[[ $(wc -l <log) == 1600 && -z $(sort log | uniq -d) ]]
	awk '{ split($2, id, "-") }
		$2 ~ /^a/ && now[$1] != id[1] && ($1, id[1]) in seen { print "in two pieces: " $0; bad = 1 }
		{ now[$1] = id[1]; seen[$1, id[1]] = 1 }
		END { exit bad }' log
}

@test "-o tells of each record, when all are stored" {
	seq 30 | mq-produce --atomic -o '%p %o %v\n' t | sort -n >told
	mq-consume -f '%p %o %v\n' t | sort -n >log
	cmp told log
	run mq-produce --atomic -o '%v\n' -K : t <<<$'a:b\nc'
	assert_failure 65
	refute_line b
}

@test "after the commit it is stored, whoever comes next" {
	echo x >x
	for next in 'mq-produce t x' mq-gc 'mq-produce --atomic t x' 'mq-consume t' 'mq-topic export t out' 'mq-topic trim -y t -p 0 --before 0'; do
		mq-topic delete -y t
		mq-topic create t -p 3
		seq 10 | dies_at intent.committed mq-produce --atomic t
		waits
		$next >/dev/null
		! waits || fail "$next left it"
		[[ $(stored | grep -v x) == "$(seq 10)" ]] || fail "$next: $(stored)"
	done
	mq-topic import u out/t-*
	[[ $(stored u) == "$(seq 10)" ]]
}

@test "a reader who waits gets what a dead maker committed" {
	mq-consume -F t >out 3>&- &
	pid=$!
	seq 10 | dies_at intent.committed mq-produce --atomic t
	wait_for 10 test_lines 10
	kill $pid
	[[ $(sort -n out) == "$(seq 10)" ]]
}
test_lines() { (($(wc -l <out) == $1)); }

@test "before the commit it is not, and what is left is removed" {
	seq 10 | dies_at spool.synced mq-produce --atomic t
	[[ -n $(ls "$(folder)/spools") ]]
	mq-gc -n
	[[ -n $(ls "$(folder)/spools") ]]
	mq-gc
	[[ -z $(ls "$(folder)/spools") && -z $(stored) ]]
	seq 10 | dies_at spool.synced mq-produce --atomic t
	echo x | mq-produce --atomic t
	[[ -z $(ls "$(folder)/spools") && $(stored) == x ]]
}

@test "a living maker's spool stays" {
	mkfifo in
	mq-produce --atomic t <in 3>&- &
	pid=$!
	exec 5>in
	seq 100000 >&5
	wait_for 5 has_spool
	mq-gc
	echo x | mq-produce --atomic t
	[[ -n $(ls "$(folder)/spools") ]]
	exec 5>&-
	wait $pid
	[[ $(stored | wc -l) == 100001 ]]
}

@test "applied again it stores nothing twice: after retention, compaction, growth, a boot, an import" {
	seq 3000 | dies_at intent.committed mq-produce --atomic t
	keep
	mq-gc
	stored >before
	[[ $(<before) == "$(seq 3000)" ]]
	again
	mq-gc
	cmp before <(stored)
	# Trimmed: only the snapshots know of it.
	mq-produce t <<<$'x\ny\nz'
	for p in 0 1 2; do mq-topic trim -y t -p $p --before 1000; done
	[[ ! -e $(folder)/t-0/00000000000000000000.log ]]
	again
	mq-gc
	[[ $(stored) == $'x\ny\nz' ]]
	new_boot t
	again
	mq-gc
	[[ $(stored) == $'x\ny\nz' ]]
	mq-topic alter t -p 5
	again
	mq-gc
	[[ $(stored) == $'x\ny\nz' ]]
}

@test "applied again to a compacted topic" {
	mq-topic create c -c cleanup.policy=compact -c segment.bytes=500 -c min.cleanable.dirty.ratio=0
	seq 100 | sed 's/^/k:/' | dies_at intent.committed mq-produce --atomic -K : c
	cp -r "$(folder c)/intents" kept
	mq-gc
	echo k:last | mq-produce -K : c
	mq-gc
	[[ $(mq-consume --latest c) == last ]] || true
	mq-consume c >before
	cp kept/* "$(folder c)/intents/"
	mq-gc
	cmp before <(mq-consume c)
}

@test "a set waits for one partition and the other one is trimmed" {
	seq 300 | dies_at intent.synced mq-produce --atomic t
	keep
	mq-topic trim -y t -p 0 --before 100
	mq-gc
	[[ $(stored | wc -l) == 200 ]]
	again
	mq-gc
	[[ $(stored | wc -l) == 200 ]]
}

@test "a copied store has what waits, even if its page counts nothing" {
	seq 10 | dies_at intent.committed mq-produce --atomic t
	cp -r "$MQ_DIR" copy
	perl -e 'open F, "+<", shift or die; seek F, 72, 0; print F "\0" x 8' copy/topics/t/heads
	echo 11 | mq-produce -d copy t
	[[ $(mq-consume -d copy t | sort -n) == "$(seq 11)" ]]
	[[ -z $(ls copy/topics/t/intents) ]]
	mq-gc
	[[ $(stored) == "$(seq 10)" ]]
}

@test "a deleted topic takes it along" {
	seq 10 >in
	MQ_FAULT=spool.synced:1:stop mq-produce --atomic t in 2>said 3>&- &
	pid=$!
	wait_for 5 has_state $pid T
	mq-topic delete -y t
	mq-topic create t
	kill -CONT $pid
	status=0
	wait $pid || status=$?
	[[ $status == 66 ]] || fail "$status: $(<said)"
	[[ -z $(stored) ]]
	seq 10 | dies_at intent.committed mq-produce --atomic t
	mq-topic delete -y t
	mq-topic create t
	[[ -z $(stored) ]]
}

@test "a damaged set is told, stops who writes, and is not lost" {
	seq 10 | dies_at intent.committed mq-produce --atomic t
	set -- "$(folder)"/intents/*
	cp "$1" good
	perl -e 'open F, "+<", shift or die; seek F, 150, 0; print F "x"' "$1"
	run mq-produce t <<<x
	assert_failure 74
	assert_line --partial 'intent'
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	run mq-gc
	assert_failure 74
	run mq-dump "$1"
	assert_failure 74
	[[ -e $1 && -z $(stored) ]]
	cp good "$1"
	echo 11 | mq-produce t
	[[ $(stored) == "$(seq 11)" ]]
}

@test "mq-dump shows a set by partition" {
	seq 10 | dies_at intent.committed mq-produce --atomic t
	mq-dump --tsv "$(folder)"/intents/* | cut -f 2-4 >seen
	[[ $(<seen) == $'PARTITION\tRECORDS\tBATCHES\n0\t4\t1\n1\t3\t1\n2\t3\t1' ]]
}

@test "with --id a rerun stores nothing twice, and a longer input its rest" {
	seq 100 | mq-produce --atomic --id a t
	seq 100 | mq-produce --atomic --id a t
	[[ $(stored) == "$(seq 100)" ]]
	seq 150 | mq-produce --atomic --id a t
	[[ $(stored) == "$(seq 150)" ]]
	# With it or without is one input.
	seq 160 | mq-produce --id a t
	seq 170 | mq-produce --atomic --id a t
	[[ $(stored) == "$(seq 170)" ]]
	run mq-produce --atomic --id a t <<<other
	assert_failure 65
	# After the commit: the rerun finds it, after a kill before it nothing was stored.
	seq 180 | dies_at intent.committed mq-produce --atomic --id a t
	seq 180 | mq-produce --atomic --id a t
	seq 190 | dies_at spool.synced mq-produce --atomic --id a t
	seq 190 | mq-produce --atomic --id a t
	[[ $(stored) == "$(seq 190)" ]]
	run mq-produce --atomic --id a t -- sh -c 'seq 200; exit 1'
	assert_failure 1
	[[ $(stored) == "$(seq 190)" ]]
	seq 210 | mq-produce --atomic --id a t
	[[ $(stored) == "$(seq 210)" ]]
}

@test "no room: nothing is stored, or it will be" {
	need_root
	mkdir disk
	need tmpfs mount -t tmpfs -o size=3m tmpfs disk
	export MQ_DIR=$PWD/disk/store
	mq-topic create t -p 2
	seq 400000 >large
	run mq-produce --atomic t large
	assert_failure 75
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	[[ -z $(stored) && -z $(ls "$MQ_DIR/topics/t/spools") ]]
	# Room for the spool, not for the log.
	seq 200000 >large
	run mq-produce --atomic t large
	assert_failure 74
	assert_line --partial 'will be stored'
	assert_line 'mq-produce: 0 records stored, 200000 unknown'
	run mq-produce t <<<x
	assert_failure 75
	run mq-gc
	assert_failure 75
	mount -o remount,size=40m disk
	echo 200001 | mq-produce t
	[[ $(stored | md5sum) == "$(seq 200001 | md5sum)" ]]
	umount disk
}

@test "a lock that another holds: nothing is stored" {
	seq 10 >in
	MQ_FAULT=intent.listed:1:stop mq-produce --atomic t in 3>&- &
	pid=$!
	wait_for 5 has_state $pid T
	run mq-produce --atomic --timeout 100ms t in
	assert_failure 75
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	kill -CONT $pid
	wait $pid
	[[ $(stored) == "$(seq 10)" ]]
}

@test "max.bytes stops it before the commit, and not behind it" {
	mq-topic create m -c max.bytes=20000 -c segment.bytes=2000
	seq 3000 >in
	run mq-produce --atomic --timeout 100ms m in
	assert_failure 65
	seq 500 | mq-produce --atomic m
	seq 1000 >in
	mq-produce --atomic m in
	run mq-produce --atomic --timeout 100ms m in
	assert_failure 75
	assert_line 'mq-produce: 0 records stored, 0 unknown'
	mq-topic trim -y m --before 1500
	dies_at intent.committed mq-produce --atomic m in
	mq-topic alter m -c max.bytes=10000
	mq-gc
	[[ $(mq-consume m) == "$(seq 1000)" ]]
}

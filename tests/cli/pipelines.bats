#!/usr/bin/env bats
# Pipelines as users write them: several programs, several at a time, and some of them killed.
load ../lib/mq
load ../lib/background
pid= # of the last background

has_lines() { (($(wc -l <"$1") >= $2)); }
sleeps() { [[ $(cat "/proc/$1/wchan" 2>/dev/null) == *futex* ]]; }

@test "what goes in comes out" {
	mq-topic create t
	seq 1000000 | mq-produce t
	mq-consume t | cmp - <(seq 1000000)
}

@test "many files of any content go through a topic and are themselves again" {
	local i

	mkdir in out
	for i in {1..20}; do head -c $((i * 5000)) /dev/urandom >"in/$i"; done
	mq-topic create files
	for i in in/*; do mq-produce --whole -k "${i#in/}" files "$i"; done
	for i in {0..19}; do
		mq-consume -o "$i" -c 1 -D '' files >"out/$(mq-consume -o "$i" -c 1 -f %k files)"
	done
	diff -r in out
}

@test "topics do not mix" {
	mq-topic create a
	mq-topic create b
	seq 1 2 1000 | mq-produce a
	seq 2 2 1000 | mq-produce b
	mq-consume a | cmp - <(seq 1 2 1000)
	mq-consume b | cmp - <(seq 2 2 1000)
}

@test "a topic is copied into one with more partitions, keys and nulls kept" {
	mq-topic create from
	mq-topic create to -p 5
	seq 1000 | awk '{ print $1 % 50 ":" ($1 % 7 ? $1 : "") }' | mq-produce -Z -K : from
	mq-consume -K : from | mq-produce -Z -K : to
	mq-consume -Z -K : to | sort | cmp - <(mq-consume -Z -K : from | sort)
	# One key, one partition.
	mq-consume -f '%k %p\n' to | sort -u | cut -d ' ' -f 1 | uniq -d >twice
	[[ ! -s twice ]]
}

@test "tail -F | mq-produce, mq-consume -F | filter: live, line by line" {
	mq-topic create app
	touch app.log
	background tail -n +1 -F app.log > >(exec mq-produce app 3>&- 4>&-)
	background mq-consume -F app > >(exec grep --line-buffered ERROR >errors 3>&- 4>&-)
	printf 'INFO a\nERROR b\n' >>app.log
	wait_for 5 has_lines errors 1
	printf 'ERROR c\nINFO d\n' >>app.log
	wait_for 5 has_lines errors 2
	assert_equal "$(cat errors)" $'ERROR b\nERROR c'
}

@test "two producers and three consumers at a time: each consumer gets all, each producer's order is kept" {
	local i who

	mq-topic create t -p 2
	for i in 1 2 3; do
		background mq-consume -F -c 40000 t >got$i
		echo "$pid" >consumer$i
	done
	for who in a b; do
		# In pieces, so that the two get in each other's way.
		background bash -c "seq -f '$who %g' 20000 | stdbuf -o 1000 sed '' | mq-produce t"
		echo "$pid" >producer$who
	done
	ends "$(cat producera)" 0
	ends "$(cat producerb)" 0
	mq-consume -f '%p %v\n' t >all
	for i in 1 2 3; do
		ends "$(cat consumer$i)" 0
		sort got$i | cmp - <(cut -d ' ' -f 2- all | sort)
	done
	for who in a b; do
		for p in 0 1; do
			awk -v p=$p -v who=$who '$1 == p && $2 == who { if ($3 <= last) exit 1; last = $3 }' all
		done
		awk -v who=$who '$2 == who { print $3 }' all | sort -n | cmp - <(seq 20000)
	done
}

@test "a consumer that is killed costs nothing, and a new one goes on where its last record says" {
	local next

	mq-topic create t
	seq 100 | mq-produce t
	background mq-consume -F -f '%o %v\n' t >got
	wait_for 5 has_lines got 100
	kill -KILL "$pid"
	ends "$pid" 137
	seq 101 200 | mq-produce t
	next=$(($(tail -n 1 got | cut -d ' ' -f 1) + 1))
	mq-consume -o "$next" -f '%o %v\n' t >>got
	cut -d ' ' -f 2 got | cmp - <(seq 200)
}

@test "a producer that is killed: what was told is there once, in order, and the next one goes on" {
	mq-topic create t
	open_input in
	background mq-produce -o '%o %v\n' t <in >told
	seq 1000 >&4
	wait_for 5 has_lines told 1
	kill -KILL "$pid"
	ends "$pid" 137
	close_input
	mq-produce t <<<next
	mq-consume -f '%o %v\n' t >all
	grep -c . told
	# Every whole line that was told is a line of the log.
	[[ $(tail -c 1 told) == '' ]] || sed -i '$ d' told
	grep -Fxf told all | cmp - told
	run tail -n 1 all
	assert_output --partial ' next'
	cut -d ' ' -f 2 all | head -n -1 | sort -n | uniq -d >twice
	[[ ! -s twice ]]
}

@test "producers killed in the middle of storing: the log stays whole, and every told record is there" {
	local point k

	mq-topic create t
	for point in log.append.begun log.append.write log.append.written head.publish.filled head.publish.word head.publish.counted \
		log.append.published log.append.unlocked sync.flush sync.flushed head.synced.raised; do
		for k in 1 2; do
			printf '%s\n' "$point.$k".{a,b,c} | MQ_FAULT=$point:$k mq-produce -o '%o %v\n' t >>told || true
		done
	done
	mq-produce t <<<end
	mq-consume -f '%o %v\n' t >all
	awk '$1 != NR - 1 { exit 1 }' all
	grep -Fxf told all | cmp - told
	assert_equal "$(tail -n 1 all | cut -d ' ' -f 2)" end
}

@test "a waiting consumer sees what a producer published and did not live to sync" {
	mq-topic create t
	background mq-consume -F t >got
	wait_for 5 sleeps "$pid"
	MQ_FAULT=log.append.unlocked run -137 mq-produce t <<<orphan
	wait_for 10 has_lines got 1
	assert_equal "$(cat got)" orphan
}

@test "a partition is added under a producer and a consumer: nothing is lost" {
	mq-topic create t
	open_input in
	background mq-produce t <in
	echo "$pid" >producer
	background mq-consume -F -c 3000 t >got
	echo "$pid" >consumer
	seq 1 1000 >&4
	wait_for 5 has_lines got 1000
	mq-topic alter t -p 3
	seq 1001 2000 >&4
	wait_for 5 has_lines got 2000
	seq 2001 3000 >&4
	close_input
	ends "$(cat producer)" 0
	ends "$(cat consumer)" 0
	sort -n got | cmp - <(seq 3000)
	run mq-consume -q --fail-empty -p 2 t
	assert_success
}

@test "a topic is deleted under a running consumer and made again: 66, and the new one is empty" {
	mq-topic create t
	seq 10 | mq-produce t
	background mq-consume -F t >got
	wait_for 5 has_lines got 10
	mq-topic delete t -y
	mq-topic create t
	ends "$pid" 66
	run mq-consume t
	assert_success
	assert_output ''
}

@test "rm behind && is right: the spool goes only when it is stored" {
	mq-topic create t
	seq 10 >spool
	mq-produce t <spool && rm spool
	[[ ! -e spool ]]
	seq 10 >spool
	mq-produce nosuch <spool && rm spool
	[[ -e spool ]]
}

@test "find -print0, xargs -0: names of any kind are jobs" {
	mkdir jobs
	touch 'jobs/a b' $'jobs/c\nd' "jobs/e'f"
	mq-topic create jobs
	find jobs -type f -print0 | mq-produce -0 jobs
	mq-consume -0 jobs | xargs -0 rm
	run find jobs -type f
	assert_output ''
}

@test "replay from a time" {
	mq-topic create t
	mq-produce -t -2h t <<<old
	mq-produce t <<<new
	run mq-consume -o @-1h t
	assert_output new
}

@test "a reader that stands still does not keep a program that is told to end" {
	mq-topic create t
	seq 300000 >numbers
	mq-produce t numbers
	mkfifo out
	exec 5<>out # a reader that never reads
	for command in 'mq-consume -F --offset-file cursor t' 'mq-produce -o %v\n t numbers'; do
		# shellcheck disable=SC2086
		background $command >out 5>&-
		wait_for 10 grep -q pipe "/proc/$pid/wchan"
		kill -TERM "$pid"
		ends "$pid" 143
	done
	exec 5>&-
	[[ ! -e cursor ]]
}

#!/usr/bin/env bats
# mq-produce --follow: as tail -F, and a restart neither skips nor repeats.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; pid is background's
load ../lib/mq
load ../lib/background

setup() {
	mq_setup
	mq-topic create t
}

follow() { background mq-produce --follow log --id a "$@" t 2>>said; }
# has N: so many records are stored.
has() { (($(mq-consume t | wc -l) == $1)); }
place() { sed -n 's/^place=//p' "$MQ_DIR/topics/t/ids/a"; }
# holds LINE...: these are the records, in this order.
holds() {
	wait_for 5 has $#
	assert_equal "$(mq-consume t)" "$(printf '%s\n' "$@")"
}
# leave [STATUS]: the follower is told to end.
leave() {
	kill -TERM "$pid"
	ends "$pid" "${1-143}"
}
die() {
	kill -KILL "$pid"
	ends "$pid" 137
}
# quiet: nothing was told but the count of records.
quiet() { ! grep -v 'records stored, 0 unknown$' said; }

@test "lines are stored as they come, and a restart goes on" {
	echo 1 >log
	follow
	holds 1
	echo 2 >>log
	holds 1 2
	leave
	echo 3 >>log
	follow
	holds 1 2 3
	die
	echo 4 >>log
	follow
	echo 5 >>log
	holds 1 2 3 4 5
	leave
	quiet
}

@test "a record can be read some milliseconds after it was written, with no timer" {
	: >log
	follow -o '%T\n' >told
	wait_for 5 test -e "$MQ_DIR/topics/t/ids/a"
	for i in {1..10}; do
		before=${EPOCHREALTIME/[^0-9]/}
		echo "$i" >>log
		until [[ $(wc -l <told) == "$i" ]]; do sleep 0.001; done
		took=$((${EPOCHREALTIME/[^0-9]/} - before))
		echo $took
	done | sort -n >took
	(($(sed -n 5p took) < 200000)) || fail "$(<took)"
	# It sleeps until something happens.
	wait_for 5 has_state "$pid" S
	slept=$(switches)
	sleep 1.2
	assert_equal "$(switches)" "$slept"
	leave
}

switches() { grep ctxt "/proc/$pid/status"; }

@test "a last line without its newline waits for it, also over a restart" {
	printf '1\n2' >log
	follow
	holds 1
	printf 2 >>log
	leave
	follow
	printf '2\n3' >>log
	holds 1 222
	die
	echo >>log
	follow
	holds 1 222 3
	leave
	quiet
}

@test "a file that is not there yet is waited for" {
	follow
	wait_for 5 has_state "$pid" S
	echo 1 >log
	holds 1
	leave
	quiet
	run -66 mq-produce --follow none/log --id b t
	mkdir folder
	mkfifo fifo
	for each in folder fifo; do
		run -66 mq-produce --follow $each --id b t
		assert_output --partial "$each: not a plain file"
	done
}

@test "rotated by a rename while it is followed, in the middle of a line" {
	echo 1 >log
	follow
	holds 1
	exec 5>>log
	printf 2 >&5
	mv log log.1
	echo 4 >log
	# Who writes has not reopened it yet.
	echo a >&5
	echo 3 >&5
	holds 1 2a 3
	exec 5>&-
	holds 1 2a 3 4
	# The last line of a file that has ended is one.
	printf 5 >>log
	mv log log.1
	echo 6 >log
	holds 1 2a 3 4 5 6
	# In other words it is gone for a while.
	rm log
	sleep 0.1
	echo 7 >log
	holds 1 2a 3 4 5 6 7
	leave
	quiet
}

@test "several rotations while nobody looked" {
	echo 1 >log
	follow
	holds 1
	die
	echo 2 >>log
	mv log log.1
	echo 3 >log
	mv log.1 log.2
	mv log log.1
	echo 4 >log
	mv log.2 log.3
	mv log.1 log.2
	mv log log.1
	echo 5 >log
	follow
	holds 1 2 3 4 5
	leave
	quiet
}

@test "several rotations while it was stopped" {
	echo 1 >log
	follow
	holds 1
	kill -STOP "$pid"
	for i in 2 3 4; do
		for j in 3 2 1; do [[ ! -e log.$j ]] || mv log.$j log.$((j + 1)); done
		mv log log.1
		echo $i >log
	done
	kill -CONT "$pid"
	holds 1 2 3 4
	leave
	quiet
}

@test "rotated by time, compressed at once: gzip, zstd, lz4" {
	i=0
	for packer in 'gzip' 'zstd -q --rm' 'lz4 -q -m --rm'; do
		need tools command -v "${packer%% *}"
		follow
		echo $((++i)) >>log
		wait_for 5 has $i
		die
		echo $((++i)) >>log
		mv log "log-2026112$i"
		$packer "log-2026112$i"
		echo $((++i)) >log
		mv log "log-2026112$i"
		$packer "log-2026112$i"
		echo $((++i)) >log
		follow
		wait_for 5 has $i
		leave
		mv log "log-2026112$i-old"
	done
	assert_equal "$(mq-consume t)" "$(seq 12)"
	quiet
}

@test "a large file that was compressed meanwhile" {
	seq 200000 >log
	follow
	wait_for 10 has 200000
	die
	seq 200001 400000 >>log
	mv log log.1
	gzip log.1
	echo 400001 >log
	follow
	wait_for 20 has 400001
	leave
	mq-consume t | cmp - <(seq 400001)
	quiet
}

@test "killed within a file that was compressed long ago" {
	for fault in log.append.unlocked:{1,2} named.written:{1,2,3}; do
		rm -rf "$MQ_DIR" log* said
		mq-topic create t
		echo 1 >log
		follow
		holds 1
		die
		mv log log.2
		seq 2 400 >log.1
		touch -d '-1 hour' log.1
		gzip log.1
		seq 401 500 >log
		# Behind the first batch of log.1, that of log, and each checkpoint.
		MQ_FAULT=$fault follow
		wait_for 5 is_dead "$pid"
		follow
		wait_for 5 has 500
		leave
		mq-consume t | cmp - <(seq 500)
		quiet
	done
}

@test "compressed in a way that cannot be read: told, and status 1" {
	need tools command -v xz
	echo 1 >log
	follow
	holds 1
	die
	echo 2 >>log
	mv log log.1
	xz log.1
	echo 3 >log
	follow
	holds 1 3
	leave 1
	grep -q 'the place where a was (byte 2) is not found: .*; not readable: log.1.xz; what was written behind it may be missing' said
	grep -q 'mq-produce: log: something may be missing' said
	# That was told once; the next run has a place.
	: >said
	follow
	echo 4 >>log
	holds 1 3 4
	leave
	quiet
}

@test "one between that cannot be read is told, and what comes behind it is stored" {
	need tools command -v xz
	echo 1 >log
	follow
	holds 1
	die
	mv log log.2
	echo 2 >log.1
	xz log.1
	echo 3 >log
	follow
	holds 1 3
	leave 1
	grep -q 'cannot be read, so their lines are missing: log.1.xz' said
}

@test "copied and truncated while it is followed, and while it is not" {
	echo 1 >log
	follow
	holds 1
	kill -STOP "$pid"
	echo 2 >>log
	cp log log.1
	: >log
	echo 3 >>log
	kill -CONT "$pid"
	holds 1 2 3
	die
	echo 4 >>log
	mv log.1 log.2
	cp log log.1
	: >log
	seq 5 9 >>log # longer than it was
	follow
	holds {1..9}
	leave
	quiet
}

@test "truncated without a copy: told, and status 1" {
	seq 3 >log
	follow
	holds 1 2 3
	: >log
	wait_for 5 grep -q 'truncated or written anew; what was written behind byte 6 before that may be missing' said
	echo 4 >>log
	holds 1 2 3 4
	leave 1
	: >said
	seq 100 105 >log # no longer the bytes that were there
	follow
	wait_for 5 has 10
	leave 1
	assert_equal "$(mq-consume t | tail -n 6)" "$(seq 100 105)"
	grep -q 'the place where a was (byte 2) is not found' said
}

@test "an inode alone proves nothing" {
	seq 3 >log
	follow
	holds 1 2 3
	leave
	# The same file with other bytes at the place: its lines are new, though the inode is the old one.
	inode=$(stat -c %i log)
	printf '4\n5\n6\n' >log
	[[ $(stat -c %i log) == "$inode" ]]
	follow
	holds {1..6}
	leave 1
	# And another file with this inode, at its beginning: by its birth.
	: >log
	follow
	wait_for 5 has_bytes 0
	leave 1
	sed -i -E 's/^(place=[0-9]+) [0-9]+/\1 1/' "$MQ_DIR/topics/t/ids/a"
	echo 7 >log
	: >said
	follow
	holds {1..7}
	leave 1
	grep -q 'byte 0) is not found: none of the files is the one' said
}
has_bytes() { [[ $(place) =~ ^([0-9]+\ ){3}$1\  ]]; }

@test "two copies that have the same bytes are not chosen between" {
	echo same >log
	follow
	holds same
	leave
	cp log log.1
	cp log log.2
	rm log
	echo other >log
	follow
	holds same other
	leave 1
	grep -qE 'log.[12] and log.[12] cannot be told apart' said
}

@test "what the log holds behind the checkpoint is compared, not stored again" {
	: >log
	follow -o '%v\n' >told
	for i in {1..20}; do
		echo "$i" >>log
		wait_for 5 told_or_dead "$i"
	done
	# Nothing is due within ten seconds: only the first was checked.
	die
	[[ $(place) == *" 2 "* ]]
	follow
	echo 21 >>log
	holds {1..21}
	leave
	quiet
}
told_or_dead() { (($(wc -l <told) >= $1)) || is_dead "$pid"; }

@test "replaced by what is no file: told, and waited for" {
	echo 1 >log
	follow
	holds 1
	mv log log.1
	mkdir log
	wait_for 5 grep -q 'log: not a plain file; waiting for a file that can be read' said
	rmdir log
	mkfifo log
	sleep 0.1
	rm log
	echo 2 >log
	holds 1 2
	leave
}

@test "one that may not be read at once" {
	need_root
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	mq-topic alter t -c mode=0666
	chmod 755 "$MQ_DIR" "$MQ_DIR/topics"
	(umask 077 && echo 1 >log)
	: >said
	chmod 666 said
	background setpriv --reuid 65534 --clear-groups "$MQ_BIN/mq-produce" --follow log --id a t 2>>said
	wait_for 5 grep -q 'log: Permission denied; waiting' said
	chmod 644 log
	holds 1
	leave
}

@test "a link is followed to where it leads" {
	mkdir there
	echo 1 >there/today
	ln -s there/today log
	follow
	holds 1
	echo 2 >>there/today
	holds 1 2
	echo 3 >there/tomorrow
	ln -sf there/tomorrow log
	holds 1 2 3
	leave
	quiet
}

@test "round robin, keys and shapes go on where they were" {
	mq-topic create three -p 3
	run_three() { background mq-produce --follow log --id a three 2>>said; }
	has_three() { (($(mq-consume three | wc -l) == $1)); }
	seq 4 >log
	run_three
	wait_for 5 has_three 4
	leave
	seq 5 9 >>log
	run_three
	wait_for 5 has_three 9
	leave
	for p in 0 1 2; do [[ $(mq-consume three -p $p) == "$(seq $((p + 1)) 3 9)" ]]; done
	printf 'k:v\0l:w\0' >zeros
	background mq-produce --follow zeros --id b -0 -K : -H h=1 -z gzip t
	holds v w
	leave
	echo '{"value":"x","key":"k","timestamp":5}' >lines
	background mq-produce --follow lines --id c -J t
	holds v w x
	leave
	printf '1:a2:bc' >sized
	background mq-produce --follow sized --id d -f '%V:%v' t
	holds v w x a bc
	printf '3:d' >>sized
	leave
	background mq-produce --follow sized --id d -f '%V:%v' t
	printf 'ef' >>sized
	holds v w x a bc def
	leave
}

@test "a bad line is named, what is before it is stored, and a restart meets it again" {
	printf 'a:1\nb:2\nbad\nc:3\n' >log
	for _ in 1 2; do
		run -65 mq-produce --follow log --id a -K : t
		assert_output --partial "no key in it"
		holds 1 2
	done
}

@test "a name is for an input of one kind, and one file" {
	echo 1 >log
	follow
	holds 1
	leave
	run -65 mq-produce --id a t log
	assert_output --partial "--id a: the name of a followed file: only with --follow $PWD/log; nothing was stored"
	mq-produce --id b t log
	run -65 mq-produce --follow log --id b t
	assert_output --partial "--id b: the name of an input without --follow"
	echo 2 >other
	run -65 mq-produce --follow other --id a t
	assert_output --partial "--id a: the name of $PWD/log, which it follows; another file gets a new one"
	# But the folder may move.
	mkdir logs
	mv log logs/log
	echo 3 >>logs/log
	background mq-produce --follow logs/log --id a t
	holds 1 1 3
	leave
}

@test "what it does not go with" {
	for bad in '--follow log t' '--follow log --id a t file' '--follow log --id a t -- cat' '--follow log --id a --whole t' \
		'--follow log --id a -J -' '--follow log --id a --atomic t'; do
		# shellcheck disable=SC2086 # words
		run -2 mq-produce $bad </dev/null
	done
}

@test "a log that has lost records does not break the place" {
	seq 3 >log
	follow
	holds 1 2 3
	leave
	cp -r "$MQ_DIR/topics/t" old
	seq 4 6 >>log
	follow
	holds {1..6}
	leave
	cp "$MQ_DIR/topics/t/ids/a" kept
	rm -r "$MQ_DIR/topics/t"
	mv old "$MQ_DIR/topics/t"
	cp kept "$MQ_DIR/topics/t/ids/a"
	echo 7 >>log
	follow
	holds 1 2 3 7
	leave 1
	grep -q '3 records that were stored are not in the log any more' said
	echo 8 >>log
	: >said
	follow
	holds 1 2 3 7 8
	leave
	quiet
}

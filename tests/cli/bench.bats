load ../lib/mq

# scripts/bench itself, on rows whose figures are known: nothing here is timed.  A row's commands say themselves how long they took.

setup() {
	mq_setup
	mkdir rows
	export BENCH_ROWS=$PWD/rows BENCH_OUT=$PWD/out BENCH_TMP=$PWD BENCH_MB=1 BENCH_PAIRS=3
}

bench() { "$MQ_ROOT/scripts/bench" "$@" 2>said; }

# The result column of the figures.
results() { tail -n +2 out/report.tsv | cut -f 8; }

@test "bench: the median of the ratios of pairs, and the least and greatest" {
	cat >rows/01-one.bash <<-'END'
		row 1 one
		i=0
		ours 'took=$((100 * ++i))'
		theirs 'took=$((50 * i * i))'
		alternate
		at_most 2 1
	END
	run bench
	assert_success
	# 100 to 50, 200 to 200, 300 to 450
	assert_equal "$(tail -n 1 out/report.tsv | cut -f 6-13 | tr '\t' ' ')" "200 200 1 0.666667 2 <= 2 1"
	assert_output --partial "ok, stretch"
	assert_equal "$(<out/report.txt)" "$output"
}

@test "bench: as many times as fast, several figures at once, a figure alone" {
	cat >rows/02-two.bash <<-'END'
		row 2 'records'
		ours 'took=10'
		theirs 'took=80'
		alternate
		at_least 7 10
		row 2 'wake'
		ours 'echo 30 200'
		theirs 'echo 20 100'
		alternate printed
		at_most 1.5 1 1 median
		at_most 1.9 - 2 '99th percentile'
		row 2 'memory' KiB
		ours 'echo 4'
		alternate printed
		at_most 4 1
		at_most - 1
	END
	run bench
	assert_failure 1
	assert_equal "$(results | tr '\n' ' ')" "8 1.5 2 4 4 "
	assert_equal "$(grep -c '^Short:' <<<"$output")" 1
	assert_output --partial "Short: row 2, wake, 99th percentile: 2.00, demanded <= 1.9"
}

@test "bench: what fails is told, is no result, and the other rows are measured" {
	cat >rows/01-bad.bash <<-'END'
		row 1 bad
		ours 'false | true' 'sleep 0'
		alternate
		at_most 1 1
	END
	cat >rows/02-worse.bash <<-'END'
		row 2 worse
		ours 'took=1' 'new_topic t' 'holds t 1'
		alternate
		at_most 1 1
	END
	cat >rows/03-good.bash <<-'END'
		row 3 good
		ours 'took=1'
		theirs 'took=1'
		alternate
		at_most 1 1
	END
	run bench
	assert_failure 1
	assert_line "Failed: row 1: status 1: false | true"
	assert_line "Failed: row 2: t holds 0 records, not 1"
	assert_equal "$(results)" 1
}

@test "bench: a peer that is not there is skipped by name, and that is no failure" {
	cat >rows/05-peer.bash <<-'END'
		row 5 'against nobody'
		if has Nobody nobody-at-all; then
			fail "it is there"
		fi
	END
	run bench
	assert_success
	assert_output --partial "Skipped: row 5: Nobody: nobody-at-all is not installed (scripts/deps bench)"
}

@test "bench: only the rows that are named, and none that there is not" {
	for number in 01 02 13; do
		cat >"rows/$number-row.bash" <<-END
			row $number row
			ours 'took=1'
			alternate
			at_most 1 1
		END
	done
	run bench 13 1
	assert_success
	assert_equal "$(tail -n +2 out/report.tsv | cut -f 1 | tr '\n' ' ')" "01 13 "
	run bench 3
	assert_failure 2
	run cat said
	assert_output "scripts/bench: no such row: 3"
}

@test "bench: nothing is left behind, also when a row starts something" {
	cat >rows/01-row.bash <<-'END'
		row 1 row
		sleep 100 3>&- &
		echo $! >"$BENCH_TMP/pid"
		at_end "kill $!"
		fail 'as it should'
	END
	run bench
	assert_failure 1
	wait_for 10 is_dead "$(<pid)"
	run compgen -G 'mq-bench.*'
	assert_output ''
}

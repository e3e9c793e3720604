#!/usr/bin/env bats
# mq-fsck tells what --atomic left, and -r stores it, removes it, or puts it aside.
# shellcheck disable=SC2154 # bats sets output and stderr
load ../lib/mq

setup() {
	mq_setup
	mq-topic create t -p 3
	topic=$MQ_DIR/topics/t
}

cells() { jq -r '[.state, .action] | join(" ")' <<<"$output"; }
# dies_at POINT: a maker of ten records.
dies_at() {
	local status=0

	seq 10 | MQ_FAULT=$1 mq-produce --atomic t || status=$?
	[[ $status == 137 ]] || fail "it ended with $status, not killed at $1"
}
set_of() { echo "$topic"/intents/*.intent; }
# flip FILE POSITION: a byte is another.
flip() { perl -e 'open F, "+<", shift or die; $at = shift; seek F, $at, 0; read F, $b, 1; seek F, $at, 0; print F chr(ord($b) ^ 1)' "$@"; }

@test "after --atomic a topic is sound" {
	seq 10 | mq-produce --atomic t
	run -0 mq-fsck --json
	assert_output ""
}

@test "a set that waits is told, and -r stores it, wherever its maker died" {
	for point in intent.committed intent.applied intent.synced; do
		mq-topic delete -y t
		mq-topic create t -p 3
		dies_at $point
		cp "$(set_of)" before
		run --separate-stderr -0 mq-fsck --json
		[[ $(cells) == 'waiting apply' ]] || fail "$point: $output"
		[[ $output == *'10 records in 1 committed sets'* ]]
		cmp "$(set_of)" before
		run --separate-stderr -0 mq-fsck -r -y --json
		[[ $(cells) == 'waiting applied' ]] || fail "$point: $output"
		[[ -z $(ls "$topic/intents") && $(mq-consume t | sort -n) == "$(seq 10)" ]]
		run -0 mq-fsck --json
		assert_output ""
	done
}

@test "a spool of a dead maker is removed, one of a living maker is not told" {
	dies_at spool.synced
	run --separate-stderr -0 mq-fsck --json
	[[ $(cells) == 'leftover remove' ]] || fail "$output"
	run --separate-stderr -0 mq-fsck -r -y --json
	[[ $(cells) == 'leftover removed' && -z $(ls "$topic/spools") ]] || fail "$output"
	seq 10 >in
	MQ_FAULT=spool.synced:1:stop mq-produce --atomic t in 3>&- &
	pid=$!
	wait_for 5 has_state $pid T
	run -0 mq-fsck -r -y --json
	assert_output ""
	kill -CONT $pid
	wait $pid
	[[ $(mq-consume t | sort -n) == "$(seq 10)" ]]
}

# The header, a frame, a batch, the table: what can be told differs, what is to be typed does not.
@test "a damaged set: told with what it means, put aside into lost/, and the topic takes records again" {
	dies_at intent.committed
	cp "$(set_of)" good
	size=$(stat -c %s good)
	for at in 20 70 150 $((size - 30)); do
		cp good "$(set_of)"
		flip "$(set_of)" "$at"
		run -74 mq-produce t <<<x
		run --separate-stderr -1 mq-fsck --json
		[[ $(cells) == 'bad-set cut' ]] || fail "$at: $output"
		[[ $at == 20 || $at == $((size - 30)) || $output == *'4 of partition 0, 3 of partition 1, 3 of partition 2 (10 in all)'* ]] || fail "$at: $output"
		name=$(basename "$(set_of)")
		run --separate-stderr -1 mq-fsck -r -y --json
		[[ $(cells) == 'bad-set cut-out' && $(jq -r .kept <<<"$output") == *"$name" ]] || fail "$at: $output"
		[[ -s $topic/lost/$name && -z $(ls "$topic/intents") ]]
		run --separate-stderr -0 mq-fsck --json
		[[ $(cells) == 'kept none' ]] || fail "$at: $output"
		echo "next $at" | mq-produce t
		mq-topic delete -y t
		mq-topic create t -p 3
		dies_at intent.committed
		cp "$(set_of)" good
	done
}

@test "a set for a partition that the topic does not have is damage" {
	dies_at intent.committed
	mq-topic create u
	mkdir -p "$MQ_DIR/topics/u/intents"
	cp "$(set_of)" "$MQ_DIR/topics/u/intents/"
	run --separate-stderr -1 mq-fsck --json u
	[[ $(jq -r 'select(.state == "bad-set").detail' <<<"$output") == *'for partition 1, and the topic has 1'* ]] || fail "$output"
}

# The word is rebuilt with the page, so that what is committed is stored and nothing else comes first.
@test "a topic's page that is made anew keeps what waits" {
	dies_at intent.committed
	perl -e 'open F, "+<", shift or die; seek F, 80, 0; print F "\x55" x 8' "$topic/heads"
	run -1 mq-fsck -r -y
	[[ -z $(ls "$topic/intents") && $(mq-consume t | sort -n) == "$(seq 10)" ]] || fail "$output"
	run -0 mq-fsck
}

@test "a count above 0 without intents/ is garbage, with an empty one it is not" {
	mq-topic create u
	perl -e 'open F, "+<", shift or die; seek F, 72, 0; print F pack("Q", 1)' "$MQ_DIR/topics/u/heads"
	run -1 mq-fsck -r -y u
	[[ $(mq-fsck u) == "" ]]
	seq 3 | MQ_FAULT=intent.raised mq-produce --atomic t || true
	run -0 mq-fsck t
	refute_output --partial garbage
}

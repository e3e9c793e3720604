#!/usr/bin/env bats
# Every byte of a small topic is changed, its files are cut at every length: mq-fsck tells the truth, and repairs.

load ../lib/mq
load ../lib/damage

each_file() {
	damage_prepare "$1"
	damage_each "$1" "$2" "$3"
}

@test "logs" { damage_topic && BATS_TEST_TIMEOUT=0 each_file t 1 '\.log$'; }
@test "indexes, snapshots, checkpoints" { damage_topic && each_file t 1 '-0/.*(index|snapshot|checkpoint|metadata)$'; }
@test "heads" { damage_topic && each_file t 1 'heads$'; }
@test "config, state, lock, names" { damage_topic && each_file t 1 '^(config|state|lock|ids/.*)$'; }
@test "transactions of Kafka" {
	mq-topic import t "$MQ_ROOT/tests/golden/kafka/txn-0"
	each_file t 1 .
}
@test "mq-fsck killed at each of its calls" {
	MQ_FSCK_STEP=1 BATS_TEST_TIMEOUT=0 bats "$MQ_ROOT/tests/crash/fsck.bats" 3>&-
}

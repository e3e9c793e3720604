#!/usr/bin/env bats
# Power cuts: whatever was promised before is there afterwards, on ext4 and xfs.  power.bash cuts and looks; MQ_SEED makes a run again,
# MQ_POWER_TIMES (1) makes it longer.
load ../lib/mq

export BATS_TEST_TIMEOUT=$((300 * ${MQ_POWER_TIMES:-1}))

setup() {
	mq_setup
	need_root
	need loop mount_image ext4
}

# mount_image FS: one can be made and mounted here.
mount_image() {
	truncate -s 300M image && "mkfs.$1" -q image && mkdir image.m &&
		unshare --mount --propagation private mount -o loop image image.m && rm -r image image.m
}
need_disk() { need fuse make -s -C "$MQ_ROOT" BUILD="$MQ_BUILD" "$MQ_BUILD/logdisk"; }
need_xfs() { need xfs mount_image xfs; }
times() { echo $(($1 * ${MQ_POWER_TIMES:-1})); }

# power ARG...: a run in namespaces of its own, so that nothing stays mounted or running whatever happens.
power() {
	export MQ_SEED=${MQ_SEED:-$((SRANDOM % 32768))}
	mkdir work
	cd work || return
	run unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$MQ_ROOT/tests/full/power.bash" "$@"
	printf '# %s\n' "${lines[-1]}, MQ_SEED=$MQ_SEED" >&3
	assert_success
}

@test "ext4: one thing after the other, and the power is cut behind each" {
	need_disk
	power recorded ext4 alone 0 "$(times 50)"
}
@test "xfs: one thing after the other, and the power is cut behind each" {
	need_xfs
	need_disk
	power recorded xfs alone 0 "$(times 50)"
}
@test "ext4: all of it at once" {
	need_disk
	power recorded ext4 storm "$(times 3)" "$(times 12)"
}
@test "xfs: all of it at once" {
	need_xfs
	need_disk
	power recorded xfs storm "$(times 3)" "$(times 12)"
}
@test "ext4: the power is cut again while the store recovers" {
	need_disk
	power twice ext4 alone 0 "$(times 5)" 6
}
@test "xfs: the power is cut again while the store recovers" {
	need_xfs
	need_disk
	power twice xfs alone 0 "$(times 5)" 6
}
# Bytes written again over a write that failed stay in what ext4 calls an unwritten extent, though fsync says 0.
@test "ext4: a write that fails and cannot be made again: nobody is told of later records" {
	need_disk
	power recorded ext4 sick 0 "$(times 20)"
}
@test "xfs: a write that fails is made again before later records are told" {
	need_xfs
	need_disk
	power recorded xfs sick 0 "$(times 20)"
}
@test "ext4: snapshots of a running disk" {
	need_xfs
	power snapshots ext4 "$(times 8)"
}
@test "ext4: the file system is shut down, its log not flushed" {
	need xfs command -v xfs_io
	power shutdown ext4 "$(times 1)"
}
@test "ext4: the file system is shut down, its log flushed" {
	need xfs command -v xfs_io
	power shutdown ext4 "$(times 1)" -f
}
@test "xfs: the file system is shut down, its log not flushed" {
	need_xfs
	power shutdown xfs "$(times 1)"
}
@test "xfs: the file system is shut down, its log flushed" {
	need_xfs
	power shutdown xfs "$(times 1)" -f
}

#!/usr/bin/env bats
# Twenty programs at work in one store, each killed or stopped again and again: nothing that anybody was told of or has read is lost.
# power.bash does it; MQ_SEED makes a run again as far as its choices go, MQ_STORM_SECONDS (45) makes it longer.
load ../lib/mq

seconds=${MQ_STORM_SECONDS:-45}
export BATS_TEST_TIMEOUT=$((240 + seconds + seconds / 2))

setup() {
	mq_setup
	need_root
	export MQ_SEED=${MQ_SEED:-$((SRANDOM % 32768))}
}

@test "producers, readers, trims, retention and compaction, killed and stopped at random" {
	run unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$MQ_ROOT/tests/full/power.bash" killed "$seconds"
	printf '# %s\n' "${lines[-1]}, MQ_SEED=$MQ_SEED" >&3
	assert_success
	[[ ${lines[-1]} =~ ^killed:\ ([0-9]+)\ kills ]]
	((BASH_REMATCH[1] >= seconds))
}

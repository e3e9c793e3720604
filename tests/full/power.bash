#!/bin/bash
# Cuts the power under a store and looks at what is left, again and again (bash; power.bats says how each is called).
#
#	power.bash recorded FS WORK SECONDS STATES	on a disk that remembers (logdisk.c): afterwards the power is cut at many points
#	power.bash twice FS WORK SECONDS FIRST SECOND	the same, and from so many of its crash states on, while they recover, again
#	power.bash snapshots FS STATES			the image of the running disk is copied in one instant, again and again
#	power.bash killed SECONDS			no power is cut: the programs are killed and stopped at random, while all goes on
#	power.bash shutdown FS STATES [-f]		xfs_io shuts the file system down; -f: with its log flushed
#
# Runs in a folder of its own, in a mount and pid namespace of its own, so that nothing is left when it is killed.  Random choices come from
# MQ_SEED.  Exit status 1: a promise was broken; the state is told with what is needed to make it again.
#
# What clients do and are told goes to streams, files in $told that stand outside of the disk (with logdisk: between its writes): `facts`, a
# line for each thing begun and done; told.TOPIC.PRODUCER, what a producer was told is stored; seen.TOPIC.READER; cursor.TOPIC, what was read
# with an --offset-file.  Each line ends with a dot, so that half a line is known.  Then the disk is mounted again, under another boot id, and
# look() holds the store to every line.
set -u
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
logdisk=${MQ_BUILD:?}/logdisk
golden=$here/../golden/kafka
work=$PWD
told=${POWER_TOLD-}
grace_ms=2500 # an interval of 200 ms, and what a loaded machine adds to it
RANDOM=${MQ_SEED:?}

# shellcheck source=tests/full/power-work.bash
. "$here/power-work.bash"
# shellcheck source=tests/full/power-look.bash
. "$here/power-look.bash"

die() {
	echo "power: $*" >&2
	exit 2
}

make_image() {
	case $1 in
	ext4) truncate -s 96M "$2" && mkfs.ext4 -qF -E lazy_itable_init=0,lazy_journal_init=0 "$2" ;;
	xfs) truncate -s 300M "$2" && mkfs.xfs -q "$2" ;;
	esac || die "no image of $1"
}

wait_until() {
	local deadline=$((${EPOCHREALTIME/[^0-9]/} + 20000000))

	until "$@"; do
		((${EPOCHREALTIME/[^0-9]/} < deadline)) || die "still not: $*"
		sleep 0.01
	done
}

# The disk is $1, served from a copy; its file system at m, its streams at mp.
serve() {
	mkdir -p mp m
	cp --sparse=always "$1" served.img
	"$logdisk" serve served.img "$2" mp &
	server=$!
	wait_until test -e mp/disk
	mount -o loop mp/disk m || die "cannot mount the served disk"
	told=$PWD/mp
}

# What was done since `dead` was written is not recorded, so unmounting is no part of it.
unserve() {
	echo 1 >mp/dead
	wait_until umount m 2>/dev/null
	wait_until umount mp 2>/dev/null
	wait "$server" || die "the disk ended badly"
}

other_boot() {
	cat /proc/sys/kernel/random/uuid >boot_id
	mount --bind boot_id /proc/sys/kernel/random/boot_id || die "no other boot id"
}

# start_work NAME SECONDS: runs a workload in a pid namespace of its own; whatever still runs at its end is killed.
start_work() {
	MQ_DIR=$work/m/store POWER_TOLD=$told unshare --pid --fork --kill-child --mount-proc "$here/power.bash" work "$@" &
	worker=$!
}
kill_work() {
	kill -KILL "$worker" 2>/dev/null
	wait "$worker" 2>/dev/null
}

# look_at IMAGE TOLD WHAT: mounts it, under another boot id, and looks.  What is wrong is told on stdout.
states=0
look_at() {
	states=$((states + 1))
	unshare --mount --propagation private "$here/power.bash" look "$@" >said.$states 2>&1 && return 0
	echo "broken: $3"
	sed 's/^/  /' said.$states
	return 1
}

# record WORK SECONDS: what a workload does to base.img goes to log.
record() {
	serve base.img log
	start_work "$@"
	wait "$worker" || die "the workload $1 failed"
	unserve
}

recorded() {
	local bad=0

	make_image "$1" base.img
	record "$2" "$3"
	cut_everywhere "$1 $2" "$4" || bad=1
	echo "$1, $2: $states crash states, $entries writes, flushes and lines"
	return "$bad"
}

# What the first cut took is not looked for after the second.
keep_durable() {
	local t each

	rm -rf facts_of && mkdir facts_of && cd facts_of || die "no folder"
	read_facts "$1"
	cd ..
	for t in "${!fsync[@]}"; do
		[[ ${fsync[$t]} != always ]] || continue
		for each in ${senders[$t]-}; do
			[[ ${fsync[$t]} != never && -n ${ended[$t.$each]-} ]] || rm -f "$1/told.$t.$each"
		done
	done
}

twice() {
	local bad=0 i point n

	make_image "$1" base.img
	record "$2" "$3"
	n=$("$logdisk" marks log | awk 'END { print $1 }')
	for ((i = 1; i <= $4; i++)); do
		point=$((n * i / ($4 + 1) + RANDOM % (n / ($4 + 1))))
		mkdir "twice$i"
		"$logdisk" crash base.img log $point half $((MQ_SEED + i)) "twice$i/base.img" "twice$i/before" || die "no crash state"
		cd "twice$i" || die "no folder"
		keep_durable before
		work=$PWD POWER_BEFORE=$PWD/before record again 0
		work=$PWD cut_everywhere "$1 $2, cut at entry $point of $n and while it recovered" "$5" || bad=1
		cd ..
	done
	echo "$1, $2, cut twice: $states crash states"
	return "$bad"
}

mount_running() {
	mkdir -p m
	mount -o loop "$1" m || die "$1 cannot be mounted"
	told=$work/$2
	mkdir "$told"
}

# What clients began, and what they read at a cursor, between the copy of their lines and that of the disk may be on the disk.
add_begun() {
	local lines

	lines=$(wc -l <"$1/facts")
	tail -n +$((lines + 1)) "$told/facts" | grep -vE '^(created|ended|deleted|imported|altered|grown|trimmed) ' >>"$1/facts"
	cp "$told"/cursor.* "$1"
}

snapshots() {
	local bad=0 i j now at=()

	truncate -s 4G outer.img && mkfs.xfs -q -m reflink=1 outer.img || die "no xfs"
	mkdir outer && mount -o loop outer.img outer || die "no xfs"
	make_image "$1" outer/disk.img
	mount_running outer/disk.img told
	start_work storm 600
	for ((i = 0, j = 0; i < $2; i++)); do
		sleep 0.$((RANDOM % 900 + 100))
		cp -r "$told" "state$i"
		at[i]=${EPOCHREALTIME/[^0-9]/}
		cp --reflink=always outer/disk.img "outer/crash$i.img" || die "no snapshot"
		add_begun "state$i"
	done
	kill_work
	for ((i = 0, j = -1; i < $2; i++)); do
		while ((at[j + 1] < at[i] - grace_ms * 1000)); do j=$((j + 1)); done
		rm -f "state$i.old"
		((j < 0)) || ln -s "state$j" "state$i.old"
		look_at "outer/crash$i.img" "state$i" "$1, snapshot $i of a running disk, MQ_SEED=$MQ_SEED" || bad=1
	done
	echo "$1, snapshots: $states crash states"
	return "$bad"
}

# What was told before the shutdown: an fdatasync that it meets may say 0 on ext4 all the same, with the extent of its data still unwritten.
shutdown() {
	local bad=0 i

	make_image "$1" base.img
	for ((i = 0; i < $2; i++)); do
		cp --sparse=always base.img "disk$i.img"
		mount_running "disk$i.img" "told$i"
		start_work storm 600
		sleep 1.$((RANDOM % 900 + 100))
		cp -r "$told" "state$i.old"
		sleep $((grace_ms / 1000 + 1))
		cp -r "$told" "state$i"
		xfs_io -x -c "shutdown ${3-}" m || die "no shutdown"
		sleep 0.1
		kill_work
		add_begun "state$i"
		wait_until umount m 2>/dev/null
		look_at "disk$i.img" "state$i" "$1, shutdown ${3-} $i, MQ_SEED=$MQ_SEED" || bad=1
	done
	echo "$1, shutdown ${3-}: $states crash states"
	return "$bad"
}

# The programs of ours that run, into $running.
find_programs() {
	local each comm

	running=()
	for each in /proc/[0-9]*; do
		read -r comm 2>/dev/null <"$each/comm" || continue
		[[ $comm != mq-* ]] || running+=("${each#/proc/}")
	done
}

killed() {
	local end kills=0 stops=0 running=() pid

	mkdir m told
	told=$work/told
	start_work storm 100000
	wait_until grep -qs '^created large' told/facts
	end=$((${EPOCHREALTIME/[^0-9]/} + $1 * 1000000))
	while ((${EPOCHREALTIME/[^0-9]/} < end)); do
		find_programs
		((${#running[@]} > 0)) || continue
		pid=${running[RANDOM % ${#running[@]}]}
		if ((RANDOM % 3 > 0)); then
			kill -KILL "$pid" 2>/dev/null && kills=$((kills + 1))
		elif kill -STOP "$pid" 2>/dev/null; then
			stops=$((stops + 1))
			{ sleep 0.$((RANDOM % 5)) && kill -CONT "$pid"; } 2>/dev/null &
		fi
		sleep 0.0$((RANDOM % 3))
	done
	kill_work
	export MQ_DIR=$work/m/store
	look_alive
	bad=$?
	echo "killed: $kills kills, $stops stops, $(cat told/told.* | wc -l) records told, $(cat told/seen.* told/cursor.* | wc -l) read," \
		"$(grep -c ^refused told/facts) refusals"
	return "$bad"
}

# cut_everywhere WHAT COUNT: half of the points lie behind a line that somebody was told, before any later flush.
cut_everywhere() {
	local marks bad=0 i point how piece

	mapfile -t marks < <("$logdisk" marks log | cut -d ' ' -f 1)
	entries=${marks[-1]}
	for ((i = 0; i < $2; i++)); do
		if ((i % 4 != 3)); then
			point=$((marks[(i * ${#marks[@]} + RANDOM % ${#marks[@]}) / $2] + 1))
		else
			point=$((i * entries / $2 + RANDOM % (entries / $2 + 1)))
		fi
		case $((RANDOM % 8)) in
		[012]) how=none ;;
		7) how=all ;;
		*) how=half ;;
		esac
		piece=4096
		[[ $1 == xfs* ]] || ((RANDOM % 4 > 0)) || piece=512 # the log of xfs is not for torn blocks
		rm -rf crash.img state state.old
		[[ ! -e before ]] || cp -r before state
		"$logdisk" crash -g $grace_ms -t $piece base.img log $point $how $((MQ_SEED + i)) crash.img state || die "no crash state"
		look_at crash.img state "$1, cut $i at entry $point of $entries, $how of the unflushed kept in pieces of $piece, MQ_SEED=$MQ_SEED" ||
			{ bad=1 && keep_state "$i"; }
	done
	return "$bad"
}

# With MQ_POWER_KEEP=DIR a broken state stays for who wants to see it.
keep_state() {
	[[ -n ${MQ_POWER_KEEP-} ]] || return 0
	mkdir -p "$MQ_POWER_KEEP/$1"
	"$logdisk" crash base.img log "$point" "$how" $((MQ_SEED + $1)) "$MQ_POWER_KEEP/$1/crash.img" "$MQ_POWER_KEEP/$1/again"
	cp -r state state.old "$MQ_POWER_KEEP/$1"
}

case ${1-} in
recorded | twice | snapshots | shutdown | killed) "$@" ;;
work)
	[[ -z ${POWER_BEFORE-} ]] || other_boot
	shift && "work_$1" "${@:2}"
	;;
look) shift && look "$@" ;;
*) die "what?" ;;
esac

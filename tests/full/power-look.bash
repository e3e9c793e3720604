# power-look.bash: holds what is left on a disk to what clients were told.  Part of power.bash.
#
# look IMAGE TOLD: TOLD has the streams as they were when the power was cut, TOLD.old as they were some time before.

declare -A fsync=() kind=() exists=() partitions=() setting=() imported=() ended=() names=() senders=() refused=()

# What is known of each topic, from the facts: exists is yes, no, or maybe while it is made or removed.
read_facts() {
	local verb t a b c

	while read -r verb t a b c; do
		case $verb in
		creating)
			exists[$t]=maybe fsync[$t]=$a kind[$t]=$b partitions[$t]='' names[$t]='' senders[$t]='' refused[$t]=''
			rm -f "sent.$t" "batch.$t"
			;;
		created) exists[$t]=yes ;;
		deleting) exists[$t]=maybe ;;
		deleted) exists[$t]=no ;;
		importing) exists[$t]=maybe fsync[$t]=always kind[$t]=imported imported[$t]=$a partitions[$t]='' ;;
		imported) exists[$t]=yes ;;
		growing) partitions[$t]+=" $a" ;;
		grown) partitions[$t]=$a ;;
		altering)
			unset "setting[$t $a]"
			[[ $a != fsync || ${fsync[$t]} == never ]] || fsync[$t]=maybe # never it is until the alter has said otherwise
			;;
		altered)
			setting["$t $a"]=$b
			[[ $a != fsync ]] || fsync[$t]=$b
			;;
		sending)
			printf '%s %s\n' "$a" "$b" >>"sent.$t"
			senders[$t]+=" $a"
			;;
		named) names[$t]+=" $a:$b" ;;
		batch) printf '%s %s %s .\n' "$a" "$b" "$c" >>"batch.$t" ;;
		asked) printf '%s %s .\n' "$a" "$b" >>"asked.$t" ;;
		trimmed) printf '%s %s .\n' "$a" "$b" >>"trimmed.$t" ;;
		ended) ended[$t.$a]=1 ;;
		refused) refused[$t]+=" $a" ;;
		esac
	done < <(sed -n 's/ \.$//p' "$1/facts" 2>/dev/null)
}

broken() {
	echo "$*"
	bad=1
}

# read_log TOPIC TO: all of it; anything but 0 is damage.
read_log() {
	mq-consume -f "$format" "$1" >"$2" 2>>said || broken "$1: mq-consume ended with $?: $(tail -n 3 said)"
}

append() {
	printf 'after-%d:after-%d\n' 1 1 2 2 | mq-produce -K : "$1" >>said 2>&1 || broken "$1: nothing can be appended: $?: $(tail -n 3 said)"
	echo 'after 2' >>"sent.$1"
}

# Each named producer that had begun is run again with all of its input, and stores what is missing.
run_again() {
	local t=$1 each

	for each in ${names[$t]-}; do
		echo "${each%:*} ${each#*:}" >>"sent.$t"
		input "${each%:*}" "${each#*:}" | mq-produce --id "${each%:*}" "$t" >>said 2>&1 ||
			broken "$t: --id ${each%:*} ended with $? when it was run again: $(tail -n 3 said)"
		input "${each%:*}" "${each#*:}"
	done >>"whole.$t"
}

# tell KIND TOLD TOPIC: the files of its producers of which so much is to be expected, into $files.
tell() {
	local each

	files+=("kind=$1")
	for each in ${senders[$3]-}; do
		[[ ! -e $2/told.$3.$each ]] || files+=("$2/told.$3.$each")
	done
}

# A producer that ended with 75 and knew of everything: what it was not told of is not there.
name_refused() {
	local each

	for each in ${refused[$1]-}; do
		[[ " ${names[$1]-}" != *" $each:"* ]] || continue # it was run again
		awk -v producer="$each" 'FILENAME == ARGV[1] { if ($1 == producer) n = $2; next } { told[$3] = 1 }
			END { for (i = 1; i <= n; i++) if (!(producer "-" i in told)) print producer "-" i, "." }' \
			"sent.$1" "$2/told.$1.$each" >>"refused.$1"
	done
}

# What was told, and how much of it must be there, as `kind=told FILE...` and so on in $files.
hold() {
	local t=$1 told=$2 each

	files=(kind=sent "sent.$t")
	[[ ! -e batch.$t || -e asked.$t || ${kind[$t]} == compacted ]] || files+=(kind=batch "batch.$t")
	[[ ! -e asked.$t ]] || files+=(kind=asked "asked.$t")
	[[ ! -e trimmed.$t ]] || files+=(kind=trimmed "trimmed.$t")
	name_refused "$t" "$told"
	[[ ! -e refused.$t ]] || files+=(kind=refused "refused.$t")
	case ${lost_power-${fsync[$t]}} in
	always)
		tell told "$told" "$t"
		files+=(kind=seen "$told/seen.$t".*)
		;;
	never) tell recent "$told" "$t" ;;
	*)
		tell recent "$told" "$t"
		tell told "$told.old" "$t"
		for each in ${senders[$t]-}; do
			[[ -z ${ended[$t.$each]-} || ! -e $told/told.$t.$each ]] || files+=("$told/told.$t.$each")
		done
		;;
	esac
}

# Whoever goes on at a cursor is told of each record that is there, before the cut or now.
go_on() {
	local t=$1 told=$2

	[[ -e $told/cursor.$t ]] || return 0
	mq-consume --offset-file "$MQ_DIR/../cursor.$t" -f "$format" "$t" >given 2>>said || [[ $? == 1 && -e asked.$t ]] ||
		broken "$t: mq-consume --offset-file failed: $(tail -n 3 said)"
	awk 'FILENAME != "log" { given[$1, $2, $3] = 1; next } !(($1, $2, $3) in given) { print "  " $0; bad = 1 } END { exit bad }' \
		"$told/cursor.$t" given log || broken "$t: these were passed over by the cursor"
}

look_at_topic() {
	local t=$1 told=$2 files more=()

	format='%p %o %v %k .\n'
	[[ ${kind[$t]} != large ]] || format='%p %o %k .\n'
	[[ ${kind[$t]} != large ]] || more=(-v trimmed=0)
	[[ ${kind[$t]} != compacted ]] || more=(-v compacted=1)
	[[ ${fsync[$t]} != never || -e asked.$t ]] || more=(-v whole=1)
	read_log "$t" before
	append "$t"
	run_again "$t"
	read_log "$t" log
	hold "$t" "$told"
	awk -f "$here/../crash/history.awk" -v dot=1 "${more[@]}" "${files[@]}" kind=before before kind=log log || broken "$t, fsync=${fsync[$t]}"
	if [[ -e whole.$t ]]; then
		awk 'NR == FNR { there[$3]++; next } there[$1] != 1 { print "  " $1 ": " there[$1] + 0 " times"; bad = 1 } END { exit bad }' \
			log "whole.$t" || broken "$t: not exactly once after --id was run again"
	fi
	go_on "$t" "$told"
}

# files_of STORE TOPIC: what is in the files of its partitions, but for the topic's id.  Who came between two cuts made the last segment's
# indexes anew, and did not sync them.
files_of() {
	local each

	for each in "$1/topics/$2"/*-*/*; do
		case $each in
		*index) [[ -e $work/before ]] || echo "${each#"$1/topics/$2/$2-"} $(cksum <"$each")" ;;
		*/partition.metadata) grep -qa '^topic_id: .' "$each" && echo "id in ${each#"$1/topics/$2/$2-"}" ;;
		*) echo "${each#"$1/topics/$2/$2-"} $(cksum <"$each")" ;;
		esac
	done
}

# What was imported is there in full or not at all; its indexes and epochs too, before anybody could make them anew.
look_at_import() {
	local sum

	imported_sum "${imported[$1]}" >answer
	[[ ${exists[$1]} != yes ]] || diff <(files_of "$work/whole.store" "${imported[$1]}") <(files_of "$MQ_DIR" "$1") || broken "$1: not the files that were imported"
	sum=$(mq-consume -f '%p %o %T %k %v\n' "$1" 2>>said | LC_ALL=C sort | cksum) || broken "$1: mq-consume ended with $?: $(tail -n 3 said)"
	[[ $sum == "$(imported_sum "${imported[$1]}")" ]] || broken "$1: not what was imported"
}
# Read once from a topic on no disk that is cut.
imported_sum() {
	if [[ ! -e $work/sum.$1 ]]; then
		MQ_DIR=$work/whole.store mq-topic import "$1" "$golden/$1"-[0-9]* >&2
		MQ_DIR=$work/whole.store mq-consume -f '%p %o %T %k %v\n' "$1" | LC_ALL=C sort | cksum >"$work/sum.$1"
	fi
	cat "$work/sum.$1"
}

look_at_one() {
	if [[ ${kind[$1]} == imported ]]; then look_at_import "$1"; else look_at_topic "$@"; fi
}

# Nothing else is wrong than indexes, which nobody syncs: they are hints.  Where no power was cut, not these either.
look_at_flaws() {
	local status=0

	mq-fsck --tsv >flaws 2>>said || status=$?
	[[ $status != 0 ]] || return 0
	[[ $status == 1 && -z ${lost_power-} ]] && only_hints flaws && return 0
	broken "mq-fsck ended with $status: $(cat flaws) $(tail -n 3 said)"
}
only_hints() {
	awk -F '\t' 'NR > 1 && $9 !~ /^(none|remove|recover)$/ && !($9 == "rebuild" && $3 ~ /index$/) { bad = 1 } END { exit bad }' "$1"
}

look_at_store() {
	local told=$1 t key n listed

	if [[ ! -d $MQ_DIR ]]; then
		[[ " ${exists[*]} " != *" yes "* ]] || broken "no store"
		return 0
	fi
	listed=" $(mq-topic list 2>>said | tr '\n' ' ')"
	for t in "${!exists[@]}"; do
		case ${exists[$t]}$(grep -o " $t " <<<"$listed") in
		yes) broken "$t: not there, it was made" ;;
		"no $t ") broken "$t: there, it was deleted" ;;
		maybe) mq-topic create "$t" >>said 2>&1 || broken "$t: its name is not free: $(tail -n 3 said)" ;;
		"maybe $t " | "yes $t ") look_at_one "$t" "$told" ;;
		esac
		listed=${listed/ $t / }
	done
	[[ -z ${listed// /} ]] || broken "nobody made $listed"
	for key in "${!setting[@]}"; do
		t=${key% *}
		[[ ${exists[$t]} == yes && ${fsync[$t]} != maybe ]] || continue
		mq-topic describe -c "$t" | grep -qE "^$t +${key#* } +${setting[$key]} " || broken "$t: ${key#* } is not ${setting[$key]}"
	done
	for t in "${!partitions[@]}"; do
		[[ ${exists[$t]} == yes && ${partitions[$t]} =~ ^[0-9] ]] || continue
		n=$(mq-topic describe --tsv "$t" | tail -n +2 | wc -l)
		((n >= ${partitions[$t]%% *})) || broken "$t: $n partitions instead of ${partitions[$t]}"
	done
	look_at_flaws
}

# The same of a store whose processes were killed: then nothing is lost that was told or read, whatever fsync says.
look_alive() {
	lost_power=always
	bad=0
	shopt -s nullglob
	rm -rf looked
	if ! mkdir looked || ! cd looked; then die "no folder"; fi
	read_facts "$told"
	look_at_store "$told"
	cd ..
	return "$bad"
}

look() {
	local image=$1 told

	told=$(realpath "$2")
	bad=0
	shopt -s nullglob
	other_boot
	mkdir -p looked seen-disk
	rm -rf looked/*
	mount -o loop "$image" seen-disk || die "the image cannot be mounted"
	export MQ_DIR=$work/seen-disk/store
	cd looked || die "no folder"
	read_facts "$told"
	look_at_store "$told"
	cd ..
	umount seen-disk
	return "$bad"
}

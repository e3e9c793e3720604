# power-work.bash: what goes on when the power is cut, and the lines that tell of it.  Part of power.bash; MQ_DIR is on the disk, $told is not.

say() { echo "$* ." >>"$told/facts"; }
input() { seq -f "$1-%.0f" "$2"; }

# create TOPIC FSYNC KIND [OPTION...]: KIND is plain, keyed (a record is known by its key), compacted or kept (its retention is at work).
create() {
	local topic=$1 fsync=$2 kind=$3

	shift 3
	say creating "$topic" "$fsync" "$kind"
	mq-topic create "$topic" -c "fsync=$fsync" -c index.interval.bytes=0 "$@" && say created "$topic"
}

# produce TOPIC PRODUCER COUNT [OPTION...]: one run, of the records on stdin; `ended` if it said 0.
produce() {
	local topic=$1 producer=$2 count=$3

	shift 3
	say sending "$topic" "$producer" "$count"
	told_of "$topic" "$producer" '%p %o %v %k .\n' "$@"
}

# What mq-produce says when it ends decides: all is stored, or what it did not tell of is not.
told_of() {
	local topic=$1 producer=$2 said=$work/said.$BASHPID status=0

	mq-produce -o "$3" "${@:4}" "$topic" >>"$told/told.$topic.$producer" 2>"$said" || status=$?
	case $status in
	0) say ended "$topic" "$producer" ;;
	75) grep -q ', 0 unknown$' "$said" && say refused "$topic" "$producer" ;;
	esac
	rm -f "$said"
	return $status
}

# named TOPIC NAME COUNT: the same with --id; whoever looks runs it again with the same input.
named() {
	say named "$1" "$2" "$3"
	produce "$1" "$2" "$3" --id "$2"
}

# batch TOPIC PRODUCER COUNT [PARTITION]: records that are one batch.
batch() {
	say batch "$1" "$2" 1 "$3"
	input "$2" "$3" >"$work/input"
	produce "$1" "$2" "$3" -p "${4-0}" <"$work/input"
}

# trim TOPIC PARTITION OFFSET.
trim() {
	say asked "$1" "$2" "$3"
	mq-topic trim -y "$1" -p "$2" --before "$3" >>"$work/out" && say trimmed "$1" "$2" "$3"
}

alter() {
	say altering "$1" "$2" "$3"
	mq-topic alter "$1" -c "$2=$3" && say altered "$1" "$2" "$3"
}
grow() {
	say growing "$1" "$2"
	mq-topic alter "$1" -p "$2" && say grown "$1" "$2"
}
delete() {
	say deleting "$1"
	mq-topic delete -y "$1" && say deleted "$1"
}
import() {
	say importing "$1" "$2"
	mq-topic import "$1" "$golden/$2"-[0-9]* && say imported "$1"
}

# read_on TOPIC [RANGE]: goes on where this cursor is.
read_on() { mq-consume --offset-file "$MQ_DIR/../cursor.$1" -f '%p %o %v %k .\n' "$1" >>"$told/cursor.$1"; }
see() { mq-consume -f '%p %o %v %k .\n' "$1" >>"$told/seen.$1.$2"; }

SMALL=(-c segment.bytes=300 -c max.message.bytes=200)

# One thing after the other, so that what is not synced is not synced by somebody else either.
work_alone() {
	local i

	create always always plain "${SMALL[@]}" -p 2
	for i in 1 2 3 4 5 6; do batch always a$i 3 $((i % 2)); done
	see always reader
	input named 9 | named always named 9
	read_on always
	create never never plain "${SMALL[@]}"
	for i in 1 2 3 4; do batch never n$i 4; done
	read_on never
	create interval 1h plain "${SMALL[@]}"
	for i in 1 2 3; do batch interval i$i 3; done
	input other 9 | named interval other 9
	read_on interval
	alter always retention.ms 3600000
	grow always 3
	for i in 7 8 9; do batch always a$i 3 $((i - 7)); done
	trim always 0 3
	batch always a10 3
	trim always 1 4
	import plain plain
	import three three
	create compacted always compacted "${SMALL[@]}" -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0
	for i in 1 2 3 4 5 6 7 8; do
		printf 'k%d:c%d-1\nk%d:c%d-2\n' $((i % 3)) $i $((i % 2)) $i | produce compacted c$i 2 -K :
		((i % 4 > 0)) || mq-gc compacted
	done
	see compacted reader
	create gone always plain
	batch gone g1 3
	delete gone
	create gone always plain
	batch gone h1 2
	alter always fsync 100ms
	batch always a11 3
	alter always fsync always
	batch always a12 3
	alter never fsync always
	batch never n5 4
	delete three
	import three three
	read_on always
}

# paced PRODUCER COUNT EACH: numbered records, EACH at a time, some hundreds of times in a second.
paced() {
	local i=0 j text

	exec 7<>"$fifo"
	while ((i < $2)); do
		text=
		for ((j = 0; j < $3 && i < $2; j++)); do text+=$1-$((++i))$'\n'; done
		printf %s "$text"
		read -rt 0.01 -u 7
	done
}

# many TOPIC PREFIX COUNT: runs one after the other, each a producer of its own.
many() {
	local i

	for ((i = 1; ; i++)); do paced "$2x$i" "$3" 3 | produce "$1" "$2x$i" "$3" "${@:4}"; done
}
many_named() {
	local i

	for ((i = 1; ; i++)); do
		until paced "$2x$i" "$3" 4 | named "$1" "$2x$i" "$3"; do :; done
	done
}
many_batches() {
	local i work=$work/$1.$2

	mkdir "$work"
	for ((i = 1; ; i++)); do
		batch "$1" "$2x$i" 5
		read -rt 0.02 <>"$fifo"
	done
}

# Records of 200 KiB, five in a batch, known by their keys.
large() {
	local i j value

	value=$(head -c 150000 /dev/urandom | base64 -w 0)
	for ((i = 1; ; i++)); do
		for j in 1 2 3 4 5; do echo "${1}x$i-$j:$value"; done | large_run "$1" "$1x$i"
		read -rt 0.2 <>"$fifo"
	done
}
# Records whose keys are their numbers.
large_run() {
	say sending "$1" "$2" 5
	told_of "$1" "$2" '%p %o %k .\n' -K :
}

trims() {
	local end

	for (( ; ; )); do
		read -rt 0.15 <>"$fifo"
		end=$(mq-topic offsets --tsv "$1" -p 0 | awk 'END { print $3 }')
		((end < 20)) || trim "$1" 0 $((end - 20))
	done
}

keyed() {
	local i

	for ((i = 1; ; i++)); do
		printf 'k%d:%s-1\nk%d:%s-2\n' $((RANDOM % 12)) "$2x$i" $((RANDOM % 12)) "$2x$i" | produce "$1" "$2x$i" 2 -K :
	done
}

collects() {
	for (( ; ; )); do
		mq-gc "$1"
		read -rt 0.1 <>"$fifo"
	done
}

topics() {
	local i work=$work/topics

	mkdir "$work"
	for ((i = 1; ; i++)); do
		create t$i always plain -p 2
		batch t$i b$i 2
		alter t$i segment.ms $((10000 + i))
		grow t$i 3
		batch t$i d$i 2
		((i % 3 == 0)) || delete t$i
	done
}

imports() {
	local i

	for ((i = 1; ; i++)); do
		import three$i three
		delete three$i
		read -rt 0.2 <>"$fifo"
	done
}

# Each time from another place, if it is killed.
follows() {
	local i

	for ((i = 0; ; i++)); do mq-consume -F -o $((i % 8 > 0 ? -200 : 0)) -f '%p %o %v %k .\n' "$1" >>"$told/seen.$1.$2.$i"; done
}
reads_on() {
	for (( ; ; )); do
		read_on "$1"
		read -rt 0.2 <>"$fifo"
	done
}

# All of it at once, for so many seconds.
work_storm() {
	local small=(-c segment.bytes=4000 -c max.message.bytes=2000) i

	fifo=$work/fifo
	[[ -p $fifo ]] || mkfifo "$fifo"
	create many always plain -p 3 "${small[@]}"
	create named always plain -p 2 "${small[@]}"
	create interval 200ms plain "${small[@]}"
	create never never plain "${small[@]}"
	create cut always plain "${small[@]}"
	create compacted always compacted "${small[@]}" -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0.1
	create large always large -c segment.bytes=3000000 -c retention.bytes=6000000
	exec 2>>"$work/said"
	many many p 200 &
	many many q 400 --timeout 150ms &
	many_batches many b &
	follows many one &
	follows cut four &
	follows interval three &
	reads_on many &
	many_named named n 40 &
	many_named named m 25 &
	many_named interval o 60 &
	many interval i 300 &
	reads_on interval &
	many_batches never v &
	many never w 1000 &
	reads_on never &
	many cut c 500 &
	trims cut &
	keyed compacted k &
	collects compacted &
	follows compacted two &
	large large &
	topics &
	imports &
	read -rt "$1" <>"$fifo"
	echo 1 >"$told/dead"
	exit 0
}

# After a cut: the first who come read, go on where they were, and store more.
work_again() {
	local t each

	mkdir -p known
	cd known && read_facts "$POWER_BEFORE" && cd .. || exit 1
	for t in $(mq-topic list); do
		if [[ ${kind[$t]} == imported ]]; then
			mq-consume "$t" >"$work/out"
			continue
		fi
		[[ ${kind[$t]} == large || ${fsync[$t]} != always ]] || see "$t" again
		for each in ${names[$t]-}; do input "${each%:*}" "${each#*:}" | named "$t" "${each%:*}" "${each#*:}"; done
		produce "$t" again 3 -K : < <(printf 'again-%d:again-%d\n' 1 1 2 2 3 3)
		[[ ${kind[$t]} != plain ]] || trim "$t" 0 1
		mq-gc "$t"
		[[ ! -e $MQ_DIR/../cursor.$t ]] || read_on "$t"
		[[ ${kind[$t]} == compacted ]] || batch "$t" more 3
	done
}

# A write of the disk fails, once; the records it was about are written again before anybody is told of later ones.
work_sick() {
	local i value

	create t always large
	for i in 1 2 3 4 5 6; do
		value=$(head -c $((i * 9000)) /dev/urandom | base64 -w 0)
		echo "a$i-1:$value" | large_run t a$i
		echo 1 >"$told/sick"
		echo "b$i-1:$value" | large_run t b$i
		echo 0 >"$told/sick"
		echo "c$i-1:c$i-1" | large_run t c$i
		echo "d$i-1:d$i-1" | large_run t d$i
	done
}

# damage.bash: what the tests share that damage a topic in every place and repair it.  Loaded behind mq.bash.
#
#	damage_prepare TOPIC		what the topic is now is what it is damaged from
#	damage_each TOPIC STEP PATTERN	each STEP-th byte of its files that match flipped, the files cut there, and each file deleted

# read_all TOPIC: every record, whatever became of its transaction.
read_all() { mq-consume --read-uncommitted -f '%p %o %k %v\n' "$1"; }

damage_prepare() {
	mq-fsck >said || fail "not sound before anything was done: $(<said)"
	cp -a "$MQ_DIR/topics/$1" saved
	read_all "$1" >whole
}

# As before; heads in its own place, because another file would be a copy, of which less is known.
undo() {
	local dir=$MQ_DIR/topics/$1

	[[ ! -e heads.moved ]] || mv heads.moved "$dir/heads"
	mv "$dir/heads" heads.live
	rm -rf "$dir"
	cp -a saved "$dir"
	cat saved/heads >heads.live
	mv heads.live "$dir/heads"
}

flip() {
	perl -e 'open F, "+<", $ARGV[0] or die; seek F, $ARGV[1], 0; read F, $b, 1; seek F, $ARGV[1], 0;
		print F chr(ord($b) ^ 1 << ($ARGV[1] + int($ARGV[1] / 8)) % 8)' "$1" "$2"
}

# truth TOPIC: whatever is damaged, what is told is true, what can be repaired is, and only what is told to be lost is.
# shellcheck disable=SC2154 # $what is the caller's
truth() {
	local first repaired second

	first=0 repaired=0 second=0
	mq-fsck --tsv >found 2>said || first=$?
	mq-fsck -r -y --tsv >mended 2>>said || repaired=$?
	mq-fsck --tsv >again 2>>said || second=$?
	[[ $first =~ ^(0|1|74)$ ]] || fail "$what: $first: $(<said)"
	[[ $first == "$repaired" ]] || fail "$what: verified $first, repaired $repaired: $(cat found mended said)"
	if [[ $first == 74 ]]; then
		grep -q by-hand found || fail "$what: 74, and nothing says what to do: $(cat found said)"
		return 0
	fi
	! grep -q $'\tdeleted\t' found || return 0
	[[ $second == 0 ]] || fail "$what: not sound after the repair: $(cat mended again said)"
	read_all "$1" >after 2>said || fail "$what: mq-consume ended with $?: $(<said) $(<mended)"
	awk -F '\t' -v what="$what" '
		FILENAME == "mended" { for (i = 0; $7 ~ /^[0-9]+$/ && i < $7 && i < 100000; i++) lost[$6 + i] = 1; next }
		{ split($0, cell, " ") }
		FILENAME == "after" { after[$0] = 1; next }
		{ whole[$0] = 1 }
		!($0 in after) && !(cell[2] in lost) { print what ": lost and not told: " $0; exit bad = 1 }
		END { for (line in after) if (!(line in whole)) { print what ": made up: " line; bad = 1 }; exit bad }' mended after whole || fail "$(<mended)"
	[[ $first != 0 ]] || cmp -s whole after || fail "$what: called sound, and other records are read"
	echo next | mq-produce "$1" 2>said || fail "$what: mq-produce ended with $?: $(<said) $(<mended)"
	mq-fsck >again 2>said || fail "$what: not sound after the next record: $(cat again said)"
}

damage_each() {
	local topic=$1 step=$2 pattern=$3 file size at what count=0 dir=$MQ_DIR/topics/$1

	while IFS= read -r -u 7 file; do
		size=$(stat -c %s "$dir/$file")
		what="$file deleted"
		if [[ $file == heads ]]; then mv "$dir/heads" heads.moved; else rm "$dir/$file"; fi
		[[ $file == heads ]] || truth "$topic"
		undo "$topic"
		for ((at = size > 0 ? RANDOM % (size < step ? size : step) : 0; at < size; at += step)); do
			# Where the log begins, and whether it is dead, may be so: nobody can tell.
			[[ $file != heads || ($at -ge 8 && $at != 80 && ($at -lt 4136 || $at -ge 4144)) ]] || continue
			what="bit flipped in $file at $at"
			flip "$dir/$file" "$at"
			truth "$topic"
			undo "$topic"
			count=$((count + 1))
			[[ $file != heads ]] || continue
			what="$file cut at $at"
			truncate -s "$at" "$dir/$file"
			truth "$topic"
			undo "$topic"
		done
	done 7< <(cd "$dir" && find . -type f | sed 's,^\./,,' | grep -E "$pattern" | LC_ALL=C sort)
	echo "# $topic, $pattern: $count places, step $step" >&3
	((count > 0))
}

# A small topic that has everything: two segments and more, keys, headers, a named producer, compression, a batch larger than a segment.
damage_topic() {
	mq-topic create t -c segment.bytes=700 -c index.interval.bytes=0
	printf 'a:1\nb:2\n' | mq-produce -K : t
	seq 5 | mq-produce --id load t
	seq 100 140 | mq-produce -z gzip t
	printf 'c:3\nd:4\n' | mq-produce -K : -H x=y t
	seq 1000 1150 | mq-produce t
	seq 6 8 | mq-produce --id load2 t
}

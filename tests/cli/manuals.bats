# What the manual pages show was typed, and what they print came of it: each example is run, and its output compared with the page's.
# shellcheck disable=SC2030,SC2031,SC2317 # each test is a subshell, and some have a prepare() of their own

load ../lib/mq

# session PAGE: the lines of its examples, as a reader sees them.  What another host's root types, behind a #, is not run.
session() {
	awk '/^\.Bd -literal/ { on = 1; shown = ""; next } on && /^\.Ed/ { on = 0; if (shown ~ /^\$ /) printf "%s", shown }
		on { shown = shown $0 "\n" }' "$MQ_ROOT/man/$1" | sed 's/\\e/\\/g; s/\\&//g; s/\\-/-/g'
}

# The same without what is another each time: days, times, ids, checksums, sizes of this machine's files.
settled() {
	sed -E 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g; s/^20[0-9]{2}-[0-9]{2}-[0-9]{2} /DATE /; s/^[A-Za-z0-9_-]{22}$/ID/;
		s/\b[0-9a-f]{8}\b/CRC/g; s/[0-9]+ bytes$/N bytes/' "$@"
}

# What was there before the command that is shown.
prepare() { :; }

# What runs beside has to wait for records before the next command stores some.
waits() { grep -q "$MQ_DIR" "/proc/$1/maps" && has_state "$1" S; }

# type_in COMMAND: as at a terminal, in a folder that it does not leave.
type_in() {
	local rest=${1// \/etc/ etc} # from there some files are read

	[[ ! $rest =~ (^|[[:space:]\"\'=<>])(/|~|\.\.) ]] || fail "$1: names a path outside of the test's folder"
	cd "$BATS_TEST_TMPDIR" || return
	prepare "$1"
	echo "\$ $1"
	(exit "$last") # for $?
	eval "$1"
	last=$?
	if [[ $1 == *'&' ]]; then
		beside=$!
		wait_for 10 waits "$beside"
	elif [[ $beside ]]; then
		wait_for 10 is_dead "$beside"
		beside=
	fi
}

# types_out PAGE: runs the examples of a page.
types_out() {
	local line command='' beside='' last=0

	while IFS= read -r line <&7; do
		if [[ $line == '$ '* ]]; then
			command=${line#'$ '}
		elif [[ $command == *'|' ]]; then
			command+=$'\n'$line
		else
			continue
		fi
		[[ $command == *'|' ]] || type_in "$command"
	done 7< <(session "$1")
}

# holds PAGE: what it shows is what is printed.
holds() {
	session "$1" | settled >shown
	types_out "$1" >typed 2>&1 3>&- || fail "$1: $(tail -n 3 typed)"
	diff -u shown <(settled typed)
}

@test "mq(7)" {
	prepare() { [[ $1 != *build\ --* ]] || mq-topic create build; }
	holds mq.7
}

@test "mq-topic(1)" {
	prepare() { [[ $1 != *describe*--tsv* ]] || seq 1000 | mq-produce clicks; }
	mkdir copy
	cp -r "$MQ_ROOT/tests/golden/kafka/compacted-0" copy/prices-0
	holds mq-topic.1
}

@test "mq-produce(1)" {
	mq-topic create jobs
	mq-topic create users -p 3
	mq-topic create files
	echo last >spool
	holds mq-produce.1
	[[ ! -e spool ]]
	# Both copies, in this order.
	cmp <(cat <(mq-consume -p 2 users) <(mq-consume -p 2 users)) <(mq-consume -p 2 copy)
}

@test "mq-consume(1)" {
	mq-topic create jobs
	seq 5 | mq-produce jobs
	mq-topic create users -p 3
	printf 'ada,1\nbob,2\nada,3\n' | mq-produce -K , users
	holds mq-consume.1
}

@test "mq-dump(1)" {
	mq-topic create clicks
	printf 'alice:home\nbob:cart\n' | mq-produce -K : clicks
	printf 'carol:home\n' | mq-produce -K : -H via=app clicks
	cp "$MQ_ROOT"/tests/golden/kafka/txn-0/00000000000000000004.* .
	cp "$MQ_DIR"/topics/clicks/clicks-0/*0.log bad.log
	printf X | dd of=bad.log bs=1 seek=80 conv=notrunc status=none
	holds mq-dump.1
}

@test "mq-gc(8)" {
	holds mq-gc.8
}

@test "mq-fsck(8)" {
	export MQ_DIR=mq
	holds mq-fsck.8
}

@test "mq-format(5)" {
	export MQ_DIR=mq
	holds mq-format.5
}

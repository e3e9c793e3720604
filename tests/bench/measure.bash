# measure.bash: two commands, alternately, and what comes of it.  A file in tests/bench/rows says, and does:
#
#	row 1 'a file into a topic'
#	ours 'mq-produce t <in' 'new_topic t' 'holds t'		the command; what is to be done before it and behind it, not measured
#	theirs 'cat in >copy' 'rm -f copy'
#	alternate						A B A B ..., $pairs times
#	at_most 1.8 1.3						ours may take 1.8 times as long as theirs; 1.3 would be better still
#
# It runs in the work folder, in a shell of its own, so that whatever it sets is gone behind it.  Commands are strings and run as they are
# shown.  What fails ends the row, and with it the claim that all demands are met.
#
# A meter runs a command and says in $value what came of it: one number, or several; the unit is that of the row.  A ratio is taken of each
# pair, because what slows the machine down for a while slows down both of a pair; quoted are the median of the ratios and the least and
# greatest.

# row NUMBER TITLE [UNIT]: unit is us (microseconds, the default) or what the values are.
row() {
	row_number=$1 row_title=$2 row_unit=${3:-us}
	theirs_command='' theirs_before=:
	printf 'row %s: %s\n' "$1" "$2" >&2
}

ours() {
	ours_command=$1 ours_before=${2:-:} ours_after=${3:-:}
}

theirs() {
	theirs_command=$1 theirs_before=${2:-:} theirs_after=${3:-:}
}

fail() {
	printf 'row %s: FAILED: %s\n' "$row_number" "$*" >&2
	printf '%s\t%s\n' "$row_number" "$*" >>"$failures"
	exit 1
}

# skip WHAT WHY: a peer that is not there.
skip() {
	printf 'row %s: skipped: %s: %s\n' "$row_number" "$1" "$2" >&2
	printf '%s\t%s\t%s\n' "$row_number" "$1" "$2" >>"$skipped"
}

# has PEER PROGRAM: or the rest is skipped.
has() {
	command -v "$2" >/dev/null || {
		skip "$1" "$2 is not installed (scripts/deps bench)"
		return 1
	}
}

must() {
	eval "$1" || fail "status $?: $1"
}

# The meters.

now_us() { now=${EPOCHREALTIME/[^0-9]/}; }

# How long it takes.  A command that knows better sets $took, in microseconds.
wall() {
	local began

	took=
	now_us
	began=$now
	must "$1"
	now_us
	value=${took:-$((now - began))}
}

# For commands that print the figures themselves.
printed() {
	value=$(eval "$1") || fail "status $?: $1"
}

# For commands that begin with `cpu used` and leave their CPU time in that file, for all of the input: that of a million records.
cpu_time() {
	rm -f used
	must "$1"
	value=$(awk -v records="$lines" '{ printf "%.0f", $1 * 1e6 / records }' used)
}

# alternate [METER]
alternate() {
	local meter=${1:-wall} pair

	ours_values=() theirs_values=()
	for ((pair = 0; pair < pairs; pair++)); do
		must "$ours_before"
		"$meter" "$ours_command"
		ours_values+=("$value")
		must "$ours_after"
		[[ -n $theirs_command ]] || continue
		must "$theirs_before"
		"$meter" "$theirs_command"
		theirs_values+=("$value")
		must "$theirs_after"
	done
}

# shown_command BEFORE CMD
shown_command() {
	if [[ $1 == : ]]; then echo "${2:--}"; else echo "$2  (after $1)"; fi
}

# at_most DEMAND STRETCH [COLUMN LABEL]: ours to theirs, or ours alone if there is no other; COLUMN of what the meter says.
# at_least DEMAND STRETCH [COLUMN LABEL]: theirs to ours, how many times as fast.
at_most() { judge '<=' "$@"; }
at_least() { judge '>=' "$@"; }

judge() {
	local sense=$1 demand=$2 stretch=$3 column=${4:-1} label=${5-} i

	for ((i = 0; i < ${#ours_values[@]}; i++)); do
		printf '%s\t%s\n' "${ours_values[i]}" "${theirs_values[i]-}"
	done | awk -F '\t' -v sense="$sense" -v column="$column" '
	function nth(words,    word) {
		split(words, word, " ")
		return word[column]
	}
	# Insertion sort: there are few.
	function sort(a, n,    i, j, x) {
		for (i = 2; i <= n; i++) {
			x = a[i]
			for (j = i - 1; j >= 1 && a[j] > x; j--)
				a[j + 1] = a[j]
			a[j + 1] = x
		}
	}
	function median(a, n) {
		return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	}
	{
		n++
		ours[n] = nth($1) + 0
		if ($2 == "") {
			ratio[n] = ours[n]
			next
		}
		paired = 1
		theirs[n] = nth($2) + 0
		ratio[n] = sense == ">=" ? theirs[n] / ours[n] : ours[n] / theirs[n]
	}
	END {
		sort(ours, n)
		sort(theirs, n)
		sort(ratio, n)
		printf "%.6g\t%s\t%.6g\t%.6g\t%.6g\n", median(ours, n), paired ? sprintf("%.6g", median(theirs, n)) : "-", \
		    median(ratio, n), ratio[1], ratio[n]
	}' | {
		IFS= read -r figures
		printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$row_number" "$row_title${label:+, $label}" \
			"$(shown_command "$ours_before" "$ours_command")" "$(shown_command "$theirs_before" "$theirs_command")" \
			"$row_unit" "$figures" "$sense" "$demand" "$stretch" >>"$results"
	}
}

# growth.bash: how cost grows with what there is, as tables; sourced by scripts/bench --growth, in the work folder.  Each figure is the
# median of $pairs runs; what is compared with runs alternately.
#
# A table is a block of tab-separated lines in $results: "# TITLE", "# COLUMN...", and a line for each size.

table() {
	local title=$1

	shift
	printf 'growth: %s\n' "$title" >&2
	{
		[[ ! -s $results ]] || printf '\n\n'
		printf '# %s\n# ' "$title"
		line "$@"
	} >>"$results"
}

line() {
	local IFS=$'\t'

	printf '%s\n' "$*" | tee -a "$results" >&2
}

# medians: those of what alternate measured last, in $ours_median and $theirs_median, microseconds.
medians() {
	ours_median=$(printf '%s\n' "${ours_values[@]}" | sort -n | sed -n "$(((pairs + 1) / 2))p")
	theirs_median=$(printf '%s\n' "${theirs_values[@]}" | sort -n | sed -n "$(((pairs + 1) / 2))p")
}

# Rates: SOMETHING a microsecond is a million of it a second; bytes a microsecond are MB/s.
rate() { awk -v n="$1" -v us="$2" 'BEGIN { printf "%.0f", n * 1e6 / us }'; }
mb_rate() { awk -v n="$1" -v us="$2" 'BEGIN { printf "%.1f", n / us }'; }

# What one of a hundred calls takes, in milliseconds.
per_call() { awk -v us="$1" 'BEGIN { printf "%.2f", us / 1e5 }'; }

# many_records SIZE: the file `many`, lines of so many bytes and a newline, a hundred megabytes or up to twice as many.
many_records() {
	{
		head -c "$1" /dev/zero | tr '\0' x
		echo
	} >many
	while (($(wc -c <many) < mb * 100000)); do
		cat many many >twice && mv twice many
	done
	many_bytes=$(wc -c <many)
	many_lines=$(wc -l <many)
}

row_number=growth
table 'records of growing size' 'value bytes' 'produce records/s' 'produce MB/s' 'consume records/s' 'consume MB/s' 'cat MB/s'
for size in 1 10 100 1000 10000 100000 1000000; do
	many_records $size
	ours 'mq-produce t <many' 'new_topic t' 'holds t $many_lines'
	theirs 'cat many >copy' 'rm -f copy'
	alternate
	medians
	produce_us=$ours_median cat_us=$theirs_median
	ours 'mq-consume t >/dev/null'
	theirs ''
	alternate
	medians
	line $size "$(rate "$many_lines" "$produce_us")" "$(mb_rate "$many_bytes" "$produce_us")" \
		"$(rate "$many_lines" "$ours_median")" "$(mb_rate "$many_bytes" "$ours_median")" "$(mb_rate "$many_bytes" "$cat_us")"
done
rm -f many copy

table 'lines of 100 bytes over more partitions, record by record' partitions 'produce records/s' 'consume records/s'
for partitions in 1 10 100 1000; do
	ours 'mq-produce t <tenth' "new_topic t -p $partitions" 'holds t $tenth_lines'
	theirs 'mq-consume t >/dev/null'
	alternate
	medians
	line $partitions "$(rate "$tenth_lines" "$ours_median")" "$(rate "$tenth_lines" "$theirs_median")"
done

# producers COUNT: all at once, each with its part of the lines.
producers() {
	local i pids=()

	for ((i = 0; i < $1; i++)); do
		mq-produce t <"part.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return; done
}

table 'producers at once, into one partition; the same lines in all' producers 'records/s'
for count in 1 2 4 8 16; do
	split -n "l/$count" -d -a 2 in part. && for part in part.*; do
		number=${part#part.}
		[[ $part == "part.$((10#$number))" ]] || mv "$part" "part.$((10#$number))"
	done
	ours "producers $count" 'new_topic t' 'holds t'
	theirs ''
	alternate
	medians
	line "$count" "$(rate "$lines" "$ours_median")"
	rm -f part.*
done

# A call, a hundred times, because one is over too soon.
hundred() {
	local i

	for ((i = 0; i < 100; i++)); do eval "$1" || return; done
}

table 'segments in a partition; one call of a program' segments 'produce ms' 'consume the last ms' 'consume from the middle ms'
for segments in 1 10 100 1000 10000 100000; do
	new_topic t && must "fill '$MQ_DIR/topics/t/t-0' $segments 0 1 10 >places"
	forget_page t
	must 'mq-consume -q -o -1 t'
	ours 'hundred "mq-consume -c 1 -o -1 t" >last'
	theirs "hundred 'mq-consume -c 1 -o $((segments * 5 + 5)) t' >middle"
	alternate
	medians
	last_us=$ours_median middle_us=$theirs_median
	ours 'hundred "echo x | mq-produce t"'
	theirs ''
	alternate
	medians
	line $segments "$(per_call "$ours_median")" "$(per_call "$last_us")" \
		"$(per_call "$middle_us")"
done

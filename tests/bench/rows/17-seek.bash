# One record from somewhere in a partition of 100 GB, against a partition of 1 MB, by offset and by time; one call for each, so the start of
# the program is in both.  The large one has 100 segments of 1 GiB, each with 1,000 batches of 1 MiB, which are holes of the file, and in
# their middle 64 batches of ordinary lines, as which all of the small one is (fill.c).  So segments and indexes are those of 100 GB written
# in batches of 1 MiB, and in both the record that is sought lies in a batch of the same size.
# Each place is sought once, in both as many: the small one has 64 of them.
rounds=64

# seek TOPIC HOW: each of the places by offset (o) or by time (t); HOW is the format of -o, of which %o and %t are replaced.
seek() {
	local offset time where

	while read -r offset time; do
		where=${2/\%o/$offset}
		mq-consume -c 1 -f '%o\n' -o "${where/\%t/$time}" "$1" || return
	done <"places.$1" >"found.$1"
}
found() { cut -d ' ' -f 1 "places.$1" | cmp - "found.$1" || fail "$1: other records were found than were sought"; }

# The places are spread over all of the partition, in no order, the same each time.
some_places() { shuf -n $rounds --random-source=<(lines 10000); }

row 17 'seek an offset in 100 GB'
new_topic big && new_topic small
must 'fill "$MQ_DIR/topics/big/big-0" 100 1000 64 150 | some_places >places.big'
must 'fill "$MQ_DIR/topics/small/small-0" 1 0 64 150 | some_places >places.small'
for topic in big small; do
	must "[[ \$(wc -l <places.$topic) == $rounds ]]"
done
for topic in big small; do
	forget_page $topic
	must "mq-consume -q -o -1 $topic" # recovers, once
done
ours 'seek big %o' : 'found big'
theirs 'seek small %o' : 'found small'
alternate
at_most 2 1.2

row 17 'seek a time in 100 GB'
ours 'seek big @%t' : 'found big'
theirs 'seek small @%t' : 'found small'
alternate
at_most 2 1.2

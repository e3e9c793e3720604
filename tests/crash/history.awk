# history: compares what clients were told with what the log of a topic holds.
#
#	awk -f history.awk [-v NAME=VALUE]... kind=sent FILE... kind=told FILE... kind=refused FILE... kind=before FILE... kind=log FILE...
#
# sent	VALUE, all that was given to a producer; or PRODUCER COUNT, which is PRODUCER-1 to PRODUCER-COUNT
# told	PARTITION OFFSET VALUE [KEY], what a producer said is stored
# recent	the same, where the power was cut before it had to be on the disk: nothing else was there when the log was read before
# refused	VALUE, of which a producer said that nothing was stored
# batch	PRODUCER FROM TO: these numbers were one batch, all of it is there or nothing
# asked	PARTITION OFFSET, a trim that was asked for; trimmed	the same, of which it was said that it is done
# seen	PARTITION OFFSET VALUE [KEY], what one reader read, a FILE each
# before	the same as an earlier consumer read it, from the log start
# log	the same as it is read now
#
# A value is PRODUCER-NUMBER, the numbers of a producer ascend as they were sent.  With -v dot=1 each line but those of sent ends with a field
# that is a dot, and a line without is one that a killed process did not finish.  -v trimmed=OFFSET: the log may begin there or later, where
# the first record of a partition says.  -v compacted=1: a record may be missing if a later one has its key.  -v whole=1: the numbers of each
# producer begin at 1 and none is missing before its last (for one partition).
#
# Says what is wrong, a line for each fault, and exits 1.  It knows nothing of the format of a log.

function wrong(what) {
	print "history: " what
	bad = 1
}

# A record that somebody knows of is there, or may be gone.
function must_be_there(partition, offset, value, key, what,    at) {
	at = partition SUBSEP offset
	if (at in record) {
		if (record[at] != value)
			wrong("not what was " what ": " partition " " offset " is " record[at] ", was " value)
	} else if (compacted) {
		if (!((partition, key) in newest_of_key) || newest_of_key[partition, key] <= offset)
			wrong("lost: " value " of key " key ", " what " at " partition " " offset ", and no later one has its key")
	} else if (offset >= begin(partition)) {
		wrong("lost: " value ", " what " at " partition " " offset)
	}
}

# Where the log of a partition may begin: its first record, if anybody wanted it to begin later than at 0.
function begin(partition) {
	if (trimmed != "")
		return partition in first ? first[partition] : trimmed
	if (!(partition in asked))
		return 0
	return partition in first && first[partition] < asked[partition] ? first[partition] : asked[partition]
}

kind != "sent" && dot {
	if ($NF != ".")
		next
	NF--
}

kind == "sent" && NF == 2 { count[$1] = $2 }
kind == "sent" && NF == 1 { sent[$1] = 1 }

kind == "told" {
	if (NF < 3)
		next # the line that a killed process did not finish
	if (($1, $2) in told && told[$1, $2] != $3)
		wrong("told twice: " $1 " " $2 " is " told[$1, $2] " and " $3)
	told[$1, $2] = $3
	key_told[$1, $2] = $4
}

kind == "recent" && NF >= 3 { recent[$1, $2] = $3 }
kind == "refused" { refused[$1] = 1 }
kind == "batch" { batch[$0] = 1 }
kind == "asked" && (!($1 in asked) || asked[$1] < $2) { asked[$1] = $2 + 0 }
kind == "trimmed" && (!($1 in done) || done[$1] < $2) { done[$1] = $2 + 0 }
kind == "before" { before[$1, $2] = seen[$1, $2] = $3; key_seen[$1, $2] = $4 }

# One reader's offsets ascend, and without a gap; it may have been started again, where another file begins.
kind == "seen" && NF >= 3 {
	if ((FILENAME, $1) in reader) {
		if ($2 <= reader[FILENAME, $1])
			wrong("a reader went back: " FILENAME ": " $1 " " $2 " after " reader[FILENAME, $1])
		else if (!compacted && $2 != reader[FILENAME, $1] + 1 && (!($1 in asked) || $2 > asked[$1]))
			wrong("a reader missed some: " FILENAME ": " $1 " " $2 " after " reader[FILENAME, $1])
	}
	reader[FILENAME, $1] = $2 + 0
	seen[$1, $2] = $3
	key_seen[$1, $2] = $4
}

kind == "log" {
	if (!($1 in first))
		first[$1] = $2 + 0
	else if (compacted ? $2 <= last[$1] : $2 != last[$1] + 1)
		wrong("offset " $2 " follows " last[$1] " in partition " $1)
	last[$1] = $2 + 0
	record[$1, $2] = $3
	newest_of_key[$1, $4] = $2 + 0
	number = $3
	sub(/^.*-/, "", number)
	producer = substr($3, 1, length($3) - length(number) - 1)
	if (!($3 in sent) && !(producer in count && number == number + 0 "" && number + 0 >= 1 && number + 0 <= count[producer]))
		wrong("never sent: " $3 " at " $1 " " $2)
	if ($3 in place)
		wrong("twice: " $3 " at " place[$3] " and " $1 " " $2)
	place[$3] = $1 " " $2
	if ((producer, $1) in newest && number + 0 <= newest[producer, $1])
		wrong("out of order: " $3 " after " producer "-" newest[producer, $1] " in partition " $1)
	else if (whole && number != newest[producer, $1] + 1)
		wrong("a gap: " $3 " after " producer "-" newest[producer, $1] + 0)
	newest[producer, $1] = number + 0
}

END {
	for (key in told) {
		split(key, at, SUBSEP)
		must_be_there(at[1], at[2] + 0, told[key], key_told[key], "told")
	}
	for (key in seen) {
		split(key, at, SUBSEP)
		must_be_there(at[1], at[2] + 0, seen[key], key_seen[key], "seen")
	}
	for (key in recent) {
		split(key, at, SUBSEP)
		if (key in before && before[key] != recent[key])
			wrong("not what was told: " at[1] " " at[2] " was " recent[key] ", then " before[key])
	}
	for (value in refused) {
		if (value in place)
			wrong("refused and stored: " value " at " place[value])
	}
	for (each in batch) {
		split(each, part, " ")
		there = 0
		for (i = part[2]; i <= part[3]; i++)
			there += (part[1] "-" i) in place
		if (there != 0 && there != part[3] - part[2] + 1)
			wrong("a torn batch: " there " of " part[1] "-" part[2] " to " part[3])
	}
	for (partition in done) {
		if (partition in first && first[partition] < done[partition])
			wrong("trimmed and there: partition " partition " begins at " first[partition] ", was trimmed to " done[partition])
	}
	for (partition in first) {
		if (trimmed == "" && !compacted && first[partition] > begin(partition))
			wrong("partition " partition " begins at " first[partition] ", nobody wanted that")
	}
	exit bad
}

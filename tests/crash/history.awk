# history: compares what clients were told with what the log holds.
#
#	awk -f history.awk kind=sent FILE... kind=told FILE... kind=refused FILE... kind=before FILE... kind=log FILE...
#
# sent: VALUE, all that was given to a producer.  told: PARTITION OFFSET VALUE, what a producer said is stored.  refused: VALUE, of which it
# said that nothing was stored.  log: PARTITION OFFSET VALUE in the order in which a consumer read it, from the log start; before: the same as
# an earlier consumer read it.  A value is PRODUCER-NUMBER, the numbers of a producer ascend as they were sent.  -v trimmed=OFFSET: the log begins there or later, where the first
# record of a partition says.
#
# Says what is wrong, a line for each fault, and exits 1.  It knows nothing of the format of a log.

function wrong(what) {
	print "history: " what
	bad = 1
}

kind == "sent" { sent[$1] = 1 }

kind == "told" {
	if (NF != 3)
		next # the line that a killed process did not finish
	if (($1, $2) in told && told[$1, $2] != $3)
		wrong("told twice: " $1 " " $2 " is " told[$1, $2] " and " $3)
	told[$1, $2] = $3
}

kind == "refused" { refused[$1] = 1 }

kind == "before" { seen[$1, $2] = $3 }

kind == "log" {
	if (!($1 in first))
		first[$1] = $2
	else if ($2 != last[$1] + 1)
		wrong("offset " $2 " follows " last[$1] " in partition " $1)
	last[$1] = $2
	record[$1, $2] = $3
	if (!($3 in sent))
		wrong("never sent: " $3 " at " $1 " " $2)
	if ($3 in place)
		wrong("twice: " $3 " at " place[$3] " and " $1 " " $2)
	place[$3] = $1 " " $2
	split($3, part, "-")
	if ((part[1], $1) in newest && part[2] + 0 <= newest[part[1], $1])
		wrong("out of order: " $3 " after " part[1] "-" newest[part[1], $1] " in partition " $1)
	newest[part[1], $1] = part[2] + 0
}

END {
	for (key in told) {
		split(key, at, SUBSEP)
		if (trimmed != "" && at[2] < (at[1] in first ? first[at[1]] : trimmed))
			continue # before the log start
		if (!(key in record))
			wrong("lost: " told[key] ", told at " at[1] " " at[2])
		else if (record[key] != told[key])
			wrong("not what was told: " at[1] " " at[2] " is " record[key] ", was " told[key])
	}
	for (key in seen) {
		split(key, at, SUBSEP)
		if (record[key] != seen[key])
			wrong("seen before: " at[1] " " at[2] " was " seen[key] ", is " record[key])
	}
	for (value in refused) {
		if (value in place)
			wrong("refused and stored: " value " at " place[value])
	}
	exit bad
}

# table.awk: results (see measure.bash) as a table, and what falls short.  Variables: failures and skipped, files of what is to be told
# besides.  Exit 0 if all demands are met, else 1.

function shown(x, unit) {
	if (x == "-")
		return x
	if (unit != "us")
		return sprintf("%.3g", x)
	return x < 1000 ? sprintf("%.3g us", x) : x < 1000000 ? sprintf("%.3g ms", x / 1000) : sprintf("%.3g s", x / 1000000)
}

# A ratio is a number of its own; what has no other to compare with bears its unit.
function result(x) {
	return $7 == "-" ? shown(x, $5) : sprintf("%.2f", x)
}

function limit(x) {
	return $7 == "-" ? shown(x, $5) : x
}

function meets(x, wanted) {
	return $11 == "<=" ? x <= wanted : x >= wanted
}

function tell(file, format,    line, part) {
	while ((getline line <file) > 0) {
		split(line, part, "\t")
		printf format, part[1], part[2], part[3]
	}
}

BEGIN {
	FS = "\t"
	printf "%3s  %-50s %9s %9s %8s  %-13s %-10s %-8s\n", "row", "what", "mq", "other", "result", "spread", "demand", "stretch"
}

{
	verdict = $12 == "-" ? "-" : meets($8, $12) ? "ok" : "SHORT"
	if (verdict == "ok" && $13 != "-" && meets($8, $13))
		verdict = "ok, stretch"
	if (verdict == "SHORT")
		short[++shorts] = sprintf("row %s, %s: %s, demanded %s %s", $1, $2, result($8), $11, limit($12))
	printf "%3s  %-50s %9s %9s %8s  %-13s %-10s %-8s %s\n", $1, $2, shown($6, $5), shown($7, $5), result($8), \
	    sprintf("%.3g-%.3g", $9 / ($7 == "-" && $5 == "us" ? 1000 : 1), $10 / ($7 == "-" && $5 == "us" ? 1000 : 1)), \
	    $12 == "-" ? "-" : $11 " " limit($12), limit($13), verdict
	if ($3 $4 != last)
		commands = commands sprintf("%3s  %s%s\n", $1, $3, $4 == "-" ? "" : "\n     against  " $4)
	last = $3 $4
}

END {
	printf "\nThe commands:\n%s\n", commands
	tell(skipped, "Skipped: row %s: %s: %s\n")
	tell(failures, "Failed: row %s: %s\n")
	for (i = 1; i <= shorts; i++)
		print "Short: " short[i]
	if (shorts == 0)
		print "Nothing that was measured falls short."
	exit shorts > 0
}

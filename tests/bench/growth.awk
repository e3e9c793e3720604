# growth.awk: the tables of growth.bash with their columns below each other.
/^# / && !head {
	printf "\n%s\n", substr($0, 3)
	head = 1
	next
}
/^$/ {
	head = 0
	next
}
{
	sub(/^# /, "")
	for (i = 1; i <= NF; i++)
		printf "%*s%s", i == 1 ? 12 : 26, $i, i < NF ? "" : "\n"
}

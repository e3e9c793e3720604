# A consumer that waits in vain for 10 seconds, with a pipe as stdout: CPU time as the scheduler counts it (/proc/PID/schedstat, because
# ticks are too coarse), how much memory it ever had, and how often it woke up.  As many consumers as there would be pairs, at once.
blocked_seconds=10

# pid: "nanoseconds voluntary_switches peak_KiB"
look() {
	local ns

	read -r ns _ <"/proc/$1/schedstat"
	awk -v ns="$ns" '/^voluntary/ { n = $2 } /^VmHWM/ { kib = $2 } END { print ns, n, kib }' "/proc/$1/status"
}

row 13 'a blocked consumer' -
new_topic t && must 'echo x | mq-produce t'
ours 'mq-consume -F t | cat'
pids=()
for ((i = 0; i < pairs; i++)); do
	exec {from}< <(exec mq-consume -F t)
	pids+=($!)
	at_end "kill $!"
	read -r _ <&"$from" || fail 'mq-consume said nothing'
done
sleep 1
before=()
for pid in "${pids[@]}"; do before+=("$(look "$pid")"); done
sleep $blocked_seconds
ours_values=()
for ((i = 0; i < pairs; i++)); do
	ours_values+=("$(awk -v s=$blocked_seconds '{ printf "%.5f %.3f %.2f", ($4 - $1) / s / 1e7, $6 / 1024, ($5 - $2) / s }' \
		<<<"${before[i]} $(look "${pids[i]}")")")
done
at_most "$(absolute 0.05)" - 1 'CPU time, percent'
at_most "$(absolute 4)" - 2 'memory, MiB'
at_most "$(absolute 1)" 0 3 'wake-ups a second'

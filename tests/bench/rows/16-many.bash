# One call that produces to one partition: it must not matter how many others there are, nor how long its log is.  Both stores are of the
# same kind and on the same disk; the call is made in a loop, so the start of the program is in both.
rounds=200
loop() {
	local i

	for ((i = 0; i < rounds; i++)); do echo x | mq-produce -p 0 "$1" || return; done
}

row 16 'produce to one of 10,000 partitions'
new_topic many -p 10000 && new_topic one
ours 'loop many'
theirs 'loop one'
alternate
at_most 1.2 1.0
holds many $((rounds * pairs))

row 16 'produce to a log of 100,000 segments'
new_topic long && new_topic one
must 'fill "$MQ_DIR/topics/long/long-0" 100000 0 1 1 >places'
forget_page long
ours 'loop long'
theirs 'loop one'
must 'echo x | mq-produce long' # recovers, once
alternate
at_most 1.2 1.0
holds long $((100000 + 1 + rounds * pairs))

# Durable acknowledgements, each waited for (acks.c), against the least that such a one can cost (append.c): a write behind the end of a file
# that was allocated ahead, and fdatasync.  The file grows, as a log must, so that its size has to be made durable each time.  Against one
# that has its size from the beginning, whose end nobody could tell, there is no demand.
count=$((mb < 1000 ? 5 * mb : 5000))

row 9 'durable acks, one producer'
ours "acks $count 1 \"exec mq-produce -o '%o\n' t\"" 'new_topic t -c fsync=always && sync -f .' 'holds t $((count + 10))'
theirs "acks $count 1 'exec append copy 172'" 'rm -f copy && sync -f .'
alternate printed
at_least 0.9 1.0

row 9 'durable acks, against writing in place'
theirs "acks $count 1 'exec append copy 172 in-place'" 'rm -f copy && sync -f .'
alternate printed
at_least - -

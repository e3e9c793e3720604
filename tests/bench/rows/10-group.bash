# Eight producers on one partition, each waiting for its durable acknowledgement, against one: whoever waits for a sync usually finds it done
# by another.
count=$((mb < 1000 ? 5 * mb : 5000))

row 10 'durable acks, eight producers against one'
ours "acks $((4 * count)) 8 \"exec mq-produce -o '%o\n' t\"" 'new_topic t -c fsync=always && sync -f .' 'holds t $((4 * count + 80))'
theirs "acks $count 1 \"exec mq-produce -o '%o\n' t\"" 'new_topic t -c fsync=always && sync -f .'
alternate printed
at_least 3 5

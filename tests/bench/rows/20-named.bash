# What a name costs: the same input into a durable topic, with --id and without.
row 20 'a named input, durable'
ours 'mq-produce --id x n <in' 'new_topic n -c fsync=always && sync -f .' 'holds n'
theirs 'mq-produce t <in' 'new_topic t -c fsync=always && sync -f .'
alternate
at_most 1.15 1.05

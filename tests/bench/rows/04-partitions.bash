# Over four partitions, record by record or by the hash of a key, against copying the file: a copy knows nothing of records at all.
row 4 'over 4 partitions in turn'
ours 'mq-produce t <in' 'new_topic t -p 4' 'holds t'
theirs 'cat in >copy' 'rm -f copy'
alternate
at_most 2.2 1.7

row 4 'over 4 partitions by key'
ours 'mq-produce -K " " t <in' 'new_topic t -p 4' 'holds t'
theirs 'cat in >copy' 'rm -f copy'
alternate
at_most 2.6 2.0

# From a pipe, against the same pipe and a cat that copies what comes out of it.
row 3 'a pipe into a topic'
ours 'cat in | mq-produce t' 'new_topic t' 'holds t'
theirs 'cat in | cat >copy' 'rm -f copy'
alternate
at_most 1.0 0.7

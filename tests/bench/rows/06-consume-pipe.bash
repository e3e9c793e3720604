# A topic into a pipe, every checksum verified, against a file into a pipe; wc reads both.
row 6 'a topic into a pipe'
new_topic t && must 'mq-produce t <in'
ours 'mq-consume t | wc -l >count' : 'is count $lines'
theirs 'cat in | wc -l >count' : 'is count $lines'
alternate
at_most 0.5 0.25

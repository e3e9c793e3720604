# A topic to /dev/null, against a file: reading, checking and decoding, where nobody takes the bytes.
row 7 'a topic to /dev/null'
new_topic t && must 'mq-produce t <in'
must 'mq-consume t | cmp - in'
ours 'mq-consume t >/dev/null'
theirs 'cat in >/dev/null'
alternate
at_most 3 1.5

# A file into a topic, against copying it.  Both read the same pages of the page cache and leave a new file of about the same size there;
# nobody syncs.  What is more of ours is what a queue is: records, offsets, checksums, indexes.
row 1 'a file into a topic'
ours 'mq-produce t <in' 'new_topic t' 'holds t'
theirs 'cat in >copy' 'rm -f copy'
alternate
at_most 1.8 1.3

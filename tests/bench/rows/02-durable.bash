# The same with the default, fsync=always: when it ends the records are on stable storage, and so is the copy.  What is dirty from the
# round before is written first, because otherwise one would pay for the other.
row 2 'a file into a topic, durable'
ours 'mq-produce t <in' 'new_topic t -c fsync=always && sync -f .' 'holds t'
theirs 'cat in >copy && sync copy' 'rm -f copy && sync -f .'
alternate
at_most 1.3 1.0

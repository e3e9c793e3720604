# All or nothing costs a second copy, which is made durable as the first one is: a file is written, and its contents moved to where they are to
# be.
row 21 'a file as a whole, durable'
ours 'mq-produce --atomic t <in' 'new_topic t -c fsync=always && sync -f .' 'holds t'
theirs 'cat in >a && sync a && cat a >b && sync b' 'rm -f a b && sync -f .'
alternate
at_most 1.3 1.0

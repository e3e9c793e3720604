# How fast mq-gc compacts: all of the input, in segments of 100 MiB, 200 MB a second at least.  With 10,000 keys nearly nothing stays; where
# each record has its own, everything does, and all keys must be remembered.
keyed() { new_topic c -c cleanup.policy=compact -c segment.bytes=100M -c min.cleanable.dirty.ratio=0 && mq-produce -K "$1" c <in && sync -f .; }

row 23 'compaction, few keys'
ours 'mq-gc c' 'keyed " "'
alternate
at_most "$(absolute $((mb * 5000)))" $((mb * 2500))

row 23 'compaction, each record its key'
ours 'mq-gc c' 'keyed " from "'
alternate
at_most "$(absolute $((mb * 5000)))" $((mb * 2500))

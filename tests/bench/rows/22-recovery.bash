# What it costs that the machine was off: the first record that is read from a partition of 10 GB after a boot.  Only what lies behind the
# durable point is looked at, and nothing does.
row 22 'recovery of 10 GB after a boot'
new_topic big
must 'fill "$MQ_DIR/topics/big/big-0" 10 1000 64 150 >places'
forget_page big
must 'mq-consume -q -o -1 big' # recovers, once: it was never open
ours 'mq-consume -c 1 -o -1 big >found' 'another_boot big' '[[ -s found ]]'
alternate
at_most "$(absolute 100000)" 10000

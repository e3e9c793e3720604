# How long a record is on its way while nothing else is (wake.c): from the write into mq-produce's stdin to the read from mq-consume's
# stdout, against two cats, that is three pipes.  The shell starts both ends; when stdin ends the producer ends, and the consumer is killed.
row 8 'wake'
ours 'wake 1000 "mq-consume -F t & mq-produce t; kill \$!"' 'new_topic t' 'holds t 1100'
theirs 'wake 1000 "cat | cat"'
alternate printed
at_most 1.3 1.0 1 median
at_most 2 - 2 '99th percentile'

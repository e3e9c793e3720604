# What a million records of 100 bytes cost, user and system time of our program alone.  The consumer writes into a pipe, which is what it
# is for; what the reader of the pipe needs is not counted.
row 12 'CPU time of a million records, produce'
ours 'cpu used mq-produce t <in' 'new_topic t' 'holds t'
alternate cpu_time
at_most "$(absolute 90000)" 50000

row 12 'CPU time of a million records, consume'
ours 'cpu used mq-consume t | wc -l >count' : 'is count $lines'
alternate cpu_time
at_most "$(absolute 60000)" 30000

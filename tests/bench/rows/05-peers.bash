# Records a second, against other queues.  All get the same file of a tenth of the lines.  None of them syncs within the run: Redis and Kafka
# as is their habit, the broker that librdkafka mocks has no disk at all.

# kcat is a process as mq-produce is, so both are measured from start to end.
row 5 'against kcat into a broker mocked in RAM'
if has kcat kcat; then
	ours 'mq-produce t <tenth' 'new_topic t' 'holds t $tenth_lines'
	theirs 'kcat -q -P -l -t t -b localhost -X test.mock.num.brokers=1 -X log_level=4 tenth'
	alternate
	at_least 7 10
fi

# Redis appends to its file and syncs that once a second.  Our client pipelines a thousand XADDs at a time through a Unix socket
# (xadd.c).  The server is a new one each time, and was ready before.
row 5 'against Redis streams, everysec, pipelined'
if has Redis redis-server && has 'the client for Redis' xadd; then
	ours 'mq-produce t <tenth' 'new_topic t' 'holds t $tenth_lines'
	theirs 'xadd redis/socket t <tenth' 'redis_start' 'redis_holds t $tenth_lines; redis_stop'
	alternate
	at_least 25 40
fi

# Kafka's broker and its own load generator, which makes up its records and counts from its first record to its last acknowledgement; the
# broker is warm, and Java's compiler has had the run before.  The better of two settings that are good ones for this: the default,
# batches of 16 KiB at once, reaches half of it.
better() {
	local best=

	for settings; do
		# shellcheck disable=SC2086
		kafka_perf acks=1 linger.ms=5 $settings
		((${best:=$took} <= took)) || best=$took
	done
	took=$best
}

row 5 'against a Kafka 4.1 broker, its own load generator'
if has Kafka java && has_kafka; then
	kafka_start
	ours 'mq-produce t <tenth' 'new_topic t' 'holds t $tenth_lines'
	theirs 'better batch.size=262144 "batch.size=1000000 max.request.size=8000000 buffer.memory=134217728"'
	alternate
	at_least 15 25
	kafka_stop
fi

# One record, one call, in a shell loop: what cron jobs and scripts do.  The loop is dash's, which forks twice in each round, for echo too.
rounds=$((mb < 1000 ? mb : 1000))
loop() { sh -c 'i=0; while [ $i -lt '$rounds' ]; do echo x | '"$1"' >/dev/null || exit; i=$((i + 1)); done'; }

row 11 'one call a record, against Redis'
if has Redis redis-server && has 'the client for Redis' redis-cli; then
	redis_start
	ours 'loop "mq-produce t"' 'new_topic t' 'holds t $rounds'
	theirs 'loop "redis-cli -s redis/socket -x XADD t \* v"' 'redis-cli -s redis/socket DEL t >del' 'redis_holds t $rounds'
	alternate
	at_most 0.35 0.1
	redis_stop
fi

row 11 'one call a record, against an empty program'
ours 'loop "mq-produce t"' 'new_topic t' 'holds t $rounds'
theirs 'loop nothing'
alternate
at_most 1.3 1.2

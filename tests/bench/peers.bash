# peers.bash: servers to compare with, each in a folder of its own below the work folder; at_end ends them whatever happens.

# A Redis that nobody else reaches, with an empty append-only file, synced once a second; ready on return.
redis_start() {
	rm -rf redis && mkdir redis
	redis-server --port 0 --unixsocket "$PWD/redis/socket" --dir "$PWD/redis" --save '' --appendonly yes --appendfsync everysec \
		--auto-aof-rewrite-percentage 0 >redis/log 2>&1 &
	redis_pid=$!
	at_end redis_stop
	until_ready redis-cli -s redis/socket PING
}

# Without a last word: its data are not needed any more.
redis_stop() {
	[[ -n ${redis_pid-} ]] || return 0
	kill -KILL "$redis_pid"
	wait "$redis_pid" 2>/dev/null
	redis_pid=
}

# redis_holds STREAM COUNT
redis_holds() {
	local count

	count=$(redis-cli -s redis/socket XLEN "$1")
	[[ $count == "$2" ]] || fail "Redis holds $count records, not $2"
}

# until_ready CMD [ARG...]: within 60 s.
until_ready() {
	local deadline=$((SECONDS + 60))

	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || fail "after 60 s still not: $*"
		sleep 0.05
	done
}

# Apache Kafka, of which `make kafka` has put the jars into build/kafka/lib.  Java's options are those of Kafka's own start scripts.
kafka=(java -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent
	-Djava.awt.headless=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$root/build/kafka/lib/*")

has_kafka() {
	compgen -G "$root/build/kafka/lib/kafka_*.jar" >/dev/null || {
		skip Kafka "it is not in build/kafka (make kafka)"
		return 1
	}
}

# A broker of one node, nobody else's, with the settings of Kafka's own config/server.properties; ready on return.
kafka_start() {
	local port=$((20000 + $$ % 10000 * 2))

	kafka_server=127.0.0.1:$port
	mkdir kafka
	cat >kafka/properties <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$((port + 1))
		listeners=PLAINTEXT://$kafka_server,CONTROLLER://127.0.0.1:$((port + 1))
		controller.listener.names=CONTROLLER
		num.network.threads=3
		num.io.threads=8
		socket.send.buffer.bytes=102400
		socket.receive.buffer.bytes=102400
		offsets.topic.replication.factor=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		log.dirs=$PWD/kafka/data
	END
	"${kafka[@]}" kafka.tools.StorageTool format -t AAAAAAAAQACAAAAAAAAAAQ -c kafka/properties >kafka/log 2>&1 ||
		fail "Kafka's storage could not be made: $(<kafka/log)"
	"${kafka[@]}" -Xms1G -Xmx1G kafka.Kafka kafka/properties >kafka/log 2>&1 &
	kafka_pid=$!
	at_end kafka_stop
	until_ready "${kafka[@]}" org.apache.kafka.tools.TopicCommand --bootstrap-server "$kafka_server" --list
}

kafka_stop() {
	[[ -n ${kafka_pid-} ]] || return 0
	kill -KILL "$kafka_pid"
	wait "$kafka_pid" 2>/dev/null
	kafka_pid=
}

# kafka_perf NAME=VALUE...: Kafka's own ProducerPerformance, twice $tenth_lines records of 100 bytes into a new topic, with these settings of the
# producer.  $took is what half of them take at the rate that it tells: without its start, which takes longer than all else.
kafka_perf() {
	local count=$((2 * tenth_lines)) said

	kafka_topics=$((${kafka_topics-0} + 1))
	said=$("${kafka[@]}" -Xmx512M org.apache.kafka.tools.ProducerPerformance --topic "t$kafka_topics" --num-records "$count" \
		--record-size 100 --throughput -1 --producer-props "bootstrap.servers=$kafka_server" "$@" 2>kafka/said) ||
		fail "ProducerPerformance: $(<kafka/said)"
	took=$(awk -v all="$count" -v some="$tenth_lines" '$1 == all && $2 == "records" && $3 == "sent," { printf "%d", some / $4 * 1e6 }' \
		<<<"$said")
	[[ -n $took ]] || fail "ProducerPerformance did not send all: $said"
}

# kafka.bash: Apache Kafka itself, for tests/full.  Loaded behind mq.bash.  Its jars and our classes are in build/kafka, where `make kafka`
# puts them.  A test begins with need_kafka.

KAFKA=$MQ_ROOT/build/kafka

# need_kafka: skips this test where Kafka cannot be had: no Java, no Maven, no way to Maven Central.
need_kafka() { need kafka make -s -C "$MQ_ROOT" kafka; }

# k CLASS [ARG...]: runs one of Kafka's tools, or a class of ours.  Starting takes 0.7 s: give it many files at once.
JAVA=(java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$KAFKA/classes:$KAFKA/lib/*")
k() { "${JAVA[@]}" "$@"; }

# dump_log_segments [OPTION...] FILE...: Kafka's DumpLogSegments on all these files.
dump_log_segments() {
	local options=() files

	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	printf -v files '%s,' "$@"
	k kafka.tools.DumpLogSegments "${options[@]}" --files "${files%,}"
}

# need_broker: the same for tests with a broker; kcat is how they know that it answers.
need_broker() {
	need_kafka
	need kcat command -v kcat
}

# start_broker: starts a broker of one node, which is its own controller, on free ports; returns when it answers.  $BROKER is its address,
# $BROKER_DIR holds its folder `data` and what it printed, `log`.  A file starts one in its first test and goes on with it: a broker takes
# seconds to start.  One that was stopped starts again with what is in its folder.
start_broker() {
	BROKER_DIR=$BATS_FILE_TMPDIR/broker
	[[ -e $BROKER_DIR/server.properties ]] || format_broker
	BROKER=$(<"$BROKER_DIR/address")
	! broker_runs || return 0
	"${JAVA[@]}" kafka.Kafka "$BROKER_DIR/server.properties" </dev/null >>"$BROKER_DIR/log" 2>&1 3>&- 4>&- &
	echo $! >"$BROKER_DIR/pid"
	disown $!
	wait_for 60 broker_answers_or_died
	broker_runs || fail "the broker ended: $(tail -n 20 "$BROKER_DIR/log")"
}

broker_runs() { [[ -e $BROKER_DIR/pid ]] && ! is_dead "$(<"$BROKER_DIR/pid")"; }
broker_answers_or_died() { ! broker_runs || kcat -L -m 1 -b "$BROKER"; }

# Two free ports below those that the kernel gives to whoever asks for any.
free_ports() {
	perl -MIO::Socket::INET -e 'while (@p < 2) {
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 10000 + int rand 20000) or next;
		push @p, $s->sockport; push @s, $s;
	} print "@p"'
}

format_broker() {
	local port controller

	mkdir -p "$BROKER_DIR"
	read -r port controller <<<"$(free_ports)"
	echo "127.0.0.1:$port" >"$BROKER_DIR/address"
	cat >"$BROKER_DIR/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		controller.listener.names=CONTROLLER
		inter.broker.listener.name=PLAINTEXT
		log.dirs=$BROKER_DIR/data
		auto.create.topics.enable=false
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=1
		group.initial.rebalance.delay.ms=0
		log.retention.ms=-1
		log.index.size.max.bytes=65536
		log.cleaner.backoff.ms=200
	END
	k kafka.tools.StorageTool format -t mqmqmqmqmqmqmqmqmqmqmq -c "$BROKER_DIR/server.properties" >"$BROKER_DIR/log" 2>&1 ||
		fail "the broker's folder cannot be made: $(<"$BROKER_DIR/log")"
}

# end_broker SIGNAL: TERM lets it end in order, KILL does not.
end_broker() {
	local pid

	broker_runs || return 0
	pid=$(<"$BROKER_DIR/pid")
	kill -"$1" "$pid"
	wait_for 30 is_dead "$pid"
}
stop_broker() { end_broker TERM; }

# For teardown_file: nothing is left, whatever happened.
kill_broker() {
	BROKER_DIR=$BATS_FILE_TMPDIR/broker
	end_broker KILL
}

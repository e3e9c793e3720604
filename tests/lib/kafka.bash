# kafka.bash: Apache Kafka itself, for tests/full.  Loaded behind mq.bash.  Its jars and our classes are in build/kafka, where `make kafka`
# puts them.  A test begins with need_kafka.

KAFKA=$MQ_ROOT/build/kafka

# need_kafka: skips this test where Kafka cannot be had: no Java, no Maven, no way to Maven Central.
need_kafka() { need kafka make -s -C "$MQ_ROOT" kafka; }

# k CLASS [ARG...]: runs one of Kafka's tools, or a class of ours.  Starting takes 0.7 s: give it many files at once.
k() {
	java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-cp "$KAFKA/classes:$KAFKA/lib/*" "$@"
}

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

import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's consumer, with all that it tells of a record.
 *
 *	Reader ADDRESS ISOLATION TOPIC...
 *
 * Reads all partitions of each TOPIC from their start to what is their end now, in order.  ISOLATION is read_committed or
 * read_uncommitted.  Prints a line for each record, bytes in hexadecimal, a length of -1 for null:
 *
 *	TOPIC PARTITION OFFSET TIMESTAMP KEY-LENGTH KEY VALUE-LENGTH VALUE HEADERS[ NAME-LENGTH NAME VALUE-LENGTH VALUE]...
 *
 * and behind the records of a partition "TOPIC PARTITION START END", which count its control batches, too.
 */
public final class Reader {
	private static final HexFormat HEX = HexFormat.of();

	private static void add(StringBuilder line, byte[] bytes) {
		if (bytes == null)
			line.append(" -1 ");
		else
			line.append(' ').append(bytes.length).append(' ').append(HEX.formatHex(bytes));
	}

	private static String line(ConsumerRecord<byte[], byte[]> r) {
		StringBuilder line = new StringBuilder();
		Header[] headers = r.headers().toArray();

		line.append(r.topic()).append(' ').append(r.partition()).append(' ').append(r.offset()).append(' ').append(r.timestamp());
		add(line, r.key());
		add(line, r.value());
		line.append(' ').append(headers.length);
		for (Header h : headers) {
			add(line, h.key().getBytes(StandardCharsets.UTF_8));
			add(line, h.value());
		}
		return line.toString();
	}

	private static void read(KafkaConsumer<byte[], byte[]> consumer, TopicPartition p, PrintStream out) {
		List<TopicPartition> one = List.of(p);
		long start = consumer.beginningOffsets(one).get(p), end = consumer.endOffsets(one).get(p);
		long deadline = System.currentTimeMillis() + 30000;

		consumer.assign(one);
		consumer.seekToBeginning(one);
		while (consumer.position(p) < end) {
			for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(100)).records(p))
				out.println(line(r));
			if (System.currentTimeMillis() > deadline)
				throw new IllegalStateException(p + ": " + consumer.position(p) + " of " + end);
		}
		out.println(p.topic() + " " + p.partition() + " " + start + " " + end);
	}

	public static void main(String[] args) {
		Map<String, Object> config = Map.of("bootstrap.servers", args[0], "isolation.level", args[1], "auto.offset.reset", "none");
		ByteArrayDeserializer bytes = new ByteArrayDeserializer();

		try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes);
			PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16))) {
			for (int i = 2; i < args.length; i++) {
				List<Integer> partitions = new ArrayList<>();
				for (PartitionInfo info : consumer.partitionsFor(args[i]))
					partitions.add(info.partition());
				partitions.sort(null);
				for (int partition : partitions)
					read(consumer, new TopicPartition(args[i], partition), out);
			}
		}
	}
}

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's producer, which is idempotent unless told otherwise.
 *
 *	Writer ADDRESS STEP...
 *
 * Steps, one after the other:
 *
 *	kinds:TOPIC:PARTITION:CODEC	records with every kind of key, value, header and time, one of them large
 *	keys:TOPIC:PARTITION:COUNT	COUNT records of ten keys, the last of each key a tombstone for every third of them
 *	begin:ID			opens a transaction of this transactional id; records that follow belong to it
 *	commit | abort | leave		ends it, or goes on without ending it
 */
public final class Writer {
	private final String address;
	private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
	private final List<Future<?>> sent = new ArrayList<>();
	private String transaction;

	private Writer(String address) {
		this.address = address;
	}

	private KafkaProducer<byte[], byte[]> producer(String codec) {
		return producers.computeIfAbsent(transaction != null ? transaction : codec, name -> {
			Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", address, "max.request.size", 2000000));
			if (transaction != null) {
				config.put("transactional.id", transaction);
				config.put("transaction.timeout.ms", 600000);
			} else {
				config.put("compression.type", name);
			}
			KafkaProducer<byte[], byte[]> made = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
			if (transaction != null)
				made.initTransactions();
			return made;
		});
	}

	private static byte[] utf8(String text) {
		return text.getBytes(StandardCharsets.UTF_8);
	}

	private static byte[] allBytes(int count) {
		byte[] bytes = new byte[count];

		for (int i = 0; i < count; i++)
			bytes[i] = (byte) (i * 31 + i / 256);
		return bytes;
	}

	private void send(String codec, String topic, int partition, Long time, byte[] key, byte[] value, Header... headers) {
		sent.add(producer(codec).send(new ProducerRecord<>(topic, partition, time, key, value, List.of(headers))));
	}

	private void kinds(String topic, int partition, String codec) throws Exception {
		long now = System.currentTimeMillis();

		send(codec, topic, partition, now, null, utf8("no key"));
		send(codec, topic, partition, now, new byte[0], new byte[0]);
		send(codec, topic, partition, now, utf8("tombstone"), null);
		send(codec, topic, partition, 0L, allBytes(256), allBytes(70000));
		flush();
		send(codec, topic, partition, now + 5, utf8("headers"), utf8("v"), new RecordHeader("a", utf8("1")), new RecordHeader("a", utf8("2")),
			new RecordHeader("", new byte[0]), new RecordHeader("nothing", (byte[]) null), new RecordHeader("ключ", allBytes(256)));
		send(codec, topic, partition, now - 100000, utf8("earlier"), utf8("v"));
		flush();
		send(codec, topic, partition, now, utf8("large"), allBytes(700000));
		flush();
		for (int i = 0; i < 50; i++)
			send(codec, topic, partition, now + i, utf8("k" + i), utf8("value " + i));
	}

	private void keys(String topic, int partition, int count) {
		for (int i = 0; i < count; i++) {
			boolean tombstone = i >= count - 10 && i % 3 == 0;
			send("none", topic, partition, null, utf8("key " + i % 10), tombstone ? null : utf8("value " + i));
		}
	}

	/** Everything sent is there; a batch of ours ends here. */
	private void flush() throws Exception {
		for (KafkaProducer<byte[], byte[]> p : producers.values())
			p.flush();
		for (Future<?> f : sent)
			f.get();
		sent.clear();
	}

	private void step(String[] part) throws Exception {
		switch (part[0]) {
		case "kinds" -> kinds(part[1], Integer.parseInt(part[2]), part[3]);
		case "keys" -> keys(part[1], Integer.parseInt(part[2]), Integer.parseInt(part[3]));
		case "begin" -> {
			transaction = part[1];
			producer(null).beginTransaction();
		}
		case "commit" -> producers.get(transaction).commitTransaction();
		case "abort" -> producers.get(transaction).abortTransaction();
		case "leave" -> { }
		default -> throw new IllegalArgumentException(part[0]);
		}
		if (part[0].equals("commit") || part[0].equals("abort") || part[0].equals("leave")) {
			flush();
			transaction = null;
		}
	}

	public static void main(String[] args) throws Exception {
		Writer writer = new Writer(args[0]);

		for (int i = 1; i < args.length; i++) {
			writer.step(args[i].split(":"));
			writer.flush();
		}
		// A producer that is closed ends its transaction.
		Runtime.getRuntime().halt(0);
	}
}

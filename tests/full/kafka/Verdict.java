package org.apache.kafka.clients.consumer.internals;

import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile;
import org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.ProducerStateManager;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;

/**
 * Kafka's verdict on segments: where the first batch is that its broker or its consumer would not take.
 *
 *	Verdict SCRATCH FOLDER...
 *
 * Each FOLDER holds a segment that begins with offset 0; it is not touched.  A line for each:
 *
 *	FOLDER TAB BROKER TAB CONSUMER TAB RECORDS TAB REASON
 *
 * BROKER is the position of the first batch that the broker's recovery cuts off, or cannot start with, CONSUMER that of the first batch
 * that a consumer which was sent the whole file throws an exception at; "-" if there is none.  What follows the last batch counts as
 * one.  RECORDS is how many the consumer got from the batches before both; FOLDER/kafka.records holds them, a line each:
 *
 *	OFFSET TIMESTAMP KEY-LENGTH KEY VALUE-LENGTH VALUE HEADERS[ NAME-LENGTH NAME VALUE-LENGTH VALUE]...
 *
 * with bytes in hexadecimal and a length of -1 for null.  Both are Kafka's own code, LogSegment.recover and CompletedFetch, which is
 * not public: hence our package.
 */
public final class Verdict {
	private static final String LOG = "00000000000000000000.log";
	private static final TopicPartition PARTITION = new TopicPartition("verdict", 0);
	private static final HexFormat HEX = HexFormat.of();

	private final Path scratch;
	private final LogConfig logConfig = new LogConfig(Map.of("segment.index.bytes", "4096"));
	private final KafkaScheduler scheduler = new KafkaScheduler(1);
	private final LogContext logContext = new LogContext();
	private final SubscriptionState subscriptions = new SubscriptionState(logContext, AutoOffsetResetStrategy.NONE);
	private final Metrics metrics = new Metrics();
	private final FetchMetricsManager fetchMetrics = new FetchMetricsManager(metrics, new FetchMetricsRegistry());
	private final FetchConfig fetchConfig =
		new FetchConfig(1, Integer.MAX_VALUE, 0, Integer.MAX_VALUE, Integer.MAX_VALUE, true, "", IsolationLevel.READ_UNCOMMITTED);
	private final Deserializers<byte[], byte[]> deserializers =
		new Deserializers<>(new ByteArrayDeserializer(), new ByteArrayDeserializer(), metrics);

	/** What one of the two found: a position, -1 if nothing is wrong, and the reason. */
	private record Found(long position, String reason) {
		static final Found NOTHING = new Found(-1, "");

		String column() {
			return position < 0 ? "-" : Long.toString(position);
		}
	}

	private Verdict(Path scratch) {
		this.scratch = scratch;
		subscriptions.assignFromUser(Set.of(PARTITION));
	}

	//
	// The broker.
	//

	/** How many of these bytes recovery keeps. */
	private int recover(byte[] bytes) throws IOException {
		File dir = scratch.toFile();

		Utils.delete(dir);
		Files.createDirectories(scratch);
		Files.write(scratch.resolve(LOG), bytes);
		ProducerStateManager producers =
			new ProducerStateManager(PARTITION, dir, 900000, new ProducerStateManagerConfig(86400000, false), Time.SYSTEM);
		LeaderEpochFileCache epochs = new LeaderEpochFileCache(PARTITION,
			new LeaderEpochCheckpointFile(LeaderEpochCheckpointFile.newFile(dir), new LogDirFailureChannel(1)), scheduler);
		try (LogSegment segment = LogSegment.open(dir, 0, logConfig, Time.SYSTEM, true, 0, false, "")) {
			return bytes.length - segment.recover(producers, epochs);
		}
	}

	/** A broker that does not start says nothing of the batch: it is the last of the shortest prefix that ends so. */
	private Found broker(byte[] bytes, List<Integer> ends) throws IOException {
		try {
			int kept = recover(bytes);
			return kept < bytes.length ? new Found(kept, "broker cuts") : Found.NOTHING;
		} catch (RuntimeException | Error | IOException e) {
			int position = 0;
			for (int end : ends) {
				try {
					recover(Arrays.copyOf(bytes, end));
				} catch (RuntimeException | Error | IOException same) {
					break;
				}
				position = end;
			}
			return new Found(position, "broker does not start: " + said(e));
		}
	}

	//
	// The consumer.
	//

	private void print(BufferedWriter out, ConsumerRecord<byte[], byte[]> r) throws IOException {
		StringBuilder line = new StringBuilder();

		line.append(r.offset()).append(' ').append(r.timestamp());
		print(line, r.key());
		print(line, r.value());
		Header[] headers = r.headers().toArray();
		line.append(' ').append(headers.length);
		for (Header h : headers) {
			print(line, Utils.utf8(h.key()));
			print(line, h.value());
		}
		out.write(line.append('\n').toString());
	}

	private static void print(StringBuilder line, byte[] bytes) {
		if (bytes == null)
			line.append(" -1 ");
		else
			line.append(' ').append(bytes.length).append(' ').append(HEX.formatHex(bytes));
	}

	/** All records of one batch, as poll() would hand them out. */
	private List<ConsumerRecord<byte[], byte[]>> fetch(RecordBatch batch, ByteBuffer slice) {
		FetchResponseData.PartitionData data =
			new FetchResponseData.PartitionData().setRecords(MemoryRecords.readableRecords(slice));
		CompletedFetch fetch = new CompletedFetch(logContext.logger(Verdict.class), subscriptions, BufferSupplier.create(), PARTITION,
			data, new FetchMetricsAggregator(fetchMetrics, Set.of(PARTITION)), batch.baseOffset());
		List<ConsumerRecord<byte[], byte[]>> records = fetch.fetchRecords(fetchConfig, deserializers, Integer.MAX_VALUE);
		// The records before a bad one come first, the exception with the next call.
		fetch.fetchRecords(fetchConfig, deserializers, Integer.MAX_VALUE);
		return records;
	}

	/** Prints the records of all batches before the first bad one, as far as the broker has them. */
	private Found consumer(byte[] bytes, Found broker, BufferedWriter out, int[] count) throws IOException {
		Iterator<? extends RecordBatch> batches = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator();
		int position = 0;

		try {
			while (batches.hasNext()) {
				RecordBatch batch = batches.next();
				List<ConsumerRecord<byte[], byte[]>> records =
					fetch(batch, ByteBuffer.wrap(bytes, position, batch.sizeInBytes()).slice());
				if (broker == Found.NOTHING || position < broker.position()) {
					for (ConsumerRecord<byte[], byte[]> r : records)
						print(out, r);
					count[0] += records.size();
				}
				position += batch.sizeInBytes();
			}
		} catch (RuntimeException | Error e) { // snappy-java throws an Error
			return new Found(position, "consumer: " + said(e));
		}
		return position < bytes.length ? new Found(position, "consumer waits for the rest") : Found.NOTHING;
	}

	/** Where the batches end, as far as their lengths tell. */
	private static List<Integer> ends(byte[] bytes) {
		List<Integer> ends = new ArrayList<>();
		long position = 0;

		while (position + 12 <= bytes.length) {
			int length = ByteBuffer.wrap(bytes).getInt((int) position + 8);
			position += 12 + (long) length;
			if (length < 0 || position > bytes.length)
				break;
			ends.add((int) position);
		}
		return ends;
	}

	/** The innermost reason, in one line. */
	private static String said(Throwable e) {
		while (e.getCause() != null)
			e = e.getCause();
		return (e.getClass().getSimpleName() + ": " + e.getMessage()).replaceAll("\\s+", " ");
	}

	private void judge(String folder) throws IOException {
		byte[] bytes = Files.readAllBytes(Path.of(folder, LOG));
		int[] count = {0};
		Found broker = broker(bytes, ends(bytes)), consumer;

		try (BufferedWriter out = Files.newBufferedWriter(Path.of(folder, "kafka.records"), StandardOpenOption.CREATE,
			StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
			consumer = consumer(bytes, broker, out, count);
		}
		System.out.printf("%s\t%s\t%s\t%d\t%s%n", folder, broker.column(), consumer.column(), count[0],
			(broker.reason() + "; " + consumer.reason()).replaceAll("^; |; $", ""));
	}

	public static void main(String[] args) throws IOException {
		Verdict verdict = new Verdict(Path.of(args[0], PARTITION.toString()));

		for (int i = 1; i < args.length; i++)
			verdict.judge(args[i]);
		System.out.flush();
		System.exit(0); // Kafka's scheduler and metrics would keep us
	}
}

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * Makes topics, many at once.
 *
 *	Topics ADDRESS NAME[:PARTITIONS[:KEY=VALUE[,KEY=VALUE]...]]...
 *
 * Prints a line for each: NAME TOPIC-ID.
 */
public final class Topics {
	private static NewTopic parse(String text) {
		String[] part = text.split(":", 3);
		NewTopic topic = new NewTopic(part[0], Optional.of(part.length > 1 ? Integer.parseInt(part[1]) : 1), Optional.empty());
		Map<String, String> configs = new HashMap<>();

		for (String pair : part.length > 2 ? part[2].split(",") : new String[0])
			configs.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
		return topic.configs(configs);
	}

	public static void main(String[] args) throws Exception {
		List<NewTopic> topics = new ArrayList<>();

		for (int i = 1; i < args.length; i++)
			topics.add(parse(args[i]));
		try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
			CreateTopicsResult made = admin.createTopics(topics);
			made.all().get();
			for (NewTopic topic : topics)
				System.out.println(topic.name() + " " + made.topicId(topic.name()).get());
		}
	}
}

import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Prints the metrics that a running Java producer has: group, name and tags, separated by tabs. */
public class ProducerMetricNames {
  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("client.id", "java");
    config.put("transactional.id", "java");
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config, bytes, bytes)) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(args[1], new byte[100]));
      producer.commitTransaction();
      TreeSet<String> lines = new TreeSet<>();
      producer.metrics().keySet().forEach(metric -> {
        Map<String, String> tags = new TreeMap<>(metric.tags());
        lines.add(metric.group() + "\t" + metric.name() + "\t" + String.join(",", tags.keySet()));
      });
      lines.forEach(System.out::println);
    }
  }
}

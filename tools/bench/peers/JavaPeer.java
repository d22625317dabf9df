import java.io.DataInputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Java's own client: a send with a callback, record by record. Arguments: name=value. */
public class JavaPeer {
  record Message(byte[] key, byte[] value) {}

  static KafkaProducer<byte[], byte[]> producer;
  static String topic;
  static final List<Message> messages = new ArrayList<>();
  static final AtomicReference<Exception> failure = new AtomicReference<>();

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (String arg : args) options.put(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
    readMessages(options.get("data"));
    topic = options.get("topic");
    String way = options.get("way");
    int count = Integer.parseInt(options.get("records"));
    int warmup = Integer.parseInt(options.get("warmup"));
    boolean timed = way.equals("sequential") || way.equals("paced");
    Properties settings = new Properties();
    settings.put("bootstrap.servers", options.get("broker"));
    settings.put("client.id", "bench");
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("linger.ms", options.get("linger"));
    settings.put("batch.size", timed ? "16384" : "262144");
    settings.put("buffer.memory", "67108864");
    settings.put("compression.type", options.get("compression"));
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    producer = new KafkaProducer<>(settings);

    run(timed ? "sequential" : way, warmup, null);
    double[] latencies = timed ? new double[count] : null;
    double cpu = cpuMicros();
    long start = System.nanoTime();
    run(way, count, latencies);
    double seconds = (System.nanoTime() - start) / 1e9;
    cpu = cpuMicros() - cpu;
    if (failure.get() != null) throw failure.get();
    String p50 = "null", p99 = "null";
    if (timed) {
      Arrays.sort(latencies);
      p50 = String.format(Locale.ROOT, "%.1f", latencies[(count + 1) / 2 - 1]);
      p99 = String.format(Locale.ROOT, "%.1f", latencies[(int) Math.ceil(count * 0.99) - 1]);
    }
    System.out.println(String.format(Locale.ROOT,
        "{\"version\":\"%s\",\"sent\":%d,\"seconds\":%.6f,\"recordsPerSecond\":%.1f,\"cpuMicros\":%.5f,\"peakMb\":%.1f,\"p50Micros\":%s,\"p99Micros\":%s}",
        options.get("version"), count + warmup, seconds, count / seconds, cpu / count, peakMb(), p50, p99));
    producer.close();
  }

  static void readMessages(String file) throws Exception {
    try (DataInputStream in = new DataInputStream(Files.newInputStream(Path.of(file)))) {
      byte[] all = in.readAllBytes();
      for (int at = 0; at < all.length; ) {
        byte[][] fields = new byte[2][];
        for (int i = 0; i < 2; i++) {
          int size = java.nio.ByteBuffer.wrap(all, at, 4).getInt();
          fields[i] = Arrays.copyOfRange(all, at + 4, at + 4 + size);
          at += 4 + size;
        }
        messages.add(new Message(fields[0].length == 0 ? null : fields[0], fields[1]));
      }
    }
  }

  static void run(String way, int count, double[] latencies) throws Exception {
    CountDownLatch answered = new CountDownLatch(count);
    long begin = System.nanoTime();
    for (int i = 0; i < count; i++) {
      if (way.equals("paced")) {
        long left;
        while ((left = begin + i * 1_000_000L - System.nanoTime()) > 0) LockSupport.parkNanos(left);
      }
      Message message = messages.get(i % messages.size());
      int number = i;
      long start = latencies == null ? 0 : System.nanoTime();
      var sent = producer.send(new ProducerRecord<>(topic, message.key, message.value), (metadata, error) -> {
        if (latencies != null) latencies[number] = (System.nanoTime() - start) / 1e3;
        if (error != null) failure.compareAndSet(null, error);
        answered.countDown();
      });
      if (way.equals("sequential")) sent.get();
    }
    producer.flush();
    answered.await();
  }

  static double cpuMicros() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e3;
  }

  static double peakMb() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) return Double.parseDouble(line.replaceAll("\\D", "")) / 1024;
    }
    return 0;
  }
}

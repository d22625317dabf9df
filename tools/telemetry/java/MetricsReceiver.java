import java.io.FileWriter;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.server.telemetry.ClientTelemetry;
import org.apache.kafka.server.telemetry.ClientTelemetryReceiver;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.Metric;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.MetricsData;

/**
 * A broker's plugin that takes clients' metrics: reads them with the classes of OpenTelemetry and appends a line for each
 * push to a file: client, whether it was the last one, the bytes in base64, and the names of all metrics.
 */
public class MetricsReceiver implements MetricsReporter, ClientTelemetry {
  private String file;

  @Override
  public void configure(Map<String, ?> configs) {
    file = System.getProperty("metrics.receiver.file");
  }

  @Override
  public ClientTelemetryReceiver clientReceiver() {
    return (context, payload) -> {
      byte[] bytes = new byte[payload.data().remaining()];
      payload.data().duplicate().get(bytes);
      StringBuilder names = new StringBuilder();
      try {
        MetricsData.parseFrom(bytes).getResourceMetricsList().forEach(resource ->
            resource.getScopeMetricsList().forEach(scope -> {
              for (Metric metric : scope.getMetricsList()) names.append(' ').append(metric.getName());
            }));
        String line = context.clientId() + " " + payload.isTerminating() + " "
            + Base64.getEncoder().encodeToString(bytes) + names + "\n";
        synchronized (this) {
          try (FileWriter out = new FileWriter(file, true)) {
            out.write(line);
          }
        }
      } catch (IOException error) {
        throw new RuntimeException(error);
      }
    };
  }

  @Override
  public void init(List<KafkaMetric> metrics) {}

  @Override
  public void metricChange(KafkaMetric metric) {}

  @Override
  public void metricRemoval(KafkaMetric metric) {}

  @Override
  public void close() {}
}

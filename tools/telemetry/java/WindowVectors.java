import java.util.Random;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.stats.Avg;
import org.apache.kafka.common.metrics.stats.Max;
import org.apache.kafka.common.metrics.stats.Rate;

/** Values recorded at moments, and what Java's rate, average and maximum say of them then: a line for each moment. */
public class WindowVectors {
  public static void main(String[] args) {
    for (int seed = 1; seed <= Integer.parseInt(args[0]); seed++) run(seed);
  }

  static void run(int seed) {
    Random random = new Random(seed);
    MetricConfig config = new MetricConfig();
    Rate rate = new Rate();
    Avg average = new Avg();
    Max maximum = new Max();
    long now = 1_000;
    System.out.println("# " + seed);
    for (int step = 0; step < 60; step++) {
      now += switch (random.nextInt(6)) {
        case 0 -> 0;
        case 1 -> random.nextInt(500);
        case 2 -> 1_000 * random.nextInt(10);
        case 3 -> 30_000;
        case 4 -> random.nextInt(40_000);
        default -> random.nextInt(100) < 20 ? 29_000 + random.nextInt(70_000) : random.nextInt(3_000);
      };
      boolean records = random.nextInt(4) != 0;
      long value = random.nextInt(1_000);
      if (records) {
        rate.record(config, value, now);
        average.record(config, value, now);
        maximum.record(config, value, now);
      }
      System.out.println(now + " " + (records ? value : -1) + " " + rate.measure(config, now) + " "
          + average.measure(config, now) + " " + maximum.measure(config, now));
    }
  }
}

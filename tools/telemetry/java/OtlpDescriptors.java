import java.util.Base64;
import org.apache.kafka.shaded.com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import org.apache.kafka.shaded.com.google.protobuf.Descriptors.FileDescriptor;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.MetricsProto;

/** Prints, in base64, the descriptors by which Java's clients write OTLP metrics. */
public class OtlpDescriptors {
  private static final FileDescriptorSet.Builder files = FileDescriptorSet.newBuilder();

  public static void main(String[] args) {
    add(MetricsProto.getDescriptor());
    System.out.println(Base64.getEncoder().encodeToString(files.build().toByteArray()));
  }

  private static void add(FileDescriptor file) {
    file.getDependencies().forEach(OtlpDescriptors::add);
    if (files.getFileList().stream().noneMatch(each -> each.getName().equals(file.getName()))) {
      files.addFile(file.toProto());
    }
  }
}

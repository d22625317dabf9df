import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;

import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Times Java's generated classes on messages made elsewhere. Every argument is API,direction,version,file; the answer is
 * a line of the best nanoseconds to decode and to encode one. Each is run until the compiler has long done its work.
 */
public class MessageBench {
    static volatile Object sink;

    interface Work {
        Object run();
    }

    public static void main(String[] args) throws Exception {
        List<String[]> cases = new ArrayList<>();
        for (String arg : args) cases.add(arg.split(","));
        for (String[] parts : cases) {
            ApiMessageType api = ApiMessageType.valueOf(parts[0]);
            boolean request = parts[1].equals("request");
            short version = Short.parseShort(parts[2]);
            byte[] bytes = Files.readAllBytes(Path.of(parts[3]));
            Supplier<ApiMessage> fresh = request ? api::newRequest : api::newResponse;
            double decode = best(() -> decode(fresh.get(), bytes, version));
            ApiMessage message = decode(fresh.get(), bytes, version);
            byte[] written = encode(message, version).array();
            if (!java.util.Arrays.equals(written, bytes)) throw new AssertionError(parts[0] + ": other bytes");
            double encode = best(() -> encode(message, version));
            System.out.println(decode + " " + encode);
        }
    }

    static ApiMessage decode(ApiMessage message, byte[] bytes, short version) {
        message.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
        return message;
    }

    static ByteBuffer encode(ApiMessage message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBufferAccessor out = new ByteBufferAccessor(ByteBuffer.allocate(message.size(cache, version)));
        message.write(out, cache, version);
        return out.buffer();
    }

    /** The best of many rounds of about 20 ms, the first second unheeded. */
    static double best(Work work) {
        long warm = System.nanoTime() + 1_000_000_000L;
        int rounds = 0;
        while (System.nanoTime() < warm) {
            sink = work.run();
            rounds++;
        }
        int count = Math.max(1, rounds / 50);
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 60; round++) {
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) sink = work.run();
            best = Math.min(best, (System.nanoTime() - start) / (double) count);
        }
        return best;
    }
}

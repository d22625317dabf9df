import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.LeaderChangeMessage.Voter;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.RECORDS.*;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.INTERNALS.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Utils;

/**
 * Makes record batches and message sets with Kafka's own classes, one JSON object a line: what went in, the bytes,
 * and what Kafka reads back from them. `read` does the last part alone, for bytes from somebody else.
 */
public class RecordVectors {
    static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    record Input(long timestamp, byte[] key, byte[] value, Header[] headers) {}

    record Shape(long baseOffset, Long logAppendTime, long producerId, short epoch, int sequence,
                 boolean transactional, int leaderEpoch, Long deleteHorizon) {}

    public static void main(String[] args) throws Exception {
        if (args[0].equals("read")) read();
        else if (args[0].equals("murmur2")) murmur2(new Random(Long.parseLong(args[1])));
        else make(new Random(Long.parseLong(args[1])));
        out.flush();
    }

    static void make(Random random) throws Exception {
        String[] codecs = {"none", "gzip", "snappy", "lz4", "zstd"};
        for (String codec : codecs) {
            for (String time : new String[] {"create", "append"}) {
                for (String kind : new String[] {"plain", "idempotent", "transactional"}) {
                    Long append = time.equals("append") ? Long.valueOf(1_700_000_123_456L) : null;
                    boolean sequenced = !kind.equals("plain");
                    Shape shape = new Shape(random.nextInt(1_000_000), append, sequenced ? 1L << 40 | random.nextInt(1000) : -1,
                        sequenced ? (short) random.nextInt(32768) : -1, sequenced ? Integer.MAX_VALUE - 2 : -1,
                        kind.equals("transactional"), random.nextInt(10) - 1, null);
                    String name = "v2 " + codec + " " + time + " " + kind;
                    batch(name + ", a few", (byte) 2, codec, shape, few(random, true));
                    batch(name + ", many", (byte) 2, codec, shape, many(random, 40));
                }
            }
        }
        for (String codec : codecs) {
            // Over 64 KiB, so that framed compressions need several blocks.
            Shape shape = new Shape(5, null, -1, (short) -1, -1, false, 0, null);
            batch("v2 " + codec + ", more than a block", (byte) 2, codec, shape, many(random, 1500));
        }
        Shape bare = new Shape(0, null, -1, (short) -1, -1, false, -1, null);
        batch("v2 edges of lengths", (byte) 2, "none", bare, edges());
        batch("v2 edges of timestamps", (byte) 2, "none", bare, timestamps());
        batch("v2 delete horizon", (byte) 2, "none", new Shape(7, null, -1, (short) -1, -1, false, 3, 1_600_000_000_000L), few(random, true));
        for (byte magic = 0; magic < 2; magic++) {
            for (String codec : new String[] {"none", "gzip", "snappy", "lz4"}) {
                for (String time : new String[] {"create", "append"}) {
                    if (magic == 0 && time.equals("append")) continue;
                    Long append = time.equals("append") ? Long.valueOf(1_700_000_123_456L) : null;
                    String name = "v" + magic + " " + codec + " " + time;
                    for (long base : new long[] {0, 1000}) {
                        Shape shape = new Shape(base, append, -1, (short) -1, -1, false, -1, null);
                        batch(name + " from " + base + ", a few", magic, codec, shape, few(random, false));
                        batch(name + " from " + base + ", many", magic, codec, shape, many(random, 40));
                    }
                }
            }
        }
        gaps();
        empty();
        controls();
    }

    static List<Input> few(Random random, boolean headers) {
        long now = 1_700_000_000_000L;
        Header[] none = {};
        Header[] some = {new RecordHeader("trace", bytes("a1")), new RecordHeader("trace", bytes("a2")),
            new RecordHeader("null", (byte[]) null), new RecordHeader("", new byte[0]),
            new RecordHeader("größe-\ud83d\ude00", new byte[] {0, -1, (byte) 0x80})};
        List<Input> inputs = new ArrayList<>();
        inputs.add(new Input(now, bytes("key"), bytes("value"), none));
        inputs.add(new Input(now + 5, null, bytes("värde \ud83d\ude00 キー"), headers ? some : none));
        inputs.add(new Input(now - 1000, bytes(""), null, none));
        inputs.add(new Input(now + 3, null, null, none));
        inputs.add(new Input(now + 86_400_000L * 40, random(random, 40), random(random, 200), headers ? some : none));
        return inputs;
    }

    static List<Input> many(Random random, int count) {
        List<Input> inputs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String value = "{\"id\":" + i + ",\"customer\":\"customer-" + random.nextInt(50) + "\",\"amount\":" + random.nextInt(100000) + "}";
            inputs.add(new Input(1_700_000_000_000L + i, bytes("key-" + i % 17), bytes(value), new Header[0]));
        }
        return inputs;
    }

    static List<Input> edges() {
        List<Input> inputs = new ArrayList<>();
        for (int size : new int[] {0, 1, 53, 54, 55, 56, 57, 63, 64, 65, 8180, 8185, 8190, 8191, 8192, 8193}) {
            inputs.add(new Input(1000 + size, new byte[size], new byte[size], new Header[0]));
        }
        for (int count : new int[] {1, 63, 64, 65}) {
            Header[] headers = new Header[count];
            for (int i = 0; i < count; i++) headers[i] = new RecordHeader("h" + i, new byte[i]);
            inputs.add(new Input(5000, null, null, headers));
        }
        return inputs;
    }

    static List<Input> timestamps() {
        List<Input> inputs = new ArrayList<>();
        for (long delta : new long[] {0, 63, 64, -64, -65, 8191, 8192, 1 << 20, 1 << 27, (1L << 30) - 1, 1L << 30, -(1L << 30) - 1,
                1L << 31, 1L << 34, -(1L << 34) - 1, 1L << 41, 1L << 48}) {
            inputs.add(new Input((1L << 45) + delta, null, bytes("x"), new Header[0]));
        }
        return inputs;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] random(Random random, int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    static MemoryRecordsBuilder builder(byte magic, String codec, Shape shape) {
        TimestampType type = shape.logAppendTime != null ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
        Compression compression = Compression.of(CompressionType.forName(codec)).build();
        return new MemoryRecordsBuilder(new ByteBufferOutputStream(1 << 16), magic, compression, type, shape.baseOffset,
            shape.logAppendTime != null ? shape.logAppendTime : RecordBatch.NO_TIMESTAMP, shape.producerId, shape.epoch,
            shape.sequence, shape.transactional, false, shape.leaderEpoch, 1 << 30,
            shape.deleteHorizon != null ? shape.deleteHorizon : RecordBatch.NO_TIMESTAMP);
    }

    static void batch(String name, byte magic, String codec, Shape shape, List<Input> inputs) throws Exception {
        MemoryRecordsBuilder builder = builder(magic, codec, shape);
        StringBuilder json = new StringBuilder();
        for (Input input : inputs) {
            if (json.length() > 0) json.append(',');
            builder.append(input.timestamp, input.key, input.value, input.headers);
            json.append(record(null, input.timestamp, input.key, input.value, input.headers));
        }
        String with = "\"magic\":" + magic + ",\"compression\":\"" + codec + "\",\"baseOffset\":\"" + shape.baseOffset
            + "\",\"logAppendTime\":" + shape.logAppendTime + ",\"producerId\":\"" + shape.producerId
            + "\",\"producerEpoch\":" + shape.epoch + ",\"baseSequence\":" + shape.sequence + ",\"transactional\":"
            + shape.transactional + ",\"leaderEpoch\":" + shape.leaderEpoch + ",\"deleteHorizon\":" + shape.deleteHorizon
            + ",\"records\":[" + json + "]";
        print(name, with, builder.build());
    }

    static void gaps() throws Exception {
        for (byte magic = 0; magic < 3; magic++) {
            for (String codec : new String[] {"none", "gzip"}) {
                Shape shape = new Shape(100, null, -1, (short) -1, -1, false, 0, null);
                MemoryRecordsBuilder builder = builder(magic, codec, shape);
                for (long offset : new long[] {103, 104, 110}) {
                    builder.appendWithOffset(offset, 1_700_000_000_000L + offset, null, bytes("at " + offset));
                }
                builder.overrideLastOffset(115);
                print("v" + magic + " " + codec + " compacted", null, builder.build());
            }
        }
    }

    static void empty() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(61);
        DefaultRecordBatch.writeEmptyHeader(buffer, (byte) 2, 42, (short) 3, 9, 1000, 1004, 5,
            TimestampType.CREATE_TIME, 1_700_000_000_000L, true, false);
        buffer.flip();
        print("v2 empty", null, MemoryRecords.readableRecords(buffer));
    }

    static void controls() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        for (ControlRecordType type : new ControlRecordType[] {ControlRecordType.COMMIT, ControlRecordType.ABORT}) {
            print("control " + type, null, MemoryRecords.withEndTransactionMarker(500, 1_700_000_000_000L, 4, 77, (short) 2,
                new EndTransactionMarker(type, 11)));
        }
        List<Voter> voters = List.of(new Voter().setVoterId(1), new Voter().setVoterId(2));
        LeaderChangeMessage change = new LeaderChangeMessage().setLeaderId(2).setVoters(voters).setGrantingVoters(voters.subList(1, 2));
        print("control LEADER_CHANGE", null, MemoryRecords.withLeaderChangeMessage(10, 1_700_000_000_000L, 4, buffer, change));
        SnapshotHeaderRecord header = new SnapshotHeaderRecord().setLastContainedLogTimestamp(1_600_000_000_000L);
        print("control SNAPSHOT_HEADER", null, MemoryRecords.withSnapshotHeaderRecord(0, 1, 4, ByteBuffer.allocate(4096), header));
        print("control SNAPSHOT_FOOTER", null, MemoryRecords.withSnapshotFooterRecord(9, 1, 4, ByteBuffer.allocate(4096), new SnapshotFooterRecord()));
        KRaftVersionRecord kraft = new KRaftVersionRecord().setKRaftVersion((short) 1);
        print("control KRAFT_VERSION", null, MemoryRecords.withKRaftVersionRecord(1, 1, 4, ByteBuffer.allocate(4096), kraft));
        VotersRecord.EndpointCollection endpoints = new VotersRecord.EndpointCollection();
        endpoints.add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("localhost").setPort(9093));
        VotersRecord votersRecord = new VotersRecord().setVoters(List.of(new VotersRecord.Voter().setVoterId(3)
            .setVoterDirectoryId(new Uuid(1, 2)).setEndpoints(endpoints)
            .setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature().setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1))));
        print("control KRAFT_VOTERS", null, MemoryRecords.withVotersRecord(2, 1, 4, ByteBuffer.allocate(4096), votersRecord));
    }

    static void print(String name, String with, MemoryRecords records) {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        out.println("{\"name\":\"" + name + "\"," + (with == null ? "" : "\"with\":{" + with + "},") + "\"batches\":["
            + batches(records) + "],\"bytes\":" + base64(bytes) + "}");
    }

    static String batches(MemoryRecords records) {
        StringBuilder json = new StringBuilder();
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            if (json.length() > 0) json.append(',');
            json.append("{\"magic\":" + batch.magic() + ",\"baseOffset\":\"" + batch.baseOffset() + "\",\"lastOffset\":\""
                + batch.lastOffset() + "\",\"nextOffset\":\"" + batch.nextOffset() + "\",\"compression\":\""
                + batch.compressionType().name + "\",\"timestampType\":\"" + batch.timestampType().name
                + "\",\"maxTimestamp\":\"" + batch.maxTimestamp() + "\",\"producerId\":\"" + batch.producerId()
                + "\",\"producerEpoch\":" + batch.producerEpoch() + ",\"baseSequence\":" + batch.baseSequence()
                + ",\"transactional\":" + batch.isTransactional() + ",\"control\":" + batch.isControlBatch()
                + ",\"leaderEpoch\":" + batch.partitionLeaderEpoch() + ",\"deleteHorizon\":"
                + (batch.deleteHorizonMs().isPresent() ? "\"" + batch.deleteHorizonMs().getAsLong() + "\"" : "null") + ",\"records\":[");
            boolean first = true;
            for (org.apache.kafka.common.record.RECORDS.Record record : batch) {
                record.ensureValid();
                if (!first) json.append(',');
                first = false;
                json.append(record(record.offset() + "\",\"sequence\":\"" + record.sequence(), record.timestamp(),
                    array(record.key()), array(record.value()), record.headers()));
            }
            json.append("]}");
        }
        return json.toString();
    }

    static String record(String offset, long timestamp, byte[] key, byte[] value, Header[] headers) {
        StringBuilder json = new StringBuilder("{");
        if (offset != null) json.append("\"offset\":\"" + offset + "\",");
        json.append("\"timestamp\":\"" + timestamp + "\",\"key\":" + base64(key) + ",\"value\":" + base64(value));
        if (headers.length > 0) {
            json.append(",\"headers\":[");
            for (int i = 0; i < headers.length; i++) {
                if (i > 0) json.append(',');
                json.append("[\"" + headers[i].key() + "\"," + base64(headers[i].value()) + "]");
            }
            json.append(']');
        }
        return json.append('}').toString();
    }

    static byte[] array(ByteBuffer buffer) {
        return buffer == null ? null : Utils.toArray(buffer);
    }

    static String base64(byte[] bytes) {
        return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
    }

    /** A line is a name, a tab, and base64 of batches; prints what Kafka reads there, or why it does not. */
    static void read() throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            String[] parts = line.split("\t", -1);
            ByteBuffer buffer = ByteBuffer.wrap(Base64.getDecoder().decode(parts[1]));
            try {
                out.println("{\"name\":\"" + parts[0] + "\",\"batches\":[" + batches(MemoryRecords.readableRecords(buffer)) + "]}");
            } catch (RuntimeException e) {
                out.println("{\"name\":\"" + parts[0] + "\",\"error\":\"" + String.valueOf(e).replaceAll("[\"\\\\\n]", " ") + "\"}");
            }
        }
    }

    static void murmur2(Random random) {
        List<byte[]> keys = new ArrayList<>();
        for (int size = 0; size < 40; size++) for (int i = 0; i < 4; i++) keys.add(random(random, size));
        for (String text : new String[] {"a", "b", "wu", "100:48069", "é", "€", "\ud83d\ude00", "キー", "user-ü-1234"}) keys.add(bytes(text));
        StringBuilder json = new StringBuilder();
        for (byte[] key : keys) {
            int hash = Utils.murmur2(key);
            json.append(json.length() == 0 ? "[\n" : ",\n").append("  [\"" + HexFormat.of().formatHex(key) + "\", " + hash + ", "
                + Utils.toPositive(hash) % 12 + "]");
        }
        out.println(json.append("\n]"));
    }
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.Message;

/**
 * Writes golden vectors: for each message and version that a jar knows, values, their bytes and what Java makes of them.
 *
 * Arguments: release, seed, output folder, folder with the vectors of another release or `-`, jars. A version that the
 * other release has is not made again but checked: this release must read the same value from those bytes and write the
 * same bytes. What differs is printed, one JSON object a line.
 */
final class GoldenVectors {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final String release;
    private final long seed;
    private final Path output;
    private final Path other;
    private int made;
    private int checked;

    private GoldenVectors(String release, long seed, Path output, Path other) {
        this.release = release;
        this.seed = seed;
        this.output = output;
        this.other = other;
    }

    public static void main(String[] args) throws Exception {
        Path other = args[3].equals("-") ? null : Path.of(args[3]);
        GoldenVectors vectors = new GoldenVectors(args[0], Long.parseLong(args[1]), Path.of(args[2]), other);
        Files.createDirectories(vectors.output);
        for (String jar : Arrays.copyOfRange(args, 4, args.length)) vectors.jar(jar);
        System.err.println(vectors.made + " pairs made, " + vectors.checked + " checked");
    }

    private void jar(String path) throws Exception {
        Map<String, String> converters = new HashMap<>();
        Map<String, Definition> definitions = new TreeMap<>();
        try (ZipFile jar = new ZipFile(path)) {
            for (ZipEntry entry : Collections.list(jar.entries())) {
                String name = entry.getName();
                if (name.endsWith("JsonConverter.class") && name.indexOf('$') < 0) {
                    String message = name.substring(0, name.length() - "JsonConverter.class".length());
                    converters.put(message.substring(message.lastIndexOf('/') + 1), message.replace('/', '.'));
                } else if (name.endsWith(".json") && name.matches("(common/)?(message|metadata)/.*")) {
                    try (InputStream in = jar.getInputStream(entry)) {
                        Definition definition = Definition.read(in);
                        definitions.put(definition.name, definition);
                    }
                }
            }
        }
        for (Definition definition : definitions.values()) {
            String className = converters.get(definition.className());
            // Messages that were taken out keep a definition without versions and have no class.
            if (className != null) message(definition, new Codec(className));
        }
    }

    private void message(Definition definition, Codec codec) throws Exception {
        Map<Integer, List<JsonNode>> known = otherVectors(definition.name);
        List<String> lines = new ArrayList<>();
        for (int version = codec.lowest; version <= codec.highest; version++) {
            if (known.containsKey(version)) {
                for (JsonNode vector : known.get(version)) check(definition, codec, version, vector);
                checked++;
            } else {
                make(definition, codec, version, lines);
                made++;
            }
        }
        if (lines.isEmpty()) return;
        try (BufferedWriter out = Files.newBufferedWriter(output.resolve(definition.name + ".ndjson"))) {
            for (String line : lines) out.write(line + "\n");
        }
    }

    private Map<Integer, List<JsonNode>> otherVectors(String name) throws IOException {
        Map<Integer, List<JsonNode>> found = new HashMap<>();
        if (other == null || !Files.exists(other.resolve(name + ".ndjson"))) return found;
        for (String line : Files.readAllLines(other.resolve(name + ".ndjson"))) {
            JsonNode vector = MAPPER.readTree(line);
            found.computeIfAbsent(vector.get("version").asInt(), v -> new ArrayList<>()).add(vector);
        }
        return found;
    }

    private void make(Definition definition, Codec codec, int version, List<String> lines) throws Exception {
        try {
            lines.add(vector("defaults", definition, codec, version, codec.empty()));
        } catch (UnsupportedVersionException | NullPointerException refused) {
            // A default that this version cannot say: Java refuses to write it, and so must others.
            ObjectNode line = MAPPER.createObjectNode();
            line.put("kafka", release).put("version", version).put("case", "defaults").put("refused", true);
            lines.add(MAPPER.writeValueAsString(line));
        }
        for (Values.Mode mode : new Values.Mode[] {Values.Mode.NULLS, Values.Mode.FULL}) {
            String name = mode.name().toLowerCase(java.util.Locale.ROOT);
            lines.add(vector(name, definition, codec, version, value(definition, codec, version, mode, name)));
        }
        if (definition.flexible.has(version)) {
            Message tagged = value(definition, codec, version, Values.Mode.FULL, "tags");
            new Tags(definition, version, randomFor(definition, version, "tags/unknown"), true).put(tagged);
            lines.add(vector("tags", definition, codec, version, tagged));
        }
        for (int i = 1; i <= 3; i++) {
            String name = "random " + i;
            Message any = value(definition, codec, version, Values.Mode.RANDOM, name);
            new Tags(definition, version, randomFor(definition, version, name + "/unknown"), false).put(any);
            lines.add(vector(name, definition, codec, version, any));
        }
    }

    private Message value(Definition definition, Codec codec, int version, Values.Mode mode, String name)
            throws ReflectiveOperationException {
        Random random = randomFor(definition, version, name);
        return codec.fromJson(new Values(definition, version, mode, random).message(), version);
    }

    /** Each vector has a seed of its own, so that a message more or less does not change all that follow. */
    private Random randomFor(Definition definition, int version, String name) {
        long state = seed;
        for (byte b : (definition.name + "/" + version + "/" + name).getBytes(StandardCharsets.UTF_8)) {
            state = (state ^ b) * 0x100000001b3L;
            state ^= state >>> 29;
        }
        return new Random(state);
    }

    private String vector(String name, Definition definition, Codec codec, int version, Message message)
            throws Exception {
        byte[] bytes = Codec.encode(message, version);
        Message read = codec.decode(bytes, version);
        if (!Arrays.equals(bytes, Codec.encode(read, version))) {
            throw new IllegalStateException(definition.name + " v" + version + " " + name + ": Java is not stable");
        }
        ObjectNode line = MAPPER.createObjectNode();
        line.put("kafka", release).put("version", version).put("case", name);
        line.put("bytes", Base64.getEncoder().encodeToString(bytes));
        Canonical canonical = new Canonical(definition, version);
        line.set("json", canonical.complete(codec.toJson(read, version), read));
        if (!canonical.omitted.isEmpty()) line.set("omitted", canonical.omitted);
        return MAPPER.writeValueAsString(line);
    }

    private void check(Definition definition, Codec codec, int version, JsonNode vector) throws Exception {
        if (!vector.has("bytes")) return;
        byte[] bytes = Base64.getDecoder().decode(vector.get("bytes").asText());
        ObjectNode difference = MAPPER.createObjectNode();
        difference.put("message", definition.name).put("version", version).put("case", vector.get("case").asText());
        try {
            Message read = codec.decode(bytes, version);
            JsonNode json = new Canonical(definition, version).complete(codec.toJson(read, version), read);
            // By way of text, for a number node's class depends on where it came from.
            JsonNode mine = MAPPER.readTree(MAPPER.writeValueAsString(json));
            if (!mine.equals(vector.get("json"))) difference.set("reads", mine);
            if (!Arrays.equals(bytes, Codec.encode(read, version))) difference.put("writes", "other bytes");
        } catch (RuntimeException e) {
            difference.put("fails", String.valueOf(e.getMessage()));
        }
        if (difference.size() > 3) System.out.println(MAPPER.writeValueAsString(difference));
    }
}

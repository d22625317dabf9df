import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Random;
import org.apache.kafka.common.Uuid;

/** Makes the fields of a message, in the JSON form that the message's own converter reads. */
final class Values {
    enum Mode {
        /** Whatever may be null is null, so that null is met in every place that allows it. */
        NULLS,
        /** Nothing is null, nothing is empty, every tagged field is there. */
        FULL,
        /** Anything that is allowed, the extremes often. */
        RANDOM,
    }

    private static final String[] TEXTS = {
        "a", "orders", "Zürich", "Ελλάδα", "数据", "ключ", "שלום", "e\u0301", "🦊", "👩‍🚀", "\u0000", "\uFEFFbom", "\uFFFD",
        "\u007f\u0080", "\u07ff\u0800", "\uffff", "\ud800\udc00", "\udbff\udfff", "\"\\/\b\n\r\t", " ", "'",
    };
    private static final int[] LENGTHS = {0, 1, 2, 13, 62, 63, 64, 65, 126, 127, 128, 129, 200};

    private final Definition definition;
    private final int version;
    private final Mode mode;
    private final Random random;

    Values(Definition definition, int version, Mode mode, Random random) {
        this.definition = definition;
        this.version = version;
        this.mode = mode;
        this.random = random;
    }

    ObjectNode message() {
        return struct(definition.top, 0);
    }

    private ObjectNode struct(Definition.Struct struct, int depth) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        for (Definition.Field field : struct.fields) {
            if (!field.versions.has(version)) continue;
            if (field.tagged.has(version) && mode == Mode.RANDOM && random.nextInt(5) < 2) continue;
            node.set(field.name, field(field, depth));
        }
        return node;
    }

    private JsonNode field(Definition.Field field, int depth) {
        if (field.nullable.has(version)) {
            if (mode == Mode.NULLS || (mode == Mode.RANDOM && random.nextInt(4) == 0)) return NullNode.getInstance();
        }
        if (!field.isArray()) return value(field, field.type, depth);
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (int left = elementCount(depth); left > 0; left--) array.add(value(field, field.elementType(), depth + 1));
        return array;
    }

    private int elementCount(int depth) {
        return switch (mode) {
            case NULLS -> 1;
            case FULL -> 2;
            case RANDOM -> random.nextInt(depth == 0 ? 4 : 3);
        };
    }

    private JsonNode value(Definition.Field field, String type, int depth) {
        return switch (type) {
            case "bool" -> BooleanNode.valueOf(mode == Mode.FULL || random.nextBoolean());
            case "int8" -> IntNode.valueOf((byte) integer(Byte.MIN_VALUE, Byte.MAX_VALUE));
            case "int16" -> IntNode.valueOf((short) integer(Short.MIN_VALUE, Short.MAX_VALUE));
            case "uint16" -> IntNode.valueOf((int) integer(0, 65535));
            case "int32" -> IntNode.valueOf((int) integer(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "uint32" -> LongNode.valueOf(integer(0, 4294967295L));
            case "int64" -> LongNode.valueOf(integer(Long.MIN_VALUE, Long.MAX_VALUE));
            case "float64" -> DoubleNode.valueOf(real());
            case "uuid" -> TextNode.valueOf(uuid().toString());
            case "string" -> TextNode.valueOf(text());
            case "bytes", "records" -> BinaryNode.valueOf(bytes());
            default -> struct(definition.structOf(field), depth);
        };
    }

    private long integer(long low, long high) {
        if (mode != Mode.RANDOM) return 1 + random.nextInt(100);
        switch (random.nextInt(8)) {
            case 0: return low;
            case 1: return high;
            case 2: return low < 0 ? -1 : 0;
            case 3: return 0;
            case 4: return random.nextInt(100);
            case 5: return high / 2 + 1;
            default: {
                long any = random.nextLong();
                if (low == Long.MIN_VALUE) return any;
                return low + Math.floorMod(any, high - low + 1);
            }
        }
    }

    private double real() {
        if (mode != Mode.RANDOM) return random.nextInt(1000) / 8.0;
        double[] special = {
            0.0, -0.0, Double.MIN_VALUE, Double.MAX_VALUE, Double.NEGATIVE_INFINITY, Double.NaN, 1e-7, 123456789.125,
        };
        return random.nextBoolean() ? special[random.nextInt(special.length)] : random.nextGaussian() * 1e6;
    }

    private Uuid uuid() {
        if (mode == Mode.RANDOM && random.nextInt(4) == 0) return Uuid.ZERO_UUID;
        return new Uuid(random.nextLong(), random.nextLong());
    }

    private String text() {
        if (mode == Mode.NULLS) return "";
        if (mode == Mode.FULL) return TEXTS[1 + random.nextInt(6)] + "-" + random.nextInt(100);
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(3) == 0 ? LENGTHS[random.nextInt(LENGTHS.length)] : random.nextInt(12);
        while (text.length() < length) text.append(TEXTS[random.nextInt(TEXTS.length)]);
        return text.toString();
    }

    private byte[] bytes() {
        if (mode == Mode.NULLS) return new byte[0];
        int length = mode == Mode.FULL ? 1 + random.nextInt(8) : LENGTHS[random.nextInt(LENGTHS.length)];
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}

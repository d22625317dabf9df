import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * Completes the JSON that Java's converter writes: it leaves out unknown tagged fields and the content of records, and
 * its 64-bit integers are numbers that other languages round. Here they are text.
 */
final class Canonical {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** Java leaves out tagged fields that have their default: here is what they hold, by path. */
    final ObjectNode omitted = NODES.objectNode();

    private final Definition definition;
    private final int version;

    Canonical(Definition definition, int version) {
        this.definition = definition;
        this.version = version;
    }

    JsonNode complete(JsonNode json, Message message) throws ReflectiveOperationException {
        struct(definition.top, (ObjectNode) json, message, "");
        return json;
    }

    private void struct(Definition.Struct struct, ObjectNode json, Message message, String prefix)
            throws ReflectiveOperationException {
        for (Definition.Field field : struct.fields) {
            JsonNode node = json.get(field.name);
            String path = prefix + field.name;
            if (node == null && field.versions.has(version)) omitted.set(path, plain(field, Access.get(message, field)));
            if (node == null || node.isNull()) continue;
            if (field.isStruct()) structs(field, node, Access.get(message, field), path);
            else if (field.elementType().equals("int64")) json.set(field.name, asText(node));
            else if (field.type.equals("records")) {
                json.set(field.name, BinaryNode.valueOf(content(Access.get(message, field))));
            }
        }
        if (message.unknownTaggedFields().isEmpty()) return;
        ArrayNode unknown = json.putArray("unknownTaggedFields");
        for (RawTaggedField field : message.unknownTaggedFields()) {
            String data = Base64.getEncoder().encodeToString(field.data());
            unknown.addObject().put("tag", field.tag()).put("data", data);
        }
    }

    private void structs(Definition.Field field, JsonNode node, Object value, String path)
            throws ReflectiveOperationException {
        Definition.Struct inner = definition.structOf(field);
        if (!field.isArray()) {
            struct(inner, (ObjectNode) node, (Message) value, path + ".");
            return;
        }
        int i = 0;
        for (Object element : (Iterable<?>) value) {
            struct(inner, (ObjectNode) node.get(i), (Message) element, path + "[" + i + "].");
            i++;
        }
    }

    /** What an accessor gives, in the same form. */
    private JsonNode plain(Definition.Field field, Object value) throws ReflectiveOperationException {
        if (value instanceof Iterable<?> elements) {
            ArrayNode array = NODES.arrayNode();
            for (Object element : elements) array.add(plain(field, element));
            return array;
        }
        if (value instanceof Message message) {
            ObjectNode node = NODES.objectNode();
            for (Definition.Field inner : definition.structOf(field).fields) {
                if (inner.versions.has(version)) node.set(inner.name, plain(inner, Access.get(message, inner)));
            }
            return node;
        }
        if (value == null) return NullNode.getInstance();
        if (value instanceof Boolean bool) return BooleanNode.valueOf(bool);
        if (value instanceof Double number) return DoubleNode.valueOf(number);
        if (value instanceof byte[] bytes) return BinaryNode.valueOf(bytes);
        if (value instanceof Number number && !field.elementType().equals("int64")) {
            return LongNode.valueOf(number.longValue());
        }
        return TextNode.valueOf(value.toString());
    }

    private static JsonNode asText(JsonNode node) {
        if (!node.isArray()) return TextNode.valueOf(node.asText());
        ArrayNode texts = NODES.arrayNode();
        for (JsonNode element : node) texts.add(element.asText());
        return texts;
    }

    /** Records have moved between packages from one release to the next, hence no type here. */
    private static byte[] content(Object records) throws ReflectiveOperationException {
        ByteBuffer buffer = ((ByteBuffer) records.getClass().getMethod("buffer").invoke(records)).duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }
}

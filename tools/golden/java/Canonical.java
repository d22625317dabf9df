import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Iterator;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * Completes the JSON that Java's converter writes: it leaves out unknown tagged fields and the content of records, and
 * its 64-bit integers are numbers that other languages round. Here they are text.
 */
final class Canonical {
    private final Definition definition;
    private final int version;

    Canonical(Definition definition, int version) {
        this.definition = definition;
        this.version = version;
    }

    JsonNode complete(JsonNode json, Message message) throws ReflectiveOperationException {
        struct(definition.top, (ObjectNode) json, message);
        return json;
    }

    private void struct(Definition.Struct struct, ObjectNode json, Message message)
            throws ReflectiveOperationException {
        for (Definition.Field field : struct.fields) {
            JsonNode node = json.get(field.name);
            if (node == null || node.isNull()) continue;
            if (field.isStruct()) structs(field, node, Access.get(message, field));
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

    private void structs(Definition.Field field, JsonNode node, Object value) throws ReflectiveOperationException {
        Definition.Struct inner = definition.structOf(field);
        if (!field.isArray()) {
            struct(inner, (ObjectNode) node, (Message) value);
            return;
        }
        Iterator<?> elements = ((Iterable<?>) value).iterator();
        for (JsonNode element : node) struct(inner, (ObjectNode) element, (Message) elements.next());
    }

    private static JsonNode asText(JsonNode node) {
        if (!node.isArray()) return TextNode.valueOf(node.asText());
        ArrayNode texts = com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.arrayNode();
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

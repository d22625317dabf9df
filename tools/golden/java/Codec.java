import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** The generated class of one message and its JSON converter. */
final class Codec {
    final short lowest;
    final short highest;

    private final Class<?> messageClass;
    private final Method readJson;
    private final Method writeJson;

    Codec(String className) throws ReflectiveOperationException {
        messageClass = Class.forName(className);
        Class<?> converter = Class.forName(className + "JsonConverter");
        readJson = converter.getMethod("read", JsonNode.class, short.class);
        writeJson = converter.getMethod("write", messageClass, short.class, boolean.class);
        Message any = empty();
        lowest = any.lowestSupportedVersion();
        highest = any.highestSupportedVersion();
    }

    Message empty() throws ReflectiveOperationException {
        return (Message) messageClass.getConstructor().newInstance();
    }

    Message fromJson(JsonNode json, int version) throws ReflectiveOperationException {
        return (Message) call(readJson, json, (short) version);
    }

    JsonNode toJson(Message message, int version) throws ReflectiveOperationException {
        return (JsonNode) call(writeJson, message, (short) version, true);
    }

    static byte[] encode(Message message, int version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(buffer), cache, (short) version);
        if (buffer.hasRemaining()) throw new IllegalStateException("wrote less than its size");
        return buffer.array();
    }

    Message decode(byte[] bytes, int version) throws ReflectiveOperationException {
        Message message = empty();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        message.read(new ByteBufferAccessor(buffer), (short) version);
        if (buffer.hasRemaining()) throw new IllegalStateException("left bytes unread");
        return message;
    }

    private static Object call(Method method, Object... args) throws ReflectiveOperationException {
        try {
            return method.invoke(null, args);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) throw cause;
            throw e;
        }
    }
}

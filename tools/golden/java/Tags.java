import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/** Puts fields that no version knows into a message, as a newer sender would. */
final class Tags {
    /** Java's writer takes the greatest integer itself for the end of the known tags. */
    private static final int LARGEST = Integer.MAX_VALUE - 1;

    private final Definition definition;
    private final int version;
    private final Random random;
    private final boolean everywhere;

    Tags(Definition definition, int version, Random random, boolean everywhere) {
        this.definition = definition;
        this.version = version;
        this.random = random;
        this.everywhere = everywhere;
    }

    void put(Message message) throws ReflectiveOperationException {
        if (definition.flexible.has(version)) put(definition.top, message);
    }

    private void put(Definition.Struct struct, Message message) throws ReflectiveOperationException {
        if (everywhere || random.nextInt(3) == 0) {
            List<RawTaggedField> unknown = message.unknownTaggedFields();
            for (int tag : choose(struct.tags)) {
                byte[] data = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(20)];
                random.nextBytes(data);
                unknown.add(new RawTaggedField(tag, data));
            }
        }
        for (Definition.Field field : struct.fields) {
            if (!field.versions.has(version) || !field.isStruct()) continue;
            Object value = Access.get(message, field);
            if (value == null) continue;
            Definition.Struct inner = definition.structOf(field);
            if (!field.isArray()) put(inner, (Message) value);
            else for (Object element : (Iterable<?>) value) put(inner, (Message) element);
        }
    }

    /** Ascending, as the wire wants them, between known tags and far beyond them. */
    private TreeSet<Integer> choose(TreeSet<Integer> known) {
        int beyond = known.isEmpty() ? 0 : known.last() + 1;
        int[] candidates = {0, 1, 2, 3, beyond, beyond + 1, 127, 128, 10_000, LARGEST};
        TreeSet<Integer> chosen = new TreeSet<>();
        int count = 1 + random.nextInt(3);
        while (chosen.size() < count) {
            int tag = candidates[random.nextInt(candidates.length)];
            if (!known.contains(tag)) chosen.add(tag);
        }
        return chosen;
    }
}

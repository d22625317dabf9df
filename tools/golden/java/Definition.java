import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A message as the jar's own definition describes it. */
final class Definition {
    final String name;
    final String type;
    final Versions flexible;
    final Struct top;

    private final Map<String, Struct> structs = new HashMap<>();

    private Definition(JsonNode root) {
        name = root.get("name").asText();
        type = root.get("type").asText();
        flexible = Versions.of(root.path("flexibleVersions").asText("none"));
        for (JsonNode common : root.path("commonStructs")) {
            structs.put(common.get("name").asText(), new Struct(common.path("fields")));
        }
        top = new Struct(root.path("fields"));
    }

    static Definition read(InputStream in) throws IOException {
        ObjectMapper mapper = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
        return new Definition(mapper.readTree(in));
    }

    /** The name of the Java class: the generator adds a word to those that would clash with the hand-written ones. */
    String className() {
        boolean clashes = type.equals("request") || type.equals("response") || type.equals("header");
        return clashes ? name + "Data" : name;
    }

    Struct structOf(Field field) {
        return field.inline != null ? field.inline : structs.get(field.elementType());
    }

    /** A range of versions: `3+`, `2-5`, `4` or `none`. */
    record Versions(int low, int high) {
        static Versions of(String text) {
            if (text.equals("none") || text.isEmpty()) return new Versions(1, 0);
            if (text.endsWith("+")) {
                return new Versions(Integer.parseInt(text.substring(0, text.length() - 1)), Short.MAX_VALUE);
            }
            int dash = text.indexOf('-');
            if (dash < 0) return new Versions(Integer.parseInt(text), Integer.parseInt(text));
            return new Versions(Integer.parseInt(text.substring(0, dash)), Integer.parseInt(text.substring(dash + 1)));
        }

        boolean has(int version) {
            return low <= version && version <= high;
        }
    }

    final class Struct {
        final List<Field> fields = new ArrayList<>();
        /** Tags that some version of this struct gives a meaning; an unknown field must not take one. */
        final TreeSet<Integer> tags = new TreeSet<>();

        Struct(JsonNode nodes) {
            for (JsonNode node : nodes) {
                Field field = new Field(node);
                fields.add(field);
                if (node.has("tag")) tags.add(node.get("tag").asInt());
            }
        }
    }

    final class Field {
        /** As in JSON and as the name of the accessor. */
        final String name;
        final String type;
        final Versions versions;
        final Versions nullable;
        final Versions tagged;
        final Struct inline;

        Field(JsonNode node) {
            String given = node.get("name").asText();
            name = given.substring(0, 1).toLowerCase(java.util.Locale.ROOT) + given.substring(1);
            type = node.get("type").asText();
            tagged = Versions.of(node.path("taggedVersions").asText("none"));
            versions = Versions.of(node.path("versions").asText(node.path("taggedVersions").asText("none")));
            nullable = Versions.of(node.path("nullableVersions").asText("none"));
            inline = node.has("fields") ? new Struct(node.get("fields")) : null;
            if (inline != null) structs.putIfAbsent(elementType(), inline);
        }

        boolean isArray() {
            return type.startsWith("[]");
        }

        String elementType() {
            return isArray() ? type.substring(2) : type;
        }

        boolean isStruct() {
            return Character.isUpperCase(elementType().charAt(0));
        }
    }
}

/** Reads a field by its name: the generated classes have one public accessor a field. */
final class Access {
    private Access() {}

    static Object get(Object message, Definition.Field field) throws ReflectiveOperationException {
        return message.getClass().getMethod(field.name).invoke(message);
    }
}

import java.util.HexFormat;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecordSerde;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.coordinator.share.ShareCoordinatorRecordSerde;
import org.apache.kafka.coordinator.transaction.TransactionCoordinatorRecordSerde;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.serialization.BytesApiMessageSerde;

/** Prints a record of default values for every kind and version that Kafka keeps in topics of its own. */
public class InternalRecords {
    public static void main(String[] args) throws Exception {
        for (var type : org.apache.kafka.coordinator.group.generated.CoordinatorRecordType.values()) {
            coordinator("__consumer_offsets", new GroupCoordinatorRecordSerde(), type.newRecordKey(), type.newRecordValue());
        }
        for (var type : org.apache.kafka.coordinator.transaction.generated.CoordinatorRecordType.values()) {
            coordinator("__transaction_state", new TransactionCoordinatorRecordSerde(), type.newRecordKey(), type.newRecordValue());
        }
        for (var type : org.apache.kafka.coordinator.share.generated.CoordinatorRecordType.values()) {
            coordinator("__share_group_state", new ShareCoordinatorRecordSerde(), type.newRecordKey(), type.newRecordValue());
        }
        for (var type : org.apache.kafka.common.metadata.MetadataRecordType.values()) {
            ApiMessage record = type.newMetadataRecord();
            for (short v = record.lowestSupportedVersion(); v <= record.highestSupportedVersion(); v++) {
                var serde = MetadataRecordSerde.INSTANCE;
                var message = new ApiMessageAndVersion(type.newMetadataRecord(), v);
                var cache = new org.apache.kafka.common.protocol.ObjectSerializationCache();
                var buffer = java.nio.ByteBuffer.allocate(serde.recordSize(message, cache));
                serde.write(message, cache, new org.apache.kafka.common.protocol.ByteBufferAccessor(buffer));
                print("__cluster_metadata", null, buffer.array());
            }
        }
        var remote = new BytesApiMessageSerde() {
            @Override
            public ApiMessage apiMessageFor(short apiKey) {
                throw new UnsupportedOperationException();
            }
        };
        for (var type : org.apache.kafka.server.log.remote.metadata.storage.generated.MetadataRecordType.values()) {
            ApiMessage record = type.newMetadataRecord();
            for (short v = record.lowestSupportedVersion(); v <= record.highestSupportedVersion(); v++) {
                print("__remote_log_metadata", null, remote.serialize(new ApiMessageAndVersion(type.newMetadataRecord(), v)));
            }
        }
    }

    static void coordinator(String topic, CoordinatorRecordSerde serde, ApiMessage key, ApiMessage value) {
        for (short v = value.lowestSupportedVersion(); v <= value.highestSupportedVersion(); v++) {
            CoordinatorRecord record = CoordinatorRecord.record(key, new ApiMessageAndVersion(value, v));
            print(topic, serde.serializeKey(record), serde.serializeValue(record));
        }
    }

    static void print(String topic, byte[] key, byte[] value) {
        var hex = HexFormat.of();
        System.out.println(topic + "\t" + (key == null ? "" : hex.formatHex(key)) + "\t" + hex.formatHex(value));
    }
}

/** The records that Kafka keeps in its own topics and logs, and what their keys and values begin with. */
export {
  type CoordinatorRecordBytes,
  type CoordinatorRecordInput,
  encodeClusterMetadataRecord,
  encodeConsumerOffsetsRecord,
  encodeRemoteLogMetadataRecord,
  encodeShareGroupStateRecord,
  encodeTransactionStateRecord,
  type RecordInput,
} from './internal-topics/encode-records.ts';
export * from './internal-topics/generated/index.ts';
export {
  type CoordinatorRecord,
  type DecodedRecord,
  decodeClusterMetadataRecord,
  decodeConsumerOffsetsRecord,
  decodeRemoteLogMetadataRecord,
  decodeShareGroupStateRecord,
  decodeTransactionStateRecord,
} from './internal-topics/records.ts';

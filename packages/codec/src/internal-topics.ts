/** The records that Kafka keeps in its own topics and logs, and what their keys and values begin with. */
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

import { CodecError } from '../errors.ts';
import { type Message, readMessage } from '../messages/message.ts';
import { Reader } from '../wire/reader.ts';
import * as records from './generated/index.ts';

/** A message read from a record, with what its prefix said. */
export interface DecodedRecord {
  /** Kafka's name of the message: `OffsetCommitValue`. */
  readonly name: string;
  readonly version: number;
  readonly value: unknown;
}

/** A record of a coordinator's topic. */
export interface CoordinatorRecord {
  readonly key: DecodedRecord;
  /** Null is a tombstone: what the key names is gone. */
  readonly value: DecodedRecord | null;
}

type AnyRecord = Message<unknown, never>;

/** Key and value message of every record type of a topic. */
type RecordTypes = ReadonlyMap<number, readonly [key: AnyRecord, value: AnyRecord]>;

const groupRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.LegacyOffsetCommitKey, records.LegacyOffsetCommitValue]],
  [1, [records.OffsetCommitKey, records.OffsetCommitValue]],
  [2, [records.GroupMetadataKey, records.GroupMetadataValue]],
  [3, [records.ConsumerGroupMetadataKey, records.ConsumerGroupMetadataValue]],
  [4, [records.ConsumerGroupPartitionMetadataKey, records.ConsumerGroupPartitionMetadataValue]],
  [5, [records.ConsumerGroupMemberMetadataKey, records.ConsumerGroupMemberMetadataValue]],
  [6, [records.ConsumerGroupTargetAssignmentMetadataKey, records.ConsumerGroupTargetAssignmentMetadataValue]],
  [7, [records.ConsumerGroupTargetAssignmentMemberKey, records.ConsumerGroupTargetAssignmentMemberValue]],
  [8, [records.ConsumerGroupCurrentMemberAssignmentKey, records.ConsumerGroupCurrentMemberAssignmentValue]],
  [10, [records.ShareGroupMemberMetadataKey, records.ShareGroupMemberMetadataValue]],
  [11, [records.ShareGroupMetadataKey, records.ShareGroupMetadataValue]],
  [12, [records.ShareGroupTargetAssignmentMetadataKey, records.ShareGroupTargetAssignmentMetadataValue]],
  [13, [records.ShareGroupTargetAssignmentMemberKey, records.ShareGroupTargetAssignmentMemberValue]],
  [14, [records.ShareGroupCurrentMemberAssignmentKey, records.ShareGroupCurrentMemberAssignmentValue]],
  [15, [records.ShareGroupStatePartitionMetadataKey, records.ShareGroupStatePartitionMetadataValue]],
  [16, [records.ConsumerGroupRegularExpressionKey, records.ConsumerGroupRegularExpressionValue]],
  [17, [records.StreamsGroupMetadataKey, records.StreamsGroupMetadataValue]],
  [19, [records.StreamsGroupMemberMetadataKey, records.StreamsGroupMemberMetadataValue]],
  [20, [records.StreamsGroupTargetAssignmentMetadataKey, records.StreamsGroupTargetAssignmentMetadataValue]],
  [21, [records.StreamsGroupTargetAssignmentMemberKey, records.StreamsGroupTargetAssignmentMemberValue]],
  [22, [records.StreamsGroupCurrentMemberAssignmentKey, records.StreamsGroupCurrentMemberAssignmentValue]],
  [23, [records.StreamsGroupTopologyKey, records.StreamsGroupTopologyValue]],
]);

const transactionRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.TransactionLogKey, records.TransactionLogValue]],
]);

const shareStateRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.ShareSnapshotKey, records.ShareSnapshotValue]],
  [1, [records.ShareUpdateKey, records.ShareUpdateValue]],
]);

/** Reads a record of `__consumer_offsets`. Throws CodecError, `UNKNOWN_API` for a record type of a later Kafka. */
export function decodeConsumerOffsetsRecord(key: Uint8Array, value: Uint8Array | null): CoordinatorRecord {
  return decodeCoordinatorRecord(groupRecords, '__consumer_offsets', key, value);
}

/** Reads a record of `__transaction_state`. */
export function decodeTransactionStateRecord(key: Uint8Array, value: Uint8Array | null): CoordinatorRecord {
  return decodeCoordinatorRecord(transactionRecords, '__transaction_state', key, value);
}

/** Reads a record of `__share_group_state`. */
export function decodeShareGroupStateRecord(key: Uint8Array, value: Uint8Array | null): CoordinatorRecord {
  return decodeCoordinatorRecord(shareStateRecords, '__share_group_state', key, value);
}

/** The key begins with its record type, the value with its version, both int16. */
function decodeCoordinatorRecord(
  types: RecordTypes,
  topic: string,
  key: Uint8Array,
  value: Uint8Array | null,
): CoordinatorRecord {
  const keyReader = new Reader(key);
  const type = keyReader.int16();
  const messages = types.get(type);
  if (messages === undefined) throw new CodecError('UNKNOWN_API', `${topic} has no record type ${type}`, { offset: 0 });
  const [keyMessage, valueMessage] = messages;
  // The record type took the place of the version, so keys have version 0 only.
  const decodedKey = readRest(keyReader, keyMessage, keyMessage.minVersion);
  if (value === null) return { key: decodedKey, value: null };
  const valueReader = new Reader(value);
  const version = valueReader.int16();
  // Brokers of old wrote both kinds of offset keys with any version of the value.
  const isNewer = type === 0 && valueMessage.name === 'LegacyOffsetCommitValue' && version > valueMessage.maxVersion;
  return { key: decodedKey, value: readRest(valueReader, isNewer ? records.OffsetCommitValue : valueMessage, version) };
}

const remoteLogRecords: readonly AnyRecord[] = [
  records.RemoteLogSegmentMetadataRecord,
  records.RemoteLogSegmentMetadataUpdateRecord,
  records.RemotePartitionDeleteMetadataRecord,
  records.RemoteLogSegmentMetadataSnapshotRecord,
];

/** Reads the value of a record of `__remote_log_metadata`: API key and version as varints, then the message. */
export function decodeRemoteLogMetadataRecord(value: Uint8Array): DecodedRecord {
  const r = new Reader(value);
  const apiKey = r.uvarint();
  const version = r.uvarint();
  const message = remoteLogRecords.find((each) => each.apiKey === apiKey);
  if (message === undefined) throw new CodecError('UNKNOWN_API', `__remote_log_metadata has no record type ${apiKey}`);
  return readRest(r, message, version);
}

/** Reads the value of a record of `__cluster_metadata`: frame version, API key and version as varints, then the message. */
export function decodeClusterMetadataRecord(value: Uint8Array): DecodedRecord {
  const r = new Reader(value);
  const frameVersion = r.uvarint();
  if (frameVersion !== 1) {
    throw new CodecError(
      'UNSUPPORTED_VERSION',
      `a metadata record of frame version ${frameVersion}, and only 1 is known`,
    );
  }
  const apiKey = r.uvarint();
  const version = r.uvarint();
  const message = (Object.values(records) as AnyRecord[]).find(
    (each) => each.type === 'metadata' && isClusterMetadata(each, apiKey),
  );
  if (message === undefined) throw new CodecError('UNKNOWN_API', `__cluster_metadata has no record type ${apiKey}`);
  return readRest(r, message, version);
}

/** The records of remote storage are of the same type, with API keys of their own. */
function isClusterMetadata(message: AnyRecord, apiKey: number): boolean {
  return message.apiKey === apiKey && !remoteLogRecords.includes(message);
}

function readRest(r: Reader, message: AnyRecord, version: number): DecodedRecord {
  const value = readMessage(r, message, version);
  if (r.pos < r.end) {
    throw new CodecError('TRAILING_BYTES', `${r.remaining} bytes are left after the message`, {
      messageName: message.name,
      version,
      offset: r.pos,
    });
  }
  return { name: message.name, version, value };
}

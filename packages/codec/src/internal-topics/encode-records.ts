import { CodecError } from '../errors.ts';
import { checkVersion, writeMessage } from '../messages/message.ts';
import { Writer } from '../wire/writer.ts';
import { OffsetCommitValue } from './generated/offset-commit-value.ts';
import {
  type AnyRecord,
  clusterMetadataRecords,
  groupRecords,
  METADATA_FRAME_VERSION,
  type RecordTypes,
  remoteLogRecords,
  shareStateRecords,
  transactionRecords,
} from './record-types.ts';

/** A message to write into a record. What the decoding functions give fits; fields with defaults may be left out. */
export interface RecordInput {
  /** Kafka's name of the message: `OffsetCommitValue`. */
  readonly name: string;
  /** The newest that the codec knows, unless given. Of keys there is but one. */
  readonly version?: number | undefined;
  readonly value: unknown;
}

/** Key and value of a record of a coordinator's topic. */
export interface CoordinatorRecordInput {
  readonly key: RecordInput;
  /** Null is a tombstone. */
  readonly value: RecordInput | null;
}

/** What a record of a coordinator's topic consists of. */
export interface CoordinatorRecordBytes {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * Writes a record of `__consumer_offsets` as brokers do.
 *
 * Throws CodecError: `UNKNOWN_API` where the topic has no such key, `WRONG_TYPE` where the value belongs to another key,
 * and what the messages themselves throw.
 */
export function encodeConsumerOffsetsRecord(record: CoordinatorRecordInput): CoordinatorRecordBytes {
  return encodeCoordinatorRecord(groupRecords, '__consumer_offsets', record);
}

/** Writes a record of `__transaction_state`. */
export function encodeTransactionStateRecord(record: CoordinatorRecordInput): CoordinatorRecordBytes {
  return encodeCoordinatorRecord(transactionRecords, '__transaction_state', record);
}

/** Writes a record of `__share_group_state`. */
export function encodeShareGroupStateRecord(record: CoordinatorRecordInput): CoordinatorRecordBytes {
  return encodeCoordinatorRecord(shareStateRecords, '__share_group_state', record);
}

/** Writes the value of a record of `__remote_log_metadata`. */
export function encodeRemoteLogMetadataRecord(record: RecordInput): Uint8Array {
  const message = named(remoteLogRecords, '__remote_log_metadata', record.name);
  return framed(message, record);
}

/** Writes the value of a record of `__cluster_metadata`. */
export function encodeClusterMetadataRecord(record: RecordInput): Uint8Array {
  const message = named(clusterMetadataRecords(), '__cluster_metadata', record.name);
  return framed(message, record);
}

function encodeCoordinatorRecord(
  types: RecordTypes,
  topic: string,
  { key, value }: CoordinatorRecordInput,
): CoordinatorRecordBytes {
  for (const [type, [keyMessage, valueMessage]] of types) {
    if (keyMessage.name !== key.name) continue;
    // The type stands where other messages have their version.
    const keyBytes = prefixed(type, keyMessage, { ...key, version: key.version ?? keyMessage.minVersion });
    if (value === null) return { key: keyBytes, value: null };
    // Brokers of old wrote offsets under either key.
    const isNewer = valueMessage.name === 'LegacyOffsetCommitValue' && value.name === OffsetCommitValue.name;
    const message: AnyRecord = isNewer ? OffsetCommitValue : valueMessage;
    if (value.name !== message.name) {
      throw new CodecError('WRONG_TYPE', `${key.name} goes with ${message.name}, not with ${value.name}`);
    }
    return { key: keyBytes, value: prefixed(versionOf(message, value), message, value) };
  }
  throw unknownRecord(topic, key.name);
}

function named(messages: readonly AnyRecord[], topic: string, name: string): AnyRecord {
  const message = messages.find((each) => each.name === name);
  if (message === undefined) throw unknownRecord(topic, name);
  return message;
}

function unknownRecord(topic: string, name: string): CodecError {
  return new CodecError('UNKNOWN_API', `${topic} has no record ${name}`);
}

function versionOf(message: AnyRecord, { version = message.maxVersion }: RecordInput): number {
  return version;
}

function prefixed(prefix: number, message: AnyRecord, record: RecordInput): Uint8Array {
  const version = versionOf(message, record);
  checkVersion(message, version);
  const w = new Writer();
  w.int16(prefix);
  writeMessage(w, message, record.value as never, version);
  return w.finish();
}

function framed(message: AnyRecord, record: RecordInput): Uint8Array {
  const version = versionOf(message, record);
  checkVersion(message, version);
  const w = new Writer();
  w.uvarint(METADATA_FRAME_VERSION);
  w.uvarint(message.apiKey!);
  w.uvarint(version);
  writeMessage(w, message, record.value as never, version);
  return w.finish();
}

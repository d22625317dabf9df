import { CodecError } from '../errors.ts';
import { readMessage } from '../messages/message.ts';
import { Reader } from '../wire/reader.ts';
import * as records from './generated/index.ts';
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

/** Reads the value of a record of `__remote_log_metadata`: frame version, API key and version as varints, then the message. */
export function decodeRemoteLogMetadataRecord(value: Uint8Array): DecodedRecord {
  return decodeFramed(remoteLogRecords, '__remote_log_metadata', value);
}

/** Reads the value of a record of `__cluster_metadata`, which begins as that of `__remote_log_metadata` does. */
export function decodeClusterMetadataRecord(value: Uint8Array): DecodedRecord {
  return decodeFramed(clusterMetadataRecords(), '__cluster_metadata', value);
}

function decodeFramed(messages: readonly AnyRecord[], topic: string, value: Uint8Array): DecodedRecord {
  const r = new Reader(value);
  const frameVersion = r.uvarint();
  if (frameVersion !== METADATA_FRAME_VERSION) {
    throw new CodecError(
      'UNSUPPORTED_VERSION',
      `a metadata record of frame version ${frameVersion}, and only ${METADATA_FRAME_VERSION} is known`,
    );
  }
  const apiKey = r.uvarint();
  const version = r.uvarint();
  const message = messages.find((each) => each.apiKey === apiKey);
  if (message === undefined) throw new CodecError('UNKNOWN_API', `${topic} has no record type ${apiKey}`);
  return readRest(r, message, version);
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

import { CodecError, type KafkaRecord, parseControlRecord } from '@kiel/codec';
import {
  type DecodedRecord,
  decodeClusterMetadataRecord,
  decodeConsumerOffsetsRecord,
  decodeRemoteLogMetadataRecord,
  decodeShareGroupStateRecord,
  decodeTransactionStateRecord,
} from '@kiel/codec/internal-topics';

/** What a record of one of Kafka's own topics, or a marker, says. */
export interface Decoded {
  readonly key?: DecodedRecord;
  readonly value?: DecodedRecord | null;
  readonly control?: unknown;
  /** It could not be decoded, and why; key and value are still there as bytes. */
  readonly problem?: string;
}

/** @returns null for a record of a topic whose contents are the users' own. */
export function decodeInternal(topic: string | null, record: KafkaRecord): Decoded | null {
  try {
    if (record.isControl) return { control: parseControlRecord(record) };
    return topic === null ? null : decodeOf(topic, record);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { problem: error.message };
  }
}

function decodeOf(topic: string, { key, value }: KafkaRecord): Decoded | null {
  switch (topic) {
    case '__consumer_offsets':
      return key === null ? { problem: 'a record without a key' } : decodeConsumerOffsetsRecord(key, value);
    case '__transaction_state':
      return key === null ? { problem: 'a record without a key' } : decodeTransactionStateRecord(key, value);
    case '__share_group_state':
      return key === null ? { problem: 'a record without a key' } : decodeShareGroupStateRecord(key, value);
    case '__cluster_metadata':
      return value === null ? { problem: 'a record without a value' } : { value: decodeClusterMetadataRecord(value) };
    case '__remote_log_metadata':
      return value === null ? { problem: 'a record without a value' } : { value: decodeRemoteLogMetadataRecord(value) };
    default:
      return null;
  }
}

/** The topic a segment belongs to, by the folder it lies in: `orders-3`. */
export function topicOfPath(path: string): string | null {
  const folder = path.split('/').at(-2);
  return /^(.+)-\d+(\.[0-9a-f]+-(delete|future|stray))?$/.exec(folder ?? '')?.[1] ?? null;
}

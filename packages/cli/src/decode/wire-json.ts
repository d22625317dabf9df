import type { KafkaRecord, RecordBatch } from '@kiel/codec';
import { messageOf } from '../failure.ts';
import { toJson } from '../terminal/json.ts';
import { errorText } from '../wire/error-text.ts';
import type { TopicNames } from './topic-names.ts';
import { batchesOf, gistOf } from './walk.ts';
import type { StreamFault, WireMessage } from './wire-message.ts';

const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') });

/** One line of JSON a message. int64 are exact number literals, bytes `{ base64 }`, records their batches. */
export function messageJson(message: WireMessage, topicNames: TopicNames, showRecords: boolean): string {
  const {
    direction,
    connection,
    timestampMs,
    latencyMs,
    sizeBytes,
    apiKey,
    api,
    version,
    correlationId,
    clientId,
    damage,
  } = message;
  return toJson({
    direction,
    connection,
    timestampMs,
    ...(direction === 'response' ? { latencyMs } : {}),
    sizeBytes,
    api,
    apiKey,
    version,
    correlationId,
    clientId,
    topics: [...gistOf(message.body).topics.keys()].map((topic) => topicNames.nameOf(topic)),
    body: plainBody(message.body, '', showRecords),
    ...(damage === null ? {} : { damage: { problem: damage.problem, offset: damage.base + damage.at } }),
  });
}

export function faultJson({ direction, connection, timestampMs, offset, fault, damage }: StreamFault): string {
  return toJson({ direction, connection, timestampMs, fault, offset, problem: damage.problem });
}

function plainBody(value: unknown, field: string, showRecords: boolean): unknown {
  if (value instanceof Uint8Array) return field === 'records' ? recordsJson(value, showRecords) : base64(value);
  if (Array.isArray(value)) return value.map((item) => plainBody(item, field, showRecords));
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  const entries = Object.entries(value)
    .filter(([name, member]) => !(name === 'unknownTaggedFields' && Array.isArray(member) && member.length === 0))
    .flatMap(([name, member]): [string, unknown][] => {
      const plain: [string, unknown] = [name, plainBody(member, name, showRecords)];
      if (name !== 'errorCode' || typeof member !== 'number' || member === 0) return [plain];
      return [plain, ['error', errorText(member)]];
    });
  return Object.fromEntries(entries);
}

function recordsJson(bytes: Uint8Array, showRecords: boolean): unknown {
  const { batches, error, incompleteBytes } = batchesOf(bytes);
  return {
    sizeBytes: bytes.length,
    batches: batches.map((batch) => batchFields(batch, showRecords)),
    ...(incompleteBytes > 0 ? { incompleteBytes } : {}),
    ...(error === null ? {} : { damage: error.message }),
  };
}

export function batchFields(batch: RecordBatch, showRecords: boolean): Record<string, unknown> {
  const { magic, compression, lastOffset, timestampType, maxTimestamp, deleteHorizonMs, partitionLeaderEpoch } = batch;
  const isWrapper = magic < 2 && compression !== 'none';
  return {
    ...(isWrapper && !showRecords ? {} : { baseOffset: batch.baseOffset, count: batch.count }),
    lastOffset,
    magic,
    sizeBytes: batch.bytes.length,
    compression,
    timestampType,
    maxTimestamp,
    ...(deleteHorizonMs === null ? {} : { deleteHorizonMs }),
    partitionLeaderEpoch,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    crc: batch.crc,
    ...(showRecords ? allRecords(batch) : {}),
  };
}

function allRecords(batch: RecordBatch): Record<string, unknown> {
  const records: unknown[] = [];
  try {
    for (const record of batch) records.push(recordFields(record));
  } catch (error) {
    return { records, damage: messageOf(error) };
  }
  return { records };
}

export function recordFields({
  offset,
  timestamp,
  key,
  value,
  headers,
  isControl,
}: KafkaRecord): Record<string, unknown> {
  return {
    offset,
    timestamp,
    key,
    value,
    ...(headers.length === 0 ? {} : { headers }),
    ...(isControl ? { isControl } : {}),
  };
}

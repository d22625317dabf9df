import type { CodecError, Message } from '@kiel/codec';
import * as internal from '@kiel/codec/internal-topics';
import {
  decodeClusterMetadataRecord,
  decodeConsumerOffsetsRecord,
  decodeRemoteLogMetadataRecord,
  decodeShareGroupStateRecord,
  decodeTransactionStateRecord,
  encodeClusterMetadataRecord,
  encodeConsumerOffsetsRecord,
  encodeRemoteLogMetadataRecord,
  encodeShareGroupStateRecord,
  encodeTransactionStateRecord,
} from '@kiel/codec/internal-topics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryOf } from '../messages/arbitrary.ts';

type AnyMessage = Message<unknown, never>;
const messages = Object.values(internal).filter(isMessage) as AnyMessage[];

function isMessage(value: unknown): value is AnyMessage {
  return typeof value === 'object' && value !== null && 'layout' in value;
}

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

/** Every version of a message with values drawn for it. */
function drawn(message: AnyMessage): fc.Arbitrary<{ name: string; version: number; value: unknown }> {
  return fc
    .integer({ min: message.minVersion, max: message.maxVersion })
    .chain((version) => arbitraryOf(message, version).map((value) => ({ name: message.name, version, value })));
}

const byName = new Map(messages.map((message) => [message.name, message]));
const keys = messages.filter(({ type }) => type === 'coordinator-key').map(({ name }) => name);
const topics = [
  {
    topic: '__transaction_state',
    has: (name: string) => name.startsWith('TransactionLog'),
    encode: encodeTransactionStateRecord,
    decode: decodeTransactionStateRecord,
  },
  {
    topic: '__share_group_state',
    has: (name: string) => /^Share(Snapshot|Update)/.test(name),
    encode: encodeShareGroupStateRecord,
    decode: decodeShareGroupStateRecord,
  },
  {
    topic: '__consumer_offsets',
    has: () => true,
    encode: encodeConsumerOffsetsRecord,
    decode: decodeConsumerOffsetsRecord,
  },
];

describe.each(keys)('a record with the key %s', (name) => {
  const { encode, decode } = topics.find(({ has }) => has(name))!;

  test('is written so that it reads back the same, in every version of its value, and as a tombstone', () => {
    const valueMessage = byName.get(name.replace(/Key$/, 'Value'))!;
    const value = fc.option(drawn(valueMessage), { nil: null, freq: 10 });
    fc.assert(
      fc.property(drawn(byName.get(name)!), value, (key, value) => {
        const bytes = encode({ key, value });
        const record = decode(bytes.key, bytes.value);
        expect(record.key.name).toBe(name);
        expect(record.value?.version).toBe(value?.version);
        expect(encode(record)).toEqual(bytes);
      }),
      { numRuns: 20 },
    );
  });
});

const metadata = messages.filter(({ type }) => type === 'metadata');
const isRemote = (name: string) => name.startsWith('Remote');

test.each(metadata.map((message) => [message.name, message] as const))(
  'the metadata record %s is written so that it reads back the same',
  (name, message) => {
    const encode = isRemote(name) ? encodeRemoteLogMetadataRecord : encodeClusterMetadataRecord;
    const decode = isRemote(name) ? decodeRemoteLogMetadataRecord : decodeClusterMetadataRecord;
    fc.assert(
      fc.property(drawn(message), (record) => {
        const bytes = encode(record);
        const again = decode(bytes);
        expect(again).toMatchObject({ name, version: record.version });
        expect(encode(again)).toEqual(bytes);
      }),
      { numRuns: 20 },
    );
  },
);

test('an offset under the oldest key can have a value of any age', () => {
  const key = { name: 'LegacyOffsetCommitKey', value: { group: 'g', topic: 't', partition: 1 } };
  const value = { name: 'OffsetCommitValue', version: 3, value: { offset: 7n, metadata: '', commitTimestamp: 1n } };
  const bytes = encodeConsumerOffsetsRecord({ key, value });
  expect(decodeConsumerOffsetsRecord(bytes.key, bytes.value)).toMatchObject({ key, value });
});

test('without a version the newest is written', () => {
  const key = { name: 'TransactionLogKey', value: { transactionalId: 'tx' } };
  const value = {
    producerId: 9n,
    producerEpoch: 1,
    transactionTimeoutMs: 1000,
    transactionStatus: 1,
    transactionPartitions: [],
    transactionLastUpdateTimestampMs: 1n,
    transactionStartTimestampMs: 1n,
  };
  const bytes = encodeTransactionStateRecord({ key, value: { name: 'TransactionLogValue', value } });
  expect(Buffer.from(bytes.key).toString('hex')).toBe('000000027478');
  expect(Buffer.from(bytes.value!).readInt16BE(0)).toBe(internal.TransactionLogValue.maxVersion);
});

test('what no such record can be is refused by name', () => {
  const key = { name: 'OffsetCommitKey', value: { group: 'g', topic: 't', partition: 1 } };
  expect(errorOf(() => encodeTransactionStateRecord({ key, value: null }))).toMatchObject({
    code: 'UNKNOWN_API',
    message: '__transaction_state has no record OffsetCommitKey',
  });
  const other = { name: 'GroupMetadataValue', value: {} };
  expect(errorOf(() => encodeConsumerOffsetsRecord({ key, value: other }))).toMatchObject({
    code: 'WRONG_TYPE',
    message: 'OffsetCommitKey goes with OffsetCommitValue, not with GroupMetadataValue',
  });
  const value = { name: 'OffsetCommitValue', version: 9, value: {} };
  expect(errorOf(() => encodeConsumerOffsetsRecord({ key, value })).code).toBe('UNSUPPORTED_VERSION');
  expect(errorOf(() => encodeConsumerOffsetsRecord({ key, value: { ...value, version: 3 } }))).toMatchObject({
    code: 'MISSING_FIELD',
    messageName: 'OffsetCommitValue',
    path: 'offset',
  });
  expect(errorOf(() => encodeClusterMetadataRecord({ name: 'TopicRekord', value: {} })).code).toBe('UNKNOWN_API');
  expect(errorOf(() => encodeRemoteLogMetadataRecord({ name: 'TopicRecord', value: {} })).code).toBe('UNKNOWN_API');
});

import { type CodecError, Writer } from '@kiel/codec';
import {
  decodeClusterMetadataRecord,
  decodeConsumerOffsetsRecord,
  decodeRemoteLogMetadataRecord,
  decodeShareGroupStateRecord,
  decodeTransactionStateRecord,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  OffsetCommitKey,
  OffsetCommitValue,
  RemotePartitionDeleteMetadataRecord,
  ShareSnapshotKey,
  TopicRecord,
  TransactionLogKey,
  TransactionLogValue,
} from '@kiel/codec/internal-topics';
import { describe, expect, test } from 'vitest';

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

/** An int16 and the bytes of a message, as coordinators write them. */
function prefixed(prefix: number, body: Uint8Array): Uint8Array {
  const w = new Writer();
  w.int16(prefix);
  w.raw(body);
  return w.finish();
}

function framed(varints: readonly number[], body: Uint8Array): Uint8Array {
  const w = new Writer();
  for (const value of varints) w.uvarint(value);
  w.raw(body);
  return w.finish();
}

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';

describe('__consumer_offsets', () => {
  const key = { group: 'g', topic: 't', partition: 3 };

  test('a committed offset, its value in any version', () => {
    const commit = { offset: 2n ** 53n + 1n, leaderEpoch: -1, metadata: '', commitTimestamp: 5n };
    for (let version = 0; version <= 4; version++) {
      const value = { ...commit, ...(version === 1 ? { expireTimestamp: 9n } : {}) };
      const record = decodeConsumerOffsetsRecord(
        prefixed(1, OffsetCommitKey.encode(key, 0)),
        prefixed(version, OffsetCommitValue.encode(value, version)),
      );
      expect(record.key).toMatchObject({ name: 'OffsetCommitKey', value: key });
      expect(record.value).toMatchObject({ name: 'OffsetCommitValue', version, value });
    }
  });

  test('a key of the oldest form with a value of a newer one', () => {
    const value = OffsetCommitValue.encode({ offset: 7n, metadata: 'm', commitTimestamp: 1n }, 3);
    const record = decodeConsumerOffsetsRecord(prefixed(0, LegacyOffsetCommitKey.encode(key, 0)), prefixed(3, value));
    expect(record).toMatchObject({
      key: { name: 'LegacyOffsetCommitKey', value: key },
      value: { name: 'OffsetCommitValue', version: 3, value: { offset: 7n } },
    });
  });

  test('a tombstone has no value', () => {
    expect(decodeConsumerOffsetsRecord(prefixed(1, OffsetCommitKey.encode(key, 0)), null).value).toBeNull();
  });

  test('a record type of a later Kafka, and a value version that nobody has, are errors', () => {
    expect(errorOf(() => decodeConsumerOffsetsRecord(prefixed(99, new Uint8Array()), null)).code).toBe('UNKNOWN_API');
    const encoded = OffsetCommitKey.encode(key, 0);
    expect(
      errorOf(() => decodeConsumerOffsetsRecord(prefixed(1, encoded), prefixed(9, new Uint8Array()))),
    ).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      messageName: 'OffsetCommitValue',
    });
    expect(errorOf(() => decodeConsumerOffsetsRecord(Uint8Array.from([...prefixed(1, encoded), 0]), null)).code).toBe(
      'TRAILING_BYTES',
    );
    expect(errorOf(() => decodeConsumerOffsetsRecord(new Uint8Array(1), null)).code).toBe('TRUNCATED');
  });

  test('a group of the classic protocol', () => {
    const group = { protocolType: 'consumer', generation: 2, protocol: 'range', leader: 'm', members: [] };
    const value = prefixed(3, GroupMetadataValue.encode({ ...group, currentStateTimestamp: 1n }, 3));
    expect(decodeConsumerOffsetsRecord(prefixed(2, Uint8Array.of(0, 1, 103)), value)).toMatchObject({
      key: { name: 'GroupMetadataKey', value: { group: 'g' } },
      value: { name: 'GroupMetadataValue', value: group },
    });
  });
});

test('__transaction_state holds the state of a transactional id', () => {
  const state = {
    producerId: 9n,
    producerEpoch: 1,
    transactionTimeoutMs: 1000,
    transactionStatus: 1,
    transactionPartitions: [{ topic: 't', partitionIds: [0, 1] }],
    transactionLastUpdateTimestampMs: 1n,
    transactionStartTimestampMs: 1n,
  };
  for (const version of [0, 1]) {
    const record = decodeTransactionStateRecord(
      prefixed(0, TransactionLogKey.encode({ transactionalId: 'tx' }, 0)),
      prefixed(version, TransactionLogValue.encode(state, version)),
    );
    expect(record).toMatchObject({ key: { value: { transactionalId: 'tx' } }, value: { version, value: state } });
  }
});

test('__share_group_state tells snapshots from updates by the type in the key', () => {
  const key = ShareSnapshotKey.encode({ groupId: 'g', topicId, partition: 1 }, 0);
  expect(decodeShareGroupStateRecord(prefixed(0, key), null).key.name).toBe('ShareSnapshotKey');
  expect(decodeShareGroupStateRecord(prefixed(1, key), null).key.name).toBe('ShareUpdateKey');
});

test('__remote_log_metadata begins with frame version, API key and version, as Java’s serializer writes it', () => {
  const value = {
    topicIdPartition: { name: 't', id: topicId, partition: 1 },
    brokerId: 1,
    eventTimestampMs: 2n,
    remotePartitionDeleteState: 0,
  };
  const record = framed([1, 2, 0], RemotePartitionDeleteMetadataRecord.encode(value, 0));
  expect(decodeRemoteLogMetadataRecord(record)).toMatchObject({
    name: 'RemotePartitionDeleteMetadataRecord',
    version: 0,
    value,
  });
  expect(errorOf(() => decodeRemoteLogMetadataRecord(framed([1, 9, 0], new Uint8Array()))).code).toBe('UNKNOWN_API');
});

test('__cluster_metadata begins with frame version, API key and version', () => {
  const body = TopicRecord.encode({ name: 'orders', topicId }, 0);
  expect(decodeClusterMetadataRecord(framed([1, 2, 0], body))).toMatchObject({
    name: 'TopicRecord',
    version: 0,
    value: { name: 'orders', topicId },
  });
  expect(errorOf(() => decodeClusterMetadataRecord(framed([2, 2, 0], body))).code).toBe('UNSUPPORTED_VERSION');
  expect(errorOf(() => decodeClusterMetadataRecord(framed([1, 999, 0], body))).code).toBe('UNKNOWN_API');
});

import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  EndTxnRequest,
  EndTxnResponse,
  FetchRequest,
  FetchResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster, type MockClusterOptions } from '../src/index.ts';
import { batch, TestClient } from './client.ts';

async function setUp(options: MockClusterOptions = {}) {
  const cluster = await MockCluster.start({ topics: ['orders'], tcp: false, ...options });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const { clock } = cluster;
  const init = () =>
    clock.run(
      client.call(InitProducerIdRequest, InitProducerIdResponse, 4, {
        transactionalId: 'tx',
        transactionTimeoutMs: 5_000,
      }),
    );
  const add = (who: Who) =>
    clock.run(
      client.call(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, 3, {
        v3AndBelowTransactionalId: 'tx',
        v3AndBelowProducerId: who.producerId,
        v3AndBelowProducerEpoch: who.producerEpoch,
        v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
      }),
    );
  const send = (who: Who, baseSequence: number, value = 'x', version = 11) => {
    const { producerId, producerEpoch } = who;
    const records = batch([value], { producerId, producerEpoch, baseSequence, transactional: true });
    return clock.run(client.produce('orders', 0, records, { transactionalId: 'tx', version }));
  };
  const end = ({ producerId, producerEpoch }: Who, committed: boolean, version = 4) =>
    clock.run(
      client.call(EndTxnRequest, EndTxnResponse, version, {
        transactionalId: 'tx',
        producerId,
        producerEpoch,
        committed,
      }),
    );
  return { cluster, client, clock, init, add, send, end };
}

interface Who {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

test('a committed transaction is visible, an aborted one only to those who do not ask', async () => {
  const { cluster, client, clock, init, add, send, end } = await setUp();
  const who = await init();
  await add(who);
  await send(who, 0, 'kept');
  expect(cluster.log('orders', 0)).toMatchObject([{ transaction: 'open' }]);
  expect(await end(who, true)).toMatchObject({ errorCode: 0 });
  await add(who);
  await send(who, 1, 'dropped');
  expect(await end(who, false)).toMatchObject({ errorCode: 0 });
  expect(cluster.log('orders', 0).map(({ value, transaction }) => [value, transaction])).toEqual([
    ['kept', 'committed'],
    ['dropped', 'aborted'],
  ]);
  expect(cluster.log('orders', 0, { committed: true }).map(({ value }) => value)).toEqual(['kept']);
  expect(cluster.log('orders', 0, { control: true }).map(({ isControl }) => isControl)).toEqual([
    false,
    true,
    false,
    true,
  ]);
  const fetched = await clock.run(
    client.call(FetchRequest, FetchResponse, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 1,
      topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
    }),
  );
  expect(fetched.responses[0]!.partitions[0]).toMatchObject({
    lastStableOffset: 4n,
    abortedTransactions: [{ producerId: who.producerId, firstOffset: 2n }],
  });
  await cluster.stop();
});

test('a transaction that is left open is aborted at its timeout, and its producer fenced', async () => {
  const { cluster, clock, init, add, send, end } = await setUp();
  const who = await init();
  await add(who);
  await send(who, 0);
  await clock.advance(4_900);
  expect(cluster.transaction('tx')).toMatchObject({ state: 'Ongoing' });
  await clock.advance(200);
  expect(cluster.transaction('tx')).toMatchObject({ state: 'CompleteAbort' });
  expect(cluster.log('orders', 0)).toMatchObject([{ transaction: 'aborted' }]);
  expect(await end(who, true)).toMatchObject({ errorCode: 90 });
  expect(await send(who, 1)).toMatchObject({ errorCode: 47 });
  await cluster.stop();
});

test('while markers are on their way, the next transaction has to wait', async () => {
  const { cluster, clock, init, add, send, end } = await setUp({ transactionMarkerDelayMs: 300 });
  const who = await init();
  await add(who);
  await send(who, 0);
  expect(await end(who, true)).toMatchObject({ errorCode: 0 });
  expect(await add(who)).toMatchObject({
    resultsByTopicV3AndBelow: [{ resultsByPartition: [{ partitionErrorCode: 51 }] }],
  });
  expect(await end(who, true)).toMatchObject({ errorCode: 51 });
  await clock.advance(400);
  expect(await add(who)).toMatchObject({
    resultsByTopicV3AndBelow: [{ resultsByPartition: [{ partitionErrorCode: 0 }] }],
  });
  await cluster.stop();
});

test('in transaction version 2 producing adds the partition, and each end brings a new epoch', async () => {
  const { cluster, init, send, end } = await setUp();
  const who = await init();
  expect(await send(who, 0, 'a', 12)).toMatchObject({ errorCode: 0 });
  const ended = await end(who, true, 5);
  expect(ended).toMatchObject({ errorCode: 0, producerId: who.producerId, producerEpoch: who.producerEpoch + 1 });
  expect(await end(who, true, 5)).toMatchObject({ errorCode: 0, producerEpoch: ended.producerEpoch });
  expect(await send(who, 1, 'b', 12)).toMatchObject({ errorCode: 47 });
  expect(await send(ended, 0, 'b', 12)).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('a second producer with the same id fences the first', async () => {
  const { cluster, init, add, send, end } = await setUp();
  const first = await init();
  await add(first);
  await send(first, 0);
  expect(await init()).toMatchObject({ errorCode: 51 });
  const second = await init();
  expect(second).toMatchObject({ errorCode: 0, producerId: first.producerId });
  expect(second.producerEpoch).toBeGreaterThan(first.producerEpoch);
  expect(await send(first, 1)).toMatchObject({ errorCode: 47 });
  expect(await end(first, true)).toMatchObject({ errorCode: 90 });
  expect(cluster.log('orders', 0)).toMatchObject([{ transaction: 'aborted' }]);
  await cluster.stop();
});

test('a moved coordinator sends its clients away', async () => {
  const { cluster, init } = await setUp({ brokers: 2, topics: { orders: 1 } });
  cluster.moveCoordinator('tx', 2);
  expect(await init()).toMatchObject({ errorCode: 16 });
  cluster.moveCoordinator('tx', 1);
  expect(await init()).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('a transaction commits offsets of a group with members without being one, as no other commit can', async () => {
  const { cluster, client, clock, init } = await setUp();
  const who = await init();
  const join = { groupId: 'readers', sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 1_000, protocolType: 'consumer' };
  const protocols = [{ name: 'range', metadata: new Uint8Array(1) }];
  const joined = await clock.run(
    client.call(JoinGroupRequest, JoinGroupResponse, 3, { ...join, memberId: '', protocols }),
  );
  expect(joined).toMatchObject({ errorCode: 0 });
  const topics = [
    { name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: null }] },
  ];
  const plain = await clock.run(
    client.call(OffsetCommitRequest, OffsetCommitResponse, 7, { groupId: 'readers', topics }),
  );
  expect(plain.topics[0]!.partitions[0]).toMatchObject({ errorCode: 25 });
  const ids = { transactionalId: 'tx', producerId: who.producerId, producerEpoch: who.producerEpoch };
  const outsider = await clock.run(
    client.call(TxnOffsetCommitRequest, TxnOffsetCommitResponse, 5, { ...ids, groupId: 'readers', topics }),
  );
  expect(outsider.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0 });
  const stranger = await clock.run(
    client.call(TxnOffsetCommitRequest, TxnOffsetCommitResponse, 5, {
      ...ids,
      groupId: 'readers',
      memberId: 'nobody',
      generationIdOrMemberEpoch: 1,
      topics,
    }),
  );
  expect(stranger.topics[0]!.partitions[0]).toMatchObject({ errorCode: 25 });
  await cluster.stop();
});

import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  FetchRequest,
  FetchResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  readRecords,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster } from '../src/index.ts';
import { batch, NOW, TestClient } from './client.ts';

const fetchBody = (topic: string, offset: bigint, over: object = {}) => ({
  maxWaitMs: 500,
  minBytes: 1,
  topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }] }],
  ...over,
});

test('over TCP, what is produced is fetched again', async () => {
  const start = performance.now();
  await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 1 } });
  expect(performance.now() - start).toBeLessThan(500);
  expect(cluster.brokers).toHaveLength(2);
  const leader = cluster.brokers[cluster.brokerIds.indexOf(cluster.leader('orders', 0))]!;
  const client = await TestClient.tcp(leader);
  const versions = await client.call(ApiVersionsRequest, ApiVersionsResponse, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  });
  expect(versions.apiKeys.find(({ apiKey }) => apiKey === 0)).toMatchObject({ minVersion: 0, maxVersion: 13 });
  const answer = await client.produce('orders', 0, batch(['"a"', '"b"'], {}, Date.now()));
  expect(answer).toMatchObject({ errorCode: 0, baseOffset: 0n });
  const fetched = await client.call(FetchRequest, FetchResponse, 11, fetchBody('orders', 0n));
  const records = [...readRecords(fetched.responses[0]!.partitions[0]!.records!)];
  expect(records.map(({ value }) => Buffer.from(value!).toString())).toEqual(['"a"', '"b"']);
  expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual(['a', 'b']);
  client.destroy();
});

test('in memory the same, without a socket, in virtual time', async () => {
  await using cluster = await MockCluster.start({ topics: ['orders'], tcp: false });
  const { clock } = cluster;
  const ports = cluster.inMemory();
  const client = await clock.run(TestClient.memory(ports));
  const metadata = await clock.run(
    client.call(MetadataRequest, MetadataResponse, 12, { topics: [{ name: 'orders' }] }),
  );
  expect(metadata.topics[0]).toMatchObject({ errorCode: 0, name: 'orders', partitions: [{ leaderId: 1 }] });
  expect(await clock.run(client.produce('orders', 0, batch(['1'])))).toMatchObject({ errorCode: 0, baseOffset: 0n });
  expect(await clock.run(client.produce('orders', 0, batch(['2'])))).toMatchObject({ errorCode: 0, baseOffset: 1n });
  expect(cluster.brokers).toEqual([]);
  expect(clock.now()).toBeGreaterThan(0);
  expect(clock.now()).toBeLessThan(100);
  const offsets = await clock.run(
    client.call(ListOffsetsRequest, ListOffsetsResponse, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, timestamp: -1n },
            { partitionIndex: 0, timestamp: -2n },
            { partitionIndex: 0, timestamp: BigInt(NOW) },
          ],
        },
      ],
    }),
  );
  expect(offsets.topics[0]!.partitions.map(({ offset }) => offset)).toEqual([2n, 0n, 0n]);
});

test('a fetch waits for records, and no longer than it wants to', async () => {
  await using cluster = await MockCluster.start({ topics: ['orders'], tcp: false });
  const { clock } = cluster;
  const consumer = await clock.run(TestClient.memory(cluster.inMemory()));
  const producer = await clock.run(TestClient.memory(cluster.inMemory()));
  const start = clock.now();
  const empty = await clock.run(consumer.call(FetchRequest, FetchResponse, 11, fetchBody('orders', 0n)));
  expect(empty.responses[0]!.partitions[0]!.records).toHaveLength(0);
  expect(clock.now() - start).toBeGreaterThanOrEqual(500);
  const waiting = consumer.call(FetchRequest, FetchResponse, 11, fetchBody('orders', 0n, { maxWaitMs: 60_000 }));
  await clock.advance(1_000);
  await clock.run(producer.produce('orders', 0, batch(['x'])));
  const answer = await clock.run(waiting);
  expect(answer.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(0);
  expect(clock.now() - start).toBeLessThan(2_000);
});

test('an idempotent producer: duplicates get their offset again, gaps and old epochs are refused', async () => {
  await using cluster = await MockCluster.start({ topics: ['orders'], tcp: false });
  const { clock } = cluster;
  const client = await clock.run(TestClient.memory(cluster.inMemory()));
  const { producerId } = await clock.run(
    client.call(InitProducerIdRequest, InitProducerIdResponse, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    }),
  );
  const send = (baseSequence: number, producerEpoch = 0, count = 1) =>
    clock.run(
      client.produce(
        'orders',
        0,
        batch(
          Array.from({ length: count }, () => '1'),
          { producerId, producerEpoch, baseSequence },
        ),
      ),
    );
  for (let i = 0; i < 6; i++) expect(await send(i)).toMatchObject({ errorCode: 0, baseOffset: BigInt(i) });
  expect(await send(5)).toMatchObject({ errorCode: 0, baseOffset: 5n });
  expect(await send(1)).toMatchObject({ errorCode: 0, baseOffset: 1n });
  expect(await send(0)).toMatchObject({ errorCode: 45 });
  expect(await send(7)).toMatchObject({ errorCode: 45 });
  expect(await send(4, 1)).toMatchObject({ errorCode: 45 });
  expect(await send(0, 1)).toMatchObject({ errorCode: 0, baseOffset: 6n });
  expect(await send(6, 0)).toMatchObject({ errorCode: 47 });
  expect(cluster.log('orders', 0)).toHaveLength(7);
});

test('the same seed replays the same history to the millisecond', async () => {
  const run = async (seed: number) => {
    await using cluster = await MockCluster.start({ topics: ['orders'], tcp: false, seed });
    const { clock } = cluster;
    const client = await clock.run(TestClient.memory(cluster.inMemory()));
    for (let i = 0; i < 20; i++) await clock.run(client.produce('orders', 0, batch([`${i}`])));
    return cluster.requests().map(({ atMs, answeredMs }) => [atMs, answeredMs]);
  };
  expect(await run(1)).toEqual(await run(1));
  expect(await run(1)).not.toEqual(await run(2));
});

import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  FetchRequest,
  FetchResponse,
  MessageSetBuilder,
  MetadataRequest,
  MetadataResponse,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { expect, test } from 'vitest';
import { MockCluster, type MockClusterOptions } from '../src/index.ts';
import { batch, NOW, TestClient } from './client.ts';

// What other embedded clusters for tests leave out: each has its test here or, for faults, in faults.test.ts.

async function setUp(options: MockClusterOptions = {}) {
  const cluster = await MockCluster.start({ topics: ['orders'], tcp: false, ...options });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  return { cluster, client, clock: cluster.clock };
}

function oldSet(magic: 0 | 1, values: readonly string[], compression?: 'gzip' | 'snappy' | 'lz4'): Uint8Array {
  const builder = new MessageSetBuilder({ magic });
  for (const value of values) builder.append(NOW, null, value);
  return compression === undefined
    ? builder.entries().slice()
    : builder.wrapped(compression, nodeCompressions[compression]);
}

test('sequences are checked for every idempotent producer, without a transactional id too', async () => {
  const { cluster, client, clock } = await setUp();
  const send = (baseSequence: number) =>
    clock.run(client.produce('orders', 0, batch(['x'], { producerId: 9n, producerEpoch: 0, baseSequence })));
  expect(await send(0)).toMatchObject({ errorCode: 0 });
  expect(await send(5)).toMatchObject({ errorCode: 45 });
  expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0n });
  await cluster.stop();
});

test('sequences wrap from 2^31-1 to 0, and a batch may lie across', async () => {
  const { cluster, client, clock } = await setUp();
  const send = (baseSequence: number, count: number) => {
    const values = Array.from({ length: count }, () => 'x');
    return clock.run(client.produce('orders', 0, batch(values, { producerId: 9n, producerEpoch: 0, baseSequence })));
  };
  expect(await send(0x7fff_fffe, 3)).toMatchObject({ errorCode: 0, baseOffset: 0n });
  expect(await send(0x7fff_fffe, 3)).toMatchObject({ errorCode: 0, baseOffset: 0n });
  expect(await send(1, 1)).toMatchObject({ errorCode: 0, baseOffset: 3n });
  expect(await send(3, 1)).toMatchObject({ errorCode: 45 });
  await cluster.stop();
});

test('a turned bit is found by its checksum', async () => {
  const { cluster, client, clock } = await setUp();
  const damaged = batch(['x']);
  damaged[damaged.length - 2]! ^= 4;
  expect(await clock.run(client.produce('orders', 0, damaged))).toMatchObject({ errorCode: 2 });
  expect(cluster.log('orders', 0)).toEqual([]);
  expect(cluster.requests({ api: 'Produce' })[0]!.reason).toMatch(/checksum/);
  await cluster.stop();
});

test('REBOOTSTRAP_REQUIRED for a client that meant another cluster', async () => {
  const { cluster, client, clock } = await setUp();
  const ask = (clusterId: string, nodeId: number) =>
    clock.run(
      client.call(ApiVersionsRequest, ApiVersionsResponse, 5, {
        clientSoftwareName: 'kiel',
        clientSoftwareVersion: '1',
        clusterId,
        nodeId,
      }),
    );
  expect(await ask(cluster.clusterId, 1)).toMatchObject({ errorCode: 0 });
  expect(await ask('another', 1)).toMatchObject({ errorCode: 129 });
  expect(await ask(cluster.clusterId, 2)).toMatchObject({ errorCode: 129 });
  await cluster.stop();
});

test('records that a compacted topic does not take are named one by one', async () => {
  const { cluster, client, clock } = await setUp({
    topics: { orders: { config: { 'cleanup.policy': 'compact' } } },
  });
  expect(await clock.run(client.produce('orders', 0, batch(['a', 'b'])))).toMatchObject({
    errorCode: 87,
    recordErrors: [{ batchIndex: 0 }, { batchIndex: 1 }],
  });
  await cluster.stop();
});

test.each<[string, number, 0 | 1 | 2]>([
  ['0.8.2', 0, 0],
  ['0.10.2', 2, 1],
  ['1.1', 2, 2],
  ['2.8', 2, 2],
  ['3.9', 2, 2],
])(
  'Kafka %s takes old message sets, compressed or not, and keeps them in its own format',
  async (version, produceVersion, format) => {
    const { cluster, client, clock } = await setUp({ version });
    const magic = produceVersion < 2 ? 0 : 1;
    for (const compression of [undefined, 'gzip', 'snappy'] as const) {
      const set = oldSet(magic, [`${compression} a`, `${compression} b`], compression);
      expect(await clock.run(client.produce('orders', 0, set, { version: produceVersion, acks: 1 }))).toMatchObject({
        errorCode: 0,
      });
    }
    expect(cluster.log('orders', 0).map(({ offset, value }) => `${offset} ${value}`)).toEqual(
      ['undefined a', 'undefined b', 'gzip a', 'gzip b', 'snappy a', 'snappy b'].map((value, i) => `${i} ${value}`),
    );
    const kinds = cluster
      .batches('orders', 0)
      .flatMap((bytes) => [...readBatches(bytes, { compressions: nodeCompressions })]);
    expect(new Set(kinds.map((each) => each.magic))).toEqual(new Set([format]));
    expect(kinds.map(({ compression }) => compression)).toContain('snappy');
    await cluster.stop();
  },
);

test('old fetches get what their readers understand', async () => {
  const { cluster, client, clock } = await setUp({ version: '3.9' });
  await clock.run(client.produce('orders', 0, batch(['a', 'b'])));
  for (const [version, magic] of [
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
  ] as const) {
    const answer = await clock.run(
      client.call(FetchRequest, FetchResponse, version, {
        maxWaitMs: 0,
        minBytes: 0,
        replicaId: -1,
        topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
      }),
    );
    const records = answer.responses[0]!.partitions[0]!.records!;
    expect([...readBatches(records)][0]!.magic).toBe(magic);
    expect([...readRecords(records)].map(({ offset, value }) => `${offset} ${Buffer.from(value!)}`)).toEqual([
      '0 a',
      '1 b',
    ]);
  }
  await cluster.stop();
});

test('retention keeps memory flat and moves the start of the log', async () => {
  const { cluster, client, clock } = await setUp({ retentionBytes: 50_000, requestHistory: 0 });
  for (let i = 0; i < 100; i++) await clock.run(client.produce('orders', 0, batch(['x'.repeat(5_000)])));
  const { start, end } = cluster.offsets('orders', 0);
  expect(end).toBe(100);
  expect(start).toBeGreaterThanOrEqual(90);
  const bytes = cluster.batches('orders', 0).reduce((sum, each) => sum + each.length, 0);
  expect(bytes).toBeLessThanOrEqual(50_000);
  await cluster.stop();
});

test('a topic is made when somebody asks for it, and the first answer does not have it yet', async () => {
  const { cluster, client, clock } = await setUp();
  const ask = (name: string) =>
    clock.run(client.call(MetadataRequest, MetadataResponse, 9, { topics: [{ name }], allowAutoTopicCreation: true }));
  expect((await ask('fresh')).topics[0]).toMatchObject({ errorCode: 3, partitions: [] });
  expect((await ask('fresh')).topics[0]).toMatchObject({ errorCode: 0, partitions: [{}] });
  expect((await ask('not a name')).topics[0]).toMatchObject({ errorCode: 17 });
  await cluster.stop();
});

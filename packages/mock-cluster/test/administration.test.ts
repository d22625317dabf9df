import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  ApiVersionsRequest,
  ApiVersionsResponse,
  DescribeClusterRequest,
  DescribeClusterResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  EndTxnRequest,
  EndTxnResponse,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster } from '../src/index.ts';
import { TestClient } from './client.ts';

async function setUp(version = '4.4') {
  const cluster = await MockCluster.start({ topics: ['orders'], tcp: false, version });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const run = <T>(task: Promise<T>) => cluster.clock.run(task);
  return { cluster, client, run };
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

test('telemetry is answered though it is not listed, as by a broker without a plugin', async () => {
  const { cluster, client, run } = await setUp();
  await using _ = cluster;
  const named = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1' };
  const { apiKeys } = await run(client.call(ApiVersionsRequest, ApiVersionsResponse, 3, named));
  expect(apiKeys.some(({ apiKey }) => apiKey === 71 || apiKey === 72)).toBe(false);
  const subscribe = { clientInstanceId: NO_ID };
  const mine = await run(
    client.call(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, 0, subscribe),
  );
  expect(mine.errorCode).toBe(0);
  expect(mine.clientInstanceId).not.toBe(NO_ID);
  const push = async (over: object = {}) => {
    const { clientInstanceId, subscriptionId } = mine;
    const body = {
      clientInstanceId,
      subscriptionId,
      terminating: false,
      compressionType: 0,
      metrics: new Uint8Array(0),
    };
    return (await run(client.call(PushTelemetryRequest, PushTelemetryResponse, 0, { ...body, ...over }))).errorCode;
  };
  expect(await push()).toBe(0);
  expect(await push({ subscriptionId: mine.subscriptionId + 1 })).toBe(117);
  expect(await push({ compressionType: 5 })).toBe(76);
  expect(await push({ metrics: new Uint8Array(1_100_000) })).toBe(118);
  expect(await push({ clientInstanceId: NO_ID })).toBe(42);
  expect(await push({ terminating: true })).toBe(0);
  expect(await push({ terminating: true })).toBe(42);
});

test('configs: no names means all, types are told, and a broker speaks only for itself', async () => {
  const { cluster, client, run } = await setUp();
  await using _ = cluster;
  const describe = async (resourceType: number, resourceName: string, configurationKeys: string[] | null) => {
    const body = { resources: [{ resourceType, resourceName, configurationKeys }], includeSynonyms: false };
    return (await run(client.call(DescribeConfigsRequest, DescribeConfigsResponse, 4, body))).results[0]!;
  };
  const all = await describe(2, 'orders', null);
  expect(all.configs.length).toBeGreaterThan(5);
  expect(await describe(2, 'orders', [])).toEqual(all);
  expect(all.configs.find(({ name }) => name === 'cleanup.policy')!.configType).toBe(7);
  const id = (await describe(4, '1', ['broker.id'])).configs[0]!;
  expect(id).toMatchObject({ value: '1', readOnly: true, configSource: 4, configType: 3 });
  expect((await describe(4, '', ['broker.id'])).configs).toEqual([]);
  expect((await describe(4, '2', null)).errorCode).toBe(42);
  expect((await describe(4, 'one', null)).errorCode).toBe(42);
});

test.for([
  [1, 0],
  [2, 114],
  [9, 115],
])('a broker describes the cluster for clients: endpoint type %i is answered with %i', async ([endpointType, code]) => {
  const { cluster, client, run } = await setUp();
  await using _ = cluster;
  const body = { includeClusterAuthorizedOperations: false, endpointType: endpointType! };
  const answer = await run(client.call(DescribeClusterRequest, DescribeClusterResponse, 1, body));
  expect(answer.errorCode).toBe(code);
  expect(answer.brokers).toHaveLength(code === 0 ? 1 : 0);
});

test.for([
  ['3.9', 0, -1n],
  ['4.4', 88, 5n],
] as const)(
  'Kafka %s: what a refused commit leaves of the offsets in the transaction',
  async ([version, open, end]) => {
    const { cluster, client, run } = await setUp(version);
    await using _ = cluster;
    const transactionalId = 'tx';
    const groupId = 'g';
    const init = () =>
      run(
        client.call(InitProducerIdRequest, InitProducerIdResponse, 4, { transactionalId, transactionTimeoutMs: 5_000 }),
      );
    const old = await init();
    const { producerId, producerEpoch } = await init();
    const who = { producerId, producerEpoch };
    await run(client.call(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, 3, { transactionalId, ...who, groupId }));
    const commit = async (epoch: number, committedOffset: bigint) => {
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }];
      const topics = [{ name: 'orders', partitions }];
      const body = { transactionalId, groupId, producerId, producerEpoch: epoch, topics };
      const answer = await run(client.call(TxnOffsetCommitRequest, TxnOffsetCommitResponse, 3, body));
      return answer.topics[0]!.partitions[0]!.errorCode;
    };
    const fetch = async () => {
      const topics = [{ name: 'orders', partitionIndexes: [0] }];
      const answer = await run(
        client.call(OffsetFetchRequest, OffsetFetchResponse, 7, { groupId, topics, requireStable: true }),
      );
      return answer.topics[0]!.partitions[0]!;
    };
    expect(await commit(producerEpoch, 5n)).toBe(0);
    expect(await fetch()).toMatchObject({ errorCode: 88, committedOffset: -1n });
    expect(await commit(old.producerEpoch, 6n)).toBe(47);
    expect(await fetch()).toMatchObject({ errorCode: open, committedOffset: -1n });
    await run(client.call(EndTxnRequest, EndTxnResponse, 3, { transactionalId, ...who, committed: true }));
    expect(await fetch()).toMatchObject({ errorCode: 0, committedOffset: end });
  },
);

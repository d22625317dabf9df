import {
  AlterConfigsRequest,
  AlterConfigsResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster } from '../src/index.ts';
import { batch, TestClient } from './client.ts';

async function setUp() {
  const cluster = await MockCluster.start({ brokers: 2, topics: { orders: { replicationFactor: 2 } }, tcp: false });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const run = <T>(task: Promise<T>) => cluster.clock.run(task);
  const change = async (name: string, configOperation: number, value: string | null, over: object = {}) => {
    const configs = [{ name, configOperation, value }];
    const body = { resources: [{ resourceType: 2, resourceName: 'orders', configs, ...over }], validateOnly: false };
    const all = { ...body, ...over };
    const { responses } = await run(
      client.call(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, 1, all),
    );
    return responses[0]!.errorCode;
  };
  const setting = async (name: string) => {
    const resources = [{ resourceType: 2, resourceName: 'orders', configurationKeys: [name] }];
    const { results } = await run(client.call(DescribeConfigsRequest, DescribeConfigsResponse, 4, { resources }));
    const { value, configSource } = results[0]!.configs[0]!;
    return [value, configSource];
  };
  return { cluster, client, run, change, setting };
}

test('min.insync.replicas that is changed while it runs holds for the next record with acks=all', async () => {
  const { cluster, client, run, change, setting } = await setUp();
  await using _ = cluster;
  expect(await setting('min.insync.replicas')).toEqual(['1', 3]);
  cluster.setInSyncReplicas('orders', 0, [cluster.leader('orders', 0)]);
  expect((await run(client.produce('orders', 0, batch(['a'])))).errorCode).toBe(0);
  expect(await change('min.insync.replicas', 0, '2')).toBe(0);
  expect(await setting('min.insync.replicas')).toEqual(['2', 1]);
  expect((await run(client.produce('orders', 0, batch(['b'])))).errorCode).toBe(19);
  expect(await change('min.insync.replicas', 1, null)).toBe(0);
  expect(await setting('min.insync.replicas')).toEqual(['1', 3]);
  expect((await run(client.produce('orders', 0, batch(['c'])))).errorCode).toBe(0);
  expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual(['a', 'c']);
});

test('changes that a broker refuses are refused, and nothing of them holds', async () => {
  const { cluster, client, run, change, setting } = await setUp();
  await using _ = cluster;
  expect(await change('no.such', 0, '1')).toBe(40);
  expect(await change('retention.bytes', 0, 'many')).toBe(40);
  expect(await change('retention.bytes', 2, '5')).toBe(40);
  expect(await change('retention.bytes', 0, '5', { validateOnly: true })).toBe(0);
  expect(await change('retention.bytes', 0, '5', { resourceName: 'nowhere' })).toBe(3);
  expect(await setting('retention.bytes')).toEqual(['-1', 5]);
  expect(await change('cleanup.policy', 2, 'compact')).toBe(0);
  expect(await setting('cleanup.policy')).toEqual(['delete,compact', 1]);
  expect(await change('cleanup.policy', 3, 'delete')).toBe(0);
  expect(await setting('cleanup.policy')).toEqual(['compact', 1]);
  const configs = [{ name: 'retention.bytes', value: '9' }];
  const body = { resources: [{ resourceType: 2, resourceName: 'orders', configs }], validateOnly: false };
  const { responses } = await run(client.call(AlterConfigsRequest, AlterConfigsResponse, 2, body));
  expect(responses[0]!.errorCode).toBe(0);
  expect([await setting('retention.bytes'), await setting('cleanup.policy')]).toEqual([
    ['9', 1],
    ['delete', 5],
  ]);
});

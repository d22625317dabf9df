import { gzipSync } from 'node:zlib';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
  zeroUuid,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster, type TelemetrySubscription } from '../src/index.ts';
import { TestClient } from './client.ts';

async function subscribed(telemetry: TelemetrySubscription) {
  const cluster = await MockCluster.start({ tcp: false, telemetry });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const run = <T>(task: Promise<T>) => cluster.clock.run(task);
  const ask = (clientInstanceId: string) =>
    run(client.call(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, 0, { clientInstanceId }));
  return { cluster, client, run, ask };
}

test('a cluster with a subscription lists telemetry, says what it wants, and keeps what is pushed', async () => {
  const wanted = { metrics: ['org.apache.kafka.producer.'], pushIntervalMs: 1_000, maxBytes: 100, compressions: [1] };
  const { cluster, client, run, ask } = await subscribed({ ...wanted, deltaTemporality: false });
  await using _ = cluster;
  const named = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1' };
  const { apiKeys } = await run(client.call(ApiVersionsRequest, ApiVersionsResponse, 3, named));
  expect(apiKeys.filter(({ apiKey }) => apiKey === 71 || apiKey === 72).length).toBe(2);
  const first = await ask(zeroUuid);
  expect(first).toMatchObject({
    requestedMetrics: wanted.metrics,
    pushIntervalMs: 1_000,
    telemetryMaxBytes: 100,
    acceptedCompressionTypes: [1],
    deltaTemporality: false,
  });
  const { clientInstanceId } = first;
  expect((await ask(clientInstanceId)).clientInstanceId).toBe(clientInstanceId);
  const push = async (over: object) => {
    const { subscriptionId } = first;
    const metrics = new Uint8Array(gzipSync('metrics'));
    const body = { clientInstanceId, subscriptionId, terminating: false, compressionType: 1, metrics, ...over };
    return (await run(client.call(PushTelemetryRequest, PushTelemetryResponse, 0, body))).errorCode;
  };
  expect(await push({})).toBe(0);
  expect(await push({ compressionType: 4 })).toBe(76);
  expect(await push({ metrics: new Uint8Array(101) })).toBe(118);
  expect(await push({ metrics: Uint8Array.of(1, 2, 3) })).toBe(87);
  cluster.subscribeMetrics({ metrics: [] });
  expect(await push({})).toBe(117);
  const second = await ask(clientInstanceId);
  expect(second.requestedMetrics).toEqual([]);
  expect(await push({ subscriptionId: second.subscriptionId, terminating: true })).toBe(0);
  expect(cluster.pushedMetrics().map(({ data, terminating }) => [String(Buffer.from(data)), terminating])).toEqual([
    ['metrics', false],
    ['metrics', true],
  ]);
});

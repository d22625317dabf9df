import type { TelemetrySubscription } from '@kiel/mock-cluster';
import { expect, test } from 'vitest';
import { createProducer, type ProducerOptions } from '../../src/index.ts';
import { encodeMetrics } from '../../src/telemetry/push/otlp.ts';
import { start } from '../start.ts';
import { readOtlp } from './otlp.ts';

async function subscribed(
  telemetry: TelemetrySubscription,
  options: Partial<ProducerOptions> = {},
  cluster: Parameters<typeof start>[0] = {},
) {
  const t = await start({ brokers: 1, telemetry: { pushIntervalMs: 10_000, ...telemetry }, ...cluster }, options);
  await t.run(t.producer.produce('orders', 'first'));
  // Its code is loaded now, and the subscription asked for.
  await import('../../src/telemetry/push/metrics-push.ts');
  await t.mock.clock.advance(100);
  const pushes = () => t.mock.pushedMetrics().map((push) => ({ ...push, ...readOtlp(push.data) }));
  const value = (push: { points: readonly { name: string; value: number }[] }, name: string) =>
    push.points.find((point) => point.name === `org.apache.kafka.producer.${name}`)?.value;
  return { ...t, pushes, value };
}

test('metrics are pushed at the interval that brokers ask for, compressed, in OTLP', async () => {
  await using t = await subscribed({}, { rack: 'east-1' });
  await t.mock.clock.advance(16_000);
  const [push] = t.pushes();
  expect(push).toMatchObject({ terminating: false, compression: 4, labels: { client_rack: 'east-1' } });
  expect(push!.scope).toBe('@kiel/producer');
  const sent = push!.points.find(({ name }) => name === 'org.apache.kafka.producer.record.send.total');
  expect(sent).toMatchObject({ kind: 'sum', value: 1, isMonotonic: true, attributes: {} });
  expect(sent!.temporality).toBe('AGGREGATION_TEMPORALITY_DELTA');
  expect(sent!.startMs).toBeLessThan(sent!.timeMs);
  const ofTopic = push!.points.find(({ name }) => name === 'org.apache.kafka.producer.topic.record.send.total');
  expect(ofTopic!.attributes).toEqual({ topic: 'orders' });
  const ofNode = push!.points.find(({ name }) => name === 'org.apache.kafka.producer.node.request.latency.avg');
  expect(ofNode).toMatchObject({ kind: 'gauge', attributes: { node_id: 'node-1' } });
  expect(push!.points.some(({ value }) => Number.isNaN(value))).toBe(false);
});

test('the first push comes after half to one and a half intervals, so that clients do not come together; then each interval', async () => {
  const firsts: number[] = [];
  for (let seed = 0; seed < 8; seed++) {
    await using t = await subscribed({}, {}, { seed });
    const began = t.mock.clock.now();
    await t.mock.clock.advance(60_000);
    const [first, second, third] = t.mock.pushedMetrics().map(({ atMs }) => atMs - began);
    firsts.push(first!);
    expect(first).toBeGreaterThan(4_800);
    expect(first).toBeLessThan(15_010);
    expect(second! - first!).toBeCloseTo(10_000, -2);
    expect(third! - second!).toBeCloseTo(10_000, -2);
  }
  expect(Math.max(...firsts) - Math.min(...firsts)).toBeGreaterThan(1_000);
});

test('deltas tell what was added since the last push, and add up to the total', async () => {
  await using t = await subscribed({ metrics: ['org.apache.kafka.producer.record.send.total'] });
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i <= round; i++) t.producer.produce('orders', i);
    await t.mock.clock.advance(10_000);
  }
  const pushes = t.pushes();
  expect(pushes.length).toBeGreaterThanOrEqual(3);
  const values = pushes.map((push) => t.value(push, 'record.send.total')!);
  expect(new Set(values).size).toBeGreaterThan(1);
  expect(values.reduce((sum, value) => sum + value, 0)).toBe(t.producer.metrics().client['record-send-total']);
  const [first, second] = pushes.map(({ points }) => points[0]!);
  expect(second!.startMs).toBe(first!.timeMs);
});

test('a push that failed is told with the next one', async () => {
  await using t = await subscribed({ metrics: ['org.apache.kafka.producer.record.send.total'] });
  t.mock.on('PushTelemetry', { times: 1, then: 'error THROTTLING_QUOTA_EXCEEDED' });
  t.producer.produce('orders', 'second');
  await t.mock.clock.advance(60_000);
  const [first] = t.pushes();
  expect(t.value(first!, 'record.send.total')).toBe(2);
});

test('cumulative counters count from the beginning', async () => {
  await using t = await subscribed({ deltaTemporality: false });
  t.producer.produce('orders', 'second');
  await t.mock.clock.advance(40_000);
  const [, second, third] = t.pushes();
  for (const push of [second!, third!]) {
    expect(t.value(push, 'record.send.total')).toBe(2);
    const point = push.points.find(({ name }) => name.endsWith('producer.record.send.total'))!;
    expect(point.temporality).toBe('AGGREGATION_TEMPORALITY_CUMULATIVE');
    expect(point.startMs).toBe(second!.points.find(({ name }) => name === point.name)!.startMs);
  }
});

test('only what is asked for is pushed, by the beginnings of its names; nothing asked for is nothing pushed', async () => {
  await using t = await subscribed({
    metrics: ['org.apache.kafka.producer.topic.', 'org.apache.kafka.producer.batch.size.avg'],
  });
  await t.mock.clock.advance(16_000);
  const names = new Set(t.pushes()[0]!.points.map(({ name }) => name));
  expect(names.size).toBeGreaterThan(5);
  for (const name of names) {
    expect(name).toMatch(/^org\.apache\.kafka\.producer\.(topic\.|batch\.size\.avg$)/);
  }
  await using silent = await subscribed({ metrics: [] });
  silent.mock.forgetRequests();
  await silent.mock.clock.advance(65_000);
  expect(silent.count('PushTelemetry')).toBe(0);
  // It goes on asking: the operators may change their minds.
  expect(silent.count('GetTelemetrySubscriptions')).toBeGreaterThan(3);
  await silent.run(silent.producer.close());
  expect(silent.count('PushTelemetry')).toBe(0);
});

test('another subscription is learned of at once when a push is refused for it', async () => {
  await using t = await subscribed({ metrics: ['org.apache.kafka.producer.record.'] });
  await t.mock.clock.advance(16_000);
  t.mock.subscribeMetrics({ metrics: ['org.apache.kafka.producer.request.'], pushIntervalMs: 1_000 });
  await t.mock.clock.advance(14_000);
  const { points } = t.pushes().at(-1)!;
  expect(points.every(({ name }) => name.startsWith('org.apache.kafka.producer.request.'))).toBe(true);
  const { clientInstanceId } = t.mock.pushedMetrics()[0]!;
  expect(new Set(t.mock.pushedMetrics().map((push) => push.clientInstanceId))).toEqual(new Set([clientInstanceId]));
});

test.each([[[]], [[1]], [[2, 1]], [[3]], [[4]], [[77, 3]]])(
  'of compressions %j one is taken that is known',
  async (compressions) => {
    await using t = await subscribed({ compressions });
    await t.mock.clock.advance(16_000);
    expect(t.mock.pushedMetrics()[0]!.compression).toBe(compressions.find((type) => type < 5) ?? 0);
    expect(t.value(t.pushes()[0]!, 'record.send.total')).toBe(1);
  },
);

test('a compression that is refused is not used again', async () => {
  await using t = await subscribed({ compressions: [4, 1] });
  t.mock.on('PushTelemetry', { times: 1, then: 'error UNSUPPORTED_COMPRESSION_TYPE' });
  await t.mock.clock.advance(60_000);
  expect(new Set(t.mock.pushedMetrics().map(({ compression }) => compression))).toEqual(new Set([1]));
});

test('where all is more than brokers take, the producer’s own metrics are told without topics and brokers', async () => {
  const topics = Array.from({ length: 200 }, (_, i) => `topic-${i}`);
  await using t = await subscribed({ maxBytes: 6_000, compressions: [] }, {}, { topics: ['orders', ...topics] });
  for (const topic of topics) t.producer.produce(topic, 1);
  await t.mock.clock.advance(16_000);
  const [push] = t.pushes();
  expect(push!.data.length).toBeLessThanOrEqual(6_000);
  expect(t.value(push!, 'record.send.total')).toBeGreaterThan(1);
  expect(push!.points.every(({ attributes }) => Object.keys(attributes).length === 0)).toBe(true);
});

test('where even that is too much nothing is pushed, and it goes on trying', async () => {
  await using t = await subscribed({ maxBytes: 10 });
  await t.mock.clock.advance(60_000);
  expect(t.count('PushTelemetry')).toBe(0);
  t.mock.subscribeMetrics({ pushIntervalMs: 1_000 });
  await t.run(t.producer.produce('orders', 1));
});

test('TELEMETRY_TOO_LARGE waits an interval and asks anew', async () => {
  await using t = await subscribed({});
  t.mock.on('PushTelemetry', { times: 1, then: 'error TELEMETRY_TOO_LARGE' });
  t.mock.forgetRequests();
  await t.mock.clock.advance(50_000);
  expect(t.count('GetTelemetrySubscriptions')).toBe(1);
  expect(t.mock.pushedMetrics().length).toBeGreaterThan(0);
});

test.each(['INVALID_REQUEST', 'INVALID_RECORD', 'CLUSTER_AUTHORIZATION_FAILED'])(
  '%s ends it for good, and records go on',
  async (code) => {
    await using t = await subscribed({});
    t.mock.on('PushTelemetry', { then: `error ${code}` });
    await t.mock.clock.advance(16_000);
    t.mock.forgetRequests();
    await t.mock.clock.advance(600_000);
    expect(t.count('PushTelemetry') + t.count('GetTelemetrySubscriptions')).toBe(0);
    expect(await t.run(t.producer.produce('orders', 'after'))).toMatchObject({ offset: 1n });
  },
);

test('a broker that is lost in between is no reason to stop: another one is told', async () => {
  await using t = await subscribed({}, {}, { brokers: 3, topics: { orders: { partitions: 3 } } });
  await t.mock.clock.advance(16_000);
  const [first] = t.mock.pushedMetrics();
  t.mock.killBroker(first!.broker);
  for (let i = 0; i < 3; i++) t.producer.produce('orders', i, { partition: i });
  await t.mock.clock.advance(60_000);
  const later = t.mock.pushedMetrics().slice(1);
  expect(later.length).toBeGreaterThan(0);
  expect(later.every(({ broker }) => broker !== first!.broker)).toBe(true);
});

test('closing tells the rest in a last push, and says that it is the last', async () => {
  await using t = await subscribed({ metrics: ['org.apache.kafka.producer.record.send.total'] });
  await t.mock.clock.advance(16_000);
  t.producer.produce('orders', 'last');
  await t.run(t.producer.close());
  expect(t.producer.state).toBe('closed');
  const last = t.pushes().at(-1)!;
  expect(last.terminating).toBe(true);
  expect(t.value(last, 'record.send.total')).toBe(1);
  expect(t.mock.pushedMetrics().filter(({ terminating }) => terminating).length).toBe(1);
});

test('a broker that does not answer the last push holds the closing up for a second, no longer', async () => {
  await using t = await subscribed({});
  t.mock.on('PushTelemetry', { then: 'mute' });
  const before = t.mock.clock.now();
  await t.run(t.producer.close());
  expect(t.mock.clock.now() - before).toBeGreaterThan(900);
  expect(t.mock.clock.now() - before).toBeLessThan(1_100);
});

test('closing in the midst of a push still sends the last one', async () => {
  await using t = await subscribed({}, {}, { link: { latencyMs: [200, 200] } });
  await t.mock.clock.advance(4_000);
  while (t.count('PushTelemetry') === 0 && t.mock.clock.now() < 30_000) await t.mock.clock.advance(50);
  await t.run(t.producer.close());
  expect(t.mock.pushedMetrics().at(-1)).toMatchObject({ terminating: true });
});

test('metricsPush: false never asks, and brokers that do not list it are not asked either', async () => {
  await using off = await subscribed({}, { metricsPush: false });
  await off.mock.clock.advance(600_000);
  expect(off.count('GetTelemetrySubscriptions')).toBe(0);
  await using t = await start();
  await t.warm();
  await t.mock.clock.advance(600_000);
  expect(t.count('GetTelemetrySubscriptions')).toBe(0);
});

test('payloads of any size and any text are read by a published library as they were written', () => {
  const names = ['a', 'é'.repeat(50), '🙂', 'x'.repeat(20_000), ''];
  const points = names.flatMap((name, i) =>
    Array.from({ length: 40 }, (_, j) => ({
      name: `metric.${i}`,
      isCounter: i % 2 === 0,
      group: 'producer-topic-metrics' as const,
      attributes: { topic: `${name}${j}` },
      value: (i + 1) * 1e15 + j / 3,
    })),
  );
  const options = { labels: { client_rack: 'é' }, isDelta: true, softwareVersion: '1', startMs: 5, nowMs: 1.7e12 };
  const read = readOtlp(encodeMetrics(points, options));
  expect(read.labels).toEqual({ client_rack: 'é' });
  const flat = (list: readonly { name: string; value: number; attributes: object }[]) =>
    list.map(({ name, value, attributes }) => ({ name, value, attributes }));
  expect(flat(read.points)).toEqual(flat(points));
});

test('a producer over TCP with everything on ends by itself', async () => {
  await using t = await start({ tcp: true, telemetry: {} });
  const producer = createProducer({ brokers: t.mock.brokers });
  await producer.produce('orders', 1);
  await producer.close();
  expect(producer.state).toBe('closed');
});

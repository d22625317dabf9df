import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { absent, otherwise } from '../../../../tools/telemetry/java-parity.ts';
import { describeMetrics } from '../../src/index.ts';
import { failure, start } from '../start.ts';
import { startTransactional } from '../transactions/start-transactional.ts';

interface JavaMetric {
  readonly group: string;
  readonly name: string;
}

// The metrics that a running producer of kafka-clients 4.4.0 has: written down by tools/telemetry.
const java = JSON.parse(readFileSync(new URL('java-metrics.json', import.meta.url), 'utf8')) as JavaMetric[];

test('every metric of Java’s producer is here under its name, or is named with the reason why not', () => {
  const ours = new Set(describeMetrics().map(({ group, name }) => `${group} ${name}`));
  const missing = java.filter(({ group, name }) => !ours.has(`${group} ${name}`)).map(({ name }) => name);
  expect(missing.sort()).toEqual(Object.keys(absent).sort());
  expect(java.length - missing.length).toBeGreaterThan(80);
});

test('what is not Java’s says so, and names and groups are told once', () => {
  const javas = new Set(java.map(({ group, name }) => `${group} ${name}`));
  const all = describeMetrics();
  for (const { group, name, help } of all) {
    expect(help.includes('Not in Java')).toBe(!javas.has(`${group} ${name}`));
  }
  expect(new Set(all.map(({ group, name }) => `${group} ${name}`)).size).toBe(all.length);
  for (const name of Object.keys(otherwise)) expect(all.some((metric) => metric.name === name)).toBe(true);
});

test('a snapshot has every metric as a number, and counters that are whole', async () => {
  await using t = await start();
  await t.warm();
  const { client, nodes, topics } = t.producer.metrics();
  for (const { group, name, kind } of describeMetrics()) {
    const subjects =
      group === 'producer-metrics' ? [client] : Object.values(group === 'producer-node-metrics' ? nodes : topics);
    expect(subjects.length).toBeGreaterThan(0);
    for (const values of subjects) {
      expect(values[name]).toBeTypeOf('number');
      if (kind === 'counter') expect(values[name]).toBeGreaterThanOrEqual(0);
    }
  }
  expect(Object.keys(client).length + Object.keys(nodes[1]!).length + Object.keys(topics['orders']!).length).toBe(
    describeMetrics().length,
  );
});

test('records, batches and requests are counted when they are sent', async () => {
  await using t = await start({}, { batchSize: 100, lingerMs: 40 });
  for (let i = 0; i < 10; i++) t.producer.produce('orders', 'x'.repeat(100));
  await t.run(t.producer.flush());
  const { client, topics, nodes } = t.producer.metrics();
  expect(client).toMatchObject({
    'record-send-total': 10,
    'records-per-request-avg': 10,
    'record-error-total': 0,
    'record-retry-total': 0,
    'requests-in-flight': 0,
    'records-unsettled': 0,
    'compression-rate-avg': 1,
    'batch-size-avg': topics['orders']!['byte-total'],
    'batch-size-max': topics['orders']!['byte-total'],
    'buffer-total-bytes': 33_554_432,
    'buffer-available-bytes': 33_554_432,
  });
  expect(topics['orders']).toMatchObject({ 'record-send-total': 10, 'record-delivered-total': 10 });
  expect(client['batch-size-avg']).toBeGreaterThan(1_000);
  expect(client['record-size-avg']).toBeGreaterThan(100);
  expect(client['record-size-avg']).toBeLessThan(120);
  expect(client['request-latency-max']).toBeGreaterThanOrEqual(client['request-latency-avg']!);
  expect(client['request-latency-avg']).toBeGreaterThan(0);
  const requests = t.mock.requests().length;
  expect(client).toMatchObject({
    'request-total': requests,
    'response-total': requests,
    'network-io-total': 2 * requests,
  });
  const sum = (name: string) => Object.values(nodes).reduce((total, values) => total + values[name]!, 0);
  for (const name of ['request-total', 'response-total', 'outgoing-byte-total', 'incoming-byte-total']) {
    expect(sum(name)).toBe(client[name]);
  }
  t.producer.produce('orders', 'y'.repeat(2_000));
  await t.run(t.producer.flush());
  const { 'record-size-max': largest } = t.producer.metrics().client;
  expect(largest).toBeGreaterThan(2_000);
  expect(largest).toBeLessThan(2_020);
});

test('rates are those of Java: of the last minute or so, and as if it had lasted half a minute at least', async () => {
  await using t = await start();
  await t.warm();
  for (let i = 0; i < 60; i++) t.producer.produce('orders', i);
  await t.run(t.producer.flush());
  const young = t.producer.metrics().client['record-send-rate']!;
  expect(young).toBeGreaterThan(61 / 31);
  expect(young).toBeLessThan(61 / 30);
  await t.mock.clock.advance(120_000);
  const { client } = t.producer.metrics();
  expect(client['record-send-rate']).toBe(0);
  expect(client['record-send-total']).toBe(61);
  expect(client['request-latency-avg']).toBeNaN();
  expect(client['metadata-age']).toBeGreaterThan(119);
});

test('compression, queueing and throttling show', async () => {
  await using t = await start({}, { compression: 'gzip', lingerMs: 500 });
  t.mock.on('Produce', { times: 1, then: { throttleMs: 70 } });
  for (let i = 0; i < 100; i++) t.producer.produce('orders', 'the same again and again');
  await t.run(t.producer.flush());
  t.producer.produce('orders', 'alone');
  await t.mock.clock.advance(2_000);
  const { client, topics } = t.producer.metrics();
  expect(client['compression-rate-avg']).toBeLessThan(0.8);
  expect(topics['orders']!['compression-rate']).toBe(client['compression-rate-avg']);
  expect(client['record-queue-time-max']).toBeGreaterThanOrEqual(499);
  expect(client['produce-throttle-time-max']).toBe(70);
  expect(client['produce-throttle-time-avg']).toBe(35);
});

test('retries count the records that are sent again, and errors those that failed, by their code', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error NOT_ENOUGH_REPLICAS' });
  await t.run(t.producer.produce('orders', 'again'));
  t.mock.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
  await t.run(failure(t.producer.produce('orders', 'large')));
  t.mock.on('Metadata', { times: 1, then: 'error TOPIC_AUTHORIZATION_FAILED' });
  await t.run(failure(t.producer.produce('secret', 'x')));
  const { client, topics, failures } = t.producer.metrics();
  expect(client).toMatchObject({ 'record-retry-total': 1, 'record-error-total': 2, 'record-send-total': 4 });
  expect(topics['orders']).toMatchObject({
    'record-retry-total': 1,
    'record-error-total': 1,
    'record-delivered-total': 2,
  });
  expect(failures).toEqual({ orders: { MESSAGE_TOO_LARGE: 1 }, secret: { TOPIC_AUTHORIZATION_FAILED: 1 } });
});

test('a batch that is divided is counted as such', async () => {
  await using t = await start({}, { batchSize: 100, lingerMs: 10 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
  for (let i = 0; i < 4; i++) t.producer.produce('orders', i);
  await t.run(t.producer.flush());
  const { client } = t.producer.metrics();
  expect(client['batch-split-total']).toBe(1);
  expect(client['record-error-total']).toBe(0);
});

test('waiting for room shows while it lasts and after, and records that found none are counted', async () => {
  await using t = await start({ link: { latencyMs: [500, 500] } }, { bufferBytes: 4_096, maxBlockMs: 3_900 });
  await t.warm();
  const waiting = Array.from({ length: 20 }, () => t.producer.produce('orders', 'x'.repeat(1_000)));
  for (const each of waiting) each.catch(() => {});
  await t.mock.clock.advance(300);
  const during = t.producer.metrics().client;
  expect(during['waiting-threads']).toBeGreaterThan(0);
  expect(during['bufferpool-wait-time-ns-total']).toBeCloseTo(300_000_000, -7);
  expect(during['buffer-available-bytes']).toBe(0);
  await t.mock.clock.advance(10_000);
  const after = t.producer.metrics().client;
  const refused = (await Promise.allSettled(waiting)).filter(({ status }) => status === 'rejected').length;
  expect(refused).toBeGreaterThan(0);
  expect(after).toMatchObject({ 'buffer-exhausted-total': refused, 'record-error-total': refused });
  expect(after['waiting-threads']).toBe(0);
  expect(after['bufferpool-wait-ratio']).toBeGreaterThan(0);
  await t.mock.clock.advance(10_000);
  expect(t.producer.metrics().client['bufferpool-wait-time-ns-total']).toBe(after['bufferpool-wait-time-ns-total']);
});

test('callers of ready() that wait are waiting for room too', async () => {
  await using t = await start({ link: { latencyMs: [500, 500] } }, { bufferBytes: 8_192 });
  await t.warm();
  for (let i = 0; i < 9; i++) t.producer.produce('orders', 'x'.repeat(1_000));
  const ready = t.producer.ready();
  await t.mock.clock.advance(100);
  expect(t.producer.metrics().client['waiting-threads']).toBe(1);
  await t.run(ready);
  expect(t.producer.metrics().client['bufferpool-wait-time-ns-total']).toBeGreaterThan(100_000_000);
});

test('time spent waiting for metadata and for flushes is added up, and counts once for all that wait', async () => {
  await using t = await start({ link: { latencyMs: [50, 50] } });
  t.producer.produce('orders', 1);
  t.producer.produce('orders', 2);
  const flushes = [t.producer.flush(), t.producer.flush()];
  await t.run(Promise.all(flushes));
  const { client } = t.producer.metrics();
  // Connecting, ApiVersions, Metadata: a hundred milliseconds each.
  expect(client['metadata-wait-time-ns-total']).toBeGreaterThan(250_000_000);
  expect(client['metadata-wait-time-ns-total']).toBeLessThan(500_000_000);
  expect(client['flush-time-ns-total']).toBeGreaterThan(client['metadata-wait-time-ns-total']!);
  expect(client['flush-time-ns-total']).toBeLessThan(1_000_000_000);
});

test('connections are counted as they come and go, and brokers that leave the cluster are forgotten', async () => {
  await using t = await start({ brokers: 2, topics: { orders: { partitions: 2, replicationFactor: 2 } } });
  for (let partition = 0; partition < 2; partition++) t.producer.produce('orders', partition, { partition });
  await t.run(t.producer.flush());
  const before = t.producer.metrics();
  expect(Object.keys(before.nodes).sort()).toEqual(['1', '2']);
  expect(before.client['connection-count']).toBe(2);
  expect(before.client['connection-creation-total']).toBe(2);
  t.mock.killBroker(2);
  for (let partition = 0; partition < 2; partition++) t.producer.produce('orders', partition, { partition });
  await t.run(t.producer.flush());
  const after = t.producer.metrics();
  expect(Object.keys(after.nodes)).toEqual(['1']);
  expect(after.client['connection-count']).toBe(1);
  expect(after.client['connection-close-total']).toBe(1);
});

test('a topic may be called as it likes', async () => {
  await using t = await start({ topics: ['__proto__', 'constructor'] });
  await t.run(t.producer.produce('__proto__', 1));
  await t.run(t.producer.produce('constructor', 1));
  const { topics } = t.producer.metrics();
  expect(Object.keys(topics).sort()).toEqual(['__proto__', 'constructor']);
  expect(Object.values(topics).map((values) => values['record-send-total'])).toEqual([1, 1]);
});

test('transactions tell how long each of their steps took', async () => {
  await using t = await startTransactional('4.4', {}, { link: { latencyMs: [50, 50] } });
  for (let i = 0; i < 2; i++) {
    const tx = await t.run(t.producer.begin());
    tx.produce('orders', i);
    await t.run(t.producer.commit());
  }
  const tx = await t.run(t.producer.begin());
  await t.run(tx.sendOffsets([{ topic: 'orders', partition: 0, offset: 1n }], 'group'));
  await t.run(t.producer.abort());
  const { client } = t.producer.metrics();
  expect(client['txn-init-time-ns-total']).toBeGreaterThan(100_000_000);
  expect(client['txn-commit-time-ns-total']).toBeGreaterThan(200_000_000);
  expect(client['txn-abort-time-ns-total']).toBeGreaterThan(90_000_000);
  expect(client['txn-send-offsets-time-ns-total']).toBeGreaterThan(90_000_000);
  expect(client['txn-begin-time-ns-total']).toBeLessThan(50_000_000);
});

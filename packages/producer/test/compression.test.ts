import { monitorEventLoopDelay } from 'node:perf_hooks';
import { MockCluster } from '@kiel/mock-cluster';
import { expect, test } from 'vitest';
import { createProducer } from '../src/index.ts';
import { start } from './start.ts';

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  '%s: records come back in order, and take fewer bytes',
  async (compression) => {
    await using t = await start({ brokers: 1 }, { compression, batchBytes: 10_000 });
    for (let i = 0; i < 2_000; i++) t.producer.produce('orders', { id: i, text: 'the same words again and again' });
    await t.run(t.producer.flush());
    expect(t.values().map((value) => (value as { id: number }).id)).toEqual([...Array(2_000).keys()]);
    expect(t.mock.batches('orders', 0).reduce((sum, { length }) => sum + length, 0)).toBeLessThan(60_000);
  },
);

test('P30: batches compressed beside the main thread go out in order whichever is done first', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
  const producer = createProducer({
    brokers: cluster.brokers,
    compression: 'zstd',
    compressionMode: 'threaded',
    batchBytes: 100_000,
  });
  // Large and small batches by turns, so that a later one is often ready first.
  const sent = [];
  for (let i = 0; i < 300; i++) {
    sent.push(producer.produce('orders', `${i} `.repeat(i % 2 === 0 ? 20_000 : 10)));
  }
  const reports = await Promise.all(sent);
  await producer.close();
  expect(reports.map(({ offset }) => Number(offset))).toEqual([...Array(300).keys()]);
  expect(cluster.log('orders', 0).map(({ value }) => Number.parseInt(String(value), 10))).toEqual([
    ...Array(300).keys(),
  ]);
});

test('P30: with gzip beside the main thread the event loop is not held up for long', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'], requestHistory: 0 });
  const producer = createProducer({
    brokers: cluster.brokers,
    compression: 'gzip',
    compressionLevel: 9,
    batchBytes: 1_000_000,
  });
  await producer.produce('orders', 'warm');
  const value = Array.from({ length: 2_000 }, (_, i) => `${i * 7919}`).join(' ');
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  for (let i = 0; i < 400; i++) {
    producer.produce('orders', value);
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  await producer.flush();
  delay.disable();
  await producer.close();
  expect(cluster.log('orders', 0).length).toBe(401);
  // Compressed in turn, a batch of this level and size would hold it for some 100 ms each time.
  expect(delay.percentile(50) / 1e6).toBeLessThan(60);
});

import { MockCluster } from '@kiel/mock-cluster';
import { expect, test } from 'vitest';
import { createProducer } from '../src/index.ts';

test('records reach the log', async () => {
  await using cluster = await MockCluster.start({ brokers: 2, tcp: false, topics: { orders: { partitions: 1 } } });
  const producer = createProducer(cluster.inMemory());
  producer.on('stateChanged', ({ from, to }) => console.log(cluster.clock.now(), from, '->', to));
  const sent = [producer.produce('orders', 'a'), producer.produce('orders', 'b')];
  await cluster.clock.run(producer.flush());
  expect(cluster.log('orders', 0).map((record) => record.value)).toEqual(['a', 'b']);
  expect(await Promise.all(sent)).toMatchObject([{ offset: 0n }, { offset: 1n }]);
  await cluster.clock.run(producer.close());
});

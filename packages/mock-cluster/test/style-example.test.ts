import { createProducer } from '@kiel/producer';
import { expect, test } from 'vitest';
import { HistoryRecorder, MockCluster } from '../src/index.ts';

test('a reply lost after the append is not written twice', async () => {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: { partitions: 1 } } });
  await using producer = createProducer(cluster.inMemory()); // its transport, clock and random seed
  cluster.on('Produce', { times: 1, then: 'append-then-drop-reply' });

  const sent = [producer.produce('orders', 'a'), producer.produce('orders', 'b')];
  await cluster.clock.run(producer.flush()); // moves time on whenever everyone is waiting

  expect(cluster.log('orders', 0).map((record) => record.value)).toEqual(['a', 'b']);
  expect(await Promise.all(sent)).toMatchObject([{ offset: 0n }, { offset: 1n }]);
});

test('a broker lost under load: the history is whole, and the seed replays it', async () => {
  const run = async () => {
    await using cluster = await MockCluster.start({ brokers: 3, topics: { orders: 4 }, tcp: false, seed: 11 });
    const recorder = new HistoryRecorder({ clock: cluster.clock });
    await using producer = createProducer(cluster.inMemory());
    const watched = recorder.wrap(producer as never) as typeof producer;
    cluster.on('*', { probability: 0.05, then: 'append-then-drop-reply' });
    cluster.clock.setTimeout(() => cluster.killBroker(2), 40);
    cluster.clock.setTimeout(() => void cluster.startBroker(2), 5_000);
    const work = async () => {
      for (let i = 0; i < 200; i++) {
        watched.produce('orders', { i }).catch(() => {});
        await cluster.clock.sleep(1);
      }
      await producer.flush();
    };
    await cluster.clock.run(work());
    const verdict = cluster.verify(recorder);
    expect(String(verdict)).toContain('everything is as it should be');
    return cluster.requests().map(({ atMs, api, broker, outcome }) => `${atMs} ${api} ${broker} ${outcome}`);
  };
  const first = await run();
  expect(first.length).toBeGreaterThan(50);
  expect(await run()).toEqual(first);
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { start } from './start.ts';

test('callbacks of a delivery run in the asynchronous context in which they were given', async () => {
  await using t = await start({}, { batchSize: 10, lingerMs: 5 });
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const told = ['a', 'b', 'c'].map((name) =>
    storage.run(name, () => t.producer.produce('orders', name).then(() => seen.push(storage.getStore()))),
  );
  await t.run(Promise.all(told));
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(t.count('Produce')).toBe(1);
});

test('offsets and timestamps are each record’s own, in whatever order they are asked for', async () => {
  await using t = await start({}, { batchSize: 6, lingerMs: 5 });
  const base = 1_700_000_000_000;
  const sent = [0, 1, 2, 3, 4, 5].map((i) =>
    t.producer.produce('orders', i, { timestampMs: base + Math.floor(i / 2) * 7 }),
  );
  await t.run(t.producer.flush());
  const order = [5, 0, 3, 4, 1, 2];
  const reports = await Promise.all(order.map((i) => sent[i]!));
  expect(reports.map(({ offset }) => Number(offset))).toEqual(order);
  expect(reports.map(({ timestampMs }) => timestampMs - base)).toEqual(order.map((i) => Math.floor(i / 2) * 7));
});

test('a record that is taken back tells its own waiters alone; the others learn of theirs when the batch is stored', async () => {
  await using t = await start({}, { batchSize: 10, lingerMs: 50 });
  await t.warm();
  const controller = new AbortController();
  const kept = t.producer.produce('orders', 'kept');
  const gone = t.producer.produce('orders', 'gone', { signal: controller.signal });
  const last = t.producer.produce('orders', 'last');
  const told: string[] = [];
  const all = [
    kept.then(({ offset }) => told.push(`kept at ${offset}`)),
    gone.catch(({ code }) => told.push(code)),
    last.then(({ offset }) => told.push(`last at ${offset}`)),
  ];
  controller.abort();
  await t.run(Promise.all(all));
  expect(told).toEqual(['CANCELLED', 'kept at 1', 'last at 2']);
  expect(t.values()).toEqual(['warm', 'kept', 'last']);
});

test('a signal has one listener, however many records wait under it, and none when they are settled', async () => {
  await using t = await start({}, { lingerMs: 5 });
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const sent = Array.from({ length: 1000 }, (_, n) => t.producer.produce('orders', n, { signal }));
  expect(listeners()).toBe(1);
  await t.run(Promise.all(sent));
  await t.run(Promise.resolve());
  expect(listeners()).toBe(0);
});

test('a signal takes back all that waits under it, in the order of the calls, and nothing else', async () => {
  await using t = await start({}, { lingerMs: 50 });
  await t.warm();
  const [first, second] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  for (const [name, { signal }] of [
    ['a', first],
    ['b', second],
    ['c', first],
    ['d', first],
  ] as const) {
    t.producer.produce('orders', name, { signal }).then(
      () => told.push(`${name} stored`),
      ({ code }) => told.push(`${name} ${code}`),
    );
  }
  first.abort();
  await t.run(t.producer.flush());
  expect(told).toEqual(['a CANCELLED', 'c CANCELLED', 'd CANCELLED', 'b stored']);
  expect(t.values()).toEqual(['warm', 'b']);
});

test('what a callback throws is the rejection of what then() gave, and nobody else’s', async () => {
  await using t = await start({}, { batchSize: 2, lingerMs: 5 });
  const thrown = t.producer.produce('orders', 'a').then(() => {
    throw new RangeError('mine');
  });
  const fine = t.producer.produce('orders', 'b').then(({ offset }) => offset);
  expect(await t.run(Promise.allSettled([thrown, fine]))).toMatchObject([
    { status: 'rejected', reason: { message: 'mine' } },
    { status: 'fulfilled', value: 1n },
  ]);
});

test('a large answer on metadata is taken in slices, and every record that waited for it goes out', async () => {
  const topics = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`t${i}`, { partitions: 12 }]));
  await using t = await start({ topics });
  const sent = Object.keys(topics).map((topic) => t.producer.produce(topic, topic));
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ topic }) => topic)).toEqual(Object.keys(topics));
});

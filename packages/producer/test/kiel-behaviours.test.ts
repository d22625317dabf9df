import { expect, test } from 'vitest';
import { createProducer } from '../src/index.ts';
import { failure, start } from './start.ts';

test('flush with nothing pending sends nothing and does not even connect', async () => {
  await using t = await start();
  await t.run(t.producer.flush());
  await t.mock.clock.advance(5_000);
  expect(t.mock.requests()).toEqual([]);
  expect(t.producer.state).toBe('idle');
});

test('a custom partitioner is given key and partitions, and what it returns is where the record goes', async () => {
  const seen: unknown[] = [];
  await using t = await start(
    { topics: { orders: { partitions: 4 } } },
    {
      partitioner: (key, partitions, { topic, value }) => {
        seen.push([key, [...partitions], topic, value]);
        return key === 'eu' ? 3 : 1;
      },
    },
  );
  t.producer.produce('orders', 'foo', { key: 'eu' });
  t.producer.produce('orders', 'bar', { key: 'us' });
  await t.run(t.producer.flush());
  expect(t.values('orders', 3)).toEqual(['foo']);
  expect(t.values('orders', 1)).toEqual(['bar']);
  expect(seen).toEqual([
    ['eu', [0, 1, 2, 3], 'orders', 'foo'],
    ['us', [0, 1, 2, 3], 'orders', 'bar'],
  ]);
});

test('a batch of three waits for the third message, over all topics, and goes with it', async () => {
  await using t = await start({ topics: ['orders', 'clicks'] }, { batchSize: 3, lingerMs: 60_000 });
  t.producer.produce('orders', 'warm');
  await t.run(t.producer.flush());
  t.producer.produce('orders', 1);
  t.producer.produce('clicks', 2);
  await t.mock.clock.advance(30_000);
  expect(t.producer.unsentCount).toBe(2);
  expect(t.producer.state).toBe('batching');
  expect(t.values()).toEqual(['warm']);
  t.producer.produce('orders', 3);
  await t.mock.clock.advance(1_000);
  expect(t.producer.unsentCount).toBe(0);
  expect(t.values()).toEqual(['warm', 1, 3]);
  expect(t.values('clicks')).toEqual([2]);
});

test('the default is JSON, compressed with gzip where that is asked for', async () => {
  await using t = await start({}, { compression: 'gzip' });
  const order = { id: 7, text: 'x'.repeat(500) };
  for (let i = 0; i < 20; i++) t.producer.produce('orders', order);
  await t.run(t.producer.flush());
  expect(t.values()).toEqual(Array.from({ length: 20 }, () => order));
  const bytes = t.mock.batches('orders', 0).reduce((sum, batch) => sum + batch.length, 0);
  expect(bytes).toBeLessThan(2_000);
});

test('close flushes what lingers', async () => {
  await using t = await start({}, { batchSize: 1_000, lingerMs: 60_000 });
  const sent = t.producer.produce('orders', 'last');
  await t.run(t.producer.close());
  expect(t.values()).toEqual(['last']);
  expect(await sent).toMatchObject({ offset: 0n });
  expect(t.producer.state).toBe('closed');
});

test('a retriable refusal of foo does not let bar overtake it', async () => {
  await using t = await start();
  t.mock.on('Produce', { times: 2, then: 'error NOT_LEADER_OR_FOLLOWER' });
  t.producer.produce('orders', 'foo');
  await t.mock.clock.advance(5);
  t.producer.produce('orders', 'bar');
  await t.run(t.producer.flush());
  expect(t.values()).toEqual(['foo', 'bar']);
});

test('a topic without leader heals by itself once it has one', async () => {
  await using t = await start();
  const rule = t.mock.on('Metadata', { then: 'error LEADER_NOT_AVAILABLE' });
  const sent = t.producer.produce('orders', 'foo');
  await t.mock.clock.advance(3_000);
  expect(t.producer.state).toBe('healing');
  rule.remove();
  expect(await t.run(sent)).toMatchObject({ offset: 0n });
  expect(t.mock.requests({ api: 'Metadata' }).length).toBeLessThan(15);
});

test('a produce after close settles at once, as closed', async () => {
  await using t = await start();
  await t.run(t.producer.close());
  const error = await failure(t.producer.produce('orders', 'late'));
  expect(error).toMatchObject({ code: 'CLOSED', persisted: 'no', topic: 'orders' });
  expect(t.mock.requests()).toEqual([]);
});

test('a topic that nobody creates fails its records within maxBlockMs, and no other', async () => {
  await using t = await start({ autoCreateTopics: false }, { maxBlockMs: 2_000 });
  const lost = failure(t.producer.produce('nowhere', 'x'));
  const sent = t.producer.produce('orders', 'x');
  expect(await t.run(sent)).toMatchObject({ offset: 0n });
  const error = await t.run(lost);
  expect(error).toMatchObject({ code: 'METADATA_TIMEOUT', persisted: 'no', topic: 'nowhere' });
  expect(t.mock.requests({ api: 'Produce' }).length).toBe(1);
  expect(t.mock.clock.now()).toBeLessThan(2_500);
});

test('a fatal refusal drops foo and sends bar', async () => {
  await using t = await start();
  t.mock.on('Produce', { times: 1, then: 'error INVALID_REQUIRED_ACKS' });
  const foo = failure(t.producer.produce('orders', 'foo'));
  await t.mock.clock.advance(50);
  const bar = t.producer.produce('orders', 'bar');
  expect(await t.run(bar)).toMatchObject({ offset: 0n });
  expect(await foo).toMatchObject({ code: 'INVALID_REQUIRED_ACKS', persisted: 'no' });
  expect(t.values()).toEqual(['bar']);
});

test('with every bootstrap entry dead the record fails by its deadline, naming each address and why', async () => {
  await using t = await start({}, { brokers: ['127.0.0.1:1', 'nowhere:2'], maxBlockMs: 3_000 });
  const error = await t.run(failure(t.producer.produce('orders', 'x')));
  expect(error).toMatchObject({ code: 'METADATA_TIMEOUT', persisted: 'no' });
  expect(error.message).toContain('127.0.0.1:1');
  expect(error.message).toContain('nowhere:2');
  expect(error.message).toContain('ECONNREFUSED');
  expect(error.hint).not.toBe('');
});

test('one living bootstrap entry behind dead ones is enough', async () => {
  await using t = await start();
  const producer = createProducer({
    ...t.mock.inMemory(),
    brokers: ['nowhere:1', 'nowhere:2', t.mock.inMemory().brokers[2]!],
  });
  expect(await t.run(producer.produce('orders', 'x'))).toMatchObject({ offset: 0n });
  await t.run(producer.close());
});

test('healing keeps brokers that stay, takes new addresses, and drops those that left', async () => {
  await using t = await start({ topics: { orders: { partitions: 3 } } }, { metadataMaxAgeMs: 1_000 });
  const all = () => Promise.all([0, 1, 2].map((partition) => t.producer.produce('orders', partition, { partition })));
  await t.run(all());
  const connects = () => t.mock.requests({ api: 'ApiVersions' }).length;
  const before = connects();
  await t.mock.clock.advance(3_000);
  await t.run(all());
  expect(connects()).toBe(before);

  const moved = t.mock.leader('orders', 1);
  t.mock.killBroker(moved);
  await t.mock.startBroker(moved, { newAddress: true });
  await t.run(all());
  t.mock.killBroker(t.mock.leader('orders', 2));
  await t.run(all());
  expect([0, 1, 2].map((partition) => t.values('orders', partition).length)).toEqual([4, 4, 4]);
});

test('answers that come in another order than the questions find their requests', async () => {
  await using t = await start({ brokers: 1, topics: { orders: { partitions: 2 } } });
  await t.run(t.producer.produce('orders', 'warm', { partition: 0 }));
  await t.run(t.producer.produce('orders', 'warm', { partition: 1 }));
  t.mock.on('Produce', { times: 1, then: 'swap-replies' });
  const foo = t.producer.produce('orders', 'foo', { partition: 0 });
  await t.mock.clock.advance(1);
  const bar = t.producer.produce('orders', 'bar', { partition: 1 });
  expect(await t.run(Promise.all([foo, bar]))).toMatchObject([
    { partition: 0, offset: 1n },
    { partition: 1, offset: 1n },
  ]);
  expect(t.mock.requests({ api: 'Produce' }).length).toBe(4);
});

test('a connection that dies twice in a row costs nothing and doubles nothing', async () => {
  await using t = await start();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'reset' });
  const sent = ['a', 'b', 'c'].map((value) => t.producer.produce('orders', value));
  expect(await t.run(Promise.all(sent))).toMatchObject([{ offset: 0n }, { offset: 1n }, { offset: 2n }]);
  expect(t.values()).toEqual(['a', 'b', 'c']);
});

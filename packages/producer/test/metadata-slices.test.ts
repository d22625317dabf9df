import { MockCluster } from '@kiel/mock-cluster';
import { expect, test, vi } from 'vitest';
import { type Clock, createProducer, type ProducerOptions } from '../src/index.ts';
import { failure } from './start.ts';

// Large answers of metadata are taken in slices, with a turn of the loop between them: what may happen meanwhile.

const names = Array.from({ length: 600 }, (_, i) => `t${String(i).padStart(3, '0')}`);

/** A cluster of many topics, and a producer for which a turn of the loop takes so long that things happen within. */
async function sliced(options: Partial<ProducerOptions> = {}) {
  const topics = Object.fromEntries(names.map((name) => [name, { partitions: 12 }]));
  const mock = await MockCluster.start({ brokers: 3, tcp: false, topics });
  const client = mock.inMemory();
  let turnMs = 0;
  const clock: Clock = {
    now: () => client.clock.now(),
    epochMs: () => client.clock.epochMs(),
    setTimeout: (callback, delayMs) => client.clock.setTimeout(callback, delayMs),
    clearTimeout: (id) => client.clock.clearTimeout(id),
    setImmediate: (callback) =>
      turnMs === 0 ? client.clock.setImmediate(callback) : void client.clock.setTimeout(callback, turnMs),
  };
  const producer = createProducer({ ...client, clock, ...options });
  return {
    mock,
    producer,
    run: <T>(promise: PromiseLike<T>) => mock.clock.run(promise),
    turnsTake: (ms: number) => {
      turnMs = ms;
    },
    async [Symbol.asyncDispose]() {
      turnMs = 0;
      await mock.clock.run(producer.close({ timeoutMs: 1_000 }));
      await mock.stop();
    },
  };
}

test('a close in the midst of them settles all records, and nothing is alive afterwards', async () => {
  const warn = vi.spyOn(console, 'warn');
  await using t = await sliced();
  t.turnsTake(200);
  const outcomes = names.map((name) =>
    t.producer.produce(name, name).then(
      () => 'stored',
      ({ code }: { code: string }) => code,
    ),
  );
  await t.mock.clock.advance(300);
  await t.run(t.producer.close({ timeoutMs: 0 }));
  const counts = Object.groupBy(await Promise.all(outcomes), (outcome) => outcome);
  expect(Object.keys(counts).every((outcome) => outcome === 'stored' || outcome === 'CLOSED')).toBe(true);
  expect(counts['CLOSED']?.length).toBeGreaterThan(0);
  await t.mock.clock.advance(10_000);
  expect([t.producer.unsettledCount, t.producer.bufferedBytes, t.mock.clock.pendingTimers]).toEqual([0, 0, 0]);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test('a topic that is new meanwhile is asked for next, and its record delivered', async () => {
  await using t = await sliced();
  t.turnsTake(100);
  const sent = names.map((name) => t.producer.produce(name, name));
  await t.mock.clock.advance(250);
  sent.push(t.producer.produce('fresh', 'fresh'));
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ topic }) => topic)).toEqual([...names, 'fresh']);
  expect(t.mock.requests({ api: 'Metadata' }).length).toBeLessThan(6);
});

test('what a leader’s hint told meanwhile is not taken back by an older slice', async () => {
  await using t = await sliced();
  const last = names[names.length - 1]!;
  await t.run(Promise.all(names.map((name) => t.producer.produce(name, 0, { partition: 0 }))));
  t.mock.createTopic('fresh');
  t.turnsTake(300);
  // A topic that is not known here: all are asked about, and what is said of the last one is taken after some turns.
  const fresh = t.producer.produce('fresh', 'fresh');
  await t.mock.clock.advance(20);
  t.mock.on('Produce', { topic: last, times: 1, then: 'move-leader-with-hint' });
  t.mock.forgetRequests();
  await t.run(t.producer.produce(last, 1, { partition: 0 }));
  expect(t.producer.unsettledCount).toBe(1);
  await t.run(fresh);
  await t.mock.clock.advance(3_000);
  await t.run(t.producer.produce(last, 2, { partition: 0 }));
  expect(t.mock.log(last, 0).map(({ value }) => value)).toEqual([0, 1, 2]);
  const requests = t.mock
    .requests({ api: 'Produce' })
    .filter(({ touched }) => touched.some(({ topic }) => topic === last));
  // The first one was refused, and none went to the former leader after the hint.
  expect(requests.length).toBe(3);
});

test('the broker that answered is lost meanwhile, and a listener throws: all records go out or fail by their deadline', async () => {
  const partitioner = (_key: unknown, _partitions: readonly number[], { topic }: { topic: string }) => {
    if (topic.endsWith('7')) throw new Error('not this one');
    return 0;
  };
  await using t = await sliced({ partitioner, deliveryTimeoutMs: 20_000 });
  t.producer.on('deliveryFailed', () => {
    throw new Error('from a listener');
  });
  t.turnsTake(50);
  const good = names.filter((name) => !name.endsWith('7'));
  const bad = names.filter((name) => name.endsWith('7'));
  const failures = bad.map((name) => failure(t.producer.produce(name, name)));
  for (const name of bad) t.producer.produce(name, 'nobody awaits it');
  const sent = good.map((name) => t.producer.produce(name, name));
  await t.mock.clock.advance(120);
  const asked = t.mock.requests({ api: 'Metadata' })[0]!.broker;
  t.mock.killBroker(asked);
  await t.mock.clock.advance(2_000);
  await t.mock.startBroker(asked);
  expect((await t.run(Promise.all(sent))).map(({ topic }) => topic)).toEqual(good);
  expect(new Set((await t.run(Promise.all(failures))).map(({ code }) => code))).toEqual(
    new Set(['PARTITIONER_FAILED']),
  );
});

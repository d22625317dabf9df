import { expect, test } from 'vitest';
import { HistoryRecorder, MockCluster } from '../src/index.ts';
import { batch, TestClient } from './client.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function setUp() {
  const cluster = await MockCluster.start({ topics: { orders: 2 }, tcp: false });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const recorder = new HistoryRecorder({ clock: cluster.clock });
  const offer = (value: string, partition?: number) =>
    recorder.offer({ topic: 'orders', partition, key: null, value: bytes(value) });
  const send = (values: string[], partition = 0) =>
    cluster.clock.run(client.produce('orders', partition, batch(values)));
  const kinds = () => cluster.verify(recorder).violations.map(({ kind }) => kind);
  return { cluster, recorder, offer, send, kinds };
}

test('a history in which all went well is found to be so', async () => {
  const { cluster, recorder, offer, send } = await setUp();
  for (let i = 0; i < 10; i++) {
    const id = offer(`${i}`);
    const { baseOffset } = await send([`${i}`], i % 2);
    recorder.acked(id, { partition: i % 2, offset: baseOffset });
  }
  const verdict = cluster.verify(recorder);
  expect(verdict.ok).toBe(true);
  expect(String(verdict)).toBe(
    '10 records offered, 10 acknowledged, 0 failed, 10 in the logs: everything is as it should be',
  );
  await cluster.stop();
});

test('what is acknowledged and not there is lost, with the events that led there', async () => {
  const { cluster, recorder, offer } = await setUp();
  recorder.acked(offer('gone'), { partition: 0, offset: 0n });
  const verdict = cluster.verify(recorder);
  expect(verdict.violations).toMatchObject([{ kind: 'lost', records: [0] }]);
  expect(String(verdict)).toContain('record 0 (orders, "gone") was acknowledged at orders-0@0, and is not in the log');
  expect(verdict.violations[0]!.account).toEqual([
    expect.stringContaining('record 0 offered'),
    expect.stringContaining('record 0 acknowledged at partition 0, offset 0'),
  ]);
  await cluster.stop();
});

test('two copies, a wrong offset, a wrong order, a stranger: each has its name', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  const a = offer('a');
  const b = offer('b');
  await send(['b']);
  await send(['a']);
  recorder.acked(a, { partition: 0, offset: 1n });
  recorder.acked(b, { partition: 0, offset: 0n });
  expect(kinds()).toEqual(['out-of-order']);
  await send(['a']);
  expect(kinds()).toEqual(['out-of-order', 'duplicated']);
  await send(['x']);
  expect(kinds()).toEqual(['out-of-order', 'foreign', 'duplicated']);
  recorder.acked(offer('c'), { partition: 0, offset: 9n });
  await send(['c']);
  expect(kinds()).toEqual(['out-of-order', 'foreign', 'duplicated', 'misplaced']);
  const text = String(cluster.verify(recorder));
  expect(text).toContain('Produce v11 to broker 1: orders-0 1 record -> offset 0');
  await cluster.stop();
});

test('no means no, yes means yes, possibly means either', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  recorder.failed(offer('p1'), { persisted: 'possibly', code: 'DELIVERY_TIMEOUT' });
  recorder.failed(offer('p2'), { persisted: 'possibly', code: 'DELIVERY_TIMEOUT' });
  recorder.failed(offer('n1'), { persisted: 'no', code: 'MESSAGE_TOO_LARGE' });
  await send(['p2']);
  expect(kinds()).toEqual([]);
  recorder.failed(offer('n2'), { persisted: 'no', code: 'DELIVERY_TIMEOUT' });
  await send(['n2']);
  expect(kinds()).toEqual(['stored-after-no']);
  recorder.failed(offer('y'), { persisted: 'yes', code: 'CLOSED' });
  expect(kinds()).toEqual(['stored-after-no', 'missing-after-yes']);
  await cluster.stop();
});

test('every record settles exactly once', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  const a = offer('a');
  offer('b');
  await send(['a']);
  recorder.acked(a, { partition: 0, offset: 0n });
  recorder.acked(a, { partition: 0, offset: 0n });
  recorder.acked(77, { partition: 0, offset: 0n });
  expect(kinds()).toEqual(['settled-twice', 'unknown-report', 'never-settled']);
  recorder.finished = false;
  expect(kinds()).toEqual(['settled-twice', 'unknown-report']);
  await cluster.stop();
});

test('records that are alike are told apart by the offsets reported for them', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  for (let i = 0; i < 3; i++) {
    const id = offer('same');
    const { baseOffset } = await send(['same']);
    recorder.acked(id, { partition: 0, offset: baseOffset });
  }
  expect(kinds()).toEqual([]);
  await send(['same']);
  expect(kinds()).toEqual(['duplicated']);
  await cluster.stop();
});

test('retention and deleted records are no loss', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  for (const value of ['a', 'b', 'c']) {
    const id = offer(value);
    const { baseOffset } = await send([value]);
    recorder.acked(id, { partition: 0, offset: baseOffset });
  }
  cluster.deleteRecords('orders', 0, 2);
  expect(kinds()).toEqual([]);
  await cluster.stop();
});

test('a wrapped producer writes its own history', async () => {
  const { cluster, recorder, send, kinds } = await setUp();
  const producer = {
    label: 'mine',
    async produce(topic: string, value: { n: number }, options?: { partition?: number }) {
      void topic;
      const { baseOffset } = await send([JSON.stringify(value)], options?.partition ?? 0);
      return { partition: options?.partition ?? 0, offset: baseOffset };
    },
  };
  const watched = recorder.wrap(producer as never) as typeof producer;
  expect(watched.label).toBe('mine');
  await watched.produce('orders', { n: 1 });
  await watched.produce('orders', { n: 2 }, { partition: 1 });
  expect(recorder.reports).toHaveLength(2);
  expect(kinds()).toEqual([]);
  await cluster.stop();
});

test('records that are all alike, and transactions of any size, take no more time than others', async () => {
  const { cluster, recorder, send } = await setUp();
  const count = 40_000;
  const { baseOffset } = await send(Array.from({ length: count }, () => 'same'));
  recorder.begin();
  for (let i = 0; i < count; i++) {
    const id = recorder.offer({ topic: 'orders', key: null, value: bytes('same') });
    // The last thousand are settled without a place of their own.
    const offset = i < count - 1_000 ? baseOffset + BigInt(i) : -1n;
    recorder.acked(id, { partition: 0, offset });
  }
  recorder.end('committed');
  const start = process.cpuUsage();
  const verdict = cluster.verify(recorder);
  expect(verdict.violations).toEqual([]);
  // Each held against each would be minutes.
  expect(process.cpuUsage(start).user).toBeLessThan(10_000_000);
  await cluster.stop();
});

test('hundred thousand records are judged in a few seconds', async () => {
  const cluster = await MockCluster.start({ topics: { orders: 1 }, tcp: false, requestHistory: 0 });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  const recorder = new HistoryRecorder({ clock: cluster.clock });
  for (let b = 0; b < 10; b++) {
    const values = Array.from({ length: 10_000 }, (_, i) => `record ${b * 10_000 + i}`);
    const { baseOffset, errorCode } = await cluster.clock.run(client.produce('orders', 0, batch(values)));
    expect(errorCode).toBe(0);
    for (const [i, value] of values.entries()) {
      recorder.acked(recorder.offer({ topic: 'orders', key: null, value: bytes(value) }), {
        partition: 0,
        offset: baseOffset + BigInt(i),
      });
    }
  }
  const start = performance.now();
  const verdict = cluster.verify(recorder);
  expect(String(verdict)).toContain('100000 in the logs: everything is as it should be');
  expect(performance.now() - start).toBeLessThan(20_000);
  await cluster.stop();
}, 60_000);

test('of two records acknowledged at one place, the one that lies there is found there', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  const [a, b, c] = [offer('a'), offer('b'), offer('c')];
  await send(['a', 'b', 'c']);
  recorder.acked(a, { partition: 0, offset: 1n });
  recorder.acked(b, { partition: 0, offset: 1n });
  recorder.acked(c, { partition: 0, offset: 2n });
  expect(kinds()).toEqual(['misplaced']);
  expect(cluster.verify(recorder).violations[0]!.records).toEqual([a]);
  await cluster.stop();
});

test('what is acknowledged at the place of another record is lost', async () => {
  const { cluster, recorder, offer, send, kinds } = await setUp();
  const [a, b] = [offer('a'), offer('b')];
  await send(['a']);
  recorder.acked(a, { partition: 0, offset: 0n });
  recorder.acked(b, { partition: 0, offset: 0n });
  expect(kinds()).toEqual(['lost']);
  expect(cluster.verify(recorder).violations[0]!.records).toEqual([b]);
  await cluster.stop();
});

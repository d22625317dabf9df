import { expect, test } from 'vitest';
import { createProducer } from '../src/index.ts';
import { failure, start } from './start.ts';

// P23 to P30: buffer, flush, close and resources, as they broke for users of other clients.

test('P23: flush does not sit out the linger, and waits for exactly what came before it', async () => {
  await using t = await start({ brokers: 1 }, { lingerMs: 20_000 });
  await t.warm();
  const before = t.mock.clock.now();
  t.producer.produce('orders', 'a');
  await t.run(t.producer.flush());
  expect(t.mock.clock.now() - before).toBeLessThan(50);
  t.producer.produce('orders', 'b');
  const flushed = t.producer.flush();
  const later = t.producer.produce('orders', 'c');
  await t.run(flushed);
  expect(t.values()).toEqual(['warm', 'a', 'b']);
  expect(t.producer.unsentCount).toBe(1);
  void later;
});

test('P23: flush does not starve under a stream of new records', async () => {
  await using t = await start({ brokers: 1, link: { latencyMs: [10, 10] } });
  await t.warm();
  let isFlushed = false;
  const flushed = t.producer.flush();
  t.producer.produce('orders', 'mine');
  const second = t.producer.flush().then(() => {
    isFlushed = true;
  });
  let sent = 0;
  while (!isFlushed && sent < 2_000) {
    t.producer.produce('orders', sent++);
    await t.mock.clock.advance(1);
  }
  await t.run(Promise.all([flushed, second]));
  expect(sent).toBeLessThan(100);
});

test('flush waits for records that wait for their topic, and a signal ends the waiting alone', async () => {
  await using t = await start({ autoCreateTopics: false }, { maxBlockMs: 2_000 });
  const error = failure(t.producer.produce('nowhere', 'a'));
  const aborter = new AbortController();
  const cut = t.producer.flush({ signal: aborter.signal });
  const whole = t.producer.flush();
  aborter.abort(new Error('enough of it'));
  await expect(cut).rejects.toThrow('enough of it');
  await t.run(whole);
  expect(t.mock.clock.now()).toBeGreaterThan(1_990);
  expect((await error).code).toBe('METADATA_TIMEOUT');
});

test.each([
  ['normal replies', undefined, 'stored', 5],
  ['no replies', 'mute', 'CLOSED', 0],
  ['the connection cut', 'reset', 'CLOSED', 0],
  ['a retriable code', 'error NOT_ENOUGH_REPLICAS', 'CLOSED', 0],
] as const)(
  'P25: close with five in flight and %s settles everything within its limit',
  async (_, then, outcome, stored) => {
    await using t = await start({ brokers: 1, link: { latencyMs: [5, 5] } });
    await t.warm();
    if (then !== undefined) t.mock.on('Produce', { then });
    const sent = [];
    for (let i = 0; i < 5; i++) {
      sent.push(
        t.producer.produce('orders', i).then(
          () => 'stored',
          ({ code }: { code: string }) => code,
        ),
      );
      await t.mock.clock.advance(1);
    }
    const before = t.mock.clock.now();
    const closing = t.producer.close({ timeoutMs: 2_000 });
    const refused = failure(t.producer.produce('orders', 'late'));
    await t.run(closing);
    expect(t.mock.clock.now() - before).toBeLessThanOrEqual(2_001);
    expect(await Promise.all(sent)).toEqual(Array.from({ length: 5 }, () => outcome));
    expect((await refused).code).toBe('CLOSED');
    expect(t.values().length).toBe(1 + stored);
    expect(t.producer.close()).toBe(closing);
    const requests = t.mock.requests().length;
    await t.mock.clock.advance(120_000);
    expect(t.mock.requests().length).toBe(requests);
    expect(t.mock.clock.pendingTimers).toBe(0);
  },
);

test('P25: a signal ends a close that drains', async () => {
  await using t = await start({ brokers: 1 });
  await t.warm();
  t.mock.on('Produce', { then: 'mute' });
  const sent = failure(t.producer.produce('orders', 'a'));
  await t.mock.clock.advance(10);
  const aborter = new AbortController();
  const closing = t.producer.close({ signal: aborter.signal });
  await t.mock.clock.advance(100);
  expect(t.producer.state).toBe('closing');
  aborter.abort();
  await t.run(closing);
  expect(await sent).toMatchObject({ code: 'CLOSED', persisted: 'possibly' });
});

test('P27: with acks 0, 100,000 records resolve with offset -1 and nothing is kept', async () => {
  await using t = await start({ brokers: 1 }, { requiredAcks: 0 });
  await t.run(t.producer.produce('orders', 'warm'));
  for (let i = 0; i < 100_000; i++) {
    t.producer.produce('orders', i);
    if (i % 5_000 === 0) await t.mock.clock.advance(5);
  }
  await t.run(t.producer.flush());
  expect(t.producer.unsettledCount).toBe(0);
  expect(t.producer.bufferedBytes).toBe(0);
  await t.mock.clock.advance(1_000);
  expect(t.values().length).toBe(100_001);
});

test('P29: a hundred lives of a producer leave no timer and no connection behind', async () => {
  await using t = await start({ brokers: 1 });
  for (let i = 0; i < 100; i++) {
    await using producer = createProducer(t.mock.inMemory());
    const sent = producer.produce('orders', i);
    await t.run(producer.close());
    expect(await sent).toMatchObject({ offset: BigInt(i) });
  }
  await t.mock.clock.advance(50);
  expect(t.mock.clock.pendingTimers).toBe(0);
});

test('P29: a hundred records while connecting need one connection a broker', async () => {
  await using t = await start({ brokers: 1 });
  await t.run(Promise.all(Array.from({ length: 100 }, (_, i) => t.producer.produce('orders', i))));
  expect(t.count('ApiVersions')).toBe(1);
});

test('P30: encoding is linear: ten times the records take no more than some twenty times the time', async () => {
  await using t = await start({ brokers: 1 }, { bufferBytes: 1 << 28, lingerMs: 60_000 });
  await t.warm();
  const value = new Uint8Array(100);
  const time = (count: number) => {
    const begin = performance.now();
    for (let i = 0; i < count; i++) t.producer.produce('orders', value);
    return performance.now() - begin;
  };
  time(20_000);
  const small = time(20_000);
  const large = time(200_000);
  expect(large / small).toBeLessThan(40);
  await t.run(t.producer.flush());
});

test('hitting the limit of the buffer ends all lingers', async () => {
  await using t = await start(
    { brokers: 1, topics: { orders: { partitions: 2 } } },
    { lingerMs: 60_000, bufferBytes: 5_000 },
  );
  await t.warm();
  const sent = t.producer.produce('orders', 'a', { partition: 0 });
  const large = t.producer.produce('orders', 'x'.repeat(5_000), { partition: 1 });
  const before = t.mock.clock.now();
  await t.run(Promise.all([sent, large]));
  expect(t.mock.clock.now() - before).toBeLessThan(100);
});

test('the message that fills batchSize goes with the others, in whatever batch it lies', async () => {
  await using t = await start({ topics: ['orders', 'clicks'] }, { batchSize: 3, lingerMs: 60_000 });
  t.producer.produce('orders', 0);
  await t.run(t.producer.flush());
  t.producer.produce('orders', 1);
  t.producer.produce('orders', 2);
  t.producer.produce('clicks', 3);
  await t.mock.clock.advance(1_000);
  expect(t.values('clicks')).toEqual([3]);
});

test('records that found no room come in the order of their calls', async () => {
  await using t = await start({ brokers: 1 }, { bufferBytes: 2_000 });
  await t.warm('w');
  const sent = Array.from({ length: 12 }, (_, i) => t.producer.produce('orders', `${i}`.padEnd(150, '.')));
  await t.run(Promise.all(sent));
  expect(t.values().map((value) => Number.parseInt(value as string, 10))).toEqual([Number.NaN, ...Array(12).keys()]);
});

test('maxBlockMs 0 refuses at once what finds no room', async () => {
  await using t = await start({ brokers: 1 }, { bufferBytes: 2_000, maxBlockMs: 0 });
  const unknown = failure(t.producer.produce('orders', 'a'));
  expect((await t.run(unknown)).code).toBe('METADATA_TIMEOUT');
});

test('ready() resolves when there is room again', async () => {
  await using t = await start({ brokers: 1 }, { bufferBytes: 4_000 });
  await t.warm();
  await t.producer.ready();
  for (let i = 0; i < 4; i++) t.producer.produce('orders', 'x'.repeat(1_000));
  expect(t.producer.hasRoom).toBe(false);
  await t.run(t.producer.ready());
  expect(t.producer.hasRoom).toBe(true);
});

test('a record too large for any request fails alone, at once, and names the limit', async () => {
  await using t = await start({ brokers: 1 }, { maxRequestBytes: 10_000 });
  await t.warm();
  const error = await failure(t.producer.produce('orders', 'x'.repeat(20_000)));
  expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', persisted: 'no' });
  expect(error.message).toContain('maxRequestBytes (10000)');
  await t.run(t.producer.produce('orders', 'small'));
  expect(t.values()).toEqual(['warm', 'small']);
});

test('several partitions share a request, and requests respect maxRequestBytes', async () => {
  await using t = await start(
    { brokers: 1, topics: { orders: { partitions: 20 } } },
    { maxRequestBytes: 8_000, batchBytes: 2_000, lingerMs: 1_000 },
  );
  await t.warm();
  for (let round = 0; round < 3; round++) {
    for (let partition = 0; partition < 20; partition++) {
      t.producer.produce('orders', 'x'.repeat(700), { partition });
    }
  }
  await t.run(t.producer.flush());
  const requests = t.mock.requests({ api: 'Produce' });
  expect(requests.length).toBeLessThan(60);
  for (let partition = 0; partition < 20; partition++) {
    expect(t.values('orders', partition).filter((value) => value !== 'warm').length).toBe(3);
  }
});

test('a lone record on an idle connection goes out at once', async () => {
  await using t = await start({ brokers: 1, link: { latencyMs: [1, 1] } });
  await t.warm();
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.mock.clock.now() - before).toBeLessThan(2.5);
});

test('a writable stream takes values with backpressure, flushes on close, and fails with its record', async () => {
  await using t = await start({ brokers: 1 }, { bufferBytes: 4_000 });
  const writer = t.producer.writable('orders').getWriter();
  const writing = (async () => {
    for (let i = 0; i < 50; i++) await writer.write(`${i}`.padEnd(300, '.'));
    await writer.close();
  })();
  await t.run(writing);
  expect(t.values().length).toBe(50);

  t.mock.on('Produce', { then: 'error INVALID_REQUIRED_ACKS' });
  const failing = t.producer.writable('orders').getWriter();
  await t.run(failing.write('x'));
  await expect(t.run(failing.close())).rejects.toMatchObject({ code: 'INVALID_REQUIRED_ACKS' });
});

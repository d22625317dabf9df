import { CodecError } from '@kiel/codec';
import { expect, test } from 'vitest';
import type { Delivery, DeliveryReport, ProducerOptions } from '../src/index.ts';
import { failure, start } from './start.ts';

// Scenario 29: callbacks of the user's that throw, come back into the producer, or end it, at the worst of moments.

/** Where each record says it is, against what lies there. */
function expectOffsetsOfTheirOwn(reports: readonly DeliveryReport[], values: readonly unknown[], log: unknown[]) {
  expect(reports.map(({ offset }) => log[Number(offset)])).toEqual(values);
}

test('29: a record produced by whoever hears that another one lingers has an offset of its own', async () => {
  await using t = await start({}, { lingerMs: 5, batchSize: 100 });
  await t.warm();
  await t.mock.clock.advance(100);
  const inner: Delivery[] = [];
  t.producer.on('stateChanged', ({ to }) => {
    if (to === 'batching' && inner.length === 0) inner.push(t.producer.produce('orders', 'inner'));
  });
  const outer = t.producer.produce('orders', 'outer');
  const reports = await t.run(Promise.all([outer, ...inner]));
  expect(inner.length).toBe(1);
  expect(t.values()).toEqual(['warm', 'outer', 'inner']);
  expectOffsetsOfTheirOwn(reports, ['outer', 'inner'], t.values());
});

test('29: so has one produced by whoever hears that the partition has lost its leader', async () => {
  await using t = await start({}, { metadataMaxAgeMs: 1_000 });
  await t.warm();
  t.mock.on('Metadata', { then: 'error LEADER_NOT_AVAILABLE', untilMs: 5_000 });
  t.mock.on('Produce', { times: 1, then: 'error NOT_LEADER_OR_FOLLOWER' });
  const first = t.producer.produce('orders', 'first');
  await t.mock.clock.advance(50);
  const inner: Delivery[] = [];
  t.producer.on('stateChanged', () => {
    if (inner.length === 0) inner.push(t.producer.produce('orders', 'inner'));
  });
  const outer = t.producer.produce('orders', 'outer');
  const reports = await t.run(Promise.all([first, outer, ...inner]));
  await t.run(Promise.all(inner));
  expectOffsetsOfTheirOwn(reports.slice(0, 2), ['first', 'outer'], t.values());
  expect(new Set(t.values()).size).toBe(t.values().length);
});

test('29: what is produced while records that waited for their topic get their places, comes behind them', async () => {
  const waiting = ['a', 'b', 'c'];
  const inner: Delivery[] = [];
  const options: Partial<ProducerOptions> = {
    partitioner: (_key, _partitions, { value }) => {
      if (value === 'a') inner.push(t.producer.produce('orders', 'from the partitioner'));
      if (value === 'bad') throw new Error('no place for it');
      return 0;
    },
  };
  await using t = await start({}, options);
  t.producer.on('deliveryFailed', () => inner.push(t.producer.produce('orders', 'from a listener')));
  t.producer.produce('orders', 'bad');
  const sent = waiting.map((value) => t.producer.produce('orders', value));
  await t.run(Promise.all(sent));
  await t.run(Promise.all(inner));
  expect(t.values()).toEqual([...waiting, 'from a listener', 'from the partitioner']);
});

test('29: what is produced while records that found no room get their places, comes behind them', async () => {
  const inner: Delivery[] = [];
  const options: Partial<ProducerOptions> = {
    bufferBytes: 2_000,
    partitioner: (_key, _partitions, { value }) => {
      if (value === 'last in line') inner.push(t.producer.produce('orders', 'inner'));
      return 0;
    },
  };
  await using t = await start({ brokers: 1 }, options);
  await t.warm();
  const sent = [
    t.producer.produce('orders', 'x'.repeat(2_500)),
    t.producer.produce('orders', 'y'.repeat(100)),
    t.producer.produce('orders', 'last in line'),
  ];
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ offset }) => offset)).toEqual([1n, 2n, 3n]);
  expect(await t.run(Promise.all(inner))).toMatchObject([{ offset: 4n }]);
  expect(t.values().slice(3)).toEqual(['last in line', 'inner']);
});

test('29: an error of the codec out of a partitioner fails that record and no other, whenever it is asked', async () => {
  await using t = await start(
    {},
    {
      partitioner: (_key, _partitions, { value }) => {
        if (value === 'bad') throw new CodecError('VALUE_TRUNCATED', 'it ends too early', { path: 'id', offset: 3 });
        return 0;
      },
    },
  );
  const early = failure(t.producer.produce('orders', 'bad'));
  expect(await t.run(t.producer.produce('orders', 'good'))).toMatchObject({ offset: 0n });
  expect(await early).toMatchObject({ code: 'PARTITIONER_FAILED', persisted: 'no' });
  expect(await failure(t.producer.produce('orders', 'bad'))).toMatchObject({ code: 'PARTITIONER_FAILED' });
});

const bytesOf = (value: unknown) => new TextEncoder().encode(String(value));

/** Does something else first. */
function after<Value>(first: () => void, value: Value): Value {
  first();
  return value;
}

test.each<[string, (close: () => void) => Partial<ProducerOptions>]>([
  ['keyMaker', (close) => ({ keyMaker: () => after(close, 'key') })],
  ['partitioner', (close) => ({ partitioner: () => after(close, 0) })],
  ['serializer', (close) => ({ serializer: (value) => after(close, bytesOf(value)) })],
])('29: a record whose %s closes the producer settles', async (_, optionsOf) => {
  let isArmed = false;
  const close = () => {
    if (isArmed) void t.producer.close();
  };
  await using t = await start({}, optionsOf(close));
  await t.warm();
  await t.mock.clock.advance(100);
  isArmed = true;
  const last = t.producer.produce('orders', 'last');
  expect(await t.run(failure(last))).toMatchObject({ code: 'CLOSED', persisted: 'no' });
  await t.run(t.producer.close());
  expect(t.producer.unsettledCount).toBe(0);
});

test('29: records whose partitioner ends the producer at once, while they get their places, all settle', async () => {
  await using t = await start(
    {},
    {
      partitioner: (_key, _partitions, { value }) => {
        if (value === 1) void t.producer.close({ signal: AbortSignal.abort() });
        return 0;
      },
    },
  );
  const errors = [0, 1, 2].map((value) => failure(t.producer.produce('orders', value)));
  expect((await t.run(Promise.all(errors))).map(({ code }) => code)).toEqual(['CLOSED', 'CLOSED', 'CLOSED']);
  expect(t.producer.state).toBe('closed');
  expect([t.producer.unsettledCount, t.producer.unsentCount, t.producer.bufferedBytes]).toEqual([0, 0, 0]);
});

test('29: a listener that ends the producer when a record fails: each record fails once', async () => {
  await using t = await start({ version: '0.10.2' }, { lingerMs: 5, batchSize: 100 });
  await t.warm();
  const failed: unknown[] = [];
  t.producer.on('deliveryFailed', ({ error }) => {
    failed.push(error.code);
    void t.producer.close({ signal: AbortSignal.abort() });
  });
  // Brokers of that age have no place for headers: both fail, one after the other, before the batch is sent.
  for (let i = 0; i < 2; i++) t.producer.produce('orders', i, { headers: { h: '1' } });
  t.producer.produce('orders', 2);
  await t.mock.clock.advance(50);
  await t.run(t.producer.close());
  expect(failed.length).toBe(3);
  expect([t.producer.unsettledCount, t.producer.unsentCount, t.producer.bufferedBytes]).toEqual([0, 0, 0]);
});

test('29: a listener that ends the producer when a record is taken back leaves nothing counted', async () => {
  await using t = await start({}, { lingerMs: 1_000, batchSize: 100 });
  await t.warm();
  const failed: string[] = [];
  t.producer.on('deliveryFailed', ({ error }) => {
    failed.push(error.code);
    void t.producer.close({ signal: AbortSignal.abort() });
  });
  const aborter = new AbortController();
  t.producer.produce('orders', 'a', { signal: aborter.signal });
  t.producer.produce('orders', 'b', { partition: 0 });
  aborter.abort();
  await t.run(t.producer.close());
  expect(failed).toEqual(['CANCELLED', 'CLOSED']);
  expect([t.producer.unsettledCount, t.producer.unsentCount, t.producer.bufferedBytes]).toEqual([0, 0, 0]);
});

test('29: flush called by a listener covers what was accepted before it', async () => {
  await using t = await start({}, { lingerMs: 60_000, batchSize: 100 });
  await t.warm();
  await t.mock.clock.advance(100);
  const flushes: Promise<void>[] = [];
  t.producer.on('stateChanged', ({ to }) => {
    if (to === 'batching') flushes.push(t.producer.flush());
  });
  const first = t.producer.produce('orders', 'a');
  const second = t.producer.produce('orders', 'b');
  await t.run(Promise.all(flushes));
  expect(t.values()).toEqual(['warm', 'a']);
  await t.run(t.producer.flush());
  expect(await Promise.all([first, second])).toMatchObject([{ offset: 1n }, { offset: 2n }]);
});

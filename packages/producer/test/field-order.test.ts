import { expect, test, vi } from 'vitest';
import { createProducer } from '../src/index.ts';
import { PartitionQueue } from '../src/partition-queue.ts';
import { failure, start } from './start.ts';

// P01 to P08: idempotence and order, as they broke for users of other clients.

test('P01: a thousand sends to one partition, unawaited, get a thousand offsets in order', async () => {
  await using t = await start();
  const sent = Array.from({ length: 1_000 }, (_, i) => t.producer.produce('orders', i));
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ offset }) => Number(offset))).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  expect(t.values()).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
});

test('P01: 46 for a batch that was never sent before is no success: it is stored under new numbers', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error DUPLICATE_SEQUENCE_NUMBER' });
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: 1n });
  expect(t.values()).toEqual(['warm', 'a']);
});

test.each([
  ['UNKNOWN_PRODUCER_ID', { producerEpoch: 1, sequence: 0 }],
  ['OUT_OF_ORDER_SEQUENCE_NUMBER', { producerEpoch: 1, sequence: 0 }],
  ['INVALID_PRODUCER_EPOCH', { producerEpoch: 0, sequence: 0 }],
])('P05: a broker that has forgotten the producer (%s) is told anew, and the user sees success', async (code, as) => {
  await using t = await start();
  await t.warm();
  await t.mock.clock.advance(3_600_000);
  t.mock.on('Produce', { times: 1, then: `error ${code}` });
  const sent = Array.from({ length: 10 }, (_, i) => t.producer.produce('orders', i));
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(['warm', ...Array.from({ length: 10 }, (_, i) => i)]);
  expect(t.mock.log('orders', 0)[1]).toMatchObject(as);
});

test('P05: a batch that may be stored already is not sent under new numbers once the broker has forgotten', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error UNKNOWN_PRODUCER_ID' });
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({
    code: 'UNKNOWN_PRODUCER_ID',
    persisted: 'possibly',
  });
  await t.run(t.producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

test('P07: taken back while queued, a record is not stored and uses up no number', async () => {
  await using t = await start({}, { lingerMs: 1_000 });
  await t.warm();
  const aborter = new AbortController();
  const sent = ['a', 'b', 'c'].map((value) =>
    t.producer.produce('orders', value, value === 'b' ? { signal: aborter.signal } : {}),
  );
  const error = failure(sent[1]!);
  aborter.abort(new Error('enough'));
  expect(await error).toMatchObject({ code: 'CANCELLED', persisted: 'no' });
  expect(await t.run(Promise.all([sent[0]!, sent[2]!]))).toMatchObject([{ offset: 1n }, { offset: 2n }]);
  expect(t.mock.log('orders', 0).map(({ value, sequence }) => [value, sequence])).toEqual([
    ['warm', 0],
    ['a', 1],
    ['c', 2],
  ]);
});

test('P07: taken back after it was written, it is "possibly persisted", and what follows is in order', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: { delayReplyMs: 300 } });
  const aborter = new AbortController();
  const error = failure(t.producer.produce('orders', 'a', { signal: aborter.signal }));
  await t.mock.clock.advance(50);
  aborter.abort();
  expect(await error).toMatchObject({ code: 'CANCELLED', persisted: 'possibly' });
  await t.run(t.producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

test('P07: the only record of a batch taken back leaves nothing, and flush does not wait for it', async () => {
  await using t = await start({}, { lingerMs: 60_000 });
  await t.warm();
  const aborter = new AbortController();
  const error = failure(t.producer.produce('orders', 'a', { signal: aborter.signal }));
  aborter.abort();
  await error;
  await t.run(t.producer.flush());
  expect(t.producer.unsettledCount).toBe(0);
  expect(t.count('Produce')).toBe(0);
});

test('P07: a record waiting for its topic can be taken back, and a signal aborted before takes none', async () => {
  await using t = await start({ autoCreateTopics: false });
  const aborter = new AbortController();
  const error = failure(t.producer.produce('nowhere', 'a', { signal: aborter.signal }));
  await t.mock.clock.advance(500);
  aborter.abort();
  expect(await error).toMatchObject({ code: 'CANCELLED', persisted: 'no' });
  expect(await failure(t.producer.produce('orders', 'b', { signal: aborter.signal }))).toMatchObject({
    code: 'CANCELLED',
  });
  expect(t.producer.unsettledCount).toBe(0);
});

test('P07: room that comes free because records are taken back lets in who waits in line', async () => {
  await using t = await start({ autoCreateTopics: false }, { bufferBytes: 4_000, maxBlockMs: 60_000 });
  await t.warm();
  const aborter = new AbortController();
  const failures = [0, 1, 2].map((i) =>
    failure(t.producer.produce('nowhere', `${i}`.padEnd(1_500, '.'), { signal: aborter.signal })),
  );
  expect(t.producer.hasRoom).toBe(false);
  const sent = t.producer.produce('orders', 'a');
  await t.mock.clock.advance(1_000);
  expect(t.values()).toEqual(['warm']);
  aborter.abort();
  const before = t.mock.clock.now();
  expect(await t.run(sent)).toMatchObject({ offset: 1n });
  expect(t.mock.clock.now() - before).toBeLessThan(50);
  expect(new Set((await Promise.all(failures)).map(({ code }) => code))).toEqual(new Set(['CANCELLED']));
});

test('P08: without idempotence, one in flight keeps order through refusals and leader moves', async () => {
  await using t = await start({}, { idempotent: false, maxInFlight: 1, batchBytes: 200 });
  await t.warm(0);
  t.mock.on('Produce', { times: 1, then: 'error NOT_LEADER_OR_FOLLOWER' });
  t.mock.on('Produce', { times: 1, after: 3, then: 'move-leader' });
  const sent = [];
  for (let i = 1; i <= 30; i++) {
    sent.push(t.producer.produce('orders', i));
    if (i % 3 === 0) await t.mock.clock.advance(1);
  }
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(Array.from({ length: 31 }, (_, i) => i));
});

test('P03: epochs used up are followed by a new id, in few requests, and records go on', async () => {
  await using t = await start();
  await t.warm();
  const idempotence = t.producer.actor.getSnapshot().children.idempotence!;
  for (let i = 0; i < 32_766; i++) idempotence.send({ type: 'bump' });
  await t.run(t.producer.produce('orders', 'a'));
  t.mock.on('Produce', { times: 2, then: 'error OUT_OF_ORDER_SEQUENCE_NUMBER' });
  await t.run(t.producer.produce('orders', 'b'));
  await t.run(t.producer.produce('orders', 'c'));
  const log = t.mock.log('orders', 0);
  expect(log.map(({ value }) => value)).toEqual(['warm', 'a', 'b', 'c']);
  expect(log[1]).toMatchObject({ producerEpoch: 32_766, sequence: 0 });
  expect(log[3]!.producerId).not.toBe(log[1]!.producerId);
  expect(log[2]).toMatchObject({ sequence: 0 });
  expect(t.count('InitProducerId')).toBe(1);
});

test('15: numbers go from 2^31-1 to 0 within a batch and between two, and a resend across the seam is recognised', async () => {
  const first = 0x7fff_ffff - 3;
  // Two thousand million records are more than a test has time for: the first batch begins near the end.
  const take = vi.spyOn(PartitionQueue.prototype, 'take').mockImplementationOnce(function (
    this: PartitionQueue,
    batch,
    link,
    identity,
  ) {
    take.mockRestore();
    this.take(batch, link, identity);
    batch.sequence = first;
    this.nextSequence = batch.nextSequence;
  });
  await using t = await start({}, { batchBytes: 400 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  t.mock.on('Produce', { times: 1, after: 2, then: 'error NOT_ENOUGH_REPLICAS' });
  const sent = Array.from({ length: 8 }, (_, i) => t.producer.produce('orders', `${i}`.padEnd(100, '.')));
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ offset }) => Number(offset))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const log = t.mock.log('orders', 0);
  expect(log.map(({ sequence }) => sequence)).toEqual([first, first + 1, first + 2, first + 3, 0, 1, 2, 3, 4]);
  expect(new Set(log.map(({ producerEpoch }) => producerEpoch))).toEqual(new Set([0]));
});

test('6: a hint older than what is known is not followed', async () => {
  await using t = await start();
  await t.warm();
  t.mock.moveLeader('orders', 0);
  await t.run(t.producer.produce('orders', 'a'));
  const before = t.count('Metadata');
  t.mock.on('Produce', { times: 1, then: { error: 'NOT_LEADER_OR_FOLLOWER', hint: true } });
  await t.run(t.producer.produce('orders', 'b'));
  // The hint names the leader and epoch that are known already: it is no news, and metadata is asked for.
  expect(t.count('Metadata')).toBeGreaterThan(before);
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

test('P18: in one request one partition is too large and one has moved, another broker’s reply is lost: each result is its own', async () => {
  await using t = await start(
    {
      brokers: 2,
      topics: { orders: { partitions: 4, replicationFactor: 2, config: { 'max.message.bytes': 500 } } },
    },
    { batchSize: 100, lingerMs: 5 },
  );
  for (let partition = 0; partition < 4; partition++) {
    t.mock.moveLeader('orders', partition, partition === 3 ? 2 : 1);
    await t.run(t.producer.produce('orders', 'w', { partition }));
  }
  t.mock.forgetRequests();
  t.mock.on('Produce', { partition: 1, times: 1, then: 'error NOT_LEADER_OR_FOLLOWER' });
  t.mock.on('Produce', { broker: 2, times: 1, then: 'append-then-drop-reply' });
  const sent = ['x'.repeat(600), 'b', 'c', 'd'].map((value, partition) =>
    t.producer.produce('orders', value, { partition }),
  );
  sent.push(t.producer.produce('unknown topic!', 'e'));
  const outcomes = await t.run(Promise.allSettled(sent));
  expect(outcomes).toMatchObject([
    { reason: { code: 'MESSAGE_TOO_LARGE', persisted: 'no', partition: 0 } },
    { value: { partition: 1, offset: 1n } },
    { value: { partition: 2, offset: 1n } },
    { value: { partition: 3, offset: 1n } },
    { reason: { code: 'INVALID_TOPIC_EXCEPTION', persisted: 'no' } },
  ]);
  expect([1, 2, 3].map((partition) => t.values('orders', partition))).toEqual([
    ['w', 'b'],
    ['w', 'c'],
    ['w', 'd'],
  ]);
  // What had succeeded or failed for good in the first request is not sent again.
  const timesSent = [0, 1, 2, 3].map(
    (partition) =>
      t.mock.requests({ api: 'Produce' }).filter(({ touched }) => touched.some((each) => each.partition === partition))
        .length,
  );
  expect(timesSent).toEqual([1, 2, 1, 2]);
});

test('two producers on one cluster do not disturb each other', async () => {
  await using t = await start();
  const other = createProducer({ ...t.mock.inMemory(), clientId: 'other' });
  await t.run(Promise.all([t.producer.produce('orders', 1), other.produce('orders', 2)]));
  await t.run(other.close());
  expect(t.values().sort()).toEqual([1, 2]);
});

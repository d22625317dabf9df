import { expect, test } from 'vitest';
import { failure, start } from './start.ts';

// Answers that leave open whether the batch is in the log, and what must not happen to its neighbours then.

test.each([
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'KAFKA_STORAGE_ERROR',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
])('a leader that has appended and answers %s until time runs out: the record is possibly persisted', async (code) => {
  await using t = await start({}, { requestTimeoutMs: 1_000, deliveryTimeoutMs: 3_000, lingerMs: 0 });
  await t.warm();
  t.mock.on('Produce', { then: `append then error ${code}` });
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({
    code: 'DELIVERY_TIMEOUT',
    persisted: 'possibly',
  });
  expect(t.values()).toEqual(['warm', 'a']);
});

test('an error of the broker that nobody expected leaves open whether the record was stored', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append then error UNKNOWN_SERVER_ERROR' });
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({
    code: 'UNKNOWN_SERVER_ERROR',
    persisted: 'possibly',
  });
  await t.run(t.producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

test('a refusal before anything is appended is none: the record is not persisted', async () => {
  await using t = await start({}, { requestTimeoutMs: 1_000, deliveryTimeoutMs: 3_000, lingerMs: 0 });
  await t.warm();
  t.mock.on('Produce', { then: 'error NOT_ENOUGH_REPLICAS' });
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({ persisted: 'no' });
});

test('a batch refused for good does not take along one before it that is stored and not acknowledged', async () => {
  await using t = await start({}, { batchBytes: 150 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append then error REQUEST_TIMED_OUT' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error INVALID_RECORD' });
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => t.producer.produce('orders', letter.repeat(120)));
  expect(await t.run(failure(b!))).toMatchObject({ code: 'INVALID_RECORD', persisted: 'no' });
  expect(await t.run(a!)).toMatchObject({ offset: 1n });
  expect(await t.run(c!)).toMatchObject({ offset: 2n });
  // Sent again under the numbers it was stored with, and only then a new epoch for what follows.
  expect(t.mock.log('orders', 0).map(({ value, producerEpoch }) => [String(value)[0], producerEpoch])).toEqual([
    ['w', 0],
    ['a', 0],
    ['c', 1],
  ]);
});

test('46 for a batch that was certainly refused before is no success: its numbers are taken by others', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error NOT_ENOUGH_REPLICAS' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error DUPLICATE_SEQUENCE_NUMBER' });
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: 1n });
  expect(t.values()).toEqual(['warm', 'a']);
});

test('59 from a log that has everything since its beginning: the batch is not in it, and goes under new numbers', async () => {
  await using t = await start({ version: '1.1', brokers: 2 });
  await t.warm();
  // The leader that was known refuses, as it does after an append, too; the new one has an empty log.
  const former = t.mock.replicas('orders', 0).leader;
  t.mock.recreateTopic('orders');
  t.mock.moveLeader('orders', 0, (former % 2) + 1);
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: 0n });
  expect(t.values()).toEqual(['a']);
});

test('a success of the topic as it was says nothing of the one made anew: a single batch goes there first', async () => {
  // By name: where requests name topics by id, the late answer is to a topic that is not there.
  const topics = { orders: { partitions: 1 }, others: { partitions: 3 } };
  await using t = await start({ version: '3.9', topics }, { batchBytes: 150, metadataMaxAgeMs: 1_000 });
  await t.warm();
  // Connections to all brokers, so that one is free to say what there is.
  await t.run(Promise.all([0, 1, 2].map((partition) => t.producer.produce('others', 'warm', { partition }))));
  t.mock.on('Produce', { times: 1, then: { delayReplyMs: 5_000 } });
  const old = t.producer.produce('orders', 'old');
  await t.mock.clock.advance(500);
  const leader = t.mock.replicas('orders', 0).leader;
  t.mock.recreateTopic('orders');
  t.mock.moveLeader('orders', 0, leader);
  await t.mock.clock.advance(3_000);
  await t.run(old);
  t.mock.on('Produce', { times: 1, then: 'error NOT_ENOUGH_REPLICAS' });
  const letters = ['a', 'b', 'c', 'd'];
  await t.run(Promise.all(letters.map((letter) => t.producer.produce('orders', letter.repeat(120)))));
  expect(t.values().map((value) => String(value)[0])).toEqual(letters);
});

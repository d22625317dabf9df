import { expect, test, vi } from 'vitest';
import { createProducer } from '../src/index.ts';
import { failure, start } from './start.ts';

// Numbers are those of the list of producer scenarios in docs/design: each is a corner that some client got wrong.

test('1: a reply lost after the append leaves one copy and gives its original offset', async () => {
  await using t = await start();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  const sent = [t.producer.produce('orders', 'a'), t.producer.produce('orders', 'b')];
  expect(await t.run(Promise.all(sent))).toMatchObject([{ offset: 0n }, { offset: 1n }]);
  expect(t.values()).toEqual(['a', 'b']);
});

test('2: a resend that the broker only knows to be a duplicate counts as delivered, without an offset', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error DUPLICATE_SEQUENCE_NUMBER' });
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: -1n });
  expect(t.values()).toEqual(['warm', 'a']);
});

test('3: five in flight and the first refused as not the leader: order is kept', async () => {
  await using t = await start({ link: { latencyMs: [20, 20] } });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error NOT_LEADER_OR_FOLLOWER' });
  const sent = [];
  for (let i = 0; i < 5; i++) {
    sent.push(t.producer.produce('orders', i));
    await t.mock.clock.advance(2);
  }
  expect(t.mock.requests({ api: 'Produce' }).length).toBe(0);
  await t.mock.clock.advance(20);
  expect(t.count('Produce')).toBe(5);
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(['warm', 0, 1, 2, 3, 4]);
});

test('4: on first contact only one batch is out, so that a refused one is not overtaken', async () => {
  await using t = await start({ link: { latencyMs: [20, 20] } });
  t.mock.on('Produce', { times: 1, then: 'error NOT_LEADER_OR_FOLLOWER' });
  const sent = [];
  for (let i = 0; i < 40; i++) {
    sent.push(t.producer.produce('orders', i));
    await t.mock.clock.advance(5);
  }
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(t.mock.requests({ api: 'Produce' }).length).toBeGreaterThan(2);
});

test('5: a hint of the new leader is followed at once, without asking for metadata', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'move-leader-with-hint' });
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.mock.clock.now() - before).toBeLessThan(50);
  expect(t.count('Metadata')).toBe(0);
  expect(t.values()).toEqual(['warm', 'a']);
});

test('7: without a hint the picture is fetched anew, and the batch waits one backoff', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'move-leader-without-hint' });
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'a'));
  const took = t.mock.clock.now() - before;
  expect(took).toBeGreaterThan(75);
  expect(took).toBeLessThan(400);
  expect(t.count('Metadata')).toBeGreaterThanOrEqual(1);
  expect(t.count('Metadata')).toBeLessThan(4);
});

test('7: a pause that has grown is cut short when there is a newer leader to try', async () => {
  await using t = await start({}, { retryBackoffMs: 100, retryBackoffMaxMs: 20_000 });
  await t.warm();
  const rule = t.mock.on('Produce', { then: 'error NOT_ENOUGH_REPLICAS' });
  const sent = t.producer.produce('orders', 'a');
  await t.mock.clock.advance(15_000);
  rule.remove();
  const before = t.mock.clock.now();
  t.mock.moveLeader('orders', 0, (t.mock.replicas('orders', 0).leader % 3) + 1);
  // News of another topic brings news of this one.
  await t.run(t.producer.produce('others', 'b'));
  await t.run(sent);
  expect(t.mock.clock.now() - before).toBeLessThan(1_000);
});

test('8: while the old leader hangs nothing goes to the new one, until the request has timed out', async () => {
  await using t = await start({}, { requestTimeoutMs: 5_000 });
  await t.warm();
  const old = t.mock.leader('orders', 0);
  t.mock.on('Produce', { times: 1, broker: old, then: 'append-then-mute' });
  const first = t.producer.produce('orders', 'a');
  await t.mock.clock.advance(50);
  t.mock.moveLeader('orders', 0);
  const second = t.producer.produce('orders', 'b');
  await t.mock.clock.advance(4_000);
  expect(t.mock.requests({ api: 'Produce' }).filter(({ broker }) => broker !== old)).toEqual([]);
  await t.run(Promise.all([first, second]));
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

test('9: a batch that expires unsent costs no epoch', async () => {
  await using t = await start({}, { deliveryTimeoutMs: 3_000 });
  await t.warm();
  const leader = t.mock.leader('orders', 0);
  for (const id of t.mock.brokerIds) t.mock.killBroker(id);
  await t.mock.clock.advance(10);
  const error = await t.run(failure(t.producer.produce('orders', 'lost')));
  expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT', persisted: 'no' });
  for (const id of t.mock.brokerIds) await t.mock.startBroker(id);
  t.mock.moveLeader('orders', 0, leader);
  await t.run(t.producer.produce('orders', 'next'));
  expect(t.mock.log('orders', 0).map(({ value, producerEpoch, sequence }) => [value, producerEpoch, sequence])).toEqual(
    [
      ['warm', 0, 0],
      ['next', 0, 1],
    ],
  );
});

test('10: a sent batch expires, a later one is stored: no epoch is spent', async () => {
  await using t = await start({}, { deliveryTimeoutMs: 4_000, requestTimeoutMs: 10_000 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: { delayReplyMs: 6_000 } });
  const error = failure(t.producer.produce('orders', 'slow'));
  await t.mock.clock.advance(3_000);
  const later = t.producer.produce('orders', 'later');
  expect(await t.run(error)).toMatchObject({ code: 'DELIVERY_TIMEOUT', persisted: 'possibly' });
  await t.run(later);
  expect(t.mock.log('orders', 0).map(({ value, producerEpoch }) => [value, producerEpoch])).toEqual([
    ['warm', 0],
    ['slow', 0],
    ['later', 0],
  ]);
});

test('11: a sent batch expires without being stored: a new epoch begins at 0', async () => {
  await using t = await start({}, { deliveryTimeoutMs: 4_000, requestTimeoutMs: 2_000 });
  await t.warm();
  const rule = t.mock.on('Produce', { then: 'mute' });
  const error = await t.run(failure(t.producer.produce('orders', 'lost')));
  expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT', persisted: 'possibly' });
  rule.remove();
  await t.run(t.producer.produce('orders', 'next'));
  expect(t.mock.log('orders', 0).map(({ value, producerEpoch, sequence }) => [value, producerEpoch, sequence])).toEqual(
    [
      ['warm', 0, 0],
      ['next', 1, 0],
    ],
  );
});

test('12: records deleted and the producer forgotten (59): the user sees success', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error UNKNOWN_PRODUCER_ID' });
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: 1n });
  expect(t.mock.log('orders', 0).at(-1)).toMatchObject({ value: 'a', producerEpoch: 1, sequence: 0 });
});

test('13: the oldest batch out of order (45): the epoch is raised and numbers begin at 0, in order', async () => {
  await using t = await start({ link: { latencyMs: [10, 10] } });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error OUT_OF_ORDER_SEQUENCE_NUMBER' });
  const sent = [];
  for (let i = 0; i < 4; i++) {
    sent.push(t.producer.produce('orders', i));
    await t.mock.clock.advance(1);
  }
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(['warm', 0, 1, 2, 3]);
  expect(t.mock.log('orders', 0).map(({ producerEpoch, sequence }) => [producerEpoch, sequence])).toEqual([
    [0, 0],
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 3],
  ]);
});

test('14: the first batch refused for good, the next one out of order for that: the next is delivered', async () => {
  await using t = await start({ link: { latencyMs: [10, 10] } });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error INVALID_REQUIRED_ACKS' });
  const first = failure(t.producer.produce('orders', 'bad'));
  await t.mock.clock.advance(1);
  const second = t.producer.produce('orders', 'good');
  expect(await t.run(second)).toMatchObject({ offset: 1n });
  expect(await first).toMatchObject({ persisted: 'no' });
  expect(t.values()).toEqual(['warm', 'good']);
});

test('16: a batch refused as too large is halved until it fits; order, timestamps and results are kept', async () => {
  await using t = await start({
    topics: { orders: { partitions: 1, config: { 'max.message.bytes': 2_000 } } },
  });
  await t.warm();
  const sent = Array.from({ length: 40 }, (_, i) =>
    t.producer.produce('orders', `${i}`.padEnd(300, 'x'), { timestampMs: 1_700_000_000_000 + i }),
  );
  const reports = await t.run(Promise.all(sent));
  expect(reports.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i + 1)));
  expect(reports.map(({ timestampMs }) => timestampMs)).toEqual(sent.map((_, i) => 1_700_000_000_000 + i));
  expect(t.values().slice(1)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(300, 'x')));
  expect(
    t.mock
      .log('orders', 0)
      .map(({ timestampMs }) => timestampMs)
      .slice(1),
  ).toEqual(sent.map((_, i) => 1_700_000_000_000 + i));
});

test('16: a lone record refused as too large fails alone', async () => {
  await using t = await start({
    topics: { orders: { partitions: 1, config: { 'max.message.bytes': 2_000 } } },
  });
  await t.warm();
  const large = failure(t.producer.produce('orders', 'x'.repeat(5_000)));
  const small = t.producer.produce('orders', 'small');
  expect(await t.run(large)).toMatchObject({ code: 'MESSAGE_TOO_LARGE', persisted: 'no' });
  await t.run(small);
  expect(t.values()).toEqual(['warm', 'small']);
});

test('16: a batch that may be stored already is not split, since no broker would know its parts', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error MESSAGE_TOO_LARGE' });
  const sent = ['a', 'b'].map((value) => failure(t.producer.produce('orders', value)));
  expect(await t.run(Promise.all(sent))).toMatchObject([{ persisted: 'possibly' }, { persisted: 'possibly' }]);
  await t.run(t.producer.produce('orders', 'c'));
  expect(t.values()).toEqual(['warm', 'a', 'b', 'c']);
});

test('17: records that the broker names as bad fail with their own text, and their neighbours are stored', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: { error: 'INVALID_RECORD', records: [1] } });
  const sent = ['a', 'bad', 'c'].map((value) => t.producer.produce('orders', value));
  const error = failure(sent[1]!);
  expect(await t.run(Promise.all([sent[0]!, sent[2]!]))).toMatchObject([{ offset: 1n }, { offset: 2n }]);
  expect(await error).toMatchObject({ code: 'INVALID_RECORD', persisted: 'no' });
  expect(t.values()).toEqual(['warm', 'a', 'c']);
});

test('18: stored on too few replicas until time runs out is "possibly persisted"', async () => {
  await using t = await start({}, { deliveryTimeoutMs: 3_000 });
  await t.warm();
  t.mock.on('Produce', { then: { error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', afterAppend: true } });
  const error = await t.run(failure(t.producer.produce('orders', 'a')));
  expect(error).toMatchObject({ code: 'DELIVERY_TIMEOUT', persisted: 'possibly' });
  expect(error.message).toContain('NOT_ENOUGH_REPLICAS_AFTER_APPEND');
  expect(t.values()).toEqual(['warm', 'a']);
});

test('19: a topic that is created while its record waits gets the record', async () => {
  await using t = await start({ autoCreateTopics: false });
  const sent = t.producer.produce('later', 'a');
  await t.mock.clock.advance(2_000);
  t.mock.createTopic('later');
  expect(await t.run(sent)).toMatchObject({ topic: 'later', offset: 0n });
});

test('19: a topic deleted and created anew under way takes the records that follow', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'recreate-topic' });
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.values()).toEqual(['a']);
});

test('20: a partition that one answer leaves out is kept', async () => {
  await using t = await start({ topics: { orders: { partitions: 2 } } }, { metadataMaxAgeMs: 500 });
  // The brokers' answers are those of before the third partition, for a while; then they forget the topic altogether.
  t.mock.on('Metadata', { fromMs: 1_000, untilMs: 2_000, then: 'stale-metadata' });
  t.mock.on('Metadata', { fromMs: 3_000, untilMs: 4_000, then: 'error UNKNOWN_TOPIC_OR_PARTITION' });
  t.mock.addPartitions('orders', 1);
  const partitions = [0, 1, 2];
  for (const untilMs of [500, 1_900, 3_900]) {
    await t.mock.clock.advance(untilMs - t.mock.clock.now());
    await t.run(Promise.all(partitions.map((partition) => t.producer.produce('orders', untilMs, { partition }))));
    expect(t.mock.clock.now()).toBeLessThan(untilMs + 100);
  }
  expect(t.mock.requests({ api: 'Metadata' }).filter(({ faults }) => faults.length > 0).length).toBeGreaterThan(2);
  for (const partition of partitions) expect(t.values('orders', partition)).toEqual([500, 1_900, 3_900]);
});

test('21: a full buffer makes records wait in line, then refuses them; close ends the wait', async () => {
  await using t = await start({}, { bufferBytes: 4_096, maxBlockMs: 2_000 });
  await t.warm();
  const rule = t.mock.on('Produce', { then: 'mute' });
  const value = 'x'.repeat(1_500);
  const sent = Array.from({ length: 5 }, () => t.producer.produce('orders', value));
  const outcomes = sent.map((delivery) =>
    delivery.then(
      () => 'stored',
      ({ code }) => code as string,
    ),
  );
  expect(t.producer.hasRoom).toBe(false);
  expect(await t.run(outcomes[4]!)).toBe('BUFFER_FULL');
  const late = failure(t.producer.produce('orders', value));
  await t.mock.clock.advance(100);
  rule.remove();
  await t.run(t.producer.close({ timeoutMs: 0 }));
  expect((await late).code).toBe('CLOSED');
  expect(await Promise.all(outcomes)).toEqual(['CLOSED', 'CLOSED', 'CLOSED', 'BUFFER_FULL', 'BUFFER_FULL']);
});

test('22: close in the middle of retries settles everything, at once with a limit of 0', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { then: 'error NOT_ENOUGH_REPLICAS' });
  const sent = failure(t.producer.produce('orders', 'a'));
  await t.mock.clock.advance(700);
  const before = t.mock.clock.now();
  await t.run(t.producer.close({ timeoutMs: 0 }));
  expect(t.mock.clock.now() - before).toBeLessThan(10);
  expect(await sent).toMatchObject({ code: 'CLOSED', persisted: 'no' });
  const connections = t.mock.requests().length;
  await t.mock.clock.advance(60_000);
  expect(t.mock.requests().length).toBe(connections);
  expect(t.mock.clock.pendingTimers).toBe(0);
});

test('23: with acks 0 a broken connection leads to fresh metadata, and nothing hangs', async () => {
  await using t = await start({}, { requiredAcks: 0, idempotent: false });
  expect(await t.run(t.producer.produce('orders', 'a'))).toMatchObject({ offset: -1n });
  // The broker that led it is asked on, and can only close: nobody is answered.
  const former = t.mock.leader('orders', 0);
  t.mock.moveLeader('orders', 0, (former % 3) + 1);
  for (let i = 0; i < 50; i++) {
    await t.run(t.producer.produce('orders', i));
    await t.mock.clock.advance(20);
  }
  expect(t.values().length).toBeGreaterThan(40);
  t.mock.killBroker(t.mock.leader('orders', 0));
  await t.mock.clock.advance(10);
  const sent = Array.from({ length: 100 }, (_, i) => t.producer.produce('orders', i));
  expect((await t.run(Promise.all(sent))).every(({ offset }) => offset === -1n)).toBe(true);
  await t.mock.clock.advance(1_000);
  expect(t.values().length).toBeGreaterThan(130);
});

test('23: what is refused for good with acks 0 costs few connections and requests for metadata', async () => {
  await using t = await start({}, { requiredAcks: 0, idempotent: false });
  await t.warm();
  t.mock.on('Produce', { then: 'error TOPIC_AUTHORIZATION_FAILED' });
  for (let i = 0; i < 5_000; i++) {
    t.producer.produce('orders', i);
    await t.mock.clock.advance(1);
  }
  expect(t.count('Metadata')).toBeLessThan(10);
  expect(t.count('ApiVersions')).toBeLessThan(150);
});

test('24: all brokers replaced: the entries of brokers are asked again, once', async () => {
  await using t = await start();
  await t.warm();
  const reasons: string[] = [];
  t.producer.on('rebootstrapped', ({ reason }) => reasons.push(reason));
  t.mock.replaceAllBrokers({ keepAddresses: true });
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.values()).toEqual(['warm', 'a']);
  expect(reasons.length).toBe(1);
});

test('25: a half-open socket ends by the request timeout, and its late reply changes nothing', async () => {
  await using t = await start({}, { requestTimeoutMs: 3_000 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: { delayReplyMs: 3_500 } });
  const report = await t.run(t.producer.produce('orders', 'a'));
  expect(report).toMatchObject({ offset: 1n });
  await t.mock.clock.advance(5_000);
  expect(t.values()).toEqual(['warm', 'a']);
});

test('27: a throttled connection pauses, longer than the request timeout if need be, and says so', async () => {
  await using t = await start({}, { requestTimeoutMs: 2_000 });
  await t.warm();
  const pauses: number[] = [];
  t.producer.on('throttled', ({ throttleMs }) => pauses.push(throttleMs));
  t.mock.on('Produce', { times: 1, then: { throttleMs: 5_000 } });
  await t.run(t.producer.produce('orders', 'a'));
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'b'));
  expect(t.mock.clock.now() - before).toBeGreaterThan(4_500);
  expect(pauses).toEqual([5_000]);
  expect(t.count('ApiVersions')).toBe(0);
});

test('29: callbacks that throw, produce or close in the midst of it do no harm', async () => {
  await using t = await start();
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const producer = createProducer({ ...t.mock.inMemory(), logger });
  let again = 0;
  producer.on('delivered', () => {
    if (again++ < 3) void producer.produce('orders', `again ${again}`);
    throw new Error('from a listener');
  });
  producer.on('stateChanged', () => {
    throw new Error('from another');
  });
  await t.run(producer.produce('orders', 'a'));
  await t.mock.clock.advance(100);
  expect(t.values()).toEqual(['a', 'again 1', 'again 2', 'again 3']);
  producer.on('delivered', () => void producer.close());
  producer.produce('orders', 'z');
  await t.mock.clock.advance(1_000);
  expect(producer.state).toBe('closed');
  expect(logger.error).toHaveBeenCalled();
});

test.each([
  'corrupt-reply',
  'wrong-correlation-id',
  { garbageBytes: 200 },
  { truncateAt: 7 },
  'merge-replies',
] as const)('30: a reply that is %o ends the connection and not the producer', async (then) => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then });
  const sent = [t.producer.produce('orders', 'a')];
  await t.mock.clock.advance(1);
  sent.push(t.producer.produce('orders', 'b'));
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(['warm', 'a', 'b']);
});

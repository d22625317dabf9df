import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { createProducer, DeliveryError, type ProduceOptions, type ProducerOptions } from '../src/index.ts';
import { failure, start } from './start.ts';

// U01 to U10, C19 and C20: what callers give, and what they are told.

const idle = () => createProducer({ brokers: 'localhost:1' });

test.each([
  ['a number', 7],
  ['a bigint', 7n],
  ['a boolean', true],
  ['a Date', new Date()],
  ['an object', { id: 1 }],
  ['an array', [1]],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['a wider array', new Uint16Array(2)],
])('U01: %s as key is a TypeError at the call, naming topic, field and type', (_, key) => {
  const producer = idle();
  expect(() => producer.produce('orders', 1, { key: key as never })).toThrow(/produce to "orders": the key .* got /);
  expect(producer.unsettledCount).toBe(0);
  expect(producer.state).toBe('idle');
});

test.each([
  ['undefined', undefined, /value is undefined/],
  ['a symbol', Symbol('s'), /type symbol/],
  ['a function', () => 1, /type function/],
  ['a bigint', 10n, /cannot be written as JSON: .*BigInt.*serializer/],
])('U01: %s as value is a TypeError at the call', (_, value, text) => {
  const producer = idle();
  expect(() => producer.produce('orders', value)).toThrow(TypeError);
  expect(() => producer.produce('orders', value)).toThrow(text);
});

test('U01: a value that points to itself is refused by name, with the cause', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(() => idle().produce('orders', circular)).toThrow(/"orders".*cannot be written as JSON/);
});

test.each([
  ['a topic without name', () => idle().produce('', 1)],
  ['a topic that is no text', () => idle().produce(7 as never, 1)],
  ['a header without value', () => idle().produce('t', 1, { headers: { a: undefined as never } })],
  ['a header that is a number', () => idle().produce('t', 1, { headers: [['a', 7 as never]] })],
  ['a header name that is none', () => idle().produce('t', 1, { headers: [[7 as never, 'x']] })],
  ['headers as text', () => idle().produce('t', 1, { headers: 'a' as never })],
  [
    'a serializer that gives an object',
    () => createProducer({ brokers: 'a', serializer: () => ({}) as never }).produce('t', 1),
  ],
  [
    'a key maker that gives a number',
    () => createProducer({ brokers: 'a', keyMaker: () => 7 as never }).produce('t', 1),
  ],
])('U01: %s is a TypeError at the call', (_, call) => {
  expect(call).toThrow(TypeError);
});

test.each([-1, 1.5, Number.NaN, 2 ** 31, '1', null])('a partition that cannot be, %s, is a RangeError', (partition) => {
  expect(() => idle().produce('t', 1, { partition: partition as never })).toThrow(RangeError);
});

test.each([
  ['null', null],
  ['NaN', Number.NaN],
  ['an invalid Date', new Date('x')],
  ['a fraction', 1.5],
  ['text', '2020-01-01'],
  ['above 2^53', 2n ** 60n],
])('C20: a timestamp of %s is a TypeError by name', (_, timestampMs) => {
  expect(() => idle().produce('t', 1, { timestampMs: timestampMs as never })).toThrow(/timestampMs/);
});

test('C20: a missing timestamp is the time of the call; numbers, bigints and Dates are taken', async () => {
  await using t = await start();
  const at = t.mock.clock.epochMs();
  t.producer.produce('orders', 0);
  t.producer.produce('orders', 1, { timestampMs: 1_500_000_000_000 });
  t.producer.produce('orders', 2, { timestampMs: 1_500_000_000_001n });
  t.producer.produce('orders', 3, { timestampMs: new Date(1_500_000_000_002) });
  t.producer.produce('orders', 4, { timestampMs: -5 });
  await t.run(t.producer.flush());
  await t.mock.clock.advance(7_000);
  t.producer.produce('orders', 5);
  await t.run(t.producer.flush());
  expect(t.mock.log('orders', 0).map(({ timestampMs }) => timestampMs)).toEqual([
    at,
    1_500_000_000_000,
    1_500_000_000_001,
    1_500_000_000_002,
    -5,
    t.mock.log('orders', 0)[5]!.timestampMs,
  ]);
  expect(t.mock.log('orders', 0)[5]!.timestampMs).toBeGreaterThanOrEqual(at + 7_000);
});

test('values, keys and headers arrive as they are: bytes, text, null, views with an offset, no text at all', async () => {
  await using t = await start();
  const buffer = Uint8Array.from([9, 1, 2, 3, 9]);
  const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2);
  shared.set([7, 8]);
  t.producer.produce('orders', buffer.subarray(1, 4), { key: shared });
  t.producer.produce('orders', null, { key: '' });
  t.producer.produce('orders', Buffer.from('{"a":1}'), {
    headers: [
      ['h', 'ä'],
      ['h', null],
      ['b', Uint8Array.of(255)],
    ],
  });
  t.producer.produce('orders', 'ünï', { key: 'schlüssel', headers: { one: '1', two: null } });
  await t.run(t.producer.flush());
  const log = t.mock.log('orders', 0);
  expect(log.map(({ valueBytes }) => valueBytes && [...valueBytes])).toEqual([
    [1, 2, 3],
    null,
    [...Buffer.from('{"a":1}')],
    [...Buffer.from('"ünï"')],
  ]);
  expect(log.map(({ keyBytes }) => keyBytes && [...keyBytes])).toEqual([
    [7, 8],
    [],
    null,
    [...Buffer.from('schlüssel')],
  ]);
  expect(log[2]!.headers.map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value])).toEqual([
    ['h', 'ä'],
    ['h', null],
    ['b', [255]],
  ]);
  expect(log[3]!.headers).toEqual([
    ['one', '1'],
    ['two', null],
  ]);
});

test('U01: the caller may change his bytes as soon as produce has returned, waiting record or not', async () => {
  await using t = await start();
  const value = Uint8Array.from([1, 2, 3]);
  t.producer.produce('orders', value);
  value.fill(9);
  await t.run(t.producer.flush());
  value.set([4, 5, 6]);
  t.producer.produce('orders', value);
  value.fill(9);
  await t.run(t.producer.flush());
  expect(t.mock.log('orders', 0).map(({ valueBytes }) => [...valueBytes!])).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('C02: text that has no UTF-8 form is refused at the call, whether the topic is known or not', async () => {
  await using t = await start();
  expect(() => t.producer.produce('orders', 'a', { key: 'k\ud800' })).toThrow(/lone surrogate/);
  await t.warm();
  expect(() => t.producer.produce('orders', 'a', { key: 'k\ud800' })).toThrow(/lone surrogate/);
  await t.run(t.producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['warm', 'b']);
});

test('a serializer and a key maker of your own see value and topic', async () => {
  const seen: unknown[] = [];
  const options: Partial<ProducerOptions> = {
    serializer: (value, topic) => `${topic}:${String(value)}`,
    keyMaker: (value, topic) => {
      seen.push([value, topic]);
      return `k${String(value)}`;
    },
  };
  await using t = await start({}, options);
  t.producer.produce('orders', 1);
  t.producer.produce('orders', 2, { key: null });
  await t.run(t.producer.flush());
  expect(t.mock.log('orders', 0).map(({ key, value }) => [key, value])).toEqual([
    ['k1', 'orders:1'],
    [null, 'orders:2'],
  ]);
  expect(seen).toEqual([[1, 'orders']]);
});

test('U03: keys go where they go with Java, negative hashes and wide text included', async () => {
  await using t = await start({ topics: { twelve: { partitions: 12 }, three: { partitions: 3 } } });
  const partitionOf = async (topic: string, key: string | Uint8Array) =>
    (await t.run(t.producer.produce(topic, 1, { key }))).partition;
  expect(await partitionOf('twelve', 'a')).toBe(4);
  expect(await partitionOf('twelve', 'b')).toBe(8);
  expect(await partitionOf('three', 'a')).toBe(1);
  expect(await partitionOf('twelve', '100:48069')).toBe(9);
  expect(await partitionOf('twelve', new TextEncoder().encode('a'))).toBe(4);
});

test('U04: start, election, idle close and topic creation say nothing above debug', async () => {
  const lines: string[] = [];
  const note = (_details: object, message: string) => void lines.push(message);
  await using t = await start({}, { logger: { debug() {}, info: note, warn: note, error: note } });
  await t.run(t.producer.produce('orders', 1));
  t.mock.moveLeader('orders', 0);
  await t.run(t.producer.produce('orders', 2));
  await t.run(t.producer.produce('fresh', 3));
  await t.mock.clock.advance(1_200_000);
  expect(lines).toEqual([]);
});

test('U04: a state that lasts is warned of once, not at each attempt', async () => {
  const lines: string[] = [];
  const note = (_details: object, message: string) => void lines.push(message);
  await using t = await start({ brokers: 1 }, { logger: { debug() {}, info() {}, warn: note, error: note } });
  await t.warm();
  t.mock.killBroker(1);
  t.producer.produce('orders', 1).catch(() => {});
  await t.mock.clock.advance(25_000);
  expect(lines.length).toBe(1);
});

test('a logger that throws costs nothing', async () => {
  const fail = () => {
    throw new Error('full disk');
  };
  await using t = await start({}, { logger: { debug: fail, info: fail, warn: fail, error: fail } });
  t.mock.on('Produce', { times: 1, then: 'reset' });
  expect(await t.run(t.producer.produce('orders', 1))).toMatchObject({ offset: 0n });
});

test('U07: before the start records are queued; after a fatal error they fail at once, with the first cause', async () => {
  await using t = await start();
  t.mock.on('InitProducerId', { then: 'error CLUSTER_AUTHORIZATION_FAILED' });
  const first = await t.run(failure(t.producer.produce('orders', 1)));
  expect(first).toMatchObject({ code: 'PRODUCER_FAILED', persisted: 'no' });
  expect(first.message).toContain('CLUSTER_AUTHORIZATION_FAILED');
  expect(first.hint).toContain('IDEMPOTENT_WRITE');
  const second = await failure(t.producer.produce('orders', 2));
  expect(second.code).toBe('PRODUCER_FAILED');
  expect(second.cause).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' });
  expect(t.producer.state).toBe('closed');
});

test('U10: reports, deliveries, errors, events and the snapshot can be written as JSON', async () => {
  await using t = await start();
  const delivery = t.producer.produce('orders', 1);
  const report = await t.run(delivery);
  expect(JSON.parse(JSON.stringify(report))).toEqual({
    topic: 'orders',
    partition: 0,
    offset: '0',
    timestampMs: t.mock.log('orders', 0)[0]!.timestampMs,
  });
  expect(() => JSON.stringify([delivery, t.producer.actor.getSnapshot()])).not.toThrow();
  const cause: { self?: unknown } = {};
  cause.self = cause;
  const error = new DeliveryError('X', 'it failed', {
    persisted: 'no',
    topic: 't',
    partition: 0,
    hint: 'Try again.',
    cause,
  });
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'X', persisted: 'no', hint: 'Try again.' });
});

test('U10: what an inspector sees holds no secret and no record', async () => {
  const events: unknown[] = [];
  await using t = await start(
    {},
    {
      inspect: (event) => events.push(event),
      sasl: { mechanism: 'plain', username: 'u', password: 'hunter2' },
      brokers: 'nowhere:1',
      maxBlockMs: 100,
    },
  );
  t.producer.produce('orders', 'the value of the record').catch(() => {});
  await t.mock.clock.advance(500);
  const seen = new Set<unknown>();
  const text = JSON.stringify(events, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  });
  expect(events.length).toBeGreaterThan(0);
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain('the value of the record');
});

test('a Delivery that nobody asks is forgotten; its failure reaches deliveryFailed, an awaited one does not', async () => {
  await using t = await start();
  await t.warm();
  const failures: string[] = [];
  t.producer.on('deliveryFailed', ({ topic, partition, error }) =>
    failures.push(`${topic}-${partition} ${error.code}`),
  );
  t.mock.on('Produce', { times: 1, then: 'error INVALID_REQUIRED_ACKS' });
  t.producer.produce('orders', 'a');
  const awaited = failure(t.producer.produce('orders', 'b'));
  t.producer.produce('orders', 'c');
  await t.run(t.producer.flush());
  await awaited;
  expect(failures).toEqual(['orders-0 INVALID_REQUIRED_ACKS', 'orders-0 INVALID_REQUIRED_ACKS']);
});

test('failures before there is a batch reach deliveryFailed, too, when nobody awaits them', async () => {
  await using t = await start({}, { maxBlockMs: 2_000 });
  await t.warm();
  const failures: string[] = [];
  t.producer.on('deliveryFailed', ({ topic, error }) => failures.push(`${topic} ${error.code}`));
  t.mock.on('Metadata', { times: 1, then: 'error INVALID_TOPIC_EXCEPTION' });
  t.producer.produce('strange', 'a');
  await t.run(t.producer.flush());
  t.producer.produce('orders', 'b', { partition: 99 });
  await t.run(t.producer.flush());
  const awaited = failure(t.producer.produce('orders', 'c', { partition: 99 }));
  await t.run(awaited);
  expect(failures).toEqual(['strange INVALID_TOPIC_EXCEPTION', 'orders UNKNOWN_PARTITION']);
});

test('a Delivery may be asked after it was settled, and as often as one likes', async () => {
  await using t = await start();
  const delivery = t.producer.produce('orders', 'a');
  await t.run(t.producer.flush());
  expect(await delivery).toMatchObject({ offset: 0n });
  expect(await delivery.then(({ offset }) => offset)).toBe(0n);
  let isDone = false;
  await delivery.finally(() => {
    isDone = true;
  });
  expect(isDone).toBe(true);
  expect(await delivery.catch(() => null)).toMatchObject({ offset: 0n });

  t.mock.on('Produce', { times: 1, then: 'error INVALID_REQUIRED_ACKS' });
  const failed = t.producer.produce('orders', 'b');
  await t.run(t.producer.flush());
  expect((await failure(failed)).code).toBe('INVALID_REQUIRED_ACKS');
});

test('topics can be typed', async () => {
  await using t = await start();
  const producer = createProducer<{ orders: { id: number } }>({ ...t.mock.inMemory() });
  await t.run(producer.produce('orders', { id: 1 }));
  // @ts-expect-error: another type of value
  expect(() => producer.produce('orders', undefined)).toThrow();
  await t.run(producer.close());
});

test('state changes are told, and the five states are what happens', async () => {
  await using t = await start();
  const states: string[] = [];
  t.producer.on('stateChanged', ({ to }) => states.push(to));
  await t.run(t.producer.produce('orders', 'a'));
  // It rests once a turn of the loop has passed without another record.
  await t.run(new Promise<void>((resolve) => t.mock.clock.setImmediate(resolve)));
  await t.run(t.producer.close());
  expect(states).toEqual(['healing', 'flushing', 'idle', 'closed']);
});

test('on refuses what is no function, and its return ends the listening', async () => {
  await using t = await start();
  expect(() => t.producer.on('delivered', 7 as never)).toThrow(TypeError);
  let count = 0;
  const stop = t.producer.on('delivered', ({ count: records }) => {
    count += records;
  });
  await t.run(t.producer.produce('orders', 'a'));
  stop();
  await t.run(t.producer.produce('orders', 'b'));
  expect(count).toBe(1);
});

test('U01: a record that waits for its topic is the one that was given, though its Buffers are used again', async () => {
  await using it = await start();
  const value = Buffer.from('"first"');
  const key = Buffer.from('k1');
  const delivery = it.producer.produce('orders', value, { key });
  value.write('"later"');
  key.write('k2');
  await it.run(delivery);
  const [record] = it.mock.log('orders');
  expect([record?.key, record?.value]).toEqual(['k1', 'first']);
});

describe('options of a call that do not exist', () => {
  const misspelt = (name: string, value: unknown) => ({ [name]: value }) as ProduceOptions;

  test.each([
    ['kye', 'a', 'did you mean "key"?'],
    ['partitoin', 1, 'did you mean "partition"?'],
    ['header', {}, 'did you mean "headers"?'],
    ['timestamp', 1, 'did you mean "timestampMs"?'],
    ['acknowledgements', 1, 'there are key, partition, headers, timestampMs, signal'],
  ])('%s is refused, and nothing is sent', async (name, value, advice) => {
    const { mock, producer } = await start();
    expect(() => producer.produce('orders', 'x', misspelt(name, value))).toThrow(
      new TypeError(`produce to "orders": option "${name}" does not exist; ${advice}`),
    );
    expect([producer.unsettledCount, mock.requests({}).length]).toEqual([0, 0]);
  });

  test('one beside right options is refused in the first calls of each topic, one alone always', async () => {
    const { producer, run } = await start();
    for (let i = 0; i < 1_000; i++) producer.produce('orders', i, { key: 'a' });
    expect(() => producer.produce('orders', 'x', misspelt('kye', 'a'))).toThrow(TypeError);
    expect(() => producer.produce('clicks', 'x', { key: 'a', ...misspelt('header', {}) })).toThrow(TypeError);
    await run(producer.close());
  });

  test('of flush and close too', async () => {
    const { producer } = await start();
    expect(() => producer.flush({ timeoutMs: 5 } as object)).toThrow('option "timeoutMs" does not exist');
    expect(() => producer.close({ timeoutMS: 5 } as object)).toThrow('did you mean "timeoutMs"?');
  });
});

import dns from 'node:dns';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MockCluster } from '@kiel/mock-cluster';
import { expect, test, vi } from 'vitest';
import { type Clock, createProducer, type Transport } from '../src/index.ts';
import { failure, start } from './start.ts';

// P09 to P21: network, metadata and time, as they broke for users of other clients.

test('P09: a black-holed connection ends by the request timeout; its batches go again, once each', async () => {
  await using t = await start({}, { requestTimeoutMs: 3_000 });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'append-then-mute' });
  const sent = [];
  for (let i = 0; i < 3; i++) {
    sent.push(t.producer.produce('orders', i));
    await t.mock.clock.advance(2);
  }
  await t.run(Promise.all(sent));
  expect(t.values()).toEqual(['warm', 0, 1, 2]);
  expect(t.mock.clock.now()).toBeLessThan(5_000);
});

test('P09: an answer with an id that was never sent ends the connection', async () => {
  await using t = await start();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: { correlationId: 777_777 } });
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.values()).toEqual(['warm', 'a']);
  expect(t.count('ApiVersions')).toBeGreaterThan(0);
});

test('P11: a broker that comes back at another address is found there, and its old socket is closed', async () => {
  await using t = await start({ brokers: 2 }, { metadataMaxAgeMs: 2_000 });
  const { options, sockets } = redirected(t.mock);
  const producer = createProducer({ ...options, metadataMaxAgeMs: 2_000 });
  await t.run(producer.produce('orders', 'a'));
  const leader = t.mock.leader('orders', 0);
  const open = () => sockets.filter(({ isOpen }) => isOpen).map(({ address }) => address);
  const former = open();
  // The old socket does not hear of it.
  t.mock.killBroker(leader, 'vanish');
  await t.mock.startBroker(leader, { newAddress: true });
  t.mock.moveLeader('orders', 0, leader);
  await t.run(producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['a', 'b']);
  await t.mock.clock.advance(60_000);
  const left = former.filter((address) => !open().includes(address));
  expect(left.length).toBe(1);
  expect(new Set(open()).size).toBe(open().length);
  await t.run(producer.close());
  await t.mock.clock.advance(100);
  expect(open()).toEqual([]);
});

test('P11: when all addresses are dead and the bootstrap name leads elsewhere, it is looked up again', async () => {
  await using t = await start({ brokers: 2 });
  const { options, route, asked } = redirected(t.mock);
  const producer = createProducer({ ...options, brokers: ['kafka.example:9092'], requestTimeoutMs: 2_000 });
  const reasons: string[] = [];
  producer.on('rebootstrapped', ({ reason }) => reasons.push(reason));
  route.set('kafka.example:9092', 'broker-1.kiel:9092');
  await t.run(producer.produce('orders', 'a'));
  for (const id of [1, 2]) t.mock.killBroker(id);
  await t.mock.clock.advance(10);
  for (const id of [1, 2]) await t.mock.startBroker(id, { newAddress: true });
  t.mock.moveLeader('orders', 0, 2);
  route.set('kafka.example:9092', t.mock.inMemory().brokers[0]!);
  const since = asked.length;
  await t.run(producer.produce('orders', 'b'));
  expect(t.values()).toEqual(['a', 'b']);
  expect(reasons.length).toBeGreaterThan(0);
  expect(asked.slice(since)).toContain('kafka.example:9092');
  // Once a pause, not in a storm.
  expect(asked.length - since).toBeLessThan(20);
  await t.run(producer.close());
});

test('P11: of the addresses that a name has, the dead first one is passed over', async () => {
  const mock = await MockCluster.start({ brokers: 1, topics: { orders: { partitions: 1 } } });
  const port = Number(mock.brokers[0]!.split(':')[1]);
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    _options: object,
    done: (error: null, addresses: object[]) => void,
  ) =>
    done(
      null,
      ['127.9.9.9', '127.0.0.1'].map((address) => ({ address, family: 4 })),
    )) as never);
  const producer = createProducer({ brokers: [`two-addresses.example:${port}`] });
  expect(await producer.produce('orders', 'a')).toMatchObject({ offset: 0n });
  expect(lookup.mock.calls.map(([name]) => name)).toContain('two-addresses.example');
  await producer.close();
  lookup.mockRestore();
  await mock.stop();
});

/** The mock's network, with names of our own for some of its addresses, and a book on every socket. */
function redirected(mock: MockCluster) {
  const client = mock.inMemory();
  const route = new Map<string, string>();
  const asked: string[] = [];
  const sockets: { readonly address: string; isOpen: boolean }[] = [];
  const transport: Transport = {
    connect: ({ host, port }, events) => {
      const name = `${host}:${port}`;
      asked.push(name);
      const [toHost, toPort] = (route.get(name) ?? name).split(':') as [string, string];
      const entry = { address: name, isOpen: true };
      sockets.push(entry);
      const socket = client.transport.connect(
        { host: toHost, port: Number(toPort) },
        {
          connected: () => events.connected(),
          data: (chunk) => events.data(chunk),
          drained: () => events.drained(),
          closed: (error) => {
            entry.isOpen = false;
            events.closed(error);
          },
        },
      );
      return socket;
    },
  };
  return { options: { ...client, transport }, route, asked, sockets };
}

test('P12: a partition without leader for 30 s costs tens of requests, not thousands', async () => {
  await using t = await start({ brokers: 1 });
  await t.warm();
  const rule = t.mock.on('Metadata', { then: 'error LEADER_NOT_AVAILABLE' });
  t.mock.on('Produce', { then: 'error NOT_LEADER_OR_FOLLOWER', untilMs: 30_000 });
  const sent = Array.from({ length: 500 }, (_, i) => t.producer.produce('orders', i));
  await t.mock.clock.advance(30_000);
  rule.remove();
  expect(t.count('Metadata')).toBeLessThan(50);
  expect(t.count('Produce')).toBeLessThan(50);
  await t.run(Promise.all(sent));
  expect(t.values().length).toBe(501);
});

test('P12: an unknown topic with 500 records waiting is asked about with growing pauses', async () => {
  await using t = await start({ autoCreateTopics: false }, { maxBlockMs: 20_000 });
  const failures = Array.from({ length: 500 }, (_, i) => failure(t.producer.produce('nowhere', i)));
  const errors = await t.run(Promise.all(failures));
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['METADATA_TIMEOUT']));
  expect(errors[0]!.message).toContain('UNKNOWN_TOPIC_OR_PARTITION');
  expect(t.count('Metadata')).toBeLessThan(35);
});

/** `KIEL_FULL=1` takes the whole hour; the buffer is full after seconds, and settled over and over after minutes. */
const downMinutes = process.env['KIEL_FULL'] === '1' ? 60 : 5;

test(`P14: with all brokers down for ${downMinutes} minutes and 1,000 records a second offered, memory stays bounded`, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const options = { bufferBytes: 1_048_576, maxBlockMs: 5_000, deliveryTimeoutMs: 10_000 };
  await using t = await start({ brokers: 1, requestHistory: 0 }, options);
  await t.warm();
  t.mock.killBroker(1);
  let failed = 0;
  t.producer.on('deliveryFailed', () => failed++);
  let mostBytes = 0;
  let mostRecords = 0;
  let heapBytes = 0;
  for (let tenth = 0; tenth < downMinutes * 600; tenth++) {
    for (let i = 0; i < 100; i++) t.producer.produce('orders', 'x'.repeat(100));
    await t.mock.clock.advance(100);
    mostBytes = Math.max(mostBytes, t.producer.bufferedBytes);
    mostRecords = Math.max(mostRecords, t.producer.unsettledCount);
    // From the first minute on, when all that can fill is full.
    if (tenth === 600) {
      collect();
      heapBytes = process.memoryUsage().heapUsed;
    }
  }
  collect();
  // The buffer, and a line before it that holds as much again.
  expect(mostBytes).toBeLessThanOrEqual(options.bufferBytes + 1_024);
  expect(mostRecords).toBeLessThan((2 * options.bufferBytes) / 100);
  expect(process.memoryUsage().heapUsed - heapBytes).toBeLessThan(4 * options.bufferBytes);
  await t.mock.clock.advance(20_000);
  expect(failed).toBe(downMinutes * 60_000);
  expect(t.producer.unsettledCount).toBe(0);
}, 600_000);

test('P14: closing while nothing is reachable rejects what waits, by the limit of the close', async () => {
  await using t = await start({}, { brokers: ['nowhere:1'] });
  const waiting = failure(t.producer.produce('orders', 'a'));
  await t.mock.clock.advance(1_000);
  const before = t.mock.clock.now();
  await t.run(t.producer.close({ timeoutMs: 1_000 }));
  expect(t.mock.clock.now() - before).toBeLessThanOrEqual(1_001);
  expect(await waiting).toMatchObject({ code: 'CLOSED', persisted: 'no' });
});

test('P15: a topic in the making (3, 5, 5) is waited for quietly, and a bad name or no right fails at once', async () => {
  const lines: string[] = [];
  const note = (_details: object, message: string) => void lines.push(message);
  const logger = { debug() {}, info() {}, warn: note, error: note };
  await using t = await start({}, { logger });
  t.mock.on('Metadata', { times: 1, then: 'error UNKNOWN_TOPIC_OR_PARTITION' });
  t.mock.on('Metadata', { times: 2, after: 1, then: 'error LEADER_NOT_AVAILABLE' });
  await t.run(t.producer.produce('fresh', 'a'));
  expect(lines).toEqual([]);
  for (const code of ['INVALID_TOPIC_EXCEPTION', 'TOPIC_AUTHORIZATION_FAILED']) {
    t.mock.on('Metadata', { times: 1, then: `error ${code}` });
    const before = t.mock.clock.now();
    expect(await t.run(failure(t.producer.produce(`bad ${code}`, 'a')))).toMatchObject({ code, persisted: 'no' });
    expect(t.mock.clock.now() - before).toBeLessThan(50);
  }
});

test('P15: without autoCreateTopics brokers are not asked to create', async () => {
  await using t = await start({}, { autoCreateTopics: false, maxBlockMs: 1_000 });
  expect(await t.run(failure(t.producer.produce('fresh', 'a')))).toMatchObject({ code: 'METADATA_TIMEOUT' });
  expect(t.mock.topics().map(({ name }) => name)).toEqual(['orders']);
});

test('P16: added partitions are used within the age of metadata', async () => {
  await using t = await start({ topics: { orders: { partitions: 3 } } }, { metadataMaxAgeMs: 1_000 });
  await t.warm();
  t.mock.addPartitions('orders', 3);
  for (let i = 0; i < 200; i++) {
    t.producer.produce('orders', i);
    await t.mock.clock.advance(20);
  }
  await t.run(t.producer.flush());
  for (let partition = 0; partition < 6; partition++) expect(t.values('orders', partition).length).toBeGreaterThan(0);
});

test('P16: an explicit partition that is not known yet is waited for; one that never comes is a range error', async () => {
  await using t = await start({ topics: { orders: { partitions: 3 } } }, { maxBlockMs: 5_000 });
  await t.warm();
  const fifth = t.producer.produce('orders', 'a', { partition: 5 });
  const never = failure(t.producer.produce('orders', 'b', { partition: 99 }));
  const other = t.producer.produce('orders', 'c', { partition: 1 });
  await t.mock.clock.advance(1_000);
  t.mock.addPartitions('orders', 3);
  expect(await t.run(fifth)).toMatchObject({ partition: 5 });
  expect(await t.run(other)).toMatchObject({ partition: 1 });
  const error = await t.run(never);
  expect(error).toMatchObject({ code: 'UNKNOWN_PARTITION', persisted: 'no', partition: 99 });
  expect(error.message).toContain('0 to 5');
  expect(t.count('Metadata')).toBeLessThan(20);
});

test('where Produce is answered, the end of a connection that nobody uses is no reason to ask for metadata', async () => {
  await using t = await start({ brokers: 2 });
  t.mock.moveLeader('orders', 0, 2);
  await t.warm();
  t.mock.killBroker(2);
  await t.mock.clock.advance(5_000);
  expect(t.count('Metadata')).toBe(0);
  await t.run(t.producer.produce('orders', 'after'));
  expect(t.values()).toEqual(['warm', 'after']);
});

test('P16: keys stay where they are, and partitions in use, when stale answers show fewer of them', async () => {
  await using t = await start({ topics: { orders: { partitions: 3 } } }, { metadataMaxAgeMs: 500 });
  // What brokers answer later is what they know now.
  t.mock.on('Metadata', { fromMs: 3_000, untilMs: 6_000, then: 'stale-metadata' });
  t.mock.addPartitions('orders', 3);
  const { partition } = await t.run(t.producer.produce('orders', 'a', { key: 'k4' }));
  expect(partition).toBeGreaterThan(2);
  await t.mock.clock.advance(4_000);
  const stale = t.mock.requests({ api: 'Metadata' }).filter(({ faults }) => faults.length > 0);
  expect(stale.length).toBeGreaterThan(0);
  expect(await t.run(t.producer.produce('orders', 'b', { key: 'k4' }))).toMatchObject({ partition, offset: 1n });
  expect(await t.run(t.producer.produce('orders', 'c', { partition: 5 }))).toMatchObject({ partition: 5 });
  expect(t.mock.clock.now()).toBeLessThan(5_900);
});

test('P17: a connection that the broker closed when idle is made anew without a word', async () => {
  const lines: string[] = [];
  const note = (_details: object, message: string) => void lines.push(message);
  await using t = await start({ brokers: 1 }, { logger: { debug() {}, info: note, warn: note, error: note } });
  await t.warm();
  t.mock.killBroker(1, 'close');
  await t.mock.startBroker(1);
  await t.mock.clock.advance(600_000);
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.mock.clock.now() - before).toBeLessThan(50);
  expect(lines).toEqual([]);
});

test('idle connections are closed after connectionsMaxIdleMs, and made anew when needed', async () => {
  await using t = await start({ brokers: 1 }, { connectionsMaxIdleMs: 10_000, metadataMaxAgeMs: 3_600_000 });
  await t.warm();
  await t.mock.clock.advance(25_000);
  const snapshots = Object.values(t.producer.actor.getSnapshot().children).map((child) => child?.getSnapshot());
  expect(snapshots).toContainEqual(expect.objectContaining({ value: 'disconnected' }));
  await t.run(t.producer.produce('orders', 'a'));
  expect(t.count('ApiVersions')).toBe(1);
});

test('P20: one deadline covers queue, metadata and retries', async () => {
  await using t = await start({}, { deliveryTimeoutMs: 3_000 });
  await t.warm();
  t.mock.on('Produce', { then: ['error REQUEST_TIMED_OUT'] });
  const before = t.mock.clock.now();
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({ code: 'DELIVERY_TIMEOUT' });
  expect(t.mock.clock.now() - before).toBeGreaterThan(2_990);
  expect(t.mock.clock.now() - before).toBeLessThan(3_010);
});

test('P20: a record that joins a queued batch late does not expire much before its own time', async () => {
  await using t = await start({ brokers: 1 }, { deliveryTimeoutMs: 10_000 });
  await t.warm();
  t.mock.killBroker(1);
  await t.mock.clock.advance(10);
  const first = failure(t.producer.produce('orders', 'a'));
  await t.mock.clock.advance(5_000);
  const before = t.mock.clock.now();
  const second = failure(t.producer.produce('orders', 'b'));
  await t.run(first);
  await t.run(second);
  expect(t.mock.clock.now() - before).toBeGreaterThan(9_400);
  expect(t.mock.clock.now() - before).toBeLessThan(10_010);
});

test.each([-3_600_000, 3_600_000])('P20: a wall clock moved by %i ms hurries and delays nothing', async (byMs) => {
  const mock = await MockCluster.start({ brokers: 1, tcp: false, topics: { orders: { partitions: 1 } } });
  const client = mock.inMemory();
  let movedMs = 0;
  const clock: Clock = {
    now: () => client.clock.now(),
    epochMs: () => client.clock.epochMs() + movedMs,
    setTimeout: (callback, delayMs) => client.clock.setTimeout(callback, delayMs),
    clearTimeout: (id) => client.clock.clearTimeout(id),
    setImmediate: (callback) => client.clock.setImmediate(callback),
  };
  const producer = createProducer({
    ...client,
    clock,
    lingerMs: 1_000,
    requestTimeoutMs: 2_000,
    deliveryTimeoutMs: 5_000,
  });
  await mock.clock.run(producer.produce('orders', 'warm'));
  const lingering = producer.produce('orders', 'a');
  await mock.clock.advance(500);
  movedMs = byMs;
  expect(mock.log('orders', 0).length).toBe(1);
  await mock.clock.advance(600);
  expect(mock.log('orders', 0).length).toBe(2);
  await lingering;
  mock.killBroker(1);
  const before = mock.clock.now();
  const late = await mock.clock.run(failure(producer.produce('orders', 'b')));
  expect(late.code).toBe('DELIVERY_TIMEOUT');
  expect(mock.clock.now() - before).toBeGreaterThan(4_900);
  expect(mock.clock.now() - before).toBeLessThan(5_500);
  await mock.clock.run(producer.close({ timeoutMs: 0 }));
  await mock.stop();
});

test('P21: throttling pauses that connection alone, and does not delay a close beyond its limit', async () => {
  await using t = await start({ brokers: 2, topics: { orders: { partitions: 2, replicationFactor: 2 } } });
  t.mock.moveLeader('orders', 0, 1);
  t.mock.moveLeader('orders', 1, 2);
  await t.run(t.producer.produce('orders', 'w', { partition: 0 }));
  await t.run(t.producer.produce('orders', 'w', { partition: 1 }));
  t.mock.on('Produce', { times: 1, broker: 1, then: { throttleMs: 60_000 } });
  await t.run(t.producer.produce('orders', 'a', { partition: 0 }));
  const before = t.mock.clock.now();
  await t.run(t.producer.produce('orders', 'b', { partition: 1 }));
  expect(t.mock.clock.now() - before).toBeLessThan(50);
  const paused = failure(t.producer.produce('orders', 'c', { partition: 0 }));
  await t.run(t.producer.close({ timeoutMs: 2_000 }));
  expect(t.mock.clock.now() - before).toBeLessThan(2_100);
  expect(await paused).toMatchObject({ code: 'CLOSED', persisted: 'no' });
});

/** A cluster behind a tunnel: what its brokers advertise leads nowhere, `tunnel:N` leads to broker N. */
function tunnelled(mock: MockCluster) {
  const client = mock.inMemory();
  const connected: string[] = [];
  const transport: Transport = {
    connect: (address, events) => {
      connected.push(`${address.host}:${address.port}`);
      const isThrough = address.host === 'tunnel';
      const target = isThrough
        ? { ...address, host: `broker-${address.port}.kiel`, port: 9091 + address.port }
        : address;
      const socket = client.transport.connect(isThrough ? target : { ...address, port: 1 }, events);
      return socket;
    },
  };
  return { options: { ...client, transport, brokers: ['tunnel:1'] }, connected };
}

test('U09: an address map is applied to every connection, to nodes that join later too', async () => {
  await using t = await start({ brokers: 2 });
  const { options, connected } = tunnelled(t.mock);
  const asked = new Set<string>();
  const producer = createProducer({
    ...options,
    metadataMaxAgeMs: 1_000,
    resolveBroker: (host, port, nodeId) => {
      asked.add(`${nodeId} ${host}:${port}`);
      return nodeId === null ? { host, port } : { host: 'tunnel', port: nodeId };
    },
  });
  await t.run(producer.produce('orders', 'a'));
  const joined = await t.mock.addBroker();
  t.mock.createTopic('wide', { partitions: 12 });
  await t.run(Promise.all(Array.from({ length: 12 }, (_, partition) => producer.produce('wide', 'b', { partition }))));
  await t.run(producer.close());
  expect(connected.every((address) => address.startsWith('tunnel:'))).toBe(true);
  expect([...asked].sort()).toEqual([
    '1 broker-1.kiel:9092',
    '2 broker-2.kiel:9093',
    `${joined} broker-${joined}.kiel:${9091 + joined}`,
    'null tunnel:1',
  ]);
});

test('U09: an unreachable node says what was advertised, by which node, and what the bootstrap was', async () => {
  await using t = await start({ brokers: 1 });
  const { options } = tunnelled(t.mock);
  const producer = createProducer({ ...options, requestTimeoutMs: 1_000, deliveryTimeoutMs: 3_000, lingerMs: 0 });
  const { message } = await t.run(failure(producer.produce('orders', 'a')));
  await t.run(producer.close({ timeoutMs: 0 }));
  expect(message).toContain('broker-1.kiel:9092');
  expect(message).toContain('of node 1');
  expect(message).toContain('tunnel:1');
});

test('U09: IPv6 literals are addresses like others', async () => {
  await using t = await start({ brokers: 1 });
  const client = t.mock.inMemory();
  const hosts: string[] = [];
  const transport: Transport = {
    connect: (address, events) => {
      hosts.push(address.host);
      return client.transport.connect({ ...address, host: 'broker-1.kiel' }, events);
    },
  };
  const producer = createProducer({ ...client, transport, brokers: ['[::1]:9092'] });
  await t.run(producer.produce('orders', 'a'));
  await t.run(producer.close());
  expect(hosts[0]).toBe('::1');
});

test('U08: an awaited record on an idle connection takes a round trip, one after the other and in bursts', async () => {
  await using t = await start({ brokers: 1, link: { latencyMs: [1, 3] } });
  await t.warm();
  const clock = t.mock.clock;
  const takes: number[] = [];
  const awaited = async () => {
    const before = clock.now();
    await t.producer.produce('orders', 'a');
    takes.push(clock.now() - before);
  };
  for (let i = 0; i < 200; i++) await t.run(awaited());
  const percentile = (part: number) => takes.sort((a, b) => a - b)[Math.ceil(takes.length * part) - 1]!;
  expect(percentile(0.5)).toBeLessThan(5);
  expect(percentile(0.99)).toBeLessThan(7);
  takes.length = 0;
  // A second between them: nothing is slower for having rested.
  for (let i = 0; i < 20; i++) {
    await clock.advance(1_000);
    await t.run(awaited());
  }
  expect(percentile(0.99)).toBeLessThan(7);
  takes.length = 0;
  await t.run(Promise.all(Array.from({ length: 500 }, awaited)));
  expect(percentile(0.99)).toBeLessThan(20);
});

test.each(['0.8.2', '0.10.2', '1.1', '2.8', '3.9', '4.4'])('U13: brokers of %s get what they read', async (version) => {
  await using t = await start({ version });
  const reports = await t.run(Promise.all(['a', 'b', 'c'].map((value) => t.producer.produce('orders', value))));
  expect(reports.map(({ offset }) => offset)).toEqual([0n, 1n, 2n]);
  expect(t.values()).toEqual(['a', 'b', 'c']);
});

test('U13: brokers too old for idempotence turn it off with a warning, or refuse it where it was asked for', async () => {
  await using t = await start({ version: '0.10.2' });
  const codes: string[] = [];
  t.producer.on('warning', ({ code }) => codes.push(code));
  await t.run(t.producer.produce('orders', 'a'));
  expect(codes).toEqual(['IDEMPOTENCE_UNSUPPORTED']);
  expect(t.mock.log('orders', 0)[0]).toMatchObject({ producerId: -1n });

  const strict = createProducer({ ...t.mock.inMemory(), idempotent: true });
  const error = await t.run(failure(strict.produce('orders', 'b')));
  expect(error).toMatchObject({ code: 'PRODUCER_FAILED', persisted: 'no' });
  expect(error.message).toContain('0.11');
  expect(strict.state).toBe('closed');
  expect(await failure(strict.produce('orders', 'c'))).toMatchObject({ code: 'PRODUCER_FAILED' });
  await t.run(strict.close());
});

test('U13: a new broker that closed connections like an old one is asked again, and idempotence comes back', async () => {
  await using t = await start({ brokers: 1 });
  const codes: string[] = [];
  t.producer.on('warning', ({ code }) => codes.push(code));
  t.mock.on('ApiVersions', { times: 2, then: 'close' });
  await t.run(t.producer.produce('orders', 'a'));
  await t.run(t.producer.produce('orders', 'b'));
  expect(codes).toEqual(['IDEMPOTENCE_UNSUPPORTED']);
  expect(t.mock.log('orders', 0).map(({ value, sequence }) => [value, sequence])).toEqual([
    ['a', -1],
    ['b', 0],
  ]);
});

test('U13: what went out without an id is settled before the first batch with one, so that order is kept', async () => {
  await using t = await start({ brokers: 1 }, { batchBytes: 150 });
  t.mock.on('ApiVersions', { times: 2, then: 'close' });
  // The first is sent in vain while the broker is taken for an old one, and twice when it is known better.
  t.mock.on('Produce', { times: 1, then: 'drop-before-append' });
  t.mock.on('Produce', { times: 1, after: 1, then: 'error NOT_ENOUGH_REPLICAS' });
  const letters = ['a', 'b', 'c', 'd', 'e'];
  await t.run(Promise.all(letters.map((letter) => t.producer.produce('orders', letter.repeat(120)))));
  const log = t.mock.log('orders', 0);
  expect(log.map(({ value }) => String(value)[0])).toEqual(letters);
  expect(log.map(({ sequence }) => sequence)).toEqual([-1, 0, 1, 2, 3]);
});

test('C11: zstd with brokers too old for it is refused here, with that reason', async () => {
  await using t = await start({ version: '1.1' }, { compression: 'zstd' });
  expect(await t.run(failure(t.producer.produce('orders', 'a')))).toMatchObject({
    code: 'UNSUPPORTED_COMPRESSION_TYPE',
    persisted: 'no',
  });
  expect(t.count('Produce')).toBe(0);
});

test('headers with brokers too old for them fail their record, and not its neighbours', async () => {
  await using t = await start({ version: '0.10.2' });
  const plain = t.producer.produce('orders', 'a');
  const headed = failure(t.producer.produce('orders', 'b', { headers: { h: '1' } }));
  const after = t.producer.produce('orders', 'c');
  await t.run(Promise.all([plain, after]));
  expect(await headed).toMatchObject({ code: 'UNSUPPORTED_FOR_MESSAGE_FORMAT', persisted: 'no' });
  expect(t.values()).toEqual(['a', 'c']);
});

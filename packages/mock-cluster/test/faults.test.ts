import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  MetadataRequest,
  MetadataResponse,
} from '@kiel/codec';
import { expect, test } from 'vitest';
import { MockCluster, type MockClusterOptions, type RuleOptions } from '../src/index.ts';
import { batch, TestClient } from './client.ts';

async function setUp(options: MockClusterOptions = {}) {
  const cluster = await MockCluster.start({ topics: { orders: 2 }, tcp: false, ...options });
  const { clock } = cluster;
  const connect = (broker = cluster.leader('orders', 0)) => {
    const ports = cluster.inMemory();
    return clock.run(TestClient.memory(ports, ports.brokers[cluster.brokerIds.indexOf(broker)]));
  };
  const client = await connect();
  const send = (value = 'x', partition = 0, version = 11) =>
    client.produce('orders', partition, batch([value]), { version });
  const outcome = async (promise: Promise<unknown>) => {
    try {
      return await clock.run(promise, { limitMs: 20_000 });
    } catch (error) {
      return error as { code?: string; message: string };
    }
  };
  const values = (partition = 0) => cluster.log('orders', partition).map(({ value }) => value);
  return { cluster, clock, client, connect, send, outcome, values };
}

const GONE = { message: 'the connection ended before the answer' };
const SILENT = { code: 'NOTHING_LEFT' };

test.each<[string, RuleOptions['then'], object, string[]]>([
  ['a reply lost after the append', 'append-then-drop-reply', GONE, ['x']],
  ['a request lost before the append', 'drop-before-append', GONE, []],
  ['an orderly end', 'close', GONE, []],
  ['a reset', 'reset', GONE, []],
  ['a broker gone silent', 'mute', SILENT, []],
  ['a broker gone silent after the append', 'append-then-mute', SILENT, ['x']],
  ['a pulled cable', 'black-hole', SILENT, []],
  ['a reply cut in its middle', { truncateAt: 9 }, GONE, ['x']],
  ['a reply to somebody else', { correlationId: 99_999 }, SILENT, ['x']],
  ['a reply with a wrong correlation id', 'wrong-correlation-id', SILENT, ['x']],
  ['an error instead of the append', { error: 'NOT_LEADER_OR_FOLLOWER' }, { errorCode: 6, baseOffset: -1n }, []],
  ['an error although it was appended', { error: 20, afterAppend: true }, { errorCode: 20 }, ['x']],
  ['an error with a message', { error: 'INVALID_RECORD', message: 'no' }, { errorCode: 87, errorMessage: 'no' }, []],
  [
    'an error that blames a record',
    { error: 87, records: [0] },
    { errorCode: 87, recordErrors: [{ batchIndex: 0 }] },
    [],
  ],
  ['a sentence', 'error REQUEST_TIMED_OUT', { errorCode: 7 }, []],
  ['a reply in pieces', { splitAt: [1, 3, 9] }, { errorCode: 0 }, ['x']],
  ['a reply byte by byte', { trickle: { bytes: 1, everyMs: 5 } }, { errorCode: 0 }, ['x']],
])('%s', async (_name, then, expected, log) => {
  const { cluster, send, outcome, values } = await setUp();
  cluster.on('Produce', { times: 1, then });
  expect(await outcome(send())).toMatchObject(expected);
  expect(values()).toEqual(log);
  await cluster.stop();
});

test('delays: before the append, and before the reply', async () => {
  const { cluster, clock, send, outcome, values } = await setUp();
  cluster.fault('Produce: 1 time, delay 500 ms');
  const start = clock.now();
  const first = outcome(send('a'));
  await clock.advance(400);
  expect(values()).toEqual([]);
  expect(await first).toMatchObject({ errorCode: 0 });
  expect(clock.now() - start).toBeGreaterThanOrEqual(500);
  cluster.fault('Produce: 1 time, delay the reply 500 ms');
  const second = outcome(send('b'));
  await clock.advance(400);
  expect(values()).toEqual(['a', 'b']);
  expect(await second).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('a request that was read is handled though its client has gone, and not when its broker has', async () => {
  const { cluster, clock, client, send, values } = await setUp();
  cluster.fault('Produce: 1 time, delay 500 ms');
  send('late').catch(() => {});
  await clock.advance(100);
  client.destroy();
  await clock.advance(300);
  expect(values()).toEqual([]);
  await clock.advance(200);
  expect(values()).toEqual(['late']);
  await cluster.stop();

  const another = await setUp();
  another.cluster.fault('Produce: 1 time, delay 500 ms');
  another.send('never').catch(() => {});
  await another.clock.advance(100);
  another.cluster.killBroker(1);
  await another.cluster.startBroker(1);
  await another.clock.advance(1_000);
  expect(another.values()).toEqual([]);
  await another.cluster.stop();
});

test('a throttled answer says so, and the connection is not read for that long', async () => {
  const { cluster, clock, client, outcome } = await setUp();
  const rule = cluster.throttle(3_000, { api: 'Metadata', times: 1 });
  const ask = () => client.call(MetadataRequest, MetadataResponse, 9, { topics: [] });
  expect(await outcome(ask())).toMatchObject({ throttleTimeMs: 3_000 });
  const start = clock.now();
  expect(await outcome(ask())).toMatchObject({ throttleTimeMs: 0 });
  expect(clock.now() - start).toBeGreaterThan(2_900);
  expect(String(rule)).toBe('Metadata: 1 time, throttle 3000 ms');
  await cluster.stop();
});

test('replies merged into one segment, and replies swapped', async () => {
  const { cluster, client, send, outcome } = await setUp();
  cluster.on('Produce', { times: 1, then: 'merge-replies' });
  const both = Promise.all([send('a'), send('b')]);
  expect(await outcome(both)).toMatchObject([{ baseOffset: 0n }, { baseOffset: 1n }]);
  cluster.on('Produce', { times: 1, then: 'swap-replies' });
  client.frames.length = 0;
  expect(await outcome(Promise.all([send('c'), send('d')]))).toMatchObject([{ baseOffset: 2n }, { baseOffset: 3n }]);
  const ids = client.frames.map((frame) => new DataView(frame.buffer, frame.byteOffset).getInt32(0));
  expect(ids[0]).toBe(ids[1]! + 1);
  await cluster.stop();
});

test('garbage and a turned bit reach the client', async () => {
  const { cluster, client, connect, send, outcome } = await setUp();
  cluster.on('Produce', { times: 1, then: 'corrupt-reply' });
  client.frames.length = 0;
  const answer = (await outcome(send())) as { errorCode?: number };
  const other = await connect();
  const clean = await outcome(other.produce('orders', 1, batch(['x'])));
  expect({ ...answer }).not.toEqual({ ...(clean as object) });
  cluster.on('Produce', { times: 1, then: { garbageBytes: 64 } });
  expect(await outcome(other.produce('orders', 0, batch(['y'])))).not.toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('a rule about one partition leaves the others of the same request alone', async () => {
  const { cluster, client, outcome, values } = await setUp();
  cluster.on('Produce', { topic: 'orders', partition: 1, then: 'error NOT_ENOUGH_REPLICAS' });
  const ask = async (partition: number) => outcome(client.produce('orders', partition, batch(['x'])));
  expect(await ask(0)).toMatchObject({ errorCode: 0 });
  expect(await ask(1)).toMatchObject({ errorCode: 19 });
  expect([values(0), values(1)]).toEqual([['x'], []]);
  await cluster.stop();
});

test('top-level errors: each API has its own place for them', async () => {
  const { cluster, client, outcome } = await setUp();
  cluster.fault('FindCoordinator: 2 times, error COORDINATOR_NOT_AVAILABLE saying "wait"');
  const old = client.call(FindCoordinatorRequest, FindCoordinatorResponse, 3, { key: 'g', keyType: 0 });
  expect(await outcome(old)).toMatchObject({ errorCode: 15, errorMessage: 'wait' });
  const now = client.call(FindCoordinatorRequest, FindCoordinatorResponse, 4, { coordinatorKeys: ['g'] });
  expect(await outcome(now)).toMatchObject({ coordinators: [{ errorCode: 15 }] });
  cluster.fault('ApiVersions: once, error UNSUPPORTED_VERSION');
  const named = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
  expect(await outcome(client.call(ApiVersionsRequest, ApiVersionsResponse, 3, named))).toMatchObject({
    errorCode: 35,
  });
  await cluster.stop();
});

test('a moved leader answers with a hint or without, and the new one takes the records', async () => {
  const { cluster, send, connect, outcome } = await setUp({ brokers: 3 });
  const before = cluster.leader('orders', 0);
  cluster.on('Produce', { times: 1, then: 'move-leader-with-hint' });
  const answer = await outcome(send());
  const after = cluster.leader('orders', 0);
  expect(after).not.toBe(before);
  expect(answer).toMatchObject({ errorCode: 6, currentLeader: { leaderId: after, leaderEpoch: 1 } });
  cluster.on('Produce', { times: 1, then: 'error NOT_LEADER_OR_FOLLOWER without hint' });
  expect(await outcome(send())).toMatchObject({ errorCode: 6, currentLeader: { leaderId: -1 } });
  const other = await connect(after);
  expect(await outcome(other.produce('orders', 0, batch(['x'])))).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('stale metadata shows the cluster as it was when the rule was made', async () => {
  const { cluster, client, outcome } = await setUp({ brokers: 2 });
  const ask = () => client.call(MetadataRequest, MetadataResponse, 9, { topics: [{ name: 'orders' }] });
  const before = cluster.leader('orders', 0);
  const rule = cluster.on('Metadata', { then: 'stale-metadata' });
  cluster.moveLeader('orders', 0);
  expect(await outcome(ask())).toMatchObject({ topics: [{ partitions: [{ leaderId: before, leaderEpoch: 0 }, {}] }] });
  rule.remove();
  expect(await outcome(ask())).toMatchObject({ topics: [{ partitions: [{ leaderEpoch: 1 }, {}] }] });
  await cluster.stop();
});

test('a lost broker: its partitions elect others, and it comes back, at another address if wanted', async () => {
  const { cluster, client, connect, outcome } = await setUp({ brokers: 3 });
  const lost = cluster.leader('orders', 0);
  cluster.killBroker(lost);
  expect(cluster.leader('orders', 0)).not.toBe(lost);
  expect(cluster.replicas('orders', 0).isr).not.toContain(lost);
  expect(await outcome(client.ended)).toMatchObject({ code: 'ECONNRESET' });
  const address = cluster.inMemory().brokers;
  expect(address).toHaveLength(2);
  await cluster.startBroker(lost, { newAddress: true });
  expect(cluster.inMemory().brokers).toHaveLength(3);
  expect(cluster.replicas('orders', 0).isr).toContain(lost);
  const again = await connect(lost);
  expect(await outcome(again.call(MetadataRequest, MetadataResponse, 9, { topics: [] }))).toMatchObject({
    brokers: [{}, {}, {}],
  });
  await cluster.stop();
});

test('all brokers replaced: other ids, other addresses, the same data', async () => {
  const { cluster, send, outcome, values } = await setUp({ brokers: 2 });
  await outcome(send('kept'));
  const before = cluster.inMemory().brokers;
  cluster.replaceAllBrokers();
  expect(cluster.brokerIds).toEqual([3, 4]);
  const after = cluster.inMemory().brokers;
  expect(after.some((address) => before.includes(address))).toBe(false);
  await expect(cluster.clock.run(TestClient.memory(cluster.inMemory(), before[0]!))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  expect(values()).toEqual(['kept']);
  await cluster.stop();
});

test('a stopped process takes connections and bytes and answers nothing until it goes on', async () => {
  const { cluster, clock, send, outcome, values } = await setUp();
  cluster.pauseBroker(1);
  const answer = send('late');
  expect(await outcome(answer)).toMatchObject(SILENT);
  expect(values()).toEqual([]);
  cluster.resumeBroker(1);
  expect(await clock.run(answer)).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('refused and unanswered connection attempts', async () => {
  const { cluster, connect, outcome } = await setUp();
  cluster.on('Connect', { times: 1, then: 'refuse' });
  expect(await outcome(connect())).toMatchObject({ code: 'ECONNREFUSED' });
  cluster.on('Connect', { times: 1, then: 'black-hole' });
  expect(await outcome(TestClient.memory(cluster.inMemory()))).toMatchObject(SILENT);
  expect(await outcome(connect())).toBeInstanceOf(TestClient);
  await cluster.stop();
});

test('topics deleted, made again with another id, and grown', async () => {
  const { cluster, send, outcome } = await setUp();
  await outcome(send('a'));
  const [before] = cluster.topics();
  cluster.on('Produce', { times: 1, then: 'recreate-topic' });
  expect(await outcome(send('b'))).toMatchObject({ errorCode: 0, baseOffset: 0n });
  const [after] = cluster.topics();
  expect(after!.id).not.toBe(before!.id);
  cluster.on('Produce', { times: 1, then: { addPartitions: 3 } });
  await outcome(send('c'));
  expect(cluster.topics()).toMatchObject([{ partitions: 5 }]);
  cluster.on('Produce', { times: 1, then: 'delete-topic' });
  expect(await outcome(send('d'))).toMatchObject({ errorCode: 3 });
  await cluster.stop();
});

test('followers that lag hold back the acknowledgement, and what they lack is lost with the leader', async () => {
  const { cluster, clock, client, outcome, values } = await setUp({ brokers: 3 });
  cluster.setReplicationLag('orders', 0, 300);
  const start = clock.now();
  expect(await outcome(client.produce('orders', 0, batch(['a'])))).toMatchObject({ errorCode: 0 });
  expect(clock.now() - start).toBeGreaterThan(300);
  cluster.setReplicationLag('orders', 0, Number.POSITIVE_INFINITY);
  expect(await outcome(client.produce('orders', 0, batch(['b']), { timeoutMs: 1_000 }))).toMatchObject({
    errorCode: 7,
  });
  expect(await outcome(client.produce('orders', 0, batch(['c']), { acks: 1 }))).toMatchObject({
    errorCode: 0,
    baseOffset: 2n,
  });
  expect(cluster.offsets('orders', 0)).toMatchObject({ high: 1, end: 3 });
  cluster.moveLeader('orders', 0);
  expect(values()).toEqual(['a']);
  await cluster.stop();
});

test('with too few replicas in sync, acks=-1 is refused and acks=1 is not', async () => {
  const { cluster, client, outcome } = await setUp({
    brokers: 3,
    topics: { orders: { partitions: 1, config: { 'min.insync.replicas': 2 } } },
  });
  cluster.setInSyncReplicas('orders', 0, [cluster.leader('orders', 0)]);
  expect(await outcome(client.produce('orders', 0, batch(['a'])))).toMatchObject({ errorCode: 19 });
  expect(await outcome(client.produce('orders', 0, batch(['b']), { acks: 1 }))).toMatchObject({ errorCode: 0 });
  await cluster.stop();
});

test('rules and requests print what happened', async () => {
  const { cluster, send, outcome } = await setUp();
  const seen: string[] = [];
  const stop = cluster.observe({ api: 'Produce' }, ({ outcome: fate, faults }) =>
    seen.push(`${fate} ${faults.join()}`),
  );
  cluster.on('Produce', { times: 1, topic: 'orders', then: 'close' });
  await outcome(send());
  stop();
  expect(seen).toEqual(['closed Produce, topic orders: 1 time, close']);
  expect(cluster.requests({ api: 'Produce', topic: 'orders', partition: 0 })).toMatchObject([
    { outcome: 'closed', client: 'test', version: 11, touched: [{ topic: 'orders', partition: 0 }] },
  ]);
  expect(cluster.requests({ topic: 'other' })).toEqual([]);
  await cluster.stop();
});

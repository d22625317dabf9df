import { expect, test } from 'vitest';
import { MockCluster } from '../src/index.ts';
import { batch, TestClient } from './client.ts';

const text = (value: string) => new TextEncoder().encode(value);
const hex = (value: string) => new Uint8Array(Buffer.from(value, 'hex'));

test.each<[string, Uint8Array, RegExp]>([
  ['an HTTP request', text('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /HTTP/],
  ['a TLS hello', hex('16030100c8010000c40303'), /TLS/],
  ['a frame of 2 GB', hex('7fffffff00120000'), /2147483647 bytes/],
  ['a negative frame', hex('ffffffff'), /a frame of -1 bytes/],
  ['an empty frame', hex('00000000'), /no request header/],
  ['an unknown API', hex('0000000c03e7000000000001000261630000'), /no API 999/],
  ['a version nobody has', hex('0000000b0003006300000001000000'), /Metadata v99 is not served/],
  ['a body cut short', hex('0000000c0003000000000001ffff0000'), /cannot be read/],
])('%s ends the connection, with the reason on record, and the others are served on', async (_name, bytes, reason) => {
  await using cluster = await MockCluster.start({ topics: ['orders'] });
  const bystander = await TestClient.tcp(cluster.brokers[0]!);
  const stranger = await TestClient.tcp(cluster.brokers[0]!);
  const seen: (string | null)[] = [];
  cluster.observe({ outcome: 'closed' }, (entry) => seen.push(entry.reason));
  stranger.send(bytes);
  await stranger.ended;
  expect(seen).toEqual([expect.stringMatching(reason)]);
  expect(cluster.requests({ outcome: 'closed' })).toMatchObject([
    { remote: expect.stringContaining('127.0.0.1:'), broker: 1 },
  ]);
  expect(await bystander.produce('orders', 0, batch(['x'], {}, Date.now()))).toMatchObject({ errorCode: 0 });
  bystander.destroy();
});

test('half a frame and then nothing: the broker waits, and notes it when the client leaves', async () => {
  await using cluster = await MockCluster.start({ topics: ['orders'], tcp: false });
  const client = await cluster.clock.run(TestClient.memory(cluster.inMemory()));
  client.send(hex('00000064000300'));
  await cluster.clock.advance(60_000);
  expect(cluster.requests()).toEqual([]);
  client.destroy();
  await cluster.clock.advance(1_000);
  expect(cluster.requests()).toMatchObject([
    { api: null, outcome: 'closed', reason: expect.stringContaining('never ended') },
  ]);
});

test('a stopped cluster leaves no handle open', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  const cluster = await MockCluster.start({ brokers: 3, topics: ['orders'] });
  const client = await TestClient.tcp(cluster.brokers[0]!);
  await client.produce('orders', 0, batch(['x'], {}, Date.now()));
  await cluster.stop();
  await client.ended;
  const after = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  expect(after).toBeLessThanOrEqual(before);
  await cluster.stop();
});

test('a cluster in memory alone opens none at all', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  await using cluster = await MockCluster.start({ brokers: 3, tcp: false });
  expect(cluster.brokers).toEqual([]);
  expect(process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'))).toHaveLength(before);
});

test('the moment stop() is done, its listeners are gone', async () => {
  const listeners = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  const before = listeners();
  const cluster = await MockCluster.start({ brokers: 3 });
  expect(listeners()).toBe(before + 3);
  await cluster.stop();
  expect(listeners()).toBe(before);
});

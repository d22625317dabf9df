import { expect, test } from 'vitest';
import { SeededRandom } from '../src/clock/random.ts';
import { VirtualClock } from '../src/clock/virtual-clock.ts';
import { MemoryNetwork } from '../src/network/memory-network.ts';
import type { Peer, SocketEvents } from '../src/ports.ts';

const address = { host: 'broker-1', port: 9092 };

function setUp(latencyMs: [number, number] = [1, 9]) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededRandom('net'), { latencyMs });
  const log: string[] = [];
  const events: SocketEvents = {
    connected: () => log.push('connected'),
    data: (chunk) => log.push(`client ${Buffer.from(chunk).toString()}`),
    drained: () => log.push('drained'),
    closed: (error) => log.push(`client closed ${(error as { code?: string } | null)?.code ?? null}`),
  };
  const peers: Peer[] = [];
  const listen = () =>
    network.listen(address, {
      admit: () => 'accept',
      accept: (peer) => {
        peers.push(peer);
        peer.events = {
          data: (chunk) => log.push(`broker ${Buffer.from(chunk).toString()}`),
          closed: (error) => log.push(`broker closed ${error === null ? null : 'error'}`),
        };
      },
    });
  return { clock, network, log, events, peers, listen };
}

test('segments arrive in the order they were sent, whatever latency each draws', async () => {
  const { clock, network, log, events, listen } = setUp();
  listen();
  const socket = network.connect(address, events);
  await clock.advance(50);
  for (let i = 0; i < 30; i++) socket.write([Buffer.from(`${i}`)]);
  await clock.advance(50);
  expect(log).toEqual(['connected', ...Array.from({ length: 30 }, (_, i) => `broker ${i}`)]);
  clock.stop();
});

test('a write is a copy: changing the memory afterwards changes nothing', async () => {
  const { clock, network, log, events, listen } = setUp();
  listen();
  const socket = network.connect(address, events);
  await clock.advance(50);
  const bytes = Buffer.from('before');
  socket.write([bytes]);
  bytes.write('AFTER!');
  await clock.advance(50);
  expect(log).toContain('broker before');
  clock.stop();
});

test('nobody listening refuses; destroy ends both ends once; a reset is seen as one', async () => {
  const { clock, network, log, events, listen, peers } = setUp();
  network.connect(address, events);
  await clock.advance(50);
  expect(log.splice(0)).toEqual(['client closed ECONNREFUSED']);
  listen();
  const socket = network.connect(address, events);
  await clock.advance(50);
  socket.destroy();
  socket.destroy();
  await clock.advance(50);
  expect(log.splice(0)).toEqual(['connected', 'client closed null', 'broker closed null']);
  network.connect(address, events);
  await clock.advance(50);
  peers.at(-1)!.reset();
  await clock.advance(50);
  expect(log.splice(0)).toEqual(['connected', 'broker closed null', 'client closed ECONNRESET']);
  clock.stop();
});

test('a peer that does not read fills the sender, who is told when it drains', async () => {
  const { clock, network, log, events, listen, peers } = setUp();
  listen();
  const socket = network.connect(address, events);
  await clock.advance(50);
  peers[0]!.pause();
  expect(socket.write([new Uint8Array(200_000)])).toBe(true);
  expect(socket.write([new Uint8Array(200_000)])).toBe(false);
  await clock.advance(50);
  expect(socket.pendingBytes).toBe(400_000);
  expect(log).toEqual(['connected']);
  peers[0]!.resume();
  await clock.advance(50);
  expect(socket.pendingBytes).toBe(0);
  expect(log.at(-1)).toBe('drained');
  clock.stop();
});

test('in a black hole nothing arrives and nobody is told', async () => {
  const { clock, network, log, events, listen, peers } = setUp();
  listen();
  const socket = network.connect(address, events);
  await clock.advance(50);
  peers[0]!.blackHole();
  socket.write([Buffer.from('lost')]);
  peers[0]!.write(Buffer.from('lost too'));
  peers[0]!.end();
  await clock.advance(1_000);
  expect(log).toEqual(['connected', 'broker closed null']);
  clock.stop();
});

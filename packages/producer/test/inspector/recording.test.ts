import { statSync } from 'node:fs';
import { SaslServer } from '@kiel/mock-cluster';
import { expect, test } from 'vitest';
import { BufferFullError, KafkaError } from '../../src/index.ts';
import { openRecorded } from '../../src/inspector/index.ts';
import { start } from '../start.ts';
import { readRecording, recordingPlace } from './read-recording.ts';

const sixPartitions = { brokers: 3, topics: { orders: { partitions: 6 } } };

test('a recording tells of every record that was delivered, and of the states on the way', async () => {
  using place = recordingPlace();
  const { producer, run, mock } = await start(sixPartitions, { clientId: 'orders-api', lingerMs: 5 });
  const recording = await producer.record(place.path);
  for (let n = 0; n < 500; n++) producer.produce('orders', { n });
  await run(producer.flush());
  await run(producer.close());
  await recording.close();
  await mock.stop();
  const { hello, frames, steps } = readRecording(place.path);
  expect(hello).toMatchObject({ kind: 'hello', format: 1, clientId: 'orders-api', pid: process.pid, allow: [] });
  expect(frames.at(-1)!.totals).toMatchObject({ delivered: 500, failed: 0, unsettled: 0, bufferedBytes: 0 });
  expect(frames.at(-1)!.machines[0]).toMatchObject({ actor: 'producer', state: 'closed' });
  const path = steps.filter(({ actor, from, to }) => actor === 'producer' && from !== to);
  expect(path[0]).toMatchObject({
    from: 'idle',
    to: 'healing',
    event: 'metadata.stale',
    key: 'producer|metadata.stale|0',
  });
  expect(path.at(-1)).toMatchObject({ from: 'closing', to: 'closed', event: 'always' });
  const latencies = frames.flatMap(({ recordLatency }) => (recordLatency === null ? [] : [recordLatency]));
  expect(latencies.reduce((sum, { count }) => sum + count, 0)).toBe(frames.at(-1)!.totals.batches);
});

test('a broker that is killed shows: healing, what comes back, the lost leader, and how long it lasted', async () => {
  using place = recordingPlace();
  await using it = await start(sixPartitions, { retryBackoffMs: 300 });
  const { producer, mock, run } = it;
  for (let partition = 0; partition < 6; partition++) await run(producer.produce('orders', 'warm', { partition }));
  const recording = await producer.record(place.path);
  const broker = mock.leader('orders', 0);
  mock.fault(`Produce, broker ${broker}: 1 time, append-then-drop-reply`);
  await run(producer.produce('orders', 'sent twice', { partition: 0 }));
  mock.killBroker(broker);
  await run(producer.produce('orders', 'after it', { partition: 0 }));
  await recording.close();
  const { frames, steps } = readRecording(place.path);
  expect(steps.some(({ actor, to }) => actor === 'producer' && to === 'healing')).toBe(true);
  expect(frames.reduce((sum, { spent }) => sum + (spent['healing'] ?? 0), 0)).toBeGreaterThan(0);
  const first = frames[0]!;
  expect(first.brokers.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2, 3]);
  // Whatever was in flight or queued for the dead broker belonged to the partition's row.
  const rows = frames
    .flatMap(({ partitions }) => partitions)
    .filter(({ topic, partition }) => topic === 'orders' && partition === 0);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.every(({ inFlight, queued, retrying }) => inFlight + queued + retrying > 0)).toBe(true);
  expect(frames.at(-1)!.totals.delivered).toBe(2);
  expect(frames.at(-1)!.totals.retries).toBeGreaterThanOrEqual(1);
});

test('milliseconds in states add up to the time that has passed', async () => {
  using place = recordingPlace();
  await using it = await start(sixPartitions, { lingerMs: 40 });
  const recording = await it.producer.record(place.path);
  for (let n = 0; n < 20; n++) {
    it.producer.produce('orders', n);
    await it.run(it.producer.flush());
    await it.mock.clock.advance(100);
  }
  await recording.close();
  const { frames } = readRecording(place.path);
  const spent = frames.flatMap((frame) => Object.values(frame.spent)).reduce((sum, ms) => sum + ms, 0);
  expect(Math.abs(spent - (frames.at(-1)!.at - frames[0]!.at))).toBeLessThan(5);
});

test('a throttled broker is shown with what is left of its pause', async () => {
  using place = recordingPlace();
  await using it = await start({}, {});
  await it.warm();
  const recording = await it.producer.record(place.path);
  it.mock.fault('Produce: 1 time, throttle 2000 ms');
  await it.run(it.producer.produce('orders', 'slow down'));
  await it.mock.clock.advance(1_000);
  await recording.close();
  const { frames, steps } = readRecording(place.path);
  expect(steps.some(({ machine, to }) => machine === 'broker' && to === 'throttled')).toBe(true);
  const pauses = frames.flatMap(({ brokers }) => brokers.map(({ throttledMs }) => throttledMs)).filter((ms) => ms > 0);
  expect(pauses.length).toBeGreaterThan(1);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000);
  expect(
    frames.flatMap(({ notes }) => notes).some(({ kind, text }) => kind === 'throttled' && text.includes('2000 ms')),
  ).toBe(true);
});

test('of failures without end a frame holds a bounded number, and says how many more there were', async () => {
  using place = recordingPlace();
  await using it = await start({}, { bufferBytes: 2_000, maxBlockMs: 100 });
  await it.warm();
  const recording = await it.producer.record(place.path);
  let refused = 0;
  for (let n = 0; n < 2_000; n++) {
    it.producer.produce('orders', 'x'.repeat(500)).catch((error: unknown) => {
      if (error instanceof BufferFullError) refused++;
    });
    it.producer.produce('orders', 'y'.repeat(500));
  }
  await it.run(it.producer.flush());
  await it.mock.clock.advance(1_000);
  await recording.close();
  const { frames } = readRecording(place.path);
  expect(refused).toBeGreaterThan(1_900);
  expect(Math.max(...frames.map(({ notes }) => notes.length))).toBeLessThanOrEqual(100);
  expect(frames.reduce((sum, { dropped }) => sum + dropped, 0)).toBeGreaterThan(1_500);
  expect(frames.at(-1)!.totals.failed + frames.at(-1)!.totals.delivered).toBe(4_000);
});

test('neither messages nor secrets are in a recording, and only its owner may read it', async () => {
  using place = recordingPlace();
  const users = { app: 'a-password-that-nobody-may-see' };
  const sasl = new SaslServer({ users });
  await using it = await start({ sasl } as never, {
    sasl: { mechanism: 'plain', username: 'app', password: users.app },
    retryBackoffMs: 10,
  });
  const recording = await it.producer.record(place.path);
  const headers = { trace: 'a-header-that-nobody-may-see' };
  const key = 'a-key-that-nobody-may-see';
  await it.run(it.producer.produce('orders', 'a-value-that-nobody-may-see', { key, headers }));
  it.mock.killBroker(it.mock.leader('orders', 0));
  await it.run(it.producer.produce('orders', 'a-value-that-nobody-may-see', { key, headers }));
  await recording.close();
  const { frames } = readRecording(place.path);
  expect(frames.at(-1)!.totals.delivered).toBe(2);
  expect(JSON.stringify(frames)).not.toContain('nobody-may-see');
  expect(statSync(place.path).mode & 0o777).toBe(0o600);
});

test('a recording that cannot be is refused by name', async () => {
  await using it = await start();
  await expect(it.producer.record('/nowhere/at/all.ndjson')).rejects.toMatchObject({ code: 'RECORDING_FAILED' });
  await expect(openRecorded(import.meta.filename)).rejects.toMatchObject({ code: 'NO_RECORDING' });
  await expect(openRecorded('/nowhere/at/all.ndjson')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(openRecorded(import.meta.filename)).rejects.toBeInstanceOf(KafkaError);
});

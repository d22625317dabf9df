import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { afterEach, expect, test } from 'vitest';
import { DeliveryReport, type ProduceTrace, type RequestTrace } from '../../src/index.ts';
import { failure, start } from '../start.ts';

const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** All events of a channel, in order. */
function record<Trace extends object>(name: string) {
  const seen: { event: string; trace: Trace }[] = [];
  const handlers = Object.fromEntries(
    events.map((event) => [event, (trace: Trace) => void seen.push({ event, trace })]),
  ) as unknown as Parameters<ReturnType<typeof tracingChannel<unknown, Trace>>['subscribe']>[0];
  const channel = tracingChannel<unknown, Trace>(name);
  channel.subscribe(handlers);
  stops.push(() => void channel.unsubscribe(handlers));
  return { seen, names: () => seen.map(({ event }) => event) };
}

test('kiel:produce: a message from its call to its settlement, in one object', async () => {
  await using t = await start({}, { clientId: 'billing' });
  const { seen, names } = record<ProduceTrace>('kiel:produce');
  const delivery = t.producer.produce('orders', { id: 1 }, { key: 'k' });
  expect(names()).toEqual(['start', 'end']);
  const report = await t.run(delivery);
  expect(names()).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  const { trace } = seen[0]!;
  expect(seen.every((each) => each.trace === trace)).toBe(true);
  expect(trace).toMatchObject({ clientId: 'billing', topic: 'orders', value: { id: 1 }, options: { key: 'k' } });
  expect(trace.producer).toBe(t.producer);
  expect(trace.result).toBeInstanceOf(DeliveryReport);
  expect(trace.result).toEqual(report);
});

test('kiel:produce: a failure is an error, awaited or not, and stays as unawaited as it was', async () => {
  await using t = await start();
  await t.warm();
  const { seen, names } = record<ProduceTrace>('kiel:produce');
  const unawaited: string[] = [];
  t.producer.on('deliveryFailed', ({ error }) => void unawaited.push(error.code));
  t.mock.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
  t.producer.produce('orders', 'nobody asks');
  await t.run(t.producer.flush());
  await t.mock.clock.advance(1);
  expect(names()).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
  expect(seen[4]!.trace.error).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  expect(unawaited).toEqual(['MESSAGE_TOO_LARGE']);
});

test('kiel:produce: what the call throws is told, and thrown', async () => {
  await using t = await start();
  const { seen, names } = record<ProduceTrace>('kiel:produce');
  expect(() => t.producer.produce('orders', undefined)).toThrow(TypeError);
  expect(names()).toEqual(['start', 'error', 'end']);
  expect(seen[0]!.trace.error).toBeInstanceOf(TypeError);
  // Nothing of it is left: the next one is seen whole.
  await t.run(t.producer.produce('orders', 1));
  expect(names().slice(3)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
});

test('kiel:produce: a subscriber of start may give other options, and the caller’s stay as they were', async () => {
  await using t = await start();
  const channel = tracingChannel<unknown, ProduceTrace>('kiel:produce');
  const add = (message: unknown) => {
    const trace = message as ProduceTrace;
    trace.options = { ...trace.options, headers: { added: 'yes' } };
  };
  channel.start.subscribe(add);
  stops.push(() => void channel.start.unsubscribe(add));
  const options = { key: 'k' };
  await t.run(t.producer.produce('orders', 1, options));
  expect(options).toEqual({ key: 'k' });
  const [stored] = t.mock.log('orders');
  expect(stored!.headers.map(([name, value]) => [name, String(value)])).toEqual([['added', 'yes']]);
  expect(String(stored!.key)).toBe('k');
});

test('kiel:produce: a store that is bound to start holds until the message is settled', async () => {
  await using t = await start();
  const storage = new AsyncLocalStorage<string>();
  const channel = tracingChannel<unknown, ProduceTrace>('kiel:produce');
  channel.start.bindStore(storage as AsyncLocalStorage<unknown>, (trace) => (trace as ProduceTrace).topic);
  const seen: unknown[] = [];
  const look = () => void seen.push(storage.getStore());
  channel.asyncStart.subscribe(look);
  stops.push(() => {
    channel.start.unbindStore(storage as AsyncLocalStorage<unknown>);
    channel.asyncStart.unsubscribe(look);
  });
  await t.run(t.producer.produce('orders', 1));
  await t.mock.clock.advance(1);
  expect(seen).toEqual(['orders']);
  expect(storage.getStore()).toBeUndefined();
});

test('kiel:request: every request with its broker, version and sizes; a Produce with what it carries', async () => {
  await using t = await start({}, { batchSize: 3, lingerMs: 100 });
  const { seen } = record<RequestTrace>('kiel:request');
  for (let i = 0; i < 3; i++) t.producer.produce('orders', i);
  await t.run(t.producer.flush());
  const started = seen.filter(({ event }) => event === 'start').map(({ trace }) => trace);
  const apis = new Set(started.map(({ apiName }) => apiName));
  expect([...apis].sort()).toEqual(['ApiVersions', 'InitProducerId', 'Metadata', 'Produce']);
  expect(started.length).toBe(t.mock.requests().length);
  const produce = started.find(({ apiName }) => apiName === 'Produce')!;
  expect(produce).toMatchObject({
    apiKey: 0,
    isAnswered: true,
    content: { topics: ['orders'], batches: 1, records: 3 },
  });
  expect(produce.producer).toBe(t.producer);
  expect(produce.nodeId).toBe(t.mock.leader('orders', 0));
  expect(produce.requestBytes).toBeGreaterThan(80);
  expect(produce.responseBytes).toBeGreaterThan(20);
  const { 'outgoing-byte-total': out, 'incoming-byte-total': into } = t.producer.metrics().client;
  expect(started.reduce((sum, { requestBytes }) => sum + requestBytes, 0)).toBe(out);
  expect(started.reduce((sum, { responseBytes = 0 }) => sum + responseBytes, 0)).toBe(into);
  const ends = seen.filter(({ event }) => event === 'asyncEnd').length;
  expect(ends).toBe(started.length);
});

test('kiel:request: a connection that ends is the error of what was on it', async () => {
  await using t = await start();
  await t.warm();
  const { seen } = record<RequestTrace>('kiel:request');
  t.mock.on('Produce', { times: 1, then: 'reset' });
  await t.run(t.producer.produce('orders', 1));
  const failed = seen.filter(({ event }) => event === 'error').map(({ trace }) => trace);
  expect(failed).toMatchObject([{ apiName: 'Produce', error: { code: 'CONNECTION_LOST' } }]);
  expect(failed[0]!.responseBytes).toBeUndefined();
});

test('kiel:request: without acknowledgements there is a start and an end, and nothing later', async () => {
  await using t = await start({}, { requiredAcks: 0, idempotent: false });
  await t.warm();
  const { names, seen } = record<RequestTrace>('kiel:request');
  await t.run(t.producer.produce('orders', 1));
  await t.mock.clock.advance(10);
  expect(names()).toEqual(['start', 'end']);
  expect(seen[0]!.trace.isAnswered).toBe(false);
});

test('an unsubscribed channel is told nothing', async () => {
  await using t = await start();
  const { seen } = record<ProduceTrace>('kiel:produce');
  for (const stop of stops.splice(0)) stop();
  t.producer.produce('orders', 1);
  await t.run(failure(t.producer.produce('orders', 1, { partition: 77, signal: AbortSignal.abort() })));
  expect(seen).toEqual([]);
});

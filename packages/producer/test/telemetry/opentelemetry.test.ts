import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type InstrumentationOptions, instrumentProducer } from '../../src/telemetry/opentelemetry.ts';
import { failure, start } from '../start.ts';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterAll(() => {
  context.disable();
  propagation.disable();
});

/** A producer with the real SDK behind it. */
async function traced(options: InstrumentationOptions = {}, ...rest: Parameters<typeof start>) {
  const t = await start(...rest);
  const spans = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const stop = instrumentProducer(t.producer, { tracerProvider, meterProvider, ...options });
  return {
    ...t,
    stop,
    tracer: tracerProvider.getTracer('test'),
    finished: (name?: string) => spans.getFinishedSpans().filter((span) => name === undefined || span.name === name),
    /** The points of a metric, as the SDK exports them. */
    async points(name: string): Promise<DataPoint<unknown>[]> {
      exporter.reset();
      await reader.forceFlush();
      const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics));
      return metrics
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }): DataPoint<unknown>[] => dataPoints);
    },
    async [Symbol.asyncDispose]() {
      stop();
      await meterProvider.shutdown();
      await t[Symbol.asyncDispose]();
    },
  };
}

test('a span for each message, by the messaging conventions', async () => {
  await using t = await traced({}, {}, { clientId: 'billing' });
  await t.run(t.producer.produce('orders', { id: 7 }, { key: 'eu' }));
  await t.run(t.producer.produce('orders', null));
  await t.mock.clock.advance(1);
  const [span, tombstone] = t.finished() as [ReadableSpan, ReadableSpan];
  expect(span.name).toBe('send orders');
  expect(span.kind).toBe(SpanKind.PRODUCER);
  expect(span.attributes).toEqual({
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'orders',
    'messaging.client.id': 'billing',
    'messaging.kafka.message.key': 'eu',
    'messaging.destination.partition.id': '0',
    'messaging.kafka.offset': 0,
  });
  expect(span.status.code).toBe(SpanStatusCode.UNSET);
  expect(tombstone.attributes).toMatchObject({
    'messaging.kafka.message.tombstone': true,
    'messaging.kafka.offset': 1,
  });
});

test('it is a child of what was active, and a consumer that reads the header goes on with the trace', async () => {
  await using t = await traced({ injectContext: true });
  const parent = t.tracer.startSpan('handle order');
  const sent = context.with(trace.setSpan(context.active(), parent), () =>
    t.producer.produce('orders', 1, {
      headers: [
        ['own', 'kept'],
        ['traceparent', 'a stale one'],
      ],
    }),
  );
  await t.run(sent);
  await t.mock.clock.advance(1);
  parent.end();
  const [span] = t.finished('send orders');
  expect(span!.parentSpanContext!.spanId).toBe(parent.spanContext().spanId);
  expect(span!.spanContext().traceId).toBe(parent.spanContext().traceId);
  const [stored] = t.mock.log('orders');
  const carrier = Object.fromEntries(stored!.headers.map(([name, value]) => [name, String(value)]));
  expect(Object.keys(carrier).sort()).toEqual(['own', 'traceparent']);
  expect(stored!.headers.length).toBe(2);
  const extracted = trace.getSpanContext(propagation.extract(context.active(), carrier))!;
  expect(extracted).toMatchObject({ traceId: span!.spanContext().traceId, spanId: span!.spanContext().spanId });
});

test('headers are left alone unless asked for, and plain objects of them serve too', async () => {
  await using t = await traced();
  await t.run(t.producer.produce('orders', 1, { headers: { own: 'kept' } }));
  expect(t.mock.log('orders')[0]!.headers.length).toBe(1);
  await using injecting = await traced({ injectContext: true });
  await injecting.run(injecting.producer.produce('orders', 1, { headers: { own: 'kept' } }));
  expect(injecting.mock.log('orders')[0]!.headers.map(([name]) => name)).toEqual(['own', 'traceparent']);
});

test('a message that fails ends its span with the error’s name, also when the call throws', async () => {
  await using t = await traced();
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
  await t.run(failure(t.producer.produce('orders', 'large')));
  expect(() => t.producer.produce('orders', undefined)).toThrow(TypeError);
  await t.mock.clock.advance(1);
  const [, refused, thrown] = t.finished();
  expect(refused!.status.code).toBe(SpanStatusCode.ERROR);
  expect(refused!.attributes['error.type']).toBe('MESSAGE_TOO_LARGE');
  expect(thrown!.attributes['error.type']).toBe('TypeError');
});

test('keys are not told where they should not be, nor keys that are bytes', async () => {
  await using t = await traced({ messageKeys: false });
  await t.run(t.producer.produce('orders', 1, { key: 'private' }));
  await t.mock.clock.advance(1);
  expect(t.finished()[0]!.attributes).not.toHaveProperty('messaging.kafka.message.key');
  await using bytes = await traced();
  await bytes.run(bytes.producer.produce('orders', 1, { key: Uint8Array.of(1) }));
  await bytes.mock.clock.advance(1);
  expect(bytes.finished()[0]!.attributes).not.toHaveProperty('messaging.kafka.message.key');
});

test('requests have spans when asked for, and a Produce says how many messages it has', async () => {
  await using t = await traced({ requestSpans: true, messageSpans: false }, {}, { batchSize: 3, lingerMs: 100 });
  for (let i = 0; i < 3; i++) t.producer.produce('orders', i);
  await t.run(t.producer.flush());
  const produce = t.finished().find(({ name }) => name.startsWith('Produce '))!;
  expect(produce.kind).toBe(SpanKind.CLIENT);
  expect(produce.attributes).toMatchObject({
    'messaging.batch.message_count': 3,
    'messaging.destination.name': 'orders',
    'messaging.operation.type': 'send',
    'server.port': expect.any(Number),
  });
  t.mock.on('Produce', { times: 1, then: 'reset' });
  await t.run(t.producer.produce('orders', 'again'));
  const failed = t.finished().find(({ status }) => status.code === SpanStatusCode.ERROR)!;
  expect(failed.attributes['error.type']).toBe('CONNECTION_LOST');
});

test('Java’s metrics are observable instruments, for the producer, its brokers and its topics', async () => {
  await using t = await traced({}, {}, { clientId: 'billing' });
  await t.run(t.producer.produce('orders', 1));
  expect(await t.points('kafka.producer.record_send_total')).toMatchObject([
    { attributes: { 'client-id': 'billing' }, value: 1 },
  ]);
  expect(await t.points('kafka.producer.topic.record_send_total')).toMatchObject([
    { attributes: { 'client-id': 'billing', topic: 'orders' }, value: 1 },
  ]);
  const latencies = await t.points('kafka.producer.node.request_latency_avg');
  expect(latencies.map(({ attributes }) => attributes['node-id'])).toEqual([`node-${t.mock.leader('orders', 0)}`]);
  // Nothing was measured: there is no point rather than no number.
  expect(await t.points('kafka.producer.reauthentication_latency_avg')).toEqual([]);
});

test('the conventions’ own metrics: messages by topic and error, durations by request', async () => {
  await using t = await traced({ messageSpans: false });
  await t.warm();
  t.mock.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
  await t.run(failure(t.producer.produce('orders', 'large')));
  await t.run(t.producer.produce('orders', 'fine'));
  const sent = await t.points('messaging.client.sent.messages');
  const common = { 'messaging.system': 'kafka', 'messaging.operation.name': 'send' };
  expect(sent).toMatchObject([
    { value: 2, attributes: { ...common, 'messaging.destination.name': 'orders' } },
    { value: 1, attributes: { ...common, 'messaging.destination.name': 'orders', 'error.type': 'MESSAGE_TOO_LARGE' } },
  ]);
  const [duration] = (await t.points('messaging.client.operation.duration')) as DataPoint<Histogram>[];
  expect(duration!.value.count).toBe(3);
  expect(duration!.value.buckets.boundaries[0]).toBe(0.005);
  expect(duration!.attributes).toMatchObject({ ...common, 'messaging.destination.name': 'orders' });
});

test('a message that was on its way when nobody wants more spans ends the one that it has', async () => {
  await using t = await traced({ requestSpans: true });
  await t.warm();
  const before = t.finished().length;
  const sent = t.producer.produce('orders', 1);
  t.stop();
  const late = t.producer.produce('orders', 2);
  await t.run(Promise.all([sent, late]));
  await t.mock.clock.advance(1);
  const after = t.finished().slice(before);
  expect(after.map(({ name, attributes }) => [name, attributes['messaging.kafka.offset'] !== undefined])).toEqual([
    ['send orders', true],
  ]);
});

test('only the producer that is instrumented is told of, and nothing after the end of it', async () => {
  await using t = await traced();
  await using other = await start();
  await other.run(other.producer.produce('orders', 1));
  await t.mock.clock.advance(1);
  expect(t.finished()).toEqual([]);
  t.stop();
  await t.run(t.producer.produce('orders', 1));
  await t.mock.clock.advance(1);
  expect(t.finished()).toEqual([]);
  expect(await t.points('kafka.producer.record_send_total')).toEqual([]);
});

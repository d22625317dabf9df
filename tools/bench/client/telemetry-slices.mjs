/**
 * Workload A in slices, without and with a part of telemetry in turn, in one process: `node telemetry-slices.mjs
 * OPTIONS-AS-JSON`. Neighbours share what the machine does at that time, so that their ratios tell a percent apart.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';
import { inTurn, measuring } from './slices.mjs';

const { broker, slices, records, warmup } = JSON.parse(process.argv[2]);
const dist = (file) => import(new URL(`../../../packages/producer/dist/${file}`, import.meta.url).href);
const { instrumentProducer } = await dist('telemetry/opentelemetry.js');
const { pointsOf } = await dist('telemetry/push/points.js');
const { encodeMetrics } = await dist('telemetry/push/otlp.js');

const handlers = Object.fromEntries(
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => [event, () => {}]),
);
const subscribed = (name) => () => {
  const channel = tracingChannel(name);
  channel.subscribe(handlers);
  return () => channel.unsubscribe(handlers);
};

/** Each begins something and gives back what ends it. */
const parts = {
  requests: subscribed('kiel:request'),
  openTelemetry(producer) {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: 1000,
      exportTimeoutMillis: 900,
    });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const stop = instrumentProducer(producer, { meterProvider, messageSpans: false });
    const timer = setInterval(() => exporter.reset(), 1000);
    return () => {
      clearInterval(timer);
      stop();
      void meterProvider.shutdown();
    };
  },
  /** The work of a push each second: brokers want it every five minutes unless they are told otherwise. */
  push(producer) {
    const options = { labels: {}, isDelta: false, softwareVersion: '0', startMs: 0 };
    const timer = setInterval(() => {
      encodeMetrics(pointsOf(producer.metrics(), ['']), { ...options, nowMs: Date.now() });
    }, 1000);
    return () => clearInterval(timer);
  },
  all(producer) {
    const ends = [parts.requests(), parts.openTelemetry(producer), parts.push(producer)];
    return () => {
      for (const end of ends) end();
    };
  },
  messages: subscribed('kiel:produce'),
};

const client = await connect({ broker, topic: 'bench', compression: 'none' });
const measured = measuring(client, makeRecords('100'));

async function measuredWith(part, n) {
  const end = part(client.producer);
  const result = await measured(n);
  end();
  return result;
}

await measured(warmup);
for (const [name, part] of Object.entries(parts)) {
  // A subscriber of every message costs several times the message: fewer of them.
  const [n, count] = name === 'messages' ? [Math.ceil(records / 5), Math.ceil(slices / 4)] : [records, slices];
  await measuredWith(part, n); // its code is compiled by now
  const pairs = await inTurn(
    count,
    () => measured(n),
    () => measuredWith(part, n),
  );
  console.log(JSON.stringify({ part: name, pairs }));
}
await client.close();
process.exit(0);

/** Workload A with telemetry on in one way or another, in a process of its own: `node telemetry.mjs MODE BROKER COUNT`. */
import { tracingChannel } from 'node:diagnostics_channel';
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';

const dist = (file) => import(new URL(`../../../packages/producer/dist/${file}`, import.meta.url).href);
const handlers = () =>
  Object.fromEntries(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => [event, () => {}]));

/** What is done before anything is sent; the function returned is called at the end. */
const modes = {
  /** Not even counted. */
  async bare() {
    const { Telemetry } = await dist('telemetry/telemetry.js');
    const { NodeMeters } = await dist('telemetry/meters.js');
    for (const name of ['shipped', 'produced', 'delivered', 'returned']) Telemetry.prototype[name] = () => {};
    for (const name of ['sent', 'received', 'answered', 'produced']) NodeMeters.prototype[name] = () => {};
  },
  async counted() {},
  /** Everything that counts per request and batch: a channel, OpenTelemetry's metrics, a push's work each second. */
  async on(producer) {
    tracingChannel('kiel:request').subscribe(handlers());
    const { instrumentProducer } = await dist('telemetry/opentelemetry.js');
    const sdk = await import('@opentelemetry/sdk-metrics');
    const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
    const reader = new sdk.PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: 1000,
      exportTimeoutMillis: 900,
    });
    const meterProvider = new sdk.MeterProvider({ readers: [reader] });
    instrumentProducer(producer, { meterProvider, messageSpans: false });
    const { pointsOf } = await dist('telemetry/push/points.js');
    const { encodeMetrics } = await dist('telemetry/push/otlp.js');
    const options = { labels: {}, isDelta: false, softwareVersion: '0', startMs: 0 };
    const timer = setInterval(() => {
      exporter.reset();
      encodeMetrics(pointsOf(producer.metrics(), ['']), { ...options, nowMs: Date.now() });
    }, 1000);
    return () => clearInterval(timer);
  },
  /** A subscriber of every message. */
  async messages() {
    tracingChannel('kiel:produce').subscribe(handlers());
  },
};

const [mode, broker, countText] = process.argv.slice(2);
const count = Number(countText);
const client = await connect({ broker, topic: 'bench', compression: 'none' });
const stop = await modes[mode](client.producer);
const records = makeRecords('100');
const send = async (n) => {
  for (let i = 0; i < n; i++) {
    client.queue(records[i % records.length]);
    if ((i & 255) === 255) await client.ready();
  }
  await client.flush();
};
await send(Math.floor(count / 3));
const cpuBefore = process.cpuUsage();
const start = process.hrtime.bigint();
await send(count);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(cpuBefore);
stop?.();
await client.close();
console.log(JSON.stringify({ cpuMicros: (cpu.user + cpu.system) / count, recordsPerSecond: count / seconds }));
process.exit(0);

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { flameGraph } from './flame.ts';
import { NullBroker } from './null-broker.ts';
import { cacheFolder } from './paths.ts';
import { spreadOf } from './statistics.ts';
import { viewer } from './viewer.ts';

type Row = Record<string, unknown>;

const run = promisify(execFile);
const program = fileURLToPath(new URL('client/kiel-alone.mjs', import.meta.url));

/** Runs a scenario of client/kiel-alone.mjs. */
async function alone<Result>(name: string, options: object): Promise<Result> {
  const limits = { maxBuffer: 1 << 26, timeout: 900_000 };
  const { stdout } = await run(process.execPath, [program, name, JSON.stringify(options)], limits);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result;
}

interface SpreadOut {
  readonly cpuMicros: number;
  readonly recordsPerSecond: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly peakMb: number;
}

/** Measurements of kiel alone; each gives rows for a table. */
export const scenarios: Readonly<Record<string, () => Promise<Row[]>>> = {
  growth,
  values,
  metadata,
  memory,
  garbage,
  loop,
  start,
  profile,
  viewer,
};

/** CPU a record as partitions, topics and brokers grow in number, each beside the case it grows from. */
async function growth(): Promise<Row[]> {
  const cases = [
    { name: '6 partitions', brokers: 1, topics: 1, partitions: 6 },
    { name: '1,000 partitions', brokers: 1, topics: 1, partitions: 1_000 },
    { name: '30 partitions on 1 broker', brokers: 1, topics: 1, partitions: 30 },
    { name: '30 partitions on 30 brokers', brokers: 30, topics: 1, partitions: 30 },
    { name: '1,000 topics of 6 partitions', brokers: 1, topics: 1_000, partitions: 6 },
  ];
  const rows: Row[] = [];
  for (const { name, brokers, topics, partitions } of cases) {
    await using broker = await NullBroker.start({ brokers });
    const results: SpreadOut[] = [];
    for (let round = 0; round < 3; round++) {
      const prefix = `growth-${round}-`;
      await broker.makeTopics(prefix, topics, partitions);
      const names = Array.from({ length: topics }, (_, i) => `${prefix}${i}`);
      results.push(
        await alone('spreadOut', { broker: broker.address, topics: names, records: 1_000_000, warmup: 300_000 }),
      );
    }
    rows.push({ case: name, ...summary(results) });
  }
  return rows;
}

/** CPU and bytes a second from 10 B values to 1 MB ones. */
async function values(): Promise<Row[]> {
  const rows: Row[] = [];
  await using broker = await NullBroker.start();
  for (const bytes of [10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
    const topic = `values-${bytes}`;
    await broker.makeTopic(topic, 6);
    const records = Math.max(500, Math.min(1_000_000, Math.round(3e8 / (bytes + 60))));
    const producerOptions = bytes > 900_000 ? { maxRequestBytes: 4_000_000, batchBytes: 1_100_000 } : {};
    const options = {
      broker: broker.address,
      topics: [topic],
      records,
      warmup: records >> 2,
      data: String(bytes),
      producerOptions,
    };
    const result = await alone<SpreadOut>('spreadOut', options);
    const { cpuMicros, recordsPerSecond, peakMb } = result;
    rows.push({
      bytes,
      cpuMicros,
      cpuNanosPerByte: (cpuMicros * 1000) / bytes,
      mbPerSecond: (recordsPerSecond * bytes) / 1e6,
      peakMb,
    });
  }
  return rows;
}

/** A first record for each of 10,000 topics of 12 partitions: their metadata come in one answer or a few. */
async function metadata(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopics('many-', 10_000, 12);
  const topics = Array.from({ length: 10_000 }, (_, i) => `many-${i}`);
  const options = { broker: broker.address, topics, records: 10_000, warmup: 0 };
  const { recordsPerSecond, loopDelayMaxMs, peakMb } = await alone<SpreadOut>('spreadOut', options);
  return [{ topics: 10_000, partitions: 120_000, millis: 1e7 / recordsPerSecond, loopDelayMaxMs, peakMb }];
}

/** Resident memory at full rate over KIEL_SOAK_SECONDS; a minute if it is not set. */
async function memory(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopic('soak', 6);
  const seconds = Number(process.env['KIEL_SOAK_SECONDS'] ?? 60);
  return await alone('soak', { broker: broker.address, topic: 'soak', seconds, data: '100' });
}

/** Bytes that A allocates a record on JavaScript's heap, alive or garbage, by the allocation profiler. */
async function garbage(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopic('garbage', 6);
  return await alone('garbage', {
    broker: broker.address,
    topic: 'garbage',
    records: 2_000_000,
    warmup: 300_000,
    data: '100',
  });
}

/** How long the event loop is held up by batches of 1 MB at full rate. */
async function loop(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  const rows: Row[] = [];
  for (const compression of ['none', 'lz4', 'snappy', 'zstd', 'gzip']) {
    const topic = `loop-${compression}`;
    await broker.makeTopic(topic, 6);
    const result = await alone<SpreadOut>('spreadOut', {
      broker: broker.address,
      topics: [topic],
      records: compression === 'gzip' ? 200_000 : 500_000,
      warmup: 100_000,
      data: 'json',
      compression,
      producerOptions: { batchBytes: 1_000_000 },
    });
    rows.push({ compression, ...result });
  }
  return rows;
}

/** Processes of their own, so that each imports anew. */
async function start(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopic('start', 6);
  const results: Record<'importMs' | 'firstRecordMs' | 'togetherMs', number>[] = [];
  for (let i = 0; i < 9; i++) results.push(await alone('start', { broker: broker.address, topic: 'start' }));
  return (['importMs', 'firstRecordMs', 'togetherMs'] as const).map((what) => ({
    what,
    ...spreadOf(results.map((result) => result[what])),
  }));
}

/** Where the time of A goes, and its flame graph into docs/performance. */
async function profile(): Promise<Row[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopic('profile', 6);
  mkdirSync(cacheFolder, { recursive: true });
  const file = `${cacheFolder}/a.cpuprofile`;
  const options = {
    broker: broker.address,
    topic: 'profile',
    records: 4_000_000,
    warmup: 500_000,
    data: '100',
    compression: 'none',
    file,
  };
  const rows = await alone<Row[]>('profile', options);
  flameGraph(file, fileURLToPath(new URL('../../docs/performance/flame-a.svg', import.meta.url)));
  return rows;
}

function summary(results: readonly SpreadOut[]): Row {
  const { median, least, most } = spreadOf(results.map((result) => result.cpuMicros));
  return { cpuMicros: median, least, most, peakMb: spreadOf(results.map((result) => result.peakMb)).median };
}

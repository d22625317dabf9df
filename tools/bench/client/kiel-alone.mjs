/** Runs one scenario of kiel alone, in a process of its own: `node kiel-alone.mjs NAME OPTIONS-AS-JSON`. */
import { writeFileSync } from 'node:fs';
import inspector from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connect } from '../peers/kiel.mjs';
import { peakMemoryMb } from './measure.mjs';
import { makeRecords } from './records.mjs';

const megabyte = 1024 * 1024;

/** CPU a record, over any number of topics in turn. */
async function spreadOut({ broker, topics, records: count, warmup, data, compression, producerOptions }) {
  const client = await connect({ broker, topic: topics[0], compression: compression ?? 'none', producerOptions });
  const records = makeRecords(data ?? '100');
  const send = async (from, to) => {
    for (let i = from; i < to; i++) {
      const { key, value } = records[i % records.length];
      const topic = topics[i % topics.length];
      if (key === null) client.producer.produce(topic, value);
      else client.producer.produce(topic, value, { key });
      if ((i & 255) === 255) await client.ready();
    }
    await client.flush();
  };
  await send(0, warmup);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const before = process.cpuUsage();
  const start = process.hrtime.bigint();
  await send(warmup, warmup + count);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(before);
  delays.disable();
  await client.close();
  return {
    cpuMicros: (cpu.user + cpu.system) / count,
    recordsPerSecond: count / seconds,
    loopDelayP99Ms: delays.percentile(99) / 1e6,
    loopDelayMaxMs: delays.max / 1e6,
    peakMb: peakMemoryMb(),
  };
}

/** A CPU profile of workload A, or of another, and where its time went by file. */
async function profile({ broker, topic, records: count, warmup, data, compression, file }) {
  const client = await connect({ broker, topic, compression });
  const records = makeRecords(data);
  const send = async (n) => {
    for (let i = 0; i < n; i++) {
      client.queue(records[i % records.length]);
      if ((i & 255) === 255) await client.ready();
    }
    await client.flush();
  };
  await send(warmup);
  const session = new inspector.Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  await send(count);
  const { profile: taken } = await session.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(taken));
  await client.close();
  return selfTimes(taken);
}

/** Share of the samples by package, idle time left out. */
function selfTimes({ nodes, samples }) {
  const groupOf = new Map();
  for (const { id, callFrame } of nodes) {
    const { url, functionName } = callFrame;
    let group = 'node';
    if (functionName === '(idle)') group = null;
    else if (url.includes('/xstate/')) group = 'xstate';
    else if (url.includes('packages/producer')) group = `producer/${url.split('/').pop()}`;
    else if (url.includes('packages/codec')) group = `codec/${url.split('/').pop()}`;
    else if (url.includes('/tools/bench/')) group = 'the benchmark itself';
    else if (functionName === '(garbage collector)') group = 'garbage collector';
    else if (functionName === '(program)') group = '(program)';
    groupOf.set(id, group);
  }
  const counts = new Map();
  let all = 0;
  for (const id of samples) {
    const group = groupOf.get(id);
    if (group === null) continue;
    counts.set(group, (counts.get(group) ?? 0) + 1);
    all++;
  }
  const rows = [...counts].map(([group, n]) => ({ group, percent: (n / all) * 100 }));
  return rows.sort((a, b) => b.percent - a.percent);
}

/** Bytes allocated a record, by the sampling allocation profiler, garbage included; and by whom. */
async function garbage({ broker, topic, records: count, warmup, data }) {
  const client = await connect({ broker, topic, compression: 'none' });
  const records = makeRecords(data);
  const send = async (n) => {
    for (let i = 0; i < n; i++) {
      client.queue(records[i % records.length]);
      if ((i & 255) === 255) await client.ready();
    }
    await client.flush();
  };
  await send(warmup);
  const session = new inspector.Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 16 * 1024,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await send(count);
  const { profile: taken } = await session.post('HeapProfiler.stopSampling');
  const byFunction = new Map();
  const walk = (node) => {
    const { functionName, url } = node.callFrame;
    const name = `${functionName || '(anonymous)'} ${url.split('/').pop()}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child);
  };
  walk(taken.head);
  await client.close();
  const rows = [...byFunction].map(([where, bytes]) => ({ where, bytesPerRecord: bytes / count }));
  rows.sort((a, b) => b.bytesPerRecord - a.bytesPerRecord);
  const total = rows.reduce((sum, row) => sum + row.bytesPerRecord, 0);
  return [{ where: 'all', bytesPerRecord: total }, ...rows.slice(0, 8)];
}

/** Memory over time at full rate. */
async function soak({ broker, topic, seconds, data }) {
  const client = await connect({ broker, topic, compression: 'none' });
  const records = makeRecords(data);
  const samples = [];
  const begin = performance.now();
  let sent = 0;
  let nextSample = begin;
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 4096; i++) {
      client.queue(records[sent++ % records.length]);
      if ((i & 255) === 255) await client.ready();
    }
    if (performance.now() >= nextSample) {
      const { rss, heapUsed } = process.memoryUsage();
      samples.push({
        atSeconds: Math.round((performance.now() - begin) / 1000),
        rssMb: rss / megabyte,
        heapMb: heapUsed / megabyte,
        sent,
      });
      nextSample += (seconds * 1000) / 10;
    }
  }
  await client.flush();
  await client.close();
  return samples;
}

/** From `createProducer` to the first acknowledged record. Import included, when this is the first import. */
async function start({ broker, topic }) {
  const begin = performance.now();
  const { createProducer } = await import(new URL('../../../packages/producer/dist/index.js', import.meta.url).href);
  const imported = performance.now();
  const producer = createProducer({ brokers: [broker] });
  await producer.produce(topic, Buffer.from('first'));
  const acknowledged = performance.now();
  await producer.close();
  return { importMs: imported - begin, firstRecordMs: acknowledged - imported, togetherMs: acknowledged - begin };
}

const run = { spreadOut, profile, garbage, soak, start };
const [name, json] = process.argv.slice(2);
console.log(JSON.stringify(await run[name](JSON.parse(json))));
process.exit(0);

/**
 * Workload A in slices, with and without an open viewer in turn, in one process: `node viewer-overhead.mjs OPTIONS-AS-JSON`.
 * The viewer is a process of its own that reads the stream as a page does.
 */
import { spawn } from 'node:child_process';
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';

const { broker, topic, slices, records: count, warmup } = JSON.parse(process.argv[2]);
const client = await connect({ broker, topic, compression: 'none', producerOptions: { lingerMs: 10 } });
const { producer } = client;
const records = makeRecords('100');

async function send(n) {
  for (let i = 0; i < n; i++) {
    client.queue(records[i % records.length]);
    if ((i & 255) === 255) await client.ready();
  }
  await client.flush();
}

async function measured(n) {
  const before = process.cpuUsage();
  const start = process.hrtime.bigint();
  await send(n);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(before);
  return { cpuMicros: (user + system) / n, recordsPerSecond: n / seconds };
}

const reader = `
const response = await fetch(process.argv[1] + 'events');
let bytes = 0;
try { for await (const chunk of response.body) bytes += chunk.length; } catch {}
console.log(bytes);`;

async function watched(n) {
  const inspector = await producer.inspector();
  const viewer = spawn(process.execPath, ['--input-type=module', '-e', reader, inspector.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  viewer.stdout.on('data', (chunk) => {
    told += chunk;
  });
  const ended = new Promise((resolve) => viewer.on('close', resolve));
  await inspector.viewed();
  const result = await measured(n);
  await inspector.close();
  await ended;
  return { ...result, viewerBytes: Number(told) };
}

await send(warmup);
const pairs = [];
for (let slice = 0; slice < slices; slice++) {
  // In turn, so that neither has the better end of a machine that gets faster or slower.
  if (slice % 2 === 0) pairs.push({ without: await measured(count), open: await watched(count) });
  else {
    const open = await watched(count);
    pairs.push({ without: await measured(count), open });
  }
}
await client.close();
console.log(JSON.stringify(pairs));
process.exit(0);

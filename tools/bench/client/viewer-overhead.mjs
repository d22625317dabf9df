/**
 * Workload A in slices, with and without an open viewer in turn, in one process: `node viewer-overhead.mjs OPTIONS-AS-JSON`.
 * The viewer is a process of its own that reads the stream as a page does.
 */
import { spawn } from 'node:child_process';
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';
import { inTurn, measuring } from './slices.mjs';

const { broker, topic, slices, records: count, warmup } = JSON.parse(process.argv[2]);
const client = await connect({ broker, topic, compression: 'none', producerOptions: { lingerMs: 10 } });
const { producer } = client;
const measured = measuring(client, makeRecords('100'));

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

await measured(warmup);
const pairs = await inTurn(
  slices,
  () => measured(count),
  () => watched(count),
);
await client.close();
console.log(JSON.stringify(pairs));
process.exit(0);

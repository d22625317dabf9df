/**
 * How many records of 100 B one broker takes per second on one core, in batches of 256 KiB, idempotent, checks on,
 * retention at 64 MiB; the sender is a bare socket in a process of its own, so its work is not measured.
 * Run: node --conditions=@kiel/source packages/mock-cluster/bench/produce.ts [seconds]
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeRequest, FrameDecoder, ProduceRequest, RecordBatchBuilder } from '@kiel/codec';
import { MockCluster } from '../src/index.ts';

const BATCH_BYTES = 256 * 1024;
const IN_FLIGHT = 5;

if (process.argv[2] === 'sender') {
  const port = Number(process.argv[3]);
  const seconds = Number(process.argv[4]);
  send(port, seconds);
} else {
  const seconds = Number(process.argv[2] ?? 5);
  await using cluster = await MockCluster.start({
    topics: ['load'],
    requestHistory: 0,
    retentionBytes: 64 * 1024 * 1024,
  });
  const [, port] = cluster.brokers[0]!.split(':');
  const child = fork(fileURLToPath(import.meta.url), ['sender', port!, String(seconds)], {
    execArgv: ['--conditions=@kiel/source'],
  });
  const before = process.cpuUsage();
  const start = performance.now();
  await new Promise((resolve) => child.once('exit', resolve));
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6;
  const records = cluster.offsets('load', 0).end;
  const rate = (value: number) => Math.round(value).toLocaleString('en');
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(`${rate(records)} records in ${elapsed.toFixed(1)} s: ${rate(records / elapsed)} a second by the clock`);
  console.log(
    `${cpu.toFixed(1)} s of CPU in the broker: ${rate(records / cpu)} a second of one core; ${memory} MiB resident`,
  );
}

function send(port: number, seconds: number): void {
  const value = new Uint8Array(100).fill(120);
  const records = new RecordBatchBuilder({ limitBytes: BATCH_BYTES });
  while (records.tryAppend(Date.now(), null, value));
  const socket = connect({ port, noDelay: true });
  const decoder = new FrameDecoder();
  const deadline = performance.now() + seconds * 1000;
  let sequence = 0;
  let inFlight = 0;
  const next = () => {
    while (inFlight < IN_FLIGHT && performance.now() < deadline) {
      const batch = records.seal({ producerId: 7n, producerEpoch: 0, baseSequence: sequence });
      sequence = (sequence + records.count) % 2 ** 31;
      const topicData = [{ name: 'load', partitionData: [{ index: 0, records: batch }] }];
      const body = { acks: -1, timeoutMs: 1_000, topicData };
      socket.write(encodeRequest({ message: ProduceRequest, version: 11, correlationId: 1, clientId: 'bench', body }));
      inFlight++;
    }
    if (inFlight === 0) socket.destroy();
  };
  socket.on('connect', next);
  socket.on('data', (chunk) => {
    inFlight -= decoder.push(chunk).length;
    next();
  });
}

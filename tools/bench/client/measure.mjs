import { readFileSync } from 'node:fs';
import { makeRecords } from './records.mjs';

/** How many records may be unresolved where each is awaited. */
const outstandingRecords = 5_000;
/** What a call with many records carries, and how many such calls are open: the best that batch peers were seen at. */
const bytesOfCall = 300_000;
const openCalls = 5;

/** Un-awaited calls, a breath every 256 records, and a flush at the end. */
async function queued(client, records, count) {
  const size = records.length;
  for (let i = 0; i < count; i++) {
    client.queue(records[i % size]);
    if ((i & 255) === 255) await client.ready();
  }
  await client.flush();
}

async function inBatches(client, records, count) {
  const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + value.length, 0) / records.length;
  const perCall = Math.max(1, Math.round(bytesOfCall / bytes));
  let next = 0;
  const caller = async () => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + perCall);
      const part = [];
      for (let i = from; i < next; i++) part.push(records[i % records.length]);
      await client.sendMany(part);
    }
  };
  await Promise.all(Array.from({ length: openCalls }, caller));
}

/** A promise for every record; refilled in a turn of its own, when half have been answered. */
function eachAwaited(client, records, count) {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    let refilling = false;
    const onAnswer = () => {
      answered++;
      if (answered === count) resolve();
      else if (!refilling && sent < count && sent - answered <= outstandingRecords / 2) {
        refilling = true;
        setImmediate(refill);
      }
    };
    const refill = () => {
      refilling = false;
      while (sent < count && sent - answered < outstandingRecords) {
        client.sendOne(records[sent++ % records.length]).then(onAnswer, reject);
      }
    };
    refill();
  });
}

async function oneAtATime(client, records, count, latencies) {
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    await client.sendOne(records[i % records.length]);
    if (latencies !== null) latencies[i] = Number(process.hrtime.bigint() - start) / 1000;
  }
}

function byTheClock(client, records, count, latencies, perSecond) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    let sent = 0;
    let answered = 0;
    const tick = () => {
      const due = Math.min(count, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1);
      while (sent < due) {
        const i = sent++;
        const start = process.hrtime.bigint();
        client.sendOne(records[i % records.length]).then(() => {
          if (latencies !== null) latencies[i] = Number(process.hrtime.bigint() - start) / 1000;
          if (++answered === count) resolve();
        }, reject);
      }
      if (sent < count) setTimeout(tick, 1);
    };
    tick();
  });
}

function run(client, way, records, count, latencies) {
  switch (way) {
    case 'queue':
      return queued(client, records, count);
    case 'batch':
      return inBatches(client, records, count);
    case 'each':
      return eachAwaited(client, records, count);
    case 'sequential':
      return oneAtATime(client, records, count, latencies);
    case 'paced':
      return byTheClock(client, records, count, latencies, 1000);
    default:
      throw new Error(`no way of sending is called ${way}`);
  }
}

export function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}

/** The most memory this process ever held, in MB. */
export function peakMemoryMb() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024; // a forked child inherits its parent's peak here
  }
}

/** Warms up, waits until all of that is acknowledged, then measures. */
export async function measure(client, { way, data, records: count, warmup }) {
  const records = makeRecords(data);
  const wantsLatencies = way === 'sequential' || way === 'paced';
  const latencies = wantsLatencies ? new Float64Array(count) : null;
  if (warmup > 0) await run(client, wantsLatencies ? 'sequential' : way, records, warmup, null);
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  await run(client, way, records, count, latencies);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  const sorted = latencies?.sort();
  return {
    version: client.version,
    sent: warmup + count,
    seconds,
    recordsPerSecond: count / seconds,
    cpuMicros: (cpu.user + cpu.system) / count,
    peakMb: peakMemoryMb(),
    p50Micros: sorted ? quantile(sorted, 0.5) : null,
    p99Micros: sorted ? quantile(sorted, 0.99) : null,
  };
}

import { type ConnectionFlags, connectionFrom } from '../config/connection-options.ts';
import { exitCodes } from '../failure.ts';
import { LatencySample } from '../sending/latency-sample.ts';
import { type ProducerFlags, producerOptions } from '../sending/producer-flags.ts';
import { checkWatchFlags, ProducerWatch, type WatchFlags } from '../sending/producer-watch.ts';
import { failureLines } from '../sending/send-input.ts';
import { SendSession, type StateSpell } from '../sending/send-session.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import { toJson } from '../terminal/json.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { ProgressLine } from '../terminal/progress.ts';
import { bytes, count, duration, plural } from '../terminal/quantity.ts';
import { ClusterClient, pause } from '../wire/cluster-client.ts';
import { progressText } from './produce.ts';

export interface BenchFlags extends ConnectionFlags, ProducerFlags, WatchFlags {
  topic: string;
  records: number;
  size: number;
  keys: number;
  rate?: number;
  json?: boolean;
}

const FIRST_CONTACT_MS = 10_000;
/** A turn of the loop now and then, so that answers and the progress line get theirs. */
const RECORDS_PER_TURN = 256;
/** Deliveries that are awaited for their latency: one in so many. */
const SAMPLE_EVERY = 100;

export async function bench(flags: BenchFlags, terminal: Terminal): Promise<number> {
  const connection = connectionFrom(flags, terminal.env, (text) => terminal.err.line(text));
  checkWatchFlags(flags);
  using interrupt = new Interrupt(terminal, () => 'Stopping after what is under way; Ctrl-C again quits at once.');
  await using session = new SendSession(connection, flags.topic, producerOptions(flags));
  await using _watch = await ProducerWatch.open(session.producer, flags, terminal);
  const client = await ClusterClient.connect(connection, FIRST_CONTACT_MS, interrupt.signal);
  await client.topic(flags.topic, { create: true, signal: interrupt.signal });
  client.close();
  const { out, err } = terminal;
  session.start();
  const progress = new ProgressLine(err, () => ({
    fraction: session.stored / flags.records,
    text: progressText(session, err),
  }));
  const latency = new LatencySample();
  await sendAll(flags, session, latency, interrupt.signal);
  await session.finish();
  progress.stop();
  const elapsedMs = session.elapsedMs;
  for (const line of failureLines(session)) err.line(err.paint('red', line));
  if (flags.json === true) out.line(benchJson(flags, session, latency, elapsedMs));
  else for (const line of benchLines(flags, session, latency, elapsedMs, out)) out.line(line);
  if (interrupt.happened) return exitCodes.interrupted;
  return session.stored === flags.records ? exitCodes.done : exitCodes.failed;
}

async function sendAll(
  flags: BenchFlags,
  session: SendSession,
  latency: LatencySample,
  signal: AbortSignal,
): Promise<void> {
  const { records, size, keys, rate, topic } = flags;
  const { producer } = session;
  // Half random, half the same: so that a compression has something to do, and not everything.
  const values = Array.from({ length: 64 }, (_, seed) => benchValue(size, seed));
  const startedMs = performance.now();
  for (let sent = 0; sent < records && !signal.aborted && !session.isOver; sent++) {
    if (!producer.hasRoom) await producer.ready();
    const key = keys === 0 ? null : `key-${sent % keys}`;
    const value = values[sent % values.length]!;
    if (sent % SAMPLE_EVERY === 0) {
      const sentMs = performance.now();
      const delivery = producer.produce(topic, value, key === null ? {} : { key });
      delivery.then(
        () => latency.add(performance.now() - sentMs),
        (error) => session.count(error),
      );
      session.accepted++;
    } else
      session.send({ key, value, partition: undefined, timestampMs: undefined, headers: undefined }, session.accepted);
    if (sent % RECORDS_PER_TURN !== 0) continue;
    const aheadMs = rate === undefined ? 0 : (sent / rate) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 1) await pause(aheadMs, signal);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

function benchValue(size: number, seed: number): Uint8Array {
  const value = Buffer.alloc(size, 'kiel');
  let state = seed + 1;
  for (let at = 0; at < size / 2; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    value[at] = state >>> 24;
  }
  return value;
}

function benchLines(
  flags: BenchFlags,
  session: SendSession,
  latency: LatencySample,
  elapsedMs: number,
  out: Output,
): string[] {
  const seconds = elapsedMs / 1000;
  const payload = session.stored * flags.size;
  const perBatch = session.batches === 0 ? 0 : Math.round(session.stored / session.batches);
  const states = [...session.msInState].map(([state, ms]) => `${state} ${duration(ms)}`).join(' · ');
  const facts: [string, string][] = [
    ['records', `${count(session.stored)} of ${plural(flags.size, 'byte')} in ${duration(elapsedMs)}`],
    ['rate', `${count(Math.round(session.stored / seconds))}/s, ${bytes(payload / seconds)}/s`],
    ['batches', `${count(session.batches)}, ${count(perBatch)} records each`],
    ['latency', latency.text()],
    ['states', states],
    ['timeline', timeline(session.spells, elapsedMs, Math.min(72, out.columns - 12), out)],
  ];
  return facts.map(([name, text]) => `${out.paint('gray', name.padEnd(10))}${text}`);
}

const letters = { idle: '·', batching: '▁', flushing: '▆', healing: 'H', closing: '>', closed: '|' } as const;

/** The machine's states along the run: in each column the one that took most of it. */
export function timeline(spells: readonly StateSpell[], totalMs: number, width: number, out: Output): string {
  const column = totalMs / width;
  let text = '';
  for (let index = 0; index < width; index++) {
    const [fromMs, untilMs] = [index * column, (index + 1) * column];
    let best: StateSpell['state'] = 'idle';
    let most = -1;
    const inColumn = new Map<StateSpell['state'], number>();
    for (const spell of spells) {
      const overlap = Math.min(untilMs, spell.untilMs) - Math.max(fromMs, spell.fromMs);
      if (overlap <= 0) continue;
      const sum = (inColumn.get(spell.state) ?? 0) + overlap;
      inColumn.set(spell.state, sum);
      // Healing is short and what one looks for.
      const weight = spell.state === 'healing' ? totalMs : sum;
      if (weight > most) {
        most = weight;
        best = spell.state;
      }
    }
    text += best === 'healing' ? out.paint('yellow', letters.healing) : letters[best];
  }
  return `${text}  (· idle ▁ batching ▆ flushing H healing > closing)`;
}

function benchJson(flags: BenchFlags, session: SendSession, latency: LatencySample, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  return toJson({
    records: session.stored,
    failed: session.failed,
    valueBytes: flags.size,
    elapsedMs,
    recordsPerSecond: session.stored / seconds,
    bytesPerSecond: (session.stored * flags.size) / seconds,
    batches: session.batches,
    latencyMs: latency.percentiles(),
    msInState: Object.fromEntries(session.msInState),
  });
}

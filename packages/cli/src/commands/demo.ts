import { randomUUID } from 'node:crypto';
import { ProduceRequest } from '@kiel/codec';
import { MockCluster } from '@kiel/mock-cluster';
import { type Connection, type ConnectionFlags, connectionFrom } from '../config/connection-options.ts';
import { exitCodes, usage } from '../failure.ts';
import { CHUNK_BYTES, type ChunkSource, openChunks } from '../input/chunks.ts';
import { type Entry, readEntries } from '../input/records.ts';
import { shapeFrom } from '../input/shape.ts';
import { BrokerOutage } from '../sending/broker-outage.ts';
import { exampleOrders } from '../sending/example-orders.ts';
import { type ProducerFlags, producerOptions } from '../sending/producer-flags.ts';
import { checkWatchFlags, ProducerWatch, type WatchFlags } from '../sending/producer-watch.ts';
import { RoundTripCheck } from '../sending/round-trip.ts';
import { failureLines, RefusedLines, sendInput } from '../sending/send-input.ts';
import { SendSession } from '../sending/send-session.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { ProgressLine } from '../terminal/progress.ts';
import { plural } from '../terminal/quantity.ts';
import { ClusterClient, pause } from '../wire/cluster-client.ts';
import { END, offsetsAt, type PartitionRange, TopicReader } from '../wire/topic-reader.ts';
import { type DemoResult, demoJson, demoLines } from './demo-table.ts';
import { progressText } from './produce.ts';

export interface DemoFlags extends ConnectionFlags, ProducerFlags, WatchFlags {
  topic?: string;
  file?: string;
  keyField: string;
  json?: boolean;
}

const TOPIC = 'orders';
const PARTITIONS = 6;
const BROKERS = 3;
const TIMEOUT_MS = 15_000;
/** Slow enough to be watched, and to lose a broker on the way. */
const RECORDS_PER_STEP = 25;
const STEP_MS = 10;
/** With a page open, where one wants to see more than a flash. */
const WATCHED_STEP_MS = 50;
/** Which records are of this run, where others write to the topic too. */
const RUN_HEADER = 'kiel-demo-run';
/** The first Produce whose records can have headers: Kafka 0.11. */
const FIRST_WITH_HEADERS = 3;
const FAULTS_SHOWN = 5;

/** @returns 0 if everything came back as it was sent. */
export async function demo(flags: DemoFlags, terminal: Terminal): Promise<number> {
  const named = flags.brokers ?? flags.bootstrapServer;
  const isReal = named !== undefined || flags.config !== undefined;
  checkWatchFlags(flags);
  if (isReal && flags.topic === undefined)
    throw usage('Name the topic to write to: --topic T.', 'It is created where the cluster allows it.');
  using interrupt = new Interrupt(terminal, () => 'Stopping.');
  const source = openInput(flags, terminal, interrupt.signal);
  if (isReal) {
    const connection = connectionFrom(flags, terminal.env, (text) => terminal.err.line(text));
    return await new DemoRun(flags, flags.topic!, connection, terminal, interrupt).run(source, null);
  }
  const topics = { [TOPIC]: { partitions: PARTITIONS } };
  await using cluster = await MockCluster.start({ brokers: BROKERS, topics });
  const connection = connectionFrom({ brokers: cluster.brokers.join(',') }, terminal.env);
  const told = newsOutput(flags, terminal);
  told.line(`An embedded cluster of ${BROKERS} brokers is up at ${cluster.brokers.join(', ')}.`);
  return await new DemoRun(flags, TOPIC, connection, terminal, interrupt).run(source, new BrokerOutage(cluster, TOPIC));
}

/** With --json, data alone goes to standard output. */
function newsOutput({ json }: DemoFlags, { out, err }: Terminal): Output {
  return json === true ? err : out;
}

function openInput({ file }: DemoFlags, terminal: Terminal, signal: AbortSignal): ChunkSource {
  if (file !== undefined) return openChunks(file, terminal.stdin, signal);
  const bytes = new TextEncoder().encode([...exampleOrders(), ''].join('\n'));
  return { name: 'the example orders', totalBytes: bytes.length, chunks: inPieces(bytes, signal) };
}

async function* inPieces(bytes: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length && !signal.aborted; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

class DemoRun {
  readonly #flags: DemoFlags;
  readonly #topic: string;
  readonly #connection: Connection;
  readonly #terminal: Terminal;
  readonly #interrupt: Interrupt;
  readonly #check = new RoundTripCheck();
  /** Null where brokers are too old for headers: then all that is new in the topic counts. */
  #runId: string | null = randomUUID();
  #watch: ProducerWatch | null = null;

  constructor(flags: DemoFlags, topic: string, connection: Connection, terminal: Terminal, interrupt: Interrupt) {
    this.#flags = flags;
    this.#topic = topic;
    this.#connection = connection;
    this.#terminal = terminal;
    this.#interrupt = interrupt;
  }

  async run(source: ChunkSource, outage: BrokerOutage | null): Promise<number> {
    const startedMs = performance.now();
    const client = await ClusterClient.connect(this.#connection, TIMEOUT_MS, this.#interrupt.signal);
    try {
      if (!client.speaks(ProduceRequest, FIRST_WITH_HEADERS)) this.#runId = null;
      const starts = await this.#ends(client, true);
      const { session, refused } = await this.#send(source, outage);
      if (this.#interrupt.happened) return exitCodes.interrupted;
      const ends = await this.#ends(client, false);
      await this.#readBack(client, starts, ends);
      const code = this.#report(session, refused, outage, ends, performance.now() - startedMs);
      await this.#stay();
      return code;
    } finally {
      client.close();
      await this.#watch?.[Symbol.asyncDispose]();
    }
  }

  async #ends(client: ClusterClient, create: boolean): Promise<Map<number, bigint>> {
    const topic = await client.topic(this.#topic, { create, signal: this.#interrupt.signal });
    const all = topic.partitions.map((each) => each.partitionIndex);
    return offsetsAt(client, topic, all, END);
  }

  async #send(
    source: ChunkSource,
    outage: BrokerOutage | null,
  ): Promise<{ session: SendSession; refused: RefusedLines }> {
    const { err } = this.#terminal;
    await using session = new SendSession(this.#connection, this.#topic, {
      lingerMs: 5,
      ...producerOptions(this.#flags),
    });
    await this.#awaitViewer(session);
    const shape = shapeFrom({ format: 'json', keyField: this.#flags.keyField, allowMissingKey: true });
    let readBytes = 0;
    const counted = async function* () {
      for await (const chunk of source.chunks) {
        readBytes += chunk.length;
        yield chunk;
      }
    };
    let seen = 0;
    const told = newsOutput(this.#flags, this.#terminal);
    const progress = new ProgressLine(err, () => ({
      fraction: fractionOf(source, readBytes, seen, outage !== null),
      text: progressText(session, err),
    }));
    const refused = new RefusedLines('line', (text) => progress.note(err.paint('yellow', text)));
    const entries = this.#marked(readEntries(counted(), shape, this.#interrupt.signal));
    const stepMs = this.#flags.inspect === true ? WATCHED_STEP_MS : STEP_MS;
    const afterEach = () => {
      seen++;
      outage?.step(seen, (text) => progress.note(text, told));
      return outage !== null && seen % RECORDS_PER_STEP === 0 ? pause(stepMs, this.#interrupt.signal) : undefined;
    };
    await sendInput(entries, session, refused, Number.POSITIVE_INFINITY, afterEach);
    await outage?.end((text) => progress.note(text, told));
    await session.finish();
    progress.stop();
    return { session, refused };
  }

  /** The demo is over in seconds: with a page, it begins when that is open. */
  async #awaitViewer(session: SendSession): Promise<void> {
    this.#watch = await ProducerWatch.open(session.producer, this.#flags, this.#terminal);
    if (this.#flags.inspect !== true) return;
    this.#terminal.err.line('The demo begins when the page is open.');
    await this.#watch.viewed(this.#interrupt.signal);
    session.start();
  }

  /** What the page shows shall not vanish with the demo. */
  async #stay(): Promise<void> {
    if (this.#flags.inspect !== true || this.#interrupt.happened) return;
    this.#terminal.err.line('The page stays until Ctrl-C.');
    await pause(0x7fff_ffff, this.#interrupt.signal);
  }

  /** Puts the run's mark on each record, and notes it for the check. */
  async *#marked(input: AsyncIterable<Entry[]>): AsyncGenerator<Entry[]> {
    const mark = this.#runId === null ? {} : { headers: [[RUN_HEADER, this.#runId]] as [string, string][] };
    for await (const entries of input) {
      yield entries.map((entry) => {
        if (entry.record === null) return entry;
        this.#check.sent(entry.record.key, entry.record.value);
        return { ...entry, record: { ...entry.record, ...mark } };
      });
    }
  }

  async #readBack(client: ClusterClient, starts: Map<number, bigint>, ends: Map<number, bigint>): Promise<void> {
    const ranges = [...ends].map(
      ([partition, to]): PartitionRange => ({ partition, from: starts.get(partition) ?? 0n, to }),
    );
    const topic = await client.topic(this.#topic);
    const reader = new TopicReader(client, topic, ranges, { signal: this.#interrupt.signal });
    const mark = this.#runId === null ? null : Buffer.from(this.#runId);
    for await (const { partition, records } of reader.read()) {
      for (const record of records) {
        const isOurs =
          mark === null ||
          record.headers.some(([name, value]) => name === RUN_HEADER && value !== null && mark.equals(value));
        if (isOurs) this.#check.read(partition, record);
      }
    }
  }

  #report(
    session: SendSession,
    refused: RefusedLines,
    outage: BrokerOutage | null,
    ends: Map<number, bigint>,
    wallMs: number,
  ): number {
    const { out, err } = this.#terminal;
    const faults = [...failureLines(session), ...this.#check.faults()];
    const killedAtMs = outage?.killedAtMs ?? null;
    if (killedAtMs !== null && !session.wasIn('healing', killedAtMs)) {
      faults.push('the machine did not heal after the broker was killed');
    }
    const result: DemoResult = { session, check: this.#check, ends, faults, refused: refused.count, wallMs };
    if (this.#flags.json === true) out.line(demoJson(result));
    else for (const line of demoLines(result, out)) out.line(line);
    for (const fault of faults.slice(0, FAULTS_SHOWN)) err.line(err.paint('red', fault));
    if (faults.length > FAULTS_SHOWN) err.line(`and ${plural(faults.length - FAULTS_SHOWN, 'fault')} more`);
    return faults.length === 0 && refused.count === 0 ? exitCodes.done : exitCodes.failed;
  }
}

const EXAMPLE_ORDERS = 5000;

/** The example is read at once and sent in steps, so that the bytes read say nothing. */
function fractionOf({ totalBytes }: ChunkSource, readBytes: number, seen: number, isPaced: boolean): number | null {
  if (isPaced) return seen / EXAMPLE_ORDERS;
  return totalBytes === null || totalBytes === 0 ? null : readBytes / totalBytes;
}

import { HistoryRecorder, type Report } from '@kiel/mock-cluster';
import { type AnyProducerOptions, createProducer, type Producer, type ProducerOptions } from '@kiel/producer';
import { isAtLeast } from '../kafka/index.ts';

const TICK_MS = 20;
/** After a stall of this process so much is made up for, and no more: the load must stay within the machine's means. */
const MOST_TICKS = 10;

export const clock = { now: () => performance.now() };

/** One application among several: a producer with settings of its own, and what it sends. */
export interface WriterPlan {
  readonly name: string;
  readonly topic: string;
  readonly options: Omit<AnyProducerOptions, 'brokers'>;
  readonly valueBytes: number;
  /** Gives key and partition of its nth record. */
  readonly place: (n: number) => { key?: string; partition?: number };
}

/** What several writers of one topic lived through, and by which promises it is judged. */
export interface Book {
  readonly topic: string;
  readonly partitions: number;
  readonly recorder: HistoryRecorder;
}

/** A producer that is fed at a steady rate. */
export class Writer {
  readonly plan: WriterPlan;
  readonly warnings: string[] = [];
  throttled = 0;
  readonly #producer: Producer;
  readonly #recorded: Producer;
  readonly #perTick: number;
  #sent = 0;
  #due = 0;
  #lastMs = clock.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(brokers: string, plan: WriterPlan, recorder: HistoryRecorder, perSecond: number) {
    this.plan = plan;
    this.#perTick = (perSecond * TICK_MS) / 1000;
    const options = { brokers: brokers.split(','), clientId: 'chaos', ...plan.options };
    this.#producer = createProducer(options as ProducerOptions);
    this.#recorded = recorder.wrap(this.#producer, plan.name);
    this.#producer.on('throttled', () => this.throttled++);
    this.#producer.on('warning', ({ code }) => this.warnings.push(code));
  }

  start(): void {
    this.#lastMs = clock.now();
    this.#timer = setInterval(() => this.#feed(), TICK_MS);
  }

  /** Sends no more, and waits for all that was sent. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#producer.close();
  }

  #feed(): void {
    const now = clock.now();
    this.#due += Math.min((now - this.#lastMs) / TICK_MS, MOST_TICKS) * this.#perTick;
    this.#lastMs = now;
    const { topic, name, valueBytes, place } = this.plan;
    for (; this.#due >= 1 && this.#producer.hasRoom; this.#due--) {
      const n = this.#sent++;
      const text = `${name} ${n} `;
      this.#recorded.produce(topic, Buffer.from(text.padEnd(valueBytes, 'kiel ')), place(n));
    }
    // A full buffer makes this application wait rather than pile up.
    this.#due = Math.min(this.#due, MOST_TICKS * this.#perTick);
  }
}

/** Several writers with several settings, and the books in which their fates are written. */
export class Load {
  readonly books: readonly Book[];
  readonly writers: readonly Writer[];

  constructor(brokers: string, books: readonly Book[], plans: readonly WriterPlan[], recordsPerSecond: number) {
    this.books = books;
    this.writers = plans.map((plan) => {
      const book = books.find(({ topic }) => topic === plan.topic);
      if (book === undefined) throw new Error(`nobody writes down what happens to ${plan.topic}`);
      return new Writer(brokers, plan, book.recorder, recordsPerSecond / plans.length);
    });
  }

  start(): void {
    for (const writer of this.writers) writer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()));
  }

  get throttled(): number {
    return this.writers.reduce((sum, writer) => sum + writer.throttled, 0);
  }

  /** When the first record was acknowledged in a partition after a time; Infinity if none was yet. */
  firstAckAfter(topic: string, partition: number, afterMs: number): number {
    const reports = this.books.find((book) => book.topic === topic)?.recorder.reports ?? [];
    return acksSince(reports, afterMs, partition).at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether every writer had a record acknowledged that it offered after that time. */
  flowsSince(sinceMs: number): boolean {
    return this.writers.every(({ plan }) => {
      const { recorder } = this.books.find(({ topic }) => topic === plan.topic)!;
      return acksSince(recorder.reports, sinceMs).some(({ id }) => {
        const record = recorder.offered[id]!;
        return record.producer === plan.name && record.atMs > sinceMs;
      });
    });
  }
}

/** Acknowledgements after a time, the latest first. */
function acksSince(reports: readonly Report[], sinceMs: number, partition?: number): Report[] {
  const found: Report[] = [];
  for (let i = reports.length - 1; i >= 0 && reports[i]!.atMs > sinceMs; i--) {
    const report = reports[i]!;
    if (report.outcome === 'acked' && (partition === undefined || report.partition === partition)) found.push(report);
  }
  return found;
}

export function bookOf(topic: string, partitions: number, promises: { idempotent: boolean }): Book {
  return { topic, partitions, recorder: new HistoryRecorder({ clock, ...promises }) };
}

/** The books and writers for a release: exactly once where it knows how, at least once beside it. */
export function plansFor(kafka: string, partitions: number): { books: Book[]; plans: WriterPlan[] } {
  const byKey = (n: number) => ({ key: `key ${n % 64}` });
  const byPartition = (n: number) => ({ partition: n % partitions });
  const anywhere = () => ({});
  const loose = { topic: 'orders-at-least-once' };
  const carefully = { idempotent: false, maxInFlight: 1 } as const;
  const atLeastOnce: WriterPlan[] = [
    {
      name: 'one in flight',
      ...loose,
      options: { ...carefully, compression: 'snappy', lingerMs: 5, batchSize: 500 },
      valueBytes: 120,
      place: byPartition,
    },
  ];
  if (!isAtLeast(kafka, '0.11')) {
    atLeastOnce.push(
      { name: 'defaults', ...loose, options: {}, valueBytes: 100, place: anywhere },
      {
        name: 'keyed gzip',
        ...loose,
        options: { ...carefully, compression: 'gzip', lingerMs: 25, batchSize: 500 },
        valueBytes: 400,
        place: byKey,
      },
    );
    return { books: [bookOf(loose.topic, partitions, { idempotent: false })], plans: atLeastOnce };
  }
  const exact = { topic: 'orders' };
  const best = isAtLeast(kafka, '2.1') ? 'zstd' : 'gzip';
  const exactlyOnce: WriterPlan[] = [
    { name: 'defaults', ...exact, options: {}, valueBytes: 100, place: anywhere },
    {
      name: 'keyed lz4',
      ...exact,
      options: { compression: 'lz4', lingerMs: 10, batchSize: 500 },
      valueBytes: 150,
      place: byKey,
    },
    {
      name: `by partition ${best}`,
      ...exact,
      options: { compression: best, lingerMs: 25, batchSize: 500, maxInFlight: 3 },
      valueBytes: 600,
      place: byPartition,
    },
  ];
  return {
    books: [
      bookOf(exact.topic, partitions, { idempotent: true }),
      bookOf(loose.topic, partitions, { idempotent: false }),
    ],
    plans: [...exactlyOnce, ...atLeastOnce],
  };
}

import {
  type AnyProducerOptions,
  createProducer,
  type DeliveryError,
  type Producer,
  type ProducerOptions,
  type ProducerState,
} from '@kiel/producer';
import type { Connection } from '../config/connection-options.ts';
import type { InputRecord } from '../input/records.ts';

export interface PartitionTally {
  count: number;
  firstOffset: bigint;
  lastOffset: bigint;
}

/** Why records were not stored. */
export interface FailureTally {
  readonly example: DeliveryError;
  count: number;
  /** They may be in the log all the same. */
  possiblyStored: number;
}

export interface StateSpell {
  readonly state: ProducerState;
  readonly fromMs: number;
  untilMs: number;
}

const SPELLS_KEPT = 10_000;
const LARGE_BYTES = 32 * 1024;

/** A producer with what the command tells about it: counts, offsets, and the states it went through. */
export class SendSession implements AsyncDisposable {
  readonly producer: Producer;
  readonly topic: string;
  accepted = 0;
  stored = 0;
  failed = 0;
  batches = 0;
  /** Of keys and values, as far as they are known without encoding them. */
  payloadBytes = 0;
  readonly partitions = new Map<number, PartitionTally>();
  readonly failures = new Map<string, FailureTally>();
  readonly warnings: string[] = [];
  /** Hears which line a record that was not stored came from, where that is known. */
  onNotStored: ((number: number, error: DeliveryError) => void) | null = null;
  readonly msInState = new Map<ProducerState, number>();
  /** The last spells, oldest first: the timeline. */
  readonly spells: StateSpell[] = [];
  #startedMs = performance.now();
  #stateSinceMs = this.#startedMs;

  constructor(connection: Connection, topic: string, options: Partial<AnyProducerOptions>) {
    const { brokers, clientId, tls, sasl } = connection;
    this.topic = topic;
    // Flags and files may contradict each other: the producer says so.
    const asked: AnyProducerOptions = {
      brokers,
      clientId,
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
      ...connection.producer,
      ...options,
      // The input is sent as it is: text is not JSON's text.
      serializer: (value) => value as string,
    };
    this.producer = createProducer(asked as ProducerOptions);
    this.producer.on('delivered', ({ partition, baseOffset, count }) => this.#delivered(partition, baseOffset, count));
    this.producer.on('deliveryFailed', ({ error }) => this.count(error));
    this.producer.on('stateChanged', ({ from, to }) => this.#stateChanged(from, to));
    this.producer.on('warning', ({ message }) => this.warnings.push(message));
  }

  /** Counts time from here on: making the session checks its settings, and sending may come much later. */
  start(): void {
    this.#startedMs = performance.now();
    this.#stateSinceMs = this.#startedMs;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /**
   * @param number - of the line that it came from.
   * @throws TypeError or RangeError for what no record can hold.
   */
  send({ key, value, partition, timestampMs, headers }: InputRecord, number: number): void {
    const isBare = key === null && partition === undefined && timestampMs === undefined && headers === undefined;
    const delivery = isBare
      ? this.producer.produce(this.topic, value)
      : this.producer.produce(this.topic, value, {
          key,
          ...(partition === undefined ? {} : { partition }),
          ...(timestampMs === undefined ? {} : { timestampMs }),
          ...(headers === undefined ? {} : { headers }),
        });
    this.accepted++;
    const bytes = (key?.length ?? 0) + (value?.length ?? 0);
    this.payloadBytes += bytes;
    // To wait for a record costs a third of the throughput: only those whose failure is near are waited for, the large
    // ones, and all once one has failed. The others are counted.
    if (this.failed > 0 || bytes >= LARGE_BYTES) {
      delivery.catch((error: DeliveryError) => {
        this.count(error);
        this.onNotStored?.(number, error);
      });
    }
  }

  /** Whether the machine was in this state after a moment of `performance.now`. */
  wasIn(state: ProducerState, sinceMs: number): boolean {
    return this.spells.some((spell) => spell.state === state && this.#startedMs + spell.untilMs > sinceMs);
  }

  /** Notes a failure that somebody awaited, and so has no event. */
  count(error: DeliveryError): void {
    this.failed++;
    const tally = this.failures.get(error.code) ?? { example: error, count: 0, possiblyStored: 0 };
    tally.count++;
    if (error.persisted !== 'no') tally.possiblyStored++;
    this.failures.set(error.code, tally);
  }

  /** Nothing can be sent any more, whatever is tried. */
  get isOver(): boolean {
    return this.producer.state === 'closing' || this.producer.state === 'closed';
  }

  /** Everything sent is stored or has failed, and is counted. */
  async settle(): Promise<void> {
    await this.producer.flush();
    // Failures are told a turn after they settle the flush.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async finish(): Promise<void> {
    await this.settle();
    await this.producer.close();
    this.#endSpell(this.producer.state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer.close({ timeoutMs: 0 });
  }

  #delivered(partition: number, baseOffset: bigint, count: number): void {
    this.batches++;
    this.stored += count;
    const last = baseOffset + BigInt(count - 1);
    const tally = this.partitions.get(partition);
    if (tally === undefined) {
      this.partitions.set(partition, { count, firstOffset: baseOffset, lastOffset: last });
      return;
    }
    tally.count += count;
    if (last > tally.lastOffset) tally.lastOffset = last;
    if (baseOffset < tally.firstOffset) tally.firstOffset = baseOffset;
  }

  #stateChanged(from: ProducerState, to: ProducerState): void {
    this.#endSpell(from);
    if (!this.msInState.has(to)) this.msInState.set(to, 0);
  }

  #endSpell(state: ProducerState): void {
    const nowMs = performance.now();
    this.msInState.set(state, (this.msInState.get(state) ?? 0) + nowMs - this.#stateSinceMs);
    const spell = { state, fromMs: this.#stateSinceMs - this.#startedMs, untilMs: nowMs - this.#startedMs };
    if (this.spells.length < SPELLS_KEPT) this.spells.push(spell);
    this.#stateSinceMs = nowMs;
  }
}

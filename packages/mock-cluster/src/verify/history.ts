/** A record that the application gave to the client. */
export interface OfferedRecord {
  /** Unique, and rising in the order in which the records were offered. */
  readonly id: number;
  readonly topic: string;
  /** Where the application wanted it; undefined leaves that to the client. */
  readonly partition?: number | undefined;
  /** The bytes that should come to lie in the log. Make key and value together unlike those of any other record. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** When it was offered, in milliseconds of the cluster's clock. */
  readonly atMs: number;
  /** Which producer took it, where there are several: order is kept within each. */
  readonly producer?: string | undefined;
  /** The transaction it belongs to: an id of its own for each, not the transactional id. */
  readonly transaction?: string | undefined;
}

/** What the application was told: whether the log holds the record. */
export type Persisted = 'no' | 'possibly' | 'yes';

/** What the client said of a record. */
export type Report =
  | {
      readonly id: number;
      readonly outcome: 'acked';
      readonly partition: number;
      /** -1n when the client does not know: with acks=0, or after DUPLICATE_SEQUENCE_NUMBER. */
      readonly offset: bigint;
      readonly timestampMs?: number | undefined;
      readonly atMs: number;
    }
  | {
      readonly id: number;
      readonly outcome: 'failed';
      readonly persisted: Persisted;
      readonly code: string;
      readonly atMs: number;
    };

/** What the application was told of a transaction. */
export interface TransactionReport {
  readonly transaction: string;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  readonly atMs: number;
}

/** What an application lived through, for `cluster.verify`. */
export interface History {
  readonly offered: readonly OfferedRecord[];
  readonly reports: readonly Report[];
  readonly transactions?: readonly TransactionReport[] | undefined;
  /** No record may be there twice. True unless given. */
  readonly idempotent?: boolean | undefined;
  /** Records of one producer lie in each partition in the order of their ids. True unless given. */
  readonly ordered?: boolean | undefined;
  /** False with acks 0 or 1: acknowledged records may be lost with their leader. True unless given. */
  readonly durable?: boolean | undefined;
  /** False while the run goes on: records without a report are no fault yet. True unless given. */
  readonly finished?: boolean | undefined;
}

/** As much of a delivery as is looked at. */
interface DeliveryReportLike {
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs?: number;
}

interface ProduceOptionsLike {
  readonly key?: unknown;
  readonly partition?: number | undefined;
}

/** What can be wrapped: kiel's producer, or anything of its shape. */
export interface ProducerLike {
  produce(topic: string, value: never, options?: never): PromiseLike<DeliveryReportLike>;
}

/** Whose time a history is written down in. */
export interface HistoryRecorderOptions {
  /** The clock of the history: `cluster.clock`. */
  readonly clock: { now(): number };
  readonly idempotent?: boolean;
  readonly ordered?: boolean;
  readonly durable?: boolean;
  /** How a value becomes bytes, where it is none; JSON unless given, as kiel's serializer. */
  readonly serialize?: (value: unknown) => Uint8Array | null;
}

const encoder = new TextEncoder();

/** Writes a history down, either by wrapping a producer or by hand. */
export class HistoryRecorder implements History {
  readonly offered: OfferedRecord[] = [];
  readonly reports: Report[] = [];
  readonly transactions: TransactionReport[] = [];
  readonly idempotent: boolean;
  readonly ordered: boolean;
  readonly durable: boolean;
  finished = true;
  readonly #clock: { now(): number };
  readonly #serialize: (value: unknown) => Uint8Array | null;
  #open: string | undefined;
  #nextTransaction = 1;

  constructor(options: HistoryRecorderOptions) {
    this.#clock = options.clock;
    this.idempotent = options.idempotent ?? true;
    this.ordered = options.ordered ?? true;
    this.durable = options.durable ?? true;
    this.#serialize = options.serialize ?? jsonBytes;
  }

  /** A record was offered; gives its id. */
  offer(record: Omit<OfferedRecord, 'id' | 'atMs'>): number {
    const id = this.offered.length;
    const transaction = record.transaction ?? this.#open;
    this.offered.push({
      ...record,
      id,
      atMs: this.#clock.now(),
      ...(transaction === undefined ? {} : { transaction }),
    });
    return id;
  }

  acked(id: number, report: DeliveryReportLike): void {
    const { partition, offset, timestampMs } = report;
    this.reports.push({ id, outcome: 'acked', partition, offset, timestampMs, atMs: this.#clock.now() });
  }

  /** @param error - `persisted` and `code` are read from it; without the first it counts as `possibly`. */
  failed(id: number, error: unknown): void {
    const { persisted = 'possibly', code = 'UNKNOWN' } = (error ?? {}) as { persisted?: Persisted; code?: string };
    this.reports.push({ id, outcome: 'failed', persisted, code, atMs: this.#clock.now() });
  }

  /** Records offered from now on belong to a new transaction; gives its id. */
  begin(): string {
    this.#open = `transaction ${this.#nextTransaction++}`;
    return this.#open;
  }

  /** The open transaction ended so, as far as the application knows. */
  end(outcome: TransactionReport['outcome']): void {
    if (this.#open === undefined) throw new Error('no transaction is open');
    this.transactions.push({ transaction: this.#open, outcome, atMs: this.#clock.now() });
    this.#open = undefined;
  }

  /**
   * The same producer, with every `produce` written down.
   * @param name - tells several producers apart.
   */
  wrap<P extends ProducerLike>(producer: P, name?: string): P {
    const produce = (topic: string, value: unknown, options?: ProduceOptionsLike) => {
      const id = this.offer({
        topic,
        partition: options?.partition,
        key: keyBytes(options?.key),
        value: value instanceof Uint8Array ? value : value === null ? null : this.#serialize(value),
        ...(name === undefined ? {} : { producer: name }),
      });
      const delivery = (producer.produce as (...args: unknown[]) => PromiseLike<DeliveryReportLike>).call(
        producer,
        topic,
        value,
        options,
      );
      delivery.then(
        (report) => this.acked(id, report),
        (error: unknown) => this.failed(id, error),
      );
      return delivery;
    };
    return new Proxy(producer, {
      get: (target, property) => {
        if (property === 'produce') return produce;
        const found: unknown = Reflect.get(target, property, target);
        return typeof found === 'function' ? (found as (...args: unknown[]) => unknown).bind(target) : found;
      },
    });
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function keyBytes(key: unknown): Uint8Array | null {
  if (key === undefined || key === null) return null;
  return key instanceof Uint8Array ? key : encoder.encode(String(key));
}

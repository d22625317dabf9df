import { Code } from '../codes.ts';
import { addSequence, type BatchHeader } from '../records/batch-header.ts';

/** What is remembered of one batch of an idempotent producer. */
export interface BatchMemory {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: bigint;
  epoch: number;
  /** The last five batches of this epoch, oldest first. */
  batches: BatchMemory[];
  /** Where the open transaction began in this partition. */
  transactionStart: number | null;
  coordinatorEpoch: number;
}

/** How brokers of different age treat producers; see the profiles. */
export interface ProducerManners {
  /** Before KIP-360 (2.5) a first sequence other than 0 from an unknown producer was UNKNOWN_PRODUCER_ID. */
  readonly refusesUnknownProducers: boolean;
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly batch: BatchMemory }
  | { readonly kind: 'refuse'; readonly code: number; readonly reason: string };

const WINDOW = 5;
const APPEND: SequenceVerdict = { kind: 'append' };

/** The idempotent producers of one partition, by the rules of the Java broker's producer state. */
export class ProducerStates {
  readonly #entries = new Map<bigint, ProducerEntry>();
  readonly #manners: ProducerManners;

  constructor(manners: ProducerManners) {
    this.#manners = manners;
  }

  get(producerId: bigint): ProducerEntry | undefined {
    return this.#entries.get(producerId);
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#entries.values();
  }

  /** What the broker does with a data batch that carries a producer id. */
  check(header: BatchHeader, isTransactional: boolean): SequenceVerdict {
    const entry = this.#entries.get(header.producerId);
    if (entry === undefined) {
      if (this.#manners.refusesUnknownProducers && header.baseSequence !== 0) {
        return refuse(Code.UNKNOWN_PRODUCER_ID, `nothing is known of producer ${header.producerId}`);
      }
      return APPEND;
    }
    const last = addSequence(header.baseSequence, header.lastOffsetDelta);
    if (header.producerEpoch === entry.epoch) {
      const batch = entry.batches.find((b) => b.firstSequence === header.baseSequence && b.lastSequence === last);
      if (batch !== undefined) return { kind: 'duplicate', batch };
    }
    if (header.producerEpoch < entry.epoch) {
      return refuse(Code.INVALID_PRODUCER_EPOCH, `epoch ${header.producerEpoch} is older than ${entry.epoch}`);
    }
    if (header.producerEpoch > entry.epoch) {
      if (header.baseSequence !== 0) {
        return refuse(
          Code.OUT_OF_ORDER_SEQUENCE_NUMBER,
          `sequence ${header.baseSequence} is the first of epoch ${header.producerEpoch}, and should be 0`,
        );
      }
    } else {
      const expected = nextSequence(entry);
      if (header.baseSequence !== expected) {
        return refuse(
          Code.OUT_OF_ORDER_SEQUENCE_NUMBER,
          `sequence ${header.baseSequence} came where ${expected} was expected`,
        );
      }
    }
    if (entry.transactionStart !== null && !isTransactional) {
      return refuse(Code.INVALID_TXN_STATE, 'a batch outside of the transaction that is open');
    }
    return APPEND;
  }

  /** Remembers a batch that was appended at `firstOffset`. */
  appended(header: BatchHeader, firstOffset: number, isTransactional: boolean): void {
    const entry = this.#entryFor(header.producerId, header.producerEpoch);
    entry.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: addSequence(header.baseSequence, header.lastOffsetDelta),
      firstOffset,
      lastOffset: firstOffset + header.lastOffsetDelta,
      timestamp: header.maxTimestamp,
    });
    if (entry.batches.length > WINDOW) entry.batches.shift();
    if (isTransactional && entry.transactionStart === null) entry.transactionStart = firstOffset;
  }

  /**
   * A marker ended this producer's transaction here.
   * @returns where the transaction began, or null if it had written nothing.
   */
  ended(producerId: bigint, epoch: number, coordinatorEpoch: number): number | null {
    const entry = this.#entryFor(producerId, epoch);
    const start = entry.transactionStart;
    entry.transactionStart = null;
    entry.coordinatorEpoch = coordinatorEpoch;
    return start;
  }

  /** The earliest offset of a transaction that is still open. */
  firstOpenOffset(): number | null {
    let first: number | null = null;
    for (const { transactionStart } of this.#entries.values()) {
      if (transactionStart !== null && (first === null || transactionStart < first)) first = transactionStart;
    }
    return first;
  }

  forget(producerId?: bigint): void {
    if (producerId === undefined) this.#entries.clear();
    else this.#entries.delete(producerId);
  }

  /** Old brokers forgot a producer together with its last record. */
  logStartMoved(logStartOffset: number): void {
    if (!this.#manners.refusesUnknownProducers) return;
    for (const [producerId, entry] of this.#entries) {
      const last = entry.batches.at(-1);
      if (last !== undefined && last.lastOffset < logStartOffset) this.#entries.delete(producerId);
    }
  }

  #entryFor(producerId: bigint, epoch: number): ProducerEntry {
    let entry = this.#entries.get(producerId);
    if (entry === undefined) {
      entry = { producerId, epoch, batches: [], transactionStart: null, coordinatorEpoch: -1 };
      this.#entries.set(producerId, entry);
    } else if (entry.epoch !== epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    return entry;
  }
}

function nextSequence(entry: ProducerEntry): number {
  const last = entry.batches.at(-1);
  return last === undefined ? 0 : addSequence(last.lastSequence, 1);
}

function refuse(code: number, reason: string): SequenceVerdict {
  return { kind: 'refuse', code, reason };
}

import { Attribute, type BatchHeader, BatchOffset, setInt64, viewOf } from '../records/batch-header.ts';
import { type ProducerManners, ProducerStates } from './producer-states.ts';

/** A piece of the log that is stored and fetched whole: a batch of magic 2, or one outer message of the older formats. */
export interface LogEntry {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
  readonly magic: number;
  readonly leaderEpoch: number;
  readonly maxTimestamp: number;
  /** Null for entries of magic 0 and 1. */
  readonly header: BatchHeader | null;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface RetentionOptions {
  /** Bytes kept; -1 keeps all. */
  readonly bytes: number;
}

/** The log of one partition: entries in memory, oldest first, and what follows from them. */
export class PartitionLog {
  readonly producers: ProducerStates;
  readonly epochs: EpochStart[] = [];
  readonly aborted: AbortedTransaction[] = [];
  logStartOffset = 0;
  endOffset = 0;
  highWatermark = 0;
  #entries: LogEntry[] = [];
  /** Entries before this index were removed; the array is trimmed now and then. */
  #head = 0;
  #bytes = 0;
  #openSince: number | null = null;
  readonly #manners: ProducerManners;
  retentionBytes: number;

  constructor(manners: ProducerManners, retention: RetentionOptions) {
    this.#manners = manners;
    this.producers = new ProducerStates(this.#manners);
    this.retentionBytes = retention.bytes;
  }

  /** Bytes stored now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Below this offset every transaction is decided: what a read-committed consumer may see. */
  get lastStableOffset(): number {
    return this.#openSince === null ? this.highWatermark : Math.min(this.#openSince, this.highWatermark);
  }

  entries(): readonly LogEntry[] {
    return this.#head === 0 ? this.#entries : this.#entries.slice(this.#head);
  }

  /**
   * Appends a batch of magic 2 as received: offset and epoch are written into `bytes`, which belong to the
   * log from now on.
   */
  appendBatch(bytes: Uint8Array, header: BatchHeader, leaderEpoch: number): LogEntry {
    const baseOffset = this.endOffset;
    const view = viewOf(bytes);
    setInt64(view, BatchOffset.baseOffset, baseOffset);
    view.setInt32(BatchOffset.leaderEpoch, leaderEpoch);
    const entry: LogEntry = {
      baseOffset,
      lastOffset: baseOffset + header.lastOffsetDelta,
      bytes,
      magic: 2,
      leaderEpoch,
      maxTimestamp: header.maxTimestamp,
      header,
    };
    this.#push(entry);
    const isControl = (header.attributes & Attribute.control) !== 0;
    if (header.producerId >= 0n && !isControl) {
      const isTransactional = (header.attributes & Attribute.transactional) !== 0;
      this.producers.appended(header, baseOffset, isTransactional);
      if (isTransactional) this.#openSince = this.producers.firstOpenOffset();
    }
    return entry;
  }

  /** Appends a marker that ends a producer's transaction. */
  appendMarker(
    bytes: Uint8Array,
    header: BatchHeader,
    leaderEpoch: number,
    commit: boolean,
    coordinatorEpoch: number,
  ): LogEntry {
    const entry = this.appendBatch(bytes, header, leaderEpoch);
    const firstOffset = this.producers.ended(header.producerId, header.producerEpoch, coordinatorEpoch);
    if (!commit && firstOffset !== null) {
      this.aborted.push({ producerId: header.producerId, firstOffset, lastOffset: entry.lastOffset });
    }
    this.#openSince = this.producers.firstOpenOffset();
    return entry;
  }

  /** Appends an entry of magic 0 or 1, whose offsets its maker has already written. */
  appendOld(entry: LogEntry): void {
    this.#push(entry);
  }

  /** The first entry that ends at or after `offset`; its index in `entries()` is not stable. */
  *from(offset: number): Generator<LogEntry> {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  /** Entries from `offset` up to `limit`, at least one and then as many as fit into `maxBytes`. */
  read(offset: number, limit: number, maxBytes: number, atLeastOne: boolean): LogEntry[] {
    const found: LogEntry[] = [];
    let size = 0;
    for (const entry of this.from(offset)) {
      if (entry.lastOffset >= limit) break;
      size += entry.bytes.length;
      if (size > maxBytes && !(atLeastOne && found.length === 0)) break;
      found.push(entry);
    }
    return found;
  }

  abortedBetween(fromOffset: number, upTo: number): AbortedTransaction[] {
    return this.aborted.filter((t) => t.lastOffset >= fromOffset && t.firstOffset < upTo);
  }

  /** A leader took over: what it appends from here on carries its epoch. */
  beginEpoch(epoch: number): void {
    // an epoch in which nothing was appended leaves no trace
    while (this.epochs.length > 0 && this.epochs.at(-1)!.startOffset >= this.endOffset) this.epochs.pop();
    this.epochs.push({ epoch, startOffset: this.endOffset });
  }

  /** The end of the largest epoch at or below the asked one, as followers and consumers ask after a change of leader. */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number } {
    if (epoch >= 0 && this.epochs.at(-1)?.epoch === epoch) return { epoch, endOffset: this.endOffset };
    const next = this.epochs.findIndex((start) => start.epoch > epoch);
    if (epoch < 0 || next < 0) return { epoch: -1, endOffset: -1 };
    return { epoch: this.epochs[next - 1]?.epoch ?? epoch, endOffset: this.epochs[next]!.startOffset };
  }

  /** Moves the start of the log; entries that end before it are gone. */
  startAt(offset: number): void {
    if (offset <= this.logStartOffset) return;
    this.logStartOffset = offset;
    while (this.#head < this.#entries.length && this.#entries[this.#head]!.lastOffset < offset) this.#dropFirst();
    while (this.aborted.length > 0 && this.aborted[0]!.lastOffset < offset) this.aborted.shift();
    this.producers.logStartMoved(offset);
  }

  /** Loses everything from `offset` on, as a replica that becomes leader without it does. */
  truncateTo(offset: number): void {
    if (offset >= this.endOffset) return;
    const kept = this.entries().filter((entry) => entry.lastOffset < offset);
    this.#entries = kept;
    this.#head = 0;
    this.#bytes = kept.reduce((sum, entry) => sum + entry.bytes.length, 0);
    this.endOffset = kept.length === 0 ? this.logStartOffset : kept.at(-1)!.lastOffset + 1;
    this.highWatermark = Math.min(this.highWatermark, this.endOffset);
    while (this.epochs.length > 0 && this.epochs.at(-1)!.startOffset >= this.endOffset) this.epochs.pop();
    this.#rebuildProducers();
  }

  #rebuildProducers(): void {
    this.producers.forget();
    this.aborted.length = 0;
    for (const entry of this.#entries) {
      const header = entry.header;
      if (header === null || header.producerId < 0n) continue;
      if ((header.attributes & Attribute.control) === 0) {
        this.producers.appended(header, entry.baseOffset, (header.attributes & Attribute.transactional) !== 0);
        continue;
      }
      const firstOffset = this.producers.ended(header.producerId, header.producerEpoch, -1);
      if (firstOffset !== null && isAbortMarker(entry.bytes)) {
        this.aborted.push({ producerId: header.producerId, firstOffset, lastOffset: entry.lastOffset });
      }
    }
    this.#openSince = this.producers.firstOpenOffset();
  }

  #push(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length;
    this.endOffset = entry.lastOffset + 1;
    if (this.retentionBytes >= 0) this.#enforceRetention();
  }

  #enforceRetention(): void {
    let first = this.#entries[this.#head];
    // The newest entry stays, whatever its size.
    while (this.#bytes > this.retentionBytes && this.#head < this.#entries.length - 1 && first !== undefined) {
      if (first.lastOffset >= this.highWatermark) return;
      this.startAt(first.lastOffset + 1);
      first = this.#entries[this.#head];
    }
  }

  #dropFirst(): void {
    this.#bytes -= this.#entries[this.#head]!.bytes.length;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    } else if (this.#head > 0) {
      // the array keeps the slot, but not the bytes
      this.#entries[this.#head - 1] = GONE;
    }
  }
}

const GONE: LogEntry = {
  baseOffset: -1,
  lastOffset: -1,
  bytes: new Uint8Array(0),
  magic: 2,
  leaderEpoch: -1,
  maxTimestamp: -1,
  header: null,
};

/** The key of a marker is version int16 and type int16 (0 abort, 1 commit), after eight bytes of record head. */
function isAbortMarker(bytes: Uint8Array): boolean {
  // length, attributes, timestamp delta, offset delta and key size are one byte each in a marker of ours
  const keyAt = BatchOffset.records + 5;
  return bytes[keyAt + 3] === 0;
}

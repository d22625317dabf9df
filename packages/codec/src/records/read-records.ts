import { at as fieldAt, lengthPrefixBytes } from './batch-header.ts';
import { contradictionIn } from './cut-batch.ts';
import { canBeDefaultBatch, DefaultBatch } from './default-batch.ts';
import { LegacyBatch } from './legacy-batch.ts';
import { canBeLegacyEntry } from './legacy-entry.ts';
import { ReadContext, type ReadRecordsOptions } from './read-options.ts';
import type { KafkaRecord, RecordBatch, RecordCursor } from './record-batch.ts';
import { malformedBatch, RecordsError } from './records-error.ts';

/** A last batch that is cut off, as brokers do when an answer is full, and as a log ends after a crash. */
export interface IncompleteBatch {
  /** Where it begins in what was read. */
  readonly position: number;
  /** Bytes of it that are there. */
  readonly bytes: number;
  /** Bytes that it claims to have; null when not even that is there. */
  readonly claimedBytes: number | null;
  /** null when not even that is there. */
  readonly baseOffset: bigint | null;
}

/** The batches of a field or of a log, each checked when it is its turn. One pass at a time. */
export class RecordBatches implements IterableIterator<RecordBatch, undefined> {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #context: ReadContext;
  #position = 0;
  #incomplete: IncompleteBatch | null = null;

  constructor(bytes: Uint8Array, options: ReadRecordsOptions = {}) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#context = new ReadContext(bytes.length, options);
  }

  /** Where the next batch begins, or where reading ended: at the end, or before an incomplete batch. */
  get position(): number {
    return this.#position;
  }

  /** What is left of a cut last batch, once the iteration has come to it; null when there is none. */
  get incomplete(): IncompleteBatch | null {
    return this.#incomplete;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** @throws RecordsError when the next batch is damaged; the one after it is read by calling again, if it can be found. */
  next(): IteratorResult<RecordBatch, undefined> {
    const start = this.#position;
    const rest = this.#bytes.length - start;
    if (rest === 0 || this.#incomplete !== null) return { done: true, value: undefined };
    if (rest < lengthPrefixBytes) return this.#cutOff(rest, null, rest < 8 ? null : this.#view.getBigInt64(start));
    const baseOffset = this.#view.getBigInt64(start);
    const length = this.#view.getInt32(start + fieldAt.length);
    const size = lengthPrefixBytes + length;
    // The magic is looked at before the size is believed: a strange format has its own sizes.
    const magic = rest > fieldAt.magic ? this.#view.getInt8(start + fieldAt.magic) : null;
    if (magic !== null && magic !== 0 && magic !== 1 && magic !== 2) {
      throw new RecordsError('UNKNOWN_MAGIC', `there is no magic ${magic}`, baseOffset, null, start + fieldAt.magic);
    }
    if (!canBe(magic, length)) throw malformedBatch(baseOffset, `it claims ${length} bytes`, start + fieldAt.length);
    if (magic === null) return this.#cutOff(rest, size, baseOffset);
    if (size > rest) {
      const contradiction = contradictionIn(this.#bytes.subarray(start), magic, size);
      if (contradiction !== null) throw malformedBatch(baseOffset, contradiction, start + fieldAt.length);
      return this.#cutOff(rest, size, baseOffset);
    }
    const bytes = this.#bytes.subarray(start, start + size);
    this.#position = start + size;
    const batch =
      magic === 2 ? new DefaultBatch(bytes, start, this.#context) : new LegacyBatch(bytes, start, this.#context);
    return { done: false, value: batch };
  }

  #cutOff(bytes: number, claimedBytes: number | null, baseOffset: bigint | null): IteratorReturnResult<undefined> {
    this.#incomplete = { position: this.#position, bytes, claimedBytes, baseOffset };
    return { done: true, value: undefined };
  }
}

/** Whether a batch of that magic can have that length; without a magic, whether any can. */
function canBe(magic: 0 | 1 | 2 | null, length: number): boolean {
  if (magic === 2) return canBeDefaultBatch(length);
  return canBeLegacyEntry(magic ?? 0, length);
}

/** The records of all batches one after the other. */
export class Records implements IterableIterator<KafkaRecord, undefined> {
  readonly #batches: RecordBatches;
  #cursor: RecordCursor | null = null;

  constructor(batches: RecordBatches) {
    this.#batches = batches;
  }

  /** What is left of a cut last batch, once the iteration has come to it; null when there is none. */
  get incomplete(): IncompleteBatch | null {
    return this.#batches.incomplete;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<KafkaRecord, undefined> {
    for (;;) {
      if (this.#cursor?.next()) return { done: false, value: this.#cursor.record() };
      const batch = this.#batches.next();
      if (batch.done) return { done: true, value: undefined };
      this.#cursor = batch.value.cursor();
    }
  }
}

/**
 * Reads batches of magic 2 and entries of magic 0 and 1, in any order: the `records` of a Fetch or Produce message,
 * or a log segment. Nothing is decompressed before it is asked for.
 *
 * Views of `bytes` are given out: copy what is to live longer. Decompressed records have memory of their own.
 *
 * @throws RecordsError while iterating, on damage. A last batch that is cut off is no damage: it ends the iteration,
 *   and `incomplete` tells of it.
 */
export function readBatches(bytes: Uint8Array, options: ReadRecordsOptions = {}): RecordBatches {
  return new RecordBatches(bytes, options);
}

/** Reads the records of all batches, as `readBatches` does; those of Kafka's own markers have `isControl`. */
export function readRecords(bytes: Uint8Array, options: ReadRecordsOptions = {}): Records {
  return new Records(new RecordBatches(bytes, options));
}

import type { Compression } from './batch-header.ts';

/** A header as it was read. */
export type ReadHeader = [name: string, value: Uint8Array | null];

/** One record, as an object of its own. Its bytes are views: copy them to keep them longer than what was read. */
export interface KafkaRecord {
  readonly offset: bigint;
  /** Milliseconds since 1970; -1n in magic 0, which has none. */
  readonly timestamp: bigint;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** In order, a name as often as it was written. */
  readonly headers: ReadHeader[];
  /** Of an idempotent producer's record; -1 otherwise. */
  readonly sequence: number;
  /** True for markers that Kafka itself wrote: `parseControlRecord` tells what they say. */
  readonly isControl: boolean;
}

/**
 * A place in a batch: `next()` goes to the next record, if there is one, and the rest tells of the record there.
 * Nothing is allocated but what is asked for.
 */
export interface RecordCursor {
  /**
   * Goes to the next record, the first one to begin with; false after the last.
   * @throws RecordsError when the record is damaged, or bytes are left after the last one.
   */
  next(): boolean;
  /** Which record of the batch, from 0. */
  readonly index: number;
  readonly offset: bigint;
  readonly timestamp: bigint;
  /** The same as a number: exact up to 2^53. */
  readonly timestampMs: number;
  readonly sequence: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Bytes of the value, -1 for null: no view is made. */
  readonly valueLength: number;
  readonly keyLength: number;
  readonly headerCount: number;
  readonly headers: ReadHeader[];
  /** The record as an object. */
  record(): KafkaRecord;
}

/** A batch of magic 2, or an entry of an older message set: one record, or a wrapper of compressed ones. */
export interface RecordBatch {
  readonly magic: 0 | 1 | 2;
  /** All of its bytes, a view. */
  readonly bytes: Uint8Array;
  /** Offset of the first record as it was written. In a compressed entry of magic 0 or 1, asking decompresses it. */
  readonly baseOffset: bigint;
  /** Offset of the last record as it was written, though compaction may have removed it since. */
  readonly lastOffset: bigint;
  /** Where to read on: one more than `lastOffset`, also when the batch has no record left. */
  readonly nextOffset: bigint;
  /** Records in it. In a compressed entry of magic 0 or 1, asking decompresses it. */
  readonly count: number;
  readonly compression: Compression;
  /** Who stamped the records: the producer, or the broker on appending. Magic 0 has no timestamps. */
  readonly timestampType: 'none' | 'createTime' | 'logAppendTime';
  /** Greatest timestamp of the records as the batch says; -1n in magic 0. */
  readonly maxTimestamp: bigint;
  /** What the records' timestamps are counted from; -1n before magic 2. */
  readonly baseTimestamp: bigint;
  /** Time after which compaction may drop tombstones (KIP-534); null if it is not set. */
  readonly deleteHorizonMs: bigint | null;
  /** -1 before magic 2, or when no leader has taken the batch yet. */
  readonly partitionLeaderEpoch: number;
  /** -1n without idempotence. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence number of the first record; -1 without idempotence. */
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** As written, not as computed. */
  readonly crc: number;
  /** A place before the first record. Decompresses the batch. */
  cursor(): RecordCursor;
  /** Iterates over the records as objects; decompresses the batch. */
  [Symbol.iterator](): Iterator<KafkaRecord, undefined>;
}

/** Takes the records of a cursor as an iterator. */
export class CursorIterator implements Iterator<KafkaRecord, undefined> {
  readonly #cursor: RecordCursor;

  constructor(cursor: RecordCursor) {
    this.#cursor = cursor;
  }

  next(): IteratorResult<KafkaRecord, undefined> {
    if (this.#cursor.next()) return { done: false, value: this.#cursor.record() };
    return { done: true, value: undefined };
  }
}

import { type Checksum, crc32 } from '../checksum/crc.ts';
import type { Compressor } from '../compression/compression.ts';
import { CodecError, describeValue } from '../errors.ts';
import { putUtf8, sizeOfUtf8 } from '../wire/utf8.ts';
import { type Compression, compressionsByCode, logAppendTimeBit, setInt64 } from './batch-header.ts';
import { entryAt, entryOverhead } from './legacy-entry.ts';
import type { RecordBytes } from './record-size.ts';

/** What the entries of an old message set are like. */
export interface MessageSetOptions {
  magic: 0 | 1;
  /** CRC-32; the codec's own if absent. `node:zlib`'s is faster: `nodeCrc32` of `@kiel/codec/node`. */
  checksum?: Checksum;
  /**
   * Offset of the first record; 0 by default, as a producer sends it. In a compressed set the wrapper then carries
   * what readers of that magic expect: the last offset, with those inside absolute (magic 0) or counted from 0 (1).
   */
  baseOffset?: bigint;
  /** Magic 1 only, set by a broker whose topic stamps records itself: the one timestamp of all records. */
  logAppendTimeMs?: number;
}

/**
 * Builds a message set of magic 0 or 1: what brokers before 0.11 can take. Records are entries with a CRC-32 each,
 * one behind the other, or wrapped and compressed as the value of one entry. There are no headers.
 */
export class MessageSetBuilder {
  readonly magic: 0 | 1;
  readonly #checksum: Checksum;
  readonly #baseOffset: number;
  readonly #baseOffsetExact: bigint;
  readonly #logAppendTimeMs: number | undefined;
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #count = 0;
  #maxTimestamp = -1;

  constructor(options: MessageSetOptions) {
    this.magic = options.magic;
    this.#checksum = options.checksum ?? crc32;
    this.#baseOffsetExact = options.baseOffset ?? 0n;
    this.#baseOffset = Number(this.#baseOffsetExact);
    this.#logAppendTimeMs = options.logAppendTimeMs;
    if (!Number.isSafeInteger(this.#baseOffset))
      throw new RangeError(`baseOffset must be under 2^53, got ${options.baseOffset}`);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the set without compression. */
  get sizeBytes(): number {
    return this.#end;
  }

  /** Appends one record. Magic 0 has no place for the timestamp and leaves it out. */
  append(timestampMs: number, key: RecordBytes, value: RecordBytes): void {
    if (!Number.isSafeInteger(timestampMs)) {
      throw new RangeError(`timestampMs must be a whole number of milliseconds, got ${String(timestampMs)}`);
    }
    const attributes = this.#logAppendTimeMs === undefined || this.magic === 0 ? 0 : logAppendTimeBit;
    const start = this.#end;
    const end = start + sizeOfLegacyEntry(this.magic, key, value);
    this.#reserve(end);
    this.#putEntry(
      start,
      end,
      this.#baseOffset + this.#count,
      attributes,
      this.#logAppendTimeMs ?? timestampMs,
      key,
      value,
    );
    this.#end = end;
    this.#count++;
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
  }

  /** The set without compression: a view of the builder's memory, good until the next append. */
  entries(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /**
   * The same records as a wrapper around one compressed value, in memory of its own.
   *
   * For LZ4 in magic 0 give a compressor with `oldHeaderChecksum: true`: the brokers of that time check it.
   */
  wrapped(compression: 'gzip' | 'snappy' | 'lz4', compressor: Compressor, level?: number): Uint8Array {
    if (this.#count === 0) throw new RangeError('an empty message set cannot be compressed: readers refuse it');
    if (this.magic === 1) this.#renumber(0);
    const value = compressor.compress(this.entries(), level);
    if (this.magic === 1) this.#renumber(this.#baseOffset);
    const wrapper = new MessageSetBuilder({ magic: this.magic, checksum: this.#checksum });
    const end = sizeOfLegacyEntry(this.magic, null, value);
    wrapper.#reserve(end);
    const stamped = this.#logAppendTimeMs !== undefined && this.magic === 1;
    const attributes = compressionCode(compression) | (stamped ? logAppendTimeBit : 0);
    const lastOffset = this.#baseOffset + this.#count - 1;
    wrapper.#putEntry(0, end, lastOffset, attributes, this.#logAppendTimeMs ?? this.#maxTimestamp, null, value);
    return wrapper.#bytes.subarray(0, end);
  }

  #putEntry(
    start: number,
    end: number,
    offset: number,
    attributes: number,
    timestampMs: number,
    key: RecordBytes,
    value: RecordBytes,
  ): void {
    const view = this.#view;
    setInt64(view, start + entryAt.offset, offset);
    view.setInt32(start + entryAt.size, end - start - entryAt.crc);
    this.#bytes[start + entryAt.magic] = this.magic;
    this.#bytes[start + entryAt.attributes] = attributes;
    let at = start + entryAt.timestamp;
    if (this.magic === 1) {
      setInt64(view, at, timestampMs);
      at += 8;
    }
    this.#putField(this.#putField(at, key), value);
    view.setUint32(start + entryAt.crc, this.#checksum(this.#bytes.subarray(start + entryAt.magic, end)));
  }

  #putField(at: number, field: RecordBytes): number {
    const start = at + 4;
    let end = start;
    if (typeof field === 'string') end = putUtf8(this.#bytes, start, field);
    else if (field !== null) {
      this.#bytes.set(field, start);
      end += field.length;
    }
    this.#view.setInt32(at, field === null ? -1 : end - start);
    return end;
  }

  /** Offsets are outside the CRC: they can be counted anew. */
  #renumber(first: number): void {
    let offset = first;
    for (let at = 0; at < this.#end; at += entryAt.crc + this.#view.getInt32(at + entryAt.size)) {
      setInt64(this.#view, at, offset++);
    }
  }

  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(end, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Exact bytes of a record as an entry of a message set. */
export function sizeOfLegacyEntry(magic: 0 | 1, key: RecordBytes, value: RecordBytes): number {
  return entryOverhead[magic] + sizeOfField(key, 'key') + sizeOfField(value, 'value');
}

function sizeOfField(field: RecordBytes, name: string): number {
  if (field === null) return 0;
  if (typeof field === 'string') {
    if (field.isWellFormed()) return sizeOfUtf8(field);
    throw new CodecError('LONE_SURROGATE', 'the text holds a lone surrogate, which has no UTF-8 form', { path: name });
  }
  if (!ArrayBuffer.isView(field) || field.byteLength !== field.length) {
    throw new TypeError(`${name} must be a Uint8Array, text or null, got ${describeValue(field)}`);
  }
  return field.length;
}

function compressionCode(compression: Compression): number {
  return compressionsByCode.indexOf(compression);
}

import { getLenientUtf8, getUtf8 } from '../wire/utf8.ts';
import {
  at,
  batchHeaderBytes,
  type Compression,
  compressionsByCode,
  controlBit,
  deleteHorizonBit,
  lengthPrefixBytes,
  logAppendTimeBit,
  transactionalBit,
} from './batch-header.ts';
import type { ReadContext } from './read-options.ts';
import {
  CursorIterator,
  type KafkaRecord,
  type ReadHeader,
  type RecordBatch,
  type RecordCursor,
} from './record-batch.ts';
import { checksumMismatch, malformedBatch, RecordsError } from './records-error.ts';
import { getVarlong } from './varlong.ts';

/** No record is shorter: seven fields, a byte each. */
const minRecordBytes = 7;

/** A batch of magic 2. */
export class DefaultBatch implements RecordBatch {
  readonly magic = 2;
  readonly bytes: Uint8Array;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly nextOffset: bigint;
  readonly count: number;
  readonly compression: Compression;
  readonly timestampType: 'createTime' | 'logAppendTime';
  readonly maxTimestamp: bigint;
  readonly baseTimestamp: bigint;
  readonly deleteHorizonMs: bigint | null;
  readonly partitionLeaderEpoch: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly crc: number;
  readonly #context: ReadContext;

  /** @param position - of the batch in what is read, for errors. */
  constructor(bytes: Uint8Array, position: number, context: ReadContext) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const attributes = view.getInt16(at.attributes);
    this.bytes = bytes;
    this.baseOffset = view.getBigInt64(at.baseOffset);
    const lastOffsetDelta = view.getInt32(at.lastOffsetDelta);
    this.lastOffset = this.baseOffset + BigInt(lastOffsetDelta);
    this.nextOffset = this.lastOffset + 1n;
    this.count = view.getInt32(at.count);
    this.maxTimestamp = view.getBigInt64(at.maxTimestamp);
    this.baseTimestamp = view.getBigInt64(at.baseTimestamp);
    this.timestampType = (attributes & logAppendTimeBit) !== 0 ? 'logAppendTime' : 'createTime';
    this.deleteHorizonMs = (attributes & deleteHorizonBit) !== 0 ? this.baseTimestamp : null;
    this.partitionLeaderEpoch = view.getInt32(at.partitionLeaderEpoch);
    this.producerId = view.getBigInt64(at.producerId);
    this.producerEpoch = view.getInt16(at.producerEpoch);
    this.baseSequence = view.getInt32(at.baseSequence);
    this.isTransactional = (attributes & transactionalBit) !== 0;
    this.isControl = (attributes & controlBit) !== 0;
    this.crc = view.getUint32(at.crc);
    this.#context = context;
    if (context.checkCrcs) {
      const computed = context.crc32c(bytes.subarray(at.attributes));
      if (computed !== this.crc) throw checksumMismatch(this.baseOffset, null, this.crc, computed, position + at.crc);
    }
    const compression = compressionsByCode[attributes & 7];
    if (compression === undefined) {
      throw malformedBatch(this.baseOffset, `there is no compression ${attributes & 7}`, position + at.attributes);
    }
    this.compression = compression;
    if (lastOffsetDelta < 0) {
      throw malformedBatch(
        this.baseOffset,
        `the last offset delta is ${lastOffsetDelta}`,
        position + at.lastOffsetDelta,
      );
    }
    if (this.count < 0) throw malformedBatch(this.baseOffset, `it claims ${this.count} records`, position + at.count);
  }

  cursor(): RecordCursor {
    const body = this.bytes.subarray(batchHeaderBytes);
    // An empty batch has nothing to decompress, whatever its attributes say.
    const isEmpty = this.count === 0 && body.length === 0;
    const records = isEmpty ? body : this.#context.decompress(this.compression, body, this.baseOffset);
    if (this.count * minRecordBytes > records.length) {
      throw malformedBatch(this.baseOffset, `${records.length} bytes cannot hold ${this.count} records`, at.count);
    }
    return new DefaultCursor(this, records, this.#context.lenientUtf8);
  }

  [Symbol.iterator](): Iterator<KafkaRecord, undefined> {
    return new CursorIterator(this.cursor());
  }
}

class DefaultCursor implements RecordCursor {
  index = -1;
  keyLength = -1;
  valueLength = -1;
  headerCount = 0;
  readonly #batch: DefaultBatch;
  readonly #bytes: Uint8Array;
  readonly #count: number;
  readonly #lenientUtf8: boolean;
  /** Where the next record, or field, begins. */
  #at = 0;
  #offsetDelta = 0;
  /** From -2^53 to 2^53; if the true one lies beyond, it is in `#hugeDelta`. */
  #timestampDelta = 0;
  #hugeDelta: bigint | null = null;
  #keyAt = 0;
  #valueAt = 0;
  #headersAt = 0;

  constructor(batch: DefaultBatch, bytes: Uint8Array, lenientUtf8: boolean) {
    this.#batch = batch;
    this.#bytes = bytes;
    this.#count = batch.count;
    this.#lenientUtf8 = lenientUtf8;
  }

  next(): boolean {
    const bytes = this.#bytes;
    if (this.index >= this.#count - 1) {
      if (this.index < this.#count) this.index++;
      if (this.#at !== bytes.length) throw this.#malformed('bytes are left after the last record', this.#at);
      return false;
    }
    this.index++;
    const start = this.#at;
    const size = this.#varint();
    const end = this.#at + size;
    if (!(size >= minRecordBytes - 1 && end <= bytes.length)) {
      throw this.#malformed(`a record claims ${size} bytes of ${bytes.length - this.#at}`, start);
    }
    // Up to the end of the record no read is checked by itself: one past the memory gives no byte and ends the number,
    // lengths are compared with what is left, and the record must end just where it said.
    this.#at++; // attributes: none is defined
    this.#readTimestampDelta();
    this.#offsetDelta = this.#varint();
    this.keyLength = this.#varint();
    this.#keyAt = this.#at;
    if (this.keyLength > 0) this.#at += this.keyLength;
    this.valueLength = this.#at <= end ? this.#varint() : 0;
    this.#valueAt = this.#at;
    if (this.valueLength > 0) this.#at += this.valueLength;
    this.headerCount = this.#at <= end ? this.#varint() : 0;
    this.#headersAt = this.#at;
    if (this.keyLength < -1 || this.valueLength < -1 || this.headerCount !== 0) this.#skipHeaders(end);
    if (this.#at !== end) {
      const where = this.#at < end ? 'bytes are left after its fields' : 'its fields run past its end';
      throw this.#malformed(where, start);
    }
    return true;
  }

  get offset(): bigint {
    return this.#batch.baseOffset + BigInt(this.#offsetDelta);
  }

  get timestamp(): bigint {
    const batch = this.#batch;
    if (batch.timestampType === 'logAppendTime') return batch.maxTimestamp;
    return BigInt.asIntN(64, batch.baseTimestamp + (this.#hugeDelta ?? BigInt(this.#timestampDelta)));
  }

  get timestampMs(): number {
    return Number(this.timestamp);
  }

  get sequence(): number {
    const first = this.#batch.baseSequence;
    // After 2^31-1 comes 0.
    return first < 0 ? -1 : (first + this.#offsetDelta) % 0x8000_0000;
  }

  get key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.keyLength);
  }

  get value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.valueLength);
  }

  get headers(): ReadHeader[] {
    const headers: ReadHeader[] = [];
    const next = this.#at;
    this.#at = this.#headersAt;
    for (let i = 0; i < this.headerCount; i++) {
      const nameLength = this.#varint();
      const nameAt = this.#at;
      this.#at += nameLength;
      const valueLength = this.#varint();
      const valueAt = this.#at;
      if (valueLength > 0) this.#at += valueLength;
      headers.push([
        this.#text(nameAt, nameAt + nameLength),
        valueLength < 0 ? null : this.#bytes.subarray(valueAt, valueAt + valueLength),
      ]);
    }
    this.#at = next;
    return headers;
  }

  record(): KafkaRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.key,
      value: this.value,
      headers: this.headerCount === 0 ? [] : this.headers,
      sequence: this.sequence,
      isControl: this.#batch.isControl,
    };
  }

  /** Goes over the headers, and refuses lengths that cannot be. */
  #skipHeaders(end: number): void {
    const { keyLength, valueLength, headerCount } = this;
    if (keyLength < -1 || valueLength < -1) {
      throw this.#malformed(`its key or value claims ${Math.min(keyLength, valueLength)} bytes`, this.#at);
    }
    if (headerCount < 0 || headerCount * 2 > end - this.#at) {
      throw this.#malformed(`it claims ${headerCount} headers`, this.#at);
    }
    for (let i = 0; i < headerCount; i++) {
      const nameLength = this.#varint();
      if (nameLength < 0 || nameLength > end - this.#at) {
        throw this.#malformed(`the name of header ${i} claims ${nameLength} bytes`, this.#at);
      }
      this.#at += nameLength;
      const length = this.#varint();
      if (length < -1 || length > end - this.#at) {
        throw this.#malformed(`the value of header ${i} claims ${length} bytes`, this.#at);
      }
      if (length > 0) this.#at += length;
    }
  }

  #text(start: number, end: number): string {
    if (this.#lenientUtf8) return getLenientUtf8(this.#bytes, start, end);
    try {
      return getUtf8(this.#bytes, start, end);
    } catch (error) {
      const problem = 'the name of a header is not UTF-8';
      throw new RecordsError('MALFORMED_UTF8', problem, this.#batch.baseOffset, this.index, start, error);
    }
  }

  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let zigzag = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = bytes[this.#at++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (!(byte >= 0x80)) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    throw this.#malformed('a varint goes on after 32 bits', this.#at - 5);
  }

  #readTimestampDelta(): void {
    this.#hugeDelta = null;
    const start = this.#at;
    const bytes = this.#bytes;
    // Four bytes hold 28 bits, which stay small integers.
    let zigzag = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.#at++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (!(byte >= 0x80)) {
        this.#timestampDelta = (zigzag >>> 1) ^ -(zigzag & 1);
        return;
      }
    }
    const long = getVarlong(bytes, start);
    if (long === null) throw this.#malformed('a varint goes on after 64 bits', start);
    this.#at = long.end;
    this.#timestampDelta = Number(long.value);
    if (!Number.isSafeInteger(this.#timestampDelta)) this.#hugeDelta = long.value;
  }

  #malformed(problem: string, offset: number): RecordsError {
    return new RecordsError('MALFORMED_RECORD', problem, this.#batch.baseOffset, this.index, offset);
  }
}

/** Whether the length field of a batch of magic 2 can be true. */
export function canBeDefaultBatch(length: number): boolean {
  return length >= batchHeaderBytes - lengthPrefixBytes;
}

import { type Checksum, crc32c } from '../checksum/crc.ts';
import { putUtf8 } from '../wire/utf8.ts';
import { putUvarint, putVarint, putVarlong, sizeOfUvarint, sizeOfVarint, sizeOfVarlong } from '../wire/varint.ts';
import { type BatchSeal, batchHeaderBytes, type Compression, putBatchHeader } from './batch-header.ts';
import { noHeaders, type RecordBytes, type RecordHeaders, sizeOfRecordBody } from './record-size.ts';
import { putAscii } from './text.ts';

/** Where a batch is built, and how large it may become. */
export interface RecordBatchBuilderOptions {
  /** The most bytes the batch may take before compression, its 61 bytes of header included. */
  limitBytes: number;
  /** Memory to begin in, a pool's for instance; the builder leaves it when it must grow. 1 KiB of its own if absent. */
  buffer?: Uint8Array;
  /** CRC-32C; the codec's own if absent. */
  checksum?: Checksum;
  /** The time after which compaction may drop tombstones (KIP-534): takes the place of the first timestamp. */
  deleteHorizonMs?: number;
}

const smallestBuffer = 1024;

/**
 * Builds one record batch of magic 2. Records are written straight into one growing buffer behind room for the
 * header; `seal` fills in the header, as often as needed, and the checksum last.
 *
 * Timestamps are whole milliseconds since 1970 as numbers, of either sign.
 */
export class RecordBatchBuilder {
  readonly limitBytes: number;
  #bytes: Uint8Array;
  /** Where a record must end without growing; 0 once sealed or released. */
  #capacity: number;
  #end = batchHeaderBytes;
  #count = 0;
  #lastOffsetDelta = -1;
  #baseTimestamp = 0;
  #maxTimestamp = -1;
  #sealed = false;
  readonly #hasDeleteHorizon: boolean;
  readonly #checksum: Checksum;

  constructor(options: RecordBatchBuilderOptions) {
    const { limitBytes, buffer, checksum, deleteHorizonMs } = options;
    this.limitBytes = limitBytes;
    this.#bytes =
      buffer !== undefined && buffer.length >= batchHeaderBytes
        ? buffer
        : new Uint8Array(Math.max(batchHeaderBytes, Math.min(smallestBuffer, limitBytes)));
    this.#capacity = Math.min(this.#bytes.length, limitBytes);
    this.#hasDeleteHorizon = deleteHorizonMs !== undefined;
    if (deleteHorizonMs !== undefined) this.#baseTimestamp = wholeNumber(deleteHorizonMs, 'deleteHorizonMs');
    this.#checksum = checksum ?? crc32c;
  }

  /** Records in the batch. The next record's offset is the batch's base offset plus this, if none was skipped. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch without compression, header included: what `seal` will return. */
  get sizeBytes(): number {
    return this.#end;
  }

  /** Of the first record, or the delete horizon; 0 in an empty batch. */
  get baseTimestampMs(): number {
    return this.#baseTimestamp;
  }

  /** The greatest of all records; -1 in an empty batch. */
  get maxTimestampMs(): number {
    return this.#maxTimestamp;
  }

  /** True from the first `seal` on: no record is taken any more. */
  get isSealed(): boolean {
    return this.#sealed;
  }

  /**
   * Appends one record, or returns false, having written nothing, when it does not fit or the batch is sealed.
   *
   * Varints of one and two bytes are written in line: with a call for each, or a loop, a record costs up to twice as
   * much (bench/records.bench.ts).
   */
  tryAppend(timestampMs: number, key: RecordBytes, value: RecordBytes, headers: RecordHeaders = noHeaders): boolean {
    const offsetDelta = this.#lastOffsetDelta + 1;
    const sinceBase = timestampMs - this.#baseTimestamp;
    // A small integer from here on: a double would be boxed at every call.
    const timestampDelta = sinceBase | 0;
    const isOrdinary = timestampDelta === sinceBase && timestampDelta >= 0 && timestampDelta < 0x4000_0000;
    if (
      !isOrdinary ||
      typeof timestampMs !== 'number' ||
      this.#count === 0 ||
      headers.length > 0 ||
      !isField(key) ||
      !isField(value)
    ) {
      return this.#appendMeasured(timestampMs, key, value, headers);
    }

    // Text is taken for ASCII, which it mostly is: its length is then known without reading it twice.
    const keyLength = key === null ? 0 : key.length;
    const valueLength = value === null ? 0 : value.length;
    // Zigzag of what is not negative is its double; 1 is zigzag of -1, for null.
    const zigzagTime = timestampDelta * 2;
    const zigzagOffset = offsetDelta * 2;
    const zigzagKey = key === null ? 1 : keyLength * 2;
    const zigzagValue = value === null ? 1 : valueLength * 2;
    const body =
      2 + // attributes and the count of headers
      (zigzagTime < 0x80 ? 1 : sizeOfUvarint(zigzagTime)) +
      (zigzagOffset < 0x80 ? 1 : sizeOfUvarint(zigzagOffset)) +
      (zigzagKey < 0x80 ? 1 : sizeOfUvarint(zigzagKey)) +
      keyLength +
      (zigzagValue < 0x80 ? 1 : sizeOfUvarint(zigzagValue)) +
      valueLength;
    const zigzagBody = body * 2;
    let at = this.#end;
    const end = at + (zigzagBody < 0x80 ? 1 : sizeOfUvarint(zigzagBody)) + body;
    if (end > this.#capacity && !this.#grow(end)) return false;

    const bytes = this.#bytes;
    if (zigzagBody < 0x80) bytes[at++] = zigzagBody;
    else if (zigzagBody < 0x4000) {
      bytes[at++] = zigzagBody | 0x80;
      bytes[at++] = zigzagBody >>> 7;
    } else at = putUvarint(bytes, at, zigzagBody);
    bytes[at++] = 0; // attributes: none is defined
    if (zigzagTime < 0x80) bytes[at++] = zigzagTime;
    else if (zigzagTime < 0x4000) {
      bytes[at++] = zigzagTime | 0x80;
      bytes[at++] = zigzagTime >>> 7;
    } else at = putUvarint(bytes, at, zigzagTime);
    if (zigzagOffset < 0x80) bytes[at++] = zigzagOffset;
    else if (zigzagOffset < 0x4000) {
      bytes[at++] = zigzagOffset | 0x80;
      bytes[at++] = zigzagOffset >>> 7;
    } else at = putUvarint(bytes, at, zigzagOffset);
    if (zigzagKey < 0x80) bytes[at++] = zigzagKey;
    else if (zigzagKey < 0x4000) {
      bytes[at++] = zigzagKey | 0x80;
      bytes[at++] = zigzagKey >>> 7;
    } else at = putUvarint(bytes, at, zigzagKey);
    if (keyLength > 0 && !putOrdinary(bytes, at, key!)) {
      return this.#appendMeasured(timestampMs, key, value, headers);
    }
    at += keyLength;
    if (zigzagValue < 0x80) bytes[at++] = zigzagValue;
    else if (zigzagValue < 0x4000) {
      bytes[at++] = zigzagValue | 0x80;
      bytes[at++] = zigzagValue >>> 7;
    } else at = putUvarint(bytes, at, zigzagValue);
    if (valueLength > 0 && !putOrdinary(bytes, at, value!)) {
      return this.#appendMeasured(timestampMs, key, value, headers);
    }
    bytes[at + valueLength] = 0; // no headers

    this.#end = end;
    this.#lastOffsetDelta = offsetDelta;
    this.#count++;
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
    return true;
  }

  /** Leaves out the next offsets, as compaction does: the next record, or the batch's end, comes so much later. */
  skipOffsets(count: number): void {
    this.#lastOffsetDelta += wholeNumber(count, 'count');
  }

  /** The records so far, without the header: what a compressor takes. A view, valid until the next append. */
  body(): Uint8Array {
    return this.#bytes.subarray(batchHeaderBytes, this.#end);
  }

  /**
   * Fills in the header and returns a view of the batch in the builder's own memory. May be called again with
   * another sequence or producer: the same memory is stamped anew.
   */
  seal(seal: BatchSeal = {}): Uint8Array {
    return this.#stamp(this.#bytes.subarray(0, this.#end), 'none', seal);
  }

  /**
   * Makes the batch whose records were compressed elsewhere, from `body()`. This builder keeps the records as they
   * were, so that the batch can still be split.
   *
   * @param compressed - the records in that compression.
   * @param into - memory for the batch, used if it is large enough; `compressed` may already lie in it at byte 61.
   */
  sealCompressed(
    compression: Compression,
    compressed: Uint8Array,
    seal: BatchSeal = {},
    into?: Uint8Array,
  ): Uint8Array {
    const size = batchHeaderBytes + compressed.length;
    const memory = into !== undefined && into.length >= size ? into : new Uint8Array(size);
    const batch = memory.subarray(0, size);
    const isThere = compressed.buffer === batch.buffer && compressed.byteOffset === batch.byteOffset + batchHeaderBytes;
    if (!isThere) batch.set(compressed, batchHeaderBytes);
    return this.#stamp(batch, compression, seal);
  }

  /**
   * Divides the records into two builders, near the middle of the bytes, each strictly smaller than this one. Both
   * keep this batch's base timestamp, which costs no byte and moves no record in time.
   *
   * @throws RangeError with fewer than two records.
   */
  split(): [RecordBatchBuilder, RecordBatchBuilder] {
    if (this.#count < 2) throw new RangeError(`a batch of ${this.#count} records cannot be split`);
    const first = this.#part();
    const second = this.#part();
    const middle = batchHeaderBytes + Math.ceil((this.#end - batchHeaderBytes) / 2);
    const cursor = { at: batchHeaderBytes };
    for (let i = 0; i < this.#count; i++) {
      const size = readVarint(this.#bytes, cursor);
      const end = cursor.at + size;
      const toFirst = i === 0 || (end <= middle && i < this.#count - 1 && second.#count === 0);
      (toFirst ? first : second).#copyRecord(this.#bytes, cursor, end);
      cursor.at = end;
    }
    return [first, second];
  }

  /** Gives back the memory, to a pool for instance. The builder and every uncompressed view of it are dead then. */
  release(): Uint8Array {
    const bytes = this.#bytes;
    this.#bytes = new Uint8Array(0);
    this.#capacity = 0;
    this.#sealed = true;
    return bytes;
  }

  /** The slow way: measures text before it is written, and refuses what cannot be. */
  #appendMeasured(timestampMs: number, key: RecordBytes, value: RecordBytes, headers: RecordHeaders): boolean {
    const offsetDelta = this.#lastOffsetDelta + 1;
    const timestampDelta = this.#count === 0 && !this.#hasDeleteHorizon ? 0 : timestampMs - this.#baseTimestamp;
    if (!Number.isSafeInteger(timestampMs) || !Number.isSafeInteger(timestampDelta)) throw badTimestamp(timestampMs);
    const body = sizeOfRecordBody(offsetDelta, timestampDelta, key, value, headers);
    const end = this.#end + sizeOfVarint(body) + body;
    if (end > this.#capacity && !this.#grow(end)) return false;

    const bytes = this.#bytes;
    let at = putVarint(bytes, this.#end, body);
    bytes[at++] = 0;
    at = putVarlong(bytes, at, timestampDelta);
    at = putVarint(bytes, at, offsetDelta);
    at = putField(bytes, at, key);
    at = putField(bytes, at, value);
    at = putVarint(bytes, at, headers.length);
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i]!;
      at = putField(bytes, at, header[0]);
      at = putField(bytes, at, header[1]);
    }
    this.#advance(at, timestampMs);
    return true;
  }

  #advance(end: number, timestampMs: number): void {
    this.#end = end;
    this.#lastOffsetDelta++;
    if (this.#count++ === 0) {
      if (!this.#hasDeleteHorizon) this.#baseTimestamp = timestampMs;
      this.#maxTimestamp = timestampMs;
    } else if (timestampMs > this.#maxTimestamp) {
      this.#maxTimestamp = timestampMs;
    }
  }

  #grow(end: number): boolean {
    if (this.#sealed || end > this.limitBytes) return false;
    const bytes = new Uint8Array(Math.min(this.limitBytes, Math.max(end, this.#bytes.length * 2)));
    bytes.set(this.#bytes.subarray(batchHeaderBytes, this.#end), batchHeaderBytes);
    this.#bytes = bytes;
    this.#capacity = bytes.length;
    return true;
  }

  #stamp(batch: Uint8Array, compression: Compression, seal: BatchSeal): Uint8Array {
    this.#sealed = true;
    this.#capacity = 0;
    const header = {
      compression,
      lastOffsetDelta: Math.max(0, this.#lastOffsetDelta),
      baseTimestampMs: this.#baseTimestamp,
      maxTimestampMs: this.#maxTimestamp,
      hasDeleteHorizon: this.#hasDeleteHorizon,
      count: this.#count,
    };
    putBatchHeader(batch, header, seal, this.#checksum);
    return batch;
  }

  /** An empty builder of the same kind and the same base timestamp. */
  #part(): RecordBatchBuilder {
    const options: RecordBatchBuilderOptions = { limitBytes: this.limitBytes, checksum: this.#checksum };
    if (this.#hasDeleteHorizon) options.deleteHorizonMs = this.#baseTimestamp;
    const part = new RecordBatchBuilder(options);
    part.#baseTimestamp = this.#baseTimestamp;
    return part;
  }

  /** Takes over a record that another builder wrote, under the next offset here. */
  #copyRecord(source: Uint8Array, cursor: { at: number }, end: number): void {
    cursor.at++; // attributes
    const timestampDelta = readVarlong(source, cursor);
    readVarint(source, cursor); // its offset there
    const rest = source.subarray(cursor.at, end);
    const offsetDelta = this.#lastOffsetDelta + 1;
    const body = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + rest.length;
    const partEnd = this.#end + sizeOfVarint(body) + body;
    if (partEnd > this.#capacity) this.#grow(partEnd);
    const bytes = this.#bytes;
    let at = putVarint(bytes, this.#end, body);
    bytes[at++] = 0;
    at = putVarlong(bytes, at, timestampDelta);
    at = putVarint(bytes, at, offsetDelta);
    bytes.set(rest, at);
    const baseTimestamp = this.#baseTimestamp;
    this.#advance(at + rest.length, baseTimestamp + timestampDelta);
    this.#baseTimestamp = baseTimestamp;
  }
}

/**
 * Whether it is what its type says; anything else is refused by name where records are measured. The size of an element
 * is a constant of the type, so V8 asks nothing of the array itself, as it would for its length.
 */
function isField(field: RecordBytes): boolean {
  return field === null || typeof field === 'string' || field?.BYTES_PER_ELEMENT === 1;
}

/** Writes bytes, or text that is taken for ASCII: false if it is not. */
function putOrdinary(bytes: Uint8Array, at: number, field: Uint8Array | string): boolean {
  if (typeof field === 'string') return putAscii(bytes, at, field);
  bytes.set(field, at);
  return true;
}

/** Writes a length and a field. Text goes first and its length follows, since there is room for both. */
function putField(bytes: Uint8Array, at: number, field: RecordBytes): number {
  if (field === null) return putVarint(bytes, at, -1);
  if (typeof field !== 'string') {
    const start = putVarint(bytes, at, field.length);
    bytes.set(field, start);
    return start + field.length;
  }
  const room = sizeOfVarint(field.length);
  const end = putUtf8(bytes, at + room, field);
  const length = end - at - room;
  const size = sizeOfVarint(length);
  if (size !== room) bytes.copyWithin(at + size, at + room, end);
  putVarint(bytes, at, length);
  return at + size + length;
}

/** Reads what a builder wrote: no bounds to mind. */
function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  return readVarlong(bytes, cursor);
}

function readVarlong(bytes: Uint8Array, cursor: { at: number }): number {
  const first = bytes[cursor.at++]!;
  let size = (first & 0x7f) >> 1;
  let byte = first;
  for (let unit = 64; byte & 0x80; unit *= 128) {
    byte = bytes[cursor.at++]!;
    size += (byte & 0x7f) * unit;
  }
  return first & 1 ? -size - 1 : size;
}

function wholeNumber(value: number, name: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number, got ${value}`);
  return value;
}

function badTimestamp(timestampMs: number): RangeError {
  return new RangeError(`timestampMs must be a whole number of milliseconds, got ${String(timestampMs)}`);
}

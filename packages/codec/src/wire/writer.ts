import { CodecError, describeValue } from '../errors.ts';
import type { TaggedField } from './tagged-field.ts';
import { putUtf8 } from './utf8.ts';
import { putUuid } from './uuid.ts';
import { putUvarint, putVarint, putVarlong, putVarlongBigInt, sizeOfUvarint } from './varint.ts';

/** Kafka's length type for text is int16, and Java's classes hold to it in compact versions too. */
const maxStringBytes = 0x7fff;

/** A caller's byte array that belongs before the byte at `at` and was not copied. */
interface Gathered {
  at: number;
  bytes: Uint8Array;
}

/**
 * Big-endian output in one growing buffer, one method a wire type. Every method checks its value, so that nothing
 * is cut or wrapped on the way out.
 *
 * With `gatherFrom`, byte fields of at least that many bytes are not copied: the writer keeps a reference, and
 * `chunks()` returns own and foreign pieces in order. Such arrays must stay unchanged until the chunks were used.
 */
export class Writer {
  bytes: Uint8Array;
  view: DataView;
  /** Bytes written into `bytes`; gathered arrays not counted. */
  pos = 0;
  #capacity: number;
  readonly #gatherFrom: number;
  readonly #gathered: Gathered[] = [];
  #gatheredBytes = 0;

  constructor(capacity = 1024, gatherFrom: number = Number.POSITIVE_INFINITY) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.#capacity = capacity;
    this.#gatherFrom = gatherFrom;
  }

  /** Bytes of the whole output so far. */
  get length(): number {
    return this.pos + this.#gatheredBytes;
  }

  /** The output in one array: a view of this writer's memory unless something was gathered. */
  finish(): Uint8Array {
    if (this.#gathered.length === 0) return this.bytes.subarray(0, this.pos);
    const whole = new Uint8Array(this.length);
    let from = 0;
    let to = 0;
    for (const { at, bytes } of this.#gathered) {
      to = copyOwn(this.bytes, from, at, whole, to);
      whole.set(bytes, to);
      to += bytes.length;
      from = at;
    }
    copyOwn(this.bytes, from, this.pos, whole, to);
    return whole;
  }

  /** The output as pieces in order: views of this writer's memory and the gathered arrays themselves. */
  chunks(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let from = 0;
    for (const { at, bytes } of this.#gathered) {
      if (at > from) chunks.push(this.bytes.subarray(from, at));
      chunks.push(bytes);
      from = at;
    }
    if (this.pos > from) chunks.push(this.bytes.subarray(from, this.pos));
    return chunks;
  }

  /** Starts over in the same memory: what `finish` and `chunks` returned before is overwritten. */
  reset(): void {
    this.pos = 0;
    this.#gathered.length = 0;
    this.#gatheredBytes = 0;
  }

  int8(value: number): void {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value) throw notInteger('int8', value);
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  int16(value: number): void {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value) throw notInteger('int16', value);
    const at = this.reserve(2);
    this.view.setInt16(at, value);
  }

  int32(value: number): void {
    if (typeof value !== 'number' || (value | 0) !== value) throw notInteger('int32', value);
    const at = this.reserve(4);
    this.view.setInt32(at, value);
  }

  uint16(value: number): void {
    if (typeof value !== 'number' || (value & 0xffff) !== value) throw notInteger('uint16', value);
    const at = this.reserve(2);
    this.view.setUint16(at, value);
  }

  uint32(value: number): void {
    if (typeof value !== 'number' || value >>> 0 !== value) throw notInteger('uint32', value);
    const at = this.reserve(4);
    this.view.setUint32(at, value);
  }

  int64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw notInt64(value);
    const at = this.reserve(8);
    this.view.setBigInt64(at, value);
  }

  /** An int64 given as an exact number: many times cheaper than through a bigint. */
  int64Number(value: number): void {
    if (!Number.isSafeInteger(value)) throw notInteger('int64', value);
    const at = this.reserve(8);
    this.view.setInt32(at, Math.floor(value / 0x100000000));
    this.view.setUint32(at + 4, value >>> 0);
  }

  float64(value: number): void {
    if (typeof value !== 'number') throw wrongType('a number', value);
    const at = this.reserve(8);
    this.view.setFloat64(at, value);
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw wrongType('a boolean', value);
    const at = this.reserve(1);
    this.bytes[at] = value ? 1 : 0;
  }

  /** @param value - Kafka's text form: 22 base64url characters. */
  uuid(value: string): void {
    const at = this.reserve(16);
    putUuid(this.bytes, at, value);
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(value: number): void {
    if (typeof value !== 'number' || value >>> 0 !== value) throw notInteger('unsigned varint', value);
    if (value < 0x80) {
      const at = this.reserve(1);
      this.bytes[at] = value;
      return;
    }
    const at = this.reserve(5);
    this.pos = putUvarint(this.bytes, at, value);
  }

  /** A zigzag varint of 32 bits. */
  varint(value: number): void {
    if (typeof value !== 'number' || (value | 0) !== value) throw notInteger('varint', value);
    const at = this.reserve(5);
    this.pos = putVarint(this.bytes, at, value);
  }

  /** A zigzag varint of 64 bits. */
  varlong(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw notInt64(value);
    const at = this.reserve(10);
    this.pos = putVarlongBigInt(this.bytes, at, value);
  }

  /** A zigzag varint of 64 bits, given as an exact number. */
  varlongNumber(value: number): void {
    if (!Number.isSafeInteger(value)) throw notInteger('varlong', value);
    const at = this.reserve(10);
    this.pos = putVarlong(this.bytes, at, value);
  }

  string(value: string): void {
    if (typeof value !== 'string') throw wrongType('a string', value);
    if (value.length > maxStringBytes) throw tooLong(value.length);
    const start = this.reserve(2 + value.length * 3);
    const end = putUtf8(this.bytes, start + 2, value);
    const size = end - start - 2;
    if (size > maxStringBytes) throw tooLong(size);
    this.view.setInt16(start, size);
    this.pos = end;
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    if (typeof value !== 'string') throw wrongType('a string', value);
    if (value.length > maxStringBytes) throw tooLong(value.length);
    const start = this.reserve(3 + value.length * 3);
    // ASCII, nearly always: then the length in characters tells the size of the prefix.
    const guess = sizeOfUvarint(value.length + 1);
    let end = putUtf8(this.bytes, start + guess, value);
    const size = end - start - guess;
    if (size > maxStringBytes) throw tooLong(size);
    const prefix = sizeOfUvarint(size + 1);
    if (prefix !== guess) {
      this.bytes.copyWithin(start + prefix, start + guess, end);
      end += prefix - guess;
    }
    putUvarint(this.bytes, start, size + 1);
    this.pos = end;
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  /** An int32 length and the bytes. */
  byteArray(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw wrongType('a Uint8Array', value);
    this.int32(value.length);
    this.raw(value);
  }

  nullableByteArray(value: Uint8Array | null): void {
    if (value === null) this.int32(-1);
    else this.byteArray(value);
  }

  compactByteArray(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw wrongType('a Uint8Array', value);
    this.uvarint(value.length + 1);
    this.raw(value);
  }

  compactNullableByteArray(value: Uint8Array | null): void {
    if (value === null) this.uvarint(0);
    else this.compactByteArray(value);
  }

  /** Bytes without a length; kept by reference when they reach the gathering size. */
  raw(value: Uint8Array): void {
    if (value.length >= this.#gatherFrom) {
      this.#gathered.push({ at: this.pos, bytes: value });
      this.#gatheredBytes += value.length;
      return;
    }
    const at = this.reserve(value.length);
    this.bytes.set(value, at);
  }

  /** The count of an array whose elements the caller writes next. */
  arrayLength(value: readonly unknown[]): void {
    if (!Array.isArray(value)) throw wrongType('an array', value);
    this.int32(value.length);
  }

  nullableArrayLength(value: readonly unknown[] | null): void {
    if (value === null) this.int32(-1);
    else this.arrayLength(value);
  }

  compactArrayLength(value: readonly unknown[]): void {
    if (!Array.isArray(value)) throw wrongType('an array', value);
    const mark = value.length + 1;
    if (mark < 0x80) {
      const at = this.reserve(1);
      this.bytes[at] = mark;
    } else this.uvarint(mark);
  }

  compactNullableArrayLength(value: readonly unknown[] | null): void {
    if (value === null) this.uvarint(0);
    else this.compactArrayLength(value);
  }

  /** A count and as many int32. */
  int32Array(values: readonly number[]): void {
    if (!Array.isArray(values)) throw wrongType('an array', values);
    this.int32(values.length);
    this.#int32s(values);
  }

  nullableInt32Array(values: readonly number[] | null): void {
    if (values === null) this.int32(-1);
    else this.int32Array(values);
  }

  compactInt32Array(values: readonly number[]): void {
    this.compactArrayLength(values);
    this.#int32s(values);
  }

  compactNullableInt32Array(values: readonly number[] | null): void {
    if (values === null) this.uvarint(0);
    else this.compactInt32Array(values);
  }

  #int32s(values: readonly number[]): void {
    const { length } = values;
    let at = this.reserve(length * 4);
    const { view } = this;
    for (let i = 0; i < length; i++, at += 4) {
      const value = values[i]!;
      if (typeof value !== 'number' || (value | 0) !== value) throw notInteger('int32', value);
      view.setInt32(at, value);
    }
  }

  /** All tagged fields of a struct whose definition has none of its own. */
  taggedFields(fields: readonly TaggedField[]): void {
    this.uvarint(fields.length);
    if (fields.length > 0) this.unknownTags(fields, 0);
  }

  /**
   * Writes unknown tagged fields from index `from` up to, not including, the known tag `before`, and returns the
   * index of the next one. Tags must rise: two fields of one tag could not both be read back by everybody.
   */
  unknownTags(fields: readonly TaggedField[], from: number, before: number = Number.POSITIVE_INFINITY): number {
    let i = from;
    for (; i < fields.length; i++) {
      const field = fields[i]!;
      const { tag } = field;
      if (tag === before) throw new CodecError('INVALID_TAG', `tag ${tag} belongs to a known field`);
      if (tag > before) break;
      if (i > 0 && tag <= fields[i - 1]!.tag) {
        throw new CodecError('INVALID_TAG', `unknown tag ${tag} comes after tag ${fields[i - 1]!.tag}: tags must rise`);
      }
      this.uvarint(tag);
      const { data } = field;
      if (!(data instanceof Uint8Array)) throw wrongType('a Uint8Array', data);
      this.uvarint(data.length);
      this.raw(data);
    }
    return i;
  }

  /** Begins a known tagged field; its size is filled in by `endTag`, which wants the position returned here. */
  beginTag(tag: number): number {
    this.uvarint(tag);
    const start = this.reserve(1);
    return start;
  }

  /** One byte was left for the size; a bigger content moves up by what its size needs more. */
  endTag(start: number): void {
    let gatheredSize = 0;
    let first = this.#gathered.length;
    while (first > 0 && this.#gathered[first - 1]!.at > start) gatheredSize += this.#gathered[--first]!.bytes.length;
    const size = this.pos - start - 1 + gatheredSize;
    const more = sizeOfUvarint(size) - 1;
    if (more > 0) {
      const end = this.pos;
      this.reserve(more);
      this.bytes.copyWithin(start + 1 + more, start + 1, end);
      for (; first < this.#gathered.length; first++) this.#gathered[first]!.at += more;
    }
    putUvarint(this.bytes, start, size);
  }

  /** Overwrites four bytes written earlier, such as the size in front of a frame. */
  patchInt32(at: number, value: number): void {
    if ((value | 0) !== value) throw notInteger('int32', value);
    this.view.setInt32(at, value);
  }

  /** Makes sure of room for `size` bytes, moves past them and returns where they begin. */
  reserve(size: number): number {
    const at = this.pos;
    this.pos = at + size;
    if (this.pos > this.#capacity) this.#grow();
    return at;
  }

  #grow(): void {
    // New memory costs about a microsecond however small it is, so small buffers take larger steps.
    const factor = this.#capacity < 65536 ? 4 : 2;
    const bytes = new Uint8Array(Math.max(this.#capacity * factor, this.pos));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.#capacity = bytes.length;
  }
}

/** What lies between two gathered arrays is a few bytes, mostly: less than making a view of them costs. */
function copyOwn(own: Uint8Array, from: number, end: number, whole: Uint8Array, to: number): number {
  if (end - from > 64) whole.set(own.subarray(from, end), to);
  else for (let i = from, at = to; i < end; i++, at++) whole[at] = own[i]!;
  return to + end - from;
}

function missingOr(value: unknown): CodecError | null {
  if (value === undefined) return new CodecError('MISSING_FIELD', 'is missing and has no default');
  if (value === null) return new CodecError('NOT_NULLABLE', 'is null, which this version cannot carry');
  return null;
}

function wrongType(wanted: string, value: unknown): CodecError {
  return missingOr(value) ?? new CodecError('WRONG_TYPE', `needs ${wanted}, not ${describeValue(value)}`);
}

function notInteger(type: string, value: unknown): CodecError {
  if (!Number.isInteger(value)) return wrongType(`a whole number (${type})`, value);
  return new CodecError('OUT_OF_RANGE', `${value} does not fit in ${type}`);
}

function notInt64(value: unknown): CodecError {
  if (typeof value !== 'bigint') return wrongType('a bigint (int64)', value);
  return new CodecError('OUT_OF_RANGE', `${value} does not fit in int64`);
}

function tooLong(size: number): CodecError {
  return new CodecError('TOO_LONG', `the text takes ${size} bytes or more, and Kafka allows ${maxStringBytes}`);
}
